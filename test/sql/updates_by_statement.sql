-- A plain table's updates are recorded by the guard or, where that can't be the last to see a row, when the statement ends.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_updates_by_statement CASCADE;
CREATE SCHEMA t_updates_by_statement;
SET search_path = t_updates_by_statement;
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try
\pset format unaligned
\pset tuples_only on
\pset null (null)
CREATE TABLE lead (id integer PRIMARY KEY, stage text NOT NULL DEFAULT 'a', status text NOT NULL DEFAULT 'x', note text);
SELECT leadcrm.track('lead', 'stage');
SELECT leadcrm.track('lead', 'status');
CREATE VIEW recorder AS SELECT c.relname, t.tgname, t.tgtype & 1 = 1 AS by_row FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE t.tgname LIKE '~leadcrm\_record%' AND c.relnamespace = 't_updates_by_statement'::regnamespace;
SELECT * FROM recorder ORDER BY 1, 2;
CREATE VIEW sum_up AS
SELECT (SELECT count(*) FROM lead_stage_history) AS stage_rows, (SELECT count(*) FROM lead_status_history) AS status_rows,
       (SELECT string_agg(v::text, '; ') FROM leadcrm.verify('t_updates_by_statement.lead') v) AS problems;
INSERT INTO lead SELECT i FROM generate_series(1, 20) i;
UPDATE lead SET stage = 'b', status = 'y' WHERE id <= 10;
SELECT * FROM sum_up;

-- a trigger after the guards that does something of its own with the row, at each of its ways
CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	CASE NEW.note
		WHEN 'swallow' THEN RETURN NULL;
		-- the row is updated by somebody else's statement, before or instead of this one
		WHEN 'instead' THEN
			UPDATE lead SET stage = OLD.stage || '+', note = NULL WHERE id = OLD.id;
			RETURN NULL;
		WHEN 'before' THEN
			UPDATE lead SET stage = OLD.stage || '+', note = NULL WHERE id = OLD.id;
		WHEN 'tried' THEN
			BEGIN
				UPDATE lead SET note = NULL WHERE id = OLD.id;
				RAISE EXCEPTION 'taken back';
			EXCEPTION WHEN raise_exception THEN
				NULL;
			END;
		WHEN 'tried and swallowed' THEN
			BEGIN
				UPDATE lead SET stage = OLD.stage || '-', note = NULL WHERE id = OLD.id;
				RAISE EXCEPTION 'taken back';
			EXCEPTION WHEN raise_exception THEN
				RETURN NULL;
			END;
		WHEN 'others' THEN
			UPDATE lead SET stage = stage || 'o', note = NULL WHERE id = OLD.id + 10;
		WHEN 'instead, in a savepoint' THEN
			BEGIN
				UPDATE lead SET stage = OLD.stage || 's', note = NULL WHERE id = OLD.id;
			EXCEPTION WHEN raise_exception THEN
				RAISE;
			END;
			RETURN NULL;
		WHEN 'delete' THEN
			DELETE FROM lead WHERE id = OLD.id;
			RETURN NULL;
		WHEN 'error' THEN RAISE EXCEPTION 'not now';
		WHEN 'stage' THEN NEW.stage := 'z';
		ELSE NULL;
	END CASE;
	RETURN NEW;
END
$$;
CREATE TRIGGER "~~late" BEFORE UPDATE ON lead FOR EACH ROW EXECUTE FUNCTION late();
SELECT try($$UPDATE lead SET stage = 'c' WHERE id <= 5$$);
SELECT try($$UPDATE lead SET stage = 'c', note = 'swallow' WHERE id = 1$$);
SELECT try($$UPDATE lead SET stage = 'c', note = 'instead' WHERE id = 2$$);
SELECT try($$UPDATE lead SET stage = 'd', note = 'before' WHERE id = 3$$);
SELECT try($$UPDATE lead SET stage = 'e', note = 'tried' WHERE id = 4$$);
SELECT try($$UPDATE lead SET stage = 'e', note = 'tried and swallowed' WHERE id = 5$$);
SELECT try($$UPDATE lead SET stage = 'e', note = 'others' WHERE id = 6$$);
SELECT try($$UPDATE lead SET stage = 'e', note = 'instead, in a savepoint' WHERE id = 7$$);
SELECT try($$UPDATE lead SET stage = 'e', note = 'delete' WHERE id = 8$$);
SELECT try($$UPDATE lead SET stage = 'e', note = 'stage' WHERE id = 9$$, true);
SELECT try($$UPDATE lead SET note = 'stage' WHERE id = 9$$);
SELECT try($$UPDATE lead SET note = 'instead' WHERE id = 10$$);
SELECT id, stage, stage_seq, status_seq FROM lead WHERE id <= 10 OR stage LIKE '%o' ORDER BY id;
SELECT * FROM sum_up;

-- a statement that swallowed a row, and one of the same transaction that does not; with and without the trigger
BEGIN;
UPDATE lead SET stage = 'f', note = 'swallow' WHERE id IN (11, 12);
UPDATE lead SET stage = 'f' WHERE id = 11;
ALTER TABLE lead DISABLE TRIGGER "~~late";
UPDATE lead SET stage = 'f' WHERE id = 12;
ALTER TABLE lead ENABLE TRIGGER "~~late";
COMMIT;
-- a statement that fails half-way, and is made once more; one that is swallowed in a savepoint that stays
BEGIN;
SELECT try($$UPDATE lead SET stage = 'g', note = CASE id WHEN 14 THEN 'error' END WHERE id IN (13, 14)$$);
UPDATE lead SET stage = 'g' WHERE id = 13;
SAVEPOINT s;
UPDATE lead SET stage = 'g', note = 'swallow' WHERE id = 14;
RELEASE s;
UPDATE lead SET stage = 'g' WHERE id = 14;
COMMIT;
-- the inner one is rolled back, the outer one goes on
BEGIN;
SAVEPOINT s;
UPDATE lead SET stage = 'g' WHERE id IN (11, 12);
ROLLBACK TO s;
UPDATE lead SET stage = 'h' WHERE id = 11;
RELEASE s;
COMMIT;
SELECT id, seq, from_state, to_state FROM lead_stage_history WHERE id BETWEEN 11 AND 14 ORDER BY 1, 2;
SELECT * FROM sum_up;

-- statements that are rolled back after rows of the one around were stored, and before these are recorded
CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.note = 'after' THEN
		BEGIN
			UPDATE lead SET stage = stage || 'm', note = NULL WHERE id IN (NEW.id, NEW.id + 1, 20);
			RAISE EXCEPTION 'taken back';
		EXCEPTION WHEN raise_exception THEN
			UPDATE lead SET note = 'seen' WHERE id = 20;
		END;
	END IF;
	RETURN NULL;
END
$$;
CREATE TRIGGER meddle AFTER UPDATE ON lead FOR EACH ROW EXECUTE FUNCTION meddle();
UPDATE lead SET stage = 'i', note = 'after' WHERE id IN (11, 12);
DROP TRIGGER meddle ON lead;
SELECT id, seq, from_state, to_state FROM lead_stage_history WHERE id IN (11, 12, 20) AND seq > 1 ORDER BY 1, 2;
SELECT * FROM sum_up;

-- several of a transaction, and of one statement: upserts, a foreign key's action, a correction, a change that is only logged
CREATE TABLE parent (id integer PRIMARY KEY);
INSERT INTO parent SELECT i FROM generate_series(1, 20) i;
ALTER TABLE lead ADD parent integer REFERENCES parent ON DELETE SET NULL;
UPDATE lead SET parent = id;
CREATE FUNCTION orphaned() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.parent IS NULL AND OLD.parent IS NOT NULL THEN NEW.stage := 'orphan'; END IF; RETURN NEW; END $$;
CREATE TRIGGER orphaned BEFORE UPDATE ON lead FOR EACH ROW EXECUTE FUNCTION orphaned();
DELETE FROM parent WHERE id IN (13, 14);
INSERT INTO lead (id, stage) VALUES (13, 'up'), (15, 'up') ON CONFLICT (id) DO UPDATE SET stage = EXCLUDED.stage;
INSERT INTO lead_stage_transition (from_state, to_state) VALUES (NULL, 'a'), ('a', 'b');
SELECT leadcrm.correct('t_updates_by_statement.lead', 'stage', '13', 'wrong click');
SET leadcrm.enforcement = log;
SET client_min_messages = error;
UPDATE lead SET stage = 'logged' WHERE id IN (13, 16);
UPDATE lead SET stage_since = '2020-01-01' WHERE id = 17;
SET client_min_messages = warning;
RESET leadcrm.enforcement;
SELECT try($$UPDATE lead SET stage = 'forbidden' WHERE id IN (13, 16)$$);
SELECT id, seq, from_state, to_state, origin, forced, corrects FROM lead_stage_history WHERE id BETWEEN 13 AND 17 AND seq > 1 ORDER BY id, seq;
DROP TRIGGER "~~late" ON lead;
SET leadcrm.enforcement = log;
SET client_min_messages = error;
UPDATE lead SET stage = 'logged too' WHERE id IN (13, 16);
SET client_min_messages = warning;
RESET leadcrm.enforcement;
SELECT leadcrm.correct('t_updates_by_statement.lead', 'stage', '13', 'wrong click');
SELECT id, seq, from_state, to_state, origin, forced, corrects FROM lead_stage_history WHERE id IN (13, 16) AND seq > 3 ORDER BY id, seq;
SELECT * FROM sum_up;

-- a statement that is cut off before its end: rather no change than one without history
INSERT INTO lead_stage_transition (from_state, to_state)
SELECT f, t FROM (SELECT DISTINCT stage FROM lead UNION SELECT unnest(ARRAY['m', 'n', 'o', 'p', 'q', 'z'])) x (f), unnest(ARRAY['m', 'n', 'o', 'p', 'q', 'z', 'p+']) y (t) WHERE f <> t;
CREATE TRIGGER "~~late" BEFORE UPDATE ON lead FOR EACH ROW EXECUTE FUNCTION late();
BEGIN;
UPDATE lead SET stage = 'm' WHERE id = 18 RETURNING set_config('session_replication_role', 'replica', false);
COMMIT;
RESET session_replication_role;
SELECT * FROM sum_up;

-- a check of the row that updates others meanwhile, when the row is not stored yet
CREATE FUNCTION checks(id integer, note text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	IF note = 'check' THEN
		UPDATE t_updates_by_statement.lead SET stage = 'm' WHERE lead.id = 20;
	END IF;
	RETURN true;
END
$$;
ALTER TABLE lead ADD CONSTRAINT checks CHECK (checks(id, note)) NOT VALID;
BEGIN;
UPDATE lead SET stage = 'm', note = 'check' WHERE id = 19;
COMMIT;
ALTER TABLE lead DROP CONSTRAINT checks;
SELECT * FROM sum_up;
-- a row that was swallowed, in a table that is rewritten then, so that its page is no more
SET leadcrm.enforcement = off;
INSERT INTO lead (id, note) SELECT i, repeat('x', 100) FROM generate_series(1001, 2000) i;
INSERT INTO lead (id, stage, stage_seq, stage_since, status_seq, status_since) VALUES (2001, 'a', 0, now(), 0, now());
DELETE FROM lead WHERE id BETWEEN 1001 AND 2000;
RESET leadcrm.enforcement;
BEGIN;
UPDATE lead SET stage = 'm', note = 'swallow' WHERE id = 2001;
CLUSTER lead USING lead_pkey;
UPDATE lead SET note = 'once more' WHERE id < 2001;
COMMIT;
SET leadcrm.enforcement = off;
DELETE FROM lead WHERE id = 2001;
RESET leadcrm.enforcement;
SELECT * FROM sum_up;

-- triggers that don't fire all alike: the guard still takes down what it can, the rest is refused
ALTER TABLE lead DISABLE TRIGGER "~leadcrm_write";
SELECT try($$UPDATE lead SET stage = 'n' WHERE id = 18$$, true);
SELECT try($$UPDATE lead SET note = 'n' WHERE id = 18$$);
ALTER TABLE lead DISABLE TRIGGER "~~late";
SELECT try($$UPDATE lead SET stage = 'n' WHERE id = 18$$);
SELECT try($$UPDATE lead SET note = 'n' WHERE id = 18$$);
SELECT try($$SELECT leadcrm.correct('t_updates_by_statement.lead', 'stage', '18', 'wrong click')$$);
ALTER TABLE lead ENABLE TRIGGER "~leadcrm_write";
SELECT * FROM sum_up;

-- whoever listens to the history sees the row as it was stored
CREATE TABLE heard (id integer, seq integer, to_state text, stage text);
CREATE FUNCTION listen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO heard SELECT NEW.id, NEW.seq, NEW.to_state, l.stage FROM lead l WHERE l.id = NEW.id;
	RETURN NULL;
END
$$;
CREATE TRIGGER listen AFTER INSERT ON lead_stage_history FOR EACH ROW EXECUTE FUNCTION listen();
UPDATE lead SET stage = 'o' WHERE id IN (18, 19);
TABLE heard;
DROP TRIGGER listen ON lead_stage_history;
SELECT * FROM sum_up;

-- with a trigger after the guard from the beginning, each row is recorded by itself; retrack() follows what there is
ALTER TABLE lead ENABLE TRIGGER "~~late";
SELECT leadcrm.retrack('lead', 'stage');
SELECT * FROM recorder ORDER BY 1, 2;
SELECT try($$UPDATE lead SET stage = 'p' WHERE id <= 3$$);
SELECT try($$UPDATE lead SET stage = 'p', note = 'stage' WHERE id = 4$$);
SELECT try($$UPDATE lead SET stage = 'q', note = 'instead' WHERE id = 3$$);
SELECT * FROM sum_up;
DROP TRIGGER "~~late" ON lead;
SELECT leadcrm.retrack('lead', 'stage');
SELECT * FROM recorder ORDER BY 1, 2;
-- one that an earlier version made, for each row and with a question for the guard
DROP TRIGGER "~leadcrm_record_stage" ON lead;
CREATE TRIGGER "~leadcrm_record_stage" AFTER UPDATE ON lead FOR EACH ROW
	WHEN (OLD.stage IS DISTINCT FROM NEW.stage AND leadcrm.is_unrecorded('stage', OLD.tableoid, OLD.ctid))
	EXECUTE FUNCTION leadcrm.record('stage', 'id', 'lead_stage_transition', 'lead_stage_history');
SELECT try($$UPDATE lead SET stage = 'q', status = 'q' WHERE id <= 2$$);
SELECT * FROM sum_up;
SELECT leadcrm.retrack('lead', 'stage');

-- what becomes a partition or a child later, whose statements may name another table
CREATE TABLE part (id integer PRIMARY KEY, stage text NOT NULL DEFAULT 'a');
SELECT leadcrm.track('part', 'stage');
INSERT INTO part VALUES (1), (2);
CREATE TABLE whole (LIKE part INCLUDING ALL) PARTITION BY RANGE (id);
ALTER TABLE whole ATTACH PARTITION part FOR VALUES FROM (0) TO (100);
CREATE TABLE rest PARTITION OF whole DEFAULT;
SELECT try($$UPDATE whole SET stage = 'b' WHERE id = 1$$, true);
SELECT leadcrm.retrack('part', 'stage');
SELECT try($$UPDATE whole SET stage = 'b' WHERE id = 1$$);
SELECT try($$UPDATE part SET stage = 'b' WHERE id = 2$$);
SELECT id, seq, from_state, to_state FROM part_stage_history ORDER BY 1, 2;
SELECT problem, detail FROM leadcrm.verify('part');
ALTER TABLE whole DETACH PARTITION part;
SELECT leadcrm.retrack('part', 'stage');
CREATE TABLE mother (id integer NOT NULL, stage text NOT NULL);
ALTER TABLE part INHERIT mother;
SELECT try($$UPDATE mother SET stage = 'c' WHERE id = 1$$);
SELECT try($$UPDATE part SET stage = 'c' WHERE id = 2$$);
SELECT try($$SELECT leadcrm.correct('t_updates_by_statement.part', 'stage', '1', 'wrong click')$$);
SELECT * FROM recorder WHERE relname = 'part';
SELECT leadcrm.retrack('part', 'stage');
SELECT * FROM recorder WHERE relname = 'part';
SELECT try($$UPDATE mother SET stage = 'd' WHERE id = 1$$);
SELECT try($$SELECT leadcrm.correct('t_updates_by_statement.part', 'stage', '1', 'wrong click')$$);
SELECT id, seq, from_state, to_state, corrects FROM part_stage_history WHERE seq > 2 ORDER BY 1, 2;
SELECT problem, detail FROM leadcrm.verify('part');

DROP SCHEMA t_updates_by_statement CASCADE;
