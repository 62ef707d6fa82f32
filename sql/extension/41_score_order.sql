-- leadcrm.lead_score: order and hash. By half-life first, then by points, whose order is the same at every instant.

CREATE FUNCTION leadcrm.lead_score_lt(leadcrm.lead_score, leadcrm.lead_score) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_lt';
COMMENT ON FUNCTION leadcrm.lead_score_lt(leadcrm.lead_score, leadcrm.lead_score) IS 'Fewer points than, at every instant; of different half-lives, the longer one is the greater';
CREATE FUNCTION leadcrm.lead_score_le(leadcrm.lead_score, leadcrm.lead_score) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_le';
COMMENT ON FUNCTION leadcrm.lead_score_le(leadcrm.lead_score, leadcrm.lead_score) IS 'No more points than, at every instant; of different half-lives, the longer one is the greater';
CREATE FUNCTION leadcrm.lead_score_eq(leadcrm.lead_score, leadcrm.lead_score) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_eq';
COMMENT ON FUNCTION leadcrm.lead_score_eq(leadcrm.lead_score, leadcrm.lead_score) IS 'The same half-life and the same points as, at every instant';
CREATE FUNCTION leadcrm.lead_score_ne(leadcrm.lead_score, leadcrm.lead_score) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_ne';
COMMENT ON FUNCTION leadcrm.lead_score_ne(leadcrm.lead_score, leadcrm.lead_score) IS 'Another half-life or other points than, at every instant';
CREATE FUNCTION leadcrm.lead_score_ge(leadcrm.lead_score, leadcrm.lead_score) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_ge';
COMMENT ON FUNCTION leadcrm.lead_score_ge(leadcrm.lead_score, leadcrm.lead_score) IS 'No fewer points than, at every instant; of different half-lives, the longer one is the greater';
CREATE FUNCTION leadcrm.lead_score_gt(leadcrm.lead_score, leadcrm.lead_score) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_gt';
COMMENT ON FUNCTION leadcrm.lead_score_gt(leadcrm.lead_score, leadcrm.lead_score) IS 'More points than, at every instant; of different half-lives, the longer one is the greater';

CREATE OPERATOR leadcrm.< (FUNCTION = leadcrm.lead_score_lt, LEFTARG = leadcrm.lead_score, RIGHTARG = leadcrm.lead_score,
	COMMUTATOR = OPERATOR(leadcrm.>), NEGATOR = OPERATOR(leadcrm.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
COMMENT ON OPERATOR leadcrm.< (leadcrm.lead_score, leadcrm.lead_score) IS 'Fewer points than, at every instant; of different half-lives, the longer one is the greater';
CREATE OPERATOR leadcrm.<= (FUNCTION = leadcrm.lead_score_le, LEFTARG = leadcrm.lead_score, RIGHTARG = leadcrm.lead_score,
	COMMUTATOR = OPERATOR(leadcrm.>=), NEGATOR = OPERATOR(leadcrm.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
COMMENT ON OPERATOR leadcrm.<= (leadcrm.lead_score, leadcrm.lead_score) IS 'No more points than, at every instant; of different half-lives, the longer one is the greater';
CREATE OPERATOR leadcrm.= (FUNCTION = leadcrm.lead_score_eq, LEFTARG = leadcrm.lead_score, RIGHTARG = leadcrm.lead_score,
	COMMUTATOR = OPERATOR(leadcrm.=), NEGATOR = OPERATOR(leadcrm.<>), RESTRICT = eqsel, JOIN = eqjoinsel, MERGES, HASHES);
COMMENT ON OPERATOR leadcrm.= (leadcrm.lead_score, leadcrm.lead_score) IS 'The same half-life and the same points as, at every instant';
CREATE OPERATOR leadcrm.<> (FUNCTION = leadcrm.lead_score_ne, LEFTARG = leadcrm.lead_score, RIGHTARG = leadcrm.lead_score,
	COMMUTATOR = OPERATOR(leadcrm.<>), NEGATOR = OPERATOR(leadcrm.=), RESTRICT = neqsel, JOIN = neqjoinsel);
COMMENT ON OPERATOR leadcrm.<> (leadcrm.lead_score, leadcrm.lead_score) IS 'Another half-life or other points than, at every instant';
CREATE OPERATOR leadcrm.>= (FUNCTION = leadcrm.lead_score_ge, LEFTARG = leadcrm.lead_score, RIGHTARG = leadcrm.lead_score,
	COMMUTATOR = OPERATOR(leadcrm.<=), NEGATOR = OPERATOR(leadcrm.<), RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR leadcrm.>= (leadcrm.lead_score, leadcrm.lead_score) IS 'No fewer points than, at every instant; of different half-lives, the longer one is the greater';
CREATE OPERATOR leadcrm.> (FUNCTION = leadcrm.lead_score_gt, LEFTARG = leadcrm.lead_score, RIGHTARG = leadcrm.lead_score,
	COMMUTATOR = OPERATOR(leadcrm.<), NEGATOR = OPERATOR(leadcrm.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
COMMENT ON OPERATOR leadcrm.> (leadcrm.lead_score, leadcrm.lead_score) IS 'More points than, at every instant; of different half-lives, the longer one is the greater';

CREATE FUNCTION leadcrm.lead_score_cmp(leadcrm.lead_score, leadcrm.lead_score) RETURNS integer
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_cmp';
COMMENT ON FUNCTION leadcrm.lead_score_cmp(leadcrm.lead_score, leadcrm.lead_score) IS '-1, 0 or 1: less, equal or greater, by half-life first, then by points, whose order is the same at every instant';
CREATE FUNCTION leadcrm.lead_score_sortsupport(internal) RETURNS void
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_sortsupport';
COMMENT ON FUNCTION leadcrm.lead_score_sortsupport(internal) IS 'Lets PostgreSQL sort scores by the first bits of their points';
CREATE FUNCTION leadcrm.lead_score_hash(leadcrm.lead_score) RETURNS integer
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_hash';
COMMENT ON FUNCTION leadcrm.lead_score_hash(leadcrm.lead_score) IS 'The hash of a score, for hash joins and hash indexes';
CREATE FUNCTION leadcrm.lead_score_hash_extended(leadcrm.lead_score, bigint) RETURNS bigint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_score_hash_extended';
COMMENT ON FUNCTION leadcrm.lead_score_hash_extended(leadcrm.lead_score, bigint) IS 'The hash of a score, with a seed, for hash partitions';

CREATE OPERATOR CLASS leadcrm.lead_score_ops DEFAULT FOR TYPE leadcrm.lead_score USING btree AS
	OPERATOR 1 leadcrm.<, OPERATOR 2 leadcrm.<=, OPERATOR 3 leadcrm.=, OPERATOR 4 leadcrm.>=, OPERATOR 5 leadcrm.>,
	FUNCTION 1 leadcrm.lead_score_cmp(leadcrm.lead_score, leadcrm.lead_score),
	FUNCTION 2 leadcrm.lead_score_sortsupport(internal),
	-- one score has one image: equal entries of an index may share their tuples
	FUNCTION 4 btequalimage(oid);
COMMENT ON OPERATOR CLASS leadcrm.lead_score_ops USING btree IS 'The order of scores, the same at every instant';

CREATE OPERATOR CLASS leadcrm.lead_score_hash_ops DEFAULT FOR TYPE leadcrm.lead_score USING hash AS
	OPERATOR 1 leadcrm.=,
	FUNCTION 1 leadcrm.lead_score_hash(leadcrm.lead_score),
	FUNCTION 2 leadcrm.lead_score_hash_extended(leadcrm.lead_score, bigint);
COMMENT ON OPERATOR CLASS leadcrm.lead_score_hash_ops USING hash IS 'The equality of scores';
