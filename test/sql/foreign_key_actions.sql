-- What a foreign key does to a tracked row is checked and recorded like everything else.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_foreign_key_actions CASCADE;
CREATE SCHEMA t_foreign_key_actions;
SET search_path = t_foreign_key_actions;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try
\pset format unaligned
\pset tuples_only on
\pset null (null)
CREATE TABLE state (code text PRIMARY KEY);
CREATE TABLE owner (code text PRIMARY KEY);
INSERT INTO state VALUES ('new'), ('talk'), ('none');
INSERT INTO owner VALUES ('anna'), ('(none)');
CREATE TABLE lead (id integer PRIMARY KEY, parent integer REFERENCES lead ON DELETE CASCADE,
	s text NOT NULL DEFAULT 'none' REFERENCES state ON UPDATE CASCADE ON DELETE SET DEFAULT,
	owner text NOT NULL DEFAULT '(none)' REFERENCES owner ON UPDATE CASCADE ON DELETE SET DEFAULT);
SELECT leadcrm.track('lead', 's');
SELECT leadcrm.track('lead', 'owner');
INSERT INTO lead_s_transition (from_state, to_state) VALUES (NULL, 'new'), ('new', 'talk');
CREATE VIEW history AS SELECT id, seq, from_state, to_state, origin FROM lead_s_history ORDER BY id, seq;
INSERT INTO lead (id, parent, s, owner) VALUES (1, NULL, 'new', 'anna'), (2, 1, 'new', 'anna'), (3, 2, 'new', '(none)');
-- ON UPDATE CASCADE of a state
SELECT try($$UPDATE state SET code = 'newer' WHERE code = 'new'$$, true);
SELECT code FROM state ORDER BY code;
INSERT INTO lead_s_transition (from_state, to_state) VALUES ('new', 'newer');
SELECT try($$UPDATE state SET code = 'newer' WHERE code = 'new'$$);
SELECT * FROM history;
-- ON DELETE SET DEFAULT
SELECT try($$DELETE FROM state WHERE code = 'newer'$$);
INSERT INTO lead_s_transition (from_state, to_state, needs_reason) VALUES ('newer', 'none', true);
SELECT try($$DELETE FROM state WHERE code = 'newer'$$);
UPDATE lead_s_transition SET needs_reason = false;
SELECT try($$DELETE FROM state WHERE code = 'newer'$$);
SELECT id, s, s_seq FROM lead ORDER BY id;
SELECT * FROM history WHERE to_state = 'none';
-- the other column, without rules
UPDATE owner SET code = 'Anna' WHERE code = 'anna';
DELETE FROM owner WHERE code = 'Anna';
SELECT id, seq, from_state, to_state FROM lead_owner_history WHERE seq > 1 ORDER BY id, seq;
-- ON DELETE CASCADE, through the table itself
DELETE FROM lead WHERE id = 1;
SELECT id, seq, from_state, origin FROM history WHERE to_state IS NULL;
SELECT count(*) FROM lead;
-- SET NULL of a state is refused by name
CREATE TABLE k (code text PRIMARY KEY);
INSERT INTO k VALUES ('a'), ('b');
CREATE TABLE n (id integer PRIMARY KEY, s text NOT NULL REFERENCES k ON DELETE SET NULL);
SELECT leadcrm.track('n', 's');
INSERT INTO n VALUES (1, 'a');
SELECT try($$DELETE FROM k WHERE code = 'a'$$);
-- and of a key
CREATE TABLE m (id integer PRIMARY KEY, s text NOT NULL);
CREATE TABLE p (id integer PRIMARY KEY);
INSERT INTO p VALUES (1);
ALTER TABLE m ADD FOREIGN KEY (id) REFERENCES p ON UPDATE CASCADE ON DELETE CASCADE;
SELECT leadcrm.track('m', 's');
INSERT INTO m VALUES (1, 'a');
SELECT try($$UPDATE p SET id = 2$$);
SELECT try($$DELETE FROM p$$);
SELECT id, seq, from_state, to_state, origin FROM m_s_history ORDER BY seq;

DROP SCHEMA t_foreign_key_actions CASCADE;
