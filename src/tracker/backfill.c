/*
 * backfill.c
 *		From the stamps of an inserted row to the steps of its history.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "compat.h"
#include "tracker/cache.h"
#include "tracker/tracker.h"

/* By time; t->stamped is in the states' order already, which decides between equal times. */
static int
by_time(const void *a, const void *b)
{
	const BirthStep *sa = a;
	const BirthStep *sb = b;

	if (sa->at != sb->at)
		return (sa->at > sb->at) - (sa->at < sb->at);
	return (sa->order > sb->order) - (sa->order < sb->order);
}

/*
 * Reads an inserted row (its columns up to t->max_att) and says which steps its history has.
 *
 * A row without stamps has one step, at its X_since.  One with stamps has a step for each, in time order; where that does not
 * end in the present state, or the present stay began later than the stamp says (it was entered again), a last step leads
 * there, at X_since, or at the last stamp where that is not given.  "steps" is palloc'ed.
 */
void
leadcrm_birth_steps(const Tracker *t, TupleDesc desc, Datum *values, bool *isnull, Birth *birth)
{
	Datum		present = values[t->state_att - 1];
	int			present_index = leadcrm_state_index(t, present);
	AttrNumber	own_stamp = leadcrm_stamp_column(t, desc, present_index, present);
	bool		since_given = !isnull[t->since_att - 1];
	TimestampTz since = since_given ? DatumGetTimestampTz(values[t->since_att - 1]) : 0;
	BirthStep  *steps = palloc(sizeof(BirthStep) * (t->nstamped + 2));
	int			n = 0;

	memset(birth, 0, sizeof(Birth));
	birth->own_stamp = own_stamp;
	birth->steps = steps;
	birth->peak = present;
	for (int i = 0; i < t->nstamped; i++)
	{
		TrackedState *state = &t->states[t->stamped[i]];

		if (isnull[state->stamp - 1])
			continue;
		steps[n].at = DatumGetTimestampTz(values[state->stamp - 1]);
		steps[n].value = state->value;
		steps[n].column = state->stamp;
		steps[n].order = n;
		n++;
		if (t->peak_att != InvalidAttrNumber && leadcrm_later_state(t, state->value, birth->peak))
			birth->peak = state->value;
	}
	/* a text state that no rule names */
	if (present_index < 0 && own_stamp != InvalidAttrNumber && !isnull[own_stamp - 1])
	{
		steps[n].at = DatumGetTimestampTz(values[own_stamp - 1]);
		steps[n].value = present;
		steps[n].column = own_stamp;
		steps[n].order = n;
		n++;
	}

	birth->nstamps = n;
	if (n == 0)
	{
		steps[0].at = since;
		steps[0].value = present;
		steps[0].column = t->since_att;
		birth->nsteps = 1;
		return;
	}

	birth->no_own_stamp = own_stamp != InvalidAttrNumber && isnull[own_stamp - 1];
	birth->own_stamp_only = n == 1 && steps[0].column == own_stamp && (!since_given || since == steps[0].at);
	qsort(steps, n, sizeof(BirthStep), by_time);
	if (!leadcrm_state_same(t, steps[n - 1].value, present) || (since_given && since > steps[n - 1].at))
	{
		steps[n].at = since_given ? since : steps[n - 1].at;
		steps[n].value = present;
		steps[n].column = t->since_att;
		n++;
	}
	birth->nsteps = n;
}
