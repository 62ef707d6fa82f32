-- Who goes on, who leaves, who is still there: the share by age, with those still open counted as open.

CREATE FUNCTION leadcrm.incidence_step(internal, days float8, advanced boolean) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_incidence_step';
COMMENT ON FUNCTION leadcrm.incidence_step(internal, float8, boolean) IS 'Step of leadcrm.incidence(days, advanced)';
CREATE FUNCTION leadcrm.incidence_result(internal) RETURNS float8[]
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_incidence_result';
COMMENT ON FUNCTION leadcrm.incidence_result(internal) IS 'The shares of what was collected, by days of age';

CREATE AGGREGATE leadcrm.incidence(days float8, advanced boolean) (
	SFUNC = leadcrm.incidence_step, STYPE = internal, SSPACE = 1000, FINALFUNC = leadcrm.incidence_result,
	FINALFUNC_MODIFY = SHAREABLE, PARALLEL = SAFE);
COMMENT ON AGGREGATE leadcrm.incidence(float8, boolean) IS
'How many go on and how many leave as they grow older: the cumulative incidence of Aalen and Johansen. days: the length of a stay in days (fractions count); advanced: whether it ended by going on (true) or by leaving (false), or has not ended yet (NULL). The result is an array: result[day], day from 0 to the longest stay, holds [1] those there, and seen, after the day before, [2] of these those that went on up to this day, [3] that left, [4] that are open and no older; then shares (0-1) of all, by the end of the day: [5] gone on, [6] left, [7] still there, [8] the standard error of [5] (delta method, as Greenwood''s). Times are exact, only the rows are whole days; of equal lengths, ends come before those still open. NULL days do not count; NULL where nothing does. Errors: 22023 for days that are negative, NaN or over 3,000,000.';

CREATE FUNCTION leadcrm.expected_step(internal, counts bigint[], at timestamptz) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_expected_step';
COMMENT ON FUNCTION leadcrm.expected_step(internal, bigint[], timestamptz) IS 'Step of leadcrm.expected_share(counts, at) and expected_range(counts, at)';
CREATE FUNCTION leadcrm.expected_share_result(internal) RETURNS float8
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_expected_share_result';
COMMENT ON FUNCTION leadcrm.expected_share_result(internal) IS 'The share expected of what was collected';
CREATE FUNCTION leadcrm.expected_range_result(internal) RETURNS float8[]
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_expected_range_result';
COMMENT ON FUNCTION leadcrm.expected_range_result(internal) IS 'Between what the share of what was collected lies';

CREATE AGGREGATE leadcrm.expected_share(counts bigint[], at timestamptz) (
	SFUNC = leadcrm.expected_step, STYPE = internal, SSPACE = 100000, FINALFUNC = leadcrm.expected_share_result,
	FINALFUNC_MODIFY = SHAREABLE, PARALLEL = SAFE);
COMMENT ON AGGREGATE leadcrm.expected_share(bigint[], timestamptz) IS
'The share (0-1) that goes on in the end, as leadcrm.incidence() says it of single stays, from histograms of them as the cubes keep them (code, count, code, count ...): a code holds the kind << 56 (5 went on, 6 left, 7 still open at "at") and a bin: stay_bin() of the stay or, of those still open, instant_bin() of when it began (instants after "at" count as "at"). Bins are taken as spread evenly; only those in which some left and others are open make a difference: expected_range() bounds it. The same codes are added up. NULL where nothing is counted. Errors: 2202E not pairs, 22003 another kind, no such bin, a count below 0 or too large, 22008 "at" is infinite.';
CREATE AGGREGATE leadcrm.expected_range(counts bigint[], at timestamptz) (
	SFUNC = leadcrm.expected_step, STYPE = internal, SSPACE = 100000, FINALFUNC = leadcrm.expected_range_result,
	FINALFUNC_MODIFY = SHAREABLE, PARALLEL = SAFE);
COMMENT ON AGGREGATE leadcrm.expected_range(bigint[], timestamptz) IS
'For expected_share(): the least and the most (0-1) that leadcrm.incidence() can say of stays that are counted so, in whatever order they lie in their bins. Errors as there.';
