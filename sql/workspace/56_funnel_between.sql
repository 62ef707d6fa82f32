-- The funnel of one cohort, with the share that went on within 30, 60 and 90 days.

CREATE OR REPLACE FUNCTION @workspace@.funnel_check_period(since date, until date)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $workspace$
BEGIN
	IF since IS NULL OR until IS NULL THEN
		RAISE EXCEPTION 'the period has no %', CASE WHEN since IS NULL THEN 'beginning' ELSE 'end' END
			USING ERRCODE = 'null_value_not_allowed',
				DETAIL = 'since is the first day of the period, until the first day after it.',
				HINT = 'Give ''-infinity'' or ''infinity'' for a period that is open on that side.';
	ELSIF since > until THEN
		RAISE EXCEPTION 'the period ends before it begins'
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = format('since is %s, until is %s.', since, until),
				HINT = 'since is the first day of the period, until the first day after it.';
	END IF;
	RETURN true;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.funnel_check_period(date, date) IS
	'True for a period that funnel_between accepts; else an error: 22004 for a bound that is NULL, 22023 for an end before the beginning.';

CREATE OR REPLACE FUNCTION @workspace@.funnel_between(since date, until date,
	cohort_stage leadcrm.lifecycle_stage DEFAULT NULL)
RETURNS TABLE (
	"position" integer, stage leadcrm.lifecycle_stage, label text, entered bigint, advanced bigint, active bigint,
	stalled bigint, returned bigint, leaked bigint, skipped bigint, joined_later bigint, conversion_pct numeric,
	resolved_pct numeric, cumulative_pct numeric, lost bigint, lost_share_pct numeric, lost_value numeric,
	value_known_pct numeric, mean_days numeric, median_days numeric, p90_days numeric, reference_pct numeric,
	recoverable_customers numeric, is_bottleneck boolean, within_30d_pct numeric, within_60d_pct numeric,
	within_90d_pct numeric)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
WITH step AS MATERIALIZED (
	SELECT * FROM @workspace@.funnel_step(NULL, funnel_between.since, funnel_between.until,
		funnel_between.cohort_stage)
), stay AS MATERIALIZED (
	SELECT v.position, count(*)::double precision AS leads,
		count(*) FILTER (WHERE v.days BETWEEN 0 AND 30) AS within_30,
		count(*) FILTER (WHERE v.days BETWEEN 0 AND 60) AS within_60,
		count(*) FILTER (WHERE v.days BETWEEN 0 AND 90) AS within_90,
		-- days that all of them have had so far
		date_part('epoch', now() - greatest(max(v.entered_at), (SELECT max(s.entered_at) FROM step s))) / 86400 AS age
	FROM step t
	CROSS JOIN LATERAL (VALUES (1, t.subscriber_at, t.days_1), (2, t.lead_at, t.days_2), (3, t.mql_at, t.days_3),
		(4, t.sql_at, t.days_4), (5, t.opportunity_at, t.days_5), (6, t.customer_at, t.days_6))
		AS v("position", entered_at, days)
	WHERE v.entered_at IS NOT NULL
	GROUP BY v.position
)
SELECT f.position, f.stage, f.label,
	f.entered, f.advanced, f.active, f.stalled, f.returned, f.leaked, f.skipped, f.joined_later, f.conversion_pct,
	f.resolved_pct, f.cumulative_pct, f.lost, f.lost_share_pct, f.lost_value, f.value_known_pct, f.mean_days,
	f.median_days, f.p90_days, f.reference_pct, f.recoverable_customers, f.is_bottleneck,
	CASE WHEN d.age >= 30 THEN 100 * d.within_30 / d.leads END::numeric,
	CASE WHEN d.age >= 60 THEN 100 * d.within_60 / d.leads END::numeric,
	CASE WHEN d.age >= 90 THEN 100 * d.within_90 / d.leads END::numeric
FROM @workspace@.funnel_run(NULL, funnel_between.since, funnel_between.until, funnel_between.cohort_stage) f
LEFT JOIN @workspace@.funnel_scale s ON s.position = f.position
LEFT JOIN stay d ON d.position = f.position AND s.next_position IS NOT NULL
WHERE @workspace@.funnel_check_period(funnel_between.since, funnel_between.until)
ORDER BY f.position;
END;
COMMENT ON FUNCTION @workspace@.funnel_between(date, date, leadcrm.lifecycle_stage) IS
	'funnel_leak for one cohort: the leads created from since (included) to until (excluded), days of the workspace''s time zone; with cohort_stage the leads that first entered that stage then, whenever they were created. The columns of funnel_leak, then within_30d_pct, within_60d_pct, within_90d_pct: percent (0-100) of the cohort''s leads with a stamp for the stage that first entered the next funnel stage 0 to so many days (of 24 hours) after it; NULL until every lead of the cohort is that old, counted from its entry into the cohort and from its entry into the stage, and for the last stage. reference_pct is that of funnel_leak. Unique key: stage (also position). Errors: 22004 for a bound that is NULL, 22023 for an end before the beginning, 22P02 for an unknown stage.';
