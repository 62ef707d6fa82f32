-- funnel_at: what was seen at T is told at any later time, whatever was imported, reported late, corrected, deleted or born
-- again since; and at any two instants it is what a replay of the histories, row by row, says. By hand; bad input.
\ir include/random_companies.sql

SELECT plan(61);

CREATE FUNCTION t.seen(happened timestamptz, known timestamptz DEFAULT 'infinity') RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', stage, entered, 'on', advanced, 'active', active, 'stalled', stalled, 'returned', returned, 'leaked', leaked),
		', ' ORDER BY position) FROM crm.funnel_at(happened, known) WHERE entered > 0
$$;

CREATE FUNCTION t.saw() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', stage, entered, 'on', advanced, 'active', active, 'stalled', stalled, 'returned', returned, 'leaked', leaked),
		', ' ORDER BY position) FROM crm.funnel_leak WHERE entered > 0
$$;

-- a life by hand, each row written at another time than it happened
CREATE TABLE t.instant (name text PRIMARY KEY, at timestamptz);
CREATE FUNCTION t.note(name text) RETURNS void LANGUAGE sql AS $$INSERT INTO t.instant VALUES (name, clock_timestamp())$$;
CREATE FUNCTION t.at(name text) RETURNS timestamptz STABLE LANGUAGE sql AS $$SELECT i.at FROM t.instant i WHERE i.name = at.name$$;
SELECT is(seen(now(), now()), NULL, 'nobody: no stage was entered');
SELECT is((SELECT count(*) FROM crm.funnel_at(now(), now())), 5::bigint, 'but all stages are there');
DO $$
DECLARE
	id bigint;
BEGIN
	PERFORM t.note('before');
	INSERT INTO crm.lead (external_id, stage, lead_at, mql_at, status_since)
	VALUES ('x', 'mql', now() - interval '50 days', now() - interval '40 days', now() - interval '40 days') RETURNING lead_id INTO id;
	PERFORM t.note('imported');
	UPDATE crm.lead SET stage = 'sql', stage_since = now() - interval '38 days' WHERE lead_id = id;
	PERFORM t.note('reported late');
	PERFORM leadcrm.correct('crm.lead', 'stage', id::text, 'wrong lead');
	PERFORM t.note('corrected');
	UPDATE crm.lead SET status = 'lost', status_since = now() - interval '37 days' WHERE lead_id = id;
	PERFORM t.note('closed late');
	UPDATE crm.lead SET status = 'open' WHERE lead_id = id;
	PERFORM t.note('opened again');
	DELETE FROM crm.lead WHERE lead_id = id;
	PERFORM t.note('deleted');
	INSERT INTO crm.lead (lead_id, stage) VALUES (id, 'sql');
	PERFORM t.note('born again');
END $$;
SELECT is(seen(t.at('before')), 'lead 1 on 1 active 0 stalled 0 returned 0 leaked 0, mql 1 on 0 active 0 stalled 0 returned 0 leaked 1',
	'as is known today it was there before it was stored, and closed');
SELECT is(seen(t.at('before'), t.at('before')), NULL, 'not imported yet');
SELECT is(seen(now() - interval '45 days', t.at('imported')), 'lead 1 on 0 active 1 stalled 0 returned 0 leaked 0', 'imported: it was a lead 45 days ago');
SELECT is(seen(t.at('imported'), t.at('imported')), 'lead 1 on 1 active 0 stalled 0 returned 0 leaked 0, mql 1 on 0 active 0 stalled 1 returned 0 leaked 0',
	'an mql, for 40 days');
SELECT is(seen(t.at('imported'), t.at('reported late')), 'lead 1 on 1 active 0 stalled 0 returned 0 leaked 0, mql 1 on 1 active 0 stalled 0 returned 0 leaked 0, '
	'sql 1 on 0 active 0 stalled 1 returned 0 leaked 0', 'what was reported later had happened before');
SELECT is(seen(now() - interval '39 days', t.at('reported late')), 'lead 1 on 1 active 0 stalled 0 returned 0 leaked 0, mql 1 on 0 active 1 stalled 0 returned 0 leaked 0',
	'but not 39 days ago; then it had been an mql for a day');
SELECT is(seen(t.at('imported'), t.at('corrected')), seen(t.at('imported'), t.at('imported')), 'a correction voids it');
SELECT is(seen(now() - interval '36 days', t.at('closed late')), 'lead 1 on 1 active 0 stalled 0 returned 0 leaked 0, mql 1 on 0 active 0 stalled 0 returned 0 leaked 1', 'closed');
SELECT is(seen(now() - interval '37 days 1 second', t.at('closed late')), 'lead 1 on 1 active 0 stalled 0 returned 0 leaked 0, mql 1 on 0 active 1 stalled 0 returned 0 leaked 0',
	'and a second before');
SELECT is(seen(t.at('opened again'), t.at('opened again')), seen(t.at('imported'), t.at('imported')), 'open again');
SELECT is(seen(t.at('deleted'), t.at('deleted')), NULL, 'deleted');
SELECT is(seen(t.at('opened again'), t.at('deleted')), seen(t.at('opened again'), t.at('opened again')), 'deleted later');
SELECT is(seen(t.at('born again'), t.at('born again')), 'lead 1 on 1 active 0 stalled 0 returned 0 leaked 0, mql 1 on 1 active 0 stalled 0 returned 0 leaked 0, '
	'sql 1 on 0 active 1 stalled 0 returned 0 leaked 0', 'a new life of the same key');
SELECT is((SELECT array_agg(joined_later ORDER BY position) FROM crm.funnel_at(t.at('born again'), t.at('born again'))), '{1,1,0,0,0}'::bigint[],
	'in which it joined later');
SELECT is(seen(now(), now()), seen(t.at('born again')), 'now() is all that the transaction sees');

-- leads without history
SET leadcrm.enforcement = off;
INSERT INTO crm.lead (external_id, stage, stage_since, stage_seq, stage_peak, status, status_category, status_since, lead_at, mql_at)
VALUES ('old', 'lead', now() - interval '10 days', 0, 'mql', 'lost', 'closed', now() - interval '5 days', now() - interval '30 days', now() - interval '20 days');
SET leadcrm.enforcement = strict;
UPDATE crm.lead SET excluded_as = 'test' WHERE external_id IS DISTINCT FROM 'old';
SELECT is(seen(now(), now()), 'lead 1 on 1 active 0 stalled 0 returned 0 leaked 0, mql 1 on 0 active 0 stalled 0 returned 0 leaked 1', 'without history: what the row says');
SELECT is(seen(now() - interval '7 days'), 'lead 1 on 1 active 0 stalled 0 returned 0 leaked 0, mql 1 on 0 active 0 stalled 0 returned 1 leaked 0', 'and when');
UPDATE crm.lead SET stage = 'mql' WHERE external_id = 'old';
SELECT is(seen(now() - interval '7 days'), 'lead 1 on 1 active 0 stalled 0 returned 0 leaked 0, mql 1 on 0 active 0 stalled 0 returned 1 leaked 0', 'also after its first change');
UPDATE crm.lead SET excluded_as = 'test';

-- a time up to a minute ahead: the funnel has it from when it was written down
SELECT crm.rebuild_cubes() \g /dev/null
-- (the lead of enforcement = off was not counted)
SELECT t.note('before it came');
INSERT INTO crm.lead (external_id, stage, stage_since) VALUES ('ahead', 'lead', clock_timestamp() + interval '40 seconds');
SELECT t.note('came');
SELECT is(t.saw(), 'lead 1 on 0 active 1 stalled 0 returned 0 leaked 0', 'funnel_leak has a lead whose time lies ahead');
SELECT is(seen(t.at('came'), t.at('came')), 'lead 1 on 0 active 1 stalled 0 returned 0 leaked 0', 'so has the funnel of that instant');
SELECT is(seen(t.at('came')), 'lead 1 on 0 active 1 stalled 0 returned 0 leaked 0', 'as it is known now');
SELECT is(seen(t.at('before it came')), NULL, 'but not before it was written down');
UPDATE crm.lead SET status = 'lost', status_reason = 'no_budget', status_since = clock_timestamp() + interval '50 seconds' WHERE external_id = 'ahead';
SELECT t.note('closed ahead');
SELECT is(seen(t.at('closed ahead'), t.at('closed ahead')), 'lead 1 on 0 active 0 stalled 0 returned 0 leaked 1', 'a status too');
DELETE FROM crm.lead WHERE external_id = 'ahead';
SELECT t.note('went');
SELECT is(seen(t.at('went'), t.at('went')), NULL, 'and its end');

-- leadcrm.enforcement = log: what no rule allows is told as well
INSERT INTO crm.lead (external_id, stage, stage_since) VALUES ('edited', 'mql', now() - interval '200 days');
SELECT is(seen(now(), now()), 'lead 1 on 1 active 0 stalled 0 returned 0 leaked 0, mql 1 on 0 active 0 stalled 1 returned 0 leaked 0', 'stalled');
SELECT t.note('before the edit');
SET leadcrm.enforcement = log;
SET client_min_messages = error;
UPDATE crm.lead SET stage_since = now() - interval '1 day' WHERE external_id = 'edited';
RESET client_min_messages;
SET leadcrm.enforcement = strict;
SELECT t.note('edited');
SELECT is(t.saw(), 'lead 1 on 1 active 0 stalled 0 returned 0 leaked 0, mql 1 on 0 active 1 stalled 0 returned 0 leaked 0', 'edited by hand: active');
SELECT is(seen(now(), now()), t.saw(), 'the history agrees');
SELECT is(seen(t.at('edited'), t.at('edited')), t.saw(), 'at that instant too');
SELECT matches(seen(t.at('before the edit'), t.at('before the edit')), 'mql 1 on 0 active 0 stalled 1 ', 'and knows what was before');
SELECT results_eq('SELECT from_state::text, to_state::text, forced FROM crm.stage_history h JOIN crm.lead l USING (lead_id) WHERE l.external_id = ''edited'' AND seq = 2',
	$$VALUES ('mql', 'mql', true)$$, 'by a forced row');
SELECT is((SELECT count(*) FROM leadcrm.verify('crm.lead') v WHERE v.key = (SELECT lead_id::text FROM crm.lead WHERE external_id = 'edited')), 0::bigint,
	'so that verify() has nothing to say');
UPDATE crm.lead SET excluded_as = 'test';

-- bad input
SELECT matches(t.error('SELECT * FROM crm.funnel_at(NULL, now())'), '^22004: happened_until is NULL', 'NULL');
SELECT matches(t.error('SELECT * FROM crm.funnel_at(now(), NULL)'), '^22004: known_until is NULL', 'NULL as well');
SELECT matches(t.error('SELECT * FROM crm.funnel_at(''-infinity'', now())'), '^22023: happened_until is -infinity', 'not finite');
SELECT matches(t.error('SELECT * FROM crm.funnel_at(''infinity'', ''infinity'')'), '^22023: happened_until is infinity', 'nor this');
SELECT is(t.error('SELECT * FROM crm.funnel_at(''2026-02-01'', ''2026-01-01'')'), E'22023: known_until 2026-01-01 00:00:00+00 lies before '
	'happened_until 2026-02-01 00:00:00+00\nDETAIL: Nothing can be known before it happens.\n'
	'HINT: Give the same instant twice for the funnel as it was seen then.', 'the wrong way round');
SELECT matches(t.error('SELECT * FROM crm.funnel_at(''2199-02-01'')'), '^22023: happened_until lies in the future: 2199-02-01 00:00:00', 'the future');

-- replay(T, K): raw_lead and raw_stamp as they were, one history row after the other
CREATE FUNCTION t.replay(happened timestamptz, known timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	k record;
	h record;
	place int; since timestamptz; top int; at_peak int; closed boolean; alive boolean;
	x crm.lead;
BEGIN
	TRUNCATE t.raw_lead, t.raw_stamp;
	FOR k IN SELECT DISTINCT lead_id FROM crm.stage_history LOOP
		alive := false; closed := false;
		FOR h IN SELECT s.*, g.position FROM crm.stage_history s LEFT JOIN crm.stage g ON g.stage = s.to_state WHERE s.lead_id = k.lead_id ORDER BY seq LOOP
			CONTINUE WHEN h.recorded_at > known OR least(h.changed_at, h.recorded_at) > happened OR h.origin = 'correction'
				OR h.seq IN (SELECT c.corrects FROM crm.stage_history c WHERE c.lead_id = k.lead_id AND c.recorded_at <= known AND c.corrects IS NOT NULL);
			IF h.origin = 'delete' THEN
				alive := false; top := NULL;
				DELETE FROM t.raw_stamp WHERE lead_id = k.lead_id;
				CONTINUE;
			END IF;
			alive := true; place := h.position; since := h.changed_at; top := greatest(top, place);
			INSERT INTO t.raw_stamp VALUES (k.lead_id, place, h.changed_at) ON CONFLICT DO NOTHING;
		END LOOP;
		SELECT * INTO x FROM crm.lead WHERE lead_id = k.lead_id;
		IF NOT alive OR x.excluded_as IS NOT NULL THEN
			DELETE FROM t.raw_stamp WHERE lead_id = k.lead_id;
			top := NULL;
			CONTINUE;
		END IF;
		FOR h IN SELECT s.*, g.category FROM crm.status_history s LEFT JOIN crm.lead_status g ON g.code = s.to_state WHERE s.lead_id = k.lead_id ORDER BY seq LOOP
			CONTINUE WHEN h.recorded_at > known OR least(h.changed_at, h.recorded_at) > happened OR h.origin = 'correction'
				OR h.seq IN (SELECT c.corrects FROM crm.status_history c WHERE c.lead_id = k.lead_id AND c.recorded_at <= known AND c.corrects IS NOT NULL);
			closed := coalesce(h.category = 'closed', false);
		END LOOP;
		SELECT max(s.position) INTO at_peak FROM crm.stage s WHERE s.in_funnel AND s.position <= top;
		INSERT INTO t.raw_lead (lead_id, channel, value, peak, outcome) VALUES (k.lead_id, x.channel, x.value, at_peak,
			CASE WHEN closed THEN 'leaked' WHEN place < at_peak THEN 'returned'
				WHEN extract(epoch FROM happened - since) > (SELECT extract(epoch FROM s.stuck_after) FROM crm.stage s WHERE s.position = place) THEN 'stalled'
				ELSE 'active' END);
		top := NULL;
	END LOOP;
END
$$;

-- differs(VIEW, T, K): where funnel_at(T, K) is not what was saved as VIEW
CREATE FUNCTION t.differs(saved text, happened timestamptz, known timestamptz, VARIADIC without text[] DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(format('%s, %s, %s: position %s, %s: now %s, then %s', saved, happened, known, coalesce(f.position, s.position),
		coalesce(f.col, s.col), f.val, s.val), E'\n'), '')
	FROM (SELECT r.position, j.key AS col, j.value AS val FROM crm.funnel_at(happened, known) r, jsonb_each_text(to_jsonb(r)) j) f
	FULL JOIN (SELECT * FROM t.slow WHERE view = saved) s ON s.position = f.position AND s.col = f.col
	WHERE NOT coalesce(t.same(f.val, s.val), false) AND NOT (f.val IS NULL AND s.val IS NULL AND f.position IS NOT NULL AND s.position IS NOT NULL)
		AND coalesce(f.col, s.col) <> ALL (without)
$$;

-- what happens after T: late reports, corrections, closings, deletions, births of the same keys, imports
CREATE FUNCTION t.go_on() RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	l crm.lead;
	id bigint;
	done jsonb := '{"late": 0, "corrected": 0, "closed": 0, "deleted": 0, "again": 0, "imported": 0, "status corrected": 0}';
	what text;
	target leadcrm.lifecycle_stage;
BEGIN
	FOR l IN SELECT * FROM crm.lead WHERE excluded_as IS NULL ORDER BY random() LIMIT 80 LOOP
		what := t.pick('late', 'corrected', 'closed', 'deleted', 'again', 'status corrected');
		BEGIN
			IF what = 'late' THEN
				SELECT x.to_state INTO STRICT target FROM crm.stage_transition x WHERE x.from_state = l.stage ORDER BY random() LIMIT 1;
				UPDATE crm.lead SET stage = target, stage_reason = 'late', stage_since = l.stage_since + random() * (now() - l.stage_since) WHERE lead_id = l.lead_id;
			ELSIF what = 'corrected' THEN
				PERFORM leadcrm.correct('crm.lead', 'stage', l.lead_id::text, 'wrong click');
			ELSIF what = 'status corrected' THEN
				PERFORM leadcrm.correct('crm.lead', 'status', l.lead_id::text, 'wrong click');
			ELSIF what = 'closed' THEN
				UPDATE crm.lead SET status = CASE WHEN status = 'lost' THEN 'open' ELSE 'lost' END,
					status_since = l.status_since + random() * (clock_timestamp() - l.status_since) WHERE lead_id = l.lead_id;
			ELSE
				DELETE FROM crm.customer WHERE lead_id = l.lead_id;
				DELETE FROM crm.lead WHERE lead_id = l.lead_id;
				IF what = 'again' THEN
					INSERT INTO crm.lead (lead_id, channel, stage, lead_at, mql_at) VALUES (l.lead_id, l.channel, 'mql', now() - interval '100 days', now() - random() * interval '90 days');
				END IF;
			END IF;
			done := done || jsonb_build_object(what, (done ->> what)::int + 1);
		EXCEPTION WHEN OTHERS THEN
			NULL;	-- nothing to correct, no such step
		END;
	END LOOP;
	INSERT INTO crm.lead (channel, stage, lead_at, mql_at, sql_at, status, status_since)
	SELECT 'email', 'sql', now() - interval '200 days', now() - random() * interval '190 days', now() - random() * interval '150 days',
		CASE WHEN random() < 0.3 THEN 'lost' END, now() - random() * interval '90 days'
	FROM generate_series(1, 20);
	RETURN done || '{"imported": 20}';
END
$$;
-- clocks that are ahead of the server's, as far as is accepted: births, moves, closings
CREATE FUNCTION t.clocks_ahead() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	l record;
BEGIN
	INSERT INTO crm.lead (channel, stage, stage_since) SELECT 'email', 'lead', clock_timestamp() + interval '40 seconds' FROM generate_series(1, 4);
	FOR l IN SELECT x.lead_id, n.to_state FROM crm.lead x CROSS JOIN LATERAL (SELECT t.to_state FROM crm.stage_transition t
		WHERE t.from_state = x.stage ORDER BY random() LIMIT 1) n WHERE x.excluded_as IS NULL ORDER BY random() LIMIT 8
	LOOP
		UPDATE crm.lead SET stage = l.to_state, stage_reason = 'ahead', stage_since = clock_timestamp() + interval '50 seconds' WHERE lead_id = l.lead_id;
	END LOOP;
	UPDATE crm.lead SET status = 'lost', status_reason = 'ahead', status_since = clock_timestamp() + interval '50 seconds'
	WHERE lead_id IN (SELECT x.lead_id FROM crm.lead x WHERE x.status <> 'lost' AND x.excluded_as IS NULL
		AND x.stage = ANY (SELECT unnest(s.stages) FROM crm.lead_status s WHERE s.code = 'lost') ORDER BY random() LIMIT 6);
END
$$;
CREATE TABLE t.met (what text, n int);
CREATE FUNCTION t.check_seed(seed int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	wrong text := '';
	done jsonb;
	known timestamptz;
	again timestamptz;
	instant timestamptz;
BEGIN
	BEGIN
		PERFORM t.make_company(seed);
		PERFORM t.clocks_ahead();
		-- as the lead rows show it
		PERFORM t.load_raw();
		PERFORM t.slow_set('now', '', ARRAY(SELECT lead_id FROM t.raw_lead));
		known := clock_timestamp();
		wrong := wrong || t.differs('now', now(), now()) || t.differs('now', known, known);
		done := t.go_on();
		again := clock_timestamp();
		-- the same later; what a deleted lead was worth is gone, and with its channel a reference may be
		wrong := wrong || t.differs('now', known, known, VARIADIC '{lost_value,value_known_pct}'::text[] || CASE WHEN (SELECT count(target_conversion_pct) FROM crm.stage
			WHERE in_funnel AND position < (SELECT max(position) FROM crm.stage WHERE in_funnel)) < (SELECT count(*) - 1 FROM crm.stage WHERE in_funnel)
			THEN '{reference_pct,recoverable_customers,is_bottleneck}'::text[] ELSE '{}' END);
		PERFORM t.load_raw();
		PERFORM t.slow_set('later', '', ARRAY(SELECT lead_id FROM t.raw_lead));
		wrong := wrong || t.differs('later', now(), now());
		done := done || jsonb_build_object('changed', (SELECT count(*) FROM t.slow a JOIN t.slow b USING (position, col)
			WHERE a.view = 'now' AND b.view = 'later' AND a.val IS DISTINCT FROM b.val));
		-- any instants, by replay
		FOR instant, known IN SELECT known, known UNION ALL SELECT now() - random() * interval '200 days', x.k FROM (VALUES (known), (again), (known), (again)) x (k) LOOP
			DELETE FROM t.slow WHERE view = 'replay';
			PERFORM t.replay(instant, known);
			PERFORM t.slow_set('replay', '', ARRAY(SELECT lead_id FROM t.raw_lead));
			wrong := wrong || t.differs('replay', instant, known);
		END LOOP;
		RAISE EXCEPTION 'undo' USING ERRCODE = 'P0099';
	EXCEPTION WHEN SQLSTATE 'P0099' THEN
		INSERT INTO t.met SELECT key, value::int FROM jsonb_each_text(done);
		RETURN left(wrong, 2000);
	END;
END
$$;
SELECT is(check_seed(seed), '', 'seed ' || seed) FROM generate_series(1, 20) seed;
SELECT is((SELECT string_agg(what, ', ') FROM (SELECT what FROM t.met GROUP BY what HAVING sum(n) = 0) x), NULL, 'all of it happened');
SELECT is((SELECT count(DISTINCT what) FROM t.met), 8::bigint, 'and was counted');

SELECT * FROM finish();
ROLLBACK;
