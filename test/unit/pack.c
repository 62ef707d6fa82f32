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

#define ROOM 200000

static int	tests = 0;
static uint64_t state;

static void
ok(bool success, const char *what)
{
	printf("%sok %d - %s\n", success ? "" : "not ", ++tests, what);
}

static uint64_t
next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static int
below(int n)
{
	return (int) (next() % (uint64_t) n);
}

typedef struct Group
{
	int			day;
	char		keys[PACK_MAX_KEYS][32];
	PackText	texts[PACK_MAX_KEYS];
	int			nentries;
	PackEntry	entries[12];
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

static void
make_entry(PackEntry *e, bool has_value)
{
	static const CellKind kinds[] = {CELL_PLACE, CELL_WAIT, CELL_STAY, CELL_ENTERED};

	memset(e, 0, sizeof(*e));
	e->kind = kinds[below(4)];
	e->less = below(2);
	e->state = 1 + below(15);
	switch (e->kind)
	{
		case CELL_PLACE:
			e->place = (uint32_t) below(1 << 28);
			e->state = 0;
			break;
		case CELL_WAIT:
			e->peak = below(16);
			e->day = any_day();
			break;
		case CELL_STAY:
			e->state = 2 + below(14);
			e->peak = 1 + below(e->state - 1);
			e->us = any_number();
			break;
		case CELL_ENTERED:
			e->day = any_day();
			break;
	}
	if (e->kind == CELL_STAY || e->kind == CELL_ENTERED)
		return;
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
				(size_t) snprintf(groups[i].keys[k], sizeof(groups[i].keys[k]), "key %d", below(2) ? below(3) : below(100000));
			groups[i].texts[k].text = groups[i].keys[k];
		}
		leadcrm_pack_group(w, groups[i].day, groups[i].texts);
		groups[i].nentries = below(12);
		for (int e = 0; e < groups[i].nentries; e++)
		{
			make_entry(&groups[i].entries[e], has_value);
			has_value |= groups[i].entries[e].value != PACK_NO_VALUE;
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
	if (a->kind == CELL_PLACE ? a->place != b->place : a->state != b->state)
		return false;
	if ((a->kind == CELL_WAIT || a->kind == CELL_STAY) && a->peak != b->peak)
		return false;
	if ((a->kind == CELL_WAIT || a->kind == CELL_ENTERED) && a->day != b->day)
		return false;
	if (a->kind == CELL_STAY && a->us != b->us)
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
			if (leadcrm_unpack_entry(&r, &entry) != PACK_OK || !same_entry(&entry, &groups[i].entries[e]))
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
	printf("1..16\n");
	ok(random_packs(1, 300), "random packs are read back, damaged ones not beyond their end");
	ok(random_packs(2, 300), "again");
	ok(read_all((const uint8_t *) "\001\000", 2) == PACK_END, "an empty pack");
	ok(is_corrupt("", 0), "nothing");
	ok(is_corrupt("\001", 1), "half a beginning");
	ok(is_corrupt("\002\000", 2), "another version");
	ok(is_corrupt("\001\011", 2), "too many keys");
	ok(is_corrupt("\001\000\000", 3), "a group without an end");
	ok(is_corrupt("\001\001\000\001\007", 5), "a text that was never there");
	ok(is_corrupt("\001\001\000\000\005ab\007", 8), "a text that is cut off");
	ok(is_corrupt("\001\000\000\005\000\007", 6), "an entry of no kind");
	ok(is_corrupt("\001\000\000\100\000\007", 6), "bits that mean nothing");
	ok(is_corrupt("\001\000\000\060\001\007", 6), "the same value as before where none was");
	ok(is_corrupt("\001\000\000\003\041\000\007", 7), "a stay against the order of the states");
	ok(is_corrupt("\001\000\000\023\022\000\001\007", 8), "a stay with a value");
	ok(is_corrupt("\001\000\000\000\200\200\200\200\200\200\200\200\200\002\007", 15), "a number over 64 bits");
	return 0;
}
