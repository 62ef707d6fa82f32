-- Shows what workspace crm knows of its leads: where they leak, who must be called, and what the database refuses.
\set QUIET on
\pset border 1
\pset footer off
\pset null -
\pset pager off
SET TimeZone = 'UTC';
SET client_min_messages = warning;
SELECT coalesce(organisation, 'the company') AS organisation FROM crm.setting \gset

\echo
\echo == Where the leads of :organisation leak: crm.funnel_leak
\echo
SELECT label AS "Stage", entered AS "Entered", advanced AS "Went on", round(conversion_pct, 1) AS "%", active AS "Active",
	stalled AS "Stalled", returned AS "Sent back", leaked AS "Closed", round(resolved_pct, 1) AS "% of resolved",
	round(median_days, 1) AS "Days", CASE WHEN is_bottleneck THEN '<- bottleneck' ELSE '' END AS " "
FROM crm.funnel_leak
ORDER BY position;

\pset tuples_only on
\pset format unaligned
\echo 'Entered: came at least this far, once each. Active: still in time there; stalled: longer there than the stage allows; sent back'
\echo 'and closed: lost. % of resolved: went on, of those whose time there is over (all but the active). Days: half of those who went on'
\echo 'took no longer.'
\echo
SELECT coalesce((
	SELECT format(E'The bottleneck is "%s": of %s leads whose time there is over, %s went on (%s %%), where %s %% %s.\n'
			'Mending it, with the later stages as they should be, would have brought about %s more customers.',
		f.label, to_char(f.entered - f.active, 'FM999,999,999'), to_char(f.advanced, 'FM999,999,999'), round(f.resolved_pct, 1),
		round(f.reference_pct, 1), CASE WHEN s.target_conversion_pct IS NULL THEN 'is what the best channel of at least a hundred such leads reaches'
			ELSE 'is the target' END,
		to_char(f.recoverable_customers, 'FM999,999,990'))
		|| coalesce((
			SELECT format(E'\nIt leaks most in channel "%s": %s %% of %s.', c.channel_label, round(c.resolved_pct, 1),
				to_char(c.entered - c.active, 'FM999,999,999'))
			FROM crm.funnel_leak_by_channel c
			WHERE c.stage = f.stage AND c.is_bottleneck
			ORDER BY c.recoverable_customers DESC NULLS LAST
			LIMIT 1), '')
	FROM crm.funnel_leak f
	JOIN crm.stage s ON s.stage = f.stage
	WHERE f.is_bottleneck), 'No stage stands out as the bottleneck.');

\echo
\echo == Four times the leads: more customers? crm.what_if_answer(4)
\echo
-- a sentence a line
SELECT regexp_replace(crm.what_if_answer(4), '\. (?=[[:upper:]"])', E'.\n', 'g');
\pset tuples_only off
\pset format aligned

\echo
\echo == By channel: crm.funnel_leak_by_channel, at the bottleneck
\echo
SELECT c.channel_label AS "Channel", a.entered AS "Leads", c.entered AS "Came here", c.advanced AS "Went on",
	round(c.conversion_pct, 1) AS "%", round(c.median_days, 1) AS "Days", l.entered AS "Customers",
	round(c.recoverable_customers, 1) AS "More possible"
FROM crm.funnel_leak_by_channel c
JOIN crm.funnel_leak f ON f.stage = c.stage AND f.is_bottleneck
JOIN crm.funnel_leak_by_channel a ON a.channel = c.channel AND a.position = (SELECT min(position) FROM crm.funnel_leak)
JOIN crm.funnel_leak_by_channel l ON l.channel = c.channel AND l.position = (SELECT max(position) FROM crm.funnel_leak)
WHERE a.entered > 0
ORDER BY a.entered DESC;
\echo 'More possible: customers more, if the channel did at this stage as it should. In the total, better channels make up for some of it.'
\echo

\echo == By month of creation: crm.funnel_leak_by_month, the last twelve. Months with many still active are not finished
\echo
SELECT a.month_label AS "Month", a.entered AS "Leads", o.active AS "Still active", l.entered AS "Customers", round(l.cumulative_pct, 1) AS "%"
FROM crm.funnel_leak_by_month a
JOIN crm.funnel_leak_by_month l ON l.month = a.month AND l.position = (SELECT max(position) FROM crm.funnel_leak)
JOIN (SELECT m.month, sum(m.active) AS active FROM crm.funnel_leak_by_month m WHERE m.position < (SELECT max(position) FROM crm.funnel_leak)
	GROUP BY m.month) o ON o.month = a.month
WHERE a.position = (SELECT min(position) FROM crm.funnel_leak)
	AND a.month > (SELECT max(month) FROM crm.funnel_leak_by_month) - interval '12 months'
ORDER BY a.month;

SELECT count(*) > 0 AS conflicts FROM crm.backfill_conflict \gset
\if :conflicts
\echo == Imported stamps that contradict each other, kept as they are: crm.backfill_conflict
\echo
SELECT left(external_id, 12) AS "Lead", label AS "Stage", entered_at::timestamp(0) AS "Entered", later_label AS "Later stage",
	later_entered_at::timestamp(0) AS "Entered before", round(days, 1) AS "Days"
FROM crm.backfill_conflict
ORDER BY days DESC
LIMIT 5;
\endif

SELECT to_char(count(*), 'FM999,999,999') AS stuck FROM crm.stuck_lead \gset
\echo == Stuck leads, the ten longest of :stuck: crm.stuck_lead
\echo
SELECT left(coalesce(full_name, external_id, 'lead ' || lead_id), 24) AS "Lead", label AS "Stage", round(stage_days) AS "Days there",
	round(stuck_after_days) AS "Allowed", owner_label AS "Owner", status_label AS "Status", last_sign_at::date AS "Last sign"
FROM crm.stuck_lead
ORDER BY overdue_days DESC, lead_id
LIMIT 10;

-- who is still in time at the stage that loses most, the shortest time left first
SELECT count(*) > 0 AS callable
FROM crm.lead_fact f JOIN crm.funnel_leak b ON b.stage = f.stage AND b.is_bottleneck
WHERE f.is_alive AND f.outcome = 'active' \gset
\if :callable
\echo == To call next: alive at the bottleneck and still in time, the least time left first
\echo
SELECT left(coalesce(l.full_name, l.external_id, 'lead ' || l.lead_id), 24) AS "Lead", left(l.company, 20) AS "Company",
	f.channel_label AS "Channel", f.owner_label AS "Owner", f.status_label AS "Status", f.fit AS "Fit", round(f.value) AS "Value",
	round(extract(epoch FROM s.stuck_after) / 3600 - f.stage_days * 24) AS "Hours left"
FROM crm.lead_fact f
JOIN crm.lead l ON l.lead_id = f.lead_id
JOIN crm.stage s ON s.stage = f.stage
JOIN crm.funnel_leak b ON b.stage = f.stage AND b.is_bottleneck
WHERE f.is_alive AND f.outcome = 'active'
ORDER BY f.stage_since, f.lead_id
LIMIT 10;
\endif

SELECT count(*) > 0 AS hot FROM crm.hot_lead WHERE engagement_now > 0 \gset
\if :hot
\echo == The ten hottest leads, read off an index: crm.hot_lead
\echo
SELECT left(coalesce(full_name, external_id, 'lead ' || lead_id), 24) AS "Lead", left(company, 20) AS "Company", label AS "Stage", owner_label AS "Owner",
	grade AS "Grade", temperature AS "Temperature", round(engagement_now::numeric, 1) AS "Engagement", fit AS "Fit"
FROM crm.hot_lead
LIMIT 10;

SELECT lead_id AS hottest, coalesce(full_name, external_id, 'lead ' || lead_id) AS hottest_name FROM crm.hot_lead LIMIT 1 \gset
\echo == Why :hottest_name comes first: crm.score_explain(:hottest)
\echo
SELECT e.part AS "Part", e.label AS "What", e.occurred_at::timestamp(0) AS "When", e.points AS "Points", round(e.points_at::numeric, 2) AS "Now", e.note AS "Note"
FROM crm.score_explain(:hottest) e
UNION ALL
SELECT 'together', 'engagement', NULL, NULL, round(r.engagement_now::numeric, 2), NULL FROM crm.lead_rating r WHERE r.lead_id = :hottest
UNION ALL
SELECT 'together', 'fit', NULL, NULL, r.fit, NULL FROM crm.lead_rating r WHERE r.lead_id = :hottest;

\echo == The same list a week from now, if nothing happens. Nothing is written: points decay, the order stays
\echo
SELECT left(coalesce(r.full_name, r.external_id, 'lead ' || r.lead_id), 24) AS "Lead", r.fit_grade || r.engagement_grade AS "Grade", r.temperature AS "Temperature",
	round(r.engagement_now::numeric, 1) AS "Engagement"
FROM crm.rated_lead(now() + interval '7 days') r
WHERE r.status_category <> 'closed' AND r.stage < 'customer' AND r.excluded_as IS NULL
ORDER BY r.engagement DESC NULLS LAST
LIMIT 10;
\endif

\echo == The life of one lead: crm.lead_timeline
\echo
SELECT t.changed_at::timestamp(0) AS "When", t.what AS "What", t.from_label AS "From", t.to_label AS "To",
	round(t.stayed_days, 1) AS "Days before", t.reason AS "Reason", t.actor AS "By"
FROM crm.lead_timeline t
WHERE t.lead_id = (SELECT l.lead_id FROM crm.lead l WHERE l.lead_id NOT IN (SELECT c.lead_id FROM crm.backfill_conflict c) ORDER BY l.return_count > 0 DESC, l.stage_seq DESC, l.lead_id LIMIT 1)
	AND (t.from_code IS NOT NULL OR t.what = 'stage')
ORDER BY t.position;

\echo == What the rules forbid is refused, whoever asks
\echo
SELECT lead_id AS forbidden FROM crm.lead WHERE stage = 'mql' AND excluded_as IS NULL ORDER BY lead_id DESC LIMIT 1 \gset
\echo 'UPDATE crm.lead SET stage = ''customer'' WHERE lead_id =' :forbidden;
\set ON_ERROR_STOP off
-- the error goes where errors go; shown again here, with its code
UPDATE crm.lead SET stage = 'customer' WHERE lead_id = :forbidden;
\echo SQLSTATE :SQLSTATE
\set ON_ERROR_STOP on
SELECT stage AS "Stage of that lead, as before" FROM crm.lead WHERE lead_id = :forbidden;
