# The report in a real browser: it is drawn, nothing in it runs, it fits a phone, and it is dark where that is asked for.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use LeadcrmTest;

my ($browser) = grep { defined && `timeout 30 $_ --version 2>/dev/null` =~ /\d/ } map { my $name = $_; (grep { -x } map { "$_/$name" } split /:/, $ENV{PATH})[0] }
  qw(chromium chromium-browser google-chrome chrome);
plan skip_all => 'no Chromium here: the report was not looked at in a browser' if !defined $browser;

my $node = new_node('main');
make_company($node, 'company', 400);
# labels that would run, were they not escaped
$node->safe_psql('company', <<'SQL');
UPDATE crm.setting SET organisation = 'Fish & Chips';
UPDATE crm.stage SET stuck_after = NULL, label = CASE stage WHEN 'mql' THEN '<script>document.title = "owned"</script>'
	WHEN 'sql' THEN 'سرنخ واجد شرایط بازاریابی' WHEN 'opportunity' THEN '<img src="x" onerror="document.title = 1">' ELSE label END;
SQL
my $dir = PostgreSQL::Test::Utils::tempdir();
append_to_file("$dir/report.html", $node->safe_psql('company', 'SELECT crm.funnel_report_html()') . "\n");

# browse(OPTIONS): what the browser prints
sub browse
{
	my @options = @_;
	my ($out, $err) = run_command([ 'timeout', '60', $browser, '--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars',
		'--disable-dev-shm-usage', '--no-first-run', "--user-data-dir=$dir/profile", @options ]);
	return $out;
}
$ENV{HOME} = $dir;

my $dom = browse('--dump-dom', "file://$dir/report.html");
like($dom, qr{<title>Fish &amp; Chips: the funnel</title>}, 'no script of a label ran');
unlike($dom, qr{<script|<img}, 'nor did one get into the document');
like($dom, qr{Month by month.*</html>}s, 'the browser read it to the end');
is(scalar(() = $dom =~ /<svg class="chart"/g), 8, 'with its charts');
like($dom, qr{<bdi>سرنخ واجد شرایط بازاریابی</bdi>}, 'and its labels');

# A page of our own looks at it in a frame, as wide as a phone and as a desk.
append_to_file("$dir/look.html", <<'HTML');
<!DOCTYPE html><html><head><meta charset="utf-8"><style>html { color-scheme: light dark } iframe { border: 0; height: 3000px }</style></head><body><script>
const found = [];
function look(width, next) {
	const frame = document.createElement('iframe');
	frame.style.width = width + 'px';
	frame.src = 'report.html';
	frame.onload = () => {
		const page = frame.contentDocument, view = frame.contentWindow;
		const beside = [...page.querySelectorAll('main *')].filter(e => !e.closest('.scroll') && e.getBoundingClientRect().right > width + 1);
		const small = [...page.querySelectorAll('svg.chart text')].filter(e => parseFloat(view.getComputedStyle(e).fontSize) < 12);
		found.push([width, page.documentElement.scrollWidth, beside.length, small.length, view.getComputedStyle(page.body).backgroundColor].join(' '));
		next();
	};
	document.body.append(frame);
}
look(390, () => look(1280, () => { const p = document.createElement('pre'); p.textContent = found.join('; '); document.body.append(p); }));
</script></body></html>
HTML
my %background = (light => 'rgb(244, 245, 247)', dark => 'rgb(15, 19, 24)');
for my $scheme (sort keys %background)
{
	my ($seen) = browse('--allow-file-access-from-files', '--blink-settings=preferredColorScheme=' . ($scheme eq 'dark' ? 0 : 1), '--virtual-time-budget=5000',
		'--window-size=1400,1200', '--dump-dom', "file://$dir/look.html") =~ m{<pre>(.*?)</pre>};
	is($seen, "390 390 0 0 $background{$scheme}; 1280 1280 0 0 $background{$scheme}",
		"$scheme: no wider than a phone or a desk, nothing beside it, no text too small, the background");
}

browse('--window-size=1280,2400', "--screenshot=$dir/report.png", "file://$dir/report.html");
my $picture = -e "$dir/report.png" ? slurp_file("$dir/report.png") : '';
like($picture, qr{^\x89PNG}, 'a screenshot');
cmp_ok(length $picture, '>', 50_000, 'with something on it');

$node->stop;
done_testing();
