/*
 * leadcrm.c
 *		Module entry: settings and callbacks.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/guc.h"

#include "compat.h"
#include "cube/cube.h"
#include "leadcrm.h"
#include "tracker/tracker.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

int			leadcrm_enforcement = LEADCRM_STRICT;
char	   *leadcrm_actor = NULL;
bool		leadcrm_is_counting = false;

static const struct config_enum_entry enforcement_options[] = {
	{"strict", LEADCRM_STRICT, false},
	{"log", LEADCRM_LOG, false},
	{"off", LEADCRM_OFF, false},
	{NULL, 0, false}
};

void
_PG_init(void)
{
	DefineCustomEnumVariable("leadcrm.enforcement",
							 "What happens to a change of state that the rules forbid.",
							 "strict refuses it; log lets it pass with a WARNING and marks it as forced in the history; "
							 "off checks, stamps and records nothing (for data-only restores).",
							 &leadcrm_enforcement,
							 LEADCRM_STRICT,
							 enforcement_options,
							 PGC_SUSET,
							 0,
							 NULL, NULL, NULL);
	DefineCustomStringVariable("leadcrm.actor",
							   "The application's user, recorded in every history row.",
							   "Kept beside the session's role and the current role; no right depends on it.",
							   &leadcrm_actor,
							   "",
							   PGC_USERSET,
							   0,
							   NULL, NULL, NULL);
	DefineCustomBoolVariable("leadcrm.counting",
							 "Whether a function of a workspace is writing what the workspace keeps.",
							 "Such functions set and reset it; without the rights of the tables' owner it changes nothing.",
							 &leadcrm_is_counting,
							 false,
							 PGC_USERSET,
							 GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE,
							 NULL, NULL, NULL);
	MarkGUCPrefixReserved("leadcrm");

	leadcrm_tracker_init();
	leadcrm_cube_init();
}
