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
