-- One lead's life as the views tell it, the lists that people work through, and who may read them.
BEGIN;
CREATE EXTENSION pgtap;
CREATE EXTENSION leadcrm;
SELECT leadcrm.create_workspace('crm');
SET TimeZone = 'UTC';
SELECT plan(40);

UPDATE crm.setting SET time_zone = 'Asia/Tbilisi';
INSERT INTO crm.rep (code, full_name) VALUES ('nino', 'ნინო');
INSERT INTO crm.campaign (code, label, channel) VALUES ('fair', 'Frühjahrsmesse', 'event');
CREATE FUNCTION id(text) RETURNS bigint LANGUAGE sql AS 'SELECT lead_id FROM crm.lead WHERE external_id = $1';
CREATE TABLE start AS SELECT date_trunc('second', now()) - interval '100 days' AS at;

-- a life of a hundred days: sent back once, qualified again, a wrong click undone
SET leadcrm.actor = 'web';
INSERT INTO crm.lead (external_id, full_name, channel, campaign_id, value, stage, stage_since)
	SELECT 'a', 'Ana', 'event', campaign_id, 500, 'lead', at FROM crm.campaign, start WHERE code = 'fair';
SET leadcrm.actor = 'nino';
UPDATE crm.lead SET stage = 'mql', stage_since = (SELECT at + interval '10 days' FROM start) WHERE external_id = 'a';
UPDATE crm.lead SET stage = 'lead', stage_reason = 'not_ready', stage_since = (SELECT at + interval '12 days' FROM start)
	WHERE external_id = 'a';
UPDATE crm.lead SET stage = 'mql', stage_since = (SELECT at + interval '50 days' FROM start) WHERE external_id = 'a';
UPDATE crm.lead SET stage = 'sql', stage_since = (SELECT at + interval '55 days' FROM start) WHERE external_id = 'a';
SELECT leadcrm.correct('crm.lead', 'stage', id('a')::text, 'wrong row') AS corrected \gset
UPDATE crm.lead SET stage = 'sql', stage_since = (SELECT at + interval '60 days' FROM start) WHERE external_id = 'a';
UPDATE crm.lead SET owner = 'nino' WHERE external_id = 'a';

SELECT results_eq($$SELECT seq, from_code, to_code, to_label, extract(day FROM changed_at - s.at)::int, reason, reason_label, actor, round(stayed_days, 6)
		FROM crm.lead_timeline, start s WHERE lead_id = id('a') AND what = 'stage' ORDER BY position$$, $$VALUES
	(1, NULL, 'lead', 'Lead', 0, NULL, NULL, 'web', NULL::numeric),
	(2, 'lead', 'mql', 'Marketing qualified lead', 10, NULL, NULL, 'nino', 10.0),
	(3, 'mql', 'lead', 'Lead', 12, 'not_ready', 'Not ready', 'nino', 2.0),
	(4, 'lead', 'mql', 'Marketing qualified lead', 50, NULL, NULL, 'nino', 38.0),
	(7, 'mql', 'sql', 'Sales qualified lead', 60, NULL, NULL, 'nino', 10.0)$$, 'lead_timeline: stages, without the wrong click');
SELECT results_eq($$SELECT from_code, from_label, to_code, to_label FROM crm.lead_timeline WHERE lead_id = id('a') AND what = 'owner' ORDER BY position$$,
	$$VALUES (NULL, NULL, '(none)', '(none)'), ('(none)', '(none)', 'nino', 'ნინო')$$, 'owners, in any script');
SELECT is((SELECT count(*) FROM crm.lead_timeline WHERE what = 'status' AND to_code = 'new'), 1::bigint, 'and the status');
SELECT is((SELECT array_agg(position) FROM crm.lead_timeline WHERE lead_id = id('a')),
	ARRAY(SELECT generate_series(1, (SELECT count(*) FROM crm.lead_timeline))), 'numbered from 1');

SELECT results_eq($$SELECT stage::text, entry_number, came, went, round(stay_days, 3), is_current, to_stage::text FROM crm.stage_entry_fact
		WHERE lead_id = id('a') AND NOT is_current ORDER BY seq$$, $$VALUES
	('lead', 1::bigint, 'born', 'forward', 10.0, false, 'mql'), ('mql', 1, 'forward', 'back', 2.0, false, 'lead'),
	('lead', 2, 'back', 'forward', 38.0, false, 'mql'), ('mql', 2, 'forward', 'forward', 10.0, false, 'sql')$$, 'stage_entry_fact');
SELECT results_eq($$SELECT stage::text, round(stay_days)::int, went, campaign_label FROM crm.stage_entry_fact WHERE is_current$$,
	$$VALUES ('sql', 40, NULL, 'Frühjahrsmesse')$$, 'the stay that lasts counts up to now');
SELECT results_eq($$SELECT stage::text, position, round(latest_days, 1), round(cumulative_days, 1), extract(day FROM first_entered_at - at)::int,
		extract(day FROM last_exited_at - at)::int, entries, is_current FROM crm.stage_stay, start ORDER BY position$$, $$VALUES
	('lead', 2, 38.0, 48.0, 0, 50, 2::bigint, false), ('mql', 3, 10.0, 12.0, 10, 60, 2, false), ('sql', 4, 40.0, 40.0, 60, NULL, 1, true)$$,
	'stage_stay: latest and cumulative time, first entry, last exit');
SELECT results_eq($$SELECT stage::text, sum(came_in), sum(went_on), sum(went_back) FROM crm.stage_flow GROUP BY position, stage
		HAVING sum(came_in) > 0 ORDER BY position$$, $$VALUES ('lead', 2::numeric, 2::numeric, 0::numeric), ('mql', 2, 1, 1), ('sql', 1, 0, 0)$$,
	'stage_flow: came in, went on, went back');
SELECT is((SELECT string_agg(stage::text || ' ' || balance, ', ' ORDER BY position) FROM crm.stage_flow, start
	WHERE day = ((at + interval '30 days') AT TIME ZONE 'Asia/Tbilisi')::date AND balance > 0), 'lead 1', 'the balance of a day between');
SELECT is((SELECT count(*) FROM crm.stage_flow, start WHERE day < (at AT TIME ZONE 'Asia/Tbilisi')::date), 0::bigint, 'the first day is the first move''s');
SELECT is((SELECT max(day) FROM crm.stage_flow), (now() AT TIME ZONE 'Asia/Tbilisi')::date, 'the last one is today');

SELECT results_eq($$SELECT stage::text, stage_position, campaign, campaign_label, owner_label, outcome, outcome_position, is_alive, is_won, funnel_stage::text,
		round(lead_days, 1), round(mql_days, 1), round(sql_days, 1), opportunity_days, return_count, value, created_month::text FROM crm.lead_fact$$,
	$$SELECT 'sql', 4, 'fair', 'Frühjahrsmesse', 'ნინო', 'stalled', 2, true, false, 'sql', 48.0, 12.0, 40.0, NULL::numeric, 1, 500::numeric,
		date_trunc('month', at AT TIME ZONE 'Asia/Tbilisi')::date::text FROM start$$, 'lead_fact');
SELECT is((SELECT sql_at FROM crm.lead_fact), (SELECT at + interval '60 days' FROM start), 'the figures never saw the wrong click');
SELECT is((SELECT median_days FROM crm.funnel_leak WHERE stage = 'mql'), 50.0, 'nor did the funnel: from the first mql to the first sql');

-- stuck, with the last sign of life
SELECT results_eq($$SELECT external_id, stage::text, round(stage_days)::int, round(stuck_after_days)::int, round(overdue_days)::int, last_sign,
		last_sign_at = stage_since FROM crm.stuck_lead$$, $$VALUES ('a', 'sql', 40, 21, 19, 'stage', true)$$, 'stuck_lead');
UPDATE crm.lead SET first_touch_at = now() - interval '5 days' WHERE external_id = 'a';
SELECT results_eq('SELECT last_sign, last_sign_at FROM crm.stuck_lead', $$SELECT 'first_touch', now() - interval '5 days'$$, 'a later sign of life');
INSERT INTO crm.activity (lead_id, kind, occurred_at) VALUES (id('a'), 'email_open', now() - interval '9 days'),
	(id('a'), 'page_view', now() - interval '3 days'), (id('a'), 'download', now() + interval '1 hour');
SELECT results_eq('SELECT last_sign, last_sign_at FROM crm.stuck_lead', $$SELECT 'activity', now() - interval '3 days'$$,
	'the latest activity, not one that is still to come');
UPDATE crm.lead SET status = 'connected' WHERE external_id = 'a';
SELECT results_eq('SELECT last_sign, last_sign_at > now() - interval ''1 day'' FROM crm.stuck_lead', $$VALUES ('status', true)$$, 'a change of status');
UPDATE crm.stage SET stuck_after = '41 days' WHERE stage = 'sql';
SELECT is((SELECT count(*) FROM crm.stuck_lead), 0::bigint, 'the threshold moves: not stuck');
UPDATE crm.stage SET stuck_after = '21 days' WHERE stage = 'sql';
UPDATE crm.lead SET status = 'lost' WHERE external_id = 'a';
SELECT is((SELECT count(*) FROM crm.stuck_lead), 0::bigint, 'who is closed is not stuck');
SELECT is((SELECT outcome FROM crm.lead_fact), 'leaked', 'but has leaked');

-- statuses
SELECT results_eq($$SELECT code, leads_now, leads_ever FROM crm.status_usage WHERE leads_ever > 0 ORDER BY code$$,
	$$VALUES ('connected', 0::bigint, 1::bigint), ('lost', 1, 1), ('new', 0, 1)$$, 'status_usage');
SELECT is((SELECT count(*) FROM crm.status_usage WHERE last_set_at IS NULL AND leads_now = 0), (SELECT count(*) - 3 FROM crm.lead_status),
	'what nobody ever used');

-- excluded leads are in no figure
UPDATE crm.lead SET excluded_as = 'test' WHERE external_id = 'a';
SELECT results_eq('SELECT external_id, excluded_as, label FROM crm.excluded_lead', $$VALUES ('a', 'test', 'Sales qualified lead')$$, 'excluded_lead');
SELECT is((SELECT sum(entered) FROM crm.funnel_leak) + (SELECT count(*) FROM crm.lead_fact) + (SELECT count(*) FROM crm.stage_entry_fact)
	+ (SELECT count(*) FROM crm.stage_stay) + (SELECT count(*) FROM crm.stage_flow), 0::numeric, 'and in no figure');
SELECT ok((SELECT count(*) > 5 FROM crm.lead_timeline), 'but its life is not forgotten');

-- stamps out of order are a conflict only where both were imported
INSERT INTO crm.lead (external_id, stage, lead_at, mql_at) VALUES ('wrong', 'mql', '2020-03-02', '2020-03-01'), ('right', 'mql', NULL, '2020-03-01');
INSERT INTO crm.lead (external_id, stage) VALUES ('live', 'mql');
UPDATE crm.lead SET stage = 'lead', stage_reason = 'not_ready' WHERE external_id IN ('right', 'live');
SELECT results_eq('SELECT external_id, stage::text, later_stage::text, days FROM crm.backfill_conflict', $$VALUES ('wrong', 'lead', 'mql', 1.0)$$,
	'backfill_conflict: a lead that was sent back is none');
DELETE FROM crm.lead WHERE external_id IN ('wrong', 'right', 'live');

-- a present stay that began later than the stamp of its stage: a second entry, in whatever tells it
INSERT INTO crm.lead (external_id, stage, opportunity_at, stage_since) VALUES ('later', 'opportunity', '2026-03-01', '2026-03-02 12:00');
SELECT results_eq($$SELECT entry_number, came, went, round(stay_days, 3), is_current FROM crm.stage_entry_fact WHERE lead_id = id('later') AND NOT is_current
	UNION ALL SELECT entry_number, came, went, NULL, is_current FROM crm.stage_entry_fact WHERE lead_id = id('later') AND is_current$$,
	$$VALUES (1::bigint, 'born', 'again', 1.5, false), (2, 'again', NULL, NULL, true)$$, 'an import in a later stay: came again');
SELECT results_eq($$SELECT y.entries, y.first_entered_at::date, y.last_exited_at, round(y.latest_days, 3) = round(f.stage_days, 3), round(y.cumulative_days - y.latest_days, 3)
	FROM crm.stage_stay y JOIN crm.lead_fact f USING (lead_id) WHERE lead_id = id('later')$$,
	$$VALUES (2::bigint, '2026-03-01'::date, '2026-03-02 12:00'::timestamptz, true, 1.5)$$, 'two entries');
SELECT results_eq($$SELECT day, came_in, came_again, went_on + went_back + removed, balance FROM crm.stage_flow WHERE stage = 'opportunity' AND came_in > 0 ORDER BY day$$,
	$$VALUES ('2026-03-01'::date, 1::bigint, 0::bigint, 0::bigint, 1::bigint), ('2026-03-02', 1, 1, 0, 1)$$, 'the flow has them too, and one lead');
-- changes of what the tracker keeps are on the record; a stay begins only where its time says so
SET leadcrm.enforcement = log;
SET client_min_messages = error;
UPDATE crm.lead SET sql_at = '2026-02-01' WHERE external_id = 'later';
UPDATE crm.lead SET stage_since = '2026-02-20' WHERE external_id = 'later';
RESET client_min_messages;
RESET leadcrm.enforcement;
SELECT results_eq($$SELECT position, from_code, to_code, forced, stayed_days FROM crm.lead_timeline WHERE lead_id = id('later') AND what = 'stage' AND forced ORDER BY position$$,
	$$VALUES (1::bigint, 'opportunity', 'opportunity', true, 0.0), (4, 'opportunity', 'opportunity', true, 0)$$, 'the timeline tells both');
SELECT results_eq($$SELECT entries, (SELECT sum(came_in) FROM crm.stage_flow f WHERE f.stage = 'opportunity'), (SELECT min(stay_days) FROM crm.stage_entry_fact e WHERE e.lead_id = y.lead_id)
	FROM crm.stage_stay y WHERE lead_id = id('later')$$, $$VALUES (3::bigint, 3::numeric, 0::numeric)$$, 'a third stay; one that ended before it began had no days');
DELETE FROM crm.lead WHERE external_id = 'later';
INSERT INTO crm.lead (external_id, stage, stage_since) VALUES ('ahead', 'lead', clock_timestamp() + interval '40 seconds');
SELECT results_eq($$SELECT y.latest_days, y.cumulative_days, f.stage_days, f.lead_days FROM crm.stage_stay y JOIN crm.lead_fact f USING (lead_id) WHERE lead_id = id('ahead')$$,
	$$VALUES (0::numeric, 0::numeric, 0::numeric, 0::numeric)$$, 'a stay that begins half a minute from now has no days yet');
DELETE FROM crm.lead WHERE external_id = 'ahead';

-- labels beside codes
INSERT INTO crm.lead (external_id, channel) VALUES ('b', 'referral'), ('c', '(none)');
INSERT INTO crm.lead (external_id, channel, campaign_id) SELECT 'd', 'event', campaign_id FROM crm.campaign;
SELECT results_eq('SELECT source_kind, source_kind_label, entered FROM crm.funnel_leak_by_source_kind WHERE stage = ''lead''',
	$$VALUES ('net', 'Inbound marketing', 1::bigint), ('seed', 'Word of mouth', 1), ('spear', 'Outbound', 0), (NULL, '(not known)', 1)$$, 'source kinds');
SELECT results_eq('SELECT campaign, campaign_label, entered FROM crm.funnel_leak_by_campaign WHERE stage = ''lead''',
	$$VALUES ('fair', 'Frühjahrsmesse', 1::bigint), (NULL, '(none)', 2)$$, 'campaigns');
SELECT results_eq('SELECT owner, owner_label, entered FROM crm.funnel_leak_by_owner WHERE stage = ''lead'' ORDER BY owner COLLATE "C"',
	$$VALUES ('(none)', '(none)', 3::bigint), ('nino', 'ნინო', 0)$$, 'owners');

-- who may read
CREATE ROLE test_analyst;
SELECT crm.grant_access('test_analyst', 'analyst') \g /dev/null
GRANT USAGE ON SCHEMA public TO test_analyst;
SET ROLE test_analyst;
SELECT lives_ok('SELECT * FROM crm.' || relname, 'an analyst reads ' || relname)
	FROM pg_class WHERE relnamespace = 'crm'::regnamespace AND relname IN ('funnel_leak_by_month', 'lead_fact', 'stage_flow') ORDER BY relname;
SELECT lives_ok('SELECT * FROM crm.funnel_between(''2020-01-01'', ''2030-01-01'')', 'and calls funnel_between');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
