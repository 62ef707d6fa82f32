-- Columns come, go, move and change their names and types between two statements; no change is lost or refused for it.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_altered_columns CASCADE;
CREATE SCHEMA t_altered_columns;
SET search_path = t_altered_columns;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try
\pset format unaligned
\pset tuples_only on
\pset null (null)
CREATE TABLE t (junk text, id integer PRIMARY KEY, s text NOT NULL, a_at timestamptz);
SELECT leadcrm.track('t', 's');
INSERT INTO t_s_transition (from_state, to_state) VALUES (NULL, 'a'), ('a', 'b'), ('b', 'a');
PREPARE ins AS INSERT INTO t (id, s) VALUES ($1, $2);
PREPARE upd AS UPDATE t SET s = $2 WHERE id = $1;
EXECUTE ins(1, 'a');
EXECUTE upd(1, 'b');
ALTER TABLE t DROP COLUMN junk;
EXECUTE ins(2, 'a');
EXECUTE upd(1, 'a');
ALTER TABLE t ADD COLUMN b_at timestamptz, ADD COLUMN more integer DEFAULT 7, ADD COLUMN made text GENERATED ALWAYS AS (s || '!') STORED;
EXECUTE ins(3, 'a');
EXECUTE upd(1, 'b');
EXECUTE upd(2, 'b');
SELECT id, s, s_seq, made, more, b_at = s_since FROM t ORDER BY id;
ALTER TABLE t DROP COLUMN a_at;
ALTER TABLE t ADD COLUMN a_at timestamptz;
EXECUTE upd(1, 'a');
SELECT id, s, s_seq, a_at = s_since FROM t WHERE id = 1;
-- a companion goes and comes back at another place
ALTER TABLE t DROP COLUMN s_reason;
SELECT try($$UPDATE t SET s = 'b' WHERE id = 1$$, true);
SELECT try($$INSERT INTO t (id, s) VALUES (9, 'a')$$);
SELECT try($$DELETE FROM t WHERE id = 1$$);
ALTER TABLE t ADD COLUMN s_reason text;
SELECT try($$UPDATE t SET s = 'b', s_reason = 'new place' WHERE id = 1$$);
SELECT seq, from_state, to_state, reason FROM t_s_history WHERE id = 1 ORDER BY seq;
-- a companion of a wrong type, or generated
ALTER TABLE t RENAME COLUMN a_at TO x_at;
ALTER TABLE t ADD COLUMN s_peak text;
EXECUTE upd(1, 'a');
ALTER TABLE t RENAME COLUMN s_reason TO r;
ALTER TABLE t ADD COLUMN s_reason varchar(3);
SELECT try($$UPDATE t SET s = 'b' WHERE id = 1$$, true);
ALTER TABLE t DROP COLUMN s_reason;
ALTER TABLE t ADD COLUMN s_reason text GENERATED ALWAYS AS (s || '?') STORED;
SELECT try($$UPDATE t SET s = 'b' WHERE id = 1$$);
ALTER TABLE t DROP COLUMN s_reason;
ALTER TABLE t RENAME COLUMN r TO s_reason;

-- the state and key themselves
SELECT try($$ALTER TABLE t DROP COLUMN s$$);
SELECT try($$ALTER TABLE t ALTER COLUMN s TYPE varchar(10)$$);
ALTER TABLE t RENAME COLUMN s TO state;
SELECT try($$UPDATE t SET state = 'b' WHERE id = 1$$, true);
SELECT try($$INSERT INTO t (id, state) VALUES (9, 'a')$$);
SELECT try($$DELETE FROM t WHERE id = 1$$);
-- what does not concern the state is refused too: the guard cannot tell
SELECT try($$UPDATE t SET more = 8 WHERE id = 1$$);
ALTER TABLE t RENAME COLUMN state TO s;
ALTER TABLE t RENAME COLUMN id TO key;
SELECT try($$UPDATE t SET s = 'b' WHERE key = 1$$, true);
ALTER TABLE t RENAME COLUMN key TO id;
-- the type of the key, on both sides
SELECT try($$ALTER TABLE t ALTER COLUMN id TYPE bigint$$);
SELECT try($$UPDATE t SET s = 'b' WHERE id = 1$$, true);
ALTER TABLE t_s_history ALTER COLUMN id TYPE bigint;
SELECT try($$UPDATE t SET s = 'b' WHERE id = 1$$);
-- the history's columns
ALTER TABLE t_s_history ADD COLUMN extra text;
EXECUTE upd(1, 'a');
ALTER TABLE t_s_history ADD COLUMN computed integer GENERATED ALWAYS AS (seq * 2) STORED, ADD COLUMN who text DEFAULT 'nobody';
EXECUTE upd(1, 'b');
ALTER TABLE t_s_history DROP COLUMN extra;
EXECUTE upd(1, 'a');
SELECT seq, from_state, to_state, computed, who FROM t_s_history WHERE id = 1 ORDER BY seq;
ALTER TABLE t_s_history RENAME COLUMN reason TO why;
SELECT try($$UPDATE t SET s = 'b' WHERE id = 1$$, true);
ALTER TABLE t_s_history RENAME COLUMN why TO reason;
ALTER TABLE t_s_history ALTER COLUMN reason TYPE varchar(12);
SELECT try($$UPDATE t SET s = 'b', s_reason = 'too long for it' WHERE id = 1$$);
ALTER TABLE t_s_history DROP CONSTRAINT t_s_history_pkey;
SELECT try($$UPDATE t SET s = 'b' WHERE id = 1$$, true);
ALTER TABLE t_s_history ADD PRIMARY KEY (seq, id);
SELECT try($$UPDATE t SET s = 'b' WHERE id = 1$$);
ALTER TABLE t_s_history DROP CONSTRAINT t_s_history_pkey;
ALTER TABLE t_s_history ADD PRIMARY KEY (id, seq, origin);
SELECT try($$UPDATE t SET s = 'b' WHERE id = 1$$);
ALTER TABLE t_s_history DROP CONSTRAINT t_s_history_pkey;
ALTER TABLE t_s_history ADD PRIMARY KEY (id, seq) DEFERRABLE;
SELECT try($$UPDATE t SET s = 'b' WHERE id = 1$$);
ALTER TABLE t_s_history DROP CONSTRAINT t_s_history_pkey;
ALTER TABLE t_s_history ADD PRIMARY KEY (id, seq) INCLUDE (to_state);
SELECT try($$UPDATE t SET s = 'b' WHERE id = 1$$);
-- the rules' columns
ALTER TABLE t_s_transition RENAME COLUMN to_state TO target;
SELECT try($$UPDATE t SET s = 'a' WHERE id = 1$$, true);
ALTER TABLE t_s_transition RENAME COLUMN target TO to_state;
ALTER TABLE t_s_transition DROP COLUMN needs_reason;
SELECT try($$UPDATE t SET s = 'a' WHERE id = 1$$);
ALTER TABLE t_s_transition ADD COLUMN note text, ADD COLUMN needs_reason boolean NOT NULL DEFAULT true;
SELECT try($$UPDATE t SET s = 'a' WHERE id = 1$$);
SELECT try($$UPDATE t SET s = 'a', s_reason = 'so' WHERE id = 1$$);

-- all of it inside one function, whose plans are kept
CREATE TABLE f (junk integer, id integer PRIMARY KEY, s text NOT NULL);
SELECT leadcrm.track('f', 's');
CREATE FUNCTION many() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1..6 LOOP
		INSERT INTO f (id, s) VALUES (i, 'a');
		UPDATE f SET s = 'b', s_reason = 'step ' || i WHERE id = i;
		CASE i
			WHEN 1 THEN ALTER TABLE f DROP COLUMN junk;
			WHEN 2 THEN ALTER TABLE f ADD COLUMN b_at timestamptz;
			WHEN 3 THEN ALTER TABLE f RENAME TO f2; ALTER TABLE f2 RENAME TO f;
			WHEN 4 THEN CREATE INDEX ON f_s_history (to_state);
			WHEN 5 THEN ALTER TABLE f_s_history ADD COLUMN x integer DEFAULT 1;
			ELSE NULL;
		END CASE;
	END LOOP;
END
$$;
SELECT many();
SELECT id, s, s_seq, b_at = s_since FROM f ORDER BY id;
SELECT id, seq, to_state, reason, x FROM f_s_history ORDER BY id, seq;
SET enable_seqscan = off;
SELECT count(*) FROM f_s_history WHERE to_state = 'b';
RESET enable_seqscan;

-- from text to an enum: untrack, change all three, track again
CREATE TYPE st AS ENUM ('a', 'b');
SELECT leadcrm.untrack('f', 's');
ALTER TABLE f ALTER COLUMN s TYPE st USING s::st;
ALTER TABLE f_s_history ALTER COLUMN from_state TYPE st USING from_state::st, ALTER COLUMN to_state TYPE st USING to_state::st;
ALTER TABLE f_s_transition ALTER COLUMN from_state TYPE st USING from_state::st, ALTER COLUMN to_state TYPE st USING to_state::st;
SELECT leadcrm.track('f', 's', transitions => 'f_s_transition', history => 'f_s_history');
UPDATE f SET s = 'a' WHERE id = 1;
SELECT seq, from_state, to_state FROM f_s_history WHERE id = 1 ORDER BY seq;

DROP SCHEMA t_altered_columns CASCADE;
