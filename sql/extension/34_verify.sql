-- verify(): does every row agree with its history, and is the guard on?

CREATE FUNCTION leadcrm.verify_triggers(target regclass)
RETURNS TABLE (state_column name, problem text, detail text, remedy text)
STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	marker record;
	filled boolean;
BEGIN
	RETURN QUERY
	WITH wanted AS (
		SELECT k.state_column, w.tab, w.function, w.bits, w.what, w.arguments
		FROM leadcrm.tracked k
		CROSS JOIN LATERAL (
			SELECT p.relid::oid AS tab, v.function, v.bits, v.what, k.arguments
			FROM (SELECT p.relid FROM pg_partition_tree(k.target) p UNION SELECT k.target) p,
			     (VALUES ('leadcrm.record()'::regprocedure, 16, 'that records changes'),
			             ('leadcrm.record()'::regprocedure, 12, 'that records births and deletions'),
			             ('leadcrm.guard()'::regprocedure, 20, 'that guards the state')) v (function, bits, what)
			UNION ALL
			SELECT p.relid, 'leadcrm.refuse_truncate()', 32, 'that refuses TRUNCATE', NULL
			FROM (SELECT p.relid FROM pg_partition_tree(k.target) p UNION SELECT k.target
			      UNION SELECT p.relid FROM pg_partition_tree(k.history) p UNION SELECT k.history) p
			JOIN pg_class c ON c.oid = p.relid AND c.relkind <> 'f'
			UNION ALL
			SELECT k.target, 'leadcrm.write_history()', 28, 'that writes the history of a statement', NULL
			UNION ALL
			SELECT p.relid, 'leadcrm.protect_history()', 28, 'that protects the history', NULL
			FROM (SELECT p.relid FROM pg_partition_tree(k.history) p UNION SELECT k.history) p
			UNION ALL
			SELECT k.transitions, 'leadcrm.transitions_changed()', 28, 'that tells of changed rules', NULL
			UNION ALL
			SELECT k.transitions, 'leadcrm.transitions_changed()', 32, 'that tells of emptied rules', NULL
		) w
		WHERE k.target = verify_triggers.target AND w.tab IS NOT NULL
	), found AS (
		SELECT w.*, t.tgname, t.tgenabled
		FROM wanted w
		LEFT JOIN LATERAL (
			SELECT t.tgname, t.tgenabled FROM pg_trigger t
			WHERE t.tgrelid = w.tab AND t.tgfoid = w.function AND t.tgtype & w.bits = w.bits
			  AND (w.arguments IS NULL OR leadcrm.trigger_arguments(t.tgargs) = w.arguments)
			ORDER BY t.tgenabled = 'D', t.tgname LIMIT 1) t ON true
	)
	SELECT f.state_column,
	       CASE WHEN f.tgname IS NULL THEN 'trigger_missing' ELSE 'trigger_disabled' END,
	       CASE WHEN f.tgname IS NULL THEN format('%s has no trigger %s.', f.tab::regclass, f.what)
	            WHEN f.tgenabled = 'D' THEN format('Trigger %I of %s, %s, is disabled.', f.tgname, f.tab::regclass, f.what)
	            WHEN f.tgenabled = 'R' THEN format('Trigger %I of %s, %s, fires only in replica mode.', f.tgname, f.tab::regclass, f.what)
	            ELSE format('Trigger %I of %s, %s, does not fire always.', f.tgname, f.tab::regclass, f.what) END,
	       CASE WHEN f.tgname IS NULL
	            THEN format('SELECT leadcrm.retrack(%L, %L)', verify_triggers.target, f.state_column)
	            ELSE format('ALTER TABLE %s ENABLE %sTRIGGER %I', f.tab::regclass,
	                        CASE WHEN f.function = 'leadcrm.transitions_changed()'::regprocedure THEN 'ALWAYS ' ELSE '' END, f.tgname) END
	FROM found f
	WHERE f.tgname IS NULL OR f.tgenabled IN ('D', 'R')
	   OR (f.function = 'leadcrm.transitions_changed()'::regprocedure AND f.tgenabled <> 'A')
	ORDER BY 1, 2, 3;

	-- data restored with its triggers disabled and enabled again: rules that are there count as never filled
	FOR marker IN SELECT t.state_column, t.transitions, r.tgname, r.tgenabled FROM leadcrm.tracked t
	         JOIN pg_trigger r ON r.tgrelid = t.transitions AND r.tgfoid = 'leadcrm.transitions_filled()'::regprocedure
	         WHERE t.target = verify_triggers.target AND r.tgenabled <> 'D' LOOP
		EXECUTE format('SELECT EXISTS (SELECT FROM %s)', marker.transitions) INTO filled;
		IF filled THEN
			state_column := marker.state_column;
			problem := 'trigger_enabled';
			detail := format('Trigger %I of %s says that it was never filled, but it holds rows: emptied, it would let every change pass.',
			                 marker.tgname, marker.transitions);
			remedy := format('ALTER TABLE %s DISABLE TRIGGER %I', marker.transitions, marker.tgname);
			RETURN NEXT;
		ELSIF marker.tgenabled <> 'A' THEN
			state_column := marker.state_column;
			problem := 'trigger_disabled';
			detail := format('Trigger %I of %s, that tells of the first rule, does not fire always.', marker.tgname, marker.transitions);
			remedy := format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', marker.transitions, marker.tgname);
			RETURN NEXT;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION leadcrm.verify_triggers(regclass) IS
'The triggers that a tracked table, its partitions, histories and transitions should have and have not, one row each, with the statement that mends it.';

-- Only what runs with the rights of the table's owner: whoever verifies or repairs a table lends it none.
CREATE FUNCTION leadcrm.count_functions(target regclass, purpose text)
RETURNS TABLE (function regprocedure)
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT DISTINCT p.oid::regprocedure
	FROM pg_trigger t
	JOIN pg_class c ON c.oid = t.tgrelid
	CROSS JOIN LATERAL unnest(leadcrm.trigger_arguments(t.tgargs)) a (argument)
	JOIN pg_proc p ON p.pronamespace = c.relnamespace AND a.argument = purpose || '=' || p.proname AND p.pronargs = 0
		AND p.prosecdef AND p.proowner = c.relowner
	WHERE t.tgrelid = target AND t.tgfoid = 'leadcrm.count_cells()'::regprocedure AND has_function_privilege(p.oid, 'EXECUTE')
$$;
COMMENT ON FUNCTION leadcrm.count_functions(regclass, text) IS
'The functions that the trigger leadcrm.count_cells() of a table names for a purpose (check: compares the counts with the rows; recount: counts anew), if the caller may call them.';

CREATE FUNCTION leadcrm.verify(target regclass)
RETURNS TABLE (state_column name, key text, seq integer, problem text, detail text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	k record;
	stamps text;
	to_the_byte text;
	peak boolean;
BEGIN
	IF target IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'the target table must not be NULL';
	END IF;
	IF NOT EXISTS (SELECT FROM leadcrm.tracked t WHERE t.target = verify.target) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('no column of %s is tracked', target),
			HINT = 'Call leadcrm.track() first; leadcrm.tracked lists what is tracked.';
	END IF;
	IF row_security_active(target) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'insufficient_privilege',
			MESSAGE = format('row security hides rows of %s: they cannot be verified', target),
			HINT = 'Call leadcrm.verify() as the table''s owner.';
	END IF;

	RETURN QUERY SELECT t.state_column, NULL::text, NULL::integer, t.problem, t.detail FROM leadcrm.verify_triggers(target) t;

	FOR k IN SELECT * FROM leadcrm.tracked t WHERE t.target = verify.target ORDER BY t.state_column LOOP
		BEGIN
			PERFORM leadcrm.check_tracker(target, k.state_column);
		EXCEPTION WHEN undefined_column OR datatype_mismatch OR insufficient_privilege OR wrong_object_type OR feature_not_supported
			OR object_not_in_prerequisite_state THEN
			state_column := k.state_column;
			key := NULL;
			seq := NULL;
			problem := 'wiring';
			detail := SQLERRM;
			RETURN NEXT;
			CONTINUE WHEN k.history IS NULL OR k.transitions IS NULL OR SQLSTATE <> '55000';
		END;

		SELECT string_agg(format('(%L, t.%I)', s.state, s.stamp), ', ') INTO stamps
		FROM leadcrm.stamp_columns(target, k.state_column, k.transitions) s;
		peak := EXISTS (SELECT FROM pg_attribute a JOIN pg_attribute x ON x.attrelid = target AND x.attname = k.state_column
		                WHERE a.attrelid = target AND a.attname = k.state_column || '_peak' AND NOT a.attisdropped
		                  AND a.atttypid = x.atttypid AND (SELECT y.typtype = 'e' FROM pg_type y WHERE y.oid = a.atttypid));

		-- states are compared as the guard compares them, whatever the column's collation calls equal
		to_the_byte := CASE WHEN EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = target AND a.attname = k.state_column AND a.attcollation <> 0)
		                    THEN ' COLLATE "C"' ELSE '' END;
		-- h: the history; o: with its predecessor and the last death of the key; e: what was not voided
		RETURN QUERY EXECUTE format($q$
			WITH o AS (
				SELECT h.%1$I AS key, h.seq, h.from_state%7$s AS from_state, h.to_state%7$s AS to_state, h.since, h.changed_at,
				       h.origin, h.forced, h.corrects, lag(h.seq) OVER w AS before, lag(h.to_state%7$s) OVER w AS state_before,
				       lead(h.seq) OVER w IS NULL AS is_last,
				       coalesce(max(h.seq) FILTER (WHERE h.to_state IS NULL) OVER w, 0) AS died_before
				FROM %2$s h
				WINDOW w AS (PARTITION BY h.%1$I ORDER BY h.seq)
			), e AS (
				SELECT o.*, lag(o.changed_at) OVER w AS changed_before, lag(o.seq) OVER w IS NULL AS is_first
				FROM o
				WHERE o.corrects IS NULL
				  AND NOT EXISTS (SELECT FROM %2$s c WHERE c.%1$I = o.key AND c.corrects = o.seq)
				WINDOW w AS (PARTITION BY o.key ORDER BY o.seq)
			), last_row AS (
				SELECT o.key, o.seq, o.to_state FROM o WHERE o.is_last
			), last_effective AS (
				SELECT DISTINCT ON (e.key) e.key, e.to_state, e.changed_at FROM e ORDER BY e.key, e.seq DESC
			)
			SELECT %3$L::name, p.key, p.seq, p.problem, p.detail FROM (
				SELECT o.key::text, o.seq, 'gap' AS problem,
				       format('History jumps from %%s to %%s.', coalesce(o.before, 0), o.seq) AS detail
				FROM o WHERE o.seq <> coalesce(o.before, 0) + 1
				UNION ALL
				SELECT o.key::text, o.seq, 'chain', format('It says the state was %%s, the row before says %%s.',
				       coalesce(quote_literal(o.from_state), 'none'), coalesce(quote_literal(o.state_before), 'none'))
				FROM o WHERE o.before IS NOT NULL AND o.from_state IS DISTINCT FROM o.state_before
				UNION ALL
				SELECT e.key::text, e.seq, 'overlap', format('The stay before it ended at %%s, this one at %%s.', e.changed_before, e.changed_at)
				FROM e WHERE NOT e.forced AND e.from_state IS NOT NULL AND e.changed_at < e.changed_before
				UNION ALL
				SELECT e.key::text, e.seq, 'overlap', format('The stay began at %%s, the one before it ended at %%s.',
				       coalesce(e.since::text, 'no time'), e.changed_before)
				FROM e WHERE NOT e.is_first AND e.from_state IS NOT NULL AND e.since IS DISTINCT FROM e.changed_before
				UNION ALL
				SELECT o.key::text, o.seq, 'correction', format('It voids row %%s, which it cannot void.', coalesce(o.corrects::text, 'none'))
				FROM o LEFT JOIN %2$s v ON v.%1$I = o.key AND v.seq = o.corrects
				WHERE (o.corrects IS NOT NULL) <> (o.origin = 'correction')
				   OR (o.corrects IS NOT NULL AND (v.seq IS NULL OR v.seq >= o.seq OR v.seq <= o.died_before OR v.corrects IS NOT NULL
				                                   OR v.from_state%7$s IS DISTINCT FROM o.to_state OR v.to_state%7$s IS DISTINCT FROM o.from_state
				                                   OR EXISTS (SELECT FROM %2$s c WHERE c.%1$I = o.key AND c.corrects = o.corrects
				                                              AND c.seq <> o.seq)))
				UNION ALL
				SELECT coalesce(t.%1$I, l.key)::text, l.seq,
				       CASE WHEN t.%1$I IS NULL THEN 'history_without_row'
				            WHEN l.to_state IS NULL THEN 'row_without_history'
				            WHEN l.to_state <> t.%3$I%7$s THEN 'state' ELSE 'seq' END,
				       CASE WHEN t.%1$I IS NULL THEN format('The row is gone; its history ends with %%L.', l.to_state)
				            WHEN l.key IS NULL THEN format('The row has no history; its state is %%L.', t.%3$I)
				            WHEN l.to_state IS NULL THEN format('The row''s history ends with its deletion; its state is %%L.', t.%3$I)
				            WHEN l.to_state <> t.%3$I%7$s THEN format('The row''s state is %%L, its history ends with %%L.', t.%3$I, l.to_state)
				            ELSE format('The row counts %%s changes, its history ends with %%s.', coalesce(t.%4$I::text, 'no'), l.seq) END
				FROM %5$s t FULL JOIN last_row l ON l.key = t.%1$I
				WHERE (t.%1$I IS NULL AND l.to_state IS NOT NULL)
				   OR (t.%1$I IS NOT NULL AND l.key IS NULL AND t.%4$I IS DISTINCT FROM 0)
				   OR (t.%1$I IS NOT NULL AND l.key IS NOT NULL
				       AND (l.to_state IS NULL OR l.to_state <> t.%3$I%7$s OR t.%4$I IS DISTINCT FROM l.seq))
				UNION ALL
				SELECT t.%1$I::text, l.seq, 'since', format('The present state began at %%s, by its history at %%s.',
				       coalesce(t.%6$I::text, 'no time'), e.changed_at)
				FROM %5$s t JOIN last_row l ON l.key = t.%1$I JOIN last_effective e ON e.key = t.%1$I
				WHERE l.to_state = t.%3$I%7$s AND e.to_state = t.%3$I%7$s AND t.%6$I IS DISTINCT FROM e.changed_at
			) p
			ORDER BY p.key, p.seq, p.problem, p.detail$q$,
			k.key_column, k.history, k.state_column, k.state_column || '_seq', target, k.state_column || '_since', to_the_byte);

		-- Stamps and peak follow from the present life, where it is on record from its birth.
		CONTINUE WHEN stamps IS NULL AND NOT peak;
		RETURN QUERY EXECUTE format($q$
			WITH e AS (
				SELECT h.%1$I AS key, h.seq, h.from_state, h.to_state%8$s AS to_state, h.changed_at
				FROM %2$s h
				WHERE h.corrects IS NULL
				  AND NOT EXISTS (SELECT FROM %2$s c WHERE c.%1$I = h.%1$I AND c.corrects = h.seq)
				  AND h.seq > coalesce((SELECT max(d.seq) FROM %2$s d WHERE d.%1$I = h.%1$I AND d.to_state IS NULL), 0)
			), born AS (
				SELECT e.key, %4$s AS peak FROM e GROUP BY e.key
				HAVING bool_or(e.from_state IS NULL)
			), entered AS (
				SELECT DISTINCT ON (e.key, e.to_state) e.key, format('%%s', e.to_state) COLLATE "C" AS state, e.seq, e.changed_at
				FROM e ORDER BY e.key, e.to_state, e.seq
			)
			SELECT %3$L::name, p.key, p.seq, p.problem, p.detail FROM (
				SELECT t.%1$I::text AS key, n.seq, 'stamp' AS problem,
				       format('The stamp of %%L is %%s, its first entry was %%s.', s.state, coalesce(s.stamp::text, 'missing'),
				              coalesce('at ' || n.changed_at::text, 'never')) AS detail
				FROM %5$s t JOIN born b ON b.key = t.%1$I
				CROSS JOIN LATERAL (VALUES %6$s) s (state, stamp)
				LEFT JOIN entered n ON n.key = t.%1$I AND n.state = s.state COLLATE "C"
				WHERE s.state IS NOT NULL AND s.stamp IS DISTINCT FROM n.changed_at
				UNION ALL
				SELECT t.%1$I::text, NULL, 'peak', format('The furthest state is said to be %%L, by its history it is %%L.', %7$s, b.peak)
				FROM %5$s t JOIN born b ON b.key = t.%1$I
				WHERE %7$s IS DISTINCT FROM b.peak
			) p
			ORDER BY p.key, p.seq, p.problem, p.detail$q$,
			k.key_column, k.history, k.state_column,
			CASE WHEN peak THEN 'max(e.to_state)' ELSE 'NULL::text' END, target,
			coalesce(stamps, '(NULL::text, NULL::timestamptz)'),
			CASE WHEN peak THEN format('t.%I', k.state_column || '_peak') ELSE 'NULL::text' END, to_the_byte);
	END LOOP;

	-- Who counts the rows says what is wrong with the counts: a function of the table's owner that runs with the owner's rights.
	FOR k IN SELECT c.function FROM leadcrm.count_functions(target, 'check') c LOOP
		RETURN QUERY EXECUTE format('SELECT c.state_column, c.key, c.seq, c.problem, c.detail FROM %s c', k.function);
	END LOOP;
END
$$;
COMMENT ON FUNCTION leadcrm.verify(regclass) IS
'One row for every disagreement between the rows of a tracked table and their histories; none: all is well. problem: trigger_missing, trigger_disabled, trigger_enabled, wiring (42703 and the like), gap (in seq), chain (a state that is not the one before), overlap (stays), correction (of what it cannot void), state, seq, since, stamp, peak (row against history), row_without_history, history_without_row; and what the function says that checks the counts of the rows (leadcrm.count_cells(); the cubes of a workspace: cube, cube_trigger), if the caller may call it. Reads the whole table and its histories, with the caller''s rights. Errors: 22004, 55000 not tracked, 42501 where row security hides rows.';

CREATE FUNCTION leadcrm.repair(target regclass, dry_run boolean DEFAULT true)
RETURNS TABLE (state_column name, key text, problem text, action text, done boolean)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v record;
	k record;
	pass integer;
	statements text[];
	statement text;
	row_id text;
	history_insert text;
	key_type text;
BEGIN
	PERFORM leadcrm.require_owner(target);
	FOR v IN SELECT * FROM leadcrm.verify_triggers(target) LOOP
		state_column := v.state_column;
		key := NULL;
		problem := v.problem;
		action := v.remedy;
		done := NOT dry_run;
		IF NOT dry_run THEN
			EXECUTE v.remedy;
		END IF;
		RETURN NEXT;
	END LOOP;

	-- these too before any row is written, so that what mends the rows is counted
	FOR v IN SELECT t.tgname FROM pg_trigger t
	         WHERE t.tgrelid = target AND t.tgfoid = 'leadcrm.count_cells()'::regprocedure AND t.tgenabled IN ('D', 'R') ORDER BY t.tgname LOOP
		state_column := NULL;
		key := NULL;
		problem := 'cube_trigger';
		action := format('ALTER TABLE %s ENABLE TRIGGER %I', target, v.tgname);
		done := NOT dry_run;
		IF NOT dry_run THEN
			EXECUTE action;
		END IF;
		RETURN NEXT;
	END LOOP;

	-- First the history is completed, then the companions follow from it.
	FOR pass IN 1..2 LOOP
		FOR v IN SELECT * FROM leadcrm.verify(target) r
		         WHERE r.problem NOT IN ('trigger_missing', 'trigger_disabled', 'trigger_enabled') AND r.state_column IS NOT NULL
		           AND (dry_run OR (r.problem IN ('state', 'row_without_history', 'history_without_row')) = (pass = 1))
		LOOP
			SELECT * INTO k FROM leadcrm.tracked t WHERE t.target = repair.target AND t.state_column = v.state_column;
			SELECT format_type(a.atttypid, NULL) INTO key_type
			FROM pg_attribute a WHERE a.attrelid = target AND a.attname = k.key_column;
			row_id := format('%I = %L::%s', k.key_column, v.key, key_type);
			-- the missing row of the history: from where it ends (l, and e without what was voided) to what the row is now (t)
			history_insert := format(
				'INSERT INTO %1$s (%2$I, seq, from_state, to_state, since, changed_at, reason, actor, session_role, role, origin, forced, recorded_at) '
				'SELECT %3$L::%4$s, coalesce(l.seq, 0) + 1, l.to_state, t.%5$I, CASE WHEN l.to_state IS NULL THEN NULL ELSE e.changed_at END, '
				'greatest(coalesce(CASE WHEN t.%2$I IS NULL THEN NULL ELSE t.%6$I END, clock_timestamp()), e.changed_at), %7$L, '
				'nullif(current_setting(''leadcrm.actor'', true), ''''), session_user, current_user, '
				'CASE WHEN t.%2$I IS NULL THEN ''delete'' WHEN l.to_state IS NULL THEN ''backfill'' ELSE ''change'' END, true, clock_timestamp() '
				'FROM (SELECT 1) one LEFT JOIN %8$s t ON t.%9$s '
				'LEFT JOIN LATERAL (SELECT h.seq, h.to_state FROM %1$s h WHERE h.%9$s ORDER BY h.seq DESC LIMIT 1) l ON true '
				'LEFT JOIN LATERAL (SELECT h.changed_at FROM %1$s h WHERE h.%9$s AND h.corrects IS NULL AND NOT EXISTS '
				'(SELECT FROM %1$s c WHERE c.%9$s AND c.corrects = h.seq) ORDER BY h.seq DESC LIMIT 1) e ON true',
				k.history, k.key_column, v.key, key_type, k.state_column, k.state_column || '_since', 'leadcrm.repair: ' || v.detail, target, row_id);
			statements := CASE v.problem
				WHEN 'history_without_row' THEN ARRAY[history_insert]
				WHEN 'row_without_history' THEN ARRAY[history_insert]
				WHEN 'state' THEN ARRAY[history_insert]
				WHEN 'seq' THEN ARRAY[]::text[]
				WHEN 'since' THEN ARRAY[format(
					'UPDATE %1$s t SET %2$I = (SELECT h.changed_at FROM %3$s h WHERE h.%4$s AND h.corrects IS NULL AND NOT EXISTS '
					'(SELECT FROM %3$s c WHERE c.%4$s AND c.corrects = h.seq) ORDER BY h.seq DESC LIMIT 1) WHERE t.%4$s',
					target, k.state_column || '_since', k.history, row_id)]
				WHEN 'stamp' THEN (
					SELECT array_agg(format(
						'UPDATE %1$s t SET %2$I = (SELECT h.changed_at FROM %3$s h WHERE h.%4$s AND format(''%%s'', h.to_state) = %5$L COLLATE "C" AND h.corrects IS NULL '
						'AND NOT EXISTS (SELECT FROM %3$s c WHERE c.%4$s AND c.corrects = h.seq) '
						'AND h.seq > coalesce((SELECT max(d.seq) FROM %3$s d WHERE d.%4$s AND d.to_state IS NULL), 0) '
						'ORDER BY h.seq LIMIT 1) WHERE t.%4$s', target, s.stamp, k.history, row_id, s.state))
					FROM leadcrm.stamp_columns(target, k.state_column, k.transitions) s)
				WHEN 'peak' THEN ARRAY[format(
					'UPDATE %1$s t SET %2$I = (SELECT max(h.to_state) FROM %3$s h WHERE h.%4$s AND h.corrects IS NULL '
					'AND NOT EXISTS (SELECT FROM %3$s c WHERE c.%4$s AND c.corrects = h.seq) '
					'AND h.seq > coalesce((SELECT max(d.seq) FROM %3$s d WHERE d.%4$s AND d.to_state IS NULL), 0)) WHERE t.%4$s',
					target, k.state_column || '_peak', k.history, row_id)]
			END;
			IF v.problem IN ('state', 'row_without_history', 'seq') THEN
				statements := statements || format(
					'UPDATE %1$s t SET %2$I = l.seq, %3$I = CASE WHEN %4$L = ''seq'' THEN t.%3$I ELSE l.changed_at END '
					'FROM (SELECT h.seq, h.changed_at FROM %5$s h WHERE h.%6$s ORDER BY h.seq DESC LIMIT 1) l WHERE t.%6$s',
					target, k.state_column || '_seq', k.state_column || '_since', v.problem, k.history, row_id);
			END IF;

			state_column := v.state_column;
			key := v.key;
			problem := v.problem;
			done := NOT dry_run AND statements IS NOT NULL;
			action := CASE v.problem
				WHEN 'state' THEN 'Put the change that was not recorded into the history, as forced. '
				WHEN 'row_without_history' THEN 'Put the row''s birth into the history, as a forced backfill. '
				WHEN 'history_without_row' THEN 'Put the deletion that was not recorded into the history, as forced. '
				WHEN 'seq' THEN 'Set the row''s number to that of its history. '
				WHEN 'since' THEN 'Set the beginning of the state to what the history says. '
				WHEN 'stamp' THEN 'Set the stamps to the first entries in the history. '
				WHEN 'peak' THEN 'Set the furthest state to the history''s. '
				WHEN 'wiring' THEN 'None by itself: leadcrm.retrack() after a rename. '
				ELSE 'None: the history itself contradicts itself; restore it from a backup. ' END || v.detail;
			IF NOT dry_run AND statements IS NOT NULL THEN
				FOREACH statement IN ARRAY statements LOOP
					PERFORM leadcrm.apply_repair(target, statement);
				END LOOP;
			END IF;
			RETURN NEXT;
		END LOOP;
		EXIT WHEN dry_run;
	END LOOP;

	-- The counts follow from the rows: once, and last.
	FOR k IN SELECT c.function FROM leadcrm.count_functions(target, 'check') c LOOP
		FOR v IN EXECUTE format('SELECT c.problem, count(*) AS cells, min(c.detail) AS detail FROM %s c WHERE c.problem <> ''cube_trigger'' '
		                        'OR c.detail LIKE ''%% missing.'' GROUP BY 1 ORDER BY 1', k.function) LOOP
			state_column := NULL;
			key := NULL;
			problem := v.problem;
			IF v.problem = 'cube_trigger' THEN
				action := 'None by itself: leadcrm.upgrade_workspace() makes it again. ' || v.detail;
				done := false;
				RETURN NEXT;
				CONTINUE;
			END IF;
			FOR statement IN SELECT format('SELECT %s', c.function) FROM leadcrm.count_functions(target, 'recount') c LOOP
				action := format('%s. Cells that do not say what the rows do: %s.', statement, v.cells);
				done := NOT dry_run;
				IF NOT dry_run THEN
					EXECUTE statement;
				END IF;
				RETURN NEXT;
			END LOOP;
		END LOOP;
	END LOOP;
END
$$;
COMMENT ON FUNCTION leadcrm.repair(regclass, boolean) IS
'Says for every row of leadcrm.verify() what mends it, and with dry_run => false does it: switches triggers on, completes the history by what was not recorded (forced, with the reason), sets the companions to what the history says, and has wrong counts (one row for all their cells) counted anew, for which it must run at READ COMMITTED. What the history itself contradicts is left alone. Errors: 42501 not the owner, 55000 not tracked.';
