-- Who may do what. A new workspace grants nothing to anybody; grant_access gives a role what its work needs.

CREATE OR REPLACE FUNCTION @workspace@.grant_access("role" name, work text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $workspace$
DECLARE
	workspace text := @workspace_literal@;
	made record;
	rights text;
BEGIN
	PERFORM leadcrm.refuse_if_renamed(@workspace_literal@);
	IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = grant_access."role") THEN
		RAISE EXCEPTION USING
			ERRCODE = 'undefined_object',
			MESSAGE = format('role "%s" does not exist', "role"),
			HINT = 'Create it with CREATE ROLE first.';
	END IF;
	IF work IS NULL OR work NOT IN ('sales', 'marketing', 'analyst', 'admin') THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('there is no kind of access "%s"', work),
			HINT = 'Use sales, marketing, analyst or admin.';
	END IF;

	-- an owner has no rights but those that were not taken from it, and foreign keys are checked with them
	IF EXISTS (SELECT FROM pg_class c WHERE c.oid = (workspace || '.lead')::regclass AND pg_get_userbyid(c.relowner) = grant_access."role") THEN
		RAISE NOTICE USING
			MESSAGE = format('role "%s" owns the workspace and may do all of this already', "role"),
			DETAIL = 'Nothing was changed.';
		RETURN;
	END IF;

	EXECUTE format('GRANT USAGE ON SCHEMA %s TO %I', workspace, "role");
	FOR made IN SELECT o.kind, o.identity FROM leadcrm.workspace_objects((parse_ident(workspace))[1]::name) o
	LOOP
		IF made.kind = 'function' THEN
			EXECUTE format('REVOKE ALL ON FUNCTION %s.%s FROM %I', workspace, made.identity, "role");
			CONTINUE WHEN EXISTS (SELECT FROM pg_proc p
				WHERE p.oid = format('%s.%s', workspace, made.identity)::regprocedure AND p.prorettype = 'trigger'::regtype);
			CONTINUE WHEN made.identity ~ '^(grant_access|row_security|refuse_|compile_fit|count_(anew|one)|"~)';
			CONTINUE WHEN made.identity ~ '^((fill_date_dim|refit|rescore|rate_handoffs|suggest_rules|apply_suggestion|fold|rebuild_cubes|verify_cubes)\(|learn_)' AND work <> 'admin';
			EXECUTE format('GRANT EXECUTE ON FUNCTION %s.%s TO %I', workspace, made.identity, "role");
			CONTINUE;
		END IF;
		rights := 'SELECT';
		IF made.kind = 'table' AND made.identity !~ '(_history|^lead_cube|^lead_stay|^lead_delta)$' THEN
			rights := rights || CASE
				WHEN work = 'admin' THEN ', INSERT, UPDATE, DELETE'
				WHEN made.identity IN ('lead', 'activity') AND work IN ('sales', 'marketing') THEN ', INSERT, UPDATE'
				WHEN made.identity = 'customer' AND work = 'sales' THEN ', UPDATE'
				WHEN made.identity IN ('channel', 'campaign') AND work = 'marketing' THEN ', INSERT, UPDATE, DELETE'
				ELSE '' END;
		END IF;
		EXECUTE format('REVOKE ALL ON %s.%s FROM %I', workspace, made.identity, "role");
		EXECUTE format('GRANT %s ON %s.%s TO %I', rights, workspace, made.identity, "role");
	END LOOP;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.grant_access(name, text) IS
	'Gives a role what its work needs in this workspace, instead of what it had on the workspace''s own objects: '
	'sales (reads all, writes leads and activities, updates customers), marketing (reads all, writes leads, activities, '
	'channels, campaigns), analyst (reads all) or admin (writes all but history). The owner''s rights stay as they are (a NOTICE). '
	'Call it again after an upgrade. Errors: '
	'42704 no such role, 22023 no such kind, 42501 not the owner';

CREATE OR REPLACE FUNCTION @workspace@.row_security(enabled boolean) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $workspace$
DECLARE
	workspace text := @workspace_literal@;
	-- a subquery without reference to the row runs once a query
	-- and a rep stays one, whatever role is set
	no_rep text := format('NOT EXISTS (SELECT FROM %s.rep r WHERE r.db_role IN (CURRENT_USER, SESSION_USER))', workspace);
	mine text := format('%s OR owner = ANY (ARRAY(SELECT r.code FROM %s.rep r WHERE r.db_role IN (CURRENT_USER, SESSION_USER)))',
		no_rep, workspace);
	guarded record;
BEGIN
	PERFORM leadcrm.refuse_if_renamed(@workspace_literal@);
	IF enabled IS NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'null_value_not_allowed',
			MESSAGE = 'row security is switched on or off, not NULL',
			HINT = 'Use true or false.';
	END IF;
	FOR guarded IN
		SELECT v.name, v.rule FROM (VALUES ('lead', mine), ('customer', mine),
			('activity', NULL), ('stage_history', NULL), ('status_history', NULL), ('owner_history', NULL),
			('lead_cube', no_rep), ('lead_stay', no_rep), ('lead_delta', no_rep)) v (name, rule)
	LOOP
		IF EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = format('%s.%I', workspace, guarded.name)::regclass AND p.polname = '~leadcrm_own') THEN
			EXECUTE format('DROP POLICY "~leadcrm_own" ON %s.%I', workspace, guarded.name);
		END IF;
		IF enabled THEN
			EXECUTE format('CREATE POLICY "~leadcrm_own" ON %1$s.%2$I USING (%3$s)', workspace, guarded.name,
				coalesce(guarded.rule, format('%s OR EXISTS (SELECT FROM %s.lead l WHERE l.lead_id = %I.lead_id)', no_rep, workspace, guarded.name)));
		END IF;
		EXECUTE format('ALTER TABLE %s.%I %s ROW LEVEL SECURITY', workspace, guarded.name,
			CASE WHEN enabled THEN 'ENABLE' ELSE 'DISABLE' END);
	END LOOP;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.row_security(boolean) IS
	'Switches row security on or off for leads, customers, activities and histories. On: a role that is some rep''s db_role, '
	'and whatever role such a session sets, sees and writes only the leads and customers that this rep owns, and their activities and histories; other roles see what '
	'their grants say. Recording a change costs more while it is on. Errors: 22004 NULL, 42501 not the owner';
