/*
 * fill.c
 *		Puts the companions' values into a row that the guard lets pass.
 *
 * Companions are mostly a table's last columns, as track() has added them.  So the new tuple is the old one, byte for byte, up
 * to the first column that changes; what comes after it is moved value by value.  heap_form_tuple() would go over all of the
 * row twice.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tupmacs.h"
#include "executor/tuptable.h"
#include "utils/datum.h"

#include "compat.h"
#include "tracker/tracker.h"

/*
 * Adds a column's value, of fixed length unless it is NULL, to those to be put into a row.
 */
void
leadcrm_fill(Fill *f, AttrNumber att, Datum value, bool isnull)
{
	Assert(f->n < lengthof(f->cols));
	f->cols[f->n] = att;
	f->values[f->n] = value;
	f->nulls[f->n++] = isnull;
}

/* Which of the values is for a column (counted from 0); -1: none. */
static inline int
value_for(const Fill *f, int col)
{
	for (int k = 0; k < f->n; k++)
		if (f->cols[k] == col + 1)
			return k;
	return -1;
}

/* Whether a tuple has room for all columns in its null bitmap, and a header that stays right whatever is put in. */
static bool
can_splice(HeapTuple tuple, TupleDesc desc)
{
	return HeapTupleHasNulls(tuple) && !HeapTupleHasExternal(tuple) && HeapTupleHeaderGetNatts(tuple->t_data) == desc->natts;
}

static HeapTuple
spliced(HeapTuple tuple, TupleDesc desc, const Fill *f)
{
	HeapTupleHeader from = tuple->t_data;
	const char *there = (char *) from + from->t_hoff;	/* its values */
	int			first = desc->natts;
	uint32		end = 0;		/* of what has been read */
	uint32		offset;			/* of what has been written */
	HeapTuple	result;
	HeapTupleHeader header;
	char	   *data;

	for (int k = 0; k < f->n; k++)
		first = Min(first, f->cols[k] - 1);
	for (int i = 0; i < first; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att_isnull(i, from->t_bits))
			continue;
		end = att_align_pointer(end, att->attalign, att->attlen, there + end);
		end = att_addlength_pointer(end, att->attlen, there + end);
	}

	/* a value that moves may need more padding, one that is put in is a Datum at most */
	result = palloc(HEAPTUPLESIZE + tuple->t_len + (desc->natts - first) * 2 * MAXIMUM_ALIGNOF);
	header = (HeapTupleHeader) ((char *) result + HEAPTUPLESIZE);
	memcpy(header, from, from->t_hoff + end);
	header->t_infomask &= HEAP_HASNULL | HEAP_HASVARWIDTH;
	header->t_infomask2 = desc->natts;

	data = (char *) header + header->t_hoff;
	offset = end;
	for (int i = first; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		int			k = value_for(f, i);
		bool		isnull = att_isnull(i, from->t_bits);
		const char *value = NULL;	/* as it stands in the old tuple */
		uint32		start;
		uint32		len = 0;

		if (!isnull)
		{
			start = att_align_pointer(end, att->attalign, att->attlen, there + end);
			value = there + start;
			end = att_addlength_pointer(start, att->attlen, value);
			len = end - start;
		}
		if (k >= 0)
		{
			isnull = f->nulls[k];
			if (isnull)
				header->t_bits[i >> 3] &= ~(1 << (i & 7));
			else
				header->t_bits[i >> 3] |= 1 << (i & 7);
		}
		if (isnull)
			continue;

		start = k >= 0 ? att_align_nominal(offset, att->attalign) :
			att_align_datum(offset, att->attalign, att->attlen, PointerGetDatum(value));
		memset(data + offset, 0, start - offset);
		if (k < 0)
			memcpy(data + start, value, len);
		else if (att->attbyval)
			store_att_byval(data + start, f->values[k], att->attlen);
		else
			memcpy(data + start, DatumGetPointer(f->values[k]), att->attlen);
		offset = start + (k < 0 ? len : att->attlen);
	}
	result->t_len = header->t_hoff + offset;
	result->t_data = header;
	HeapTupleHeaderSetDatumLength(header, result->t_len);
	HeapTupleHeaderSetTypeId(header, desc->tdtypeid);
	HeapTupleHeaderSetTypMod(header, desc->tdtypmod);
	return result;
}

static HeapTuple
formed(TupleTableSlot *slot, TupleDesc desc, const Fill *f)
{
	Datum	   *values = palloc((sizeof(Datum) + sizeof(bool)) * desc->natts);
	bool	   *isnull = (bool *) (values + desc->natts);
	HeapTuple	result;

	/* most of it has been taken apart already, which heap_modify_tuple_by_cols() would do once more */
	slot_getallattrs(slot);
	memcpy(values, slot->tts_values, sizeof(Datum) * desc->natts);
	memcpy(isnull, slot->tts_isnull, sizeof(bool) * desc->natts);
	for (int k = 0; k < f->n; k++)
	{
		values[f->cols[k] - 1] = f->values[k];
		isnull[f->cols[k] - 1] = f->nulls[k];
	}
	result = heap_form_tuple(desc, values, isnull);
	pfree(values);
	return result;
}

#ifdef USE_ASSERT_CHECKING
static bool
same_row(TupleDesc desc, HeapTuple a, HeapTuple b)
{
	for (int i = 1; i <= desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i - 1);
		bool		anull;
		bool		bnull;
		Datum		avalue = heap_getattr(a, i, desc, &anull);
		Datum		bvalue = heap_getattr(b, i, desc, &bnull);

		if (anull != bnull || (!anull && !datum_image_eq(avalue, bvalue, att->attbyval, att->attlen)))
			return false;
	}
	return a->t_len == b->t_len || !HeapTupleHasNulls(b);
}
#endif

/*
 * A row, which stands in "slot" too, with those values in it, palloc'ed; everything else stays.
 */
HeapTuple
leadcrm_filled(HeapTuple tuple, TupleTableSlot *slot, TupleDesc desc, const Fill *f)
{
	HeapTuple	result = can_splice(tuple, desc) ? spliced(tuple, desc, f) : formed(slot, desc, f);

	Assert(same_row(desc, result, formed(slot, desc, f)));
	result->t_data->t_ctid = tuple->t_data->t_ctid;
	result->t_self = tuple->t_self;
	result->t_tableOid = tuple->t_tableOid;
	return result;
}
