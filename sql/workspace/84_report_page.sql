-- The report: the figures fetched once, the sections put together.

CREATE OR REPLACE FUNCTION @workspace@.report_verdict(steps jsonb, channels jsonb, customer_value numeric) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
WITH step AS (
	SELECT s.* FROM jsonb_to_recordset(report_verdict.steps) s ("position" integer, label text, entered bigint, active bigint, resolved_pct numeric,
		reference_pct numeric, recoverable_customers numeric, is_bottleneck boolean)
	WHERE s.is_bottleneck
), worst AS (
	SELECT c.label, c.resolved_pct
	FROM jsonb_to_recordset(report_verdict.channels) c (label text, "position" integer, resolved_pct numeric, recoverable_customers numeric, is_bottleneck boolean, code text)
	JOIN step s ON s.position = c.position
	WHERE c.is_bottleneck
	ORDER BY c.recoverable_customers DESC NULLS LAST, c.code LIMIT 1
)
SELECT coalesce((
	SELECT format('<p class="verdict"><strong>Fix %s first.</strong> ', @workspace@.report_label(s.label))
		|| format('%s of %s decided leads went on there', @workspace@.percent_text(s.resolved_pct), @workspace@.number_text(s.entered - s.active))
		|| CASE WHEN s.reference_pct IS NULL THEN ', the fewest of all stages.'
			ELSE format('; %s could. That is worth %s customers%s.', @workspace@.percent_text(s.reference_pct),
				@workspace@.number_text(s.recoverable_customers),
				CASE WHEN report_verdict.customer_value IS NULL THEN ''
					ELSE format(', <strong>%s</strong>', @workspace@.money_text(s.recoverable_customers * report_verdict.customer_value)) END) END
		|| coalesce((SELECT format(' It leaks most in %s: %s.', @workspace@.report_label(w.label), @workspace@.percent_text(w.resolved_pct)) FROM worst w), '')
		|| E'</p>\n'
	FROM step s), E'<p class="verdict plain">No stage stands out as the bottleneck.</p>\n');
END;
COMMENT ON FUNCTION @workspace@.report_verdict(jsonb, jsonb, numeric) IS
	'The report''s first sentence: the stage to fix first and what that is worth. Arguments as in report_leak and report_channels; channels have recoverable_customers and is_bottleneck too.';

CREATE OR REPLACE FUNCTION @workspace@.funnel_report_html(since date DEFAULT NULL, until date DEFAULT NULL) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
-- compiling the many expressions of the page would take longer than computing them
SET search_path = pg_catalog, pg_temp SET jit = off
AS $workspace$
DECLARE
	first_day CONSTANT date := coalesce(funnel_report_html.since, '-infinity');
	day_after CONSTANT date := coalesce(funnel_report_html.until, 'infinity');
	-- without bounds the figures of all leads, which the workspace keeps at hand
	all_leads CONSTANT boolean := first_day = '-infinity' AND day_after = 'infinity';
	organisation text;
	today text;
	period text;
	customer_value numeric;
	steps jsonb;
	channels jsonb;
	months jsonb;
	curves jsonb;
	more jsonb;
	leads bigint;
	body text;
BEGIN
	PERFORM leadcrm.refuse_if_renamed(@workspace_literal@);
	PERFORM @workspace@.funnel_check_period(first_day, day_after);
	SELECT nullif(btrim(s.organisation), ''), to_char(now() AT TIME ZONE s.time_zone, 'YYYY-MM-DD') INTO organisation, today
	FROM @workspace@.setting s;
	period := CASE
		WHEN all_leads THEN 'All leads'
		WHEN day_after = 'infinity' THEN format('Leads created from %s on', to_char(first_day, 'YYYY-MM-DD'))
		WHEN first_day = '-infinity' THEN format('Leads created before %s', to_char(day_after, 'YYYY-MM-DD'))
		ELSE format('Leads created from %s until before %s', to_char(first_day, 'YYYY-MM-DD'), to_char(day_after, 'YYYY-MM-DD')) END;

	IF all_leads THEN
		SELECT jsonb_agg(to_jsonb(f) ORDER BY f.position), max(f.entered) INTO steps, leads FROM @workspace@.funnel_leak f;
	ELSE
		SELECT jsonb_agg(to_jsonb(f) ORDER BY f.position), max(f.entered) INTO steps, leads
		FROM @workspace@.funnel_between(first_day, day_after) f;
	END IF;
	IF leads > 0 THEN
		customer_value := @workspace@.customer_value();
		SELECT jsonb_agg(to_jsonb(f) || jsonb_build_object('code', f.key, 'label', c.label) ORDER BY c.position, c.code, f.position) INTO channels
		FROM @workspace@.funnel_run('channel', CASE WHEN NOT all_leads THEN first_day END, CASE WHEN NOT all_leads THEN day_after END, NULL) f
		JOIN @workspace@.channel c ON c.code = f.key;
		SELECT jsonb_agg(to_jsonb(f) || jsonb_build_object('month', f.key) ORDER BY f.key, f.position) INTO months
		FROM @workspace@.funnel_run('month', CASE WHEN NOT all_leads THEN first_day END, CASE WHEN NOT all_leads THEN day_after END, NULL) f;
		SELECT jsonb_agg(to_jsonb(c) || jsonb_build_object('position', s.position, 'label', s.label)) INTO curves
		FROM @workspace@.funnel_scale s
		CROSS JOIN LATERAL @workspace@.conversion_curve(s.stage, nullif(first_day, '-infinity'), nullif(day_after, 'infinity')) c
		WHERE s.next_position IS NOT NULL;
		SELECT jsonb_agg(to_jsonb(w)) INTO more FROM @workspace@.what_if(4) w;
		body := @workspace@.report_verdict(steps, channels, customer_value)
			|| (SELECT format(E'<dl>\n<div><dt>Leads</dt><dd>%s</dd></div>\n<div><dt>%s</dt><dd>%s</dd></div>\n<div><dt>Of 100 leads</dt><dd>%s</dd></div>\n'
					'<div><dt>Lost, in known value</dt><dd>%s</dd></div>' || E'\n</dl>\n',
				@workspace@.number_text(leads), @workspace@.report_label(l.label), @workspace@.number_text(l.entered),
				@workspace@.number_text(l.cumulative_pct, 1), @workspace@.report_money(l.lost_value))
				FROM (SELECT (array_agg(s.label ORDER BY s.position DESC))[1] AS label, min(s.entered) AS entered, min(s.cumulative_pct) AS cumulative_pct,
						nullif(sum(s.lost_value), 0) AS lost_value
					FROM jsonb_to_recordset(steps) s ("position" integer, label text, entered bigint, cumulative_pct numeric, lost_value numeric)) l)
			|| E'<div class="cards">\n'
			|| concat(@workspace@.report_funnel(steps), @workspace@.report_leak(steps, customer_value), @workspace@.report_channels(steps, channels),
				@workspace@.report_days(steps),
				@workspace@.report_more((@workspace@.what_if_sentences(more, 4, NULL, NULL, NULL))[1], more),
				@workspace@.report_curves(curves), @workspace@.report_months(steps, months))
			|| E'</div>\n';
		-- a figure and its unit stay on one line; a dash alone is a long one
		SELECT replace(replace(replace(body, ' %', '&#160;%'), ' ' || s.base_currency, '&#160;' || s.base_currency), '>-<', '>&#8211;<')
		INTO body FROM @workspace@.setting s;
	ELSE
		body := format(E'<p class="verdict plain">%s</p>\n', CASE
			WHEN steps IS NULL THEN 'No stage is in the funnel.'
			WHEN all_leads THEN 'There are no leads yet.' ELSE 'No leads were created in this period.' END);
	END IF;

	RETURN format(E'<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" lang="en">\n<head>\n<meta charset="utf-8"/>\n'
			-- nothing is fetched and nothing runs, whatever a label says
			'<meta http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;"/>\n'
			'<meta name="viewport" content="width=device-width, initial-scale=1"/>\n<meta name="color-scheme" content="light dark"/>\n'
			'<title>%s</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n<header>\n<h1>%s</h1>\n<p>%s, as of %s</p>\n</header>\n',
			@workspace@.report_escape(concat_ws(': ', organisation, 'the funnel')), @workspace@.report_style(),
			CASE WHEN organisation IS NULL THEN 'The funnel' ELSE @workspace@.report_label(organisation) || ': the funnel' END, period, today)
		|| body
		|| E'<footer>\n<p>A lead counts once in a stage, however often it comes back to it. Active: still on its way. Lost: sent back, closed, or '
			'longer in its stage than allowed. Decided: all but the active. Could, reference: the target of the stage; where it has none, what the best channel '
			'of at least 100 decided leads reaches. Excluded leads are in no figure.</p>\n</footer>\n</main>\n</body>\n</html>\n';
END
$workspace$;
COMMENT ON FUNCTION @workspace@.funnel_report_html(date, date) IS
	'The funnel as one self-contained web page (HTML that is well-formed XML, UTF-8; SVG and style within, no script, nothing fetched), for phone and desk, light and dark: the stage to fix first, the funnel, the leak in money, channels at the bottleneck, time in stage, conversion curves, the months as a heat map, and whether four times the leads would help. Leads created from since (included) to until (excluded), days of the workspace''s time zone; NULL or left out: open on that side. The last section, and what a customer is worth, are always over all leads. The same at every call in a transaction. Errors: 22023 for an end before the beginning, 22008 for a day that no timestamp comes near.';
