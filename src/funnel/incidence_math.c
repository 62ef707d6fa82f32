/*
 * incidence_math.c
 *		Cumulative incidence with two ways to leave: the estimator of Aalen and Johansen, and its standard error.
 */
#include "funnel/incidence_math.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The shares so far, and the covariances of their estimates. */
typedef struct Estimate
{
	double		open;
	double		on;
	double		off;
	double		var_open;
	double		var_on;
	double		cov;			/* of open and on */
} Estimate;

static int
by_days(const void *a, const void *b)
{
	double		x = ((const LeadcrmStay *) a)->days;
	double		y = ((const LeadcrmStay *) b)->days;

	return (x > y) - (x < y);
}

/* Of n, on and off leave at one instant: as in a multinomial draw, given n. */
static void
advance(Estimate *e, double n, double on, double off)
{
	double		a = on / n;
	double		d = (on + off) / n;
	double		stay = (n - on - off) / n;
	double		square = e->open * e->open;

	e->var_on += a * a * e->var_open + 2 * a * e->cov + square * a * (1 - a) / n;
	e->cov = stay * (e->cov + a * e->var_open) - square * a * stay / n;
	e->var_open = stay * stay * e->var_open + square * d * stay / n;
	e->on += e->open * a;
	e->off += e->open * off / n;
	e->open *= stay;
}

/*
 * The number of days of age from 0 to that of the longest stay: what leadcrm_incidence() fills. At least 1.
 */
size_t
leadcrm_incidence_ages(const LeadcrmStay *stays, size_t n)
{
	double		longest = 0;

	for (size_t i = 0; i < n; i++)
		if (stays[i].days > longest)
			longest = stays[i].days;
	return (size_t) ceil(longest) + 1;
}

/*
 * Fills ages, of leadcrm_incidence_ages(stays, n) elements. Sorts stays. Among stays of one length those that ended come
 * before those that are still open: who is seen until then was there when the others left.
 */
void
leadcrm_incidence(LeadcrmStay *stays, size_t n, LeadcrmAge *ages)
{
	size_t		nages = leadcrm_incidence_ages(stays, n);
	Estimate	e = {.open = 1};
	size_t		i = 0;

	if (n > 1)
		qsort(stays, n, sizeof(LeadcrmStay), by_days);
	memset(ages, 0, nages * sizeof(LeadcrmAge));
	for (size_t day = 0; day < nages; day++)
	{
		LeadcrmAge *age = &ages[day];

		age->at_risk = (double) (n - i);
		while (i < n && stays[i].days <= (double) day)
		{
			double		days = stays[i].days;
			double		n_there = (double) (n - i);
			double		left[3] = {0};

			for (; i < n && stays[i].days == days; i++)
				left[stays[i].went]++;
			if (left[LEADCRM_WENT_ON] + left[LEADCRM_WENT_OFF] > 0)
				advance(&e, n_there, left[LEADCRM_WENT_ON], left[LEADCRM_WENT_OFF]);
			age->went_on += left[LEADCRM_WENT_ON];
			age->went_off += left[LEADCRM_WENT_OFF];
			age->still_open += left[LEADCRM_STILL_OPEN];
		}
		age->on = e.on;
		age->off = e.off;
		age->open = e.open;
		age->on_error = sqrt(fmax(e.var_on, 0));
	}
}
