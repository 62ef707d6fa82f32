-- leadcrm.funnel: the summary says what plain SQL over the same leads says, however it was put together.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
RESET client_min_messages;
\pset format unaligned
SET timezone = 'UTC';

-- a small one by hand: four stages, of which the second is not measured
SELECT * FROM leadcrm.stages((
	SELECT leadcrm.funnel_agg(stamps::timestamptz[], peak, outcome, value, '{t,f,t,t}') FROM (VALUES
		('{2024-01-01,2024-01-02,2024-01-05,2024-01-06}', 4, 'active', 100.50),
		('{2024-01-01,NULL,NULL,2024-01-06}', 4, 'leaked', 0.001),
		('{NULL,2024-01-02,NULL,2024-01-06}', 4, 'stalled', NULL),
		('{2024-01-01,NULL,2024-01-01 12:00,NULL}', 3, 'returned', -2.25),
		('{2024-01-01,NULL,NULL,NULL}', 2, 'stalled', 7),
		('{NULL,2024-01-01,NULL,NULL}', 2, 'active', 1e20),
		('{2024-01-01,NULL,2024-01-03,NULL}', NULL, 'leaked', 1000),
		(NULL, 1, 'leaked', 1)) AS v(stamps, peak, outcome, value)));

-- random leads, with every order of stamps and outcomes at any place
SELECT setseed(0.42);
CREATE TABLE funnel_lead AS
	SELECT i AS lead_id, i % 7 AS shard,
		ARRAY[CASE WHEN random() < 0.9 THEN t END,
			CASE WHEN random() < 0.5 THEN t + interval '20 days' * random() ^ 4 END,
			CASE WHEN random() < 0.5 THEN t + interval '90 days' * (random() - 0.1) END,
			CASE WHEN random() < 0.3 THEN t + interval '1 second' * random() END,
			CASE WHEN random() < 0.3 THEN t + interval '300 days' * random() END] AS stamps,
		CASE WHEN random() < 0.95 THEN 1 + floor(random() * 5)::integer END AS peak,
		(ARRAY['active', 'stalled', 'returned', 'leaked'])[1 + floor(random() * 4)::integer] AS outcome,
		CASE WHEN random() < 0.7 THEN round((random() * 1e6 - 1e5)::numeric, (random() * 6)::integer) END AS value
	FROM (SELECT i, timestamptz '2024-01-01' + i * interval '1 minute' AS t FROM generate_series(1, 20000) i) g;
CREATE TABLE funnel_summary AS SELECT leadcrm.funnel_agg(stamps, peak, outcome, value) AS f FROM funnel_lead;

-- the same in plain SQL, without a word of ours
CREATE TEMPORARY TABLE plain AS
	SELECT k AS position,
		count(*) FILTER (WHERE peak >= k) AS entered,
		count(*) FILTER (WHERE peak > k) AS advanced,
		count(*) FILTER (WHERE peak = k AND outcome = 'active') AS active,
		count(*) FILTER (WHERE peak = k AND outcome = 'stalled') AS stalled,
		count(*) FILTER (WHERE peak = k AND outcome = 'returned') AS returned,
		count(*) FILTER (WHERE peak = k AND outcome = 'leaked') AS leaked,
		count(*) FILTER (WHERE peak >= k AND stamps[k] IS NULL AND num_nonnulls(VARIADIC stamps[1:k - 1] || ARRAY[NULL::timestamptz]) > 0
			AND num_nonnulls(VARIADIC stamps[k + 1:] || ARRAY[NULL::timestamptz]) > 0) AS skipped,
		count(*) FILTER (WHERE peak >= k AND num_nonnulls(VARIADIC stamps[1:k]) = 0) AS joined_later,
		count(*) FILTER (WHERE peak = k AND outcome <> 'active') AS lost,
		coalesce(sum(value) FILTER (WHERE peak = k AND outcome <> 'active'), 0) AS lost_value,
		count(value) FILTER (WHERE peak = k AND outcome <> 'active') AS lost_valued,
		count(value) FILTER (WHERE peak >= k) AS valued,
		coalesce(sum(value) FILTER (WHERE peak >= k), 0) AS value,
		CASE WHEN k < 5 THEN count(stamps[k + 1] - stamps[k]) END AS timed,
		avg(extract(epoch FROM stamps[k + 1] - stamps[k])) / 86400 AS mean_days
	FROM funnel_lead, generate_series(1, 5) k GROUP BY k;
SELECT count(*) AS stages,
	count(*) FILTER (WHERE (s.entered, s.advanced, s.active, s.stalled, s.returned, s.leaked, s.skipped, s.joined_later, s.lost, s.lost_value, s.valued, s.value)
		IS DISTINCT FROM (p.entered, p.advanced, p.active, p.stalled, p.returned, p.leaked, p.skipped, p.joined_later, p.lost, p.lost_value, p.valued, p.value))
		AS other_counts,
	count(*) FILTER (WHERE s.timed IS DISTINCT FROM p.timed OR (s.mean_days IS NULL) <> (p.mean_days IS NULL)
		OR abs(s.mean_days - p.mean_days) > 1e-12 * abs(p.mean_days)) AS other_days,
	count(*) FILTER (WHERE abs(s.conversion_pct - 100.0 * p.advanced / p.entered) > 1e-9
		OR abs(s.resolved_pct - 100.0 * p.advanced / (p.entered - p.active)) > 1e-9
		OR abs(s.value_known_pct - 100.0 * p.lost_valued / p.lost) > 1e-9) AS other_pct,
	round(sum(s.lost_share_pct), 9) AS lost_share_pct
FROM leadcrm.stages((SELECT f FROM funnel_summary)) s JOIN plain p USING (position);
SELECT bool_and(leadcrm.entered(f, p.position) = p.entered AND leadcrm.advanced(f, p.position) = p.advanced
		AND leadcrm.timed(f, p.position) = coalesce(p.timed, 0) AND leadcrm.leads(f) = (SELECT max(entered) FROM plain)) AS accessors_agree
FROM funnel_summary, plain p;

-- quantiles against percentile_cont: within 1 % of it, or of the larger neighbour where the two have different signs
CREATE TEMPORARY TABLE quantile AS
	SELECT k, p, leadcrm.quantile_days(f, k, p) AS ours,
		(SELECT percentile_cont(p) WITHIN GROUP (ORDER BY extract(epoch FROM stamps[k + 1] - stamps[k]) / 86400) FROM funnel_lead) AS exact
	FROM funnel_summary, generate_series(1, 4) k, unnest(ARRAY[0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1]) p;
SELECT count(*) AS quantiles, count(*) FILTER (WHERE ours IS NULL OR abs(ours - exact) > 0.01 * abs(exact)) AS beyond_one_percent FROM quantile;

-- merged by any route, the summary is the same value; what is taken away is gone
SELECT bool_and(x.f OPERATOR(leadcrm.=) s.f) AS same FROM funnel_summary s, LATERAL (
	SELECT leadcrm.rollup(f) FROM (SELECT leadcrm.funnel_agg(stamps, peak, outcome, value) AS f FROM funnel_lead GROUP BY shard) g
	UNION ALL SELECT leadcrm.rollup(f ORDER BY lead_id DESC)
		FROM (SELECT lead_id, leadcrm.funnel_agg(stamps, peak, outcome, value) AS f FROM funnel_lead GROUP BY lead_id) g
	UNION ALL SELECT leadcrm.funnel_agg(stamps, peak, outcome, value ORDER BY random()) FROM funnel_lead
	UNION ALL SELECT leadcrm.funnel_agg(stamps, peak, outcome, value) FILTER (WHERE shard < 3)
		OPERATOR(leadcrm.+) leadcrm.funnel_agg(stamps, peak, outcome, value) FILTER (WHERE shard >= 3) FROM funnel_lead
	UNION ALL SELECT leadcrm.funnel_agg(stamps, peak, outcome, value, NULL, w) FROM funnel_lead, (VALUES (5), (-4)) v(w)
	UNION ALL SELECT s.f OPERATOR(leadcrm.+) leadcrm.funnel_agg(stamps, peak, outcome, value) OPERATOR(leadcrm.-)
		leadcrm.funnel_agg(stamps, peak, outcome, value) FROM funnel_lead WHERE shard = 3
	UNION ALL SELECT s.f::text::leadcrm.funnel) x(f);
SELECT leadcrm.is_zero(f OPERATOR(leadcrm.-) f) AS nothing_left, (f OPERATOR(leadcrm.-) f)::text AS zero,
	leadcrm.is_zero(f) AS everything, f OPERATOR(leadcrm.+) (OPERATOR(leadcrm.-) f) OPERATOR(leadcrm.=) (f OPERATOR(leadcrm.-) f) AS negative
FROM funnel_summary;

-- a moving frame gives what each frame alone gives
SELECT count(*) AS frames, count(*) FILTER (WHERE moving IS NULL) AS empty, count(*) FILTER (WHERE moving OPERATOR(leadcrm.<>) alone) AS differ
FROM (
	SELECT leadcrm.rollup(f) OVER (ORDER BY day ROWS BETWEEN 4 PRECEDING AND 2 PRECEDING) AS moving,
		(SELECT leadcrm.funnel_agg(stamps, peak, outcome, value) FROM funnel_lead l
			WHERE date_trunc('day', coalesce(l.stamps[1], '2024-01-01')) BETWEEN g.day - interval '4 days' AND g.day - interval '2 days') AS alone
	FROM (SELECT date_trunc('day', coalesce(stamps[1], '2024-01-01')) AS day, leadcrm.funnel_agg(stamps, peak, outcome, value) AS f
		FROM funnel_lead GROUP BY 1) g) w;

-- parallel workers come to the same summary
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
ANALYZE funnel_lead;
EXPLAIN (COSTS off) SELECT leadcrm.funnel_agg(stamps, peak, outcome, value) FROM funnel_lead;
SELECT (SELECT leadcrm.funnel_agg(stamps, peak, outcome, value) FROM funnel_lead) OPERATOR(leadcrm.=) f AS same FROM funnel_summary;
CREATE TABLE funnel_part AS SELECT lead_id, leadcrm.funnel_agg(stamps, peak, outcome, value) AS f FROM funnel_lead GROUP BY lead_id;
ANALYZE funnel_part;
EXPLAIN (COSTS off) SELECT leadcrm.rollup(f) FROM funnel_part;
SELECT (SELECT leadcrm.rollup(f) FROM funnel_part) OPERATOR(leadcrm.=) f AS same FROM funnel_summary;
SELECT count(*) AS groups, sum(leadcrm.leads(f)) = (SELECT max(entered) FROM plain) AS nobody_lost
FROM (SELECT shard, leadcrm.funnel_agg(stamps, peak, outcome, value) AS f FROM funnel_lead GROUP BY shard) g;
RESET max_parallel_workers_per_gather;

-- values are added up exactly, to the last of 38 digits, and leave nothing behind
SELECT value FROM leadcrm.stages((SELECT leadcrm.funnel_agg('{2024-01-01}', 1, 'active', v)
	FROM unnest(ARRAY[12345678901234567890.000000000000000001, -0.000000000000000001, 1e20, 0.10, 0.2000]) v));
SELECT value FROM leadcrm.stages((SELECT leadcrm.funnel_agg('{2024-01-01}', 1, 'active', v, NULL, n)
	FROM (VALUES (99999999999999999999999999999999999999, 1), (-99999999999999999999999999999999999999, 1), (0.00000000000000000000000000000000000001, 3)) t(v, n)
	WHERE v < 1 OR n = 1));

-- nothing at all
SELECT leadcrm.funnel_agg(NULL::timestamptz[]) IS NULL AS no_stamps, (SELECT leadcrm.rollup(NULL)) IS NULL AS no_funnel;
SELECT count(*) FROM leadcrm.stages('{"version": 1, "stages": 0}');
SELECT leadcrm.leads(e) AS leads, leadcrm.entered(e, 3) AS entered, leadcrm.mean_days(e, 3) AS mean, leadcrm.quantile_days(e, 3, 0.5) AS median,
	e OPERATOR(leadcrm.+) f OPERATOR(leadcrm.=) f AS neutral
FROM (SELECT '{"version": 1, "stages": 0}'::leadcrm.funnel AS e) x, funnel_summary;
SELECT * FROM leadcrm.stages((SELECT leadcrm.funnel_agg('{NULL,NULL}'::timestamptz[])));

-- as a value among others: groups, joins, sets
SELECT count(*) AS rows, count(DISTINCT g.h) AS distinct_values FROM (SELECT leadcrm.funnel_hash(f) AS h FROM funnel_part) g \gset
SELECT :rows > 0 AS hashed, count(*) < :rows AS fewer FROM (SELECT f FROM funnel_part GROUP BY f) g;
SELECT count(*) AS outside FROM (SELECT f FROM funnel_part EXCEPT SELECT f FROM funnel_part) x;
DROP TABLE funnel_lead, funnel_summary, funnel_part;
