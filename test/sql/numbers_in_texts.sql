-- number_in(): texts that are numbers, and the many that are none. It never raises an error.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
RESET client_min_messages;
SELECT t AS text, leadcrm.number_in(t) AS number
FROM unnest(ARRAY['5', ' 5 ', E'\t-7.50\n', '+3', '.5', '5.', '1e3', '1E-3', '-1.5e+2', '007',
	'', ' ', '.', '-', '+-1', '1e', '1e+', '1.2.3', '1,000', '1 000', '0x10', '1_000', 'NaN', 'Infinity', '-inf', '5 apples', '½', '٣', '--5']) t;
-- as far as double precision goes
SELECT leadcrm.number_in('1e307') = 1e307::numeric AS big, leadcrm.number_in('1e308') AS too_big, leadcrm.number_in('1e99999999999') AS huge,
	leadcrm.number_in('1e-308') = 1e-308::numeric AS small, leadcrm.number_in('1e-309') AS too_small,
	leadcrm.number_in('0.0000001e308') = 1e301::numeric AS shifted, leadcrm.number_in(repeat('9', 308)) = repeat('9', 308)::numeric AS long,
	leadcrm.number_in(repeat('9', 309)) AS too_long, leadcrm.number_in(repeat('0', 1001)) AS longer, leadcrm.number_in(repeat('0', 1000)) AS zeros,
	leadcrm.number_in(repeat('x', 100000)) AS novel, leadcrm.number_in(NULL) AS nothing;
-- what it takes, numeric takes, with the same value
SELECT count(*) AS texts, count(leadcrm.number_in(v.t)) > 5000 AS numbers, count(*) FILTER (
	WHERE leadcrm.number_in(v.t) IS DISTINCT FROM CASE WHEN v.t ~ '^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)?$' THEN v.t::numeric END) AS differences
FROM (SELECT substr(md5(i::text), 1, 3) AS a, round((hashint4(i) / 3e6)::numeric, i % 7)::text AS b FROM generate_series(1, 3000) i) s,
	LATERAL (VALUES (s.a), (s.b), (s.b || 'e' || (length(s.b) - 4)), ('-' || s.b), (s.a || s.b)) v (t)
WHERE v.t !~ 'e[-+]?[0-9]{3}';
