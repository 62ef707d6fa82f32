-- The funnel's definitions on leads counted by hand: limits, references, bottlenecks, cohorts, errors.
BEGIN;
CREATE EXTENSION pgtap;
CREATE EXTENSION leadcrm;
SELECT leadcrm.create_workspace('crm');
SET TimeZone = 'UTC';
SET jit = off;
SELECT plan(53);

-- leads(N, STAGE, CHANNEL, ...): N leads that came to lead at AT and to STAGE a day later
CREATE FUNCTION leads(n int, stage leadcrm.lifecycle_stage, channel text, status text DEFAULT NULL,
	at timestamptz DEFAULT now() - interval '400 days', value numeric DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
	INSERT INTO crm.lead (channel, stage, status, value, lead_at, mql_at, sql_at, opportunity_at, customer_at)
	SELECT leads.channel, leads.stage, leads.status, leads.value, leads.at,
		CASE WHEN leads.stage >= 'mql' THEN leads.at + interval '1 day' END,
		CASE WHEN leads.stage >= 'sql' THEN leads.at + interval '2 days' END,
		CASE WHEN leads.stage >= 'opportunity' THEN leads.at + interval '3 days' END,
		CASE WHEN leads.stage >= 'customer' THEN leads.at + interval '4 days' END
	FROM generate_series(1, leads.n)
$$;
CREATE FUNCTION bottleneck() RETURNS text LANGUAGE sql AS $$SELECT string_agg(stage::text, ',') FROM crm.funnel_leak WHERE is_bottleneck$$;

-- nobody
SELECT results_eq('SELECT * FROM crm.funnel_leak', $$
	SELECT position, stage, label, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint,
		NULL::numeric, NULL::numeric, NULL::numeric, 0::bigint, NULL::numeric, 0::numeric, NULL::numeric, NULL::numeric,
		NULL::numeric, NULL::numeric, target_conversion_pct, CASE WHEN stage <> 'customer' THEN 0::numeric END, false, NULL::numeric
	FROM crm.stage WHERE in_funnel ORDER BY position $$, 'no leads: all stages with zeros, percentages NULL');
SELECT is((SELECT count(*) FROM crm.funnel_leak_by_channel), (SELECT 5 * count(*) FROM crm.channel), 'each channel has its stages');
SELECT is((SELECT count(*) FROM crm.funnel_leak_by_month), 0::bigint, 'but there is no month');
SELECT results_eq('SELECT temperature, temperature_label, sum(entered) FROM crm.funnel_leak_by_temperature GROUP BY 1, 2 ORDER BY 1',
	$$VALUES ('cold', 'Cold', 0::numeric), ('hot', 'Hot', 0), ('warm', 'Warm', 0)$$, 'each temperature has its stages');
SELECT is((SELECT sum(entered) FROM crm.funnel_between('-infinity', 'infinity')), 0::numeric, 'and an empty cohort');
SELECT is((SELECT count(*) FROM crm.stage_flow), 0::bigint, 'nor a day in the flow');

-- columns
SELECT columns_are('crm', 'funnel_leak', ARRAY['position', 'stage', 'label', 'entered', 'advanced', 'active', 'stalled', 'returned',
	'leaked', 'skipped', 'joined_later', 'conversion_pct', 'resolved_pct', 'cumulative_pct', 'lost', 'lost_share_pct', 'lost_value',
	'value_known_pct', 'mean_days', 'median_days', 'p90_days', 'reference_pct', 'recoverable_customers', 'is_bottleneck', 'expected_pct']);
SELECT is((SELECT array_agg(attname ORDER BY attnum) FROM pg_attribute WHERE attrelid = ('crm.funnel_leak_by_' || x)::regclass),
	(SELECT ARRAY[x::name, (x || '_label')::name] || array_agg(attname ORDER BY attnum)
		FROM pg_attribute WHERE attrelid = 'crm.funnel_leak'::regclass AND attname <> 'expected_pct'), 'columns of funnel_leak_by_' || x)
	FROM unnest(ARRAY['channel', 'campaign', 'owner', 'source_kind', 'temperature', 'month']) x;
SELECT is((SELECT string_agg(format('%s.%s', c.relname, a.attname), ', ') FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid
		AND a.attnum > 0 WHERE c.relnamespace = 'crm'::regnamespace AND c.relkind = 'v' AND (col_description(c.oid, a.attnum) IS NULL
		OR obj_description(c.oid, 'pg_class') !~ 'Unique key')), NULL, 'every view has a comment that names its key, every column its own');
SELECT is((SELECT string_agg(c.relname, ', ') FROM pg_class c WHERE c.relnamespace = 'crm'::regnamespace AND c.relkind = 'v'
	AND NOT coalesce(c.reloptions @> '{security_invoker=true}', false)), NULL, 'views give nobody more than they may see themselves');

-- 100 leads resolved at mql, 20 of them went on: 20 %, the Wilson interval ends at 28.88 %
SELECT leads(80, 'mql', 'email', NULL, now() - interval '400 days', 10);
SELECT leads(20, 'customer', 'email');
UPDATE crm.stage SET target_conversion_pct = NULL;
SELECT is((SELECT resolved_pct FROM crm.funnel_leak WHERE stage = 'mql'), 20.0, '20 of 100');
SELECT is((SELECT reference_pct FROM crm.funnel_leak WHERE stage = 'mql'), 20.0, 'the only channel with 100 resolved leads is the reference');
SELECT is(bottleneck(), NULL, 'nothing lies above the interval');
UPDATE crm.stage SET target_conversion_pct = 28.8 WHERE stage = 'mql';
SELECT is(bottleneck(), NULL, 'a target just within the interval');
UPDATE crm.stage SET target_conversion_pct = 28.9 WHERE stage = 'mql';
SELECT is(bottleneck(), 'mql', 'a target just above it');
SELECT is((SELECT round(recoverable_customers, 9) FROM crm.funnel_leak WHERE stage = 'mql'), 8.9, 'which would bring 8.9 % of 100');
UPDATE crm.stage SET target_conversion_pct = 50 WHERE stage = 'sql';
SELECT is((SELECT round(recoverable_customers, 9) FROM crm.funnel_leak WHERE stage = 'mql'), 4.45,
	'later stages count with their reference, though all went on there');
SELECT results_eq('SELECT lost, lost_value, value_known_pct, lost_share_pct FROM crm.funnel_leak WHERE stage = ''mql''',
	'VALUES (80::bigint, 800::numeric, 100.0, 100.0)', 'what was lost');
SELECT is((SELECT recoverable_customers FROM crm.funnel_leak WHERE stage = 'lead'), 0.0, 'a stage at its reference has nothing to recover');
SELECT is((SELECT recoverable_customers FROM crm.funnel_leak WHERE stage = 'customer'), NULL, 'nor has the last one');

-- a better channel is the reference from its hundredth resolved lead on
UPDATE crm.stage SET target_conversion_pct = NULL;
SELECT leads(49, 'customer', 'event');
SELECT leads(50, 'mql', 'event');
SELECT leads(1, 'mql', 'event', NULL, now() - interval '2 days');
SELECT is((SELECT reference_pct FROM crm.funnel_leak WHERE stage = 'mql'), 20.0, '99 resolved and one active');
SELECT leads(1, 'sql', 'event');
SELECT is((SELECT reference_pct FROM crm.funnel_leak WHERE stage = 'mql'), 50.0, '100 resolved');
SELECT is((SELECT reference_pct FROM crm.funnel_leak_by_channel WHERE stage = 'mql' AND channel = 'email'), 50.0,
	'the same reference in each channel');
SELECT results_eq('SELECT channel, is_bottleneck FROM crm.funnel_leak_by_channel WHERE stage = ''mql'' AND entered > 0 ORDER BY channel',
	$$VALUES ('email', true), ('event', false)$$, 'each channel is judged by itself');
SELECT is((SELECT active FROM crm.funnel_leak_by_channel WHERE stage = 'mql' AND channel = 'event'), 1::bigint, 'the young lead is active');
UPDATE crm.stage SET stuck_after = '12 hours' WHERE stage = 'mql';
SELECT is((SELECT active FROM crm.funnel_leak_by_channel WHERE stage = 'mql' AND channel = 'event'), 0::bigint, 'until the threshold moves');

UPDATE crm.stage SET stuck_after = NULL;
SELECT results_eq('SELECT sum(stalled), count(*) FILTER (WHERE active < 0) FROM crm.funnel_leak', 'VALUES (0::numeric, 0::bigint)', 'without any limit nobody is stalled');
SELECT is_empty('SELECT stage FROM crm.funnel_scale WHERE stuck_before IS NOT NULL', 'nor ever will be');
UPDATE crm.stage SET stuck_after = '12 hours';

-- without any reference the lowest rate counts, with 30 resolved
DELETE FROM crm.customer;
DELETE FROM crm.lead;
SELECT leads(29, 'mql', 'email');
SELECT leads(40, 'sql', 'referral');
SELECT leads(50, 'opportunity', 'social');
SELECT leads(8, 'customer', 'email');
SELECT is((SELECT count(reference_pct) FROM crm.funnel_leak), 0::bigint, 'no channel has 100 resolved leads');
SELECT is(bottleneck(), 'opportunity', 'the lowest rate: 8 of 58');
SELECT is((SELECT string_agg(stage::text, ',' ORDER BY position) FROM crm.funnel_leak_by_channel WHERE is_bottleneck), 'mql,sql,opportunity',
	'in each channel, where 30 are resolved');
SELECT leads(1, 'lead', 'outbound', 'unqualified');
SELECT leads(28, 'lead', 'outbound');
SELECT is((SELECT count(*) FROM crm.funnel_leak_by_channel WHERE is_bottleneck AND channel = 'outbound'), 0::bigint, '29 are too few');
SELECT leads(1, 'lead', 'outbound');
SELECT is((SELECT count(*) FROM crm.funnel_leak_by_channel WHERE is_bottleneck AND channel = 'outbound'), 1::bigint, '30 are enough');
SELECT is((SELECT leaked FROM crm.funnel_leak WHERE stage = 'lead'), 1::bigint, 'a closed lead has leaked');

-- by the temperature of the latest handoff: of who was handed off, sent back and handed off again, the second one
INSERT INTO crm.lead (external_id, stage, fit, fit_by_hand) VALUES ('hot', 'lead', 80, true), ('again', 'lead', 80, true), ('excluded', 'lead', 80, true),
	('never', 'lead', 80, true), ('born', 'mql', 80, true);
INSERT INTO crm.activity (lead_id, kind) SELECT lead_id, 'demo_request' FROM crm.lead WHERE external_id IN ('hot', 'excluded');
UPDATE crm.lead SET stage = 'mql' WHERE external_id IN ('hot', 'again', 'excluded');
UPDATE crm.lead SET stage = 'lead', stage_reason = 'not_ready' WHERE external_id IN ('again', 'hot');
INSERT INTO crm.activity (lead_id, kind, occurred_at) SELECT lead_id, 'demo_request', clock_timestamp() FROM crm.lead WHERE external_id = 'again';
SELECT is((SELECT string_agg(temperature, ' ' ORDER BY temperature) FROM crm.funnel_leak_by_temperature WHERE returned > 0), 'cold hot',
	'sent back, they keep the temperature that they had');
UPDATE crm.lead SET stage = 'mql' WHERE external_id = 'again';
UPDATE crm.lead SET excluded_as = 'test' WHERE external_id = 'excluded';
SELECT results_eq('SELECT temperature, temperature_label, active, returned FROM crm.funnel_leak_by_temperature WHERE stage = ''mql'' AND temperature IS NOT NULL',
	$$VALUES ('hot', 'Hot', 1::bigint, 1::bigint), ('warm', 'Warm', 0, 0), ('cold', 'Cold', 1, 0)$$, 'the hottest first, each lead by its latest handoff');
DELETE FROM crm.lead WHERE external_id IS NOT NULL;

-- cohorts are half open, in the workspace's zone
UPDATE crm.setting SET time_zone = 'Asia/Ulaanbaatar';
INSERT INTO crm.lead (external_id, created_at, stage, mql_at) VALUES
	('first', '2020-02-01 00:00+08', 'mql', '2020-02-03 12:00+08'), ('last', '2020-02-29 23:59:59.999999+08', 'mql', '2020-03-01 00:00+08'),
	('late', '2020-03-01 00:00+08', 'mql', '2020-03-05 12:00+08');
SELECT is((SELECT entered FROM crm.funnel_between('2020-02-01', '2020-03-01') WHERE stage = 'mql'), 2::bigint, 'created in February');
SELECT is((SELECT entered FROM crm.funnel_between('2020-02-01', '2020-03-01', 'mql') WHERE stage = 'mql'), 1::bigint,
	'marketing qualified in February');
SELECT results_eq('SELECT month::text, month_label, entered FROM crm.funnel_leak_by_month WHERE stage = ''mql'' AND month < ''2020-05-01''',
	$$VALUES ('2020-02-01', '2020-02', 2::bigint), ('2020-03-01', '2020-03', 1), ('2020-04-01', '2020-04', 0)$$, 'months without gaps');
SELECT throws_ok($$SELECT * FROM crm.funnel_between('2020-03-01', '2020-02-01')$$, '22023', NULL, 'a period that ends before it begins');
SELECT throws_ok($$SELECT * FROM crm.funnel_between(NULL, '2020-02-01')$$, '22004', NULL, 'a period without a beginning');
SELECT throws_ok($$SELECT * FROM crm.funnel_between('2020-02-01', '2020-03-01', 'prospect')$$, '22P02', NULL, 'a stage that there is not');
UPDATE crm.stage SET stuck_after = '170000000 years';
SELECT is((SELECT sum(stalled) FROM crm.funnel_leak), 0::numeric, 'nobody stands in a stage longer than there has been time');
SELECT is((SELECT sum(stalled) FROM crm.funnel_at(now(), now())), 0::numeric, 'nor did in the past');

-- where rounding would tell
CREATE SCHEMA t;
CREATE FUNCTION t.rates(entered bigint[], advanced bigint[], active bigint[], reference double precision[])
RETURNS TABLE ("position" integer, recoverable double precision, is_bottleneck boolean) LANGUAGE sql AS $$
	SELECT r.position, r.recoverable, r.is_bottleneck
	FROM crm.funnel_rates(array_fill('x'::text, ARRAY[cardinality(entered)]), ARRAY(SELECT generate_series(1, cardinality(entered))), entered, advanced,
		active, entered, entered, reference) r
$$;
SELECT is_empty('SELECT n FROM generate_series(30, 500) n, t.rates(ARRAY[n, n], ARRAY[n, 0], ''{0,0}'', ''{100,NULL}'') r WHERE r.is_bottleneck OR r.recoverable > 0',
	'where all go on nothing is below a reference of 100 percent');
SELECT is((SELECT count(*) FROM generate_series(30, 500) n, t.rates(ARRAY[n, n - 1], ARRAY[n - 1, 0], '{0,0}', '{100,NULL}') r WHERE r.is_bottleneck), 471::bigint,
	'where one does not, it is');
SELECT results_eq($$SELECT * FROM t.rates('{42,38,34,29,29}', '{38,34,29,29,0}', '{0,0,1,0,29}', '{1,100,100,25,NULL}') WHERE position IN (2, 3)$$,
	$$VALUES (2, 1::float8, true), (3, 1, false)$$, 'in a tie it is the earlier stage, and a whole customer is one');
-- 500 of 1000 went on: it ends at 53.0930399...
SELECT results_eq($$SELECT e, r.is_bottleneck FROM unnest('{53.09303,53.09305}'::float8[]) e, t.rates('{1000,500}', '{500,0}', '{0,0}', ARRAY[e, NULL]) r
	WHERE r.position = 1 ORDER BY e$$, $$VALUES (53.09303::float8, false), (53.09305, true)$$, 'the interval is Wilson''s');

SELECT * FROM finish();
ROLLBACK;
