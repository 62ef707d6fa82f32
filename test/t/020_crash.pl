# kill -9 of the whole server in the middle of 20,000 moves by several clients: what was committed is whole.
use strict;
use warnings;
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);
use LeadcrmTest;

# the processes whose parent is this one; others come and go meanwhile
sub children_of
{
	my ($parent) = @_;
	my @children;
	for my $file (glob('/proc/[0-9]*/stat'))
	{
		open(my $in, '<', $file) or next;
		my $line = <$in> // next;
		push @children, $1 if $line =~ /^(\d+) \(.*\) \S (\d+) / && $2 == $parent;
	}
	return @children;
}

my $moves = 20_000;
my $clients = 4;
my $node = new_node('crash', conf => "synchronous_commit = on\n");
make_company($node, 'company', 1000);

my $dir = PostgreSQL::Test::Utils::tempdir();
append_to_file("$dir/move.sql", <<'SQL');
\set lead random(1, 1000)
UPDATE crm.lead SET stage = CASE stage WHEN 'lead' THEN 'mql' ELSE 'lead' END::leadcrm.lifecycle_stage, stage_reason = 'not_ready'
	WHERE lead_id = :lead AND stage IN ('lead', 'mql');
SQL

my $rows = 'SELECT count(*) FROM crm.stage_history';
for my $round (1 .. 3)
{
	my $before = $node->safe_psql('company', $rows);
	my ($out, $err) = ('', '');
	my $bench = IPC::Run::start(
		[
			'pgbench', '-n', '-c', $clients, '-j', 2, '-t', $moves / $clients, '-f', "$dir/move.sql",
			$node->connstr('company')
		],
		'>', \$out, '2>', \$err);
	# pgbench's own word on how far it came would come too late
	$node->poll_query_until('company', "SELECT count(*) > $before + $round * 2000 FROM crm.stage_history")
	  or die 'nothing moves';

	my $postmaster = $node->{_pid};
	my @children = children_of($postmaster);
	cmp_ok(scalar(@children), '>=', $clients, "round $round: the server's processes are known");
	$node->kill9;
	kill 'KILL', @children;
	eval { $bench->finish };
	like($err, qr/backend died|server closed the connection/, "round $round: the clients lost their server in the middle");
	# shared memory goes when the last process is gone
	for (1 .. 100)
	{
		last if !grep { kill 0, $_ } @children;
		usleep(100_000);
	}
	$node->start;
	my $after = $node->safe_psql('company', $rows);
	cmp_ok($after, '>', $before, "round $round: moves were kept");
	cmp_ok($after, '<', $before + $moves, "round $round: not all moves were made");
	is(disagreements($node, 'company'), '', "round $round: rows and histories agree after the crash");
}
like(slurp_file($node->logfile), qr/database system was not properly shut down/, 'the server did crash');
still_guarded($node, 'company', 'after the crash');

$node->stop;
done_testing();
