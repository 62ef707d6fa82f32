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
