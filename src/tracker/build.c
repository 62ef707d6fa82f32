/*
 * build.c
 *		Builds a tracker: finds columns, transitions and history by name, and checks that all of them belong together.
 *
 * It runs after every invalidation, not only in track(): whatever was renamed, dropped, replaced or given away since then is
 * found here, and is an error, never a change that goes unrecorded.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "compat.h"
#include "tracker/cache.h"
#include "tracker/tracker.h"

/*
 * Whether a trigger calls the function of that name in our schema.
 */
bool
leadcrm_is_trigger(const Trigger *trigger, const char *funcname)
{
	char	   *name = get_func_name(trigger->tgfoid);

	return name != NULL && strcmp(name, funcname) == 0 &&
		get_func_namespace(trigger->tgfoid) == get_namespace_oid("leadcrm", true);
}

/* The table that track() was called for: a trigger on a partition is a clone of the one on its parent. */
static Oid
tracked_root(Relation rel, Trigger *trigger)
{
	Oid			tgoid = trigger->tgoid;
	Oid			relid = RelationGetRelid(rel);
	Relation	pg_trigger;

	if (!trigger->tgisclone)
		return relid;

	pg_trigger = table_open(TriggerRelationId, AccessShareLock);
	while (OidIsValid(tgoid))
	{
		ScanKeyData key;
		SysScanDesc scan;
		HeapTuple	tuple;

		ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(tgoid));
		scan = systable_beginscan(pg_trigger, TriggerOidIndexId, true, NULL, 1, &key);
		tuple = systable_getnext(scan);
		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "could not find trigger %u", tgoid);
		relid = ((Form_pg_trigger) GETSTRUCT(tuple))->tgrelid;
		tgoid = ((Form_pg_trigger) GETSTRUCT(tuple))->tgparentid;
		systable_endscan(scan);
	}
	table_close(pg_trigger, AccessShareLock);
	return relid;
}

static void
column_missing(Relation rel, const char *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" of tracked table \"%s\" does not exist", column, RelationGetRelationName(rel)),
			 errdetail("It was renamed or dropped after leadcrm.track()."),
			 errhint("Rename it back, or call leadcrm.retrack().")));
}

/* A companion's or a stamp's column, of the type that it must have; InvalidAttrNumber if there is none. */
static AttrNumber
find_column(Relation rel, const char *name, Oid type)
{
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped || strcmp(NameStr(att->attname), name) != 0)
			continue;
		if (OidIsValid(type) && att->atttypid != type)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" of tracked table \"%s\" must be of type %s",
							name, RelationGetRelationName(rel), format_type_be(type)),
					 errdetail("It is of type %s.", format_type_be(att->atttypid)),
					 errtablecol(rel, att->attnum)));
		if (att->attgenerated)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("column \"%s\" of tracked table \"%s\" must not be a generated column",
							name, RelationGetRelationName(rel)),
					 errtablecol(rel, att->attnum)));
		return att->attnum;
	}
	return InvalidAttrNumber;
}

static AttrNumber
find_companion(Relation rel, const char *column, const char *suffix, Oid type, bool required)
{
	char	   *name = psprintf("%s%s", column, suffix);
	AttrNumber	att = find_column(rel, name, type);

	if (att == InvalidAttrNumber && required)
		column_missing(rel, name);
	return att;
}

static void
find_columns(Tracker *t, Relation rel, const char *key)
{
	Form_pg_attribute att;
	bool		varlena;
	Oid			out;

	t->state_att = find_column(rel, t->column, InvalidOid);
	if (t->state_att == InvalidAttrNumber)
		column_missing(rel, t->column);
	att = TupleDescAttr(RelationGetDescr(rel), t->state_att - 1);
	t->state_type = att->atttypid;
	t->state_len = att->attlen;
	t->state_byval = att->attbyval;
	t->state_is_enum = type_is_enum(att->atttypid);
	if (!t->state_is_enum && att->atttypid != TEXTOID && att->atttypid != VARCHAROID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of table \"%s\" cannot be tracked", t->column, RelationGetRelationName(rel)),
				 errdetail("A state is an enum, text or varchar, not %s.", format_type_be(att->atttypid)),
				 errtablecol(rel, t->state_att)));
	getTypeOutputInfo(t->state_type, &out, &varlena);
	fmgr_info_cxt(out, &t->state_out, t->cxt);

	t->key_att = find_column(rel, key, InvalidOid);
	if (t->key_att == InvalidAttrNumber)
		column_missing(rel, key);
	att = TupleDescAttr(RelationGetDescr(rel), t->key_att - 1);
	t->key_type = att->atttypid;
	if (getBaseType(t->key_type) >= FirstNormalObjectId)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the key \"%s\" of table \"%s\" is of type %s", key, RelationGetRelationName(rel),
						format_type_be(t->key_type)),
				 errdetail("A key is of a type that PostgreSQL brings along, such as integer, bigint, uuid or text: others have casts "
						   "and operators that anybody may have written.")));
	t->key_collation = att->attcollation;
	t->key_len = att->attlen;
	t->key_byval = att->attbyval;
	getTypeOutputInfo(t->key_type, &out, &varlena);
	fmgr_info_cxt(out, &t->key_out, t->cxt);

	t->since_att = find_companion(rel, t->column, "_since", TIMESTAMPTZOID, true);
	t->reason_att = find_companion(rel, t->column, "_reason", TEXTOID, true);
	t->seq_att = find_companion(rel, t->column, "_seq", INT4OID, true);
	if (t->state_is_enum)
		t->peak_att = find_companion(rel, t->column, "_peak", t->state_type, false);

	/* nobody's stamp: only read and filled where it is what it seems */
	t->created_att = get_attnum(RelationGetRelid(rel), "created_at");
	if (t->created_att != InvalidAttrNumber)
	{
		att = TupleDescAttr(RelationGetDescr(rel), t->created_att - 1);
		if (att->atttypid != TIMESTAMPTZOID || att->attgenerated)
			t->created_att = InvalidAttrNumber;
	}
}

/* Stamp columns of the states that are known, in the states' order. */
static int
by_position(const void *a, const void *b, void *arg)
{
	const TrackedState *states = arg;
	float4		pa = states[*(const int *) a].position;
	float4		pb = states[*(const int *) b].position;

	return (pa > pb) - (pa < pb);
}

/*
 * Two tracked columns may know a state of one name, but the stamp belongs to one: to an enum rather than a text, to the first of
 * two enums.
 */
static void
find_claims(Tracker *t, Relation rel)
{
	TriggerDesc *triggers = CopyTriggerDesc(rel->trigdesc);

	t->claims = MemoryContextAlloc(t->cxt, sizeof(Oid) * Max(triggers->numtriggers, 1));
	for (int i = 0; i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];
		AttrNumber	att;
		Oid			type;

		if (trigger->tgnargs != TRIGARG_COUNT || strcmp(trigger->tgargs[TRIGARG_COLUMN], t->column) == 0 ||
			!leadcrm_is_trigger(trigger, "guard"))
			continue;
		att = get_attnum(RelationGetRelid(rel), trigger->tgargs[TRIGARG_COLUMN]);
		type = att == InvalidAttrNumber ? InvalidOid : get_atttype(RelationGetRelid(rel), att);
		if (OidIsValid(type) && type_is_enum(type) && (!t->state_is_enum || strcmp(trigger->tgargs[TRIGARG_COLUMN], t->column) < 0))
			t->claims[t->nclaims++] = type;
	}
}

static void
find_stamps(Tracker *t, Relation rel)
{
	t->stamped = MemoryContextAlloc(t->cxt, sizeof(int) * Max(t->nstates, 1));
	for (int i = 0; i < t->nstates; i++)
	{
		TrackedState *state = &t->states[i];

		state->stamp = leadcrm_find_stamp(t, RelationGetDescr(rel), state->label);
		if (state->stamp == InvalidAttrNumber)
			continue;
		if (!t->state_is_enum)
			state->position = state->stamp;
		if (state->stamp == t->created_att)
			t->created_att = InvalidAttrNumber;
		t->stamped[t->nstamped++] = i;
		t->max_att = Max(t->max_att, state->stamp);
	}
	qsort_arg(t->stamped, t->nstamped, sizeof(int), by_position, t->states);
}

/* The transitions or the history: by the name in the trigger's argument, in the tracked table's schema unless qualified. */
static Relation
open_by_name(Tracker *t, const char *what, const char *arg, void (*depends) (Oid relid, void *arg), void *deparg)
{
	Oid			relid = leadcrm_table_by_argument(arg, t->rootid);
	Relation	rel = OidIsValid(relid) ? try_relation_open(relid, AccessShareLock) : NULL;

	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("the %s of column \"%s\" of table \"%s\", \"%s\", does not exist",
						what, t->column, get_rel_name(t->rootid), arg),
				 errdetail("It was renamed, moved or dropped after leadcrm.track()."),
				 errhint("Call leadcrm.retrack().")));
	depends(relid, deparg);

	if (rel->rd_rel->relowner != t->owner)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the %s \"%s\" does not belong to the owner of table \"%s\"",
						what, RelationGetRelationName(rel), get_rel_name(t->rootid)),
				 errdetail("The tracker writes and reads it with the rights of the tracked table's owner, \"%s\".",
						   GetUserNameFromId(t->owner, true)),
				 errhint("ALTER TABLE ... OWNER TO makes all three belong to one role.")));
	return rel;
}

/* A guard whose partner is gone would let changes pass unrecorded. */
static void
check_triggers(Tracker *t, Relation rel)
{
	TriggerDesc *triggers = CopyTriggerDesc(rel->trigdesc);	/* a look at the catalogs may rebuild the relation's */
	bool		guard_seen = false;
	bool		records_insert = false;
	bool		records_rows = false;
	bool		records_statements = false;
	bool		records_delete = false;
	bool		writes = false;
	bool		all_alike = true;

	t->guard_enabled = TRIGGER_DISABLED;
	for (int i = 0; triggers && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];
		bool		ours = trigger->tgnargs == TRIGARG_COUNT && strcmp(trigger->tgargs[TRIGARG_COLUMN], t->column) == 0;

		if (ours)
			all_alike &= trigger->tgenabled == TRIGGER_FIRES_ON_ORIGIN;
		if (ours && leadcrm_is_trigger(trigger, "record"))
		{
			records_insert |= TRIGGER_FOR_INSERT(trigger->tgtype);
			records_rows |= TRIGGER_FOR_UPDATE(trigger->tgtype) && TRIGGER_FOR_ROW(trigger->tgtype);
			records_statements |= TRIGGER_FOR_UPDATE(trigger->tgtype) && !TRIGGER_FOR_ROW(trigger->tgtype);
			records_delete |= TRIGGER_FOR_DELETE(trigger->tgtype);
		}
		else if (ours && leadcrm_is_trigger(trigger, "guard"))
		{
			guard_seen = true;
			t->guard_enabled = trigger->tgenabled;
		}
		else if (leadcrm_is_trigger(trigger, "write_history"))
			writes |= trigger->tgenabled == TRIGGER_FIRES_ON_ORIGIN && TRIGGER_FOR_AFTER(trigger->tgtype) &&
				!TRIGGER_FOR_ROW(trigger->tgtype) && TRIGGER_FOR_INSERT(trigger->tgtype) &&
				TRIGGER_FOR_UPDATE(trigger->tgtype) && TRIGGER_FOR_DELETE(trigger->tgtype);
		else if (guard_seen && TRIGGER_FOR_BEFORE(trigger->tgtype) && TRIGGER_FOR_ROW(trigger->tgtype) &&
				 trigger->tgenabled != TRIGGER_DISABLED && !leadcrm_is_trigger(trigger, "guard"))
		{
			t->late_insert |= TRIGGER_FOR_INSERT(trigger->tgtype);
			t->late_update |= TRIGGER_FOR_UPDATE(trigger->tgtype);
		}
	}
	if (!records_insert || !(records_rows || records_statements) || !records_delete)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a trigger that records column \"%s\" of table \"%s\" is missing", t->column,
						RelationGetRelationName(rel)),
				 errdetail("Without it a change would leave no history."),
				 errhint("Call leadcrm.retrack().")));
	/* A statement may name a partition, or what the table is a part of: then the table's own statement triggers don't fire. */
	t->batched = writes && all_alike && t->relid == t->rootid && !has_superclass(t->relid);
	t->guard_records = records_statements;
	/* a row that moves to another partition would look as if it had been deleted and born */
	if (t->guard_records && rel->rd_rel->relispartition)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the triggers of column \"%s\" don't fit table \"%s\" any more", t->column, RelationGetRelationName(rel)),
				 errdetail("It became a partition after leadcrm.track()."),
				 errhint("Call leadcrm.retrack().")));
}

/*
 * Fills a tracker for one relation from the arguments of one of its triggers.  All that lasts is allocated in t->cxt;
 * "depends" is told every relation that the tracker was built from, before it is read.  Errors: 42703 for what is not found
 * by its name, 42804 for a wrong type, 42501 for what belongs to somebody else, 55000 for a missing trigger.
 */
void
leadcrm_tracker_build(Tracker *t, Relation rel, Trigger *trigger, void (*depends) (Oid relid, void *arg), void *arg)
{
	Relation	transitions;
	Relation	history;
	HeapTuple	tuple;

	t->relid = RelationGetRelid(rel);
	t->column = MemoryContextStrdup(t->cxt, trigger->tgargs[TRIGARG_COLUMN]);
	t->rootid = tracked_root(rel, trigger);
	if (t->rootid != t->relid)
		depends(t->rootid, arg);
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(t->rootid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", t->rootid);
	t->owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);

	find_columns(t, rel, trigger->tgargs[TRIGARG_KEY]);
	check_triggers(t, rel);
	find_claims(t, rel);

	transitions = open_by_name(t, "transitions table", trigger->tgargs[TRIGARG_TRANSITIONS], depends, arg);
	t->transitions = RelationGetRelid(transitions);
	leadcrm_rules_load(t, rel, transitions);
	relation_close(transitions, AccessShareLock);

	find_stamps(t, rel);
	if (t->state_is_enum)
	{
		AttrNumber	last[] = {t->state_att, t->key_att, t->since_att, t->reason_att, t->seq_att, t->peak_att, t->created_att};

		for (int i = 0; i < lengthof(last); i++)
			t->max_att = Max(t->max_att, last[i]);
	}
	else						/* any column may be the stamp of a state that no rule names */
		t->max_att = RelationGetDescr(rel)->natts;

	history = open_by_name(t, "history", trigger->tgargs[TRIGARG_HISTORY], depends, arg);
	t->history = RelationGetRelid(history);
	leadcrm_history_describe(t, history);
	relation_close(history, AccessShareLock);
}
