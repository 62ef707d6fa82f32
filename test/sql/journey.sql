-- What a history says as of an instant: the aggregate, by hand and against plain SQL.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
RESET client_min_messages;
\set VERBOSITY sqlstate
SET timezone = 'UTC';
CREATE SCHEMA journey;
SET search_path = journey;
CREATE TYPE step AS ENUM ('seed', 'tree');
ALTER TYPE step ADD VALUE 'sprout' BEFORE 'tree';
CREATE TABLE history (id int, seq int, from_state step, to_state step, since timestamptz, changed_at timestamptz, corrects int, known boolean DEFAULT true);
INSERT INTO history VALUES
	(1, 1, NULL, 'seed', NULL, '2024-01-01', NULL),
	(1, 2, 'seed', 'tree', '2024-01-01', '2024-01-03', NULL),
	(1, 3, 'tree', 'seed', '2024-01-03', '2024-01-02', NULL),	-- in the order of the history, whatever the clock said
	(2, 1, NULL, 'seed', NULL, '2024-01-01', NULL),
	(2, 2, 'seed', 'sprout', '2024-01-01', '2024-01-02', NULL),
	(2, 3, 'sprout', 'seed', '2024-01-02', '2024-01-01', 2),	-- voids the one before
	(3, 1, NULL, 'tree', NULL, '2024-01-01', NULL),
	(3, 2, 'tree', NULL, '2024-01-01', '2024-01-02', NULL),	-- deleted, and born again
	(3, 3, NULL, 'seed', NULL, '2024-01-05', NULL),
	(4, 2, 'sprout', 'tree', '2023-12-01', '2024-01-05', NULL),	-- without its birth
	(5, 1, NULL, 'seed', NULL, '2024-02-01', NULL),	-- later
	(6, 2, NULL, 'seed', NULL, '2024-01-05', NULL);	-- born again, without what was before
CREATE VIEW told AS
	SELECT h.id, (j.told).* FROM (SELECT id FROM history GROUP BY id) h
	CROSS JOIN LATERAL (SELECT leadcrm.journey_agg(x.seq, x.from_state, x.to_state, x.since, x.changed_at, x.corrects, x.changed_at < '2024-01-20', x.known ORDER BY random()) AS told
		FROM history x WHERE x.id = h.id) j;
SELECT * FROM told ORDER BY id;
-- a correction, a deletion that nobody knew of
UPDATE history SET known = false WHERE (id, seq) IN ((2, 3), (3, 2), (3, 3));
SELECT * FROM told WHERE id IN (2, 3) ORDER BY id;
-- no rows, and rows that say nothing
SELECT leadcrm.journey_agg(seq, from_state, to_state, since, changed_at, corrects, true, true) FROM history WHERE false;
SELECT leadcrm.journey_agg(NULL, from_state, to_state, since, changed_at, corrects, true, true) FROM history;
SELECT leadcrm.journey_agg(seq, from_state, to_state, since, NULL, corrects, true, true) FROM history;
SELECT leadcrm.journey_agg(seq, from_state, to_state, since, changed_at, corrects, NULL, true) FROM history WHERE id = 1;
-- only of an enum's states
SELECT leadcrm.journey_agg(seq, from_state::text, to_state::text, since, changed_at, corrects, true, true) FROM history;
-- whoever passes a state by hand; minor versions differ in the error
DO $$ BEGIN
	PERFORM leadcrm.journey_step(NULL, 1, 'seed'::step, 'tree'::step, now(), now(), NULL, true, true);
EXCEPTION WHEN feature_not_supported OR undefined_function THEN
	RAISE NOTICE 'refused';
END $$;
-- random histories
SELECT setseed(0.5);
TRUNCATE history;
INSERT INTO history SELECT i, s, CASE WHEN s > 1 OR i % 10 = 0 THEN (ARRAY['seed', 'sprout', 'tree']::step[])[1 + i * s % 3] END,
	CASE WHEN random() > 0.1 THEN (ARRAY['seed', 'sprout', 'tree']::step[])[1 + floor(random() * 3)::int] END, '2024-01-01'::timestamptz + random() * interval '30 days',
	'2024-01-01'::timestamptz + random() * interval '30 days', CASE WHEN s > 1 AND random() < 0.2 THEN s - 1 END, random() < 0.8
	FROM generate_series(1, 3000) i, generate_series(1 + i % 2, 1 + i % 7) s;
CREATE VIEW plain AS
	SELECT h.id, coalesce(bool_or(h.seq = 1 AND h.from_state IS NULL), false) AS born, (array_agg(h.since ORDER BY h.seq))[1] AS first_since,
		(array_agg(h.to_state ORDER BY h.seq DESC) FILTER (WHERE h.counts))[1] AS state, (array_agg(h.changed_at ORDER BY h.seq DESC) FILTER (WHERE h.counts))[1] AS since,
		max(h.to_state) FILTER (WHERE h.counts) AS peak, (array_agg(h.changed_at ORDER BY h.seq) FILTER (WHERE h.counts AND h.to_state = 'seed'))[1] AS seed_at,
		(array_agg(h.changed_at ORDER BY h.seq) FILTER (WHERE h.counts AND h.to_state = 'tree'))[1] AS tree_at
	FROM (SELECT x.*, x.corrects IS NULL AND x.known AND x.changed_at < '2024-01-20'
			AND NOT EXISTS (SELECT FROM history c WHERE c.id = x.id AND c.corrects = x.seq AND c.known)
			AND NOT EXISTS (SELECT FROM history d WHERE d.id = x.id AND d.to_state IS NULL AND d.known AND d.changed_at < '2024-01-20' AND d.seq >= x.seq) AS counts
		FROM history x) h
	GROUP BY h.id;
SELECT count(*), count(*) FILTER (WHERE t.state IS NOT NULL) > 1000 AS many FROM told t JOIN plain p USING (id)
	WHERE (t.born, t.first_since, t.since, t.entered[1], t.entered[3]) IS NOT DISTINCT FROM (p.born, p.first_since, p.since, p.seed_at, p.tree_at)
	AND (enum_range(NULL::step))[t.state] IS NOT DISTINCT FROM p.state AND (enum_range(NULL::step))[t.peak] IS NOT DISTINCT FROM p.peak;
SELECT count(*) FROM plain;
SET client_min_messages = warning;
DROP SCHEMA journey CASCADE;
