/*
 * counting.c
 *		What the triggers that keep engagements ask of the backend.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "leadcrm.h"

PG_FUNCTION_INFO_V1(leadcrm_own_command);
PG_FUNCTION_INFO_V1(leadcrm_insert_command);
PG_FUNCTION_INFO_V1(leadcrm_counting);

/*
 * leadcrm.own_command(xmin xid, cmin cid) → bigint: the number of the command, counted from the start of the transaction, in
 * which this transaction or one of its subtransactions wrote the row version with these system columns; NULL where another
 * transaction wrote it, as a command's number means nothing outside its own.
 */
Datum
leadcrm_own_command(PG_FUNCTION_ARGS)
{
	if (!TransactionIdIsCurrentTransactionId(PG_GETARG_TRANSACTIONID(0)))
		PG_RETURN_NULL();
	PG_RETURN_INT64((int64) DatumGetCommandId(PG_GETARG_DATUM(1)));
}

/*
 * leadcrm.insert_command(table regclass, ctid tid) → bigint: the number of the command in which this transaction inserted the
 * row at this place of a table of the current role; NULL where another transaction wrote it, where it was updated since, which
 * hides when it was inserted, and where the table's access method is another than heap.
 */
Datum
leadcrm_insert_command(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	ItemPointer ctid = (ItemPointer) PG_GETARG_POINTER(1);
	Relation	rel;
	TupleTableSlot *slot;
	int64		command = -1;

	if (!leadcrm_owns_relation(relid))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(relid));
	rel = table_open(relid, AccessShareLock);
	slot = table_slot_create(rel, NULL);
	if (TTS_IS_BUFFERTUPLE(slot) && table_tuple_fetch_row_version(rel, ctid, SnapshotAny, slot))
	{
		HeapTupleHeader tuple = ExecFetchSlotHeapTuple(slot, false, NULL)->t_data;

		if ((tuple->t_infomask & HEAP_UPDATED) == 0 && TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple)))
			command = (int64) HeapTupleHeaderGetCmin(tuple);
	}
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, AccessShareLock);
	if (command < 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(command);
}

/*
 * leadcrm.counting(table regclass) → boolean: whether it is a function of the workspace that writes to this table of it: one
 * that has made the setting leadcrm.counting and runs with the rights of the table's owner.  Whoever only makes the setting
 * lacks the rights; an owner who makes it means it.
 */
Datum
leadcrm_counting(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(leadcrm_is_counting && leadcrm_owns_relation(PG_GETARG_OID(0)));
}
