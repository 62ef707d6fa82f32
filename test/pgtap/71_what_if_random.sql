-- what_if against a slow second computation on random companies: volume, capacity and elasticity from the raw histories, then
-- stage by stage, for random arguments.
\ir include/random_companies.sql

SELECT plan(4);

-- the n-th element counts from 1; a stage that leads are dealt with at, and when
CREATE FUNCTION t.place_of(state leadcrm.lifecycle_stage) RETURNS int LANGUAGE sql AS
	$$SELECT max(f.position) FROM crm.stage f, crm.stage s WHERE s.stage = state AND f.in_funnel AND f.position <= s.position$$;
CREATE FUNCTION t.week_of(at timestamptz) RETURNS int LANGUAGE sql AS
	$$SELECT ((at AT TIME ZONE (SELECT time_zone FROM crm.setting))::date - DATE '2001-01-01') / 7$$;

CREATE FUNCTION t.slow_capacity(place int) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	who text;
	named boolean;
	newest int;
	first int;
	last int;
	earliest int;
	latest int;
	weekly float8[] := '{}';
	reps int := 0;
BEGIN
	CREATE TEMP TABLE dealt ON COMMIT DROP AS
		SELECT l.owner, t.week_of(h.changed_at) AS week
		FROM crm.stage_history h JOIN crm.lead l USING (lead_id)
		WHERE l.excluded_as IS NULL AND h.corrects IS NULL AND h.from_state IS NOT NULL AND h.to_state IS NOT NULL
			AND NOT EXISTS (SELECT FROM crm.stage_history c WHERE c.lead_id = h.lead_id AND c.corrects = h.seq)
			AND t.place_of(h.from_state) = place AND t.place_of(h.to_state) IS DISTINCT FROM place
		UNION ALL
		SELECT l.owner, t.week_of(l.status_since) FROM crm.lead l JOIN crm.lead_status s ON s.code = l.status
		WHERE l.excluded_as IS NULL AND s.category = 'closed' AND t.place_of(l.stage) = place;
	DELETE FROM dealt WHERE week >= t.week_of(now());
	SELECT max(week), bool_or(owner <> '(none)') INTO newest, named FROM dealt;
	DELETE FROM dealt WHERE week <= newest - 52 OR (named AND owner = '(none)');
	FOR who IN SELECT DISTINCT owner FROM dealt LOOP
		SELECT min(week), max(week) INTO first, last FROM dealt WHERE owner = who;
		FOR w IN first .. last LOOP
			weekly := weekly || (SELECT count(*)::float8 FROM dealt WHERE owner = who AND week = w);
		END LOOP;
		reps := reps + (SELECT active::int FROM crm.rep WHERE code = who);
	END LOOP;
	SELECT min(week), max(week) INTO earliest, latest FROM dealt;
	DROP TABLE dealt;
	RETURN CASE WHEN latest - earliest >= 3 THEN reps * t.centile(0.9, ARRAY(SELECT x FROM unnest(weekly) x ORDER BY x)) * 365.25 / 12 / 7 END;
END
$$;

CREATE FUNCTION t.slow_elasticity(place int) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	n float8 := 0; sx float8 := 0; sy float8 := 0; sxx float8 := 0; sxy float8 := 0; syy float8 := 0;
	m record;
	slope float8;
	error float8;
BEGIN
	FOR m IN SELECT month, count(*) FILTER (WHERE peak >= place) AS entered, count(*) FILTER (WHERE peak > place) AS advanced,
			count(*) FILTER (WHERE peak = place AND outcome = 'active') AS active FROM t.raw_lead GROUP BY month LOOP
		CONTINUE WHEN m.entered < 30 OR m.advanced = 0 OR m.active > m.entered / 5.0;
		n := n + 1;
		sx := sx + ln(m.entered); sxx := sxx + ln(m.entered) ^ 2;
		sy := sy + ln(100.0 * m.advanced / (m.entered - m.active)); syy := syy + ln(100.0 * m.advanced / (m.entered - m.active)) ^ 2;
		sxy := sxy + ln(m.entered) * ln(100.0 * m.advanced / (m.entered - m.active));
	END LOOP;
	IF n < 6 OR sxx - sx * sx / n <= 1e-12 THEN RETURN NULL; END IF;
	slope := (sxy - sx * sy / n) / (sxx - sx * sx / n);
	error := sqrt(greatest(syy - sy * sy / n - slope * (sxy - sx * sy / n), 0) / (n - 2) / (sxx - sx * sx / n));
	RETURN CASE WHEN slope < -2 * error THEN greatest(slope, -1) END;
END
$$;

-- both of a company, computed once
CREATE TABLE t.known (place int PRIMARY KEY, capacity float8, elasticity float8);

-- what differs between what_if and this
CREATE FUNCTION t.compare(multiplier float8, asked leadcrm.lifecycle_stage, pct float8, room float8) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	w record;
	entered float8;
	volume float8;
	now_in float8;
	then_in float8;
	taken float8;
	rate float8;
	bend float8;
	capacity float8;
	handoff int := (SELECT t.place_of(handoff_stage) FROM crm.setting);
	ending int := (SELECT max(position) FROM crm.stage WHERE in_funnel);
	months float8[];
	first text := (SELECT min(month) FROM t.raw_lead WHERE peak IS NOT NULL);
	final text := (SELECT max(month) FROM t.raw_lead WHERE peak IS NOT NULL);
	this text := to_char(now() AT TIME ZONE (SELECT time_zone FROM crm.setting), 'YYYY-MM') || '-01';
	wrong text := '';
	value float8 := (SELECT avg(l.value) FROM t.raw_lead l WHERE l.peak >= coalesce((SELECT position FROM crm.stage WHERE in_funnel AND stage = 'customer'), ending));
BEGIN
	months := ARRAY(SELECT (SELECT count(*) FROM t.raw_lead r WHERE r.month = g::date::text AND r.peak IS NOT NULL)
		FROM generate_series(first::timestamp, final::timestamp, '1 month') g WHERE g::date::text > first AND g::date::text < this ORDER BY g DESC LIMIT 3);
	IF cardinality(months) = 0 THEN
		months := ARRAY(SELECT (SELECT count(*) FROM t.raw_lead r WHERE r.month = g::date::text AND r.peak IS NOT NULL)
			FROM generate_series(first::timestamp, final::timestamp, '1 month') g);
	END IF;
	now_in := coalesce((SELECT avg(x) FROM unnest(months) x), 0);
	then_in := now_in * multiplier;
	FOR w IN SELECT x.*, f.advanced, f.entered - f.active AS resolved, f.reference_pct AS reference
		FROM crm.what_if(multiplier, asked, pct, room) x JOIN crm.funnel_leak f USING (stage) ORDER BY x.position LOOP
		rate := CASE WHEN w.resolved > 0 AND w.position < ending THEN w.advanced / w.resolved::float8 END;
		capacity := CASE WHEN w.position >= handoff AND w.position < ending THEN (SELECT k.capacity FROM t.known k WHERE k.place = w.position) END;
		IF capacity < now_in THEN capacity := now_in; END IF;
		IF room IS NOT NULL AND (w.stage = asked OR (asked IS NULL AND w.position >= handoff AND w.position < ending)) THEN
			IF w.capacity_is_assumed THEN wrong := wrong || w.stage || ' capacity is given; '; END IF;
			capacity := room;
		ELSIF (capacity IS NOT NULL) <> w.capacity_is_assumed THEN wrong := wrong || w.stage || ' capacity is assumed; '; END IF;
		IF w.entered_now IS DISTINCT FROM now_in::numeric AND NOT t.same(w.entered_now::text, now_in::numeric::text) THEN wrong := wrong || w.stage || ' entered_now; '; END IF;
		IF NOT t.same(w.entered_then::text, then_in::numeric::text) THEN wrong := wrong || w.stage || ' entered_then; '; END IF;
		IF NOT t.same(w.capacity_then::text, capacity::numeric::text) AND NOT capacity = 'Infinity' THEN wrong := wrong || format('%s capacity_then %s %s; ', w.stage, w.capacity_then, capacity); END IF;
		taken := CASE WHEN then_in > capacity THEN capacity ELSE then_in END;
		IF NOT t.same(w.waiting_then::text, (then_in - taken)::numeric::text) THEN wrong := wrong || w.stage || ' waiting_then; '; END IF;
		bend := CASE WHEN w.position < coalesce(handoff, 0) AND w.position < ending AND w.stage IS DISTINCT FROM asked THEN (SELECT k.elasticity FROM t.known k WHERE k.place = w.position) END;
		IF NOT t.same(w.elasticity::text, bend::numeric::text) THEN wrong := wrong || format('%s elasticity %s %s; ', w.stage, w.elasticity, bend); END IF;
		entered := then_in;
		IF w.stage = 'customer' OR w.position = ending AND NOT EXISTS (SELECT FROM crm.stage WHERE in_funnel AND stage = 'customer') THEN
			IF NOT t.same(w.customers_now::text, now_in::numeric::text) THEN wrong := wrong || 'customers_now; '; END IF;
			IF NOT t.same(w.customers_then::text, then_in::numeric::text) THEN wrong := wrong || 'customers_then; '; END IF;
			IF NOT t.same(w.revenue_then::text, (then_in * value)::numeric::text) THEN wrong := wrong || 'revenue_then; '; END IF;
		END IF;
		volume := now_in;
		now_in := CASE WHEN now_in = 0 THEN 0 ELSE now_in * rate END;
		IF w.stage = asked THEN rate := CASE WHEN pct IS NOT NULL THEN pct / 100 WHEN room IS NULL THEN coalesce(w.reference / 100, rate) ELSE rate END; END IF;
		IF bend IS NOT NULL AND then_in > 0 AND volume > 0 THEN rate := least(rate * power(then_in / volume, bend), 1); END IF;
		then_in := CASE WHEN taken = 0 THEN 0 ELSE taken * rate END;
	END LOOP;
	RETURN CASE WHEN wrong <> '' THEN format('what_if(%s, %s, %s, %s): ', multiplier, asked, pct, room) || wrong ELSE '' END;
END
$$;

CREATE TABLE seen (what text, times bigint);
CREATE FUNCTION t.run(seed int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	wrong text := '';
	asked leadcrm.lifecycle_stage;
BEGIN
	DELETE FROM seen;
	PERFORM t.make_company(seed);
	IF seed % 3 = 0 THEN
		-- months of many leads, at rates that fall with volume more or less
		INSERT INTO crm.lead (channel, owner, stage, status, status_since, lead_at, mql_at)
		SELECT 'social', 'ann', CASE WHEN i <= (3 + seed % 2) * n THEN 'mql' ELSE 'lead' END::leadcrm.lifecycle_stage, 'lost', m.at + interval '9 days', m.at,
			CASE WHEN i <= (3 + seed % 2) * n THEN m.at + interval '1 day' END
		FROM generate_series(6, 16, 2) n, generate_series(1, n * n) i, LATERAL (SELECT now() - interval '5 years' + (n + seed % 5) * interval '2 months' AS at) m;
	END IF;
	UPDATE crm.setting SET handoff_stage = CASE WHEN seed % 2 = 0 THEN 'sql' ELSE 'mql' END::leadcrm.lifecycle_stage;
	UPDATE crm.rep SET active = seed % 4 > 0 WHERE code = 'bo';
	IF seed % 9 = 7 THEN
		-- nobody's attempt at mql is over
		UPDATE crm.stage SET stuck_after = NULL, in_funnel = stage NOT IN ('subscriber', 'evangelist');
		UPDATE crm.lead SET excluded_as = 'test' WHERE stage_peak > 'mql' OR stage < stage_peak OR status_category = 'closed' AND stage = 'mql';
	END IF;
	PERFORM t.load_raw();
	DELETE FROM t.known;
	INSERT INTO t.known SELECT position, t.slow_capacity(position), t.slow_elasticity(position) FROM crm.stage WHERE in_funnel;
	SELECT s.stage INTO asked FROM crm.funnel_scale s WHERE s.next_position IS NOT NULL ORDER BY random() LIMIT 1;
	wrong := t.compare(1, NULL, NULL, NULL) || t.compare(4, NULL, NULL, NULL) || t.compare(random() * 3 + 0.01, NULL, NULL, random() * 20);
	IF asked IS NOT NULL THEN
		wrong := wrong || t.compare(random() * 9 + 0.01, asked, random() * 100, CASE WHEN random() < 0.5 THEN random() * 9 END)
			|| t.compare(2, asked, NULL, NULL) || t.compare(2, asked, NULL, random() * 9);
	END IF;
	INSERT INTO seen
	SELECT v.what, v.times FROM crm.what_if(3) w, LATERAL (VALUES ('rows', 1), ('assumed', w.capacity_is_assumed::int), ('waiting', (w.waiting_then > 0)::int),
		('elastic', (w.elasticity IS NOT NULL)::int), ('unknown', (w.entered_then IS NULL)::int), ('first', w.fix_first::int), (coalesce(w.answer, 'null'), 1)) v (what, times)
	UNION ALL SELECT 'said', 1 FROM crm.what_if_answer(3) a WHERE a <> '';
	RETURN CASE WHEN wrong <> '' THEN format(E'seed %s: %s\n', seed, wrong) ELSE '' END;
END
$$;

-- each company goes as it came
CREATE FUNCTION t.once(seed int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	wrong text;
	kept jsonb;
BEGIN
	BEGIN
		wrong := t.run(seed);
		kept := (SELECT jsonb_agg(s) FROM seen s);
		RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = 'undo';
	EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
		INSERT INTO seen SELECT r.* FROM jsonb_populate_recordset(NULL::seen, kept) r;
	END;
	RETURN wrong;
END
$$;
CREATE TABLE found AS SELECT seed, t.once(seed) AS wrong FROM generate_series(1, 12) seed;
SELECT is((SELECT string_agg(wrong, '') FROM found), '', 'what_if equals the slow computation on 12 random companies');
SELECT is_empty($$SELECT w.what FROM unnest(ARRAY['assumed', 'waiting', 'elastic', 'unknown', 'first', 'yes', 'no', 'null', 'said']) w (what)
	WHERE coalesce((SELECT sum(s.times) FROM t.seen s WHERE s.what = w.what), 0) < 2$$, 'each kind of answer occurred');
SELECT is((SELECT sum(times) FROM seen WHERE what = 'said'), (SELECT count(*) FROM found)::numeric, 'and was said in words');
SELECT is_empty('SELECT * FROM crm.lead', 'nothing is left of them');

SELECT * FROM finish();
ROLLBACK;
