-- verify() names every disagreement between rows and history, and nothing else; repair() mends what can be mended.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_verify_finds_it CASCADE;
CREATE SCHEMA t_verify_finds_it;
SET search_path = t_verify_finds_it;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try
\pset format unaligned
\pset tuples_only on
\pset null (null)
CREATE TYPE stage AS ENUM ('new', 'talk', 'won');
CREATE TABLE lead (id integer PRIMARY KEY, stage stage NOT NULL, stage_peak stage, new_at timestamptz, talk_at timestamptz, won_at timestamptz, s text NOT NULL DEFAULT 'a');
SELECT leadcrm.track('lead', 'stage');
SELECT leadcrm.track('lead', 's');
CREATE FUNCTION broken(statement text) RETURNS TABLE (line text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('leadcrm.enforcement', 'off', true);
	EXECUTE statement;
	PERFORM set_config('leadcrm.enforcement', 'strict', true);
	RETURN QUERY SELECT 'before: ' || concat_ws(' | ', v.state_column, v.key, v.seq, v.problem, regexp_replace(v.detail, '\d+-\d+-\d+ \d+:\d+:\d+\.\d+\+00', '<clock>', 'g'))
		FROM leadcrm.verify('lead') v ORDER BY v.state_column, v.problem, v.key, v.seq;
	RETURN QUERY SELECT 'repair: ' || concat_ws(' | ', r.state_column, r.key, r.problem, r.done) FROM leadcrm.repair('lead', false) r ORDER BY 1;
	RETURN QUERY SELECT 'after: ' || concat_ws(' | ', v.state_column, v.key, v.seq, v.problem) FROM leadcrm.verify('lead') v ORDER BY 1;
	RETURN QUERY SELECT 'row: ' || l::text FROM (SELECT id, stage, stage_since, stage_seq, stage_peak, new_at, talk_at, won_at FROM lead WHERE id = 2) l;
	RAISE EXCEPTION 'back';
EXCEPTION WHEN raise_exception THEN NULL;
END
$$;
-- lives of all kinds, none of which is a disagreement
INSERT INTO lead (id, stage, stage_since) VALUES (1, 'new', '2020-01-01');
UPDATE lead SET stage = 'won', stage_since = '2020-02-01' WHERE id = 1;
UPDATE lead SET stage = 'new', stage_since = '2020-03-01' WHERE id = 1;
INSERT INTO lead (id, stage, new_at, talk_at) VALUES (2, 'talk', '2020-01-01', '2020-02-01'), (3, 'new', '2020-01-01', '2020-02-01'), (5, 'talk', '2020-02-01', '2020-01-01');
INSERT INTO lead (id, stage, talk_at, stage_since) VALUES (6, 'talk', '2020-01-01', '2020-02-01');
INSERT INTO lead (id, stage) VALUES (4, 'new');
UPDATE lead SET stage = 'talk' WHERE id = 4;
SELECT leadcrm.correct('lead', 'stage', '4', 'x');
UPDATE lead SET stage = 'won' WHERE id = 4;
DELETE FROM lead WHERE id = 4;
INSERT INTO lead (id, stage, new_at, talk_at) VALUES (4, 'talk', '2020-01-01', '2020-02-01');
INSERT INTO lead (id, stage) VALUES (7, 'new');
DELETE FROM lead WHERE id = 7;
SELECT count(*) FROM leadcrm.verify('lead');
SELECT count(*) FROM leadcrm.repair('lead');
SELECT count(*) FROM leadcrm.repair('lead', false);
-- rows that were there before they were tracked, and changed since
CREATE TABLE old (id integer PRIMARY KEY, s text NOT NULL);
INSERT INTO old VALUES (1, 'a'), (2, 'a');
SELECT leadcrm.track('old', 's');
UPDATE old SET s = 'b' WHERE id = 2;
SELECT * FROM leadcrm.verify('old');
DELETE FROM old;
SELECT * FROM leadcrm.verify('old');

-- a dry run does nothing
SET leadcrm.enforcement = off;
UPDATE lead SET stage = 'won' WHERE id = 2;
RESET leadcrm.enforcement;
SELECT key, problem, action, done FROM leadcrm.repair('lead');
SELECT key, problem FROM leadcrm.verify('lead');
SET leadcrm.enforcement = off;
UPDATE lead SET stage = 'talk' WHERE id = 2;
RESET leadcrm.enforcement;

-- the row
SELECT * FROM broken($$UPDATE lead SET stage = 'won' WHERE id = 2$$);
SELECT * FROM broken($$UPDATE lead SET stage_seq = 9 WHERE id = 2$$);
SELECT * FROM broken($$UPDATE lead SET stage_seq = NULL WHERE id = 2$$);
SELECT * FROM broken($$UPDATE lead SET stage_since = '2020-02-02' WHERE id = 2$$);
SELECT * FROM broken($$UPDATE lead SET stage_peak = 'won' WHERE id = 2$$);
SELECT * FROM broken($$UPDATE lead SET stage_peak = NULL WHERE id = 2$$);
SELECT * FROM broken($$UPDATE lead SET new_at = '2020-01-02' WHERE id = 2$$);
SELECT * FROM broken($$UPDATE lead SET talk_at = NULL WHERE id = 2$$);
SELECT * FROM broken($$UPDATE lead SET won_at = '2020-01-02' WHERE id = 2$$);
SELECT * FROM broken($$DELETE FROM lead WHERE id = 2$$);
SELECT * FROM broken($$INSERT INTO lead (id, stage) VALUES (8, 'new')$$);
SELECT * FROM broken($$INSERT INTO lead (id, stage) VALUES (7, 'new')$$);
SELECT * FROM broken($$UPDATE lead SET id = 20 WHERE id = 2$$);
SELECT * FROM broken($$UPDATE lead SET s = 'b' WHERE id = 2$$);
-- the history
SELECT * FROM broken($$DELETE FROM lead_stage_history WHERE id = 2 AND seq = 1$$);
SELECT * FROM broken($$DELETE FROM lead_stage_history WHERE id = 2 AND seq = 2$$);
SELECT * FROM broken($$DELETE FROM lead_stage_history WHERE id = 2$$);
SELECT * FROM broken($$UPDATE lead_stage_history SET to_state = 'won' WHERE id = 2 AND seq = 2$$);
SELECT * FROM broken($$UPDATE lead_stage_history SET to_state = 'won' WHERE id = 2 AND seq = 1$$);
SELECT * FROM broken($$UPDATE lead_stage_history SET seq = 3 WHERE id = 2 AND seq = 2$$);
SELECT * FROM broken($$UPDATE lead_stage_history SET changed_at = '2019-01-01' WHERE id = 2 AND seq = 2$$);
SELECT * FROM broken($$UPDATE lead_stage_history SET since = '2019-01-01' WHERE id = 2 AND seq = 2$$);
SELECT * FROM broken($$UPDATE lead_stage_history SET changed_at = '2021-01-01' WHERE id = 2 AND seq = 2$$);
SELECT * FROM broken($$INSERT INTO lead_stage_history SELECT 99, 1, NULL, 'new', NULL, now(), NULL, NULL, 'x', 'x', 'birth', false, NULL, now()$$);
SELECT * FROM broken($$UPDATE lead_stage_history SET corrects = 1 WHERE id = 2 AND seq = 2$$);
SELECT * FROM broken($$UPDATE lead_stage_history SET origin = 'correction' WHERE id = 2 AND seq = 2$$);
-- the triggers
SELECT t.tgrelid::regclass::text, t.tgname, b.line FROM pg_trigger t,
	LATERAL broken(format('ALTER TABLE %s DISABLE TRIGGER %I', t.tgrelid::regclass, t.tgname)) b
WHERE t.tgrelid IN ('lead'::regclass, 'lead_stage_history'::regclass, 'lead_stage_transition'::regclass) AND t.tgname ~ 'leadcrm' AND t.tgname NOT IN ('~leadcrm_filled')
	AND b.line ~ '^(before|after)' ORDER BY 1, 2, 3;
SELECT b.line FROM broken('DROP TRIGGER "~leadcrm_birth_stage" ON lead; DROP TRIGGER "~leadcrm_history" ON lead_stage_history') b WHERE b.line !~ '^row';
SELECT b.line FROM broken('ALTER TABLE lead ENABLE REPLICA TRIGGER "~leadcrm_guard_stage"') b WHERE b.line !~ '^row';
-- after all of this nothing is left of it
SELECT count(*) FROM leadcrm.verify('lead');

-- who asks wrongly, and who may not
SELECT try($$SELECT * FROM leadcrm.verify(NULL)$$, true);
SELECT try($$SELECT * FROM leadcrm.verify('lead_stage_history')$$, true);
SELECT try($$SELECT * FROM leadcrm.repair('lead_stage_history')$$, true);
CREATE ROLE regress_leadcrm_verifier;
GRANT USAGE ON SCHEMA t_verify_finds_it TO regress_leadcrm_verifier;
SET ROLE regress_leadcrm_verifier;
SELECT left(try($$SELECT * FROM leadcrm.verify('lead')$$), 5);
SELECT try($$SELECT * FROM leadcrm.repair('lead')$$, true);
RESET ROLE;
GRANT SELECT ON lead, lead_stage_history, lead_s_history, lead_stage_transition, lead_s_transition TO regress_leadcrm_verifier;
SET ROLE regress_leadcrm_verifier;
SELECT try($$SELECT * FROM leadcrm.verify('lead')$$);
SELECT try($$SELECT * FROM leadcrm.repair('lead', false)$$);
RESET ROLE;
ALTER TABLE lead ENABLE ROW LEVEL SECURITY;
SET ROLE regress_leadcrm_verifier;
SELECT try($$SELECT * FROM leadcrm.verify('lead')$$, true);
RESET ROLE;
DROP OWNED BY regress_leadcrm_verifier;
DROP ROLE regress_leadcrm_verifier;

DROP SCHEMA t_verify_finds_it CASCADE;
