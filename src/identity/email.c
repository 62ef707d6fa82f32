/*
 * email.c
 *		leadcrm.email_key(text) and leadcrm.is_free_email(text): from SQL to email_parse.c and back.
 *
 * Both run on every row of an import, so they never raise an error over what they are given, and they read neither
 * the locale nor any setting: a generated column or an index may hold their result.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "common/unicode_norm.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "compat.h"
#include "identity/email_parse.h"

PG_FUNCTION_INFO_V1(leadcrm_email_key);
PG_FUNCTION_INFO_V1(leadcrm_is_free_email);

#define MAX_INPUT LEADCRM_EMAIL_MAX_INPUT

StaticAssertDecl(sizeof(pg_wchar) == sizeof(uint32_t), "pg_wchar must hold a code point");

/* NFKC of n code points in place, so that one address is one sequence however it was typed; -1 where it gets too long */
static int
normalize(uint32_t *cp, int n)
{
	pg_wchar   *form;
	int			len = 0;

	cp[n] = 0;
	if (unicode_is_normalized_quickcheck(UNICODE_NFKC, (pg_wchar *) cp) == UNICODE_NORM_QC_YES)
		return n;
	form = unicode_normalize(UNICODE_NFKC, (pg_wchar *) cp);
	while (len <= MAX_INPUT && form[len] != 0)
		len++;
	if (len > MAX_INPUT)
		len = -1;
	else
		memcpy(cp, form, sizeof(uint32_t) * len);
	pfree(form);
	return len;
}

/*
 * The argument as folded code points; -1 for what is too long to be an address. In a database whose encoding is not
 * UTF-8, bytes beyond ASCII pass as they are.
 */
static int
read_text(Datum arg, uint32_t *cp)
{
	text	   *t;
	const unsigned char *s;
	const unsigned char *end;
	bool		unicode = GetDatabaseEncoding() == PG_UTF8;
	bool		ascii = true;
	int			n = 0;

	/* don't even fetch a novel */
	if (toast_raw_datum_size(arg) - VARHDRSZ > MAX_INPUT)
		return -1;
	t = DatumGetTextPP(arg);
	s = (const unsigned char *) VARDATA_ANY(t);
	end = s + VARSIZE_ANY_EXHDR(t);
	while (s < end)
	{
		if (!IS_HIGHBIT_SET(*s))
			cp[n++] = *s++;
		else if (unicode)
		{
			int			len = pg_utf_mblen(s);

			if (len > end - s)
				return -1;		/* can't happen in valid text */
			cp[n++] = utf8_to_unicode(s);
			s += len;
			ascii = false;
		}
		else
			cp[n++] = LEADCRM_OPAQUE + *s++;
	}
	if ((Pointer) t != DatumGetPointer(arg))
		pfree(t);

	n = leadcrm_email_fold(cp, n);
	if (ascii)
		return n;

	/* folding can undo a normal form and the other way round; after the second time both hold */
	n = normalize(cp, n);
	if (n >= 0)
		n = normalize(cp, leadcrm_email_fold(cp, n));
	return n;
}

/*
 * leadcrm_email_key
 *		email_key(text) -> text: the normalised identity of an address, NULL for what is none.
 */
Datum
leadcrm_email_key(PG_FUNCTION_ARGS)
{
	uint32_t	cp[MAX_INPUT + 1];
	LeadcrmEmail email;
	int			n = read_text(PG_GETARG_DATUM(0), cp);
	text	   *result;
	unsigned char *out;

	if (n < 0 || !leadcrm_email_parse(cp, n, &email))
		PG_RETURN_NULL();

	result = (text *) palloc(VARHDRSZ + 4 * email.local_len + 1 + email.domain_len);
	out = (unsigned char *) VARDATA(result);
	for (int i = 0; i < email.local_len; i++)
	{
		uint32_t	c = email.local[i];

		if (c >= LEADCRM_OPAQUE)
			*out++ = (unsigned char) (c - LEADCRM_OPAQUE);
		else if (c < 0x80)
			*out++ = (unsigned char) c;
		else
		{
			unicode_to_utf8(c, out);
			out += pg_utf_mblen(out);
		}
	}
	*out++ = '@';
	memcpy(out, email.domain, email.domain_len);
	out += email.domain_len;
	SET_VARSIZE(result, (char *) out - (char *) result);
	PG_RETURN_TEXT_P(result);
}

/*
 * leadcrm_is_free_email
 *		is_free_email(text) -> boolean: does this address or domain belong to a provider that serves anybody?
 */
Datum
leadcrm_is_free_email(PG_FUNCTION_ARGS)
{
	uint32_t	cp[MAX_INPUT + 1];
	LeadcrmEmail email;
	int			n = read_text(PG_GETARG_DATUM(0), cp);

	if (n < 0 || !(leadcrm_email_parse(cp, n, &email) || leadcrm_domain_parse(cp, n, &email)))
		PG_RETURN_NULL();
	PG_RETURN_BOOL(leadcrm_domain_is_free(email.domain));
}
