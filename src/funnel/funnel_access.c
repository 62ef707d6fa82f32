/*
 * funnel_access.c
 *		What a leadcrm.funnel says: leadcrm.stages() as a table, single figures by functions.
 */
#include "postgres.h"

#include <math.h>

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "compat.h"
#include "funnel/funnel.h"

PG_FUNCTION_INFO_V1(leadcrm_stages);
PG_FUNCTION_INFO_V1(leadcrm_funnel_leads);
PG_FUNCTION_INFO_V1(leadcrm_funnel_entered);
PG_FUNCTION_INFO_V1(leadcrm_funnel_advanced);
PG_FUNCTION_INFO_V1(leadcrm_funnel_timed);
PG_FUNCTION_INFO_V1(leadcrm_funnel_mean_days);
PG_FUNCTION_INFO_V1(leadcrm_funnel_quantile_days);
PG_FUNCTION_INFO_V1(leadcrm_funnel_is_zero_value);

#define US_PER_DAY 86400000000.0

/* columns of leadcrm.stages() */
enum
{
	COL_POSITION, COL_ENTERED, COL_ADVANCED, COL_ACTIVE, COL_STALLED, COL_RETURNED, COL_LEAKED, COL_SKIPPED, COL_JOINED_LATER,
	COL_CONVERSION_PCT, COL_RESOLVED_PCT, COL_CUMULATIVE_PCT, COL_LOST, COL_LOST_SHARE_PCT, COL_LOST_VALUE,
	COL_VALUE_KNOWN_PCT, COL_MEAN_DAYS, COL_MEDIAN_DAYS, COL_P90_DAYS, COL_TIMED, COL_VALUED, COL_VALUE,
	NCOLUMNS
};

static void
add(int64 *sum, int64 more)
{
	if (!leadcrm_count_add(sum, more, 1))
		leadcrm_funnel_check(LEADCRM_FUNNEL_COUNT_RANGE);
}

static void
add_value(LeadcrmDecimal *sum, const LeadcrmDecimal *more)
{
	if (!leadcrm_decimal_add(sum, more, 1))
		leadcrm_funnel_check(LEADCRM_FUNNEL_VALUE_RANGE);
}

/* the argument, to be read */
static void
open_funnel(FunctionCallInfo fcinfo, LeadcrmFunnel *f)
{
	leadcrm_funnel_begin(f, CurrentMemoryContext);
	leadcrm_funnel_absorb(f, PG_GETARG_DATUM(0), 1);
}

/* the stage that the second argument names; NULL: an empty summary, which has all stages and nobody in them */
static const LeadcrmStage *
open_stage(FunctionCallInfo fcinfo, LeadcrmFunnel *f, int *position)
{
	*position = PG_GETARG_INT32(1);
	open_funnel(fcinfo, f);
	if (*position < 1 || *position > (f->nstages == 0 ? LEADCRM_FUNNEL_MAX_STAGES : f->nstages))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no stage %d among %d stages", *position, f->nstages)));
	if (f->nstages == 0)
		return NULL;
	if ((f->in_funnel >> (*position - 1) & 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("stage %d is not in the funnel", *position)));
	return &f->stage[*position - 1];
}

/* leads with their peak at this stage */
static int64
leads_at(const LeadcrmStage *s)
{
	int64		n = 0;

	for (int o = 0; o < LEADCRM_OUTCOMES; o++)
		add(&n, s->share[o].leads);
	return n;
}

/* of them: those that are lost */
static int64
lost_at(const LeadcrmStage *s)
{
	int64		n = 0;

	for (int o = LEADCRM_STALLED; o < LEADCRM_OUTCOMES; o++)
		add(&n, s->share[o].leads);
	return n;
}

/* leads with their peak at stage k (1-based) or beyond */
static int64
leads_from(const LeadcrmFunnel *f, int k)
{
	int64		n = 0;

	for (; k != 0 && k <= f->nstages; k = leadcrm_funnel_next(f, k))
		add(&n, leads_at(&f->stage[k - 1]));
	return n;
}

static double
mean_days(const LeadcrmHistogram *h, int64 n)
{
	return (double) h->sum / (double) n / US_PER_DAY;
}

static double
quantile_days(const LeadcrmHistogram *h, double p)
{
	double		us = 0;

	leadcrm_funnel_check(leadcrm_histogram_quantile(h, p, &us));
	return us / US_PER_DAY;
}

static Datum
number(double value)
{
	return DirectFunctionCall1(float8_numeric, Float8GetDatum(value));
}

/* 100 * part / whole, NULL where there is nothing to divide by */
static void
set_pct(Datum *values, bool *nulls, int column, int64 part, int64 whole)
{
	nulls[column] = whole == 0;
	if (whole != 0)
		values[column] = number(100.0 * (double) part / (double) whole);
}

/*
 * leadcrm_stages
 *		stages(funnel): one row a measured stage.
 */
Datum
leadcrm_stages(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	LeadcrmFunnel f;
	int64		first;
	int64		entered;
	int64		all_lost = 0;
	LeadcrmDecimal value = {0};
	int64		valued = 0;

	InitMaterializedSRF(fcinfo, 0);
	open_funnel(fcinfo, &f);
	first = leads_from(&f, leadcrm_funnel_next(&f, 0));
	entered = first;
	for (int k = leadcrm_funnel_next(&f, 0); k != 0; k = leadcrm_funnel_next(&f, k))
	{
		add(&all_lost, lost_at(&f.stage[k - 1]));
		for (int o = 0; o < LEADCRM_OUTCOMES; o++)
		{
			add_value(&value, &f.stage[k - 1].share[o].value);
			add(&valued, f.stage[k - 1].share[o].valued);
		}
	}

	for (int k = leadcrm_funnel_next(&f, 0); k != 0; k = leadcrm_funnel_next(&f, k))
	{
		const LeadcrmStage *s = &f.stage[k - 1];
		const LeadcrmShare *share = s->share;
		bool		is_last = leadcrm_funnel_next(&f, k) == 0;
		int64		advanced = leads_from(&f, leadcrm_funnel_next(&f, k));
		int64		lost = lost_at(s);
		int64		resolved = entered;
		int64		lost_valued = 0;
		int64		timed = 0;
		LeadcrmDecimal lost_value = {0};
		Datum		values[NCOLUMNS];
		bool		nulls[NCOLUMNS] = {0};

		for (int o = LEADCRM_STALLED; o < LEADCRM_OUTCOMES; o++)
		{
			add_value(&lost_value, &share[o].value);
			add(&lost_valued, share[o].valued);
		}

		add(&resolved, -share[LEADCRM_ACTIVE].leads);

		values[COL_POSITION] = Int32GetDatum(k);
		values[COL_ENTERED] = Int64GetDatum(entered);
		values[COL_ADVANCED] = Int64GetDatum(advanced);
		values[COL_ACTIVE] = Int64GetDatum(share[LEADCRM_ACTIVE].leads);
		values[COL_STALLED] = Int64GetDatum(share[LEADCRM_STALLED].leads);
		values[COL_RETURNED] = Int64GetDatum(share[LEADCRM_RETURNED].leads);
		values[COL_LEAKED] = Int64GetDatum(share[LEADCRM_LEAKED].leads);
		values[COL_SKIPPED] = Int64GetDatum(s->skipped);
		values[COL_JOINED_LATER] = Int64GetDatum(s->joined_later);
		set_pct(values, nulls, COL_CONVERSION_PCT, advanced, is_last ? 0 : entered);
		set_pct(values, nulls, COL_RESOLVED_PCT, advanced, is_last ? 0 : resolved);
		set_pct(values, nulls, COL_CUMULATIVE_PCT, entered, first);
		values[COL_LOST] = Int64GetDatum(lost);
		set_pct(values, nulls, COL_LOST_SHARE_PCT, lost, all_lost);
		values[COL_LOST_VALUE] = leadcrm_decimal_to_numeric(&lost_value);
		set_pct(values, nulls, COL_VALUE_KNOWN_PCT, lost_valued, lost);
		values[COL_VALUED] = Int64GetDatum(valued);
		values[COL_VALUE] = leadcrm_decimal_to_numeric(&value);

		nulls[COL_MEAN_DAYS] = nulls[COL_MEDIAN_DAYS] = nulls[COL_P90_DAYS] = true;
		nulls[COL_TIMED] = is_last;
		if (!is_last)
			leadcrm_funnel_check(leadcrm_histogram_count(&s->days, &timed));
		values[COL_TIMED] = Int64GetDatum(timed);
		if (timed > 0)
		{
			nulls[COL_MEAN_DAYS] = nulls[COL_MEDIAN_DAYS] = nulls[COL_P90_DAYS] = false;
			values[COL_MEAN_DAYS] = number(mean_days(&s->days, timed));
			values[COL_MEDIAN_DAYS] = number(quantile_days(&s->days, 0.5));
			values[COL_P90_DAYS] = number(quantile_days(&s->days, 0.9));
		}
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);

		entered = advanced;
		for (int o = 0; o < LEADCRM_OUTCOMES; o++)
		{
			if (!leadcrm_decimal_add(&value, &share[o].value, -1))
				leadcrm_funnel_check(LEADCRM_FUNNEL_VALUE_RANGE);
			add(&valued, -share[o].valued);
		}
	}
	return (Datum) 0;
}

/*
 * leadcrm_funnel_leads
 *		leads(funnel): how many leads are in it.
 */
Datum
leadcrm_funnel_leads(PG_FUNCTION_ARGS)
{
	LeadcrmFunnel f;

	open_funnel(fcinfo, &f);
	PG_RETURN_INT64(leads_from(&f, leadcrm_funnel_next(&f, 0)));
}

/*
 * leadcrm_funnel_entered
 *		entered(funnel, stage): leads with their peak there or beyond.
 */
Datum
leadcrm_funnel_entered(PG_FUNCTION_ARGS)
{
	LeadcrmFunnel f;
	int			k;

	open_stage(fcinfo, &f, &k);
	PG_RETURN_INT64(leads_from(&f, k));
}

/*
 * leadcrm_funnel_advanced
 *		advanced(funnel, stage): leads with their peak beyond it.
 */
Datum
leadcrm_funnel_advanced(PG_FUNCTION_ARGS)
{
	LeadcrmFunnel f;
	int			k;

	open_stage(fcinfo, &f, &k);
	PG_RETURN_INT64(leads_from(&f, leadcrm_funnel_next(&f, k)));
}

/*
 * leadcrm_funnel_timed
 *		timed(funnel, stage): leads whose time from the stage to the next one is known.
 */
Datum
leadcrm_funnel_timed(PG_FUNCTION_ARGS)
{
	LeadcrmFunnel f;
	int			k;
	int64		n = 0;
	const LeadcrmStage *s = open_stage(fcinfo, &f, &k);

	if (s != NULL)
	{
		LeadcrmFunnelStatus status = leadcrm_histogram_count(&s->days, &n);

		/* a count of a difference may well be negative */
		if (status != LEADCRM_FUNNEL_NEGATIVE)
			leadcrm_funnel_check(status);
	}
	PG_RETURN_INT64(n);
}

/*
 * leadcrm_funnel_mean_days
 *		mean_days(funnel, stage): mean of the days to the next stage; NULL without any.
 */
Datum
leadcrm_funnel_mean_days(PG_FUNCTION_ARGS)
{
	LeadcrmFunnel f;
	int			k;
	int64		n = 0;
	const LeadcrmStage *s = open_stage(fcinfo, &f, &k);

	if (s != NULL)
		leadcrm_funnel_check(leadcrm_histogram_count(&s->days, &n));
	if (n == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(mean_days(&s->days, n));
}

/*
 * leadcrm_funnel_quantile_days
 *		quantile_days(funnel, stage, p): the days below which the share p of them lies; NULL without any.
 */
Datum
leadcrm_funnel_quantile_days(PG_FUNCTION_ARGS)
{
	double		p = PG_GETARG_FLOAT8(2);
	LeadcrmFunnel f;
	int			k;
	int64		n = 0;
	const LeadcrmStage *s = open_stage(fcinfo, &f, &k);

	if (!(p >= 0 && p <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("percentile value %g is not between 0 and 1", p)));
	if (s != NULL)
		leadcrm_funnel_check(leadcrm_histogram_count(&s->days, &n));
	if (n == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(quantile_days(&s->days, p));
}

/*
 * leadcrm_funnel_is_zero_value
 *		is_zero(funnel): did all of it cancel out?
 */
Datum
leadcrm_funnel_is_zero_value(PG_FUNCTION_ARGS)
{
	LeadcrmFunnel f;

	open_funnel(fcinfo, &f);
	PG_RETURN_BOOL(leadcrm_funnel_is_zero(&f));
}
