/*
 * zone.c
 *		The time zone that days are counted in.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "executor/tuptable.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "cube/cube.h"

/*
 * What the settings say now, not what they said when a snapshot was taken, as whoever changes the zone locks the table and
 * counts anew.  Errors: 55000 no setting, 22023 no such zone.
 */
pg_tz *
leadcrm_cube_zone(const CubeShape *shape)
{
	Relation	rel = table_open(shape->zone_rel, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);
	pg_tz	   *zone = NULL;

	if (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		Datum		name = slot_getattr(slot, shape->zone_att, &isnull);

		if (!isnull)
		{
			char	   *said = TextDatumGetCString(name);

			zone = pg_tzset(said);
			if (zone == NULL)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("time zone \"%s\" not recognized", said)));
		}
	}
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(slot);
	if (zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" does not say the time zone", RelationGetRelationName(rel)),
				 errdetail("Rows are counted by the day that they were born on.")));
	table_close(rel, NoLock);
	return zone;
}
