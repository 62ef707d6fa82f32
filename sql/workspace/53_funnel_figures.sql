-- The maths of the funnel, once, for every view of it: references, then the figures made of counts and days.

-- In PL/pgSQL, so that where every stage has a target nobody plans what nobody asks.
CREATE OR REPLACE FUNCTION @workspace@.best_channel_pcts() RETURNS TABLE ("position" integer, best_pct double precision)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off AS $workspace$
BEGIN
	PERFORM leadcrm.refuse_if_renamed(@workspace_literal@);
	IF EXISTS (SELECT FROM @workspace@.funnel_scale s WHERE s.next_position IS NOT NULL AND s.target_conversion_pct IS NULL) THEN
		RETURN QUERY
		SELECT c.position, max(100.0::double precision * c.advanced / (c.entered - c.active))
		FROM @workspace@.funnel_tally('channel', NULL, NULL, NULL, false) c
		WHERE c.entered - c.active >= 100
		GROUP BY c.position;
	END IF;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.best_channel_pcts() IS
	'The best resolved_pct (0-100) of a channel with at least 100 resolved leads, by position of the stage; no rows where every stage has a target. Unique key: position. A building block of funnel_reference.';

CREATE OR REPLACE VIEW @workspace@.funnel_reference WITH (security_invoker = true) AS
SELECT s.stage, s.position,
	coalesce(s.target_conversion_pct::double precision, b.best_pct)::numeric AS reference_pct
FROM @workspace@.funnel_scale s
LEFT JOIN @workspace@.best_channel_pcts() b ON b.position = s.position
WHERE s.next_position IS NOT NULL;

COMMENT ON VIEW @workspace@.funnel_reference IS
	'What each funnel stage but the last could convert, the same for every view of the funnel. Unique key: stage (also position).';
COMMENT ON COLUMN @workspace@.funnel_reference.stage IS 'Funnel stage';
COMMENT ON COLUMN @workspace@.funnel_reference.position IS 'Order of the stage';
COMMENT ON COLUMN @workspace@.funnel_reference.reference_pct IS
	'Percent (0-100): the stage''s target_conversion_pct; else the best resolved_pct of a channel with at least 100 resolved leads at this stage, over all leads; else NULL';

CREATE OR REPLACE FUNCTION @workspace@.funnel_rates(keys text[], positions integer[], entered bigint[], advanced bigint[],
	active bigint[], lost bigint[], lost_valued bigint[], reference_pct double precision[])
RETURNS TABLE (key text, "position" integer, conversion_pct double precision, resolved_pct double precision,
	cumulative_pct double precision, lost_share_pct double precision, value_known_pct double precision,
	recoverable double precision, is_bottleneck boolean)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
WITH counted AS (
	SELECT u.*, u.position = max(u.position) OVER () AS is_last,
		CASE WHEN u.position < max(u.position) OVER () THEN u.entered - u.active END AS resolved
	FROM unnest(funnel_rates.keys, funnel_rates.positions, funnel_rates.entered, funnel_rates.advanced, funnel_rates.active,
		funnel_rates.lost, funnel_rates.lost_valued, funnel_rates.reference_pct)
		u (key, "position", entered, advanced, active, lost, lost_valued, reference_pct)
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
				-- not from resolved_pct: whole numbers stay whole
				ELSE (r.reference_pct * r.resolved / 100 - r.advanced)
					* lead(f.chance, 1, 1) OVER w * lead(f.chance, 2, 1) OVER w * lead(f.chance, 3, 1) OVER w
					* lead(f.chance, 4, 1) OVER w * lead(f.chance, 5, 1) OVER w * lead(f.chance, 6, 1) OVER w
		END AS recoverable,
		-- Above the upper end of the 95 % Wilson interval of resolved_pct, which is where the reference differs from it by 1.96 standard
		-- deviations of its own: asked so, no rounding comes between. z2 is the square of the normal quantile.
		r.reference_pct > r.resolved_pct
			AND r.resolved * (r.reference_pct - r.resolved_pct) ^ 2 > f.z2 * r.reference_pct * (100 - r.reference_pct) AS is_below,
		bool_or(r.reference_pct IS NOT NULL) OVER (PARTITION BY r.key) AS has_reference
	FROM rated r
	CROSS JOIN LATERAL (
		SELECT CASE WHEN r.is_last THEN 1 ELSE coalesce(r.reference_pct, r.resolved_pct) / 100 END AS chance,
			3.8414588206941236::double precision AS z2
	) f
	WINDOW w AS (PARTITION BY r.key ORDER BY r.position)
), suspected AS (
	SELECT w.*,
		coalesce(w.resolved >= 30 AND (NOT w.has_reference OR w.is_below), false) AS suspect
	FROM weighed w
)
SELECT s.key, s.position, s.conversion_pct, s.resolved_pct, s.cumulative_pct, s.lost_share_pct, s.value_known_pct, s.recoverable,
	s.suspect AND row_number() OVER (PARTITION BY s.key, s.suspect
		-- a tie is one, whatever the chances were made of
		ORDER BY CASE WHEN s.has_reference THEN round(s.recoverable::numeric, 9) END DESC NULLS LAST,
					CASE WHEN NOT s.has_reference THEN s.resolved_pct END, s.position) = 1
FROM suspected s;
END;
COMMENT ON FUNCTION @workspace@.funnel_rates(text[], integer[], bigint[], bigint[], bigint[], bigint[], bigint[], double precision[]) IS
	'What follows from the counts of funnels: percentages, recoverable customers, the bottleneck; columns as in funnel_leak. The arguments are parallel arrays, an element for each funnel (key) and each of its stages (position, the same of every funnel): counts, and the reference (percent; NULL: none). Unique key: (key, position). A building block of the funnel views and of funnel_at.';

CREATE OR REPLACE FUNCTION @workspace@.funnel_figure(dimension text, since date, until date,
	cohort_stage leadcrm.lifecycle_stage)
RETURNS TABLE (key text, "position" integer, stage leadcrm.lifecycle_stage, label text, entered bigint,
	advanced bigint, active bigint, stalled bigint, returned bigint, leaked bigint, skipped bigint,
	joined_later bigint, conversion_pct numeric, resolved_pct numeric, cumulative_pct numeric, lost bigint,
	lost_share_pct numeric, lost_value numeric, value_known_pct numeric, mean_days numeric, median_days numeric,
	p90_days numeric, reference_pct numeric, recoverable_customers numeric, is_bottleneck boolean)
LANGUAGE sql STABLE PARALLEL RESTRICTED
BEGIN ATOMIC
WITH counted AS MATERIALIZED (
	SELECT c.*, s.stage, s.label, c.stalled + c.returned + c.leaked AS lost, r.reference_pct::double precision AS reference_pct
	FROM @workspace@.funnel_tally(funnel_figure.dimension, funnel_figure.since, funnel_figure.until,
								funnel_figure.cohort_stage, false) c
	JOIN @workspace@.funnel_scale s ON s.position = c.position
	LEFT JOIN @workspace@.funnel_reference r ON r.position = c.position
), days AS MATERIALIZED (
	SELECT * FROM @workspace@.funnel_time(funnel_figure.dimension, funnel_figure.since, funnel_figure.until,
		funnel_figure.cohort_stage)
)
SELECT c.key, c.position, c.stage, c.label, c.entered, c.advanced, c.active, c.stalled, c.returned, c.leaked, c.skipped,
	c.joined_later, r.conversion_pct::numeric, r.resolved_pct::numeric, r.cumulative_pct::numeric, c.lost,
	r.lost_share_pct::numeric, c.lost_value, r.value_known_pct::numeric,
	d.mean_days::numeric, d.median_days::numeric, d.p90_days::numeric,
	c.reference_pct::numeric, r.recoverable::numeric, r.is_bottleneck
FROM (
	SELECT array_agg(x.key) AS keys, array_agg(x.position) AS positions, array_agg(x.entered) AS entered,
		array_agg(x.advanced) AS advanced, array_agg(x.active) AS active, array_agg(x.lost) AS lost,
		array_agg(x.lost_valued) AS lost_valued, array_agg(x.reference_pct) AS reference_pct
	FROM counted x
) a
CROSS JOIN LATERAL @workspace@.funnel_rates(a.keys, a.positions, a.entered, a.advanced, a.active, a.lost, a.lost_valued,
	a.reference_pct) r
JOIN counted c ON c.key = r.key AND c.position = r.position
LEFT JOIN days d ON d.key = c.key AND d.position = c.position;
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
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off
AS $workspace$
BEGIN
	PERFORM leadcrm.refuse_if_renamed(@workspace_literal@);
	PERFORM @workspace@.funnel_check_cohort(dimension, since, until, cohort_stage);
	RETURN QUERY SELECT * FROM @workspace@.funnel_figure(dimension, since, until, cohort_stage);
END
$workspace$;
COMMENT ON FUNCTION @workspace@.funnel_run(text, date, date, leadcrm.lifecycle_stage) IS
	'funnel_figure, planned for its arguments: what the funnel views call. Unique key: (key, position). Errors: those of funnel_check_cohort.';
