-- Puts the lead's stage, status and owner under the tracker, each with its history.

DO $workspace$
DECLARE
	lead regclass := (@workspace_literal@ || '.lead')::regclass;
	x record;
BEGIN
	FOR x IN
		SELECT * FROM (VALUES ('stage', 'stage_transition', 'stage_history'),
			('status', NULL, 'status_history'),
			('owner', NULL, 'owner_history')) v (state_column, transitions, history)
	LOOP
		IF NOT EXISTS (SELECT FROM pg_trigger t
			WHERE t.tgrelid = lead AND t.tgname = '~leadcrm_guard_' || x.state_column)
		THEN
			PERFORM leadcrm.track(lead, x.state_column::name, NULL,
				(@workspace_literal@ || '.' || x.transitions)::regclass,
				(@workspace_literal@ || '.' || x.history)::regclass);
		ELSIF NOT EXISTS (SELECT FROM pg_trigger t JOIN pg_trigger w USING (tgrelid)
			WHERE t.tgrelid = lead AND t.tgname = '~leadcrm_record_' || x.state_column AND w.tgname = '~leadcrm_write'
			AND pg_get_triggerdef(t.oid) NOT LIKE '%leadcrm.is_unrecorded(%')
		THEN
			-- tracked by an earlier version
			PERFORM leadcrm.retrack(lead, x.state_column::name);
		END IF;
	END LOOP;
END
$workspace$;
