-- Stamps that are infinite, forced in past the guard: every view answers, and their leads count without days.
BEGIN;
CREATE EXTENSION pgtap;
CREATE EXTENSION leadcrm;
\ir include/error.sql
SELECT leadcrm.create_workspace('crm');
SELECT plan(6);
INSERT INTO crm.lead (stage, lead_at, mql_at, sql_at)
	SELECT 'sql', now() - interval '50 days', now() - interval '30 days' - i * interval '1 day', now() - interval '20 days' FROM generate_series(1, 20) i;
INSERT INTO crm.lead (stage) SELECT 'lead' FROM generate_series(1, 20);
CREATE TABLE t.id AS SELECT lead_id, row_number() OVER (ORDER BY lead_id) AS n FROM crm.lead;
SET leadcrm.enforcement = off;
UPDATE crm.lead l SET
	lead_at = CASE i.n WHEN 1 THEN 'infinity' WHEN 2 THEN '-infinity' WHEN 3 THEN '-infinity' ELSE lead_at END,
	mql_at = CASE i.n WHEN 3 THEN 'infinity' WHEN 4 THEN 'infinity' WHEN 5 THEN '-infinity' ELSE mql_at END,
	sql_at = CASE i.n WHEN 3 THEN 'infinity' WHEN 6 THEN 'infinity' ELSE sql_at END,
	stage_since = CASE i.n WHEN 7 THEN 'infinity' WHEN 8 THEN '-infinity' WHEN 21 THEN '-infinity' ELSE stage_since END,
	status_since = CASE i.n WHEN 9 THEN 'infinity' WHEN 10 THEN '-infinity' ELSE status_since END,
	owner_since = CASE i.n WHEN 11 THEN '-infinity' ELSE owner_since END
FROM t.id i WHERE i.lead_id = l.lead_id;
RESET leadcrm.enforcement;
SELECT crm.rebuild_cubes();
SELECT is((SELECT string_agg(q.what || ': ' || e.error, E'\n') FROM (
		SELECT c.relname AS what, format('DO $q$BEGIN PERFORM md5(x::text) FROM crm.%I x; END$q$', c.relname) AS query
		FROM pg_class c WHERE c.relnamespace = 'crm'::regnamespace AND c.relkind = 'v'
		UNION ALL
		SELECT f, 'DO $q$BEGIN PERFORM md5(x::text) FROM ' || f || ' x; END$q$'
		FROM unnest(ARRAY['crm.funnel_between(current_date - 100, current_date)', 'crm.funnel_between(''-infinity'', ''infinity'')',
			'crm.funnel_between(current_date - 100, current_date, ''mql'')', 'crm.funnel_at(now() - interval ''10 days'')', 'crm.conversion_curve(''lead'')',
			'crm.what_if(4, ''mql'', 50, NULL)', 'crm.leak_change(daterange(current_date - 60, current_date - 30), daterange(current_date - 30, current_date))',
			'crm.funnel_report_html()']) f
	) q CROSS JOIN LATERAL (SELECT t.error(q.query) AS error OFFSET 0) e WHERE e.error <> 'none'), NULL, 'every view and report answers');
SELECT is((SELECT count(*) FROM crm.funnel_step(NULL, NULL, NULL, NULL) s WHERE s.days_2 IS NULL AND s.mql_at IS NOT NULL), 5::bigint, 'leads without days: of which one of the two stamps is infinite');
SELECT results_eq('SELECT position, round(mean_days::numeric, 6) FROM crm.funnel_days(NULL, NULL, NULL, NULL) ORDER BY 1',
	'SELECT position, round(mean_days::numeric, 6) FROM crm.funnel_days_cubes(NULL, NULL, NULL) ORDER BY 1', 'days are those of the others, as off the cubes');
SELECT results_eq($$SELECT to_jsonb(x) FROM crm.funnel_within_plain('-infinity', 'infinity', NULL) x ORDER BY x.position$$,
	$$SELECT to_jsonb(x) FROM crm.funnel_within_cubes('-infinity', 'infinity') x ORDER BY x.position$$, 'who was here for 30 days, too');
SELECT is_empty('SELECT * FROM crm.verify_cubes()', 'the cubes know infinite stamps');
SELECT results_eq('SELECT position, entered FROM crm.funnel_leak ORDER BY 1', $$VALUES (2, 40::bigint), (3, 20), (4, 20), (5, 0), (6, 0)$$, 'and their leads count');
SELECT * FROM finish();
ROLLBACK;
