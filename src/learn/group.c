/*
 * group.c
 *		Joins bins that the rows cannot tell apart, so that what is learned can be read.
 *
 * Backward elimination by Wald tests: of all pairs of bins of one feature that may be joined (ranges side by side, any two of the
 * others) the two whose weights differ by the fewest standard errors become one, until every difference left is one that chance would
 * hardly make. Weights and covariances of all others follow each step as if they had been fitted under it, to second order: of two
 * features that say the same, the second one is kept when the first one has gone.
 *
 * No PostgreSQL here.
 */
#include <math.h>
#include <string.h>

#include "learn/scorecard.h"

#define ALIKE 4.0				/* squared standard errors: a difference that chance makes once in twenty times */

/* The state of the elimination: columns of the design, each of one bin at first. */
typedef struct Joining
{
	size_t		d;				/* columns, the intercept among them */
	double	   *weight;			/* d */
	double	   *covariance;		/* d * d */
	double	   *pull;			/* room for d */
} Joining;

/* Squared standard errors between two columns. */
static double
distance(const Joining *joining, size_t a, size_t b)
{
	const double *c = joining->covariance;
	double		difference = joining->weight[a] - joining->weight[b];
	double		variance = c[a * joining->d + a] + c[b * joining->d + b] - 2 * c[a * joining->d + b];

	/* columns that are one already differ by nothing, as do those that no row tells apart */
	return variance > 0 ? difference * difference / variance : 0;
}

/* Makes two columns weigh the same: the most likely weights under that condition, and what is then left of their covariances. */
static void
make_equal(const Joining *joining, size_t a, size_t b)
{
	size_t		d = joining->d;
	double	   *c = joining->covariance;
	double	   *pull = joining->pull;
	double		variance;
	double		step;

	for (size_t k = 0; k < d; k++)
		pull[k] = c[k * d + a] - c[k * d + b];
	variance = pull[a] - pull[b];
	if (!(variance > 0))
		return;
	step = (joining->weight[a] - joining->weight[b]) / variance;
	for (size_t k = 0; k < d; k++)
	{
		double	   *line = c + k * d;
		double		share = pull[k] / variance;

		joining->weight[k] -= pull[k] * step;
		for (size_t l = 0; l < d; l++)
			line[l] -= share * pull[l];
	}
}

/* May the bins be joined, as far as their kinds go? Ranges stand first and in their order; of joined ones the first stands for all. */
static bool
may_join(const LeadcrmFeature *feature, const int *next, int a, int b)
{
	if (feature->bins[a].kind == LEADCRM_RANGE || feature->bins[b].kind == LEADCRM_RANGE)
		return feature->bins[a].kind == feature->bins[b].kind && next[a] == b;
	return true;
}

/* Bins as they are after the joining; group: the first bin that each one was joined with. */
static void
close_ranks(const LeadcrmLearnEnv *env, LeadcrmFeature *feature, const int *group)
{
	int		   *place = env->allocate(sizeof(int) * (feature->nbins + 1));
	int		   *column = env->allocate(sizeof(int) * (feature->nbins + 1));
	int			nbins = 0;

	feature->ncolumns = 0;
	for (int b = 0; b < feature->nbins; b++)
	{
		LeadcrmBin	bin = feature->bins[b];
		LeadcrmBin *before = nbins > 0 ? &feature->bins[nbins - 1] : NULL;

		column[b] = group[b] == b ? feature->ncolumns++ : column[group[b]];
		bin.column = column[b];
		if (before != NULL && bin.kind == LEADCRM_RANGE && group[b] != b)
		{
			before->high = bin.high;
			before->rows += bin.rows;
			before->positives += bin.positives;
		}
		else
			feature->bins[nbins++] = bin;
		place[b] = nbins - 1;
	}
	for (int v = 0; v < feature->nvalues; v++)
		if (feature->values[v].bin >= 0)
			feature->values[v].bin = place[feature->values[v].bin];
	/* all alike: it says nothing */
	feature->nbins = feature->ncolumns > 1 ? nbins : 0;
}

/*
 * leadcrm_scorecard_group
 *		Joins bins that are alike: ranges become one bin, others share a column; a feature whose bins are all alike has none any more. weight
 *		and covariance are those of the design's columns, the intercept first, then each bin's in the order of features and bins; both are
 *		written over. Keeps the order of the bins, and where each value lies.
 */
void
leadcrm_scorecard_group(const LeadcrmLearnEnv *env, LeadcrmScorecard *card, double *weight, double *covariance)
{
	Joining		joining = {.d = 1, .weight = weight, .covariance = covariance};
	size_t	   *base = env->allocate(sizeof(size_t) * (card->nfeatures + 1));
	int		  **group = env->allocate(sizeof(int *) * (card->nfeatures + 1));
	int		  **next = env->allocate(sizeof(int *) * (card->nfeatures + 1));

	for (int f = 0; f < card->nfeatures; f++)
	{
		int			nbins = card->features[f].nbins;

		base[f] = joining.d;
		joining.d += nbins;
		group[f] = env->allocate(sizeof(int) * (nbins + 1));
		next[f] = env->allocate(sizeof(int) * (nbins + 1));
		for (int b = 0; b < nbins; b++)
		{
			group[f][b] = b;
			next[f][b] = b + 1;
		}
	}
	joining.pull = env->allocate(sizeof(double) * joining.d);

	for (;;)
	{
		double		least = ALIKE;
		int			feature = -1;
		int			first = 0;
		int			second = 0;

		for (int f = 0; f < card->nfeatures; f++)
			for (int a = 0; a < card->features[f].nbins; a++)
				for (int b = a + 1; group[f][a] == a && b < card->features[f].nbins; b++)
					if (group[f][b] == b && may_join(&card->features[f], next[f], a, b))
					{
						double		away = distance(&joining, base[f] + a, base[f] + b);

						if (away < least)
						{
							least = away;
							feature = f;
							first = a;
							second = b;
						}
					}
		if (feature < 0)
			break;
		if (env->breathe)
			env->breathe();
		make_equal(&joining, base[feature] + first, base[feature] + second);
		next[feature][first] = next[feature][second];
		for (int b = 0; b < card->features[feature].nbins; b++)
			if (group[feature][b] == second)
				group[feature][b] = first;
	}
	for (int f = 0; f < card->nfeatures; f++)
		close_ranks(env, &card->features[f], group[f]);
}
