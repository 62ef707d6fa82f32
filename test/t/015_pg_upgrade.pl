# pg_upgrade into a new cluster: everything is there and goes on working. Both are of one version, unless the environment names, as for
# PostgreSQL's own tests, an older one that has the extension, too: oldinstall=/usr/local/pgsql-15.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use LeadcrmTest;

# pg_upgrade asks the new server to LOAD '$libdir/leadcrm', which since 18 does not look where extension_control_path does
plan skip_all => 'pg_upgrade finds the library only where PostgreSQL itself is installed'
  if defined $ENV{TEMP_CONFIG} && slurp_file($ENV{TEMP_CONFIG}) =~ /^extension_control_path/m;

# both alike: from 18 on initdb turns checksums on by itself
my @checksums = (extra => ['--data-checksums']);
my $old = new_node('old', install_path => $ENV{oldinstall}, @checksums);
make_company($old, 'company', 300);
make_trackers($old, 'company');
my $contents = contents($old, 'company');
my $schema = schema_of($old, 'company');
my $leak = the_leak($old, 'company');
$old->stop;

my $new = PostgreSQL::Test::Cluster->new('new');
$new->init(@checksums);
$new->append_conf('postgresql.conf', "max_prepared_transactions = 10\n");

my $bindir = $ENV{LEADCRM_BINDIR} // (run_command([ 'pg_config', '--bindir' ]))[0];
chdir PostgreSQL::Test::Utils::tempdir();
command_ok(
	[
		'pg_upgrade', '--old-datadir', $old->data_dir, '--new-datadir', $new->data_dir, '--old-bindir',
		$ENV{oldinstall} ? "$ENV{oldinstall}/bin" : $bindir,
		'--new-bindir', $bindir, '--socketdir', $new->host, '--old-port', $old->port, '--new-port', $new->port
	],
	'pg_upgrade');
$new->start;

is(contents_differ($contents, contents($new, 'company')), '', 'same rows in every table');
SKIP:
{
	skip 'another version of pg_dump writes a schema in other words', 1 if $ENV{oldinstall};
	is(schema_differs($schema, $new, 'company'), '', 'same schema');
}
is(the_leak($new, 'company'), $leak, 'the leak is the same');
is(disagreements($new, 'company'), '', 'rows and histories agree');
is(views_work($new, 'company'), '', 'every view works');
still_guarded($new, 'company', 'after pg_upgrade');

$new->stop;
done_testing();
