-- Cubes that an earlier version filled: what their deltas were made of goes, now that nothing reads it, and leads are counted anew.

DO $workspace$
BEGIN
	IF EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = (@workspace_literal@ || '.lead_delta')::regclass AND a.attname = 'codes'
		AND NOT a.attisdropped)
	THEN
		DROP FUNCTION IF EXISTS @workspace@.delta_cells(smallint, date, text[], bigint[], bigint[], bigint[], numeric[]);
		ALTER TABLE @workspace@.lead_delta DROP COLUMN cubes, DROP COLUMN period, DROP COLUMN keys, DROP COLUMN codes, DROP COLUMN leads,
			DROP COLUMN valued, DROP COLUMN amounts;
		PERFORM @workspace@.rebuild_cubes();
	END IF;
END
$workspace$;

-- Deltas of another form (their first byte); cubes without the places of all periods (kind 8), that do not say what became of leads, or
-- that leave out of whom nobody knows since when they stand where they do.
DO $workspace$
BEGIN
	IF EXISTS (SELECT FROM @workspace@.lead_delta d WHERE substr(d.changes, 1, 1) <> '\x02')
		OR (EXISTS (SELECT FROM @workspace@.lead_cube c WHERE c.cube = 1 AND c.kind = 0)
			AND (NOT EXISTS (SELECT FROM @workspace@.lead_cube c WHERE c.cube = 2 AND c.kind = 8)
				OR NOT EXISTS (SELECT FROM @workspace@.lead_stay c WHERE c.cube = 2 AND c.code >= 5::bigint << 56)))
		-- asked as the two indexes say it
		OR EXISTS (SELECT FROM @workspace@.stage s
			WHERE (EXISTS (SELECT FROM @workspace@.lead l WHERE l.stage = s.stage AND l.stage_since IS NULL AND l.status_category <> 'closed'
						AND l.stage < 'customer' AND l.excluded_as IS NULL)
				OR EXISTS (SELECT FROM @workspace@.lead l WHERE l.stage = s.stage AND l.stage_since IS NULL AND l.status_category <> 'closed'
						AND l.stage >= 'customer' AND l.excluded_as IS NULL))
			AND NOT EXISTS (SELECT FROM @workspace@.lead_cube c WHERE c.cube = 2 AND c.kind = 1 AND c.period = '-infinity'
				AND c.code >= (s.position::bigint << 40) + (8388607 << 8) AND c.code < (s.position::bigint << 40) + (8388608::bigint << 8)))
	THEN
		PERFORM @workspace@.rebuild_cubes();
	END IF;
END
$workspace$;
