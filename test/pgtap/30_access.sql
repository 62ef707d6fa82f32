-- Who may do what: grant_access by kind of work, roles with the least rights, row security.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS leadcrm;
\ir include/error.sql
SELECT no_plan();
CREATE ROLE lc_owner;
CREATE ROLE lc_sales;
CREATE ROLE lc_marketing;
CREATE ROLE lc_analyst;
CREATE ROLE lc_admin;
CREATE ROLE lc_bare;
CREATE ROLE "lc ""Odd"" role";
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO lc_owner', current_database()); END $$;
SELECT is(t.error('SELECT leadcrm.create_workspace()', 'lc_owner'), 'none', 'a workspace');

SELECT is(t.error('SELECT crm.grant_access(''lc_sales'', ''sales'')', 'lc_owner'), 'none', 'sales');
SELECT is(t.error('SELECT crm.grant_access(''lc_marketing'', ''marketing'')', 'lc_owner'), 'none', 'marketing');
SELECT is(t.error('SELECT crm.grant_access(''lc_analyst'', ''analyst'')', 'lc_owner'), 'none', 'analyst');
SELECT is(t.error('SELECT crm.grant_access(''lc_admin'', ''admin'')', 'lc_owner'), 'none', 'admin');
SELECT is(t.error('SELECT crm.grant_access(''lc "Odd" role'', ''analyst'')', 'lc_owner'), 'none', 'a role with an odd name');
SELECT is(t.error('SELECT crm.grant_access(''lc_nobody'', ''sales'')'),
	E'42704: role "lc_nobody" does not exist\nHINT: Create it with CREATE ROLE first.', 'a role that is not there');
SELECT is(t.error('SELECT crm.grant_access(''lc_sales'', ''boss'')'),
	E'22023: there is no kind of access "boss"\nHINT: Use sales, marketing, analyst or admin.', 'a kind that is not there');
SELECT is(t.error('SELECT crm.grant_access(''lc_bare'', ''admin'')', 'lc_admin'), '42501: permission denied for function grant_access',
	'an admin cannot give access');

SELECT is(t.error('SELECT crm.grant_access(''lc_owner'', ''analyst'')', 'lc_owner'), 'none', 'who owns it is given nothing');
SELECT is(t.error($$INSERT INTO crm.lead (lead_id, channel) VALUES (900, 'email')$$, 'lc_owner'), 'none', 'and loses nothing');
SELECT is(t.error('DELETE FROM crm.lead WHERE lead_id = 900', 'lc_owner'), 'none', 'at all');

-- what each may do, table by table; r reads, a adds, w writes, d deletes
CREATE FUNCTION t.rights(who name) RETURNS TABLE (tab name, rights text) LANGUAGE sql AS $$
	SELECT c.relname, concat(CASE WHEN has_table_privilege(who, c.oid, 'SELECT') THEN 'r' END,
		CASE WHEN has_table_privilege(who, c.oid, 'INSERT') THEN 'a' END, CASE WHEN has_table_privilege(who, c.oid, 'UPDATE') THEN 'w' END,
		CASE WHEN has_table_privilege(who, c.oid, 'DELETE') THEN 'd' END,
		CASE WHEN has_table_privilege(who, c.oid, 'TRUNCATE, REFERENCES, TRIGGER') THEN '!' END)
	FROM pg_class c WHERE c.relnamespace = 'crm'::regnamespace AND c.relkind IN ('r', 'v')
$$;
SELECT results_eq('SELECT tab, rights FROM t.rights(''lc_sales'') WHERE rights <> ''r'' ORDER BY tab',
	$$VALUES ('activity'::name, 'raw'), ('customer', 'rw'), ('lead', 'raw')$$, 'sales reads all, writes leads and activities, updates customers');
SELECT results_eq('SELECT tab, rights FROM t.rights(''lc_marketing'') WHERE rights <> ''r'' ORDER BY tab',
	$$VALUES ('activity'::name, 'raw'), ('campaign', 'rawd'), ('channel', 'rawd'), ('lead', 'raw')$$,
	'marketing reads all, writes leads, activities, channels, campaigns');
SELECT is_empty('SELECT tab, rights FROM t.rights(''lc_analyst'') WHERE rights <> ''r''', 'analysts read all');
SELECT results_eq('SELECT tab, rights FROM t.rights(''lc_admin'') WHERE rights <> ''rawd'' AND tab !~ ''_view$'' AND tab IN
	(SELECT relname FROM pg_class WHERE relkind = ''r'' AND relnamespace = ''crm''::regnamespace) ORDER BY tab',
	$$VALUES ('lead_cube'::name, 'r'), ('lead_delta', 'r'), ('lead_stay', 'r'), ('owner_history', 'r'), ('stage_history', 'r'), ('status_history', 'r')$$, 'admins write all but history');
SELECT is_empty('SELECT tab, rights FROM t.rights(''lc_bare'') WHERE rights <> ''''', 'who was given nothing has nothing');

-- at work
INSERT INTO crm.rep (code, full_name, db_role) VALUES ('ona', 'Ona', 'lc_sales'), ('jonas', 'Jonas', NULL);
SELECT is(t.error('INSERT INTO crm.lead (full_name, owner) VALUES (''a'', ''ona''), (''b'', ''jonas'')', 'lc_sales'), 'none', 'sales adds leads');
SELECT is(t.error('UPDATE crm.lead SET stage = ''sql'', status = ''connected''', 'lc_sales'), 'none', 'moves them');
SELECT is(t.error('UPDATE crm.lead SET stage = ''opportunity''', 'lc_sales'), 'none', 'to an opportunity');
SELECT is(t.error('UPDATE crm.lead SET stage = ''customer''', 'lc_sales'), 'none', 'to a customer');
SELECT is((SELECT count(*) FROM crm.customer), 2::bigint, 'whose row is made, though sales may not insert it');
SELECT is(t.error('DELETE FROM crm.lead', 'lc_sales'), '42501: permission denied for table lead', 'sales does not delete');
SELECT is(t.error('INSERT INTO crm.stage_transition (to_state) VALUES (''customer'')', 'lc_marketing'),
	'42501: permission denied for table stage_transition', 'marketing does not make rules');
SELECT is(t.error('UPDATE crm.setting SET handoff_stage = ''sql''', 'lc_admin'), 'none', 'an admin does');
SELECT is(t.error('SELECT crm.fill_date_dim(''2060-01-01'', ''2060-01-02'')', 'lc_admin'), 'none', 'and fills the calendar');
SELECT is(t.error('SELECT * FROM crm.funnel_leak', 'lc_analyst'), 'none', 'an analyst sees the leak');
SELECT is(t.error('SELECT * FROM crm.funnel_between(''2020-01-01'', ''2030-01-01'')', 'lc_analyst'), 'none', 'of a period');
SELECT is(t.error(format('SELECT * FROM crm.%I LIMIT 1', v), 'lc_analyst'), 'none', format('an analyst reads %s', v))
FROM (SELECT relname AS v FROM pg_class WHERE relnamespace = 'crm'::regnamespace AND relkind = 'v') v;
SELECT is(t.error('SELECT crm.grant_access(''lc_admin'', ''analyst'')', 'lc_owner'), 'none', 'another kind of work');
SELECT is_empty('SELECT tab, rights FROM t.rights(''lc_admin'') WHERE rights <> ''r''', 'replaces the one before');

-- a role with no more than UPDATE and INSERT on some columns
GRANT USAGE ON SCHEMA crm TO lc_bare;
GRANT INSERT (full_name, stage, status), UPDATE (stage, status, status_reason) ON crm.lead TO lc_bare;
SELECT is(t.error('INSERT INTO crm.lead (full_name, stage, status) VALUES (''c'', ''sql'', ''hot'')', 'lc_bare'), 'none', 'adds');
DELETE FROM crm.customer;
DELETE FROM crm.lead WHERE full_name IN ('a', 'b');
SELECT is(t.error('UPDATE crm.lead SET stage = ''opportunity''', 'lc_bare'), 'none', 'moves');
SELECT is(t.error('UPDATE crm.lead SET stage = ''customer''', 'lc_bare'), 'none', 'wins');
SELECT results_eq('SELECT status FROM crm.lead JOIN crm.customer USING (lead_id)', ARRAY['contract'], 'and everything follows');
SELECT is(t.error('SELECT status FROM crm.lead', 'lc_bare'), '42501: permission denied for table lead', 'but it sees nothing');
SELECT matches(t.error('SELECT crm.lead_derive()', 'lc_bare'), '^42501: permission denied for function', 'nor calls anything');

-- a search path of its own brings nobody the owner's rights
CREATE SCHEMA trap AUTHORIZATION lc_bare;
GRANT USAGE ON SCHEMA trap TO PUBLIC;
SELECT is(t.error($$
	CREATE TABLE trap.caught (who name);
	GRANT ALL ON trap.caught TO PUBLIC;
	CREATE FUNCTION trap.spring(text, text) RETURNS boolean LANGUAGE plpgsql AS
		'BEGIN INSERT INTO trap.caught VALUES (current_user); RETURN $1 OPERATOR(pg_catalog.=) $2; END';
	CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.spring);
	CREATE FUNCTION trap.spring(leadcrm.lifecycle_stage, leadcrm.lifecycle_stage) RETURNS boolean LANGUAGE plpgsql AS
		'BEGIN INSERT INTO trap.caught VALUES (current_user); RETURN $1::text OPERATOR(pg_catalog.=) $2::text; END';
	CREATE OPERATOR trap.= (LEFTARG = leadcrm.lifecycle_stage, RIGHTARG = leadcrm.lifecycle_stage, FUNCTION = trap.spring);
	CREATE FUNCTION trap.spring(leadcrm.lifecycle_stage, leadcrm.lifecycle_stage, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
	CREATE FUNCTION trap.now() RETURNS timestamptz LANGUAGE plpgsql AS
		'BEGIN INSERT INTO trap.caught VALUES (current_user); RETURN pg_catalog.now(); END';
	CREATE FUNCTION trap.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS
		'BEGIN INSERT INTO trap.caught VALUES (current_user); RETURN pg_catalog.clock_timestamp(); END';
	CREATE FUNCTION trap.current_setting(text, boolean) RETURNS text LANGUAGE plpgsql AS
		'BEGIN INSERT INTO trap.caught VALUES (current_user); RETURN pg_catalog.current_setting($1, $2); END';
	$$, 'lc_bare'), 'none', 'a trap');
SELECT is(t.error($$SET LOCAL search_path = trap, pg_catalog;
	SELECT 'a'::text = 'b'::text, clock_timestamp(); SET LOCAL search_path TO DEFAULT$$, 'lc_bare'), 'none', 'that works');
SELECT is((SELECT count(*) FROM trap.caught), 2::bigint, 'for its owner');
-- types, too, are looked for in pg_temp first when a function is compiled
SELECT is(t.error($$
	CREATE FUNCTION trap.spring(timestamp with time zone) RETURNS boolean LANGUAGE plpgsql AS
		'BEGIN INSERT INTO trap.caught VALUES (current_user); RETURN true; END';
	CREATE DOMAIN pg_temp.timestamptz AS timestamp with time zone CHECK (trap.spring(VALUE));
	CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (trap.spring(now()));
	CREATE DOMAIN pg_temp.bool AS pg_catalog.bool CHECK (trap.spring(now()))$$, 'lc_bare'), 'none', 'a trap of types');
DO $$
DECLARE
	f regprocedure;
BEGIN
	FOR f IN SELECT p.oid FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'crm'::regnamespace AND p.prosecdef LOOP
		EXECUTE format('ALTER FUNCTION %s COST 101', f);
	END LOOP;
END $$;
SELECT is(t.error($$SET LOCAL search_path = trap, pg_catalog;
	INSERT INTO crm.lead (full_name, stage) VALUES ('d', 'lead'), ('e', 'mql');
	INSERT INTO crm.lead (full_name, stage, status) VALUES ('f', 'mql', 'hot');
	SET LOCAL search_path TO DEFAULT$$, 'lc_bare'), 'none', 'leads born under it');
DELETE FROM crm.customer;
DELETE FROM crm.lead WHERE full_name = 'c';
SELECT is(t.error($$SET LOCAL search_path = trap, pg_catalog;
	UPDATE crm.lead SET stage = 'sql', status = 'connected';
	UPDATE crm.lead SET status = 'unqualified', status_reason = 'no_budget';
	SET LOCAL search_path TO DEFAULT$$, 'lc_bare'), 'none', 'moved and returned under it');
SELECT is((SELECT count(*) FROM crm.lead WHERE stage = 'lead'), 3::bigint, 'all of them');
SELECT is_empty('SELECT * FROM trap.caught WHERE who = ''lc_owner''', 'catch nobody with the owner''s rights');

-- row security
SELECT is(t.error('SELECT crm.row_security(NULL)', 'lc_owner'),
	E'22004: row security is switched on or off, not NULL\nHINT: Use true or false.', 'neither on nor off');
SELECT is(t.error('SELECT crm.row_security(true)', 'lc_owner'), 'none', 'on');
INSERT INTO crm.lead (full_name, owner, stage) VALUES ('mine', 'ona', 'sql'), ('yours', 'jonas', 'sql');
SELECT is(t.run('SELECT string_agg(full_name, '','') FROM crm.lead', 'lc_sales'), 'mine', 'a rep sees the leads of its own');
SELECT is(t.run('SELECT count(*) FROM crm.stage_history', 'lc_sales'), '1', 'and their history');
SELECT is(t.error('UPDATE crm.lead SET stage = ''opportunity''', 'lc_sales'), 'none', 'a rep moves the leads');
SELECT results_eq('SELECT full_name FROM crm.lead WHERE stage = ''opportunity''', ARRAY['mine'], 'of its own');
SELECT results_eq('SELECT h.role FROM crm.stage_history h JOIN crm.lead USING (lead_id) WHERE full_name = ''mine'' AND seq = 2', ARRAY['lc_sales'], 'on record');
SELECT is(t.error('UPDATE crm.lead SET stage = ''customer''', 'lc_sales'), 'none', 'and wins them');
SELECT is(t.run('SELECT count(*) FROM crm.customer', 'lc_sales'), '1', 'a customer of its own');
SELECT is(t.error('UPDATE crm.lead SET owner = ''jonas''', 'lc_sales'), '42501: new row violates row-level security policy for table "lead"',
	'a rep does not give its leads away');
SELECT is(t.run('SELECT count(*) FROM crm.lead', 'lc_marketing'), '5', 'others see all');
SELECT is_empty('SELECT * FROM leadcrm.verify(''crm.lead'')', 'rows and histories agree');
SELECT is(t.error('SELECT crm.row_security(false)', 'lc_owner'), 'none', 'off');
SELECT is(t.run('SELECT count(*) FROM crm.lead', 'lc_sales'), '5', 'all see all again');
SELECT is(t.error('SELECT crm.row_security(false)', 'lc_sales'), '42501: permission denied for function row_security', 'a rep cannot switch it');

SELECT * FROM finish();
ROLLBACK;
