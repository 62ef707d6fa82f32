-- What the tracker keeps beside the state changes only with the state, and only to what follows from it.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_companions_stay_untouched CASCADE;
CREATE SCHEMA t_companions_stay_untouched;
SET search_path = t_companions_stay_untouched;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try
\pset format unaligned
\pset tuples_only on
\pset null (null)
CREATE TYPE stage AS ENUM ('new', 'talk', 'won');
CREATE TABLE lead (
	id integer PRIMARY KEY, name text, stage stage NOT NULL, stage_peak stage,
	new_at timestamptz, talk_at timestamptz, won_at timestamptz
);
SELECT leadcrm.track('lead', 'stage');
INSERT INTO lead (id, stage) VALUES (1, 'new');
UPDATE lead SET stage = 'talk' WHERE id = 1;
-- what it has filled in
SELECT stage, stage_since = talk_at, stage_reason, stage_seq, stage_peak, new_at < talk_at, won_at FROM lead;

-- touched alone
SELECT try($$UPDATE lead SET stage_since = stage_since + interval '1 second'$$, true);
SELECT try($$UPDATE lead SET stage_since = NULL$$);
SELECT try($$UPDATE lead SET stage_seq = 3$$, true);
SELECT try($$UPDATE lead SET stage_seq = NULL$$);
SELECT try($$UPDATE lead SET stage_peak = 'won'$$, true);
SELECT try($$UPDATE lead SET stage_peak = NULL$$);
SELECT try($$UPDATE lead SET new_at = new_at - interval '1 day'$$, true);
SELECT try($$UPDATE lead SET talk_at = NULL$$);
SELECT try($$UPDATE lead SET won_at = now()$$);
SELECT try($$UPDATE lead SET name = 'x', stage = 'talk', won_at = now()$$);
-- the reason may be edited; the same values may be written back
SELECT try($$UPDATE lead SET stage_reason = 'they called'$$);
SELECT try($$UPDATE lead SET stage = stage, stage_since = stage_since, stage_reason = stage_reason, stage_seq = stage_seq,
	stage_peak = stage_peak, new_at = new_at, talk_at = talk_at, won_at = won_at$$);
SELECT try($$UPDATE lead SET name = 'x'$$);
SELECT stage, stage_reason, stage_seq, stage_peak, won_at FROM lead;

-- touched together with the state
SELECT try($$UPDATE lead SET stage = 'won', stage_seq = 7$$);
SELECT try($$UPDATE lead SET stage = 'won', stage_seq = NULL$$);
SELECT try($$UPDATE lead SET stage = 'won', stage_peak = 'new'$$);
SELECT try($$UPDATE lead SET stage = 'won', stage_peak = NULL$$);
SELECT try($$UPDATE lead SET stage = 'won', won_at = '2001-01-01'$$);
SELECT try($$UPDATE lead SET stage = 'won', new_at = '2001-01-01'$$);
SELECT try($$UPDATE lead SET stage = 'won', talk_at = NULL$$);
SELECT stage, stage_seq, stage_peak, won_at FROM lead;
-- to what follows anyway
SELECT try($$UPDATE lead SET stage = 'won', stage_seq = stage_seq + 1, stage_peak = 'won'$$);
SELECT stage, stage_seq, stage_peak, won_at = stage_since FROM lead;
-- going back keeps the first entries and the peak
UPDATE lead SET stage = 'new';
UPDATE lead SET stage = 'talk';
SELECT stage, stage_seq, stage_peak, stage_since > talk_at, talk_at > new_at FROM lead;

-- a given time is the stamp of a first entry
INSERT INTO lead (id, stage, stage_since) VALUES (2, 'new', '2020-01-01');
UPDATE lead SET stage = 'won', stage_since = '2020-03-01', stage_reason = 'at once' WHERE id = 2;
SELECT new_at, talk_at, won_at, stage_since FROM lead WHERE id = 2;
SELECT try($$UPDATE lead SET stage = 'talk', stage_since = '2020-04-01', talk_at = '2020-04-01' WHERE id = 2$$);
SELECT new_at, talk_at, won_at, stage_since FROM lead WHERE id = 2;

-- INSERT: a number, peak or time that contradicts
SELECT try($$INSERT INTO lead (id, stage, stage_seq) VALUES (3, 'new', 5)$$);
SELECT try($$INSERT INTO lead (id, stage, stage_seq, stage_since) VALUES (3, 'new', 5, '2020-01-01')$$);
SELECT try($$INSERT INTO lead (id, stage, stage_seq, stage_since) VALUES (3, 'new', 0, '2020-01-01')$$);
SELECT try($$INSERT INTO lead (id, stage, stage_seq, stage_since) VALUES (3, 'new', -2147483648, '2020-01-01')$$);
SELECT try($$INSERT INTO lead (id, stage, stage_peak) VALUES (3, 'new', 'won')$$);
SELECT count(*) FROM lead WHERE id = 3;

-- the history agrees, and nothing refused left a row
SELECT id, seq, from_state, to_state, reason, origin, forced FROM lead_stage_history ORDER BY id, seq;
SELECT count(*) FROM lead_stage_history h JOIN lead_stage_history n ON n.id = h.id AND n.seq = h.seq + 1 WHERE n.since <> h.changed_at;

DROP SCHEMA t_companions_stay_untouched CASCADE;
