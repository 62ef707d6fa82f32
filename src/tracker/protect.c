/*
 * protect.c
 *		What may not be done to a tracked table, its history and its transitions.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_trigger.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/rel.h"

#include "compat.h"
#include "leadcrm.h"
#include "tracker/cache.h"
#include "tracker/tracker.h"

PG_FUNCTION_INFO_V1(leadcrm_protect_history);
PG_FUNCTION_INFO_V1(leadcrm_refuse_truncate);
PG_FUNCTION_INFO_V1(leadcrm_transitions_changed);
PG_FUNCTION_INFO_V1(leadcrm_transitions_filled);

/*
 * leadcrm.protect_history(): BEFORE INSERT OR UPDATE OR DELETE FOR EACH ROW on a history.  Only the tracker writes it.
 */
Datum
leadcrm_protect_history(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = leadcrm_check_trigger(fcinfo, "protect_history", TRIGGER_EVENT_BEFORE, true);
	bool		insert = TRIGGER_FIRED_BY_INSERT(trigdata->tg_event);
	bool		update = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event);

	if (leadcrm_enforcement != LEADCRM_OFF && !(insert && leadcrm_history_is_writing(trigdata->tg_relation)) &&
		!leadcrm_repairing(trigdata->tg_relation->rd_rel->relowner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("history \"%s\" is written by the tracker only", RelationGetRelationName(trigdata->tg_relation)),
				 errdetail("%s was refused: what happened stays on record.", insert ? "INSERT" : update ? "UPDATE" : "DELETE"),
				 errhint("A wrong change is undone by leadcrm.correct(); what happened before the row was stored comes with "
						 "its stamps, columns <state>_at, when it is inserted."),
				 errtable(trigdata->tg_relation)));
	return PointerGetDatum(update ? trigdata->tg_newtuple : trigdata->tg_trigtuple);
}

/*
 * leadcrm.refuse_truncate(): BEFORE TRUNCATE FOR EACH STATEMENT on a tracked table and on a history.
 */
Datum
leadcrm_refuse_truncate(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = leadcrm_check_trigger(fcinfo, "refuse_truncate", TRIGGER_EVENT_BEFORE, false);

	if (leadcrm_enforcement != LEADCRM_OFF)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("TRUNCATE of \"%s\" is refused: its rows have a history", RelationGetRelationName(trigdata->tg_relation)),
				 errdetail("TRUNCATE would take rows away without a trace."),
				 errhint("DELETE the rows of a tracked table: that is recorded. A table that is not needed any more can be dropped."),
				 errtable(trigdata->tg_relation)));
	return PointerGetDatum(NULL);
}

/*
 * leadcrm.transitions_changed(): AFTER INSERT OR UPDATE OR DELETE FOR EACH ROW and AFTER TRUNCATE on a transitions table; ENABLE ALWAYS.
 * All sessions read the rules anew once the transaction commits, this one at once.
 */
Datum
leadcrm_transitions_changed(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"leadcrm.%s\" was not called as a trigger", "transitions_changed")));
	CacheInvalidateRelcache(((TriggerData *) fcinfo->context)->tg_relation);
	return PointerGetDatum(NULL);
}

/*
 * leadcrm.transitions_filled(): AFTER INSERT FOR EACH ROW on a transitions table that track() made; ENABLE ALWAYS.  While the
 * trigger is enabled the table was never filled, and every change passes.  It disables itself with the first row, in that
 * row's transaction, and a dump carries it as it is.
 */
Datum
leadcrm_transitions_filled(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = leadcrm_check_trigger(fcinfo, "transitions_filled", TRIGGER_EVENT_AFTER, true);
	Oid			tgoid = trigdata->tg_trigger->tgoid;
	Relation	pg_trigger;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	/* whoever fills it first; the others wait for his commit */
	LockDatabaseObject(TriggerRelationId, tgoid, 0, ExclusiveLock);

	pg_trigger = table_open(TriggerRelationId, RowExclusiveLock);
	ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(tgoid));
	scan = systable_beginscan(pg_trigger, TriggerOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple) && ((Form_pg_trigger) GETSTRUCT(tuple))->tgenabled != TRIGGER_DISABLED)
	{
		HeapTuple	copy = heap_copytuple(tuple);

		((Form_pg_trigger) GETSTRUCT(copy))->tgenabled = TRIGGER_DISABLED;
		CatalogTupleUpdate(pg_trigger, &copy->t_self, copy);
		heap_freetuple(copy);
		CommandCounterIncrement();	/* the statement's next row must see it */
	}
	systable_endscan(scan);
	table_close(pg_trigger, RowExclusiveLock);

	CacheInvalidateRelcache(trigdata->tg_relation);
	return PointerGetDatum(NULL);
}
