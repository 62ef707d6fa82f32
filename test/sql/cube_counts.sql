-- Counting rows by deltas: any table, whatever happens to a statement; and what is refused.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS leadcrm;
RESET client_min_messages;
-- errors with their state, without the place in the source
\set VERBOSITY sqlstate
CREATE SCHEMA cube_counts;
SET search_path = cube_counts;
CREATE TYPE step AS ENUM ('seed', 'sprout', 'tree');
CREATE TABLE plant (id int PRIMARY KEY, born timestamptz NOT NULL, step step NOT NULL, peak step, since timestamptz, fate text,
	price numeric, bed text, row int, weed text, sprout_at timestamptz, tree_at timestamptz, note text, died timestamptz);
CREATE TABLE garden (zone text);
CREATE TABLE delta (delta_id uuid PRIMARY KEY, first_day date, last_day date, changes bytea);
CREATE TRIGGER count AFTER INSERT OR UPDATE OR DELETE ON plant FOR EACH ROW EXECUTE FUNCTION leadcrm.count_cells('delta=delta', 'zone=garden.zone',
	'unless=weed', 'born=born', 'state=step', 'peak=peak', 'since=since', 'over=fate:dead', 'over_since=died', 'value=price', 'keys=bed,row', 'entered=sprout_at,tree_at');
CREATE TRIGGER counted AFTER INSERT OR UPDATE OR DELETE ON plant FOR EACH STATEMENT EXECUTE FUNCTION leadcrm.count_cells();
CREATE VIEW sums AS
	SELECT x.cube, x.period, x.key, x.kind, x.code, x.leads AS n, x.valued, x.amount
	FROM (SELECT leadcrm.sum_deltas(d.changes) AS cells FROM delta d) s, unnest(s.cells) x;

-- no time zone
INSERT INTO plant VALUES (1, '2024-03-01 23:30+00', 'seed');
INSERT INTO garden VALUES ('Mars/Olympus');
INSERT INTO plant VALUES (1, '2024-03-01 23:30+00', 'seed');
UPDATE garden SET zone = 'Asia/Tbilisi';
-- a day is the zone's
INSERT INTO plant (id, born, step, since, price, bed, row) VALUES (1, '2024-03-01 23:30+00', 'seed', '2024-03-01 23:30+00', 2.50, 'north', 7);
SELECT * FROM sums ORDER BY cube, kind, code, period, key;
-- another column leaves nothing
SELECT count(*) FROM delta;
UPDATE plant SET note = 'wet';
SELECT count(*) FROM delta;
-- one statement, one delta
UPDATE plant SET step = 'sprout', since = '2024-03-04 12:00+00', sprout_at = '2024-03-04 12:00+00';
UPDATE plant SET step = 'tree', since = '2024-05-01 12:00+00', tree_at = '2024-05-01 12:00+00', price = 1e15 + 1e-9;
SELECT count(*) FROM delta;
SELECT * FROM sums ORDER BY cube, kind, code, period, key;
-- what is undone is not counted
BEGIN;
SAVEPOINT s;
UPDATE plant SET fate = 'dead';
INSERT INTO plant (id, born, step) VALUES (2, '2024-03-01', 'seed');
ROLLBACK TO s;
UPDATE plant SET fate = 'eaten';
COMMIT;
SELECT * FROM sums WHERE kind IN (0, 2) AND cube IN (0, 4) ORDER BY cube, kind, code;
-- since when it is over counts where it is, and what became of it then is told from each stamp on
UPDATE plant SET died = '2024-05-02 12:00:00.000001+00';
SELECT count(*) FROM delta;
BEGIN;
UPDATE plant SET fate = 'dead';
SELECT * FROM sums WHERE kind > 4 AND kind < 8 ORDER BY kind, code;
UPDATE plant SET died = 'infinity';
SELECT kind, sum(n) FROM sums WHERE kind > 4 AND kind < 8 GROUP BY 1 ORDER BY 1;
ROLLBACK;
UPDATE plant SET died = NULL;
SELECT count(*) FROM delta;
-- nor a statement that fails half-way
INSERT INTO plant (id, born, step) SELECT 10 - i, '2024-03-01', 'seed' FROM generate_series(1, 9) i;
SELECT count(*) FROM delta;
-- many rows leave few deltas
INSERT INTO plant (id, born, step, bed, row) SELECT 100 + i, '2024-03-01', 'seed', 'b' || i % 3, i % 50 FROM generate_series(1, 5000) i;
SELECT cube, period, count(*), sum(n) FROM sums WHERE kind = 0 GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) FROM delta;
-- what the deltas say is what the rows say
SELECT count(*) FROM leadcrm.recount('plant');
-- where the server can, with caches that forget at every chance
DO $$ BEGIN PERFORM set_config('debug_discard_caches', '1', false) WHERE current_setting('debug_assertions')::boolean; END $$;
SELECT count(*) FROM leadcrm.recount('plant');
RESET debug_discard_caches;
SELECT count(*) FROM (SELECT cube, kind, period, code, key, leads, valued, amount FROM leadcrm.recount('plant')
	EXCEPT SELECT cube, kind, period, code, key, n, valued, amount FROM sums) x;
SELECT count(*) FROM (SELECT cube, kind, period, code, key, n, valued, amount FROM sums
	EXCEPT SELECT cube, kind, period, code, key, leads, valued, amount FROM leadcrm.recount('plant')) x;
-- cells that don't fit into memory go through temporary files, and come once
BEGIN;
UPDATE plant SET row = id, price = CASE id % 3 WHEN 0 THEN 1e20 + id WHEN 1 THEN id / 8.0 END;
SET LOCAL maintenance_work_mem = '1MB';
CREATE TEMP TABLE counted AS SELECT * FROM leadcrm.recount('plant');
SELECT count(*) = count(DISTINCT (cube, kind, period, code, key)) AS once, sum(leads) FROM counted WHERE cube = 0;
SELECT count(*) FROM (SELECT cube, kind, period, code, key, leads, valued, amount FROM counted
	EXCEPT ALL SELECT cube, kind, period, code, key, n, valued, amount FROM sums) x;
SELECT count(*) FROM (SELECT cube, kind, period, code, key, n, valued, amount FROM sums
	EXCEPT ALL SELECT cube, kind, period, code, key, leads, valued, amount FROM counted) x;
SAVEPOINT s;
SET LOCAL temp_file_limit = '8kB';
SELECT count(*) FROM leadcrm.recount('plant');
ROLLBACK TO s;
SET LOCAL maintenance_work_mem = '64MB';
SELECT count(*) FROM (SELECT * FROM leadcrm.recount('plant') EXCEPT ALL TABLE counted) x;
ROLLBACK;
-- some of them
SELECT x.* FROM (SELECT leadcrm.sum_deltas(changes, 3::smallint, 0::smallint, ARRAY[1 << 24, 3 << 24]::bigint[], ARRAY[2 << 24, 4 << 24]::bigint[], '2024-02-01', '2024-03-02') AS c FROM delta) s,
	unnest(s.c) x ORDER BY key, code;
SELECT x.* FROM (SELECT leadcrm.sum_deltas(changes, 0::smallint, 0::smallint, NULL, NULL, '2024-03-02', NULL) AS c FROM delta) s, unnest(s.c) x ORDER BY key, code;
SELECT x.* FROM (SELECT leadcrm.sum_deltas(changes, 0::smallint, 0::smallint, '{0}', '{53477379}', '2024-03-02', NULL) AS c FROM delta) s, unnest(s.c) x;
-- several kinds in one reading: each range is of its own
SELECT x.* FROM (SELECT leadcrm.sum_deltas_in(changes, 3::smallint, '{8,1}'::smallint[], ARRAY[1 << 24, 0]::bigint[], ARRAY[2 << 24, 9223372036854775807]::bigint[], NULL, NULL) AS c FROM delta) s,
	unnest(s.c) x ORDER BY kind, key, code;
SELECT x.* FROM (SELECT leadcrm.sum_deltas_in(changes, 1::smallint, '{8}'::smallint[], '{0}', '{9223372036854775807}', NULL, NULL) AS c FROM delta) s, unnest(s.c) x;
SELECT leadcrm.sum_deltas_in(changes, 3::smallint, NULL::smallint[], '{0}', '{9223372036854775807}', NULL, NULL) FROM delta;
SELECT leadcrm.sum_deltas_in(changes, 3::smallint, '{NULL}'::smallint[], '{0}', '{9223372036854775807}', NULL, NULL) FROM delta;
-- places of all periods are those of the months
SELECT count(*) FROM (SELECT cube, key, code, sum(n), sum(amount) FROM sums WHERE kind = 0 AND cube > 2 GROUP BY 1, 2, 3
	EXCEPT ALL SELECT cube, key, code, sum(n), sum(amount) FROM sums WHERE kind = 8 AND cube > 2 GROUP BY 1, 2, 3) x;
SELECT leadcrm.sum_deltas(changes) FROM delta WHERE false;
-- what does not count, and what is gone
UPDATE plant SET weed = 'ivy' WHERE id > 101;
DELETE FROM plant WHERE id = 1;
DELETE FROM plant WHERE id = 101;
SELECT cube, sum(n), sum(amount) FROM sums WHERE kind = 0 GROUP BY cube ORDER BY cube;
-- a data-only restore brings the counts itself
SET leadcrm.enforcement = off;
UPDATE plant SET weed = NULL;
RESET leadcrm.enforcement;
SELECT sum(n) FROM sums WHERE kind = 0 AND cube = 0;
-- counting anew
SELECT cube, sum(leads) FROM leadcrm.recount('plant') WHERE kind = 0 GROUP BY cube ORDER BY cube;
-- a nested statement in a subtransaction that is undone takes nothing of the outer one with it
CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		UPDATE cube_counts.plant SET price = 5 WHERE id = NEW.id + 1;
		RAISE EXCEPTION 'undo' USING ERRCODE = 'P0099';
	EXCEPTION WHEN SQLSTATE 'P0099' THEN
		RETURN NULL;
	END;
END
$$;
CREATE TRIGGER zz_meddle AFTER UPDATE OF price ON plant FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION meddle();
UPDATE plant SET price = 1 WHERE id <= 104;
SELECT sum(valued), sum(amount) FROM sums WHERE kind = 0 AND cube = 0;
SELECT count(price), sum(price) FROM plant;

-- nor does a statement that fails after its rows were counted
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'P0099'; END $$;
CREATE TRIGGER zzz_refuse AFTER UPDATE OF fate ON plant FOR EACH ROW WHEN (NEW.id = 105) EXECUTE FUNCTION refuse();
BEGIN;
UPDATE plant SET price = 2 WHERE id = 110;
SAVEPOINT s;
UPDATE plant SET fate = 'dead', price = 10 WHERE id BETWEEN 102 AND 105;
ROLLBACK TO s;
UPDATE plant SET note = 'dry' WHERE id = 111;
COMMIT;
SELECT sum(valued), sum(amount) FROM sums WHERE kind = 0 AND cube = 0;
SELECT count(price), sum(price) FROM plant WHERE weed IS NULL;
DROP TRIGGER zzz_refuse ON plant;

-- what is refused
SELECT leadcrm.count_cells();
CREATE TRIGGER early BEFORE INSERT ON plant FOR EACH ROW EXECUTE FUNCTION leadcrm.count_cells();
INSERT INTO plant VALUES (1, '2024-03-01', 'seed');
DROP TRIGGER early ON plant;
ALTER TABLE plant RENAME COLUMN price TO cost;
INSERT INTO plant VALUES (1, '2024-03-01', 'seed');
ALTER TABLE plant RENAME COLUMN cost TO price;
ALTER TABLE plant RENAME COLUMN died TO fell;
INSERT INTO plant VALUES (1, '2024-03-01', 'seed');
ALTER TABLE plant RENAME COLUMN fell TO died;
ALTER TABLE delta RENAME COLUMN changes TO change;
INSERT INTO plant VALUES (1, '2024-03-01', 'seed');
ALTER TABLE delta RENAME COLUMN change TO changes;
ALTER TABLE delta RENAME TO deltas;
INSERT INTO plant VALUES (1, '2024-03-01', 'seed');
ALTER TABLE deltas RENAME TO delta;
INSERT INTO plant VALUES (1, 'infinity', 'seed');
INSERT INTO plant VALUES (1, '2024-03-01', 'seed');
SELECT * FROM leadcrm.recount('garden');
-- what is no delta
SELECT leadcrm.sum_deltas(x) FROM (VALUES ('\x'::bytea)) v (x);
SELECT leadcrm.sum_deltas(x) FROM (VALUES ('\x0300'::bytea)) v (x);
SELECT leadcrm.sum_deltas(x) FROM (VALUES ('\x020000030102'::bytea)) v (x);
SELECT leadcrm.sum_deltas(x) FROM (VALUES ('\x0209'::bytea)) v (x);
SELECT leadcrm.sum_deltas(x) FROM (VALUES ('\x02000000'::bytea)) v (x);
SELECT leadcrm.sum_deltas(x) FROM (VALUES ('\x020000200501610507'::bytea)) v (x);
SELECT leadcrm.sum_deltas(x, NULL, NULL, ARRAY[NULL::bigint], ARRAY[1::bigint], NULL, NULL) FROM (VALUES ('\x0200'::bytea)) v (x);
SELECT leadcrm.sum_deltas(x) FROM (VALUES ('\x0200'::bytea), (NULL)) v (x);
-- somebody else's deltas are not to be written by a table of one's own
CREATE ROLE leadcrm_stranger;
ALTER TABLE plant OWNER TO leadcrm_stranger;
INSERT INTO plant VALUES (2, '2024-03-01', 'seed');
ALTER TABLE plant OWNER TO CURRENT_USER;
DROP ROLE leadcrm_stranger;

-- histograms
SELECT leadcrm.add_counts('{5,1,3,2}', '{3,-2,7,1}'), leadcrm.add_counts('{}', ARRAY[ARRAY[2,1], ARRAY[1,1], ARRAY[2,1]]), leadcrm.add_counts('{1,1}', '{1,-1}');
SELECT leadcrm.add_counts('{1}', '{}');
SELECT leadcrm.add_counts('{1,NULL}', '{}');
SELECT leadcrm.add_counts('{1,9223372036854775807}', '{1,1}');
SELECT leadcrm.sum_counts(x) FROM (VALUES ('{1,1}'::bigint[]), ('{1,2,0,1}'), (NULL)) v (x);
SELECT leadcrm.sum_counts(NULL) FROM generate_series(1, 0);
SELECT leadcrm.duration_bucket(0), leadcrm.duration_bucket(-5), leadcrm.duration_bucket(127), leadcrm.duration_bucket(9223372036854775807), leadcrm.duration_bucket(-9223372036854775808);
SELECT leadcrm.duration_centile(0.5, '{4106,1,4116,1}'), leadcrm.duration_centile(0.5, '{}'), leadcrm.duration_centile(0, '{4096,3,4097,0}');
SELECT leadcrm.duration_centile(1.5, '{4096,1}');
SELECT leadcrm.duration_centile('NaN', '{4096,1}');
SELECT leadcrm.duration_centile(0.5, '{4096,-1}');
SELECT leadcrm.duration_centile(0.5, '{9999999,1}');
-- the quantile of many is within 1 %
SELECT bool_and(abs(leadcrm.duration_centile(p, h.counts) / e.exact - 1) < 0.01) FROM (SELECT array_agg(us ORDER BY us) AS all_us,
		leadcrm.sum_counts(ARRAY[leadcrm.duration_bucket(us) + 4096, 1]) AS counts FROM (SELECT (i * i * 1000003::bigint) AS us FROM generate_series(1, 1001) i) x) h,
	generate_series(0::numeric, 1, 0.1) p, LATERAL (SELECT h.all_us[1 + (1000 * p)::int]::float8 AS exact) e;
SET client_min_messages = warning;
DROP SCHEMA cube_counts CASCADE;
