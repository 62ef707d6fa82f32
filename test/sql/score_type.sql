-- leadcrm.lead_score: what can be made, read and written. No setting of the session changes any of it.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
RESET client_min_messages;
SET extra_float_digits = 0;
SET timezone = 'UTC';
SET search_path = public, leadcrm;


-- points halve every half-life, and double before
SELECT age, score_at(make_score(40, '2026-03-01', '30 days'), timestamptz '2026-03-01' + age) AS points
FROM (VALUES (interval '0'), ('30 days'), ('60 days'), ('300 days'), ('-30 days'), ('-60 days')) AS v(age);

-- any order, either sign; an event without points or time does not count
SELECT score_at(add_points(add_points(make_score(40, '2026-03-01', '30 days'), 10, '2026-01-30'), -5, '2026-03-31'), '2026-03-31') AS points;
SELECT add_points(s, NULL, now()) = s AS no_points, add_points(s, 1, NULL) = s AS no_time, add_points(NULL, 1, now()) IS NULL AS no_score,
	add_points(s, 0, now()) = s AS zero_points
FROM make_score(40, '2000-01-01', '30 days') AS s;

-- the cast is the points now, and is made only where it is asked for
SELECT s::float8 = score_at(s) AS now, score_at(s) = score_at(s, now()) AS by_default
FROM make_score(40, '2026-03-01', '30 days') AS s;
SELECT castcontext, castmethod FROM pg_cast WHERE castsource = 'leadcrm.lead_score'::regtype;

-- half-lives count as extract(epoch) does, and come back in days
SELECT h, half_life(make_score(1, '2000-01-01', h)),
	extract(epoch FROM half_life(make_score(1, '2000-01-01', h))) = extract(epoch FROM h) AS same
FROM (VALUES (interval '1 minute'), ('30 days'), ('1 month'), ('1 year'), ('1 year 1 month 1 day 00:00:01.000001'), ('10 years'), ('1 microsecond'),
	('1 month -29 days'), ('290000 years'), ('-1 month 31 days')) AS v(h);

-- text: exact, and the same under all settings
SET datestyle = 'German'; SET timezone = 'Asia/Kathmandu'; SET intervalstyle = 'sql_standard'; SET extra_float_digits = -15;
SELECT s::text FROM (VALUES (make_score(40, '2026-03-01 00:00+00', '30 days')), (make_score(-1, '2000-01-01 00:00+00', '1 minute')),
	(make_score(3, '1999-12-31 23:59+00', '1 minute')), (make_score(0, '2026-03-01 00:00+00', '0.5 seconds')),
	(make_score('-0', '2026-03-01 00:00+00', '1.000001 seconds'))) AS v(s);
RESET datestyle; SET timezone = 'UTC'; RESET intervalstyle; SET extra_float_digits = 0;
SELECT t, t::lead_score FROM (VALUES (' 0X1.40P0317/2592000.0s '), ('-0x1p-1/0.000001s'), ('+0/1s'), ('-0/1.50s'), ('0x1.fffffffffffffp9223372036854767615/9223372036854.775807s')) AS v(t);

-- what was written is read back with the same bits: text, binary, COPY, over ages, sizes and half-lives
CREATE TEMP TABLE many AS SELECT make_score((CASE WHEN random() < 0.3 THEN -1 ELSE 1 END) * random() * 10.0 ^ ((random() - 0.5) * 600),
	timestamptz '2000-01-01' + (random() - 0.4) * interval '20000 days', random() * interval '10 years' * CASE WHEN random() < 0.5 THEN 0.00001 ELSE 1 END + interval '1 minute') AS s
	FROM generate_series(1, 5000);
INSERT INTO many VALUES (make_score(0, now(), '1 day')), (make_score(1.7e308, '200000-01-01', '1 microsecond')), (make_score(5e-324, '4000-01-01 BC', '1 microsecond'));
SELECT count(*) FILTER (WHERE s::text::lead_score <> s) AS text, count(*) FILTER (WHERE length(lead_score_send(s)) <> 25) AS length FROM many;
CREATE TEMP TABLE again (s lead_score);
\copy many TO 'score_type.tmp'
\copy again FROM 'score_type.tmp'
\copy many TO 'score_type.tmp' WITH (FORMAT binary)
\copy again FROM 'score_type.tmp' WITH (FORMAT binary)
SELECT count(*), count(*) FILTER (WHERE n <> 3) AS not_thrice FROM (SELECT s, count(*) AS n FROM (SELECT s FROM many UNION ALL SELECT s FROM again) m GROUP BY s) x;
SELECT lead_score_send(make_score(5, '2000-01-01', '1 second')) AS binary, pg_column_size(make_score(5, '2000-01-01', '1 second')) AS bytes;

-- a crafted binary score: nothing but the only form of a score comes in. Each line is written as bytea and read as a score
CREATE TEMP TABLE crafted (what text, bytes bytea, good boolean);
INSERT INTO crafted SELECT w, v || int8send(h) || float8send(m) || int8send(e), good FROM (VALUES
	('a score', '\x01'::bytea, 1000000::bigint, 1.25::float8, 2::bigint, true), ('zero', '\x01', 1, 0, 0, true), ('the largest', '\x01', 9223372036854775807, 1.9999999999999998, 9223372036854767615, true),
	('the smallest', '\x01', 1, -1, -9223372036854767615, true), ('version 0', '\x00', 1, 1, 1, false), ('version 2', '\x02', 1, 1, 1, false), ('version 255', '\xff', 1, 1, 1, false),
	('no half-life', '\x01', 0, 1, 1, false), ('a negative one', '\x01', -1, 1, 1, false), ('the least one', '\x01', -9223372036854775808, 1, 1, false),
	('minus zero', '\x01', 1, '-0', 0, false), ('zero with an exponent', '\x01', 1, 0, 1, false), ('mantissa below 1', '\x01', 1, 0.9999999999999999, 1, false), ('of 2', '\x01', 1, 2, 1, false),
	('of -2', '\x01', 1, -2, 1, false), ('denormal', '\x01', 1, 5e-324, 1, false), ('NaN', '\x01', 1, 'NaN', 1, false), ('infinity', '\x01', 1, 'Infinity', 1, false), ('minus infinity', '\x01', 1, '-Infinity', 0, false),
	('exponent too large', '\x01', 1, 1, 9223372036854767616, false), ('too small', '\x01', 1, 1, -9223372036854767616, false), ('the least integer', '\x01', 1, 1, -9223372036854775808, false))
	AS v(w, v, h, m, e, good);
INSERT INTO crafted SELECT w, b, false FROM crafted, LATERAL (VALUES ('nothing', ''::bytea), ('a byte', '\x01'), ('a byte less', substring(bytes, 1, 24)), ('one more', bytes || '\x00')) AS v(w, b)
	WHERE what = 'a score';
TRUNCATE again;
\copy (SELECT bytes FROM crafted WHERE good) TO 'score_type.tmp' WITH (FORMAT binary)
\copy again FROM 'score_type.tmp' WITH (FORMAT binary)
SELECT s, s::text::lead_score = s AS same FROM again;
SELECT format('\copy (SELECT bytes FROM crafted WHERE what = %L) TO ''score_type.tmp'' WITH (FORMAT binary)' || E'\n\\copy again FROM ''score_type.tmp'' WITH (FORMAT binary)', what) AS commands
FROM crafted WHERE NOT good \g (tuples_only format=unaligned) score_type_commands.tmp
\set QUIET on
\set VERBOSITY sqlstate
\i score_type_commands.tmp
\set VERBOSITY terse
SELECT count(*) AS none_came_in FROM again;
CREATE INDEX ON again (s);
\! rm -f score_type.tmp score_type_commands.tmp

-- errors: state, message, explanation
CREATE FUNCTION pg_temp.error_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
	detail text;
BEGIN
	EXECUTE statement INTO message;
	RETURN 'no error: ' || message;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || ' ' || message || ': ' || detail;
END
$$;
SELECT e, pg_temp.error_of('SELECT ' || e) AS error FROM (VALUES
	($$''::lead_score$$), ($$'40'::lead_score$$), ($$'0x1p0/1s,'::lead_score$$), ($$'0x1p0/0s'::lead_score$$), ($$'0x1p9223372036854775807/1s'::lead_score$$), ($$'nan/1s'::lead_score$$),
	($$make_score('NaN', now(), '1 day')$$), ($$make_score('Infinity', now(), '1 day')$$), ($$make_score('-Infinity', now(), '1 day')$$),
	($$make_score(1, 'infinity', '1 day')$$), ($$make_score(1, '-infinity', '1 day')$$),
	($$make_score(1, now(), '0')$$), ($$make_score(1, now(), '-1 day')$$), ($$make_score(1, now(), '1 month -30 days')$$), ($$make_score(1, now(), '1 month -31 days')$$), ($$make_score(1, now(), '300000 years')$$), ($$make_score(1, now(), '178000000 years')$$), ($$make_score(1, now(), '-178000000 years')$$),
	($$add_points(make_score(1, now(), '1 day'), 'NaN', now())$$), ($$add_points(make_score(1, now(), '1 day'), '-Infinity', now())$$), ($$add_points(make_score(1, now(), '1 day'), 1, 'infinity')$$),
	($$score_at(make_score(1, now(), '1 day'), 'infinity')$$), ($$score_at(make_score(1, now(), '1 day'), '-infinity')$$),
	($$score_at(make_score(1, '2026-03-01', '1 day'), '2020-03-01')$$), ($$score_at(make_score(-1, '2026-03-01', '1 minute'), '2016-03-01')$$),
	($$make_score(1, '2026-03-01', '1 day') + make_score(1, '2026-03-01', '2 days')$$), ($$make_score(1, '2026-03-01', '1 hour') + make_score(0, '2026-03-01', '1.5 seconds')$$),
	($$'0x1.8p9223372036854767615/1s'::lead_score + '0x1.8p9223372036854767615/1s'::lead_score$$),
	($$score_at('0x1p9223372036854767615/1s'::lead_score, '2026-03-01')$$)) AS v(e);

-- at the ends: too little is zero, what a double holds is right although the way there leads beyond it
SELECT score_at(make_score(1, '2016-03-01', '1 minute'), '2026-03-01') AS ten_years_of_minutes, score_at(make_score(1e300, '2016-03-01', '1 day'), '2019-03-01') AS large,
	score_at('0x1p-9223372036854767615/1s', '2026-03-01') AS smallest, score_at(make_score(2, '290000-01-01', '1 microsecond'), '290000-01-01') AS far,
	'0x1.8p-9223372036854767615/1s'::lead_score + '-0x1p-9223372036854767615/1s' AS underflow,
	'0x1p9223372036854767615/1s'::lead_score + '0x1p-9223372036854767615/1s' AS both_ends;

-- for views over many scores: infinite instead of an error, and else the same
SELECT points_or_infinity(make_score(1, '2026-03-01', '1 day'), '2020-03-01') AS much, points_or_infinity(make_score(-1, '2026-03-01', '1 minute'), '2016-03-01') AS little,
	points_or_infinity(make_score(0, '2026-03-01', '1 minute'), '2016-03-01') AS zero, points_or_infinity(make_score(1, '2016-03-01', '1 minute'), '2026-03-01') AS nothing_left,
	points_or_infinity('0x1p9223372036854767615/1s', '2026-03-01') AS greatest, points_or_infinity(make_score(40, now(), '30 days')) AS by_default,
	bool_and(points_or_infinity(make_score(i * 1.1, '2026-03-01', '30 days'), at) = score_at(make_score(i * 1.1, '2026-03-01', '30 days'), at)) AS same
FROM generate_series(-50, 50) i, generate_series(timestamptz '2016-01-01', '2036-01-01', '1 year') at;
SELECT pg_temp.error_of($$SELECT points_or_infinity(make_score(1, now(), '1 day'), 'infinity')$$);

-- nothing but NULL from NULL
SELECT score_at(NULL, now()) IS NULL AND score_at(make_score(1, now(), '1 day'), NULL) IS NULL AND half_life(NULL) IS NULL AND make_score(NULL, now(), '1 day') IS NULL
	AND make_score(1, NULL, '1 day') IS NULL AND make_score(1, now(), NULL) IS NULL AND (NULL::lead_score + make_score(1, now(), '1 day')) IS NULL AND NULL::lead_score::float8 IS NULL AS nulls;
