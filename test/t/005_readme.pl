# The README's examples: run from top to bottom in one database, each prints what stands below it, and fails where it says so.
use strict;
use warnings;
use Cwd qw(abs_path getcwd);
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use LeadcrmTest;

my $top = dirname(dirname(dirname(abs_path(__FILE__))));
open(my $in, '<', "$top/README.md") or die "README.md: $!";

# the code blocks: language, text, heading and line above it
my (@blocks, $block);
my $heading = '';
while (my $line = <$in>)
{
	if ($line =~ /^```(\w*)/)
	{
		push @blocks, $block if $block;
		$block = $block ? undef : { language => $1, text => '', heading => $heading, line => $. };
	}
	elsif ($block) { $block->{text} .= $line }
	elsif ($line =~ /^#+ (.*)/) { $heading = $1 }
}
close $in;

# one way of writing for what only differs in width or in the time of day
sub plain
{
	my ($line) = @_;
	$line =~ s/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?[+-]\d\d/TIME/g;
	$line =~ s/-+/-/g;
	$line =~ s/\s+/ /g;
	return $line =~ s/^ | $//gr;
}

# what a block says that it prints: comments that are messages or tables, and the block without a language below it
sub promised
{
	my ($sql, $below) = @_;
	my @lines = map { s/^-- //r } grep { /^-- (ERROR|DETAIL|HINT):/ || /^-- .*( \| |-\+-)/ } split(/\n/, $sql);
	push @lines, split(/\n/, $below);
	return map { plain(s/ \.\.\.$//r) } @lines;
}

my $node = new_node('readme');
my $dir = PostgreSQL::Test::Utils::tempdir();
$node->safe_psql('postgres', "CREATE DATABASE $_") for qw(teaser readme);

my $user = $node->safe_psql('postgres', 'SELECT current_user');
my $tried = 0;
for my $i (0 .. $#blocks)
{
	my ($b, $next) = @blocks[ $i, $i + 1 ];
	if ($b->{language} eq 'csv')
	{
		open(my $csv, '>', "$dir/leads.csv") or die $!;
		print $csv $b->{text};
		close $csv;
	}
	# a scheduler is not ours
	next if $b->{language} ne 'sql' || $b->{text} =~ /cron\.schedule/;

	my $where = "README.md line $b->{line}, \"$b->{heading}\"";
	my $below = $next && $next->{language} eq '' && $next->{text} !~ /^=>/
	  && $next->{line} == $b->{line} + ($b->{text} =~ tr/\n//) + 2 ? $next->{text} : '';
	my ($out, $err) = ('', '');
	my $back = getcwd();
	chdir $dir or die $!;
	my $sql = $b->{text};
	IPC::Run::run([ 'psql', '-X', '-q', '-P', 'footer=off', '-d', $node->connstr($i == 0 ? 'teaser' : 'readme') ], '<', \$sql, '>', \$out, '2>', \$err);
	chdir $back or die $!;
	$out =~ s/\b\Q$user\E\b/postgres/g;
	$tried++;

	my @promised = promised($b->{text}, $below);
	my %printed = map { plain($_) => 1 } split(/\n/, "$out\n$err");
	my @missing = grep { my $line = $_; !$printed{$line} && !grep { index($_, $line) == 0 } grep { /^HINT/ } keys %printed } @promised;
	is(join("\n", @missing), '', "$where: prints what it says") or diag("$out$err");
	is(join("\n", grep { /^ERROR/ } map { plain($_) } split(/\n/, $err)), join("\n", grep { /^ERROR/ } @promised), "$where: fails only where it says so");
}
cmp_ok($tried, '>=', 10, "$tried examples");
is(disagreements($node, 'readme'), '', 'rows and histories agree in the end');

$node->stop;
done_testing();
