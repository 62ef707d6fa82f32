/*
 * arguments.c
 *		The arguments of a trigger, for the SQL functions that read pg_trigger.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "compat.h"

PG_FUNCTION_INFO_V1(leadcrm_trigger_arguments);

/*
 * leadcrm.trigger_arguments(bytea) returns text[]: pg_trigger.tgargs taken apart, each argument ending with a zero byte.
 */
Datum
leadcrm_trigger_arguments(PG_FUNCTION_ARGS)
{
	bytea	   *args = PG_GETARG_BYTEA_PP(0);
	const char *data = VARDATA_ANY(args);
	const char *end = data + VARSIZE_ANY_EXHDR(args);
	ArrayBuildState *result = NULL;

	while (data < end)
	{
		size_t		len = strnlen(data, end - data);

		result = accumArrayResult(result, PointerGetDatum(cstring_to_text_with_len(data, len)), false, TEXTOID,
								  CurrentMemoryContext);
		data += len + 1;
	}
	if (result == NULL)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(TEXTOID));
	PG_RETURN_DATUM(makeArrayResult(result, CurrentMemoryContext));
}
