-- The cubes: counts of leads that the funnel's views read instead of the leads, exact at every snapshot.
--
-- A cell is a row of lead_cube: how many leads, how many of them with a value, and the sum. Nobody who writes leads touches it: the
-- trigger leadcrm.count_cells() writes what a statement takes and adds into lead_delta, in the same transaction, one row or, for
-- statements that change many leads, one for a hundred. Whoever reads adds up both (cells_of); fold() moves deltas into cells. A delta is deleted and its cells are updated in
-- one transaction, so every snapshot sees each change once.
--
-- Cells hold facts, not judgements: stage, furthest stage, stamps, since when. So crm.stage may be edited at any time; only
-- setting.time_zone, which says what a day is, makes the cubes anew.
--
-- cube      key               period
-- 0 day     ''                day of creation, in the workspace's time zone
-- 1 month   ''                month of creation
-- 2 all     ''                -infinity
-- 3 channel 4 campaign 5 owner, the key: month of creation for kind 0, else -infinity
--
-- kind      code (places from 1; days since 2000-01-01 UTC + 2^27)                                   amount
-- 0 place   peak << 24 | stage << 20 | closed << 16 | stamps, bit 0 the first stage's                value
-- 1 wait    stage << 40 | (day since when, in blocks of 32) << 8 | peak; leads that are not closed   value
-- 2 wait    stage << 40 | day since when << 8 | peak; 2^27 - 1: infinity, or nobody knows        value
-- 3 stay    from << 52 | to << 48 | apart << 44 | bucket + 4096; every two stamps of a lead          us between them
--           (deltas only: in lead_stay all cells of one from and to are a row, its histogram holding code and leads)
-- 4 entered stage << 40 | day of the stamp << 8; cubes 0 and 1 only                                  0
-- 5 on      5 << 56 | stage << 52 | later stage << 48 | bin; leads with a stamp for the stage and    0
--           one for the later stage or beyond: how long from the one to the first of the others
-- 6 off     6 << 56 | stage << 52 | furthest stage with a stamp << 48 | bin; closed leads:           0
--           how long from the stage's stamp until they were
-- 7 open    7 << 56 | stage << 52 | furthest stage with a stamp << 48 | bin; the others, by when     0
--           the stage's stamp is; period: its month (UTC)
-- 8 place   as 0, of all periods (-infinity) at once; cubes 2 to 5 only                              value
-- apart: 0 the wrong way round, 1 up to 30 days, 2 up to 60, 3 up to 90, 4 more. Kinds 5 to 7: cube 2 only, in lead_stay as kind 3 is;
-- bins: leadcrm.stay_bin() and, of kind 7, leadcrm.instant_bin(). From them follows what became of the leads of any stage, whichever
-- stages are the funnel's.
--
-- stalled needs the leads that stand in a stage since before an instant, that is all who stand there but those who came since: blocks of
-- 32 days after it, days in the block that it lies in, and of the day itself the leads, by an index alone. So it is exact though time passes
-- without a write.

-- Those leads, and what the counts ask of them, so that they read the index alone; for companies that let customers become stalled,
-- theirs too. An earlier version's indexes held nothing but the key.
DO $workspace$
DECLARE
	index regclass;
BEGIN
	FOR index IN SELECT i.indexrelid FROM pg_index i
		WHERE i.indrelid = (@workspace_literal@ || '.lead')::regclass AND i.indnatts = 2
		AND i.indexrelid IN (to_regclass(@workspace_literal@ || '.lead_alive_idx'), to_regclass(@workspace_literal@ || '.lead_kept_idx'))
	LOOP
		EXECUTE format('DROP INDEX %s', index);
	END LOOP;
END
$workspace$;
CREATE INDEX IF NOT EXISTS lead_alive_idx ON @workspace@.lead (stage, stage_since)
	INCLUDE (lead_id, created_at, channel, campaign_id, value, stage_peak, excluded_as)
	WHERE status_category <> 'closed' AND stage < 'customer';
CREATE INDEX IF NOT EXISTS lead_kept_idx ON @workspace@.lead (stage, stage_since)
	INCLUDE (lead_id, created_at, channel, campaign_id, value, stage_peak, excluded_as)
	WHERE status_category <> 'closed' AND stage >= 'customer';

CREATE TABLE IF NOT EXISTS @workspace@.lead_cube (
	cube smallint NOT NULL,
	kind smallint NOT NULL,
	period date NOT NULL,
	code bigint NOT NULL,
	key text COLLATE "C" NOT NULL,
	leads bigint NOT NULL,
	valued bigint NOT NULL,
	amount numeric NOT NULL,
	CONSTRAINT lead_cube_pkey PRIMARY KEY (cube, kind, period, code, key)
) WITH (fillfactor = 80);
-- no index on what changes: so that an update touches none (fillfactor leaves room for it on the page)
DROP INDEX IF EXISTS @workspace@.lead_cube_empty_idx;
COMMENT ON TABLE @workspace@.lead_cube IS
	'Leads counted by cells, without what stands in lead_delta; written by fold() and rebuild_cubes() only. Read it by cells_of(). Unique key: cube, kind, period, code, key';
COMMENT ON COLUMN @workspace@.lead_cube.cube IS
	'What the leads are counted by: 0 day of creation, 1 month of creation, 2 nothing, 3 channel, 4 campaign, 5 owner';
COMMENT ON COLUMN @workspace@.lead_cube.kind IS
	'What a cell counts: 0 leads by place, 1 open leads by 32 days since when, 2 open leads by the day since when, 4 stamps, 8 leads by place, of all periods at once';
COMMENT ON COLUMN @workspace@.lead_cube.period IS 'Day or first day of the month of creation; -infinity where a cell is of no period';
COMMENT ON COLUMN @workspace@.lead_cube.code IS 'The cell within its kind, packed; doc/cubes.md takes it apart';
COMMENT ON COLUMN @workspace@.lead_cube.key IS 'Channel, campaign_id (empty: none) or owner; empty in the cubes 0 to 2';
COMMENT ON COLUMN @workspace@.lead_cube.leads IS 'Number of leads, or of stamps (kind 4)';
COMMENT ON COLUMN @workspace@.lead_cube.valued IS 'Of them: with a value (kinds 0 to 2)';
COMMENT ON COLUMN @workspace@.lead_cube.amount IS
	'Sum of the values in the base currency (kinds 0 to 2)';

CREATE TABLE IF NOT EXISTS @workspace@.lead_stay (
	cube smallint NOT NULL,
	period date NOT NULL,
	code bigint NOT NULL,
	key text COLLATE "C" NOT NULL,
	leads bigint NOT NULL,
	amount numeric NOT NULL,
	counts bigint[] NOT NULL,
	CONSTRAINT lead_stay_pkey PRIMARY KEY (cube, period, code, key)
) WITH (fillfactor = 60);
DROP INDEX IF EXISTS @workspace@.lead_stay_empty_idx;
-- as it is: compressing it would cost fold() and whoever reads more than it saves
ALTER TABLE @workspace@.lead_stay ALTER COLUMN counts SET STORAGE EXTERNAL;
COMMENT ON TABLE @workspace@.lead_stay IS
	'How long leads took from one stage to another, and what became of those at a stage, beside lead_cube and kept like it: a histogram for each two stages. Unique key: cube, period, code, key';
COMMENT ON COLUMN @workspace@.lead_stay.cube IS 'As in lead_cube';
COMMENT ON COLUMN @workspace@.lead_stay.period IS
	'As in lead_cube; of open leads (code 7 << 56 and more) the first day of the month (UTC) in which they entered the stage';
COMMENT ON COLUMN @workspace@.lead_stay.code IS
	'The two stages: position of the first << 52 | position of the second << 48; + kind << 56 for leads that went on (5), were closed (6) or are open (7), see doc/cubes.md';
COMMENT ON COLUMN @workspace@.lead_stay.key IS 'As in lead_cube';
COMMENT ON COLUMN @workspace@.lead_stay.leads IS 'Number of leads with both stamps';
COMMENT ON COLUMN @workspace@.lead_stay.amount IS 'Sum of the microseconds from the first stamp to the second; 0 where the code has a kind';
COMMENT ON COLUMN @workspace@.lead_stay.counts IS
	'Histogram: code, leads, code, leads ..., the code being that of a delta''s cell (doc/cubes.md)';

CREATE TABLE IF NOT EXISTS @workspace@.lead_delta (
	delta_id uuid CONSTRAINT lead_delta_pkey PRIMARY KEY,
	first_day date NOT NULL,
	last_day date NOT NULL,
	changes bytea NOT NULL
) WITH (toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
	autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 1000000);
DO $workspace$
BEGIN
	-- deltas had another form; 57_cube_forms.sql counts anew
	IF EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = (@workspace_literal@ || '.lead_delta')::regclass AND a.attname = 'codes'
		AND NOT a.attisdropped)
	THEN
		DELETE FROM @workspace@.lead_delta;
		ALTER TABLE @workspace@.lead_delta ADD COLUMN IF NOT EXISTS first_day date NOT NULL,
			ADD COLUMN IF NOT EXISTS last_day date NOT NULL, ADD COLUMN IF NOT EXISTS changes bytea NOT NULL,
			SET (toast_tuple_target = 8160);
	END IF;
END
$workspace$;
-- as it is: a page holds one of a bulk statement, and compressing it would cost more than all else
ALTER TABLE @workspace@.lead_delta ALTER COLUMN changes SET STORAGE EXTERNAL;
COMMENT ON TABLE @workspace@.lead_delta IS
	'What was taken from the cells of lead_cube and added to them since fold() ran; written by the trigger on lead, read by delta_cells(). Unique key: delta_id';
COMMENT ON COLUMN @workspace@.lead_delta.delta_id IS 'Primary key, random: no two servers choose the same';
COMMENT ON COLUMN @workspace@.lead_delta.first_day IS 'The first day, in the workspace''s time zone, that one of its leads was created on';
COMMENT ON COLUMN @workspace@.lead_delta.last_day IS 'The last such day';
COMMENT ON COLUMN @workspace@.lead_delta.changes IS 'The changes of leads, packed; leadcrm.sum_deltas() unpacks them';

CREATE OR REPLACE FUNCTION @workspace@.delta_cells(cube smallint, kind smallint, first_codes bigint[], end_codes bigint[],
	since date, until date)
RETURNS SETOF leadcrm.cell
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT x.*
FROM unnest((
	SELECT leadcrm.sum_deltas(d.changes, delta_cells.cube, delta_cells.kind, delta_cells.first_codes, delta_cells.end_codes,
		delta_cells.since, delta_cells.until)
	FROM @workspace@.lead_delta d
	WHERE (delta_cells.since IS NULL OR d.last_day >= delta_cells.since)
	AND (delta_cells.until IS NULL OR d.first_day < delta_cells.until)
)) x;
END;
COMMENT ON FUNCTION @workspace@.delta_cells(smallint, smallint, bigint[], bigint[], date, date) IS
	'What lead_delta adds to the cells of one cube and kind, with codes from first_codes to before end_codes (parallel arrays), of leads created from since to before until; NULL: all. leads, valued and amount: how much more. Unique key: cube, kind, period, code, key. A building block of cells_of() and others.';

CREATE OR REPLACE FUNCTION @workspace@.delta_cells_in(cube smallint, kinds smallint[], first_codes bigint[], end_codes bigint[],
	since date, until date)
RETURNS SETOF leadcrm.cell
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT x.*
FROM unnest((
	SELECT leadcrm.sum_deltas_in(d.changes, delta_cells_in.cube, delta_cells_in.kinds, delta_cells_in.first_codes,
		delta_cells_in.end_codes, delta_cells_in.since, delta_cells_in.until)
	FROM @workspace@.lead_delta d
	WHERE (delta_cells_in.since IS NULL OR d.last_day >= delta_cells_in.since)
	AND (delta_cells_in.until IS NULL OR d.first_day < delta_cells_in.until)
)) x;
END;
COMMENT ON FUNCTION @workspace@.delta_cells_in(smallint, smallint[], bigint[], bigint[], date, date) IS
	'delta_cells of several kinds, which reads lead_delta once: kinds, first_codes and end_codes are parallel arrays. Unique key: cube, kind, period, code, key. A building block of the funnel views.';

-- The leads counted anew, in plain SQL: what the cubes must say.
CREATE OR REPLACE VIEW @workspace@.lead_cell WITH (security_invoker = true) AS
WITH lead AS (
	SELECT (l.created_at AT TIME ZONE z.time_zone)::date AS day, l.channel, coalesce(l.campaign_id::text, '') AS campaign, l.owner,
		l.value, n.position::bigint AS stage, p.position::bigint AS peak, l.status_category = 'closed' AS closed,
		CASE WHEN l.status_category = 'closed' THEN l.status_since END AS closed_at,
		CASE coalesce(l.stage_since, 'infinity') WHEN '-infinity' THEN 0 WHEN 'infinity' THEN 268435455
			ELSE floor(date_part('epoch', l.stage_since - '2000-01-01 00:00+00'::timestamptz) / 86400)::bigint + 134217728 END AS since,
		ARRAY[l.subscriber_at, l.lead_at, l.mql_at, l.sql_at, l.opportunity_at, l.customer_at, l.evangelist_at] AS stamps
	FROM @workspace@.lead l
	CROSS JOIN @workspace@.setting z
	JOIN @workspace@.stage n ON n.stage = l.stage
	JOIN @workspace@.stage p ON p.stage = coalesce(l.stage_peak, l.stage)
	WHERE l.excluded_as IS NULL
), counted AS (
	SELECT l.day, l.channel, l.campaign, l.owner, k.kind, k.code, k.value, k.amount, k.month
	FROM lead l
	CROSS JOIN LATERAL (
		SELECT u.kind, (l.peak << 24) | (l.stage << 20) | (CASE WHEN l.closed THEN 65536 ELSE 0 END)
				| coalesce((SELECT sum(1 << (i - 1)) FILTER (WHERE l.stamps[i] IS NOT NULL) FROM generate_series(1, 7) i), 0) AS code, l.value, l.value AS amount,
			NULL::date AS month
		FROM (VALUES (0), (8)) u (kind)
		UNION ALL
		SELECT 1, (l.stage << 40) | (l.since / 32 << 8) | l.peak, l.value, l.value, NULL WHERE NOT l.closed
		UNION ALL
		SELECT 2, (l.stage << 40) | (l.since << 8) | l.peak, l.value, l.value, NULL WHERE NOT l.closed
		UNION ALL
		SELECT 3, (i::bigint << 52) | (j::bigint << 48)
				| ((CASE WHEN t.us < 0 THEN 0 WHEN t.us <= 30 * 86400000000 THEN 1 WHEN t.us <= 60 * 86400000000 THEN 2
					WHEN t.us <= 90 * 86400000000 THEN 3 ELSE 4 END)::bigint << 44)
				| (leadcrm.duration_bucket(t.us) + 4096), NULL, t.us, NULL
		FROM generate_series(1, 7) i CROSS JOIN generate_series(1, 7) j
		CROSS JOIN LATERAL (SELECT CASE WHEN isfinite(l.stamps[i]) AND isfinite(l.stamps[j])
			THEN (extract(epoch FROM l.stamps[j] - l.stamps[i]) * 1000000)::bigint END AS us) t
		WHERE i < j AND t.us IS NOT NULL
		UNION ALL
		SELECT 4, (i::bigint << 40)
				| (CASE l.stamps[i] WHEN '-infinity' THEN 0 WHEN 'infinity' THEN 268435455
					ELSE floor(date_part('epoch', l.stamps[i] - '2000-01-01 00:00+00'::timestamptz) / 86400)::bigint + 134217728 END << 8), NULL, NULL, NULL
		FROM generate_series(1, 7) i WHERE l.stamps[i] IS NOT NULL
		UNION ALL
		SELECT f.kind, (f.kind::bigint << 56) | (f.stage::bigint << 52) | (f.other::bigint << 48)
				| leadcrm.stay_bin(least((extract(epoch FROM f.until) - extract(epoch FROM l.stamps[f.stage])) * 1000000, 9223372036854775807)::bigint),
			NULL, NULL, NULL
		FROM (
			SELECT 5 AS kind, i AS stage, j AS other, (SELECT min(s) FROM unnest(l.stamps[j:7]) s) AS until
			FROM generate_series(1, 7) i CROSS JOIN generate_series(1, 7) j
			WHERE i < j
			UNION ALL
			SELECT 6, i, (SELECT max(j) FROM generate_series(1, 7) j WHERE l.stamps[j] IS NOT NULL), l.closed_at FROM generate_series(1, 7) i
			OFFSET 0
		) f
		WHERE isfinite(f.until) AND isfinite(l.stamps[f.stage])
		UNION ALL
		SELECT 7, (7::bigint << 56) | (i::bigint << 52)
				| ((SELECT max(j) FROM generate_series(1, 7) j WHERE l.stamps[j] IS NOT NULL)::bigint << 48) | leadcrm.instant_bin(l.stamps[i]),
			NULL, NULL, date_trunc('month', l.stamps[i] AT TIME ZONE 'UTC')::date
		FROM generate_series(1, 7) i
		WHERE l.closed_at IS NULL AND isfinite(l.stamps[i])
	) k
)
SELECT b.cube::smallint AS cube, c.kind::smallint AS kind,
	CASE WHEN c.kind = 7 THEN c.month WHEN b.cube = 0 THEN c.day WHEN b.cube = 1 OR c.kind = 0 THEN date_trunc('month', c.day::timestamp)::date
		ELSE '-infinity' END AS period,
	c.code::bigint AS code, b.key, count(*) AS leads, count(c.value) AS valued, coalesce(sum(c.amount), 0)::numeric AS amount
FROM counted c
CROSS JOIN LATERAL (VALUES (0, ''), (1, ''), (2, ''), (3, c.channel), (4, c.campaign), (5, c.owner)) b (cube, key)
WHERE NOT (c.kind = 0 AND b.cube = 2) AND NOT (c.kind = 4 AND b.cube > 1) AND NOT (c.kind = 8 AND b.cube < 2)
	AND NOT (c.kind IN (5, 6, 7) AND b.cube <> 2)
GROUP BY 1, 2, 3, 4, 5;
COMMENT ON VIEW @workspace@.lead_cell IS
	'The cells as a count of all leads makes them: what lead_cube, lead_stay and lead_delta together must say, and verify_cubes() compares with. Slow. Unique key: cube, kind, period, code, key';
COMMENT ON COLUMN @workspace@.lead_cell.cube IS 'As in lead_cube';
COMMENT ON COLUMN @workspace@.lead_cell.kind IS 'As in lead_cube';
COMMENT ON COLUMN @workspace@.lead_cell.period IS 'As in lead_cube';
COMMENT ON COLUMN @workspace@.lead_cell.code IS 'As in lead_cube';
COMMENT ON COLUMN @workspace@.lead_cell.key IS 'As in lead_cube';
COMMENT ON COLUMN @workspace@.lead_cell.leads IS 'As in lead_cube';
COMMENT ON COLUMN @workspace@.lead_cell.valued IS 'As in lead_cube';
COMMENT ON COLUMN @workspace@.lead_cell.amount IS 'As in lead_cube: base currency, or microseconds in kind 3';
