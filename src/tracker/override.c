/*
 * override.c
 *		A correction or a repair under way: the one statement for which the guard steps aside.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"
#include "tracker/cache.h"
#include "tracker/tracker.h"

PG_FUNCTION_INFO_V1(leadcrm_correcting);
PG_FUNCTION_INFO_V1(leadcrm_apply_repair);

static Override current;

static void
forget(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT || event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE)
		current.kind = OVERRIDE_NONE;
}

/*
 * Called once, when the module is loaded.
 */
void
leadcrm_override_init(void)
{
	RegisterXactCallback(forget, NULL);
}

/*
 * The correction or repair that a change of that row belongs to; NULL for an ordinary change.
 */
const Override *
leadcrm_override(const Tracker *t, Datum key)
{
	if (likely(current.kind == OVERRIDE_NONE) || current.rootid != t->rootid)
		return NULL;
	if (current.kind == OVERRIDE_CORRECT &&
		(strcmp(current.column, t->column) != 0 || !leadcrm_key_same(t, current.key, key)))
		return NULL;
	return &current;
}

/*
 * Whether a repair of a table of that owner is under way.
 */
bool
leadcrm_repairing(Oid owner)
{
	return current.kind == OVERRIDE_REPAIR && current.owner == owner;
}

/*
 * Begins an override; its pointers must live until leadcrm_override_end(), which the caller owes also after an error.
 */
void
leadcrm_override_begin(const Override *override)
{
	if (current.kind != OVERRIDE_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("a correction or repair is already under way"),
				 errhint("A trigger must not start another one.")));
	current = *override;
}

void
leadcrm_override_end(void)
{
	current.kind = OVERRIDE_NONE;
}

/*
 * leadcrm.correcting(target regclass, state_column name, key text) returns integer: inside the UPDATE that a correction of that row
 * makes, the number of the history row that it voids.  What triggers do to other rows and tables meanwhile is no correction.
 */
Datum
leadcrm_correcting(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);

	if (current.kind != OVERRIDE_CORRECT || strcmp(current.column, NameStr(*PG_GETARG_NAME(1))) != 0 ||
		strcmp(current.key_text, text_to_cstring(PG_GETARG_TEXT_PP(2))) != 0)
		PG_RETURN_NULL();
	if (relid != current.rootid &&
		!(get_rel_relispartition(relid) && list_member_oid(get_partition_ancestors(relid), current.rootid)))
		PG_RETURN_NULL();
	PG_RETURN_INT32(current.corrects);
}

/*
 * leadcrm.apply_repair(target regclass, statement text) returns bigint: runs one statement that leadcrm.repair() made, with the
 * guard of the target lifted.  Only for the target's owner, who could as well disable the triggers.
 */
Datum
leadcrm_apply_repair(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	char	   *statement = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Relation	rel = table_open(relid, RowExclusiveLock);
	Override	override = {0};
	uint64		processed = 0;

	if (!leadcrm_owns_relation(relid))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, RelationGetRelationName(rel));
	override.kind = OVERRIDE_REPAIR;
	override.rootid = relid;
	override.owner = rel->rd_rel->relowner;
	leadcrm_override_begin(&override);
	PG_TRY();
	{
		int			rc;

		SPI_connect();
		rc = SPI_execute(statement, false, 0);
		if (rc < 0)
			elog(ERROR, "could not execute a repair: %s", SPI_result_code_string(rc));
		processed = SPI_processed;
		SPI_finish();
	}
	PG_FINALLY();
	{
		leadcrm_override_end();
	}
	PG_END_TRY();
	table_close(rel, NoLock);
	PG_RETURN_INT64((int64) processed);
}
