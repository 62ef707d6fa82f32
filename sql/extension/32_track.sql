-- track(), untrack(), retrack(): the wiring of a tracked column.

CREATE FUNCTION leadcrm.check_name(name text) RETURNS text IMMUTABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF octet_length(name) > 63 THEN
		RAISE EXCEPTION USING
			ERRCODE = 'name_too_long',
			MESSAGE = format('the generated name %I is longer than 63 bytes', name),
			HINT = 'Use a shorter name for the table or the column, or make the history and transitions tables yourself and name them.';
	END IF;
	RETURN name;
END
$$;
COMMENT ON FUNCTION leadcrm.check_name(text) IS
'A generated name, unchanged; error 42622 if PostgreSQL would cut it.';

CREATE FUNCTION leadcrm.check_free(relation text, argument text) RETURNS void STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF to_regclass(relation) IS NOT NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'duplicate_table',
			MESSAGE = format('relation %s already exists', relation),
			HINT = format('If it was left there by leadcrm.untrack(), go on with it: leadcrm.track(..., %s => %L). If not, rename it.',
			              argument, relation);
	END IF;
END
$$;
COMMENT ON FUNCTION leadcrm.check_free(text, text) IS
'Error 42P07 if there is a relation of a name that track() would give to a new one, saying by which argument of track() it can be used.';

CREATE FUNCTION leadcrm.require_owner(target regclass) RETURNS void STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF target IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'the target table must not be NULL';
	END IF;
	IF NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = target) THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_table', MESSAGE = format('table %s does not exist', target);
	END IF;
	IF NOT (SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_class c WHERE c.oid = target) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'insufficient_privilege',
			MESSAGE = format('must be owner of table %s', target),
			HINT = 'Only its owner can have a table tracked.';
	END IF;
END
$$;
COMMENT ON FUNCTION leadcrm.require_owner(regclass) IS
'Error 22004 for NULL, 42P01 for no table, 42501 unless the current role owns the table or has its owner''s rights.';

CREATE FUNCTION leadcrm.check_target(target regclass) RETURNS void STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	cls record;
	what text;
	code text := 'wrong_object_type';
	hint text := 'Track an ordinary or a partitioned table.';
BEGIN
	SELECT * INTO cls FROM pg_class c WHERE c.oid = target;
	what := CASE
		WHEN cls.relkind = 'v' THEN 'a view: its rows are not its own'
		WHEN cls.relkind = 'm' THEN 'a materialized view: its rows are copies'
		WHEN cls.relkind = 'f' THEN 'a foreign table: others can change it without this database'
		WHEN cls.relkind NOT IN ('r', 'p') THEN 'not a table'
		WHEN cls.relnamespace = 'pg_catalog'::regnamespace THEN 'a system catalog'
	END;
	IF what IS NULL THEN
		code := 'feature_not_supported';
		IF cls.relpersistence = 't' THEN
			what := 'a temporary table: its history would outlive it';
			hint := 'Track a permanent table.';
		ELSIF cls.relispartition THEN
			what := 'a partition: rows could move to its siblings';
			hint := 'Track the partitioned table.';
		ELSIF cls.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = target) THEN
			what := 'an inheritance parent: its children''s rows would not be tracked';
			hint := 'Track the children, or use a partitioned table.';
		ELSIF EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = target AND t.tgfoid = 'leadcrm.protect_history()'::regprocedure) THEN
			what := 'a history';
		END IF;
	END IF;
	IF what IS NOT NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = code,
			MESSAGE = format('%s cannot be tracked', target),
			DETAIL = format('It is %s.', what),
			HINT = hint;
	END IF;
END
$$;
COMMENT ON FUNCTION leadcrm.check_target(regclass) IS
'Error 42809 or 0A000, saying why, for a relation that cannot be tracked.';

CREATE FUNCTION leadcrm.check_state_column(target regclass, state_column name) RETURNS void STABLE
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	att record;
BEGIN
	SELECT a.*, t.typtype, format_type(a.atttypid, a.atttypmod) AS type_name INTO att
	FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
	WHERE a.attrelid = target AND a.attname = state_column AND a.attnum > 0 AND NOT a.attisdropped;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING
			ERRCODE = 'undefined_column',
			MESSAGE = format('column %I of table %s does not exist', state_column, target),
			HINT = 'A column name is given as it is stored: with its capitals, without quotes.';
	END IF;
	IF att.attgenerated <> '' THEN
		RAISE EXCEPTION USING
			ERRCODE = 'feature_not_supported',
			MESSAGE = format('column %I of table %s cannot be tracked', state_column, target),
			DETAIL = 'It is a generated column: it changes with others, after the guard has looked.';
	END IF;
	IF NOT (att.typtype = 'e' OR att.atttypid IN ('text'::regtype, 'varchar'::regtype)) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'datatype_mismatch',
			MESSAGE = format('column %I of table %s cannot be tracked', state_column, target),
			DETAIL = format('A state is an enum, text or varchar, not %s.', att.type_name);
	END IF;
	IF NOT att.attnotnull THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('column %I of table %s must be NOT NULL to be tracked', state_column, target),
			HINT = format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL', target, state_column);
	END IF;
END
$$;
COMMENT ON FUNCTION leadcrm.check_state_column(regclass, name) IS
'Error for a column that cannot be a state: 42703 missing, 0A000 generated, 42804 wrong type, 55000 nullable.';

CREATE FUNCTION leadcrm.find_key(target regclass, key name) RETURNS name STABLE
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	columns name[];
	partitioned boolean := (SELECT c.relkind = 'p' FROM pg_class c WHERE c.oid = target);
BEGIN
	SELECT array_agg(a.attname ORDER BY k.n) INTO columns
	FROM pg_index i
	CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, n)
	JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
	WHERE i.indrelid = target AND i.indisprimary AND k.n <= i.indnkeyatts;

	IF partitioned AND key IS NOT NULL THEN
		IF NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = target AND a.attname = key AND a.attnum > 0
		               AND NOT a.attisdropped AND a.attnotnull AND a.attgenerated = '') THEN
			RAISE EXCEPTION USING
				ERRCODE = 'undefined_column',
				MESSAGE = format('%s has no column %I that could be its key', target, key),
				DETAIL = 'The key is a NOT NULL column, not generated, with a value of its own for every row of all partitions.';
		END IF;
		RETURN key;
	END IF;
	IF columns IS NULL OR cardinality(columns) <> 1 THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('%s cannot be tracked without a primary key of one column', target),
			DETAIL = CASE WHEN columns IS NULL THEN 'It has no primary key.'
			              ELSE format('Its primary key has %s columns.', cardinality(columns)) END,
			HINT = CASE WHEN partitioned THEN 'Name the column that is unique across the partitions in the argument "key".'
			            ELSE 'The history needs one value that identifies a row for ever; an identity column will do.' END;
	END IF;
	IF key IS NOT NULL AND key <> columns[1] THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('the key of %s is its primary key, %I, not %I', target, columns[1], key);
	END IF;
	RETURN columns[1];
END
$$;
COMMENT ON FUNCTION leadcrm.find_key(regclass, name) IS
'The column that identifies a row in the history: the one-column primary key, or on a partitioned table the one named. Errors: 55000, 42703, 22023.';

CREATE FUNCTION leadcrm.add_companions(target regclass, state_column name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	companion record;
	has_default boolean;
BEGIN
	FOR companion IN
		SELECT leadcrm.check_name(state_column || c.suffix) AS name, c.* FROM (VALUES
			('_since', 'timestamp with time zone', 'When the present %s began.'),
			('_reason', 'text', 'Why the last change of %s was made.'),
			('_seq', 'integer', 'Number of changes of %s so far, its birth being 1; 0 while it has not changed since it is tracked.')
		) c (suffix, type, meaning)
	LOOP
		SELECT a.atthasdef INTO has_default FROM pg_attribute a
		WHERE a.attrelid = target AND a.attname = companion.name AND NOT a.attisdropped;
		IF NOT FOUND THEN
			IF companion.suffix = '_seq' THEN
				-- the rows that are there get 0 without a rewrite; later ones are filled by the trigger
				EXECUTE format('ALTER TABLE %s ADD COLUMN %I %s DEFAULT 0', target, companion.name, companion.type);
				EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT', target, companion.name);
			ELSE
				EXECUTE format('ALTER TABLE %s ADD COLUMN %I %s', target, companion.name, companion.type);
			END IF;
			EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', target, companion.name,
			               format(companion.meaning, state_column) || ' Kept by the tracker.');
		ELSIF has_default AND companion.suffix = '_seq' THEN
			RAISE EXCEPTION USING
				ERRCODE = 'object_not_in_prerequisite_state',
				MESSAGE = format('column %I of table %s must have no default', companion.name, target),
				HINT = format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT', target, companion.name);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION leadcrm.add_companions(regclass, name) IS
'Adds the companion columns that are missing, without defaults and without a rewrite of the table. Errors: 42622, 55000.';

CREATE FUNCTION leadcrm.create_transitions(target regclass, state_column name) RETURNS regclass
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	cls record;
	att record;
	made text;
BEGIN
	SELECT c.relname, n.nspname, c.relowner INTO cls
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = target;
	SELECT format_type(a.atttypid, a.atttypmod) AS type INTO att
	FROM pg_attribute a WHERE a.attrelid = target AND a.attname = state_column AND NOT a.attisdropped;
	made := format('%I.%I', cls.nspname, leadcrm.check_name(format('%s_%s_transition', cls.relname, state_column)));
	PERFORM leadcrm.check_free(made, 'transitions');
	EXECUTE format('CREATE TABLE %s (transition_id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, from_state %s, '
	               'to_state %s NOT NULL, needs_reason boolean NOT NULL DEFAULT false, UNIQUE NULLS NOT DISTINCT (from_state, to_state))',
	               made, att.type, att.type);
	EXECUTE format('COMMENT ON TABLE %s IS %L', made,
		format('Allowed changes of %s of %s, one row each; unique key (from_state, to_state). Until it holds its first row every change passes; after that only what stands here.',
		       state_column, cls.relname));
	EXECUTE format('COMMENT ON COLUMN %s.transition_id IS %L', made, 'Identifies the row.');
	EXECUTE format('COMMENT ON COLUMN %s.from_state IS %L', made, 'The state before; NULL: a row may be born in to_state.');
	EXECUTE format('COMMENT ON COLUMN %s.to_state IS %L', made, 'The state after.');
	EXECUTE format('COMMENT ON COLUMN %s.needs_reason IS %L', made, 'Whether the change must say why.');
	EXECUTE format('CREATE TRIGGER "~leadcrm_filled" AFTER INSERT ON %s FOR EACH ROW EXECUTE FUNCTION leadcrm.transitions_filled()', made);
	EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER "~leadcrm_filled"', made);
	EXECUTE format('ALTER TABLE %s OWNER TO %I', made, pg_get_userbyid(cls.relowner));
	RETURN made::regclass;
END
$$;
COMMENT ON FUNCTION leadcrm.create_transitions(regclass, name) IS
'Makes the transitions table <table>_<column>_transition beside the tracked table, empty and open. Errors: 42622, 42P07.';

CREATE FUNCTION leadcrm.create_history(target regclass, state_column name, key name) RETURNS regclass
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	cls record;
	made text;
	meaning record;
BEGIN
	SELECT c.relname, n.nspname, c.relowner INTO cls
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = target;
	made := format('%I.%I', cls.nspname, leadcrm.check_name(format('%s_%s_history', cls.relname, state_column)));
	PERFORM leadcrm.check_free(made, 'history');
	IF key IN ('seq', 'from_state', 'to_state', 'since', 'changed_at', 'reason', 'actor', 'session_role', 'role', 'origin',
	           'forced', 'corrects', 'recorded_at') THEN
		RAISE EXCEPTION USING
			ERRCODE = 'duplicate_column',
			MESSAGE = format('the key %I has the name of a column of the history', key),
			HINT = 'Rename the key column.';
	END IF;
	EXECUTE (
		SELECT format('CREATE TABLE %s (%I %s%s, seq integer, from_state %s%s, to_state %s%s, since timestamptz, '
		              'changed_at timestamptz NOT NULL, reason text, actor text, session_role text NOT NULL, role text NOT NULL, '
		              'origin text NOT NULL, forced boolean NOT NULL, corrects integer, recorded_at timestamptz NOT NULL, '
		              'PRIMARY KEY (%I, seq))',
		              made, key, k.type, k.collation, s.type, s.collation, s.type, s.collation, key)
		FROM (SELECT format_type(a.atttypid, a.atttypmod) AS type,
		             CASE WHEN c.oid IS NULL THEN '' ELSE format(' COLLATE %I.%I', n.nspname, c.collname) END AS collation
		      FROM pg_attribute a LEFT JOIN pg_collation c ON c.oid = a.attcollation LEFT JOIN pg_namespace n ON n.oid = c.collnamespace
		      WHERE a.attrelid = target AND a.attname = key AND NOT a.attisdropped) k,
		     (SELECT format_type(a.atttypid, a.atttypmod) AS type,
		             CASE WHEN c.oid IS NULL THEN '' ELSE format(' COLLATE %I.%I', n.nspname, c.collname) END AS collation
		      FROM pg_attribute a LEFT JOIN pg_collation c ON c.oid = a.attcollation LEFT JOIN pg_namespace n ON n.oid = c.collnamespace
		      WHERE a.attrelid = target AND a.attname = state_column AND NOT a.attisdropped) s);
	EXECUTE format('COMMENT ON TABLE %s IS %L', made,
		format('Every change of %s of %s, one row each, written by the tracker only; unique key (%s, seq).', state_column, cls.relname, key));
	FOR meaning IN SELECT * FROM (VALUES
		(key, 'The row that changed.'),
		('seq', 'Number of the change in the row''s life, without gaps; its order.'),
		('from_state', 'The state before; NULL: it was born.'),
		('to_state', 'The state after; NULL: it was deleted. The same as before: a new stay in it began, or companions alone were changed (forced).'),
		('since', 'When the stay in from_state began; NULL: not known, or born.'),
		('changed_at', 'When it changed; the stay in from_state lasted from since to here.'),
		('reason', 'Why, as given with the change.'),
		('actor', 'The application''s user, from leadcrm.actor; NULL if not given.'),
		('session_role', 'The role that logged in.'),
		('role', 'The role that was current.'),
		('origin', 'birth, change, backfill (from stamps that an inserted row brought), correction or delete.'),
		('forced', 'Whether the rules forbade it and it passed while violations were only logged.'),
		('corrects', 'A correction: the seq of the change that it voids. Figures leave out both.'),
		('recorded_at', 'When this row was written.')) m (name, text)
	LOOP
		EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', made, meaning.name, meaning.text);
	END LOOP;
	EXECUTE format('ALTER TABLE %s OWNER TO %I', made, pg_get_userbyid(cls.relowner));
	RETURN made::regclass;
END
$$;
COMMENT ON FUNCTION leadcrm.create_history(regclass, name, name) IS
'Makes the history <table>_<column>_history beside the tracked table. Errors: 42622, 42701, 42P07.';

CREATE FUNCTION leadcrm.stamp_columns(target regclass, state_column name, transitions regclass)
RETURNS TABLE (state text, stamp name)
STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	state_type regtype := (SELECT a.atttypid FROM pg_attribute a
	                       WHERE a.attrelid = target AND a.attname = state_column AND NOT a.attisdropped);
	labels text[];
BEGIN
	IF (SELECT t.typtype FROM pg_type t WHERE t.oid = state_type) = 'e' THEN
		SELECT array_agg(e.enumlabel) INTO labels FROM pg_enum e WHERE e.enumtypid = state_type;
	ELSE
		EXECUTE format('SELECT array_agg(DISTINCT s.state) FROM %s r, LATERAL (VALUES (r.from_state::text), (r.to_state::text)) s (state)',
		               transitions) INTO labels;
	END IF;
	RETURN QUERY
	SELECT l.label, a.attname FROM unnest(labels) l (label)
	JOIN pg_attribute a ON a.attrelid = target AND a.attname = l.label || '_at' AND NOT a.attisdropped
	WHERE a.atttypid = 'timestamptz'::regtype AND a.attgenerated = '' AND octet_length(l.label) <= 60
	  -- a stamp that two tracked columns could claim belongs to an enum rather than a text, to the first of two enums
	  AND NOT EXISTS (
		SELECT FROM leadcrm.tracked o
		JOIN pg_attribute x ON x.attrelid = o.target AND x.attname = o.state_column AND NOT x.attisdropped
		JOIN pg_enum e ON e.enumtypid = x.atttypid
		WHERE o.target = stamp_columns.target AND o.state_column <> stamp_columns.state_column AND e.enumlabel = l.label
		  AND ((SELECT y.typtype FROM pg_type y WHERE y.oid = state_type) <> 'e'
		       OR o.state_column::text COLLATE "C" < stamp_columns.state_column::text COLLATE "C"));
END
$$;
COMMENT ON FUNCTION leadcrm.stamp_columns(regclass, name, regclass) IS
'The states of a tracked column that have a column <state>_at, and that column.';

CREATE FUNCTION leadcrm.guard_records(target regclass, state_column name, history regclass) RETURNS boolean
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
SELECT c.relkind = 'r' AND NOT c.relispartition
	-- whoever could change the row after the guard
	AND NOT EXISTS (SELECT FROM pg_trigger t
	                WHERE t.tgrelid = c.oid AND t.tgtype & 19 = 19 AND t.tgname > ('~leadcrm_guard_' || guard_records.state_column)::name
	                  AND t.tgfoid <> 'leadcrm.guard()'::regprocedure)
	-- and who might look at it when its history is written
	AND NOT EXISTS (SELECT FROM pg_trigger t
	                WHERE t.tgrelid = guard_records.history AND t.tgfoid NOT IN ('leadcrm.protect_history()'::regprocedure, 'leadcrm.refuse_truncate()'::regprocedure))
FROM pg_class c
WHERE c.oid = guard_records.target;
END;
COMMENT ON FUNCTION leadcrm.guard_records(regclass, name, regclass) IS
'Whether the guard itself records what it lets pass: on a plain table, no partition, without a BEFORE UPDATE row trigger that sorts after it and triggers on the history. Else a trigger records each row after it was stored.';

CREATE FUNCTION leadcrm.wire(target regclass, state_column name, key name, transitions regclass, history regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	arguments text := format('%L, %L, %L, %L', state_column, key, leadcrm.table_argument(transitions, target),
	                         leadcrm.table_argument(history, target));
	is_text boolean := (SELECT a.atttypid IN ('text'::regtype, 'varchar'::regtype) FROM pg_attribute a
	                    WHERE a.attrelid = target AND a.attname = state_column AND NOT a.attisdropped);
	leaf regclass;
	touched text;
	kept text;
	missing text;
	odd record;
BEGIN
	EXECUTE format('CREATE OR REPLACE TRIGGER %I BEFORE INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION leadcrm.guard(%s)',
	               leadcrm.check_name('~leadcrm_guard_' || state_column), target, arguments);
	EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER INSERT OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION leadcrm.record(%s)',
	               leadcrm.check_name('~leadcrm_birth_' || state_column), target, arguments);
	SELECT w.name INTO missing FROM (VALUES ('from_state'), ('to_state'), ('needs_reason')) w (name)
	WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = transitions AND a.attname = w.name AND NOT a.attisdropped) LIMIT 1;
	IF missing IS NOT NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'undefined_column',
			MESSAGE = format('transitions table "%s" has no column "%s"', (SELECT c.relname FROM pg_class c WHERE c.oid = transitions), missing),
			HINT = 'It needs from_state and to_state of the state''s type, and needs_reason boolean.';
	END IF;

	-- Where state and companions stay there is nothing to record. To the byte: a state may change to one that its collation
	-- calls equal.
	SELECT string_agg(format('OLD.%1$I%2$s IS DISTINCT FROM NEW.%1$I%2$s', w.name,
	                         CASE WHEN w.name = state_column AND is_text THEN ' COLLATE "C"' ELSE '' END), ' OR ' ORDER BY w.n, w.name),
	       string_agg(quote_ident(w.name), ', ' ORDER BY w.n, w.name)
	INTO touched, kept
	FROM (SELECT 1, state_column::text UNION ALL SELECT 2, state_column || '_seq' UNION ALL SELECT 3, state_column || '_since'
	      UNION ALL
	      SELECT 4, a.attname::text FROM pg_attribute a JOIN pg_attribute x ON x.attrelid = a.attrelid AND x.attname = state_column
	      WHERE a.attrelid = target AND NOT a.attisdropped AND a.attname = state_column || '_peak' AND a.atttypid = x.atttypid AND NOT is_text
	      UNION ALL
	      SELECT 5, k.stamp::text FROM leadcrm.stamp_columns(target, state_column, transitions) k) w (n, name);
	-- A row trigger has PostgreSQL fetch every old version once more. Where the guard records, the statement's trigger sees that it is on;
	-- the columns are named for retrack(), to which they tell the column's new name.
	EXECUTE format(CASE WHEN leadcrm.guard_records(target, state_column, history)
	                    THEN 'CREATE OR REPLACE TRIGGER %1$I AFTER UPDATE OF %4$s ON %2$s FOR EACH STATEMENT EXECUTE FUNCTION leadcrm.record(%5$s)'
	                    ELSE 'CREATE OR REPLACE TRIGGER %1$I AFTER UPDATE ON %2$s FOR EACH ROW WHEN (%3$s) EXECUTE FUNCTION leadcrm.record(%5$s)' END,
	               leadcrm.check_name('~leadcrm_record_' || state_column), target, touched, kept, arguments);
	EXECUTE format('CREATE OR REPLACE TRIGGER "~leadcrm_write" AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH STATEMENT EXECUTE FUNCTION leadcrm.write_history()', target);

	-- a TRUNCATE may name a partition; a foreign one is not ours to keep
	FOR leaf IN SELECT p.relid FROM (SELECT r.relid FROM pg_partition_tree(target) r UNION SELECT target UNION SELECT history
	                                 UNION SELECT r.relid FROM pg_partition_tree(history) r) p
	            JOIN pg_class c ON c.oid = p.relid WHERE c.relkind <> 'f' LOOP
		EXECUTE format('CREATE OR REPLACE TRIGGER "~leadcrm_truncate" BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION leadcrm.refuse_truncate()', leaf);
	END LOOP;
	EXECUTE format('CREATE OR REPLACE TRIGGER "~leadcrm_history" BEFORE INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION leadcrm.protect_history()', history);

	EXECUTE format('CREATE OR REPLACE TRIGGER "~leadcrm_changed" AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION leadcrm.transitions_changed()', transitions);
	EXECUTE format('CREATE OR REPLACE TRIGGER "~leadcrm_truncated" AFTER TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION leadcrm.transitions_changed()', transitions);
	EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER "~leadcrm_changed"', transitions);
	EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER "~leadcrm_truncated"', transitions);
	PERFORM leadcrm.check_tracker(target, state_column);

	FOR odd IN
		SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attgenerated <> '' AS generated
		FROM pg_attribute a JOIN pg_attribute s ON s.attrelid = a.attrelid AND s.attname = state_column
		JOIN pg_enum e ON e.enumtypid = s.atttypid AND a.attname = e.enumlabel || '_at'
		WHERE a.attrelid = target AND NOT a.attisdropped AND (a.atttypid <> 'timestamptz'::regtype OR a.attgenerated <> '')
	LOOP
		RAISE WARNING USING
			MESSAGE = format('column %I of table %s is not kept as a stamp', odd.attname, target),
			DETAIL = CASE WHEN odd.generated THEN 'It is a generated column.'
			              ELSE format('It is of type %s; a stamp is a timestamp with time zone.', odd.type) END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION leadcrm.wire(regclass, name, name, regclass, regclass) IS
'Makes or renews the triggers of a tracked column and checks that all belongs together. What leadcrm.track() and leadcrm.retrack() share.';

CREATE FUNCTION leadcrm.check_tracker(target regclass, state_column name) RETURNS void
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'leadcrm_check_tracker';
COMMENT ON FUNCTION leadcrm.check_tracker(regclass, name) IS
'Builds the tracker of a column as its triggers do, and raises what they would: 42703, 42804, 42501, 55000.';

CREATE FUNCTION leadcrm.track(target regclass, state_column name, key name DEFAULT NULL, transitions regclass DEFAULT NULL,
                              history regclass DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	given record;
BEGIN
	IF state_column IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'the column to be tracked must not be NULL';
	END IF;
	PERFORM leadcrm.require_owner(target);
	PERFORM leadcrm.check_target(target);
	PERFORM leadcrm.check_state_column(target, state_column);
	IF EXISTS (SELECT FROM leadcrm.tracked t WHERE t.target = track.target AND t.state_column = track.state_column) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'duplicate_object',
			MESSAGE = format('column %I of table %s is tracked already', state_column, target),
			HINT = 'leadcrm.retrack() renews its triggers; leadcrm.untrack() takes them off.';
	END IF;
	key := leadcrm.find_key(target, key);
	IF key = state_column THEN
		RAISE EXCEPTION USING
			ERRCODE = 'feature_not_supported',
			MESSAGE = format('column %I of table %s cannot be tracked', state_column, target),
			DETAIL = 'It is the key, which must never change.';
	END IF;

	FOR given IN SELECT g.*, c.relowner, c.relkind, c.relpersistence FROM (VALUES ('transitions table', transitions), ('history', history)) g (what, tab)
	             JOIN pg_class c ON c.oid = g.tab LOOP
		IF given.relkind NOT IN ('r', 'p', 'f') OR (given.relkind <> 'r' AND given.what = 'transitions table') OR given.tab = target THEN
			RAISE EXCEPTION USING
				ERRCODE = 'wrong_object_type',
				MESSAGE = format('%s cannot be the %s', given.tab, given.what),
				HINT = 'Name an ordinary table, or leave the argument out: then one is made.';
		END IF;
		IF given.relpersistence = 't'
		   OR (given.relpersistence = 'u' AND (SELECT c.relpersistence = 'p' FROM pg_class c WHERE c.oid = target)) THEN
			RAISE EXCEPTION USING
				ERRCODE = 'feature_not_supported',
				MESSAGE = format('%s cannot be the %s', given.tab, given.what),
				DETAIL = CASE given.relpersistence WHEN 't' THEN 'It is a temporary table: other sessions do not see it.'
				              ELSE 'It is an unlogged table: a crash would empty it, and the tracked table not.' END;
		END IF;
		IF given.what = 'history' AND EXISTS (SELECT FROM leadcrm.tracked t WHERE t.history = given.tab) THEN
			RAISE EXCEPTION USING
				ERRCODE = 'duplicate_object',
				MESSAGE = format('%s is the history of another column already', given.tab),
				DETAIL = (SELECT format('It belongs to column %I of %s.', t.state_column, t.target) FROM leadcrm.tracked t
				          WHERE t.history = given.tab LIMIT 1);
		END IF;
		IF given.relowner <> (SELECT c.relowner FROM pg_class c WHERE c.oid = target) THEN
			RAISE EXCEPTION USING
				ERRCODE = 'insufficient_privilege',
				MESSAGE = format('the %s %s does not belong to the owner of %s', given.what, given.tab, target),
				DETAIL = 'The tracker reads and writes it with the rights of the tracked table''s owner.',
				HINT = 'ALTER TABLE ... OWNER TO makes all three belong to one role.';
		END IF;
	END LOOP;

	PERFORM leadcrm.check_name((SELECT c.relname FROM pg_class c WHERE c.oid = target) || '_' || state_column || '_transition');
	PERFORM leadcrm.add_companions(target, state_column);
	PERFORM leadcrm.wire(target, state_column, key,
	                     coalesce(transitions, leadcrm.create_transitions(target, state_column)),
	                     coalesce(history, leadcrm.create_history(target, state_column, key)));
END
$$;
COMMENT ON FUNCTION leadcrm.track(regclass, name, name, regclass, regclass) IS
'Makes a column (enum, text or varchar, NOT NULL) a guarded, recorded state. Adds the companion columns <column>_since, _reason, _seq that are missing; makes <table>_<column>_transition and <table>_<column>_history where none are given. key: on a partitioned table, the column that is unique across partitions. Locks the table exclusively for a moment; nothing is rewritten. Errors: 42501 not the owner, 42809 or 0A000 what cannot be tracked, 42703, 42804, 55000 no key or nullable, 42710 tracked already, 42622 a generated name over 63 bytes.';

CREATE FUNCTION leadcrm.untrack(target regclass, state_column name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	trigger record;
BEGIN
	PERFORM leadcrm.require_owner(target);
	-- what is tracked can be untracked, also where its tables are gone
	IF NOT EXISTS (SELECT FROM leadcrm.tracked t WHERE t.target = untrack.target AND t.state_column = untrack.state_column) THEN
		PERFORM leadcrm.tracked_table(target, state_column);
	END IF;
	FOR trigger IN
		SELECT t.tgname FROM pg_trigger t
		WHERE t.tgrelid = target AND t.tgparentid = 0
		  AND t.tgfoid IN ('leadcrm.guard()'::regprocedure, 'leadcrm.record()'::regprocedure)
		  AND (leadcrm.trigger_arguments(t.tgargs))[1] = state_column
	LOOP
		EXECUTE format('DROP TRIGGER %I ON %s', trigger.tgname, target);
	END LOOP;
	-- the table's other tracked columns still need this one
	FOR trigger IN
		SELECT t.tgname, t.tgrelid::regclass AS tab FROM pg_trigger t
		WHERE t.tgfoid IN ('leadcrm.refuse_truncate()'::regprocedure, 'leadcrm.write_history()'::regprocedure)
		  AND (t.tgrelid = target OR t.tgrelid IN (SELECT p.relid FROM pg_partition_tree(target) p))
		  AND NOT EXISTS (SELECT FROM leadcrm.tracked k WHERE k.target = untrack.target)
	LOOP
		EXECUTE format('DROP TRIGGER %I ON %s', trigger.tgname, trigger.tab);
	END LOOP;
END
$$;
COMMENT ON FUNCTION leadcrm.untrack(regclass, name) IS
'Takes the triggers off a tracked column and keeps its companion columns, its transitions and its history, which stay protected and watched. Errors: 42501 not the owner, 55000 not tracked.';
