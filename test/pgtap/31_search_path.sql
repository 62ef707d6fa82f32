-- Nobody's operators or functions run in ours: every operator and function of pg_catalog that can be has a namesake, in a schema that comes
-- first in the caller's search_path, that raises an error.
BEGIN;
CREATE EXTENSION pgtap;
CREATE EXTENSION leadcrm;
SELECT leadcrm.create_workspace('crm');
CREATE SCHEMA t;
SET client_min_messages = warning;
SET jit = off;
SELECT no_plan();
CREATE SCHEMA evil;
CREATE FUNCTION t.make_evil() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
	p record;
BEGIN
	FOR p IN SELECT f.proname, pg_get_function_identity_arguments(f.oid) AS args, format_type(f.prorettype, NULL) AS result
		FROM pg_proc f JOIN pg_type r ON r.oid = f.prorettype
		WHERE f.pronamespace = 'pg_catalog'::regnamespace AND f.prokind = 'f' AND NOT f.proretset AND r.typtype <> 'p' AND f.provariadic = 0
		AND f.proargmodes IS NULL AND NOT EXISTS (SELECT FROM unnest(f.proargtypes) a JOIN pg_type y ON y.oid = a WHERE y.typtype = 'p')
	LOOP
		EXECUTE format('CREATE FUNCTION evil.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', p.proname, p.args, p.result, format('BEGIN RAISE EXCEPTION USING MESSAGE = %L; END', 'hijacked: ' || p.proname));
	END LOOP;
	FOR p IN SELECT o.oprname, format_type(o.oprleft, NULL) AS l, format_type(o.oprright, NULL) AS r, format_type(o.oprresult, NULL) AS result
		FROM pg_operator o JOIN pg_type r ON r.oid = o.oprright JOIN pg_type y ON y.oid = o.oprresult LEFT JOIN pg_type l ON l.oid = o.oprleft
		WHERE o.oprnamespace = 'pg_catalog'::regnamespace AND r.typtype <> 'p' AND y.typtype <> 'p' AND (o.oprleft = 0 OR l.typtype <> 'p')
		UNION ALL
		-- better matches than those of any enum
		SELECT o, 'leadcrm.lifecycle_stage', 'leadcrm.lifecycle_stage', 'boolean' FROM unnest('{=,<>,<,>,<=,>=}'::text[]) o
	LOOP
		EXECUTE format('CREATE FUNCTION evil.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', 'operator ' || p.oprname, concat_ws(', ', nullif(p.l, '-'), p.r), p.result,
			format('BEGIN RAISE EXCEPTION USING MESSAGE = %L; END', format('hijacked: %s %s %s', p.l, p.oprname, p.r)));
		EXECUTE format('CREATE OPERATOR evil.%s (%s RIGHTARG = %s, FUNCTION = evil.%I)', p.oprname, 'LEFTARG = ' || nullif(p.l, '-') || ', ', p.r, 'operator ' || p.oprname);
	END LOOP;
END
$$;
-- the error of a statement under such a path
CREATE FUNCTION t.under(statement text) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
	PERFORM pg_catalog.set_config('search_path', 'evil, pg_catalog', true);
	EXECUTE statement;
	RETURN 'none';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END
$$;
INSERT INTO crm.rep (code, full_name) VALUES ('ann', 'Ann');
INSERT INTO crm.lead (full_name, stage, lead_at, mql_at, sql_at, channel, owner, email)
	SELECT 'Lead ' || i, 'sql', now() - i * interval '1 day', now() - i * interval '12 hours', now() - i * interval '8 hours', 'email', 'ann', i || '@example.com'
	FROM generate_series(1, 60) i;
INSERT INTO crm.lead (full_name, stage) SELECT 'Lead ' || i, 'lead' FROM generate_series(61, 100) i;
DO $$ BEGIN PERFORM t.make_evil(); END $$;
SELECT cmp_ok((SELECT count(*) FROM pg_proc WHERE pronamespace = 'evil'::regnamespace), '>', 2000::bigint, 'namesakes');
SELECT matches(t.under('SELECT ''lead''::leadcrm.lifecycle_stage = ''mql'''), '^hijacked', 'which are heard');

SELECT is(t.under(format('SELECT * FROM crm.%I', c.relname)), 'none', c.relname)
FROM pg_class c WHERE c.relnamespace = 'crm'::regnamespace AND c.relkind = 'v' ORDER BY c.relname;
SELECT is(t.under(s), 'none', s) FROM unnest(ARRAY[
	$$SELECT * FROM crm.funnel_between('2020-01-01', '2030-01-01')$$,
	$$SELECT * FROM crm.funnel_between('2020-01-01', '2030-01-01', 'mql')$$,
	$$SELECT * FROM crm.funnel_at('2026-01-01')$$,
	$$SELECT * FROM crm.conversion_curve('lead')$$,
	$$SELECT * FROM crm.conversion_curve('mql', '2020-01-01', '2030-01-01', 'email')$$,
	$$SELECT * FROM crm.leak_change('[2025-01-01,2025-07-01)', '[2025-07-01,2026-01-01)')$$,
	$$SELECT * FROM crm.what_if(2)$$,
	$$SELECT * FROM crm.what_if(2, 'mql', 50, 100)$$,
	$$SELECT crm.what_if_answer(4)$$,
	$$SELECT crm.funnel_report_html()$$,
	$$SELECT crm.funnel_report_html('2020-01-01', '2030-01-01')$$,
	$$SELECT * FROM crm.funnel_days('channel', NULL, NULL, NULL)$$,
	$$SELECT * FROM crm.score_explain(1, pg_catalog.now())$$,
	$$SELECT crm.rescore()$$,
	$$SELECT crm.fold()$$,
	$$SELECT crm.rebuild_cubes()$$,
	$$SELECT * FROM crm.verify_cubes()$$,
	$$SELECT * FROM leadcrm.verify('crm.lead')$$,
	$$SELECT * FROM leadcrm.tracked$$,
	$$SELECT * FROM leadcrm.workspaces$$,
	$$SELECT * FROM leadcrm.next_states('crm.lead', 'stage', 'lead')$$,
	$$INSERT INTO crm.lead (full_name, email, stage, channel) VALUES ('Bo', 'bo@example.com', 'lead', 'email')$$,
	$$INSERT INTO crm.lead (full_name, stage, lead_at, mql_at) VALUES ('Cy', 'mql', '2026-01-01', '2026-02-01')$$,
	$$UPDATE crm.lead SET stage = 'mql' WHERE lead_id OPERATOR(pg_catalog.>) 90$$,
	$$UPDATE crm.lead SET status = 'unqualified', status_reason = 'not_ready' WHERE lead_id OPERATOR(pg_catalog.=) 1$$,
	$$UPDATE crm.lead SET stage = 'opportunity' WHERE lead_id OPERATOR(pg_catalog.=) 2$$,
	$$UPDATE crm.lead SET stage = 'customer' WHERE lead_id OPERATOR(pg_catalog.=) 2$$,
	$$UPDATE crm.lead SET owner = '(none)', company = 'X', value = 5 WHERE lead_id OPERATOR(pg_catalog.=) 3$$,
	$$INSERT INTO crm.activity (lead_id, kind) VALUES (3, 'call_connected')$$,
	$$INSERT INTO crm.activity (lead_id, kind) SELECT lead_id, 'call_connected' FROM crm.lead$$,
	$$UPDATE crm.activity SET occurred_at = '2026-01-01' WHERE lead_id OPERATOR(pg_catalog.=) 3$$,
	$$DELETE FROM crm.activity WHERE lead_id OPERATOR(pg_catalog.=) 3$$,
	$$SELECT crm.rescore('20 days')$$,
	$$UPDATE crm.setting SET time_zone = 'Asia/Tbilisi'$$,
	$$UPDATE crm.stage SET target_conversion_pct = 30 WHERE stage OPERATOR(pg_catalog.=) 'lead'::pg_catalog.text::leadcrm.lifecycle_stage$$,
	$$DELETE FROM crm.lead WHERE lead_id OPERATOR(pg_catalog.=) 4$$,
	$$SELECT leadcrm.upgrade_workspace('crm')$$,
	$$SELECT leadcrm.create_workspace('other')$$]) s;
SELECT * FROM finish();
ROLLBACK;
