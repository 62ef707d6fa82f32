/*
 * unit.h
 *		What the unit tests share: a TAP line a check, and random numbers from a seed (state; not 0).
 */
#ifndef LEADCRM_UNIT_H
#define LEADCRM_UNIT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

static int	tests = 0;
static uint64_t state;

static inline void
ok(bool success, const char *what)
{
	printf("%sok %d - %s\n", success ? "" : "not ", ++tests, what);
}

/* xorshift */
static inline uint64_t
next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* a number from 0 to before n */
static inline int64_t
below(int64_t n)
{
	return (int64_t) (next() % (uint64_t) n);
}

#endif							/* LEADCRM_UNIT_H */
