/*
 * facts.c
 *		What a row looks like to the cubes, and what its change takes from the cells and adds to them.
 */
#include "postgres.h"

#include "executor/tuptable.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "cube/bucket.h"
#include "cube/cube.h"

#define STAY_CODE(from, to, class, bucket) \
	CELL_CODE(CELL_STAY, (int64) (from) << 52 | (int64) (to) << 48 | (int64) (class) << 44 | ((bucket) + 4096))

/* Days since 2000-01-01 UTC. */
static int64
utc_day(TimestampTz at)
{
	if (TIMESTAMP_IS_NOBEGIN(at))
		return -(1 << 27);
	if (TIMESTAMP_IS_NOEND(at))
		return (1 << 27) - 1;
	return at >= 0 ? at / USECS_PER_DAY : -((USECS_PER_DAY - 1 - at) / USECS_PER_DAY);
}

static DateADT
local_day(Tally *tally, TimestampTz at)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int			tz;

	if (TIMESTAMP_NOT_FINITE(at) ||
		timestamp2tm(at, &tz, &tm, &fsec, NULL, leadcrm_tally_zone(tally)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("rows cannot be counted by the day of \"%s\"", timestamptz_to_str(at))));
	return date2j(tm.tm_year, tm.tm_mon, tm.tm_mday) - POSTGRES_EPOCH_JDATE;
}

/* From 1; 0: NULL or not a label that the enum had when the shape was built, which then is built anew. */
static int
state_rank(const CubeShape *shape, TupleTableSlot *slot, AttrNumber att)
{
	Oid			oid;

	if (slot->tts_isnull[att - 1])
		return 0;
	oid = DatumGetObjectId(slot->tts_values[att - 1]);
	for (int i = 0; i < shape->nstates; i++)
		if (shape->state_oid[i] == oid)
			return i + 1;
	return 0;
}

/*
 * A number in millionths, where it has no more digits than that: sums of those need no arithmetic on digits.  The text of a
 * numeric is its only form that is not private to numeric.c.
 */
static bool
in_millionths(Datum value, int64 *fixed, int *scale)
{
	char	   *text = DatumGetCString(DirectFunctionCall1(numeric_out, value));
	char	   *c = text;
	bool		negative = *c == '-';
	int64		result = 0;
	int			digits = 0;
	int			after = -1;

	for (c += negative; *c != '\0'; c++)
	{
		if (*c == '.')
			after = 0;
		else if (*c < '0' || *c > '9' || ++digits > 15 || (after >= 0 && ++after > 6))
		{
			pfree(text);
			return false;
		}
		else
			result = result * 10 + (*c - '0');
	}
	after = Max(after, 0);
	pfree(text);
	*scale = after;
	if (digits - after > 12)
		return false;
	for (; after < 6; after++)
		result *= 10;
	*fixed = negative ? -result : result;
	return true;
}

/* Whether a column holds the same bytes in both rows: then what was made of it need not be made again. */
static bool
same_bytes(TupleTableSlot *a, TupleTableSlot *b, AttrNumber att)
{
	Datum		x = a->tts_values[att - 1];
	Datum		y = b->tts_values[att - 1];

	if (a->tts_isnull[att - 1] || b->tts_isnull[att - 1])
		return a->tts_isnull[att - 1] && b->tts_isnull[att - 1];
	return VARSIZE_ANY(DatumGetPointer(x)) == VARSIZE_ANY(DatumGetPointer(y)) &&
		memcmp(DatumGetPointer(x), DatumGetPointer(y), VARSIZE_ANY(DatumGetPointer(x))) == 0;
}

static int32
key_of(Tally *tally, const CubeShape *shape, TupleTableSlot *slot, int i)
{
	Datum		value = slot->tts_values[shape->key_att[i] - 1];
	char	   *text;

	if (slot->tts_isnull[shape->key_att[i] - 1])
		return 0;				/* the empty text */
	if (shape->key_is_text[i])
	{
		struct varlena *plain = PG_DETOAST_DATUM_PACKED(value);

		return leadcrm_tally_key(tally, VARDATA_ANY(plain), VARSIZE_ANY_EXHDR(plain));
	}
	text = OutputFunctionCall((FmgrInfo *) &shape->key_out[i], value);
	return leadcrm_tally_key(tally, text, strlen(text));
}

/* CELL_PLACE and CELL_WAIT */
static void
find_place(const CubeShape *shape, TupleTableSlot *slot, Facts *facts)
{
	int			state = state_rank(shape, slot, shape->state_att);
	int			peak = slot->tts_isnull[shape->peak_att - 1] ? state : state_rank(shape, slot, shape->peak_att);
	bool		over = false;

	if (!slot->tts_isnull[shape->over_att - 1])
	{
		struct varlena *text = PG_DETOAST_DATUM_PACKED(slot->tts_values[shape->over_att - 1]);

		over = VARSIZE_ANY_EXHDR(text) == strlen(shape->over_value) &&
			memcmp(VARDATA_ANY(text), shape->over_value, VARSIZE_ANY_EXHDR(text)) == 0;
	}
	facts->place = CELL_CODE(CELL_PLACE, (int64) peak << 24 | (int64) state << 20 | (over ? 1 << 16 : 0) | facts->entered);
	facts->wait = -1;
	if (!over && !slot->tts_isnull[shape->since_att - 1])
		facts->wait = CELL_CODE(CELL_WAIT, (int64) state << 40 | peak |
								CELL_DAY(utc_day(DatumGetTimestampTz(slot->tts_values[shape->since_att - 1]))) << 8);
}

/*
 * Reads a row.  before, in before_slot: what the same row was before, which saves work; else NULL.  Its memory is the caller's.
 */
void
leadcrm_cube_facts(Tally *tally, const CubeShape *shape, TupleTableSlot *slot, const Facts *before, TupleTableSlot *before_slot,
				   Facts *facts)
{
	AttrNumber	born = shape->born_att - 1;
	AttrNumber	value = shape->value_att - 1;

	slot_getsomeattrs(slot, shape->max_att);
	facts->counted = slot->tts_isnull[shape->unless_att - 1] && !slot->tts_isnull[born];
	if (!facts->counted)
		return;
	if (before != NULL && !before->counted)
		before = NULL;

	facts->day = before != NULL && before_slot->tts_values[born] == slot->tts_values[born] ? before->day :
		local_day(tally, DatumGetTimestampTz(slot->tts_values[born]));
	for (int i = 0; i < shape->nkeys; i++)
		facts->keys[i] = before != NULL && shape->key_is_text[i] && same_bytes(before_slot, slot, shape->key_att[i]) ?
			before->keys[i] : key_of(tally, shape, slot, i);

	facts->nkeys = shape->nkeys;
	facts->nentered = shape->nentered;
	facts->entered = 0;
	for (int i = 0; i < shape->nentered; i++)
		if (!slot->tts_isnull[shape->entered_att[i] - 1])
		{
			facts->entered |= 1 << i;
			facts->at[i] = DatumGetTimestampTz(slot->tts_values[shape->entered_att[i] - 1]);
		}
	find_place(shape, slot, facts);

	facts->has_value = !slot->tts_isnull[value];
	facts->fits = false;
	if (before != NULL && same_bytes(before_slot, slot, shape->value_att))
	{
		facts->fits = before->fits;
		facts->fixed = before->fixed;
		facts->scale = before->scale;
		facts->value = before->value;
	}
	else if (facts->has_value)
	{
		facts->value = PointerGetDatum(PG_DETOAST_DATUM(slot->tts_values[value]));
		facts->fits = in_millionths(facts->value, &facts->fixed, &facts->scale);
	}
}

static bool
same_value(const Facts *a, const Facts *b)
{
	if (!a->has_value || !b->has_value)
		return a->has_value == b->has_value;
	if (a->fits && b->fits)
		return a->fixed == b->fixed && a->scale == b->scale;
	return a->fits == b->fits && DatumGetBool(DirectFunctionCall2(numeric_eq, a->value, b->value));
}

/* Days apart: 0 the wrong way round, 1 to 30, 2 to 60, 3 to 90, 4 more. */
static int
apart(int64 us)
{
	if (us < 0)
		return 0;
	return us <= 30 * USECS_PER_DAY ? 1 : us <= 60 * USECS_PER_DAY ? 2 : us <= 90 * USECS_PER_DAY ? 3 : 4;
}

/* Of facts' stamps: each that is not the same in other, and each pair with such a one. */
static void
count_stamps(Tally *tally, const Facts *facts, const Facts *other, int sign)
{
	uint32		fresh = 0;

	for (int i = 0; i < facts->nentered; i++)
		if ((facts->entered & 1 << i) && (other == NULL || !(other->entered & 1 << i) || other->at[i] != facts->at[i]))
			fresh |= 1 << i;
	if (fresh == 0)
		return;
	for (int to = 0; to < facts->nentered; to++)
	{
		if (!(facts->entered & 1 << to))
			continue;
		if (fresh & 1 << to)
			leadcrm_tally_add(tally, facts, CELL_CODE(CELL_ENTERED, (int64) (to + 1) << 40 | CELL_DAY(utc_day(facts->at[to])) << 8),
							  sign, NULL, 0);
		for (int from = 0; from < to; from++)
		{
			int64		us;

			if (!(facts->entered & 1 << from) || !(fresh & (1 << from | 1 << to)) ||
				TIMESTAMP_NOT_FINITE(facts->at[from]) || TIMESTAMP_NOT_FINITE(facts->at[to]) ||
				__builtin_sub_overflow(facts->at[to], facts->at[from], &us))
				continue;
			leadcrm_tally_add(tally, facts, STAY_CODE(from + 1, to + 1, apart(us), leadcrm_duration_bucket(us)), sign, NULL, us);
		}
	}
}

static void
count_place(Tally *tally, const Facts *facts, int sign)
{
	leadcrm_tally_add(tally, facts, facts->place, sign, facts, 0);
	if (facts->wait >= 0)
		leadcrm_tally_add(tally, facts, facts->wait, sign, facts, 0);
}

/*
 * What a change of a row takes from the cells and adds to them; NULL: the row was not, or is no longer.
 */
void
leadcrm_cube_count(Tally *tally, const Facts *before, const Facts *after)
{
	bool		was = before != NULL && before->counted;
	bool		is = after != NULL && after->counted;
	bool		stays = was && is && before->day == after->day;

	for (int i = 0; stays && i < before->nkeys; i++)
		stays = before->keys[i] == after->keys[i];
	if (!stays || before->place != after->place || before->wait != after->wait || !same_value(before, after))
	{
		if (was)
			count_place(tally, before, -1);
		if (is)
			count_place(tally, after, 1);
	}
	if (was)
		count_stamps(tally, before, stays ? after : NULL, -1);
	if (is)
		count_stamps(tally, after, stays ? before : NULL, 1);
}
