-- Learning from any rows: scorecard() and predict().
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
RESET client_min_messages;
CREATE TEMPORARY TABLE r AS
	SELECT i, i % 2 = 0 AS even, (hashint4(i) & 1023) / 1023.0 AS u, (hashint4(i + 100000) & 1023) / 1023.0 AS v FROM generate_series(1, 4000) i;

-- what is known: three colours whose shares are 0.2, 0.5, 0.8, a number that matters from 30 on, noise
CREATE TEMPORARY TABLE known AS
	SELECT i, u < CASE i % 3 WHEN 0 THEN 0.15 WHEN 1 THEN 0.45 ELSE 0.75 END + CASE WHEN size >= 30 THEN 0.1 ELSE 0 END AS outcome,
		jsonb_build_object('colour', (ARRAY['red', 'green', 'blue'])[i % 3 + 1], 'size', size, 'noise', round(v * 100), 'flag', CASE WHEN i % 7 > 0 THEN i % 7 > 3 END,
			'same', 'x', 'nothing', NULL, 'id', 'id' || i) AS features
	FROM (SELECT *, (i * 7) % 60 AS size FROM r) s;
SELECT leadcrm.scorecard(outcome, features) AS card FROM known \gset
SELECT c -> 'rows' AS rows, c -> 'rows_used' AS used, (c ->> 'positives')::int = (SELECT count(*) FROM known WHERE outcome) AS positives, c -> 'version' AS version,
	jsonb_object_agg(f, n) AS bins
FROM (SELECT :'card'::jsonb AS c) c, LATERAL (SELECT b ->> 'feature' AS f, count(*) AS n FROM jsonb_array_elements(c -> 'bins') b GROUP BY 1) b
GROUP BY c;
-- the colours in their order, far apart; the ranges tile the numbers; each bin counts its rows
SELECT b ->> 'value' AS colour, b -> 'rows' AS rows, round((b ->> 'weight')::numeric, 1) AS weight
FROM jsonb_array_elements(:'card'::jsonb -> 'bins') b WHERE b ->> 'feature' = 'colour' ORDER BY 3;
SELECT count(*) AS wrong
FROM jsonb_array_elements(:'card'::jsonb -> 'bins') b
WHERE (b -> 'rows', b -> 'positives') IS DISTINCT FROM (SELECT (to_jsonb(count(*)), to_jsonb(count(*) FILTER (WHERE k.outcome))) FROM known k
	WHERE CASE b ->> 'kind' WHEN 'level' THEN k.features -> (b ->> 'feature') = b -> 'value'
		WHEN 'missing' THEN k.features -> (b ->> 'feature') IS NULL OR k.features -> (b ->> 'feature') = 'null'
		WHEN 'range' THEN (k.features ->> (b ->> 'feature'))::numeric BETWEEN (b ->> 'low')::numeric AND (b ->> 'high')::numeric END);

-- predict() is the sum over the bins
CREATE FUNCTION pg_temp.slow_predict(card jsonb, features jsonb) RETURNS float8 LANGUAGE sql AS $$
	SELECT 1 / (1 + exp(-((card ->> 'intercept')::float8 + coalesce(sum(w), 0))))
	FROM (SELECT DISTINCT b ->> 'feature' AS f FROM jsonb_array_elements(card -> 'bins') b) f, LATERAL (
		SELECT (b ->> 'weight')::float8 AS w FROM jsonb_array_elements(card -> 'bins') WITH ORDINALITY e (b, n)
		WHERE b ->> 'feature' = f.f AND CASE
			WHEN coalesce(jsonb_typeof(features -> f.f), 'null') = 'null' THEN b ->> 'kind' = 'missing'
			WHEN jsonb_typeof(features -> f.f) = 'number' THEN b ->> 'kind' = 'range' AND ((b ->> 'low')::numeric <= (features ->> f.f)::numeric
				OR (b ->> 'low')::numeric = (SELECT min((x ->> 'low')::numeric) FROM jsonb_array_elements(card -> 'bins') x WHERE x ->> 'feature' = f.f))
			ELSE b -> 'value' = features -> f.f OR b ->> 'kind' = 'other' END
		-- the last range that begins before the number; a level before the rare ones
		ORDER BY b ->> 'kind' = 'other', (b ->> 'low')::numeric DESC LIMIT 1) w
$$;
SELECT count(*) AS rows, count(*) FILTER (WHERE abs(leadcrm.predict(:'card', features) - pg_temp.slow_predict(:'card', features)) > 1e-12) AS wrong
FROM (SELECT features FROM known WHERE i % 20 = 0 UNION ALL SELECT f::jsonb FROM unnest(ARRAY['{}', '{"colour": "pink"}', '{"size": -5}', '{"size": 1e300}',
	'{"size": 29.5, "flag": null}', '{"size": "big"}', '{"flag": true, "other": [1]}', '{"colour": 3}', '{"noise": 50, "same": "y"}']) f) t;
SELECT round(avg(leadcrm.predict(:'card', features))::numeric, 6) - round(avg(outcome::int), 6) AS calibrated FROM known;
-- the same rows, the same scorecard
SELECT leadcrm.scorecard(outcome, features ORDER BY i) = :'card' AS again FROM known;
-- numbers that are read back to the bit, whatever the session says
SET extra_float_digits = -10;
SELECT leadcrm.scorecard(outcome, features ORDER BY i) = :'card' AS again FROM known;
RESET extra_float_digits;

-- odd rows
SELECT leadcrm.scorecard(outcome, features) AS no_rows FROM known WHERE false;
SELECT leadcrm.scorecard(NULL, features) AS no_outcomes FROM known;
SELECT leadcrm.scorecard(true, NULL) AS no_features FROM known;
SELECT leadcrm.scorecard(i = 1, '{}') - '{low,high,intercept,penalty}'::text[] AS no_members FROM known;
SELECT leadcrm.scorecard(i = 1, features) -> 'rows' AS two FROM known WHERE i <= 2;
SELECT leadcrm.scorecard(outcome, features) FROM known WHERE i = 5;
SELECT leadcrm.scorecard(true, features) FROM known;
SELECT leadcrm.scorecard(false, features) FROM known;
SELECT leadcrm.scorecard(outcome, '[1]') FROM known;
SELECT leadcrm.scorecard(outcome, '{"a": [1]}') FROM known;
SELECT leadcrm.scorecard(outcome, '{"a": {}}') FROM known;
SELECT leadcrm.scorecard(i = 1, (SELECT jsonb_object_agg('f' || f, f) FROM generate_series(1, 201) f)) FROM known WHERE i < 3;
-- a constant, nothing at all, all different, a perfect one, huge numbers, long texts, empty texts and names
SELECT f AS feature, jsonb_path_query_array(c, '$.bins.kind') AS kinds,
	(SELECT bool_and(abs((b ->> 'weight')::float8) < 30) FROM jsonb_array_elements(c -> 'bins') b) AS finite
FROM (SELECT f, leadcrm.scorecard(even, CASE f WHEN 'constant' THEN '{"a": 5}' WHEN 'null' THEN '{"a": null}' WHEN 'text id' THEN jsonb_build_object('a', 'x' || i)
		WHEN 'perfect' THEN jsonb_build_object('a', even) WHEN 'huge' THEN jsonb_build_object('a', CASE WHEN even THEN 1e400::numeric ELSE -1e400::numeric END)
		WHEN 'tiny' THEN jsonb_build_object('a', CASE WHEN even THEN 1e-320::numeric ELSE 0 END)
		WHEN 'long' THEN jsonb_build_object('a', CASE WHEN even THEN repeat('x', 100000) ELSE 'y' END) WHEN 'empty' THEN jsonb_build_object('', CASE WHEN even THEN '' ELSE 'z' END)
		ELSE jsonb_build_object('a', CASE WHEN even THEN '"5"'::jsonb ELSE '5' END) END) AS c
	FROM r, unnest(ARRAY['constant', 'null', 'text id', 'perfect', 'huge', 'tiny', 'long', 'empty', 'mixed']) f WHERE i <= 200 GROUP BY f) s ORDER BY f COLLATE "C";
SELECT jsonb_array_length(leadcrm.scorecard(even, jsonb_build_object('a', i * 1.000001)) -> 'bins') < 4 AS number_id FROM r;
SELECT leadcrm.scorecard(i % 3 = 0, jsonb_build_object('a', md5(i::text), 'b', i, 'c', i % 3)) - 'bins' - '{low,high,intercept,penalty}'::text[] AS sampled
FROM generate_series(1, 250000) i;

-- no scorecard
CREATE FUNCTION pg_temp.refused(card jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	PERFORM leadcrm.predict(card, '{}');
	RETURN 'taken';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || ': ' || SQLERRM || ': ' || detail;
END
$$;
SELECT c AS card, pg_temp.refused(c::jsonb) FROM unnest(ARRAY['5', '[]', '{}', '{"bins": 5, "intercept": 0}', '{"bins": []}', '{"bins": [], "intercept": "x"}', '{"bins": [], "intercept": 1e999}',
	'{"bins": [], "intercept": 1}', '{"bins": [5], "intercept": 1}', '{"bins": [{}], "intercept": 1}', '{"bins": [{"feature": "a", "weight": 1}], "intercept": 1}',
	'{"bins": [{"feature": 1, "kind": "other", "weight": 1}], "intercept": 1}', '{"bins": [{"feature": "a", "kind": "x", "weight": 1}], "intercept": 1}',
	'{"bins": [{"feature": "a", "kind": "level", "weight": 1}], "intercept": 1}', '{"bins": [{"feature": "a", "kind": "range", "weight": 1}], "intercept": 1}',
	'{"bins": [{"feature": "a", "kind": "range", "low": 1, "weight": 1}, {"feature": "a", "kind": "range", "low": 1, "weight": 1}], "intercept": 1}',
	'{"bins": [{"feature": "a", "kind": "missing", "weight": 1}, {"feature": "a", "kind": "range", "low": 1, "weight": 1}], "intercept": 1}']) c;
SELECT leadcrm.predict('{"bins": [], "intercept": 0}', '5');
SELECT leadcrm.predict(NULL, '{}') AS null_card, leadcrm.predict('{"bins": [], "intercept": 0}', NULL) AS null_row,
	leadcrm.predict('{"bins": [], "intercept": 1e300}', '{}') AS sure, leadcrm.predict('{"bins": [], "intercept": -1e300}', '{}') AS never;
-- another scorecard in each row
SELECT i, leadcrm.predict(jsonb_build_object('intercept', 0, 'bins', jsonb_build_array(jsonb_build_object('feature', 'a', 'kind', 'level', 'value', 'x', 'weight', i))), '{"a": "x"}')
	= 1 / (1 + exp(-i::float8)) AS right FROM generate_series(-1, 2) i;

-- features that come as columns: the same scorecard, the same promises
CREATE TYPE pg_temp.mood AS ENUM ('low', 'high');
CREATE DOMAIN pg_temp.weight AS numeric;
SELECT leadcrm.scorecard(outcome, '{colour,size,noise,flag,same,nothing,id}', ROW(features ->> 'colour', (features ->> 'size')::smallint, (features ->> 'noise')::float8,
	(features ->> 'flag')::boolean, features ->> 'same', NULL::text, features ->> 'id') ORDER BY i) AS card_of_rows FROM known \gset
SELECT :'card_of_rows'::jsonb - 'bins' - '{low,high,intercept,penalty}'::text[] = :'card'::jsonb - 'bins' - '{low,high,intercept,penalty}'::text[] AS counts,
	(SELECT jsonb_agg(b ORDER BY b) FROM jsonb_array_elements(:'card'::jsonb -> 'bins') e, LATERAL (SELECT e - 'weight' AS b) b)
		= (SELECT jsonb_agg(b ORDER BY b) FROM jsonb_array_elements(:'card_of_rows'::jsonb -> 'bins') e, LATERAL (SELECT e - 'weight' AS b) b) AS bins;
SELECT count(*) FILTER (WHERE abs(leadcrm.predict(:'card', features) - leadcrm.predict(:'card', '{size,x,colour}', ROW((features ->> 'size')::int, 'y'::text, features ->> 'colour'))) > 1e-12) AS wrong
FROM known;
-- each kind of column
SELECT n, v::text, jsonb_path_query_array(c, '$.bins[*].kind') AS kinds, jsonb_path_query_array(c, '$.bins[*].value') AS values, jsonb_path_query_array(c, '$.bins[*].low') AS lows
FROM (
	SELECT 1 AS n, 'boolean' AS v, leadcrm.scorecard(even, '{a}', ROW(CASE WHEN i % 3 > 0 THEN even END)) AS c FROM r WHERE i <= 300
	UNION ALL SELECT 2, 'smallint', leadcrm.scorecard(even, '{a}', ROW((i % 2)::smallint)) FROM r WHERE i <= 300
	UNION ALL SELECT 3, 'bigint', leadcrm.scorecard(even, '{a}', ROW((i % 2)::bigint)) FROM r WHERE i <= 300
	UNION ALL SELECT 4, 'real', leadcrm.scorecard(even, '{a}', ROW(CASE WHEN even THEN 0.1 ELSE 0.7 END::real)) FROM r WHERE i <= 300
	UNION ALL SELECT 5, 'real NaN', leadcrm.scorecard(even, '{a}', ROW(CASE WHEN even THEN 0.1 ELSE 'NaN' END::real)) FROM r WHERE i <= 300
	UNION ALL SELECT 6, 'float8 infinity', leadcrm.scorecard(even, '{a}', ROW(CASE WHEN even THEN '-Infinity' ELSE 'NaN' END::float8)) FROM r WHERE i <= 300
	UNION ALL SELECT 7, 'numeric NaN', leadcrm.scorecard(even, '{a}', ROW(CASE WHEN even THEN 5::numeric ELSE 'NaN' END::pg_temp.weight)) FROM r WHERE i <= 300
	UNION ALL SELECT 8, 'enum', leadcrm.scorecard(even, '{a}', ROW(CASE WHEN even THEN 'low' ELSE 'high' END::pg_temp.mood)) FROM r WHERE i <= 300
	UNION ALL SELECT 9, 'varchar, blanks', leadcrm.scorecard(even, '{a}', ROW(CASE WHEN even THEN E' \t ' ELSE 'x' END::varchar)) FROM r WHERE i <= 300
	UNION ALL SELECT 10, 'jsonb', leadcrm.scorecard(even, '{a}', ROW(CASE i % 4 WHEN 0 THEN '5' WHEN 1 THEN '" 70 "' WHEN 2 THEN '"5.0"' ELSE '"x"' END::jsonb)) FROM r WHERE i <= 300
	UNION ALL SELECT 11, 'jsonb, others', leadcrm.scorecard(i % 5 < 2, '{a}', ROW(CASE i % 5 WHEN 0 THEN 'true' WHEN 1 THEN '[1]' WHEN 2 THEN '{"b": 1}' WHEN 3 THEN 'null' ELSE '" "' END::jsonb)) FROM r WHERE i <= 300
	UNION ALL SELECT 12, 'real infinity', leadcrm.scorecard(even, '{a}', ROW(CASE WHEN even THEN '-Infinity' ELSE 'Infinity' END::real)) FROM r WHERE i <= 300
) s ORDER BY n;
-- names that do not fit
SELECT leadcrm.scorecard(even, '{a}', ROW(1, 2)) FROM r;
SELECT leadcrm.scorecard(even, '{a,b}', ROW(1)) FROM r;
SELECT leadcrm.scorecard(even, '{a,a}', ROW(1, 2)) FROM r;
SELECT leadcrm.scorecard(even, '{a,NULL}', ROW(1, 2)) FROM r;
SELECT leadcrm.scorecard(even, '{{a},{b}}', ROW(1, 2)) FROM r;
SELECT leadcrm.scorecard(even, NULL, ROW(1, 2)) AS no_names FROM r;
SELECT leadcrm.scorecard(even, '{a}', NULL) AS no_row FROM r;
SELECT leadcrm.scorecard(even, '{}', ROW()) - '{low,high,intercept,penalty}'::text[] AS no_columns FROM r;
SELECT leadcrm.predict('{"bins": [], "intercept": 0}', '{a}', ROW(1, 2));
-- rows of several types in one aggregate
SELECT jsonb_path_query_array(leadcrm.scorecard(even, '{a}', CASE WHEN even THEN ROW(1) ELSE ROW('x'::text) END), '$.bins[*].kind') AS kinds FROM r;

-- in a parallel plan
CREATE TABLE scorecards_known AS SELECT * FROM known;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT sum(leadcrm.predict('{"bins": [], "intercept": 0}', features)) FROM scorecards_known;
SELECT sum(leadcrm.predict('{"bins": [], "intercept": 0}', features)) FROM scorecards_known;
DROP TABLE scorecards_known;
