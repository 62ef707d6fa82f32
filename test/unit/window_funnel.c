/*
 * window_funnel.c
 *		Unit test of src/funnel/window_funnel.c.
 *		sources: src/funnel/window_funnel.c
 *
 * Random events against a search through all chains, for every combination of flags. With a number as argument it runs
 * from that seed, longer: make fuzz.
 */
#include <stdlib.h>
#include <string.h>

#include "funnel/window_funnel.h"
#include "unit.h"

/* the question that all chains are asked */
typedef struct Case
{
	const LeadcrmEvent *event;	/* each at another instant, in order */
	int			n;
	int			nsteps;
	int			flags;
	int64_t		window;
} Case;

/* may the events strictly between a and b lie between the step of length steps that a is and the next one? */
static bool
may_lie_between(const Case *c, int a, int b, int length)
{
	uint64_t	come_to = (UINT64_C(1) << length) - 1;

	for (int i = a + 1; i < b; i++)
	{
		uint64_t	steps = c->event[i].steps;

		if ((c->flags & LEADCRM_WINDOW_STRICT_ORDER) != 0 &&
			!((c->flags & LEADCRM_WINDOW_ALLOW_REENTRY) != 0 && (steps & come_to) != 0))
			return false;
		if ((c->flags & LEADCRM_WINDOW_STRICT_DEDUPLICATION) != 0 && (steps & (2 * come_to + 1)) != 0)
			return false;
	}
	return true;
}

/* the longest chain that goes on after one of this length, which began at first and is at last */
static int
search(const Case *c, int length, int first, int last)
{
	int			longest = length;

	if (length == c->nsteps)
		return length;
	for (int i = last + ((c->flags & LEADCRM_WINDOW_STRICT_INCREASE) != 0); i < c->n; i++)
	{
		int			found;

		if ((c->event[i].steps >> length & 1) == 0 || c->event[i].at - c->event[first].at > c->window ||
			!may_lie_between(c, last, i, length))
			continue;
		found = search(c, length + 1, first, i);
		if (found > longest)
			longest = found;
	}
	return longest;
}

static int
slow(const Case *c)
{
	int			longest = 0;

	for (int i = 0; i < c->n; i++)
	{
		int			found;

		if ((c->event[i].steps & 1) == 0)
			continue;
		found = search(c, 1, i, i);
		if (found > longest)
			longest = found;
		if ((c->flags & LEADCRM_WINDOW_FROM_FIRST) != 0)
			break;
	}
	return longest;
}

static void
check_random(uint64_t seed, int rounds)
{
	int			wrong = 0;
	int			order_matters = 0;
	int			reached[8] = {0};

	state = seed;
	for (int round = 0; round < rounds; round++)
	{
		LeadcrmEvent row[24];
		LeadcrmEvent event[24];
		LeadcrmEvent scratch[24];
		LeadcrmEvent instant[24];
		int			rows = 1 + below(14);
		int			span = 1 + below(12);
		int			density = 1 + below(3);
		int			n = 0;
		Case		c;

		c.nsteps = 1 + below(5);
		c.window = 1 + below(2 * span);
		do
			c.flags = below(LEADCRM_WINDOW_ALL_FLAGS + 1);
		while (!leadcrm_window_flags_valid(c.flags));

		for (int i = 0; i < rows; i++)
		{
			row[i].at = below(span) - span / 2;
			row[i].steps = 0;
			for (int d = 0; d < density; d++)
			{
				if (below(6) > 0)
					row[i].steps |= UINT64_C(1) << below(c.nsteps);
			}
		}
		/* the instants, found the slow way */
		for (int at = -span; at <= span; at++)
		{
			instant[n].at = at;
			instant[n].steps = 0;
			for (int i = 0; i < rows; i++)
			{
				if (row[i].at == at)
					instant[n].steps |= row[i].steps;
			}
			for (int i = 0; i < rows; i++)
			{
				if (row[i].at == at)
				{
					n++;
					break;
				}
			}
		}
		c.event = instant;
		c.n = n;

		for (int shuffled = 0; shuffled < 2; shuffled++)
		{
			int			left;

			for (int i = 0; i < rows; i++)
			{
				int			j = below(i + 1);
				LeadcrmEvent swap = row[i];

				row[i] = row[j];
				row[j] = swap;
			}
			memcpy(event, row, sizeof(LeadcrmEvent) * rows);
			left = leadcrm_window_normalize(event, rows, scratch);
			if (left != n || memcmp(event, instant, sizeof(LeadcrmEvent) * n) != 0)
				order_matters++;
			else if (leadcrm_window_funnel(event, n, c.nsteps, c.flags, c.window) != slow(&c) && wrong++ < 3)
			{
				printf("# flags %d, window %d, %d steps, slow %d, ours %d:", c.flags, (int) c.window, c.nsteps, slow(&c),
					   leadcrm_window_funnel(event, n, c.nsteps, c.flags, c.window));
				for (int i = 0; i < n; i++)
					printf(" %d:%x", (int) event[i].at, (unsigned int) event[i].steps);
				printf("\n");
			}
		}
		reached[slow(&c)]++;
	}
	ok(order_matters == 0, "the order of rows makes no difference");
	ok(wrong == 0, "the longest chain is found, whatever the flags");
	ok(reached[0] > rounds / 100 && reached[1] > rounds / 100 && reached[3] > rounds / 100 && reached[5] > rounds / 1000,
	   "short and long chains were among them");
}

/* sorting, at sizes around those where its ways part */
static void
check_sort(void)
{
	static LeadcrmEvent event[5000];
	static LeadcrmEvent scratch[5000];
	bool		sorted = true;

	for (int n = 0; n < 5000; n = n < 70 ? n + 1 : n * 3 / 2)
	{
		for (int shape = 0; shape < 4; shape++)
		{
			LeadcrmEvent *e = malloc(n > 0 ? sizeof(LeadcrmEvent) * n : 1);
			uint64_t	all = 0;
			uint64_t	kept = 0;
			int			left;

			for (int i = 0; i < n; i++)
			{
				e[i].at = shape == 0 ? i : shape == 1 ? -i : shape == 2 ? below(n) : below(3);
				e[i].steps = UINT64_C(1) << below(64);
				all |= e[i].steps;
			}
			memcpy(event, e, sizeof(LeadcrmEvent) * n);
			left = leadcrm_window_normalize(event, n, scratch);
			for (int i = 0; i < left; i++)
			{
				kept |= event[i].steps;
				if (i > 0 && event[i - 1].at >= event[i].at)
					sorted = false;
			}
			if (kept != all || (shape < 2 && left != n))
				sorted = false;
			free(e);
		}
	}
	ok(sorted, "events are sorted and those of one instant become one");
}

static void
check_limits(void)
{
	LeadcrmEvent event[64];
	LeadcrmEvent ends[2] = {{INT64_MIN, 1}, {INT64_MAX, 2}};

	for (int i = 0; i < 64; i++)
	{
		event[i].at = i;
		event[i].steps = UINT64_C(1) << i;
	}
	ok(leadcrm_window_funnel(event, 64, 64, 0, 63) == 64 && leadcrm_window_funnel(event, 64, 64, 0, 62) == 63 &&
	   leadcrm_window_funnel(event, 64, 64, LEADCRM_WINDOW_STRICT_ORDER | LEADCRM_WINDOW_STRICT_INCREASE, 63) == 64,
	   "64 steps, and the window's last instant belongs to it");
	ok(leadcrm_window_funnel(ends, 2, 2, 0, INT64_MAX) == 1 && leadcrm_window_funnel(ends, 1, 1, 0, 1) == 1 &&
	   leadcrm_window_funnel(ends, 0, 2, 0, 1) == 0, "the ends of time are further apart than any window");
	event[0].steps = ~UINT64_C(0);
	ok(leadcrm_window_funnel(event, 1, 64, 0, 1) == 64 && leadcrm_window_funnel(event, 1, 64, LEADCRM_WINDOW_STRICT_INCREASE, 1) == 1,
	   "one event serves for all steps, or for one only");
	ok(!leadcrm_window_flags_valid(LEADCRM_WINDOW_ALLOW_REENTRY) && !leadcrm_window_flags_valid(32) && leadcrm_window_flags_valid(3),
	   "flags that mean nothing are found");
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		check_random(strtoull(argv[1], NULL, 10), 300000);
	else
	{
		check_limits();
		check_sort();
		check_random(20240601, 60000);
	}
	printf("1..%d\n", tests);
	return 0;
}
