-- Names with quotes, spaces, capitals and other scripts, up to what PostgreSQL can hold, and not a byte more.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_odd_names CASCADE;
CREATE SCHEMA t_odd_names;
SET search_path = t_odd_names;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try
\pset format unaligned
\pset tuples_only on
\pset null (null)
CREATE SCHEMA "Odd ""schema"" $1";
SET search_path = "Odd ""schema"" $1", t_odd_names;
CREATE TYPE "Этап.State" AS ENUM ('New', 'it''s', 'with "quotes"', 'a.b');
CREATE TABLE "Leads; DROP" (
	"Ключ, ""key""" text PRIMARY KEY, "it's State" "Этап.State" NOT NULL, "it's State_peak" "Этап.State",
	"New_at" timestamptz, "it's_at" timestamptz, "with ""quotes""_at" timestamptz, "a.b_at" timestamptz
);
SELECT leadcrm.track('"Leads; DROP"', 'it''s State');
SELECT state_column, key_column, transitions, history, guard, record_update, record_insert_delete, refuse_truncate, protect_history, transitions_watch,
	never_filled FROM leadcrm.tracked WHERE table_name = 'Leads; DROP';
INSERT INTO "Leads; DROP_it's State_transition" (from_state, to_state) VALUES (NULL, 'New'), ('New', 'it''s'), ('it''s', 'with "quotes"'), ('it''s', 'a.b');
INSERT INTO "Leads; DROP" VALUES ('k "1" \ %s', 'New');
UPDATE "Leads; DROP" SET "it's State" = 'it''s';
SELECT try($$UPDATE "Leads; DROP" SET "it's State" = 'New'$$, true);
SELECT try($$UPDATE "Leads; DROP" SET "it's_at" = NULL$$, true);
UPDATE "Leads; DROP" SET "it's State" = 'a.b';
SELECT leadcrm.correct('"Leads; DROP"', 'it''s State', 'k "1" \ %s', 'wrong');
SELECT "Ключ, ""key""", "it's State", "it's State_peak", "a.b_at" FROM "Leads; DROP";
SELECT "Ключ, ""key""", seq, from_state, to_state, origin FROM "Leads; DROP_it's State_history" ORDER BY seq;
SELECT * FROM leadcrm.next_states('"Leads; DROP"', 'it''s State', 'it''s');
SELECT conname FROM pg_constraint WHERE conrelid = '"Leads; DROP_it''s State_history"'::regclass AND contype = 'p';

-- rules and history of that name elsewhere
CREATE SCHEMA "else.where";
CREATE TABLE "else.where"."r.ules" (rule_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, from_state text, to_state text NOT NULL, needs_reason boolean NOT NULL DEFAULT false,
	UNIQUE NULLS NOT DISTINCT (from_state, to_state));
CREATE TABLE "else.where"."h""istory" ("KEY" integer, seq integer, from_state text, to_state text, since timestamptz, changed_at timestamptz, reason text,
	actor text, session_role text, role text, origin text, forced boolean, corrects integer, recorded_at timestamptz, PRIMARY KEY ("KEY", seq));
CREATE TABLE "T" ("KEY" integer PRIMARY KEY, "S" text NOT NULL);
SELECT leadcrm.track('"T"', 'S', 'KEY', '"else.where"."r.ules"', '"else.where"."h""istory"');
SELECT try($$INSERT INTO "T" VALUES (1, 'a')$$, true);
INSERT INTO "else.where"."r.ules" (from_state, to_state) VALUES (NULL, 'a');
INSERT INTO "T" VALUES (1, 'a');
SELECT "KEY", seq, to_state FROM "else.where"."h""istory";
SELECT leadcrm.untrack('"T"', 'S');
INSERT INTO "T" VALUES (2, 'b');

-- names that others would take for something else
CREATE TABLE "select" ("user" integer PRIMARY KEY, "order" text NOT NULL);
SELECT leadcrm.track('"select"', 'order');
INSERT INTO "select" VALUES (1, 'a');
SELECT "user", to_state FROM select_order_history;
CREATE TABLE "public.lead" (id integer PRIMARY KEY, "null" text NOT NULL);
SELECT leadcrm.track('"public.lead"', 'null');
INSERT INTO "public.lead" VALUES (1, 'a');
SELECT id, to_state FROM "public.lead_null_history";
-- a key that is called like a column of the history; a state that is called like another's companion
CREATE TABLE k (seq integer PRIMARY KEY, s text NOT NULL);
SELECT try($$SELECT leadcrm.track('k', 's')$$, true);
CREATE TABLE two (id integer PRIMARY KEY, a text NOT NULL, a_reason text NOT NULL DEFAULT '');
SELECT leadcrm.track('two', 'a_reason');
SELECT leadcrm.track('two', 'a');
INSERT INTO two (id, a, a_reason) VALUES (1, 'x', 'y');
UPDATE two SET a = 'x2', a_reason = 'y2';
SELECT a, a_reason, a_reason_seq, a_seq FROM two;

-- 63 bytes and no more, of one byte or of several
CREATE TABLE n (id integer PRIMARY KEY);
ALTER TABLE n ADD abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrst text NOT NULL, ADD abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstu text NOT NULL,
	ADD "ыыыыыыыыыыыыыыыыыыыыыыы" text NOT NULL, ADD "ыыыыыыыыыыыыыыыыыыыыыыыы" text NOT NULL;
SELECT attname, octet_length(attname), try(format('SELECT leadcrm.track(%L, %L)', 'n', attname))
FROM pg_attribute WHERE attrelid = 'n'::regclass AND attnum > 1 AND atttypid = 'text'::regtype AND attname !~ '_(since|reason|seq)$' ORDER BY attnum;
-- nothing of the refused ones is left behind
SELECT attname, atttypid::regtype FROM pg_attribute WHERE attrelid = 'n'::regclass AND attnum > 5 ORDER BY attnum;
CREATE TABLE tttttttttttttttttttttttttttttttttttttttttttttttttt (id integer PRIMARY KEY, s text NOT NULL, st text NOT NULL, sta text NOT NULL);
SELECT c, try(format('SELECT leadcrm.track(%L, %L)', 'tttttttttttttttttttttttttttttttttttttttttttttttttt', c)) FROM unnest('{s,st,sta}'::text[]) c;
SELECT relname, octet_length(relname) FROM pg_class WHERE relnamespace = '"Odd ""schema"" $1"'::regnamespace AND relname ~ '^ttt' AND relkind = 'r' ORDER BY 1;
INSERT INTO tttttttttttttttttttttttttttttttttttttttttttttttttt VALUES (1, 'a', 'a', 'a');
-- a label so long that its stamp column cannot be
CREATE TYPE lng AS ENUM ('abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz_abcdefghi');
CREATE TABLE l (id integer PRIMARY KEY, s lng NOT NULL, "abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz_abcdef_at" timestamptz);
SELECT leadcrm.track('l', 's');
INSERT INTO l VALUES (1, 'abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz_abcdefghi');
SELECT to_state FROM l_s_history;
-- a temporary or system table of the same name in the way
CREATE TEMP TABLE lead (id integer PRIMARY KEY, s text NOT NULL);
CREATE TABLE "Odd ""schema"" $1".lead (id integer PRIMARY KEY, s text NOT NULL);
CREATE TEMP TABLE lead_s_history (id integer);
CREATE TEMP TABLE lead_s_transition (id integer);
SELECT leadcrm.track('"Odd ""schema"" $1".lead', 's');
INSERT INTO "Odd ""schema"" $1".lead VALUES (1, 'a');
SELECT count(*) FROM "Odd ""schema"" $1".lead_s_history;
SELECT count(*) FROM lead_s_history;
DROP TABLE pg_temp.lead, pg_temp.lead_s_history, pg_temp.lead_s_transition;
DROP SCHEMA "Odd ""schema"" $1", "else.where" CASCADE;

DROP SCHEMA t_odd_names CASCADE;
