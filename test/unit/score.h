/*
 * score.h
 *		What the unit tests of scores share: random scores, and what is asked of them.
 */
#ifndef LEADCRM_UNIT_SCORE_H
#define LEADCRM_UNIT_SCORE_H

#include "score/score_math.h"
#include "unit.h"

#define MAX LEADCRM_SCORE_MAX_EXPONENT

/* an integer from 1 to 2^63 - 1, of any size */
static inline int64_t
any_size(void)
{
	return (int64_t) (next() >> (1 + below(63))) | 1;
}

static inline LeadcrmScore
any_score(void)
{
	LeadcrmScore score = {.half_life = any_size()};

	if (below(10) != 0)
	{
		score.mantissa = (below(2) ? 1 : -1) * (1 + (below(4) ? share() : 0));
		score.exponent = below(4) ? below(2000) - 1000 : below(4) ? any_size() : MAX - below(3);
		if (score.exponent > MAX)
			score.exponent = MAX;
		if (below(2))
			score.exponent = -score.exponent;
	}
	return score;
}

static inline double
value_at(LeadcrmScore score, int64_t at)
{
	double		points;

	return leadcrm_score_value_at(&score, at, &points) ? points : INFINITY;
}

static inline bool
equal(LeadcrmScore a, LeadcrmScore b)
{
	return a.half_life == b.half_life && a.exponent == b.exponent && memcmp(&a.mantissa, &b.mantissa, sizeof(double)) == 0;
}

#endif							/* LEADCRM_UNIT_SCORE_H */
