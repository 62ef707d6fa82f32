# The files that say what this version is agree with leadcrm.control, where the version is kept.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename;
use JSON::PP;
use Test::More;

my $top = dirname(dirname(dirname(abs_path(__FILE__))));

sub slurp
{
	my ($file) = @_;
	open(my $in, '<', "$top/$file") or die "$file: $!";
	local $/;
	return scalar <$in>;
}

my ($version) = slurp('leadcrm.control') =~ /^default_version = '([0-9.]+)'$/m;
ok($version, 'leadcrm.control has a version');

my $meta = decode_json(slurp('META.json'));
is($meta->{version}, $version, 'META.json: the version of the distribution');
is($meta->{provides}{leadcrm}{version}, $version, 'META.json: the version of the extension');
ok(-e "$top/$meta->{provides}{leadcrm}{$_}", "META.json: $_ is there") for qw(file docfile);

my ($change) = slurp('CHANGELOG.md') =~ /^## ([0-9.]+)/m;
is($change, $version, 'CHANGELOG.md starts with this version');

# nobody writes the version into code, where it would be forgotten
my @repeats = grep { slurp($_) =~ /\Q'$version'\E|"\Q$version\E"/ }
  map { s{^\Q$top\E/}{}r } glob("$top/src/*.[ch] $top/src/*/*.[ch] $top/sql/*/*.sql $top/Makefile");
@repeats = grep { !m{^sql/upgrade/} } @repeats;
is("@repeats", '', 'the version stands in no source file');

# the first thing that a newcomer may lack
{
	local $ENV{MAKEFLAGS} = '';
	like(`make -n -C '$top' PG_CONFIG=/nonexistent/pg_config 2>&1`, qr/leads to no PostgreSQL header files.*postgresql-server-dev/,
		'without header files make says what is missing');
}

# a database of any encoding can hold what the scripts make
my @odd = grep { slurp($_) =~ /[^\x00-\x7f]/ } map { s{^\Q$top\E/}{}r } glob("$top/sql/*/*.sql");
is("@odd", '', 'the SQL scripts are in ASCII');

done_testing();
