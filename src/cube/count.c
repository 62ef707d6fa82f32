/*
 * count.c
 *		The trigger that counts.
 */
#include "postgres.h"

#include "executor/tuptable.h"
#include "utils/rel.h"

#include "compat.h"
#include "cube/cube.h"
#include "leadcrm.h"

PG_FUNCTION_INFO_V1(leadcrm_count_cells);

/*
 * leadcrm.count_cells(): AFTER trigger.  For each row it collects what the change takes from the cells and adds to them; for
 * each statement it writes that down.
 */
Datum
leadcrm_count_cells(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	const CubeShape *shape;
	Tally	   *tally;
	struct pg_tz *zone;
	Facts		old;
	Facts		new;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"leadcrm.%s\" was not called as a trigger", "count_cells")));
	if (!TRIGGER_FIRED_AFTER(trigdata->tg_event) || TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"leadcrm.%s\" must be fired AFTER INSERT, UPDATE or DELETE", "count_cells")));
	if (leadcrm_enforcement == LEADCRM_OFF)
		PG_RETURN_POINTER(NULL);
	if (TRIGGER_FIRED_FOR_STATEMENT(trigdata->tg_event))
	{
		leadcrm_tally_write(RelationGetRelid(trigdata->tg_relation), false);
		PG_RETURN_POINTER(NULL);
	}

	shape = leadcrm_cube_shape(trigdata->tg_relation, trigdata->tg_trigger);
	if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) && leadcrm_cube_same(shape, trigdata->tg_trigslot, trigdata->tg_newslot))
		PG_RETURN_POINTER(NULL);
	tally = leadcrm_tally_for(shape);
	zone = leadcrm_tally_zone(tally);
	leadcrm_cube_facts(shape, zone, trigdata->tg_trigslot, NULL, NULL, &old);
	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		leadcrm_tally_change(tally, NULL, &old);
	else if (TRIGGER_FIRED_BY_DELETE(trigdata->tg_event))
		leadcrm_tally_change(tally, &old, NULL);
	else
	{
		leadcrm_cube_facts(shape, zone, trigdata->tg_newslot, &old, trigdata->tg_trigslot, &new);
		leadcrm_tally_change(tally, &old, &new);
	}
	PG_RETURN_POINTER(NULL);
}
