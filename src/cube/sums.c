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

#define VALUE_DIGITS 6			/* after the point, in Sums.fixed */

static Numeric
fixed_as_numeric(int64 fixed, int64 code, int scale)
{
	if (CELL_KIND(code) == CELL_STAY)
		return int64_to_numeric(fixed);
	return DatumGetNumeric(DirectFunctionCall2(numeric_round, NumericGetDatum(int64_div_fast_to_numeric(fixed, VALUE_DIGITS)),
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
 * Adds fixed / 10^6, or fixed itself in a cell of times (CELL_STAY), which is all that the code is looked at for.
 */
void
leadcrm_sums_add_fixed(MemoryContext cxt, Sums *to, int64 fixed, int64 code)
{
	int64		sum;

	if (!pg_add_s64_overflow(to->fixed, fixed, &sum))
		to->fixed = sum;
	else
	{
		leadcrm_sums_add_value(cxt, to, fixed_as_numeric(to->fixed, code, VALUE_DIGITS));
		to->fixed = fixed;
	}
}

/*
 * Adds one sum to another one of the same code.
 */
void
leadcrm_sums_add(MemoryContext cxt, Sums *to, const Sums *from, int64 code)
{
	to->leads += from->leads;
	to->valued += from->valued;
	to->scale = Max(to->scale, from->scale);
	if (from->fixed != 0)
		leadcrm_sums_add_fixed(cxt, to, from->fixed, code);
	if (from->big != NULL)
		leadcrm_sums_add_value(cxt, to, from->big);
}

/*
 * Whether a sum changes nothing.
 */
bool
leadcrm_sums_are_nothing(const Sums *s)
{
	return s->leads == 0 && s->valued == 0 && s->fixed == 0 && s->big == NULL;
}

/*
 * Puts all of a sum's values into s->big, in the current memory context, with as many digits as came in.
 */
void
leadcrm_sums_finish(Sums *s, int64 code)
{
	Numeric		fixed = fixed_as_numeric(s->fixed, code, s->scale);

	s->big = s->big == NULL ? fixed :
		DatumGetNumeric(DirectFunctionCall2(numeric_add, NumericGetDatum(s->big), NumericGetDatum(fixed)));
}
