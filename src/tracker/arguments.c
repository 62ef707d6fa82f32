/*
 * arguments.c
 *		The arguments of a trigger, for the SQL functions that read pg_trigger.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

#include "compat.h"
#include "tracker/cache.h"

PG_FUNCTION_INFO_V1(leadcrm_trigger_arguments);
PG_FUNCTION_INFO_V1(leadcrm_resolve_table);

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

		pg_verifymbstr(data, len, false);
		result = accumArrayResult(result, PointerGetDatum(cstring_to_text_with_len(data, len)), false, TEXTOID,
								  CurrentMemoryContext);
		data += len + 1;
	}
	if (result == NULL)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(TEXTOID));
	PG_RETURN_DATUM(makeArrayResult(result, CurrentMemoryContext));
}

/*
 * The table that a trigger's argument names: in the target's schema unless qualified.  InvalidOid for whatever is not the name
 * of a table that is there; never an error, since anybody may give a trigger of his own any argument.
 */
Oid
leadcrm_table_by_argument(const char *argument, Oid target)
{
	List	   *names;
	Oid			nspoid;

	if (!SplitIdentifierString(pstrdup(argument), '.', &names) || list_length(names) < 1 || list_length(names) > 2)
		return InvalidOid;
	nspoid = list_length(names) == 2 ? get_namespace_oid(linitial(names), true) : get_rel_namespace(target);
	return OidIsValid(nspoid) ? get_relname_relid(llast(names), nspoid) : InvalidOid;
}

/*
 * leadcrm.resolve_table(argument text, target regclass) returns regclass: the same for SQL, NULL where there is no such table; what
 * is there may be a view, and reading it would run its owner's functions.
 */
Datum
leadcrm_resolve_table(PG_FUNCTION_ARGS)
{
	Oid			relid = leadcrm_table_by_argument(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_OID(1));

	char		kind = OidIsValid(relid) ? get_rel_relkind(relid) : '\0';

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE && kind != RELKIND_FOREIGN_TABLE)
		PG_RETURN_NULL();
	PG_RETURN_OID(relid);
}
