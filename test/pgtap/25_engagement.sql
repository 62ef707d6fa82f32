-- Activities and engagement: the defaults, bulk loads, bad input, who may do what, rescore, restores.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS leadcrm;
\ir include/error.sql
SELECT no_plan();
SET TimeZone = 'UTC';
CREATE ROLE lc_owner;
CREATE ROLE lc_sales;
CREATE ROLE lc_admin;
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO lc_owner', current_database()); END $$;
SELECT is(t.error('SELECT leadcrm.create_workspace()', 'lc_owner'), 'none', 'a workspace');
SELECT is(t.error('SELECT crm.grant_access(''lc_sales'', ''sales'')', 'lc_owner'), 'none', 'sales');
SELECT is(t.error('SELECT crm.grant_access(''lc_admin'', ''admin'')', 'lc_owner'), 'none', 'an admin');

-- what a newcomer finds
SELECT results_eq($$SELECT code || ' ' || points || coalesce(' ' || at_most || ' per ' || coalesce(per::text, 'ever'), '')
		|| CASE WHEN is_sales_touch THEN ' touch' ELSE '' END || CASE WHEN connects THEN ' connects' ELSE '' END || coalesce(' hot ' || hot_for, '')
	FROM crm.activity_kind ORDER BY position$$,
	ARRAY['demo_request 40 1 per 30 days hot 7 days', 'quote_request 40 1 per 30 days hot 7 days', 'meeting_held 30 touch connects',
		'cart_add 20 1 per 1 day', 'call_connected 15 2 per 7 days touch connects', 'webinar_attended 15', 'price_view 10 2 per 1 day',
		'download 8 3 per 7 days', 'review_read 5 3 per 1 day', 'email_click 3 2 per 1 day', 'social_share 3 3 per 1 day',
		'social_like 1 3 per 1 day', 'page_view 1 10 per 1 day', 'email_open 0', 'call_attempt 0 touch', 'email_sent 0 touch',
		'unsubscribe -25 1 per ever', 'bounce -15 1 per ever'], 'the default kinds');
SELECT results_eq('SELECT dimension || '' '' || grade || '' '' || at_least FROM crm.grade_threshold ORDER BY dimension, grade',
	ARRAY['engagement 1 50', 'engagement 2 25', 'engagement 3 8', 'fit A 70', 'fit B 45', 'fit C 20'], 'the default thresholds');
SELECT results_eq('SELECT temperature || '' '' || string_agg(fit_grade || engagement_grade, '' '' ORDER BY fit_grade, engagement_grade)
	FROM crm.rating GROUP BY temperature ORDER BY 1',
	ARRAY['cold A4 B4 C3 C4 D1 D2 D3 D4', 'hot A1 A2 B1', 'warm A3 B2 B3 C1 C2'], 'the default temperatures');

-- one, many, and what sales may do
CREATE FUNCTION t.points(who bigint, at timestamptz) RETURNS numeric LANGUAGE sql AS
	'SELECT round(leadcrm.score_at(engagement, at)::numeric, 9) FROM crm.lead WHERE lead_id = who';
INSERT INTO crm.lead (lead_id, full_name) SELECT i, 'lead ' || i FROM generate_series(1, 9) i;
SELECT is((SELECT count(engagement) FROM crm.lead), 0::bigint, 'a lead without activities has no engagement');
SELECT is(t.error('INSERT INTO crm.activity (lead_id, kind, occurred_at) VALUES (1, ''meeting_held'', ''2026-05-01 12:00+00'')', 'lc_sales'), 'none',
	'sales writes an activity');
SELECT is(t.points(1, '2026-05-01 12:00+00'), 30.0, 'worth its points when it happens');
SELECT is(t.points(1, '2026-05-31 12:00+00'), 15.0, 'half of them a half-life later');
SELECT is(t.points(1, '2026-04-01 12:00+00'), 60.0, 'by the same formula before');
SELECT is((SELECT first_touch_at FROM crm.lead WHERE lead_id = 1), timestamptz '2026-05-01 12:00+00', 'which was the first touch');
SELECT is(t.error('INSERT INTO crm.activity (lead_id, kind, occurred_at) VALUES (1, ''email_sent'', ''2026-04-01''), (1, ''email_sent'', ''2026-06-01'')',
	'lc_sales'), 'none', 'an earlier one and a later one');
SELECT is((SELECT first_touch_at FROM crm.lead WHERE lead_id = 1), timestamptz '2026-04-01', 'the first touch is the earliest');
SELECT is(t.error('UPDATE crm.activity SET occurred_at = ''2026-05-02'' WHERE occurred_at = ''2026-04-01''', 'lc_sales'), 'none', 'sales corrects it');
SELECT is((SELECT first_touch_at FROM crm.lead WHERE lead_id = 1), timestamptz '2026-05-01 12:00+00', 'and the next one is the first');
SELECT is(t.error('DELETE FROM crm.activity', 'lc_sales'), '42501: permission denied for table activity', 'sales deletes nothing');
SELECT is(t.error('SELECT crm.rescore()', 'lc_sales'), '42501: permission denied for function rescore', 'nor computes anew');
SELECT is(t.error('INSERT INTO crm.activity (lead_id, kind, quantity, occurred_at) VALUES (1, ''webinar_attended'', 500, ''2026-05-01 12:00+00'')'), 'none',
	'a quantity');
SELECT is(t.points(1, '2026-05-01 12:00+00'), 45.0, 'multiplies no points');
SET LOCAL leadcrm.actor = 'app user';
INSERT INTO crm.activity (lead_id, kind) VALUES (2, 'email_open');
RESET leadcrm.actor;
SELECT is((SELECT actor FROM crm.activity WHERE lead_id = 2), 'app user', 'the actor is kept');
SELECT is(t.points(2, now()), 0.0, 'activities without points make an engagement of 0');

-- caps by the clocks of the workspace
UPDATE crm.setting SET time_zone = 'Europe/Vilnius';
SELECT crm.rescore();
INSERT INTO crm.activity (lead_id, kind, occurred_at) VALUES (3, 'cart_add', '2026-05-01 20:59:59.999999+00'), (3, 'cart_add', '2026-05-01 21:00+00'),
	(3, 'cart_add', '2026-05-02 20:00+00');
SELECT results_eq('SELECT counts FROM crm.activity_points WHERE lead_id = 3 ORDER BY occurred_at', ARRAY[true, true, false], 'a day begins at midnight');
INSERT INTO crm.activity (lead_id, kind, occurred_at) VALUES (3, 'cart_add', '2026-05-01 00:00+00');
SELECT results_eq('SELECT counts FROM crm.activity_points WHERE lead_id = 3 ORDER BY occurred_at', ARRAY[true, false, true, false], 'a late one takes the place');
INSERT INTO crm.activity (lead_id, kind, occurred_at) SELECT 4, 'bounce', timestamptz '2020-01-01' + i * interval '100 days' FROM generate_series(1, 5) i;
SELECT is((SELECT sum(points) FROM crm.activity_points WHERE lead_id = 4), -15::float8, 'once, for ever');

-- each lead once a statement
CREATE TABLE t.updates (lead_id bigint);
CREATE FUNCTION t.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN INSERT INTO t.updates VALUES (NEW.lead_id); RETURN NULL; END $$;
CREATE TRIGGER note AFTER UPDATE ON crm.lead FOR EACH ROW EXECUTE FUNCTION t.note();
INSERT INTO crm.activity (lead_id, kind, occurred_at)
SELECT 5 + i % 5, k.code, timestamptz '2026-01-01' + i * interval '5 hours' FROM generate_series(1, 500) i
CROSS JOIN LATERAL (SELECT code FROM crm.activity_kind ORDER BY md5(code || i) LIMIT 1) k;
SELECT results_eq('SELECT lead_id, count(*) FROM t.updates GROUP BY 1 ORDER BY 1', 'SELECT i, 1::bigint FROM generate_series(5::bigint, 9) i', 'a bulk load updates each lead once');
DROP TRIGGER note ON crm.lead;
SELECT is_empty('SELECT * FROM crm.engagement_mismatch', 'and all engagements are right');

-- bad input stores nothing
CREATE FUNCTION t.state() RETURNS text LANGUAGE sql AS $$
	SELECT md5(string_agg(l::text, '' ORDER BY lead_id)) || (SELECT md5(string_agg(a::text, '' ORDER BY activity_id)) FROM crm.activity a)
		|| (SELECT md5(string_agg(k::text, '' ORDER BY code)) FROM crm.activity_kind k) || (SELECT s::text FROM crm.setting s) FROM crm.lead l $$;
CREATE TABLE t.before AS SELECT t.state();
SELECT matches(t.error(s), e, s) FROM (VALUES
	('INSERT INTO crm.activity (lead_id, kind) VALUES (99, ''page_view'')', '^23503: .*activity_lead_id_fkey"\nDETAIL: Key \(lead_id\)=\(99\) is not present'),
	('INSERT INTO crm.activity (lead_id, kind) VALUES (1, ''page_view''), (1, ''levitation'')', '^23503: .*activity_kind_fkey"\nDETAIL: Key \(kind\)=\(levitation\)'),
	('INSERT INTO crm.activity (kind) VALUES (''page_view'')', '^23502: .*"lead_id"'),
	('INSERT INTO crm.activity (lead_id) VALUES (1)', '^23502: .*"kind"'),
	('INSERT INTO crm.activity (lead_id, kind, occurred_at) VALUES (1, ''page_view'', NULL)', '^23502: .*"occurred_at"'),
	('INSERT INTO crm.activity (lead_id, kind, occurred_at) VALUES (1, ''page_view'', ''infinity'')', '^23514: .*activity_occurred_at_is_a_time"\nDETAIL: .*infinity'),
	('INSERT INTO crm.activity (lead_id, kind, occurred_at) VALUES (1, ''page_view'', ''-infinity'')', '^23514: .*activity_occurred_at_is_a_time'),
	('INSERT INTO crm.activity (lead_id, kind, occurred_at) VALUES (1, ''page_view'', now()), (2, ''price_view'', ''2062-11-22 10:00'')',
		'^22008: activity "price_view" of lead 2 lies too far in the future: 2062-11-22 10:00:00\+00\nDETAIL: .*\nHINT: .*\nAT: crm activity occurred_at'),
	('UPDATE crm.activity SET occurred_at = ''2062-11-22'' WHERE lead_id = 1', '^22008: activity "'),
	('UPDATE crm.activity SET kind = ''levitation'' WHERE lead_id = 1', '^23503: '),
	('INSERT INTO crm.activity (lead_id, kind, quantity) VALUES (1, ''page_view'', ''NaN'')', '^23514: .*activity_quantity_is_not_negative'),
	('INSERT INTO crm.activity (lead_id, kind, duration_minutes) VALUES (1, ''page_view'', -1)', '^23514: .*activity_duration_is_not_negative'),
	('INSERT INTO crm.activity (lead_id, kind, channel) VALUES (1, ''page_view'', ''smoke signals'')', '^23503: .*smoke signals'),
	('TRUNCATE crm.activity', '^23514: TRUNCATE of "activity" is refused'),
	('INSERT INTO crm.activity_kind (code, label, points) VALUES (''x'', ''x'', ''NaN'')', '^23514: .*activity_kind_points_within_a_million"\nDETAIL: .*NaN'),
	('INSERT INTO crm.activity_kind (code, label, points) VALUES (''x'', ''x'', ''Infinity'')', '^23514: .*activity_kind_points_within_a_million'),
	('INSERT INTO crm.activity_kind (code, label, points) VALUES (''x'', ''x'', NULL)', '^23502: .*"points"'),
	('UPDATE crm.activity_kind SET at_most = 0 WHERE code = ''page_view''', '^23514: .*activity_kind_at_most_is_positive'),
	('UPDATE crm.activity_kind SET at_most = NULL WHERE code = ''page_view''', '^23514: .*activity_kind_per_goes_with_at_most'),
	('UPDATE crm.activity_kind SET per = ''-1 day'' WHERE code = ''page_view''', '^23514: .*activity_kind_per_is_positive'),
	('UPDATE crm.activity_kind SET per = ''1 month 1 day'' WHERE code = ''page_view''', '^23514: .*activity_kind_per_is_months_or_time'),
	('UPDATE crm.activity_kind SET code = ''x'' WHERE code = ''cart_add''', '^23503: '),
	('DELETE FROM crm.activity_kind WHERE code = ''cart_add''', '^23503: '),
	('INSERT INTO crm.activity_kind (code, label, connects) VALUES (''x'', ''x'', true)', '^23514: .*activity_kind_connects_by_a_sales_touch'),
	('UPDATE crm.lead SET engagement = NULL WHERE lead_id = 1', '^23514: column "engagement" of "lead" is kept by the workspace\nDETAIL: .*\nHINT: .*\nAT: crm lead engagement lead_keeps_engagement'),
	('UPDATE crm.lead SET engagement = leadcrm.add_points(engagement, 1, now())', '^23514: column "engagement"'),
	('INSERT INTO crm.lead (lead_id, full_name, engagement) VALUES (50, ''x'', leadcrm.make_score(5, now(), ''30 days''))', '^23514: column "engagement"'),
	('UPDATE crm.setting SET half_life = ''3 days''', '^23514: .*\nHINT: SELECT crm.rescore\(half_life\);\nAT: crm setting half_life'),
	('UPDATE crm.setting SET rescore_due_since = ''2020-01-01''', '^23514: '),
	('SELECT crm.rescore(''0'')', '^22023: a half-life cannot be 00:00:00'),
	('SELECT crm.rescore(''-3 days'')', '^22023: a half-life cannot be -3 days'),
	-- longer than zero by months of 30 days, shorter by years of 365.25
	('SELECT crm.rescore(''-1 year 361 days'')', '^22023: invalid half-life: -1 years \+361 days'),
	('SELECT crm.rescore(''100000000 years'')', '^22023: invalid half-life: 100000000 years'),
	('UPDATE crm.activity_kind SET per = ''1000000 years'' WHERE code = ''page_view''', '^23514: .*activity_kind_within_a_thousand_years'),
	('UPDATE crm.activity_kind SET hot_for = ''300000 years'' WHERE code = ''page_view''', '^23514: .*activity_kind_within_a_thousand_years'),
	('INSERT INTO crm.grade_threshold (dimension, grade, at_least) VALUES (''fit'', ''D'', 1)', '^23514: .*grade_threshold_is_known'),
	('UPDATE crm.grade_threshold SET at_least = ''NaN''', '^23514: .*grade_threshold_at_least_is_a_number'),
	('UPDATE crm.rating SET temperature = ''tepid''', '^23514: .*rating_temperature_is_known')) b (s, e);
SELECT matches(t.error('UPDATE crm.lead SET engagement = NULL', 'lc_sales'), '^23514: column "engagement"', 'nor does sales set an engagement');
SELECT matches(t.error('SET LOCAL leadcrm.counting = on; UPDATE crm.lead SET engagement = NULL', 'lc_sales'), '^23514: column "engagement"',
	'by whatever setting');
SELECT is(t.state(), (SELECT state FROM t.before), 'nothing of all this was stored');
SELECT is(t.error('UPDATE crm.lead SET engagement = engagement, full_name = full_name || ''!'''), 'none', 'writing back what is there passes');
SELECT is(t.error($$INSERT INTO crm.lead (lead_id, full_name, engagement) SELECT lead_id, 'again', engagement FROM crm.lead
	ON CONFLICT (lead_id) DO UPDATE SET full_name = EXCLUDED.full_name, engagement = EXCLUDED.engagement$$), 'none', 'also by an upsert of whole rows');
SELECT is(t.error('INSERT INTO crm.activity (lead_id, kind) SELECT lead_id, ''email_open'' FROM crm.lead WHERE false'), 'none', 'a statement without rows');

-- rules that change
SELECT is((SELECT rescore_due_since FROM crm.setting), NULL, 'all engagements agree with the rules');
SELECT is(t.error('UPDATE crm.activity_kind SET points = 7 WHERE code = ''page_view''', 'lc_admin'), 'none', 'an admin changes points');
SELECT is((SELECT rescore_due_since FROM crm.setting), now(), 'now rescore() is due');
SELECT isnt_empty('SELECT * FROM crm.engagement_mismatch', 'as engagement_mismatch shows');
SELECT is(t.error('SELECT crm.rescore()', 'lc_admin'), 'none', 'the admin calls it');
SELECT is_empty('SELECT * FROM crm.engagement_mismatch', 'all engagements are right');
SELECT is((SELECT rescore_due_since FROM crm.setting), NULL, 'nothing is due');
SELECT is(t.error('SELECT crm.rescore(''10 days'')', 'lc_admin'), 'none', 'another half-life');
SELECT is((SELECT half_life FROM crm.setting), interval '10 days', 'is kept');
SELECT is(t.points(1, '2026-05-11 12:00+00'), 22.5, 'and holds for all engagements');
SELECT is_empty('SELECT * FROM crm.engagement_mismatch', 'which are right');
UPDATE crm.setting SET time_zone = 'Asia/Tokyo';
SELECT is((SELECT rescore_due_since FROM crm.setting), now(), 'another time zone has other days');
SELECT crm.rescore();
UPDATE crm.activity_kind SET label = 'Prices seen', hot_for = '1 day', active = false WHERE code = 'price_view';
SELECT is((SELECT rescore_due_since FROM crm.setting), NULL, 'what is not of the score makes nothing due');

-- no half-life is wrong for lack of activities
CREATE TABLE t.activities AS SELECT * FROM crm.activity;
DELETE FROM crm.activity;
SELECT matches(t.error('SELECT crm.rescore(''-1 year 361 days'')'), '^22023: invalid half-life', 'a half-life that is none, without activities');
-- nothing to compute anew, nothing due
UPDATE crm.activity_kind SET points = points + 1 WHERE code = 'email_click';
UPDATE crm.setting SET time_zone = 'Asia/Tbilisi';
SELECT is((SELECT rescore_due_since FROM crm.setting), NULL, 'without activities nothing is due');
UPDATE crm.setting SET time_zone = 'Asia/Tokyo';
INSERT INTO crm.activity SELECT * FROM t.activities;
DROP TABLE t.activities;
SELECT is_empty('SELECT * FROM crm.engagement_mismatch', 'what comes back counts');
-- any cap that can be said can be counted to
UPDATE crm.activity_kind SET at_most = 2147483647 WHERE code = 'page_view';
SELECT is(t.error('INSERT INTO crm.activity (lead_id, kind) SELECT 1, ''page_view'' FROM generate_series(1, 3)'), 'none', 'a cap of two thousand million');
SELECT is(t.error('INSERT INTO crm.activity (lead_id, kind) VALUES (1, ''page_view'')'), 'none', 'also one at a time');
UPDATE crm.activity_kind SET at_most = 10 WHERE code = 'page_view';
-- a kind becomes a sales touch
INSERT INTO crm.lead (lead_id, full_name) VALUES (60, 'touched');
INSERT INTO crm.activity (lead_id, kind, occurred_at) VALUES (60, 'webinar_attended', '2026-05-03'), (60, 'webinar_attended', '2026-05-02');
SELECT crm.rescore();
UPDATE crm.activity_kind SET is_sales_touch = true WHERE code = 'webinar_attended';
SELECT is((SELECT rescore_due_since FROM crm.setting), now(), 'a new kind of sales touch makes it due');
SELECT cmp_ok(crm.rescore(), '>', 0::bigint, 'rescore() changes leads');
SELECT is((SELECT first_touch_at FROM crm.lead WHERE lead_id = 60), timestamptz '2026-05-02', 'and they were touched');
SELECT is(crm.rescore(), 0::bigint, 'once');
SELECT is_empty('SELECT l.lead_id FROM crm.lead l JOIN crm.activity_points p USING (lead_id) WHERE p.is_sales_touch GROUP BY l.lead_id
	HAVING min(p.occurred_at) < coalesce(min(l.first_touch_at), ''infinity'')', 'as all that were');
DELETE FROM crm.lead WHERE lead_id = 60;

-- somebody's trigger brings an activity that pushes another out, and makes a note in the row that it fires for: nothing counts twice
CREATE FUNCTION t.follow_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO crm.activity (lead_id, kind, occurred_at, details) VALUES (NEW.lead_id, 'cart_add', NEW.occurred_at, '{}');
	UPDATE crm.activity SET details = '{"followed": true}' WHERE activity_id = NEW.activity_id;
	RETURN NULL;
END
$$;
CREATE TRIGGER follow_up AFTER INSERT ON crm.activity FOR EACH ROW WHEN (NEW.details IS NULL) EXECUTE FUNCTION t.follow_up();
INSERT INTO crm.lead (lead_id, full_name) VALUES (61, 'followed');
INSERT INTO crm.activity (lead_id, kind, occurred_at, details) VALUES (61, 'cart_add', '2026-05-01 12:00+00', '{}');
INSERT INTO crm.activity (lead_id, kind, occurred_at) VALUES (61, 'webinar_attended', '2026-05-01 10:00+00');
SELECT is_empty('SELECT * FROM crm.engagement_mismatch', 'whatever triggers do');
DROP TRIGGER follow_up ON crm.activity;
DELETE FROM crm.lead WHERE lead_id = 61;

-- a restore brings engagements and activities, and counts nothing twice
CREATE TABLE t.leads AS SELECT lead_id, engagement FROM crm.lead;
CREATE TABLE t.activities AS SELECT * FROM crm.activity;
SET LOCAL leadcrm.enforcement = off;
DELETE FROM crm.activity;
INSERT INTO crm.activity SELECT * FROM t.activities;
SET LOCAL leadcrm.enforcement = strict;
SELECT results_eq('SELECT lead_id, engagement FROM crm.lead ORDER BY 1', 'SELECT * FROM t.leads ORDER BY 1', 'with leadcrm.enforcement = off');
SET LOCAL session_replication_role = replica;
DELETE FROM crm.activity;
INSERT INTO crm.activity SELECT * FROM t.activities;
SET LOCAL session_replication_role = origin;
SELECT results_eq('SELECT lead_id, engagement FROM crm.lead ORDER BY 1', 'SELECT * FROM t.leads ORDER BY 1', 'and where a subscriber applies');
SELECT is_empty('SELECT * FROM crm.engagement_mismatch', 'they are right');
-- what went wrong without triggers is found and mended
SET LOCAL leadcrm.enforcement = off;
UPDATE crm.lead SET engagement = leadcrm.add_points(engagement, 100, now()) WHERE lead_id = 5;
UPDATE crm.lead SET engagement = NULL WHERE lead_id = 6;
DELETE FROM crm.activity WHERE lead_id = 7;
UPDATE crm.lead SET engagement = leadcrm.make_score(1, now(), '77 days') WHERE lead_id = 8;
SET LOCAL leadcrm.enforcement = strict;
SELECT results_eq('SELECT lead_id FROM crm.engagement_mismatch ORDER BY 1', ARRAY[5, 6, 7, 8]::bigint[], 'each of them');
SELECT cmp_ok(crm.rescore(), '>=', 4::bigint, 'rescore()');
SELECT is_empty('SELECT * FROM crm.engagement_mismatch', 'mends them');

-- leads go with their activities
SELECT is(t.error('DELETE FROM crm.lead WHERE lead_id = 5', 'lc_admin'), 'none', 'an admin deletes a lead');
SELECT is_empty('SELECT FROM crm.activity WHERE lead_id = 5', 'its activities are gone');

-- row security
INSERT INTO crm.rep (code, full_name, db_role) VALUES ('ona', 'Ona', 'lc_sales');
UPDATE crm.lead SET owner = 'ona' WHERE lead_id = 1;
SELECT is(t.error('SELECT crm.row_security(true)', 'lc_owner'), 'none', 'row security on');
SELECT is(t.run('SELECT count(DISTINCT lead_id) FROM crm.activity', 'lc_sales'), '1', 'a rep sees the activities of its own leads');
SELECT is(t.error('INSERT INTO crm.activity (lead_id, kind) VALUES (1, ''meeting_held'')', 'lc_sales'), 'none', 'writes some');
SELECT matches(t.error('INSERT INTO crm.activity (lead_id, kind) VALUES (2, ''meeting_held'')', 'lc_sales'), '^42501: new row violates row-level security',
	'and none of others''');
SELECT is_empty('SELECT * FROM crm.engagement_mismatch', 'all engagements are right');

-- a plan without sequential scans may seem dear enough to be compiled, for every call anew
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc p
	WHERE p.pronamespace = 'crm'::regnamespace AND 'enable_seqscan=off' = ANY (p.proconfig) AND 'jit=off' <> ALL (p.proconfig)$$,
	'what is done for every activity is not compiled first');
SELECT * FROM finish();
ROLLBACK;
