/*
 * period.c
 *		The periods of caps: which one an instant lies in, and the instants that a stretch of a time zone's clocks can take up.
 *
 * Clocks are put forward and back, also at midnight: a time of day can come twice or never, so that a day's instants need not
 * be a stretch without a gap. What is asked here are the edges of the shortest stretch that has them all.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "compat.h"

PG_FUNCTION_INFO_V1(leadcrm_cap_period);
PG_FUNCTION_INFO_V1(leadcrm_clocks_from);
PG_FUNCTION_INFO_V1(leadcrm_clocks_until);

/* No clock differs from UTC by as much: POSIX allows 167 hours. */
#define FURTHEST (8 * USECS_PER_DAY)

#define UNIX_SECONDS (((int64) POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

/* A time zone that calls of one expression have met, mostly one only. */
typedef struct Zone
{
	char		name[TZ_STRLEN_MAX + 1];
	int			length;
	int			kind;			/* what DecodeTimezoneName() says */
	int			offset;			/* of a fixed one: seconds east of Greenwich */
	pg_tz	   *tz;				/* of others; lives as long as the backend */
} Zone;

static int64
floor_divide(int64 a, int64 b)
{
	return a / b - (a % b < 0);
}

static Zone *
get_zone(FunctionCallInfo fcinfo, const text *name)
{
	Zone	   *zone = fcinfo->flinfo->fn_extra;
	int			length = (int) VARSIZE_ANY_EXHDR(name);

	if (zone != NULL && zone->length == length && memcmp(zone->name, VARDATA_ANY(name), length) == 0)
		return zone;
	if (zone == NULL)
		fcinfo->flinfo->fn_extra = zone = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(Zone));
	/* if the name is not known, what is left here matches no other */
	zone->length = -1;
	text_to_cstring_buffer(name, zone->name, sizeof(zone->name));
	zone->kind = DecodeTimezoneName(zone->name, &zone->offset, &zone->tz);
	if (length <= TZ_STRLEN_MAX)
		zone->length = length;
	return zone;
}

/*
 * By how many microseconds the clocks of a zone are ahead of UTC at an instant, and the first one after it from which they
 * may be so by others; DT_NOEND where that never comes.
 */
static int64
offset_at(const Zone *zone, TimestampTz at, TimestampTz *until)
{
	pg_time_t	seconds = floor_divide(at, USECS_PER_SEC) + UNIX_SECONDS;
	pg_time_t	boundary;
	long		before;
	long		after;
	int			before_isdst;
	int			after_isdst;
	int			found;

	if (zone->kind == TZNAME_FIXED_OFFSET)
	{
		*until = DT_NOEND;
		return zone->offset * USECS_PER_SEC;
	}
	found = pg_next_dst_boundary(&seconds, &before, &before_isdst, &boundary, &after, &after_isdst, zone->tz);
	if (found < 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	*until = found == 0 ? DT_NOEND : (boundary - UNIX_SECONDS) * USECS_PER_SEC;
	/* an abbreviation such as MSK, which stood for several offsets in its time, is more than its zone's offset */
	if (zone->kind == TZNAME_DYNTZ)
		return -(int64) DetermineTimeZoneAbbrevOffsetTS(at, zone->name, zone->tz, &before_isdst) * USECS_PER_SEC;
	return before * USECS_PER_SEC;
}

/* what is computed must still be a time */
static Timestamp
check_range(Timestamp time)
{
	if (!IS_VALID_TIMESTAMP(time))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	return time;
}

/* the first moment of the month that a time lies in, or of the first of so many months in a row, counted from 2000 on */
static Timestamp
months_of(Timestamp time, int32 months)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int64		month;

	if (timestamp2tm(time, NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	month = floor_divide(((int64) tm.tm_year - 2000) * MONTHS_PER_YEAR + tm.tm_mon - 1, months) * months;
	return ((int64) date2j((int) (2000 + floor_divide(month, MONTHS_PER_YEAR)),
						   (int) (month - floor_divide(month, MONTHS_PER_YEAR) * MONTHS_PER_YEAR) + 1, 1) - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY;
}

/*
 * leadcrm.cap_period(per interval, at timestamptz, time_zone text) → timestamp: the period that an instant lies in, by its first
 * moment on the clocks of the zone.  Periods of this length follow on each other from 2000-01-01 00:00; NULL is one without
 * an end.  22023 for a length that is not positive or has both months and days, 22008 beyond the calendar.
 */
Datum
leadcrm_cap_period(PG_FUNCTION_ARGS)
{
	const Interval *per;
	TimestampTz at;
	TimestampTz until;
	Timestamp	clock;
	int64		length;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(0))
		PG_RETURN_TIMESTAMP(DT_NOBEGIN);
	per = PG_GETARG_INTERVAL_P(0);
	at = PG_GETARG_TIMESTAMPTZ(1);
	if (__builtin_mul_overflow((int64) per->day, USECS_PER_DAY, &length) ||
		__builtin_add_overflow(length, per->time, &length) ||
		length < 0 || per->month < 0 || (length > 0) == (per->month > 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid period: %s",
						DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(per)))),
				 errdetail("A period is longer than zero, and of months or of days and hours, not both.")));
	if (TIMESTAMP_NOT_FINITE(at))
		PG_RETURN_TIMESTAMP(at);
	clock = check_range(at + offset_at(get_zone(fcinfo, PG_GETARG_TEXT_PP(2)), at, &until));
	PG_RETURN_TIMESTAMP(check_range(per->month > 0 ? months_of(clock, per->month) : floor_divide(clock, length) * length));
}

/*
 * leadcrm.clocks_from(clock timestamp, time_zone text) → timestamptz: the first instant at which the clocks of the zone show this
 * time or a later one.
 */
Datum
leadcrm_clocks_from(PG_FUNCTION_ARGS)
{
	Timestamp	clock = PG_GETARG_TIMESTAMP(0);
	const Zone *zone;
	TimestampTz since;
	TimestampTz until;

	if (TIMESTAMP_NOT_FINITE(clock))
		PG_RETURN_TIMESTAMPTZ(clock);
	zone = get_zone(fcinfo, PG_GETARG_TEXT_PP(1));
	for (since = clock - FURTHEST;; since = until)
	{
		TimestampTz reached = clock - offset_at(zone, since, &until);

		if (reached < until)
			PG_RETURN_TIMESTAMPTZ(check_range(Max(since, reached)));
	}
}

/*
 * leadcrm.clocks_until(clock timestamp, time_zone text) → timestamptz: the instant from which on the clocks of the zone show no
 * time before this one.
 */
Datum
leadcrm_clocks_until(PG_FUNCTION_ARGS)
{
	Timestamp	clock = PG_GETARG_TIMESTAMP(0);
	const Zone *zone;
	TimestampTz since;
	TimestampTz until;
	TimestampTz result = DT_NOBEGIN;

	if (TIMESTAMP_NOT_FINITE(clock))
		PG_RETURN_TIMESTAMPTZ(clock);
	zone = get_zone(fcinfo, PG_GETARG_TEXT_PP(1));
	for (since = clock - FURTHEST; since < clock + FURTHEST; since = until)
	{
		TimestampTz reached = clock - offset_at(zone, since, &until);

		if (reached > since)
			result = Min(reached, until);
	}
	PG_RETURN_TIMESTAMPTZ(check_range(result));
}
