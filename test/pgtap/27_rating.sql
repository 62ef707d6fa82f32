-- Grades, temperature, the hottest leads and why: against a second computation from the raw rows, at several instants, with
-- thresholds and ratings that were moved.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS leadcrm;
\ir include/error.sql
SELECT no_plan();
SET TimeZone = 'UTC';
SET jit = off;
SELECT leadcrm.create_workspace('crm');

-- each grade by itself, at its threshold and below it: leads with a fit written by hand, and one kind worth what is wanted
UPDATE crm.activity_kind SET points = 1, at_most = NULL, per = NULL WHERE code = 'page_view';
CREATE FUNCTION t.grade_of(fit int, points float8, kind text DEFAULT NULL, ago interval DEFAULT '0', status text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	id bigint;
	found text;
BEGIN
	BEGIN
		INSERT INTO crm.lead (full_name) VALUES ('x') RETURNING lead_id INTO id;
		UPDATE crm.lead SET fit = grade_of.fit, fit_by_hand = true WHERE lead_id = id;
		UPDATE crm.activity_kind SET points = grade_of.points WHERE code = 'page_view';
		INSERT INTO crm.activity (lead_id, kind) VALUES (id, 'page_view');
		IF kind IS NOT NULL THEN
			INSERT INTO crm.activity (lead_id, kind, occurred_at) VALUES (id, grade_of.kind, now() - ago);
		END IF;
		IF status IS NOT NULL THEN
			UPDATE crm.lead l SET status = grade_of.status, status_reason = 'not_target' WHERE lead_id = id;
		END IF;
		SELECT r.fit_grade || ' ' || r.engagement_grade || ' ' || r.grade || ' ' || r.temperature || ' ' || r.quality_tier INTO found
		FROM crm.lead_rating r WHERE r.lead_id = id;
		RAISE EXCEPTION 'undo' USING ERRCODE = 'P0099';
	EXCEPTION WHEN SQLSTATE 'P0099' THEN
		RETURN found;
	END;
END
$$;
SELECT is(t.grade_of(f, p), g, format('fit %s, engagement %s', f, p)) FROM (VALUES
	(70, 50, 'A 1 A1 hot high'), (69, 50, 'B 1 B1 hot high'), (45, 49.999, 'B 2 B2 warm medium'), (44, 50, 'C 1 C1 warm medium'), (20, 25, 'C 2 C2 warm medium'),
	(19, 90, 'D 1 D1 cold low'), (100, 25, 'A 2 A2 hot high'), (70, 24.999, 'A 3 A3 warm medium'), (70, 8, 'A 3 A3 warm medium'), (70, 7.999, 'A 4 A4 cold medium'),
	(45, 8, 'B 3 B3 warm medium'), (45, 0, 'B 4 B4 cold medium'), (20, 24, 'C 3 C3 cold medium'), (20, 1, 'C 4 C4 cold medium'), (0, 0, 'D 4 D4 cold low'),
	(0, 25, 'D 2 D2 cold low'), (0, 8, 'D 3 D3 cold low'), (70, -30, 'A 4 A4 cold medium')) v (f, p, g);
UPDATE crm.activity_kind SET points = 0 WHERE code IN ('demo_request', 'quote_request');
SELECT is(t.grade_of(f, 0, k, a::interval, s), g, format('fit %s, %s %s ago, status %s', f, k, a, s)) FROM (VALUES
	(20, 'demo_request', '0', NULL, 'C 4 C4 hot medium'), (20, 'quote_request', '6 days 23:59:59', NULL, 'C 4 C4 hot medium'),
	(20, 'demo_request', '7 days', NULL, 'C 4 C4 cold medium'), (45, 'demo_request', '6 days', NULL, 'B 4 B4 hot high'), (19, 'demo_request', '0', NULL, 'D 4 D4 cold low'),
	(45, 'price_view', '0', NULL, 'B 3 B3 warm medium'), (45, 'demo_request', '-1 day', NULL, 'B 4 B4 cold medium'),
	(90, 'demo_request', '0', 'unqualified', 'A 4 A4 hot low'), (90, 'demo_request', '0', 'lost', 'A 4 A4 hot low')) v (f, k, a, s, g);
SELECT is(t.grade_of(NULL, 90), 'D 1 D1 cold low', 'a fit that is not known is a D');

-- random leads
CREATE FUNCTION t.slow_rating(at timestamptz) RETURNS TABLE (lead_id bigint, points float8, grade text, temperature text, tier text) LANGUAGE sql AS $$
	SELECT l.lead_id, p.points, g.grade, h.temperature,
		CASE WHEN g.grade LIKE 'D%' OR l.status IN ('unqualified', 'lost') THEN 'low' WHEN g.grade ~ '^[AB]' AND h.temperature = 'hot' THEN 'high' ELSE 'medium' END
	FROM crm.lead l
	CROSS JOIN LATERAL (SELECT coalesce(sum(v.points * 2 ^ (extract(epoch FROM v.occurred_at - at) / extract(epoch FROM s.half_life))::float8), 0) AS points
		FROM crm.activity_points v CROSS JOIN crm.setting s WHERE v.lead_id = l.lead_id) p
	CROSS JOIN LATERAL (SELECT coalesce((SELECT min(t.grade) FROM crm.grade_threshold t WHERE t.dimension = 'fit' AND t.at_least <= l.fit), 'D')
		|| coalesce((SELECT min(t.grade) FROM crm.grade_threshold t WHERE t.dimension = 'engagement' AND t.at_least <= p.points), '4') AS grade) g
	CROSS JOIN LATERAL (SELECT CASE WHEN g.grade NOT LIKE 'D%' AND (SELECT count(*) FROM crm.activity a, crm.activity_kind k
			WHERE a.lead_id = l.lead_id AND k.code = a.kind AND a.occurred_at <= at AND at < a.occurred_at + k.hot_for) > 0 THEN 'hot'
		ELSE coalesce((SELECT r.temperature FROM crm.rating r WHERE r.fit_grade || r.engagement_grade = g.grade), 'cold') END AS temperature) h
$$;
-- how warm a lead was at its handoff: by what had happened by then
CREATE FUNCTION t.slow_handoff(lead bigint) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN g.fit <> 'D' AND EXISTS (SELECT FROM crm.activity a JOIN crm.activity_kind k ON k.code = a.kind
			WHERE a.lead_id = l.lead_id AND l.handed_off_at >= a.occurred_at AND l.handed_off_at < a.occurred_at + k.hot_for) THEN 'hot'
		ELSE coalesce((SELECT r.temperature FROM crm.rating r WHERE r.fit_grade = g.fit AND r.engagement_grade = g.engagement), 'cold') END
	FROM crm.lead l
	CROSS JOIN LATERAL (SELECT coalesce(sum(v.points * 0.5 ^ (extract(epoch FROM l.handed_off_at - v.occurred_at) / extract(epoch FROM s.half_life))::float8), 0) AS points
		FROM crm.activity_points v CROSS JOIN crm.setting s WHERE v.lead_id = l.lead_id AND v.occurred_at <= l.handed_off_at) p
	CROSS JOIN LATERAL (SELECT coalesce((SELECT min(t.grade) FROM crm.grade_threshold t WHERE t.dimension = 'fit' AND t.at_least <= l.fit), 'D') AS fit,
		coalesce((SELECT min(t.grade)::int FROM crm.grade_threshold t WHERE t.dimension = 'engagement' AND t.at_least <= p.points), 4) AS engagement) g
	WHERE l.lead_id = slow_handoff.lead
$$;
CREATE FUNCTION t.check_rating(seed int) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM setseed(seed / 100.0);
	DELETE FROM crm.customer;
	DELETE FROM crm.lead;
	UPDATE crm.activity_kind SET hot_for = CASE WHEN random() < 0.2 THEN random() * interval '20 days' + interval '1 hour' END,
		points = round((random() * 50 - 5)::numeric, 1);
	IF seed % 2 = 0 THEN
		UPDATE crm.grade_threshold SET at_least = at_least * (0.3 + random());
		DELETE FROM crm.grade_threshold WHERE random() < 0.1;
		UPDATE crm.rating SET temperature = (ARRAY['cold', 'warm', 'hot'])[1 + floor(random() * 3)::int];
		DELETE FROM crm.rating WHERE random() < 0.1;
	END IF;
	INSERT INTO crm.lead (full_name, stage, lead_at, mql_at, customer_at, excluded_as)
	SELECT 'lead ' || i, s.stage::leadcrm.lifecycle_stage, now() - interval '90 days', CASE WHEN s.stage <> 'lead' THEN now() - interval '50 days' END,
		CASE WHEN s.stage = 'customer' THEN now() - interval '9 days' END, CASE WHEN random() < 0.1 THEN 'test' END
	FROM generate_series(1, 120) i CROSS JOIN LATERAL (SELECT (ARRAY['lead', 'mql', 'mql', 'customer'])[1 + floor(random() * 4 + i * 0)::int] AS stage) s;
	UPDATE crm.lead SET fit = floor(random() * 101), fit_by_hand = true;
	UPDATE crm.lead SET status = 'lost' WHERE stage < 'customer' AND random() < 0.2;
	UPDATE crm.lead SET status = 'unqualified', status_reason = 'not_target' WHERE stage < 'customer' AND random() < 0.1;
	INSERT INTO crm.activity (lead_id, kind, occurred_at)
	SELECT l.lead_id, k.code, now() - random() * interval '60 days' + CASE WHEN random() < 0.05 THEN interval '50 days' ELSE '0' END
	FROM crm.lead l CROSS JOIN generate_series(1, 9) i CROSS JOIN LATERAL (SELECT code FROM crm.activity_kind WHERE i > 0 AND l.lead_id > 0 ORDER BY random() LIMIT 1) k
	WHERE l.lead_id % 7 > 0;
	PERFORM crm.rescore();

	RETURN NEXT is((SELECT count(*) FROM crm.lead_rating r FULL JOIN t.slow_rating(now()) s USING (lead_id)
		WHERE (r.grade, r.temperature, r.quality_tier) IS DISTINCT FROM (s.grade, s.temperature, s.tier) OR abs(r.engagement_now - s.points) > 1e-6
			OR r.grade <> r.fit_grade || r.engagement_grade), 0::bigint, 'ratings of seed ' || seed);
	RETURN NEXT is((SELECT count(*) FROM crm.rated_lead(now() + i) r FULL JOIN t.slow_rating(now() + i) s USING (lead_id)
		WHERE (r.fit_grade || r.engagement_grade, r.temperature, r.quality_tier) IS DISTINCT FROM (s.grade, s.temperature, s.tier)), 0::bigint, i || ' from now')
	FROM (SELECT random() * interval '60 days' - interval '30 days' AS i) i;
	RETURN NEXT is((SELECT array_agg(lead_id ORDER BY n) FROM (SELECT lead_id, row_number() OVER () AS n, engagement_now FROM crm.hot_lead) h),
		(SELECT array_agg(s.lead_id ORDER BY l.engagement IS NULL, s.points DESC, h.n) FROM t.slow_rating(now()) s JOIN crm.lead l USING (lead_id)
			JOIN (SELECT lead_id, row_number() OVER () AS n FROM crm.hot_lead) h USING (lead_id)
			WHERE l.status NOT IN ('lost', 'unqualified') AND l.stage < 'customer' AND l.excluded_as IS NULL), 'the hottest first');
	RETURN NEXT is((SELECT count(*) FROM crm.hot_lead), (SELECT count(*) FROM crm.lead WHERE status NOT IN ('lost', 'unqualified') AND stage < 'customer'
		AND excluded_as IS NULL), 'all that are alive');
	RETURN NEXT is((SELECT count(*) FROM crm.hot_lead h JOIN crm.lead_rating r USING (lead_id) WHERE (h.engagement_now, h.grade, h.temperature, h.quality_tier, h.fit)
		IS DISTINCT FROM (r.engagement_now, r.grade, r.temperature, r.quality_tier, r.fit)), 0::bigint, 'rated alike');
	RETURN NEXT is((SELECT count(*) FROM crm.lead l CROSS JOIN (VALUES (now()), (now() + interval '7 days'), (now() - interval '3 days')) v (at)
		CROSS JOIN LATERAL (SELECT coalesce(sum(e.points_at) FILTER (WHERE e.part = 'engagement'), 0) AS engagement, sum(abs(e.points_at)) FILTER (WHERE e.part = 'engagement') AS size,
			coalesce(sum(e.points_at) FILTER (WHERE e.part = 'fit'), 0) AS fit, count(*) FILTER (WHERE e.note LIKE 'not up to date%') AS stale
			FROM crm.score_explain(l.lead_id, v.at) e) e
		WHERE abs(e.engagement - coalesce(leadcrm.score_at(l.engagement, v.at), 0)) > 1e-9 * e.size OR e.fit <> l.fit OR e.stale > 0), 0::bigint, 'explanations add up');

	-- imported handoffs wait for rate_handoffs(); moves, reported late, are rated at once
	RETURN NEXT is((SELECT count(handoff_temperature) FROM crm.lead WHERE handed_off_at IS NOT NULL), 0::bigint, 'nobody knows how warm they were');
	RETURN NEXT is(crm.rate_handoffs(), (SELECT count(*) FROM crm.lead WHERE handed_off_at IS NOT NULL), 'all of them are rated');
	RETURN NEXT is(crm.rate_handoffs(), 0::bigint, 'once');
	UPDATE crm.lead SET stage = 'mql', stage_since = now() - random() * interval '40 days' WHERE stage = 'lead' AND stage_since < now() - interval '40 days';
	RETURN NEXT is((SELECT count(*) FROM crm.lead WHERE handoff_temperature IS DISTINCT FROM CASE WHEN handed_off_at IS NOT NULL THEN t.slow_handoff(lead_id) END),
		0::bigint, 'as warm as what they had done until the handoff makes them');
	RETURN NEXT cmp_ok((SELECT count(DISTINCT handoff_temperature) FROM crm.lead), '>', 1::bigint, 'not all are alike');
END
$$;
SELECT t.check_rating(seed) FROM generate_series(1, 8) seed;

-- a week later, without a write
SELECT results_eq($$SELECT lead_id FROM crm.hot_lead WHERE engagement_now <> 0$$, $$SELECT r.lead_id FROM crm.rated_lead(now() + interval '7 days') r
	WHERE r.status_category <> 'closed' AND r.stage < 'customer' AND r.excluded_as IS NULL AND r.engagement_now <> 0 ORDER BY r.engagement_now DESC$$, 'the order stays');

-- one lead beyond the numbers hides no other: an activity in a year, a half-life of hours
DO $$ BEGIN PERFORM crm.rescore('5 hours'); END $$;
INSERT INTO crm.lead (lead_id, full_name) VALUES (90001, 'to come'), (90002, 'to go');
UPDATE crm.activity_kind SET points = 30, at_most = NULL, per = NULL WHERE code = 'meeting_held';
UPDATE crm.activity_kind SET points = -25, at_most = NULL, per = NULL WHERE code = 'unsubscribe';
INSERT INTO crm.activity (lead_id, kind, occurred_at) VALUES (90001, 'meeting_held', now() + interval '360 days'), (90002, 'unsubscribe', now() + interval '360 days');
SELECT results_eq('SELECT lead_id, engagement_now FROM crm.hot_lead LIMIT 1', $$VALUES (90001::bigint, 'Infinity'::float8)$$, 'hot_lead');
SELECT results_eq('SELECT lead_id, engagement_now, engagement_grade FROM crm.lead_rating WHERE lead_id > 90000 ORDER BY 1',
	$$VALUES (90001::bigint, 'Infinity'::float8, 1), (90002, '-Infinity', 4)$$, 'lead_rating');
SELECT results_eq('SELECT lead_id, engagement_grade, temperature FROM crm.rated_lead(now()) WHERE lead_id > 90000 ORDER BY 1',
	'SELECT lead_id, engagement_grade, temperature FROM crm.lead_rating WHERE lead_id > 90000 ORDER BY 1', 'rated_lead');
CREATE TABLE t.thresholds AS SELECT * FROM crm.grade_threshold;
DELETE FROM crm.grade_threshold;
SELECT is((SELECT engagement_grade FROM crm.lead_rating WHERE lead_id = 90001), 4, 'what has no threshold nobody reaches');
INSERT INTO crm.grade_threshold SELECT * FROM t.thresholds;
SELECT results_eq('SELECT lead_id, engagement_now FROM crm.lead_fact WHERE lead_id > 90000 ORDER BY 1', $$VALUES (90001::bigint, 'Infinity'::float8), (90002, '-Infinity')$$,
	'lead_fact');
SELECT results_eq('SELECT points, points_at, note FROM crm.score_explain(90001) WHERE part = ''engagement''', $$VALUES (30::float8, 'Infinity'::float8, NULL)$$, 'score_explain');
SET LOCAL leadcrm.enforcement = off;
UPDATE crm.activity SET occurred_at = now() WHERE lead_id > 90000;
SET LOCAL leadcrm.enforcement = strict;
SELECT results_eq('SELECT lead_id, stored_points, round(computed_points::numeric, 9) FROM crm.engagement_mismatch WHERE lead_id > 90000 ORDER BY 1',
	$$VALUES (90001::bigint, 'Infinity'::float8, 30.0), (90002, '-Infinity', -25)$$, 'engagement_mismatch');
SELECT results_eq('SELECT sum(points_at) FROM crm.score_explain(90001) WHERE part = ''engagement''', ARRAY['Infinity'::float8], 'what is not up to date is added');
DELETE FROM crm.lead WHERE lead_id > 90000;
DO $$ BEGIN PERFORM crm.rescore('30 days'); END $$;
-- explanations add up long before anything happened, and long after
SELECT is((SELECT count(*) FROM crm.lead l CROSS JOIN (VALUES (timestamptz '1990-01-01'), ('2300-01-01')) v (at)
	CROSS JOIN LATERAL (SELECT coalesce(sum(e.points_at), 0) AS points, coalesce(sum(abs(e.points_at)), 0) AS size FROM crm.score_explain(l.lead_id, v.at) e WHERE e.part = 'engagement') e
	WHERE abs(e.points - coalesce(leadcrm.score_at(l.engagement, v.at), 0)) > 1e-9 * e.size), 0::bigint, 'at any instant');

-- off the index, whatever is asked for
INSERT INTO crm.lead (full_name) SELECT 'more ' || i FROM generate_series(1, 5000) i;
ANALYZE crm.lead, crm.activity;
CREATE FUNCTION t.plan(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	plan text := '';
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		plan := plan || line || E'\n';
	END LOOP;
	RETURN plan;
END
$$;
SELECT unnest(ARRAY[matches(t.plan(q), 'Index Scan using lead_engagement_idx', q || ' reads the index'),
	doesnt_match(t.plan(q), 'Sort Key: l\.', 'and sorts nothing')])
FROM (VALUES ('SELECT * FROM crm.hot_lead LIMIT 100'), ('SELECT lead_id, engagement_now FROM crm.hot_lead LIMIT 100')) v (q);
SELECT is((SELECT count(*) FROM crm.hot_lead WHERE engagement_now IS NULL OR temperature IS NULL), 0::bigint, 'a lead without activities has 0 points');

-- why
INSERT INTO crm.lead (lead_id, full_name) VALUES (100000, 'why');
UPDATE crm.activity_kind SET points = 10, at_most = 2, per = '1 day', hot_for = NULL;
UPDATE crm.lead SET fit = 55, fit_by_hand = true WHERE lead_id = 100000;
INSERT INTO crm.activity (lead_id, kind, occurred_at) SELECT 100000, 'price_view', '2026-05-01 12:00' FROM generate_series(1, 3);
SELECT results_eq($$SELECT part, rule, label, points, points_at, note FROM crm.score_explain(100000, '2026-05-31 12:00') WHERE part = 'engagement'$$,
	$$VALUES ('engagement', 'price_view', 'Prices viewed', 10::float8, 5::float8, NULL), ('engagement', 'price_view', 'Prices viewed', 10, 5, NULL),
		('engagement', 'price_view', 'Prices viewed', 0, 0, 'does not count: at most 2 in 1 day')$$, 'which event gave how much, and which none');
SELECT results_eq($$SELECT sum(points_at) FROM crm.score_explain(100000) WHERE part = 'fit'$$, ARRAY[55::float8], 'fit adds up, written by hand or not');
UPDATE crm.activity_kind SET points = 20 WHERE code = 'price_view';
SELECT results_eq($$SELECT points_at, note FROM crm.score_explain(100000, '2026-05-31 12:00') WHERE part = 'engagement' AND rule IS NULL$$,
	$$VALUES (-10::float8, 'not up to date: call rescore()')$$, 'points that have changed since are said');
SELECT is_empty('SELECT * FROM crm.score_explain(-1)', 'no such lead');

-- how warm at the handoff: by what happened until then
SELECT crm.rescore();
DELETE FROM crm.rating;
INSERT INTO crm.rating VALUES ('A', 1, 'hot'), ('A', 2, 'hot'), ('A', 3, 'warm');
DELETE FROM crm.grade_threshold;
INSERT INTO crm.grade_threshold VALUES ('fit', 'A', 70), ('engagement', '1', 50), ('engagement', '2', 25), ('engagement', '3', 8);
UPDATE crm.activity_kind SET points = 60, at_most = NULL, per = NULL WHERE code = 'webinar_attended';
INSERT INTO crm.lead (lead_id, full_name, created_at) SELECT i, 'handed', now() - interval '90 days' FROM generate_series(100001::bigint, 100004) i;
UPDATE crm.lead SET fit = 80, fit_by_hand = true WHERE lead_id > 100000;
INSERT INTO crm.activity (lead_id, kind, occurred_at) VALUES (100001, 'webinar_attended', now() - interval '1 day'),
	(100002, 'webinar_attended', now() - interval '29 days');
UPDATE crm.lead SET stage = 'mql' WHERE lead_id IN (100001, 100002, 100004);
SELECT results_eq('SELECT lead_id, handoff_temperature FROM crm.lead WHERE lead_id IN (100001, 100002, 100004) ORDER BY 1',
	$$VALUES (100001::bigint, 'hot'), (100002, 'hot'), (100004, 'cold')$$, 'the temperature at the handoff is kept');
UPDATE crm.grade_threshold SET at_least = 58.9 WHERE grade = '2';
SELECT is(crm.temperature_at(100002, 80, now()), 'warm', 'other rules, another temperature');
UPDATE crm.grade_threshold SET at_least = 25 WHERE grade = '2';
INSERT INTO crm.activity (lead_id, kind, occurred_at) VALUES (100004, 'webinar_attended', clock_timestamp());
SELECT is((SELECT handoff_temperature FROM crm.lead WHERE lead_id = 100004), 'cold', 'what comes later does not change it');
SELECT is(crm.temperature_at(100004, 80, now() - interval '1 hour'), 'cold', 'nor what an earlier instant was');
SELECT is((SELECT count(*) FROM crm.lead l JOIN crm.lead_rating r USING (lead_id)
	WHERE r.temperature <> crm.temperature_at(l.lead_id, l.fit, now()) AND NOT EXISTS (SELECT FROM crm.activity a WHERE a.lead_id = l.lead_id AND a.occurred_at > now())),
	0::bigint, 'as of now it is the rating');
UPDATE crm.lead SET stage = 'lead', stage_reason = 'not_ready' WHERE lead_id = 100004;
UPDATE crm.lead SET stage = 'mql' WHERE lead_id = 100004;
SELECT is((SELECT handoff_temperature FROM crm.lead WHERE lead_id = 100004), 'hot', 'the next handoff has its own');
SELECT leadcrm.correct('crm.lead', 'stage', '100004', 'wrong click');
SELECT is((SELECT handoff_temperature FROM crm.lead WHERE lead_id = 100004), 'cold', 'a corrected one takes it away again');

-- born at the handoff stage: by its fit, and by what is written down within a minute and happened until then
UPDATE crm.rating SET temperature = 'warm' WHERE fit_grade = 'A' AND engagement_grade = 4;
INSERT INTO crm.rating VALUES ('A', 4, 'warm') ON CONFLICT DO NOTHING;
UPDATE crm.activity_kind SET points = 40, at_most = NULL, per = NULL, hot_for = '7 days' WHERE code = 'demo_request';
INSERT INTO crm.lead (lead_id, full_name, stage, fit, fit_by_hand, stage_since, mql_at, handoff_temperature) VALUES
	(100010, 'asks for a demo', 'mql', 80, true, NULL, NULL, NULL), (100011, 'found', 'mql', 80, true, NULL, NULL, NULL),
	(100012, 'unfit', 'mql', 5, true, NULL, NULL, NULL), (100013, 'born a day ago', 'mql', 80, true, now() - interval '1 day', NULL, NULL),
	(100014, 'imported', 'mql', 80, true, NULL, now() - interval '1 day', NULL), (100015, 'brings it', 'mql', 80, true, NULL, now() - interval '1 day', 'hot'),
	(100016, 'brings it now', 'mql', 80, true, NULL, NULL, 'cold'), (100017, 'imported now', 'mql', 80, true, NULL, now(), NULL),
	(100018, 'past the handoff', 'sql', 80, true, NULL, NULL, NULL), (100019, 'skipped it', 'sql', 80, true, NULL, NULL, NULL);
CREATE FUNCTION t.handoffs() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(coalesce(handoff_temperature, '-'), ' ' ORDER BY lead_id) FROM crm.lead WHERE lead_id BETWEEN 100010 AND 100019
$$;
SELECT is(t.handoffs(), 'warm warm cold - - hot cold warm - -', 'births are rated, imports are not');
INSERT INTO crm.activity (lead_id, kind, occurred_at) SELECT i, 'demo_request', now() - interval '25 hours' FROM generate_series(100013::bigint, 100019) i;
INSERT INTO crm.activity (lead_id, kind) VALUES (100010, 'demo_request'), (100012, 'demo_request');
INSERT INTO crm.activity (lead_id, kind, occurred_at) VALUES (100011, 'demo_request', clock_timestamp() + interval '1 second');
SELECT is(t.handoffs(), 'hot warm cold - - hot hot hot - -', 'what is written down with the handoff counts, if it happened before it');
DELETE FROM crm.activity WHERE lead_id = 100010;
SELECT is(t.handoffs(), 'warm warm cold - - hot hot hot - -', 'and what is taken back does not');
SELECT is(crm.rate_handoffs(), 2::bigint, 'the imports whose activities are there now');
SELECT is(t.handoffs(), 'warm warm cold hot hot hot hot hot - -', 'who was never handed off has no temperature');
UPDATE crm.lead SET stage = 'lead', stage_reason = 'not_ready' WHERE lead_id = 100018;
SELECT is(t.handoffs(), 'warm warm cold hot hot hot hot hot - -', 'nor has who comes back from further on');
UPDATE crm.lead SET stage = 'mql' WHERE lead_id = 100018;
SELECT is(t.handoffs(), 'warm warm cold hot hot hot hot hot hot -', 'until it is');
CREATE ROLE lc_sales;
SELECT crm.grant_access('lc_sales', 'sales');
SELECT is(t.error('SELECT crm.rate_handoffs()', 'lc_sales'), '42501: permission denied for function rate_handoffs', 'not everybody rates imports');

SELECT * FROM finish();
ROLLBACK;
