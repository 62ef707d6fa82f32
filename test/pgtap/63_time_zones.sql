-- Leads are counted by the day that they were created on in the workspace's time zone, whichever it is: near every change of its clocks, and
-- at random.
BEGIN;
CREATE EXTENSION pgtap;
CREATE EXTENSION leadcrm;
SELECT leadcrm.create_workspace('crm');
SET jit = off;
SET client_min_messages = warning;
SELECT no_plan();
SELECT setseed(0.25);
-- random instants of three centuries and of two years, in no order; hours about changes of clocks; before 2000 with fractions of seconds
INSERT INTO crm.lead (stage, created_at, stage_since)
SELECT 'lead', x.at, now() FROM (
	SELECT timestamptz '1900-01-01 00:00+00' + random() * interval '299 years' AS at FROM generate_series(1, 150)
	UNION ALL SELECT timestamptz '2024-11-01 00:00+00' + random() * interval '2 years' FROM generate_series(1, 400)
	UNION ALL SELECT d.day + h * interval '30 minutes' - u * interval '1 microsecond'
	FROM unnest('{2025-03-08 22:00+00, 2025-03-29 20:00+00, 2025-10-25 20:00+00, 2025-11-01 22:00+00, 1995-03-25 20:00+00, 1969-12-31 20:00+00, 2011-12-29 08:00+00}'::timestamptz[]) d (day),
		generate_series(1, 16) h, generate_series(0, 1) u
) x
WHERE x.at <= now() ORDER BY random();
SELECT cmp_ok((SELECT count(*) FROM crm.lead), '>', 500::bigint, 'leads');
SELECT is_empty('SELECT * FROM crm.verify_cubes()', 'as they come');
CREATE FUNCTION pg_temp.count_in(zone text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	UPDATE crm.setting SET time_zone = zone;	-- counts anew
	RETURN QUERY SELECT problem || ' ' || detail FROM crm.verify_cubes();
END
$$;
SELECT is_empty(format('SELECT pg_temp.count_in(%L)', zone), zone)
FROM unnest('{UTC,Europe/Vilnius,America/New_York,Asia/Ulaanbaatar,Asia/Tehran,Asia/Kathmandu,Australia/Lord_Howe,Pacific/Apia,Pacific/Kiritimati,Africa/Monrovia,Europe/Dublin,Etc/GMT+12,America/Sao_Paulo,Africa/Casablanca,Antarctica/Troll}'::text[]) zone;
-- two zones in turn, and moves of the day of creation
SELECT is_empty($$SELECT pg_temp.count_in('Asia/Tbilisi')$$, 'another zone');
UPDATE crm.lead SET created_at = created_at - interval '13 hours';
SELECT is_empty('SELECT * FROM crm.verify_cubes()', 'leads that were created on another day');
SELECT * FROM finish();
ROLLBACK;
