-- ON CONFLICT and MERGE: what turns into an update is checked as one and leaves no trace of an insert.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_upserts_and_merge CASCADE;
CREATE SCHEMA t_upserts_and_merge;
SET search_path = t_upserts_and_merge;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try
\pset format unaligned
\pset tuples_only on
\pset null (null)
CREATE TYPE stage AS ENUM ('new', 'talk', 'won');
CREATE TABLE lead (id integer PRIMARY KEY, email text UNIQUE, name text, stage stage NOT NULL DEFAULT 'new', stage_peak stage,
	new_at timestamptz, talk_at timestamptz, won_at timestamptz, created_at timestamptz);
SELECT leadcrm.track('lead', 'stage');
INSERT INTO lead_stage_transition (from_state, to_state, needs_reason) VALUES (NULL, 'new', false), ('new', 'talk', false), ('talk', 'won', true);
CREATE VIEW history AS SELECT id, seq, from_state, to_state, reason, origin FROM lead_stage_history ORDER BY id, seq;
INSERT INTO lead (id, email, stage_since) VALUES (1, 'a@x', '2020-01-01');
CREATE TABLE import (id integer, email text, name text, stage stage, talk_at timestamptz);

-- an existing lead comes again, as it was first: nothing happens to its state
INSERT INTO lead (id, email, name) VALUES (1, 'a@x', 'Anna') ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name;
INSERT INTO lead (id, email, name) VALUES (2, 'a@x', 'Anna') ON CONFLICT (email) DO UPDATE SET name = EXCLUDED.name, stage = EXCLUDED.stage;
INSERT INTO lead (id, email, name, stage) VALUES (1, 'a@x', 'Anna', 'won') ON CONFLICT DO NOTHING;
-- with a stamp, as a backfill would bring it
INSERT INTO lead (id, email, stage, new_at) VALUES (1, 'a@x', 'new', '2019-01-01') ON CONFLICT (id) DO UPDATE SET name = 'Anna';
SELECT id, name, stage, stage_seq, stage_since, new_at, created_at FROM lead;
SELECT * FROM history;
-- it moves
INSERT INTO lead (id, email, stage) VALUES (1, 'a@x', 'talk') ON CONFLICT (id) DO UPDATE SET stage = EXCLUDED.stage;
SELECT try($$INSERT INTO lead (id, stage) VALUES (1, 'won') ON CONFLICT (id) DO UPDATE SET stage = EXCLUDED.stage$$);
SELECT try($$INSERT INTO lead (id, stage, stage_reason) VALUES (1, 'won', 'signed') ON CONFLICT (id) DO UPDATE SET stage = EXCLUDED.stage$$);
INSERT INTO lead (id, stage, stage_reason) VALUES (1, 'won', 'signed') ON CONFLICT (id) DO UPDATE SET stage = EXCLUDED.stage, stage_reason = EXCLUDED.stage_reason;
SELECT id, stage, stage_reason, stage_seq, stage_peak, won_at = stage_since FROM lead;
-- to a state it may not be born in, and from there nowhere
SELECT try($$INSERT INTO lead (id, stage) VALUES (1, 'new') ON CONFLICT (id) DO UPDATE SET stage = EXCLUDED.stage$$);
SELECT try($$INSERT INTO lead (id, stage) VALUES (1, 'new') ON CONFLICT (id) DO UPDATE SET id = 5$$);
SELECT try($$INSERT INTO lead (id, stage) VALUES (1, 'new') ON CONFLICT (id) DO UPDATE SET stage_seq = EXCLUDED.stage_seq$$);
SELECT try($$INSERT INTO lead (id, stage) VALUES (1, 'new') ON CONFLICT (id) DO UPDATE SET stage_since = EXCLUDED.stage_since$$);
-- WHERE that says no
INSERT INTO lead (id, stage) VALUES (1, 'new') ON CONFLICT (id) DO UPDATE SET stage = EXCLUDED.stage WHERE lead.stage = 'talk';
SELECT * FROM history;

-- mixed in one statement
INSERT INTO lead (id, stage) VALUES (3, 'new');
INSERT INTO lead (id, stage, talk_at) VALUES (3, 'talk', NULL), (4, 'new', NULL), (5, 'talk', '2020-05-05') ON CONFLICT (id) DO UPDATE SET stage = EXCLUDED.stage;
SELECT * FROM history WHERE id BETWEEN 3 AND 5;
-- the same key twice in one statement
SELECT try($$INSERT INTO lead (id, stage) VALUES (6, 'new'), (6, 'new') ON CONFLICT (id) DO UPDATE SET stage = 'talk'$$);
INSERT INTO lead (id, stage) VALUES (7, 'new'), (7, 'new') ON CONFLICT DO NOTHING;
SELECT * FROM history WHERE id IN (6, 7);
-- a given number, as from a row that was read
INSERT INTO lead (id, stage, stage_seq, stage_since, new_at) SELECT id, stage, stage_seq, stage_since, new_at FROM lead WHERE id = 7
	ON CONFLICT (id) DO UPDATE SET stage = EXCLUDED.stage, stage_seq = EXCLUDED.stage_seq, stage_since = EXCLUDED.stage_since, new_at = EXCLUDED.new_at;
SELECT stage, stage_seq FROM lead WHERE id = 7;

-- MERGE
INSERT INTO import VALUES (3, 'c@x', 'Cyril', 'won', NULL), (4, 'd@x', 'Dana', 'talk', NULL), (8, 'h@x', 'Hana', 'new', NULL), (9, 'i@x', 'Ivo', 'talk', '2020-01-01');
SELECT try($$MERGE INTO lead l USING import i ON l.id = i.id
	WHEN MATCHED THEN UPDATE SET stage = i.stage WHEN NOT MATCHED THEN INSERT (id, stage) VALUES (i.id, i.stage)$$);
MERGE INTO lead l USING import i ON l.id = i.id
	WHEN MATCHED AND i.stage = 'won' THEN UPDATE SET stage = i.stage, stage_reason = 'imported', name = i.name
	WHEN MATCHED THEN UPDATE SET stage = i.stage, name = i.name
	WHEN NOT MATCHED THEN INSERT (id, email, stage, talk_at) VALUES (i.id, i.email, i.stage, i.talk_at);
SELECT id, name, stage, stage_reason, stage_seq FROM lead WHERE id IN (3, 4, 8, 9) ORDER BY id;
SELECT * FROM history WHERE id IN (3, 4, 8, 9);
MERGE INTO lead l USING import i ON l.id = i.id WHEN MATCHED AND i.stage = 'won' THEN DELETE WHEN MATCHED THEN DO NOTHING;
SELECT * FROM history WHERE id = 3;
-- a reason that stands there from before is not one for another row's branch
INSERT INTO lead (id, stage) VALUES (10, 'new'), (11, 'new');
UPDATE lead SET stage = 'talk', stage_reason = 'from before' WHERE id IN (10, 11);
SELECT try($$MERGE INTO lead l USING (VALUES (10)) i (id) ON l.id = i.id WHEN MATCHED THEN UPDATE SET stage = 'won'$$);
SELECT try($$MERGE INTO lead l USING (VALUES (10)) i (id) ON l.id = i.id WHEN MATCHED THEN UPDATE SET stage = 'won', stage_reason = l.stage_reason$$);
SELECT id, stage, stage_reason FROM lead WHERE id = 10;

DROP SCHEMA t_upserts_and_merge CASCADE;
