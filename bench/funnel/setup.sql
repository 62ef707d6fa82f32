-- A company of :leads leads, created over the last 730 days: 10 channels, 200 campaigns, 50 owners; journeys with some 2.5 stages a
-- lead, ways back, closed leads, values; and the histories that they would have left, some 3.9 changes a lead, which make no difference
-- to the views (funnel_at reads them).
\set ON_ERROR_STOP 1
CREATE EXTENSION leadcrm;
SELECT leadcrm.create_workspace('crm');
INSERT INTO crm.rep (code, full_name) SELECT 'rep' || i, 'Rep ' || i FROM generate_series(1, 50) i;
INSERT INTO crm.campaign (code, label) SELECT 'campaign' || i, 'Campaign ' || i FROM generate_series(1, 200) i;
SELECT setseed(0.5);
ALTER TABLE crm.lead DISABLE TRIGGER USER;
INSERT INTO crm.lead (created_at, channel, campaign_id, owner, value, excluded_as, stage, stage_since, stage_seq, stage_peak,
	lead_at, mql_at, sql_at, opportunity_at, customer_at, status, status_category, status_since, status_seq, owner_since, owner_seq)
SELECT j.born, (ARRAY['organic_search', 'referral', 'email', 'event', 'social', 'outbound', 'unknown', '(none)', 'email', 'referral'])[1 + j.i % 10],
	CASE WHEN j.i % 3 > 0 THEN 1 + j.i % 200 END, 'rep' || 1 + j.i % 50,
	CASE WHEN j.i % 5 < 2 THEN round((100 + j.i % 9000)::numeric / 3, 2) END, CASE WHEN j.i % 100 = 0 THEN 'test' END,
	CASE WHEN j.back AND j.top > 1 THEN 'lead' ELSE (ARRAY['lead', 'mql', 'sql', 'opportunity', 'customer'])[j.top] END::leadcrm.lifecycle_stage,
	j.at[j.top], j.top + (j.back AND j.top > 1)::integer, (ARRAY['lead', 'mql', 'sql', 'opportunity', 'customer'])[j.top]::leadcrm.lifecycle_stage,
	j.at[1], j.at[2], j.at[3], j.at[4], j.at[5],
	CASE WHEN j.over AND j.top < 5 THEN 'lost' ELSE 'connected' END, CASE WHEN j.over AND j.top < 5 THEN 'closed' ELSE 'connected' END, j.at[j.top], 1, j.born, 1
FROM (
	SELECT r.i, r.born, r.back, r.over, t.top, ARRAY[r.born, CASE WHEN t.top > 1 THEN r.born + r.a * interval '10 days' END,
		CASE WHEN t.top > 2 THEN r.born + (r.a * 10 + r.b * 15) * interval '1 day' END,
		CASE WHEN t.top > 3 THEN r.born + (r.a * 10 + r.b * 15 + r.c * 20) * interval '1 day' END,
		CASE WHEN t.top > 4 THEN r.born + (r.a * 10 + r.b * 15 + r.c * 20 + r.d * 40) * interval '1 day' END] AS at
	FROM (
		SELECT i, now() - interval '730 days' * random() AS born, -ln(1 - random()) * 0.5 AS a, -ln(1 - random()) * 0.5 AS b, random() AS c,
			random() AS d, random() AS far, random() < 0.08 AS back, random() < 0.25 AS over
		FROM generate_series(1, :leads) i
	) r
	CROSS JOIN LATERAL (SELECT CASE WHEN r.far < 0.5 THEN 1 WHEN r.far < 0.8 THEN 2 WHEN r.far < 0.92 THEN 3 WHEN r.far < 0.97 THEN 4 ELSE 5 END
		AS wanted) w
	-- no further than time allows
	CROSS JOIN LATERAL (SELECT CASE WHEN r.born + (r.a * 10 + r.b * 15 + r.c * 20 + r.d * 40) * interval '1 day' <= now() THEN w.wanted
		WHEN r.born + (r.a * 10 + r.b * 15) * interval '1 day' <= now() THEN least(w.wanted, 3) ELSE 1 END AS top) t
) j;
ALTER TABLE crm.lead ENABLE TRIGGER USER;
SET leadcrm.enforcement = off;
INSERT INTO crm.stage_history (lead_id, seq, from_state, to_state, since, changed_at, origin, forced, recorded_at)
SELECT l.lead_id, c.seq, c.from_state, c.to_state, c.since, c.changed_at, CASE c.seq WHEN 1 THEN 'birth' ELSE 'change' END, false, c.changed_at
FROM crm.lead l
CROSS JOIN LATERAL (VALUES (1, NULL::leadcrm.lifecycle_stage, 'lead'::leadcrm.lifecycle_stage, NULL::timestamptz, l.lead_at), (2, 'lead', 'mql', l.lead_at, l.mql_at),
	(3, 'mql', 'sql', l.mql_at, l.sql_at), (4, 'sql', 'opportunity', l.sql_at, l.opportunity_at),
	(5, 'opportunity', 'customer', l.opportunity_at, l.customer_at),
	(l.stage_seq, l.stage_peak, l.stage, l.stage_since, CASE WHEN l.stage < l.stage_peak THEN l.stage_since END)) c (seq, from_state, to_state, since, changed_at)
WHERE c.changed_at IS NOT NULL;
INSERT INTO crm.status_history (lead_id, seq, to_state, changed_at, origin, forced, recorded_at)
SELECT l.lead_id, 1, l.status, l.status_since, 'birth', false, l.status_since FROM crm.lead l;
INSERT INTO crm.owner_history (lead_id, seq, to_state, changed_at, origin, forced, recorded_at)
SELECT l.lead_id, 1, l.owner, l.owner_since, 'birth', false, l.owner_since FROM crm.lead l;
RESET leadcrm.enforcement;
VACUUM (ANALYZE) crm.lead, crm.stage_history, crm.status_history, crm.owner_history;
\timing on
SELECT crm.rebuild_cubes();
\timing off
VACUUM (ANALYZE) crm.lead_cube, crm.lead_delta;
SELECT cube, kind, count(*) FROM crm.lead_cube GROUP BY 1, 2 ORDER BY 1, 2;
SELECT pg_size_pretty(pg_table_size('crm.lead')) AS lead, pg_size_pretty(pg_total_relation_size('crm.lead_cube')) AS cube;
