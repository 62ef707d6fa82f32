-- The tracker's trigger functions and what it does in C. track() attaches them; nobody else needs to.

CREATE FUNCTION leadcrm.guard() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'leadcrm_guard';
COMMENT ON FUNCTION leadcrm.guard() IS
'BEFORE INSERT OR UPDATE row trigger of a tracked column: refuses forbidden changes (23514; times 22008; the key 0A000) and fills in the companion columns. Attached by leadcrm.track().';

CREATE FUNCTION leadcrm.record() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'leadcrm_record';
COMMENT ON FUNCTION leadcrm.record() IS
'AFTER trigger of a tracked column, for each row of INSERT, DELETE and UPDATE: checks what was stored and writes its history; for each statement of UPDATE, where the guard does that: checks that the guard is on. Errors: 23514 a trigger after the guard changed the row; 55000 the guard is disabled. Attached by leadcrm.track().';

CREATE FUNCTION leadcrm.write_history() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'leadcrm_write_history';
COMMENT ON FUNCTION leadcrm.write_history() IS
'AFTER INSERT OR UPDATE OR DELETE statement trigger of a tracked table: writes the history of all rows of the statement at once. Attached by leadcrm.track(); without it each row''s history is written by itself.';

CREATE FUNCTION leadcrm.is_unrecorded(state_column name, tableoid oid, ctid tid) RETURNS boolean VOLATILE STRICT
LANGUAGE c AS 'MODULE_PATHNAME', 'leadcrm_is_unrecorded';
COMMENT ON FUNCTION leadcrm.is_unrecorded(name, oid, tid) IS
'True. In the condition of row triggers that an earlier version made to record changes; leadcrm.retrack() makes the present ones.';

CREATE FUNCTION leadcrm.refuse_truncate() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'leadcrm_refuse_truncate';
COMMENT ON FUNCTION leadcrm.refuse_truncate() IS
'BEFORE TRUNCATE statement trigger of tracked tables and histories: refuses (42501). Attached by leadcrm.track().';

CREATE FUNCTION leadcrm.protect_history() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'leadcrm_protect_history';
COMMENT ON FUNCTION leadcrm.protect_history() IS
'BEFORE INSERT OR UPDATE OR DELETE row trigger of a history: refuses (42501) whatever the tracker does not write itself. Attached by leadcrm.track().';

CREATE FUNCTION leadcrm.transitions_changed() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'leadcrm_transitions_changed';
COMMENT ON FUNCTION leadcrm.transitions_changed() IS
'AFTER trigger of a transitions table: all sessions read the rules anew when the change commits. Attached by leadcrm.track().';

CREATE FUNCTION leadcrm.transitions_filled() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'leadcrm_transitions_filled';
COMMENT ON FUNCTION leadcrm.transitions_filled() IS
'AFTER INSERT row trigger of a transitions table made by leadcrm.track(): while it is enabled the table was never filled and lets every change pass; the first row disables it.';

CREATE FUNCTION leadcrm.correct(target regclass, state_column name, key text, reason text) RETURNS integer
LANGUAGE c AS 'MODULE_PATHNAME', 'leadcrm_correct';
COMMENT ON FUNCTION leadcrm.correct(regclass, name, text, text) IS
'Undoes the last change of a row''s state (a wrong click), with the caller''s rights: state, time, reason, stamps and peak are what they were before; the history gets a row that voids the wrong one, and figures leave out both. Again: the change before. Returns the number (seq) of that row. Errors: 22004 NULL argument, 22023 blank reason, P0002 no such row, 55000 nothing to correct or not tracked.';

CREATE FUNCTION leadcrm.correcting(target regclass, state_column name, key text) RETURNS integer STABLE STRICT PARALLEL RESTRICTED
LANGUAGE c AS 'MODULE_PATHNAME', 'leadcrm_correcting';
COMMENT ON FUNCTION leadcrm.correcting(regclass, name, text) IS
'For triggers: inside the UPDATE that leadcrm.correct() makes of that row and column, the number (seq) of the history row that it voids; NULL otherwise. target may be TG_RELID.';

CREATE FUNCTION leadcrm.apply_repair(target regclass, statement text) RETURNS bigint STRICT
LANGUAGE c AS 'MODULE_PATHNAME', 'leadcrm_apply_repair';
COMMENT ON FUNCTION leadcrm.apply_repair(regclass, text) IS
'Runs one statement with the guard of the target lifted and returns the number of rows: what leadcrm.repair() does its work with. Only for the owner of the target (42501), who could disable the triggers as well.';
