/*
 * deltas.c
 *		Writes deltas: through the executor's own way into a table, but without asking for rights, as the owner's.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "common/pg_prng.h"
#include "executor/executor.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "compat.h"
#include "cube/cube.h"

struct DeltaWriter
{
	const CubeShape *shape;
	Relation	rel;
	EState	   *estate;
	ResultRelInfo *result;
	TupleTableSlot *slot;
};

/*
 * Opens the table of deltas for writing.  The writer lives in the current memory context until leadcrm_delta_end().
 */
DeltaWriter *
leadcrm_delta_begin(const CubeShape *shape)
{
	DeltaWriter *w = palloc(sizeof(DeltaWriter));

	w->shape = shape;
	w->rel = table_open(shape->delta, RowExclusiveLock);
	w->estate = CreateExecutorState();
	w->result = makeNode(ResultRelInfo);
	InitResultRelInfo(w->result, w->rel, 0, NULL, 0);
	ExecOpenIndices(w->result, false);
	w->slot = table_slot_create(w->rel, NULL);
	return w;
}

static Datum
int8_array(Datum *elements, int n)
{
	return PointerGetDatum(construct_array(elements, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static Datum
key_array(const char *const *keys, int n)
{
	Datum		elements[CUBE_MAX_KEYS];
	bool		nulls[CUBE_MAX_KEYS];
	int			lower = 1;

	for (int i = 0; i < n; i++)
	{
		nulls[i] = keys[i] == NULL;
		elements[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(keys[i]);
	}
	return PointerGetDatum(construct_md_array(elements, nulls, 1, &n, &lower, TEXTOID, -1, false, TYPALIGN_INT));
}

/* Two servers whose deltas meet, after a replica was promoted, must not choose the same: so no sequence. */
static pg_uuid_t *
random_id(void)
{
	pg_uuid_t  *id = palloc(sizeof(pg_uuid_t));
	uint64		random[2] = {pg_prng_uint64(&pg_global_prng_state), pg_prng_uint64(&pg_global_prng_state)};

	memcpy(id->data, random, UUID_LEN);
	return id;
}

/*
 * Writes a delta: codes and sums are parallel, sums[i].big holding the whole amount; cubes: bits of those it counts in; keys: one
 * for each key, NULL where it counts in none of that key.
 */
void
leadcrm_delta_write(DeltaWriter *w, int cubes, DateADT period, const char *const *keys, int n, const int64 *codes,
					const Sums *sums)
{
	const CubeShape *s = w->shape;
	TupleTableSlot *slot = w->slot;
	Datum	   *elements = palloc(sizeof(Datum) * n);

	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, sizeof(bool) * s->delta_natts);
#define SET(att, datum) (slot->tts_isnull[(att) - 1] = false, slot->tts_values[(att) - 1] = (datum))
	SET(s->delta_id_att, UUIDPGetDatum(random_id()));
	SET(s->cubes_att, Int16GetDatum((int16) cubes));
	SET(s->period_att, DateADTGetDatum(period));
	SET(s->keys_att, key_array(keys, s->nkeys));
	for (int i = 0; i < n; i++)
		elements[i] = Int64GetDatum(codes[i]);
	SET(s->codes_att, int8_array(elements, n));
	for (int i = 0; i < n; i++)
		elements[i] = Int64GetDatum(sums[i].leads);
	SET(s->leads_att, int8_array(elements, n));
	for (int i = 0; i < n; i++)
		elements[i] = Int64GetDatum(sums[i].valued);
	SET(s->valued_att, int8_array(elements, n));
	for (int i = 0; i < n; i++)
		elements[i] = NumericGetDatum(sums[i].big);
	SET(s->amounts_att, PointerGetDatum(construct_array(elements, n, NUMERICOID, -1, false, TYPALIGN_INT)));
#undef SET
	ExecStoreVirtualTuple(slot);
	ExecSimpleRelationInsert(w->result, w->estate, slot);
	ResetPerTupleExprContext(w->estate);
	pfree(elements);
}

/*
 * Closes the table, keeping the lock until the transaction ends.
 */
void
leadcrm_delta_end(DeltaWriter *w)
{
	ExecCloseIndices(w->result);
	ExecDropSingleTupleTableSlot(w->slot);
	table_close(w->rel, NoLock);
	FreeExecutorState(w->estate);
}
