# Dump and restore in every format, into another cluster: nothing is lost, and the guards go on working.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use LeadcrmTest;

my $old = new_node('old');
make_company($old, 'company', 2000);
make_trackers($old, 'company');

# what the users made of their tables is theirs
$old->safe_psql('company', <<'SQL', extra_params => [ '-U', 'crm_owner' ]);
ALTER TABLE crm.lead ADD COLUMN "Own column" text DEFAULT 'mine';
CREATE INDEX "own index" ON crm.lead ("Own column", company);
ALTER TABLE crm.lead ENABLE ROW LEVEL SECURITY;
CREATE POLICY "own policy" ON crm.lead FOR SELECT TO analyst USING (channel <> 'referral');
GRANT USAGE ON SCHEMA crm TO analyst;
GRANT SELECT ON crm.lead, crm.stage_history TO analyst;
COMMENT ON COLUMN crm.lead.industry IS 'our own words';
CREATE VIEW crm.own_view AS SELECT l.stage, count(*) FROM crm.lead l GROUP BY l.stage;
UPDATE crm.lead SET "Own column" = 'changed' WHERE lead_id % 9 = 0;
UPDATE crm.setting SET time_zone = 'Asia/Tbilisi';
DELETE FROM crm.stage_transition WHERE from_state = 'evangelist';
SQL
is(disagreements($old, 'company'), '', 'rows and histories agree before the dump');

my $contents = contents($old, 'company');
my $schema = schema_of($old, 'company');
my $leak = the_leak($old, 'company');
cmp_ok(scalar(keys %$contents), '>', 15, 'there are tables to compare');

my $new = new_node('new');
$new->safe_psql('postgres', 'CREATE ROLE crm_owner LOGIN; CREATE ROLE analyst;');

my $dir = PostgreSQL::Test::Utils::tempdir();
my @from = ('pg_dump', '--no-sync', '-d', $old->connstr('company'));

# check_copy(DB): is the database the same in every respect?
sub check_copy
{
	my ($db) = @_;
	is(contents_differ($contents, contents($new, $db)), '', "$db: same rows in every table");
	is(schema_differs($schema, $new, $db), '', "$db: same schema, with users' own columns, indexes, policies, grants, comments");
	is(disagreements($new, $db), '', "$db: rows and histories agree");
	is(the_leak($new, $db), $leak, "$db: the leak is the same");
	is(views_work($new, $db), '', "$db: every view works");
	still_guarded($new, $db, $db);
	return;
}

$new->safe_psql('postgres', "CREATE DATABASE $_") for qw(plain custom directory workspace parts archive_parts no_triggers);

command_ok([ @from, '-f', "$dir/plain.sql" ], 'plain dump');
command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $new->connstr('plain'), '-f', "$dir/plain.sql" ], 'plain restore');
check_copy('plain');

command_ok([ @from, '-Fc', '-f', "$dir/custom" ], 'custom dump');
command_ok([ 'pg_restore', '--exit-on-error', '-d', $new->connstr('custom'), "$dir/custom" ], 'custom restore');
check_copy('custom');

# Where a partitioned table is tracked: in parallel, pg_restore may make its triggers before the rows of its partitions come.
command_ok([ @from, '-Fd', '-j', '2', '-f', "$dir/directory" ], 'parallel dump');
{
	local $ENV{PGOPTIONS} = '-c leadcrm.enforcement=off';
	command_ok([ 'pg_restore', '--exit-on-error', '-j', '2', '-d', $new->connstr('directory'), "$dir/directory" ], 'parallel restore');
}
check_copy('directory');

# A workspace alone needs no setting: the triggers of other tables wait for their rows.
command_ok([ @from, '-Fd', '-j', '2', '--exclude-schema', '"Help Desk"', '-f', "$dir/workspace" ], 'parallel dump of the workspace');
command_ok([ 'pg_restore', '--exit-on-error', '-j', '2', '-d', $new->connstr('workspace'), "$dir/workspace" ],
	'parallel restore of the workspace');
is(contents_differ({ map { $_ => $contents->{$_} } grep { /^crm\./ } keys %$contents }, contents($new, 'workspace')),
	'', 'workspace: same rows in every table');
is(disagreements($new, 'workspace'), '', 'workspace: rows and histories agree');
still_guarded($new, 'workspace', 'workspace');

# schema first, data later: the triggers stand when the rows come
command_ok([ @from, '--schema-only', '-f', "$dir/schema.sql" ], 'schema dump');
command_ok([ @from, '--data-only', '-f', "$dir/data.sql" ], 'data dump');
command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $new->connstr('parts'), '-f', "$dir/schema.sql" ], 'schema restore');
{
	local $ENV{PGOPTIONS} = '-c leadcrm.enforcement=off';
	command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $new->connstr('parts'), '-f', "$dir/data.sql" ], 'data restore');
}
check_copy('parts');

# the same out of archives; the one of data only is in the order that foreign keys need, unless it is restored in parallel
command_ok([ @from, '-Fc', '--data-only', '-f', "$dir/data" ], 'data dump as an archive');
command_ok([ 'pg_restore', '--exit-on-error', '--schema-only', '-d', $new->connstr('archive_parts'), "$dir/custom" ], 'schema out of an archive');
{
	local $ENV{PGOPTIONS} = '-c leadcrm.enforcement=off';
	command_ok([ 'pg_restore', '--exit-on-error', '-d', $new->connstr('archive_parts'), "$dir/data" ], 'data out of an archive');
}
check_copy('archive_parts');

# --disable-triggers forgets which triggers fired always: verify() says so, and repair() mends it
command_ok([ 'pg_restore', '--exit-on-error', '--schema-only', '-d', $new->connstr('no_triggers'), "$dir/custom" ], 'schema once more');
command_ok([ 'pg_restore', '--exit-on-error', '--disable-triggers', '-d', $new->connstr('no_triggers'), "$dir/data" ],
	'data with the triggers disabled');
like(disagreements($new, 'no_triggers'), qr/does not fire always/, 'verify() finds what is no longer as it was');
for my $table (tracked_tables($new, 'no_triggers'))
{
	(my $literal = $table) =~ s/'/''/g;
	$new->safe_psql('no_triggers', "SELECT * FROM leadcrm.repair('$literal'::regclass, dry_run => false)");
}
check_copy('no_triggers');

$old->stop;
$new->stop;
done_testing();
