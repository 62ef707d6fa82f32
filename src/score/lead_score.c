/*
 * lead_score.c
 *		leadcrm.lead_score: how it is stored, read and written, and the checks that its functions share.
 */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "compat.h"
#include "score/lead_score.h"

PG_FUNCTION_INFO_V1(leadcrm_score_in);
PG_FUNCTION_INFO_V1(leadcrm_score_out);
PG_FUNCTION_INFO_V1(leadcrm_score_recv);
PG_FUNCTION_INFO_V1(leadcrm_score_send);

#define NOT_ZERO (UINT64CONST(1) << 8)
#define NEGATIVE (UINT64CONST(1) << 9)
#define FRACTION_SHIFT 12
#define ONE UINT64CONST(0x3FF0000000000000)	/* the bits of 1.0 */
#define FRACTION_MASK UINT64CONST(0x000FFFFFFFFFFFFF)
#define WIRE_SIZE 25			/* version, half-life, mantissa, exponent */

/*
 * leadcrm_score_load
 *		A stored score's fields. Every stored score is read through this.
 */
void
leadcrm_score_load(const LeadcrmStoredScore *stored, LeadcrmScore *score)
{
	uint64		bits;

	if ((stored->head & 0xFF) != LEADCRM_SCORE_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("lead_score of unknown format version %d", (int) (stored->head & 0xFF)),
				 errdetail("This version of leadcrm knows version %d.", LEADCRM_SCORE_VERSION)));
	score->half_life = stored->half_life;
	score->exponent = stored->exponent;
	bits = stored->head & NOT_ZERO ? ONE | stored->head >> FRACTION_SHIFT : 0;
	memcpy(&score->mantissa, &bits, sizeof(bits));
	if (stored->head & NEGATIVE)
		score->mantissa = -score->mantissa;
}

/*
 * leadcrm_score_store
 *		A new Datum, palloc'ed, for a score in its only form.
 */
Datum
leadcrm_score_store(const LeadcrmScore *score)
{
	LeadcrmStoredScore *stored = palloc(sizeof(LeadcrmStoredScore));
	uint64		bits;

	Assert(leadcrm_score_is_canonical(score));
	memcpy(&bits, &score->mantissa, sizeof(bits));
	stored->head = (bits & FRACTION_MASK) << FRACTION_SHIFT | LEADCRM_SCORE_VERSION;
	if (score->mantissa != 0)
		stored->head |= NOT_ZERO;
	if (score->mantissa < 0)
		stored->head |= NEGATIVE;
	stored->exponent = score->exponent;
	stored->half_life = score->half_life;
	return PointerGetDatum(stored);
}

/*
 * leadcrm_score_store_sum
 *		A new Datum, palloc'ed, for a sum of scores of this half-life; 22003 where it is too large.
 */
Datum
leadcrm_score_store_sum(const LeadcrmScoreSum *sum, int64 half_life)
{
	LeadcrmScore score;

	if (!leadcrm_score_of_sum(sum, half_life, &score))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("lead_score out of range"),
				 errdetail("The sum is 2^%lld or more at 2000-01-01, with a half-life of %s.",
						   (long long) LEADCRM_SCORE_MAX_EXPONENT, leadcrm_score_interval_text(half_life))));
	return leadcrm_score_store(&score);
}

/*
 * leadcrm_score_interval_text
 *		A half-life for a message, palloc'ed; the same in every IntervalStyle.
 */
char *
leadcrm_score_interval_text(int64 half_life)
{
	static const struct
	{
		int64		size;
		const char *name;
	}			units[] = {{USECS_PER_DAY, "day"}, {USECS_PER_HOUR, "hour"}, {USECS_PER_MINUTE, "minute"}, {USECS_PER_SEC, "second"}, {1, "microsecond"}};
	int			u = 0;

	while (half_life % units[u].size != 0)
		u++;
	half_life /= units[u].size;
	return psprintf("%lld %s%s", (long long) half_life, units[u].name, half_life == 1 ? "" : "s");
}

/*
 * leadcrm_score_half_life
 *		The microseconds of an interval, as extract(epoch) counts them: a month is 30 days, 12 months are 365.25.
 *		22023 where it is not a half-life.
 */
int64
leadcrm_score_half_life(const Interval *half_life)
{
	int64		result;
	int64		part;

	/* the sizes of int32 times these constants: months can overflow, days can't */
	if (__builtin_mul_overflow((int64) (half_life->month / MONTHS_PER_YEAR), (int64) (DAYS_PER_YEAR * SECS_PER_DAY) * USECS_PER_SEC, &result) ||
		__builtin_add_overflow(result, (int64) (half_life->month % MONTHS_PER_YEAR) * DAYS_PER_MONTH * USECS_PER_DAY, &result) ||
		__builtin_mul_overflow((int64) half_life->day, USECS_PER_DAY, &part) ||
		__builtin_add_overflow(result, part, &result) ||
		__builtin_add_overflow(result, half_life->time, &result) ||
		result <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid half-life: %s",
						DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(half_life)))),
				 errdetail("A half-life is longer than zero and shorter than 292,000 years.")));
	return result;
}

/*
 * leadcrm_score_check_points
 *		22023 for points that are no number.
 */
void
leadcrm_score_check_points(float8 points)
{
	if (!isfinite(points))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid points: %s", isnan(points) ? "NaN" : points > 0 ? "Infinity" : "-Infinity"),
				 errdetail("An event's points are a finite number.")));
}

/*
 * leadcrm_score_check_time
 *		22023 for a time that is not on any calendar.
 */
void
leadcrm_score_check_time(TimestampTz at)
{
	if (TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid time: %s", TIMESTAMP_IS_NOBEGIN(at) ? "-infinity" : "infinity"),
				 errdetail("Points decay from one finite time to another.")));
}

/*
 * leadcrm_score_mixed
 *		22023: scores of different half-lives, in microseconds, don't add.
 */
void
leadcrm_score_mixed(int64 a, int64 b)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("scores of different half-lives can't be added: %s and %s",
					leadcrm_score_interval_text(a), leadcrm_score_interval_text(b)),
			 errdetail("Their sum would not decay by either of them."),
			 errhint("Compute all scores from their events with one half-life.")));
}

/*
 * leadcrm_score_in
 *		The text form: see score_text.c.
 */
Datum
leadcrm_score_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);
	LeadcrmScore score;
	LeadcrmScoreParse result = leadcrm_score_parse(text, &score);

	if (result == LEADCRM_SCORE_SYNTAX)
		ereturn(fcinfo->context, (Datum) 0,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type %s: \"%s\"", "leadcrm.lead_score", text),
				 errdetail("A score is written as its worth at 2000-01-01 UTC and its half-life: 0x1.4p+317/2592000s."),
				 errhint("leadcrm.make_score(points, at, half_life) makes one of ordinary values.")));
	if (result == LEADCRM_SCORE_RANGE)
		ereturn(fcinfo->context, (Datum) 0,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("value \"%s\" is out of range for type %s", text, "leadcrm.lead_score"),
				 errdetail("The half-life is longer than zero and shorter than 2^63 microseconds, the exponent lies within %lld of zero.",
						   (long long) LEADCRM_SCORE_MAX_EXPONENT)));
	return leadcrm_score_store(&score);
}

/*
 * leadcrm_score_out
 *		The text form: see score_text.c.
 */
Datum
leadcrm_score_out(PG_FUNCTION_ARGS)
{
	LeadcrmScore score;
	char	   *text = palloc(LEADCRM_SCORE_TEXT_SIZE);

	PG_GETARG_SCORE(0, &score);
	leadcrm_score_print(&score, text);
	PG_RETURN_CSTRING(text);
}

/*
 * leadcrm_score_recv
 *		The binary form: version, half-life in microseconds, mantissa as float8, exponent; anything but a score in its only
 *		form is refused.
 */
Datum
leadcrm_score_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	LeadcrmScore score;
	int			version;

	if (buf->len - buf->cursor != WIRE_SIZE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid binary lead_score: %d bytes", buf->len - buf->cursor),
				 errdetail("There must be %d: version, half-life, mantissa, exponent.", WIRE_SIZE)));
	version = pq_getmsgbyte(buf);
	if (version != LEADCRM_SCORE_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid binary lead_score: format version %d", version),
				 errdetail("This version of leadcrm knows version %d.", LEADCRM_SCORE_VERSION)));
	score.half_life = pq_getmsgint64(buf);
	score.mantissa = pq_getmsgfloat8(buf);
	score.exponent = pq_getmsgint64(buf);
	if (!leadcrm_score_is_canonical(&score))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid binary lead_score: half-life %lld microseconds, mantissa %.17g, exponent %lld",
						(long long) score.half_life, score.mantissa, (long long) score.exponent),
				 errdetail("The half-life must be positive, the mantissa zero (its exponent too) or in [1, 2) but for its sign, the exponent within %lld of zero.",
						   (long long) LEADCRM_SCORE_MAX_EXPONENT)));
	return leadcrm_score_store(&score);
}

/*
 * leadcrm_score_send
 *		The binary form: see leadcrm_score_recv.
 */
Datum
leadcrm_score_send(PG_FUNCTION_ARGS)
{
	LeadcrmScore score;
	StringInfoData buf;

	PG_GETARG_SCORE(0, &score);
	pq_begintypsend(&buf);
	pq_sendbyte(&buf, LEADCRM_SCORE_VERSION);
	pq_sendint64(&buf, score.half_life);
	pq_sendfloat8(&buf, score.mantissa);
	pq_sendint64(&buf, score.exponent);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}
