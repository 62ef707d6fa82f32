-- leadcrm.window_funnel: the longest chain, as a slow search through all chains in plain SQL finds it.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
RESET client_min_messages;
\pset format unaligned
SET timezone = 'UTC';

-- a table to read: what happened, in seconds, and how far it goes in each mode within 10 seconds
CREATE FUNCTION far(history text, mode text) RETURNS integer LANGUAGE sql AS $$
	SELECT leadcrm.window_funnel(mode, '10 s', timestamptz '2024-01-01' + ord * interval '1 s', event = 'A', event = 'B', event = 'C', event = 'D')
	FROM unnest(string_to_array(history, ' ')) WITH ORDINALITY AS h(events, ord), unnest(string_to_array(events, '+')) AS event WHERE event <> '-'
$$;
SELECT history, far(history, '') AS plain, far(history, 'strict_increase') AS strict_increase, far(history, 'strict_order') AS strict_order,
	far(history, 'strict_order, allow_reentry') AS allow_reentry, far(history, 'strict_deduplication') AS strict_deduplication,
	far(history, 'from_first') AS from_first
FROM unnest(ARRAY['A B C D', 'D C B A', 'A A B C', 'A B B C', 'A B A C', 'A B X C', 'A C B C', 'A B C B D', 'X A B', 'B C D', 'X', 'A+B+C+D', 'A+B C+D',
	'A B+X C', 'A B+A C', 'A B+C D', 'A - - - - B - - - - C', 'A - - - - B - - - - - C', 'A - - - A B - - - - - C D', 'A - - - - - - - - - - - A B C']) AS history;

-- one row may serve for several steps; not in strict_increase
SELECT leadcrm.window_funnel('1 h', at, true, true, true) AS plain, leadcrm.window_funnel('strict_increase', '1 h', at, true, true, true) AS increase
FROM (VALUES (timestamptz '2024-01-01 10:00'), ('2024-01-01 10:00'), ('2024-01-01 10:30')) v(at);

-- the window: its last instant belongs to it; days have 24 hours, months 30 days; NULL has no end
SELECT w, leadcrm.window_funnel(w, at, step = 1, step = 2) FROM (VALUES (timestamptz '2024-01-01', 1), ('2024-01-31', 2)) v(at, step),
	unnest(ARRAY['1 mon', '30 days', '29 days 24:00', '720:00:00', '719:59:59.999999', '1 us', '1000 years', '178000000 years', NULL]::interval[]) WITH ORDINALITY AS i(w, ord)
	GROUP BY w, ord ORDER BY ord;
SET timezone = 'Europe/Berlin';		-- where 31 March 2024 had 23 hours
SELECT leadcrm.window_funnel('1 day', at, step = 1, step = 2) AS hours_23, leadcrm.window_funnel('22 h 59 min', at, step = 1, step = 2) AS too_short
FROM (VALUES (timestamptz '2024-03-31', 1), ('2024-04-01', 2)) v(at, step);
SELECT leadcrm.window_funnel('1 day', at, step = 1, step = 2) AS hours_25
FROM (VALUES (timestamptz '2024-10-27', 1), ('2024-10-28', 2)) v(at, step);
RESET timezone;
SET timezone = 'UTC';

-- nothing: no rows, no first step, unknown steps
SELECT leadcrm.window_funnel('1 h', at, true) AS no_rows FROM (VALUES (timestamptz '2024-01-01')) v(at) WHERE false;
SELECT leadcrm.window_funnel('1 h', at, NULL, true) AS unknown_step, leadcrm.window_funnel('1 h', at, true, NULL, true) AS unknown_second,
	leadcrm.window_funnel(NULL, '1 h', at, true, true) AS mode_null, leadcrm.window_funnel('1 h', at, VARIADIC ARRAY[true, true]) AS array,
	leadcrm.window_funnel('1 h', at, true, false) FILTER (WHERE false) AS filtered FROM (VALUES (timestamptz '2024-01-01')) v(at);
SELECT leadcrm.window_funnel('1 h', at, VARIADIC array_fill(true, ARRAY[64])) AS sixty_four FROM (VALUES (timestamptz '2024-01-01')) v(at);

-- the slow definition: chains of instants, each with what lies between its links
CREATE TABLE funnel_event (lead integer, at timestamptz, a boolean, b boolean, c boolean, d boolean);
CREATE FUNCTION slow_window_funnel(mode text, "window" interval) RETURNS TABLE (lead integer, n integer) LANGUAGE sql AS $$
	WITH RECURSIVE instant AS MATERIALIZED (
		SELECT e.lead, e.at, row_number() OVER (PARTITION BY e.lead ORDER BY e.at) AS no,
			ARRAY[coalesce(bool_or(a), false), coalesce(bool_or(b), false), coalesce(bool_or(c), false), coalesce(bool_or(d), false)] AS steps
		FROM funnel_event e GROUP BY e.lead, e.at
	), chain AS (
		SELECT i.lead, 1 AS n, i.at AS began, i.no FROM instant i
		WHERE i.steps[1] AND (mode !~ 'from_first' OR NOT EXISTS (SELECT FROM instant f WHERE f.lead = i.lead AND f.no < i.no AND f.steps[1]))
		UNION
		SELECT c.lead, c.n + 1, c.began, i.no FROM chain c JOIN instant i ON i.lead = c.lead
			AND CASE WHEN mode ~ 'strict_increase' THEN i.no > c.no ELSE i.no >= c.no END
		WHERE i.steps[c.n + 1] AND ("window" IS NULL OR i.at <= c.began + "window")
			AND NOT EXISTS (SELECT FROM instant x WHERE x.lead = c.lead AND x.no > c.no AND x.no < i.no
				AND (mode ~ 'strict_order' AND NOT (mode ~ 'allow_reentry' AND true = ANY (x.steps[1:c.n]))
					OR mode ~ 'strict_deduplication' AND true = ANY (x.steps[1:c.n + 1])))
	)
	SELECT e.lead, coalesce(max(c.n), 0) FROM (SELECT DISTINCT f.lead FROM funnel_event f) e LEFT JOIN chain c USING (lead) GROUP BY e.lead
$$;
DO $$
DECLARE
	mode text;
	w interval;
	wrong bigint;
	checked bigint := 0;
BEGIN
	FOR seed IN 1 .. 4 LOOP
		PERFORM setseed(seed / 10.0);
		TRUNCATE funnel_event;
		INSERT INTO funnel_event SELECT lead, timestamptz '2024-01-01' + floor(random() * (4 + lead % 12)) * interval '1 s',
			random() < 0.3, random() < 0.3, CASE WHEN random() < 0.9 THEN random() < 0.3 END, random() < 0.3
		FROM generate_series(1, 120) lead, generate_series(1, 1 + lead % 9);
		FOREACH mode IN ARRAY ARRAY['', 'strict_increase', 'strict_order', 'strict_order allow_reentry', 'strict_deduplication', 'from_first',
			'strict_increase,strict_order', 'strict_increase strict_deduplication', 'strict_order allow_reentry, strict_increase', 'from_first,strict_order'] LOOP
			FOREACH w IN ARRAY ARRAY[interval '2 s', '5 s', NULL] LOOP
				SELECT count(*) FILTER (WHERE f.n IS DISTINCT FROM s.n) INTO wrong
				FROM (SELECT lead, leadcrm.window_funnel(mode, w, at, a, b, c, d ORDER BY random()) AS n FROM funnel_event GROUP BY lead) f
				FULL JOIN slow_window_funnel(mode, w) s USING (lead);
				checked := checked + 1;
				IF wrong > 0 THEN
					RAISE WARNING 'seed %, mode "%", window %: % leads differ', seed, mode, w, wrong;
				END IF;
			END LOOP;
		END LOOP;
	END LOOP;
	RAISE NOTICE '% comparisons', checked;
END
$$;
SELECT n, count(*) > 10 AS many FROM (SELECT leadcrm.window_funnel('5 s', at, a, b, c, d) AS n FROM funnel_event GROUP BY lead) f GROUP BY n ORDER BY n;

-- parallel workers, big groups, rows in any order, moving frames: the same
CREATE TABLE many_events AS SELECT i % 50 AS lead, timestamptz '2024-01-01' + (i * 7919 % 100003) * interval '1 s' AS at,
	i % 11 = 0 AS a, i % 7 = 0 AS b, i % 5 = 0 AS c, i % 13 = 0 AS d FROM generate_series(1, 100000) i;
ANALYZE many_events;
CREATE TEMPORARY TABLE alone AS SELECT lead, leadcrm.window_funnel('20 min', at, a, b, c, d, a AND b) AS n,
	leadcrm.window_funnel('strict_order allow_reentry', '20 min', at, a, b, c, d, a AND b) AS strict FROM many_events GROUP BY lead;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS off) SELECT leadcrm.window_funnel('20 min', at, a, b, c, d, a AND b) FROM many_events;
CREATE TEMPORARY TABLE together AS SELECT lead, leadcrm.window_funnel('20 min', at, a, b, c, d, a AND b) AS n,
	leadcrm.window_funnel('strict_order allow_reentry', '20 min', at, a, b, c, d, a AND b) AS strict FROM many_events GROUP BY lead;
SELECT (SELECT leadcrm.window_funnel('20 min', at, a, b, c, d, a AND b) FROM many_events) AS all_in_one;
RESET max_parallel_workers_per_gather;
SELECT count(*) AS leads, count(DISTINCT a.n) > 1 AS various, count(*) FILTER (WHERE a.n <> t.n OR a.strict <> t.strict) AS differ
FROM alone a JOIN together t USING (lead);
SELECT count(*) AS rows, count(*) FILTER (WHERE moving <> so_far) AS differ FROM (
	SELECT leadcrm.window_funnel('20 min', at, a, b, c, d) OVER w AS moving,
		(SELECT leadcrm.window_funnel('20 min', p.at, p.a, p.b, p.c, p.d) FROM many_events p WHERE p.lead = 3 AND p.at <= e.at) AS so_far
	FROM many_events e WHERE lead = 3 AND at < '2024-01-01 04:00' WINDOW w AS (ORDER BY at)) x;

-- what cannot be
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT leadcrm.window_funnel('0 s', at, a) FROM funnel_event;
SELECT leadcrm.window_funnel('-1 day', at, a) FROM funnel_event;
SELECT leadcrm.window_funnel('1 day -24:00:00', at, a) FROM funnel_event;
SELECT leadcrm.window_funnel('-178000000 years', at, a) FROM funnel_event;
SELECT leadcrm.window_funnel('1 s', NULL, a) FROM funnel_event;
SELECT leadcrm.window_funnel('1 s', 'infinity', a) FROM funnel_event;
SELECT leadcrm.window_funnel('1 s', '-infinity', a) FROM funnel_event;
SELECT leadcrm.window_funnel('1 s', at, VARIADIC '{}') FROM funnel_event;
SELECT leadcrm.window_funnel('1 s', at, VARIADIC NULL) FROM funnel_event;
SELECT leadcrm.window_funnel('1 s', at, VARIADIC array_fill(true, ARRAY[65])) FROM funnel_event;
SELECT leadcrm.window_funnel('strict', '1 s', at, a) FROM funnel_event;
SELECT leadcrm.window_funnel('strict_increase strict_order,strict_ordeR', '1 s', at, a) FROM funnel_event;
-- a comma stands between two words
SELECT leadcrm.window_funnel('strict_order,', '1 s', at, a) FROM funnel_event;
SELECT leadcrm.window_funnel(', strict_order', '1 s', at, a) FROM funnel_event;
SELECT leadcrm.window_funnel('strict_increase , , strict_order ', '1 s', at, a) FROM funnel_event;
SELECT leadcrm.window_funnel(',', '1 s', at, a) FROM funnel_event;
SELECT leadcrm.window_funnel(' strict_increase ,strict_order  from_first ', '1 s', at, a) IS NOT NULL AS accepted FROM funnel_event;
SELECT leadcrm.window_funnel('1 s', at, VARIADIC ARRAY[[a, b], [c, d]]) FROM funnel_event;
SELECT leadcrm.window_funnel('allow_reentry', '1 s', at, a) FROM funnel_event;
SELECT leadcrm.window_funnel(make_interval(secs => extract(epoch FROM at)), at, a) FROM funnel_event;
SELECT leadcrm.window_funnel(CASE WHEN a THEN 'strict_order' END, '1 s', at, a ORDER BY a) FROM funnel_event;
SELECT leadcrm.window_funnel(CASE WHEN a THEN 'strict_order,allow_reentry' ELSE 'from_first' END, '1 s', at, a ORDER BY a) FROM funnel_event;
SELECT leadcrm.window_funnel('1 s', at, VARIADIC CASE WHEN a THEN ARRAY[a] ELSE ARRAY[a, b] END) FROM funnel_event;
\set VERBOSITY sqlstate
SELECT leadcrm.window_funnel('0 s', at, a) FROM funnel_event;
SELECT leadcrm.window_funnel('1 s', NULL, a) FROM funnel_event;
SELECT leadcrm.window_funnel('1 s', 'infinity', a) FROM funnel_event;
SELECT leadcrm.window_funnel('1 s', at, VARIADIC NULL) FROM funnel_event;
SELECT leadcrm.window_funnel('1 s', at, VARIADIC array_fill(true, ARRAY[65])) FROM funnel_event;
SELECT leadcrm.window_funnel('strict', '1 s', at, a) FROM funnel_event;
SELECT leadcrm.window_funnel('strict_order,', '1 s', at, a) FROM funnel_event;
SELECT leadcrm.window_funnel('1 s', at, VARIADIC ARRAY[[a, b], [c, d]]) FROM funnel_event;
\set VERBOSITY default
-- states that are each in order follow each other in another one: the first partition's events, the last ones, those between
CREATE TABLE part_event (lead int, p int, step int, at timestamptz) PARTITION BY LIST (p);
CREATE TABLE part_event_1 PARTITION OF part_event FOR VALUES IN (1);
CREATE TABLE part_event_2 PARTITION OF part_event FOR VALUES IN (2);
CREATE TABLE part_event_3 PARTITION OF part_event FOR VALUES IN (3);
INSERT INTO part_event SELECT i % 100, v.p, v.step, v.at + i * interval '1 second' FROM (VALUES (1, 1, timestamptz '2026-01-01 10:00+00'), (2, 3, '2026-01-01 14:00+00'),
	(3, 2, '2026-01-01 12:00+00')) v (p, step, at), generate_series(1, 3000) i;
ANALYZE part_event;
SET enable_partitionwise_aggregate = on;
SET max_parallel_workers_per_gather = 0;
DO $$
DECLARE
	line text;
	plan text := '';
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) SELECT lead, leadcrm.window_funnel(''1 day'', at, step = 1, step = 2, step = 3) FROM part_event GROUP BY lead' LOOP
		plan := plan || line;
	END LOOP;
	RAISE NOTICE '%', substring(plan FROM 'Finalize HashAggregate.*Append.*Partial HashAggregate') IS NOT NULL;
END $$;
SELECT steps, count(*) FROM (SELECT leadcrm.window_funnel('1 day', at, step = 1, step = 2, step = 3) AS steps FROM part_event GROUP BY lead) x GROUP BY 1;
RESET enable_partitionwise_aggregate;
RESET max_parallel_workers_per_gather;
DROP TABLE part_event;
DROP TABLE funnel_event, many_events;
DROP FUNCTION far, slow_window_funnel;
