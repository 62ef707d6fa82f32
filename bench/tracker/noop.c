/*
 * noop.c
 *		The competitor of the guard, a C trigger that does nothing; and a clock of processor time.
 */
#include "postgres.h"

#include <time.h>

#include "commands/trigger.h"
#include "fmgr.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(bench_noop);
PG_FUNCTION_INFO_V1(bench_cpu);

Datum
bench_noop(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ? trigdata->tg_newtuple : trigdata->tg_trigtuple);
}

/* Milliseconds of processor time that this backend has used. */
Datum
bench_cpu(PG_FUNCTION_ARGS)
{
	struct timespec used;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0)
		elog(ERROR, "could not read the clock of processor time: %m");
	PG_RETURN_FLOAT8(used.tv_sec * 1000.0 + used.tv_nsec / 1000000.0);
}
