/*
 * pack.c
 *		Writes and reads packs of changes.
 */
#include "cube/pack.h"

#include <string.h>

#define HEAD_KIND 7
#define HEAD_END 7
#define HEAD_LESS 8
#define HEAD_VALUE_SHIFT 4
#define HEAD_ALL 0x3F

static const int64_t powers[PACK_DIGITS + 1] = {1, 10, 100, 1000, 10000, 100000, 1000000};

static inline uint64_t
zigzag(int64_t n)
{
	return (uint64_t) n << 1 ^ (n < 0 ? UINT64_MAX : 0);
}

static inline int64_t
unzigzag(uint64_t n)
{
	return (int64_t) (n >> 1 ^ (n & 1 ? UINT64_MAX : 0));
}

static inline void
put_number(PackWriter *w, uint64_t n)
{
	uint8_t    *p = w->data + w->len;

	while (n >= 0x80)
	{
		*p++ = (uint8_t) (n | 0x80);
		n >>= 7;
	}
	*p++ = (uint8_t) n;
	w->len = (size_t) (p - w->data);
}

static void
put_text(PackWriter *w, const PackText *text)
{
	put_number(w, text->len);
	if (text->len > 0)
		memcpy(w->data + w->len, text->text, text->len);
	w->len += text->len;
}

/*
 * Begins a pack at w->data.
 */
void
leadcrm_pack_start(PackWriter *w, int nkeys)
{
	w->len = 0;
	w->nkeys = nkeys;
	w->ntexts = 0;
	memset(w->known, 0, sizeof(w->known));
	w->data[w->len++] = PACK_VERSION;
	w->data[w->len++] = (uint8_t) nkeys;
}

static uint32_t
hash_text(const PackText *key)
{
	uint32_t	hash = 2166136261U;

	for (size_t i = 0; i < key->len; i++)
		hash = (hash ^ (uint8_t) key->text[i]) * 16777619U;
	return hash ^ hash >> 15;
}

/*
 * Begins a group: a row, born on a day, with so many keys as the pack was started with.
 */
void
leadcrm_pack_group(PackWriter *w, int day, const PackText *keys)
{
	put_number(w, zigzag(day));
	for (int i = 0; i < w->nkeys; i++)
	{
		uint32_t	hash = hash_text(&keys[i]);
		uint32_t	slot = hash % PACK_REMEMBERED;

		if (w->known[slot].number > 0 && w->known[slot].hash == hash && w->known[slot].len == keys[i].len &&
			(keys[i].len == 0 || memcmp(w->data + w->known[slot].at, keys[i].text, keys[i].len) == 0))
		{
			put_number(w, (uint64_t) w->known[slot].number);
			continue;
		}
		put_number(w, 0);
		put_text(w, &keys[i]);
		w->known[slot].hash = hash;
		w->known[slot].number = ++w->ntexts;
		w->known[slot].at = (uint32_t) (w->len - keys[i].len);
		w->known[slot].len = (uint32_t) keys[i].len;
	}
}

/*
 * Adds an entry to the group.
 */
void
leadcrm_pack_entry(PackWriter *w, const PackEntry *e)
{
	w->data[w->len++] = (uint8_t) (e->kind | (e->less ? HEAD_LESS : 0) | e->value << HEAD_VALUE_SHIFT);
	switch (e->kind)
	{
		case CELL_PLACE:
			put_number(w, e->place);
			break;
		case CELL_WAIT:
			put_number(w, zigzag(e->day) << 8 | (uint64_t) e->state << 4 | (uint64_t) e->peak);
			break;
		case CELL_STAY:
			w->data[w->len++] = (uint8_t) (e->peak << 4 | e->state);
			put_number(w, zigzag(e->us));
			break;
		case CELL_ENTERED:
			put_number(w, zigzag(e->day) << 4 | (uint64_t) e->state);
			break;
	}
	if (e->value == PACK_FIXED)
		put_number(w, zigzag(e->fixed / powers[PACK_DIGITS - e->scale]) << 3 | (uint64_t) e->scale);
	else if (e->value == PACK_TEXT)
		put_text(w, &e->text);
}

/*
 * Ends the group.
 */
void
leadcrm_pack_group_end(PackWriter *w)
{
	w->data[w->len++] = HEAD_END;
}

/* Of several bytes, or at the pack's end. */
static bool
get_long_number(PackReader *r, uint64_t *n)
{
	const uint8_t *p = r->next;
	uint64_t	result = 0;

	for (int shift = 0; shift < 64 && p < r->end; shift += 7)
	{
		uint8_t		byte = *p++;

		if (shift == 63 && byte > 1)
			return false;
		result |= (uint64_t) (byte & 0x7F) << shift;
		if (byte < 0x80)
		{
			*n = result;
			r->next = p;
			return true;
		}
	}
	return false;
}

static inline bool
get_number(PackReader *r, uint64_t *n)
{
	if (r->next < r->end && *r->next < 0x80)
	{
		*n = *r->next++;
		return true;
	}
	return get_long_number(r, n);
}

static inline bool
get_day(uint64_t n, int *day)
{
	int64_t		d = unzigzag(n);

	*day = (int) d;
	return d >= -PACK_MAX_DAY && d < PACK_MAX_DAY;
}

static bool
get_text(PackReader *r, PackText *text)
{
	uint64_t	len;

	if (!get_number(r, &len) || len > (uint64_t) (r->end - r->next))
		return false;
	text->text = (const char *) r->next;
	text->len = (size_t) len;
	r->next += len;
	return true;
}

/*
 * Begins to read a pack.  False: it is none.
 */
bool
leadcrm_unpack_start(PackReader *r, const uint8_t *data, size_t len)
{
	if (len < PACK_START_ROOM || data[0] != PACK_VERSION || data[1] > PACK_MAX_KEYS)
		return false;
	r->next = data + PACK_START_ROOM;
	r->end = data + len;
	r->nkeys = data[1];
	r->ntexts = 0;
	return true;
}

/*
 * Reads a group's beginning: its day, and of each key the number of its text.  texts: of each key, the text where it comes for the
 * first time, the numbers then being the next ones, else text is NULL; they point into the pack.  Its entries must be read next.
 */
PackResult
leadcrm_unpack_group(PackReader *r, int *day, int *numbers, PackText *texts)
{
	uint64_t	n;

	if (r->next == r->end)
		return PACK_END;
	if (!get_number(r, &n) || !get_day(n, day))
		return PACK_CORRUPT;
	for (int i = 0; i < r->nkeys; i++)
	{
		texts[i].text = NULL;
		if (!get_number(r, &n) || n > (uint64_t) r->ntexts)
			return PACK_CORRUPT;
		numbers[i] = (int) n;
		if (n > 0)
			continue;
		if (!get_text(r, &texts[i]))
			return PACK_CORRUPT;
		numbers[i] = ++r->ntexts;
	}
	r->has_value = false;
	return PACK_OK;
}

static inline bool
get_cell(PackReader *r, PackEntry *e)
{
	uint64_t	n;

	if (e->kind == CELL_STAY)
	{
		if (r->next == r->end)
			return false;
		e->peak = *r->next >> 4;
		e->state = *r->next++ & 15;
		if (!get_number(r, &n))
			return false;
		e->us = unzigzag(n);
		return e->peak > 0 && e->state > e->peak && e->us != INT64_MIN;
	}
	if (!get_number(r, &n))
		return false;
	switch (e->kind)
	{
		case CELL_PLACE:
			e->place = (uint32_t) n;
			return n < 1 << 28;
		case CELL_WAIT:
			e->peak = (int) (n & 15);
			e->state = (int) (n >> 4 & 15);
			return get_day(n >> 8, &e->day);
		case CELL_ENTERED:
			e->state = (int) (n & 15);
			return e->state > 0 && get_day(n >> 4, &e->day);
		default:
			return false;
	}
}

static inline bool
get_value(PackReader *r, PackEntry *e)
{
	uint64_t	n;
	int64_t		digits;

	switch (e->value)
	{
		case PACK_NO_VALUE:
			return true;
		case PACK_FIXED:
			if (!get_number(r, &n))
				return false;
			e->scale = (int) (n & 7);
			digits = unzigzag(n >> 3);
			if (e->scale > PACK_DIGITS || digits > PACK_MAX_FIXED / powers[PACK_DIGITS - e->scale] ||
				digits < -(PACK_MAX_FIXED / powers[PACK_DIGITS - e->scale]))
				return false;
			e->fixed = digits * powers[PACK_DIGITS - e->scale];
			break;
		case PACK_TEXT:
			if (!get_text(r, &e->text))
				return false;
			break;
		case PACK_SAME:
			return r->has_value;
	}
	r->has_value = true;
	return true;
}

/*
 * Reads an entry; PACK_END: the group has no more.  Of value, fixed, scale and text what PACK_SAME refers to is left as it is, so
 * that it is the caller's to use one PackEntry for a whole group and to keep in mind which form came last.
 */
PackResult
leadcrm_unpack_entry(PackReader *r, PackEntry *e)
{
	uint8_t		head;

	if (r->next == r->end)
		return PACK_CORRUPT;
	head = *r->next++;
	if (head == HEAD_END)
		return PACK_END;
	e->kind = (CellKind) (head & HEAD_KIND);
	e->less = (head & HEAD_LESS) != 0;
	e->value = (PackValue) (head >> HEAD_VALUE_SHIFT & 3);
	if ((head & ~HEAD_ALL) != 0 || !get_cell(r, e) || !get_value(r, e))
		return PACK_CORRUPT;
	/* only rows have a value, not stamps */
	if (e->value != PACK_NO_VALUE && (e->kind == CELL_STAY || e->kind == CELL_ENTERED))
		return PACK_CORRUPT;
	return PACK_OK;
}
