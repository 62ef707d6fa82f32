/*
 * incidence_counts.c
 *		The aggregates leadcrm.expected_share(counts, at) and leadcrm.expected_range(counts, at).
 *
 * Counts are histograms as SQL keeps them, bigint[] of code, count, code, count ..., of the kinds of cells that say what became of
 * rows (stamps.h): a code's kind says how a stay ended, its bin for how long it was, or since when.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "cube/bins.h"
#include "cube/stamps.h"
#include "funnel/incidence_bins.h"

PG_FUNCTION_INFO_V1(leadcrm_expected_step);
PG_FUNCTION_INFO_V1(leadcrm_expected_share_result);
PG_FUNCTION_INFO_V1(leadcrm_expected_range_result);

#define BIN_MASK ((INT64CONST(1) << BIN_BITS) - 1)

typedef struct Count
{
	int64		code;			/* kind << 56 | bin */
	int64		count;
} Count;

typedef struct ExpectedState
{
	MemoryContext cxt;
	TimestampTz at;
	Count	   *counts;
	Size		n;
	Size		room;
} ExpectedState;

static ExpectedState *
new_state(FunctionCallInfo fcinfo)
{
	MemoryContext cxt;
	ExpectedState *state;

	if (!AggCheckCallContext(fcinfo, &cxt))
		elog(ERROR, "aggregate function called outside an aggregate");
	state = MemoryContextAlloc(cxt, sizeof(ExpectedState));
	state->cxt = cxt;
	state->n = 0;
	state->room = 1024;
	state->counts = MemoryContextAlloc(cxt, state->room * sizeof(Count));
	return state;
}

static int64
known_code(int64 code)
{
	int64		kind = code >> 56;

	if (kind != CELL_WENT_ON && kind != CELL_WENT_OFF && kind != CELL_STILL_OPEN)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("code %lld does not say what became of a stay", (long long) code)));
	return kind << 56 | (code & BIN_MASK);
}

/*
 * The step of both: (counts bigint[], at timestamptz).  Errors: 2202E for what is not pairs, 22003 for other codes, 22008 for a time
 * that is infinite.
 */
Datum
leadcrm_expected_step(PG_FUNCTION_ARGS)
{
	ExpectedState *state = PG_ARGISNULL(0) ? new_state(fcinfo) : (ExpectedState *) PG_GETARG_POINTER(0);
	ArrayType  *array;
	const int64 *element;
	int			elements;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_POINTER(state);
	state->at = PG_GETARG_TIMESTAMPTZ(2);
	if (TIMESTAMP_NOT_FINITE(state->at))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("stays do not last until \"%s\"", timestamptz_to_str(state->at))));
	array = PG_GETARG_ARRAYTYPE_P(1);
	elements = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	if (elements % 2 != 0 || array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("a histogram is pairs of a code and a count"),
				 errdetail("The array has %d elements%s.", elements, array_contains_nulls(array) ? ", some of them NULL" : "")));
	if (state->n + elements / 2 > state->room)
	{
		state->room = Max(2 * state->room, state->n + elements / 2);
		state->counts = repalloc_huge(state->counts, state->room * sizeof(Count));
	}
	element = (const int64 *) ARR_DATA_PTR(array);
	for (int i = 0; i < elements; i += 2)
	{
		Count	   *count = &state->counts[state->n++];

		count->code = known_code(element[i]);
		count->count = element[i + 1];
	}
	PG_FREE_IF_COPY(array, 1);
	PG_RETURN_POINTER(state);
}

static int
by_code(const void *a, const void *b)
{
	int64		x = ((const Count *) a)->code;
	int64		y = ((const Count *) b)->code;

	return (x > y) - (x < y);
}

static void
add_count(int64 *to, int64 more)
{
	if (__builtin_add_overflow(*to, more, to))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the counts of a histogram are too large")));
}

/* Each code once, ascending; without those of which nothing is left. */
static void
gather(ExpectedState *state)
{
	bool		ascends = true;
	Size		n = 0;

	for (Size i = 1; i < state->n && ascends; i++)
		ascends = state->counts[i - 1].code <= state->counts[i].code;
	if (!ascends)
		qsort(state->counts, state->n, sizeof(Count), by_code);
	for (Size i = 0; i < state->n;)
	{
		Count		sum = {state->counts[i].code, 0};

		for (; i < state->n && state->counts[i].code == sum.code; i++)
			add_count(&sum.count, state->counts[i].count);
		if (sum.count < 0)
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("code %lld has the count %lld", (long long) sum.code, (long long) sum.count)));
		if (sum.count > 0)
			state->counts[n++] = sum;
	}
	state->n = n;
}

static int64
age(TimestampTz at, int64 since)
{
	int64		us;

	if (since >= at)
		return 0;
	return __builtin_sub_overflow(at, since, &us) ? PG_INT64_MAX : us;
}

static bool
is_open(int64 code)
{
	return code >> 56 == CELL_STILL_OPEN;
}

static void
add_lump(LeadcrmLumps *lumps, int64 from, int64 until, int64 count)
{
	LeadcrmLump lump = {from, until, (double) count};

	if (from < until)
		lumps->spread[lumps->nspread++] = lump;
	else
		lumps->exact[lumps->nexact++] = lump;
}

/* What a code says: of those still open the instants, of the others the stays. */
static LeadcrmSpan
span_of(int64 code)
{
	LeadcrmSpan span;

	if (!(is_open(code) ? leadcrm_instant_span(code & BIN_MASK, &span) : leadcrm_stay_span(code & BIN_MASK, &span)))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("there is no bin %lld", (long long) (code & BIN_MASK))));
	return span;
}

/* What the codes say, by LeadcrmWent; false: nothing. */
static bool
find_lumps(ExpectedState *state, LeadcrmLumps *lumps)
{
	int64		future = 0;

	if (state == NULL)
		return false;
	gather(state);
	for (int i = 0; i < LEADCRM_WAYS; i++)
	{
		lumps[i].nspread = lumps[i].nexact = 0;
		lumps[i].spread = palloc_extended(sizeof(LeadcrmLump) * (state->n + 1), MCXT_ALLOC_HUGE);
		lumps[i].exact = palloc_extended(sizeof(LeadcrmLump) * (state->n + 1), MCXT_ALLOC_HUGE);
	}
	for (Size i = 0; i < state->n; i++)
	{
		Count	   *count = &state->counts[i];
		LeadcrmSpan span = span_of(count->code);

		if (!is_open(count->code))
			add_lump(&lumps[count->code >> 56 == CELL_WENT_ON ? LEADCRM_WENT_ON : LEADCRM_WENT_OFF], span.from, span.until, count->count);
		else if (span.from >= state->at)
			add_count(&future, count->count);
	}
	/* stamps in the future are all of the age 0; the others from the youngest on */
	if (future > 0)
		add_lump(&lumps[LEADCRM_STILL_OPEN], 0, 0, future);
	for (Size i = state->n; i > 0 && is_open(state->counts[i - 1].code); i--)
	{
		LeadcrmSpan span = span_of(state->counts[i - 1].code);

		if (span.from < state->at)
			add_lump(&lumps[LEADCRM_STILL_OPEN], age(state->at, span.until), age(state->at, span.from), state->counts[i - 1].count);
	}
	return state->n > 0;
}

/*
 * The share that goes on in the end, 0 to 1; NULL where nothing was counted.
 */
Datum
leadcrm_expected_share_result(PG_FUNCTION_ARGS)
{
	LeadcrmLumps lumps[LEADCRM_WAYS];

	if (!find_lumps(PG_ARGISNULL(0) ? NULL : (ExpectedState *) PG_GETARG_POINTER(0), lumps))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(leadcrm_expected_share(lumps));
}

/*
 * The least and the most that the same stays, not binned, could give.
 */
Datum
leadcrm_expected_range_result(PG_FUNCTION_ARGS)
{
	LeadcrmLumps lumps[LEADCRM_WAYS];
	double		least;
	double		most;
	Datum		values[2];

	if (!find_lumps(PG_ARGISNULL(0) ? NULL : (ExpectedState *) PG_GETARG_POINTER(0), lumps))
		PG_RETURN_NULL();
	leadcrm_expected_range(lumps, &least, &most);
	values[0] = Float8GetDatum(least);
	values[1] = Float8GetDatum(most);
	PG_RETURN_ARRAYTYPE_P(construct_array(values, 2, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
