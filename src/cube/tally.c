/*
 * tally.c
 *		What the statement at hand takes from the cells and adds to them.
 *
 * Changes go into a pack, which is written when it fills a page and when the statement ends.  A tally belongs to the
 * subtransaction that it counts for: what is rolled back is forgotten, and a statement inside a trigger never writes what belongs
 * to the statement outside.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"

#include "compat.h"
#include "cube/cube.h"

struct Tally
{
	Tally	   *next;
	MemoryContext cxt;			/* a child of TopTransactionContext; holds this struct and all that it points to */
	SubTransactionId subid;
	const CubeShape *shape;
	struct pg_tz *zone;			/* NULL: not looked up yet */
	Packer		packer;
};

static Tally *tallies = NULL;

static void
write_pack(Tally *t)
{
	Packer	   *p = &t->packer;

	if (p->writer.len > PACK_START_ROOM)
		leadcrm_delta_write(t->shape, p->first_day, p->last_day, p->data.data, (int) p->writer.len);
	leadcrm_packer_start(p, t->shape->nkeys);
}

/* The tally of the subtransaction at hand for a table, made when there is none. */
Tally *
leadcrm_tally_for(const CubeShape *shape)
{
	SubTransactionId subid = GetCurrentSubTransactionId();
	MemoryContext old;
	Tally	   *t;

	for (t = tallies; t != NULL; t = t->next)
		if (t->subid == subid && t->shape->relid == shape->relid)
		{
			if (unlikely(t->shape != shape))
			{
				/* rows are counted in another way from here on */
				write_pack(t);
				t->shape = shape;
				t->zone = NULL;
				leadcrm_packer_start(&t->packer, shape->nkeys);
			}
			return t;
		}

	old = MemoryContextSwitchTo(AllocSetContextCreate(TopTransactionContext, "leadcrm tally", ALLOCSET_DEFAULT_SIZES));
	t = palloc(sizeof(Tally));
	t->cxt = CurrentMemoryContext;
	t->subid = subid;
	t->shape = shape;
	t->zone = NULL;
	initStringInfo(&t->packer.data);
	leadcrm_packer_start(&t->packer, shape->nkeys);
	MemoryContextSwitchTo(old);
	t->next = tallies;
	tallies = t;
	return t;
}

/*
 * The time zone that this statement's days are counted in.
 */
struct pg_tz *
leadcrm_tally_zone(Tally *t)
{
	if (t->zone == NULL)
		t->zone = leadcrm_cube_zone(t->shape);
	return t->zone;
}

/*
 * Counts a change of a row; NULL: the row was not, or is no longer.
 */
void
leadcrm_tally_change(Tally *t, const Facts *before, const Facts *after)
{
	leadcrm_pack_change(&t->packer, before, after);
	if (t->packer.writer.len > PACKER_FULL)
		write_pack(t);
}

/* Takes a tally out of the list. */
static void
forget(Tally **link)
{
	Tally	   *t = *link;

	*link = t->next;
	MemoryContextDelete(t->cxt);
}

/*
 * Writes what was collected for a table in this subtransaction; all: for any table, in any.
 */
void
leadcrm_tally_write(Oid relid, bool all)
{
	Tally	  **link = &tallies;

	while (*link != NULL)
	{
		Tally	   *t = *link;

		if (!all && (t->subid != GetCurrentSubTransactionId() || t->shape->relid != relid))
		{
			link = &t->next;
			continue;
		}
		write_pack(t);
		forget(link);
	}
}

/* The statement trigger writes; what is left, because somebody switched it off half-way, is written before the commit. */
static void
end_of_transaction(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			leadcrm_tally_write(InvalidOid, true);
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
		case XACT_EVENT_ABORT:
			tallies = NULL;		/* their memory goes with the transaction's */
			break;
		default:
			break;
	}
}

static void
end_of_subtransaction(SubXactEvent event, SubTransactionId subid, SubTransactionId parent, void *arg)
{
	Tally	  **link = &tallies;

	while (*link != NULL)
	{
		if ((*link)->subid == subid && event == SUBXACT_EVENT_ABORT_SUB)
		{
			forget(link);
			continue;
		}
		if ((*link)->subid == subid && event == SUBXACT_EVENT_COMMIT_SUB)
			(*link)->subid = parent;
		link = &(*link)->next;
	}
}

/*
 * Called once, when the module is loaded.
 */
void
leadcrm_tally_init(void)
{
	RegisterXactCallback(end_of_transaction, NULL);
	RegisterSubXactCallback(end_of_subtransaction, NULL);
}
