-- What the triggers that keep engagements ask of the backend.

CREATE FUNCTION leadcrm.own_command(xmin xid, cmin cid) RETURNS bigint
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'leadcrm_own_command';
COMMENT ON FUNCTION leadcrm.own_command(xid, cid) IS
	'The number of the command in which this transaction wrote the row version that has these system columns; NULL: another '
	'transaction wrote it. A trigger tells by it whether a row was written before or after the rows that it fires for';

CREATE FUNCTION leadcrm.counting("table" regclass) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'leadcrm_counting';
COMMENT ON FUNCTION leadcrm.counting(regclass) IS
	'Whether it is a function of the workspace itself that writes to a table of it, with the rights of the table''s owner';
