-- What if: more leads, a better rate, another capacity. A month of the funnel as it runs now, and as it would run then.

CREATE OR REPLACE FUNCTION @workspace@.customer_value() RETURNS numeric
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT avg(l.value)
FROM @workspace@.lead l
WHERE l.excluded_as IS NULL
AND coalesce(l.stage_peak, l.stage) >= (
	-- customers are counted at the stage customer, else at the end of the funnel
	SELECT s.stage FROM @workspace@.funnel_scale s WHERE s.in_funnel ORDER BY s.stage = 'customer' DESC, s.position DESC LIMIT 1);
END;
COMMENT ON FUNCTION @workspace@.customer_value() IS
	'Mean known value of a customer in the base currency: of the leads that reached the stage customer, or the end of the funnel where that stage is not in it; NULL where none has a value.';

CREATE OR REPLACE FUNCTION @workspace@.what_if_capacity()
RETURNS TABLE ("position" integer, reps bigint, weeks integer, weekly_p90 numeric, a_month numeric)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
WITH zone AS MATERIALIZED (
	-- the week that runs is not a whole one
	SELECT z.time_zone, date_trunc('week', now() AT TIME ZONE z.time_zone) AT TIME ZONE z.time_zone AS this_week
	FROM @workspace@.setting z
), worked AS (
	-- from the handoff on it is people who take a lead further; nobody has to be moved out of the last stage
	SELECT s.position
	FROM @workspace@.funnel_scale s
	JOIN @workspace@.funnel_scale h ON h.stage = (SELECT z.handoff_stage FROM @workspace@.setting z)
	WHERE s.next_position IS NOT NULL AND s.position >= coalesce(h.funnel_position, h.position)
), handled AS (
	-- a lead is dealt with when it leaves its funnel stage, forward or back, or is closed where it stands
	SELECT w.position, l.owner, c.changed_at AS at
	FROM @workspace@.stage_change c
	JOIN @workspace@.funnel_scale f ON f.stage = c.from_state
	JOIN @workspace@.funnel_scale t ON t.stage = c.to_state
	JOIN worked w ON w.position = f.funnel_position
	JOIN @workspace@.lead l ON l.lead_id = c.lead_id AND l.excluded_as IS NULL
	WHERE t.funnel_position IS DISTINCT FROM f.funnel_position AND c.changed_at < (SELECT z.this_week FROM zone z)
	UNION ALL
	SELECT w.position, l.owner, l.status_since
	FROM @workspace@.lead l
	JOIN @workspace@.funnel_scale f ON f.stage = l.stage
	JOIN worked w ON w.position = f.funnel_position
	WHERE l.status_category = 'closed' AND l.excluded_as IS NULL AND l.status_since < (SELECT z.this_week FROM zone z)
), counted AS (
	-- where no lead has an owner, everybody together counts as one
	SELECT h.position, h.owner, h.week, count(*) AS leads,
		max(h.week) OVER (PARTITION BY h.position) AS newest,
		bool_or(h.owner <> '(none)') OVER (PARTITION BY h.position) AS has_reps
	FROM (SELECT d.position, d.owner, date_trunc('week', d.at AT TIME ZONE z.time_zone) AS week FROM handled d CROSS JOIN zone z) h
	GROUP BY h.position, h.owner, h.week
), recent AS (
	SELECT c.position, c.owner, c.week, c.leads
	FROM counted c
	WHERE c.week > c.newest - interval '52 weeks' AND (c.owner <> '(none)' OR NOT c.has_reps)
), span AS (
	SELECT r.position, r.owner, min(r.week) AS since, max(r.week) AS until FROM recent r GROUP BY r.position, r.owner
), pace AS (
	SELECT s.position, percentile_cont(0.9) WITHIN GROUP (ORDER BY coalesce(r.leads, 0)) AS p90,
		(date_part('day', max(s.until) - min(s.since)) / 7 + 1)::integer AS weeks,
		count(DISTINCT s.owner) FILTER (WHERE p.active) AS reps
	FROM span s
	JOIN @workspace@.rep p ON p.code = s.owner
	CROSS JOIN LATERAL generate_series(s.since, s.until, interval '7 days') g (week)
	LEFT JOIN recent r ON r.position = s.position AND r.owner = s.owner AND r.week = g.week
	GROUP BY s.position
)
SELECT w.position, coalesce(p.reps, 0), coalesce(p.weeks, 0), p.p90::numeric,
	CASE WHEN p.weeks >= 4 THEN (p.reps * p.p90 * (365.25 / 12 / 7))::numeric END
FROM worked w
LEFT JOIN pace p ON p.position = w.position;
END;
COMMENT ON FUNCTION @workspace@.what_if_capacity() IS
	'What the funnel stages that people work, those from setting.handoff_stage on but the last, can take as far as history tells: reps (active owners who dealt with leads there), weeks (looked at: whole ones, at most 52, up to the newest), weekly_p90 (90th percentile of the leads a rep dealt with in a week, from the rep''s first week to the last), a_month (reps x weekly_p90 x 4.348 weeks; NULL with fewer than 4 weeks of history). Dealt with: left the stage, or closed there, whoever owns the lead now. rep.capacity, leads at a time, has no part in it. Unique key: position. A building block of what_if.';

CREATE OR REPLACE FUNCTION @workspace@.what_if_elasticity()
RETURNS TABLE ("position" integer, months bigint, elasticity numeric)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT r.position, r.months,
	CASE WHEN r.months >= 6 AND r.sxx > 0
		-- by more than two standard errors
		AND r.slope + 2 * sqrt(greatest(r.syy - r.slope * r.sxy, 0) / (r.months - 2) / r.sxx) < 0
		THEN greatest(r.slope, -1)::numeric END
FROM (
	SELECT v.position, count(*) AS months, regr_slope(v.y, v.x) AS slope,
		regr_sxx(v.y, v.x) AS sxx, regr_syy(v.y, v.x) AS syy, regr_sxy(v.y, v.x) AS sxy
	FROM (
		SELECT m.position, ln(m.entered::double precision) AS x, ln(m.resolved_pct::double precision) AS y
		FROM @workspace@.funnel_leak_by_month m
		-- enough leads for a rate, and most of them done: of a young month only the quick ones are known
		WHERE m.entered >= 30 AND m.resolved_pct > 0 AND m.active * 5 <= m.entered
	) v
	GROUP BY v.position
) r;
END;
COMMENT ON FUNCTION @workspace@.what_if_elasticity() IS
	'How the rate of a funnel stage went with volume, month by month of creation: elasticity is the slope of ln(resolved_pct) over ln(entered), from -1 to below 0 (-0.5: twice the leads, 0.71 times the rate); NULL (the rate is taken as constant) with fewer than 6 months that have 30 leads, of which at most a fifth are active, and some advanced, or where the slope is not below 0 by two standard errors. months: those used. Unique key: position; stages without such a month are missing. A building block of what_if.';

CREATE OR REPLACE FUNCTION @workspace@.what_if_flow(leads double precision, rates double precision[],
	capacities double precision[], elasticities double precision[], volumes double precision[])
RETURNS TABLE (place integer, entered double precision, taken double precision, rate double precision,
	advanced double precision)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $workspace$
BEGIN
	advanced := leads;
	FOR i IN 1 .. cardinality(rates) LOOP
		place := i;
		entered := advanced;
		taken := CASE WHEN entered > capacities[i] THEN capacities[i] ELSE entered END;
		rate := rates[i];
		IF elasticities[i] IS NOT NULL AND entered > 0 AND volumes[i] > 0 THEN
			rate := least(rate * (entered / volumes[i]) ^ elasticities[i], 1);
		END IF;
		-- nobody came: whatever the rate, nobody goes on
		advanced := CASE WHEN i = cardinality(rates) THEN NULL WHEN taken = 0 THEN 0 ELSE taken * rate END;
		RETURN NEXT;
	END LOOP;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.what_if_flow(double precision, double precision[], double precision[],
	double precision[], double precision[]) IS
	'Sends leads through stages, one element of each array a stage in order: of those that enter a stage it takes at most its capacity (NULL: all), of those its rate (0-1) goes on, times (entered / volume) to the power of its elasticity (NULL: as it is), at most 1. What is not known, a NULL, makes all that depends on it NULL. Unique key: place, from 1. A building block of what_if.';

CREATE OR REPLACE FUNCTION @workspace@.what_if_check(top_multiplier double precision, stage leadcrm.lifecycle_stage,
	new_pct double precision, capacity double precision) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $workspace$
BEGIN
	IF what_if_check.top_multiplier IS NULL THEN
		RAISE EXCEPTION 'top_multiplier is NULL'
			USING ERRCODE = 'null_value_not_allowed',
				HINT = 'Give a number such as 4 for four times the leads, or leave it out for as many as now.';
	ELSIF NOT (what_if_check.top_multiplier > 0 AND what_if_check.top_multiplier <= 1000000) THEN
		RAISE EXCEPTION 'top_multiplier % is out of range', what_if_check.top_multiplier
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'It says how many times as many leads come: above 0, at most 1000000.';
	ELSIF NOT (what_if_check.new_pct >= 0 AND what_if_check.new_pct <= 100) THEN
		RAISE EXCEPTION 'new_pct % is out of range', what_if_check.new_pct
			USING ERRCODE = 'invalid_parameter_value', DETAIL = 'It is a percentage: from 0 to 100.';
	ELSIF what_if_check.new_pct IS NOT NULL AND what_if_check.stage IS NULL THEN
		RAISE EXCEPTION 'new_pct % is given without a stage', what_if_check.new_pct
			USING ERRCODE = 'invalid_parameter_value', DETAIL = 'It is what one stage would convert.',
				HINT = 'Give the stage too: what_if(stage => ''mql'', new_pct => 35).';
	ELSIF what_if_check.capacity = 'NaN' OR what_if_check.capacity < 0 THEN
		RAISE EXCEPTION 'capacity % is out of range', what_if_check.capacity
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'It is the number of leads that the stage can take in a month: 0 or more; Infinity: all that come.';
	ELSIF what_if_check.stage IS NOT NULL AND NOT EXISTS (SELECT FROM @workspace@.funnel_scale s
		WHERE s.stage = what_if_check.stage AND s.next_position IS NOT NULL)
	THEN
		RAISE EXCEPTION 'stage "%" has no rate to change', what_if_check.stage
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = CASE WHEN EXISTS (SELECT FROM @workspace@.funnel_scale s
						WHERE s.stage = what_if_check.stage AND s.in_funnel)
					THEN 'It is the last stage of the funnel.' ELSE 'It is not in the funnel.' END,
				HINT = format('Use one of: %s.', (SELECT string_agg(s.stage::text, ', ' ORDER BY s.position)
					FROM @workspace@.funnel_scale s WHERE s.next_position IS NOT NULL));
	END IF;
	RETURN true;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.what_if_check(double precision, leadcrm.lifecycle_stage, double precision,
	double precision) IS
	'True for arguments that what_if accepts; else an error: 22004 for a multiplier that is NULL, 22023 for a value out of range, a percentage without a stage, or a stage that is not in the funnel or its last.';

CREATE OR REPLACE FUNCTION @workspace@.what_if(top_multiplier double precision DEFAULT 1, OUT "position" integer,
	INOUT stage leadcrm.lifecycle_stage DEFAULT NULL, OUT label text,
	new_pct double precision DEFAULT NULL, capacity double precision DEFAULT NULL,
	OUT entered_now numeric, OUT rate_now_pct numeric, OUT advanced_now numeric,
	OUT entered_then numeric, OUT capacity_then numeric, OUT capacity_is_assumed boolean, OUT waiting_then numeric,
	OUT rate_then_pct numeric, OUT elasticity numeric, OUT advanced_then numeric,
	OUT customers_now numeric, OUT customers_then numeric, OUT revenue_now numeric, OUT revenue_then numeric,
	OUT waiting_customers numeric, OUT reference_pct numeric, OUT recoverable_customers numeric,
	OUT recoverable_revenue numeric, OUT worth_customers numeric, OUT worth_revenue numeric, OUT fix_first boolean,
	OUT answer text, OUT verdict text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
-- the plan is made once; compiling that many small expressions would take longer than running them
SET search_path = pg_catalog, pg_temp SET jit = off
AS $workspace$
#variable_conflict use_column
DECLARE
	asked_stage CONSTANT leadcrm.lifecycle_stage := what_if.stage;
BEGIN
	PERFORM leadcrm.refuse_if_renamed(@workspace_literal@);
	PERFORM @workspace@.what_if_check(top_multiplier, asked_stage, new_pct, capacity);
	RETURN QUERY
	WITH leak AS MATERIALIZED (
		SELECT f.*, row_number() OVER (ORDER BY f.position)::integer AS place FROM @workspace@.funnel_leak f
	), month AS MATERIALIZED (
		SELECT m.month, m.entered,
			m.month > min(m.month) OVER () AND m.month < date_trunc('month', now() AT TIME ZONE
				(SELECT z.time_zone FROM @workspace@.setting z)) AS is_whole
		FROM @workspace@.funnel_leak_by_month m
		WHERE m.position = (SELECT min(l.position) FROM leak l)
	), volume AS (
		-- the last three whole months; where there is none, whatever months there are
		SELECT coalesce((SELECT avg(w.entered) FROM (SELECT m.entered FROM month m WHERE m.is_whole
					ORDER BY m.month DESC LIMIT 3) w),
				(SELECT avg(m.entered) FROM month m), 0)::double precision AS leads
	), worked AS MATERIALIZED (
		SELECT * FROM @workspace@.what_if_capacity()
	), now_flow AS MATERIALIZED (
		SELECT w.*
		FROM volume v, (SELECT array_agg(l.resolved_pct::double precision / 100 ORDER BY l.place) AS rates FROM leak l) r
		CROSS JOIN LATERAL @workspace@.what_if_flow(v.leads, r.rates, NULL, NULL, NULL) w
	), step AS MATERIALIZED (
		SELECT l.*, n.entered AS volume, n.rate, n.advanced AS went_on,
			w.position IS NOT NULL AS is_worked,
			CASE WHEN capacity IS NOT NULL AND (l.stage = asked_stage OR asked_stage IS NULL AND w.position IS NOT NULL)
					THEN capacity
				-- what comes now is taken, evidently
				ELSE greatest(w.a_month::double precision, CASE WHEN w.a_month IS NOT NULL THEN n.entered END) END AS can_take,
			w.a_month IS NOT NULL
				AND NOT (capacity IS NOT NULL AND (l.stage = asked_stage OR asked_stage IS NULL)) AS is_assumed,
			CASE WHEN l.stage = asked_stage AND (new_pct IS NOT NULL OR capacity IS NULL)
				THEN coalesce(new_pct, l.reference_pct::double precision, l.resolved_pct::double precision) / 100
				ELSE n.rate END AS rate_asked,
			CASE WHEN w.position IS NULL AND l.stage IS DISTINCT FROM asked_stage THEN e.elasticity::double precision END
				AS bend
		FROM leak l
		JOIN now_flow n ON n.place = l.place
		LEFT JOIN worked w ON w.position = l.position
		LEFT JOIN @workspace@.what_if_elasticity() e ON e.position = l.position
	), input AS MATERIALIZED (
		SELECT max(s.volume) FILTER (WHERE s.place = 1) * top_multiplier AS leads,
			array_agg(s.rate_asked ORDER BY s.place) AS rates, array_agg(s.can_take ORDER BY s.place) AS limits,
			array_agg(s.bend ORDER BY s.place) AS bends, array_agg(s.volume ORDER BY s.place) AS volumes,
			-- customers are counted at the stage customer, else at the end of the funnel
			coalesce(max(s.place) FILTER (WHERE s.stage = 'customer'), max(s.place)) AS won
		FROM step s
	), then_flow AS MATERIALIZED (
		SELECT w.* FROM input i
		CROSS JOIN LATERAL @workspace@.what_if_flow(i.leads, i.rates, i.limits, i.bends, i.volumes) w
	), worth AS MATERIALIZED (
		SELECT @workspace@.customer_value() AS customer
	), total AS MATERIALIZED (
		SELECT i.won, n.entered AS now, t.entered AS then,
			(SELECT f.entered FROM @workspace@.what_if_flow(i.leads, i.rates, NULL, NULL, NULL) f WHERE f.place = i.won)
				AS wished,
			w.customer,
			-- the first stage's leads of all time, in months of now
			(SELECT s.volume / nullif(s.entered, 0) FROM step s WHERE s.place = 1) AS a_month
		FROM input i
		JOIN now_flow n ON n.place = i.won
		JOIN then_flow t ON t.place = i.won
		CROSS JOIN worth w
	), joined AS (
		SELECT s.*, t.entered AS entered_then, t.taken, t.entered - t.taken AS waiting, t.rate AS rate_then, t.advanced AS advanced_then,
			CASE WHEN t.entered > t.taken THEN (
				SELECT f.entered FROM input i
				CROSS JOIN LATERAL @workspace@.what_if_flow(i.leads, i.rates,
					(SELECT array_agg(CASE WHEN c.n <> s.place THEN c.can_take END ORDER BY c.n)
						FROM unnest(i.limits) WITH ORDINALITY c (can_take, n)), i.bends, i.volumes) f
				WHERE f.place = i.won) - o.then
			ELSE 0 END AS held_back,
			s.recoverable_customers::double precision * o.a_month AS gain,
			o.now AS won_now, o.then AS won_then, o.wished, o.customer, o.won
		FROM step s
		JOIN then_flow t ON t.place = s.place
		CROSS JOIN total o
	), held AS (
		-- where later stages are full too, room at one alone brings nobody on: then the first to be full stands for all
		SELECT j.*, h.is_shared, CASE WHEN h.is_shared THEN j.wished - j.won_then ELSE j.held_back END AS keeps_back
		FROM (
			SELECT i.*, max(i.held_back) OVER () AS most, min(i.place) FILTER (WHERE i.waiting > 0) OVER () AS first_full FROM joined i
		) j
		CROSS JOIN LATERAL (SELECT coalesce(j.place = j.first_full AND j.most <= 0 AND j.wished > j.won_then, false) AS is_shared) h
	), judged AS (
		SELECT j.*,
			-- funnel_leak's bottleneck; without one the stage that holds back most
			j.is_mendable OR j.is_lacking AS fix_first,
			j.place < j.won AND j.rate_then <= CASE WHEN j.is_bottleneck THEN 0.1 ELSE 0.05 END AND j.entered - j.active >= 30
				AS loses_nearly_all
		FROM (
			SELECT m.*,
				NOT bool_or(m.is_mendable) OVER () AND m.keeps_back > 0 AND row_number() OVER (ORDER BY m.keeps_back DESC NULLS LAST, m.place) = 1 AS is_lacking
			FROM (
				-- a rate does nothing where nobody is taken
				SELECT h.*, h.is_bottleneck AND NOT (coalesce(h.taken = 0, false) AND coalesce(max(h.keeps_back) OVER () > 0, false)) AS is_mendable
				FROM held h
			) m
		) j
	), answered AS (
		SELECT j.*,
			CASE
				WHEN j.won_now IS NULL OR j.won_then IS NULL OR j.wished IS NULL
					OR top_multiplier = 1 AND asked_stage IS NULL AND capacity IS NULL THEN NULL
				WHEN j.wished <= j.won_now OR j.won_then <= j.won_now THEN 'no'
				WHEN j.won_then - j.won_now < (j.wished - j.won_now) * CASE WHEN top_multiplier > 1 THEN 0.5 ELSE 0.1 END THEN 'no'
				-- more of what gets lost: a stage that loses nearly all, or one whose repair brings as much without a lead more
				WHEN top_multiplier > 1 AND (bool_or(j.loses_nearly_all AND j.place > 1) OVER ()
					OR max(j.gain) FILTER (WHERE j.is_bottleneck) OVER () >= j.won_then - j.won_now) THEN 'no'
				WHEN j.won_then - j.won_now < (j.wished - j.won_now) * 0.9 THEN 'partly'
				ELSE 'yes'
			END AS reply
		FROM judged j
	)
	SELECT a.position, a.stage, a.label, a.volume::numeric, (100 * a.rate)::numeric, a.went_on::numeric,
		a.entered_then::numeric, a.can_take::numeric, a.is_assumed, a.waiting::numeric,
		CASE WHEN a.advanced_then IS NOT NULL THEN (100 * a.rate_then)::numeric END, a.bend::numeric, a.advanced_then::numeric,
		a.won_now::numeric, a.won_then::numeric,
		(a.won_now * a.customer::double precision)::numeric, (a.won_then * a.customer::double precision)::numeric,
		a.keeps_back::numeric, a.reference_pct, a.recoverable_customers,
		(a.recoverable_customers::double precision * a.customer::double precision)::numeric,
		a.gain::numeric, (a.gain * a.customer::double precision)::numeric, a.fix_first, a.reply,
		nullif(concat_ws('; ',
			CASE WHEN a.waiting > 0 THEN format('takes %s of %s a month%s, %s wait', @workspace@.number_text(a.can_take::numeric),
				@workspace@.number_text(a.entered_then::numeric), CASE WHEN a.is_assumed THEN ' (assumed)' ELSE '' END,
				@workspace@.number_text(a.waiting::numeric)) END,
			CASE WHEN a.is_lacking AND NOT a.is_shared THEN 'room comes first' WHEN a.is_shared THEN 'room here alone brings no customer more' END,
			CASE WHEN a.loses_nearly_all THEN format('loses nearly all: %s go on', @workspace@.percent_text((100 * a.rate_then)::numeric))
				WHEN round((100 * a.rate_then)::numeric, 1) <> round((100 * a.rate)::numeric, 1)
				THEN format('converts %s instead of %s', @workspace@.percent_text((100 * a.rate_then)::numeric),
					@workspace@.percent_text((100 * a.rate)::numeric)) END,
			CASE WHEN a.place < a.won AND a.rate_then IS NULL THEN 'has no known rate: nobody''s attempt here is over' END,
			CASE WHEN a.is_worked AND a.can_take IS NULL THEN 'has no known capacity: taken as without limit' END), '')
	FROM answered a
	ORDER BY a.position;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.what_if(double precision, leadcrm.lifecycle_stage, double precision, double precision) IS
	'A month of the funnel now, and as it would be then: with top_multiplier times the leads (4: four times), with stage converting new_pct percent, with room for capacity leads a month at stage. All optional: a stage alone converts its reference_pct; a capacity alone is that of every stage that people work. '
	'One row a funnel stage; leads, customers and revenue are those of one month. entered_now of the first stage: mean of the last three whole months of creation; elsewhere what the stage before lets through. rate_now_pct: resolved_pct of funnel_leak. '
	'capacity_then: leads the stage can take; as given, else (capacity_is_assumed) a_month of what_if_capacity, but never less than comes now; NULL: no limit known. Leads above it wait (waiting_then): they stay active and are not converted. rate_then_pct: as now, or as asked; where no people work, it bends with volume by elasticity (NULL: constant). '
	'customers_now, customers_then, revenue_now, revenue_then (customers x mean known value of a customer) and answer are the same in every row: don''t add them up. waiting_customers: customers more if the stage had room for all that come; where that brings none because the stages after it are full too, with room at all of them, said of the first. '
	'fix_first: the bottleneck of funnel_leak; where there is none, or none of its leads are taken there, the stage that holds back most (verdict: room comes first); recoverable_customers, recoverable_revenue: what its reference_pct would have brought so far, as in funnel_leak; worth_customers, worth_revenue: the same for a month of the leads that come now. '
	'answer to "more customers?": no where there are not more, or less than a tenth (for more leads: half) of the gain that these rates would bring without limits, or, for more leads, where a stage after the first loses nearly all (at most 5 % go on; at the bottleneck 10) or mending the bottleneck brings as many without a lead more; partly below nine tenths of that gain; else yes; NULL: nothing was asked, or a rate is not known. verdict: what stands out at the stage. '
	'No rows where no stage is in the funnel (stage.in_funnel). Unique key: stage (also position). Errors: 22004 for a multiplier that is NULL, 22023 for arguments out of range, 22P02 for an unknown stage.';
