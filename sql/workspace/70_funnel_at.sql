-- The funnel as it stood at a past instant, and as it was known then: told from the histories, which forget nothing.

CREATE OR REPLACE FUNCTION @workspace@.funnel_at_check(happened_until timestamptz, known_until timestamptz) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $workspace$
BEGIN
	IF happened_until IS NULL OR known_until IS NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'null_value_not_allowed',
			MESSAGE = format('%s is NULL', CASE WHEN happened_until IS NULL THEN 'happened_until' ELSE 'known_until' END),
			HINT = 'happened_until is the instant of the funnel, known_until the instant up to which records count.';
	ELSIF NOT isfinite(happened_until) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('happened_until is %s', happened_until),
			DETAIL = 'It is no instant at which a funnel could stand.',
			HINT = 'Use now() for the present.';
	ELSIF happened_until > clock_timestamp() + interval '1 minute' THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('happened_until lies in the future: %s', happened_until),
			HINT = 'Use now() for the present.';
	ELSIF known_until < happened_until THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('known_until %s lies before happened_until %s', known_until, happened_until),
			DETAIL = 'Nothing can be known before it happens.',
			HINT = 'Give the same instant twice for the funnel as it was seen then.';
	END IF;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.funnel_at_check(timestamptz, timestamptz) IS
	'Raises the error of instants that funnel_at does not accept: 22004 NULL; 22023 not finite, in the future, or the wrong way round';

-- What counts of a lead's histories. now() itself means everything that the transaction sees, also what it did since.
CREATE OR REPLACE FUNCTION @workspace@.funnel_at_lead(happened_until timestamptz, known_until timestamptz)
RETURNS TABLE (lead_id bigint, channel text, value numeric, stage leadcrm.lifecycle_stage, stage_since timestamptz,
	peak leadcrm.lifecycle_stage, is_closed boolean, subscriber_at timestamptz, lead_at timestamptz, mql_at timestamptz,
	sql_at timestamptz, opportunity_at timestamptz, customer_at timestamptz, evangelist_at timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
WITH life AS (
	SELECT a.lead_id, (a.told).born AS born, (a.told).first_state AS first_state, (a.told).first_since AS first_since, (a.told).state AS state,
		(a.told).since AS since, (a.told).peak AS peak, (a.told).entered AS entered
	FROM (
		SELECT h.lead_id, leadcrm.journey_agg(h.seq, h.from_state, h.to_state, h.since, h.changed_at, h.corrects,
				-- what was written down had happened: its time may lie ahead of the clock
				h.changed_at <= funnel_at_lead.happened_until OR h.recorded_at <= funnel_at_lead.happened_until
					OR funnel_at_lead.happened_until = now(),
				h.recorded_at <= funnel_at_lead.known_until OR funnel_at_lead.known_until = now()) AS told
		FROM @workspace@.stage_history h
		GROUP BY h.lead_id
	) a
), status AS NOT MATERIALIZED (
	SELECT h.lead_id, h.seq, h.to_state
	FROM @workspace@.status_history h
	WHERE h.corrects IS NULL
	AND (h.recorded_at <= funnel_at_lead.known_until OR funnel_at_lead.known_until = now())
	AND (h.changed_at <= funnel_at_lead.happened_until OR h.recorded_at <= funnel_at_lead.happened_until OR funnel_at_lead.happened_until = now())
	AND NOT EXISTS (
		SELECT FROM @workspace@.status_history c
		WHERE c.lead_id = h.lead_id AND c.corrects = h.seq AND c.corrects IS NOT NULL
		AND (c.recorded_at <= funnel_at_lead.known_until OR funnel_at_lead.known_until = now())
	)
), closed AS (
	-- the last bit says whether the last status is a closed one
	SELECT h.lead_id
	FROM status h
	LEFT JOIN @workspace@.lead_status t ON t.code = h.to_state
	GROUP BY h.lead_id
	HAVING max(h.seq::bigint * 2 + CASE WHEN t.category = 'closed' THEN 1 ELSE 0 END) % 2 = 1
), stood AS (
	SELECT coalesce(l.lead_id, f.lead_id) AS lead_id, l.channel, l.value, l.stage, l.stage_since, l.stage_peak, l.created_at,
		f.first_state, f.first_since, f.state, f.since, f.peak, f.entered, f.lead_id IS NULL AS has_no_history,
		-- stored without its birth (leadcrm.enforcement was off): told by what the row says, and the first change
		l.lead_id IS NOT NULL AND NOT coalesce(f.born, false) AND (f.lead_id IS NULL OR f.first_state IS NOT NULL) AS is_unborn,
		l.status_category = 'closed' AND (l.status_since <= funnel_at_lead.happened_until OR funnel_at_lead.happened_until = now())
			AS is_row_closed,
		l.subscriber_at, l.lead_at, l.mql_at, l.sql_at, l.opportunity_at, l.customer_at, l.evangelist_at, x.stages, x.until
	FROM life f
	FULL JOIN @workspace@.lead l ON l.lead_id = f.lead_id
	CROSS JOIN (
		-- OFFSET 0: asked once
		SELECT enum_range(NULL::leadcrm.lifecycle_stage) AS stages,
			CASE WHEN funnel_at_lead.happened_until = now() THEN 'infinity' ELSE funnel_at_lead.happened_until END AS until
		OFFSET 0
	) x
	WHERE l.excluded_as IS NULL
	-- each answered once
	OFFSET 0
)
SELECT s.lead_id, s.channel, s.value,
	CASE WHEN s.state IS NOT NULL THEN s.stages[s.state] WHEN s.has_no_history THEN s.stage ELSE s.stages[s.first_state] END,
	CASE WHEN s.state IS NOT NULL THEN s.since
		ELSE coalesce(CASE WHEN s.has_no_history THEN s.stage_since ELSE s.first_since END, s.created_at) END,
	CASE WHEN NOT s.is_unborn THEN s.stages[s.peak]
		ELSE greatest(s.stages[s.peak], CASE WHEN s.has_no_history THEN greatest(s.stage, s.stage_peak) ELSE s.stages[s.first_state] END,
			CASE WHEN s.evangelist_at <= s.until THEN 'evangelist' WHEN s.customer_at <= s.until THEN 'customer'
				WHEN s.opportunity_at <= s.until THEN 'opportunity' WHEN s.sql_at <= s.until THEN 'sql'
				WHEN s.mql_at <= s.until THEN 'mql' WHEN s.lead_at <= s.until THEN 'lead'
				WHEN s.subscriber_at <= s.until THEN 'subscriber' END::leadcrm.lifecycle_stage) END,
	CASE WHEN c.lead_id IS NOT NULL THEN true WHEN s.is_unborn AND s.is_row_closed THEN NOT EXISTS (SELECT FROM status h WHERE h.lead_id = s.lead_id)
		ELSE false END,
	CASE WHEN NOT s.is_unborn THEN s.entered[1] WHEN s.subscriber_at <= s.until THEN s.subscriber_at END,
	CASE WHEN NOT s.is_unborn THEN s.entered[2] WHEN s.lead_at <= s.until THEN s.lead_at END,
	CASE WHEN NOT s.is_unborn THEN s.entered[3] WHEN s.mql_at <= s.until THEN s.mql_at END,
	CASE WHEN NOT s.is_unborn THEN s.entered[4] WHEN s.sql_at <= s.until THEN s.sql_at END,
	CASE WHEN NOT s.is_unborn THEN s.entered[5] WHEN s.opportunity_at <= s.until THEN s.opportunity_at END,
	CASE WHEN NOT s.is_unborn THEN s.entered[6] WHEN s.customer_at <= s.until THEN s.customer_at END,
	CASE WHEN NOT s.is_unborn THEN s.entered[7] WHEN s.evangelist_at <= s.until THEN s.evangelist_at END
FROM stood s
LEFT JOIN closed c ON c.lead_id = s.lead_id
WHERE CASE WHEN s.is_unborn
	THEN coalesce(CASE WHEN s.has_no_history THEN s.stage_since ELSE s.first_since END, s.created_at) <= s.until
	ELSE s.state IS NOT NULL END;
END;

COMMENT ON FUNCTION @workspace@.funnel_at_lead(timestamptz, timestamptz) IS
	'The leads as they stood at happened_until, told from what was recorded until known_until: stage and since when, furthest stage (peak), whether the status was closed, first entries; corrections count once they were made, deleted leads until they went. A NULL channel: deleted since. Channel and value are those of now, and leads excluded now are left out; a status has its category of now. Unique key: lead_id. A building block of funnel_at, which checks the instants.';

CREATE OR REPLACE FUNCTION @workspace@.funnel_at(happened_until timestamptz, known_until timestamptz DEFAULT 'infinity')
RETURNS TABLE (
	"position" integer, stage leadcrm.lifecycle_stage, label text, entered bigint, advanced bigint, active bigint,
	stalled bigint, returned bigint, leaked bigint, skipped bigint, joined_later bigint, conversion_pct numeric,
	resolved_pct numeric, cumulative_pct numeric, lost bigint, lost_share_pct numeric, lost_value numeric,
	value_known_pct numeric, mean_days numeric, median_days numeric, p90_days numeric, reference_pct numeric,
	recoverable_customers numeric, is_bottleneck boolean)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan SET jit = off
AS $workspace$
DECLARE
	-- next_position by position
	nexts integer[];
BEGIN
	PERFORM leadcrm.refuse_if_renamed(@workspace_literal@);
	nexts := ARRAY(SELECT s.next_position FROM @workspace@.funnel_scale s ORDER BY s.position);
	PERFORM @workspace@.funnel_at_check(funnel_at.happened_until, funnel_at.known_until);
	RETURN QUERY
	WITH journey AS MATERIALIZED (
		SELECT f.channel, f.value, p.funnel_position AS peak,
			@workspace@.funnel_outcome(p.funnel_position, n.position, CASE WHEN f.is_closed THEN 'closed' ELSE '' END,
				f.stage_since, n.stuck_before + make_interval(secs => date_part('epoch', funnel_at.happened_until - now())))
				AS outcome,
			@workspace@.funnel_stamped(f.subscriber_at, f.lead_at, f.mql_at, f.sql_at, f.opportunity_at, f.customer_at,
				f.evangelist_at) AS stamped,
			f.subscriber_at, f.lead_at, f.mql_at, f.sql_at, f.opportunity_at, f.customer_at, f.evangelist_at
		FROM @workspace@.funnel_at_lead(funnel_at.happened_until, funnel_at.known_until) f
		JOIN @workspace@.funnel_scale n ON n.stage = f.stage
		JOIN @workspace@.funnel_scale p ON p.stage = f.peak
	), cell AS MATERIALIZED (
		SELECT j.channel, j.peak, j.outcome, j.stamped, count(*) AS leads, count(j.value) AS valued, sum(j.value) AS value
		FROM journey j
		WHERE j.peak IS NOT NULL
		GROUP BY j.channel, j.peak, j.outcome, j.stamped
	), best AS (
		SELECT r.position, max(100.0::double precision * r.advanced / r.resolved) AS best_pct
		FROM (
			SELECT s.position, sum(c.leads) FILTER (WHERE c.peak > s.position) AS advanced,
				sum(c.leads) FILTER (WHERE c.peak > s.position OR c.outcome > 1) AS resolved
			FROM cell c
			JOIN @workspace@.funnel_scale s ON s.in_funnel AND c.peak >= s.position
			WHERE c.channel IS NOT NULL
			GROUP BY c.channel, s.position
		) r
		WHERE r.resolved >= 100
		GROUP BY r.position
	), counted AS (
		SELECT s.position, s.stage, s.label, s.next_position,
			coalesce(sum(c.leads), 0)::bigint AS entered,
			coalesce(sum(c.leads) FILTER (WHERE c.peak > s.position), 0)::bigint AS advanced,
			coalesce(sum(c.leads) FILTER (WHERE c.peak = s.position AND c.outcome = 1), 0)::bigint AS active,
			coalesce(sum(c.leads) FILTER (WHERE c.peak = s.position AND c.outcome = 2), 0)::bigint AS stalled,
			coalesce(sum(c.leads) FILTER (WHERE c.peak = s.position AND c.outcome = 3), 0)::bigint AS returned,
			coalesce(sum(c.leads) FILTER (WHERE c.peak = s.position AND c.outcome = 4), 0)::bigint AS leaked,
			coalesce(sum(c.leads) FILTER (WHERE c.stamped & b.bit = 0
				AND c.stamped & (b.bit - 1) > 0 AND c.stamped > b.bit), 0)::bigint AS skipped,
			coalesce(sum(c.leads) FILTER (WHERE c.stamped & (2 * b.bit - 1) = 0), 0)::bigint AS joined_later,
			coalesce(sum(c.value) FILTER (WHERE c.peak = s.position AND c.outcome > 1), 0) AS lost_value,
			coalesce(sum(c.valued) FILTER (WHERE c.peak = s.position AND c.outcome > 1), 0)::bigint AS lost_valued,
			coalesce(sum(c.leads) FILTER (WHERE c.peak = s.position AND c.outcome > 1), 0)::bigint AS lost,
			CASE WHEN s.next_position IS NOT NULL THEN coalesce(s.target_conversion_pct::double precision, max(t.best_pct)) END
				AS reference_pct
		FROM @workspace@.funnel_scale s
		CROSS JOIN LATERAL (SELECT 1 << (s.position - 1) AS bit) b
		LEFT JOIN cell c ON c.peak >= s.position
		LEFT JOIN best t ON t.position = s.position
		WHERE s.in_funnel
		GROUP BY s.position, s.stage, s.label, s.next_position, s.target_conversion_pct
	), days AS (
		SELECT v.position, v.mean, v.centile
		FROM (
			SELECT avg(d.days_1) AS mean_1, percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY d.days_1) AS centile_1,
				avg(d.days_2) AS mean_2, percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY d.days_2) AS centile_2,
				avg(d.days_3) AS mean_3, percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY d.days_3) AS centile_3,
				avg(d.days_4) AS mean_4, percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY d.days_4) AS centile_4,
				avg(d.days_5) AS mean_5, percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY d.days_5) AS centile_5,
				avg(d.days_6) AS mean_6, percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY d.days_6) AS centile_6
			FROM (
				SELECT
				date_part('epoch', CASE nexts[1] WHEN 2 THEN j.lead_at WHEN 3 THEN j.mql_at WHEN 4 THEN j.sql_at WHEN 5 THEN j.opportunity_at WHEN 6 THEN j.customer_at WHEN 7 THEN j.evangelist_at END - j.subscriber_at) / 86400 AS days_1,
				date_part('epoch', CASE nexts[2] WHEN 3 THEN j.mql_at WHEN 4 THEN j.sql_at WHEN 5 THEN j.opportunity_at WHEN 6 THEN j.customer_at WHEN 7 THEN j.evangelist_at END - j.lead_at) / 86400 AS days_2,
				date_part('epoch', CASE nexts[3] WHEN 4 THEN j.sql_at WHEN 5 THEN j.opportunity_at WHEN 6 THEN j.customer_at WHEN 7 THEN j.evangelist_at END - j.mql_at) / 86400 AS days_3,
				date_part('epoch', CASE nexts[4] WHEN 5 THEN j.opportunity_at WHEN 6 THEN j.customer_at WHEN 7 THEN j.evangelist_at END - j.sql_at) / 86400 AS days_4,
				date_part('epoch', CASE nexts[5] WHEN 6 THEN j.customer_at WHEN 7 THEN j.evangelist_at END - j.opportunity_at) / 86400 AS days_5,
				date_part('epoch', CASE nexts[6] WHEN 7 THEN j.evangelist_at END - j.customer_at) / 86400 AS days_6
				FROM journey j
				-- most leads have one stamp: they need not be looked at more closely
				WHERE j.stamped & (j.stamped - 1) > 0
			) d
		) t
		CROSS JOIN LATERAL (VALUES (1, t.mean_1, t.centile_1), (2, t.mean_2, t.centile_2), (3, t.mean_3, t.centile_3),
			(4, t.mean_4, t.centile_4), (5, t.mean_5, t.centile_5), (6, t.mean_6, t.centile_6)) v ("position", mean, centile)
		WHERE v.mean IS NOT NULL
	)
	SELECT c.position, c.stage, c.label, c.entered, c.advanced, c.active, c.stalled, c.returned, c.leaked, c.skipped,
		c.joined_later, r.conversion_pct::numeric, r.resolved_pct::numeric, r.cumulative_pct::numeric, c.lost,
		r.lost_share_pct::numeric, c.lost_value, r.value_known_pct::numeric,
		d.mean::numeric, d.centile[1]::numeric, d.centile[2]::numeric,
		c.reference_pct::numeric, r.recoverable::numeric, r.is_bottleneck
	FROM (
		SELECT array_agg(''::text) AS keys, array_agg(x.position) AS positions, array_agg(x.entered) AS entered,
			array_agg(x.advanced) AS advanced, array_agg(x.active) AS active, array_agg(x.lost) AS lost,
			array_agg(x.lost_valued) AS lost_valued, array_agg(x.reference_pct) AS reference_pct
		FROM counted x
	) a
	CROSS JOIN LATERAL @workspace@.funnel_rates(a.keys, a.positions, a.entered, a.advanced, a.active, a.lost, a.lost_valued,
		a.reference_pct) r
	JOIN counted c ON c.position = r.position
	LEFT JOIN days d ON d.position = c.position
	ORDER BY c.position;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.funnel_at(timestamptz, timestamptz) IS
	'funnel_leak as it stood at happened_until, and as it was known at known_until (not given: as it is known today). Told from stage_history and status_history: what had happened by then (changed_at, or recorded_at where that is earlier: a time given for a change may lie up to a minute ahead), and had been written down by then (recorded_at); a correction voids a change once it was made; deleted leads count until they went. funnel_at(T, T) shows today what funnel_leak showed at T, whatever was imported, reported late, corrected or deleted since; funnel_at(T) shows T as we know better now; funnel_at(now(), now()) is funnel_leak. Exact for stage and status, up to transactions that were open at the instant itself: a row''s recorded_at is taken before its commit. What keeps no history is that of now: which leads are excluded, their channels (for reference_pct) and values (lost_value, value_known_pct; a deleted lead has neither, and counts as not excluded), the categories of statuses, the settings of stages (in_funnel, label, target, stuck_after). Leads that were stored without their birth (leadcrm.enforcement = off) are told by their stamps, and count as known always. Columns as in funnel_leak. No rows where no stage is in the funnel (stage.in_funnel). Unique key: stage (also position). Errors: 22004 NULL; 22023 an instant that is not finite or in the future, known_until before happened_until.';
