/*
 * stamps.c
 *		The cells that follow from the stamps of a row.
 */
#include "cube/stamps.h"

#include "cube/bins.h"
#include "funnel/funnel_math.h"

#define US_PER_DAY INT64_C(86400000000)
#define FINITE(at) ((at) != INT64_MIN && (at) != INT64_MAX)

/* A row's stamps, and what makes the cells of kinds 5 to 7. */
typedef struct Way
{
	const PackStamps *stamps;
	int			last;			/* the furthest state with a stamp, from 1; 0: none has */
	int64_t		least[PACK_MAX_STATES]; /* of each state, the first stamp of it and those beyond, up to the last one's */
} Way;

static bool
has(const Way *way, int i)
{
	return (way->stamps->states & UINT32_C(1) << i) != 0;
}

static void
find_way(Way *way, const PackStamps *stamps)
{
	way->stamps = stamps;
	way->last = stamps->states == 0 ? 0 : 32 - __builtin_clz(stamps->states);
	for (int i = way->last - 1; i >= 0; i--)
	{
		way->least[i] = i < way->last - 1 ? way->least[i + 1] : INT64_MAX;
		if (has(way, i) && stamps->at[i] < way->least[i])
			way->least[i] = stamps->at[i];
	}
}

/* From one time to a later one; as short or long as a number can be, where it is shorter or longer. */
static int64_t
between(int64_t from, int64_t to)
{
	int64_t		us;

	return __builtin_sub_overflow(to, from, &us) ? to < from ? INT64_MIN : INT64_MAX : us;
}

/*
 * Days since 2000-01-01 UTC; infinite times have the first and the last that a code holds.
 */
int
leadcrm_utc_day(int64_t at)
{
	if (!FINITE(at))
		return at < 0 ? -PACK_MAX_DAY : PACK_MAX_DAY - 1;
	return (int) (at >= 0 ? at / US_PER_DAY : -((US_PER_DAY - 1 - at) / US_PER_DAY));
}

/* Days apart: 0 the wrong way round, 1 to 30, 2 to 60, 3 to 90, 4 more. */
static int
apart(int64_t us)
{
	if (us < 0)
		return 0;
	return us <= 30 * US_PER_DAY ? 1 : us <= 60 * US_PER_DAY ? 2 : us <= 90 * US_PER_DAY ? 3 : 4;
}

/* Kinds 3 and 4: each stamp that the other does not have, and each two with such a one. */
static int
stamp_pairs(const Way *way, const Way *other, int sign, unsigned kinds, StampCell *cells)
{
	const int64_t *at = way->stamps->at;
	uint32_t	fresh = 0;
	int			n = 0;

	for (int i = 0; i < way->last; i++)
		if (has(way, i) && (!has(other, i) || other->stamps->at[i] != at[i]))
			fresh |= UINT32_C(1) << i;
	for (int to = 0; fresh != 0 && to < way->last; to++)
	{
		if (!has(way, to))
			continue;
		if ((fresh & UINT32_C(1) << to) && (kinds & 1 << CELL_ENTERED))
			cells[n++] = (StampCell) {CELL_ENTERED, sign, ENTERED_CODE(to + 1, leadcrm_utc_day(at[to])), 0};
		for (int from = 0; from < to && (kinds & 1 << CELL_STAY); from++)
		{
			int64_t		us;

			if (!has(way, from) || !(fresh & (UINT32_C(1) << from | UINT32_C(1) << to)) || !FINITE(at[from]) || !FINITE(at[to]) ||
				__builtin_sub_overflow(at[to], at[from], &us))
				continue;
			if (us == INT64_MIN)
				us++;			/* stamps of 292,000 years apart */
			cells[n++] = (StampCell) {CELL_STAY, sign, STAY_CODE(from + 1, to + 1, apart(us), leadcrm_duration_bucket(us)), us};
		}
	}
	return n;
}

static bool
same_fate(const Way *a, const Way *b)
{
	return a->last == b->last && a->stamps->over == b->stamps->over &&
		(!a->stamps->over || a->stamps->over_since == b->stamps->over_since);
}

/* Kinds 5 to 7: what became of the row after each of its stamps, where it is not the same in the other. */
static int
stamp_fates(const Way *way, const Way *other, int sign, unsigned kinds, StampCell *cells)
{
	const PackStamps *stamps = way->stamps;
	int			n = 0;

	for (int i = 0; i < way->last; i++)
	{
		int64_t		at = stamps->at[i];
		bool		known = has(way, i) && has(other, i) && other->stamps->at[i] == at;

		if (!has(way, i) || !FINITE(at))
			continue;
		for (int j = i + 1; j < way->last && (kinds & 1 << CELL_WENT_ON); j++)
			if (FINITE(way->least[j]) && !(known && j < other->last && other->least[j] == way->least[j]))
				cells[n++] = (StampCell) {CELL_WENT_ON, sign,
					BIN_CODE(CELL_WENT_ON, i + 1, j + 1, leadcrm_stay_bin(between(at, way->least[j]))), 0};
		if (known && same_fate(way, other))
			continue;
		if (stamps->over && FINITE(stamps->over_since) && (kinds & 1 << CELL_WENT_OFF))
			cells[n++] = (StampCell) {CELL_WENT_OFF, sign,
				BIN_CODE(CELL_WENT_OFF, i + 1, way->last, leadcrm_stay_bin(between(at, stamps->over_since))), 0};
		if (!stamps->over && (kinds & 1 << CELL_STILL_OPEN))
			cells[n++] = (StampCell) {CELL_STILL_OPEN, sign, BIN_CODE(CELL_STILL_OPEN, i + 1, way->last, leadcrm_instant_bin(at)), at};
	}
	return n;
}

/*
 * What a change of a row's stamps takes from the cells and adds to them, of the kinds whose bits are set: fills cells, which has room
 * for STAMP_CELLS, and returns how many.
 */
int
leadcrm_stamp_cells(const PackStamps *before, const PackStamps *after, unsigned kinds, StampCell *cells)
{
	Way			was;
	Way			is;
	int			n = 0;

	find_way(&was, before);
	find_way(&is, after);
	if (kinds & (1 << CELL_STAY | 1 << CELL_ENTERED))
	{
		n += stamp_pairs(&was, &is, -1, kinds, cells + n);
		n += stamp_pairs(&is, &was, 1, kinds, cells + n);
	}
	if (kinds & (1 << CELL_WENT_ON | 1 << CELL_WENT_OFF | 1 << CELL_STILL_OPEN))
	{
		n += stamp_fates(&was, &is, -1, kinds, cells + n);
		n += stamp_fates(&is, &was, 1, kinds, cells + n);
	}
	return n;
}
