/*
 * bucket.c
 *		Unit test of src/cube/bucket.c: quantiles against sorted numbers.
 *		sources: src/cube/bucket.c src/funnel/funnel_math.c src/funnel/funnel_decimal.c
 *
 * With a number as argument it runs the random part only, from that seed: make fuzz.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cube/bucket.h"
#include "unit.h"

static int
by_size(const void *a, const void *b)
{
	int64_t		x = *(const int64_t *) a;
	int64_t		y = *(const int64_t *) b;

	return (x > y) - (x < y);
}

/* the two neighbours of a quantile are exact to 1/128, and what lies between them is interpolated */
static bool
agrees(int64_t *us, int n, double fraction)
{
	int64_t    *leads = calloc(LEADCRM_BUCKETS, sizeof(int64_t));
	double		place = fraction * (n - 1);
	int			lower = (int) place;
	double		part = place - lower;
	double		a;
	double		b;
	double		found;

	qsort(us, n, sizeof(int64_t), by_size);
	for (int i = 0; i < n; i++)
		leads[leadcrm_duration_bucket(us[i]) - LEADCRM_FUNNEL_MIN_BUCKET]++;
	found = leadcrm_bucket_centile(leads, LEADCRM_FUNNEL_MIN_BUCKET, LEADCRM_BUCKETS, n, fraction);
	free(leads);
	a = (double) us[lower];
	b = (double) us[lower + 1 < n ? lower + 1 : lower];
	return fabs(found - (a + (b - a) * part)) <= (fabs(a) * (1 - part) + fabs(b) * part) / 128 + 1e-6;
}

static bool
random_sets(uint64_t seed, int rounds)
{
	state = seed * 0x9E3779B97F4A7C15U + 1;
	for (int round = 0; round < rounds; round++)
	{
		int			n = 1 + (int) (next() % 50);
		int			width = 1 + (int) (next() % 62);
		bool		negative = next() % 4 == 0;
		int64_t    *us = malloc(sizeof(int64_t) * n);
		bool		same;

		for (int i = 0; i < n; i++)
		{
			us[i] = (int64_t) (next() >> (64 - width));
			if (negative && next() % 2)
				us[i] = -us[i];
		}
		same = agrees(us, n, (double) (next() % 101) / 100);
		free(us);
		if (!same)
			return false;
	}
	return true;
}

int
main(int argc, char **argv)
{
	int64_t		one[] = {5};
	int64_t		two[] = {10, 20};
	int64_t		days[] = {86400000000, 2 * INT64_C(86400000000), 9 * INT64_C(86400000000)};

	if (argc > 1)
		ok(random_sets(strtoull(argv[1], NULL, 10), 200000), "random sets");
	else
	{
		ok(agrees(one, 1, 0) && agrees(one, 1, 0.5) && agrees(one, 1, 1), "one");
		ok(agrees(two, 2, 0) && agrees(two, 2, 0.5) && agrees(two, 2, 1), "two, and what lies between them");
		ok(agrees(days, 3, 0.5) && agrees(days, 3, 0.9), "days");
		ok(random_sets(1, 20000), "random sets");
	}
	printf("1..%d\n", tests);
	return 0;
}
