-- Two tracked columns of one table: each has its own rules, history and companions, and a stamp belongs to one of them only.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_two_columns_share_nothing CASCADE;
CREATE SCHEMA t_two_columns_share_nothing;
SET search_path = t_two_columns_share_nothing;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try
\pset format unaligned
\pset tuples_only on
\pset null (null)
CREATE TYPE stage AS ENUM ('new', 'talk');
CREATE TABLE lead (id integer PRIMARY KEY, stage stage NOT NULL, stage_peak stage, status text NOT NULL, new_at timestamptz, talk_at timestamptz, hot_at timestamptz);
SELECT leadcrm.track('lead', 'stage');
SELECT leadcrm.track('lead', 'status');
INSERT INTO lead_stage_transition (from_state, to_state, needs_reason) VALUES (NULL, 'new', false), ('new', 'talk', true), ('talk', 'new', false);
INSERT INTO lead_status_transition (from_state, to_state, needs_reason) VALUES (NULL, 'new', false), ('new', 'talk', false), ('talk', 'hot', true);
CREATE VIEW both_histories AS
	SELECT 'stage' AS what, id, seq, from_state::text, to_state::text, reason, origin FROM lead_stage_history
	UNION ALL SELECT 'status', id, seq, from_state, to_state, reason, origin FROM lead_status_history ORDER BY 2, 1, 3;
-- states of both have the same names: the stamps are the first column's, and make no backfill of the other's birth
INSERT INTO lead (id, stage, status) VALUES (1, 'new', 'new');
SELECT try($$INSERT INTO lead (id, stage, status) VALUES (2, 'new', 'talk')$$);
SELECT try($$INSERT INTO lead (id, stage, status, new_at, talk_at) VALUES (2, 'talk', 'talk', '2020-01-01', '2020-02-01')$$);
INSERT INTO lead (id, stage, status, new_at, talk_at) VALUES (2, 'talk', 'new', '2020-01-01', '2020-02-01');
UPDATE lead SET status = 'talk';
SELECT id, stage, status, new_at IS NULL, talk_at IS NULL FROM lead ORDER BY id;
UPDATE lead SET stage = 'talk', stage_reason = 'they called' WHERE id = 1;
SELECT id, talk_at = stage_since, talk_at > status_since FROM lead WHERE id = 1;
-- a stamp that only the other one knows
UPDATE lead SET status = 'hot', status_reason = 'now' WHERE id = 1;
SELECT hot_at = status_since FROM lead WHERE id = 1;
SELECT try($$UPDATE lead SET hot_at = NULL WHERE id = 1$$);
-- a reason of one is none of the other
SELECT try($$UPDATE lead SET stage = 'new', status = 'hot', status_reason = 'x' WHERE id = 2$$);
SELECT try($$UPDATE lead SET stage = 'talk', status_reason = 'x' WHERE id = 2$$);
-- both in one statement, one of them forbidden: neither
SELECT try($$UPDATE lead SET stage = 'new', status = 'new' WHERE id = 1$$);
SELECT id, stage, stage_seq, stage_reason, status, status_seq, status_reason FROM lead ORDER BY id;
-- corrections of one leave the other
SELECT leadcrm.correct('lead', 'status', '1', 'wrong click');
SELECT stage, stage_seq, status, status_seq, hot_at FROM lead WHERE id = 1;
SELECT leadcrm.correct('lead', 'stage', '1', 'wrong click');
SELECT stage, stage_seq, status, status_seq, talk_at FROM lead WHERE id = 1;
SELECT * FROM both_histories;
SELECT state_column, key, problem, detail FROM leadcrm.verify('lead');
DELETE FROM lead WHERE id = 1;
SELECT * FROM both_histories WHERE origin = 'delete';
SELECT state_column, key, problem FROM leadcrm.verify('lead');
-- the first one untracked, its stamps are free for the other
SELECT leadcrm.untrack('lead', 'stage');
INSERT INTO lead (id, stage, status) VALUES (3, 'talk', 'new');
SELECT new_at = status_since FROM lead WHERE id = 3;

DROP SCHEMA t_two_columns_share_nothing CASCADE;
