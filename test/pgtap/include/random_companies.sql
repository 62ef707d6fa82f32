-- What tests on random companies begin with: a transaction, a workspace crm, and make_company(), load_raw(), error() in schema t.
BEGIN;
CREATE EXTENSION pgtap;
CREATE EXTENSION leadcrm;
SELECT leadcrm.create_workspace('crm');
CREATE SCHEMA t;
SET search_path = t, public;
SET jit = off;
SET TimeZone = 'UTC';

\ir random_company.sql
\ir slow_funnel.sql
\ir error.sql
