-- The engagement of a lead: the score of its activities, moved by arithmetic where activities are added, computed anew where
-- they are changed. What counts is said once, in activity_points; activity_added says the same of new activities alone.

CREATE OR REPLACE VIEW @workspace@.activity_points WITH (security_invoker = true) AS
SELECT c.activity_id, c.lead_id, c.kind, c.occurred_at,
	c.at_most IS NULL OR c.place <= c.at_most AS counts,
	CASE WHEN c.at_most IS NULL OR c.place <= c.at_most THEN c.points ELSE 0 END AS points,
	c.at_most, c.per, c.half_life, c.is_sales_touch
FROM (
	SELECT a.activity_id, a.lead_id, a.kind, a.occurred_at, k.points, k.at_most, k.per, s.half_life, k.is_sales_touch,
		row_number() OVER (
			PARTITION BY a.lead_id, a.kind, leadcrm.cap_period(k.per, a.occurred_at, s.time_zone)
			ORDER BY a.occurred_at, a.activity_id) AS place
	FROM @workspace@.activity a
	JOIN @workspace@.activity_kind k ON k.code = a.kind
	CROSS JOIN @workspace@.setting s
) c;
COMMENT ON VIEW @workspace@.activity_points IS
	'What each activity counts for. A lead''s engagement is leadcrm.lead_score(points, occurred_at, half_life) over its rows. '
	'Unique key: activity_id. Shows rows with the rights of whoever asks';
COMMENT ON COLUMN @workspace@.activity_points.activity_id IS 'The activity';
COMMENT ON COLUMN @workspace@.activity_points.lead_id IS 'Its lead';
COMMENT ON COLUMN @workspace@.activity_points.kind IS 'Its kind';
COMMENT ON COLUMN @workspace@.activity_points.occurred_at IS 'When it happened';
COMMENT ON COLUMN @workspace@.activity_points.counts IS
	'Whether it is among the first at_most of its lead, kind and period, by (occurred_at, activity_id)';
COMMENT ON COLUMN @workspace@.activity_points.points IS
	'What it was worth when it happened: the points of its kind, 0 where it does not count';
COMMENT ON COLUMN @workspace@.activity_points.at_most IS 'How many count in a period; NULL: all';
COMMENT ON COLUMN @workspace@.activity_points.per IS 'The period; NULL: for ever';
COMMENT ON COLUMN @workspace@.activity_points.half_life IS 'Time in which points halve, that of the workspace';
COMMENT ON COLUMN @workspace@.activity_points.is_sales_touch IS 'Whether it was sales reaching out';

CREATE OR REPLACE FUNCTION @workspace@.count_anew(leads bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS $workspace$
BEGIN
	UPDATE @workspace@.lead l
	SET engagement = p.engagement, first_touch_at = least(l.first_touch_at, p.touch)
	FROM unnest(leads) m (lead_id)
	CROSS JOIN LATERAL (
		SELECT leadcrm.lead_score(p.points, p.occurred_at, p.half_life) AS engagement,
			min(p.occurred_at) FILTER (WHERE p.is_sales_touch) AS touch
		FROM @workspace@.activity_points p
		WHERE p.lead_id = m.lead_id
	) p
	WHERE l.lead_id = m.lead_id;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.count_anew(bigint[]) IS
	'A step of the triggers of activity: computes the engagement of these leads from all their activities, and moves '
	'first_touch_at to the first sales touch among them. The leads are locked already';

CREATE OR REPLACE FUNCTION @workspace@.refuse_future(lead_id bigint, kind text, occurred_at timestamptz) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $workspace$
BEGIN
	RAISE EXCEPTION USING
		ERRCODE = 'datetime_field_overflow',
		MESSAGE = format('activity "%s" of lead %s lies too far in the future: %s', kind, lead_id, occurred_at),
		DETAIL = 'An activity can be at most a year ahead: with points that grow towards it, it would be the hottest until then.',
		HINT = 'Check the year and the time zone of occurred_at.',
		SCHEMA = (parse_ident(@workspace_literal@))[1], TABLE = 'activity', COLUMN = 'occurred_at',
		CONSTRAINT = 'activity_occurred_at_within_a_year';
END
$workspace$;
COMMENT ON FUNCTION @workspace@.refuse_future(bigint, text, timestamptz) IS
	'Raises the error of an activity more than a year from now (22008)';

-- One row alone, as applications write them: with small plans, as to start a plan is most of what it costs then. Runs with the settings
-- of the trigger.
CREATE OR REPLACE FUNCTION @workspace@.count_one(activity_id bigint, lead_id bigint, kind text, occurred_at timestamptz) RETURNS void
LANGUAGE plpgsql AS $workspace$
#variable_conflict use_variable
DECLARE
	points double precision;
	at_most integer;
	per interval;
	touch timestamptz;
	half_life interval;
	time_zone text;
	untouched boolean;
	command bigint;
	since bigint;
	bucket timestamp;
	before bigint;
	seen bigint;
	counting text := coalesce(current_setting('leadcrm.counting', true), 'off');
	ignored text;
BEGIN
	SELECT k.points, k.at_most, k.per, CASE WHEN k.is_sales_touch THEN count_one.occurred_at END, s.half_life, s.time_zone,
			l.engagement IS NULL, leadcrm.own_command(l.xmin, l.cmin)
		INTO points, at_most, per, touch, half_life, time_zone, untouched, command
	FROM @workspace@.lead l
	CROSS JOIN @workspace@.activity_kind k
	CROSS JOIN @workspace@.setting s
	WHERE l.lead_id = count_one.lead_id AND k.code = count_one.kind
	FOR NO KEY UPDATE OF l;
	IF NOT FOUND THEN
		-- gone since, in a trigger of somebody's
		RETURN;
	END IF;
	IF command IS NOT NULL THEN
		since := (SELECT leadcrm.insert_command(x.tableoid, x.ctid) FROM @workspace@.activity x WHERE x.activity_id = count_one.activity_id);
	END IF;
	IF points <> 0 AND at_most IS NOT NULL AND NOT untouched THEN
		-- the first at_most of its period and one more; it is among them already
		bucket := leadcrm.cap_period(per, occurred_at, time_zone);
		SELECT count(*) FILTER (WHERE (f.occurred_at, f.activity_id) < (count_one.occurred_at, count_one.activity_id)), count(*)
			INTO before, seen
		FROM (
			SELECT a.activity_id, a.occurred_at
			FROM @workspace@.activity a
			WHERE a.lead_id = count_one.lead_id AND a.kind = count_one.kind
				AND a.occurred_at >= leadcrm.clocks_from(bucket, time_zone)
				AND a.occurred_at < leadcrm.clocks_until(coalesce(bucket + per, 'infinity'), time_zone)
				AND leadcrm.cap_period(per, a.occurred_at, time_zone) = bucket
			ORDER BY a.occurred_at, a.activity_id
			LIMIT at_most::bigint + 1
		) f;
	END IF;

	ignored := set_config('leadcrm.counting', 'on', true);
	IF command IS NOT NULL AND (since IS NULL OR command >= since) OR before < at_most AND seen > at_most THEN
		-- computed anew by another trigger of this statement since, or an old one does not count any more
		PERFORM @workspace@.count_anew(ARRAY[count_one.lead_id]);
	ELSIF points <> 0 OR touch IS NOT NULL OR untouched THEN
		UPDATE @workspace@.lead l
		SET engagement = CASE WHEN untouched THEN m.move ELSE l.engagement OPERATOR(leadcrm.+) m.move END,
			first_touch_at = least(l.first_touch_at, touch)
		FROM leadcrm.make_score(CASE WHEN before >= at_most THEN 0 ELSE points END, occurred_at, half_life) m (move)
		WHERE l.lead_id = count_one.lead_id;
	END IF;
	ignored := set_config('leadcrm.counting', counting, true);
END
$workspace$;
COMMENT ON FUNCTION @workspace@.count_one(bigint, bigint, text, timestamptz) IS
	'A step of activity_added(): moves engagement and first_touch_at of one lead by its one new activity';

-- A statement locks the leads that it moves before it reads what they did, in the order of lead_id, so that two bulk loads
-- cannot wait for each other; what it reads after that stays so until it commits. Where the transaction keeps an older
-- snapshot, that is only true as long as nobody else has moved them: the lock then fails (40001), for which a lead is updated
-- by every activity that could count, also where its engagement stays the same; and the settings, which rescore() updates.
--
-- Plans are kept, and made as if every table was large: what they look for is few rows of many.
CREATE OR REPLACE FUNCTION @workspace@.activity_added() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS $workspace$
#variable_conflict use_variable
DECLARE
	added_rows bigint;
	latest timestamptz;
	leads bigint[];
	untouched bigint[];
	own bigint[];
	own_commands bigint[];
	since bigint;
	moves leadcrm.lead_score[];
	touches timestamptz[];
	could_count boolean[];
	displaced boolean[];
	anew bigint[];
	counting text := coalesce(current_setting('leadcrm.counting', true), 'off');
BEGIN
	IF current_setting('leadcrm.enforcement', true) = 'off' THEN
		RETURN NULL;
	ELSIF TG_TABLE_SCHEMA <> (parse_ident(@workspace_literal@))[1] THEN
		PERFORM leadcrm.refuse_renamed(TG_TABLE_SCHEMA, (parse_ident(@workspace_literal@))[1]);
	END IF;
	SELECT count(*), max(a.occurred_at) INTO added_rows, latest FROM added a;
	IF added_rows = 0 THEN
		RETURN NULL;
	ELSIF latest > now() + interval '1 year' THEN
		PERFORM @workspace@.refuse_future(a.lead_id, a.kind, a.occurred_at) FROM added a WHERE a.occurred_at = latest;
	END IF;
	IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
		PERFORM FROM @workspace@.setting FOR SHARE;
	END IF;
	IF added_rows = 1 THEN
		PERFORM @workspace@.count_one(a.activity_id, a.lead_id, a.kind, a.occurred_at) FROM added a;
		RETURN NULL;
	END IF;

	leads := ARRAY(SELECT DISTINCT a.lead_id FROM added a);
	SELECT array_agg(l.lead_id) FILTER (WHERE l.untouched), array_agg(l.lead_id) FILTER (WHERE l.command IS NOT NULL),
			array_agg(l.command) FILTER (WHERE l.command IS NOT NULL)
		INTO untouched, own, own_commands
	FROM (
		SELECT l.lead_id, l.engagement IS NULL AS untouched, leadcrm.own_command(l.xmin, l.cmin) AS command
		FROM @workspace@.lead l
		WHERE l.lead_id = ANY (leads)
		ORDER BY l.lead_id
		FOR NO KEY UPDATE
	) l;
	IF own IS NOT NULL THEN
		-- Another trigger of this very statement (MERGE, ON CONFLICT, a trigger of somebody's) may have computed them anew
		-- since the rows were written, with the new activities in it. When that was, rows tell that nobody has changed since.
		SELECT min(leadcrm.insert_command(TG_RELID, x.ctid)) INTO since
		FROM (SELECT a.activity_id FROM added a LIMIT 100) a JOIN @workspace@.activity x ON x.activity_id = a.activity_id;
		anew := nullif(ARRAY(SELECT o.lead_id FROM unnest(own, own_commands) o (lead_id, command)
			WHERE o.command >= since OR since IS NULL), '{}');
	END IF;

	SELECT array_agg(m.lead_id), array_agg(m.move), array_agg(m.touch), array_agg(m.could_count), array_agg(m.displaced)
		INTO leads, moves, touches, could_count, displaced
	FROM (
		WITH event AS MATERIALIZED (
			SELECT e.*, CASE WHEN e.at_most IS NOT NULL THEN
				row_number() OVER (PARTITION BY e.lead_id, e.kind, e.bucket ORDER BY e.occurred_at, e.activity_id) END AS place
			FROM (
				SELECT a.activity_id, a.lead_id, a.kind, a.occurred_at, k.points, k.is_sales_touch, k.per, s.half_life, s.time_zone,
					CASE WHEN k.points <> 0 THEN k.at_most END AS at_most,
					CASE WHEN k.points <> 0 AND k.at_most IS NOT NULL THEN
						leadcrm.cap_period(k.per, a.occurred_at, s.time_zone) END AS bucket,
					-- what a lead without earlier activities has added here is all there is
					untouched IS NOT NULL AND a.lead_id IN (SELECT unnest(untouched)) AS is_all
				FROM added a
				JOIN @workspace@.activity_kind k ON k.code = a.kind
				CROSS JOIN @workspace@.setting s
				WHERE anew IS NULL OR a.lead_id NOT IN (SELECT unnest(anew))
			) e
		)
		SELECT e.lead_id, leadcrm.sum(e.move) AS move, min(e.touch) AS touch, bool_or(e.could_count) AS could_count,
			bool_or(e.displaced) AS displaced
		FROM (
			SELECT e.lead_id, leadcrm.make_score(
					CASE WHEN e.at_most IS NULL OR (e.is_all AND e.place <= e.at_most) THEN e.points ELSE 0 END, e.occurred_at, e.half_life) AS move,
				CASE WHEN e.is_sales_touch THEN e.occurred_at END AS touch, e.points <> 0 AS could_count, false AS displaced
			FROM event e
			UNION ALL
			-- a period with a cap: its first at_most, and whether new ones among them push out old ones
			SELECT b.lead_id, x.move, NULL, NULL, x.new_first > 0 AND x.seen - cardinality(b.ids) > b.at_most - x.new_first
			FROM (
				SELECT e.lead_id, e.kind, e.bucket, e.at_most, e.per, e.points, e.half_life, e.time_zone, array_agg(e.activity_id) AS ids
				FROM event e
				WHERE e.at_most IS NOT NULL AND NOT e.is_all
				GROUP BY e.lead_id, e.kind, e.bucket, e.at_most, e.per, e.points, e.half_life, e.time_zone
			) b
			CROSS JOIN LATERAL (
				SELECT leadcrm.lead_score(b.points, p.occurred_at, b.half_life) FILTER (WHERE p.is_new) AS move,
					count(*) FILTER (WHERE p.is_new) AS new_first, count(*) AS seen
				FROM (
					SELECT f.occurred_at, CASE WHEN row_number() OVER () <= b.at_most THEN f.activity_id = ANY (b.ids) END AS is_new
					FROM (
						SELECT a.activity_id, a.occurred_at
						FROM @workspace@.activity a
						WHERE a.lead_id = b.lead_id AND a.kind = b.kind
							AND a.occurred_at >= leadcrm.clocks_from(b.bucket, b.time_zone)
							AND a.occurred_at < leadcrm.clocks_until(coalesce(b.bucket + b.per, 'infinity'), b.time_zone)
							AND leadcrm.cap_period(b.per, a.occurred_at, b.time_zone) = b.bucket
						ORDER BY a.occurred_at, a.activity_id
						LIMIT b.at_most::bigint + cardinality(b.ids)
					) f
				) p
			) x
		) e
		GROUP BY e.lead_id
	) m;

	PERFORM set_config('leadcrm.counting', 'on', true);
	UPDATE @workspace@.lead l
	SET engagement = CASE WHEN l.engagement IS NULL THEN m.move ELSE l.engagement OPERATOR(leadcrm.+) m.move END,
		first_touch_at = least(l.first_touch_at, m.touch)
	FROM unnest(leads, moves, touches, could_count, displaced) m (lead_id, move, touch, could_count, displaced)
	WHERE l.lead_id = m.lead_id
		AND NOT m.displaced
		AND (m.could_count OR m.touch IS NOT NULL OR l.engagement IS NULL);
	IF anew IS NOT NULL OR true = ANY (displaced) THEN
		PERFORM @workspace@.count_anew(anew || ARRAY(SELECT m.lead_id FROM unnest(leads, displaced) m (lead_id, displaced)
			WHERE m.displaced));
	END IF;
	PERFORM set_config('leadcrm.counting', counting, true);
	RETURN NULL;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.activity_added() IS
	'Trigger: moves engagement and first_touch_at of the leads whose activities a statement adds, each lead once. 22008 for an '
	'activity more than a year from now';

CREATE OR REPLACE FUNCTION @workspace@.activity_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS $workspace$
DECLARE
	leads bigint[];
	counting text := coalesce(current_setting('leadcrm.counting', true), 'off');
BEGIN
	IF current_setting('leadcrm.enforcement', true) = 'off' THEN
		RETURN NULL;
	ELSIF TG_TABLE_SCHEMA <> (parse_ident(@workspace_literal@))[1] THEN
		PERFORM leadcrm.refuse_renamed(TG_TABLE_SCHEMA, (parse_ident(@workspace_literal@))[1]);
	END IF;
	IF TG_OP = 'DELETE' THEN
		leads := ARRAY(SELECT DISTINCT r.lead_id FROM removed r);
	ELSE
		leads := ARRAY(SELECT DISTINCT c.lead_id
			FROM (
				(SELECT r.activity_id, r.lead_id, r.kind, r.occurred_at FROM removed r
					EXCEPT SELECT a.activity_id, a.lead_id, a.kind, a.occurred_at FROM added a)
				UNION ALL
				(SELECT a.activity_id, a.lead_id, a.kind, a.occurred_at FROM added a
					EXCEPT SELECT r.activity_id, r.lead_id, r.kind, r.occurred_at FROM removed r)
			) c);
		PERFORM @workspace@.refuse_future(a.lead_id, a.kind, a.occurred_at) FROM added a
		WHERE a.occurred_at > now() + interval '1 year';
	END IF;
	IF leads = '{}' THEN
		RETURN NULL;
	END IF;
	IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
		PERFORM FROM @workspace@.setting FOR SHARE;
	END IF;
	PERFORM FROM @workspace@.lead l WHERE l.lead_id = ANY (leads) ORDER BY l.lead_id FOR NO KEY UPDATE;

	PERFORM set_config('leadcrm.counting', 'on', true);
	-- a first touch that went; count_anew finds the next one
	UPDATE @workspace@.lead l
	SET first_touch_at = NULL
	FROM removed r
	JOIN @workspace@.activity_kind k ON k.code = r.kind AND k.is_sales_touch
	WHERE l.lead_id = r.lead_id AND l.first_touch_at = r.occurred_at AND l.lead_id = ANY (leads);
	PERFORM @workspace@.count_anew(leads);
	PERFORM set_config('leadcrm.counting', counting, true);
	RETURN NULL;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.activity_changed() IS
	'Trigger: computes engagement and first_touch_at of the leads whose activities a statement changes or deletes anew. 22008 '
	'for an activity more than a year from now';

CREATE OR REPLACE FUNCTION @workspace@.refuse_truncate() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $workspace$
BEGIN
	RAISE EXCEPTION USING
		ERRCODE = 'check_violation',
		MESSAGE = format('TRUNCATE of "%s" is refused: engagements are made of its rows', TG_TABLE_NAME),
		HINT = 'DELETE the rows: that takes their points away.',
		SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = TG_TABLE_NAME || '_rows_count';
END
$workspace$;
COMMENT ON FUNCTION @workspace@.refuse_truncate() IS 'Trigger: refuses TRUNCATE of a table whose rows count (23514)';

-- Fires only where its trigger's condition has found that it is not the workspace itself that writes.
CREATE OR REPLACE FUNCTION @workspace@.keep_engagement() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $workspace$
DECLARE
	at_lead boolean := TG_TABLE_NAME = 'lead';
BEGIN
	IF current_setting('leadcrm.enforcement', true) = 'off' THEN
		RETURN NEW;
	END IF;
	RAISE EXCEPTION USING
		ERRCODE = 'check_violation',
		MESSAGE = CASE WHEN at_lead THEN 'column "engagement" of "lead" is kept by the workspace'
			ELSE 'columns "half_life", "rescored_at" and "rescore_due_since" of "setting" change by rescore() only' END,
		DETAIL = CASE WHEN at_lead THEN 'It is what the activities of the lead add up to.'
			ELSE 'Engagements of different half-lives cannot be compared: all change at once.' END,
		HINT = CASE WHEN at_lead
			THEN 'Leave it out of the statement or write back the value that is there; add, change or delete activities instead.'
			ELSE format('SELECT %s.rescore(half_life);', @workspace_literal@) END,
		SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = CASE WHEN at_lead THEN 'engagement' ELSE 'half_life' END,
		CONSTRAINT = TG_TABLE_NAME || CASE WHEN at_lead THEN '_keeps_engagement' ELSE '_keeps_half_life' END;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.keep_engagement() IS
	'Trigger: refuses (23514) to set lead.engagement and setting.half_life by hand, whoever does it';

CREATE OR REPLACE FUNCTION @workspace@.mark_rescore_due() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $workspace$
DECLARE
	counting text := coalesce(current_setting('leadcrm.counting', true), 'off');
	due timestamptz := now();
BEGIN
	IF current_setting('leadcrm.enforcement', true) = 'off' THEN
		RETURN NEW;
	END IF;
	IF TG_TABLE_SCHEMA <> (parse_ident(@workspace_literal@))[1] THEN
		PERFORM leadcrm.refuse_renamed(TG_TABLE_SCHEMA, (parse_ident(@workspace_literal@))[1]);
	END IF;
	-- nothing is due where there is nothing; but an older snapshot cannot know that
	IF current_setting('transaction_isolation') IN ('read committed', 'read uncommitted') AND NOT EXISTS (SELECT FROM @workspace@.activity) THEN
		-- whoever adds the first ones right now goes by the old rules
		LOCK TABLE @workspace@.activity IN SHARE MODE;
		due := CASE WHEN EXISTS (SELECT FROM @workspace@.activity) THEN now() END;
	END IF;
	IF TG_TABLE_NAME = 'setting' THEN
		NEW.rescore_due_since := coalesce(NEW.rescore_due_since, due);
	ELSE
		-- written where it stays the same, too: a rescore() that cannot see the change yet waits for it
		PERFORM set_config('leadcrm.counting', 'on', true);
		UPDATE @workspace@.setting s SET rescore_due_since = coalesce(s.rescore_due_since, due);
		PERFORM set_config('leadcrm.counting', counting, true);
	END IF;
	RETURN NEW;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.mark_rescore_due() IS
	'Trigger: notes in setting.rescore_due_since that what activities count for has changed';

CREATE OR REPLACE FUNCTION @workspace@.rescore(new_half_life interval DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $workspace$
DECLARE
	changed bigint;
	counting text := coalesce(current_setting('leadcrm.counting', true), 'off');
BEGIN
	PERFORM leadcrm.refuse_if_renamed(@workspace_literal@);
	IF new_half_life <= '0'::interval THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('a half-life cannot be %s', new_half_life),
			HINT = 'Give the time in which engagement loses half its points, such as 30 days.',
			SCHEMA = (parse_ident(@workspace_literal@))[1], TABLE = 'setting', COLUMN = 'half_life';
	ELSIF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
		RAISE EXCEPTION USING
			ERRCODE = 'feature_not_supported',
			MESSAGE = format('rescore() cannot run at isolation level %s', current_setting('transaction_isolation')),
			DETAIL = 'It must see all activities that are committed once nobody writes any more.',
			HINT = 'Call it in a transaction of isolation level READ COMMITTED.';
	END IF;
	-- a month less thirty days and the like: no half-life either
	PERFORM leadcrm.make_score(0, now(), new_half_life);
	PERFORM set_config('leadcrm.counting', 'on', true);
	LOCK TABLE @workspace@.activity IN SHARE ROW EXCLUSIVE MODE;
	UPDATE @workspace@.setting s
	SET half_life = coalesce(new_half_life, s.half_life), rescored_at = clock_timestamp(), rescore_due_since = NULL;
	UPDATE @workspace@.lead l
	SET engagement = n.engagement, first_touch_at = least(l.first_touch_at, n.touch)
	FROM (
		SELECT o.lead_id, p.engagement, p.touch
		FROM @workspace@.lead o
		LEFT JOIN (
			SELECT p.lead_id, leadcrm.lead_score(p.points, p.occurred_at, p.half_life) AS engagement,
				min(p.occurred_at) FILTER (WHERE p.is_sales_touch) AS touch
			FROM @workspace@.activity_points p
			GROUP BY p.lead_id
		) p ON p.lead_id = o.lead_id
	) n
	WHERE n.lead_id = l.lead_id AND (coalesce(n.touch < l.first_touch_at, n.touch IS NOT NULL)
		OR CASE WHEN l.engagement IS NULL OR n.engagement IS NULL
			THEN (l.engagement IS NULL) <> (n.engagement IS NULL) ELSE l.engagement OPERATOR(leadcrm.<>) n.engagement END);
	GET DIAGNOSTICS changed = ROW_COUNT;
	PERFORM set_config('leadcrm.counting', counting, true);
	RETURN changed;
END
$workspace$;
COMMENT ON FUNCTION @workspace@.rescore(interval) IS
	'Computes all engagements from all activities, with the present points, caps, time zone and half-life, after changing the '
	'half-life if one is given; first_touch_at moves to an earlier activity where a kind has become a sales touch. '
	'Returns how many leads changed. Activities cannot be written while it runs. Errors: 22023 a '
	'half-life that is not positive, 0A000 in a transaction that keeps an older snapshot';

CREATE OR REPLACE VIEW @workspace@.engagement_mismatch WITH (security_invoker = true) AS
SELECT l.lead_id, l.engagement AS stored, c.computed, c.at,
	leadcrm.points_or_infinity(l.engagement, c.at) AS stored_points, leadcrm.score_at(c.computed, c.at) AS computed_points
FROM @workspace@.lead l
LEFT JOIN (
	SELECT p.lead_id, leadcrm.lead_score(p.points, p.occurred_at, p.half_life) AS computed,
		leadcrm.lead_score(abs(p.points), p.occurred_at, p.half_life) AS size, max(p.occurred_at) AS at
	FROM @workspace@.activity_points p
	GROUP BY p.lead_id
) c ON c.lead_id = l.lead_id
WHERE CASE WHEN l.engagement IS NULL OR c.computed IS NULL THEN (l.engagement IS NULL) <> (c.computed IS NULL)
	ELSE leadcrm.half_life(l.engagement) <> leadcrm.half_life(c.computed)
		OR abs(leadcrm.points_or_infinity(l.engagement, c.at) - leadcrm.score_at(c.computed, c.at)) > 1e-9 * leadcrm.score_at(c.size, c.at) END;
COMMENT ON VIEW @workspace@.engagement_mismatch IS
	'Leads whose engagement is not what their activities add up to, computed from all of them: none, unless points, caps or '
	'the time zone were changed and rescore() is due, or triggers were off; rescore() mends them. Unique key: lead_id. Shows '
	'rows of leads with the rights of whoever asks';
COMMENT ON COLUMN @workspace@.engagement_mismatch.lead_id IS 'The lead';
COMMENT ON COLUMN @workspace@.engagement_mismatch.stored IS 'Its engagement';
COMMENT ON COLUMN @workspace@.engagement_mismatch.computed IS 'What its activities add up to; NULL: it has none';
COMMENT ON COLUMN @workspace@.engagement_mismatch.at IS 'When its last activity happened';
COMMENT ON COLUMN @workspace@.engagement_mismatch.stored_points IS
	'Its engagement at that instant, in points; Infinity or -Infinity where they are beyond float8';
COMMENT ON COLUMN @workspace@.engagement_mismatch.computed_points IS
	'What its activities add up to at that instant; they may differ by 1e-9 of the sum of the points without their signs';

CREATE OR REPLACE TRIGGER "~leadcrm_added" AFTER INSERT ON @workspace@.activity
	REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION @workspace@.activity_added();
COMMENT ON TRIGGER "~leadcrm_added" ON @workspace@.activity IS 'Moves the engagement of the leads';
CREATE OR REPLACE TRIGGER "~leadcrm_changed" AFTER UPDATE ON @workspace@.activity
	REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION @workspace@.activity_changed();
COMMENT ON TRIGGER "~leadcrm_changed" ON @workspace@.activity IS 'Computes the engagement of the leads anew';
CREATE OR REPLACE TRIGGER "~leadcrm_removed" AFTER DELETE ON @workspace@.activity
	REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION @workspace@.activity_changed();
COMMENT ON TRIGGER "~leadcrm_removed" ON @workspace@.activity IS 'Computes the engagement of the leads anew';
CREATE OR REPLACE TRIGGER "~leadcrm_truncate" BEFORE TRUNCATE ON @workspace@.activity
	FOR EACH STATEMENT EXECUTE FUNCTION @workspace@.refuse_truncate();
COMMENT ON TRIGGER "~leadcrm_truncate" ON @workspace@.activity IS 'Activities are deleted, not truncated';

-- What the functions above write passes by the setting that they make and by the owner's rights that they run with.
CREATE OR REPLACE TRIGGER "~leadcrm_engagement" BEFORE UPDATE ON @workspace@.lead
	FOR EACH ROW WHEN (CASE WHEN NEW.engagement IS NULL OR OLD.engagement IS NULL
			THEN (NEW.engagement IS NULL) <> (OLD.engagement IS NULL) ELSE NEW.engagement OPERATOR(leadcrm.<>) OLD.engagement END
		AND NOT leadcrm.counting(OLD.tableoid))
	EXECUTE FUNCTION @workspace@.keep_engagement();
COMMENT ON TRIGGER "~leadcrm_engagement" ON @workspace@.lead IS 'An engagement is not written by hand';
-- after the row is there: one that ON CONFLICT turns into an UPDATE brings the engagement that it has
CREATE OR REPLACE TRIGGER "~leadcrm_no_engagement" AFTER INSERT ON @workspace@.lead
	FOR EACH ROW WHEN (NEW.engagement IS NOT NULL) EXECUTE FUNCTION @workspace@.keep_engagement();
COMMENT ON TRIGGER "~leadcrm_no_engagement" ON @workspace@.lead IS 'A new lead has no activities, hence no engagement';
CREATE OR REPLACE TRIGGER "~leadcrm_keep" BEFORE UPDATE ON @workspace@.setting
	FOR EACH ROW WHEN ((NEW.half_life IS DISTINCT FROM OLD.half_life OR NEW.rescored_at IS DISTINCT FROM OLD.rescored_at
			OR NEW.rescore_due_since IS DISTINCT FROM OLD.rescore_due_since)
		AND NOT leadcrm.counting(OLD.tableoid))
	EXECUTE FUNCTION @workspace@.keep_engagement();
COMMENT ON TRIGGER "~leadcrm_keep" ON @workspace@.setting IS 'The half-life changes by rescore() only';
CREATE OR REPLACE TRIGGER "~leadcrm_rescore_due" BEFORE UPDATE ON @workspace@.setting
	FOR EACH ROW WHEN (NEW.time_zone IS DISTINCT FROM OLD.time_zone) EXECUTE FUNCTION @workspace@.mark_rescore_due();
COMMENT ON TRIGGER "~leadcrm_rescore_due" ON @workspace@.setting IS 'Caps go by the days of the time zone; sorts after ~leadcrm_keep';
CREATE OR REPLACE TRIGGER "~leadcrm_rescore_due" AFTER UPDATE ON @workspace@.activity_kind
	FOR EACH ROW WHEN (NEW.points IS DISTINCT FROM OLD.points OR NEW.at_most IS DISTINCT FROM OLD.at_most
		OR NEW.per IS DISTINCT FROM OLD.per OR (NEW.is_sales_touch AND NOT OLD.is_sales_touch))
	EXECUTE FUNCTION @workspace@.mark_rescore_due();
COMMENT ON TRIGGER "~leadcrm_rescore_due" ON @workspace@.activity_kind IS 'Points and caps change what activities count for';
