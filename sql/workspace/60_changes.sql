-- What happened, with corrected changes and their corrections left out: the base of everything told from history.

CREATE OR REPLACE VIEW @workspace@.stage_change WITH (security_invoker = true) AS
SELECT h.lead_id, h.seq, h.from_state, h.to_state, h.since, h.changed_at, h.reason, h.actor, h.session_role, h.role,
	h.origin, h.forced, h.recorded_at
FROM @workspace@.stage_history h
WHERE h.corrects IS NULL
	AND NOT EXISTS (SELECT FROM @workspace@.stage_history c WHERE c.lead_id = h.lead_id AND c.corrects = h.seq);
COMMENT ON VIEW @workspace@.stage_change IS
	'The changes of lead.stage that count: stage_history without changes that were corrected and without the corrections. Deleted leads included. Unique key: (lead_id, seq). Shows rows of leads with the rights of whoever asks.';
COMMENT ON COLUMN @workspace@.stage_change.lead_id IS 'The lead';
COMMENT ON COLUMN @workspace@.stage_change.seq IS 'Number of the change in the history; gaps are corrections';
COMMENT ON COLUMN @workspace@.stage_change.from_state IS 'Stage before; NULL: birth';
COMMENT ON COLUMN @workspace@.stage_change.to_state IS
	'Stage after; NULL: the lead was deleted. The same as before: a new stay there began, or companions alone were changed (forced)';
COMMENT ON COLUMN @workspace@.stage_change.since IS 'When the stay in from_state began; NULL at birth';
COMMENT ON COLUMN @workspace@.stage_change.changed_at IS 'When the change happened: the end of that stay';
COMMENT ON COLUMN @workspace@.stage_change.reason IS 'Why: a code of reason, or any text';
COMMENT ON COLUMN @workspace@.stage_change.actor IS 'The application''s user (leadcrm.actor)';
COMMENT ON COLUMN @workspace@.stage_change.session_role IS 'The role that was connected';
COMMENT ON COLUMN @workspace@.stage_change.role IS 'The role that made the change';
COMMENT ON COLUMN @workspace@.stage_change.origin IS 'birth, change, backfill or delete';
COMMENT ON COLUMN @workspace@.stage_change.forced IS
	'Whether it was against the rules and let pass (leadcrm.enforcement = log)';
COMMENT ON COLUMN @workspace@.stage_change.recorded_at IS 'When it was written down, by the clock';

CREATE OR REPLACE VIEW @workspace@.status_change WITH (security_invoker = true) AS
SELECT h.lead_id, h.seq, h.from_state, h.to_state, h.since, h.changed_at, h.reason, h.actor, h.session_role, h.role,
	h.origin, h.forced, h.recorded_at
FROM @workspace@.status_history h
WHERE h.corrects IS NULL
	AND NOT EXISTS (SELECT FROM @workspace@.status_history c WHERE c.lead_id = h.lead_id AND c.corrects = h.seq);
COMMENT ON VIEW @workspace@.status_change IS
	'The changes of lead.status that count: status_history without changes that were corrected and without the corrections. Deleted leads included. Unique key: (lead_id, seq). Shows rows of leads with the rights of whoever asks.';
COMMENT ON COLUMN @workspace@.status_change.lead_id IS 'The lead';
COMMENT ON COLUMN @workspace@.status_change.seq IS 'Number of the change in the history; gaps are corrections';
COMMENT ON COLUMN @workspace@.status_change.from_state IS 'Status before; NULL: birth';
COMMENT ON COLUMN @workspace@.status_change.to_state IS
	'Status after; NULL: the lead was deleted. The same as before: a new stay there began, or companions alone were changed (forced)';
COMMENT ON COLUMN @workspace@.status_change.since IS 'When the stay in from_state began; NULL at birth';
COMMENT ON COLUMN @workspace@.status_change.changed_at IS 'When the change happened: the end of that stay';
COMMENT ON COLUMN @workspace@.status_change.reason IS 'Why: a code of reason, or any text';
COMMENT ON COLUMN @workspace@.status_change.actor IS 'The application''s user (leadcrm.actor)';
COMMENT ON COLUMN @workspace@.status_change.session_role IS 'The role that was connected';
COMMENT ON COLUMN @workspace@.status_change.role IS 'The role that made the change';
COMMENT ON COLUMN @workspace@.status_change.origin IS 'birth, change, backfill or delete';
COMMENT ON COLUMN @workspace@.status_change.forced IS
	'Whether it was against the rules and let pass (leadcrm.enforcement = log)';
COMMENT ON COLUMN @workspace@.status_change.recorded_at IS 'When it was written down, by the clock';

CREATE OR REPLACE VIEW @workspace@.owner_change WITH (security_invoker = true) AS
SELECT h.lead_id, h.seq, h.from_state, h.to_state, h.since, h.changed_at, h.reason, h.actor, h.session_role, h.role,
	h.origin, h.forced, h.recorded_at
FROM @workspace@.owner_history h
WHERE h.corrects IS NULL
	AND NOT EXISTS (SELECT FROM @workspace@.owner_history c WHERE c.lead_id = h.lead_id AND c.corrects = h.seq);
COMMENT ON VIEW @workspace@.owner_change IS
	'The changes of lead.owner that count: owner_history without changes that were corrected and without the corrections. Deleted leads included. Unique key: (lead_id, seq). Shows rows of leads with the rights of whoever asks.';
COMMENT ON COLUMN @workspace@.owner_change.lead_id IS 'The lead';
COMMENT ON COLUMN @workspace@.owner_change.seq IS 'Number of the change in the history; gaps are corrections';
COMMENT ON COLUMN @workspace@.owner_change.from_state IS 'Owner before; NULL: birth';
COMMENT ON COLUMN @workspace@.owner_change.to_state IS
	'Owner after; NULL: the lead was deleted. The same as before: a new stay there began, or companions alone were changed (forced)';
COMMENT ON COLUMN @workspace@.owner_change.since IS 'When the stay in from_state began; NULL at birth';
COMMENT ON COLUMN @workspace@.owner_change.changed_at IS 'When the change happened: the end of that stay';
COMMENT ON COLUMN @workspace@.owner_change.reason IS 'Why: a code of reason, or any text';
COMMENT ON COLUMN @workspace@.owner_change.actor IS 'The application''s user (leadcrm.actor)';
COMMENT ON COLUMN @workspace@.owner_change.session_role IS 'The role that was connected';
COMMENT ON COLUMN @workspace@.owner_change.role IS 'The role that made the change';
COMMENT ON COLUMN @workspace@.owner_change.origin IS 'birth, change, backfill or delete';
COMMENT ON COLUMN @workspace@.owner_change.forced IS
	'Whether it was against the rules and let pass (leadcrm.enforcement = log)';
COMMENT ON COLUMN @workspace@.owner_change.recorded_at IS 'When it was written down, by the clock';

CREATE OR REPLACE VIEW @workspace@.lead_timeline WITH (security_invoker = true) AS
SELECT t.lead_id,
	row_number() OVER (PARTITION BY t.lead_id ORDER BY t.changed_at, t.rank, t.seq) AS position,
	t.changed_at, t.what, t.seq, t.from_code, t.from_label, t.to_code, t.to_label, t.reason, r.label AS reason_label,
	t.actor, t.session_role, t.role, t.origin, t.forced,
	CASE WHEN t.from_code IS NOT NULL THEN @workspace@.days_between(t.since, greatest(t.since, t.changed_at))::numeric END
		AS stayed_days,
	t.recorded_at
FROM (
	SELECT c.lead_id, 1 AS rank, 'stage' AS what, c.seq, c.since, c.changed_at, c.from_state::text AS from_code,
		f.label AS from_label, c.to_state::text AS to_code, o.label AS to_label,
		c.reason, c.actor, c.session_role, c.role, c.origin, c.forced, c.recorded_at
	FROM @workspace@.stage_change c
	LEFT JOIN @workspace@.stage f ON f.stage = c.from_state
	LEFT JOIN @workspace@.stage o ON o.stage = c.to_state
	UNION ALL
	SELECT c.lead_id, 2, 'status', c.seq, c.since, c.changed_at, c.from_state, f.label, c.to_state, o.label,
		c.reason, c.actor, c.session_role, c.role, c.origin, c.forced, c.recorded_at
	FROM @workspace@.status_change c
	LEFT JOIN @workspace@.lead_status f ON f.code = c.from_state
	LEFT JOIN @workspace@.lead_status o ON o.code = c.to_state
	UNION ALL
	SELECT c.lead_id, 3, 'owner', c.seq, c.since, c.changed_at, c.from_state, f.full_name, c.to_state, o.full_name,
		c.reason, c.actor, c.session_role, c.role, c.origin, c.forced, c.recorded_at
	FROM @workspace@.owner_change c
	LEFT JOIN @workspace@.rep f ON f.code = c.from_state
	LEFT JOIN @workspace@.rep o ON o.code = c.to_state
) t
LEFT JOIN @workspace@.reason r ON r.code = t.reason
ORDER BY t.lead_id, 2;
COMMENT ON VIEW @workspace@.lead_timeline IS
	'Every change of a lead''s stage, status and owner in the order of time. From a code to the same one: an import gave stamps, and a later time since when the present stay lasts, or somebody changed what the tracker keeps (leadcrm.enforcement = log: forced). Corrected changes and their corrections are left out, excluded and deleted leads are not. Unique keys: (lead_id, position); (lead_id, what, seq). Shows rows of leads with the rights of whoever asks.';
COMMENT ON COLUMN @workspace@.lead_timeline.lead_id IS 'The lead';
COMMENT ON COLUMN @workspace@.lead_timeline."position" IS 'Number of the change in the lead''s life, from 1';
COMMENT ON COLUMN @workspace@.lead_timeline.changed_at IS 'When it happened';
COMMENT ON COLUMN @workspace@.lead_timeline.what IS 'What changed: stage, status or owner';
COMMENT ON COLUMN @workspace@.lead_timeline.seq IS 'Number of the change in its own history';
COMMENT ON COLUMN @workspace@.lead_timeline.from_code IS 'Code before; NULL: birth';
COMMENT ON COLUMN @workspace@.lead_timeline.from_label IS 'The same in words';
COMMENT ON COLUMN @workspace@.lead_timeline.to_code IS 'Code after; NULL: the lead was deleted';
COMMENT ON COLUMN @workspace@.lead_timeline.to_label IS 'The same in words';
COMMENT ON COLUMN @workspace@.lead_timeline.reason IS 'Why: a code of reason, or any text';
COMMENT ON COLUMN @workspace@.lead_timeline.reason_label IS
	'The reason in words; NULL where it is not a code of reason';
COMMENT ON COLUMN @workspace@.lead_timeline.actor IS 'The application''s user (leadcrm.actor)';
COMMENT ON COLUMN @workspace@.lead_timeline.session_role IS 'The role that was connected';
COMMENT ON COLUMN @workspace@.lead_timeline.role IS 'The role that made the change';
COMMENT ON COLUMN @workspace@.lead_timeline.origin IS 'birth, change, backfill or delete';
COMMENT ON COLUMN @workspace@.lead_timeline.forced IS
	'Whether it was against the rules and let pass (leadcrm.enforcement = log)';
COMMENT ON COLUMN @workspace@.lead_timeline.stayed_days IS
	'Days (24 hours, fractions count) that it stood at from_code, 0 where a forced change (leadcrm.enforcement = log) says that it left before it came; NULL at birth';
COMMENT ON COLUMN @workspace@.lead_timeline.recorded_at IS 'When it was written down, by the clock';
