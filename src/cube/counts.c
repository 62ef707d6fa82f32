/*
 * counts.c
 *		Histograms as SQL keeps them: bigint[] of code, count, code, count ...  A code's lower 44 bits are 4096 + a bucket of
 *		durations; what stands above them tells codes apart and is not looked at.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "cube/bins.h"
#include "cube/bucket.h"

#define BUCKET_BITS 44
#define BUCKET_OFFSET 4096

typedef struct Count
{
	int64		code;
	int64		count;
} Count;

PG_FUNCTION_INFO_V1(leadcrm_add_counts);
PG_FUNCTION_INFO_V1(leadcrm_duration_bucket_sql);
PG_FUNCTION_INFO_V1(leadcrm_duration_centile);
PG_FUNCTION_INFO_V1(leadcrm_stay_bin_sql);
PG_FUNCTION_INFO_V1(leadcrm_instant_bin_sql);

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

/* The pairs of an array, ascending: in place where they are, else in a copy. */
static const Count *
counts_of(ArrayType *array, int *n)
{
	int			elements = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	const Count *counts = (const Count *) ARR_DATA_PTR(array);
	Count	   *copy;

	if (elements % 2 != 0 || array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("a histogram is pairs of a code and a count"),
				 errdetail("The array has %d elements%s.", elements, array_contains_nulls(array) ? ", some of them NULL" : "")));
	*n = elements / 2;
	for (int i = 1; i < *n; i++)
		if (counts[i - 1].code > counts[i].code)
		{
			copy = palloc(sizeof(Count) * *n);
			memcpy(copy, counts, sizeof(Count) * *n);
			qsort(copy, *n, sizeof(Count), by_code);
			return copy;
		}
	return counts;
}

/*
 * leadcrm.add_counts(bigint[], bigint[]) returns bigint[]: ascending, each code once, none with the count 0.
 */
Datum
leadcrm_add_counts(PG_FUNCTION_ARGS)
{
	int			na;
	int			nb;
	const Count *a = counts_of(PG_GETARG_ARRAYTYPE_P(0), &na);
	const Count *b = counts_of(PG_GETARG_ARRAYTYPE_P(1), &nb);
	ArrayType  *result = palloc0(ARR_OVERHEAD_NONULLS(1) + sizeof(Count) * ((Size) na + nb));
	Count	   *sum = (Count *) ((char *) result + ARR_OVERHEAD_NONULLS(1));
	int			n = 0;
	int			i = 0;
	int			j = 0;

	while (i < na || j < nb)
	{
		Count		next = {j == nb || (i < na && a[i].code <= b[j].code) ? a[i].code : b[j].code, 0};

		while (i < na && a[i].code == next.code)
			add_count(&next.count, a[i++].count);
		while (j < nb && b[j].code == next.code)
			add_count(&next.count, b[j++].count);
		if (next.count != 0)
			sum[n++] = next;
	}
	if (n == 0)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(INT8OID));
	SET_VARSIZE(result, ARR_OVERHEAD_NONULLS(1) + sizeof(Count) * (Size) n);
	result->ndim = 1;
	result->dataoffset = 0;
	result->elemtype = INT8OID;
	ARR_DIMS(result)[0] = 2 * n;
	ARR_LBOUND(result)[0] = 1;
	PG_RETURN_ARRAYTYPE_P(result);
}

/*
 * leadcrm.duration_bucket(us bigint) returns integer
 */
Datum
leadcrm_duration_bucket_sql(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(leadcrm_duration_bucket(PG_GETARG_INT64(0)));
}

static int64
bucket_of(int64 code)
{
	return (code & ((INT64CONST(1) << BUCKET_BITS) - 1)) - BUCKET_OFFSET;
}

/*
 * leadcrm.duration_centile(fraction float8, counts bigint[]) returns float8: in µs
 */
Datum
leadcrm_duration_centile(PG_FUNCTION_ARGS)
{
	float8		fraction = PG_GETARG_FLOAT8(0);
	int			n;
	const Count *counts = counts_of(PG_GETARG_ARRAYTYPE_P(1), &n);
	int			first = LEADCRM_FUNNEL_MAX_BUCKET;	/* the buckets in use */
	int			last = LEADCRM_FUNNEL_MIN_BUCKET;
	int64	   *leads;
	int64		total = 0;

	if (!(fraction >= 0 && fraction <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a quantile's fraction cannot be %g", fraction),
				 errhint("Use a number from 0 to 1.")));
	for (int i = 0; i < n; i++)
	{
		int64		bucket = bucket_of(counts[i].code);

		if (bucket < LEADCRM_FUNNEL_MIN_BUCKET || bucket > LEADCRM_FUNNEL_MAX_BUCKET)
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("there is no bucket %lld", (long long) bucket)));
		first = Min(first, (int) bucket);
		last = Max(last, (int) bucket);
	}
	if (n == 0)
		PG_RETURN_NULL();
	leads = palloc0(sizeof(int64) * (last - first + 1));
	for (int i = 0; i < n; i++)
		add_count(&leads[bucket_of(counts[i].code) - first], counts[i].count);
	for (int i = 0; i <= last - first; i++)
	{
		if (leads[i] < 0)
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("bucket %d has the count %lld", first + i, (long long) leads[i])));
		add_count(&total, leads[i]);
	}
	if (total == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(leadcrm_bucket_centile(leads, first, last - first + 1, total, fraction));
}

/*
 * leadcrm.stay_bin(us bigint) returns bigint
 */
Datum
leadcrm_stay_bin_sql(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(leadcrm_stay_bin(PG_GETARG_INT64(0)));
}

/*
 * leadcrm.instant_bin(at timestamptz) returns bigint
 */
Datum
leadcrm_instant_bin_sql(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(leadcrm_instant_bin(PG_GETARG_TIMESTAMPTZ(0)));
}
