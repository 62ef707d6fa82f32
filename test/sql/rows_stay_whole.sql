-- Whatever a row and its history row are put together from, all other columns stay as they were, to the byte: columns of every
-- length and alignment, NULL or not, before, between and after the companions, added and dropped ones, long ones.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_rows_stay_whole CASCADE;
CREATE SCHEMA t_rows_stay_whole;
SET search_path = t_rows_stay_whole;
\pset format unaligned
\pset tuples_only on

-- a number from 0 to n - 1 that looks random
CREATE FUNCTION pick(i integer, salt integer, n integer) RETURNS integer IMMUTABLE LANGUAGE sql AS $$
	SELECT (hashint8(i * 1000003::bigint + salt) & 2147483647) % n
$$;
-- a text of some length: none, short, above 126 bytes, too long for a page
CREATE FUNCTION words(i integer, salt integer) RETURNS text IMMUTABLE LANGUAGE sql AS $$
	SELECT CASE pick(i, salt, 9) WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN repeat(md5(i::text), 5)
		WHEN 3 THEN (SELECT string_agg(md5((i * salt + k)::text), '') FROM generate_series(1, 90) k) WHEN 4 THEN repeat('x', 5000)
		ELSE left(md5((i + salt)::text), pick(i, salt + 1, 30)) END
$$;
CREATE FUNCTION reason(i integer, round integer) RETURNS text IMMUTABLE LANGUAGE sql AS $$
	SELECT CASE pick(i, round, 8) WHEN 0 THEN NULL WHEN 1 THEN NULL WHEN 2 THEN 'as the last one' WHEN 3 THEN 'as the last one'
		WHEN 4 THEN 'as the last two' ELSE coalesce(words(i, round), 'none') END
$$;
CREATE FUNCTION actor(i integer, round integer) RETURNS text IMMUTABLE LANGUAGE sql AS $$
	SELECT CASE pick(i, round + 50, 5) WHEN 0 THEN 'ann' WHEN 1 THEN 'bob' WHEN 2 THEN 'somebody else' ELSE '' END
$$;
CREATE FUNCTION next(s text) RETURNS text IMMUTABLE LANGUAGE sql AS $$
	SELECT CASE s WHEN 'a' THEN 'b' WHEN 'b' THEN 'a long state' WHEN 'a long state' THEN '' ELSE 'a' END
$$;

-- lives(KEY TYPE, STATE TYPE, KEY OF ROW i): for each round of an UPDATE, how many rows moved, how many rows and history rows are wrong
CREATE FUNCTION lives(key_type text, state_type text, key text) RETURNS TABLE (moves bigint, changed_beside bigint, wrong_history bigint, verified bigint)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TABLE w (i integer, c1 "char", t1 text, key %s PRIMARY KEY, p1 point, s %s NOT NULL, b1 boolean, gone integer, n1 numeric, '
	               'a_at timestamptz, c2 "char", i2 smallint, t2 text, b_at timestamptz, f1 float8, u1 uuid, nm name)', key_type, state_type);
	IF key_type <> 'integer' THEN	-- a dropped column is NULL: rows without any are wanted too
		EXECUTE 'ALTER TABLE w DROP gone';
	END IF;
	PERFORM leadcrm.track('w', 's');
	EXECUTE 'ALTER TABLE w_s_history ADD extra text, ADD gone integer';
	EXECUTE 'ALTER TABLE w_s_history DROP gone';
	EXECUTE format('INSERT INTO w (i, c1, t1, key, p1, s, b1, n1, c2, i2, t2, f1, u1, nm) SELECT i, CASE WHEN pick(i, 1, 2) = 0 THEN ''c'' END, words(i, 2), %s, '
	               'CASE WHEN pick(i, 3, 3) > 0 THEN point(i, 1) END, (ARRAY[''a'', ''b''])[1 + pick(i, 4, 2)]::%s, CASE WHEN pick(i, 5, 3) > 0 THEN true END, '
	               'CASE WHEN pick(i, 6, 4) > 0 THEN pick(i, 7, 100000)::numeric ^ pick(i, 8, 9) END, CASE WHEN pick(i, 9, 2) = 0 THEN ''d'' END, '
	               'CASE WHEN pick(i, 10, 4) > 0 THEN i %% 100 END, words(i, 11), CASE WHEN pick(i, 12, 4) > 0 THEN i / 7.0 END, '
	               'CASE WHEN pick(i, 13, 3) > 0 THEN md5(i::text)::uuid END, CASE WHEN pick(i, 14, 5) > 0 THEN ''n'' || i END FROM generate_series(1, 300) i',
	               key, state_type);
	-- rows that were stored before these columns
	EXECUTE 'ALTER TABLE w ADD c3 "char" DEFAULT ''e'', ADD t3 text, ADD i3 smallint DEFAULT 3, ADD t4 text DEFAULT ''fast'', ADD d3 float8';
	FOR round IN 1..6 LOOP
		IF round = 2 THEN
			EXECUTE 'UPDATE w SET t3 = words(i, 20), d3 = i, i3 = NULL WHERE pick(i, 21, 2) = 0';
			EXECUTE 'UPDATE w SET c1 = ''c'', t1 = ''t'', p1 = ''(1,2)'', b1 = true, n1 = 1, c2 = ''d'', i2 = 2, t2 = ''u'', f1 = 3, u1 = md5(''u'')::uuid, nm = ''n'', '
			        't3 = ''v'', i3 = 5, d3 = 4 WHERE i <= 40';
			IF key_type = 'integer' THEN
				EXECUTE 'UPDATE w SET gone = i WHERE i <= 40';
			END IF;
		END IF;
		EXECUTE 'CREATE TABLE before AS SELECT * FROM w';
		EXECUTE format('UPDATE w SET s = next(s::text)::%1$s, s_reason = CASE WHEN set_config(''leadcrm.actor'', actor(i, $1), true) IS NOT NULL THEN reason(i, $1) END, '
		               'n1 = n1 + 1 WHERE pick(i, 30 + $1, 5) > 0', state_type) USING round;
		RETURN QUERY EXECUTE format($q$
			SELECT count(*) FILTER (WHERE w.s <> b.s),
			       count(*) FILTER (WHERE to_jsonb(w) - '{s,s_since,s_reason,s_seq,a_at,b_at,n1}'::text[] <> to_jsonb(b) - '{s,s_since,s_reason,s_seq,a_at,b_at,n1}'::text[]
			                        OR w.a_at IS DISTINCT FROM coalesce(b.a_at, CASE WHEN w.s::text = 'a' THEN w.s_since END)
			                        OR w.b_at IS DISTINCT FROM coalesce(b.b_at, CASE WHEN w.s::text = 'b' THEN w.s_since END)
			                        OR w.n1 IS DISTINCT FROM CASE WHEN w.s <> b.s THEN b.n1 + 1 ELSE b.n1 END
			                        OR w.s_seq <> b.s_seq + CASE WHEN w.s <> b.s THEN 1 ELSE 0 END
			                        OR (w.s <> b.s AND w.s_reason IS DISTINCT FROM reason(w.i, $1))),
			       count(*) FILTER (WHERE w.s <> b.s AND (h.key, h.from_state, h.to_state, h.since, h.changed_at, h.reason, h.actor, h.session_role, h.role, h.origin,
			                                              h.forced, h.corrects, h.extra)
			                        IS DISTINCT FROM (w.key, b.s, w.s, b.s_since, w.s_since, reason(w.i, $1), nullif(actor(w.i, $1), ''), session_user::text, current_user::text, 'change',
			                                          false, NULL::integer, NULL::text)),
			       (SELECT count(*) FROM leadcrm.verify('w'))
			FROM w JOIN before b USING (i) LEFT JOIN w_s_history h ON h.key = w.key AND h.seq = w.s_seq$q$) USING round;
		EXECUTE 'DROP TABLE before';
	END LOOP;
	EXECUTE 'DROP TABLE w, w_s_history, w_s_transition';
END
$$;
SELECT * FROM lives('integer', 'text', 'i');
SELECT * FROM lives('uuid', 'varchar(20)', 'md5(i::text)::uuid');
SELECT * FROM lives('text', 'text', $$repeat('k', i % 140) || i$$);
CREATE TYPE state AS ENUM ('', 'a', 'b', 'a long state');
SELECT * FROM lives('name', 'state', $$'k' || i$$);
SELECT * FROM lives('numeric', 'text', 'i / 8.0');

-- a backfill, whose births have fewer columns than its other steps, in between births that bring none
CREATE TABLE f (id bigint PRIMARY KEY, s state NOT NULL, a_at timestamptz, b_at timestamptz, t text);
SELECT leadcrm.track('f', 's');
INSERT INTO f (id, s, a_at, b_at, s_reason, t)
SELECT i, CASE WHEN i % 3 > 0 THEN 'b' ELSE 'a' END::state, CASE WHEN i % 3 = 1 THEN d END, CASE WHEN i % 3 > 0 THEN d + '1 day' END,
       CASE WHEN i % 5 = 0 THEN 'import ' || i % 2 END, repeat('t', i % 200)
FROM (SELECT i, timestamptz '2024-01-01' + i * interval '1 hour' AS d FROM generate_series(1, 2000) i) x;
SELECT count(*), count(*) FILTER (WHERE t <> repeat('t', id::integer % 200)) FROM f;
SELECT count(*), count(*) FILTER (WHERE (h.seq, h.from_state, h.to_state, h.since, h.changed_at, h.reason, h.origin)
	IS DISTINCT FROM (x.seq, x.from_state, x.to_state, x.since, x.at, x.reason, x.origin))
FROM f_s_history h FULL JOIN (
	SELECT f.id, v.seq, v.from_state, v.to_state, v.since, v.at, CASE WHEN v.last THEN f.s_reason END AS reason, v.origin
	FROM f CROSS JOIN LATERAL (VALUES
		(1, NULL::state, 'a'::state, NULL::timestamptz, f.a_at, 'backfill', false, 1), (2, 'a', 'b', f.a_at, f.b_at, 'backfill', true, 1),
		(1, NULL, 'b', NULL, f.b_at, 'backfill', true, 2), (1, NULL, 'a', NULL, f.s_since, 'birth', true, 0))
		v (seq, from_state, to_state, since, at, origin, last, kind) WHERE v.kind = f.id % 3) x USING (id, seq);
SELECT count(*) FROM leadcrm.verify('f');
DROP SCHEMA t_rows_stay_whole CASCADE;
