-- The maths of the funnel, once, for every view of it: counts, days, references, then the figures made of them.

CREATE OR REPLACE FUNCTION @workspace@.funnel_count(dimension text, since date, until date,
	cohort_stage leadcrm.lifecycle_stage)
RETURNS TABLE (key text, "position" integer, entered bigint, advanced bigint, active bigint, stalled bigint,
	returned bigint, leaked bigint, skipped bigint, joined_later bigint, lost_value numeric, lost_valued bigint)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
WITH cell AS (
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
		FROM @workspace@.funnel_cohort(funnel_count.dimension, funnel_count.since, funnel_count.until,
			funnel_count.cohort_stage) g
		JOIN @workspace@.funnel_scale n ON n.stage = g.stage
		JOIN @workspace@.funnel_scale p ON p.stage = g.peak
		WHERE p.funnel_position IS NOT NULL
		OFFSET 0
	) c
	GROUP BY c.key, c.place
), place AS (
	SELECT c.key, c.place / 1024 AS peak, c.place / 128 % 8 AS outcome, c.place % 128 AS stamped,
		c.leads, c.valued, c.value
	FROM cell c
	UNION ALL
	-- what has no lead yet shows zeros
	SELECT k.key, 0, 0, 0, 0, 0, 0
	FROM (
		SELECT '' AS key WHERE coalesce(funnel_count.dimension, '') = ''
		UNION ALL
		SELECT h.code FROM @workspace@.channel h WHERE funnel_count.dimension = 'channel'
		UNION ALL
		SELECT h.source_kind::text FROM @workspace@.channel h
		WHERE funnel_count.dimension = 'source_kind' AND h.source_kind IS NOT NULL
		UNION ALL
		SELECT p.campaign_id::text FROM @workspace@.campaign p WHERE funnel_count.dimension = 'campaign'
		UNION ALL
		SELECT r.code FROM @workspace@.rep r WHERE funnel_count.dimension = 'owner'
		UNION ALL
		SELECT m::date::text
		FROM (SELECT min(c.key) AS since, max(c.key) AS until FROM cell c WHERE funnel_count.dimension = 'month') b,
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
END;

COMMENT ON FUNCTION @workspace@.funnel_count(text, date, date, leadcrm.lifecycle_stage) IS
	'How many leads of a cohort came to each funnel stage and what became of them; dimension, since, until, cohort_stage and key as in funnel_cohort. Values without leads show zeros. Unique key: (key, position). A building block of the funnel views.';

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
	date_part('epoch', CASE n.after_1 WHEN 2 THEN g.lead_at WHEN 3 THEN g.mql_at WHEN 4 THEN g.sql_at
										WHEN 5 THEN g.opportunity_at WHEN 6 THEN g.customer_at
										WHEN 7 THEN g.evangelist_at END - g.subscriber_at) / 86400,
	date_part('epoch', CASE n.after_2 WHEN 3 THEN g.mql_at WHEN 4 THEN g.sql_at WHEN 5 THEN g.opportunity_at
										WHEN 6 THEN g.customer_at WHEN 7 THEN g.evangelist_at
						END - g.lead_at) / 86400,
	date_part('epoch', CASE n.after_3 WHEN 4 THEN g.sql_at WHEN 5 THEN g.opportunity_at WHEN 6 THEN g.customer_at
										WHEN 7 THEN g.evangelist_at END - g.mql_at) / 86400,
	date_part('epoch', CASE n.after_4 WHEN 5 THEN g.opportunity_at WHEN 6 THEN g.customer_at
										WHEN 7 THEN g.evangelist_at END - g.sql_at) / 86400,
	date_part('epoch', CASE n.after_5 WHEN 6 THEN g.customer_at WHEN 7 THEN g.evangelist_at
						END - g.opportunity_at) / 86400,
	date_part('epoch', CASE n.after_6 WHEN 7 THEN g.evangelist_at END - g.customer_at) / 86400
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
	'The leads of a cohort with days_N: days (fractions count) from the first entry into the stage at position N to the first entry into the next funnel stage; NULL where a stamp is missing or the stage is not in the funnel, negative where imported stamps stand the wrong way round. Arguments and key as in funnel_cohort. One row a lead. A building block of the funnel views.';

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
WHERE v.mean IS NOT NULL;
END;

COMMENT ON FUNCTION @workspace@.funnel_days(text, date, date, leadcrm.lifecycle_stage) IS
	'Mean, median and 90th percentile (interpolated) of the days from the first entry into a stage to the first entry into the next funnel stage, over the leads of a cohort that have both stamps; stages without such leads are missing. Arguments and key as in funnel_cohort. Unique key: (key, position). A building block of the funnel views.';

CREATE OR REPLACE VIEW @workspace@.funnel_reference WITH (security_invoker = true) AS
SELECT s.stage, s.position,
	coalesce(s.target_conversion_pct::double precision, b.best_pct)::numeric AS reference_pct
FROM @workspace@.funnel_scale s
LEFT JOIN (
	SELECT c.position, max(100.0::double precision * c.advanced / (c.entered - c.active)) AS best_pct
	FROM @workspace@.funnel_count('channel', NULL, NULL, NULL) c
	-- leads are counted only if there is a stage that has no target
	WHERE EXISTS (SELECT FROM @workspace@.funnel_scale t
				WHERE t.next_position IS NOT NULL AND t.target_conversion_pct IS NULL)
	AND c.entered - c.active >= 100
	GROUP BY c.position
) b ON b.position = s.position
WHERE s.next_position IS NOT NULL;

COMMENT ON VIEW @workspace@.funnel_reference IS
	'What each funnel stage but the last could convert, the same for every view of the funnel. Unique key: stage (also position).';
COMMENT ON COLUMN @workspace@.funnel_reference.stage IS 'Funnel stage';
COMMENT ON COLUMN @workspace@.funnel_reference.position IS 'Order of the stage';
COMMENT ON COLUMN @workspace@.funnel_reference.reference_pct IS
	'Percent (0-100): the stage''s target_conversion_pct; else the best resolved_pct of a channel with at least 100 resolved leads at this stage, over all leads; else NULL';

CREATE OR REPLACE FUNCTION @workspace@.funnel_figure(dimension text, since date, until date,
	cohort_stage leadcrm.lifecycle_stage)
RETURNS TABLE (key text, "position" integer, stage leadcrm.lifecycle_stage, label text, entered bigint,
	advanced bigint, active bigint, stalled bigint, returned bigint, leaked bigint, skipped bigint,
	joined_later bigint, conversion_pct numeric, resolved_pct numeric, cumulative_pct numeric, lost bigint,
	lost_share_pct numeric, lost_value numeric, value_known_pct numeric, mean_days numeric, median_days numeric,
	p90_days numeric, reference_pct numeric, recoverable_customers numeric, is_bottleneck boolean)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
WITH counted AS (
	SELECT c.key, c.position, s.stage, s.label, c.entered, c.advanced, c.active, c.stalled, c.returned, c.leaked,
		c.skipped, c.joined_later, c.lost_value, c.lost_valued,
		c.stalled + c.returned + c.leaked AS lost,
		s.next_position IS NULL AS is_last,
		CASE WHEN s.next_position IS NOT NULL THEN c.entered - c.active END AS resolved,
		r.reference_pct::double precision AS reference_pct
	FROM @workspace@.funnel_count(funnel_figure.dimension, funnel_figure.since, funnel_figure.until,
								funnel_figure.cohort_stage) c
	JOIN @workspace@.funnel_scale s ON s.position = c.position
	LEFT JOIN @workspace@.funnel_reference r ON r.position = c.position
), rated AS (
	-- in double precision: numeric products of long fractions grow long tails; the results have 15 digits either way
	SELECT c.*,
		CASE WHEN NOT c.is_last THEN 100.0::double precision * c.advanced / nullif(c.entered, 0) END
			AS conversion_pct,
		100.0::double precision * c.advanced / nullif(c.resolved, 0) AS resolved_pct,
		100.0::double precision * c.entered / nullif(first_value(c.entered) OVER w, 0) AS cumulative_pct,
		100.0::double precision * c.lost / nullif(sum(c.lost) OVER (PARTITION BY c.key), 0) AS lost_share_pct,
		100.0::double precision * c.lost_valued / nullif(c.lost, 0) AS value_known_pct
	FROM counted c
	WINDOW w AS (PARTITION BY c.key ORDER BY c.position)
), weighed AS (
	-- the later stages' chances multiply: at most six of them, the last funnel stage counting 1
	SELECT r.*,
		CASE WHEN r.is_last THEN NULL
				WHEN r.resolved = 0 OR r.resolved_pct >= r.reference_pct THEN 0
				ELSE (r.reference_pct - r.resolved_pct) / 100 * r.resolved
					* lead(f.chance, 1, 1) OVER w * lead(f.chance, 2, 1) OVER w * lead(f.chance, 3, 1) OVER w
					* lead(f.chance, 4, 1) OVER w * lead(f.chance, 5, 1) OVER w * lead(f.chance, 6, 1) OVER w
		END AS recoverable,
		-- upper end of the 95 % Wilson interval of resolved_pct; z2 is the square of the normal quantile 1.96
		CASE WHEN r.resolved > 0 THEN
			100 * (f.rate + f.z2 / (2 * r.resolved)
					+ sqrt(f.z2 * (f.rate * (1 - f.rate) / r.resolved
									+ f.z2 / (4 * r.resolved::double precision * r.resolved))))
			/ (1 + f.z2 / r.resolved)
		END AS upper_pct,
		bool_or(r.reference_pct IS NOT NULL) OVER (PARTITION BY r.key) AS has_reference
	FROM rated r
	CROSS JOIN LATERAL (
		SELECT CASE WHEN r.is_last THEN 1 ELSE coalesce(r.reference_pct, r.resolved_pct) / 100 END AS chance,
			r.resolved_pct / 100 AS rate,
			3.8414588206941236::double precision AS z2
	) f
	WINDOW w AS (PARTITION BY r.key ORDER BY r.position)
), days AS MATERIALIZED (
	SELECT * FROM @workspace@.funnel_days(funnel_figure.dimension, funnel_figure.since, funnel_figure.until,
		funnel_figure.cohort_stage)
), suspected AS (
	SELECT w.*,
		coalesce(w.resolved >= 30 AND (NOT w.has_reference OR w.reference_pct > w.upper_pct), false) AS suspect
	FROM weighed w
)
SELECT s.key, s.position, s.stage, s.label, s.entered, s.advanced, s.active, s.stalled, s.returned, s.leaked, s.skipped,
	s.joined_later, s.conversion_pct::numeric, s.resolved_pct::numeric, s.cumulative_pct::numeric, s.lost,
	s.lost_share_pct::numeric, s.lost_value, s.value_known_pct::numeric,
	d.mean_days::numeric, d.median_days::numeric, d.p90_days::numeric,
	s.reference_pct::numeric, s.recoverable::numeric,
	s.suspect AND row_number() OVER (PARTITION BY s.key, s.suspect
		ORDER BY CASE WHEN s.has_reference THEN s.recoverable END DESC NULLS LAST,
					CASE WHEN NOT s.has_reference THEN s.resolved_pct END, s.position) = 1
FROM suspected s
LEFT JOIN days d ON d.key = s.key AND d.position = s.position;
END;

COMMENT ON FUNCTION @workspace@.funnel_figure(text, date, date, leadcrm.lifecycle_stage) IS
	'All figures of the funnel, one row a value of the dimension and funnel stage; arguments and key as in funnel_cohort. The columns are those of funnel_leak. Unique key: (key, position). A building block of the funnel views.';

CREATE OR REPLACE FUNCTION @workspace@.funnel_run(dimension text, since date, until date,
	cohort_stage leadcrm.lifecycle_stage)
RETURNS TABLE (key text, "position" integer, stage leadcrm.lifecycle_stage, label text, entered bigint,
	advanced bigint, active bigint, stalled bigint, returned bigint, leaked bigint, skipped bigint,
	joined_later bigint, conversion_pct numeric, resolved_pct numeric, cumulative_pct numeric, lost bigint,
	lost_share_pct numeric, lost_value numeric, value_known_pct numeric, mean_days numeric, median_days numeric,
	p90_days numeric, reference_pct numeric, recoverable_customers numeric, is_bottleneck boolean)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
-- The plan is made for the arguments given, so that only what they ask for is computed; and compiling that many small
-- expressions would take longer than running them.
SET plan_cache_mode = force_custom_plan SET jit = off
AS $workspace$
BEGIN
	RETURN QUERY SELECT * FROM @workspace@.funnel_figure(dimension, since, until, cohort_stage);
END
$workspace$;
COMMENT ON FUNCTION @workspace@.funnel_run(text, date, date, leadcrm.lifecycle_stage) IS
	'funnel_figure, planned for its arguments: what the funnel views call. Unique key: (key, position).';
