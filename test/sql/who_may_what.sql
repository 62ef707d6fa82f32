-- Who may what: nobody writes where he may not, learns what he may not see, or borrows somebody else's rights.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_who_may_what CASCADE;
CREATE SCHEMA t_who_may_what;
SET search_path = t_who_may_what;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try
\pset format unaligned
\pset tuples_only on
\pset null (null)
CREATE ROLE regress_leadcrm_owner;
CREATE ROLE regress_leadcrm_clerk;
CREATE ROLE regress_leadcrm_evil;
GRANT USAGE, CREATE ON SCHEMA t_who_may_what TO regress_leadcrm_owner, regress_leadcrm_evil;
GRANT USAGE ON SCHEMA t_who_may_what TO regress_leadcrm_clerk;
SET ROLE regress_leadcrm_owner;
CREATE TYPE stage AS ENUM ('new', 'talk', 'won');
CREATE TABLE lead (id integer PRIMARY KEY, name text, stage stage NOT NULL, stage_peak stage, talk_at timestamptz);
SELECT leadcrm.track('lead', 'stage');
INSERT INTO lead_stage_transition (from_state, to_state, needs_reason) VALUES (NULL, 'new', false), ('new', 'talk', false), ('talk', 'won', true);
INSERT INTO lead (id, stage) VALUES (4711, 'new'), (4712, 'new');
UPDATE lead SET stage = 'talk' WHERE id = 4712;
-- all that it made is its owner's, and nobody else's
SELECT relname, pg_get_userbyid(relowner), relacl FROM pg_class WHERE relnamespace = 't_who_may_what'::regnamespace AND relname ~ '^lead' AND relkind = 'r' ORDER BY 1;

-- a role with rights on the table alone: rules and history are read and written all the same
RESET ROLE;
GRANT SELECT, INSERT, UPDATE, DELETE ON lead TO regress_leadcrm_clerk;
SET ROLE regress_leadcrm_clerk;
SELECT try($$SELECT * FROM lead_stage_history$$);
SELECT try($$SELECT * FROM lead_stage_transition$$);
SELECT try($$INSERT INTO lead (id, stage) VALUES (1, 'new')$$);
SELECT try($$UPDATE lead SET stage = 'talk' WHERE id = 1$$);
SELECT try($$UPDATE lead SET stage = 'new' WHERE id = 1$$, true);
SELECT try($$SELECT leadcrm.correct('lead', 'stage', '1', 'x')$$);
SELECT try($$DELETE FROM lead WHERE id = 1$$);
SELECT try($$TRUNCATE lead$$);
RESET ROLE;
SELECT seq, origin, role, session_role = session_user FROM lead_stage_history WHERE id = 1 ORDER BY seq;
-- not even rights on the history let him write it
GRANT ALL ON lead, lead_stage_history TO regress_leadcrm_clerk;
SET ROLE regress_leadcrm_clerk;
SELECT try($$INSERT INTO lead_stage_history SELECT 4711, 2, from_state, 'won', since, changed_at, reason, actor, session_role, role, origin, forced, corrects, recorded_at
	FROM lead_stage_history WHERE id = 4711$$);
SELECT try($$UPDATE lead_stage_history SET role = 'somebody'$$);
SELECT try($$DELETE FROM lead_stage_history$$);
SELECT try($$TRUNCATE lead_stage_history$$);
SELECT try($$TRUNCATE lead$$);
SELECT try($$ALTER TABLE lead DISABLE TRIGGER "~leadcrm_guard_stage"$$);
RESET ROLE;
REVOKE ALL ON lead, lead_stage_history FROM regress_leadcrm_clerk;

-- who may not read learns nothing from errors
GRANT INSERT, UPDATE ON lead TO regress_leadcrm_clerk;
SET ROLE regress_leadcrm_clerk;
SELECT try($$UPDATE lead SET stage = 'won'$$, true);
SELECT try($$UPDATE lead SET stage = 'won', stage_reason = 'x'$$, true);
SELECT try($$UPDATE lead SET stage = 'new'$$, true);
SELECT try($$UPDATE lead SET stage_seq = 9$$, true);
SELECT try($$UPDATE lead SET stage = 'talk', stage_since = '2001-01-01'$$, true);
SELECT try($$UPDATE lead SET id = 1$$, true);
SELECT try($$INSERT INTO lead (id, stage) VALUES (1, 'won')$$, true);
SELECT try($$SELECT leadcrm.correct('lead', 'stage', '4711', 'x')$$);
RESET ROLE;
-- rights on the key alone, then on both columns
GRANT SELECT (id) ON lead TO regress_leadcrm_clerk;
SET ROLE regress_leadcrm_clerk;
SELECT try($$UPDATE lead SET stage = 'won' WHERE id = 4711$$, true);
RESET ROLE;
GRANT SELECT (stage) ON lead TO regress_leadcrm_clerk;
SET ROLE regress_leadcrm_clerk;
SELECT try($$UPDATE lead SET stage = 'won' WHERE id = 4711$$, true);
RESET ROLE;
REVOKE ALL ON lead FROM regress_leadcrm_clerk;
-- row security: rows that one does not see are not told of, nor corrected
GRANT SELECT, UPDATE ON lead TO regress_leadcrm_clerk;
ALTER TABLE lead ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON lead USING (id = 4711);
SET ROLE regress_leadcrm_clerk;
SELECT try($$UPDATE lead SET stage = 'won' WHERE id = 4711$$, true);
SELECT try($$SELECT leadcrm.correct('lead', 'stage', '4712', 'x')$$, true);
SELECT try($$UPDATE lead SET stage = 'talk'$$);
SELECT try($$SELECT leadcrm.correct('lead', 'stage', '4711', 'x')$$);
RESET ROLE;
-- a policy that lets one change more than one sees
CREATE POLICY changeable ON lead FOR UPDATE USING (true) WITH CHECK (true);
ALTER POLICY visible ON lead USING (id = -1);
SET ROLE regress_leadcrm_clerk;
SELECT try($$UPDATE lead SET stage = 'won'$$, true);
SELECT try($$UPDATE lead SET stage = 'new'$$, true);
RESET ROLE;
DROP POLICY changeable ON lead;
ALTER TABLE lead DISABLE ROW LEVEL SECURITY;
SELECT id, stage, stage_seq FROM lead ORDER BY id;

-- the owner's functions work for others with his rights; the history says who
SET ROLE regress_leadcrm_owner;
CREATE FUNCTION talk_to(lead_id integer) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = t_who_may_what, pg_temp AS
$$UPDATE lead SET stage = 'talk' WHERE id = lead_id$$;
SET ROLE regress_leadcrm_evil;
SET leadcrm.actor = 'regress_leadcrm_owner';
SELECT talk_to(4711);
RESET leadcrm.actor;
RESET ROLE;
SELECT to_state, actor, role, session_role = session_user FROM lead_stage_history WHERE id = 4711 ORDER BY seq DESC LIMIT 1;

-- a role that gets another name
ALTER ROLE regress_leadcrm_clerk RENAME TO regress_leadcrm_clark;
SET ROLE regress_leadcrm_clark;
SELECT try($$UPDATE lead SET stage = 'won', stage_reason = 'x' WHERE id = 4712$$);
RESET ROLE;
ALTER ROLE regress_leadcrm_clark RENAME TO regress_leadcrm_clerk;
SELECT to_state, role FROM lead_stage_history WHERE id = 4712 ORDER BY seq DESC LIMIT 1;
SELECT leadcrm.correct('lead', 'stage', '4712', 'x');

-- somebody else's table
SET ROLE regress_leadcrm_evil;
SELECT try($$SELECT leadcrm.track('lead', 'name')$$, true);
SELECT try($$SELECT leadcrm.untrack('lead', 'stage')$$, true);
SELECT try($$SELECT leadcrm.retrack('lead', 'stage')$$);
SELECT try($$SELECT * FROM leadcrm.repair('lead', false)$$);
SELECT try($$SELECT leadcrm.correct('lead', 'stage', '4711', 'x')$$);
SELECT try($$SELECT leadcrm.apply_repair('lead', 'DELETE FROM lead_stage_history')$$);
SELECT try($$SELECT leadcrm.wire('lead', 'stage', 'id', 'lead_stage_transition', 'lead_stage_history')$$);
SELECT try($$SELECT leadcrm.add_companions('lead', 'name')$$);
-- the words are PostgreSQL's, and others since 16
SELECT left(try($$SELECT leadcrm.create_history('lead', 'name', 'id')$$), 5);
SELECT left(try($$SELECT leadcrm.create_transitions('lead', 'name')$$), 5);
SELECT try($$SELECT leadcrm.next_states('lead', 'stage', 'new')$$);
SELECT try($$CREATE TRIGGER t BEFORE INSERT ON lead FOR EACH ROW EXECUTE FUNCTION leadcrm.guard('stage', 'id', 'x', 'y')$$);
SELECT relname FROM pg_class WHERE relnamespace = 't_who_may_what'::regnamespace AND relname ~ 'lead_name';
-- his own table with somebody else's history or rules
CREATE TABLE mine (id integer PRIMARY KEY, stage stage NOT NULL);
SELECT try($$SELECT leadcrm.track('mine', 'stage', history => 'lead_stage_history')$$, true);
SELECT try($$SELECT leadcrm.track('mine', 'stage', transitions => 'lead_stage_transition')$$, true);
SELECT leadcrm.track('mine', 'stage');
INSERT INTO mine VALUES (4711, 'new');
CREATE TABLE trap (id integer PRIMARY KEY, stage stage NOT NULL, stage_since timestamptz, stage_reason text, stage_seq integer);
CREATE TRIGGER b BEFORE INSERT OR UPDATE ON trap FOR EACH ROW EXECUTE FUNCTION leadcrm.guard('stage', 'id', 'mine_stage_transition', 'lead_stage_history');
CREATE TRIGGER a AFTER INSERT OR UPDATE OR DELETE ON trap FOR EACH ROW EXECUTE FUNCTION leadcrm.record('stage', 'id', 'mine_stage_transition', 'lead_stage_history');
SELECT try($$INSERT INTO trap VALUES (4711, 'won')$$, true);
DROP TRIGGER b ON trap;
SELECT try($$INSERT INTO trap VALUES (4711, 'won', now(), 'forged', 3)$$);
DROP TRIGGER a ON trap;
CREATE TRIGGER a AFTER INSERT OR UPDATE OR DELETE ON trap FOR EACH ROW EXECUTE FUNCTION leadcrm.record('stage', 'id', 'lead_stage_transition', 'mine_stage_history');
SELECT try($$INSERT INTO trap VALUES (4711, 'won', now(), 'forged', 3)$$);
DROP TRIGGER a ON trap;
-- arguments that are none
CREATE TRIGGER a BEFORE INSERT OR UPDATE OR DELETE ON trap FOR EACH ROW EXECUTE FUNCTION leadcrm.guard('stage');
SELECT try($$INSERT INTO trap VALUES (1, 'won')$$, true);
DROP TRIGGER a ON trap;
CREATE TRIGGER a BEFORE INSERT ON trap FOR EACH ROW EXECUTE FUNCTION leadcrm.guard('stage', 'id', 'no.such.rules', '!!');
SELECT try($$INSERT INTO trap VALUES (1, 'won')$$);
-- what the others see of it
RESET ROLE;
SELECT table_name, state_column, history FROM leadcrm.tracked WHERE schema_name = 't_who_may_what' ORDER BY 1, 2;
SET ROLE regress_leadcrm_evil;
DROP TRIGGER a ON trap;
CREATE TRIGGER a AFTER INSERT ON trap FOR EACH ROW EXECUTE FUNCTION leadcrm.guard('stage', 'id', 'mine_stage_transition', 'mine_stage_history');
SELECT try($$INSERT INTO trap VALUES (1, 'won')$$);
DROP TRIGGER a ON trap;
CREATE TRIGGER a BEFORE INSERT ON trap FOR EACH STATEMENT EXECUTE FUNCTION leadcrm.guard('stage', 'id', 'mine_stage_transition', 'mine_stage_history');
SELECT try($$INSERT INTO trap VALUES (1, 'won')$$);
DROP TRIGGER a ON trap;
CREATE TRIGGER a BEFORE DELETE ON trap FOR EACH ROW EXECUTE FUNCTION leadcrm.guard('stage', 'id', 'mine_stage_transition', 'mine_stage_history');
INSERT INTO trap VALUES (1, 'won');
SELECT try($$DELETE FROM trap$$);
DROP TRIGGER a ON trap;
CREATE TRIGGER a AFTER DELETE ON trap FOR EACH STATEMENT EXECUTE FUNCTION leadcrm.record('stage', 'id', 'mine_stage_transition', 'mine_stage_history');
SELECT try($$DELETE FROM trap$$);
DROP TRIGGER a ON trap;
CREATE VIEW trap_view AS SELECT * FROM trap;
CREATE TRIGGER a INSTEAD OF INSERT ON trap_view FOR EACH ROW EXECUTE FUNCTION leadcrm.guard('stage', 'id', 'mine_stage_transition', 'mine_stage_history');
SELECT try($$INSERT INTO trap_view VALUES (1, 'won')$$);
SELECT f, try(format('SELECT leadcrm.%s()', f)) FROM unnest('{guard,record,protect_history,refuse_truncate,transitions_changed,transitions_filled}'::text[]) f;
CREATE TRIGGER a BEFORE INSERT ON trap FOR EACH STATEMENT EXECUTE FUNCTION leadcrm.protect_history();
SELECT try($$INSERT INTO trap VALUES (1, 'won')$$);
DROP TRIGGER a ON trap;
CREATE TRIGGER a AFTER INSERT ON trap FOR EACH STATEMENT EXECUTE FUNCTION leadcrm.transitions_filled();
SELECT try($$INSERT INTO trap VALUES (1, 'won')$$);
DROP TRIGGER a ON trap;
RESET ROLE;
SELECT id, seq, to_state, reason FROM lead_stage_history WHERE id = 4711 ORDER BY seq;

-- the way of a forger: a trigger on his own history that writes into another one, on which he was given rights
GRANT SELECT, INSERT ON lead_stage_history TO regress_leadcrm_evil;
SET ROLE regress_leadcrm_evil;
CREATE FUNCTION forge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO t_who_may_what.lead_stage_history SELECT 4711, 99, 'new', 'won', now(), now(), 'forged', NULL, 'x', 'x', 'change', false, NULL, now();
	RETURN NEW;
END
$$;
CREATE TRIGGER forge BEFORE INSERT ON mine_stage_history FOR EACH ROW EXECUTE FUNCTION forge();
SELECT try($$INSERT INTO mine VALUES (1, 'new')$$);
-- by way of what repairs his own
SELECT try($$SELECT leadcrm.apply_repair('mine', 'DELETE FROM t_who_may_what.lead_stage_history')$$);
SELECT try($$SELECT leadcrm.apply_repair('mine', 'INSERT INTO t_who_may_what.lead_stage_history SELECT 4711, 99, NULL, NULL, now(), now(), NULL, NULL, NULL, NULL, NULL, false, NULL, now()')$$);
DROP TRIGGER forge ON mine_stage_history;
RESET ROLE;
REVOKE ALL ON lead_stage_history FROM regress_leadcrm_evil;
-- a trap for those who write: what a history's trigger does, it does as the history's owner
SET ROLE regress_leadcrm_evil;
CREATE TABLE caught (who text);
CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO t_who_may_what.caught VALUES (current_user);
	BEGIN
		EXECUTE 'SET ROLE ' || quote_ident(session_user);
		INSERT INTO t_who_may_what.caught VALUES ('escaped');
	EXCEPTION WHEN OTHERS THEN NULL;
	END;
	RETURN NEW;
END
$$;
CREATE TRIGGER spy BEFORE INSERT ON mine_stage_history FOR EACH ROW EXECUTE FUNCTION spy();
RESET ROLE;
INSERT INTO mine VALUES (2, 'new');
SELECT * FROM caught;
SELECT role = current_user FROM mine_stage_history WHERE id = 2;

-- a view in the place of his rules or his history runs nothing in the name of who asks
SET ROLE regress_leadcrm_evil;
CREATE FUNCTION boo(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t_who_may_what.caught VALUES (current_user || ' fell for a view'); RETURN $1; END $$;
GRANT INSERT ON caught TO PUBLIC;
ALTER TABLE mine_stage_transition RENAME TO real_transition;
CREATE VIEW mine_stage_transition AS SELECT boo('new')::stage AS from_state, boo('won')::stage AS to_state, false AS needs_reason;
RESET ROLE;
SELECT left(try($$SELECT * FROM leadcrm.next_states('mine', 'stage', 'new')$$), 5);
SELECT left(try($$UPDATE mine SET stage = 'won'$$), 5);
SELECT left(try($$SELECT leadcrm.correct('mine', 'stage', '1', 'x')$$), 5);
SELECT DISTINCT problem FROM leadcrm.verify('mine') ORDER BY 1;
SELECT count(*) > 0 FROM leadcrm.repair('mine');
SET ROLE regress_leadcrm_evil;
DROP VIEW mine_stage_transition;
ALTER TABLE real_transition RENAME TO mine_stage_transition;
ALTER TABLE mine_stage_history RENAME TO real_history;
CREATE VIEW mine_stage_history AS SELECT id, seq, boo('new')::stage AS from_state, to_state, since, changed_at, reason, actor, session_role, role, origin, forced, corrects, recorded_at FROM real_history;
RESET ROLE;
SELECT left(try($$UPDATE mine SET stage = 'won'$$), 5);
SELECT left(try($$SELECT leadcrm.correct('mine', 'stage', '1', 'x')$$), 5);
SELECT DISTINCT problem FROM leadcrm.verify('mine') ORDER BY 1;
SELECT count(*) > 0 FROM leadcrm.repair('mine');
SET ROLE regress_leadcrm_evil;
DROP VIEW mine_stage_history;
ALTER TABLE real_history RENAME TO mine_stage_history;
RESET ROLE;
SELECT * FROM caught WHERE who ~ 'fell';
-- nor do casts and operators of a type of his
SET ROLE regress_leadcrm_evil;
CREATE TYPE trick AS ENUM ('a', 'b');
CREATE TABLE tricky_key (id trick PRIMARY KEY, s text NOT NULL);
SELECT try($$SELECT leadcrm.track('tricky_key', 's')$$, true);
CREATE TABLE tricky (id integer PRIMARY KEY, s trick NOT NULL, s_peak trick, a_at timestamptz);
SELECT leadcrm.track('tricky', 's');
INSERT INTO tricky_s_transition (from_state, to_state) VALUES (NULL, 'a'), ('a', 'b');
INSERT INTO tricky (id, s) VALUES (1, 'a');
UPDATE tricky SET s = 'b';
CREATE FUNCTION boo(trick) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t_who_may_what.caught VALUES (current_user || ' fell for a cast'); RETURN 'c'; END $$;
CREATE CAST (trick AS text) WITH FUNCTION boo(trick) AS ASSIGNMENT;
CREATE FUNCTION boo(trick, trick) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t_who_may_what.caught VALUES (current_user || ' fell for an operator'); RETURN true; END $$;
CREATE OPERATOR = (LEFTARG = trick, RIGHTARG = trick, FUNCTION = boo);
RESET ROLE;
SELECT * FROM leadcrm.next_states('tricky', 's', 'a');
SELECT leadcrm.correct('tricky', 's', '1', 'wrong click');
SET leadcrm.enforcement = off;
UPDATE tricky SET s = 'b';
RESET leadcrm.enforcement;
SELECT problem, detail FROM leadcrm.verify('tricky') ORDER BY 1;
SELECT problem, done FROM leadcrm.repair('tricky', false) ORDER BY 1;
SELECT try($$UPDATE tricky SET s = 'a'$$);
SELECT problem FROM leadcrm.verify('tricky');
SELECT * FROM caught WHERE who ~ 'fell';

-- a history or rules that change hands
ALTER TABLE lead_stage_history OWNER TO regress_leadcrm_evil;
SELECT try($$UPDATE lead SET name = 'x' WHERE id = 4711$$, true);
SELECT try($$INSERT INTO lead (id, stage) VALUES (1, 'new')$$);
ALTER TABLE lead_stage_history OWNER TO regress_leadcrm_owner;
ALTER TABLE lead_stage_transition OWNER TO regress_leadcrm_evil;
SELECT try($$UPDATE lead SET name = 'x' WHERE id = 4711$$, true);
ALTER TABLE lead_stage_transition OWNER TO regress_leadcrm_owner;
ALTER TABLE lead OWNER TO regress_leadcrm_evil;
SELECT try($$UPDATE lead SET name = 'x' WHERE id = 4711$$);
ALTER TABLE lead OWNER TO regress_leadcrm_owner;
SELECT try($$UPDATE lead SET name = 'x' WHERE id = 4711$$);
-- a member of the owner may act for him, and what is made is the owner's
GRANT regress_leadcrm_owner TO regress_leadcrm_clerk;
GRANT USAGE, CREATE ON SCHEMA t_who_may_what TO regress_leadcrm_clerk;
SET ROLE regress_leadcrm_owner;
CREATE TABLE theirs (id integer PRIMARY KEY, s text NOT NULL);
SET ROLE regress_leadcrm_clerk;
SELECT leadcrm.track('theirs', 's');
INSERT INTO theirs VALUES (1, 'a');
RESET ROLE;
SELECT relname, pg_get_userbyid(relowner) FROM pg_class WHERE relname ~ '^theirs' AND relkind = 'r' ORDER BY 1;
SELECT role FROM theirs_s_history;
SET ROLE regress_leadcrm_clerk;
SELECT leadcrm.untrack('theirs', 's');
RESET ROLE;

-- the setting
SET ROLE regress_leadcrm_owner;
SELECT try($$SET leadcrm.enforcement = off$$);
SELECT try($$SELECT set_config('leadcrm.enforcement', 'log', false)$$);
SELECT try($$CREATE FUNCTION quiet() RETURNS integer LANGUAGE sql SET leadcrm.enforcement = off AS 'SELECT 1'$$);
SELECT try($$ALTER ROLE regress_leadcrm_owner SET leadcrm.enforcement = off$$);
RESET ROLE;
GRANT SET ON PARAMETER leadcrm.enforcement TO regress_leadcrm_owner;
SET ROLE regress_leadcrm_owner;
SELECT try($$SET leadcrm.enforcement = off$$);
RESET leadcrm.enforcement;
RESET ROLE;
REVOKE SET ON PARAMETER leadcrm.enforcement FROM regress_leadcrm_owner;
-- set before the library is there, it does not count
\c -
SET search_path = t_who_may_what;
SET client_min_messages = error;
SET SESSION AUTHORIZATION regress_leadcrm_owner;
SELECT try($$SET leadcrm.enforcement = off$$) ~ 'passed|42501';
SELECT try($$UPDATE lead SET stage = 'new' WHERE id = 4712$$);
SHOW leadcrm.enforcement;
RESET SESSION AUTHORIZATION;
SELECT stage FROM lead WHERE id = 4712;

-- names and operators that lie in wait in the search path
SET SESSION AUTHORIZATION regress_leadcrm_evil;
CREATE FUNCTION lie(stage, stage) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t_who_may_what.caught VALUES (current_user || ' fell for an operator'); RETURN true; END $$;
CREATE OPERATOR = (LEFTARG = stage, RIGHTARG = stage, FUNCTION = lie);
CREATE FUNCTION lie(integer, integer) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t_who_may_what.caught VALUES (current_user || ' fell for an operator'); RETURN true; END $$;
CREATE OPERATOR = (LEFTARG = integer, RIGHTARG = integer, FUNCTION = lie);
CREATE FUNCTION lie(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t_who_may_what.caught VALUES (current_user || ' fell for an operator'); RETURN true; END $$;
CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = lie);
CREATE OPERATOR || (LEFTARG = text, RIGHTARG = text, FUNCTION = lie);
CREATE FUNCTION max(integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t_who_may_what.caught VALUES (current_user || ' fell for a function'); RETURN 0; END $$;
RESET SESSION AUTHORIZATION;
CREATE TEMP TABLE lead (id integer, stage text);
CREATE TEMP TABLE lead_stage_history (id integer);
CREATE TEMP TABLE pg_class (oid oid, relname name);
CREATE TEMP TABLE tracked (target regclass);
SET search_path = t_who_may_what, pg_temp, pg_catalog;
UPDATE t_who_may_what.lead SET stage = 'won', stage_reason = 'x' WHERE id OPERATOR(pg_catalog.=) 4712;
SELECT leadcrm.correct('t_who_may_what.lead', 'stage', '4712', 'wrong lead');
SELECT * FROM leadcrm.next_states('t_who_may_what.lead', 'stage', 'talk');
CREATE TABLE t_who_may_what.fresh (id integer PRIMARY KEY, stage t_who_may_what.stage NOT NULL);
SELECT leadcrm.track('t_who_may_what.fresh', 'stage');
INSERT INTO t_who_may_what.fresh VALUES (1, 'new');
SELECT leadcrm.untrack('t_who_may_what.fresh', 'stage');
RESET search_path;
SELECT * FROM t_who_may_what.caught WHERE who ~ 'fell';
SELECT stage, stage_seq FROM t_who_may_what.lead WHERE id = 4712;
SELECT count(*) FROM pg_temp.lead_stage_history;
DROP TABLE pg_temp.lead, pg_temp.lead_stage_history, pg_temp.pg_class, pg_temp.tracked;

-- no function of the extension runs with its owner's rights, or in a search path that is not its own
\a
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'leadcrm'::regnamespace AND p.prosecdef ORDER BY 1;
SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace = 'leadcrm'::regnamespace AND (l.lanname = 'plpgsql' OR l.lanname = 'sql' AND p.prosqlbody IS NULL)
	AND (p.proconfig IS NULL OR NOT p.proconfig @> '{"search_path=pg_catalog, pg_temp"}') ORDER BY 1;
-- nothing but the schema and its catalogue is open to everyone
SELECT relname, relacl::text LIKE '%{=%' OR relacl::text LIKE '%,=%' AS public FROM pg_class WHERE relnamespace = 'leadcrm'::regnamespace AND relkind <> 'c' ORDER BY 1;
DROP OWNED BY regress_leadcrm_evil, regress_leadcrm_clerk, regress_leadcrm_owner CASCADE;
DROP ROLE regress_leadcrm_evil, regress_leadcrm_clerk, regress_leadcrm_owner;

DROP SCHEMA t_who_may_what CASCADE;
