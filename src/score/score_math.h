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

#include "score/exp2.h"

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

#define LEADCRM_SCORE_TEXT_SIZE 64	/* longest text form, terminator included */

/*
 * A sum from which events are taken away again. Subtracting a large event from a sum leaves its rounding errors on what is
 * small; so this knows how large the sum once was, and says when it must be made anew.
 */
typedef struct LeadcrmScoreWindow
{
	LeadcrmScoreSum sum;
	LeadcrmScoreSum size;		/* the sum without signs: what an error is measured by */
	int64_t		peak;			/* the greatest power of two that size has reached */
	int64_t		events;
	int64_t		removals;
} LeadcrmScoreWindow;

/* values within these bounds, their exponents this far apart, are added without a look at their digits */
#define LEADCRM_SCORE_NEAR 400
#define LEADCRM_SCORE_SMALL 0x1p-400
#define LEADCRM_SCORE_LARGE 0x1p400

extern void leadcrm_score_sum_add_far(LeadcrmScoreSum *sum, double value, int64_t exponent);
extern void leadcrm_score_sum_merge(LeadcrmScoreSum *sum, const LeadcrmScoreSum *other);
extern bool leadcrm_score_of_sum(const LeadcrmScoreSum *sum, int64_t half_life, LeadcrmScore *score);
extern void leadcrm_score_window_add(LeadcrmScoreWindow *window, double value, int64_t exponent);
extern bool leadcrm_score_window_remove(LeadcrmScoreWindow *window, double value, int64_t exponent);
extern bool leadcrm_score_sum_is_valid(const LeadcrmScoreSum *sum);
extern bool leadcrm_score_value_at(const LeadcrmScore *score, int64_t at, double *points);
extern bool leadcrm_score_is_canonical(const LeadcrmScore *score);
extern int	leadcrm_score_compare(const LeadcrmScore *a, const LeadcrmScore *b);
extern int	leadcrm_score_print(const LeadcrmScore *score, char *text);
extern LeadcrmScoreParse leadcrm_score_parse(const char *text, LeadcrmScore *score);

/* steps in a microsecond, of which a half-life has 128: whoever adds many events of one half-life divides once */
static inline double
leadcrm_score_steps(int64_t half_life)
{
	return LEADCRM_EXP2_STEPS / (double) half_life;
}

/*
 * leadcrm_score_power
 *		2^(t/half_life) as the product of *value, which lies in [0.99, 2.01], and 2^(what is returned). Both are microseconds,
 *		neither is INT64_MIN, and half_life > 0; per_microsecond is leadcrm_score_steps(half_life).
 */
static inline int64_t
leadcrm_score_power(int64_t t, int64_t half_life, double per_microsecond, double *value)
{
	/* t in steps, to the nearest one; adding 1.5 * 2^52 rounds a double to an integer */
	const double rounding = 0x1.8p52;
	double		steps = (double) t * per_microsecond;
	int64_t		whole = 0;
	int64_t		step;
	int64_t		rest;

	if (fabs(steps) >= 0x1p45)
	{
		/* too many for the nearest one to be known */
		whole = t / half_life;
		t %= half_life;
		steps = (double) t * per_microsecond;
	}
	step = (int64_t) (steps + rounding - rounding);

	/* what is left of t, 128 times: it is small, whatever the terms of the difference overflow to */
	rest = (int64_t) ((uint64_t) t * LEADCRM_EXP2_STEPS - (uint64_t) step * (uint64_t) half_life);
	*value = leadcrm_exp2((int) (step & (LEADCRM_EXP2_STEPS - 1)),
						  (double) rest * per_microsecond * (1.0 / LEADCRM_EXP2_STEPS / LEADCRM_EXP2_STEPS));
	return whole + (step >> LEADCRM_EXP2_BITS);
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
 * leadcrm_score_event_by
 *		leadcrm_score_event() where per_microsecond, leadcrm_score_steps(half_life), is known.
 */
static inline int64_t
leadcrm_score_event_by(double points, int64_t at, int64_t half_life, double per_microsecond, double *value)
{
	int64_t		exponent = leadcrm_score_power(at, half_life, per_microsecond, value);

	if (!leadcrm_score_is_near(points))
	{
		int			shift;

		points = frexp(points, &shift);
		exponent += shift;
	}
	*value *= points;
	return exponent;
}

/*
 * leadcrm_score_event
 *		What an event of so many points, a finite number, at a finite time is worth at time 0: *value * 2^(what is returned).
 */
static inline int64_t
leadcrm_score_event(double points, int64_t at, int64_t half_life, double *value)
{
	return leadcrm_score_event_by(points, at, half_life, leadcrm_score_steps(half_life), value);
}

#endif							/* LEADCRM_SCORE_MATH_H */
