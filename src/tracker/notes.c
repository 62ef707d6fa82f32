/*
 * notes.c
 *		What a BEFORE trigger must tell its AFTER trigger, and a row's way out of one partition its way into another.
 *
 * Notes are needed only where the stored row cannot say it: an inserted row that brought the stamp of its own state, and a
 * table with BEFORE triggers that run after the guard.  All is forgotten at the end of the transaction.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "compat.h"
#include "tracker/cache.h"
#include "tracker/tracker.h"

typedef struct Note
{
	uint64		id;				/* of tracker, kind and key, keyed by a random number of this backend */
	uint64		what;
	char		status;
} Note;

#define SH_PREFIX notes
#define SH_ELEMENT_TYPE Note
#define SH_KEY_TYPE uint64
#define SH_KEY id
#define SH_HASH_KEY(tb, key) ((uint32) (key))
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DEFINE
#define SH_DECLARE
#include "lib/simplehash.h"

/* A row on its way between partitions. */
typedef struct MovedEntry
{
	Oid			rootid;
	NameData	column;
	SubTransactionId subid;
	Datum		key;
	MovedRow	row;
} MovedEntry;

pg_noreturn static void move_failed(Oid rootid, const char *column);

static notes_hash *notes = NULL;
static uint64 seed;
static List *moved = NIL;

static void
end_of_transaction(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PARALLEL_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			if (moved != NIL)
			{
				MovedEntry *entry = linitial(moved);

				moved = NIL;
				move_failed(entry->rootid, NameStr(entry->column));
			}
			break;
		default:
			/* their memory goes with the transaction's */
			notes = NULL;
			moved = NIL;
			break;
	}
}

static void
end_of_subtransaction(SubXactEvent event, SubTransactionId subid, SubTransactionId parent, void *arg)
{
	ListCell   *lc;

	if (moved == NIL)
		return;
	foreach(lc, moved)
	{
		MovedEntry *entry = lfirst(lc);

		if (entry->subid != subid)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			entry->subid = parent;
		else if (event == SUBXACT_EVENT_ABORT_SUB)
			moved = foreach_delete_current(moved, lc);
	}
}

/*
 * Called once, when the module is loaded.
 */
void
leadcrm_notes_init(void)
{
	if (!pg_strong_random(&seed, sizeof(seed)))
		seed = (uint64) MyProcPid;
	RegisterXactCallback(end_of_transaction, NULL);
	RegisterSubXactCallback(end_of_subtransaction, NULL);
}

static uint64
hash_datum(Datum value, bool byval, int16 len, uint64 start)
{
	uint64		hash;

	if (byval)
		return hash_bytes_extended((unsigned char *) &value, sizeof(Datum), start);
	if (len == -1)
	{
		struct varlena *data = PG_DETOAST_DATUM_PACKED(value);

		hash = hash_bytes_extended((unsigned char *) VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data), start);
		if ((Pointer) data != DatumGetPointer(value))
			pfree(data);
		return hash;
	}
	return hash_bytes_extended((unsigned char *) DatumGetPointer(value), datumGetSize(value, byval, len), start);
}

static uint64
note_id(const Tracker *t, NoteKind kind, Datum key)
{
	uint64		hash = hash_bytes_extended((const unsigned char *) t->column, strlen(t->column), seed);

	hash = hash_combine64(hash, ((uint64) t->rootid << 8) | kind);
	return hash_datum(key, t->key_byval, t->key_len, hash);
}

/*
 * Leaves a note for the AFTER trigger of the row with that key.
 */
void
leadcrm_note_put(const Tracker *t, NoteKind kind, Datum key, uint64 what)
{
	bool		found;
	Note	   *note;

	if (notes == NULL)
		notes = notes_create(TopTransactionContext, 256, NULL);
	note = notes_insert(notes, note_id(t, kind, key), &found);
	note->what = what;
}

/*
 * Takes a note away, and what it says; false if there is none.
 */
bool
leadcrm_note_take(const Tracker *t, NoteKind kind, Datum key, uint64 *what)
{
	Note	   *note;

	if (notes == NULL || notes->members == 0)
		return false;
	note = notes_lookup(notes, note_id(t, kind, key));
	if (note == NULL)
		return false;
	if (what)
		*what = note->what;
	notes_delete_item(notes, note);
	return true;
}

/*
 * A hash of a row's state and companions (columns up to t->max_att), but for the reason.
 */
uint64
leadcrm_row_fingerprint(const Tracker *t, TupleDesc desc, Datum *values, bool *isnull)
{
	uint64		hash = hash_datum(values[t->state_att - 1], t->state_byval, t->state_len, seed);
	int			state = leadcrm_state_index(t, values[t->state_att - 1]);
	AttrNumber	more[] = {t->since_att, t->seq_att, t->peak_att,
	leadcrm_stamp_column(t, desc, state, values[t->state_att - 1])};

	for (int i = 0; i < lengthof(more) + t->nstamped; i++)
	{
		AttrNumber	att = i < lengthof(more) ? more[i] : t->states[t->stamped[i - lengthof(more)]].stamp;

		if (att == InvalidAttrNumber)
			continue;
		/* a row that was never recorded counts no changes, or zero */
		if (isnull[att - 1])
			hash = hash_combine64(hash, att == t->seq_att ? hash_datum(Int32GetDatum(0), true, sizeof(Datum), seed) : seed);
		else
			hash = hash_combine64(hash, hash_datum(values[att - 1], true, sizeof(Datum), seed));
	}
	return hash;
}

static void
move_failed(Oid rootid, const char *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("a row of \"%s\" left its partition and did not arrive in another one", get_rel_name(rootid)),
			 errdetail("The history of \"%s\" could not be continued.", column),
			 errhint("A trigger swallowed the row, or its new partition is not tracked: attach it to the tracked table, or call "
					 "leadcrm.retrack().")));
}

/*
 * Error 0A000 if a row with that key left its partition and has not arrived, for one that is being born.
 */
void
leadcrm_refuse_pending_move(const Tracker *t, Datum key)
{
	ListCell   *lc;

	foreach(lc, moved)
	{
		MovedEntry *entry = lfirst(lc);

		if (entry->rootid == t->rootid && strcmp(NameStr(entry->column), t->column) == 0 &&
			leadcrm_key_same(t, entry->key, key))
			move_failed(t->rootid, t->column);
	}
}

/*
 * A row has left its partition for another one: what it was like.  If it does not arrive, the transaction can't commit.
 */
void
leadcrm_moved_out(const Tracker *t, Datum key, const MovedRow *row)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	MovedEntry *entry = palloc(sizeof(MovedEntry));

	entry->rootid = t->rootid;
	namestrcpy(&entry->column, t->column);
	entry->subid = GetCurrentSubTransactionId();
	entry->key = datumCopy(key, t->key_byval, t->key_len);
	entry->row = *row;
	entry->row.state = datumCopy(row->state, t->state_byval, t->state_len);
	moved = lappend(moved, entry);
	MemoryContextSwitchTo(old);
}

/*
 * Whether an inserted row is one that left another partition, and what it was like there (copied into the
 * current memory context).
 */
bool
leadcrm_moved_in(const Tracker *t, Datum key, MovedRow *row)
{
	ListCell   *lc;

	foreach(lc, moved)
	{
		MovedEntry *entry = lfirst(lc);

		if (entry->rootid != t->rootid || strcmp(NameStr(entry->column), t->column) != 0 ||
			!leadcrm_key_same(t, entry->key, key))
			continue;
		*row = entry->row;
		row->state = datumCopy(entry->row.state, t->state_byval, t->state_len);
		if (!t->state_byval)
			pfree(DatumGetPointer(entry->row.state));
		if (!t->key_byval)
			pfree(DatumGetPointer(entry->key));
		pfree(entry);
		moved = foreach_delete_current(moved, lc);
		return true;
	}
	return false;
}
