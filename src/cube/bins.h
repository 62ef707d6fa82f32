/*
 * bins.h
 *		The bins that times are counted in where the order of what happened must be told: pure code, no PostgreSQL calls.
 *
 * A stay that is a whole number of quarters of an hour has a bin of its own, and so has an instant on such a quarter (UTC; all of
 * today's time zones have their midnights there): what was entered by the day or by the hour keeps its order exactly.  Other stays
 * are counted to 1/64 of themselves, or to 2^30 µs (18 minutes) where that is less, but no finer than 1/2048 of themselves; other
 * instants to 2^30 µs.
 *
 * A bin's number says that it stands for one length by bit 0, for one instant by bits 0 and 1.
 */
#ifndef LEADCRM_BINS_H
#define LEADCRM_BINS_H

#include <stdbool.h>
#include <stdint.h>

#define BIN_BITS 48				/* a bin's number is below 2 to the power of this */

/* What is in a bin: from "from" to before "until"; or just that, where they are equal.  Microseconds. */
typedef struct LeadcrmSpan
{
	int64_t		from;
	int64_t		until;
} LeadcrmSpan;

extern int64_t leadcrm_stay_bin(int64_t us);
extern bool leadcrm_stay_span(int64_t bin, LeadcrmSpan *span);
extern int64_t leadcrm_instant_bin(int64_t at);
extern bool leadcrm_instant_span(int64_t bin, LeadcrmSpan *span);

#endif							/* LEADCRM_BINS_H */
