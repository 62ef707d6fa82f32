/*
 * score_math.c
 *		The arithmetic of decaying points: what need not be fast. See score_math.h.
 */
#include "score/score_math.h"

#include <limits.h>

/* two numbers so many binary digits apart: the smaller one is beyond what a sum keeps */
#define BEYOND 200

/* a - b, at the ends of int where it does not fit one */
static int
distance(int64_t a, int64_t b)
{
	int64_t		d;

	if (__builtin_sub_overflow(a, b, &d))
		return a < b ? INT_MIN : INT_MAX;
	return d < INT_MIN ? INT_MIN : d > INT_MAX ? INT_MAX : (int) d;
}

/*
 * leadcrm_score_sum_add_far
 *		leadcrm_score_sum_add() for any finite value, however far its size from that of the sum. Afterwards high lies
 *		in [0.5, 2] or so, and numbers near it are added the short way.
 */
void
leadcrm_score_sum_add_far(LeadcrmScoreSum *sum, double value, int64_t exponent)
{
	LeadcrmScoreSum old = *sum;
	double		total;
	double		part;
	int			shift;
	int			gap;

	if (value == 0)
		return;
	value = frexp(value, &shift);
	exponent += shift;
	/* where much has cancelled, low may be the larger part */
	total = old.high + old.low;
	part = total - old.high;
	old.low = (old.high - (total - part)) + (old.low - part);
	old.high = total;
	if (old.high == 0)
	{
		sum->high = value;
		sum->low = 0;
		sum->exponent = exponent;
		return;
	}
	frexp(old.high, &shift);
	old.high = ldexp(old.high, -shift);
	old.low = ldexp(old.low, -shift);
	old.exponent += shift;

	gap = distance(exponent, old.exponent);
	if (gap > BEYOND)
	{
		sum->high = value;
		sum->low = 0;
		sum->exponent = exponent;
		return;
	}
	*sum = old;
	if (gap < -BEYOND)
		return;
	leadcrm_score_sum_add(sum, value, exponent);
}

/*
 * leadcrm_score_of_sum
 *		A sum as a score of this half-life; false where it is too large for one. What is too small is zero.
 */
bool
leadcrm_score_of_sum(const LeadcrmScoreSum *sum, int64_t half_life, LeadcrmScore *score)
{
	double		total = sum->high + sum->low;
	int			shift;

	score->half_life = half_life;
	score->exponent = 0;
	score->mantissa = 0;
	if (total == 0)
		return true;
	total = frexp(total, &shift) * 2;
	score->exponent = sum->exponent + shift - 1;
	if (score->exponent > LEADCRM_SCORE_MAX_EXPONENT)
		return false;
	if (score->exponent < -LEADCRM_SCORE_MAX_EXPONENT)
		score->exponent = 0;
	else
		score->mantissa = total;
	return true;
}

/*
 * leadcrm_score_value_at
 *		The points at a finite time; false, and infinity of their sign, where they are too many for a double. Too few are zero.
 */
bool
leadcrm_score_value_at(const LeadcrmScore *score, int64_t at, double *points)
{
	double		decay;
	int64_t		exponent = leadcrm_score_power(-at, score->half_life, leadcrm_score_steps(score->half_life), &decay);

	*points = ldexp(score->mantissa * decay, distance(score->exponent, -exponent));
	return isfinite(*points);
}

/*
 * leadcrm_score_is_canonical
 *		Whether these fields are a score in its only form.
 */
bool
leadcrm_score_is_canonical(const LeadcrmScore *score)
{
	double		size = fabs(score->mantissa);

	if (score->half_life <= 0)
		return false;
	if (size == 0)
		return !signbit(score->mantissa) && score->exponent == 0;
	return size >= 1 && size < 2 && score->exponent >= -LEADCRM_SCORE_MAX_EXPONENT &&
		score->exponent <= LEADCRM_SCORE_MAX_EXPONENT;
}

/*
 * leadcrm_score_compare
 *		-1, 0 or 1: by half-life first, then by points, whose order is the same at every time.
 */
int
leadcrm_score_compare(const LeadcrmScore *a, const LeadcrmScore *b)
{
	int			sign_a = (a->mantissa > 0) - (a->mantissa < 0);
	int			sign_b = (b->mantissa > 0) - (b->mantissa < 0);

	if (a->half_life != b->half_life)
		return a->half_life < b->half_life ? -1 : 1;
	if (sign_a != sign_b)
		return sign_a < sign_b ? -1 : 1;
	if (a->exponent != b->exponent)
		return a->exponent < b->exponent ? -sign_a : sign_a;
	return (a->mantissa > b->mantissa) - (a->mantissa < b->mantissa);
}

/*
 * leadcrm_score_sum_is_valid
 *		Whether these fields can be those of a sum, for one that comes from elsewhere.
 */
bool
leadcrm_score_sum_is_valid(const LeadcrmScoreSum *sum)
{
	/* above the exponent lies what the sum has in its high part, and no more events than 2^64 */
	return fabs(sum->high) <= 0x1p+900 && fabs(sum->low) <= 0x1p+900 &&
		sum->exponent >= -LEADCRM_SCORE_MAX_EXPONENT - 2048 && sum->exponent <= LEADCRM_SCORE_MAX_EXPONENT + 2048;
}

/* which power of two a sum has reached; for zero less than any other, but not so little that a difference overflows */
static int64_t
magnitude(const LeadcrmScoreSum *sum)
{
	double		total = sum->high + sum->low;
	int			shift;

	if (total == 0)
		return INT64_MIN + 1000;
	frexp(total, &shift);
	return sum->exponent + shift;
}

/*
 * leadcrm_score_sum_merge
 *		Adds one sum to another.
 */
void
leadcrm_score_sum_merge(LeadcrmScoreSum *sum, const LeadcrmScoreSum *other)
{
	leadcrm_score_sum_add(sum, other->high, other->exponent);
	leadcrm_score_sum_add(sum, other->low, other->exponent);
}

/*
 * leadcrm_score_window_add
 *		Lets value * 2^exponent into a window. A window of all zeros is empty.
 */
void
leadcrm_score_window_add(LeadcrmScoreWindow *window, double value, int64_t exponent)
{
	int64_t		reached;

	leadcrm_score_sum_add(&window->sum, value, exponent);
	leadcrm_score_sum_add(&window->size, fabs(value), exponent);
	reached = magnitude(&window->size);
	if (window->events == 0 || reached > window->peak)
		window->peak = reached;
	window->events++;
}

/*
 * leadcrm_score_window_remove
 *		Takes what was let in out of a window again. False where what remains would have lost digits: the window is then to be
 *		made anew from what remains.
 *
 * A sum has the digits of two doubles. 2^20 additions and removals below 2^peak leave an error below 2^(peak + 40 - 104), which
 * is 2^-34 of what remains where that is at least 2^(peak - 30).
 */
bool
leadcrm_score_window_remove(LeadcrmScoreWindow *window, double value, int64_t exponent)
{
	if (--window->events == 0)
	{
		memset(window, 0, sizeof(*window));
		return true;
	}
	if (++window->removals > 1 << 20)
		return false;
	leadcrm_score_sum_add(&window->sum, -value, exponent);
	leadcrm_score_sum_add(&window->size, -fabs(value), exponent);
	return magnitude(&window->size) >= window->peak - 30;
}
