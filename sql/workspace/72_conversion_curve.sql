-- Not yet is not lost: how the leads of a stage go on or leak as they grow older, with those still open counted as open.

CREATE OR REPLACE FUNCTION @workspace@.conversion_stay(stage leadcrm.lifecycle_stage, since date, until date,
	channel text)
RETURNS TABLE (lead_id bigint, days double precision, advanced boolean)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT e.lead_id,
	-- imported stamps may stand the wrong way round: such a lead had left before it came
	greatest(date_part('epoch', coalesce(e.advanced_at, e.leaked_at, now()) - e.entered_at), 0) / 86400,
	CASE WHEN e.advanced_at IS NOT NULL THEN true WHEN e.leaked_at IS NOT NULL THEN false END
FROM (
	SELECT l.lead_id,
		CASE conversion_stay.stage
			WHEN 'subscriber' THEN l.subscriber_at
			WHEN 'lead' THEN l.lead_at
			WHEN 'mql' THEN l.mql_at
			WHEN 'sql' THEN l.sql_at
			WHEN 'opportunity' THEN l.opportunity_at
			WHEN 'customer' THEN l.customer_at
			WHEN 'evangelist' THEN l.evangelist_at
		END AS entered_at,
		least(CASE WHEN n.next_position <= 2 THEN l.lead_at END, CASE WHEN n.next_position <= 3 THEN l.mql_at END,
			CASE WHEN n.next_position <= 4 THEN l.sql_at END, CASE WHEN n.next_position <= 5 THEN l.opportunity_at END,
			CASE WHEN n.next_position <= 6 THEN l.customer_at END, l.evangelist_at) AS advanced_at,
		CASE WHEN l.status_category = 'closed' THEN l.status_since END AS leaked_at
	FROM @workspace@.lead l
	CROSS JOIN (SELECT s.next_position FROM @workspace@.funnel_scale s WHERE s.stage = conversion_stay.stage) n
	WHERE l.excluded_as IS NULL
	AND n.next_position IS NOT NULL
	AND (conversion_stay.channel IS NULL OR l.channel = conversion_stay.channel)
) e
WHERE isfinite(e.entered_at)
AND isfinite(coalesce(e.advanced_at, e.leaked_at, now()))
AND (conversion_stay.since IS NULL
	OR e.entered_at >= (SELECT conversion_stay.since::timestamp AT TIME ZONE z.time_zone FROM @workspace@.setting z))
AND (conversion_stay.until IS NULL
	OR e.entered_at < (SELECT conversion_stay.until::timestamp AT TIME ZONE z.time_zone FROM @workspace@.setting z));
END;
COMMENT ON FUNCTION @workspace@.conversion_stay(leadcrm.lifecycle_stage, date, date, text) IS
	'The leads that have a first entry into a funnel stage on record, and how they left it for good: advanced is true for the first entry into a later funnel stage or beyond, false where the lead leaked (its status is closed: at status_since), NULL where it is open (neither; returned and stalled leads are open); days (24 hours, fractions count) from the entry until then, else until now; 0 where stamps stand the wrong way round. Excluded leads are left out. since (included), until (excluded): days of the workspace''s time zone in which the leads entered the stage; channel: theirs; NULL: all. Unique key: lead_id. A building block of conversion_curve.';

CREATE OR REPLACE FUNCTION @workspace@.conversion_curve(stage leadcrm.lifecycle_stage, since date DEFAULT NULL,
	until date DEFAULT NULL, channel text DEFAULT NULL)
RETURNS TABLE (day integer, at_risk bigint, advanced bigint, leaked bigint, still_open bigint, advanced_pct numeric,
	lower_pct numeric, upper_pct numeric, leaked_pct numeric, open_pct numeric, expected_pct numeric)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
-- planned for its arguments, as funnel_run is
SET plan_cache_mode = force_custom_plan SET jit = off
AS $workspace$
BEGIN
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
			MESSAGE = 'the period ends before it begins',
			DETAIL = format('since is %s, until is %s.', conversion_curve.since, conversion_curve.until),
			HINT = 'since is the first day of the period, until the first day after it.';
	ELSIF NOT EXISTS (SELECT FROM @workspace@.channel c WHERE c.code = conversion_curve.channel)
		AND conversion_curve.channel IS NOT NULL
	THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('there is no channel "%s"', conversion_curve.channel),
			HINT = 'Give a code of the table channel, or NULL for all.';
	END IF;

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
	'Of the leads that entered a funnel stage, the share that goes on within so many days, with leads still open counted as open: the cumulative incidence of Aalen and Johansen with two exits, advanced and leaked; open, stalled and returned leads are seen until now. One row a day of age, from 0 to the age at which the last lead was seen; without leads the row of day 0, its percentages NULL. day: whole days (24 hours) since the first entry; at_risk: leads that were there, and seen, after day - 1; advanced, leaked: of these, the ones that went on or leaked up to this day; still_open: those that are this old today and open. advanced_pct, leaked_pct, open_pct: percent (0-100) of all that enter that will have gone on or leaked by that age, or still be open: they add up to 100, at the exact times of the exits, evaluated at whole days. lower_pct, upper_pct: 95 % confidence band of advanced_pct, pointwise (variance by the delta method, as Greenwood''s; scale log(-log)); NULL where it is 0 or 100. expected_pct, the same in every row: the eventual conversion expected, the last advanced_pct. Where the last leads are open the data end there: the eventual share lies between expected_pct and that plus the last open_pct; its band is the last row''s. Exits and open leads of the same age: the exits come first. Leads whose stamps stand the wrong way round left at age 0; leads without a stamp for the stage (skipped, joined later) are not in it. since (included) and until (excluded): only leads that entered the stage in these days of the workspace''s time zone; channel: only those of that channel. Unique key: day. Errors: 22004 for a stage that is NULL, 22023 for a stage outside the funnel or at its end, a period that is empty or ends before it begins, an unknown channel; 22P02 for an unknown stage.';
