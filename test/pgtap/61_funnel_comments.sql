-- What comments say of edges: it is so.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS leadcrm;
\ir include/error.sql
SELECT no_plan();
SELECT leadcrm.create_workspace();

-- stage.stuck_after
SELECT matches(col_description('crm.stage'::regclass, attnum), '8 months are 240 days, 14 months 425.25$', 'months of stuck_after') FROM pg_attribute
WHERE attrelid = 'crm.stage'::regclass AND attname = 'stuck_after';
UPDATE crm.stage SET stuck_after = '8 months' WHERE stage = 'lead';
UPDATE crm.stage SET stuck_after = '14 months' WHERE stage = 'mql';
SELECT is(now() - stuck_before, days * interval '24 hours', format('%s: %s days', stage, days))
FROM crm.funnel_scale JOIN (VALUES ('lead'::leadcrm.lifecycle_stage, 240), ('mql', 425.25)) v (name, days) ON name = stage;

-- funnel_leak_by_month: months of leads that came into the funnel
INSERT INTO crm.lead (stage, created_at) VALUES ('subscriber', '2025-11-05'), ('lead', '2026-05-05'), ('lead', '2026-07-05'), ('subscriber', '2026-10-05');
SELECT matches(obj_description('crm.funnel_leak_by_month'::regclass), 'from the first to the last one of the leads that ever came into the funnel', 'the comment');
SELECT results_eq('SELECT DISTINCT month FROM crm.funnel_leak_by_month ORDER BY 1', $$VALUES (date '2026-05-01'), ('2026-06-01'), ('2026-07-01')$$, 'off the cubes');
SELECT results_eq('SELECT DISTINCT key FROM crm.funnel_count(''month'', NULL, NULL, NULL) ORDER BY 1', $$VALUES ('2026-05-01'), ('2026-06-01'), ('2026-07-01')$$, 'and by the leads');

-- recoverable_customers
UPDATE crm.stage SET target_conversion_pct = CASE stage WHEN 'lead' THEN 50 WHEN 'sql' THEN 50 END, stuck_after = NULL;
SELECT is((SELECT recoverable_customers FROM crm.funnel_leak WHERE stage = 'mql'), 0::numeric, '0 where nobody is resolved, also without a reference');
UPDATE crm.lead SET status = 'unqualified', status_reason = 'no_budget' WHERE stage = 'lead' AND created_at < '2026-06-01';
SELECT results_eq('SELECT stage::text, recoverable_customers FROM crm.funnel_leak WHERE stage IN (''lead'', ''customer'')', $$VALUES ('lead', NULL::numeric), ('customer', NULL)$$,
	'NULL where a later stage has neither a reference nor resolved leads, and for the last stage');
UPDATE crm.stage SET target_conversion_pct = 50 WHERE stage < 'customer';
SELECT is((SELECT round(recoverable_customers, 9) FROM crm.funnel_leak WHERE stage = 'lead'), 0.0625, 'else what the reference brings');
UPDATE crm.stage SET target_conversion_pct = NULL WHERE stage = 'lead';
SELECT is((SELECT recoverable_customers FROM crm.funnel_leak WHERE stage = 'lead'), NULL, 'NULL without a reference');

-- no stage in the funnel
UPDATE crm.stage SET in_funnel = false;
SELECT is_empty('SELECT * FROM ' || f, f || ' has no rows') FROM unnest(ARRAY['crm.funnel_leak', 'crm.funnel_between(''2026-01-01'', ''2027-01-01'')', 'crm.funnel_at(now())', 'crm.what_if()']) f;
SELECT matches(obj_description(f), 'No rows where no stage is in the funnel', f || ' says so') FROM unnest(ARRAY['crm.funnel_between(date, date, leadcrm.lifecycle_stage)',
	'crm.funnel_at(timestamptz, timestamptz)', 'crm.what_if(double precision, leadcrm.lifecycle_stage, double precision, double precision)']::regprocedure[]) f;
SELECT throws_ok('SELECT * FROM crm.leak_change(''[2026-01-01,2026-02-01)'', ''[2026-02-01,2026-03-01)'')', '55000', 'no stage is in the funnel', 'leak_change needs one');
SELECT throws_ok('SELECT * FROM crm.conversion_curve(''mql'')', '22023', 'stage "mql" has no next stage in the funnel', 'so does conversion_curve');
SELECT is(crm.what_if_answer(), 'Not known: no stage is in the funnel.', 'what_if_answer says why');

SELECT * FROM finish();
ROLLBACK;
