/*
 * funnel_pack.c
 *		A summary as bytes, on disk, on the wire and between parallel workers: pure code, no PostgreSQL calls.
 *
 * Numbers are written in groups of seven bits, the lowest first, the top bit saying that more follow; signed ones with the
 * sign in the lowest bit. A summary is
 *		version (1), number of stages; nothing more where that is 0, else
 *		the mask of the measured stages; for each of them, in order,
 *			a byte of flags that says which of the following is there:
 *			per outcome: leads, leads with a value, their sum: coefficient and, if that is not 0, scale
 *			skipped; joined_later; sum of durations in µs;
 *			buckets: their number, the first one's index, then per bucket its leads and how far the next one lies
 * What is 0 is left out, sums of values have no zeros at the end, and no number takes more groups than it needs: equal
 * summaries are equal bytes.
 */
#include <string.h>

#include "funnel/funnel_math.h"

#define VERSION 1
#define MAX_PACKED_NUMBER 19	/* bytes of a 128-bit number */

#define HAS_SKIPPED (1 << LEADCRM_OUTCOMES)
#define HAS_JOINED_LATER (2 << LEADCRM_OUTCOMES)
#define HAS_SUM (4 << LEADCRM_OUTCOMES)
#define HAS_BUCKETS (8 << LEADCRM_OUTCOMES)

static unsigned char *
put(unsigned char *out, leadcrm_uint128 value)
{
	while (value >= 0x80)
	{
		*out++ = (unsigned char) (value & 0x7F) | 0x80;
		value >>= 7;
	}
	*out++ = (unsigned char) value;
	return out;
}

static unsigned char *
put_signed(unsigned char *out, leadcrm_int128 value)
{
	leadcrm_uint128 twice = (leadcrm_uint128) value << 1;

	return put(out, value < 0 ? ~twice : twice);
}

static int
count_buckets(const LeadcrmHistogram *h)
{
	int			n = 0;

	for (int i = 0; i < h->nbuckets; i++)
		n += h->bucket[i].leads != 0;
	return n;
}

static bool
share_is_zero(const LeadcrmShare *s)
{
	return s->leads == 0 && s->valued == 0 && s->value.coefficient == 0;
}

/*
 * leadcrm_funnel_packed_size
 *		Bytes that leadcrm_funnel_pack needs at most.
 */
size_t
leadcrm_funnel_packed_size(const LeadcrmFunnel *f)
{
	size_t		size = 2 + MAX_PACKED_NUMBER;

	for (int i = 0; i < f->nstages; i++)
		size += 1 + MAX_PACKED_NUMBER * (4 * LEADCRM_OUTCOMES + 5) + (size_t) f->stage[i].days.nbuckets * 12;
	return size;
}

static unsigned char *
pack_stage(const LeadcrmStage *s, unsigned char *out)
{
	unsigned char *flags = out++;
	int			nbuckets = count_buckets(&s->days);

	*flags = 0;
	for (int o = 0; o < LEADCRM_OUTCOMES; o++)
	{
		LeadcrmDecimal value = s->share[o].value;

		if (share_is_zero(&s->share[o]))
			continue;
		*flags |= (unsigned char) (1 << o);
		out = put_signed(out, s->share[o].leads);
		out = put_signed(out, s->share[o].valued);
		leadcrm_decimal_trim(&value);
		out = put_signed(out, value.coefficient);
		if (value.coefficient != 0)
			out = put(out, (leadcrm_uint128) value.scale);
	}
	if (s->skipped != 0)
	{
		*flags |= HAS_SKIPPED;
		out = put_signed(out, s->skipped);
	}
	if (s->joined_later != 0)
	{
		*flags |= HAS_JOINED_LATER;
		out = put_signed(out, s->joined_later);
	}
	if (s->days.sum != 0)
	{
		*flags |= HAS_SUM;
		out = put_signed(out, s->days.sum);
	}
	if (nbuckets != 0)
	{
		int			previous = 0;

		*flags |= HAS_BUCKETS;
		out = put(out, (leadcrm_uint128) nbuckets);
		for (int i = 0, written = 0; i < s->days.nbuckets; i++)
		{
			const LeadcrmBucket *b = &s->days.bucket[i];

			if (b->leads == 0)
				continue;
			out = written++ == 0 ? put_signed(out, b->index) : put(out, (leadcrm_uint128) (b->index - previous));
			out = put_signed(out, b->leads);
			previous = b->index;
		}
	}
	return out;
}

/*
 * leadcrm_funnel_pack
 *		Writes the summary to out; returns the end.
 */
unsigned char *
leadcrm_funnel_pack(const LeadcrmFunnel *f, unsigned char *out)
{
	*out++ = VERSION;
	out = put(out, (leadcrm_uint128) f->nstages);
	if (f->nstages == 0)
		return out;
	out = put(out, f->in_funnel);
	for (int k = leadcrm_funnel_next(f, 0); k != 0; k = leadcrm_funnel_next(f, k))
		out = pack_stage(&f->stage[k - 1], out);
	return out;
}

/* reading; once broken, every further number is 0 */
typedef struct Reader
{
	const unsigned char *next;
	const unsigned char *end;
	bool		broken;
} Reader;

static leadcrm_uint128
get(Reader *r)
{
	leadcrm_uint128 value = 0;

	for (int shift = 0; r->next < r->end; shift += 7)
	{
		unsigned char byte = *r->next++;

		/* 18 groups are 126 bits: the last one has two */
		if (shift == 126 && byte > 3)
			break;
		value |= (leadcrm_uint128) (byte & 0x7F) << shift;
		if (byte < 0x80)
		{
			if (byte == 0 && shift > 0)
				break;			/* longer than it need be */
			return value;
		}
	}
	r->broken = true;
	return 0;
}

static leadcrm_int128
get_signed(Reader *r)
{
	leadcrm_uint128 twice = get(r);

	return (leadcrm_int128) ((twice & 1) != 0 ? ~(twice >> 1) : twice >> 1);
}

/* a number from least to most */
static int64_t
get_between(Reader *r, leadcrm_int128 value, int64_t least, int64_t most)
{
	if (value < least || value > most)
	{
		r->broken = true;
		return least;
	}
	return (int64_t) value;
}

static int64_t
get_count(Reader *r)
{
	return get_between(r, get_signed(r), -LEADCRM_FUNNEL_MAX_COUNT, LEADCRM_FUNNEL_MAX_COUNT);
}

static LeadcrmFunnelStatus
merge_buckets(LeadcrmFunnel *f, LeadcrmHistogram *h, Reader *r, int sign)
{
	int			n = (int) get_between(r, (leadcrm_int128) get(r), 1, LEADCRM_FUNNEL_MAX_BUCKET - LEADCRM_FUNNEL_MIN_BUCKET + 1);
	int			index = 0;
	int			hint = 0;

	for (int i = 0; i < n && !r->broken; i++)
	{
		int64_t		leads;

		if (i == 0)
			index = (int) get_between(r, get_signed(r), LEADCRM_FUNNEL_MIN_BUCKET, LEADCRM_FUNNEL_MAX_BUCKET);
		else
			index += (int) get_between(r, (leadcrm_int128) get(r), 1, LEADCRM_FUNNEL_MAX_BUCKET - index);
		leads = get_count(r);
		if (leads == 0)
			r->broken = true;
		if (!r->broken)
		{
			LeadcrmFunnelStatus status = leadcrm_histogram_add(f, h, &hint, index, sign * leads);

			if (status != LEADCRM_FUNNEL_OK)
				return status;
		}
	}
	return LEADCRM_FUNNEL_OK;
}

static LeadcrmFunnelStatus
merge_stage(LeadcrmFunnel *f, LeadcrmStage *s, Reader *r, int sign)
{
	int			flags = r->next < r->end ? *r->next++ : 0;

	for (int o = 0; o < LEADCRM_OUTCOMES; o++)
	{
		LeadcrmShare *share = &s->share[o];
		LeadcrmShare from;

		if ((flags & 1 << o) == 0)
			continue;
		from.leads = get_count(r);
		from.valued = get_count(r);
		from.value.coefficient = get_signed(r);
		from.value.scale = 0;
		if (from.value.coefficient != 0)
			from.value.scale = (int) get_between(r, (leadcrm_int128) get(r), 0, LEADCRM_FUNNEL_MAX_SCALE);
		if (share_is_zero(&from))
			r->broken = true;
		if (!r->broken)
		{
			LeadcrmFunnelStatus status = leadcrm_share_add(share, &from, sign);

			if (status != LEADCRM_FUNNEL_OK)
				return status;
		}
	}
	if ((flags & HAS_SKIPPED) != 0 && !leadcrm_count_add(&s->skipped, get_count(r), sign))
		return LEADCRM_FUNNEL_COUNT_RANGE;
	if ((flags & HAS_JOINED_LATER) != 0 && !leadcrm_count_add(&s->joined_later, get_count(r), sign))
		return LEADCRM_FUNNEL_COUNT_RANGE;
	if ((flags & HAS_SUM) != 0)
	{
		leadcrm_int128 sum = get_signed(r);

		if (sign > 0 ? __builtin_add_overflow(s->days.sum, sum, &s->days.sum)
			: __builtin_sub_overflow(s->days.sum, sum, &s->days.sum))
			return LEADCRM_FUNNEL_DURATION_RANGE;
	}
	if ((flags & HAS_BUCKETS) != 0)
		return merge_buckets(f, &s->days, r, sign);
	return LEADCRM_FUNNEL_OK;
}

/*
 * leadcrm_funnel_merge_packed
 *		Add (sign 1) or take away (-1) a summary that stands in len bytes. Nothing about the bytes is taken for granted:
 *		CORRUPT where they are not a summary, and then f is to be thrown away. That they are the only form of it is
 *		leadcrm_funnel_is_canonical's to say.
 */
LeadcrmFunnelStatus
leadcrm_funnel_merge_packed(LeadcrmFunnel *f, const unsigned char *in, size_t len, int sign)
{
	Reader		r = {in, in + len, false};
	int			nstages;
	leadcrm_uint128 mask;
	LeadcrmFunnelStatus status;

	if (len < 2 || *r.next++ != VERSION)
		return LEADCRM_FUNNEL_CORRUPT;
	nstages = (int) get_between(&r, (leadcrm_int128) get(&r), 0, LEADCRM_FUNNEL_MAX_STAGES);
	if (r.broken)
		return LEADCRM_FUNNEL_CORRUPT;
	if (nstages == 0)
		return r.next == r.end ? LEADCRM_FUNNEL_OK : LEADCRM_FUNNEL_CORRUPT;
	mask = get(&r);
	if (r.broken || mask == 0 || mask >> nstages != 0)
		return LEADCRM_FUNNEL_CORRUPT;
	status = leadcrm_funnel_set_stages(f, nstages, (uint64_t) mask);
	if (status != LEADCRM_FUNNEL_OK)
		return status;
	for (int k = leadcrm_funnel_next(f, 0); k != 0; k = leadcrm_funnel_next(f, k))
	{
		if (r.next == r.end)
			return LEADCRM_FUNNEL_CORRUPT;
		/* nothing comes after the last stage that could be timed */
		if (leadcrm_funnel_next(f, k) == 0 && (*r.next & (HAS_SUM | HAS_BUCKETS)) != 0)
			return LEADCRM_FUNNEL_CORRUPT;
		status = merge_stage(f, &f->stage[k - 1], &r, sign);
		if (r.broken)
			return LEADCRM_FUNNEL_CORRUPT;
		if (status != LEADCRM_FUNNEL_OK)
			return status;
	}
	return r.next == r.end ? LEADCRM_FUNNEL_OK : LEADCRM_FUNNEL_CORRUPT;
}

/*
 * leadcrm_funnel_is_canonical
 *		Whether the bytes that f was read from are those that it is written as. Needs memory of their size.
 */
bool
leadcrm_funnel_is_canonical(const LeadcrmFunnel *f, const unsigned char *in, size_t len)
{
	unsigned char *again = f->grow(f->context, NULL, leadcrm_funnel_packed_size(f));

	return (size_t) (leadcrm_funnel_pack(f, again) - again) == len && memcmp(again, in, len) == 0;
}
