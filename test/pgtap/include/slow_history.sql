-- The views that tell what happened, checked against the raw histories. Needs slow_funnel.sql's raw_lead and raw_stamp.

-- wrong(WHAT, QUERY): '' if the query finds nothing, else WHAT and an example
CREATE FUNCTION t.wrong(what text, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	example text;
BEGIN
	EXECUTE format('SELECT q::text FROM (%s) q LIMIT 1', query) INTO example;
	RETURN CASE WHEN example IS NOT NULL THEN format(E'%s: %s\n', what, example) ELSE '' END;
END
$$;

-- differ(WHAT, A, B): the same for rows that one query has and the other has not
CREATE FUNCTION t.differ(what text, a text, b text) RETURNS text LANGUAGE sql AS $$
	SELECT t.wrong(what || ', in the view only', format('(%s) EXCEPT ALL (%s)', a, b))
		|| t.wrong(what || ', missing', format('(%s) EXCEPT ALL (%s)', b, a))
$$;

CREATE VIEW t.told AS
	SELECT 'stage' AS what, h.lead_id, h.seq, h.from_state::text, h.to_state::text, h.since, h.changed_at, h.reason, h.origin
	FROM crm.stage_history h WHERE h.corrects IS NULL
		AND h.seq NOT IN (SELECT c.corrects FROM crm.stage_history c WHERE c.lead_id = h.lead_id AND c.corrects IS NOT NULL)
	UNION ALL
	SELECT 'status', h.lead_id, h.seq, h.from_state, h.to_state, h.since, h.changed_at, h.reason, h.origin FROM crm.status_history h
	UNION ALL
	SELECT 'owner', h.lead_id, h.seq, h.from_state, h.to_state, h.since, h.changed_at, h.reason, h.origin FROM crm.owner_history h;

CREATE FUNCTION t.history_differences() RETURNS text LANGUAGE sql AS $$
	SELECT t.differ('lead_timeline',
			'SELECT lead_id, what, seq, from_code, to_code, changed_at, reason, origin FROM crm.lead_timeline',
			'SELECT lead_id, what, seq, from_state, to_state, changed_at, reason, origin FROM t.told')
		|| t.wrong('lead_timeline out of order',
			'SELECT * FROM (SELECT lead_id, position, changed_at, row_number() OVER w AS n, lag(changed_at) OVER w AS before
				FROM crm.lead_timeline WINDOW w AS (PARTITION BY lead_id ORDER BY position)) x WHERE n <> position OR before > changed_at')
		|| t.wrong('lead_timeline stays',
			'SELECT a.* FROM crm.lead_timeline a JOIN t.told b USING (lead_id, what, seq)
				WHERE a.stayed_days * 86400 IS DISTINCT FROM NULL AND abs(a.stayed_days * 86400 - extract(epoch FROM b.changed_at - b.since)) > 1e-3
					OR (a.stayed_days IS NULL) <> (b.from_state IS NULL)')
		|| t.differ('stage_entry_fact',
			'SELECT lead_id, seq, stage::text, entered_at, left_at, is_current, entry_number::int, from_stage::text, to_stage::text, came, went
				FROM crm.stage_entry_fact',
			$q$SELECT a.lead_id, a.seq, a.to_state, a.changed_at, n.changed_at, n.lead_id IS NULL,
				(SELECT count(*)::int FROM t.told e WHERE e.what = 'stage' AND e.lead_id = a.lead_id AND e.to_state = a.to_state AND e.seq <= a.seq),
				a.from_state, n.to_state,
				CASE WHEN a.from_state IS NULL THEN 'born' WHEN f.position < s.position THEN 'forward' WHEN f.position > s.position THEN 'back' ELSE 'again' END,
				CASE WHEN g.position > s.position THEN 'forward' WHEN g.position < s.position THEN 'back' WHEN g.position = s.position THEN 'again' END
			FROM t.told a
			JOIN t.raw_lead l ON l.lead_id = a.lead_id
			JOIN crm.stage s ON s.stage::text = a.to_state
			LEFT JOIN crm.stage f ON f.stage::text = a.from_state
			LEFT JOIN t.told n ON n.what = 'stage' AND n.lead_id = a.lead_id AND n.seq = (SELECT min(x.seq) FROM t.told x
				WHERE x.what = 'stage' AND x.lead_id = a.lead_id AND x.seq > a.seq)
			LEFT JOIN crm.stage g ON g.stage::text = n.to_state
			WHERE a.what = 'stage'$q$)
		|| t.differ('stage_stay',
			'SELECT lead_id, stage::text, entries::int, round(latest_days, 6), round(cumulative_days, 6), first_entered_at, last_exited_at, is_current
				FROM crm.stage_stay',
			'SELECT e.lead_id, e.stage::text, count(*)::int,
				round((SELECT x.stay_days FROM crm.stage_entry_fact x WHERE x.lead_id = e.lead_id AND x.stage = e.stage ORDER BY x.seq DESC LIMIT 1), 6),
				round(sum(greatest(extract(epoch FROM coalesce(e.left_at, now()) - e.entered_at), 0) / 86400), 6), min(s.at), max(e.left_at), bool_or(e.left_at IS NULL)
			FROM crm.stage_entry_fact e
			JOIN t.raw_stamp s ON s.lead_id = e.lead_id AND s.position = e.position
			GROUP BY e.lead_id, e.stage')
		|| t.differ('stage_flow, last day',
			'SELECT stage, balance FROM crm.stage_flow WHERE day = (SELECT max(day) FROM crm.stage_flow)',
			'SELECT s.stage, (SELECT count(*) FROM crm.lead l WHERE l.stage = s.stage AND l.excluded_as IS NULL) FROM crm.stage s
				WHERE EXISTS (SELECT FROM crm.stage_flow)')
		|| t.differ('stage_flow, other days',
			'SELECT day, stage::text, balance FROM crm.stage_flow WHERE day IN (current_date - 250, current_date - 100, current_date - 30)',
			$q$SELECT d.day, s.stage::text, (SELECT count(*) FROM (
					SELECT DISTINCT ON (h.lead_id) h.to_state FROM t.told h
					WHERE h.what = 'stage' AND (h.changed_at AT TIME ZONE (SELECT time_zone FROM crm.setting))::date <= d.day
						AND h.lead_id NOT IN (SELECT lead_id FROM crm.excluded_lead)
					ORDER BY h.lead_id, h.seq DESC) x WHERE x.to_state = s.stage::text)
			FROM (VALUES (current_date - 250), (current_date - 100), (current_date - 30)) d (day), crm.stage s
			WHERE d.day >= (SELECT min(day) FROM crm.stage_flow)$q$)
		|| t.differ('stage_flow, moves',
			'SELECT sum(came_in), sum(went_on), sum(went_back), sum(removed), sum(came_again) FROM crm.stage_flow',
			$q$SELECT sum((h.to_state IS NOT NULL)::int)::numeric, sum((coalesce(t.position > f.position, false))::int)::numeric,
				sum((coalesce(t.position < f.position, false))::int)::numeric, sum((h.to_state IS NULL)::int)::numeric,
				sum((coalesce(t.position = f.position, false))::int)::numeric
			FROM t.told h LEFT JOIN crm.stage f ON f.stage::text = h.from_state LEFT JOIN crm.stage t ON t.stage::text = h.to_state
			WHERE h.what = 'stage'
				AND h.lead_id NOT IN (SELECT lead_id FROM crm.excluded_lead)$q$)
		|| t.differ('stage_flow, stage_entry_fact and stage_stay',
			'SELECT stage, sum(came_in) FROM crm.stage_flow GROUP BY 1 HAVING sum(came_in) > 0',
			$q$SELECT to_state::leadcrm.lifecycle_stage, count(*) FROM (
				SELECT e.stage::text AS to_state FROM crm.stage_entry_fact e
				UNION ALL
				SELECT h.to_state FROM t.told h WHERE h.what = 'stage' AND h.to_state IS NOT NULL AND NOT EXISTS (SELECT FROM crm.lead l WHERE l.lead_id = h.lead_id)) x
			GROUP BY 1$q$)
		|| t.wrong('stage_entry_fact and stage_stay count entries',
			'SELECT e.lead_id, e.stage FROM crm.stage_entry_fact e JOIN crm.stage_stay y USING (lead_id, stage)
				GROUP BY 1, 2 HAVING max(e.entry_number) <> min(y.entries) OR count(*) <> min(y.entries)')
		|| t.wrong('stage_flow, days are missing',
			'SELECT * FROM (SELECT count(*) AS n, max(day) - min(day) + 1 AS days, max(day) AS last FROM crm.stage_flow) x
				WHERE n > 0 AND (n <> days * 7 OR last <> (now() AT TIME ZONE (SELECT time_zone FROM crm.setting))::date)')
		|| t.differ('stuck_lead',
			'SELECT lead_id FROM crm.stuck_lead',
			$q$SELECT l.lead_id FROM crm.lead l JOIN crm.lead_status s ON s.code = l.status
			WHERE l.excluded_as IS NULL AND s.category <> 'closed' AND l.stage NOT IN ('customer', 'evangelist')
				AND extract(epoch FROM now() - (SELECT max(h.changed_at) FROM t.told h WHERE h.lead_id = l.lead_id AND h.what = 'stage'))
					> (SELECT extract(epoch FROM g.stuck_after) FROM crm.stage g WHERE g.stage = l.stage)$q$)
		|| t.wrong('stuck_lead, last sign', 'SELECT * FROM crm.stuck_lead WHERE last_sign_at IS NULL OR last_sign_at < stage_since
				OR overdue_days <= 0 OR round(stage_days - stuck_after_days - overdue_days, 9) <> 0')
		|| t.differ('lead_fact',
			'SELECT lead_id, funnel_position, outcome, stage::text, is_won FROM crm.lead_fact',
			$q$SELECT r.lead_id, r.peak, CASE WHEN r.peak IS NOT NULL THEN r.outcome END, l.stage::text,
				EXISTS (SELECT FROM t.raw_stamp s WHERE s.lead_id = r.lead_id AND s.position >= 6)
			FROM t.raw_lead r JOIN crm.lead l USING (lead_id)$q$)
		|| t.differ('lead_fact, days',
			'SELECT lead_id, round(coalesce(subscriber_days, 0) + coalesce(lead_days, 0) + coalesce(mql_days, 0) + coalesce(sql_days, 0)
				+ coalesce(opportunity_days, 0) + coalesce(customer_days, 0) + coalesce(evangelist_days, 0), 6) FROM crm.lead_fact',
			$q$SELECT s.lead_id, round(extract(epoch FROM greatest(now(), (SELECT max(h.changed_at) FROM t.told h
					WHERE h.lead_id = s.lead_id AND h.what = 'stage' AND h.to_state IS NOT NULL)) - min(s.at)) / 86400, 6)
				FROM t.raw_stamp s GROUP BY s.lead_id$q$)
		|| t.differ('backfill_conflict',
			'SELECT lead_id, position, later_position, entered_at, later_entered_at FROM crm.backfill_conflict',
			$q$SELECT a.lead_id, x.position, y.position, min(a.changed_at), min(b.changed_at)
			FROM t.told a JOIN t.told b ON b.lead_id = a.lead_id AND b.what = 'stage' AND b.origin = 'backfill'
			JOIN crm.stage x ON x.stage::text = a.to_state JOIN crm.stage y ON y.stage::text = b.to_state
			JOIN crm.lead l ON l.lead_id = a.lead_id
			WHERE a.what = 'stage' AND a.origin = 'backfill' AND x.position < y.position
			GROUP BY 1, 2, 3 HAVING min(b.changed_at) < min(a.changed_at)$q$)
		|| t.differ('status_usage',
			'SELECT code, leads_now, leads_ever, last_set_at FROM crm.status_usage',
			$q$SELECT s.code, (SELECT count(*) FROM crm.lead l WHERE l.status = s.code),
				(SELECT count(DISTINCT h.lead_id) FROM t.told h WHERE h.what = 'status' AND h.to_state = s.code),
				(SELECT max(h.changed_at) FROM t.told h WHERE h.what = 'status' AND h.to_state = s.code)
			FROM crm.lead_status s$q$)
		|| t.differ('excluded_lead', 'SELECT lead_id FROM crm.excluded_lead',
			'SELECT lead_id FROM crm.lead EXCEPT SELECT lead_id FROM t.raw_lead')
$$;
