-- What track() makes of a table, and what it leaves alone.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_track_makes CASCADE;
CREATE SCHEMA t_track_makes;
SET search_path = t_track_makes;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try
\pset format unaligned
\pset tuples_only on
\pset null (null)
CREATE TYPE stage AS ENUM ('new', 'talk', 'won');
CREATE TABLE lead (id bigint PRIMARY KEY, stage stage NOT NULL DEFAULT 'new', stage_reason text, talk_at timestamptz, kept text DEFAULT 'k');
COMMENT ON COLUMN lead.stage_reason IS 'my own words';
INSERT INTO lead (id, stage, stage_reason) VALUES (1, 'talk', 'before');
CREATE TABLE before AS SELECT relfilenode, lead.xmin::text AS row_version FROM pg_class, lead WHERE pg_class.oid = 'lead'::regclass;
SELECT leadcrm.track('lead', 'stage');
-- nothing was rewritten
SELECT relfilenode = (SELECT relfilenode FROM before) AS same_file, lead.xmin::text = (SELECT row_version FROM before) AS same_row FROM pg_class, lead WHERE pg_class.oid = 'lead'::regclass;
-- the companions that were missing, without defaults
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid) AS "default", col_description(a.attrelid, a.attnum)
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = 'lead'::regclass AND a.attnum > 0 ORDER BY a.attnum;
-- rows that were there have no history and count from 0; their first change is the first
SELECT id, stage, stage_since, stage_reason, stage_seq FROM lead;
SELECT count(*) FROM lead_stage_history;
UPDATE lead SET stage = 'won';
SELECT id, stage, stage_reason, stage_seq, talk_at FROM lead;
SELECT id, seq, from_state, to_state, since, origin FROM lead_stage_history;
-- the rules
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, col_description(a.attrelid, a.attnum) IS NOT NULL AS commented
FROM pg_attribute a WHERE a.attrelid = 'lead_stage_transition'::regclass AND a.attnum > 0 ORDER BY a.attnum;
SELECT contype, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'lead_stage_transition'::regclass AND contype <> 'n' ORDER BY 1;
SELECT i.indnullsnotdistinct FROM pg_index i WHERE i.indrelid = 'lead_stage_transition'::regclass AND NOT i.indisprimary;
-- the history
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, col_description(a.attrelid, a.attnum) IS NOT NULL AS commented
FROM pg_attribute a WHERE a.attrelid = 'lead_stage_history'::regclass AND a.attnum > 0 ORDER BY a.attnum;
SELECT contype, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'lead_stage_history'::regclass AND contype <> 'n' ORDER BY 1;
SELECT relname, obj_description(oid, 'pg_class') IS NOT NULL AS commented FROM pg_class WHERE oid IN ('lead_stage_history'::regclass, 'lead_stage_transition'::regclass) ORDER BY 1;
-- the triggers
SELECT tgrelid::regclass::text, tgname, tgenabled, tgtype & 2 > 0 AS before, tgtype & 1 > 0 AS row, tgisinternal
FROM pg_trigger WHERE tgrelid IN ('lead'::regclass, 'lead_stage_history'::regclass, 'lead_stage_transition'::regclass) ORDER BY 1, 2;
SELECT target, schema_name, table_name, state_column, key_column, transitions, history, guard, record_update, record_insert_delete, refuse_truncate, protect_history,
	transitions_watch, never_filled, arguments FROM leadcrm.tracked WHERE schema_name = 't_track_makes';
-- they depend on the extension, and it on nothing of theirs
SELECT DISTINCT d.deptype FROM pg_depend d WHERE d.classid = 'pg_trigger'::regclass AND d.refclassid = 'pg_proc'::regclass
	AND d.objid IN (SELECT oid FROM pg_trigger WHERE tgrelid = 'lead'::regclass) AND d.refobjid = 'leadcrm.guard()'::regprocedure;
SELECT count(*) FROM pg_depend d WHERE d.deptype = 'x' AND d.classid = 'pg_trigger'::regclass AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'leadcrm');
SELECT try($$DROP EXTENSION leadcrm$$);
SELECT try($$DROP FUNCTION leadcrm.guard()$$);
-- no tables of its own
SELECT relname, relkind FROM pg_class WHERE relnamespace = 'leadcrm'::regnamespace AND relkind NOT IN ('v', 'c', 'i') ORDER BY 1;
-- a stamp that comes later than track()
ALTER TABLE lead ADD COLUMN won_at timestamptz, ADD COLUMN stage_peak stage;
UPDATE lead SET stage = 'talk';
UPDATE lead SET stage = 'won';
SELECT stage_peak, won_at = stage_since FROM lead;
-- texts that may become anything have no list
CREATE TABLE t (id integer PRIMARY KEY, s text NOT NULL);
SELECT leadcrm.track('t', 's');
SELECT * FROM leadcrm.next_states('t', 's', NULL);
INSERT INTO t_s_transition (from_state, to_state, needs_reason) VALUES (NULL, 'b', false), (NULL, 'a', true), ('a', 'b', false);
SELECT * FROM leadcrm.next_states('t', 's', NULL);
SELECT * FROM leadcrm.next_states('t', 's', 'a');
SELECT * FROM leadcrm.next_states('t', 's', 'no such state');
-- a key of another name, an empty table, a table without other columns, one in a schema of capitals
CREATE SCHEMA "T_other";
CREATE TABLE "T_other"."L" ("K" uuid PRIMARY KEY DEFAULT gen_random_uuid(), "S" varchar NOT NULL);
SELECT leadcrm.track('"T_other"."L"', 'S', 'K');
INSERT INTO "T_other"."L" ("S") VALUES ('a');
SELECT count(*) FROM "T_other"."L" JOIN "T_other"."L_S_history" USING ("K");
DROP SCHEMA "T_other" CASCADE;

DROP SCHEMA t_track_makes CASCADE;
