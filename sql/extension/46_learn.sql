-- Learning from outcomes: an additive scorecard, fitted to any rows whose outcome is known. What makes rules of fit of it is
-- sql/workspace/36_learn.sql.

CREATE FUNCTION leadcrm.scorecard_accum(internal, outcome boolean, features jsonb) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'leadcrm_scorecard_accum';
COMMENT ON FUNCTION leadcrm.scorecard_accum(internal, boolean, jsonb) IS 'Part of the aggregate scorecard()';

CREATE FUNCTION leadcrm.scorecard_final(internal) RETURNS jsonb
	LANGUAGE c IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'leadcrm_scorecard_final';
COMMENT ON FUNCTION leadcrm.scorecard_final(internal) IS 'Part of the aggregate scorecard()';

CREATE AGGREGATE leadcrm.scorecard(outcome boolean, features jsonb) (
	SFUNC = leadcrm.scorecard_accum,
	STYPE = internal,
	SSPACE = 4000000,
	FINALFUNC = leadcrm.scorecard_final
);
COMMENT ON AGGREGATE leadcrm.scorecard(boolean, jsonb) IS
'Learns from rows whose outcome is known what speaks for it: a logistic regression, regularised, as a scorecard that adds up. features is a JSON object with one member a feature: numbers are cut into ranges, texts and booleans count by value, rare ones together, null or absent is a bin of its own; bins that the rows cannot tell apart are joined or weigh the same, and a feature without a difference has none. Result: rows, positives (outcome true), penalty (the ridge that cross-validation chose), intercept (log-odds of the average row), low and high (1st percentile and greatest log-odds among the rows) and bins, an array: feature, kind (missing, level, range, other), value, low and high (least and greatest number seen), rows, positives, weight (log-odds beside the average). Rows without an outcome or features do not count; NULL where none is left. Of more than 200,000 rows a sample is taken. Errors: 22023 all rows have one outcome, or features that are no object of single values; 54000 more than 200 features.';

CREATE FUNCTION leadcrm.predict(scorecard jsonb, features jsonb) RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 20
	AS 'MODULE_PATHNAME', 'leadcrm_predict';
COMMENT ON FUNCTION leadcrm.predict(jsonb, jsonb) IS
'The probability, from 0 to 1, that a scorecard of the aggregate scorecard() gives to a row''s features. Error 22023: no scorecard, or features that are no JSON object.';

-- The same over the columns of a row.
CREATE FUNCTION leadcrm.scorecard_accum(internal, outcome boolean, names text[], features record) RETURNS internal
	LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'leadcrm_scorecard_accum_row';
COMMENT ON FUNCTION leadcrm.scorecard_accum(internal, boolean, text[], record) IS 'Part of the aggregate scorecard()';

CREATE AGGREGATE leadcrm.scorecard(outcome boolean, names text[], features record) (
	SFUNC = leadcrm.scorecard_accum,
	STYPE = internal,
	SSPACE = 4000000,
	FINALFUNC = leadcrm.scorecard_final
);
COMMENT ON AGGREGATE leadcrm.scorecard(boolean, text[], record) IS
'As scorecard(outcome, features), of features that are the columns of a row, with a name for each, which is quicker: scorecard(won, ARRAY[''country'', ''size''], ROW(country, size)). Numbers are cut into ranges (NaN lies above all), booleans and texts count by value; NULL and blank texts are missing. A jsonb column is looked at as a rule of fit does: a string that is a number counts as one, true as the text. Anything else counts as its text. Errors: 22023 all rows have one outcome, or names that do not fit the row; 22004 a name that is NULL; 54000 more than 200 features.';

CREATE FUNCTION leadcrm.predict(scorecard jsonb, names text[], features record) RETURNS double precision
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 20
	AS 'MODULE_PATHNAME', 'leadcrm_predict_row';
COMMENT ON FUNCTION leadcrm.predict(jsonb, text[], record) IS
'The probability, from 0 to 1, that a scorecard gives to the columns of a row, each with its name. Errors: 22023 no scorecard, or names that do not fit the row; 22004 a name that is NULL.';
