/*
 * history.c
 *		Writes the history.
 *
 * The fast path forms the tuple and inserts it with its index entries.  A history that needs the executor (triggers of its
 * own, constraints, partitions, expression indexes ...) gets an INSERT by a kept plan, as the table's owner.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "leadcrm.h"
#include "tracker/cache.h"
#include "tracker/tracker.h"

struct HistoryWriter
{
	Tracker    *t;
	Relation	hist;
	TupleTableSlot *slot;
	Relation   *indexes;
	Datum		session_role;
	Datum		role;
	Datum		actor;
	bool		actor_null;
	Datum		recorded_at;
};

/* A role's name as text, kept until a role changes. */
typedef struct RoleName
{
	Oid			roleid;
	text	   *name;
} RoleName;

static RoleName session_name;
static RoleName current_name;
static text *origin_names[ORIGIN_DELETE + 1];

/* The history that is being written by way of the executor, and the depth of triggers at which that began. */
static Oid	writing_history = InvalidOid;
static int	writing_depth;

static void
role_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	session_name.roleid = InvalidOid;
	current_name.roleid = InvalidOid;
}

static void
reset_writing(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT || event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE)
		writing_history = InvalidOid;
}

/*
 * Called once, when the module is loaded.
 */
void
leadcrm_history_init(void)
{
	static const char *const names[] = {"birth", "change", "backfill", "correction", "delete"};
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	for (int i = 0; i <= ORIGIN_DELETE; i++)
		origin_names[i] = cstring_to_text(names[i]);
	MemoryContextSwitchTo(old);
	CacheRegisterSyscacheCallback(AUTHOID, role_changed, (Datum) 0);
	RegisterXactCallback(reset_writing, NULL);
}

static int
trigger_depth(void)
{
	LOCAL_FCINFO(fcinfo, 0);

	InitFunctionCallInfoData(*fcinfo, NULL, 0, InvalidOid, NULL, NULL);
	return DatumGetInt32(pg_trigger_depth(fcinfo));
}

/*
 * For a trigger on a history, or on one of its partitions: whether the row that fires it is the tracker's own.  What other
 * triggers insert meanwhile, there or in another history, is not.
 */
bool
leadcrm_history_is_writing(Relation history)
{
	if (!OidIsValid(writing_history) || trigger_depth() != writing_depth + 1)
		return false;
	return writing_history == RelationGetRelid(history) ||
		(history->rd_rel->relispartition &&
		 list_member_oid(get_partition_ancestors(RelationGetRelid(history)), writing_history));
}

static Datum
role_name(RoleName *cached, Oid roleid)
{
	if (cached->roleid != roleid || cached->name == NULL)
	{
		char	   *name = GetUserNameFromId(roleid, true);
		MemoryContext old;

		if (name == NULL)
			name = psprintf("%u", roleid);	/* dropped while it works */
		if (cached->name)
			pfree(cached->name);
		cached->name = NULL;
		old = MemoryContextSwitchTo(TopMemoryContext);
		cached->name = cstring_to_text(name);
		MemoryContextSwitchTo(old);
		cached->roleid = roleid;
	}
	return PointerGetDatum(cached->name);
}

/*
 * Opens the history under the lock that writing needs.  *t is renewed where the wait for it let a change of the table through.
 */
Relation
leadcrm_history_open(Tracker **t)
{
	for (;;)
	{
		Oid			history = (*t)->history;
		Relation	hist = table_open(history, RowExclusiveLock);

		if (leadcrm_tracker_is_current(*t))
			return hist;
		*t = leadcrm_tracker_renew(*t);
		if ((*t)->history == history)
			return hist;		/* built under the lock: its shape and indexes stay */
		table_close(hist, NoLock);
	}
}

/* Opens what rows are written to one by one, where that has not been done yet. */
static void
open_target(HistoryWriter *w)
{
	if (w->hist)
		return;
	w->hist = leadcrm_history_open(&w->t);
	if (!w->t->direct)
		return;
	w->slot = MakeSingleTupleTableSlot(RelationGetDescr(w->hist), table_slot_callbacks(w->hist));
	w->indexes = leadcrm_history_open_indexes(w->t);
}

/*
 * Begins to write history, and takes down who writes; "now" is when, as the caller has just read the clock.  The writer lives
 * in the current memory context.
 */
HistoryWriter *
leadcrm_history_begin(Tracker *t, TimestampTz now)
{
	HistoryWriter *w = palloc0(sizeof(HistoryWriter));

	w->t = t;
	w->session_role = role_name(&session_name, GetSessionUserId());
	/* PostgreSQL takes a foreign key's action as the table's owner */
	w->role = role_name(&current_name, InNoForceRLSOperation() ? GetOuterUserId() : GetUserId());
	w->actor_null = leadcrm_actor == NULL || leadcrm_actor[0] == '\0';
	w->actor = w->actor_null ? (Datum) 0 : CStringGetTextDatum(leadcrm_actor);
	w->recorded_at = TimestampTzGetDatum(now);
	return w;
}

/*
 * Opens the history's indexes, as many as t->nindexes, in the current memory context; the locks stay.
 */
Relation *
leadcrm_history_open_indexes(const Tracker *t)
{
	Relation   *indexes = palloc(sizeof(Relation) * Max(t->nindexes, 1));

	for (int i = 0; i < t->nindexes; i++)
		indexes[i] = index_open(t->index_oids[i], RowExclusiveLock);
	return indexes;
}

/*
 * Closes them.
 */
void
leadcrm_history_close_indexes(const Tracker *t, Relation *indexes)
{
	for (int i = 0; i < t->nindexes; i++)
		index_close(indexes[i], NoLock);
	pfree(indexes);
}

/*
 * Makes the index entries of a row that is in the table.  Error 23505 where (key, seq) is there already.
 */
void
leadcrm_history_insert_index_entries(const Tracker *t, Relation hist, Relation *indexes, TupleTableSlot *slot)
{
	for (int i = 0; i < t->nindexes; i++)
	{
		Datum		values[INDEX_MAX_KEYS];
		bool		isnull[INDEX_MAX_KEYS];
		IndexInfo  *info = t->index_infos[i];

		FormIndexDatum(info, slot, NULL, values, isnull);
		index_insert(indexes[i], values, isnull, &slot->tts_tid, hist, info->ii_Unique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO,
					 false, info);
	}
}

/* The values of a row's columns in a slot of the history's shape, which points to them. */
static void
fill_slot(const Tracker *t, TupleTableSlot *slot, const Datum *values, const bool *nulls)
{
	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, sizeof(bool) * t->hist_natts);
	for (int i = 0; i < HIST_NCOLUMNS; i++)
	{
		slot->tts_values[t->hist_att[i] - 1] = values[i];
		slot->tts_isnull[t->hist_att[i] - 1] = nulls[i];
	}
	ExecStoreVirtualTuple(slot);
}

static void
insert_directly(HistoryWriter *w, Datum *values, bool *nulls)
{
	fill_slot(w->t, w->slot, values, nulls);
	table_tuple_insert(w->hist, w->slot, GetCurrentCommandId(true), 0, NULL);
	leadcrm_history_insert_index_entries(w->t, w->hist, w->indexes, w->slot);
}

static void
prepare_insert(HistoryWriter *w)
{
	Tracker    *t = w->t;
	TupleDesc	desc = RelationGetDescr(w->hist);
	StringInfoData sql;
	Oid			types[HIST_NCOLUMNS];
	SPIPlanPtr	plan;

	initStringInfo(&sql);
	appendStringInfo(&sql, "INSERT INTO %s (",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(w->hist)),
												RelationGetRelationName(w->hist)));
	for (int i = 0; i < HIST_NCOLUMNS; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, t->hist_att[i] - 1);

		appendStringInfo(&sql, "%s%s", i > 0 ? ", " : "", quote_identifier(NameStr(att->attname)));
		types[i] = att->atttypid;
	}
	appendStringInfoString(&sql, ") VALUES (");
	for (int i = 0; i < HIST_NCOLUMNS; i++)
		appendStringInfo(&sql, "%s$%d", i > 0 ? ", " : "", i + 1);
	appendStringInfoChar(&sql, ')');

	plan = SPI_prepare(sql.data, HIST_NCOLUMNS, types);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare \"%s\": %s", sql.data, SPI_result_code_string(SPI_result));
	t->insert_plan = plan;
}

static void
insert_by_executor(HistoryWriter *w, Datum *values, bool *nulls)
{
	char		nullchars[HIST_NCOLUMNS];
	Oid			save_userid;
	int			save_sec_context;
	Oid			save_history = writing_history;
	int			save_depth = writing_depth;
	int			rc;

	for (int i = 0; i < HIST_NCOLUMNS; i++)
		nullchars[i] = nulls[i] ? 'n' : ' ';

	/* As the owner, whose own row security does not apply to him; what the user set to write with was taken down before. */
	GetUserIdAndSecContext(&save_userid, &save_sec_context);
	SetUserIdAndSecContext(w->t->owner, save_sec_context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
	PG_TRY();
	{
		SPI_connect();
		if (w->t->insert_plan == NULL)
			prepare_insert(w);
		writing_history = RelationGetRelid(w->hist);
		writing_depth = trigger_depth();
		rc = SPI_execute_plan(w->t->insert_plan, values, nullchars, false, 0);
		if (rc != SPI_OK_INSERT && rc != SPI_OK_REWRITTEN)
			elog(ERROR, "SPI_execute_plan returned %s", SPI_result_code_string(rc));
		if (rc != SPI_OK_INSERT || SPI_processed != 1)
			ereport(ERROR,
					(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
					 errmsg("history \"%s\" did not take the row", RelationGetRelationName(w->hist)),
					 errdetail("A trigger or rule of that table swallowed it."),
					 errhint("Nothing may happen without history: remove that trigger or rule.")));
		SPI_finish();
	}
	PG_FINALLY();
	{
		writing_history = save_history;
		writing_depth = save_depth;
		SetUserIdAndSecContext(save_userid, save_sec_context);
	}
	PG_END_TRY();
}

/*
 * Writes one row whose columns are given, HIST_NCOLUMNS of them.  Errors: 23505 where (key, seq) is there already, and whatever
 * a user's own constraints and triggers on the history raise.
 */
void
leadcrm_history_write_values(HistoryWriter *w, Datum *values, bool *nulls)
{
	open_target(w);
	if (w->t->direct)
		insert_directly(w, values, nulls);
	else
		insert_by_executor(w, values, nulls);
}

/*
 * Writes one row, at the latest when the statement ends.  Errors: those of leadcrm_history_write_values(), then too.
 */
void
leadcrm_history_write(HistoryWriter *w, const HistoryRow *row)
{
	Datum		values[HIST_NCOLUMNS];
	bool		nulls[HIST_NCOLUMNS] = {false};

	values[HIST_KEY] = row->key;
	values[HIST_SEQ] = Int32GetDatum(row->seq);
	values[HIST_FROM] = row->from_state;
	nulls[HIST_FROM] = row->from_null;
	values[HIST_TO] = row->to_state;
	nulls[HIST_TO] = row->to_null;
	values[HIST_SINCE] = TimestampTzGetDatum(row->since);
	nulls[HIST_SINCE] = row->since_null;
	values[HIST_CHANGED_AT] = TimestampTzGetDatum(row->changed_at);
	values[HIST_REASON] = row->reason;
	nulls[HIST_REASON] = row->reason_null;
	values[HIST_ACTOR] = w->actor;
	nulls[HIST_ACTOR] = w->actor_null;
	values[HIST_SESSION_ROLE] = w->session_role;
	values[HIST_ROLE] = w->role;
	values[HIST_ORIGIN] = PointerGetDatum(origin_names[row->origin]);
	values[HIST_FORCED] = BoolGetDatum(row->forced);
	values[HIST_CORRECTS] = Int32GetDatum(row->corrects);
	nulls[HIST_CORRECTS] = row->corrects == 0;
	values[HIST_RECORDED_AT] = w->recorded_at;

	if (!leadcrm_batch_put(&w->t, values, nulls))
		leadcrm_history_write_values(w, values, nulls);
}

/*
 * Closes what the writer opened; locks are kept until the transaction ends.
 */
void
leadcrm_history_end(HistoryWriter *w)
{
	if (w->slot)
	{
		leadcrm_history_close_indexes(w->t, w->indexes);
		ExecDropSingleTupleTableSlot(w->slot);
	}
	if (w->hist)
		table_close(w->hist, NoLock);
	pfree(w);
}

/* The last number by way of the executor, for a history whose primary key is not one index. */
static int32
last_seq_by_executor(Tracker *t, Relation hist, Datum key, int32 limit, volatile bool *alive)
{
	char	   *sql;
	Oid			types[] = {t->key_type, INT4OID};
	Datum		args[] = {key, Int32GetDatum(limit)};
	Oid			save_userid;
	int			save_sec_context;
	volatile int32 seq = 0;
	bool		isnull;

	sql = psprintf("SELECT seq, to_state IS NOT NULL FROM %s WHERE %s OPERATOR(pg_catalog.=) $1 "
				   "AND seq OPERATOR(pg_catalog.<=) $2 ORDER BY seq DESC LIMIT 1",
				   quote_qualified_identifier(get_namespace_name(RelationGetNamespace(hist)), RelationGetRelationName(hist)),
				   quote_identifier(get_attname(RelationGetRelid(hist), t->hist_att[HIST_KEY], false)));
	GetUserIdAndSecContext(&save_userid, &save_sec_context);
	SetUserIdAndSecContext(t->owner, save_sec_context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
	PG_TRY();
	{
		SPI_connect();
		if (SPI_execute_with_args(sql, lengthof(types), types, args, NULL, false, 1) != SPI_OK_SELECT)
			elog(ERROR, "could not read history \"%s\"", RelationGetRelationName(hist));
		if (SPI_processed == 1)
		{
			seq = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
			*alive = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
		}
		SPI_finish();
	}
	PG_FINALLY();
	{
		SetUserIdAndSecContext(save_userid, save_sec_context);
	}
	PG_END_TRY();
	return seq;
}

/*
 * The number of a key's last history row, not after "limit", 0 if it has none; *alive (may be NULL) whether that leaves it in a state.  It waits for a transaction that is writing one: the new row would
 * have to go on after it.
 */
int32
leadcrm_history_last_seq(Tracker **t, Datum key, int32 limit, bool *alive)
{
	bool		in_state = false;
	Relation	hist;
	int32		seq = 0;
	Relation	index;
	TupleTableSlot *slot;
	ScanKeyData scankeys[2];

	leadcrm_batch_flush();
	hist = leadcrm_history_open(t);
	if (!(*t)->direct)
	{
		seq = last_seq_by_executor(*t, hist, key, limit, &in_state);
		table_close(hist, NoLock);
		if (alive)
			*alive = in_state;
		return seq;
	}

	index = index_open((*t)->hist_pk, AccessShareLock);
	slot = table_slot_create(hist, NULL);
	ScanKeyEntryInitialize(&scankeys[0], 0, 1, BTEqualStrategyNumber, InvalidOid, index->rd_indcollation[0], (*t)->key_eq, key);
	ScanKeyEntryInitialize(&scankeys[1], 0, 2, BTLessEqualStrategyNumber, InvalidOid, InvalidOid, F_INT4LE, Int32GetDatum(limit));
	for (;;)
	{
		SnapshotData dirty;
		IndexScanDesc scan;
		TransactionId writer = InvalidTransactionId;

		InitDirtySnapshot(dirty);
		scan = leadcrm_index_beginscan(hist, index, &dirty, lengthof(scankeys));
		index_rescan(scan, scankeys, lengthof(scankeys), NULL, 0);
		if (index_getnext_slot(scan, BackwardScanDirection, slot))
		{
			bool		isnull;

			seq = DatumGetInt32(slot_getattr(slot, (*t)->hist_att[HIST_SEQ], &isnull));
			slot_getattr(slot, (*t)->hist_att[HIST_TO], &isnull);
			in_state = !isnull;
			writer = dirty.xmin;
		}
		ExecClearTuple(slot);
		index_endscan(scan);
		if (!TransactionIdIsValid(writer))
			break;
		XactLockTableWait(writer, hist, NULL, XLTW_None);
		seq = 0;
		in_state = false;
	}
	ExecDropSingleTupleTableSlot(slot);
	index_close(index, AccessShareLock);
	table_close(hist, NoLock);
	/* what a statement further up has yet to write */
	leadcrm_batch_last_seq(*t, key, limit, &seq, &in_state);
	if (alive)
		*alive = in_state;
	return seq;
}
