/*
 * score_text.c
 *		Unit test of src/score/score_text.c: the text of scores, and their fields as they come from elsewhere.
 *		sources: src/score/score_math.c src/score/score_text.c
 *
 * With a number as argument it runs the random part only, from that seed: make fuzz.
 */
#include <stdlib.h>

#include "score.h"

#define MONTH INT64_C(2592000000000)

static bool
reads_as(const char *text, double mantissa, int64_t exponent, int64_t half_life)
{
	LeadcrmScore score;

	return leadcrm_score_parse(text, &score) == LEADCRM_SCORE_OK && equal(score, (LeadcrmScore) {half_life, exponent, mantissa});
}

static void
check_text(void)
{
	static const char *const refused[] = {
		"", " ", "0", "0/", "0/1", "0/s", "1/1s", "0x/1s", "0x1/1s", "0x1p/1s", "0x1p+/1s", "0x1.p0/1s", "0x2p0/1s", "0x0p0/1s", "0x1.gp0/1s",
		"0x1p0/1.s", "0x1p0/.5s", "0x1p0/1.0000001s", "0x1p0/-1s", "0x1p0/1s x", "0x1p0/1ss", "x0x1p0/1s", "--0/1s", "0x1p0 /1s", "0x1p0/ 1s",
		"0x1.00000000000001p0/1s", "nan/1s", "inf/1s", "NaN", "40", "0x1p0//1s", "0x1p0/1s/1s", "0x1p1.5/1s", "0x1p0/1e3s", "00/1s"
	};
	static const char *const beyond[] = {
		"0/0s", "0/0.000000s", "0x1p0/0s", "0x1p9223372036854775808/1s", "0x1p+99999999999999999999999999/1s", "0x1p-9223372036854775807/1s",
		"0x1p9223372036854767616/1s", "0/9223372036855s", "0/9223372036854.775808s", "0/99999999999999999999999999999s"
	};
	LeadcrmScore score;
	int			wrong = 0;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (leadcrm_score_parse(refused[i], &score) != LEADCRM_SCORE_SYNTAX)
			printf("# %s: %d\n", refused[i], ++wrong);
	ok(wrong == 0, "what is not a score");
	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++)
		if (leadcrm_score_parse(beyond[i], &score) != LEADCRM_SCORE_RANGE)
			printf("# %s: %d\n", beyond[i], ++wrong);
	ok(wrong == 0, "what no score can hold");
	ok(reads_as("0x1.4p+317/2592000s", 1.25, 317, MONTH) && reads_as(" -0X1.40P0317/2592000.000000s\n", -1.25, 317, MONTH) &&
	   reads_as("+0x1p-0/0.000001s", 1, 0, 1) && reads_as("0/9223372036854.775807s", 0, 0, INT64_MAX) && reads_as("-0/1s", 0, 0, 1000000) &&
	   reads_as("0x1.fffffffffffffp9223372036854767615/1s", 0x1.fffffffffffffp0, MAX, 1000000) &&
	   reads_as("0x1p-9223372036854767615/0.5s", 1, -MAX, 500000) && reads_as("0x1p0/1.0000000000s", 1, 0, 1000000),
	   "what is a score");
}

/* read(write(x)) = x */
static void
check_round_trips(int rounds)
{
	int			changed = 0;
	int			longest = 0;
	int			not_canonical = 0;

	for (int i = 0; i < rounds; i++)
	{
		LeadcrmScore score = any_score();
		LeadcrmScore again;
		char	   *text = malloc(LEADCRM_SCORE_TEXT_SIZE);
		int			length = leadcrm_score_print(&score, text);

		if (length != (int) strlen(text) || leadcrm_score_parse(text, &again) != LEADCRM_SCORE_OK || !equal(score, again))
			changed++;
		if (!leadcrm_score_is_canonical(&score))
			not_canonical++;
		if (length > longest)
			longest = length;
		free(text);
	}
	ok(changed == 0, "what was written is read back with the same bits");
	ok(longest > 58 && longest < LEADCRM_SCORE_TEXT_SIZE, "and fits");
	ok(not_canonical == 0, "the generator's scores are in their only form");
}

/* texts made of the pieces that matter to the parser; the block has the exact size, so that the sanitizer sees a step too far */
static void
check_random_texts(int rounds)
{
	static const char *const pieces[] = {
		"0", "0", "0x1", "0x1", ".", "p", "p+", "p-", "/", "/", "s", "s", "1", "8", "f", "F", "-", "+", " ", "\t", "X", "x", "9223372036854775807",
		"00000000000000000000", "ffffffffffffff", "0.5", "2592000s", "0x1.4p+317", "e", "\x80", "nan"
	};
	int			accepted = 0;
	int			broken = 0;

	for (int i = 0; i < rounds; i++)
	{
		char		buffer[400] = "";
		char	   *text;
		int			parts = below(10);
		LeadcrmScore score;
		LeadcrmScore again;

		if (below(2))
		{
			/* a good one with a few bytes changed */
			score = any_score();
			leadcrm_score_print(&score, buffer);
			for (int k = below(4); k > 0; k--)
				buffer[below((int) strlen(buffer))] = below(2) ? (char) (1 + below(255)) : pieces[below(31)][0];
		}
		else
			for (int k = 0; k < parts; k++)
				strcat(buffer, pieces[below(31)]);
		text = malloc(strlen(buffer) + 1);
		strcpy(text, buffer);
		if (leadcrm_score_parse(text, &score) == LEADCRM_SCORE_OK)
		{
			char		written[LEADCRM_SCORE_TEXT_SIZE];

			accepted++;
			leadcrm_score_print(&score, written);
			if (!leadcrm_score_is_canonical(&score) || leadcrm_score_parse(written, &again) != LEADCRM_SCORE_OK || !equal(score, again))
				broken++;
		}
		free(text);
	}
	ok(accepted > rounds / 100, "some random texts are scores");
	ok(broken == 0, "and then in their only form, which is read back as it was written");
}

/* fields as recv gets them: whatever passes can be computed with, compared and written */
static void
check_random_fields(int rounds)
{
	int			accepted = 0;
	int			broken = 0;

	for (int i = 0; i < rounds; i++)
	{
		LeadcrmScore score = any_score();
		LeadcrmScore other = any_score();
		LeadcrmScore again;
		LeadcrmScoreSum sum = {0};
		char		text[LEADCRM_SCORE_TEXT_SIZE];
		uint64_t	raw;

		if (below(3) == 0)
			score.half_life = (int64_t) next();
		if (below(3) == 0)
			score.exponent = (int64_t) next() >> below(64);
		memcpy(&raw, &score.mantissa, sizeof(raw));
		if (below(3) == 0)
			raw ^= UINT64_C(1) << below(64);
		if (below(9) == 0)
			raw = next();
		memcpy(&score.mantissa, &raw, sizeof(raw));
		if (!leadcrm_score_is_canonical(&score))
			continue;
		accepted++;
		leadcrm_score_print(&score, text);
		if (leadcrm_score_parse(text, &again) != LEADCRM_SCORE_OK || !equal(score, again))
			broken++;
		if (isnan(value_at(score, (int64_t) next() >> 1)))
			broken++;
		leadcrm_score_sum_add(&sum, score.mantissa, score.exponent);
		leadcrm_score_sum_add(&sum, other.mantissa, other.exponent);
		if (!leadcrm_score_sum_is_valid(&sum))
			broken++;
		if (leadcrm_score_of_sum(&sum, score.half_life, &again) && !leadcrm_score_is_canonical(&again))
			broken++;
		other.half_life = score.half_life;
		if (leadcrm_score_compare(&score, &other) != -leadcrm_score_compare(&other, &score) || leadcrm_score_compare(&score, &score) != 0)
			broken++;
	}
	ok(accepted > rounds / 10 && accepted < rounds, "some random fields are scores");
	ok(broken == 0, "and can then be computed with");
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
		check_text();
	check_round_trips(50000 * scale);
	check_random_texts(100000 * scale);
	check_random_fields(100000 * scale);
	printf("1..%d\n", tests);
	return 0;
}
