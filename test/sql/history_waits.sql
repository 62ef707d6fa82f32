-- History rows wait for the end of their statement. Whatever happens meanwhile, none is lost, doubled or left over.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_history_waits CASCADE;
CREATE SCHEMA t_history_waits;
SET search_path = t_history_waits, public;
RESET client_min_messages;

CREATE TABLE lead (id integer PRIMARY KEY, stage text NOT NULL DEFAULT 'a', status text NOT NULL DEFAULT 'x', note text);
SELECT leadcrm.track('lead', 'stage');
SELECT leadcrm.track('lead', 'status');

-- one line: how many rows the histories hold, and what verify() finds
CREATE VIEW sum_up AS
SELECT (SELECT count(*) FROM lead_stage_history) AS stage_rows, (SELECT count(*) FROM lead_status_history) AS status_rows,
       (SELECT string_agg(v::text, '; ') FROM leadcrm.verify('t_history_waits.lead') v) AS problems;

-- more rows than wait at once, and both columns in one statement
INSERT INTO lead SELECT i FROM generate_series(1, 1500) i;
UPDATE lead SET stage = 'b', status = 'y';
SELECT * FROM sum_up;
UPDATE lead SET stage = 'c', stage_reason = repeat(md5(id::text), 100) WHERE id <= 600;
SELECT count(*), count(DISTINCT reason), min(length(reason)) FROM lead_stage_history WHERE to_state = 'c';
UPDATE lead SET stage = 'd', stage_reason = (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 20000) i) WHERE id <= 3;
SELECT count(*), min(length(reason)) FROM lead_stage_history WHERE to_state = 'd';
SELECT * FROM sum_up;

-- a trigger's own changes, kept, and rolled back with its savepoint while rows of the statement around it wait
CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.note IS NOT DISTINCT FROM OLD.note THEN
		RETURN NULL;
	END IF;
	BEGIN
		UPDATE t_history_waits.lead SET stage = stage || '-tried' WHERE id BETWEEN NEW.id AND NEW.id + 700;
		INSERT INTO t_history_waits.lead (id) VALUES (100000 + NEW.id);
		DELETE FROM t_history_waits.lead WHERE id = NEW.id + 1;
		RAISE EXCEPTION 'taken back';
	EXCEPTION WHEN raise_exception THEN
		UPDATE t_history_waits.lead SET status = status || '!' WHERE id = NEW.id;
	END;
	BEGIN
		UPDATE t_history_waits.lead SET stage = stage || '+' WHERE id IN (NEW.id, NEW.id + 10);
	EXCEPTION WHEN raise_exception THEN
		RAISE;
	END;
	RETURN NULL;
END
$$;
CREATE TRIGGER meddle AFTER UPDATE ON lead FOR EACH ROW EXECUTE FUNCTION meddle();
UPDATE lead SET stage = 'e', note = 'meddle' WHERE id BETWEEN 1 AND 5;
SELECT id, stage, stage_seq, status, status_seq FROM lead WHERE id BETWEEN 1 AND 6 OR id = 11 ORDER BY id;
UPDATE lead SET stage = 'f', status = 'z', note = 'meddle more' WHERE id BETWEEN 991 AND 1000;
SELECT * FROM sum_up;
-- as many as can wait, all of them of the statement around
UPDATE lead SET stage = 'g', note = CASE WHEN id = 1500 THEN 'once' END;
SELECT * FROM sum_up;
DROP TRIGGER meddle ON lead;

-- a statement that fails half-way leaves none of its rows waiting, and nothing that speaks for a row's next change
ALTER TABLE lead ADD CONSTRAINT no_bad_note CHECK (note <> 'bad');
BEGIN;
SAVEPOINT one;
UPDATE lead SET stage = 'h', note = 100 / (1000 - id) WHERE id BETWEEN 990 AND 1010;
ROLLBACK TO one;
UPDATE lead SET stage = 'h', note = 'bad' WHERE id = 990;
ROLLBACK TO one;
SET LOCAL leadcrm.enforcement = log;
UPDATE lead SET stage = 'h', note = 'good' WHERE id = 990;
COMMIT;
ALTER TABLE lead DROP CONSTRAINT no_bad_note;
SELECT * FROM sum_up;

-- more tracked columns than a row's changes are kept in mind for
CREATE TABLE many (id integer PRIMARY KEY);
DO $$
BEGIN
	FOR i IN 1 .. 12 LOOP
		EXECUTE format('ALTER TABLE many ADD s%s text NOT NULL DEFAULT ''a''', i);
		PERFORM leadcrm.track('many', ('s' || i)::name);
	END LOOP;
END
$$;
INSERT INTO many VALUES (1), (2);
UPDATE many SET s1 = 'b', s2 = 'b', s3 = 'b', s4 = 'b', s5 = 'b', s6 = 'b', s7 = 'b', s8 = 'b', s9 = 'b', s10 = 'b', s11 = 'b', s12 = 'b';
SELECT (SELECT count(*) FROM many_s1_history) AS first, (SELECT count(*) FROM many_s8_history) AS eighth,
       (SELECT count(*) FROM many_s9_history) AS ninth, (SELECT count(*) FROM many_s12_history) AS twelfth;
SELECT * FROM leadcrm.verify('many');

-- a key that is born again while the end of its earlier life waits
CREATE FUNCTION bring_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		INSERT INTO t_history_waits.lead (id, note) VALUES (OLD.id, 'again');
	EXCEPTION WHEN raise_exception THEN
		RAISE;
	END;
	RETURN NULL;
END
$$;
-- sorts after ours
CREATE TRIGGER "~z" AFTER DELETE ON lead FOR EACH ROW EXECUTE FUNCTION bring_back();
DELETE FROM lead WHERE id IN (20, 21);
SELECT id, stage_seq, note FROM lead WHERE id IN (20, 21) ORDER BY id;
DROP TRIGGER "~z" ON lead;
SELECT * FROM sum_up;

-- by a foreign key
CREATE TABLE campaign (name text PRIMARY KEY);
INSERT INTO campaign VALUES ('s'), ('t');
CREATE TABLE touched (id integer PRIMARY KEY, stage text NOT NULL REFERENCES campaign ON UPDATE CASCADE ON DELETE CASCADE);
SELECT leadcrm.track('touched', 'stage');
INSERT INTO touched SELECT i, CASE WHEN i % 2 = 0 THEN 's' ELSE 't' END FROM generate_series(1, 10) i;
UPDATE campaign SET name = name || '2';
DELETE FROM campaign WHERE name = 's2';
SELECT seq, to_state, count(*) FROM touched_stage_history GROUP BY 1, 2 ORDER BY 1, 2;
SELECT * FROM leadcrm.verify('touched');

-- an error when the rows are written takes the statement with it, and nothing stays behind
ALTER TABLE lead_stage_history DISABLE TRIGGER "~leadcrm_history";
INSERT INTO lead_stage_history SELECT id, stage_seq + 1, NULL, 'foreign', NULL, now(), NULL, NULL, 'x', 'x', 'change', false, NULL, now() FROM lead WHERE id = 30;
ALTER TABLE lead_stage_history ENABLE TRIGGER "~leadcrm_history";
UPDATE lead SET stage = 'h' WHERE id BETWEEN 25 AND 35;
ALTER TABLE lead_stage_history DISABLE TRIGGER "~leadcrm_history";
DELETE FROM lead_stage_history WHERE to_state = 'foreign';
ALTER TABLE lead_stage_history ENABLE TRIGGER "~leadcrm_history";
SELECT * FROM sum_up;
UPDATE lead SET stage = 'h' WHERE id BETWEEN 25 AND 35;
SELECT * FROM sum_up;

-- the history's shape changes while rows wait
CREATE FUNCTION alter_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.id = 41 THEN
		ALTER TABLE t_history_waits.lead_stage_history ADD COLUMN extra text;
		CREATE INDEX lead_stage_history_actor_idx ON t_history_waits.lead_stage_history (actor);
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER alter_history BEFORE UPDATE ON lead FOR EACH ROW EXECUTE FUNCTION alter_history();
SET leadcrm.actor = 'somebody';
UPDATE lead SET stage = 'i' WHERE id BETWEEN 40 AND 42;
RESET leadcrm.actor;
DROP TRIGGER alter_history ON lead;
SELECT id, from_state, to_state, actor, extra FROM lead_stage_history WHERE to_state = 'i' ORDER BY id;
SET enable_seqscan = off;
SELECT count(*) FROM lead_stage_history WHERE actor = 'somebody';
RESET enable_seqscan;
SELECT * FROM sum_up;

-- without the statement's trigger every row is written by itself; so it is with a recording trigger made by an earlier version
ALTER TABLE lead DISABLE TRIGGER "~leadcrm_write";
UPDATE lead SET stage = 'j' WHERE id BETWEEN 50 AND 52;
ALTER TABLE lead ENABLE TRIGGER "~leadcrm_write";
DROP TRIGGER "~leadcrm_record_stage" ON lead;
CREATE TRIGGER "~leadcrm_record_stage" AFTER UPDATE ON lead FOR EACH ROW WHEN (OLD.stage IS DISTINCT FROM NEW.stage)
	EXECUTE FUNCTION leadcrm.record('stage', 'id', 'lead_stage_transition', 'lead_stage_history');
UPDATE lead SET stage = 'k', status = 'k' WHERE id BETWEEN 50 AND 52;
SELECT leadcrm.retrack('lead', 'stage');
UPDATE lead SET stage = 'l', status = 'l' WHERE id BETWEEN 50 AND 52;
SELECT * FROM sum_up;

-- the statement's trigger is cut off half-way: rather no change than one without history
BEGIN;
UPDATE lead SET stage = 'm' WHERE id = 60 RETURNING set_config('session_replication_role', 'replica', false);
COMMIT;
RESET session_replication_role;
SELECT stage FROM lead WHERE id = 60;
UPDATE lead SET stage = 'm' WHERE id = 60;
SELECT * FROM sum_up;

-- called by hand they say so, and do no harm
SELECT leadcrm.write_history();
SELECT leadcrm.is_unrecorded('stage', tableoid, ctid) FROM lead WHERE id = 1;

SET client_min_messages = warning;
DROP SCHEMA t_history_waits CASCADE;
