-- The funnel computed a second time, slowly: from the raw histories, one question at a time.

CREATE TYPE t.cell AS (view text, key text, "position" int, col text, val text);
CREATE TABLE t.slow OF t.cell;
CREATE TABLE t.raw_lead (lead_id bigint PRIMARY KEY, channel text, campaign text, owner text, source_kind text, month text,
	created_at timestamptz, value numeric, peak int, outcome text,
	temperature text);
CREATE TABLE t.raw_stamp (lead_id bigint, "position" int, at timestamptz, PRIMARY KEY (lead_id, "position"));

-- numbers may differ in the last digits; quantiles, which the cubes know from histograms, by 1 %
CREATE FUNCTION t.same(a text, b text, col text DEFAULT '') RETURNS boolean LANGUAGE sql AS $$
	SELECT CASE WHEN a ~ '^-?[0-9.]+([eE][-+0-9]+)?$' AND b ~ '^-?[0-9.]+([eE][-+0-9]+)?$'
		THEN abs(a::numeric - b::numeric) <= CASE WHEN col IN ('median_days', 'p90_days') THEN 0.01 * abs(b::numeric)
			ELSE 1e-9 * greatest(1, abs(a::numeric)) END
		ELSE a IS NOT DISTINCT FROM b END
$$;

-- where each lead stands, told by what its history says was not voided
CREATE FUNCTION t.load_raw() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	l record;
	place int;
	since timestamptz;
	top int;
	at_peak int;
	zone text := (SELECT time_zone FROM crm.setting);
BEGIN
	TRUNCATE t.raw_lead, t.raw_stamp;
	CREATE TEMP TABLE valid ON COMMIT DROP AS
		SELECT h.lead_id, h.seq, h.changed_at, s.position
		FROM crm.stage_history h JOIN crm.stage s ON s.stage = h.to_state
		WHERE h.corrects IS NULL AND (h.lead_id, h.seq) NOT IN
			(SELECT c.lead_id, c.corrects FROM crm.stage_history c WHERE c.corrects IS NOT NULL)
			-- of a key that was born again, its present life
			AND h.seq > coalesce((SELECT max(d.seq) FROM crm.stage_history d WHERE d.lead_id = h.lead_id AND d.to_state IS NULL), 0);
	CREATE INDEX ON valid (lead_id);
	INSERT INTO t.raw_stamp SELECT v.lead_id, v.position, (array_agg(v.changed_at ORDER BY v.seq))[1] FROM valid v
		JOIN crm.lead x ON x.lead_id = v.lead_id AND x.excluded_as IS NULL GROUP BY v.lead_id, v.position;
	FOR l IN SELECT * FROM crm.lead WHERE excluded_as IS NULL LOOP
		SELECT v.position, v.changed_at INTO place, since FROM valid v WHERE v.lead_id = l.lead_id ORDER BY v.seq DESC LIMIT 1;
		SELECT max(v.position) INTO top FROM valid v WHERE v.lead_id = l.lead_id;
		SELECT max(s.position) INTO at_peak FROM crm.stage s WHERE s.in_funnel AND s.position <= top;
		INSERT INTO t.raw_lead VALUES (l.lead_id, l.channel,
			coalesce((SELECT c.code FROM crm.campaign c WHERE c.campaign_id = l.campaign_id), ''), l.owner,
			coalesce((SELECT c.source_kind FROM crm.channel c WHERE c.code = l.channel), ''),
			to_char(l.created_at AT TIME ZONE zone, 'YYYY-MM') || '-01', l.created_at, l.value, at_peak,
			CASE
				WHEN (SELECT s.category FROM crm.lead_status s WHERE s.code = l.status) = 'closed' THEN 'leaked'
				WHEN place < at_peak THEN 'returned'
				WHEN extract(epoch FROM now() - since) > (SELECT extract(epoch FROM s.stuck_after) FROM crm.stage s WHERE s.position = place)
				THEN 'stalled'
				ELSE 'active'
			END, coalesce(l.handoff_temperature, ''));
	END LOOP;
	DROP TABLE valid;
END
$$;

-- the p-th part of sorted numbers, interpolated
CREATE FUNCTION t.centile(p float8, x float8[]) RETURNS float8 LANGUAGE sql AS $$
	SELECT x[1 + floor(r)::int] + (r - floor(r)) * (coalesce(x[2 + floor(r)::int], 0) - x[1 + floor(r)::int])
	FROM (SELECT p * (cardinality(x) - 1) AS r) q
$$;

-- what each stage could convert
CREATE FUNCTION t.reference(k int, next int) RETURNS float8 LANGUAGE sql AS $$
	SELECT coalesce((SELECT s.target_conversion_pct FROM crm.stage s WHERE s.position = k), (
		SELECT max(100.0 * x.went_on / x.resolved) FROM (
			SELECT (SELECT count(*) FROM t.raw_lead r WHERE r.channel = c.code AND r.peak >= next) AS went_on,
				(SELECT count(*) FROM t.raw_lead r WHERE r.channel = c.code AND r.peak >= k
					AND NOT (r.peak = k AND r.outcome = 'active')) AS resolved
			FROM crm.channel c
		) x WHERE x.resolved >= 100))::float8
$$;

-- slow_set(VIEW, KEY, IDS, COHORT): all figures of one set of leads; COHORT: when each lead of IDS entered it
CREATE FUNCTION t.slow_set(the_view text, the_key text, ids bigint[], cohort timestamptz[] DEFAULT NULL) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	stages int[] := ARRAY(SELECT s.position FROM crm.stage s WHERE s.in_funnel ORDER BY s.position);
	n int := coalesce(cardinality(stages), 0);
	f jsonb[];
	k int;
	next int;
	entered bigint; advanced bigint; resolved bigint; lost bigint;
	days float8[];
	reference float8; rate float8; z float8 := 1.959963984540054; upper float8;
	chance float8 := 1;
	factor float8;
	recoverable float8;
	suspects int[] := '{}';
	gains float8[] := array_fill(NULL::float8, ARRAY[n]);
	rates float8[] := array_fill(NULL::float8, ARRAY[n]);
	enough boolean[] := array_fill(false, ARRAY[n]);
	any_reference boolean := false;
	all_lost bigint;
	worst int;
	d int;
BEGIN
	IF n = 0 THEN
		RETURN;
	END IF;
	f := array_fill('{}'::jsonb, ARRAY[n]);
	SELECT count(*) INTO all_lost FROM t.raw_lead r WHERE r.lead_id = ANY (ids) AND r.peak IS NOT NULL AND r.outcome <> 'active';
	FOR i IN REVERSE n .. 1 LOOP
		k := stages[i];
		next := CASE WHEN i < n THEN stages[i + 1] END;
		SELECT count(*) INTO entered FROM t.raw_lead r WHERE r.lead_id = ANY (ids) AND r.peak >= k;
		SELECT count(*) INTO advanced FROM t.raw_lead r WHERE r.lead_id = ANY (ids) AND r.peak > k;
		f[i] := jsonb_build_object('position', k, 'entered', entered, 'advanced', advanced)
			|| (SELECT jsonb_build_object('stage', s.stage, 'label', s.label) FROM crm.stage s WHERE s.position = k)
			|| (SELECT jsonb_object_agg(o, (SELECT count(*) FROM t.raw_lead r WHERE r.lead_id = ANY (ids) AND r.peak = k AND r.outcome = o))
				FROM unnest(ARRAY['active', 'stalled', 'returned', 'leaked']) o)
			|| jsonb_build_object('skipped', (SELECT count(*) FROM t.raw_lead r WHERE r.lead_id = ANY (ids) AND r.peak >= k
				AND NOT EXISTS (SELECT FROM t.raw_stamp s WHERE s.lead_id = r.lead_id AND s.position = k)
				AND EXISTS (SELECT FROM t.raw_stamp s WHERE s.lead_id = r.lead_id AND s.position < k)
				AND EXISTS (SELECT FROM t.raw_stamp s WHERE s.lead_id = r.lead_id AND s.position > k)))
			|| jsonb_build_object('joined_later', (SELECT count(*) FROM t.raw_lead r WHERE r.lead_id = ANY (ids) AND r.peak >= k
				AND NOT EXISTS (SELECT FROM t.raw_stamp s WHERE s.lead_id = r.lead_id AND s.position <= k)));
		resolved := entered - (f[i] ->> 'active')::bigint;
		SELECT count(*) INTO lost FROM t.raw_lead r WHERE r.lead_id = ANY (ids) AND r.peak = k AND r.outcome <> 'active';
		f[i] := f[i] || jsonb_build_object('lost', lost,
			'lost_share_pct', CASE WHEN all_lost > 0 THEN 100.0 * lost / all_lost END,
			'lost_value', (SELECT coalesce(sum(r.value), 0) FROM t.raw_lead r
				WHERE r.lead_id = ANY (ids) AND r.peak = k AND r.outcome <> 'active'),
			'value_known_pct', CASE WHEN lost > 0 THEN 100.0 * (SELECT count(*) FROM t.raw_lead r
				WHERE r.lead_id = ANY (ids) AND r.peak = k AND r.outcome <> 'active' AND r.value IS NOT NULL) / lost END,
			'conversion_pct', CASE WHEN next IS NOT NULL AND entered > 0 THEN 100.0 * advanced / entered END,
			'resolved_pct', CASE WHEN next IS NOT NULL AND resolved > 0 THEN 100.0 * advanced / resolved END,
			'cumulative_pct', (SELECT CASE WHEN count(*) > 0 THEN 100.0 * entered / count(*) END
				FROM t.raw_lead r WHERE r.lead_id = ANY (ids) AND r.peak >= stages[1]));
		days := ARRAY(SELECT extract(epoch FROM b.at - a.at) / 86400 FROM t.raw_stamp a, t.raw_stamp b
			WHERE a.lead_id = ANY (ids) AND b.lead_id = a.lead_id AND a.position = k AND b.position = next ORDER BY 1);
		f[i] := f[i] || jsonb_build_object('mean_days', (SELECT sum(x) / count(*) FROM unnest(days) x),
			'median_days', CASE WHEN cardinality(days) > 0 THEN t.centile(0.5, days) END,
			'p90_days', CASE WHEN cardinality(days) > 0 THEN t.centile(0.9, days) END);

		-- references and what they would bring, from the end of the funnel upwards
		reference := NULL; recoverable := NULL; upper := NULL;
		IF next IS NOT NULL THEN
			reference := t.reference(k, next);
			any_reference := any_reference OR reference IS NOT NULL;
			enough[i] := resolved >= 30;
			IF resolved > 0 THEN
				rate := advanced / resolved::float8;
				rates[i] := rate;
				upper := (rate + z * z / 2 / resolved + z / resolved * sqrt(resolved * rate * (1 - rate) + z * z / 4))
					/ (1 + z * z / resolved);
			ELSE
				rate := NULL;
			END IF;
			recoverable := CASE WHEN resolved = 0 OR reference <= rate * 100 THEN 0
				ELSE (reference / 100 - rate) * resolved * chance END;
			gains[i] := recoverable;
			IF enough[i] AND reference / 100 > upper THEN
				suspects := suspects || i;
			END IF;
			chance := chance * coalesce(reference / 100, rate);
		END IF;
		f[i] := f[i] || jsonb_build_object('reference_pct', reference, 'recoverable_customers', recoverable);
		IF cohort IS NOT NULL THEN
			FOREACH d IN ARRAY ARRAY[30, 60, 90] LOOP
				f[i] := f[i] || jsonb_build_object(format('within_%sd_pct', d), (
					SELECT CASE WHEN next IS NOT NULL AND count(*) > 0 AND max(a.at) <= now() - d * interval '24 hours'
							AND (SELECT max(c) FROM unnest(cohort) c) <= now() - d * interval '24 hours'
						THEN 100.0 * count(*) FILTER (WHERE EXISTS (SELECT FROM t.raw_stamp b WHERE b.lead_id = a.lead_id
							AND b.position = next AND b.at >= a.at AND b.at <= a.at + d * interval '24 hours')) / count(*) END
					FROM t.raw_stamp a WHERE a.lead_id = ANY (ids) AND a.position = k));
			END LOOP;
		END IF;
	END LOOP;
	IF any_reference THEN
		SELECT i INTO worst FROM unnest(suspects) i ORDER BY gains[i] DESC NULLS LAST, i LIMIT 1;
	ELSE
		SELECT i INTO worst FROM generate_subscripts(rates, 1) i WHERE enough[i] ORDER BY rates[i], i LIMIT 1;
	END IF;
	FOR i IN 1 .. n LOOP
		INSERT INTO t.slow SELECT the_view, the_key, stages[i], j.key, j.value
		FROM jsonb_each_text(f[i] || jsonb_build_object('is_bottleneck', i IS NOT DISTINCT FROM worst)) j;
	END LOOP;
END
$$;

-- every set that a view shows
CREATE FUNCTION t.slow_rows() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	x record;
	zone text := (SELECT time_zone FROM crm.setting);
BEGIN
	PERFORM t.slow_set('funnel_leak', '', ARRAY(SELECT lead_id FROM t.raw_lead));
	FOR x IN SELECT code FROM crm.channel LOOP
		PERFORM t.slow_set('channel', x.code, ARRAY(SELECT lead_id FROM t.raw_lead WHERE channel = x.code));
	END LOOP;
	FOR x IN SELECT code FROM crm.campaign UNION SELECT '' WHERE EXISTS (SELECT FROM t.raw_lead WHERE campaign = '' AND peak > 0) LOOP
		PERFORM t.slow_set('campaign', x.code, ARRAY(SELECT lead_id FROM t.raw_lead WHERE campaign = x.code));
	END LOOP;
	FOR x IN SELECT code FROM crm.rep LOOP
		PERFORM t.slow_set('owner', x.code, ARRAY(SELECT lead_id FROM t.raw_lead WHERE owner = x.code));
	END LOOP;
	FOR x IN SELECT unnest(ARRAY['seed', 'net', 'spear']) AS code
		UNION SELECT '' WHERE EXISTS (SELECT FROM t.raw_lead WHERE source_kind = '' AND peak > 0) LOOP
		PERFORM t.slow_set('source_kind', x.code, ARRAY(SELECT lead_id FROM t.raw_lead WHERE source_kind = x.code));
	END LOOP;
	FOR x IN SELECT unnest(ARRAY['cold', 'warm', 'hot']) AS code
		UNION SELECT '' WHERE EXISTS (SELECT FROM t.raw_lead WHERE temperature = '' AND peak > 0) LOOP
		PERFORM t.slow_set('temperature', x.code, ARRAY(SELECT lead_id FROM t.raw_lead WHERE temperature = x.code));
	END LOOP;
	FOR x IN SELECT m::date::text AS month FROM generate_series((SELECT min(month)::timestamp FROM t.raw_lead WHERE peak > 0),
		(SELECT max(month)::timestamp FROM t.raw_lead WHERE peak > 0), '1 month') m LOOP
		PERFORM t.slow_set('month', x.month, ARRAY(SELECT lead_id FROM t.raw_lead WHERE month = x.month));
	END LOOP;
	FOR x IN
		SELECT concat_ws(' ', p.since, p.until, p.cohort_stage) AS key, array_agg(c.lead_id) AS ids, array_agg(c.at) AS at
		FROM t.period p LEFT JOIN LATERAL (
			SELECT r.lead_id, y.at FROM t.raw_lead r, LATERAL (SELECT CASE WHEN p.cohort_stage IS NULL THEN r.created_at ELSE (
				SELECT s.at FROM t.raw_stamp s JOIN crm.stage g USING (position) WHERE s.lead_id = r.lead_id AND g.stage = p.cohort_stage)
				END AS at) y
			WHERE y.at >= p.since::timestamp AT TIME ZONE zone AND y.at < p.until::timestamp AT TIME ZONE zone
		) c ON true
		GROUP BY 1
	LOOP
		PERFORM t.slow_set('between', x.key, array_remove(x.ids, NULL), array_remove(x.at, NULL));
	END LOOP;
END
$$;
