/*
 * funnel_text.c
 *		A summary as text, which is JSON as well: pure code, no PostgreSQL calls.
 *
 *		{"version": 1, "stages": 5, "funnel": [1, 2, 3], "at": [{"stage": 1, "active": [leads, valued, value], ...,
 *		"skipped": n, "joined_later": n, "microseconds": n, "buckets": [[index, leads], ...]}, ...]}
 *
 * What is 0 is left out. Members are read in the order in which they are written, with blanks between tokens or without.
 */
#include <string.h>

#include "funnel/funnel_math.h"

static const char *const outcome_name[LEADCRM_OUTCOMES] = {"active", "stalled", "returned", "leaked"};

static char *
add_text(char *out, const char *text)
{
	size_t		len = strlen(text);

	memcpy(out, text, len + 1);
	return out + len;
}

/* "name": in front of a member; the separator where it is not the first */
static char *
add_name(char *out, const char *name)
{
	if (out[-1] != '{')
		out = add_text(out, ", ");
	out = add_text(out, "\"");
	out = add_text(out, name);
	return add_text(out, "\": ");
}

static char *
add_member(char *out, const char *name, leadcrm_int128 value)
{
	return leadcrm_int128_print(value, add_name(out, name));
}

static char *
print_stage(const LeadcrmStage *s, int position, char *out)
{
	bool		first = true;

	out = add_text(out, "{");
	out = add_member(out, "stage", position);
	for (int o = 0; o < LEADCRM_OUTCOMES; o++)
	{
		LeadcrmDecimal value = s->share[o].value;

		if (s->share[o].leads == 0 && s->share[o].valued == 0 && value.coefficient == 0)
			continue;
		leadcrm_decimal_trim(&value);
		out = add_text(add_name(out, outcome_name[o]), "[");
		out = add_text(leadcrm_int128_print(s->share[o].leads, out), ", ");
		out = add_text(leadcrm_int128_print(s->share[o].valued, out), ", ");
		out = add_text(leadcrm_decimal_print(&value, out), "]");
	}
	if (s->skipped != 0)
		out = add_member(out, "skipped", s->skipped);
	if (s->joined_later != 0)
		out = add_member(out, "joined_later", s->joined_later);
	if (s->days.sum != 0)
		out = add_member(out, "microseconds", s->days.sum);
	for (int i = 0; i < s->days.nbuckets; i++)
	{
		const LeadcrmBucket *b = &s->days.bucket[i];

		if (b->leads == 0)
			continue;
		out = first ? add_text(add_name(out, "buckets"), "[[") : add_text(out, ", [");
		out = add_text(leadcrm_int128_print(b->index, out), ", ");
		out = add_text(leadcrm_int128_print(b->leads, out), "]");
		first = false;
	}
	return add_text(out, first ? "}" : "]}");
}

static bool
stage_is_zero(const LeadcrmStage *s)
{
	LeadcrmFunnel one = {.nstages = 1, .in_funnel = 1, .stage = (LeadcrmStage *) s};

	return leadcrm_funnel_is_zero(&one);
}

/*
 * leadcrm_funnel_print
 *		The summary as text, in memory of its own.
 */
char *
leadcrm_funnel_print(const LeadcrmFunnel *f)
{
	size_t		size = 128 + (size_t) f->nstages * 4;
	char	   *text;
	char	   *out;
	bool		first = true;

	for (int i = 0; i < f->nstages; i++)
		size += 256 + LEADCRM_OUTCOMES * (64 + LEADCRM_DECIMAL_WIDTH) + (size_t) f->stage[i].days.nbuckets * 32;
	text = f->grow(f->context, NULL, size);

	out = add_text(text, "{");
	out = add_member(out, "version", 1);
	out = add_member(out, "stages", f->nstages);
	if (f->nstages > 0)
	{
		out = add_text(add_name(out, "funnel"), "[");
		for (int k = leadcrm_funnel_next(f, 0); k != 0; k = leadcrm_funnel_next(f, k))
		{
			if (out[-1] != '[')
				out = add_text(out, ", ");
			out = leadcrm_int128_print(k, out);
		}
		out = add_text(out, "]");
	}
	for (int k = leadcrm_funnel_next(f, 0); k != 0; k = leadcrm_funnel_next(f, k))
	{
		if (stage_is_zero(&f->stage[k - 1]))
			continue;
		out = first ? add_text(add_name(out, "at"), "[") : add_text(out, ", ");
		out = print_stage(&f->stage[k - 1], k, out);
		first = false;
	}
	add_text(out, first ? "}" : "]}");
	return text;
}

/* reading; status says what the first thing wrong was, s where */
typedef struct Parser
{
	const char *s;
	LeadcrmFunnelStatus status;
} Parser;

static void
skip_blanks(Parser *p)
{
	while (*p->s == ' ' || *p->s == '\t' || *p->s == '\n' || *p->s == '\r')
		p->s++;
}

static void
fail(Parser *p, LeadcrmFunnelStatus status)
{
	if (p->status == LEADCRM_FUNNEL_OK)
		p->status = status;
}

/* is this the next token? then pass it */
static bool
accept(Parser *p, char token)
{
	if (p->status != LEADCRM_FUNNEL_OK)
		return false;
	skip_blanks(p);
	if (*p->s != token)
		return false;
	p->s++;
	return true;
}

static void
expect(Parser *p, char token)
{
	if (!accept(p, token))
		fail(p, LEADCRM_FUNNEL_CORRUPT);
}

/* is a member of this name next (after a comma, unless it is the first)? then pass its name */
static bool
accept_member(Parser *p, const char *name, bool first)
{
	Parser		ahead = *p;
	size_t		len = strlen(name);

	if (!first && !accept(&ahead, ','))
		return false;
	if (!accept(&ahead, '"') || strncmp(ahead.s, name, len) != 0 || ahead.s[len] != '"')
		return false;
	ahead.s += len + 1;
	expect(&ahead, ':');
	*p = ahead;
	return true;
}

/* a whole number from least to most */
static int64_t
parse_number(Parser *p, int64_t least, int64_t most)
{
	leadcrm_int128 value;
	const char *end;

	if (p->status != LEADCRM_FUNNEL_OK)
		return least;
	skip_blanks(p);
	end = leadcrm_int128_parse(p->s, &value);
	if (end == NULL || value < least || value > most)
	{
		fail(p, LEADCRM_FUNNEL_CORRUPT);
		return least;
	}
	p->s = end;
	return (int64_t) value;
}

static void
parse_share(Parser *p, LeadcrmShare *share)
{
	const char *end;

	expect(p, '[');
	share->leads = parse_number(p, -LEADCRM_FUNNEL_MAX_COUNT, LEADCRM_FUNNEL_MAX_COUNT);
	expect(p, ',');
	share->valued = parse_number(p, -LEADCRM_FUNNEL_MAX_COUNT, LEADCRM_FUNNEL_MAX_COUNT);
	expect(p, ',');
	if (p->status != LEADCRM_FUNNEL_OK)
		return;
	skip_blanks(p);
	end = leadcrm_decimal_parse(p->s, &share->value);
	if (end == NULL)
		fail(p, LEADCRM_FUNNEL_CORRUPT);
	else
		p->s = end;
	expect(p, ']');
}

static void
parse_buckets(Parser *p, LeadcrmFunnel *f, LeadcrmHistogram *h)
{
	int			least = LEADCRM_FUNNEL_MIN_BUCKET;
	int			hint = 0;

	expect(p, '[');
	do
	{
		int			index;
		int64_t		leads;

		expect(p, '[');
		index = (int) parse_number(p, least, LEADCRM_FUNNEL_MAX_BUCKET);
		expect(p, ',');
		leads = parse_number(p, -LEADCRM_FUNNEL_MAX_COUNT, LEADCRM_FUNNEL_MAX_COUNT);
		expect(p, ']');
		if (p->status == LEADCRM_FUNNEL_OK && leads == 0)
			fail(p, LEADCRM_FUNNEL_CORRUPT);
		if (p->status == LEADCRM_FUNNEL_OK)
			leadcrm_histogram_add(f, h, &hint, index, leads);
		least = index + 1;
	} while (accept(p, ','));
	expect(p, ']');
}

static void
parse_stage(Parser *p, LeadcrmFunnel *f, LeadcrmStage *s, bool is_last)
{
	for (int o = 0; o < LEADCRM_OUTCOMES; o++)
	{
		if (accept_member(p, outcome_name[o], false))
			parse_share(p, &s->share[o]);
	}
	if (accept_member(p, "skipped", false))
		s->skipped = parse_number(p, -LEADCRM_FUNNEL_MAX_COUNT, LEADCRM_FUNNEL_MAX_COUNT);
	if (accept_member(p, "joined_later", false))
		s->joined_later = parse_number(p, -LEADCRM_FUNNEL_MAX_COUNT, LEADCRM_FUNNEL_MAX_COUNT);
	/* nothing comes after the last stage that could be timed */
	if (!is_last && accept_member(p, "microseconds", false))
	{
		const char *end;

		skip_blanks(p);
		end = leadcrm_int128_parse(p->s, &s->days.sum);
		if (end == NULL)
			fail(p, LEADCRM_FUNNEL_CORRUPT);
		else
			p->s = end;
	}
	if (!is_last && accept_member(p, "buckets", false))
		parse_buckets(p, f, &s->days);
	expect(p, '}');
}

/*
 * leadcrm_funnel_parse
 *		Reads a summary from text into an empty one. CORRUPT where the text is none; *where is then the place, and f is to be
 *		thrown away.
 */
LeadcrmFunnelStatus
leadcrm_funnel_parse(LeadcrmFunnel *f, const char *s, const char **where)
{
	Parser		p = {s, LEADCRM_FUNNEL_OK};
	int			nstages = 0;
	uint64_t	mask = 0;

	expect(&p, '{');
	if (!accept_member(&p, "version", true))
		fail(&p, LEADCRM_FUNNEL_CORRUPT);
	parse_number(&p, 1, 1);
	if (!accept_member(&p, "stages", false))
		fail(&p, LEADCRM_FUNNEL_CORRUPT);
	nstages = (int) parse_number(&p, 0, LEADCRM_FUNNEL_MAX_STAGES);
	if (nstages > 0)
	{
		int			k = 0;

		if (!accept_member(&p, "funnel", false))
			fail(&p, LEADCRM_FUNNEL_CORRUPT);
		expect(&p, '[');
		do
		{
			k = (int) parse_number(&p, k + 1, nstages);
			if (p.status == LEADCRM_FUNNEL_OK)
				mask |= UINT64_C(1) << (k - 1);
		} while (accept(&p, ','));
		expect(&p, ']');
	}
	if (p.status == LEADCRM_FUNNEL_OK && nstages > 0)
		leadcrm_funnel_set_stages(f, nstages, mask);
	if (nstages > 0 && accept_member(&p, "at", false))
	{
		int			k = 0;

		expect(&p, '[');
		do
		{
			expect(&p, '{');
			if (!accept_member(&p, "stage", true))
				fail(&p, LEADCRM_FUNNEL_CORRUPT);
			k = (int) parse_number(&p, k + 1, nstages);
			if (p.status == LEADCRM_FUNNEL_OK && (mask >> (k - 1) & 1) == 0)
				fail(&p, LEADCRM_FUNNEL_CORRUPT);
			if (p.status == LEADCRM_FUNNEL_OK)
				parse_stage(&p, f, &f->stage[k - 1], leadcrm_funnel_next(f, k) == 0);
		} while (accept(&p, ','));
		expect(&p, ']');
	}
	expect(&p, '}');
	if (p.status == LEADCRM_FUNNEL_OK)
		skip_blanks(&p);
	if (p.status == LEADCRM_FUNNEL_OK && *p.s != '\0')
		fail(&p, LEADCRM_FUNNEL_CORRUPT);
	*where = p.s;
	return p.status;
}
