-- The plain definition of what the funnel counts and how long it takes: over the leads, one by one. The views read the cubes; this
-- serves what the cubes do not know, whom row security shows a part, and as what the cubes are tested against.

CREATE OR REPLACE FUNCTION @workspace@.funnel_place_plain(dimension text, since date, until date,
	cohort_stage leadcrm.lifecycle_stage)
RETURNS TABLE (key text, peak integer, outcome integer, stamped integer, leads bigint, valued bigint, value numeric)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT x.key, x.place / 1024, x.place / 128 % 8, x.place % 128, x.leads, x.valued, x.value
FROM (
	-- One number says where a lead is, so that a million leads fold into a few dozen cells in one pass. OFFSET 0 keeps
	-- the number from being taken apart again.
	SELECT c.key, c.place, count(*) AS leads, count(c.value) AS valued, sum(c.value) AS value
	FROM (
		SELECT g.key, g.value,
			p.funnel_position * 1024
			+ @workspace@.funnel_outcome(p.funnel_position, n.position, g.status_category, g.stage_since, n.stuck_before)
				* 128
			+ @workspace@.funnel_stamped(g.subscriber_at, g.lead_at, g.mql_at, g.sql_at, g.opportunity_at, g.customer_at,
				g.evangelist_at) AS place
		FROM @workspace@.funnel_cohort(funnel_place_plain.dimension, funnel_place_plain.since, funnel_place_plain.until,
			funnel_place_plain.cohort_stage) g
		JOIN @workspace@.funnel_scale n ON n.stage = g.stage
		JOIN @workspace@.funnel_scale p ON p.stage = g.peak
		WHERE p.funnel_position IS NOT NULL
		OFFSET 0
	) c
	GROUP BY c.key, c.place
) x;
END;
COMMENT ON FUNCTION @workspace@.funnel_place_plain(text, date, date, leadcrm.lifecycle_stage) IS
	'The leads of a cohort that were ever in the funnel by place: furthest funnel stage (position), outcome (1 active, 2 stalled, 3 returned, 4 leaked), stamped stages (sum of bits); dimension, since, until, cohort_stage and key as in funnel_cohort. Unique key: (key, peak, outcome, stamped). A building block of the funnel views.';

CREATE OR REPLACE FUNCTION @workspace@.funnel_step(dimension text, since date, until date,
	cohort_stage leadcrm.lifecycle_stage)
RETURNS TABLE (key text, entered_at timestamptz, subscriber_at timestamptz, lead_at timestamptz, mql_at timestamptz,
	sql_at timestamptz, opportunity_at timestamptz, customer_at timestamptz, evangelist_at timestamptz,
	days_1 double precision,
	days_2 double precision, days_3 double precision, days_4 double precision, days_5 double precision,
	days_6 double precision)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT g.key, g.entered_at,
	g.subscriber_at, g.lead_at, g.mql_at, g.sql_at, g.opportunity_at, g.customer_at, g.evangelist_at,
	@workspace@.days_between(g.subscriber_at, CASE n.after_1 WHEN 2 THEN g.lead_at WHEN 3 THEN g.mql_at
		WHEN 4 THEN g.sql_at WHEN 5 THEN g.opportunity_at WHEN 6 THEN g.customer_at WHEN 7 THEN g.evangelist_at END),
	@workspace@.days_between(g.lead_at, CASE n.after_2 WHEN 3 THEN g.mql_at WHEN 4 THEN g.sql_at
		WHEN 5 THEN g.opportunity_at WHEN 6 THEN g.customer_at WHEN 7 THEN g.evangelist_at END),
	@workspace@.days_between(g.mql_at, CASE n.after_3 WHEN 4 THEN g.sql_at WHEN 5 THEN g.opportunity_at
		WHEN 6 THEN g.customer_at WHEN 7 THEN g.evangelist_at END),
	@workspace@.days_between(g.sql_at, CASE n.after_4 WHEN 5 THEN g.opportunity_at WHEN 6 THEN g.customer_at
		WHEN 7 THEN g.evangelist_at END),
	@workspace@.days_between(g.opportunity_at, CASE n.after_5 WHEN 6 THEN g.customer_at WHEN 7 THEN g.evangelist_at END),
	@workspace@.days_between(g.customer_at, CASE n.after_6 WHEN 7 THEN g.evangelist_at END)
FROM @workspace@.funnel_cohort(funnel_step.dimension, funnel_step.since, funnel_step.until,
							funnel_step.cohort_stage) g
CROSS JOIN (
	SELECT max(s.next_position) FILTER (WHERE s.position = 1) AS after_1,
		max(s.next_position) FILTER (WHERE s.position = 2) AS after_2,
		max(s.next_position) FILTER (WHERE s.position = 3) AS after_3,
		max(s.next_position) FILTER (WHERE s.position = 4) AS after_4,
		max(s.next_position) FILTER (WHERE s.position = 5) AS after_5,
		max(s.next_position) FILTER (WHERE s.position = 6) AS after_6
	FROM @workspace@.funnel_scale s
) n;
END;

COMMENT ON FUNCTION @workspace@.funnel_step(text, date, date, leadcrm.lifecycle_stage) IS
	'The leads of a cohort with days_N: days (fractions count) from the first entry into the stage at position N to the first entry into the next funnel stage; NULL where a stamp is missing or infinite or the stage is not in the funnel, negative where imported stamps stand the wrong way round. Arguments and key as in funnel_cohort. One row a lead. A building block of the funnel views.';

CREATE OR REPLACE FUNCTION @workspace@.funnel_days(dimension text, since date, until date,
	cohort_stage leadcrm.lifecycle_stage)
RETURNS TABLE (key text, "position" integer, mean_days double precision, median_days double precision,
	p90_days double precision)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT t.key, v.position, v.mean, v.centile[1], v.centile[2]
FROM (
	SELECT d.key,
		avg(d.days_1) AS mean_1, percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY d.days_1) AS centile_1,
		avg(d.days_2) AS mean_2, percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY d.days_2) AS centile_2,
		avg(d.days_3) AS mean_3, percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY d.days_3) AS centile_3,
		avg(d.days_4) AS mean_4, percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY d.days_4) AS centile_4,
		avg(d.days_5) AS mean_5, percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY d.days_5) AS centile_5,
		avg(d.days_6) AS mean_6, percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY d.days_6) AS centile_6
	FROM @workspace@.funnel_step(funnel_days.dimension, funnel_days.since, funnel_days.until,
								funnel_days.cohort_stage) d
	-- most leads have one stamp: they need not be looked at more closely
	WHERE num_nonnulls(d.subscriber_at, d.lead_at, d.mql_at, d.sql_at, d.opportunity_at, d.customer_at,
		d.evangelist_at) > 1
	GROUP BY d.key
) t
CROSS JOIN LATERAL (VALUES (1, t.mean_1, t.centile_1), (2, t.mean_2, t.centile_2), (3, t.mean_3, t.centile_3),
						(4, t.mean_4, t.centile_4), (5, t.mean_5, t.centile_5), (6, t.mean_6, t.centile_6))
				AS v(position, mean, centile)
WHERE v.mean IS NOT NULL
-- asked once, before anything is read
AND @workspace@.funnel_check_cohort(funnel_days.dimension, funnel_days.since, funnel_days.until, funnel_days.cohort_stage);
END;

COMMENT ON FUNCTION @workspace@.funnel_days(text, date, date, leadcrm.lifecycle_stage) IS
	'Mean, median and 90th percentile (interpolated) of the days from the first entry into a stage to the first entry into the next funnel stage, over the leads of a cohort that have both stamps; stages without such leads are missing. Arguments and key as in funnel_cohort. Unique key: (key, position). Errors: those of funnel_check_cohort.';
