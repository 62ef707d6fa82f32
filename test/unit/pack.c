/*
 * pack.c
 *		Unit test of src/cube/pack.c: what was written is read back, and nothing that is damaged is read past its end.
 *		sources: src/cube/pack.c
 *
 * With a number as argument it runs the random part only, from that seed: make fuzz.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cube/pack.h"
#include "unit.h"

#define ROOM 2000000

typedef struct Group
{
	int			day;
	char		keys[PACK_MAX_KEYS][32];
	PackText	texts[PACK_MAX_KEYS];
	int			nentries;
	PackEntry	entries[12];
	PackStamps	before[12];		/* of those of kind PACK_STAMPS */
	PackStamps	after[12];
} Group;

/* numbers of all lengths */
static int64_t
any_number(void)
{
	int64_t		n = (int64_t) (next() >> (1 + below(63)));

	return below(2) ? n : -n;
}

static int
any_day(void)
{
	return below(8) ? below(12000) : below(2) ? -PACK_MAX_DAY : PACK_MAX_DAY - 1 - below(100);
}

static int64_t
any_time(void)
{
	switch (below(6))
	{
		case 0:
			return below(2) ? INT64_MIN : INT64_MAX;
		case 1:
			return any_number();
		default:
			return (int64_t) below(12000) * INT64_C(86400000000) + below(1000000000);
	}
}

static void
make_stamps(PackStamps *before, PackStamps *after)
{
	memset(before, 0, sizeof(*before));
	memset(after, 0, sizeof(*after));
	before->states = (uint32_t) below(1 << PACK_MAX_STATES);
	after->states = below(2) ? before->states : (uint32_t) below(1 << PACK_MAX_STATES);
	for (int i = 0; i < PACK_MAX_STATES; i++)
	{
		before->at[i] = before->states >> i & 1 ? any_time() : 0;
		after->at[i] = after->states >> i & 1 ? before->states >> i & 1 && below(3) ? before->at[i] : any_time() : 0;
	}
	before->over = below(2);
	after->over = below(2);
	before->over_since = before->over ? any_time() : 0;
	after->over_since = after->over ? before->over && below(2) ? before->over_since : any_time() : 0;
}

static bool
same_stamps(const PackStamps *a, const PackStamps *b)
{
	if (a->states != b->states || a->over != b->over || (a->over && a->over_since != b->over_since))
		return false;
	for (int i = 0; i < PACK_MAX_STATES; i++)
		if ((a->states >> i & 1) && a->at[i] != b->at[i])
			return false;
	return true;
}

static void
make_entry(PackEntry *e, bool has_value)
{
	static const PackKind kinds[] = {PACK_PLACE, PACK_WAIT, PACK_STAMPS};

	memset(e, 0, sizeof(*e));
	e->kind = kinds[below(3)];
	if (e->kind == PACK_STAMPS)
		return;
	e->less = below(2);
	if (e->kind == PACK_PLACE)
		e->place = (uint32_t) below(1 << 28);
	else
	{
		e->state = 1 + below(15);
		e->peak = below(16);
		e->day = any_day();
	}
	e->value = (PackValue) below(has_value ? 4 : 3);
	if (e->value == PACK_FIXED)
	{
		static const int64_t powers[] = {1000000, 100000, 10000, 1000, 100, 10, 1};

		e->scale = below(PACK_DIGITS + 1);
		e->fixed = any_number() % (INT64_C(1000000000000000) / powers[e->scale]) * powers[e->scale];
	}
	else if (e->value == PACK_TEXT)
	{
		e->text.text = "12345678901234567890.5";
		e->text.len = 1 + (size_t) below(22);
	}
}

static size_t
write_pack(uint8_t *data, Group *groups, int n, int nkeys)
{
	PackWriter *w = malloc(sizeof(PackWriter));
	size_t		len;

	w->data = data;
	leadcrm_pack_start(w, nkeys);
	for (int i = 0; i < n; i++)
	{
		bool		has_value = false;

		groups[i].day = any_day();
		for (int k = 0; k < nkeys; k++)
		{
			/* few and many, and the empty one */
			groups[i].texts[k].len = below(10) == 0 ? 0 :
				(size_t) snprintf(groups[i].keys[k], sizeof(groups[i].keys[k]), "key %d", (int) (below(2) ? below(3) : below(100000)));
			groups[i].texts[k].text = groups[i].keys[k];
		}
		leadcrm_pack_group(w, groups[i].day, groups[i].texts);
		groups[i].nentries = below(12);
		for (int e = 0; e < groups[i].nentries; e++)
		{
			make_entry(&groups[i].entries[e], has_value);
			has_value |= groups[i].entries[e].value != PACK_NO_VALUE;
			make_stamps(&groups[i].before[e], &groups[i].after[e]);
			if (groups[i].entries[e].kind == PACK_STAMPS)
				leadcrm_pack_stamps(w, &groups[i].before[e], &groups[i].after[e]);
			else
				leadcrm_pack_entry(w, &groups[i].entries[e]);
		}
		leadcrm_pack_group_end(w);
	}
	len = w->len;
	free(w);
	return len;
}

static bool
same_entry(const PackEntry *a, const PackEntry *b)
{
	if (a->kind != b->kind || a->less != b->less || a->value != b->value)
		return false;
	if (a->kind == PACK_PLACE ? a->place != b->place : a->state != b->state || a->peak != b->peak || a->day != b->day)
		return false;
	if (a->value == PACK_FIXED)
		return a->fixed == b->fixed && a->scale == b->scale;
	return a->value != PACK_TEXT || (a->text.len == b->text.len && memcmp(a->text.text, b->text.text, a->text.len) == 0);
}

static bool
read_back(const uint8_t *data, size_t len, const Group *groups, int n, int nkeys)
{
	static PackText known[PACK_MAX_KEYS * 1000];
	PackReader	r;
	int			day;
	int			numbers[PACK_MAX_KEYS];
	PackText	texts[PACK_MAX_KEYS];
	int			nknown = 0;

	if (!leadcrm_unpack_start(&r, data, len) || r.nkeys != nkeys)
		return false;
	for (int i = 0; i < n; i++)
	{
		PackEntry	entry = {0};

		if (leadcrm_unpack_group(&r, &day, numbers, texts) != PACK_OK || day != groups[i].day)
			return false;
		for (int k = 0; k < nkeys; k++)
		{
			if (texts[k].text != NULL)
				known[nknown++] = texts[k];
			if (numbers[k] < 1 || numbers[k] > nknown || known[numbers[k] - 1].len != groups[i].texts[k].len ||
				memcmp(known[numbers[k] - 1].text, groups[i].texts[k].text, groups[i].texts[k].len) != 0)
				return false;
		}
		for (int e = 0; e < groups[i].nentries; e++)
			if (leadcrm_unpack_entry(&r, &entry) != PACK_OK || (groups[i].entries[e].kind == PACK_STAMPS ?
				entry.kind != PACK_STAMPS || !same_stamps(&r.before, &groups[i].before[e]) || !same_stamps(&r.after, &groups[i].after[e]) :
				!same_entry(&entry, &groups[i].entries[e])))
				return false;
		if (leadcrm_unpack_entry(&r, &entry) != PACK_END)
			return false;
	}
	return leadcrm_unpack_group(&r, &day, numbers, texts) == PACK_END;
}

/* reads to the end or to the damage; the sanitizers watch.  In a block of exactly its size, so that they see the end */
static PackResult
read_all(const uint8_t *data, size_t len)
{
	uint8_t    *copy = malloc(len > 0 ? len : 1);
	PackReader	r;
	PackResult	result = PACK_CORRUPT;
	int			day;
	int			numbers[PACK_MAX_KEYS];
	PackText	texts[PACK_MAX_KEYS];
	PackEntry	entry = {0};

	memcpy(copy, data, len);
	if (leadcrm_unpack_start(&r, copy, len))
		while ((result = leadcrm_unpack_group(&r, &day, numbers, texts)) == PACK_OK)
		{
			while ((result = leadcrm_unpack_entry(&r, &entry)) == PACK_OK)
				;
			if (result == PACK_CORRUPT)
				break;
		}
	free(copy);
	return result;
}

static bool
random_packs(uint64_t seed, int rounds)
{
	static Group groups[1000];
	uint8_t    *data = malloc(ROOM);
	bool		good = true;

	state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
	for (int round = 0; round < rounds && good; round++)
	{
		int			n = below(below(10) ? 20 : 300);
		int			nkeys = below(PACK_MAX_KEYS + 1);
		size_t		len = write_pack(data, groups, n, nkeys);

		good = len < ROOM && read_back(data, len, groups, n, nkeys) && read_all(data, len) == PACK_END;
		for (int i = 0; i < 20 && good; i++)
		{
			size_t		cut = (size_t) below((int) len + 1);

			read_all(data, cut);
			data[below((int) len)] = (uint8_t) next();
			read_all(data, len);
		}
	}
	free(data);
	return good;
}

static bool
is_corrupt(const char *bytes, size_t len)
{
	return read_all((const uint8_t *) bytes, len) == PACK_CORRUPT;
}

int
main(int argc, char **argv)
{
	if (argc > 1)
	{
		uint64_t	seed = strtoull(argv[1], NULL, 10);

		if (!random_packs(seed, 300))
		{
			printf("not ok 1 - random packs, seed %llu\n", (unsigned long long) seed);
			return 1;
		}
		return 0;
	}
	printf("1..20\n");
	ok(random_packs(1, 300), "random packs are read back, damaged ones not beyond their end");
	ok(random_packs(2, 300), "again");
	ok(read_all((const uint8_t *) "\002\000", 2) == PACK_END, "an empty pack");
	ok(is_corrupt("", 0), "nothing");
	ok(is_corrupt("\002", 1), "half a beginning");
	ok(is_corrupt("\001\000", 2), "another version");
	ok(is_corrupt("\002\011", 2), "too many keys");
	ok(is_corrupt("\002\000\000", 3), "a group without an end");
	ok(is_corrupt("\002\001\000\001\007", 5), "a text that was never there");
	ok(is_corrupt("\002\001\000\000\005ab\007", 8), "a text that is cut off");
	ok(is_corrupt("\002\000\000\005\000\007", 6), "an entry of no kind");
	ok(is_corrupt("\002\000\000\004\041\007", 6), "an entry of a kind of the version before");
	ok(is_corrupt("\002\000\000\100\000\007", 6), "bits that mean nothing");
	ok(is_corrupt("\002\000\000\060\001\007", 6), "the same value as before where none was");
	ok(read_all((const uint8_t *) "\002\000\000\033\001\000\002\000\000\000\000\007", 12) == PACK_END, "stamps, and since when it is over");
	ok(is_corrupt("\002\000\000\033\001\000\002\000\000\000", 10), "the same without since when");
	ok(is_corrupt("\002\000\000\043\000\000\000\007", 8), "stamps with a value");
	ok(is_corrupt("\002\000\000\003\001\001\000\000\000\007", 10), "a stamp that is both the same and gone");
	ok(is_corrupt("\002\000\000\003\200\200\002\000\000\000\007", 11), "a stamp of a sixteenth state");
	ok(is_corrupt("\002\000\000\000\200\200\200\200\200\200\200\200\200\002\007", 15), "a number over 64 bits");
	return 0;
}
