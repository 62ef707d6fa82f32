/*
 * bins.c
 *		Which bin a stay and an instant are counted in, and what a bin holds.
 */
#include "cube/bins.h"

#define QUARTER INT64_C(900000000)	/* of an hour, in µs */
#define WIDTH_LOG2 30			/* of a bin of instants, and of stays of a few days to weeks */
#define WIDTH (INT64_C(1) << WIDTH_LOG2)
#define COARSE_LOG2 6			/* of the bins to an octave of short stays */
#define FINE_LOG2 11			/* and of long ones */
#define OFFSET (INT64_C(1) << 34)	/* more than the first instant's distance from 2000 */
#define MAX_QUARTERS (INT64_MAX / QUARTER)

/* Of the stays from 2^octave µs: log2 of a bin's width. */
static int
stay_shift(int octave)
{
	int			shift = octave - COARSE_LOG2 < WIDTH_LOG2 ? octave - COARSE_LOG2 : WIDTH_LOG2;

	if (shift < octave - FINE_LOG2)
		shift = octave - FINE_LOG2;
	return shift < 0 ? 0 : shift;
}

/*
 * The bin of a stay of so many µs; what is below 0 counts as 0.
 */
int64_t
leadcrm_stay_bin(int64_t us)
{
	int			octave;
	int			shift;

	if (us <= 0)
		return 1;
	if (us % QUARTER == 0)
		return us / QUARTER << 1 | 1;
	octave = 63 - __builtin_clzll((uint64_t) us);
	shift = stay_shift(octave);
	return ((int64_t) octave << FINE_LOG2 | ((us >> shift) - (INT64_C(1) << (octave - shift)))) << 1;
}

/*
 * What a bin of stays holds; false: there is no such bin.
 */
bool
leadcrm_stay_span(int64_t bin, LeadcrmSpan *span)
{
	int64_t		number = bin >> 1;
	int			octave = (int) (number >> FINE_LOG2 & 63);
	int			shift = stay_shift(octave);
	int64_t		offset = number & ((INT64_C(1) << FINE_LOG2) - 1);

	if (bin & 1)
	{
		span->from = span->until = number >= 0 && number <= MAX_QUARTERS ? number * QUARTER : -1;
		return span->from >= 0;
	}
	if (number < 0 || number >> FINE_LOG2 > 62 || offset >> (octave - shift) != 0)
		return false;
	span->from = (offset + (INT64_C(1) << (octave - shift))) << shift;
	/* the last bin ends where numbers do */
	span->until = span->from > INT64_MAX - (INT64_C(1) << shift) ? INT64_MAX : span->from + (INT64_C(1) << shift);
	return true;
}

/* The first quarter of an hour that is no earlier than an instant which a bin begins with. */
static int64_t
first_quarter(int64_t start)
{
	return start > 0 ? (start + QUARTER - 1) / QUARTER : start / QUARTER;
}

/*
 * The bin of an instant, in µs since 2000-01-01 UTC.  Later instants have no lower numbers: a bin's come after those of the quarters
 * in the one before.
 */
int64_t
leadcrm_instant_bin(int64_t at)
{
	int64_t		number = at >= 0 ? at >> WIDTH_LOG2 : ~(~at >> WIDTH_LOG2);
	int64_t		which = 0;

	if (at % QUARTER == 0)
		which = 1 + at / QUARTER - first_quarter(number * WIDTH);
	return (number + OFFSET) << 2 | which;
}

/*
 * What a bin of instants holds; false: there is no such bin.
 */
bool
leadcrm_instant_span(int64_t bin, LeadcrmSpan *span)
{
	int64_t		number = (bin >> 2) - OFFSET;
	int64_t		which = bin & 3;
	int64_t		most = INT64_MAX >> WIDTH_LOG2;

	if (bin < 0 || number > most || number < -most - 1)
		return false;
	span->from = number * WIDTH;
	span->until = number == most ? INT64_MAX : span->from + WIDTH;
	if (which > 0)
	{
		int64_t		quarter = first_quarter(span->from) + which - 1;

		if (quarter > MAX_QUARTERS || quarter * QUARTER >= span->until)
			return false;
		span->from = span->until = quarter * QUARTER;
	}
	return true;
}
