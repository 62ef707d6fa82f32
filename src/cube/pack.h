/*
 * pack.h
 *		Changes of rows, packed: what a row of the table of deltas holds.  Pure code, no PostgreSQL calls.
 *
 * A pack is a version byte, the number of keys, and groups.  A group: the day that a row was born on (days since 2000-01-01), a
 * reference for each key, entries, and a byte that ends it.  A reference is 0 and a new text (its length, its bytes), or the
 * number of a text that came before, from 1.  An entry counts one row more, or one less, in one cell:
 *
 *		head		bits 0 to 2 kind, bit 3 less, bits 4 and 5 the form of the value
 *		place		what the cell of that kind says of the row
 *		wait		zigzag(day) << 8 | state << 4 | peak
 *		stay		a byte from << 4 | to, then zigzag(microseconds)
 *		entered		zigzag(day) << 4 | state
 *		value		fixed: zigzag(digits) << 3 | number of digits after the point; text: its length, its bytes
 *
 * Numbers are of variable length, seven bits a byte, the lowest first, the eighth bit set in all bytes but the last.
 */
#ifndef LEADCRM_PACK_H
#define LEADCRM_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACK_VERSION 1
#define PACK_MAX_KEYS 8
#define PACK_MAX_DAY (1 << 27)	/* days lie between this many before 2000-01-01 and after */
#define PACK_DIGITS 6			/* after the point, in PackEntry.fixed */
#define PACK_MAX_FIXED INT64_C(1000000000000000000) /* fixed lies between -this and this */

/* What a cell counts. */
typedef enum CellKind
{
	CELL_PLACE = 0,				/* rows by peak, state, whether it is over, and the stamps that they have */
	CELL_WAIT = 2,				/* rows that are not over by state, UTC day since when, and peak; 1 is the same by 32 days */
	CELL_STAY = 3,				/* pairs of stamps of one row by the two, whether 30, 60, 90 days apart, and bucket */
	CELL_ENTERED = 4			/* stamps by UTC day */
} CellKind;

/* How an entry says the row's value. */
typedef enum PackValue
{
	PACK_NO_VALUE,
	PACK_FIXED,					/* a whole number of millionths */
	PACK_TEXT,					/* any other number, as text */
	PACK_SAME					/* that of the entry before it, which has one */
} PackValue;

typedef struct PackText
{
	const char *text;			/* need not end with a zero byte */
	size_t		len;
} PackText;

typedef struct PackEntry
{
	CellKind	kind;
	bool		less;
	uint32_t	place;			/* CELL_PLACE: up to 28 bits */
	int			state;			/* CELL_WAIT, CELL_ENTERED; CELL_STAY: the second one; 1 to 15 */
	int			peak;			/* CELL_WAIT: 0 to 15; CELL_STAY: the first state */
	int			day;			/* CELL_WAIT, CELL_ENTERED: days since 2000-01-01 UTC */
	int64_t		us;				/* CELL_STAY: from the first to the second */
	PackValue	value;
	int64_t		fixed;			/* PACK_FIXED */
	int			scale;			/* PACK_FIXED: digits after the point, up to PACK_DIGITS */
	PackText	text;			/* PACK_TEXT */
} PackEntry;

/* What follows needs so many bytes at most, beside the bytes of texts. */
#define PACK_START_ROOM 2
#define PACK_GROUP_ROOM (5 + 10 * PACK_MAX_KEYS)
#define PACK_ENTRY_ROOM 32

#define PACK_REMEMBERED 256		/* texts that a writer finds again, if they don't crowd each other out */

typedef struct PackWriter
{
	uint8_t    *data;			/* the caller's, who sees to it that there is room */
	size_t		len;
	int			nkeys;
	int			ntexts;
	struct
	{
		uint32_t	hash;
		int			number;		/* 0: none */
		uint32_t	at;			/* where its bytes lie in the pack */
		uint32_t	len;
	}			known[PACK_REMEMBERED];
} PackWriter;

typedef struct PackReader
{
	const uint8_t *next;
	const uint8_t *end;
	int			nkeys;
	int			ntexts;
	bool		has_value;		/* an entry of this group had one */
} PackReader;

typedef enum PackResult
{
	PACK_END,
	PACK_OK,
	PACK_CORRUPT
} PackResult;

extern void leadcrm_pack_start(PackWriter *w, int nkeys);
extern void leadcrm_pack_group(PackWriter *w, int day, const PackText *keys);
extern void leadcrm_pack_entry(PackWriter *w, const PackEntry *entry);
extern void leadcrm_pack_group_end(PackWriter *w);

extern bool leadcrm_unpack_start(PackReader *r, const uint8_t *data, size_t len);
extern PackResult leadcrm_unpack_group(PackReader *r, int *day, int *numbers, PackText *texts);
extern PackResult leadcrm_unpack_entry(PackReader *r, PackEntry *entry);

#endif							/* LEADCRM_PACK_H */
