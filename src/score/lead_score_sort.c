/*
 * lead_score_sort.c
 *		Sorting scores fast: by a word that holds the first bits of their points, where their half-life is that of most.
 */
#include "postgres.h"

#include "utils/sortsupport.h"

#include "compat.h"
#include "score/lead_score.h"

PG_FUNCTION_INFO_V1(leadcrm_score_sortsupport);

static int
full_comparator(Datum x, Datum y, SortSupport ssup)
{
	LeadcrmScore a;
	LeadcrmScore b;

	leadcrm_score_load((const LeadcrmStoredScore *) DatumGetPointer(x), &a);
	leadcrm_score_load((const LeadcrmStoredScore *) DatumGetPointer(y), &b);
	return leadcrm_score_compare(&a, &b);
}

#if SIZEOF_DATUM == 8

#define EXPONENT_BITS 25		/* enough for a half-life of two seconds */
#define MIDDLE (UINT64CONST(1) << 63)

/* the half-life whose scores are told apart: the first one met */
typedef struct Abbreviation
{
	int64		half_life;		/* 0: none yet */
} Abbreviation;

static Datum
abbreviate(Datum original, SortSupport ssup)
{
	Abbreviation *state = ssup->ssup_extra;
	LeadcrmScore score;
	const int64 limit = INT64CONST(1) << (EXPONENT_BITS - 1);
	uint64		size;

	leadcrm_score_load((const LeadcrmStoredScore *) DatumGetPointer(original), &score);
	if (state->half_life == 0)
		state->half_life = score.half_life;
	if (score.half_life != state->half_life)
		return UInt64GetDatum(score.half_life < state->half_life ? 0 : PG_UINT64_MAX);
	if (score.mantissa == 0)
		return UInt64GetDatum(MIDDLE);

	/* exponent and fraction in 62 bits; what lies beyond the range of exponents is equal to its ends */
	if (score.exponent < -limit)
		size = 0;
	else if (score.exponent >= limit)
		size = (UINT64CONST(1) << 62) - 1;
	else
		size = (uint64) (score.exponent + limit) << (62 - EXPONENT_BITS) |
			(uint64) ldexp(fabs(score.mantissa) - 1, 62 - EXPONENT_BITS);
	return UInt64GetDatum(score.mantissa > 0 ? MIDDLE + 1 + size : MIDDLE - 1 - size);
}

/* making the words is cheap, and they tell most scores apart */
static bool
never_abort(int count, SortSupport ssup)
{
	return false;
}

#endif

/*
 * lead_score_sortsupport(internal) -> void: support function 2 of the btree class.
 */
Datum
leadcrm_score_sortsupport(PG_FUNCTION_ARGS)
{
	SortSupport ssup = (SortSupport) PG_GETARG_POINTER(0);

	ssup->comparator = full_comparator;
#if SIZEOF_DATUM == 8
	if (ssup->abbreviate)
	{
		ssup->ssup_extra = MemoryContextAllocZero(ssup->ssup_cxt, sizeof(Abbreviation));
		ssup->comparator = ssup_datum_unsigned_cmp;
		ssup->abbrev_converter = abbreviate;
		ssup->abbrev_abort = never_abort;
		ssup->abbrev_full_comparator = full_comparator;
	}
#endif
	PG_RETURN_VOID();
}
