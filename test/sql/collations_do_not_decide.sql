-- States and keys are compared to the byte, whatever their collation calls equal. Needs ICU.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_collations_do_not_decide CASCADE;
CREATE SCHEMA t_collations_do_not_decide;
SET search_path = t_collations_do_not_decide;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try
\pset format unaligned
\pset tuples_only on
\pset null (null)
SELECT NOT EXISTS (SELECT FROM pg_collation WHERE collname = 'und-x-icu') AS no_icu \gset
\if :no_icu
DROP SCHEMA t_collations_do_not_decide CASCADE;
\quit
\endif
CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
CREATE TABLE lead (id integer PRIMARY KEY, s text COLLATE blind NOT NULL, new_at timestamptz, "NEW_at" timestamptz);
SELECT leadcrm.track('lead', 's');
SELECT attname, c.collname FROM pg_attribute a JOIN pg_collation c ON c.oid = a.attcollation
WHERE a.attrelid IN ('lead_s_history'::regclass, 'lead_s_transition'::regclass) AND attname ~ '_state$' ORDER BY a.attrelid, attnum;
INSERT INTO lead (id, s) VALUES (1, 'new');
-- equal to the collation, but a change
SELECT count(*) FROM lead WHERE s = 'NEW';
UPDATE lead SET s = 'NEW' WHERE id = 1;
UPDATE lead SET s = 'néw' WHERE id = 1;
SELECT s, s_seq, new_at < "NEW_at" FROM lead;
SELECT seq, from_state, to_state FROM lead_s_history ORDER BY seq;
-- rules too
INSERT INTO lead_s_transition (from_state, to_state) VALUES (NULL, 'new'), ('new', 'NEW'), ('NEW', 'Talk');
INSERT INTO lead (id, s) VALUES (2, 'new');
SELECT try($$INSERT INTO lead (id, s) VALUES (3, 'New')$$);
SELECT try($$UPDATE lead SET s = 'Talk' WHERE id = 2$$);
SELECT try($$UPDATE lead SET s = 'NEW' WHERE id = 2$$);
SELECT try($$UPDATE lead SET s = 'talk' WHERE id = 2$$, true);
SELECT try($$UPDATE lead SET s = 'Talk' WHERE id = 2$$);
-- only the case, with a companion
SELECT try($$UPDATE lead SET s = 'TALK', s_seq = 99 WHERE id = 2$$);
-- corrections go back to the byte
SELECT leadcrm.correct('lead', 's', '2', 'x');
SELECT leadcrm.correct('lead', 's', '2', 'x');
SELECT s, s_seq FROM lead WHERE id = 2;
SELECT seq, from_state, to_state, origin FROM lead_s_history WHERE id = 2 ORDER BY seq;
SELECT problem, detail FROM leadcrm.verify('lead');
SET leadcrm.enforcement = off;
UPDATE lead SET s = 'NEW' WHERE id = 2;
RESET leadcrm.enforcement;
SELECT key, problem FROM leadcrm.verify('lead');
SELECT key, problem, done FROM leadcrm.repair('lead', false);
SELECT key, problem FROM leadcrm.verify('lead');

-- where the guard is off, the recorder still sees the difference
ALTER TABLE lead DISABLE TRIGGER "~leadcrm_guard_s";
SELECT try($$UPDATE lead SET s = 'New' WHERE id = 2$$);
ALTER TABLE lead ENABLE TRIGGER "~leadcrm_guard_s";

-- keys: the primary key sees what the collation sees, and so does the history
CREATE TABLE k (id text COLLATE blind PRIMARY KEY, s text NOT NULL);
SELECT leadcrm.track('k', 's');
INSERT INTO k VALUES ('anna', 'a'), ('Bob', 'a');
SELECT try($$INSERT INTO k VALUES ('ANNA', 'a')$$);
INSERT INTO k VALUES ('BOB', 'x') ON CONFLICT (id) DO UPDATE SET s = 'b';
SELECT try($$UPDATE k SET id = 'ANNA' WHERE id = 'anna'$$);
SELECT try($$UPDATE k SET s = 'b' WHERE id = 'ANNA'$$);
SELECT leadcrm.correct('k', 's', 'ANNA', 'x');
DELETE FROM k WHERE id = 'ANNA';
INSERT INTO k VALUES ('Anna', 'c');
SELECT id, s, s_seq FROM k ORDER BY id;
SELECT id, seq, from_state, to_state, origin FROM k_s_history ORDER BY id, seq;
SELECT key, problem, detail FROM leadcrm.verify('k');

DROP SCHEMA t_collations_do_not_decide CASCADE;
