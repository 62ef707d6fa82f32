/*
 * number_in.c
 *		leadcrm.number_in(text): the number that a text is, or NULL.
 *
 * Rules of fit ask for numbers in JSON, where "250" is as common as 250. A cast would fail on whatever else somebody has
 * written there, and with it the statement that writes the lead.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "compat.h"
#include "fit/number.h"

PG_FUNCTION_INFO_V1(leadcrm_number_in);

#define MAX_LENGTH 1000			/* of the text, in bytes */
#define MAX_EXPONENT 308		/* of its power of ten, as double precision has them */

static inline bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Is it [+-] digits [. digits] [e [+-] digits], and an exponent of reasonable size? Anything else is no number. */
static bool
is_number(const char *s, const char *end)
{
	int			digits = 0;
	int			whole = 0;
	int			exponent = 0;
	bool		negative = false;

	if (s < end && (*s == '+' || *s == '-'))
		s++;
	for (; s < end && is_digit(*s); s++, digits++)
		whole += whole > 0 || *s != '0';
	if (s < end && *s == '.')
		for (s++; s < end && is_digit(*s); s++)
			digits++;
	if (digits == 0)
		return false;
	if (s < end && (*s == 'e' || *s == 'E'))
	{
		s++;
		if (s < end && (*s == '+' || *s == '-'))
			negative = *s++ == '-';
		if (s == end)
			return false;
		for (; s < end && is_digit(*s); s++)
			if ((exponent = exponent * 10 + (*s - '0')) > MAX_EXPONENT)
				return false;
	}
	return s == end && whole + (negative ? -exponent : exponent) <= MAX_EXPONENT;
}

/* The number in a text, blanks around it left out, as a terminated string in written; false where it is none. */
static bool
cut_out(const char *s, int length, char written[MAX_LENGTH + 1])
{
	const char *end = s + length;

	if (length > MAX_LENGTH)
		return false;
	while (s < end && is_blank(*s))
		s++;
	while (s < end && is_blank(end[-1]))
		end--;
	if (!is_number(s, end))
		return false;
	memcpy(written, s, end - s);
	written[end - s] = '\0';
	return true;
}

/*
 * leadcrm_text_is_number
 *		Whether a text, of length bytes and not terminated, is a number to leadcrm.number_in(), and which. Never raises an error.
 */
bool
leadcrm_text_is_number(const char *text, int length, double *number)
{
	char		written[MAX_LENGTH + 1];

	if (!cut_out(text, length, written))
		return false;
	*number = strtod(written, NULL);
	return true;
}

/*
 * leadcrm_number_in
 *		number_in(text) -> numeric: NULL for what is no finite number. Never raises an error.
 */
Datum
leadcrm_number_in(PG_FUNCTION_ARGS)
{
	text	   *t;
	char		written[MAX_LENGTH + 1];

	/* don't even fetch a novel */
	if (toast_raw_datum_size(PG_GETARG_DATUM(0)) - VARHDRSZ > MAX_LENGTH)
		PG_RETURN_NULL();
	t = PG_GETARG_TEXT_PP(0);
	if (!cut_out(VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t), written))
		PG_RETURN_NULL();
	PG_FREE_IF_COPY(t, 0);
	return DirectFunctionCall3(numeric_in, CStringGetDatum(written), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}
