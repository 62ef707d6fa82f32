-- Counting a table's rows by deltas, in C; which columns make the cells, the trigger's arguments say.

CREATE FUNCTION leadcrm.count_cells() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'leadcrm_count_cells';
COMMENT ON FUNCTION leadcrm.count_cells() IS
'AFTER INSERT, UPDATE or DELETE trigger, once FOR EACH ROW and once FOR EACH STATEMENT: writes into a table of deltas what a statement takes from the cells that its rows are counted in and adds to them. Arguments NAME=VALUE: delta (the table of deltas), zone (TABLE.COLUMN that holds the time zone), unless (rows where this column is not NULL do not count), born, state, peak, since, over (COLUMN:VALUE), value, keys and entered (columns, by commas), check (a function of the schema that leadcrm.verify() asks; it must be SECURITY DEFINER). Counts nothing where leadcrm.enforcement is off.';

CREATE FUNCTION leadcrm.recount(target regclass) RETURNS bigint STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'leadcrm_recount';
COMMENT ON FUNCTION leadcrm.recount(regclass) IS
'Writes deltas that count every row of the table once, under a lock that keeps writers out until the transaction ends; whoever calls it has emptied cells and deltas. Returns the number of rows. Errors: 42501 not the owner, 55000 no trigger that counts.';

CREATE FUNCTION leadcrm.duration_bucket(us bigint) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE
LANGUAGE c AS 'MODULE_PATHNAME', 'leadcrm_duration_bucket_sql';
COMMENT ON FUNCTION leadcrm.duration_bucket(bigint) IS
'The bucket of a duration in microseconds: exact below 128, above that each power of two has 64 of them, so that a duration differs from what its bucket stands for by less than 1/128. Negative durations have negative buckets.';

CREATE FUNCTION leadcrm.duration_centile(fraction double precision, counts bigint[]) RETURNS double precision
IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'leadcrm_duration_centile';
COMMENT ON FUNCTION leadcrm.duration_centile(double precision, bigint[]) IS
'Quantile in microseconds of the durations of a histogram, interpolated as by percentile_cont(): each of the two durations that it lies between is exact to 1/128. The histogram: code, count, code, count ..., the lower 44 bits of a code being 4096 + duration_bucket(). NULL where nothing is counted. Errors: 22023 fraction not from 0 to 1, 2202E not pairs, 22003 no such bucket, or a count below 0.';

CREATE FUNCTION leadcrm.add_counts(bigint[], bigint[]) RETURNS bigint[] IMMUTABLE STRICT PARALLEL SAFE
LANGUAGE c AS 'MODULE_PATHNAME', 'leadcrm_add_counts';
COMMENT ON FUNCTION leadcrm.add_counts(bigint[], bigint[]) IS
'Adds up two histograms of the form code, count, code, count ...: the result is ascending and has each code once, none with the count 0. Errors: 2202E not pairs, 22003 counts too large.';

CREATE AGGREGATE leadcrm.sum_counts(counts bigint[]) (
	SFUNC = leadcrm.add_counts, STYPE = bigint[], INITCOND = '{}', COMBINEFUNC = leadcrm.add_counts, PARALLEL = SAFE);
COMMENT ON AGGREGATE leadcrm.sum_counts(bigint[]) IS
'Adds up histograms of the form code, count, code, count ..., as add_counts() does. Without rows an empty one.';
