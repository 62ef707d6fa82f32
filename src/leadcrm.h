/*
 * leadcrm.h
 *		What the module's parts share: settings and their meaning.
 */
#ifndef LEADCRM_H
#define LEADCRM_H

/* leadcrm.enforcement */
typedef enum LeadcrmEnforcement
{
	LEADCRM_STRICT,				/* forbidden changes are refused */
	LEADCRM_LOG,				/* they pass, with a WARNING and forced = true in the history */
	LEADCRM_OFF					/* nothing is checked, stamped or recorded: data-only restores */
} LeadcrmEnforcement;

extern int	leadcrm_enforcement;
extern char *leadcrm_actor;		/* the application's user, "" when not given */
extern bool leadcrm_is_counting; /* leadcrm.counting: a function of a workspace writes what the workspace keeps */

#endif							/* LEADCRM_H */
