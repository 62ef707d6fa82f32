-- A row is born in an allowed state, or brings the times of its states: these become its history, and nothing else does.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_births_and_backfills CASCADE;
CREATE SCHEMA t_births_and_backfills;
SET search_path = t_births_and_backfills;
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
	id integer PRIMARY KEY, stage stage NOT NULL, stage_peak stage,
	new_at timestamptz, talk_at timestamptz, offer_at timestamptz, won_at timestamptz, created_at timestamptz
);
SELECT leadcrm.track('lead', 'stage');
INSERT INTO lead_stage_transition (from_state, to_state) VALUES (NULL, 'new'), ('new', 'talk');
CREATE VIEW history AS
	SELECT id, seq, from_state, to_state, since, CASE WHEN changed_at < now() - interval '1 hour' THEN changed_at END AS changed_at,
		reason, origin, forced
	FROM lead_stage_history ORDER BY id, seq;

-- births
INSERT INTO lead (id, stage) VALUES (1, 'new');
INSERT INTO lead (id, stage, stage_since, stage_reason) VALUES (2, 'new', '2020-01-01', 'a letter');
-- the clock is read for each row, and nothing says when it was created
SELECT id, stage_seq, stage_peak, new_at = stage_since, created_at FROM lead ORDER BY id;
SELECT * FROM history;

-- backfills: time order, no transition checked
INSERT INTO lead (id, stage, new_at, talk_at, won_at, stage_reason) VALUES (10, 'won', '2020-01-01', '2020-01-05', '2020-02-01', 'signed');
-- one stamp only, of the present state; without a rule for being born there
INSERT INTO lead (id, stage, won_at) VALUES (11, 'won', '2020-02-01');
-- the present state lies before the furthest stamp: moved back at X_since, or at the last stamp
INSERT INTO lead (id, stage, new_at, offer_at, stage_since) VALUES (12, 'new', '2020-01-01', '2020-01-10', '2020-03-01');
INSERT INTO lead (id, stage, new_at, offer_at) VALUES (13, 'new', '2020-01-01', '2020-01-10');
-- stamps out of the states' order stay as they are; equal times follow the states' order
INSERT INTO lead (id, stage, new_at, talk_at, won_at) VALUES (14, 'won', '2020-01-05', '2020-01-01', '2020-01-06');
INSERT INTO lead (id, stage, won_at, offer_at, talk_at, new_at) VALUES (15, 'won', '2020-01-01', '2020-01-01', '2020-01-01', '2020-01-01');
-- entered again: X_since after the last stamp
INSERT INTO lead (id, stage, new_at, talk_at, stage_since) VALUES (16, 'talk', '2020-01-01', '2020-01-05', '2020-04-01');
-- the time of the present state given twice
INSERT INTO lead (id, stage, won_at, stage_since) VALUES (17, 'won', '2020-02-01', '2020-02-01');
-- created_at given stays
INSERT INTO lead (id, stage, new_at, won_at, created_at) VALUES (18, 'won', '2020-01-01', '2020-02-01', '2019-12-24');
SELECT id, stage, stage_since, stage_seq, stage_peak, created_at FROM lead WHERE id >= 10 ORDER BY id;
SELECT * FROM history WHERE id >= 10;
-- their stamps were not changed
SELECT id, new_at, talk_at, offer_at, won_at FROM lead WHERE id >= 10 ORDER BY id;

-- refused
SELECT try($$INSERT INTO lead (id, stage, new_at, talk_at) VALUES (30, 'won', '2020-01-01', '2020-01-05')$$, true);
SELECT try($$INSERT INTO lead (id, stage, new_at, won_at) VALUES (30, 'won', '2020-01-01', clock_timestamp() + interval '2 minutes')$$, true);
SELECT try($$INSERT INTO lead (id, stage, new_at, won_at) VALUES (30, 'won', '-infinity', '2020-01-05')$$);
SELECT try($$INSERT INTO lead (id, stage, new_at, won_at) VALUES (30, 'won', '2020-01-01', 'infinity')$$);
SELECT try($$INSERT INTO lead (id, stage, new_at, won_at, stage_since) VALUES (30, 'won', '2020-01-01', '2020-02-01', '2020-01-15')$$, true);
SELECT try($$INSERT INTO lead (id, stage, new_at, talk_at, stage_since) VALUES (30, 'new', '2020-01-01', '2020-02-01', '2020-01-15')$$);
SELECT try($$INSERT INTO lead (id, stage, new_at, won_at, stage_peak) VALUES (30, 'won', '2020-01-01', '2020-02-01', 'talk')$$);
SELECT try($$INSERT INTO lead (id, stage, new_at, won_at, stage_seq) VALUES (30, 'won', '2020-01-01', '2020-02-01', 9)$$);
SELECT count(*) FROM lead WHERE id = 30;
SELECT count(*) FROM lead_stage_history WHERE id = 30;

-- one statement, many rows, both kinds
INSERT INTO lead (id, stage, new_at, talk_at)
SELECT 100 + g, CASE WHEN g % 2 = 0 THEN 'talk' ELSE 'new' END::stage, '2020-01-01'::timestamptz + g * interval '1 day',
	CASE WHEN g % 2 = 0 THEN '2021-01-01'::timestamptz + g * interval '1 day' END
FROM generate_series(0, 99) g;
SELECT origin, to_state, count(*), min(changed_at), max(changed_at) FROM lead_stage_history WHERE id BETWEEN 100 AND 199 GROUP BY 1, 2 ORDER BY 1, 2;
-- they live on like all others
UPDATE lead SET stage = 'talk' WHERE id = 101;
SELECT seq, from_state, to_state, since, origin FROM lead_stage_history WHERE id = 101 ORDER BY seq;

-- a plain birth is never taken for a backfill, nor the other way round, whatever the same key went through before
BEGIN;
INSERT INTO lead (id, stage, new_at) VALUES (1, 'new', '2020-01-01') ON CONFLICT (id) DO UPDATE SET stage = lead.stage;
INSERT INTO lead (id, stage, won_at) VALUES (1, 'won', '2020-01-01') ON CONFLICT DO NOTHING;
DELETE FROM lead WHERE id = 1;
INSERT INTO lead (id, stage) VALUES (1, 'new');
COMMIT;
SELECT seq, from_state, to_state, origin FROM lead_stage_history WHERE id = 1 ORDER BY seq;
BEGIN;
INSERT INTO lead (id, stage, won_at) VALUES (2, 'won', '2020-01-01') ON CONFLICT DO NOTHING;
DELETE FROM lead WHERE id = 2;
SELECT try($$INSERT INTO lead (id, stage) VALUES (2, 'won')$$);
COMMIT;
-- a key that is born again goes on after its last number
INSERT INTO lead (id, stage, new_at, won_at) VALUES (2, 'won', '2021-01-01', '2021-02-01');
SELECT stage_seq FROM lead WHERE id = 2;
SELECT seq, from_state, to_state, origin FROM lead_stage_history WHERE id = 2 ORDER BY seq;

-- deletes say from where, and have their own role and time
DELETE FROM lead WHERE id = 10;
SELECT seq, from_state, to_state, since, changed_at >= since AND changed_at <= recorded_at, origin FROM lead_stage_history WHERE id = 10 AND to_state IS NULL;
-- DELETE and INSERT of one key in one statement
SELECT try($$WITH d AS (DELETE FROM lead WHERE id = 11 RETURNING id) INSERT INTO lead (id, stage) SELECT id, 'new' FROM d$$);
SELECT seq, from_state, to_state, origin FROM lead_stage_history WHERE id = 11 ORDER BY seq;

-- an AFTER trigger that moves a new row on, or takes it away, before its birth is recorded: in every life of the key
CREATE FUNCTION move_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.id = 60 AND NEW.stage = 'new' THEN UPDATE lead SET stage = 'talk' WHERE id = NEW.id; END IF;
	IF NEW.id = 61 THEN DELETE FROM lead WHERE id = NEW.id; END IF;
	RETURN NULL;
END
$$;
CREATE TRIGGER move_on AFTER INSERT OR UPDATE ON lead FOR EACH ROW EXECUTE FUNCTION move_on();
INSERT INTO lead (id, stage) VALUES (60, 'new'), (61, 'new');
DELETE FROM lead WHERE id = 60;
INSERT INTO lead (id, stage) VALUES (60, 'new'), (61, 'new');
INSERT INTO lead (id, stage, new_at) VALUES (61, 'new', '2020-01-01');
DROP TRIGGER move_on ON lead;
SELECT id, seq, from_state, to_state, origin FROM history WHERE id IN (60, 61);
SELECT id, stage, stage_seq FROM lead WHERE id IN (60, 61);
SELECT key, seq, problem, detail FROM leadcrm.verify('lead');

-- who wrote it
SET leadcrm.actor = 'anna@example.com';
INSERT INTO lead (id, stage) VALUES (50, 'new');
SET leadcrm.actor = '';
INSERT INTO lead (id, stage) VALUES (51, 'new');
RESET leadcrm.actor;
SELECT id, actor, session_role = session_user, role = current_user, recorded_at >= changed_at, recorded_at <= clock_timestamp()
FROM lead_stage_history WHERE id IN (50, 51) ORDER BY id;

DROP SCHEMA t_births_and_backfills CASCADE;
