-- leadcrm.lead_score: points that decay with a half-life.

CREATE TYPE leadcrm.lead_score;

CREATE FUNCTION leadcrm.lead_score_in(cstring) RETURNS leadcrm.lead_score
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_in';
CREATE FUNCTION leadcrm.lead_score_out(leadcrm.lead_score) RETURNS cstring
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_out';
CREATE FUNCTION leadcrm.lead_score_recv(internal) RETURNS leadcrm.lead_score
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_recv';
CREATE FUNCTION leadcrm.lead_score_send(leadcrm.lead_score) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_send';

COMMENT ON FUNCTION leadcrm.lead_score_in(cstring) IS 'Reads the text form of a score. Errors: 22P02 for what is none, 22003 for an exponent or a half-life out of range';
COMMENT ON FUNCTION leadcrm.lead_score_out(leadcrm.lead_score) IS 'The text form of a score, with every bit of it and the same under all settings: its worth at 2000-01-01 UTC as a hexadecimal floating-point number with a binary exponent, a slash, its half-life in seconds. 0x1.4p+317/2592000s; zero is 0/2592000s';
COMMENT ON FUNCTION leadcrm.lead_score_recv(internal) IS 'Reads the binary form of a score: version (1 byte), half-life (int8, microseconds), mantissa (float8), exponent (int8). Errors: 22P03 for whatever is not a score in its only form';
COMMENT ON FUNCTION leadcrm.lead_score_send(leadcrm.lead_score) IS 'The binary form of a score: version (1 byte), half-life (int8, microseconds), mantissa (float8), exponent (int8)';

CREATE TYPE leadcrm.lead_score (
	INPUT = leadcrm.lead_score_in, OUTPUT = leadcrm.lead_score_out, RECEIVE = leadcrm.lead_score_recv, SEND = leadcrm.lead_score_send,
	INTERNALLENGTH = 24, ALIGNMENT = double, STORAGE = plain);

COMMENT ON TYPE leadcrm.lead_score IS
'Points that decay with a half-life: the sum of events p * 2^(-(T-t)/H), for any instant T. Nothing is recomputed as time passes. Scores of one half-life keep their order for ever, so an index on them lists the hottest at any instant. 24 bytes. Read with leadcrm.score_at(score, instant), made by the aggregate leadcrm.lead_score(points, at, half_life) or by leadcrm.make_score(points, at, half_life)';

-- Making and reading

CREATE FUNCTION leadcrm.make_score(points float8, at timestamptz, half_life interval) RETURNS leadcrm.lead_score
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_make_score';
COMMENT ON FUNCTION leadcrm.make_score(float8, timestamptz, interval) IS 'The score of one event. make_score(0, now(), H) is the zero of half-life H, whatever the time. H counts as extract(epoch) does: a month is 30 days. Errors: 22023 for points that are NaN or infinite, an infinite time, a half-life that is not positive';

CREATE FUNCTION leadcrm.score_at(score leadcrm.lead_score, at timestamptz DEFAULT now()) RETURNS float8
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_at';
COMMENT ON FUNCTION leadcrm.score_at(leadcrm.lead_score, timestamptz) IS 'The points of a score at an instant, past or future; before its events the same formula holds. Errors: 22003 where they are beyond float8 (too few are 0), 22023 for an infinite time';

CREATE FUNCTION leadcrm.points_or_infinity(score leadcrm.lead_score, at timestamptz DEFAULT now()) RETURNS float8
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_points_or_infinity';
COMMENT ON FUNCTION leadcrm.points_or_infinity(leadcrm.lead_score, timestamptz) IS 'The points of a score at an instant as score_at() gives them, but Infinity or -Infinity where they are beyond float8: for views over many scores, which must not fail for one. Errors: 22023 for an infinite time';

CREATE FUNCTION leadcrm.add_points(score leadcrm.lead_score, points float8, at timestamptz) RETURNS leadcrm.lead_score
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_add_points';
COMMENT ON FUNCTION leadcrm.add_points(leadcrm.lead_score, float8, timestamptz) IS 'The score with one more event, of either sign, in any order. NULL points or a NULL time: the event does not count and the score stays as it is. Errors: 22023 for points that are NaN or infinite and for an infinite time';

CREATE FUNCTION leadcrm.half_life(score leadcrm.lead_score) RETURNS interval
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_half_life';
COMMENT ON FUNCTION leadcrm.half_life(leadcrm.lead_score) IS 'The time in which the points of a score halve, in days and a time of day';

CREATE FUNCTION leadcrm.float8(score leadcrm.lead_score) RETURNS float8
	LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_now';
COMMENT ON FUNCTION leadcrm.float8(leadcrm.lead_score) IS 'The points of a score at now(), the start of the transaction: what the cast to float8 gives';
CREATE CAST (leadcrm.lead_score AS float8) WITH FUNCTION leadcrm.float8(leadcrm.lead_score);
COMMENT ON CAST (leadcrm.lead_score AS float8) IS 'The points of a score at now(). Explicit only: an implicit one would let sum() and < of numbers take scores';

CREATE FUNCTION leadcrm.lead_score_add(leadcrm.lead_score, leadcrm.lead_score) RETURNS leadcrm.lead_score
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_add';
COMMENT ON FUNCTION leadcrm.lead_score_add(leadcrm.lead_score, leadcrm.lead_score) IS 'The score of the events of both. Errors: 22023 where their half-lives differ';
CREATE OPERATOR leadcrm.+ (FUNCTION = leadcrm.lead_score_add, LEFTARG = leadcrm.lead_score, RIGHTARG = leadcrm.lead_score, COMMUTATOR = OPERATOR(leadcrm.+));
COMMENT ON OPERATOR leadcrm.+ (leadcrm.lead_score, leadcrm.lead_score) IS 'The score of the events of both. Errors: 22023 where their half-lives differ';
