/*
 * funnel_math.h
 *		The summary of many leads' journeys behind leadcrm.funnel: pure code, no PostgreSQL calls.
 *
 * A summary holds, for each stage of a funnel, how many leads have their peak there by outcome, the exact sum of their
 * values, and a histogram of the time to the next stage. Everything in it is a sum, so two summaries are merged by adding,
 * and what was added can be taken away again: counts are signed, and a summary may be a difference.
 *
 * Durations are microseconds. A histogram's bucket holds exactly one duration below 128 µs; above, each power of two is cut
 * into 64 equal parts. That takes integers only, so every machine finds the same bucket, and whatever lies in a bucket
 * differs from its representative by less than 1/129 of itself.
 */
#ifndef LEADCRM_FUNNEL_MATH_H
#define LEADCRM_FUNNEL_MATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* as wide as two int64, but not more aligned than what an allocator of PostgreSQL gives */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
typedef __int128 leadcrm_int128 __attribute__((aligned(8)));
typedef unsigned __int128 leadcrm_uint128 __attribute__((aligned(8)));
#pragma GCC diagnostic pop

#define LEADCRM_FUNNEL_MAX_STAGES 64
#define LEADCRM_FUNNEL_MIN_BUCKET (-3712)	/* of the shortest and the longest duration, -2^63 and 2^63 - 1 µs */
#define LEADCRM_FUNNEL_MAX_BUCKET 3711
#define LEADCRM_FUNNEL_MAX_COUNT INT64_MAX	/* and no lower than its negative, so that every count can be taken away */
#define LEADCRM_FUNNEL_MAX_SCALE 38 /* digits after the point of a sum of values */

/* what became of a lead at its peak */
typedef enum LeadcrmOutcome
{
	LEADCRM_ACTIVE,
	LEADCRM_STALLED,
	LEADCRM_RETURNED,
	LEADCRM_LEAKED,
	LEADCRM_OUTCOMES			/* how many */
} LeadcrmOutcome;

typedef enum LeadcrmFunnelStatus
{
	LEADCRM_FUNNEL_OK,
	LEADCRM_FUNNEL_COUNT_RANGE, /* a number of leads is too large */
	LEADCRM_FUNNEL_VALUE_RANGE, /* a sum of values is too large */
	LEADCRM_FUNNEL_DURATION_RANGE,	/* a duration is too large, or their sum */
	LEADCRM_FUNNEL_MISMATCH,	/* not the same stages */
	LEADCRM_FUNNEL_CORRUPT,		/* not something that leadcrm_funnel_pack writes */
	LEADCRM_FUNNEL_NEGATIVE		/* more was taken away than was there */
} LeadcrmFunnelStatus;

/* coefficient / 10^scale */
typedef struct LeadcrmDecimal
{
	leadcrm_int128 coefficient;
	int			scale;			/* 0 .. LEADCRM_FUNNEL_MAX_SCALE */
} LeadcrmDecimal;

/* leads with the same outcome at the same peak */
typedef struct LeadcrmShare
{
	int64_t		leads;
	int64_t		valued;			/* of them: with a value */
	LeadcrmDecimal value;		/* sum of their values */
} LeadcrmShare;

typedef struct LeadcrmBucket
{
	int32_t		index;
	int64_t		leads;			/* never 0 in a finished summary */
} LeadcrmBucket;

/* durations from the first entry of a stage to the first entry of the next one */
typedef struct LeadcrmHistogram
{
	leadcrm_int128 sum;			/* µs, exact */
	int			nbuckets;
	int			room;
	LeadcrmBucket *bucket;		/* ascending */
} LeadcrmHistogram;

typedef struct LeadcrmStage
{
	LeadcrmShare share[LEADCRM_OUTCOMES];	/* leads whose peak it is */
	int64_t		skipped;
	int64_t		joined_later;
	LeadcrmHistogram days;
} LeadcrmStage;

/* memory that lives as long as the summary; does not return without it */
typedef void *(*LeadcrmGrow) (void *context, void *old, size_t size);

typedef struct LeadcrmFunnel
{
	int			nstages;		/* 0: empty, of no particular stages yet */
	uint64_t	in_funnel;		/* bit k - 1: stage k is measured */
	LeadcrmStage *stage;		/* nstages of them, stage k at k - 1 */
	LeadcrmGrow grow;
	void	   *context;
} LeadcrmFunnel;

/* one lead's way through the stages */
typedef struct LeadcrmJourney
{
	int			peak;			/* 1-based; 0: in no stage */
	LeadcrmOutcome outcome;
	bool		has_value;
	LeadcrmDecimal value;
	uint64_t	stamped;		/* bit k - 1: first entry into stage k is known */
	int64_t		stamp[LEADCRM_FUNNEL_MAX_STAGES];	/* µs */
} LeadcrmJourney;

/* funnel_math.c */
extern void leadcrm_funnel_init(LeadcrmFunnel *f, LeadcrmGrow grow, void *context);
extern LeadcrmFunnelStatus leadcrm_funnel_set_stages(LeadcrmFunnel *f, int nstages, uint64_t in_funnel);
extern LeadcrmFunnelStatus leadcrm_funnel_add(LeadcrmFunnel *f, const LeadcrmJourney *lead, int64_t times);
extern LeadcrmFunnelStatus leadcrm_funnel_merge(LeadcrmFunnel *f, const LeadcrmFunnel *other, int sign);
extern bool leadcrm_funnel_is_zero(const LeadcrmFunnel *f);
extern int	leadcrm_funnel_next(const LeadcrmFunnel *f, int stage);

extern bool leadcrm_count_add(int64_t *count, int64_t more, int64_t times);
extern LeadcrmFunnelStatus leadcrm_share_add(LeadcrmShare *to, const LeadcrmShare *from, int sign);

extern int	leadcrm_duration_bucket(int64_t us);
extern double leadcrm_bucket_duration(int bucket);
extern LeadcrmFunnelStatus leadcrm_histogram_add(LeadcrmFunnel *f, LeadcrmHistogram *h, int *hint, int bucket, int64_t leads);
extern LeadcrmFunnelStatus leadcrm_histogram_count(const LeadcrmHistogram *h, int64_t *leads);
extern LeadcrmFunnelStatus leadcrm_histogram_quantile(const LeadcrmHistogram *h, double p, double *us);

/* funnel_decimal.c */
extern void leadcrm_decimal_trim(LeadcrmDecimal *d);
extern bool leadcrm_decimal_add(LeadcrmDecimal *sum, const LeadcrmDecimal *d, int64_t times);
extern const char *leadcrm_decimal_parse(const char *s, LeadcrmDecimal *d);
extern char *leadcrm_decimal_print(const LeadcrmDecimal *d, char *out);
extern const char *leadcrm_int128_parse(const char *s, leadcrm_int128 *value);
extern char *leadcrm_int128_print(leadcrm_int128 value, char *out);

#define LEADCRM_DECIMAL_WIDTH 84	/* characters of the longest, terminator included */

/* funnel_pack.c */
extern size_t leadcrm_funnel_packed_size(const LeadcrmFunnel *f);
extern unsigned char *leadcrm_funnel_pack(const LeadcrmFunnel *f, unsigned char *out);
extern LeadcrmFunnelStatus leadcrm_funnel_merge_packed(LeadcrmFunnel *f, const unsigned char *in, size_t len, int sign);
extern bool leadcrm_funnel_is_canonical(const LeadcrmFunnel *f, const unsigned char *in, size_t len);

/* funnel_text.c */
extern char *leadcrm_funnel_print(const LeadcrmFunnel *f);
extern LeadcrmFunnelStatus leadcrm_funnel_parse(LeadcrmFunnel *f, const char *s, const char **where);

#endif							/* LEADCRM_FUNNEL_MATH_H */
