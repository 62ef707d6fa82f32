-- The rules as rows: statuses, labels and reasons in any language, what is in use stays, what is switched off is refused.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS leadcrm;
\ir include/error.sql
SELECT no_plan();
SELECT leadcrm.create_workspace();
ALTER TABLE crm.lead ALTER COLUMN lead_id RESTART WITH 1000;

-- any language, in codes, labels and reasons
INSERT INTO crm.lead_status (code, label, category, position) VALUES
	('laukia skambučio', 'Laukia skambučio – šiandien', 'to_contact', 210),
	('żółć', 'Zażółć gęślą jaźń', 'closed', 220),
	('залгасан', 'Залгасан', 'connected', 230),
	('پیگیری شود', 'پیگیری شود', 'attention', 240),
	('დაინტერესებული', 'დაინტერესებული', 'to_contact', 250);
INSERT INTO crm.reason (code, label, kind) VALUES
	('төсөв', 'Төсөв хүрэлцэхгүй', 'recycled'),
	('არ_პასუხობს', 'არ პასუხობს', 'returned'),
	('بودجه', 'بودجه ندارد', 'recycled'),
	('per brangu', 'Per brangu', 'lost'),
	('zły moment', 'Zły moment', 'returned');
UPDATE crm.stage SET label = 'Сонирхогч' WHERE stage = 'lead';
INSERT INTO crm.lead (lead_id, full_name) SELECT n, s FROM (VALUES (1, 'Бат'), (2, 'ნინო'), (3, 'رضا'), (4, 'Žydrūnė'), (5, 'Łukasz')) v (n, s);
UPDATE crm.lead l SET status = s.code, status_reason = r.code
FROM (SELECT code, row_number() OVER (ORDER BY code COLLATE "C") n FROM crm.lead_status WHERE code !~ '^[a-z_()]+$') s
	JOIN (SELECT code, row_number() OVER (ORDER BY code COLLATE "C") n FROM crm.reason WHERE code !~ '^[a-z_]+$') r USING (n)
WHERE l.lead_id = s.n;
SELECT results_eq('SELECT l.status, l.status_reason, h.to_state, h.reason FROM crm.lead l JOIN crm.status_history h USING (lead_id)
	WHERE h.seq = 2 ORDER BY lead_id',
	$$VALUES ('laukia skambučio', 'per brangu', 'laukia skambučio', 'per brangu'), ('żółć', 'zły moment', 'żółć', 'zły moment'),
		('залгасан', 'төсөв', 'залгасан', 'төсөв'), ('پیگیری شود', 'بودجه', 'پیگیری شود', 'بودجه'),
		('დაინტერესებული', 'არ_პასუხობს', 'დაინტერესებული', 'არ_პასუხობს')$$,
	'statuses and reasons in Lithuanian, Polish, Mongolian, Persian, Georgian');
SELECT results_eq('SELECT status_category FROM crm.lead ORDER BY lead_id',
	ARRAY['to_contact', 'closed', 'connected', 'attention', 'to_contact'], 'each with its category');
SELECT is(t.error('UPDATE crm.lead SET status = ''нэгдүгээр'' WHERE lead_id = 1'),
	E'23503: there is no lead status "нэгдүгээр"\nDETAIL: Statuses at stage lead: new, attempted_to_connect, hot, connected, '
	'book_a_meeting, open, postponed, low_budget, unqualified, lost, laukia skambučio, żółć, залгасан, پیگیری شود, დაინტერესებული.\n'
	'HINT: Use one of these, or add a row to the table lead_status.\nAT: crm lead status lead_status_fkey', 'and so are its errors');

-- a status in use
SELECT is(t.error('DELETE FROM crm.lead_status WHERE code = ''żółć'''),
	E'23503: the lead status "żółć" is in use and cannot be deleted\nDETAIL: Leads or their history name it.\n'
	'HINT: Set active = false: what was recorded with it keeps it.\nAT: crm lead_status code lead_status_in_use', 'cannot be deleted');
SELECT is(t.error('UPDATE crm.lead_status SET code = ''zolc'' WHERE code = ''żółć'''),
	E'23503: the lead status "żółć" is in use and its code cannot be changed\nDETAIL: Leads or their history name it.\n'
	'HINT: Change its label, which is what people read.\nAT: crm lead_status code lead_status_in_use', 'nor renamed');
SELECT is(t.error('UPDATE crm.lead_status SET label = ''Gall'' WHERE code = ''żółć'''), 'none', 'its label can be changed');
UPDATE crm.lead SET status = 'hot' WHERE lead_id = 2;
SELECT matches(t.error('DELETE FROM crm.lead_status WHERE code = ''żółć'''), '^23503: ', 'nor deleted when only history names it');
SELECT is(t.error('DELETE FROM crm.lead_status WHERE code = ''receivable'''), 'none', 'one that nobody used can');
SELECT is(t.error('UPDATE crm.lead_status SET code = ''signed'' WHERE code = ''contract_renewal'''), 'none', 'or be renamed');
SELECT matches(t.error('TRUNCATE crm.lead_status'), '^0A000: cannot truncate a table referenced in a foreign key', 'TRUNCATE');
SELECT is(t.error('DELETE FROM crm.lead_status WHERE code = ''(none)'''),
	E'23514: the lead status "(none)" cannot be deleted\nDETAIL: It stands for leads without a lead status.\nHINT: Change its label.\n'
	'AT: crm lead_status code lead_status_none_stays', '(none) stays');
SELECT matches(t.error('UPDATE crm.lead_status SET active = false WHERE code = ''(none)'''), 'lead_status_none_stays_as_it_is', 'and stays active');

-- its category follows into the leads, and is no change of their status
UPDATE crm.lead_status SET category = 'closed' WHERE code = 'hot';
SELECT results_eq('SELECT status_category, status_seq FROM crm.lead WHERE lead_id = 2', $$VALUES ('closed', 3)$$, 'another category');
UPDATE crm.lead_status SET category = 'to_contact' WHERE code = 'hot';
SELECT matches(t.error('UPDATE crm.lead_status SET category = ''warm'' WHERE code = ''hot'''), 'lead_status_category_is_known', 'none of ours');

-- switched off
UPDATE crm.lead_status SET active = false WHERE code = 'hot';
SELECT is(t.error('UPDATE crm.lead SET status = ''hot'' WHERE lead_id = 3'),
	E'23514: lead status "hot" is no longer in use\nDETAIL: Statuses at stage lead: new, attempted_to_connect, connected, '
	'book_a_meeting, open, postponed, low_budget, unqualified, lost, laukia skambučio, żółć, залгасан, پیگیری شود, დაინტერესებული.\n'
	'HINT: Use one of these, or set active in its row of the table lead_status.\nAT: crm lead status lead_status_is_active',
	'switched off: not for a lead that has another');
SELECT matches(t.error('INSERT INTO crm.lead (status) VALUES (''hot'')'), '^23514: lead status "hot" is no longer in use', 'nor for a new one');
SELECT is(t.error('UPDATE crm.lead SET full_name = ''x'', status = ''hot'' WHERE lead_id = 2'), 'none', 'who has it keeps it');
SELECT is(t.error('UPDATE crm.lead SET stage = ''mql'' WHERE lead_id = 2'), 'none', 'and can move');
SELECT results_eq('SELECT status FROM crm.lead WHERE lead_id = 2', ARRAY['hot'], 'with it');
SELECT results_eq('SELECT count(*) FROM crm.status_history WHERE to_state = ''hot''', 'VALUES (1::bigint)', 'its history stays');

-- defaults
SELECT is(t.error('UPDATE crm.lead_status SET is_default = true WHERE code = ''open'''),
	E'23514: more than one lead status is the default at stage lead\nDETAIL: These have is_default: new, open.\n'
	'HINT: Clear is_default of the old one in the same statement, or first.\nAT: crm lead_status is_default lead_status_one_default',
	'a second default');
SELECT is(t.error('UPDATE crm.lead_status SET is_default = code = ''connected'' WHERE code IN (''new'', ''connected'')'), 'none', 'another default');
INSERT INTO crm.lead (lead_id) VALUES (50);
SELECT results_eq('SELECT status, status_category FROM crm.lead WHERE lead_id = 50', $$VALUES ('connected', 'connected')$$, 'is what new leads get');
UPDATE crm.lead_status SET is_default = false WHERE code = 'connected';
SELECT is(t.error('INSERT INTO crm.lead DEFAULT VALUES'),
	E'23514: no lead status is the default at stage lead\n'
	'DETAIL: A lead gets the default status where none is given and where its own may not be used.\n'
	'HINT: Give the lead a status, or set is_default on an active row of the table lead_status whose stages contain lead.\n'
	'AT: crm lead status lead_status_at_stage', 'no default at all');
SELECT is(t.error('INSERT INTO crm.lead (status) VALUES (''open'')'), 'none', 'a status that is given needs none');
SELECT matches(t.error('UPDATE crm.lead_status SET is_default = true WHERE code = ''unqualified'''), 'lead_status_default_needs_no_reason',
	'a default that needs a reason');
SELECT matches(t.error('INSERT INTO crm.lead_status (code, label, category) VALUES (''accepted'', ''x'', ''connected'')'),
	'lead_status_code_is_no_stamp_of_lead', 'a code that the tracker would take for a stamp');
SELECT matches(t.error('INSERT INTO crm.lead_status (code, label, category, stages) VALUES (''x'', ''x'', ''closed'', ''{}'')'),
	'lead_status_stages_are_given', 'a status for no stage');
SELECT matches(t.error('INSERT INTO crm.lead_status (code, label, category) VALUES (''  '', ''x'', ''closed'')'),
	'lead_status_code_is_not_blank', 'a blank code');

-- a company's own demoting status
INSERT INTO crm.lead_status (code, label, category, demotes) VALUES ('буцаасан', 'Буцаасан', 'attention', true);
UPDATE crm.stage_transition SET needs_reason = false WHERE from_state = 'mql' AND to_state = 'lead';
UPDATE crm.lead SET status = 'буцаасан' WHERE lead_id = 2;
SELECT results_eq('SELECT stage::text, status, stage_reason, return_count FROM crm.lead WHERE lead_id = 2',
	$$VALUES ('lead', 'буцаасан', NULL, 1)$$, 'a demoting status of its own, without a reason');

UPDATE crm.stage_transition SET needs_reason = true WHERE from_state = 'mql' AND to_state = 'lead';
UPDATE crm.lead_status SET is_default = true WHERE code = 'connected';
UPDATE crm.lead SET stage = 'mql' WHERE lead_id = 2;
SELECT results_eq('SELECT status FROM crm.lead WHERE lead_id = 2', ARRAY['connected'], 'it ends with a move forward');
UPDATE crm.lead SET status = 'new', status_reason = 'an old reason' WHERE lead_id = 2;
SELECT matches(t.error('UPDATE crm.lead SET status = ''буцаасан'' WHERE lead_id = 2'), '^23514: .*AT: crm lead .*stage_transition',
	'where the move needs one, the reason of the last status is none');

-- people, channels, reasons
INSERT INTO crm.team (code, label) VALUES ('baltics', 'Baltics');
INSERT INTO crm.rep (code, full_name, team) VALUES ('ona', 'Ona', 'baltics'), ('new', 'Nobody yet', NULL);
UPDATE crm.lead SET owner = 'ona' WHERE lead_id = 1;
UPDATE crm.lead SET owner = '(none)' WHERE lead_id = 1;
SELECT matches(t.error('DELETE FROM crm.rep WHERE code = ''ona'''), '^23503: the rep "ona" is in use and cannot be deleted', 'who owned a lead stays');
SELECT matches(t.error('UPDATE crm.rep SET code = ''o'' WHERE code = ''ona'''), '^23503: the rep "ona" is in use and its code cannot be changed', 'under the same code');
SELECT is(t.error('DELETE FROM crm.rep WHERE code = ''new'''), 'none', 'who never owned one can go');
SELECT matches(t.error('DELETE FROM crm.rep WHERE code = ''(none)'''), '^23514: the rep "\(none\)" cannot be deleted', 'nobody stays');
SELECT matches(t.error('DELETE FROM crm.team'), '^23503: ', 'a team with people stays');
SELECT matches(t.error('UPDATE crm.lead SET owner = ''petras'' WHERE lead_id = 1'), '^23503: .*lead_owner_fkey', 'an owner who is not there');
SELECT results_eq('SELECT from_state, to_state FROM crm.owner_history WHERE lead_id = 1 ORDER BY seq',
	$$VALUES (NULL, '(none)'), ('(none)', 'ona'), ('ona', '(none)')$$, 'owners have their history');
UPDATE crm.lead SET channel = 'event' WHERE lead_id = 1;
SELECT matches(t.error('DELETE FROM crm.channel WHERE code = ''event'''), '^23503: the channel "event" is in use', 'a channel in use');
SELECT matches(t.error('UPDATE crm.channel SET code = ''none'' WHERE code = ''(none)'''), '^23514: the code of the channel "\(none\)" cannot be changed', 'no channel');
SELECT matches(t.error('INSERT INTO crm.channel (code, label, source_kind) VALUES (''x'', ''x'', ''farm'')'), 'channel_source_kind_is_known', 'a source kind');
SELECT matches(t.error('DELETE FROM crm.reason WHERE code = ''төсөв'''), '^23503: the reason "төсөв" is in use', 'a reason in history');
SELECT is(t.error('DELETE FROM crm.reason WHERE code = ''no_authority'''), 'none', 'a reason that nobody gave');
SELECT matches(t.error('INSERT INTO crm.reason (code, label, kind, outcome) VALUES (''x'', ''x'', ''other'', ''exclude'')'),
	'reason_exclude_as_goes_with_outcome_exclude', 'a reason that excludes says as what');

-- rows that are fixed
SELECT is(t.error('DELETE FROM crm.stage WHERE stage = ''evangelist'''),
	E'23514: the rows of crm.stage cannot be deleted\nHINT: UPDATE them.\nAT: crm stage stage_rows_stay', 'every stage stays');
SELECT matches(t.error('TRUNCATE crm.stage'), '^23514: the rows of crm.stage cannot be deleted', 'TRUNCATE too');
SELECT matches(t.error('DELETE FROM crm.setting'), '^23514: the rows of crm.setting cannot be deleted', 'the settings stay');
SELECT matches(t.error('INSERT INTO crm.setting DEFAULT VALUES'), '^23505: .*setting_pkey', 'one row');
SELECT matches(t.error('INSERT INTO crm.setting (singleton) VALUES (false)'), 'setting_has_one_row', 'and no other');
SELECT is(t.error('UPDATE crm.setting SET time_zone = ''Mars/Olympus'''),
	E'22023: there is no time zone "Mars/Olympus"\nHINT: Use a name of the view pg_timezone_names, such as Europe/Vilnius.\nAT: crm setting time_zone',
	'a time zone');
SELECT is(t.error('UPDATE crm.setting SET time_zone = ''Asia/Ulaanbaatar'''), 'none', 'that there is');
SELECT is(t.error('UPDATE crm.setting SET time_zone = ''CET'''),
	-- Debian 13 keeps such names in a package of their own
	CASE WHEN EXISTS (SELECT FROM pg_timezone_names z WHERE z.name = 'CET')
		THEN E'22023: time zone "CET" is an abbreviation, too\nDETAIL: AT TIME ZONE takes it for the abbreviation, which knows no summer time.\n'
			'HINT: Use the name of a place, such as Europe/Vilnius.\nAT: crm setting time_zone'
		ELSE E'22023: there is no time zone "CET"\nHINT: Use a name of the view pg_timezone_names, such as Europe/Vilnius.\nAT: crm setting time_zone'
	END, 'not a name that means one thing in summer and another one in a query');
SELECT is(t.error('UPDATE crm.setting SET time_zone = ''GMT'''), 'none', 'but those that are the same all the year');
UPDATE crm.setting SET time_zone = 'Asia/Ulaanbaatar';
SELECT matches(t.error('UPDATE crm.setting SET ' || v), '^23514: .*' || k, k) FROM (VALUES
	('base_currency = ''eur''', 'setting_base_currency_is_three_capitals'),
	('handoff_stage = ''lead''', 'setting_handoff_stage_is_mql_or_sql'), ('revenue_basis = ''hope''', 'setting_revenue_basis_is_known'),
	('fiscal_year_starts = 13', 'setting_fiscal_year_starts_is_a_month')) c (v, k);
SELECT matches(t.error('UPDATE crm.stage SET ' || v), '^23514: .*' || k, k) FROM (VALUES
	('target_conversion_pct = 101', 'stage_target_conversion_is_a_percentage'), ('stuck_after = ''-1 day''', 'stage_stuck_after_is_positive')) c (v, k);

SELECT * FROM finish();
ROLLBACK;
