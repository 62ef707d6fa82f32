-- A BEFORE trigger that runs after the guard cannot change what the guard has checked.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_late_triggers_are_found CASCADE;
CREATE SCHEMA t_late_triggers_are_found;
SET search_path = t_late_triggers_are_found;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try
\pset format unaligned
\pset tuples_only on
\pset null (null)
CREATE TYPE stage AS ENUM ('new', 'talk', 'won');
CREATE TABLE lead (id integer PRIMARY KEY, name text, stage stage NOT NULL, stage_peak stage, new_at timestamptz, talk_at timestamptz, won_at timestamptz);
SELECT leadcrm.track('lead', 'stage');
INSERT INTO lead_stage_transition (from_state, to_state, needs_reason) VALUES
	(NULL, 'new', false), (NULL, 'talk', false), ('new', 'talk', false), ('talk', 'new', false), ('talk', 'won', true), ('new', 'won', false);
INSERT INTO lead (id, stage) VALUES (1, 'new');
CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	CASE NEW.name
		WHEN 'allowed state' THEN NEW.stage := 'talk';
		WHEN 'forbidden state' THEN NEW.stage := 'won';
		WHEN 'old state' THEN NEW.stage := OLD.stage;
		WHEN 'since' THEN NEW.stage_since := '2001-01-01';
		WHEN 'no since' THEN NEW.stage_since := NULL;
		WHEN 'seq' THEN NEW.stage_seq := 7;
		WHEN 'no seq' THEN NEW.stage_seq := NULL;
		WHEN 'peak' THEN NEW.stage_peak := 'won';
		WHEN 'no peak' THEN NEW.stage_peak := NULL;
		WHEN 'stamp' THEN NEW.new_at := '2001-01-01';
		WHEN 'no stamp' THEN NEW.talk_at := NULL;
		WHEN 'reason' THEN NEW.stage_reason := NULL;
		WHEN 'name' THEN NEW.name := 'changed';
		WHEN 'swallow' THEN RETURN NULL;
		ELSE NULL;
	END CASE;
	RETURN NEW;
END
$$;
-- before the guard it may, and the guard decides
CREATE TRIGGER early BEFORE INSERT OR UPDATE ON lead FOR EACH ROW EXECUTE FUNCTION late();
SELECT try($$UPDATE lead SET name = 'allowed state'$$);
SELECT stage, stage_seq, talk_at = stage_since FROM lead;
SELECT try($$UPDATE lead SET name = 'forbidden state'$$);
DROP TRIGGER early ON lead;

CREATE TRIGGER "~~late" BEFORE INSERT OR UPDATE ON lead FOR EACH ROW EXECUTE FUNCTION late();
-- a guard that records could not tell
SELECT try($$UPDATE lead SET stage = 'new'$$, true);
-- a trigger for each row can
SELECT leadcrm.retrack('lead', 'stage');
-- the state stays
SELECT try($$UPDATE lead SET name = 'forbidden state'$$, true);
SELECT try($$UPDATE lead SET name = 'since'$$);
SELECT try($$UPDATE lead SET name = 'no since'$$);
SELECT try($$UPDATE lead SET name = 'seq'$$);
SELECT try($$UPDATE lead SET name = 'no seq'$$);
SELECT try($$UPDATE lead SET name = 'peak'$$);
SELECT try($$UPDATE lead SET name = 'no peak'$$);
SELECT try($$UPDATE lead SET name = 'stamp'$$);
SELECT try($$UPDATE lead SET name = 'no stamp'$$);
-- it changes
SELECT try($$UPDATE lead SET stage = 'new', name = 'allowed state'$$);
SELECT try($$UPDATE lead SET stage = 'new', name = 'forbidden state'$$);
SELECT try($$UPDATE lead SET stage = 'new', name = 'old state'$$);
SELECT try($$UPDATE lead SET stage = 'new', name = 'since'$$);
SELECT try($$UPDATE lead SET stage = 'new', name = 'no since'$$);
SELECT try($$UPDATE lead SET stage = 'new', name = 'seq'$$);
SELECT try($$UPDATE lead SET stage = 'new', name = 'no seq'$$);
SELECT try($$UPDATE lead SET stage = 'new', name = 'peak'$$);
SELECT try($$UPDATE lead SET stage = 'new', name = 'no peak'$$);
SELECT try($$UPDATE lead SET stage = 'new', name = 'stamp'$$);
SELECT try($$UPDATE lead SET stage = 'new', name = 'no stamp'$$);
SELECT try($$UPDATE lead SET stage = 'won', stage_reason = 'x', name = 'reason'$$);
-- births and backfills
SELECT try($$INSERT INTO lead (id, stage, name) VALUES (2, 'new', 'allowed state')$$, true);
SELECT try($$INSERT INTO lead (id, stage, name) VALUES (2, 'new', 'forbidden state')$$);
SELECT try($$INSERT INTO lead (id, stage, name) VALUES (2, 'new', 'no since')$$);
SELECT try($$INSERT INTO lead (id, stage, name) VALUES (2, 'new', 'no seq')$$);
SELECT try($$INSERT INTO lead (id, stage, name) VALUES (2, 'new', 'seq')$$);
SELECT try($$INSERT INTO lead (id, stage, name) VALUES (2, 'new', 'peak')$$);
SELECT try($$INSERT INTO lead (id, stage, name) VALUES (2, 'new', 'no peak')$$);
SELECT try($$INSERT INTO lead (id, stage, name, new_at, talk_at) VALUES (2, 'talk', 'no stamp', '2020-01-01', '2020-02-01')$$);
SELECT id, stage, stage_seq, stage_peak FROM lead ORDER BY id;
-- what none of this concerns passes, also rows that are not stored
SELECT try($$UPDATE lead SET name = 'name'$$);
SELECT try($$UPDATE lead SET name = 'swallow', stage = 'new'$$);
SELECT try($$INSERT INTO lead (id, stage, name) VALUES (3, 'new', 'swallow')$$);
SELECT try($$INSERT INTO lead (id, stage) VALUES (3, 'talk')$$);
SELECT try($$UPDATE lead SET name = 'swallow', stage = 'won', stage_reason = 'x'$$);
SELECT try($$UPDATE lead SET stage = 'new', name = 'name'$$);
SELECT id, name, stage, stage_seq, stage_peak FROM lead ORDER BY id;
SELECT id, seq, from_state, to_state, forced FROM lead_stage_history ORDER BY id, seq;
-- in log mode the row is still not the one that was checked
SET leadcrm.enforcement = log;
SET client_min_messages = error;
SELECT try($$UPDATE lead SET stage = 'talk', name = 'forbidden state'$$);
SET client_min_messages = warning;
RESET leadcrm.enforcement;
-- disabled, it is no matter; the order is found anew when triggers change
UPDATE lead SET name = 'none', stage = 'new';
ALTER TABLE lead DISABLE TRIGGER "~~late";
SELECT try($$UPDATE lead SET stage = 'talk', name = 'forbidden state' WHERE id = 1$$);
ALTER TABLE lead ENABLE TRIGGER "~~late";
SELECT try($$UPDATE lead SET stage = 'new', name = 'allowed state' WHERE id = 1$$);
SELECT try($$UPDATE lead SET stage = 'talk', name = 'allowed state' WHERE id = 3$$);
ALTER TRIGGER "~~late" ON lead RENAME TO "late";
SELECT try($$UPDATE lead SET stage = 'new', name = 'allowed state' WHERE id = 1$$);
SELECT id, stage FROM lead ORDER BY id;

-- a guard that is gone or disabled: the recorder finds out
DROP TRIGGER late ON lead;
ALTER TABLE lead DISABLE TRIGGER "~leadcrm_guard_stage";
SELECT try($$INSERT INTO lead (id, stage) VALUES (5, 'new')$$, true);
SELECT try($$UPDATE lead SET stage = 'new' WHERE id = 3$$, true);
SELECT try($$UPDATE lead SET stage_since = '2001-01-01' WHERE id = 3$$);
ALTER TABLE lead ENABLE TRIGGER "~leadcrm_guard_stage";
-- a recorder that is gone: the guard finds out
DROP TRIGGER "~leadcrm_record_stage" ON lead;
SELECT try($$UPDATE lead SET stage = 'new' WHERE id = 3$$, true);
SELECT try($$INSERT INTO lead (id, stage) VALUES (5, 'new')$$);
-- or disabled
CREATE TABLE two (id integer PRIMARY KEY, s text NOT NULL);
SELECT leadcrm.track('two', 's');
INSERT INTO two VALUES (1, 'a');
ALTER TABLE two DISABLE TRIGGER "~leadcrm_record_s";
SELECT try($$UPDATE two SET s = 'b'$$);
SELECT s, s_seq FROM two;
SELECT guard, record_update, record_insert_delete FROM leadcrm.tracked WHERE table_name = 'two';
SELECT problem, detail FROM leadcrm.verify('two');

DROP SCHEMA t_late_triggers_are_found CASCADE;
