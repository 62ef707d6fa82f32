/*
 * learn.h
 *		What the aggregate that gathers rows and the file that writes scorecards share.
 */
#ifndef LEADCRM_LEARN_H
#define LEADCRM_LEARN_H

#include "learn/scorecard.h"

/* A feature while rows come in: its distinct values, and which of them each row has. */
typedef struct LeadcrmGathered
{
	char	   *name;			/* terminated */
	int			length;
	LeadcrmValue *values;
	uint32	   *hashes;			/* of the values */
	int			nvalues;
	int			max_values;		/* that there is room for */
	uint32	   *slots;			/* hash table: 1 + number of a value, 0 where empty */
	uint32		mask;			/* its size less 1 */
	uint32	   *codes;			/* of each row: 0, or 1 + number of its value */
} LeadcrmGathered;

typedef struct LeadcrmLearnState
{
	MemoryContext context;
	int64		seen;			/* rows with an outcome */
	int			rows;			/* of them kept */
	int			max_rows;		/* that there is room for */
	bool	   *outcome;
	LeadcrmGathered *features;
	int			nfeatures;
	int			max_features;
} LeadcrmLearnState;

extern Datum leadcrm_write_scorecard(LeadcrmLearnState *state);

#endif							/* LEADCRM_LEARN_H */
