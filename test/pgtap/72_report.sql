-- The report as a page: well-formed, nothing in it that runs or is fetched, whatever the labels; figures as the views have
-- them; nobody yet, and periods.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS leadcrm;
\ir include/error.sql
SELECT leadcrm.create_workspace('crm') \g /dev/null
SET TimeZone = 'UTC';
SET jit = off;
SELECT no_plan();

-- the page as XML, and a way into it
CREATE TABLE t.page (name text PRIMARY KEY, html text, doc xml);
CREATE FUNCTION t.make(page text, since date DEFAULT NULL, until date DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	INSERT INTO t.page SELECT page, r.html, xmlparse(DOCUMENT r.html) FROM (SELECT crm.funnel_report_html(since, until) AS html) r
	ON CONFLICT (name) DO UPDATE SET html = EXCLUDED.html, doc = EXCLUDED.doc
	RETURNING name
$$;
CREATE FUNCTION t.find(page text, path text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT x::text FROM t.page p, unnest(xpath(path, p.doc, ARRAY[ARRAY['h', 'http://www.w3.org/1999/xhtml'], ARRAY['s', 'http://www.w3.org/2000/svg']])) x
	WHERE p.name = page
$$;
CREATE FUNCTION t.visible(page text) RETURNS text LANGUAGE sql AS $$
	SELECT regexp_replace(string_agg(x, ' '), '[\u2068\u2069]', '', 'g') FROM t.find(page, '//h:body//text()') x
$$;

-- nobody yet
SELECT is(t.make('empty'), 'empty', 'an empty workspace has a page');
SELECT ok(t.visible('empty') LIKE '%There are no leads yet.%', 'which says so');
SELECT is_empty($$SELECT t.find('empty', '//s:svg')$$, 'and draws nothing');
UPDATE crm.stage SET in_funnel = false;
SELECT ok(t.visible(t.make('none')) LIKE '%No stage is in the funnel.%', 'nor is there a funnel without stages');
UPDATE crm.stage SET in_funnel = stage NOT IN ('subscriber', 'evangelist');

-- a company with names that a page must not trip over
UPDATE crm.setting SET organisation = 'Fish & <b>Chips</b> "Ltd"', base_currency = 'GEL';
UPDATE crm.stage SET label = CASE stage WHEN 'lead' THEN '<script>document.title = "owned"</script>' WHEN 'mql' THEN 'سرنخ واجد شرایط بازاریابی'
	WHEN 'sql' THEN 'A & B "quoted" ''single'' with a name much longer than a chart has room for' WHEN 'opportunity' THEN E'tab\tbell\007]]> --> &lt;' ELSE label END,
	stuck_after = NULL, target_conversion_pct = CASE stage WHEN 'mql' THEN 40 ELSE target_conversion_pct END;
UPDATE crm.channel SET label = '</svg></style><img src="http://leadcrm.invalid/x" onerror="document.title = 1">' WHERE code = 'paid_search';
UPDATE crm.channel SET label = 'ポッドキャスト' WHERE code = 'event';
CREATE FUNCTION t.leads(n int, far leadcrm.lifecycle_stage, channel text, status text, at timestamptz, value numeric) RETURNS void LANGUAGE sql AS $$
	INSERT INTO crm.lead (channel, stage, status, status_since, status_reason, value, lead_at, mql_at, sql_at, opportunity_at, customer_at)
	SELECT channel, far, status, at + interval '6 days', 'no_decision', value, at, CASE WHEN far >= 'mql' THEN at + interval '1 day' END,
		CASE WHEN far >= 'sql' THEN at + interval '2 days' END, CASE WHEN far >= 'opportunity' THEN at + interval '3 days' END,
		CASE WHEN far >= 'customer' THEN at + interval '4 days' END FROM generate_series(1, n)
$$;
SELECT t.leads(600, 'lead', 'paid_search', 'lost', '2026-02-03', 100), t.leads(280, 'mql', 'paid_search', 'lost', '2026-02-03', 1000),
	t.leads(5, 'sql', 'paid_search', 'lost', '2026-02-03', 2000), t.leads(50, 'mql', 'event', 'lost', '2026-03-03', NULL),
	t.leads(40, 'sql', 'event', 'lost', '2026-03-03', 3000), t.leads(20, 'opportunity', 'event', 'lost', '2026-03-03', 10000),
	t.leads(25, 'customer', 'event', NULL, '2026-03-03', 20000), t.leads(80, 'lead', 'referral', NULL, '2026-04-03', NULL) \g /dev/null
SELECT is(t.make('odd'), 'odd', 'odd names: the page is a well-formed document');
SELECT is_empty($$SELECT t.find('odd', '//h:script | //s:script | //h:img | //h:link | //h:iframe | //h:object | //@onerror | //@onload | //@href | //@src | //@style')$$,
	'nothing in it runs or is fetched');
SELECT ok(html !~* '(url\(|@import|javascript:|http://leadcrm\.invalid/x"( |>)|<b>)' AND html !~ '[\u0001-\u0008]', 'not by its styles either') FROM t.page WHERE name = 'odd';
SELECT is(array_agg(x), ARRAY['default-src ''none''; style-src ''unsafe-inline'''], 'and the page forbids it')
FROM (SELECT replace(t.find('odd', '//h:meta[@http-equiv="Content-Security-Policy"]/@content'), '&#39;', '''') AS x) y;
SELECT is(t.find('odd', '//h:title/text()'), 'Fish &amp; &lt;b&gt;Chips&lt;/b&gt; "Ltd": the funnel', 'the title');
SELECT results_eq($$SELECT t.find('odd', '/h:html/@lang | //h:meta[@name="viewport"]/@content')$$, ARRAY['en', 'width=device-width, initial-scale=1'],
	'its language, and fit for phones');
SELECT ok(html LIKE '%@media (prefers-color-scheme: dark)%', 'dark where that is asked for') FROM t.page WHERE name = 'odd';
SELECT ok(position(x IN t.visible('odd')) > 0, 'to be read: ' || x)
FROM unnest(ARRAY['&lt;script&gt;document.title', 'سرنخ واجد شرایط بازاریابی', 'A &amp; B "quoted" ''single'' with a name much longer than a chart has room for', '…',
	'ポッドキャスト', '&lt;/svg&gt;&lt;/style&gt;&lt;img src="http', ']]&gt; --&gt; &amp;lt;', U&'bell\FFFD']) x;
SELECT is((SELECT count(*) FROM t.find('odd', '//h:bdi[text()="سرنخ واجد شرایط بازاریابی"]')) > 3, true, 'labels keep their direction to themselves');
SELECT ok(html LIKE '%&#8296;سرنخ واجد شرایط بازاریابی&#8297;</text>%', 'in charts too') FROM t.page WHERE name = 'odd';

-- every chart says what it is, and each has its table; ids are unique
SELECT is_empty($$SELECT t.find('odd', '//s:svg[@class="chart" and not(@role="img" and s:title and s:desc)]')$$, 'every chart has a title and a description');
SELECT is((SELECT count(*) FROM t.find('odd', '//s:svg[@class="chart"]')), 8::bigint, 'eight charts: funnel, leak, channels, days, four curves');
SELECT is((SELECT count(*) FROM t.find('odd', '//h:table')), 7::bigint, 'seven tables: one for each kind of chart, months, what if');
SELECT is_empty($$SELECT x FROM t.find('odd', '//@id') x GROUP BY x HAVING count(*) > 1$$, 'no id stands twice');
SELECT is_empty($$SELECT i FROM t.find('odd', '//@aria-labelledby') l, unnest(string_to_array(l, ' ')) i WHERE i NOT IN (SELECT t.find('odd', '//@id'))$$, 'and none is missing');
SELECT is_empty($$SELECT x FROM t.find('odd', '//h:section/h:h2/@id') x WHERE x <> ALL ('{funnel,leak,channels,days,more,curves,months}')$$, 'the sections');
SELECT is((SELECT count(*) FROM t.find('odd', '//h:section')), 7::bigint, 'are all there');
SELECT is_empty($$SELECT x FROM t.find('odd', '//s:svg//@width | //s:svg//@x | //s:svg//@cx | //s:svg//@x1 | //s:svg//@x2') x
	WHERE NOT (x ~ '^[0-9.]+%?$' AND (right(x, 1) <> '%' OR rtrim(x, '%')::numeric <= 100.01))$$, 'nothing is drawn beside the charts');

-- the figures are those of the views
SELECT is(array_agg(x), (SELECT array_agg(crm.number_text(entered) ORDER BY position) FROM crm.funnel_leak), 'the funnel''s numbers')
FROM t.find('odd', '//s:svg[@aria-labelledby="funnel-chart-title funnel-chart-desc"]//s:text[contains(@class, "bold") and @text-anchor="end"]/text()') x;
SELECT is(array_agg(x), (SELECT array_agg(crm.report_at(CASE WHEN stage = 'customer' THEN entered ELSE advanced END / 1100.0) ORDER BY position) FROM crm.funnel_leak),
	'the lengths of its dark bars')
FROM t.find('odd', '//s:svg[@aria-labelledby="funnel-chart-title funnel-chart-desc"]//s:rect[@class="went"]/@width') x;
SELECT is(array_agg(replace(x, U&'\00A0', ' ')), (SELECT array_agg(crm.money_text(lost_value) ORDER BY position) FROM crm.funnel_leak WHERE stage <> 'customer'), 'the leak in money')
FROM t.find('odd', '//s:svg[@aria-labelledby="leak-chart-title leak-chart-desc"]//s:text[contains(@class, "bold") and @text-anchor="end"]/text()') x;
SELECT is((SELECT array_agg(x) FROM t.find('odd', '//s:svg[@aria-labelledby="leak-chart-title leak-chart-desc"]//s:rect[@class="leak"]/@width') x), ARRAY['100%'],
	'one bar stands out, here the longest');
SELECT is((SELECT replace(string_agg(x, ''), U&'\00A0', ' ') FROM t.find('odd', '//h:p[contains(@class, "verdict")]//text()') x),
	-- (40 - 90 / 4.2) % of 420, half of them opportunities, a quarter of those customers, worth 20,000 each
	'Fix سرنخ واجد شرایط بازاریابی first. 21.4 % of 420 decided leads went on there; 40.0 % could. That is worth 9.8 customers, 195,000 GEL. '
	'It leaks most in &lt;/svg&gt;&lt;/style&gt;&lt;img src="http://leadcrm.invalid/x" onerror="document.title = 1"&gt;: 1.8 %.', 'the verdict');
SELECT ok(t.visible('odd') LIKE '%Could, reference: the target of the stage;%', 'and what could means is said');
SELECT is((SELECT count(*) FROM t.find('odd', '//h:table[@class="heat"]/h:tbody/h:tr')), 3::bigint, 'three months');
SELECT is((SELECT array_agg(x) FROM t.find('odd', '//h:table[@class="heat"]/h:tbody/h:tr[3]/h:td/@class') x), ARRAY['count', 'young'], 'the last of them still open');

-- the same at every call; another period; bounds left out
SELECT is(crm.funnel_report_html(), (SELECT html FROM t.page WHERE name = 'odd'), 'the same at every call');
SELECT is(crm.funnel_report_html('-infinity', 'infinity'), (SELECT html FROM t.page WHERE name = 'odd'), 'an open period is no period');
SELECT is(t.make('march', '2026-03-01', '2026-04-01'), 'march', 'the leads of March');
SELECT is((SELECT array_agg(x) FROM t.find('march', '//s:svg[@aria-labelledby="funnel-chart-title funnel-chart-desc"]//s:text[contains(@class, "bold") and @text-anchor="end"]/text()') x),
	ARRAY['135', '135', '85', '45', '25'], 'alone');
SELECT ok(t.visible('march') LIKE '%Leads created from 2026-03-01 until before 2026-04-01, as of %', 'which the page says');
SELECT ok(t.visible(t.make('on', '2026-03-01')) LIKE '%Leads created from 2026-03-01 on%', 'or from then on');
SELECT ok(t.visible(t.make('before', NULL, '2026-03-01')) LIKE '%Leads created before 2026-03-01%', 'or before');
SELECT ok(t.visible(t.make('past', '1990-01-01', '1991-01-01')) LIKE '%No leads were created in this period.%', 'or nobody');
SELECT ok(t.visible(t.make('day', '2026-03-01', '2026-03-01')) LIKE '%No leads were created in this period.%', 'not in a period without a day either');
SELECT is(t.error('SELECT crm.funnel_report_html(''2026-03-02'', ''2026-03-01'')'),
	E'22023: the period ends before it begins: from 2026-03-02 until 2026-03-01\nHINT: since is the first day of the period, until the first day after it.', 'the wrong way round');

-- nothing known: no values, no references, no channel with enough leads
UPDATE crm.lead SET value = NULL;
UPDATE crm.stage SET target_conversion_pct = NULL;
SELECT is(t.make('bare'), 'bare', 'without values and references the page is well-formed');
SELECT ok(t.visible('bare') LIKE '%No lost lead has a value%' AND t.visible('bare') LIKE '%–%', 'and says what is not known');
UPDATE crm.stage SET in_funnel = stage IN ('mql', 'customer');
SELECT is(t.make('short'), 'short', 'a funnel of two stages');
UPDATE crm.stage SET in_funnel = stage = 'sql';
SELECT is(t.make('one'), 'one', 'and of one');
UPDATE crm.stage SET in_funnel = true;
SELECT is(t.make('long'), 'long', 'and of seven');
UPDATE crm.setting SET organisation = NULL;
SELECT is(t.find(t.make('nameless'), '//h:h1/text()'), 'The funnel', 'a company without a name');

-- the parts, on figures given by hand
SELECT is(crm.report_escape(x), y, 'escaped: ' || quote_nullable(x))
FROM (VALUES ('a<b>&"c''', 'a&lt;b&gt;&amp;&quot;c&#39;'), (NULL, '-'), ('', ''), (E'\u0001x\ny', E'&#65533;x\ny'), (U&'\FFFF', '&#65533;')) v (x, y);
SELECT is(crm.report_ticks(h), t, 'ticks to ' || h) FROM (VALUES (60::float8, '{0,20,40,60}'::float8[]), (61, '{0,20,40,60,80}'), (0, '{0,1}'), (NULL, '{0,1}'),
	(0.3, '{0,0.1,0.2,0.3}'), (100, '{0,50,100}'), (7, '{0,2,4,6,8}')) v (h, t);
SELECT is(crm.report_money(x), y, 'money: ' || y) FROM (VALUES (9999999::numeric, '9,999,999 GEL'), (22216200, '22.2 M GEL'), (12345678901, '12.3 bn GEL'), (NULL, '-'), (0, '0 GEL')) v (x, y);
SELECT is(crm.report_svg_label('abcdef', 6), '&#8296;abcdef&#8297;', 'a label that fits');
SELECT is(crm.report_svg_label('abc&ef', 5), '&#8296;abc&amp;&#8230;&#8297;', 'a label that does not');
SELECT is(crm.report_at(x), y, 'at ' || y) FROM (VALUES (0.125::float8, '12.5%'), (NULL, '0%'), (1, '100%'), (1e-9, '0%')) v (x, y);
SELECT ok(crm.report_months('[{"position": 2, "label": "a"}, {"position": 3, "label": "b"}]', jsonb_build_array(
	jsonb_build_object('month', '2026-01-01', 'position', 2, 'entered', 100, 'active', 0, 'resolved_pct', 10), jsonb_build_object('month', '2026-01-01', 'position', 3, 'entered', 10, 'cumulative_pct', 10),
	jsonb_build_object('month', '2026-02-01', 'position', 2, 'entered', 100, 'active', 20, 'resolved_pct', 30), jsonb_build_object('month', '2026-02-01', 'position', 3, 'entered', 24, 'cumulative_pct', 24),
	jsonb_build_object('month', '2026-03-01', 'position', 2, 'entered', 100, 'active', 21, 'resolved_pct', 90), jsonb_build_object('month', '2026-03-01', 'position', 3, 'entered', 71, 'cumulative_pct', 71),
	jsonb_build_object('month', '2026-04-01', 'position', 2, 'entered', 0, 'active', 0), jsonb_build_object('month', '2026-04-01', 'position', 3, 'entered', 0)))
	LIKE '%<td class="count">100</td><td class="h0">10.0</td><td class="h0">10.0</td></tr>%<td class="h4">30.0</td><td class="h4">24.0</td></tr>'
		'%<td class="young">90.0</td><td class="young">71.0</td></tr>%<td class="count">0</td><td>-</td><td>-</td></tr>%',
	'a heat map: the scale is of the months that are over, others are marked');

-- rights
CREATE ROLE lc_analyst;
CREATE ROLE lc_stranger;
SELECT crm.grant_access('lc_analyst', 'analyst') \g /dev/null
SELECT is(t.error('SELECT crm.funnel_report_html()', 'lc_analyst'), 'none', 'an analyst may read it');
SELECT matches(t.error('SELECT crm.funnel_report_html()', 'lc_stranger'), '^42501: ', 'others may not');
SET LOCAL search_path = '';
CREATE TEMP TABLE anywhere AS SELECT crm.funnel_report_html() AS html;
RESET search_path;
SELECT is((SELECT html FROM anywhere), crm.funnel_report_html(), 'the same whatever the search path');

SELECT * FROM finish();
ROLLBACK;
