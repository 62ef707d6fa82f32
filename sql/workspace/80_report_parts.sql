-- The parts that funnel_report_html puts its page together from. Whatever comes from a row passes report_escape.

CREATE OR REPLACE FUNCTION @workspace@.report_escape(raw text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
-- characters that no document of XML may hold become U+FFFD; the last two of them only one encoding knows
SELECT CASE WHEN getdatabaseencoding() = 'UTF8' THEN regexp_replace(e.escaped, '[\uFFFE\uFFFF]', '&#65533;', 'g') ELSE e.escaped END
FROM (
	SELECT regexp_replace(replace(replace(replace(replace(replace(coalesce(report_escape.raw, '-'),
		'&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;'),
		'[\u0001-\u0008\u000B\u000C\u000E-\u001F]', '&#65533;', 'g') AS escaped
) e;
END;
COMMENT ON FUNCTION @workspace@.report_escape(text) IS
	'Text as it may stand in HTML, SVG and their attributes; NULL gives a dash.';

CREATE OR REPLACE FUNCTION @workspace@.report_label(label text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '<bdi>' || @workspace@.report_escape(label) || '</bdi>';
COMMENT ON FUNCTION @workspace@.report_label(text) IS
	'A label of the company''s, in whatever direction it is written, as a piece of HTML.';

CREATE OR REPLACE FUNCTION @workspace@.report_svg_label(label text, longest integer DEFAULT 30) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- SVG has no bdi: the label stands between a first strong isolate and its end
RETURN '&#8296;' || CASE WHEN length(label) > longest THEN @workspace@.report_escape(left(label, longest - 1)) || '&#8230;'
	ELSE @workspace@.report_escape(label) END || '&#8297;';
COMMENT ON FUNCTION @workspace@.report_svg_label(text, integer) IS
	'A label of the company''s as text in SVG, which does not wrap: cut to so many characters.';

CREATE OR REPLACE FUNCTION @workspace@.report_money(amount numeric) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT CASE
	WHEN abs(report_money.amount) >= 10000 * m.million THEN @workspace@.number_text(report_money.amount / (1000 * m.million), 1) || ' bn ' || m.currency
	WHEN abs(report_money.amount) >= 10 * m.million THEN @workspace@.number_text(report_money.amount / m.million, 1) || ' M ' || m.currency
	ELSE @workspace@.money_text(report_money.amount) END
FROM (SELECT 1000000::numeric AS million, (SELECT s.base_currency FROM @workspace@.setting s) AS currency) m;
END;
COMMENT ON FUNCTION @workspace@.report_money(numeric) IS
	'An amount in the base currency where there is little room: 22.2 M EUR; exact below 10 million. NULL gives a dash.';

CREATE OR REPLACE FUNCTION @workspace@.report_at(share double precision) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN trim_scale(round(coalesce(share, 0)::numeric * 100, 2)) || '%';
COMMENT ON FUNCTION @workspace@.report_at(double precision) IS
	'A place or a length in a chart, 0 to 1 of its width, as SVG has it: 12.5%.';

CREATE OR REPLACE FUNCTION @workspace@.report_ticks(highest double precision) RETURNS double precision[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT coalesce((
	SELECT array_agg((n * s.step)::double precision ORDER BY n)
	FROM (SELECT min(p.power * m.m) AS step
		FROM (SELECT power(10::numeric, floor(log(h.highest / 4))) AS power) p
		CROSS JOIN (VALUES (1), (2), (5), (10)) m (m)
		WHERE p.power * m.m >= h.highest / 4) s
	CROSS JOIN LATERAL generate_series(0, ceil(h.highest / s.step)::integer) n), '{0,1}')
FROM (SELECT CASE WHEN report_ticks.highest > 0 THEN report_ticks.highest::numeric END AS highest) h;
END;
COMMENT ON FUNCTION @workspace@.report_ticks(double precision) IS
	'Round numbers for an axis from 0 to at least the highest figure, at most six.';

CREATE OR REPLACE FUNCTION @workspace@.report_chart(id text, title text, description text, height integer, body text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- Places across are shares of the width and text has its own size: the chart fits a phone and a wide screen alike.
RETURN format('<svg class="chart" xmlns="http://www.w3.org/2000/svg" width="100%%" height="%s" role="img" aria-labelledby="%s-title %s-desc">'
	'<title id="%s-title">%s</title><desc id="%s-desc">%s</desc>' || E'\n%s</svg>\n',
	height, id, id, id, @workspace@.report_escape(title), id, @workspace@.report_escape(description), body);
COMMENT ON FUNCTION @workspace@.report_chart(text, text, text, integer, text) IS
	'A chart as inline SVG, as wide as its place and height pixels high, with a title and a description for who cannot see it. The body is SVG.';

CREATE OR REPLACE FUNCTION @workspace@.report_row(cells text[], tag text DEFAULT 'td') RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT '<tr>' || string_agg(CASE
		WHEN report_row.tag = 'th' THEN format('<th scope="col">%s</th>', c.cell)
		WHEN c.n = 1 THEN format('<th scope="row">%s</th>', c.cell)
		ELSE format('<td>%s</td>', c.cell) END, '' ORDER BY c.n) || E'</tr>\n'
FROM unnest(report_row.cells) WITH ORDINALITY c (cell, n);
END;
COMMENT ON FUNCTION @workspace@.report_row(text[], text) IS
	'A row of a table; the cells are HTML. The tag th makes the row of headings.';

CREATE OR REPLACE FUNCTION @workspace@.report_table(caption text, head text[], body text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN format(E'<details><summary>The figures as a table</summary>\n<div class="scroll"><table><caption>%s</caption>\n<thead>%s</thead>\n'
	'<tbody>\n%s</tbody></table></div>\n</details>\n',
	@workspace@.report_escape(caption), @workspace@.report_row(head, 'th'), body);
COMMENT ON FUNCTION @workspace@.report_table(text, text[], text) IS
	'What a chart shows, as a table to fold out; the head''s cells and the body''s rows are HTML.';

CREATE OR REPLACE FUNCTION @workspace@.report_section(name text, heading text, lead_in text, body text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN format(E'<section class="%s" aria-labelledby="%s">\n<h2 id="%2$s">%3$s</h2>\n%4$s%5$s</section>\n', name, split_part(name, ' ', 1), heading,
	coalesce('<p class="lead">' || nullif(lead_in, '') || E'</p>\n', ''), body);
COMMENT ON FUNCTION @workspace@.report_section(text, text, text, text) IS
	'A section of the page; name: its id, and classes of the style sheet; heading, lead_in and body are HTML.';

CREATE OR REPLACE FUNCTION @workspace@.report_key(VARIADIC words text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT '<p class="key">' || string_agg(format('<span><svg xmlns="http://www.w3.org/2000/svg" width="12" height="12" aria-hidden="true">'
	'<rect class="%s" x="0.5" y="0.5" width="11" height="11"/></svg> %s</span>',
	split_part(w.word, ' ', 1), @workspace@.report_escape(substr(w.word, strpos(w.word, ' ') + 1))), ' ' ORDER BY w.n) || E'</p>\n'
FROM unnest(report_key.words) WITH ORDINALITY w (word, n);
END;
COMMENT ON FUNCTION @workspace@.report_key(text[]) IS
	'What the colours of a chart mean: each word a class of the style sheet, a space, and the meaning.';

CREATE OR REPLACE FUNCTION @workspace@.report_axis(ticks double precision[], top integer, bottom integer, unit text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT string_agg(format('<line class="grid" x1="%1$s" x2="%1$s" y1="%2$s" y2="%3$s"/><text class="small" x="%1$s" y="%4$s" text-anchor="%5$s">%6$s</text>',
	@workspace@.report_at(t.tick / t.highest), report_axis.top, report_axis.bottom, report_axis.bottom + 16,
	CASE WHEN t.n = 1 THEN 'start' WHEN t.tick = t.highest THEN 'end' ELSE 'middle' END,
	trim_scale(t.tick::numeric) || CASE WHEN t.tick = t.highest THEN report_axis.unit ELSE '' END), E'\n' ORDER BY t.n) || E'\n'
FROM (SELECT u.tick, u.n, max(u.tick) OVER () AS highest FROM unnest(report_axis.ticks) WITH ORDINALITY u (tick, n)) t;
END;
COMMENT ON FUNCTION @workspace@.report_axis(double precision[], integer, integer, text) IS
	'Lines and numbers of an axis across a chart, from the first tick at its left edge to the last, which has the unit, at its right.';

CREATE OR REPLACE FUNCTION @workspace@.report_style() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- No character that XML would take for its own. Text has a contrast of at least 4.5 to what lies under it,
-- shapes that mean something 3, in both schemes.
RETURN $css$
:root { color-scheme: light dark; --page: #f4f5f7; --card: #ffffff; --text: #1a2230; --soft: #566072; --line: #dfe3e9;
	--bar: #2461a6; --bar-mid: #5d92cb; --bar-pale: #cfdff0; --leak: #ae410b; --leak-pale: #d0773f; --grey: #7d8896;
	--h0: #edf3fa; --h1: #cfe1f3; --h2: #9fc3e7; --h3: #5f9ad4; --h4: #2461a6; --ink: #0f1c2c; --paper: #ffffff; --h2-ink: var(--ink); }
@media (prefers-color-scheme: dark) { :root { --page: #0f1318; --card: #181e26; --text: #e6ebf2; --soft: #a2adbc; --line: #2f3845;
	--bar: #6aa8ea; --bar-mid: #4a7cb0; --bar-pale: #233244; --leak: #ff9c61; --leak-pale: #a65a2d; --grey: #667386;
	--h0: #1c2735; --h1: #22405f; --h2: #2c639b; --h3: #5b9bdd; --h4: #a9d1f8; --ink: #e6ebf2; --paper: #0b1420; --h2-ink: #f4f8fc; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
	font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%; }
main { max-width: 1080px; margin: 0 auto; padding: 32px 16px 48px; }
header p, footer p { color: var(--soft); margin: 0; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 4px; letter-spacing: -0.01em; }
h2 { font-size: 18px; line-height: 1.3; margin: 0 0 4px; }
h3 { font-size: 15px; margin: 16px 0 4px; font-weight: 600; }
.verdict { font-size: 21px; line-height: 1.4; margin: 24px 0; padding: 4px 0 4px 16px; border-inline-start: 4px solid var(--leak); text-wrap: pretty; }
.verdict strong { color: var(--leak); }
.plain { border-color: var(--bar); }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 12px; margin: 0 0 24px; }
dl div { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px 16px; }
dt { color: var(--soft); font-size: 13px; }
dd { margin: 0; font-size: 22px; font-weight: 600; line-height: 1.3; }
.cards { display: grid; grid-template-columns: 1fr; gap: 16px; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 20px; min-width: 0; }
@media (min-width: 860px) { .cards { grid-template-columns: 1fr 1fr; } .wide { grid-column: 1 / -1; } .tall { grid-row: span 2; }
	.multiples { display: grid; grid-template-columns: 1fr 1fr; gap: 8px 32px; } }
@media (max-width: 480px) { main { padding: 20px 12px 32px; } section { padding: 16px; } h1 { font-size: 24px; } .verdict { font-size: 18px; } dd { font-size: 19px; } }
.lead { color: var(--soft); font-size: 14px; margin: 0 0 12px; }
.key { color: var(--soft); font-size: 13px; margin: 0 0 8px; } .key span { margin-inline-end: 14px; white-space: nowrap; }
.chart { display: block; overflow: visible; }
.chart text { fill: var(--text); font-size: 14px; } .chart .bold { font-weight: 600; } .chart .small { font-size: 12.5px; fill: var(--soft); }
.chart .hot { fill: var(--leak); }
.went { fill: var(--bar); } .open { fill: var(--bar-mid); } .gone { fill: var(--bar-pale); stroke: var(--bar-mid); }
.leak { fill: var(--leak); } .other { fill: var(--grey); } .dot { fill: var(--bar); }
.few { fill: var(--card); stroke: var(--bar); stroke-width: 2; } .few.leak { stroke: var(--leak); }
.range { stroke: var(--bar-mid); stroke-width: 3; stroke-linecap: round; } .range.hot { stroke: var(--leak-pale); }
.grid { stroke: var(--line); stroke-width: 1; } .aim { stroke: var(--text); stroke-width: 1.5; stroke-dasharray: 3 3; }
.curve { fill: none; stroke: var(--bar); stroke-width: 2.5; vector-effect: non-scaling-stroke; stroke-linejoin: round; }
.band { fill: var(--bar-pale); } .plot { overflow: visible; } .note { color: var(--soft); font-size: 13px; margin: 8px 0 0; }
figure { margin: 12px 0 0; min-width: 0; } figcaption { font-size: 14px; font-weight: 600; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; } caption { text-align: start; color: var(--soft); padding: 0 0 6px; }
th { text-align: start; font-weight: 600; } td, thead th { text-align: end; } thead th:first-child { text-align: start; }
th, td { padding: 5px 8px; border-bottom: 1px solid var(--line); vertical-align: bottom; } td { white-space: nowrap; }
details { margin-top: 12px; } summary { color: var(--soft); font-size: 13.5px; cursor: pointer; }
.scroll { overflow-x: auto; margin-top: 8px; }
.heat { border-collapse: separate; border-spacing: 2px; table-layout: fixed; } .heat caption { position: absolute; clip-path: inset(50%); } .heat th, .heat td { border: 0; padding: 4px 6px; }
.heat thead th { text-align: center; font-weight: 600; hyphens: auto; } .heat tbody th { font-weight: 400; white-space: nowrap; }
.heat thead th:nth-child(1) { text-align: start; } .heat thead th:nth-child(2) { text-align: end; }
.heat td { text-align: center; border-radius: 3px; } .heat td.count { text-align: end; color: var(--soft); }
.h0 { background: var(--h0); fill: var(--h0); color: var(--ink); } .h1 { background: var(--h1); fill: var(--h1); color: var(--ink); }
.h2 { background: var(--h2); fill: var(--h2); color: var(--h2-ink); } .h3 { background: var(--h3); fill: var(--h3); color: #0b1420; }
.h4 { background: var(--h4); fill: var(--h4); color: var(--paper); }
.young { color: var(--soft); outline: 1px dashed var(--grey); outline-offset: -1px; }
svg .young { fill: var(--card); stroke: var(--grey); stroke-dasharray: 2 2; outline: 0; }
@media (max-width: 480px) { .heat { font-size: 12px; } .heat th, .heat td { padding: 3px 2px; } .heat thead th { height: 128px; padding: 2px 0; }
	.heat thead span { writing-mode: vertical-rl; transform: rotate(180deg); max-height: 124px; text-align: start; line-height: 1.1; } }
footer { margin-top: 24px; font-size: 13.5px; } footer p { margin-bottom: 6px; max-width: 62em; }
@media print { body { background: none; } section { break-inside: avoid; } }
$css$;
COMMENT ON FUNCTION @workspace@.report_style() IS
	'The style sheet of funnel_report_html: light and dark as the reader''s device asks, one hue for counts, another for leaks.';
