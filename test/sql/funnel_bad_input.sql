-- leadcrm.funnel and what it is made of: bad input gets a SQLSTATE and a message that names the value.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
RESET client_min_messages;
\pset format unaligned
\set SHOW_CONTEXT never
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE statement INTO result;
	RETURN 'accepted: ' || coalesce(left(result, 200), 'NULL');
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || SQLERRM;
END
$$;

-- text
SELECT text, try(format('SELECT %L::leadcrm.funnel', text)) FROM unnest(ARRAY[
	'', ' ', 'x', '{', '{}', 'null', '{"stages": 1}', '{"version": 2, "stages": 0}', '{"version": 1}', '{"version": 1, "stages": 0', '{"version": 1, "stages": 0}}',
	'{"version": 1, "stages": -1}', '{"version": 1, "stages": 65, "funnel": [1]}', '{"version": 1, "stages": 1}', '{"version": 1, "stages": 1, "funnel": []}',
	'{"version": 1, "stages": 2, "funnel": [2, 1]}', '{"version": 1, "stages": 2, "funnel": [1, 1]}', '{"version": 1, "stages": 2, "funnel": [3]}',
	'{"version": 1, "stages": 0, "funnel": [1]}', '{"version": 1, "stages": 1.0, "funnel": [1]}', '{"version": 1, "stages": 1, "funnel": [1], "at": []}',
	'{"version": 1, "stages": 2, "funnel": [2], "at": [{"stage": 1}]}', '{"version": 1, "stages": 2, "funnel": [1, 2], "at": [{"stage": 2}, {"stage": 1}]}',
	'{"version": 1, "stages": 1, "funnel": [1], "at": [{"stage": 1, "won": [1, 0, 0]}]}', '{"version": 1, "stages": 1, "funnel": [1], "at": [{"stage": 1, "active": [1, 0]}]}',
	'{"version": 1, "stages": 1, "funnel": [1], "at": [{"stage": 1, "active": [9223372036854775808, 0, 0]}]}',
	'{"version": 1, "stages": 1, "funnel": [1], "at": [{"stage": 1, "active": [-9223372036854775808, 0, 0]}]}',
	'{"version": 1, "stages": 1, "funnel": [1], "at": [{"stage": 1, "active": [1, 1, 1e5]}]}', '{"version": 1, "stages": 1, "funnel": [1], "at": [{"stage": 1, "active": [1, 1, NaN]}]}',
	'{"version": 1, "stages": 1, "funnel": [1], "at": [{"stage": 1, "active": [1, 1, 170141183460469231731687303715884105728]}]}',
	'{"version": 1, "stages": 1, "funnel": [1], "at": [{"stage": 1, "leaked": [1, 0, 0], "active": [1, 0, 0]}]}',
	'{"version": 1, "stages": 1, "funnel": [1], "at": [{"stage": 1, "buckets": [[1, 1]]}]}', '{"version": 1, "stages": 1, "funnel": [1], "at": [{"stage": 1, "microseconds": 1}]}',
	'{"version": 1, "stages": 2, "funnel": [1, 2], "at": [{"stage": 1, "buckets": [[1, 0]]}]}', '{"version": 1, "stages": 2, "funnel": [1, 2], "at": [{"stage": 1, "buckets": [[2, 1], [1, 1]]}]}',
	'{"version": 1, "stages": 2, "funnel": [1, 2], "at": [{"stage": 1, "buckets": [[3712, 1]]}]}', '{"version": 1, "stages": 2, "funnel": [1, 2], "at": [{"stage": 1, "buckets": [[-3713, 1]]}]}',
	'{"version": 1, "stages": 2, "funnel": [1, 2], "at": [{"stage": 1, "buckets": []}]}', '{"version": 1, "stages": 2, "funnel": [1, 2], "at": [{"stage": 1, "buckets": [[1, 1], [1, 1]]}]}',
	'{"version": 1, "stages": 2, "funnel": [1, 2]} ' || repeat('x', 1000)]) AS text;
-- blanks and zeros make no difference
SELECT text::leadcrm.funnel FROM unnest(ARRAY['{"version":1,"stages":0}', E' {\n"version" : 1 ,\t"stages":0 } ',
	'{"version":1,"stages":02,"funnel":[1,2],"at":[{"stage":1,"active":[-0,0,0.00],"skipped":0},{"stage":2,"leaked":[1,1,-1.50]}]}',
	'{"version":1,"stages":2,"funnel":[1,2],"at":[{"stage":1,"microseconds":-170141183460469231731687303715884105728,"buckets":[[-3712,-9223372036854775807],[3711,9223372036854775807]]}]}']) AS text;
SELECT try($$SELECT leadcrm.funnel_in(NULL)$$);

-- binary: what send writes comes back, and nothing else does
CREATE TABLE sent (f leadcrm.funnel);
INSERT INTO sent SELECT leadcrm.funnel_agg(ARRAY['2024-01-01'::timestamptz, '2024-01-02'::timestamptz + i * interval '1 h', NULL], 2, 'leaked', i + 0.25) FROM generate_series(1, 5) i;
INSERT INTO sent SELECT f OPERATOR(leadcrm.-) f FROM sent;
INSERT INTO sent VALUES ('{"version": 1, "stages": 0}');
CREATE TABLE received (LIKE sent);
SELECT leadcrm.funnel_send(f) AS bytes, pg_column_size(f) < 60 AS small FROM sent;
\copy sent TO 'results/funnel_binary.data' (FORMAT binary)
\copy received FROM 'results/funnel_binary.data' (FORMAT binary)
SELECT count(*) AS rows, count(*) FILTER (WHERE s.f OPERATOR(leadcrm.=) r.f) AS same FROM (SELECT f, row_number() OVER () AS i FROM sent) s JOIN (SELECT f, row_number() OVER () AS i FROM received) r USING (i);
-- nor these bytes:
\echo nothing
\copy received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\000\377\377"' (FORMAT binary)
\echo no stages said
\copy received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\001\001\377\377"' (FORMAT binary)
\echo another version
\copy received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\002\002\000\377\377"' (FORMAT binary)
\echo 65 stages
\copy received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\003\001\101\001\377\377"' (FORMAT binary)
\echo no stage measured
\copy received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\003\001\001\000\377\377"' (FORMAT binary)
\echo a stage too many
\copy received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\004\001\001\002\000\377\377"' (FORMAT binary)
\echo a number longer than it need be
\copy received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\003\001\200\000\377\377"' (FORMAT binary)
\echo cut short
\copy received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\005\001\002\003\001\002\377\377"' (FORMAT binary)
\echo more than there is
\copy received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\006\001\002\003\000\000\000\377\377"' (FORMAT binary)
\echo a count of zero where none should be
\copy received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\007\001\001\001\001\000\000\000\377\377"' (FORMAT binary)
\echo buckets that go down
\copy received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\012\001\002\003\200\002\004\002\000\002\000\377\377"' (FORMAT binary)
\echo durations after the last stage
\copy received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\007\001\001\001\200\001\004\002\377\377"' (FORMAT binary)
\echo four billion buckets
\copy received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\014\001\002\003\200\377\377\377\377\017\004\002\000\377\377"' (FORMAT binary)
\echo a value with a zero at the end
\copy received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\010\001\001\001\001\002\002\024\001\377\377"' (FORMAT binary)
SELECT count(*) AS rows FROM received;

-- arguments
SELECT statement, try('SELECT ' || statement) FROM unnest(ARRAY[
	$$leadcrm.funnel_agg('{2024-01-01}', 2, 'active', 1)$$, $$leadcrm.funnel_agg('{2024-01-01}', 0, 'active', 1)$$, $$leadcrm.funnel_agg('{2024-01-01}', -2147483648, 'active', 1)$$,
	$$leadcrm.funnel_agg('{2024-01-01}', 1, 'won', 1)$$, $$leadcrm.funnel_agg('{2024-01-01}', 1, '', 1)$$, $$leadcrm.funnel_agg('{2024-01-01}', 1, 'active', 'NaN')$$,
	$$leadcrm.funnel_agg('{2024-01-01}', 1, 'active', '-Infinity')$$, $$leadcrm.funnel_agg('{2024-01-01}', 1, 'active', 1e39)$$, $$leadcrm.funnel_agg('{2024-01-01}', 1, 'active', 1e-39)$$,
	$$leadcrm.funnel_agg('{2024-01-01}', 1, 'active', 170141183460469231731687303715884105727) FROM generate_series(1, 2)$$,
	$$leadcrm.funnel_agg('{infinity}', 1, 'active', 1)$$, $$leadcrm.funnel_agg('{2024-01-01,-infinity}')$$, $$leadcrm.funnel_agg('{}')$$, $$leadcrm.funnel_agg('{{2024-01-01},{2024-01-01}}')$$,
	$$leadcrm.funnel_agg(array_fill(now(), ARRAY[65]))$$, $$leadcrm.funnel_agg('{4713-01-01 BC,294276-12-31}')$$, $$leadcrm.funnel_agg(array_fill(now(), ARRAY[i])) FROM generate_series(1, 2) i$$,
	$$leadcrm.funnel_agg('{2024-01-01}', 1, 'active', 1, '{t,t}')$$, $$leadcrm.funnel_agg('{2024-01-01}', 1, 'active', 1, '{}')$$, $$leadcrm.funnel_agg('{2024-01-01}', 1, 'active', 1, '{NULL}')$$,
	$$leadcrm.funnel_agg('{2024-01-01}', 1, 'active', 1, '{f}')$$, $$leadcrm.funnel_agg('{2024-01-01}', 1, 'active', 1, '{t}', NULL)$$,
	$$leadcrm.funnel_agg('{2024-01-01,2024-01-01}', 1, 'active', 1, ARRAY[i = 1, true]) FROM generate_series(1, 2) i$$,
	$$leadcrm.funnel_agg('{2024-01-01}', 1, 'active', 1, '{t}', 9223372036854775807) FROM generate_series(1, 2)$$, $$leadcrm.funnel_agg('{2024-01-01}', 1, 'active', NULL, '{t}', -9223372036854775808)$$,
	$$leadcrm.rollup(f) FROM unnest(ARRAY['{"version": 1, "stages": 1, "funnel": [1]}', '{"version": 1, "stages": 2, "funnel": [1]}']::leadcrm.funnel[]) f$$,
	$$leadcrm.rollup(f) FROM (SELECT leadcrm.funnel_agg('{2024-01-01}', 1, 'active', 170141183460469231731687303715884105727) AS f FROM generate_series(1, 2) i GROUP BY i) x$$,
	$$leadcrm.entered(f, 0) FROM sent$$, $$leadcrm.entered(f, 4) FROM sent$$, $$leadcrm.entered('{"version": 1, "stages": 2, "funnel": [1]}', 2)$$, $$leadcrm.advanced(f, 9) FROM sent$$,
	$$leadcrm.quantile_days(f, 1, 1.5) FROM sent$$, $$leadcrm.quantile_days(f, 1, -0.1) FROM sent$$, $$leadcrm.quantile_days(f, 1, 'NaN') FROM sent$$, $$leadcrm.quantile_days(f, 64, 0.5) FROM sent$$,
	$$leadcrm.quantile_days(OPERATOR(leadcrm.-) f, 1, 0.5) FROM sent$$, $$leadcrm.mean_days(OPERATOR(leadcrm.-) f, 1) FROM sent$$, $$s FROM sent, leadcrm.stages(OPERATOR(leadcrm.-) f) s$$,
	$$leadcrm.timed(OPERATOR(leadcrm.-) f, 1) FROM sent$$]) AS statement;
-- whoever passes a state by hand; minor versions differ in the error
SELECT statement, try('SELECT ' || statement) ~ '^(0A000|42883): ' AS refused
FROM unnest(ARRAY[$$leadcrm.funnel_agg_add(NULL, '{2024-01-01}'::timestamptz[])$$, $$leadcrm.rollup_add(NULL, f) FROM sent$$]) AS statement;
DROP TABLE sent, received;
DROP FUNCTION try;
