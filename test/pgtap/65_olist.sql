-- Real leads: the marketing funnel of Olist, against figures that were counted from the files by other means. The files,
-- which are no part of this project, are looked for in $LEADCRM_DATA or $LEADCRM_DATA/olist; default: ../shared/data.
CREATE EXTENSION pgtap;
CREATE EXTENSION leadcrm;
SELECT leadcrm.create_workspace('crm');

\getenv data LEADCRM_DATA
\if :{?data}
\else
\set data ''
\endif
SELECT coalesce(nullif(:'data', ''), '../shared/data') AS data \gset
-- the directory itself, or the one above
\set data `if [ -d :'data'/olist ]; then echo :'data'/olist; else echo :'data'; fi`
\set there `cd :'data' 2>/dev/null && test -r olist_marketing_qualified_leads_dataset.csv && test -r olist_closed_deals_dataset.csv && echo 1 || echo 0`
\if :there
\else
\echo 1..0 # SKIP no files of Olist in :data
\q
\endif

\ir ../../demo/olist.sql
SET jit = off;
SET TimeZone = 'Asia/Tbilisi';	-- figures go by the workspace's zone, not by the session's
SELECT plan(31);

SELECT is((SELECT count(*) FROM crm.lead), 8000::bigint, 'all leads are there');
SELECT is((SELECT count(*) FROM crm.customer), 842::bigint, 'and as many customers as deals');
SELECT is((SELECT count(*) FROM leadcrm.verify('crm.lead')), 0::bigint, 'rows and histories agree');

-- the funnel that the demo sets up: mql and customer
SELECT results_eq(
	'SELECT stage::text, entered, advanced, active, stalled, returned, leaked, skipped, joined_later FROM crm.funnel_leak',
	$$VALUES ('mql', 8000::bigint, 842::bigint, 0::bigint, 7158::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint),
		('customer', 842, 0, 842, 0, 0, 0, 0, 0)$$,
	'842 of 8,000; the others, years old, are stalled');
SELECT results_eq('SELECT conversion_pct, resolved_pct, cumulative_pct, lost, is_bottleneck FROM crm.funnel_leak',
	'VALUES (10.525, 10.525, 100.0, 7158::bigint, true), (NULL, NULL, 10.525, 0, false)', 'conversion');
SELECT results_eq('SELECT round(mean_days, 4), round(median_days, 4), round(p90_days, 4) FROM crm.funnel_leak WHERE stage = ''mql''',
	'VALUES (49.1008, 14.6507, 162.5888)', 'days from first contact to deal');
SELECT is((SELECT round(reference_pct, 4) FROM crm.funnel_leak WHERE stage = 'mql'), 16.2875,
	'the reference is the best channel with at least 100 leads');
SELECT is((SELECT round(recoverable_customers, 4) FROM crm.funnel_leak WHERE stage = 'mql'),
	round((0.162875341219290 - 0.10525) * 8000, 4), 'what the reference would bring');

-- by channel
PREPARE origins AS
	SELECT channel, entered, advanced FROM crm.funnel_leak_by_channel WHERE stage = 'mql' AND entered > 0 ORDER BY entered DESC;
SELECT results_eq('origins', $$VALUES ('organic_search', 2296::bigint, 271::bigint), ('paid_search', 1586, 195), ('social', 1350, 75),
	('unknown', 1099, 179), ('direct_traffic', 499, 56), ('email', 493, 15), ('referral', 284, 24), ('other', 150, 4),
	('display', 118, 6), ('other_publicities', 65, 3), ('(none)', 60, 14)$$, 'leads and deals by channel, blank apart from unknown');
SELECT is((SELECT string_agg(round(conversion_pct / 100, 6)::text, ' ' ORDER BY entered DESC) FROM crm.funnel_leak_by_channel
		WHERE stage = 'mql' AND entered > 0),
	'0.118031 0.122951 0.055556 0.162875 0.112224 0.030426 0.084507 0.026667 0.050847 0.046154 0.233333', 'conversion by channel');
SELECT is((SELECT string_agg(concat(channel, ' ', round(median_days, 4), ' ', round(p90_days, 4)), ', ' ORDER BY channel COLLATE "C")
		FROM crm.funnel_leak_by_channel WHERE stage = 'mql' AND entered > 0),
	'(none) 8.0840 118.7912, direct_traffic 10.5762 92.5439, display 9.1690 21.2191, email 21.1250 163.5264, '
	'organic_search 14.9094 171.9084, other 9.5574 34.0548, other_publicities 35.7917 46.0982, paid_search 15.6746 182.0244, '
	'referral 19.3708 93.8958, social 30.5564 151.8011, unknown 11.8273 126.0096', 'days by channel');
SELECT is((SELECT channel_label FROM crm.funnel_leak_by_channel WHERE channel = 'other_publicities' LIMIT 1), 'Other publicities',
	'a channel made on the fly has a name');

-- by month
CREATE TABLE month_truth (month date, leads int, won int, d30 int, d60 int, d90 int, wins int);
INSERT INTO month_truth VALUES ('2017-06-01', 4, 0, 0, 0, 0, 0), ('2017-07-01', 239, 2, 0, 0, 0, 0), ('2017-08-01', 386, 9, 0, 0, 0, 0),
	('2017-09-01', 312, 7, 0, 0, 0, 0), ('2017-10-01', 416, 14, 0, 0, 0, 0), ('2017-11-01', 445, 18, 2, 4, 7, 0),
	('2017-12-01', 200, 11, 1, 6, 6, 3), ('2018-01-01', 1141, 152, 95, 117, 129, 73), ('2018-02-01', 1028, 149, 99, 119, 128, 113),
	('2018-03-01', 1174, 167, 111, 134, 140, 147), ('2018-04-01', 1352, 183, 147, 162, 171, 207),
	('2018-05-01', 1303, 130, 91, 101, 109, 122);
SELECT results_eq('SELECT month, entered::int, advanced::int FROM crm.funnel_leak_by_month WHERE stage = ''mql'' ORDER BY month',
	'SELECT month, leads, won FROM month_truth ORDER BY month', 'leads and deals by month of creation');
SELECT is(sum(f.entered), sum(t.leads)::numeric, 'cohort of ' || to_char(t.month, 'YYYY-MM') || ': leads')
	FROM month_truth t, crm.funnel_between(t.month, (t.month + interval '1 month')::date, 'mql') f
	WHERE f.stage = 'mql' GROUP BY t.month HAVING t.month IN ('2017-06-01', '2018-03-01');
SELECT is((SELECT string_agg(concat_ws(' ', round(f.within_30d_pct * f.entered / 100)::int, round(f.within_60d_pct * f.entered / 100)::int,
			round(f.within_90d_pct * f.entered / 100)::int), ', ' ORDER BY t.month)
		FROM month_truth t, crm.funnel_between(t.month, (t.month + interval '1 month')::date, 'mql') f WHERE f.stage = 'mql'),
	(SELECT string_agg(concat_ws(' ', d30, d60, d90), ', ' ORDER BY month) FROM month_truth),
	'won within 30, 60 and 90 days, by month of first contact');
SELECT results_eq('SELECT round(within_30d_pct, 4), round(within_60d_pct, 4), round(within_90d_pct, 4)
		FROM crm.funnel_between(''2017-06-01'', ''2018-06-01'', ''mql'') WHERE stage = ''mql''',
	'SELECT round(100.0 * 546 / 8000, 4), round(100.0 * 643 / 8000, 4), round(100.0 * 690 / 8000, 4)', 'and over all of them');
SELECT is(f.entered, t.wins::bigint, 'deals won in ' || to_char(t.month, 'YYYY-MM'))
	FROM month_truth t, crm.funnel_between(t.month, (t.month + interval '1 month')::date, 'customer') f
	WHERE f.stage = 'customer' AND t.month >= '2018-01-01' ORDER BY t.month;
SELECT is((SELECT sum(came_in) FROM crm.stage_flow WHERE stage = 'customer' AND day BETWEEN '2018-04-01' AND '2018-04-30'), 207::numeric,
	'the daily flow has the same');
SELECT results_eq('SELECT stage::text, balance FROM crm.stage_flow WHERE day = (SELECT max(day) FROM crm.stage_flow) AND balance > 0',
	$$VALUES ('mql', 7158::bigint), ('customer', 842)$$, 'and its balance is what stands there');

-- contradictions, stuck leads, owners
SELECT results_eq('SELECT stage::text, later_stage::text, round(days, 4) FROM crm.backfill_conflict',
	$$VALUES ('mql', 'customer', 1.1813)$$, 'the one deal that was won before its first contact');
SELECT is((SELECT count(*) FROM crm.stuck_lead), 7158::bigint, 'whom nobody closed is stuck');
SELECT is((SELECT string_agg(entered::text, ' ') FROM (SELECT entered FROM crm.funnel_leak_by_owner WHERE stage = 'customer'
	AND owner <> '(none)' ORDER BY entered DESC LIMIT 5) x), '133 82 74 64 63', 'deals of the five best sales people');
SELECT is((SELECT count(DISTINCT owner) FROM crm.lead WHERE owner <> '(none)'), 22::bigint, '22 of them have deals');
SELECT is((SELECT sum((attributes ->> 'monthly_revenue')::numeric) FROM crm.lead), 61784006.00, 'declared revenue is kept');

-- the same leads in the funnel of five stages: what the files do not know was skipped, or lies before they joined
UPDATE crm.stage SET in_funnel = stage BETWEEN 'lead' AND 'customer';
SELECT results_eq('SELECT stage::text, entered, advanced, stalled, skipped, joined_later FROM crm.funnel_leak',
	$$VALUES ('lead', 8000::bigint, 8000::bigint, 0::bigint, 0::bigint, 8000::bigint), ('mql', 8000, 842, 7158, 0, 0),
		('sql', 842, 842, 0, 842, 0), ('opportunity', 842, 842, 0, 842, 0), ('customer', 842, 0, 0, 0, 0)$$,
	'five stages: skipped and joined later');
SELECT is((SELECT count(median_days) FROM crm.funnel_leak), 0::bigint, 'no two neighbouring stages have stamps, so there are no days');

SELECT * FROM finish();
