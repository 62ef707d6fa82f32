/*
 * lead_score_agg.c
 *		The aggregates lead_score(points, at, half_life) and sum(lead_score): over groups, in parallel, over moving frames.
 *
 * Both sum in the same states, so that they share all but what they take from a row.
 */
#include "postgres.h"

#include "compat.h"
#include "score/lead_score.h"

PG_FUNCTION_INFO_V1(leadcrm_score_agg_event);
PG_FUNCTION_INFO_V1(leadcrm_score_agg_score);
PG_FUNCTION_INFO_V1(leadcrm_score_agg_combine);
PG_FUNCTION_INFO_V1(leadcrm_score_agg_serialize);
PG_FUNCTION_INFO_V1(leadcrm_score_agg_deserialize);
PG_FUNCTION_INFO_V1(leadcrm_score_agg_final);
PG_FUNCTION_INFO_V1(leadcrm_score_window_event);
PG_FUNCTION_INFO_V1(leadcrm_score_window_event_out);
PG_FUNCTION_INFO_V1(leadcrm_score_window_score);
PG_FUNCTION_INFO_V1(leadcrm_score_window_score_out);
PG_FUNCTION_INFO_V1(leadcrm_score_window_final);

/* The state of a group. Over many groups, the memory that a step touches is most of what it costs. */
typedef struct ScoreState
{
	LeadcrmScoreSum sum;		/* first: what every step touches should lie in one cache line */
	int64		half_life;
} ScoreState;

/* The state of a frame. */
typedef struct WindowState
{
	LeadcrmScoreWindow window;
	int64		half_life;		/* of what is in the window, if anything is */
} WindowState;

/*
 * The half-life that the calls of one aggregate have met: rows mostly come with the same one, whose length is then computed
 * once. As long as there was no other, all its states are of this half-life and needn't be looked at.
 */
typedef struct HalfLife
{
	Interval	interval;
	int64		half_life;		/* of interval */
	double		per_microsecond;	/* leadcrm_score_steps() of it */
	bool		several;
} HalfLife;

/* What a row adds: value * 2^exponent. */
typedef struct Addend
{
	double		value;
	int64		exponent;
	int64		half_life;
	bool		several;		/* may a state be of another half-life? */
} Addend;

static void *
new_state(FunctionCallInfo fcinfo, Size size)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called outside an aggregate");
	return MemoryContextAllocZero(context, size);
}

static inline void *
get_state(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : (void *) PG_GETARG_POINTER(n);
}

static inline Datum
return_state(FunctionCallInfo fcinfo, void *state)
{
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

static inline HalfLife *
get_half_life(FunctionCallInfo fcinfo, const Interval *interval)
{
	HalfLife   *cache = fcinfo->flinfo->fn_extra;

	if (unlikely(cache == NULL || cache->interval.time != interval->time || cache->interval.day != interval->day ||
				 cache->interval.month != interval->month))
	{
		int64		half_life = leadcrm_score_half_life(interval);

		if (cache == NULL)
			fcinfo->flinfo->fn_extra = cache = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(HalfLife));
		else if (cache->half_life != half_life)
			cache->several = true;
		cache->interval = *interval;
		cache->half_life = half_life;
		cache->per_microsecond = leadcrm_score_steps(half_life);
	}
	return cache;
}

/* the event of a row; false where it does not count */
static pg_attribute_always_inline bool
get_event(FunctionCallInfo fcinfo, Addend *addend)
{
	float8		points;
	TimestampTz at;
	HalfLife   *half_life;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return false;
	if (unlikely(PG_ARGISNULL(3)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid half-life: NULL"),
				 errdetail("An event that has points and a time needs a half-life to count.")));
	points = PG_GETARG_FLOAT8(1);
	at = PG_GETARG_TIMESTAMPTZ(2);
	half_life = get_half_life(fcinfo, PG_GETARG_INTERVAL_P(3));
	if (unlikely(!leadcrm_score_is_near(points)))
		leadcrm_score_check_points(points);
	if (unlikely(TIMESTAMP_NOT_FINITE(at)))
		leadcrm_score_check_time(at);
	addend->half_life = half_life->half_life;
	addend->several = half_life->several;
	addend->exponent = leadcrm_score_event_by(points, at, addend->half_life, half_life->per_microsecond, &addend->value);
	return true;
}

/* the score of a row; false where there is none */
static inline bool
get_score(FunctionCallInfo fcinfo, Addend *addend)
{
	LeadcrmScore score;

	if (PG_ARGISNULL(1))
		return false;
	PG_GETARG_SCORE(1, &score);
	addend->value = score.mantissa;
	addend->exponent = score.exponent;
	addend->half_life = score.half_life;
	addend->several = true;
	return true;
}

/* a step of an aggregate over a group */
static pg_attribute_always_inline Datum
add(FunctionCallInfo fcinfo, bool counts, const Addend *addend)
{
	ScoreState *state = get_state(fcinfo, 0);

	if (!counts)
		return return_state(fcinfo, state);
	if (unlikely(state == NULL))
	{
		state = new_state(fcinfo, sizeof(ScoreState));
		state->half_life = addend->half_life;
	}
	else if (unlikely(addend->several) && state->half_life != addend->half_life)
		leadcrm_score_mixed(state->half_life, addend->half_life);
	leadcrm_score_sum_add(&state->sum, addend->value, addend->exponent);
	PG_RETURN_POINTER(state);
}

/* a step of an aggregate over a frame: a row comes in. There is always a state, as PostgreSQL asks of such a step */
static Datum
window_add(FunctionCallInfo fcinfo, bool counts, const Addend *addend)
{
	WindowState *state = get_state(fcinfo, 0);

	if (state == NULL)
		state = new_state(fcinfo, sizeof(WindowState));
	if (counts)
	{
		if (state->window.events == 0)
			state->half_life = addend->half_life;
		else if (state->half_life != addend->half_life)
			leadcrm_score_mixed(state->half_life, addend->half_life);
		leadcrm_score_window_add(&state->window, addend->value, addend->exponent);
	}
	PG_RETURN_POINTER(state);
}

/* a row goes out; NULL makes PostgreSQL add up the frame from its start */
static Datum
window_remove(FunctionCallInfo fcinfo, bool counts, const Addend *addend)
{
	WindowState *state = get_state(fcinfo, 0);

	/* a row that did not count came in without a trace and goes without one, or a frame of such rows would be added up for each */
	if (!counts)
		return return_state(fcinfo, state);
	if (state == NULL || state->window.events == 0 || !leadcrm_score_window_remove(&state->window, addend->value, addend->exponent))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

/*
 * The step of lead_score(points, at, half_life).
 */
Datum
leadcrm_score_agg_event(PG_FUNCTION_ARGS)
{
	Addend		addend;
	bool		counts;

	/* over many groups the state has to come from afar: it may be on its way while the event is looked at (NULL does no harm) */
	__builtin_prefetch(DatumGetPointer(PG_GETARG_DATUM(0)), 1);
	counts = get_event(fcinfo, &addend);
	return add(fcinfo, counts, &addend);
}

/*
 * The same over a moving frame: in, and out.
 */
Datum
leadcrm_score_window_event(PG_FUNCTION_ARGS)
{
	Addend		addend;
	bool		counts = get_event(fcinfo, &addend);

	return window_add(fcinfo, counts, &addend);
}

Datum
leadcrm_score_window_event_out(PG_FUNCTION_ARGS)
{
	Addend		addend;
	bool		counts = get_event(fcinfo, &addend);

	return window_remove(fcinfo, counts, &addend);
}

/*
 * The step of sum(lead_score).
 */
Datum
leadcrm_score_agg_score(PG_FUNCTION_ARGS)
{
	Addend		addend;
	bool		counts = get_score(fcinfo, &addend);

	return add(fcinfo, counts, &addend);
}

/*
 * The same over a moving frame: in, and out.
 */
Datum
leadcrm_score_window_score(PG_FUNCTION_ARGS)
{
	Addend		addend;
	bool		counts = get_score(fcinfo, &addend);

	return window_add(fcinfo, counts, &addend);
}

Datum
leadcrm_score_window_score_out(PG_FUNCTION_ARGS)
{
	Addend		addend;
	bool		counts = get_score(fcinfo, &addend);

	return window_remove(fcinfo, counts, &addend);
}

/*
 * Adds the second state to the first.
 */
Datum
leadcrm_score_agg_combine(PG_FUNCTION_ARGS)
{
	ScoreState *state = get_state(fcinfo, 0);
	const ScoreState *other = get_state(fcinfo, 1);

	if (other == NULL)
		return return_state(fcinfo, state);
	if (state == NULL)
	{
		state = new_state(fcinfo, sizeof(ScoreState));
		*state = *other;
		PG_RETURN_POINTER(state);
	}
	if (state->half_life != other->half_life)
		leadcrm_score_mixed(state->half_life, other->half_life);
	leadcrm_score_sum_merge(&state->sum, &other->sum);
	PG_RETURN_POINTER(state);
}

/*
 * A state as bytea, for the process that gathers: one of this server, on the same machine, so its bytes will do.
 */
Datum
leadcrm_score_agg_serialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called outside an aggregate");
	bytes = palloc(VARHDRSZ + sizeof(ScoreState));
	SET_VARSIZE(bytes, VARHDRSZ + sizeof(ScoreState));
	memcpy(VARDATA(bytes), PG_GETARG_POINTER(0), sizeof(ScoreState));
	PG_RETURN_BYTEA_P(bytes);
}

static bool
read_state(const bytea *bytes, ScoreState *state)
{
	if (VARSIZE_ANY_EXHDR(bytes) != sizeof(ScoreState))
		return false;
	memcpy(state, VARDATA_ANY(bytes), sizeof(ScoreState));
	return state->half_life > 0 && leadcrm_score_sum_is_valid(&state->sum);
}

/*
 * A state from bytea; what can't be one is refused.
 */
Datum
leadcrm_score_agg_deserialize(PG_FUNCTION_ARGS)
{
	ScoreState *state;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called outside an aggregate");
	state = palloc(sizeof(ScoreState));
	if (!read_state(PG_GETARG_BYTEA_PP(0), state))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid state of a lead_score aggregate")));
	PG_RETURN_POINTER(state);
}

/*
 * The score of a state; NULL where nothing counted.
 */
Datum
leadcrm_score_agg_final(PG_FUNCTION_ARGS)
{
	const ScoreState *state = get_state(fcinfo, 0);

	if (state == NULL)
		PG_RETURN_NULL();
	return leadcrm_score_store_sum(&state->sum, state->half_life);
}

Datum
leadcrm_score_window_final(PG_FUNCTION_ARGS)
{
	const WindowState *state = get_state(fcinfo, 0);

	if (state == NULL || state->window.events == 0)
		PG_RETURN_NULL();
	return leadcrm_score_store_sum(&state->window.sum, state->half_life);
}
