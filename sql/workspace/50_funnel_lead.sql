-- The funnel's raw material: where each lead stands in it. Everything above reads these, so each rule stands here once.

CREATE OR REPLACE VIEW @workspace@.funnel_scale WITH (security_invoker = true) AS
SELECT s.stage,
	s.position::integer AS position,
	s.label,
	s.in_funnel,
	-- window functions, not subqueries: they are computed once and not once a lead
	(max(s.position) FILTER (WHERE s.in_funnel) OVER (ORDER BY s.position))::integer AS funnel_position,
	CASE WHEN s.in_funnel THEN
		min(s.position) FILTER (WHERE s.in_funnel)
			OVER (ORDER BY s.position ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)
	END::integer AS next_position,
	s.target_conversion_pct,
	now() - make_interval(secs => date_part('epoch', s.stuck_after)) AS stuck_before
FROM @workspace@.stage s
-- There are seven. Said here because the planner takes a small table that was never analysed for a thousand rows.
LIMIT 7;

COMMENT ON VIEW @workspace@.funnel_scale IS
	'All stages as the funnel measures them. Unique key: stage (also position). Rows of settings, not of leads.';
COMMENT ON COLUMN @workspace@.funnel_scale.stage IS 'Lifecycle stage';
COMMENT ON COLUMN @workspace@.funnel_scale.position IS 'Order of the stage, the first being 1';
COMMENT ON COLUMN @workspace@.funnel_scale.label IS 'Name of the stage as this company says it';
COMMENT ON COLUMN @workspace@.funnel_scale.in_funnel IS 'Whether the stage is one of the funnel''s';
COMMENT ON COLUMN @workspace@.funnel_scale.funnel_position IS
	'Position of the furthest funnel stage at or before this one; NULL where the funnel begins later';
COMMENT ON COLUMN @workspace@.funnel_scale.next_position IS
	'Position of the next funnel stage; NULL for the last one and for stages outside the funnel';
COMMENT ON COLUMN @workspace@.funnel_scale.target_conversion_pct IS
	'What the company aims at: percent (0-100) of leads that go on from here; NULL: no target';
COMMENT ON COLUMN @workspace@.funnel_scale.stuck_before IS
	'A lead that came into the stage before this instant stands there too long (now less stuck_after, a month being 30 days and a day 24 hours); NULL: never';

CREATE OR REPLACE VIEW @workspace@.funnel_lead WITH (security_invoker = true) AS
SELECT j.lead_id, j.channel, j.campaign_id, j.owner, j.created_at, j.value,
	j.position, j.peak_position, j.outcome_position, j.stamped,
	j.subscriber_at, j.lead_at, j.mql_at, j.sql_at, j.opportunity_at, j.customer_at, j.evangelist_at,
	(ARRAY['active', 'stalled', 'returned', 'leaked'])[j.outcome_position] AS outcome
FROM (
	SELECT i.*,
		CASE WHEN i.peak_position IS NULL THEN NULL
			WHEN i.status_category = 'closed' THEN 4
			WHEN i.position < i.peak_position THEN 3
			WHEN i.stage_since < i.stuck_before THEN 2
			ELSE 1
		END AS outcome_position
	FROM (
		-- The scale comes as arrays, made once; and a query that does not ask for positions skips both joins.
		SELECT l.*, n.position,
			(SELECT array_agg(s.funnel_position ORDER BY s.position) FROM @workspace@.funnel_scale s)[p.position]
				AS peak_position,
			(SELECT array_agg(s.stuck_before ORDER BY s.position) FROM @workspace@.funnel_scale s)[n.position]
				AS stuck_before,
			CASE WHEN l.subscriber_at IS NULL THEN 0 ELSE 1 END
			+ CASE WHEN l.lead_at IS NULL THEN 0 ELSE 2 END
			+ CASE WHEN l.mql_at IS NULL THEN 0 ELSE 4 END
			+ CASE WHEN l.sql_at IS NULL THEN 0 ELSE 8 END
			+ CASE WHEN l.opportunity_at IS NULL THEN 0 ELSE 16 END
			+ CASE WHEN l.customer_at IS NULL THEN 0 ELSE 32 END
			+ CASE WHEN l.evangelist_at IS NULL THEN 0 ELSE 64 END AS stamped
		FROM @workspace@.lead l
		LEFT JOIN @workspace@.stage n ON n.stage = l.stage
		LEFT JOIN @workspace@.stage p ON p.stage = coalesce(l.stage_peak, l.stage)
		WHERE l.excluded_as IS NULL
	) i
) j;

COMMENT ON VIEW @workspace@.funnel_lead IS
	'One row for each lead that counts in figures (excluded_as is NULL), with its place in the funnel. Unique key: lead_id. Shows rows of leads with the rights of whoever asks.';
COMMENT ON COLUMN @workspace@.funnel_lead.lead_id IS 'Key of the lead';
COMMENT ON COLUMN @workspace@.funnel_lead.channel IS 'Code of the channel the lead came by';
COMMENT ON COLUMN @workspace@.funnel_lead.campaign_id IS 'Key of the campaign; NULL: none';
COMMENT ON COLUMN @workspace@.funnel_lead.owner IS 'Code of the sales person who has the lead';
COMMENT ON COLUMN @workspace@.funnel_lead.created_at IS 'When the lead was created';
COMMENT ON COLUMN @workspace@.funnel_lead.value IS 'What the lead is worth, in the base currency; NULL: not known';
COMMENT ON COLUMN @workspace@.funnel_lead.position IS 'Position of the present stage';
COMMENT ON COLUMN @workspace@.funnel_lead.peak_position IS
	'Position of the furthest funnel stage at or below the furthest stage the lead ever reached; NULL: never in the funnel';
COMMENT ON COLUMN @workspace@.funnel_lead.outcome_position IS
	'The outcome as a number: 1 active, 2 stalled, 3 returned, 4 leaked; NULL: never in the funnel';
COMMENT ON COLUMN @workspace@.funnel_lead.stamped IS
	'Stages that have a first entry on record, as a sum of bits: 2 to the power of (position - 1)';
COMMENT ON COLUMN @workspace@.funnel_lead.subscriber_at IS 'First entry into subscriber; NULL: none on record';
COMMENT ON COLUMN @workspace@.funnel_lead.lead_at IS 'First entry into lead; NULL: none on record';
COMMENT ON COLUMN @workspace@.funnel_lead.mql_at IS 'First entry into mql; NULL: none on record';
COMMENT ON COLUMN @workspace@.funnel_lead.sql_at IS 'First entry into sql; NULL: none on record';
COMMENT ON COLUMN @workspace@.funnel_lead.opportunity_at IS 'First entry into opportunity; NULL: none on record';
COMMENT ON COLUMN @workspace@.funnel_lead.customer_at IS 'First entry into customer; NULL: none on record';
COMMENT ON COLUMN @workspace@.funnel_lead.evangelist_at IS 'First entry into evangelist; NULL: none on record';
COMMENT ON COLUMN @workspace@.funnel_lead.outcome IS
	'What became of the lead at its peak: leaked (its status is closed), returned (alive, but its stage lies before the peak), stalled (longer in its stage than stuck_after), else active';

CREATE OR REPLACE FUNCTION @workspace@.funnel_cohort(dimension text, since date, until date,
	cohort_stage leadcrm.lifecycle_stage)
RETURNS TABLE (key text, lead_id bigint, peak_position integer, outcome_position integer, stamped integer,
	value numeric, entered_at timestamptz, subscriber_at timestamptz, lead_at timestamptz, mql_at timestamptz,
	sql_at timestamptz, opportunity_at timestamptz, customer_at timestamptz, evangelist_at timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
-- A plain SELECT, so that the planner puts it in place of the call. What does not depend on the lead stands in
-- subqueries of its own, which run once and only if they are needed.
SELECT g.key, g.lead_id, g.peak_position, g.outcome_position, g.stamped, g.value, g.entered_at,
	g.subscriber_at, g.lead_at, g.mql_at, g.sql_at, g.opportunity_at, g.customer_at, g.evangelist_at
FROM (
	SELECT f.lead_id, f.peak_position, f.outcome_position, f.stamped, f.value,
		CASE funnel_cohort.dimension
			WHEN 'channel' THEN f.channel
			WHEN 'campaign' THEN coalesce(f.campaign_id::text, '')
			WHEN 'owner' THEN f.owner
			WHEN 'source_kind' THEN coalesce(k.kinds ->> f.channel, '')
			WHEN 'month' THEN date_trunc('month', f.created_at AT TIME ZONE k.time_zone)::date::text
			ELSE ''
		END AS key,
		CASE funnel_cohort.cohort_stage
			WHEN 'subscriber' THEN f.subscriber_at
			WHEN 'lead' THEN f.lead_at
			WHEN 'mql' THEN f.mql_at
			WHEN 'sql' THEN f.sql_at
			WHEN 'opportunity' THEN f.opportunity_at
			WHEN 'customer' THEN f.customer_at
			WHEN 'evangelist' THEN f.evangelist_at
			ELSE f.created_at
		END AS entered_at,
		f.subscriber_at, f.lead_at, f.mql_at, f.sql_at, f.opportunity_at, f.customer_at, f.evangelist_at
	FROM @workspace@.funnel_lead f
	CROSS JOIN (
		SELECT (SELECT z.time_zone FROM @workspace@.setting z) AS time_zone,
			(SELECT jsonb_object_agg(c.code, c.source_kind) FROM @workspace@.channel c) AS kinds
	) k
) g
WHERE funnel_cohort.since IS NULL
OR (g.entered_at >= (SELECT funnel_cohort.since::timestamp AT TIME ZONE z.time_zone FROM @workspace@.setting z)
	AND g.entered_at < (SELECT funnel_cohort.until::timestamp AT TIME ZONE z.time_zone FROM @workspace@.setting z));
END;

COMMENT ON FUNCTION @workspace@.funnel_cohort(text, date, date, leadcrm.lifecycle_stage) IS
	'The leads of one cohort, one row each, with the value of one dimension as text: channel, campaign, owner, source_kind, month (of creation, in the workspace''s time zone), else the empty text for all. The cohort: leads created from since (included) to until (excluded), or that first entered cohort_stage then; since NULL: all leads. entered_at is that instant. Unique key: lead_id. A building block of the funnel views.';
