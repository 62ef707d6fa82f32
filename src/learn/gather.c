/*
 * gather.c
 *		The aggregate leadcrm.scorecard(outcome, features): gathers the rows in a compact code.
 *
 * A row takes four bytes a feature, whatever its values are. Of more than MAX_ROWS rows a random sample is kept, the same one for the
 * same rows in the same order.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "common/hashfn.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "compat.h"
#include "learn/learn.h"

PG_FUNCTION_INFO_V1(leadcrm_scorecard_accum);
PG_FUNCTION_INFO_V1(leadcrm_scorecard_final);

#define MAX_ROWS 200000			/* kept */
#define MAX_FEATURES 200
#define MAX_VALUES 65536		/* distinct ones of a feature; further texts are pooled, further numbers rounded */
#define MAX_TEXT 200			/* bytes of a text; longer ones are pooled */

/*
 * leadcrm_gather_start
 *		A state without rows, in a memory context of its own below the aggregate's.
 */
LeadcrmLearnState *
leadcrm_gather_start(MemoryContext aggregate)
{
	MemoryContext context = AllocSetContextCreate(aggregate, "leadcrm scorecard", ALLOCSET_DEFAULT_SIZES);
	LeadcrmLearnState *state = MemoryContextAllocZero(context, sizeof(LeadcrmLearnState));

	state->context = context;
	state->max_rows = 1024;
	state->outcome = MemoryContextAlloc(context, sizeof(bool) * state->max_rows);
	state->max_features = 16;
	state->features = MemoryContextAlloc(context, sizeof(LeadcrmGathered) * state->max_features);
	return state;
}

/*
 * leadcrm_gather_feature
 *		The number of the feature of a name, of length bytes, made where it is new. near: where it stood in the row before. Error: 54000
 *		too many.
 */
int
leadcrm_gather_feature(LeadcrmLearnState *state, const char *name, int length, int near)
{
	LeadcrmGathered *feature;

	for (int i = 0; i < state->nfeatures; i++)
	{
		int			number = (near + i) % state->nfeatures;

		feature = &state->features[number];
		if (feature->length == length && memcmp(feature->name, name, length) == 0)
			return number;
	}
	if (state->nfeatures == MAX_FEATURES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("cannot learn from more than %d features", MAX_FEATURES),
				 errdetail("\"%s\" would be one more.", pnstrdup(name, length)),
				 errhint("Choose the attributes that may matter.")));
	if (state->nfeatures == state->max_features)
	{
		state->max_features *= 2;
		state->features = repalloc(state->features, sizeof(LeadcrmGathered) * state->max_features);
	}
	feature = &state->features[state->nfeatures++];
	memset(feature, 0, sizeof(LeadcrmGathered));
	feature->name = MemoryContextAllocZero(state->context, length + 1);
	memcpy(feature->name, name, length);
	feature->length = length;
	feature->max_values = 16;
	feature->values = MemoryContextAlloc(state->context, sizeof(LeadcrmValue) * feature->max_values);
	feature->hashes = MemoryContextAlloc(state->context, sizeof(uint32) * feature->max_values);
	feature->mask = 4 * feature->max_values - 1;
	feature->slots = MemoryContextAllocZero(state->context, sizeof(uint32) * (feature->mask + 1));
	feature->codes = MemoryContextAllocZero(state->context, sizeof(uint32) * state->max_rows);
	return state->nfeatures - 1;
}

static uint32
hash_value(const LeadcrmValue *value)
{
	if (value->kind == LEADCRM_TEXT)
		return hash_bytes((const unsigned char *) value->text, value->length);
	return hash_bytes((const unsigned char *) &value->number, sizeof(double)) ^ (value->kind * 0x9e3779b9U);
}

static bool
same_value(const LeadcrmValue *a, const LeadcrmValue *b)
{
	return a->kind == b->kind && a->number == b->number && a->length == b->length &&
		(a->length == 0 || memcmp(a->text, b->text, a->length) == 0);
}

/* Where a value stands in the hash table, or would. */
static uint32 *
find_slot(const LeadcrmGathered *feature, const LeadcrmValue *value, uint32 hash)
{
	uint32		i = hash & feature->mask;

	while (feature->slots[i] != 0 &&
		   (feature->hashes[feature->slots[i] - 1] != hash || !same_value(&feature->values[feature->slots[i] - 1], value)))
		i = (i + 1) & feature->mask;
	return &feature->slots[i];
}

static void
enlarge(LeadcrmGathered *feature)
{
	feature->max_values *= 2;
	feature->values = repalloc(feature->values, sizeof(LeadcrmValue) * feature->max_values);
	feature->hashes = repalloc(feature->hashes, sizeof(uint32) * feature->max_values);
	feature->mask = 4 * feature->max_values - 1;
	feature->slots = repalloc(feature->slots, sizeof(uint32) * (feature->mask + 1));
	memset(feature->slots, 0, sizeof(uint32) * (feature->mask + 1));
	for (int v = 0; v < feature->nvalues; v++)
		*find_slot(feature, &feature->values[v], feature->hashes[v]) = v + 1;
}

/* To four digits: what is done to new numbers once there are too many. */
static double
round_number(double x)
{
	double		power;

	if (x == 0)
		return 0;
	power = pow(10, 3 - floor(log10(fabs(x))));
	return isinf(power) || power == 0 ? 0 : rint(x * power) / power;
}

/* The code of a value, which is remembered where it is new. */
static uint32
code_of(LeadcrmLearnState *state, LeadcrmGathered *feature, LeadcrmValue value)
{
	uint32		hash;
	uint32	   *slot;

	if (value.length > MAX_TEXT)
		value = (LeadcrmValue) {.kind = LEADCRM_POOLED};
	hash = hash_value(&value);
	slot = find_slot(feature, &value, hash);
	if (*slot == 0 && feature->nvalues >= MAX_VALUES)
	{
		if (value.kind == LEADCRM_NUMBER)
			value.number = round_number(value.number);
		else if (value.kind == LEADCRM_TEXT)
			value = (LeadcrmValue) {.kind = LEADCRM_POOLED};
		hash = hash_value(&value);
		slot = find_slot(feature, &value, hash);
	}
	if (*slot != 0)
		return *slot;

	if (feature->nvalues == feature->max_values)
	{
		enlarge(feature);
		slot = find_slot(feature, &value, hash);
	}
	if (value.kind == LEADCRM_TEXT)
	{
		char	   *text = MemoryContextAlloc(state->context, value.length + 1);

		memcpy(text, value.text, value.length);
		value.text = text;
	}
	feature->values[feature->nvalues] = value;
	feature->hashes[feature->nvalues] = hash;
	*slot = ++feature->nvalues;
	return *slot;
}

/*
 * leadcrm_gather_row
 *		Counts a row, as yet without any values. Where it goes: behind the others, or in the place of one of the sample; -1: nowhere.
 */
int
leadcrm_gather_row(LeadcrmLearnState *state, bool outcome)
{
	int64		place = state->seen++;

	if (state->rows == MAX_ROWS)
	{
		place = (int64) (hash_bytes_extended((const unsigned char *) &place, sizeof(place), 0) % (uint64) state->seen);
		if (place >= MAX_ROWS)
			return -1;
		for (int f = 0; f < state->nfeatures; f++)
			state->features[f].codes[place] = 0;
		state->outcome[place] = outcome;
		return (int) place;
	}
	if (state->rows == state->max_rows)
	{
		int			before = state->max_rows;

		state->max_rows = Min(2 * before, MAX_ROWS);
		state->outcome = repalloc(state->outcome, sizeof(bool) * state->max_rows);
		for (int f = 0; f < state->nfeatures; f++)
		{
			state->features[f].codes = repalloc(state->features[f].codes, sizeof(uint32) * state->max_rows);
			memset(state->features[f].codes + before, 0, sizeof(uint32) * (state->max_rows - before));
		}
	}
	state->outcome[state->rows] = outcome;
	return state->rows++;
}

/*
 * leadcrm_gather_value
 *		Notes the value of a feature in a row. Its text is copied where it is new.
 */
void
leadcrm_gather_value(LeadcrmLearnState *state, int feature, int row, LeadcrmValue value)
{
	state->features[feature].codes[row] = code_of(state, &state->features[feature], value);
}

/*
 * leadcrm_scorecard_accum
 *		scorecard_accum(internal, outcome boolean, features jsonb): one more row. Rows without an outcome or features don't count. Errors:
 *		22023 features that are no JSON object or hold arrays or objects, 54000 too many features.
 */
Datum
leadcrm_scorecard_accum(PG_FUNCTION_ARGS)
{
	MemoryContext aggregate;
	MemoryContext before;
	LeadcrmLearnState *state;
	int			feature = -1;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;
	Jsonb	   *features;
	int			row;
	int			near = 0;

	if (!AggCheckCallContext(fcinfo, &aggregate))
		elog(ERROR, "leadcrm_scorecard_accum called outside of an aggregate");
	state = PG_ARGISNULL(0) ? leadcrm_gather_start(aggregate) : (LeadcrmLearnState *) PG_GETARG_POINTER(0);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_POINTER(state);
	features = PG_GETARG_JSONB_P(2);
	if (!JB_ROOT_IS_OBJECT(features))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the features of a row must be a JSON object"),
				 errhint("Use to_jsonb() of a row, or jsonb_build_object().")));

	before = MemoryContextSwitchTo(state->context);
	row = leadcrm_gather_row(state, PG_GETARG_BOOL(1));
	if (row >= 0)
	{
		it = JsonbIteratorInit(&features->root);
		while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
		{
			LeadcrmValue value = {0};

			if (token == WJB_KEY)
				feature = leadcrm_gather_feature(state, v.val.string.val, v.val.string.len, near++);
			if (token != WJB_VALUE || feature < 0 || v.type == jbvNull)
				continue;
			switch (v.type)
			{
				case jbvString:
					value.kind = LEADCRM_TEXT;
					value.text = v.val.string.val;
					value.length = v.val.string.len;
					break;
				case jbvNumeric:
					value.kind = LEADCRM_NUMBER;
					value.number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(v.val.numeric)));
					if (isinf(value.number))
						value.number = value.number > 0 ? DBL_MAX : -DBL_MAX;
					if (value.number == 0)
						value.number = 0;	/* not -0 */
					break;
				case jbvBool:
					value.kind = LEADCRM_BOOLEAN;
					value.number = v.val.boolean ? 1 : 0;
					break;
				default:
					ereport(ERROR,
							(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							 errmsg("feature \"%s\" is no single value", state->features[feature].name),
							 errdetail("It is an array or an object."),
							 errhint("Take out of it what may matter.")));
			}
			leadcrm_gather_value(state, feature, row, value);
		}
	}
	MemoryContextSwitchTo(before);
	PG_FREE_IF_COPY(features, 2);
	PG_RETURN_POINTER(state);
}

/*
 * leadcrm_scorecard_final
 *		The scorecard as jsonb; NULL of no rows. Error: 22023 where all rows have one outcome.
 */
Datum
leadcrm_scorecard_final(PG_FUNCTION_ARGS)
{
	LeadcrmLearnState *state;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "leadcrm_scorecard_final called outside of an aggregate");
	state = PG_ARGISNULL(0) ? NULL : (LeadcrmLearnState *) PG_GETARG_POINTER(0);
	if (state == NULL || state->rows == 0)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(leadcrm_write_scorecard(state));
}
