-- Workspaces: schemas made from one template, owned by who makes them. A workspace carries a marker, a function whose
-- source says the version and what the template made; the marker is read from the catalog and never called.

CREATE FUNCTION leadcrm.workspace_template() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $leadcrm_function$
SELECT $leadcrm_template$
-- @workspace_template@
$leadcrm_template$
$leadcrm_function$;
COMMENT ON FUNCTION leadcrm.workspace_template() IS
	'The script of a workspace: @workspace@ stands for the quoted name of the schema, @workspace_literal@ for '
	'the same as a string';

CREATE FUNCTION leadcrm.workspace_version(workspace name) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT substring(p.prosrc FROM '-- leadcrm workspace ([^[:space:]]+)')
	FROM pg_catalog.pg_proc p
		JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
	WHERE n.nspname = workspace AND p.proname = '~leadcrm_workspace' AND p.pronargs = 0;
END;
COMMENT ON FUNCTION leadcrm.workspace_version(name) IS
	'The version of leadcrm that a workspace was made or last upgraded by; NULL where the schema is not a workspace';

CREATE FUNCTION leadcrm.workspace_made_as(workspace name) RETURNS name
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT (substring(p.prosrc FROM '-- schema: ([^\n]+)')::pg_catalog.jsonb ->> 0)::name
	FROM pg_catalog.pg_proc p
		JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
	WHERE n.nspname = workspace AND p.proname = '~leadcrm_workspace' AND p.pronargs = 0;
END;
COMMENT ON FUNCTION leadcrm.workspace_made_as(name) IS
	'The name of a workspace when it was made or last upgraded, which its functions go by; NULL where the schema is not a '
	'workspace, or one of a version that did not note it';

CREATE FUNCTION leadcrm.refuse_renamed(workspace name, made_as name) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $leadcrm$
BEGIN
	RAISE EXCEPTION USING
		ERRCODE = 'object_not_in_prerequisite_state',
		MESSAGE = format('workspace "%s" was renamed from "%s" and not upgraded', workspace, made_as),
		DETAIL = 'Its functions still go by its old name.',
		HINT = format('SELECT leadcrm.upgrade_workspace(%L);', workspace);
END
$leadcrm$;
COMMENT ON FUNCTION leadcrm.refuse_renamed(name, name) IS
	'Raises the error (55000) of a workspace whose functions still go by its old name';

CREATE FUNCTION leadcrm.workspace_objects(workspace name, OUT kind text, OUT identity text) RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	-- types of the workspace's own, where it is now
	SELECT m.line[1], pg_catalog.replace(m.line[2], '@workspace@.', pg_catalog.quote_ident(n.nspname) || '.')
	FROM pg_catalog.pg_proc p
		JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
		CROSS JOIN LATERAL pg_catalog.regexp_matches(p.prosrc, '-- (table|view|function): ([^\n]+)', 'g') m (line)
	WHERE n.nspname = workspace AND p.proname = '~leadcrm_workspace' AND p.pronargs = 0;
END;
COMMENT ON FUNCTION leadcrm.workspace_objects(name) IS
	'What leadcrm made in a workspace: kind (table, view, function) and identity within the schema. What else is '
	'there belongs to its users';

CREATE VIEW leadcrm.workspaces AS
SELECT n.nspname AS workspace,
	pg_catalog.pg_get_userbyid(n.nspowner) AS owner,
	v.version,
	v.version = e.extversion AND coalesce(leadcrm.workspace_made_as(n.nspname) = n.nspname, true) AS is_current
FROM pg_catalog.pg_namespace n
	CROSS JOIN LATERAL leadcrm.workspace_version(n.nspname) v (version)
	JOIN pg_catalog.pg_extension e ON e.extname = 'leadcrm'
WHERE v.version IS NOT NULL;
COMMENT ON VIEW leadcrm.workspaces IS 'The workspaces of this database. Unique key: workspace';
COMMENT ON COLUMN leadcrm.workspaces.workspace IS 'The schema';
COMMENT ON COLUMN leadcrm.workspaces.owner IS 'The role that owns it';
COMMENT ON COLUMN leadcrm.workspaces.version IS 'The version of leadcrm that made it or last upgraded it';
COMMENT ON COLUMN leadcrm.workspaces.is_current IS
	'Whether that is the installed version, and its name still the one that it had then; if not, its owner calls '
	'leadcrm.upgrade_workspace()';
GRANT SELECT ON leadcrm.workspaces TO PUBLIC;

-- The objects in a schema that can be the template's: tables, views, functions.
CREATE FUNCTION leadcrm.schema_objects(schema oid, OUT kind text, OUT identity text, OUT classid oid, OUT objid oid, OUT definition tid)
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT CASE WHEN c.relkind IN ('r', 'p') THEN 'table' ELSE 'view' END,
		pg_catalog.quote_ident(c.relname), 'pg_catalog.pg_class'::regclass::oid, c.oid, r.ctid
	FROM pg_catalog.pg_class c
		LEFT JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid AND c.relkind = 'v' AND r.rulename = '_RETURN'
	WHERE c.relnamespace = schema AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
	UNION ALL
	SELECT 'function',
		pg_catalog.quote_ident(p.proname) || '(' || pg_catalog.oidvectortypes(p.proargtypes) || ')',
		'pg_catalog.pg_proc'::regclass::oid, p.oid, p.ctid
	FROM pg_catalog.pg_proc p
	WHERE p.pronamespace = schema;
END;
COMMENT ON FUNCTION leadcrm.schema_objects(oid) IS
	'The tables, views and functions of a schema: kind, identity within the schema, catalog and object id, and where the catalog keeps the '
	'definition of a view or function: another place after each CREATE OR REPLACE';

CREATE FUNCTION leadcrm.check_workspace_name(workspace name) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $leadcrm$
BEGIN
	IF workspace IS NULL OR workspace = '' THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_schema_name',
			MESSAGE = 'a workspace needs a name',
			HINT = 'Use the name of a schema, such as crm.';
	ELSIF starts_with(workspace::text, 'pg_') THEN
		RAISE EXCEPTION USING
			ERRCODE = 'reserved_name',
			MESSAGE = format('a workspace cannot be named "%s"', workspace),
			DETAIL = 'Names of schemas that begin with pg_ are PostgreSQL''s own.',
			HINT = 'Choose another name.';
	-- An argument of type name was cut at 63 bytes before it came here: in UTF-8, to no fewer than 60.
	ELSIF octet_length(workspace::text) > 59 THEN
		RAISE EXCEPTION USING
			ERRCODE = 'name_too_long',
			MESSAGE = format('the name of workspace "%s" is too long', workspace),
			DETAIL = 'It may have 59 bytes.',
			HINT = 'Choose a shorter name.';
	ELSIF position('$workspace$' IN workspace::text) > 0 THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_schema_name',
			MESSAGE = format('a workspace cannot be named "%s"', workspace),
			DETAIL = 'The script that makes a workspace uses $workspace$ to quote its functions.',
			HINT = 'Choose another name.';
	END IF;
END
$leadcrm$;
COMMENT ON FUNCTION leadcrm.check_workspace_name(name) IS
	'Refuses a name that no workspace can have: 3F000 empty or with $workspace$ in it, 42939 reserved, 42622 too long';

-- Runs the template in a schema of the current role and writes the marker. What the template makes belongs to the
-- workspace, together with what earlier runs made; what stood there otherwise stays the users'.
CREATE FUNCTION leadcrm.build_workspace(workspace name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET client_min_messages = warning AS $leadcrm$
DECLARE
	schema oid := (SELECT n.oid FROM pg_namespace n WHERE n.nspname = workspace);
	ident text := quote_ident(workspace);
	present oid[];
	foreign_to_us oid[];
	ours text[];
	made record;
	left_over record;
	list text;
	message text;
	detail text;
BEGIN
	PERFORM leadcrm.check_workspace_name(workspace);
	SELECT coalesce(array_agg(o.objid), '{}'), coalesce(array_agg(o.objid) FILTER (WHERE w.kind IS NULL), '{}'),
			array_agg((o.kind, o.objid, o.definition)::text) FILTER (WHERE w.kind IS NOT NULL AND o.definition IS NOT NULL)
		INTO present, foreign_to_us, ours
	FROM leadcrm.schema_objects(schema) o LEFT JOIN leadcrm.workspace_objects(workspace) w USING (kind, identity);

	BEGIN
		EXECUTE (SELECT string_agg(replace(t.piece, '@workspace_literal@', quote_literal(ident)), ident ORDER BY t.n)
			FROM string_to_table(leadcrm.workspace_template(), '@workspace@') WITH ORDINALITY t (piece, n));
	EXCEPTION WHEN OTHERS THEN
		-- raised anew, as the error's context would be the whole script
		GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
		RAISE EXCEPTION USING
			ERRCODE = SQLSTATE,
			MESSAGE = format('workspace "%s" cannot be built: %s', workspace, message),
			DETAIL = concat_ws(E'\n', nullif(detail, ''), 'Nothing was changed.'),
			HINT = 'If an object of yours stands in the way, rename or move it.';
	END;

	-- What an earlier version made and the template has not made again is no longer used: it goes, the youngest first, as it was made of
	-- the others. Where something of the users' depends on it, it stays until an upgrade that finds nothing of the kind.
	FOR left_over IN
		SELECT o.kind, o.identity FROM leadcrm.schema_objects(schema) o WHERE (o.kind, o.objid, o.definition)::text = ANY (ours) ORDER BY o.objid DESC
	LOOP
		BEGIN
			EXECUTE format('DROP %s %s.%s', upper(left_over.kind), ident, left_over.identity);
		EXCEPTION WHEN dependent_objects_still_exist THEN
			NULL;
		END;
	END LOOP;

	-- whatever default privileges say, nothing new is granted to PUBLIC
	FOR made IN
		SELECT o.kind, o.identity FROM leadcrm.schema_objects(schema) o WHERE o.objid <> ALL (present)
	LOOP
		EXECUTE format('REVOKE ALL ON %s %s.%s FROM PUBLIC',
			CASE made.kind WHEN 'function' THEN 'FUNCTION' ELSE 'TABLE' END, ident, made.identity);
	END LOOP;

	-- the schema may be renamed, so types that stand in it are written without its name
	SELECT string_agg(format('-- %s: %s', o.kind, replace(replace(o.identity,
		'(' || ident || '.', '(@workspace@.'), ', ' || ident || '.', ', @workspace@.')), E'\n' ORDER BY o.kind, o.identity) INTO list
	FROM leadcrm.schema_objects(schema) o
	WHERE o.objid <> ALL (foreign_to_us) AND NOT starts_with(o.identity, '"~leadcrm_workspace"');
	EXECUTE (SELECT format('CREATE OR REPLACE FUNCTION %s."~leadcrm_workspace"() RETURNS text LANGUAGE sql IMMUTABLE AS %L',
			ident, format(E'-- leadcrm workspace %s\n-- schema: %s\n%s\nSELECT %L::text', e.extversion, jsonb_build_array(workspace), list, e.extversion))
		FROM pg_extension e WHERE e.extname = 'leadcrm');
	EXECUTE format('REVOKE ALL ON FUNCTION %s."~leadcrm_workspace"() FROM PUBLIC', ident);
	EXECUTE format('COMMENT ON FUNCTION %s."~leadcrm_workspace"() IS %L', ident,
		'Marks this schema as a workspace of leadcrm: its source says the version and what leadcrm made. Do not change it');
END
$leadcrm$;
COMMENT ON FUNCTION leadcrm.build_workspace(name) IS
	'A step of create_workspace() and upgrade_workspace(): runs the template in a schema and marks it';

CREATE FUNCTION leadcrm.create_workspace(name name DEFAULT 'crm') RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $leadcrm$
DECLARE
	elsewhere name;
BEGIN
	PERFORM leadcrm.check_workspace_name(name);
	IF EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = name) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'duplicate_schema',
			MESSAGE = format('schema "%s" already exists', name),
			DETAIL = CASE WHEN leadcrm.workspace_version(name) IS NOT NULL THEN 'It is a workspace.'
				ELSE 'It is not a workspace.' END,
			HINT = CASE WHEN leadcrm.workspace_version(name) IS NOT NULL
				THEN 'Choose another name; leadcrm.upgrade_workspace() brings a workspace up to the installed version.'
				ELSE 'Choose another name: a workspace makes its schema.' END;
	END IF;
	-- the functions of a renamed workspace would write to the new one
	SELECT w.workspace INTO elsewhere FROM leadcrm.workspaces w WHERE leadcrm.workspace_made_as(w.workspace) = name LIMIT 1;
	IF elsewhere IS NOT NULL THEN
		PERFORM leadcrm.refuse_renamed(elsewhere, name);
	END IF;
	EXECUTE format('CREATE SCHEMA %I', name);
	EXECUTE format('COMMENT ON SCHEMA %I IS %L', name,
		'A workspace of leadcrm: the leads of one organisation, their settings, history and views. '
		'After ALTER SCHEMA ... RENAME call leadcrm.upgrade_workspace() with the new name');
	PERFORM leadcrm.build_workspace(name);
END
$leadcrm$;
COMMENT ON FUNCTION leadcrm.create_workspace(name) IS
	'Makes a workspace: a schema, owned by the caller, with tables, rules, functions and views for one '
	'organisation''s leads. Needs CREATE on the database, grants nothing to anybody. Errors: 3F000, 42939, 42622 '
	'a name that cannot be, 42P06 a schema that exists, 55000 a workspace that had this name and was not upgraded since, 42501 no right';

-- The schema of a workspace, for who may change it. "whole" asks for the owner itself, as what is made anew belongs to
-- the current role.
CREATE FUNCTION leadcrm.own_workspace(workspace name, whole boolean) RETURNS oid
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $leadcrm$
DECLARE
	n pg_namespace;
BEGIN
	SELECT * INTO n FROM pg_namespace s WHERE s.nspname = workspace;
	IF NOT FOUND OR leadcrm.workspace_version(workspace) IS NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_schema_name',
			MESSAGE = CASE WHEN n.oid IS NULL THEN format('there is no workspace "%s"', workspace)
				ELSE format('schema "%s" is not a workspace', workspace) END,
			HINT = 'SELECT * FROM leadcrm.workspaces shows the workspaces of this database.';
	ELSIF whole AND pg_get_userbyid(n.nspowner) <> current_user THEN
		RAISE EXCEPTION USING
			ERRCODE = 'insufficient_privilege',
			MESSAGE = format('must be owner of workspace "%s"', workspace),
			DETAIL = format('It belongs to %I; what is made in it belongs to who makes it.', pg_get_userbyid(n.nspowner)),
			HINT = format('SET ROLE %I first.', pg_get_userbyid(n.nspowner));
	ELSIF NOT pg_has_role(n.nspowner, 'USAGE') THEN
		RAISE EXCEPTION USING
			ERRCODE = 'insufficient_privilege',
			MESSAGE = format('must be owner of workspace "%s"', workspace),
			DETAIL = format('It belongs to %I.', pg_get_userbyid(n.nspowner));
	END IF;
	RETURN n.oid;
END
$leadcrm$;
COMMENT ON FUNCTION leadcrm.own_workspace(name, boolean) IS
	'The schema of a workspace, or the error of who may not change it: 3F000 no workspace, 42501 not the owner';

CREATE FUNCTION leadcrm.upgrade_workspace(name name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $leadcrm$
DECLARE
	schema oid := leadcrm.own_workspace(name, true);
	in_the_way text;
	commented pg_description[];
	kept record;
BEGIN
	-- The template would pass over a table of the same name, or replace a view.
	SELECT string_agg(format('%s %I.%s', o.kind, name, o.identity), ', ' ORDER BY o.identity) INTO in_the_way
	FROM leadcrm.schema_objects(schema) o
	WHERE NOT EXISTS (SELECT FROM leadcrm.workspace_objects(name) w WHERE (w.kind, w.identity) = (o.kind, o.identity))
		AND EXISTS (SELECT
			FROM regexp_matches(leadcrm.workspace_template(),
				'CREATE (?:OR REPLACE )?(TABLE|VIEW|FUNCTION) (?:IF NOT EXISTS )?@workspace@\.("?[[:alnum:]_~]+"?)', 'g') t (line)
			WHERE t.line[2] = split_part(o.identity, '(', 1) AND (t.line[1] = 'FUNCTION') = (o.kind = 'function'));
	IF in_the_way IS NOT NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'duplicate_object',
			MESSAGE = format('workspace "%s" cannot be upgraded: objects of yours have names that it needs', name),
			DETAIL = format('In the way: %s. Nothing was changed.', in_the_way),
			HINT = 'Rename them, or move them to another schema.';
	END IF;

	-- A renamed table would be made anew, empty, beside it.
	SELECT string_agg(format('%I.%s', name, w.identity), ', ' ORDER BY w.identity) INTO in_the_way
	FROM leadcrm.workspace_objects(name) w
	WHERE w.kind = 'table'
		AND NOT EXISTS (SELECT FROM leadcrm.schema_objects(schema) o WHERE (o.kind, o.identity) = (w.kind, w.identity));
	IF in_the_way IS NOT NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'undefined_table',
			MESSAGE = format('workspace "%s" cannot be upgraded: tables of it are missing', name),
			DETAIL = format('They were renamed, moved or dropped: %s. Nothing was changed.', in_the_way),
			HINT = 'Give them their names back.';
	END IF;

	commented := ARRAY(SELECT d FROM pg_description d
		WHERE (d.classoid = 'pg_namespace'::regclass AND d.objoid = schema)
			OR (d.classoid = 'pg_proc'::regclass AND d.objoid IN (SELECT p.oid FROM pg_proc p WHERE p.pronamespace = schema))
			OR (d.classoid = 'pg_class'::regclass AND d.objoid IN (SELECT c.oid FROM pg_class c WHERE c.relnamespace = schema))
			OR (d.classoid = 'pg_trigger'::regclass AND d.objoid IN (SELECT t.oid
				FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = schema))
			OR (d.classoid = 'pg_constraint'::regclass
				AND d.objoid IN (SELECT k.oid FROM pg_constraint k WHERE k.connamespace = schema)));

	PERFORM leadcrm.build_workspace(name);

	-- a comment that stood there stays: it may be the company's own
	FOR kept IN
		SELECT CASE WHEN d.objsubid > 0 THEN 'COLUMN' WHEN i.type = 'table constraint' THEN 'CONSTRAINT'
				ELSE upper(i.type) END AS what, i.identity, d.description
		FROM unnest(commented) d
			CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) i
			LEFT JOIN pg_description n USING (classoid, objoid, objsubid)
		WHERE n.description IS DISTINCT FROM d.description AND i.identity NOT LIKE '%"~leadcrm_workspace"()'
			-- of columns that the template has dropped
			AND NOT (i.type = 'table column' AND EXISTS (SELECT FROM pg_attribute a
				WHERE a.attrelid = d.objoid AND a.attnum = d.objsubid AND a.attisdropped))
	LOOP
		EXECUTE format('COMMENT ON %s %s IS %L', kept.what, kept.identity, kept.description);
	END LOOP;
END
$leadcrm$;
COMMENT ON FUNCTION leadcrm.upgrade_workspace(name) IS
	'Brings a workspace''s tables, views and functions up to the installed version, and to its present name '
	'after ALTER SCHEMA ... RENAME. Keeps all rows, columns, grants and comments. Errors: 3F000 no workspace, '
	'42501 not its owner, 42710 objects of users in the way, 42P01 tables of its own missing, which it lists; '
	'then nothing is changed. Triggers of the workspace that were disabled are enabled; views and functions that '
	'this version no longer has are dropped, except where users'' own objects depend on them';

CREATE FUNCTION leadcrm.drop_workspace(name name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $leadcrm$
DECLARE
	schema oid := leadcrm.own_workspace(name, false);
	outside text;
BEGIN
	-- What stands outside and would fall with it. Parts (rules, triggers, constraints, defaults, policies) stand where
	-- their table or view stands.
	WITH inside AS (
		SELECT d.classid, d.objid FROM pg_depend d
		WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = schema
	), dependent AS (
		SELECT DISTINCT d.classid, d.objid
		FROM inside i JOIN pg_depend d ON (d.refclassid, d.refobjid) = (i.classid, i.objid)
		WHERE d.deptype = 'n'
		UNION
		-- rows and arrays of the tables' types
		SELECT d.classid, d.objid
		FROM inside i JOIN pg_type t ON i.classid = 'pg_class'::regclass AND t.typrelid = i.objid
			JOIN pg_depend d ON d.refclassid = 'pg_type'::regclass AND d.refobjid IN (t.oid, t.typarray)
		WHERE d.deptype = 'n'
	), standing AS (
		SELECT DISTINCT o.classid, o.objid
		FROM dependent d CROSS JOIN LATERAL (
			SELECT CASE WHEN p.relid IS NULL THEN d.classid ELSE 'pg_class'::regclass END AS classid,
				coalesce(p.relid, d.objid) AS objid
			FROM (SELECT CASE d.classid
				WHEN 'pg_rewrite'::regclass THEN (SELECT r.ev_class FROM pg_rewrite r WHERE r.oid = d.objid)
				WHEN 'pg_trigger'::regclass THEN (SELECT t.tgrelid FROM pg_trigger t WHERE t.oid = d.objid)
				WHEN 'pg_constraint'::regclass THEN (SELECT nullif(k.conrelid, 0) FROM pg_constraint k WHERE k.oid = d.objid)
				WHEN 'pg_attrdef'::regclass THEN (SELECT a.adrelid FROM pg_attrdef a WHERE a.oid = d.objid)
				WHEN 'pg_policy'::regclass THEN (SELECT y.polrelid FROM pg_policy y WHERE y.oid = d.objid)
				END AS relid) p) o
	)
	SELECT string_agg(i.type || ' ' || i.identity, ', ' ORDER BY i.identity) INTO outside
	FROM standing s CROSS JOIN LATERAL pg_identify_object(s.classid, s.objid, 0) i
	WHERE i.schema IS DISTINCT FROM quote_ident(drop_workspace.name) AND i.type NOT LIKE 'publication%';
	IF outside IS NOT NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'dependent_objects_still_exist',
			MESSAGE = format('workspace "%s" cannot be dropped: other schemas depend on it', name),
			DETAIL = format('They would fall with it: %s. Nothing was dropped.', outside),
			HINT = 'Drop or change them first.';
	END IF;
	EXECUTE format('DROP SCHEMA %I CASCADE', name);
END
$leadcrm$;
COMMENT ON FUNCTION leadcrm.drop_workspace(name) IS
	'Drops a workspace with all that is in its schema: leads, histories, users'' own objects there. Errors: '
	'3F000 no workspace, 42501 not its owner, 2BP01 objects outside that depend on it, which it lists; then '
	'nothing is dropped';
