/*
 * scorecard.c
 *		Unit test of src/learn: the fit against a slow one written otherwise, gradients against differences, bins against what they
 *		promise.
 *		sources: src/learn/logistic.c src/learn/scorecard.c src/learn/bin.c
 *
 * With a number as argument it runs the random part only, from that seed: make fuzz.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "learn/scorecard.h"

static int	tests = 0;
static uint64_t state = 1;

static void
ok(bool success, const char *what)
{
	printf("%sok %d - %s\n", success ? "" : "not ", ++tests, what);
}

static uint32_t
pick(uint32_t n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t) (state >> 33) % n;
}

static double
share(void)
{
	return pick(1000000) / 1e6;
}

/* memory that is given back all at once */
static void **blocks = NULL;
static int	nblocks = 0;
static int	breaths = 0;

static void *
allocate(size_t size)
{
	blocks = realloc(blocks, sizeof(void *) * (nblocks + 1));
	return blocks[nblocks++] = malloc(size > 0 ? size : 1);
}

static void
breathe(void)
{
	breaths++;
}

static void
free_all(void)
{
	while (nblocks > 0)
		free(blocks[--nblocks]);
	free(blocks);
	blocks = NULL;
}

static const LeadcrmLearnEnv env = {allocate, breathe};

/* A random design: some features, of some columns each. */
static LeadcrmDesign
random_design(int rows)
{
	LeadcrmDesign d = {.rows = rows, .features = 1 + (int) pick(4), .columns = 1};
	uint16_t   *column = allocate(sizeof(uint16_t) * rows * d.features);
	bool	   *outcome = allocate(rows);
	bool	   *follows = allocate(64);

	memset(follows, 0, 64);
	for (int f = 0; f < d.features; f++)
	{
		int			n = 1 + (int) pick(5);

		for (int b = 1; b < n; b++)
			follows[d.columns + b] = pick(2);
		for (int row = 0; row < rows; row++)
			column[row * d.features + f] = (uint16_t) (d.columns + (int) pick(n));
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
	LeadcrmDesign d = random_design(5 + (int) pick(60));
	LeadcrmPart part = {pick(2) ? 5 : 0, (int) pick(5)};
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

/* A feature of random values: some missing, some numbers, some texts, some frequent. */
static LeadcrmFeature
random_feature(int rows, int numbers, int texts)
{
	static const char *const letters = "abcdefghijklmnopqrstuvwxyz0123456789";
	LeadcrmFeature f = {.nvalues = numbers + texts};
	uint32_t   *codes = allocate(sizeof(uint32_t) * rows);
	int			missing = (int) pick(3);

	f.values = allocate(sizeof(LeadcrmValue) * (f.nvalues + 1));
	for (int v = 0; v < f.nvalues; v++)
	{
		LeadcrmValue *value = &f.values[v];

		memset(value, 0, sizeof(LeadcrmValue));
		if (v < numbers)
		{
			value->kind = LEADCRM_NUMBER;
			/* all different, in no order */
			value->number = ((v * 7919) % numbers - numbers / 3) * (pick(100) == 0 ? 1 : 0.25);
			for (int u = 0; u < v; u++)
				if (f.values[u].number == value->number)
				{
					value->number += 1e6 * (v + 1);
					u = -1;
				}
		}
		else if (v == f.nvalues - 1 && pick(4) == 0)
			value->kind = LEADCRM_POOLED;
		else
		{
			char	   *text = allocate(2);

			text[0] = letters[(v - numbers) % 36];
			text[1] = letters[(v - numbers) / 36 % 36];
			value->kind = LEADCRM_TEXT;
			value->text = text;
			value->length = 2;
		}
	}
	for (int row = 0; row < rows; row++)
	{
		if (f.nvalues == 0 || (missing && pick(missing * 4) == 0))
			codes[row] = 0;
		else
			codes[row] = 1 + (pick(3) == 0 ? 0 : pick(f.nvalues));
	}
	f.codes = codes;
	return f;
}

static bool
check_bins(void)
{
	int			rows = (int) pick(2000);
	LeadcrmFeature f = random_feature(rows, (int) pick(200), (int) pick(60));
	bool	   *outcome = allocate(rows + 1);
	LeadcrmScorecard card = {.rows = rows, .outcome = outcome, .nfeatures = 1, .features = &f};
	int			max_bins = 4 + (int) pick(37);
	long		total = 0;
	long		positives = 0;
	int			ranges = 0;
	bool		good = true;

	for (int row = 0; row < rows; row++)
		outcome[row] = pick(3) == 0;
	leadcrm_scorecard_bin(&env, &card, &f, max_bins);
	for (int b = 0; b < f.nbins; b++)
	{
		const LeadcrmBin *bin = &f.bins[b];

		total += bin->rows;
		positives += bin->positives;
		good &= bin->rows > 0 && bin->positives >= 0 && bin->positives <= bin->rows;
		if (bin->kind == LEADCRM_RANGE)
		{
			ranges++;
			good &= bin->low <= bin->high && (b == 0 || (f.bins[b - 1].kind == LEADCRM_RANGE && f.bins[b - 1].high < bin->low));
		}
		if (bin->kind == LEADCRM_LEVEL)
			good &= bin->rows >= 5 && f.values[bin->value].bin == b;
	}
	good &= ranges <= 2 * max_bins + 1 && f.nbins <= 3 * max_bins + 3;
	if (f.nbins > 0)
	{
		good &= f.nbins > 1 && total == rows;
		for (int row = 0; row < rows; row++)
		{
			const LeadcrmValue *value = f.codes[row] > 0 ? &f.values[f.codes[row] - 1] : NULL;

			positives -= outcome[row];
			if (value == NULL)
				good &= f.bins[f.nbins - 1].kind == LEADCRM_MISSING;
			else if (value->kind == LEADCRM_NUMBER)
				good &= f.bins[value->bin].kind == LEADCRM_RANGE && f.bins[value->bin].low <= value->number &&
					value->number <= f.bins[value->bin].high;
			else
				good &= f.bins[value->bin].kind == LEADCRM_LEVEL ? f.bins[value->bin].value == value - f.values && value->kind == LEADCRM_TEXT :
					f.bins[value->bin].kind == LEADCRM_OTHER;
		}
		good &= positives == 0;
	}
	free_all();
	return good;
}

/* Learning anything: finite weights, the same ones again, features of no variety without bins. */
static bool
check_learning(void)
{
	int			rows = 2 + (int) pick(400);
	LeadcrmFeature f[4];
	bool	   *outcome = allocate(rows);
	LeadcrmScorecard card = {.rows = rows, .outcome = outcome, .nfeatures = (int) pick(5), .features = f};
	LeadcrmScorecard again;
	LeadcrmBin *first[4];
	bool		good = true;
	bool		learned;
	int			positives = 0;

	for (int i = 0; i < 4; i++)
		f[i] = random_feature(rows, (int) pick(2) * (int) pick(40), (int) pick(30));
	for (int row = 0; row < rows; row++)
		positives += outcome[row] = pick(10) == 0 ? pick(2) : f[0].codes[row] % 2 == 1;
	learned = leadcrm_scorecard_learn(&env, &card);
	good &= learned == (positives > 0 && positives < rows) && card.positives == positives;
	if (learned)
	{
		double		promised = 0;

		for (int i = 0; i < card.nfeatures; i++)
		{
			double		mean = 0;

			for (int b = 0; b < f[i].nbins; b++)
			{
				good &= isfinite(f[i].bins[b].weight) && fabs(f[i].bins[b].weight) < 30;
				mean += f[i].bins[b].weight * f[i].bins[b].rows;
			}
			good &= fabs(mean) < 1e-6 * rows;
			first[i] = f[i].bins;
		}
		/* as many as there were: what the intercept, which is free, sees to */
		for (int row = 0; row < rows; row++)
		{
			double		z = card.intercept;

			for (int i = 0; i < card.nfeatures; i++)
				if (f[i].nbins > 0)
					z += f[i].bins[f[i].codes[row] > 0 ? f[i].values[f[i].codes[row] - 1].bin : f[i].nbins - 1].weight;
			good &= z <= card.high + 1e-9;
			promised += leadcrm_sigmoid(z);
		}
		good &= fabs(promised - positives) < 1e-3;
		good &= card.low <= card.high && card.penalty > 0;

		again = card;
		good &= leadcrm_scorecard_learn(&env, &again) && again.intercept == card.intercept;
		for (int i = 0; i < card.nfeatures; i++)
			good &= f[i].nbins == 0 || memcmp(first[i], f[i].bins, sizeof(LeadcrmBin) * f[i].nbins) == 0;
	}
	free_all();
	return good;
}

static void
random_part(uint64_t seed, int n)
{
	bool		fits = true;
	bool		bins = true;
	bool		learning = true;

	state = seed;
	for (int i = 0; i < n; i++)
	{
		fits &= check_fit();
		for (int j = 0; j < 10; j++)
			bins &= check_bins();
		learning &= check_learning();
	}
	ok(fits, "random fits: gradient, minimum, and the minimum of a slower way");
	ok(bins, "random features: every row in its bin");
	ok(learning, "random scorecards: finite, centred, calibrated, the same again");
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
	ok(leadcrm_sigmoid(0) == 0.5 && leadcrm_sigmoid(800) == 1 && leadcrm_sigmoid(-800) == 0 && leadcrm_sigmoid(-30) > 0, "sigmoid does not overflow");

	/* one outcome, or no rows: nothing */
	{
		bool		outcome[3] = {true, true, true};
		LeadcrmScorecard card = {.rows = 3, .outcome = outcome};

		ok(!leadcrm_scorecard_learn(&env, &card), "one outcome");
		card.rows = 0;
		ok(!leadcrm_scorecard_learn(&env, &card), "no rows");
	}
	free_all();
	random_part(7, 25);
	ok(breaths > 0, "it can be interrupted");
	printf("1..%d\n", tests);
	return 0;
}
