/*
 * incidence.c
 *		The aggregate leadcrm.incidence(days, advanced).
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/memutils.h"

#include "compat.h"
#include "funnel/incidence_math.h"

PG_FUNCTION_INFO_V1(leadcrm_incidence_step);
PG_FUNCTION_INFO_V1(leadcrm_incidence_result);

#define INCIDENCE_COLUMNS 8

typedef struct IncidenceState
{
	MemoryContext cxt;
	LeadcrmStay *stays;
	size_t		n;
	size_t		room;
} IncidenceState;

static IncidenceState *
new_state(FunctionCallInfo fcinfo)
{
	MemoryContext cxt;
	IncidenceState *state;

	if (!AggCheckCallContext(fcinfo, &cxt))
		elog(ERROR, "aggregate function called outside an aggregate");
	state = MemoryContextAlloc(cxt, sizeof(IncidenceState));
	state->cxt = cxt;
	state->n = 0;
	state->room = 64;
	state->stays = MemoryContextAlloc(cxt, state->room * sizeof(LeadcrmStay));
	return state;
}

/*
 * The step of leadcrm.incidence(days float8, advanced boolean). Errors: 22023 for days that are no length of a stay.
 */
Datum
leadcrm_incidence_step(PG_FUNCTION_ARGS)
{
	IncidenceState *state = PG_ARGISNULL(0) ? new_state(fcinfo) : (IncidenceState *) PG_GETARG_POINTER(0);
	LeadcrmStay *stay;
	float8		days;

	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(state);
	days = PG_GETARG_FLOAT8(1);
	if (!(days >= 0 && days <= LEADCRM_MAX_AGE))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid length of a stay: %.15g days", days),
				 errdetail("It must lie between 0 and %d.", LEADCRM_MAX_AGE)));
	if (state->n == state->room)
	{
		state->room *= 2;
		state->stays = repalloc_huge(state->stays, state->room * sizeof(LeadcrmStay));
	}
	stay = &state->stays[state->n++];
	stay->days = days;
	stay->went = PG_ARGISNULL(2) ? LEADCRM_STILL_OPEN : PG_GETARG_BOOL(2) ? LEADCRM_WENT_ON : LEADCRM_WENT_OFF;
	PG_RETURN_POINTER(state);
}

/*
 * Its result: an array with a row for each day of age, NULL where there was no stay.
 */
Datum
leadcrm_incidence_result(PG_FUNCTION_ARGS)
{
	IncidenceState *state = PG_ARGISNULL(0) ? NULL : (IncidenceState *) PG_GETARG_POINTER(0);
	size_t		nages;
	LeadcrmAge *ages;
	Datum	   *values;
	int			dims[2];
	int			bounds[2] = {0, 1};

	if (state == NULL || state->n == 0)
		PG_RETURN_NULL();
	nages = leadcrm_incidence_ages(state->stays, state->n);
	ages = palloc_extended(nages * sizeof(LeadcrmAge), MCXT_ALLOC_HUGE);
	leadcrm_incidence(state->stays, state->n, ages);
	values = palloc_extended(nages * INCIDENCE_COLUMNS * sizeof(Datum), MCXT_ALLOC_HUGE);
	for (size_t i = 0; i < nages; i++)
	{
		Datum	   *row = &values[i * INCIDENCE_COLUMNS];

		row[0] = Float8GetDatum(ages[i].at_risk);
		row[1] = Float8GetDatum(ages[i].went_on);
		row[2] = Float8GetDatum(ages[i].went_off);
		row[3] = Float8GetDatum(ages[i].still_open);
		row[4] = Float8GetDatum(ages[i].on);
		row[5] = Float8GetDatum(ages[i].off);
		row[6] = Float8GetDatum(ages[i].open);
		row[7] = Float8GetDatum(ages[i].on_error);
	}
	dims[0] = (int) nages;
	dims[1] = INCIDENCE_COLUMNS;
	PG_RETURN_ARRAYTYPE_P(construct_md_array(values, NULL, 2, dims, bounds, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL,
											 TYPALIGN_DOUBLE));
}
