-- leadcrm.cap_period(), clocks_from() and clocks_until(): against what AT TIME ZONE says, in time zones of all kinds, around changes of
-- their clocks most of all.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
SET timezone = 'UTC';
SET intervalstyle = 'postgres';
SET max_parallel_workers_per_gather = 0;
DROP SCHEMA IF EXISTS cap_periods CASCADE;
CREATE SCHEMA cap_periods;
SET search_path = cap_periods, public;
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try

-- the definition in plain SQL
CREATE FUNCTION slow_period(per interval, at timestamptz, zone text) RETURNS timestamp LANGUAGE sql STABLE
RETURN CASE
	WHEN per IS NULL THEN '-infinity'::timestamp
	WHEN date_trunc('month', per) > '0'::interval THEN
		timestamp '2000-01-01' + per * floor((date_part('year', at AT TIME ZONE zone) * 12 + date_part('month', at AT TIME ZONE zone) - 24001)
			/ (date_part('year', per) * 12 + date_part('month', per)))
	ELSE timestamp '2000-01-01' + per * floor((extract(epoch FROM at AT TIME ZONE zone) - 946684800) / extract(epoch FROM per))::float8
END;

-- names that change their clocks at midnight, by days, by 20 minutes, far from UTC, never; abbreviations; and some others, each run
CREATE TABLE zone AS
SELECT name FROM unnest('{UTC,Europe/Vilnius,America/New_York,America/St_Johns,America/Sao_Paulo,Pacific/Apia,Pacific/Kwajalein,Asia/Manila,
	Antarctica/Troll,Australia/Lord_Howe,Africa/Casablanca,Africa/Monrovia,Europe/Dublin,Europe/Amsterdam,Asia/Kolkata,America/Scoresbysund,
	CET,EST,EST5EDT,MSK,XYZ-99:30,<+03>-3}'::text[]) name;
INSERT INTO zone SELECT name FROM pg_timezone_names WHERE name !~ '^posix' ORDER BY random() LIMIT 30;
-- edges of days, on which clocks are changed and others
CREATE FUNCTION edges(zone text, many int) RETURNS SETOF timestamp LANGUAGE plpgsql AS $$
DECLARE
	at timestamptz;
	step interval;
BEGIN
	FOR at IN SELECT m FROM (SELECT m, m AT TIME ZONE zone - lag(m AT TIME ZONE zone) OVER (ORDER BY m) AS moved, m - lag(m) OVER (ORDER BY m) AS passed
			FROM generate_series(timestamptz '1900-01-01', '2060-01-01', '1 month') m) x WHERE moved <> passed ORDER BY random() LIMIT many LOOP
		at := at - interval '1 month';
		-- the change lies in the month from here
		FOREACH step IN ARRAY '{16 days,8 days,4 days,2 days,1 day,12 hours,6 hours,3 hours,90 minutes,45 minutes,24 minutes,12 minutes,6 minutes,3 minutes,90 seconds,45 seconds,23 seconds,12 seconds,6 seconds,3 seconds,2 seconds,1 second}'::interval[] LOOP
			IF (at + step) AT TIME ZONE zone - at AT TIME ZONE zone = step THEN
				at := at + step;
			END IF;
		END LOOP;
		RETURN NEXT date_trunc('day', at AT TIME ZONE zone);
		RETURN NEXT date_trunc('day', at AT TIME ZONE zone) + interval '1 day';
		RETURN NEXT at AT TIME ZONE zone + random() * interval '5 hours' - interval '2 hours';
	END LOOP;
	FOR i IN 1 .. many LOOP
		RETURN NEXT date '1900-01-01' + floor(random() * 109500)::int;
	END LOOP;
END
$$;
CREATE TABLE edge AS SELECT z.name AS zone, e.e AS clock FROM zone z CROSS JOIN LATERAL edges(z.name, 4) e (e);
SELECT count(*) > 500 AS many, count(DISTINCT zone) > 40 AS in_many_zones FROM edge;

CREATE FUNCTION wrong_edges() RETURNS TABLE (wrong text, zone text, clock timestamp) LANGUAGE sql AS $$
	WITH stretch AS MATERIALIZED (
		SELECT e.*, leadcrm.clocks_from(e.clock, e.zone) AS since, leadcrm.clocks_until(e.clock, e.zone) AS until FROM edge e
	)
	SELECT w.wrong, s.zone, s.clock
	FROM stretch s CROSS JOIN LATERAL (VALUES
		('from is too early', s.since AT TIME ZONE s.zone < s.clock),
		('from is too late', (s.since - interval '1 microsecond') AT TIME ZONE s.zone >= s.clock),
		('until is too early', s.until AT TIME ZONE s.zone < s.clock),
		('until is too late', (s.until - interval '1 microsecond') AT TIME ZONE s.zone >= s.clock)) w (wrong, is_so)
	WHERE w.is_so
	UNION ALL
	SELECT 'an instant beyond', s.zone, s.clock
	FROM stretch s CROSS JOIN LATERAL (SELECT (s.clock AT TIME ZONE s.zone) + i * interval '20 minutes' AS u FROM generate_series(-100, 100) i) v
	WHERE u < s.since AND u AT TIME ZONE s.zone >= s.clock OR u >= s.until AND u AT TIME ZONE s.zone < s.clock
$$;
SELECT * FROM wrong_edges() LIMIT 10;

-- a period's instants lie within its edges
SELECT count(*) > 10000 AS many, count(*) FILTER (WHERE p.p IS DISTINCT FROM slow_period(per, at, zone)) AS wrong,
	count(*) FILTER (WHERE at < leadcrm.clocks_from(p.p, zone) OR at >= leadcrm.clocks_until(p.p + per, zone)) AS outside,
	count(*) FILTER (WHERE p.p > at AT TIME ZONE zone OR p.p + per <= at AT TIME ZONE zone) AS of_others
FROM (SELECT e.zone, (e.clock AT TIME ZONE e.zone) + d * (random() * interval '4 hours') AS at FROM edge e, generate_series(-1, 1) d) e
CROSS JOIN unnest('{1 day,7 days,30 days,1 hour,90 minutes,1 day 02:00:00.000001,1 month,7 months,1 year,10 years}'::interval[]) per
CROSS JOIN LATERAL (SELECT leadcrm.cap_period(per, at, zone) AS p) p;
SELECT leadcrm.cap_period(NULL, now(), 'UTC'), leadcrm.cap_period('1 day', 'infinity', 'UTC'), leadcrm.cap_period('1 day', '-infinity', 'UTC'),
	leadcrm.cap_period('1 day', NULL, 'UTC') IS NULL AND leadcrm.cap_period('1 day', now(), NULL) IS NULL AS unknown,
	leadcrm.clocks_from('infinity', 'UTC'), leadcrm.clocks_until('-infinity', 'UTC'), leadcrm.clocks_from(NULL, 'UTC') IS NULL AS no_time;
-- the zone is looked up for each row that has another one
SELECT leadcrm.cap_period('1 day', '2026-05-01 22:30+00', z), leadcrm.clocks_from('2026-05-02', z), leadcrm.clocks_until('2026-05-02', z)
FROM unnest('{UTC,Europe/Vilnius,Europe/Vilnius,UTC,Asia/Tokyo,utc,est}'::text[]) z;
-- twice and never
SELECT leadcrm.clocks_from('2025-10-26 03:30', 'Europe/Vilnius'), leadcrm.clocks_until('2025-10-26 03:30', 'Europe/Vilnius'),
	leadcrm.clocks_from('2026-03-29 03:30', 'Europe/Vilnius'), leadcrm.clocks_until('2026-03-29 03:30', 'Europe/Vilnius'),
	leadcrm.clocks_from('2011-12-30', 'Pacific/Apia') = leadcrm.clocks_until('2011-12-31', 'Pacific/Apia') AS no_such_day;

-- what is refused
SELECT try($$SELECT leadcrm.cap_period('0', now(), 'UTC')$$, true);
SELECT try($$SELECT leadcrm.cap_period('-1 day', now(), 'UTC')$$, true);
SELECT try($$SELECT leadcrm.cap_period('1 month 1 day', now(), 'UTC')$$, true);
SELECT try($$SELECT leadcrm.cap_period('-1 month', now(), 'UTC')$$, true);
SELECT try($$SELECT leadcrm.cap_period('2000000000 days', now(), 'UTC')$$, true);
SELECT try($$SELECT leadcrm.cap_period('1 day', now(), 'Nowhere/Land')$$, true);
SELECT try($$SELECT leadcrm.cap_period('100000 years', '4700-01-01 BC', 'UTC')$$, true);
SELECT try($$SELECT leadcrm.cap_period('1 day', '294276-12-31 23:59:59+00', 'Asia/Tokyo')$$, true);
SELECT try($$SELECT leadcrm.clocks_from('4714-11-24 00:00 BC', 'Asia/Tokyo')$$, true);
SELECT try($$SELECT leadcrm.clocks_until('2026-01-01', 'Nowhere/Land')$$, true);
SELECT try($$SELECT leadcrm.clocks_until('2026-01-01', repeat('x', 300))$$, true);
SET client_min_messages = warning;
DROP SCHEMA cap_periods CASCADE;
