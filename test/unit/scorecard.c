/*
 * scorecard.c
 *		Unit test of src/learn: bins and their joining against what they promise, and the scorecard that is learned with them.
 *		sources: src/learn/scorecard.c src/learn/bin.c src/learn/group.c src/learn/logistic.c
 *
 * With a number as argument it runs the random part only, from that seed: make fuzz.
 */
#include <math.h>
#include <string.h>

#include "learn/scorecard.h"
#include "learn.h"

/* A feature of random values: some missing, some numbers, some texts, some frequent. */
static LeadcrmFeature
random_feature(int rows, int numbers, int texts)
{
	static const char *const letters = "abcdefghijklmnopqrstuvwxyz0123456789";
	LeadcrmFeature f = {.nvalues = numbers + texts};
	uint32_t   *codes = allocate(sizeof(uint32_t) * rows);
	int			missing = (int) below(3);

	f.values = allocate(sizeof(LeadcrmValue) * (f.nvalues + 1));
	for (int v = 0; v < f.nvalues; v++)
	{
		LeadcrmValue *value = &f.values[v];

		memset(value, 0, sizeof(LeadcrmValue));
		if (v < numbers)
		{
			value->kind = LEADCRM_NUMBER;
			/* all different, in no order */
			value->number = ((v * 7919) % numbers - numbers / 3) * (below(100) == 0 ? 1 : 0.25);
			for (int u = 0; u < v; u++)
				if (f.values[u].number == value->number)
				{
					value->number += 1e6 * (v + 1);
					u = -1;
				}
		}
		else if (v == f.nvalues - 1 && below(4) == 0)
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
		if (f.nvalues == 0 || (missing && below(missing * 4) == 0))
			codes[row] = 0;
		else
			codes[row] = 1 + (below(3) == 0 ? 0 : below(f.nvalues));
	}
	f.codes = codes;
	return f;
}

static bool
check_bins(void)
{
	int			rows = (int) below(2000);
	LeadcrmFeature f = random_feature(rows, (int) below(200), (int) below(60));
	bool	   *outcome = allocate(rows + 1);
	LeadcrmScorecard card = {.rows = rows, .outcome = outcome, .nfeatures = 1, .features = &f};
	int			max_bins = 4 + (int) below(37);
	long		total = 0;
	long		positives = 0;
	int			ranges = 0;
	bool		good = true;

	for (int row = 0; row < rows; row++)
		outcome[row] = below(3) == 0;
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
	int			rows = 20 + (int) below(3000);
	LeadcrmFeature f = random_feature(rows, (int) below(120), (int) below(40));
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
		outcome[row] = below(4) == 0;
	leadcrm_scorecard_bin(&env, &card, &f, 4 + (int) below(37));
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

			w[b + 1] = given[b + 1] = spread * (below(2) ? share() : below(3));
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
	int			rows = 2 + (int) below(400);
	LeadcrmFeature f[4];
	bool	   *outcome = allocate(rows);
	LeadcrmScorecard card = {.rows = rows, .outcome = outcome, .nfeatures = (int) below(5), .features = f};
	LeadcrmScorecard again;
	LeadcrmBin *first[4];
	bool		good = true;
	bool		learned;
	int			positives = 0;

	for (int i = 0; i < 4; i++)
		f[i] = random_feature(rows, (int) below(2) * (int) below(40), (int) below(30));
	for (int row = 0; row < rows; row++)
		positives += outcome[row] = below(10) == 0 ? below(2) : f[0].codes[row] % 2 == 1;
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
	bool		bins = true;
	bool		groups = true;
	bool		learning = true;

	state = seed;
	for (int i = 0; i < n; i++)
	{
		for (int j = 0; j < 10; j++)
		{
			bins &= check_bins();
			groups &= check_groups();
		}
		learning &= check_learning();
	}
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
