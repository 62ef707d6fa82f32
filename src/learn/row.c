/*
 * row.c
 *		Features that come as the columns of a row: quicker than JSON by an order, and looked at as rules of fit look at them.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/typcache.h"

#include "common/shortest_dec.h"
#include "compat.h"
#include "fit/number.h"
#include "learn/learn.h"

PG_FUNCTION_INFO_V1(leadcrm_scorecard_accum_row);

/* Kept from call to call for one row type and one list of names. */
struct LeadcrmRowReader
{
	MemoryContext context;
	Datum		names;			/* text[], as it was given */
	Oid			type;			/* of the row */
	int32		typmod;
	TupleDesc	descriptor;
	int			columns;
	char	  **name;
	int		   *length;
	Oid		   *kind;			/* the columns' types; domains are what they are made of */
	FmgrInfo   *output;			/* of columns that are looked at as text; else without a function */
	void	  **feature;		/* the caller's own, of each column; NULL at first */
	Datum	   *values;
	bool	   *isnull;
};

static LeadcrmRowReader *
make_reader(MemoryContext parent, Datum names, Oid type, int32 typmod)
{
	MemoryContext context = AllocSetContextCreate(parent, "leadcrm row reader", ALLOCSET_SMALL_SIZES);
	MemoryContext before = MemoryContextSwitchTo(context);
	LeadcrmRowReader *reader = palloc0(sizeof(LeadcrmRowReader));
	TupleDesc	descriptor = lookup_rowtype_tupdesc(type, typmod);
	ArrayType  *array;
	Datum	   *name;
	bool	   *isnull;
	int			n;

	reader->context = context;
	reader->type = type;
	reader->typmod = typmod;
	reader->descriptor = CreateTupleDescCopy(descriptor);
	ReleaseTupleDesc(descriptor);
	reader->columns = reader->descriptor->natts;
	reader->names = datumCopy(names, false, -1);
	array = DatumGetArrayTypeP(reader->names);
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &name, &isnull, &n);
	if (n != reader->columns || ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a row of %d columns cannot have %d names", reader->columns, n),
				 errhint("Give one name for each column, in an array of one dimension.")));
	reader->name = palloc(sizeof(char *) * Max(n, 1));
	reader->length = palloc(sizeof(int) * Max(n, 1));
	reader->kind = palloc(sizeof(Oid) * Max(n, 1));
	reader->output = palloc0(sizeof(FmgrInfo) * Max(n, 1));
	reader->feature = palloc0(sizeof(void *) * Max(n, 1));
	reader->values = palloc(sizeof(Datum) * Max(n, 1));
	reader->isnull = palloc(sizeof(bool) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(reader->descriptor, i);

		if (isnull[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("the name of feature %d is NULL", i + 1)));
		reader->name[i] = TextDatumGetCString(name[i]);
		reader->length[i] = (int) strlen(reader->name[i]);
		for (int j = 0; j < i; j++)
			if (strcmp(reader->name[i], reader->name[j]) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("two features have the name \"%s\"", reader->name[i])));
		reader->kind[i] = attribute->attisdropped ? InvalidOid : getBaseType(attribute->atttypid);
		switch (reader->kind[i])
		{
			case InvalidOid:
			case BOOLOID:
			case INT2OID:
			case INT4OID:
			case INT8OID:
			case FLOAT4OID:
			case FLOAT8OID:
			case NUMERICOID:
			case TEXTOID:
			case VARCHAROID:
			case JSONBOID:
				break;
			default:
				{
					Oid			function;
					bool		varlena;

					getTypeOutputInfo(reader->kind[i], &function, &varlena);
					fmgr_info(function, &reader->output[i]);
				}
		}
	}
	MemoryContextSwitchTo(before);
	return reader;
}

/*
 * leadcrm_read_row
 *		Takes a row apart: record is the composite datum, names a text[] with a name for each column. reader: what the call before
 *		returned, or NULL; it lives in parent. Errors: 22023 names that do not fit the row, 22004 a name that is NULL.
 */
LeadcrmRowReader *
leadcrm_read_row(LeadcrmRowReader *reader, MemoryContext parent, Datum names, Datum record)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(record);
	Oid			type = HeapTupleHeaderGetTypeId(header);
	int32		typmod = HeapTupleHeaderGetTypMod(header);
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(header), .t_data = header};

	if (reader == NULL || reader->type != type || reader->typmod != typmod || !datumIsEqual(reader->names, names, false, -1))
	{
		LeadcrmRowReader *old = reader;

		reader = make_reader(parent, PointerGetDatum(PG_DETOAST_DATUM(names)), type, typmod);
		if (old != NULL)
			MemoryContextDelete(old->context);
	}
	ItemPointerSetInvalid(&tuple.t_self);
	heap_deform_tuple(&tuple, reader->descriptor, reader->values, reader->isnull);
	return reader;
}

/*
 * leadcrm_row_columns, leadcrm_row_name, leadcrm_row_feature
 *		How many columns the row has; the name of one, with its length in bytes; and a place where the caller may keep what it
 *		knows of it, NULL at first and whenever names or row type have changed.
 */
int
leadcrm_row_columns(const LeadcrmRowReader *reader)
{
	return reader->columns;
}

const char *
leadcrm_row_name(const LeadcrmRowReader *reader, int column, int *length)
{
	*length = reader->length[column];
	return reader->name[column];
}

void	  **
leadcrm_row_feature(LeadcrmRowReader *reader, int column)
{
	return &reader->feature[column];
}

static LeadcrmValue
number_value(double number)
{
	LeadcrmValue value = {.kind = LEADCRM_NUMBER, .number = number};

	/* NaN lies above all others, as in every order of PostgreSQL's */
	if (isnan(number) || number > DBL_MAX)
		value.number = DBL_MAX;
	else if (number < -DBL_MAX)
		value.number = -DBL_MAX;
	else if (number == 0)
		value.number = 0;		/* not -0 */
	return value;
}

/* A text, in LeadcrmValue's terms; false where it is blank, as is_set sees it. */
static bool
text_value(const char *text, int length, LeadcrmValue *value)
{
	bool		ascii = true;

	*value = (LeadcrmValue) {.kind = LEADCRM_TEXT, .text = text, .length = length};
	for (int i = 0; i < length; i++)
	{
		unsigned char c = (unsigned char) text[i];

		if (c >= 0x80)
			ascii = false;
		else if (c != ' ' && (c < '\t' || c > '\r'))
			return true;
	}
	/* blanks of other scripts are for the rules' own regular expression to tell */
	return !ascii &&
		DatumGetBool(DirectFunctionCall2Coll(textregexeq, DEFAULT_COLLATION_OID, PointerGetDatum(cstring_to_text_with_len(text, length)),
											 PointerGetDatum(cstring_to_text("[^[:space:]]"))));
}

/* What stands at a path of a JSON document: a string that is a number is one, all else is what operator #>> makes of it. */
static bool
json_value(Datum datum, LeadcrmValue *value)
{
	Jsonb	   *json = DatumGetJsonbP(datum);
	JsonbValue	v;
	char	   *text;

	if (!JB_ROOT_IS_SCALAR(json) || !JsonbExtractScalar(&json->root, &v))
	{
		text = JsonbToCString(NULL, &json->root, VARSIZE(json));
		return text_value(text, (int) strlen(text), value);
	}
	switch (v.type)
	{
		case jbvNull:
			return false;
		case jbvNumeric:
			*value = number_value(DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(v.val.numeric))));
			return true;
		case jbvBool:
			return text_value(v.val.boolean ? "true" : "false", v.val.boolean ? 4 : 5, value);
		default:
			{
				double		number;

				if (leadcrm_text_is_number(v.val.string.val, v.val.string.len, &number))
				{
					*value = number_value(number);
					return true;
				}
				return text_value(v.val.string.val, v.val.string.len, value);
			}
	}
}

/*
 * leadcrm_row_value
 *		The value of a column of the row that was read last; false where it is missing: NULL, a blank text, null in JSON. A text lives in
 *		the row or in the current memory context.
 */
bool
leadcrm_row_value(LeadcrmRowReader *reader, int column, LeadcrmValue *value)
{
	Datum		datum = reader->values[column];
	text	   *t;
	char	   *written;

	if (reader->isnull[column])
		return false;
	switch (reader->kind[column])
	{
		case InvalidOid:
			return false;
		case BOOLOID:
			*value = (LeadcrmValue) {.kind = LEADCRM_BOOLEAN, .number = DatumGetBool(datum)};
			return true;
		case INT2OID:
			*value = number_value(DatumGetInt16(datum));
			return true;
		case INT4OID:
			*value = number_value(DatumGetInt32(datum));
			return true;
		case INT8OID:
			*value = number_value((double) DatumGetInt64(datum));
			return true;
		case FLOAT8OID:
			*value = number_value(DatumGetFloat8(datum));
			return true;
		case FLOAT4OID:
			{
				/* 0.1 is 0.1 */
				char		digits[FLOAT_SHORTEST_DECIMAL_LEN];
				float		number = DatumGetFloat4(datum);

				if (isnan(number) || isinf(number))
					*value = number_value(number < 0 ? -FLT_MAX : FLT_MAX);
				else
				{
					float_to_shortest_decimal_buf(number, digits);
					*value = number_value(strtod(digits, NULL));
				}
				return true;
			}
		case NUMERICOID:
			*value = number_value(DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, datum)));
			return true;
		case TEXTOID:
		case VARCHAROID:
			t = DatumGetTextPP(datum);
			return text_value(VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t), value);
		case JSONBOID:
			return json_value(datum, value);
		default:
			written = OutputFunctionCall(&reader->output[column], datum);
			return text_value(written, (int) strlen(written), value);
	}
}

/*
 * leadcrm_scorecard_accum_row
 *		scorecard_accum(internal, outcome boolean, names text[], features record): one more row. Rows without an outcome or features
 *		don't count. Errors: 22023 names that do not fit, 54000 too many features.
 */
Datum
leadcrm_scorecard_accum_row(PG_FUNCTION_ARGS)
{
	MemoryContext aggregate;
	MemoryContext before;
	MemoryContext scratch;
	LeadcrmLearnState *state;
	LeadcrmRowReader *reader;
	int			row;

	if (!AggCheckCallContext(fcinfo, &aggregate))
		elog(ERROR, "leadcrm_scorecard_accum_row called outside of an aggregate");
	state = PG_ARGISNULL(0) ? leadcrm_gather_start(aggregate) : (LeadcrmLearnState *) PG_GETARG_POINTER(0);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		PG_RETURN_POINTER(state);
	row = leadcrm_gather_row(state, PG_GETARG_BOOL(1));
	if (row < 0)
		PG_RETURN_POINTER(state);

	/* what reading a row leaves behind goes with it: a group may be of millions */
	if (state->scratch == NULL)
		state->scratch = AllocSetContextCreate(state->context, "leadcrm row", ALLOCSET_DEFAULT_SIZES);
	scratch = state->scratch;
	MemoryContextReset(scratch);
	before = MemoryContextSwitchTo(scratch);
	reader = leadcrm_read_row(state->reader, state->context, PG_GETARG_DATUM(2), PG_GETARG_DATUM(3));
	state->reader = reader;
	for (int column = 0; column < reader->columns; column++)
	{
		LeadcrmValue value;

		if (reader->feature[column] == NULL)
			reader->feature[column] = (void *) (intptr_t) (1 + leadcrm_gather_feature(state, reader->name[column], reader->length[column], column));
		if (leadcrm_row_value(reader, column, &value))
			leadcrm_gather_value(state, (int) ((intptr_t) reader->feature[column] - 1), row, value);
	}
	MemoryContextSwitchTo(before);
	PG_RETURN_POINTER(state);
}
