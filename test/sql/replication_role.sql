-- With session_replication_role = replica the triggers are quiet, as on a subscriber; verify() shows what came of it.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_replication_role CASCADE;
CREATE SCHEMA t_replication_role;
SET search_path = t_replication_role;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try
\pset format unaligned
\pset tuples_only on
\pset null (null)
CREATE TYPE stage AS ENUM ('new', 'talk', 'won');
CREATE TABLE lead (id integer PRIMARY KEY, stage stage NOT NULL, new_at timestamptz);
SELECT leadcrm.track('lead', 'stage');
INSERT INTO lead_stage_transition (from_state, to_state) VALUES (NULL, 'new'), ('new', 'talk');
INSERT INTO lead (id, stage) VALUES (1, 'new'), (2, 'new');
SET session_replication_role = replica;
INSERT INTO lead (id, stage) VALUES (3, 'won');
UPDATE lead SET stage = 'won' WHERE id = 1;
DELETE FROM lead WHERE id = 2;
-- what a subscriber gets: the row and its history, each as it is
INSERT INTO lead (id, stage, stage_since, stage_seq, new_at) VALUES (4, 'new', '2020-01-01', 1, '2020-01-01');
INSERT INTO lead_stage_history VALUES (4, 1, NULL, 'new', NULL, '2020-01-01', NULL, NULL, 'x', 'x', 'birth', false, NULL, '2020-01-01');
-- a first fill of the rules as it arrives there
CREATE TABLE other (id integer PRIMARY KEY, s text NOT NULL);
SELECT leadcrm.track('other', 's');
INSERT INTO other_s_transition (from_state, to_state) VALUES (NULL, 'a');
RESET session_replication_role;
SELECT id, stage, stage_seq, new_at IS NULL FROM lead ORDER BY id;
SELECT id, seq, to_state FROM lead_stage_history ORDER BY id, seq;
SELECT key, problem FROM leadcrm.verify('lead') ORDER BY 1, 2;
SELECT try($$INSERT INTO other VALUES (1, 'b')$$);
SELECT never_filled FROM leadcrm.tracked WHERE table_name = 'other' AND schema_name = 't_replication_role';
-- promoted: it goes on from there
UPDATE lead SET stage = 'talk' WHERE id = 4;
SELECT seq, from_state, to_state, since FROM lead_stage_history WHERE id = 4 ORDER BY seq;
SELECT try($$UPDATE lead SET stage = 'won' WHERE id = 4$$);
-- local means local
BEGIN;
SET LOCAL session_replication_role = local;
SELECT try($$UPDATE lead SET stage = 'won' WHERE id = 4$$);
COMMIT;
-- who is not trusted with it does not get it
CREATE ROLE regress_leadcrm_user;
GRANT USAGE ON SCHEMA t_replication_role TO regress_leadcrm_user;
SET ROLE regress_leadcrm_user;
SELECT try($$SET session_replication_role = replica$$);
RESET ROLE;
REVOKE USAGE ON SCHEMA t_replication_role FROM regress_leadcrm_user;
DROP ROLE regress_leadcrm_user;
-- what was missed is put right
SELECT key, problem, done FROM leadcrm.repair('lead', false) ORDER BY 1, 2;
SELECT key, problem FROM leadcrm.verify('lead');
SELECT id, seq, from_state, to_state, origin, forced FROM lead_stage_history ORDER BY id, seq;
SELECT id, stage, stage_seq FROM lead ORDER BY id;

DROP SCHEMA t_replication_role CASCADE;
