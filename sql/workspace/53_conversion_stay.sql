-- How long leads stood at a stage before they went on or leaked, and what is to be expected of those still open.

CREATE OR REPLACE FUNCTION @workspace@.conversion_stay(stage leadcrm.lifecycle_stage, since date, until date,
	channel text)
RETURNS TABLE (lead_id bigint, days double precision, advanced boolean)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT e.lead_id,
	-- imported stamps may stand the wrong way round: such a lead had left before it came
	greatest(date_part('epoch', coalesce(e.advanced_at, e.leaked_at, now()) - e.entered_at), 0) / 86400,
	CASE WHEN e.advanced_at IS NOT NULL THEN true WHEN e.leaked_at IS NOT NULL THEN false END
FROM (
	SELECT l.lead_id,
		CASE conversion_stay.stage
			WHEN 'subscriber' THEN l.subscriber_at
			WHEN 'lead' THEN l.lead_at
			WHEN 'mql' THEN l.mql_at
			WHEN 'sql' THEN l.sql_at
			WHEN 'opportunity' THEN l.opportunity_at
			WHEN 'customer' THEN l.customer_at
			WHEN 'evangelist' THEN l.evangelist_at
		END AS entered_at,
		least(CASE WHEN n.next_position <= 2 THEN l.lead_at END, CASE WHEN n.next_position <= 3 THEN l.mql_at END,
			CASE WHEN n.next_position <= 4 THEN l.sql_at END, CASE WHEN n.next_position <= 5 THEN l.opportunity_at END,
			CASE WHEN n.next_position <= 6 THEN l.customer_at END, l.evangelist_at) AS advanced_at,
		CASE WHEN l.status_category = 'closed' THEN l.status_since END AS leaked_at
	FROM @workspace@.lead l
	CROSS JOIN (SELECT s.next_position FROM @workspace@.funnel_scale s WHERE s.stage = conversion_stay.stage) n
	WHERE l.excluded_as IS NULL
	AND n.next_position IS NOT NULL
	AND (conversion_stay.channel IS NULL OR l.channel = conversion_stay.channel)
) e
WHERE isfinite(e.entered_at)
AND isfinite(coalesce(e.advanced_at, e.leaked_at, now()))
AND (conversion_stay.since IS NULL
	OR e.entered_at >= (SELECT conversion_stay.since::timestamp AT TIME ZONE z.time_zone FROM @workspace@.setting z))
AND (conversion_stay.until IS NULL
	OR e.entered_at < (SELECT conversion_stay.until::timestamp AT TIME ZONE z.time_zone FROM @workspace@.setting z));
END;
COMMENT ON FUNCTION @workspace@.conversion_stay(leadcrm.lifecycle_stage, date, date, text) IS
	'The leads that have a first entry into a funnel stage on record, and how they left it for good: advanced is true for the first entry into a later funnel stage or beyond, false where the lead leaked (its status is closed: at status_since), NULL where it is open (neither; returned and stalled leads are open); days (24 hours, fractions count) from the entry until then, else until now; 0 where stamps stand the wrong way round. Excluded leads are left out. since (included), until (excluded): days of the workspace''s time zone in which the leads entered the stage; channel: theirs; NULL: all. Unique key: lead_id. A building block of conversion_curve and expected_pct.';

-- The same from the cubes, which know when leads came to a stage and how long those took that went on, not what became of each.
-- Leads that are seen for so long as they are old: one that went on after a time t stands for all that came, but only those
-- could be seen to do so that came t ago or earlier. So each counts 1 / (how many came t ago or earlier).
CREATE OR REPLACE FUNCTION @workspace@.expected_pcts_cubes() RETURNS numeric[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off AS $workspace$
DECLARE
	p record := @workspace@.cell_periods(NULL, NULL, NULL);
	today bigint := 134217728 + floor(date_part('epoch', now() - '2000-01-01 00:00+00'::timestamptz) / 86400)::bigint;
	positions bigint[] := ARRAY(SELECT s.position FROM @workspace@.funnel_scale s WHERE s.next_position IS NOT NULL ORDER BY 1);
	nexts bigint[] := ARRAY(SELECT s.next_position FROM @workspace@.funnel_scale s WHERE s.next_position IS NOT NULL ORDER BY 1);
	result numeric[];
BEGIN
	WITH step AS (
		SELECT u.position, u.next, (u.position << 52) | (u.next << 48) AS code FROM unnest(positions, nexts) u ("position", next)
	), came AS MATERIALIZED (
		SELECT c.code >> 40 AS position, greatest(today - ((c.code >> 8) & 4294967295), 0) AS age, sum(c.leads) AS leads
		FROM @workspace@.cells_of(4::smallint, p.cubes, p.periods, ARRAY(SELECT x << 40 FROM unnest(positions) x),
			ARRAY(SELECT (x + 1) << 40 FROM unnest(positions) x), p.delta_cube, NULL, NULL) c
		GROUP BY 1, 2
	), seen AS (
		-- by days of age from 0: how many are so old or older
		SELECT d.position, array_agg(d.leads ORDER BY d.age)::double precision[] AS leads
		FROM (
			SELECT a.position, a.age, sum(sum(a.leads)) OVER (PARTITION BY a.position ORDER BY a.age DESC) AS leads
			FROM (
				SELECT m.position, m.age, m.leads FROM came m
				UNION ALL
				SELECT o.position, generate_series(0, o.oldest), 0
				FROM (SELECT m.position, max(m.age) AS oldest FROM came m GROUP BY m.position) o
			) a
			GROUP BY a.position, a.age
		) d
		GROUP BY d.position
	), stay AS (
		-- a histogram is long: taken apart in one go, it is decompressed once
		SELECT t.position, y.code, y.leads
		FROM step t
		JOIN @workspace@.lead_stay x ON x.cube = 2 AND x.period = '-infinity' AND x.code = t.code
		CROSS JOIN LATERAL (
			SELECT u.n, u.value AS code, lead(u.value) OVER (ORDER BY u.n) AS leads
			FROM unnest(x.counts) WITH ORDINALITY u (value, n)
		) y
		WHERE y.n % 2 = 1
		UNION ALL
		SELECT t.position, x.code, x.leads
		FROM @workspace@.delta_cells(p.delta_cube, 3::smallint, NULL, NULL, NULL, NULL) x
		JOIN step t ON t.code = (x.code >> 48) << 48
	), went AS (
		SELECT s.position, s.days, sum(s.leads) AS leads
		FROM (
			-- what a bucket stands for, as leadcrm.duration_centile() says it for one; 64 of them for each power of two
			SELECT y.position, y.leads, CASE WHEN b.bucket < 128 THEN 0
				ELSE floor(2 * b.first * ((b.first + b.width - 1) / (2 * b.first + b.width - 1)) / 86400000000) END::integer AS days
			FROM (SELECT z.position, (z.code & 17592186044415)::integer - 4096 AS bucket, sum(z.leads)::bigint AS leads FROM stay z GROUP BY 1, 2) y
			CROSS JOIN LATERAL (SELECT y.bucket, power(2::double precision, y.bucket / 64 - 1) AS width,
				(64 + y.bucket % 64) * power(2::double precision, y.bucket / 64 - 1) AS first) b
		) s
		GROUP BY 1, 2
		UNION ALL
		-- nobody knows how long those took that have no stamp for the next stage but one for a later
		SELECT t.position, 0, sum(c.leads)
		FROM @workspace@.cells_of(0::smallint, p.cubes, p.periods, '{0}', '{9223372036854775807}', p.delta_cube, NULL, NULL) c
		JOIN step t ON (c.code >> (t.position - 1)::integer) & 1 = 1 AND (c.code >> (t.next - 1)::integer) & 1 = 0
			AND (c.code & 127) >> t.next::integer > 0
		GROUP BY 1
	), expected AS (
		SELECT n.position, least(100 * coalesce(sum(w.leads / greatest(n.leads[least(w.days + 1, cardinality(n.leads))], 1)), 0), 100)
			AS pct
		FROM seen n
		LEFT JOIN went w ON w.position = n.position
		WHERE n.leads[1] > 0
		GROUP BY n.position
	)
	SELECT array_agg(e.pct::numeric ORDER BY g) INTO result
	FROM generate_series(1, 7) g LEFT JOIN expected e ON e.position = g;
	RETURN result;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.expected_pcts_cubes() IS
	'The eventual conversion expected, percent (0-100), by position of the stage (1 to 7), estimated from the cubes: the sum, over the leads with stamps for a stage and the next funnel stage, of 1 / (how many came to the stage at least as long ago as they took; days of UTC, durations to 1/128). Leads without a stamp for the next stage but with one for a later count as going on at once. It expects what conversion_curve() does, but is not the same number: use it where leads are many. NULL: no next stage, or nobody entered. A building block of funnel_leak.';

CREATE OR REPLACE FUNCTION @workspace@.expected_pcts() RETURNS numeric[]
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET plan_cache_mode = force_custom_plan SET jit = off AS $workspace$
DECLARE
	result numeric[] := array_fill(NULL::numeric, ARRAY[7]);
	ages double precision[];
	s record;
BEGIN
	-- the curve reads all leads: where they are many, a view that shows a few of them would be slow
	IF @workspace@.has_many_leads() THEN
		RETURN CASE WHEN @workspace@.cubes_answer(NULL, NULL, NULL) THEN @workspace@.expected_pcts_cubes() END;
	END IF;
	FOR s IN SELECT f.stage, f.position FROM @workspace@.funnel_scale f WHERE f.next_position IS NOT NULL LOOP
		SELECT leadcrm.incidence(x.days, x.advanced) INTO ages
		FROM @workspace@.conversion_stay(s.stage, NULL, NULL, NULL) x;
		result[s.position] := 100 * ages[array_upper(ages, 1)][5];
	END LOOP;
	RETURN result;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.expected_pcts() IS
	'The eventual conversion expected, percent (0-100), by position of the stage (1 to 7), as funnel_leak shows it: expected_pct of conversion_curve(stage); where there are more than 20,000 leads that of expected_pcts_cubes(), and NULL where row security keeps the cubes from answering.';
