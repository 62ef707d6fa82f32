/*
 * email_parse.c
 *		Unit test of src/identity/email_parse.c.
 *		sources: src/identity/email_parse.c
 *
 * With a number as argument it runs the random part only, from that seed: make fuzz.
 */
#include <stdlib.h>
#include <string.h>

#include "identity/email_parse.h"
#include "unit.h"

/* out as code points in a heap block of exact size, so that the sanitizer sees a read beyond the end */
static bool
parse(const uint32_t *s, int n, LeadcrmEmail *email, bool domain)
{
	uint32_t   *copy = malloc(n > 0 ? sizeof(uint32_t) * n : 1);
	bool		result;

	memcpy(copy, s, sizeof(uint32_t) * n);
	n = leadcrm_email_fold(copy, n);
	result = domain ? leadcrm_domain_parse(copy, n, email) : leadcrm_email_parse(copy, n, email);
	free(copy);
	return result;
}

/* the table is searched by halves: it must be sorted, and every entry must be a domain as the parser writes it */
static void
check_free_domains(void)
{
	int			n;
	const char *const *domains = leadcrm_free_domains(&n);
	bool		sorted = n > 100;
	bool		found = true;
	bool		normal = true;

	for (int i = 0; i < n; i++)
	{
		uint32_t	cp[256];
		int			len = (int) strlen(domains[i]);
		LeadcrmEmail email;

		if (i > 0 && strcmp(domains[i - 1], domains[i]) >= 0)
			sorted = false;
		for (int j = 0; j < len; j++)
			cp[j] = (unsigned char) domains[i][j];
		if (!parse(cp, len, &email, true) || strcmp(email.domain, domains[i]) != 0)
			normal = false;
		if (!leadcrm_domain_is_free(domains[i]))
			found = false;
	}
	ok(sorted, "free mail domains are sorted and unique");
	ok(normal, "free mail domains are written as the parser writes them");
	ok(found, "every free mail domain is found");
	ok(!leadcrm_domain_is_free("") && !leadcrm_domain_is_free("zzzz.example"), "others are not found");
}

/* an address read again is the same address, and stays within its limits */
static bool
holds(const LeadcrmEmail *email)
{
	uint32_t	cp[LEADCRM_EMAIL_MAX_INPUT];
	int			n = 0;
	LeadcrmEmail again;

	if (email->local_len < 1 || email->local_len > 2 * LEADCRM_EMAIL_MAX_LOCAL + 2 || email->domain_len < 3 ||
		email->domain_len > LEADCRM_EMAIL_MAX_DOMAIN || (int) strlen(email->domain) != email->domain_len)
		return false;
	for (int i = 0; i < email->local_len; i++)
		cp[n++] = email->local[i];
	cp[n++] = '@';
	for (int i = 0; i < email->domain_len; i++)
		cp[n++] = (unsigned char) email->domain[i] < 0x80 ? (unsigned char) email->domain[i]
			: LEADCRM_OPAQUE + (unsigned char) email->domain[i];
	return parse(cp, n, &again, false) && again.local_len == email->local_len &&
		memcmp(again.local, email->local, sizeof(uint32_t) * email->local_len) == 0 &&
		strcmp(again.domain, email->domain) == 0;
}

/* random texts made of the pieces that matter to the parser */
static void
check_random(uint64_t seed, int rounds)
{
	static const char *const pieces[] = {
		"a", "Z", "0", "@", "@", ".", "+", "\"", "\\", "<", ">", "(", ")", " ", "'", ",", ";", "?", "-", "_", "mailto:", "\t",
		"gmail.com", "googlemail.com", "example.com", "john", "\x01", "xn--", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	};
	static const uint32_t wide[] = {0xFC, 0xDC, 0xA0, 0x3002, 0x200B, 0x201C, 0x201D, 0xAB, 0xBB, 0x10FFFF, LEADCRM_OPAQUE + 0xFC};
	int			addresses = 0;
	int			broken = 0;

	state = seed;
	for (int round = 0; round < rounds; round++)
	{
		uint32_t	cp[LEADCRM_EMAIL_MAX_INPUT];
		int			n = 0;
		int			parts = 1 + (int) below(12);
		LeadcrmEmail email;

		for (int i = 0; i < parts; i++)
		{
			int			pick = (int) below(40);

			if (pick < 29)
				for (const char *p = pieces[pick]; *p != '\0'; p++)
					cp[n++] = (unsigned char) *p;
			else
				cp[n++] = wide[pick - 29];
		}
		if (parse(cp, n, &email, false))
		{
			addresses++;
			if (!holds(&email) && broken++ < 5)
			{
				printf("# unstable:");
				for (int i = 0; i < n; i++)
					printf(" %x", (unsigned int) cp[i]);
				printf("\n");
			}
		}
		parse(cp, n, &email, true);
	}
	ok(addresses > rounds / 1000, "some random texts are addresses");
	ok(broken == 0, "the address of an address is the address");
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		check_random(strtoull(argv[1], NULL, 10), 2000000);
	else
	{
		check_free_domains();
		check_random(20240601, 500000);
	}
	printf("1..%d\n", tests);
	return 0;
}
