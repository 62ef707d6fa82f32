-- Settings and rules: how this organisation works, as rows.

CREATE TABLE IF NOT EXISTS @workspace@.setting (
	singleton boolean CONSTRAINT setting_pkey PRIMARY KEY DEFAULT true,
	organisation text,
	time_zone text NOT NULL DEFAULT 'UTC',
	base_currency text NOT NULL DEFAULT 'EUR',
	half_life interval NOT NULL DEFAULT '30 days',
	handoff_stage leadcrm.lifecycle_stage NOT NULL DEFAULT 'mql',
	revenue_basis text NOT NULL DEFAULT 'won_deals',
	fiscal_year_starts integer NOT NULL DEFAULT 1,
	CONSTRAINT setting_has_one_row CHECK (singleton),
	CONSTRAINT setting_base_currency_is_three_capitals CHECK (base_currency ~ '^[A-Z]{3}$'),
	CONSTRAINT setting_half_life_is_positive CHECK (half_life > '0'::interval),
	CONSTRAINT setting_handoff_stage_is_mql_or_sql CHECK (handoff_stage IN ('mql', 'sql')),
	CONSTRAINT setting_revenue_basis_is_known CHECK (revenue_basis IN ('won_deals', 'invoices')),
	CONSTRAINT setting_fiscal_year_starts_is_a_month CHECK (fiscal_year_starts BETWEEN 1 AND 12)
);
COMMENT ON TABLE @workspace@.setting IS 'The settings of this workspace, one row. Unique key: singleton';
COMMENT ON COLUMN @workspace@.setting.singleton IS 'Always true: there is exactly one row';
COMMENT ON COLUMN @workspace@.setting.organisation IS 'Whose leads these are';
COMMENT ON COLUMN @workspace@.setting.time_zone IS
	'The zone of days and months in every view, a name of pg_timezone_names that is no abbreviation (not CET: Europe/Paris)';
COMMENT ON COLUMN @workspace@.setting.base_currency IS 'ISO 4217 code of the currency that sums are in';
COMMENT ON COLUMN @workspace@.setting.half_life IS 'Time in which a lead''s engagement loses half its points';
COMMENT ON COLUMN @workspace@.setting.handoff_stage IS
	'The stage whose forward entry is the handoff from marketing to sales: mql or sql. A change counts from then on';
COMMENT ON COLUMN @workspace@.setting.revenue_basis IS 'What counts as revenue: won_deals or invoices';
COMMENT ON COLUMN @workspace@.setting.fiscal_year_starts IS
	'The month (1 to 12) in which the fiscal year starts; used by fill_date_dim()';

CREATE TABLE IF NOT EXISTS @workspace@.stage (
	stage leadcrm.lifecycle_stage CONSTRAINT stage_pkey PRIMARY KEY,
	"position" integer NOT NULL GENERATED ALWAYS AS (
		CASE stage WHEN 'subscriber' THEN 1 WHEN 'lead' THEN 2 WHEN 'mql' THEN 3 WHEN 'sql' THEN 4
			WHEN 'opportunity' THEN 5 WHEN 'customer' THEN 6 WHEN 'evangelist' THEN 7 END) STORED,
	label text NOT NULL,
	in_funnel boolean NOT NULL DEFAULT true,
	target_conversion_pct numeric,
	stuck_after interval,
	CONSTRAINT stage_target_conversion_is_a_percentage CHECK (target_conversion_pct BETWEEN 0 AND 100),
	CONSTRAINT stage_stuck_after_is_positive CHECK (stuck_after > '0'::interval)
);
COMMENT ON TABLE @workspace@.stage IS 'The lifecycle stages, one row each, all of them always. Unique key: stage';
COMMENT ON COLUMN @workspace@.stage.stage IS 'The stage';
COMMENT ON COLUMN @workspace@.stage."position" IS 'Its place in the order of the stages, from 1';
COMMENT ON COLUMN @workspace@.stage.label IS 'What people read, in any language';
COMMENT ON COLUMN @workspace@.stage.in_funnel IS 'Whether the funnel views count this stage';
COMMENT ON COLUMN @workspace@.stage.target_conversion_pct IS
	'The share of leads that should go on from here, 0 to 100; NULL: none set';
COMMENT ON COLUMN @workspace@.stage.stuck_after IS
	'A lead that stays longer than this is stuck; NULL: never. A day is 24 hours, a month 30 days, twelve months a year of 365.25 days: 8 months are 240 days, 14 months 425.25';

CREATE TABLE IF NOT EXISTS @workspace@.stage_transition (
	transition_id integer GENERATED ALWAYS AS IDENTITY CONSTRAINT stage_transition_pkey PRIMARY KEY,
	from_state leadcrm.lifecycle_stage,
	to_state leadcrm.lifecycle_stage NOT NULL,
	needs_reason boolean NOT NULL DEFAULT false,
	CONSTRAINT stage_transition_from_state_to_state_key UNIQUE NULLS NOT DISTINCT (from_state, to_state)
);
COMMENT ON TABLE @workspace@.stage_transition IS
	'The moves between stages that are allowed. What is not here is refused. Unique key: from_state, to_state';
COMMENT ON COLUMN @workspace@.stage_transition.transition_id IS 'Primary key';
COMMENT ON COLUMN @workspace@.stage_transition.from_state IS 'The stage left; NULL: a lead may be born in to_state';
COMMENT ON COLUMN @workspace@.stage_transition.to_state IS 'The stage entered';
COMMENT ON COLUMN @workspace@.stage_transition.needs_reason IS 'Whether lead.stage_reason must be given';

CREATE TABLE IF NOT EXISTS @workspace@.lead_status (
	code text CONSTRAINT lead_status_pkey PRIMARY KEY,
	label text NOT NULL,
	category text NOT NULL,
	"position" integer NOT NULL DEFAULT 100,
	stages leadcrm.lifecycle_stage[] NOT NULL DEFAULT '{lead,mql,sql}',
	demotes boolean NOT NULL DEFAULT false,
	needs_reason boolean NOT NULL DEFAULT false,
	is_default boolean NOT NULL DEFAULT false,
	active boolean NOT NULL DEFAULT true,
	CONSTRAINT lead_status_code_category_key UNIQUE (code, category),
	CONSTRAINT lead_status_code_is_not_blank CHECK (code ~ '[^[:space:]]'),
	CONSTRAINT lead_status_code_is_no_stamp_of_lead CHECK (code || '_at' <> ALL ('{subscriber_at,lead_at,mql_at,sql_at,'
		'opportunity_at,customer_at,evangelist_at,email_verified_at,phone_verified_at,handed_off_at,first_touch_at,'
		'accepted_at,returned_at,created_at}')),
	CONSTRAINT lead_status_category_is_known
		CHECK (category IN ('none', 'to_contact', 'connected', 'with_deal', 'attention', 'closed')),
	CONSTRAINT lead_status_stages_are_given CHECK (cardinality(stages) > 0 AND array_position(stages, NULL) IS NULL),
	CONSTRAINT lead_status_demotes_only_where_lead_may_have_it CHECK (NOT demotes OR 'lead' = ANY (stages)),
	CONSTRAINT lead_status_default_needs_no_reason CHECK (NOT (is_default AND (needs_reason OR demotes))),
	CONSTRAINT lead_status_none_stays_as_it_is
		CHECK (code <> '(none)' OR (active AND is_default AND category = 'none' AND stages @> '{subscriber}'))
);
COMMENT ON TABLE @workspace@.lead_status IS
	'Where the sales conversation can stand: this company''s own list, in any language. A code is permanent once '
	'a lead used it; the label is what people read. Unique key: code';
COMMENT ON COLUMN @workspace@.lead_status.code IS
	'What lead.status holds; not X where lead has a column X_at, which the tracker would take for its stamp. '
	'(none) is the row for leads without a status: a subscriber is marketing''s';
COMMENT ON COLUMN @workspace@.lead_status.label IS 'What people read';
COMMENT ON COLUMN @workspace@.lead_status.category IS
	'What is to be done: to_contact, connected, with_deal, attention, closed (out of the queues); none: nothing by sales';
COMMENT ON COLUMN @workspace@.lead_status."position" IS 'Order in lists';
COMMENT ON COLUMN @workspace@.lead_status.stages IS 'The lifecycle stages at which it may be used';
COMMENT ON COLUMN @workspace@.lead_status.demotes IS 'Whether setting it sends an mql or sql back to the stage lead';
COMMENT ON COLUMN @workspace@.lead_status.needs_reason IS
	'Whether changing to it needs lead.status_reason (leads that are inserted with it do not)';
COMMENT ON COLUMN @workspace@.lead_status.is_default IS
	'Whether a lead gets it where none was given, or where its own may not be used at the stage it moves to. At '
	'most one active row for a stage';
COMMENT ON COLUMN @workspace@.lead_status.active IS 'false: leads that have it keep it, no lead can be given it';

CREATE TABLE IF NOT EXISTS @workspace@.reason (
	code text CONSTRAINT reason_pkey PRIMARY KEY,
	label text NOT NULL,
	kind text NOT NULL,
	outcome text NOT NULL DEFAULT 'none',
	recycle_after interval,
	exclude_as text,
	"position" integer NOT NULL DEFAULT 100,
	active boolean NOT NULL DEFAULT true,
	CONSTRAINT reason_code_is_not_blank CHECK (code ~ '[^[:space:]]'),
	CONSTRAINT reason_kind_is_known CHECK (kind IN ('unqualified', 'lost', 'returned', 'recycled', 'other')),
	CONSTRAINT reason_outcome_is_known CHECK (outcome IN ('disqualify', 'nurture', 'postpone', 'exclude', 'none')),
	CONSTRAINT reason_recycle_after_is_positive CHECK (recycle_after > '0'::interval),
	CONSTRAINT reason_exclude_as_is_known
		CHECK (exclude_as IN ('test', 'spam', 'employee', 'competitor', 'duplicate')),
	CONSTRAINT reason_exclude_as_goes_with_outcome_exclude CHECK ((outcome = 'exclude') = (exclude_as IS NOT NULL))
);
COMMENT ON TABLE @workspace@.reason IS
	'Why leads go back, get lost or are put off, and what happens next. lead.stage_reason and lead.status_reason '
	'may be any text; a code of this table makes the lead follow its row. Unique key: code';
COMMENT ON COLUMN @workspace@.reason.code IS 'What lead.stage_reason or lead.status_reason holds';
COMMENT ON COLUMN @workspace@.reason.label IS 'What people read, in any language';
COMMENT ON COLUMN @workspace@.reason.kind IS 'unqualified, lost, returned, recycled or other';
COMMENT ON COLUMN @workspace@.reason.outcome IS
	'What to do with the lead: disqualify, nurture, postpone, exclude (sets lead.excluded_as) or none';
COMMENT ON COLUMN @workspace@.reason.recycle_after IS 'When to try again: sets lead.recycle_on; NULL: not by itself';
COMMENT ON COLUMN @workspace@.reason.exclude_as IS 'With the outcome exclude: what lead.excluded_as becomes';
COMMENT ON COLUMN @workspace@.reason."position" IS 'Order in lists';
COMMENT ON COLUMN @workspace@.reason.active IS 'false: no longer offered; kept for what was recorded with it';
