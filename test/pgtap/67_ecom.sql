-- Events of a web shop: ordered funnels per session and per user, with windows and without, against figures that an
-- independent program counted from the file. The file, which is no part of this project, is looked for in $LEADCRM_DATA
-- or $LEADCRM_DATA/ecom; default: ../shared/data.
CREATE EXTENSION pgtap;
CREATE EXTENSION leadcrm;

\getenv data LEADCRM_DATA
\if :{?data}
\else
\set data ''
\endif
SELECT coalesce(nullif(:'data', ''), '../shared/data') AS data \gset
-- the directory itself, or the one above
\set data `if [ -d :'data'/ecom ]; then echo :'data'/ecom; else echo :'data'; fi`
\set there `cd :'data' 2>/dev/null && test -r ecom.csv.gz && command -v gzip >/dev/null && echo 1 || echo 0`
\if :there
\else
\echo 1..0 # SKIP no events of ecom in :data
\q
\endif

SET TimeZone = 'UTC';
CREATE TABLE event (user_id text, session_id text, event text, at timestamptz, platform text, acquisition_channel text,
	user_cohort text, user_lifecycle text);
-- \copy takes no variables
\setenv ECOM :data
\copy event FROM PROGRAM 'gzip -dc "$ECOM/ecom.csv.gz"' (FORMAT csv, HEADER)
-- the day on which a session began
ALTER TABLE event ADD COLUMN day date;
UPDATE event e SET day = s.day FROM (SELECT session_id, min(at)::date AS day FROM event GROUP BY session_id) s WHERE s.session_id = e.session_id;
SELECT plan(34);
SELECT is((SELECT count(*) FROM event), 31106::bigint, 'all events are there');

-- how many came to each of the six steps. by: a column; mode and within: as for window_funnel
CREATE FUNCTION reached(by text, mode text, within interval, condition text DEFAULT 'true') RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
	result bigint[];
BEGIN
	EXECUTE format($q$
		SELECT array_agg((SELECT count(*) FROM (
				SELECT leadcrm.window_funnel(%L, %L, at, event = 'product_view', event = 'add_to_cart', event = 'cart', event = 'shipping_details',
					event = 'payment_details', event = 'purchase') AS n
				FROM event e WHERE %s GROUP BY %I) f WHERE f.n >= k) ORDER BY k)
		FROM generate_series(1, 6) k $q$, mode, within, condition, by) INTO result;
	RETURN result;
END
$$;

SELECT is(reached('session_id', '', NULL), '{2868,944,477,194,72,15}', 'per session');
SELECT is(reached('user_id', '', NULL), '{598,517,429,329,222,114}', 'per user');
SELECT is(reached('user_id', 'from_first', '1 hour'), '{598,158,78,29,8,1}', 'per user, within an hour of the first product view');
SELECT is(reached('user_id', 'from_first', '24 hours'), '{598,160,79,29,8,1}', 'within a day of it');
SELECT is(reached('user_id', 'from_first', '7 days'), '{598,194,111,47,17,4}', 'within seven days of it');
SELECT is(reached('session_id', '', NULL, format('platform = %L', v)), f::bigint[], 'per session, platform = ' || v)
FROM (VALUES ('desktop', '{1494,500,236,96,39,6}'), ('mobile', '{1029,327,189,70,26,7}'), ('tablet', '{345,117,52,28,7,2}')) t(v, f);
SELECT is(reached('session_id', '', NULL, format('user_lifecycle = %L', v)), f::bigint[], 'per session, user_lifecycle = ' || v)
FROM (VALUES ('loyal', '{649,285,155,64,29,5}'), ('new', '{763,160,85,28,8,1}'), ('returning', '{1456,499,237,102,35,9}')) t(v, f);
SELECT is(reached('session_id', '', NULL, format('acquisition_channel = %L', v)), f::bigint[], 'per session, acquisition_channel = ' || v)
FROM (VALUES ('direct', '{122,33,18,2,0,0}'), ('email', '{512,164,86,41,13,4}'), ('organic', '{1007,328,161,74,26,6}'), ('paid_search', '{794,299,155,59,28,5}'),
	('social', '{433,120,57,18,5,0}')) t(v, f);
SELECT is(reached('session_id', '', NULL, format('day BETWEEN %L AND %L', a, b)), f::bigint[], what)
FROM (VALUES ('before the bug', '2024-03-04', '2024-04-08', '{542,134,60,24,6,3}'), ('checkout bug', '2024-04-09', '2024-05-09', '{750,260,142,55,12,2}')) t(what, a, b, f);
SELECT is(reached('session_id', '', NULL, 'platform = ''mobile'' AND day BETWEEN ''2024-04-09'' AND ''2024-05-09'''),
	'{253,83,56,22,2,0}', 'the checkout bug, on mobiles');

-- two steps: the planted leaks
CREATE FUNCTION two(a text, b text, condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format($q$
		SELECT count(*) FILTER (WHERE n = 2) || '/' || count(*) FILTER (WHERE n >= 1)
		FROM (SELECT leadcrm.window_funnel(NULL, at, event = %L, event = %L) AS n FROM event e WHERE %s GROUP BY session_id) f $q$, a, b, condition) INTO result;
	RETURN result;
END
$$;
SELECT is(two('shipping_details', 'payment_details', 'platform = ''mobile'' AND day BETWEEN ' || span), f, what)
FROM (VALUES ('shipping to payment on mobiles before the bug', '''2024-03-04'' AND ''2024-04-08''', '16/28'), ('during the bug', '''2024-04-09'' AND ''2024-05-09''', '16/60')) t(what, span, f);
SELECT is(two('payment_details', 'purchase', 'day BETWEEN ' || span), f, what)
FROM (VALUES ('payment to purchase before the incident', '''2024-03-04'' AND ''2024-04-08''', '50/96'), ('during the incident', '''2024-05-19'' AND ''2024-06-07''', '28/130')) t(what, span, f);

-- a window after any first step, not only the first one: against plain SQL, which finds for each event the latest
-- beginning of a chain that it can be part of
CREATE FUNCTION plain(by text, within interval) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
	result bigint[];
BEGIN
	EXECUTE format($q$
		WITH s1 AS (SELECT %1$I AS who, at, event, max(at) FILTER (WHERE event = 'product_view') OVER w AS began FROM event WINDOW w AS (PARTITION BY %1$I ORDER BY at)),
			s2 AS (SELECT *, max(began) FILTER (WHERE event = 'add_to_cart' AND at <= began + %2$L) OVER (PARTITION BY who ORDER BY at) AS began2 FROM s1),
			s3 AS (SELECT *, max(began2) FILTER (WHERE event = 'cart' AND at <= began2 + %2$L) OVER (PARTITION BY who ORDER BY at) AS began3 FROM s2),
			s4 AS (SELECT *, max(began3) FILTER (WHERE event = 'shipping_details' AND at <= began3 + %2$L) OVER (PARTITION BY who ORDER BY at) AS began4 FROM s3),
			s5 AS (SELECT *, max(began4) FILTER (WHERE event = 'payment_details' AND at <= began4 + %2$L) OVER (PARTITION BY who ORDER BY at) AS began5 FROM s4),
			s6 AS (SELECT *, max(began5) FILTER (WHERE event = 'purchase' AND at <= began5 + %2$L) OVER (PARTITION BY who ORDER BY at) AS began6 FROM s5)
		SELECT ARRAY[count(DISTINCT who) FILTER (WHERE began IS NOT NULL), count(DISTINCT who) FILTER (WHERE began2 IS NOT NULL),
			count(DISTINCT who) FILTER (WHERE began3 IS NOT NULL), count(DISTINCT who) FILTER (WHERE began4 IS NOT NULL),
			count(DISTINCT who) FILTER (WHERE began5 IS NOT NULL), count(DISTINCT who) FILTER (WHERE began6 IS NOT NULL)] FROM s6 $q$, by, within) INTO result;
	RETURN result;
END
$$;
SELECT is(reached('user_id', '', w), plain('user_id', w), 'per user, within ' || w || ' of any product view') FROM unnest(ARRAY['1 hour', '24 hours', '7 days']::interval[]) w;
SELECT is(reached('session_id', '', w), plain('session_id', w), 'per session, within ' || w || ' of any product view') FROM unnest(ARRAY['1 minute', '10 minutes', '1 hour']::interval[]) w;
-- and against what windowFunnel of ClickHouse 18.16 answers on the same file
SELECT is(reached('user_id', '', w::interval), f::bigint[], 'per user, within ' || w || ', as ClickHouse says')
FROM (VALUES ('1 hour', '{598,480,321,167,68,15}'), ('7 days', '{598,487,353,210,109,40}')) v(w, f);
SELECT is(reached('session_id', '', '1 minute'), '{2868,154,6,0,0,0}', 'per session, within a minute, as ClickHouse says');
SELECT is(reached('user_id', 'from_first', NULL), reached('user_id', '', NULL), 'without a window it makes no difference which one');
SELECT * FROM finish();
