/*
 * form.c
 *		Forms the tuples of history rows, mostly by copying one that was formed before.
 *
 * The rows of a statement differ in their key, numbers and times, which stand at the same places as long as the same columns
 * are NULL and texts (roles, actor, origin, reason) are the same.  heap_form_tuple() would look at each of them twice.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tupmacs.h"
#include "executor/tuptable.h"

#include "compat.h"
#include "tracker/tracker.h"

/* Births and later steps alternate in a backfill. */
#define PATTERNS 2
/* A long reason is not kept beyond its row. */
#define PATTERN_BYTES 2048

typedef struct Pattern
{
	HeapTuple	tuple;			/* NULL: none */
	bool		nulls[HIST_NCOLUMNS];
	char	   *places[HIST_NCOLUMNS];	/* in the tuple, of columns that are not NULL */
} Pattern;

struct HistoryForm
{
	MemoryContext cxt;
	TupleDesc	desc;
	AttrNumber	atts[HIST_NCOLUMNS];
	int16		lens[HIST_NCOLUMNS];
	bool		byvals[HIST_NCOLUMNS];
	int			recent;			/* the pattern used last */
	Pattern		patterns[PATTERNS];
	Datum	   *values;			/* of a whole row; the tracker knows no other columns: they are NULL */
	bool	   *isnull;
};

/*
 * What forms rows of the shape "desc", which must live as long, in the current memory context.
 */
HistoryForm *
leadcrm_form_make(const Tracker *t, TupleDesc desc)
{
	HistoryForm *f = palloc0(sizeof(HistoryForm));

	f->cxt = CurrentMemoryContext;
	f->desc = desc;
	f->values = palloc0(sizeof(Datum) * desc->natts);
	f->isnull = palloc(sizeof(bool) * desc->natts);
	memset(f->isnull, true, sizeof(bool) * desc->natts);
	for (int i = 0; i < HIST_NCOLUMNS; i++)
	{
		f->atts[i] = t->hist_att[i];
		f->lens[i] = TupleDescAttr(desc, t->hist_att[i] - 1)->attlen;
		f->byvals[i] = TupleDescAttr(desc, t->hist_att[i] - 1)->attbyval;
	}
	return f;
}

/* Whether a value of variable length is what stands in a tuple, both as they are. */
static inline bool
same_bytes(const char *place, const char *value)
{
	if (VARATT_IS_EXTERNAL(value) || VARATT_IS_COMPRESSED(value) || VARATT_IS_EXTERNAL(place) || VARATT_IS_COMPRESSED(place))
		return false;
	return VARSIZE_ANY_EXHDR(place) == VARSIZE_ANY_EXHDR(value) &&
		memcmp(VARDATA_ANY(place), VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)) == 0;
}

static bool
fits(const HistoryForm *f, const Pattern *p, const Datum *values, const bool *nulls)
{
	if (p->tuple == NULL || memcmp(p->nulls, nulls, sizeof(p->nulls)) != 0)
		return false;
	for (int i = 0; i < HIST_NCOLUMNS; i++)
		if (f->lens[i] < 0 && !nulls[i] && (f->lens[i] != -1 || !same_bytes(p->places[i], DatumGetPointer(values[i]))))
			return false;
	return true;
}

/* Puts the values of fixed length into their places. */
static void
patch(const HistoryForm *f, Pattern *p, const Datum *values, const bool *nulls)
{
	for (int i = 0; i < HIST_NCOLUMNS; i++)
	{
		if (nulls[i] || f->lens[i] < 0)
			continue;
		if (f->byvals[i])
			store_att_byval(p->places[i], values[i], f->lens[i]);
		else
			memcpy(p->places[i], DatumGetPointer(values[i]), f->lens[i]);
	}
}

static void
find_places(const HistoryForm *f, Pattern *p)
{
	char	   *data = (char *) p->tuple->t_data + p->tuple->t_data->t_hoff;
	uint32		offset = 0;

	for (int i = 0; i < f->desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(f->desc, i);

		if (f->isnull[i])
			continue;
		offset = att_align_pointer(offset, att->attalign, att->attlen, data + offset);
		for (int k = 0; k < HIST_NCOLUMNS; k++)
			if (f->atts[k] == i + 1)
				p->places[k] = data + offset;
		offset = att_addlength_pointer(offset, att->attlen, data + offset);
	}
}

static void
set_values(HistoryForm *f, const Datum *values, const bool *nulls)
{
	for (int i = 0; i < HIST_NCOLUMNS; i++)
	{
		f->values[f->atts[i] - 1] = values[i];
		f->isnull[f->atts[i] - 1] = nulls[i];
	}
}

static void
discard(Pattern *p)
{
	if (p->tuple)
		heap_freetuple(p->tuple);
	p->tuple = NULL;
}

#ifdef USE_ASSERT_CHECKING
static bool
same_as_formed(HistoryForm *f, const Pattern *p, const Datum *values, const bool *nulls)
{
	HeapTuple	formed;
	int			hoff = p->tuple->t_data->t_hoff;

	set_values(f, values, nulls);
	formed = heap_form_tuple(f->desc, f->values, f->isnull);
	return formed->t_len == p->tuple->t_len &&
		memcmp((char *) formed->t_data + hoff, (char *) p->tuple->t_data + hoff, formed->t_len - hoff) == 0;
}
#endif

static void
form(HistoryForm *f, Pattern *p, const Datum *values, const bool *nulls)
{
	MemoryContext old = MemoryContextSwitchTo(f->cxt);

	discard(p);
	set_values(f, values, nulls);
	p->tuple = heap_form_tuple(f->desc, f->values, f->isnull);
	MemoryContextSwitchTo(old);
	memcpy(p->nulls, nulls, sizeof(p->nulls));
	find_places(f, p);
}

/*
 * Puts a row, values of HIST_NCOLUMNS columns, into a slot of the history's shape, as a copy.
 */
void
leadcrm_form_row(HistoryForm *f, TupleTableSlot *slot, const Datum *values, const bool *nulls)
{
	Pattern    *p = &f->patterns[f->recent];

	if (!fits(f, p, values, nulls))
	{
		f->recent = (f->recent + 1) % PATTERNS;
		p = &f->patterns[f->recent];
		if (!fits(f, p, values, nulls))
			form(f, p, values, nulls);
	}
	patch(f, p, values, nulls);
	Assert(same_as_formed(f, p, values, nulls));
	ExecForceStoreHeapTuple(p->tuple, slot, false);
	ExecMaterializeSlot(slot);	/* a copy, whatever kind of slot it is */
	if (p->tuple->t_len > PATTERN_BYTES)
		discard(p);
}
