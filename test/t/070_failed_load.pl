# A load of a million rows whose row 900,000 is wrong leaves nothing behind.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use LeadcrmTest;

my $node = new_node('load', conf => "max_wal_size = 4GB\ncheckpoint_timeout = 30min\nshared_buffers = 256MB\n");
make_company($node, 'company', 10);
my $contents = contents($node, 'company');

my $dir = PostgreSQL::Test::Utils::tempdir();
open(my $csv, '>', "$dir/leads.csv") or die $!;
for my $i (1 .. 1_000_000)
{
	print $csv $i == 900_000 ? "load$i,evangelist\n" : "load$i,lead\n";
}
close $csv;

my ($rc, $out, $err) = $node->psql('company', "\\set VERBOSITY verbose\n\\copy crm.lead (external_id, stage) FROM '$dir/leads.csv' (FORMAT csv)");
isnt($rc, 0, 'the load is refused');
like($err, qr/ERROR:  23514:/, 'with the state of a forbidden birth');
like($err, qr/evangelist/, 'and names the state');
is(contents_differ($contents, contents($node, 'company')), '', 'nothing is left behind');
is(disagreements($node, 'company'), '', 'rows and histories agree');
still_guarded($node, 'company', 'after the refused load');

$node->stop;
done_testing();
