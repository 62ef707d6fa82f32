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
	-- no later than a timestamp can say: 3,000 years are never, too
	CASE WHEN s.stuck_after IS NOT NULL THEN now() - make_interval(secs => least(date_part('epoch', s.stuck_after), 1e11)) END AS stuck_before
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
	'A lead that came into the stage before this instant stands there too long (now less stuck_after, a day being 24 hours, a month 30 days and twelve months 365.25 days); NULL: never';

-- The next three are expressions with a name: the planner puts them in place.
CREATE OR REPLACE FUNCTION @workspace@.days_between(since timestamptz, until timestamptz)
RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN isfinite(since) AND isfinite(until) THEN date_part('epoch', until - since) / 86400 END;
COMMENT ON FUNCTION @workspace@.days_between(timestamptz, timestamptz) IS
	'Days (24 hours, fractions count) from one instant to another, below 0 the wrong way round; NULL where one is not known or infinite.';

CREATE OR REPLACE FUNCTION @workspace@.funnel_outcome(peak_position integer, "position" integer, status_category text,
	stage_since timestamptz, stuck_before timestamptz)
RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN peak_position IS NULL THEN NULL
	WHEN status_category = 'closed' THEN 4
	WHEN "position" < peak_position THEN 3
	WHEN stage_since < stuck_before THEN 2
	ELSE 1 END;
COMMENT ON FUNCTION @workspace@.funnel_outcome(integer, integer, text, timestamptz, timestamptz) IS
	'What became of a lead at its peak: 4 leaked (its status is closed), 3 returned (alive, but its stage lies before the peak), 2 stalled (in its stage since before stuck_before), else 1 active; NULL: never in the funnel.';

CREATE OR REPLACE FUNCTION @workspace@.funnel_stamped(subscriber_at timestamptz, lead_at timestamptz,
	mql_at timestamptz, sql_at timestamptz, opportunity_at timestamptz, customer_at timestamptz, evangelist_at timestamptz)
RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN subscriber_at IS NULL THEN 0 ELSE 1 END
	+ CASE WHEN lead_at IS NULL THEN 0 ELSE 2 END
	+ CASE WHEN mql_at IS NULL THEN 0 ELSE 4 END
	+ CASE WHEN sql_at IS NULL THEN 0 ELSE 8 END
	+ CASE WHEN opportunity_at IS NULL THEN 0 ELSE 16 END
	+ CASE WHEN customer_at IS NULL THEN 0 ELSE 32 END
	+ CASE WHEN evangelist_at IS NULL THEN 0 ELSE 64 END;
COMMENT ON FUNCTION @workspace@.funnel_stamped(timestamptz, timestamptz, timestamptz, timestamptz, timestamptz,
	timestamptz, timestamptz) IS
	'Which stages have a first entry on record, as a sum of bits: 2 to the power of (position - 1).';

CREATE OR REPLACE VIEW @workspace@.funnel_lead WITH (security_invoker = true) AS
SELECT j.lead_id, j.channel, j.campaign_id, j.owner, j.created_at, j.value,
	j.position, j.peak_position, j.outcome_position, j.stamped,
	j.subscriber_at, j.lead_at, j.mql_at, j.sql_at, j.opportunity_at, j.customer_at, j.evangelist_at,
	(ARRAY['active', 'stalled', 'returned', 'leaked'])[j.outcome_position] AS outcome
FROM (
	SELECT l.lead_id, l.channel, l.campaign_id, l.owner, l.created_at, l.value,
		n.position, p.funnel_position AS peak_position,
		@workspace@.funnel_outcome(p.funnel_position, n.position, l.status_category, l.stage_since, n.stuck_before)
			AS outcome_position,
		@workspace@.funnel_stamped(l.subscriber_at, l.lead_at, l.mql_at, l.sql_at, l.opportunity_at, l.customer_at,
			l.evangelist_at) AS stamped,
		l.subscriber_at, l.lead_at, l.mql_at, l.sql_at, l.opportunity_at, l.customer_at, l.evangelist_at
	FROM @workspace@.lead l
	JOIN @workspace@.funnel_scale n ON n.stage = l.stage
	JOIN @workspace@.funnel_scale p ON p.stage = coalesce(l.stage_peak, l.stage)
	WHERE l.excluded_as IS NULL
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
RETURNS TABLE (key text, lead_id bigint, stage leadcrm.lifecycle_stage, peak leadcrm.lifecycle_stage,
	stage_since timestamptz, status_category text, value numeric, entered_at timestamptz,
	subscriber_at timestamptz, lead_at timestamptz, mql_at timestamptz,
	sql_at timestamptz, opportunity_at timestamptz, customer_at timestamptz, evangelist_at timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
-- A plain SELECT, so that the planner puts it in place of the call. What does not depend on the lead stands in
-- subqueries of its own, which run once and only if they are needed.
SELECT g.key, g.lead_id, g.stage, g.peak, g.stage_since, g.status_category, g.value, g.entered_at,
	g.subscriber_at, g.lead_at, g.mql_at, g.sql_at, g.opportunity_at, g.customer_at, g.evangelist_at
FROM (
	SELECT f.lead_id, f.stage, coalesce(f.stage_peak, f.stage) AS peak, f.stage_since, f.status_category, f.value,
		CASE funnel_cohort.dimension
			WHEN 'channel' THEN f.channel
			WHEN 'campaign' THEN coalesce(f.campaign_id::text, '')
			WHEN 'owner' THEN f.owner
			WHEN 'source_kind' THEN coalesce(k.kinds ->> f.channel, '')
			WHEN 'temperature' THEN coalesce(f.handoff_temperature, '')
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
	FROM @workspace@.lead f
	CROSS JOIN (
		SELECT (SELECT z.time_zone FROM @workspace@.setting z) AS time_zone,
			(SELECT jsonb_object_agg(c.code, c.source_kind) FROM @workspace@.channel c) AS kinds
	) k
	WHERE f.excluded_as IS NULL
) g
WHERE funnel_cohort.since IS NULL
-- by the day that the calendar shows, also where clocks are put back over midnight; the day before and after save the others that
OR (g.entered_at >= (SELECT (funnel_cohort.since - 1)::timestamp AT TIME ZONE z.time_zone FROM @workspace@.setting z)
	AND g.entered_at < (SELECT (funnel_cohort.until + 1)::timestamp AT TIME ZONE z.time_zone FROM @workspace@.setting z)
	AND (g.entered_at AT TIME ZONE (SELECT z.time_zone FROM @workspace@.setting z))::date >= funnel_cohort.since
	AND (g.entered_at AT TIME ZONE (SELECT z.time_zone FROM @workspace@.setting z))::date < funnel_cohort.until);
END;

COMMENT ON FUNCTION @workspace@.funnel_cohort(text, date, date, leadcrm.lifecycle_stage) IS
	'The leads of one cohort, one row each (excluded ones are in none), with stage, furthest stage (peak), stamps and value, and the value of one dimension as text: channel, campaign, owner, source_kind, temperature (at the handoff; empty: none), month (of creation, in the workspace''s time zone), else the empty text for all. The cohort: leads created from since (included) to until (excluded), or that first entered cohort_stage then; since NULL: all leads. entered_at is that instant. Unique key: lead_id. A building block of the funnel views.';
