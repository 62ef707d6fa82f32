/*
 * write.c
 *		Learns from the rows that were gathered, and writes the scorecard as JSON.
 */
#include "postgres.h"

#include "common/shortest_dec.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/memutils.h"

#include "compat.h"
#include "learn/learn.h"

static const char *const kind_names[] = {
	[LEADCRM_MISSING] = "missing",
	[LEADCRM_LEVEL] = "level",
	[LEADCRM_RANGE] = "range",
	[LEADCRM_OTHER] = "other"
};

static void *
allocate(size_t size)
{
	return MemoryContextAllocHuge(CurrentMemoryContext, size);
}

static void
breathe(void)
{
	CHECK_FOR_INTERRUPTS();
}

/* A finite number, so that it is read back to the bit, whatever the session's settings. */
static void
append_number(StringInfo out, double number)
{
	char		digits[DOUBLE_SHORTEST_DECIMAL_LEN];

	double_to_shortest_decimal_buf(number, digits);
	appendStringInfoString(out, digits);
}

static void
append_text(StringInfo out, const char *text, int length)
{
	char	   *terminated = pnstrdup(text, length);

	escape_json(out, terminated);
	pfree(terminated);
}

static void
append_bin(StringInfo out, const LeadcrmGathered *gathered, const LeadcrmFeature *feature, int b)
{
	const LeadcrmBin *bin = &feature->bins[b];

	appendStringInfoString(out, "{\"feature\": ");
	escape_json(out, gathered->name);
	appendStringInfo(out, ", \"kind\": \"%s\"", kind_names[bin->kind]);
	if (bin->kind == LEADCRM_LEVEL)
	{
		const LeadcrmValue *value = &feature->values[bin->value];

		appendStringInfoString(out, ", \"value\": ");
		if (value->kind == LEADCRM_BOOLEAN)
			appendStringInfoString(out, value->number != 0 ? "true" : "false");
		else
			append_text(out, value->text, value->length);
	}
	else if (bin->kind == LEADCRM_RANGE)
	{
		appendStringInfoString(out, ", \"low\": ");
		append_number(out, bin->low);
		appendStringInfoString(out, ", \"high\": ");
		append_number(out, bin->high);
		appendStringInfo(out, ", \"decimals\": %d", feature->decimals);
	}
	appendStringInfo(out, ", \"rows\": %d, \"positives\": %d, \"weight\": ", bin->rows, bin->positives);
	append_number(out, bin->weight);
	appendStringInfoChar(out, '}');
}

/*
 * leadcrm_write_scorecard
 *		The scorecard of the gathered rows, a jsonb in the current memory context. Leaves the state as it was but for counters in its
 *		values. Error: 22023 where all rows have one outcome.
 */
Datum
leadcrm_write_scorecard(LeadcrmLearnState *state)
{
	static const LeadcrmLearnEnv env = {allocate, breathe};
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext scratch = AllocSetContextCreate(caller, "leadcrm learning", ALLOCSET_DEFAULT_SIZES);
	LeadcrmScorecard card = {.rows = state->rows, .outcome = state->outcome, .nfeatures = state->nfeatures};
	StringInfoData out;
	Datum		result;
	const char *separator = "";

	MemoryContextSwitchTo(scratch);
	card.features = palloc0(sizeof(LeadcrmFeature) * Max(state->nfeatures, 1));
	for (int f = 0; f < state->nfeatures; f++)
	{
		card.features[f].nvalues = state->features[f].nvalues;
		card.features[f].values = state->features[f].values;
		card.features[f].codes = state->features[f].codes;
	}
	if (!leadcrm_scorecard_learn(&env, &card))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("all %d rows have the same outcome", card.rows),
				 errdetail("Their outcome is %s.", card.outcome[0] ? "true" : "false"),
				 errhint("What makes a difference can be learned only from rows of both outcomes.")));

	initStringInfo(&out);
	appendStringInfo(&out, "{\"version\": 1, \"rows\": " INT64_FORMAT ", \"rows_used\": %d, \"positives\": %d, \"penalty\": ",
					 state->seen, card.rows, card.positives);
	append_number(&out, card.penalty);
	appendStringInfoString(&out, ", \"intercept\": ");
	append_number(&out, card.intercept);
	appendStringInfoString(&out, ", \"low\": ");
	append_number(&out, card.low);
	appendStringInfoString(&out, ", \"high\": ");
	append_number(&out, card.high);
	appendStringInfoString(&out, ", \"bins\": [");
	for (int f = 0; f < state->nfeatures; f++)
		for (int b = 0; b < card.features[f].nbins; b++)
		{
			appendStringInfoString(&out, separator);
			append_bin(&out, &state->features[f], &card.features[f], b);
			separator = ", ";
		}
	appendStringInfoString(&out, "]}");

	MemoryContextSwitchTo(caller);
	result = DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data));
	MemoryContextDelete(scratch);
	return result;
}
