# A million changes in one transaction, through each trigger, and the backend's memory stays flat.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use LeadcrmTest;

my $node = new_node('memory', conf => "max_wal_size = 4GB\ncheckpoint_timeout = 30min\nshared_buffers = 256MB\njit = off\n");
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION leadcrm;
CREATE TYPE state AS ENUM ('a', 'b', 'c');
CREATE TABLE item (id bigint PRIMARY KEY, state state NOT NULL, a_at timestamptz, b_at timestamptz, note text);
CREATE TABLE memory_use (of_table text, trigger_time text, id bigint, bytes bigint);
SELECT leadcrm.track('item', 'state');
INSERT INTO item_state_transition (from_state, to_state) VALUES (NULL, 'a'), ('a', 'b'), ('b', 'a');
-- every memory context of this backend; the queue of AFTER triggers is the server's own, grows by design and is emptied
-- at the end of each statement
CREATE FUNCTION used() RETURNS bigint LANGUAGE sql AS
	$$SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts WHERE name NOT LIKE 'AfterTriggerEvents%'$$;
SQL

# ten statements of 100,000 rows in one transaction: the use after the second and after the last is the same
sub growth
{
	my ($what, $before, $statement) = @_;
	my $out = $node->safe_psql('postgres', "BEGIN;\n$before\n" . join("\n", map { my $i = $_; my $s = $statement;
			$s =~ s/:i\b/$i/g; "$s\nSELECT 'used ' || used();" } 0 .. 9) . "\nCOMMIT;");
	my @used = $out =~ /^used (\d+)$/mg;
	is(scalar(@used), 10, "$what: ten measurements");
	my $grown = $used[9] - $used[1];
	# a cache of the server's may take one more block meanwhile; a leak of three bytes a row would be more
	cmp_ok($grown, '<', 2 * 1024 * 1024, "$what: 800,000 more rows take no more memory ($used[1] bytes, then $used[9])");
	return;
}

growth('births', '', "INSERT INTO item (id, state) SELECT i, 'a' FROM generate_series(:i * 100000 + 1, :i * 100000 + 100000) i;");
growth('changes', '', "UPDATE item SET state = CASE state WHEN 'a' THEN 'b' ELSE 'a' END::state WHERE id <= 100000;");
is($node->safe_psql('postgres', 'SELECT count(*) FROM item_state_history'), '2000000', 'two million rows are in the history');
growth('other columns', '', "UPDATE item SET note = repeat('x', 3000) WHERE id > :i * 20000 AND id <= :i * 20000 + 20000;");
growth('deletes', '', 'DELETE FROM item WHERE id > :i * 20000 AND id <= :i * 20000 + 20000;');
growth('backfills', '',
	"INSERT INTO item (id, state, a_at, b_at) SELECT i, 'b', timestamptz '2024-01-01' + i * interval '1 second', timestamptz '2024-06-01' + i * interval '1 second' FROM generate_series(:i * 20000 + 2000001, :i * 20000 + 2020000) i;");
growth('savepoints', '', <<'SQL');
DO $$
BEGIN
	FOR i IN 1 .. 2000 LOOP
		BEGIN
			UPDATE item SET state = 'c' WHERE id = 999999;	-- refused
		EXCEPTION WHEN check_violation THEN
			NULL;
		END;
	END LOOP;
END
$$;
SQL

# within one statement of a million rows: measured by triggers of the table's own, which fire near ours, against the same
# statement on a table that is not tracked. (PostgreSQL 15 itself takes some bytes a row where there is a BEFORE trigger.)
$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION measure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.id IN (1000, 990000) THEN
		INSERT INTO memory_use VALUES (TG_RELID::regclass::text, TG_WHEN, NEW.id, used());
	END IF;
	RETURN NEW;
END
$$;
CREATE TABLE tracked (id bigint PRIMARY KEY, state state NOT NULL);
CREATE TABLE bare (id bigint PRIMARY KEY, state state NOT NULL);
SELECT leadcrm.track('tracked', 'state');
INSERT INTO tracked SELECT i, 'a' FROM generate_series(1, 1000000) i;
INSERT INTO bare SELECT i, 'a' FROM generate_series(1, 1000000) i;
CREATE TRIGGER a_measure BEFORE UPDATE ON tracked FOR EACH ROW EXECUTE FUNCTION measure();
CREATE TRIGGER "~zz_measure" AFTER UPDATE ON tracked FOR EACH ROW EXECUTE FUNCTION measure();
CREATE TRIGGER a_measure BEFORE UPDATE ON bare FOR EACH ROW EXECUTE FUNCTION measure();
CREATE TRIGGER "~zz_measure" AFTER UPDATE ON bare FOR EACH ROW EXECUTE FUNCTION measure();
UPDATE tracked SET state = 'b';
UPDATE bare SET state = 'b';
SQL
for my $when (qw(BEFORE AFTER))
{
	my ($tracked, $bare) = map { $node->safe_psql('postgres', <<"SQL") } qw(tracked bare);
SELECT max(bytes) FILTER (WHERE id = 990000) - max(bytes) FILTER (WHERE id = 1000) FROM memory_use
WHERE of_table = '$_' AND trigger_time = '$when'
SQL
	cmp_ok($tracked, '<=', $bare + 256 * 1024,
		"one statement of a million rows takes no more memory than untracked ($when ROW: $tracked bytes, $bare)");
}

# scores: within one statement of a million rows, the use at the thousandth row and near the last
for (
	[ 'lead_score(), its half-life written in two ways', "leadcrm.lead_score(i, timestamptz '2020-01-01' + i * interval '1 minute', CASE WHEN i % 2 = 0 THEN interval '30 days' ELSE '720 hours' END)" ],
	[ 'sum(lead_score)', "leadcrm.sum(leadcrm.add_points(leadcrm.make_score(i, '2020-01-01', '30 days'), 1, '2020-01-02')::text::leadcrm.lead_score)" ])
{
	my ($what, $aggregate) = @$_;
	my $grown = $node->safe_psql('postgres', "SELECT max(u) FILTER (WHERE i = 990000) - max(u) FILTER (WHERE i = 1000) FROM
		(SELECT i, CASE WHEN i IN (1000, 990000) THEN used() END AS u FROM generate_series(1, 1000000) i OFFSET 0) x HAVING $aggregate IS NOT NULL");
	cmp_ok($grown, '<', 256 * 1024, "$what: a million rows take no more memory");
}
my $grown = $node->safe_psql('postgres', "SET work_mem = '1MB'; SELECT max(u) FILTER (WHERE i = 990000) - max(u) FILTER (WHERE i = 100000) FROM
	(SELECT i, s, CASE WHEN i IN (100000, 990000) THEN used() END AS u FROM
		(SELECT i, leadcrm.lead_score(i % 7 - 3, timestamptz '2020-01-01' - i * interval '1 day', '1 day') OVER (ORDER BY i ROWS 20 PRECEDING) AS s
		FROM generate_series(1, 1000000) i) w OFFSET 0) x WHERE s IS NOT NULL");
cmp_ok($grown, '<', 256 * 1024, 'moving frames, made anew over and over: a million rows take no more memory');

is(disagreements($node, 'postgres'), '', 'rows and histories agree');
$node->stop;
done_testing();
