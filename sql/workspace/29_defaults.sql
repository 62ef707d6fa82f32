-- What a newcomer finds. Only a new workspace gets these rows: afterwards they are the company's own. The row of
-- setting shows that they are there.

DO $workspace$
BEGIN
	IF EXISTS (SELECT FROM @workspace@.setting) THEN
		RETURN;
	END IF;

	INSERT INTO @workspace@.stage (stage, label, in_funnel, target_conversion_pct, stuck_after) VALUES
		('subscriber', 'Subscriber', false, NULL, '180 days'),
		('lead', 'Lead', true, 25, '60 days'),
		('mql', 'Marketing qualified lead', true, 20, '5 days'),
		('sql', 'Sales qualified lead', true, 50, '21 days'),
		('opportunity', 'Opportunity', true, 25, '45 days'),
		('customer', 'Customer', true, NULL, NULL),
		('evangelist', 'Evangelist', false, NULL, NULL);

	-- Not mql to opportunity: skipping sql hides whether marketing brings good leads.
	INSERT INTO @workspace@.stage_transition (from_state, to_state, needs_reason) VALUES
		(NULL, 'subscriber', false),
		(NULL, 'lead', false),
		(NULL, 'mql', false),
		(NULL, 'sql', false),
		('subscriber', 'lead', false),
		('subscriber', 'mql', false),
		('subscriber', 'sql', false),
		('lead', 'mql', false),
		('lead', 'sql', false),
		('lead', 'subscriber', true),
		('mql', 'sql', false),
		('mql', 'lead', true),
		('sql', 'opportunity', false),
		('sql', 'mql', true),
		('sql', 'lead', true),
		('opportunity', 'customer', false),
		('opportunity', 'sql', true),
		('opportunity', 'lead', true),
		('customer', 'evangelist', false),
		('evangelist', 'customer', true);

	INSERT INTO @workspace@.lead_status
		(code, label, category, "position", stages, demotes, needs_reason, is_default) VALUES
		('(none)', '(none)', 'none', 0, '{subscriber}', false, false, true),
		('new', 'New', 'to_contact', 10, '{lead,mql,sql}', false, false, true),
		('attempted_to_connect', 'Attempted to connect', 'to_contact', 20, '{lead,mql,sql}', false, false, false),
		('hot', 'Hot', 'to_contact', 30, '{lead,mql,sql}', false, false, false),
		('connected', 'Connected', 'connected', 40, '{lead,mql,sql}', false, false, false),
		('book_a_meeting', 'Book a meeting', 'connected', 50, '{lead,mql,sql}', false, false, false),
		('open_deal', 'Open deal', 'with_deal', 60, '{opportunity}', false, false, true),
		('open', 'Open', 'attention', 70, '{lead,mql,sql,opportunity}', false, false, false),
		('postponed', 'Postponed', 'attention', 80, '{lead,mql,sql,opportunity}', false, false, false),
		('low_budget', 'Low budget', 'attention', 90, '{lead,mql,sql,opportunity}', false, false, false),
		('contract', 'Contract', 'attention', 100, '{customer,evangelist}', false, false, true),
		('contract_renewal', 'Contract renewal', 'attention', 110, '{customer,evangelist}', false, false, false),
		('receivable', 'Receivable', 'attention', 120, '{customer,evangelist}', false, false, false),
		('unqualified', 'Unqualified', 'closed', 130, '{lead,mql,sql}', true, true, false),
		('lost', 'Lost', 'closed', 140, '{lead,mql,sql,opportunity}', false, false, false);

	INSERT INTO @workspace@.reason (code, label, kind, outcome, recycle_after, "position") VALUES
		('not_target', 'Not our target', 'unqualified', 'disqualify', NULL, 10),
		('not_ready', 'Not ready', 'returned', 'nurture', '60 days', 20),
		('bad_contact_data', 'Bad contact data', 'returned', 'nurture', '14 days', 30),
		('no_authority', 'No authority to decide', 'returned', 'nurture', '30 days', 40),
		('unreachable', 'Cannot be reached', 'recycled', 'nurture', '30 days', 50),
		('no_budget', 'No budget', 'recycled', 'postpone', '90 days', 60),
		('bad_timing', 'Bad timing', 'recycled', 'postpone', '90 days', 70),
		('lost_competitor', 'Lost to a competitor', 'lost', 'nurture', '270 days', 80),
		('lost_price', 'Lost on price', 'lost', 'nurture', '180 days', 90),
		('no_decision', 'No decision', 'lost', 'nurture', '90 days', 100),
		('sla_expired', 'Not answered in time', 'other', 'none', NULL, 110),
		('data_correction', 'Data corrected', 'other', 'none', NULL, 120);

	INSERT INTO @workspace@.rep (code, full_name) VALUES
		('(none)', '(none)');

	INSERT INTO @workspace@.channel (code, label, source_kind, "position") VALUES
		('(none)', '(none)', NULL, 0),
		('unknown', 'Unknown', NULL, 10),
		('organic_search', 'Organic search', 'net', 20),
		('paid_search', 'Paid search', 'net', 30),
		('direct_traffic', 'Direct traffic', 'net', 40),
		('social', 'Social media', 'net', 50),
		('display', 'Display advertising', 'net', 60),
		('email', 'E-mail', 'net', 70),
		('event', 'Event', 'net', 80),
		('referral', 'Referral', 'seed', 90),
		('partner', 'Partner', 'seed', 100),
		('outbound', 'Outbound', 'spear', 110),
		('other', 'Other', NULL, 120);

	-- Which industries, sizes and countries are the target, every company must say itself: until then, known is good.
	INSERT INTO @workspace@.fit_rule (attribute, operator, operand, points, label) VALUES
		('industry', 'is_set', NULL, 25, 'Industry in the target (any, until you name yours)'),
		('company_size', 'between', '[10, 1000]', 20, 'Company size in the target'),
		('job_title', 'matches', to_jsonb('(?i)\m(c[a-z]o|chief|head|director|president|vp|owner|founder|co-?founder|partner|principal|'
			'managing|general manager|gm)\M|directeur|directrice|direktor|dyrektor|prezes|inhaber|gesch..?ftsf..?hrer|vadov'::text), 20,
			'Decision-making title'),
		('country', 'is_set', NULL, 10, 'Country in the target (any, until you name yours)'),
		('email', 'is_free_email', 'false', 10, 'Business e-mail address'),
		('phone_verified_at', 'is_set', NULL, 10, 'Verified telephone number'),
		('full_name', 'is_set', NULL, 5, 'Named person'),
		('email', 'is_free_email', NULL, -10, 'Free e-mail address'),
		('excluded_as', 'equals', '"competitor"', -40, 'Competitor'),
		('job_title', 'matches', to_jsonb('(?i)\m(student|pupil|intern|trainee)\M'::text), -40, 'Student');

	INSERT INTO @workspace@.setting DEFAULT VALUES;
	PERFORM @workspace@.fill_date_dim(DATE '2010-01-01', DATE '2041-01-01');
END
$workspace$;
