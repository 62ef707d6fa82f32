-- The maths of the funnel, once, for every view of it: references, then the figures made of counts and days.

CREATE OR REPLACE VIEW @workspace@.funnel_reference WITH (security_invoker = true) AS
SELECT s.stage, s.position,
	coalesce(s.target_conversion_pct::double precision, b.best_pct)::numeric AS reference_pct
FROM @workspace@.funnel_scale s
LEFT JOIN (
	SELECT c.position, max(100.0::double precision * c.advanced / (c.entered - c.active)) AS best_pct
	FROM @workspace@.funnel_tally('channel', NULL, NULL, NULL, false) c
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
LANGUAGE sql STABLE PARALLEL RESTRICTED
BEGIN ATOMIC
WITH counted AS (
	SELECT c.key, c.position, s.stage, s.label, c.entered, c.advanced, c.active, c.stalled, c.returned, c.leaked,
		c.skipped, c.joined_later, c.lost_value, c.lost_valued,
		c.stalled + c.returned + c.leaked AS lost,
		s.next_position IS NULL AS is_last,
		CASE WHEN s.next_position IS NOT NULL THEN c.entered - c.active END AS resolved,
		r.reference_pct::double precision AS reference_pct
	FROM @workspace@.funnel_tally(funnel_figure.dimension, funnel_figure.since, funnel_figure.until,
								funnel_figure.cohort_stage, false) c
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
	SELECT * FROM @workspace@.funnel_time(funnel_figure.dimension, funnel_figure.since, funnel_figure.until,
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
-- What depends on the arguments is planned in the functions that read cubes or leads; so the figures are planned once a
-- session. Compiling that many small expressions would take longer than running them.
SET plan_cache_mode = force_generic_plan SET jit = off
AS $workspace$
BEGIN
	RETURN QUERY SELECT * FROM @workspace@.funnel_figure(dimension, since, until, cohort_stage);
END
$workspace$;
COMMENT ON FUNCTION @workspace@.funnel_run(text, date, date, leadcrm.lifecycle_stage) IS
	'funnel_figure, planned for its arguments: what the funnel views call. Unique key: (key, position).';
