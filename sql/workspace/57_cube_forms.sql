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
