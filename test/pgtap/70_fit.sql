-- Fit: the rules that a newcomer finds, every operator, what is refused, a fit written by hand, what a rule's column keeps.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS leadcrm;
\ir include/error.sql
SELECT no_plan();
SELECT leadcrm.create_workspace();
SELECT is((SELECT string_agg(attribute, ' ' ORDER BY number) FROM leadcrm.fit_attributes('crm.lead')), 'external_id full_name email phone company job_title '
	'industry company_size country website attributes channel campaign_id referred_by value excluded_as email_verified_at phone_verified_at created_at',
	'what says who a lead is; a column that is added to lead has to be told from these, or be one of them');
ALTER TABLE crm.lead ALTER COLUMN lead_id RESTART WITH 1000;

-- what a newcomer finds
SELECT results_eq('SELECT attribute, operator, points FROM crm.fit_rule WHERE active ORDER BY fit_rule_id',
	$$VALUES ('industry', 'is_set', 25), ('company_size', 'between', 20), ('job_title', 'matches', 20), ('country', 'is_set', 10),
		('email', 'is_free_email', 10), ('phone_verified_at', 'is_set', 10), ('full_name', 'is_set', 5), ('email', 'is_free_email', -10),
		('excluded_as', 'equals', -40), ('job_title', 'matches', -40)$$, 'the default rules');
INSERT INTO crm.lead (lead_id, full_name, email, industry, company_size, country, job_title, phone_verified_at, excluded_as) VALUES
	(1, 'Ona', 'ona@verslas.lt', 'Software', 50, 'LT', 'Head of Sales', now(), NULL),
	(2, 'Jonas', 'jonas@gmail.com', NULL, NULL, NULL, 'Student', NULL, NULL),
	(3, 'Rasa', 'rasa@gmail.com', ' ', 10, 'LT', 'co-founder & CEO', NULL, NULL),
	(4, NULL, 'no address', 'Retail', 1001, '', 'headhunter', NULL, NULL),
	(5, 'Rex', 'rex@rival.com', 'Software', 1000, 'LT', 'CTO', now(), 'competitor'),
	(6, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
SELECT results_eq('SELECT fit FROM crm.lead ORDER BY lead_id', ARRAY[100, 0, 45, 25, 60, 0], 'the default fits');
SELECT results_eq('SELECT bool_or(fit_by_hand) FROM crm.lead', ARRAY[false], 'none by hand');
UPDATE crm.lead SET excluded_as = NULL WHERE lead_id = 5;
SELECT is((SELECT fit FROM crm.lead WHERE lead_id = 5), 100, 'it follows when the lead changes');
UPDATE crm.reason SET outcome = 'exclude', exclude_as = 'competitor' WHERE code = 'not_target';
UPDATE crm.lead SET status = 'unqualified', status_reason = 'not_target' WHERE lead_id = 5;
SELECT is((SELECT fit FROM crm.lead WHERE lead_id = 5), 60, 'also by what a trigger before it sets');

-- the sum of what fit_explain() lists is the fit
CREATE FUNCTION t.explained() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('lead %s: fit %s, explained %s', l.lead_id, l.fit, sum(e.points) FILTER (WHERE e.applied))
	FROM crm.lead l LEFT JOIN LATERAL crm.fit_explain(l.lead_id) e ON true
	GROUP BY l.lead_id HAVING coalesce(sum(e.points) FILTER (WHERE e.applied), 0) IS DISTINCT FROM coalesce(l.fit, 0)
$$;
SELECT is_empty('SELECT t.explained()', 'explained');
SELECT results_eq('SELECT fit_rule_id, attribute, points, label FROM crm.fit_explain(2) WHERE applied',
	$$VALUES (7, 'full_name', 5, 'Named person'), (8, 'email', -10, 'Free e-mail address'), (10, 'job_title', -40, 'Student'),
		(NULL, NULL, 45, 'fit lies between 0 and 100')$$, 'with what was added because no fit is below 0');
SELECT is((SELECT count(*) FROM crm.fit_explain(2)), 11::bigint, 'rules that do not apply are listed too');
SELECT is_empty('SELECT * FROM crm.fit_explain(4711)', 'no such lead');
SELECT is_empty('SELECT * FROM crm.fit_explain(NULL)', 'NULL');

-- rules change: one statement, all leads
SELECT is(t.error('UPDATE crm.fit_rule SET operator = ''one of'', operand = ''["Software", "Banking"]'' WHERE attribute = ''industry'''), 'none',
	'an operator in words');
SELECT results_eq('SELECT operator, fit FROM crm.fit_rule, crm.lead WHERE attribute = ''industry'' ORDER BY lead_id',
	$$VALUES ('one_of', 100), ('one_of', 0), ('one_of', 45), ('one_of', 0), ('one_of', 60), ('one_of', 0)$$, 'a changed rule');
DELETE FROM crm.fit_rule WHERE attribute = 'job_title';
SELECT results_eq('SELECT fit FROM crm.lead ORDER BY lead_id', ARRAY[80, 0, 25, 0, 40, 0], 'rules less');
UPDATE crm.fit_rule SET active = false;
SELECT results_eq('SELECT DISTINCT fit FROM crm.lead', ARRAY[NULL::integer], 'no rule active: not rated');
SELECT is_empty('SELECT * FROM crm.fit_explain(1)', 'nothing to explain');
UPDATE crm.fit_rule SET label = 'x';

TRUNCATE crm.fit_rule;

-- one expression that the planner sees
INSERT INTO crm.fit_rule (attribute, operator, operand, points) VALUES ('company_size', 'between', '[50, null]', 30), ('industry', 'equals', '"Software"', 30);
CREATE FUNCTION t.plan(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	plan text := '';
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF) ' || query LOOP
		plan := plan || line;
	END LOOP;
	RETURN plan;
END
$$;
SELECT matches(t.plan('SELECT crm.fit_of(l) FROM crm.lead l'), 'Output: LEAST\(GREATEST\(\(CASE WHEN \(company_size >= 50\)', 'it is put in place');

-- each operator, on columns and on paths
ALTER TABLE crm.lead ADD COLUMN "Own ""Score""" numeric, ADD COLUMN since date, ADD COLUMN vip boolean, ADD COLUMN extra jsonb, ADD COLUMN spot point,
	ADD COLUMN tags text[], ADD COLUMN raw json;
CREATE FUNCTION t.applies(attribute text, operator text, operand jsonb, assign text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result integer;
BEGIN
	DELETE FROM crm.fit_rule;
	INSERT INTO crm.fit_rule (attribute, operator, operand, points) VALUES (attribute, operator, operand, 7);
	EXECUTE format('UPDATE crm.lead SET industry = NULL, company_size = NULL, attributes = NULL, phone_verified_at = NULL, extra = NULL, tags = NULL, spot = NULL, '
		'raw = NULL, vip = NULL, since = NULL, email = NULL WHERE lead_id = 6; UPDATE crm.lead SET %s WHERE lead_id = 6', assign);
	SELECT fit INTO result FROM crm.lead WHERE lead_id = 6;
	RETURN result;
END
$$;
CREATE TABLE t.case (n serial, attribute text, operator text, operand jsonb, assign text, fit integer);
INSERT INTO t.case (attribute, operator, operand, assign, fit) VALUES
	('industry', 'equals', '"IT"', $$industry = 'IT'$$, 7), ('industry', 'equals', '"IT"', $$industry = 'it'$$, 0),
	('industry', 'equals', '"IT"', 'industry = NULL', 0), ('industry', 'equals', '"it''s \"\\ $1 %I"', $$industry = 'it''s "\ $1 %I'$$, 7),
	('industry', 'one_of', '["A", "B"]', $$industry = 'B'$$, 7), ('industry', 'one_of', '["A", "B"]', $$industry = 'C'$$, 0),
	('industry', 'one_of', '"A"', $$industry = 'A'$$, 7), ('industry', 'between', '["b", "d"]', $$industry = 'c'$$, 7),
	('industry', 'matches', '"^\\d+$"', $$industry = '42'$$, 7), ('industry', 'matches', '"^\\d+$"', $$industry = '4x'$$, 0),
	('industry', 'matches', '"b"', $$industry = 'abc'$$, 7), ('industry', 'matches', '"B"', $$industry = 'abc'$$, 0),
	('industry', 'is_set', NULL, $$industry = '?'$$, 7), ('industry', 'is_set', NULL, $$industry = E' \t\n'$$, 0), ('industry', 'is_set', 'true', $$industry = ''$$, 0),
	('industry', 'is_set', 'false', $$industry = ''$$, 7), ('industry', 'is_set', 'false', 'industry = NULL', 7), ('industry', 'is_set', 'false', $$industry = 'x'$$, 0),
	('company_size', 'equals', '50', 'company_size = 50', 7), ('company_size', 'equals', '"50"', 'company_size = 50', 7), ('company_size', 'equals', '50', 'company_size = 51', 0),
	('company_size', 'between', '[10, 20]', 'company_size = 10', 7), ('company_size', 'between', '[10, 20]', 'company_size = 20', 7),
	('company_size', 'between', '[10, 20]', 'company_size = 21', 0), ('company_size', 'between', '[10, 20]', 'company_size = NULL', 0),
	('company_size', 'between', '[null, 20]', 'company_size = 0', 7), ('company_size', 'between', '[20, null]', 'company_size = 2147483647', 7),
	('company_size', 'one_of', '[1, "2"]', 'company_size = 2', 7), ('company_size', 'is_set', NULL, 'company_size = 0', 7),
	('company_size', 'is_set', 'false', 'company_size = NULL', 7),
	('Own "Score"', 'between', '[0.5, 1.5]', '"Own ""Score""" = 0.5', 7), ('Own "Score"', 'between', '[0.5, 1.5]', '"Own ""Score""" = 1.50001', 0),
	('since', 'between', '["2020-01-01", "2020-12-31"]', 'since = DATE ''2020-12-31''', 7), ('since', 'between', '["2020-01-01", null]', 'since = DATE ''2019-12-31''', 0),
	('vip', 'equals', 'true', 'vip = true', 7), ('vip', 'equals', 'true', 'vip = false', 0), ('vip', 'equals', '"no"', 'vip = false', 7),
	('phone_verified_at', 'is_set', NULL, 'phone_verified_at = now()', 7), ('phone_verified_at', 'between', '["2020-01-01", null]', 'phone_verified_at = now()', 7),
	('spot', 'is_set', NULL, 'spot = ''(1,2)''', 7), ('raw', 'is_set', NULL, 'raw = ''{}''', 7), ('raw', 'is_set', 'false', 'raw = ''{}''', 0),
	('tags', 'equals', '"{a,b}"', 'tags = ''{a,b}''', 7), ('attributes', 'is_set', NULL, 'attributes = ''{}''', 7),
	('channel', 'one_of', '["(none)"]', 'vip = true', 7),
	('email', 'is_free_email', NULL, 'email = ''x@gmail.com''', 7), ('email', 'is_free_email', 'false', 'email = ''x@gmail.com''', 0),
	('email', 'is_free_email', 'false', 'email = ''x@firma.lt''', 7), ('email', 'is_free_email', 'false', 'email = ''x''', 0), ('email', 'is_free_email', NULL, 'email = NULL', 0),
	('attributes.budget', 'between', '[100, 200]', $$attributes = '{"budget": 150}'$$, 7), ('attributes.budget', 'between', '[100, 200]', $$attributes = '{"budget": "150.5"}'$$, 7),
	('attributes.budget', 'between', '[100, 200]', $$attributes = '{"budget": "a lot"}'$$, 0), ('attributes.budget', 'between', '[100, 200]', $$attributes = '{"budget": [150]}'$$, 0),
	('attributes.budget', 'between', '[100, 200]', $$attributes = '{"budget": null}'$$, 0), ('attributes.budget', 'between', '[100, null]', $$attributes = '{"budget": 1e300}'$$, 7),
	('attributes.budget', 'equals', '5', $$attributes = '{"budget": 5.0}'$$, 7), ('attributes.budget', 'equals', '5', $$attributes = '{"budget": " 5 "}'$$, 7),
	('attributes.budget', 'one_of', '[5, 6]', $$attributes = '{"budget": 6}'$$, 7), ('attributes.budget', 'one_of', '[5, "x"]', $$attributes = '{"budget": "x"}'$$, 7),
	('attributes.vip', 'equals', 'true', $$attributes = '{"vip": true}'$$, 7), ('attributes.vip', 'equals', '"true"', $$attributes = '{"vip": true}'$$, 7),
	('attributes.vip', 'equals', 'true', $$attributes = '[true]'$$, 0), ('attributes.a.b', 'equals', '"x"', $$attributes = '{"a": {"b": "x"}}'$$, 7),
	('attributes.a.1', 'equals', '"x"', $$attributes = '{"a": ["w", "x"]}'$$, 7), ('attributes{a.b}', 'equals', '"x"', $$attributes = '{"a.b": "x"}'$$, 7),
	('attributes{"a b",c}', 'matches', '"x"', $$attributes = '{"a b": {"c": "yxy"}}'$$, 7), ('attributes.žodis', 'equals', '"ძმა"', $$attributes = '{"žodis": "ძმა"}'$$, 7),
	('attributes.it''s "', 'equals', '"x"', $$attributes = '{"it''s \"": "x"}'$$, 7), ('attributes.k', 'is_set', NULL, $$attributes = '{"k": " "}'$$, 0),
	('attributes.k', 'is_set', NULL, $$attributes = '{"k": null}'$$, 0), ('attributes.k', 'is_set', NULL, $$attributes = '{"k": false}'$$, 7), ('attributes.k', 'is_set', 'false', $$attributes = '{}'$$, 7),
	('attributes.k', 'between', '["2020-01", "2020-02"]', $$attributes = '{"k": "2020-01-15"}'$$, 7), ('attributes.mail', 'is_free_email', NULL, $$attributes = '{"mail": "a@gmx.de"}'$$, 7),
	('extra.x', 'equals', '1', $$extra = '{"x": 1}'$$, 7);
SELECT results_eq('SELECT n, t.applies(attribute, operator, operand, assign)::integer FROM t.case ORDER BY n', 'SELECT n, fit FROM t.case ORDER BY n', 'every operator');
SELECT is_empty('SELECT t.explained()', 'all explained');

-- what every lead gets
DELETE FROM crm.fit_rule;
INSERT INTO crm.fit_rule (operator, points, label) VALUES ('always', 30, 'Base');
SELECT results_eq('SELECT DISTINCT fit FROM crm.lead', ARRAY[30], 'always applies');
INSERT INTO crm.fit_rule (attribute, operator, points) VALUES ('industry', 'is_set', -7);
SELECT is_empty('SELECT t.explained()', 'and is explained');
SELECT results_eq('SELECT rule, points FROM crm.score_explain(6) WHERE part = ''fit''', $$VALUES ('always', 30::float8)$$, 'also with the score');

-- what is refused, and that nothing is stored
TRUNCATE crm.fit_rule;
CREATE FUNCTION t.rule(attribute text, operator text, operand jsonb, points integer DEFAULT 5) RETURNS text LANGUAGE sql AS $$
	SELECT t.error(format('INSERT INTO crm.fit_rule (attribute, operator, operand, points) VALUES (%L, %L, %L, %L)', attribute, operator, operand, points))
$$;
SELECT matches(t.rule('budgett', 'is_set', NULL), E'^42703: a lead has no attribute "budgett"\nDETAIL: Its attributes are: external_id, full_name, .*"?Own "Score".*\nHINT: Use one of these, or attributes.key .*\nAT: crm fit_rule attribute$', 'no such attribute');
SELECT matches(t.rule('industry; DROP TABLE crm.lead', 'is_set', NULL), '^42703: ', 'nor one that is SQL');
SELECT matches(t.rule('Industry', 'is_set', NULL), '^42703: ', 'nor one in other letters');
SELECT matches(t.rule('industry.x', 'is_set', NULL), '^42703: ', 'nor a path into a text');
SELECT matches(t.rule('attributes.', 'is_set', NULL), '^42703: ', 'nor a path without a key');
SELECT matches(t.rule('attributes.a..b', 'is_set', NULL), '^42703: ', 'nor with an empty one');
SELECT matches(t.rule('attributes{a', 'is_set', NULL), '^42703: ', 'nor one that is no array');
SELECT matches(t.rule('attributes{{a},{b}}', 'is_set', NULL), '^42703: ', 'nor one of two dimensions');
SELECT matches(t.rule('', 'is_set', NULL), '^42703: a lead has no attribute ""', 'nor an empty one');
SELECT matches(t.rule('ctid', 'is_set', NULL), '^22023: "ctid" cannot be an attribute', 'nor a system column');
SELECT is(t.rule('stage', 'equals', '"mql"'), E'22023: "stage" cannot be an attribute of a fit rule\nDETAIL: It says how far the lead came or what was done with it, '
	'or follows from other columns.\nHINT: Fit says who the lead is: use a column of its profile.\nAT: crm fit_rule attribute', 'how far it came is no fit');
SELECT matches(t.rule('fit', 'between', '[1, 2]'), '^22023: ', 'nor fit itself');
SELECT matches(t.rule('handoff_temperature', 'equals', '"hot"'), '^22023: ', 'nor what follows from fit');
SELECT matches(t.rule('email_key', 'is_set', NULL), '^22023: ', 'nor what is generated');
SELECT is(t.rule(NULL, 'is_set', NULL), E'23502: a rule of fit with the operator is_set needs an attribute\nHINT: Name a column of lead, or attributes.key; only always needs none.\n'
	'AT: crm fit_rule attribute', 'no attribute');
SELECT is(t.rule('industry', 'always', NULL), E'22023: a rule that always applies has no attribute\nDETAIL: This one names "industry".\nHINT: Leave the attribute NULL, or use is_set.\n'
	'AT: crm fit_rule attribute', 'an attribute where none is needed');
SELECT matches(t.rule(NULL, 'always', 'true'), '^22023: true is no operand of always', 'an operand likewise');
SELECT matches(t.rule('since', 'between', '["2020-01-01", "now"]'), E'^22023: "now" is no operand for "since"\nDETAIL: It would mean another time each day', 'what moves with the clock');
SELECT matches(t.rule('since', 'equals', '" ToDay "'), '^22023: .*It would mean another time', 'likewise');
SELECT matches(t.rule('industry', 'equals', '"now"'), '^none', 'a text may say what it likes');
DELETE FROM crm.fit_rule;
SELECT matches(t.rule('industry', 'matches', '"(.*)(.*)\\1"'), '^22023: the regular expression for "industry" could take too long.*refers back to what a part of it has matched', 'a back reference');
SELECT matches(t.rule('industry', 'matches', to_jsonb(repeat('a', 4001))), '^22023: .*It has 4001 characters; 4000 are allowed', 'a pattern as long as a book');
SELECT matches(t.rule('industry', 'matches', '"((a{1,250}){1,250}){1,250}"'), '^2201B: ', 'a pattern that explodes');
SELECT is(t.rule('industry', 'matches', '"C:\\\\1"'), 'none', 'a backslash is no back reference');
DELETE FROM crm.fit_rule;
SELECT matches(t.rule('industry', NULL, NULL), '^23502: ', 'no operator');
SELECT matches(t.rule('industry', 'likes', '"x"'), '^23514: .*fit_rule_operator_is_known', 'no such operator');
SELECT matches(t.rule('industry', 'is_set', NULL, 101), '^23514: .*fit_rule_points_are_at_most_100', 'too many points');
SELECT matches(t.rule('industry', 'is_set', NULL, NULL), '^23502: ', 'no points');
SELECT is(t.rule('company_size', 'equals', '"many"'), E'22023: "many" is no operand for "company_size"\nDETAIL: "company_size" is of type integer.\n'
	'HINT: Write a value of that type.\nAT: crm fit_rule operand', 'a text for a number');
SELECT matches(t.rule('company_size', 'equals', '99999999999'), '^22023: 99999999999 is no operand for "company_size"', 'a number too big');
SELECT matches(t.rule('company_size', 'equals', '1.5'), '^22023: 1.5 is no operand for "company_size"', 'a fraction of an employee');
SELECT is(t.rule('industry', 'between', '[1, 10]'), E'22023: 1 is no operand for "industry"\nDETAIL: "industry" is of type text.\nHINT: Write a string: "..." in JSON.\n'
	'AT: crm fit_rule operand', 'a number for a text');
SELECT matches(t.rule('industry', 'equals', NULL), '^22023: NULL is no operand of equals', 'no operand');
SELECT matches(t.rule('industry', 'equals', 'null'), '^22023: null is no operand for "industry"', 'null');
SELECT matches(t.rule('industry', 'equals', '["a"]'), E'^22023: \\["a"\\] is no operand for "industry"', 'an array');
SELECT matches(t.rule('industry', 'equals', '{"a": 1}'), '^22023: ', 'an object');
SELECT matches(t.rule('industry', 'one_of', '[]'), '^22023: \[\] is no operand of one_of', 'none of');
SELECT matches(t.rule('industry', 'one_of', '["a", null]'), '^22023: null is no operand', 'one of null');
SELECT matches(t.rule('company_size', 'between', '5'), '^22023: 5 is no operand of between', 'one bound');
SELECT matches(t.rule('company_size', 'between', '[1, 2, 3]'), '^22023: \[1, 2, 3\] is no operand of between', 'three');
SELECT matches(t.rule('company_size', 'between', '[null, null]'), '^22023: ', 'none');
SELECT is(t.rule('company_size', 'between', '[100, 10]'), E'22023: the bounds of [100, 10] are reversed\nDETAIL: 100 lies after 10.\nHINT: Write the lower one first.\n'
	'AT: crm fit_rule operand', 'reversed');
SELECT matches(t.rule('attributes.x', 'between', '[100, 10]'), '^22023: the bounds of \[100, 10\] are reversed', 'reversed, in JSON as numbers');
SELECT matches(t.rule('attributes.x', 'between', '[1, "b"]'), '^22023: .*no operand of between', 'bounds of two kinds');
SELECT matches(t.rule('since', 'between', '["2020-13-01", null]'), '^22023: "2020-13-01" is no operand for "since"', 'no date');
SELECT is(t.rule('industry', 'matches', '"(a"'), E'2201B: "(a" is no regular expression\nDETAIL: invalid regular expression: parentheses () not balanced.\n'
	'HINT: The operand of matches is a string in JSON, such as "(?i)director".\nAT: crm fit_rule operand', 'no regular expression');
SELECT matches(t.rule('industry', 'matches', '5'), '^22023: 5 is no regular expression', 'a number');
SELECT matches(t.rule('company_size', 'matches', '"5"'), '^22023: "company_size" is no text', 'on a number');
SELECT matches(t.rule('industry', 'is_set', '"x"'), '^22023: "x" is no operand of is_set', 'is_set of something');
SELECT matches(t.rule('company_size', 'is_free_email', NULL), '^22023: "company_size" holds no e-mail address', 'a free number');
SELECT matches(t.rule('spot', 'equals', '"(1,2)"'), '^22023: "spot" cannot be compared', 'a type without order');
SELECT matches(t.rule('extra', 'equals', '1'), '^22023: "extra" is no single value', 'a whole JSON');
SELECT matches(t.rule('raw', 'equals', '1'), '^22023: "raw" is no single value', 'or another');
SELECT is((SELECT count(*) FROM crm.fit_rule), 0::bigint, 'nothing stored');
SELECT is(t.rule('company_size', 'between', '[1, 2]'), 'none', 'a good one');
SELECT matches(t.error('UPDATE crm.fit_rule SET operand = ''[2, 1]'''), '^22023: ', 'cannot be made bad');

-- written by hand
TRUNCATE crm.fit_rule;
INSERT INTO crm.fit_rule (attribute, operator, operand, points) VALUES ('industry', 'equals', '"IT"', 40), ('full_name', 'is_set', NULL, 30);
DELETE FROM crm.lead;
INSERT INTO crm.lead (lead_id, full_name, fit) VALUES (1, 'a', NULL), (2, 'b', 90), (3, 'c', 30);
CREATE FUNCTION t.fits() RETURNS text LANGUAGE sql AS $$ SELECT string_agg(fit || CASE WHEN fit_by_hand THEN '!' ELSE '' END, ' ' ORDER BY lead_id) FROM crm.lead $$;
SELECT is(t.fits(), '30 90! 30', 'a lead brings its fit; where the rules say the same, nobody''s hand counts');
UPDATE crm.lead SET industry = 'IT';
SELECT is(t.fits(), '70 90! 70', 'the rules leave it alone');
UPDATE crm.lead SET fit = 12 WHERE lead_id = 1;
UPDATE crm.fit_rule SET points = 50 WHERE operator = 'equals';
SELECT is(t.fits(), '12! 90! 80', 'also when they change');
SELECT results_eq('SELECT points, label FROM crm.fit_explain(1) WHERE fit_rule_id IS NULL', $$VALUES (-68, 'written by hand')$$, 'explained');
SELECT is_empty('SELECT t.explained()', 'all of it');
UPDATE crm.lead SET fit = NULL WHERE lead_id = 1;
UPDATE crm.lead SET fit_by_hand = false WHERE lead_id = 2;
SELECT is(t.fits(), '80 80 80', 'back to the rules');
UPDATE crm.lead SET fit_by_hand = true, industry = NULL WHERE lead_id = 2;
SELECT is(t.fits(), '80 80! 80', 'held as it is');
UPDATE crm.lead SET fit_by_hand = true, fit = NULL WHERE lead_id = 2;
SELECT is(t.fits(), '80 30 80', 'NULL is nobody''s own');
-- an object-relational mapper writes back what it read, which may be old
UPDATE crm.lead SET full_name = 'x', fit = 10, fit_by_hand = false, industry = industry WHERE lead_id = 1;
SELECT is(t.fits(), '80 30 80', 'a row written back whole says nothing about fit');
UPDATE crm.lead SET fit = 10, fit_by_hand = true WHERE lead_id = 1;
UPDATE crm.lead SET fit = 11, fit_by_hand = true WHERE lead_id = 1;
SELECT is(t.fits(), '11! 30 80', 'unless it says so');
UPDATE crm.lead SET fit = 10, fit_by_hand = false WHERE lead_id = 1;
SELECT is(t.fits(), '80 30 80', 'or no longer');
SELECT matches(t.error('UPDATE crm.lead SET fit = 101 WHERE lead_id = 1'), '^23514: .*lead_fit_is_0_to_100', 'out of bounds');
SELECT is_empty('SELECT l.lead_id FROM crm.lead l WHERE NOT l.fit_by_hand AND l.fit IS DISTINCT FROM crm.fit_of(l)', 'all the others as the rules say');

-- a column that a rule uses
SELECT matches(t.error('ALTER TABLE crm.lead DROP COLUMN industry'), '^2BP01: cannot drop column industry of table crm.lead because other objects depend on it', 'stays');
ALTER TABLE crm.lead ADD COLUMN domain text;
UPDATE crm.fit_rule SET attribute = 'domain' WHERE attribute = 'industry';
SELECT matches(t.error('ALTER TABLE crm.lead DROP COLUMN domain'), '^2BP01: .*trigger ~leadcrm_weigh', 'for the rule''s sake alone');
ALTER TABLE crm.lead RENAME COLUMN domain TO branch;
SELECT matches(t.error('INSERT INTO crm.lead (lead_id, branch) VALUES (9, ''IT'')'), E'^42703: fit cannot be computed: a lead has no attribute "domain"\nDETAIL: rule [0-9]+: a lead has no attribute "domain".\n'
	'HINT: Change the attribute of the rule in crm.fit_rule, or switch it off \\(active = false\\)..*AT: crm fit_rule attribute$', 'a renamed one is missed by name');
SELECT results_eq('SELECT attribute, active, problem FROM crm.broken_fit_rules()', $$VALUES ('domain', true, 'a lead has no attribute "domain"')$$, 'and listed');
SELECT is(t.error('UPDATE crm.lead SET value = 5 WHERE lead_id = 1'), 'none', 'what has nothing to do with it goes on');
SELECT matches(t.error('UPDATE crm.fit_rule SET points = 51 WHERE attribute = ''full_name'''), '^42703: a lead has no attribute "domain"', 'also by the next change of rules');
UPDATE crm.fit_rule SET attribute = 'branch', points = 51 WHERE attribute = 'domain';
INSERT INTO crm.lead (lead_id, branch) VALUES (9, 'IT');
SELECT is((SELECT fit FROM crm.lead WHERE lead_id = 9), 51, 'until the rule is told its new name');
SELECT matches(t.error('ALTER TABLE crm.lead ALTER COLUMN branch TYPE varchar'), '^0A000: ', 'its type stays');
UPDATE crm.fit_rule SET active = false WHERE attribute = 'branch';
SELECT is(t.error('ALTER TABLE crm.lead ALTER COLUMN branch TYPE varchar'), 'none', 'without the rule it can change');
SELECT is(t.error('ALTER TABLE crm.lead DROP COLUMN branch'), 'none', 'or go');
SELECT is(t.error('INSERT INTO crm.lead (full_name) VALUES (''z'')'), 'none', 'leads go on');
DELETE FROM crm.fit_rule WHERE attribute = 'branch';
-- the table is its owner's
SELECT is(t.error('ALTER TABLE crm.lead ADD COLUMN mine text DEFAULT ''x'''), 'none', 'a column with a default');
SELECT is(t.error('ALTER TABLE crm.lead ADD COLUMN mine2 float8 DEFAULT random()'), 'none', 'with one that rewrites the table');
SELECT is(t.error('ALTER TABLE crm.lead ADD COLUMN mine3 integer GENERATED ALWAYS AS (company_size + 1) STORED'), 'none', 'a generated one');
SELECT is(t.error('ALTER TABLE crm.lead ALTER COLUMN mine TYPE varchar(5)'), 'none', 'another type');
SELECT is(t.rule('mine', 'equals', '"x"', 3), 'none', 'a rule on it');
SELECT is((SELECT fit FROM crm.lead WHERE lead_id = 9), 3, 'counts');
ALTER TABLE crm.lead ADD COLUMN city text COLLATE "C";
INSERT INTO crm.fit_rule (attribute, operator, operand, points) VALUES ('city', 'matches', '"(?i)vilnius"', 20);
SET LOCAL client_min_messages = error;
ALTER TABLE crm.lead DROP COLUMN city CASCADE;
SET LOCAL client_min_messages = warning;
SELECT matches(t.error('INSERT INTO crm.lead (full_name) VALUES (''z'')'), '^42703: fit cannot be computed: a lead has no attribute "city"', 'dropped with CASCADE: no lead is weighed in silence');
SELECT matches(t.error('SELECT leadcrm.upgrade_workspace(''crm'')'), '^42703: workspace "crm" cannot be built: a lead has no attribute "city"', 'an upgrade says why');
DELETE FROM crm.fit_rule WHERE attribute = 'city';
SELECT is(t.error('INSERT INTO crm.lead (full_name) VALUES (''z'')'), 'none', 'without its rule all is well');
-- another column of the name of one that was dropped
ALTER TABLE crm.lead ADD COLUMN floors integer;
INSERT INTO crm.fit_rule (attribute, operator, operand, points) VALUES ('floors', 'between', '[1, 5]', 20);
SET LOCAL client_min_messages = error;
ALTER TABLE crm.lead DROP COLUMN floors CASCADE;
SET LOCAL client_min_messages = warning;
ALTER TABLE crm.lead ADD COLUMN floors text;
SELECT matches(t.error('INSERT INTO crm.lead (full_name) VALUES (''z'')'), '^42883: fit cannot be computed: 1 is no operand for "floors"\nDETAIL: rule .*AT: crm fit_rule attribute$', 'of another type');
DELETE FROM crm.fit_rule WHERE attribute = 'floors';
-- a time means the same in every session
ALTER TABLE crm.lead ADD COLUMN born timestamptz;
SET LOCAL TimeZone = 'Asia/Tbilisi';
INSERT INTO crm.fit_rule (attribute, operator, operand, points) VALUES ('born', 'between', '["2020-01-01", null]', 40);
UPDATE crm.lead SET born = '2020-01-01 00:00+00' WHERE lead_id = 9;
SELECT is((SELECT fit FROM crm.lead WHERE lead_id = 9), 43, 'from midnight UTC');
SET LOCAL TimeZone = 'America/New_York';
UPDATE crm.lead SET born = '2019-12-31 23:59:59+00' WHERE lead_id = 9;
SELECT is((SELECT fit FROM crm.lead WHERE lead_id = 9), 3, 'not before, whoever asks');

SELECT * FROM finish();
ROLLBACK;
