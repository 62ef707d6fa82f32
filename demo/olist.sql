-- Loads the marketing funnel that Olist published (8,000 leads and the 842 deals that they became) into workspace crm.
-- The variable data names the directory with the two files; without it they are looked for in the current directory.

\set ON_ERROR_STOP on
\if :{?data}
\else
\set data .
\endif
SET TimeZone = 'UTC';

CREATE TEMP TABLE olist_mql (mql_id text, first_contact_date date, landing_page_id text, origin text);
CREATE TEMP TABLE olist_deal (mql_id text, seller_id text, sdr_id text, sr_id text, won_date timestamp, business_segment text,
	lead_type text, lead_behaviour_profile text, has_company boolean, has_gtin boolean, average_stock text,
	business_type text, declared_product_catalog_size numeric, declared_monthly_revenue numeric);

-- \copy takes no variables: the command is put together first
\set file :data '/olist_marketing_qualified_leads_dataset.csv'
\set load_mqls '\\copy olist_mql FROM ' :'file' ' WITH (FORMAT csv, HEADER true)'
:load_mqls
\set file :data '/olist_closed_deals_dataset.csv'
\set load_deals '\\copy olist_deal FROM ' :'file' ' WITH (FORMAT csv, HEADER true)'
:load_deals

BEGIN;

UPDATE crm.setting SET organisation = 'Olist', time_zone = 'UTC', base_currency = 'BRL';

-- The files know two stages, so the funnel is told to have two. Without a target of the company's own, the best channel
-- shows what is possible.
UPDATE crm.stage SET in_funnel = stage IN ('mql', 'customer'), target_conversion_pct = NULL;

-- A blank origin is channel (none), nobody said; unknown is what somebody said.
INSERT INTO crm.channel (code, label)
SELECT DISTINCT origin, upper(left(origin, 1)) || replace(substr(origin, 2), '_', ' ')
FROM olist_mql
WHERE origin <> ''
ON CONFLICT (code) DO NOTHING;

INSERT INTO crm.team (code, label) VALUES
	('sdr', 'Sales development'),
	('sr', 'Sales');
INSERT INTO crm.rep (code, full_name, team)
SELECT id, upper(max(team)) || ' ' || left(id, 8), max(team)
FROM (SELECT sdr_id AS id, 'sdr' AS team FROM olist_deal UNION ALL SELECT sr_id, 'sr' FROM olist_deal) r
GROUP BY id;

-- The stamps make the history. Nothing is said of a status: each lead gets its stage's default. A deal that was won before
-- its first contact is kept as it is and shows up in crm.backfill_conflict.
SET leadcrm.actor = 'import';
INSERT INTO crm.lead (external_id, channel, owner, industry, attributes, stage, mql_at, customer_at)
SELECT m.mql_id, coalesce(nullif(m.origin, ''), '(none)'), coalesce(d.sr_id, '(none)'), d.business_segment,
	jsonb_strip_nulls(jsonb_build_object('landing_page_id', m.landing_page_id, 'seller_id', d.seller_id, 'sdr', d.sdr_id,
		'lead_type', d.lead_type, 'behaviour', string_to_array(d.lead_behaviour_profile, ', '),
		'business_type', d.business_type, 'catalog_size', d.declared_product_catalog_size,
		'monthly_revenue', nullif(d.declared_monthly_revenue, 0))),
	CASE WHEN d.mql_id IS NULL THEN 'mql' ELSE 'customer' END::leadcrm.lifecycle_stage,
	m.first_contact_date, d.won_date
FROM olist_mql m
LEFT JOIN olist_deal d ON d.mql_id = m.mql_id
ORDER BY m.first_contact_date, m.mql_id;
RESET leadcrm.actor;

COMMIT;

DROP TABLE olist_mql, olist_deal;
ANALYZE crm.lead, crm.stage_history, crm.status_history, crm.owner_history;
RESET TimeZone;
