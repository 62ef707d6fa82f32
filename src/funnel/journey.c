/*
 * journey.c
 *		What a history says of one thing: the aggregate leadcrm.journey(seq, from_state, to_state, since, changed_at, corrects, happened,
 *		known), over all rows of the thing's history in any order.
 *
 * A change counts where it had happened and was known, no correction that was known voids it, and the thing was not deleted after it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"

PG_FUNCTION_INFO_V1(leadcrm_journey_step);
PG_FUNCTION_INFO_V1(leadcrm_journey_result);

#define JOURNEY_NATTS 7

typedef struct Label
{
	Oid			oid;
	float4		order;
} Label;

/* The labels of the states' enum. */
typedef struct Labels
{
	int			n;
	Label		label[FLEXIBLE_ARRAY_MEMBER];
} Labels;

typedef struct Step
{
	int32		seq;
	int32		corrects;		/* 0: nothing */
	int			from;			/* rank of the state, from 1; 0: none */
	int			to;
	bool		happened;
	bool		known;
	bool		has_since;
	TimestampTz since;
	TimestampTz at;
} Step;

typedef struct Journey
{
	int			nlabels;
	int			n;
	int			room;
	Step	   *steps;
} Journey;

static int
by_order(const void *a, const void *b)
{
	float4		x = ((const Label *) a)->order;
	float4		y = ((const Label *) b)->order;

	return (x > y) - (x < y);
}

/* Looked up once a query, and kept in its memory. */
static const Labels *
labels_of(FunctionCallInfo fcinfo)
{
	Oid			type;
	CatCList   *list;
	Labels	   *labels;

	if (fcinfo->flinfo->fn_extra != NULL)
		return fcinfo->flinfo->fn_extra;
	type = get_fn_expr_argtype(fcinfo->flinfo, 2);
	if (!OidIsValid(type) || !type_is_enum(type))
		elog(ERROR, "leadcrm.journey does not know the type of its states");
	list = SearchSysCacheList1(ENUMTYPOIDNAME, ObjectIdGetDatum(type));
	labels = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, offsetof(Labels, label) + sizeof(Label) * Max(list->n_members, 1));
	labels->n = list->n_members;
	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_enum label = (Form_pg_enum) GETSTRUCT(&list->members[i]->tuple);

		labels->label[i].oid = label->oid;
		labels->label[i].order = label->enumsortorder;
	}
	ReleaseCatCacheList(list);
	qsort(labels->label, labels->n, sizeof(Label), by_order);
	fcinfo->flinfo->fn_extra = labels;
	return labels;
}

static int
rank_of(const Labels *labels, FunctionCallInfo fcinfo, int arg)
{
	if (PG_ARGISNULL(arg))
		return 0;
	for (int i = 0; i < labels->n; i++)
		if (labels->label[i].oid == PG_GETARG_OID(arg))
			return i + 1;
	elog(ERROR, "leadcrm.journey does not know the state %u", PG_GETARG_OID(arg));
}

/*
 * leadcrm.journey_step(internal, seq integer, from_state anyenum, to_state anyenum, since timestamptz, changed_at timestamptz,
 * corrects integer, happened boolean, known boolean) returns internal.  A row without seq or changed_at is none; happened and known
 * that are NULL are false.
 */
Datum
leadcrm_journey_step(PG_FUNCTION_ARGS)
{
	MemoryContext cxt;
	const Labels *labels = labels_of(fcinfo);
	Journey    *j;
	Step	   *step;

	if (!AggCheckCallContext(fcinfo, &cxt))
		elog(ERROR, "leadcrm.journey_step was not called by an aggregate");
	if (PG_ARGISNULL(0))
	{
		j = MemoryContextAlloc(cxt, sizeof(Journey));
		j->nlabels = labels->n;
		j->n = 0;
		j->room = 4;
		j->steps = MemoryContextAlloc(cxt, sizeof(Step) * j->room);
	}
	else
		j = (Journey *) PG_GETARG_POINTER(0);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(5))
		PG_RETURN_POINTER(j);
	if (j->n == j->room)
	{
		j->room *= 2;
		j->steps = repalloc_huge(j->steps, sizeof(Step) * j->room);
	}
	step = &j->steps[j->n++];
	step->seq = PG_GETARG_INT32(1);
	step->from = rank_of(labels, fcinfo, 2);
	step->to = rank_of(labels, fcinfo, 3);
	step->has_since = !PG_ARGISNULL(4);
	step->since = step->has_since ? PG_GETARG_TIMESTAMPTZ(4) : 0;
	step->at = PG_GETARG_TIMESTAMPTZ(5);
	step->corrects = PG_ARGISNULL(6) ? 0 : PG_GETARG_INT32(6);
	step->happened = !PG_ARGISNULL(7) && PG_GETARG_BOOL(7);
	step->known = !PG_ARGISNULL(8) && PG_GETARG_BOOL(8);
	PG_RETURN_POINTER(j);
}

static int
by_seq(const void *a, const void *b)
{
	int32		x = ((const Step *) a)->seq;
	int32		y = ((const Step *) b)->seq;

	return (x > y) - (x < y);
}

/* Few rows of a history are corrections. */
static bool
is_void(const Journey *j, int32 seq)
{
	for (int i = 0; i < j->n; i++)
		if (j->steps[i].corrects == seq && j->steps[i].known)
			return true;
	return false;
}

/*
 * leadcrm.journey_result(internal, ...) returns leadcrm.journey: see its type.
 */
Datum
leadcrm_journey_result(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Journey    *j;
	Datum		values[JOURNEY_NATTS];
	bool		nulls[JOURNEY_NATTS] = {false};
	Datum	   *entered;
	bool	   *never;
	int			dims[1];
	int			lower[1] = {1};
	int			deleted = -1;	/* the last row of a deletion that counts */
	int			last = -1;
	int			peak = 0;
	bool		corrected = false;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	j = (Journey *) PG_GETARG_POINTER(0);
	if (j->n == 0)
		PG_RETURN_NULL();
	/* looked up once a query */
	desc = fcinfo->flinfo->fn_extra;
	if (desc == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "leadcrm.journey does not know what it returns");
		desc = BlessTupleDesc(CreateTupleDescCopy(desc));
		fcinfo->flinfo->fn_extra = desc;
		MemoryContextSwitchTo(old);
	}
	if (j->n > 1)
		qsort(j->steps, j->n, sizeof(Step), by_seq);
	for (int i = 0; i < j->n; i++)
	{
		if (j->steps[i].to == 0 && j->steps[i].happened && j->steps[i].known)
			deleted = i;
		corrected |= j->steps[i].corrects != 0;
	}
	entered = palloc(sizeof(Datum) * Max(j->nlabels, 1));
	never = palloc(sizeof(bool) * Max(j->nlabels, 1));
	memset(never, true, sizeof(bool) * j->nlabels);
	for (int i = deleted + 1; i < j->n; i++)
	{
		const Step *s = &j->steps[i];

		if (s->corrects != 0 || !s->happened || !s->known || (corrected && is_void(j, s->seq)))
			continue;
		last = i;
		peak = Max(peak, s->to);
		if (never[s->to - 1])
		{
			never[s->to - 1] = false;
			entered[s->to - 1] = TimestampTzGetDatum(s->at);
		}
	}

	values[0] = BoolGetDatum(j->steps[0].seq == 1 && j->steps[0].from == 0);
	values[1] = Int32GetDatum(j->steps[0].from);
	nulls[1] = j->steps[0].from == 0;
	values[2] = TimestampTzGetDatum(j->steps[0].since);
	nulls[2] = !j->steps[0].has_since;
	values[3] = last < 0 ? (Datum) 0 : Int32GetDatum(j->steps[last].to);
	values[4] = last < 0 ? (Datum) 0 : TimestampTzGetDatum(j->steps[last].at);
	values[5] = Int32GetDatum(peak);
	dims[0] = j->nlabels;
	values[6] = last < 0 ? (Datum) 0 : PointerGetDatum(construct_md_array(entered, never, 1, dims, lower, TIMESTAMPTZOID, sizeof(TimestampTz),
																		   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	for (int i = 3; i < JOURNEY_NATTS; i++)
		nulls[i] = last < 0;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}
