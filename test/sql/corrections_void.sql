-- A wrong click is undone with all that it did; nothing is deleted, and a correction is nobody's way around the rules.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_corrections_void CASCADE;
CREATE SCHEMA t_corrections_void;
SET search_path = t_corrections_void;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try
\pset format unaligned
\pset tuples_only on
\pset null (null)
CREATE TYPE stage AS ENUM ('new', 'talk', 'offer', 'won');
CREATE TABLE lead (
	id integer PRIMARY KEY, stage stage NOT NULL, stage_peak stage, status text NOT NULL DEFAULT 'open',
	new_at timestamptz, talk_at timestamptz, offer_at timestamptz, won_at timestamptz
);
SELECT leadcrm.track('lead', 'stage');
SELECT leadcrm.track('lead', 'status');
INSERT INTO lead_stage_transition (from_state, to_state, needs_reason) VALUES
	(NULL, 'new', false), ('new', 'talk', true), ('talk', 'offer', false), ('talk', 'won', false), ('offer', 'won', false), ('won', 'talk', false);
CREATE VIEW history AS
	SELECT id, seq, from_state, to_state, since, CASE WHEN changed_at < now() - interval '1 hour' THEN changed_at END AS changed_at,
		reason, origin, corrects FROM lead_stage_history ORDER BY id, seq;
CREATE VIEW present AS
	SELECT id, stage, stage_since, stage_reason, stage_seq, stage_peak, new_at, talk_at, offer_at, won_at FROM lead ORDER BY id;

INSERT INTO lead (id, stage, stage_since) VALUES (1, 'new', '2020-01-01');
UPDATE lead SET stage = 'talk', stage_since = '2020-02-01', stage_reason = 'they called' WHERE id = 1;
UPDATE lead SET stage = 'won', stage_since = '2020-03-01' WHERE id = 1;
SELECT leadcrm.correct('lead', 'stage', '1', 'wrong lead');
SELECT * FROM present;
SELECT * FROM history;
SELECT changed_at = recorded_at OR changed_at < recorded_at, since FROM lead_stage_history WHERE corrects = 3;
-- it goes on from there, as if nothing had been
UPDATE lead SET stage = 'offer', stage_since = '2020-02-15' WHERE id = 1;
SELECT * FROM history WHERE seq = 5;
-- again, and again: the change before, each time
SELECT leadcrm.correct('lead', 'stage', '1', 'not yet');
SELECT leadcrm.correct('lead', 'stage', '1', 'never called');
SELECT * FROM present;
SELECT seq, from_state, to_state, reason, corrects FROM lead_stage_history WHERE corrects IS NOT NULL ORDER BY seq;
SELECT try($$SELECT leadcrm.correct('lead', 'stage', '1', 'never was')$$, true);
-- the other tracked column was not touched
SELECT try($$SELECT leadcrm.correct('lead', 'status', '1', 'never was')$$);
SELECT status, status_seq FROM lead;

-- a second entry is undone; the stamp and peak of the first one stay
INSERT INTO lead (id, stage, new_at, talk_at, won_at) VALUES (2, 'won', '2020-01-01', '2020-02-01', '2020-03-01');
UPDATE lead SET stage = 'talk', stage_since = '2020-04-01' WHERE id = 2;
UPDATE lead SET stage = 'won', stage_since = '2020-05-01' WHERE id = 2;
SELECT leadcrm.correct('lead', 'stage', '2', 'wrong lead');
SELECT * FROM present WHERE id = 2;
-- also the steps of a backfill, down to its first
SELECT leadcrm.correct('lead', 'stage', '2', 'x'), leadcrm.correct('lead', 'stage', '2', 'x'), leadcrm.correct('lead', 'stage', '2', 'x');
SELECT * FROM present WHERE id = 2;
SELECT * FROM history WHERE id = 2;

-- a row that was there before it was tracked
CREATE TABLE old (id integer PRIMARY KEY, s text NOT NULL, b_at timestamptz);
INSERT INTO old VALUES (1, 'a');
SELECT leadcrm.track('old', 's');
SELECT try($$SELECT leadcrm.correct('old', 's', '1', 'x')$$, true);
UPDATE old SET s = 'b';
SELECT s, s_seq, s_since IS NULL, b_at IS NULL FROM old;
SELECT leadcrm.correct('old', 's', '1', 'x');
SELECT s, s_seq, s_since, s_reason, b_at FROM old;
SELECT seq, from_state, to_state, origin, corrects FROM old_s_history ORDER BY seq;

-- a row born again: only its present life counts
DELETE FROM lead WHERE id = 2;
SELECT try($$SELECT leadcrm.correct('lead', 'stage', '2', 'bring it back')$$, true);
INSERT INTO lead (id, stage) VALUES (2, 'new');
SELECT try($$SELECT leadcrm.correct('lead', 'stage', '2', 'wrong lead')$$);

-- who calls it wrongly
SELECT try($$SELECT leadcrm.correct(NULL, 'stage', '1', 'x')$$, true);
SELECT try($$SELECT leadcrm.correct('lead', NULL, '1', 'x')$$);
SELECT try($$SELECT leadcrm.correct('lead', 'stage', NULL, 'x')$$);
SELECT try($$SELECT leadcrm.correct('lead', 'stage', '1', NULL)$$);
SELECT try($$SELECT leadcrm.correct('lead', 'stage', '1', '  ')$$, true);
SELECT try($$SELECT leadcrm.correct('lead', 'id', '1', 'x')$$, true);
SELECT try($$SELECT leadcrm.correct('pg_class', 'relname', '1', 'x')$$);
SELECT try($$SELECT leadcrm.correct('present', 'stage', '1', 'x')$$);
SELECT try($$SELECT leadcrm.correct('lead', 'stage', '1 OR true', 'x')$$);
SELECT try($$SELECT leadcrm.correct('lead', 'stage', '99', 'x')$$);
SET leadcrm.enforcement = off;
UPDATE lead SET stage = 'talk' WHERE id = 2;
SELECT try($$SELECT leadcrm.correct('lead', 'stage', '2', 'x')$$, true);
UPDATE lead SET stage = 'new' WHERE id = 2;
RESET leadcrm.enforcement;

-- a row whose state is not what its history says is not touched
INSERT INTO lead (id, stage, stage_since) VALUES (3, 'new', '2020-01-01');
UPDATE lead SET stage = 'talk', stage_since = '2020-02-01', stage_reason = 'x' WHERE id = 3;
SET leadcrm.enforcement = off;
UPDATE lead SET stage = 'offer' WHERE id = 3;
RESET leadcrm.enforcement;
SELECT try($$SELECT leadcrm.correct('lead', 'stage', '3', 'x')$$, true);
SELECT * FROM present WHERE id = 3;

-- triggers know which change is undone, and only while it is
CREATE TABLE seen (what text, correcting integer);
CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO seen VALUES (TG_WHEN || ' ' || OLD.stage || ' -> ' || NEW.stage, leadcrm.correcting(TG_RELID, 'stage', NEW.id::text));
	RETURN NEW;
END
$$;
CREATE TRIGGER look_before BEFORE UPDATE ON lead FOR EACH ROW EXECUTE FUNCTION look();
CREATE TRIGGER look_after AFTER UPDATE ON lead FOR EACH ROW EXECUTE FUNCTION look();
SELECT leadcrm.correcting('lead', 'stage', '2');
UPDATE lead SET stage = 'talk', stage_reason = 'x' WHERE id = 2;
SELECT leadcrm.correct('lead', 'stage', '2', 'x');
SELECT * FROM seen;
SELECT leadcrm.correcting('lead', 'stage', '2');
-- a trigger that changes where it goes back to, starts another correction, or swallows the change
CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF leadcrm.correcting(TG_RELID, 'stage', NEW.id::text) IS NULL OR OLD.status = 'open' THEN RETURN NEW; END IF;
	CASE OLD.status
		WHEN 'elsewhere' THEN NEW.stage := 'won';
		WHEN 'again' THEN PERFORM leadcrm.correct('lead', 'stage', '3', 'x');
		WHEN 'swallow' THEN RETURN NULL;
		WHEN 'number' THEN NEW.stage_seq := 77;
	END CASE;
	RETURN NEW;
END
$$;
CREATE TRIGGER meddle BEFORE UPDATE ON lead FOR EACH ROW EXECUTE FUNCTION meddle();
UPDATE lead SET stage = 'talk', stage_reason = 'x', status = 'elsewhere' WHERE id = 2;
SELECT try($$SELECT leadcrm.correct('lead', 'stage', '2', 'x')$$);
UPDATE lead SET status = 'again' WHERE id = 2;
SELECT try($$SELECT leadcrm.correct('lead', 'stage', '2', 'x')$$);
UPDATE lead SET status = 'swallow' WHERE id = 2;
SELECT try($$SELECT leadcrm.correct('lead', 'stage', '2', 'x')$$);
UPDATE lead SET status = 'number' WHERE id = 2;
SELECT try($$SELECT leadcrm.correct('lead', 'stage', '2', 'x')$$);
-- after a failed one the guard stands where it stood
SELECT leadcrm.correcting('lead', 'stage', '2');
SELECT try($$UPDATE lead SET stage = 'new' WHERE id = 2$$);
SELECT try($$UPDATE lead SET stage_seq = 1 WHERE id = 2$$);
DROP TRIGGER meddle ON lead;

-- another row that changes meanwhile is guarded as always
CREATE FUNCTION sneak() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.id = 2 THEN UPDATE lead SET stage = 'won', stage_seq = 50 WHERE id = 1; END IF;
	RETURN NULL;
END
$$;
CREATE TRIGGER sneak AFTER UPDATE ON lead FOR EACH ROW EXECUTE FUNCTION sneak();
SELECT try($$SELECT leadcrm.correct('lead', 'stage', '2', 'x')$$);
DROP TRIGGER sneak ON lead;

-- on partitions, also where the row moves back between them
CREATE TABLE part (id bigint, s stage NOT NULL, PRIMARY KEY (id, s)) PARTITION BY LIST (s);
CREATE TABLE part_new PARTITION OF part FOR VALUES IN ('new');
CREATE TABLE part_talk (s stage NOT NULL, gone text, id bigint NOT NULL);
ALTER TABLE part_talk DROP COLUMN gone;
ALTER TABLE part ATTACH PARTITION part_talk FOR VALUES IN ('talk');
SELECT leadcrm.track('part', 's', 'id');
INSERT INTO part (id, s, s_since) VALUES (1, 'new', '2020-01-01');
UPDATE part SET s = 'talk', s_since = '2020-02-01';
SELECT leadcrm.correct('part', 's', '1', 'oops');
SELECT tableoid::regclass, id, s, s_since, s_seq FROM part;
SELECT seq, from_state, to_state, origin, corrects FROM part_s_history ORDER BY seq;

DROP SCHEMA t_corrections_void CASCADE;
