/*
 * logistic.c
 *		Unit test of src/learn/logistic.c: the fit against a slow one written otherwise, gradients and covariances against differences.
 *		sources: src/learn/logistic.c
 *
 * With a number as argument it runs the random part only, from that seed: make fuzz.
 */
#include <math.h>
#include <string.h>

#include "learn.h"

/* A random design: some features, of some columns each. */
static LeadcrmDesign
random_design(int rows)
{
	LeadcrmDesign d = {.rows = rows, .features = 1 + (int) below(4), .columns = 1};
	uint16_t   *column = allocate(sizeof(uint16_t) * rows * d.features);
	bool	   *outcome = allocate(rows);
	bool	   *follows = allocate(64);

	memset(follows, 0, 64);
	for (int f = 0; f < d.features; f++)
	{
		int			n = 1 + (int) below(5);

		for (int b = 1; b < n; b++)
			follows[d.columns + b] = below(2);
		for (int row = 0; row < rows; row++)
			column[row * d.features + f] = (uint16_t) (d.columns + (int) below(n));
		d.columns += n;
	}
	for (int row = 0; row < rows; row++)
		outcome[row] = share() < (column[row * d.features] % 2 ? 0.7 : 0.2);
	d.column = column;
	d.outcome = outcome;
	d.follows = follows;
	return d;
}

/* What is minimised, written out by the matrix. */
static double
slow_objective(const LeadcrmDesign *d, LeadcrmPart part, double ridge, double smooth, const double *w)
{
	double		sum = 0.5e-9 * w[0] * w[0];

	for (int row = 0; row < d->rows; row++)
	{
		double		z = w[0];

		if (part.folds > 0 && row % part.folds == part.left_out)
			continue;
		for (int k = 1; k < d->columns; k++)
			for (int f = 0; f < d->features; f++)
				z += d->column[row * d->features + f] == k ? w[k] : 0;
		sum -= d->outcome[row] ? -log(1 + exp(-z)) : -log(1 + exp(z));
	}
	for (int k = 1; k < d->columns; k++)
		sum += ridge / 2 * w[k] * w[k] + (d->follows[k] ? smooth / 2 * (w[k] - w[k - 1]) * (w[k] - w[k - 1]) : 0);
	return sum;
}

static bool
check_fit(void)
{
	LeadcrmDesign d = random_design(5 + (int) below(60));
	LeadcrmPart part = {below(2) ? 5 : 0, (int) below(5)};
	double		ridge = 0.05 + 5 * share();
	double		smooth = 3 * share();
	double	   *w = allocate(sizeof(double) * d.columns);
	double	   *g = allocate(sizeof(double) * d.columns);
	double	   *slow = allocate(sizeof(double) * d.columns);
	bool		good = true;
	double		value;

	/* the gradient at a random place: differences of the slow objective */
	for (int k = 0; k < d.columns; k++)
		w[k] = 4 * share() - 2;
	value = leadcrm_logistic_gradient(&d, part, ridge, smooth, w, g);
	good &= fabs(value - slow_objective(&d, part, ridge, smooth, w)) < 1e-9 * (1 + fabs(value));
	for (int k = 0; k < d.columns; k++)
	{
		double		h = 1e-5;
		double		at = w[k];
		double		up;

		w[k] = at + h;
		up = slow_objective(&d, part, ridge, smooth, w);
		w[k] = at - h;
		good &= fabs((up - slow_objective(&d, part, ridge, smooth, w)) / (2 * h) - g[k]) < 1e-4 * (1 + fabs(g[k]));
		w[k] = at;
	}

	/* the fit, from there: no gradient is left */
	good &= leadcrm_logistic_fit(&env, &d, part, ridge, smooth, 1e-9, w);
	leadcrm_logistic_gradient(&d, part, ridge, smooth, w, g);
	for (int k = 1; k < d.columns; k++)
		good &= fabs(g[k]) < 1e-6;

	/* and the same place is reached by walking downhill, one weight at a time */
	memset(slow, 0, sizeof(double) * d.columns);
	if (fabs(w[0]) < 15)		/* else all rows that take part have one outcome, and the intercept has far to go */
	{
		for (int round = 0; round < 1000; round++)
			for (int k = 0; k < d.columns; k++)
			{
				leadcrm_logistic_gradient(&d, part, ridge, smooth, slow, g);
				/* its second derivative is no more than this */
				slow[k] -= g[k] / (d.rows / 4.0 + ridge + 2 * smooth);
			}
		good &= slow_objective(&d, part, ridge, smooth, w) <= slow_objective(&d, part, ridge, smooth, slow) + 1e-9;
		good &= slow_objective(&d, part, ridge, smooth, slow) - slow_objective(&d, part, ridge, smooth, w) < 1e-2;
	}
	free_all();
	return good;
}

/* Covariances: times the second derivatives, by differences of the gradient, they are one. */
static bool
check_covariance(void)
{
	LeadcrmDesign d = random_design(5 + (int) below(60));
	LeadcrmPart all = {0, 0};
	int			n = d.columns;
	double		ridge = 0.05 + 5 * share();
	double		smooth = 3 * share();
	double	   *w = allocate(sizeof(double) * n);
	double	   *up = allocate(sizeof(double) * n);
	double	   *down = allocate(sizeof(double) * n);
	double	   *covariance = allocate(sizeof(double) * n * n);
	double	   *product = allocate(sizeof(double) * n * n);
	bool		good = true;

	for (int k = 0; k < n; k++)
		w[k] = 2 * share() - 1;
	good &= leadcrm_logistic_covariance(&env, &d, all, ridge, smooth, w, covariance);
	memset(product, 0, sizeof(double) * n * n);
	for (int k = 0; k < n; k++)
	{
		double		h = 1e-4;
		double		at = w[k];

		w[k] = at + h;
		(void) leadcrm_logistic_gradient(&d, all, ridge, smooth, w, up);
		w[k] = at - h;
		(void) leadcrm_logistic_gradient(&d, all, ridge, smooth, w, down);
		w[k] = at;
		for (int i = 0; i < n; i++)
			for (int j = 0; j < n; j++)
				product[i * n + j] += covariance[i * n + k] * (up[j] - down[j]) / (2 * h);
	}
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			good &= fabs(product[i * n + j] - (i == j)) < 1e-4;
	free_all();
	return good;
}

static void
random_part(uint64_t seed, int n)
{
	bool		fits = true;
	bool		covariances = true;

	state = seed;
	for (int i = 0; i < n; i++)
	{
		fits &= check_fit();
		covariances &= check_covariance();
	}
	ok(fits, "random fits: gradient, minimum, the minimum of a slower way");
	ok(covariances, "random fits: covariances are the inverse of the second derivatives");
}

int
main(int argc, char **argv)
{
	if (argc > 1)
	{
		random_part(strtoull(argv[1], NULL, 10), 40);
		printf("1..%d\n", tests);
		return 0;
	}

	/* one column that every row has, and no ridge to speak of: the intercept is the log-odds of the share */
	{
		uint16_t	column[4] = {1, 1, 1, 1};
		bool		outcome[4] = {true, true, true, false};
		bool		follows[2] = {false, false};
		LeadcrmDesign d = {4, 1, 2, column, outcome, follows};
		LeadcrmPart all = {0, 0};
		double		w[2] = {0, 0};

		ok(leadcrm_logistic_fit(&env, &d, all, 1e-3, 0, 1e-9, w) && fabs(w[0] + w[1] - log(3)) < 1e-6, "the odds of three in four");
		ok(fabs(leadcrm_logistic_deviance(&d, all, w) - (3 * log(4.0 / 3) + log(4))) < 1e-6, "and their deviance");
	}

	/* two groups, 30 of 40 and 10 of 40: by symmetry the intercept is 0, and the weights solve 40 (s(w) - 0.75) + r w = 0 */
	{
		uint16_t	column[80];
		bool		outcome[80];
		bool		follows[3] = {false, false, false};
		LeadcrmDesign d = {80, 1, 3, column, outcome, follows};
		LeadcrmPart all = {0, 0};
		double		w[3] = {0, 0, 0};
		double		x = 0;

		for (int i = 0; i < 80; i++)
		{
			column[i] = i < 40 ? 1 : 2;
			outcome[i] = i % 40 < (i < 40 ? 30 : 10);
		}
		for (int i = 0; i < 200; i++)
			x -= (40 * (1 / (1 + exp(-x)) - 0.75) + 2 * x) / 12;
		ok(leadcrm_logistic_fit(&env, &d, all, 2, 0, 1e-10, w) && fabs(w[1] - x) < 1e-8 && fabs(w[2] + x) < 1e-8 && fabs(w[0]) < 1e-8,
		   "two groups");
		follows[2] = true;
		ok(leadcrm_logistic_fit(&env, &d, all, 2, 1e9, 1e-10, w) && fabs(w[1] - w[2]) < 1e-6, "held together, they are one");
	}

	/* an attribute that tells the outcomes apart: finite all the same */
	{
		uint16_t	column[60];
		bool		outcome[60];
		bool		follows[3] = {false, false, false};
		LeadcrmDesign d = {60, 1, 3, column, outcome, follows};
		LeadcrmPart all = {0, 0};
		double		w[3] = {500, -500, 500};

		for (int i = 0; i < 60; i++)
		{
			column[i] = 1 + i % 2;
			outcome[i] = i % 2;
		}
		ok(leadcrm_logistic_fit(&env, &d, all, 0.01, 0, 1e-9, w) && w[2] > 4 && w[2] < 20 && fabs(w[1] + w[2]) < 1e-6,
		   "a perfect attribute, from a bad start");
	}

	/* all rows of one outcome: near the bottom every step is level, and that is the end */
	{
		uint16_t	column[9];
		bool		outcome[9];
		bool		follows[2] = {false, false};
		LeadcrmDesign d = {9, 1, 2, column, outcome, follows};
		LeadcrmPart all = {0, 0};
		int			ended = 0;

		for (int i = 0; i < 9; i++)
		{
			column[i] = 1;
			outcome[i] = true;
		}
		for (int i = 0; i < 40; i++)
		{
			double		w[2] = {0.1 * i - 2, 0};

			ended += leadcrm_logistic_fit(&env, &d, all, 0.05 + 0.1 * i, 0, 1e-9, w) && w[0] > 15 && fabs(w[1]) < 1e-3;
		}
		ok(ended == 40, "one outcome only");
	}
	ok(leadcrm_sigmoid(0) == 0.5 && leadcrm_sigmoid(800) == 1 && leadcrm_sigmoid(-800) == 0 && leadcrm_sigmoid(-30) > 0, "sigmoid does not overflow");

	free_all();
	random_part(7, 25);
	ok(breaths > 0, "it can be interrupted");
	printf("1..%d\n", tests);
	return 0;
}
