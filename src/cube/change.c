/*
 * change.c
 *		What a change of a row takes from the cells and adds to them, packed.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "compat.h"
#include "cube/cube.h"

/*
 * Begins a pack.  p->data is initialised already, in the memory context that holds the pack.
 */
void
leadcrm_packer_start(Packer *p, int nkeys)
{
	p->writer.data = (uint8 *) p->data.data;
	leadcrm_pack_start(&p->writer, nkeys);
	p->nkeys = nkeys;
	p->first_day = DATEVAL_NOEND;
	p->last_day = DATEVAL_NOBEGIN;
}

static void
make_room(Packer *p, Size bytes)
{
	p->data.len = (int) p->writer.len;
	enlargeStringInfo(&p->data, (int) bytes);
	p->writer.data = (uint8 *) p->data.data;
}

static void
begin_group(Packer *p, const Facts *row)
{
	Size		room = PACK_GROUP_ROOM;

	for (int i = 0; i < p->nkeys; i++)
		room += 10 + row->keys[i].len;
	make_room(p, room);
	leadcrm_pack_group(&p->writer, row->day, row->keys);
	p->first_day = Min(p->first_day, row->day);
	p->last_day = Max(p->last_day, row->day);
}

static void
add(Packer *p, const PackEntry *entry)
{
	make_room(p, PACK_ENTRY_ROOM + (entry->value == PACK_TEXT ? entry->text.len : 0));
	leadcrm_pack_entry(&p->writer, entry);
}

static void
end_group(Packer *p)
{
	make_room(p, PACK_ENTRY_ROOM);
	leadcrm_pack_group_end(&p->writer);
}

static void
add_place(Packer *p, const Facts *row, bool less)
{
	PackEntry	entry = {.kind = PACK_PLACE, .less = less, .place = row->place, .value = row->value_form};

	if (row->value_form == PACK_FIXED)
	{
		entry.fixed = row->fixed;
		entry.scale = row->scale;
	}
	else if (row->value_form == PACK_TEXT)
	{
		entry.text.text = row->value_text;
		entry.text.len = strlen(row->value_text);
	}
	add(p, &entry);
	if (!row->waits)
		return;
	entry.kind = PACK_WAIT;
	entry.state = row->state;
	entry.peak = row->peak;
	entry.day = row->since;
	if (entry.value != PACK_NO_VALUE)
		entry.value = PACK_SAME;
	add(p, &entry);
}

static bool
same_stamps(const PackStamps *a, const PackStamps *b)
{
	if (a->states != b->states || a->over != b->over || (a->over && a->over_since != b->over_since))
		return false;
	for (uint32 states = a->states; states != 0; states &= states - 1)
		if (a->at[__builtin_ctz(states)] != b->at[__builtin_ctz(states)])
			return false;
	return true;
}

static void
add_stamps(Packer *p, const PackStamps *before, const PackStamps *after)
{
	if (before->states == 0 && after->states == 0)
		return;
	make_room(p, PACK_STAMPS_ROOM);
	leadcrm_pack_stamps(&p->writer, before, after);
}

static bool
same_keys(const Facts *a, const Facts *b)
{
	for (int i = 0; i < a->nkeys; i++)
		if (a->keys[i].len != b->keys[i].len || memcmp(a->keys[i].text, b->keys[i].text, a->keys[i].len) != 0)
			return false;
	return true;
}

static bool
same_place(const Facts *a, const Facts *b)
{
	if (a->place != b->place || a->waits != b->waits || a->since != b->since || a->value_form != b->value_form)
		return false;
	if (a->value_form == PACK_FIXED)
		return a->fixed == b->fixed && a->scale == b->scale;
	return a->value_form != PACK_TEXT || strcmp(a->value_text, b->value_text) == 0;
}

/*
 * Adds what a change of a row takes and adds; NULL: the row was not, or is no longer.
 */
void
leadcrm_pack_change(Packer *p, const Facts *before, const Facts *after)
{
	static const PackStamps none;

	if (before != NULL && !before->counted)
		before = NULL;
	if (after != NULL && !after->counted)
		after = NULL;

	if (before != NULL && after != NULL && before->day == after->day && same_keys(before, after))
	{
		bool		moves = !same_place(before, after);
		bool		stamped = !same_stamps(&before->stamps, &after->stamps);

		if (!moves && !stamped)
			return;
		begin_group(p, after);
		if (moves)
		{
			add_place(p, before, true);
			add_place(p, after, false);
		}
		if (stamped)
			add_stamps(p, &before->stamps, &after->stamps);
		end_group(p);
		return;
	}
	if (before != NULL)
	{
		begin_group(p, before);
		add_place(p, before, true);
		add_stamps(p, &before->stamps, &none);
		end_group(p);
	}
	if (after != NULL)
	{
		begin_group(p, after);
		add_place(p, after, false);
		add_stamps(p, &none, &after->stamps);
		end_group(p);
	}
}
