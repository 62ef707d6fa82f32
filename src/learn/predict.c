/*
 * predict.c
 *		leadcrm.predict(scorecard, features), predict(scorecard, names, row): the probability that a scorecard gives to a row.
 *
 * A scorecard is a value that anybody can write, so every part of it is checked as it is read. It is read once a query, as long as it
 * stays the same.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "compat.h"
#include "learn/learn.h"

PG_FUNCTION_INFO_V1(leadcrm_predict);
PG_FUNCTION_INFO_V1(leadcrm_predict_row);

typedef struct Level
{
	char	   *text;			/* NULL: a boolean */
	int			length;			/* of the text; of a boolean, its value */
	double		weight;
} Level;

typedef struct Range
{
	double		low;
	double		weight;
} Range;

typedef struct Feature
{
	char	   *name;
	int			length;
	double		missing;		/* weights: 0 where the scorecard has none */
	double		other;
	Level	   *levels;
	int			nlevels;
	Range	   *ranges;			/* ascending */
	int			nranges;
} Feature;

typedef struct Card
{
	MemoryContext context;
	Datum		source;			/* what it was read from, as it was given */
	double		start;			/* log-odds of a row in which everything is missing */
	Feature    *features;
	int			nfeatures;
	LeadcrmRowReader *reader;	/* where features come as rows */
	MemoryContext scratch;		/* likewise: of one row */
} Card;

pg_noreturn static void no_scorecard(const char *detail);

static void
no_scorecard(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("this is no scorecard"),
			 errdetail("%s", detail),
			 errhint("Use what the aggregate leadcrm.scorecard() returns.")));
	pg_unreachable();
}

static double
to_double(const JsonbValue *v)
{
	double		number;

	if (v == NULL || v->type != jbvNumeric)
		no_scorecard("A number is missing in it.");
	number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(v->val.numeric)));
	if (isinf(number) || isnan(number))
		no_scorecard("A number in it is out of range.");
	return number;
}

static JsonbValue *
member(JsonbContainer *object, const char *key)
{
	return getKeyJsonValueFromContainer(object, key, strlen(key), NULL);
}

static bool
is_string(const JsonbValue *v, const char *s)
{
	return v->val.string.len == (int) strlen(s) && memcmp(v->val.string.val, s, v->val.string.len) == 0;
}

static Feature *
find_feature(const Card *card, const char *name, int length, int near)
{
	for (int i = 0; i < card->nfeatures; i++)
	{
		Feature    *feature = &card->features[(near + i) % card->nfeatures];

		if (feature->length == length && memcmp(feature->name, name, length) == 0)
			return feature;
	}
	return NULL;
}

/* One element of "bins". Arrays have room for as many as there are bins. */
static void
read_bin(Card *card, JsonbContainer *bin, int nbins)
{
	JsonbValue *name = member(bin, "feature");
	JsonbValue *kind = member(bin, "kind");
	double		weight = to_double(member(bin, "weight"));
	Feature    *feature;

	if (name == NULL || name->type != jbvString || kind == NULL || kind->type != jbvString)
		no_scorecard("A bin lacks its feature or its kind.");
	feature = find_feature(card, name->val.string.val, name->val.string.len, Max(card->nfeatures - 1, 0));
	if (feature == NULL)
	{
		feature = &card->features[card->nfeatures++];
		memset(feature, 0, sizeof(Feature));
		feature->name = pnstrdup(name->val.string.val, name->val.string.len);
		feature->length = name->val.string.len;
	}
	if (is_string(kind, "missing"))
		feature->missing = weight;
	else if (is_string(kind, "other"))
		feature->other = weight;
	else if (is_string(kind, "range"))
	{
		Range		range = {to_double(member(bin, "low")), weight};

		if (feature->nranges > 0 && feature->ranges[feature->nranges - 1].low >= range.low)
			no_scorecard("The ranges of a feature do not ascend.");
		if (feature->ranges == NULL)
			feature->ranges = palloc(sizeof(Range) * nbins);
		feature->ranges[feature->nranges++] = range;
	}
	else if (is_string(kind, "level"))
	{
		JsonbValue *value = member(bin, "value");
		Level		level = {NULL, 0, weight};

		if (value == NULL || (value->type != jbvString && value->type != jbvBool))
			no_scorecard("A level is neither a text nor true or false.");
		if (value->type == jbvBool)
			level.length = value->val.boolean;
		else
		{
			level.text = pnstrdup(value->val.string.val, value->val.string.len);
			level.length = value->val.string.len;
		}
		if (feature->levels == NULL)
			feature->levels = palloc(sizeof(Level) * nbins);
		feature->levels[feature->nlevels++] = level;
	}
	else
		no_scorecard("A bin is of no kind that is known.");
}

/* In the current memory context. */
static void
read_card(Card *card, Jsonb *source)
{
	JsonbValue *bins;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;
	int			nbins;

	if (!JB_ROOT_IS_OBJECT(source))
		no_scorecard("It is no JSON object.");
	bins = member(&source->root, "bins");
	if (bins == NULL || bins->type != jbvBinary || !JsonContainerIsArray(bins->val.binary.data))
		no_scorecard("It has no bins.");
	card->start = to_double(member(&source->root, "intercept"));
	nbins = JsonContainerSize(bins->val.binary.data);
	/* a feature has bins, so there are no more features than bins */
	card->features = palloc(sizeof(Feature) * Max(nbins, 1));
	it = JsonbIteratorInit(bins->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		if (v.type != jbvBinary || !JsonContainerIsObject(v.val.binary.data))
			no_scorecard("A bin is no JSON object.");
		read_bin(card, v.val.binary.data, nbins);
	}
	for (int f = 0; f < card->nfeatures; f++)
		card->start += card->features[f].missing;
}

/* The scorecard of the first argument, as it was read before where it is the same. */
static Card *
get_card(FunctionCallInfo fcinfo)
{
	Card	   *card = fcinfo->flinfo->fn_extra;
	Datum		source = PG_GETARG_DATUM(0);
	MemoryContext context;
	MemoryContext before;

	if (card != NULL && datumIsEqual(card->source, source, false, -1))
		return card;
	context = AllocSetContextCreate(CurrentMemoryContext, "leadcrm scorecard", ALLOCSET_SMALL_SIZES);
	before = MemoryContextSwitchTo(context);
	card = palloc0(sizeof(Card));
	card->context = context;
	card->source = datumCopy(source, false, -1);
	read_card(card, PG_GETARG_JSONB_P(0));
	MemoryContextSwitchTo(before);
	MemoryContextSetParent(context, fcinfo->flinfo->fn_mcxt);
	if (fcinfo->flinfo->fn_extra != NULL)
		MemoryContextDelete(((Card *) fcinfo->flinfo->fn_extra)->context);
	fcinfo->flinfo->fn_extra = card;
	return card;
}

static double
weight_of(const Feature *feature, const LeadcrmValue *value)
{
	if (value->kind == LEADCRM_NUMBER)
	{
		int			low = 0;
		int			high = feature->nranges;

		if (feature->nranges == 0)
			return 0;
		/* the last range that begins at or before it; before the first one, the first */
		while (high - low > 1)
		{
			int			middle = (low + high) / 2;

			if (feature->ranges[middle].low <= value->number)
				low = middle;
			else
				high = middle;
		}
		return feature->ranges[low].weight;
	}
	for (int i = 0; i < feature->nlevels; i++)
	{
		const Level *level = &feature->levels[i];

		if (value->kind == LEADCRM_BOOLEAN ? level->text == NULL && level->length == (int) value->number :
			level->text != NULL && level->length == value->length && memcmp(level->text, value->text, level->length) == 0)
			return level->weight;
	}
	return feature->other;
}

static LeadcrmValue
value_of(const JsonbValue *v)
{
	LeadcrmValue value = {.kind = LEADCRM_TEXT};

	if (v->type == jbvNumeric)
	{
		value.kind = LEADCRM_NUMBER;
		value.number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(v->val.numeric)));
	}
	else if (v->type == jbvBool)
	{
		value.kind = LEADCRM_BOOLEAN;
		value.number = v->val.boolean;
	}
	else
	{
		value.text = v->val.string.val;
		value.length = v->val.string.len;
	}
	return value;
}

/*
 * leadcrm_predict
 *		predict(scorecard jsonb, features jsonb) -> float8, from 0 to 1. Features that the scorecard does not know, and arrays and
 *		objects, don't count; a value that it has not seen counts as the rare ones did. Error: 22023 what is no scorecard or no row.
 */
Datum
leadcrm_predict(PG_FUNCTION_ARGS)
{
	Card	   *card = get_card(fcinfo);
	Jsonb	   *features = PG_GETARG_JSONB_P(1);
	Feature    *feature = NULL;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;
	double		z = card->start;
	int			near = 0;

	if (!JB_ROOT_IS_OBJECT(features))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the features of a row must be a JSON object"),
				 errhint("Use to_jsonb() of a row, or jsonb_build_object().")));
	it = JsonbIteratorInit(&features->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			feature = find_feature(card, v.val.string.val, v.val.string.len, near++);
		else if (token == WJB_VALUE && feature != NULL && v.type != jbvNull && v.type != jbvBinary)
		{
			LeadcrmValue value = value_of(&v);

			z += weight_of(feature, &value) - feature->missing;
		}
	}
	PG_RETURN_FLOAT8(leadcrm_sigmoid(z));
}

/*
 * leadcrm_predict_row
 *		predict(scorecard jsonb, names text[], features record) -> float8: the same of the columns of a row. Errors: 22023 what is no
 *		scorecard, names that do not fit the row.
 */
Datum
leadcrm_predict_row(PG_FUNCTION_ARGS)
{
	Card	   *card = get_card(fcinfo);
	MemoryContext before;
	double		z = card->start;

	if (card->scratch == NULL)
		card->scratch = AllocSetContextCreate(card->context, "leadcrm row", ALLOCSET_SMALL_SIZES);
	MemoryContextReset(card->scratch);
	before = MemoryContextSwitchTo(card->scratch);
	card->reader = leadcrm_read_row(card->reader, card->context, PG_GETARG_DATUM(1), PG_GETARG_DATUM(2));
	for (int column = 0; column < leadcrm_row_columns(card->reader); column++)
	{
		void	  **feature = leadcrm_row_feature(card->reader, column);
		LeadcrmValue value;

		if (*feature == NULL)
		{
			int			length;
			const char *name = leadcrm_row_name(card->reader, column, &length);

			*feature = find_feature(card, name, length, 0);
			/* one that the scorecard does not know */
			if (*feature == NULL)
				*feature = card;
		}
		if (*feature != card && leadcrm_row_value(card->reader, column, &value))
			z += weight_of(*feature, &value) - ((const Feature *) *feature)->missing;
	}
	MemoryContextSwitchTo(before);
	PG_RETURN_FLOAT8(leadcrm_sigmoid(z));
}
