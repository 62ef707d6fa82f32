# A physical standby: everything can be read there, nothing written, and it is whole after a failover.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use LeadcrmTest;

my $primary = new_node('primary', allows_streaming => 1);
make_company($primary, 'company', 500);
make_trackers($primary, 'company');
$primary->backup('base');

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->safe_psql('company', "UPDATE crm.lead SET stage = 'mql' WHERE stage = 'lead' AND lead_id < 100");
$primary->wait_for_catchup($standby);

is(contents_differ(contents($primary, 'company'), contents($standby, 'company')), '', 'same rows on the standby');
is(views_work($standby, 'company'), '', 'every view works on the standby');
is(disagreements($standby, 'company'), '', 'leadcrm.verify works on the standby and finds nothing');
is(the_leak($standby, 'company'), the_leak($primary, 'company'), 'the leak is the same');
cmp_ok($standby->safe_psql('company', "SELECT count(*) FROM leadcrm.next_states('crm.lead', 'stage', 'sql')"), '>', 0,
	'next_states works on the standby');
cmp_ok($standby->safe_psql('company', 'SELECT count(*) FROM leadcrm.tracked'), '>', 3, 'leadcrm.tracked works on the standby');
is($standby->safe_psql('company', 'SELECT count(*) FROM leadcrm.workspaces'), '1', 'leadcrm.workspaces works on the standby');
is(refused($standby, 'company', "UPDATE crm.lead SET stage = 'sql' WHERE stage = 'mql';", '25006'), '', 'nothing is written on the standby');

$primary->stop('immediate');
$standby->promote;
is(disagreements($standby, 'company'), '', 'rows and histories agree after the failover');
still_guarded($standby, 'company', 'after the failover');

$standby->stop;
done_testing();
