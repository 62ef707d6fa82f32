-- States are what they are to the byte; enums in their order, whatever is added to them.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_text_and_enum_states CASCADE;
CREATE SCHEMA t_text_and_enum_states;
SET search_path = t_text_and_enum_states;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try
\pset format unaligned
\pset tuples_only on
\pset null (null)
CREATE TABLE t (id integer PRIMARY KEY, s text NOT NULL, "неўс_at" timestamptz, "two words_at" timestamptz, a_at date, b_at timestamp);
SELECT leadcrm.track('t', 's');
-- open rules: anything goes
INSERT INTO t (id, s) VALUES (1, 'неўс'), (2, 'two words'), (3, ''), (4, 'a');
UPDATE t SET s = repeat('long ', 1000) WHERE id = 4;
UPDATE t SET s = 'შეხვედრა' WHERE id = 4;
UPDATE t SET s = 'شروع' WHERE id = 4;
SELECT id, s, s_seq, "неўс_at" = s_since, "two words_at" = s_since, a_at, b_at FROM t ORDER BY id;
-- case, accents and trailing spaces make another state
UPDATE t SET s = 'Two words' WHERE id = 2;
UPDATE t SET s = 'Two words ' WHERE id = 2;
SELECT seq, from_state || '|', to_state || '|' FROM t_s_history WHERE id = 2 ORDER BY seq;
SELECT seq, left(from_state, 8), left(to_state, 8), length(to_state) FROM t_s_history WHERE id = 4 ORDER BY seq;
-- with rules
INSERT INTO t_s_transition (from_state, to_state) VALUES (NULL, 'neu'), ('neu', 'Ende'), ('neu', 'ende ');
INSERT INTO t (id, s) VALUES (10, 'neu');
SELECT try($$UPDATE t SET s = 'ende' WHERE id = 10$$, true);
SELECT try($$UPDATE t SET s = 'Ende ' WHERE id = 10$$);
SELECT try($$UPDATE t SET s = 'Ende' WHERE id = 10$$);
SELECT try($$INSERT INTO t (id, s) VALUES (11, 'Neu')$$);
SELECT try($$INSERT INTO t (id, s) VALUES (11, '')$$);
-- a step to nowhere
SELECT try($$INSERT INTO t_s_transition (from_state, to_state) VALUES ('neu', NULL)$$);
SELECT try($$INSERT INTO t_s_transition (from_state, to_state) VALUES (NULL, 'neu')$$);
-- values that come compressed or from elsewhere are the same state
CREATE TABLE wide (id integer PRIMARY KEY, s text NOT NULL);
SELECT leadcrm.track('wide', 's');
ALTER TABLE wide ALTER COLUMN s SET STORAGE EXTERNAL;
INSERT INTO wide SELECT 1, string_agg(md5(g::text), '') FROM generate_series(1, 30000) g;
CREATE TABLE same (s text);
INSERT INTO same SELECT s FROM wide;
UPDATE wide SET s = (SELECT s FROM same);
SELECT s_seq, length(s) FROM wide;
UPDATE wide SET s = (SELECT s || '.' FROM same), s_reason = (SELECT s FROM same);
DELETE FROM wide;
SELECT seq, length(from_state), length(to_state), length(reason) FROM wide_s_history ORDER BY seq;

-- varchar with a length
CREATE TABLE v (id integer PRIMARY KEY, s varchar(5) NOT NULL);
SELECT leadcrm.track('v', 's');
INSERT INTO v VALUES (1, 'abc');
SELECT try($$UPDATE v SET s = 'abcdef'$$);
UPDATE v SET s = 'abcde';
SELECT seq, from_state, to_state FROM v_s_history ORDER BY seq;
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid IN ('v_s_history'::regclass, 'v_s_transition'::regclass)
AND attname IN ('from_state', 'to_state') ORDER BY attrelid, attnum;

-- enums: labels added before, between, after; renamed; a type of another schema with odd labels
CREATE SCHEMA "T Types";
CREATE TYPE "T Types"."Stage's" AS ENUM ('b', 'D d');
CREATE TABLE e (id integer PRIMARY KEY, "S" "T Types"."Stage's" NOT NULL, "S_peak" "T Types"."Stage's", b_at timestamptz, "D d_at" timestamptz,
	a_at timestamptz, c_at timestamptz);
SELECT leadcrm.track('e', 'S');
INSERT INTO "e_S_transition" (from_state, to_state) VALUES (NULL, 'b'), ('b', 'D d');
INSERT INTO e (id, "S") VALUES (1, 'b');
ALTER TYPE "T Types"."Stage's" ADD VALUE 'a' BEFORE 'b';
ALTER TYPE "T Types"."Stage's" ADD VALUE 'c' AFTER 'b';
SELECT try($$UPDATE e SET "S" = 'c'$$, true);
INSERT INTO "e_S_transition" (from_state, to_state) VALUES ('b', 'c'), ('c', 'a'), ('a', 'D d');
UPDATE e SET "S" = 'c';
UPDATE e SET "S" = 'a';
SELECT "S", "S_peak", "S_seq", a_at = "S_since", c_at < a_at FROM e;
UPDATE e SET "S" = 'D d';
SELECT "S", "S_peak", "D d_at" = "S_since" FROM e;
ALTER TYPE "T Types"."Stage's" RENAME VALUE 'D d' TO 'd';
ALTER TABLE e RENAME COLUMN "D d_at" TO d_at;
SELECT seq, from_state, to_state FROM "e_S_history" ORDER BY seq;
INSERT INTO "e_S_transition" (from_state, to_state) VALUES ('d', 'b');
UPDATE e SET "S" = 'b';
SELECT try($$UPDATE e SET "S" = 'a'$$, true);
SELECT "S", "S_peak", d_at IS NOT NULL FROM e;
SELECT * FROM leadcrm.next_states('e', 'S', 'b');
-- a state that has no stamp column; one whose column comes later
ALTER TABLE e DROP COLUMN c_at;
UPDATE e SET "S" = 'c';
UPDATE e SET "S" = 'a';
ALTER TABLE e ADD COLUMN c_at timestamptz;
INSERT INTO "e_S_transition" (from_state, to_state) VALUES ('a', 'c');
UPDATE e SET "S" = 'c';
SELECT c_at = "S_since" FROM e;
DROP TABLE e;
SET client_min_messages = error;
DROP SCHEMA "T Types" CASCADE;

DROP SCHEMA t_text_and_enum_states CASCADE;
