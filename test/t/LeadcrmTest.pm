# LeadcrmTest.pm: what the whole-server tests share. The servers are PostgreSQL::Test::Cluster's.
package LeadcrmTest;
use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(new_node make_company make_trackers tracked_tables disagreements contents contents_differ schema_of
  schema_differs the_leak views_work refused still_guarded);

# new_node(NAME, PARAMS...): a running server; PARAMS as of init(), and conf => lines of configuration, install_path => another
# PostgreSQL than the one on the path
sub new_node
{
	my ($name, %params) = @_;
	my $conf = delete $params{conf} // '';
	my $path = delete $params{install_path};
	my $node = PostgreSQL::Test::Cluster->new($name, $path ? (install_path => $path) : ());
	$node->init(%params);
	$node->append_conf('postgresql.conf', "max_prepared_transactions = 10\nlog_statement = none\n$conf");
	$node->start;
	return $node;
}

# make_company(NODE, DB, LEADS): extension and workspace crm, of a role that is no superuser, with leads in every walk of life
sub make_company
{
	my ($node, $db, $leads) = @_;
	$node->safe_psql('postgres', 'CREATE ROLE crm_owner LOGIN; CREATE ROLE analyst;');
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql('postgres', "GRANT CREATE ON DATABASE $db TO crm_owner");
	as_owner($node, $db, <<"SQL");
CREATE EXTENSION leadcrm;
SELECT leadcrm.create_workspace('crm');
INSERT INTO crm.rep (code, full_name) VALUES ('ann', 'Ann'), ('bob', 'Bob');
INSERT INTO crm.lead (external_id, full_name, email, channel, value)
	SELECT 'x' || i, 'Lead ' || i, 'lead' || i || '\@example.com', (ARRAY['organic_search', 'referral', '(none)'])[1 + i % 3], i
	FROM generate_series(1, $leads) i;
UPDATE crm.lead SET stage = 'mql' WHERE lead_id % 2 = 0;
UPDATE crm.lead SET stage = 'sql', owner = 'ann' WHERE lead_id % 4 = 0;
UPDATE crm.lead SET stage = 'opportunity' WHERE lead_id % 8 = 0;
UPDATE crm.lead SET stage = 'customer', owner = 'bob' WHERE lead_id % 16 = 0;
UPDATE crm.lead SET stage = 'lead', stage_reason = 'not_ready' WHERE stage = 'mql' AND lead_id % 10 = 2;
UPDATE crm.lead SET status = 'connected' WHERE stage = 'lead' AND lead_id % 3 = 0;
UPDATE crm.lead SET status = 'unqualified', status_reason = 'not_target' WHERE stage = 'mql' AND lead_id % 7 = 0;
UPDATE crm.lead SET referred_by = lead_id + 1 WHERE lead_id % 50 = 1 AND lead_id < $leads;
INSERT INTO crm.lead (external_id, full_name, stage, lead_at, mql_at, sql_at, customer_at)
	SELECT 'b' || i, 'Old lead ' || i, 'customer', t, t + interval '3 days', t + interval '9 days', t + interval '30 days'
	FROM (SELECT i, timestamptz '2024-01-01 00:00 UTC' + i * interval '1 hour' AS t FROM generate_series(1, 200) i) x;
SELECT leadcrm.correct('crm.lead', 'stage', '16', 'wrong click');
INSERT INTO crm.activity (lead_id, kind, occurred_at) SELECT l.lead_id, k.code, timestamptz '2026-01-01' + l.lead_id * i * interval '1 hour'
	FROM crm.lead l CROSS JOIN generate_series(1, 4) i JOIN crm.activity_kind k ON k.position = 10 + (l.lead_id + 5 * i) % 18 * 10;
DELETE FROM crm.lead WHERE lead_id = 3;
SELECT crm.learn_fit() WHERE $leads >= 100;
SELECT crm.apply_suggestion() WHERE $leads >= 100;
SQL
	return;
}

# make_trackers(NODE, DB): tracked tables of the owner's own: awkward names, a uuid key, partitions
sub make_trackers
{
	my ($node, $db) = @_;
	as_owner($node, $db, <<'SQL');
CREATE SCHEMA "Help Desk";
CREATE TYPE "Help Desk"."State" AS ENUM ('open', 'in work', 'done');
CREATE TABLE "Help Desk"."Ticket Box" ("Id" uuid PRIMARY KEY DEFAULT gen_random_uuid(), gone int,
	"State" "Help Desk"."State" NOT NULL, "done_at" timestamptz);
ALTER TABLE "Help Desk"."Ticket Box" DROP COLUMN gone;
SELECT leadcrm.track('"Help Desk"."Ticket Box"', 'State');
INSERT INTO "Help Desk"."Ticket Box_State_transition" (from_state, to_state, needs_reason)
	VALUES (NULL, 'open', false), ('open', 'in work', false), ('in work', 'done', true);
INSERT INTO "Help Desk"."Ticket Box" ("State") SELECT 'open' FROM generate_series(1, 100);
UPDATE "Help Desk"."Ticket Box" SET "State" = 'in work';
CREATE TABLE "Help Desk".parcel (parcel_id bigint NOT NULL, region text NOT NULL, state text NOT NULL,
	PRIMARY KEY (parcel_id, region)) PARTITION BY LIST (region);
CREATE TABLE "Help Desk".parcel_north PARTITION OF "Help Desk".parcel FOR VALUES IN ('north');
CREATE TABLE "Help Desk".parcel_south PARTITION OF "Help Desk".parcel FOR VALUES IN ('south');
SELECT leadcrm.track('"Help Desk".parcel', 'state', 'parcel_id');
INSERT INTO "Help Desk".parcel SELECT i, CASE WHEN i % 2 = 0 THEN 'north' ELSE 'south' END, 'packed' FROM generate_series(1, 100) i;
UPDATE "Help Desk".parcel SET state = 'sent' WHERE parcel_id % 3 = 0;
UPDATE "Help Desk".parcel SET region = 'north' WHERE parcel_id % 5 = 0;
SQL
	return;
}

sub as_owner
{
	my ($node, $db, $sql) = @_;
	return $node->safe_psql($db, $sql, extra_params => [ '-U', 'crm_owner' ]);
}

# every tracked table of the database
sub tracked_tables
{
	my ($node, $db) = @_;
	return split /\n/, $node->safe_psql($db, <<'SQL');
SELECT DISTINCT t.tgrelid::regclass FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE t.tgname LIKE '~leadcrm\_guard\_%' AND NOT c.relispartition ORDER BY 1
SQL
}

# disagreements(NODE, DB): what leadcrm.verify() says of every tracked table; '' where all is well
sub disagreements
{
	my ($node, $db) = @_;
	my $all = '';
	for my $table (tracked_tables($node, $db))
	{
		(my $literal = $table) =~ s/'/''/g;
		my $rows = $node->safe_psql($db, "SELECT * FROM leadcrm.verify('$literal'::regclass) LIMIT 5");
		$all .= "$table: $rows\n" if $rows ne '';
	}
	if ($node->safe_psql($db, "SELECT to_regclass('crm.engagement_mismatch')") ne '')
	{
		my $rows = $node->safe_psql($db, 'SELECT * FROM crm.engagement_mismatch LIMIT 5');
		$all .= "crm.engagement_mismatch: $rows\n" if $rows ne '';
	}
	return $all;
}

# contents(NODE, DB): table name => rows and a checksum over all of them, for every user's table
sub contents
{
	my ($node, $db) = @_;
	my %contents;
	my @tables = split /\n/, $node->safe_psql($db, <<'SQL');
SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') ORDER BY 1
SQL
	for my $table (@tables)
	{
		$contents{$table} = $node->safe_psql($db,
			"SELECT count(*), md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))) FROM $table t");
	}
	return \%contents;
}

# contents_differ(A, B): the tables whose contents are not the same
sub contents_differ
{
	my ($x, $y) = @_;
	my %tables = (%$x, %$y);
	return join("\n", grep { ($x->{$_} // 'no such table') ne ($y->{$_} // 'no such table') } sort keys %tables);
}

# schema_of(NODE, DB): the schema as pg_dump writes it, without the bodies of views and SQL functions
sub schema_of
{
	my ($node, $db) = @_;
	my ($out, $err) = run_command([ 'pg_dump', '--schema-only', '-d', $node->connstr($db) ]);
	BAIL_OUT("pg_dump failed: $err") if $out eq '';
	# random by design
	$out =~ s/^\\(un)?restrict .*\n//mg;
	# PostgreSQL does not always write a query as it reads what it wrote
	$out =~ s/^(CREATE VIEW [^\n]*) AS\n.*?;\n\n/$1\n\n/msg;
	$out =~ s/BEGIN ATOMIC\n.*?\nEND;\n/BEGIN ATOMIC END;\n/msg;
	return $out;
}

# schema_differs(SCHEMA, NODE, DB): the first differences from what schema_of() said of another database
sub schema_differs
{
	my ($schema, $node, $db) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir();
	append_to_file("$dir/expected", $schema);
	append_to_file("$dir/found", schema_of($node, $db));
	my ($diff) = run_command([ 'diff', '-U1', "$dir/expected", "$dir/found" ]);
	return substr($diff, 0, 2000);
}

# the_leak(NODE, DB): the funnel, to nine digits: sums of floating-point numbers in another order differ in their last; without what
# changes as time passes
sub the_leak
{
	my ($node, $db) = @_;
	my $leak = $node->safe_psql($db, "SELECT to_jsonb(f) - 'expected_pct' FROM crm.funnel_leak f ORDER BY position");
	return $leak =~ s/(\d+\.\d+)/sprintf('%.9g', $1)/ger;
}

# views_work(NODE, DB): the views of schema crm that cannot be read; '' where all can
sub views_work
{
	my ($node, $db) = @_;
	my $failed = '';
	my @views = split /\n/, $node->safe_psql($db,
		"SELECT oid::regclass FROM pg_class WHERE relkind = 'v' AND relnamespace = 'crm'::regnamespace ORDER BY 1");
	$failed .= "there are no views\n" if !@views;
	for my $view (@views)
	{
		my ($rc, $out, $err) = $node->psql($db, "SELECT count(*) FROM (SELECT * FROM $view) v");
		$failed .= "$view: $err\n" if $rc != 0 || $err ne '';
	}
	return $failed;
}

# refused(NODE, DB, SQL, SQLSTATE): does the statement fail with that state? Otherwise what happened
sub refused
{
	my ($node, $db, $sql, $state) = @_;
	my ($rc, $out, $err) = $node->psql($db, "\\set VERBOSITY verbose\n$sql", on_error_stop => 1);
	return 'it passed' if $rc == 0;
	return $err =~ /ERROR:  \Q$state\E:/ ? '' : $err;
}

# still_guarded(NODE, DB, WHERE): tests that the rules hold and changes are recorded
sub still_guarded
{
	my ($node, $db, $where) = @_;
	is(refused($node, $db, "UPDATE crm.lead SET stage = 'evangelist' WHERE external_id = 'x1';", '23514'),
		'', "$where: a forbidden move is refused");
	is(refused($node, $db, 'DELETE FROM crm.stage_history;', '42501'),
		'', "$where: the history cannot be deleted");
	is(refused($node, $db, 'UPDATE crm.lead SET engagement = NULL;', '23514'), '', "$where: an engagement cannot be written");
	$node->safe_psql($db, "INSERT INTO crm.lead (external_id) VALUES ('new')");
	$node->safe_psql($db, "INSERT INTO crm.activity (activity_id, lead_id, kind) SELECT 1000000000 + lead_id, lead_id, 'page_view' FROM crm.lead WHERE external_id IN ('new', 'x1')");
	$node->safe_psql($db, "UPDATE crm.lead SET stage = 'mql' WHERE external_id = 'new'");
	is( $node->safe_psql($db, <<'SQL'),
SELECT string_agg(origin || ' ' || to_state, ', ' ORDER BY seq) FROM crm.stage_history JOIN crm.lead USING (lead_id)
WHERE external_id = 'new'
SQL
		'birth lead, change mql',
		"$where: a new lead has its history");
	is(disagreements($node, $db), '', "$where: rows and histories agree after new changes");
	return;
}

1;
