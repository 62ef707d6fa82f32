-- The life of a lead: born, handed off, accepted, returned, recycled, won; what its status and stage make of each other.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS leadcrm;
\ir include/error.sql
SELECT no_plan();
SELECT leadcrm.create_workspace();
SET timezone = 'UTC';

-- one lead, its columns in words
CREATE FUNCTION t.lead(id bigint, VARIADIC columns text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SELECT concat_ws('' '', %s) FROM crm.lead WHERE lead_id = $1',
		array_to_string(ARRAY(SELECT format('coalesce((%s)::text, ''-'')', c) FROM unnest(columns) c), ', ')) INTO result USING id;
	RETURN result;
END
$$;

ALTER TABLE crm.lead ALTER COLUMN lead_id RESTART WITH 1000;

-- born
INSERT INTO crm.lead (lead_id, full_name) VALUES (1, 'Ona');
SELECT is(t.lead(1, 'stage', 'status', 'status_category', 'owner', 'channel', 'return_count'),
	'lead new to_contact (none) (none) 0', 'born with nothing said: a new lead that nobody owns, from nowhere');
SELECT is(t.lead(1, 'created_at = now()', 'handed_off_at', 'lead_at = stage_since'), 'true - true', 'created now, not handed off');
INSERT INTO crm.lead (lead_id, stage) VALUES (2, 'subscriber'), (3, 'mql'), (4, 'sql');
SELECT is(t.lead(2, 'status', 'status_category'), '(none) none', 'a subscriber has no status');
SELECT is(t.lead(3, 'status', 'handed_off_at = mql_at', 'mql_at = stage_since', 'accepted_at'), 'new true true -', 'born mql: handed off at once');
SELECT is(t.lead(4, 'status', 'handed_off_at', 'accepted_at'), 'new - -', 'born sql: sales found it itself');
INSERT INTO crm.lead (lead_id, status, owner, channel, created_at) VALUES (5, NULL, NULL, NULL, NULL);
SELECT is(t.lead(5, 'status', 'owner', 'channel', 'created_at = now()'), 'new (none) (none) true', 'NULL is not given');
-- but for the stage: an import that found none must not pass for a lead
SELECT matches(t.error('INSERT INTO crm.lead (external_id, stage) VALUES (''row 7'', NULL)'),
	'^23502: null value in column "stage" of relation "lead" .*\nDETAIL: Failing row contains .*row 7', 'a stage of NULL');
SELECT matches(t.error('UPDATE crm.lead SET stage = NULL WHERE lead_id = 5'),
	'^23502: column "stage" of tracked table "lead" must not be NULL\nHINT: Set it to a state, or leave it out of the statement', 'nor later');
INSERT INTO crm.lead (lead_id, stage, stage_since) VALUES (6, 'mql', '2024-05-01');
SELECT is(t.lead(6, 'mql_at', 'handed_off_at', 'created_at'),
	'2024-05-01 00:00:00+00 2024-05-01 00:00:00+00 2024-05-01 00:00:00+00', 'born in the past');
SELECT matches(t.error('INSERT INTO crm.lead (stage) VALUES (''customer'')'), '^23514: ', 'nobody is born a customer');
SELECT matches(t.error('INSERT INTO crm.lead (channel) VALUES (''nix'')'), '^23503: .*lead_channel_fkey', 'a channel that is not there');

-- a status at birth
SELECT is(t.error('INSERT INTO crm.lead (status) VALUES (''nix'')'),
	E'23503: there is no lead status "nix"\nDETAIL: Statuses at stage lead: new, attempted_to_connect, hot, connected, '
	'book_a_meeting, open, postponed, low_budget, unqualified, lost.\n'
	'HINT: Use one of these, or add a row to the table lead_status.\nAT: crm lead status lead_status_fkey', 'unknown');
SELECT is(t.error('INSERT INTO crm.lead (status) VALUES (''open_deal'')'),
	E'23514: lead status "open_deal" cannot be used at stage lead\nDETAIL: Statuses at stage lead: new, attempted_to_connect, '
	'hot, connected, book_a_meeting, open, postponed, low_budget, unqualified, lost.\n'
	'HINT: Use one of these, or change stages in its row of the table lead_status.\nAT: crm lead status lead_status_at_stage',
	'not for this stage');
SELECT is(t.error('INSERT INTO crm.lead (status) SELECT ''hot'' FROM generate_series(1, 3)'), 'none', 'usable');
SELECT is(t.error('INSERT INTO crm.lead (status, status_category) VALUES (''hot'', ''closed'')'),
	E'23503: insert or update on table "lead" violates foreign key constraint "lead_status_fkey"\n'
	'DETAIL: Key (status, status_category)=(hot, closed) is not present in table "lead_status".\nAT: crm lead lead_status_fkey',
	'a category that is not the status''s');
SELECT is((SELECT count(DISTINCT status_category) FROM crm.lead WHERE status = 'hot'), 1::bigint, 'the category comes by itself');

-- an upsert of a lead whose status fits its stage, not that of a new row
INSERT INTO crm.lead (lead_id, external_id, stage, lead_at, sql_at, opportunity_at) VALUES
	(7, 'x7', 'opportunity', '2024-01-01', '2024-01-02', '2024-01-03');
SELECT is(t.error($$INSERT INTO crm.lead (external_id, status) VALUES ('x7', 'postponed')
	ON CONFLICT (external_id) DO UPDATE SET status = EXCLUDED.status$$), 'none', 'upsert');
SELECT is(t.error($$INSERT INTO crm.lead (external_id, status) VALUES ('x7', 'open_deal')
	ON CONFLICT (external_id) DO UPDATE SET status = EXCLUDED.status$$), 'none', 'with a status that a new lead could not have');
SELECT is(t.lead(7, 'stage', 'status'), 'opportunity open_deal', 'updates');

-- handed off, accepted
UPDATE crm.lead SET stage = 'mql' WHERE lead_id = 1;
SELECT is(t.lead(1, 'handed_off_at = mql_at', 'accepted_at', 'status'), 'true - new', 'handed off');
UPDATE crm.lead SET stage = 'sql' WHERE lead_id = 1;
SELECT is(t.lead(1, 'handed_off_at = mql_at', 'accepted_at = sql_at', 'status'), 'true true new', 'accepted');
UPDATE crm.lead SET stage = 'sql' WHERE lead_id = 2;
SELECT is(t.lead(2, 'handed_off_at', 'accepted_at', 'status'), '- - new', 'found by sales itself: no handoff');

-- returned by a status
SELECT is(t.error('UPDATE crm.lead SET status = ''unqualified'' WHERE lead_id = 1'),
	E'23514: lead status "unqualified" needs a reason\nHINT: Set status_reason in the same statement.\n'
	'AT: crm lead status_reason lead_status_needs_reason', 'unqualified without a reason');
UPDATE crm.lead SET status = 'unqualified', status_reason = 'not_ready' WHERE lead_id = 1;
SELECT is(t.lead(1, 'stage', 'stage_reason', 'status', 'status_category', 'status_reason', 'return_count'),
	'lead not_ready unqualified closed not_ready 1', 'unqualified sends back to lead');
SELECT is(t.lead(1, 'returned_at = stage_since', 'stage_since = status_since', 'accepted_at = sql_at'), 'true true true',
	'at one instant, after acceptance');
SELECT is(t.lead(1, 'recycle_on'), (current_date + 60)::text, 'and the reason says when to try again');
SELECT results_eq('SELECT from_state::text, to_state::text, reason, forced FROM crm.stage_history WHERE lead_id = 1 AND seq = 4',
	$$VALUES ('sql', 'lead', 'not_ready', false)$$, 'the history has the move');
SELECT results_eq('SELECT from_state, to_state, reason FROM crm.status_history WHERE lead_id = 1 AND seq = 2',
	$$VALUES ('new', 'unqualified', 'not_ready')$$, 'and the status');

-- recycled: a move forward opens it again
UPDATE crm.lead SET stage = 'mql' WHERE lead_id = 1;
SELECT is(t.lead(1, 'status', 'status_category', 'recycle_on', 'return_count', 'accepted_at'), 'new to_contact - 1 -',
	'recycled: alive again, a new handoff that nobody accepted yet');
SELECT ok(handed_off_at = stage_since AND handed_off_at > mql_at, 'the row keeps the latest handoff') FROM crm.lead WHERE lead_id = 1;
UPDATE crm.lead SET status = 'hot', status_reason = 'not_ready' WHERE lead_id = 1;
UPDATE crm.lead SET status = 'unqualified', status_reason = 'not_ready' WHERE lead_id = 1;
SELECT is(t.lead(1, 'stage', 'stage_reason', 'status', 'return_count'), 'lead not_ready unqualified 2',
	'the same reason again counts where the statement gives it');
UPDATE crm.lead SET stage = 'mql' WHERE lead_id = 1;
UPDATE crm.lead SET status = 'hot', status_reason = 'not_ready' WHERE lead_id = 1;
SELECT matches(t.error('UPDATE crm.lead SET status = ''unqualified'' WHERE lead_id = 1'), '^23514: ', 'and not where it does not');
SELECT is(t.lead(1, 'stage', 'status'), 'mql hot', 'then nothing changed');

-- returned by a move; a reason that excludes
INSERT INTO crm.reason (code, label, kind, outcome, exclude_as) VALUES ('rival', 'Works for a competitor', 'unqualified', 'exclude', 'competitor');
UPDATE crm.lead SET stage = 'lead', stage_reason = 'rival' WHERE lead_id = 1;
SELECT is(t.lead(1, 'returned_at = stage_since', 'return_count', 'excluded_as', 'recycle_on'), 'true 3 competitor -',
	'returned by a move, for a reason that excludes it');
SELECT is(t.error('UPDATE crm.lead SET status = ''unqualified'' WHERE lead_id = 1'),
	E'23514: lead status "unqualified" needs a reason\nHINT: Set status_reason in the same statement.\n'
	'AT: crm lead status_reason lead_status_needs_reason', 'unqualified at lead needs a reason too');
UPDATE crm.lead SET status = 'unqualified', status_reason = 'just no' WHERE lead_id = 1;
SELECT is(t.lead(1, 'stage', 'status', 'return_count'), 'lead unqualified 3', 'unqualified at lead: nowhere to go back to');
-- one statement moves it on and sends it back: it is where it was, since when it was
CREATE FUNCTION t.there_and_back(id bigint) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO crm.lead (lead_id, stage, stage_since, stage_reason) VALUES (id, 'lead', '2026-03-01', 'why');
	RETURN NEXT is(t.error(format('UPDATE crm.lead SET stage = ''mql'', status = ''unqualified'', status_reason = ''not_ready'' WHERE lead_id = %s', id)),
		'none', 'mql and unqualified at once');
	RETURN NEXT is(t.lead(id, 'stage', 'stage_since', 'stage_reason', 'status', 'status_reason', 'mql_at', 'returned_at', 'return_count'),
		'lead 2026-03-01 00:00:00+00 why unqualified not_ready - - 0', '... has left its stage alone');
	UPDATE crm.lead SET status = 'new' WHERE lead_id = id;
	UPDATE crm.lead SET stage = 'mql', stage_since = '2026-03-02', stage_reason = 'new', status = 'unqualified', status_since = clock_timestamp(),
		status_reason = 'not_ready' WHERE lead_id = id;
	RETURN NEXT is(t.lead(id, 'stage', 'stage_since', 'stage_reason', 'status', 'stage_seq'), 'lead 2026-03-01 00:00:00+00 why unqualified 1',
		'... with times and a reason as well');
	RETURN NEXT is((SELECT string_agg(v::text, ', ') FROM leadcrm.verify('crm.lead') v WHERE v.key = id::text), NULL, '... and its history agrees');
END
$$;
SELECT t.there_and_back(401);
SET leadcrm.enforcement = log;
SELECT t.there_and_back(402);
RESET leadcrm.enforcement;
INSERT INTO crm.lead (lead_id, stage, stage_since) VALUES (403, 'subscriber', '2026-03-01');
UPDATE crm.lead SET stage = 'mql', status = 'unqualified', status_reason = 'not_ready' WHERE lead_id = 403;
SELECT is(t.lead(403, 'stage', 'stage_reason', 'status', 'stage_since = status_since', 'mql_at', 'return_count'), 'lead not_ready unqualified true - 0',
	'a subscriber comes as far as lead');
UPDATE crm.lead SET status = 'new' WHERE lead_id = 1;
SELECT is(t.lead(1, 'status_category', 'status_reason', 'stage_reason'), 'to_contact - rival', 'opened by hand');

-- a day to try again that the statement gives
UPDATE crm.lead SET stage = 'sql' WHERE lead_id = 1;
UPDATE crm.lead SET stage = 'lead', stage_reason = 'not_ready', recycle_on = '2030-01-01' WHERE lead_id = 1;
SELECT is(t.lead(1, 'recycle_on'), '2030-01-01', 'a given day stays');

-- with the day of the workspace's zone
UPDATE crm.setting SET time_zone = CASE WHEN extract(hour FROM now()) < 10 THEN 'Pacific/Pago_Pago' ELSE 'Pacific/Kiritimati' END;
SELECT isnt((now() AT TIME ZONE time_zone)::date, current_date, 'another day there') FROM crm.setting;
UPDATE crm.lead SET stage = 'sql' WHERE lead_id = 1;
UPDATE crm.lead SET stage = 'lead', stage_reason = 'bad_contact_data' WHERE lead_id = 1;
SELECT is(t.lead(1, 'recycle_on'), (SELECT ((now() AT TIME ZONE time_zone)::date + 14)::text FROM crm.setting), 'days are the workspace''s');
UPDATE crm.setting SET time_zone = 'UTC';

-- late reports
INSERT INTO crm.lead (lead_id, stage, stage_since, status_since) VALUES (8, 'sql', '2024-01-01', '2024-01-01');
UPDATE crm.lead SET stage = 'opportunity', stage_since = '2024-02-01' WHERE lead_id = 8;
SELECT is(t.lead(8, 'status', 'status_since', 'stage_since'), 'open_deal 2024-02-01 00:00:00+00 2024-02-01 00:00:00+00',
	'the status that a stage brings begins with it');
INSERT INTO crm.lead (lead_id, stage, stage_since, status_since) VALUES (9, 'mql', '2024-01-01', '2024-01-01');
UPDATE crm.lead SET status = 'unqualified', status_reason = 'no_budget', status_since = '2024-03-01' WHERE lead_id = 9;
SELECT is(t.lead(9, 'stage', 'stage_since', 'returned_at'), 'lead 2024-03-01 00:00:00+00 2024-03-01 00:00:00+00',
	'the move that a status brings happens with it');

-- statuses and stages
INSERT INTO crm.lead (lead_id, stage, status) VALUES (10, 'sql', 'postponed'), (11, 'sql', 'hot');
UPDATE crm.lead SET stage = 'opportunity' WHERE lead_id IN (10, 11);
SELECT is(t.lead(10, 'status'), 'postponed', 'a status that the next stage knows stays');
SELECT is(t.lead(11, 'status', 'status_category'), 'open_deal with_deal', 'another gives way to the default');
SELECT is(t.error('UPDATE crm.lead SET status = ''unqualified'', status_reason = ''no_budget'' WHERE lead_id = 11'),
	E'23514: lead status "unqualified" cannot be used at stage opportunity\n'
	'DETAIL: Statuses at stage opportunity: open_deal, open, postponed, low_budget, lost.\n'
	'HINT: Use one of these, or change stages in its row of the table lead_status.\nAT: crm lead status lead_status_at_stage',
	'unqualified is not for opportunities');
UPDATE crm.lead SET status = 'lost', status_reason = 'lost_price' WHERE lead_id = 11;
SELECT is(t.lead(11, 'stage', 'status_category', 'recycle_on'), 'opportunity closed ' || current_date + 180, 'lost');
UPDATE crm.lead SET stage = 'lead', stage_reason = 'lost_price' WHERE lead_id = 11;
SELECT is(t.lead(11, 'status', 'status_category', 'return_count'), 'lost closed 1', 'a lost lead that goes back stays closed');
UPDATE crm.lead SET stage = 'sql', status = 'connected' WHERE lead_id = 11;
SELECT is(t.lead(11, 'stage', 'status', 'recycle_on'), 'sql connected -', 'both in one statement');
SELECT matches(t.error('UPDATE crm.lead SET stage = ''opportunity'', status = ''hot'' WHERE lead_id = 11'),
	'^23514: lead status "hot" cannot be used at stage opportunity', 'both, and they do not fit');
UPDATE crm.lead SET owner = NULL, channel = NULL WHERE lead_id = 11;
SELECT is(t.lead(11, 'owner', 'channel'), '(none) (none)', 'NULL takes the owner and the channel away');
UPDATE crm.lead SET status = NULL WHERE lead_id = 11;
SELECT is(t.lead(11, 'status', 'status_category'), 'new to_contact', 'and brings the default status');

-- an ORM writes whole rows back
UPDATE crm.lead SET stage = stage, stage_since = stage_since, stage_reason = stage_reason, stage_seq = stage_seq, status = status,
	status_since = status_since, status_reason = status_reason, status_seq = status_seq, status_category = status_category,
	stage_peak = stage_peak, mql_at = mql_at, owner = owner, full_name = 'written back';
SELECT is((SELECT count(*) FROM crm.lead WHERE full_name = 'written back'), (SELECT count(*) FROM crm.lead), 'whole rows written back');
SELECT is_empty('SELECT * FROM leadcrm.verify(''crm.lead'')', 'rows and histories agree');

-- other ways in
COPY crm.lead (external_id, stage, status, channel, owner, mql_at) FROM stdin;
copy1	mql	\N	\N	\N	2024-03-01
copy2	mql	hot	email	\N	2024-03-01
\.
SELECT results_eq('SELECT status, channel, owner, handed_off_at::date FROM crm.lead WHERE external_id LIKE ''copy_'' ORDER BY external_id',
	$$VALUES ('new', '(none)', '(none)', DATE '2024-03-01'), ('hot', 'email', '(none)', '2024-03-01')$$, 'COPY');
MERGE INTO crm.lead l USING (VALUES ('copy1', 'unqualified', 'no_budget'), ('copy3', 'hot', NULL)) v (external_id, status, why)
	ON l.external_id = v.external_id
	WHEN MATCHED THEN UPDATE SET status = v.status, status_reason = v.why
	WHEN NOT MATCHED THEN INSERT (external_id, status, stage) VALUES (v.external_id, v.status, 'sql');
SELECT results_eq('SELECT stage::text, status, stage_reason FROM crm.lead WHERE external_id IN (''copy1'', ''copy3'') ORDER BY external_id',
	$$VALUES ('lead', 'unqualified', 'no_budget'), ('sql', 'hot', NULL)$$, 'MERGE');

-- the other handoff stage
UPDATE crm.setting SET handoff_stage = 'sql';
INSERT INTO crm.lead (lead_id, stage) VALUES (20, 'mql'), (21, 'sql');
SELECT is(t.lead(20, 'handed_off_at'), '-', 'handoff at sql: an mql is not handed off');
SELECT is(t.lead(21, 'handed_off_at = sql_at'), 'true', 'an sql is');
UPDATE crm.lead SET stage = 'sql' WHERE lead_id = 20;
UPDATE crm.lead SET stage = 'opportunity' WHERE lead_id = 20;
SELECT is(t.lead(20, 'handed_off_at = sql_at', 'accepted_at = opportunity_at'), 'true true', 'forward from sql accepts');
UPDATE crm.lead SET stage = 'mql', stage_reason = 'x' WHERE lead_id = 21;
SELECT is(t.lead(21, 'returned_at = stage_since', 'return_count'), 'true 1', 'to mql is a return then');
UPDATE crm.lead SET status = 'unqualified', status_reason = 'y' WHERE lead_id = 21;
SELECT is(t.lead(21, 'stage', 'returned_at = stage_since', 'return_count'), 'lead true 2', 'a demoting status always returns');
UPDATE crm.setting SET handoff_stage = 'mql';

-- won: a customer in the same transaction, once
INSERT INTO crm.rep (code, full_name) VALUES ('jonas', 'Jonas');
INSERT INTO crm.lead (lead_id, stage, company, email, country, owner) VALUES (30, 'sql', 'ACME', 'a@acme.example', 'LT', 'jonas');
UPDATE crm.lead SET stage = 'opportunity' WHERE lead_id = 30;
UPDATE crm.lead SET stage = 'customer' WHERE lead_id = 30;
SELECT results_eq('SELECT c.owner, c.legal_name, c.billing_email, c.billing_country, c.customer_since = l.customer_at
	FROM crm.customer c JOIN crm.lead l USING (lead_id)', $$VALUES ('jonas', 'ACME', 'a@acme.example', 'LT', true)$$,
	'a lead that becomes a customer gets its row');
SELECT is(t.lead(30, 'status', 'status_category'), 'contract attention', 'and the status of customers');
UPDATE crm.customer SET legal_name = 'ACME UAB';
UPDATE crm.lead SET stage = 'evangelist' WHERE lead_id = 30;
UPDATE crm.lead SET stage = 'customer', stage_reason = 'quiet again' WHERE lead_id = 30;
SELECT results_eq('SELECT legal_name FROM crm.customer', ARRAY['ACME UAB'], 'once, however often it re-enters');
SELECT is(t.error('DELETE FROM crm.lead WHERE lead_id = 30'),
	E'23503: update or delete on table "lead" violates foreign key constraint "customer_lead_id_fkey" on table "customer"\n'
	'DETAIL: Key (lead_id)=(30) is still referenced from table "customer".\nAT: crm customer customer_lead_id_fkey',
	'a lead with a customer cannot go');

-- backfill
INSERT INTO crm.lead (lead_id, external_id, company, stage, lead_at, mql_at, sql_at, customer_at)
SELECT 100 + g, 'b' || g, 'Company ' || g, 'customer', '2023-01-01', '2023-02-01', '2023-03-01', '2023-04-01' FROM generate_series(1, 50) g;
SELECT is(t.lead(101, 'status', 'status_category', 'handed_off_at::date', 'accepted_at::date', 'returned_at', 'created_at::date',
	'stage_peak', 'stage_since::date'), 'contract attention 2023-02-01 2023-03-01 - 2023-01-01 customer 2023-04-01', 'a backfilled customer');
SELECT is((SELECT count(*) FROM crm.customer WHERE legal_name LIKE 'Company %' AND customer_since = '2023-04-01'), 50::bigint,
	'each with its customer row');
INSERT INTO crm.lead (lead_id, stage, lead_at, mql_at, sql_at, stage_since) VALUES (201, 'lead', '2023-01-01', '2023-02-01', '2023-03-01', '2023-05-01');
SELECT is(t.lead(201, 'handed_off_at::date', 'accepted_at::date', 'returned_at::date', 'return_count', 'stage_seq'),
	'2023-02-01 2023-03-01 2023-05-01 1 4', 'a backfilled return');
INSERT INTO crm.lead (lead_id, stage, mql_at, customer_at) VALUES (202, 'customer', '2023-02-05', '2023-02-01');
SELECT is(t.lead(202, 'handed_off_at::date', 'accepted_at::date', 'created_at::date'), '2023-02-05 2023-02-05 2023-02-01',
	'stamps out of order: never accepted before the handoff');
INSERT INTO crm.lead (lead_id, stage, lead_at, mql_at, handed_off_at, accepted_at, returned_at, return_count, created_at) VALUES
	(203, 'lead', '2023-01-01', '2023-02-01', '2023-02-02', '2023-02-03', '2023-02-04', 7, '2022-01-01');
SELECT is(t.lead(203, 'handed_off_at::date', 'accepted_at::date', 'returned_at::date', 'return_count', 'created_at::date'),
	'2023-02-02 2023-02-03 2023-02-04 7 2022-01-01', 'what is given stays');
SELECT matches(t.error($$INSERT INTO crm.lead (stage, status, lead_at, mql_at, customer_at)
	SELECT 'customer', CASE g WHEN 900 THEN 'hot' ELSE 'contract' END, '2023-01-01', '2023-02-01', '2023-03-01' FROM generate_series(1, 1000) g$$),
	'^23514: lead status "hot" cannot be used at stage customer', 'one bad row of many');
SELECT is((SELECT count(*) FROM crm.lead WHERE mql_at = '2023-02-01' AND customer_at = '2023-03-01'), 0::bigint, 'leaves nothing');
SELECT is_empty('SELECT * FROM leadcrm.verify(''crm.lead'')', 'rows and histories agree');

-- enforcement off: what a data-only restore brings is stored as it is
SET leadcrm.enforcement = off;
INSERT INTO crm.lead (lead_id, stage, status, status_category, mql_at, customer_at, stage_peak, created_at) VALUES
	(300, 'customer', 'hot', 'to_contact', '2022-01-01', '2023-01-01', 'customer', '2024-01-01');
SELECT is(t.lead(300, 'stage', 'status', 'handed_off_at', 'stage_since', 'created_at::date'), 'customer hot - - 2024-01-01', 'off: nothing filled');
SELECT is((SELECT count(*) FROM crm.customer WHERE lead_id = 300), 0::bigint, 'no customer made');
RESET leadcrm.enforcement;

-- a lead that comes with a reason (an import): what the reason means, as for one that is moved
UPDATE crm.setting SET time_zone = 'Asia/Tokyo';
INSERT INTO crm.reason (code, label, kind, outcome, exclude_as) VALUES ('spam', 'Spam', 'unqualified', 'exclude', 'spam');
INSERT INTO crm.lead (lead_id, stage, lead_at, sql_at, status, status_reason, status_since, stage_reason, stage_since, recycle_on, excluded_as) VALUES
	(310, 'lead', '2024-01-01', NULL, 'lost', 'lost_price', '2024-02-01 14:59', NULL, NULL, NULL, NULL),
	(311, 'lead', '2024-01-01', '2024-01-02', DEFAULT, NULL, NULL, 'no_authority', '2024-03-01 15:00', NULL, NULL),
	(312, 'lead', '2024-01-01', NULL, 'lost', 'lost_price', '2024-02-01', NULL, NULL, '2030-01-01', 'test'),
	(313, 'lead', NULL, NULL, 'unqualified', 'spam', NULL, NULL, NULL, NULL, NULL),
	(314, 'lead', NULL, NULL, 'unqualified', 'spam', NULL, NULL, NULL, NULL, 'competitor'),
	(315, 'lead', NULL, NULL, 'lost', 'any words', NULL, NULL, NULL, NULL, NULL),
	(316, 'lead', NULL, NULL, 'lost', 'no_decision', NULL, NULL, NULL, NULL, NULL);
SELECT is(t.lead(310, 'recycle_on'), (date '2024-02-01' + 180)::text, 'to be tried again so long after the given day, which is the workspace''s');
SELECT is(t.lead(311, 'recycle_on'), (date '2024-03-02' + 30)::text, 'after the move back');
SELECT is(t.lead(312, 'recycle_on', 'excluded_as'), '2030-01-01 test', 'what is given stays');
SELECT is(t.lead(313, 'recycle_on', 'excluded_as'), '- spam', 'excluded by its reason');
SELECT is(t.lead(314, 'excluded_as'), 'competitor', 'but not where the row says it');
SELECT is(t.lead(315, 'recycle_on', 'excluded_as'), '- -', 'a reason in free words');
SELECT is(t.lead(316, 'recycle_on'), (SELECT ((status_since AT TIME ZONE 'Asia/Tokyo')::date + 90)::text FROM crm.lead WHERE lead_id = 316), 'from now on');
SET leadcrm.enforcement = off;
INSERT INTO crm.lead (lead_id, status, status_category, status_reason, status_since) VALUES (317, 'lost', 'closed', 'lost_price', '2024-02-01');
SELECT is(t.lead(317, 'recycle_on'), '-', 'off: nothing filled');
RESET leadcrm.enforcement;

-- log: a forbidden move passes, is marked, and has all its consequences; a status is a foreign key and not let pass
SET leadcrm.enforcement = log;
SET client_min_messages = error;
INSERT INTO crm.lead (lead_id, stage) VALUES (301, 'mql');
UPDATE crm.lead SET stage = 'customer' WHERE lead_id = 301;
SELECT is(t.lead(301, 'stage', 'status', 'accepted_at = customer_at', '(SELECT count(*) FROM crm.customer c WHERE c.lead_id = 301)',
	'(SELECT forced FROM crm.stage_history h WHERE h.lead_id = 301 AND seq = 2)'), 'customer contract true 1 true', 'a forced move');
SELECT matches(t.error('UPDATE crm.lead SET status = ''hot'' WHERE lead_id = 301'), '^23514: lead status "hot" cannot be used', 'a status that does not fit');
RESET client_min_messages;
RESET leadcrm.enforcement;

-- checks
SELECT matches(t.error('UPDATE crm.lead SET ' || v), '^23514: .*"' || k || '"', k) FROM (VALUES
	('company_size = -1', 'lead_company_size_is_not_negative'), ('value = -1', 'lead_value_is_not_negative'),
	('value = ''NaN''', 'lead_value_is_below_1e30'), ('excluded_as = ''boring''', 'lead_excluded_as_is_known'),
	('referred_by = lead_id', 'lead_did_not_refer_itself'), ('fit = 101', 'lead_fit_is_0_to_100'),
	('return_count = -1', 'lead_return_count_is_not_negative')) c (v, k);
SELECT is(t.error($$INSERT INTO crm.lead (email, phone, full_name, company_size) VALUES ('n/a', '?', '', 0)$$), 'none', 'imports are as they are');

-- a company that has a closed status as its default: a move forward opens nothing, and does not fail
UPDATE crm.lead_status SET is_default = false WHERE is_default AND code <> '(none)' AND stages && '{lead,mql,sql}';
UPDATE crm.lead_status SET is_default = true, needs_reason = false, stages = '{lead,mql,sql}' WHERE code = 'lost';
INSERT INTO crm.lead (lead_id, stage, stage_since) VALUES (901, 'lead', '2026-03-01');
SELECT is(t.error('UPDATE crm.lead SET stage = ''mql'' WHERE lead_id = 901'), 'none', 'closed by default: moved on');
SELECT is(t.lead(901, 'stage', 'status', 'status_since = ''2026-03-01''', 'status_seq'), 'mql lost false 1', 'its status as it was');

SELECT * FROM finish();
ROLLBACK;
