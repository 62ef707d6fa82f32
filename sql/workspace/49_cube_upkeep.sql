-- The cubes' upkeep: folding deltas, counting anew, comparing with the leads.

-- One number of two for an advisory lock: the workspace's own. Whoever folds or counts anew holds it.
CREATE OR REPLACE FUNCTION @workspace@.fold(at_most integer DEFAULT 50000) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $workspace$
DECLARE
	folded bigint := 0;
	batch bigint;
	at_once integer;
	cubes smallint[];	-- of cells in which nothing is left
	kinds smallint[];
	periods date[];
	codes bigint[];
	keys text[];
BEGIN
	PERFORM leadcrm.refuse_if_renamed(@workspace_literal@);
	IF at_most IS NULL OR at_most < 1 THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('%s deltas cannot be folded at once', coalesce(at_most::text, 'NULL')),
			HINT = 'Use a number of at least 1.';
	ELSIF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_transaction_state',
			MESSAGE = format('deltas cannot be folded at isolation level %s', current_setting('transaction_isolation')),
			DETAIL = 'What another session folded since this transaction began would stand in its way.',
			HINT = 'Call it in a transaction at READ COMMITTED.';
	END IF;
	-- on a logical subscriber cells come folded, in the order of the publisher's deltas
	IF EXISTS (SELECT FROM pg_subscription_rel r WHERE r.srrelid = (@workspace_literal@ || '.lead_delta')::regclass) THEN
		RETURN 0;
	END IF;
	-- somebody else folds: nothing is waited for
	IF NOT pg_try_advisory_xact_lock((@workspace_literal@ || '.lead_delta')::regclass::oid::integer, 1281) THEN
		RETURN 0;
	END IF;
	-- so many at once that their cells fit into memory: of bulk statements a thousand, of those that change one lead as many as there are
	SELECT least(greatest(8000000 / avg(length(x.changes)), 1000), 20000)::integer INTO at_once
	FROM (SELECT d.changes FROM @workspace@.lead_delta d LIMIT 1000) x;
	LOOP
		WITH taken AS (
			DELETE FROM @workspace@.lead_delta d
			USING (SELECT x.delta_id FROM @workspace@.lead_delta x LIMIT least(at_most - folded, at_once) FOR UPDATE SKIP LOCKED) t
			WHERE d.delta_id = t.delta_id
			RETURNING d.changes
		), cell AS MATERIALIZED (
			SELECT x.* FROM unnest((SELECT leadcrm.sum_deltas(t.changes) FROM taken t)) x
		), moved AS (
			INSERT INTO @workspace@.lead_cube AS c (cube, kind, period, code, key, leads, valued, amount)
			SELECT x.cube, x.kind, x.period, x.code, x.key, x.leads, x.valued, x.amount
			FROM cell x
			WHERE x.kind NOT IN (3, 5, 6, 7)
			ORDER BY 1, 2, 3, 4, 5
			ON CONFLICT ON CONSTRAINT lead_cube_pkey DO UPDATE
			SET leads = c.leads + EXCLUDED.leads, valued = c.valued + EXCLUDED.valued, amount = c.amount + EXCLUDED.amount
			RETURNING c.cube, c.kind, c.period, c.code, c.key, c.leads = 0 AND c.valued = 0 AND c.amount = 0 AS is_empty
		), moved_stay AS (
			INSERT INTO @workspace@.lead_stay AS c (cube, period, code, key, leads, amount, counts)
			SELECT x.cube, x.period, (x.code >> 48) << 48, x.key, sum(x.leads), sum(x.amount),
				leadcrm.add_counts('{}', array_agg(ARRAY[x.code, x.leads]))
			FROM cell x
			WHERE x.kind IN (3, 5, 6, 7)
			GROUP BY 1, 2, 3, 4
			ORDER BY 1, 2, 3, 4
			ON CONFLICT ON CONSTRAINT lead_stay_pkey DO UPDATE
			SET leads = c.leads + EXCLUDED.leads, amount = c.amount + EXCLUDED.amount, counts = leadcrm.add_counts(c.counts, EXCLUDED.counts)
			RETURNING c.cube, 3::smallint AS kind, c.period, c.code, c.key, c.leads = 0 AND c.amount = 0 AND c.counts = '{}' AS is_empty
		)
		SELECT (SELECT count(*) FROM taken),
				array_agg(e.cube), array_agg(e.kind), array_agg(e.period), array_agg(e.code), array_agg(e.key)
			INTO batch, cubes, kinds, periods, codes, keys
		FROM (SELECT * FROM moved UNION ALL SELECT * FROM moved_stay) e
		WHERE e.is_empty;
		IF cubes IS NOT NULL THEN
			DELETE FROM @workspace@.lead_cube c
			USING unnest(cubes, kinds, periods, codes, keys) e (cube, kind, period, code, key)
			WHERE c.cube = e.cube AND c.kind = e.kind AND c.period = e.period AND c.code = e.code AND c.key = e.key;
			DELETE FROM @workspace@.lead_stay c
			USING unnest(cubes, kinds, periods, codes, keys) e (cube, kind, period, code, key)
			WHERE e.kind = 3 AND c.cube = e.cube AND c.period = e.period AND c.code = e.code AND c.key = e.key;
		END IF;
		folded := folded + batch;
		EXIT WHEN batch = 0 OR folded >= at_most;
	END LOOP;
	RETURN folded;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.fold(integer) IS
	'Moves at most so many deltas into the cells and returns how many; 0: none left, or another session is at it, or a subscription fills them and its publisher folds. Waits for nobody, and nobody waits for it. What the views say does not change: they get faster. To be called by a scheduler, such as every minute. Errors: 22023 at_most, 25000 not at READ COMMITTED, 25006 on a standby';

CREATE OR REPLACE FUNCTION @workspace@.rebuild_cubes() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $workspace$
DECLARE
	counted bigint;
BEGIN
	PERFORM leadcrm.refuse_if_renamed(@workspace_literal@);
	IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_transaction_state',
			MESSAGE = format('leads cannot be counted anew at isolation level %s', current_setting('transaction_isolation')),
			DETAIL = 'Leads that were written since this transaction began would be missing.',
			HINT = 'Do it in a transaction at READ COMMITTED.';
	END IF;
	IF EXISTS (SELECT FROM pg_subscription_rel r WHERE r.srrelid = (@workspace_literal@ || '.lead_delta')::regclass) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = 'leads cannot be counted anew on a logical subscriber',
			DETAIL = 'A subscription fills lead_delta; what the publisher folds would then meet other cells.',
			HINT = 'Call rebuild_cubes() on the publisher, or drop the subscription first.';
	END IF;
	-- this one first: who folds may go on to write leads
	PERFORM pg_advisory_xact_lock((@workspace_literal@ || '.lead_delta')::regclass::oid::integer, 1281);
	-- writers wait, readers do not; each statement from here on sees all that was committed before
	LOCK TABLE @workspace@.lead IN SHARE ROW EXCLUSIVE MODE;
	DELETE FROM @workspace@.lead_cube;
	DELETE FROM @workspace@.lead_stay;
	WITH cell AS MATERIALIZED (
		SELECT * FROM leadcrm.recount((@workspace_literal@ || '.lead')::regclass)
	), put AS (
		INSERT INTO @workspace@.lead_cube (cube, kind, period, code, key, leads, valued, amount)
		-- each once, and in order
		SELECT x.cube, x.kind, x.period, x.code, x.key, x.leads, x.valued, x.amount FROM cell x WHERE x.kind NOT IN (3, 5, 6, 7)
	)
	INSERT INTO @workspace@.lead_stay (cube, period, code, key, leads, amount, counts)
	SELECT x.cube, x.period, (x.code >> 48) << 48, x.key, sum(x.leads), sum(x.amount),
		leadcrm.add_counts('{}', array_agg(ARRAY[x.code, x.leads]))
	FROM cell x
	WHERE x.kind IN (3, 5, 6, 7)
	GROUP BY 1, 2, 3, 4
	ORDER BY 1, 2, 3, 4;
	-- last, as counting wrote down what was pending
	DELETE FROM @workspace@.lead_delta;
	SELECT count(*) INTO counted FROM @workspace@.lead;
	RETURN counted;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.rebuild_cubes() IS
	'Counts all leads anew and returns how many there are. Whoever writes leads waits meanwhile, for SHARE ROW EXCLUSIVE on lead; who reads does not. The more maintenance_work_mem, the faster. Needed after leads were written with leadcrm.enforcement = off or with disabled triggers; a new time zone in setting calls it. Errors: 25000 not at READ COMMITTED, 55000 on a logical subscriber that gets the cubes, too';

CREATE OR REPLACE FUNCTION @workspace@.verify_cubes()
RETURNS TABLE (state_column name, key text, seq integer, problem text, detail text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $workspace$
BEGIN
	PERFORM leadcrm.refuse_if_renamed(@workspace_literal@);
	RETURN QUERY
	SELECT NULL::name, NULL::text, NULL::integer, 'cube_trigger'::text,
		format('Trigger %I, which counts leads, is %s.', w.name, CASE WHEN t.oid IS NULL THEN 'missing' ELSE 'disabled' END)
	FROM (VALUES ('~leadcrm_count'), ('~leadcrm_counted')) w (name)
	LEFT JOIN pg_trigger t ON t.tgrelid = (@workspace_literal@ || '.lead')::regclass AND t.tgname = w.name
	WHERE t.oid IS NULL OR t.tgenabled IN ('D', 'R');
	RETURN QUERY
	SELECT NULL::name, x.key, NULL::integer, 'cube'::text,
		format('Cube %s, kind %s, period %s, code %s: leads %s, valued %s, amount %s; by the leads it is %s, %s, %s.', x.cube, x.kind,
			x.period, x.code, x.leads, x.valued, x.amount, x.all_leads, x.all_valued, x.all_amount)
	FROM (
		SELECT u.cube, u.kind, u.period, u.code, u.key, sum(u.leads) AS leads, sum(u.valued) AS valued, sum(u.amount) AS amount,
			sum(u.all_leads) AS all_leads, sum(u.all_valued) AS all_valued, sum(u.all_amount) AS all_amount
		FROM (
			SELECT c.cube, c.kind, c.period, c.code, c.key, c.leads, c.valued, c.amount, 0 AS all_leads, 0 AS all_valued, 0 AS all_amount
			FROM @workspace@.lead_cube c
			UNION ALL
			SELECT c.cube, greatest(c.code >> 56, 3), c.period, c.code, c.key, c.leads, 0, c.amount, 0, 0, 0 FROM @workspace@.lead_stay c
			UNION ALL
			SELECT c.cube, greatest(c.code >> 56, 3), c.period, y.code, c.key, y.leads, 0, 0, 0, 0, 0
			FROM @workspace@.lead_stay c
			-- taken apart in one go: a long array is not searched again for each of its elements
			CROSS JOIN LATERAL (
				SELECT u.n, u.value AS code, lead(u.value) OVER (ORDER BY u.n) AS leads
				FROM unnest(c.counts) WITH ORDINALITY u (value, n)
			) y
			WHERE y.n % 2 = 1
			UNION ALL
			SELECT d.cube, d.kind, d.period, s.code, d.key, d.leads, d.valued, s.amount, 0, 0, 0
			FROM @workspace@.delta_cells(NULL, NULL, NULL, NULL, NULL, NULL) d
			-- of stays the histogram and, under the code of the two stages, the sum
			CROSS JOIN LATERAL (SELECT d.code, CASE WHEN d.kind = 3 THEN 0 ELSE d.amount END AS amount
				UNION ALL SELECT (d.code >> 48) << 48, d.amount WHERE d.kind IN (3, 5, 6, 7)) s
			UNION ALL
			SELECT p.cube, p.kind, p.period, s.code, p.key, 0, 0, 0, p.leads, p.valued, s.amount
			FROM @workspace@.lead_cell p
			CROSS JOIN LATERAL (SELECT p.code, CASE WHEN p.kind = 3 THEN 0 ELSE p.amount END AS amount
				UNION ALL SELECT (p.code >> 48) << 48, p.amount WHERE p.kind IN (3, 5, 6, 7)) s
		) u
		GROUP BY 1, 2, 3, 4, 5
	) x
	WHERE (x.leads, x.valued, x.amount) IS DISTINCT FROM (x.all_leads, x.all_valued, x.all_amount)
	ORDER BY x.cube, x.kind, x.period, x.key, x.code;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.verify_cubes() IS
	'One row for every cell of which lead_cube, lead_stay and lead_delta together say something else than the leads themselves (problem cube), and for a trigger that does not count (cube_trigger); none: all is well. rebuild_cubes() mends cells, upgrade_workspace() missing triggers, leadcrm.repair() cells and disabled triggers. Reads all leads, with the owner''s rights. leadcrm.verify() asks it, too';

CREATE OR REPLACE FUNCTION @workspace@.time_zone_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $workspace$
BEGIN
	IF current_setting('leadcrm.enforcement', true) IS DISTINCT FROM 'off' AND EXISTS (SELECT FROM @workspace@.lead) THEN
		PERFORM @workspace@.rebuild_cubes();
	END IF;
	RETURN NULL;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.time_zone_changed() IS
	'Trigger: another time zone has other days, so the cubes are made anew; nothing where leadcrm.enforcement is off';

CREATE OR REPLACE TRIGGER "~leadcrm_time_zone" AFTER UPDATE ON @workspace@.setting
	FOR EACH ROW WHEN (NEW.time_zone IS DISTINCT FROM OLD.time_zone) EXECUTE FUNCTION @workspace@.time_zone_changed();
COMMENT ON TRIGGER "~leadcrm_time_zone" ON @workspace@.setting IS 'A new time zone makes the cubes anew';

DO $workspace$
DECLARE
	lead regclass := (@workspace_literal@ || '.lead')::regclass;
	is_new boolean := NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = lead AND t.tgname = '~leadcrm_count');
	arguments text := $$'delta=lead_delta', 'zone=setting.time_zone', 'unless=excluded_as', 'born=created_at', 'state=stage',
		'peak=stage_peak', 'since=stage_since', 'over=status_category:closed', 'over_since=status_since', 'value=value',
		'keys=channel,campaign_id,owner',
		'entered=subscriber_at,lead_at,mql_at,sql_at,opportunity_at,customer_at,evangelist_at', 'check=verify_cubes',
		'recount=rebuild_cubes'$$;
BEGIN
	-- without a condition: to read one of so many columns costs a single UPDATE more than to compare them in C
	EXECUTE format('CREATE OR REPLACE TRIGGER "~leadcrm_count" AFTER INSERT OR UPDATE OR DELETE ON %s '
		'FOR EACH ROW EXECUTE FUNCTION leadcrm.count_cells(%s)', lead, arguments);
	DROP TRIGGER IF EXISTS "~leadcrm_count_change" ON @workspace@.lead;
	EXECUTE format('CREATE OR REPLACE TRIGGER "~leadcrm_counted" AFTER INSERT OR UPDATE OR DELETE ON %s '
		-- either trigger tells who would miss the other
		'FOR EACH STATEMENT EXECUTE FUNCTION leadcrm.count_cells(''check=verify_cubes'', ''recount=rebuild_cubes'')', lead);
	IF is_new AND EXISTS (SELECT FROM @workspace@.lead) THEN
		PERFORM @workspace@.rebuild_cubes();
	END IF;
END
$workspace$;
COMMENT ON TRIGGER "~leadcrm_count" ON @workspace@.lead IS 'Counts new, changed and deleted leads into the cubes';
COMMENT ON TRIGGER "~leadcrm_counted" ON @workspace@.lead IS 'Writes down what a statement changed in the cubes';
