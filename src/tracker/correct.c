/*
 * correct.c
 *		Undoes a row's last change: a wrong click.
 *
 * Nothing is deleted.  The row goes back to the state, time and reason that it had, loses the stamp and peak that only the
 * wrong change gave it, and the history gets a row that voids the wrong one.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"
#include "leadcrm.h"
#include "tracker/cache.h"
#include "tracker/tracker.h"

PG_FUNCTION_INFO_V1(leadcrm_correct);

/* What the history says of the change to be undone. */
typedef struct LastChange
{
	int32		seq;
	bool		first;			/* there is nothing before it */
	Datum		from_state;
	Datum		to_state;
	Datum		since;
	bool		since_null;
	Datum		changed_at;
	Datum		reason;			/* why the row had come to from_state */
	bool		reason_null;
	bool		entered_before; /* to_state was reached before as well */
	Datum		peak;			/* the furthest state without it; enums only */
	bool		peak_null;
} LastChange;

static const char *
qualified_name(Oid relid)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
}

static const char *
column(Oid relid, AttrNumber att)
{
	return quote_identifier(get_attname(relid, att, false));
}

/* Finds and locks the row, with the caller's rights; its key in the key's type. */
static Datum
lock_row(Tracker *t, text *key)
{
	Oid			input;
	Oid			ioparam;
	Datum		arg;
	bool		isnull;
	char	   *sql;

	getTypeInputInfo(t->key_type, &input, &ioparam);
	arg = OidInputFunctionCall(input, text_to_cstring(key), ioparam, -1);
	sql = psprintf("SELECT t.%1$s FROM %2$s t WHERE t.%1$s OPERATOR(pg_catalog.=) $1 FOR UPDATE",
				   column(t->relid, t->key_att), qualified_name(t->relid));
	if (SPI_execute_with_args(sql, 1, &t->key_type, &arg, NULL, false, 2) != SPI_OK_SELECT)
		elog(ERROR, "could not find the row to correct");
	if (SPI_processed != 1)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("\"%s\" has no row with %s \"%s\"", get_rel_name(t->relid), column(t->relid, t->key_att),
						text_to_cstring(key)),
				 errhint("The key is given as text; a deleted row can't be corrected, but inserted again.")));
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
}

/*
 * Reads the effective history of the row's present life, as its owner: rows that are neither corrections nor corrected, after the
 * last deletion.
 */
static void
read_last_change(Tracker *t, Datum key, LastChange *last)
{
	const char *history = qualified_name(t->history);
	const char *hist_key = column(t->history, t->hist_att[HIST_KEY]);
	StringInfoData sql;
	Oid			save_userid;
	int			save_sec_context;
	HeapTuple	row;
	TupleDesc	desc;
	bool		isnull;

	initStringInfo(&sql);
	appendStringInfo(&sql,
					 "WITH life AS (SELECT h.* FROM %1$s h WHERE h.%2$s OPERATOR(pg_catalog.=) $1 "
					 "AND h.seq OPERATOR(pg_catalog.>) COALESCE((SELECT pg_catalog.max(d.seq) FROM %1$s d "
					 "WHERE d.%2$s OPERATOR(pg_catalog.=) $1 AND d.to_state IS NULL), 0)), "
					 "effective AS (SELECT e.* FROM life e WHERE e.corrects IS NULL "
					 "AND NOT EXISTS (SELECT FROM life c WHERE c.corrects OPERATOR(pg_catalog.=) e.seq)) "
					 "SELECT l.seq, l.from_state IS NULL, l.from_state, l.to_state, l.since, l.changed_at, "
					 "(SELECT p.reason FROM effective p WHERE p.seq OPERATOR(pg_catalog.<) l.seq ORDER BY p.seq DESC LIMIT 1), "
					 "EXISTS (SELECT FROM effective p WHERE p.seq OPERATOR(pg_catalog.<) l.seq "
					 "AND (p.to_state%3$s OPERATOR(pg_catalog.=) l.to_state%3$s OR p.from_state%3$s OPERATOR(pg_catalog.=) l.to_state%3$s)), ",
					 history, hist_key, t->state_is_enum ? "" : " COLLATE \"C\"");
	if (t->state_is_enum)
		appendStringInfoString(&sql,
							   "(SELECT pg_catalog.max(GREATEST(p.from_state, CASE WHEN p.seq OPERATOR(pg_catalog.<) l.seq "
							   "THEN p.to_state END)) FROM effective p) ");
	else
		appendStringInfoString(&sql, "NULL ");
	appendStringInfoString(&sql, "FROM effective l ORDER BY l.seq DESC LIMIT 1");

	GetUserIdAndSecContext(&save_userid, &save_sec_context);
	SetUserIdAndSecContext(t->owner, save_sec_context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
	PG_TRY();
	{
		if (SPI_execute_with_args(sql.data, 1, &t->key_type, &key, NULL, false, 1) != SPI_OK_SELECT)
			elog(ERROR, "could not read the history");
	}
	PG_FINALLY();
	{
		SetUserIdAndSecContext(save_userid, save_sec_context);
	}
	PG_END_TRY();
	if (SPI_processed != 1)
	{
		char	   *name = leadcrm_describe_key(t, key);

		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("\"%s\" of this row of \"%s\" has no change to correct", t->column, get_rel_name(t->relid)),
				 errdetail("%sIts history is empty.", name)));
	}

	row = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	last->seq = DatumGetInt32(SPI_getbinval(row, desc, 1, &isnull));
	last->first = DatumGetBool(SPI_getbinval(row, desc, 2, &isnull));
	last->from_state = SPI_getbinval(row, desc, 3, &isnull);
	last->to_state = SPI_getbinval(row, desc, 4, &isnull);
	last->since = SPI_getbinval(row, desc, 5, &last->since_null);
	last->changed_at = SPI_getbinval(row, desc, 6, &isnull);
	last->reason = SPI_getbinval(row, desc, 7, &last->reason_null);
	last->entered_before = DatumGetBool(SPI_getbinval(row, desc, 8, &isnull));
	last->peak = SPI_getbinval(row, desc, 9, &last->peak_null);
	if (last->first)
	{
		char	   *name = leadcrm_describe_key(t, key);

		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("\"%s\" of this row of \"%s\" has no change to correct", t->column, get_rel_name(t->relid)),
				 errdetail("%sNothing effective is left in its history but its first state.", name),
				 errhint("A row that should not be there is deleted.")));
	}
}

/* The UPDATE that takes the row back, with the caller's rights. */
static void
take_back(Tracker *t, Relation rel, Datum key, const LastChange *last)
{
	AttrNumber	stamp = leadcrm_stamp_column(t, RelationGetDescr(rel), leadcrm_state_index(t, last->to_state), last->to_state);
	const char *table = qualified_name(t->relid);
	StringInfoData sql;
	Oid			types[] = {t->key_type, t->state_type, TIMESTAMPTZOID, TEXTOID, TIMESTAMPTZOID, t->state_type, t->state_type};
	Datum		values[] = {key, last->from_state, last->since, last->reason, last->changed_at, last->peak, last->to_state};
	char		nulls[] = {' ', ' ', last->since_null ? 'n' : ' ', last->reason_null ? 'n' : ' ', ' ',
	last->peak_null ? 'n' : ' ', ' '};

	initStringInfo(&sql);
	appendStringInfo(&sql, "UPDATE %s t SET %s = $2, %s = $3, %s = $4, %s = COALESCE(t.%s, 0) OPERATOR(pg_catalog.+) 1",
					 table, column(t->relid, t->state_att), column(t->relid, t->since_att), column(t->relid, t->reason_att),
					 column(t->relid, t->seq_att), column(t->relid, t->seq_att));
	if (t->peak_att != InvalidAttrNumber)
		appendStringInfo(&sql, ", %s = $6", column(t->relid, t->peak_att));
	if (stamp != InvalidAttrNumber && !last->entered_before)
		appendStringInfo(&sql, ", %1$s = CASE WHEN t.%1$s OPERATOR(pg_catalog.=) $5 THEN NULL ELSE t.%1$s END",
						 column(t->relid, stamp));
	appendStringInfo(&sql, " WHERE t.%s OPERATOR(pg_catalog.=) $1 AND t.%s%s OPERATOR(pg_catalog.=) $7",
					 column(t->relid, t->key_att), column(t->relid, t->state_att), t->state_is_enum ? "" : " COLLATE \"C\"");
	if (SPI_execute_with_args(sql.data, lengthof(types), types, values, nulls, false, 0) != SPI_OK_UPDATE)
		elog(ERROR, "could not take the row back");
	if (SPI_processed != 1)
	{
		char	   *name = leadcrm_describe_key(t, key);

		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the row of \"%s\" could not be taken back", get_rel_name(t->relid)),
				 errdetail("%sIts \"%s\" is not what its history says, or a trigger or policy kept it from being updated.",
						   name, t->column),
				 errhint("leadcrm.verify() shows what disagrees.")));
	}
}

/*
 * leadcrm.correct(target regclass, state_column name, key text, reason text) returns integer: the number of the history row that
 * voids the last change.  Errors: 22004 for NULL, 22023 for a blank reason, P0002 for no such row, 55000 where there is nothing
 * to correct; whatever an UPDATE by the caller may raise.
 */
Datum
leadcrm_correct(PG_FUNCTION_ARGS)
{
	Relation	rel;
	Tracker    *t;
	LastChange	last;
	Override	override = {0};
	int32		seq;

	for (int i = 0; i < 4; i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("no argument of leadcrm.correct() may be NULL")));
	if (leadcrm_text_is_blank(PG_GETARG_DATUM(3)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a correction needs a reason"),
				 errhint("Say what was wrong, for example \"wrong lead\".")));
	if (leadcrm_enforcement == LEADCRM_OFF)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("nothing can be corrected while leadcrm.enforcement is off"),
				 errdetail("The correction would leave no history.")));

	rel = table_open(PG_GETARG_OID(0), RowExclusiveLock);
	t = leadcrm_tracker_for_column(rel, NameStr(*PG_GETARG_NAME(1)));

	SPI_connect();
	override.kind = OVERRIDE_CORRECT;
	override.rootid = t->rootid;
	override.owner = t->owner;
	override.column = t->column;
	override.reason = PG_GETARG_DATUM(3);
	override.key = lock_row(t, PG_GETARG_TEXT_PP(2));
	override.key_text = OutputFunctionCall(&t->key_out, override.key);
	read_last_change(t, override.key, &last);
	override.corrects = last.seq;
	override.to_state = last.from_state;
	leadcrm_override_begin(&override);
	PG_TRY();
	{
		take_back(t, rel, override.key, &last);
	}
	PG_FINALLY();
	{
		leadcrm_override_end();
	}
	PG_END_TRY();
	seq = leadcrm_history_last_seq(&t, override.key, PG_INT32_MAX, NULL);
	SPI_finish();
	table_close(rel, NoLock);
	PG_RETURN_INT32(seq);
}
