/*
 * cube.h
 *		Counts of a table's rows, kept by deltas in the transaction of the change.
 *
 * A cube's cell counts the rows with the same place: a period (the day that a row was born on, in some time zone) or one of a
 * few other keys, and a code that says in which state the row is, how far it came and the like.  The row trigger works out what a
 * statement takes from the cells and adds to them, and packs that (pack.h); packs are written into the table of deltas, one a
 * statement or, of statements that change many rows, one for a hundred of them.  Nobody waits for anybody: cells are never updated
 * here.  Whoever reads adds up cells and deltas (cells.c); whoever folds moves deltas into the cells.  That is SQL's part.
 *
 * Nothing here knows what the rows are: the trigger's arguments name the columns.
 */
#ifndef LEADCRM_CUBE_H
#define LEADCRM_CUBE_H

#include "access/attnum.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/date.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "cube/pack.h"
#include "cube/stamps.h"

#define CUBE_MAX_KEYS PACK_MAX_KEYS /* cubes beside those by day, by month, and of all */
#define CUBE_MAX_STATES 15		/* four bits, from 1 */
#define CUBE_MAX_ENTERED PACK_MAX_STATES

/* What cells are counted by: these, then each key. */
#define CUBE_DAY 0
#define CUBE_MONTH 1
#define CUBE_ALL 2
#define CUBE_FIRST_KEY 3
#define CUBE_COUNT(nkeys) (CUBE_FIRST_KEY + (nkeys))

/*
 * Codes of cells; SQL takes them apart, see the workspace's file on cubes.  CELL_BLOCK is derived from CELL_WAIT, CELL_STANDING from
 * CELL_PLACE: the same of all periods at once.  Those of stamps are in stamps.h.
 */
#define WAIT_CODE(state, day, peak) ((int64) (state) << 40 | CELL_DAY(day) << 8 | (peak))
#define BLOCK_CODE(state, day, peak) ((int64) (state) << 40 | CELL_DAY(day) >> 5 << 8 | (peak))

/* What a trigger's arguments say, with the columns found. */
typedef struct CubeShape
{
	MemoryContext cxt;			/* holds this struct and all that it points to */
	Oid			relid;
	Oid			delta;			/* the table that deltas are written to */
	Oid			zone_rel;		/* the table whose first row says the time zone */

	AttrNumber	zone_att;
	AttrNumber	unless_att;		/* rows where it is not NULL do not count */
	AttrNumber	born_att;
	AttrNumber	state_att;
	AttrNumber	peak_att;
	AttrNumber	since_att;
	AttrNumber	over_att;
	char	   *over_value;
	Size		over_len;
	AttrNumber	over_since_att; /* 0: nobody knows since when rows are over */
	AttrNumber	value_att;
	int			nkeys;
	AttrNumber	key_att[CUBE_MAX_KEYS];
	bool		key_is_text[CUBE_MAX_KEYS];
	bool		key_by_value[CUBE_MAX_KEYS];
	int16		key_len[CUBE_MAX_KEYS];
	FmgrInfo	key_out[CUBE_MAX_KEYS];
	int			nentered;
	AttrNumber	entered_att[CUBE_MAX_ENTERED];
	int			nstates;
	Oid			state_oid[CUBE_MAX_STATES]; /* the enum's labels in its order */
	AttrNumber	max_att;

	/* columns of the delta table */
	AttrNumber	delta_id_att;
	AttrNumber	first_day_att;
	AttrNumber	last_day_att;
	AttrNumber	changes_att;
	int			delta_natts;
} CubeShape;

/* A sum: fixed / 10^6, and beside it what does not fit, big (NULL: nothing). */
typedef struct Sums
{
	int64		leads;
	int64		valued;
	int64		fixed;
	int			scale;			/* the most digits after the point of all that came in */
	Numeric		big;
} Sums;

/* One row, as the cubes see it. */
typedef struct Facts
{
	bool		counted;
	DateADT		day;			/* born, in the time zone */
	int			nkeys;
	PackText	keys[CUBE_MAX_KEYS];	/* point into the row, or are allocated */
	uint32		place;
	bool		waits;			/* it is not over */
	int			state;
	int			peak;
	int			since;			/* UTC day; unknown: that of infinity */
	PackValue	value_form;		/* none, fixed or text */
	int64		fixed;			/* the value in millionths */
	int			scale;
	char	   *value_text;
	PackStamps	stamps;
} Facts;

/* Changes on their way into a pack. */
typedef struct Packer
{
	StringInfoData data;		/* its length stands in writer */
	PackWriter	writer;
	DateADT		first_day;
	DateADT		last_day;
	int			nkeys;
} Packer;

#define PACKER_FULL 7400		/* with the group that comes beyond, a delta fits a page */

/* shape.c */
extern void leadcrm_cube_init(void);
extern const CubeShape *leadcrm_cube_shape(Relation rel, const Trigger *trigger);
extern Trigger *leadcrm_cube_trigger(Relation rel);

/* zone.c */
extern struct pg_tz *leadcrm_cube_zone(const CubeShape *shape);

/* facts.c */
extern bool leadcrm_cube_same(const CubeShape *shape, TupleTableSlot *a, TupleTableSlot *b);
extern void leadcrm_cube_facts(const CubeShape *shape, struct pg_tz *zone, TupleTableSlot *slot, const Facts *before,
							   TupleTableSlot *before_slot, Facts *facts);

/* change.c */
extern void leadcrm_packer_start(Packer *p, int nkeys);
extern void leadcrm_pack_change(Packer *p, const Facts *before, const Facts *after);

/* sums.c */
extern void leadcrm_sums_add_value(MemoryContext cxt, Sums *to, Numeric value);
extern void leadcrm_sums_add_fixed(MemoryContext cxt, Sums *to, int64 fixed, bool whole);
extern void leadcrm_sums_add(MemoryContext cxt, Sums *to, const Sums *more, bool whole);
extern bool leadcrm_sums_are_nothing(const Sums *s, bool whole);
extern Numeric leadcrm_sums_amount(const Sums *s, bool whole);

/* cells.c */
typedef struct CellSet CellSet;
typedef struct CellFilter
{
	int			cube;			/* -1: all */
	int			kind;			/* -1: all */
	int			nranges;		/* -1: all; else codes from first to before end */
	const int64 *first;
	const int64 *end;
	const int16 *kinds;			/* NULL, or the kind that each range is of; then kind is -1 */
	DateADT		since;			/* born from this day */
	DateADT		until;			/* to before this one */
} CellFilter;
/* A cell as others see it.  key is a number that stands for a text as long as the set lives. */
typedef struct CellView
{
	int			cube;
	int			kind;
	DateADT		period;
	int32		key;
	int64		code;
	Sums		sums;
} CellView;

extern CellSet *leadcrm_cells_make(const CellFilter *filter);
extern void leadcrm_cells_add(CellSet *set, const uint8 *data, Size len);
extern int64 leadcrm_cells_number(const CellSet *set);
extern void leadcrm_cells_reset(CellSet *set);
extern PackText leadcrm_cells_key(const CellSet *set, int32 key);
typedef void (*CellReceiver) (void *arg, const CellView *cell);
extern void leadcrm_cells_visit(CellSet *set, CellReceiver receive, void *arg);
extern void leadcrm_cells_visit_sorted(CellSet *set, CellReceiver receive, void *arg);

/* runs.c */
typedef struct CellRuns CellRuns;
extern CellRuns *leadcrm_runs_make(CellSet *set);
extern void leadcrm_runs_spill(CellRuns *runs);
extern void leadcrm_runs_finish(CellRuns *runs, CellReceiver receive, void *arg);

/* recount.c */
#define CELL_NATTS 8			/* of type leadcrm.cell */
extern void leadcrm_cell_values(const CellSet *set, const CellView *cell, Datum *values);

/* tally.c */
extern void leadcrm_tally_init(void);
typedef struct Tally Tally;
extern Tally *leadcrm_tally_for(const CubeShape *shape);
extern struct pg_tz *leadcrm_tally_zone(Tally *tally);
extern void leadcrm_tally_change(Tally *tally, const Facts *before, const Facts *after);
extern void leadcrm_tally_write(Oid relid, bool all);

/* deltas.c */
extern void leadcrm_delta_write(const CubeShape *shape, DateADT first_day, DateADT last_day, char *changes, int len);

#endif							/* LEADCRM_CUBE_H */
