-- leadcrm.lead_score: aggregates.

CREATE FUNCTION leadcrm.score_step(internal, points float8, at timestamptz, half_life interval) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_agg_event';
CREATE FUNCTION leadcrm.score_step(internal, leadcrm.lead_score) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_agg_score';
CREATE FUNCTION leadcrm.score_frame_in(internal, points float8, at timestamptz, half_life interval) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_window_event';
CREATE FUNCTION leadcrm.score_frame_out(internal, points float8, at timestamptz, half_life interval) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_window_event_out';
CREATE FUNCTION leadcrm.score_frame_in(internal, leadcrm.lead_score) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_window_score';
CREATE FUNCTION leadcrm.score_frame_out(internal, leadcrm.lead_score) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_window_score_out';
CREATE FUNCTION leadcrm.score_frame_result(internal) RETURNS leadcrm.lead_score
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_window_final';
CREATE FUNCTION leadcrm.score_combine(internal, internal) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_agg_combine';
CREATE FUNCTION leadcrm.score_serialize(internal) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_agg_serialize';
CREATE FUNCTION leadcrm.score_deserialize(bytea, internal) RETURNS internal
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_agg_deserialize';
CREATE FUNCTION leadcrm.score_result(internal) RETURNS leadcrm.lead_score
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_agg_final';
COMMENT ON FUNCTION leadcrm.score_step(internal, float8, timestamptz, interval) IS 'Step of leadcrm.lead_score(points, at, half_life)';
COMMENT ON FUNCTION leadcrm.score_step(internal, leadcrm.lead_score) IS 'Step of leadcrm.sum(lead_score)';
COMMENT ON FUNCTION leadcrm.score_frame_in(internal, float8, timestamptz, interval) IS 'An event comes into the moving frame of leadcrm.lead_score(points, at, half_life)';
COMMENT ON FUNCTION leadcrm.score_frame_out(internal, float8, timestamptz, interval) IS 'An event leaves the frame; NULL, whereupon PostgreSQL adds up the frame anew, where what remains would have lost digits';
COMMENT ON FUNCTION leadcrm.score_frame_in(internal, leadcrm.lead_score) IS 'A score comes into the moving frame of leadcrm.sum(lead_score)';
COMMENT ON FUNCTION leadcrm.score_frame_out(internal, leadcrm.lead_score) IS 'A score leaves the frame; NULL, whereupon PostgreSQL adds up the frame anew, where what remains would have lost digits';
COMMENT ON FUNCTION leadcrm.score_frame_result(internal) IS 'The score of a frame; NULL where nothing counted';
COMMENT ON FUNCTION leadcrm.score_combine(internal, internal) IS 'Adds what two workers have summed';
COMMENT ON FUNCTION leadcrm.score_serialize(internal) IS 'What a worker has summed, for the process that gathers';
COMMENT ON FUNCTION leadcrm.score_deserialize(bytea, internal) IS 'Reads what a worker has summed';
COMMENT ON FUNCTION leadcrm.score_result(internal) IS 'The score of what was summed; NULL where nothing counted';

CREATE AGGREGATE leadcrm.lead_score(points float8, at timestamptz, half_life interval) (
	SFUNC = leadcrm.score_step, STYPE = internal, SSPACE = 48, FINALFUNC = leadcrm.score_result,
	COMBINEFUNC = leadcrm.score_combine, SERIALFUNC = leadcrm.score_serialize, DESERIALFUNC = leadcrm.score_deserialize,
	MSFUNC = leadcrm.score_frame_in, MINVFUNC = leadcrm.score_frame_out, MSTYPE = internal, MSSPACE = 96, MFINALFUNC = leadcrm.score_frame_result,
	PARALLEL = SAFE);
COMMENT ON AGGREGATE leadcrm.lead_score(float8, timestamptz, interval) IS
'The score of events, in any order and of either sign: points (float8), when (timestamptz), and the half-life of all of them. An event with NULL points or a NULL time does not count; NULL where none does. The error lies below 1e-9 of the sum of the decayed points without their signs. Errors: 22023 for points that are NaN or infinite, an infinite time, a half-life that is NULL, not positive or not the same for all; 22003 for a sum beyond what a score holds';

CREATE AGGREGATE leadcrm.sum(leadcrm.lead_score) (
	SFUNC = leadcrm.score_step, STYPE = internal, SSPACE = 48, FINALFUNC = leadcrm.score_result,
	COMBINEFUNC = leadcrm.score_combine, SERIALFUNC = leadcrm.score_serialize, DESERIALFUNC = leadcrm.score_deserialize,
	MSFUNC = leadcrm.score_frame_in, MINVFUNC = leadcrm.score_frame_out, MSTYPE = internal, MSSPACE = 96, MFINALFUNC = leadcrm.score_frame_result,
	PARALLEL = SAFE);
COMMENT ON AGGREGATE leadcrm.sum(leadcrm.lead_score) IS
'The score of all events of all scores; NULL where there is none. Errors: 22023 where half-lives differ';

CREATE FUNCTION leadcrm.lead_score_smaller(leadcrm.lead_score, leadcrm.lead_score) RETURNS leadcrm.lead_score
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_smaller';
COMMENT ON FUNCTION leadcrm.lead_score_smaller(leadcrm.lead_score, leadcrm.lead_score) IS 'The lesser of two scores';
CREATE FUNCTION leadcrm.lead_score_larger(leadcrm.lead_score, leadcrm.lead_score) RETURNS leadcrm.lead_score
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_larger';
COMMENT ON FUNCTION leadcrm.lead_score_larger(leadcrm.lead_score, leadcrm.lead_score) IS 'The greater of two scores';

CREATE AGGREGATE leadcrm.min(leadcrm.lead_score) (
	SFUNC = leadcrm.lead_score_smaller, STYPE = leadcrm.lead_score, COMBINEFUNC = leadcrm.lead_score_smaller, SORTOP = OPERATOR(leadcrm.<), PARALLEL = SAFE);
COMMENT ON AGGREGATE leadcrm.min(leadcrm.lead_score) IS 'The least score; off an index where there is one';
CREATE AGGREGATE leadcrm.max(leadcrm.lead_score) (
	SFUNC = leadcrm.lead_score_larger, STYPE = leadcrm.lead_score, COMBINEFUNC = leadcrm.lead_score_larger, SORTOP = OPERATOR(leadcrm.>), PARALLEL = SAFE);
COMMENT ON AGGREGATE leadcrm.max(leadcrm.lead_score) IS 'The greatest score; off an index where there is one';
