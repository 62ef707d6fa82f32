-- upgrade_workspace() where objects of users stand in the way: they are listed, and nothing changes.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS leadcrm;
\ir include/error.sql
SELECT no_plan();
SELECT leadcrm.create_workspace();
-- as if an earlier version had made all but two views
DO $$ BEGIN
	EXECUTE format('CREATE OR REPLACE FUNCTION crm."~leadcrm_workspace"() RETURNS text LANGUAGE sql IMMUTABLE AS %L',
		(SELECT replace(regexp_replace(prosrc, '-- view: (stuck_lead|excluded_lead)\n', '', 'g'), 'workspace 1', 'workspace 0') FROM pg_proc
			WHERE proname = '~leadcrm_workspace'));
END $$;
SELECT results_eq('SELECT version ~ ''^0'', is_current FROM leadcrm.workspaces', 'VALUES (true, false)', 'a workspace of an earlier version');
DROP VIEW crm.stuck_lead, crm.excluded_lead;
CREATE TABLE crm.stuck_lead (mine text);
CREATE VIEW crm.excluded_lead AS SELECT 'mine' AS mine;
INSERT INTO crm.stuck_lead VALUES ('mine');
SELECT is(t.error('SELECT leadcrm.upgrade_workspace(''crm'')'),
	E'42710: workspace "crm" cannot be upgraded: objects of yours have names that it needs\n'
	'DETAIL: In the way: view crm.excluded_lead, table crm.stuck_lead. Nothing was changed.\n'
	'HINT: Rename them, or move them to another schema.', 'objects of users in the way');
SELECT results_eq('SELECT mine FROM crm.stuck_lead UNION ALL SELECT mine FROM crm.excluded_lead', ARRAY['mine', 'mine'], 'stay as they were');
ALTER TABLE crm.stuck_lead RENAME TO my_stuck_lead;
ALTER VIEW crm.excluded_lead RENAME TO my_excluded_lead;
SELECT is(t.error('SELECT leadcrm.upgrade_workspace(''crm'')'), 'none', 'renamed');
SELECT is((SELECT is_current FROM leadcrm.workspaces), true, 'it is upgraded');

-- a view of ours that the company replaced
DROP VIEW crm.status_usage;
CREATE VIEW crm.status_usage AS SELECT 1 AS mine;
SELECT matches(t.error('SELECT leadcrm.upgrade_workspace(''crm'')'),
	E'^42P16: workspace "crm" cannot be built: cannot (drop|change name of) .*\nDETAIL: Nothing was changed.\n'
	'HINT: If an object of yours stands in the way, rename or move it.', 'a view of ours that was replaced by another');
SELECT results_eq('SELECT mine FROM crm.status_usage', ARRAY[1], 'stays');
DROP VIEW crm.status_usage;
SELECT is(t.error('SELECT leadcrm.upgrade_workspace(''crm'')'), 'none', 'gone');
SELECT has_view('crm'::name, 'status_usage'::name, 'ours is back');

-- a table of ours that was renamed: no empty one takes its place
ALTER TABLE crm.reason RENAME TO why;
SELECT is(t.error('SELECT leadcrm.upgrade_workspace(''crm'')'),
	E'42P01: workspace "crm" cannot be upgraded: tables of it are missing\n'
	'DETAIL: They were renamed, moved or dropped: crm.reason. Nothing was changed.\nHINT: Give them their names back.', 'a renamed table');
SELECT hasnt_table('crm'::name, 'reason'::name, 'no other is made');
ALTER TABLE crm.why RENAME TO reason;
SELECT is(t.error('SELECT leadcrm.upgrade_workspace(''crm'')'), 'none', 'and renamed back');

-- columns of ours that were dropped or renamed: which ones, and how to get them back
CREATE FUNCTION t.hint() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	PERFORM leadcrm.upgrade_workspace('crm');
	RETURN NULL;
EXCEPTION WHEN undefined_column THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN substr(hint, strpos(hint, 'ALTER'));
END
$$;
CREATE TABLE t.column_before AS SELECT "table", "column", definition, constraints::text FROM leadcrm.table_columns('crm'::regnamespace);
SELECT cmp_ok((SELECT count(*) FROM t.column_before), '>', 150::bigint, 'columns of ours');
INSERT INTO crm.lead (full_name, email, website) VALUES ('Ona', 'Ona@example.com', 'example.com');
ALTER TABLE crm.lead ADD COLUMN mine text;
ALTER TABLE crm.lead DROP COLUMN mine;
ALTER TABLE crm.lead DROP COLUMN website;
ALTER TABLE crm.reason RENAME COLUMN outcome TO what_next;
SELECT is(t.error('SELECT leadcrm.upgrade_workspace(''crm'')'),
	E'42703: workspace "crm" cannot be upgraded: columns of its tables are missing\n'
	'DETAIL: They were renamed or dropped: crm.lead.website, crm.reason.outcome. The first thing that needs one, or another obstacle: '
	'column "outcome" of relation "crm.reason" does not exist. Nothing was changed.\n'
	'HINT: Give them their names back, or make them anew: ALTER TABLE crm.lead ADD COLUMN website text; '
	'ALTER TABLE crm.reason ADD COLUMN outcome text DEFAULT ''none''::text NOT NULL;', 'a dropped column and a renamed one');
ALTER TABLE crm.reason RENAME COLUMN what_next TO outcome;
ALTER TABLE crm.lead ADD COLUMN website text;
SELECT is(t.error('SELECT leadcrm.upgrade_workspace(''crm'')'), 'none', 'put back');
SET LOCAL client_min_messages = error;
ALTER TABLE crm.lead DROP COLUMN email_key CASCADE, DROP COLUMN phone CASCADE, DROP COLUMN channel CASCADE, DROP COLUMN fit CASCADE,
	DROP COLUMN external_id CASCADE;
ALTER TABLE crm.stage DROP COLUMN position CASCADE;
DO $$ BEGIN EXECUTE t.hint(); END $$;
SELECT is(t.error('SELECT leadcrm.upgrade_workspace(''crm'')'), 'none', 'the hint is all that it takes');
SELECT results_eq('SELECT "table", "column", definition, constraints::text FROM leadcrm.table_columns(''crm''::regnamespace) ORDER BY 1, 2',
	'SELECT * FROM t.column_before ORDER BY 1, 2', 'all columns are what they were, with their constraints');
SELECT results_eq('SELECT full_name, email_key FROM crm.lead', $$VALUES ('Ona', 'ona@example.com')$$, 'leads are there');
SELECT is((SELECT count(*) FROM crm.lead_rating), 1::bigint, 'views, too');
-- of a workspace that was renamed
SELECT leadcrm.create_workspace('My "crm"');
ALTER SCHEMA "My ""crm""" RENAME TO "Our\crm";
ALTER TABLE "Our\crm".lead DROP COLUMN channel CASCADE;
SELECT matches(t.error('SELECT leadcrm.upgrade_workspace(''Our\crm'')'), 'ALTER TABLE "Our\\crm".lead ADD CONSTRAINT lead_channel_fkey FOREIGN KEY \(channel\) '
	'REFERENCES "Our\\crm".channel\(code\);', 'constraints go by the new name');
-- of a workspace whose columns were not noted
ALTER TABLE crm.lead DROP COLUMN website;
DO $$ BEGIN
	EXECUTE format('CREATE OR REPLACE FUNCTION crm."~leadcrm_workspace"() RETURNS text LANGUAGE sql IMMUTABLE AS %L',
		(SELECT regexp_replace(prosrc, '-- column: [^\n]*\n', '', 'g') FROM pg_proc WHERE oid = 'crm."~leadcrm_workspace"()'::regprocedure));
END $$;
SELECT is(t.error('SELECT leadcrm.upgrade_workspace(''crm'')'),
	E'42703: workspace "crm" cannot be built: column "website" of relation "crm.lead" does not exist\nDETAIL: Nothing was changed.\n'
	'HINT: If you renamed or dropped that column, give it its name back or make it anew.', 'of an earlier version');

-- leads that break a rule which their workspace does not have yet
SELECT leadcrm.create_workspace('it''s 100 %');
ALTER TABLE "it's 100 %".lead DROP CONSTRAINT lead_created_at_is_a_time, DROP CONSTRAINT lead_value_is_below_1e30,
	DROP CONSTRAINT lead_value_has_up_to_100_decimals;
INSERT INTO "it's 100 %".lead (lead_id, value, created_at) VALUES (1, 5, DEFAULT), (2, 1e400, DEFAULT), (3, 1e30, DEFAULT), (4, NULL, DEFAULT);
SELECT is(t.error($$SELECT leadcrm.upgrade_workspace('it''s 100 %')$$), E'23514: workspace "it\'s 100 %" cannot be built: value of lead 2 is 1'
	|| repeat('0', 59) || E'...\nDETAIL: Leads like that: 2. The rule lead_value_is_below_1e30 asks for value < 1e30.\nNothing was changed.\n'
	'HINT: Set them right first.', 'values that are too large');
UPDATE "it's 100 %".lead SET value = 0.1 + 1e-101 WHERE value > 9;
SELECT matches(t.error($$SELECT leadcrm.upgrade_workspace('it''s 100 %')$$), '^23514: .*: value of lead 2 is 0\.10{57}\.\.\.\nDETAIL: Leads like that: 2\. The rule '
	'lead_value_has_up_to_100_decimals asks for scale\(value\) <= 100\.', 'or too long');
UPDATE "it's 100 %".lead SET value = round(value, 100);
SELECT is(t.error($$SELECT leadcrm.upgrade_workspace('it''s 100 %')$$), 'none', 'set right');
SELECT is((SELECT array_agg(conname ORDER BY conname) FROM pg_constraint WHERE conrelid = '"it''s 100 %".lead'::regclass
	AND conname ~ '_is_a_time|below|decimals'), '{lead_created_at_is_a_time,lead_value_has_up_to_100_decimals,lead_value_is_below_1e30}',
	'the workspace has the rules');

SELECT * FROM finish();
ROLLBACK;
