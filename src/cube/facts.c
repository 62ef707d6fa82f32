/*
 * facts.c
 *		What a row looks like to the cubes.
 */
#include "postgres.h"

#include "executor/tuptable.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "cube/bucket.h"
#include "cube/cube.h"

/* A time in which a zone is as far from UTC all along; from: as far as is known. */
typedef struct Stretch
{
	struct pg_tz *zone;
	TimestampTz from;
	TimestampTz until;
	int64		offset;			/* microseconds east */
} Stretch;

#define STRETCHES 8				/* two years have five, where clocks change */
static Stretch stretches[STRETCHES];
static int	next_stretch = 0;

static const Stretch *
find_stretch(struct pg_tz *zone, TimestampTz at)
{
	Stretch		found = {.zone = zone, .from = at, .until = DT_NOEND};
	pg_time_t	seconds = (at >= 0 ? at / USECS_PER_SEC : -((USECS_PER_SEC - 1 - at) / USECS_PER_SEC)) +
		(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * (pg_time_t) SECS_PER_DAY;
	pg_time_t	boundary;
	long		before;
	long		after;
	int			isdst;
	int			isdst_after;

	for (int i = 0; i < STRETCHES; i++)
		if (stretches[i].zone == zone && at >= stretches[i].from && at < stretches[i].until)
			return &stretches[i];
	switch (pg_next_dst_boundary(&seconds, &before, &isdst, &boundary, &after, &isdst_after, zone))
	{
		case 1:
			found.until = (boundary - (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * (pg_time_t) SECS_PER_DAY) * USECS_PER_SEC;
			break;
		case 0:
			if (pg_get_timezone_offset(zone, &after))
				found.from = DT_NOBEGIN;
			break;
		default:
			elog(ERROR, "a time zone does not know its offset");
	}
	found.offset = before * USECS_PER_SEC;
	for (int i = 0; i < STRETCHES; i++)
		if (stretches[i].zone == zone && stretches[i].until == found.until)
		{
			stretches[i].from = found.from;	/* the same, begun earlier */
			return &stretches[i];
		}
	next_stretch = (next_stretch + 1) % STRETCHES;
	stretches[next_stretch] = found;
	return &stretches[next_stretch];
}

static DateADT
local_day(struct pg_tz *zone, TimestampTz at)
{
	if (TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("rows cannot be counted by the day of \"%s\"", timestamptz_to_str(at))));
	return leadcrm_utc_day(at + find_stretch(zone, at)->offset);
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
in_millionths(const char *text, int64 *fixed, int *scale)
{
	const char *c = text;
	bool		negative = *c == '-';
	int64		result = 0;
	int			digits = 0;
	int			after = -1;

	for (c += negative; *c != '\0'; c++)
	{
		if (*c == '.')
			after = 0;
		else if (*c < '0' || *c > '9' || ++digits > 15 || (after >= 0 && ++after > PACK_DIGITS))
			return false;
		else
			result = result * 10 + (*c - '0');
	}
	after = Max(after, 0);
	if (digits - after > 12)
		return false;
	*scale = after;
	for (; after < PACK_DIGITS; after++)
		result *= 10;
	*fixed = negative ? -result : result;
	return true;
}

/* Whether a column that is passed by value is the same in both rows. */
static bool
same_fixed(TupleTableSlot *a, TupleTableSlot *b, AttrNumber att)
{
	if (a->tts_isnull[att - 1] || b->tts_isnull[att - 1])
		return a->tts_isnull[att - 1] && b->tts_isnull[att - 1];
	return a->tts_values[att - 1] == b->tts_values[att - 1];
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

static PackText
key_of(const CubeShape *shape, TupleTableSlot *slot, int i)
{
	Datum		value = slot->tts_values[shape->key_att[i] - 1];
	PackText	result = {"", 0};

	if (slot->tts_isnull[shape->key_att[i] - 1])
		return result;
	if (shape->key_is_text[i])
	{
		struct varlena *plain = PG_DETOAST_DATUM_PACKED(value);

		result.text = VARDATA_ANY(plain);
		result.len = VARSIZE_ANY_EXHDR(plain);
	}
	else
	{
		result.text = OutputFunctionCall((FmgrInfo *) &shape->key_out[i], value);
		result.len = strlen(result.text);
	}
	return result;
}

/* Whether a key is the same in both rows, as the same bytes. */
static bool
same_key(const CubeShape *shape, TupleTableSlot *a, TupleTableSlot *b, int i)
{
	int			n = shape->key_att[i] - 1;

	if (shape->key_by_value[i])
		return same_fixed(a, b, shape->key_att[i]);
	if (shape->key_len[i] == -1)
		return same_bytes(a, b, shape->key_att[i]);
	if (a->tts_isnull[n] || b->tts_isnull[n])
		return a->tts_isnull[n] && b->tts_isnull[n];
	return datumIsEqual(a->tts_values[n], b->tts_values[n], false, shape->key_len[i]);
}

static bool
is_over(const CubeShape *shape, TupleTableSlot *slot)
{
	struct varlena *text;

	if (slot->tts_isnull[shape->over_att - 1])
		return false;
	text = PG_DETOAST_DATUM_PACKED(slot->tts_values[shape->over_att - 1]);
	return VARSIZE_ANY_EXHDR(text) == shape->over_len && memcmp(VARDATA_ANY(text), shape->over_value, shape->over_len) == 0;
}

static void
find_place(const CubeShape *shape, TupleTableSlot *slot, Facts *facts)
{
	bool		over = is_over(shape, slot);

	facts->state = state_rank(shape, slot, shape->state_att);
	facts->peak = slot->tts_isnull[shape->peak_att - 1] ? facts->state : state_rank(shape, slot, shape->peak_att);
	facts->place = (uint32) facts->peak << 24 | (uint32) facts->state << 20 | (over ? 1 << 16 : 0) | facts->stamps.states;
	facts->stamps.over = over && shape->over_since_att > 0 && !slot->tts_isnull[shape->over_since_att - 1];
	if (facts->stamps.over)
		facts->stamps.over_since = DatumGetTimestampTz(slot->tts_values[shape->over_since_att - 1]);
	facts->waits = !over;
	/* of whom nobody knows since when nobody knows that it was long ago */
	facts->since = over ? 0 :
		leadcrm_utc_day(slot->tts_isnull[shape->since_att - 1] ? DT_NOEND : DatumGetTimestampTz(slot->tts_values[shape->since_att - 1]));
}

static void
find_value(const CubeShape *shape, TupleTableSlot *slot, const Facts *before, TupleTableSlot *before_slot, Facts *facts)
{
	if (before != NULL && same_bytes(before_slot, slot, shape->value_att))
	{
		facts->value_form = before->value_form;
		facts->fixed = before->fixed;
		facts->scale = before->scale;
		facts->value_text = before->value_text;
		return;
	}
	facts->value_form = PACK_NO_VALUE;
	if (slot->tts_isnull[shape->value_att - 1])
		return;
	facts->value_text = DatumGetCString(DirectFunctionCall1(numeric_out, slot->tts_values[shape->value_att - 1]));
	facts->value_form = in_millionths(facts->value_text, &facts->fixed, &facts->scale) ? PACK_FIXED : PACK_TEXT;
}

/*
 * Whether two versions of a row look the same to the cubes, at a glance: equal values in other bytes pass for different ones.
 */
bool
leadcrm_cube_same(const CubeShape *shape, TupleTableSlot *a, TupleTableSlot *b)
{
	slot_getsomeattrs(a, shape->max_att);
	slot_getsomeattrs(b, shape->max_att);
	if (a->tts_isnull[shape->unless_att - 1] != b->tts_isnull[shape->unless_att - 1] || !same_fixed(a, b, shape->since_att) ||
		!same_fixed(a, b, shape->state_att) || !same_fixed(a, b, shape->peak_att) || !same_fixed(a, b, shape->born_att) ||
		!same_bytes(a, b, shape->over_att) || !same_bytes(a, b, shape->value_att))
		return false;
	for (int i = 0; i < shape->nentered; i++)
		if (!same_fixed(a, b, shape->entered_att[i]))
			return false;
	for (int i = 0; i < shape->nkeys; i++)
		if (!same_key(shape, a, b, i))
			return false;
	/* since when it is over matters only where it is */
	return shape->over_since_att == 0 || same_fixed(a, b, shape->over_since_att) || !is_over(shape, a);
}

/*
 * Reads a row; zone: what its day is counted in.  before, in before_slot: what the same row was before, which saves work; else
 * NULL.  What it allocates is the caller's; the rest points into the slots.
 */
void
leadcrm_cube_facts(const CubeShape *shape, struct pg_tz *zone, TupleTableSlot *slot, const Facts *before, TupleTableSlot *before_slot,
				   Facts *facts)
{
	AttrNumber	born = shape->born_att - 1;

	slot_getsomeattrs(slot, shape->max_att);
	facts->counted = slot->tts_isnull[shape->unless_att - 1] && !slot->tts_isnull[born];
	if (!facts->counted)
		return;
	if (before != NULL && !before->counted)
		before = NULL;

	facts->day = before != NULL && before_slot->tts_values[born] == slot->tts_values[born] ? before->day :
		local_day(zone, DatumGetTimestampTz(slot->tts_values[born]));
	facts->nkeys = shape->nkeys;
	for (int i = 0; i < shape->nkeys; i++)
		facts->keys[i] = before != NULL && same_key(shape, before_slot, slot, i) ? before->keys[i] : key_of(shape, slot, i);

	facts->stamps.states = 0;
	for (int i = 0; i < shape->nentered; i++)
		if (!slot->tts_isnull[shape->entered_att[i] - 1])
		{
			facts->stamps.states |= UINT32_C(1) << i;
			facts->stamps.at[i] = DatumGetTimestampTz(slot->tts_values[shape->entered_att[i] - 1]);
		}
	find_place(shape, slot, facts);
	find_value(shape, slot, before, before_slot, facts);
}
