/*
 * unit.h
 *		What the unit tests share: a TAP line a check, and random numbers from a seed (state).
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

/* 64 random bits (splitmix64: any seed is as good as another) */
static inline uint64_t
next(void)
{
	uint64_t	z = (state += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

/* a number from 0 to before n */
static inline int64_t
below(int64_t n)
{
	return (int64_t) (next() % (uint64_t) n);
}

/* a number in [0, 1) */
static inline double
share(void)
{
	return (double) (next() >> 11) * 0x1p-53;
}

#endif							/* LEADCRM_UNIT_H */
