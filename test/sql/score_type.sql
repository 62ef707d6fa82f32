-- leadcrm.lead_score: what can be made, read and written. No setting of the session changes any of it.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
RESET client_min_messages;
SET extra_float_digits = 0;
SET timezone = 'UTC';
SET search_path = public, leadcrm;


-- points halve every half-life, and double before
SELECT age, leadcrm.score_at(leadcrm.make_score(40, '2026-03-01', '30 days'), timestamptz '2026-03-01' + age) AS points
FROM (VALUES (interval '0'), ('30 days'), ('60 days'), ('300 days'), ('-30 days'), ('-60 days')) AS v(age);

-- any order, either sign; an event without points or time does not count
SELECT leadcrm.score_at(leadcrm.add_points(leadcrm.add_points(leadcrm.make_score(40, '2026-03-01', '30 days'), 10, '2026-01-30'), -5, '2026-03-31'), '2026-03-31') AS points;
SELECT leadcrm.add_points(s, NULL, now()) = s AS no_points, leadcrm.add_points(s, 1, NULL) = s AS no_time, leadcrm.add_points(NULL, 1, now()) IS NULL AS no_score,
	leadcrm.add_points(s, 0, now()) = s AS zero_points
FROM leadcrm.make_score(40, '2026-03-01', '30 days') AS s;

-- the cast is the points now, and is made only where it is asked for
SELECT s::float8 = leadcrm.score_at(s) AS now, leadcrm.score_at(s) = leadcrm.score_at(s, now()) AS by_default
FROM leadcrm.make_score(40, '2026-03-01', '30 days') AS s;
SELECT castcontext, castmethod FROM pg_cast WHERE castsource = 'leadcrm.lead_score'::regtype;

-- half-lives count as extract(epoch) does, and come back in days
SELECT h, leadcrm.half_life(leadcrm.make_score(1, '2000-01-01', h)),
	extract(epoch FROM leadcrm.half_life(leadcrm.make_score(1, '2000-01-01', h))) = extract(epoch FROM h) AS same
FROM (VALUES (interval '1 minute'), ('30 days'), ('1 month'), ('1 year'), ('1 year 1 month 1 day 00:00:01.000001'), ('10 years'), ('1 microsecond'),
	('1 month -29 days'), ('290000 years'), ('-1 month 31 days')) AS v(h);

-- text: exact, and the same under all settings
SET datestyle = 'German'; SET timezone = 'Asia/Kathmandu'; SET intervalstyle = 'sql_standard'; SET extra_float_digits = -15;
SELECT s::text FROM (VALUES (leadcrm.make_score(40, '2026-03-01 00:00+00', '30 days')), (leadcrm.make_score(-1, '2000-01-01 00:00+00', '1 minute')),
	(leadcrm.make_score(3, '1999-12-31 23:59+00', '1 minute')), (leadcrm.make_score(0, '2026-03-01 00:00+00', '0.5 seconds')),
	(leadcrm.make_score('-0', '2026-03-01 00:00+00', '1.000001 seconds'))) AS v(s);
RESET datestyle; SET timezone = 'UTC'; RESET intervalstyle; SET extra_float_digits = 0;
