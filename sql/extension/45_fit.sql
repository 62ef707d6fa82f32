-- Rules of fit: from a row that says "industry one_of [...]" to a condition in SQL. What compiles them for a workspace is
-- sql/workspace/34_fit.sql.

CREATE FUNCTION leadcrm.number_in(written text) RETURNS numeric
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 5
	AS 'MODULE_PATHNAME', 'leadcrm_number_in';
COMMENT ON FUNCTION leadcrm.number_in(text) IS
'The number that a text is, in decimal or with an exponent, blanks around it ignored. NULL for what is no finite number, or one of more than 1000 characters or beyond the range of double precision. Never raises an error.';

-- Type of a column as a rule sees it: domains are what they are made of.
CREATE FUNCTION leadcrm.base_type(type oid) RETURNS oid
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH RECURSIVE t AS (
		SELECT y.oid, y.typtype, y.typbasetype FROM pg_catalog.pg_type y WHERE y.oid = type
		UNION ALL
		SELECT y.oid, y.typtype, y.typbasetype FROM t JOIN pg_catalog.pg_type y ON y.oid = t.typbasetype WHERE t.typtype = 'd'
	)
	SELECT t.oid FROM t WHERE t.typtype <> 'd';
END;
COMMENT ON FUNCTION leadcrm.base_type(oid) IS 'The type that a domain is made of, whatever the depth; any other type itself';

-- The operator of a type's own order (1 <, 2 <=, 3 =, 4 >=, 5 >), qualified, so that no search_path decides.
CREATE FUNCTION leadcrm.order_operator(type oid, strategy integer) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.format('OPERATOR(%s)', coalesce(
		(SELECT pg_catalog.quote_ident(n.nspname) || '.' || o.oprname
		FROM pg_catalog.pg_opclass c
			JOIN pg_catalog.pg_am m ON m.oid = c.opcmethod AND m.amname = 'btree'
			JOIN pg_catalog.pg_amop a ON a.amopfamily = c.opcfamily AND a.amoplefttype = c.opcintype
				AND a.amoprighttype = c.opcintype AND a.amopstrategy = strategy
			JOIN pg_catalog.pg_operator o ON o.oid = a.amopopr
			JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
		WHERE c.opcdefault AND c.opcintype = type
		LIMIT 1),
		'pg_catalog.' || (ARRAY['<', '<=', '=', '>=', '>'])[strategy]));
END;
COMMENT ON FUNCTION leadcrm.order_operator(oid, integer) IS
	'How an operator of a type''s own order is written in SQL: strategy 1 <, 2 <=, 3 =, 4 >=, 5 >';

CREATE FUNCTION leadcrm.refuse_fit_rule(code text, message text, detail text, hint text, lead regclass, "column" text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $leadcrm$
BEGIN
	RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message, DETAIL = coalesce(detail, ''), HINT = hint,
		SCHEMA = (SELECT n.nspname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = lead),
		TABLE = 'fit_rule', COLUMN = "column";
END
$leadcrm$;
COMMENT ON FUNCTION leadcrm.refuse_fit_rule(text, text, text, text, regclass, text) IS
	'Raises the error of a rule of fit that cannot work';

CREATE FUNCTION leadcrm.qualified_type(type oid) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.format('%I.%I', n.nspname, t.typname)
	FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE t.oid = type;
END;
COMMENT ON FUNCTION leadcrm.qualified_type(oid) IS 'The name of a type with its schema, so that no search_path decides which it is';

-- One element of an operand as a literal of a type; refused where the type cannot hold it. It is written so that it means the same in
-- every session: times without a zone are UTC.
CREATE FUNCTION leadcrm.fit_literal(lead regclass, attribute text, type oid, element jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET "TimeZone" = 'UTC' SET "DateStyle" = 'ISO, YMD'
SET "IntervalStyle" = 'iso_8601' SET extra_float_digits = 1 AS $leadcrm$
DECLARE
	written text := element #>> '{}';
	category "char" := (SELECT t.typcategory FROM pg_type t WHERE t.oid = type);
BEGIN
	IF jsonb_typeof(element) IN ('object', 'array', 'null') OR (category = 'S' AND jsonb_typeof(element) <> 'string') THEN
		PERFORM leadcrm.refuse_fit_rule('22023', format('%s is no operand for "%s"', element, attribute),
			format('"%s" is of type %s.', attribute, format_type(type, NULL)),
			CASE WHEN category = 'S' THEN 'Write a string: "..." in JSON.'
				ELSE 'Write one string, number, true or false; to ask for what is missing, use is_set with the operand false.' END,
			lead, 'operand');
	END IF;
	-- rules don't move with the clock
	IF category IN ('D', 'R') AND written ~* '\m(now|today|tomorrow|yesterday)\M' THEN
		PERFORM leadcrm.refuse_fit_rule('22023', format('%s is no operand for "%s"', element, attribute),
			'It would mean another time each day, and leads are weighed only when they change.', 'Write a date, such as "2026-01-31".', lead, 'operand');
	END IF;
	BEGIN
		EXECUTE format('SELECT (%L::%s)::text', written, leadcrm.qualified_type(type)) INTO written;
	EXCEPTION WHEN data_exception OR cannot_coerce OR feature_not_supported OR invalid_object_definition THEN
		PERFORM leadcrm.refuse_fit_rule('22023', format('%s is no operand for "%s"', element, attribute),
			format('"%s" is of type %s.', attribute, format_type(type, NULL)), 'Write a value of that type.', lead, 'operand');
	END;
	RETURN format('%L::%s', written, leadcrm.qualified_type(type));
END
$leadcrm$;
COMMENT ON FUNCTION leadcrm.fit_literal(regclass, text, oid, jsonb) IS
	'A step of fit_condition(): a scalar of an operand as an SQL literal of a type. Error 22023 where the type cannot hold it';

CREATE FUNCTION leadcrm.fit_attributes(lead regclass)
RETURNS TABLE (attribute name, type oid, category "char", number smallint)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT a.attname, leadcrm.base_type(a.atttypid), t.typcategory, a.attnum
	FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = leadcrm.base_type(a.atttypid)
	WHERE a.attrelid = lead AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
		-- how far the lead came and what was done with it: no profile
		AND a.attname <> ALL ('{lead_id,fit,fit_by_hand,engagement,owner,owner_since,owner_reason,owner_seq,stage,stage_since,
			stage_reason,stage_seq,stage_peak,subscriber_at,lead_at,mql_at,sql_at,opportunity_at,customer_at,evangelist_at,status,
			status_category,status_since,status_reason,status_seq,handed_off_at,handoff_temperature,first_touch_at,accepted_at,returned_at,
			return_count,recycle_on}'::name[]);
END;
COMMENT ON FUNCTION leadcrm.fit_attributes(regclass) IS
	'The columns of a workspace''s lead that say who the lead is: those that rules of fit may use. Users'' own columns are among them. '
	'Unique key: attribute';

CREATE FUNCTION leadcrm.fit_condition(lead regclass, attribute text, operator text, operand jsonb, lead_row text DEFAULT '($1)',
	OUT condition text, OUT "column" name, OUT value text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $leadcrm$
DECLARE
	a record;
	path text[];
	expression text;	-- the value, as its column's type; of a path, as text
	as_text boolean;	-- is it a text?
	elements jsonb[] := '{}';
	low text;
	high text;
	reversed boolean;
BEGIN
	IF operator = 'always' THEN
		IF attribute IS NOT NULL THEN
			PERFORM leadcrm.refuse_fit_rule('22023', 'a rule that always applies has no attribute', format('This one names "%s".', attribute),
				'Leave the attribute NULL, or use is_set.', lead, 'attribute');
		ELSIF coalesce(jsonb_typeof(operand), 'null') <> 'null' THEN
			PERFORM leadcrm.refuse_fit_rule('22023', format('%s is no operand of always', operand), 'always takes none.', 'Leave the operand out.',
				lead, 'operand');
		END IF;
		condition := 'true';
		RETURN;
	ELSIF attribute IS NULL THEN
		PERFORM leadcrm.refuse_fit_rule('23502', format('a rule of fit with the operator %s needs an attribute', operator), NULL,
			'Name a column of lead, or attributes.key; only always needs none.', lead, 'attribute');
	END IF;
	-- the column, or the column of JSON and the path in it
	SELECT * INTO a FROM leadcrm.fit_attributes(lead) f WHERE f.attribute = fit_condition.attribute;
	IF NOT FOUND THEN
		SELECT f.*, substr(fit_condition.attribute, length(f.attribute) + 1) AS rest INTO a
		FROM leadcrm.fit_attributes(lead) f
		WHERE f.type = 'jsonb'::regtype AND starts_with(fit_condition.attribute, f.attribute::text)
			AND substr(fit_condition.attribute, length(f.attribute) + 1, 1) IN ('.', '{')
		ORDER BY length(f.attribute) DESC LIMIT 1;
		IF FOUND THEN
			BEGIN
				path := CASE left(a.rest, 1) WHEN '.' THEN string_to_array(substr(a.rest, 2), '.') ELSE a.rest::text[] END;
			EXCEPTION WHEN data_exception THEN
				path := NULL;
			END;
		END IF;
		IF array_ndims(path) IS DISTINCT FROM 1 OR '' = ANY (path) OR num_nulls(VARIADIC path) > 0 THEN
			IF EXISTS (SELECT FROM pg_attribute c WHERE c.attrelid = lead AND c.attname = fit_condition.attribute AND NOT c.attisdropped) THEN
				PERFORM leadcrm.refuse_fit_rule('22023', format('"%s" cannot be an attribute of a fit rule', attribute),
					'It says how far the lead came or what was done with it, or follows from other columns.',
					'Fit says who the lead is: use a column of its profile.', lead, 'attribute');
			END IF;
			PERFORM leadcrm.refuse_fit_rule('42703', format('a lead has no attribute "%s"', attribute),
				format('Its attributes are: %s.', (SELECT string_agg(f.attribute, ', ' ORDER BY f.number) FROM leadcrm.fit_attributes(lead) f)),
				'Use one of these, or attributes.key for what stands in the column attributes; attributes{"a.b",c} where a key holds dots.',
				lead, 'attribute');
		END IF;
	END IF;
	"column" := a.attribute;
	expression := format('%s.%I', lead_row, a.attribute);
	IF path IS NOT NULL THEN
		expression := format('(%s OPERATOR(pg_catalog.#>>) %L::pg_catalog.text[])', expression, path);
	END IF;
	value := expression;
	as_text := path IS NOT NULL OR a.category = 'S';

	CASE operator
	WHEN 'is_set', 'is_free_email' THEN
		IF coalesce(jsonb_typeof(operand), 'null') NOT IN ('null', 'boolean') THEN
			PERFORM leadcrm.refuse_fit_rule('22023', format('%s is no operand of %s', operand, operator),
				format('%s takes true, which may be left out, or false.', operator), 'Leave the operand out.', lead, 'operand');
		END IF;
		IF operator = 'is_free_email' THEN
			IF NOT as_text THEN
				PERFORM leadcrm.refuse_fit_rule('22023', format('"%s" holds no e-mail address', attribute),
					format('It is of type %s.', format_type(a.type, NULL)), 'Use a column of text.', lead, 'attribute');
			END IF;
			condition := format('leadcrm.is_free_email(%s::pg_catalog.text)', expression);
		ELSIF as_text THEN
			-- blanks are nothing; NULL never matches
			condition := format('%s::pg_catalog.text OPERATOR(pg_catalog.~) %L', expression, '[^[:space:]]');
			IF path IS NULL THEN
				-- mostly the first byte knows, in a tenth of the time: this is asked for every row of a bulk load
				condition := format('%1$s::pg_catalog.text COLLATE pg_catalog."C" OPERATOR(pg_catalog.>=) ''!'' '
					'AND %1$s::pg_catalog.text COLLATE pg_catalog."C" OPERATOR(pg_catalog.<) ''~'' OR %2$s', expression, condition);
			END IF;
			condition := format('coalesce(%s, false)', condition);
		ELSE
			-- not IS NOT NULL: of a composite value that would ask for each field
			condition := format('(pg_catalog.num_nonnulls(%s) OPERATOR(pg_catalog.=) 1)', expression);
		END IF;
		IF operand = 'false' THEN
			condition := 'NOT ' || condition;
		END IF;
		RETURN;
	WHEN 'matches' THEN
		IF NOT as_text THEN
			PERFORM leadcrm.refuse_fit_rule('22023', format('"%s" is no text that could match', attribute),
				format('It is of type %s.', format_type(a.type, NULL)), 'Use equals, one_of or between.', lead, 'attribute');
		ELSIF jsonb_typeof(operand) IS DISTINCT FROM 'string' THEN
			PERFORM leadcrm.refuse_fit_rule('22023', format('%s is no regular expression', coalesce(operand::text, 'NULL')), NULL,
				'The operand of matches is a string in JSON, such as "(?i)director".', lead, 'operand');
		END IF;
		-- a back reference can take time beyond all bounds, over a text that anybody on the web has typed
		IF length(operand #>> '{}') > 4000 OR replace(operand #>> '{}', '\\', '') ~ '\\[1-9]' THEN
			PERFORM leadcrm.refuse_fit_rule('22023', format('the regular expression for "%s" could take too long', attribute),
				CASE WHEN length(operand #>> '{}') > 4000 THEN format('It has %s characters; 4000 are allowed.', length(operand #>> '{}'))
					ELSE format('%s refers back to what a part of it has matched.', operand) END,
				'Simplify it, or make several rules of it.', lead, 'operand');
		END IF;
		BEGIN
			PERFORM '' ~ (operand #>> '{}');
		EXCEPTION WHEN invalid_regular_expression THEN
			PERFORM leadcrm.refuse_fit_rule('2201B', format('%s is no regular expression', operand), SQLERRM || '.',
				'The operand of matches is a string in JSON, such as "(?i)director".', lead, 'operand');
		END;
		-- a collation that is not deterministic could not be matched
		condition := format('(%s::pg_catalog.text COLLATE pg_catalog."default" OPERATOR(pg_catalog.~) %L)', expression, operand #>> '{}');
		RETURN;
	WHEN 'equals' THEN
		elements := ARRAY[operand];
	WHEN 'one_of', 'between' THEN
		elements := CASE jsonb_typeof(operand) WHEN 'array' THEN ARRAY(SELECT e FROM jsonb_array_elements(operand) e) ELSE ARRAY[operand] END;
	ELSE
		-- NULL: the table's constraints say what is wrong
		RETURN;
	END CASE;

	IF cardinality(elements) = 0 OR elements[1] IS NULL
		OR operator = 'between' AND (cardinality(elements) <> 2 OR 'null' = ALL (elements))
	THEN
		PERFORM leadcrm.refuse_fit_rule('22023', format('%s is no operand of %s', coalesce(operand::text, 'NULL'), operator), NULL,
			CASE operator WHEN 'between' THEN 'Write two bounds, both included, of which one may be null: [50, 1000], [50, null].'
				WHEN 'one_of' THEN 'Write an array in JSON, such as ["Software", "Retail"].'
				ELSE 'Write one string, number, true or false in JSON, such as "Software".' END, lead, 'operand');
	END IF;
	IF path IS NOT NULL THEN
		-- JSON tells numbers from texts; a text that is a number counts as one
		a.type := 'text'::regtype;
		IF NOT EXISTS (SELECT FROM unnest(elements) e WHERE jsonb_typeof(e) NOT IN ('number', 'null')) THEN
			a.type := 'numeric'::regtype;
			expression := format('leadcrm.number_in(%s)', expression);
		ELSIF operator = 'between' THEN
			IF EXISTS (SELECT FROM unnest(elements) e WHERE jsonb_typeof(e) NOT IN ('string', 'null')) THEN
				PERFORM leadcrm.refuse_fit_rule('22023', format('%s is no operand of between', operand), 'Its bounds are of two kinds.',
					'Write two numbers or two strings.', lead, 'operand');
			END IF;
			expression := expression || ' COLLATE pg_catalog."C"';
		ELSE
			elements := ARRAY(SELECT CASE WHEN jsonb_typeof(e) IN ('number', 'boolean') THEN to_jsonb(e #>> '{}') ELSE e END FROM unnest(elements) e);
		END IF;
	ELSIF a.type IN ('jsonb'::regtype, 'json'::regtype) THEN
		PERFORM leadcrm.refuse_fit_rule('22023', format('"%s" is no single value', attribute), format('It is of type %s.', format_type(a.type, NULL)),
			format('Name what stands in it: %s.key.', a.attribute), lead, 'attribute');
	END IF;

	IF operator = 'between' THEN
		low := CASE WHEN jsonb_typeof(elements[1]) <> 'null' THEN leadcrm.fit_literal(lead, attribute, a.type, elements[1]) END;
		high := CASE WHEN jsonb_typeof(elements[2]) <> 'null' THEN leadcrm.fit_literal(lead, attribute, a.type, elements[2]) END;
		condition := concat_ws(' AND ', expression || ' ' || leadcrm.order_operator(a.type, 4) || ' ' || low,
			expression || ' ' || leadcrm.order_operator(a.type, 2) || ' ' || high);
	ELSE
		elements := ARRAY(SELECT to_jsonb(leadcrm.fit_literal(lead, attribute, a.type, e)) FROM unnest(elements) e);
		condition := CASE WHEN cardinality(elements) > 1 AND a.category <> 'A'
			THEN format('%s %s ANY (ARRAY[%s])', expression, leadcrm.order_operator(a.type, 3),
				(SELECT string_agg(e.element #>> '{}', ', ' ORDER BY e.n) FROM unnest(elements) WITH ORDINALITY e (element, n)))
			ELSE (SELECT string_agg(expression || ' ' || leadcrm.order_operator(a.type, 3) || ' ' || (e.element #>> '{}'), ' OR ' ORDER BY e.n)
				FROM unnest(elements) WITH ORDINALITY e (element, n)) END;
	END IF;
	condition := '(' || condition || ')';
	BEGIN
		IF low IS NOT NULL AND high IS NOT NULL THEN
			EXECUTE format('SELECT %s %s %s', low, leadcrm.order_operator(a.type, 5), high) INTO reversed;
		END IF;
		-- can the type be compared at all?
		EXECUTE format('SELECT FROM (SELECT NULL::%s) l (v) WHERE %s LIMIT 0', format_type(a.type, NULL), replace(condition, expression, 'l.v'));
	EXCEPTION WHEN undefined_function OR datatype_mismatch OR indeterminate_collation THEN
		PERFORM leadcrm.refuse_fit_rule('22023', format('"%s" cannot be compared', attribute),
			format('It is of type %s, which has no order.', format_type(a.type, NULL)), 'Use is_set.', lead, 'attribute');
	END;
	IF reversed THEN
		PERFORM leadcrm.refuse_fit_rule('22023', format('the bounds of %s are reversed', operand),
			format('%s lies after %s.', elements[1], elements[2]), 'Write the lower one first.', lead, 'operand');
	END IF;
END
$leadcrm$;
COMMENT ON FUNCTION leadcrm.fit_condition(regclass, text, text, jsonb, text) IS
	'A rule of fit as a condition in SQL, in which lead_row stands for the row of the lead, the column that it reads, and the value that it looks at. An operator that is none: NULL. '
	'Errors: 42703 no such attribute, 22023 an attribute or operand that the operator cannot use, 2201B no regular expression';
