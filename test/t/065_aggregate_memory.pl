# A million rows through each aggregate of the funnel, and the backend's memory stays flat.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use LeadcrmTest;

my $node = new_node('aggregate_memory', conf => "jit = off\nmax_parallel_workers_per_gather = 0\n");
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION leadcrm;
CREATE TABLE memory_use (i integer, bytes bigint);
-- looks at every memory context of this backend while the aggregate runs
CREATE FUNCTION look(i integer) RETURNS timestamptz LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	INSERT INTO memory_use SELECT look.i, sum(total_bytes) FROM pg_backend_memory_contexts;
	RETURN '2024-01-01';
END
$$;
SQL

sub flat
{
	my ($what, $aggregate, $beside) = @_;
	my $answer = $node->safe_psql('postgres', <<"SQL");
TRUNCATE memory_use;
SELECT $aggregate FROM (SELECT i, CASE WHEN i IN (100000, 990000) THEN look(i) ELSE timestamptz '2024-01-01' END AS t
	FROM (SELECT generate_series(1, 1000000) AS i) g OFFSET 0) g @{[$beside // '']};
SQL
	my ($before, $after) = split /\|/,
		$node->safe_psql('postgres', "SELECT min(bytes) FILTER (WHERE i = 100000), min(bytes) FILTER (WHERE i = 990000) FROM memory_use");
	isnt($answer, '', "$what: an answer ($answer)");
	cmp_ok($after - $before, '<', 256 * 1024, "$what: 890,000 more rows take no more memory ($before bytes, then $after)");
	return;
}

flat('funnel_agg', "leadcrm.leads(leadcrm.funnel_agg(ARRAY[t, t + i % 5000 * interval '1 hour', NULL], 2, 'leaked', i * 0.01))");
flat('rollup', "leadcrm.leads(leadcrm.rollup(CASE WHEN t IS NOT NULL THEN f END))",
	", (SELECT leadcrm.funnel_agg(ARRAY[timestamptz '2024-01-01', timestamptz '2024-01-02']) AS f) s");
flat('window_funnel, few instants', "leadcrm.window_funnel('1 day', t + (i % 1009) * 7919 % 5003 * interval '1 s', i % 3 = 0, i % 5 = 0, i % 7 = 0)");
flat('window_funnel, rows that are no step', "leadcrm.window_funnel('1 day', t + i * interval '1 s', i = 5, i = 6)");
$node->stop;
done_testing();
