-- Fills workspace crm with a company that does not exist: some 20,000 leads over the last two years, the same at every run but
-- for the present day. One leak is planted in it: what paid search brings as marketing qualified, sales can't use.

\set ON_ERROR_STOP on
SET TimeZone = 'UTC';

-- a number from 0 up to 1 that depends on what it is for, and on nothing else
CREATE FUNCTION pg_temp.chance(lead int, what text) RETURNS float8 LANGUAGE sql IMMUTABLE AS
	$$SELECT ('x' || substr(md5(lead::text || what), 1, 8))::bit(32)::bigint / 4294967296.0::float8$$;
-- one of several, the first ones more often
CREATE FUNCTION pg_temp.choice(lead int, what text, VARIADIC choices text[]) RETURNS text LANGUAGE sql IMMUTABLE AS
	$$SELECT choices[1 + floor(pg_temp.chance(lead, what) ^ 1.5 * cardinality(choices))::int]$$;
-- a time that is often short and sometimes long, with the given mean
CREATE FUNCTION pg_temp.span(lead int, what text, mean_days float8) RETURNS interval LANGUAGE sql IMMUTABLE AS
	$$SELECT -ln(1 - pg_temp.chance(lead, what)) * mean_days * interval '1 day'$$;

BEGIN;

UPDATE crm.setting SET organisation = 'Brightwater Instruments', time_zone = 'Europe/Vilnius', base_currency = 'EUR';
UPDATE crm.stage SET target_conversion_pct = CASE stage WHEN 'lead' THEN 30 WHEN 'mql' THEN 25 WHEN 'sql' THEN 55 ELSE 32 END
WHERE target_conversion_pct IS NOT NULL;

INSERT INTO crm.team (code, label) VALUES ('inside', 'Inside sales'), ('field', 'Field sales');
INSERT INTO crm.rep (code, full_name, team, capacity) VALUES
	('giorgi', 'Giorgi Kobalia', 'inside', 150), ('saruul', 'Saruul Bat-Erdene', 'inside', 150),
	('ruta', 'Rūta Kazlauskaitė', 'inside', 150), ('zofia', 'Zofia Wiśniewska', 'inside', 150),
	('dariush', 'Dariush Farahani', 'field', 60), ('ines', 'Inês Carvalho', 'field', 60), ('tom', 'Tom Okafor', 'field', 60);
INSERT INTO crm.campaign (code, label, channel, starts_on) VALUES
	('ps-brand', 'Search: our name', 'paid_search', current_date - 720),
	('ps-generic', 'Search: calibration', 'paid_search', current_date - 600),
	('webinar-flow', 'Webinar: flow metering', 'event', current_date - 400),
	('fair', 'Spring trade fair', 'event', current_date - 250),
	('newsletter', 'Monthly newsletter', 'email', current_date - 720),
	('calculator', 'Dosing calculator', 'organic_search', current_date - 500);

-- who came, when, and how far luck and their channel carry them
CREATE TEMP TABLE visitor ON COMMIT DROP AS
SELECT i, c.channel, c.campaign,
	-- more of them lately
	now() - (1 - sqrt(pg_temp.chance(i, 'when'))) * interval '730 days' - pg_temp.span(i, 'minute', 0.2) AS came_at,
	CASE WHEN pg_temp.chance(i, 'first') < 0.14 THEN 'subscriber'
		WHEN pg_temp.chance(i, 'first') < 0.18 AND c.channel IN ('direct_traffic', 'organic_search', 'referral') THEN 'mql'
		ELSE 'lead' END AS born,
	pg_temp.chance(i, 'to lead') < 0.45 AS to_lead,
	pg_temp.chance(i, 'to mql') < CASE c.channel WHEN 'paid_search' THEN 0.44 WHEN 'social' THEN 0.29 ELSE 0.36 END AS to_mql,
	-- the leak
	pg_temp.chance(i, 'to sql') < CASE c.channel WHEN 'paid_search' THEN 0.04 WHEN 'referral' THEN 0.40 ELSE 0.29 END AS to_sql,
	pg_temp.chance(i, 'to opportunity') < 0.62 AS to_opportunity,
	pg_temp.chance(i, 'to customer') < CASE c.channel WHEN 'referral' THEN 0.48 ELSE 0.38 END AS to_customer,
	pg_temp.chance(i, 'to evangelist') < 0.12 AS to_evangelist,
	pg_temp.chance(i, 'fate') AS fate
FROM generate_series(1, 20000) i
CROSS JOIN LATERAL (
	SELECT v.channel, CASE v.channel
		WHEN 'paid_search' THEN pg_temp.choice(i, 'campaign', 'ps-generic', 'ps-brand', NULL)
		WHEN 'event' THEN pg_temp.choice(i, 'campaign', 'webinar-flow', 'fair')
		WHEN 'email' THEN 'newsletter'
		WHEN 'organic_search' THEN pg_temp.choice(i, 'campaign', NULL, NULL, 'calculator') END AS campaign
	FROM (SELECT pg_temp.choice(i, 'channel', 'paid_search', 'paid_search', 'organic_search', 'organic_search', 'organic_search',
		'social', 'direct_traffic', 'referral', 'email', 'event', 'outbound', 'partner', '(none)') AS channel) v
) c;

-- when each entered each stage; what would lie in the future has not happened yet
CREATE TEMP TABLE journey ON COMMIT DROP AS
SELECT v.*, s.subscriber_at,
	CASE WHEN l.at <= now() THEN l.at END AS lead_at,
	CASE WHEN m.at <= now() THEN m.at END AS mql_at,
	CASE WHEN q.at <= now() THEN q.at END AS sql_at,
	CASE WHEN o.at <= now() THEN o.at END AS opportunity_at,
	CASE WHEN c.at <= now() THEN c.at END AS customer_at,
	CASE WHEN e.at <= now() THEN e.at END AS evangelist_at,
	greatest(v.came_at, l.at, m.at, q.at, o.at, c.at, e.at) > now() AS under_way
FROM visitor v
CROSS JOIN LATERAL (SELECT CASE WHEN v.born = 'subscriber' THEN v.came_at END AS subscriber_at) s
CROSS JOIN LATERAL (SELECT CASE WHEN v.born = 'lead' THEN v.came_at
	WHEN v.born = 'subscriber' AND v.to_lead THEN v.came_at + pg_temp.span(v.i, 'lead', 60) END AS at) l
CROSS JOIN LATERAL (SELECT CASE WHEN v.born = 'mql' THEN v.came_at
	WHEN v.to_mql THEN l.at + interval '1 hour' + pg_temp.span(v.i, 'mql', 13) END AS at) m
CROSS JOIN LATERAL (SELECT CASE WHEN v.to_sql THEN m.at + interval '20 minutes' + pg_temp.span(v.i, 'sql', 1.6) END AS at) q
CROSS JOIN LATERAL (SELECT CASE WHEN v.to_opportunity THEN q.at + interval '1 day' + pg_temp.span(v.i, 'opp', 8) END AS at) o
CROSS JOIN LATERAL (SELECT CASE WHEN v.to_customer THEN o.at + interval '5 days' + pg_temp.span(v.i, 'won', 22) END AS at) c
CROSS JOIN LATERAL (SELECT CASE WHEN v.to_evangelist THEN c.at + interval '60 days' + pg_temp.span(v.i, 'fan', 120) END AS at) e;

-- what became of those who went no further: closed, sent back, or forgotten by everybody
CREATE TEMP TABLE ending ON COMMIT DROP AS
SELECT j.*, p.stage AS place, d.decided_at,
	CASE
		WHEN j.under_way OR d.decided_at > now() THEN 'goes on'
		WHEN p.stage = 'lead' THEN CASE WHEN j.fate < 0.2 THEN 'unqualified' WHEN j.fate < 0.35 THEN 'lost' ELSE 'forgotten' END
		WHEN p.stage = 'mql' THEN CASE WHEN j.fate < 0.2 AND j.lead_at IS NOT NULL THEN 'back'
			WHEN j.fate < 0.5 AND j.lead_at IS NOT NULL THEN 'back, unqualified' WHEN j.fate < 0.6 THEN 'lost' ELSE 'forgotten' END
		WHEN p.stage = 'sql' THEN CASE WHEN j.fate < 0.2 AND j.lead_at IS NOT NULL THEN 'back' WHEN j.fate < 0.7 THEN 'lost'
			ELSE 'forgotten' END
		WHEN p.stage = 'opportunity' THEN CASE WHEN j.fate < 0.8 THEN 'lost' ELSE 'forgotten' END
		ELSE 'goes on'
	END AS fate_is
FROM journey j
CROSS JOIN LATERAL (
	SELECT CASE WHEN j.evangelist_at IS NOT NULL THEN 'evangelist' WHEN j.customer_at IS NOT NULL THEN 'customer'
		WHEN j.opportunity_at IS NOT NULL THEN 'opportunity' WHEN j.sql_at IS NOT NULL THEN 'sql' WHEN j.mql_at IS NOT NULL THEN 'mql'
		WHEN j.lead_at IS NOT NULL THEN 'lead' ELSE 'subscriber' END AS stage
) p
CROSS JOIN LATERAL (
	SELECT greatest(j.came_at, j.lead_at, j.mql_at, j.sql_at, j.opportunity_at)
		+ interval '1 day' + pg_temp.span(j.i, 'decided', CASE p.stage WHEN 'lead' THEN 25 WHEN 'mql' THEN 3 ELSE 14 END) AS decided_at
) d;

-- whom it sells to
UPDATE crm.fit_rule r SET operator = 'one_of', operand = t.operand, label = t.label
FROM (VALUES ('industry', '["Food", "Breweries", "Pharma"]'::jsonb, 'Food, breweries or pharma'),
	('country', '["Lithuania", "Poland", "Georgia"]', 'Country with a branch of ours')) t (attribute, operand, label)
WHERE r.attribute = t.attribute;

SET leadcrm.actor = 'import';
INSERT INTO crm.lead (external_id, full_name, email, company, job_title, industry, company_size, country, channel, campaign_id,
	owner, owner_since, value, excluded_as, stage, stage_since, stage_reason, subscriber_at, lead_at, mql_at, sql_at,
	opportunity_at, customer_at, evangelist_at, status, status_since, status_reason, first_touch_at)
SELECT 'web-' || to_char(e.i, 'FM00000'), n.first || ' ' || n.last,
	lower(n.first || '.' || n.last) || e.i || '@' || CASE WHEN pg_temp.chance(e.i, 'free') < 0.2 THEN 'mail.example'
		ELSE lower(replace(n.company, ' ', '-')) || '.example' END,
	n.company,
	pg_temp.choice(e.i, 'title', 'Plant engineer', 'Head of maintenance', 'Buyer', 'Laboratory manager', 'Owner', 'Student'),
	pg_temp.choice(e.i, 'industry', 'Food', 'Water supply', 'Chemicals', 'Pharma', 'Paper', 'Breweries'),
	(5 * exp(pg_temp.chance(e.i, 'size') * 6))::int,
	pg_temp.choice(e.i, 'country', 'Lithuania', 'Poland', 'Georgia', 'Portugal', 'Mongolia', 'Iran', 'Nigeria'),
	e.channel, c.campaign_id, o.owner, CASE WHEN o.owner <> '(none)' THEN e.mql_at END,
	CASE WHEN pg_temp.chance(e.i, 'priced') < 0.8 THEN round((400 * exp(pg_temp.chance(e.i, 'value') * 4))::numeric, -2) END,
	CASE WHEN pg_temp.chance(e.i, 'excluded') < 0.01 THEN pg_temp.choice(e.i, 'why', 'spam', 'test', 'employee', 'duplicate') END,
	CASE WHEN f.went_back THEN 'lead' ELSE e.place END::leadcrm.lifecycle_stage,
	CASE WHEN f.went_back THEN e.decided_at END,
	CASE WHEN f.went_back THEN pg_temp.choice(e.i, 'reason', 'not_ready', 'no_budget', 'bad_timing', 'bad_contact_data') END,
	e.subscriber_at, e.lead_at, e.mql_at, e.sql_at, e.opportunity_at, e.customer_at, e.evangelist_at,
	f.status,
	CASE WHEN f.status IS NOT NULL THEN e.decided_at ELSE e.came_at END,
	CASE f.status WHEN 'unqualified' THEN 'not_target'
		WHEN 'lost' THEN pg_temp.choice(e.i, 'lost', 'no_decision', 'lost_price', 'lost_competitor', 'unreachable') END,
	CASE WHEN o.owner <> '(none)' AND e.fate_is <> 'forgotten' THEN e.mql_at + pg_temp.span(e.i, 'touch', 0.05) END
FROM ending e
LEFT JOIN crm.campaign c ON c.code = e.campaign
CROSS JOIN LATERAL (
	SELECT pg_temp.choice(e.i, 'first', 'Rasa', 'Marek', 'Tamar', 'Batbayar', 'Leila', 'João', 'Chidi', 'Ona', 'Piotr', 'Nino') AS first,
		pg_temp.choice(e.i, 'last', 'Petrauskas', 'Nowak', 'Beridze', 'Ganbold', 'Karimi', 'Silva', 'Adeyemi', 'Jankauskas') AS last,
		pg_temp.choice(e.i, 'company 1', 'North', 'Baltic', 'Green', 'Alpha', 'River', 'United') || ' '
			|| pg_temp.choice(e.i, 'company 2', 'Dairy', 'Water', 'Paper', 'Chemicals', 'Brewery', 'Labs', 'Foods') AS company
) n
CROSS JOIN LATERAL (
	SELECT CASE WHEN e.mql_at IS NULL THEN '(none)' ELSE pg_temp.choice(e.i, 'owner', 'saruul', 'giorgi', 'ruta', 'zofia', 'ines', 'tom',
		'dariush') END AS owner
) o
CROSS JOIN LATERAL (
	SELECT e.fate_is IN ('back', 'back, unqualified') AS went_back,
		CASE e.fate_is WHEN 'unqualified' THEN 'unqualified' WHEN 'back, unqualified' THEN 'unqualified' WHEN 'lost' THEN 'lost'
			WHEN 'back' THEN 'postponed' END AS status
) f
ORDER BY e.came_at;

COMMIT;

-- What they did: many look around at first, those who came further ask for more, some come back lately. Sales calls from the
-- handoff on. One statement; each lead's engagement moves once.
INSERT INTO crm.activity (lead_id, kind, occurred_at, channel, actor)
SELECT l.lead_id, a.kind, a.at, CASE WHEN k.is_sales_touch THEN NULL ELSE l.channel END, CASE WHEN k.is_sales_touch THEN l.owner ELSE 'website' END
FROM (SELECT l.*, substr(l.external_id, 5)::int AS i,
		pg_temp.chance(substr(l.external_id, 5)::int, 'interest') ^ 3 * 8 + CASE WHEN l.stage_peak > 'mql' THEN 5 WHEN l.stage_peak > 'lead' THEN 3 ELSE 1 END AS acts
	FROM crm.lead l WHERE l.external_id LIKE 'web-%') l
CROSS JOIN LATERAL generate_series(1, l.acts::int) n
CROSS JOIN LATERAL (
	-- once, not at each use
	SELECT v.kind, v.at FROM (
	SELECT pg_temp.choice(l.i, 'act ' || n, 'page_view', 'page_view', 'page_view', 'email_open', 'price_view', 'download', 'email_click', 'review_read',
			'webinar_attended', 'social_like', 'cart_add', 'quote_request', 'demo_request', 'unsubscribe') AS kind,
		least(l.created_at + pg_temp.span(l.i, 'act at ' || n, CASE WHEN l.stage_peak > 'lead' THEN 12 ELSE 40 END),
			now() - pg_temp.span(l.i, 'act before ' || n, 20)) AS at
	OFFSET 0
	) v
	UNION ALL
	SELECT CASE WHEN n = 1 THEN 'call_attempt' WHEN pg_temp.chance(l.i, 'reached ' || n) < 0.5 THEN 'call_connected' ELSE 'email_sent' END,
		l.first_touch_at + (n - 1) * interval '3 days'
	WHERE n <= 3 AND l.first_touch_at IS NOT NULL
	UNION ALL
	SELECT 'meeting_held', l.sql_at + interval '2 days' WHERE n = 1 AND l.sql_at IS NOT NULL
) a
JOIN crm.activity_kind k ON k.code = a.kind
WHERE a.at BETWEEN l.created_at AND now()
ORDER BY a.at;

-- Today's work, change by change. Whose hands it goes through is kept.
SET leadcrm.actor = 'website';
INSERT INTO crm.lead (external_id, full_name, company, channel, value)
SELECT 'form-' || i, 'Visitor ' || i, 'New company ' || i, pg_temp.choice(i, 'today', 'organic_search', 'paid_search', 'direct_traffic'), 1000
FROM generate_series(1, 40) i;
SET leadcrm.actor = 'marketing';
UPDATE crm.lead SET stage = 'mql', owner = 'ruta', fit = 70 WHERE external_id IN (SELECT 'form-' || i FROM generate_series(1, 12) i);
SET leadcrm.actor = 'ruta';
INSERT INTO crm.activity (lead_id, kind, duration_minutes) SELECT lead_id, 'call_attempt', 1 FROM crm.lead WHERE external_id IN ('form-5', 'form-6');
INSERT INTO crm.activity (lead_id, kind, duration_minutes) SELECT lead_id, 'call_connected', 12 FROM crm.lead WHERE external_id IN (SELECT 'form-' || i FROM generate_series(1, 4) i);
UPDATE crm.lead SET status = 'attempted_to_connect' WHERE external_id IN (SELECT 'form-' || i FROM generate_series(1, 6) i);
UPDATE crm.lead SET status = 'connected' WHERE external_id IN (SELECT 'form-' || i FROM generate_series(1, 4) i);
UPDATE crm.lead SET stage = 'sql' WHERE external_id IN ('form-1', 'form-2');
UPDATE crm.lead SET status = 'unqualified', status_reason = 'not_target' WHERE external_id = 'form-3';
UPDATE crm.lead SET stage = 'opportunity', value = 4200 WHERE external_id = 'form-1';
-- a wrong click, and how it is undone
UPDATE crm.lead SET stage = 'customer' WHERE external_id = 'form-1';
SELECT leadcrm.correct('crm.lead', 'stage', lead_id::text, 'clicked the wrong row') FROM crm.lead WHERE external_id = 'form-1';
RESET leadcrm.actor;

ANALYZE crm.lead, crm.activity, crm.stage_history, crm.status_history, crm.owner_history;
RESET TimeZone;
