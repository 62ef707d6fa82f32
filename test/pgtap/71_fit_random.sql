-- Fit against a slow definition: random rules, random leads, both changed at random; after each change every lead's fit is what a
-- plain reading of the rules gives.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS leadcrm;
\ir include/error.sql
SELECT no_plan();
SELECT leadcrm.create_workspace();
ALTER TABLE crm.lead ADD COLUMN score2 numeric, ADD COLUMN vip boolean;
DELETE FROM crm.fit_rule;

-- a rule read slowly, on the lead as JSON
CREATE FUNCTION t.number(v text) RETURNS numeric LANGUAGE plpgsql AS $$
BEGIN
	RETURN nullif(v::numeric, 'NaN');
EXCEPTION WHEN OTHERS THEN
	RETURN NULL;
END
$$;
CREATE FUNCTION t.applies(l jsonb, r crm.fit_rule) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	v jsonb := CASE WHEN r.attribute LIKE 'attributes.%' THEN l -> 'attributes' #> string_to_array(substr(r.attribute, 12), '.') ELSE l -> r.attribute END;
	s text := v #>> '{}';
	e jsonb;
BEGIN
	CASE r.operator
	WHEN 'is_set' THEN RETURN (btrim(coalesce(s, ''), E' \t\n') <> '') = coalesce(r.operand::text, 'true')::boolean;
	WHEN 'is_free_email' THEN RETURN coalesce(leadcrm.is_free_email(s) = coalesce(r.operand::text, 'true')::boolean, false);
	WHEN 'matches' THEN RETURN coalesce(s ~ (r.operand #>> '{}'), false);
	WHEN 'between' THEN
		IF s IS NULL THEN
			RETURN false;
		ELSIF jsonb_typeof(coalesce(nullif(r.operand -> 0, 'null'), r.operand -> 1)) = 'number' THEN
			RETURN coalesce(t.number(s) >= coalesce((r.operand ->> 0)::numeric, t.number(s)) AND t.number(s) <= coalesce((r.operand ->> 1)::numeric, t.number(s)), false);
		END IF;
		RETURN (r.operand ->> 0 IS NULL OR s COLLATE "C" >= r.operand ->> 0) AND (r.operand ->> 1 IS NULL OR s COLLATE "C" <= r.operand ->> 1);
	ELSE
		FOR e IN SELECT x FROM jsonb_array_elements(CASE jsonb_typeof(r.operand) WHEN 'array' THEN r.operand ELSE jsonb_build_array(r.operand) END) x LOOP
			IF s = e #>> '{}' OR (jsonb_typeof(e) = 'number' AND t.number(s) = (e #>> '{}')::numeric) THEN
				RETURN true;
			END IF;
		END LOOP;
		RETURN false;
	END CASE;
END
$$;
CREATE FUNCTION t.slow_fit(l crm.lead) RETURNS integer LANGUAGE sql AS $$
	SELECT CASE WHEN count(*) > 0 THEN least(100, greatest(0, sum(CASE WHEN t.applies(to_jsonb(l), r) THEN r.points ELSE 0 END))) END::integer FROM crm.fit_rule r WHERE r.active
$$;
CREATE FUNCTION t.wrong() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('lead %s: %s, should be %s', l.lead_id, l.fit, t.slow_fit(l)) FROM crm.lead l WHERE l.fit IS DISTINCT FROM t.slow_fit(l)
	UNION ALL
	SELECT format('lead %s: %s, explained %s', l.lead_id, l.fit, sum(x.points)) FROM crm.lead l, crm.fit_explain(l.lead_id) x WHERE x.applied
	GROUP BY l.lead_id, l.fit HAVING sum(x.points) <> l.fit
	UNION ALL
	SELECT format('rule %s and lead %s', r, l.lead_id) FROM crm.lead l, crm.fit_parts(l) p JOIN crm.fit_rule r USING (fit_rule_id) WHERE p.applied <> t.applies(to_jsonb(l), r)
$$;
CREATE FUNCTION t.pick(VARIADIC v text[]) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT v[1 + floor(random() * cardinality(v))::int] $$;
CREATE FUNCTION t.word() RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT t.pick(NULL, '', ' ', 'Software', 'software', 'IT', 'x y', '5', '10', '7.5', 'a@gmail.com', 'b@firm.example', 'direktorė', 'Žalia', $q$O'Neil "\$q$, '%I')
$$;
CREATE FUNCTION t.rule(number integer) RETURNS crm.fit_rule LANGUAGE plpgsql AS $$
DECLARE
	r crm.fit_rule;
	a numeric := round((random() * 20)::numeric, (random() * 2)::int);
	b numeric := a + round((random() * 10)::numeric, (random() * 2)::int);
BEGIN
	r.attribute := t.pick('industry', 'full_name', 'email', 'country', 'company_size', 'score2', 'vip', 'attributes.k', 'attributes.n.m', 'attributes.0');
	r.points := floor(random() * 90) - 30;
	r.active := random() < 0.8;
	IF r.attribute IN ('company_size', 'score2') THEN
		IF r.attribute = 'company_size' THEN a := floor(a); b := floor(b); END IF;
		r.operator := t.pick('equals', 'one_of', 'between', 'is_set');
		r.operand := CASE r.operator WHEN 'equals' THEN to_jsonb(a) WHEN 'one_of' THEN jsonb_build_array(a, b, a)
			WHEN 'between' THEN t.pick(jsonb_build_array(a, b)::text, jsonb_build_array(NULL, b)::text, jsonb_build_array(a, NULL)::text)::jsonb
			ELSE t.pick(NULL, 'true', 'false')::jsonb END;
	ELSIF r.attribute = 'vip' THEN
		r.operator := t.pick('equals', 'is_set');
		r.operand := t.pick('true', 'false');
	ELSE
		r.operator := t.pick('equals', 'one_of', 'between', 'matches', 'is_set', 'is_free_email');
		r.operand := CASE r.operator WHEN 'equals' THEN to_jsonb(coalesce(t.word(), '')) WHEN 'one_of' THEN jsonb_build_array(coalesce(t.word(), 'q'), coalesce(t.word(), 'w'))
			WHEN 'between' THEN CASE WHEN r.attribute LIKE 'attr%' THEN jsonb_build_array(a, b) ELSE t.pick('["A", null]', '["", "x"]', '[null, "T"]')::jsonb END
			WHEN 'matches' THEN to_jsonb(t.pick('o', '^[0-9.]+$', '(?i)SOFT', 'ž|Ž', '\mx', '@')) ELSE t.pick(NULL, 'true', 'false')::jsonb END;
		IF r.attribute LIKE 'attr%' AND r.operator IN ('equals', 'one_of') AND random() < 0.5 THEN
			r.operand := CASE r.operator WHEN 'equals' THEN t.pick('5', '7.5', 'true') ELSE '[5, 10.0]' END::jsonb;
		END IF;
	END IF;
	RETURN r;
END
$$;
CREATE FUNCTION t.json() RETURNS jsonb LANGUAGE sql VOLATILE AS $$
	SELECT t.pick(NULL, '{}', '["x", 5]', '{"k": null}', jsonb_build_object('k', t.word(), 'n', jsonb_build_object('m', t.word()))::text,
		jsonb_build_object('k', round((random() * 20)::numeric, 1), 'n', jsonb_build_object('m', random() < 0.5))::text)::jsonb
$$;
CREATE FUNCTION t.play(seed float8) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM setseed(seed);
	DELETE FROM crm.lead;
	DELETE FROM crm.fit_rule;
	FOR step IN 1 .. 25 LOOP
		CASE t.pick('insert', 'insert', 'update', 'update', 'rule', 'rule', 'change', 'remove')
		WHEN 'insert' THEN
			INSERT INTO crm.lead (industry, full_name, email, country, company_size, score2, vip, attributes)
			SELECT t.word(), t.word(), t.word(), t.word(), floor(random() * 20), CASE WHEN random() < 0.8 THEN round((random() * 20)::numeric, 1) END,
				CASE WHEN random() < 0.8 THEN random() < 0.5 END, t.json()
			FROM generate_series(1, 8);
		WHEN 'update' THEN
			UPDATE crm.lead SET industry = t.word(), attributes = t.json() WHERE random() < 0.3;
			UPDATE crm.lead SET company_size = CASE WHEN random() < 0.5 THEN 5 END, vip = NOT vip, score2 = 10, email = t.word() WHERE random() < 0.3;
		WHEN 'rule' THEN
			INSERT INTO crm.fit_rule (attribute, operator, operand, points, active)
			SELECT r.attribute, r.operator, r.operand, r.points, r.active FROM generate_series(1, 1 + (random() * 3)::int) n, t.rule(n) r;
		WHEN 'change' THEN
			UPDATE crm.fit_rule SET active = NOT active, points = -points WHERE random() < 0.4;
		ELSE
			DELETE FROM crm.fit_rule WHERE random() < 0.3;
		END CASE;
		RETURN QUERY SELECT t.wrong();
	END LOOP;
END
$$;
SELECT is_empty(format('SELECT t.play(%s)', seed), format('seed %s', seed)) FROM unnest(ARRAY[0.1, 0.23, 0.37, 0.55, 0.71, 0.94]) seed;
SELECT cmp_ok(count(*), '>', 30::bigint, 'there were leads') FROM crm.lead;
SELECT cmp_ok(count(DISTINCT fit), '>', 2::bigint, 'of several fits') FROM crm.lead;
SELECT * FROM finish();
ROLLBACK;
