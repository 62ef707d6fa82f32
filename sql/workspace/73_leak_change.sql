-- What changed: the difference between two periods, split over what could have caused it.

CREATE OR REPLACE FUNCTION @workspace@.shares_of_change(before double precision[], after double precision[])
RETURNS double precision[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $workspace$
DECLARE
	-- Of Shapley's shares in a product, each is the integral of its derivative along the straight line from before to
	-- after: a polynomial, of which Gauss' rule with five points is exact up to degree 9, that is for ten factors.
	node CONSTANT double precision[] := ARRAY[0.04691007703066800, 0.23076534494715845, 0.5, 0.76923465505284155,
		0.95308992296933200];
	weight CONSTANT double precision[] := ARRAY[0.11846344252809454, 0.23931433524968324, 0.28444444444444444,
		0.23931433524968324, 0.11846344252809454];
	n CONSTANT integer := coalesce(cardinality(before), 0);
	share double precision[] := array_fill(0::double precision, ARRAY[n]);
	others double precision;
BEGIN
	IF n > 10 OR n <> coalesce(cardinality(after), 0) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'array_subscript_error',
			MESSAGE = format('a product of %s factors cannot become one of %s', n, coalesce(cardinality(after), 0)),
			HINT = 'Give as many factors after as before, at most ten.';
	END IF;
	FOR i IN 1 .. n LOOP
		CONTINUE WHEN before[i] = after[i];
		FOR q IN 1 .. 5 LOOP
			others := weight[q];
			FOR j IN 1 .. n LOOP
				IF j <> i THEN
					others := others * (before[j] + node[q] * (after[j] - before[j]));
				END IF;
			END LOOP;
			share[i] := share[i] + (after[i] - before[i]) * others;
		END LOOP;
	END LOOP;
	RETURN share;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.shares_of_change(double precision[], double precision[]) IS
	'What each factor of a product contributed to its change from before to after: the mean of what it changes over all orders in which the factors could have changed one after the other (Shapley value). The shares add up to the change; zeros are factors like others. At most ten factors. Errors: 2202E for more, or for arrays of different lengths.';

CREATE OR REPLACE FUNCTION @workspace@.leak_change_check(name text, period daterange) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $workspace$
BEGIN
	IF period IS NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'null_value_not_allowed',
			MESSAGE = format('%s is NULL', name),
			HINT = 'Give a range of days, such as daterange(''2026-01-01'', ''2026-02-01'').';
	ELSIF isempty(period) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('%s is empty', name),
			DETAIL = 'No day lies in it.',
			HINT = 'A range of days includes its first day and not its last bound: daterange(''2026-01-01'', ''2026-02-01'').';
	ELSIF NOT coalesce(isfinite(lower(period)) AND isfinite(upper(period)), false) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('%s has no %s: %s', name,
				CASE WHEN coalesce(isfinite(lower(period)), false) THEN 'end' ELSE 'beginning' END, period),
			HINT = 'Periods that are compared have a first and a last day.';
	END IF;
	PERFORM @workspace@.funnel_check_day(lower(period));
	PERFORM @workspace@.funnel_check_day(upper(period));
END
$workspace$;
COMMENT ON FUNCTION @workspace@.leak_change_check(text, daterange) IS
	'Raises the error of a period that leak_change does not accept: 22004 NULL, 22023 empty or without an end, 22008 a day that no timestamp comes near';

CREATE OR REPLACE FUNCTION @workspace@.leak_change_cell(period_a daterange, period_b daterange)
RETURNS TABLE (which text, channel text, peak integer, leads bigint, value numeric)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan SET jit = off
AS $workspace$
DECLARE
	-- the cubes know channels by whole months
	months date[] := CASE WHEN @workspace@.cubes_answer('channel', NULL, NULL)
		THEN (SELECT p.periods FROM @workspace@.cell_periods('channel', NULL, NULL) p) END;
	x record;
	edge record;
	whole_from date;
	whole_until date;
BEGIN
	FOR x IN SELECT * FROM (VALUES ('a', lower(period_a), upper(period_a)), ('b', lower(period_b), upper(period_b))) v (name, since, until)
	LOOP
		whole_from := date_trunc('month', x.since::timestamp + interval '1 month' - interval '1 day');
		whole_until := date_trunc('month', x.until::timestamp);
		IF months IS NULL OR whole_from >= whole_until THEN
			whole_from := x.until;
			whole_until := x.until;
		END IF;
		IF whole_from < whole_until THEN
			RETURN QUERY
			SELECT x.name, c.key, p.funnel_position, sum(c.leads)::bigint, sum(c.amount)
			FROM (SELECT array_agg(m) AS months, array_agg(3::smallint) AS cubes FROM unnest(months) m WHERE m >= whole_from AND m < whole_until) w
			CROSS JOIN LATERAL @workspace@.cells_of(0::smallint, w.cubes, w.months, '{0}', '{9223372036854775807}', 3::smallint,
				whole_from, whole_until) c
			JOIN @workspace@.funnel_scale p ON p.position = (c.code >> 24) & 15
			WHERE p.funnel_position IS NOT NULL
			GROUP BY c.key, p.funnel_position;
		END IF;
		-- days before and after them
		FOR edge IN SELECT * FROM (VALUES (x.since, whole_from), (whole_until, x.until)) v (since, until) WHERE v.since < v.until
		LOOP
			RETURN QUERY
			SELECT x.name, c.key, p.funnel_position, count(*), coalesce(sum(c.value), 0)
			FROM @workspace@.funnel_cohort('channel', edge.since, edge.until, NULL) c
			JOIN @workspace@.funnel_scale p ON p.stage = c.peak
			WHERE p.funnel_position IS NOT NULL
			GROUP BY c.key, p.funnel_position;
		END LOOP;
	END LOOP;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.leak_change_cell(daterange, daterange) IS
	'Leads created in two periods (a, b) that came into the funnel, by channel and peak (position of a funnel stage), with the sum of their known values: whole months from the cubes, other days by counting the leads. Not unique: add up what has the same (which, channel, peak). A building block of leak_change.';

CREATE OR REPLACE FUNCTION @workspace@.leak_change(period_a daterange, period_b daterange)
RETURNS TABLE (part integer, factor text, "position" integer, stage leadcrm.lifecycle_stage, label text, channel text,
	channel_label text, factor_a numeric, factor_b numeric, customers_change numeric, value_change numeric)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan SET jit = off
AS $workspace$
BEGIN
	PERFORM leadcrm.refuse_if_renamed(@workspace_literal@);
	PERFORM @workspace@.leak_change_check('period_a', leak_change.period_a);
	PERFORM @workspace@.leak_change_check('period_b', leak_change.period_b);
	IF NOT EXISTS (SELECT FROM @workspace@.funnel_scale s WHERE s.in_funnel) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = 'no stage is in the funnel',
			HINT = 'Set in_funnel in the table stage.';
	END IF;

	RETURN QUERY
	WITH cell AS MATERIALIZED (
		SELECT c.* FROM @workspace@.leak_change_cell(leak_change.period_a, leak_change.period_b) c
	), reached AS (
		-- every channel and stage: how many came there, in either period
		SELECT h.code AS channel, s.position, s.next_position,
			row_number() OVER (PARTITION BY h.code ORDER BY s.position)::integer AS n,
			coalesce(sum(c.leads) FILTER (WHERE c.which = 'a' AND c.peak >= s.position), 0) AS entered_a,
			coalesce(sum(c.leads) FILTER (WHERE c.which = 'b' AND c.peak >= s.position), 0) AS entered_b,
			coalesce(sum(c.leads) FILTER (WHERE c.which = 'a' AND c.peak > s.position), 0) AS advanced_a,
			coalesce(sum(c.leads) FILTER (WHERE c.which = 'b' AND c.peak > s.position), 0) AS advanced_b,
			coalesce(sum(c.value) FILTER (WHERE c.which = 'a' AND c.peak >= s.position), 0) AS value_a,
			coalesce(sum(c.value) FILTER (WHERE c.which = 'b' AND c.peak >= s.position), 0) AS value_b
		FROM @workspace@.channel h
		CROSS JOIN (SELECT z.* FROM @workspace@.funnel_scale z WHERE z.in_funnel) s
		LEFT JOIN cell c ON c.channel = h.code
		GROUP BY h.code, s.position, s.next_position
	), fraction AS (
		-- A channel's customers are leads x its share of them x the rate of each stage; its money that x their mean value.
		-- What is divided by nothing is NULL.
		SELECT 1 AS part, 'volume' AS factor, NULL::integer AS position, r.channel,
			sum(r.entered_a) OVER ()::double precision AS a, sum(r.entered_b) OVER ()::double precision AS b
		FROM reached r WHERE r.n = 1
		UNION ALL
		SELECT 2, 'mix', NULL, r.channel, (r.entered_a / nullif(sum(r.entered_a) OVER (), 0))::double precision,
			(r.entered_b / nullif(sum(r.entered_b) OVER (), 0))::double precision
		FROM reached r WHERE r.n = 1
		UNION ALL
		SELECT r.n + 2, CASE WHEN r.next_position IS NULL THEN 'value' ELSE 'rate' END,
			CASE WHEN r.next_position IS NOT NULL THEN r.position END, r.channel,
			(CASE WHEN r.next_position IS NULL THEN r.value_a ELSE r.advanced_a END / nullif(r.entered_a, 0))::double precision,
			(CASE WHEN r.next_position IS NULL THEN r.value_b ELSE r.advanced_b END / nullif(r.entered_b, 0))::double precision
		FROM reached r
	), product AS (
		-- where one period has no such rate it had no leads there: no change of the rate is to blame, but what kept them away
		SELECT f.channel, array_agg(coalesce(f.a, f.b, 0) ORDER BY f.part) AS a, array_agg(coalesce(f.b, f.a, 0) ORDER BY f.part) AS b
		FROM fraction f
		GROUP BY f.channel
	), share AS (
		SELECT p.channel, m.part::integer AS part, coalesce(c.customers, 0) AS customers, m.money
		FROM product p
		CROSS JOIN LATERAL unnest(@workspace@.shares_of_change(p.a, p.b)) WITH ORDINALITY m (money, part)
		LEFT JOIN LATERAL unnest(@workspace@.shares_of_change(p.a[:cardinality(p.a) - 1], p.b[:cardinality(p.b) - 1]))
			WITH ORDINALITY c (customers, part) ON c.part = m.part
	), rounded AS (
		SELECT s.channel, s.part, round(s.customers::numeric, 6) AS customers, round(s.money::numeric, 6) AS money,
			-- what rounding left over goes to the greatest share, so that all add up to the last digit
			row_number() OVER (PARTITION BY s.channel ORDER BY abs(s.customers) DESC, s.part) = 1 AS takes_customers,
			row_number() OVER (PARTITION BY s.channel ORDER BY abs(s.money) DESC, s.part) = 1 AS takes_money,
			t.entered_b - t.entered_a - sum(round(s.customers::numeric, 6)) OVER (PARTITION BY s.channel) AS customers_left,
			t.value_b - t.value_a - sum(round(s.money::numeric, 6)) OVER (PARTITION BY s.channel) AS money_left
		FROM share s
		JOIN reached t ON t.channel = s.channel AND t.next_position IS NULL
	)
	SELECT f.part, f.factor, g.position, g.stage, g.label, f.channel, h.label,
		(CASE WHEN f.factor IN ('mix', 'rate') THEN 100 * f.a ELSE f.a END)::numeric,
		(CASE WHEN f.factor IN ('mix', 'rate') THEN 100 * f.b ELSE f.b END)::numeric,
		r.customers + CASE WHEN r.takes_customers THEN r.customers_left ELSE 0 END,
		r.money + CASE WHEN r.takes_money THEN r.money_left ELSE 0 END
	FROM fraction f
	JOIN rounded r ON r.channel = f.channel AND r.part = f.part
	JOIN @workspace@.channel h ON h.code = f.channel
	LEFT JOIN @workspace@.funnel_scale g ON g.position = f.position
	ORDER BY f.part, h.label, f.channel;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.leak_change(daterange, daterange) IS
	'Why there are more or fewer customers, and money, from period_b than from period_a: one row for each factor and channel, every channel always. The leads of a period are those created in its days (of the workspace''s time zone) that came into the funnel; customers are those of them that came to its last stage, money the sum of the customers'' known values, in the base currency, as of now: a younger period has had less time, so compare periods that are old enough, or read expected_pct beside it. factor: volume (number of leads), mix (the channel''s share of them), rate (the share that went on from the stage position, stage, label), value (mean value of a customer, without a value 0); factor_a and factor_b: what it was in either period: leads, percent (0-100), percent, money; NULL where it would divide by 0. customers_change and value_change: what the change of this factor in this channel brought or cost: the mean over all orders in which the factors could have changed (Shapley value), so no order is preferred. They add up exactly to the difference of customers and of money, over a channel and over all; rounded to six digits, what rounding leaves over being added to the channel''s greatest share. The rates of a channel that is new or gone changed nothing: it is mix, and its part of the volume; a stage that nobody of the channel entered in one period has no change of its rate. Unique key: (part, channel), also (factor, stage, channel). Errors: 22004 for a period that is NULL, 22023 for one that is empty or has no beginning or end, 22008 for a day that no timestamp comes near, 55000 where no stage is in the funnel.';
