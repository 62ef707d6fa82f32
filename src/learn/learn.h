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

/* Takes rows apart: row.c. */
typedef struct LeadcrmRowReader LeadcrmRowReader;

typedef struct LeadcrmLearnState
{
	MemoryContext context;
	MemoryContext scratch;		/* of one row; NULL where features come as JSON */
	LeadcrmRowReader *reader;	/* likewise */
	int64		seen;			/* rows with an outcome */
	int			rows;			/* of them kept */
	int			max_rows;		/* that there is room for */
	bool	   *outcome;
	LeadcrmGathered *features;
	int			nfeatures;
	int			max_features;
} LeadcrmLearnState;

extern LeadcrmLearnState *leadcrm_gather_start(MemoryContext aggregate);
extern int	leadcrm_gather_row(LeadcrmLearnState *state, bool outcome);
extern int	leadcrm_gather_feature(LeadcrmLearnState *state, const char *name, int length, int near);
extern void leadcrm_gather_value(LeadcrmLearnState *state, int feature, int row, LeadcrmValue value);

extern LeadcrmRowReader *leadcrm_read_row(LeadcrmRowReader *reader, MemoryContext parent, Datum names, Datum record);
extern int	leadcrm_row_columns(const LeadcrmRowReader *reader);
extern const char *leadcrm_row_name(const LeadcrmRowReader *reader, int column, int *length);
extern void **leadcrm_row_feature(LeadcrmRowReader *reader, int column);
extern bool leadcrm_row_value(LeadcrmRowReader *reader, int column, LeadcrmValue *value);

extern Datum leadcrm_write_scorecard(LeadcrmLearnState *state);

#endif							/* LEADCRM_LEARN_H */
