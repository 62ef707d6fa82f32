/*
 * bins.c
 *		Unit test of src/cube/bins.c: every time lies in its bin, and bins are as narrow as they should.
 *		sources: src/cube/bins.c
 *
 * With a number as argument it runs the random part only, from that seed: make fuzz.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cube/bins.h"
#include "unit.h"

#define QUARTER INT64_C(900000000)
#define WIDEST (INT64_C(1) << 30)

/* numbers of all lengths, whole quarters of an hour, and their neighbours */
static int64_t
any_time(void)
{
	int64_t		t = (int64_t) (next() >> (1 + next() % 63));

	if (next() % 3 == 0)
		t -= t % QUARTER;
	if (next() % 4 == 0)
		t += t < INT64_MAX;
	return next() % 2 ? t : -t - (int64_t) (next() % 2);
}

static bool
stay_fits(int64_t us)
{
	int64_t		bin = leadcrm_stay_bin(us);
	int64_t		stay = us < 0 ? 0 : us;
	LeadcrmSpan span;

	if (bin < 0 || bin >> BIN_BITS != 0 || !leadcrm_stay_span(bin, &span))
		return false;
	if (stay % QUARTER == 0)
		return bin % 2 == 1 && span.from == stay && span.until == stay;
	if (bin % 2 != 0 || span.from > stay || (span.until <= stay && span.until != INT64_MAX))
		return false;
	return (span.until - span.from) / 2 <= stay / 2048 + 1 ||
		(span.until - span.from <= WIDEST && (span.until - span.from) / 2 <= stay / 128 + 1);
}

static bool
instant_fits(int64_t at)
{
	int64_t		bin = leadcrm_instant_bin(at);
	LeadcrmSpan span;

	if (bin < 0 || bin >> BIN_BITS != 0 || !leadcrm_instant_span(bin, &span))
		return false;
	if (at % QUARTER == 0)
		return bin % 4 > 0 && span.from == at && span.until == at;
	return bin % 4 == 0 && span.from <= at && (span.until > at || span.until == INT64_MAX) && span.until - span.from <= WIDEST;
}

/* what comes later has a bin that is no earlier: of stays among those of one kind */
static bool
in_order(int64_t a, int64_t b)
{
	int64_t		stay = leadcrm_stay_bin(a);
	int64_t		other = leadcrm_stay_bin(b);
	int64_t		instant = leadcrm_instant_bin(a);
	int64_t		another = leadcrm_instant_bin(b);

	return ((stay ^ other) % 2 != 0 || a == b || (a < b ? stay <= other : stay >= other)) &&
		(a == b || (a < b ? instant >> 2 <= another >> 2 : instant >> 2 >= another >> 2)) &&
		(a % QUARTER != 0 || b % QUARTER != 0 || a == b || (a < b ? instant < another : instant > another));
}

/* any number is no bin, or one that its own content lies in */
static bool
number_holds(int64_t bin)
{
	LeadcrmSpan span;

	if (leadcrm_stay_span(bin, &span) && leadcrm_stay_bin(span.from) != bin &&
		(span.from % QUARTER != 0 || leadcrm_stay_bin(span.from + 1) != bin) && span.until - span.from > 1)
		return false;
	return !leadcrm_instant_span(bin, &span) || leadcrm_instant_bin(span.from) == bin || leadcrm_instant_bin(span.from + 1) == bin;
}

static bool
random_times(uint64_t seed, int rounds)
{
	state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
	for (int i = 0; i < rounds; i++)
	{
		int64_t		a = any_time();
		int64_t		b = next() % 2 ? any_time() : a > INT64_MAX - 5000000 ? a : a + (int64_t) (next() % 5000000);

		if (!stay_fits(a) || !instant_fits(a) || !in_order(a, b) || !number_holds(a) || !number_holds((int64_t) (next() >> 28)))
		{
			printf("# %lld and %lld\n", (long long) a, (long long) b);
			return false;
		}
	}
	return true;
}

int
main(int argc, char **argv)
{
	LeadcrmSpan span;

	if (argc > 1)
	{
		uint64_t	seed = strtoull(argv[1], NULL, 10);

		if (!random_times(seed, 1000000))
		{
			printf("not ok 1 - random times, seed %llu\n", (unsigned long long) seed);
			return 1;
		}
		return 0;
	}
	printf("1..8\n");
	ok(random_times(1, 1000000), "a million random times lie in their bins");
	ok(stay_fits(0) && stay_fits(1) && stay_fits(-1) && stay_fits(INT64_MAX) && stay_fits(INT64_MIN), "the shortest and the longest stays");
	ok(instant_fits(0) && instant_fits(-1) && instant_fits(INT64_MAX) && instant_fits(INT64_MIN), "the first and the last instants");
	ok(leadcrm_stay_bin(-5) == leadcrm_stay_bin(0), "stays the wrong way round are none");
	ok(!leadcrm_stay_span(-1, &span) && !leadcrm_stay_span(-2, &span) && !leadcrm_stay_span(INT64_MAX, &span) &&
	   !leadcrm_stay_span(INT64_MAX - 1, &span) && !leadcrm_stay_span(INT64_MIN, &span), "numbers that are no bins of stays");
	ok(!leadcrm_instant_span(-1, &span) && !leadcrm_instant_span(0, &span) && !leadcrm_instant_span(INT64_MAX, &span) &&
	   !leadcrm_instant_span(INT64_MAX - 1, &span) && !leadcrm_instant_span(INT64_MIN, &span), "numbers that are no bins of instants");
	ok(leadcrm_stay_span(leadcrm_stay_bin(90 * INT64_C(86400000000)), &span) && span.from == 90 * INT64_C(86400000000) &&
	   span.until == span.from, "whole days are exact");
	ok(leadcrm_stay_span(leadcrm_stay_bin(90 * INT64_C(86400000000) + 1), &span) && span.until - span.from == INT64_C(1) << 31,
	   "90 days are told to 36 minutes");
	return 0;
}
