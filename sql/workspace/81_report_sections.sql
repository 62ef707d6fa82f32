-- The sections of funnel_report_html. Each takes its figures as JSON, so that it can be looked at, and tested, by itself.
-- steps: an array of the rows of funnel_between.

CREATE OR REPLACE FUNCTION @workspace@.report_funnel(steps jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
WITH step AS (
	SELECT s.*, row_number() OVER (ORDER BY s.position) AS n, max(s.entered) OVER ()::double precision AS widest,
		s.position = max(s.position) OVER () AS is_last
	FROM jsonb_to_recordset(report_funnel.steps) s ("position" integer, label text, entered bigint, advanced bigint,
		active bigint, stalled bigint, returned bigint, leaked bigint, lost bigint, conversion_pct numeric,
		resolved_pct numeric, cumulative_pct numeric, is_bottleneck boolean)
), bars AS (
	SELECT count(*) AS n, string_agg(format('<g><title>%s</title>', @workspace@.report_escape(format('%s: %s came, %s went on, %s active, %s lost',
			s.label, @workspace@.number_text(s.entered), @workspace@.number_text(s.advanced), @workspace@.number_text(s.active),
			@workspace@.number_text(s.lost))))
		|| format('<text class="bold%s" x="0" y="%s">%s</text><text class="bold" x="100%%" y="%2$s" text-anchor="end">%4$s</text>',
			CASE WHEN s.is_bottleneck THEN ' hot' ELSE '' END, p.y + 14, @workspace@.report_svg_label(s.label), @workspace@.number_text(s.entered))
		-- who came to the end arrived
		|| format('<rect class="went" x="0" y="%s" width="%s" height="20"/>', p.y + 21, @workspace@.report_at(b.went / s.widest))
		|| CASE WHEN s.is_last THEN '' ELSE format('<rect class="open" x="%s" y="%s" width="%s" height="20"/><rect class="gone" x="%s" y="%2$s" width="%5$s" height="20"/>',
			@workspace@.report_at(b.went / s.widest), p.y + 21, @workspace@.report_at(s.active / s.widest),
			@workspace@.report_at((b.went + s.active) / s.widest), @workspace@.report_at(s.lost / s.widest)) END
		|| CASE WHEN s.is_last THEN format('<text class="small" x="0" y="%s">%s of all that came</text>', p.y + 56,
				@workspace@.percent_text(s.cumulative_pct))
			ELSE format('<text class="small%s" x="0" y="%s">%s of the decided went on%s</text><text class="small" x="100%%" y="%2$s" text-anchor="end">%5$s lost</text>',
				CASE WHEN s.is_bottleneck THEN ' hot' ELSE '' END, p.y + 56, @workspace@.percent_text(s.resolved_pct),
				CASE WHEN s.is_bottleneck THEN ' &#9666; fix first' ELSE '' END, @workspace@.number_text(s.lost)) END
		|| '</g>', E'\n' ORDER BY s.position) || E'\n' AS body
	FROM step s CROSS JOIN LATERAL (SELECT (s.n - 1) * 76 AS y) p
	CROSS JOIN LATERAL (SELECT CASE WHEN s.is_last THEN s.entered ELSE s.advanced END AS went) b
)
SELECT @workspace@.report_section('funnel', 'The funnel',
	(SELECT format('%s leads came in at the top, %s reached %s.', @workspace@.number_text(f.entered), @workspace@.number_text(l.entered),
		@workspace@.report_label(l.label)) FROM step f, step l WHERE f.n = 1 AND l.is_last),
	@workspace@.report_key('went went on', 'open still open', 'gone lost')
	|| @workspace@.report_chart('funnel-chart', 'The funnel', 'One bar a stage, as long as the number of leads that came to it; its dark part went on to the next stage.',
		(b.n * 76 - 12)::integer, b.body)
	|| @workspace@.report_table('Leads by stage', ARRAY['Stage', 'Came', 'Went on', 'Active', 'Stalled', 'Sent back', 'Closed', 'Of all', 'Of decided'],
		(SELECT string_agg(@workspace@.report_row(ARRAY[@workspace@.report_label(s.label), @workspace@.number_text(s.entered),
			@workspace@.number_text(s.advanced), @workspace@.number_text(s.active), @workspace@.number_text(s.stalled),
			@workspace@.number_text(s.returned), @workspace@.number_text(s.leaked), @workspace@.percent_text(s.conversion_pct),
			@workspace@.percent_text(s.resolved_pct)]), '' ORDER BY s.position) FROM step s)))
FROM bars b;
END;
COMMENT ON FUNCTION @workspace@.report_funnel(jsonb) IS
	'Section of the report: the funnel, one bar a stage. steps: rows of funnel_between as an array.';

CREATE OR REPLACE FUNCTION @workspace@.report_leak(steps jsonb, customer_value numeric) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
WITH step AS (
	SELECT s.*, row_number() OVER (ORDER BY s.position) AS n,
		bool_or(s.lost_value > 0) OVER () AS in_money,
		CASE WHEN bool_or(s.lost_value > 0) OVER () THEN s.lost_value ELSE s.lost END AS size
	FROM jsonb_to_recordset(report_leak.steps) s ("position" integer, label text, lost bigint, lost_share_pct numeric, lost_value numeric,
		value_known_pct numeric, resolved_pct numeric, reference_pct numeric, recoverable_customers numeric, is_bottleneck boolean)
	WHERE s."position" < (SELECT max((e ->> 'position')::integer) FROM jsonb_array_elements(report_leak.steps) e)
), bars AS (
	SELECT count(*) AS n, bool_and(s.in_money) AS in_money, sum(s.lost_value) AS lost_value, sum(s.lost) AS lost,
		sum(s.lost * s.value_known_pct) / nullif(sum(s.lost) FILTER (WHERE s.value_known_pct IS NOT NULL), 0) AS known_pct,
		string_agg(format('<g><text class="bold%s" x="0" y="%s">%s</text><text class="bold" x="100%%" y="%2$s" text-anchor="end">%4$s</text>',
			CASE WHEN s.is_bottleneck THEN ' hot' ELSE '' END, p.y + 14, @workspace@.report_svg_label(s.label, 26),
			CASE WHEN s.in_money THEN @workspace@.report_money(s.lost_value) ELSE @workspace@.number_text(s.lost) || ' leads' END)
		|| format('<rect class="%s" x="0" y="%s" width="%s" height="20"/>', CASE WHEN s.is_bottleneck THEN 'leak' ELSE 'other' END, p.y + 21,
			@workspace@.report_at(coalesce(s.size::double precision / nullif(m.size, 0), 0)))
		|| format('<text class="small" x="0" y="%s">%s lost</text>', p.y + 56, @workspace@.number_text(s.lost))
		|| CASE WHEN s.recoverable_customers > 0 THEN format('<text class="small%s" x="100%%" y="%s" text-anchor="end">could win %s customers%s</text>',
			CASE WHEN s.is_bottleneck THEN ' hot' ELSE '' END, p.y + 56, @workspace@.number_text(s.recoverable_customers),
			CASE WHEN report_leak.customer_value IS NULL THEN '' ELSE ', ' || @workspace@.report_money(s.recoverable_customers * report_leak.customer_value) END)
			ELSE '' END
		|| '</g>', E'\n' ORDER BY s.position) || E'\n' AS body
	FROM step s CROSS JOIN LATERAL (SELECT (s.n - 1) * 76 AS y) p
	CROSS JOIN (SELECT max(t.size)::double precision AS size FROM step t) m
)
SELECT @workspace@.report_section('leak', CASE WHEN b.in_money THEN 'What leaks, in money' ELSE 'What leaks' END,
	CASE WHEN b.in_money THEN format('%s of known value went with %s lost leads; %s of them have a value. &#8220;Could win&#8221; is what a stage would bring at its reference.',
		@workspace@.report_money(b.lost_value), @workspace@.number_text(b.lost), @workspace@.percent_text(b.known_pct))
	ELSE format('No lost lead has a value: %s leads are shown instead.', @workspace@.number_text(b.lost)) END,
	@workspace@.report_chart('leak-chart', 'What leaks at each stage', 'One bar a stage, as long as the value of the leads that were lost there; the stage to fix first stands out.',
		(b.n * 76 - 12)::integer, b.body)
	|| @workspace@.report_table('Lost at each stage', ARRAY['Stage', 'Lost', 'Share', 'Value', 'Value known', 'Converts', 'Could', 'Customers to win', 'Worth'],
		(SELECT string_agg(@workspace@.report_row(ARRAY[@workspace@.report_label(s.label), @workspace@.number_text(s.lost), @workspace@.percent_text(s.lost_share_pct),
			@workspace@.money_text(s.lost_value), @workspace@.percent_text(s.value_known_pct), @workspace@.percent_text(s.resolved_pct),
			@workspace@.percent_text(s.reference_pct), @workspace@.number_text(s.recoverable_customers, 1),
			@workspace@.money_text(s.recoverable_customers * report_leak.customer_value)]), '' ORDER BY s.position) FROM step s)))
FROM bars b WHERE b.n > 0;
END;
COMMENT ON FUNCTION @workspace@.report_leak(jsonb, numeric) IS
	'Section of the report: what was lost at each stage, in money where values are known. steps: rows of funnel_between as an array; customer_value: what a customer is worth, in the base currency.';

CREATE OR REPLACE FUNCTION @workspace@.report_channels(steps jsonb, channels jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
WITH step AS (
	SELECT s.*, row_number() OVER (ORDER BY s.is_bottleneck DESC, s.position) AS rank
	FROM jsonb_to_recordset(report_channels.steps) s ("position" integer, label text, entered bigint, resolved_pct numeric, reference_pct numeric, is_bottleneck boolean)
), shown AS (
	-- the bottleneck; without one the first stage
	SELECT s.* FROM step s WHERE s.rank = 1
), channel AS (
	SELECT c.code, c.label, c.position, c.entered, c.advanced, c.entered - c.active AS resolved, c.resolved_pct
	FROM jsonb_to_recordset(report_channels.channels) c (code text, label text, "position" integer, entered bigint, advanced bigint, active bigint, resolved_pct numeric)
), wilson AS (
	SELECT c.*, s.reference_pct, row_number() OVER (ORDER BY c.resolved DESC, c.code) AS n,
		100 * (f.rate + f.z2 / (2 * c.resolved) - f.half) / (1 + f.z2 / c.resolved) AS low,
		100 * (f.rate + f.z2 / (2 * c.resolved) + f.half) / (1 + f.z2 / c.resolved) AS high
	FROM channel c
	JOIN shown s ON s.position = c.position
	CROSS JOIN LATERAL (SELECT r.rate, r.z2, sqrt(r.z2 * (r.rate * (1 - r.rate) / c.resolved + r.z2 / (4 * c.resolved ^ 2))) AS half
		FROM (SELECT c.advanced / c.resolved::double precision AS rate, 3.8414588206941236::double precision AS z2) r) f
	WHERE c.resolved > 0
), drawn AS (
	SELECT w.*, w.high < w.reference_pct AS is_below, (w.n - 1) * 48 AS y FROM wilson w WHERE w.n <= 12
), scale AS (
	SELECT count(*) AS n, @workspace@.report_ticks(least(max(greatest(d.high, d.reference_pct)), 100)) AS ticks FROM drawn d
), body AS (
	SELECT string_agg(format('<g><text class="bold%s" x="0" y="%s">%s</text><text class="small" x="100%%" y="%2$s" text-anchor="end">%4$s of %5$s%6$s</text>',
			CASE WHEN d.is_below THEN ' hot' ELSE '' END, d.y + 14, @workspace@.report_svg_label(d.label, 20), @workspace@.percent_text(d.resolved_pct),
			@workspace@.number_text(d.resolved), CASE WHEN d.is_below THEN ', below' ELSE '' END)
		|| format('<line class="range%s" x1="%s" x2="%s" y1="%s" y2="%4$s"/><circle class="%5$s" cx="%6$s" cy="%4$s" r="5"/></g>',
			CASE WHEN d.is_below THEN ' hot' ELSE '' END, @workspace@.report_at(greatest(d.low, 0) / t.top), @workspace@.report_at(least(d.high / t.top, 1)),
			d.y + 29, CASE WHEN d.resolved < 30 THEN 'few ' ELSE '' END || CASE WHEN d.is_below THEN 'leak' ELSE 'dot' END,
			@workspace@.report_at(d.resolved_pct::double precision / t.top)), E'\n' ORDER BY d.n) AS dots
	FROM drawn d CROSS JOIN (SELECT s.ticks[cardinality(s.ticks)] AS top FROM scale s) t
)
SELECT @workspace@.report_section('channels tall', format('Channels at %s', @workspace@.report_label(s.label)),
	format('Share of decided leads that went on%s, with the range that chance allows (95 %%).%s',
		CASE WHEN s.reference_pct IS NULL THEN '' ELSE format('; the dashed line is the reference, %s', @workspace@.percent_text(s.reference_pct)) END,
		(SELECT format(' The %s largest of %s channels.', 12, count(*)) FROM wilson w HAVING count(*) > 12)),
	CASE WHEN c.n = 0 THEN E'<p>No lead''s time here is over yet.</p>\n' ELSE
	@workspace@.report_chart('channels-chart', 'Conversion by channel', 'One row a channel: a dot at the share that went on, a line over the range that chance allows. Hollow dots: fewer than 30 leads.',
		(c.n * 48 + 24)::integer,
		@workspace@.report_axis(c.ticks, 0, (c.n * 48)::integer, ' %')
		|| CASE WHEN s.reference_pct IS NULL THEN '' ELSE format(E'<line class="aim" x1="%1$s" x2="%1$s" y1="0" y2="%2$s"/>\n',
			@workspace@.report_at(s.reference_pct::double precision / c.ticks[cardinality(c.ticks)]), c.n * 48) END
		|| b.dots || E'\n') END
	|| @workspace@.report_table('Conversion of decided leads by channel and stage',
		ARRAY['Channel', 'Leads', 'Customers'] || (SELECT array_agg(@workspace@.report_label(t.label) ORDER BY t.position) FROM step t
			WHERE t.position < (SELECT max(u.position) FROM step u)),
		(SELECT string_agg(@workspace@.report_row(ARRAY[@workspace@.report_label(g.label), @workspace@.number_text(g.leads), @workspace@.number_text(g.customers)]
			|| g.rates), '' ORDER BY g.leads DESC, g.code)
		FROM (SELECT c.code, max(c.label) AS label, max(c.entered) AS leads, min(c.entered) AS customers,
				(array_agg(@workspace@.percent_text(c.resolved_pct) ORDER BY c.position))[1:count(*)::integer - 1] AS rates
			FROM channel c GROUP BY c.code HAVING max(c.entered) > 0) g)))
FROM shown s CROSS JOIN scale c CROSS JOIN body b;
END;
COMMENT ON FUNCTION @workspace@.report_channels(jsonb, jsonb) IS
	'Section of the report: how the channels convert at the bottleneck, else at the first stage. steps: rows of funnel_between as an array; channels: an array of {code, label, position, entered, advanced, active, resolved_pct}, one a channel and stage.';

CREATE OR REPLACE FUNCTION @workspace@.report_months(steps jsonb, months jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
WITH step AS (
	SELECT s.*, s.position = max(s.position) OVER () AS is_last
	FROM jsonb_to_recordset(report_months.steps) s ("position" integer, label text)
), month AS (
	SELECT m.*
	FROM jsonb_to_recordset(report_months.months) m (month date, "position" integer, entered bigint, active bigint, resolved_pct numeric, cumulative_pct numeric)
	WHERE m.month > (SELECT max((e ->> 'month')::date) FROM jsonb_array_elements(report_months.months) e) - interval '24 months'
), cell AS (
	-- each column has a scale of its own, over the months that are old enough to be compared
	SELECT m.*, CASE WHEN s.is_last THEN m.cumulative_pct ELSE m.resolved_pct END AS pct,
		-- of a month with many leads on their way, only the quick ones are known; then its customers aren't complete either
		CASE WHEN s.is_last THEN bool_or(NOT s.is_last AND m.active * 5 > m.entered) OVER (PARTITION BY m.month)
			ELSE m.active * 5 > m.entered OR m.entered - m.active < 10 END AS is_young
	FROM month m JOIN step s ON s.position = m.position
), scaled AS (
	SELECT c.*, min(c.pct) FILTER (WHERE NOT c.is_young) OVER w AS low, max(c.pct) FILTER (WHERE NOT c.is_young) OVER w AS high
	FROM cell c WINDOW w AS (PARTITION BY c.position)
), line AS (
	SELECT s.month, max(s.entered) AS leads,
		string_agg(CASE WHEN s.pct IS NULL THEN '<td>-</td>' ELSE format('<td class="%s">%s</td>',
			CASE WHEN s.is_young THEN 'young' ELSE 'h' || greatest(least(floor(5 * (s.pct - s.low) / nullif(s.high - s.low, 0)), 4), 0) END,
			@workspace@.number_text(s.pct, 1)) END, '' ORDER BY s.position) AS cells
	FROM scaled s GROUP BY s.month
)
SELECT @workspace@.report_section('months wide', 'Month by month',
	'Percent of decided leads that went on, by month of creation; the last column: percent of the month''s leads that came to the end. Each column has its own scale.',
	@workspace@.report_key('h0 lowest', 'h2 middle', 'h4 highest of the column', 'young fewer than 10 decided, or many still open')
	|| format(E'<div class="scroll"><table class="heat"><caption>Conversion in percent</caption>\n<thead><tr><th scope="col"><span>Month</span></th>'
			'<th scope="col"><span>Leads</span></th>%s</tr></thead>\n<tbody>\n%s</tbody></table></div>\n',
		(SELECT string_agg(format('<th scope="col"><span>%s%s</span></th>', CASE WHEN s.is_last THEN 'Came to ' ELSE '' END, @workspace@.report_label(s.label)), ''
			ORDER BY s.position) FROM step s),
		string_agg(format(E'<tr><th scope="row">%s</th><td class="count">%s</td>%s</tr>\n', to_char(l.month, 'YYYY-MM'), @workspace@.number_text(l.leads), l.cells),
			'' ORDER BY l.month)))
FROM line l
HAVING count(*) > 0;
END;
COMMENT ON FUNCTION @workspace@.report_months(jsonb, jsonb) IS
	'Section of the report: the last 24 months as a heat map, a table of months by stages. steps: rows of funnel_between as an array; months: an array of {month, position, entered, active, resolved_pct, cumulative_pct}.';

CREATE OR REPLACE FUNCTION @workspace@.report_days(steps jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
WITH step AS (
	SELECT s.*, row_number() OVER (ORDER BY s.position) AS n
	FROM jsonb_to_recordset(report_days.steps) s ("position" integer, label text, mean_days numeric, median_days numeric, p90_days numeric)
	WHERE s."position" < (SELECT max((e ->> 'position')::integer) FROM jsonb_array_elements(report_days.steps) e)
), scale AS (
	SELECT count(*) AS n, @workspace@.report_ticks(max(greatest(s.p90_days, s.median_days))::double precision) AS ticks FROM step s
), body AS (
	SELECT string_agg(format('<g><text class="bold" x="0" y="%s">%s</text><text class="small" x="100%%" y="%1$s" text-anchor="end">%3$s</text>',
			p.y + 14, @workspace@.report_svg_label(s.label, 24),
			CASE WHEN s.median_days IS NULL THEN '-' ELSE format('%s / %s d', @workspace@.number_text(s.median_days),
				@workspace@.number_text(s.p90_days)) END)
		|| CASE WHEN s.median_days IS NULL THEN '' ELSE format('<line class="range" x1="0" x2="%s" y1="%s" y2="%2$s"/><circle class="dot" cx="%3$s" cy="%2$s" r="5"/>',
			@workspace@.report_at(greatest(s.p90_days, 0)::double precision / t.top), p.y + 29,
			@workspace@.report_at(greatest(s.median_days, 0)::double precision / t.top)) END
		|| '</g>', E'\n' ORDER BY s.position) AS rows
	FROM step s CROSS JOIN LATERAL (SELECT (s.n - 1) * 48 AS y) p
	CROSS JOIN (SELECT c.ticks[cardinality(c.ticks)] AS top FROM scale c) t
)
SELECT @workspace@.report_section('days', 'Time in stage',
	'Days from the first entry into a stage to the first entry into the next: half of those that go on take as long as the dot says, nine of ten as the line.',
	@workspace@.report_chart('days-chart', 'Time in stage', 'One row a stage: a dot at the median of days until the next stage, a line up to the 90th percentile.',
		(c.n * 48 + 24)::integer, @workspace@.report_axis(c.ticks, 0, (c.n * 48)::integer, ' days') || b.rows || E'\n')
	|| @workspace@.report_table('Days until the next stage', ARRAY['Stage', 'Mean', 'Median', '90th percentile'],
		(SELECT string_agg(@workspace@.report_row(ARRAY[@workspace@.report_label(s.label), @workspace@.number_text(s.mean_days, 1), @workspace@.number_text(s.median_days, 1),
			@workspace@.number_text(s.p90_days, 1)]), '' ORDER BY s.position) FROM step s)))
FROM scale c CROSS JOIN body b
WHERE c.n > 0;
END;
COMMENT ON FUNCTION @workspace@.report_days(jsonb) IS
	'Section of the report: how long leads take from stage to stage. steps: rows of funnel_between as an array.';

CREATE OR REPLACE FUNCTION @workspace@.report_curves(curves jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
WITH point AS (
	SELECT c.*, max(c.day) FILTER (WHERE c.advanced_pct < 0.99 * c.expected_pct) OVER w + 1 AS settled, max(c.day) OVER w AS oldest,
		max(c.at_risk) OVER w AS came, min(c.open_pct) OVER w AS open_in_the_end
	FROM jsonb_to_recordset(report_curves.curves) c ("position" integer, label text, day integer, at_risk bigint, advanced_pct numeric,
		lower_pct numeric, upper_pct numeric, open_pct numeric, expected_pct numeric)
	WINDOW w AS (PARTITION BY c.position)
), stage AS (
	-- as many days as it takes until little happens any more
	SELECT p.position, max(p.label) AS label, max(p.came) AS came, max(p.expected_pct) AS expected_pct, max(p.open_in_the_end) AS open_in_the_end,
		@workspace@.report_ticks(greatest(coalesce(max(p.settled), max(p.oldest)), 1)::double precision) AS ticks
	FROM point p
	GROUP BY p.position
	HAVING max(p.expected_pct) IS NOT NULL
), scale AS (
	-- one height for all: the stages can be compared
	SELECT y.ticks, y.ticks[cardinality(y.ticks)] AS top
	FROM (SELECT @workspace@.report_ticks(greatest(max(s.expected_pct), 1)::double precision) AS ticks FROM stage s) y
), drawn AS (
	SELECT p.position,
		'0,100 ' || string_agg(format('%s,%s', v.x, trim_scale(round(100 - 100 * p.advanced_pct / c.top::numeric, 2))), ' ' ORDER BY p.day) AS line,
		string_agg(format('%s,%s', v.x, trim_scale(round(100 - 100 * least(coalesce(p.upper_pct, p.advanced_pct) / c.top::numeric, 1), 2))), ' ' ORDER BY p.day)
		|| ' ' || string_agg(format('%s,%s', v.x, trim_scale(round(100 - 100 * coalesce(p.lower_pct, p.advanced_pct) / c.top::numeric, 2))), ' '
			ORDER BY p.day DESC) AS band
	FROM point p
	JOIN stage s ON s.position = p.position
	CROSS JOIN scale c
	CROSS JOIN LATERAL (SELECT s.ticks[cardinality(s.ticks)] AS days) d
	CROSS JOIN LATERAL (SELECT trim_scale(round(1000 * (p.day / d.days)::numeric, 1)) AS x) v
	-- a hundred points are as good as a thousand
	WHERE p.day <= d.days AND p.day % greatest(ceil(d.days / 100)::integer, 1) = 0
	GROUP BY p.position
), small AS (
	SELECT string_agg(format(E'<figure><figcaption>%s: %s%s in the end</figcaption>\n', @workspace@.report_label(s.label),
			CASE WHEN s.open_in_the_end >= 5 THEN 'at least ' ELSE '' END, @workspace@.percent_text(s.expected_pct))
		|| @workspace@.report_chart('curve-' || s.position, 'Share of leads that went on from ' || s.label,
			format('A curve over the days since a lead came: the share that had gone on by then, up to %s, with a band of 95 %% confidence.',
				@workspace@.percent_text(s.expected_pct)), 164,
			(SELECT string_agg(format('<line class="grid" x1="10%%" x2="100%%" y1="%1$s" y2="%1$s"/><text class="small" x="8.5%%" y="%2$s" text-anchor="end">%3$s%%</text>',
					trim_scale(round((130 - 120 * t.tick / c.top)::numeric, 2)), trim_scale(round((134 - 120 * t.tick / c.top)::numeric, 2)), trim_scale(t.tick::numeric)), E'\n' ORDER BY t.tick)
				FROM unnest(c.ticks) t (tick))
			|| format(E'\n<svg class="plot" x="10%%" y="10" width="90%%" height="120" viewBox="0 0 1000 100" preserveAspectRatio="none">'
				'<polygon class="band" points="%s"/><polyline class="curve" points="%s"/></svg>\n', d.band, d.line)
			|| format(E'<svg class="plot" x="10%%" y="132" width="90%%" height="32">%s</svg>\n',
				(SELECT string_agg(format('<text class="small" x="%s" y="14" text-anchor="%s">%s</text>', @workspace@.report_at(t.tick / s.ticks[cardinality(s.ticks)]),
					CASE WHEN t.n = 1 THEN 'start' WHEN t.n = cardinality(s.ticks) THEN 'end' ELSE 'middle' END,
					trim_scale(t.tick::numeric) || CASE WHEN t.n = cardinality(s.ticks) THEN ' days' ELSE '' END), '' ORDER BY t.n)
				FROM unnest(s.ticks) WITH ORDINALITY t (tick, n))))
		|| E'</figure>\n', '' ORDER BY s.position) AS figures
	FROM stage s JOIN drawn d ON d.position = s.position CROSS JOIN scale c
)
SELECT @workspace@.report_section('curves wide', 'Not yet is not lost',
	'Share of leads that have gone on by the days since they came to a stage. Leads still open count as open, not as lost; the band is what chance allows (95 %).',
	'<div class="multiples">' || s.figures || E'</div>\n'
	|| @workspace@.report_table('Share gone on after so many days', ARRAY['Stage', 'Leads', '7 days', '30 days', '90 days', 'In the end', 'Still open'],
		(SELECT string_agg(@workspace@.report_row(ARRAY[@workspace@.report_label(g.label), @workspace@.number_text(g.came), @workspace@.percent_text(w.d7),
			@workspace@.percent_text(w.d30), @workspace@.percent_text(w.d90), @workspace@.percent_text(g.expected_pct),
			@workspace@.percent_text(g.open_in_the_end)]), '' ORDER BY g.position)
		FROM stage g CROSS JOIN LATERAL (SELECT max(p.advanced_pct) FILTER (WHERE p.day = 7) AS d7, max(p.advanced_pct) FILTER (WHERE p.day = 30) AS d30,
			max(p.advanced_pct) FILTER (WHERE p.day = 90) AS d90 FROM point p WHERE p.position = g.position) w)))
FROM small s
WHERE s.figures IS NOT NULL;
END;
COMMENT ON FUNCTION @workspace@.report_curves(jsonb) IS
	'Section of the report: how the share that goes on grows with age, a small chart for each stage. curves: rows of conversion_curve with position and label, as an array.';

CREATE OR REPLACE FUNCTION @workspace@.report_more(answer text, steps jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
WITH step AS (
	SELECT s.* FROM jsonb_to_recordset(report_more.steps) s ("position" integer, label text, entered_now numeric, entered_then numeric,
		capacity_then numeric, capacity_is_assumed boolean, waiting_then numeric)
)
SELECT @workspace@.report_section('more', 'Would four times the leads help?', NULL,
	format(E'<p dir="auto">%s</p>\n', regexp_replace(@workspace@.report_escape(report_more.answer), '^(Yes|Partly|No|Not known)', '<strong>\1</strong>'))
	|| '<div class="scroll"><table><caption>Leads a month</caption><thead>'
	|| @workspace@.report_row(ARRAY['Stage', 'Now', 'Then', 'Room for', 'Would wait'], 'th') || E'</thead>\n<tbody>\n'
	|| string_agg(@workspace@.report_row(ARRAY[@workspace@.report_label(s.label), @workspace@.number_text(s.entered_now), @workspace@.number_text(s.entered_then),
			CASE WHEN s.capacity_then IS NULL THEN 'all' ELSE @workspace@.number_text(s.capacity_then) || CASE WHEN s.capacity_is_assumed THEN '*' ELSE '' END END,
			@workspace@.number_text(s.waiting_then)]), '' ORDER BY s.position)
	|| E'</tbody></table></div>\n'
	|| CASE WHEN bool_or(s.capacity_is_assumed) THEN E'<p class="note">* Assumed: what the people there do in a good week, or what comes now where that is more.'
		' Leads that wait stay active and are not converted.</p>\n' ELSE '' END)
FROM step s;
END;
COMMENT ON FUNCTION @workspace@.report_more(text, jsonb) IS
	'Section of the report: the first sentence of what_if_sentences, with the rows of what_if, an array, as a table.';
