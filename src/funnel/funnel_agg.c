/*
 * funnel_agg.c
 *		leadcrm.funnel_agg over leads, leadcrm.rollup over funnels: one state for both.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "funnel/funnel.h"

PG_FUNCTION_INFO_V1(leadcrm_funnel_agg_add);
PG_FUNCTION_INFO_V1(leadcrm_funnel_agg_combine);
PG_FUNCTION_INFO_V1(leadcrm_funnel_agg_serialize);
PG_FUNCTION_INFO_V1(leadcrm_funnel_agg_deserialize);
PG_FUNCTION_INFO_V1(leadcrm_funnel_agg_final);
PG_FUNCTION_INFO_V1(leadcrm_rollup_add);
PG_FUNCTION_INFO_V1(leadcrm_rollup_remove);

typedef struct State
{
	LeadcrmFunnel funnel;
	int64		inputs;			/* values that came in and have not left a moving frame */
} State;

static State *
new_state(MemoryContext context)
{
	State	   *state = MemoryContextAllocZero(context, sizeof(State));

	leadcrm_funnel_begin(&state->funnel, context);
	return state;
}

static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "function of an aggregate called outside of it");
	return context;
}

static State *
state_of(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : (State *) PG_GETARG_POINTER(arg);
}

/* elements of a one-dimensional array of timestamptz: into stamps; returns how many */
static int
read_stamps(ArrayType *array, LeadcrmJourney *lead)
{
	int			n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	bits8	   *nulls = ARR_NULLBITMAP(array);
	TimestampTz *value = (TimestampTz *) ARR_DATA_PTR(array);

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("the stamps of a lead must be an array of one dimension, not of %d", ARR_NDIM(array))));
	if (n < 1 || n > LEADCRM_FUNNEL_MAX_STAGES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a funnel has 1 to %d stages, not %d", LEADCRM_FUNNEL_MAX_STAGES, n)));
	lead->stamped = 0;
	for (int i = 0; i < n; i++)
	{
		if (nulls != NULL && (nulls[i / 8] & 1 << i % 8) == 0)
			continue;
		if (TIMESTAMP_NOT_FINITE(*value))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the first entry into stage %d is %s", i + 1, TIMESTAMP_IS_NOBEGIN(*value) ? "-infinity" : "infinity"),
					 errhint("Give NULL where a lead has no stamp.")));
		lead->stamped |= UINT64CONST(1) << i;
		lead->stamp[i] = *value++;
	}
	return n;
}

/* which of the n stages are measured, as a mask */
static uint64
read_in_funnel(ArrayType *array, int n)
{
	uint64		mask = 0;
	bool	   *value = (bool *) ARR_DATA_PTR(array);

	if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] != n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("in_funnel has %d elements for %d stages", ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)), n)));
	if (ARR_HASNULL(array) && array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("in_funnel has a NULL element")));
	for (int i = 0; i < n; i++)
		mask |= (uint64) value[i] << i;
	if (mask == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("in_funnel names no stage")));
	return mask;
}

static LeadcrmOutcome
read_outcome(text *t)
{
	static const char *const names[LEADCRM_OUTCOMES] = {"active", "stalled", "returned", "leaked"};

	for (int o = 0; o < LEADCRM_OUTCOMES; o++)
	{
		if (VARSIZE_ANY_EXHDR(t) == strlen(names[o]) && memcmp(VARDATA_ANY(t), names[o], strlen(names[o])) == 0)
			return (LeadcrmOutcome) o;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown outcome of a lead: \"%s\"", text_to_cstring(t)),
			 errhint("It is active, stalled, returned or leaked.")));
}

static void
read_value(Datum value, LeadcrmJourney *lead)
{
	if (!leadcrm_decimal_of_numeric(value, &lead->value))
	{
		Numeric		number = DatumGetNumeric(value);
		char	   *text = DatumGetCString(DirectFunctionCall1(numeric_out, value));

		if (numeric_is_nan(number) || numeric_is_inf(number))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the value of a lead cannot be %s", text),
					 errhint("Give NULL where it is not known.")));
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the value of a lead has too many digits: %.60s%s", text, strlen(text) > 60 ? "..." : ""),
				 errdetail("Values are added up exactly, with 38 digits.")));
	}
	lead->has_value = true;
}

/*
 * leadcrm_funnel_agg_add
 *		funnel_agg(stamps [, peak, outcome, value [, in_funnel [, leads]]]): one lead more.
 */
Datum
leadcrm_funnel_agg_add(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	State	   *state = state_of(fcinfo, 0);
	LeadcrmJourney lead;
	int			n;
	uint64		in_funnel;
	int64		times = 1;

	if (PG_ARGISNULL(1))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	if (state == NULL)
		state = new_state(context);

	n = read_stamps(PG_GETARG_ARRAYTYPE_P(1), &lead);
	lead.outcome = LEADCRM_ACTIVE;
	lead.has_value = false;
	in_funnel = ~UINT64CONST(0) >> (64 - n);
	if (PG_NARGS() == 2)
		lead.peak = lead.stamped == 0 ? 0 : 64 - __builtin_clzll(lead.stamped);
	else
	{
		lead.peak = PG_ARGISNULL(2) ? 0 : PG_GETARG_INT32(2);
		if (!PG_ARGISNULL(2) && (lead.peak < 1 || lead.peak > n))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("there is no stage %d among %d stages", lead.peak, n)));
		if (!PG_ARGISNULL(3))
			lead.outcome = read_outcome(PG_GETARG_TEXT_PP(3));
		if (!PG_ARGISNULL(4))
			read_value(PG_GETARG_DATUM(4), &lead);
		if (PG_NARGS() > 5 && !PG_ARGISNULL(5))
			in_funnel = read_in_funnel(PG_GETARG_ARRAYTYPE_P(5), n);
		if (PG_NARGS() > 6)
		{
			if (PG_ARGISNULL(6))
				ereport(ERROR,
						(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						 errmsg("the number of leads cannot be NULL")));
			times = PG_GETARG_INT64(6);
		}
	}

	leadcrm_funnel_check_stages(&state->funnel, leadcrm_funnel_set_stages(&state->funnel, n, in_funnel), n);
	leadcrm_funnel_check(leadcrm_funnel_add(&state->funnel, &lead, times));
	state->inputs++;
	PG_RETURN_POINTER(state);
}

/*
 * leadcrm_rollup_add
 *		rollup(funnel): one summary more.
 */
Datum
leadcrm_rollup_add(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	State	   *state = state_of(fcinfo, 0);

	if (!PG_ARGISNULL(1))
	{
		if (state == NULL)
			state = new_state(context);
		leadcrm_funnel_absorb(&state->funnel, PG_GETARG_DATUM(1), 1);
		state->inputs++;
	}
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

/*
 * leadcrm_rollup_remove
 *		rollup(funnel) over a moving frame: a summary that leaves it.
 */
Datum
leadcrm_rollup_remove(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	State	   *state = state_of(fcinfo, 0);

	if (state == NULL)
		elog(ERROR, "a funnel leaves a frame that is empty");
	if (!PG_ARGISNULL(1))
	{
		leadcrm_funnel_absorb(&state->funnel, PG_GETARG_DATUM(1), -1);
		/* what comes next may be of other stages */
		if (--state->inputs == 0)
		{
			for (int i = 0; i < state->funnel.nstages; i++)
			{
				if (state->funnel.stage[i].days.bucket != NULL)
					pfree(state->funnel.stage[i].days.bucket);
			}
			if (state->funnel.stage != NULL)
				pfree(state->funnel.stage);
			leadcrm_funnel_begin(&state->funnel, context);
		}
	}
	PG_RETURN_POINTER(state);
}

/*
 * leadcrm_funnel_agg_combine
 *		Two partial states are one.
 */
Datum
leadcrm_funnel_agg_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	State	   *state = state_of(fcinfo, 0);
	State	   *other = state_of(fcinfo, 1);

	if (other != NULL)
	{
		if (state == NULL)
			state = new_state(context);
		leadcrm_funnel_check_stages(&state->funnel, leadcrm_funnel_merge(&state->funnel, &other->funnel, 1), other->funnel.nstages);
		state->inputs += other->inputs;
	}
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

/*
 * leadcrm_funnel_agg_serialize
 *		A state as bytes: those of the value that it would become.
 */
Datum
leadcrm_funnel_agg_serialize(PG_FUNCTION_ARGS)
{
	State	   *state = (State *) PG_GETARG_POINTER(0);

	aggregate_context(fcinfo);
	return leadcrm_funnel_datum(&state->funnel);
}

/*
 * leadcrm_funnel_agg_deserialize
 *		The other way round.
 */
Datum
leadcrm_funnel_agg_deserialize(PG_FUNCTION_ARGS)
{
	State	   *state;

	aggregate_context(fcinfo);
	state = new_state(CurrentMemoryContext);
	leadcrm_funnel_absorb(&state->funnel, PG_GETARG_DATUM(0), 1);
	state->inputs = 1;
	PG_RETURN_POINTER(state);
}

/*
 * leadcrm_funnel_agg_final
 *		The summary; NULL over no rows. Leaves the state as it is.
 */
Datum
leadcrm_funnel_agg_final(PG_FUNCTION_ARGS)
{
	State	   *state = state_of(fcinfo, 0);

	aggregate_context(fcinfo);
	if (state == NULL || state->inputs == 0)
		PG_RETURN_NULL();
	return leadcrm_funnel_datum(&state->funnel);
}
