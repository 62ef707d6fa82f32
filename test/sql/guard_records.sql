-- A plain table's updates are recorded by the guard; where that could not be the last to see a row, by a trigger for each row.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_guard_records CASCADE;
DROP ROLE IF EXISTS regress_guard_records, regress_guard_owner;
CREATE SCHEMA t_guard_records;
SET search_path = t_guard_records;
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
WHERE t.tgname LIKE '~leadcrm\_record%' AND c.relnamespace = 't_guard_records'::regnamespace;
SELECT * FROM recorder ORDER BY 1, 2;
CREATE VIEW sum_up AS
SELECT (SELECT count(*) FROM lead_stage_history) AS stage_rows, (SELECT count(*) FROM lead_status_history) AS status_rows,
       (SELECT string_agg(v::text, '; ') FROM leadcrm.verify('t_guard_records.lead') v) AS problems;
INSERT INTO lead SELECT i FROM generate_series(1, 20) i;
UPDATE lead SET stage = 'b', status = 'y' WHERE id <= 10;
SELECT * FROM sum_up;

-- upserts, a foreign key's action, triggers before the guard, corrections, changes that are only logged
CREATE TABLE parent (id integer PRIMARY KEY);
INSERT INTO parent SELECT i FROM generate_series(1, 20) i;
ALTER TABLE lead ADD parent integer REFERENCES parent ON DELETE SET NULL;
UPDATE lead SET parent = id;
CREATE FUNCTION early() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	CASE NEW.note
		WHEN 'swallow' THEN RETURN NULL;
		-- the row is updated by another statement, before or instead of this one
		WHEN 'before' THEN UPDATE lead SET stage = OLD.stage || '+', note = NULL WHERE id = OLD.id;
		WHEN 'instead' THEN
			UPDATE lead SET stage = OLD.stage || '+', note = NULL WHERE id = OLD.id;
			RETURN NULL;
		WHEN 'tried' THEN
			BEGIN
				UPDATE lead SET stage = OLD.stage || '-', note = NULL WHERE id = OLD.id;
				RAISE EXCEPTION 'taken back';
			EXCEPTION WHEN raise_exception THEN
				NULL;
			END;
		ELSE NULL;
	END CASE;
	IF NEW.parent IS NULL AND OLD.parent IS NOT NULL THEN
		NEW.stage := 'orphan';
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER early BEFORE UPDATE ON lead FOR EACH ROW EXECUTE FUNCTION early();
DELETE FROM parent WHERE id IN (13, 14);
INSERT INTO lead (id, stage) VALUES (13, 'up'), (15, 'up') ON CONFLICT (id) DO UPDATE SET stage = EXCLUDED.stage;
SELECT try($$UPDATE lead SET stage = 'c', note = 'swallow' WHERE id = 1$$);
SELECT try($$UPDATE lead SET stage = 'c', note = 'before' WHERE id = 2$$);
SELECT try($$UPDATE lead SET stage = 'c', note = 'instead' WHERE id = 3$$);
SELECT try($$UPDATE lead SET stage = 'c', note = 'tried' WHERE id = 4$$);
SELECT id, seq, from_state, to_state FROM lead_stage_history WHERE id IN (1, 2, 3, 4, 13, 14, 15) AND seq > 2 - id / 10 ORDER BY id, seq;
INSERT INTO lead_stage_transition (from_state, to_state, needs_reason) VALUES (NULL, 'a', false), ('a', 'b', false), ('a', 'c', true);
SELECT leadcrm.correct('t_guard_records.lead', 'stage', '13', 'wrong click');
SET leadcrm.enforcement = log;
SET client_min_messages = error;
UPDATE lead SET stage = 'logged' WHERE id IN (13, 16);
UPDATE lead SET stage = 'b', stage_since = '2020-01-01' WHERE id = 17;
UPDATE lead SET stage_since = '2020-01-02', stage_reason = 'late report' WHERE id = 17;
UPDATE lead SET stage_since = NULL WHERE id = 17;
UPDATE lead SET stage = 'c' WHERE id = 18;
UPDATE lead SET stage = 'c', stage_reason = 'known' WHERE id = 19;
UPDATE lead SET stage = 'b', stage_since = now() + interval '1 day' WHERE id = 20;
SET client_min_messages = warning;
RESET leadcrm.enforcement;
SELECT leadcrm.correct('t_guard_records.lead', 'stage', '16', 'wrong click');
SELECT try($$UPDATE lead SET stage = 'forbidden' WHERE id IN (13, 16)$$);
SELECT id, seq, from_state, to_state, origin, forced, corrects, reason FROM lead_stage_history WHERE id BETWEEN 13 AND 20 AND seq > 1 ORDER BY id, seq;
SELECT * FROM sum_up;

-- a trigger that sorts after the guard could spoil what is recorded: all updates are refused until each row is recorded after it
INSERT INTO lead_stage_transition (from_state, to_state) VALUES ('b', 'd'), ('d', 'e'), ('e', 'f'), ('f', 'g'), ('g', 'h'), ('h', 'i');
-- a time ahead that the row has from then is not forced once more
UPDATE lead SET stage = 'd' WHERE id = 20;
SELECT seq, to_state, forced, changed_at = since AS inherited FROM lead_stage_history WHERE id = 20 AND seq = 3;
CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.note = 'state' THEN NEW.stage := 'z'; END IF; RETURN NEW; END $$;
CREATE TRIGGER "~~late" BEFORE INSERT OR UPDATE ON lead FOR EACH ROW EXECUTE FUNCTION late();
SELECT try($$UPDATE lead SET stage = 'd' WHERE id = 5$$, true);
SELECT try($$UPDATE lead SET note = 'state' WHERE id = 5$$);
SELECT try($$SELECT leadcrm.correct('t_guard_records.lead', 'stage', '5', 'wrong click')$$);
SELECT try($$INSERT INTO lead (id) VALUES (21)$$);
ALTER TABLE lead DISABLE TRIGGER "~~late";
SELECT try($$UPDATE lead SET stage = 'd' WHERE id = 5$$);
ALTER TABLE lead ENABLE TRIGGER "~~late";
SELECT leadcrm.retrack('lead', 'stage');
SELECT try($$UPDATE lead SET stage = 'd' WHERE id = 6$$);
SELECT leadcrm.retrack('lead', 'status');
SELECT * FROM recorder ORDER BY 1, 2;
SELECT try($$UPDATE lead SET stage = 'd' WHERE id = 6$$);
SELECT try($$UPDATE lead SET note = 'state' WHERE id = 6$$, true);
SELECT try($$SELECT leadcrm.correct('t_guard_records.lead', 'stage', '5', 'wrong click')$$);
SELECT * FROM sum_up;
-- a repair may, which only puts back
SELECT leadcrm.retrack('lead', 'status');
DROP TRIGGER "~~late" ON lead;
SELECT leadcrm.retrack('lead', 'stage'), leadcrm.retrack('lead', 'status');
CREATE TRIGGER "~~late" BEFORE INSERT OR UPDATE ON lead FOR EACH ROW EXECUTE FUNCTION late();
SET leadcrm.enforcement = off;
UPDATE lead SET stage_seq = 7 WHERE id = 9;
RESET leadcrm.enforcement;
SELECT problem FROM leadcrm.verify('lead');
SELECT action FROM leadcrm.repair('lead', dry_run => false);
SELECT * FROM sum_up;
DROP TRIGGER "~~late" ON lead;
SELECT try($$UPDATE lead SET stage = 'e' WHERE id = 6$$);
SELECT leadcrm.retrack('lead', 'stage');
SELECT leadcrm.retrack('lead', 'status');
SELECT * FROM recorder ORDER BY 1, 2;
SELECT try($$UPDATE lead SET stage = 'f' WHERE id = 6$$);

-- one that an earlier version made, for each row and with a question for the guard
DROP TRIGGER "~leadcrm_record_stage" ON lead;
CREATE TRIGGER "~leadcrm_record_stage" AFTER UPDATE ON lead FOR EACH ROW
	WHEN (OLD.stage IS DISTINCT FROM NEW.stage AND leadcrm.is_unrecorded('stage', OLD.tableoid, OLD.ctid))
	EXECUTE FUNCTION leadcrm.record('stage', 'id', 'lead_stage_transition', 'lead_stage_history');
SELECT try($$UPDATE lead SET stage = 'g' WHERE id = 6$$);
SELECT leadcrm.retrack('lead', 'stage');
SELECT * FROM sum_up;

-- whatever else fires or not, the guard records
ALTER TABLE lead DISABLE TRIGGER "~leadcrm_write";
ALTER TABLE lead ENABLE ALWAYS TRIGGER "~leadcrm_guard_status";
SELECT try($$UPDATE lead SET stage = 'h', status = 'z' WHERE id = 6$$);
SELECT leadcrm.correct('t_guard_records.lead', 'status', '6', 'wrong click');
ALTER TABLE lead ENABLE TRIGGER "~leadcrm_write";
ALTER TABLE lead ENABLE TRIGGER "~leadcrm_guard_status";
-- a recording trigger that somebody makes changes nothing
CREATE ROLE regress_guard_records;
GRANT USAGE, CREATE ON SCHEMA t_guard_records TO regress_guard_records;
GRANT ALL ON lead TO regress_guard_records;
SET ROLE regress_guard_records;
CREATE TRIGGER mine AFTER UPDATE ON lead FOR EACH ROW WHEN (false)
	EXECUTE FUNCTION leadcrm.record('stage', 'id', 'lead_stage_transition', 'lead_stage_history');
SELECT try($$UPDATE lead SET stage = 'i' WHERE id = 6$$);
RESET ROLE;
DROP TRIGGER mine ON lead;
SELECT id, seq, from_state, to_state, role FROM lead_stage_history WHERE id = 6 AND seq > 7 ORDER BY seq;
-- the guard that is off
ALTER TABLE lead DISABLE TRIGGER "~leadcrm_guard_stage";
SELECT try($$UPDATE lead SET stage = 'b' WHERE id = 7$$, true);
SELECT try($$UPDATE lead SET note = 'b' WHERE id = 7$$);
ALTER TABLE lead ENABLE TRIGGER "~leadcrm_guard_stage";
SELECT * FROM sum_up;

-- whoever listens to the history sees the row as it was stored, if it listened already when the triggers were made
CREATE TABLE heard (id integer, seq integer, to_state text, stage text);
CREATE FUNCTION listen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO heard SELECT NEW.id, NEW.seq, NEW.to_state, l.stage FROM lead l WHERE l.id = NEW.id;
	RETURN NULL;
END
$$;
CREATE TRIGGER listen AFTER INSERT ON lead_stage_history FOR EACH ROW EXECUTE FUNCTION listen();
UPDATE lead SET stage = 'd' WHERE id = 8;
SELECT leadcrm.retrack('lead', 'stage');
UPDATE lead SET stage = 'e' WHERE id = 8;
TABLE heard ORDER BY seq;
DROP TRIGGER listen ON lead_stage_history;
SELECT leadcrm.retrack('lead', 'stage');
SELECT * FROM recorder ORDER BY 1, 2;
SELECT * FROM sum_up;

-- a foreign key's action is taken as the table's owner, but it is not he who acts
CREATE ROLE regress_guard_owner;
GRANT USAGE, CREATE ON SCHEMA t_guard_records TO regress_guard_owner;
SET ROLE regress_guard_owner;
CREATE TABLE kind (name text PRIMARY KEY);
INSERT INTO kind VALUES ('a');
CREATE TABLE thing (id integer PRIMARY KEY, kind text NOT NULL REFERENCES kind ON UPDATE CASCADE);
SELECT leadcrm.track('thing', 'kind');
GRANT ALL ON kind, thing TO regress_guard_records;
SET ROLE regress_guard_records;
INSERT INTO thing VALUES (1, 'a');
UPDATE kind SET name = 'b';
RESET ROLE;
SELECT id, seq, from_state, to_state, role FROM thing_kind_history ORDER BY seq;

-- what becomes a partition later, whose rows may leave it, or a child, whose statements may name another table
CREATE TABLE part (id integer PRIMARY KEY, stage text NOT NULL DEFAULT 'a');
SELECT leadcrm.track('part', 'stage');
INSERT INTO part VALUES (1), (2);
CREATE TABLE whole (LIKE part INCLUDING ALL) PARTITION BY RANGE (id);
ALTER TABLE whole ATTACH PARTITION part FOR VALUES FROM (0) TO (100);
CREATE TABLE rest PARTITION OF whole DEFAULT;
SELECT try($$UPDATE whole SET stage = 'b' WHERE id = 1$$, true);
SELECT leadcrm.retrack('part', 'stage');
SELECT * FROM recorder WHERE relname = 'part';
SELECT try($$UPDATE whole SET stage = 'b' WHERE id = 1$$);
SELECT try($$UPDATE part SET stage = 'b' WHERE id = 2$$);
SELECT id, seq, from_state, to_state FROM part_stage_history ORDER BY 1, 2;
ALTER TABLE whole DETACH PARTITION part;
SELECT leadcrm.retrack('part', 'stage');
CREATE TABLE mother (id integer NOT NULL, stage text NOT NULL);
ALTER TABLE part INHERIT mother;
SELECT try($$UPDATE mother SET stage = 'c' WHERE id = 1$$);
SELECT try($$UPDATE part SET stage = 'c' WHERE id = 2$$);
SELECT try($$SELECT leadcrm.correct('t_guard_records.part', 'stage', '1', 'wrong click')$$);
SELECT * FROM recorder WHERE relname = 'part';
SELECT id, seq, from_state, to_state, corrects FROM part_stage_history WHERE seq > 2 ORDER BY 1, 2;
SELECT problem, detail FROM leadcrm.verify('part');

DROP SCHEMA t_guard_records CASCADE;
DROP ROLE regress_guard_records, regress_guard_owner;
