-- An error in a late row of a load leaves no row and no history of it; a load that passes is complete.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_copy_leaves_nothing_behind CASCADE;
CREATE SCHEMA t_copy_leaves_nothing_behind;
SET search_path = t_copy_leaves_nothing_behind;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try
\pset format unaligned
\pset tuples_only on
\pset null (null)
CREATE TYPE stage AS ENUM ('new', 'talk', 'won');
CREATE TABLE lead (id integer PRIMARY KEY, stage stage NOT NULL, new_at timestamptz, talk_at timestamptz, won_at timestamptz);
SELECT leadcrm.track('lead', 'stage');
INSERT INTO lead_stage_transition (from_state, to_state) VALUES (NULL, 'new'), ('new', 'talk');
CREATE VIEW rows AS SELECT (SELECT count(*) FROM lead) AS leads, (SELECT count(*) FROM lead_stage_history) AS history;
-- what a program would send, through a server-side file
CREATE TABLE source (id integer, stage stage, new_at timestamptz, talk_at timestamptz);
INSERT INTO source SELECT g, 'new', NULL, NULL FROM generate_series(1, 20000) g;
INSERT INTO source VALUES (20001, 'won', NULL, NULL);
SELECT try($$INSERT INTO lead (id, stage) SELECT id, stage FROM source ORDER BY id$$);
TABLE rows;
DELETE FROM source WHERE id = 20001;
INSERT INTO source VALUES (20001, 'talk', '2020-01-01', 'infinity');
SELECT try($$INSERT INTO lead (id, stage, new_at, talk_at) SELECT * FROM source ORDER BY id$$);
TABLE rows;
DELETE FROM source WHERE id = 20001;
INSERT INTO source VALUES (1, 'new', NULL, NULL);
SELECT try($$INSERT INTO lead (id, stage) SELECT id, stage FROM source$$);
TABLE rows;
\set VERBOSITY sqlstate
COPY lead (id, stage, new_at, talk_at) FROM stdin;
1	new	\N	\N
2	talk	2020-01-01	2020-02-01
3	new	\N	\N
4	won	\N	\N
\.
COPY lead (id, stage, new_at, talk_at) FROM stdin;
1	new	\N	\N
2	talk	2020-01-01	2020-02-01
1	new	\N	\N
\.
COPY lead (id, stage, new_at, talk_at) FROM stdin;
1	new	\N	\N
2	talk	2020-01-01	2020-02-01
3	nonsense	\N	\N
\.
\set VERBOSITY default
TABLE rows;
-- what went before it in the transaction stays, by a savepoint
BEGIN;
INSERT INTO lead (id, stage) VALUES (0, 'new');
SAVEPOINT s;
\set VERBOSITY sqlstate
COPY lead (id, stage) FROM stdin;
1	new
2	won
\.
\set VERBOSITY default
ROLLBACK TO s;
UPDATE lead SET stage = 'talk' WHERE id = 0;
COMMIT;
SELECT id, seq, from_state, to_state, origin FROM lead_stage_history ORDER BY id, seq;
-- and now all of it
COPY lead (id, stage, new_at, talk_at) FROM stdin;
1	new	\N	\N
2	talk	2020-01-01	2020-02-01
3	new	2020-01-01	\N
\.
SELECT id, seq, from_state, to_state, origin FROM lead_stage_history WHERE id > 0 ORDER BY id, seq;
INSERT INTO lead (id, stage) SELECT id + 100, stage FROM source WHERE id > 1;
SELECT try($$UPDATE lead SET stage = CASE WHEN id = 20100 THEN 'won' ELSE 'talk' END::stage WHERE id > 100$$);
SELECT stage, count(*) FROM lead WHERE id > 100 GROUP BY 1;
SELECT count(*) FROM lead_stage_history WHERE id > 100;
UPDATE lead SET stage = 'talk' WHERE id > 100;
SELECT seq, to_state, count(*) FROM lead_stage_history WHERE id > 100 GROUP BY 1, 2 ORDER BY 1, 2;
-- the index agrees with the table
SET enable_seqscan = off;
SELECT count(*), sum(seq) FROM lead_stage_history WHERE id > 100;
SET enable_seqscan = on; SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_bitmapscan = off;
SELECT count(*), sum(seq) FROM lead_stage_history WHERE id > 100;
RESET enable_indexscan; RESET enable_indexonlyscan; RESET enable_bitmapscan; RESET enable_seqscan;

DROP SCHEMA t_copy_leaves_nothing_behind CASCADE;
