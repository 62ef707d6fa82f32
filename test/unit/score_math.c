/*
 * score_math.c
 *		Unit test of src/score/score_math.c and score_text.c.
 *		sources: src/score/score_math.c src/score/score_text.c
 *
 * With a number as argument it runs the random part only, from that seed: make fuzz.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "score/score_math.h"

static int	tests = 0;

static void
ok(bool success, const char *what)
{
	printf("%sok %d - %s\n", success ? "" : "not ", ++tests, what);
}

#define MINUTE INT64_C(60000000)
#define DAY (1440 * MINUTE)

static LeadcrmScore
event(double points, int64_t at, int64_t half_life)
{
	LeadcrmScoreSum sum = {0};
	LeadcrmScore score;

	leadcrm_score_sum_add_event(&sum, points, at, half_life);
	leadcrm_score_of_sum(&sum, half_life, &score);
	return score;
}

static double
value_at(LeadcrmScore score, int64_t at)
{
	double		points;

	return leadcrm_score_value_at(&score, at, &points) ? points : INFINITY;
}

/* within a few units of the last place */
static bool
same(double a, double b)
{
	return fabs(a - b) <= 1e-15 * fabs(b);
}

static void
check_values(void)
{
	LeadcrmScore score = event(40, 9550 * DAY, 30 * DAY);

	ok(same(value_at(score, 9550 * DAY), 40), "an event is worth its points when it happens");
	ok(same(value_at(score, 9580 * DAY), 20), "half of them a half-life later");
	ok(same(value_at(score, 9520 * DAY), 80), "twice a half-life before");
	ok(same(value_at(event(1, 3652 * DAY + 7, MINUTE), 3652 * DAY + 7 + 30 * MINUTE), 0x1p-30),
	   "a half-life of a minute, after ten years");
	ok(leadcrm_score_is_canonical(&score), "the form is the only one");
}

int
main(int argc, char **argv)
{
	(void) argc;
	(void) argv;
	check_values();
	printf("1..%d\n", tests);
	return 0;
}
