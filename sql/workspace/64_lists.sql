-- Lists that people work through: who is stuck, who is in no figure, which status nobody uses, which stamps contradict.

CREATE OR REPLACE VIEW @workspace@.excluded_lead WITH (security_invoker = true) AS
SELECT l.lead_id, l.excluded_as, l.external_id, l.full_name, l.email, l.company, l.stage, s.position, s.label,
	l.status, t.label AS status_label, l.channel, c.label AS channel_label, l.owner, r.full_name AS owner_label,
	l.created_at
FROM @workspace@.lead l
LEFT JOIN @workspace@.stage s ON s.stage = l.stage
LEFT JOIN @workspace@.lead_status t ON t.code = l.status
LEFT JOIN @workspace@.channel c ON c.code = l.channel
LEFT JOIN @workspace@.rep r ON r.code = l.owner
WHERE l.excluded_as IS NOT NULL;
COMMENT ON VIEW @workspace@.excluded_lead IS
	'Leads that are in no figure. Unique key: lead_id. Shows rows of leads with the rights of whoever asks.';
COMMENT ON COLUMN @workspace@.excluded_lead.lead_id IS 'The lead';
COMMENT ON COLUMN @workspace@.excluded_lead.excluded_as IS 'Why: test, spam, employee, competitor or duplicate';
COMMENT ON COLUMN @workspace@.excluded_lead.external_id IS 'The lead''s key in the system it comes from';
COMMENT ON COLUMN @workspace@.excluded_lead.full_name IS 'Name of the person';
COMMENT ON COLUMN @workspace@.excluded_lead.email IS 'E-mail address';
COMMENT ON COLUMN @workspace@.excluded_lead.company IS 'Name of the company';
COMMENT ON COLUMN @workspace@.excluded_lead.stage IS 'Present stage';
COMMENT ON COLUMN @workspace@.excluded_lead."position" IS 'Order of the stage';
COMMENT ON COLUMN @workspace@.excluded_lead.label IS 'Name of the stage';
COMMENT ON COLUMN @workspace@.excluded_lead.status IS 'Present status';
COMMENT ON COLUMN @workspace@.excluded_lead.status_label IS 'Name of the status';
COMMENT ON COLUMN @workspace@.excluded_lead.channel IS 'Channel it came by';
COMMENT ON COLUMN @workspace@.excluded_lead.channel_label IS 'Name of the channel';
COMMENT ON COLUMN @workspace@.excluded_lead.owner IS 'Who has it';
COMMENT ON COLUMN @workspace@.excluded_lead.owner_label IS 'Name of the owner';
COMMENT ON COLUMN @workspace@.excluded_lead.created_at IS 'When it was created';

CREATE OR REPLACE VIEW @workspace@.stuck_lead WITH (security_invoker = true) AS
SELECT l.lead_id, l.external_id, l.full_name, l.company, l.stage, s.position, s.label,
	l.stage_since,
	@workspace@.days_between(l.stage_since, now())::numeric AS stage_days,
	(date_part('epoch', now() - s.stuck_before) / 86400)::numeric AS stuck_after_days,
	@workspace@.days_between(l.stage_since, s.stuck_before)::numeric AS overdue_days,
	l.status, t.label AS status_label, l.owner, r.full_name AS owner_label, l.channel, c.label AS channel_label, l.value,
	v.at AS last_sign_at,
	CASE v.at WHEN l.first_touch_at THEN 'first_touch' WHEN a.at THEN 'activity' WHEN l.phone_verified_at THEN 'phone_verified'
		WHEN l.email_verified_at THEN 'email_verified' WHEN l.stage_since THEN 'stage' ELSE 'status' END AS last_sign
FROM @workspace@.lead l
JOIN @workspace@.funnel_scale s ON s.stage = l.stage
LEFT JOIN @workspace@.lead_status t ON t.code = l.status
LEFT JOIN @workspace@.rep r ON r.code = l.owner
LEFT JOIN @workspace@.channel c ON c.code = l.channel
CROSS JOIN LATERAL (
	SELECT max(x.occurred_at) AS at FROM @workspace@.activity x WHERE x.lead_id = l.lead_id AND x.occurred_at <= now()
) a
CROSS JOIN LATERAL (
	-- the first status comes with the lead: for an imported one that is the day of the import, no sign of life
	SELECT greatest(l.stage_since, CASE WHEN l.status_seq > 1 THEN l.status_since END, l.first_touch_at,
		a.at, l.email_verified_at, l.phone_verified_at) AS at
) v
WHERE l.status_category <> 'closed'
	AND l.stage < 'customer'
	AND l.stage_since < s.stuck_before
	AND l.excluded_as IS NULL;
COMMENT ON VIEW @workspace@.stuck_lead IS
	'Leads that are alive (status not closed, stage before customer) and longer in their stage than its stuck_after, with their last sign of life. Excluded leads are left out. Unique key: lead_id. Shows rows of leads with the rights of whoever asks.';
COMMENT ON COLUMN @workspace@.stuck_lead.lead_id IS 'The lead';
COMMENT ON COLUMN @workspace@.stuck_lead.external_id IS 'The lead''s key in the system it comes from';
COMMENT ON COLUMN @workspace@.stuck_lead.full_name IS 'Name of the person';
COMMENT ON COLUMN @workspace@.stuck_lead.company IS 'Name of the company';
COMMENT ON COLUMN @workspace@.stuck_lead.stage IS 'Present stage';
COMMENT ON COLUMN @workspace@.stuck_lead."position" IS 'Order of the stage';
COMMENT ON COLUMN @workspace@.stuck_lead.label IS 'Name of the stage';
COMMENT ON COLUMN @workspace@.stuck_lead.stage_since IS 'When it came into the stage';
COMMENT ON COLUMN @workspace@.stuck_lead.stage_days IS 'Days (24 hours, fractions count) in the stage so far';
COMMENT ON COLUMN @workspace@.stuck_lead.stuck_after_days IS 'Days after which a lead is stuck there';
COMMENT ON COLUMN @workspace@.stuck_lead.overdue_days IS 'stage_days - stuck_after_days';
COMMENT ON COLUMN @workspace@.stuck_lead.status IS 'Present status';
COMMENT ON COLUMN @workspace@.stuck_lead.status_label IS 'Name of the status';
COMMENT ON COLUMN @workspace@.stuck_lead.owner IS 'Who has it';
COMMENT ON COLUMN @workspace@.stuck_lead.owner_label IS 'Name of the owner';
COMMENT ON COLUMN @workspace@.stuck_lead.channel IS 'Channel it came by';
COMMENT ON COLUMN @workspace@.stuck_lead.channel_label IS 'Name of the channel';
COMMENT ON COLUMN @workspace@.stuck_lead.value IS 'What it may be worth, in the base currency; NULL: not known';
COMMENT ON COLUMN @workspace@.stuck_lead.last_sign_at IS
	'Last sign of life: the latest move of its stage, change of its status (the first one does not count), first touch, activity that is not still to come, verification of e-mail address or phone number';
COMMENT ON COLUMN @workspace@.stuck_lead.last_sign IS
	'Which of them: stage, status, first_touch, activity, email_verified, phone_verified';

CREATE OR REPLACE VIEW @workspace@.status_usage WITH (security_invoker = true) AS
SELECT s.code, s.label, s.category, s.position, s.active,
	coalesce(n.leads, 0) AS leads_now,
	coalesce(u.leads, 0) AS leads_ever,
	u.last_set_at
FROM @workspace@.lead_status s
LEFT JOIN (SELECT l.status, count(*) AS leads FROM @workspace@.lead l GROUP BY l.status) n ON n.status = s.code
LEFT JOIN (
	SELECT e.status, count(*) AS leads, max(e.set_at) AS last_set_at
	FROM (
		SELECT x.lead_id, x.status, max(x.set_at) AS set_at
		FROM (
			SELECT c.lead_id, c.to_state AS status, c.changed_at AS set_at FROM @workspace@.status_change c
			UNION ALL
			-- leads without history
			SELECT l.lead_id, l.status, l.status_since FROM @workspace@.lead l
		) x
		GROUP BY x.lead_id, x.status
	) e
	GROUP BY e.status
) u ON u.status = s.code
ORDER BY s.position, s.code;
COMMENT ON VIEW @workspace@.status_usage IS
	'How each status is used, over all leads, excluded and deleted ones too (deleted leads count as ever): what nobody uses should go. Unique key: code. Counts only the leads that whoever asks may see.';
COMMENT ON COLUMN @workspace@.status_usage.code IS 'Code of the status';
COMMENT ON COLUMN @workspace@.status_usage.label IS 'Name of the status';
COMMENT ON COLUMN @workspace@.status_usage.category IS 'Its category';
COMMENT ON COLUMN @workspace@.status_usage."position" IS 'Order in lists';
COMMENT ON COLUMN @workspace@.status_usage.active IS 'Whether leads can still be given it';
COMMENT ON COLUMN @workspace@.status_usage.leads_now IS 'Leads that have it now';
COMMENT ON COLUMN @workspace@.status_usage.leads_ever IS
	'Leads that have or ever had it; corrected changes don''t count';
COMMENT ON COLUMN @workspace@.status_usage.last_set_at IS 'When a lead last got it; NULL: never';

CREATE OR REPLACE VIEW @workspace@.backfill_conflict WITH (security_invoker = true) AS
SELECT l.lead_id, l.external_id,
	a.stage, s.position, s.label, a.at AS entered_at,
	b.stage AS later_stage, t.position AS later_position, t.label AS later_label, b.at AS later_entered_at,
	@workspace@.days_between(b.at, a.at)::numeric AS days
FROM @workspace@.lead l
CROSS JOIN LATERAL (VALUES ('subscriber'::leadcrm.lifecycle_stage, l.subscriber_at), ('lead', l.lead_at),
	('mql', l.mql_at), ('sql', l.sql_at), ('opportunity', l.opportunity_at), ('customer', l.customer_at)) AS a(stage, at)
CROSS JOIN LATERAL (VALUES ('lead'::leadcrm.lifecycle_stage, l.lead_at), ('mql', l.mql_at), ('sql', l.sql_at),
	('opportunity', l.opportunity_at), ('customer', l.customer_at), ('evangelist', l.evangelist_at)) AS b(stage, at)
JOIN @workspace@.stage s ON s.stage = a.stage
JOIN @workspace@.stage t ON t.stage = b.stage
WHERE b.stage > a.stage
	AND b.at < a.at
	-- said of the lead first, so that pairs are made of few leads
	AND (l.lead_at < l.subscriber_at
		OR l.mql_at < greatest(l.subscriber_at, l.lead_at)
		OR l.sql_at < greatest(l.subscriber_at, l.lead_at, l.mql_at)
		OR l.opportunity_at < greatest(l.subscriber_at, l.lead_at, l.mql_at, l.sql_at)
		OR l.customer_at < greatest(l.subscriber_at, l.lead_at, l.mql_at, l.sql_at, l.opportunity_at)
		OR l.evangelist_at < greatest(l.subscriber_at, l.lead_at, l.mql_at, l.sql_at, l.opportunity_at, l.customer_at))
	-- a lead that really was sent back, or came in again further up, has such stamps by right
	AND EXISTS (SELECT FROM @workspace@.stage_history h
		WHERE h.lead_id = l.lead_id AND h.to_state = a.stage AND h.origin = 'backfill')
	AND EXISTS (SELECT FROM @workspace@.stage_history h
		WHERE h.lead_id = l.lead_id AND h.to_state = b.stage AND h.origin = 'backfill');
COMMENT ON VIEW @workspace@.backfill_conflict IS
	'Imported stamps that stand out of the stages'' order, kept as they came: one row for each pair of stages of which the later one was entered first. Excluded leads included. Unique key: (lead_id, stage, later_stage). Shows rows of leads with the rights of whoever asks.';
COMMENT ON COLUMN @workspace@.backfill_conflict.lead_id IS 'The lead';
COMMENT ON COLUMN @workspace@.backfill_conflict.external_id IS 'The lead''s key in the system it comes from';
COMMENT ON COLUMN @workspace@.backfill_conflict.stage IS 'The earlier stage of the pair';
COMMENT ON COLUMN @workspace@.backfill_conflict."position" IS 'Order of the earlier stage';
COMMENT ON COLUMN @workspace@.backfill_conflict.label IS 'Name of the earlier stage';
COMMENT ON COLUMN @workspace@.backfill_conflict.entered_at IS 'Its stamp';
COMMENT ON COLUMN @workspace@.backfill_conflict.later_stage IS 'The later stage of the pair';
COMMENT ON COLUMN @workspace@.backfill_conflict.later_position IS 'Order of the later stage';
COMMENT ON COLUMN @workspace@.backfill_conflict.later_label IS 'Name of the later stage';
COMMENT ON COLUMN @workspace@.backfill_conflict.later_entered_at IS 'Its stamp, before the other one';
COMMENT ON COLUMN @workspace@.backfill_conflict.days IS 'Days (24 hours, fractions count) between the two stamps';
