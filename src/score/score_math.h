/*
 * score_math.h
 *		The arithmetic of decaying points, without PostgreSQL.
 *
 * Times are microseconds since 2000-01-01 UTC, half-lives are microseconds. An event of p points at time t is worth
 * p * 2^(-(T-t)/H) at time T. Everything is kept as worth at T = 0: p * 2^(t/H), a number far beyond the range of a
 * double (ten years at a half-life of a minute are a factor of 2^5,000,000), hence with a binary exponent of 64 bits.
 * t/H is split into exponent and fraction by integer division, so that no digit is lost however long ago t is.
 */
#ifndef LEADCRM_SCORE_MATH_H
#define LEADCRM_SCORE_MATH_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* exponents of a score: what any time that PostgreSQL knows needs, with room so that no sum of two small ones overflows */
#define LEADCRM_SCORE_MAX_EXPONENT (INT64_MAX - 8192)

/* A score in its only form: worth mantissa * 2^exponent at time 0. Zero is mantissa 0.0 (not -0.0) and exponent 0. */
typedef struct LeadcrmScore
{
	int64_t		half_life;		/* > 0 */
	int64_t		exponent;
	double		mantissa;		/* in [1, 2) or (-2, -1], or 0 */
} LeadcrmScore;

/* A sum on the way: (high + low) * 2^exponent. All zeros is an empty sum. */
typedef struct LeadcrmScoreSum
{
	double		high;
	double		low;			/* what rounding took from high */
	int64_t		exponent;
} LeadcrmScoreSum;

typedef enum LeadcrmScoreParse
{
	LEADCRM_SCORE_OK,
	LEADCRM_SCORE_SYNTAX,		/* not a score */
	LEADCRM_SCORE_RANGE			/* one that no score can hold */
} LeadcrmScoreParse;

#define LEADCRM_SCORE_TEXT_SIZE 96	/* longest text form, terminator included */

/* values within these bounds, their exponents this far apart, are added without a look at their digits */
#define LEADCRM_SCORE_NEAR 400
#define LEADCRM_SCORE_SMALL 0x1p-400
#define LEADCRM_SCORE_LARGE 0x1p400

extern void leadcrm_score_sum_add_far(LeadcrmScoreSum *sum, double value, int64_t exponent);
extern bool leadcrm_score_of_sum(const LeadcrmScoreSum *sum, int64_t half_life, LeadcrmScore *score);
extern int64_t leadcrm_score_sum_magnitude(const LeadcrmScoreSum *sum);
extern bool leadcrm_score_sum_is_valid(const LeadcrmScoreSum *sum);
extern bool leadcrm_score_value_at(const LeadcrmScore *score, int64_t at, double *points);
extern bool leadcrm_score_is_canonical(const LeadcrmScore *score);
extern int	leadcrm_score_compare(const LeadcrmScore *a, const LeadcrmScore *b);
extern int	leadcrm_score_print(const LeadcrmScore *score, char *text);
extern LeadcrmScoreParse leadcrm_score_parse(const char *text, LeadcrmScore *score);

/*
 * leadcrm_score_split
 *		2^(t/half_life) as the product of 2^(what is returned) and 2^*fraction, with *fraction in [0, 1].
 */
static inline int64_t
leadcrm_score_split(int64_t t, int64_t half_life, double *fraction)
{
	int64_t		whole = t / half_life;
	int64_t		rest = t % half_life;

	if (rest < 0)
	{
		rest += half_life;
		whole--;
	}
	*fraction = (double) rest / (double) half_life;
	return whole;
}

/* adds value * 2^exponent, the value within the bounds above, where the sum is near enough; else false */
static inline bool
leadcrm_score_sum_add_near(LeadcrmScoreSum *sum, double value, int64_t exponent)
{
	int64_t		gap;
	uint64_t	bits;
	double		scale;
	double		term;
	double		total;
	double		part;

	if (__builtin_sub_overflow(exponent, sum->exponent, &gap) || gap < -LEADCRM_SCORE_NEAR || gap > LEADCRM_SCORE_NEAR)
		return false;
	bits = (uint64_t) (1023 + gap) << 52;
	memcpy(&scale, &bits, sizeof(scale));
	term = value * scale;
	total = sum->high + term;
	part = total - sum->high;
	/* exactly what the addition has rounded away */
	sum->low += (sum->high - (total - part)) + (term - part);
	sum->high = total;
	return true;
}

static inline bool
leadcrm_score_is_near(double value)
{
	return fabs(value) >= LEADCRM_SCORE_SMALL && fabs(value) <= LEADCRM_SCORE_LARGE;
}

/*
 * leadcrm_score_sum_add
 *		Adds value * 2^exponent to a sum. The value is finite; |exponent| is at most LEADCRM_SCORE_MAX_EXPONENT.
 */
static inline void
leadcrm_score_sum_add(LeadcrmScoreSum *sum, double value, int64_t exponent)
{
	if (!leadcrm_score_is_near(value) || !leadcrm_score_sum_add_near(sum, value, exponent))
		leadcrm_score_sum_add_far(sum, value, exponent);
}

/*
 * leadcrm_score_sum_add_event
 *		Adds an event of so many points, a finite number, at a finite time to a sum of scores of this half-life.
 */
static inline void
leadcrm_score_sum_add_event(LeadcrmScoreSum *sum, double points, int64_t at, int64_t half_life)
{
	double		fraction;
	int64_t		whole = leadcrm_score_split(at, half_life, &fraction);

	if (!leadcrm_score_is_near(points))
	{
		int			shift;

		points = frexp(points, &shift);
		whole += shift;
	}
	leadcrm_score_sum_add(sum, points * exp2(fraction), whole);
}

#endif							/* LEADCRM_SCORE_MATH_H */
