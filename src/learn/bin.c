/*
 * bin.c
 *		Cuts the values of a feature into bins: numbers into ranges of about as many rows each, with a range of its own for a number
 *		that is as frequent; texts into one level each, the rare ones pooled; missing values apart.
 *
 * No PostgreSQL here.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/scorecard.h"

#define RARE 5					/* rows of a value: too few to learn from */
#define RARE_SHARE 2000			/* likewise, one in so many rows */

static int
compare_numbers(const void *a, const void *b)
{
	double		x = (*(LeadcrmValue *const *) a)->number;
	double		y = (*(LeadcrmValue *const *) b)->number;

	return (x > y) - (x < y);
}

/* Frequent ones first; then booleans, then texts by their bytes. What is pooled comes last. */
static int
compare_levels(const void *a, const void *b)
{
	const LeadcrmValue *x = *(LeadcrmValue *const *) a;
	const LeadcrmValue *y = *(LeadcrmValue *const *) b;
	int			order;

	if ((x->kind == LEADCRM_POOLED) != (y->kind == LEADCRM_POOLED))
		return x->kind == LEADCRM_POOLED ? 1 : -1;
	if (x->rows != y->rows)
		return x->rows > y->rows ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind == LEADCRM_BOOLEAN ? -1 : 1;
	if (x->kind != LEADCRM_TEXT)
		return (x->number > y->number) - (x->number < y->number);
	order = memcmp(x->text, y->text, x->length < y->length ? x->length : y->length);
	return order != 0 ? order : (x->length > y->length) - (x->length < y->length);
}

static LeadcrmBin *
add_bin(LeadcrmFeature *feature, LeadcrmBinKind kind)
{
	LeadcrmBin *bin = &feature->bins[feature->nbins++];

	memset(bin, 0, sizeof(LeadcrmBin));
	bin->kind = kind;
	bin->value = -1;
	bin->column = feature->nbins - 1;
	return bin;
}

/* Places after the point that a number needs; LEADCRM_MAX_DECIMALS + 1 where these are not enough. */
static int
count_decimals(double x)
{
	double		power = 1;

	if (fabs(x) >= 1e15)
		return 0;
	for (int places = 0; places <= LEADCRM_MAX_DECIMALS; places++, power *= 10)
	{
		double		scaled = x * power;

		if (fabs(scaled) < 1e15 && fabs(scaled - nearbyint(scaled)) <= 1e-12 * fmax(1, fabs(scaled)))
			return places;
	}
	return LEADCRM_MAX_DECIMALS + 1;
}

/* n numbers in order, with so many rows together, into at most max_bins ranges. */
static void
make_ranges(LeadcrmFeature *feature, LeadcrmValue **number, int n, double rows, double rare, int max_bins)
{
	double		heavy = fmax(rows / max_bins, rare);
	double		rest = rows;
	int			left = max_bins;
	double		size;
	LeadcrmBin *bin = NULL;
	bool		closed = true;

	/* what remains beside the frequent numbers is divided among the ranges that remain */
	for (int i = 0; i < n; i++)
		if (number[i]->rows >= heavy)
		{
			rest -= number[i]->rows;
			left--;
		}
	size = fmax(rest / (left > 1 ? left : 1), rare);

	for (int i = 0; i < n; i++)
	{
		bool		alone = number[i]->rows >= heavy;

		/* a few rows before a frequent number, or at the end, join the range before them */
		if (closed || alone)
		{
			if (bin == NULL || alone || feature->nbins < max_bins)
			{
				bin = add_bin(feature, LEADCRM_RANGE);
				bin->low = number[i]->number;
			}
			closed = false;
		}
		bin->high = number[i]->number;
		bin->rows += number[i]->rows;
		number[i]->bin = feature->nbins - 1;
		if (alone || bin->rows >= size)
			closed = true;
	}
}

/*
 * leadcrm_scorecard_bin
 *		Makes the bins of a feature, at most about max_bins for its numbers and as many for its texts, counts their rows and says of each
 *		value in which it lies. A feature whose rows all fall into one bin gets none.
 */
void
leadcrm_scorecard_bin(const LeadcrmLearnEnv *env, const LeadcrmScorecard *card, LeadcrmFeature *feature, int max_bins)
{
	LeadcrmValue **order = env->allocate(sizeof(LeadcrmValue *) * (feature->nvalues + 1));
	double		rare = fmax(RARE, floor((double) card->rows / RARE_SHARE));
	double		rows = 0;
	int			missing = 0;
	int			missing_positives = 0;
	int			n = 0;
	int			used = 0;

	for (int v = 0; v < feature->nvalues; v++)
	{
		feature->values[v].rows = 0;
		feature->values[v].bin = -1;
	}
	for (int row = 0; row < card->rows; row++)
	{
		if (feature->codes[row] == 0)
		{
			missing++;
			missing_positives += card->outcome[row];
		}
		else
			feature->values[feature->codes[row] - 1].rows++;
	}

	feature->nbins = 0;
	feature->decimals = 0;
	/* numbers: frequent ones can make some more ranges than max_bins */
	feature->bins = env->allocate(sizeof(LeadcrmBin) * (3 * (size_t) max_bins + 4));
	for (int v = 0; v < feature->nvalues; v++)
		if (feature->values[v].kind == LEADCRM_NUMBER && feature->values[v].rows > 0)
		{
			int			decimals = count_decimals(feature->values[v].number);

			order[n++] = &feature->values[v];
			rows += feature->values[v].rows;
			if (decimals > feature->decimals)
				feature->decimals = decimals;
		}
	if (n > 0)
	{
		qsort(order, n, sizeof(LeadcrmValue *), compare_numbers);
		make_ranges(feature, order, n, rows, rare, max_bins);
	}

	/* texts and booleans */
	n = 0;
	for (int v = 0; v < feature->nvalues; v++)
		if (feature->values[v].kind != LEADCRM_NUMBER && feature->values[v].rows > 0)
			order[n++] = &feature->values[v];
	qsort(order, n, sizeof(LeadcrmValue *), compare_levels);
	for (; used < n && used < max_bins && order[used]->rows >= rare && order[used]->kind != LEADCRM_POOLED; used++)
	{
		LeadcrmBin *bin = add_bin(feature, LEADCRM_LEVEL);

		bin->value = (int) (order[used] - feature->values);
		bin->rows = order[used]->rows;
		order[used]->bin = feature->nbins - 1;
	}
	if (used < n)
	{
		LeadcrmBin *bin = add_bin(feature, LEADCRM_OTHER);

		for (; used < n; used++)
		{
			bin->rows += order[used]->rows;
			order[used]->bin = feature->nbins - 1;
		}
	}
	if (missing > 0)
	{
		LeadcrmBin *bin = add_bin(feature, LEADCRM_MISSING);

		bin->rows = missing;
		bin->positives = missing_positives;
	}
	feature->ncolumns = feature->nbins;
	if (feature->nbins <= 1)
	{
		feature->nbins = 0;
		return;
	}
	for (int row = 0; row < card->rows; row++)
		if (feature->codes[row] > 0 && card->outcome[row])
			feature->bins[feature->values[feature->codes[row] - 1].bin].positives++;
}
