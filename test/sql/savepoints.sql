-- Rolled-back parts of a transaction leave nothing behind: no rows, no notes, no rules, no pretended role.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_savepoints CASCADE;
CREATE SCHEMA t_savepoints;
SET search_path = t_savepoints;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try
\pset format unaligned
\pset tuples_only on
\pset null (null)
CREATE TABLE lead (id integer PRIMARY KEY, s text NOT NULL, a_at timestamptz, b_at timestamptz);
SELECT leadcrm.track('lead', 's');
CREATE VIEW history AS SELECT id, seq, from_state, to_state, reason, actor, origin FROM lead_s_history ORDER BY id, seq;
BEGIN;
INSERT INTO lead (id, s) VALUES (1, 'a');
SAVEPOINT one;
UPDATE lead SET s = 'b', s_reason = 'lost';
SAVEPOINT two;
UPDATE lead SET s = 'c';
ROLLBACK TO two;
UPDATE lead SET s = 'd';
ROLLBACK TO one;
UPDATE lead SET s = 'e', s_reason = 'kept';
SAVEPOINT three;
UPDATE lead SET s = 'f';
RELEASE three;
COMMIT;
SELECT s, s_seq, s_reason FROM lead;
SELECT * FROM history;
-- an inserted row with the stamp of its own state, rolled back, then born plainly, and the other way round
INSERT INTO lead_s_transition (from_state, to_state) VALUES (NULL, 'a'), ('a', 'b');
BEGIN;
SAVEPOINT one;
INSERT INTO lead (id, s, a_at) VALUES (2, 'a', '2020-01-01');
ROLLBACK TO one;
INSERT INTO lead (id, s) VALUES (2, 'a');
SAVEPOINT one;
INSERT INTO lead (id, s) VALUES (3, 'a');
ROLLBACK TO one;
INSERT INTO lead (id, s, a_at) VALUES (3, 'a', '2020-01-01');
SAVEPOINT one;
INSERT INTO lead (id, s, b_at) VALUES (4, 'b', '2020-01-01');
ROLLBACK TO one;
SELECT try($$INSERT INTO lead (id, s) VALUES (4, 'b')$$);
COMMIT;
SELECT * FROM history WHERE id > 1;
-- in a function that catches errors
CREATE FUNCTION catch() RETURNS text LANGUAGE plpgsql AS $$
DECLARE caught integer := 0;
BEGIN
	FOR i IN 1..200 LOOP
		BEGIN
			UPDATE lead SET s = CASE WHEN i % 2 = 0 THEN 'b' ELSE 'z' END WHERE id = 2;
			IF i % 4 = 0 THEN RAISE EXCEPTION 'back'; END IF;
			UPDATE lead SET s = 'z' WHERE id = 2;
		EXCEPTION WHEN OTHERS THEN caught := caught + 1;
		END;
	END LOOP;
	UPDATE lead SET s = 'b' WHERE id = 2;
	RETURN caught;
END
$$;
SELECT catch();
SELECT * FROM history WHERE id = 2;
-- rules and actor
BEGIN;
SAVEPOINT one;
INSERT INTO lead_s_transition (from_state, to_state) VALUES ('b', 'c');
SET LOCAL leadcrm.actor = 'nobody';
UPDATE lead SET s = 'c' WHERE id = 2;
ROLLBACK TO one;
SELECT try($$UPDATE lead SET s = 'c' WHERE id = 2$$);
DELETE FROM lead_s_transition WHERE to_state = 'b';
SELECT try($$UPDATE lead SET s = 'b' WHERE id = 3$$);
SAVEPOINT one;
TRUNCATE lead_s_transition;
SELECT try($$INSERT INTO lead (id, s) VALUES (5, 'a')$$);
ROLLBACK TO one;
INSERT INTO lead (id, s) VALUES (5, 'a');
ROLLBACK;
SELECT try($$UPDATE lead SET s = 'b' WHERE id = 3$$);
SELECT * FROM history WHERE id IN (3, 5);
-- a whole transaction
BEGIN;
UPDATE lead SET s = 'c' WHERE false;
DELETE FROM lead WHERE id = 3;
ROLLBACK;
INSERT INTO lead (id, s) VALUES (6, 'a');
SELECT * FROM history WHERE id IN (3, 6) AND seq > 1 OR id = 6;
-- a table created, filled and dropped in one transaction
BEGIN;
CREATE TABLE brief (id integer PRIMARY KEY, s text NOT NULL);
SELECT leadcrm.track('brief', 's');
INSERT INTO brief VALUES (1, 'a');
SAVEPOINT one;
SELECT leadcrm.untrack('brief', 's');
UPDATE brief SET s = 'b';
ROLLBACK TO one;
UPDATE brief SET s = 'c';
SELECT seq, from_state, to_state FROM brief_s_history ORDER BY seq;
DROP TABLE brief, brief_s_history, brief_s_transition;
COMMIT;
SELECT count(*) FROM leadcrm.tracked WHERE schema_name = 't_savepoints';
-- track() rolled back
BEGIN;
CREATE TABLE twice (id integer PRIMARY KEY, s text NOT NULL);
SAVEPOINT one;
SELECT leadcrm.track('twice', 's');
INSERT INTO twice VALUES (1, 'a');
ROLLBACK TO one;
INSERT INTO twice VALUES (1, 'a');
SELECT leadcrm.track('twice', 's');
UPDATE twice SET s = 'b';
COMMIT;
SELECT seq, from_state, to_state FROM twice_s_history;

DROP SCHEMA t_savepoints CASCADE;
