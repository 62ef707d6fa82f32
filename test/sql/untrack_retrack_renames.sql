-- Renames break loudly and are repaired by retrack(); untrack() takes the triggers off and leaves the rest.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_untrack_retrack_renames CASCADE;
CREATE SCHEMA t_untrack_retrack_renames;
SET search_path = t_untrack_retrack_renames;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try
\pset format unaligned
\pset tuples_only on
\pset null (null)
CREATE TYPE stage AS ENUM ('new', 'talk', 'won');
CREATE TABLE lead (id integer PRIMARY KEY, stage stage NOT NULL, stage_peak stage, new_at timestamptz, talk_at timestamptz);
SELECT leadcrm.track('lead', 'stage');
INSERT INTO lead_stage_transition (from_state, to_state) VALUES (NULL, 'new'), ('new', 'talk'), ('talk', 'new');
INSERT INTO lead (id, stage) VALUES (1, 'new');
CREATE FUNCTION flip(tab text DEFAULT 'lead', col text DEFAULT 'stage', key text DEFAULT 'id') RETURNS text LANGUAGE sql AS
$$SELECT try(format('UPDATE %s SET %I = CASE %I WHEN ''new'' THEN ''talk'' ELSE ''new'' END::stage WHERE %I = 1', tab, col, col, key), true)$$;
SELECT flip();
-- the schema, the table, both: nothing to repair
ALTER SCHEMA t_untrack_retrack_renames RENAME TO "other schema";
SET search_path = "other schema";
SELECT flip();
ALTER SCHEMA "other schema" RENAME TO t_untrack_retrack_renames;
SET search_path = t_untrack_retrack_renames;
ALTER TABLE lead RENAME TO client;
SELECT flip('client');
SELECT try($$UPDATE client SET stage = 'won'$$, true);
SELECT table_name, transitions, history FROM leadcrm.tracked WHERE schema_name = 't_untrack_retrack_renames';
SELECT problem, detail FROM leadcrm.verify('client');
-- another schema for the table alone: its history and rules are looked for there
CREATE SCHEMA t_elsewhere;
ALTER TABLE client SET SCHEMA t_elsewhere;
SELECT flip('t_elsewhere.client');
SELECT state_column, transitions, history FROM leadcrm.tracked WHERE schema_name = 't_elsewhere';
SELECT problem FROM leadcrm.verify('t_elsewhere.client');
SELECT leadcrm.retrack('t_elsewhere.client', 'stage');
SELECT flip('t_elsewhere.client');
ALTER TABLE t_elsewhere.client SET SCHEMA t_untrack_retrack_renames;
SELECT flip('client');
DROP SCHEMA t_elsewhere;
SELECT leadcrm.retrack('client', 'stage');
ALTER TABLE client RENAME TO lead;
-- the history
ALTER TABLE lead_stage_history RENAME TO what_was;
SELECT flip();
SELECT try($$INSERT INTO lead (id, stage) VALUES (2, 'new')$$);
SELECT try($$DELETE FROM lead$$);
SELECT leadcrm.retrack('lead', 'stage');
SELECT flip();
SELECT history FROM leadcrm.tracked WHERE table_name = 'lead' AND schema_name = 't_untrack_retrack_renames';
-- the rules
ALTER TABLE lead_stage_transition RENAME TO rules;
SELECT flip();
SELECT leadcrm.retrack('lead', 'stage');
SELECT flip();
SELECT try($$UPDATE lead SET stage = 'won'$$, true);
-- both at once, and which is which has to be said
ALTER TABLE what_was RENAME TO a;
ALTER TABLE rules RENAME TO b;
SELECT leadcrm.retrack('lead', 'stage', transitions => 'b', history => 'a');
SELECT flip();
SELECT try($$SELECT leadcrm.retrack('lead', 'stage', transitions => 'a', history => 'b')$$);
SELECT flip();
-- a companion
ALTER TABLE lead RENAME COLUMN stage_reason TO why;
SELECT flip();
ALTER TABLE lead RENAME COLUMN why TO stage_reason;
-- the state column: its companions follow
ALTER TABLE lead RENAME COLUMN stage TO phase;
SELECT flip('lead', 'phase');
SELECT try($$SELECT leadcrm.retrack('lead', 'stage')$$);
SELECT leadcrm.retrack('lead', 'phase');
SELECT flip('lead', 'phase');
SELECT attname FROM pg_attribute WHERE attrelid = 'lead'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum;
SELECT state_column, guard, record_update FROM leadcrm.tracked WHERE table_name = 'lead' AND schema_name = 't_untrack_retrack_renames';
SELECT tgname FROM pg_trigger WHERE tgrelid = 'lead'::regclass ORDER BY 1;
-- the key
ALTER TABLE lead RENAME COLUMN id TO number;
SELECT flip('lead', 'phase', 'number');
SELECT leadcrm.retrack('lead', 'phase');
SELECT flip('lead', 'phase', 'number');
SELECT number, seq, to_state FROM a ORDER BY seq DESC LIMIT 1;
-- a trigger that was dropped, a column
DROP TRIGGER "~leadcrm_record_phase" ON lead;
DROP TRIGGER "~leadcrm_truncate" ON lead;
SELECT problem, detail FROM leadcrm.verify('lead');
SELECT leadcrm.retrack('lead', 'phase');
SELECT problem, detail FROM leadcrm.verify('lead');
SELECT flip('lead', 'phase', 'number');
DROP TRIGGER "~leadcrm_guard_phase" ON lead;
SELECT try($$UPDATE lead SET phase = 'won'$$);
SELECT leadcrm.retrack('lead', 'phase');
SELECT flip('lead', 'phase', 'number');
-- nothing of all this lost a row of the history
SELECT count(*), max(seq) FROM a;
SELECT problem, detail FROM leadcrm.verify('lead');
-- what cannot be retracked
SELECT try($$SELECT leadcrm.retrack('lead', 'number')$$);
SELECT try($$SELECT leadcrm.retrack('a', 'to_state')$$);
SELECT try($$SELECT leadcrm.retrack('lead', 'nothing')$$);
SELECT try($$SELECT leadcrm.retrack(NULL, 'phase')$$);

-- two columns of one table: one is untracked, the other goes on
CREATE TABLE two (id integer PRIMARY KEY, s text NOT NULL, t text NOT NULL);
SELECT leadcrm.track('two', 's');
SELECT leadcrm.track('two', 't');
INSERT INTO two VALUES (1, 'a', 'x');
SELECT leadcrm.untrack('two', 's');
SELECT try($$SELECT leadcrm.untrack('two', 's')$$, true);
UPDATE two SET s = 'b', s_seq = 70, t = 'y';
SELECT s, s_seq, t, t_seq FROM two;
SELECT seq, to_state FROM two_s_history;
SELECT seq, to_state FROM two_t_history ORDER BY seq;
SELECT try($$TRUNCATE two$$);
SELECT try($$DELETE FROM two_s_history$$);
SELECT leadcrm.untrack('two', 't');
SELECT tgname FROM pg_trigger WHERE tgrelid = 'two'::regclass;
UPDATE two SET t = 'unseen';
SELECT t, t_seq FROM two;
-- tracked again, with what it had: what happened meanwhile shows
SELECT try($$SELECT leadcrm.track('two', 't')$$, true);
SELECT leadcrm.track('two', 't', transitions => 'two_t_transition', history => 'two_t_history');
SELECT problem, detail FROM leadcrm.verify('two');
UPDATE two SET t = 'z';
SELECT seq, from_state, to_state FROM two_t_history ORDER BY seq;
SELECT problem, detail FROM leadcrm.verify('two');
-- on partitions
CREATE TABLE p (id integer, s text NOT NULL, k integer, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
SELECT leadcrm.track('p', 's', 'id');
INSERT INTO p VALUES (1, 'a', 1);
ALTER TABLE p RENAME COLUMN s TO state;
ALTER TABLE p RENAME COLUMN id TO key;
SELECT try($$UPDATE p SET state = 'b'$$);
SELECT try($$SELECT leadcrm.retrack('p', 'state')$$);
SELECT try($$SELECT leadcrm.retrack('p', 'state', key => 'nothing')$$);
SELECT leadcrm.retrack('p', 'state', key => 'key');
UPDATE p SET state = 'b';
SELECT key, seq, to_state FROM p_s_history ORDER BY seq;
SELECT problem FROM leadcrm.verify('p');
SELECT leadcrm.untrack('p', 'state');
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgrelid IN ('p'::regclass, 'p1'::regclass);
UPDATE p SET state = 'c';
SELECT count(*) FROM p_s_history;

-- a history that is gone is not replaced by the one that another column left, nor are its rules
DROP TABLE p_s_history, p_s_transition;
CREATE TABLE left_one (id integer PRIMARY KEY, s text NOT NULL);
CREATE TABLE kept (id integer PRIMARY KEY, s text NOT NULL);
SELECT leadcrm.track('left_one', 's'), leadcrm.track('kept', 's');
SELECT leadcrm.untrack('left_one', 's');
DROP TABLE kept_s_history;
SELECT try($$SELECT leadcrm.retrack('kept', 's')$$);
DROP TABLE kept_s_transition;
SELECT try($$SELECT leadcrm.retrack('kept', 's')$$);
DROP TABLE left_one, kept, left_one_s_history, left_one_s_transition;

DROP SCHEMA t_untrack_retrack_renames CASCADE;
