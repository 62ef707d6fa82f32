-- A row that moves between partitions keeps its history going: recorded once, never born again, never lost.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_partitions_keep_history CASCADE;
CREATE SCHEMA t_partitions_keep_history;
SET search_path = t_partitions_keep_history;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try
\pset format unaligned
\pset tuples_only on
\pset null (null)
CREATE TYPE stage AS ENUM ('new', 'talk', 'won');
CREATE TABLE lead (id bigint, region text, stage stage NOT NULL, stage_peak stage, new_at timestamptz, talk_at timestamptz, won_at timestamptz,
	PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE lead_eu PARTITION OF lead FOR VALUES IN ('eu');
-- one with its columns in another order, one that is partitioned itself
CREATE TABLE lead_us (won_at timestamptz, gone integer, stage stage NOT NULL, talk_at timestamptz, region text NOT NULL, new_at timestamptz, stage_peak stage, id bigint NOT NULL);
ALTER TABLE lead_us DROP COLUMN gone;
ALTER TABLE lead ATTACH PARTITION lead_us FOR VALUES IN ('us');
CREATE TABLE lead_asia PARTITION OF lead FOR VALUES IN ('jp', 'cn') PARTITION BY LIST (region);
CREATE TABLE lead_jp PARTITION OF lead_asia FOR VALUES IN ('jp');
SELECT try($$SELECT leadcrm.track('lead', 'stage')$$, true);
SELECT leadcrm.track('lead', 'stage', 'id');
SELECT target, key_column, guard FROM leadcrm.tracked WHERE schema_name = 't_partitions_keep_history';
INSERT INTO lead_stage_transition (from_state, to_state, needs_reason) VALUES (NULL, 'new', false), ('new', 'talk', false), ('talk', 'won', true), ('talk', 'new', false);
-- a partition of a later day
CREATE TABLE lead_cn PARTITION OF lead_asia FOR VALUES IN ('cn');
CREATE VIEW history AS SELECT id, seq, from_state, to_state, since IS NOT DISTINCT FROM lag(changed_at) OVER (PARTITION BY id ORDER BY seq) AS joined, reason, origin, forced
	FROM lead_stage_history ORDER BY id, seq;
INSERT INTO lead (id, region, stage) VALUES (1, 'eu', 'new'), (2, 'us', 'new'), (3, 'jp', 'new'), (4, 'cn', 'new');
INSERT INTO lead_us (id, region, stage) VALUES (5, 'us', 'new');
-- moves without a change of state, to and from every kind
UPDATE lead SET region = CASE region WHEN 'eu' THEN 'us' WHEN 'us' THEN 'jp' WHEN 'jp' THEN 'cn' ELSE 'eu' END;
SELECT tableoid::regclass, id, stage, stage_seq, stage_peak, new_at = stage_since FROM lead ORDER BY id;
SELECT * FROM history;
-- with one, and with a reason
UPDATE lead SET region = CASE region WHEN 'eu' THEN 'us' WHEN 'us' THEN 'jp' WHEN 'jp' THEN 'cn' ELSE 'eu' END, stage = 'talk';
UPDATE lead SET region = CASE region WHEN 'eu' THEN 'us' WHEN 'us' THEN 'jp' WHEN 'jp' THEN 'cn' ELSE 'eu' END, stage = 'won', stage_reason = 'signed' WHERE id <= 2;
SELECT tableoid::regclass, id, stage, stage_seq, stage_peak, talk_at < won_at, stage_reason FROM lead ORDER BY id;
SELECT * FROM history;
-- forbidden ones, on the way or not
SELECT try($$UPDATE lead SET region = 'eu', stage = 'new' WHERE id = 1$$, true);
SELECT try($$UPDATE lead SET region = 'eu', stage = 'won' WHERE id = 3$$);
SELECT try($$UPDATE lead SET region = 'eu', stage_seq = 9 WHERE id = 3$$);
SELECT try($$UPDATE lead SET region = 'eu', new_at = NULL WHERE id = 3$$);
SELECT try($$UPDATE lead SET region = 'eu', id = 33 WHERE id = 3$$);
SELECT try($$UPDATE lead_us SET stage = 'won' WHERE id = 4$$, true);
SELECT try($$INSERT INTO lead (id, region, stage) VALUES (6, 'us', 'won')$$, true);
SELECT try($$UPDATE lead SET region = 'nowhere' WHERE id = 3$$);
-- a backfill is one where it is inserted, and stays one when it moves
INSERT INTO lead (id, region, stage, new_at, won_at) VALUES (7, 'us', 'won', '2020-01-01', '2020-02-01'), (8, 'cn', 'new', '2020-01-01', NULL);
BEGIN;
UPDATE lead SET region = 'eu' WHERE id IN (7, 8);
UPDATE lead SET region = 'us' WHERE id IN (7, 8);
COMMIT;
SELECT * FROM history WHERE id IN (7, 8);

-- delete, and born again in another partition, also in one transaction and in one statement
BEGIN;
DELETE FROM lead WHERE id = 4;
INSERT INTO lead (id, region, stage) VALUES (4, 'eu', 'new');
COMMIT;
SELECT seq, from_state, to_state, origin FROM history WHERE id = 4;
SELECT try($$WITH d AS (DELETE FROM lead WHERE id = 8 RETURNING id) INSERT INTO lead (id, region, stage) SELECT id, 'jp', 'new' FROM d$$);
SELECT seq, from_state, to_state, origin FROM history WHERE id = 8;
SELECT id, region, stage, stage_seq FROM lead WHERE id = 8;
-- one key twice
SELECT try($$INSERT INTO lead (id, region, stage) VALUES (1, 'us', 'new')$$);
SELECT try($$INSERT INTO lead (id, region, stage, new_at) VALUES (1, 'us', 'new', '2020-01-01')$$);
SELECT try($$INSERT INTO lead (id, region, stage) VALUES (50, 'cn', 'new'), (50, 'us', 'new')$$);
SELECT count(*) FROM lead WHERE id IN (1, 50);

-- a row that leaves and does not arrive
CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN CASE WHEN NEW.stage_reason = 'vanish' THEN NULL ELSE NEW END; END $$;
CREATE TRIGGER swallow BEFORE INSERT ON lead_eu FOR EACH ROW EXECUTE FUNCTION swallow();
CREATE TRIGGER "~~swallow" BEFORE INSERT ON lead_jp FOR EACH ROW EXECUTE FUNCTION swallow();
\set VERBOSITY sqlstate
UPDATE lead SET region = 'eu', stage_reason = 'vanish' WHERE id = 1;
UPDATE lead SET region = 'jp', stage_reason = 'vanish' WHERE id = 1;
UPDATE lead SET region = 'eu', stage = 'talk', stage_reason = 'vanish' WHERE id = 5;
BEGIN;
UPDATE lead SET region = 'eu', stage_reason = 'vanish' WHERE id = 1;
INSERT INTO lead (id, region, stage) VALUES (1, 'us', 'new');
COMMIT;
BEGIN;
UPDATE lead SET region = 'eu', stage_reason = 'vanish' WHERE id = 1;
INSERT INTO lead (id, region, stage) VALUES (1, 'us', 'won');
COMMIT;
-- given up with its savepoint
BEGIN;
SAVEPOINT s;
UPDATE lead SET region = 'eu', stage_reason = 'vanish' WHERE id = 1;
ROLLBACK TO s;
UPDATE lead SET region = 'jp' WHERE id = 1;
SAVEPOINT s;
UPDATE lead SET region = 'us' WHERE id = 1;
RELEASE s;
COMMIT;
\set VERBOSITY default
SELECT id, region, stage, stage_seq FROM lead WHERE id IN (1, 5) ORDER BY id;
SELECT seq, from_state, to_state, origin FROM history WHERE id IN (1, 5);
DROP TRIGGER swallow ON lead_eu;
DROP TRIGGER "~~swallow" ON lead_jp;

-- triggers of one partition
CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.stage := 'won'; RETURN NEW; END $$;
CREATE TRIGGER "~~meddle" BEFORE INSERT OR UPDATE ON lead_eu FOR EACH ROW EXECUTE FUNCTION meddle();
SELECT try($$UPDATE lead SET region = 'eu' WHERE id = 5$$, true);
SELECT try($$UPDATE lead SET region = 'us' WHERE id = 4$$);
SELECT try($$INSERT INTO lead (id, region, stage) VALUES (60, 'eu', 'new')$$);
ALTER TRIGGER "~~meddle" ON lead_eu RENAME TO aa_meddle;
SELECT try($$UPDATE lead SET region = 'eu' WHERE id = 5$$);
SELECT try($$UPDATE lead SET region = 'eu', stage = 'won', stage_reason = 'x' WHERE id = 5$$);
DROP TRIGGER aa_meddle ON lead_eu;
SELECT seq, from_state, to_state, origin FROM history WHERE id = 5;

-- partitions come and go
CREATE TABLE lead_br (LIKE lead INCLUDING DEFAULTS);
ALTER TABLE lead_br ADD COLUMN x integer;
ALTER TABLE lead_br DROP COLUMN x;
INSERT INTO lead_br (id, region, stage) VALUES (70, 'br', 'talk'), (71, 'br', 'talk'), (72, 'br', 'talk');
ALTER TABLE lead ATTACH PARTITION lead_br FOR VALUES IN ('br');
UPDATE lead SET region = 'us', stage = 'won', stage_reason = 'x' WHERE id = 70;
UPDATE lead SET region = 'eu' WHERE id = 71;
DELETE FROM lead WHERE id = 72;
SELECT id, seq, from_state, to_state, origin FROM history WHERE id BETWEEN 70 AND 72;
SELECT id, tableoid::regclass, stage, stage_seq FROM lead WHERE id BETWEEN 70 AND 72 ORDER BY id;
ALTER TABLE lead DETACH PARTITION lead_us;
UPDATE lead_us SET stage = 'new', stage_seq = 1 WHERE id = 70;
ALTER TABLE lead ATTACH PARTITION lead_us FOR VALUES IN ('us');
SELECT try($$UPDATE lead SET stage = 'won' WHERE id = 70$$);
-- MERGE and upsert
MERGE INTO lead l USING (VALUES (3, 'us'), (80, 'us')) s (id, region) ON l.id = s.id
	WHEN MATCHED THEN UPDATE SET region = s.region WHEN NOT MATCHED THEN INSERT (id, region, stage) VALUES (s.id, s.region, 'new');
INSERT INTO lead (id, region, stage) VALUES (80, 'us', 'talk') ON CONFLICT (id, region) DO UPDATE SET stage = EXCLUDED.stage;
SELECT id, seq, from_state, to_state, origin FROM history WHERE id IN (3, 80);
-- no partition is tracked on its own
SELECT try($$SELECT leadcrm.track('lead_eu', 'stage')$$);
-- wrong keys
SELECT try($$SELECT leadcrm.track('lead', 'region', 'new_at')$$, true);
SELECT try($$SELECT leadcrm.track('lead', 'region', 'nothing')$$);
-- rows and history agree
SELECT l.id FROM lead l JOIN LATERAL (SELECT to_state, seq FROM lead_stage_history h WHERE h.id = l.id ORDER BY seq DESC LIMIT 1) h ON true
WHERE l.id <> 70 AND (l.stage, l.stage_seq) IS DISTINCT FROM (h.to_state, h.seq);

DROP SCHEMA t_partitions_keep_history CASCADE;
