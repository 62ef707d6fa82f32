/*
 * stamps.c
 *		Unit test of src/cube/stamps.c: what a change takes and adds leaves what the stamps then count for, worked out one by one.
 *		sources: src/cube/stamps.c src/cube/bins.c src/funnel/funnel_math.c src/funnel/funnel_decimal.c
 *
 * With a number as argument it runs the random part only, from that seed: make fuzz.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cube/bins.h"
#include "cube/stamps.h"
#include "funnel/funnel_math.h"
#include "unit.h"

#define DAY INT64_C(86400000000)

static int64_t
any_time(void)
{
	switch (below(12))
	{
		case 0:
			return INT64_MIN;
		case 1:
			return INT64_MAX;
		case 2:
			return (int64_t) next();
		default:
			return below(40) * DAY + below(3) * (DAY / 2 + 1);
	}
}

static PackStamps
make_stamps(int nstates)
{
	PackStamps	s = {0};

	s.states = (uint32_t) next() & ((UINT32_C(1) << nstates) - 1);
	for (int i = 0; i < nstates; i++)
		s.at[i] = any_time();
	s.over = below(2);
	s.over_since = any_time();
	return s;
}

typedef struct Sum
{
	int64_t		code;
	int64_t		us;				/* of kind 7 it tells cells apart, of kind 3 it is added up */
	int			kind;
	int			n;
} Sum;

static Sum	sums[4 * STAMP_CELLS];
static int	nsums;

static void
count(int kind, int64_t code, int64_t us, int sign)
{
	int			i;

	for (i = 0; i < nsums; i++)
		if (sums[i].kind == kind && sums[i].code == code && (kind == CELL_STAY || sums[i].us == us))
			break;
	if (i == nsums)
		sums[nsums++] = (Sum) {code, kind == CELL_STAY ? 0 : us, kind, 0};
	sums[i].n += sign;
	if (kind == CELL_STAY)
		sums[i].us = (int64_t) ((uint64_t) sums[i].us + (uint64_t) (sign * us));
}

static bool
finite(int64_t at)
{
	return at != INT64_MIN && at != INT64_MAX;
}

/* in numbers wide enough for any difference */
static int64_t
length(int64_t from, int64_t to)
{
	leadcrm_int128 us = (leadcrm_int128) to - from;

	return us < 0 ? 0 : us > INT64_MAX ? INT64_MAX : (int64_t) us;
}

/* what stamps count for, by the definition of the kinds */
static void
count_all(const PackStamps *s, int sign)
{
	int			last = 0;

	for (int i = 1; i <= PACK_MAX_STATES; i++)
		if (s->states >> (i - 1) & 1)
			last = i;
	for (int i = 1; i <= last; i++)
	{
		int64_t		at = s->at[i - 1];

		if (!(s->states >> (i - 1) & 1))
			continue;
		count(CELL_ENTERED, ENTERED_CODE(i, leadcrm_utc_day(at)), 0, sign);
		for (int j = i + 1; j <= last && finite(at); j++)
		{
			int64_t		first = INT64_MAX;
			leadcrm_int128 us = (leadcrm_int128) s->at[j - 1] - at;

			for (int k = j; k <= last; k++)
				if ((s->states >> (k - 1) & 1) && s->at[k - 1] < first)
					first = s->at[k - 1];
			if (finite(first))
				count(CELL_WENT_ON, BIN_CODE(CELL_WENT_ON, i, j, leadcrm_stay_bin(length(at, first))), 0, sign);
			if ((s->states >> (j - 1) & 1) && finite(s->at[j - 1]) && us <= INT64_MAX && us > INT64_MIN)
				count(CELL_STAY, STAY_CODE(i, j, us < 0 ? 0 : us <= 30 * DAY ? 1 : us <= 60 * DAY ? 2 : us <= 90 * DAY ? 3 : 4,
					leadcrm_duration_bucket((int64_t) us)), (int64_t) us, sign);
		}
		if (finite(at) && s->over && finite(s->over_since))
			count(CELL_WENT_OFF, BIN_CODE(CELL_WENT_OFF, i, last, leadcrm_stay_bin(length(at, s->over_since))), 0, sign);
		if (finite(at) && !s->over)
			count(CELL_STILL_OPEN, BIN_CODE(CELL_STILL_OPEN, i, last, leadcrm_instant_bin(at)), at, sign);
	}
}

static bool
all_zero(unsigned kinds)
{
	for (int i = 0; i < nsums; i++)
		if ((kinds >> sums[i].kind & 1) && (sums[i].n != 0 || (sums[i].kind == CELL_STAY && sums[i].us != 0)))
			return false;
	return true;
}

static bool
random_changes(uint64_t seed, int rounds)
{
	static StampCell cells[STAMP_CELLS];

	state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
	for (int round = 0; round < rounds; round++)
	{
		int			nstates = below(4) ? 7 : PACK_MAX_STATES;
		PackStamps	before = make_stamps(nstates);
		PackStamps	after = make_stamps(nstates);
		unsigned	kinds = below(2) ? ~0U : 1U << below(8);
		int			n;

		/* most changes leave most as it was */
		if (below(4))
			for (int i = 0; i < nstates; i++)
				if (below(4))
				{
					after.at[i] = before.at[i];
					after.states = (after.states & ~(UINT32_C(1) << i)) | (before.states & UINT32_C(1) << i);
				}
		if (below(3) == 0)
		{
			after.over = before.over;
			after.over_since = before.over_since;
		}
		nsums = 0;
		count_all(&before, 1);
		n = leadcrm_stamp_cells(&before, &after, kinds, cells);
		if (n < 0 || n > STAMP_CELLS)
			return false;
		for (int i = 0; i < n; i++)
		{
			if (!(kinds >> cells[i].kind & 1))
				return false;
			count(cells[i].kind, cells[i].code, cells[i].us, cells[i].sign);
		}
		count_all(&after, -1);
		if (!all_zero(kinds))
			return false;
		/* and what stays is not touched */
		if (leadcrm_stamp_cells(&before, &before, ~0U, cells) != 0)
			return false;
	}
	return true;
}

int
main(int argc, char **argv)
{
	PackStamps	none = {0};
	PackStamps	lead = {.states = 2, .at = {0, 5 * DAY}};
	PackStamps	mql = {.states = 6, .at = {0, 5 * DAY, 7 * DAY}};
	StampCell	cells[STAMP_CELLS];

	if (argc > 1)
	{
		uint64_t	seed = strtoull(argv[1], NULL, 10);

		if (!random_changes(seed, 20000))
		{
			printf("not ok 1 - random changes, seed %llu\n", (unsigned long long) seed);
			return 1;
		}
		return 0;
	}
	printf("1..6\n");
	ok(random_changes(1, 20000), "random changes");
	ok(random_changes(2, 20000), "again");
	ok(leadcrm_stamp_cells(&none, &lead, ~0U, cells) == 2 && cells[0].kind == CELL_ENTERED && cells[1].kind == CELL_STILL_OPEN &&
	   cells[1].code == BIN_CODE(7, 2, 2, leadcrm_instant_bin(5 * DAY)) && cells[1].us == 5 * DAY && cells[1].sign == 1, "a birth");
	ok(leadcrm_stamp_cells(&lead, &mql, ~0U, cells) == 6, "a move: a stamp, a stay, one that went on, two for one that were open");
	ok(leadcrm_utc_day(-1) == -1 && leadcrm_utc_day(0) == 0 && leadcrm_utc_day(DAY) == 1 && leadcrm_utc_day(-DAY) == -1, "days");
	ok(leadcrm_utc_day(INT64_MIN) == -PACK_MAX_DAY && leadcrm_utc_day(INT64_MAX) == PACK_MAX_DAY - 1, "infinite ones");
	return 0;
}
