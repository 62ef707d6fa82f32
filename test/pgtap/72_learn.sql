-- Learning fit from outcomes: leads whose fate depends on known causes; what is suggested, measured and applied.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS leadcrm;
\ir include/error.sql
SELECT no_plan();
SELECT leadcrm.create_workspace();

-- nothing to learn from
SELECT is(t.error('SELECT crm.learn_fit()'), E'22023: there is nothing to learn which leads reach customer from\nDETAIL: The fate of 0 leads is known: 0 reached customer, '
	'0 are closed without having reached it. Three in ten are held out, to measure by.\nHINT: It takes leads of both fates, better some hundreds of them: wait, '
	'close dead leads, or learn an earlier stage.', 'no leads');
INSERT INTO crm.lead (lead_id, full_name, status) SELECT i, 'x', 'lost' FROM generate_series(1, 30) i;
SELECT matches(t.error('SELECT crm.learn_fit()'), E'^22023: .*DETAIL: The fate of 30 leads is known: 0 reached customer, 30 are closed', 'one fate only');
SELECT matches(t.error('SELECT crm.learn_fit(''subscriber'')'), '^22023: cannot learn which leads reach ''subscriber''', 'a stage that all reach');
SELECT matches(t.error('SELECT crm.learn_fit(NULL)'), '^22023: cannot learn which leads reach NULL', 'no stage');
SELECT matches(t.error('SELECT crm.learn_fit(''buyer'')'), '^22P02: ', 'no such stage');
SELECT matches(t.error('SELECT crm.learn_fit(''customer'', ''{}'')'), '^22023: cannot learn from the attributes ''{}''', 'no attributes');
SELECT matches(t.error('SELECT crm.learn_fit(''customer'', ''{industry,NULL}'')'), '^22023: ', 'NULL among them');
SELECT matches(t.error('SELECT crm.learn_fit(''customer'', ''{industry,budgett}'')'), '^42703: a lead has no attribute "budgett"', 'one that is none');
SELECT matches(t.error('SELECT crm.learn_fit(''customer'', ''{stage}'')'), '^22023: "stage" cannot be an attribute', 'one that is no profile');
SELECT is(t.error('SELECT crm.apply_suggestion()'), E'22023: learn_fit() has not run yet\nHINT: SELECT * FROM learn_run shows the runs, fit_suggestion what they suggest.', 'nothing to apply');
SELECT matches(t.error('SELECT crm.apply_suggestion(7)'), '^22023: there is no run 7', 'no such run');
SELECT is((SELECT count(*) FROM crm.learn_run), 0::bigint, 'nothing stored');
DELETE FROM crm.lead;

-- leads: software buys, small companies don't, a budget in JSON matters, the rest is noise
ALTER TABLE crm.lead ADD COLUMN "Own %s 'col'" text, ADD COLUMN ratio double precision, ADD COLUMN vip boolean;
INSERT INTO crm.lead (lead_id, full_name, email, industry, company_size, country, website, "Own %s 'col'", ratio, vip, attributes, stage, created_at, lead_at, customer_at, status, excluded_as)
SELECT i, 'x', CASE i % 3 WHEN 0 THEN 'a@gmail.com' WHEN 1 THEN 'a@firm.example' END, industry, size, CASE WHEN i % 5 > 0 THEN 'C' || i % 4 END,
	CASE WHEN i % 2 = 0 THEN 'w' END, 'v' || i % 3, u / 7, i % 4 = 0, jsonb_build_object('budget', CASE WHEN i % 2 = 0 THEN to_jsonb(budget) ELSE to_jsonb(budget::text) END, 'a.b', i % 6, 'list', '[1]'::jsonb),
	CASE WHEN won THEN 'customer' ELSE 'lead' END::leadcrm.lifecycle_stage, timestamptz '2024-01-01' + i * interval '1 hour', timestamptz '2024-01-01' + i * interval '1 hour',
	CASE WHEN won THEN timestamptz '2024-06-01' + i * interval '1 hour' END, CASE WHEN NOT won AND (hashint4(i + 400000) & 15) > 0 THEN 'lost' END, CASE WHEN i % 50 = 0 THEN 'test' END
FROM (SELECT *, u < 0.05 + CASE WHEN industry = 'Software' THEN 0.35 ELSE 0 END + CASE WHEN size >= 50 THEN 0.3 ELSE 0 END + CASE WHEN budget > 5000 THEN 0.2 ELSE 0 END AS won
	FROM (SELECT i, (hashint4(i) & 4095) / 4095.0 AS u, (ARRAY['Software', 'Retail', 'Farming', NULL])[1 + (hashint4(i + 100000) & 3)] AS industry,
		(hashint4(i + 200000) & 127) AS size, (hashint4(i + 300000) & 8191) AS budget FROM generate_series(1, 3000) i) s) s;
CREATE TEMP TABLE rules_before AS TABLE crm.fit_rule;
SELECT is(t.error($$SELECT crm.learn_fit('customer', '{industry,company_size,attributes.budget,country,email,website,"attributes{a.b}",attributes.list,"Own %s ''col''",vip}')$$), 'none', 'learned');
SELECT bag_eq('TABLE crm.fit_rule', 'TABLE rules_before', 'no rule is touched');
SELECT results_eq('SELECT target::text, since, leads + held_out, reached + held_out_reached, applied_at FROM crm.learn_run',
	$$SELECT 'customer', NULL::date, count(*), count(*) FILTER (WHERE stage = 'customer'), NULL::timestamptz FROM crm.lead
		WHERE excluded_as IS NULL AND (stage = 'customer' OR status = 'lost')$$, 'the leads whose fate is known, without the excluded');
SELECT ok(held_out BETWEEN 0.25 * (leads + held_out) AND 0.35 * (leads + held_out), 'three in ten are held out') FROM crm.learn_run;
SELECT ok(auc > 0.75 AND auc_model > 0.75 AND abs(auc - auc_model) < 0.01 AND top_decile_lift > 1.5, format('it foretells: %s, %s, %s', auc, auc_model, top_decile_lift)) FROM crm.learn_run;
SELECT ok(auc_present < auc, format('better than the rules of today (%s)', auc_present)) FROM crm.learn_run;
SELECT ok((SELECT points FROM crm.fit_suggestion WHERE attribute = 'industry' AND operand @> '"Software"') >= 10, 'Software is found');
SELECT ok((SELECT greatest(max(points), 0) - least(min(points), 0) FROM crm.fit_suggestion WHERE attribute = 'company_size') >= 16, 'and the size');
SELECT ok((SELECT count(*) FROM crm.fit_suggestion WHERE attribute = 'attributes.budget' AND operator = 'between' AND abs(points) >= 4) > 0, 'and the budget, numbers or texts');
SELECT is_empty($$SELECT * FROM crm.fit_suggestion WHERE attribute IN ('attributes.list', 'website', 'vip', 'attributes{a.b}', 'country') AND abs(points) > 8$$, 'noise stays small');
SELECT is((SELECT sum(leads) FROM crm.learn_calibration), (SELECT held_out::numeric FROM crm.learn_run), 'the calibration counts every lead held out');
SELECT is((SELECT count(*) FROM crm.learn_calibration), 10::bigint, 'in ten bands');
SELECT ok(abs(sum(expected_pct * leads) - sum(reached_pct * leads)) / sum(leads) < 4, 'and is about right') FROM crm.learn_calibration;
SELECT is_empty('SELECT * FROM crm.learn_calibration WHERE abs(reached_pct - 100.0 * reached / leads) > 1e-6 OR fit_from > fit_to', 'its figures');
-- every rule's evidence is what a plain count finds
CREATE FUNCTION t.count_rule(r crm.fit_suggestion) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SELECT count(*) || '' '' || count(*) FILTER (WHERE l.stage = ''customer'') FROM crm.lead l WHERE excluded_as IS NULL
		AND (l.stage = ''customer'' OR status = ''lost'') AND (hashint8(lead_id) %% 10 + 10) %% 10 >= 3 AND %s',
		(leadcrm.fit_condition('crm.lead', r.attribute, r.operator, r.operand, 'l')).condition) INTO result;
	RETURN result;
END
$$;
SELECT is_empty($$SELECT s.*, t.count_rule(s) FROM crm.fit_suggestion s WHERE s.leads || ' ' || s.reached <> t.count_rule(s)$$, 'the evidence of every rule');
-- no value counts twice
SELECT is_empty($$SELECT a.attribute, a.operand, b.operand FROM crm.fit_suggestion a JOIN crm.fit_suggestion b USING (run_id, attribute)
	WHERE a.operator = 'between' AND b.operator = 'between' AND a.position < b.position AND coalesce(a.operand ->> 0, '-Infinity')::numeric <= coalesce(b.operand ->> 1, 'Infinity')::numeric
		AND coalesce(b.operand ->> 0, '-Infinity')::numeric <= coalesce(a.operand ->> 1, 'Infinity')::numeric$$, 'ranges do not overlap');

-- applied: what was measured comes true
CREATE FUNCTION t.auc() RETURNS numeric LANGUAGE sql AS $$
	SELECT round(avg(CASE WHEN a.fit > b.fit THEN 1 WHEN a.fit = b.fit THEN 0.5 ELSE 0 END), 6)
	FROM crm.lead a, crm.lead b
	WHERE a.excluded_as IS NULL AND b.excluded_as IS NULL AND a.stage = 'customer' AND b.stage <> 'customer' AND b.status = 'lost'
		AND (hashint8(a.lead_id) % 10 + 10) % 10 < 3 AND (hashint8(b.lead_id) % 10 + 10) % 10 < 3
$$;
SELECT is((SELECT auc_present FROM crm.learn_run), t.auc(), 'the AUC of today''s rules, pair by pair');
SELECT is(crm.apply_suggestion(), (SELECT count(*)::integer FROM crm.fit_suggestion), 'applied');
SELECT is_empty('SELECT lead_id FROM crm.lead l WHERE fit IS DISTINCT FROM crm.fit_of(l)', 'every lead is weighed by them');
SELECT ok(applied_at IS NOT NULL, 'on record') FROM crm.learn_run;
SELECT results_eq('SELECT attribute, operator FROM crm.fit_rule WHERE active AND learned_in IS NULL ORDER BY fit_rule_id',
	$$VALUES ('job_title', 'matches'), ('phone_verified_at', 'is_set'), ('full_name', 'is_set'), ('excluded_as', 'equals'), ('job_title', 'matches')$$, 'rules on what it did not look at stay');
SELECT is((SELECT count(*) FROM crm.fit_rule WHERE NOT active), 5::bigint, 'the others are switched off, not lost');
UPDATE crm.fit_rule SET active = false WHERE learned_in IS NULL;
SELECT is((SELECT auc FROM crm.learn_run), t.auc(), 'the AUC of the suggested rules, pair by pair');
SELECT is(crm.apply_suggestion(1), (SELECT count(*)::integer FROM crm.fit_suggestion), 'again: the same');
SELECT is((SELECT count(*) FROM crm.fit_rule WHERE learned_in = 1), (SELECT count(*) FROM crm.fit_suggestion), 'no rule twice');
SELECT is_empty('SELECT lead_id FROM crm.lead l, LATERAL (SELECT sum(e.points) FILTER (WHERE e.applied) AS s FROM crm.fit_explain(l.lead_id) e) e
	WHERE l.lead_id % 37 = 0 AND e.s <> l.fit', 'explained');

-- all attributes; the same twice; since; another stage
SELECT is(crm.learn_fit(), 2, 'without a list');
SELECT ok(attributes @> '{industry,email,channel,ratio,vip,attributes.budget}' AND attributes @> ARRAY['Own %s ''col''', 'attributes{a.b}']
	AND NOT attributes && '{value,fit,stage,attributes.list,external_id,excluded_as,created_at}', 'looks at all that say who it is: ' || attributes::text) FROM crm.learn_run WHERE run_id = 2;
SELECT is(crm.learn_fit(), 3, 'again');
SELECT results_eq('SELECT position, attribute, operator, operand, points FROM crm.fit_suggestion WHERE run_id = 2 ORDER BY 1',
	'SELECT position, attribute, operator, operand, points FROM crm.fit_suggestion WHERE run_id = 3 ORDER BY 1', 'gives the same');
SELECT is(crm.apply_suggestion(2), (SELECT count(*)::integer FROM crm.fit_suggestion WHERE run_id = 2), 'the second run applied');
SELECT is((SELECT string_agg(DISTINCT learned_in::text, ',') FROM crm.fit_rule WHERE active), '2', 'replaces the first');
SELECT is(crm.learn_fit('customer', '{industry}', '2024-03-01'), 4, 'since');
SELECT is((SELECT leads + held_out FROM crm.learn_run WHERE run_id = 4), (SELECT count(*) FROM crm.lead WHERE created_at >= '2024-03-01 00:00+00' AND excluded_as IS NULL
	AND (stage = 'customer' OR status = 'lost')), 'counts only those');
SELECT ok(auc BETWEEN 0.55 AND 0.75, 'and one attribute says less') FROM crm.learn_run WHERE run_id = 4;
SELECT matches(t.error('SELECT crm.learn_fit(''customer'', ''{industry}'', ''2030-01-01'')'), '^22023: there is nothing to learn', 'since the future');
SELECT is(crm.learn_fit('customer', '{channel}'), 5, 'from what is the same everywhere');
SELECT is((SELECT auc FROM crm.learn_run WHERE run_id = 5), 0.5, 'nothing is learned');
SELECT matches(t.error('SELECT crm.apply_suggestion(5)'), '^22023: run 5 suggests no rules', 'and nothing suggested');
SELECT is(crm.learn_fit('mql', '{industry,industry}'), 6, 'another stage, an attribute twice');
SELECT is((SELECT attributes FROM crm.learn_run WHERE run_id = 6), '{industry}', 'counts once');
-- a perfect attribute, an id, floating point numbers that no rule may miss
UPDATE crm.lead SET website = stage::text || CASE WHEN stage = 'lead' THEN '' ELSE ' ' END, external_id = 'id ' || lead_id;
SELECT is(crm.learn_fit('customer', '{ratio,external_id,attributes.budget}'), 7, 'floats and ids');
UPDATE crm.lead SET "Own %s 'col'" = CASE WHEN stage = 'customer' THEN E'it''s %s "\\' ELSE '$1' END;
SELECT is(crm.learn_fit('customer', ARRAY['Own %s ''col''']), 8, 'an attribute that tells all, with hostile values');
SELECT is((SELECT auc FROM crm.learn_run WHERE run_id = 8), 1.0, 'is found');
SELECT crm.apply_suggestion(8);
SELECT is(t.auc(), 1.0, 'and its rules work');
SELECT crm.apply_suggestion(7);
SELECT is_empty($$SELECT l.lead_id FROM crm.lead l, crm.fit_parts(l) p JOIN crm.fit_rule r USING (fit_rule_id) WHERE r.attribute = 'ratio' AND p.applied GROUP BY 1 HAVING count(*) > 1$$,
	'no float counts twice');

-- the review
SELECT results_eq('SELECT band, fit_from, fit_to, leads, customers, leaked, open, round(customer_pct, 6), never_moved, round(never_moved_pct, 6) FROM crm.score_review ORDER BY band', $$
	SELECT b, 10 * b - 10, CASE WHEN b = 10 THEN 100 ELSE 10 * b - 1 END, count(l), count(*) FILTER (WHERE won), count(*) FILTER (WHERE NOT won AND closed), count(*) FILTER (WHERE NOT won AND NOT closed),
		round(100.0 * count(*) FILTER (WHERE won) / nullif(count(*) FILTER (WHERE won OR closed), 0), 6), count(*) FILTER (WHERE NOT won AND NOT closed AND moves = 1),
		round(100.0 * count(*) FILTER (WHERE NOT won AND NOT closed AND moves = 1) / nullif(count(*) FILTER (WHERE NOT won AND NOT closed), 0), 6)
	FROM generate_series(1, 10) b LEFT JOIN (SELECT l, least(fit / 10 + 1, 10) AS band, stage IN ('customer', 'evangelist') AS won, status IN ('lost', 'unqualified') AS closed,
		(SELECT count(*) FROM crm.stage_history h WHERE h.lead_id = l.lead_id) AS moves FROM crm.lead l WHERE excluded_as IS NULL) l ON l.band = b
	GROUP BY b ORDER BY b$$, 'fit against what became of it');
SELECT is((SELECT sum(leads) FROM crm.score_review), (SELECT count(*)::numeric FROM crm.lead WHERE excluded_as IS NULL), 'counts every lead once');
UPDATE crm.lead SET fit = 95 WHERE lead_id IN (SELECT lead_id FROM crm.lead WHERE status = 'lost' AND excluded_as IS NULL ORDER BY lead_id LIMIT 3);
UPDATE crm.lead SET fit = 5 WHERE lead_id IN (SELECT lead_id FROM crm.lead WHERE stage = 'customer' AND excluded_as IS NULL ORDER BY lead_id LIMIT 2);
UPDATE crm.lead SET fit = 85 WHERE lead_id IN (SELECT lead_id FROM crm.lead WHERE stage = 'lead' AND status = 'new' AND excluded_as IS NULL ORDER BY lead_id LIMIT 4);
UPDATE crm.lead SET stage = 'mql' WHERE lead_id = (SELECT lead_id FROM crm.lead WHERE fit = 85 AND fit_by_hand AND excluded_as IS NULL LIMIT 1);
SELECT set_eq('SELECT surprise, lead_id FROM crm.score_surprise', $$
	SELECT 'low_bought', lead_id FROM crm.lead WHERE fit < 20 AND customer_at IS NOT NULL AND excluded_as IS NULL
	UNION ALL SELECT 'high_leaked', lead_id FROM crm.lead WHERE fit >= 70 AND customer_at IS NULL AND status = 'lost' AND excluded_as IS NULL
	UNION ALL SELECT 'high_never_moved', lead_id FROM crm.lead l WHERE fit >= 70 AND customer_at IS NULL AND status = 'new' AND excluded_as IS NULL
		AND (SELECT count(*) FROM crm.stage_history h WHERE h.lead_id = l.lead_id) = 1$$, 'what the rules get wrong');
SELECT results_eq('SELECT DISTINCT surprise FROM crm.score_surprise ORDER BY 1', ARRAY['high_leaked', 'high_never_moved', 'low_bought'], 'of each kind some');

-- the grades decide what is high and low
UPDATE crm.grade_threshold SET at_least = 90 WHERE dimension = 'fit' AND grade = 'A';
UPDATE crm.grade_threshold SET at_least = 4 WHERE dimension = 'fit' AND grade = 'C';
SELECT results_eq('SELECT surprise, count(*) FROM crm.score_surprise WHERE fit_by_hand GROUP BY 1', 'VALUES (''high_leaked'', 3::bigint)', 'with other thresholds, other surprises');
SELECT is_empty('SELECT lead_id FROM crm.score_surprise s JOIN crm.lead_rating r USING (lead_id) WHERE r.fit_grade <> CASE surprise WHEN ''low_bought'' THEN ''D'' ELSE ''A'' END',
	'the grades of lead_rating');
DELETE FROM crm.grade_threshold WHERE dimension = 'fit' AND grade = 'C';
SELECT is_empty('SELECT lead_id FROM crm.score_surprise s JOIN crm.lead_rating r USING (lead_id) WHERE r.fit_grade <> CASE surprise WHEN ''low_bought'' THEN ''D'' ELSE ''A'' END',
	'also where one is missing');
SELECT isnt_empty('SELECT 1 FROM crm.score_surprise WHERE surprise = ''low_bought'' AND fit >= 20', 'then all below B are low');

-- who may
CREATE ROLE lc_admin;
CREATE ROLE lc_analyst;
SELECT crm.grant_access('lc_admin', 'admin'), crm.grant_access('lc_analyst', 'analyst');
SELECT is(t.run('SELECT crm.learn_fit(''customer'', ''{industry,company_size,attributes.budget}'')', 'lc_admin'), '9', 'an admin learns');
SELECT is(t.error('SELECT crm.apply_suggestion()', 'lc_admin'), 'none', 'and applies');
SELECT matches(t.error('SELECT crm.learn_fit()', 'lc_analyst'), '^42501: ', 'an analyst does not');
SELECT matches(t.error('SELECT crm.apply_suggestion()', 'lc_analyst'), '^42501: ', 'nor apply');
SELECT is(t.error('SELECT FROM crm.score_review; SELECT FROM crm.learn_run; SELECT FROM crm.fit_suggestion; SELECT FROM crm.learn_calibration; SELECT FROM crm.score_surprise', 'lc_analyst'), 'none', 'but reads');

-- a workspace with an odd name
SELECT leadcrm.create_workspace('%s ''odd'' "$1"');
INSERT INTO "%s 'odd' ""$1""".lead (lead_id, industry, stage, lead_at, customer_at, status)
SELECT i, 'i' || i % 2, CASE WHEN i % 2 = 0 THEN 'customer' ELSE 'lead' END::leadcrm.lifecycle_stage, '2024-01-01', CASE WHEN i % 2 = 0 THEN timestamptz '2024-02-01' END, CASE WHEN i % 2 = 1 THEN 'lost' END
FROM generate_series(1, 100) i;
SELECT is("%s 'odd' ""$1""".learn_fit(), 1, 'learned there');
SELECT cmp_ok("%s 'odd' ""$1""".apply_suggestion(), '>=', 1, 'applied there');
SELECT is((SELECT min(fit) FILTER (WHERE industry = 'i0') > max(fit) FILTER (WHERE industry = 'i1') FROM "%s 'odd' ""$1""".lead), true, 'and weighed');
SELECT is(t.error('SELECT leadcrm.upgrade_workspace(''%s ''''odd'''' "$1"'')'), 'none', 'upgraded');

SELECT * FROM finish();
ROLLBACK;
