/*
 * funnel_type.c
 *		leadcrm.funnel, the type: text and binary form, equality, sum and difference.
 *
 * A value is the bytes of funnel_pack.c. Every reader goes through leadcrm_funnel_absorb, which checks each of them.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "compat.h"
#include "funnel/funnel.h"

PG_FUNCTION_INFO_V1(leadcrm_funnel_in);
PG_FUNCTION_INFO_V1(leadcrm_funnel_out);
PG_FUNCTION_INFO_V1(leadcrm_funnel_recv);
PG_FUNCTION_INFO_V1(leadcrm_funnel_send);
PG_FUNCTION_INFO_V1(leadcrm_funnel_eq);
PG_FUNCTION_INFO_V1(leadcrm_funnel_ne);
PG_FUNCTION_INFO_V1(leadcrm_funnel_hash);
PG_FUNCTION_INFO_V1(leadcrm_funnel_hash_extended);
PG_FUNCTION_INFO_V1(leadcrm_funnel_plus);
PG_FUNCTION_INFO_V1(leadcrm_funnel_minus);
PG_FUNCTION_INFO_V1(leadcrm_funnel_negative);

#define MAX_SHOWN 200			/* bytes of a text in an error */

static void *
grow(void *context, void *old, size_t size)
{
	return old == NULL ? MemoryContextAlloc((MemoryContext) context, size) : repalloc(old, size);
}

/*
 * leadcrm_funnel_begin
 *		An empty summary whose memory comes from this context.
 */
void
leadcrm_funnel_begin(LeadcrmFunnel *f, MemoryContext context)
{
	leadcrm_funnel_init(f, grow, context);
}

/*
 * leadcrm_funnel_check
 *		Raise the error that a status stands for, if it is one.
 */
void
leadcrm_funnel_check(LeadcrmFunnelStatus status)
{
	switch (status)
	{
		case LEADCRM_FUNNEL_OK:
			return;
		case LEADCRM_FUNNEL_COUNT_RANGE:
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("a number of leads of the funnel is out of range"),
					 errdetail("It is at most %lld, and no less than that below zero.", (long long) LEADCRM_FUNNEL_MAX_COUNT)));
			break;
		case LEADCRM_FUNNEL_VALUE_RANGE:
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("a sum of values of the funnel is out of range"),
					 errdetail("Values are added up exactly, with 38 digits.")));
			break;
		case LEADCRM_FUNNEL_DURATION_RANGE:
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("a duration of the funnel is out of range"),
					 errdetail("From one stage to the next it takes less than 2^63 microseconds, and all leads together less than 2^127.")));
			break;
		case LEADCRM_FUNNEL_MISMATCH:
			break;				/* leadcrm_funnel_check_stages knows more about it */
		case LEADCRM_FUNNEL_CORRUPT:
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("a stored value of type leadcrm.funnel is damaged")));
			break;
		case LEADCRM_FUNNEL_NEGATIVE:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the funnel is a difference: more durations were taken away than were there"),
					 errhint("Add it to what it was taken from.")));
			break;
	}
	elog(ERROR, "unknown status of a funnel: %d", (int) status);
}

/*
 * leadcrm_funnel_check_stages
 *		The same where something of so many stages was to be added.
 */
void
leadcrm_funnel_check_stages(const LeadcrmFunnel *f, LeadcrmFunnelStatus status, int nstages)
{
	if (status == LEADCRM_FUNNEL_MISMATCH)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 f->nstages == nstages ? errmsg("funnels of %d stages cannot be added up that measure different ones of them", nstages)
				 : errmsg("a funnel of %d stages cannot be added to one of %d", nstages, f->nstages)));
	leadcrm_funnel_check(status);
}

/*
 * leadcrm_funnel_absorb
 *		Add a value of type leadcrm.funnel (sign 1) or take it away (-1).
 */
void
leadcrm_funnel_absorb(LeadcrmFunnel *f, Datum value, int sign)
{
	struct varlena *v = PG_DETOAST_DATUM_PACKED(value);
	const unsigned char *bytes = (unsigned char *) VARDATA_ANY(v);
	LeadcrmFunnelStatus status = leadcrm_funnel_merge_packed(f, bytes, VARSIZE_ANY_EXHDR(v), sign);

	/* the number of stages is the second byte */
	leadcrm_funnel_check_stages(f, status, status == LEADCRM_FUNNEL_MISMATCH ? bytes[1] : 0);
	if ((Pointer) v != DatumGetPointer(value))
		pfree(v);
}

/*
 * leadcrm_funnel_datum
 *		The summary as a value of type leadcrm.funnel, in the current memory context.
 */
Datum
leadcrm_funnel_datum(const LeadcrmFunnel *f)
{
	struct varlena *v = palloc(VARHDRSZ + leadcrm_funnel_packed_size(f));
	unsigned char *end = leadcrm_funnel_pack(f, (unsigned char *) VARDATA(v));

	SET_VARSIZE(v, end - (unsigned char *) v);
	return PointerGetDatum(v);
}

/*
 * leadcrm_decimal_of_numeric
 *		The number exactly; false where it is not finite or has more than 38 digits.
 */
bool
leadcrm_decimal_of_numeric(Datum numeric, LeadcrmDecimal *d)
{
	char	   *text = DatumGetCString(DirectFunctionCall1(numeric_out, numeric));
	const char *end = leadcrm_decimal_parse(text, d);
	bool		result = end != NULL && *end == '\0';

	pfree(text);
	return result;
}

/*
 * leadcrm_decimal_to_numeric
 *		The number as numeric, in the current memory context.
 */
Datum
leadcrm_decimal_to_numeric(const LeadcrmDecimal *d)
{
	char		text[LEADCRM_DECIMAL_WIDTH];
	LeadcrmDecimal trimmed = *d;

	leadcrm_decimal_trim(&trimmed);
	leadcrm_decimal_print(&trimmed, text);
	return DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}

/*
 * leadcrm_funnel_in
 *		From text; 22P02 for what is none.
 */
Datum
leadcrm_funnel_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);
	LeadcrmFunnel f;
	const char *where;
	LeadcrmFunnelStatus status;

	leadcrm_funnel_begin(&f, CurrentMemoryContext);
	status = leadcrm_funnel_parse(&f, text, &where);
	if (status == LEADCRM_FUNNEL_CORRUPT)
	{
		int			len = (int) strlen(text);
		int			shown = pg_mbcliplen(text, len, MAX_SHOWN);

		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type leadcrm.funnel: \"%.*s%s\"", shown, text, shown < len ? "..." : ""),
				 errdetail("It cannot be read on from character %d.", pg_mbstrlen_with_len(text, (int) (where - text)) + 1)));
	}
	leadcrm_funnel_check(status);
	return leadcrm_funnel_datum(&f);
}

/*
 * leadcrm_funnel_out
 *		To text that reads back as the same bytes.
 */
Datum
leadcrm_funnel_out(PG_FUNCTION_ARGS)
{
	LeadcrmFunnel f;

	leadcrm_funnel_begin(&f, CurrentMemoryContext);
	leadcrm_funnel_absorb(&f, PG_GETARG_DATUM(0), 1);
	PG_RETURN_CSTRING(leadcrm_funnel_print(&f));
}

static char *
hex(const unsigned char *bytes, int len)
{
	char	   *text = palloc(2 * len + 1);

	text[hex_encode((const char *) bytes, len, text)] = '\0';
	return text;
}

/*
 * leadcrm_funnel_recv
 *		From the wire; 22P03 for anything but what leadcrm_funnel_send writes.
 */
Datum
leadcrm_funnel_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int			len = buf->len - buf->cursor;
	const unsigned char *bytes = (const unsigned char *) pq_getmsgbytes(buf, len);
	LeadcrmFunnel f;
	LeadcrmFunnelStatus status;

	leadcrm_funnel_begin(&f, CurrentMemoryContext);
	status = leadcrm_funnel_merge_packed(&f, bytes, len, 1);
	if (status == LEADCRM_FUNNEL_CORRUPT || (status == LEADCRM_FUNNEL_OK && !leadcrm_funnel_is_canonical(&f, bytes, len)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid binary form of type leadcrm.funnel: \\x%s%s", hex(bytes, Min(len, MAX_SHOWN / 8)), len > MAX_SHOWN / 8 ? "..." : ""),
				 errdetail("It has %d bytes.", len)));
	leadcrm_funnel_check(status);
	return leadcrm_funnel_datum(&f);
}

/*
 * leadcrm_funnel_send
 *		To the wire: the bytes as they are kept.
 */
Datum
leadcrm_funnel_send(PG_FUNCTION_ARGS)
{
	struct varlena *v = PG_GETARG_VARLENA_PP(0);
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendbytes(&buf, VARDATA_ANY(v), (int) VARSIZE_ANY_EXHDR(v));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* one summary has one form, so equal bytes are equal summaries and the other way round */
static bool
same(FunctionCallInfo fcinfo)
{
	struct varlena *a = PG_GETARG_VARLENA_PP(0);
	struct varlena *b = PG_GETARG_VARLENA_PP(1);

	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) && memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

/*
 * leadcrm_funnel_eq
 *		Do both say the same?
 */
Datum
leadcrm_funnel_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(same(fcinfo));
}

/*
 * leadcrm_funnel_ne
 *		Do they differ?
 */
Datum
leadcrm_funnel_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!same(fcinfo));
}

/*
 * leadcrm_funnel_hash
 *		Hash that goes with equality.
 */
Datum
leadcrm_funnel_hash(PG_FUNCTION_ARGS)
{
	struct varlena *v = PG_GETARG_VARLENA_PP(0);

	return hash_any((unsigned char *) VARDATA_ANY(v), (int) VARSIZE_ANY_EXHDR(v));
}

/*
 * leadcrm_funnel_hash_extended
 *		The same with a seed, 64 bits wide.
 */
Datum
leadcrm_funnel_hash_extended(PG_FUNCTION_ARGS)
{
	struct varlena *v = PG_GETARG_VARLENA_PP(0);

	return hash_any_extended((unsigned char *) VARDATA_ANY(v), (int) VARSIZE_ANY_EXHDR(v), PG_GETARG_INT64(1));
}

/*
 * leadcrm_funnel_plus
 *		funnel + funnel: the leads of both.
 */
Datum
leadcrm_funnel_plus(PG_FUNCTION_ARGS)
{
	LeadcrmFunnel f;

	leadcrm_funnel_begin(&f, CurrentMemoryContext);
	leadcrm_funnel_absorb(&f, PG_GETARG_DATUM(0), 1);
	leadcrm_funnel_absorb(&f, PG_GETARG_DATUM(1), 1);
	return leadcrm_funnel_datum(&f);
}

/*
 * leadcrm_funnel_minus
 *		funnel - funnel: the leads of the first without those of the second.
 */
Datum
leadcrm_funnel_minus(PG_FUNCTION_ARGS)
{
	LeadcrmFunnel f;

	leadcrm_funnel_begin(&f, CurrentMemoryContext);
	leadcrm_funnel_absorb(&f, PG_GETARG_DATUM(0), 1);
	leadcrm_funnel_absorb(&f, PG_GETARG_DATUM(1), -1);
	return leadcrm_funnel_datum(&f);
}

/*
 * leadcrm_funnel_negative
 *		- funnel: what takes these leads away, where it is added.
 */
Datum
leadcrm_funnel_negative(PG_FUNCTION_ARGS)
{
	LeadcrmFunnel f;

	leadcrm_funnel_begin(&f, CurrentMemoryContext);
	leadcrm_funnel_absorb(&f, PG_GETARG_DATUM(0), -1);
	return leadcrm_funnel_datum(&f);
}
