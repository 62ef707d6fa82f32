-- Not yet is not lost: how the leads of a stage go on or leak as they grow older, with those still open counted as open.

CREATE OR REPLACE FUNCTION @workspace@.conversion_exit(stage leadcrm.lifecycle_stage, since date, until date,
	channel text)
RETURNS TABLE (lead_id bigint, days double precision, went text)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT e.lead_id,
	-- imported stamps may stand the wrong way round: such a lead had left before it came
	greatest(date_part('epoch', coalesce(e.advanced_at, e.leaked_at, now()) - e.entered_at), 0) / 86400,
	CASE WHEN e.advanced_at IS NOT NULL THEN 'advanced' WHEN e.leaked_at IS NOT NULL THEN 'leaked' ELSE 'open' END
FROM (
	SELECT l.lead_id,
		CASE conversion_exit.stage
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
	CROSS JOIN (SELECT s.next_position FROM @workspace@.funnel_scale s WHERE s.stage = conversion_exit.stage) n
	WHERE l.excluded_as IS NULL
	AND n.next_position IS NOT NULL
	AND (conversion_exit.channel IS NULL OR l.channel = conversion_exit.channel)
) e
WHERE isfinite(e.entered_at)
AND isfinite(coalesce(e.advanced_at, e.leaked_at, now()))
AND (conversion_exit.since IS NULL
	OR e.entered_at >= (SELECT conversion_exit.since::timestamp AT TIME ZONE z.time_zone FROM @workspace@.setting z))
AND (conversion_exit.until IS NULL
	OR e.entered_at < (SELECT conversion_exit.until::timestamp AT TIME ZONE z.time_zone FROM @workspace@.setting z));
END;
COMMENT ON FUNCTION @workspace@.conversion_exit(leadcrm.lifecycle_stage, date, date, text) IS
	'The leads that have a first entry into a funnel stage on record, and how they left it for good: went is advanced (the first entry into a later funnel stage or beyond), leaked (its status is closed: at status_since) or open (neither; returned and stalled leads are open), days (24 hours, fractions count) from the entry until then, else until now; 0 where stamps stand the wrong way round. Excluded leads are left out. since (included), until (excluded): days of the workspace''s time zone in which the leads entered the stage; channel: theirs; NULL: all. Unique key: lead_id. A building block of conversion_curve.';

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
	WITH step AS MATERIALIZED (
		-- counts as integers: sums of bigint are numeric, and slow
		SELECT x.days, count(*)::integer AS leads,
			(count(*) FILTER (WHERE x.went = 'advanced'))::integer AS went_on,
			(count(*) FILTER (WHERE x.went = 'leaked'))::integer AS went_off
		FROM @workspace@.conversion_exit(conversion_curve.stage, conversion_curve.since, conversion_curve.until,
			conversion_curve.channel) x
		GROUP BY x.days
	), risk AS (
		-- n: leads that were seen there at least so long; who leaves and who is seen no longer at one instant is among them
		SELECT s.days, s.went_on::double precision AS a, (s.went_on + s.went_off)::double precision AS d,
			(sum(s.leads) OVER (ORDER BY s.days DESC ROWS UNBOUNDED PRECEDING))::double precision AS n,
			s.went_on, s.went_off
		FROM step s
	), survival AS (
		-- the chance to be there still, after the exits at this instant (Kaplan-Meier); nothing follows where all left
		SELECT r.days, r.a, r.d, r.n,
			CASE WHEN r.d < r.n THEN exp(sum(CASE WHEN r.d < r.n THEN ln(1 - r.d / r.n) END)
				OVER (ORDER BY r.days ROWS UNBOUNDED PRECEDING)) ELSE 0 END AS after
		FROM risk r
		WHERE r.d > 0
	), incidence AS (
		-- f: the chance to have gone on by then (Aalen-Johansen)
		SELECT u.*, sum(u.before * u.a / u.n) OVER (ORDER BY u.days ROWS UNBOUNDED PRECEDING) AS f,
			sum(u.before * (u.d - u.a) / u.n) OVER (ORDER BY u.days ROWS UNBOUNDED PRECEDING) AS off
		FROM (SELECT v.*, coalesce(lag(v.after) OVER (ORDER BY v.days), 1) AS before FROM survival v) u
	), variance AS (
		-- the terms of the delta method that grow along the curve; see var below
		SELECT i.days, i.f, i.off, i.after,
			sum(i.g) OVER w AS g, sum(i.f * i.g) OVER w AS fg, sum(i.f * i.f * i.g) OVER w AS ffg,
			sum(i.c) OVER w AS c, sum(i.f * i.c) OVER w AS fc,
			sum(i.before * i.before * i.a * (i.n - i.a) / (i.n * i.n * i.n)) OVER w AS v
		FROM (
			SELECT j.*, CASE WHEN j.d < j.n THEN j.d / (j.n * (j.n - j.d)) ELSE 0 END AS g,
				j.before * j.a / (j.n * j.n) AS c
			FROM incidence j
		) i
		WINDOW w AS (ORDER BY i.days ROWS UNBOUNDED PRECEDING)
	), by_day AS (
		SELECT ceil(s.days)::integer AS day, sum(s.leads)::bigint AS leads, sum(s.went_on)::bigint AS went_on,
			sum(s.went_off)::bigint AS went_off
		FROM step s
		GROUP BY 1
	), known AS (
		-- all of these but "after" only grow
		SELECT ceil(v.days)::integer AS day, max(v.f) AS f, max(v.off) AS off, min(v.after) AS after, max(v.g) AS g,
			max(v.fg) AS fg, max(v.ffg) AS ffg, max(v.c) AS c, max(v.fc) AS fc, max(v.v) AS v
		FROM variance v
		GROUP BY 1
	), daily AS (
		SELECT d.day, b.leads, b.went_on, b.went_off, sum(b.leads) OVER () AS total,
			coalesce(sum(b.leads) OVER (ORDER BY d.day ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS gone,
			coalesce(max(k.f) OVER w, 0) AS f, coalesce(max(k.off) OVER w, 0) AS off,
			coalesce(min(k.after) OVER w, 1) AS after, max(k.g) OVER w AS g, max(k.fg) OVER w AS fg,
			max(k.ffg) OVER w AS ffg, max(k.c) OVER w AS c, max(k.fc) OVER w AS fc, max(k.v) OVER w AS v
		FROM generate_series(0, coalesce((SELECT max(m.day) FROM by_day m), 0)) d (day)
		LEFT JOIN by_day b ON b.day = d.day
		LEFT JOIN known k ON k.day = d.day
		WINDOW w AS (ORDER BY d.day ROWS UNBOUNDED PRECEDING)
	)
	SELECT y.day, coalesce(y.total - y.gone, 0)::bigint, coalesce(y.went_on, 0), coalesce(y.went_off, 0),
		coalesce(y.leads - y.went_on - y.went_off, 0),
		CASE WHEN y.total > 0 THEN 100 * y.f END::numeric,
		(100 * power(q.share, exp(b.width)))::numeric,
		(100 * power(q.share, exp(-b.width)))::numeric,
		CASE WHEN y.total > 0 THEN 100 * y.off END::numeric,
		CASE WHEN y.total > 0 THEN 100 * y.after END::numeric,
		CASE WHEN y.total > 0 THEN 100 * max(y.f) OVER () END::numeric
	FROM daily y
	-- var(F(t)) = sum over exits i up to t of (F(t) - F(i))^2 g(i) + S(i-)^2 a (n - a) / n^3 - 2 (F(t) - F(i)) c(i)
	CROSS JOIN LATERAL (SELECT greatest(y.f * y.f * y.g - 2 * y.f * y.fg + y.ffg + y.v - 2 * (y.f * y.c - y.fc), 0) AS var,
		CASE WHEN y.f > 0 AND y.f < 1 - 1e-12 THEN y.f END AS share) q
	-- on the scale log(-log F); it has no width where nobody or everybody has gone on
	CROSS JOIN LATERAL (SELECT 1.959963984540054 * sqrt(q.var) / (q.share * -ln(q.share)) AS width) b
	ORDER BY y.day;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.conversion_curve(leadcrm.lifecycle_stage, date, date, text) IS
	'Of the leads that entered a funnel stage, the share that goes on within so many days, with leads still open counted as open: the cumulative incidence of Aalen and Johansen with two exits, advanced and leaked; open, stalled and returned leads are seen until now. One row a day of age, from 0 to the age at which the last lead was seen; without leads the row of day 0, its percentages NULL. day: whole days (24 hours) since the first entry; at_risk: leads that were there, and seen, after day - 1; advanced, leaked: of these, the ones that went on or leaked up to this day; still_open: those that are this old today and open. advanced_pct, leaked_pct, open_pct: percent (0-100) of all that enter that will have gone on or leaked by that age, or still be open: they add up to 100, at the exact times of the exits, evaluated at whole days. lower_pct, upper_pct: 95 % confidence band of advanced_pct, pointwise (variance by the delta method, as Greenwood''s; scale log(-log)); NULL where it is 0 or 100. expected_pct, the same in every row: the eventual conversion expected, the last advanced_pct. Where the last leads are open the data end there: the eventual share lies between expected_pct and that plus the last open_pct; its band is the last row''s. Exits and open leads of the same age: the exits come first. Leads whose stamps stand the wrong way round left at age 0; leads without a stamp for the stage (skipped, joined later) are not in it. since (included) and until (excluded): only leads that entered the stage in these days of the workspace''s time zone; channel: only those of that channel. Unique key: day. Errors: 22004 for a stage that is NULL, 22023 for a stage outside the funnel or at its end, a period that is empty or ends before it begins, an unknown channel; 22P02 for an unknown stage.';
