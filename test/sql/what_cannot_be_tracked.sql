-- What cannot be tracked is refused, says why, and nothing of it stays.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_what_cannot_be_tracked CASCADE;
CREATE SCHEMA t_what_cannot_be_tracked;
SET search_path = t_what_cannot_be_tracked;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try
\pset format unaligned
\pset tuples_only on
\pset null (null)
CREATE TABLE good (id integer PRIMARY KEY, s text NOT NULL);
CREATE VIEW v AS SELECT * FROM good;
SELECT try($$SELECT leadcrm.track('v', 's')$$, true);
CREATE MATERIALIZED VIEW m AS SELECT * FROM good;
SELECT try($$SELECT leadcrm.track('m', 's')$$, true);
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing;
CREATE FOREIGN TABLE f (id integer NOT NULL, s text NOT NULL) SERVER nowhere;
SELECT try($$SELECT leadcrm.track('f', 's')$$, true);
DROP FOREIGN DATA WRAPPER nothing CASCADE;
CREATE SEQUENCE sq;
SELECT try($$SELECT leadcrm.track('sq', 's')$$, true);
SELECT try($$SELECT leadcrm.track('good_pkey', 's')$$);
CREATE TYPE ct AS (id integer, s text);
SELECT try($$SELECT leadcrm.track('ct', 's')$$);
CREATE TEMP TABLE tt (id integer PRIMARY KEY, s text NOT NULL);
SELECT try($$SELECT leadcrm.track('tt', 's')$$, true);
DROP TABLE tt;
CREATE TABLE parent (id integer PRIMARY KEY, s text NOT NULL);
CREATE TABLE child () INHERITS (parent);
SELECT try($$SELECT leadcrm.track('parent', 's')$$, true);
CREATE TABLE whole (id integer, s text NOT NULL, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF whole FOR VALUES FROM (0) TO (9);
SELECT try($$SELECT leadcrm.track('part', 's')$$, true);
SELECT try($$SELECT leadcrm.track('pg_catalog.pg_class', 'relname')$$, true);
SELECT try($$SELECT leadcrm.track('information_schema.sql_features', 'feature_id')$$);
SELECT try($$SELECT leadcrm.track('nothing', 's')$$);
SELECT try($$SELECT leadcrm.track(0::oid::regclass, 's')$$);
SELECT try($$SELECT leadcrm.track(999999::oid::regclass, 's')$$);
SELECT try($$SELECT leadcrm.track(NULL, 's')$$, true);
SELECT try($$SELECT leadcrm.track('good', NULL)$$, true);
-- keys
CREATE TABLE nokey (id integer NOT NULL, s text NOT NULL);
SELECT try($$SELECT leadcrm.track('nokey', 's')$$, true);
CREATE TABLE onlyunique (id integer NOT NULL UNIQUE, s text NOT NULL);
SELECT try($$SELECT leadcrm.track('onlyunique', 's')$$);
SELECT try($$SELECT leadcrm.track('onlyunique', 's', 'id')$$);
CREATE TABLE twokeys (a integer, b integer, s text NOT NULL, PRIMARY KEY (a, b));
SELECT try($$SELECT leadcrm.track('twokeys', 's')$$, true);
SELECT try($$SELECT leadcrm.track('twokeys', 's', 'a')$$);
SELECT try($$SELECT leadcrm.track('good', 's', 's')$$, true);
SELECT try($$SELECT leadcrm.track('good', 's', 'nothing')$$);
CREATE TABLE samekey (s text PRIMARY KEY);
SELECT try($$SELECT leadcrm.track('samekey', 's')$$);
-- columns
SELECT try($$SELECT leadcrm.track('good', 'nothing')$$, true);
SELECT try($$SELECT leadcrm.track('good', 'S')$$);
SELECT try($$SELECT leadcrm.track('good', 'xmin')$$);
SELECT try($$SELECT leadcrm.track('good', 'id')$$, true);
CREATE TYPE pair AS (a integer, b integer);
CREATE DOMAIN word AS text;
CREATE TABLE bad (id integer PRIMARY KEY, n numeric NOT NULL, b boolean NOT NULL, j jsonb NOT NULL, c character(3) NOT NULL, a text[] NOT NULL, p pair NOT NULL,
	w word NOT NULL, nullable text, g text NOT NULL GENERATED ALWAYS AS ('x') STORED, na name NOT NULL, "c1" "char" NOT NULL, gone text NOT NULL);
ALTER TABLE bad DROP COLUMN gone;
SELECT c, try(format('SELECT leadcrm.track(%L, %L)', 'bad', c)) FROM unnest('{n,b,j,c,a,p,w,nullable,g,na,c1,gone,........pg.dropped.13........}'::text[]) c;
SELECT try($$SELECT leadcrm.track('bad', 'nullable')$$, true);
SELECT try($$SELECT leadcrm.track('bad', 'g')$$, true);
-- companions that are there already but are something else
CREATE TABLE comp (id integer PRIMARY KEY, s text NOT NULL, s_since date, t text NOT NULL, t_reason integer, u text NOT NULL, u_seq bigint,
	v text NOT NULL, v_seq integer DEFAULT 5, w text NOT NULL, w_since timestamptz GENERATED ALWAYS AS ('2020-01-01 UTC') STORED);
SELECT c, try(format('SELECT leadcrm.track(%L, %L)', 'comp', c)) FROM unnest('{s,t,u,v,w}'::text[]) c;
CREATE TYPE e AS ENUM ('a', 'b');
CREATE TABLE stamps (id integer PRIMARY KEY, s e NOT NULL, s_peak text);
SELECT try($$SELECT leadcrm.track('stamps', 's')$$);
-- nothing of the refused ones is left
SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 't_what_cannot_be_tracked'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND a.attname ~ '_(since|reason|seq)$' ORDER BY 1, 2;
SELECT relname FROM pg_class WHERE relnamespace = 't_what_cannot_be_tracked'::regnamespace AND relname ~ '_(history|transition)$' ORDER BY 1;
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgname ~ 'leadcrm' AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 't_what_cannot_be_tracked'::regnamespace) ORDER BY 1, 2;

-- a column that would be a stamp but for its type is left alone
CREATE TABLE dated (id integer PRIMARY KEY, s e NOT NULL, a_at date);
SELECT leadcrm.track('dated', 's');
INSERT INTO dated VALUES (1, 'b');
UPDATE dated SET s = 'a', a_at = '2020-01-01';
SELECT s, a_at FROM dated;

-- twice; a history; names in the way
SELECT leadcrm.track('good', 's');
SELECT try($$SELECT leadcrm.track('good', 's')$$, true);
SELECT try($$SELECT leadcrm.track('good_s_history', 'to_state')$$, true);
CREATE TABLE way (id integer PRIMARY KEY, s text NOT NULL);
CREATE TABLE way_s_history (id integer);
SELECT try($$SELECT leadcrm.track('way', 's')$$);
SELECT try($$SELECT leadcrm.track('way', 's', history => 'way_s_history')$$, true);
SELECT try($$SELECT leadcrm.track('way', 's', history => 'good')$$);
SELECT try($$SELECT leadcrm.track('way', 's', history => 'way')$$);
SELECT try($$SELECT leadcrm.track('way', 's', history => 'v')$$, true);
SELECT try($$SELECT leadcrm.track('way', 's', transitions => 'way')$$);
SELECT try($$SELECT leadcrm.track('way', 's', transitions => 'v')$$);
SELECT try($$SELECT leadcrm.track('way', 's', transitions => 'good_s_history', history => 'good_s_history')$$);
-- a history that is another's already, or that does not last
SELECT try($$SELECT leadcrm.track('way', 's', history => 'good_s_history')$$);
CREATE TEMP TABLE th (LIKE good_s_history INCLUDING ALL);
SELECT try($$SELECT leadcrm.track('way', 's', history => 'th')$$);
CREATE TEMP TABLE tr (LIKE good_s_transition INCLUDING ALL);
SELECT try($$SELECT leadcrm.track('way', 's', transitions => 'tr')$$);
DROP TABLE th, tr;
CREATE UNLOGGED TABLE uh (LIKE good_s_history INCLUDING ALL);
SELECT try($$SELECT leadcrm.track('way', 's', history => 'uh')$$);
SELECT count(*) FROM leadcrm.tracked WHERE table_name = 'way';

DROP SCHEMA t_what_cannot_be_tracked CASCADE;
