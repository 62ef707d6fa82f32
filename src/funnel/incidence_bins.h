/*
 * incidence_bins.h
 *		What incidence_math.h finds out, of stays that are known by bins only: pure code, no PostgreSQL calls.
 */
#ifndef LEADCRM_INCIDENCE_BINS_H
#define LEADCRM_INCIDENCE_BINS_H

#include <stddef.h>
#include <stdint.h>

#include "funnel/incidence_math.h"

/* So many stays from "from" to before "until"; of just that length, where they are equal. */
typedef struct LeadcrmLump
{
	int64_t		from;			/* µs, at least 0 */
	int64_t		until;
	double		count;			/* greater than 0 */
} LeadcrmLump;

/* Stays that ended alike.  Those in an array ascend and don't overlap. */
typedef struct LeadcrmLumps
{
	LeadcrmLump *spread;		/* from < until */
	size_t		nspread;
	LeadcrmLump *exact;			/* from = until */
	size_t		nexact;
} LeadcrmLumps;

#define LEADCRM_WAYS 3			/* values of LeadcrmWent */

extern double leadcrm_expected_share(const LeadcrmLumps *lumps);
extern void leadcrm_expected_range(const LeadcrmLumps *lumps, double *least, double *most);

#endif							/* LEADCRM_INCIDENCE_BINS_H */
