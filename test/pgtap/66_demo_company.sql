-- The generated company of the demo: the leak that is planted in it is what the views find.
CREATE EXTENSION pgtap;
CREATE EXTENSION leadcrm;
SELECT leadcrm.create_workspace('crm');
\o /dev/null
\ir ../../demo/company.sql
\o
SET jit = off;
SELECT plan(13);

SELECT is((SELECT count(*) FROM crm.lead), 20040::bigint, 'some 20,000 leads');
SELECT is((SELECT count(*) FROM leadcrm.verify('crm.lead')), 0::bigint, 'rows and histories agree');
SELECT ok((SELECT min(created_at) > now() - interval '745 days' AND max(created_at) > now() - interval '1 hour' FROM crm.lead),
	'over the last two years');
SELECT results_eq('SELECT stage::text FROM crm.funnel_leak WHERE is_bottleneck', $$VALUES ('mql')$$, 'the planted leak is the bottleneck');
SELECT results_eq('SELECT channel, stage::text FROM crm.funnel_leak_by_channel WHERE is_bottleneck',
	$$VALUES ('paid_search', 'mql')$$, 'and lies in one channel');
SELECT ok((SELECT recoverable_customers > 20 FROM crm.funnel_leak WHERE is_bottleneck), 'mending it is worth something');
SELECT is((SELECT count(*) FROM crm.funnel_leak WHERE least(active, stalled, leaked) > 0 OR stage = 'customer'), 5::bigint,
	'every stage has leads of every kind');
SELECT ok((SELECT sum(returned) > 500 FROM crm.funnel_leak), 'many were sent back');
SELECT is((SELECT count(*) FROM crm.lead WHERE fit_by_hand OR fit IS NULL), 12::bigint, 'its fit follows from rules, but where somebody knew better');
SELECT is((SELECT count(*) FROM crm.backfill_conflict), 0::bigint, 'its stamps are in order');
SELECT is((SELECT count(*) FROM crm.stage_history WHERE corrects IS NOT NULL), 1::bigint, 'one wrong click was corrected');
SELECT is((SELECT count(*) FROM crm.customer), (SELECT entered FROM crm.funnel_leak WHERE stage = 'customer')
	+ (SELECT count(*) FROM crm.excluded_lead WHERE stage >= 'customer'), 'every customer has a row, the wrong click none');
SELECT results_eq('SELECT stage, balance FROM crm.stage_flow WHERE day = (SELECT max(day) FROM crm.stage_flow) ORDER BY stage',
	'SELECT stage, count(*) FROM crm.lead WHERE excluded_as IS NULL GROUP BY stage ORDER BY stage', 'the daily flow ends at what is there');

SELECT * FROM finish();
