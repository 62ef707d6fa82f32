/*
 * funnel_math.c
 *		Unit test of the summary behind leadcrm.funnel.
 *		sources: src/funnel/funnel_math.c src/funnel/funnel_decimal.c src/funnel/funnel_pack.c src/funnel/funnel_text.c
 *
 * With a number as argument it runs the random parts from that seed, longer: make fuzz.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/funnel_math.h"
#include "unit.h"

/* a duration of any size, of either sign */
static int64_t
any_duration(void)
{
	return (int64_t) (next() >> below(64));
}

/* memory that is all given back at once */
#define PIECES 100000
static void *piece[PIECES];
static int	npieces = 0;

static void *
grow(void *context, void *old, size_t size)
{
	void	   *memory = realloc(old, size);

	(void) context;
	for (int i = npieces - 1; old != NULL && i >= 0; i--)
	{
		if (piece[i] == old)
		{
			piece[i] = memory;
			return memory;
		}
	}
	if (memory == NULL || npieces == PIECES)
		abort();
	return piece[npieces++] = memory;
}

static void
forget(void)
{
	while (npieces > 0)
		free(piece[--npieces]);
}

static void
check_buckets(int rounds)
{
	bool		ordered = true;
	bool		whole = true;
	double		worst = 0;

	for (int b = LEADCRM_FUNNEL_MIN_BUCKET; b < LEADCRM_FUNNEL_MAX_BUCKET; b++)
	{
		if (!(leadcrm_bucket_duration(b) < leadcrm_bucket_duration(b + 1)))
			ordered = false;
	}
	for (int64_t us = -200; us <= 200; us++)
	{
		int			b = leadcrm_duration_bucket(us);

		if ((us > -128 && us < 128 && (b != us || leadcrm_bucket_duration(b) != us)) || leadcrm_duration_bucket(-us) != -b)
			whole = false;
	}
	for (int i = 0; i < rounds; i++)
	{
		int64_t		us = any_duration();
		int64_t		after = us == INT64_MAX ? us : us + 1;
		int			b = leadcrm_duration_bucket(us);

		if (b > leadcrm_duration_bucket(after) || leadcrm_duration_bucket(after) - b > 1 || b < LEADCRM_FUNNEL_MIN_BUCKET ||
			b > LEADCRM_FUNNEL_MAX_BUCKET)
			ordered = false;
		if (us != 0)
			worst = fmax(worst, fabs(leadcrm_bucket_duration(b) - (double) us) / fabs((double) us));
	}
	/* where an error is greatest: both ends of the first buckets of a power of two */
	for (int p = 7; p < 63; p++)
	{
		for (int64_t i = 0; i < 2; i++)
		{
			int64_t		us = ((INT64_C(1) << p) + i * (INT64_C(1) << (p - 6))) - i;

			worst = fmax(worst, fabs(leadcrm_bucket_duration(leadcrm_duration_bucket(us)) - (double) us) / (double) us);
		}
	}
	ok(ordered && leadcrm_duration_bucket(INT64_MAX) == LEADCRM_FUNNEL_MAX_BUCKET &&
	   leadcrm_duration_bucket(INT64_MIN) == LEADCRM_FUNNEL_MIN_BUCKET, "buckets stand in the order of durations");
	ok(whole, "short durations have buckets of their own, negative ones mirror the others");
	printf("# worst relative error %.6f\n", worst);
	ok(worst < 1.0 / 129 + 1e-12 && worst > 0.0077, "no duration differs from its bucket by more than 1/129");
}

static int
by_size(const void *a, const void *b)
{
	int64_t		x = *(const int64_t *) a;
	int64_t		y = *(const int64_t *) b;

	return (x > y) - (x < y);
}

/* quantiles against the sorted durations, interpolated as percentile_cont is */
static void
check_quantiles(int rounds)
{
	int			wrong = 0;
	bool		signs = false;

	for (int round = 0; round < rounds; round++)
	{
		static int64_t us[400];
		int			n = 1 + below(round % 2 == 0 ? 4 : 400);
		int			shape = below(5);
		LeadcrmFunnel f;
		LeadcrmHistogram h = {0};

		leadcrm_funnel_init(&f, grow, NULL);
		for (int i = 0; i < n; i++)
		{
			switch (shape)
			{
				case 0:
					us[i] = any_duration() / 2;	/* far enough from the ends for sums */
					break;
				case 1:
					us[i] = below(2) * INT64_C(3155760000000000);	/* now or in 100 years */
					break;
				case 2:
					us[i] = below(300) - 150;
					break;
				case 3:
					us[i] = INT64_C(86400000000) * below(60) + below(1000000);
					break;
				default:
					us[i] = 1000 + below(1000000);
			}
			leadcrm_histogram_add(&f, &h, NULL, leadcrm_duration_bucket(us[i]), 1);
		}
		/* something that came and went leaves an empty bucket behind */
		leadcrm_histogram_add(&f, &h, NULL, below(7000) - 3500, 0);
		qsort(us, n, sizeof(us[0]), by_size);
		for (int i = 0; i <= 20; i++)
		{
			double		p = i == 20 ? 1 : i < 19 ? i / 19.0 : (double) below(1000) / 999;
			double		rank = p * (n - 1);
			int			first = (int) floor(rank);
			int			second = (int) ceil(rank);
			double		exact = (double) us[first] + ((double) us[second] - (double) us[first]) * (rank - first);
			double		scale = fabs(exact);
			double		ours;

			if ((us[first] < 0) != (us[second] < 0))
			{
				scale = fmax(fabs((double) us[first]), fabs((double) us[second]));
				signs = true;
			}
			if (leadcrm_histogram_quantile(&h, p, &ours) != LEADCRM_FUNNEL_OK || !(fabs(ours - exact) <= scale / 129 * (1 + 1e-9) + 1e-6))
			{
				if (wrong++ < 3)
					printf("# p %g of %d: %.17g, exact %.17g\n", p, n, ours, exact);
			}
		}
		forget();
	}
	ok(wrong == 0 && signs, "quantiles are those of percentile_cont within 1/129");
}

static LeadcrmJourney
any_journey(int nstages)
{
	LeadcrmJourney lead = {0};

	lead.peak = below(nstages + 1);
	lead.outcome = (LeadcrmOutcome) below(LEADCRM_OUTCOMES);
	lead.has_value = below(3) > 0;
	if (lead.has_value)
	{
		lead.value.coefficient = (leadcrm_int128) below(2000001) - 1000000;
		lead.value.scale = below(7);
		leadcrm_decimal_trim(&lead.value);
	}
	for (int k = 0; k < nstages; k++)
	{
		if (below(3) == 0)
			continue;
		lead.stamped |= UINT64_C(1) << k;
		lead.stamp[k] = below(20) == 0 ? any_duration() / 4 : (int64_t) below(1 << 30) * 1000;
	}
	return lead;
}

static bool
same(const LeadcrmFunnel *a, const LeadcrmFunnel *b)
{
	unsigned char *x = malloc(leadcrm_funnel_packed_size(a));
	unsigned char *y = malloc(leadcrm_funnel_packed_size(b));
	size_t		n = (size_t) (leadcrm_funnel_pack(a, x) - x);
	size_t		m = (size_t) (leadcrm_funnel_pack(b, y) - y);
	bool		result = n == m && memcmp(x, y, n) == 0;

	free(x);
	free(y);
	return result;
}

/* the bytes in a block of exact size, so that the sanitizer sees a read beyond the end */
static LeadcrmFunnelStatus
unpack(LeadcrmFunnel *f, const unsigned char *bytes, size_t len)
{
	unsigned char *copy = malloc(len > 0 ? len : 1);
	LeadcrmFunnelStatus status;

	memcpy(copy, bytes, len);
	leadcrm_funnel_init(f, grow, NULL);
	status = leadcrm_funnel_merge_packed(f, copy, len, 1);
	if (status == LEADCRM_FUNNEL_OK && !leadcrm_funnel_is_canonical(f, copy, len))
		status = LEADCRM_FUNNEL_CORRUPT;
	free(copy);
	return status;
}

static LeadcrmFunnelStatus
parse(LeadcrmFunnel *f, const char *text)
{
	char	   *copy = malloc(strlen(text) + 1);
	const char *where;
	LeadcrmFunnelStatus status;

	strcpy(copy, text);
	leadcrm_funnel_init(f, grow, NULL);
	status = leadcrm_funnel_parse(f, copy, &where);
	if (where < copy || where > copy + strlen(copy))
		abort();
	free(copy);
	return status;
}

/* what holds for a summary that was read from somewhere: it is written and read again as the same, and can be looked at */
static bool
holds(const LeadcrmFunnel *f)
{
	size_t		room = leadcrm_funnel_packed_size(f);
	unsigned char *bytes = malloc(room);
	size_t		len = (size_t) (leadcrm_funnel_pack(f, bytes) - bytes);
	char	   *text = leadcrm_funnel_print(f);
	LeadcrmFunnel again;
	bool		result = len <= room && unpack(&again, bytes, len) == LEADCRM_FUNNEL_OK && same(f, &again) &&
		parse(&again, text) == LEADCRM_FUNNEL_OK && same(f, &again) && strcmp(leadcrm_funnel_print(&again), text) == 0;

	leadcrm_funnel_is_zero(f);
	for (int i = 0; i < f->nstages; i++)
	{
		int64_t		n;
		double		us;

		if (leadcrm_histogram_count(&f->stage[i].days, &n) == LEADCRM_FUNNEL_OK && n > 0 &&
			leadcrm_histogram_quantile(&f->stage[i].days, 0.5, &us) != LEADCRM_FUNNEL_OK)
			result = false;
	}
	free(bytes);
	return result;
}

/* merging in any order, taking away again, writing and reading */
static void
check_merges(int rounds)
{
	int			wrong = 0;

	for (int round = 0; round < rounds; round++)
	{
		int			nstages = below(8) == 0 ? 64 : 1 + below(6);
		uint64_t	mask = next();
		int			leads = below(40);
		LeadcrmFunnel all;
		LeadcrmFunnel part[3];
		LeadcrmFunnel sum;
		LeadcrmFunnel rest;

		mask &= ~UINT64_C(0) >> (64 - nstages);
		if (mask == 0)
			mask = 1;
		leadcrm_funnel_init(&all, grow, NULL);
		leadcrm_funnel_set_stages(&all, nstages, mask);
		leadcrm_funnel_init(&rest, grow, NULL);
		leadcrm_funnel_set_stages(&rest, nstages, mask);
		leadcrm_funnel_init(&sum, grow, NULL);
		for (int p = 0; p < 3; p++)
		{
			leadcrm_funnel_init(&part[p], grow, NULL);
			leadcrm_funnel_set_stages(&part[p], nstages, mask);
		}
		for (int i = 0; i < leads; i++)
		{
			LeadcrmJourney lead = any_journey(nstages);
			int			p = below(3);

			if (leadcrm_funnel_add(&all, &lead, 1) != LEADCRM_FUNNEL_OK || leadcrm_funnel_add(&part[p], &lead, 3) != LEADCRM_FUNNEL_OK ||
				leadcrm_funnel_add(&part[p], &lead, -2) != LEADCRM_FUNNEL_OK ||
				(p == 2 && leadcrm_funnel_add(&rest, &lead, 1) != LEADCRM_FUNNEL_OK))
				wrong++;
		}
		for (int p = 2; p >= 0; p--)
			leadcrm_funnel_merge(&sum, &part[p], 1);
		if (!same(&all, &sum) || !holds(&all))
			wrong++;
		/* without two of the parts, the third is left; without that, nothing */
		leadcrm_funnel_merge(&sum, &part[0], -1);
		leadcrm_funnel_merge(&sum, &part[1], -1);
		if (!same(&sum, &rest) || leadcrm_funnel_is_zero(&all) != (same(&all, &rest) && leadcrm_funnel_is_zero(&rest)))
			wrong++;
		leadcrm_funnel_merge(&sum, &all, -1);
		if (!holds(&sum))
			wrong++;
		leadcrm_funnel_merge(&sum, &part[0], 1);
		leadcrm_funnel_merge(&sum, &part[1], 1);
		if (!leadcrm_funnel_is_zero(&sum) || !holds(&sum))
			wrong++;
		forget();
	}
	ok(wrong == 0, "a summary is the same however it was merged, and comes back as it was written");
}

static void
check_decimals(int rounds)
{
	char		text[LEADCRM_DECIMAL_WIDTH];
	LeadcrmDecimal d;
	LeadcrmDecimal sum = {0};
	leadcrm_int128 expected = 0;
	int			wrong = 0;
	static const char *const good[][2] = {
		{"0", "0"}, {"-0", "0"}, {"0.000", "0"}, {"1.10", "1.1"}, {"-0.05", "-0.05"}, {"00012", "12"}, {"100", "100"},
		{"170141183460469231731687303715884105727", "170141183460469231731687303715884105727"},
		{"-170141183460469231731687303715884105728", "-170141183460469231731687303715884105728"},
		{"0.00000000000000000000000000000000000001", "0.00000000000000000000000000000000000001"},
		{"12345678901234567890.123456789012345678000000", "12345678901234567890.123456789012345678"}
	};
	static const char *const bad[] = {
		"", "-", ".", ".5", "1.", "x", "-x", "+1", " 1", "170141183460469231731687303715884105728",
		"1e5", "NaN", "0.000000000000000000000000000000000000001", "123456789012345678901.123456789012345678901"
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
	{
		const char *end = leadcrm_decimal_parse(good[i][0], &d);

		if (end == NULL || *end != '\0' || (leadcrm_decimal_print(&d, text), strcmp(text, good[i][1]) != 0))
			printf("# %s: %s\n", good[i][0], text), wrong++;
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		const char *end = leadcrm_decimal_parse(bad[i], &d);

		if (end != NULL && *end == '\0')
			printf("# %s\n", bad[i]), wrong++;
	}
	ok(wrong == 0, "decimal numbers are read as they are, or not at all");

	wrong = 0;
	for (int i = 0; i < rounds; i++)
	{
		int64_t		whole = (int64_t) below(2000000) - 1000000;
		int			scale = below(7);
		int64_t		times = below(5) - 2;
		const char *end;

		d.coefficient = whole;
		d.scale = scale;
		leadcrm_decimal_print(&d, text);
		end = leadcrm_decimal_parse(text, &d);
		if (end == NULL || *end != '\0' || !leadcrm_decimal_add(&sum, &d, times))
			wrong++;
		for (; scale < 6; scale++)
			whole *= 10;
		expected += (leadcrm_int128) whole * times;
	}
	leadcrm_decimal_trim(&sum);
	for (int s = sum.scale; s < 6; s++)
		sum.coefficient *= 10;
	ok(wrong == 0 && sum.coefficient == expected, "sums are exact");

	d.coefficient = (leadcrm_int128) 1 << 126;
	d.scale = 0;
	sum = d;
	ok(!leadcrm_decimal_add(&sum, &d, 1) && !leadcrm_decimal_add(&sum, &d, INT64_MIN) && sum.coefficient == d.coefficient &&
	   leadcrm_decimal_add(&sum, &d, -1) && sum.coefficient == 0, "a sum that does not fit is refused and changes nothing");
}

static void
check_limits(void)
{
	LeadcrmFunnel f;
	LeadcrmFunnel g;
	LeadcrmJourney lead = {.peak = 1, .stamped = 3, .stamp = {INT64_MIN, INT64_MAX}};
	LeadcrmFunnelStatus status;
	double		us;

	leadcrm_funnel_init(&f, grow, NULL);
	leadcrm_funnel_set_stages(&f, 2, 3);
	ok(leadcrm_funnel_add(&f, &lead, 1) == LEADCRM_FUNNEL_DURATION_RANGE, "a duration that does not fit is refused");
	lead.stamp[0] = 0;
	status = leadcrm_funnel_add(&f, &lead, INT64_MAX - 1);
	ok(status == LEADCRM_FUNNEL_OK && leadcrm_funnel_add(&f, &lead, 1) == LEADCRM_FUNNEL_COUNT_RANGE, "so is a count");
	leadcrm_funnel_init(&f, grow, NULL);
	leadcrm_funnel_set_stages(&f, 2, 3);
	ok(leadcrm_funnel_add(&f, &lead, INT64_MIN) == LEADCRM_FUNNEL_COUNT_RANGE && leadcrm_funnel_add(&f, &lead, -INT64_MAX) == LEADCRM_FUNNEL_OK &&
	   holds(&f) && leadcrm_funnel_add(&f, &lead, -1) == LEADCRM_FUNNEL_COUNT_RANGE, "and one without a counterpart");
	leadcrm_funnel_init(&g, grow, NULL);
	leadcrm_funnel_set_stages(&g, 2, 1);
	ok(leadcrm_funnel_merge(&g, &f, 1) == LEADCRM_FUNNEL_MISMATCH, "summaries of different stages don't add");
	leadcrm_funnel_init(&g, grow, NULL);
	ok(leadcrm_funnel_merge(&f, &g, 1) == LEADCRM_FUNNEL_OK && leadcrm_funnel_merge(&g, &f, -1) == LEADCRM_FUNNEL_OK && g.nstages == 2,
	   "an empty one goes with any");
	ok(leadcrm_histogram_quantile(&f.stage[0].days, 0.5, &us) == LEADCRM_FUNNEL_NEGATIVE, "a difference has no quantiles");
	forget();
}

/* damaged bytes and texts, most of them nearly right */
static void
check_damage(int rounds)
{
	int			broken = 0;
	int			accepted = 0;
	int			refused = 0;

	for (int round = 0; round < rounds; round++)
	{
		LeadcrmFunnel f;
		LeadcrmFunnel read;
		int			nstages = 1 + below(4);
		unsigned char *bytes;
		size_t		len;
		char	   *text;
		LeadcrmFunnelStatus status;

		leadcrm_funnel_init(&f, grow, NULL);
		leadcrm_funnel_set_stages(&f, nstages, (UINT64_C(1) << nstages) - 1);
		for (int i = below(4); i >= 0; i--)
		{
			LeadcrmJourney lead = any_journey(nstages);

			leadcrm_funnel_add(&f, &lead, below(3) - 1);
		}
		bytes = malloc(leadcrm_funnel_packed_size(&f) + 8);
		len = (size_t) (leadcrm_funnel_pack(&f, bytes) - bytes);
		for (int i = 1 + below(3); i > 0; i--)
		{
			switch (below(4))
			{
				case 0:
					bytes[below((int64_t) len)] = (unsigned char) next();
					break;
				case 1:
					bytes[below((int64_t) len)] ^= (unsigned char) (1 << below(8));
					break;
				case 2:
					len = 1 + (size_t) below((int64_t) len);
					break;
				default:
					bytes[len++] = (unsigned char) (below(2) * 0xFF);
			}
		}
		status = unpack(&read, bytes, len);
		if (status == LEADCRM_FUNNEL_OK)
			accepted++;
		else
			refused++;
		if (status == LEADCRM_FUNNEL_OK && !holds(&read))
			broken++;
		free(bytes);

		text = leadcrm_funnel_print(&f);
		len = strlen(text);
		for (int i = 1 + below(2); i > 0; i--)
		{
			static const char letters[] = "{}[]\",:-.0123456789 aeE\t\x7F\xC3";

			if (below(3) == 0)
				memmove(&text[len / 2], &text[len / 2 + 1], len - len / 2);
			else
				text[below((int64_t) len)] = letters[below((int64_t) sizeof(letters) - 1)];
			len = strlen(text);
		}
		status = parse(&read, text);
		if (status == LEADCRM_FUNNEL_OK)
			accepted++;
		else
			refused++;
		if (status == LEADCRM_FUNNEL_OK && !holds(&read))
		{
			if (broken++ < 3)
				printf("# unstable: %s\n", text);
		}
		forget();
	}
	printf("# %d accepted, %d refused\n", accepted, refused);
	ok(broken == 0, "whatever is read can be written and read again");
	ok(accepted > rounds / 100 && refused > rounds / 2, "some damage makes another summary, most is found");
}

int
main(int argc, char **argv)
{
	bool		longer = argc > 1;

	state = longer ? strtoull(argv[1], NULL, 10) : 20240601;
	if (!longer)
		check_limits();
	check_buckets(longer ? 1000000 : 200000);
	check_quantiles(longer ? 20000 : 3000);
	check_merges(longer ? 5000 : 1000);
	check_decimals(longer ? 100000 : 20000);
	check_damage(longer ? 100000 : 20000);
	printf("1..%d\n", tests);
	return 0;
}
