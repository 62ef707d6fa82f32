/*
 * sum_deltas.c
 *		The aggregates that add up deltas, to cells.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "compat.h"
#include "cube/cube.h"

PG_FUNCTION_INFO_V1(leadcrm_sum_deltas_trans);
PG_FUNCTION_INFO_V1(leadcrm_sum_deltas_in_trans);
PG_FUNCTION_INFO_V1(leadcrm_sum_deltas_final);

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
	const CellSet *set;
	TupleDesc	desc;
	Datum	   *cells;
	int64		n;
} CellArray;

static void
put_into_array(void *arg, const CellView *cell)
{
	CellArray  *array = arg;
	Datum		values[CELL_NATTS];
	bool		nulls[CELL_NATTS] = {false};

	leadcrm_cell_values(array->set, cell, values);
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
	array.set = set;
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
