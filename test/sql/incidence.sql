-- leadcrm.incidence(): the share that goes on by days of age, with what is open counted as open.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
RESET client_min_messages;
CREATE TABLE stay (days float8, advanced boolean);
INSERT INTO stay VALUES (1, true), (2, false), (2, NULL), (3, true), (4, NULL), (5, true), (NULL, true), (NULL, NULL);
SELECT i.day, i.ages[i.day][1] AS at_risk, i.ages[i.day][2] AS advanced, i.ages[i.day][3] AS leaked, i.ages[i.day][4] AS still_open,
	round(i.ages[i.day][5]::numeric, 6) AS on, round(i.ages[i.day][6]::numeric, 6) AS off, round(i.ages[i.day][7]::numeric, 6) AS open,
	round(i.ages[i.day][8]::numeric, 6) AS error
FROM (SELECT ages, generate_subscripts(ages, 1) AS day FROM (SELECT leadcrm.incidence(days, advanced) AS ages FROM stay) x) i;

-- nothing to count
SELECT leadcrm.incidence(days, advanced) FROM stay WHERE false;
SELECT leadcrm.incidence(NULL, true);
SELECT leadcrm.incidence(0, NULL);

-- no length of a stay
SELECT leadcrm.incidence(-0.1, true);
SELECT leadcrm.incidence('NaN', true);
SELECT leadcrm.incidence('infinity', NULL);
SELECT leadcrm.incidence(3000001, NULL);

-- several in one query, groups, whatever the order of input
SELECT leadcrm.incidence(days, advanced) = leadcrm.incidence(days, advanced ORDER BY days DESC) AS same,
	leadcrm.incidence(days, NOT advanced) = leadcrm.incidence(days, advanced) AS other FROM stay;
SELECT count(*) FROM (SELECT leadcrm.incidence(n % 97 / 7.0, n % 3 = 0) AS ages FROM generate_series(1, 20000) n GROUP BY n % 1000) x
WHERE ages[0][1] = 20;

-- called by the leader of a parallel query over what the workers read
CREATE TABLE many AS SELECT n % 97 / 7.0::float8 AS days, CASE WHEN n % 5 > 0 THEN n % 3 = 0 END AS advanced FROM generate_series(1, 30000) n;
SELECT leadcrm.incidence(days, advanced) AS alone FROM many \gset
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT leadcrm.incidence(days, advanced) FROM many;
SELECT leadcrm.incidence(days, advanced) = :'alone'::float8[] AS same FROM many;
DROP TABLE stay, many;

-- the share expected in the end, from bins: 3 of 6 go on after an hour, as 2 are seen for no longer; then the last one after two hours
SELECT leadcrm.stay_bin(-1) AS wrong_way, leadcrm.stay_bin(0) AS none, leadcrm.stay_bin(900000000) AS quarter, leadcrm.stay_bin(900000001) AS more;
SELECT leadcrm.instant_bin('2000-01-01 00:15+00') - leadcrm.instant_bin('2000-01-01+00') AS quarter, leadcrm.instant_bin('2000-01-01 00:00:00.000001+00') AS more;
CREATE FUNCTION pg_temp.bins(kind bigint, bin bigint, count bigint) RETURNS bigint[] LANGUAGE sql AS 'SELECT ARRAY[(kind << 56) | bin, count]';
SELECT leadcrm.expected_share(x.counts, '2026-01-01 12:00+00') AS share, leadcrm.expected_range(x.counts, '2026-01-01 12:00+00') AS range
FROM (VALUES (pg_temp.bins(5, leadcrm.stay_bin(3600000000), 2)), (pg_temp.bins(7, leadcrm.instant_bin('2026-01-01 11:00+00'), 2)),
	(pg_temp.bins(5, leadcrm.stay_bin(7200000000), 1) || pg_temp.bins(5, leadcrm.stay_bin(3600000000), 1)), (NULL)) x (counts);
-- what lies in one bin may have any order; what an earlier stage says besides is not looked at
SELECT round(leadcrm.expected_share(x.counts, '2026-01-01 12:00+00')::numeric, 6) AS share, leadcrm.expected_range(x.counts, '2026-01-01 12:00+00') AS range
FROM (VALUES (pg_temp.bins(5, leadcrm.stay_bin(3600000001), 1)), (pg_temp.bins(7, (3::bigint << 48) | leadcrm.instant_bin('2026-01-01 10:59:59+00'), 1)),
	(pg_temp.bins(6, leadcrm.stay_bin(3600000001), 1))) x (counts);
-- stamps in the future are of the age 0; what was taken away is gone
SELECT leadcrm.expected_share(x.counts, '2026-01-01 12:00+00') AS share
FROM (VALUES (pg_temp.bins(5, leadcrm.stay_bin(1), 1)), (pg_temp.bins(7, leadcrm.instant_bin('2026-01-02 10:59:59+00'), 1)),
	(pg_temp.bins(7, leadcrm.instant_bin('2026-02-02 11:00+00'), 3)), (pg_temp.bins(7, leadcrm.instant_bin('2026-02-02 11:00+00'), -1))) x (counts);
-- what came within this quarter of an hour came in the part of its bin that is not still to come
SELECT leadcrm.instant_bin('2026-01-01 12:03:00.000001+00') = leadcrm.instant_bin('2026-01-01 12:07:00.000001+00') AS one_bin,
	round(leadcrm.expected_share(x.counts, '2026-01-01 12:07:00.000001+00')::numeric, 6) AS share
FROM (VALUES (pg_temp.bins(5, leadcrm.stay_bin(1), 1)), (pg_temp.bins(7, leadcrm.instant_bin('2026-01-01 12:03:00.000001+00'), 1))) x (counts);
-- histograms may come in any order
WITH x AS (
	SELECT n, pg_temp.bins(5 + n % 3, CASE n % 3 WHEN 2 THEN leadcrm.instant_bin('2026-01-01 12:00+00'::timestamptz - n * interval '11 minutes')
		ELSE leadcrm.stay_bin(n * 660000000::bigint) END, 1 + n % 4) AS counts FROM generate_series(1, 200) n
)
SELECT share BETWEEN 0.1 AND 0.9 AS is_some, share = (SELECT leadcrm.expected_share(counts, '2026-01-01 12:00+00' ORDER BY counts[1] DESC) FROM x) AS descending,
	share = (SELECT leadcrm.expected_share(counts, '2026-01-01 12:00+00' ORDER BY n * 77 % 211) FROM x) AS in_no_order
FROM (SELECT leadcrm.expected_share(counts, '2026-01-01 12:00+00' ORDER BY counts[1]) AS share FROM x) y;
SELECT leadcrm.expected_share('{}', now()) AS nothing, leadcrm.expected_range('{}', now()) AS no_range, leadcrm.expected_share(NULL, now()) AS null,
	leadcrm.expected_share(pg_temp.bins(5, 1, 0), now()) AS zero;
SELECT leadcrm.expected_share('{1}', now());
SELECT leadcrm.expected_share('{1,NULL}', now());
SELECT leadcrm.expected_share('{1,1}', now());
SELECT leadcrm.expected_share(pg_temp.bins(5, 140737488355326, 1), now());
SELECT leadcrm.expected_range(pg_temp.bins(7, 0, 1), now());
SELECT leadcrm.expected_share(pg_temp.bins(5, 1, -1), now());
SELECT leadcrm.expected_share(pg_temp.bins(5, 1, 9223372036854775807) || pg_temp.bins(5, 1, 1), now());
SELECT leadcrm.expected_share(pg_temp.bins(5, 1, 1), 'infinity');
