-- leadcrm.lead_score: one order at every instant, in sorts, indexes, joins and hashes.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
RESET client_min_messages;
SET timezone = 'UTC';
CREATE SCHEMA score_order;
SET search_path = score_order, public, leadcrm;
-- whether a plan stops at the first row that it finds, which an index must then give
CREATE FUNCTION stops_early(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS off) ' || query LOOP
		IF line ~ 'Limit' THEN RETURN true; END IF;
	END LOOP;
	RETURN false;
END
$$;

-- by points, negative ones and zero among them
SELECT n, rank() OVER (ORDER BY s) FROM (VALUES
	('forty', make_score(40, '2026-03-01', '30 days')), ('forty, later', make_score(40, '2026-03-02', '30 days')), ('zero', make_score(0, '2026-03-01', '30 days')),
	('zero again', make_score('-0', '2020-01-01', '1 month')), ('eighty, a half-life earlier', make_score(80, '2026-01-30', '30 days')),
	('minus forty', make_score(-40, '2026-03-01', '30 days')), ('minus forty, later', make_score(-40, '2026-03-02', '30 days')),
	('tiny', make_score(1e-300, '1900-01-01', '30 days')), ('none', NULL)) AS v(n, s) ORDER BY s, n;

-- half-lives don't mix: the shorter one comes first, whatever the points
SELECT half_life(s), score_at(s, '2026-03-01') AS points FROM (VALUES (make_score(1, '2026-03-01', '60 days')), (make_score(5, '2026-03-01', '30 days')),
	(make_score(-3, '2026-03-01', '60 days')), (make_score(0, '2026-03-01', '1 minute')), (make_score(-1e6, '2026-03-01', '90 days'))) AS v(s) ORDER BY s;
SELECT a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt, lead_score_cmp(a, b) AS cmp FROM (VALUES
	(make_score(1, '2026-03-01', '30 days'), make_score(2, '2026-03-01', '30 days')), (make_score(2, '2026-03-01', '30 days'), make_score(1, '2026-03-01', '30 days')),
	(make_score(2, '2026-03-01', '30 days'), make_score(1, '2026-03-31', '30 days')), (make_score(9, '2026-03-01', '30 days'), make_score(-9, '2026-03-01', '31 days'))) AS v(a, b);

-- many leads: the sort, the index and the points agree, at instants far apart
CREATE TABLE lead (lead_id integer PRIMARY KEY, engagement lead_score, category integer);
SELECT setseed(0.7);
INSERT INTO lead SELECT i, CASE WHEN i % 100 = 0 THEN make_score(0, now(), '30 days')
	ELSE make_score(CASE WHEN random() < 0.2 THEN -1 ELSE 1 END * (1 + (random() * 40)::int), timestamptz '2020-01-01' + random() * interval '2000 days', '30 days') END, i % 7
	FROM generate_series(1, 20000) i;
INSERT INTO lead SELECT i, NULL, 0 FROM generate_series(20001, 20100) i;
CREATE INDEX lead_engagement ON lead (engagement DESC NULLS LAST);
ANALYZE lead;
SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off;
CREATE TABLE by_sort AS SELECT row_number() OVER () AS n, x.* FROM (SELECT engagement FROM lead ORDER BY engagement DESC NULLS LAST) x;
RESET enable_indexscan; RESET enable_bitmapscan; RESET enable_indexonlyscan; SET enable_seqscan = off; SET enable_sort = off;
CREATE TABLE by_index AS SELECT row_number() OVER () AS n, x.* FROM (SELECT engagement FROM lead ORDER BY engagement DESC NULLS LAST) x;
EXPLAIN (COSTS off) SELECT lead_id FROM lead ORDER BY engagement DESC NULLS LAST LIMIT 100;
EXPLAIN (COSTS off) SELECT lead_id FROM lead WHERE engagement > make_score(30, '2025-01-01', '30 days');
SELECT max(engagement) = (SELECT engagement FROM by_index WHERE n = 1) AS max, min(engagement) = (SELECT engagement FROM by_index WHERE n = 20000) AS min,
	stops_early('SELECT max(engagement) FROM lead') AS max_by_index, stops_early('SELECT min(engagement) FROM lead') AS min_by_index FROM lead;
RESET enable_seqscan; RESET enable_sort; SET enable_indexscan = off; SET enable_indexonlyscan = off;
SELECT max(engagement) = (SELECT engagement FROM by_index WHERE n = 1) AS max, min(engagement) = (SELECT engagement FROM by_index WHERE n = 20000) AS min,
	stops_early('SELECT max(engagement) FROM lead') AS max_by_index, stops_early('SELECT min(engagement) FROM lead') AS min_by_index FROM lead;
RESET enable_indexscan; RESET enable_indexonlyscan;
SELECT count(*), count(*) FILTER (WHERE a.engagement IS DISTINCT FROM b.engagement) AS differ FROM by_sort a JOIN by_index b USING (n);
SELECT t, count(*) FILTER (WHERE later > points) AS out_of_order FROM (
	SELECT t, score_at(engagement, t) AS points, score_at(lead(engagement) OVER (PARTITION BY t ORDER BY n), t) AS later
	FROM by_index, (VALUES (timestamptz '2020-01-01'), ('2024-07-01'), ('2026-03-01'), ('2060-01-01'), ('1990-01-01'), ('2120-01-01')) AS v(t)) x GROUP BY t ORDER BY t;
-- at an instant, the order by points is this order, but for points so near that they are equal there
SELECT count(*) FILTER (WHERE points < last) AS out_of_order FROM (
	SELECT score_at(engagement, '2026-03-01') AS points, lag(score_at(engagement, '2026-03-01')) OVER (ORDER BY engagement) AS last FROM lead WHERE engagement IS NOT NULL) x;

-- equality in joins, groups, hashes
SET enable_nestloop = off;
CREATE TABLE twice AS SELECT make_score(i % 500 + 1, timestamptz '2020-01-01' + (i % 500) * interval '1 hour', CASE WHEN i % 2 = 0 THEN interval '30 days' ELSE '7 days' END) AS s FROM generate_series(1, 2000) i;
SET enable_mergejoin = off;
EXPLAIN (COSTS off) SELECT count(*) FROM twice a JOIN twice b USING (s);
SELECT count(*) FROM twice a JOIN twice b USING (s);
RESET enable_mergejoin; SET enable_hashjoin = off;
EXPLAIN (COSTS off) SELECT count(*) FROM twice a JOIN twice b USING (s);
SELECT count(*) FROM twice a JOIN twice b USING (s);
RESET enable_hashjoin; RESET enable_nestloop;
SET enable_hashagg = off; SELECT count(*) FROM (SELECT DISTINCT s FROM twice) x; SET enable_sort = off; SET enable_hashagg = on;
EXPLAIN (COSTS off) SELECT DISTINCT s FROM twice;
SELECT count(*) FROM (SELECT DISTINCT s FROM twice) x;
RESET enable_hashagg; RESET enable_sort;
SELECT count(DISTINCT lead_score_hash(s)) > 490 AS hashes, count(DISTINCT lead_score_hash_extended(s, 1)) > 490 AS more,
	count(*) FILTER (WHERE lead_score_hash_extended(s, 0) & 4294967295 <> lead_score_hash(s)::bigint & 4294967295) AS differ FROM twice;
CREATE TABLE part (s lead_score) PARTITION BY HASH (s);
CREATE TABLE part_0 PARTITION OF part FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE part_1 PARTITION OF part FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO part SELECT s FROM twice;
SELECT (SELECT count(*) FROM part_0) BETWEEN 200 AND 1800 AS spread, (SELECT count(*) FROM part_0 JOIN part_1 USING (s)) AS in_both;
CREATE INDEX twice_hash ON twice USING hash (s);
SET enable_seqscan = off;
EXPLAIN (COSTS off) SELECT count(*) FROM twice WHERE s = make_score(1, '2020-01-01', '30 days');
SELECT count(*) FROM twice WHERE s = make_score(1, '2020-01-01', '30 days');
RESET enable_seqscan;

-- equal scores share their place in an index, and a unique index knows them
CREATE TABLE same AS SELECT make_score(40, '2026-03-01', '30 days') AS s FROM generate_series(1, 10000);
CREATE INDEX same_s ON same (s);
SELECT pg_relation_size('same_s') < 200000 AS shared;
CREATE UNIQUE INDEX ON same (s);
-- a sort of several half-lives by abbreviated keys, beyond their range as well, against one by comparisons alone
CREATE TABLE mixed AS SELECT row_number() OVER () AS id, s FROM (
	SELECT make_score((random() - 0.5) * 10 ^ (random() * 300), timestamptz '2000-01-01' + (random() - 0.5) * interval '20000 days', h) AS s
	FROM generate_series(1, 500), (VALUES (interval '1 day'), ('30 days'), ('0.1 seconds'), ('1 microsecond'), ('1000 years')) AS v(h)
	UNION ALL SELECT make_score(0, now(), '30 days') UNION ALL SELECT NULL) x ORDER BY md5(s::text);
SELECT count(*) AS out_of_order FROM (SELECT s, lag(s) OVER () AS last FROM (SELECT s FROM mixed ORDER BY s) x) y WHERE lead_score_cmp(last, s) > 0;
SELECT count(*) AS out_of_order FROM (SELECT s, lag(s) OVER () AS last FROM (SELECT s FROM mixed ORDER BY s DESC, id) x) y WHERE lead_score_cmp(last, s) < 0;

-- support functions that are there, and that vouch for themselves
SELECT a.amname, p.amprocnum, p.amproc FROM pg_amproc p JOIN pg_opfamily f ON f.oid = p.amprocfamily JOIN pg_am a ON a.oid = f.opfmethod
WHERE p.amproclefttype = 'lead_score'::regtype ORDER BY 1, 2;
SELECT opcname, amvalidate(oid) AS valid FROM pg_opclass WHERE opcintype = 'lead_score'::regtype ORDER BY 1;
SELECT o.oprname, o.oprcom::regoperator, o.oprnegate::regoperator, o.oprrest, o.oprjoin, o.oprcanmerge, o.oprcanhash
FROM pg_operator o WHERE o.oprleft = 'lead_score'::regtype ORDER BY o.oprname COLLATE "C";
SET client_min_messages = warning;
DROP SCHEMA score_order CASCADE;
