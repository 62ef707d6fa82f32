-- What if: a month of the funnel now and then, counted by hand; capacity, elasticity, the answer, bad input.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS leadcrm;
\ir include/error.sql
SET TimeZone = 'UTC';
SET jit = off;
SELECT leadcrm.create_workspace('crm') \g /dev/null
SELECT no_plan();

-- figures for people
SELECT results_eq($$SELECT crm.number_text(n) FROM unnest(ARRAY[0, 4.04, 4.25, -9.94, 9.95, 1234.5, -1234567, 12345678901234567890, NULL, 'NaN']::numeric[]) n$$,
	ARRAY['0', '4', '4.3', '-9.9', '10', '1,235', '-1,234,567', '12,345,678,901,234,567,890', '-', 'NaN'], 'numbers');
SELECT results_eq($$SELECT crm.number_text(n, 2) FROM unnest(ARRAY[0, 999.999, 1234.5]::numeric[]) n$$, ARRAY['0.00', '1,000.00', '1,234.50'],
	'numbers with decimals');
SELECT results_eq($$SELECT crm.percent_text(n) FROM unnest(ARRAY[0, 0.054, 14.25, 100, NULL]::numeric[]) n$$,
	ARRAY['0.0 %', '0.05 %', '14.3 %', '100.0 %', '-'], 'percentages');
SELECT results_eq($$SELECT crm.money_text(n) FROM unnest(ARRAY[0, 9.5, 12.5, 1240000, NULL]::numeric[]) n$$,
	ARRAY['0 EUR', '9.50 EUR', '13 EUR', '1,240,000 EUR', '-'], 'money');

-- the flow alone: 1000, of which a tenth goes on, of 100 there is room for 60, half of which goes on
SELECT results_eq('SELECT place, entered, taken, rate, advanced FROM crm.what_if_flow(1000, ARRAY[0.1, 0.5, NULL], ARRAY[NULL, 60, NULL], NULL, NULL)',
	'VALUES (1, 1000::float8, 1000::float8, 0.1::float8, 100::float8), (2, 100, 60, 0.5, 30), (3, 30, 30, NULL, NULL)', 'a flow with a limit');
SELECT results_eq('SELECT place, entered, advanced FROM crm.what_if_flow(400, ARRAY[0.4, 0.9, NULL], NULL, ARRAY[-0.5, NULL, NULL], ARRAY[100, 10, 1])',
	'VALUES (1, 400::float8, 80::float8), (2, 80, 72), (3, 72, NULL)', 'four times the volume, half the rate');
SELECT results_eq('SELECT place, entered, rate FROM crm.what_if_flow(1, ARRAY[0.5, NULL], NULL, ARRAY[-1, NULL], ARRAY[100, 1])',
	'VALUES (1, 1::float8, 1::float8), (2, 1, NULL)', 'never more than all');
SELECT results_eq('SELECT place, entered, taken FROM crm.what_if_flow(9, ARRAY[0, NULL, NULL, NULL], ARRAY[NULL, NULL, 5, NULL], NULL, NULL)',
	'VALUES (1, 9::float8, 9::float8), (2, 0, 0), (3, 0, 0), (4, 0, 0)', 'nobody comes, nobody goes on, whatever the rate');
SELECT results_eq('SELECT place, entered, taken FROM crm.what_if_flow(9, ARRAY[NULL, 0.5, NULL], ARRAY[NULL, 5, NULL], NULL, NULL)',
	'VALUES (1, 9::float8, 9::float8), (2, NULL, NULL), (3, NULL, NULL)', 'what is not known stays so');

-- no leads yet
SELECT is(crm.what_if_answer(4), 'Not known: there are no leads yet.', 'an empty workspace');
-- nor lately
SAVEPOINT old;
INSERT INTO crm.lead (lead_at) VALUES (date_trunc('month', now()) - interval '7 months'), (now());
SELECT is(crm.what_if_answer(4), 'Not known: no leads were created in the last three whole months, which it counts by.', 'leads of long ago and of this month alone');
ROLLBACK TO old;
SELECT is((SELECT count(*) FROM crm.what_if(4) WHERE entered_now = 0 AND entered_then = 0 AND customers_then = 0), 5::bigint,
	'has rows of zeros');

-- 700 leads, all decided: 350 mql, 70 sql, 35 opportunities, 7 customers worth 1,000 each. Created in January (100, its
-- month may have begun before the data), February (180), March (200) and April (220): 200 a month. All were dealt with in one
-- week, so no capacity is known.
UPDATE crm.stage SET stuck_after = NULL;
INSERT INTO crm.rep (code, full_name) VALUES ('ann', 'Ann'), ('bob', 'Bob'), ('gone', 'Gone');
CREATE FUNCTION t.lead(n int, made timestamptz, worth numeric) RETURNS void LANGUAGE sql AS $$
	INSERT INTO crm.lead (value, stage, status, status_since, status_reason, lead_at, mql_at, sql_at, opportunity_at, customer_at)
	SELECT worth,
		(CASE WHEN n % 100 = 0 THEN 'customer' WHEN n % 20 = 0 THEN 'opportunity' WHEN n % 10 = 0 THEN 'sql' WHEN n % 2 = 0 THEN 'mql' ELSE 'lead' END)
			::leadcrm.lifecycle_stage,
		CASE WHEN n % 100 <> 0 THEN 'lost' END, CASE WHEN n % 100 <> 0 THEN timestamptz '2024-04-19' END, 'no_decision',
		made, CASE WHEN n % 2 = 0 THEN timestamptz '2024-04-15' END, CASE WHEN n % 10 = 0 THEN timestamptz '2024-04-16' END,
		CASE WHEN n % 20 = 0 THEN timestamptz '2024-04-17' END, CASE WHEN n % 100 = 0 THEN timestamptz '2024-04-18' END
$$;
SELECT t.lead(n, (CASE WHEN n <= 100 THEN '2024-01-20' WHEN n <= 280 THEN '2024-02-01' WHEN n <= 480 THEN '2024-03-01' ELSE '2024-04-01' END)::timestamptz,
	CASE WHEN n = 100 THEN NULL WHEN n % 100 = 0 THEN 1000 ELSE 7 END)
FROM generate_series(1, 700) n \g /dev/null
SELECT results_eq('SELECT stage::text, entered, advanced, active FROM crm.funnel_leak',
	$$VALUES ('lead', 700::bigint, 350::bigint, 0::bigint), ('mql', 350, 70, 0), ('sql', 70, 35, 0), ('opportunity', 35, 7, 0), ('customer', 7, 0, 7)$$,
	'the company that the next tests count on');

CREATE FUNCTION t.months(VARIADIC args text[] DEFAULT '{}') RETURNS TABLE (stage text, entered_now numeric, entered_then numeric, customers_then numeric)
LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT w.stage::text, round(w.entered_now, 6), round(w.entered_then, 6), round(w.customers_then, 6) FROM crm.what_if(%s) w',
		array_to_string(args, ', '));
END
$$;
SELECT results_eq('SELECT stage, entered_now, entered_then FROM t.months(''capacity => ''''Infinity'''''')',
	$$VALUES ('lead', 200::numeric, 200::numeric), ('mql', 100, 100), ('sql', 20, 20), ('opportunity', 10, 10), ('customer', 2, 2)$$, 'a month as it is');
SELECT results_eq('SELECT DISTINCT round(customers_now, 6), round(customers_then, 6), round(revenue_now, 6), round(revenue_then, 6), answer
	FROM crm.what_if(4, capacity => ''Infinity'')', $$VALUES (2::numeric, 8::numeric, 2000::numeric, 8000::numeric, 'yes')$$,
	'four times the leads without limits: four times the customers; a customer without a value is worth the others'' mean');
SELECT results_eq('SELECT stage, entered_then, customers_then FROM t.months(''2'', ''''''mql'''''', ''40'', ''''''Infinity'''''')',
	$$VALUES ('lead', 400::numeric, 8::numeric), ('mql', 200, 8), ('sql', 80, 8), ('opportunity', 40, 8), ('customer', 8, 8)$$, 'twice the leads at twice the rate');
SELECT results_eq('SELECT stage, entered_then, customers_then FROM t.months(''0.5'', ''capacity => 1e9'')',
	$$VALUES ('lead', 100::numeric, 1::numeric), ('mql', 50, 1), ('sql', 10, 1), ('opportunity', 5, 1), ('customer', 1, 1)$$, 'half the leads');
SELECT results_eq($$SELECT round(entered_then, 6), capacity_then, capacity_is_assumed, round(waiting_then, 6), round(advanced_then, 6), round(customers_then, 6),
	round(waiting_customers, 6) FROM crm.what_if(4, 'sql', capacity => 50) WHERE stage = 'sql'$$,
	'VALUES (80::numeric, 50::numeric, false, 30::numeric, 25::numeric, 5::numeric, 3::numeric)', 'room for 50 of 80: 30 wait, who would be 3 customers');
SELECT is((SELECT round(rate_then_pct, 6) FROM crm.what_if(stage => 'mql') WHERE stage = 'mql'), 20.0, 'a stage alone: at its reference');
UPDATE crm.stage SET target_conversion_pct = 30 WHERE stage = 'mql';
SELECT results_eq($$SELECT round(rate_then_pct, 6), round(rate_now_pct, 6) FROM crm.what_if(stage => 'mql') WHERE stage = 'mql'$$,
	'VALUES (30.0, 20.0)', 'a stage alone: at its new reference');
SELECT results_eq($$SELECT round(rate_then_pct, 6) FROM crm.what_if(stage => 'mql', capacity => 7) WHERE stage = 'mql'$$,
	'VALUES (20.0)', 'with a capacity alone its rate stays');
SELECT is((SELECT max(customers_then) FROM crm.what_if(4, 'opportunity', 0)), 0::numeric, 'nobody goes on: no customers');
SELECT is((SELECT max(customers_then) FROM crm.what_if(4, 'opportunity', capacity => 0)), 0::numeric, 'no room: no customers');
SELECT is((SELECT round(max(customers_then), 6) FROM crm.what_if(1, 'opportunity', 100, 'Infinity')), 10.0, 'all go on');

-- what to fix first is what funnel_leak says, and it is worth the same; a month is 200 / 700 of it
SELECT results_eq('SELECT stage, fix_first, recoverable_customers, round(recoverable_revenue, 6), round(worth_customers, 6), round(worth_revenue, 6), reference_pct FROM crm.what_if(3)',
	'SELECT stage, is_bottleneck, recoverable_customers, round(1000 * recoverable_customers, 6), round(recoverable_customers * 2 / 7, 6),
		round(1000 * recoverable_customers * 2 / 7, 6), reference_pct FROM crm.funnel_leak', 'what fixing is worth');
SELECT is((SELECT stage::text FROM crm.what_if(3) WHERE fix_first), 'mql', 'and where');

-- where nobody is taken no rate helps: room does
SELECT results_eq($$SELECT stage::text, fix_first, round(waiting_customers, 6), worth_customers > 0, verdict FROM crm.what_if(1, 'mql', capacity => 0) WHERE stage IN ('lead', 'mql')$$,
	$$VALUES ('lead', false, 0::numeric, false, NULL), ('mql', true, 2, true, 'takes 0 of 100 a month, 100 wait; room comes first')$$, 'no room at the bottleneck');
SELECT matches(crm.what_if_answer(1, 'mql', capacity => 0), 'Fix "Marketing qualified lead" first: room for all there is worth 2 customers \(2,000 EUR\) a month\.$', 'said so');
SELECT matches(crm.what_if_answer(1, 'lead', capacity => 0), 'Fix "Lead" first: room for all there is worth ', 'no room before it: nobody comes there');
SELECT matches(crm.what_if_answer(1, 'mql', capacity => 1), 'Fix "Marketing qualified lead" first: 20.0 % go on there where 30.0 % could', 'some room: it stays the bottleneck');

-- the answer
SELECT results_eq('SELECT DISTINCT answer FROM crm.what_if()', 'VALUES (NULL::text)', 'nothing was asked');
SELECT results_eq($$SELECT DISTINCT answer FROM crm.what_if(4, 'sql', capacity => 20)$$, $$VALUES ('no')$$, 'no: a late stage takes no more than now');
SELECT results_eq($$SELECT DISTINCT answer FROM crm.what_if(4, 'sql', capacity => 49)$$, $$VALUES ('no')$$, 'no: not half of it');
SELECT results_eq($$SELECT DISTINCT answer FROM crm.what_if(4, 'sql', capacity => 60)$$, $$VALUES ('partly')$$, 'partly');
SELECT results_eq($$SELECT DISTINCT answer FROM crm.what_if(4, 'sql', capacity => 80)$$, $$VALUES ('yes')$$, 'yes, with room for all');
SELECT results_eq($$SELECT DISTINCT answer FROM crm.what_if(stage => 'sql', new_pct => 40, capacity => 'Infinity')$$, $$VALUES ('no')$$, 'no: fewer');
SELECT results_eq($$SELECT DISTINCT answer FROM crm.what_if(4, 'opportunity', 4, 'Infinity')$$, $$VALUES ('no')$$, 'no: fewer than now');
-- (30 - 20) % of 350 sql more, half of them opportunities by the target, a quarter of those customers; a month is 2/7 of it
SELECT results_eq($$SELECT DISTINCT answer FROM crm.what_if(1.6, capacity => 'Infinity')$$, $$VALUES ('no')$$,
	'no: 1.2 customers more, where mending mql brings 1.25');
SELECT results_eq($$SELECT DISTINCT answer FROM crm.what_if(1.7, capacity => 'Infinity')$$, $$VALUES ('yes')$$, 'yes: 1.4 customers more');
SELECT matches(crm.what_if_answer(4, 'sql', capacity => 20),
	'^No: "Sales qualified lead" has no room for them\. 4 times the leads \(800 instead of 200 a month\), room for 20 leads a month at "Sales qualified lead": '
	'2 customers a month as now, revenue 2,000 EUR\. .*"Sales qualified lead" takes 20 of 80 a month, 60 wait\. Leads that wait stay active and are not converted\. .*'
	'Fix "Marketing qualified lead" first: 20\.0 % go on there where 30\.0 % could; that is worth 1\.3 customers \(1,250 EUR\) a month with the leads '
	'that come now, 4\.4 \(4,375 EUR\) over all leads so far\.$', 'the answer in words');
SELECT matches(crm.what_if_answer(1.6, capacity => 'Infinity'), '^No: mending "Marketing qualified lead" brings as many without a lead more\. 1\.6 times', 'and why');
SELECT matches(crm.what_if_answer(), '^As it runs now: 2 customers a month, revenue 2,000 EUR\. Fix "Marketing', 'as it is');

-- a late stage that loses nearly all
INSERT INTO crm.lead (stage, status, status_since, status_reason, lead_at, mql_at, sql_at, opportunity_at)
SELECT 'opportunity', 'lost', '2024-03-09', 'no_decision', '2024-03-01', '2024-03-02', '2024-03-03', '2024-03-04' FROM generate_series(1, 105);
SELECT results_eq('SELECT DISTINCT answer FROM crm.what_if(4, capacity => ''Infinity'')', $$VALUES ('no')$$, 'no: 5 % of 140 go on');
SELECT is((SELECT verdict FROM crm.what_if(4, capacity => 'Infinity') WHERE stage = 'opportunity'), 'loses nearly all: 5.0 % go on', 'which says so');
SELECT matches(crm.what_if_answer(4, capacity => 'Infinity'), '^No: "Opportunity" loses nearly all of them\.', 'as does the answer');
DELETE FROM crm.lead WHERE status_since = '2024-03-09';

-- a rate that nobody knows
UPDATE crm.lead SET excluded_as = 'test';
INSERT INTO crm.lead (stage, lead_at, mql_at) SELECT 'mql', '2024-03-01', '2024-03-02' FROM generate_series(1, 10);
SELECT results_eq('SELECT stage::text, entered_now, entered_then, customers_then, answer FROM crm.what_if(2)',
	$$VALUES ('lead', 10.0, 20.0, NULL::numeric, NULL::text), ('mql', 10, 20, NULL, NULL), ('sql', NULL, NULL, NULL, NULL), ('opportunity', NULL, NULL, NULL, NULL),
		('customer', NULL, NULL, NULL, NULL)$$, 'what is not known is NULL');
SELECT matches(crm.what_if_answer(2), '^Not known\. 2 times the leads \(20 instead of 10 a month\): how many customers a month that makes can''t be told\. '
	'The rate is not known at "Marketing qualified lead", "Sales qualified lead", "Opportunity": nobody''s attempt there is over\. No stage', 'and said');
SELECT is((SELECT advanced_then FROM crm.what_if(2, 'mql', 50) WHERE stage = 'mql'), 10.0, 'a rate that is given is known');

UPDATE crm.setting SET handoff_stage = 'sql';
-- capacity from history: two reps at sql, who dealt with 1, 2, ... 10 leads in ten weeks (percentile 9.1), and one who is gone
DELETE FROM crm.lead WHERE excluded_as IS NULL;
UPDATE crm.rep SET active = false WHERE code = 'gone';
INSERT INTO crm.lead (owner, stage, status, status_since, status_reason, lead_at, mql_at, sql_at, opportunity_at)
SELECT o.owner, CASE WHEN i % 2 = 0 THEN 'opportunity' ELSE 'sql' END::leadcrm.lifecycle_stage,
	CASE WHEN i % 2 = 1 THEN 'lost' END, d.at, CASE WHEN i % 2 = 1 THEN 'no_decision' END,
	d.at - interval '30 days', d.at - interval '20 days', d.at - interval '10 days', CASE WHEN i % 2 = 0 THEN d.at END
FROM unnest(ARRAY['ann', 'bob', 'gone']) o (owner), generate_series(1, 10) week, generate_series(1, week) i,
	LATERAL (SELECT timestamptz '2024-01-03 12:00 UTC' + week * interval '7 days' AS at) d;
SELECT results_eq('SELECT position, reps, weeks, round(weekly_p90, 6), round(a_month, 4) FROM crm.what_if_capacity() WHERE position = 4',
	'VALUES (4, 2::bigint, 10, 9.1, 79.1375)', 'reps x percentile x 4.348 weeks');
SELECT results_eq($$SELECT capacity_is_assumed, capacity_then >= entered_now FROM crm.what_if(4) WHERE stage = 'sql'$$, 'VALUES (true, true)', 'assumed');
SELECT results_eq($$SELECT round(capacity_then, 4), round(waiting_then, 4), round(entered_then, 4) FROM crm.what_if(4) WHERE stage = 'sql'$$,
	$$SELECT round(greatest(79.1375, w.entered_now), 4), round(4 * w.entered_now - greatest(79.1375, w.entered_now), 4), round(4 * w.entered_now, 4)
	FROM crm.what_if() w WHERE stage = 'sql'$$, 'what comes above it waits');
SELECT ok(position('takes' IN verdict) = 1 AND position('(assumed)' IN verdict) > 0, 'and the verdict says assumed: ' || verdict)
FROM crm.what_if(4) WHERE stage = 'sql';
SELECT ok(position('What is assumed is what the people there do in a good week' IN crm.what_if_answer(4)) > 0, 'so does the answer');
SELECT results_eq($$SELECT capacity_is_assumed, capacity_then FROM crm.what_if(4, 'sql', capacity => 60) WHERE stage = 'sql'$$, 'VALUES (false, 60.0)',
	'a capacity that is given is not assumed');
SELECT results_eq($$SELECT stage::text FROM crm.what_if(4, capacity => 1000) WHERE capacity_then = 1000$$, $$VALUES ('sql'), ('opportunity')$$,
	'a capacity alone is that of every stage that people work');
SELECT results_eq('SELECT position FROM crm.what_if_capacity() ORDER BY 1', 'VALUES (4), (5)', 'which start at the handoff');
-- 3 weeks tell nothing
DELETE FROM crm.lead WHERE excluded_as IS NULL AND lead_at > '2024-01-01';
SELECT results_eq('SELECT position, a_month FROM crm.what_if_capacity() ORDER BY 1', 'VALUES (4, NULL::numeric), (5, NULL)', 'less than 4 weeks: no capacity is known');
SELECT is((SELECT verdict FROM crm.what_if(4) WHERE stage = 'sql'), 'has no known capacity: taken as without limit', 'which the verdict says');
-- leads that nobody owns
UPDATE crm.lead SET owner = '(none)' WHERE excluded_as IS NULL;
INSERT INTO crm.lead (stage, status, status_since, status_reason, lead_at, mql_at, sql_at)
SELECT 'sql', 'lost', '2024-01-03 12:00 UTC'::timestamptz + week * interval '7 days', 'no_decision', '2023-12-01', '2023-12-02', '2023-12-03'
FROM generate_series(0, 9) week, generate_series(1, 100 + 10 * week);
SELECT results_eq('SELECT position, reps, round(a_month, 1) FROM crm.what_if_capacity() WHERE position = 4',
	'SELECT 4, 1::bigint, round(181 * 365.25 / 84, 1)', 'where nobody is named, all together count as one');

-- thirty weeks, in each 40 leads, 20 mql, 4 sql, 2 opportunities and a customer; the others stay where they are, so that no stage that
-- people work ever took more than what comes now: room at one of them alone brings nobody on
UPDATE crm.setting SET handoff_stage = 'mql';
UPDATE crm.lead SET excluded_as = 'test' WHERE excluded_as IS NULL;
UPDATE crm.stage SET stuck_after = '1 day', target_conversion_pct = NULL;
INSERT INTO crm.lead (owner, value, stage, lead_at, mql_at, sql_at, opportunity_at, customer_at)
SELECT 'ann', 50, (ARRAY['lead', 'mql', 'sql', 'opportunity', 'customer'])[r.reached]::leadcrm.lifecycle_stage, w.at, CASE WHEN r.reached > 1 THEN w.at + interval '1 day' END,
	CASE WHEN r.reached > 2 THEN w.at + interval '2 days' END, CASE WHEN r.reached > 3 THEN w.at + interval '3 days' END,
	CASE WHEN r.reached > 4 THEN w.at + interval '4 days' END
FROM generate_series(0, 29) week, generate_series(1, 40) n, LATERAL (SELECT '2024-01-01 12:00 UTC'::timestamptz + week * interval '7 days' AS at) w,
	LATERAL (SELECT 1 + (n <= 20)::int + (n <= 4)::int + (n <= 2)::int + (n <= 1)::int AS reached) r;
SELECT results_eq($$SELECT stage::text, fix_first, round(waiting_customers / customers_now, 6), answer, capacity_then = entered_now, verdict ~ 'room here alone brings no customer more$'
	FROM crm.what_if(4) WHERE stage > 'lead'$$,
	$$VALUES ('mql', true, 3.0, 'no', true, true), ('sql', false, 0, 'no', true, NULL), ('opportunity', false, 0, 'no', true, NULL), ('customer', false, 0, 'no', NULL, NULL)$$,
	'where all are full, the first of them stands for all');
SELECT matches(crm.what_if_answer(4), '^No: "Marketing qualified lead" has no room for them\..* Fix "Marketing qualified lead" first: room for all there and at the stages '
	'after it is worth 12 customers \(600 EUR\) a month\.$', 'which the answer says, with what it is worth');
-- a rate that is not known is no reason for a no
UPDATE crm.stage SET stuck_after = NULL WHERE stage = 'sql';
UPDATE crm.lead SET excluded_as = 'test' WHERE stage > 'sql' AND excluded_as IS NULL;
SELECT matches(crm.what_if_answer(4, capacity => 1), '^Not known\. ', 'what is not known is not said to have a reason');

-- elasticity: six months of 36 to 256 leads, each converting 3 / root of its leads
UPDATE crm.setting SET handoff_stage = 'mql';
UPDATE crm.lead SET excluded_as = 'test' WHERE excluded_as IS NULL;
INSERT INTO crm.lead (stage, status, status_since, status_reason, lead_at, mql_at)
SELECT CASE WHEN i <= 3 * n THEN 'mql' ELSE 'lead' END::leadcrm.lifecycle_stage, 'lost', m.at + interval '9 days', 'no_decision', m.at,
	CASE WHEN i <= 3 * n THEN m.at + interval '1 day' END
FROM generate_series(6, 16, 2) n, generate_series(1, n * n) i, LATERAL (SELECT timestamptz '2024-01-10 UTC' + n / 2 * interval '1 month' AS at) m;
SELECT results_eq('SELECT position, months, round(elasticity, 9) FROM crm.what_if_elasticity() ORDER BY 1', 'VALUES (2, 6::bigint, -0.5)', 'the slope');
SELECT results_eq($$SELECT round(rate_now_pct / rate_then_pct, 9), round(advanced_then / advanced_now, 9), round(elasticity, 9) FROM crm.what_if(4) WHERE stage = 'lead'$$,
	'VALUES (2.0, 2.0, -0.5)', 'four times the leads: half the rate, twice the mqls');
SELECT is((SELECT round(entered_now, 6) FROM crm.what_if() WHERE stage = 'lead'), round((144 + 196 + 256) / 3.0, 6), 'of the last three months');
SELECT results_eq($$SELECT round(rate_then_pct, 6), elasticity FROM crm.what_if(4, 'lead', 40) WHERE stage = 'lead'$$, 'VALUES (40.0, NULL::numeric)', 'a rate that is given does not bend');
-- rates that rise with volume, or go up and down, are taken as constant
UPDATE crm.lead SET excluded_as = CASE WHEN excluded_as IS NULL THEN 'test' END WHERE lead_at BETWEEN '2024-09-01' AND '2024-09-30';
SELECT results_eq('SELECT months, elasticity FROM crm.what_if_elasticity()', 'VALUES (5::bigint, NULL::numeric)', 'five months are not enough');
UPDATE crm.lead SET excluded_as = 'test' WHERE excluded_as IS NULL;
INSERT INTO crm.lead (stage, status, status_since, status_reason, lead_at, mql_at)
SELECT CASE WHEN i <= n * 20 THEN 'mql' ELSE 'lead' END::leadcrm.lifecycle_stage, 'lost', m.at + interval '9 days', 'no_decision', m.at,
	CASE WHEN i <= n * 20 THEN m.at + interval '1 day' END
FROM generate_series(1, 7) n, generate_series(1, 100 + n * 30) i, LATERAL (SELECT timestamptz '2023-01-10 UTC' + n * interval '1 month' AS at) m;
SELECT results_eq('SELECT months, elasticity FROM crm.what_if_elasticity()', 'VALUES (7::bigint, NULL::numeric)', 'nor a rate that rises');

-- with the stage customer out of the funnel, its end counts
UPDATE crm.stage SET in_funnel = stage IN ('lead', 'mql');
SELECT results_eq('SELECT stage::text, round(customers_now, 6) = round(entered_now, 6) FROM crm.what_if(2)', $$VALUES ('lead', false), ('mql', true)$$,
	'the end of another funnel');
UPDATE crm.stage SET in_funnel = false;
SELECT is_empty('SELECT * FROM crm.what_if(2)', 'without a funnel no row');
SELECT is(crm.what_if_answer(2), 'Not known: no stage is in the funnel.', 'and an answer that says so');
UPDATE crm.stage SET in_funnel = stage NOT IN ('subscriber', 'evangelist');

-- bad input
SELECT is(t.error('SELECT * FROM crm.what_if(NULL)'), E'22004: top_multiplier is NULL\nHINT: Give a number such as 4 for four times the leads, or leave it out for as many as now.', 'NULL');
SELECT is(t.error(format('SELECT * FROM crm.what_if(%L)', x)), format(E'22023: top_multiplier %s is out of range\nDETAIL: It says how many times as many leads come: above 0, at most 1000000.', x), 'multiplier ' || x)
FROM unnest(ARRAY['0', '-4', 'NaN', 'Infinity', '-Infinity', '1000001']) x;
SELECT is(t.error(format('SELECT * FROM crm.what_if(stage => ''mql'', new_pct => %L)', x)), format(E'22023: new_pct %s is out of range\nDETAIL: It is a percentage: from 0 to 100.', x), 'percentage ' || x)
FROM unnest(ARRAY['-0.1', '100.1', 'NaN', 'Infinity', '-Infinity']) x;
SELECT is(t.error(format('SELECT * FROM crm.what_if(1, ''mql'', capacity => %L)', x)), format(E'22023: capacity %s is out of range\nDETAIL: It is the number of leads that the stage can take in a month: 0 or more; Infinity: all that come.', x), 'capacity ' || x)
FROM unnest(ARRAY['-1', 'NaN', '-Infinity']) x;
SELECT matches(t.error('SELECT * FROM crm.what_if(new_pct => 35)'), '^22023: new_pct 35 is given without a stage', 'a percentage without a stage');
SELECT matches(t.error('SELECT * FROM crm.what_if(1, ''nosuch'')'), '^22P02: .*"nosuch"', 'a stage that is not there');
SELECT is(t.error('SELECT * FROM crm.what_if(1, ''subscriber'')'),
	E'22023: stage "subscriber" has no rate to change\nDETAIL: It is not in the funnel.\nHINT: Use one of: lead, mql, sql, opportunity.', 'a stage outside the funnel');
SELECT is(t.error('SELECT * FROM crm.what_if(1, ''customer'')'),
	E'22023: stage "customer" has no rate to change\nDETAIL: It is the last stage of the funnel.\nHINT: Use one of: lead, mql, sql, opportunity.', 'the last stage');
SELECT matches(t.error('SELECT crm.what_if_answer(-1)'), '^22023: top_multiplier -1 ', 'the answer refuses the same');

-- rights
CREATE ROLE lc_analyst;
CREATE ROLE lc_stranger;
SELECT crm.grant_access('lc_analyst', 'analyst') \g /dev/null
SELECT is(t.error('SELECT * FROM crm.what_if(4)', 'lc_analyst'), 'none', 'an analyst may ask');
SELECT is(t.error('SELECT crm.what_if_answer(4)', 'lc_analyst'), 'none', 'and read the answer');
SELECT matches(t.error('SELECT * FROM crm.what_if(4)', 'lc_stranger'), '^42501: ', 'others may not');

SELECT * FROM finish();
ROLLBACK;
