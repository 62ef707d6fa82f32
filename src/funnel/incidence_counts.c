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

/* Where the part that ascends ends that begins here. */
static Size
run_end(const Count *counts, Size i, Size n)
{
	while (++i < n && counts[i - 1].code <= counts[i].code)
		;
	return i;
}

/* Histograms ascend, so a few parts do that need only be merged. */
static void
sort_counts(ExpectedState *state)
{
	Count	   *from = state->counts;
	Count	   *to;
	Size		runs = 2;

	if (state->n == 0 || run_end(from, 0, state->n) == state->n)
		return;
	to = MemoryContextAllocHuge(state->cxt, state->room * sizeof(Count));
	while (runs > 1)
	{
		Count	   *out = to;

		runs = 0;
		for (Size i = 0; i < state->n; runs++)
		{
			Size		middle = run_end(from, i, state->n);
			Size		end = middle < state->n ? run_end(from, middle, state->n) : middle;
			Size		j = middle;

			while (i < middle && j < end)
				*out++ = from[i].code <= from[j].code ? from[i++] : from[j++];
			memcpy(out, &from[i], (middle - i) * sizeof(Count));
			out += middle - i;
			memcpy(out, &from[j], (end - j) * sizeof(Count));
			out += end - j;
			i = end;
		}
		state->counts = to;
		to = from;
		from = state->counts;
	}
	pfree(to);
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
	Size		n = 0;

	sort_counts(state);
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

static LeadcrmWent
went_of(int64 code)
{
	return code >> 56 == CELL_STILL_OPEN ? LEADCRM_STILL_OPEN : code >> 56 == CELL_WENT_ON ? LEADCRM_WENT_ON : LEADCRM_WENT_OFF;
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

	if (!(went_of(code) == LEADCRM_STILL_OPEN ? leadcrm_instant_span(code & BIN_MASK, &span) :
		  leadcrm_stay_span(code & BIN_MASK, &span)))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("there is no bin %lld", (long long) (code & BIN_MASK))));
	return span;
}

/* What the codes say, by LeadcrmWent; false: nothing. */
static bool
find_lumps(ExpectedState *state, LeadcrmLumps *lumps)
{
	Size		n[LEADCRM_WAYS] = {0};
	int64		future = 0;
	Size		i;

	if (state == NULL)
		return false;
	gather(state);
	for (i = 0; i < state->n; i++)
		n[went_of(state->counts[i].code)]++;
	for (i = 0; i < LEADCRM_WAYS; i++)
	{
		lumps[i].nspread = lumps[i].nexact = 0;
		lumps[i].spread = palloc_extended(sizeof(LeadcrmLump) * (n[i] + 1), MCXT_ALLOC_HUGE);
		lumps[i].exact = palloc_extended(sizeof(LeadcrmLump) * (n[i] + 1), MCXT_ALLOC_HUGE);
	}
	for (i = 0; i < n[LEADCRM_WENT_ON] + n[LEADCRM_WENT_OFF]; i++)
	{
		LeadcrmSpan span = span_of(state->counts[i].code);

		add_lump(&lumps[went_of(state->counts[i].code)], span.from, span.until, state->counts[i].count);
	}
	/* from the youngest on; stamps in the future are all of the age 0 */
	for (i = state->n; i > state->n - n[LEADCRM_STILL_OPEN]; i--)
	{
		LeadcrmSpan span = span_of(state->counts[i - 1].code);

		if (span.from < state->at)
			break;
		add_count(&future, state->counts[i - 1].count);
	}
	if (future > 0)
		add_lump(&lumps[LEADCRM_STILL_OPEN], 0, 0, future);
	for (; i > state->n - n[LEADCRM_STILL_OPEN]; i--)
	{
		LeadcrmSpan span = span_of(state->counts[i - 1].code);

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
