-- One flat row a lead, for BI tools: codes and labels side by side, numbers for durations, no personal data.

CREATE OR REPLACE VIEW @workspace@.lead_fact WITH (security_invoker = true) AS
SELECT l.lead_id, l.external_id, l.created_at,
	(l.created_at AT TIME ZONE (SELECT z.time_zone FROM @workspace@.setting z))::date AS created_on,
	date_trunc('month', l.created_at AT TIME ZONE (SELECT z.time_zone FROM @workspace@.setting z))::date AS created_month,
	l.channel, c.label AS channel_label, c.source_kind,
	l.campaign_id, p.code AS campaign, p.label AS campaign_label,
	l.owner, r.full_name AS owner_label, r.team, m.label AS team_label,
	l.industry, l.company_size, l.country,
	l.stage, n.position AS stage_position, n.label AS stage_label, l.stage_since,
	@workspace@.days_between(l.stage_since, greatest(l.stage_since, now()))::numeric AS stage_days,
	l.stage_reason, l.stage_seq AS stage_changes,
	l.stage_peak AS peak_stage, k.position AS peak_position, k.label AS peak_label,
	l.status, t.label AS status_label, l.status_category, l.status_since, l.status_reason,
	l.status_category <> 'closed' AND l.stage < 'customer' AS is_alive,
	coalesce(l.stage_peak >= 'customer', false) AS is_won,
	f.peak_position AS funnel_position, u.stage AS funnel_stage, u.label AS funnel_label,
	f.outcome_position, f.outcome,
	l.subscriber_at, l.lead_at, l.mql_at, l.sql_at, l.opportunity_at, l.customer_at, l.evangelist_at,
	d.subscriber_days, d.lead_days, d.mql_days, d.sql_days, d.opportunity_days, d.customer_days, d.evangelist_days,
	@workspace@.days_between(l.created_at, l.customer_at)::numeric AS created_to_customer_days,
	l.handed_off_at, l.first_touch_at, l.accepted_at, l.returned_at, l.return_count, l.recycle_on, l.fit, l.value,
	coalesce(leadcrm.points_or_infinity(l.engagement, now()), 0) AS engagement_now, l.handoff_temperature
FROM @workspace@.lead l
LEFT JOIN @workspace@.funnel_lead f ON f.lead_id = l.lead_id
LEFT JOIN @workspace@.stage n ON n.stage = l.stage
LEFT JOIN @workspace@.stage k ON k.stage = l.stage_peak
LEFT JOIN @workspace@.stage u ON u.position = f.peak_position
LEFT JOIN @workspace@.lead_status t ON t.code = l.status
LEFT JOIN @workspace@.channel c ON c.code = l.channel
LEFT JOIN @workspace@.campaign p ON p.campaign_id = l.campaign_id
LEFT JOIN @workspace@.rep r ON r.code = l.owner
LEFT JOIN @workspace@.team m ON m.code = r.team
-- grouped by its key, so that a query that asks for no days does not compute them
LEFT JOIN (
	SELECT y.lead_id,
		sum(y.cumulative_days) FILTER (WHERE y.stage = 'subscriber') AS subscriber_days,
		sum(y.cumulative_days) FILTER (WHERE y.stage = 'lead') AS lead_days,
		sum(y.cumulative_days) FILTER (WHERE y.stage = 'mql') AS mql_days,
		sum(y.cumulative_days) FILTER (WHERE y.stage = 'sql') AS sql_days,
		sum(y.cumulative_days) FILTER (WHERE y.stage = 'opportunity') AS opportunity_days,
		sum(y.cumulative_days) FILTER (WHERE y.stage = 'customer') AS customer_days,
		sum(y.cumulative_days) FILTER (WHERE y.stage = 'evangelist') AS evangelist_days
	FROM @workspace@.stage_stay y
	GROUP BY y.lead_id
) d ON d.lead_id = l.lead_id
WHERE l.excluded_as IS NULL;
COMMENT ON VIEW @workspace@.lead_fact IS
	'One row for each lead but the excluded ones, flat, for BI tools: keys, codes and labels, stage dates, days in each stage, outcome, money. Unique key: lead_id. No names, addresses or numbers of persons. Shows rows of leads with the rights of whoever asks.';
COMMENT ON COLUMN @workspace@.lead_fact.lead_id IS 'The lead';
COMMENT ON COLUMN @workspace@.lead_fact.external_id IS 'The lead''s key in the system it comes from';
COMMENT ON COLUMN @workspace@.lead_fact.created_at IS 'When it was created';
COMMENT ON COLUMN @workspace@.lead_fact.created_on IS 'The day of that in the workspace''s time zone';
COMMENT ON COLUMN @workspace@.lead_fact.created_month IS 'First day of that month';
COMMENT ON COLUMN @workspace@.lead_fact.channel IS 'Channel it came by';
COMMENT ON COLUMN @workspace@.lead_fact.channel_label IS 'Name of the channel';
COMMENT ON COLUMN @workspace@.lead_fact.source_kind IS
	'seed (word of mouth), net (inbound), spear (outbound); NULL: not known';
COMMENT ON COLUMN @workspace@.lead_fact.campaign_id IS 'Key of the campaign; NULL: none';
COMMENT ON COLUMN @workspace@.lead_fact.campaign IS 'Code of the campaign';
COMMENT ON COLUMN @workspace@.lead_fact.campaign_label IS 'Name of the campaign';
COMMENT ON COLUMN @workspace@.lead_fact.owner IS 'Who has it now';
COMMENT ON COLUMN @workspace@.lead_fact.owner_label IS 'Name of the owner';
COMMENT ON COLUMN @workspace@.lead_fact.team IS 'The owner''s team';
COMMENT ON COLUMN @workspace@.lead_fact.team_label IS 'Name of the team';
COMMENT ON COLUMN @workspace@.lead_fact.industry IS 'Industry of the company';
COMMENT ON COLUMN @workspace@.lead_fact.company_size IS 'Number of employees';
COMMENT ON COLUMN @workspace@.lead_fact.country IS 'Country, as the company writes it';
COMMENT ON COLUMN @workspace@.lead_fact.stage IS 'Present stage';
COMMENT ON COLUMN @workspace@.lead_fact.stage_position IS 'Order of the stage';
COMMENT ON COLUMN @workspace@.lead_fact.stage_label IS 'Name of the stage';
COMMENT ON COLUMN @workspace@.lead_fact.stage_since IS 'When it came into the stage';
COMMENT ON COLUMN @workspace@.lead_fact.stage_days IS 'Days (24 hours, fractions count) in the stage so far';
COMMENT ON COLUMN @workspace@.lead_fact.stage_reason IS 'Why it came there';
COMMENT ON COLUMN @workspace@.lead_fact.stage_changes IS
	'Number of changes of its stage, birth being 1, corrected ones and corrections included';
COMMENT ON COLUMN @workspace@.lead_fact.peak_stage IS 'Furthest stage ever reached';
COMMENT ON COLUMN @workspace@.lead_fact.peak_position IS 'Order of that stage';
COMMENT ON COLUMN @workspace@.lead_fact.peak_label IS 'Name of that stage';
COMMENT ON COLUMN @workspace@.lead_fact.status IS 'Present status';
COMMENT ON COLUMN @workspace@.lead_fact.status_label IS 'Name of the status';
COMMENT ON COLUMN @workspace@.lead_fact.status_category IS 'Category of the status';
COMMENT ON COLUMN @workspace@.lead_fact.status_since IS 'When the status began';
COMMENT ON COLUMN @workspace@.lead_fact.status_reason IS 'Why';
COMMENT ON COLUMN @workspace@.lead_fact.is_alive IS 'Whether its status is not closed and its stage before customer';
COMMENT ON COLUMN @workspace@.lead_fact.is_won IS 'Whether it ever reached customer';
COMMENT ON COLUMN @workspace@.lead_fact.funnel_position IS
	'Position of its peak in the funnel; NULL: never in the funnel';
COMMENT ON COLUMN @workspace@.lead_fact.funnel_stage IS 'The peak: furthest funnel stage at or below peak_stage';
COMMENT ON COLUMN @workspace@.lead_fact.funnel_label IS 'Name of that stage';
COMMENT ON COLUMN @workspace@.lead_fact.outcome_position IS
	'The outcome as a number: 1 active, 2 stalled, 3 returned, 4 leaked';
COMMENT ON COLUMN @workspace@.lead_fact.outcome IS
	'What became of it at its peak: active, stalled, returned or leaked, as in funnel_leak; NULL: never in the funnel';
COMMENT ON COLUMN @workspace@.lead_fact.subscriber_at IS 'First entry into subscriber; NULL: none on record';
COMMENT ON COLUMN @workspace@.lead_fact.lead_at IS 'First entry into lead; NULL: none on record';
COMMENT ON COLUMN @workspace@.lead_fact.mql_at IS 'First entry into mql; NULL: none on record';
COMMENT ON COLUMN @workspace@.lead_fact.sql_at IS 'First entry into sql; NULL: none on record';
COMMENT ON COLUMN @workspace@.lead_fact.opportunity_at IS 'First entry into opportunity; NULL: none on record';
COMMENT ON COLUMN @workspace@.lead_fact.customer_at IS 'First entry into customer; NULL: none on record';
COMMENT ON COLUMN @workspace@.lead_fact.evangelist_at IS 'First entry into evangelist; NULL: none on record';
COMMENT ON COLUMN @workspace@.lead_fact.subscriber_days IS
	'Days (24 hours, fractions count) in subscriber, all stays together, up to now while one lasts; NULL: no stay on record';
COMMENT ON COLUMN @workspace@.lead_fact.lead_days IS
	'Days (24 hours, fractions count) in lead, all stays together, up to now while one lasts; NULL: no stay on record';
COMMENT ON COLUMN @workspace@.lead_fact.mql_days IS
	'Days (24 hours, fractions count) in mql, all stays together, up to now while one lasts; NULL: no stay on record';
COMMENT ON COLUMN @workspace@.lead_fact.sql_days IS
	'Days (24 hours, fractions count) in sql, all stays together, up to now while one lasts; NULL: no stay on record';
COMMENT ON COLUMN @workspace@.lead_fact.opportunity_days IS
	'Days (24 hours, fractions count) in opportunity, all stays together, up to now while one lasts; NULL: no stay on record';
COMMENT ON COLUMN @workspace@.lead_fact.customer_days IS
	'Days (24 hours, fractions count) in customer, all stays together, up to now while one lasts; NULL: no stay on record';
COMMENT ON COLUMN @workspace@.lead_fact.evangelist_days IS
	'Days (24 hours, fractions count) in evangelist, all stays together, up to now while one lasts; NULL: no stay on record';
COMMENT ON COLUMN @workspace@.lead_fact.created_to_customer_days IS
	'Days from created_at to customer_at; negative where imported stamps stand the wrong way round';
COMMENT ON COLUMN @workspace@.lead_fact.handed_off_at IS 'Latest handoff to sales';
COMMENT ON COLUMN @workspace@.lead_fact.first_touch_at IS 'When sales first tried to reach it';
COMMENT ON COLUMN @workspace@.lead_fact.accepted_at IS 'When sales took up the latest handoff';
COMMENT ON COLUMN @workspace@.lead_fact.returned_at IS 'When it last came back from sales';
COMMENT ON COLUMN @workspace@.lead_fact.return_count IS 'How often it came back';
COMMENT ON COLUMN @workspace@.lead_fact.recycle_on IS 'The day to try again';
COMMENT ON COLUMN @workspace@.lead_fact.fit IS 'How well it matches the ideal customer, 0 to 100; NULL: not rated';
COMMENT ON COLUMN @workspace@.lead_fact.value IS 'What it may be worth, in the base currency; NULL: not known';
COMMENT ON COLUMN @workspace@.lead_fact.engagement_now IS 'Points of its activities, decayed to now; 0 without activities';
COMMENT ON COLUMN @workspace@.lead_fact.handoff_temperature IS
	'How warm it was at its latest handoff: cold, warm or hot; NULL: not handed off, or not known';
