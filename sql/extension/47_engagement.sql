-- What the triggers that keep engagements ask of the backend, and the periods of caps.

CREATE FUNCTION leadcrm.own_command(xmin xid, cmin cid) RETURNS bigint
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'leadcrm_own_command';
COMMENT ON FUNCTION leadcrm.own_command(xid, cid) IS
	'The number of the command in which this transaction wrote the row version that has these system columns; NULL: another '
	'transaction wrote it. A trigger tells by it whether a row was written before or after the rows that it fires for';

CREATE FUNCTION leadcrm.insert_command("table" regclass, ctid tid) RETURNS bigint
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'leadcrm_insert_command';
COMMENT ON FUNCTION leadcrm.insert_command(regclass, tid) IS
	'The number of the command in which this transaction inserted the row that stands at this place of a table of the current role; '
	'NULL: another transaction did, or the row was updated since. Errors: 42501 not the owner of the table';

CREATE FUNCTION leadcrm.counting("table" regclass) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'leadcrm_counting';
COMMENT ON FUNCTION leadcrm.counting(regclass) IS
	'Whether it is a function of the workspace itself that writes to a table of it, with the rights of the table''s owner';

CREATE FUNCTION leadcrm.cap_period(per interval, at timestamptz, time_zone text) RETURNS timestamp
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'leadcrm_cap_period';
COMMENT ON FUNCTION leadcrm.cap_period(interval, timestamptz, text) IS
	'The period of a cap that an instant lies in: its first moment by the clocks of a time zone. Periods of this length follow '
	'on each other from 2000-01-01 00:00; -infinity where per is NULL. Errors: 22023 for a length that is not positive, or of '
	'months and days at once, or no such time zone; 22008 beyond the calendar';

CREATE FUNCTION leadcrm.clocks_from(clock timestamp, time_zone text) RETURNS timestamptz
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_clocks_from';
COMMENT ON FUNCTION leadcrm.clocks_from(timestamp, text) IS
	'The first instant at which the clocks of a time zone show this time or a later one: also where it comes twice, as clocks are '
	'put back, or never';

CREATE FUNCTION leadcrm.clocks_until(clock timestamp, time_zone text) RETURNS timestamptz
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_clocks_until';
COMMENT ON FUNCTION leadcrm.clocks_until(timestamp, text) IS
	'The instant from which on the clocks of a time zone show no time before this one: also where it comes twice, or never';
