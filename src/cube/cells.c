/*
 * cells.c
 *		Adds packed changes up to cells.
 *
 * A row counts in the cube of its day, in that of its month, in the one of all rows, and in one for each key.  Places are counted
 * by month everywhere but in the cube by day, and where there is a key or all is counted also without a period; other kinds have
 * no period there; stamps are counted by day and month only; what became of rows is counted in the cube of all, and of those that are
 * not over by the month (UTC) of the stamp, so that a new one changes what is counted of its month only.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include "compat.h"
#include "cube/bucket.h"
#include "cube/cube.h"

/* A key's text, numbered: cells hold the number. */
typedef struct Key
{
	PackText	key;
	uint32		hash;
	int32		id;
	char		status;
} Key;

#define SH_PREFIX keyset
#define SH_ELEMENT_TYPE Key
#define SH_KEY_TYPE PackText
#define SH_KEY key
#define SH_HASH_KEY(tb, key) hash_bytes((const unsigned char *) (key).text, (int) (key).len)
#define SH_EQUAL(tb, a, b) ((a).len == (b).len && memcmp((a).text, (b).text, (a).len) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (a)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef struct CellKey
{
	int64		code;
	DateADT		period;
	int32		key;			/* id; 0 in the cubes without one */
	int16		cube;
	int16		kind;
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
				 murmurhash32((uint32) (key).period ^ ((uint32) (key).key * 0x9E3779B1U + (uint32) (key).cube * 8 + (uint32) (key).kind)))
#define SH_EQUAL(tb, a, b) ((a).code == (b).code && (a).period == (b).period && (a).key == (b).key && (a).cube == (b).cube && \
							(a).kind == (b).kind)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (a)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

struct CellSet
{
	MemoryContext cxt;
	CellFilter	filter;
	unsigned	kinds;			/* bits of those that the filter lets pass */
	cellset_hash *cells;
	keyset_hash *keyset;
	int32		nkeys;
	int32		roomkeys;
	PackText   *keys;			/* by id */
	DateADT		last_day;		/* whose month is */
	DateADT		last_month;
};

/* The row at hand. */
typedef struct Row
{
	DateADT		day;
	DateADT		month;
	int			nkeys;
	int32		keys[CUBE_MAX_KEYS];	/* ids */
} Row;

/* An entry at hand, with the value that it says or refers to. */
typedef struct Change
{
	PackEntry	entry;
	PackValue	value;			/* form of the last value */
	Numeric		big;			/* where that is PACK_TEXT */
} Change;

/* Of a kind that a filter names; -1: of all. */
static unsigned
kind_bit(int kind)
{
	return kind < 0 ? ~0U : kind <= CELL_STANDING ? 1U << kind : 0;
}

/*
 * Makes an empty set, in the current memory context.  The filter's arrays must live as long.
 */
CellSet *
leadcrm_cells_make(const CellFilter *filter)
{
	CellSet    *set = palloc0(sizeof(CellSet));
	PackText	nothing = {"", 0};
	bool		found;

	set->cxt = CurrentMemoryContext;
	set->filter = *filter;
	set->kinds = filter->kinds == NULL ? kind_bit(filter->kind) : 0;
	for (int i = 0; filter->kinds != NULL && i < filter->nranges; i++)
		set->kinds |= kind_bit(filter->kinds[i]);
	set->cells = cellset_create(set->cxt, 256, NULL);
	set->keyset = keyset_create(set->cxt, 64, NULL);
	set->roomkeys = 64;
	set->keys = palloc(sizeof(PackText) * set->roomkeys);
	set->keys[0] = nothing;
	keyset_insert(set->keyset, nothing, &found)->id = 0;
	set->nkeys = 1;
	return set;
}

static int32
key_id(CellSet *set, PackText key)
{
	Key		   *known = keyset_lookup(set->keyset, key);
	char	   *copy;
	bool		found;

	if (known != NULL)
		return known->id;
	if (set->nkeys == set->roomkeys)
	{
		set->roomkeys *= 2;
		set->keys = repalloc_huge(set->keys, sizeof(PackText) * set->roomkeys);
	}
	copy = MemoryContextAlloc(set->cxt, Max(key.len, 1));
	memcpy(copy, key.text, key.len);
	key.text = copy;
	set->keys[set->nkeys] = key;
	keyset_insert(set->keyset, key, &found)->id = set->nkeys;
	return set->nkeys++;
}

static DateADT
month_of(CellSet *set, DateADT day)
{
	int			y;
	int			m;
	int			d;

	if (day != set->last_day || set->last_month == 0)
	{
		j2date(day + POSTGRES_EPOCH_JDATE, &y, &m, &d);
		set->last_day = day;
		set->last_month = day - (d - 1);
	}
	return set->last_month;
}

static void
add_sums(CellSet *set, Sums *to, const Change *c)
{
	const PackEntry *e = &c->entry;
	int			sign = e->less ? -1 : 1;

	to->leads += sign;
	if (e->value == PACK_NO_VALUE)
		return;
	to->valued += sign;
	if (c->value == PACK_FIXED)
	{
		to->scale = Max(to->scale, e->scale);
		leadcrm_sums_add_fixed(set->cxt, to, sign * e->fixed, false);
	}
	else
		leadcrm_sums_add_value(set->cxt, to, e->less ?
							   DatumGetNumeric(DirectFunctionCall1(numeric_uminus, NumericGetDatum(c->big))) : c->big);
}

static Sums *
find_cell(CellSet *set, int cube, int kind, DateADT period, int32 key, int64 code)
{
	CellKey		place = {.code = code, .period = period, .key = key, .cube = (int16) cube, .kind = (int16) kind};
	bool		found;
	Cell	   *cell = cellset_insert(set->cells, place, &found);

	if (!found)
		memset(&cell->sums, 0, sizeof(Sums));
	return &cell->sums;
}

static bool
wanted(const CellFilter *f, int kind, int64 code)
{
	if (f->nranges < 0)
		return true;
	for (int i = 0; i < f->nranges; i++)
		if (code >= f->first[i] && code < f->end[i] && (f->kinds == NULL || f->kinds[i] == kind))
			return true;
	return false;
}

/* In a cube, where a kind is counted by the row's period. */
static Sums *
find_row_cell(CellSet *set, const Row *row, int cube, int kind, int64 code)
{
	return find_cell(set, cube, kind, cube == CUBE_DAY ? row->day : cube == CUBE_MONTH || kind == CELL_PLACE ? row->month : DATEVAL_NOBEGIN,
					 cube < CUBE_FIRST_KEY ? 0 : row->keys[cube - CUBE_FIRST_KEY], code);
}

/* A row's place or wait, in every cube that counts it. */
static void
add_code(CellSet *set, const Row *row, int kind, int64 code, const Change *change)
{
	const CellFilter *f = &set->filter;
	int			first = kind == CELL_STANDING ? CUBE_ALL : CUBE_DAY;
	int			last = CUBE_COUNT(row->nkeys) - 1;

	if (!wanted(f, kind, code))
		return;
	if (f->cube >= 0)
	{
		first = Max(first, f->cube);
		last = Min(last, f->cube);
	}
	for (int cube = first; cube <= last; cube++)
		if (cube != CUBE_ALL || kind != CELL_PLACE)
			add_sums(set, find_row_cell(set, row, cube, kind, code), change);
}

static void
add_stamp(CellSet *set, const Row *row, const StampCell *c)
{
	const CellFilter *f = &set->filter;
	int			first = c->kind >= CELL_WENT_ON ? CUBE_ALL : CUBE_DAY;
	int			last = c->kind >= CELL_WENT_ON ? CUBE_ALL : c->kind == CELL_ENTERED ? CUBE_MONTH : CUBE_COUNT(row->nkeys) - 1;

	if (!wanted(f, c->kind, c->code))
		return;
	if (f->cube >= 0)
	{
		first = Max(first, f->cube);
		last = Min(last, f->cube);
	}
	for (int cube = first; cube <= last; cube++)
	{
		Sums	   *sums = c->kind != CELL_STILL_OPEN ? find_row_cell(set, row, cube, c->kind, c->code) :
			find_cell(set, cube, c->kind, month_of(set, leadcrm_utc_day(c->us)), 0, c->code);

		sums->leads += c->sign;
		if (c->kind == CELL_STAY)
			leadcrm_sums_add_fixed(set->cxt, sums, c->sign * c->us, true);
	}
}

static void
add_stamps(CellSet *set, const Row *row, const PackReader *reader)
{
	StampCell	cells[STAMP_CELLS];
	int			n = leadcrm_stamp_cells(&reader->before, &reader->after, set->kinds, cells);

	for (int i = 0; i < n; i++)
		add_stamp(set, row, &cells[i]);
}

static void
add_change(CellSet *set, const Row *row, const Change *c)
{
	const PackEntry *e = &c->entry;

	if (e->kind == PACK_PLACE && (set->kinds & 1 << CELL_PLACE))
		add_code(set, row, CELL_PLACE, e->place, c);
	if (e->kind == PACK_PLACE && (set->kinds & 1 << CELL_STANDING))
		add_code(set, row, CELL_STANDING, e->place, c);
	if (e->kind == PACK_WAIT && (set->kinds & 1 << CELL_WAIT))
		add_code(set, row, CELL_WAIT, WAIT_CODE(e->state, e->day, e->peak), c);
	if (e->kind == PACK_WAIT && (set->kinds & 1 << CELL_BLOCK))
		add_code(set, row, CELL_BLOCK, BLOCK_CODE(e->state, e->day, e->peak), c);
}

static void
corrupt(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("a row of changes is not what leadcrm.count_cells() writes"),
			 errhint("Empty the table of deltas and count anew: rebuild_cubes() of the workspace does.")));
}

/* The value that came last, where that is a text. */
static Numeric
read_value(const PackText *text)
{
	return DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(pnstrdup(text->text, text->len)),
											   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

/*
 * Adds the changes of a pack.  Errors: XX001 for what is none.  What it allocates outside the set is the caller's.
 */
void
leadcrm_cells_add(CellSet *set, const uint8 *data, Size len)
{
	PackReader	reader;
	Row			row;
	Change		change = {0};
	int			numbers[CUBE_MAX_KEYS];
	PackText	texts[CUBE_MAX_KEYS];
	int			nids = 0;
	int			roomids = 64;
	int32	   *ids = palloc(sizeof(int32) * roomids);	/* by number in this pack */
	PackResult	result;

	if (!leadcrm_unpack_start(&reader, data, len))
		corrupt();
	row.nkeys = reader.nkeys;
	while ((result = leadcrm_unpack_group(&reader, &row.day, numbers, texts)) == PACK_OK)
	{
		bool		counts = row.day >= set->filter.since && row.day < set->filter.until;

		for (int i = 0; i < row.nkeys; i++)
		{
			if (texts[i].text != NULL)
			{
				if (nids == roomids)
					ids = repalloc(ids, sizeof(int32) * (roomids *= 2));
				ids[nids++] = key_id(set, texts[i]);
			}
			row.keys[i] = ids[numbers[i] - 1];
		}
		if (counts && set->filter.cube != CUBE_DAY)
			row.month = month_of(set, row.day);
		while ((result = leadcrm_unpack_entry(&reader, &change.entry)) == PACK_OK)
		{
			if (change.entry.kind == PACK_STAMPS)
			{
				if (counts)
					add_stamps(set, &row, &reader);
				continue;
			}
			if (change.entry.value == PACK_FIXED || change.entry.value == PACK_TEXT)
			{
				change.value = change.entry.value;
				if (change.value == PACK_TEXT)
					change.big = read_value(&change.entry.text);
			}
			if (counts)
				add_change(set, &row, &change);
		}
		if (result == PACK_CORRUPT)
			break;
	}
	if (result == PACK_CORRUPT)
		corrupt();
	pfree(ids);
}

/*
 * How many cells there are, those among them in which nothing changes.
 */
int64
leadcrm_cells_number(const CellSet *set)
{
	return set->cells->members;
}

/*
 * The text that a cell's key stands for; not followed by a zero byte.  It lives as long as the set.
 */
PackText
leadcrm_cells_key(const CellSet *set, int32 key)
{
	return set->keys[key];
}

static void
hand_over(const Cell *cell, CellReceiver receive, void *arg)
{
	CellView	view = {.cube = cell->key.cube, .kind = cell->key.kind, .period = cell->key.period, .key = cell->key.key,
	.code = cell->key.code, .sums = cell->sums};

	receive(arg, &view);
}

/*
 * Hands over each cell in which something changes, in no order.
 */
void
leadcrm_cells_visit(CellSet *set, CellReceiver receive, void *arg)
{
	cellset_iterator scan;
	Cell	   *cell;

	cellset_start_iterate(set->cells, &scan);
	while ((cell = cellset_iterate(set->cells, &scan)) != NULL)
		if (!leadcrm_sums_are_nothing(&cell->sums, cell->key.kind == CELL_STAY))
			hand_over(cell, receive, arg);
}

/* What cells are sorted by. */
typedef struct Order
{
	uint64		place;			/* cube, kind, period */
	int64		code;
	int32		key;
	const Cell *cell;
} Order;

static inline int
compare_order(const Order *a, const Order *b)
{
	if (a->place != b->place)
		return a->place < b->place ? -1 : 1;
	if (a->code != b->code)
		return a->code < b->code ? -1 : 1;
	return (a->key > b->key) - (a->key < b->key);
}

#define ST_SORT sort_cells
#define ST_ELEMENT_TYPE Order
#define ST_COMPARE(a, b) compare_order(a, b)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/*
 * The same by cube, kind, period, code, and number of the key.
 */
void
leadcrm_cells_visit_sorted(CellSet *set, CellReceiver receive, void *arg)
{
	Order	   *order = MemoryContextAllocHuge(set->cxt, sizeof(Order) * Max(set->cells->members, 1));
	size_t		n = 0;
	cellset_iterator scan;
	Cell	   *cell;

	cellset_start_iterate(set->cells, &scan);
	while ((cell = cellset_iterate(set->cells, &scan)) != NULL)
	{
		if (leadcrm_sums_are_nothing(&cell->sums, cell->key.kind == CELL_STAY))
			continue;
		order[n].place = (uint64) cell->key.cube << 40 | (uint64) cell->key.kind << 32 | ((uint32) cell->key.period ^ 0x80000000);
		order[n].code = cell->key.code;
		order[n].key = cell->key.key;
		order[n++].cell = cell;
	}
	sort_cells(order, n);
	for (size_t i = 0; i < n; i++)
		hand_over(order[i].cell, receive, arg);
	pfree(order);
}

/*
 * Empties the set.
 */
void
leadcrm_cells_reset(CellSet *set)
{
	cellset_iterator scan;
	Cell	   *cell;

	cellset_start_iterate(set->cells, &scan);
	while ((cell = cellset_iterate(set->cells, &scan)) != NULL)
		if (cell->sums.big != NULL)
			pfree(cell->sums.big);
	cellset_reset(set->cells);
}
