-- The conversion curve against a second computation from the raw histories, one exit after the other, on random companies;
-- by hand on small ones; and what bad input gets.
\ir include/random_companies.sql

SELECT plan(56);

-- six leads: on at 1 day, off at 2, open at 2, on at 3, open at 4, on at 5
INSERT INTO crm.lead (stage, lead_at, mql_at, status, status_since)
SELECT x.stage::leadcrm.lifecycle_stage, now() - x.age * interval '1 day', now() - x.age * interval '1 day' + x.went_on * interval '1 day', x.status,
	CASE WHEN x.status IS NOT NULL THEN now() - x.age * interval '1 day' + x.closed * interval '1 day' END
FROM (VALUES ('mql', 20, 1, NULL, NULL), ('lead', 20, NULL, 'lost', 2), ('lead', 2, NULL, NULL, NULL), ('mql', 9, 3, NULL, NULL),
	('lead', 4, NULL, NULL, NULL), ('mql', 6, 5, NULL, NULL)) x (stage, age, went_on, status, closed);
SELECT results_eq($$SELECT day, at_risk, advanced, leaked, still_open, round(advanced_pct, 6), round(leaked_pct, 6), round(open_pct, 6),
	round(expected_pct, 6) FROM crm.conversion_curve('lead')$$, $$VALUES
	(0, 6::bigint, 0::bigint, 0::bigint, 0::bigint, 0::numeric, 0::numeric, 100::numeric, 83.333333),
	(1, 6, 1, 0, 0, 16.666667, 0, 83.333333, 83.333333),
	(2, 5, 0, 1, 1, 16.666667, 16.666667, 66.666667, 83.333333),
	(3, 3, 1, 0, 0, 38.888889, 16.666667, 44.444444, 83.333333),
	(4, 2, 0, 0, 1, 38.888889, 16.666667, 44.444444, 83.333333),
	(5, 1, 1, 0, 0, 83.333333, 16.666667, 0, 83.333333)$$, 'six leads by hand');
-- at day 1 it is 1 of 6: variance 5/216; F^exp(+-1.96 se / (F |ln F|))
SELECT is((SELECT array[round(lower_pct, 4), round(upper_pct, 4)] FROM crm.conversion_curve('lead') WHERE day = 1),
	(SELECT array[round((100 * (1 / 6.0::float8) ^ exp(w))::numeric, 4), round((100 * (1 / 6.0::float8) ^ exp(-w))::numeric, 4)]
		FROM (SELECT 1.959963984540054 * sqrt(5 / 216.0::float8) / (ln(6.0::float8) / 6) AS w) x), 'its band by hand');
SELECT is((SELECT count(*) FROM crm.conversion_curve('lead') WHERE day = 0 AND lower_pct IS NULL AND upper_pct IS NULL), 1::bigint,
	'no band while nobody has gone on');
SELECT results_eq($$SELECT * FROM crm.conversion_curve('sql')$$, $$VALUES (0, 0::bigint, 0::bigint, 0::bigint, 0::bigint, NULL::numeric,
	NULL::numeric, NULL::numeric, NULL::numeric, NULL::numeric, NULL::numeric)$$, 'a stage that nobody entered: one row, nothing in it');
SELECT results_eq($$SELECT day, at_risk, open_pct FROM crm.conversion_curve('mql')$$,
	$$SELECT d, CASE WHEN d = 0 THEN 3 WHEN d = 1 THEN 3 WHEN d <= 6 THEN 2 ELSE 1 END::bigint, 100::numeric FROM generate_series(0, 19) d$$,
	'all are open: nothing is lost');

-- exits within one day keep their order; equal ages: exits first
UPDATE crm.lead SET excluded_as = 'test';
INSERT INTO crm.lead (stage, lead_at, mql_at) VALUES ('mql', now() - interval '50 hours', now() - interval '20 hours'),
	('mql', now() - interval '50 hours', now() - interval '15 hours');
INSERT INTO crm.lead (stage, lead_at) VALUES ('lead', now() - interval '32 hours'), ('lead', now() - interval '35 hours');
-- 30 h: 1 of 4; then one open at 32 h; 35 h: 1 of 2, one of them open at that age
SELECT is((SELECT round(advanced_pct, 9) FROM crm.conversion_curve('lead') WHERE day = 2), 62.5, 'exact times, not whole days');
SELECT is((SELECT array_agg(at_risk ORDER BY day) FROM crm.conversion_curve('lead')), '{4,4,4}'::bigint[], 'all of one day');

-- stamps the wrong way round, stages left out, later stages
UPDATE crm.lead SET excluded_as = 'test';
INSERT INTO crm.lead (stage, lead_at, mql_at) VALUES ('mql', now() - interval '2 days', now() - interval '5 days');
SELECT is((SELECT array[day, advanced, round(advanced_pct)] FROM crm.conversion_curve('lead')), '{0,1,100}'::numeric[], 'it had gone before it came');
INSERT INTO crm.lead (stage, lead_at, customer_at) VALUES ('customer', now() - interval '9 days', now() - interval '5 days');
SELECT is((SELECT max(day) FROM crm.conversion_curve('lead') WHERE advanced > 0), 4, 'a later stage counts where the next one was skipped');
SELECT is((SELECT sum(at_risk) FROM crm.conversion_curve('sql')), 0::numeric, 'who skipped a stage is not in its curve');
INSERT INTO crm.lead (stage, lead_at, sql_at, evangelist_at) VALUES ('evangelist', now() - interval '9 days', now() - interval '5 days',
	now() - interval '2 days');
UPDATE crm.stage SET in_funnel = stage IN ('lead', 'customer');
SELECT is((SELECT max(day) FROM crm.conversion_curve('lead') WHERE advanced > 0), 7, 'a stage that is not in the funnel is not an advance');
UPDATE crm.stage SET in_funnel = stage BETWEEN 'lead' AND 'customer';

-- bad input
SELECT is(t.error('SELECT * FROM crm.conversion_curve(NULL)'), E'22004: conversion_curve needs a stage\nHINT: Give a stage of the funnel, such as mql.', 'no stage');
SELECT is(t.error('SELECT * FROM crm.conversion_curve(''customer'')'), E'22023: stage "customer" has no next stage in the funnel\n'
	'DETAIL: Stages that leads can go on from: lead, mql, sql, opportunity.\nHINT: Name one of these, or change in_funnel in the table stage.', 'the last stage');
SELECT matches(t.error('SELECT * FROM crm.conversion_curve(''subscriber'')'), '^22023: stage "subscriber" has no next', 'a stage outside the funnel');
SELECT matches(t.error('SELECT * FROM crm.conversion_curve(''prospect'')'), '^22P02: .*"prospect"', 'no stage at all');
SELECT is(t.error('SELECT * FROM crm.conversion_curve(''mql'', ''2026-03-01'', ''2026-02-01'')'), E'22023: the period ends before it begins: from 2026-03-01 until 2026-02-01\n'
	'HINT: since is the first day of the period, until the first day after it.', 'the wrong way round');
SELECT matches(t.error('SELECT * FROM crm.conversion_curve(''mql'', ''2026-03-01'', ''2026-03-01'')'), '^22023: the period is empty: from 2026-03-01 until 2026-03-01', 'an empty period');
SELECT is(t.error('SELECT * FROM crm.conversion_curve(''mql'', channel => ''carrier pigeon'')'),
	E'22023: there is no channel "carrier pigeon"\nHINT: Give a code of the table channel, or NULL for all.', 'no such channel');
SELECT is((SELECT count(*) FROM crm.conversion_curve('mql', '-infinity', 'infinity')), (SELECT count(*) FROM crm.conversion_curve('mql')),
	'bounds may be infinite');

-- the curve a second time, from raw_stamp and the histories: one exit after the other, with the covariances of the states
CREATE TABLE t.exit (lead_id bigint, age float8, went text);
CREATE FUNCTION t.load_exits(place int, since date, until date, the_channel text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	l record;
	entry timestamptz;
	next_at timestamptz;
	closed_at timestamptz;
	zone text := (SELECT time_zone FROM crm.setting);
	next int := (SELECT min(s.position) FROM crm.stage s WHERE s.in_funnel AND s.position > place);
BEGIN
	TRUNCATE t.exit;
	FOR l IN SELECT * FROM t.raw_lead r WHERE the_channel IS NULL OR r.channel = the_channel LOOP
		SELECT s.at INTO entry FROM t.raw_stamp s WHERE s.lead_id = l.lead_id AND s.position = place;
		CONTINUE WHEN entry IS NULL OR entry < since::timestamp AT TIME ZONE zone OR entry >= until::timestamp AT TIME ZONE zone;
		SELECT min(s.at) INTO next_at FROM t.raw_stamp s WHERE s.lead_id = l.lead_id AND s.position >= next;
		SELECT h.changed_at INTO closed_at FROM crm.status_history h WHERE h.lead_id = l.lead_id ORDER BY h.seq DESC LIMIT 1;
		INSERT INTO t.exit SELECT l.lead_id, greatest(0, extract(epoch FROM x.at - entry)) / 86400, x.went FROM (
			SELECT coalesce(next_at, CASE WHEN l.outcome = 'leaked' THEN closed_at END, now()) AS at,
				CASE WHEN next_at IS NOT NULL THEN 'on' WHEN l.outcome = 'leaked' THEN 'off' ELSE 'open' END AS went) x;
	END LOOP;
END
$$;
CREATE TYPE t.point AS (day int, at_risk bigint, on_ bigint, off bigint, open bigint, f float8, lo float8, hi float8, l float8, s float8);
CREATE FUNCTION t.slow_curve() RETURNS SETOF t.point LANGUAGE plpgsql AS $$
DECLARE
	p t.point;
	e record;
	n float8; a float8; b float8; d float8;
	s float8 := 1; f float8 := 0; l float8 := 0;
	var_s float8 := 0; var_f float8 := 0; cov float8 := 0;
	se float8;
	w float8;
	last int := coalesce((SELECT ceil(max(age)) FROM t.exit), 0);
BEGIN
	FOR day IN 0 .. last LOOP
		FOR e IN SELECT age, count(*) FILTER (WHERE went = 'on') AS on_, count(*) FILTER (WHERE went = 'off') AS off
			FROM t.exit WHERE age <= day AND (day = 0 OR age > day - 1) AND went <> 'open' GROUP BY age ORDER BY age
		LOOP
			n := (SELECT count(*) FROM t.exit x WHERE x.age >= e.age);
			a := e.on_ / n; b := e.off / n; d := a + b;
			var_f := var_f + a * a * var_s + 2 * a * cov + s * s * a * (1 - a) / n;
			cov := (1 - d) * (cov + a * var_s) - s * s * a * (1 - d) / n;
			var_s := (1 - d) ^ 2 * var_s + s * s * d * (1 - d) / n;
			f := f + s * a; l := l + s * b; s := s * (1 - d);
		END LOOP;
		p.day := day;
		p.at_risk := (SELECT count(*) FROM t.exit WHERE day = 0 OR age > day - 1);
		p.on_ := (SELECT count(*) FROM t.exit WHERE went = 'on' AND ceil(age) = day);
		p.off := (SELECT count(*) FROM t.exit WHERE went = 'off' AND ceil(age) = day);
		p.open := (SELECT count(*) FROM t.exit WHERE went = 'open' AND ceil(age) = day);
		p.f := 100 * f; p.l := 100 * l; p.s := 100 * s;
		p.lo := NULL; p.hi := NULL;
		IF f > 0 AND f < 1 - 1e-12 THEN
			se := sqrt(greatest(var_f, 0));
			w := 1.959963984540054 * se / abs(f * ln(f));
			p.lo := 100 * exp(ln(f) * exp(w)); p.hi := 100 * exp(ln(f) * exp(-w));
		END IF;
		RETURN NEXT p;
	END LOOP;
END
$$;

CREATE TABLE t.met (what text, n bigint);
CREATE FUNCTION t.check_seed(seed int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	wrong text := '';
	one text;
	c record;
	met bigint[] := '{0,0,0,0}';
BEGIN
	BEGIN
		PERFORM t.make_company(seed);
		PERFORM t.load_raw();
		FOR c IN SELECT s.stage, s.position, q.* FROM crm.stage s,
			(VALUES ('-infinity'::date, 'infinity'::date, NULL), (current_date - 250, current_date - 60, NULL), ('-infinity', 'infinity', 'email')) q (since, until, channel)
			WHERE s.in_funnel AND EXISTS (SELECT FROM crm.stage n WHERE n.in_funnel AND n.position > s.position)
		LOOP
			PERFORM t.load_exits(c.position, c.since, c.until, c.channel);
			SELECT string_agg(format('%s %s %s day %s: %s, slow %s', c.stage, c.since, c.channel, coalesce(f.day, s.day), f, s), E'\n') INTO one
			FROM crm.conversion_curve(c.stage, c.since, c.until, c.channel) f FULL JOIN t.slow_curve() s ON s.day = f.day
			WHERE f.day IS NULL OR s.day IS NULL OR (f.at_risk, f.advanced, f.leaked, f.still_open) <> (s.at_risk, s.on_, s.off, s.open)
				OR (f.advanced_pct IS NULL) <> (s.at_risk = 0 AND s.day = 0)
				OR abs(f.advanced_pct - s.f) > 1e-7 OR abs(f.leaked_pct - s.l) > 1e-7 OR abs(f.open_pct - s.s) > 1e-7
				OR (f.lower_pct IS NULL) <> (s.lo IS NULL) OR (f.upper_pct IS NULL) <> (s.hi IS NULL)
				OR abs(f.lower_pct - s.lo) > 1e-5 OR abs(f.upper_pct - s.hi) > 1e-5
				OR abs(f.advanced_pct + f.leaked_pct + f.open_pct - 100) > 1e-7;
			wrong := wrong || coalesce(left(one, 1000) || E'\n', '');
			SELECT ARRAY[met[1] + count(*) FILTER (WHERE went = 'on'), met[2] + count(*) FILTER (WHERE went = 'off'),
				met[3] + count(*) FILTER (WHERE went = 'open'), met[4] + count(*) FILTER (WHERE age = 0)] INTO met FROM t.exit;
		END LOOP;
		RAISE EXCEPTION 'undo' USING ERRCODE = 'P0099';
	EXCEPTION WHEN SQLSTATE 'P0099' THEN
		INSERT INTO t.met SELECT x.what, met[x.i] FROM unnest(ARRAY['on', 'off', 'open', 'age 0']) WITH ORDINALITY x (what, i);
		RETURN wrong;
	END;
END
$$;
DELETE FROM crm.lead l WHERE NOT EXISTS (SELECT FROM crm.customer c WHERE c.lead_id = l.lead_id);
UPDATE crm.lead SET excluded_as = 'test';
SELECT is(check_seed(seed), '', 'seed ' || seed) FROM generate_series(1, 20) seed;
SELECT is((SELECT count(*) FROM (SELECT what FROM t.met GROUP BY what HAVING sum(n) > 0) x), 4::bigint, 'every way to leave occurred');

-- where nobody is open any more it is the plain share; with cohorts as old as 30 days within_30d_pct of funnel_between
SELECT make_company(7);
SELECT is((SELECT count(*) FROM crm.funnel_between(current_date - 300, current_date - 100, 'lead') b
	WHERE b.stage = 'lead' AND b.within_30d_pct IS NOT NULL), 1::bigint, 'a cohort of 30 days or older');
SELECT is(round((SELECT advanced_pct FROM crm.conversion_curve('lead', current_date - 300, current_date - 100) WHERE day = 30), 6),
	round((SELECT 100.0 * count(*) FILTER (WHERE coalesce(mql_at, sql_at, opportunity_at, customer_at) IS NOT NULL
		AND least(mql_at, sql_at, opportunity_at, customer_at, evangelist_at) <= lead_at + interval '720 hours') / count(*)
		FROM crm.lead, crm.setting z WHERE excluded_as IS NULL AND lead_at >= (current_date - 300)::timestamp AT TIME ZONE z.time_zone
		AND lead_at < (current_date - 100)::timestamp AT TIME ZONE z.time_zone), 6), 'the curve of an old cohort is the plain share');
SELECT results_eq('SELECT stage, round(expected_pct, 9) FROM crm.funnel_leak ORDER BY position',
	$$SELECT s.stage, (SELECT round(max(c.expected_pct), 9) FROM crm.conversion_curve(s.stage) c)
	FROM (SELECT * FROM crm.stage WHERE in_funnel AND position < (SELECT max(position) FROM crm.stage WHERE in_funnel) OFFSET 0) s
	UNION ALL (SELECT stage, NULL FROM crm.stage WHERE in_funnel ORDER BY position DESC LIMIT 1)$$, 'funnel_leak expects what the curves do');
-- from the cubes: what the bins leave open is bounded, and what the bins tell exactly is the same
CREATE FUNCTION t.off_range() RETURNS TABLE (stage leadcrm.lifecycle_stage, share float8, range float8[], exact float8) LANGUAGE sql AS $$
	SELECT s.stage, c.share, c.range, x.exact
	FROM crm.funnel_scale s
	LEFT JOIN (SELECT y.position, leadcrm.expected_share(y.counts, now()) AS share, leadcrm.expected_range(y.counts, now()) AS range
		FROM crm.stay_counts() y GROUP BY 1) c ON c.position = s.position
	CROSS JOIN LATERAL (SELECT (SELECT max(v.expected_pct) FROM crm.conversion_curve(s.stage) v)::float8 / 100 AS exact OFFSET 0) x
	WHERE s.next_position IS NOT NULL
	AND ((x.exact IS NULL) <> (c.share IS NULL) OR x.exact NOT BETWEEN c.range[1] - 1e-9 AND c.range[2] + 1e-9
		OR c.share NOT BETWEEN c.range[1] - 1e-9 AND c.range[2] + 1e-9)
$$;
SELECT is_empty('SELECT * FROM t.off_range()', 'what the cubes expect, and what the curves do, lies in the range of the cubes');
DO $$BEGIN PERFORM crm.fold(); END$$;
SELECT is_empty('SELECT * FROM t.off_range()', 'the same from folded cells');
-- another 21,000 leads: half of them go on after 0 to 40 days if they are let, a quarter of the rest leaks
SELECT setseed(0.7);
UPDATE crm.stage SET in_funnel = stage BETWEEN 'lead' AND 'customer';
UPDATE crm.lead SET excluded_as = 'test';
INSERT INTO crm.lead (stage, lead_at, mql_at, status, status_since)
SELECT CASE WHEN x.gone THEN 'mql' ELSE 'lead' END::leadcrm.lifecycle_stage, x.at, CASE WHEN x.gone THEN x.at + x.took END,
	CASE WHEN NOT x.gone AND x.leaks AND x.at + x.took < now() THEN 'lost' END, CASE WHEN NOT x.gone AND x.leaks AND x.at + x.took < now() THEN x.at + x.took END
FROM (SELECT r.at, r.took, r.leaks, r.goes AND r.at + r.took < now() AS gone
	FROM (SELECT now() - random() * interval '80 days' AS at, random() * interval '40 days' AS took, random() < 0.5 AS goes, random() < 0.25 AS leaks
		FROM generate_series(1, 21000)) r) x;
SELECT ok((SELECT conversion_pct FROM crm.funnel_leak WHERE stage = 'lead') < 39, 'fewer have gone on so far');
SELECT ok((SELECT expected_pct FROM crm.funnel_leak WHERE stage = 'lead') BETWEEN 48.5 AND 51.5, 'but the half is expected, from the cubes');
SELECT ok((SELECT max(expected_pct) FROM crm.conversion_curve('lead')) BETWEEN 48.5 AND 51.5, 'as by the curve');
SELECT is((SELECT array[expected_pct] FROM crm.funnel_leak WHERE stage = 'lead'), (SELECT array[(crm.expected_pcts_cubes())[2]]), 'which is not asked then');
SELECT ok(abs((SELECT expected_pct FROM crm.funnel_leak WHERE stage = 'lead') - (SELECT max(expected_pct) FROM crm.conversion_curve('lead'))) < 0.005,
	'they are the same to less than 0.005 points');
SELECT is_empty('SELECT * FROM t.off_range()', 'and lie in the range');
SELECT ok((SELECT (leadcrm.expected_range(c.counts, now()))[2] - (leadcrm.expected_range(c.counts, now()))[1] FROM crm.stay_counts() c WHERE c.position = 2) < 0.0005,
	'which is narrow');
-- leads that skipped the next stage went on when they came to a later one
UPDATE crm.lead SET excluded_as = NULL WHERE excluded_as IS NOT NULL AND lead_id % 2 = 0;
SET LOCAL leadcrm.enforcement = off;
UPDATE crm.lead SET mql_at = NULL, sql_at = mql_at + interval '11 hours', stage = 'sql' WHERE mql_at IS NOT NULL AND lead_id % 3 = 0;
UPDATE crm.lead SET mql_at = lead_at - interval '3 days' WHERE mql_at IS NOT NULL AND lead_id % 97 = 0;
UPDATE crm.lead SET sql_at = 'infinity' WHERE lead_id % 101 = 0;
UPDATE crm.lead SET opportunity_at = '-infinity' WHERE lead_id % 103 = 0;
UPDATE crm.lead SET status_since = 'infinity' WHERE status_category = 'closed' AND lead_id % 107 = 0;
UPDATE crm.lead SET status_since = NULL WHERE status_category = 'closed' AND lead_id % 109 = 0;
UPDATE crm.lead SET lead_at = lead_at + interval '100 days' WHERE lead_id % 113 = 0;
RESET leadcrm.enforcement;
DO $$BEGIN PERFORM crm.rebuild_cubes(); END$$;
SELECT is_empty('SELECT * FROM t.off_range()', 'stages left out, stamps the wrong way round, infinite or in the future');
SELECT ok((SELECT max(abs(f.expected_pct - c.expected_pct)) FROM crm.funnel_leak f
	CROSS JOIN LATERAL (SELECT max(v.expected_pct) AS expected_pct FROM crm.conversion_curve(f.stage) v) c WHERE f.stage IN ('lead', 'mql')) < 0.01, 'and what is expected is the same');
UPDATE crm.stage SET in_funnel = stage IN ('lead', 'sql', 'customer');
SELECT is_empty('SELECT * FROM t.off_range()', 'a stage less in the funnel');
-- stamps that are days, as an import has them: the order of all is known
UPDATE crm.stage SET in_funnel = stage BETWEEN 'lead' AND 'customer';
DELETE FROM crm.lead l WHERE NOT EXISTS (SELECT FROM crm.customer c WHERE c.lead_id = l.lead_id);
UPDATE crm.lead SET excluded_as = 'test';
INSERT INTO crm.lead (stage, lead_at, mql_at, status, status_since)
SELECT CASE WHEN x.gone THEN 'mql' ELSE 'lead' END::leadcrm.lifecycle_stage, x.at, CASE WHEN x.gone THEN x.at + x.took END,
	CASE WHEN NOT x.gone AND x.at + x.took < now() THEN 'lost' END, CASE WHEN NOT x.gone AND x.at + x.took < now() THEN x.at + x.took END
FROM (SELECT r.at, r.took, r.goes AND r.at + r.took < now() AS gone
	FROM (SELECT (current_date - (i % 50))::timestamp AT TIME ZONE 'Asia/Kathmandu' AS at, (i * i % 29) * interval '24 hours' AS took, i % 3 = 0 AS goes
		FROM generate_series(1, 21000) i) r) x;
SELECT ok((SELECT abs(f.expected_pct - c.expected_pct) FROM crm.funnel_leak f
	CROSS JOIN LATERAL (SELECT max(v.expected_pct) AS expected_pct FROM crm.conversion_curve(f.stage) v) c WHERE f.stage = 'lead') < 1e-9, 'days are exact');

SELECT * FROM finish();
ROLLBACK;
