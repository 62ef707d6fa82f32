/*
 * scorecard.c
 *		Learns an additive scorecard: codes the bins of all features as columns, chooses the penalty by cross-validation, fits the
 *		weights, joins bins that are alike, fits again and centres the weights.
 *
 * No PostgreSQL here.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/scorecard.h"

#define MAX_COLUMNS 1200		/* of the design matrix, aimed at */
#define MAX_BINS 40				/* of a feature */
#define MIN_BINS 4
#define ROWS_A_BIN 50			/* there are no more bins of a feature than that leaves, but MIN_BINS */
#define FOLDS 5
#define VALIDATION_ROWS 6000	/* cross-validation takes no more */
#define VALIDATION_WORK 4e9		/* multiplications that it may take, by and large */
#define USUAL_RIDGE 4
#define SMOOTH 4				/* of neighbouring ranges, in units of the ridge */

static const double ridges[] = {1, 4, 16, 64, 256};

#define NRIDGES ((int) (sizeof(ridges) / sizeof(ridges[0])))

/* The rows as columns of a design matrix. Features without bins have no columns. */
static LeadcrmDesign
make_design(const LeadcrmLearnEnv *env, const LeadcrmScorecard *card)
{
	LeadcrmDesign design = {.rows = card->rows, .columns = 1, .outcome = card->outcome};
	uint16_t   *column;
	bool	   *follows;
	int			base = 1;
	int			place = 0;

	for (int f = 0; f < card->nfeatures; f++)
		if (card->features[f].nbins > 0)
		{
			design.features++;
			design.columns += card->features[f].ncolumns;
		}
	column = env->allocate(sizeof(uint16_t) * ((size_t) design.features * card->rows + 1));
	follows = env->allocate(sizeof(bool) * design.columns);
	memset(follows, 0, sizeof(bool) * design.columns);
	for (int f = 0; f < card->nfeatures; f++)
	{
		const LeadcrmFeature *feature = &card->features[f];
		int			missing = 0;

		if (feature->nbins == 0)
			continue;
		for (int b = 0; b < feature->nbins; b++)
		{
			if (feature->bins[b].kind == LEADCRM_MISSING)
				missing = b;
			/* ranges have columns of their own, in their order */
			if (b > 0 && feature->bins[b].kind == LEADCRM_RANGE && feature->bins[b - 1].kind == LEADCRM_RANGE)
				follows[base + feature->bins[b].column] = true;
		}
		for (int row = 0; row < card->rows; row++)
		{
			uint32_t	code = feature->codes[row];

			column[(size_t) row * design.features + place] =
				(uint16_t) (base + feature->bins[code == 0 ? missing : feature->values[code - 1].bin].column);
		}
		base += feature->ncolumns;
		place++;
	}
	design.column = column;
	design.follows = follows;
	return design;
}

/* Every n-th row of a design, so that no more than VALIDATION_ROWS are left. */
static LeadcrmDesign
thin_out(const LeadcrmLearnEnv *env, const LeadcrmDesign *design)
{
	LeadcrmDesign thin = *design;
	int			stride = (design->rows + VALIDATION_ROWS - 1) / VALIDATION_ROWS;
	uint16_t   *column;
	bool	   *outcome;

	if (stride <= 1)
		return thin;
	thin.rows = (design->rows + stride - 1) / stride;
	column = env->allocate(sizeof(uint16_t) * (size_t) thin.rows * design->features + 1);
	outcome = env->allocate(sizeof(bool) * thin.rows);
	for (int row = 0; row < thin.rows; row++)
	{
		memcpy(column + (size_t) row * design->features, design->column + (size_t) row * stride * design->features,
			   sizeof(uint16_t) * design->features);
		outcome[row] = design->outcome[(size_t) row * stride];
	}
	thin.column = column;
	thin.outcome = outcome;
	return thin;
}

/* The weights of no knowledge: the intercept that gives the share of positive rows. */
static void
start(const LeadcrmDesign *design, double *weight)
{
	int			positives = 0;

	for (int row = 0; row < design->rows; row++)
		positives += design->outcome[row];
	memset(weight, 0, sizeof(double) * design->columns);
	weight[0] = log((positives + 0.5) / (design->rows - positives + 0.5));
}

/*
 * The ridge whose fits to four fifths of the rows foretell the other fifth best. It is the variance that weights are expected to have,
 * turned over, so the best one for some rows is the one for more of them.
 */
static double
choose_ridge(const LeadcrmLearnEnv *env, const LeadcrmDesign *all)
{
	LeadcrmDesign design = thin_out(env, all);
	double		d = design.columns;
	double		work = FOLDS * NRIDGES * 5 * ((double) design.rows * design.features * (design.features + 1) / 2 + d * d * d / 6);
	double	   *weight;
	double		deviance[NRIDGES] = {0};
	int			best = NRIDGES - 1;

	if (work > VALIDATION_WORK || design.rows < 2 * FOLDS)
		return USUAL_RIDGE;
	weight = env->allocate(sizeof(double) * design.columns);
	for (int fold = 0; fold < FOLDS; fold++)
	{
		LeadcrmPart part = {FOLDS, fold};

		/* from the strongest on, each from where the one before ended */
		start(&design, weight);
		for (int r = NRIDGES - 1; r >= 0; r--)
		{
			(void) leadcrm_logistic_fit(env, &design, part, ridges[r], SMOOTH * ridges[r], 1e-2, weight);
			deviance[r] += leadcrm_logistic_deviance(&design, part, weight);
		}
	}
	for (int r = NRIDGES - 2; r >= 0; r--)
		if (deviance[r] < deviance[best])
			best = r;
	return ridges[best];
}

static inline int
at_most(int n, int limit)
{
	return n < limit ? n : limit;
}

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

/* The weights of all columns, the intercept first. */
static double *
fit(const LeadcrmLearnEnv *env, const LeadcrmDesign *design, double ridge, double smooth, double small_step)
{
	LeadcrmPart all = {0, 0};
	double	   *weight = env->allocate(sizeof(double) * design->columns);

	start(design, weight);
	(void) leadcrm_logistic_fit(env, design, all, ridge, smooth, small_step, weight);
	return weight;
}

/*
 * leadcrm_scorecard_learn
 *		Cuts the features into bins and gives each bin its weight. False where all rows have one outcome, or there are none: nothing
 *		is learned then. Ties and orders are decided by the values, never by addresses, so that the same rows in the same order give the
 *		same scorecard.
 */
bool
leadcrm_scorecard_learn(const LeadcrmLearnEnv *env, LeadcrmScorecard *card)
{
	LeadcrmDesign design;
	LeadcrmPart all = {0, 0};
	double	   *weight;
	double	   *covariance;
	double	   *scores;
	int			max_bins = card->nfeatures > 0 ? MAX_COLUMNS / card->nfeatures : MAX_BINS;
	int			base = 1;

	card->positives = 0;
	for (int row = 0; row < card->rows; row++)
		card->positives += card->outcome[row];
	if (card->positives == 0 || card->positives == card->rows)
		return false;

	max_bins = at_most(at_most(max_bins, MAX_BINS), card->rows / ROWS_A_BIN);
	max_bins = max_bins < MIN_BINS ? MIN_BINS : max_bins;
	for (int f = 0; f < card->nfeatures; f++)
		leadcrm_scorecard_bin(env, card, &card->features[f], max_bins);

	/* narrow bins first: what they say, smoothed, tells which of them are one */
	design = make_design(env, card);
	card->penalty = choose_ridge(env, &design);
	weight = fit(env, &design, card->penalty, SMOOTH * card->penalty, 1e-3);
	covariance = env->allocate(sizeof(double) * design.columns * design.columns);
	if (leadcrm_logistic_covariance(env, &design, all, card->penalty, SMOOTH * card->penalty, weight, covariance))
		leadcrm_scorecard_group(env, card, weight, covariance);
	design = make_design(env, card);
	weight = fit(env, &design, card->penalty, 0, 1e-7);

	scores = env->allocate(sizeof(double) * card->rows);
	for (int row = 0; row < card->rows; row++)
		scores[row] = leadcrm_logistic_score(&design, row, weight);
	qsort(scores, card->rows, sizeof(double), compare_doubles);
	card->low = scores[card->rows / 100];
	card->high = scores[card->rows - 1];

	/* what no bin is known of counts as the average row: so each feature's average is moved into the intercept */
	card->intercept = weight[0];
	for (int f = 0; f < card->nfeatures; f++)
	{
		LeadcrmFeature *feature = &card->features[f];
		double		mean = 0;

		if (feature->nbins == 0)
			continue;
		for (int b = 0; b < feature->nbins; b++)
			mean += weight[base + feature->bins[b].column] * feature->bins[b].rows / card->rows;
		for (int b = 0; b < feature->nbins; b++)
			feature->bins[b].weight = weight[base + feature->bins[b].column] - mean;
		card->intercept += mean;
		base += feature->ncolumns;
	}
	return true;
}
