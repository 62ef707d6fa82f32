-- leadcrm.enforcement: strict refuses, log lets pass and says so, off does nothing at all.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_log_and_off_modes CASCADE;
CREATE SCHEMA t_log_and_off_modes;
SET search_path = t_log_and_off_modes;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try
\pset format unaligned
\pset tuples_only on
\pset null (null)
CREATE TYPE stage AS ENUM ('new', 'talk', 'won');
CREATE TABLE lead (id integer PRIMARY KEY, stage stage NOT NULL, stage_peak stage, new_at timestamptz, talk_at timestamptz, won_at timestamptz);
SELECT leadcrm.track('lead', 'stage');
INSERT INTO lead_stage_transition (from_state, to_state, needs_reason) VALUES (NULL, 'new', false), ('new', 'talk', true), ('talk', 'won', false);
CREATE VIEW history AS SELECT id, seq, from_state, to_state, reason, origin, forced FROM lead_stage_history ORDER BY id, seq;
SHOW leadcrm.enforcement;
SELECT try($$SET leadcrm.enforcement = lax$$, true);
-- no other setting of that name can be made up
SELECT try($$SET leadcrm.enforcment = off$$);

-- log
SET leadcrm.enforcement = log;
SET client_min_messages = notice;
\set VERBOSITY terse
INSERT INTO lead (id, stage) VALUES (1, 'talk');
UPDATE lead SET stage = 'new';
UPDATE lead SET stage = 'talk';
UPDATE lead SET stage = 'won';
-- allowed ones say nothing and are not marked
INSERT INTO lead (id, stage) VALUES (2, 'new');
UPDATE lead SET stage = 'talk', stage_reason = 'x' WHERE id = 2;
-- a companion, a time, a stamp
UPDATE lead SET stage_peak = 'new' WHERE id = 2;
UPDATE lead SET stage = 'won', stage_since = '2020-01-01' WHERE id = 2;
INSERT INTO lead (id, stage, new_at, talk_at) VALUES (3, 'won', '2020-01-01', '2020-02-01');
\set VERBOSITY default
SELECT * FROM history;
SELECT id, stage, stage_seq, stage_peak, new_at IS NULL, talk_at IS NULL, won_at IS NULL FROM lead ORDER BY id;
\set VERBOSITY terse
-- companions alone: from the state to itself, at its X_since, and row and history agree but for what the history does not say
CREATE TABLE edited (LIKE lead INCLUDING ALL);
SELECT leadcrm.track('edited', 'stage');
INSERT INTO edited_stage_transition (from_state, to_state) VALUES (NULL, 'new'), ('new', 'talk');
CREATE VIEW edits AS SELECT h.id, seq, from_state, to_state, h.since, CASE WHEN changed_at > '2026-01-01' THEN 'the clock' ELSE changed_at::text END AS changed_at, reason, forced
	FROM edited_stage_history h ORDER BY h.id, seq;
INSERT INTO edited (id, stage, stage_since, stage_reason) SELECT g, 'new', '2020-01-01', 'why' FROM generate_series(1, 7) g;
UPDATE edited SET stage_since = '2020-02-01' WHERE id = 1;
UPDATE edited SET stage_since = '2019-01-01', stage_reason = 'other' WHERE id = 2;
UPDATE edited SET stage_since = NULL WHERE id = 3;
UPDATE edited SET stage_peak = 'won', stage_since = 'infinity' WHERE id = 4;
UPDATE edited SET talk_at = '2020-05-01' WHERE id = 5;
UPDATE edited SET stage_peak = 'won' WHERE id = 6;
-- the number is the tracker's own
UPDATE edited SET stage_since = '2020-02-01', stage_seq = 2 WHERE id = 7;
UPDATE edited SET stage_since = '2020-02-01', stage_seq = NULL WHERE id = 7;
-- what is written back, and a reason, say nothing
UPDATE edited SET stage_since = stage_since, stage_reason = 'edited', talk_at = talk_at WHERE id = 7;
UPDATE edited SET stage = 'talk', stage_since = '2020-03-01' WHERE id IN (1, 2);
SELECT * FROM edits;
SELECT key, problem, detail FROM leadcrm.verify('edited') WHERE key <> '3';
SELECT count(*) FROM leadcrm.verify('edited') WHERE key = '3';
-- undone like others: the time, and the furthest state
SELECT leadcrm.correct('edited', 'stage', '1', 'x'), leadcrm.correct('edited', 'stage', '1', 'x'), leadcrm.correct('edited', 'stage', '4', 'x'), leadcrm.correct('edited', 'stage', '6', 'x');
SELECT id, stage, stage_since, stage_peak, stage_seq FROM edited WHERE id IN (1, 4, 6) ORDER BY id;
SELECT key, problem FROM leadcrm.verify('edited');
SELECT key, problem, done FROM leadcrm.repair('edited', false);
SELECT * FROM leadcrm.verify('edited');
-- a row that was there before track(): its history begins with the time it is given
ALTER TABLE edited ADD COLUMN status text NOT NULL DEFAULT 'open';
SELECT leadcrm.track('edited', 'status');
UPDATE edited SET status_since = '2020-01-01' WHERE id = 2;
SELECT id, status_seq, status_since FROM edited WHERE id <= 2 ORDER BY id;
SELECT id, seq, from_state, to_state, since, changed_at, origin, forced FROM edited_status_history;
-- on the way to another partition; a row that came with its partition has no time, and no history
CREATE TABLE parted (id integer, region text, stage stage NOT NULL, new_at timestamptz, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE parted_eu PARTITION OF parted FOR VALUES IN ('eu');
CREATE TABLE parted_us PARTITION OF parted FOR VALUES IN ('us');
SELECT leadcrm.track('parted', 'stage', 'id');
CREATE TABLE parted_asia (id integer NOT NULL, region text NOT NULL, stage stage NOT NULL, new_at timestamptz, stage_since timestamptz, stage_reason text, stage_seq integer);
INSERT INTO parted_asia VALUES (3, 'asia', 'new');
ALTER TABLE parted ATTACH PARTITION parted_asia FOR VALUES IN ('asia');
INSERT INTO parted (id, region, stage, stage_since) VALUES (1, 'eu', 'new', '2020-01-01'), (2, 'eu', 'new', '2020-01-01');
UPDATE parted SET region = 'us', stage_since = '2020-02-01' WHERE id = 1;
UPDATE parted SET region = 'us', new_at = '2020-02-01' WHERE id = 2;
UPDATE parted SET region = 'us', new_at = '2020-02-01' WHERE id = 3;
SELECT id, seq, from_state, to_state, since, changed_at, origin, forced FROM parted_stage_history ORDER BY id, seq;
SELECT id, region, stage_since, new_at, stage_seq FROM parted ORDER BY id;
SELECT key, problem FROM leadcrm.verify('parted') WHERE key IS NOT NULL;
-- a trigger after the guard may not, in any mode
CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.stage_since := '2001-01-01'; RETURN NEW; END $$;
CREATE TRIGGER "~~late" BEFORE UPDATE ON edited FOR EACH ROW EXECUTE FUNCTION late();
UPDATE edited SET id = id WHERE id = 7;
SELECT leadcrm.retrack('edited', 'stage'), leadcrm.retrack('edited', 'status');
UPDATE edited SET id = id WHERE id = 7;
UPDATE edited SET stage_since = '2002-01-01' WHERE id = 7;
SELECT count(*) FROM edits WHERE id = 7;
\set VERBOSITY default
-- what no log could follow stays refused
SELECT try($$UPDATE lead SET stage = NULL WHERE id = 1$$);
SELECT try($$UPDATE lead SET id = 10 WHERE id = 1$$);
-- the warning carries what the error would
CREATE FUNCTION forced_move() RETURNS void LANGUAGE plpgsql AS $$ BEGIN UPDATE t_log_and_off_modes.lead SET stage = 'new' WHERE id = 1; END $$;
\set VERBOSITY sqlstate
SELECT forced_move();
\set VERBOSITY default
SET client_min_messages = warning;
RESET leadcrm.enforcement;
-- forced ones can be undone like others
SELECT leadcrm.correct('lead', 'stage', '1', 'x');
SELECT id, stage, stage_seq FROM lead WHERE id = 1;

-- off
SET leadcrm.enforcement = off;
CREATE TABLE kept AS SELECT * FROM history;
INSERT INTO lead (id, stage) VALUES (4, 'won');
INSERT INTO lead (id, stage, new_at, stage_seq, stage_since, stage_peak) VALUES (5, 'new', '2020-01-01', 1, '2020-01-01', 'new');
UPDATE lead SET stage = 'won', stage_seq = 77 WHERE id = 1;
DELETE FROM lead WHERE id = 2;
UPDATE lead SET id = 30 WHERE id = 3;
-- not stamped, not counted, not recorded
SELECT id, stage, stage_seq, stage_since IS NULL, stage_peak FROM lead ORDER BY id;
TABLE history EXCEPT TABLE kept;
TABLE kept EXCEPT TABLE history;
-- history rows come in as they are, for a restore
INSERT INTO lead_stage_history SELECT 5, 1, NULL, 'new', NULL, '2020-01-01', NULL, NULL, 'x', 'x', 'birth', false, NULL, '2020-01-01';
BEGIN;
DELETE FROM lead_stage_history;
TRUNCATE lead, lead_stage_history;
ROLLBACK;
-- only as long as it is set
BEGIN;
SET LOCAL leadcrm.enforcement = strict;
SELECT try($$UPDATE lead SET stage = 'won' WHERE id = 5$$);
COMMIT;
RESET leadcrm.enforcement;
SELECT try($$UPDATE lead SET stage = 'won' WHERE id = 5$$);
SELECT try($$UPDATE lead SET stage = 'talk', stage_reason = 'x' WHERE id = 5$$);
SELECT * FROM history WHERE id = 5;
-- what came in without numbers goes on from none
INSERT INTO lead_stage_transition (from_state, to_state) VALUES ('won', 'talk');
UPDATE lead SET stage = 'talk' WHERE id = 4;
SELECT id, stage, stage_seq, stage_peak FROM lead WHERE id = 4;
SELECT * FROM history WHERE id = 4;

DROP SCHEMA t_log_and_off_modes CASCADE;
