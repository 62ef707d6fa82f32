/*
 * runs.c
 *		More cells than fit into memory: sorted runs of them in temporary files, merged in the end.
 *
 * Rows in no order come to the same cells again and again.  So a set that is full is emptied into a run in the order of its cells, and
 * cells that are the same in several runs are added up when all are read side by side.  Keys are numbered once for all runs.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/buffile.h"
#include "utils/memutils.h"

#include "compat.h"
#include "cube/cube.h"

typedef struct Run
{
	BufFile    *file;
	CellView	cell;			/* read last */
} Run;

struct CellRuns
{
	MemoryContext cxt;
	CellSet    *set;
	int			n;
	int			room;
	Run		  **runs;			/* while merging a heap, the least cell first */
};

/*
 * Makes the runs of a set: none yet.  They live in the current memory context.
 */
CellRuns *
leadcrm_runs_make(CellSet *set)
{
	CellRuns   *r = palloc0(sizeof(CellRuns));

	r->cxt = CurrentMemoryContext;
	r->set = set;
	return r;
}

/* A cell, then its big number with its length, where it has one. */
static void
write_cell(void *arg, const CellView *cell)
{
	BufFile    *file = arg;
	uint32		len;

	BufFileWrite(file, (void *) cell, sizeof(CellView));
	if (cell->sums.big == NULL)
		return;
	len = VARSIZE(cell->sums.big);
	BufFileWrite(file, &len, sizeof(len));
	BufFileWrite(file, cell->sums.big, len);
}

static void
read_bytes(BufFile *file, void *to, size_t len)
{
	if (BufFileRead(file, to, len) != len)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read cells from a temporary file")));
}

/* The next cell of a run; false: there is none. */
static bool
read_cell(MemoryContext cxt, Run *run)
{
	size_t		got = BufFileRead(run->file, &run->cell, sizeof(CellView));
	uint32		len;

	if (got == 0)
		return false;
	if (got != sizeof(CellView))
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read cells from a temporary file")));
	if (run->cell.sums.big != NULL)
	{
		read_bytes(run->file, &len, sizeof(len));
		run->cell.sums.big = MemoryContextAlloc(cxt, len);
		read_bytes(run->file, run->cell.sums.big, len);
	}
	return true;
}

/*
 * Empties the set into a run.
 */
void
leadcrm_runs_spill(CellRuns *r)
{
	MemoryContext old = MemoryContextSwitchTo(r->cxt);
	Run		   *run = palloc0(sizeof(Run));

	if (r->n == r->room)
	{
		r->room = Max(r->room * 2, 16);
		r->runs = r->runs == NULL ? palloc(sizeof(Run *) * r->room) : repalloc(r->runs, sizeof(Run *) * r->room);
	}
	run->file = BufFileCreateTemp(false);
	leadcrm_cells_visit_sorted(r->set, write_cell, run->file);
	leadcrm_cells_reset(r->set);
	r->runs[r->n++] = run;
	MemoryContextSwitchTo(old);
}

/* As leadcrm_cells_visit_sorted() sorts them. */
static int
compare(const CellView *a, const CellView *b)
{
	if (a->cube != b->cube)
		return a->cube < b->cube ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->period != b->period)
		return a->period < b->period ? -1 : 1;
	if (a->code != b->code)
		return a->code < b->code ? -1 : 1;
	return (a->key > b->key) - (a->key < b->key);
}

/* Puts the run at "at" where it belongs among those below it. */
static void
sift(CellRuns *r, int at)
{
	Run		   *run = r->runs[at];

	for (int child = 2 * at + 1; child < r->n; child = 2 * at + 1)
	{
		if (child + 1 < r->n && compare(&r->runs[child + 1]->cell, &r->runs[child]->cell) < 0)
			child++;
		if (compare(&run->cell, &r->runs[child]->cell) <= 0)
			break;
		r->runs[at] = r->runs[child];
		at = child;
	}
	r->runs[at] = run;
}

/* Goes on in the first run, which leaves the heap at its end. */
static void
advance(CellRuns *r)
{
	Run		   *run = r->runs[0];

	if (!read_cell(r->cxt, run))
	{
		BufFileClose(run->file);
		pfree(run);
		r->runs[0] = r->runs[--r->n];
	}
	if (r->n > 0)
		sift(r, 0);
}

/* Hands a cell over, if something changes in it, and frees what it holds. */
static void
done(CellView *cell, CellReceiver receive, void *arg)
{
	if (!leadcrm_sums_are_nothing(&cell->sums, cell->kind == CELL_STAY))
		receive(arg, cell);
	if (cell->sums.big != NULL)
		pfree(cell->sums.big);
}

static void
merge(CellRuns *r, CellReceiver receive, void *arg)
{
	MemoryContext work = AllocSetContextCreate(r->cxt, "leadcrm runs", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(work);
	CellView	cell;

	for (int i = 0; i < r->n; i++)
	{
		if (BufFileSeek(r->runs[i]->file, 0, 0, SEEK_SET) != 0)
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not rewind a temporary file")));
		/* no run is empty */
		if (!read_cell(r->cxt, r->runs[i]))
			elog(ERROR, "a run of cells is empty");
	}
	for (int i = r->n / 2 - 1; i >= 0; i--)
		sift(r, i);
	while (r->n > 0)
	{
		CHECK_FOR_INTERRUPTS();
		cell = r->runs[0]->cell;
		advance(r);
		while (r->n > 0 && compare(&cell, &r->runs[0]->cell) == 0)
		{
			leadcrm_sums_add(r->cxt, &cell.sums, &r->runs[0]->cell.sums, cell.kind == CELL_STAY);
			if (r->runs[0]->cell.sums.big != NULL)
				pfree(r->runs[0]->cell.sums.big);
			advance(r);
		}
		done(&cell, receive, arg);
		MemoryContextReset(work);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
}

/*
 * Hands over each cell of the set and its runs in which something changes, once, by cube, kind, period, code, and number of the key.
 */
void
leadcrm_runs_finish(CellRuns *r, CellReceiver receive, void *arg)
{
	if (r->n == 0)
	{
		leadcrm_cells_visit_sorted(r->set, receive, arg);
		return;
	}
	if (leadcrm_cells_number(r->set) > 0)
		leadcrm_runs_spill(r);
	merge(r, receive, arg);
}
