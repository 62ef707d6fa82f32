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

CREATE OR REPLACE FUNCTION @workspace@.stay_counts() RETURNS TABLE ("position" integer, code bigint, period date, counts bigint[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off AS $workspace$
DECLARE
	positions integer[];
	codes bigint[];
BEGIN
	-- who went on has a stamp for the next stage or beyond; who did not, closed or open, has the furthest one before that
	SELECT array_agg(s.position ORDER BY c.code), array_agg(c.code ORDER BY c.code) INTO positions, codes
	FROM @workspace@.funnel_scale s
	CROSS JOIN LATERAL (
		SELECT (5::bigint << 56) | (s.position::bigint << 52) | (s.next_position::bigint << 48) AS code
		UNION ALL
		SELECT (k.kind << 56) | (s.position::bigint << 52) | (p.furthest << 48)
		FROM (VALUES (6::bigint), (7)) k (kind) CROSS JOIN generate_series(s.position::bigint, s.next_position - 1) p (furthest)
	) c
	WHERE s.next_position IS NOT NULL;
	RETURN QUERY
	SELECT u.position, x.code, x.period, x.counts
	FROM unnest(positions, codes) u ("position", code)
	JOIN @workspace@.lead_stay x ON x.cube = 2 AND x.code = u.code
	UNION ALL
	SELECT u.position, d.code, 'infinity'::date, d.counts
	FROM (
		SELECT (x.code >> 48) << 48 AS code, array_agg(ARRAY[x.code, x.leads] ORDER BY x.code) AS counts
		FROM @workspace@.delta_cells_in(2::smallint, ARRAY(SELECT (c >> 56)::smallint FROM unnest(codes) c), codes,
			ARRAY(SELECT c + (1::bigint << 48) FROM unnest(codes) c), NULL, NULL) x
		GROUP BY 1
	) d
	JOIN unnest(positions, codes) u ("position", code) ON u.code = d.code;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.stay_counts() IS
	'What conversion_stay() says of all leads, as histograms from the cubes: for each funnel stage that has a next one (position) code, leads, code, leads ... as leadcrm.expected_share() reads them; code and period: as in lead_stay, period infinity: what deltas add. Unique key: position, code, period. A building block of expected_pcts_cubes.';

CREATE OR REPLACE FUNCTION @workspace@.expected_pcts_cubes() RETURNS numeric[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off AS $workspace$
BEGIN
	RETURN (
		SELECT array_agg((100 * e.share)::numeric ORDER BY g)
		FROM generate_series(1, 7) g
		LEFT JOIN (
			-- in order it is sorted already
			SELECT c.position, leadcrm.expected_share(c.counts, now() ORDER BY c.code, c.period) AS share
			FROM @workspace@.stay_counts() c GROUP BY c.position
		) e ON e.position = g
	);
END
$workspace$;
COMMENT ON FUNCTION @workspace@.expected_pcts_cubes() IS
	'The eventual conversion expected, percent (0-100), by position of the stage (1 to 7): expected_pct of conversion_curve(), read from the cubes. Stays and ages that are whole quarters of an hour (imported days) are told exactly, others to 18 minutes (stays of over 51 days to 1/2048), within which they are taken as spread evenly; only the order of those that left and of open ones as old counts. leadcrm.expected_range() over stay_counts() bounds the error strictly. It is below 0.01 points where leads have come for two months or more, and mostly below that before; a lead that leaves within the hour before the oldest ones'' age, where few are left to compare with, can move it by some tenths. NULL: no next stage, or nobody entered. A building block of funnel_leak.';

CREATE OR REPLACE FUNCTION @workspace@.expected_pcts() RETURNS numeric[]
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan SET jit = off AS $workspace$
DECLARE
	result numeric[] := array_fill(NULL::numeric, ARRAY[7]);
	ages double precision[];
	s record;
BEGIN
	PERFORM leadcrm.refuse_if_renamed(@workspace_literal@);
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
	'The eventual conversion expected, percent (0-100), by position of the stage (1 to 7), as funnel_leak shows it: expected_pct of conversion_curve(stage), exactly; where there are more than 20,000 leads from the cubes, the same to less than 0.01 points (expected_pcts_cubes says when), and NULL where row security keeps the cubes from answering.';
