-- Identities of people: leadcrm.email_key and leadcrm.is_free_email.
-- Characters beyond ASCII are written as escapes, so that this file reads the same in any client encoding.
\set VERBOSITY sqlstate
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
RESET client_min_messages;
SET client_encoding = utf8;

-- one mailbox, many spellings: every row must be the same key
SELECT DISTINCT leadcrm.email_key(a) FROM (VALUES
	('john.doe@example.com'), ('John.Doe@Example.COM'), ('  john.doe@example.com '), (E'\tjohn.doe@example.com\r\n'),
	('john.doe+newsletter@example.com'), ('john.doe+a+b@example.com'), ('john.doe@example.com.'),
	('John Doe <john.doe@example.com>'), ('"Doe, John <boss>" <john.doe@example.com>'), ('<john.doe@example.com>'),
	('mailto:john.doe@example.com'), ('MAILTO:john.doe@example.com?subject=Hi%20there&cc=x@example.org'),
	('john.doe@example.com <mailto:john.doe@example.com>'), ('john.doe@example.com;'), ('john.doe@example.com, '),
	('''john.doe@example.com'''), ('"john.doe@example.com"'), (U&'\201Cjohn.doe@example.com\201D'),
	('john.doe@example.com (work)'), ('"john.doe"@example.com'), ('"john\.doe"@example.com'),
	('"john.doe+tag"@example.com'), (U&'\00A0john.doe@example.com\00A0'),
	(U&'\FEFFjohn.doe@example.com'), (U&'john.\200Bdoe@exam\00ADple.com'),
	(U&'\FF4A\FF4F\FF48\FF4E.doe\FF20example.com'), (U&'john.doe@example\3002com'), ('John "Jo <john.doe@example.com>')
) AS v(a) ORDER BY 1;

-- Gmail: dots and the second domain make no difference; elsewhere they do
SELECT a, leadcrm.email_key(a) FROM (VALUES
	('j.o.h.n@gmail.com'), ('John@GoogleMail.com'), ('john+x@googlemail.com.'), ('"j.ohn"@gmail.com'),
	('j.o.h.n@example.com'), ('john@gmail.com.example.com'), ('john@mail.gmail.com'), ('john@notgmail.com'),
	('+tag@example.com'), ('john.+tag@example.com'), ('+@gmail.com')
) AS v(a);

-- what an address may hold all the same
SELECT a, leadcrm.email_key(a) FROM (VALUES
	('o''brien@example.com'), ('!#$%&''*/=?^_`{|}~-@example.com'), ('"john smith"@example.com'),
	('"John@Home"@example.com'), ('"a\"b\\c"@example.com'), ('""@example.com'), ('"a<b"@example.com'),
	('Bob <"a<b"@example.com>'), ('1@2.example'), ('a@b.co'), ('a@xn--bcher-kva.example')
) AS v(a);

-- any language: letter case, composed or not, and the two forms of a domain
SELECT leadcrm.email_key(a) = leadcrm.email_key(b) AS same, leadcrm.email_key(a) FROM (VALUES
	(U&'info@B\00DCCHER.example', 'info@xn--bcher-kva.example'),
	(U&'info@bu\0308cher.example', U&'info@b\00FCcher.example'),
	(U&'\0418\0412\0410\041D@\043F\043E\0447\0442\0430.\0440\0444', U&'\0438\0432\0430\043D@xn--80a1acny.xn--p1ai'),
	(U&'\041C\041E\041D\0413\041E\041B\04AE\04E8@example.mn', U&'\043C\043E\043D\0433\043E\043B\04AF\04E9@example.mn'),
	(U&'\1C90\1C91@example.ge', U&'\10D0\10D1@example.ge'),
	(U&'\0141\00D3D\0179@example.pl', U&'\0142\00F3d\017A@example.pl'),
	(U&'\0116\0160@example.lt', U&'e\0307s\030C@example.lt'),
	(U&'\03A0\0391\03A0\0391\03A3@example.gr', U&'\03C0\03B1\03C0\03B1\03C2@example.gr'),
	(U&'x@\0645\062B\0627\0644.\0627\06CC\0631\0627\0646', 'x@xn--mgbh0fb.xn--mgba3a4f16a'),
	(U&'\0130@example.com', 'i@example.com'), (U&'\5F20@\4F8B\5B50.\4E2D\56FD', U&'\5F20@xn--fsqu00a.xn--fiqs8s')
) AS v(a, b);

-- what is no address: NULL, never an error
SELECT a FROM (VALUES
	(''), (' '), ('@'), ('john'), ('john@'), ('@example.com'), ('john@localhost'), ('john@example'), ('john@@example.com'),
	('john@example@example.com'), ('john@.example.com'), ('john@example..com'), ('john@example.com..'), ('john@-x.com'),
	('john@x-.com'), ('john@exam_ple.com'), ('john@exam ple.com'), ('john@example.123'), ('john@127.0.0.1'),
	('john@[127.0.0.1]'), ('.john@example.com'), ('john.@example.com'), ('jo..hn@example.com'), ('jo hn@example.com'),
	('john @example.com'), ('john@ example.com'), ('a@example.com; b@example.com'), ('a@example.com b@example.com'),
	('<>'), ('John <>'), ('John <john>'), ('"john@example.com'), ('"john" @example.com'), ('"john"x@example.com'),
	('"\"@example.com'), ('john(home)@example.com'), (E'jo\x01hn@example.com'), (E'jo\nhn@example.com'), ('n/a'), ('-'),
	('mailto:'), ('mailto:?subject=x'), ('((('), (')))'), ('<<<>>>'), ('""'), ('''''')
) AS v(a) WHERE leadcrm.email_key(a) IS NOT NULL;

-- lengths: 64 characters of local part, 63 of a label, 253 of a domain, 1024 of everything
SELECT leadcrm.email_key(repeat('a', 64) || '@example.com') IS NOT NULL AS local_64,
	leadcrm.email_key(repeat('a', 65) || '@example.com') IS NULL AS local_65,
	leadcrm.email_key('"' || repeat('\"', 64) || '"@example.com') IS NOT NULL AS quoted_64,
	leadcrm.email_key('"' || repeat('\"', 65) || '"@example.com') IS NULL AS quoted_65,
	leadcrm.email_key('a@' || repeat('b', 63) || '.com') IS NOT NULL AS label_63,
	leadcrm.email_key('a@' || repeat('b', 64) || '.com') IS NULL AS label_64,
	leadcrm.email_key('a@' || repeat('b.', 125) || 'com') IS NOT NULL AS domain_253,
	leadcrm.email_key('a@' || repeat('b.', 125) || 'com.') IS NOT NULL AS domain_253_dot,
	leadcrm.email_key('a@' || repeat('b.', 125) || 'comm') IS NULL AS domain_254,
	leadcrm.email_key(repeat(' ', 1016) || 'a@b.co') IS NOT NULL AS text_1022,
	leadcrm.email_key(repeat(' ', 1019) || 'a@b.co') IS NULL AS text_1025,
	leadcrm.email_key(repeat('x', 100000000)) IS NULL AS text_100_mb,
	leadcrm.email_key(repeat(U&'\FDFA', 300) || '@example.com') IS NULL AS expanding,
	leadcrm.email_key('a@' || repeat(U&'\00FC', 60) || '.com') IS NULL AS punycode_too_long,
	leadcrm.email_key(NULL) IS NULL AS of_null;

-- the key of a key is the key, for every character of the two planes that hold letters, and no character makes an error
SELECT count(*) FILTER (WHERE k IS NOT NULL) > 100000 AS most_are_addresses,
	count(*) FILTER (WHERE leadcrm.email_key(k) IS DISTINCT FROM k) AS unstable
FROM (SELECT leadcrm.email_key(form) AS k FROM generate_series(1, 131071) AS c,
	LATERAL (VALUES ('a' || chr(c) || '@example.com'), ('a@b' || chr(c) || '.com'), ('"' || chr(c) || ' "@example.com')) AS v(form)
	WHERE c NOT BETWEEN 55296 AND 57343) AS x WHERE k IS NOT NULL;

-- upper and lower case meet in one key, at both ends of the ranges of letters
SELECT count(*) AS letters_whose_cases_differ FROM (VALUES
	(U&'\00C0\00D6\00D8\00DE\0100\0136\0139\0147\014A\0178\0179\017D', U&'\00E0\00F6\00F8\00FE\0101\0137\013A\0148\014B\00FF\017A\017E'),
	(U&'\0386\0391\03A9\03AB', U&'\03AC\03B1\03C9\03CB'), (U&'\0400\040F\0410\042F\0460\04C0\04D0', U&'\0450\045F\0430\044F\0461\04CF\04D1'),
	(U&'\0531\0556', U&'\0561\0586'), (U&'\+010400\+01E900', U&'\+010428\+01E922'), (U&'\1E00\1EFE\1F08', U&'\1E01\1EFF\1F00')
) AS v(upper, lower) WHERE leadcrm.email_key(upper || '@example.com') IS DISTINCT FROM leadcrm.email_key(lower || '@example.com')
	OR leadcrm.email_key(lower || '@example.com') IS NULL;

-- free mail: of an address in any spelling, or of a domain
SELECT a, leadcrm.is_free_email(a) FROM (VALUES
	('john@gmail.com'), ('John <JOHN@GMail.com.>'), ('gmail.com'), ('@gmail.com'), (' GoogleMail.COM. '), ('x@yahoo.co.uk'),
	('x@012.net.il'), ('x@zoznam.sk'), ('x@mail.mn'), ('john@example.com'), ('example.com'), ('mail.gmail.com'),
	('john@gmail.com.example.com'), ('gmail'), (''), ('john@'), ('no mail'), ('a@gmail.com,b@gmail.com'), (NULL)
) AS v(a);

-- no locale and no search_path: the Turkish i would differ, and so would an operator of the user's own
SELECT proname, provolatile, proisstrict, proparallel, proconfig, prosecdef FROM pg_catalog.pg_proc
WHERE pronamespace = 'leadcrm'::regnamespace AND proname IN ('email_key', 'is_free_email') ORDER BY proname;
CREATE TEMPORARY TABLE person (email text, key text GENERATED ALWAYS AS (leadcrm.email_key(email)) STORED);
CREATE UNIQUE INDEX ON person (key);
INSERT INTO person VALUES ('TITI@EXAMPLE.COM');
INSERT INTO person VALUES ('titi+2@example.com');
SELECT * FROM person;

-- PARALLEL SAFE holds: workers compute the same keys as the leader
CREATE TABLE many_people AS SELECT 'Person.' || i || '+tag@' || CASE WHEN i % 2 = 0 THEN 'GMail.com' ELSE 'Example.com' END AS email
	FROM generate_series(1, 20000) i;
ANALYZE many_people;
CREATE TEMPORARY TABLE alone AS SELECT email, leadcrm.email_key(email) AS key, leadcrm.is_free_email(email) AS free FROM many_people;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
\set VERBOSITY terse
DO $$
DECLARE
	plan text := '';
	line text;
BEGIN
	FOR line IN EXPLAIN (COSTS off) CREATE TABLE x AS SELECT email, leadcrm.email_key(email), leadcrm.is_free_email(email) FROM many_people LOOP
		plan := plan || line || E'\n';
	END LOOP;
	RAISE NOTICE 'parallel plan: %', plan ~ 'Gather' AND plan ~ 'Parallel Seq Scan';
END
$$;
CREATE TABLE together AS SELECT email, leadcrm.email_key(email) AS key, leadcrm.is_free_email(email) AS free FROM many_people;
RESET max_parallel_workers_per_gather;
SELECT count(*), count(DISTINCT key), count(*) FILTER (WHERE free) FROM together;
SELECT count(*) AS differences FROM (TABLE alone EXCEPT TABLE together) AS d;
DROP TABLE many_people, together;
