-- Every view against a slow second computation on random companies, one for each seed: re-entries, skips, returns,
-- imports with stamps missing or out of order, exclusions, corrections, closed and reopened leads, moved thresholds.
--
-- The second computation reads the raw histories, never the stamps and peaks that the tracker keeps on the lead, and asks
-- one question at a time.
BEGIN;
CREATE EXTENSION pgtap;
CREATE EXTENSION leadcrm;
SELECT leadcrm.create_workspace('crm');
CREATE SCHEMA t;
SET search_path = t, public;
-- 100 small queries, none worth compiling
SET jit = off;

\ir include/random_company.sql
\ir include/slow_funnel.sql
\ir include/slow_history.sql

-- the views' rows, taken apart into (view, key, position, column, value)
CREATE FUNCTION fast_rows() RETURNS SETOF t.cell LANGUAGE sql AS $$
	SELECT v.view, v.key, (v.r ->> 'position')::int, j.key, j.value
	FROM (
		SELECT 'funnel_leak' AS view, '' AS key, to_jsonb(r) - 'expected_pct' AS r FROM crm.funnel_leak r
		UNION ALL SELECT 'channel', r.channel, to_jsonb(r) - '{channel,channel_label}'::text[] FROM crm.funnel_leak_by_channel r
		UNION ALL SELECT 'campaign', coalesce(r.campaign, ''), to_jsonb(r) - '{campaign,campaign_label}'::text[]
			FROM crm.funnel_leak_by_campaign r
		UNION ALL SELECT 'owner', r.owner, to_jsonb(r) - '{owner,owner_label}'::text[] FROM crm.funnel_leak_by_owner r
		UNION ALL SELECT 'source_kind', coalesce(r.source_kind, ''), to_jsonb(r) - '{source_kind,source_kind_label}'::text[]
			FROM crm.funnel_leak_by_source_kind r
		UNION ALL SELECT 'temperature', coalesce(r.temperature, ''), to_jsonb(r) - '{temperature,temperature_label}'::text[]
			FROM crm.funnel_leak_by_temperature r
		UNION ALL SELECT 'month', r.month::text, to_jsonb(r) - '{month,month_label}'::text[] FROM crm.funnel_leak_by_month r
		UNION ALL
		SELECT 'between', concat_ws(' ', p.since, p.until, p.cohort_stage), to_jsonb(r)
		FROM t.period p, crm.funnel_between(p.since, p.until, p.cohort_stage) r
	) v, jsonb_each_text(v.r) j
$$;

CREATE TABLE fast OF t.cell;

-- what must hold in every view
CREATE FUNCTION t.broken_invariants() RETURNS text LANGUAGE sql AS $$
	WITH r AS (
		SELECT f.view, f.key, f.position, jsonb_object_agg(f.col, f.val) AS v FROM t.fast f GROUP BY 1, 2, 3
	), w AS (
		SELECT r.*, lead((v ->> 'entered')::bigint) OVER (PARTITION BY view, key ORDER BY position) AS entered_next,
			count(*) FILTER (WHERE (v ->> 'is_bottleneck')::boolean) OVER (PARTITION BY view, key) AS bottlenecks
		FROM r
	)
	SELECT string_agg(format('%s[%s] position %s: %s', view, key, position, x.broken), E'\n')
	FROM w, LATERAL (VALUES
		('entered is not the sum', (v ->> 'entered')::bigint <> (v ->> 'advanced')::bigint + (v ->> 'active')::bigint
			+ (v ->> 'stalled')::bigint + (v ->> 'returned')::bigint + (v ->> 'leaked')::bigint),
		('advanced is not entered of the next stage', (v ->> 'advanced')::bigint <> coalesce(entered_next, 0)),
		('lost is not the sum', (v ->> 'lost')::bigint <> (v ->> 'stalled')::bigint + (v ->> 'returned')::bigint + (v ->> 'leaked')::bigint),
		('several bottlenecks', bottlenecks > 1),
		('bottleneck is NULL', v ->> 'is_bottleneck' IS NULL)) x (broken, is_so)
	WHERE x.is_so
$$;

CREATE TABLE seen (what text, times bigint);

-- check_seed(SEED): what differs in the company of that seed; '' where nothing does. The company is gone afterwards.
CREATE FUNCTION check_seed(seed int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	differences text;
	compared bigint;
	found jsonb;
BEGIN
	BEGIN
		PERFORM t.make_company(seed);
		found := t.coverage();
		PERFORM t.load_raw();
		PERFORM t.slow_rows();
		INSERT INTO t.fast SELECT * FROM t.fast_rows();
		SELECT count(*), string_agg(format('%s[%s] position %s, %s: view %s, slow %s', coalesce(f.view, s.view),
				coalesce(f.key, s.key), coalesce(f.position, s.position), coalesce(f.col, s.col),
				coalesce(f.val, 'NULL'), coalesce(s.val, 'NULL')), E'\n' ORDER BY f.view, f.key, f.position)
				FILTER (WHERE NOT t.same(f.val, s.val, s.col) OR f.view IS NULL OR s.view IS NULL)
			INTO compared, differences
		FROM t.fast f
		FULL JOIN t.slow s ON s.view = f.view AND s.key = f.key AND s.position = f.position AND s.col = f.col;
		differences := concat_ws(E'\n', left(differences, 2000), t.broken_invariants(),
			nullif(t.history_differences(), ''),
			CASE WHEN compared = 0 AND EXISTS (SELECT FROM crm.stage WHERE in_funnel) THEN 'nothing was compared' END);
		RAISE EXCEPTION 'undo' USING ERRCODE = 'P0099';
	EXCEPTION WHEN SQLSTATE 'P0099' THEN
		INSERT INTO t.seen SELECT k.key, k.value::bigint FROM jsonb_each_text(found) k;
		RETURN differences;
	END;
END
$$;

SELECT plan(22);

SELECT is(check_seed(seed), '', 'seed ' || seed) FROM generate_series(1, 20) seed;

-- the companies must hold what is to be tested
SELECT is((SELECT string_agg(what, ', ' ORDER BY what) FROM (SELECT what FROM seen GROUP BY what HAVING coalesce(sum(times), 0) = 0) x),
	NULL, 'every kind of life occurs');
SELECT is((SELECT count(DISTINCT what) FROM seen), 21::bigint, 'and all kinds were counted');

SELECT * FROM finish();
ROLLBACK;
