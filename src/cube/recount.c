/*
 * recount.c
 *		The function that counts all rows of a table anew.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "compat.h"
#include "cube/cube.h"

PG_FUNCTION_INFO_V1(leadcrm_recount);

/*
 * The columns of a cell, as those of leadcrm.cell: CELL_NATTS values, in the current memory context, none of them NULL.
 */
void
leadcrm_cell_values(const CellSet *set, const CellView *cell, Datum *values)
{
	PackText	key = leadcrm_cells_key(set, cell->key);

	values[0] = Int16GetDatum((int16) cell->cube);
	values[1] = Int16GetDatum((int16) cell->kind);
	values[2] = DateADTGetDatum(cell->period);
	values[3] = Int64GetDatum(cell->code);
	values[4] = PointerGetDatum(cstring_to_text_with_len(key.text, (int) key.len));
	values[5] = Int64GetDatum(cell->sums.leads);
	values[6] = Int64GetDatum(cell->sums.valued);
	values[7] = NumericGetDatum(leadcrm_sums_amount(&cell->sums, cell->kind == CELL_STAY));
}

typedef struct CellStore
{
	const CellSet *set;
	Tuplestorestate *store;
	TupleDesc	desc;
	MemoryContext row;
} CellStore;

static void
put_into_store(void *arg, const CellView *cell)
{
	CellStore  *store = arg;
	MemoryContext old = MemoryContextSwitchTo(store->row);
	Datum		values[CELL_NATTS];
	bool		nulls[CELL_NATTS] = {false};

	leadcrm_cell_values(store->set, cell, values);
	tuplestore_putvalues(store->store, store->desc, values, nulls);
	MemoryContextSwitchTo(old);
	MemoryContextReset(store->row);
}

/* Counts every row of a table that its snapshot sees; a set that fills maintenance_work_mem is sorted and put aside. */
static void
count_rows(Relation rel, const CubeShape *shape, CellStore *store)
{
	CellFilter	all = {.cube = -1, .kind = -1, .nranges = -1, .since = DATEVAL_NOBEGIN, .until = DATEVAL_NOEND};
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "leadcrm recount", ALLOCSET_DEFAULT_SIZES);
	/* some 80 bytes a cell in a table that is half empty and there twice while it grows, and 32 to sort it */
	int64		room = Max((int64) maintenance_work_mem * 1024 / 200, 1000);
	struct pg_tz *zone = leadcrm_cube_zone(shape);
	CellSet    *set = leadcrm_cells_make(&all);
	CellRuns   *runs = leadcrm_runs_make(set);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);
	MemoryContext old;
	Packer		packer;

	store->set = set;
	initStringInfo(&packer.data);
	leadcrm_packer_start(&packer, shape->nkeys);
	old = MemoryContextSwitchTo(work);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		Facts		facts;

		CHECK_FOR_INTERRUPTS();
		leadcrm_cube_facts(shape, zone, slot, NULL, NULL, &facts);
		leadcrm_pack_change(&packer, NULL, &facts);
		if (packer.writer.len > PACKER_FULL)
		{
			leadcrm_cells_add(set, packer.writer.data, packer.writer.len);
			leadcrm_packer_start(&packer, shape->nkeys);
			if (leadcrm_cells_number(set) > room)
				leadcrm_runs_spill(runs);
		}
		MemoryContextReset(work);
	}
	leadcrm_cells_add(set, packer.writer.data, packer.writer.len);
	MemoryContextSwitchTo(old);
	leadcrm_runs_finish(runs, put_into_store, store);
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextDelete(work);
}

/*
 * leadcrm.recount(target regclass) returns setof leadcrm.cell: the cells that all rows of a table make.  The caller keeps writers
 * out.
 */
Datum
leadcrm_recount(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			relid = PG_GETARG_OID(0);
	Relation	rel;
	Trigger    *trigger;
	MemoryContext work;
	MemoryContext old;
	CellStore	store;

	InitMaterializedSRF(fcinfo, 0);
	rel = table_open(relid, ShareRowExclusiveLock);
	trigger = leadcrm_cube_trigger(rel);
	if (!leadcrm_owns_relation(relid))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of table \"%s\"", RelationGetRelationName(rel))));
	if (trigger == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the rows of table \"%s\" are not counted", RelationGetRelationName(rel)),
				 errdetail("It has no trigger that calls leadcrm.count_cells().")));
	/* what this transaction has yet to write is in the rows already */
	leadcrm_tally_write(relid, false);

	work = AllocSetContextCreate(CurrentMemoryContext, "leadcrm cells", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(work);
	store.store = rsinfo->setResult;
	store.desc = rsinfo->setDesc;
	store.row = AllocSetContextCreate(work, "leadcrm cell", ALLOCSET_SMALL_SIZES);
	count_rows(rel, leadcrm_cube_shape(rel, trigger), &store);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
	table_close(rel, NoLock);
	return (Datum) 0;
}
