-- make_company(SEED): a random company in workspace crm, the same for the same seed but for the clock.

CREATE FUNCTION t.pick(VARIADIC choices text[]) RETURNS text LANGUAGE sql VOLATILE AS
	$$SELECT choices[1 + floor(random() * cardinality(choices))::int]$$;

CREATE TABLE t.period (since date, until date, cohort_stage leadcrm.lifecycle_stage);

CREATE FUNCTION t.make_company(seed int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	s record;
	lead crm.lead;
	id bigint;
	at timestamptz;
	target leadcrm.lifecycle_stage;
	imported int := (ARRAY[0, 40, 200, 600])[1 + seed % 4];
	lived int := (ARRAY[0, 30, 60])[1 + seed % 3];
BEGIN
	PERFORM setseed(seed / 1000.0);
	UPDATE crm.setting SET time_zone = t.pick('UTC', 'Asia/Tbilisi', 'America/Sao_Paulo', 'Asia/Ulaanbaatar', 'Europe/Vilnius');
	IF seed % 5 > 0 THEN
		FOR s IN SELECT * FROM crm.stage ORDER BY position LOOP
			UPDATE crm.stage SET
				in_funnel = CASE WHEN seed % 7 = 0 THEN random() < 0.6 ELSE in_funnel END,
				target_conversion_pct = CASE WHEN seed % 5 = 1 THEN NULL
					WHEN random() < 0.4 THEN NULL WHEN random() < 0.1 THEN 0 ELSE round((random() * 100)::numeric, 1) END,
				stuck_after = CASE WHEN random() < 0.3 THEN NULL ELSE (1 + random() * 300) * interval '1 day' END
			WHERE stage = s.stage;
		END LOOP;
	END IF;
	INSERT INTO crm.rep (code, full_name) VALUES ('ann', 'Ann'), ('bo', 'Bo'), ('idle', 'Idle');
	INSERT INTO crm.campaign (code, label) VALUES ('a', 'A'), ('b', 'B'), ('idle', 'Idle');

	-- imports: any stage, any stamps, some of them missing, some out of order; some in a later stay than their stamp's
	INSERT INTO crm.lead (external_id, channel, campaign_id, owner, value, excluded_as, stage, stage_since, subscriber_at,
		lead_at, mql_at, sql_at, opportunity_at, customer_at, evangelist_at, created_at, status)
	SELECT 'i' || i, t.pick('email', 'email', 'email', 'email', 'email', 'email', 'referral', 'outbound', 'unknown', '(none)'),
		(SELECT campaign_id FROM crm.campaign WHERE code = t.pick('a', 'b', 'none', 'none') AND i > 0 LIMIT 1),
		t.pick('ann', 'bo', '(none)'),
		CASE WHEN random() < 0.6 THEN round((random() * 9000)::numeric, 2) END,
		CASE WHEN random() < 0.05 THEN t.pick('test', 'spam', 'duplicate') END,
		x.stage,
		CASE WHEN x.stage < x.peak THEN greatest(x.a[1], x.a[2], x.a[3], x.a[4], x.a[5], x.a[6], x.a[7])
			+ least(random() * 20 * interval '1 day', now() - greatest(x.a[1], x.a[2], x.a[3], x.a[4], x.a[5], x.a[6], x.a[7]))
			WHEN i % 13 = 0 THEN (SELECT least(max(u.b) + interval '3 days', now()) FROM unnest(x.a) u (b)) END,
		x.a[1], x.a[2], x.a[3], x.a[4], x.a[5], x.a[6], x.a[7],
		CASE WHEN random() < 0.2 THEN now() - random() * 400 * interval '1 day' ELSE now() END,
		CASE WHEN x.stage BETWEEN 'lead' AND 'sql' AND random() < 0.3 THEN t.pick('lost', 'connected', 'unqualified')
			WHEN x.stage = 'opportunity' AND random() < 0.3 THEN 'lost' END
	FROM (
		SELECT r.i, e.stage, e.peak,
			ARRAY(SELECT CASE WHEN k = e.place OR k = e.top OR (k < e.top AND random() < r.full) THEN
					least(now(), r.born + CASE WHEN random() < r.mess THEN random() * 200 ELSE k * r.pace + random() * 5 END
						* interval '1 day') END
				FROM generate_series(1, 7) k)::timestamptz[] AS a
		FROM (
			SELECT i, now() - (1 + random() * 330) * interval '1 day' AS born, random() * 20 AS pace,
				CASE WHEN random() < 0.1 THEN 0.5 ELSE 0 END AS mess,
				CASE WHEN random() < 0.5 THEN 1 ELSE 0.6 END AS full,
				least(7, 1 + floor(-ln(1 - random()) * 2.2))::int AS top, random() < 0.15 AS went_back, random() AS back
			FROM generate_series(1, imported) i
		) r
		CROSS JOIN LATERAL (
			SELECT r.top, q.place, (SELECT g.stage FROM crm.stage g WHERE g.position = q.place) AS stage,
				(SELECT g.stage FROM crm.stage g WHERE g.position = r.top) AS peak
			FROM (SELECT CASE WHEN r.went_back THEN 1 + floor(r.back * r.top)::int ELSE r.top END AS place) q
		) e
	) x;

	-- lives: moves that the rules allow, in time order
	FOR i IN 1 .. lived LOOP
		at := now() - (20 + random() * 300) * interval '1 day';
		INSERT INTO crm.lead (external_id, channel, owner, value, stage, stage_since)
		VALUES ('l' || i, t.pick('organic_search', 'referral', '(none)'), t.pick('ann', '(none)'),
			CASE WHEN random() < 0.5 THEN round((random() * 100)::numeric) END,
			t.pick('subscriber', 'lead', 'lead', 'mql', 'sql')::leadcrm.lifecycle_stage, at)
		RETURNING lead_id INTO id;
		FOR j IN 1 .. floor(random() * 9)::int LOOP
			IF j = 3 AND i % 7 = 0 THEN
				-- a new stay without a change of the stage
				PERFORM set_config('client_min_messages', 'error', true), set_config('leadcrm.enforcement', 'log', true);
				UPDATE crm.lead SET stage_since = stage_since + interval '2 days' WHERE lead_id = id AND stage_since < now() - interval '3 days';
				PERFORM set_config('client_min_messages', 'warning', true), set_config('leadcrm.enforcement', 'strict', true);
			END IF;
			SELECT * INTO lead FROM crm.lead WHERE lead_id = id;
			at := lead.stage_since + random() * 30 * interval '1 day';
			IF random() < 0.75 THEN
				SELECT x.to_state INTO target FROM crm.stage_transition x
				WHERE x.from_state = lead.stage AND (x.to_state > x.from_state OR random() < 0.4)
				ORDER BY random() LIMIT 1;
				CONTINUE WHEN target IS NULL;
				UPDATE crm.lead SET stage = target, stage_reason = 'because',
					stage_since = CASE WHEN at <= clock_timestamp() THEN at ELSE crm.lead.stage_since END
				WHERE lead_id = id;
			ELSIF random() < 0.3 THEN
				BEGIN
					PERFORM leadcrm.correct('crm.lead', 'stage', id::text, 'wrong click');
				EXCEPTION WHEN object_not_in_prerequisite_state THEN
					NULL;	-- nothing but its birth
				END;
			ELSIF lead.stage BETWEEN 'lead' AND 'sql' THEN
				UPDATE crm.lead SET status = t.pick('lost', 'connected', 'unqualified', 'open'), status_reason = 'no_budget'
				WHERE lead_id = id;
			ELSIF lead.stage = 'opportunity' THEN
				UPDATE crm.lead SET status = t.pick('lost', 'open_deal') WHERE lead_id = id;
			END IF;
		END LOOP;
	END LOOP;
	UPDATE crm.lead SET owner = 'bo' WHERE lead_id % 11 = 0;
	UPDATE crm.lead SET excluded_as = 'employee' WHERE lead_id % 23 = 0;
	DELETE FROM crm.lead l WHERE l.lead_id % 29 = 0 AND NOT EXISTS (SELECT FROM crm.customer c WHERE c.lead_id = l.lead_id);
	-- what imports bring along; who moved to the handoff stage here was cold, for want of activities
	UPDATE crm.lead SET handoff_temperature = (ARRAY['cold', 'warm', 'hot'])[1 + lead_id / 3 % 3] WHERE handed_off_at IS NOT NULL AND lead_id % 3 > 0;

	DELETE FROM t.period;
	INSERT INTO t.period VALUES ('-infinity', 'infinity', NULL), (current_date - 200, current_date - 100, NULL),
		(current_date - 300, current_date - 130, 'mql'), (current_date - 90, current_date + 1, 'lead'),
		(current_date - 10, current_date - 10, 'sql');
END
$$;

-- how often each kind of life occurs in the company of now
CREATE FUNCTION t.coverage() RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object(
		'leads', (SELECT count(*) FROM crm.lead),
		'no leads', (SELECT (count(*) = 0)::int FROM crm.lead),
		'corrections', (SELECT count(*) FROM crm.stage_history WHERE origin = 'correction'),
		'imports', (SELECT count(*) FROM crm.stage_history WHERE origin = 'backfill'),
		'moves', (SELECT count(*) FROM crm.stage_history WHERE origin = 'change'),
		're-entries', (SELECT count(*) FROM (SELECT FROM crm.stage_history GROUP BY lead_id, to_state HAVING count(*) > 1) x),
		'deleted', (SELECT count(*) FROM crm.stage_history WHERE origin = 'delete'),
		'excluded', (SELECT count(*) FROM crm.excluded_lead),
		'conflicts', (SELECT count(*) FROM crm.backfill_conflict),
		'active', (SELECT sum(active) FROM crm.funnel_leak), 'stalled', (SELECT sum(stalled) FROM crm.funnel_leak),
		'returned', (SELECT sum(returned) FROM crm.funnel_leak), 'leaked', (SELECT sum(leaked) FROM crm.funnel_leak),
		'skipped', (SELECT sum(skipped) FROM crm.funnel_leak), 'joined_later', (SELECT sum(joined_later) FROM crm.funnel_leak),
		'references from channels', (SELECT count(reference_pct) FROM crm.funnel_leak JOIN crm.stage USING (stage)
			WHERE target_conversion_pct IS NULL),
		'no reference', (SELECT (count(reference_pct) = 0)::int FROM crm.funnel_leak),
		'bottleneck by reference', (SELECT count(*) FROM crm.funnel_leak WHERE is_bottleneck AND reference_pct IS NOT NULL),
		'bottleneck without reference', (SELECT count(*) FROM crm.funnel_leak WHERE is_bottleneck AND reference_pct IS NULL),
		'negative days', (SELECT count(*) FROM crm.lead_fact WHERE created_to_customer_days < 0),
		'within 30 days', (SELECT count(within_30d_pct) FROM crm.funnel_between(current_date - 200, current_date - 100)))
$$;
