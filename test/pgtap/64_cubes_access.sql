-- Who gets which answer of the cubes, who may keep them, what verify() finds, and what an upgrade counts.
BEGIN;
CREATE EXTENSION pgtap;
CREATE EXTENSION leadcrm;
SELECT leadcrm.create_workspace('crm');
SET jit = off;
CREATE ROLE cubes_rep;
CREATE ROLE cubes_analyst;
CREATE ROLE cubes_admin;
CREATE ROLE cubes_old;
SELECT crm.grant_access('cubes_rep', 'sales'), crm.grant_access('cubes_analyst', 'analyst'), crm.grant_access('cubes_admin', 'admin'),
	crm.grant_access('cubes_old', 'analyst');
INSERT INTO crm.rep (code, full_name, db_role) VALUES ('ann', 'Ann', 'cubes_rep'), ('bo', 'Bo', NULL);
INSERT INTO crm.lead (owner, value) SELECT CASE WHEN i <= 3 THEN 'ann' ELSE 'bo' END, i FROM generate_series(1, 10) i;
UPDATE crm.lead SET stage = 'mql' WHERE lead_id % 2 = 0;

CREATE FUNCTION seen(role name) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	PERFORM set_config('role', role, true);
	SELECT concat((SELECT entered FROM crm.funnel_leak WHERE stage = 'lead'), ' ', (SELECT sum(entered) FROM crm.funnel_leak_by_owner WHERE stage = 'mql'), ' ',
		(SELECT entered FROM crm.funnel_between('-infinity', 'infinity') WHERE stage = 'lead'), ' ',
		CASE WHEN has_table_privilege('crm.lead_cube', 'SELECT') THEN (SELECT count(*) > 0 FROM crm.lead_delta)::text END, ' ',
		CASE WHEN crm.cubes_answer('', NULL, NULL) THEN 'cubes' ELSE 'leads' END) INTO result;
	PERFORM set_config('role', 'none', true);
	RETURN result;
END
$$;
GRANT EXECUTE ON FUNCTION seen(name) TO PUBLIC;

SELECT plan(48);
SELECT is(seen('cubes_rep'), '10 5 10 true cubes', 'without row security everybody sees all leads, off the cubes');
SELECT is(seen('cubes_analyst'), '10 5 10 true cubes', 'analysts, too');
REVOKE SELECT ON crm.lead_cube FROM cubes_old;
SELECT is(seen('cubes_old'), '10 5 10  leads', 'who may not read the cubes gets the same off the leads');
SELECT crm.row_security(true);
SELECT is(seen('cubes_rep'), '3 1 3 false leads', 'a rep sees only leads of his own, and nothing of the cubes');
SELECT is(seen('cubes_analyst'), '10 5 10 true cubes', 'from an analyst nothing is hidden');
CREATE POLICY mine ON crm.lead AS RESTRICTIVE USING (lead_id > 5);
SELECT is(seen('cubes_analyst'), '5 3 5 true leads', 'a policy of the company''s own hides leads: they are counted one by one');
DROP POLICY mine ON crm.lead;
SELECT crm.row_security(false);
SELECT is(seen('cubes_rep'), '10 5 10 true cubes', 'switched off');

-- upkeep
SET LOCAL ROLE cubes_analyst;
SELECT throws_ok('SELECT crm.fold()', '42501', NULL, 'analysts don''t fold');
SELECT throws_ok('SELECT crm.rebuild_cubes()', '42501', NULL, 'nor count anew');
SELECT throws_ok('DELETE FROM crm.lead_delta', '42501', NULL, 'nor write deltas');
SET LOCAL ROLE cubes_admin;
SELECT throws_ok('UPDATE crm.lead_cube SET leads = 0', '42501', NULL, 'nor does an admin write cells');
SELECT is(crm.fold() > 0, true, 'admins fold');
SELECT is(crm.fold(), 0::bigint, 'until nothing is left');
SELECT is(crm.rebuild_cubes(), 10::bigint, 'and count anew');
UPDATE crm.setting SET time_zone = 'Pacific/Kiritimati';
RESET ROLE;
SELECT is_empty('SELECT * FROM leadcrm.verify(''crm.lead'')', 'all is well, in the new time zone, too');
SELECT throws_ok('SELECT crm.fold(0)', '22023', NULL, 'no deltas at once');
SELECT throws_ok('SELECT crm.fold(NULL)', '22023', NULL, 'nor an unknown number');

-- what verify finds
UPDATE crm.lead_cube SET leads = leads + 1 WHERE cube = 3 AND kind = 0;
SELECT is((SELECT count(*) FROM leadcrm.verify('crm.lead') WHERE problem = 'cube'), (SELECT count(*) FROM crm.lead_cube WHERE cube = 3 AND kind = 0), 'a wrong cell');
SELECT crm.rebuild_cubes();
UPDATE crm.lead_stay SET counts = '{}' WHERE cube = 1;
SELECT is((SELECT count(*) > 0 FROM leadcrm.verify('crm.lead') WHERE problem = 'cube'), true, 'a wrong histogram');
SELECT crm.rebuild_cubes();
ALTER TABLE crm.lead DISABLE TRIGGER "~leadcrm_count";
SELECT is((SELECT string_agg(problem || ' ' || detail, E'\n') FROM leadcrm.verify('crm.lead')), 'cube_trigger Trigger "~leadcrm_count", which counts leads, is disabled.',
	'a trigger that does not count');
UPDATE crm.lead SET owner = 'ann';
SELECT is((SELECT count(*) > 0 FROM leadcrm.verify('crm.lead') WHERE problem = 'cube'), true, 'and what it left out');
ALTER TABLE crm.lead ENABLE TRIGGER "~leadcrm_count";
SELECT crm.rebuild_cubes();
SELECT is_empty('SELECT * FROM leadcrm.verify(''crm.lead'')', 'counted anew');
SET leadcrm.enforcement = off;
UPDATE crm.lead SET value = 1;
RESET leadcrm.enforcement;
SELECT is((SELECT count(*) > 0 FROM leadcrm.verify('crm.lead') WHERE problem = 'cube'), true, 'what was written with enforcement off');
CREATE TEMP TABLE wrong AS SELECT count(*) AS cells FROM crm.verify_cubes();
SELECT results_eq('SELECT problem, action, done FROM leadcrm.repair(''crm.lead'')',
	'SELECT ''cube'', ''SELECT crm.rebuild_cubes(). Cells that do not say what the rows do: '' || cells || ''.'', false FROM wrong', 'repair() says what mends it');
SELECT is((SELECT count(*) > 0 FROM leadcrm.verify('crm.lead')), true, 'and does nothing unasked');
ALTER TABLE crm.lead DISABLE TRIGGER "~leadcrm_counted";
SELECT results_eq('SELECT problem, done FROM leadcrm.repair(''crm.lead'', false)', $$VALUES ('cube_trigger', true), ('cube', true)$$, 'asked, it does');
SELECT is_empty('SELECT * FROM leadcrm.verify(''crm.lead'')', 'all is well');
SELECT is_empty('SELECT * FROM leadcrm.repair(''crm.lead'')', 'nothing is left to do');
ALTER TABLE crm.lead ENABLE REPLICA TRIGGER "~leadcrm_counted";
SELECT results_eq('SELECT problem, done FROM leadcrm.repair(''crm.lead'', false)', $$VALUES ('cube_trigger', true)$$, 'a trigger that counts what is replicated only counts all again');
SAVEPOINT s;
CREATE ROLE lc_cube_stranger;
SELECT results_eq('SELECT function::text FROM leadcrm.count_functions(''crm.lead'', ''check'')', ARRAY['crm.verify_cubes()'], 'who checks the counts');
ALTER FUNCTION crm.verify_cubes() OWNER TO lc_cube_stranger;
SELECT is_empty('SELECT * FROM leadcrm.count_functions(''crm.lead'', ''check'')', 'nobody else''s function does');
ROLLBACK TO s;
CREATE TEMP TABLE before AS SELECT lead_id, lead_at, mql_at, stage_since FROM crm.lead;
SET leadcrm.enforcement = off;
UPDATE crm.lead SET lead_at = '-infinity', mql_at = 'infinity' WHERE lead_id = 2;
UPDATE crm.lead SET stage_since = '-infinity' WHERE lead_id = 3;
RESET leadcrm.enforcement;
SELECT is((SELECT count(*) > 0 FROM leadcrm.verify('crm.lead') WHERE problem = 'cube'), true, 'also stamps that are no times');
SELECT crm.rebuild_cubes();
SELECT is_empty('SELECT * FROM crm.verify_cubes()', 'which are counted, too');
SET leadcrm.enforcement = off;
UPDATE crm.lead l SET lead_at = b.lead_at, mql_at = b.mql_at, stage_since = b.stage_since FROM before b WHERE b.lead_id = l.lead_id;
RESET leadcrm.enforcement;
SELECT crm.rebuild_cubes();

-- a workspace made before there were cubes
SAVEPOINT s;
DROP TRIGGER "~leadcrm_count" ON crm.lead;
SELECT is((SELECT string_agg(problem || ' ' || detail, E'\n') FROM leadcrm.verify('crm.lead')), 'cube_trigger Trigger "~leadcrm_count", which counts leads, is missing.',
	'verify() misses a trigger that counts');
ROLLBACK TO s;
DROP TRIGGER "~leadcrm_counted" ON crm.lead;
SELECT results_eq('SELECT problem, done FROM leadcrm.repair(''crm.lead'', false)', $$VALUES ('cube_trigger', false)$$, 'repair() cannot make a trigger again');
DROP TRIGGER "~leadcrm_count" ON crm.lead;
DELETE FROM crm.lead_cube;
DELETE FROM crm.lead_stay;
DELETE FROM crm.lead_delta;
SELECT leadcrm.upgrade_workspace('crm');
SELECT is_empty('SELECT * FROM leadcrm.verify(''crm.lead'')', 'an upgrade counts the leads that are there');
SELECT is(seen('cubes_analyst'), '10 5 10 false cubes', 'and the views read that');

-- a workspace made when deltas were arrays
ALTER TABLE crm.lead_delta ADD COLUMN cubes smallint NOT NULL DEFAULT 0, ADD COLUMN period date, ADD COLUMN keys text[], ADD COLUMN codes bigint[],
	ADD COLUMN leads bigint[], ADD COLUMN valued bigint[], ADD COLUMN amounts numeric[];
INSERT INTO crm.lead_delta (delta_id, first_day, last_day, changes) VALUES (gen_random_uuid(), '2024-01-01', '2024-01-01', '');
UPDATE crm.lead_cube SET leads = 7;
SELECT leadcrm.upgrade_workspace('crm');
SELECT is((SELECT string_agg(a.attname, ' ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = 'crm.lead_delta'::regclass AND a.attnum > 0 AND NOT a.attisdropped),
	'delta_id first_day last_day changes', 'an upgrade gives deltas their form');
SELECT is_empty('SELECT * FROM leadcrm.verify(''crm.lead'')', 'and counts anew');

-- a workspace whose deltas did not say what became of leads
SELECT ok((SELECT count(*) FROM crm.stay_counts()) > 0, 'something became of the leads');
CREATE TABLE fates AS SELECT position, sum(c.n) AS leads FROM crm.stay_counts() s, LATERAL (SELECT sum(s.counts[i + 1]) AS n
	FROM generate_series(1, cardinality(s.counts), 2) i) c GROUP BY 1;
DELETE FROM crm.lead_stay WHERE code >= 5::bigint << 56;
SELECT leadcrm.upgrade_workspace('crm');
SELECT is_empty('SELECT * FROM leadcrm.verify(''crm.lead'')', 'an upgrade counts that');
INSERT INTO crm.lead_delta (delta_id, first_day, last_day, changes) VALUES (gen_random_uuid(), '2024-01-01', '2024-01-01', '\x0100');
DROP TRIGGER "~leadcrm_count" ON crm.lead;
CREATE TRIGGER "~leadcrm_count" AFTER INSERT OR UPDATE OR DELETE ON crm.lead FOR EACH ROW EXECUTE FUNCTION leadcrm.count_cells('delta=lead_delta', 'zone=setting.time_zone',
	'unless=excluded_as', 'born=created_at', 'state=stage', 'peak=stage_peak', 'since=stage_since', 'over=status_category:closed', 'value=value',
	'keys=channel,campaign_id,owner', 'entered=subscriber_at,lead_at,mql_at,sql_at,opportunity_at,customer_at,evangelist_at', 'check=verify_cubes');
UPDATE crm.lead SET status = 'lost', status_reason = 'no_budget' WHERE stage = 'lead';
SELECT leadcrm.upgrade_workspace('crm');
SELECT is_empty('SELECT * FROM leadcrm.verify(''crm.lead'')', 'also where the trigger did not say since when leads are closed, and deltas had another version');
SELECT results_eq($$SELECT position, sum(c.n) FROM crm.stay_counts() s, LATERAL (SELECT sum(s.counts[i + 1]) AS n
	FROM generate_series(1, cardinality(s.counts), 2) i) c GROUP BY 1 ORDER BY 1$$, 'SELECT * FROM fates ORDER BY 1', 'and of as many');

-- what is no delta
SAVEPOINT s;
INSERT INTO crm.lead_delta (delta_id, first_day, last_day, changes) VALUES (gen_random_uuid(), '2024-01-01', '2024-01-01', '\x0100ff');
SELECT throws_ok('SELECT * FROM crm.funnel_leak', 'XX001', NULL, 'a damaged delta is not passed over');
SELECT throws_ok('SELECT crm.fold()', 'XX001', NULL, 'nor folded');
SELECT lives_ok('SELECT crm.rebuild_cubes()', 'counting anew mends it');
SELECT is_empty('SELECT * FROM leadcrm.verify(''crm.lead'')', 'all is well');

-- a statement trigger sees its own changes when it is the last
INSERT INTO crm.lead (channel) VALUES ('email');
SELECT is((SELECT entered FROM crm.funnel_leak_by_channel WHERE channel = 'email' AND stage = 'lead'), 1::bigint, 'one''s own uncommitted lead counts');
SELECT * FROM finish();
ROLLBACK;
