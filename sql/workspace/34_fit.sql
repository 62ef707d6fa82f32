-- Fit: the rules of fit_rule, compiled into expressions that the planner can see. A lead's fit follows when the lead or a rule
-- changes.

-- These two are written anew by compile_fit(). Their bodies are strings, and every name in them is qualified: a BEGIN ATOMIC body that
-- reads fields of the row would keep users from adding columns with a default to their own table.
CREATE OR REPLACE FUNCTION @workspace@.fit_of(lead @workspace@.lead) RETURNS integer
LANGUAGE sql STABLE PARALLEL SAFE AS 'SELECT NULL::pg_catalog.int4';
COMMENT ON FUNCTION @workspace@.fit_of(@workspace@.lead) IS
	'The fit of a lead by the active rules of fit_rule, 0 to 100; NULL where no rule is active. Made from the rules by refit(): do not '
	'change it. After a column that rules use was renamed, change their attribute';

CREATE OR REPLACE FUNCTION @workspace@.fit_parts(lead @workspace@.lead) RETURNS TABLE (fit_rule_id integer, applied boolean)
LANGUAGE sql STABLE PARALLEL SAFE AS 'SELECT NULL::pg_catalog.int4, NULL::pg_catalog.bool WHERE false';
COMMENT ON FUNCTION @workspace@.fit_parts(@workspace@.lead) IS
	'Which of the active rules of fit_rule apply to a lead. Made from the rules by refit(): do not change it. Unique key: fit_rule_id';

CREATE OR REPLACE FUNCTION @workspace@.broken_fit_rules()
RETURNS TABLE (fit_rule_id integer, attribute text, operator text, operand jsonb, active boolean, problem text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $workspace$
BEGIN
	PERFORM leadcrm.refuse_if_renamed(@workspace_literal@);
	FOR fit_rule_id, attribute, operator, operand, active IN
		SELECT r.fit_rule_id, r.attribute, r.operator, r.operand, r.active FROM @workspace@.fit_rule r ORDER BY r.fit_rule_id
	LOOP
		BEGIN
			PERFORM leadcrm.fit_condition((@workspace_literal@ || '.lead')::regclass, attribute, operator, operand);
		EXCEPTION WHEN OTHERS THEN
			problem := SQLERRM;
			RETURN NEXT;
		END;
	END LOOP;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.broken_fit_rules() IS
	'The rules of fit that cannot work any more, because a column was renamed or dropped or its type changed, with what is wrong. Until an active '
	'one is changed, leads that need weighing are refused. Unique key: fit_rule_id';

CREATE OR REPLACE FUNCTION @workspace@.refuse_broken_fit(code text, message text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $workspace$
DECLARE
	broken record;
BEGIN
	SELECT string_agg(format('rule %s: %s', b.fit_rule_id, b.problem), '; ' ORDER BY b.fit_rule_id) AS list, min(b.fit_rule_id) AS first, min(b.problem) AS problem
		INTO broken
	FROM @workspace@.broken_fit_rules() b WHERE b.active;
	RAISE EXCEPTION USING
		ERRCODE = code,
		MESSAGE = format('fit cannot be computed: %s', coalesce(broken.problem, message)),
		DETAIL = coalesce(broken.list, message) || '.',
		HINT = format('Change the attribute of the rule in %1$s.fit_rule, or switch it off (active = false). If none is broken, SELECT %1$s.refit().', @workspace_literal@),
		SCHEMA = (parse_ident(@workspace_literal@))[1], TABLE = 'fit_rule', COLUMN = 'attribute';
END
$workspace$;
COMMENT ON FUNCTION @workspace@.refuse_broken_fit(text, text) IS
	'A step of lead_weigh(): raises the error of a rule that stopped working after it was written, and names it';

CREATE OR REPLACE FUNCTION @workspace@.lead_weigh() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $workspace$
DECLARE
	weighed pg_catalog.int4;
BEGIN
	IF pg_catalog.current_setting('leadcrm.enforcement', true) OPERATOR(pg_catalog.=) 'off' THEN
		RETURN NEW;
	END IF;
	IF TG_TABLE_SCHEMA OPERATOR(pg_catalog.=) (pg_catalog.parse_ident(@workspace_literal@))[1] THEN
		BEGIN
			weighed := @workspace@.fit_of(NEW);
		EXCEPTION WHEN undefined_column OR undefined_function OR datatype_mismatch THEN
			PERFORM @workspace@.refuse_broken_fit(SQLSTATE, SQLERRM);
		END;
	ELSE
		-- renamed, and not yet upgraded
		EXECUTE pg_catalog.format('SELECT %I.fit_of($1)', TG_TABLE_SCHEMA) INTO weighed USING NEW;
	END IF;
	IF NEW.fit_by_hand THEN
		NEW.fit_by_hand := NEW.fit IS NOT NULL;
	ELSIF NEW.fit_by_hand IS NULL OR TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN
		-- written without saying so; what the rules say anyway is nobody's own
		NEW.fit_by_hand := COALESCE(NEW.fit OPERATOR(pg_catalog.<>) weighed, NEW.fit IS NOT NULL);
	END IF;
	IF NOT NEW.fit_by_hand THEN
		NEW.fit := weighed;
	END IF;
	RETURN NEW;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.lead_weigh() IS
	'Trigger: keeps lead.fit as the rules say, unless it is written by hand. Runs for every row of a bulk load, so it looks up nothing, and instead of the cost of a pinned search path every name and operator is qualified';

CREATE OR REPLACE FUNCTION @workspace@.lead_fit_written() RETURNS trigger
LANGUAGE plpgsql AS $workspace$
BEGIN
	NEW.fit_by_hand := CASE WHEN TG_ARGV[0] OPERATOR(pg_catalog.=) 'whole' THEN false END;
	RETURN NEW;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.lead_fit_written() IS
	'Trigger: tells a fit that is written alone, by hand, from one in a row that is written back whole. Until lead_weigh() decides, '
	'fit_by_hand is NULL in the first case';

CREATE OR REPLACE FUNCTION @workspace@.compile_fit() RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
SET client_min_messages = warning AS $workspace$
DECLARE
	workspace text := @workspace_literal@;
	lead regclass := (workspace || '.lead')::regclass;
	fit_of regprocedure := format('%1$s.fit_of(%1$s.lead)', workspace)::regprocedure;
	fit_parts regprocedure := format('%1$s.fit_parts(%1$s.lead)', workspace)::regprocedure;
	before text[] := ARRAY(SELECT p.prosrc FROM pg_proc p WHERE p.oid IN (fit_of, fit_parts) ORDER BY p.proname);
	total text;
	parts text;
	changed text;
BEGIN
	SELECT string_agg(format(E'CASE WHEN %s THEN %s ELSE 0 END', c.condition, r.points), E'\n\tOPERATOR(pg_catalog.+) ' ORDER BY r.fit_rule_id),
		string_agg(format(E'(%s, %s)', r.fit_rule_id, c.condition), E',\n\t' ORDER BY r.fit_rule_id),
		string_agg(DISTINCT CASE
			-- to the bit: rules look closer than some types' own equality
			WHEN t.typnamespace <> 'pg_catalog'::regnamespace OR t.typcategory = 'G' OR t.typname IN ('json', 'xml')
				THEN format('NEW.%1$I::text COLLATE "C" IS DISTINCT FROM OLD.%1$I::text', c."column")
			WHEN t.typcollation <> 0 THEN format('NEW.%1$I COLLATE "C" IS DISTINCT FROM OLD.%1$I', c."column")
			ELSE format('NEW.%1$I IS DISTINCT FROM OLD.%1$I', c."column") END, ' OR ') FILTER (WHERE c."column" IS NOT NULL)
		INTO total, parts, changed
	FROM @workspace@.fit_rule r
		CROSS JOIN LATERAL leadcrm.fit_condition(lead, r.attribute, r.operator, r.operand) c
		LEFT JOIN pg_attribute a ON a.attrelid = lead AND a.attname = c."column"
		LEFT JOIN pg_type t ON t.oid = leadcrm.base_type(a.atttypid)
	WHERE r.active;

	EXECUTE format('CREATE OR REPLACE FUNCTION %1$s.fit_of(lead %1$s.lead) RETURNS integer LANGUAGE sql STABLE PARALLEL SAFE AS %2$L',
		workspace, E'-- made from the table fit_rule: after renaming a column, change attribute there\nSELECT '
			|| coalesce(E'LEAST(GREATEST(' || total || E',\n\t0), 100)', 'NULL::pg_catalog.int4'));
	EXECUTE format('CREATE OR REPLACE FUNCTION %1$s.fit_parts(lead %1$s.lead) RETURNS TABLE (fit_rule_id integer, applied boolean) '
		'LANGUAGE sql STABLE PARALLEL SAFE AS %2$L',
		workspace, E'-- made from the table fit_rule: after renaming a column, change attribute there\n'
			|| coalesce(E'SELECT p.fit_rule_id, coalesce(p.applied, false) FROM (VALUES ' || parts || ') p (fit_rule_id, applied)',
				'SELECT NULL::pg_catalog.int4, NULL::pg_catalog.bool WHERE false'));
	EXECUTE format('CREATE OR REPLACE TRIGGER "~leadcrm_weigh" BEFORE UPDATE ON %1$s.lead FOR EACH ROW '
		'WHEN (NEW.fit IS DISTINCT FROM OLD.fit OR NEW.fit_by_hand IS DISTINCT FROM OLD.fit_by_hand%2$s) EXECUTE FUNCTION %1$s.lead_weigh()',
		workspace, coalesce(' OR ' || changed, ''));
	RETURN before <> ARRAY(SELECT p.prosrc FROM pg_proc p WHERE p.oid IN (fit_of, fit_parts) ORDER BY p.proname);
END
$workspace$;
COMMENT ON FUNCTION @workspace@.compile_fit() IS
	'A step of refit(): makes fit_of(), fit_parts() and the trigger ~leadcrm_weigh of lead from the rules. Whether the rules have changed';

CREATE OR REPLACE FUNCTION @workspace@.refit() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $workspace$
DECLARE
	moved bigint;
BEGIN
	PERFORM leadcrm.refuse_if_renamed(@workspace_literal@);
	IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
		RAISE EXCEPTION USING
			ERRCODE = 'feature_not_supported',
			MESSAGE = format('rules of fit cannot change in a transaction that is %s', upper(current_setting('transaction_isolation'))),
			DETAIL = 'Leads that were added since it began would keep the fit of the old rules.',
			HINT = 'Do it at READ COMMITTED.';
	END IF;
	-- whoever writes leads meanwhile waits, and then goes by the new rules; and the other way round
	LOCK TABLE @workspace@.lead IN SHARE ROW EXCLUSIVE MODE;
	PERFORM @workspace@.compile_fit();
	UPDATE @workspace@.lead l SET fit = @workspace@.fit_of(l)
	WHERE NOT l.fit_by_hand AND l.fit IS DISTINCT FROM @workspace@.fit_of(l);
	GET DIAGNOSTICS moved = ROW_COUNT;
	RETURN moved;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.refit() IS
	'Compiles the rules of fit_rule and brings every lead''s fit up to them, except those written by hand; how many leads changed. Runs by '
	'itself when a rule changes; call it after a restore of data only, or when a type of a column that rules use was changed. Locks lead '
	'against writers until the end of the transaction. Errors: those of a rule that cannot work, 0A000 at REPEATABLE READ or SERIALIZABLE';

CREATE OR REPLACE FUNCTION @workspace@.check_fit_rule() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $workspace$
BEGIN
	IF current_setting('leadcrm.enforcement', true) = 'off' THEN
		RETURN NEW;
	END IF;
	IF TG_TABLE_SCHEMA <> (parse_ident(@workspace_literal@))[1] THEN
		PERFORM leadcrm.refuse_renamed(TG_TABLE_SCHEMA, (parse_ident(@workspace_literal@))[1]);
	END IF;
	-- "one of", "is free e-mail": spelled as people spell it
	NEW.operator := replace(regexp_replace(lower(btrim(NEW.operator)), '[[:space:]_-]+', '_', 'g'), 'e_mail', 'email');
	IF NEW.operator = 'is_free_email_domain' THEN
		NEW.operator := 'is_free_email';
	END IF;
	IF NEW.operator IS NOT NULL THEN
		PERFORM leadcrm.fit_condition((@workspace_literal@ || '.lead')::regclass, NEW.attribute, NEW.operator, NEW.operand);
	END IF;
	RETURN NEW;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.check_fit_rule() IS
	'Trigger: refuses a rule of fit that cannot work: 42703 no such attribute, 22023 an attribute or operand that the operator cannot use, '
	'2201B no regular expression';

CREATE OR REPLACE FUNCTION @workspace@.fit_rule_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $workspace$
BEGIN
	IF TG_TABLE_SCHEMA <> (parse_ident(@workspace_literal@))[1] THEN
		PERFORM leadcrm.refuse_renamed(TG_TABLE_SCHEMA, (parse_ident(@workspace_literal@))[1]);
	END IF;
	IF current_setting('leadcrm.enforcement', true) IS DISTINCT FROM 'off' THEN
		LOCK TABLE @workspace@.lead IN SHARE ROW EXCLUSIVE MODE;
		-- a statement that fires more than one trigger, or changes nothing, weighs once or not at all
		IF @workspace@.compile_fit() THEN
			PERFORM @workspace@.refit();
		END IF;
	END IF;
	RETURN NULL;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.fit_rule_changed() IS 'Trigger: once a statement, compiles the rules and brings all leads up to them';

CREATE OR REPLACE FUNCTION @workspace@.fit_explain(lead_id bigint)
RETURNS TABLE (fit_rule_id integer, attribute text, operator text, operand jsonb, points integer, applied boolean, label text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH parts AS (
		SELECT r.fit_rule_id, r.attribute, r.operator, r.operand, r.points, p.applied, r.label
		FROM @workspace@.lead l CROSS JOIN LATERAL @workspace@.fit_parts(l) p
			JOIN @workspace@.fit_rule r ON r.fit_rule_id = p.fit_rule_id
		WHERE l.lead_id = fit_explain.lead_id
	), total AS (
		SELECT l.fit, l.fit_by_hand, s.points, LEAST(GREATEST(s.points, 0), 100) AS clamped
		FROM @workspace@.lead l
			CROSS JOIN (SELECT coalesce(sum(p.points) FILTER (WHERE p.applied), 0)::integer AS points FROM parts p) s
		WHERE l.lead_id = fit_explain.lead_id
	)
	SELECT * FROM parts
	UNION ALL
	SELECT NULL, NULL, NULL, NULL, t.clamped - t.points, true, 'fit lies between 0 and 100'
	FROM total t WHERE t.clamped <> t.points
	UNION ALL
	SELECT NULL, NULL, NULL, NULL, t.fit - t.clamped, true,
		CASE WHEN t.fit_by_hand THEN 'written by hand' ELSE 'not up to date: call refit()' END
	FROM total t WHERE t.fit_by_hand OR t.fit <> t.clamped
	ORDER BY 1 NULLS LAST;
END;
COMMENT ON FUNCTION @workspace@.fit_explain(bigint) IS
	'Why a lead has its fit: one row for every active rule, and whether it applies; then, with fit_rule_id NULL, what was taken off or '
	'added because fit lies between 0 and 100, and because it was written by hand (or while leadcrm.enforcement was off). The points of the rows that apply add up to lead.fit. '
	'No rows: no such lead, or none that you may see. Unique key: fit_rule_id, label';

CREATE OR REPLACE TRIGGER "~leadcrm_check" BEFORE INSERT OR UPDATE ON @workspace@.fit_rule
	FOR EACH ROW EXECUTE FUNCTION @workspace@.check_fit_rule();
COMMENT ON TRIGGER "~leadcrm_check" ON @workspace@.fit_rule IS 'A rule that cannot work is refused';
CREATE OR REPLACE TRIGGER "~leadcrm_refit" AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF fit_rule_id, attribute, operator, operand, points, active
	ON @workspace@.fit_rule FOR EACH STATEMENT EXECUTE FUNCTION @workspace@.fit_rule_changed();
COMMENT ON TRIGGER "~leadcrm_refit" ON @workspace@.fit_rule IS 'A change of the rules counts for all leads';

CREATE OR REPLACE TRIGGER "~leadcrm_fit" BEFORE UPDATE OF fit ON @workspace@.lead
	FOR EACH ROW WHEN (NEW.fit IS DISTINCT FROM OLD.fit AND NOT NEW.fit_by_hand)
	EXECUTE FUNCTION @workspace@.lead_fit_written('alone');
COMMENT ON TRIGGER "~leadcrm_fit" ON @workspace@.lead IS 'Marks a fit that a statement writes; sorts before ~leadcrm_fit_whole';
CREATE OR REPLACE TRIGGER "~leadcrm_fit_whole" BEFORE UPDATE OF fit_by_hand ON @workspace@.lead
	FOR EACH ROW WHEN (NEW.fit_by_hand IS NULL)
	EXECUTE FUNCTION @workspace@.lead_fit_written('whole');
COMMENT ON TRIGGER "~leadcrm_fit_whole" ON @workspace@.lead IS
	'A row that is written back whole, as ORMs do, says nothing about fit: the rules decide';
CREATE OR REPLACE TRIGGER "~leadcrm_weigh_insert" BEFORE INSERT ON @workspace@.lead
	FOR EACH ROW EXECUTE FUNCTION @workspace@.lead_weigh();
COMMENT ON TRIGGER "~leadcrm_weigh_insert" ON @workspace@.lead IS 'Weighs a new lead; sorts after all that fills it';

DO $workspace$
BEGIN
	-- that follows from fit: no rule can use it any more
	IF EXISTS (SELECT FROM @workspace@.fit_rule WHERE attribute = 'handoff_temperature') THEN
		DELETE FROM @workspace@.fit_rule WHERE attribute = 'handoff_temperature';
	END IF;
	PERFORM @workspace@.compile_fit();
END
$workspace$;
COMMENT ON TRIGGER "~leadcrm_weigh" ON @workspace@.lead IS
	'Weighs a lead when an attribute that rules use has changed; sorts after all that changes it. Made by compile_fit()';
