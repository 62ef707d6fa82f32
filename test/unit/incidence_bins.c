/*
 * incidence_bins.c
 *		Unit test of src/funnel/incidence_bins.c: binned stays against the same stays one by one.
 *		sources: src/funnel/incidence_bins.c src/funnel/incidence_math.c src/cube/bins.c
 *
 * With a number as argument it runs the random part only, from that seed: make fuzz.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cube/bins.h"
#include "funnel/incidence_bins.h"
#include "unit.h"

#define DAY INT64_C(86400000000)
#define HOUR INT64_C(3600000000)
#define QUARTER (HOUR / 4)
#define MOST 200000

static double
part(void)
{
	return (double) (next() >> 11) / 9007199254740992.0;
}

typedef struct Stay
{
	int64_t		us;
	LeadcrmWent went;
	int64_t		since;			/* of those still open */
} Stay;

static Stay stays[MOST];
static size_t nstays;
static int64_t now;

static void
put(int64_t since, int64_t us, LeadcrmWent went)
{
	stays[nstays++] = (Stay) {went == LEADCRM_STILL_OPEN ? now - since : us, went, since};
}

/* leads that came at random in so many days, each instant and length a multiple of grain */
static void
make_leads(size_t n, int64_t days, int64_t grain, bool odd)
{
	nstays = 0;
	now = 9000 * DAY + below(DAY);
	for (size_t i = 0; i < n; i++)
	{
		int64_t		since = now - (int64_t) (part() * (double) (days * DAY));
		int64_t		us = (int64_t) (-log(1 - part()) * (double) (odd ? 20 * DAY : 3 * DAY + below(20) * DAY));
		bool		goes = part() < 0.5;
		bool		ends = part() < 0.8;

		since -= since % grain;
		us -= us % grain;
		if (odd && part() < 0.3)
			us = 10 * 60 * INT64_C(1000000);	/* by a machine, after ten minutes */
		if (ends && us <= now - since)
			put(since, us, goes ? LEADCRM_WENT_ON : LEADCRM_WENT_OFF);
		else
			put(since, 0, LEADCRM_STILL_OPEN);
	}
}

static double
one_by_one(void)
{
	static LeadcrmStay single[MOST];
	LeadcrmAge *ages;
	size_t		nages;
	double		on;

	for (size_t i = 0; i < nstays; i++)
		single[i] = (LeadcrmStay) {(double) stays[i].us / (double) DAY, stays[i].went};
	nages = leadcrm_incidence_ages(single, nstays);
	ages = malloc(nages * sizeof(LeadcrmAge));
	leadcrm_incidence(single, nstays, ages);
	on = ages[nages - 1].on;
	free(ages);
	return on;
}

static int
by_span(const void *a, const void *b)
{
	const LeadcrmLump *x = a;
	const LeadcrmLump *y = b;

	return x->from != y->from ? x->from > y->from ? 1 : -1 : (x->until > y->until) - (x->until < y->until);
}

static size_t
add_up(LeadcrmLump *lumps, size_t n)
{
	size_t		m = 0;

	if (n > 1)
		qsort(lumps, n, sizeof(LeadcrmLump), by_span);
	for (size_t i = 0; i < n; i++)
		if (m > 0 && by_span(&lumps[m - 1], &lumps[i]) == 0)
			lumps[m - 1].count += lumps[i].count;
		else
			lumps[m++] = lumps[i];
	return m;
}

/* binned as the cubes do it */
static void
bin(LeadcrmLumps *lumps)
{
	for (int went = 0; went < LEADCRM_WAYS; went++)
	{
		LeadcrmLumps *l = &lumps[went];

		l->spread = malloc(sizeof(LeadcrmLump) * (nstays + 1));
		l->exact = malloc(sizeof(LeadcrmLump) * (nstays + 1));
		l->nspread = l->nexact = 0;
		for (size_t i = 0; i < nstays; i++)
		{
			LeadcrmSpan span;
			LeadcrmLump lump;

			if ((int) stays[i].went != went)
				continue;
			if (went != LEADCRM_STILL_OPEN)
				leadcrm_stay_span(leadcrm_stay_bin(stays[i].us), &span);
			else
			{
				leadcrm_instant_span(leadcrm_instant_bin(stays[i].since), &span);
				span = (LeadcrmSpan) {span.until > now ? 0 : now - span.until, now - span.from};
			}
			lump = (LeadcrmLump) {span.from, span.until, 1};
			if (span.from < span.until)
				l->spread[l->nspread++] = lump;
			else
				l->exact[l->nexact++] = lump;
		}
		l->nspread = add_up(l->spread, l->nspread);
		l->nexact = add_up(l->exact, l->nexact);
	}
}

/* the error; least and most are checked */
static double
error_of(bool *in_range, double *width)
{
	LeadcrmLumps lumps[LEADCRM_WAYS];
	double		exact = one_by_one();
	double		least;
	double		most;
	double		share;

	bin(lumps);
	share = leadcrm_expected_share(lumps);
	leadcrm_expected_range(lumps, &least, &most);
	*in_range = least <= exact + 1e-9 && exact <= most + 1e-9 && least <= share + 1e-9 && share <= most + 1e-9 && least >= 0 && most <= 1;
	*width = most - least;
	if (!*in_range)
		printf("# %zu stays: %.12f, one by one %.12f, from %.12f to %.12f\n", nstays, share, exact, least, most);
	for (int went = 0; went < LEADCRM_WAYS; went++)
	{
		free(lumps[went].spread);
		free(lumps[went].exact);
	}
	return fabs(share - exact);
}

/* few leads in few bins: what could lie in any order does */
static bool
random_few(uint64_t seed, int rounds)
{
	state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
	for (int round = 0; round < rounds; round++)
	{
		size_t		n = 1 + (size_t) below(40);
		int64_t		range = below(2) ? below(3 * DAY) + 1 : below(300 * DAY) + 1;
		bool		exact = below(4) == 0;
		bool		in_range;
		double		error;
		double		width;

		nstays = 0;
		now = 9000 * DAY + below(DAY);
		/* at a quarter of an hour, some leave at the very age that others have */
		if (exact && below(2) == 0)
			now -= now % QUARTER;
		for (size_t i = 0; i < n; i++)
		{
			int64_t		us = below(range);
			int64_t		since = now - us;

			if (exact || below(3) == 0)
			{
				us -= us % QUARTER;
				since -= since % QUARTER;
			}
			put(since, us, (LeadcrmWent) below(3));
		}
		error = error_of(&in_range, &width);
		if (!in_range || (exact && (error > 1e-9 || width > 1e-9)))
			return false;
	}
	return true;
}

static bool
precise(size_t n, int64_t days, int64_t grain, bool odd, double goal, double widest)
{
	bool		in_range;
	double		error;
	double		width;

	make_leads(n, days, grain, odd);
	error = error_of(&in_range, &width);
	if (error > goal || width > widest)
		printf("# error %.3g, range %.3g\n", error, width);
	return in_range && error <= goal && width <= widest;
}

int
main(int argc, char **argv)
{
	LeadcrmLumps lumps[LEADCRM_WAYS] = {{0}};
	LeadcrmLump on[2] = {{HOUR, HOUR, 3}, {2 * HOUR, 2 * HOUR, 1}};
	LeadcrmLump open = {HOUR, HOUR, 2};
	LeadcrmLump off = {DAY, 2 * DAY, 1};

	if (argc > 1)
	{
		uint64_t	seed = strtoull(argv[1], NULL, 10);

		if (!random_few(seed, 20000))
		{
			printf("not ok 1 - random stays, seed %llu\n", (unsigned long long) seed);
			return 1;
		}
		return 0;
	}
	printf("1..12\n");
	ok(random_few(1, 20000), "few stays: exact by quarters of an hour, with a range of nothing, else in the range");
	ok(random_few(2, 20000), "again");
	state = 7;
	ok(precise(MOST, 730, 1, false, 1e-6, 1e-3), "200,000 leads of two years: to 0.0001 points");
	ok(precise(MOST, 180, 1, false, 1e-6, 1e-3), "of half a year, too");
	ok(precise(MOST, 60, 1, false, 1e-4, 2e-3), "of two months: to 0.01 points");
	ok(precise(MOST, 30, 1, false, 1e-3, 1e-2), "of a month: to 0.1 points");
	ok(precise(MOST, 90, 1, true, 1e-4, 1e-2), "many leave after the same ten minutes");
	ok(precise(MOST, 90, DAY, false, 1e-9, 1e-9), "stamps that are days: exact");
	ok(precise(MOST, 90, QUARTER, false, 1e-9, 1e-9), "stamps that are quarters of an hour: exact");
	ok(precise(MOST, 90, INT64_C(60000000), true, 1e-4, 1e-2), "stamps that are minutes");
	lumps[LEADCRM_WENT_ON] = (LeadcrmLumps) {NULL, 0, on, 2};
	lumps[LEADCRM_STILL_OPEN] = (LeadcrmLumps) {NULL, 0, &open, 1};
	/* 3 of 6, then 1 of 1 */
	ok(fabs(leadcrm_expected_share(lumps) - 1) < 1e-12, "by hand: who leaves at the same age comes before who is seen no longer");
	lumps[LEADCRM_WENT_OFF] = (LeadcrmLumps) {&off, 1, NULL, 0};
	/* 3 of 7, 1 of 2, then one that leaves */
	ok(fabs(leadcrm_expected_share(lumps) - (3.0 / 7 + 4.0 / 7 / 2)) < 1e-12, "with one that leaves later");
	return 0;
}
