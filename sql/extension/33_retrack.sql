-- retrack(): repairs the wiring after a rename.

CREATE FUNCTION leadcrm.unclaimed_table(target regclass, function regprocedure, what text) RETURNS regclass STABLE
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found regclass[];
BEGIN
	SELECT array_agg(DISTINCT t.tgrelid::regclass) INTO found
	FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_class o ON o.oid = target
	WHERE t.tgfoid = function AND t.tgparentid = 0 AND c.relowner = o.relowner AND NOT c.relispartition
	  AND NOT EXISTS (SELECT FROM leadcrm.tracked k WHERE c.oid IN (k.transitions, k.history))
	  -- the name of another column's, which is tracked no more
	  AND NOT EXISTS (SELECT FROM pg_class x JOIN pg_attribute a ON a.attrelid = x.oid AND a.attnum > 0 AND NOT a.attisdropped
	                  WHERE x.relnamespace = c.relnamespace AND x.oid <> target
	                    AND c.relname IN (x.relname || '_' || a.attname || '_history', x.relname || '_' || a.attname || '_transition'));
	IF cardinality(found) = 1 THEN
		RETURN found[1];
	END IF;
	RAISE EXCEPTION USING
		ERRCODE = 'undefined_table',
		MESSAGE = format('the %s of %s is not to be found by its old name', what, target),
		DETAIL = CASE WHEN found IS NULL THEN 'No table of the owner''s looks like it.'
		              ELSE format('It could be any of: %s.', array_to_string(found, ', ')) END,
		HINT = format('Name it: leadcrm.retrack(target, state_column, %s => ...).',
		              CASE what WHEN 'history' THEN 'history' ELSE 'transitions' END);
END
$$;
COMMENT ON FUNCTION leadcrm.unclaimed_table(regclass, regprocedure, text) IS
'The one table of the target''s owner that carries that trigger function and that no tracked column finds; error 42P01 if there is none or more than one.';

CREATE FUNCTION leadcrm.retrack(target regclass, state_column name, transitions regclass DEFAULT NULL, history regclass DEFAULT NULL,
                                key name DEFAULT NULL)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	known record;
	old_column name;
	old_key name;
	key_column name;
	suffix text;
	trigger record;
BEGIN
	PERFORM leadcrm.require_owner(target);
	PERFORM leadcrm.check_state_column(target, state_column);

	-- The column was tracked under this name, or the recording trigger's condition still points at it under an older one. Any
	-- of its triggers will do: one of them may be what is missing.
	SELECT (leadcrm.trigger_arguments(t.tgargs))[1] AS column_then, leadcrm.trigger_arguments(t.tgargs) AS arguments INTO known
	FROM pg_trigger t
	LEFT JOIN pg_attribute a ON a.attrelid = target AND a.attname = state_column
	WHERE t.tgrelid = target AND t.tgparentid = 0
	  AND t.tgfoid IN ('leadcrm.guard()'::regprocedure, 'leadcrm.record()'::regprocedure)
	  AND ((leadcrm.trigger_arguments(t.tgargs))[1] = state_column
	       OR (NOT EXISTS (SELECT FROM pg_attribute o WHERE o.attrelid = target AND NOT o.attisdropped
	                       AND o.attname = (leadcrm.trigger_arguments(t.tgargs))[1])
	           AND EXISTS (SELECT FROM pg_depend d JOIN pg_trigger r ON r.oid = d.objid
	                       WHERE d.classid = 'pg_trigger'::regclass AND d.refclassid = 'pg_class'::regclass
	                         AND d.refobjid = target AND d.refobjsubid = a.attnum
	                         AND r.tgrelid = target AND r.tgargs = t.tgargs)))
	ORDER BY (leadcrm.trigger_arguments(t.tgargs))[1] <> state_column
	LIMIT 1;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('column %I of table %s is not tracked', state_column, target),
			HINT = 'Call leadcrm.track(); where its history is there already, with history => ... and transitions => ....';
	END IF;
	old_column := known.column_then;
	old_key := known.arguments[2];

	IF old_column <> state_column THEN
		FOREACH suffix IN ARRAY ARRAY['_since', '_reason', '_seq', '_peak'] LOOP
			IF EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = target AND a.attname = old_column || suffix AND NOT a.attisdropped)
			   AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = target AND a.attname = state_column || suffix AND NOT a.attisdropped) THEN
				EXECUTE format('ALTER TABLE %s RENAME COLUMN %I TO %I', target, old_column || suffix, leadcrm.check_name(state_column || suffix));
			END IF;
		END LOOP;
	END IF;
	PERFORM leadcrm.add_companions(target, state_column);

	-- a key that was renamed: the primary key's column; its old name is the history's column still
	IF EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = target AND a.attname = old_key AND NOT a.attisdropped) THEN
		key_column := leadcrm.find_key(target, CASE WHEN (SELECT c.relkind FROM pg_class c WHERE c.oid = target) = 'p' THEN old_key END);
	ELSE
		key_column := leadcrm.find_key(target, key);
	END IF;

	transitions := coalesce(transitions, leadcrm.resolve_table(known.arguments[3], target),
	                        leadcrm.unclaimed_table(target, 'leadcrm.transitions_changed()', 'transitions table'));
	history := coalesce(history, leadcrm.resolve_table(known.arguments[4], target),
	                    leadcrm.unclaimed_table(target, 'leadcrm.protect_history()', 'history'));
	IF old_key <> key_column
	   AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = history AND a.attname = old_key AND NOT a.attisdropped)
	   AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = history AND a.attname = key_column AND NOT a.attisdropped) THEN
		EXECUTE format('ALTER TABLE %s RENAME COLUMN %I TO %I', history, old_key, key_column);
	END IF;

	FOR trigger IN
		SELECT t.tgname FROM pg_trigger t
		WHERE t.tgrelid = target AND t.tgparentid = 0
		  AND t.tgfoid IN ('leadcrm.guard()'::regprocedure, 'leadcrm.record()'::regprocedure)
		  AND (leadcrm.trigger_arguments(t.tgargs))[1] = old_column
	LOOP
		EXECUTE format('DROP TRIGGER %I ON %s', trigger.tgname, target);
	END LOOP;
	PERFORM leadcrm.wire(target, state_column, key_column, transitions, history);
END
$$;
COMMENT ON FUNCTION leadcrm.retrack(regclass, name, regclass, regclass, name) IS
'Repairs the wiring of a tracked column after a rename of the column (its companions follow), of the key, the transitions or the history, and makes triggers that are missing. state_column: its present name. key: its present name, where that of a partitioned table was renamed. transitions, history: needed only where they were renamed and more than one table could be meant. Locks the table against writers. Errors: 42501 not the owner, 55000 not tracked, 42P01 table not found, and those of leadcrm.track().';
