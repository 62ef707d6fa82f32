-- How long leads stood at a stage before they went on or leaked, and what is to be expected of those still open.

CREATE OR REPLACE FUNCTION @workspace@.conversion_stay(stage leadcrm.lifecycle_stage, since date, until date,
	channel text)
RETURNS TABLE (lead_id bigint, days double precision, advanced boolean)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT e.lead_id,
	-- imported stamps may stand the wrong way round: such a lead had left before it came
	greatest(date_part('epoch', coalesce(e.advanced_at, e.leaked_at, now()) - e.entered_at), 0) / 86400,
	CASE WHEN e.advanced_at IS NOT NULL THEN true WHEN e.leaked_at IS NOT NULL THEN false END
FROM (
	SELECT l.lead_id,
		CASE conversion_stay.stage
			WHEN 'subscriber' THEN l.subscriber_at
			WHEN 'lead' THEN l.lead_at
			WHEN 'mql' THEN l.mql_at
			WHEN 'sql' THEN l.sql_at
			WHEN 'opportunity' THEN l.opportunity_at
			WHEN 'customer' THEN l.customer_at
			WHEN 'evangelist' THEN l.evangelist_at
		END AS entered_at,
		least(CASE WHEN n.next_position <= 2 THEN l.lead_at END, CASE WHEN n.next_position <= 3 THEN l.mql_at END,
			CASE WHEN n.next_position <= 4 THEN l.sql_at END, CASE WHEN n.next_position <= 5 THEN l.opportunity_at END,
			CASE WHEN n.next_position <= 6 THEN l.customer_at END, l.evangelist_at) AS advanced_at,
		CASE WHEN l.status_category = 'closed' THEN l.status_since END AS leaked_at
	FROM @workspace@.lead l
	CROSS JOIN (SELECT s.next_position FROM @workspace@.funnel_scale s WHERE s.stage = conversion_stay.stage) n
	WHERE l.excluded_as IS NULL
	AND n.next_position IS NOT NULL
	AND (conversion_stay.channel IS NULL OR l.channel = conversion_stay.channel)
) e
WHERE isfinite(e.entered_at)
AND isfinite(coalesce(e.advanced_at, e.leaked_at, now()))
AND (conversion_stay.since IS NULL
	OR e.entered_at >= (SELECT conversion_stay.since::timestamp AT TIME ZONE z.time_zone FROM @workspace@.setting z))
AND (conversion_stay.until IS NULL
	OR e.entered_at < (SELECT conversion_stay.until::timestamp AT TIME ZONE z.time_zone FROM @workspace@.setting z));
END;
COMMENT ON FUNCTION @workspace@.conversion_stay(leadcrm.lifecycle_stage, date, date, text) IS
	'The leads that have a first entry into a funnel stage on record, and how they left it for good: advanced is true for the first entry into a later funnel stage or beyond, false where the lead leaked (its status is closed: at status_since), NULL where it is open (neither; returned and stalled leads are open); days (24 hours, fractions count) from the entry until then, else until now; 0 where stamps stand the wrong way round. Excluded leads are left out. since (included), until (excluded): days of the workspace''s time zone in which the leads entered the stage; channel: theirs; NULL: all. Unique key: lead_id. A building block of conversion_curve and expected_pct.';

CREATE OR REPLACE FUNCTION @workspace@.expected_pct(stage leadcrm.lifecycle_stage) RETURNS numeric
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET plan_cache_mode = force_custom_plan SET jit = off
AS $workspace$
DECLARE
	ages double precision[];
BEGIN
	-- the curve reads all leads: where they are many, a view that shows four of them would be slow
	IF EXISTS (SELECT FROM @workspace@.lead OFFSET 20000) THEN
		RETURN NULL;
	END IF;
	SELECT leadcrm.incidence(x.days, x.advanced) INTO ages
	FROM @workspace@.conversion_stay(expected_pct.stage, NULL, NULL, NULL) x;
	RETURN 100 * ages[array_upper(ages, 1)][5];
END
$workspace$;
COMMENT ON FUNCTION @workspace@.expected_pct(leadcrm.lifecycle_stage) IS
	'The eventual conversion expected, percent (0-100): expected_pct of conversion_curve(stage). NULL for stages without a next funnel stage, where nobody entered, and in workspaces of more than 20,000 leads: ask conversion_curve there. What funnel_leak shows.';
