-- What the tracker's benchmark needs: functions that make each competitor's tables afresh, and a clock around one statement.
CREATE EXTENSION IF NOT EXISTS leadcrm;
CREATE SCHEMA bench;
SET search_path = bench;

CREATE TYPE stage AS ENUM ('lead', 'mql', 'sql', 'customer');

-- cpu(): milliseconds of processor time that this backend has used, to 10 ms
CREATE FUNCTION cpu() RETURNS float8 LANGUAGE sql AS $$
	SELECT 10 * (f[12]::float8 + f[13]::float8)
	FROM regexp_split_to_array(regexp_replace(pg_read_file('/proc/self/stat'), '^.*[)] ', ''), ' ') f
$$;

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

CREATE FUNCTION make_plpgsql(n integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM bench.make_table('plpgsql');
	PERFORM bench.add_companions('plpgsql');
	PERFORM bench.make_history('plpgsql_history');
	CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON bench.plpgsql FOR EACH ROW EXECUTE FUNCTION bench.plpgsql_guard();
	CREATE TRIGGER record AFTER INSERT OR UPDATE ON bench.plpgsql FOR EACH ROW EXECUTE FUNCTION bench.plpgsql_record();
	PERFORM bench.fill_leads('plpgsql', n);
END
$$;

CREATE FUNCTION make_tracked(n integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM bench.make_table('tracked');
	PERFORM leadcrm.track('bench.tracked', 'stage');
	PERFORM bench.fill_rules('tracked_stage_transition');
	PERFORM bench.fill_leads('tracked', n);
END
$$;

-- the same rows as the tracked table holds, with the same history beside it, and no trigger
CREATE FUNCTION make_untracked(n integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM bench.make_table('untracked');
	PERFORM bench.add_companions('untracked');
	PERFORM bench.make_history('bare_history');
	INSERT INTO bench.untracked SELECT * FROM bench.tracked ORDER BY lead_id;
	INSERT INTO bench.bare_history SELECT * FROM bench.tracked_stage_history ORDER BY lead_id, seq;
END
$$;

CREATE TABLE result (run integer, measure text, ms float8, cpu_ms float8, rows integer);

CREATE VIEW summary AS
SELECT measure, count(*) AS runs, rows,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS median_ms,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) * 1000 / rows AS us_per_row,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY cpu_ms) * 1000 / rows AS cpu_us_per_row
FROM result GROUP BY measure, rows;
