/*
 * shape.c
 *		What the arguments of a counting trigger say, kept by table.
 *
 * Arguments are NAME=VALUE, in any order: delta, zone=TABLE.COLUMN, unless, born, state, peak, since, over=COLUMN:VALUE, over_since,
 * value, keys=COLUMN,..., entered=COLUMN,... in the order of the states; check is for leadcrm.verify(), recount for leadcrm.repair().
 * All but these two and over_since are needed.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "compat.h"
#include "cube/cube.h"
#include "tracker/cache.h"

typedef struct ShapeEntry
{
	Oid			relid;			/* hash key */
	bool		valid;
	CubeShape  *shape;			/* NULL: none yet */
	Oid			delta;			/* what else it depends on */
	Oid			zone_rel;
} ShapeEntry;

static HTAB *shapes = NULL;

/* Marks, never frees: somebody up the stack may hold it. */
static void
relation_changed(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS scan;
	ShapeEntry *entry;

	hash_seq_init(&scan, shapes);
	while ((entry = hash_seq_search(&scan)) != NULL)
		if (!OidIsValid(relid) || relid == entry->relid || relid == entry->delta || relid == entry->zone_rel)
			entry->valid = false;
}

static void
enum_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	relation_changed(arg, InvalidOid);
}

/*
 * Called once, when the module is loaded.
 */
void
leadcrm_cube_init(void)
{
	HASHCTL		ctl = {0};

	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(ShapeEntry);
	shapes = hash_create("leadcrm cubes", 16, &ctl, HASH_ELEM | HASH_BLOBS);
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(ENUMOID, enum_changed, (Datum) 0);
	leadcrm_tally_init();
}

/* The value of an argument, NULL where it has none; it lives as long as the trigger's arguments. */
static const char *
optional_argument(const Trigger *trigger, const char *name)
{
	size_t		len = strlen(name);

	for (int i = 0; i < trigger->tgnargs; i++)
		if (strncmp(trigger->tgargs[i], name, len) == 0 && trigger->tgargs[i][len] == '=')
			return trigger->tgargs[i] + len + 1;
	return NULL;
}

static const char *
argument(const Trigger *trigger, Relation rel, const char *name)
{
	const char *value = optional_argument(trigger, name);

	if (value == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" of table \"%s\" has no argument \"%s\"", trigger->tgname, RelationGetRelationName(rel), name)));
	return value;
}

static AttrNumber
column(Relation rel, const char *name, Oid wanted)
{
	AttrNumber	att = get_attnum(RelationGetRelid(rel), name);

	if (att <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table \"%s\" has no column \"%s\"", RelationGetRelationName(rel), name),
				 errdetail("Its rows are counted by that column; it was renamed or dropped."),
				 errhint("Give it its name back, or drop the trigger that counts and call leadcrm.upgrade_workspace().")));
	if (OidIsValid(wanted) && TupleDescAttr(RelationGetDescr(rel), att - 1)->atttypid != wanted)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of table \"%s\" must be of type %s", name, RelationGetRelationName(rel), format_type_be(wanted)),
				 errdetail("It is of type %s.",
						   format_type_be(TupleDescAttr(RelationGetDescr(rel), att - 1)->atttypid))));
	return att;
}

/* Columns separated by commas. */
static int
columns(Relation rel, const char *names, Oid wanted, AttrNumber *att, int room)
{
	char	   *copy = pstrdup(names);
	char	   *rest = NULL;
	int			n = 0;

	for (char *name = strtok_r(copy, ",", &rest); name != NULL; name = strtok_r(NULL, ",", &rest))
	{
		if (n == room)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("rows of table \"%s\" are counted by more than %d columns", RelationGetRelationName(rel), room)));
		att[n++] = column(rel, name, wanted);
	}
	pfree(copy);
	return n;
}

/* A table beside the counted one, of the same owner: what is written there is written without asking for rights. */
static Oid
companion_table(Relation rel, const char *name)
{
	Oid			relid = leadcrm_table_by_argument(name, RelationGetRelid(rel));
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class form;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("there is no table \"%s\", which the counting of \"%s\" needs", name, RelationGetRelationName(rel))));
	form = (Form_pg_class) GETSTRUCT(tuple);
	if (form->relkind != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\", which the counting of \"%s\" needs, is not an ordinary table", name, RelationGetRelationName(rel))));
	if (form->relowner != rel->rd_rel->relowner)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("tables \"%s\" and \"%s\" must have the same owner", name, RelationGetRelationName(rel))));
	ReleaseSysCache(tuple);
	return relid;
}

typedef struct Label
{
	Oid			oid;
	float4		order;
} Label;

static int
by_order(const void *a, const void *b)
{
	float4		x = ((const Label *) a)->order;
	float4		y = ((const Label *) b)->order;

	return (x > y) - (x < y);
}

/* The labels of the state's enum, in their order. */
static void
find_states(CubeShape *s, Relation rel)
{
	Oid			type = TupleDescAttr(RelationGetDescr(rel), s->state_att - 1)->atttypid;
	CatCList   *list;
	Label	   *labels;

	if (!type_is_enum(type) || TupleDescAttr(RelationGetDescr(rel), s->peak_att - 1)->atttypid != type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("state and peak of the rows of table \"%s\" must be of one enum type", RelationGetRelationName(rel))));
	list = SearchSysCacheList1(ENUMTYPOIDNAME, ObjectIdGetDatum(type));
	if (list->n_members > CUBE_MAX_STATES)
	{
		ReleaseCatCacheList(list);
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("rows of table \"%s\" cannot be counted by more than %d states", RelationGetRelationName(rel), CUBE_MAX_STATES)));
	}
	labels = palloc(sizeof(Label) * Max(list->n_members, 1));
	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_enum label = (Form_pg_enum) GETSTRUCT(&list->members[i]->tuple);

		labels[i].oid = label->oid;
		labels[i].order = label->enumsortorder;
	}
	s->nstates = list->n_members;
	ReleaseCatCacheList(list);
	qsort(labels, s->nstates, sizeof(Label), by_order);
	for (int i = 0; i < s->nstates; i++)
		s->state_oid[i] = labels[i].oid;
	pfree(labels);
}

static void
find_zone(CubeShape *s, Relation rel, const char *where)
{
	const char *dot = strrchr(where, '.');
	Relation	zone_rel;

	if (dot == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("\"%s\" does not say which column holds the time zone", where)));
	s->zone_rel = companion_table(rel, pnstrdup(where, dot - where));
	zone_rel = table_open(s->zone_rel, AccessShareLock);
	s->zone_att = column(zone_rel, dot + 1, TEXTOID);
	table_close(zone_rel, NoLock);
}

static void
find_over(CubeShape *s, Relation rel, const char *what)
{
	const char *colon = strchr(what, ':');

	if (colon == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("\"%s\" does not say which value of which column ends a row's way", what)));
	s->over_att = column(rel, pnstrdup(what, colon - what), TEXTOID);
	s->over_value = MemoryContextStrdup(s->cxt, colon + 1);
	s->over_len = strlen(s->over_value);
}

static void
find_delta(CubeShape *s, Relation rel, const char *name)
{
	Relation	delta;

	s->delta = companion_table(rel, name);
	delta = table_open(s->delta, AccessShareLock);
	s->delta_id_att = column(delta, "delta_id", UUIDOID);
	s->first_day_att = column(delta, "first_day", DATEOID);
	s->last_day_att = column(delta, "last_day", DATEOID);
	s->changes_att = column(delta, "changes", BYTEAOID);
	s->delta_natts = RelationGetDescr(delta)->natts;
	table_close(delta, NoLock);
}

static void
build(CubeShape *s, Relation rel, const Trigger *trigger)
{
	s->relid = RelationGetRelid(rel);
	s->unless_att = column(rel, argument(trigger, rel, "unless"), InvalidOid);
	s->born_att = column(rel, argument(trigger, rel, "born"), TIMESTAMPTZOID);
	s->state_att = column(rel, argument(trigger, rel, "state"), InvalidOid);
	s->peak_att = column(rel, argument(trigger, rel, "peak"), InvalidOid);
	s->since_att = column(rel, argument(trigger, rel, "since"), TIMESTAMPTZOID);
	s->value_att = column(rel, argument(trigger, rel, "value"), NUMERICOID);
	find_over(s, rel, argument(trigger, rel, "over"));
	/* a trigger of an earlier version does not say it */
	if (optional_argument(trigger, "over_since") != NULL)
		s->over_since_att = column(rel, optional_argument(trigger, "over_since"), TIMESTAMPTZOID);
	find_states(s, rel);
	s->nkeys = columns(rel, argument(trigger, rel, "keys"), InvalidOid, s->key_att, CUBE_MAX_KEYS);
	for (int i = 0; i < s->nkeys; i++)
	{
		Oid			type = TupleDescAttr(RelationGetDescr(rel), s->key_att[i] - 1)->atttypid;
		Oid			out;
		bool		varlena;

		s->key_is_text[i] = type == TEXTOID || type == VARCHAROID;
		s->key_by_value[i] = TupleDescAttr(RelationGetDescr(rel), s->key_att[i] - 1)->attbyval;
		s->key_len[i] = TupleDescAttr(RelationGetDescr(rel), s->key_att[i] - 1)->attlen;
		getTypeOutputInfo(type, &out, &varlena);
		fmgr_info_cxt(out, &s->key_out[i], s->cxt);
	}
	s->nentered = columns(rel, argument(trigger, rel, "entered"), TIMESTAMPTZOID, s->entered_att, CUBE_MAX_ENTERED);
	find_zone(s, rel, argument(trigger, rel, "zone"));
	find_delta(s, rel, argument(trigger, rel, "delta"));

	s->max_att = Max(Max(Max(s->unless_att, s->born_att), Max(s->state_att, s->peak_att)),
					 Max(Max(s->since_att, s->over_att), Max(s->over_since_att, s->value_att)));
	for (int i = 0; i < s->nkeys; i++)
		s->max_att = Max(s->max_att, s->key_att[i]);
	for (int i = 0; i < s->nentered; i++)
		s->max_att = Max(s->max_att, s->entered_att[i]);
}

/*
 * What a trigger counts by.  Valid until the end of the transaction at least.  Errors: whatever of what its arguments name is
 * missing, of another type or of another owner.
 */
const CubeShape *
leadcrm_cube_shape(Relation rel, const Trigger *trigger)
{
	Oid			relid = RelationGetRelid(rel);
	bool		found;
	ShapeEntry *entry = hash_search(shapes, &relid, HASH_ENTER, &found);
	MemoryContext cxt;
	CubeShape  *shape;

	if (!found)
	{
		entry->valid = false;
		entry->shape = NULL;
		entry->delta = entry->zone_rel = InvalidOid;
	}
	if (likely(entry->valid && entry->shape != NULL))
		return entry->shape;

	if (entry->shape != NULL)
	{
		MemoryContextSetParent(entry->shape->cxt, TopTransactionContext);
		entry->shape = NULL;
	}
	/* an invalidation that arrives from here on finds what it must mark */
	entry->valid = true;
	entry->delta = leadcrm_table_by_argument(argument(trigger, rel, "delta"), relid);
	cxt = AllocSetContextCreate(CurrentMemoryContext, "leadcrm cube", ALLOCSET_SMALL_SIZES);
	shape = MemoryContextAllocZero(cxt, sizeof(CubeShape));
	shape->cxt = cxt;
	build(shape, rel, trigger);
	entry->delta = shape->delta;
	entry->zone_rel = shape->zone_rel;
	MemoryContextSetParent(cxt, CacheMemoryContext);
	entry->shape = shape;
	return shape;
}

/*
 * The trigger that counts a table's rows, copied into the current memory context; NULL where it has none.
 */
Trigger *
leadcrm_cube_trigger(Relation rel)
{
	/* a look at the catalogs may rebuild the relation's */
	TriggerDesc *triggers = CopyTriggerDesc(rel->trigdesc);

	for (int i = 0; triggers && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (TRIGGER_FOR_ROW(trigger->tgtype) && leadcrm_is_trigger(trigger, "count_cells"))
			return trigger;
	}
	return NULL;
}
