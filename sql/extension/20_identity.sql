-- Normalised identities of people: for finding duplicates and for judging fit.

CREATE FUNCTION leadcrm.email_key(address text) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 5
	AS 'MODULE_PATHNAME', 'leadcrm_email_key';

COMMENT ON FUNCTION leadcrm.email_key(text) IS
'The normalised identity of a mail address: two spellings of one mailbox have the same key. Blanks, a display name, angle brackets, mailto:, letter case, a +tag, the final dot of the domain and, at Gmail, dots and the second domain make no difference; an internationalised domain is written in its ASCII form. Unicode text is compared in its compatible composed form (NFKC) in UTF-8 databases; in others, characters beyond ASCII are compared as they are. NULL for what is not one address with a host name of at least two parts. Never raises an error. For comparing, not for sending mail to.';

CREATE FUNCTION leadcrm.is_free_email(address text) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 5
	AS 'MODULE_PATHNAME', 'leadcrm_is_free_email';

COMMENT ON FUNCTION leadcrm.is_free_email(text) IS
'Whether a mail address, or a bare domain, belongs to a provider that gives addresses to anybody (free mail, access providers, disposable addresses), so that it says nothing about an employer. The list of well-known providers is compiled in. NULL for what is neither an address nor a domain of at least two parts. Never raises an error.';
