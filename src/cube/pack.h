/*
 * pack.h
 *		Changes of rows, packed: what a row of the table of deltas holds.  Pure code, no PostgreSQL calls.
 *
 * A pack is a version byte, the number of keys, and groups.  A group: the day that a row was born on (days since 2000-01-01), a
 * reference for each key, entries, and a byte that ends it.  A reference is 0 and a new text (its length, its bytes), or the
 * number of a text that came before, from 1.  An entry of kind place or wait counts one row more, or one less:
 *
 *		head		bits 0 to 2 kind, bit 3 less, bits 4 and 5 the form of the value
 *		place		what the cell of that kind says of the row
 *		wait		zigzag(day) << 8 | state << 4 | peak
 *		value		fixed: zigzag(digits) << 3 | number of digits after the point; text: its length, its bytes
 *
 * An entry of kind stamps says when the row came to its states and was over, before and after; all cells of times follow from it:
 *
 *		head		bits 0 to 2 kind, bit 3 it was over before, bit 4 it is over after
 *		states		three numbers, bit 0 the first state: with the same stamp before and after; before; after
 *		times		of these in that order, then since when it was over, before and after: zigzag of the difference to the one before,
 *					of the first one to the day's midnight UTC, modulo 2^64
 *
 * Numbers are of variable length, seven bits a byte, the lowest first, the eighth bit set in all bytes but the last.
 */
#ifndef LEADCRM_PACK_H
#define LEADCRM_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACK_VERSION 2
#define PACK_MAX_KEYS 8
#define PACK_MAX_DAY (1 << 27)	/* days lie between this many before 2000-01-01 and after */
#define PACK_DIGITS 6			/* after the point, in PackEntry.fixed */
#define PACK_MAX_FIXED INT64_C(1000000000000000000) /* fixed lies between -this and this */

#define PACK_MAX_STATES 15

/* What an entry says. */
typedef enum PackKind
{
	PACK_PLACE = 0,
	PACK_WAIT = 2,
	PACK_STAMPS = 3
} PackKind;

/* When a row came to its states, and since when it is over: microseconds since 2000-01-01 UTC, infinite ones among them. */
typedef struct PackStamps
{
	uint32_t	states;			/* those that have a stamp, bit 0 the first */
	bool		over;			/* and since when is known */
	int64_t		over_since;
	int64_t		at[PACK_MAX_STATES];
} PackStamps;

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
	PackKind	kind;
	bool		less;
	uint32_t	place;			/* PACK_PLACE: up to 28 bits */
	int			state;			/* PACK_WAIT: 1 to 15 */
	int			peak;			/* 0 to 15 */
	int			day;			/* since when, days since 2000-01-01 UTC */
	PackValue	value;
	int64_t		fixed;			/* PACK_FIXED */
	int			scale;			/* PACK_FIXED: digits after the point, up to PACK_DIGITS */
	PackText	text;			/* PACK_TEXT */
} PackEntry;

/* What follows needs so many bytes at most, beside the bytes of texts. */
#define PACK_START_ROOM 2
#define PACK_GROUP_ROOM (5 + 10 * PACK_MAX_KEYS)
#define PACK_ENTRY_ROOM 32
#define PACK_STAMPS_ROOM (1 + 3 * 3 + 10 * (2 * PACK_MAX_STATES + 2))
#define PACK_END_ROOM 1

#define PACK_REMEMBERED 256		/* texts that a writer finds again, if they don't crowd each other out */

typedef struct PackWriter
{
	uint8_t    *data;			/* the caller's, who sees to it that there is room */
	size_t		len;
	int			nkeys;
	int			ntexts;
	int			day;			/* of the group */
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
	int			day;			/* of the group */
	bool		has_value;		/* an entry of this group had one */
	PackStamps	before;			/* what the last entry of kind PACK_STAMPS said */
	PackStamps	after;
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
extern void leadcrm_pack_stamps(PackWriter *w, const PackStamps *before, const PackStamps *after);
extern void leadcrm_pack_group_end(PackWriter *w);

extern bool leadcrm_unpack_start(PackReader *r, const uint8_t *data, size_t len);
extern PackResult leadcrm_unpack_group(PackReader *r, int *day, int *numbers, PackText *texts);
extern PackResult leadcrm_unpack_entry(PackReader *r, PackEntry *entry);

#endif							/* LEADCRM_PACK_H */
