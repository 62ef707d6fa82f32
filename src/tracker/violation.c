/*
 * violation.c
 *		What a statement gets that breaks the rules: SQLSTATE, message, detail, hint, and the table, column and constraint.
 *
 * In strict mode these functions do not return.  With leadcrm.enforcement = log they warn and return.
 */
#include "postgres.h"

#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "common/int.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "leadcrm.h"
#include "tracker/cache.h"
#include "tracker/tracker.h"

/* ERROR, or WARNING where violations are only logged. */
static int
violation_level(void)
{
	return leadcrm_enforcement == LEADCRM_LOG ? WARNING : ERROR;
}

/* Whether the user finds the row with this key: row security decides, as in a query of the user's own. */
static bool
policies_show(const Tracker *t, Oid relid, const char *key_column, Datum key)
{
	char	   *sql = psprintf("SELECT FROM %s t WHERE t.%s OPERATOR(pg_catalog.=) $1",
							   quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid)),
							   quote_identifier(key_column));
	Oid			type = t->key_type;
	bool		found;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	found = SPI_execute_with_args(sql, 1, &type, &key, NULL, false, 1) == SPI_OK_SELECT && SPI_processed > 0;
	SPI_finish();
	return found;
}

static bool
may_read(const Tracker *t, Oid relid, AttrNumber key_att, AttrNumber state_att, Datum key)
{
	Oid			user = GetUserId();

	if (pg_class_aclcheck(relid, user, ACL_SELECT) != ACLCHECK_OK &&
		(pg_attribute_aclcheck(relid, key_att, user, ACL_SELECT) != ACLCHECK_OK ||
		 pg_attribute_aclcheck(relid, state_att, user, ACL_SELECT) != ACLCHECK_OK))
		return false;
	return check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED ||
		policies_show(t, relid, get_attname(relid, key_att, false), key);
}

/*
 * Whether the user may see what stands in the row: rights on its key and state, and row security that shows it; by way of the
 * tracked table or of the partition.  May run a query: not to be called among the arguments of ereport().
 */
static bool
may_see_row(const Tracker *t, Datum key)
{
	if (t->rootid != t->relid &&
		may_read(t, t->rootid, get_attnum(t->rootid, get_attname(t->relid, t->key_att, false)), get_attnum(t->rootid, t->column),
				 key))
		return true;
	return may_read(t, t->relid, t->key_att, t->state_att, key);
}

static char *
quoted_label(const char *label)
{
	return psprintf("\"%s\"", label);
}

static char *
key_words(const Tracker *t, Datum key)
{
	return psprintf("Row (%s)=(%s). ", get_attname(t->relid, t->key_att, false),
					OutputFunctionCall((FmgrInfo *) &t->key_out, key));
}

/*
 * "Row (lead_id)=(17). ", or "" where the user may not see it.  palloc'ed.  May run a query: not to be called among the
 * arguments of ereport().
 */
char *
leadcrm_describe_key(const Tracker *t, Datum key)
{
	return may_see_row(t, key) ? key_words(t, key) : "";
}

/* Fills in the diagnostics fields with the tracked table's present name, not its partition's. */
static int
err_tracked(const Tracker *t, const char *column)
{
	char	   *table = get_rel_name(t->rootid);

	err_generic_string(PG_DIAG_SCHEMA_NAME, get_namespace_name(get_rel_namespace(t->rootid)));
	err_generic_string(PG_DIAG_TABLE_NAME, table);
	err_generic_string(PG_DIAG_COLUMN_NAME, column);
	err_generic_string(PG_DIAG_CONSTRAINT_NAME, psprintf("%s_%s_transition", table, t->column));
	return 0;
}

/* The states that a row may go to, for the DETAIL; in the order of the states. */
static char *
next_states(const Tracker *t, int from)
{
	StringInfoData list;
	bool	   *done = palloc0(sizeof(bool) * Max(t->nsteps, 1));

	initStringInfo(&list);
	for (;;)
	{
		int			next = -1;

		for (int i = 0; i < t->nsteps; i++)
			if (!done[i] && t->steps[i].from == from &&
				(next < 0 || t->states[t->steps[i].to].position < t->states[t->steps[next].to].position))
				next = i;
		if (next < 0)
			break;
		done[next] = true;
		appendStringInfo(&list, "%s\"%s\"%s", list.len > 0 ? ", " : "", t->states[t->steps[next].to].label,
						 t->steps[next].needs_reason ? " (with a reason)" : "");
	}
	return list.len > 0 ? list.data : "no other state";
}

/*
 * A step that the transitions do not allow, or one that needs a reason and has none.  from_null: a birth.
 */
void
leadcrm_refuse_step(const Tracker *t, Datum key, bool from_null, Datum from, Datum to, bool reason_missing)
{
	int			level = violation_level();
	char	   *table = get_rel_name(t->rootid);
	char	   *target = leadcrm_state_label(t, to);
	bool		visible = may_see_row(t, key);
	char	   *row = visible ? key_words(t, key) : "";
	char	   *rules = quote_qualified_identifier(get_namespace_name(get_rel_namespace(t->transitions)),
												   get_rel_name(t->transitions));

	if (reason_missing && from_null)
		ereport(level,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("a row of \"%s\" needs a reason to be born with %s \"%s\"", table, t->column, target),
				 errdetail("%sThe transition is marked needs_reason in %s.", row, rules),
				 errhint("Give the reason in %s_reason, in the same statement.", t->column),
				 err_tracked(t, psprintf("%s_reason", t->column))));
	else if (reason_missing)
		ereport(level,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("%s of \"%s\" may go from %s to \"%s\" only with a reason", t->column, table,
						visible ? quoted_label(leadcrm_state_label(t, from)) : "its present state", target),
				 errdetail("%sThe transition is marked needs_reason in %s.", row, rules),
				 errhint("Set %s_reason in the same statement.", t->column),
				 err_tracked(t, psprintf("%s_reason", t->column))));
	else if (from_null)
		ereport(level,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("a row of \"%s\" may not be born with %s \"%s\"", table, t->column, target),
				 errdetail("%sIt may be born as: %s.", row, next_states(t, -1)),
				 errhint("Insert it in one of these states and move it on; or, if it got here before it was stored, "
						 "give the times when it entered its states (%s); or add a row with from_state NULL to %s.",
						 t->nstamped > 0 ? "columns <state>_at" : "this table has no columns <state>_at for them", rules),
				 err_tracked(t, t->column)));
	else
	{
		int			index = leadcrm_state_index(t, from);

		ereport(level,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("%s of \"%s\" may not go from %s to \"%s\"", t->column, table,
						visible ? quoted_label(leadcrm_state_label(t, from)) : "its present state", target),
				 visible
				 ? errdetail("%sFrom here it may go to: %s.", row, index >= 0 ? next_states(t, index) : "no other state")
				 : 0,
				 visible
				 ? errhint("Take one of these steps, or add this one to %s. A wrong click is undone by leadcrm.correct().", rules)
				 : errhint("Take a step that %s allows, or add this one to it.", rules),
				 err_tracked(t, t->column)));
	}
}

/*
 * A companion column that a statement changed although the state stays, or to a value that is not the tracker's.  The number of
 * changes is the tracker's own counter, no rule that could be relaxed: a wrong one is always an error.
 */
void
leadcrm_refuse_companion(const Tracker *t, Relation rel, AttrNumber att, Datum key)
{
	char	   *column = get_attname(t->relid, att, false);
	char	   *row = leadcrm_describe_key(t, key);

	ereport(att == t->seq_att ? ERROR : violation_level(),
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("column \"%s\" of \"%s\" belongs to the tracker of column \"%s\"", column, get_rel_name(t->rootid), t->column),
			 errdetail("%sIt changes only together with \"%s\", and to the value that follows from it.", row, t->column),
			 att == t->since_att || t->states == NULL || att != t->seq_att
			 ? errhint("Change \"%s\"; the time of the change may be given in \"%s_since\".", t->column, t->column)
			 : errhint("Leave \"%s\" out of the statement.", column),
			 err_tracked(t, column)));
}

/*
 * A time of change that lies before the present state's beginning (before), or in the future or at no time at all.
 */
void
leadcrm_refuse_since(const Tracker *t, Datum key, const char *column, TimestampTz given, bool before, TimestampTz limit)
{
	bool		visible = may_see_row(t, key);
	char	   *row = visible ? key_words(t, key) : "";
	char	   *value = pstrdup(timestamptz_to_str(given));

	if (before)
		ereport(violation_level(),
				(errcode(ERRCODE_DATETIME_FIELD_OVERFLOW),
				 errmsg("%s %s lies before the beginning of the present state of \"%s\"", column, value,
						get_rel_name(t->rootid)),
				 visible ? errdetail("%sThe present state began at %s.", row, timestamptz_to_str(limit)) : 0,
				 errhint("Give a later time, or leave %s out: then the clock is read.", column),
				 err_tracked(t, column)));
	else
		ereport(violation_level(),
				(errcode(ERRCODE_DATETIME_FIELD_OVERFLOW),
				 errmsg("%s %s of \"%s\" is not a time in the past", column, value, get_rel_name(t->rootid)),
				 errdetail("%sThe clock shows %s; a minute of difference is allowed.", row, timestamptz_to_str(limit)),
				 errhint("Give the time when it happened, or leave %s out: then the clock is read.", column),
				 err_tracked(t, column)));
}

/*
 * A backfilled row whose present state begins before its last stamp, "last".
 */
void
leadcrm_refuse_early_since(const Tracker *t, Datum key, TimestampTz given, TimestampTz last)
{
	bool		visible = may_see_row(t, key);
	char	   *row = visible ? key_words(t, key) : "";
	char	   *value = pstrdup(timestamptz_to_str(given));

	ereport(violation_level(),
			(errcode(ERRCODE_DATETIME_FIELD_OVERFLOW),
			 errmsg("%s_since %s lies before the last stamp of a row of \"%s\"", t->column, value, get_rel_name(t->rootid)),
			 visible ? errdetail("%sThe last stamp is %s.", row, timestamptz_to_str(last)) : 0,
			 errhint("Give a later time, or leave %s_since out: then it is that of the last stamp.", t->column),
			 err_tracked(t, psprintf("%s_since", t->column))));
}

/*
 * A backfilled row that brings stamps, but none for the state that it stands in.
 */
void
leadcrm_refuse_stamps(const Tracker *t, Datum key, Datum state)
{
	char	   *label = leadcrm_state_label(t, state);
	char	   *row = leadcrm_describe_key(t, key);

	ereport(violation_level(),
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("a row of \"%s\" brings stamps, but none for its %s \"%s\"", get_rel_name(t->rootid), t->column, label),
			 errdetail("%sThe stamps that a row brings become its history, and its present state must be part of it.", row),
			 errhint("Give %s_at too, or set %s to a state that has a stamp.", label, t->column),
			 err_tracked(t, psprintf("%s_at", label))));
}

/* The BEFORE triggers that run after the guard, by name; empty if there is none. */
static char *
late_triggers(const Tracker *t, Relation rel, bool update)
{
	TriggerDesc *triggers = CopyTriggerDesc(rel->trigdesc);
	StringInfoData names;
	bool		after_guard = false;

	initStringInfo(&names);
	for (int i = 0; triggers && i < triggers->numtriggers; i++)
	{
		Trigger    *other = &triggers->triggers[i];
		bool		guard = leadcrm_is_trigger(other, "guard");

		if (guard && other->tgnargs == TRIGARG_COUNT && strcmp(other->tgargs[TRIGARG_COLUMN], t->column) == 0)
			after_guard = true;
		else if (after_guard && !guard && TRIGGER_FOR_BEFORE(other->tgtype) && TRIGGER_FOR_ROW(other->tgtype) &&
				 other->tgenabled != TRIGGER_DISABLED &&
				 (update ? TRIGGER_FOR_UPDATE(other->tgtype) : TRIGGER_FOR_INSERT(other->tgtype)))
			appendStringInfo(&names, "%s\"%s\"", names.len > 0 ? ", " : "", other->tgname);
	}
	return names.data;
}

/*
 * A BEFORE trigger that sorts after the guard changed what the guard had approved.  Always an error: the row is not the one
 * that was checked.
 */
void
leadcrm_refuse_late_change(const Tracker *t, Relation rel, Datum key, bool update)
{
	char	   *row = leadcrm_describe_key(t, key);
	char	   *names = late_triggers(t, rel, update);

	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("\"%s\" or its companions were changed after the guard of table \"%s\" had checked them",
					t->column, get_rel_name(t->rootid)),
			 names[0] != '\0'
			 ? errdetail("%sTriggers that run after the guard: %s.", row, names)
			 : errdetail("%sNo trigger runs after the guard: it did not run, or was disabled.", row),
			 errhint("Give the trigger a name that sorts before \"~leadcrm_guard_%s\".", t->column),
			 err_tracked(t, t->column)));
}

/*
 * A BEFORE UPDATE trigger that sorts after a guard which records what it lets pass.  Always an error: the trigger could change it.
 */
void
leadcrm_refuse_late_trigger(const Tracker *t, Relation rel, Datum key)
{
	char	   *row = leadcrm_describe_key(t, key);

	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("a trigger could change \"%s\" after the guard of table \"%s\" has checked and recorded it", t->column,
					get_rel_name(t->rootid)),
			 errdetail("%sTriggers that run after the guard: %s.", row, late_triggers(t, rel, true)),
			 errhint("Give the trigger a name that sorts before \"~leadcrm_guard_%s\", or call leadcrm.retrack(): then a trigger checks and "
					 "records each row after it.", t->column),
			 err_tracked(t, t->column)));
}

/*
 * A state that is NULL.  Always an error: there is no state to go on from.
 */
void
leadcrm_refuse_null(const Tracker *t, Relation rel)
{
	ereport(ERROR,
			(errcode(ERRCODE_NOT_NULL_VIOLATION),
			 errmsg("column \"%s\" of tracked table \"%s\" must not be NULL", t->column, RelationGetRelationName(rel)),
			 TupleDescAttr(RelationGetDescr(rel), t->state_att - 1)->attnotnull
			 ? errhint("Set it to a state, or leave it out of the statement: a row without a state has no history.")
			 : errhint("ALTER TABLE ... ALTER COLUMN ... SET NOT NULL keeps it so; a row without a state has no history."),
			 err_tracked(t, t->column)));
}

/*
 * Checks a time that a statement gave for a change, in column att: a real one, and at most a minute ahead of the clock.  True where
 * it is not, and violations are only logged.
 */
bool
leadcrm_check_time(const Tracker *t, Datum key, AttrNumber att, TimestampTz given, TimestampTz now)
{
	if (likely(!TIMESTAMP_NOT_FINITE(given) && given <= now + USECS_PER_MINUTE))
		return false;
	leadcrm_refuse_since(t, key, get_attname(t->relid, att, false), given, false, now);
	return true;
}

/*
 * The number after a row's last change.  Error 22003 where there is none.
 */
int32
leadcrm_next_seq(const Tracker *t, int32 seq)
{
	int32		next;

	if (pg_add_s32_overflow(seq, 1, &next))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("\"%s_seq\" of \"%s\" is out of range", t->column, get_rel_name(t->rootid)),
				 err_tracked(t, psprintf("%s_seq", t->column))));
	return next;
}

/*
 * Whether a text holds nothing but spaces.
 */
bool
leadcrm_text_is_blank(Datum value)
{
	struct varlena *text = PG_DETOAST_DATUM_PACKED(value);
	const char *data = VARDATA_ANY(text);

	for (int i = 0; i < VARSIZE_ANY_EXHDR(text); i++)
		if (data[i] != ' ' && data[i] != '\t' && data[i] != '\n' && data[i] != '\r')
			return false;
	return true;
}

/*
 * A change of the key.  Always an error.
 */
void
leadcrm_refuse_key_change(const Tracker *t, Datum key)
{
	char	   *column = get_attname(t->relid, t->key_att, false);
	char	   *row = leadcrm_describe_key(t, key);

	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("the key \"%s\" of tracked table \"%s\" cannot be changed", column, get_rel_name(t->rootid)),
			 errdetail("%sThe history of \"%s\" is kept by it.", row, t->column),
			 errhint("Insert a new row and delete the old one; or keep the changing name in a column of its own."),
			 err_tracked(t, column)));
}

/*
 * A key that is NULL.  Always an error: its history would belong to nobody.
 */
void
leadcrm_refuse_null_key(const Tracker *t)
{
	char	   *column = get_attname(t->relid, t->key_att, false);

	ereport(ERROR,
			(errcode(ERRCODE_NOT_NULL_VIOLATION),
			 errmsg("the key \"%s\" of tracked table \"%s\" must not be NULL", column, get_rel_name(t->rootid)),
			 errhint("ALTER TABLE ... ALTER COLUMN ... SET NOT NULL keeps it so."),
			 err_tracked(t, column)));
}

/*
 * A row that is born with a key that lives already: in another partition, or where the primary key was dropped.
 */
void
leadcrm_refuse_second_life(const Tracker *t, Datum key)
{
	char	   *column = get_attname(t->relid, t->key_att, false);
	char	   *row = leadcrm_describe_key(t, key);

	ereport(ERROR,
			(errcode(ERRCODE_UNIQUE_VIOLATION),
			 errmsg("a row of \"%s\" with this key lives already", get_rel_name(t->rootid)),
			 errdetail("%sThe key \"%s\" of a tracked table is unique, also across partitions.", row, column),
			 err_tracked(t, column)));
}

/*
 * A row that a statement deletes and inserts again: which comes first is not to be told.
 */
void
leadcrm_refuse_replacement(const Tracker *t, Datum key)
{
	char	   *row = leadcrm_describe_key(t, key);

	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("a row of tracked table \"%s\" was deleted while it was being inserted again", get_rel_name(t->rootid)),
			 errdetail("%sOne statement can't do both, nor another transaction at the same time: the history numbers the row's end "
					   "before its new birth.", row),
			 errhint("Use UPDATE, or two statements; after another transaction, try again."),
			 err_tracked(t, t->column)));
}
