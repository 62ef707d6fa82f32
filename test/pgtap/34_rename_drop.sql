-- A workspace whose schema is renamed; drop_workspace() and what depends on a workspace.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS leadcrm;
\ir include/error.sql
SELECT no_plan();
SELECT leadcrm.create_workspace();

-- a renamed schema
INSERT INTO crm.lead (lead_id, stage) VALUES (1, 'sql');
ALTER SCHEMA crm RENAME TO "Sales CRM";
SELECT is(t.error('UPDATE "Sales CRM".lead SET full_name = ''renamed'''), 'none', 'a renamed schema can be written');
-- until it is upgraded its functions go by the old name: no other workspace may have that
SELECT is((SELECT is_current FROM leadcrm.workspaces), false, 'workspaces says that it is due');
SELECT is(t.error('SELECT leadcrm.create_workspace()'), E'55000: workspace "Sales CRM" was renamed from "crm" and not upgraded\n'
	'DETAIL: Its functions still go by its old name.\nHINT: SELECT leadcrm.upgrade_workspace(''Sales CRM'');', 'its old name is not free');
SELECT is(t.error('INSERT INTO "Sales CRM".activity (lead_id, kind) VALUES (1, ''page_view'')'), E'55000: workspace "Sales CRM" was renamed from "crm" and not upgraded\n'
	'DETAIL: Its functions still go by its old name.\nHINT: SELECT leadcrm.upgrade_workspace(''Sales CRM'');', 'activities wait for the upgrade');
SELECT is(t.error(c), E'55000: workspace "Sales CRM" was renamed from "crm" and not upgraded\n'
	'DETAIL: Its functions still go by its old name.\nHINT: SELECT leadcrm.upgrade_workspace(''Sales CRM'');', c)
FROM unnest(ARRAY['INSERT INTO "Sales CRM".lead (stage) VALUES (''mql'')', 'UPDATE "Sales CRM".lead SET stage = ''opportunity''',
	'UPDATE "Sales CRM".lead SET status = ''connected''']) c;
-- all of it either works or says what to do
SELECT is_empty($$SELECT c.relname, e.error FROM pg_class c, t.error(format('SELECT * FROM "Sales CRM".%I', c.relname)) e (error)
	WHERE c.relnamespace = '"Sales CRM"'::regnamespace AND c.relkind = 'v' AND e.error <> 'none' AND e.error NOT LIKE '55000: workspace "Sales CRM" was renamed from "crm" %'$$,
	'every view');
SELECT is_empty($$SELECT a.attname, e.error FROM pg_attribute a, t.error(format('UPDATE "Sales CRM".lead SET %I = ', a.attname) || CASE a.atttypid
		WHEN 'text'::regtype THEN quote_literal('x') WHEN 'integer'::regtype THEN '7' WHEN 'numeric'::regtype THEN '7' WHEN 'timestamptz'::regtype THEN 'now()' ELSE 'NULL' END) e (error)
	WHERE a.attrelid = '"Sales CRM".lead'::regclass AND a.attnum > 0 AND NOT a.attisdropped AND e.error ~ '^(3F|42P01)'$$, 'every column of leads');
SELECT is(t.error(c), E'55000: workspace "Sales CRM" was renamed from "crm" and not upgraded\n'
	'DETAIL: Its functions still go by its old name.\nHINT: SELECT leadcrm.upgrade_workspace(''Sales CRM'');', c)
FROM unnest(ARRAY['SELECT * FROM "Sales CRM".funnel_leak', 'SELECT * FROM "Sales CRM".funnel_reference', 'SELECT "Sales CRM".expected_pcts()',
	'SELECT * FROM "Sales CRM".funnel_between(''2026-01-01'', ''2026-02-01'')', 'SELECT * FROM "Sales CRM".funnel_at(now())',
	'SELECT * FROM "Sales CRM".conversion_curve(''lead'')', 'SELECT * FROM "Sales CRM".leak_change(''[2026-01-01,2026-02-01)'', ''[2026-02-01,2026-03-01)'')',
	'SELECT "Sales CRM".what_if_answer()', 'SELECT "Sales CRM".funnel_report_html()', 'SELECT "Sales CRM".rescore()', 'SELECT "Sales CRM".refit()',
	'SELECT * FROM "Sales CRM".broken_fit_rules()', 'SELECT "Sales CRM".learn_fit()', 'SELECT "Sales CRM".apply_suggestion()', 'SELECT "Sales CRM".rate_handoffs()',
	'SELECT "Sales CRM".grant_access(''nobody'', ''analyst'')', 'SELECT "Sales CRM".row_security(true)', 'UPDATE "Sales CRM".lead SET handed_off_at = now()',
	'UPDATE "Sales CRM".fit_rule SET points = 1', 'DELETE FROM "Sales CRM".fit_rule', 'UPDATE "Sales CRM".activity_kind SET points = 1',
	'DELETE FROM "Sales CRM".channel WHERE code = ''email''', 'UPDATE "Sales CRM".lead_status SET is_default = is_default']) c;
-- also where a schema that is none of ours has the old name now
CREATE SCHEMA crm;
SELECT matches(t.error('SELECT * FROM "Sales CRM".funnel_leak'), '^55000: workspace "Sales CRM" was renamed', 'another schema of the old name');
DROP SCHEMA crm;
SELECT is(t.error('SELECT leadcrm.upgrade_workspace(''Sales CRM'')'), 'none', 'upgraded under its new name');
SELECT is((SELECT is_current FROM leadcrm.workspaces), true, 'it is current');
SELECT is(t.error('INSERT INTO "Sales CRM".activity (lead_id, kind) VALUES (1, ''page_view'')'), 'none', 'activities are written');
SELECT is(t.error('UPDATE "Sales CRM".activity SET kind = ''price_view'''), 'none', 'and changed');
SELECT is(t.run('SELECT round(score_at) FROM "Sales CRM".lead, leadcrm.score_at(engagement)'), '10', 'and count');
SELECT is(t.error('SELECT leadcrm.create_workspace()'), 'none', 'the old name is free');
SELECT is((SELECT count(*) FROM crm.activity), 0::bigint, 'for another workspace');
SELECT is(t.error('SELECT leadcrm.drop_workspace(''crm'')'), 'none', 'which goes');
SELECT is(t.error('UPDATE "Sales CRM".lead SET stage = ''opportunity'''), 'none', 'it works');
SELECT is(t.error('UPDATE "Sales CRM".lead SET stage = ''customer'''), 'none', 'on');
SELECT results_eq('SELECT stage::text, status FROM "Sales CRM".lead JOIN "Sales CRM".customer USING (lead_id)',
	$$VALUES ('customer', 'contract')$$, 'as before');
SELECT matches(t.error('UPDATE "Sales CRM".lead SET status = ''nix'''), 'AT: Sales CRM lead', 'its errors know the new name');
SELECT is_empty('SELECT * FROM leadcrm.verify(''"Sales CRM".lead'')', 'rows and histories agree');
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = '"Sales CRM"'::regnamespace AND p.prosrc ~ '\mcrm\.'$$,
	'nothing names the old schema');
ALTER SCHEMA "Sales CRM" RENAME TO crm;
SELECT is(t.error('SELECT leadcrm.upgrade_workspace(''crm'')'), 'none', 'and back');

-- what depends on a workspace keeps it
CREATE SCHEMA o;
CREATE VIEW o.leads AS SELECT * FROM crm.lead;
CREATE TABLE o.contract (lead_id bigint REFERENCES crm.lead, customer crm.customer);
CREATE MATERIALIZED VIEW o.stages AS SELECT * FROM crm.stage;
CREATE FUNCTION o.f() RETURNS SETOF crm.lead LANGUAGE sql AS 'SELECT * FROM crm.lead';
CREATE FUNCTION o.g() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM crm.lead; END;
CREATE TABLE o.day (day date DEFAULT '2030-01-01'::date + crm.fill_date_dim('2030-01-01', '2030-01-01')::int);
SELECT is(t.error('SELECT leadcrm.drop_workspace(''crm'')'),
	E'2BP01: workspace "crm" cannot be dropped: other schemas depend on it\nDETAIL: They would fall with it: '
	'table o.contract, table o.day, function o.f(), function o.g(), view o.leads, materialized view o.stages. Nothing was dropped.\n'
	'HINT: Drop or change them first.', 'what stands outside is listed');
SELECT is((SELECT count(*) FROM crm.lead), 1::bigint, 'nothing dropped');
DROP SCHEMA o CASCADE;
SET LOCAL client_min_messages = error;
CREATE PUBLICATION lc_publication FOR TABLE crm.lead;
CREATE VIEW crm.my_view AS SELECT * FROM crm.lead;
SELECT matches(t.error('DROP EXTENSION leadcrm'), '^2BP01: cannot drop extension leadcrm because other objects depend on it', 'DROP EXTENSION is refused');
SELECT is(t.error('SELECT leadcrm.drop_workspace(''crm'')'), 'none', 'nothing outside: dropped');
SELECT hasnt_schema('crm', 'with all of it');
SELECT is_empty('SELECT * FROM leadcrm.workspaces', 'none left');
SELECT is(t.error('DROP EXTENSION leadcrm'), 'none', 'now the extension can go');

SELECT * FROM finish();
ROLLBACK;
