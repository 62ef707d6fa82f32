/*
 * stamps.h
 *		What a row's stamps count for in the cells: pure code, no PostgreSQL calls.
 */
#ifndef LEADCRM_STAMPS_H
#define LEADCRM_STAMPS_H

#include <stdint.h>

#include "cube/pack.h"

/* What a cell counts. */
typedef enum CellKind
{
	CELL_PLACE = 0,				/* rows by peak, state, whether it is over, and the stamps that they have */
	CELL_BLOCK = 1,				/* as CELL_WAIT, by 32 days */
	CELL_WAIT = 2,				/* rows that are not over by state, UTC day since when, and peak */
	CELL_STAY = 3,				/* pairs of stamps of one row by the two, whether 30, 60, 90 days apart, and bucket */
	CELL_ENTERED = 4,			/* stamps by UTC day */
	CELL_WENT_ON = 5,			/* rows with a stamp of a state, and one of some state or beyond, by how long until the first of these */
	CELL_WENT_OFF = 6,			/* rows that are over, by state, furthest state with a stamp, and how long from the one until it was */
	CELL_STILL_OPEN = 7,		/* rows that are not over, by state, furthest state with a stamp, and when the first was stamped */
	CELL_STANDING = 8			/* as CELL_PLACE, of all periods at once */
} CellKind;

#define STAY_CODE(from, to, apart, bucket) ((int64_t) (from) << 52 | (int64_t) (to) << 48 | (int64_t) (apart) << 44 | ((bucket) + 4096))
#define CELL_DAY(day) ((int64_t) (day) + PACK_MAX_DAY)
#define ENTERED_CODE(state, day) ((int64_t) (state) << 40 | CELL_DAY(day) << 8)
#define BIN_CODE(kind, from, to, bin) ((int64_t) (kind) << 56 | (int64_t) (from) << 52 | (int64_t) (to) << 48 | (bin))

typedef struct StampCell
{
	CellKind	kind;
	int			sign;			/* one more or one less */
	int64_t		code;
	int64_t		us;				/* CELL_STAY: how long; CELL_STILL_OPEN: since when */
} StampCell;

#define STAMP_CELLS (2 * (PACK_MAX_STATES * (PACK_MAX_STATES - 1) + 2 * PACK_MAX_STATES))	/* at most */

extern int	leadcrm_utc_day(int64_t at);
extern int	leadcrm_stamp_cells(const PackStamps *before, const PackStamps *after, unsigned kinds, StampCell *cells);

#endif							/* LEADCRM_STAMPS_H */
