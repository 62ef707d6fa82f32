/*
 * awaited.c
 *		UPDATEs that are recorded when their statement ends, off the versions of the row that it left.
 *
 * A plain table has no AFTER UPDATE trigger for each row, which would have PostgreSQL fetch every old version once more: the
 * guard itself takes down what nothing can spoil any more.  Of all the rest it only keeps in mind which version of the row was to
 * be updated, and the statement's trigger looks up what became of it: rows that a later BEFORE trigger has seen, corrections,
 * and changes that are logged instead of refused.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "executor/tuptable.h"
#include "storage/bufmgr.h"
#include "storage/itemptr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "tracker/cache.h"
#include "tracker/tracker.h"

/* The version of a row that a statement set out to update, and the column whose history is concerned. No padding: it is hashed. */
typedef struct AwaitedKey
{
	Oid			relid;
	ItemPointerData tid;
	AttrNumber	column;
} AwaitedKey;

StaticAssertDecl(sizeof(AwaitedKey) == sizeof(Oid) + sizeof(ItemPointerData) + sizeof(AttrNumber), "AwaitedKey is hashed as bytes");

typedef struct Awaited
{
	AwaitedKey	key;
	Oid			storage;		/* where "tid" is: the table may be rewritten */
	SubTransactionId subid;		/* the outermost that set out to update it */
	bool		swallowed;		/* the statement that set out has ended, and did not */
	char		status;
} Awaited;

#define SH_PREFIX awaited
#define SH_ELEMENT_TYPE Awaited
#define SH_KEY_TYPE AwaitedKey
#define SH_KEY key
#define SH_HASH_KEY(tb, k) hash_bytes((const unsigned char *) &(k), sizeof(AwaitedKey))
#define SH_EQUAL(tb, a, b) (memcmp(&(a), &(b), sizeof(AwaitedKey)) == 0)
#define SH_SCOPE static inline
#define SH_DEFINE
#define SH_DECLARE
#include "lib/simplehash.h"

static awaited_hash *awaited = NULL;	/* in TopTransactionContext */
static SubTransactionId innermost;	/* none has set out later */

static AwaitedKey
key_of(const Tracker *t, ItemPointer tid)
{
	AwaitedKey	key;

	key.relid = t->relid;
	key.tid = *tid;
	key.column = t->state_att;
	return key;
}

/*
 * The row version at "tid" is about to be updated: t's column is recorded when the statement ends.  Error 55000 where no trigger
 * would come then.
 */
void
leadcrm_await_update(const Tracker *t, Relation rel, ItemPointer tid)
{
	bool		found;
	Awaited    *entry;

	if (!t->ends)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("an UPDATE of table \"%s\" can't be recorded in the history of \"%s\"", get_rel_name(t->relid), t->column),
				 errdetail("It must be recorded when the statement ends, but the triggers of leadcrm don't fire all alike then."),
				 errhint("Call leadcrm.verify(), which says which of them is disabled or missing, or leadcrm.retrack().")));
	if (awaited == NULL)
		awaited = awaited_create(TopTransactionContext, 256, NULL);
	entry = awaited_insert(awaited, key_of(t, tid), &found);
	/* set out by a statement around, too: who rolls back the inner one goes on to update it */
	if (!found)
		entry->subid = innermost = GetCurrentSubTransactionId();
	entry->storage = rel->rd_rel->relfilenode;
	entry->swallowed = false;
}

/*
 * The change of t's column in the row version at "tid" needs no recording any more: that a trigger swallowed an earlier one of it
 * does not count.
 */
void
leadcrm_await_no_longer(const Tracker *t, ItemPointer tid)
{
	if (unlikely(awaited != NULL && awaited->members > 0))
		awaited_delete(awaited, key_of(t, tid));
}

/* Finds the row version at "tid", whoever sees it: in the memory that a slot has for it, on a page that stays pinned. */
static HeapTuple
fetch_version(Relation rel, ItemPointer tid, TupleTableSlot *slot, Buffer *buffer)
{
	HeapTuple	tuple = &((BufferHeapTupleTableSlot *) slot)->base.tupdata;

	ExecClearTuple(slot);
	tuple->t_self = *tid;
	return heap_fetch(rel, SnapshotAny, tuple, buffer, false) ? tuple : NULL;
}

/*
 * What the current transaction has made of a row version: false if it was not updated, as a BEFORE trigger swallowed the row, or
 * is yet to be.
 */
static bool
find_update(Relation rel, ItemPointer tid, TupleTableSlot *old, TupleTableSlot *new)
{
	HeapTuple	tuple;
	Buffer		buffer;
	ItemPointerData next;
	TransactionId updater = InvalidTransactionId;

	tuple = fetch_version(rel, tid, old, &buffer);
	if (tuple == NULL)
		return false;
	/* others may lock the row meanwhile, which changes what its header says */
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	if (!(tuple->t_data->t_infomask & HEAP_XMAX_INVALID) && !HEAP_XMAX_IS_LOCKED_ONLY(tuple->t_data->t_infomask) &&
		!HeapTupleHeaderIndicatesMovedPartitions(tuple->t_data))
		updater = HeapTupleHeaderGetUpdateXid(tuple->t_data);
	next = tuple->t_data->t_ctid;
	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	/* what a savepoint that was rolled back has made of it does not count; deleted, it points to itself */
	if (!TransactionIdIsValid(updater) || !TransactionIdIsCurrentTransactionId(updater) || ItemPointerEquals(&next, tid))
	{
		ReleaseBuffer(buffer);
		return false;
	}
	ExecStorePinnedBufferHeapTuple(tuple, old, buffer);

	tuple = fetch_version(rel, &next, new, &buffer);
	if (tuple == NULL || !TransactionIdEquals(HeapTupleHeaderGetRawXmin(tuple->t_data), updater))
		elog(ERROR, "could not find the new version of an updated row of \"%s\"", RelationGetRelationName(rel));
	ExecStorePinnedBufferHeapTuple(tuple, new, buffer);
	return true;
}

static int
by_key(const void *a, const void *b)
{
	AwaitedKey	x = *(const AwaitedKey *) a;
	AwaitedKey	y = *(const AwaitedKey *) b;

	if (x.relid != y.relid)
		return x.relid < y.relid ? -1 : 1;
	if (x.column != y.column)
		return x.column < y.column ? -1 : 1;
	return ItemPointerCompare(&x.tid, &y.tid);
}

/* Records the updates of one column of one relation. */
static void
record_column(const AwaitedKey *keys, int n, bool outermost)
{
	Relation	rel = table_open(keys[0].relid, NoLock);	/* the statement's own lock is held */
	char	   *column = get_attname(keys[0].relid, keys[0].column, false);
	TupleTableSlot *old = table_slot_create(rel, NULL);
	TupleTableSlot *new = table_slot_create(rel, NULL);
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "leadcrm awaited update", ALLOCSET_SMALL_SIZES);
	MemoryContext save = MemoryContextSwitchTo(cxt);
	Tracker    *t = NULL;

	for (int i = 0; i < n; i++)
	{
		AwaitedKey	key = keys[i];
		Awaited    *entry = awaited_lookup(awaited, key);

		/* an inner statement may have recorded it */
		if (entry == NULL)
			continue;
		if (find_update(rel, &key.tid, old, new))
		{
			awaited_delete(awaited, key);
			if (t == NULL || !leadcrm_tracker_is_current(t))
				t = leadcrm_tracker_for_column(rel, column);
			leadcrm_record_update(rel, t, old, new);
		}
		else if (outermost)
			entry->swallowed = true;	/* else the statement around may be about to store it */
		MemoryContextReset(cxt);
	}
	MemoryContextSwitchTo(save);
	MemoryContextDelete(cxt);
	ExecDropSingleTupleTableSlot(old);
	ExecDropSingleTupleTableSlot(new);
	table_close(rel, NoLock);
}

/*
 * Records the updates that wait and were set out by the current subtransaction; its parents' wait on.  Errors: those of
 * leadcrm_record_update().
 */
void
leadcrm_record_awaited(void)
{
	SubTransactionId subid = GetCurrentSubTransactionId();
	bool		outermost = leadcrm_trigger_depth() == 1;
	awaited_iterator it;
	Awaited    *entry;
	AwaitedKey *keys;
	int			n = 0;

	if (likely(awaited == NULL || awaited->members == 0) || subid > innermost)
		return;
	/* what recording calls may add some */
	keys = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(AwaitedKey) * awaited->members);
	awaited_start_iterate(awaited, &it);
	while ((entry = awaited_iterate(awaited, &it)) != NULL)
		if (entry->subid == subid && !entry->swallowed)
			keys[n++] = entry->key;
	qsort(keys, n, sizeof(AwaitedKey), by_key);
	for (int first = 0, next; first < n; first = next)
	{
		for (next = first + 1; next < n && keys[next].relid == keys[first].relid && keys[next].column == keys[first].column;)
			next++;
		record_column(keys + first, next - first, outermost);
	}
	pfree(keys);
}

/*
 * At the end of the transaction: a relation with an update that no statement's trigger has recorded, or InvalidOid.  Where it seemed
 * swallowed, it was made all the same: by a statement around whose checks of the row have run others.
 */
Oid
leadcrm_awaited_left(void)
{
	Oid			left = InvalidOid;
	awaited_iterator it;
	Awaited    *entry;

	if (awaited == NULL || awaited->members == 0)
		return InvalidOid;
	awaited_start_iterate(awaited, &it);
	while (!OidIsValid(left) && (entry = awaited_iterate(awaited, &it)) != NULL)
	{
		Relation	rel = try_table_open(entry->key.relid, AccessShareLock);
		TupleTableSlot *old;
		TupleTableSlot *new;

		if (rel == NULL)
			continue;
		old = table_slot_create(rel, NULL);
		new = table_slot_create(rel, NULL);
		if (entry->storage == rel->rd_rel->relfilenode && find_update(rel, &entry->key.tid, old, new))
			left = entry->key.relid;
		ExecDropSingleTupleTableSlot(old);
		ExecDropSingleTupleTableSlot(new);
		table_close(rel, NoLock);
	}
	return left;
}

/*
 * Forgets all; its memory goes with the transaction's.
 */
void
leadcrm_await_nothing(void)
{
	awaited = NULL;
}

/*
 * A subtransaction ends: what it set out to update is its parent's, or was never tried.
 */
void
leadcrm_awaited_subtransaction(bool commit, SubTransactionId subid, SubTransactionId parent)
{
	awaited_iterator it;
	Awaited    *entry;

	if (awaited == NULL || awaited->members == 0 || subid > innermost)
		return;
	innermost = parent;
	awaited_start_iterate(awaited, &it);
	while ((entry = awaited_iterate(awaited, &it)) != NULL)
	{
		if (entry->subid != subid)
			continue;
		if (commit)
			entry->subid = parent;
		else
			awaited_delete(awaited, entry->key);
	}
}
