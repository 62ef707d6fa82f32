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
