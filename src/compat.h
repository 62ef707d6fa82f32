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

/* Variable-length values have a header of their own since 16. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* A function that does not return: 18's spelling, which stands before the declaration. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/* 18 counts index scans in a structure of the caller's. */
#if PG_VERSION_NUM >= 180000
#define leadcrm_index_beginscan(heap, index, snapshot, nkeys) index_beginscan(heap, index, snapshot, NULL, nkeys, 0)
#else
#define leadcrm_index_beginscan(heap, index, snapshot, nkeys) index_beginscan(heap, index, snapshot, nkeys, 0)
#endif

/* Ownership, in the terms of all object classes since 16. */
#if PG_VERSION_NUM >= 160000
#define leadcrm_owns_relation(relid) object_ownercheck(RelationRelationId, relid, GetUserId())
#else
#define leadcrm_owns_relation(relid) pg_class_ownercheck(relid, GetUserId())
#endif

/* Input functions report errors to callers who asked for it since 16. */
#if PG_VERSION_NUM < 160000
#define ereturn(context, dummy_value, ...) ereport(ERROR, __VA_ARGS__)
#endif

/* Names of time zones, abbreviations before others, are looked up by one function since 16. */
#if PG_VERSION_NUM < 160000
#include "parser/scansup.h"
#include "utils/datetime.h"

#define TZNAME_FIXED_OFFSET 0
#define TZNAME_DYNTZ 1
#define TZNAME_ZONE 2
#define DecodeTimezoneName(name, offset, tz) leadcrm_decode_zone(name, offset, tz)

static inline int
leadcrm_decode_zone(const char *name, int *offset, pg_tz **tz)
{
	int			type = DecodeTimezoneAbbrev(0, downcase_truncate_identifier(name, strlen(name), false), offset, tz);

	if (type == TZ || type == DTZ)
		return TZNAME_FIXED_OFFSET;
	if (type == DYNTZ)
		return TZNAME_DYNTZ;
	*tz = pg_tzset(name);
	if (*tz == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" not recognized", name)));
	return TZNAME_ZONE;
}
#endif

#endif							/* LEADCRM_COMPAT_H */
