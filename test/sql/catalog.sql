-- What the extension puts into a database: every function with its labels, and what must hold for all of its objects.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
RESET client_min_messages;
-- a line of one object does not depend on the others'
\pset format unaligned
\pset footer off
CREATE TEMPORARY VIEW member AS
	SELECT d.classid, d.objid, pg_describe_object(d.classid, d.objid, 0) AS object
	FROM pg_depend d
	WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
		AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'leadcrm');

-- functions: volatility (i, s, v), parallel (s, r, u), strict, security definer
SELECT p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS function, l.lanname AS language,
	p.provolatile AS vol, p.proparallel AS par, p.proisstrict AS strict, p.prosecdef AS definer
FROM member m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass JOIN pg_language l ON l.oid = p.prolang
ORDER BY p.proname COLLATE "C", 1;

-- the other objects
SELECT object FROM member WHERE classid <> 'pg_proc'::regclass AND object !~ '\[\]$' AND object !~ '^(type leadcrm.(tracked|workspaces)|rule )'
ORDER BY object COLLATE "C";

-- nothing without a comment: objects, and columns of views
SELECT m.object FROM member m
WHERE m.classid IN ('pg_proc'::regclass, 'pg_class'::regclass, 'pg_type'::regclass, 'pg_operator'::regclass, 'pg_namespace'::regclass)
	AND obj_description(m.objid, m.classid::regclass::name) IS NULL
	-- the types that PostgreSQL makes by itself
	AND NOT EXISTS (SELECT FROM pg_type t WHERE m.classid = 'pg_type'::regclass AND t.oid = m.objid AND (t.typelem <> 0 OR t.typrelid <> 0))
UNION ALL
SELECT m.object || ' column ' || a.attname FROM member m JOIN pg_attribute a ON a.attrelid = m.objid AND a.attnum > 0 AND NOT a.attisdropped
WHERE m.classid = 'pg_class'::regclass AND col_description(a.attrelid, a.attnum) IS NULL
ORDER BY 1;

-- no tables, whose rows a dump would lose; everything in one schema
SELECT m.object FROM member m JOIN pg_class c ON c.oid = m.objid AND m.classid = 'pg_class'::regclass WHERE c.relkind <> 'v'
UNION ALL
SELECT m.object FROM member m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass WHERE p.pronamespace <> 'leadcrm'::regnamespace;

-- a function whose body is read when it runs says where names are looked up; one that lends its owner's rights all the more
SELECT m.object FROM member m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass JOIN pg_language l ON l.oid = p.prolang
WHERE (l.lanname = 'plpgsql' OR p.prosecdef OR l.lanname = 'sql' AND p.prosqlbody IS NULL AND p.prosrc ~* 'from')
	AND NOT coalesce(p.proconfig::text ~ 'search_path', false) AND p.proname <> 'workspace_template'
ORDER BY 1;

-- C functions have C symbols of ours
SELECT p.proname, p.prosrc FROM member m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass JOIN pg_language l ON l.oid = p.prolang
WHERE l.lanname = 'c' AND p.prosrc !~ '^leadcrm_';

-- anybody may use the schema, nobody else may put anything into it
SELECT has_schema_privilege('public', 'leadcrm', 'USAGE') AS use, has_schema_privilege('public', 'leadcrm', 'CREATE') AS make;
SELECT extrelocatable, nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'leadcrm';
