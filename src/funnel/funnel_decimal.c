/*
 * funnel_decimal.c
 *		Exact sums of decimal numbers: pure code, no PostgreSQL calls.
 *
 * A number is a 128-bit coefficient and a scale, 38 digits in all. What does not fit is refused, never rounded.
 */
#include <string.h>

#include "funnel/funnel_math.h"

/* digits of 2^128, a sign and a terminator */
#define INT128_DIGITS 39

#define INT128_MAX ((leadcrm_int128) (~(leadcrm_uint128) 0 >> 1))

/* *value *= by; false: too large. (The compiler's own check of a 128-bit product may call a library that is not there.) */
static bool
multiply(leadcrm_int128 *value, int64_t by)
{
	leadcrm_uint128 v = *value < 0 ? -(leadcrm_uint128) *value : (leadcrm_uint128) *value;
	uint64_t	b = by < 0 ? -(uint64_t) by : (uint64_t) by;

	if (by == 1)
		return true;
	/* the lowest number has no counterpart: it is left out, so that signs are no concern */
	if (b != 0 && v > (leadcrm_uint128) INT128_MAX / b)
		return false;
	v *= b;
	*value = (*value < 0) != (by < 0) ? -(leadcrm_int128) v : (leadcrm_int128) v;
	return true;
}

/* *value *= 10 ^ by; false: too large */
static bool
shift_up(leadcrm_int128 *value, int by)
{
	leadcrm_int128 v = *value;

	if (v == 0)
		return true;
	while (by-- > 0)
	{
		if (!multiply(&v, 10))
			return false;
	}
	*value = v;
	return true;
}

/*
 * leadcrm_decimal_trim
 *		Write the number with the fewest digits: one form for one number.
 */
void
leadcrm_decimal_trim(LeadcrmDecimal *d)
{
	if (d->coefficient == 0)
		d->scale = 0;
	while (d->scale > 0 && d->coefficient % 10 == 0)
	{
		d->coefficient /= 10;
		d->scale--;
	}
}

/*
 * leadcrm_decimal_add
 *		*sum += times * d; false, leaving the sum as it was, where the result does not fit.
 */
bool
leadcrm_decimal_add(LeadcrmDecimal *sum, const LeadcrmDecimal *d, int64_t times)
{
	leadcrm_int128 a = sum->coefficient;
	leadcrm_int128 b = d->coefficient;
	int			scale = sum->scale;

	if (!multiply(&b, times))
		return false;
	if (scale < d->scale)
	{
		if (!shift_up(&a, d->scale - scale))
			return false;
		scale = d->scale;
	}
	else if (!shift_up(&b, scale - d->scale))
		return false;
	if (__builtin_add_overflow(a, b, &a))
		return false;
	sum->coefficient = a;
	sum->scale = scale;
	return true;
}

/* -?digits, after which the text goes on with anything; NULL: no digits, or too many */
static const char *
parse_digits(const char *s, leadcrm_int128 *value, bool negative)
{
	const char *begin = s;
	leadcrm_int128 v = *value;

	for (; *s >= '0' && *s <= '9'; s++)
	{
		if (!multiply(&v, 10) ||
			(negative ? __builtin_sub_overflow(v, (leadcrm_int128) (*s - '0'), &v)
			 : __builtin_add_overflow(v, (leadcrm_int128) (*s - '0'), &v)))
			return NULL;
	}
	if (s == begin)
		return NULL;
	*value = v;
	return s;
}

/*
 * leadcrm_int128_parse
 *		Reads -?digits; returns where the number ends, NULL where there is none or it does not fit.
 */
const char *
leadcrm_int128_parse(const char *s, leadcrm_int128 *value)
{
	bool		negative = *s == '-';

	*value = 0;
	return parse_digits(negative ? s + 1 : s, value, negative);
}

/*
 * leadcrm_decimal_parse
 *		Reads -?digits[.digits]; returns where the number ends, NULL where there is none or it does not fit. Zeros at the end
 *		make no difference, nor do they take up digits.
 */
const char *
leadcrm_decimal_parse(const char *s, LeadcrmDecimal *d)
{
	bool		negative = *s == '-';
	const char *point;
	const char *end;

	d->coefficient = 0;
	d->scale = 0;
	s = parse_digits(negative ? s + 1 : s, &d->coefficient, negative);
	if (s == NULL || *s != '.')
	{
		if (s != NULL)
			leadcrm_decimal_trim(d);
		return s;
	}

	point = s++;
	for (end = s; *end >= '0' && *end <= '9'; end++)
		;
	if (end == s)
		return NULL;
	for (const char *last = end; s < last;)
	{
		while (last > s && last[-1] == '0')
			last--;
		if (last - point - 1 > LEADCRM_FUNNEL_MAX_SCALE)
			return NULL;
		for (; s < last; s++)
		{
			leadcrm_int128 digit = *s - '0';

			if (!shift_up(&d->coefficient, 1) ||
				__builtin_add_overflow(d->coefficient, negative ? -digit : digit, &d->coefficient))
				return NULL;
			d->scale++;
		}
	}
	leadcrm_decimal_trim(d);
	return end;
}

/*
 * leadcrm_int128_print
 *		Writes the number and a terminator to out, which has room for LEADCRM_DECIMAL_WIDTH; returns the terminator's place.
 */
char *
leadcrm_int128_print(leadcrm_int128 value, char *out)
{
	char		digits[INT128_DIGITS + 1];
	int			n = 0;
	leadcrm_uint128 rest = value < 0 ? -(leadcrm_uint128) value : (leadcrm_uint128) value;

	do
	{
		digits[n++] = (char) ('0' + (int) (rest % 10));
		rest /= 10;
	} while (rest != 0);
	if (value < 0)
		*out++ = '-';
	while (n > 0)
		*out++ = digits[--n];
	*out = '\0';
	return out;
}

/*
 * leadcrm_decimal_print
 *		The same for a decimal number, with its scale's digits after the point.
 */
char *
leadcrm_decimal_print(const LeadcrmDecimal *d, char *out)
{
	char		digits[LEADCRM_DECIMAL_WIDTH];
	char	   *end = leadcrm_int128_print(d->coefficient, digits);
	char	   *begin = digits;
	int			whole;

	if (*begin == '-')
		*out++ = *begin++;
	whole = (int) (end - begin) - d->scale;
	if (whole <= 0)
		*out++ = '0';
	for (; whole > 0 && begin < end; whole--)
		*out++ = *begin++;
	if (d->scale > 0)
	{
		*out++ = '.';
		for (; whole < 0; whole++)
			*out++ = '0';
		while (begin < end)
			*out++ = *begin++;
	}
	*out = '\0';
	return out;
}
