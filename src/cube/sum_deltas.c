/*
 * sum_deltas.c
 *		The aggregate that adds up deltas, and the function that counts all rows anew: both give cells.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

#include "compat.h"
#include "cube/cube.h"

#define CELL_NATTS 8			/* of type leadcrm.cell */

PG_FUNCTION_INFO_V1(leadcrm_sum_deltas_trans);
PG_FUNCTION_INFO_V1(leadcrm_sum_deltas_in_trans);
PG_FUNCTION_INFO_V1(leadcrm_sum_deltas_final);
PG_FUNCTION_INFO_V1(leadcrm_recount);

/* The columns of a cell, in the current memory context. */
static void
cell_values(int cube, int kind, DateADT period, int64 code, const char *key, int key_len, const Sums *sums, Datum *values)
{
	values[0] = Int16GetDatum((int16) cube);
	values[1] = Int16GetDatum((int16) kind);
	values[2] = DateADTGetDatum(period);
	values[3] = Int64GetDatum(code);
	values[4] = PointerGetDatum(cstring_to_text_with_len(key, key_len));
	values[5] = Int64GetDatum(sums->leads);
	values[6] = Int64GetDatum(sums->valued);
	values[7] = NumericGetDatum(leadcrm_sums_amount(sums, kind == CELL_STAY));
}

/* The elements of an array without NULLs; fewest becomes their number where that is less. */
static const void *
elements_of(FunctionCallInfo fcinfo, int arg, MemoryContext cxt, int *fewest)
{
	MemoryContext old = MemoryContextSwitchTo(cxt);
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P_COPY(arg);

	MemoryContextSwitchTo(old);
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a range of codes has no end, and no kind, that is NULL")));
	*fewest = Min(*fewest, ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)));
	return ARR_DATA_PTR(array);
}

/* What the aggregate's further arguments ask for, if it has them; by_range: each range is of a kind of its own. */
static CellFilter
filter_of(FunctionCallInfo fcinfo, MemoryContext cxt, bool by_range)
{
	CellFilter	f = {.cube = -1, .kind = -1, .nranges = -1, .since = DATEVAL_NOBEGIN, .until = DATEVAL_NOEND};

	if (PG_NARGS() == 2)
		return f;
	if (!PG_ARGISNULL(2))
		f.cube = PG_GETARG_INT16(2);
	if (!by_range && !PG_ARGISNULL(3))
		f.kind = PG_GETARG_INT16(3);
	if (by_range && (PG_ARGISNULL(3) || PG_ARGISNULL(4) || PG_ARGISNULL(5)))
		f.nranges = 0;
	else if (!PG_ARGISNULL(4) && !PG_ARGISNULL(5))
	{
		f.nranges = INT_MAX;
		if (by_range)
			f.kinds = elements_of(fcinfo, 3, cxt, &f.nranges);
		f.first = elements_of(fcinfo, 4, cxt, &f.nranges);
		f.end = elements_of(fcinfo, 5, cxt, &f.nranges);
	}
	if (!PG_ARGISNULL(6))
		f.since = PG_GETARG_DATEADT(6);
	if (!PG_ARGISNULL(7))
		f.until = PG_GETARG_DATEADT(7);
	return f;
}

static Datum
add_delta(FunctionCallInfo fcinfo, bool by_range)
{
	MemoryContext cxt;
	CellSet    *set;

	if (!AggCheckCallContext(fcinfo, &cxt))
		elog(ERROR, "leadcrm.sum_deltas_trans was not called by an aggregate");
	if (PG_ARGISNULL(0))
	{
		MemoryContext old = MemoryContextSwitchTo(cxt);
		CellFilter	filter = filter_of(fcinfo, cxt, by_range);

		set = leadcrm_cells_make(&filter);
		MemoryContextSwitchTo(old);
	}
	else
		set = (CellSet *) PG_GETARG_POINTER(0);
	if (!PG_ARGISNULL(1))
	{
		bytea	   *changes = PG_GETARG_BYTEA_PP(1);

		leadcrm_cells_add(set, (const uint8 *) VARDATA_ANY(changes), VARSIZE_ANY_EXHDR(changes));
	}
	PG_RETURN_POINTER(set);
}

/*
 * Transition of leadcrm.sum_deltas(changes bytea [, cube, kind, first_codes, end_codes, since, until]).
 */
Datum
leadcrm_sum_deltas_trans(PG_FUNCTION_ARGS)
{
	return add_delta(fcinfo, false);
}

/*
 * Transition of leadcrm.sum_deltas_in(changes bytea, cube, kinds smallint[], first_codes, end_codes, since, until).
 */
Datum
leadcrm_sum_deltas_in_trans(PG_FUNCTION_ARGS)
{
	return add_delta(fcinfo, true);
}

typedef struct CellArray
{
	TupleDesc	desc;
	Datum	   *cells;
	int64		n;
} CellArray;

static void
put_into_array(void *arg, int cube, int kind, DateADT period, int64 code, const char *key, int key_len, const Sums *sums)
{
	CellArray  *array = arg;
	Datum		values[CELL_NATTS];
	bool		nulls[CELL_NATTS] = {false};

	cell_values(cube, kind, period, code, key, key_len, sums, values);
	array->cells[array->n++] = HeapTupleGetDatum(heap_form_tuple(array->desc, values, nulls));
}

/*
 * leadcrm.cell[] of a set; each cell is there once, none in which nothing changes.
 */
Datum
leadcrm_sum_deltas_final(PG_FUNCTION_ARGS)
{
	Oid			type = get_element_type(get_fn_expr_rettype(fcinfo->flinfo));
	CellArray	array = {0};
	CellSet    *set;
	ArrayType  *result;

	if (!OidIsValid(type))
		elog(ERROR, "leadcrm.sum_deltas does not know what it returns");
	if (PG_ARGISNULL(0))
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(type));
	set = (CellSet *) PG_GETARG_POINTER(0);
	array.desc = lookup_rowtype_tupdesc(type, -1);
	array.cells = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Datum) * Max(leadcrm_cells_number(set), 1));
	leadcrm_cells_visit(set, put_into_array, &array);
	ReleaseTupleDesc(array.desc);
	if (array.n > INT_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the deltas have too many cells to be added up at once")));
	result = construct_array(array.cells, (int) array.n, type, -1, false, TYPALIGN_DOUBLE);
	PG_RETURN_ARRAYTYPE_P(result);
}

typedef struct CellStore
{
	Tuplestorestate *store;
	TupleDesc	desc;
	MemoryContext row;
} CellStore;

static void
put_into_store(void *arg, int cube, int kind, DateADT period, int64 code, const char *key, int key_len, const Sums *sums)
{
	CellStore  *store = arg;
	MemoryContext old = MemoryContextSwitchTo(store->row);
	Datum		values[CELL_NATTS];
	bool		nulls[CELL_NATTS] = {false};

	cell_values(cube, kind, period, code, key, key_len, sums, values);
	tuplestore_putvalues(store->store, store->desc, values, nulls);
	MemoryContextSwitchTo(old);
	MemoryContextReset(store->row);
}

/* Counts every row of a table that its snapshot sees; a set that grows beyond maintenance_work_mem is handed over in between. */
static void
count_rows(Relation rel, const CubeShape *shape, CellStore *store)
{
	CellFilter	all = {.cube = -1, .kind = -1, .nranges = -1, .since = DATEVAL_NOBEGIN, .until = DATEVAL_NOEND};
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "leadcrm recount", ALLOCSET_DEFAULT_SIZES);
	/* some 100 bytes a cell; the table of them is half empty, and twice there while it grows */
	int64		room = Max((int64) maintenance_work_mem * 1024 / 400, 1000);
	struct pg_tz *zone = leadcrm_cube_zone(shape);
	CellSet    *set = leadcrm_cells_make(&all);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);
	MemoryContext old;
	Packer		packer;

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
			{
				leadcrm_cells_visit(set, put_into_store, store);
				leadcrm_cells_reset(set);
			}
		}
		MemoryContextReset(work);
	}
	leadcrm_cells_add(set, packer.writer.data, packer.writer.len);
	leadcrm_cells_visit(set, put_into_store, store);
	MemoryContextSwitchTo(old);
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
