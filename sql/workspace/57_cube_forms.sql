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

-- Deltas of another form (their first byte); cubes without the places of all periods (kind 8), or that do not say what became of leads.
DO $workspace$
BEGIN
	IF EXISTS (SELECT FROM @workspace@.lead_delta d WHERE substr(d.changes, 1, 1) <> '\x02')
		OR (EXISTS (SELECT FROM @workspace@.lead_cube c WHERE c.cube = 1 AND c.kind = 0)
			AND (NOT EXISTS (SELECT FROM @workspace@.lead_cube c WHERE c.cube = 2 AND c.kind = 8)
				OR NOT EXISTS (SELECT FROM @workspace@.lead_stay c WHERE c.cube = 2 AND c.code >= 5::bigint << 56)))
	THEN
		PERFORM @workspace@.rebuild_cubes();
	END IF;
END
$workspace$;
