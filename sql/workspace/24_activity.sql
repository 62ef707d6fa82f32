-- What leads do: kinds of activities with their points and caps, the activities, the score that they add up to.

ALTER TABLE @workspace@.lead ADD COLUMN IF NOT EXISTS engagement leadcrm.lead_score;
COMMENT ON COLUMN @workspace@.lead.engagement IS
	'What its activities add up to, decaying with setting.half_life; leadcrm.score_at(engagement, instant) reads it at any '
	'instant, lead_rating shows it as of now. NULL: no activity. Kept by itself, the statement that sets it is refused (23514)';
ALTER TABLE @workspace@.lead ADD COLUMN IF NOT EXISTS handoff_temperature text
	CONSTRAINT lead_handoff_temperature_is_known CHECK (handoff_temperature IN ('cold', 'warm', 'hot'));
COMMENT ON COLUMN @workspace@.lead.handoff_temperature IS
	'How warm it was at its latest handoff, by its fit then and its activities until then, as they were known then (within a minute): '
	'cold, warm or hot. Set by itself with a handoff, also of a lead that is born at the handoff stage. NULL: never handed off (born '
	'or moved past that stage, too), or it came to the workspace with a handoff more than a minute old: what it had done by then is '
	'not known before it is imported, too, so rate_handoffs() fills it when that is done. An import may bring its own';
-- Read backwards as it stands: the hottest first, leads without any activity last.
CREATE INDEX IF NOT EXISTS lead_engagement_idx ON @workspace@.lead (engagement DESC NULLS LAST)
	WHERE status_category <> 'closed' AND stage < 'customer';

ALTER TABLE @workspace@.setting ADD COLUMN IF NOT EXISTS rescored_at timestamptz;
ALTER TABLE @workspace@.setting ADD COLUMN IF NOT EXISTS rescore_due_since timestamptz;
COMMENT ON COLUMN @workspace@.setting.half_life IS
	'Time in which a lead''s engagement loses half its points (a month counts as 30 days). Changed by rescore(half_life) '
	'only; an UPDATE is refused (23514)';
COMMENT ON COLUMN @workspace@.setting.rescored_at IS 'When rescore() last ran; NULL: never. Kept by itself';
COMMENT ON COLUMN @workspace@.setting.rescore_due_since IS
	'Since when points, caps, the time zone or what is a sales touch differ from what some engagement or first_touch_at was '
	'computed with; rescore() settles it. NULL: all agree. Kept by itself';

CREATE TABLE IF NOT EXISTS @workspace@.activity_kind (
	code text CONSTRAINT activity_kind_pkey PRIMARY KEY,
	label text NOT NULL,
	points double precision NOT NULL DEFAULT 0,
	at_most integer,
	per interval,
	is_sales_touch boolean NOT NULL DEFAULT false,
	connects boolean NOT NULL DEFAULT false,
	hot_for interval,
	"position" integer NOT NULL DEFAULT 100,
	active boolean NOT NULL DEFAULT true,
	CONSTRAINT activity_kind_code_is_not_blank CHECK (code ~ '[^[:space:]]'),
	CONSTRAINT activity_kind_points_within_a_million CHECK (points BETWEEN -1000000 AND 1000000),
	CONSTRAINT activity_kind_at_most_is_positive CHECK (at_most > 0),
	CONSTRAINT activity_kind_per_goes_with_at_most CHECK (per IS NULL OR at_most IS NOT NULL),
	CONSTRAINT activity_kind_per_is_positive CHECK (per > '0'::interval),
	CONSTRAINT activity_kind_per_is_months_or_time CHECK (date_trunc('month', per) IN (per, '0'::interval)),
	CONSTRAINT activity_kind_connects_by_a_sales_touch CHECK (is_sales_touch OR NOT connects),
	CONSTRAINT activity_kind_hot_for_is_positive CHECK (hot_for > '0'::interval)
);
COMMENT ON TABLE @workspace@.activity_kind IS
	'What leads and sales people do, and what it counts for. Changed points and caps hold for activities written from then '
	'on; rescore() applies them to all (setting.rescore_due_since says that it is due). Unique key: code';
COMMENT ON COLUMN @workspace@.activity_kind.code IS 'What activity.kind holds';
COMMENT ON COLUMN @workspace@.activity_kind.label IS 'What people read, in any language';
COMMENT ON COLUMN @workspace@.activity_kind.points IS
	'What one activity of this kind adds to the engagement at the instant it happens, whatever its quantity; negative takes away';
COMMENT ON COLUMN @workspace@.activity_kind.at_most IS
	'How many activities of this kind count for a lead in each period of per, the first ones by (occurred_at, activity_id); '
	'NULL: all';
COMMENT ON COLUMN @workspace@.activity_kind.per IS
	'The length of those periods, which follow on each other from 2000-01-01 00:00 in the workspace''s time zone; NULL: one '
	'period for ever. Months and years do not mix with days and hours. At most 1000 years';
COMMENT ON COLUMN @workspace@.activity_kind.is_sales_touch IS
	'Whether it is sales reaching out: moves lead.first_touch_at to the earliest such activity; switched on later, for activities '
	'that are there when rescore() is called';
COMMENT ON COLUMN @workspace@.activity_kind.connects IS 'Whether the person was reached by it';
COMMENT ON COLUMN @workspace@.activity_kind.hot_for IS
	'How long one of these makes a lead hot, unless its fit grade is D; NULL: not by itself. At most 1000 years';
COMMENT ON COLUMN @workspace@.activity_kind."position" IS 'Order in lists';
COMMENT ON COLUMN @workspace@.activity_kind.active IS 'Whether it is still offered; it counts all the same';

-- A workspace made before this rule gets it too.
DO $workspace$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_constraint c
		WHERE c.conrelid = (@workspace_literal@ || '.activity_kind')::pg_catalog.regclass AND c.conname = 'activity_kind_within_a_thousand_years')
	THEN
		ALTER TABLE @workspace@.activity_kind ADD CONSTRAINT activity_kind_within_a_thousand_years
			CHECK (per <= '1000 years'::interval AND hot_for <= '1000 years'::interval);
	END IF;
END
$workspace$;

-- activity_id of the other keys, so that the index knows the order in which caps count
CREATE TABLE IF NOT EXISTS @workspace@.activity (
	activity_id bigint GENERATED BY DEFAULT AS IDENTITY CONSTRAINT activity_pkey PRIMARY KEY,
	lead_id bigint NOT NULL CONSTRAINT activity_lead_id_fkey REFERENCES @workspace@.lead ON DELETE CASCADE,
	kind text NOT NULL CONSTRAINT activity_kind_fkey REFERENCES @workspace@.activity_kind,
	occurred_at timestamptz NOT NULL DEFAULT now(),
	quantity numeric DEFAULT 1,
	duration_minutes numeric,
	channel text CONSTRAINT activity_channel_fkey REFERENCES @workspace@.channel,
	campaign_id bigint CONSTRAINT activity_campaign_id_fkey REFERENCES @workspace@.campaign,
	actor text DEFAULT nullif(current_setting('leadcrm.actor', true), ''),
	details jsonb,
	CONSTRAINT activity_occurred_at_is_a_time
		CHECK (occurred_at >= '1900-01-01 00:00+00' AND occurred_at < '2200-01-01 00:00+00'),
	CONSTRAINT activity_quantity_is_not_negative CHECK (quantity >= 0 AND quantity < 'Infinity'::numeric),
	CONSTRAINT activity_duration_is_not_negative CHECK (duration_minutes >= 0 AND duration_minutes < 'Infinity'::numeric)
);
CREATE INDEX IF NOT EXISTS activity_lead_id_kind_idx ON @workspace@.activity (lead_id, kind, occurred_at, activity_id);
COMMENT ON TABLE @workspace@.activity IS
	'What happened to leads and what sales did, one row an event, in any order. Inserting moves lead.engagement and '
	'lead.first_touch_at; UPDATE and DELETE keep them right; they go with their lead. TRUNCATE is refused. '
	'Unique key: activity_id';
COMMENT ON COLUMN @workspace@.activity.activity_id IS 'Primary key';
COMMENT ON COLUMN @workspace@.activity.lead_id IS 'The lead';
COMMENT ON COLUMN @workspace@.activity.kind IS 'What it was, a code of activity_kind';
COMMENT ON COLUMN @workspace@.activity.occurred_at IS
	'When it happened, from the year 1900 to a year from now (22008 beyond that): points decay from here';
COMMENT ON COLUMN @workspace@.activity.quantity IS
	'How much of it (items, pages, people), for reports. Points count by activity, not by quantity: so caps mean what they say';
COMMENT ON COLUMN @workspace@.activity.duration_minutes IS 'How long it took, in minutes';
COMMENT ON COLUMN @workspace@.activity.channel IS 'The channel it came through, a code of channel; NULL: not known';
COMMENT ON COLUMN @workspace@.activity.campaign_id IS 'The campaign it belongs to; NULL: none';
COMMENT ON COLUMN @workspace@.activity.actor IS 'Who or what wrote it down; not given: leadcrm.actor';
COMMENT ON COLUMN @workspace@.activity.details IS 'Whatever else is known, as a JSON object';

CREATE TABLE IF NOT EXISTS @workspace@.grade_threshold (
	dimension text NOT NULL,
	grade text NOT NULL,
	at_least double precision NOT NULL,
	CONSTRAINT grade_threshold_pkey PRIMARY KEY (dimension, grade),
	CONSTRAINT grade_threshold_is_known
		CHECK (CASE dimension WHEN 'fit' THEN grade IN ('A', 'B', 'C') WHEN 'engagement' THEN grade IN ('1', '2', '3') ELSE false END),
	CONSTRAINT grade_threshold_at_least_is_a_number CHECK (at_least > '-Infinity' AND at_least < 'Infinity')
);
COMMENT ON TABLE @workspace@.grade_threshold IS
	'From how many points on a lead has which grade: the best whose threshold it reaches, else D (fit) or 4 (engagement). '
	'Unique key: dimension, grade';
COMMENT ON COLUMN @workspace@.grade_threshold.dimension IS 'fit or engagement';
COMMENT ON COLUMN @workspace@.grade_threshold.grade IS 'A, B or C for fit; 1, 2 or 3 for engagement';
COMMENT ON COLUMN @workspace@.grade_threshold.at_least IS 'Points of fit (0 to 100), or of engagement now';

CREATE TABLE IF NOT EXISTS @workspace@.rating (
	fit_grade text NOT NULL,
	engagement_grade integer NOT NULL,
	temperature text NOT NULL,
	CONSTRAINT rating_pkey PRIMARY KEY (fit_grade, engagement_grade),
	CONSTRAINT rating_fit_grade_is_known CHECK (fit_grade IN ('A', 'B', 'C', 'D')),
	CONSTRAINT rating_engagement_grade_is_known CHECK (engagement_grade IN (1, 2, 3, 4)),
	CONSTRAINT rating_temperature_is_known CHECK (temperature IN ('cold', 'warm', 'hot'))
);
COMMENT ON TABLE @workspace@.rating IS
	'The temperature of each grade; a grade that is not here is cold. Unique key: fit_grade, engagement_grade';
COMMENT ON COLUMN @workspace@.rating.fit_grade IS 'A to D';
COMMENT ON COLUMN @workspace@.rating.engagement_grade IS '1 to 4';
COMMENT ON COLUMN @workspace@.rating.temperature IS 'cold, warm or hot';

-- What a newcomer finds. A table that has rows keeps them as they are.
DO $workspace$
BEGIN
	IF NOT EXISTS (SELECT FROM @workspace@.activity_kind) THEN
		INSERT INTO @workspace@.activity_kind
			(code, label, points, at_most, per, is_sales_touch, connects, hot_for, "position") VALUES
			('demo_request', 'Demo requested', 40, 1, '30 days', false, false, '7 days', 10),
			('quote_request', 'Quote requested', 40, 1, '30 days', false, false, '7 days', 20),
			('meeting_held', 'Meeting held', 30, NULL, NULL, true, true, NULL, 30),
			('cart_add', 'Put into the cart', 20, 1, '1 day', false, false, NULL, 40),
			('call_connected', 'Call connected', 15, 2, '7 days', true, true, NULL, 50),
			('webinar_attended', 'Webinar attended', 15, NULL, NULL, false, false, NULL, 60),
			('price_view', 'Prices viewed', 10, 2, '1 day', false, false, NULL, 70),
			('download', 'Download', 8, 3, '7 days', false, false, NULL, 80),
			('review_read', 'Review read', 5, 3, '1 day', false, false, NULL, 90),
			('email_click', 'E-mail link clicked', 3, 2, '1 day', false, false, NULL, 100),
			('social_share', 'Shared on social media', 3, 3, '1 day', false, false, NULL, 110),
			('social_like', 'Liked on social media', 1, 3, '1 day', false, false, NULL, 120),
			('page_view', 'Page viewed', 1, 10, '1 day', false, false, NULL, 130),
			('email_open', 'E-mail opened (machines do, too)', 0, NULL, NULL, false, false, NULL, 140),
			('call_attempt', 'Call attempted', 0, NULL, NULL, true, false, NULL, 150),
			('email_sent', 'E-mail sent by sales', 0, NULL, NULL, true, false, NULL, 160),
			('unsubscribe', 'Unsubscribed', -25, 1, NULL, false, false, NULL, 170),
			('bounce', 'E-mail bounced', -15, 1, NULL, false, false, NULL, 180);
	END IF;
	IF NOT EXISTS (SELECT FROM @workspace@.grade_threshold) THEN
		INSERT INTO @workspace@.grade_threshold (dimension, grade, at_least) VALUES
			('fit', 'A', 70), ('fit', 'B', 45), ('fit', 'C', 20),
			('engagement', '1', 50), ('engagement', '2', 25), ('engagement', '3', 8);
	END IF;
	IF NOT EXISTS (SELECT FROM @workspace@.rating) THEN
		INSERT INTO @workspace@.rating (fit_grade, engagement_grade, temperature) VALUES
			('A', 1, 'hot'), ('A', 2, 'hot'), ('A', 3, 'warm'), ('A', 4, 'cold'),
			('B', 1, 'hot'), ('B', 2, 'warm'), ('B', 3, 'warm'), ('B', 4, 'cold'),
			('C', 1, 'warm'), ('C', 2, 'warm'), ('C', 3, 'cold'), ('C', 4, 'cold'),
			('D', 1, 'cold'), ('D', 2, 'cold'), ('D', 3, 'cold'), ('D', 4, 'cold');
	END IF;
END
$workspace$;
