-- What the funnel counts and how long it takes, read from the cubes where they can answer, else from the leads.

CREATE OR REPLACE FUNCTION @workspace@.cubes_answer(dimension text, since date, cohort_stage leadcrm.lifecycle_stage)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $workspace$
DECLARE
	lead regclass := (@workspace_literal@ || '.lead')::regclass;
BEGIN
	-- the day of the first entry into a stage is in no cube, nor a key by day, nor the temperature: as it comes with the handoff, each
	-- handoff would move the lead in all its cells
	IF cohort_stage IS NOT NULL OR (since IS NOT NULL AND dimension <> '') OR dimension = 'temperature'
		OR NOT has_table_privilege(@workspace_literal@ || '.lead_cube', 'SELECT')
		OR NOT has_table_privilege(@workspace_literal@ || '.lead_stay', 'SELECT')
		OR NOT has_table_privilege(@workspace_literal@ || '.lead_delta', 'SELECT')
	THEN
		RETURN false;
	END IF;
	-- cubes would tell of leads that row security hides; our own policy hides leads from reps only. Asked for only where it is on: to plan
	-- the question takes longer than to answer it.
	IF NOT row_security_active(lead) THEN
		RETURN true;
	END IF;
	RETURN NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = lead AND p.polname <> '~leadcrm_own')
		AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = lead)
		AND NOT EXISTS (SELECT FROM @workspace@.rep r WHERE r.db_role IN (CURRENT_USER, SESSION_USER));
END
$workspace$;
COMMENT ON FUNCTION @workspace@.cubes_answer(text, date, leadcrm.lifecycle_stage) IS
	'Whether the cubes can say what funnel_cohort asks for and whoever asks may see all of it: no cohort by stage, not by temperature, a dimension or a period but not both, SELECT on lead_cube, lead_stay and lead_delta, and no row security that hides leads. A building block of the funnel views.';

CREATE OR REPLACE FUNCTION @workspace@.cell_periods(dimension text, since date, until date, OUT cubes smallint[], OUT periods date[],
	OUT lasting_cubes smallint[], OUT lasting_periods date[], OUT delta_cube smallint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $workspace$
DECLARE
	first date;
	last date;
	whole_from date;
	whole_until date;
	place smallint := CASE dimension WHEN 'channel' THEN 3 WHEN 'source_kind' THEN 3 WHEN 'campaign' THEN 4 WHEN 'owner' THEN 5 ELSE 1 END;
BEGIN
	-- the days on which leads were created, that cells or deltas know of
	SELECT least(min(x.first), min(d.first_day)), greatest(max(x.last) + 30, max(d.last_day)) INTO first, last
	FROM (SELECT (SELECT min(c.period) FROM @workspace@.lead_cube c WHERE c.cube = 1 AND c.kind = 0) AS first,
			(SELECT max(c.period) FROM @workspace@.lead_cube c WHERE c.cube = 1 AND c.kind = 0) AS last) x
	LEFT JOIN @workspace@.lead_delta d ON true;
	delta_cube := CASE WHEN since IS NULL THEN place ELSE 0 END;
	cubes := '{}';
	periods := '{}';
	lasting_cubes := '{}';
	lasting_periods := '{}';
	IF first IS NULL THEN
		RETURN;	-- no lead was ever counted
	END IF;
	IF since IS NULL THEN
		periods := ARRAY(SELECT m::date FROM generate_series(date_trunc('month', first::timestamp), last::timestamp, interval '1 month') m);
		cubes := array_fill(place, ARRAY[cardinality(periods)]);
		IF dimension = 'month' THEN
			lasting_cubes := cubes;
			lasting_periods := periods;
		ELSE
			lasting_cubes := ARRAY[CASE place WHEN 1 THEN 2 ELSE place END];
			lasting_periods := ARRAY['-infinity'::date];
		END IF;
		RETURN;
	END IF;
	-- whole months as months, what is before and after by days
	first := greatest(since, date_trunc('month', first::timestamp)::date);
	last := least(until, (date_trunc('month', last::timestamp) + interval '1 month')::date);
	IF first >= last THEN
		RETURN;
	END IF;
	whole_from := date_trunc('month', first::timestamp + interval '1 month' - interval '1 day')::date;
	whole_until := greatest(date_trunc('month', last::timestamp)::date, whole_from);
	SELECT array_agg(p.cube), array_agg(p.period) INTO cubes, periods
	FROM (
		SELECT 0::smallint AS cube, d::date AS period
		FROM generate_series(first::timestamp, least(last, whole_from)::timestamp - interval '1 day', interval '1 day') d
		UNION ALL
		SELECT 1::smallint, m::date
		FROM generate_series(whole_from::timestamp, whole_until::timestamp - interval '1 day', interval '1 month') m
		UNION ALL
		SELECT 0::smallint, d::date
		FROM generate_series(whole_until::timestamp, last::timestamp - interval '1 day', interval '1 day') d
	) p;
	lasting_cubes := cubes;
	lasting_periods := periods;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.cell_periods(text, date, date) IS
	'The cubes and periods whose cells together hold the leads of funnel_cohort: cubes and periods for the cells of kind 0, lasting_cubes and lasting_periods for the others; delta_cube: the one that a delta''s cells are taken from. Empty where there are no leads. A building block of the funnel views.';

-- The function that every reading of cells goes through: cells by index, for each period and range of codes, and deltas once.
CREATE OR REPLACE FUNCTION @workspace@.cells_of(kind smallint, cubes smallint[], periods date[], first_codes bigint[],
	end_codes bigint[], delta_cube smallint, since date, until date)
RETURNS TABLE (period date, code bigint, key text, leads bigint, valued bigint, amount numeric)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT x.period, x.code, x.key, x.leads, x.valued, x.amount
FROM unnest(cells_of.cubes, cells_of.periods) p (cube, period)
CROSS JOIN unnest(cells_of.first_codes, cells_of.end_codes) r (first_code, end_code)
CROSS JOIN LATERAL (
	SELECT c.period, c.code, c.key, c.leads, c.valued, c.amount
	FROM @workspace@.lead_cube c
	WHERE c.cube = p.cube AND c.kind = cells_of.kind AND c.period = p.period
	AND c.code >= r.first_code AND c.code < r.end_code
	OFFSET 0
) x
UNION ALL
SELECT x.period, x.code, x.key, x.leads, x.valued, x.amount
-- no ranges: no cells, where delta_cells takes NULL for all
FROM @workspace@.delta_cells(cells_of.delta_cube, cells_of.kind, coalesce(cells_of.first_codes, '{}'), coalesce(cells_of.end_codes, '{}'),
	cells_of.since, cells_of.until) x;
END;
COMMENT ON FUNCTION @workspace@.cells_of(smallint, smallint[], date[], bigint[], bigint[], smallint, date, date) IS
	'Cells of one kind, deltas included: of each cube and period (parallel arrays), with a code in one of the ranges from first_codes to before end_codes (parallel arrays); of the deltas, what they add to the cube delta_cube, for days from since to before until or for all. Add up leads, valued and amount of equal (period, code, key). Not unique. A building block of the funnel views.';

CREATE OR REPLACE FUNCTION @workspace@.funnel_place_cubes(dimension text, since date, until date)
RETURNS TABLE (key text, peak integer, outcome integer, stamped integer, leads bigint, valued bigint, value numeric)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off AS $workspace$
DECLARE
	p record := @workspace@.cell_periods(dimension, since, until);
	by_month boolean := coalesce(dimension = 'month', false);
	-- a cube without periods has its places in one cell each
	place_kind smallint := CASE WHEN since IS NULL AND NOT by_month THEN 8 ELSE 0 END;
	delta_cube smallint := CASE WHEN place_kind = 8 THEN greatest(p.delta_cube, 2::smallint) ELSE p.delta_cube END;
	zone text := (SELECT z.time_zone FROM @workspace@.setting z);
	source_kinds jsonb := CASE WHEN dimension = 'source_kind' THEN (SELECT jsonb_object_agg(c.code, c.source_kind) FROM @workspace@.channel c) END;
	peaks integer[];	-- funnel_position by position
	stages leadcrm.lifecycle_stage[];
	edges timestamptz[];	-- stuck_before by position
	midnights timestamptz[];	-- the nearest to each edge
	kinds smallint[];
	first_codes bigint[];
	end_codes bigint[];
	signs integer[];
BEGIN
	SELECT array_agg(s.funnel_position ORDER BY s.position), array_agg(s.stage ORDER BY s.position), array_agg(s.stuck_before ORDER BY s.position),
			array_agg(date_trunc('day', (s.stuck_before + interval '12 hours') AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' ORDER BY s.position)
		INTO peaks, stages, edges, midnights
	FROM @workspace@.funnel_scale s;
	-- Who stands in a stage is stalled, but for those who came after its edge: whole blocks, more or less whole days, more or less the
	-- leads of the day that the edge lies in: whatever is less to read.
	SELECT array_agg(r.kind), array_agg(r.first_code), array_agg(r.end_code), array_agg(r.sign)
		INTO kinds, first_codes, end_codes, signs
	FROM (
		SELECT place_kind AS kind, 0::bigint AS first_code, 9223372036854775807 AS end_code, 0 AS sign
		UNION ALL
		SELECT v.kind, (e.position << 40) | (v.first << 8), (e.position << 40) + (v.until << 8), v.sign
		FROM unnest(midnights) WITH ORDINALITY e (at, "position")
		CROSS JOIN LATERAL (SELECT 134217728 + (date_part('epoch', e.at - '2000-01-01 00:00+00'::timestamptz) / 86400)::bigint AS day) d
		CROSS JOIN LATERAL (SELECT (d.day + 16) >> 5 AS block) b
		CROSS JOIN LATERAL (VALUES (1::smallint, b.block, 4294967296, 1),
			(2::smallint, least(d.day, b.block << 5), greatest(d.day, b.block << 5), CASE WHEN d.day < b.block << 5 THEN 1 ELSE -1 END))
			v (kind, first, until, sign)
		WHERE e.at IS NOT NULL AND v.first < v.until
	) r;
	RETURN QUERY
	WITH cell AS MATERIALIZED (
		SELECT x.period, x.key, r.sign, x.code, x.leads, x.valued, x.amount
		FROM unnest(p.lasting_cubes, p.lasting_periods) q (cube, period)
		CROSS JOIN unnest(kinds, first_codes, end_codes, signs) r (kind, first_code, end_code, sign)
		CROSS JOIN LATERAL (
			SELECT c.period, c.key, c.code, c.leads, c.valued, c.amount
			FROM @workspace@.lead_cube c
			WHERE c.cube = q.cube AND c.kind = r.kind AND c.period = q.period AND c.code >= r.first_code AND c.code < r.end_code
			OFFSET 0
		) x
		UNION ALL
		SELECT x.period, x.key, r.sign, x.code, x.leads, x.valued, x.amount
		FROM @workspace@.delta_cells_in(delta_cube, kinds, first_codes, end_codes, since, until) x
		JOIN unnest(kinds, first_codes, end_codes, signs) r (kind, first_code, end_code, sign)
			ON r.kind = x.kind AND x.code >= r.first_code AND x.code < r.end_code
	), came AS (
		SELECT c.period, c.key, (c.code & 255)::integer AS peak, (c.code >> 40)::integer AS stage,
			c.sign * c.leads AS leads, c.sign * c.valued AS valued, c.sign * c.amount AS amount
		FROM cell c
		WHERE c.sign <> 0
		UNION ALL
		SELECT g.period, g.key, array_position(stages, g.peak), g.position, g.leads, g.valued, g.amount
		FROM (
			SELECT l.position, l.peak, l.period, l.key, sum(l.sign) AS leads, sum(l.sign) FILTER (WHERE l.value IS NOT NULL) AS valued,
				sum(l.sign * l.value) AS amount
			FROM (
				SELECT e.position::integer AS position, coalesce(l.stage_peak, l.stage) AS peak, l.value,
					CASE WHEN by_month THEN date_trunc('month', l.created_at AT TIME ZONE zone)::date END AS period,
					CASE dimension WHEN 'channel' THEN l.channel WHEN 'source_kind' THEN l.channel
						WHEN 'campaign' THEN coalesce(l.campaign_id::text, '')
						-- changes too often to stand in the indexes
						WHEN 'owner' THEN (SELECT o.owner FROM @workspace@.lead o WHERE o.lead_id = l.lead_id) ELSE '' END AS key,
					CASE WHEN l.stage_since < e.at THEN -1 ELSE 1 END AS sign
				FROM unnest(stages, edges, midnights) WITH ORDINALITY e (stage, at, midnight, "position")
				CROSS JOIN LATERAL (
					-- as the two indexes say it, which hold all these columns
					SELECT a.lead_id, a.created_at, a.channel, a.campaign_id, a.value, a.stage, a.stage_peak, a.stage_since, a.excluded_as
					FROM @workspace@.lead a
					WHERE a.stage = e.stage AND a.stage_since >= least(e.at, e.midnight) AND a.stage_since < greatest(e.at, e.midnight)
					AND a.status_category <> 'closed' AND a.stage < 'customer'
					UNION ALL
					SELECT a.lead_id, a.created_at, a.channel, a.campaign_id, a.value, a.stage, a.stage_peak, a.stage_since, a.excluded_as
					FROM @workspace@.lead a
					WHERE a.stage = e.stage AND a.stage_since >= least(e.at, e.midnight) AND a.stage_since < greatest(e.at, e.midnight)
					AND a.status_category <> 'closed' AND a.stage >= 'customer'
				) l
				WHERE e.at IS NOT NULL AND l.excluded_as IS NULL
				AND (since IS NULL OR ((l.created_at AT TIME ZONE zone)::date >= since AND (l.created_at AT TIME ZONE zone)::date < until))
			) l
			GROUP BY 1, 2, 3, 4
			OFFSET 0	-- else what is asked of the groups would be asked of each lead
		) g
	), placed AS (
		SELECT c.period, c.key, peaks[((c.code >> 24) & 15)::integer] AS peak,
			CASE WHEN c.code & 65536 <> 0 THEN 4 WHEN (c.code >> 20) & 15 < peaks[((c.code >> 24) & 15)::integer] THEN 3
				WHEN edges[((c.code >> 20) & 15)::integer] IS NOT NULL THEN 2 ELSE 1 END AS outcome,
			(c.code & 127)::integer AS stamped, c.leads, c.valued, c.amount
		FROM cell c
		WHERE c.sign = 0 AND peaks[((c.code >> 24) & 15)::integer] IS NOT NULL
		UNION ALL
		-- who came after the edge is active, not stalled
		SELECT w.period, w.key, peaks[w.peak], o.outcome, 0, o.sign * w.leads, o.sign * w.valued, o.sign * w.amount
		FROM came w
		CROSS JOIN (VALUES (1, 1), (2, -1)) o (outcome, sign)
		WHERE w.stage >= peaks[w.peak]
	)
	SELECT CASE dimension WHEN 'month' THEN c.period::text WHEN 'source_kind' THEN coalesce(source_kinds ->> c.key, '') ELSE c.key END,
		c.peak, c.outcome, c.stamped, sum(c.leads)::bigint, coalesce(sum(c.valued), 0)::bigint, coalesce(sum(c.amount), 0)
	FROM placed c
	GROUP BY 1, 2, 3, 4
	HAVING sum(c.leads) <> 0 OR sum(c.valued) <> 0 OR sum(c.amount) <> 0;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.funnel_place_cubes(text, date, date) IS
	'funnel_place_plain from the cubes, without a cohort stage; what is active is taken from stalled with stamped = 0, so add up leads of equal (key, peak, outcome). Unique key: (key, peak, outcome, stamped). A building block of the funnel views.';

CREATE OR REPLACE FUNCTION @workspace@.funnel_place(dimension text, since date, until date, cohort_stage leadcrm.lifecycle_stage,
	plain boolean)
RETURNS TABLE (key text, peak integer, outcome integer, stamped integer, leads bigint, valued bigint, value numeric)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan SET jit = off AS $workspace$
BEGIN
	IF NOT plain AND @workspace@.cubes_answer(dimension, since, cohort_stage) THEN
		RETURN QUERY SELECT * FROM @workspace@.funnel_place_cubes(dimension, since, until);
	ELSE
		RETURN QUERY SELECT * FROM @workspace@.funnel_place_plain(dimension, since, until, cohort_stage);
	END IF;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.funnel_place(text, date, date, leadcrm.lifecycle_stage, boolean) IS
	'funnel_place_cubes where cubes_answer, unless plain is true; else funnel_place_plain. A building block of the funnel views.';

CREATE OR REPLACE FUNCTION @workspace@.funnel_tally(dimension text, since date, until date, cohort_stage leadcrm.lifecycle_stage,
	plain boolean)
RETURNS TABLE (key text, "position" integer, entered bigint, advanced bigint, active bigint, stalled bigint,
	returned bigint, leaked bigint, skipped bigint, joined_later bigint, lost_value numeric, lost_valued bigint)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
-- planned once a session, for whoever asks
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off AS $workspace$
BEGIN
RETURN QUERY
WITH cell AS MATERIALIZED (
	SELECT * FROM @workspace@.funnel_place(funnel_tally.dimension, funnel_tally.since, funnel_tally.until,
		funnel_tally.cohort_stage, funnel_tally.plain)
), place AS (
	SELECT c.key, c.peak, c.outcome, c.stamped, c.leads, c.valued, c.value
	FROM cell c
	UNION ALL
	-- what has no lead yet shows zeros
	SELECT k.key, 0, 0, 0, 0, 0, 0
	FROM (
		SELECT '' AS key WHERE coalesce(funnel_tally.dimension, '') = ''
		UNION ALL
		SELECT h.code FROM @workspace@.channel h WHERE funnel_tally.dimension = 'channel'
		UNION ALL
		SELECT h.source_kind::text FROM @workspace@.channel h
		WHERE funnel_tally.dimension = 'source_kind' AND h.source_kind IS NOT NULL
		UNION ALL
		SELECT p.campaign_id::text FROM @workspace@.campaign p WHERE funnel_tally.dimension = 'campaign'
		UNION ALL
		SELECT r.code FROM @workspace@.rep r WHERE funnel_tally.dimension = 'owner'
		UNION ALL
		SELECT t.temperature FROM (VALUES ('cold'), ('warm'), ('hot')) t (temperature) WHERE funnel_tally.dimension = 'temperature'
		UNION ALL
		SELECT m::date::text
		FROM (SELECT min(c.key) AS since, max(c.key) AS until FROM cell c WHERE funnel_tally.dimension = 'month') b,
			generate_series(b.since::timestamp, b.until::timestamp, interval '1 month') m
	) k
)
SELECT p.key, s.position,
	coalesce(sum(p.leads) FILTER (WHERE p.peak >= s.position), 0)::bigint,
	coalesce(sum(p.leads) FILTER (WHERE p.peak > s.position), 0)::bigint,
	coalesce(sum(p.leads) FILTER (WHERE p.peak = s.position AND p.outcome = 1), 0)::bigint,
	coalesce(sum(p.leads) FILTER (WHERE p.peak = s.position AND p.outcome = 2), 0)::bigint,
	coalesce(sum(p.leads) FILTER (WHERE p.peak = s.position AND p.outcome = 3), 0)::bigint,
	coalesce(sum(p.leads) FILTER (WHERE p.peak = s.position AND p.outcome = 4), 0)::bigint,
	coalesce(sum(p.leads) FILTER (WHERE p.peak >= s.position AND p.stamped & b.bit = 0
									AND p.stamped & (b.bit - 1) > 0 AND p.stamped > b.bit), 0)::bigint,
	coalesce(sum(p.leads) FILTER (WHERE p.peak >= s.position AND p.stamped & (2 * b.bit - 1) = 0), 0)::bigint,
	coalesce(sum(p.value) FILTER (WHERE p.peak = s.position AND p.outcome > 1), 0),
	coalesce(sum(p.valued) FILTER (WHERE p.peak = s.position AND p.outcome > 1), 0)::bigint
FROM place p
CROSS JOIN @workspace@.funnel_scale s
CROSS JOIN LATERAL (SELECT 1 << (s.position - 1) AS bit) b
WHERE s.in_funnel
GROUP BY p.key, s.position;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.funnel_tally(text, date, date, leadcrm.lifecycle_stage, boolean) IS
	'How many leads of a cohort came to each funnel stage and what became of them; dimension, since, until, cohort_stage and key as in funnel_cohort, plain as in funnel_place. Values without leads show zeros. Unique key: (key, position). A building block of the funnel views.';

CREATE OR REPLACE FUNCTION @workspace@.funnel_count(dimension text, since date, until date,
	cohort_stage leadcrm.lifecycle_stage)
RETURNS TABLE (key text, "position" integer, entered bigint, advanced bigint, active bigint, stalled bigint,
	returned bigint, leaked bigint, skipped bigint, joined_later bigint, lost_value numeric, lost_valued bigint)
LANGUAGE sql STABLE PARALLEL RESTRICTED
BEGIN ATOMIC
SELECT * FROM @workspace@.funnel_tally(funnel_count.dimension, funnel_count.since, funnel_count.until,
	funnel_count.cohort_stage, true)
WHERE @workspace@.funnel_check_cohort(funnel_count.dimension, funnel_count.since, funnel_count.until, funnel_count.cohort_stage);
END;
COMMENT ON FUNCTION @workspace@.funnel_count(text, date, date, leadcrm.lifecycle_stage) IS
	'funnel_tally over the leads, one by one: the plain definition that the cubes are tested against. Unique key: (key, position). Errors: those of funnel_check_cohort.';

CREATE OR REPLACE FUNCTION @workspace@.funnel_days_cubes(dimension text, since date, until date)
RETURNS TABLE (key text, "position" integer, mean_days double precision, median_days double precision,
	p90_days double precision, within_30 bigint, within_60 bigint, within_90 bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off AS $workspace$
DECLARE
	p record := @workspace@.cell_periods(dimension, since, until);
	stays bigint[] := ARRAY(SELECT (s.position::bigint << 52) | (s.next_position::bigint << 48) FROM @workspace@.funnel_scale s
		WHERE s.next_position IS NOT NULL);
BEGIN
	RETURN QUERY
	WITH kind AS (
		SELECT jsonb_object_agg(c.code, c.source_kind) AS kinds FROM @workspace@.channel c WHERE dimension = 'source_kind'
	), stay AS (
		SELECT x.period, x.key, x.code, x.leads, x.amount, x.counts
		FROM unnest(p.lasting_cubes, p.lasting_periods) q (cube, period)
		CROSS JOIN unnest(stays) r (code)
		CROSS JOIN LATERAL (
			SELECT c.period, c.key, c.code, c.leads, c.amount, c.counts FROM @workspace@.lead_stay c
			WHERE c.cube = q.cube AND c.period = q.period AND c.code = r.code
			OFFSET 0
		) x
		UNION ALL
		SELECT x.period, x.key, (x.code >> 48) << 48, sum(x.leads)::bigint, sum(x.amount), array_agg(ARRAY[x.code, x.leads])
		FROM @workspace@.delta_cells(p.delta_cube, 3::smallint, stays, ARRAY(SELECT r + (1::bigint << 48) FROM unnest(stays) r), since, until) x
		GROUP BY 1, 2, 3
	)
	SELECT x.key, x.position, (x.us / x.leads / 86400000000)::double precision,
		leadcrm.duration_centile(0.5, x.counts) / 86400000000, leadcrm.duration_centile(0.9, x.counts) / 86400000000,
		w.within_30, w.within_60, w.within_90
	FROM (
		SELECT CASE dimension WHEN 'month' THEN s.period::text WHEN 'source_kind' THEN coalesce(k.kinds ->> s.key, '') ELSE s.key END AS key,
			(s.code >> 52)::integer AS position, sum(s.leads) AS leads, sum(s.amount) AS us, leadcrm.sum_counts(s.counts) AS counts
		FROM stay s CROSS JOIN kind k
		GROUP BY 1, 2
		HAVING sum(s.leads) > 0
	) x
	CROSS JOIN LATERAL (
		SELECT coalesce(sum(x.counts[i + 1]) FILTER (WHERE a.apart = 1), 0)::bigint AS within_30,
			coalesce(sum(x.counts[i + 1]) FILTER (WHERE a.apart IN (1, 2)), 0)::bigint AS within_60,
			coalesce(sum(x.counts[i + 1]) FILTER (WHERE a.apart IN (1, 2, 3)), 0)::bigint AS within_90
		FROM generate_series(1, cardinality(x.counts), 2) i CROSS JOIN LATERAL (SELECT (x.counts[i] >> 44) & 15 AS apart) a
		WHERE since IS NOT NULL
	) w;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.funnel_days_cubes(text, date, date) IS
	'funnel_days from the cubes, without a cohort stage: the mean is exact, the quantiles to 1/128 of each of the two durations that they lie between. within_30, within_60, within_90: leads that took 0 to so many days; for a period only. Unique key: (key, position). A building block of the funnel views.';

CREATE OR REPLACE FUNCTION @workspace@.has_many_leads() RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off AS $workspace$
BEGIN
	-- where the cells know of so many that no delta could take enough of them away, nobody need count; a delta is of less than 1,000 leads
	RETURN (@workspace@.cubes_answer(NULL, NULL, NULL)
			AND (SELECT coalesce(sum(c.leads), 0) FROM @workspace@.lead_cube c WHERE c.cube = 1 AND c.kind = 0)
				> 20000 + 1000 * (SELECT count(*) FROM @workspace@.lead_delta))
		OR EXISTS (SELECT FROM @workspace@.lead OFFSET 20000);
END
$workspace$;
COMMENT ON FUNCTION @workspace@.has_many_leads() IS
	'Whether there are more leads (that the caller may see) than can be looked through one by one while somebody waits: more than 20,000';

CREATE OR REPLACE FUNCTION @workspace@.funnel_time(dimension text, since date, until date, cohort_stage leadcrm.lifecycle_stage)
RETURNS TABLE (key text, "position" integer, mean_days double precision, median_days double precision,
	p90_days double precision)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan SET jit = off AS $workspace$
BEGIN
	-- few leads are quickly looked through for exact quantiles; many need the histograms
	IF @workspace@.cubes_answer(dimension, since, cohort_stage) AND @workspace@.has_many_leads() THEN
		RETURN QUERY SELECT d.key, d.position, d.mean_days, d.median_days, d.p90_days
			FROM @workspace@.funnel_days_cubes(dimension, since, until) d;
	ELSE
		RETURN QUERY SELECT * FROM @workspace@.funnel_days(dimension, since, until, cohort_stage);
	END IF;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.funnel_time(text, date, date, leadcrm.lifecycle_stage) IS
	'funnel_days, exact, of up to some 20,000 leads and where not cubes_answer; else funnel_days_cubes, quantiles to 1 %. Unique key: (key, position). A building block of the funnel views.';
