-- No change that the transitions do not allow is ever stored, by whatever path it comes.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_transitions_are_enforced CASCADE;
CREATE SCHEMA t_transitions_are_enforced;
SET search_path = t_transitions_are_enforced;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try
\pset format unaligned
\pset tuples_only on
\pset null (null)
CREATE TYPE stage AS ENUM ('new', 'talk', 'offer', 'won', 'lost');
CREATE TABLE lead (
	id integer PRIMARY KEY,
	name text,
	stage stage NOT NULL,
	stage_peak stage,
	new_at timestamptz, talk_at timestamptz, offer_at timestamptz, won_at timestamptz
);
SELECT leadcrm.track('lead', 'stage');
INSERT INTO lead_stage_transition (from_state, to_state, needs_reason) VALUES
	(NULL, 'new', false), (NULL, 'talk', true),
	('new', 'talk', false), ('talk', 'offer', false), ('offer', 'won', false),
	('talk', 'lost', true), ('offer', 'lost', true), ('lost', 'talk', true), ('offer', 'talk', true);

-- births
SELECT try($$INSERT INTO lead (id, stage) VALUES (1, 'won')$$, true);
SELECT try($$INSERT INTO lead (id, stage) VALUES (1, 'talk')$$, true);
SELECT try($$INSERT INTO lead (id, stage, stage_reason) VALUES (1, 'talk', E' \t\n')$$);
SELECT try($$INSERT INTO lead (id, stage, stage_reason) VALUES (1, 'talk', 'met at a fair')$$);
SELECT try($$INSERT INTO lead (id, stage) VALUES (2, 'new')$$);
SELECT try($$INSERT INTO lead (id, stage) VALUES (3, 'new'), (4, 'lost')$$);
SELECT id, stage, stage_reason, stage_seq, stage_peak FROM lead ORDER BY id;

-- moves
SELECT try($$UPDATE lead SET stage = 'won' WHERE id = 2$$, true);
SELECT try($$UPDATE lead SET stage = 'new' WHERE id = 1$$);
SELECT try($$UPDATE lead SET stage = 'lost' WHERE id = 1$$, true);
SELECT try($$UPDATE lead SET stage = 'lost', stage_reason = '' WHERE id = 1$$);
SELECT try($$UPDATE lead SET stage = 'lost', stage_reason = 'too dear' WHERE id = 1$$);
-- one row of several
SELECT try($$UPDATE lead SET stage = 'talk', stage_reason = 'again'$$);
SELECT try($$UPDATE lead SET stage = 'offer', stage_reason = 'again'$$);
SELECT id, stage, stage_reason, stage_seq, stage_peak FROM lead ORDER BY id;

-- a reason from before does not count, one that the statement names does, even the same words
UPDATE lead SET stage = 'lost', stage_reason = 'no budget' WHERE id = 1;
SELECT try($$UPDATE lead SET stage = 'talk' WHERE id = 1$$);
SELECT try($$UPDATE lead SET stage = 'talk', stage_reason = stage_reason WHERE id = 1$$);
SELECT stage, stage_reason FROM lead WHERE id = 1;
-- a change without one takes the old one away
UPDATE lead SET stage = 'offer' WHERE id = 1;
SELECT stage, stage_reason FROM lead WHERE id = 1;

-- a state that no rule names; one that the type does not know
SELECT try($$UPDATE lead SET stage = 'lead' WHERE id = 2$$);
DELETE FROM lead_stage_transition WHERE to_state = 'won';
SELECT try($$UPDATE lead SET stage = 'won' WHERE id = 1$$);
INSERT INTO lead_stage_transition (from_state, to_state) VALUES ('offer', 'won');

-- COPY
\set VERBOSITY sqlstate
COPY lead (id, stage) FROM stdin;
20	new
21	won
\.
\set VERBOSITY default
SELECT id FROM lead WHERE id >= 10;
COPY lead (id, stage) FROM stdin;
20	new
\.
-- ON CONFLICT
SELECT try($$INSERT INTO lead (id, stage) VALUES (20, 'new') ON CONFLICT (id) DO UPDATE SET stage = 'won'$$);
SELECT try($$INSERT INTO lead (id, stage) VALUES (20, 'won') ON CONFLICT (id) DO UPDATE SET stage = EXCLUDED.stage$$);
SELECT try($$INSERT INTO lead (id, stage) VALUES (20, 'won') ON CONFLICT DO NOTHING$$);
SELECT try($$INSERT INTO lead (id, stage) VALUES (21, 'won') ON CONFLICT DO NOTHING$$);
-- MERGE
SELECT try($$MERGE INTO lead l USING (VALUES (20, 'won'::stage)) s (id, stage) ON l.id = s.id
	WHEN MATCHED THEN UPDATE SET stage = s.stage WHEN NOT MATCHED THEN INSERT (id, stage) VALUES (s.id, s.stage)$$);
SELECT try($$MERGE INTO lead l USING (VALUES (22, 'won'::stage)) s (id, stage) ON l.id = s.id
	WHEN MATCHED THEN UPDATE SET stage = s.stage WHEN NOT MATCHED THEN INSERT (id, stage) VALUES (s.id, s.stage)$$);
-- a view, a rule, a prepared statement, a data-modifying WITH, a function
CREATE VIEW lead_view AS SELECT id, stage, stage_reason FROM lead;
SELECT try($$UPDATE lead_view SET stage = 'won' WHERE id = 20$$);
SELECT try($$INSERT INTO lead_view (id, stage) VALUES (23, 'won')$$);
CREATE TABLE inbox (id integer, stage stage);
CREATE RULE into_lead AS ON INSERT TO inbox DO INSTEAD INSERT INTO lead (id, stage) VALUES (NEW.id, NEW.stage);
SELECT try($$INSERT INTO inbox VALUES (23, 'won')$$);
PREPARE move AS UPDATE lead SET stage = $2 WHERE id = $1;
SELECT try($$EXECUTE move(20, 'won')$$);
SELECT try($$WITH m AS (UPDATE lead SET stage = 'won' WHERE id = 20 RETURNING id) SELECT count(*) FROM m$$);
CREATE FUNCTION win(lead_id integer) RETURNS void LANGUAGE sql SECURITY DEFINER AS
$$UPDATE t_transitions_are_enforced.lead SET stage = 'won' WHERE id = lead_id$$;
SELECT try($$SELECT win(20)$$);
-- a trigger that sorts before the guard
CREATE FUNCTION shortcut() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.name = 'shortcut' THEN NEW.stage := 'won'; END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER shortcut BEFORE INSERT OR UPDATE ON lead FOR EACH ROW EXECUTE FUNCTION shortcut();
SELECT try($$UPDATE lead SET name = 'shortcut' WHERE id = 20$$);
SELECT try($$INSERT INTO lead (id, name, stage) VALUES (24, 'shortcut', 'new')$$);
DROP TRIGGER shortcut ON lead;

-- times
SELECT try($$UPDATE lead SET stage = 'talk', stage_since = stage_since - interval '1 microsecond' WHERE id = 20$$, true);
SELECT try($$UPDATE lead SET stage = 'talk', stage_since = clock_timestamp() + interval '75 seconds' WHERE id = 20$$, true);
SELECT try($$UPDATE lead SET stage = 'talk', stage_since = 'infinity' WHERE id = 20$$);
SELECT try($$UPDATE lead SET stage = 'talk', stage_since = '-infinity' WHERE id = 20$$);
SELECT try($$INSERT INTO lead (id, stage, stage_since) VALUES (25, 'new', 'infinity')$$);
SELECT try($$INSERT INTO lead (id, stage, stage_since) VALUES (25, 'new', '-infinity')$$);
SELECT try($$INSERT INTO lead (id, stage, stage_since) VALUES (25, 'new', clock_timestamp() + interval '75 seconds')$$);
SELECT try($$INSERT INTO lead (id, stage, stage_since) VALUES (25, 'new', clock_timestamp() + interval '50 seconds')$$);
-- now() lies before the present state, which began by the clock; that is no reason to fail when no time is given
SELECT try($$UPDATE lead SET stage = 'talk' WHERE id = 25$$);
SELECT count(*) FROM lead_stage_history WHERE id = 25 AND seq = 2 AND changed_at = since;
SELECT try($$UPDATE lead SET stage = 'talk', stage_since = clock_timestamp() + interval '50 seconds' WHERE id = 20$$);
INSERT INTO lead (id, stage, stage_since) VALUES (26, 'new', '2020-01-01 00:00:00+00');
SELECT try($$UPDATE lead SET stage = 'talk', stage_since = '2019-12-31' WHERE id = 26$$);
SELECT try($$UPDATE lead SET stage = 'talk', stage_since = '2020-02-01' WHERE id = 26$$);
SELECT try($$UPDATE lead SET stage = 'offer', stage_since = NULL WHERE id = 26$$);
SELECT seq, from_state, to_state, since, CASE WHEN seq < 3 THEN changed_at END FROM lead_stage_history WHERE id = 26 ORDER BY seq;

-- the state may not be NULL, the key may not change
SELECT try($$UPDATE lead SET stage = NULL WHERE id = 20$$, true);
SELECT try($$INSERT INTO lead (id) VALUES (30)$$);
SELECT try($$UPDATE lead SET id = 200 WHERE id = 20$$, true);
SELECT try($$UPDATE lead SET id = id$$);

-- nothing of all that was refused is in the table or its history
SELECT id, stage, stage_seq FROM lead WHERE id >= 10 ORDER BY id;
SELECT id, seq, from_state, to_state, origin, forced FROM lead_stage_history WHERE id >= 10 ORDER BY id, seq;
-- where a row may go
SELECT * FROM leadcrm.next_states('lead', 'stage', 'talk');
SELECT * FROM leadcrm.next_states('lead', 'stage', NULL);
SELECT * FROM leadcrm.next_states('lead', 'stage', 'won');
SELECT try($$SELECT * FROM leadcrm.next_states('lead', 'stage', 'Won')$$, true);
SELECT try($$SELECT * FROM leadcrm.next_states('lead', 'name', 'won')$$);

DROP SCHEMA t_transitions_are_enforced CASCADE;
