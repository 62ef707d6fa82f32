-- leadcrm.funnel: a mergeable summary of many leads' journeys. Aggregates make it, accessors read it.

CREATE TYPE leadcrm.funnel;

CREATE FUNCTION leadcrm.funnel_in(cstring) RETURNS leadcrm.funnel
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_funnel_in';
CREATE FUNCTION leadcrm.funnel_out(leadcrm.funnel) RETURNS cstring
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_funnel_out';
CREATE FUNCTION leadcrm.funnel_recv(internal) RETURNS leadcrm.funnel
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_funnel_recv';
CREATE FUNCTION leadcrm.funnel_send(leadcrm.funnel) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_funnel_send';

CREATE TYPE leadcrm.funnel (
	INPUT = leadcrm.funnel_in, OUTPUT = leadcrm.funnel_out, RECEIVE = leadcrm.funnel_recv, SEND = leadcrm.funnel_send,
	INTERNALLENGTH = VARIABLE, ALIGNMENT = int4, STORAGE = extended
);

COMMENT ON TYPE leadcrm.funnel IS
'A mergeable summary of many leads'' journeys through the stages of a funnel (at most 64, numbered from 1): per stage the leads whose peak it is, by outcome, the exact sum of their values, how many skipped it or joined later, and a histogram of the time to the next stage. leadcrm.funnel_agg() makes it from leads, leadcrm.rollup(), + and - put summaries together, leadcrm.stages() shows it. All of it is sums: merging loses nothing, whatever the order and wherever the parts were made, and what was added can be taken away again, so a value may also be a difference with negative counts. Equal summaries are equal bytes. The text form is JSON; buckets are pairs of number and leads.';
COMMENT ON FUNCTION leadcrm.funnel_in(cstring) IS 'Input of type leadcrm.funnel: what its output writes. 22P02 for anything else.';
COMMENT ON FUNCTION leadcrm.funnel_out(leadcrm.funnel) IS 'Output of type leadcrm.funnel: JSON that reads back as the same value.';
COMMENT ON FUNCTION leadcrm.funnel_recv(internal) IS 'Binary input of type leadcrm.funnel: what its binary output writes. 22P03 for anything else.';
COMMENT ON FUNCTION leadcrm.funnel_send(leadcrm.funnel) IS 'Binary output of type leadcrm.funnel.';

-- Equality: one summary has one form. There is no order.
CREATE FUNCTION leadcrm.funnel_eq(leadcrm.funnel, leadcrm.funnel) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_funnel_eq';
CREATE FUNCTION leadcrm.funnel_ne(leadcrm.funnel, leadcrm.funnel) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_funnel_ne';
CREATE FUNCTION leadcrm.funnel_hash(leadcrm.funnel) RETURNS integer
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_funnel_hash';
CREATE FUNCTION leadcrm.funnel_hash_extended(leadcrm.funnel, bigint) RETURNS bigint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_funnel_hash_extended';
COMMENT ON FUNCTION leadcrm.funnel_eq(leadcrm.funnel, leadcrm.funnel) IS 'Do both summaries say the same?';
COMMENT ON FUNCTION leadcrm.funnel_ne(leadcrm.funnel, leadcrm.funnel) IS 'Do the summaries differ?';
COMMENT ON FUNCTION leadcrm.funnel_hash(leadcrm.funnel) IS 'Hash of a summary, for the hash operator class.';
COMMENT ON FUNCTION leadcrm.funnel_hash_extended(leadcrm.funnel, bigint) IS 'Hash of a summary with a seed, for the hash operator class.';

CREATE OPERATOR leadcrm.= (LEFTARG = leadcrm.funnel, RIGHTARG = leadcrm.funnel, FUNCTION = leadcrm.funnel_eq,
	COMMUTATOR = OPERATOR(leadcrm.=), NEGATOR = OPERATOR(leadcrm.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES);
CREATE OPERATOR leadcrm.<> (LEFTARG = leadcrm.funnel, RIGHTARG = leadcrm.funnel, FUNCTION = leadcrm.funnel_ne,
	COMMUTATOR = OPERATOR(leadcrm.<>), NEGATOR = OPERATOR(leadcrm.=), RESTRICT = neqsel, JOIN = neqjoinsel);
COMMENT ON OPERATOR leadcrm.= (leadcrm.funnel, leadcrm.funnel) IS 'Do both summaries say the same?';
COMMENT ON OPERATOR leadcrm.<> (leadcrm.funnel, leadcrm.funnel) IS 'Do the summaries differ?';

CREATE OPERATOR CLASS leadcrm.funnel_hash_ops DEFAULT FOR TYPE leadcrm.funnel USING hash AS
	OPERATOR 1 leadcrm.= (leadcrm.funnel, leadcrm.funnel),
	FUNCTION 1 leadcrm.funnel_hash(leadcrm.funnel),
	FUNCTION 2 leadcrm.funnel_hash_extended(leadcrm.funnel, bigint);

-- Sum and difference.
CREATE FUNCTION leadcrm.funnel_plus(leadcrm.funnel, leadcrm.funnel) RETURNS leadcrm.funnel
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_funnel_plus';
CREATE FUNCTION leadcrm.funnel_minus(leadcrm.funnel, leadcrm.funnel) RETURNS leadcrm.funnel
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_funnel_minus';
CREATE FUNCTION leadcrm.funnel_negative(leadcrm.funnel) RETURNS leadcrm.funnel
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_funnel_negative';
COMMENT ON FUNCTION leadcrm.funnel_plus(leadcrm.funnel, leadcrm.funnel) IS
'The leads of both summaries. 22023 where they are of different stages (an empty one goes with any), 22003 where a number gets too large.';
COMMENT ON FUNCTION leadcrm.funnel_minus(leadcrm.funnel, leadcrm.funnel) IS
'The leads of the first summary without those of the second; counts may become negative. Errors as for +.';
COMMENT ON FUNCTION leadcrm.funnel_negative(leadcrm.funnel) IS
'What takes these leads away where it is added: all counts and sums with the other sign.';

CREATE OPERATOR leadcrm.+ (LEFTARG = leadcrm.funnel, RIGHTARG = leadcrm.funnel, FUNCTION = leadcrm.funnel_plus,
	COMMUTATOR = OPERATOR(leadcrm.+));
CREATE OPERATOR leadcrm.- (LEFTARG = leadcrm.funnel, RIGHTARG = leadcrm.funnel, FUNCTION = leadcrm.funnel_minus);
CREATE OPERATOR leadcrm.- (RIGHTARG = leadcrm.funnel, FUNCTION = leadcrm.funnel_negative);
COMMENT ON OPERATOR leadcrm.+ (leadcrm.funnel, leadcrm.funnel) IS 'The leads of both summaries.';
COMMENT ON OPERATOR leadcrm.- (leadcrm.funnel, leadcrm.funnel) IS 'The leads of the first summary without those of the second.';
COMMENT ON OPERATOR leadcrm.- (NONE, leadcrm.funnel) IS 'What takes these leads away where it is added.';

-- From leads to summaries, and from summaries to one. The functions take part in the aggregates only.
CREATE FUNCTION leadcrm.funnel_agg_add(internal, timestamptz[]) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_funnel_agg_add';
CREATE FUNCTION leadcrm.funnel_agg_add(internal, timestamptz[], integer, text, numeric) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_funnel_agg_add';
CREATE FUNCTION leadcrm.funnel_agg_add(internal, timestamptz[], integer, text, numeric, boolean[]) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_funnel_agg_add';
CREATE FUNCTION leadcrm.funnel_agg_add(internal, timestamptz[], integer, text, numeric, boolean[], bigint) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_funnel_agg_add';
CREATE FUNCTION leadcrm.funnel_agg_combine(internal, internal) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_funnel_agg_combine';
CREATE FUNCTION leadcrm.funnel_agg_serialize(internal) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_funnel_agg_serialize';
CREATE FUNCTION leadcrm.funnel_agg_deserialize(bytea, internal) RETURNS internal
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_funnel_agg_deserialize';
CREATE FUNCTION leadcrm.funnel_agg_final(internal) RETURNS leadcrm.funnel
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_funnel_agg_final';
CREATE FUNCTION leadcrm.rollup_add(internal, leadcrm.funnel) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_rollup_add';
CREATE FUNCTION leadcrm.rollup_remove(internal, leadcrm.funnel) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_rollup_remove';
COMMENT ON FUNCTION leadcrm.funnel_agg_add(internal, timestamptz[]) IS 'Transition function of leadcrm.funnel_agg().';
COMMENT ON FUNCTION leadcrm.funnel_agg_add(internal, timestamptz[], integer, text, numeric) IS 'Transition function of leadcrm.funnel_agg().';
COMMENT ON FUNCTION leadcrm.funnel_agg_add(internal, timestamptz[], integer, text, numeric, boolean[]) IS 'Transition function of leadcrm.funnel_agg().';
COMMENT ON FUNCTION leadcrm.funnel_agg_add(internal, timestamptz[], integer, text, numeric, boolean[], bigint) IS 'Transition function of leadcrm.funnel_agg().';
COMMENT ON FUNCTION leadcrm.funnel_agg_combine(internal, internal) IS 'Combine function of leadcrm.funnel_agg() and leadcrm.rollup().';
COMMENT ON FUNCTION leadcrm.funnel_agg_serialize(internal) IS 'Serialise function of leadcrm.funnel_agg() and leadcrm.rollup().';
COMMENT ON FUNCTION leadcrm.funnel_agg_deserialize(bytea, internal) IS 'Deserialise function of leadcrm.funnel_agg() and leadcrm.rollup().';
COMMENT ON FUNCTION leadcrm.funnel_agg_final(internal) IS 'Final function of leadcrm.funnel_agg() and leadcrm.rollup().';
COMMENT ON FUNCTION leadcrm.rollup_add(internal, leadcrm.funnel) IS 'Transition function of leadcrm.rollup().';
COMMENT ON FUNCTION leadcrm.rollup_remove(internal, leadcrm.funnel) IS 'Inverse transition function of leadcrm.rollup().';

CREATE AGGREGATE leadcrm.funnel_agg(stamps timestamptz[]) (
	SFUNC = leadcrm.funnel_agg_add, STYPE = internal, SSPACE = 2048, FINALFUNC = leadcrm.funnel_agg_final,
	COMBINEFUNC = leadcrm.funnel_agg_combine, SERIALFUNC = leadcrm.funnel_agg_serialize,
	DESERIALFUNC = leadcrm.funnel_agg_deserialize, PARALLEL = SAFE
);
CREATE AGGREGATE leadcrm.funnel_agg(stamps timestamptz[], peak integer, outcome text, value numeric) (
	SFUNC = leadcrm.funnel_agg_add, STYPE = internal, SSPACE = 2048, FINALFUNC = leadcrm.funnel_agg_final,
	COMBINEFUNC = leadcrm.funnel_agg_combine, SERIALFUNC = leadcrm.funnel_agg_serialize,
	DESERIALFUNC = leadcrm.funnel_agg_deserialize, PARALLEL = SAFE
);
CREATE AGGREGATE leadcrm.funnel_agg(stamps timestamptz[], peak integer, outcome text, value numeric, in_funnel boolean[]) (
	SFUNC = leadcrm.funnel_agg_add, STYPE = internal, SSPACE = 2048, FINALFUNC = leadcrm.funnel_agg_final,
	COMBINEFUNC = leadcrm.funnel_agg_combine, SERIALFUNC = leadcrm.funnel_agg_serialize,
	DESERIALFUNC = leadcrm.funnel_agg_deserialize, PARALLEL = SAFE
);
CREATE AGGREGATE leadcrm.funnel_agg(stamps timestamptz[], peak integer, outcome text, value numeric, in_funnel boolean[], leads bigint) (
	SFUNC = leadcrm.funnel_agg_add, STYPE = internal, SSPACE = 2048, FINALFUNC = leadcrm.funnel_agg_final,
	COMBINEFUNC = leadcrm.funnel_agg_combine, SERIALFUNC = leadcrm.funnel_agg_serialize,
	DESERIALFUNC = leadcrm.funnel_agg_deserialize, PARALLEL = SAFE
);
CREATE AGGREGATE leadcrm.rollup(summary leadcrm.funnel) (
	SFUNC = leadcrm.rollup_add, STYPE = internal, SSPACE = 4096, FINALFUNC = leadcrm.funnel_agg_final,
	COMBINEFUNC = leadcrm.funnel_agg_combine, SERIALFUNC = leadcrm.funnel_agg_serialize,
	DESERIALFUNC = leadcrm.funnel_agg_deserialize, PARALLEL = SAFE,
	MSFUNC = leadcrm.rollup_add, MINVFUNC = leadcrm.rollup_remove, MSTYPE = internal, MSSPACE = 4096,
	MFINALFUNC = leadcrm.funnel_agg_final
);
COMMENT ON AGGREGATE leadcrm.funnel_agg(timestamptz[]) IS
'Summary of leads that are told by their stamps alone: stamps[k] is the first entry into stage k (1 to 64), NULL where there is none. The peak is the last stage with a stamp, and everybody is active. A row whose stamps are NULL is left out; NULL over no rows.';
COMMENT ON AGGREGATE leadcrm.funnel_agg(timestamptz[], integer, text, numeric) IS
'Summary of leads, one row each. stamps[k]: first entry into stage k (1 to 64), NULL where there is none. peak: the furthest stage the lead ever reached; NULL: the lead is counted in no stage, only its durations are. outcome, at the peak: active (also NULL), stalled, returned or leaked. value: in one currency, added up exactly with up to 38 digits; NULL where it is not known. Durations run from stamps[k] to stamps[k + 1] where both are there, negative ones included. A row whose stamps are NULL is left out; NULL over no rows. 22023 for other outcomes, a peak out of range, infinite stamps or values, rows of different stages; 22003 for numbers that are too large.';
COMMENT ON AGGREGATE leadcrm.funnel_agg(timestamptz[], integer, text, numeric, boolean[]) IS
'The same where only some stages are measured: in_funnel[k] says whether stage k is. The peak counts for the furthest measured stage at or below it; durations run from a measured stage to the next measured one; stamps of the others still tell whether a lead skipped a stage or joined later. NULL: all stages.';
COMMENT ON AGGREGATE leadcrm.funnel_agg(timestamptz[], integer, text, numeric, boolean[], bigint) IS
'The same where a row stands for several leads of one journey; -1 takes one away, so that the change of a lead is its old row with -1 and its new row with 1. leads NULL: error 22004.';
COMMENT ON AGGREGATE leadcrm.rollup(leadcrm.funnel) IS
'One summary of all the leads in several, exact, whatever the order; as a window aggregate it takes away what leaves the frame. NULL values are left out; NULL over no rows. 22023 where the stages differ (an empty summary goes with any).';

-- What a summary says.
CREATE FUNCTION leadcrm.stages(summary leadcrm.funnel)
RETURNS TABLE ("position" integer, entered bigint, advanced bigint, active bigint, stalled bigint, returned bigint,
	leaked bigint, skipped bigint, joined_later bigint, conversion_pct numeric, resolved_pct numeric,
	cumulative_pct numeric, lost bigint, lost_share_pct numeric, lost_value numeric, value_known_pct numeric,
	mean_days numeric, median_days numeric, p90_days numeric, timed bigint, valued bigint, value numeric)
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 6 AS 'MODULE_PATHNAME', 'leadcrm_stages';
CREATE FUNCTION leadcrm.leads(summary leadcrm.funnel) RETURNS bigint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_funnel_leads';
CREATE FUNCTION leadcrm.entered(summary leadcrm.funnel, stage integer) RETURNS bigint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_funnel_entered';
CREATE FUNCTION leadcrm.advanced(summary leadcrm.funnel, stage integer) RETURNS bigint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_funnel_advanced';
CREATE FUNCTION leadcrm.timed(summary leadcrm.funnel, stage integer) RETURNS bigint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_funnel_timed';
CREATE FUNCTION leadcrm.mean_days(summary leadcrm.funnel, stage integer) RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_funnel_mean_days';
CREATE FUNCTION leadcrm.quantile_days(summary leadcrm.funnel, stage integer, p double precision) RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_funnel_quantile_days';
CREATE FUNCTION leadcrm.is_zero(summary leadcrm.funnel) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_funnel_is_zero_value';
COMMENT ON FUNCTION leadcrm.stages(leadcrm.funnel) IS
'The summary as a table, one row for each stage that is measured, in order. Unique key: position. entered: leads with their peak there or beyond; advanced: beyond; active, stalled, returned, leaked: leads with their peak there by outcome (entered is the sum of these and advanced); skipped, joined_later: of entered, without a stamp there but with one before and one after it, or with none before it. conversion_pct (0-100) = advanced of entered, resolved_pct = advanced of (entered - active), both NULL for the last stage; cumulative_pct = entered of the first stage''s; lost = stalled + returned + leaked; lost_share_pct of all stages'' lost; lost_value: sum of the values of the lost; value_known_pct: share of them with a value. mean_days is exact, median_days and p90_days as quantile_days(), over the timed leads that have a time to the next stage; NULL for the last stage and where there are none. valued, value: leads of entered with a value, and the sum of it. Percentages are NULL where there is nothing to divide by; don''t average them. 22023 where durations are a difference with negative counts.';
COMMENT ON FUNCTION leadcrm.leads(leadcrm.funnel) IS 'How many leads are in the summary: those with a peak in one of its stages.';
COMMENT ON FUNCTION leadcrm.entered(leadcrm.funnel, integer) IS 'Leads with their peak at this stage or beyond. 22023 for a stage that is not measured.';
COMMENT ON FUNCTION leadcrm.advanced(leadcrm.funnel, integer) IS 'Leads with their peak beyond this stage. 22023 for a stage that is not measured.';
COMMENT ON FUNCTION leadcrm.timed(leadcrm.funnel, integer) IS 'Leads of which the time from this stage to the next one is known. 22023 for a stage that is not measured.';
COMMENT ON FUNCTION leadcrm.mean_days(leadcrm.funnel, integer) IS
'Mean of the days (24 hours, fractions count) from the first entry into this stage to the first entry into the next one: the exact sum, divided. NULL where no time is known. 22023 for a stage that is not measured and for a difference with negative counts.';
COMMENT ON FUNCTION leadcrm.quantile_days(leadcrm.funnel, integer, double precision) IS
'The days (24 hours, fractions count) from the first entry into this stage to the first entry into the next one below which the share p (0 to 1) of them lies, as percentile_cont() of all of them within 1 % (at most 1/129): each of the two neighbours that it interpolates between is known that well, so where one is negative and the other positive, the error is at most 1/129 of the larger. Times below 128 microseconds are exact; negative ones, of stamps the wrong way round, count as they are. NULL where no time is known. 22003 for p out of range, 22023 for a stage that is not measured and for a difference with negative counts.';
COMMENT ON FUNCTION leadcrm.is_zero(leadcrm.funnel) IS 'Whether the summary says nothing: no leads, or all of it cancelled out.';
