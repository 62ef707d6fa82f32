/*
 * history_target.c
 *		What a history table looks like, and whether rows can go straight into it.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/tableam.h"
#include "catalog/index.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "compat.h"
#include "tracker/cache.h"
#include "tracker/tracker.h"

static void
check_type(Relation hist, AttrNumber att, const char *name, Oid wanted, bool text_like)
{
	Oid			found = TupleDescAttr(RelationGetDescr(hist), att - 1)->atttypid;

	if (found == wanted || (text_like && (found == TEXTOID || found == VARCHAROID)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("column \"%s\" of history \"%s\" must be of type %s", name, RelationGetRelationName(hist),
					format_type_be(wanted)),
			 errdetail("It is of type %s.", format_type_be(found))));
}

static void
find_columns(Tracker *t, Relation hist)
{
	bool		text_state = !t->state_is_enum;
	const struct
	{
		const char *name;
		Oid			type;
		bool		text_like;
	}			wanted[HIST_NCOLUMNS] = {
		{get_attname(t->relid, t->key_att, false), t->key_type, false},
		{"seq", INT4OID, false},
		{"from_state", t->state_type, text_state},
		{"to_state", t->state_type, text_state},
		{"since", TIMESTAMPTZOID, false},
		{"changed_at", TIMESTAMPTZOID, false},
		{"reason", TEXTOID, true},
		{"actor", TEXTOID, true},
		{"session_role", TEXTOID, true},
		{"role", TEXTOID, true},
		{"origin", TEXTOID, true},
		{"forced", BOOLOID, false},
		{"corrects", INT4OID, false},
		{"recorded_at", TIMESTAMPTZOID, false},
	};

	for (int i = 0; i < HIST_NCOLUMNS; i++)
	{
		AttrNumber	att = get_attnum(RelationGetRelid(hist), wanted[i].name);

		if (att == InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("history \"%s\" has no column \"%s\"", RelationGetRelationName(hist), wanted[i].name),
					 errdetail("It was renamed or dropped, or the table was not made as a history."),
					 errhint("Rename it back; after renaming the key of the tracked table, call leadcrm.retrack().")));
		check_type(hist, att, wanted[i].name, wanted[i].type, wanted[i].text_like);
		t->hist_att[i] = att;
	}
	t->hist_natts = RelationGetDescr(hist)->natts;
}

static bool
is_tracker_column(const Tracker *t, AttrNumber attnum)
{
	for (int i = 0; i < HIST_NCOLUMNS; i++)
		if (t->hist_att[i] == attnum)
			return true;
	return false;
}

/* The primary key must be (key, seq): it keeps the sequence free of doubles, and finds a key's last row. */
static void
find_primary_key(Tracker *t, Relation hist)
{
	Relation	pk = NULL;

	/* fills rd_pkindex */
	list_free(RelationGetIndexList(hist));
	if (OidIsValid(hist->rd_pkindex))
		pk = index_open(hist->rd_pkindex, AccessShareLock);
	if (pk == NULL || pk->rd_index->indnkeyatts != 2 || !pk->rd_index->indimmediate ||
		pk->rd_index->indkey.values[0] != t->hist_att[HIST_KEY] ||
		pk->rd_index->indkey.values[1] != t->hist_att[HIST_SEQ])
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("history \"%s\" needs the primary key (%s, seq), not deferrable", RelationGetRelationName(hist),
						quote_identifier(get_attname(t->relid, t->key_att, false)))));
	t->hist_pk = RelationGetRelid(pk);
	t->key_eq = get_opcode(get_opfamily_member(pk->rd_opfamily[0], pk->rd_opcintype[0], pk->rd_opcintype[0],
											   BTEqualStrategyNumber));
	index_close(pk, AccessShareLock);
}

/* Whether an index needs nothing but column values. */
static bool
plain_index(Relation index)
{
	return index->rd_rel->relam == BTREE_AM_OID && index->rd_index->indimmediate && !index->rd_index->indisexclusion &&
		RelationGetIndexExpressions(index) == NIL && RelationGetIndexPredicate(index) == NIL;
}

/*
 * Whether nothing stands between a row and the table that the executor would have to do: triggers (but for our own
 * protection), constraints, defaults, generated columns, row security, rules, partitions, indexes on expressions.
 */
static bool
can_write_directly(Tracker *t, Relation hist)
{
	TupleDesc	desc = RelationGetDescr(hist);
	Oid			state_type;
	int32		state_typmod;
	Oid			state_collation;
	TriggerDesc *triggers = CopyTriggerDesc(hist->trigdesc);

	get_atttypetypmodcoll(t->relid, t->state_att, &state_type, &state_typmod, &state_collation);
	if (hist->rd_rel->relkind != RELKIND_RELATION || hist->rd_rel->relispartition || hist->rd_rel->relrowsecurity ||
		hist->rd_rules != NULL)
		return false;
	if (desc->constr && (desc->constr->num_check > 0 || desc->constr->num_defval > 0 || desc->constr->has_generated_stored))
		return false;
	for (int i = 0; triggers && i < triggers->numtriggers; i++)
		if (!leadcrm_is_trigger(&triggers->triggers[i], "protect_history") &&
			!leadcrm_is_trigger(&triggers->triggers[i], "refuse_truncate"))
			return false;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped)
			continue;
		if (att->attidentity || (att->attnotnull && !is_tracker_column(t, att->attnum)))
			return false;
		/* only a state may have a length, and then the tracked column's */
		if (att->atttypid == VARCHAROID && att->atttypmod >= 0 &&
			(att->attnum == t->hist_att[HIST_FROM] || att->attnum == t->hist_att[HIST_TO]
			 ? att->atttypmod != state_typmod
			 : is_tracker_column(t, att->attnum)))
			return false;
	}
	/* NOT NULL where the tracker may write NULL */
	for (int i = 0; i < HIST_NCOLUMNS; i++)
		if (TupleDescAttr(desc, t->hist_att[i] - 1)->attnotnull &&
			(i == HIST_FROM || i == HIST_TO || i == HIST_SINCE || i == HIST_REASON || i == HIST_ACTOR || i == HIST_CORRECTS))
			return false;
	return true;
}

static void
describe_indexes(Tracker *t, Relation hist)
{
	List	   *indexes = RelationGetIndexList(hist);
	ListCell   *lc;

	t->index_oids = MemoryContextAlloc(t->cxt, sizeof(Oid) * Max(list_length(indexes), 1));
	t->index_infos = MemoryContextAlloc(t->cxt, sizeof(IndexInfo *) * Max(list_length(indexes), 1));
	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		MemoryContext old = MemoryContextSwitchTo(t->cxt);
		IndexInfo  *info = BuildIndexInfo(index);

		MemoryContextSwitchTo(old);
		if (!plain_index(index))
			t->direct = false;
		if (info->ii_ReadyForInserts)
		{
			t->index_oids[t->nindexes] = RelationGetRelid(index);
			t->index_infos[t->nindexes++] = info;
		}
		index_close(index, AccessShareLock);
	}
	list_free(indexes);
}

/*
 * Finds the history's columns and indexes.  Errors: 42703, 42804, 55000 for a table that cannot be a history.
 */
void
leadcrm_history_describe(Tracker *t, Relation hist)
{
	if (hist->rd_rel->relkind != RELKIND_RELATION && hist->rd_rel->relkind != RELKIND_PARTITIONED_TABLE &&
		hist->rd_rel->relkind != RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table and cannot be a history", RelationGetRelationName(hist))));
	find_columns(t, hist);
	if (hist->rd_rel->relkind != RELKIND_FOREIGN_TABLE) /* a foreign table has no indexes of its own */
		find_primary_key(t, hist);
	t->direct = can_write_directly(t, hist);
	if (t->direct)
	{
		t->hist_slot_ops = table_slot_callbacks(hist);
		describe_indexes(t, hist);
	}
	/* the indexes have had a say too */
	t->batched &= t->direct;
}
