-- What keeps the rules themselves whole: rows that must stay, codes that are permanent, one default a stage.

CREATE OR REPLACE FUNCTION @workspace@.keep_code() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $workspace$
DECLARE
	what text := replace(TG_TABLE_NAME, '_', ' ');
	used boolean;
BEGIN
	IF TG_TABLE_SCHEMA <> (parse_ident(@workspace_literal@))[1] THEN
		PERFORM leadcrm.refuse_renamed(TG_TABLE_SCHEMA, (parse_ident(@workspace_literal@))[1]);
	END IF;
	IF OLD.code = '(none)' AND TG_TABLE_NAME <> 'reason' THEN
		RAISE EXCEPTION USING
			ERRCODE = 'check_violation',
			MESSAGE = format(CASE TG_OP WHEN 'DELETE' THEN 'the %s "(none)" cannot be deleted'
				ELSE 'the code of the %s "(none)" cannot be changed' END, what),
			DETAIL = format('It stands for leads without a %s.', what),
			HINT = 'Change its label.',
			SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'code', CONSTRAINT = TG_TABLE_NAME || '_none_stays';
	END IF;
	CASE TG_TABLE_NAME
		WHEN 'lead_status' THEN
			used := EXISTS (SELECT FROM @workspace@.lead l WHERE l.status = OLD.code)
				OR EXISTS (SELECT FROM @workspace@.status_history h WHERE h.to_state = OLD.code);
		WHEN 'rep' THEN
			used := EXISTS (SELECT FROM @workspace@.lead l WHERE l.owner = OLD.code)
				OR EXISTS (SELECT FROM @workspace@.customer c WHERE c.owner = OLD.code)
				OR EXISTS (SELECT FROM @workspace@.owner_history h WHERE h.to_state = OLD.code);
		WHEN 'channel' THEN
			used := EXISTS (SELECT FROM @workspace@.lead l WHERE l.channel = OLD.code)
				OR EXISTS (SELECT FROM @workspace@.campaign c WHERE c.channel = OLD.code);
		WHEN 'reason' THEN
			used := EXISTS (SELECT FROM @workspace@.stage_history h WHERE h.reason = OLD.code)
				OR EXISTS (SELECT FROM @workspace@.status_history h WHERE h.reason = OLD.code);
	END CASE;
	IF used THEN
		RAISE EXCEPTION USING
			ERRCODE = 'foreign_key_violation',
			MESSAGE = format(CASE TG_OP WHEN 'DELETE' THEN 'the %s "%s" is in use and cannot be deleted'
				ELSE 'the %s "%s" is in use and its code cannot be changed' END, what, OLD.code),
			DETAIL = 'Leads or their history name it.',
			HINT = CASE TG_OP WHEN 'DELETE' THEN 'Set active = false: what was recorded with it keeps it.'
				ELSE 'Change its label, which is what people read.' END,
			SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'code', CONSTRAINT = TG_TABLE_NAME || '_in_use';
	END IF;
	RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.keep_code() IS
	'Trigger: refuses to delete or rename a code that leads or their history name (23503), and (none) always (23514)';

CREATE OR REPLACE FUNCTION @workspace@.keep_rows() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $workspace$
BEGIN
	RAISE EXCEPTION USING
		ERRCODE = 'check_violation',
		MESSAGE = format('the rows of %I.%I cannot be deleted', TG_TABLE_SCHEMA, TG_TABLE_NAME),
		HINT = 'UPDATE them.',
		SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = TG_TABLE_NAME || '_rows_stay';
END
$workspace$;
COMMENT ON FUNCTION @workspace@.keep_rows() IS
	'Trigger: refuses to delete from a table whose rows are fixed (23514)';

CREATE OR REPLACE FUNCTION @workspace@.check_setting() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $workspace$
BEGIN
	IF NEW.time_zone <> 'UTC' AND NOT EXISTS (SELECT FROM pg_timezone_names z WHERE z.name = NEW.time_zone) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('there is no time zone "%s"', NEW.time_zone),
			HINT = 'Use a name of the view pg_timezone_names, such as Europe/Vilnius.',
			SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'time_zone';
	ELSIF NEW.time_zone NOT IN ('UTC', 'UCT', 'GMT', 'Zulu') AND EXISTS (SELECT FROM pg_timezone_abbrevs a WHERE a.abbrev = upper(NEW.time_zone)) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('time zone "%s" is an abbreviation, too', NEW.time_zone),
			DETAIL = 'AT TIME ZONE takes it for the abbreviation, which knows no summer time.',
			HINT = 'Use the name of a place, such as Europe/Vilnius.',
			SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'time_zone';
	END IF;
	RETURN NEW;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.check_setting() IS
	'Trigger: refuses a time zone that PostgreSQL does not know by name, or knows as an abbreviation, too, such as CET (22023)';

CREATE OR REPLACE FUNCTION @workspace@.check_default_status() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $workspace$
DECLARE
	twice record;
BEGIN
	IF TG_TABLE_SCHEMA <> (parse_ident(@workspace_literal@))[1] THEN
		PERFORM leadcrm.refuse_renamed(TG_TABLE_SCHEMA, (parse_ident(@workspace_literal@))[1]);
	END IF;
	SELECT g.stage, string_agg(s.code, ', ' ORDER BY s.code) AS codes INTO twice
	FROM @workspace@.lead_status s, unnest(s.stages) g (stage)
	WHERE s.is_default AND s.active
	GROUP BY g.stage HAVING count(DISTINCT s.code) > 1
	ORDER BY g.stage LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING
			ERRCODE = 'check_violation',
			MESSAGE = format('more than one lead status is the default at stage %s', twice.stage),
			DETAIL = format('These have is_default: %s.', twice.codes),
			HINT = 'Clear is_default of the old one in the same statement, or first.',
			SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'is_default', CONSTRAINT = 'lead_status_one_default';
	END IF;
	RETURN NULL;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.check_default_status() IS
	'Trigger: refuses a second default status for a stage (23514)';

CREATE OR REPLACE TRIGGER "~leadcrm_keep_code" BEFORE DELETE ON @workspace@.lead_status
	FOR EACH ROW EXECUTE FUNCTION @workspace@.keep_code();
COMMENT ON TRIGGER "~leadcrm_keep_code" ON @workspace@.lead_status IS 'A status in use cannot be deleted';
CREATE OR REPLACE TRIGGER "~leadcrm_keep_name" BEFORE UPDATE ON @workspace@.lead_status
	FOR EACH ROW WHEN (NEW.code IS DISTINCT FROM OLD.code) EXECUTE FUNCTION @workspace@.keep_code();
COMMENT ON TRIGGER "~leadcrm_keep_name" ON @workspace@.lead_status IS 'The code of a status in use cannot be changed';
CREATE OR REPLACE TRIGGER "~leadcrm_one_default" AFTER INSERT OR UPDATE ON @workspace@.lead_status
	FOR EACH STATEMENT EXECUTE FUNCTION @workspace@.check_default_status();
COMMENT ON TRIGGER "~leadcrm_one_default" ON @workspace@.lead_status IS 'At most one default status for a stage';

CREATE OR REPLACE TRIGGER "~leadcrm_keep_code" BEFORE DELETE ON @workspace@.rep
	FOR EACH ROW EXECUTE FUNCTION @workspace@.keep_code();
COMMENT ON TRIGGER "~leadcrm_keep_code" ON @workspace@.rep IS 'Who owned leads cannot be deleted';
CREATE OR REPLACE TRIGGER "~leadcrm_keep_name" BEFORE UPDATE ON @workspace@.rep
	FOR EACH ROW WHEN (NEW.code IS DISTINCT FROM OLD.code) EXECUTE FUNCTION @workspace@.keep_code();
COMMENT ON TRIGGER "~leadcrm_keep_name" ON @workspace@.rep IS 'The code of somebody who owned leads cannot be changed';

CREATE OR REPLACE TRIGGER "~leadcrm_keep_code" BEFORE DELETE ON @workspace@.channel
	FOR EACH ROW EXECUTE FUNCTION @workspace@.keep_code();
COMMENT ON TRIGGER "~leadcrm_keep_code" ON @workspace@.channel IS 'A channel in use cannot be deleted';
CREATE OR REPLACE TRIGGER "~leadcrm_keep_name" BEFORE UPDATE ON @workspace@.channel
	FOR EACH ROW WHEN (NEW.code IS DISTINCT FROM OLD.code) EXECUTE FUNCTION @workspace@.keep_code();
COMMENT ON TRIGGER "~leadcrm_keep_name" ON @workspace@.channel IS 'The code of a channel in use cannot be changed';

CREATE OR REPLACE TRIGGER "~leadcrm_keep_code" BEFORE DELETE ON @workspace@.reason
	FOR EACH ROW EXECUTE FUNCTION @workspace@.keep_code();
COMMENT ON TRIGGER "~leadcrm_keep_code" ON @workspace@.reason IS 'A reason that history names cannot be deleted';
CREATE OR REPLACE TRIGGER "~leadcrm_keep_name" BEFORE UPDATE ON @workspace@.reason
	FOR EACH ROW WHEN (NEW.code IS DISTINCT FROM OLD.code) EXECUTE FUNCTION @workspace@.keep_code();
COMMENT ON TRIGGER "~leadcrm_keep_name" ON @workspace@.reason IS
	'The code of a reason that history names cannot be changed';

CREATE OR REPLACE TRIGGER "~leadcrm_keep_rows" BEFORE DELETE OR TRUNCATE ON @workspace@.stage
	FOR EACH STATEMENT EXECUTE FUNCTION @workspace@.keep_rows();
COMMENT ON TRIGGER "~leadcrm_keep_rows" ON @workspace@.stage IS 'Every stage keeps its row; in_funnel says what counts';
CREATE OR REPLACE TRIGGER "~leadcrm_keep_rows" BEFORE DELETE OR TRUNCATE ON @workspace@.setting
	FOR EACH STATEMENT EXECUTE FUNCTION @workspace@.keep_rows();
COMMENT ON TRIGGER "~leadcrm_keep_rows" ON @workspace@.setting IS 'The settings stay, one row';
CREATE OR REPLACE TRIGGER "~leadcrm_check" BEFORE INSERT OR UPDATE OF time_zone ON @workspace@.setting
	FOR EACH ROW EXECUTE FUNCTION @workspace@.check_setting();
COMMENT ON TRIGGER "~leadcrm_check" ON @workspace@.setting IS 'A time zone must exist';
