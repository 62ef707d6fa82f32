/*
 * deltas.c
 *		Writes deltas: through the executor's own way into a table, but without asking for rights, as the owner's.
 */
#include "postgres.h"

#include "access/table.h"
#include "common/pg_prng.h"
#include "executor/executor.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "compat.h"
#include "cube/cube.h"

/* Two servers whose deltas meet, after a replica was promoted, must not choose the same: so no sequence. */
static void
random_id(pg_uuid_t *id)
{
	uint64		random[2] = {pg_prng_uint64(&pg_global_prng_state), pg_prng_uint64(&pg_global_prng_state)};

	memcpy(id->data, random, UUID_LEN);
}

/*
 * Writes a delta: changes, a pack of len bytes, of rows born from first_day to last_day.
 */
void
leadcrm_delta_write(const CubeShape *shape, DateADT first_day, DateADT last_day, char *changes, int len)
{
	Relation	rel = table_open(shape->delta, RowExclusiveLock);
	EState	   *estate = CreateExecutorState();
	ResultRelInfo *result = makeNode(ResultRelInfo);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	bytea	   *value = palloc(VARHDRSZ + len);
	pg_uuid_t	id;

	InitResultRelInfo(result, rel, 0, NULL, 0);
	ExecOpenIndices(result, false);
	random_id(&id);
	SET_VARSIZE(value, VARHDRSZ + len);
	memcpy(VARDATA(value), changes, len);

	memset(slot->tts_isnull, true, sizeof(bool) * shape->delta_natts);
#define SET(att, datum) (slot->tts_isnull[(att) - 1] = false, slot->tts_values[(att) - 1] = (datum))
	SET(shape->delta_id_att, UUIDPGetDatum(&id));
	SET(shape->first_day_att, DateADTGetDatum(first_day));
	SET(shape->last_day_att, DateADTGetDatum(last_day));
	SET(shape->changes_att, PointerGetDatum(value));
#undef SET
	ExecStoreVirtualTuple(slot);
	ExecSimpleRelationInsert(result, estate, slot);

	ExecCloseIndices(result);
	ExecDropSingleTupleTableSlot(slot);
	FreeExecutorState(estate);
	pfree(value);
	table_close(rel, NoLock);	/* the lock stays until the transaction ends */
}
