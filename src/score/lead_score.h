/*
 * lead_score.h
 *		leadcrm.lead_score as PostgreSQL stores it, and what its functions share.
 */
#ifndef LEADCRM_LEAD_SCORE_H
#define LEADCRM_LEAD_SCORE_H

#include "fmgr.h"
#include "utils/timestamp.h"

#include "score/score_math.h"

/*
 * On disk: 24 bytes, the first of them the version of this format. The mantissa is never other than zero or in [1, 2) but
 * for its sign, so that its 52 fraction bits and two flags, with the version below them, fill one word. One score has one
 * image: equality, hash and the deduplication of btree pages rely on it.
 */
typedef struct LeadcrmStoredScore
{
	uint64		head;			/* fraction << 12 | negative << 9 | not zero << 8 | version */
	int64		exponent;
	int64		half_life;		/* microseconds */
} LeadcrmStoredScore;

#define LEADCRM_SCORE_VERSION 1

StaticAssertDecl(sizeof(LeadcrmStoredScore) == 24, "the SQL type has this length");

extern void leadcrm_score_load(const LeadcrmStoredScore *stored, LeadcrmScore *score);
extern Datum leadcrm_score_store(const LeadcrmScore *score);
extern Datum leadcrm_score_store_sum(const LeadcrmScoreSum *sum, int64 half_life);
extern int64 leadcrm_score_half_life(const Interval *half_life);
extern void leadcrm_score_check_points(float8 points);
extern void leadcrm_score_check_time(TimestampTz at);
extern char *leadcrm_score_interval_text(int64 half_life);
pg_noreturn extern void leadcrm_score_mixed(int64 a, int64 b);

#define PG_GETARG_SCORE(n, score) \
	leadcrm_score_load((const LeadcrmStoredScore *) PG_GETARG_POINTER(n), (score))

#endif							/* LEADCRM_LEAD_SCORE_H */
