-- What a history says of each thing, as of any instant: one pass over its rows, in C.

CREATE TYPE leadcrm.journey AS (born boolean, first_state integer, first_since timestamptz, state integer, since timestamptz, peak integer,
	entered timestamptz[]);
COMMENT ON TYPE leadcrm.journey IS
'A thing by its history. born: whether the history begins with its birth; first_state, first_since: what the first row says of the state before it; state, since: of the last change that counts; peak: the greatest state; entered: by state, when the first change to it happened. States are numbers, from 1 in the order of the enum''s labels. state, since, peak and entered are NULL where no change counts.';

CREATE FUNCTION leadcrm.journey_step(internal, seq integer, from_state anyenum, to_state anyenum, since timestamptz, changed_at timestamptz,
	corrects integer, happened boolean, known boolean) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_journey_step';
COMMENT ON FUNCTION leadcrm.journey_step(internal, integer, anyenum, anyenum, timestamptz, timestamptz, integer, boolean, boolean) IS
'Step of leadcrm.journey_agg';
CREATE FUNCTION leadcrm.journey_result(internal) RETURNS leadcrm.journey
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_journey_result';
COMMENT ON FUNCTION leadcrm.journey_result(internal) IS 'What the rows of leadcrm.journey_agg say';

CREATE AGGREGATE leadcrm.journey_agg(seq integer, from_state anyenum, to_state anyenum, since timestamptz, changed_at timestamptz,
	corrects integer, happened boolean, known boolean) (
	SFUNC = leadcrm.journey_step, STYPE = internal, SSPACE = 1000, FINALFUNC = leadcrm.journey_result, FINALFUNC_MODIFY = READ_WRITE,
	PARALLEL = SAFE);
COMMENT ON AGGREGATE leadcrm.journey_agg(integer, anyenum, anyenum, timestamptz, timestamptz, integer, boolean, boolean) IS
'Over all rows of one thing''s history, as leadcrm.track() makes it, in any order: what it says as of an instant. happened, known: whether the row''s change had happened by then, and the row was written down. A change counts that had happened and was known, unless a correction that was known voids it, or the thing was deleted after it. NULL without rows.';
