/*
 * cache.c
 *		The per-relation cache of trackers, and when an entry of it is stale.
 *
 * Invalidation only marks an entry, it never frees one: a callback may run while a trigger further up the stack uses it.  A
 * tracker that is replaced lives on until the end of the transaction.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "compat.h"
#include "tracker/cache.h"
#include "tracker/tracker.h"

#define MAX_DEPENDENCIES 4

typedef struct TrackerKey
{
	Oid			relid;
	NameData	column;
} TrackerKey;

typedef struct TrackerEntry
{
	TrackerKey	key;
	bool		valid;			/* no invalidation has arrived since the build began */
	int			ndeps;
	Oid			deps[MAX_DEPENDENCIES]; /* relations that it was built from */
	Tracker    *tracker;		/* NULL while it has never been built */
} TrackerEntry;

PG_FUNCTION_INFO_V1(leadcrm_check_tracker);

static HTAB *trackers = NULL;
static List *retired_plans = NIL;	/* in TopMemoryContext; freed at the end of the transaction */

static void
relation_changed(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS scan;
	TrackerEntry *entry;

	hash_seq_init(&scan, trackers);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (!OidIsValid(relid))
			entry->valid = false;
		for (int i = 0; entry->valid && i < entry->ndeps; i++)
			if (entry->deps[i] == relid)
				entry->valid = false;
	}
}

/* An enum got, lost or renamed a label. */
static void
enum_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	HASH_SEQ_STATUS scan;
	TrackerEntry *entry;

	hash_seq_init(&scan, trackers);
	while ((entry = hash_seq_search(&scan)) != NULL)
		if (entry->tracker == NULL || entry->tracker->state_is_enum)
			entry->valid = false;
}

static void
free_retired_plans(XactEvent event, void *arg)
{
	ListCell   *lc;

	if (retired_plans == NIL || (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE))
		return;
	foreach(lc, retired_plans)
		SPI_freeplan((SPIPlanPtr) lfirst(lc));
	list_free(retired_plans);
	retired_plans = NIL;
}

/*
 * Called once, when the module is loaded.
 */
void
leadcrm_tracker_init(void)
{
	HASHCTL		ctl = {0};

	ctl.keysize = sizeof(TrackerKey);
	ctl.entrysize = sizeof(TrackerEntry);
	trackers = hash_create("leadcrm trackers", 16, &ctl, HASH_ELEM | HASH_BLOBS);

	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(ENUMOID, enum_changed, (Datum) 0);
	RegisterXactCallback(free_retired_plans, NULL);
	leadcrm_history_init();
	leadcrm_batch_init();
	leadcrm_notes_init();
	leadcrm_override_init();
}

static void
depend_on(Oid relid, void *arg)
{
	TrackerEntry *entry = arg;

	Assert(entry->ndeps < MAX_DEPENDENCIES);
	entry->deps[entry->ndeps++] = relid;
}

/* The tracker stays usable until the transaction ends: somebody up the stack may hold it. */
static void
retire(TrackerEntry *entry)
{
	Tracker    *t = entry->tracker;

	entry->tracker = NULL;
	if (t->insert_plan)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		retired_plans = lappend(retired_plans, t->insert_plan);
		MemoryContextSwitchTo(old);
	}
	MemoryContextSetParent(t->cxt, TopTransactionContext);
}

static Tracker *
build(TrackerEntry *entry, Relation rel, Trigger *trigger)
{
	MemoryContext cxt;
	Tracker    *t;

	if (entry->tracker)
		retire(entry);

	/* An invalidation that arrives from here on finds what it must mark. */
	entry->valid = true;
	entry->ndeps = 0;
	depend_on(RelationGetRelid(rel), entry);

	cxt = AllocSetContextCreate(CurrentMemoryContext, "leadcrm tracker", ALLOCSET_SMALL_SIZES);
	t = MemoryContextAllocZero(cxt, sizeof(Tracker));
	t->cxt = cxt;
	t->entry = entry;
	leadcrm_tracker_build(t, rel, trigger, depend_on, entry);

	MemoryContextSetParent(cxt, CacheMemoryContext);
	entry->tracker = t;
	return t;
}

static TrackerEntry *
find_entry(Oid relid, const char *column)
{
	TrackerKey	key;
	TrackerEntry *entry;
	bool		found;

	memset(&key, 0, sizeof(key));
	key.relid = relid;
	namestrcpy(&key.column, column);
	entry = hash_search(trackers, &key, HASH_ENTER, &found);
	if (!found)
	{
		entry->valid = false;
		entry->ndeps = 0;
		entry->tracker = NULL;
	}
	return entry;
}

static Tracker *
get_tracker(Relation rel, Trigger *trigger)
{
	TrackerEntry *entry;

	if (trigger->tgnargs != TRIGARG_COUNT)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" of table \"%s\" was not made by leadcrm.track()",
						trigger->tgname, RelationGetRelationName(rel)),
				 errhint("Drop it and call leadcrm.track().")));

	entry = find_entry(RelationGetRelid(rel), trigger->tgargs[TRIGARG_COLUMN]);
	if (likely(entry->valid && entry->tracker != NULL))
		return entry->tracker;
	return build(entry, rel, trigger);
}

/*
 * The tracker that a trigger of ours works for.  Valid until the end of the transaction at least; ask again in the next
 * call.  The entry is kept in mind in flinfo.  Errors: whatever of the wiring is missing or belongs to somebody else.
 */
Tracker *
leadcrm_tracker_for_trigger(FmgrInfo *flinfo, TriggerData *trigdata)
{
	TrackerEntry *entry = flinfo->fn_extra;
	Tracker    *t;

	/* an executor state calls one trigger by one flinfo; entries stay where they are */
	if (likely(entry != NULL && entry->valid && entry->tracker != NULL &&
			   entry->key.relid == RelationGetRelid(trigdata->tg_relation)))
		return entry->tracker;
	t = get_tracker(trigdata->tg_relation, trigdata->tg_trigger);
	flinfo->fn_extra = t->entry;
	return t;
}

/*
 * The tracker of a table's column, for functions that are not triggers.  Error 55000 where the column is not tracked.
 */
Tracker *
leadcrm_tracker_for_column(Relation rel, const char *column)
{
	TriggerDesc *triggers = CopyTriggerDesc(rel->trigdesc);

	for (int i = 0; triggers && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (trigger->tgnargs == TRIGARG_COUNT && strcmp(trigger->tgargs[TRIGARG_COLUMN], column) == 0 &&
			leadcrm_is_trigger(trigger, "guard"))
			return get_tracker(rel, trigger);
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("column \"%s\" of table \"%s\" is not tracked", column, RelationGetRelationName(rel)),
			 errhint("Call leadcrm.track() first; leadcrm.tracked lists what is tracked. After a rename, call leadcrm.retrack().")));
	return NULL;				/* keep compiler quiet */
}

/*
 * Whether nothing that the tracker was built from has changed since.
 */
bool
leadcrm_tracker_is_current(const Tracker *t)
{
	return t->entry->tracker == t && t->entry->valid;
}

/*
 * A fresh tracker in the place of one that is no longer current.
 */
Tracker *
leadcrm_tracker_renew(Tracker *t)
{
	Relation	rel;
	Tracker    *renewed;

	/* whoever uses the tracker holds a lock on its relation */
	rel = RelationIdGetRelation(t->relid);
	if (!RelationIsValid(rel))
		elog(ERROR, "could not open relation with OID %u", t->relid);
	renewed = leadcrm_tracker_for_column(rel, t->column);
	RelationClose(rel);
	return renewed;
}

/*
 * The protocol check that all trigger functions of the tracker begin with: called as a trigger, at the right time, at the
 * right level.  Error 39P01.
 */
TriggerData *
leadcrm_check_trigger(FunctionCallInfo fcinfo, const char *funcname, TriggerEvent timing, bool row)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"leadcrm.%s\" was not called as a trigger", funcname)));
	if ((trigdata->tg_event & TRIGGER_EVENT_TIMINGMASK) != timing ||
		(bool) TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) != row)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"leadcrm.%s\" must be fired %s, for each %s", funcname,
						timing == TRIGGER_EVENT_BEFORE ? "BEFORE" : "AFTER", row ? "row" : "statement")));
	return trigdata;
}

/*
 * leadcrm.check_tracker(target regclass, state_column name): builds the tracker, for the errors that this may raise.
 */
Datum
leadcrm_check_tracker(PG_FUNCTION_ARGS)
{
	Relation	rel = table_open(PG_GETARG_OID(0), AccessShareLock);

	leadcrm_tracker_for_column(rel, NameStr(*PG_GETARG_NAME(1)));
	table_close(rel, AccessShareLock);	/* it asks for no right, so it must not keep others waiting */
	PG_RETURN_VOID();
}
