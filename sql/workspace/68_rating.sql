-- Reading the score: grades, temperature, who is hottest, and why.

CREATE OR REPLACE VIEW @workspace@.grading WITH (security_invoker = true) AS
SELECT g.fit_a, g.fit_b, g.fit_c, g.engagement_1, g.engagement_2, g.engagement_3,
	(SELECT jsonb_object_agg(r.fit_grade || r.engagement_grade, r.temperature) FROM @workspace@.rating r) AS temperatures,
	-- ascending, where the rows are not
	ARRAY[coalesce(least(g.fit_a, g.fit_b, g.fit_c), 'Infinity'), coalesce(least(g.fit_a, g.fit_b), 'Infinity'),
		coalesce(g.fit_a, 'Infinity')] AS fit_steps,
	-- the last digit of a score is rounded: 30 and 20 points reach a threshold of 50; NaN is what not even Infinity reaches
	(SELECT array_agg(coalesce(s.step - 1e-9 * abs(s.step), 'NaN') ORDER BY s.n) FROM (VALUES
		(1, least(g.engagement_1, g.engagement_2, g.engagement_3)),
		(2, least(g.engagement_1, g.engagement_2)),
		(3, g.engagement_1)) s (n, step)) AS engagement_steps,
	ARRAY(SELECT coalesce(r.temperature, 'cold')
		FROM generate_series(0, 15) i
		LEFT JOIN @workspace@.rating r ON r.fit_grade = substr('DCBA', 1 + i / 4, 1) AND r.engagement_grade = 4 - i % 4
		ORDER BY i) AS temperature_steps
FROM (
	SELECT max(t.at_least) FILTER (WHERE t.dimension = 'fit' AND t.grade = 'A') AS fit_a,
		max(t.at_least) FILTER (WHERE t.dimension = 'fit' AND t.grade = 'B') AS fit_b,
		max(t.at_least) FILTER (WHERE t.dimension = 'fit' AND t.grade = 'C') AS fit_c,
		max(t.at_least) FILTER (WHERE t.dimension = 'engagement' AND t.grade = '1') AS engagement_1,
		max(t.at_least) FILTER (WHERE t.dimension = 'engagement' AND t.grade = '2') AS engagement_2,
		max(t.at_least) FILTER (WHERE t.dimension = 'engagement' AND t.grade = '3') AS engagement_3
	FROM @workspace@.grade_threshold t
) g
OFFSET 0;
COMMENT ON VIEW @workspace@.grading IS
	'The thresholds of grade_threshold and the temperatures of rating side by side. Unique key: none, there is one row';
COMMENT ON COLUMN @workspace@.grading.fit_a IS 'Fit from which on a lead is an A; NULL: none is';
COMMENT ON COLUMN @workspace@.grading.fit_b IS 'Fit from which on it is a B; NULL: none is';
COMMENT ON COLUMN @workspace@.grading.fit_c IS 'Fit from which on it is a C, below a D; NULL: none is';
COMMENT ON COLUMN @workspace@.grading.engagement_1 IS 'Points of engagement from which on a lead is a 1; NULL: none is';
COMMENT ON COLUMN @workspace@.grading.engagement_2 IS 'Points from which on it is a 2; NULL: none is';
COMMENT ON COLUMN @workspace@.grading.engagement_3 IS 'Points from which on it is a 3, below a 4; NULL: none is';
COMMENT ON COLUMN @workspace@.grading.temperatures IS 'Temperature by grade: {"A1": "hot", ...}; what is missing is cold';
COMMENT ON COLUMN @workspace@.grading.fit_steps IS
	'For width_bucket(fit, fit_steps): 0 is D, 1 is C, 2 is B, 3 is A';
COMMENT ON COLUMN @workspace@.grading.engagement_steps IS
	'For width_bucket(points, engagement_steps): 0 is 4, 1 is 3, 2 is 2, 3 is 1';
COMMENT ON COLUMN @workspace@.grading.temperature_steps IS
	'The temperature of fit step f and engagement step e is temperature_steps[1 + 4 * f + e]';

-- The planner puts it in place of the call, so that a sort by engagement is read off the index of lead. OFFSET 0 has each figure
-- computed once; what needs no lead is read once for all.
CREATE OR REPLACE FUNCTION @workspace@.rated_lead(at timestamptz)
RETURNS TABLE (lead_id bigint, external_id text, full_name text, company text, email text, phone text, owner text, status text,
	status_category text, stage leadcrm.lifecycle_stage, excluded_as text, engagement leadcrm.lead_score, fit integer,
	engagement_now double precision, fit_grade text, engagement_grade integer, temperature text, quality_tier text)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT l.lead_id, l.external_id, l.full_name, l.company, l.email, l.phone, l.owner, l.status,
	l.status_category, l.stage, l.excluded_as, l.engagement, l.fit,
	n.engagement_now, substr('DCBA', 1 + r.fit_step, 1), 4 - r.engagement_step, r.temperature,
	CASE WHEN r.fit_step = 0 OR l.status_category = 'closed' THEN 'low'
		WHEN r.fit_step >= 2 AND r.temperature = 'hot' THEN 'high'
		ELSE 'medium' END
FROM @workspace@.lead l
CROSS JOIN LATERAL (SELECT coalesce(leadcrm.points_or_infinity(l.engagement, rated_lead.at), 0) AS engagement_now) n
CROSS JOIN LATERAL (
	SELECT u.fit_step, u.engagement_step,
		CASE WHEN u.temperature <> 'hot' AND u.fit_step > 0 AND l.engagement IS NOT NULL AND EXISTS (
			WITH k AS MATERIALIZED (
				SELECT k.code, rated_lead.at - k.hot_for AS since FROM @workspace@.activity_kind k WHERE k.hot_for IS NOT NULL
			)
			SELECT
			FROM k
			-- LIMIT: kind by kind, straight off the index
			CROSS JOIN LATERAL (
				SELECT
				FROM @workspace@.activity a
				WHERE a.lead_id = l.lead_id AND a.kind = k.code AND a.occurred_at <= rated_lead.at AND a.occurred_at > k.since
				LIMIT 1
			) a)
		THEN 'hot' ELSE u.temperature END AS temperature
	FROM (
		SELECT s.fit_step, s.engagement_step,
			(SELECT g.temperature_steps FROM @workspace@.grading g)[1 + 4 * s.fit_step + s.engagement_step] AS temperature
		FROM (
			SELECT coalesce(width_bucket(l.fit, (SELECT g.fit_steps FROM @workspace@.grading g)), 0) AS fit_step,
				width_bucket(n.engagement_now, (SELECT g.engagement_steps FROM @workspace@.grading g)) AS engagement_step
			OFFSET 0
		) s
		OFFSET 0
	) u
	OFFSET 0
) r;
END;
COMMENT ON FUNCTION @workspace@.rated_lead(timestamptz) IS
	'All leads with their grades and temperature at an instant, by all activities that are known now, those after it included; '
	'for an instant to come: if nothing more happens. Columns as in lead_rating, and what hot_lead shows. Unique key: lead_id. A '
	'building block of the two';

CREATE OR REPLACE VIEW @workspace@.lead_rating WITH (security_invoker = true) AS
SELECT r.lead_id, r.fit, r.engagement_now, r.fit_grade, r.engagement_grade,
	r.fit_grade || r.engagement_grade AS grade, r.temperature, r.quality_tier
FROM @workspace@.rated_lead(now()) r;
COMMENT ON VIEW @workspace@.lead_rating IS
	'How good every lead is, as of now. Thresholds stand in grade_threshold, temperatures in rating. Unique key: lead_id. Shows '
	'rows of leads with the rights of whoever asks';
COMMENT ON COLUMN @workspace@.lead_rating.lead_id IS 'The lead';
COMMENT ON COLUMN @workspace@.lead_rating.fit IS 'How well it matches the ideal customer, 0 to 100; NULL: not rated';
COMMENT ON COLUMN @workspace@.lead_rating.engagement_now IS
	'Points of its activities, decayed to now; 0 without activities. Infinity or -Infinity: beyond float8, by activities that lie '
	'more than a thousand half-lives ahead';
COMMENT ON COLUMN @workspace@.lead_rating.fit_grade IS 'A to D, from fit; D where it is not rated';
COMMENT ON COLUMN @workspace@.lead_rating.engagement_grade IS '1 to 4, from engagement_now';
COMMENT ON COLUMN @workspace@.lead_rating.grade IS 'Both, such as A1';
COMMENT ON COLUMN @workspace@.lead_rating.temperature IS
	'cold, warm or hot: hot for activity_kind.hot_for after such an activity unless the fit grade is D, else by the table rating';
COMMENT ON COLUMN @workspace@.lead_rating.quality_tier IS
	'low: fit grade D, or the status is closed; high: fit grade A or B and hot; else medium';

CREATE OR REPLACE VIEW @workspace@.hot_lead WITH (security_invoker = true) AS
SELECT h.lead_id, h.external_id, h.full_name, h.company, h.email, h.phone, h.engagement_now, h.fit,
	h.fit_grade || h.engagement_grade AS grade, h.temperature, h.quality_tier,
	h.stage, s.position, s.label, h.status, u.label AS status_label, h.owner, r.full_name AS owner_label
FROM @workspace@.rated_lead(now()) h
LEFT JOIN @workspace@.stage s ON s.stage = h.stage
LEFT JOIN @workspace@.lead_status u ON u.code = h.status
LEFT JOIN @workspace@.rep r ON r.code = h.owner
WHERE h.status_category <> 'closed' AND h.stage < 'customer' AND h.excluded_as IS NULL
ORDER BY h.engagement DESC NULLS LAST;
COMMENT ON VIEW @workspace@.hot_lead IS
	'Leads that are alive (status not closed, stage before customer; excluded leads are left out), the hottest first, those '
	'without activities last: read off an index, so ask with LIMIT. Unique key: lead_id. Shows rows of leads with the rights of '
	'whoever asks';
COMMENT ON COLUMN @workspace@.hot_lead.lead_id IS 'The lead';
COMMENT ON COLUMN @workspace@.hot_lead.external_id IS 'The lead''s key in the system it comes from';
COMMENT ON COLUMN @workspace@.hot_lead.full_name IS 'Name of the person';
COMMENT ON COLUMN @workspace@.hot_lead.company IS 'Name of the company';
COMMENT ON COLUMN @workspace@.hot_lead.email IS 'E-mail address';
COMMENT ON COLUMN @workspace@.hot_lead.phone IS 'Telephone number';
COMMENT ON COLUMN @workspace@.hot_lead.engagement_now IS
	'Points of its activities, decayed to now. The order by it is the same at every instant, until something happens';
COMMENT ON COLUMN @workspace@.hot_lead.fit IS 'How well it matches the ideal customer, 0 to 100; NULL: not rated';
COMMENT ON COLUMN @workspace@.hot_lead.grade IS 'Fit grade A to D and engagement grade 1 to 4, such as A1';
COMMENT ON COLUMN @workspace@.hot_lead.temperature IS 'cold, warm or hot, as in lead_rating';
COMMENT ON COLUMN @workspace@.hot_lead.quality_tier IS 'low, medium or high, as in lead_rating';
COMMENT ON COLUMN @workspace@.hot_lead.stage IS 'Present stage';
COMMENT ON COLUMN @workspace@.hot_lead."position" IS 'Order of the stage';
COMMENT ON COLUMN @workspace@.hot_lead.label IS 'Name of the stage';
COMMENT ON COLUMN @workspace@.hot_lead.status IS 'Present status';
COMMENT ON COLUMN @workspace@.hot_lead.status_label IS 'Name of the status';
COMMENT ON COLUMN @workspace@.hot_lead.owner IS 'Who has it';
COMMENT ON COLUMN @workspace@.hot_lead.owner_label IS 'Name of the owner';

CREATE OR REPLACE FUNCTION @workspace@.score_explain(lead_id bigint, at timestamptz DEFAULT now())
RETURNS TABLE (part text, rule text, label text, activity_id bigint, fit_rule_id integer, occurred_at timestamptz,
	points double precision, points_at double precision, note text)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
WITH event AS (
	SELECT p.activity_id, p.kind, k.label, p.occurred_at, p.points, p.counts, p.at_most, p.per,
		leadcrm.points_or_infinity(leadcrm.make_score(p.points, p.occurred_at, p.half_life), score_explain.at) AS points_at
	FROM @workspace@.activity_points p
	JOIN @workspace@.activity_kind k ON k.code = p.kind
	WHERE p.lead_id = score_explain.lead_id AND k.points <> 0
), total AS (
	SELECT coalesce(leadcrm.points_or_infinity(l.engagement, score_explain.at), 0) AS stored,
		coalesce((SELECT sum(e.points_at) FROM event e), 0) AS computed,
		coalesce((SELECT sum(abs(e.points_at)) FROM event e), 0) AS size
	FROM @workspace@.lead l
	WHERE l.lead_id = score_explain.lead_id
)
SELECT x.part, x.rule, x.label, x.activity_id, x.fit_rule_id, x.occurred_at, x.points, x.points_at, x.note
FROM (
	SELECT 'engagement' AS part, e.kind AS rule, e.label, e.activity_id, NULL::integer AS fit_rule_id, e.occurred_at, e.points, e.points_at,
		CASE WHEN NOT e.counts THEN format('does not count: at most %s %s', e.at_most, coalesce('in ' || e.per, 'ever')) END AS note
	FROM event e
	UNION ALL
	SELECT 'engagement', NULL, NULL, NULL, NULL, NULL, NULL, t.stored - t.computed, 'not up to date: call rescore()'
	FROM total t
	-- of what is beyond float8 the difference is not known
	WHERE t.stored <> t.computed AND t.computed <> 'NaN' AND abs(t.stored - t.computed) > 1e-9 * t.size
	UNION ALL
	SELECT 'fit', concat_ws(' ', f.attribute, f.operator, f.operand), f.label, NULL, f.fit_rule_id, NULL, f.points, f.points,
		CASE WHEN f.fit_rule_id IS NULL THEN f.label END
	FROM @workspace@.fit_explain(score_explain.lead_id) f
	WHERE f.applied
) x
ORDER BY x.part, abs(x.points_at) DESC, x.activity_id, x.fit_rule_id;
END;
COMMENT ON FUNCTION @workspace@.score_explain(bigint, timestamptz) IS
	'Why a lead is as hot as it is: what each of its activities is worth at an instant, and each rule of fit that applies, the '
	'greatest first. part is engagement or fit; rule the kind of activity, or attribute, operator and operand; points what it '
	'gave when it happened, points_at what is left of it. points_at adds up to leadcrm.score_at(lead.engagement, at) over '
	'engagement and to lead.fit over fit; an activity beyond its cap shows 0 and a note. No rows: no such lead, none that you may '
	'see, or nothing that counts. Unique key: part, activity_id, fit_rule_id, note';

CREATE OR REPLACE FUNCTION @workspace@.rating_of(fit integer, points double precision)
RETURNS TABLE (fit_grade text, engagement_grade integer, temperature text)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT r.fit_grade, r.engagement_grade, coalesce(g.temperatures ->> (r.fit_grade || r.engagement_grade), 'cold')
FROM @workspace@.grading g
CROSS JOIN LATERAL (
	-- the last digit of a score is rounded, as in rated_lead
	SELECT CASE WHEN rating_of.fit >= g.fit_a THEN 'A' WHEN rating_of.fit >= g.fit_b THEN 'B'
			WHEN rating_of.fit >= g.fit_c THEN 'C' ELSE 'D' END AS fit_grade,
		CASE WHEN p.reached >= g.engagement_1 THEN 1 WHEN p.reached >= g.engagement_2 THEN 2
			WHEN p.reached >= g.engagement_3 THEN 3 ELSE 4 END AS engagement_grade
	FROM (SELECT rating_of.points + 1e-9 * abs(rating_of.points) AS reached) p
) r;
END;
COMMENT ON FUNCTION @workspace@.rating_of(integer, double precision) IS
	'The grades of a fit (NULL: not rated) and of points of engagement, and the temperature of the two by the table rating: one row. A '
	'building block of temperature_at';

CREATE OR REPLACE FUNCTION @workspace@.temperature_at(lead_id bigint, fit integer, at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT CASE WHEN r.fit_step > 0 AND a.hot THEN 'hot'
	ELSE g.temperature_steps[1 + 4 * r.fit_step + width_bucket(a.points, g.engagement_steps)] END
FROM @workspace@.grading g
CROSS JOIN LATERAL (
	SELECT coalesce(leadcrm.score_at(leadcrm.lead_score(p.points, p.occurred_at, p.half_life), temperature_at.at), 0) AS points,
		coalesce(bool_or(p.occurred_at > temperature_at.at - k.hot_for), false) AS hot
	FROM @workspace@.activity_points p
	JOIN @workspace@.activity_kind k ON k.code = p.kind
	WHERE p.lead_id = temperature_at.lead_id AND p.occurred_at <= temperature_at.at
) a
CROSS JOIN LATERAL (SELECT coalesce(width_bucket(temperature_at.fit, g.fit_steps), 0) AS fit_step) r;
END;
COMMENT ON FUNCTION @workspace@.temperature_at(bigint, integer, timestamptz) IS
	'How warm a lead of this fit was at an instant, by its activities until then and the present rules: cold, warm or hot, as in '
	'lead_rating';

CREATE OR REPLACE FUNCTION @workspace@.lead_handed_off() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $workspace$
BEGIN
	IF current_setting('leadcrm.enforcement', true) = 'off' THEN
		RETURN NEW;
	END IF;
	IF TG_TABLE_SCHEMA <> (parse_ident(@workspace_literal@))[1] THEN
		PERFORM leadcrm.refuse_renamed(TG_TABLE_SCHEMA, (parse_ident(@workspace_literal@))[1]);
	END IF;
	IF NEW.handed_off_at IS NULL THEN
		NEW.handoff_temperature := NULL;
	ELSIF TG_OP = 'INSERT' THEN
		-- there are no activities of a lead that is not there yet
		SELECT r.temperature INTO NEW.handoff_temperature FROM @workspace@.rating_of(NEW.fit, 0) r;
	ELSE
		NEW.handoff_temperature := @workspace@.temperature_at(NEW.lead_id, NEW.fit, NEW.handed_off_at);
	END IF;
	RETURN NEW;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.lead_handed_off() IS 'Trigger: keeps how warm a lead is when it is handed to sales';

-- A form that asks for a demo makes a lead at the handoff stage first and its activity after it: a handoff stays open for a minute to
-- what happened before it and is being written down.
CREATE OR REPLACE TRIGGER "~leadcrm_with_temperature" BEFORE UPDATE ON @workspace@.lead
	FOR EACH ROW WHEN (NEW.handed_off_at IS DISTINCT FROM OLD.handed_off_at
		OR (leadcrm.counting(OLD.tableoid) AND NEW.handed_off_at > now() - interval '1 minute'))
	EXECUTE FUNCTION @workspace@.lead_handed_off();
COMMENT ON TRIGGER "~leadcrm_with_temperature" ON @workspace@.lead IS
	'Keeps the temperature at the handoff; sorts after what stamps the handoff and what weighs the lead';
CREATE OR REPLACE TRIGGER "~leadcrm_with_temperature_insert" BEFORE INSERT ON @workspace@.lead
	FOR EACH ROW WHEN (NEW.handed_off_at > now() - interval '1 minute' AND NEW.handoff_temperature IS NULL)
	EXECUTE FUNCTION @workspace@.lead_handed_off();
COMMENT ON TRIGGER "~leadcrm_with_temperature_insert" ON @workspace@.lead IS
	'Keeps the temperature of a lead that is born at the handoff stage now; what was handed off earlier waits for rate_handoffs()';

CREATE OR REPLACE FUNCTION @workspace@.rate_handoffs() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $workspace$
DECLARE
	rated bigint;
BEGIN
	PERFORM leadcrm.refuse_if_renamed(@workspace_literal@);
	UPDATE @workspace@.lead l
	SET handoff_temperature = @workspace@.temperature_at(l.lead_id, l.fit, l.handed_off_at)
	WHERE l.handed_off_at IS NOT NULL AND l.handoff_temperature IS NULL;
	GET DIAGNOSTICS rated = ROW_COUNT;
	RETURN rated;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.rate_handoffs() IS
	'Fills lead.handoff_temperature of the leads that were handed off before they came to the workspace, by their activities until '
	'then, their present fit and the present rules; what is there stays. To be called once an import of leads has been followed by '
	'that of their activities: without any, only the fit says something. Returns how many leads it rated';
