-- Programs that write every column back, as they read it, are no offenders; what they really change is seen.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_orm_whole_row_updates CASCADE;
CREATE SCHEMA t_orm_whole_row_updates;
SET search_path = t_orm_whole_row_updates;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try
\pset format unaligned
\pset tuples_only on
\pset null (null)
CREATE TYPE stage AS ENUM ('new', 'talk', 'won');
CREATE TABLE lead (id integer PRIMARY KEY, name text, stage stage NOT NULL, stage_peak stage, new_at timestamptz, talk_at timestamptz, won_at timestamptz,
	status text NOT NULL DEFAULT 'open');
SELECT leadcrm.track('lead', 'stage');
SELECT leadcrm.track('lead', 'status');
INSERT INTO lead_stage_transition (from_state, to_state, needs_reason) VALUES (NULL, 'new', false), ('new', 'talk', false), ('talk', 'won', true);
INSERT INTO lead (id, name, stage) VALUES (1, 'Anna', 'new');
-- read, change one field, write all
CREATE TABLE object AS SELECT * FROM lead;
CREATE FUNCTION save() RETURNS text LANGUAGE sql AS $$
SELECT try('UPDATE lead l SET id = o.id, name = o.name, stage = o.stage, stage_peak = o.stage_peak, new_at = o.new_at, talk_at = o.talk_at,
	won_at = o.won_at, status = o.status, stage_since = o.stage_since, stage_reason = o.stage_reason, stage_seq = o.stage_seq,
	status_since = o.status_since, status_reason = o.status_reason, status_seq = o.status_seq FROM object o WHERE l.id = o.id')
$$;
SELECT save();
UPDATE object SET name = 'Ana';
SELECT save();
UPDATE object SET stage = 'talk';
SELECT save();
SELECT name, stage, stage_seq, stage_since > new_at, stage_since = talk_at, status_seq FROM lead;
-- the object is stale now: its old companions go back with the new state
UPDATE object SET name = 'Anne';
SELECT save();
DROP TABLE object;
CREATE TABLE object AS SELECT * FROM lead;
UPDATE object SET stage = 'won', stage_reason = 'signed', status = 'done';
SELECT save();
SELECT name, stage, stage_reason, stage_seq, status, status_seq FROM lead;
SELECT seq, from_state, to_state, reason FROM lead_stage_history ORDER BY seq;
SELECT seq, from_state, to_state, reason FROM lead_status_history ORDER BY seq;
-- a stale object that would take a state back without saying so
UPDATE object SET stage = 'talk', status = 'open';
SELECT save();
-- floating precision: times that went through milliseconds differ from what is stored
INSERT INTO lead (id, name, stage, stage_since) VALUES (2, 'Bob', 'new', '2020-01-01 00:00:00.123456');
SELECT try($$UPDATE lead SET stage_since = date_trunc('milliseconds', stage_since) WHERE id = 2$$);
SELECT try($$UPDATE lead SET stage = 'talk', stage_since = date_trunc('milliseconds', stage_since) WHERE id = 2$$);
SELECT try($$UPDATE lead SET stage = 'talk', stage_since = stage_since WHERE id = 2$$);
SELECT stage, stage_seq, stage_since > '2020-01-02' FROM lead WHERE id = 2;
-- insert of a whole row with NULL for what the object does not have
INSERT INTO lead (id, name, stage, stage_peak, new_at, talk_at, won_at, stage_since, stage_reason, stage_seq) VALUES (3, 'Cyril', 'new', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO lead (id, name, stage, stage_seq, stage_since, new_at, stage_peak) VALUES (4, 'Dana', 'new', 1, '2020-01-01', '2020-01-01', 'new');
SELECT id, stage, stage_seq, stage_peak FROM lead WHERE id > 2 ORDER BY id;
SELECT id, seq, origin FROM lead_stage_history WHERE id > 2 ORDER BY id, seq;
-- a trigger that rebuilds the row
CREATE FUNCTION rebuild() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW := jsonb_populate_record(NULL::t_orm_whole_row_updates.lead, to_jsonb(NEW)); NEW.name := upper(NEW.name); RETURN NEW; END $$;
CREATE TRIGGER rebuild BEFORE INSERT OR UPDATE ON lead FOR EACH ROW EXECUTE FUNCTION rebuild();
SELECT try($$UPDATE lead SET stage = 'talk' WHERE id = 3$$);
SELECT name, stage, stage_seq FROM lead WHERE id = 3;
SELECT seq, to_state FROM lead_stage_history WHERE id = 3 ORDER BY seq;

DROP SCHEMA t_orm_whole_row_updates CASCADE;
