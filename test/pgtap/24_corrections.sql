-- A wrong click is undone with all that came of it.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS leadcrm;
\ir include/error.sql
SELECT no_plan();
SELECT leadcrm.create_workspace();
CREATE FUNCTION t.handoff(id bigint) RETURNS text LANGUAGE sql
RETURN (SELECT concat_ws(' ', stage, status, status_category, coalesce(handed_off_at::date::text, '-'), coalesce(accepted_at::date::text, '-'),
	coalesce(returned_at::date::text, '-'), return_count) FROM crm.lead WHERE lead_id = id);
CREATE FUNCTION t.move(id bigint, stage text, at date, why text DEFAULT NULL) RETURNS void LANGUAGE sql AS
$$UPDATE crm.lead SET stage = move.stage::leadcrm.lifecycle_stage, stage_since = at, stage_reason = why WHERE lead_id = id$$;
CREATE FUNCTION t.correct(state_column name, id bigint) RETURNS void LANGUAGE sql AS
$$SELECT leadcrm.correct('crm.lead', state_column, id::text, 'wrong click')$$;
ALTER TABLE crm.lead ALTER COLUMN lead_id RESTART WITH 1000;

-- customer by mistake
INSERT INTO crm.lead (lead_id, stage, stage_since, status_since, company) VALUES (1, 'mql', '2024-01-01', '2024-01-01', 'ACME');
SELECT t.move(1, 'sql', '2024-01-02');
SELECT t.move(1, 'opportunity', '2024-01-03');
UPDATE crm.lead SET status = 'postponed' WHERE lead_id = 1;
SELECT t.move(1, 'customer', '2024-01-04');
SELECT is((SELECT count(*) FROM crm.customer), 1::bigint, 'a customer');
SELECT is((SELECT customers FROM (SELECT count(*) FILTER (WHERE stage_peak >= 'customer') AS customers FROM crm.lead) c), 1::bigint, 'counted');
SELECT t.correct('stage', 1);
SELECT is((SELECT count(*) FROM crm.customer), 0::bigint, 'the customer goes with the wrong click');
SELECT is(t.handoff(1), 'opportunity postponed attention 2024-01-01 2024-01-02 - 0', 'the status that it had comes back');
SELECT results_eq('SELECT stage_peak::text, customer_at FROM crm.lead WHERE lead_id = 1', $$VALUES ('opportunity', NULL::timestamptz)$$, 'peak and stamp too');
SELECT results_eq('SELECT entered FROM crm.funnel_leak WHERE stage = ''customer''', 'VALUES (0::bigint)', 'the funnel never saw it');
SELECT t.move(1, 'customer', '2024-02-04');
SELECT is((SELECT count(*) FROM crm.customer WHERE customer_since = '2024-02-04'), 1::bigint, 'becoming one in earnest makes it anew');

-- an evangelist by mistake stays a customer
SELECT t.move(1, 'evangelist', '2024-02-05');
SELECT t.correct('stage', 1);
SELECT is((SELECT count(*) FROM crm.customer), 1::bigint, 'a corrected evangelist is still a customer');

-- handoff, acceptance, return
INSERT INTO crm.lead (lead_id, stage_since, status_since) VALUES (2, '2024-01-01', '2024-01-01');
SELECT t.move(2, 'mql', '2024-01-02');
SELECT t.correct('stage', 2);
SELECT is(t.handoff(2), 'lead new to_contact - - - 0', 'a corrected handoff');
SELECT t.move(2, 'mql', '2024-01-03');
SELECT t.move(2, 'sql', '2024-01-04');
SELECT t.correct('stage', 2);
SELECT is(t.handoff(2), 'mql new to_contact 2024-01-03 - - 0', 'a corrected acceptance');
SELECT t.move(2, 'sql', '2024-01-05');
SELECT t.move(2, 'lead', '2024-01-06', 'not_ready');
SELECT is(t.handoff(2), 'lead new to_contact 2024-01-03 2024-01-05 2024-01-06 1', 'returned');
SELECT isnt((SELECT recycle_on FROM crm.lead WHERE lead_id = 2), NULL, 'to be tried again');
SELECT t.correct('stage', 2);
SELECT is(t.handoff(2), 'sql new to_contact 2024-01-03 2024-01-05 - 0', 'a corrected return');
SELECT is((SELECT recycle_on FROM crm.lead WHERE lead_id = 2), NULL, 'nothing to be tried again');
SELECT t.move(2, 'lead', '2024-01-07', 'not_ready');
SELECT t.move(2, 'mql', '2024-01-08');
SELECT is(t.handoff(2), 'mql new to_contact 2024-01-08 - 2024-01-07 1', 'a second handoff');
SELECT t.correct('stage', 2);
SELECT is(t.handoff(2), 'lead new to_contact 2024-01-03 2024-01-05 2024-01-07 1', 'corrected, the first is the latest again');

-- unqualified by mistake is two changes, undone one after the other
SELECT t.move(2, 'sql', '2024-01-09');
UPDATE crm.lead SET status = 'connected', status_since = '2024-01-09 12:00' WHERE lead_id = 2;
UPDATE crm.lead SET status = 'unqualified', status_reason = 'not_target', status_since = '2024-01-10' WHERE lead_id = 2;
SELECT is(t.handoff(2), 'lead unqualified closed 2024-01-03 2024-01-05 2024-01-10 2', 'unqualified');
SELECT t.correct('status', 2);
SELECT is(t.handoff(2), 'lead connected connected 2024-01-03 2024-01-05 2024-01-10 2', 'the status corrected');
SELECT t.correct('stage', 2);
SELECT is(t.handoff(2), 'sql connected connected 2024-01-03 2024-01-05 2024-01-07 1', 'and the stage');

-- or the stage first
UPDATE crm.lead SET status = 'unqualified', status_reason = 'not_target', status_since = '2024-01-11' WHERE lead_id = 2;
SELECT t.correct('stage', 2);
SELECT is(t.handoff(2), 'sql unqualified closed 2024-01-03 2024-01-05 2024-01-07 1', 'the stage first: the status stays');
SELECT t.correct('status', 2);
SELECT is(t.handoff(2), 'sql connected connected 2024-01-03 2024-01-05 2024-01-07 1', 'until it is corrected too');

-- excluded by mistake
INSERT INTO crm.reason (code, label, kind, outcome, exclude_as) VALUES ('ours', 'One of us', 'unqualified', 'exclude', 'employee');
SELECT t.move(2, 'lead', '2024-01-12', 'ours');
SELECT is((SELECT excluded_as FROM crm.lead WHERE lead_id = 2), 'employee', 'excluded by a reason');
SELECT t.correct('stage', 2);
SELECT is((SELECT excluded_as FROM crm.lead WHERE lead_id = 2), NULL, 'and taken back');

-- what an import brought stays where the wrong click has nothing to do with the handoff
INSERT INTO crm.lead (lead_id, stage, lead_at, sql_at, opportunity_at, handed_off_at, accepted_at) VALUES
	(3, 'opportunity', '2023-01-01', '2023-03-01', '2023-04-01', '2023-02-01', '2023-02-02');
SELECT t.move(3, 'customer', '2024-01-01');
SELECT t.correct('stage', 3);
SELECT is(t.handoff(3), 'opportunity open_deal with_deal 2023-02-01 2023-02-02 - 0', 'an imported handoff');

SELECT is_empty('SELECT * FROM leadcrm.verify(''crm.lead'')', 'rows and histories agree');
SELECT * FROM finish();
ROLLBACK;
