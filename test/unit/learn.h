/*
 * learn.h
 *		What the unit tests of learning share: memory, and whether it asks for interrupts.
 */
#ifndef LEADCRM_UNIT_LEARN_H
#define LEADCRM_UNIT_LEARN_H

#include <stdlib.h>

#include "learn/logistic.h"
#include "unit.h"

/* memory that is given back all at once */
static void **blocks = NULL;
static int	nblocks = 0;
static int	breaths = 0;

static void *
allocate(size_t size)
{
	blocks = realloc(blocks, sizeof(void *) * (nblocks + 1));
	return blocks[nblocks++] = malloc(size > 0 ? size : 1);
}

static void
breathe(void)
{
	breaths++;
}

static void
free_all(void)
{
	while (nblocks > 0)
		free(blocks[--nblocks]);
	free(blocks);
	blocks = NULL;
}

static const LeadcrmLearnEnv env = {allocate, breathe};

#endif							/* LEADCRM_UNIT_LEARN_H */
