-- Fit where rules are not enforced, for whom, and in more than one workspace.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS leadcrm;
\ir include/error.sql
SELECT no_plan();
SELECT leadcrm.create_workspace();
ALTER TABLE crm.lead ALTER COLUMN lead_id RESTART WITH 1000;
INSERT INTO crm.lead (lead_id, full_name) VALUES (1, 'a');
SET LOCAL leadcrm.enforcement = off;
INSERT INTO crm.lead (lead_id, full_name, status, status_category, stage_since, fit, created_at) VALUES (2, 'b', 'new', 'to_contact', now(), 77, now());
INSERT INTO crm.fit_rule (attribute, operator, operand, points) VALUES ('full_name', 'equals', '"b"', 50), ('nix', 'is_set', NULL, 1);
SELECT results_eq('SELECT fit, fit_by_hand FROM crm.lead ORDER BY lead_id', 'VALUES (5, false), (77, false)', 'off: rows come as they are');
SELECT results_eq('SELECT points, label FROM crm.fit_explain(2) WHERE fit_rule_id IS NULL', $$VALUES (72, 'not up to date: call refit()')$$, 'and say so');
SET LOCAL leadcrm.enforcement = strict;
SELECT matches(t.error('SELECT crm.refit()'), '^42703: a lead has no attribute "nix"', 'refit() finds what cannot work');
DELETE FROM crm.fit_rule WHERE attribute = 'nix';
SELECT results_eq('SELECT fit FROM crm.lead ORDER BY lead_id', ARRAY[5, 55], 'and sets right the rest');
SELECT is(crm.refit(), 0::bigint, 'nothing to do');

-- who may
CREATE ROLE lc_admin;
CREATE ROLE lc_sales;
CREATE ROLE lc_bare;
SELECT crm.grant_access('lc_admin', 'admin'), crm.grant_access('lc_sales', 'sales');
GRANT USAGE ON SCHEMA crm TO lc_bare;
GRANT INSERT, UPDATE, SELECT ON crm.lead TO lc_bare;
SELECT is(t.error('INSERT INTO crm.lead (lead_id, full_name) VALUES (3, ''c'')', 'lc_bare'), 'none', 'who may write leads needs no other right');
SELECT is((SELECT fit FROM crm.lead WHERE lead_id = 3), 5, 'for them to be weighed');
SELECT matches(t.error('UPDATE crm.fit_rule SET points = 1', 'lc_sales'), '^42501: ', 'sales change no rules');
SELECT matches(t.error('SELECT crm.refit()', 'lc_sales'), '^42501: ', 'nor weigh anew');
SELECT is(t.run('SELECT count(*) FROM crm.fit_explain(3)', 'lc_sales'), '11', 'but may ask why');
SELECT is(t.error('UPDATE crm.fit_rule SET points = 6 WHERE attribute = ''full_name'' AND operator = ''is_set''', 'lc_admin'), 'none', 'an admin changes rules');
SELECT is((SELECT fit FROM crm.lead WHERE lead_id = 3), 6, 'which count');
SELECT matches(t.error('SELECT crm.compile_fit()', 'lc_admin'), '^42501: ', 'but compiles nothing by hand');
-- an operator of somebody's is not called in the owner's name
CREATE SCHEMA lc_evil AUTHORIZATION lc_bare;
CREATE FUNCTION lc_evil.trap(integer, integer) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
CREATE FUNCTION lc_evil.trap(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
CREATE OPERATOR lc_evil.= (LEFTARG = integer, RIGHTARG = integer, FUNCTION = lc_evil.trap);
CREATE OPERATOR lc_evil.<> (LEFTARG = integer, RIGHTARG = integer, FUNCTION = lc_evil.trap);
CREATE OPERATOR lc_evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = lc_evil.trap);
CREATE OPERATOR lc_evil.~ (LEFTARG = text, RIGHTARG = text, FUNCTION = lc_evil.trap);
CREATE FUNCTION lc_evil.add(integer, integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
CREATE OPERATOR lc_evil.+ (LEFTARG = integer, RIGHTARG = integer, FUNCTION = lc_evil.add);
CREATE OPERATOR lc_evil.>= (LEFTARG = integer, RIGHTARG = integer, FUNCTION = lc_evil.trap);
CREATE FUNCTION lc_evil.is_free_email(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
SELECT is(t.error('SET LOCAL search_path = lc_evil, pg_catalog; INSERT INTO crm.lead (full_name, fit, company_size) VALUES (''d'', 50, 20);
	UPDATE crm.lead SET email = ''x@gmail.com'', fit = 3; UPDATE crm.lead SET fit = 3, fit_by_hand = false;
	SET LOCAL search_path = public', 'lc_bare'), 'none', 'no operator of a user''s');

-- two workspaces, and one with an odd name
SELECT leadcrm.create_workspace('it''s "odd"');
INSERT INTO "it's ""odd""".lead (lead_id, full_name) VALUES (1, 'x');
UPDATE "it's ""odd""".fit_rule SET points = 33 WHERE attribute = 'full_name';
SELECT is((SELECT fit FROM "it's ""odd""".lead), 33, 'an odd name');
SELECT is((SELECT fit FROM crm.lead WHERE lead_id = 1), 0, 'the other workspace has its own rules');
SELECT is(t.error('SELECT leadcrm.upgrade_workspace(''it''''s "odd"'')'), 'none', 'upgraded');
SELECT is((SELECT fit FROM "it's ""odd""".lead), 33, 'as before');
ALTER SCHEMA "it's ""odd""" RENAME TO plain;
UPDATE plain.lead SET full_name = NULL;
SELECT is((SELECT fit FROM plain.lead), 0, 'a renamed one still weighs');
SELECT is(t.error('SELECT leadcrm.upgrade_workspace(''plain'')'), 'none', 'upgraded under its new name');
UPDATE plain.fit_rule SET operand = 'false' WHERE attribute = 'full_name';
SELECT is((SELECT fit FROM plain.lead), 33, 'its rules can change');

SELECT * FROM finish();
ROLLBACK;
