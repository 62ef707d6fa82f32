-- The answer of what_if in words.

CREATE OR REPLACE FUNCTION @workspace@.what_if_sentences(steps jsonb, top_multiplier double precision,
	stage leadcrm.lifecycle_stage, new_pct double precision, capacity double precision) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
WITH step AS MATERIALIZED (
	SELECT w.*, row_number() OVER (ORDER BY w.position) AS place
	FROM jsonb_to_recordset(what_if_sentences.steps) w ("position" integer, stage leadcrm.lifecycle_stage, label text,
		entered_now numeric, rate_now_pct numeric, entered_then numeric, capacity_is_assumed boolean, waiting_then numeric,
		rate_then_pct numeric, customers_now numeric, customers_then numeric, revenue_now numeric, revenue_then numeric,
		waiting_customers numeric, reference_pct numeric, recoverable_customers numeric, recoverable_revenue numeric,
		worth_customers numeric, worth_revenue numeric, fix_first boolean, answer text, verdict text)
), asked AS (
	SELECT concat_ws(', ',
		CASE WHEN what_if_sentences.top_multiplier <> 1 THEN format('%s times the leads (%s instead of %s a month)',
			trim_scale(round(what_if_sentences.top_multiplier::numeric, 2)),
			@workspace@.number_text(s.entered_then), @workspace@.number_text(s.entered_now)) END,
		(SELECT format('"%s" at %s instead of %s', c.label, @workspace@.percent_text(c.rate_then_pct),
				@workspace@.percent_text(c.rate_now_pct))
			FROM step c WHERE c.stage = what_if_sentences.stage
			AND (what_if_sentences.new_pct IS NOT NULL OR what_if_sentences.capacity IS NULL)),
		CASE WHEN what_if_sentences.capacity IS NOT NULL THEN format('room for %s at %s',
			CASE what_if_sentences.capacity WHEN 'Infinity' THEN 'all leads'
				ELSE @workspace@.number_text(what_if_sentences.capacity::numeric) || ' leads a month' END,
			coalesce((SELECT format('"%s"', c.label) FROM step c WHERE c.stage = what_if_sentences.stage),
				'each stage that people work')) END) AS words
	FROM step s WHERE s.place = 1
), reason AS (
	SELECT CASE
		WHEN s.answer IS DISTINCT FROM 'no' THEN NULL
		WHEN what_if_sentences.top_multiplier > 1 AND l.label IS NOT NULL THEN format('"%s" loses nearly all of them', l.label)
		WHEN w.label IS NOT NULL THEN format('"%s" has no room for them', w.label)
		WHEN s.customers_then - s.customers_now <= b.worth_customers AND s.customers_then > s.customers_now
			THEN format('mending "%s" brings as many without a lead more', b.label)
	END AS words
	FROM step s
	LEFT JOIN LATERAL (SELECT c.label FROM step c WHERE c.place > 1 AND c.verdict ~ '(^|; )loses nearly all'
		ORDER BY c.rate_then_pct, c.place LIMIT 1) l ON true
	LEFT JOIN LATERAL (SELECT c.label FROM step c WHERE c.waiting_then > 0
		ORDER BY c.waiting_customers DESC, c.place LIMIT 1) w ON true
	LEFT JOIN step b ON b.fix_first
	WHERE s.place = 1
), worth AS (
	SELECT c.*,
		coalesce(' (' || CASE WHEN c.worth_revenue IS NOT NULL THEN @workspace@.money_text(c.worth_revenue) END || ')', '') AS monthly,
		coalesce(' (' || CASE WHEN c.recoverable_revenue IS NOT NULL THEN @workspace@.money_text(c.recoverable_revenue) END || ')', '')
			AS so_far
	FROM step c WHERE c.fix_first
)
SELECT CASE
	WHEN s.entered_now = 0 THEN ARRAY[CASE WHEN EXISTS (SELECT FROM @workspace@.funnel_lead f WHERE f.peak_position IS NOT NULL)
		THEN 'Not known: no leads were created in the last three whole months, which it counts by.'
		ELSE 'Not known: there are no leads yet.' END]
	ELSE ARRAY[
		CASE WHEN a.words = '' THEN 'As it runs now:' ELSE
			CASE s.answer WHEN 'yes' THEN 'Yes' WHEN 'partly' THEN 'Partly' WHEN 'no' THEN 'No' ELSE 'Not known' END
			|| coalesce(': ' || r.words, '') || '. ' || upper(left(a.words, 1)) || substr(a.words, 2) || ':' END
		|| ' ' || CASE WHEN s.customers_then IS NULL THEN 'how many customers a month that makes can''t be told.'
			ELSE format('%s customers a month', @workspace@.number_text(s.customers_then))
				|| CASE WHEN a.words = '' THEN ''
					WHEN @workspace@.number_text(s.customers_then) = @workspace@.number_text(s.customers_now) THEN ' as now'
					ELSE ' instead of ' || @workspace@.number_text(s.customers_now) END
				|| CASE WHEN s.revenue_then IS NULL THEN '; what they are worth is not known.'
					ELSE ', revenue ' || @workspace@.money_text(s.revenue_then)
						|| CASE WHEN a.words = '' OR s.revenue_now = s.revenue_then THEN ''
							ELSE ' instead of ' || @workspace@.money_text(s.revenue_now) END || '.' END
		END,
		(SELECT string_agg(format('"%s" %s.', c.label, c.verdict), ' ' ORDER BY c.position) FROM step c
			WHERE c.waiting_then > 0 OR c.verdict ~ '(^|; )loses nearly all'),
		(SELECT format('The rate is not known at %s: nobody''s attempt there is over.', string_agg(format('"%s"', c.label), ', ' ORDER BY c.position))
			FROM step c
			WHERE c.verdict ~ '(^|; )has no known rate' AND (c.waiting_then > 0) IS NOT TRUE HAVING count(*) > 0),
		(SELECT 'Leads that wait stay active and are not converted.'
			|| CASE WHEN bool_or(c.capacity_is_assumed)
				THEN ' What is assumed is what the people there do in a good week, or what comes now where that is more.' ELSE '' END
			FROM step c WHERE c.waiting_then > 0 HAVING count(*) > 0),
		coalesce((SELECT format('Fix "%s" first: ', c.label) || CASE
				WHEN c.worth_customers > 0 AND coalesce(c.verdict !~ '(^|; )room (comes first|here alone)', true) THEN format(
					'%s go on there where %s could; that is worth %s customers%s a month with the leads that come now, %s%s over all leads so far.',
					@workspace@.percent_text(c.rate_now_pct), @workspace@.percent_text(c.reference_pct),
					@workspace@.number_text(c.worth_customers), c.monthly,
					@workspace@.number_text(c.recoverable_customers), c.so_far)
				WHEN c.waiting_customers > 0 THEN format('room for all there%s is worth %s customers%s a month.',
					CASE WHEN c.verdict ~ '(^|; )room here alone' THEN ' and at the stages after it' ELSE '' END,
					@workspace@.number_text(c.waiting_customers),
					coalesce((SELECT ' (' || @workspace@.money_text(c.waiting_customers * v.value) || ')'
						FROM (SELECT coalesce(c.revenue_then / nullif(c.customers_then, 0), c.revenue_now / nullif(c.customers_now, 0)) AS value) v
						WHERE v.value IS NOT NULL), ''))
				ELSE format('only %s go on there, the fewest of all stages.', @workspace@.percent_text(c.rate_now_pct)) END
			FROM worth c), 'No stage stands out as the one to fix first.')]
	END
FROM step s CROSS JOIN asked a CROSS JOIN reason r
WHERE s.place = 1
UNION ALL
SELECT ARRAY['Not known: no stage is in the funnel.'] WHERE NOT EXISTS (SELECT FROM step);
END;
COMMENT ON FUNCTION @workspace@.what_if_sentences(jsonb, double precision, leadcrm.lifecycle_stage, double precision,
	double precision) IS
	'The sentences of what_if_answer: the answer, customers and revenue; what stands out where; whose rate is not known; what waiting means; what to fix first; NULL where there is nothing to say. steps: the rows of what_if as an array; then the arguments that they are for.';

CREATE OR REPLACE FUNCTION @workspace@.what_if_answer(top_multiplier double precision DEFAULT 1,
	stage leadcrm.lifecycle_stage DEFAULT NULL, new_pct double precision DEFAULT NULL,
	capacity double precision DEFAULT NULL) RETURNS text
LANGUAGE sql STABLE PARALLEL RESTRICTED
RETURN array_to_string(@workspace@.what_if_sentences(
	(SELECT jsonb_agg(to_jsonb(w)) FROM @workspace@.what_if(top_multiplier, stage, new_pct, capacity) w),
	top_multiplier, stage, new_pct, capacity), ' ');
COMMENT ON FUNCTION @workspace@.what_if_answer(double precision, leadcrm.lifecycle_stage, double precision,
	double precision) IS
	'What what_if says, in words: Yes, Partly, No or Not known to "more customers?", customers and revenue of a month then and now, where leads wait and that the capacity is assumed, and which stage to fix first and what that is worth. Arguments, units and errors as in what_if.';
