/*
 * incidence_math.h
 *		How many of those who wait go on, and how many leave, as they grow older: pure code, no PostgreSQL calls.
 */
#ifndef LEADCRM_INCIDENCE_MATH_H
#define LEADCRM_INCIDENCE_MATH_H

#include <stddef.h>

#define LEADCRM_MAX_AGE 3000000 /* days: more than PostgreSQL's years BC */

typedef enum LeadcrmWent
{
	LEADCRM_STILL_OPEN,
	LEADCRM_WENT_ON,
	LEADCRM_WENT_OFF
} LeadcrmWent;

/* One who waits: for how long, and what ended it. */
typedef struct LeadcrmStay
{
	double		days;			/* 0 to LEADCRM_MAX_AGE */
	LeadcrmWent went;
} LeadcrmStay;

/* What is known of a whole day of age. */
typedef struct LeadcrmAge
{
	double		at_risk;		/* there, and seen, after the day before */
	double		went_on;		/* of these, on this day */
	double		went_off;
	double		still_open;		/* seen no longer than this day */
	double		on;				/* shares of all, by the end of the day: gone on, */
	double		off;			/* gone off, */
	double		open;			/* still there */
	double		on_error;		/* standard error of "on" */
} LeadcrmAge;

extern size_t leadcrm_incidence_ages(const LeadcrmStay *stays, size_t n);
extern void leadcrm_incidence(LeadcrmStay *stays, size_t n, LeadcrmAge *ages);

#endif							/* LEADCRM_INCIDENCE_MATH_H */
