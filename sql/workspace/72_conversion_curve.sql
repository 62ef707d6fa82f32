-- Not yet is not lost: how the leads of a stage go on or leak as they grow older, with those still open counted as open.

CREATE OR REPLACE FUNCTION @workspace@.conversion_curve(stage leadcrm.lifecycle_stage, since date DEFAULT NULL,
	until date DEFAULT NULL, channel text DEFAULT NULL)
RETURNS TABLE (day integer, at_risk bigint, advanced bigint, leaked bigint, still_open bigint, advanced_pct numeric,
	lower_pct numeric, upper_pct numeric, leaked_pct numeric, open_pct numeric, expected_pct numeric)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
-- planned for its arguments, as funnel_run is
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan SET jit = off
AS $workspace$
BEGIN
	PERFORM leadcrm.refuse_if_renamed(@workspace_literal@);
	IF conversion_curve.stage IS NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'null_value_not_allowed',
			MESSAGE = 'conversion_curve needs a stage',
			HINT = 'Give a stage of the funnel, such as mql.';
	ELSIF NOT EXISTS (SELECT FROM @workspace@.funnel_scale s
		WHERE s.stage = conversion_curve.stage AND s.next_position IS NOT NULL)
	THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('stage "%s" has no next stage in the funnel', conversion_curve.stage),
			DETAIL = format('Stages that leads can go on from: %s.', coalesce((
				SELECT string_agg(s.stage::text, ', ' ORDER BY s.position) FROM @workspace@.funnel_scale s
				WHERE s.next_position IS NOT NULL), 'none')),
			HINT = 'Name one of these, or change in_funnel in the table stage.';
	ELSIF conversion_curve.since >= conversion_curve.until THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format(CASE WHEN conversion_curve.since = conversion_curve.until THEN 'the period is empty: from %s until %s'
				ELSE 'the period ends before it begins: from %s until %s' END, conversion_curve.since, conversion_curve.until),
			HINT = 'since is the first day of the period, until the first day after it.';
	ELSIF NOT EXISTS (SELECT FROM @workspace@.channel c WHERE c.code = conversion_curve.channel)
		AND conversion_curve.channel IS NOT NULL
	THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('there is no channel "%s"', conversion_curve.channel),
			HINT = 'Give a code of the table channel, or NULL for all.';
	END IF;
	PERFORM @workspace@.funnel_check_day(conversion_curve.since);
	PERFORM @workspace@.funnel_check_day(conversion_curve.until);

	RETURN QUERY
	WITH result AS MATERIALIZED (
		SELECT coalesce(leadcrm.incidence(x.days, x.advanced), '[0:0][1:8]={{0,0,0,0,NULL,NULL,NULL,NULL}}') AS ages
		FROM @workspace@.conversion_stay(conversion_curve.stage, conversion_curve.since, conversion_curve.until,
			conversion_curve.channel) x
	), age AS (
		-- taken apart in one go: a long array is not searched again for each of its elements
		SELECT ((u.n - 1) / 8)::integer AS day,
			max(u.value) FILTER (WHERE u.n % 8 = 1) AS at_risk, max(u.value) FILTER (WHERE u.n % 8 = 2) AS advanced,
			max(u.value) FILTER (WHERE u.n % 8 = 3) AS leaked, max(u.value) FILTER (WHERE u.n % 8 = 4) AS still_open,
			max(u.value) FILTER (WHERE u.n % 8 = 5) AS share, max(u.value) FILTER (WHERE u.n % 8 = 6) AS leaked_share,
			max(u.value) FILTER (WHERE u.n % 8 = 7) AS open_share, max(u.value) FILTER (WHERE u.n % 8 = 0) AS error
		FROM result r
		CROSS JOIN LATERAL unnest(r.ages) WITH ORDINALITY u (value, n)
		GROUP BY 1
	)
	SELECT y.day, y.at_risk::bigint, y.advanced::bigint, y.leaked::bigint, y.still_open::bigint, (100 * y.share)::numeric,
		(100 * power(b.share, exp(b.width)))::numeric, (100 * power(b.share, exp(-b.width)))::numeric,
		(100 * y.leaked_share)::numeric, (100 * y.open_share)::numeric, (100 * max(y.share) OVER ())::numeric
	FROM age y
	-- on the scale log(-log); it has no width where nobody or everybody has gone on
	LEFT JOIN LATERAL (
		SELECT z.share, 1.959963984540054 * y.error / (z.share * -ln(z.share)) AS width
		FROM (SELECT CASE WHEN y.share > 0 AND y.share < 1 - 1e-12 THEN y.share END AS share) z
	) b ON true
	ORDER BY y.day;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.conversion_curve(leadcrm.lifecycle_stage, date, date, text) IS
	'Of the leads that entered a funnel stage, the share that goes on within so many days, with leads still open counted as open: the cumulative incidence of Aalen and Johansen with two exits, advanced and leaked; open, stalled and returned leads are seen until now. One row a day of age, from 0 to the age at which the last lead was seen; without leads the row of day 0, its percentages NULL. day: whole days (24 hours) since the first entry; at_risk: leads that were there, and seen, after day - 1; advanced, leaked: of these, the ones that went on or leaked up to this day; still_open: those that are this old today and open. advanced_pct, leaked_pct, open_pct: percent (0-100) of all that enter that will have gone on or leaked by that age, or still be open: they add up to 100, at the exact times of the exits, evaluated at whole days. lower_pct, upper_pct: 95 % confidence band of advanced_pct, pointwise (variance by the delta method, as Greenwood''s; scale log(-log)); NULL where it is 0 or 100. expected_pct, the same in every row: the eventual conversion expected, the last advanced_pct. Where the last leads are open the data end there: the eventual share lies between expected_pct and that plus the last open_pct; its band is the last row''s. Exits and open leads of the same age: the exits come first. Leads whose stamps stand the wrong way round left at age 0; leads without a stamp for the stage (skipped, joined later) are not in it. since (included) and until (excluded): only leads that entered the stage in these days of the workspace''s time zone; channel: only those of that channel. Unique key: day. Errors: 22004 for a stage that is NULL, 22023 for a stage outside the funnel (so any, where none is in it) or at its end, a period that is empty or ends before it begins, an unknown channel; 22008 for a day that no timestamp comes near; 22P02 for an unknown stage.';
