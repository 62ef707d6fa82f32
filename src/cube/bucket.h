/*
 * bucket.h
 *		Quantiles of durations that are counted in the buckets of funnel_math.h: pure code, no PostgreSQL calls.
 */
#ifndef LEADCRM_BUCKET_H
#define LEADCRM_BUCKET_H

#include <stdint.h>

#include "funnel/funnel_math.h"

#define LEADCRM_BUCKETS (LEADCRM_FUNNEL_MAX_BUCKET - LEADCRM_FUNNEL_MIN_BUCKET + 1)

extern double leadcrm_bucket_centile(const int64_t *leads, int first, int n, int64_t total, double fraction);

#endif							/* LEADCRM_BUCKET_H */
