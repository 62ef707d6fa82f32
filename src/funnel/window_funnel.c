/*
 * window_funnel.c
 *		How many steps a lead came, in order, within a window: pure code, no PostgreSQL calls.
 */
#include <string.h>

#include "funnel/window_funnel.h"

#define RUN 16					/* shorter stretches are sorted by insertion */

/*
 * leadcrm_window_flags_valid
 *		Whether these flags mean something together.
 */
bool
leadcrm_window_flags_valid(int flags)
{
	if ((flags & ~LEADCRM_WINDOW_ALL_FLAGS) != 0)
		return false;
	return (flags & LEADCRM_WINDOW_ALLOW_REENTRY) == 0 || (flags & LEADCRM_WINDOW_STRICT_ORDER) != 0;
}

static void
sort_run(LeadcrmEvent *event, int n)
{
	for (int i = 1; i < n; i++)
	{
		LeadcrmEvent e = event[i];
		int			j = i;

		for (; j > 0 && event[j - 1].at > e.at; j--)
			event[j] = event[j - 1];
		event[j] = e;
	}
}

/* from[0 .. middle) and from[middle .. n), both sorted, into to */
static void
merge_runs(const LeadcrmEvent *from, int middle, int n, LeadcrmEvent *to)
{
	int			a = 0;
	int			b = middle;

	for (int i = 0; i < n; i++)
		to[i] = b == n || (a < middle && from[a].at <= from[b].at) ? from[a++] : from[b++];
}

/*
 * leadcrm_window_normalize
 *		Sort the events and make those of one instant one; returns how many are left. scratch has room for n.
 */
int
leadcrm_window_normalize(LeadcrmEvent *event, int n, LeadcrmEvent *scratch)
{
	LeadcrmEvent *from = event;
	LeadcrmEvent *to = scratch;
	int			left = 0;

	for (int i = 0; i < n; i += RUN)
		sort_run(&event[i], n - i < RUN ? n - i : RUN);
	for (int64_t width = RUN; width < n; width *= 2)
	{
		LeadcrmEvent *swap = from;

		for (int64_t i = 0; i < n; i += 2 * width)
		{
			int			len = (int) (n - i < 2 * width ? n - i : 2 * width);

			merge_runs(&from[i], width < len ? (int) width : len, len, &to[i]);
		}
		from = to;
		to = swap;
	}
	for (int i = 0; i < n; i++)
	{
		if (left > 0 && event[left - 1].at == from[i].at)
			event[left - 1].steps |= from[i].steps;
		else
			event[left++] = from[i];
	}
	return left;
}

/*
 * leadcrm_window_funnel
 *		The length of the longest chain. Events are normalised, steps are 1 to 64, the window is positive.
 *
 * One pass: for each length, the chain that began last is kept, since later events are too late for it last. Of the chains
 * kept, none began later than a shorter one: it was that one when it was shorter, and those are only ever replaced by later
 * ones. So a chain that an event makes longer always takes the place of the one of that length.
 */
int
leadcrm_window_funnel(const LeadcrmEvent *event, int n, int nsteps, int flags, int64_t window)
{
	int64_t		start[LEADCRM_WINDOW_MAX_STEPS];	/* of the chain of length k + 1 */
	uint64_t	alive = 0;		/* bit k: there is one */
	uint64_t	known = ~UINT64_C(0) >> (64 - nsteps);
	uint64_t	begins = 1;		/* bit 0: a chain may begin */
	bool		increase = (flags & LEADCRM_WINDOW_STRICT_INCREASE) != 0;
	int			longest = 0;

	for (int i = 0; i < n && longest < nsteps; i++)
	{
		uint64_t	steps = event[i].steps & known;
		uint64_t	reached = 0;
		int64_t		began[LEADCRM_WINDOW_MAX_STEPS];

		/* chains that this event makes longer: those before it, or just made so, where one event may serve for several steps */
		for (uint64_t rest = steps; rest != 0; rest &= rest - 1)
		{
			int			k = __builtin_ctzll(rest);

			if (k == 0)
			{
				if (begins == 0)
					continue;
				began[0] = event[i].at;
			}
			else if (!increase && (reached >> (k - 1) & 1) != 0)
				began[k] = began[k - 1];
			else if ((alive >> (k - 1) & 1) != 0 && (uint64_t) event[i].at - (uint64_t) start[k - 1] <= (uint64_t) window)
				began[k] = start[k - 1];
			else
				continue;
			reached |= UINT64_C(1) << k;
			if (k + 1 > longest)
				longest = k + 1;
		}
		if ((steps & 1) != 0 && (flags & LEADCRM_WINDOW_FROM_FIRST) != 0)
			begins = 0;

		/* those that this event is no part of */
		if ((flags & LEADCRM_WINDOW_STRICT_ORDER) != 0)
		{
			/* it may come again to a step of chains that are long enough to hold it */
			if ((flags & LEADCRM_WINDOW_ALLOW_REENTRY) != 0 && steps != 0)
				alive &= ~UINT64_C(0) << __builtin_ctzll(steps);
			else
				alive = 0;
		}
		if ((flags & LEADCRM_WINDOW_STRICT_DEDUPLICATION) != 0 && steps != 0)
		{
			/* shorter ones neither hold its first step nor wait for it */
			int			first = __builtin_ctzll(steps);

			alive &= first < 2 ? 0 : ~UINT64_C(0) >> (64 - (first - 1));
		}

		for (uint64_t rest = reached; rest != 0; rest &= rest - 1)
			start[__builtin_ctzll(rest)] = began[__builtin_ctzll(rest)];
		alive |= reached;
	}
	return longest;
}
