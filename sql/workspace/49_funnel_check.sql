-- What whoever asks of the funnel may ask for: no answer is empty because the question made no sense. IMMUTABLE, so that the planner asks
-- before it computes anything from what is given.

CREATE OR REPLACE FUNCTION @workspace@.funnel_check_day(day date) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $workspace$
BEGIN
	-- room for a day, a month and a time zone before what a timestamp can say, and after it
	IF isfinite(day) AND (day < '4700-01-01 BC' OR day > '290000-01-01') THEN
		RAISE EXCEPTION 'the day % is out of range', day
			USING ERRCODE = 'datetime_field_overflow',
				DETAIL = 'Periods begin and end between the years 4700 BC and 290000.',
				HINT = 'Give ''-infinity'' or ''infinity'' for a period that is open on that side.';
	END IF;
	RETURN true;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.funnel_check_day(date) IS
	'True for a day that a period may begin or end with, infinite and NULL included; else an error: 22008 for one that no timestamp comes near.';

CREATE OR REPLACE FUNCTION @workspace@.funnel_check_period(since date, until date)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $workspace$
BEGIN
	IF since IS NULL OR until IS NULL THEN
		RAISE EXCEPTION 'the period has no %', CASE WHEN since IS NULL THEN 'beginning' ELSE 'end' END
			USING ERRCODE = 'null_value_not_allowed',
				DETAIL = 'since is the first day of the period, until the first day after it.',
				HINT = 'Give ''-infinity'' or ''infinity'' for a period that is open on that side.';
	ELSIF since > until THEN
		RAISE EXCEPTION 'the period ends before it begins: from % until %', since, until
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'since is the first day of the period, until the first day after it.';
	END IF;
	PERFORM leadcrm.refuse_if_renamed(@workspace_literal@);
	RETURN @workspace@.funnel_check_day(since) AND @workspace@.funnel_check_day(until);
END
$workspace$;
COMMENT ON FUNCTION @workspace@.funnel_check_period(date, date) IS
	'True for a period that funnel_between accepts; else an error: 22004 for a bound that is NULL, 22023 for an end before the beginning, 22008 for a day that no timestamp comes near.';

CREATE OR REPLACE FUNCTION @workspace@.funnel_check_cohort(dimension text, since date, until date,
	cohort_stage leadcrm.lifecycle_stage) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $workspace$
BEGIN
	PERFORM leadcrm.refuse_if_renamed(@workspace_literal@);
	IF dimension NOT IN ('', 'channel', 'campaign', 'owner', 'source_kind', 'temperature', 'month') THEN
		RAISE EXCEPTION 'unknown dimension of the funnel: "%"', dimension
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Use channel, campaign, owner, source_kind, temperature or month; NULL: all leads together.';
	ELSIF since IS NOT NULL OR until IS NOT NULL THEN
		RETURN @workspace@.funnel_check_period(since, until);
	ELSIF cohort_stage IS NOT NULL THEN
		RAISE EXCEPTION 'cohort_stage % is given without a period', cohort_stage
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'It says that the period is that of the first entry into this stage.',
				HINT = 'Give the period too; ''-infinity'' and ''infinity'' for all who ever entered it.';
	END IF;
	RETURN true;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.funnel_check_cohort(text, date, date, leadcrm.lifecycle_stage) IS
	'True for what funnel_days, funnel_count and funnel_run accept; else an error: 22023 for an unknown dimension or a stage without a period, and those of funnel_check_period for a period.';
