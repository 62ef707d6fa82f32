/*
 * compat.h
 *		Differences between the server versions that leadcrm supports (15 to 18).
 *		The only file that names PG_VERSION_NUM.
 */
#ifndef LEADCRM_COMPAT_H
#define LEADCRM_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "leadcrm needs PostgreSQL 15 or later"
#endif

#endif							/* LEADCRM_COMPAT_H */
