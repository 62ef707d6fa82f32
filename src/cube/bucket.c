/*
 * bucket.c
 *		Quantiles of durations that are counted in buckets.
 */
#include "cube/bucket.h"

#include <math.h>

/*
 * The quantile, interpolated between neighbours as percentile_cont() does it, in µs.  leads: how many each of n
 * buckets from first on holds, none of them negative; total: their sum, greater than 0; fraction: from 0 to 1.
 */
double
leadcrm_bucket_centile(const int64_t *leads, int first, int n, int64_t total, double fraction)
{
	double		place = fraction * (double) (total - 1);
	int64_t		lower = (int64_t) place;
	double		part = place - (double) lower;
	int64_t		passed = 0;
	double		below = 0;

	for (int i = 0; i < n; i++)
	{
		int64_t		before = passed;

		passed += leads[i];
		if (passed <= lower)
			continue;
		if (before <= lower)
			below = leadcrm_bucket_duration(first + i);
		if (part <= 0 || passed > lower + 1)
			return below + (leadcrm_bucket_duration(first + i) - below) * part;
	}
	return below;
}
