-- t.error(statement, role): what a client sees of an error (SQLSTATE, message, DETAIL, HINT, place), run as a role;
-- 'none' where the statement succeeds. t.run(statement, role): the first column of the first row, as text.
CREATE SCHEMA IF NOT EXISTS t;
CREATE FUNCTION t.error(statement text, who name DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
	detail text;
	hint text;
	s text;
	r text;
	c text;
	k text;
BEGIN
	IF who IS NOT NULL THEN
		PERFORM set_config('role', who, true);
	END IF;
	EXECUTE statement;
	PERFORM set_config('role', 'none', true);
	RETURN 'none';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT,
		s = SCHEMA_NAME, r = TABLE_NAME, c = COLUMN_NAME, k = CONSTRAINT_NAME;
	RETURN concat_ws(E'\n', SQLSTATE || ': ' || message, 'DETAIL: ' || nullif(detail, ''), 'HINT: ' || nullif(hint, ''),
		'AT: ' || nullif(concat_ws(' ', nullif(s, ''), nullif(r, ''), nullif(c, ''), nullif(k, '')), ''));
END
$$;
CREATE FUNCTION t.run(statement text, who name DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	IF who IS NOT NULL THEN
		PERFORM set_config('role', who, true);
	END IF;
	EXECUTE statement INTO result;
	PERFORM set_config('role', 'none', true);
	RETURN result;
END
$$;
