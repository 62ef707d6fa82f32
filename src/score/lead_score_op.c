/*
 * lead_score_op.c
 *		What can be done with a leadcrm.lead_score: make one, add to it, read it at an instant, compare it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"

#include "compat.h"
#include "score/lead_score.h"

PG_FUNCTION_INFO_V1(leadcrm_make_score);
PG_FUNCTION_INFO_V1(leadcrm_score_at);
PG_FUNCTION_INFO_V1(leadcrm_score_now);
PG_FUNCTION_INFO_V1(leadcrm_points_or_infinity);
PG_FUNCTION_INFO_V1(leadcrm_add_points);
PG_FUNCTION_INFO_V1(leadcrm_score_add);
PG_FUNCTION_INFO_V1(leadcrm_half_life);
PG_FUNCTION_INFO_V1(leadcrm_score_eq);
PG_FUNCTION_INFO_V1(leadcrm_score_ne);
PG_FUNCTION_INFO_V1(leadcrm_score_lt);
PG_FUNCTION_INFO_V1(leadcrm_score_le);
PG_FUNCTION_INFO_V1(leadcrm_score_gt);
PG_FUNCTION_INFO_V1(leadcrm_score_ge);
PG_FUNCTION_INFO_V1(leadcrm_score_cmp);
PG_FUNCTION_INFO_V1(leadcrm_score_hash);
PG_FUNCTION_INFO_V1(leadcrm_score_hash_extended);
PG_FUNCTION_INFO_V1(leadcrm_score_smaller);
PG_FUNCTION_INFO_V1(leadcrm_score_larger);

/*
 * make_score(points, at, half_life) -> lead_score: the score of one event.
 */
Datum
leadcrm_make_score(PG_FUNCTION_ARGS)
{
	float8		points = PG_GETARG_FLOAT8(0);
	TimestampTz at = PG_GETARG_TIMESTAMPTZ(1);
	int64		half_life = leadcrm_score_half_life(PG_GETARG_INTERVAL_P(2));
	LeadcrmScoreSum sum = {0};
	int64		exponent;
	double		value;

	leadcrm_score_check_points(points);
	leadcrm_score_check_time(at);
	exponent = leadcrm_score_event(points, at, half_life, &value);
	leadcrm_score_sum_add(&sum, value, exponent);
	return leadcrm_score_store_sum(&sum, half_life);
}

/* the points of a score at a time, which a message can name as well */
static float8
points_at(const LeadcrmScore *score, TimestampTz at)
{
	double		points;

	leadcrm_score_check_time(at);
	if (!leadcrm_score_value_at(score, at, &points))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("points at %s are out of range for double precision", timestamptz_to_str(at)),
				 errdetail("The score halves every %s; so far back it is larger than any such number.",
						   leadcrm_score_interval_text(score->half_life))));
	return points;
}

/*
 * score_at(lead_score, timestamptz) -> float8: the points at that instant.
 */
Datum
leadcrm_score_at(PG_FUNCTION_ARGS)
{
	LeadcrmScore score;

	PG_GETARG_SCORE(0, &score);
	PG_RETURN_FLOAT8(points_at(&score, PG_GETARG_TIMESTAMPTZ(1)));
}

/*
 * float8(lead_score) -> float8: the points at the start of the transaction, for the cast.
 */
Datum
leadcrm_score_now(PG_FUNCTION_ARGS)
{
	LeadcrmScore score;

	PG_GETARG_SCORE(0, &score);
	PG_RETURN_FLOAT8(points_at(&score, GetCurrentTransactionStartTimestamp()));
}

/*
 * points_or_infinity(lead_score, timestamptz) -> float8: the points at that instant, infinite where a float8 ends, for those who
 * read many scores and must not fail for one.
 */
Datum
leadcrm_points_or_infinity(PG_FUNCTION_ARGS)
{
	LeadcrmScore score;
	TimestampTz at = PG_GETARG_TIMESTAMPTZ(1);
	double		points;

	PG_GETARG_SCORE(0, &score);
	leadcrm_score_check_time(at);
	/* too many: infinite, with the sign of the score */
	(void) leadcrm_score_value_at(&score, at, &points);
	PG_RETURN_FLOAT8(points);
}

/*
 * add_points(lead_score, points, at) -> lead_score: one more event. Not strict: an event without points or time does not
 * count, and the score stays.
 */
Datum
leadcrm_add_points(PG_FUNCTION_ARGS)
{
	LeadcrmScore score;
	LeadcrmScoreSum sum = {0};
	float8		points;
	TimestampTz at;
	int64		exponent;
	double		value;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	PG_GETARG_SCORE(0, &score);
	points = PG_GETARG_FLOAT8(1);
	at = PG_GETARG_TIMESTAMPTZ(2);
	leadcrm_score_check_points(points);
	leadcrm_score_check_time(at);
	leadcrm_score_sum_add(&sum, score.mantissa, score.exponent);
	exponent = leadcrm_score_event(points, at, score.half_life, &value);
	leadcrm_score_sum_add(&sum, value, exponent);
	return leadcrm_score_store_sum(&sum, score.half_life);
}

/*
 * lead_score + lead_score -> lead_score
 */
Datum
leadcrm_score_add(PG_FUNCTION_ARGS)
{
	LeadcrmScore a;
	LeadcrmScore b;
	LeadcrmScoreSum sum = {0};

	PG_GETARG_SCORE(0, &a);
	PG_GETARG_SCORE(1, &b);
	if (a.half_life != b.half_life)
		leadcrm_score_mixed(a.half_life, b.half_life);
	leadcrm_score_sum_add(&sum, a.mantissa, a.exponent);
	leadcrm_score_sum_add(&sum, b.mantissa, b.exponent);
	return leadcrm_score_store_sum(&sum, a.half_life);
}

/*
 * half_life(lead_score) -> interval, in days and a time of day.
 */
Datum
leadcrm_half_life(PG_FUNCTION_ARGS)
{
	LeadcrmScore score;
	Interval   *result = palloc0(sizeof(Interval));

	PG_GETARG_SCORE(0, &score);
	result->day = (int32) (score.half_life / USECS_PER_DAY);
	result->time = score.half_life % USECS_PER_DAY;
	PG_RETURN_INTERVAL_P(result);
}

static int
compare(FunctionCallInfo fcinfo)
{
	LeadcrmScore a;
	LeadcrmScore b;

	PG_GETARG_SCORE(0, &a);
	PG_GETARG_SCORE(1, &b);
	return leadcrm_score_compare(&a, &b);
}

/* lead_score = <> < <= > >= lead_score */
Datum
leadcrm_score_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) == 0);
}

Datum
leadcrm_score_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) != 0);
}

Datum
leadcrm_score_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) < 0);
}

Datum
leadcrm_score_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) <= 0);
}

Datum
leadcrm_score_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) > 0);
}

Datum
leadcrm_score_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) >= 0);
}

/*
 * score_cmp(lead_score, lead_score) -> integer: support function 1 of the btree class.
 */
Datum
leadcrm_score_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare(fcinfo));
}

/* the support functions of the hash class; one score has one image, so that the image is what they hash */
Datum
leadcrm_score_hash(PG_FUNCTION_ARGS)
{
	return hash_any((const unsigned char *) PG_GETARG_POINTER(0), sizeof(LeadcrmStoredScore));
}

Datum
leadcrm_score_hash_extended(PG_FUNCTION_ARGS)
{
	return hash_any_extended((const unsigned char *) PG_GETARG_POINTER(0), sizeof(LeadcrmStoredScore), PG_GETARG_INT64(1));
}

/* the steps of min(lead_score) and max(lead_score) */
Datum
leadcrm_score_smaller(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(PG_GETARG_DATUM(compare(fcinfo) <= 0 ? 0 : 1));
}

Datum
leadcrm_score_larger(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(PG_GETARG_DATUM(compare(fcinfo) >= 0 ? 0 : 1));
}
