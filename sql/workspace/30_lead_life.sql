-- The life of a lead: what follows from its stage and status. The tracker's guards sit between lead_derive, which
-- decides what changes, and lead_stamp, which sees what the guards made of it.
--
-- These functions read the rules as the workspace's owner, so that whoever may write leads needs no other right.

CREATE OR REPLACE FUNCTION @workspace@.refuse_status(status text, stage leadcrm.lifecycle_stage) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $workspace$
DECLARE
	s @workspace@.lead_status;
	usable text;
BEGIN
	SELECT string_agg(l.code, ', ' ORDER BY l."position", l.code) INTO usable
	FROM @workspace@.lead_status l
	WHERE l.active AND refuse_status.stage = ANY (l.stages);
	SELECT * INTO s FROM @workspace@.lead_status l WHERE l.code = refuse_status.status;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING
			ERRCODE = 'foreign_key_violation',
			MESSAGE = format('there is no lead status "%s"', refuse_status.status),
			DETAIL = format('Statuses at stage %s: %s.', refuse_status.stage, coalesce(usable, 'none')),
			HINT = 'Use one of these, or add a row to the table lead_status.',
			SCHEMA = (parse_ident(@workspace_literal@))[1], TABLE = 'lead', COLUMN = 'status', CONSTRAINT = 'lead_status_fkey';
	ELSIF NOT s.active THEN
		RAISE EXCEPTION USING
			ERRCODE = 'check_violation',
			MESSAGE = format('lead status "%s" is no longer in use', s.code),
			DETAIL = format('Statuses at stage %s: %s.', refuse_status.stage, coalesce(usable, 'none')),
			HINT = 'Use one of these, or set active in its row of the table lead_status.',
			SCHEMA = (parse_ident(@workspace_literal@))[1], TABLE = 'lead', COLUMN = 'status',
			CONSTRAINT = 'lead_status_is_active';
	ELSE
		RAISE EXCEPTION USING
			ERRCODE = 'check_violation',
			MESSAGE = format('lead status "%s" cannot be used at stage %s', s.code, refuse_status.stage),
			DETAIL = format('Statuses at stage %s: %s.', refuse_status.stage, coalesce(usable, 'none')),
			HINT = 'Use one of these, or change stages in its row of the table lead_status.',
			SCHEMA = (parse_ident(@workspace_literal@))[1], TABLE = 'lead', COLUMN = 'status', CONSTRAINT = 'lead_status_at_stage';
	END IF;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.refuse_status(text, leadcrm.lifecycle_stage) IS
	'Raises the error of a status that a lead cannot be given: 23503 unknown, 23514 inactive or not for this stage';

CREATE OR REPLACE FUNCTION @workspace@.refuse_no_default_status(stage leadcrm.lifecycle_stage) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $workspace$
BEGIN
	RAISE EXCEPTION USING
		ERRCODE = 'check_violation',
		MESSAGE = format('no lead status is the default at stage %s', stage),
		DETAIL = 'A lead gets the default status where none is given and where its own may not be used.',
		HINT = format('Give the lead a status, or set is_default on an active row of the table lead_status whose stages '
			'contain %s.', stage),
		SCHEMA = (parse_ident(@workspace_literal@))[1], TABLE = 'lead', COLUMN = 'status', CONSTRAINT = 'lead_status_at_stage';
END
$workspace$;
COMMENT ON FUNCTION @workspace@.refuse_no_default_status(leadcrm.lifecycle_stage) IS
	'Raises the error of a stage for which no status is the default (23514)';

-- BEFORE INSERT only fills: it also fires for rows that ON CONFLICT turns into an UPDATE. What a new row says is
-- checked by lead_born. Runs for every row of a bulk load, so it looks up nothing that the row says, keeps its plans,
-- and instead of the cost of a pinned search path every name, type and operator is qualified.
CREATE OR REPLACE FUNCTION @workspace@.lead_derive_insert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET plan_cache_mode = force_generic_plan AS $workspace$
DECLARE
	handoff leadcrm.lifecycle_stage;
	further pg_catalog.timestamptz;
BEGIN
	IF pg_catalog.current_setting('leadcrm.enforcement', true) OPERATOR(pg_catalog.=) 'off' THEN
		RETURN NEW;
	ELSIF TG_TABLE_SCHEMA OPERATOR(pg_catalog.<>) (pg_catalog.parse_ident(@workspace_literal@))[1] THEN
		PERFORM leadcrm.refuse_renamed(TG_TABLE_SCHEMA, (pg_catalog.parse_ident(@workspace_literal@))[1]);
	END IF;
	IF NEW.stage IS NULL THEN
		-- NOT NULL refuses it, and shows the row
		RETURN NEW;
	END IF;
	IF NEW.channel IS NULL THEN
		NEW.channel := '(none)';
	END IF;
	IF NEW.owner IS NULL THEN
		NEW.owner := '(none)';
	END IF;

	IF NEW.status IS NULL OR NEW.status OPERATOR(pg_catalog.=) '(none)' THEN
		-- the handoff stage is looked up below, where it matters: two small queries cost less than a join
		SELECT s.code, s.category INTO NEW.status, NEW.status_category
		FROM @workspace@.lead_status s
		WHERE s.is_default AND s.active AND NEW.stage OPERATOR(pg_catalog.=) ANY (s.stages);
		IF NOT FOUND THEN
			PERFORM @workspace@.refuse_no_default_status(NEW.stage);
		END IF;
	ELSIF NEW.status_category IS NULL OR NEW.status_category OPERATOR(pg_catalog.=) 'none' THEN
		SELECT s.category INTO NEW.status_category
		FROM @workspace@.lead_status s
		WHERE s.code OPERATOR(pg_catalog.=) NEW.status;
		IF NOT FOUND THEN
			PERFORM @workspace@.refuse_status(NEW.status, NEW.stage);
		END IF;
	END IF;

	IF NEW.mql_at IS NOT NULL OR NEW.sql_at IS NOT NULL
		OR NEW.stage OPERATOR(pg_catalog.=) 'mql' OR NEW.stage OPERATOR(pg_catalog.=) 'sql'
	THEN
		SELECT t.handoff_stage INTO handoff FROM @workspace@.setting t;
		IF NEW.stage OPERATOR(pg_catalog.=) handoff AND COALESCE(NEW.subscriber_at, NEW.lead_at, NEW.mql_at, NEW.sql_at,
			NEW.opportunity_at, NEW.customer_at, NEW.evangelist_at) IS NULL
		THEN
			-- born there: the guard takes the instant from here
			NEW.stage_since := COALESCE(NEW.stage_since, pg_catalog.clock_timestamp());
			NEW.handed_off_at := COALESCE(NEW.handed_off_at, NEW.stage_since);
		ELSE
			IF handoff OPERATOR(pg_catalog.=) 'mql' THEN
				NEW.handed_off_at := COALESCE(NEW.handed_off_at, NEW.mql_at);
				further := NEW.sql_at;
			ELSE
				NEW.handed_off_at := COALESCE(NEW.handed_off_at, NEW.sql_at);
			END IF;
			IF NEW.handed_off_at IS NOT NULL THEN
				-- stamps that are out of order are kept as they are, but nobody accepts before the handoff
				IF NEW.accepted_at IS NULL THEN
					further := LEAST(further, NEW.opportunity_at, NEW.customer_at, NEW.evangelist_at);
					IF further IS NOT NULL THEN
						NEW.accepted_at := GREATEST(further, NEW.handed_off_at);
					END IF;
				END IF;
				IF NEW.stage OPERATOR(pg_catalog.<) handoff THEN
					NEW.returned_at := COALESCE(NEW.returned_at, NEW.stage_since, GREATEST(NEW.subscriber_at, NEW.lead_at,
						NEW.mql_at, NEW.sql_at, NEW.opportunity_at, NEW.customer_at, NEW.evangelist_at));
					IF NEW.return_count OPERATOR(pg_catalog.=) 0 THEN
						NEW.return_count := 1;
					END IF;
				END IF;
			END IF;
		END IF;
	END IF;

	IF NEW.created_at IS NULL OR NEW.created_at OPERATOR(pg_catalog.=) pg_catalog.now() THEN
		NEW.created_at := LEAST(pg_catalog.now(), NEW.stage_since, NEW.subscriber_at, NEW.lead_at, NEW.mql_at, NEW.sql_at,
			NEW.opportunity_at, NEW.customer_at, NEW.evangelist_at);
	END IF;
	RETURN NEW;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.lead_derive_insert() IS
	'Trigger: fills what a new lead does not say (status and its category, channel, owner, created_at) and what '
	'its stamps imply (handed_off_at, accepted_at, returned_at, return_count)';

CREATE OR REPLACE FUNCTION @workspace@.lead_derive() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $workspace$
DECLARE
	s record;		-- of lead_status: not named, or a renamed workspace would fail before it can say what is wrong
	restored boolean := false;
	correcting boolean;
	at timestamptz;
BEGIN
	IF current_setting('leadcrm.enforcement', true) = 'off' THEN
		RETURN NEW;
	ELSIF TG_TABLE_SCHEMA <> (parse_ident(@workspace_literal@))[1] THEN
		PERFORM leadcrm.refuse_renamed(TG_TABLE_SCHEMA, (parse_ident(@workspace_literal@))[1]);
	END IF;
	NEW.channel := coalesce(NEW.channel, '(none)');
	NEW.owner := coalesce(NEW.owner, '(none)');
	correcting := leadcrm.correcting(TG_RELID, 'stage', NEW.lead_id::text) IS NOT NULL
		OR leadcrm.correcting(TG_RELID, 'status', NEW.lead_id::text) IS NOT NULL;
	-- one instant for what one statement moves, after both stays that may end here
	at := greatest(clock_timestamp(), OLD.stage_since + interval '1 microsecond',
		OLD.status_since + interval '1 microsecond');

	IF NEW.status IS NULL THEN
		SELECT d.code INTO NEW.status FROM @workspace@.lead_status d
		WHERE d.is_default AND d.active AND NEW.stage = ANY (d.stages);
		IF NOT FOUND THEN
			PERFORM @workspace@.refuse_no_default_status(NEW.stage);
		END IF;
	END IF;

	IF NEW.status IS DISTINCT FROM OLD.status THEN
		-- locked, as its category may be changing: the foreign key would refuse the old one
		SELECT * INTO s FROM @workspace@.lead_status d WHERE d.code = NEW.status FOR KEY SHARE;
		IF NOT FOUND OR NOT (s.active OR correcting) THEN
			PERFORM @workspace@.refuse_status(NEW.status, NEW.stage);
		END IF;
		NEW.status_category := s.category;
		IF s.demotes AND NEW.stage IN ('mql', 'sql') AND NOT correcting THEN
			IF s.needs_reason AND NEW.status_reason IS NULL THEN
				PERFORM @workspace@.refuse_without_reason(NEW.status);
			END IF;
			-- Whoever adds open deals to the workspace refuses here while the lead has one.
			NEW.stage := 'lead';
			IF OLD.stage = 'lead' THEN
				-- it never was an mql or sql: nothing to take back, and its stay goes on
				NEW.stage_since := OLD.stage_since;
				NEW.stage_reason := OLD.stage_reason;
			ELSE
				IF NEW.status_since IS DISTINCT FROM OLD.status_since THEN
					at := greatest(NEW.status_since, OLD.stage_since + interval '1 microsecond');
				ELSE
					NEW.status_since := at;
				END IF;
				NEW.stage_since := at;
				-- a reason that equals the old one counts only if the statement sets it: lead_derive_reason knows
				NEW.stage_reason := CASE WHEN NEW.status_reason IS DISTINCT FROM OLD.status_reason THEN NEW.status_reason END;
			END IF;
		END IF;
		IF NOT NEW.stage = ANY (s.stages) THEN
			PERFORM @workspace@.refuse_status(NEW.status, NEW.stage);
		END IF;
	ELSIF NEW.stage IS DISTINCT FROM OLD.stage THEN
		SELECT * INTO s FROM @workspace@.lead_status d WHERE d.code = NEW.status;
		-- a move forward opens a closed lead again, and ends a status that had sent it back
		IF NOT NEW.stage = ANY (s.stages)
			OR ((s.category = 'closed' OR s.demotes) AND NEW.stage > OLD.stage AND NOT correcting)
		THEN
			IF correcting THEN
				-- back to the status that it had before the wrong click
				SELECT d.* INTO s
				FROM @workspace@.status_history h JOIN @workspace@.lead_status d ON d.code = h.from_state
				WHERE h.lead_id = NEW.lead_id AND NEW.stage = ANY (d.stages)
				ORDER BY h.seq DESC LIMIT 1;
				restored := FOUND;
			END IF;
			IF NOT restored THEN
				SELECT * INTO s FROM @workspace@.lead_status d
				WHERE d.is_default AND d.active AND NEW.stage = ANY (d.stages);
				IF NOT FOUND THEN
					PERFORM @workspace@.refuse_no_default_status(NEW.stage);
				END IF;
			END IF;
			-- a closed status may itself be the default: then nothing changes
			IF s.code <> NEW.status THEN
				IF NEW.stage_since IS DISTINCT FROM OLD.stage_since AND NEW.stage_since > OLD.status_since AND NOT correcting THEN
					at := NEW.stage_since;
				END IF;
				NEW.status := s.code;
				NEW.status_category := s.category;
				NEW.status_since := at;
				NEW.status_reason := NULL;
			END IF;
		END IF;
	END IF;
	RETURN NEW;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.lead_derive() IS
	'Trigger: keeps status and stage of a lead together: a status must be usable at the stage, a demoting one sends an '
	'mql or sql back to lead (a lead that the same statement would have made one is still where it was, since when it was), '
	'a stage that does not know the present status brings its default. Refuses also where leadcrm.enforcement '
	'is log: a status is a foreign key, no transition';

CREATE OR REPLACE FUNCTION @workspace@.lead_derive_reason() RETURNS trigger
LANGUAGE plpgsql AS $workspace$
BEGIN
	NEW.stage_reason := NEW.status_reason;
	RETURN NEW;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.lead_derive_reason() IS
	'Trigger: the reason of a demoting status is that of the move, also where the statement repeats the last one';

CREATE OR REPLACE FUNCTION @workspace@.refuse_without_reason(status text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $workspace$
BEGIN
	RAISE EXCEPTION USING
		ERRCODE = 'check_violation',
		MESSAGE = format('lead status "%s" needs a reason', status),
		HINT = 'Set status_reason in the same statement.',
		SCHEMA = (parse_ident(@workspace_literal@))[1], TABLE = 'lead', COLUMN = 'status_reason',
		CONSTRAINT = 'lead_status_needs_reason';
END
$workspace$;
COMMENT ON FUNCTION @workspace@.refuse_without_reason(text) IS
	'Raises the error of a change to a status that needs a reason, without one (23514)';

-- Sees the row as the guards leave it: stage_since, the reasons that were really given, the stamps.
CREATE OR REPLACE FUNCTION @workspace@.lead_stamp() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $workspace$
DECLARE
	moved boolean := NEW.stage IS DISTINCT FROM OLD.stage;
	corrected integer := leadcrm.correcting(TG_RELID, 'stage', NEW.lead_id::text);
	handoff leadcrm.lifecycle_stage;
	given @workspace@.reason;
	voided @workspace@.reason;
	zone text;
BEGIN
	IF current_setting('leadcrm.enforcement', true) = 'off' THEN
		RETURN NEW;
	END IF;
	SELECT t.handoff_stage, t.time_zone INTO handoff, zone FROM @workspace@.setting t;

	IF moved AND corrected IS NOT NULL THEN
		IF least(NEW.stage, OLD.stage) <= handoff THEN
			SELECT c.handed_off_at, c.accepted_at, c.returned_at, c.return_count
				INTO NEW.handed_off_at, NEW.accepted_at, NEW.returned_at, NEW.return_count
			FROM @workspace@.handoff_of(NEW.lead_id, handoff, corrected) c;
		END IF;
		-- what the voided move's reason had brought goes with it
		SELECT * INTO voided FROM @workspace@.reason r WHERE r.code = OLD.stage_reason;
		IF voided.recycle_after IS NOT NULL THEN
			NEW.recycle_on := NULL;
		END IF;
		IF voided.exclude_as = NEW.excluded_as THEN
			NEW.excluded_as := NULL;
		END IF;
		RETURN NEW;
	ELSIF corrected IS NOT NULL OR leadcrm.correcting(TG_RELID, 'status', NEW.lead_id::text) IS NOT NULL THEN
		RETURN NEW;
	END IF;

	IF moved THEN
		IF NEW.stage = handoff AND OLD.stage < handoff THEN
			NEW.handed_off_at := NEW.stage_since;
			NEW.accepted_at := NULL;
		ELSIF OLD.stage = handoff AND NEW.stage > handoff THEN
			NEW.accepted_at := NEW.stage_since;
		ELSIF (OLD.stage >= handoff AND NEW.stage < handoff)
			OR (NEW.stage = 'lead' AND OLD.stage IN ('mql', 'sql') AND NEW.status IS DISTINCT FROM OLD.status
				AND EXISTS (SELECT FROM @workspace@.lead_status s WHERE s.code = NEW.status AND s.demotes))
		THEN
			NEW.returned_at := NEW.stage_since;
			NEW.return_count := OLD.return_count + 1;
		END IF;
	END IF;

	IF NEW.status IS DISTINCT FROM OLD.status AND NEW.status_reason IS NULL
		AND EXISTS (SELECT FROM @workspace@.lead_status s WHERE s.code = NEW.status AND s.needs_reason)
	THEN
		PERFORM @workspace@.refuse_without_reason(NEW.status);
	END IF;

	SELECT * INTO given FROM @workspace@.reason r
	WHERE r.code = CASE WHEN moved AND NEW.stage_reason IS NOT NULL THEN NEW.stage_reason
		WHEN NEW.status IS DISTINCT FROM OLD.status THEN NEW.status_reason END;
	IF NEW.recycle_on IS NOT DISTINCT FROM OLD.recycle_on THEN
		IF given.recycle_after IS NOT NULL THEN
			NEW.recycle_on := (CASE WHEN moved THEN NEW.stage_since ELSE NEW.status_since END AT TIME ZONE zone)::date + given.recycle_after;
		ELSIF given.outcome IN ('disqualify', 'exclude') OR NEW.stage > OLD.stage
			OR (OLD.status_category = 'closed' AND NEW.status_category <> 'closed')
		THEN
			NEW.recycle_on := NULL;
		END IF;
	END IF;
	IF given.exclude_as IS NOT NULL THEN
		NEW.excluded_as := given.exclude_as;
	END IF;
	RETURN NEW;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.lead_stamp() IS
	'Trigger: what a move of the stage or a change of the status means for the handoff stamps, recycle_on and excluded_as';

-- Only for rows that give a reason: the others pay nothing. Sees since when their states are, from the guards.
CREATE OR REPLACE FUNCTION @workspace@.lead_stamp_insert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $workspace$
DECLARE
	given @workspace@.reason;
	zone text;
BEGIN
	IF current_setting('leadcrm.enforcement', true) = 'off' THEN
		RETURN NEW;
	END IF;
	SELECT * INTO given FROM @workspace@.reason r WHERE r.code = coalesce(NEW.stage_reason, NEW.status_reason);
	IF given.recycle_after IS NOT NULL AND NEW.recycle_on IS NULL THEN
		SELECT t.time_zone INTO zone FROM @workspace@.setting t;
		NEW.recycle_on := (CASE WHEN NEW.stage_reason IS NOT NULL THEN NEW.stage_since ELSE NEW.status_since END AT TIME ZONE zone)::date
			+ given.recycle_after;
	END IF;
	NEW.excluded_as := coalesce(NEW.excluded_as, given.exclude_as);
	RETURN NEW;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.lead_stamp_insert() IS
	'Trigger: what the reason that a new lead brings means for recycle_on and excluded_as, where it does not say them itself';

CREATE OR REPLACE FUNCTION @workspace@.handoff_of(
	lead_id bigint, handoff leadcrm.lifecycle_stage, without_seq integer DEFAULT NULL,
	OUT handed_off_at timestamptz, OUT accepted_at timestamptz, OUT returned_at timestamptz, OUT return_count integer)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $workspace$
DECLARE
	h @workspace@.stage_history;
BEGIN
	return_count := 0;
	FOR h IN
		SELECT * FROM @workspace@.stage_history e
		WHERE e.lead_id = handoff_of.lead_id AND e.corrects IS NULL AND e.seq IS DISTINCT FROM without_seq
			AND NOT EXISTS (SELECT FROM @workspace@.stage_history c WHERE c.lead_id = e.lead_id AND c.corrects = e.seq)
		ORDER BY e.seq
	LOOP
		IF h.to_state IS NULL THEN
			-- deleted: whoever is born with this key again begins anew
			handed_off_at := NULL;
			accepted_at := NULL;
			returned_at := NULL;
			return_count := 0;
		ELSIF h.to_state = handoff AND (h.from_state IS NULL OR h.from_state < handoff) THEN
			handed_off_at := h.changed_at;
			accepted_at := NULL;
		ELSIF h.from_state = handoff AND h.to_state > handoff THEN
			accepted_at := h.changed_at;
		ELSIF (h.from_state >= handoff AND h.to_state < handoff)
			OR (h.to_state = 'lead' AND h.from_state IN ('mql', 'sql') AND EXISTS (
				SELECT FROM @workspace@.status_history d JOIN @workspace@.lead_status s ON s.code = d.to_state
				WHERE d.lead_id = h.lead_id AND d.changed_at = h.changed_at AND s.demotes))
		THEN
			returned_at := h.changed_at;
			return_count := return_count + 1;
		END IF;
	END LOOP;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.handoff_of(bigint, leadcrm.lifecycle_stage, integer) IS
	'The handoff stamps of a lead as its stage history tells them, for a handoff stage, without corrected moves '
	'and without the one of the given seq';

-- Once a statement: what is checked or made for new leads.
CREATE OR REPLACE FUNCTION @workspace@.lead_born() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $workspace$
DECLARE
	bad record;
BEGIN
	IF current_setting('leadcrm.enforcement', true) = 'off' THEN
		RETURN NULL;
	END IF;
	SELECT b.status, b.stage INTO bad
	FROM born b JOIN @workspace@.lead_status s ON s.code = b.status
	WHERE NOT (s.active AND b.stage = ANY (s.stages)) LIMIT 1;
	IF FOUND THEN
		PERFORM @workspace@.refuse_status(bad.status, bad.stage);
	END IF;
	INSERT INTO @workspace@.customer (lead_id, owner, customer_since, legal_name, billing_email, billing_country)
	SELECT b.lead_id, b.owner, b.customer_at, coalesce(b.company, b.full_name), b.email, b.country
	FROM born b
	WHERE b.stage_peak >= 'customer'
	ON CONFLICT DO NOTHING;
	RETURN NULL;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.lead_born() IS
	'Trigger: refuses new leads whose status may not be used at their stage, and makes the customers of those '
	'that are customers already';

CREATE OR REPLACE FUNCTION @workspace@.lead_won() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $workspace$
BEGIN
	IF current_setting('leadcrm.enforcement', true) = 'off' THEN
		RETURN NULL;
	END IF;
	IF NEW.stage_peak >= 'customer' THEN
		INSERT INTO @workspace@.customer (lead_id, owner, customer_since, legal_name, billing_email, billing_country)
		VALUES (NEW.lead_id, NEW.owner, NEW.customer_at, coalesce(NEW.company, NEW.full_name), NEW.email, NEW.country)
		ON CONFLICT DO NOTHING;
	ELSIF NEW.customer_at IS NULL THEN
		DELETE FROM @workspace@.customer c
		WHERE c.lead_id = NEW.lead_id AND num_nulls(c.tax_id, c.billing_address, c.currency, c.payment_days, c.attributes) = 5;
		IF NOT FOUND AND EXISTS (SELECT FROM @workspace@.customer c WHERE c.lead_id = NEW.lead_id) THEN
			RAISE EXCEPTION USING
				ERRCODE = 'dependent_objects_still_exist',
				MESSAGE = format('the customer of lead %s has billing data of its own', NEW.lead_id),
				DETAIL = 'Correcting the move would take the customer away with them.',
				HINT = 'Clear tax_id, billing_address, currency, payment_days and attributes of the customer first, if it is none.',
				SCHEMA = TG_TABLE_SCHEMA, TABLE = 'customer', CONSTRAINT = 'customer_has_billing_data';
		END IF;
	END IF;
	RETURN NULL;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.lead_won() IS
	'Trigger: makes the customer of a lead that becomes one, and takes it away when that move is corrected; 2BP01 where '
	'somebody has given it billing data since';

-- Runs before lead_stamp: what differs here comes from the statement.
CREATE OR REPLACE FUNCTION @workspace@.keep_own_columns() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $workspace$
DECLARE
	touched text := CASE
		WHEN TG_TABLE_NAME = 'customer' THEN CASE WHEN to_jsonb(NEW) -> 'lead_id' <> to_jsonb(OLD) -> 'lead_id' THEN 'lead_id' ELSE 'customer_since' END
		ELSE (SELECT n.key FROM jsonb_each(to_jsonb(NEW)) n
			WHERE n.key IN ('handed_off_at', 'accepted_at', 'returned_at', 'return_count', 'created_at')
				AND n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key ORDER BY n.key LIMIT 1) END;
BEGIN
	IF current_setting('leadcrm.enforcement', true) = 'off'
		OR (SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_class c WHERE c.oid = TG_RELID)
	THEN
		RETURN NEW;
	END IF;
	RAISE EXCEPTION USING
		ERRCODE = 'check_violation',
		MESSAGE = format('column "%s" of "%s" is kept by the workspace', touched, TG_TABLE_NAME),
		DETAIL = 'It follows from what happens to the lead; only the table''s owner may set it right.',
		HINT = 'Leave it out of the statement, or write back the value that is there.',
		SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = touched, CONSTRAINT = TG_TABLE_NAME || '_keeps_its_own';
END
$workspace$;
COMMENT ON FUNCTION @workspace@.keep_own_columns() IS
	'Trigger: refuses (23514) changes of handed_off_at, accepted_at, returned_at, return_count and created_at of a lead, and of '
	'lead_id and customer_since of a customer, by anybody but the owner of the table';

CREATE OR REPLACE TRIGGER "~leadcrm_derive_insert" BEFORE INSERT ON @workspace@.lead
	FOR EACH ROW EXECUTE FUNCTION @workspace@.lead_derive_insert();
COMMENT ON TRIGGER "~leadcrm_derive_insert" ON @workspace@.lead IS 'Fills what a new lead does not say';
CREATE OR REPLACE TRIGGER "~leadcrm_derive" BEFORE UPDATE ON @workspace@.lead
	FOR EACH ROW WHEN (NEW.status IS DISTINCT FROM OLD.status OR NEW.stage IS DISTINCT FROM OLD.stage
		OR NEW.channel IS NULL OR NEW.owner IS NULL)
	EXECUTE FUNCTION @workspace@.lead_derive();
COMMENT ON TRIGGER "~leadcrm_derive" ON @workspace@.lead IS 'Keeps status and stage together; sorts before the guards';
CREATE OR REPLACE TRIGGER "~leadcrm_derive_reason" BEFORE UPDATE OF status_reason ON @workspace@.lead
	FOR EACH ROW WHEN (NEW.stage < OLD.stage AND NEW.stage_reason IS NULL AND NEW.status IS DISTINCT FROM OLD.status)
	EXECUTE FUNCTION @workspace@.lead_derive_reason();
COMMENT ON TRIGGER "~leadcrm_derive_reason" ON @workspace@.lead IS 'Hands the reason of a demoting status to the move';
CREATE OR REPLACE TRIGGER "~leadcrm_keep" BEFORE UPDATE ON @workspace@.lead
	FOR EACH ROW WHEN (NEW.handed_off_at IS DISTINCT FROM OLD.handed_off_at OR NEW.accepted_at IS DISTINCT FROM OLD.accepted_at
		OR NEW.returned_at IS DISTINCT FROM OLD.returned_at OR NEW.return_count IS DISTINCT FROM OLD.return_count
		OR NEW.created_at IS DISTINCT FROM OLD.created_at)
	EXECUTE FUNCTION @workspace@.keep_own_columns();
COMMENT ON TRIGGER "~leadcrm_keep" ON @workspace@.lead IS 'Refuses to set what the workspace keeps; sorts before ~leadcrm_stamp';
CREATE OR REPLACE TRIGGER "~leadcrm_keep" BEFORE UPDATE ON @workspace@.customer
	FOR EACH ROW WHEN (NEW.lead_id IS DISTINCT FROM OLD.lead_id OR NEW.customer_since IS DISTINCT FROM OLD.customer_since)
	EXECUTE FUNCTION @workspace@.keep_own_columns();
COMMENT ON TRIGGER "~leadcrm_keep" ON @workspace@.customer IS 'A customer stays the customer that its lead became';
CREATE OR REPLACE TRIGGER "~leadcrm_stamp" BEFORE UPDATE ON @workspace@.lead
	FOR EACH ROW WHEN (NEW.status IS DISTINCT FROM OLD.status OR NEW.stage IS DISTINCT FROM OLD.stage)
	EXECUTE FUNCTION @workspace@.lead_stamp();
COMMENT ON TRIGGER "~leadcrm_stamp" ON @workspace@.lead IS
	'Keeps the handoff stamps and recycle_on; sorts after the guards';
CREATE OR REPLACE TRIGGER "~leadcrm_stamp_insert" BEFORE INSERT ON @workspace@.lead
	FOR EACH ROW WHEN (NEW.stage_reason IS NOT NULL OR NEW.status_reason IS NOT NULL)
	EXECUTE FUNCTION @workspace@.lead_stamp_insert();
COMMENT ON TRIGGER "~leadcrm_stamp_insert" ON @workspace@.lead IS
	'Fills recycle_on and excluded_as by the reason that a new lead brings; sorts after the guards';
CREATE OR REPLACE TRIGGER "~leadcrm_born" AFTER INSERT ON @workspace@.lead
	REFERENCING NEW TABLE AS born FOR EACH STATEMENT EXECUTE FUNCTION @workspace@.lead_born();
COMMENT ON TRIGGER "~leadcrm_born" ON @workspace@.lead IS 'Checks the statuses of new leads and makes customers';
CREATE OR REPLACE TRIGGER "~leadcrm_won" AFTER UPDATE ON @workspace@.lead
	FOR EACH ROW WHEN (NEW.stage_peak IS DISTINCT FROM OLD.stage_peak) EXECUTE FUNCTION @workspace@.lead_won();
COMMENT ON TRIGGER "~leadcrm_won" ON @workspace@.lead IS 'Makes the customer of a lead that becomes one';
