/*
 * cache.h
 *		What the tracker's files need from each other to start up and to recognise our own triggers.
 */
#ifndef LEADCRM_CACHE_H
#define LEADCRM_CACHE_H

#include "utils/reltrigger.h"

/* build.c */
extern bool leadcrm_is_trigger(const Trigger *trigger, const char *funcname);

/* arguments.c */
extern Oid	leadcrm_table_by_argument(const char *argument, Oid target);

/* history.c, batch.c, notes.c, override.c: register their callbacks */
extern void leadcrm_history_init(void);
extern void leadcrm_batch_init(void);
extern void leadcrm_notes_init(void);
extern void leadcrm_override_init(void);

#endif							/* LEADCRM_CACHE_H */
