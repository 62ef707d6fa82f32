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
#define HEAD_OVER_BEFORE 8
#define HEAD_OVER_AFTER 16
#define HEAD_ALL 0x3F

#define US_PER_DAY UINT64_C(86400000000)

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
	w->day = day;
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
 * Adds an entry to the group, of kind PACK_PLACE or PACK_WAIT.
 */
void
leadcrm_pack_entry(PackWriter *w, const PackEntry *e)
{
	w->data[w->len++] = (uint8_t) (e->kind | (e->less ? HEAD_LESS : 0) | e->value << HEAD_VALUE_SHIFT);
	switch (e->kind)
	{
		case PACK_PLACE:
			put_number(w, e->place);
			break;
		case PACK_WAIT:
			put_number(w, zigzag(e->day) << 8 | (uint64_t) e->state << 4 | (uint64_t) e->peak);
			break;
		case PACK_STAMPS:
			break;				/* has a function of its own */
	}
	if (e->value == PACK_FIXED)
		put_number(w, zigzag(e->fixed / powers[PACK_DIGITS - e->scale]) << 3 | (uint64_t) e->scale);
	else if (e->value == PACK_TEXT)
		put_text(w, &e->text);
}

/* Differences are taken modulo 2^64: infinite times lie too far apart for a number with a sign. */
static inline void
put_time(PackWriter *w, int64_t at, uint64_t *last)
{
	put_number(w, zigzag((int64_t) ((uint64_t) at - *last)));
	*last = (uint64_t) at;
}

static inline void
put_times(PackWriter *w, const PackStamps *stamps, uint32_t states, uint64_t *last)
{
	for (; states != 0; states &= states - 1)
		put_time(w, stamps->at[__builtin_ctz(states)], last);
}

/*
 * Adds an entry of kind PACK_STAMPS to the group: the row's stamps before and after the change.
 */
void
leadcrm_pack_stamps(PackWriter *w, const PackStamps *before, const PackStamps *after)
{
	uint64_t	last = (uint64_t) w->day * US_PER_DAY;
	uint32_t	same = 0;

	for (uint32_t both = before->states & after->states; both != 0; both &= both - 1)
	{
		int			i = __builtin_ctz(both);

		if (before->at[i] == after->at[i])
			same |= UINT32_C(1) << i;
	}
	w->data[w->len++] = (uint8_t) (PACK_STAMPS | (before->over ? HEAD_OVER_BEFORE : 0) | (after->over ? HEAD_OVER_AFTER : 0));
	put_number(w, same);
	put_number(w, before->states & ~same);
	put_number(w, after->states & ~same);
	put_times(w, before, same, &last);
	put_times(w, before, before->states & ~same, &last);
	put_times(w, after, after->states & ~same, &last);
	if (before->over)
		put_time(w, before->over_since, &last);
	if (after->over)
		put_time(w, after->over_since, &last);
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
	r->day = *day;
	r->has_value = false;
	return PACK_OK;
}

static inline bool
get_cell(PackReader *r, PackEntry *e)
{
	uint64_t	n;

	if (!get_number(r, &n))
		return false;
	if (e->kind == PACK_PLACE)
	{
		e->place = (uint32_t) n;
		return n < 1 << 28;
	}
	e->peak = (int) (n & 15);
	e->state = (int) (n >> 4 & 15);
	return get_day(n >> 8, &e->day);
}

static inline bool
get_time(PackReader *r, int64_t *at, uint64_t *last)
{
	uint64_t	n;

	if (!get_number(r, &n))
		return false;
	*last += (uint64_t) unzigzag(n);
	*at = (int64_t) *last;
	return true;
}

static bool
get_times(PackReader *r, PackStamps *stamps, uint32_t states, uint64_t *last)
{
	for (; states != 0; states &= states - 1)
		if (!get_time(r, &stamps->at[__builtin_ctz(states)], last))
			return false;
	return true;
}

static PackResult
get_stamps(PackReader *r, uint8_t head)
{
	uint64_t	last = (uint64_t) r->day * US_PER_DAY;
	uint64_t	same;
	uint64_t	gone;
	uint64_t	fresh;

	if ((head & ~(HEAD_KIND | HEAD_OVER_BEFORE | HEAD_OVER_AFTER)) != 0 ||
		!get_number(r, &same) || !get_number(r, &gone) || !get_number(r, &fresh) ||
		(same | gone | fresh) >> PACK_MAX_STATES != 0 || (same & (gone | fresh)) != 0)
		return PACK_CORRUPT;
	r->before.states = (uint32_t) (same | gone);
	r->after.states = (uint32_t) (same | fresh);
	r->before.over = (head & HEAD_OVER_BEFORE) != 0;
	r->after.over = (head & HEAD_OVER_AFTER) != 0;
	if (!get_times(r, &r->before, (uint32_t) same, &last))
		return PACK_CORRUPT;
	for (uint32_t states = (uint32_t) same; states != 0; states &= states - 1)
		r->after.at[__builtin_ctz(states)] = r->before.at[__builtin_ctz(states)];
	if (!get_times(r, &r->before, (uint32_t) gone, &last) || !get_times(r, &r->after, (uint32_t) fresh, &last) ||
		(r->before.over && !get_time(r, &r->before.over_since, &last)) ||
		(r->after.over && !get_time(r, &r->after.over_since, &last)))
		return PACK_CORRUPT;
	return PACK_OK;
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
 * that it is the caller's to use one PackEntry for a whole group and to keep in mind which form came last.  Stamps are found in
 * r->before and r->after; e then says no more than the kind.
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
	e->kind = (PackKind) (head & HEAD_KIND);
	if (e->kind == PACK_STAMPS)
		return get_stamps(r, head);
	e->less = (head & HEAD_LESS) != 0;
	e->value = (PackValue) (head >> HEAD_VALUE_SHIFT & 3);
	if ((e->kind != PACK_PLACE && e->kind != PACK_WAIT) || (head & ~HEAD_ALL) != 0 || !get_cell(r, e) || !get_value(r, e))
		return PACK_CORRUPT;
	return PACK_OK;
}
