/*
 * rules.c
 *		The states of a tracked column and the steps between them that are allowed.
 *
 * States are compared by their image: an enum's OID, or a text's bytes whatever its collation says.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "compat.h"
#include "tracker/cache.h"
#include "tracker/tracker.h"

/* The order of states by image. */
static int
compare_values(bool is_enum, Datum a, Datum b)
{
	struct varlena *ta;
	struct varlena *tb;
	int			la;
	int			lb;
	int			cmp;

	if (is_enum)
	{
		Oid			oa = DatumGetObjectId(a);
		Oid			ob = DatumGetObjectId(b);

		return (oa > ob) - (oa < ob);
	}
	ta = PG_DETOAST_DATUM_PACKED(a);
	tb = PG_DETOAST_DATUM_PACKED(b);
	la = VARSIZE_ANY_EXHDR(ta);
	lb = VARSIZE_ANY_EXHDR(tb);
	cmp = la != lb ? (la > lb) - (la < lb) : memcmp(VARDATA_ANY(ta), VARDATA_ANY(tb), la);
	if ((Pointer) ta != DatumGetPointer(a))
		pfree(ta);
	if ((Pointer) tb != DatumGetPointer(b))
		pfree(tb);
	return cmp;
}

static int
compare_states(const void *a, const void *b, void *arg)
{
	return compare_values(((const Tracker *) arg)->state_is_enum,
						  ((const TrackedState *) a)->value, ((const TrackedState *) b)->value);
}

static int
compare_steps(const void *a, const void *b)
{
	const TrackedStep *sa = a;
	const TrackedStep *sb = b;

	if (sa->from != sb->from)
		return (sa->from > sb->from) - (sa->from < sb->from);
	return (sa->to > sb->to) - (sa->to < sb->to);
}

/*
 * Whether two values of the state column are the same, to the byte.
 */
bool
leadcrm_state_same(const Tracker *t, Datum a, Datum b)
{
	return datum_image_eq(a, b, t->state_byval, t->state_len);
}

/*
 * Whether two values of the key column are the same, to the byte.
 */
bool
leadcrm_key_same(const Tracker *t, Datum a, Datum b)
{
	return datum_image_eq(a, b, t->key_byval, t->key_len);
}

/*
 * Where in t->states a state stands; -1 if neither the rules nor a stamp column know it.
 */
int
leadcrm_state_index(const Tracker *t, Datum state)
{
	int			low = 0;
	int			high = t->nstates - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;
		int			cmp = compare_values(t->state_is_enum, state, t->states[middle].value);

		if (cmp == 0)
			return middle;
		if (cmp < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return -1;
}

/*
 * A state as text, palloc'ed.
 */
char *
leadcrm_state_label(const Tracker *t, Datum state)
{
	return OutputFunctionCall((FmgrInfo *) &t->state_out, state);
}

/*
 * Whether a row may go from one state to another (indexes into t->states; from = -1: be born), and whether it needs a
 * reason.  A state that no rule names can't be reached, except while the transitions were never filled.
 */
bool
leadcrm_step_allowed(const Tracker *t, int from, int to, bool *needs_reason)
{
	TrackedStep step;
	TrackedStep *found;

	*needs_reason = false;
	if (t->open)
		return true;
	if (to < 0)
		return false;
	step.from = from;
	step.to = to;
	found = bsearch(&step, t->steps, t->nsteps, sizeof(TrackedStep), compare_steps);
	if (found == NULL)
		return false;
	*needs_reason = found->needs_reason;
	return true;
}

/*
 * The column <state>_at timestamptz of a table, or InvalidAttrNumber.  One of another type or a generated one is the user's own
 * affair; track() warns of it.  One that belongs to another tracked column's state is that column's.
 */
AttrNumber
leadcrm_find_stamp(const Tracker *t, TupleDesc desc, const char *label)
{
	size_t		len = strlen(label);

	for (int i = 0; len < NAMEDATALEN && i < t->nclaims; i++)
		if (SearchSysCacheExists2(ENUMTYPOIDNAME, ObjectIdGetDatum(t->claims[i]), CStringGetDatum(label)))
			return InvalidAttrNumber;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		const char *name = NameStr(att->attname);

		if (!att->attisdropped && att->atttypid == TIMESTAMPTZOID && !att->attgenerated &&
			strncmp(name, label, len) == 0 && strcmp(name + len, "_at") == 0)
			return att->attnum;
	}
	return InvalidAttrNumber;
}

/*
 * The column that keeps the first entry into a state.  A text state that no rule names is looked up by name.
 */
AttrNumber
leadcrm_stamp_column(const Tracker *t, TupleDesc desc, int state, Datum value)
{
	if (state >= 0)
		return t->states[state].stamp;
	if (t->state_is_enum)
		return InvalidAttrNumber;
	return leadcrm_find_stamp(t, desc, leadcrm_state_label(t, value));
}

/*
 * Whether enum state a comes after b in the type's order.
 */
bool
leadcrm_later_state(const Tracker *t, Datum a, Datum b)
{
	int			ia = leadcrm_state_index(t, a);
	int			ib = leadcrm_state_index(t, b);

	return ia >= 0 && (ib < 0 || t->states[ia].position > t->states[ib].position);
}

static void
add_state(Tracker *t, int *allocated, Datum value, float4 position)
{
	TrackedState *state;
	MemoryContext old;

	if (t->nstates == *allocated)
	{
		*allocated *= 2;
		t->states = repalloc(t->states, sizeof(TrackedState) * *allocated);
	}
	old = MemoryContextSwitchTo(t->cxt);
	state = &t->states[t->nstates++];
	state->value = t->state_byval ? value : PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
	state->label = leadcrm_state_label(t, value);
	state->stamp = InvalidAttrNumber;
	state->position = position;
	MemoryContextSwitchTo(old);
}

/* All labels of an enum type, whether a rule names them or not. */
static void
add_enum_states(Tracker *t, int *allocated)
{
	Relation	pg_enum = table_open(EnumRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_enum_enumtypid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(t->state_type));
	scan = systable_beginscan(pg_enum, EnumTypIdLabelIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_enum label = (Form_pg_enum) GETSTRUCT(tuple);

		add_state(t, allocated, ObjectIdGetDatum(label->oid), label->enumsortorder);
	}
	systable_endscan(scan);
	table_close(pg_enum, AccessShareLock);
}

static AttrNumber
rule_column(const Tracker *t, Relation transitions, const char *name, Oid type)
{
	AttrNumber	att = get_attnum(RelationGetRelid(transitions), name);
	Oid			found;

	if (att == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("transitions table \"%s\" has no column \"%s\"", RelationGetRelationName(transitions), name),
				 errhint("It needs from_state and to_state of the state's type, and needs_reason boolean.")));
	found = TupleDescAttr(RelationGetDescr(transitions), att - 1)->atttypid;
	if (found != type && !(type != BOOLOID && !t->state_is_enum && (found == TEXTOID || found == VARCHAROID)))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of transitions table \"%s\" must be of type %s",
						name, RelationGetRelationName(transitions), format_type_be(type)),
				 errdetail("It is of type %s.", format_type_be(found))));
	return att;
}

/* A rule as it stands in the table. */
typedef struct RawRule
{
	bool		birth;
	Datum		from;
	Datum		to;
	bool		needs_reason;
} RawRule;

static int
read_rules(Tracker *t, Relation transitions, RawRule **rules)
{
	AttrNumber	from_att = rule_column(t, transitions, "from_state", t->state_type);
	AttrNumber	to_att = rule_column(t, transitions, "to_state", t->state_type);
	AttrNumber	reason_att = rule_column(t, transitions, "needs_reason", BOOLOID);
	int			n = 0;
	int			allocated = 64;
	Snapshot	snapshot;
	TableScanDesc scan;
	TupleTableSlot *slot;

	*rules = palloc(sizeof(RawRule) * allocated);

	/*
	 * The latest committed rules, also in a transaction whose snapshot is older: the tracker outlives the transaction, and the
	 * message that the rules changed comes only once.
	 */
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	slot = table_slot_create(transitions, NULL);
	scan = table_beginscan(transitions, snapshot, 0, NULL);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		RawRule    *rule;
		Datum		value;
		bool		isnull;

		value = slot_getattr(slot, to_att, &isnull);
		if (isnull)
			continue;			/* a step to nowhere allows nothing */
		if (n == allocated)
		{
			allocated *= 2;
			*rules = repalloc(*rules, sizeof(RawRule) * allocated);
		}
		rule = &(*rules)[n++];
		rule->to = datumCopy(value, t->state_byval, t->state_len);
		value = slot_getattr(slot, from_att, &rule->birth);
		rule->from = rule->birth ? (Datum) 0 : datumCopy(value, t->state_byval, t->state_len);
		value = slot_getattr(slot, reason_att, &isnull);
		rule->needs_reason = !isnull && DatumGetBool(value);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	return n;
}

/* The rows of a transitions table that track() made fire this trigger until the first one arrives. */
static bool
never_filled(Relation transitions)
{
	TriggerDesc *triggers = CopyTriggerDesc(transitions->trigdesc);

	for (int i = 0; triggers && i < triggers->numtriggers; i++)
		if (leadcrm_is_trigger(&triggers->triggers[i], "transitions_filled"))
			return triggers->triggers[i].tgenabled != TRIGGER_DISABLED;
	return false;
}

/*
 * Reads the states and the rules into t, in t->cxt.  Errors: 42703, 42804 for a transitions table of the wrong shape.
 */
void
leadcrm_rules_load(Tracker *t, Relation rel, Relation transitions)
{
	RawRule    *rules;
	int			nrules;
	int			allocated = 16;
	int			kept = 0;

	if (transitions->rd_rel->relkind != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not an ordinary table and cannot hold transitions", RelationGetRelationName(transitions)),
				 errhint("Call leadcrm.retrack() with the table that does.")));
	nrules = read_rules(t, transitions, &rules);
	t->states = MemoryContextAlloc(t->cxt, sizeof(TrackedState) * allocated);
	if (t->state_is_enum)
		add_enum_states(t, &allocated);
	else
		for (int i = 0; i < nrules; i++)
		{
			add_state(t, &allocated, rules[i].to, 0);
			if (!rules[i].birth)
				add_state(t, &allocated, rules[i].from, 0);
		}

	qsort_arg(t->states, t->nstates, sizeof(TrackedState), compare_states, t);
	for (int i = 0; i < t->nstates; i++)
		if (i == 0 || compare_states(&t->states[kept - 1], &t->states[i], t) != 0)
			t->states[kept++] = t->states[i];
	t->nstates = kept;

	t->open = nrules == 0 && never_filled(transitions);
	t->steps = MemoryContextAlloc(t->cxt, sizeof(TrackedStep) * Max(nrules, 1));
	for (int i = 0; i < nrules; i++)
	{
		TrackedStep *step = &t->steps[t->nsteps++];

		step->from = rules[i].birth ? -1 : leadcrm_state_index(t, rules[i].from);
		step->to = leadcrm_state_index(t, rules[i].to);
		step->needs_reason = rules[i].needs_reason;
	}
	qsort(t->steps, t->nsteps, sizeof(TrackedStep), compare_steps);
}
