/*
 * cube.h
 *		Counts of a table's rows, kept by deltas in the transaction of the change.
 *
 * A cube's cell counts the rows with the same place: a period (the day that a row was born on, in some time zone) or one of a
 * few other keys, and a code that says in which state the row is, how far it came and the like.  The row trigger works out what a
 * statement takes from the cells and adds to them, a Tally collects that, and at the statement's end it is written into the
 * table of deltas: a handful of rows, however many the statement changed.  Nobody waits for anybody: cells are never updated
 * here.  Whoever reads adds up cells and deltas; whoever folds moves deltas into the cells.  That is SQL's part.
 *
 * Nothing here knows what the rows are: the trigger's arguments name the columns.
 */
#ifndef LEADCRM_CUBE_H
#define LEADCRM_CUBE_H

#include "access/attnum.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/date.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#define CUBE_MAX_KEYS 8			/* cubes beside the one by day: their number fits into a smallint's bits */
#define CUBE_MAX_STATES 15		/* four bits, from 1 */
#define CUBE_MAX_ENTERED 15

/* What a cell counts; the upper byte of a code.  SQL takes codes apart, see the workspace's file on cubes. */
typedef enum CellKind
{
	CELL_PLACE = 0,				/* rows by peak, state, whether it is over, and the stamps that they have */
	CELL_WAIT = 2,				/* rows that are not over by state, UTC day since when, and peak; 1 is the same by 32 days */
	CELL_STAY = 3,				/* pairs of stamps of one row by the two, whether 30, 60, 90 days apart, and bucket */
	CELL_ENTERED = 4			/* stamps by UTC day */
} CellKind;

#define CELL_CODE(kind, rest) ((int64) (kind) << 56 | (rest))
#define CELL_KIND(code) ((int) ((code) >> 56))
#define CELL_DAY(day) ((int64) (day) + (1 << 27))

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
	AttrNumber	value_att;
	int			nkeys;
	AttrNumber	key_att[CUBE_MAX_KEYS];
	bool		key_is_text[CUBE_MAX_KEYS];
	FmgrInfo	key_out[CUBE_MAX_KEYS];
	int			nentered;
	AttrNumber	entered_att[CUBE_MAX_ENTERED];
	int			nstates;
	Oid			state_oid[CUBE_MAX_STATES]; /* the enum's labels in its order */
	AttrNumber	max_att;

	/* columns of the delta table */
	AttrNumber	delta_id_att;
	AttrNumber	cubes_att;
	AttrNumber	period_att;
	AttrNumber	keys_att;
	AttrNumber	codes_att;
	AttrNumber	leads_att;
	AttrNumber	valued_att;
	AttrNumber	amounts_att;
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
	int32		keys[CUBE_MAX_KEYS];
	int64		place;			/* code of CELL_PLACE */
	int64		wait;			/* code of CELL_WAIT; -1: it is over, or nobody knows since when */
	bool		has_value;
	bool		fits;			/* the value is fixed / 10^6 */
	int64		fixed;
	int			scale;
	Datum		value;
	int			nentered;
	uint32		entered;		/* bits */
	TimestampTz at[CUBE_MAX_ENTERED];
} Facts;

typedef struct Tally Tally;

/* shape.c */
extern void leadcrm_cube_init(void);
extern const CubeShape *leadcrm_cube_shape(Relation rel, const Trigger *trigger);
extern Trigger *leadcrm_cube_trigger(Relation rel);

/* facts.c */
extern void leadcrm_cube_facts(Tally *tally, const CubeShape *shape, TupleTableSlot *slot, const Facts *before, TupleTableSlot *before_slot,
							   Facts *facts);
extern void leadcrm_cube_count(Tally *tally, const Facts *before, const Facts *after);

/* sums.c */
extern void leadcrm_sums_add_value(MemoryContext cxt, Sums *to, Numeric value);
extern void leadcrm_sums_add_fixed(MemoryContext cxt, Sums *to, int64 fixed, int64 code);
extern void leadcrm_sums_add(MemoryContext cxt, Sums *to, const Sums *from, int64 code);
extern bool leadcrm_sums_are_nothing(const Sums *s);
extern void leadcrm_sums_finish(Sums *s, int64 code);

/* tally.c */
extern void leadcrm_tally_init(void);
extern Tally *leadcrm_tally_for(const CubeShape *shape);
extern void leadcrm_tally_room(Tally *tally, int kilobytes);
extern int32 leadcrm_tally_key(Tally *tally, const char *key, int len);
extern struct pg_tz *leadcrm_tally_zone(Tally *tally);
extern void leadcrm_tally_add(Tally *tally, const Facts *row, int64 code, int sign, const Facts *value, int64 us);
extern void leadcrm_tally_write(Oid relid, bool all);

/* deltas.c: one delta, written; codes and sums are parallel */
typedef struct DeltaWriter DeltaWriter;
extern DeltaWriter *leadcrm_delta_begin(const CubeShape *shape);
extern void leadcrm_delta_write(DeltaWriter *w, int cubes, DateADT period, const char *const *keys, int n, const int64 *codes,
								const Sums *sums);
extern void leadcrm_delta_end(DeltaWriter *w);

#endif							/* LEADCRM_CUBE_H */
