-- leadcrm.lead_score(points, at, half_life) and leadcrm.sum(lead_score): groups, workers, moving frames.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
RESET client_min_messages;
SET timezone = 'UTC';
CREATE SCHEMA score_aggregates;
SET search_path = score_aggregates, public, leadcrm;
-- whether a score agrees with what the definition gives, within 1e-9 of the sum without signs
CREATE FUNCTION right_sum(s lead_score, total float8, size float8, at timestamptz) RETURNS boolean LANGUAGE sql AS
	'SELECT CASE WHEN s IS NULL OR total IS NULL THEN s IS NULL AND total IS NULL ELSE abs(score_at(s, at) - total) <= 1e-9 * size + 1e-270 END';
-- the definition: what a point at an instant is worth at another
CREATE FUNCTION decay(at timestamptz, t timestamptz, h interval) RETURNS float8 LANGUAGE sql IMMUTABLE AS
	$$SELECT 2::float8 ^ greatest(date_part('epoch', at - t) / date_part('epoch', h), -1000)$$;

-- nothing counts: NULL
SELECT lead_score(1, now(), '1 day') IS NULL AS no_rows FROM generate_series(1, 0);
SELECT lead_score(p, t, h) IS NULL AS no_event, sum(s) IS NULL AS no_score
FROM (VALUES (NULL::float8, now(), interval '1 day', NULL::lead_score), (1, NULL, '1 day', NULL), (NULL, NULL, NULL, NULL), (NULL, 'infinity', '-1 day', NULL)) AS v(p, t, h, s);
-- zero points count
SELECT lead_score(0, t, '1 day') AS zero FROM (VALUES (now()), (NULL)) AS v(t);
SELECT score_at(lead_score(p, t, '30 days'), '2026-03-31') AS points, sum(make_score(p, t, '30 days')) = lead_score(p, t, '30 days') AS same
FROM (VALUES (40, timestamptz '2026-03-01'), (NULL, '2026-03-01'), (10, '2026-01-30'), (10, NULL), (-5, '2026-03-31'), (0, '2026-03-31'), (1, '2026-04-30')) AS v(p, t);

-- random events over ten years, as leads have them: against the definition, at half-lives from a minute to ten years
SELECT setseed(0.3);
CREATE TABLE event AS SELECT i AS id, i % 97 AS lead, CASE WHEN i % 50 = 7 THEN NULL ELSE (random() * 50 - 10)::numeric(6, 2)::float8 END AS points,
	CASE WHEN i % 60 = 11 THEN NULL ELSE timestamptz '2026-03-01' - random() ^ 3 * interval '3652 days' END AS at FROM generate_series(1, 4000) i;
ANALYZE event;
SELECT h, count(*) AS leads, count(*) FILTER (WHERE NOT right_sum(s, total, size, t)) AS wrong
FROM (VALUES (interval '1 minute'), ('1 hour'), ('7 days'), ('30 days'), ('1 year'), ('10 years'), ('10 days 00:00:00.000001')) AS v(h),
	(VALUES (timestamptz '2026-04-01'), ('2026-02-27 12:34:56.789')) AS w(t),
	LATERAL (SELECT lead, lead_score(points, at, h) AS s, sum(points * decay(at, t, h)) AS total,
		sum(abs(points) * decay(at, t, h)) AS size
		FROM event WHERE date_part('epoch', at - t) / date_part('epoch', h) < 900 OR at IS NULL GROUP BY lead) x
GROUP BY h ORDER BY h;
-- what cancels, whatever its size, does not hide the rest
SELECT round(score_at(lead_score(p, t, '1 day'), '2026-03-01')::numeric, 12) AS one FROM (VALUES (1e15, timestamptz '2026-03-01'), (1, '2026-03-01'), (-1e15, '2026-03-01')) AS v(p, t);
SELECT count(DISTINCT score_at(s, '2026-03-01')::numeric(30, 8)) AS sums FROM generate_series(1, 20) n,
	LATERAL (SELECT lead_score(points, at, '30 days' ORDER BY md5(id::text || n)) AS s FROM event WHERE lead = 5) x;

-- FILTER, DISTINCT, ORDER BY, GROUPING SETS
SELECT score_at(lead_score(p, timestamptz '2026-03-01', '30 days') FILTER (WHERE p > 10), '2026-03-01')::numeric(10, 6) AS filtered,
	score_at(lead_score(DISTINCT p, timestamptz '2026-03-01', '30 days'), '2026-03-01')::numeric(10, 6) AS distinct_events,
	score_at(lead_score(p, timestamptz '2026-03-01', '30 days' ORDER BY p DESC), '2026-03-01')::numeric(10, 6) AS ordered,
	score_at(sum(DISTINCT make_score(p, '2026-03-01', '30 days')), '2026-03-01')::numeric(10, 6) AS distinct_scores FROM (VALUES (10), (20), (20), (5)) AS v(p);
SELECT count(*) AS rows, count(*) FILTER (WHERE abs(score_at(g.s, '2026-03-01') - score_at(one.s, '2026-03-01')) > 1e-9) AS wrong
FROM (SELECT lead, id % 2 = 1 AS odd, lead_score(points, at, '30 days') AS s FROM event WHERE lead < 5 GROUP BY CUBE (lead, id % 2 = 1)) g,
	LATERAL (SELECT lead_score(points, at, '30 days') AS s FROM event e WHERE e.lead < 5 AND e.lead = coalesce(g.lead, e.lead) AND (e.id % 2 = 1) = coalesce(g.odd, e.id % 2 = 1)) one;

-- workers: the plan has them, the sums are the same within rounding
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS off) ' || query LOOP
		IF line ~ 'Aggregate|Workers Planned' THEN RETURN NEXT btrim(line, ' ->'); END IF;
	END LOOP;
END
$$;
SELECT plan('SELECT lead, lead_score(points, at, ''30 days'') FROM event GROUP BY lead');
CREATE TABLE by_workers AS SELECT lead, lead_score(points, at, '30 days') AS s, lead_score(points, at, '1 minute') AS short FROM event GROUP BY lead;
SELECT plan('SELECT sum(s), max(s), min(s) FROM by_workers');
SELECT score_at(sum(s), '2026-03-01') AS sum_by_workers FROM by_workers \gset
SELECT lead_score(1, now(), CASE WHEN id = 17 THEN interval '1 day' ELSE '2 days' END) FROM event;
CREATE TABLE rare AS SELECT CASE WHEN id > 100 THEN NULL ELSE points END AS points, at, '30 days'::interval AS h FROM event;
SELECT plan('SELECT lead_score(points, at, h) FROM rare');
SELECT score_at(lead_score(points, at, h), '2026-03-01') AS few_by_workers, lead_score(NULL, at, h) IS NULL AS none_counts FROM rare \gset
\echo none counts: :none_counts
SET max_parallel_workers_per_gather = 0;
SELECT abs(score_at(lead_score(points, at, h), '2026-03-01') - :few_by_workers) < 1e-9 AS few FROM rare;
SELECT abs(score_at(sum(s), '2026-03-01') - :sum_by_workers) < 1e-6 AS sums, abs(score_at((SELECT lead_score(points, at, '30 days') FROM event), '2026-03-01') - :sum_by_workers) < 1e-6 AS all_at_once FROM by_workers;
SELECT count(*), count(*) FILTER (WHERE abs(score_at(a.s, '2026-03-01') - score_at(b.s, '2026-03-01')) > 1e-9 OR score_at(a.short, '2026-03-01') <> score_at(b.short, '2026-03-01')) AS differ
FROM by_workers a JOIN (SELECT lead, lead_score(points, at, '30 days') AS s, lead_score(points, at, '1 minute') AS short FROM event GROUP BY lead) b USING (lead);
RESET max_parallel_workers_per_gather; RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size;
-- half-lives that meet only where partial sums do
CREATE TABLE parted (lead integer, half integer) PARTITION BY LIST (half);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (2);
INSERT INTO parted SELECT i % 3, i % 2 + 1 FROM generate_series(1, 60) i;
ANALYZE parted;
SET enable_partitionwise_aggregate = on;
SELECT plan('SELECT lead, lead_score(1, now(), half * interval ''1 day'') FROM parted GROUP BY lead');
SELECT lead, lead_score(1, now(), half * interval '1 day') FROM parted GROUP BY lead;
SELECT sum(make_score(1, now(), half * interval '1 day')) FROM parted GROUP BY lead;
SELECT lead, round(score_at(lead_score(1, '2026-03-01', '1 day'), '2026-03-01')) AS points FROM parted GROUP BY lead ORDER BY lead;
RESET enable_partitionwise_aggregate;
-- hash aggregation is planned with what a state takes, not with the default guess of 8 kB, with which it would go to disk
CREATE TABLE many AS SELECT i AS id FROM generate_series(1, 20000) i;
ANALYZE many;
SET work_mem = '16MB'; SET random_page_cost = 1000;
SELECT plan('SELECT id, lead_score(1, now(), ''30 days'') FROM many GROUP BY id');
SELECT plan('SELECT id, sum(make_score(1, now(), ''30 days'')) FROM many GROUP BY id');
RESET work_mem; RESET random_page_cost;

-- moving frames: against a sum over the same rows made anew, forward and backward in time, by rows, ranges and groups of rows
CREATE TABLE frame AS SELECT id, part, h, CASE part WHEN 0 THEN points WHEN 1 THEN CASE WHEN id % 2 = 0 THEN points ELSE -points END
		WHEN 2 THEN points * 10 ^ (20 * sin(id)) ELSE CASE WHEN id % 13 = 0 THEN points * 1e10 ELSE nullif(points, 0) END END AS points, at
	FROM (SELECT id, id % 4 AS part, id % 2 AS odd, points, at FROM event WHERE id <= 240) e, (VALUES (interval '1 hour'), ('7 days'), ('1 year')) AS v(h);
CREATE FUNCTION wrong_frames(frame text) RETURNS TABLE (rows bigint, wrong bigint) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format($q$
		SELECT count(*), count(*) FILTER (WHERE NOT CASE WHEN moving IS NULL OR total IS NULL THEN moving IS NULL AND total IS NULL ELSE
				date_part('epoch', half_life(moving)) = date_part('epoch', h) AND abs(score_at(moving, t) - total) <= 1e-9 * size + 1e-270 END)
		FROM (SELECT h, moving, t, (SELECT sum(u.p * decay(u.a, t, h)) FROM unnest(ps, ats) u(p, a) WHERE a IS NOT NULL) AS total,
			(SELECT sum(abs(u.p) * decay(u.a, t, h)) FROM unnest(ps, ats) u(p, a) WHERE a IS NOT NULL) AS size
			FROM (SELECT h, lead_score(points, at, h) OVER w AS moving, array_agg(points) OVER w AS ps, array_agg(at) OVER w AS ats, max(at) OVER w AS t FROM frame WINDOW w AS (%s)) x) y$q$, frame);
END
$$;
SELECT f, w.* FROM (VALUES ('PARTITION BY part, h ORDER BY at ROWS BETWEEN 10 PRECEDING AND CURRENT ROW'),
	('PARTITION BY part, h ORDER BY at DESC ROWS BETWEEN 10 PRECEDING AND CURRENT ROW'),
	('PARTITION BY part, h ORDER BY at ROWS BETWEEN 3 PRECEDING AND 5 FOLLOWING'),
	('PARTITION BY part, h ORDER BY at ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING'),
	('PARTITION BY part, h ORDER BY at ROWS BETWEEN 7 FOLLOWING AND 9 FOLLOWING'),
	('PARTITION BY part, h ORDER BY at RANGE BETWEEN ''90 days'' PRECEDING AND CURRENT ROW'),
	('PARTITION BY part, h ORDER BY at DESC RANGE BETWEEN ''90 days'' PRECEDING AND ''10 days'' PRECEDING'),
	('PARTITION BY part, h ORDER BY at GROUPS BETWEEN 5 PRECEDING AND 1 PRECEDING'),
	('PARTITION BY part, h ORDER BY at ROWS BETWEEN 4 PRECEDING AND 4 FOLLOWING EXCLUDE CURRENT ROW'),
	('PARTITION BY part, h')) AS v(f), LATERAL wrong_frames(f) w;
-- the same of scores, with a FILTER; a frame that is empty again may go on with another half-life
SELECT count(*) FILTER (WHERE moving IS DISTINCT FROM events AND abs(score_at(moving, t) - score_at(events, t)) > 1e-9 * size) AS wrong, count(moving) AS sums
FROM (SELECT sum(make_score(points, at, h)) FILTER (WHERE id % 3 > 0) OVER w AS moving, lead_score(points, at, h) FILTER (WHERE id % 3 > 0) OVER w AS events, max(at) OVER w AS t,
	score_at(lead_score(abs(points), at, h) OVER w, max(at) OVER w) AS size FROM frame WINDOW w AS (PARTITION BY part, h ORDER BY at ROWS BETWEEN 8 PRECEDING AND 2 PRECEDING)) x;
SELECT i, half_life(lead_score(1, '2026-03-01', h) OVER (ORDER BY i ROWS BETWEEN CURRENT ROW AND CURRENT ROW)) FROM (VALUES (1, interval '1 day'), (2, '2 days'), (3, '2 days')) AS v(i, h);

-- a row that does not count goes out of a frame without the frame being added up anew: each is looked at once coming and once going.
-- (Called STABLE, as a frame with something VOLATILE in it does not move.)
CREATE SEQUENCE look;
CREATE FUNCTION looked_at(at timestamptz) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM nextval('look'); RETURN at; END $$;
SELECT count(s) AS sums, count(t) AS sums_of_scores
FROM (SELECT lead_score(CASE WHEN i % 100 = 0 THEN 1 END, looked_at('2026-03-01'::timestamptz + i * interval '1 second'), '1 day') OVER w AS s,
	sum(make_score(CASE WHEN i % 100 = 0 THEN 1 END, '2026-03-01', '1 day')) OVER w AS t FROM generate_series(1, 300) i WINDOW w AS (ORDER BY i ROWS 20 PRECEDING)) x;
SELECT last_value BETWEEN 300 AND 1000 AS once_each_way FROM look;

-- errors: nothing comes of a sum with one bad row
SELECT lead_score('NaN', now(), '1 day');
SELECT lead_score(p, now(), '1 day') FROM (VALUES (1), ('Infinity'::float8)) AS v(p);
SELECT lead_score(1, t, '1 day') FROM (VALUES (now()), ('-infinity')) AS v(t);
SELECT lead_score(1, now(), h) FROM (VALUES (interval '1 day'), ('0')) AS v(h);
SELECT lead_score(1, now(), '-1 day');
SELECT lead_score(1, now(), '1 day -24:00');
SELECT lead_score(1, now(), NULL);
SELECT lead_score(1, now(), h) FROM (VALUES (interval '1 month'), ('30 days'), ('720 hours'), ('31 days')) AS v(h);
SELECT lead_score(1, now(), h) OVER () FROM (VALUES (interval '1 month'), ('31 days')) AS v(h);
SELECT lead, half_life(lead_score(1, now(), lead * interval '1 day')) FROM (VALUES (1), (2), (1), (2)) AS v(lead) GROUP BY lead ORDER BY lead;
SELECT sum(s) FROM (VALUES (make_score(1, now(), '1 day')), (NULL), (make_score(0, now(), '2 days'))) AS v(s);
SELECT sum(s) FROM (VALUES ('0x1.8p9223372036854767615/1s'::lead_score), ('0x1.8p9223372036854767615/1s')) AS v(s);
SELECT sum(s) FROM (VALUES ('0x1.8p9223372036854767615/1s'::lead_score), ('0x1.8p9223372036854767615/1s'), ('-0x1.8p9223372036854767615/1s')) AS v(s);
-- points are numbers; a score is none, unless it is asked for its points
SELECT abs(sum(make_score(1, now(), '1 day')::float8) - 1) < 1e-12 AS one;
SELECT pg_catalog.sum(make_score(1, now(), '1 day'));
SET client_min_messages = warning;
DROP SCHEMA score_aggregates CASCADE;
