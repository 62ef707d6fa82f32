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
# what needs no argument is called by itself; of the others some
my @calls = split /\n/, $standby->safe_psql('company', <<'SQL');
SELECT format('crm.%I()', p.proname) FROM pg_proc p
WHERE p.pronamespace = 'crm'::regnamespace AND p.provolatile <> 'v' AND p.pronargs = p.pronargdefaults AND p.prorettype <> 'trigger'::regtype
ORDER BY 1
SQL
cmp_ok(scalar(@calls), '>', 5, 'there are functions to call');
for my $call (@calls, "crm.funnel_at(now())", "crm.funnel_at('2026-01-01', '2026-02-01')", "crm.funnel_between('2024-01-01', '2025-01-01')",
	"crm.funnel_between('2024-01-01', '2025-01-01', 'mql')", "crm.funnel_days('channel', NULL, NULL, NULL)", "crm.conversion_curve('lead')",
	"crm.leak_change('[2024-01-01,2025-01-01)', '[2025-01-01,2030-01-01)')", "crm.score_explain(16)", "crm.fit_explain(16)",
	"crm.temperature_at(16, 50, now())")
{
	my $query = "SELECT md5(string_agg(f::text, '|')) FROM $call f";
	my ($rc, $out, $err) = $standby->psql('company', $query);
	is("$rc $err", '0 ', "$call works on the standby");
}
is(refused($standby, 'company', 'SELECT crm.fold();', '25006'), '', 'fold() is refused on the standby');
is(refused($standby, 'company', "UPDATE crm.lead SET stage = 'sql' WHERE stage = 'mql';", '25006'), '', 'nothing is written on the standby');

$primary->stop('immediate');
$standby->promote;
is(disagreements($standby, 'company'), '', 'rows and histories agree after the failover');
still_guarded($standby, 'company', 'after the failover');

$standby->stop;
done_testing();
