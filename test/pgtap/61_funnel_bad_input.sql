-- What the funnel's functions refuse: no answer is empty because the question made no sense, and the message names what was wrong.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS leadcrm;
\ir include/error.sql
SELECT no_plan();
SELECT leadcrm.create_workspace();
SET LOCAL DateStyle = 'ISO, YMD';
INSERT INTO crm.lead (channel, created_at, lead_at, mql_at, stage) SELECT '(none)', a.at, a.at, a.at + interval '3 days', 'mql'
FROM (SELECT now() - interval '40 days' AS at) a;

-- three functions that take a dimension, a period and a stage
SELECT matches(t.error(format('SELECT * FROM crm.%s(%s)', f, q.arguments)), '^' || q.error, format('%s(%s)', f, q.arguments))
FROM (VALUES ('funnel_days'), ('funnel_count'), ('funnel_run')) f (f)
CROSS JOIN (VALUES
	($$'bogus', NULL, NULL, NULL$$, '22023: unknown dimension of the funnel: "bogus"'),
	($$'Channel', NULL, NULL, NULL$$, '22023: unknown dimension of the funnel: "Channel"'),
	($$'channel', '2026-02-01', '2026-01-01', NULL$$, '22023: the period ends before it begins: from 2026-02-01 until 2026-01-01'),
	($$'channel', 'infinity', '-infinity', NULL$$, '22023: the period ends before it begins: from infinity until -infinity'),
	($$NULL, '2026-02-01', NULL, NULL$$, '22004: the period has no end'),
	($$NULL, NULL, '2026-02-01', NULL$$, '22004: the period has no beginning'),
	($$NULL, NULL, NULL, 'mql'$$, '22023: cohort_stage mql is given without a period'),
	($$NULL, '4713-01-01 BC', '2026-01-01', NULL$$, '22008: the day 4713-01-01 BC is out of range'),
	($$'month', '2026-01-01', '5874897-12-31', 'mql'$$, '22008: the day 5874897-12-31 is out of range'),
	($$NULL, '2026-01-01', '2026-02-01', 'bogus'$$, '22P02: invalid input value for enum leadcrm.lifecycle_stage: "bogus"')) q (arguments, error);
-- the arguments of a query, too, not only constants
PREPARE days (text, date, date) AS SELECT * FROM crm.funnel_days($1, $2, $3, NULL);
SET LOCAL plan_cache_mode = force_generic_plan;
SELECT throws_ok($$EXECUTE days('bogus', NULL, NULL)$$, '22023', 'unknown dimension of the funnel: "bogus"', 'planned for any dimension');
SELECT throws_ok($$EXECUTE days('channel', '2026-02-01', '2026-01-01')$$, '22023', NULL, 'and for any period');
RESET plan_cache_mode;
-- what makes sense passes
SELECT results_eq(format('SELECT position FROM crm.funnel_days(%s)', arguments), 'SELECT 2', arguments)
FROM unnest(ARRAY[$$NULL, NULL, NULL, NULL$$, $$'', NULL, NULL, NULL$$, $$'channel', NULL, NULL, NULL$$, $$'campaign', '-infinity', 'infinity', NULL$$,
	$$'owner', '4700-01-01 BC', '290000-01-01', NULL$$, $$'source_kind', NULL, NULL, NULL$$, $$'temperature', '-infinity', 'infinity', 'mql'$$,
	$$'month', '2000-01-01', 'infinity', 'lead'$$]) arguments;
SELECT is_empty($$SELECT * FROM crm.funnel_days(NULL, '2026-01-01', '2026-01-01', NULL)$$, 'a period without a day has no days to tell of');

-- days that no timestamp comes near
SELECT is(t.error(statement), E'22008: the day ' || day || E' is out of range\nDETAIL: Periods begin and end between the years 4700 BC and 290000.\n'
	'HINT: Give ''-infinity'' or ''infinity'' for a period that is open on that side.', statement)
FROM (VALUES ($$SELECT * FROM crm.funnel_between('4713-01-01 BC', '5874897-12-31')$$, '4713-01-01 BC'),
	($$SELECT * FROM crm.funnel_between('2026-01-01', '5874897-12-31')$$, '5874897-12-31'),
	($$SELECT * FROM crm.funnel_between('4713-01-01 BC', '2026-01-01', 'mql')$$, '4713-01-01 BC'),
	($$SELECT * FROM crm.conversion_curve('lead', since => '5874897-12-31')$$, '5874897-12-31'),
	($$SELECT * FROM crm.conversion_curve('lead', until => '4713-01-01 BC')$$, '4713-01-01 BC'),
	($$SELECT crm.funnel_report_html('4713-01-01 BC', '2026-01-01')$$, '4713-01-01 BC'),
	($$SELECT crm.funnel_report_html(until => '290000-01-02')$$, '290000-01-02'),
	($$SELECT * FROM crm.leak_change('[2026-01-01,2026-02-01)', '[2026-02-01,5874897-12-31)')$$, '5874897-12-31'),
	($$SELECT * FROM crm.leak_change('[4713-01-01 BC,2026-02-01)', '[2026-02-01,2026-03-01)')$$, '4713-01-01 BC')) v (statement, day);
SELECT is(t.error(statement), 'none', statement)
FROM unnest(ARRAY[$$SELECT * FROM crm.funnel_between('4700-01-01 BC', '290000-01-01')$$, $$SELECT * FROM crm.funnel_between('4700-01-01 BC', '290000-01-01', 'mql')$$,
	$$SELECT * FROM crm.conversion_curve('lead', '4700-01-01 BC', '290000-01-01')$$, $$SELECT crm.funnel_report_html('4700-01-01 BC', '290000-01-01')$$,
	$$SELECT * FROM crm.leak_change('[4700-01-01 BC,2026-01-01)', '[2026-01-01,290000-01-01)')$$,
	$$SELECT * FROM crm.conversion_curve('lead', '-infinity', 'infinity')$$]) statement;
-- in any time zone
UPDATE crm.setting SET time_zone = 'Pacific/Kiritimati';
SELECT is(t.error($$SELECT * FROM crm.funnel_between('4700-01-01 BC', '290000-01-01')$$), 'none', 'east of all others');
UPDATE crm.setting SET time_zone = 'Pacific/Pago_Pago';
SELECT is(t.error($$SELECT * FROM crm.funnel_between('4700-01-01 BC', '290000-01-01', 'lead')$$), 'none', 'and west');

-- a workspace that was renamed says what to do first
ALTER SCHEMA crm RENAME TO other;
SELECT matches(t.error(format('SELECT * FROM other.%s(''channel'', ''2026-01-01'', ''2026-02-01'', NULL)', f)), 'HINT: SELECT leadcrm\.upgrade_workspace\(''other''\)', f || ' of a renamed workspace')
FROM unnest(ARRAY['funnel_days', 'funnel_count', 'funnel_run']) f;

SELECT * FROM finish();
ROLLBACK;
