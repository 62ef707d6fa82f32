/*
 * sums.c
 *		What a cell adds up: rows, those with a value, and the values, exactly.
 *
 * Most values are whole numbers of 10^-6 that fit a bigint, which is quick to add to; the others are added as numeric.
 */
#include "postgres.h"

#include "common/int.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include "compat.h"
#include "cube/cube.h"

static Numeric
fixed_as_numeric(int64 fixed, bool whole, int scale)
{
	if (whole)
		return int64_to_numeric(fixed);
	return DatumGetNumeric(DirectFunctionCall2(numeric_round, NumericGetDatum(int64_div_fast_to_numeric(fixed, PACK_DIGITS)),
											   Int32GetDatum(scale)));
}

/*
 * Adds a value.  What is kept of it is allocated in "cxt".
 */
void
leadcrm_sums_add_value(MemoryContext cxt, Sums *to, Numeric value)
{
	Numeric		sum = to->big == NULL ? value :
		DatumGetNumeric(DirectFunctionCall2(numeric_add, NumericGetDatum(to->big), NumericGetDatum(value)));
	void	   *copy = MemoryContextAlloc(cxt, VARSIZE(sum));

	memcpy(copy, sum, VARSIZE(sum));
	if (to->big != NULL)
		pfree(to->big);
	to->big = copy;
}

/*
 * Adds fixed / 10^6; whole: fixed itself, to a sum that all of that kind are added to.
 */
void
leadcrm_sums_add_fixed(MemoryContext cxt, Sums *to, int64 fixed, bool whole)
{
	int64		sum;

	if (!pg_add_s64_overflow(to->fixed, fixed, &sum))
		to->fixed = sum;
	else
	{
		leadcrm_sums_add_value(cxt, to, fixed_as_numeric(to->fixed, whole, PACK_DIGITS));
		to->fixed = fixed;
	}
}

/*
 * Adds another sum of the same kind.  What is kept is allocated in "cxt".
 */
void
leadcrm_sums_add(MemoryContext cxt, Sums *to, const Sums *more, bool whole)
{
	to->leads += more->leads;
	to->valued += more->valued;
	to->scale = Max(to->scale, more->scale);
	leadcrm_sums_add_fixed(cxt, to, more->fixed, whole);
	if (more->big != NULL)
		leadcrm_sums_add_value(cxt, to, more->big);
}

/*
 * All of a sum's values, in the current memory context, with as many digits as came in.
 */
Numeric
leadcrm_sums_amount(const Sums *s, bool whole)
{
	Numeric		fixed = fixed_as_numeric(s->fixed, whole, s->scale);

	return s->big == NULL ? fixed :
		DatumGetNumeric(DirectFunctionCall2(numeric_add, NumericGetDatum(s->big), NumericGetDatum(fixed)));
}

/*
 * Whether a sum changes nothing.
 */
bool
leadcrm_sums_are_nothing(const Sums *s, bool whole)
{
	if (s->leads != 0 || s->valued != 0 || s->big == NULL)
		return s->leads == 0 && s->valued == 0 && s->fixed == 0;
	return DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(leadcrm_sums_amount(s, whole)),
											NumericGetDatum(int64_to_numeric(0))));
}
