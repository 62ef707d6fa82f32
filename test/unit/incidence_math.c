/*
 * incidence_math.c
 *		Unit test of src/funnel/incidence_math.c.
 *		sources: src/funnel/incidence_math.c
 *
 * With a number as argument it runs the random part only, from that seed: make fuzz.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/incidence_math.h"
#include "unit.h"

#define MOST 60

static bool
near(double a, double b, double error)
{
	return fabs(a - b) <= error;
}

/* Remission of leukaemia under 6-mercaptopurine, in weeks (Freireich and others, 1963): in every textbook on survival. */
static void
check_textbook(void)
{
	static const double ended[] = {6, 6, 6, 7, 10, 13, 16, 22, 23};
	static const double open[] = {6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35};
	static const struct
	{
		size_t		at;
		double		there;
		double		error;
	}			known[] = {{6, 0.857, 0.0764}, {7, 0.807, 0.0869}, {10, 0.753, 0.0963}, {13, 0.690, 0.1068}, {16, 0.627, 0.1141},
	{22, 0.538, 0.1282}, {23, 0.448, 0.1346}};
	LeadcrmStay stays[21];
	LeadcrmAge	ages[36];
	size_t		n = 0;
	bool		right = true;

	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
		stays[n++] = (LeadcrmStay) {open[i], LEADCRM_STILL_OPEN};
	for (size_t i = 0; i < sizeof(ended) / sizeof(ended[0]); i++)
		stays[n++] = (LeadcrmStay) {ended[i], LEADCRM_WENT_ON};
	ok(leadcrm_incidence_ages(stays, n) == 36, "ages from 0 to 35");
	leadcrm_incidence(stays, n, ages);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		right &= near(ages[known[i].at].open, known[i].there, 0.0005) && near(ages[known[i].at].on_error, known[i].error, 0.00006) &&
			near(ages[known[i].at].on, 1 - ages[known[i].at].open, 1e-12);
	ok(right, "Kaplan-Meier with Greenwood's errors as in the textbooks");
	ok(ages[6].at_risk == 21 && ages[6].went_on == 3 && ages[6].still_open == 1 && ages[7].at_risk == 17 && ages[35].at_risk == 1,
	   "numbers at risk");
}

static void
check_limits(void)
{
	LeadcrmStay one = {0, LEADCRM_STILL_OPEN};
	LeadcrmStay three[] = {{0.25, LEADCRM_WENT_OFF}, {0, LEADCRM_WENT_ON}, {1, LEADCRM_WENT_ON}};
	LeadcrmAge	ages[2];

	leadcrm_incidence(&one, 1, ages);
	ok(leadcrm_incidence_ages(&one, 1) == 1 && ages[0].at_risk == 1 && ages[0].still_open == 1 && ages[0].open == 1 && ages[0].on == 0 &&
	   ages[0].on_error == 0, "one, open since now");
	leadcrm_incidence(NULL, 0, ages);
	ok(leadcrm_incidence_ages(NULL, 0) == 1 && ages[0].at_risk == 0 && ages[0].open == 1, "nobody");
	leadcrm_incidence(three, 3, ages);
	ok(ages[0].went_on == 1 && near(ages[0].on, 1 / 3.0, 1e-15) && ages[1].at_risk == 2 && ages[1].went_off == 1 &&
	   near(ages[1].off, 1 / 3.0, 1e-15) && near(ages[1].on, 2 / 3.0, 1e-15) && ages[1].open == 0, "all have left");
	ok(near(ages[1].on_error, sqrt(2 / 27.0), 1e-12), "without open ones the error is the binomial one");
}

/* Once more: shares and the delta method's variance as sums over the exits, everything counted anew for each. */
static void
slowly(const LeadcrmStay *stays, size_t n, double until, double *on, double *off, double *there, double *error)
{
	double		times[MOST];
	double		f_at[MOST];
	double		before[MOST];
	double		a[MOST];
	double		d[MOST];
	double		risk[MOST];
	size_t		m = 0;
	double		variance = 0;

	*on = *off = 0;
	*there = 1;
	for (;;)
	{
		double		first = INFINITY;
		size_t		k = m;

		for (size_t i = 0; i < n; i++)
			if (stays[i].went != LEADCRM_STILL_OPEN && stays[i].days <= until && stays[i].days < first &&
				(k == 0 || stays[i].days > times[k - 1]))
				first = stays[i].days;
		if (first == INFINITY)
			break;
		times[k] = first;
		a[k] = d[k] = risk[k] = 0;
		for (size_t i = 0; i < n; i++)
		{
			risk[k] += stays[i].days >= first;
			a[k] += stays[i].days == first && stays[i].went == LEADCRM_WENT_ON;
			d[k] += stays[i].days == first && stays[i].went != LEADCRM_STILL_OPEN;
		}
		before[k] = *there;
		*on += *there * a[k] / risk[k];
		*off += *there * (d[k] - a[k]) / risk[k];
		*there *= 1 - d[k] / risk[k];
		f_at[k] = *on;
		m++;
	}
	for (size_t k = 0; k < m; k++)
	{
		double		to_come = *on - f_at[k];

		if (d[k] < risk[k])
			variance += to_come * to_come * d[k] / (risk[k] * (risk[k] - d[k]));
		variance += before[k] * before[k] * a[k] * (risk[k] - a[k]) / (risk[k] * risk[k] * risk[k]);
		variance -= 2 * to_come * before[k] * a[k] / (risk[k] * risk[k]);
	}
	*error = sqrt(fmax(variance, 0));
}

static void
check_random(uint64_t seed, int rounds)
{
	bool		shares = true;
	bool		errors = true;
	bool		sums = true;
	bool		order = true;

	state = seed;
	for (int round = 0; round < rounds; round++)
	{
		LeadcrmStay stays[MOST];
		LeadcrmStay other[MOST];
		LeadcrmAge	ages[42];
		LeadcrmAge	again[42];
		size_t		n = 1 + below(MOST);
		int			step = 1 + below(16);
		size_t		nages;
		double		counted = 0;

		for (size_t i = 0; i < n; i++)
			stays[i] = (LeadcrmStay) {(double) below(40 * step + 1) / step, (LeadcrmWent) below(3)};
		for (size_t i = 0; i < n; i++)
			other[i] = stays[n - 1 - i];
		nages = leadcrm_incidence_ages(stays, n);
		leadcrm_incidence(stays, n, ages);
		leadcrm_incidence(other, n, again);
		order &= memcmp(ages, again, nages * sizeof(LeadcrmAge)) == 0;
		for (size_t day = 0; day < nages; day++)
		{
			double		on;
			double		off;
			double		there;
			double		error;

			slowly(stays, n, (double) day, &on, &off, &there, &error);
			shares &= near(ages[day].on, on, 1e-12) && near(ages[day].off, off, 1e-12) && near(ages[day].open, there, 1e-12) &&
				near(on + off + there, 1, 1e-12);
			errors &= near(ages[day].on_error, error, 1e-7);
			counted += ages[day].went_on + ages[day].went_off + ages[day].still_open;
			sums &= ages[day].at_risk - ages[day].went_on - ages[day].went_off - ages[day].still_open ==
				(day + 1 < nages ? ages[day + 1].at_risk : 0);
		}
		sums &= counted == (double) n;
	}
	ok(shares, "shares as counted anew at each exit");
	ok(errors, "errors by the sums of the delta method");
	ok(sums, "at every age the numbers add up");
	ok(order, "whatever the order of input");
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		check_random(strtoull(argv[1], NULL, 10), 20000);
	else
	{
		check_textbook();
		check_limits();
		check_random(1, 2000);
	}
	printf("1..%d\n", tests);
	return 0;
}
