/*
 * incidence_bins.c
 *		The estimator of Aalen and Johansen over binned stays.
 *
 * Only the order of the ends and of those that are still open matters to it, so only bins in which both lie leave anything open.
 * Stays are taken as spread evenly over their bin.  The time is cut where a bin begins or ends; in each piece those still open
 * count as there for half of it, as life tables have it.  Where the stays of a bin are many, and as evenly spread as that, the
 * error is of third order in the share of those there that a piece holds; it is bounded by the two orders that are worst:
 *
 * the share is the sum, over those that went on, of 1/n times a factor of k / (k - 1) for each that was open and seen no longer
 * before, k of n being there at the time.  It grows with every stay that is still open and comes earlier, and with every end that
 * does, as then k is less.
 */
#include "funnel/incidence_bins.h"

#include <math.h>
#include <stdbool.h>

/* Lumps of several arrays, in the order of their beginnings or of their ends. */
typedef struct Walk
{
	const LeadcrmLumps *lumps[2];
	int			n;
	bool		by_until;
	size_t		spread[2];
	size_t		exact[2];
} Walk;

/* The next one, NULL at the end; took: go on to the one after it. */
static const LeadcrmLump *
walk(Walk *w, bool take, int *which)
{
	const LeadcrmLump *first = NULL;
	size_t	   *at = NULL;

	for (int i = 0; i < w->n; i++)
		for (int part = 0; part < 2; part++)
		{
			size_t	   *here = part == 0 ? &w->spread[i] : &w->exact[i];
			const LeadcrmLump *lump;

			if (*here == (part == 0 ? w->lumps[i]->nspread : w->lumps[i]->nexact))
				continue;
			lump = (part == 0 ? w->lumps[i]->spread : w->lumps[i]->exact) + *here;
			if (first != NULL && (w->by_until ? first->until <= lump->until : first->from <= lump->from))
				continue;
			first = lump;
			at = here;
			if (which != NULL)
				*which = i;
		}
	if (first != NULL && take)
		++*at;
	return first;
}

static double
count_of(const LeadcrmLumps *lumps)
{
	double		count = 0;

	for (size_t i = 0; i < lumps->nspread; i++)
		count += lumps->spread[i].count;
	for (size_t i = 0; i < lumps->nexact; i++)
		count += lumps->exact[i].count;
	return count;
}

/* More than the shares that any order gives, or less: share[0] that goes on, share[1] that goes off. */
static void
bound(const LeadcrmLumps *lumps, double n, bool most, double *share)
{
	const LeadcrmLumps *on = &lumps[LEADCRM_WENT_ON];
	const LeadcrmLumps *off = &lumps[LEADCRM_WENT_OFF];
	const LeadcrmLumps *open = &lumps[LEADCRM_STILL_OPEN];
	Walk		ends = {{on, off}, 2, most, {0}, {0}};
	Walk		gone = {{on, off}, 2, !most, {0}, {0}}; /* who had left when the next open one was last seen */
	Walk		passed = {{open}, 1, !most, {0}, {0}};	/* who was seen no longer when the next one left */
	Walk		seen = {{open}, 1, most, {0}, {0}};
	double		ngone = 0;
	double		npassed = 0;
	double		nseen = 0;
	double		weight = 1 / n;
	const LeadcrmLump *end;
	const LeadcrmLump *next;
	int			which = 0;

	share[0] = share[1] = 0;
	while ((end = walk(&ends, true, &which)) != NULL)
	{
		/* of one length, those who leave come first */
		while ((next = walk(&passed, false, NULL)) != NULL && (most ? next->from < end->until : next->until < end->from))
			npassed += walk(&passed, true, NULL)->count;
		while ((next = walk(&seen, false, NULL)) != NULL && (most ? nseen < npassed : nseen + next->count <= npassed))
		{
			const LeadcrmLump *leaver;
			double		there;

			while ((leaver = walk(&gone, false, NULL)) != NULL && (most ? leaver->from <= next->until : leaver->until <= next->from))
				ngone += walk(&gone, true, NULL)->count;
			there = n - nseen - ngone;
			nseen += walk(&seen, true, NULL)->count;
			weight *= there > next->count ? there / (there - next->count) : INFINITY;
		}
		share[which] += end->count * weight;
	}
}

/* What is there, and what became of the others. */
typedef struct Estimate
{
	double		there;
	double		open;
	double		on;
} Estimate;

/* Of those there, so many leave while so many others are seen no longer. */
static void
pass(Estimate *e, double on, double off, double open)
{
	double		seen = fmax(e->there, on + off + open) - open / 2;

	if (on + off > 0)
	{
		e->on += e->open * (on / seen);
		e->open *= fmax(1 - (on + off) / seen, 0);
	}
	e->there -= on + off + open;
}

/* The stays that ended alike, on the way through them. */
typedef struct Cursor
{
	const LeadcrmLumps *lumps;
	size_t		spread;
	size_t		exact;
	double		rest;			/* of the spread ones at hand */
} Cursor;

/* When something happens next, after "now". */
static int64_t
next_event(const Cursor *c, int64_t now)
{
	int64_t		next = c->exact < c->lumps->nexact ? c->lumps->exact[c->exact].from : INT64_MAX;

	if (c->spread < c->lumps->nspread)
	{
		const LeadcrmLump *lump = &c->lumps->spread[c->spread];
		int64_t		edge = lump->from > now ? lump->from : lump->until;

		if (edge < next)
			next = edge;
	}
	return next;
}

/* How many of the spread ones fall between two events. */
static double
share_until(Cursor *c, int64_t now, int64_t next)
{
	const LeadcrmLump *lump = &c->lumps->spread[c->spread];
	double		part;

	if (c->spread == c->lumps->nspread || lump->from > now)
		return 0;
	if (now == lump->from)
		c->rest = lump->count;
	if (next == lump->until)
	{
		c->spread++;
		return c->rest;
	}
	part = c->rest * (((double) next - (double) now) / ((double) lump->until - (double) now));
	c->rest -= part;
	return part;
}

static double
exactly(Cursor *c, int64_t now)
{
	if (c->exact < c->lumps->nexact && c->lumps->exact[c->exact].from == now)
		return c->lumps->exact[c->exact++].count;
	return 0;
}

static bool
is_done(const Cursor *c)
{
	return c->spread == c->lumps->nspread && c->exact == c->lumps->nexact;
}

static double
estimate(const LeadcrmLumps *lumps, double n)
{
	Cursor		on = {.lumps = &lumps[LEADCRM_WENT_ON]};
	Cursor		off = {.lumps = &lumps[LEADCRM_WENT_OFF]};
	Cursor		open = {.lumps = &lumps[LEADCRM_STILL_OPEN]};
	Estimate	e = {.there = n, .open = 1};
	int64_t		now = -1;

	while (!is_done(&on) || !is_done(&off))
	{
		int64_t		next = next_event(&on, now);
		int64_t		other = next_event(&off, now);

		next = other < next ? other : next;
		other = next_event(&open, now);
		next = other < next ? other : next;
		{
			double		went_on = share_until(&on, now, next);
			double		went_off = share_until(&off, now, next);

			pass(&e, went_on, went_off, share_until(&open, now, next));
		}
		now = next;
		{
			double		went_on = exactly(&on, now);
			double		went_off = exactly(&off, now);

			pass(&e, went_on, went_off, 0);
		}
		pass(&e, 0, 0, exactly(&open, now));
	}
	return e.on;
}

/*
 * The share of all that goes on in the end, as leadcrm_incidence() estimates it from the stays themselves.  lumps: LEADCRM_WAYS of
 * them, by LeadcrmWent; at least one stay.
 */
double
leadcrm_expected_share(const LeadcrmLumps *lumps)
{
	return estimate(lumps, count_of(&lumps[LEADCRM_STILL_OPEN]) + count_of(&lumps[LEADCRM_WENT_ON]) +
					count_of(&lumps[LEADCRM_WENT_OFF]));
}

/*
 * Between which shares what leadcrm_incidence() says of the stays themselves lies, whatever their order in their bins.
 */
void
leadcrm_expected_range(const LeadcrmLumps *lumps, double *least, double *most)
{
	double		n = count_of(&lumps[LEADCRM_STILL_OPEN]) + count_of(&lumps[LEADCRM_WENT_ON]) + count_of(&lumps[LEADCRM_WENT_OFF]);
	double		low[2];
	double		high[2];

	bound(lumps, n, false, low);
	bound(lumps, n, true, high);
	*least = fmin(low[0], 1);
	/* those who surely leave don't go on */
	*most = fmax(fmin(high[0], 1 - low[1]), *least);
}
