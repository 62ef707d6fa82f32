-- Stays: one row for each time a lead entered a stage, and what they add up to.

CREATE OR REPLACE VIEW @workspace@.stage_entry_fact WITH (security_invoker = true) AS
SELECT e.lead_id, e.seq, e.to_state AS stage, s.position, s.label,
	e.changed_at AS entered_at,
	e.left_at,
	@workspace@.days_between(e.changed_at, greatest(e.changed_at, coalesce(e.left_at, now())))::numeric AS stay_days,
	e.left_at IS NULL AS is_current,
	row_number() OVER (PARTITION BY e.lead_id, e.to_state ORDER BY e.seq) AS entry_number,
	e.from_state AS from_stage, f.position AS from_position, f.label AS from_label,
	CASE WHEN e.from_state IS NULL THEN 'born' WHEN e.to_state > e.from_state THEN 'forward'
		WHEN e.to_state < e.from_state THEN 'back' ELSE 'again' END AS came,
	e.next_state AS to_stage, o.position AS to_position, o.label AS to_label,
	CASE WHEN e.next_state > e.to_state THEN 'forward' WHEN e.next_state < e.to_state THEN 'back'
		WHEN e.next_state = e.to_state THEN 'again' END AS went,
	e.reason, e.actor, e.origin, e.forced,
	l.channel, c.label AS channel_label, l.campaign_id, p.label AS campaign_label, l.owner, r.full_name AS owner_label
FROM (
	SELECT h.*, lead(h.changed_at) OVER w AS left_at, lead(h.to_state) OVER w AS next_state
	FROM @workspace@.stage_change h
	-- a forced edit that leaves the beginning of the stay alone begins none
	WHERE h.from_state IS DISTINCT FROM h.to_state OR h.since IS DISTINCT FROM h.changed_at
	WINDOW w AS (PARTITION BY h.lead_id ORDER BY h.seq)
) e
JOIN @workspace@.lead l ON l.lead_id = e.lead_id AND l.excluded_as IS NULL
LEFT JOIN @workspace@.stage s ON s.stage = e.to_state
LEFT JOIN @workspace@.stage f ON f.stage = e.from_state
LEFT JOIN @workspace@.stage o ON o.stage = e.next_state
LEFT JOIN @workspace@.channel c ON c.code = l.channel
LEFT JOIN @workspace@.campaign p ON p.campaign_id = l.campaign_id
LEFT JOIN @workspace@.rep r ON r.code = l.owner
WHERE e.to_state IS NOT NULL;
COMMENT ON VIEW @workspace@.stage_entry_fact IS
	'One row for each entry of a lead into a stage, re-entries included, from the history; corrected changes, excluded and deleted leads are left out, and a lead without history has no row. Unique key: (lead_id, seq). Shows rows of leads with the rights of whoever asks.';
COMMENT ON COLUMN @workspace@.stage_entry_fact.lead_id IS 'The lead';
COMMENT ON COLUMN @workspace@.stage_entry_fact.seq IS 'Number of the change in stage_history that brought it here';
COMMENT ON COLUMN @workspace@.stage_entry_fact.stage IS 'Stage entered';
COMMENT ON COLUMN @workspace@.stage_entry_fact."position" IS 'Order of the stage';
COMMENT ON COLUMN @workspace@.stage_entry_fact.label IS 'Name of the stage';
COMMENT ON COLUMN @workspace@.stage_entry_fact.entered_at IS 'When it came';
COMMENT ON COLUMN @workspace@.stage_entry_fact.left_at IS 'When it went; NULL: it is still there';
COMMENT ON COLUMN @workspace@.stage_entry_fact.stay_days IS
	'Days (24 hours, fractions count) from entered_at to left_at, else to now; never below 0: entered_at may lie up to a minute ahead, and with leadcrm.enforcement = log anywhere';
COMMENT ON COLUMN @workspace@.stage_entry_fact.is_current IS 'Whether it is still there';
COMMENT ON COLUMN @workspace@.stage_entry_fact.entry_number IS
	'1 for the lead''s first entry into the stage, 2 for the second, and so on';
COMMENT ON COLUMN @workspace@.stage_entry_fact.from_stage IS 'Stage before; NULL: born here';
COMMENT ON COLUMN @workspace@.stage_entry_fact.from_position IS 'Order of the stage before';
COMMENT ON COLUMN @workspace@.stage_entry_fact.from_label IS 'Name of the stage before';
COMMENT ON COLUMN @workspace@.stage_entry_fact.came IS 'How it came: born, forward, back, or again: it stood there already, and all that is known is that its present stay began later than its first (a backfill whose stage_since lies after the stamp of its stage; a stage_since changed under leadcrm.enforcement = log)';
COMMENT ON COLUMN @workspace@.stage_entry_fact.to_stage IS 'Stage after; NULL: still here';
COMMENT ON COLUMN @workspace@.stage_entry_fact.to_position IS 'Order of the stage after';
COMMENT ON COLUMN @workspace@.stage_entry_fact.to_label IS 'Name of the stage after';
COMMENT ON COLUMN @workspace@.stage_entry_fact.went IS 'How it went: forward, back, or again: into a new stay at the same stage; NULL: still here';
COMMENT ON COLUMN @workspace@.stage_entry_fact.reason IS 'Why it came: a code of reason, or any text';
COMMENT ON COLUMN @workspace@.stage_entry_fact.actor IS 'The application''s user who moved it';
COMMENT ON COLUMN @workspace@.stage_entry_fact.origin IS 'birth, change or backfill';
COMMENT ON COLUMN @workspace@.stage_entry_fact.forced IS 'Whether it was against the rules and let pass';
COMMENT ON COLUMN @workspace@.stage_entry_fact.channel IS 'The lead''s channel now';
COMMENT ON COLUMN @workspace@.stage_entry_fact.channel_label IS 'Name of the channel';
COMMENT ON COLUMN @workspace@.stage_entry_fact.campaign_id IS 'The lead''s campaign now; NULL: none';
COMMENT ON COLUMN @workspace@.stage_entry_fact.campaign_label IS 'Name of the campaign';
COMMENT ON COLUMN @workspace@.stage_entry_fact.owner IS 'The lead''s owner now';
COMMENT ON COLUMN @workspace@.stage_entry_fact.owner_label IS 'Name of the owner';

CREATE OR REPLACE VIEW @workspace@.stage_stay WITH (security_invoker = true) AS
SELECT e.lead_id, e.stage, e.position, e.label,
	(array_agg(e.stay_days ORDER BY e.seq DESC))[1] AS latest_days,
	sum(e.stay_days) AS cumulative_days,
	(array_agg(e.entered_at ORDER BY e.seq))[1] AS first_entered_at,
	max(e.left_at) AS last_exited_at,
	count(*) AS entries,
	bool_or(e.is_current) AS is_current
FROM @workspace@.stage_entry_fact e
GROUP BY e.lead_id, e.stage, e.position, e.label;
COMMENT ON VIEW @workspace@.stage_stay IS
	'How long each lead stood in each stage it ever entered. Unique key: (lead_id, stage). Excluded and deleted leads and leads without history are left out. Shows rows of leads with the rights of whoever asks.';
COMMENT ON COLUMN @workspace@.stage_stay.lead_id IS 'The lead';
COMMENT ON COLUMN @workspace@.stage_stay.stage IS 'Stage';
COMMENT ON COLUMN @workspace@.stage_stay."position" IS 'Order of the stage';
COMMENT ON COLUMN @workspace@.stage_stay.label IS 'Name of the stage';
COMMENT ON COLUMN @workspace@.stage_stay.latest_days IS
	'Days (24 hours, fractions count) of the latest stay; up to now while it lasts';
COMMENT ON COLUMN @workspace@.stage_stay.cumulative_days IS 'Days of all stays together; up to now while one lasts';
COMMENT ON COLUMN @workspace@.stage_stay.first_entered_at IS 'When the lead first entered the stage';
COMMENT ON COLUMN @workspace@.stage_stay.last_exited_at IS 'When it last left the stage; NULL: never yet';
COMMENT ON COLUMN @workspace@.stage_stay.entries IS 'How often it entered the stage';
COMMENT ON COLUMN @workspace@.stage_stay.is_current IS 'Whether it stands there now';

CREATE OR REPLACE VIEW @workspace@.stage_flow WITH (security_invoker = true) AS
WITH zone AS (
	SELECT z.time_zone FROM @workspace@.setting z LIMIT 1
), move AS (
	SELECT (c.changed_at AT TIME ZONE z.time_zone)::date AS day, c.from_state, c.to_state
	FROM @workspace@.stage_change c
	CROSS JOIN zone z
	WHERE (c.from_state IS DISTINCT FROM c.to_state OR c.since IS DISTINCT FROM c.changed_at)
		AND NOT EXISTS (SELECT FROM @workspace@.lead l WHERE l.lead_id = c.lead_id AND l.excluded_as IS NOT NULL)
), tally AS (
	SELECT t.day, t.stage, sum(t.came_in) AS came_in, sum(t.went_on) AS went_on, sum(t.went_back) AS went_back,
		sum(t.removed) AS removed, sum(t.came_again) AS came_again
	FROM (
		SELECT m.day, m.to_state AS stage, count(*) AS came_in, 0 AS went_on, 0 AS went_back, 0 AS removed,
			count(*) FILTER (WHERE m.to_state = m.from_state) AS came_again
		FROM move m
		WHERE m.to_state IS NOT NULL
		GROUP BY m.day, m.to_state
		UNION ALL
		SELECT m.day, m.from_state, 0, count(*) FILTER (WHERE m.to_state > m.from_state),
			count(*) FILTER (WHERE m.to_state < m.from_state), count(*) FILTER (WHERE m.to_state IS NULL), 0
		FROM move m
		WHERE m.from_state IS NOT NULL
		GROUP BY m.day, m.from_state
	) t
	GROUP BY t.day, t.stage
), span AS (
	SELECT min(t.day) AS since, greatest(max(t.day), (now() AT TIME ZONE min(z.time_zone))::date) AS until
	FROM tally t
	CROSS JOIN zone z
), day AS (
	SELECT d.day FROM @workspace@.date_dim d JOIN span p ON d.day BETWEEN p.since AND p.until
	UNION
	-- a day that the calendar lacks must not be missing from the balance
	SELECT t.day FROM tally t
)
SELECT d.day, s.stage, s.position, s.label,
	coalesce(t.came_in, 0)::bigint AS came_in,
	coalesce(t.went_on, 0)::bigint AS went_on,
	coalesce(t.went_back, 0)::bigint AS went_back,
	coalesce(t.removed, 0)::bigint AS removed,
	(sum(coalesce(t.came_in - t.came_again - t.went_on - t.went_back - t.removed, 0))
		OVER (PARTITION BY s.stage ORDER BY d.day))::bigint AS balance,
	coalesce(t.came_again, 0)::bigint AS came_again
FROM day d
CROSS JOIN @workspace@.stage s
LEFT JOIN tally t ON t.day = d.day AND t.stage = s.stage
ORDER BY d.day, s.position;
COMMENT ON VIEW @workspace@.stage_flow IS
	'How leads move, by day and stage: every day of date_dim from the first move to today, in the workspace''s time zone, with every stage. From the history: corrected changes and excluded leads are left out, deleted leads count until they went. Unique key: (day, stage). Counts only what whoever asks may see.';
COMMENT ON COLUMN @workspace@.stage_flow.day IS 'The day in the workspace''s time zone';
COMMENT ON COLUMN @workspace@.stage_flow.stage IS 'Stage';
COMMENT ON COLUMN @workspace@.stage_flow."position" IS 'Order of the stage';
COMMENT ON COLUMN @workspace@.stage_flow.label IS 'Name of the stage';
COMMENT ON COLUMN @workspace@.stage_flow.came_in IS 'Entries into the stage: births, moves forward and back, and those of came_again; as many as stage_entry_fact has for leads that were not deleted';
COMMENT ON COLUMN @workspace@.stage_flow.went_on IS 'Moves from it to a later stage';
COMMENT ON COLUMN @workspace@.stage_flow.went_back IS 'Moves from it to an earlier stage';
COMMENT ON COLUMN @workspace@.stage_flow.removed IS 'Leads deleted while they stood in it';
COMMENT ON COLUMN @workspace@.stage_flow.balance IS
	'Leads that stand in the stage at the end of the day; on the last day, the leads that stand there now';
COMMENT ON COLUMN @workspace@.stage_flow.came_again IS
	'Of came_in: new stays of leads that stood in the stage already (came = again in stage_entry_fact); each ends the stay before it, so that they do not change the balance';
