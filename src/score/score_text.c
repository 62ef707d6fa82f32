/*
 * score_text.c
 *		The text form of a score: worth at 2000-01-01 UTC as a hexadecimal number, a slash, the half-life in seconds:
 *		0x1.4p+317/2592000s. Zero is 0/2592000s. Every bit is in it, and no setting changes it.
 */
#include "score/score_math.h"

#include <stdio.h>

#define FRACTION_BITS 52
#define FRACTION_DIGITS 13		/* in hexadecimal */
#define FRACTION_MASK ((UINT64_C(1) << FRACTION_BITS) - 1)
#define MICROSECONDS 1000000

/*
 * leadcrm_score_print
 *		Writes a score in its text form, at most LEADCRM_SCORE_TEXT_SIZE bytes with the terminator; returns the length.
 */
int
leadcrm_score_print(const LeadcrmScore *score, char *text)
{
	char	   *out = text;
	int			micro = (int) (score->half_life % MICROSECONDS);

	if (score->mantissa == 0)
		*out++ = '0';
	else
	{
		uint64_t	bits;

		memcpy(&bits, &score->mantissa, sizeof(bits));
		bits &= FRACTION_MASK;
		out += sprintf(out, "%s0x1", score->mantissa < 0 ? "-" : "");
		if (bits != 0)
		{
			out += sprintf(out, ".%013llx", (unsigned long long) bits);
			while (out[-1] == '0')
				out--;
		}
		out += sprintf(out, "p%+lld", (long long) score->exponent);
	}
	out += sprintf(out, "/%lld", (long long) (score->half_life / MICROSECONDS));
	if (micro != 0)
	{
		out += sprintf(out, ".%06d", micro);
		while (out[-1] == '0')
			out--;
	}
	*out++ = 's';
	*out = '\0';
	return (int) (out - text);
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static int
hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* decimal digits from *s, at least one; LEADCRM_SCORE_RANGE, with all of them read, where they go beyond int64 */
static LeadcrmScoreParse
read_digits(const char **s, int64_t *number)
{
	LeadcrmScoreParse result = LEADCRM_SCORE_OK;

	if (!is_digit(**s))
		return LEADCRM_SCORE_SYNTAX;
	*number = 0;
	for (; is_digit(**s); (*s)++)
		if (__builtin_mul_overflow(*number, 10, number) || __builtin_add_overflow(*number, **s - '0', number))
		{
			*number = 0;
			result = LEADCRM_SCORE_RANGE;
		}
	return result;
}

/* seconds with up to six decimals and an "s", as microseconds */
static LeadcrmScoreParse
read_half_life(const char **s, int64_t *half_life)
{
	LeadcrmScoreParse result = read_digits(s, half_life);
	int64_t		micro = 0;

	if (result == LEADCRM_SCORE_SYNTAX)
		return result;
	if (**s == '.')
	{
		int64_t		unit = MICROSECONDS;

		(*s)++;
		if (!is_digit(**s))
			return LEADCRM_SCORE_SYNTAX;
		for (; is_digit(**s); (*s)++)
		{
			unit /= 10;
			if (unit == 0 && **s != '0')
				return LEADCRM_SCORE_SYNTAX;
			micro += unit * (**s - '0');
		}
	}
	if (*(*s)++ != 's')
		return LEADCRM_SCORE_SYNTAX;
	if (__builtin_mul_overflow(*half_life, MICROSECONDS, half_life) || __builtin_add_overflow(*half_life, micro, half_life))
		return LEADCRM_SCORE_RANGE;
	return result;
}

/* 1.4p+317, what follows the 0x: mantissa and exponent */
static LeadcrmScoreParse
read_number(const char **s, LeadcrmScore *score)
{
	uint64_t	fraction = 0;
	int			digits = 0;
	bool		minus;
	LeadcrmScoreParse result;

	if (*(*s)++ != '1')
		return LEADCRM_SCORE_SYNTAX;
	if (**s == '.')
	{
		(*s)++;
		for (; hex_digit(**s) >= 0; (*s)++)
		{
			if (++digits > FRACTION_DIGITS)
				return LEADCRM_SCORE_SYNTAX;
			fraction = fraction << 4 | (uint64_t) hex_digit(**s);
		}
		if (digits == 0)
			return LEADCRM_SCORE_SYNTAX;
	}
	if (**s != 'p' && **s != 'P')
		return LEADCRM_SCORE_SYNTAX;
	(*s)++;
	minus = **s == '-';
	if (minus || **s == '+')
		(*s)++;
	result = read_digits(s, &score->exponent);
	if (result == LEADCRM_SCORE_OK && score->exponent > LEADCRM_SCORE_MAX_EXPONENT)
		result = LEADCRM_SCORE_RANGE;
	if (minus)
		score->exponent = -score->exponent;
	score->mantissa = ldexp((double) fraction, -4 * digits) + 1;
	return result;
}

/*
 * leadcrm_score_parse
 *		Reads a score in its text form. Blanks around it, upper case and needless zeros are let pass; nothing else that
 *		leadcrm_score_print() would not write.
 */
LeadcrmScoreParse
leadcrm_score_parse(const char *text, LeadcrmScore *score)
{
	const char *s = text;
	LeadcrmScoreParse number = LEADCRM_SCORE_OK;
	LeadcrmScoreParse half_life;
	bool		minus;

	while (is_blank(*s))
		s++;
	minus = *s == '-';
	if (minus || *s == '+')
		s++;
	if (*s++ != '0')
		return LEADCRM_SCORE_SYNTAX;
	score->mantissa = 0;
	score->exponent = 0;
	if (*s == 'x' || *s == 'X')
	{
		s++;
		number = read_number(&s, score);
		if (number == LEADCRM_SCORE_SYNTAX)
			return LEADCRM_SCORE_SYNTAX;
		if (minus)
			score->mantissa = -score->mantissa;
	}
	if (*s++ != '/')
		return LEADCRM_SCORE_SYNTAX;
	half_life = read_half_life(&s, &score->half_life);
	if (half_life == LEADCRM_SCORE_SYNTAX)
		return LEADCRM_SCORE_SYNTAX;
	while (is_blank(*s))
		s++;
	if (*s != '\0')
		return LEADCRM_SCORE_SYNTAX;
	if (number != LEADCRM_SCORE_OK || half_life != LEADCRM_SCORE_OK || score->half_life <= 0)
		return LEADCRM_SCORE_RANGE;
	return LEADCRM_SCORE_OK;
}
