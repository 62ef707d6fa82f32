-- What the benchmark of the engagement runs: see run.
CREATE SCHEMA bench;
CREATE TABLE bench.result (run integer, measure text, ms float8, cpu_ms float8, n integer);

-- cpu(): milliseconds of processor time that this backend has used, to 10 ms
CREATE FUNCTION bench.cpu() RETURNS float8 LANGUAGE sql AS $$
	SELECT 10 * (f[12]::float8 + f[13]::float8)
	FROM regexp_split_to_array(regexp_replace(pg_read_file('/proc/self/stat'), '^.*[)] ', ''), ' ') f
$$;

-- leads(N): a new workspace with so many leads, written as a restore writes them; a table like its activities, without the score
CREATE FUNCTION bench.leads(n integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	c record;
BEGIN
	DROP TABLE IF EXISTS bench.activity;
	PERFORM leadcrm.drop_workspace('crm') FROM pg_namespace WHERE nspname = 'crm';
	PERFORM leadcrm.create_workspace('crm');
	SET LOCAL leadcrm.enforcement = off;
	INSERT INTO crm.lead (full_name, email, stage, stage_since, stage_seq, status, status_category, fit)
	SELECT 'Lead number ' || i, 'lead' || i || '@example.com', CASE WHEN i % 20 = 0 THEN 'customer' ELSE 'lead' END::leadcrm.lifecycle_stage, now(), 0,
		CASE WHEN i % 10 = 0 THEN 'lost' ELSE 'new' END, CASE WHEN i % 10 = 0 THEN 'closed' ELSE 'to_contact' END, i % 101
	FROM generate_series(1, n) i;
	SET LOCAL leadcrm.enforcement = strict;
	CREATE TABLE bench.activity (LIKE crm.activity INCLUDING ALL);
	FOR c IN SELECT pg_get_constraintdef(oid) AS def FROM pg_constraint WHERE conrelid = 'crm.activity'::regclass AND contype = 'f' LOOP
		EXECUTE format('ALTER TABLE bench.activity ADD %s', c.def);
	END LOOP;
END
$$;

-- events(N, LEADS): so many activities of all kinds over a year, page views the most
CREATE FUNCTION bench.events(n integer, leads integer) RETURNS TABLE (lead_id bigint, kind text, occurred_at timestamptz) LANGUAGE sql AS $$
	SELECT 1 + floor(random() * leads)::bigint,
		(ARRAY['page_view', 'page_view', 'page_view', 'email_open', 'email_click', 'price_view', 'download', 'call_attempt', 'call_connected',
			'webinar_attended', 'demo_request', 'review_read'])[1 + floor(random() * 12)::int],
		now() - random() * interval '365 days'
	FROM generate_series(1, n)
$$;

-- each in a transaction of its own
CREATE PROCEDURE bench.add(run integer, n integer, leads integer, kind text) LANGUAGE plpgsql AS $$
DECLARE
	started timestamptz;
	cpu_before float8;
BEGIN
	FOR lap IN 0 .. 1 LOOP
		started := clock_timestamp();
		cpu_before := bench.cpu();
		FOR i IN 1 .. CASE lap WHEN 0 THEN 100 ELSE n END LOOP
			INSERT INTO crm.activity (lead_id, kind) VALUES (1 + floor(random() * leads), add.kind);
			COMMIT;
		END LOOP;
	END LOOP;
	INSERT INTO bench.result VALUES (run, 'one INSERT, ' || kind, extract(epoch FROM clock_timestamp() - started) * 1000, bench.cpu() - cpu_before, n);
END
$$;
CREATE PROCEDURE bench.add_by_hand(run integer, n integer, leads integer) LANGUAGE plpgsql AS $$
DECLARE
	started timestamptz;
	cpu_before float8;
	who bigint;
BEGIN
	FOR lap IN 0 .. 1 LOOP
		started := clock_timestamp();
		cpu_before := bench.cpu();
		FOR i IN 1 .. CASE lap WHEN 0 THEN 100 ELSE n END LOOP
			who := 1 + floor(random() * leads);
			INSERT INTO bench.activity (lead_id, kind) VALUES (who, 'webinar_attended');
			UPDATE crm.lead SET engagement = leadcrm.add_points(engagement, 15, now()) WHERE lead_id = who;
			COMMIT;
		END LOOP;
	END LOOP;
	INSERT INTO bench.result VALUES (run, 'INSERT and UPDATE by hand', extract(epoch FROM clock_timestamp() - started) * 1000, bench.cpu() - cpu_before, n);
END
$$;

-- new leads in bulk, with the default rules of fit and without them being weighed; each into a workspace of its own
CREATE PROCEDURE bench.add_leads(run integer, n integer) LANGUAGE plpgsql AS $$
DECLARE
	started timestamptz;
	cpu_before float8;
	what text;
BEGIN
	-- who comes first has no advantage over the runs
	FOREACH what IN ARRAY CASE run % 2 WHEN 0 THEN '{INSERT of leads,"INSERT of leads, fit not weighed"}' ELSE '{"INSERT of leads, fit not weighed",INSERT of leads}' END::text[] LOOP
		PERFORM leadcrm.create_workspace('bench_leads');
		IF what <> 'INSERT of leads' THEN
			ALTER TABLE bench_leads.lead DISABLE TRIGGER "~leadcrm_weigh_insert";
		END IF;
		COMMIT;
		started := clock_timestamp();
		cpu_before := bench.cpu();
		INSERT INTO bench_leads.lead (full_name, email, phone, company, job_title, industry, company_size, country)
		SELECT 'Lead number ' || i, 'lead' || i || CASE WHEN i % 3 = 0 THEN '@gmail.com' ELSE '@example.com' END, '+370600' || i, 'Company ' || i % 1000,
			(ARRAY['CEO', 'Head of sales', 'Student', 'Engineer', NULL])[1 + i % 5], (ARRAY['software', 'retail', 'education', NULL])[1 + i % 4], i % 500, 'LT'
		FROM generate_series(1, n) i;
		COMMIT;
		INSERT INTO bench.result VALUES (run, what, extract(epoch FROM clock_timestamp() - started) * 1000, bench.cpu() - cpu_before, n);
		PERFORM leadcrm.drop_workspace('bench_leads');
		COMMIT;
	END LOOP;
END
$$;

-- a query's plan is kept, as a prepared statement's is
CREATE FUNCTION bench.top(run integer, n integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	started timestamptz;
BEGIN
	FOR i IN 1 .. n LOOP
		started := clock_timestamp();
		PERFORM h.lead_id, h.engagement_now FROM crm.hot_lead h LIMIT 100;
		INSERT INTO bench.result VALUES (run, 'top 100: lead and engagement', extract(epoch FROM clock_timestamp() - started) * 1000, NULL, 1);
		started := clock_timestamp();
		PERFORM h.* FROM crm.hot_lead h LIMIT 100;
		INSERT INTO bench.result VALUES (run, 'top 100: all of hot_lead', extract(epoch FROM clock_timestamp() - started) * 1000, NULL, 1);
	END LOOP;
	started := clock_timestamp();
	PERFORM count(*), count(r.engagement_now), count(r.temperature), count(r.quality_tier) FROM crm.lead_rating r;
	INSERT INTO bench.result VALUES (run, 'lead_rating of all leads', extract(epoch FROM clock_timestamp() - started) * 1000, NULL, 1);
	started := clock_timestamp();
	PERFORM l.lead_id, leadcrm.score_at(l.engagement, now()) FROM crm.lead l WHERE l.status_category <> 'closed' AND l.stage < 'customer'
	ORDER BY leadcrm.score_at(l.engagement, now()) DESC NULLS LAST LIMIT 100;
	INSERT INTO bench.result VALUES (run, 'top 100: scan of all leads', extract(epoch FROM clock_timestamp() - started) * 1000, NULL, 1);
	started := clock_timestamp();
	PERFORM a.lead_id, sum(k.points * 2 ^ (-extract(epoch FROM now() - a.occurred_at)::float8 / 2592000)) AS now
	FROM crm.activity a JOIN crm.activity_kind k ON k.code = a.kind JOIN crm.lead l ON l.lead_id = a.lead_id
	WHERE l.status_category <> 'closed' AND l.stage < 'customer'
	GROUP BY a.lead_id ORDER BY now DESC LIMIT 100;
	INSERT INTO bench.result VALUES (run, 'top 100: from all activities, plain SQL without caps', extract(epoch FROM clock_timestamp() - started) * 1000, NULL, 1);
END
$$;

-- rows of lead that the query for the top 100 fetches
CREATE FUNCTION bench.fetches() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	plan json;
	node jsonb;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, FORMAT JSON) SELECT * FROM crm.hot_lead LIMIT 100' INTO plan;
	IF jsonb_path_exists(plan::jsonb, 'strict $.**{0 to 99} ? (@."Node Type" == "Sort" && @."Sort Key"[*] like_regex "engagement")') THEN
		RAISE EXCEPTION 'there is a sort: %', plan;
	END IF;
	node := jsonb_path_query_first(plan::jsonb, 'strict $.**{0 to 99} ? (@."Index Name" == "lead_engagement_idx")');
	RETURN (node ->> 'Actual Rows')::float8 + coalesce((node ->> 'Rows Removed by Filter')::bigint, 0);
END
$$;
