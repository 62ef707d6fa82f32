-- upgrade_workspace(): who may, what survives.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS leadcrm;
\ir include/error.sql
SELECT no_plan();
CREATE ROLE lc_keeper;
CREATE ROLE lc_helper IN ROLE lc_keeper;
CREATE ROLE lc_stranger;
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO lc_keeper, lc_stranger', current_database()); END $$;
SELECT is(t.error('SELECT leadcrm.create_workspace()', 'lc_keeper'), 'none', 'a workspace');

-- who may
SELECT is(t.error('SELECT leadcrm.upgrade_workspace(''nix'')'),
	E'3F000: there is no workspace "nix"\nHINT: SELECT * FROM leadcrm.workspaces shows the workspaces of this database.', 'none such');
SELECT is(t.error('SELECT leadcrm.upgrade_workspace(NULL)'),
	E'3F000: there is no workspace ""\nHINT: SELECT * FROM leadcrm.workspaces shows the workspaces of this database.', 'NULL');
SELECT is(t.error('SELECT leadcrm.drop_workspace(''public'')'),
	E'3F000: schema "public" is not a workspace\nHINT: SELECT * FROM leadcrm.workspaces shows the workspaces of this database.', 'no workspace');
SELECT is(t.error('SELECT leadcrm.upgrade_workspace(''crm'')', 'lc_stranger'),
	E'42501: must be owner of workspace "crm"\nDETAIL: It belongs to lc_keeper; what is made in it belongs to who makes it.\n'
	'HINT: SET ROLE lc_keeper first.', 'another role');
SELECT matches(t.error('SELECT leadcrm.upgrade_workspace(''crm'')', 'lc_helper'), '^42501: ', 'a member of the owner');
SELECT matches(t.error('SELECT leadcrm.upgrade_workspace(''crm'')'), '^42501: ', 'a superuser, whose objects the owner would not own');
SELECT is(t.error('SELECT leadcrm.drop_workspace(''crm'')', 'lc_stranger'),
	E'42501: must be owner of workspace "crm"\nDETAIL: It belongs to lc_keeper.', 'another role drops nothing');
SELECT is((SELECT count(*) FROM leadcrm.workspaces), 1::bigint, 'it is still there');

-- everything that stands in the schema, with its definition, comment and rights
CREATE FUNCTION t.everything(schema name) RETURNS TABLE (what text, definition text, comment text, acl text) LANGUAGE sql AS $$
	SELECT 'table ' || c.relname, concat(c.relkind, c.relrowsecurity, ARRAY(SELECT unnest(c.reloptions) ORDER BY 1)) || coalesce(pg_get_viewdef(c.oid), pg_get_indexdef(c.oid), ''), obj_description(c.oid, 'pg_class'), c.relacl::text
	FROM pg_class c WHERE c.relnamespace = schema::regnamespace AND c.relkind IN ('r', 'v', 'S', 'i')
	UNION ALL
	SELECT 'column ' || c.relname || '.' || a.attname, concat_ws(' ', a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
		pg_get_expr(d.adbin, d.adrelid)), col_description(c.oid, a.attnum), a.attacl::text
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
	WHERE c.relnamespace = schema::regnamespace AND c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped
	UNION ALL
	SELECT 'function ' || p.oid::regprocedure, pg_get_functiondef(p.oid), obj_description(p.oid, 'pg_proc'), p.proacl::text
	FROM pg_proc p WHERE p.pronamespace = schema::regnamespace
	UNION ALL
	SELECT 'trigger ' || c.relname || ' ' || g.tgname, g.tgenabled::text || pg_get_triggerdef(g.oid), obj_description(g.oid, 'pg_trigger'), NULL
	FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid WHERE c.relnamespace = schema::regnamespace AND NOT g.tgisinternal
	UNION ALL
	SELECT 'constraint ' || conrelid::regclass || ' ' || conname, pg_get_constraintdef(oid), obj_description(oid, 'pg_constraint'), NULL
	FROM pg_constraint WHERE connamespace = schema::regnamespace
$$;
CREATE TABLE t.fresh AS SELECT * FROM t.everything('crm');

-- what a company does with its workspace
SELECT is(t.error($$
	SELECT crm.grant_access('lc_stranger', 'analyst');
	GRANT SELECT ON crm.stage TO PUBLIC;
	GRANT EXECUTE ON FUNCTION crm.fill_date_dim(date, date) TO PUBLIC;
	COMMENT ON TABLE crm.lead IS 'Мэдээлэл';
	COMMENT ON COLUMN crm.lead.phone IS 'with country code';
	COMMENT ON VIEW crm.funnel_leak IS 'ours';
	COMMENT ON COLUMN crm.funnel_leak.entered IS 'came';
	COMMENT ON FUNCTION crm.lead_derive() IS 'do not touch';
	COMMENT ON TRIGGER "~leadcrm_derive" ON crm.lead IS 'before the guards';
	COMMENT ON CONSTRAINT lead_pkey ON crm.lead IS 'the key';
	COMMENT ON INDEX crm.lead_alive_idx IS 'the living';
	COMMENT ON SCHEMA crm IS 'our CRM';
	ALTER TABLE crm.lead ADD COLUMN linkedin text;
	CREATE INDEX my_index ON crm.lead (linkedin);
	CREATE VIEW crm.my_view AS SELECT lead_id, linkedin FROM crm.lead;
	CREATE VIEW crm.my_leak AS SELECT * FROM crm.funnel_leak;
	DELETE FROM crm.lead_status WHERE code = 'low_budget';
	UPDATE crm.stage SET label = 'Сонирхогч', stuck_after = '1 day' WHERE stage = 'lead';
	DELETE FROM crm.stage_transition WHERE from_state = 'mql';
	DELETE FROM crm.date_dim WHERE day > '2030-01-01';
	INSERT INTO crm.lead (full_name, linkedin) VALUES ('Ona', 'ona');
	$$, 'lc_keeper'), 'none', 'a company makes it its own');
CREATE TABLE t.before AS SELECT * FROM t.everything('crm');
CREATE TABLE t.rows_before AS SELECT c.relname, query_to_xml(format('SELECT * FROM crm.%I x ORDER BY x::text', c.relname), true, false, '')::text AS rows
	FROM pg_class c WHERE c.relnamespace = 'crm'::regnamespace AND c.relkind = 'r';
SELECT is(t.error('SELECT leadcrm.upgrade_workspace(''crm'')', 'lc_keeper'), 'none', 'an upgrade');
SELECT is_empty($$(SELECT * FROM t.before EXCEPT SELECT * FROM t.everything('crm'))
	UNION ALL (SELECT * FROM t.everything('crm') EXCEPT SELECT * FROM t.before)$$, 'leaves definitions, comments, rights as they were');
SELECT is_empty($$SELECT relname FROM t.rows_before WHERE rows <>
	query_to_xml(format('SELECT * FROM crm.%I x ORDER BY x::text', relname), true, false, '')::text$$, 'and every row');
SELECT is_empty($$SELECT identity FROM leadcrm.workspace_objects('crm') WHERE identity LIKE 'my%'$$, 'what is the company''s stays the company''s');

-- what an older version had: a view, a function, a trigger less, another body
SELECT is(t.error($$
	DROP VIEW crm.funnel_leak_by_owner;
	DROP TRIGGER "~leadcrm_won" ON crm.lead;
	CREATE OR REPLACE FUNCTION crm.keep_rows() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
	ALTER TABLE crm.lead DISABLE TRIGGER "~leadcrm_born";
	-- history was written row by row
	DROP TRIGGER "~leadcrm_write" ON crm.lead;
	CREATE OR REPLACE TRIGGER "~leadcrm_record_stage" AFTER UPDATE ON crm.lead FOR EACH ROW WHEN (OLD.stage IS DISTINCT FROM NEW.stage)
		EXECUTE FUNCTION leadcrm.record('stage', 'lead_id', 'stage_transition', 'stage_history');
	-- then with a question for the guard
	CREATE OR REPLACE TRIGGER "~leadcrm_record_status" AFTER UPDATE ON crm.lead FOR EACH ROW
		WHEN (OLD.status IS DISTINCT FROM NEW.status AND leadcrm.is_unrecorded('status', OLD.tableoid, OLD.ctid))
		EXECUTE FUNCTION leadcrm.record('status', 'lead_id', 'lead_status_transition', 'status_history');
	-- what counting asks of leads was not in their indexes
	DROP INDEX crm.lead_alive_idx, crm.lead_kept_idx;
	CREATE INDEX lead_alive_idx ON crm.lead (stage, stage_since) WHERE status_category <> 'closed' AND stage < 'customer';
	-- deltas had columns for what they change, with comments
	ALTER TABLE crm.lead_delta ADD COLUMN cubes smallint, ADD COLUMN period date, ADD COLUMN keys text[], ADD COLUMN codes bigint[],
		ADD COLUMN leads bigint[], ADD COLUMN valued bigint[], ADD COLUMN amounts numeric[];
	COMMENT ON COLUMN crm.lead_delta.codes IS 'old'$$, 'lc_keeper'), 'none', 'an older workspace');
SELECT is(t.error('SELECT leadcrm.upgrade_workspace(''crm'')', 'lc_keeper'), 'none', 'upgraded');
SELECT is_empty($$SELECT what FROM (SELECT what, definition FROM t.fresh EXCEPT SELECT what, definition FROM t.everything('crm')) d$$,
	'has all that a new one has');
SELECT is_empty($$SELECT a FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = 'crm.funnel_leak_by_owner'::regclass AND a.grantee = 0$$, 'nothing new for PUBLIC');

-- cells left out of whom nobody knows since when they stand where they do
SET LOCAL leadcrm.enforcement = off;
SELECT is(t.error($$INSERT INTO crm.lead (full_name, stage, stage_peak) VALUES ('Nemo', 'lead', 'lead');
	SELECT crm.rebuild_cubes();
	DELETE FROM crm.lead_cube c WHERE c.kind IN (1, 2) AND c.code & (268435455::bigint << 8) >= 8388607 << 8$$, 'lc_keeper'), 'none', 'such a lead');
RESET leadcrm.enforcement;
SELECT isnt_empty('SELECT * FROM crm.verify_cubes()', 'which an older workspace did not count');
SELECT is(t.error('SELECT leadcrm.upgrade_workspace(''crm'')', 'lc_keeper'), 'none', 'upgraded');
SELECT is_empty('SELECT * FROM crm.verify_cubes()', 'counts it');

-- what an older version made and this one does not
CREATE FUNCTION t.older(made text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE OR REPLACE FUNCTION crm."~leadcrm_workspace"() RETURNS text LANGUAGE sql IMMUTABLE AS %L',
		(SELECT regexp_replace(prosrc, '(\nSELECT )', E'\n' || made || '\1') FROM pg_proc WHERE oid = 'crm."~leadcrm_workspace"()'::regprocedure));
END
$$;
SELECT is(t.error($q$
	CREATE FUNCTION crm.old_edge(edge timestamp, zone text) RETURNS timestamptz LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT edge AT TIME ZONE zone; END;
	CREATE VIEW crm.old_edges AS SELECT crm.old_edge(since, 'UTC') FROM (VALUES (timestamp '2026-01-01')) v (since);
	CREATE FUNCTION crm.hot_now(stage leadcrm.lifecycle_stage) RETURNS integer LANGUAGE sql AS 'SELECT 1';
	CREATE FUNCTION crm.funnel_rates(positions integer[], lead crm.lead) RETURNS integer LANGUAGE sql AS 'SELECT 2';
	COMMENT ON FUNCTION crm.funnel_rates(integer[], crm.lead) IS 'of another version';
	GRANT EXECUTE ON FUNCTION crm.hot_now(leadcrm.lifecycle_stage) TO lc_stranger;
	CREATE VIEW crm.my_number AS SELECT crm.hot_now('lead') AS number;
	CREATE FUNCTION crm.old_own(integer) RETURNS integer LANGUAGE sql AS 'SELECT 3'$q$, 'lc_keeper'), 'none', 'what an older version made, and the company');
SELECT t.older(E'-- view: old_edges\n-- function: old_edge(timestamp without time zone, text)\n-- function: hot_now(leadcrm.lifecycle_stage)\n'
	'-- function: funnel_rates(integer[], @workspace@.lead)');
SELECT is(t.error('SELECT leadcrm.upgrade_workspace(''crm'')', 'lc_keeper'), 'none', 'upgraded');
SELECT results_eq($$SELECT what FROM t.everything('crm') WHERE what ~ '^(table|function) (crm\.)?(old_|hot_now|funnel_rates\(integer)' ORDER BY 1$$,
	ARRAY['function crm.hot_now(leadcrm.lifecycle_stage)', 'function crm.old_own(integer)'],
	'is gone, except where something of the company''s depends on it');
SELECT results_eq('SELECT number FROM crm.my_number', ARRAY[1], 'which works');
SELECT results_eq($$SELECT kind || ' ' || identity FROM leadcrm.workspace_objects('crm') WHERE identity ~ '^(old_|hot_now|funnel_rates\(integer)'$$,
	ARRAY['function hot_now(leadcrm.lifecycle_stage)'], 'it is still known as the workspace''s');
SELECT is(t.error('DROP VIEW crm.my_number; SELECT leadcrm.upgrade_workspace(''crm'')', 'lc_keeper'), 'none', 'once nothing depends on it');
SELECT is(to_regproc('crm.hot_now'), NULL, 'it goes');
SELECT is_empty($$SELECT what FROM (SELECT what, definition FROM t.fresh EXCEPT SELECT what, definition FROM t.everything('crm')) d$$,
	'all that a new one has stays');

SELECT * FROM finish();
ROLLBACK;
