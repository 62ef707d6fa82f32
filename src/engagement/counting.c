/*
 * counting.c
 *		What the triggers that keep engagements ask of the backend.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"

#include "compat.h"
#include "leadcrm.h"

PG_FUNCTION_INFO_V1(leadcrm_own_command);
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
 * leadcrm.counting(table regclass) → boolean: whether it is a function of the workspace that writes to this table of it: one
 * that has made the setting leadcrm.counting and runs with the rights of the table's owner.  Whoever only makes the setting
 * lacks the rights; an owner who makes it means it.
 */
Datum
leadcrm_counting(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(leadcrm_is_counting && leadcrm_owns_relation(PG_GETARG_OID(0)));
}
