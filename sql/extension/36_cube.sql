-- Counting a table's rows by deltas, in C; which columns make the cells, the trigger's arguments say.

CREATE FUNCTION leadcrm.count_cells() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'leadcrm_count_cells';
COMMENT ON FUNCTION leadcrm.count_cells() IS
'AFTER INSERT, UPDATE or DELETE trigger, once FOR EACH ROW and once FOR EACH STATEMENT: writes into a table of deltas what a statement takes from the cells that its rows are counted in and adds to them. Arguments NAME=VALUE: delta (the table of deltas: delta_id uuid, first_day date, last_day date, changes bytea), zone (TABLE.COLUMN that holds the time zone), unless (rows where this column is not NULL do not count), born, state, peak, since, over (COLUMN:VALUE), value, keys and entered (columns, by commas), check (a function of the schema that leadcrm.verify() asks; it must be SECURITY DEFINER). Counts nothing where leadcrm.enforcement is off.';

CREATE TYPE leadcrm.cell AS (cube smallint, kind smallint, period date, code bigint, key text, leads bigint, valued bigint, amount numeric);
COMMENT ON TYPE leadcrm.cell IS
'Rows counted: in which cube (0 by the day that they were born on, 1 by its month, 2 all, 3 and on by a key), of which kind (0 place, 1 open by 32 days since when, 2 by the day, 3 stays, 4 stamps, 8 place), of which period (-infinity: none), which code (see the workspace''s doc/cubes.md), key (empty in cubes 0 to 2); how many more (less than 0: fewer), how many of them with a value, and the sum of the values, in stays that of the microseconds.';

CREATE FUNCTION leadcrm.sum_deltas_trans(internal, changes bytea) RETURNS internal
IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'leadcrm_sum_deltas_trans';
COMMENT ON FUNCTION leadcrm.sum_deltas_trans(internal, bytea) IS 'Transition of sum_deltas(changes).';
CREATE FUNCTION leadcrm.sum_deltas_trans(internal, changes bytea, cube smallint, kind smallint, first_codes bigint[], end_codes bigint[],
	since date, until date) RETURNS internal
IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'leadcrm_sum_deltas_trans';
COMMENT ON FUNCTION leadcrm.sum_deltas_trans(internal, bytea, smallint, smallint, bigint[], bigint[], date, date) IS
'Transition of sum_deltas(changes, cube, kind, first_codes, end_codes, since, until).';
CREATE FUNCTION leadcrm.sum_deltas_in_trans(internal, changes bytea, cube smallint, kinds smallint[], first_codes bigint[], end_codes bigint[],
	since date, until date) RETURNS internal
IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'leadcrm_sum_deltas_in_trans';
COMMENT ON FUNCTION leadcrm.sum_deltas_in_trans(internal, bytea, smallint, smallint[], bigint[], bigint[], date, date) IS
'Transition of sum_deltas_in(changes, cube, kinds, first_codes, end_codes, since, until).';
CREATE FUNCTION leadcrm.sum_deltas_final(internal) RETURNS leadcrm.cell[]
IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'leadcrm_sum_deltas_final';
COMMENT ON FUNCTION leadcrm.sum_deltas_final(internal) IS 'Final function of sum_deltas and sum_deltas_in.';

CREATE AGGREGATE leadcrm.sum_deltas(changes bytea) (
	SFUNC = leadcrm.sum_deltas_trans, STYPE = internal, SSPACE = 1000000, FINALFUNC = leadcrm.sum_deltas_final, PARALLEL = SAFE);
COMMENT ON AGGREGATE leadcrm.sum_deltas(bytea) IS
'The cells that deltas, which leadcrm.count_cells() wrote, change: each once, none in which nothing changes, in no order. Error: XX001 not a delta.';
CREATE AGGREGATE leadcrm.sum_deltas(changes bytea, cube smallint, kind smallint, first_codes bigint[], end_codes bigint[],
	since date, until date) (
	SFUNC = leadcrm.sum_deltas_trans, STYPE = internal, SSPACE = 1000000, FINALFUNC = leadcrm.sum_deltas_final, PARALLEL = SAFE);
COMMENT ON AGGREGATE leadcrm.sum_deltas(bytea, smallint, smallint, bigint[], bigint[], date, date) IS
'The same of one cube and kind, of codes from first_codes to before end_codes (parallel arrays), of rows born from since to before until; NULL: all. What the first row says of these counts. Errors: XX001 not a delta, 22004 NULL among the codes.';

CREATE AGGREGATE leadcrm.sum_deltas_in(changes bytea, cube smallint, kinds smallint[], first_codes bigint[], end_codes bigint[],
	since date, until date) (
	SFUNC = leadcrm.sum_deltas_in_trans, STYPE = internal, SSPACE = 1000000, FINALFUNC = leadcrm.sum_deltas_final, PARALLEL = SAFE);
COMMENT ON AGGREGATE leadcrm.sum_deltas_in(bytea, smallint, smallint[], bigint[], bigint[], date, date) IS
'sum_deltas of several kinds at once: each range of codes is of a kind of its own (kinds, first_codes and end_codes are parallel arrays; NULL: no cells). Errors: XX001 not a delta, 22004 NULL among the codes or kinds.';

CREATE FUNCTION leadcrm.recount(target regclass) RETURNS SETOF leadcrm.cell STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'leadcrm_recount';
COMMENT ON FUNCTION leadcrm.recount(regclass) IS
'The cells that all rows of a table make, counted under a lock that keeps writers out until the transaction ends. Each comes once, by cube, kind, period and code. What does not fit into maintenance_work_mem goes to temporary files. Errors: 42501 not the owner, 55000 no trigger that counts.';

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

CREATE FUNCTION leadcrm.stay_bin(us bigint) RETURNS bigint IMMUTABLE STRICT PARALLEL SAFE
LANGUAGE c AS 'MODULE_PATHNAME', 'leadcrm_stay_bin_sql';
COMMENT ON FUNCTION leadcrm.stay_bin(bigint) IS
'The bin, below 2 to the power of 48, that a stay of so many microseconds is counted in where it was followed up: of its own (an odd number) where it is whole quarters of an hour; else as wide as 1/64 of it or as 2^30 microseconds (18 minutes), whichever is less, but no less than 1/2048. What is below 0 counts as 0.';
CREATE FUNCTION leadcrm.instant_bin(at timestamptz) RETURNS bigint IMMUTABLE STRICT PARALLEL SAFE
LANGUAGE c AS 'MODULE_PATHNAME', 'leadcrm_instant_bin_sql';
COMMENT ON FUNCTION leadcrm.instant_bin(timestamptz) IS
'The bin, below 2 to the power of 48, that an instant is counted in: of its own where it lies on a quarter of an hour (UTC), else 2^30 microseconds wide (18 minutes).';
