/*
 * batch.c
 *		History rows that wait for the end of their statement, to be written many at a time.
 *
 * Rows go to the table page by page then, and its indexes are opened once.  A table qualifies (t->batched) where a
 * statement trigger of ours is sure to come: nothing else writes the rows.  A savepoint that is rolled back takes its rows
 * with it, so that each is written by the subtransaction that made it or, once that is committed, by its parent.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/tuptable.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"
#include "leadcrm.h"
#include "tracker/cache.h"
#include "tracker/tracker.h"

#define BATCH_ROWS 512
#define BATCH_BYTES (256 * 1024)

struct HistoryBatch
{
	Tracker    *t;				/* what the rows were formed by */
	TupleDesc	desc;			/* the history's shape then */
	HistoryForm *form;
	int			n;
	int			nslots;			/* made so far */
	Size		bytes;			/* of the values that have no fixed length */
	bool		writing;		/* rows made meanwhile must not come between */
	TupleTableSlot *slots[BATCH_ROWS];
	SubTransactionId subids[BATCH_ROWS];	/* never descending */
};

PG_FUNCTION_INFO_V1(leadcrm_write_history);
PG_FUNCTION_INFO_V1(leadcrm_is_unrecorded);

/* Batches that hold rows, the one begun last in front. */
static List *pending = NIL;		/* in TopMemoryContext */

static void
forget_all(void)
{
	ListCell   *lc;

	foreach(lc, pending)
	{
		HistoryBatch *b = lfirst(lc);

		b->n = 0;
		b->writing = false;
	}
	list_free(pending);
	pending = NIL;
}

static void
end_of_transaction(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PARALLEL_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			if (pending != NIL)
				ereport(ERROR,
						(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
						 errmsg("the history of \"%s\" was not written", get_rel_name(((HistoryBatch *) linitial(pending))->t->relid)),
						 errdetail("The trigger that writes it at the end of a statement did not fire."),
						 errhint("Don't switch session_replication_role inside a statement.")));
			break;
		default:
			forget_all();
			break;
	}
}

static void
end_of_subtransaction(SubXactEvent event, SubTransactionId subid, SubTransactionId parent, void *arg)
{
	ListCell   *lc;

	if (event != SUBXACT_EVENT_ABORT_SUB && event != SUBXACT_EVENT_COMMIT_SUB)
		return;
	foreach(lc, pending)
	{
		HistoryBatch *b = lfirst(lc);

		for (int i = b->n - 1; i >= 0 && b->subids[i] == subid; i--)
		{
			if (event == SUBXACT_EVENT_COMMIT_SUB)
				b->subids[i] = parent;
			else
				b->n = i;
		}
		if (event == SUBXACT_EVENT_ABORT_SUB)
			b->writing = false;
		if (b->n == 0)
			pending = foreach_delete_current(pending, lc);
	}
}

/*
 * Called once, when the module is loaded.
 */
void
leadcrm_batch_init(void)
{
	RegisterXactCallback(end_of_transaction, NULL);
	RegisterSubXactCallback(end_of_subtransaction, NULL);
}

/* The first of a batch's rows that the current subtransaction has made. */
static int
first_own(const HistoryBatch *b)
{
	SubTransactionId subid = GetCurrentSubTransactionId();
	int			first = b->n;

	while (first > 0 && b->subids[first - 1] == subid)
		first--;
	return first;
}

/* The columns of a waiting row, HIST_NCOLUMNS of them; what has no fixed length points into the slot. */
static void
read_slot(const HistoryBatch *b, TupleTableSlot *slot, Datum *values, bool *nulls)
{
	for (int i = 0; i < HIST_NCOLUMNS; i++)
		values[i] = slot_getattr(slot, b->t->hist_att[i], &nulls[i]);
}

/* The history or its indexes have changed since the rows were taken down. */
static void
write_anew(HistoryBatch *b, int first, Tracker *t)
{
	HistoryWriter *w = leadcrm_history_begin(t, 0);	/* each row says when */

	for (int i = first; i < b->n; i++)
	{
		Datum		values[HIST_NCOLUMNS];
		bool		nulls[HIST_NCOLUMNS];

		read_slot(b, b->slots[i], values, nulls);
		leadcrm_history_write_values(w, values, nulls);
	}
	leadcrm_history_end(w);
}

static void
write_rows(HistoryBatch *b, int first)
{
	Tracker    *t = b->t;
	Relation	hist = leadcrm_history_open(&t);

	b->writing = true;
	if (t == b->t)
	{
		Relation   *indexes = leadcrm_history_open_indexes(t);

		table_multi_insert(hist, b->slots + first, b->n - first, GetCurrentCommandId(true), 0, NULL);
		for (int i = first; i < b->n; i++)
			leadcrm_history_insert_index_entries(t, hist, indexes, b->slots[i]);
		leadcrm_history_close_indexes(t, indexes);
	}
	else
		write_anew(b, first, t);
	table_close(hist, NoLock);

	for (int i = first; i < b->n; i++)
		ExecClearTuple(b->slots[i]);
	b->n = first;
	b->bytes = 0;
	b->writing = false;
}

/*
 * Writes the rows that wait and were made by the current subtransaction; its parents' wait on.
 */
void
leadcrm_batch_flush(void)
{
	/* what somebody's trigger on a history does may add batches */
	for (int i = 0; i < list_length(pending);)
	{
		HistoryBatch *b = list_nth(pending, i);
		int			first = first_own(b);

		if (first == b->n || b->writing)
		{
			i++;
			continue;
		}
		write_rows(b, first);
		if (b->n == 0)
			pending = list_delete_ptr(pending, b);
		i = 0;
	}
}

static HistoryBatch *
make_batch(Tracker *t, Relation hist)
{
	MemoryContext old = MemoryContextSwitchTo(t->cxt);
	HistoryBatch *b = palloc0(sizeof(HistoryBatch));

	b->t = t;
	/* a copy that nobody counts references of: it stays when the relation is closed */
	b->desc = CreateTupleDescCopy(RelationGetDescr(hist));
	b->form = leadcrm_form_make(t, b->desc);
	MemoryContextSwitchTo(old);
	return b;
}

static TupleTableSlot *
next_slot(HistoryBatch *b)
{
	if (b->n == b->nslots)
	{
		MemoryContext old = MemoryContextSwitchTo(b->t->cxt);

		b->slots[b->nslots] = MakeSingleTupleTableSlot(b->desc, b->t->hist_slot_ops);
		b->nslots++;
		MemoryContextSwitchTo(old);
	}
	return b->slots[b->n];
}

/*
 * Lets a row wait for the end of its statement: values of HIST_NCOLUMNS columns, which are copied.  False where it must be
 * written at once.  *t is renewed where the wait for the history's lock let a change of the table through.
 */
bool
leadcrm_batch_put(Tracker **t, const Datum *values, const bool *nulls)
{
	HistoryBatch *b;
	TupleTableSlot *slot;

	if (!(*t)->batched)
		return false;
	b = (*t)->batch;
	if (b && (b->n == BATCH_ROWS || b->bytes >= BATCH_BYTES))
	{
		leadcrm_batch_flush();
		if (b->n == BATCH_ROWS)
			return false;		/* all of them a parent's */
	}
	if (b && b->writing)
		return false;
	if (b == NULL || b->n == 0)
	{
		/* from here on nobody else can change the history's shape */
		Relation	hist = leadcrm_history_open(t);
		MemoryContext old;

		if ((*t)->batched && (*t)->batch == NULL)
			(*t)->batch = make_batch(*t, hist);
		table_close(hist, NoLock);
		if (!(*t)->batched)
			return false;
		b = (*t)->batch;
		old = MemoryContextSwitchTo(TopMemoryContext);
		if (b->n == 0)
			pending = lcons(b, pending);
		MemoryContextSwitchTo(old);
	}

	slot = next_slot(b);
	leadcrm_form_row(b->form, slot, values, nulls);
	b->subids[b->n++] = GetCurrentSubTransactionId();
	if (!nulls[HIST_REASON])
		b->bytes += toast_raw_datum_size(values[HIST_REASON]);
	if ((*t)->key_len == -1)
		b->bytes += toast_raw_datum_size(values[HIST_KEY]);
	return true;
}

/*
 * Raises *seq to the number of a key's last row among those that wait, if that is greater and not above "limit"; *alive says
 * then whether it leaves the key in a state.
 */
void
leadcrm_batch_last_seq(const Tracker *t, Datum key, int32 limit, int32 *seq, bool *alive)
{
	ListCell   *lc;

	foreach(lc, pending)
	{
		HistoryBatch *b = lfirst(lc);

		if (b->t->history != t->history)
			continue;
		for (int i = 0; i < b->n; i++)
		{
			Datum		values[HIST_NCOLUMNS];
			bool		nulls[HIST_NCOLUMNS];
			int32		found;

			read_slot(b, b->slots[i], values, nulls);
			found = DatumGetInt32(values[HIST_SEQ]);
			if (found <= *seq || found > limit || !leadcrm_key_same(t, values[HIST_KEY], key))
				continue;
			*seq = found;
			*alive = !nulls[HIST_TO];
		}
	}
}

/*
 * leadcrm.write_history(): AFTER INSERT OR UPDATE OR DELETE FOR EACH STATEMENT.
 */
Datum
leadcrm_write_history(PG_FUNCTION_ARGS)
{
	leadcrm_check_trigger(fcinfo, "write_history", TRIGGER_EVENT_AFTER, false);
	leadcrm_batch_flush();
	return PointerGetDatum(NULL);
}

/*
 * leadcrm.is_unrecorded(state_column name, tableoid oid, ctid tid): in the condition of AFTER UPDATE triggers that an earlier version
 * made for each row.  They record all changes.
 */
Datum
leadcrm_is_unrecorded(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(true);
}
