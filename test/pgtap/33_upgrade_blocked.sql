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

SELECT * FROM finish();
ROLLBACK;
