/*
 * count.c
 *		The trigger that counts, and what SQL calls.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "cube/cube.h"
#include "leadcrm.h"

PG_FUNCTION_INFO_V1(leadcrm_count_cells);
PG_FUNCTION_INFO_V1(leadcrm_recount);

/*
 * leadcrm.count_cells(): AFTER trigger.  For each row it collects what the change takes from the cells and adds to them; for
 * each statement it writes that down.
 */
Datum
leadcrm_count_cells(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	const CubeShape *shape;
	Tally	   *tally;
	Facts		old;
	Facts		new;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"leadcrm.%s\" was not called as a trigger", "count_cells")));
	if (!TRIGGER_FIRED_AFTER(trigdata->tg_event) || TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"leadcrm.%s\" must be fired AFTER INSERT, UPDATE or DELETE", "count_cells")));
	if (leadcrm_enforcement == LEADCRM_OFF)
		PG_RETURN_POINTER(NULL);
	if (TRIGGER_FIRED_FOR_STATEMENT(trigdata->tg_event))
	{
		leadcrm_tally_write(RelationGetRelid(trigdata->tg_relation), false);
		PG_RETURN_POINTER(NULL);
	}

	shape = leadcrm_cube_shape(trigdata->tg_relation, trigdata->tg_trigger);
	tally = leadcrm_tally_for(shape);
	leadcrm_cube_facts(tally, shape, trigdata->tg_trigslot, NULL, NULL, &old);
	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		leadcrm_cube_count(tally, NULL, &old);
	else if (TRIGGER_FIRED_BY_DELETE(trigdata->tg_event))
		leadcrm_cube_count(tally, &old, NULL);
	else
	{
		leadcrm_cube_facts(tally, shape, trigdata->tg_newslot, &old, trigdata->tg_trigslot, &new);
		leadcrm_cube_count(tally, &old, &new);
	}
	PG_RETURN_POINTER(NULL);
}

/*
 * leadcrm.recount(target regclass) returns bigint: writes deltas that count every row of the table once.  The caller keeps writers
 * out and has emptied cells and deltas.  Returns how many rows there are.
 */
Datum
leadcrm_recount(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	Relation	rel = table_open(relid, ShareRowExclusiveLock);
	Trigger    *trigger = leadcrm_cube_trigger(rel);
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "leadcrm recount", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old_context;
	const CubeShape *shape;
	Tally	   *tally;
	TupleTableSlot *slot;
	TableScanDesc scan;
	int64		rows = 0;

	if (!leadcrm_owns_relation(relid))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of table \"%s\"", RelationGetRelationName(rel))));
	if (trigger == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the rows of table \"%s\" are not counted", RelationGetRelationName(rel)),
				 errdetail("It has no trigger that calls leadcrm.count_cells().")));
	leadcrm_tally_write(relid, false);
	shape = leadcrm_cube_shape(rel, trigger);
	tally = leadcrm_tally_for(shape);
	leadcrm_tally_room(tally, maintenance_work_mem);
	slot = table_slot_create(rel, NULL);
	scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);
	old_context = MemoryContextSwitchTo(work);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		Facts		facts;

		CHECK_FOR_INTERRUPTS();
		leadcrm_cube_facts(tally, shape, slot, NULL, NULL, &facts);
		leadcrm_cube_count(tally, NULL, &facts);
		MemoryContextReset(work);
		rows++;
	}
	MemoryContextSwitchTo(old_context);
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	leadcrm_tally_write(relid, false);
	MemoryContextDelete(work);
	table_close(rel, NoLock);
	PG_RETURN_INT64(rows);
}
