-- What the score gets wrong: fit against what became of the leads.

CREATE OR REPLACE VIEW @workspace@.score_review WITH (security_invoker = true) AS
SELECT b.band, b.fit_from, b.fit_to,
	count(l.lead_id) AS leads,
	count(*) FILTER (WHERE l.stage_peak >= 'customer') AS customers,
	count(*) FILTER (WHERE l.stage_peak < 'customer' AND l.status_category = 'closed') AS leaked,
	count(*) FILTER (WHERE l.stage_peak < 'customer' AND l.status_category <> 'closed') AS open,
	100.0 * count(*) FILTER (WHERE l.stage_peak >= 'customer')
		/ nullif(count(*) FILTER (WHERE l.stage_peak >= 'customer' OR l.status_category = 'closed'), 0) AS customer_pct,
	count(*) FILTER (WHERE l.stage_peak < 'customer' AND l.status_category <> 'closed' AND l.stage_seq = 1) AS never_moved,
	100.0 * count(*) FILTER (WHERE l.stage_peak < 'customer' AND l.status_category <> 'closed' AND l.stage_seq = 1)
		/ nullif(count(*) FILTER (WHERE l.stage_peak < 'customer' AND l.status_category <> 'closed'), 0) AS never_moved_pct
FROM (SELECT g AS band, 10 * (g - 1) AS fit_from, CASE WHEN g = 10 THEN 100 ELSE 10 * g - 1 END AS fit_to FROM generate_series(1, 10) g) b
LEFT JOIN @workspace@.lead l ON l.fit BETWEEN b.fit_from AND b.fit_to AND l.excluded_as IS NULL
GROUP BY b.band, b.fit_from, b.fit_to;
COMMENT ON VIEW @workspace@.score_review IS
	'Does fit foretell who buys? All leads by their present fit, in ten bands: customer_pct should rise from band to band. Excluded leads and '
	'those that are not rated do not count. A percentage of all bands together is not the mean of theirs. score_surprise lists who proved the '
	'rules wrong. Unique key: band';
COMMENT ON COLUMN @workspace@.score_review.band IS '1 (lowest fit) to 10; all of them always';
COMMENT ON COLUMN @workspace@.score_review.fit_from IS 'Lowest fit of the band';
COMMENT ON COLUMN @workspace@.score_review.fit_to IS 'Highest fit of the band';
COMMENT ON COLUMN @workspace@.score_review.leads IS 'Number of leads: customers + leaked + open';
COMMENT ON COLUMN @workspace@.score_review.customers IS 'Those that became customers';
COMMENT ON COLUMN @workspace@.score_review.leaked IS 'Those that are closed without having become customers';
COMMENT ON COLUMN @workspace@.score_review.open IS 'The others: their fate is not known yet';
COMMENT ON COLUMN @workspace@.score_review.customer_pct IS '100 * customers / (customers + leaked); NULL where there are none';
COMMENT ON COLUMN @workspace@.score_review.never_moved IS 'Of the open ones: still at the stage where they began';
COMMENT ON COLUMN @workspace@.score_review.never_moved_pct IS '100 * never_moved / open; NULL where none is open';

CREATE OR REPLACE VIEW @workspace@.score_surprise WITH (security_invoker = true) AS
SELECT CASE WHEN l.stage_peak >= 'customer' THEN 'low_bought' WHEN l.status_category = 'closed' THEN 'high_leaked' ELSE 'high_never_moved' END AS surprise,
	l.lead_id, l.fit, l.fit_by_hand, l.stage, l.status, l.status_reason, l.channel, l.owner, l.created_at, l.customer_at
FROM @workspace@.lead l
CROSS JOIN @workspace@.grading g
WHERE l.excluded_as IS NULL
	AND (l.fit < LEAST(g.fit_a, g.fit_b, g.fit_c) AND l.stage_peak >= 'customer'
		OR l.fit >= g.fit_a AND l.stage_peak < 'customer' AND (l.status_category = 'closed' OR l.stage_seq = 1));
COMMENT ON VIEW @workspace@.score_surprise IS
	'The leads that prove the rules of fit wrong, one row each: low_bought (fit grade D, and became a customer), high_leaked (fit grade A, '
	'and closed without having become one), high_never_moved (fit grade A, open, and still at the stage where it began). The grades are those of '
	'grade_threshold. Excluded leads and those that are not rated do not count. Unique key: lead_id. Shows rows of leads with the rights of whoever asks.';
COMMENT ON COLUMN @workspace@.score_surprise.surprise IS 'low_bought, high_leaked or high_never_moved';
COMMENT ON COLUMN @workspace@.score_surprise.lead_id IS 'The lead; fit_explain() says why it has its fit';
COMMENT ON COLUMN @workspace@.score_surprise.fit IS 'Its fit now';
COMMENT ON COLUMN @workspace@.score_surprise.fit_by_hand IS 'Whether the fit was written by hand';
COMMENT ON COLUMN @workspace@.score_surprise.stage IS 'Its stage';
COMMENT ON COLUMN @workspace@.score_surprise.status IS 'Its status';
COMMENT ON COLUMN @workspace@.score_surprise.status_reason IS 'Why it has this status';
COMMENT ON COLUMN @workspace@.score_surprise.channel IS 'The channel it came through';
COMMENT ON COLUMN @workspace@.score_surprise.owner IS 'Who works on it';
COMMENT ON COLUMN @workspace@.score_surprise.created_at IS 'When it came to be';
COMMENT ON COLUMN @workspace@.score_surprise.customer_at IS 'When it became a customer';
