-- Values of leads: what cannot be added up, or stand in the index, is refused where it is written, and what is not breaks no figure.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS leadcrm;
\ir include/error.sql
SELECT no_plan();
SELECT leadcrm.create_workspace();

SELECT matches(t.error(format('INSERT INTO crm.lead (value) VALUES (%s)', v.value)), '^23514: .* violates check constraint "' || v.rule || '"', v.what)
FROM (VALUES ('1e400', 'lead_value_is_below_1e30', 'beyond double precision'), ('1e30', 'lead_value_is_below_1e30', 'at the bound'),
	('1e131071 + 1e-16383', 'lead_value_(is_below_1e30|has_up_to_100_decimals)', 'the greatest of all'), ('1e-101', 'lead_value_has_up_to_100_decimals', 'too many decimals'),
	('(SELECT (''0.'' || string_agg(floor(10 * random())::text, '''') || ''1'')::numeric FROM generate_series(1, 12000))', 'lead_value_has_up_to_100_decimals',
		'more digits than an index holds'),
	('-1', 'lead_value_is_not_negative', 'negative'), ('''NaN''', 'lead_value_.*', 'not a number'), ('''Infinity''', 'lead_value_.*', 'infinite')) v (value, rule, what);
INSERT INTO crm.lead (lead_id, value) VALUES (1, 7);
SELECT matches(t.error('UPDATE crm.lead SET value = 1e400'), '^23514: .*"lead_value_is_below_1e30"', 'an update');

-- many leads next to the bound, the digits of each as many as may be, in all stages and ends
INSERT INTO crm.lead (value, channel, created_at, lead_at, mql_at, sql_at, opportunity_at, customer_at, stage, status)
SELECT CASE WHEN i % 3 > 0 THEN 1e30 - 1e-100 ELSE i % 2 END, c.code, a.at, a.at, CASE WHEN p.peak >= 3 THEN a.at + interval '1 day' END,
	CASE WHEN p.peak >= 4 THEN a.at + interval '2 days' END, CASE WHEN p.peak >= 5 THEN a.at + interval '3 days' END,
	CASE WHEN p.peak >= 6 THEN a.at + interval '4 days' END, p.stage,
	CASE WHEN p.peak < 6 AND i % 4 = 0 THEN 'unqualified' ELSE '(none)' END
FROM generate_series(1, 3000) i
CROSS JOIN LATERAL (SELECT date_trunc('month', now()) - (1 + i % 9) * interval '20 days' AS at) a
CROSS JOIN LATERAL (SELECT (ARRAY['lead', 'lead', 'lead', 'mql', 'mql', 'sql', 'opportunity', 'customer'])[1 + i % 8]::leadcrm.lifecycle_stage AS stage,
	(ARRAY[2, 2, 2, 3, 3, 4, 5, 6])[1 + i % 8] AS peak) p
CROSS JOIN LATERAL (SELECT (array_agg(code ORDER BY code))[1 + i % count(*)::int] AS code FROM crm.channel) c;
SELECT is((SELECT sum(lost_value) FROM crm.funnel_leak), (SELECT sum(value) FROM crm.funnel_lead WHERE outcome <> 'active'), 'the sum of what is lost is exact');
SELECT cmp_ok((SELECT sum(lost_value) FROM crm.funnel_leak), '>', 1e32, 'and great');
SELECT lives_ok('SELECT * FROM crm.' || quote_ident(relname), relname || ' shows them') FROM pg_class WHERE relnamespace = 'crm'::regnamespace AND relkind = 'v' ORDER BY 1;
SELECT lives_ok(statement, statement) FROM unnest(ARRAY['SELECT crm.funnel_report_html()', 'SELECT * FROM crm.what_if(4)', 'SELECT crm.what_if_answer(4)',
	'SELECT crm.what_if_answer(1, ''mql'', 90)', 'SELECT * FROM crm.funnel_between(''-infinity'', ''infinity'')', 'SELECT * FROM crm.funnel_at(now())',
	'SELECT * FROM crm.conversion_curve(''lead'')']) statement;
SELECT cmp_ok((SELECT max(revenue_now) FROM crm.what_if()), '>', 1e30, 'revenue of a month');
SELECT is((SELECT sum(value_change) FROM crm.leak_change(daterange((now() - interval '170 days')::date, (now() - interval '100 days')::date),
		daterange((now() - interval '100 days')::date, (now() + interval '1 day')::date))),
	(SELECT coalesce(sum(value) FILTER (WHERE created_at::date >= (now() - interval '100 days')::date), 0)
		- coalesce(sum(value) FILTER (WHERE created_at::date < (now() - interval '100 days')::date), 0)
		FROM crm.lead WHERE stage = 'customer' AND created_at::date >= (now() - interval '170 days')::date), 'the parts of a change add up');
SELECT cmp_ok(crm.fold(), '>', 0::bigint, 'deltas fold');
SELECT is_empty('SELECT * FROM crm.verify_cubes()', 'the cubes agree');
SELECT is((SELECT sum(lost_value) FROM crm.funnel_leak), (SELECT sum(value) FROM crm.funnel_lead WHERE outcome <> 'active'), 'folded, too');

SELECT * FROM finish();
ROLLBACK;
