/*
 * score_math.c
 *		Unit test of src/score/score_math.c: sums, frames and the order of scores.
 *		sources: src/score/score_math.c
 *
 * With a number as argument it runs the random part only, from that seed: make fuzz.
 */
#include <stdlib.h>

#include "score.h"

#define MINUTE INT64_C(60000000)
#define DAY (1440 * MINUTE)
#define TODAY (9550 * DAY)		/* some day in 2026 */

/* points: mostly what people give, sometimes anything that a double can hold */
static double
any_points(void)
{
	double		sign = below(3) == 0 ? -1 : 1;

	switch (below(12))
	{
		case 0:
			return 0;
		case 1:
			return sign * ldexp(1 + share(), below(2098) - 1074);
		case 2:
			return sign * ldexp(1 + share(), below(200) - 100);
		default:
			return sign * (double) (1 + below(100));
	}
}

/* ---------------------------------------------------------------------------------------------------------------- */
/* The definition, in long double */

typedef struct Event
{
	double		points;
	int64_t		at;
} Event;

/* p * 2^(-(T-t)/H) */
static long double
decayed(Event e, int64_t when, int64_t half_life)
{
	__int128	age = (__int128) when - e.at;

	return e.points * exp2l(-(long double) (age % half_life) / half_life) * exp2l(-(long double) (age / half_life));
}

/* ---------------------------------------------------------------------------------------------------------------- */

static void
add_event(LeadcrmScoreSum *sum, Event e, int64_t half_life)
{
	double		value;
	int64_t		exponent = leadcrm_score_event(e.points, e.at, half_life, &value);

	leadcrm_score_sum_add(sum, value, exponent);
}

static LeadcrmScore
event(double points, int64_t at, int64_t half_life)
{
	LeadcrmScoreSum sum = {0};
	LeadcrmScore score;

	add_event(&sum, (Event) {points, at}, half_life);
	if (!leadcrm_score_of_sum(&sum, half_life, &score))
		abort();
	return score;
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
	LeadcrmScore score = event(40, TODAY, 30 * DAY);
	int64_t		end = INT64_C(9223371331200000000);		/* the end of PostgreSQL's calendar */
	int64_t		begin = INT64_C(-211813488000000000);

	ok(same(value_at(score, TODAY), 40), "an event is worth its points when it happens");
	ok(same(value_at(score, TODAY + 30 * DAY), 20), "half of them a half-life later");
	ok(same(value_at(score, TODAY - 30 * DAY), 80), "twice as many a half-life before");
	ok(same(value_at(score, TODAY + 15 * DAY), 40 * sqrt(0.5)), "and in between");
	ok(value_at(event(40, 0, 30 * DAY), 0) == 40 && value_at(event(3, -90 * DAY, 30 * DAY), 30 * DAY) == 0.1875,
	   "powers of two are exact");
	ok(same(value_at(event(1, TODAY + 7, MINUTE), TODAY + 7 + 30 * MINUTE), 0x1p-30), "a half-life of a minute");
	ok(same(value_at(event(7, end, 1), end), 7) && same(value_at(event(7, begin, 1), begin), 7), "a microsecond, at the ends of time");
	ok(same(value_at(event(7, end, INT64_MAX), end), 7) && same(value_at(event(7, begin, INT64_MAX), begin), 7), "292,000 years");
	ok(value_at(event(0x1.fffffffffffffp1023, end, 1), end) > 1.797e308 && value_at(event(0x1p-1074, begin, 1), begin) == 0x1p-1074,
	   "the largest and the smallest points");
	ok(value_at(event(0x1p1023, 0, DAY), 2000 * DAY) == 0x1p-977 && value_at(event(0x1p-1074, 0, DAY), -2000 * DAY) == 0x1p926,
	   "a score may leave the range of double and come back");
	ok(value_at(score, TODAY + 40000 * 30 * DAY) == 0, "too little is zero");
	ok(isinf(value_at(score, TODAY - 2000 * 30 * DAY)), "too much is said");
	ok(equal(event(0, TODAY, DAY), event(-0.0, 0, DAY)), "one zero");
	ok(value_at(event(0, TODAY, DAY), begin) == 0, "zero stays zero");
}

static void
check_limits(void)
{
	LeadcrmScoreSum sum = {0};
	LeadcrmScoreSum other = {0};
	LeadcrmScoreWindow window = {.events = 0};
	LeadcrmScore score;

	leadcrm_score_sum_add(&sum, 1.5, MAX);
	ok(leadcrm_score_of_sum(&sum, 1, &score) && score.exponent == MAX && score.mantissa == 1.5, "the largest score");
	leadcrm_score_sum_add(&sum, 1.5, MAX);
	ok(!leadcrm_score_of_sum(&sum, 1, &score), "twice of it is none");
	leadcrm_score_sum_add(&sum, -1.5, MAX);
	leadcrm_score_sum_add(&sum, -1, MAX);
	ok(leadcrm_score_of_sum(&sum, 1, &score) && score.exponent == MAX - 1 && score.mantissa == 1, "a third part taken away again");
	leadcrm_score_sum_add(&sum, 1, -MAX);
	ok(leadcrm_score_of_sum(&sum, 1, &score) && score.exponent == MAX - 1 && score.mantissa == 1, "the largest and the smallest");
	memset(&sum, 0, sizeof(sum));
	leadcrm_score_sum_add(&sum, 1.25, -MAX);
	leadcrm_score_sum_add(&sum, -1, -MAX);
	ok(leadcrm_score_of_sum(&sum, 1, &score) && score.mantissa == 0 && score.exponent == 0, "below the smallest is zero");
	memset(&sum, 0, sizeof(sum));
	leadcrm_score_sum_add(&sum, 1, -MAX);
	leadcrm_score_sum_add(&sum, 1, MAX);
	ok(leadcrm_score_of_sum(&sum, 1, &score) && score.mantissa == 1 && score.exponent == MAX, "the other way round");
	memset(&sum, 0, sizeof(sum));
	leadcrm_score_sum_add(&sum, 1e20, 0);
	leadcrm_score_sum_add(&sum, 1, 0);
	leadcrm_score_sum_add(&sum, -1e20, 0);
	ok(leadcrm_score_of_sum(&sum, 1, &score) && score.mantissa == 1 && score.exponent == 0, "what rounding takes away comes back");
	leadcrm_score_sum_add(&sum, 1e20, 0);
	leadcrm_score_sum_add(&other, -1e20, 0);
	leadcrm_score_sum_merge(&other, &sum);
	ok(leadcrm_score_of_sum(&other, 1, &score) && score.mantissa == 1 && score.exponent == 0, "from another sum as well");
	memset(&sum, 0, sizeof(sum));
	leadcrm_score_sum_add(&sum, 0x1p400, 400);
	leadcrm_score_sum_add(&sum, 0x1p400, 340);
	leadcrm_score_sum_add(&sum, -0x1p400, 400);
	leadcrm_score_sum_add(&sum, 0x1p-400, -400);
	leadcrm_score_sum_add(&sum, 1, -1000);
	ok(leadcrm_score_of_sum(&sum, 1, &score) && score.mantissa == 1 && score.exponent == 740, "where the low part has become the larger one");
	leadcrm_score_window_add(&window, 0, 0);
	leadcrm_score_window_add(&window, 0, -MAX);
	ok(leadcrm_score_window_remove(&window, 0, 0) && window.events == 1, "a frame of zeros stays one");
	ok(leadcrm_score_window_remove(&window, 0, -MAX) && window.events == 0 && window.peak == 0, "until it is empty");
	leadcrm_score_window_add(&window, 1, -MAX);
	leadcrm_score_window_add(&window, 1, 0);
	ok(!leadcrm_score_window_remove(&window, 1, 0), "what was too small to be seen is added up anew");
	memset(&window, 0, sizeof(window));
	leadcrm_score_window_add(&window, 1, 0);
	do
		leadcrm_score_window_add(&window, 1, 0);
	while (leadcrm_score_window_remove(&window, 1, 0));
	ok(window.removals == (1 << 20) + 1, "so is a frame after a million removals");
	ok(!leadcrm_score_sum_is_valid(&(LeadcrmScoreSum) {NAN, 0, 0}) && !leadcrm_score_sum_is_valid(&(LeadcrmScoreSum) {0, NAN, 0}) &&
	   !leadcrm_score_sum_is_valid(&(LeadcrmScoreSum) {INFINITY, 0, 0}) && !leadcrm_score_sum_is_valid(&(LeadcrmScoreSum) {0, 0, INT64_MIN}) &&
	   !leadcrm_score_sum_is_valid(&(LeadcrmScoreSum) {0, 0, INT64_MAX}) && leadcrm_score_sum_is_valid(&(LeadcrmScoreSum) {-1, 0, 5}),
	   "which fields are those of a sum");
}

/* 2^(t/H) against the C library's, in long double */
static void
check_power(int rounds)
{
	double		worst = 0;

	for (int i = 0; i < rounds; i++)
	{
		int64_t		t = below(2) ? any_size() : -any_size();
		int64_t		half_life = any_size();
		double		value;
		int64_t		exponent = leadcrm_score_power(t, half_life, leadcrm_score_steps(half_life), &value);
		long double truth = exp2l((long double) (t % half_life) / half_life);
		double		error = fabsl(ldexpl(value, (int) (exponent - t / half_life)) / truth - 1);

		/* NaN counts as well */
		if (!(error <= worst))
			worst = error;
	}
	printf("# 2^(t/H): error up to %.3g\n", worst);
	ok(worst < 2.3e-16, "powers are right to two units of the last place");
}

#define MANY 300

/* any order, any grouping; a score on the way; against the definition */
static void
check_sums(int rounds)
{
	static const int64_t half_lives[] = {MINUTE, 60 * MINUTE, DAY, 7 * DAY, 30 * DAY, 90 * DAY + 1, 365 * DAY, 3652 * DAY + DAY / 2};
	long double worst = 0;
	int			canonical = 0;
	int			invalid = 0;

	for (int round = 0; round < rounds; round++)
	{
		int64_t		half_life = below(3) ? half_lives[below(8)] : MINUTE + (int64_t) (share() * share() * 3650 * DAY);
		int			n = 1 + below(MANY);
		/* ten years of events, or a few half-lives of them, so that many count */
		double		span = below(2) ? 3652. * DAY : fmin(30. * half_life, 3652. * DAY);
		int64_t		when = TODAY;
		Event		events[MANY];
		long double truth = 0;
		long double size = 0;

		for (int i = 0; i < n; i++)
		{
			events[i] = (Event) {any_points(), when - (int64_t) (span * share())};
			/* what cancels another one but for a little */
			if (i > 0 && below(4) == 0)
				events[i] = (Event) {-events[i - 1].points, events[i - 1].at + below(3)};
			truth += decayed(events[i], when, half_life);
			size += fabsl(decayed(events[i], when, half_life));
		}
		for (int order = 0; order < 3; order++)
		{
			LeadcrmScoreSum sums[5] = {{0}};
			LeadcrmScore score;
			long double error;

			for (int i = n - 1; i > 0; i--)
			{
				int			j = below(i + 1);
				Event		e = events[i];

				events[i] = events[j];
				events[j] = e;
			}
			for (int i = 0; i < n; i++)
			{
				int			group = below(5);

				add_event(&sums[group], events[i], half_life);
				if (!leadcrm_score_sum_is_valid(&sums[group]))
					invalid++;
				/* now and then what was summed is stored and read again: add_points() */
				if (order == 2 && below(8) == 0 && leadcrm_score_of_sum(&sums[group], half_life, &score))
				{
					memset(&sums[group], 0, sizeof(sums[group]));
					leadcrm_score_sum_add(&sums[group], score.mantissa, score.exponent);
				}
			}
			for (int left = 5; left > 1; left--)
			{
				int			into = below(left - 1);

				leadcrm_score_sum_merge(&sums[into], &sums[left - 1]);
			}
			if (!leadcrm_score_of_sum(&sums[0], half_life, &score) || !leadcrm_score_is_canonical(&score))
			{
				canonical++;
				continue;
			}
			/* where the points are beyond a double, as large ones may be, there is nothing to compare */
			if (size > 1e300L)
				continue;
			error = fabsl(value_at(score, when) - truth);
			/* below the smallest double, zero is as good */
			if (error > 1e-12L * size && error > 1e-320L)
				printf("# half-life %lld, %d events: error %Lg of %Lg\n", (long long) half_life, n, error, size);
			if (size > 1e-300L && !(error / size <= worst))
				worst = error / size;
		}
	}
	printf("# sums: error up to %.3Lg of the sum without signs\n", worst);
	ok(worst < 1e-13L, "a sum is right in any order and grouping");
	ok(canonical == 0, "and a score in its only form");
	ok(invalid == 0, "every sum on the way is a valid one");
}

/* a frame that moves over events: against the events in it */
static void
check_window(int rounds)
{
	long double worst = 0;
	int			forward = 0;

	for (int round = 0; round < rounds; round++)
	{
		Event		events[MANY];
		int64_t		half_life = below(2) ? DAY : MINUTE + (int64_t) (share() * 100 * DAY);
		int64_t		at = TODAY - 365 * DAY;
		bool		backward = below(2);
		bool		plain = below(2);
		LeadcrmScoreWindow window = {.events = 0};
		int			first = 0;
		int			last = 0;	/* one behind */

		for (int i = 0; i < MANY; i++)
		{
			at += (int64_t) (share() * 3 * DAY) * (backward ? -1 : 1);
			events[i] = (Event) {plain ? 1 + below(100) : any_points(), at};
			if (!plain && fabs(events[i].points) > 1e200)
				events[i].points = 0;
			if (!plain && i > 0 && below(3) == 0)
				events[i] = (Event) {-events[i - 1].points, events[i - 1].at};
		}
		while (last < MANY)
		{
			double		value;
			int64_t		exponent;
			int64_t		when;
			LeadcrmScore score;
			long double truth = 0;
			long double size = 0;
			long double error;

			if (first == last || below(20) != 0)
			{
				exponent = leadcrm_score_event(events[last].points, events[last].at, half_life, &value);
				leadcrm_score_window_add(&window, value, exponent);
				last++;
			}
			while (first < last && (last - first > 20 || below(50) == 0))
			{
				exponent = leadcrm_score_event(events[first].points, events[first].at, half_life, &value);
				first++;
				if (leadcrm_score_window_remove(&window, value, exponent))
					continue;
				if (plain && !backward)
					forward++;
				memset(&window, 0, sizeof(window));
				for (int i = first; i < last; i++)
				{
					exponent = leadcrm_score_event(events[i].points, events[i].at, half_life, &value);
					leadcrm_score_window_add(&window, value, exponent);
				}
			}
			if (first == last)
				continue;
			when = events[backward ? first : last - 1].at;
			for (int i = first; i < last; i++)
			{
				truth += decayed(events[i], when, half_life);
				size += fabsl(decayed(events[i], when, half_life));
			}
			if (!leadcrm_score_of_sum(&window.sum, half_life, &score))
				abort();
			error = fabsl(value_at(score, when) - truth);
			if (size > 1e-300L && !(error / size <= worst))
				worst = error / size;
		}
	}
	printf("# moving frames: error up to %.3Lg of the sum without signs\n", worst);
	ok(worst < 1e-9L, "a moving frame is right wherever it stands");
	ok(forward == 0, "and is never made anew where time goes on and points are positive");
}

static int
compare_scores(const void *a, const void *b)
{
	return leadcrm_score_compare(a, b);
}

/* the order is one, and that of the points at every instant */
static void
check_order(int rounds)
{
	int			wrong = 0;
	int			crossed = 0;

	for (int round = 0; round < rounds; round++)
	{
		LeadcrmScore scores[50];
		int64_t		half_life = DAY;
		bool		close = below(2);

		for (int i = 0; i < 50; i++)
		{
			scores[i] = close ? event(any_points(), TODAY - (int64_t) (share() * 100 * DAY), half_life) : any_score();
			if (i > 0 && below(5) == 0)
				scores[i] = scores[i - 1];
			if (!close && below(2))
				scores[i].half_life = 5 + below(2);
		}
		qsort(scores, 50, sizeof(LeadcrmScore), compare_scores);
		for (int i = 0; i < 50; i++)
			for (int j = 0; j < 50; j++)
			{
				int			c = leadcrm_score_compare(&scores[i], &scores[j]);

				if (c != -leadcrm_score_compare(&scores[j], &scores[i]) || (c == 0) != equal(scores[i], scores[j]) || (i < j && c > 0))
					wrong++;
				if (i < j && scores[i].half_life == scores[j].half_life)
				{
					int64_t		when = (close ? TODAY : 0) + (int64_t) ((share() - 0.5) * 2500 * DAY);
					double		a = value_at(scores[i], when);
					double		b = value_at(scores[j], when);

					/* beyond a double, an error is raised in the place of infinity */
					if (isfinite(a) && isfinite(b) && a > b)
						crossed++;
				}
			}
	}
	ok(wrong == 0, "the order is total, and equal scores are the same bits");
	ok(crossed == 0, "it is the order of the points at every instant");
}

int
main(int argc, char **argv)
{
	int			scale = 1;

	state = 20240601;
	if (argc > 1)
	{
		state = strtoull(argv[1], NULL, 10);
		scale = 5;
	}
	else
	{
		check_values();
		check_limits();
	}
	check_power(100000 * scale);
	check_sums(1000 * scale);
	check_window(300 * scale);
	check_order(100 * scale);
	printf("1..%d\n", tests);
	return 0;
}
