/*
 * tally.c
 *		What the statement at hand takes from the cells and adds to them.
 *
 * A few changes are kept as they are: one delta then serves all cubes.  Beyond that they are added up by cell in a hash table,
 * for each cube by itself, so that a load of a million rows leaves few deltas; its size is bounded, too.
 *
 * A tally belongs to the subtransaction that it counts for: what is rolled back is forgotten, and a statement inside a trigger
 * never writes what belongs to the statement outside.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "executor/tuptable.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "cube/cube.h"

#define MAX_CHANGES 32			/* kept as they are */
#define MAX_CELLS 100000		/* added up before they are written, in a statement */
#define MAX_CODES 500			/* in one delta */

/* A key's text, numbered: cells hold the number. */
typedef struct KeyText
{
	const char *text;			/* ends with a zero byte */
	int			len;
} KeyText;

typedef struct Key
{
	KeyText		key;
	uint32		hash;
	int32		id;
	char		status;
} Key;

#define SH_PREFIX keyset
#define SH_ELEMENT_TYPE Key
#define SH_KEY_TYPE KeyText
#define SH_KEY key
#define SH_HASH_KEY(tb, key) hash_bytes((const unsigned char *) (key).text, (key).len)
#define SH_EQUAL(tb, a, b) ((a).len == (b).len && memcmp((a).text, (b).text, (a).len) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (a)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef struct CellKey
{
	int32		cube;			/* 0: by day; then one for each key */
	DateADT		period;
	int64		code;
	int32		key;			/* id; 0 in the cube by day */
} CellKey;

typedef struct Cell
{
	CellKey		key;
	uint32		hash;
	char		status;
	Sums		sums;
} Cell;

#define SH_PREFIX cellset
#define SH_ELEMENT_TYPE Cell
#define SH_KEY_TYPE CellKey
#define SH_KEY key
#define SH_HASH_KEY(tb, key) \
	hash_combine((uint32) ((uint64) (key).code * UINT64CONST(0x9E3779B97F4A7C15) >> 32), \
				 murmurhash32((uint32) (key).period ^ ((uint32) (key).key * 0x9E3779B1U + (uint32) (key).cube)))
#define SH_EQUAL(tb, a, b) ((a).code == (b).code && (a).period == (b).period && (a).key == (b).key && (a).cube == (b).cube)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (a)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* A change kept as it is. */
typedef struct Change
{
	DateADT		day;
	int32		keys[CUBE_MAX_KEYS];
	int64		code;
	Sums		sums;
} Change;

struct Tally
{
	Tally	   *next;
	MemoryContext cxt;			/* a child of TopTransactionContext; holds this struct and all that it points to */
	SubTransactionId subid;
	const CubeShape *shape;
	pg_tz	   *zone;			/* NULL: not looked up yet */
	uint32		max_cells;

	int			nchanges;
	Change		changes[MAX_CHANGES];
	cellset_hash *cells;		/* NULL: the changes are all there is */

	/* keys by text; up to a few are looked for one by one, as most statements have no more */
	int32		nkeys;
	int32		roomkeys;
	KeyText    *keys;			/* by id */
	keyset_hash *keyset;
};

static Tally *tallies = NULL;

/* The tally of the subtransaction at hand for a table, made when there is none. */
Tally *
leadcrm_tally_for(const CubeShape *shape)
{
	SubTransactionId subid = GetCurrentSubTransactionId();
	MemoryContext cxt;
	Tally	   *t;

	for (t = tallies; t != NULL; t = t->next)
		if (t->subid == subid && t->shape->relid == shape->relid)
			return t;

	cxt = AllocSetContextCreate(TopTransactionContext, "leadcrm tally", ALLOCSET_DEFAULT_SIZES);
	t = MemoryContextAlloc(cxt, sizeof(Tally));
	t->cxt = cxt;
	t->subid = subid;
	t->shape = shape;
	t->zone = NULL;
	t->max_cells = MAX_CELLS;
	t->nchanges = 0;
	t->cells = NULL;
	t->roomkeys = 16;
	t->keys = MemoryContextAlloc(cxt, sizeof(KeyText) * t->roomkeys);
	t->keys[0].text = "";
	t->keys[0].len = 0;
	t->nkeys = 1;
	t->keyset = NULL;
	t->next = tallies;
	tallies = t;
	return t;
}

/*
 * Lets a tally grow to so many kilobytes before it is written.
 */
void
leadcrm_tally_room(Tally *t, int kilobytes)
{
	/* a table half empty, and twice that while it grows */
	t->max_cells = Max(MAX_CELLS, (int64) kilobytes * 1024 / (4 * (int64) sizeof(Cell)));
}

/*
 * The number of a key's text, which need not end with a zero byte.
 */
int32
leadcrm_tally_key(Tally *t, const char *text, int len)
{
	KeyText		key = {text, len};
	Key		   *found;
	bool		known;

	if (t->keyset == NULL)
	{
		for (int32 i = 0; i < t->nkeys; i++)
			if (t->keys[i].len == len && memcmp(t->keys[i].text, text, len) == 0)
				return i;
		if (t->nkeys == t->roomkeys)
		{
			t->keyset = keyset_create(t->cxt, 4 * t->roomkeys, NULL);
			for (int32 i = 0; i < t->nkeys; i++)
				keyset_insert(t->keyset, t->keys[i], &known)->id = i;
		}
	}
	else if ((found = keyset_lookup(t->keyset, key)) != NULL)
		return found->id;

	if (t->nkeys == t->roomkeys)
	{
		t->roomkeys *= 2;
		t->keys = repalloc(t->keys, sizeof(KeyText) * t->roomkeys);
	}
	key.text = MemoryContextStrdup(t->cxt, pnstrdup(text, len));
	t->keys[t->nkeys] = key;
	if (t->keyset != NULL)
		keyset_insert(t->keyset, key, &known)->id = t->nkeys;
	return t->nkeys++;
}

/*
 * The time zone that days are counted in: what the settings say now, not what they said when a snapshot was taken, as
 * whoever changes it locks the table and counts anew.  Errors: 55000 no setting, 22023 no such zone.
 */
pg_tz *
leadcrm_tally_zone(Tally *t)
{
	Relation	rel;
	TupleTableSlot *slot;
	Snapshot	snapshot;
	TableScanDesc scan;

	if (t->zone != NULL)
		return t->zone;
	rel = table_open(t->shape->zone_rel, AccessShareLock);
	slot = table_slot_create(rel, NULL);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	scan = table_beginscan(rel, snapshot, 0, NULL);
	if (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		Datum		name = slot_getattr(slot, t->shape->zone_att, &isnull);

		if (!isnull)
		{
			char	   *zone = TextDatumGetCString(name);

			t->zone = pg_tzset(zone);
			if (t->zone == NULL)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("time zone \"%s\" not recognized", zone)));
		}
	}
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(slot);
	if (t->zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" does not say the time zone", RelationGetRelationName(rel)),
				 errdetail("Rows are counted by the day that they were born on.")));
	table_close(rel, NoLock);
	return t->zone;
}

static DateADT
month_of(DateADT day)
{
	int			y;
	int			m;
	int			d;

	if (DATE_NOT_FINITE(day))
		return day;
	j2date(day + POSTGRES_EPOCH_JDATE, &y, &m, &d);
	return date2j(y, m, 1) - POSTGRES_EPOCH_JDATE;
}

static void
add_cell(Tally *t, int cube, DateADT period, int32 key, int64 code, const Sums *sums)
{
	CellKey		place = {cube, period, code, key};
	bool		found;
	Cell	   *cell = cellset_insert(t->cells, place, &found);

	if (!found)
		memset(&cell->sums, 0, sizeof(Sums));
	leadcrm_sums_add(t->cxt, &cell->sums, sums, code);
}

/* A change, in every cube.  Only what is counted by period carries one where there is another key; stamps have no key. */
static void
add_cells(Tally *t, const Change *c)
{
	int			kind = CELL_KIND(c->code);
	DateADT		period = kind == CELL_PLACE ? month_of(c->day) : DATEVAL_NOBEGIN;

	add_cell(t, 0, c->day, 0, c->code, &c->sums);
	if (kind == CELL_ENTERED)
		return;
	for (int i = 0; i < t->shape->nkeys; i++)
		add_cell(t, i + 1, period, c->keys[i], c->code, &c->sums);
}

static void write_cells(Tally *t);

/*
 * One row more (sign 1) or less (-1) in the cells of a code.  value: whose value counts, NULL for none; us: the time of a
 * CELL_STAY.
 */
void
leadcrm_tally_add(Tally *t, const Facts *row, int64 code, int sign, const Facts *value, int64 us)
{
	Change		change;
	int			nkeys = t->shape->nkeys;

	memset(&change.sums, 0, sizeof(Sums));
	change.sums.leads = sign;
	if (value != NULL && value->has_value)
	{
		change.sums.valued = sign;
		if (value->fits)
		{
			change.sums.fixed = sign * value->fixed;
			change.sums.scale = value->scale;
		}
		else
			change.sums.big = DatumGetNumeric(sign > 0 ? value->value :
											  DirectFunctionCall1(numeric_uminus, value->value));
	}
	else if (CELL_KIND(code) == CELL_STAY)
	{
		if (us == PG_INT64_MIN)
			us++;				/* stamps of 292,000 years apart */
		change.sums.fixed = sign * us;
	}
	change.day = row->day;
	change.code = code;
	memcpy(change.keys, row->keys, sizeof(int32) * nkeys);

	if (t->cells == NULL)
	{
		Change	   *c = t->changes;
		Change	   *end = c + t->nchanges;

		while (c < end && (c->code != code || c->day != row->day || memcmp(c->keys, row->keys, sizeof(int32) * nkeys) != 0))
			c++;
		if (c < end)
		{
			leadcrm_sums_add(t->cxt, &c->sums, &change.sums, code);
			return;
		}
		if (t->nchanges < MAX_CHANGES)
		{
			t->nchanges++;
			*c = change;
			c->sums.big = NULL;
			if (change.sums.big != NULL)
				leadcrm_sums_add_value(t->cxt, &c->sums, change.sums.big);
			return;
		}
		t->cells = cellset_create(t->cxt, 1024, NULL);
		for (c = t->changes; c < end; c++)
			add_cells(t, c);
		t->nchanges = 0;
	}
	add_cells(t, &change);
	if (t->cells->members > t->max_cells)
		write_cells(t);
}

static bool
same_place(const Tally *t, const Change *a, const Change *b)
{
	return a->day == b->day && memcmp(a->keys, b->keys, sizeof(int32) * t->shape->nkeys) == 0;
}

/* Changes with the same day and keys make one delta, which counts in all cubes. */
static void
write_changes(Tally *t)
{
	DeltaWriter *w = leadcrm_delta_begin(t->shape);
	bool		done[MAX_CHANGES] = {false};
	int			all_cubes = (1 << (t->shape->nkeys + 1)) - 1;

	for (int i = 0; i < t->nchanges; i++)
	{
		int64		codes[MAX_CHANGES];
		Sums		sums[MAX_CHANGES];
		const char *keys[CUBE_MAX_KEYS];
		int			n = 0;

		if (done[i])
			continue;
		for (int j = i; j < t->nchanges; j++)
			if (same_place(t, &t->changes[i], &t->changes[j]))
			{
				done[j] = true;
				if (leadcrm_sums_are_nothing(&t->changes[j].sums))
					continue;
				codes[n] = t->changes[j].code;
				sums[n] = t->changes[j].sums;
				leadcrm_sums_finish(&sums[n], codes[n]);
				n++;
			}
		for (int k = 0; k < t->shape->nkeys; k++)
			keys[k] = t->keys[t->changes[i].keys[k]].text;
		if (n > 0)
			leadcrm_delta_write(w, all_cubes, t->changes[i].day, keys, n, codes, sums);
	}
	leadcrm_delta_end(w);
}

static int
by_place(const void *a, const void *b)
{
	const CellKey *x = &(*(Cell *const *) a)->key;
	const CellKey *y = &(*(Cell *const *) b)->key;

	if (x->cube != y->cube)
		return x->cube < y->cube ? -1 : 1;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (x->period != y->period)
		return x->period < y->period ? -1 : 1;
	return (x->code > y->code) - (x->code < y->code);
}

/* Cells of the same cube, key and period make one delta. */
static void
write_cells(Tally *t)
{
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "leadcrm cells", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(work);
	DeltaWriter *w = leadcrm_delta_begin(t->shape);
	MemoryContext row = AllocSetContextCreate(work, "leadcrm delta", ALLOCSET_DEFAULT_SIZES);
	Cell	  **cells = palloc(sizeof(Cell *) * Max(t->cells->members, 1));
	int64	   *codes = palloc(sizeof(int64) * MAX_CODES);
	Sums	   *sums = palloc(sizeof(Sums) * MAX_CODES);
	cellset_iterator scan;
	Cell	   *cell;
	int			n = 0;

	cellset_start_iterate(t->cells, &scan);
	while ((cell = cellset_iterate(t->cells, &scan)) != NULL)
		if (!leadcrm_sums_are_nothing(&cell->sums))
			cells[n++] = cell;
	qsort(cells, n, sizeof(Cell *), by_place);

	for (int i = 0; i < n;)
	{
		CellKey    *place = &cells[i]->key;
		const char *keys[CUBE_MAX_KEYS] = {NULL};
		int			m = 0;

		MemoryContextSwitchTo(row);
		for (; i < n && m < MAX_CODES && cells[i]->key.cube == place->cube && cells[i]->key.key == place->key &&
			 cells[i]->key.period == place->period; i++)
		{
			codes[m] = cells[i]->key.code;
			sums[m] = cells[i]->sums;
			leadcrm_sums_finish(&sums[m], codes[m]);
			m++;
		}
		if (place->cube > 0)
			keys[place->cube - 1] = t->keys[place->key].text;
		leadcrm_delta_write(w, 1 << place->cube, place->period, keys, m, codes, sums);
		MemoryContextReset(row);
	}
	MemoryContextSwitchTo(work);
	leadcrm_delta_end(w);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);

	cellset_start_iterate(t->cells, &scan);
	while ((cell = cellset_iterate(t->cells, &scan)) != NULL)
		if (cell->sums.big != NULL)
			pfree(cell->sums.big);
	cellset_reset(t->cells);
}

/* Takes a tally out of the list. */
static void
forget(Tally **link)
{
	Tally	   *t = *link;

	*link = t->next;
	MemoryContextDelete(t->cxt);
}

/*
 * Writes what was collected for a table in this subtransaction; all: for any table, in any.
 */
void
leadcrm_tally_write(Oid relid, bool all)
{
	Tally	  **link = &tallies;

	while (*link != NULL)
	{
		Tally	   *t = *link;

		if (!all && (t->subid != GetCurrentSubTransactionId() || t->shape->relid != relid))
		{
			link = &t->next;
			continue;
		}
		if (t->cells != NULL)
			write_cells(t);
		else
			write_changes(t);
		forget(link);
	}
}

/* The statement trigger writes; what is left, because somebody switched it off half-way, is written before the commit. */
static void
end_of_transaction(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			leadcrm_tally_write(InvalidOid, true);
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
		case XACT_EVENT_ABORT:
			tallies = NULL;		/* their memory goes with the transaction's */
			break;
		default:
			break;
	}
}

static void
end_of_subtransaction(SubXactEvent event, SubTransactionId subid, SubTransactionId parent, void *arg)
{
	Tally	  **link = &tallies;

	while (*link != NULL)
	{
		if ((*link)->subid == subid && event == SUBXACT_EVENT_ABORT_SUB)
		{
			forget(link);
			continue;
		}
		if ((*link)->subid == subid && event == SUBXACT_EVENT_COMMIT_SUB)
			(*link)->subid = parent;
		link = &(*link)->next;
	}
}

/*
 * Called once, when the module is loaded.
 */
void
leadcrm_tally_init(void)
{
	RegisterXactCallback(end_of_transaction, NULL);
	RegisterSubXactCallback(end_of_subtransaction, NULL);
}
