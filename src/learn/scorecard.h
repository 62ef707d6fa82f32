/*
 * scorecard.h
 *		Learning an additive scorecard: attributes cut into bins, a weight for each bin. Pure: no PostgreSQL here.
 */
#ifndef LEADCRM_SCORECARD_H
#define LEADCRM_SCORECARD_H

#include "learn/logistic.h"

typedef enum LeadcrmValueKind
{
	LEADCRM_TEXT,
	LEADCRM_BOOLEAN,
	LEADCRM_NUMBER,
	LEADCRM_POOLED				/* stands for texts that are kept no further: never a level of its own */
} LeadcrmValueKind;

/* A distinct value of a feature. */
typedef struct LeadcrmValue
{
	LeadcrmValueKind kind;
	double		number;			/* of a number, finite; of a boolean, 0 or 1 */
	const char *text;			/* of a text, not terminated; else NULL */
	int			length;			/* of the text, in bytes */
	/* counted and decided by leadcrm_scorecard_learn() */
	int			rows;
	int			bin;			/* number within the feature, or -1 */
} LeadcrmValue;

typedef enum LeadcrmBinKind
{
	LEADCRM_MISSING,			/* no value */
	LEADCRM_LEVEL,				/* one text or boolean */
	LEADCRM_RANGE,				/* numbers from low to before the next range's low */
	LEADCRM_OTHER				/* rare texts together */
} LeadcrmBinKind;

typedef struct LeadcrmBin
{
	LeadcrmBinKind kind;
	int			value;			/* of a level: which value */
	double		low;			/* of a range: the least number seen in it; the first range begins at minus infinity */
	double		high;			/* of a range: the greatest number seen in it; the last one ends at infinity */
	int			rows;
	int			positives;
	int			column;			/* number within the feature; bins that are alike share one, and so a weight */
	double		weight;			/* log-odds beside those of the average row */
} LeadcrmBin;

typedef struct LeadcrmFeature
{
	int			nvalues;
	LeadcrmValue *values;
	const uint32_t *codes;		/* of each row: 0 where it has no value, else 1 + number of the value */
	/* out; ranges ascend and stand together */
	int			nbins;			/* 0: says nothing */
	LeadcrmBin *bins;
	int			ncolumns;		/* that its bins have together */
	int			decimals;		/* places after the point that all its numbers need, at most LEADCRM_MAX_DECIMALS + 1 */
} LeadcrmFeature;

#define LEADCRM_MAX_DECIMALS 12

typedef struct LeadcrmScorecard
{
	int			rows;
	const bool *outcome;
	int			nfeatures;
	LeadcrmFeature *features;
	/* out */
	int			positives;
	double		intercept;		/* log-odds of the average row */
	double		penalty;		/* the ridge that cross-validation chose */
	double		low;			/* the 1st percentile of the rows' log-odds */
	double		high;			/* the greatest */
} LeadcrmScorecard;

extern bool leadcrm_scorecard_learn(const LeadcrmLearnEnv *env, LeadcrmScorecard *card);
extern void leadcrm_scorecard_bin(const LeadcrmLearnEnv *env, const LeadcrmScorecard *card, LeadcrmFeature *feature, int max_bins);
extern void leadcrm_scorecard_group(const LeadcrmLearnEnv *env, LeadcrmScorecard *card, double *weight, double *covariance);

#endif							/* LEADCRM_SCORECARD_H */
