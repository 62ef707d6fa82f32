\set ECHO none
-- Runs a statement and shows what a client sees of its error: all fields, or the code and message; clock times left out.
CREATE FUNCTION try(statement text, fields boolean DEFAULT false) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text; detail text; hint text; sch text; tab text; col text; con text; n bigint;
BEGIN
	EXECUTE statement;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN format('passed, rows: %s', n);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT,
		sch = SCHEMA_NAME, tab = TABLE_NAME, col = COLUMN_NAME, con = CONSTRAINT_NAME;
	message := SQLSTATE || ' ' || message;
	IF fields THEN
		message := concat_ws(E'\n  ', message, 'DETAIL ' || nullif(detail, ''), 'HINT ' || nullif(hint, ''),
			'AT ' || nullif(concat_ws(', ', nullif(sch, ''), nullif(tab, ''), nullif(col, ''), nullif(con, '')), ''));
	END IF;
	RETURN regexp_replace(message, '\d+-\d+-\d+ \d+:\d+:\d+\.\d+\+00', '<clock>', 'g');
END
$$;
\set ECHO all
