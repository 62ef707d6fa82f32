-- A history with partitions, triggers, constraints, row security, foreign keys, defaults or odd indexes of its own gets the same rows.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
DROP SCHEMA IF EXISTS t_general_path CASCADE;
CREATE SCHEMA t_general_path;
SET search_path = t_general_path;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\getenv srcdir PG_ABS_SRCDIR
\set try :srcdir /sql/include/try.sql
\i :try
\pset format unaligned
\pset tuples_only on
\pset null (null)
CREATE TYPE stage AS ENUM ('new', 'talk', 'won');
CREATE FUNCTION history_table(name text, extra text DEFAULT '', partition text DEFAULT '') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TABLE %s (id integer, seq integer, from_state stage, to_state stage, since timestamptz, changed_at timestamptz, reason text,
		actor text, session_role text, role text, origin text, forced boolean, corrects integer, recorded_at timestamptz, PRIMARY KEY (id, seq)%s) %s',
		name, extra, partition);
END
$$;
CREATE FUNCTION live(name text) RETURNS TABLE (id integer, seq integer, from_state stage, to_state stage, reason text, origin text, forced boolean, corrects integer, times boolean)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TABLE %s_lead (id integer PRIMARY KEY, stage stage NOT NULL, new_at timestamptz, talk_at timestamptz)', name);
	PERFORM leadcrm.track((name || '_lead')::regclass, 'stage', history => (name || '_h')::regclass);
	EXECUTE format('INSERT INTO %s_lead (id, stage) VALUES (1, ''new''), (150, ''new'')', name);
	EXECUTE format('INSERT INTO %s_lead (id, stage, new_at, talk_at) VALUES (2, ''talk'', ''2020-01-01'', ''2020-02-01'')', name);
	EXECUTE format('UPDATE %s_lead SET stage = ''won'', stage_reason = ''signed'' WHERE id <> 2', name);
	PERFORM leadcrm.correct((name || '_lead')::regclass, 'stage', '150', 'wrong lead');
	EXECUTE format('DELETE FROM %s_lead WHERE id = 1', name);
	EXECUTE format('INSERT INTO %s_lead (id, stage) VALUES (1, ''talk'')', name);
	RETURN QUERY EXECUTE format('SELECT id, seq, from_state, to_state, reason::text, origin::text, forced, corrects, since IS NOT DISTINCT FROM lag(changed_at) OVER w
		FROM %s_h WINDOW w AS (PARTITION BY id ORDER BY seq) ORDER BY id, seq', name);
END
$$;
SELECT history_table('plain_h');
CREATE TABLE plain AS SELECT * FROM live('plain');
TABLE plain;

SELECT history_table('part_h', '', 'PARTITION BY RANGE (id)');
CREATE TABLE part_h1 PARTITION OF part_h FOR VALUES FROM (0) TO (100);
CREATE TABLE part_h2 (recorded_at timestamptz, gone text, id integer NOT NULL, forced boolean, seq integer NOT NULL, to_state stage, from_state stage, since timestamptz,
	changed_at timestamptz, reason text, corrects integer, actor text, role text, session_role text, origin text);
ALTER TABLE part_h2 DROP COLUMN gone;
ALTER TABLE part_h ATTACH PARTITION part_h2 FOR VALUES FROM (100) TO (200);
CREATE TABLE part AS SELECT * FROM live('part');
TABLE part EXCEPT TABLE plain;
SELECT count(*) FROM part;
-- no partition for it: the change is refused
SELECT try($$INSERT INTO part_lead (id, stage) VALUES (500, 'new')$$);
SELECT count(*) FROM part_lead WHERE id = 500;

SELECT history_table('trig_h');
CREATE TABLE heard (id integer, seq integer);
CREATE FUNCTION hear() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO heard VALUES (NEW.id, NEW.seq); RETURN NEW; END $$;
CREATE TRIGGER hear AFTER INSERT ON trig_h FOR EACH ROW EXECUTE FUNCTION hear();
CREATE TABLE trig AS SELECT * FROM live('trig');
TABLE trig EXCEPT TABLE plain;
SELECT count(*) FROM heard;
-- one that swallows the row, one that fails, a rule
CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER swallow BEFORE INSERT ON trig_h FOR EACH ROW EXECUTE FUNCTION swallow();
SELECT try($$INSERT INTO trig_lead (id, stage) VALUES (3, 'new')$$, true);
DROP TRIGGER swallow ON trig_h;
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$;
CREATE TRIGGER fail BEFORE INSERT ON trig_h FOR EACH ROW EXECUTE FUNCTION fail();
SELECT try($$INSERT INTO trig_lead (id, stage) VALUES (3, 'new')$$);
DROP TRIGGER fail ON trig_h;
CREATE RULE off AS ON INSERT TO trig_h DO INSTEAD NOTHING;
SELECT try($$INSERT INTO trig_lead (id, stage) VALUES (3, 'new')$$);
DROP RULE off ON trig_h;
SELECT try($$INSERT INTO trig_lead (id, stage) VALUES (3, 'new')$$);
SELECT id FROM trig_lead ORDER BY id;
-- a trigger on the fast path's table from one statement to the next
CREATE TRIGGER hear AFTER INSERT ON plain_h FOR EACH ROW EXECUTE FUNCTION hear();
UPDATE plain_lead SET stage = 'new' WHERE id = 1;
DROP TRIGGER hear ON plain_h;
UPDATE plain_lead SET stage = 'talk' WHERE id = 1;
SELECT * FROM heard ORDER BY seq DESC LIMIT 1;
SELECT count(*) FROM plain_h WHERE id = 1;
-- a statement trigger
CREATE TRIGGER hear_all AFTER INSERT ON plain_h FOR EACH STATEMENT EXECUTE FUNCTION swallow();
UPDATE plain_lead SET stage = 'new' WHERE id = 1;

-- constraints and defaults
SELECT history_table('check_h', ', CHECK (reason <> ''secret''), note text NOT NULL DEFAULT ''n'', made integer GENERATED ALWAYS AS (seq * 10) STORED, ident integer GENERATED ALWAYS AS IDENTITY');
CREATE TABLE chk AS SELECT * FROM live('check');
TABLE chk EXCEPT TABLE plain;
SELECT try($$UPDATE check_lead SET stage = 'won', stage_reason = 'secret' WHERE id = 2$$);
SELECT stage FROM check_lead WHERE id = 2;
SELECT DISTINCT note, made = seq * 10 FROM check_h;
SELECT count(DISTINCT ident) = count(*) FROM check_h;
-- a NOT NULL that the tracker cannot always keep, or that nobody fills
SELECT history_table('null_h');
ALTER TABLE null_h ALTER COLUMN reason SET NOT NULL;
CREATE TABLE null_lead (id integer PRIMARY KEY, stage stage NOT NULL);
SELECT leadcrm.track('null_lead', 'stage', history => 'null_h');
SELECT try($$INSERT INTO null_lead (id, stage) VALUES (1, 'new')$$);
SELECT try($$INSERT INTO null_lead (id, stage, stage_reason) VALUES (1, 'new', 'x')$$);
ALTER TABLE null_h ADD COLUMN must integer NOT NULL DEFAULT 0;
ALTER TABLE null_h ALTER COLUMN must DROP DEFAULT;
SELECT try($$UPDATE null_lead SET stage = 'won', stage_reason = 'x'$$);
SELECT id, seq, reason FROM null_h;

-- foreign keys, both ways
CREATE TABLE person (id integer PRIMARY KEY);
INSERT INTO person VALUES (1), (2), (150);
SELECT history_table('fk_h', ', FOREIGN KEY (id) REFERENCES person');
CREATE TABLE fk AS SELECT * FROM live('fk');
TABLE fk EXCEPT TABLE plain;
SELECT try($$INSERT INTO fk_lead (id, stage) VALUES (3, 'new')$$);
SELECT try($$DELETE FROM person WHERE id = 2$$);

-- indexes: partial, on expressions, exclusion, hash, of other columns, invalid
SELECT history_table('idx_h');
CREATE INDEX ON idx_h (to_state) WHERE origin = 'change';
CREATE INDEX ON idx_h ((seq % 2));
CREATE INDEX ON idx_h USING hash (to_state);
CREATE INDEX ON idx_h USING brin (changed_at);
CREATE UNIQUE INDEX ON idx_h (id, seq, to_state);
CREATE TABLE idx AS SELECT * FROM live('idx');
TABLE idx EXCEPT TABLE plain;
SET enable_seqscan = off;
SELECT id FROM idx_h WHERE origin = 'change' AND to_state = 'won' ORDER BY id;
SELECT count(*) FROM idx_h WHERE to_state = 'talk';
RESET enable_seqscan;
SELECT history_table('uni_h');
CREATE UNIQUE INDEX one_win ON uni_h (to_state) WHERE to_state = 'won';
CREATE TABLE uni_lead (id integer PRIMARY KEY, stage stage NOT NULL);
SELECT leadcrm.track('uni_lead', 'stage', history => 'uni_h');
INSERT INTO uni_lead (id, stage) VALUES (1, 'won');
SELECT try($$INSERT INTO uni_lead (id, stage) VALUES (2, 'won')$$);
-- plain indexes of the fast path
SELECT history_table('bt_h');
CREATE INDEX ON bt_h (to_state, changed_at);
CREATE INDEX ON bt_h (reason COLLATE "C" text_pattern_ops DESC);
CREATE UNIQUE INDEX ON bt_h (id, to_state, seq) INCLUDE (reason);
CREATE TABLE bt AS SELECT * FROM live('bt');
TABLE bt EXCEPT TABLE plain;
SET enable_seqscan = off;
SELECT id FROM bt_h WHERE to_state = 'won' ORDER BY id;
SELECT id FROM bt_h WHERE reason COLLATE "C" ~>=~ 'signed' ORDER BY id;
RESET enable_seqscan;

-- row security that applies to the owner as well
SELECT history_table('rls_h');
ALTER TABLE rls_h ENABLE ROW LEVEL SECURITY;
ALTER TABLE rls_h FORCE ROW LEVEL SECURITY;
CREATE POLICY nobody ON rls_h USING (false) WITH CHECK (false);
CREATE TABLE rls AS SELECT * FROM live('rls');
TABLE rls EXCEPT TABLE plain;
-- other storage
SELECT history_table('fill_h');
ALTER TABLE fill_h SET (fillfactor = 10);
CREATE TABLE fill AS SELECT * FROM live('fill');
TABLE fill EXCEPT TABLE plain;
-- text columns of another kind
CREATE TABLE vc_h (recorded_at timestamptz, extra jsonb DEFAULT '{}', id integer, seq integer, from_state stage, to_state stage, since timestamptz, changed_at timestamptz, reason varchar,
	actor varchar(20), session_role varchar, role varchar(63), origin varchar(10), forced boolean, corrects integer, PRIMARY KEY (id, seq));
CREATE TABLE vc AS SELECT * FROM live('vc');
TABLE vc EXCEPT TABLE plain;
SET leadcrm.actor = 'a name of more than twenty letters';
SELECT try($$INSERT INTO vc_lead (id, stage) VALUES (3, 'new')$$);
RESET leadcrm.actor;
-- a history that inherits from another table
CREATE TABLE base (id integer, seq integer, from_state stage, to_state stage);
CREATE TABLE inh_h (since timestamptz, changed_at timestamptz, reason text, actor text, session_role text, role text, origin text, forced boolean, corrects integer,
	recorded_at timestamptz, PRIMARY KEY (id, seq)) INHERITS (base);
CREATE TABLE inh AS SELECT * FROM live('inh');
TABLE inh EXCEPT TABLE plain;
SELECT count(*) FROM base;

DROP SCHEMA t_general_path CASCADE;
