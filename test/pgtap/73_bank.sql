-- Learning on real data: who of a bank's clients said yes, against the figures of a logistic regression and of naive Bayes made elsewhere
-- from the same file and the same split. The file, which is no part of this project, is looked for in $LEADCRM_DATA or $LEADCRM_DATA/bank;
-- default: ../shared/data.
CREATE EXTENSION pgtap;
CREATE EXTENSION leadcrm;
\getenv data LEADCRM_DATA
\if :{?data}
\else
\set data ''
\endif
SELECT coalesce(nullif(:'data', ''), '../shared/data') AS data \gset
\set data `if [ -d :'data'/bank ]; then echo :'data'/bank; else echo :'data'; fi`
\set there `cd :'data' 2>/dev/null && test -r bank-full.csv && echo 1 || echo 0`
\if :there
\else
\echo 1..0 # SKIP no file bank-full.csv in :data
\q
\endif

CREATE TABLE client (i serial, age int, job text, marital text, education text, "default" text, balance int, housing text, loan text, contact text, day int,
	month text, duration int, campaign int, pdays int, previous int, poutcome text, y text);
\cd :data
\copy client (age, job, marital, education, "default", balance, housing, loan, contact, day, month, duration, campaign, pdays, previous, poutcome, y) FROM 'bank-full.csv' WITH (FORMAT csv, DELIMITER ';', HEADER)
SELECT plan(14);
-- rows in file order, counted from 0; three in ten are for the test
CREATE VIEW r AS SELECT y = 'yes' AS yes, (i - 1) % 10 IN (0, 3, 7) AS test, to_jsonb(c) - '{i,y,duration}'::text[] AS features, c AS client FROM client c;
SELECT results_eq('SELECT count(*) FILTER (WHERE NOT test), count(*) FILTER (WHERE NOT test AND yes), count(*) FILTER (WHERE test), count(*) FILTER (WHERE test AND yes) FROM r',
	'VALUES (31647::bigint, 3684::bigint, 13564::bigint, 1605::bigint)', 'the rows that were counted from the file by other means');
CREATE TABLE learned AS SELECT leadcrm.scorecard(yes, features) AS card FROM r WHERE NOT test;
CREATE TABLE scored AS SELECT yes, leadcrm.predict(card, features) AS p FROM r, learned WHERE test;
CREATE FUNCTION auc() RETURNS float8 LANGUAGE sql AS $$
	SELECT (sum(place) FILTER (WHERE yes) - count(*) FILTER (WHERE yes) * (count(*) FILTER (WHERE yes) + 1) / 2.0) / (count(*) FILTER (WHERE yes) * count(*) FILTER (WHERE NOT yes))
	FROM (SELECT yes, rank() OVER (ORDER BY p) + (count(*) OVER (PARTITION BY p) - 1) / 2.0 AS place FROM scored) s
$$;
SELECT cmp_ok(auc(), '>', 0.7786::float8, format('AUC %s: above the logistic regression''s 0.7786', auc()));
SELECT cmp_ok(auc(), '>', 0.7641::float8, 'and far above naive Bayes'' 0.7641');
SELECT cmp_ok((SELECT count(*) FROM (SELECT yes FROM scored ORDER BY p DESC LIMIT 1357) s WHERE yes), '>=', 668::bigint, 'as many hits in the first tenth as the logistic regression');
SELECT cmp_ok((SELECT abs(avg(p) - avg(yes::int)) FROM scored), '<', 0.005::float8, 'calibrated as a whole');
SELECT is_empty('SELECT band, avg(p), avg(yes::int) FROM (SELECT *, ntile(10) OVER (ORDER BY p) AS band FROM scored) s GROUP BY band HAVING abs(avg(p) - avg(yes::int)) > 0.05',
	'and in each tenth');
-- as columns instead of JSON: nothing is learned otherwise
SELECT ok(abs(auc() - b.auc) < 1e-3, format('from columns: %s', b.auc)) FROM (
	SELECT (sum(place) FILTER (WHERE yes) - count(*) FILTER (WHERE yes) * (count(*) FILTER (WHERE yes) + 1) / 2.0) / (count(*) FILTER (WHERE yes) * count(*) FILTER (WHERE NOT yes)) AS auc
	FROM (SELECT yes, rank() OVER (ORDER BY p) + (count(*) OVER (PARTITION BY p) - 1) / 2.0 AS place FROM (
		SELECT yes, leadcrm.predict(card, names, ROW((client).age, (client).job, (client).marital, (client).education, (client)."default", (client).balance, (client).housing, (client).loan,
			(client).contact, (client).day, (client).month, (client).campaign, (client).pdays, (client).previous, (client).poutcome)) AS p
		FROM r, (SELECT leadcrm.scorecard(yes, '{age,job,marital,education,default,balance,housing,loan,contact,day,month,campaign,pdays,previous,poutcome}',
				ROW((client).age, (client).job, (client).marital, (client).education, (client)."default", (client).balance, (client).housing, (client).loan,
				(client).contact, (client).day, (client).month, (client).campaign, (client).pdays, (client).previous, (client).poutcome)) AS card,
				'{age,job,marital,education,default,balance,housing,loan,contact,day,month,campaign,pdays,previous,poutcome}'::text[] AS names FROM r WHERE NOT test) l
		WHERE test) s) s) b;
SELECT cmp_ok(jsonb_array_length(card -> 'bins'), '<', 85, 'ranges that tell nothing apart are joined') FROM learned;
-- with the length of the call, which is known only after it
TRUNCATE learned, scored;
INSERT INTO learned SELECT leadcrm.scorecard(yes, features || jsonb_build_object('duration', (client).duration)) FROM r WHERE NOT test;
INSERT INTO scored SELECT yes, leadcrm.predict(card, features || jsonb_build_object('duration', (client).duration)) FROM r, learned WHERE test;
SELECT cmp_ok(auc(), '>', 0.9086::float8, format('with duration %s: above 0.9086', auc()));
-- numbers as texts, as an import brings them: categories, and no harm done
TRUNCATE learned, scored;
INSERT INTO learned SELECT leadcrm.scorecard(yes, (SELECT jsonb_object_agg(k, v) FROM jsonb_each_text(features) e (k, v))) FROM r WHERE NOT test;
INSERT INTO scored SELECT yes, leadcrm.predict(card, (SELECT jsonb_object_agg(k, v) FROM jsonb_each_text(features) e (k, v))) FROM r, learned WHERE test;
SELECT cmp_ok(auc(), '>', 0.77::float8, format('all as texts: %s', auc()));

-- as leads: no means an end, yes a customer
SELECT leadcrm.create_workspace('crm');
INSERT INTO crm.lead (lead_id, job_title, attributes, stage, lead_at, customer_at, status)
SELECT (client).i, (client).job, features - 'job', CASE WHEN yes THEN 'customer' ELSE 'lead' END::leadcrm.lifecycle_stage, '2020-01-01',
	CASE WHEN yes THEN timestamptz '2020-02-01' END, CASE WHEN NOT yes THEN 'lost' END FROM r WHERE (client).i % 3 = 0;
SELECT crm.learn_fit() \g /dev/null
SELECT cmp_ok(auc, '>', 0.73, format('the suggested rules: %s', auc)) FROM crm.learn_run;
SELECT cmp_ok(abs(auc - auc_model), '<', 0.005, 'rounding to points costs little') FROM crm.learn_run;
SELECT cmp_ok(top_decile_lift, '>', 3.5, format('lift of the first tenth: %s', top_decile_lift)) FROM crm.learn_run;
SELECT cmp_ok(count(*), '<', 45::bigint, format('%s rules', count(*))) FROM crm.fit_suggestion;
SELECT * FROM finish();
