-- What is tracked in this database, read from the triggers themselves.

CREATE FUNCTION leadcrm.trigger_arguments(tgargs bytea) RETURNS text[] IMMUTABLE STRICT PARALLEL SAFE
LANGUAGE c AS 'MODULE_PATHNAME', 'leadcrm_trigger_arguments';
COMMENT ON FUNCTION leadcrm.trigger_arguments(bytea) IS
'The arguments of a trigger, from pg_trigger.tgargs.';

CREATE FUNCTION leadcrm.resolve_table(argument text, target regclass) RETURNS regclass STABLE STRICT PARALLEL SAFE
LANGUAGE c AS 'MODULE_PATHNAME', 'leadcrm_resolve_table';
COMMENT ON FUNCTION leadcrm.resolve_table(text, regclass) IS
'The table that a tracker''s trigger argument names: in the schema of the tracked table unless qualified. NULL if there is none.';

CREATE FUNCTION leadcrm.table_argument(tab regclass, target regclass) RETURNS text STABLE STRICT PARALLEL SAFE
LANGUAGE sql
BEGIN ATOMIC
	SELECT CASE WHEN c.relnamespace = t.relnamespace THEN quote_ident(c.relname)
	            ELSE quote_ident(n.nspname) || '.' || quote_ident(c.relname) END
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, pg_class t
	WHERE c.oid = tab AND t.oid = target;
END;
COMMENT ON FUNCTION leadcrm.table_argument(regclass, regclass) IS
'How a tracker''s trigger argument names a table: unqualified in the tracked table''s own schema, so that the schema can be renamed.';

CREATE FUNCTION leadcrm.trigger_state(tgenabled "char") RETURNS text IMMUTABLE PARALLEL SAFE
LANGUAGE sql
RETURN CASE tgenabled WHEN 'O' THEN 'enabled' WHEN 'A' THEN 'always' WHEN 'R' THEN 'replica' WHEN 'D' THEN 'disabled'
       ELSE 'missing' END;
COMMENT ON FUNCTION leadcrm.trigger_state("char") IS
'pg_trigger.tgenabled in words: enabled, always, replica, disabled; missing for NULL.';

CREATE VIEW leadcrm.tracked AS
SELECT g.tgrelid::regclass AS target,
       n.nspname AS schema_name,
       c.relname AS table_name,
       a.args[1]::name AS state_column,
       a.args[2]::name AS key_column,
       leadcrm.resolve_table(a.args[3], g.tgrelid) AS transitions,
       leadcrm.resolve_table(a.args[4], g.tgrelid) AS history,
       leadcrm.trigger_state(g.tgenabled) AS guard,
       leadcrm.trigger_state((SELECT min(r.tgenabled)::"char" FROM pg_trigger r
                              WHERE r.tgrelid = g.tgrelid AND r.tgfoid = 'leadcrm.record()'::regprocedure
                                AND r.tgargs = g.tgargs AND r.tgtype & 16 <> 0)) AS record_update,
       leadcrm.trigger_state((SELECT min(r.tgenabled)::"char" FROM pg_trigger r
                              WHERE r.tgrelid = g.tgrelid AND r.tgfoid = 'leadcrm.record()'::regprocedure
                                AND r.tgargs = g.tgargs AND r.tgtype & 12 = 12)) AS record_insert_delete,
       leadcrm.trigger_state((SELECT min(r.tgenabled)::"char" FROM pg_trigger r
                              WHERE r.tgrelid = g.tgrelid AND r.tgfoid = 'leadcrm.refuse_truncate()'::regprocedure
                              )) AS refuse_truncate,
       leadcrm.trigger_state((SELECT min(r.tgenabled)::"char" FROM pg_trigger r
                              WHERE r.tgrelid = leadcrm.resolve_table(a.args[4], g.tgrelid)
                                AND r.tgfoid = 'leadcrm.protect_history()'::regprocedure)) AS protect_history,
       leadcrm.trigger_state((SELECT min(r.tgenabled)::"char" FROM pg_trigger r
                              WHERE r.tgrelid = leadcrm.resolve_table(a.args[3], g.tgrelid)
                                AND r.tgfoid = 'leadcrm.transitions_changed()'::regprocedure)) AS transitions_watch,
       leadcrm.trigger_state((SELECT min(r.tgenabled)::"char" FROM pg_trigger r
                              WHERE r.tgrelid = g.tgrelid AND r.tgfoid = 'leadcrm.write_history()'::regprocedure
                              )) AS write_history,
       EXISTS (SELECT FROM pg_trigger r
               WHERE r.tgrelid = leadcrm.resolve_table(a.args[3], g.tgrelid)
                 AND r.tgfoid = 'leadcrm.transitions_filled()'::regprocedure AND r.tgenabled <> 'D') AS never_filled,
       g.oid AS guard_oid,
       a.args AS arguments
FROM pg_trigger g
JOIN pg_class c ON c.oid = g.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (SELECT leadcrm.trigger_arguments(g.tgargs) AS args) a
WHERE g.tgfoid = 'leadcrm.guard()'::regprocedure AND g.tgparentid = 0;
GRANT SELECT ON leadcrm.tracked TO PUBLIC;

COMMENT ON VIEW leadcrm.tracked IS
'All tracked columns of the database, one row each; unique key (target, state_column). Trigger states in words: enabled, always, replica, disabled, missing.';
COMMENT ON COLUMN leadcrm.tracked.target IS 'The tracked table.';
COMMENT ON COLUMN leadcrm.tracked.schema_name IS 'Its schema.';
COMMENT ON COLUMN leadcrm.tracked.table_name IS 'Its name.';
COMMENT ON COLUMN leadcrm.tracked.state_column IS 'The tracked column, as it was called when track() or retrack() was called.';
COMMENT ON COLUMN leadcrm.tracked.key_column IS 'The column that identifies a row in the history.';
COMMENT ON COLUMN leadcrm.tracked.transitions IS 'The table with the rules; NULL if it was renamed or dropped: leadcrm.retrack().';
COMMENT ON COLUMN leadcrm.tracked.history IS 'The history; NULL if it was renamed or dropped: leadcrm.retrack().';
COMMENT ON COLUMN leadcrm.tracked.guard IS 'State of the trigger that refuses and fills (BEFORE INSERT OR UPDATE).';
COMMENT ON COLUMN leadcrm.tracked.record_update IS 'State of the trigger that records changes or, where the guard does, sees to it (AFTER UPDATE).';
COMMENT ON COLUMN leadcrm.tracked.record_insert_delete IS 'State of the trigger that records births and deletions (AFTER INSERT OR DELETE).';
COMMENT ON COLUMN leadcrm.tracked.refuse_truncate IS 'State of the trigger that refuses TRUNCATE of the table.';
COMMENT ON COLUMN leadcrm.tracked.protect_history IS 'State of the trigger that keeps others from writing the history.';
COMMENT ON COLUMN leadcrm.tracked.transitions_watch IS 'State of the trigger that tells all sessions of changed rules.';
COMMENT ON COLUMN leadcrm.tracked.write_history IS 'State of the trigger that writes the history of a whole statement at once; without it each row''s is written by itself.';
COMMENT ON COLUMN leadcrm.tracked.never_filled IS 'Whether the transitions table, made by track(), never held a row: every change passes.';
COMMENT ON COLUMN leadcrm.tracked.guard_oid IS 'OID of the guard trigger in pg_trigger.';
COMMENT ON COLUMN leadcrm.tracked.arguments IS 'The triggers'' arguments: column, key, transitions, history.';

CREATE FUNCTION leadcrm.tracked_table(target regclass, state_column name, OUT key_column name, OUT transitions regclass, OUT history regclass)
RETURNS record STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	SELECT t.key_column, t.transitions, t.history
	INTO tracked_table.key_column, tracked_table.transitions, tracked_table.history
	FROM leadcrm.tracked t
	WHERE t.target = tracked_table.target AND t.state_column = tracked_table.state_column;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('column %I of table %s is not tracked', state_column, target),
			HINT = 'Call leadcrm.track() first; leadcrm.tracked lists what is tracked.';
	ELSIF transitions IS NULL OR history IS NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'undefined_column',
			MESSAGE = format('the %s of column %I of table %s does not exist',
			                 CASE WHEN transitions IS NULL THEN 'transitions table' ELSE 'history' END, state_column, target),
			HINT = 'Call leadcrm.retrack().';
	END IF;
END
$$;
COMMENT ON FUNCTION leadcrm.tracked_table(regclass, name) IS
'Key, transitions and history of a tracked column. Errors: 55000 if it is not tracked, 42703 if one of them is not to be found.';

CREATE FUNCTION leadcrm.next_states(target regclass, state_column name, state text)
RETURNS TABLE (next_state text, needs_reason boolean)
STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	wiring record;
	state_type regtype;
	open_rules boolean;
BEGIN
	SELECT * INTO wiring FROM leadcrm.tracked_table(target, state_column);
	SELECT a.atttypid::regtype INTO state_type
	FROM pg_attribute a WHERE a.attrelid = target AND a.attname = state_column AND NOT a.attisdropped;
	IF EXISTS (SELECT FROM pg_type t WHERE t.oid = state_type AND t.typtype = 'e') THEN
		IF state IS NOT NULL AND NOT EXISTS (SELECT FROM pg_enum e WHERE e.enumtypid = state_type AND e.enumlabel = state) THEN
			RAISE EXCEPTION USING
				ERRCODE = 'invalid_text_representation',
				MESSAGE = format('%L is not a state of %I of %s', state, state_column, target),
				HINT = (SELECT 'Its states: ' || string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) || '.'
				        FROM pg_enum e WHERE e.enumtypid = state_type);
		END IF;
		EXECUTE format('SELECT t.never_filled AND NOT EXISTS (SELECT FROM %s) FROM leadcrm.tracked t WHERE t.target = $1 AND t.state_column = $2',
		               wiring.transitions) INTO open_rules USING target, state_column;
		IF open_rules THEN
			RETURN QUERY SELECT e.enumlabel::text, false FROM pg_enum e
			             WHERE e.enumtypid = state_type AND e.enumlabel IS DISTINCT FROM state ORDER BY e.enumsortorder;
			RETURN;
		END IF;
	END IF;
	RETURN QUERY EXECUTE format(
		-- by the output function: a cast may be anybody's
		'SELECT format(''%%s'', r.to_state), r.needs_reason FROM %s r '
		'WHERE CASE WHEN r.from_state IS NOT NULL THEN format(''%%s'', r.from_state) END IS NOT DISTINCT FROM $1 ORDER BY r.to_state',
		wiring.transitions) USING state;
END
$$;
COMMENT ON FUNCTION leadcrm.next_states(regclass, name, text) IS
'Where a row may go from a state (NULL: where it may be born), one row a state in their order, and whether the step needs a reason. While the rules were never filled: every other label of an enum; nothing is listed for a text, which may become anything. Errors: 22P02 unknown state, 55000 not tracked.';
