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

static Size
text_room(const Facts *row)
{
	return row != NULL && row->value_form == PACK_TEXT ? strlen(row->value_text) : 0;
}

/* Begins a group, with room for all that may follow: what a row takes with its value, and the other version of it, too. */
static void
begin_group(Packer *p, const Facts *row, const Facts *other)
{
	Size		room = PACK_GROUP_ROOM + 4 * PACK_ENTRY_ROOM + text_room(row) + text_room(other) + PACK_STAMPS_ROOM + PACK_END_ROOM;

	for (int i = 0; i < p->nkeys; i++)
		room += 10 + row->keys[i].len;
	p->data.len = (int) p->writer.len;
	enlargeStringInfo(&p->data, (int) room);
	p->writer.data = (uint8 *) p->data.data;
	leadcrm_pack_group(&p->writer, row->day, row->keys);
	p->first_day = Min(p->first_day, row->day);
	p->last_day = Max(p->last_day, row->day);
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
	leadcrm_pack_entry(&p->writer, &entry);
	if (!row->waits)
		return;
	entry.kind = PACK_WAIT;
	entry.state = row->state;
	entry.peak = row->peak;
	entry.day = row->since;
	if (entry.value != PACK_NO_VALUE)
		entry.value = PACK_SAME;
	leadcrm_pack_entry(&p->writer, &entry);
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
		begin_group(p, after, before);
		if (moves)
		{
			add_place(p, before, true);
			add_place(p, after, false);
		}
		if (stamped)
			add_stamps(p, &before->stamps, &after->stamps);
		leadcrm_pack_group_end(&p->writer);
		return;
	}
	if (before != NULL)
	{
		begin_group(p, before, NULL);
		add_place(p, before, true);
		add_stamps(p, &before->stamps, &none);
		leadcrm_pack_group_end(&p->writer);
	}
	if (after != NULL)
	{
		begin_group(p, after, NULL);
		add_place(p, after, false);
		add_stamps(p, &none, &after->stamps);
		leadcrm_pack_group_end(&p->writer);
	}
}
