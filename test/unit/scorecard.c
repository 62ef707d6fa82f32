/*
 * scorecard.c
 *		Unit test of src/learn: the fit against a slow one written otherwise, gradients against differences, bins against what they
 *		promise.
 *		sources: src/learn/logistic.c src/learn/scorecard.c src/learn/bin.c src/learn/group.c
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

/* Covariances: times the second derivatives, by differences of the gradient, they are one. */
static bool
check_covariance(void)
{
	LeadcrmDesign d = random_design(5 + (int) pick(60));
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

/* Joined bins: every row still in its bin, alike ones together, no two groups side by side that are alike. */
static bool
check_groups(void)
{
	int			rows = 20 + (int) pick(3000);
	LeadcrmFeature f = random_feature(rows, (int) pick(120), (int) pick(40));
	bool	   *outcome = allocate(rows);
	LeadcrmScorecard card = {.rows = rows, .outcome = outcome, .nfeatures = 1, .features = &f};
	double		spread = 2 * share();
	double		weight[400];
	double		information[400];
	int			from = 0;
	long		total = 0;
	long		positives = 0;
	bool		good = true;

	for (int row = 0; row < rows; row++)
		outcome[row] = pick(4) == 0;
	leadcrm_scorecard_bin(&env, &card, &f, 4 + (int) pick(37));
	if (f.nbins == 0 || f.nbins > 400)
	{
		free_all();
		return true;
	}
	/* what each row's column should weigh, by the old bins */
	memset(weight, 0, sizeof(weight));
	memset(information, 0, sizeof(information));
	{
		int		   *old = allocate(sizeof(int) * (f.nvalues + 1));
		LeadcrmBin *before = allocate(sizeof(LeadcrmBin) * f.nbins);
		int			nbefore = f.nbins;
		int			d = nbefore + 1;
		double	   *given = allocate(sizeof(double) * d);
		double	   *w = allocate(sizeof(double) * d);
		double	   *covariance = allocate(sizeof(double) * d * d);

		/* weights that know nothing of each other: a joined one is the mean, by information */
		memset(covariance, 0, sizeof(double) * d * d);
		covariance[0] = 1;
		w[0] = 0;
		for (int b = 0; b < nbefore; b++)
		{
			double		p = (f.bins[b].positives + 0.5) / (f.bins[b].rows + 1.0);

			w[b + 1] = given[b + 1] = spread * (pick(2) ? share() : pick(3));
			covariance[(size_t) (b + 1) * d + b + 1] = 1 / (f.bins[b].rows * p * (1 - p));
		}

		memcpy(before, f.bins, sizeof(LeadcrmBin) * f.nbins);
		for (int v = 0; v < f.nvalues; v++)
			old[v] = f.values[v].bin;
		leadcrm_scorecard_group(&env, &card, w, covariance);
		if (f.nbins == 0)
			good &= f.ncolumns == 1;
		for (int v = 0; f.nbins > 0 && v < f.nvalues; v++)
			if (old[v] >= 0)
			{
				const LeadcrmBin *bin = &f.bins[f.values[v].bin];

				good &= bin->kind == before[old[v]].kind && bin->value == before[old[v]].value;
				if (bin->kind == LEADCRM_RANGE)
					good &= bin->low <= f.values[v].number && f.values[v].number <= bin->high;
			}
		for (int b = 0; f.nbins > 0 && b < nbefore; b++)
		{
			int			column = -1;
			double		p = (before[b].positives + 0.5) / (before[b].rows + 1.0);
			double		i = before[b].rows * p * (1 - p);

			for (int c = 0; c < f.nbins; c++)
				if (f.bins[c].kind == before[b].kind && f.bins[c].value == before[b].value &&
					(f.bins[c].kind != LEADCRM_RANGE || (f.bins[c].low <= before[b].low && before[b].high <= f.bins[c].high)))
					column = f.bins[c].column;
			good &= column >= 0 && column < f.ncolumns;
			weight[column] += given[b + 1] * i;
			information[column] += i;
		}
	}
	for (int b = 0; b < f.nbins; b++)
	{
		total += f.bins[b].rows;
		positives += f.bins[b].positives;
		if (f.bins[b].kind == LEADCRM_RANGE)
		{
			good &= f.bins[b].column == b;
			from = b + 1;
		}
	}
	if (f.nbins > 0)
	{
		good &= total == rows && f.ncolumns > 1 && f.ncolumns <= f.nbins;
		for (int row = 0; row < rows; row++)
			positives -= outcome[row];
		good &= positives == 0;
	}
	/* ranges beside each other, and any two of the others */
	for (int a = 0; f.nbins > 0 && a < f.ncolumns; a++)
		for (int b = 0; b < f.ncolumns; b++)
		{
			double		d = weight[a] / information[a] - weight[b] / information[b];

			if (a < from ? b == a + 1 && b < from : b >= from && a != b)
				good &= d * d * information[a] * information[b] / (information[a] + information[b]) >= 4 - 1e-9;
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
	bool		groups = true;
	bool		learning = true;

	state = seed;
	for (int i = 0; i < n; i++)
	{
		fits &= check_fit();
		fits &= check_covariance();
		for (int j = 0; j < 10; j++)
		{
			bins &= check_bins();
			groups &= check_groups();
		}
		learning &= check_learning();
	}
	ok(fits, "random fits: gradient, minimum, the minimum of a slower way, covariances");
	ok(bins, "random features: every row in its bin");
	ok(groups, "joined bins: alike ones together, and no others");
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

	/* two features that say the same: neither alone is more than chance; when the first has gone, the second has all of the effect */
	{
		LeadcrmBin	bins[2][2];
		LeadcrmFeature f[2];
		LeadcrmScorecard card = {.nfeatures = 2, .features = f};
		double		w[5] = {0, -0.25, 0.25, -0.24, 0.26};
		double		covariance[25] = {0};

		memset(f, 0, sizeof(f));
		memset(bins, 0, sizeof(bins));
		covariance[0] = 1;
		for (int i = 0; i < 2; i++)
		{
			f[i].nbins = 2;
			f[i].bins = bins[i];
			for (int b = 0; b < 2; b++)
			{
				bins[i][b].kind = b == 0 ? LEADCRM_MISSING : LEADCRM_LEVEL;
				covariance[6 * (1 + 2 * i + b)] = 0.05;
				covariance[5 * (1 + 2 * i + b) + 3 - 2 * i + b] = -0.049;
			}
		}
		leadcrm_scorecard_group(&env, &card, w, covariance);
		ok(f[0].nbins == 0 && f[1].nbins == 2 && f[1].ncolumns == 2 && bins[1][0].column != bins[1][1].column, "of two that say the same one is kept");
		ok(fabs(w[1] - w[2]) < 1e-9 && fabs(w[4] - w[3] - 0.99) < 1e-9, "with the whole effect");
		free_all();
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
