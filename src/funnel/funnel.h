/*
 * funnel.h
 *		leadcrm.funnel between SQL and the pure code: what funnel_type.c offers to the aggregates and accessors.
 */
#ifndef LEADCRM_FUNNEL_H
#define LEADCRM_FUNNEL_H

#include "fmgr.h"

#include "funnel/funnel_math.h"

extern void leadcrm_funnel_begin(LeadcrmFunnel *f, MemoryContext context);
extern void leadcrm_funnel_absorb(LeadcrmFunnel *f, Datum value, int sign);
extern Datum leadcrm_funnel_datum(const LeadcrmFunnel *f);
extern void leadcrm_funnel_check(LeadcrmFunnelStatus status);
extern void leadcrm_funnel_check_stages(const LeadcrmFunnel *f, LeadcrmFunnelStatus status, int nstages);
extern bool leadcrm_decimal_of_numeric(Datum numeric, LeadcrmDecimal *d);
extern Datum leadcrm_decimal_to_numeric(const LeadcrmDecimal *d);

#endif							/* LEADCRM_FUNNEL_H */
