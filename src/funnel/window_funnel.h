/*
 * window_funnel.h
 *		How many steps a lead came, in order, within a window: pure code, no PostgreSQL calls.
 *
 * Events are instants: all that happened at one instant is one event, which satisfies every step that one of its rows
 * satisfies. So the order in which rows come in makes no difference, nor does a row that comes twice.
 *
 * A chain of length n is a choice of events for the steps 1 to n, none before the one chosen for the step before it, none
 * later than the window allows after the first. One event may serve for several steps. The result is the greatest n that
 * has a chain, which may begin at any event of the first step. Flags narrow what a chain is.
 */
#ifndef LEADCRM_WINDOW_FUNNEL_H
#define LEADCRM_WINDOW_FUNNEL_H

#include <stdbool.h>
#include <stdint.h>

#define LEADCRM_WINDOW_MAX_STEPS 64
#define LEADCRM_WINDOW_UNLIMITED INT64_MAX

/* no event lies between two that follow each other in the chain */
#define LEADCRM_WINDOW_STRICT_ORDER 1
/* but those of steps that the chain has already come to may */
#define LEADCRM_WINDOW_ALLOW_REENTRY 2
/* no event serves for two steps */
#define LEADCRM_WINDOW_STRICT_INCREASE 4
/* none lies between that repeats a step: one already come to, or the one that is next */
#define LEADCRM_WINDOW_STRICT_DEDUPLICATION 8
/* the chain begins at the first event of the first step */
#define LEADCRM_WINDOW_FROM_FIRST 16
#define LEADCRM_WINDOW_ALL_FLAGS 31

typedef struct LeadcrmEvent
{
	int64_t		at;				/* µs */
	uint64_t	steps;			/* bit k - 1: step k is satisfied; 0: none of them */
} LeadcrmEvent;

extern bool leadcrm_window_flags_valid(int flags);
extern int	leadcrm_window_normalize(LeadcrmEvent *event, int n, LeadcrmEvent *scratch);
extern int	leadcrm_window_funnel(const LeadcrmEvent *event, int n, int nsteps, int flags, int64_t window);

#endif							/* LEADCRM_WINDOW_FUNNEL_H */
