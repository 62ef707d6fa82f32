-- A row without a key has no history: NULL in it is refused, also where somebody took the constraints away.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_null_keys CASCADE;
CREATE SCHEMA t_null_keys;
SET search_path = t_null_keys;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try
\pset format unaligned
\pset tuples_only on
\pset null (null)
CREATE TABLE lax (id text PRIMARY KEY, s text NOT NULL);
SELECT leadcrm.track('lax', 's');
-- constraints that somebody takes away afterwards
ALTER TABLE lax DROP CONSTRAINT lax_pkey;
ALTER TABLE lax ALTER COLUMN id DROP NOT NULL;
SELECT try($$INSERT INTO lax (s) VALUES ('a')$$);
SELECT try($$INSERT INTO lax (s, s_since, s_seq) VALUES ('a', '2020-01-01', 1)$$);
INSERT INTO lax VALUES ('x', 'a');
SELECT try($$UPDATE lax SET id = NULL$$);
SELECT try($$UPDATE lax SET id = NULL, s = 'b'$$);
SELECT id, s FROM lax;
-- a second row of one key does not pass for a new life of it
SELECT try($$INSERT INTO lax VALUES ('x', 'b')$$);
SELECT id, s FROM lax;

-- the same on partitions
CREATE TABLE p (id uuid NOT NULL, s text NOT NULL, k integer) PARTITION BY LIST (k);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);
SELECT leadcrm.track('p', 's', 'id');
ALTER TABLE p ALTER COLUMN id DROP NOT NULL;
SELECT try($$INSERT INTO p (s, k) VALUES ('a', 1)$$);
SELECT try($$INSERT INTO p (s, k, s_since, s_seq) VALUES ('a', 1, '2020-01-01', 1)$$);
INSERT INTO p VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'a', 1);
SELECT try($$UPDATE p SET id = NULL, k = 2$$);
SET leadcrm.enforcement = off;
INSERT INTO p (s, k) VALUES ('a', 1);
RESET leadcrm.enforcement;
SELECT try($$UPDATE p SET s = 'b' WHERE id IS NULL$$);
SELECT try($$UPDATE p SET k = 2 WHERE id IS NULL$$);
SELECT try($$DELETE FROM p WHERE id IS NULL$$);
SELECT try($$UPDATE p SET id = 'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' WHERE id IS NULL$$);

DROP SCHEMA t_null_keys CASCADE;
