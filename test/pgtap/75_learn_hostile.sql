-- Learning from hostile attributes: what no customer was told when he was a lead, values that are no numbers, blanks, odd names; and what
-- happens between learning and applying.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS leadcrm;
\ir include/error.sql
SET LOCAL client_min_messages = error;
SELECT no_plan();
SELECT leadcrm.create_workspace();
DELETE FROM crm.fit_rule;
CREATE TYPE t.mood AS ENUM ('low', 'high', '"odd"');
ALTER TABLE crm.lead ADD COLUMN real4 real, ADD COLUMN real8 double precision, ADD COLUMN num numeric, ADD COLUMN mood t.mood, ADD COLUMN price money,
	ADD COLUMN "ჯამი ""x"" %s" text, ADD COLUMN empty text, ADD COLUMN one text, ADD COLUMN ident text, ADD COLUMN contract_no text, ADD COLUMN closing_value numeric,
	ADD COLUMN lost_to text, ADD COLUMN seen date, ADD COLUMN code char(4);
CREATE FUNCTION t.h(i integer, salt integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT hashint4(i * 37 + salt * 1000003) & 1023 $$;
INSERT INTO crm.lead (lead_id, full_name, email, real4, real8, num, mood, price, "ჯამი ""x"" %s", one, ident, contract_no, closing_value, lost_to, seen, code, attributes,
	stage, created_at, lead_at, customer_at, status)
SELECT i, 'x', CASE i % 5 WHEN 0 THEN 'a@gmail.com' WHEN 1 THEN 'no address' WHEN 2 THEN ' ' WHEN 3 THEN 'a@firm.example' END,
	CASE WHEN good THEN (ARRAY['NaN', 'Infinity', '0.1', '3.3'])[1 + t.h(i, 1) % 4] ELSE (ARRAY['-Infinity', '0.1', '0.2'])[1 + t.h(i, 1) % 3] END::real,
	CASE WHEN good THEN (ARRAY['NaN', 'Infinity', '0.1', '3.3'])[1 + t.h(i, 2) % 4] ELSE (ARRAY['-Infinity', '0.1', '0.2'])[1 + t.h(i, 2) % 3] END::float8,
	CASE WHEN good THEN (ARRAY['NaN', 'Infinity', '0.1', '3.3'])[1 + t.h(i, 3) % 4] ELSE (ARRAY['-Infinity', '0.1', '0.2'])[1 + t.h(i, 3) % 3] END::numeric,
	CASE WHEN good AND t.h(i, 4) < 700 THEN '"odd"' WHEN t.h(i, 4) < 900 THEN 'low' END::t.mood, t.h(i, 5)::numeric::money,
	CASE WHEN good AND t.h(i, 6) < 700 THEN U&'\3000' ELSE (ARRAY['it''s', '" \ "', ' ', '$1'])[1 + t.h(i, 6) % 4] END, 'same', 'id ' || i,
	CASE WHEN won THEN 'C' || i END, CASE WHEN won OR (NOT good AND t.h(i, 7) < 300 AND NOT is_open) THEN 100 + t.h(i, 8) END, CASE WHEN NOT won AND NOT is_open AND t.h(i, 9) < 400 THEN 'rival' END,
	CASE WHEN t.h(i, 10) < 500 THEN date '2024-01-01' + i % 100 END, CASE WHEN t.h(i, 11) < 500 THEN 'A' ELSE 'B' END,
	jsonb_build_object('nested', jsonb_build_object('deep', CASE WHEN good THEN 'yes' ELSE 'no' END), 'list', CASE WHEN good THEN '[1]'::jsonb ELSE '[2]' END,
		'mixed', CASE t.h(i, 12) % 4 WHEN 0 THEN 'true' WHEN 1 THEN '"true"' WHEN 2 THEN '" 7 "' ELSE '7.0' END::jsonb, 'a"b', CASE WHEN good THEN '1' ELSE '"NaN"' END::jsonb),
	CASE WHEN won THEN 'customer' ELSE 'lead' END::leadcrm.lifecycle_stage, '2024-01-01', '2024-01-01', CASE WHEN won THEN timestamptz '2024-06-01' END,
	CASE WHEN NOT won AND NOT is_open THEN 'lost' END
FROM (SELECT i, good, NOT is_open AND t.h(i, 13) < CASE WHEN good THEN 600 ELSE 200 END AS won, is_open
	FROM (SELECT i, t.h(i, 14) < 512 AS good, t.h(i, 15) < 150 AS is_open FROM generate_series(1, 2000) i) a) b;

-- what only customers have, what customers have more of, what only the lost have
CREATE TEMP TABLE said (message text);
SELECT is(crm.learn_fit(), 1, 'learned from all that there is');
SELECT set_eq('SELECT unnest(suspect) FROM crm.learn_run', ARRAY['contract_no', 'closing_value', 'lost_to'], 'what is filled in at the end is suspected');
SELECT ok(NOT attributes && suspect, 'and left out') FROM crm.learn_run;
SELECT ok(attributes @> ARRAY['real4', 'num', 'mood', 'seen', 'code', 'empty', 'one', 'ident', 'ჯამი "x" %s', 'attributes.mixed'], 'the others are not') FROM crm.learn_run;
SELECT is(crm.learn_fit('customer', '{closing_value,mood}'), 2, 'somebody who names it');
SELECT results_eq('SELECT attributes, suspect FROM crm.learn_run WHERE run_id = 2', $$VALUES ('{closing_value,mood}'::text[], '{closing_value}'::text[])$$, 'gets it, and is warned');
SELECT ok(auc > 0.8, 'it would have looked too good: ' || auc) FROM crm.learn_run WHERE run_id = 2;
-- open leads that have it clear it of suspicion
UPDATE crm.lead SET lost_to = 'rival' WHERE status = 'new' AND lead_id % 3 > 0;
SELECT crm.learn_fit('customer', '{lost_to,closing_value}') \g /dev/null
SELECT is((SELECT suspect FROM crm.learn_run WHERE run_id = 3), '{closing_value}', 'what open leads have too is no consequence');

-- every rule can be written, counts whom it says, and nobody counts twice
SELECT crm.learn_fit('customer', ARRAY['real4', 'real8', 'num', 'mood', 'price', 'ჯამი "x" %s', 'empty', 'one', 'ident', 'seen', 'code', 'email', 'attributes.nested.deep', 'attributes.list',
	'attributes.mixed', 'attributes.a"b', 'attributes.none', 'referred_by', 'created_at']) \g /dev/null
SELECT cmp_ok(auc, '>', 0.65, 'it learns') FROM crm.learn_run WHERE run_id = 4;
SELECT set_has('SELECT DISTINCT attribute FROM crm.fit_suggestion WHERE run_id = 4 AND attribute IS NOT NULL',
	$$SELECT a FROM unnest(ARRAY['attributes.nested.deep']) a$$, 'something of it');
SELECT is_empty($$SELECT DISTINCT attribute FROM crm.fit_suggestion WHERE run_id = 4 AND attribute IN ('empty', 'one', 'ident', 'price', 'seen', 'code', 'attributes.none', 'created_at')$$, 'what tells nothing has no rules');
CREATE FUNCTION t.count_rule(r crm.fit_suggestion) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SELECT count(*) || '' '' || count(*) FILTER (WHERE l.stage = ''customer'') FROM crm.lead l WHERE excluded_as IS NULL
		AND (l.stage = ''customer'' OR status = ''lost'') AND (hashint8(lead_id) %% 10 + 10) %% 10 >= 3 AND %s',
		(leadcrm.fit_condition('crm.lead', r.attribute, r.operator, r.operand, 'l')).condition) INTO result;
	RETURN result;
END
$$;
SELECT is_empty($$SELECT s.*, t.count_rule(s) FROM crm.fit_suggestion s WHERE s.leads || ' ' || s.reached <> t.count_rule(s)$$, 'the evidence of every rule of every run');
-- each attribute by itself, so that each must have its rules
SELECT crm.learn_fit('customer', ARRAY[a]) FROM unnest(ARRAY['real4', 'real8', 'num', 'mood', 'ჯამი "x" %s', 'attributes.list', 'attributes.a"b', 'attributes.mixed', 'email']) a \g /dev/null
SELECT is_empty($$SELECT attributes FROM crm.learn_run r WHERE attributes <@ ARRAY['real4', 'real8', 'num', 'mood', 'ჯამი "x" %s', 'attributes.list', 'attributes.a"b']
	AND (auc < 0.6 OR NOT EXISTS (SELECT FROM crm.fit_suggestion s WHERE s.run_id = r.run_id AND s.attribute IS NOT NULL))$$, 'each that matters is found');
SELECT is_empty($$SELECT s.*, t.count_rule(s) FROM crm.fit_suggestion s WHERE s.leads || ' ' || s.reached <> t.count_rule(s)$$, 'the evidence of these');
CREATE FUNCTION t.twice() RETURNS TABLE (run_id integer, lead_id bigint, attribute text) LANGUAGE plpgsql AS $$
BEGIN
	FOR run_id IN SELECT r.run_id FROM crm.learn_run r WHERE EXISTS (SELECT FROM crm.fit_suggestion s WHERE s.run_id = r.run_id) LOOP
		PERFORM crm.apply_suggestion(run_id);
		RETURN QUERY SELECT twice.run_id, l.lead_id, r.attribute FROM crm.lead l, crm.fit_parts(l) p JOIN crm.fit_rule r USING (fit_rule_id)
			WHERE p.applied AND r.active AND r.learned_in = twice.run_id GROUP BY 2, 3 HAVING count(*) > 1;
	END LOOP;
END
$$;
SELECT is_empty('SELECT * FROM t.twice()', 'no value counts twice');

-- between learning and applying
SELECT crm.learn_fit('customer', '{mood,num}') AS run \gset
DELETE FROM crm.lead WHERE lead_id % 10 = 0 AND stage = 'lead';
SELECT cmp_ok(crm.apply_suggestion(:run), '>', 0, 'leads that have gone don''t matter');
UPDATE crm.fit_rule SET points = 77 WHERE learned_in = :run;
SELECT crm.apply_suggestion(:run) \g /dev/null
SELECT is_empty(format('SELECT * FROM crm.fit_rule WHERE learned_in = %s AND points = 77', :run), 'applied again it is what was suggested');
UPDATE crm.stage SET in_funnel = false WHERE stage = 'sql';
SELECT is(t.error(format('SELECT crm.apply_suggestion(%s)', :run)), 'none', 'whatever became of the stages');
UPDATE crm.fit_rule SET active = false;
ALTER TABLE crm.lead DROP COLUMN num;
SELECT matches(t.error(format('SELECT crm.apply_suggestion(%s)', :run)), '^42703: a lead has no attribute "num"', 'an attribute that has gone is named');
SELECT is_empty('SELECT 1 FROM crm.fit_rule WHERE active', 'and nothing is half done');

-- few leads
UPDATE crm.lead SET excluded_as = 'test' WHERE lead_id > 10;

SELECT matches(t.error('SELECT crm.learn_fit(''customer'', ''{mood}'')'), '^(none|22023: there is nothing to learn)', 'ten leads do no harm');
-- more attributes than can be learned from
SELECT matches(t.error(format('SELECT crm.learn_fit(''customer'', %L)', (SELECT array_agg('attributes.k' || i) FROM generate_series(1, 201) i))), '^(54000: cannot learn from more than 200|22023: there is nothing)', '201 attributes');
SELECT * FROM finish();
ROLLBACK;
