/*
 * email_parse.c
 *		Reading and normalising mail addresses as people type, paste and export them.
 *
 * Pure: compiles without PostgreSQL. Every function looks at its input a bounded number of times.
 */
#include "email_parse.h"

#include <string.h>

#include "free_email_domains.h"
#include "lower_case.h"

#define lengthof_(array) ((int) (sizeof(array) / sizeof((array)[0])))

/* a stretch of code points */
typedef struct Span
{
	const uint32_t *s;
	int			n;
} Span;

static uint32_t
lower_char(uint32_t c)
{
	int			low = 0;
	int			high = lengthof_(lower_ranges) - 1;

	if (c < 0x80)
		return (c >= 'A' && c <= 'Z') ? c + ('a' - 'A') : c;
	while (low <= high)
	{
		int			mid = low + (high - low) / 2;
		const LowerRange *r = &lower_ranges[mid];

		if (c < r->first)
			high = mid - 1;
		else if (c > r->last)
			low = mid + 1;
		else
			return (c - r->first) % (uint32_t) r->step == 0 ? (uint32_t) ((int64_t) c + r->delta) : c;
	}
	return c;
}

/* characters that are not seen: joiners, direction marks, byte order marks, variation selectors */
static bool
is_invisible(uint32_t c)
{
	return c == 0xAD || c == 0x34F || c == 0x61C || (c >= 0x180B && c <= 0x180F) || (c >= 0x200B && c <= 0x200F) ||
		(c >= 0x202A && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || (c >= 0xFE00 && c <= 0xFE0F) ||
		c == 0xFEFF || (c >= 0xE0000 && c <= 0xE0FFF);
}

static bool
is_space(uint32_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == 0x85 || c == 0xA0 || c == 0x1680 ||
		(c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

static bool
is_digit(uint32_t c)
{
	return c >= '0' && c <= '9';
}

/* a character beyond ASCII that may stand in a local part or a domain */
static bool
is_letter_beyond_ascii(uint32_t c)
{
	return c > 0xA0 && !is_space(c);
}

/* what RFC 5322 and 6531 let stand unquoted in a local part, dots apart */
static bool
is_atext(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) ||
		(c < 0x80 && c != 0 && strchr("!#$%&'*+-/=?^_`{|}~", (int) c) != NULL) || is_letter_beyond_ascii(c);
}

/* dot-separated atoms: no dot at either end, no two together */
static bool
is_dot_atom(const uint32_t *s, int n)
{
	bool		dot = true;

	for (int i = 0; i < n; i++)
	{
		if (s[i] == '.' ? dot : !is_atext(s[i]))
			return false;
		dot = s[i] == '.';
	}
	return !dot;
}

/*
 * leadcrm_email_fold
 *		Drops invisible characters and lower-cases the others, in place; returns the new length.
 */
int
leadcrm_email_fold(uint32_t *cp, int n)
{
	int			m = 0;

	for (int i = 0; i < n; i++)
		if (!is_invisible(cp[i]))
			cp[m++] = lower_char(cp[i]);
	return m;
}

static Span
trim(Span t)
{
	while (t.n > 0 && is_space(t.s[0]))
		t.s++, t.n--;
	/* lists leave their separator behind */
	while (t.n > 0 && (is_space(t.s[t.n - 1]) || t.s[t.n - 1] == ',' || t.s[t.n - 1] == ';'))
		t.n--;
	return t;
}

/* the '<' that opens the address of "name <address>": the last one outside quotes, or the last one at all; or -1 */
static int
find_angle(Span t)
{
	int			outside = -1;
	int			any = -1;
	bool		quoted = false;

	for (int i = 0; i < t.n - 1; i++)
	{
		if (quoted && t.s[i] == '\\')
			i++;
		else if (t.s[i] == '"')
			quoted = !quoted;
		else if (t.s[i] == '<')
		{
			any = i;
			if (!quoted)
				outside = i;
		}
	}
	return outside >= 0 ? outside : any;
}

static bool
is_quote_pair(uint32_t open, uint32_t close)
{
	return (open == close && (open == '"' || open == '\'' || open == '`')) || (open == '`' && close == '\'') ||
		(open >= 0x2018 && open <= 0x201F && close >= 0x2018 && close <= 0x201F) || (open == 0xAB && close == 0xBB);
}

static bool
has_prefix(Span t, const char *prefix)
{
	int			len = (int) strlen(prefix);

	if (t.n < len)
		return false;
	for (int i = 0; i < len; i++)
		if (lower_char(t.s[i]) != (uint32_t) prefix[i])
			return false;
	return true;
}

/*
 * Takes off what surrounds an address: blanks, a display name, angle brackets, "mailto:", quotes around the whole,
 * a comment behind it. Every round makes the text shorter.
 */
static Span
unwrap(Span t)
{
	for (;;)
	{
		int			i;

		t = trim(t);
		if (t.n >= 2 && t.s[t.n - 1] == '>' && (i = find_angle(t)) >= 0)
		{
			t.n = t.n - i - 2;
			t.s += i + 1;
		}
		else if (t.n >= 2 && is_quote_pair(t.s[0], t.s[t.n - 1]))
		{
			t.s++;
			t.n -= 2;
		}
		else if (t.n >= 2 && t.s[t.n - 1] == ')')
		{
			for (i = t.n - 2; i >= 0 && t.s[i] != '('; i--)
				;
			if (i < 0)
				return t;
			t.n = i;
		}
		else if (has_prefix(t, "mailto:"))
		{
			t.s += 7;
			t.n -= 7;
			for (i = 0; i < t.n && t.s[i] != '?'; i++)
				;
			t.n = i;
		}
		else
			return t;
	}
}

/*
 * Punycode (RFC 3492): appends the encoded label to out, whose room ends at limit. Returns the new end, or NULL
 * where it does not fit.
 */
static char *
punycode(const uint32_t *s, int n, char *out, const char *limit)
{
	uint32_t	code = 128;
	uint32_t	delta = 0;
	uint32_t	bias = 72;
	int			basic = 0;
	int			done;

	for (int i = 0; i < n; i++)
	{
		if (s[i] >= 0x80)
			continue;
		if (out >= limit)
			return NULL;
		*out++ = (char) s[i];
		basic++;
	}
	done = basic;
	if (basic > 0)
	{
		if (out >= limit)
			return NULL;
		*out++ = '-';
	}
	while (done < n)
	{
		uint32_t	next = UINT32_MAX;

		for (int i = 0; i < n; i++)
			if (s[i] >= code && s[i] < next)
				next = s[i];
		/* a label has at most 253 characters below 0x110000: this can't overflow 32 bits */
		delta += (next - code) * (uint32_t) (done + 1);
		code = next;
		for (int i = 0; i < n; i++)
		{
			uint32_t	q = delta;

			if (s[i] < code)
				delta++;
			if (s[i] != code)
				continue;
			for (uint32_t k = 36;; k += 36)
			{
				uint32_t	t = k <= bias ? 1 : (k >= bias + 26 ? 26 : k - bias);
				uint32_t	digit = q < t ? q : t + (q - t) % (36 - t);

				if (out >= limit)
					return NULL;
				*out++ = (char) (digit < 26 ? 'a' + digit : '0' + digit - 26);
				if (q < t)
					break;
				q = (q - t) / (36 - t);
			}
			/* adapt the bias */
			delta = done == basic ? delta / 700 : delta / 2;
			delta += delta / (uint32_t) (done + 1);
			for (bias = 0; delta > 455; bias += 36)
				delta /= 35;
			bias += 36 * delta / (delta + 38);
			delta = 0;
			done++;
		}
		delta++;
		code++;
	}
	return out;
}

/* one label of a domain, appended to out as an A-label; NULL for what is no label or does not fit */
static char *
write_label(const uint32_t *s, int n, char *out, const char *limit)
{
	char	   *start = out;
	bool		unicode = false;
	bool		opaque = false;

	if (n == 0 || s[0] == '-' || s[n - 1] == '-')
		return NULL;
	for (int i = 0; i < n; i++)
	{
		uint32_t	c = s[i];

		if (c >= LEADCRM_OPAQUE)
			opaque = true;
		else if (is_letter_beyond_ascii(c))
			unicode = true;
		else if (!(is_digit(c) || (c >= 'a' && c <= 'z') || c == '-'))
			return NULL;
	}
	if (unicode && opaque)
		return NULL;			/* a text is of one encoding */
	if (unicode)
	{
		if (limit - out < 4)
			return NULL;
		memcpy(out, "xn--", 4);
		out = punycode(s, n, out + 4, limit);
	}
	else
	{
		if (limit - out < n)
			return NULL;
		for (int i = 0; i < n; i++)
			*out++ = (char) (s[i] >= LEADCRM_OPAQUE ? s[i] - LEADCRM_OPAQUE : s[i]);
	}
	return (out != NULL && out - start <= 63) ? out : NULL;
}

/* a host name of at least two labels, the last one not a number; a final dot is dropped */
static bool
write_domain(Span t, LeadcrmEmail *email)
{
	char	   *out = email->domain;
	const char *limit = email->domain + LEADCRM_EMAIL_MAX_DOMAIN;
	int			labels = 0;
	bool		numeric = false;

	if (t.n > LEADCRM_EMAIL_MAX_DOMAIN + 1)
		return false;
	if (t.n > 0 && (t.s[t.n - 1] == '.' || t.s[t.n - 1] == 0x3002))
		t.n--;
	for (int i = 0, start = 0; i <= t.n; i++)
	{
		if (i < t.n && t.s[i] != '.' && t.s[i] != 0x3002)	/* the ideographic full stop separates, too */
			continue;
		if (labels++ > 0)
		{
			if (out >= limit)
				return false;
			*out++ = '.';
		}
		out = write_label(t.s + start, i - start, out, limit);
		if (out == NULL)
			return false;
		numeric = true;
		for (int j = start; j < i; j++)
			numeric = numeric && is_digit(t.s[j]);
		start = i + 1;
	}
	*out = '\0';
	email->domain_len = (int) (out - email->domain);
	return labels >= 2 && !numeric;
}

/* the local part: the tag goes, and at Gmail the dots */
static bool
write_local(const uint32_t *s, int n, LeadcrmEmail *email)
{
	bool		gmail;

	if (n > LEADCRM_EMAIL_MAX_LOCAL || !is_dot_atom(s, n))
		return false;
	gmail = strcmp(email->domain, "gmail.com") == 0 || strcmp(email->domain, "googlemail.com") == 0;
	for (int i = 0; i < n; i++)
	{
		if (s[i] == '+' && i > 0)
			break;
		if (gmail && s[i] == '.')
			continue;
		email->local[email->local_len++] = s[i];
	}
	/* "john.+tag": what stands before the tag needs no dot at its end */
	while (email->local_len > 1 && email->local[email->local_len - 1] == '.')
		email->local_len--;
	if (gmail)
	{
		strcpy(email->domain, "gmail.com");
		email->domain_len = 9;
	}
	return true;
}

/*
 * A quoted local part, from the quote at s[0] up to n characters: returns the position behind the closing quote, or
 * -1. What needs no quotes is written without them, as the same mailbox.
 */
static int
read_quoted(const uint32_t *s, int n, uint32_t *content, int *len)
{
	int			i = 1;

	*len = 0;
	while (i < n && s[i] != '"')
	{
		if (s[i] == '\\' && ++i >= n)
			return -1;
		if (s[i] < ' ' || (s[i] >= 0x7F && s[i] < 0xA0) || *len >= LEADCRM_EMAIL_MAX_LOCAL)
			return -1;
		content[(*len)++] = s[i++];
	}
	return i < n ? i + 1 : -1;
}

static void
write_quoted(const uint32_t *s, int n, LeadcrmEmail *email)
{
	email->local[email->local_len++] = '"';
	for (int i = 0; i < n; i++)
	{
		if (s[i] == '"' || s[i] == '\\')
			email->local[email->local_len++] = '\\';
		email->local[email->local_len++] = s[i];
	}
	email->local[email->local_len++] = '"';
}

/*
 * leadcrm_email_parse
 *		Reads an address out of folded text and normalises it; false for what is none.
 */
bool
leadcrm_email_parse(const uint32_t *cp, int n, LeadcrmEmail *email)
{
	Span		t = unwrap((Span) {cp, n});
	uint32_t	content[LEADCRM_EMAIL_MAX_LOCAL];
	int			len;
	int			at = 0;

	email->local_len = 0;
	if (t.n > 0 && t.s[0] == '"')
	{
		at = read_quoted(t.s, t.n, content, &len);
		if (at < 0 || at >= t.n || t.s[at] != '@' || !write_domain((Span) {t.s + at + 1, t.n - at - 1}, email))
			return false;
		if (!write_local(content, len, email))
		{
			email->local_len = 0;
			write_quoted(content, len, email);
		}
		return true;
	}
	while (at < t.n && t.s[at] != '@')
		at++;
	return at < t.n && write_domain((Span) {t.s + at + 1, t.n - at - 1}, email) && write_local(t.s, at, email);
}

/*
 * leadcrm_domain_parse
 *		Reads a bare domain ("example.com", "@example.com") out of folded text; false for what is none.
 */
bool
leadcrm_domain_parse(const uint32_t *cp, int n, LeadcrmEmail *email)
{
	Span		t = unwrap((Span) {cp, n});

	email->local_len = 0;
	if (t.n > 0 && t.s[0] == '@')
		t.s++, t.n--;
	return write_domain(t, email);
}

/*
 * leadcrm_domain_is_free
 *		Is this domain (lower case, A-labels) one that gives addresses to anybody?
 */
bool
leadcrm_domain_is_free(const char *domain)
{
	int			low = 0;
	int			high = lengthof_(free_email_domains) - 1;

	while (low <= high)
	{
		int			mid = low + (high - low) / 2;
		int			order = strcmp(domain, free_email_domains[mid]);

		if (order == 0)
			return true;
		if (order < 0)
			high = mid - 1;
		else
			low = mid + 1;
	}
	return false;
}

/*
 * leadcrm_free_domains
 *		The table behind leadcrm_domain_is_free, for the test that checks its order.
 */
const char *const *
leadcrm_free_domains(int *n)
{
	*n = lengthof_(free_email_domains);
	return free_email_domains;
}
