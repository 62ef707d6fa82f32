-- Keys of every type that is promised, and of some that people use all the same.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_key_types CASCADE;
CREATE SCHEMA t_key_types;
SET search_path = t_key_types;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try
\pset format unaligned
\pset tuples_only on
\pset null (null)
CREATE FUNCTION life(key_type text, first text, second text) RETURNS TABLE (step text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TABLE k (key %s PRIMARY KEY, s text NOT NULL, a_at timestamptz)', key_type);
	PERFORM leadcrm.track('k', 's');
	EXECUTE format('INSERT INTO k (key, s) VALUES (%L, ''a''), (%L, ''a'')', first, second);
	EXECUTE format('INSERT INTO k (key, s, a_at) VALUES (%L, ''x'', ''2020-01-01'') ON CONFLICT (key) DO UPDATE SET s = ''b''', first);
	EXECUTE format('UPDATE k SET s = ''c'', key = %L WHERE key = %L', second, second);
	step := try(format('UPDATE k SET key = %L WHERE key = %L', first, second));
	RETURN NEXT;
	PERFORM leadcrm.correct('k', 's', first, 'wrong');
	EXECUTE format('DELETE FROM k WHERE key = %L', first);
	EXECUTE format('INSERT INTO k (key, s, a_at) VALUES (%L, ''a'', ''2020-01-01'')', first);
	RETURN QUERY EXECUTE 'SELECT concat_ws(''|'', key, s, s_seq) FROM k ORDER BY key';
	RETURN QUERY EXECUTE 'SELECT concat_ws(''|'', key, seq, from_state, to_state, origin, corrects) FROM k_s_history ORDER BY key, seq';
	RETURN QUERY EXECUTE 'SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = ''k_s_history''::regclass AND attnum = 1';
	DROP TABLE k, k_s_history, k_s_transition;
END
$$;
SELECT * FROM life('integer', '2147483647', '-1');
SELECT * FROM life('bigint', '9223372036854775807', '-9223372036854775808');
SELECT * FROM life('uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11');
SELECT * FROM life('text', 'Ж''"\ ', 'b');
SELECT * FROM life('varchar(40)', 'a', 'b');
SELECT * FROM life('smallint', '7', '8');
SELECT * FROM life('numeric(20,2)', '1.50', '-2.25');
SELECT * FROM life('date', '2020-01-01', '2020-01-02');
CREATE DOMAIN code AS text CHECK (VALUE <> '');
SELECT * FROM life('code', 'x', 'y');
-- an identity
CREATE TABLE ident (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, s text NOT NULL);
SELECT leadcrm.track('ident', 's');
INSERT INTO ident (s) VALUES ('a'), ('b') RETURNING id, s_seq;
SELECT id, seq, to_state FROM ident_s_history ORDER BY id;

-- a key may get long, also in the index of the history
CREATE TABLE long (id text PRIMARY KEY, s text NOT NULL);
SELECT leadcrm.track('long', 's');
INSERT INTO long VALUES (repeat('0123456789abcdef', 80), 'a');
UPDATE long SET s = 'b';
SELECT left(id, 4), length(id), seq, to_state FROM long_s_history ORDER BY seq;

-- keys that differ only in ways that their collation does not see, or that it does
CREATE TABLE c (id text COLLATE "C" PRIMARY KEY, s text NOT NULL);
SELECT leadcrm.track('c', 's');
INSERT INTO c VALUES ('a', 'x'), ('A', 'y'), ('a ', 'z'), ('', 'empty');
UPDATE c SET s = s || '2';
SELECT id, seq, to_state FROM c_s_history ORDER BY id, seq;
SELECT c.collname FROM pg_attribute a JOIN pg_collation c ON c.oid = a.attcollation WHERE a.attrelid = 'c_s_history'::regclass AND a.attname = 'id';

DROP SCHEMA t_key_types CASCADE;
