-- The rules are rows: what they say counts from the moment they are committed, for everyone, and an empty table is no invitation.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_transitions_rules CASCADE;
CREATE SCHEMA t_transitions_rules;
SET search_path = t_transitions_rules;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try
\pset format unaligned
\pset tuples_only on
\pset null (null)
CREATE TYPE stage AS ENUM ('new', 'talk', 'won');
CREATE TABLE lead (id integer PRIMARY KEY, stage stage NOT NULL);
SELECT leadcrm.track('lead', 'stage');
-- never filled: every change passes
SELECT never_filled FROM leadcrm.tracked WHERE schema_name = 't_transitions_rules';
INSERT INTO lead (id, stage) VALUES (1, 'won'), (2, 'new');
UPDATE lead SET stage = 'talk';
SELECT * FROM leadcrm.next_states('lead', 'stage', 'talk');
SELECT * FROM leadcrm.next_states('lead', 'stage', NULL);
-- a first fill that is rolled back, in whole or to a savepoint
BEGIN;
INSERT INTO lead_stage_transition (from_state, to_state) VALUES (NULL, 'new');
SELECT try($$UPDATE lead SET stage = 'won' WHERE id = 1$$);
ROLLBACK;
SELECT never_filled FROM leadcrm.tracked WHERE schema_name = 't_transitions_rules';
SELECT try($$UPDATE lead SET stage = 'won' WHERE id = 1$$);
BEGIN;
SAVEPOINT one;
INSERT INTO lead_stage_transition (from_state, to_state) VALUES (NULL, 'new');
SELECT try($$UPDATE lead SET stage = 'talk' WHERE id = 1$$);
ROLLBACK TO one;
SELECT try($$UPDATE lead SET stage = 'talk' WHERE id = 1$$);
COMMIT;
SELECT never_filled FROM leadcrm.tracked WHERE schema_name = 't_transitions_rules';
-- an INSERT of no rows, a row that is refused
INSERT INTO lead_stage_transition (from_state, to_state) SELECT 'new', 'talk' WHERE false;
SELECT try($$INSERT INTO lead_stage_transition (from_state, to_state) VALUES ('new', NULL)$$);
SELECT never_filled FROM leadcrm.tracked WHERE schema_name = 't_transitions_rules';
-- filled: only what stands there; several rows and statements at once
INSERT INTO lead_stage_transition (from_state, to_state) VALUES (NULL, 'new'), ('new', 'talk');
INSERT INTO lead_stage_transition (from_state, to_state, needs_reason) VALUES ('talk', 'won', true);
SELECT never_filled FROM leadcrm.tracked WHERE schema_name = 't_transitions_rules';
SELECT try($$UPDATE lead SET stage = 'new' WHERE id = 1$$);
SELECT * FROM leadcrm.next_states('lead', 'stage', 'talk');
-- changed, taken away, emptied in every way
UPDATE lead_stage_transition SET needs_reason = false WHERE to_state = 'won';
SELECT try($$UPDATE lead SET stage = 'won' WHERE id = 1$$);
DELETE FROM lead_stage_transition WHERE to_state = 'won';
SELECT try($$UPDATE lead SET stage = 'won' WHERE id = 2$$);
UPDATE lead_stage_transition SET from_state = 'won' WHERE from_state IS NULL;
SELECT try($$INSERT INTO lead (id, stage) VALUES (3, 'new')$$);
SELECT try($$UPDATE lead SET stage = 'new' WHERE id = 1$$);
MERGE INTO lead_stage_transition t USING (VALUES ('new'::stage)) v (s) ON t.from_state = v.s WHEN MATCHED THEN DELETE;
SELECT try($$UPDATE lead SET stage = 'talk' WHERE id = 1$$, true);
DELETE FROM lead_stage_transition;
SELECT try($$UPDATE lead SET stage = 'talk' WHERE id = 1$$, true);
SELECT try($$INSERT INTO lead (id, stage) VALUES (3, 'new')$$, true);
SELECT * FROM leadcrm.next_states('lead', 'stage', 'new');
INSERT INTO lead_stage_transition (from_state, to_state) VALUES ('new', 'talk');
TRUNCATE lead_stage_transition;
SELECT try($$UPDATE lead SET stage = 'talk' WHERE id = 1$$);
SELECT never_filled FROM leadcrm.tracked WHERE schema_name = 't_transitions_rules';
COPY lead_stage_transition (from_state, to_state) FROM stdin;
new	talk
\.
SELECT try($$UPDATE lead SET stage = 'talk' WHERE id = 1$$);
-- in one transaction, before it is committed, and a statement's own rules
BEGIN;
INSERT INTO lead_stage_transition (from_state, to_state) VALUES ('talk', 'won');
UPDATE lead SET stage = 'won' WHERE id = 1;
DELETE FROM lead_stage_transition WHERE to_state = 'won';
SELECT try($$UPDATE lead SET stage = 'won' WHERE id = 2$$);
ROLLBACK;
SELECT stage FROM lead WHERE id = 1;
-- rules written while triggers are quiet, as a subscriber writes them
SET session_replication_role = replica;
INSERT INTO lead_stage_transition (from_state, to_state) VALUES ('talk', 'won');
RESET session_replication_role;
SELECT try($$UPDATE lead SET stage = 'won' WHERE id = 1$$);
-- a step to itself is no step
INSERT INTO lead_stage_transition (from_state, to_state) VALUES ('won', 'won');
UPDATE lead SET stage = 'won' WHERE id = 1;
SELECT stage_seq FROM lead WHERE id = 1;

-- rules that the user made: empty means nothing passes
CREATE TABLE rules (rule_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text, needs_reason boolean, to_state varchar(10), from_state text,
	UNIQUE NULLS NOT DISTINCT (from_state, to_state));
CREATE TABLE own (id integer PRIMARY KEY, s text NOT NULL);
SELECT leadcrm.track('own', 's', transitions => 'rules');
SELECT try($$INSERT INTO own VALUES (1, 'a')$$);
INSERT INTO rules (from_state, to_state) VALUES (NULL, 'a'), ('a', 'b'), ('b', NULL), (NULL, NULL);
SELECT try($$INSERT INTO own VALUES (1, 'a')$$);
SELECT try($$UPDATE own SET s = 'b'$$);
SELECT try($$UPDATE own SET s = 'c'$$);
-- of a wrong shape
CREATE TABLE bad (from_state text, to_state integer, needs_reason boolean);
CREATE TABLE own2 (id integer PRIMARY KEY, s text NOT NULL);
SELECT try($$SELECT leadcrm.track('own2', 's', transitions => 'bad')$$, true);
ALTER TABLE bad DROP COLUMN to_state;
SELECT try($$SELECT leadcrm.track('own2', 's', transitions => 'bad')$$, true);
-- rules under row security are read all the same
ALTER TABLE rules ENABLE ROW LEVEL SECURITY;
ALTER TABLE rules FORCE ROW LEVEL SECURITY;
INSERT INTO own VALUES (2, 'a');
-- two tables by one set of rules
SELECT leadcrm.track('own2', 's', transitions => 'rules');
SELECT try($$INSERT INTO own2 VALUES (1, 'b')$$, true);
INSERT INTO rules (from_state, to_state) VALUES (NULL, 'b');
INSERT INTO own2 VALUES (1, 'b');
INSERT INTO own VALUES (3, 'b');
SELECT id, to_state FROM own_s_history WHERE id = 3;
-- many rules
INSERT INTO rules (from_state, to_state) SELECT 's' || g, 's' || g + 1 FROM generate_series(1, 3000) g;
INSERT INTO rules (from_state, to_state) VALUES (NULL, 's1');
INSERT INTO own VALUES (4, 's1');
DO $$ BEGIN FOR i IN 2..300 LOOP UPDATE own SET s = 's' || i WHERE id = 4; END LOOP; END $$;
SELECT s, s_seq FROM own WHERE id = 4;
SELECT try($$UPDATE own SET s = 's1' WHERE id = 4$$);

DROP SCHEMA t_transitions_rules CASCADE;
