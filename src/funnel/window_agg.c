/*
 * window_agg.c
 *		leadcrm.window_funnel, the aggregate: keeps the instants of a group, and at the end asks window_funnel.c.
 */
#include "postgres.h"

#include "common/int.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "funnel/window_funnel.h"

PG_FUNCTION_INFO_V1(leadcrm_window_funnel_add);
PG_FUNCTION_INFO_V1(leadcrm_window_funnel_add_mode);
PG_FUNCTION_INFO_V1(leadcrm_window_funnel_combine);
PG_FUNCTION_INFO_V1(leadcrm_window_funnel_serialize);
PG_FUNCTION_INFO_V1(leadcrm_window_funnel_deserialize);
PG_FUNCTION_INFO_V1(leadcrm_window_funnel_final);

#define SERIAL_VERSION 1
#define FIRST_ROOM 6			/* events of a new state: 128 bytes with the header */
#define MAX_EVENTS (1 << 30)	/* of a group: 16 GB */

/* a group: one piece of memory, which moves when it grows */
typedef struct State
{
	int64		window;			/* µs */
	TimestampTz last;			/* of the last event, so that a row needs to read no more of a state than its header */
	int32		n;
	int32		room;
	uint8		nsteps;
	uint8		flags;
	bool		normal;			/* the events are sorted, and each is another instant */
	LeadcrmEvent event[FLEXIBLE_ARRAY_MEMBER];
} State;

#define STATE_SIZE(room) (offsetof(State, event) + sizeof(LeadcrmEvent) * (Size) (room))

/* what a call was last told, and what that means: it hardly ever changes between calls */
typedef struct Known
{
	bool		given;
	bool		no_limit;
	Interval	interval;
	int64		window;
	int			flags;
	int			mode_len;		/* -1: none yet */
	char		mode[64];
} Known;

static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "function of an aggregate called outside of it");
	return context;
}

/* length of an interval in µs: a day is 24 hours, a month 30 days; what is too long is no limit */
static int64
read_window(const Interval *interval)
{
	int64		days = (int64) interval->month * DAYS_PER_MONTH + interval->day;
	int64		us;

	if (pg_mul_s64_overflow(days, USECS_PER_DAY, &us) || pg_add_s64_overflow(us, interval->time, &us))
		us = days < 0 ? -1 : LEADCRM_WINDOW_UNLIMITED;
	if (us <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the window must be longer than zero, not %s",
						DatumGetCString(DirectFunctionCall1(interval_out, PointerGetDatum(interval)))),
				 errhint("A window that is NULL has no end.")));
	return us;
}

static const struct
{
	const char *name;
	int			flag;
}			words[] = {
	{"strict_order", LEADCRM_WINDOW_STRICT_ORDER},
	{"allow_reentry", LEADCRM_WINDOW_ALLOW_REENTRY},
	{"strict_increase", LEADCRM_WINDOW_STRICT_INCREASE},
	{"strict_deduplication", LEADCRM_WINDOW_STRICT_DEDUPLICATION},
	{"from_first", LEADCRM_WINDOW_FROM_FIRST}
};

/* a list of words as flags; blanks part them, with a comma among them or without */
static int
read_mode(const char *s, int len)
{
	int			flags = 0;
	bool		after_word = false;
	bool		after_comma = false;

	for (int i = 0; i < len;)
	{
		int			begin = i;
		int			flag = 0;

		while (i < len && s[i] != ',' && s[i] != ' ')
			i++;
		if (i == begin)
		{
			if (s[i] == ',')
			{
				if (!after_word)
				{
					after_comma = true;
					break;
				}
				after_word = false;
				after_comma = true;
			}
			i++;
			continue;
		}
		for (int w = 0; w < (int) lengthof(words); w++)
		{
			if (i - begin == (int) strlen(words[w].name) && memcmp(&s[begin], words[w].name, i - begin) == 0)
				flag = words[w].flag;
		}
		if (flag == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown mode of window_funnel: \"%s\"", pnstrdup(&s[begin], i - begin)),
					 errhint("A mode is a list of strict_order, allow_reentry, strict_increase, strict_deduplication, from_first.")));
		flags |= flag;
		after_word = true;
		after_comma = false;
	}
	if (after_comma)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a word is missing beside a comma in the mode of window_funnel: \"%s\"", pnstrdup(s, len))));
	if (!leadcrm_window_flags_valid(flags))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("mode allow_reentry says nothing without strict_order")));
	return flags;
}

/* the window and the mode of this call */
static Known *
read_settings(FunctionCallInfo fcinfo, int mode_arg, int window_arg)
{
	Known	   *known = fcinfo->flinfo->fn_extra;
	text	   *mode = NULL;
	int			mode_len = 0;

	if (known == NULL)
	{
		known = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(Known));
		known->mode_len = -1;
		fcinfo->flinfo->fn_extra = known;
	}

	if (mode_arg > 0 && !PG_ARGISNULL(mode_arg))
	{
		mode = PG_GETARG_TEXT_PP(mode_arg);
		mode_len = (int) VARSIZE_ANY_EXHDR(mode);
	}
	if (known->mode_len != mode_len || (mode_len > 0 && memcmp(known->mode, VARDATA_ANY(mode), mode_len) != 0))
	{
		known->flags = mode_len == 0 ? 0 : read_mode(VARDATA_ANY(mode), mode_len);
		known->mode_len = mode_len <= (int) sizeof(known->mode) ? mode_len : -1;
		if (known->mode_len > 0)
			memcpy(known->mode, VARDATA_ANY(mode), mode_len);
	}

	if (PG_ARGISNULL(window_arg))
	{
		known->given = true;
		known->no_limit = true;
		known->window = LEADCRM_WINDOW_UNLIMITED;
	}
	else
	{
		Interval   *interval = PG_GETARG_INTERVAL_P(window_arg);

		if (!known->given || known->no_limit || known->interval.time != interval->time ||
			known->interval.day != interval->day || known->interval.month != interval->month)
		{
			known->window = read_window(interval);
			known->interval = *interval;
			known->given = true;
			known->no_limit = false;
		}
	}
	return known;
}

/* which steps a row satisfies; *nsteps: of how many */
static uint64
read_steps(ArrayType *array, int *nsteps)
{
	int			n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	bits8	   *nulls = ARR_NULLBITMAP(array);
	const char *value = ARR_DATA_PTR(array);
	uint64		steps = 0;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("the steps of window_funnel must be an array of one dimension, not of %d", ARR_NDIM(array))));
	if (n < 1 || n > LEADCRM_WINDOW_MAX_STEPS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("window_funnel takes 1 to %d steps, not %d", LEADCRM_WINDOW_MAX_STEPS, n)));
	for (int i = 0; i < n; i++)
	{
		/* not known to be satisfied is not satisfied */
		if (nulls == NULL || (nulls[i / 8] & 1 << i % 8) != 0)
			steps |= (uint64) (*value++ != 0) << i;
	}
	*nsteps = n;
	return steps;
}

/* sort the events and make those of one instant one */
static void
normalize(State *state)
{
	if (!state->normal)
	{
		LeadcrmEvent *scratch = palloc_extended(sizeof(LeadcrmEvent) * state->n, MCXT_ALLOC_HUGE);

		state->n = leadcrm_window_normalize(state->event, state->n, scratch);
		state->last = state->event[state->n - 1].at;
		state->normal = true;
		pfree(scratch);
	}
}

static State *
new_state(MemoryContext context, int room)
{
	State	   *state = MemoryContextAllocHuge(context, STATE_SIZE(room));

	state->n = 0;
	state->room = room;
	state->normal = true;
	return state;
}

/* the same state, with room for so many events more */
static State *
make_room(State *state, int more)
{
	int64		needed;

	if (state->room - state->n >= more)
		return state;
	/* instants that came several times take no room; but don't look for them over and over */
	if (!state->normal)
	{
		normalize(state);
		if (state->room - state->n >= Max(more, state->room / 4))
			return state;
	}
	needed = (int64) state->n + more;
	if (needed > MAX_EVENTS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("window_funnel got more than %d events in one group", MAX_EVENTS)));
	/* with its header the state has a power of two bytes */
	state->room = Max((int) Min((int64) state->room * 2 + 2, MAX_EVENTS), (int) needed);
	return repalloc_huge(state, STATE_SIZE(state->room));
}

static char *
window_text(int64 window)
{
	Interval	interval = {.time = window};

	if (window == LEADCRM_WINDOW_UNLIMITED)
		return "no end";
	return DatumGetCString(DirectFunctionCall1(interval_out, PointerGetDatum(&interval)));
}

/* the words of a mode, as read_mode() reads them */
static char *
mode_text(int flags)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int w = 0; w < (int) lengthof(words); w++)
	{
		if ((flags & words[w].flag) != 0)
			appendStringInfo(&text, "%s%s", text.len > 0 ? " " : "", words[w].name);
	}
	return text.data;
}

/* one group, one question */
static void
check_settings(const State *state, int64 window, int flags, int nsteps)
{
	if (likely(state->window == window && state->flags == flags && state->nsteps == nsteps))
		return;
	if (state->nsteps != nsteps)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the number of steps changes within a group, from %d to %d", state->nsteps, nsteps)));
	if (state->window != window)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the window changes within a group, from %s to %s", window_text(state->window), window_text(window))));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the mode of window_funnel changes within a group, from \"%s\" to \"%s\"", mode_text(state->flags), mode_text(flags))));
}

static Datum
add_event(FunctionCallInfo fcinfo, int mode_arg, int window_arg)
{
	MemoryContext context = aggregate_context(fcinfo);
	State	   *state = PG_ARGISNULL(0) ? NULL : (State *) PG_GETARG_POINTER(0);
	Known	   *known = read_settings(fcinfo, mode_arg, window_arg);
	TimestampTz at;
	uint64		steps;
	int			nsteps;

	if (PG_ARGISNULL(window_arg + 1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the time of an event cannot be NULL"),
				 errhint("Leave such rows out: FILTER (WHERE ... IS NOT NULL).")));
	at = PG_GETARG_TIMESTAMPTZ(window_arg + 1);
	if (TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the time of an event cannot be %s", TIMESTAMP_IS_NOBEGIN(at) ? "-infinity" : "infinity")));
	if (PG_ARGISNULL(window_arg + 2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the steps of window_funnel cannot be NULL")));
	steps = read_steps(PG_GETARG_ARRAYTYPE_P(window_arg + 2), &nsteps);

	if (state == NULL)
	{
		state = new_state(context, FIRST_ROOM);
		state->window = known->window;
		state->flags = (uint8) known->flags;
		state->nsteps = (uint8) nsteps;
	}
	else
		check_settings(state, known->window, known->flags, nsteps);

	/* what is no step matters only to those who want nothing in between */
	if (steps == 0 && (state->flags & LEADCRM_WINDOW_STRICT_ORDER) == 0)
		PG_RETURN_POINTER(state);
	if (state->n > 0 && state->last == at)
		state->event[state->n - 1].steps |= steps;
	else
	{
		state = make_room(state, 1);
		if (state->n > 0 && state->last >= at)
			state->normal = false;
		state->last = at;
		state->event[state->n].at = at;
		state->event[state->n].steps = steps;
		state->n++;
	}
	PG_RETURN_POINTER(state);
}

/*
 * leadcrm_window_funnel_add
 *		window_funnel("window", at, VARIADIC steps): one event more.
 */
Datum
leadcrm_window_funnel_add(PG_FUNCTION_ARGS)
{
	return add_event(fcinfo, 0, 1);
}

/*
 * leadcrm_window_funnel_add_mode
 *		window_funnel(mode, "window", at, VARIADIC steps): one event more.
 */
Datum
leadcrm_window_funnel_add_mode(PG_FUNCTION_ARGS)
{
	return add_event(fcinfo, 1, 2);
}

/*
 * leadcrm_window_funnel_combine
 *		Two partial states are one.
 */
Datum
leadcrm_window_funnel_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	State	   *state = PG_ARGISNULL(0) ? NULL : (State *) PG_GETARG_POINTER(0);
	State	   *other = PG_ARGISNULL(1) ? NULL : (State *) PG_GETARG_POINTER(1);

	if (other != NULL)
	{
		if (state == NULL)
		{
			state = new_state(context, Max(other->n, FIRST_ROOM));
			state->window = other->window;
			state->flags = other->flags;
			state->nsteps = other->nsteps;
		}
		else
			check_settings(state, other->window, other->flags, other->nsteps);
		if (other->n > 0)
		{
			state = make_room(state, other->n);
			if (!other->normal || (state->n > 0 && state->last >= other->event[0].at))
				state->normal = false;
			state->last = other->last;
			memcpy(&state->event[state->n], other->event, sizeof(LeadcrmEvent) * other->n);
			state->n += other->n;
		}
	}
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

/*
 * leadcrm_window_funnel_serialize
 *		A state as bytes: version, steps, flags, window, number of events; the events as they are, sorted.
 */
Datum
leadcrm_window_funnel_serialize(PG_FUNCTION_ARGS)
{
	State	   *state = (State *) PG_GETARG_POINTER(0);
	StringInfoData buf;

	aggregate_context(fcinfo);
	normalize(state);
	pq_begintypsend(&buf);
	pq_sendbyte(&buf, SERIAL_VERSION);
	pq_sendbyte(&buf, state->nsteps);
	pq_sendbyte(&buf, state->flags);
	pq_sendint64(&buf, state->window);
	pq_sendint32(&buf, state->n);
	for (int i = 0; i < state->n; i++)
	{
		pq_sendint64(&buf, state->event[i].at);
		pq_sendint64(&buf, (int64) state->event[i].steps);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/*
 * leadcrm_window_funnel_deserialize
 *		The other way round. What is not what serialize writes is refused.
 */
Datum
leadcrm_window_funnel_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	StringInfoData buf;
	State	   *state;
	int			version;
	int			nsteps;
	int			flags;
	int64		window;
	int			n;

	aggregate_context(fcinfo);
	initStringInfo(&buf);
	appendBinaryStringInfo(&buf, VARDATA_ANY(bytes), (int) VARSIZE_ANY_EXHDR(bytes));
	version = pq_getmsgbyte(&buf);
	nsteps = pq_getmsgbyte(&buf);
	flags = pq_getmsgbyte(&buf);
	window = pq_getmsgint64(&buf);
	n = (int) pq_getmsgint(&buf, 4);
	if (version != SERIAL_VERSION || nsteps < 1 || nsteps > LEADCRM_WINDOW_MAX_STEPS || !leadcrm_window_flags_valid(flags) ||
		window <= 0 || n < 0 || buf.len - buf.cursor != (int64) n * 16)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("a partial state of window_funnel is damaged")));

	state = new_state(CurrentMemoryContext, Max(n, FIRST_ROOM));
	state->window = window;
	state->flags = (uint8) flags;
	state->nsteps = (uint8) nsteps;
	for (int i = 0; i < n; i++)
	{
		state->event[i].at = pq_getmsgint64(&buf);
		state->event[i].steps = (uint64) pq_getmsgint64(&buf);
		if (i > 0 && state->event[i - 1].at >= state->event[i].at)
			state->normal = false;
		state->last = state->event[i].at;
	}
	state->n = n;
	pfree(buf.data);
	PG_RETURN_POINTER(state);
}

/*
 * leadcrm_window_funnel_final
 *		How many steps; 0 over no rows. Sorting the state changes nothing that it says.
 */
Datum
leadcrm_window_funnel_final(PG_FUNCTION_ARGS)
{
	State	   *state = PG_ARGISNULL(0) ? NULL : (State *) PG_GETARG_POINTER(0);

	aggregate_context(fcinfo);
	if (state == NULL)
		PG_RETURN_INT32(0);
	normalize(state);
	PG_RETURN_INT32(leadcrm_window_funnel(state->event, state->n, state->nsteps, state->flags, state->window));
}
