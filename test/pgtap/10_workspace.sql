-- Making a workspace: who may, what it is called, what it holds, two side by side.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS leadcrm;
\ir include/error.sql
SELECT no_plan();

-- any role with CREATE on the database, and no other
CREATE ROLE lc_maker;
CREATE ROLE lc_guest;
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO lc_maker', current_database()); END $$;
SELECT is(t.error('SELECT leadcrm.create_workspace(''crm'')', 'lc_guest'),
	format('42501: permission denied for database %s', current_database()), 'without CREATE on the database: refused');
SELECT is(t.error('SELECT leadcrm.create_workspace()', 'lc_maker'), 'none', 'with CREATE on the database: made');
SELECT results_eq('SELECT workspace, owner, is_current FROM leadcrm.workspaces',
	$$VALUES ('crm'::name, 'lc_maker'::name, true)$$, 'workspaces lists it');
SELECT is((SELECT version FROM leadcrm.workspaces),
	(SELECT extversion FROM pg_extension WHERE extname = 'leadcrm'), 'with the installed version');
SELECT is_empty($$SELECT c.oid::regclass FROM pg_class c
	WHERE c.relnamespace = 'crm'::regnamespace AND pg_get_userbyid(c.relowner) <> 'lc_maker'
	UNION ALL SELECT p.oid FROM pg_proc p
	WHERE p.pronamespace = 'crm'::regnamespace AND pg_get_userbyid(p.proowner) <> 'lc_maker'$$, 'all of it belongs to its maker');
SELECT is_empty($$SELECT d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'leadcrm'
	WHERE d.deptype = 'e' AND d.classid = 'pg_class'::regclass
		AND d.objid IN (SELECT oid FROM pg_class WHERE relnamespace = 'crm'::regnamespace OR relkind IN ('r', 'p'))$$,
	'no table is a member of the extension');
SELECT is(t.error('INSERT INTO crm.lead (full_name) VALUES (''Ona'')', 'lc_maker'), 'none', 'its maker can work in it');

-- nothing for PUBLIC, whatever default privileges say
SELECT is(t.error('SELECT * FROM crm.lead', 'lc_guest'), '42501: permission denied for schema crm', 'nobody else sees it');
ALTER DEFAULT PRIVILEGES FOR ROLE lc_maker GRANT ALL ON TABLES TO PUBLIC;
SELECT is(t.error('SELECT leadcrm.create_workspace(''open'')', 'lc_maker'), 'none', 'another, with open default privileges');
SELECT is_empty($$
	SELECT c.oid::regclass::text FROM pg_class c, aclexplode(c.relacl) a
	WHERE c.relnamespace IN ('crm'::regnamespace, 'open'::regnamespace) AND a.grantee = 0
	UNION ALL
	SELECT p.oid::regprocedure::text FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
	WHERE p.pronamespace IN ('crm'::regnamespace, 'open'::regnamespace) AND a.grantee = 0
	UNION ALL
	SELECT n.nspname FROM pg_namespace n, aclexplode(n.nspacl) a
	WHERE n.nspname IN ('crm', 'open') AND a.grantee = 0$$, 'grants nothing to PUBLIC');

-- two side by side, with rules of their own
SELECT is(t.error('DELETE FROM open.stage_transition WHERE from_state = ''lead'' AND to_state = ''mql''', 'lc_maker'), 'none',
	'a rule less in one');
SELECT is(t.error('INSERT INTO open.lead (full_name) VALUES (''Jonas'')', 'lc_maker'), 'none', 'a lead there');
SELECT matches(t.error('UPDATE open.lead SET stage = ''mql''', 'lc_maker'), '^23514: ', 'cannot do what its rules forbid');
SELECT is(t.error('UPDATE crm.lead SET stage = ''mql''', 'lc_maker'), 'none', 'the other''s lead can');
SELECT results_eq('SELECT full_name, stage::text FROM crm.lead UNION ALL SELECT full_name, stage::text FROM open.lead',
	$$VALUES ('Ona', 'mql'), ('Jonas', 'lead')$$, 'and neither sees the other''s leads');
SELECT results_eq('SELECT count(*) FROM open.stage_history', 'VALUES (1::bigint)', 'nor its history');

-- names
SELECT is(t.error('SELECT leadcrm.create_workspace(NULL)'),
	E'3F000: a workspace needs a name\nHINT: Use the name of a schema, such as crm.', 'NULL');
SELECT is(t.error('SELECT leadcrm.create_workspace('''')'),
	E'3F000: a workspace needs a name\nHINT: Use the name of a schema, such as crm.', 'empty');
SELECT is(t.error('SELECT leadcrm.create_workspace(''pg_crm'')'),
	E'42939: a workspace cannot be named "pg_crm"\n'
	'DETAIL: Names of schemas that begin with pg_ are PostgreSQL''s own.\nHINT: Choose another name.', 'pg_');
SELECT is(t.error(format('SELECT leadcrm.create_workspace(%L)', repeat('x', 60))),
	format(E'42622: the name of workspace "%s" is too long\nDETAIL: It may have 59 bytes.\nHINT: Choose a shorter name.',
		repeat('x', 60)), 'too long');
SELECT matches(t.error(format('SELECT leadcrm.create_workspace(%L)', repeat('x', 100))), '^42622: ', 'far too long: never cut');
SELECT matches(t.error(format('SELECT leadcrm.create_workspace(%L)', repeat('🐘', 30))), '^42622: ',
	'far too long in characters of four bytes');
SELECT is(t.error('SELECT leadcrm.create_workspace(''a$workspace$b'')'),
	E'3F000: a workspace cannot be named "a$workspace$b"\n'
	'DETAIL: The script that makes a workspace uses $workspace$ to quote its functions.\nHINT: Choose another name.',
	'the template''s own quotes');
SELECT is(t.error('SELECT leadcrm.create_workspace(''public'')'),
	E'42P06: schema "public" already exists\nDETAIL: It is not a workspace.\nHINT: Choose another name: a workspace makes its schema.', 'a schema that exists');
SELECT is(t.error('SELECT leadcrm.create_workspace(''crm'')'),
	E'42P06: schema "crm" already exists\nDETAIL: It is a workspace.\nHINT: Choose another name; '
	'leadcrm.upgrade_workspace() brings a workspace up to the installed version.', 'a workspace that exists');

CREATE FUNCTION t.try_name(name text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN NEXT is(t.error(format('SELECT leadcrm.create_workspace(%L)', name)), 'none', format('the name %s', name));
	RETURN NEXT is(t.error(format('INSERT INTO %I.lead (full_name, status) VALUES (''x'', ''hot'')', name)), 'none', '... takes a lead');
	RETURN NEXT is(t.error(format('UPDATE %I.lead SET stage = ''mql''', name)), 'none', '... moves it');
	RETURN NEXT is(t.error(format('UPDATE %I.lead SET status = ''unqualified'', status_reason = ''not_ready''', name)), 'none',
		'... back');
	RETURN NEXT is(t.run(format('SELECT stage || '' '' || status FROM %I.lead', name)), 'lead unqualified', '... as it should');
	RETURN NEXT ok(position(format(E'\nAT: %s lead status lead_status_fkey', name)
		IN t.error(format('UPDATE %I.lead SET status = ''nix''', name))) > 0,
		'... says its name in errors');
	RETURN NEXT is(t.error(format('SELECT * FROM %I.funnel_leak', name)), 'none', '... shows its leak');
	RETURN NEXT is(t.error(format('SELECT leadcrm.upgrade_workspace(%L)', name)), 'none', '... can be upgraded');
	RETURN NEXT is(t.error(format('SELECT leadcrm.drop_workspace(%L)', name)), 'none', '... and dropped');
END
$$;
SELECT t.try_name('My Workspace');
SELECT t.try_name('"quoted" it''s');
SELECT t.try_name('back\slash $$ $1 %I');
SELECT t.try_name('@workspace@ @workspace_literal@');
SELECT t.try_name('ლიდები хэрэглэгч لید');
SELECT t.try_name('select');
SELECT t.try_name(repeat('y', 59));

-- what a newcomer finds
SELECT results_eq($$SELECT coalesce(from_state::text, '') || '>' || to_state || CASE WHEN needs_reason THEN '*' ELSE '' END
	FROM crm.stage_transition ORDER BY from_state NULLS FIRST, to_state$$,
	ARRAY['>subscriber', '>lead', '>mql', '>sql', 'subscriber>lead', 'subscriber>mql', 'subscriber>sql', 'lead>subscriber*',
		'lead>mql', 'lead>sql', 'mql>lead*', 'mql>sql', 'sql>lead*', 'sql>mql*', 'sql>opportunity', 'opportunity>lead*',
		'opportunity>sql*', 'opportunity>customer', 'customer>evangelist', 'evangelist>customer*'], 'the default transitions');
SELECT results_eq('SELECT stage::text, position, in_funnel, stuck_after, target_conversion_pct FROM crm.stage ORDER BY 2',
	$$VALUES ('subscriber', 1, false, interval '180 days', NULL::numeric), ('lead', 2, true, '60 days', 25),
		('mql', 3, true, '5 days', 20), ('sql', 4, true, '21 days', 50), ('opportunity', 5, true, '45 days', 25),
		('customer', 6, true, NULL, NULL), ('evangelist', 7, false, NULL, NULL)$$, 'the default stages');
SELECT results_eq($$SELECT category || ': ' || string_agg(code, ' ' ORDER BY position) FROM crm.lead_status
	GROUP BY category ORDER BY min(position)$$,
	ARRAY['none: (none)', 'to_contact: new attempted_to_connect hot', 'connected: connected book_a_meeting', 'with_deal: open_deal',
		'attention: open postponed low_budget contract contract_renewal receivable', 'closed: unqualified lost'], 'the default statuses');
SELECT results_eq($$SELECT code FROM crm.lead_status WHERE demotes$$, ARRAY['unqualified'], 'unqualified demotes');
SELECT results_eq($$SELECT code || ' ' || kind || ' ' || outcome || coalesce(' ' || extract(day FROM recycle_after), '')
	FROM crm.reason ORDER BY position$$,
	ARRAY['not_target unqualified disqualify', 'not_ready returned nurture 60', 'bad_contact_data returned nurture 14',
		'no_authority returned nurture 30', 'unreachable recycled nurture 30', 'no_budget recycled postpone 90',
		'bad_timing recycled postpone 90', 'lost_competitor lost nurture 270', 'lost_price lost nurture 180',
		'no_decision lost nurture 90', 'sla_expired other none', 'data_correction other none'], 'the default reasons');
SELECT results_eq($$SELECT code FROM crm.channel WHERE code IN ('(none)', 'unknown') ORDER BY position$$,
	ARRAY['(none)', 'unknown'], '(none) and unknown are two channels');
SELECT results_eq('SELECT code FROM crm.rep', ARRAY['(none)'], 'nobody is a rep');
SELECT results_eq($$SELECT time_zone, base_currency, half_life, handoff_stage::text, revenue_basis FROM crm.setting$$,
	$$VALUES ('UTC', 'EUR', interval '30 days', 'mql', 'won_deals')$$, 'the settings');

-- the calendar
SELECT results_eq($$SELECT week_start, month, quarter, fiscal_period, fiscal_year, is_working_day FROM crm.date_dim WHERE day = '2026-11-22'$$,
	$$VALUES (DATE '2026-11-16', DATE '2026-11-01', DATE '2026-10-01', 11, 2026, false)$$, 'a Sunday in November');
SELECT is((SELECT max(day) - min(day) + 1 - count(*) FROM crm.date_dim), 0::bigint, 'the calendar has no gaps');
UPDATE crm.setting SET fiscal_year_starts = 4;
SELECT is(crm.fill_date_dim('2050-03-31', '2050-04-02'), 2::bigint, 'more days');
SELECT is(crm.fill_date_dim('2050-03-30', '2050-04-02'), 1::bigint, 'those that are there stay');
SELECT results_eq($$SELECT fiscal_period, fiscal_year FROM crm.date_dim WHERE day >= '2050-03-31' ORDER BY day$$,
	$$VALUES (12, 2049), (1, 2050)$$, 'a fiscal year that starts in April');

-- everything says what it is
SELECT is_empty($$
	SELECT c.oid::regclass::text FROM pg_class c
	WHERE c.relnamespace = 'crm'::regnamespace AND c.relkind IN ('r', 'v') AND obj_description(c.oid, 'pg_class') IS NULL
	UNION ALL
	SELECT c.oid::regclass || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
	WHERE c.relnamespace = 'crm'::regnamespace AND c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped
		AND col_description(c.oid, a.attnum) IS NULL
	UNION ALL
	SELECT p.oid::regprocedure::text FROM pg_proc p
	WHERE p.pronamespace = 'crm'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL$$, 'nothing lacks a COMMENT');

SELECT * FROM finish();
ROLLBACK;
