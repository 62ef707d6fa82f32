/*
 * email_parse.h
 *		Reading and normalising mail addresses: pure code, no PostgreSQL calls.
 *
 * Text comes and goes as code points. A byte of a text whose encoding is not known to be Unicode is passed as
 * LEADCRM_OPAQUE + byte: it is kept as it is and stands for no letter.
 */
#ifndef LEADCRM_EMAIL_PARSE_H
#define LEADCRM_EMAIL_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#define LEADCRM_EMAIL_MAX_INPUT	1024	/* code points; what is longer is no address */
#define LEADCRM_EMAIL_MAX_LOCAL	64	/* RFC 5321 */
#define LEADCRM_EMAIL_MAX_DOMAIN 253	/* RFC 1035, without the final dot */
#define LEADCRM_OPAQUE	0x110000

typedef struct LeadcrmEmail
{
	int			local_len;
	uint32_t	local[2 * LEADCRM_EMAIL_MAX_LOCAL + 2]; /* room for quotes and escapes */
	int			domain_len;
	char		domain[LEADCRM_EMAIL_MAX_DOMAIN + 1];	/* lower case, A-labels, zero-terminated */
} LeadcrmEmail;

extern int	leadcrm_email_fold(uint32_t *cp, int n);
extern bool leadcrm_email_parse(const uint32_t *cp, int n, LeadcrmEmail *email);
extern bool leadcrm_domain_parse(const uint32_t *cp, int n, LeadcrmEmail *email);
extern bool leadcrm_domain_is_free(const char *domain);
extern const char *const *leadcrm_free_domains(int *n);

#endif							/* LEADCRM_EMAIL_PARSE_H */
