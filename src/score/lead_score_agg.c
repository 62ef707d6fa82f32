/*
 * lead_score_agg.c
 *		The aggregates lead_score(points, at, half_life) and sum(lead_score).
 *
 * Both sum in the state below, so that they share all but their steps. A state takes one cache line: over many groups the
 * memory that a step touches is what it costs.
 */
#include "postgres.h"

#include "libpq/pqformat.h"

#include "compat.h"
#include "score/lead_score.h"

PG_FUNCTION_INFO_V1(leadcrm_score_agg_event);
PG_FUNCTION_INFO_V1(leadcrm_score_agg_score);
PG_FUNCTION_INFO_V1(leadcrm_score_agg_combine);
PG_FUNCTION_INFO_V1(leadcrm_score_agg_serialize);
PG_FUNCTION_INFO_V1(leadcrm_score_agg_deserialize);
PG_FUNCTION_INFO_V1(leadcrm_score_agg_final);

typedef struct ScoreState
{
	int64		half_life;		/* 0: nothing has counted yet */
	LeadcrmScoreSum sum;
} ScoreState;

#define STATE_VERSION 1
#define STATE_SIZE 33			/* version, half-life, high, low, exponent */

/* The last interval that a call met, and its length: rows mostly come with the same one. */
typedef struct IntervalCache
{
	Interval	interval;
	int64		half_life;
} IntervalCache;

static ScoreState *
new_state(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called outside an aggregate");
	return MemoryContextAllocZero(context, sizeof(ScoreState));
}

static ScoreState *
get_state(FunctionCallInfo fcinfo)
{
	return PG_ARGISNULL(0) ? NULL : (ScoreState *) PG_GETARG_POINTER(0);
}

static Datum
return_state(FunctionCallInfo fcinfo, ScoreState *state)
{
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

static inline int64
cached_half_life(FunctionCallInfo fcinfo, const Interval *interval)
{
	IntervalCache *cache = fcinfo->flinfo->fn_extra;

	if (cache == NULL)
		fcinfo->flinfo->fn_extra = cache = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(IntervalCache));
	if (cache->interval.time != interval->time || cache->interval.day != interval->day || cache->interval.month != interval->month)
	{
		/* one that is refused must not stay */
		int64		half_life = leadcrm_score_half_life(interval);

		cache->interval = *interval;
		cache->half_life = half_life;
	}
	else if (cache->half_life == 0)
		leadcrm_score_half_life(interval);	/* no time at all: refused */
	return cache->half_life;
}

/*
 * The step of lead_score(points, at, half_life).
 */
Datum
leadcrm_score_agg_event(PG_FUNCTION_ARGS)
{
	ScoreState *state = get_state(fcinfo);
	float8		points;
	TimestampTz at;
	int64		half_life;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return return_state(fcinfo, state);
	if (PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid half-life: NULL"),
				 errdetail("An event that has points and a time needs a half-life to count.")));
	points = PG_GETARG_FLOAT8(1);
	at = PG_GETARG_TIMESTAMPTZ(2);
	half_life = cached_half_life(fcinfo, PG_GETARG_INTERVAL_P(3));
	if (unlikely(!isfinite(points)))
		leadcrm_score_check_points(points);
	if (unlikely(TIMESTAMP_NOT_FINITE(at)))
		leadcrm_score_check_time(at);
	if (state == NULL)
		state = new_state(fcinfo);
	if (unlikely(state->half_life != half_life))
	{
		if (state->half_life != 0)
			leadcrm_score_mixed(state->half_life, half_life);
		state->half_life = half_life;
	}
	leadcrm_score_sum_add_event(&state->sum, points, at, half_life);
	PG_RETURN_POINTER(state);
}

/*
 * The step of sum(lead_score).
 */
Datum
leadcrm_score_agg_score(PG_FUNCTION_ARGS)
{
	ScoreState *state = get_state(fcinfo);
	LeadcrmScore score;

	if (PG_ARGISNULL(1))
		return return_state(fcinfo, state);
	PG_GETARG_SCORE(1, &score);
	if (state == NULL)
		state = new_state(fcinfo);
	if (state->half_life != score.half_life)
	{
		if (state->half_life != 0)
			leadcrm_score_mixed(state->half_life, score.half_life);
		state->half_life = score.half_life;
	}
	leadcrm_score_sum_add(&state->sum, score.mantissa, score.exponent);
	PG_RETURN_POINTER(state);
}

/*
 * Adds the second state to the first.
 */
Datum
leadcrm_score_agg_combine(PG_FUNCTION_ARGS)
{
	ScoreState *state = get_state(fcinfo);
	ScoreState *other = PG_ARGISNULL(1) ? NULL : (ScoreState *) PG_GETARG_POINTER(1);

	if (other == NULL || other->half_life == 0)
		return return_state(fcinfo, state);
	if (state == NULL)
		state = new_state(fcinfo);
	if (state->half_life == 0)
	{
		*state = *other;
		PG_RETURN_POINTER(state);
	}
	if (state->half_life != other->half_life)
		leadcrm_score_mixed(state->half_life, other->half_life);
	leadcrm_score_sum_add(&state->sum, other->sum.high, other->sum.exponent);
	leadcrm_score_sum_add(&state->sum, other->sum.low, other->sum.exponent);
	PG_RETURN_POINTER(state);
}

/*
 * A state as bytea, for the process that gathers.
 */
Datum
leadcrm_score_agg_serialize(PG_FUNCTION_ARGS)
{
	ScoreState *state = (ScoreState *) PG_GETARG_POINTER(0);
	StringInfoData buf;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called outside an aggregate");
	pq_begintypsend(&buf);
	pq_sendbyte(&buf, STATE_VERSION);
	pq_sendint64(&buf, state->half_life);
	pq_sendfloat8(&buf, state->sum.high);
	pq_sendfloat8(&buf, state->sum.low);
	pq_sendint64(&buf, state->sum.exponent);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/*
 * A state from bytea; what can't be one is refused.
 */
Datum
leadcrm_score_agg_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	ScoreState *state;
	StringInfoData buf;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called outside an aggregate");
	buf.data = VARDATA_ANY(bytes);
	buf.len = buf.maxlen = VARSIZE_ANY_EXHDR(bytes);
	buf.cursor = 0;
	state = palloc(sizeof(ScoreState));
	if (buf.len != STATE_SIZE || pq_getmsgbyte(&buf) != STATE_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid state of a lead_score aggregate")));
	state->half_life = pq_getmsgint64(&buf);
	state->sum.high = pq_getmsgfloat8(&buf);
	state->sum.low = pq_getmsgfloat8(&buf);
	state->sum.exponent = pq_getmsgint64(&buf);
	if (state->half_life < 0 || !leadcrm_score_sum_is_valid(&state->sum))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid state of a lead_score aggregate")));
	PG_RETURN_POINTER(state);
}

/*
 * The score of a state; NULL where no event counted.
 */
Datum
leadcrm_score_agg_final(PG_FUNCTION_ARGS)
{
	ScoreState *state = get_state(fcinfo);

	if (state == NULL || state->half_life == 0)
		PG_RETURN_NULL();
	return leadcrm_score_store_sum(&state->sum, state->half_life);
}
