-- The funnel of one cohort, with the share that went on within 30, 60 and 90 days.

CREATE OR REPLACE FUNCTION @workspace@.funnel_within_plain(since date, until date, cohort_stage leadcrm.lifecycle_stage)
RETURNS TABLE ("position" integer, leads bigint, within_30 bigint, within_60 bigint, within_90 bigint,
	old_30 boolean, old_60 boolean, old_90 boolean)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
WITH step AS MATERIALIZED (
	SELECT * FROM @workspace@.funnel_step(NULL, funnel_within_plain.since, funnel_within_plain.until,
		funnel_within_plain.cohort_stage)
), stay AS (
	SELECT v.position, count(*) AS leads,
		count(*) FILTER (WHERE v.days BETWEEN 0 AND 30) AS within_30,
		count(*) FILTER (WHERE v.days BETWEEN 0 AND 60) AS within_60,
		count(*) FILTER (WHERE v.days BETWEEN 0 AND 90) AS within_90,
		-- the last of them, who has had the least time so far
		greatest(max(v.entered_at), (SELECT max(s.entered_at) FROM step s)) AS last_at
	FROM step t
	CROSS JOIN LATERAL (VALUES (1, t.subscriber_at, t.days_1), (2, t.lead_at, t.days_2), (3, t.mql_at, t.days_3),
		(4, t.sql_at, t.days_4), (5, t.opportunity_at, t.days_5), (6, t.customer_at, t.days_6))
		AS v("position", entered_at, days)
	WHERE v.entered_at IS NOT NULL
	GROUP BY v.position
)
SELECT s.position, s.leads, s.within_30, s.within_60, s.within_90, s.last_at <= now() - interval '720 hours',
	s.last_at <= now() - interval '1440 hours', s.last_at <= now() - interval '2160 hours'
FROM stay s;
END;
COMMENT ON FUNCTION @workspace@.funnel_within_plain(date, date, leadcrm.lifecycle_stage) IS
	'For the leads of a cohort (as in funnel_cohort) that have a stamp for a stage: how many, how many of them first entered the next funnel stage 0 to 30, 60, 90 days after it, and whether all of the cohort had that long, since their entry into the cohort and into the stage. Unique key: position. A building block of funnel_between.';

CREATE OR REPLACE FUNCTION @workspace@.funnel_within_cubes(since date, until date)
RETURNS TABLE ("position" integer, leads bigint, within_30 bigint, within_60 bigint, within_90 bigint,
	old_30 boolean, old_60 boolean, old_90 boolean)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off AS $workspace$
DECLARE
	p record := @workspace@.cell_periods(NULL, since, until);
	zone text := (SELECT z.time_zone FROM @workspace@.setting z);
	starts bigint[] := ARRAY(SELECT i << 40 FROM generate_series(1::bigint, 7) i);
	ends bigint[] := ARRAY(SELECT i << 40 FROM generate_series(2::bigint, 8) i);
	young boolean[] := '{f,f,f}';
	edge record;
	created record;
BEGIN
	-- who was created too lately makes the whole cohort too young
	FOR i IN 1 .. 3 LOOP
		SELECT x.at, (x.at AT TIME ZONE zone)::date AS day INTO edge FROM (SELECT now() - i * interval '720 hours' AS at) x;
		SELECT coalesce(sum(c.leads) FILTER (WHERE c.period > edge.day), 0) > 0 AS late,
				coalesce(sum(c.leads) FILTER (WHERE c.period = edge.day), 0) > 0 AS on_the_day
			INTO created
		FROM (
			SELECT x.period, x.leads FROM @workspace@.lead_cube x
			WHERE x.cube = 0 AND x.kind = 0 AND x.period >= greatest(since, edge.day) AND x.period < until
			UNION ALL
			SELECT x.period, x.leads FROM @workspace@.delta_cells(0::smallint, 0::smallint, NULL, NULL, greatest(since, edge.day), until) x
		) c;
		young[i] := created.late;
		IF NOT young[i] AND created.on_the_day THEN
			young[i] := EXISTS (SELECT FROM @workspace@.lead l WHERE l.created_at > edge.at AND l.excluded_as IS NULL
				AND (l.created_at AT TIME ZONE zone)::date >= since AND (l.created_at AT TIME ZONE zone)::date < until);
		END IF;
	END LOOP;
	RETURN QUERY
	WITH edges AS (
		SELECT i, x.at, floor(date_part('epoch', x.at - '2000-01-01 00:00+00'::timestamptz) / 86400)::bigint + 134217728 AS day
		FROM generate_series(1, 3) i CROSS JOIN LATERAL (SELECT now() - i * interval '720 hours' AS at) x
	), entered AS (
		SELECT (c.code >> 40)::integer AS stage, (c.code >> 8) & 4294967295 AS day, sum(c.leads)::bigint AS leads
		FROM @workspace@.cells_of(4::smallint, p.lasting_cubes, p.lasting_periods, starts, ends, p.delta_cube, since, until) c
		GROUP BY 1, 2 HAVING sum(c.leads) > 0
	), aged AS (
		SELECT n.stage, n.leads, e.i, young[e.i] OR n.last > e.day
			-- the last day with an entry is the one that the limit lies in: then the leads say
			OR (n.last = e.day AND EXISTS (SELECT FROM @workspace@.lead l
				WHERE l.excluded_as IS NULL AND e.at < CASE n.stage WHEN 1 THEN l.subscriber_at WHEN 2 THEN l.lead_at WHEN 3 THEN l.mql_at
					WHEN 4 THEN l.sql_at WHEN 5 THEN l.opportunity_at WHEN 6 THEN l.customer_at ELSE l.evangelist_at END
				AND (l.created_at AT TIME ZONE zone)::date >= since AND (l.created_at AT TIME ZONE zone)::date < until)) AS is_young
		FROM (SELECT x.stage, sum(x.leads)::bigint AS leads, max(x.day) AS last FROM entered x GROUP BY x.stage) n
		CROSS JOIN edges e
	)
	SELECT a.stage, a.leads, coalesce(d.within_30, 0), coalesce(d.within_60, 0), coalesce(d.within_90, 0),
		bool_and(NOT a.is_young) FILTER (WHERE a.i = 1), bool_and(NOT a.is_young) FILTER (WHERE a.i = 2),
		bool_and(NOT a.is_young) FILTER (WHERE a.i = 3)
	FROM aged a LEFT JOIN @workspace@.funnel_days_cubes(NULL, since, until) d ON d.position = a.stage
	GROUP BY a.stage, a.leads, d.within_30, d.within_60, d.within_90;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.funnel_within_cubes(date, date) IS
	'funnel_within_plain from the cubes, without a cohort stage. Leads are read only where the last entry into a stage was on the very day 30, 60 or 90 days ago. Unique key: position. A building block of funnel_between.';

CREATE OR REPLACE FUNCTION @workspace@.funnel_within(since date, until date, cohort_stage leadcrm.lifecycle_stage)
RETURNS TABLE ("position" integer, leads bigint, within_30 bigint, within_60 bigint, within_90 bigint,
	old_30 boolean, old_60 boolean, old_90 boolean)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan SET jit = off AS $workspace$
BEGIN
	IF since IS NULL OR until IS NULL OR since > until THEN
		RETURN;	-- funnel_check_period says why
	ELSIF @workspace@.cubes_answer(NULL, since, cohort_stage) THEN
		RETURN QUERY SELECT * FROM @workspace@.funnel_within_cubes(since, until);
	ELSE
		RETURN QUERY SELECT * FROM @workspace@.funnel_within_plain(since, until, cohort_stage);
	END IF;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.funnel_within(date, date, leadcrm.lifecycle_stage) IS
	'funnel_within_cubes where cubes_answer, else funnel_within_plain. Unique key: position. A building block of funnel_between.';

CREATE OR REPLACE FUNCTION @workspace@.funnel_between(since date, until date,
	cohort_stage leadcrm.lifecycle_stage DEFAULT NULL)
RETURNS TABLE (
	"position" integer, stage leadcrm.lifecycle_stage, label text, entered bigint, advanced bigint, active bigint,
	stalled bigint, returned bigint, leaked bigint, skipped bigint, joined_later bigint, conversion_pct numeric,
	resolved_pct numeric, cumulative_pct numeric, lost bigint, lost_share_pct numeric, lost_value numeric,
	value_known_pct numeric, mean_days numeric, median_days numeric, p90_days numeric, reference_pct numeric,
	recoverable_customers numeric, is_bottleneck boolean, within_30d_pct numeric, within_60d_pct numeric,
	within_90d_pct numeric)
LANGUAGE sql STABLE PARALLEL RESTRICTED
BEGIN ATOMIC
SELECT f.position, f.stage, f.label,
	f.entered, f.advanced, f.active, f.stalled, f.returned, f.leaked, f.skipped, f.joined_later, f.conversion_pct,
	f.resolved_pct, f.cumulative_pct, f.lost, f.lost_share_pct, f.lost_value, f.value_known_pct, f.mean_days,
	f.median_days, f.p90_days, f.reference_pct, f.recoverable_customers, f.is_bottleneck,
	CASE WHEN d.old_30 THEN 100 * d.within_30 / d.leads::double precision END::numeric,
	CASE WHEN d.old_60 THEN 100 * d.within_60 / d.leads::double precision END::numeric,
	CASE WHEN d.old_90 THEN 100 * d.within_90 / d.leads::double precision END::numeric
FROM @workspace@.funnel_run(NULL, funnel_between.since, funnel_between.until, funnel_between.cohort_stage) f
LEFT JOIN @workspace@.funnel_scale s ON s.position = f.position
LEFT JOIN @workspace@.funnel_within(funnel_between.since, funnel_between.until, funnel_between.cohort_stage) d
	ON d.position = f.position AND s.next_position IS NOT NULL
WHERE @workspace@.funnel_check_period(funnel_between.since, funnel_between.until)
ORDER BY f.position;
END;
COMMENT ON FUNCTION @workspace@.funnel_between(date, date, leadcrm.lifecycle_stage) IS
	'funnel_leak for one cohort: the leads created from since (included) to until (excluded), days of the workspace''s time zone; with cohort_stage the leads that first entered that stage then, whenever they were created. The columns of funnel_leak, then within_30d_pct, within_60d_pct, within_90d_pct: percent (0-100) of the cohort''s leads with a stamp for the stage that first entered the next funnel stage 0 to so many days (of 24 hours) after it; NULL until every lead of the cohort is that old, counted from its entry into the cohort and from its entry into the stage, and for the last stage. reference_pct is that of funnel_leak. No rows where no stage is in the funnel (stage.in_funnel). Unique key: stage (also position). Errors: 22004 for a bound that is NULL, 22023 for an end before the beginning, 22008 for a day that no timestamp comes near, 22P02 for an unknown stage.';
