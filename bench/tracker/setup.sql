-- What the tracker's benchmarks need: functions that make each competitor's tables afresh, the competitors themselves, and a
-- clock around one statement. To be run with -v library=..., what noop.c was compiled to.
CREATE EXTENSION IF NOT EXISTS leadcrm;
CREATE SCHEMA bench;
SET search_path = bench;

CREATE TYPE stage AS ENUM ('lead', 'mql', 'sql', 'customer');
CREATE FUNCTION noop() RETURNS trigger LANGUAGE c AS :'library', 'bench_noop';
-- cpu(): milliseconds of processor time that this backend has used
CREATE FUNCTION cpu() RETURNS float8 LANGUAGE c AS :'library', 'bench_cpu';

-- run(SQL): milliseconds that it takes inside the server, by the clock and of processor time
CREATE FUNCTION run(statement text, OUT ms float8, OUT cpu_ms float8) LANGUAGE plpgsql AS $$
DECLARE
	started timestamptz := clock_timestamp();
	cpu_before float8 := bench.cpu();
BEGIN
	EXECUTE statement;
	ms := extract(epoch FROM clock_timestamp() - started) * 1000;
	cpu_ms := bench.cpu() - cpu_before;
END
$$;

-- make_table(NAME): leads with an index on the key alone, as the tracker finds them
CREATE FUNCTION make_table(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('DROP TABLE IF EXISTS bench.%I CASCADE', name);
	EXECUTE format('DROP TABLE IF EXISTS bench.%I CASCADE', name || '_stage_history');
	EXECUTE format('DROP TABLE IF EXISTS bench.%I CASCADE', name || '_stage_transition');
	EXECUTE format('CREATE TABLE bench.%I (lead_id bigint PRIMARY KEY, full_name text, email text, value numeric, stage bench.stage NOT NULL, '
	               'lead_at timestamptz, mql_at timestamptz, customer_at timestamptz, created_at timestamptz DEFAULT now(), note text)', name);
END
$$;

CREATE FUNCTION add_companions(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('ALTER TABLE bench.%I ADD stage_since timestamptz, ADD stage_reason text, ADD stage_seq integer', name);
END
$$;

CREATE FUNCTION make_history(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('DROP TABLE IF EXISTS bench.%I', name);
	EXECUTE format('CREATE TABLE bench.%I (lead_id bigint, seq integer, from_state bench.stage, to_state bench.stage, since timestamptz, '
	               'changed_at timestamptz NOT NULL, reason text, actor text, session_role text NOT NULL, role text NOT NULL, '
	               'origin text NOT NULL, forced boolean NOT NULL, corrects integer, recorded_at timestamptz NOT NULL, PRIMARY KEY (lead_id, seq))', name);
END
$$;

CREATE FUNCTION fill_rules(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('INSERT INTO bench.%I (from_state, to_state) VALUES (NULL, ''lead''), (''lead'', ''mql''), (''mql'', ''sql''), '
	               '(''sql'', ''customer''), (''mql'', ''lead'')', name);
END
$$;

CREATE FUNCTION fill_leads(name text, n integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('INSERT INTO bench.%I (lead_id, full_name, email, value, stage) '
	               'SELECT i, ''Lead number '' || i, ''lead'' || i || ''@example.com'', i %% 1000, ''lead'' FROM generate_series(1, $1) i', name) USING n;
END
$$;

-- the equivalent in PL/pgSQL: a guard that looks the rule up, and a trigger that inserts the history
CREATE TABLE plpgsql_rules (from_state bench.stage, to_state bench.stage NOT NULL, needs_reason boolean NOT NULL DEFAULT false,
                            UNIQUE NULLS NOT DISTINCT (from_state, to_state));
SELECT fill_rules('plpgsql_rules');
CREATE FUNCTION plpgsql_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	rule record;
BEGIN
	IF TG_OP = 'UPDATE' AND NEW.stage = OLD.stage THEN
		IF NEW.stage_since IS DISTINCT FROM OLD.stage_since OR NEW.stage_seq IS DISTINCT FROM OLD.stage_seq THEN
			RAISE check_violation;
		END IF;
		RETURN NEW;
	END IF;
	IF TG_OP = 'UPDATE' THEN
		SELECT * INTO rule FROM bench.plpgsql_rules r WHERE r.from_state = OLD.stage AND r.to_state = NEW.stage;
	ELSE
		SELECT * INTO rule FROM bench.plpgsql_rules r WHERE r.from_state IS NULL AND r.to_state = NEW.stage;
	END IF;
	IF NOT FOUND OR (rule.needs_reason AND NEW.stage_reason IS NULL) THEN
		RAISE check_violation USING MESSAGE = format('stage may not go to %s', NEW.stage);
	END IF;
	NEW.stage_since := clock_timestamp();
	NEW.stage_seq := CASE WHEN TG_OP = 'UPDATE' THEN coalesce(OLD.stage_seq, 0) + 1 ELSE 1 END;
	CASE NEW.stage
		WHEN 'lead' THEN NEW.lead_at := coalesce(NEW.lead_at, NEW.stage_since);
		WHEN 'mql' THEN NEW.mql_at := coalesce(NEW.mql_at, NEW.stage_since);
		WHEN 'customer' THEN NEW.customer_at := coalesce(NEW.customer_at, NEW.stage_since);
		ELSE NULL;
	END CASE;
	RETURN NEW;
END
$$;
CREATE FUNCTION plpgsql_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'UPDATE' THEN
		IF NEW.stage <> OLD.stage THEN
			INSERT INTO bench.plpgsql_history VALUES (NEW.lead_id, NEW.stage_seq, OLD.stage, NEW.stage, OLD.stage_since, NEW.stage_since,
				NEW.stage_reason, nullif(current_setting('leadcrm.actor', true), ''), session_user, current_user, 'change', false, NULL, clock_timestamp());
		END IF;
	ELSE
		INSERT INTO bench.plpgsql_history VALUES (NEW.lead_id, NEW.stage_seq, NULL, NEW.stage, NULL, NEW.stage_since,
			NEW.stage_reason, nullif(current_setting('leadcrm.actor', true), ''), session_user, current_user, 'birth', false, NULL, clock_timestamp());
	END IF;
	RETURN NULL;
END
$$;

-- make_tracked(NAME, N): a tracked table of N leads that were born just now
CREATE FUNCTION make_tracked(name text, n integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM bench.make_table(name);
	PERFORM leadcrm.track(format('bench.%I', name)::regclass, 'stage');
	PERFORM bench.fill_rules(name || '_stage_transition');
	PERFORM bench.fill_leads(name, n);
END
$$;

-- make_copy(NAME): the rows of bench.tracked, laid out alike, without triggers
CREATE FUNCTION make_copy(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM bench.make_table(name);
	PERFORM bench.add_companions(name);
	EXECUTE format('INSERT INTO bench.%I SELECT * FROM bench.tracked ORDER BY lead_id', name);
END
$$;

-- make_history_copy(NAME): the history of bench.tracked, laid out alike, without triggers
CREATE FUNCTION make_history_copy(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM bench.make_history(name);
	EXECUTE format('INSERT INTO bench.%I SELECT * FROM bench.tracked_stage_history ORDER BY lead_id, seq', name);
END
$$;

CREATE FUNCTION make_plpgsql() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM bench.make_copy('plpgsql');
	PERFORM bench.make_history_copy('plpgsql_history');
	CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON bench.plpgsql FOR EACH ROW EXECUTE FUNCTION bench.plpgsql_guard();
	CREATE TRIGGER record AFTER INSERT OR UPDATE ON bench.plpgsql FOR EACH ROW EXECUTE FUNCTION bench.plpgsql_record();
END
$$;

-- make_empty(NAME, AFTER): a copy with a trigger that does nothing before each row, and one that never fires after it
CREATE FUNCTION make_empty(name text, after boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM bench.make_copy(name);
	EXECUTE format('CREATE TRIGGER noop BEFORE UPDATE ON bench.%I FOR EACH ROW EXECUTE FUNCTION bench.noop()', name);
	IF after THEN
		EXECUTE format('CREATE TRIGGER never AFTER UPDATE ON bench.%I FOR EACH ROW WHEN (NEW.stage IS NULL) EXECUTE FUNCTION bench.noop()', name);
	END IF;
END
$$;

-- The competitors. Their statements take a slice of the rows: format()'s arguments are the lead_id before the first, and the last.
CREATE TABLE competitor (part text, n integer, name text PRIMARY KEY, statement text, UNIQUE (part, n));
INSERT INTO competitor
SELECT 'move', v.n, v.name, format('UPDATE bench.%s SET %s WHERE lead_id > %%1$s AND lead_id <= %%2$s', v.tab, v.change)
FROM (VALUES
	(0, 'move, untracked', 'untracked', 'stage = ''mql'''),
	(1, 'move, tracked', 'tracked', 'stage = ''mql'''),
	(2, 'move, empty trigger before', 'empty_before', 'stage = ''mql'''),
	(3, 'move, empty triggers before and after', 'empty_both', 'stage = ''mql'''),
	(4, 'move, PL/pgSQL triggers', 'plpgsql', 'stage = ''mql'''),
	(5, 'other column, trigger that does nothing', 'empty_other', 'note = ''called'''),
	(6, 'other column, tracked', 'tracked_other', 'note = ''called''')) v (n, name, tab, change);
INSERT INTO competitor
SELECT v.part, v.n, v.name, format(v.statement, 'lead_id + %1$s, seq, from_state, to_state, since, changed_at, reason, actor, session_role, role, '
	'origin, forced, corrects, recorded_at')
FROM (VALUES
	('move', 7, 'bare insert of the history', 'INSERT INTO bench.bare_history SELECT %s FROM bench.moved'),
	('move', 8, '(of which reading it)', 'SELECT count(recorded_at) FROM (SELECT %s FROM bench.moved OFFSET 0) m'),
	('backfill', 0, 'backfill, bare inserts of the history', 'INSERT INTO bench.bare_history SELECT %s FROM bench.backfilled')) v (part, n, name, statement);
INSERT INTO competitor VALUES
	('backfill', 1, 'backfill, bare inserts of leads', $$INSERT INTO bench.untracked (lead_id, full_name, email, value, stage, lead_at, mql_at,
	customer_at, stage_since, stage_seq) SELECT i, 'Lead number ' || i, 'lead' || i || '@example.com', i %% 1000, 'customer', d, d + '1 day',
	d + '9 days', d + '9 days', 3 FROM (SELECT i, timestamptz '2024-01-01' + i * interval '1 second' AS d FROM generate_series(%1$s + 1, %2$s) i) s$$),
	('backfill', 2, 'backfill, tracked', $$INSERT INTO bench.tracked (lead_id, full_name, email, value, stage, lead_at, mql_at, customer_at)
	SELECT i, 'Lead number ' || i, 'lead' || i || '@example.com', i %% 1000, 'customer', d, d + '1 day',
	d + '9 days' FROM (SELECT i, timestamptz '2024-01-01' + i * interval '1 second' AS d FROM generate_series(%1$s + 1, %2$s) i) s$$);

-- make_sources(SLICE): the history of one slice of leads, by moving and by being backfilled. The bare inserts read that and add
-- where their slice begins: it is small, stays in the processor's cache and is read from end to end.
CREATE FUNCTION make_sources(slice integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM bench.make_tracked('tracked', slice);
	UPDATE bench.tracked SET stage = 'mql';
	CREATE TABLE bench.moved AS SELECT * FROM bench.tracked_stage_history WHERE seq = 2 ORDER BY lead_id;
	PERFORM bench.make_tracked('tracked', 0);
	EXECUTE (SELECT format(c.statement, 0, slice) FROM bench.competitor c WHERE c.name = 'backfill, tracked');
	CREATE TABLE bench.backfilled AS SELECT * FROM bench.tracked_stage_history ORDER BY lead_id, seq;
END
$$;

-- make_moves(N), make_backfill(): the tables of all competitors of a part
CREATE FUNCTION make_moves(n integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM bench.make_tracked('tracked', n);
	PERFORM bench.make_copy('untracked');
	PERFORM bench.make_history_copy('bare_history');
	PERFORM bench.make_empty('empty_before', false);
	PERFORM bench.make_empty('empty_both', true);
	PERFORM bench.make_plpgsql();
	PERFORM bench.make_tracked('tracked_other', n);
	PERFORM bench.make_empty('empty_other', false);
END
$$;
CREATE FUNCTION make_backfill() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM bench.make_tracked('tracked', 0);
	PERFORM bench.make_copy('untracked');
	PERFORM bench.make_history_copy('bare_history');
END
$$;

-- slices(PART, ROWS, SLICE): the statements of a run in the order in which they are made: one slice of every competitor, then the
-- next. Each is first in its turn; every other slice goes backwards, so that nobody always follows the same one.
CREATE FUNCTION slices(part text, rows integer, slice integer) RETURNS TABLE (name text, statement text) LANGUAGE sql AS $$
	SELECT c.name, format(c.statement, s.n * slice, (s.n + 1) * slice)
	FROM generate_series(0, rows / slice - 1) s (n), bench.competitor c,
	     (SELECT count(*) AS competitors FROM bench.competitor c WHERE c.part = slices.part) k
	WHERE c.part = slices.part
	ORDER BY s.n, (c.n + s.n) % k.competitors * CASE WHEN s.n % 2 = 0 THEN 1 ELSE -1 END
$$;

-- alike(TABLES): error unless all have the same number of rows and of bytes, their indexes too
CREATE FUNCTION alike(VARIADIC tables text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	tab text;
	rows bigint;
	found text;
	first text;
BEGIN
	FOREACH tab IN ARRAY tables LOOP
		EXECUTE format('SELECT count(*) FROM bench.%I', tab) INTO rows;
		found := format('%s rows, %s bytes, indexes %s bytes', rows, pg_relation_size('bench.' || tab), pg_indexes_size('bench.' || tab));
		first := coalesce(first, found);
		IF found <> first THEN
			RAISE EXCEPTION '% has %, but % %', tables[1], first, tab, found;
		END IF;
	END LOOP;
END
$$;

-- holds(TABLE, CONDITION, N): error unless so many rows of a table are what a competitor had to make of them
CREATE FUNCTION holds(tab text, condition text, n bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	found bigint;
BEGIN
	EXECUTE format('SELECT count(*) FROM bench.%I WHERE %s', tab, condition) INTO found;
	IF found <> n THEN
		RAISE EXCEPTION '% rows of % where %, not %', found, tab, condition, n;
	END IF;
END
$$;

-- what was measured: whole statements, and slices of them, whose sum over a run counts
CREATE TABLE result (run integer, measure text, ms float8, cpu_ms float8, rows integer);
CREATE TABLE slice (run integer, measure text, ms float8, cpu_ms float8, rows integer);
CREATE VIEW run AS
SELECT run, measure, ms, cpu_ms, rows FROM result
UNION ALL
SELECT run, measure, sum(ms), sum(cpu_ms), sum(rows) FROM slice GROUP BY run, measure;

CREATE VIEW summary AS
SELECT measure, count(*) AS runs, rows,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS median_ms,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) * 1000 / rows AS us_per_row,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY cpu_ms) * 1000 / rows AS cpu_us_per_row
FROM run GROUP BY measure, rows;
