-- learn_fit() and apply_suggestion(): from the leads whose fate is known to rules of fit.

CREATE OR REPLACE FUNCTION @workspace@.learn_fit(target leadcrm.lifecycle_stage DEFAULT 'customer', attributes text[] DEFAULT NULL,
	since date DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $workspace$
#variable_conflict use_variable
DECLARE
	from_instant timestamptz;
	lead regclass;
	named boolean := attributes IS NOT NULL;
	-- of the leads l; %s: their attributes
	known text := 'SELECT l, (coalesce(l.stage_peak, l.stage) >= $1) AS outcome, (hashint8(l.lead_id) %% 10 + 10) %% 10 < 3 AS held_out, ROW(%s) AS features
		FROM %s l
		WHERE l.excluded_as IS NULL AND (l.created_at >= $2 OR $2 IS NULL) AND (coalesce(l.stage_peak, l.stage) >= $1 OR l.status_category = ''closed'')';
	query text;
	expressions text[];
	how jsonb;
	suspects text[] := '{}';
	late text[];
	evidence text[] := '{}';
	suspect record;
	f record;
	name text;
	open_leads bigint;
	open_set bigint;
	r record;
	total text;
BEGIN
	PERFORM leadcrm.refuse_if_renamed(@workspace_literal@);
	lead := (@workspace_literal@ || '.lead')::regclass;
	from_instant := (SELECT since::timestamp AT TIME ZONE s.time_zone FROM @workspace@.setting s);
	-- a row of it, filled below
	SELECT * INTO r FROM @workspace@.learn_run WHERE false;
	IF target IS NULL OR target = 'subscriber' THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('cannot learn which leads reach %s', coalesce(quote_literal(target), 'NULL')),
			HINT = 'Use a stage that not all leads reach, such as customer.';
	END IF;
	IF NOT named THEN
		attributes := @workspace@.learn_attributes(from_instant);
	ELSIF cardinality(attributes) = 0 OR array_position(attributes, NULL) IS NOT NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('cannot learn from the attributes %L', attributes),
			HINT = 'Name columns of lead, or attributes.key; NULL for all.';
	END IF;
	attributes := ARRAY(SELECT u.a FROM unnest(attributes) WITH ORDINALITY u (a, n) GROUP BY u.a ORDER BY min(u.n));

	-- once, or again without what seems to be known only afterwards
	LOOP
		expressions := '{}';
		how := '{}';
		FOREACH name IN ARRAY attributes LOOP
			f := @workspace@.learn_feature(name);
			how := how || jsonb_build_object(name, f.how);
			expressions := expressions || f.expression;
		END LOOP;
		query := format(known, array_to_string(expressions, ', '), lead);
		IF r.leads IS NULL THEN
			EXECUTE format('SELECT count(*) FILTER (WHERE NOT k.held_out), count(*) FILTER (WHERE NOT k.held_out AND k.outcome), count(*) FILTER (WHERE k.held_out),
					count(*) FILTER (WHERE k.held_out AND k.outcome) FROM (%s) k', query)
				INTO r.leads, r.reached, r.held_out, r.held_out_reached USING target, from_instant;
			IF r.reached = 0 OR r.reached = r.leads THEN
				RAISE EXCEPTION USING
					ERRCODE = 'invalid_parameter_value',
					MESSAGE = format('there is nothing to learn which leads reach %s from', target),
					DETAIL = format('The fate of %s leads is known: %s reached %s, %s are closed without having reached it. Three in ten are held out, to measure by.',
						r.leads + r.held_out, r.reached + r.held_out_reached, target, r.leads + r.held_out - r.reached - r.held_out_reached),
					HINT = 'It takes leads of both fates, better some hundreds of them: wait, close dead leads, or learn an earlier stage.';
			END IF;
		END IF;
		EXECUTE format('SELECT leadcrm.scorecard(k.outcome, $3, k.features) FROM (%s) k WHERE NOT k.held_out', query)
			INTO r.scorecard USING target, from_instant, attributes;

		late := '{}';
		FOR suspect IN SELECT * FROM @workspace@.learn_suspects(r.scorecard) LOOP
			IF suspect.by_presence THEN
				-- what leads have while they are open cannot be known only afterwards
				f := leadcrm.fit_condition(lead, suspect.attribute, 'is_set', NULL, 'l');
				EXECUTE format('SELECT count(*), count(*) FILTER (WHERE %s) FROM %s l WHERE l.excluded_as IS NULL AND (l.created_at >= $2 OR $2 IS NULL)
						AND coalesce(l.stage_peak, l.stage) < $1 AND l.status_category <> ''closed''', f.condition, lead)
					INTO open_leads, open_set USING target, from_instant;
				CONTINUE WHEN open_leads >= 50 AND open_set >= open_leads * suspect.set_share / 2;
				late := late || suspect.attribute;
			END IF;
			IF suspect.attribute <> ALL (suspects) THEN
				suspects := suspects || suspect.attribute;
				evidence := evidence || suspect.evidence;
			END IF;
		END LOOP;
		EXIT WHEN named OR late = '{}' OR late @> attributes;
		attributes := ARRAY(SELECT u.a FROM unnest(attributes) WITH ORDINALITY u (a, n) WHERE u.a <> ALL (late) ORDER BY u.n);
	END LOOP;
	IF suspects <> '{}' THEN
		RAISE WARNING USING
			MESSAGE = format('some attributes tell who reached %s as if they were filled in only afterwards: %s', target,
				array_to_string(ARRAY(SELECT u.a || CASE WHEN u.a <> ALL (attributes) THEN ' (left out)' ELSE '' END FROM unnest(suspects) u (a)), ', ')),
			DETAIL = array_to_string(evidence, '; ') || '.',
			HINT = 'Rules on what is known only afterwards mislead. Call learn_fit() with the attributes that are known while a lead is open.';
	END IF;
	IF least(r.reached, r.leads - r.reached) < 30 THEN
		RAISE WARNING USING
			MESSAGE = format('few leads to learn from: %s reached %s, %s did not', r.reached, target, r.leads - r.reached),
			HINT = 'Some hundreds of either fate give rules to rely on.';
	END IF;

	INSERT INTO @workspace@.learn_run (target, attributes, since, leads, reached, held_out, held_out_reached, scorecard, suspect)
	VALUES (target, attributes, since, r.leads, r.reached, r.held_out, r.held_out_reached, r.scorecard, suspects)
	RETURNING run_id INTO r.run_id;
	PERFORM @workspace@.suggest_rules(r.run_id, how);

	-- and one over those held out: what would the suggested rules have said?
	SELECT string_agg(format('CASE WHEN %s THEN %s ELSE 0 END', c.condition, s.points), ' + ') INTO total
	FROM @workspace@.fit_suggestion s
		CROSS JOIN LATERAL leadcrm.fit_condition(lead, s.attribute, s.operator, s.operand, '(k.l)') c
	WHERE s.run_id = r.run_id;
	EXECUTE format($query$
		WITH scored AS MATERIALIZED (
			SELECT (k.l).lead_id, k.outcome, leadcrm.predict($3, $5, k.features) AS promise, LEAST(GREATEST(%s, 0), 100) AS points, coalesce((k.l).fit, -1) AS present
			FROM (%s) k WHERE k.held_out
		), ranked AS (
			SELECT s.*, ntile(10) OVER (ORDER BY s.promise, s.lead_id) AS band,
				count(*) OVER () AS n, count(*) OVER (PARTITION BY s.points) AS alike, rank() OVER (ORDER BY s.points DESC) - 1 AS above,
				rank() OVER (ORDER BY s.points) + (count(*) OVER (PARTITION BY s.points) - 1) / 2.0 AS by_points,
				rank() OVER (ORDER BY s.promise) + (count(*) OVER (PARTITION BY s.promise) - 1) / 2.0 AS by_promise,
				rank() OVER (ORDER BY s.present) + (count(*) OVER (PARTITION BY s.present) - 1) / 2.0 AS by_present
			FROM scored s
		), calibration AS (
			INSERT INTO %s.learn_calibration (run_id, band, leads, reached, reached_pct, expected_pct, fit_from, fit_to)
			SELECT $4, d.band, count(*), count(*) FILTER (WHERE d.outcome), 100.0 * count(*) FILTER (WHERE d.outcome) / count(*), 100 * avg(d.promise),
				min(d.points), max(d.points)
			FROM ranked d GROUP BY d.band
		), sums AS (
			SELECT count(*) AS n, count(*) FILTER (WHERE d.outcome) AS yes, sum(d.by_points) FILTER (WHERE d.outcome) AS by_points,
				sum(d.by_promise) FILTER (WHERE d.outcome) AS by_promise, sum(d.by_present) FILTER (WHERE d.outcome) AS by_present,
				-- of leads of one fit, as many as there is room for
				sum(LEAST(GREATEST((ceil(d.n / 10.0) - d.above) / d.alike, 0), 1)) FILTER (WHERE d.outcome) AS top
			FROM ranked d
		)
		SELECT (u.by_points - u.yes * (u.yes + 1) / 2.0) / nullif(u.yes * (u.n - u.yes), 0),
			(u.by_promise - u.yes * (u.yes + 1) / 2.0) / nullif(u.yes * (u.n - u.yes), 0),
			(u.by_present - u.yes * (u.yes + 1) / 2.0) / nullif(u.yes * (u.n - u.yes), 0),
			u.top / ceil(u.n / 10.0) / nullif(u.yes::numeric / nullif(u.n, 0), 0)
		FROM sums u$query$, coalesce(total, '0'), query, @workspace_literal@)
		INTO r.auc, r.auc_model, r.auc_present, r.top_decile_lift USING target, from_instant, r.scorecard, r.run_id, attributes;
	UPDATE @workspace@.learn_run l
	SET auc = round(r.auc, 6), auc_model = round(r.auc_model, 6), auc_present = round(r.auc_present, 6), top_decile_lift = round(r.top_decile_lift, 4)
	WHERE l.run_id = r.run_id;
	RETURN r.run_id;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.learn_fit(leadcrm.lifecycle_stage, text[], date) IS
	'Learns from the leads whose fate is known (they reached the target, or are closed without having reached it) which attributes speak for a '
	'lead, and writes rules with points into fit_suggestion; no rule is changed until apply_suggestion(). attributes: as in fit_rule, NULL for '
	'learn_attributes(). since: only leads created since that day. Excluded leads do not count. Result: run_id of learn_run, which says how good '
	'it is on leads held out. It cannot tell cause from consequence: it warns of attributes that look as if they were filled in only when the fate '
	'was known, and leaves out those whose presence alone tells unless they were named; name only attributes that are known while a lead is '
	'open. Errors: 22023 nothing to learn from, 42703 no such attribute, 54000 more than 200 attributes';

CREATE OR REPLACE FUNCTION @workspace@.suggest_rules(run_id integer, how jsonb) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH card AS (
		SELECT r.scorecard, r.target, 100 / nullif((r.scorecard ->> 'high')::float8 - (r.scorecard ->> 'low')::float8, 0) AS scale
		FROM @workspace@.learn_run r WHERE r.run_id = suggest_rules.run_id
	), bin AS (
		SELECT b.feature, b.value, b.low, b.high, b.decimals, b.rows, b.positives, b.weight, b.n, c.scale, c.target,
			CASE WHEN b.value = '"(none)"' AND how ->> b.feature = 'is_free_email' THEN 'other' ELSE b.kind END AS kind
		FROM card c CROSS JOIN ROWS FROM (jsonb_to_recordset(c.scorecard -> 'bins') AS (feature text, kind text, value jsonb, low numeric,
			high numeric, decimals integer, rows bigint, positives bigint, weight float8))
			WITH ORDINALITY b (feature, kind, value, low, high, decimals, rows, positives, weight, n)
		WHERE c.scale IS NOT NULL
	), weight AS (
		SELECT b.feature, b.weight,
			-- what gets no rule: the rare values, which none can name, else what most leads have
			row_number() OVER (PARTITION BY b.feature ORDER BY bool_or(b.kind = 'other') DESC, sum(b.rows) DESC, min(b.n)) AS place
		FROM bin b GROUP BY b.feature, b.weight
	), pointed AS (
		SELECT b.*, bool_or(b.kind IN ('level', 'other')) OVER (PARTITION BY b.feature) AS texts,
			-- a single point is not worth a rule
			CASE WHEN abs(b.scale * (b.weight - w.weight)) >= 1.5 THEN LEAST(GREATEST(round(b.scale * (b.weight - w.weight)), -100), 100) ELSE 0 END::integer AS points
		FROM bin b JOIN weight w ON w.feature = b.feature AND w.place = 1
	), range_start AS (
		SELECT p.*, p.points IS DISTINCT FROM lag(p.points) OVER w AS starts, lead(p.low) OVER w AS next_low,
			row_number() OVER w AS place
		FROM pointed p WHERE p.kind = 'range' WINDOW w AS (PARTITION BY p.feature ORDER BY p.low)
	), range_group AS (
		SELECT s.*, count(*) FILTER (WHERE s.starts) OVER (PARTITION BY s.feature ORDER BY s.low) AS island FROM range_start s
	), rule AS (
		-- neighbouring ranges with equal points are one; each goes on to just before the next begins
		SELECT g.feature, CASE WHEN bool_or(g.place = 1) AND bool_or(g.next_low IS NULL) AND NOT bool_or(g.texts) THEN 'is_set' ELSE 'between' END AS operator,
			CASE WHEN bool_or(g.place = 1) AND bool_or(g.next_low IS NULL) THEN CASE WHEN bool_or(g.texts) THEN jsonb_build_array(min(g.low), NULL) END
				ELSE jsonb_build_array(CASE WHEN min(g.place) > 1 THEN trim_scale(min(g.low)) END,
					CASE WHEN NOT bool_or(g.next_low IS NULL) THEN trim_scale(GREATEST(max(g.high), max(g.next_low) - power(10::numeric, -max(g.decimals)))) END)
				END AS operand,
			g.points, sum(g.rows) AS rows, sum(g.positives) AS positives, min(g.n) AS n, g.target
		FROM range_group g GROUP BY g.feature, g.island, g.points, g.target
		UNION ALL
		SELECT p.feature, CASE WHEN count(*) = 1 THEN 'equals' ELSE 'one_of' END,
			CASE WHEN count(*) = 1 THEN (array_agg(p.value))[1] ELSE jsonb_agg(p.value ORDER BY p.n) END,
			p.points, sum(p.rows), sum(p.positives), min(p.n), p.target
		FROM pointed p WHERE p.kind = 'level' AND how ->> p.feature = 'value' GROUP BY p.feature, p.points, p.target
		UNION ALL
		SELECT p.feature, how ->> p.feature, CASE WHEN p.value #>> '{}' = 'false' THEN 'false'::jsonb END, p.points, p.rows, p.positives, p.n, p.target
		FROM pointed p WHERE p.kind = 'level' AND how ->> p.feature <> 'value'
		UNION ALL
		SELECT p.feature, 'is_set', 'false', p.points, p.rows, p.positives, p.n, p.target FROM pointed p WHERE p.kind = 'missing'
		UNION ALL
		SELECT NULL, 'always', NULL,
			LEAST(GREATEST(round(c.scale * ((c.scorecard ->> 'intercept')::float8 - (c.scorecard ->> 'low')::float8
				+ coalesce((SELECT sum(w.weight) FROM weight w WHERE w.place = 1), 0))), -100), 100)::integer,
			(c.scorecard ->> 'rows_used')::bigint, (c.scorecard ->> 'positives')::bigint, 0, c.target
		FROM card c WHERE c.scale IS NOT NULL
	), spread AS (
		SELECT r.*, max(abs(r.points)) OVER (PARTITION BY r.feature) AS weightiest, min(r.n) OVER (PARTITION BY r.feature) AS first
		FROM rule r WHERE r.points <> 0
	)
	INSERT INTO @workspace@.fit_suggestion (run_id, "position", attribute, operator, operand, points, label, leads, reached, reached_pct)
	SELECT suggest_rules.run_id, row_number() OVER (ORDER BY r.n <> 0, r.weightiest DESC, r.first, r.n), r.feature, r.operator, r.operand, r.points,
		format('%s%s of %s reached %s (%s %%)', CASE WHEN r.n = 0 THEN 'every lead: ' END, r.positives, r.rows, r.target, round(100.0 * r.positives / r.rows, 1)),
		r.rows, r.positives, 100.0 * r.positives / r.rows
	FROM spread r;
END;
COMMENT ON FUNCTION @workspace@.suggest_rules(integer, jsonb) IS
	'A step of learn_fit(): writes the scorecard of a run as rules whose points span 0 to 100 over the leads learned from';

CREATE OR REPLACE FUNCTION @workspace@.apply_suggestion(run_id integer DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $workspace$
DECLARE
	r record;
	added integer;
BEGIN
	PERFORM leadcrm.refuse_if_renamed(@workspace_literal@);
	SELECT * INTO r FROM @workspace@.learn_run l
	WHERE l.run_id = apply_suggestion.run_id OR apply_suggestion.run_id IS NULL ORDER BY l.run_id DESC LIMIT 1;
	IF NOT FOUND OR NOT EXISTS (SELECT FROM @workspace@.fit_suggestion s WHERE s.run_id = r.run_id) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = CASE WHEN r.run_id IS NOT NULL THEN format('run %s suggests no rules', r.run_id)
				WHEN apply_suggestion.run_id IS NOT NULL THEN format('there is no run %s of learn_fit()', apply_suggestion.run_id)
				ELSE 'learn_fit() has not run yet' END,
			HINT = 'SELECT * FROM learn_run shows the runs, fit_suggestion what they suggest.';
	END IF;
	-- two that apply at once would both count; and one statement, so that the leads are weighed once
	LOCK TABLE @workspace@.fit_rule IN SHARE ROW EXCLUSIVE MODE;
	WITH again AS (
		DELETE FROM @workspace@.fit_rule f WHERE f.learned_in = r.run_id
	), off AS (
		UPDATE @workspace@.fit_rule f SET active = false
		WHERE f.active AND f.learned_in IS DISTINCT FROM r.run_id AND (f.learned_in IS NOT NULL OR f.attribute = ANY (r.attributes))
	), applied AS (
		UPDATE @workspace@.learn_run l SET applied_at = now() WHERE l.run_id = r.run_id
	), new AS (
		INSERT INTO @workspace@.fit_rule (attribute, operator, operand, points, label, learned_in)
		SELECT s.attribute, s.operator, s.operand, s.points, s.label, s.run_id
		FROM @workspace@.fit_suggestion s WHERE s.run_id = r.run_id ORDER BY s."position"
		RETURNING 1
	)
	SELECT count(*) INTO added FROM new;
	RETURN added;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.apply_suggestion(integer) IS
	'Makes rules of fit of what a run of learn_fit() suggests; NULL: the latest run. Earlier learned rules, and active rules on attributes that the '
	'run looked at, are switched off (active = false), not deleted; rules on other attributes go on counting. How many rules were added. '
	'Error: 22023 no such run, or one that suggests none';
