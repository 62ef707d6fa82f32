/*
 * funnel_math.c
 *		Adding up journeys, and the histograms of their durations: pure code, no PostgreSQL calls.
 */
#include <math.h>
#include <string.h>

#include "funnel/funnel_math.h"

#define PARTS_LOG2 6			/* parts of each power of two */
#define PARTS (1 << PARTS_LOG2)

/*
 * leadcrm_funnel_init
 *		An empty summary. What it comes to hold lives in memory from grow.
 */
void
leadcrm_funnel_init(LeadcrmFunnel *f, LeadcrmGrow grow, void *context)
{
	memset(f, 0, sizeof(*f));
	f->grow = grow;
	f->context = context;
}

/*
 * leadcrm_funnel_set_stages
 *		Say which stages there are (1 to 64) and which are measured (a mask that is not 0). MISMATCH where the summary is
 *		already one of others.
 */
LeadcrmFunnelStatus
leadcrm_funnel_set_stages(LeadcrmFunnel *f, int nstages, uint64_t in_funnel)
{
	if (f->nstages != 0)
		return f->nstages == nstages && f->in_funnel == in_funnel ? LEADCRM_FUNNEL_OK : LEADCRM_FUNNEL_MISMATCH;
	f->nstages = nstages;
	f->in_funnel = in_funnel;
	f->stage = f->grow(f->context, NULL, sizeof(LeadcrmStage) * nstages);
	memset(f->stage, 0, sizeof(LeadcrmStage) * nstages);
	return LEADCRM_FUNNEL_OK;
}

/*
 * leadcrm_funnel_next
 *		The next measured stage after this one (1-based; 0 finds the first); 0: none.
 */
int
leadcrm_funnel_next(const LeadcrmFunnel *f, int stage)
{
	uint64_t	rest = stage >= 64 ? 0 : f->in_funnel & (~UINT64_C(0) << stage);

	return rest == 0 ? 0 : __builtin_ctzll(rest) + 1;
}

/*
 * leadcrm_count_add
 *		*count += more * times; false, leaving it as it was, where the result is no count.
 */
bool
leadcrm_count_add(int64_t *count, int64_t more, int64_t times)
{
	int64_t		result;

	if (__builtin_mul_overflow(more, times, &result) || __builtin_add_overflow(*count, result, &result) ||
		result < -LEADCRM_FUNNEL_MAX_COUNT)
		return false;
	*count = result;
	return true;
}

/*
 * leadcrm_duration_bucket
 *		The bucket of a duration: its own number below 128 µs, negative for negative ones, and in the same order.
 */
int
leadcrm_duration_bucket(int64_t us)
{
	uint64_t	v = us < 0 ? -(uint64_t) us : (uint64_t) us;
	int			bucket;

	if (v < PARTS)
		bucket = (int) v;
	else
	{
		int			shift = 63 - __builtin_clzll(v) - PARTS_LOG2;

		bucket = shift * PARTS + (int) (v >> shift);
	}
	return us < 0 ? -bucket : bucket;
}

/*
 * leadcrm_bucket_duration
 *		What a bucket stands for, in µs: the number whose relative error is the same at both of its ends.
 */
double
leadcrm_bucket_duration(int bucket)
{
	int			b = bucket < 0 ? -bucket : bucket;
	double		result;

	if (b < 2 * PARTS)
		result = b;
	else
	{
		int			shift = b / PARTS - 1;
		double		first = ldexp((double) (PARTS + b % PARTS), shift);
		double		last = first + ldexp(1, shift) - 1;

		result = 2 * first * (last / (first + last));
	}
	return bucket < 0 ? -result : result;
}

/*
 * leadcrm_histogram_add
 *		So many leads more in a bucket. hint: where to look first, for callers that come with ascending buckets; NULL
 *		otherwise.
 */
LeadcrmFunnelStatus
leadcrm_histogram_add(LeadcrmFunnel *f, LeadcrmHistogram *h, int *hint, int bucket, int64_t leads)
{
	int			low = hint != NULL ? *hint : 0;
	int			high = h->nbuckets;

	if (hint != NULL)
	{
		/* the next few are the likeliest */
		int			step = 1;

		while (low + step < high && h->bucket[low + step].index < bucket)
		{
			low += step;
			step *= 2;
		}
		if (low + step < high)
			high = low + step + 1;
	}
	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (h->bucket[middle].index < bucket)
			low = middle + 1;
		else
			high = middle;
	}
	if (hint != NULL)
		*hint = low;

	if (low < h->nbuckets && h->bucket[low].index == bucket)
		return leadcrm_count_add(&h->bucket[low].leads, leads, 1) ? LEADCRM_FUNNEL_OK : LEADCRM_FUNNEL_COUNT_RANGE;
	if (h->nbuckets == h->room)
	{
		h->room = h->room == 0 ? 4 : h->room * 2;
		h->bucket = f->grow(f->context, h->bucket, sizeof(LeadcrmBucket) * h->room);
	}
	memmove(&h->bucket[low + 1], &h->bucket[low], sizeof(LeadcrmBucket) * (h->nbuckets - low));
	h->bucket[low].index = bucket;
	h->bucket[low].leads = leads;
	h->nbuckets++;
	return LEADCRM_FUNNEL_OK;
}

/*
 * leadcrm_histogram_count
 *		How many leads have a duration. NEGATIVE where a bucket has fewer than none.
 */
LeadcrmFunnelStatus
leadcrm_histogram_count(const LeadcrmHistogram *h, int64_t *leads)
{
	bool		negative = false;

	*leads = 0;
	for (int i = 0; i < h->nbuckets; i++)
	{
		if (h->bucket[i].leads < 0)
			negative = true;
		if (__builtin_add_overflow(*leads, h->bucket[i].leads, leads))
			return LEADCRM_FUNNEL_COUNT_RANGE;
	}
	return negative ? LEADCRM_FUNNEL_NEGATIVE : LEADCRM_FUNNEL_OK;
}

/*
 * leadcrm_histogram_quantile
 *		The duration (µs) below which the share p (0 to 1) of them lies, interpolated between two neighbours as percentile_cont
 *		does. Each neighbour is known to 1/129 of itself, so the result is too, where they have the same sign; else it is
 *		within 1/129 of the larger one. The histogram must not be empty.
 */
LeadcrmFunnelStatus
leadcrm_histogram_quantile(const LeadcrmHistogram *h, double p, double *us)
{
	int64_t		n;
	int64_t		below = 0;
	int64_t		first;
	double		rank;
	double		part;
	LeadcrmFunnelStatus status = leadcrm_histogram_count(h, &n);

	if (status != LEADCRM_FUNNEL_OK)
		return status;
	rank = p * (double) (n - 1);
	part = rank - floor(rank);
	/* a count beyond 2^53 may be rounded up */
	first = rank >= (double) (n - 1) ? n - 1 : (int64_t) rank;
	if (first == n - 1)
		part = 0;
	for (int i = 0; i < h->nbuckets; i++)
	{
		below += h->bucket[i].leads;
		if (first < below)
		{
			double		a = leadcrm_bucket_duration(h->bucket[i].index);

			*us = a;
			if (part > 0 && first + 1 == below)
			{
				/* zeros are not kept: the next bucket holds the next lead */
				while (h->bucket[i + 1].leads == 0)
					i++;
				*us = a + (leadcrm_bucket_duration(h->bucket[i + 1].index) - a) * part;
			}
			return LEADCRM_FUNNEL_OK;
		}
	}
	return LEADCRM_FUNNEL_NEGATIVE;
}

/*
 * leadcrm_share_add
 *		Add leads of one outcome at one peak to others (sign 1) or take them away (-1).
 */
LeadcrmFunnelStatus
leadcrm_share_add(LeadcrmShare *to, const LeadcrmShare *from, int sign)
{
	if (!leadcrm_count_add(&to->leads, from->leads, sign) || !leadcrm_count_add(&to->valued, from->valued, sign))
		return LEADCRM_FUNNEL_COUNT_RANGE;
	return leadcrm_decimal_add(&to->value, &from->value, sign) ? LEADCRM_FUNNEL_OK : LEADCRM_FUNNEL_VALUE_RANGE;
}

/*
 * leadcrm_funnel_add
 *		Add one lead, or several of the same journey, or (times < 0) take them away. The stages must have been set.
 */
LeadcrmFunnelStatus
leadcrm_funnel_add(LeadcrmFunnel *f, const LeadcrmJourney *lead, int64_t times)
{
	uint64_t	reached = lead->peak <= 0 ? 0 : f->in_funnel & (~UINT64_C(0) >> (64 - lead->peak));
	uint64_t	missing = reached & ~lead->stamped;
	int			k;

	if (times < -LEADCRM_FUNNEL_MAX_COUNT)
		return LEADCRM_FUNNEL_COUNT_RANGE;
	if (reached != 0)
	{
		LeadcrmShare *share = &f->stage[63 - __builtin_clzll(reached)].share[lead->outcome];

		if (!leadcrm_count_add(&share->leads, 1, times))
			return LEADCRM_FUNNEL_COUNT_RANGE;
		if (lead->has_value && !leadcrm_count_add(&share->valued, 1, times))
			return LEADCRM_FUNNEL_COUNT_RANGE;
		if (lead->has_value && !leadcrm_decimal_add(&share->value, &lead->value, times))
			return LEADCRM_FUNNEL_VALUE_RANGE;
	}

	for (; missing != 0; missing &= missing - 1)
	{
		uint64_t	bit = missing & -missing;
		LeadcrmStage *stage = &f->stage[__builtin_ctzll(missing)];

		if ((lead->stamped & (bit - 1)) == 0)
		{
			if (!leadcrm_count_add(&stage->joined_later, 1, times))
				return LEADCRM_FUNNEL_COUNT_RANGE;
		}
		else if (lead->stamped > bit && !leadcrm_count_add(&stage->skipped, 1, times))
			return LEADCRM_FUNNEL_COUNT_RANGE;
	}

	k = leadcrm_funnel_next(f, 0);
	for (int next; (next = leadcrm_funnel_next(f, k)) != 0; k = next)
	{
		LeadcrmHistogram *h = &f->stage[k - 1].days;
		int64_t		us;
		LeadcrmFunnelStatus status;

		if ((lead->stamped >> (k - 1) & 1) == 0 || (lead->stamped >> (next - 1) & 1) == 0)
			continue;
		if (__builtin_sub_overflow(lead->stamp[next - 1], lead->stamp[k - 1], &us) ||
			__builtin_add_overflow(h->sum, (leadcrm_int128) us * times, &h->sum))
			return LEADCRM_FUNNEL_DURATION_RANGE;
		status = leadcrm_histogram_add(f, h, NULL, leadcrm_duration_bucket(us), times);
		if (status != LEADCRM_FUNNEL_OK)
			return status;
	}
	return LEADCRM_FUNNEL_OK;
}

/*
 * leadcrm_funnel_merge
 *		Add another summary (sign 1) or take it away (-1). MISMATCH where it is one of other stages.
 */
LeadcrmFunnelStatus
leadcrm_funnel_merge(LeadcrmFunnel *f, const LeadcrmFunnel *other, int sign)
{
	LeadcrmFunnelStatus status;

	if (other->nstages == 0)
		return LEADCRM_FUNNEL_OK;
	status = leadcrm_funnel_set_stages(f, other->nstages, other->in_funnel);
	if (status != LEADCRM_FUNNEL_OK)
		return status;
	for (int i = 0; i < f->nstages; i++)
	{
		LeadcrmStage *to = &f->stage[i];
		const LeadcrmStage *from = &other->stage[i];
		int			hint = 0;

		for (int o = 0; o < LEADCRM_OUTCOMES; o++)
		{
			status = leadcrm_share_add(&to->share[o], &from->share[o], sign);
			if (status != LEADCRM_FUNNEL_OK)
				return status;
		}
		if (!leadcrm_count_add(&to->skipped, from->skipped, sign) || !leadcrm_count_add(&to->joined_later, from->joined_later, sign))
			return LEADCRM_FUNNEL_COUNT_RANGE;
		if (sign > 0 ? __builtin_add_overflow(to->days.sum, from->days.sum, &to->days.sum)
			: __builtin_sub_overflow(to->days.sum, from->days.sum, &to->days.sum))
			return LEADCRM_FUNNEL_DURATION_RANGE;
		for (int b = 0; b < from->days.nbuckets; b++)
		{
			status = leadcrm_histogram_add(f, &to->days, &hint, from->days.bucket[b].index,
										   sign * from->days.bucket[b].leads);
			if (status != LEADCRM_FUNNEL_OK)
				return status;
		}
	}
	return LEADCRM_FUNNEL_OK;
}

/*
 * leadcrm_funnel_is_zero
 *		Whether all of it cancelled out, or nothing ever came in.
 */
bool
leadcrm_funnel_is_zero(const LeadcrmFunnel *f)
{
	for (int i = 0; i < f->nstages; i++)
	{
		const LeadcrmStage *s = &f->stage[i];

		if (s->skipped != 0 || s->joined_later != 0 || s->days.sum != 0)
			return false;
		for (int o = 0; o < LEADCRM_OUTCOMES; o++)
		{
			if (s->share[o].leads != 0 || s->share[o].valued != 0 || s->share[o].value.coefficient != 0)
				return false;
		}
		for (int b = 0; b < s->days.nbuckets; b++)
		{
			if (s->days.bucket[b].leads != 0)
				return false;
		}
	}
	return true;
}
