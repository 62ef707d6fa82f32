# The extension's own life: it cannot be dropped from under a workspace, and workspaces are upgraded without a loss.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use LeadcrmTest;

my $node = new_node('main');
make_company($node, 'company', 200);
make_trackers($node, 'company');

my ($rc, $out, $err) = $node->psql('company', "\\set VERBOSITY verbose\nDROP EXTENSION leadcrm;");
isnt($rc, 0, 'DROP EXTENSION is refused while a workspace stands');
like($err, qr/ERROR:  2BP01:.*\n.*DETAIL:.*crm\.lead/s, 'the refusal names what depends on it');
still_guarded($node, 'company', 'after the refused DROP EXTENSION');

# an upgrade to the version that is there changes nothing
$node->safe_psql('company', <<'SQL', extra_params => [ '-U', 'crm_owner' ]);
COMMENT ON TABLE crm.lead IS 'our own words';
GRANT SELECT ON crm.funnel_leak TO analyst;
ALTER TABLE crm.lead ADD COLUMN own integer;
UPDATE crm.lead_status SET label = 'Nouveau' WHERE code = 'new';
DELETE FROM crm.stage_transition WHERE from_state = 'sql' AND to_state = 'mql';
SQL
my $contents = contents($node, 'company');
my $schema = schema_of($node, 'company');
$node->safe_psql('company', "SELECT leadcrm.upgrade_workspace('crm')", extra_params => [ '-U', 'crm_owner' ]);
is(contents_differ($contents, contents($node, 'company')), '', 'upgrade_workspace leaves every row as it was');
is(schema_differs($schema, $node, 'company'), '', "upgrade_workspace leaves users' columns, grants and comments as they were");
is(disagreements($node, 'company'), '', 'rows and histories agree after the upgrade');

# the catalog has nothing of ours that a dump would lose
is($node->safe_psql('company', <<'SQL'), '', 'the extension owns no tables');
SELECT c.relname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
JOIN pg_class c ON c.oid = d.objid AND d.classid = 'pg_class'::regclass
WHERE e.extname = 'leadcrm' AND d.deptype = 'e' AND c.relkind IN ('r', 'p', 'S', 'm')
SQL
is($node->safe_psql('company', <<'SQL'), '', 'nothing is dropped silently with the extension');
SELECT d.classid::regclass, d.objid FROM pg_depend d
JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
WHERE e.extname = 'leadcrm' AND d.deptype IN ('x', 'a')
SQL

$node->safe_psql('company', <<'SQL', extra_params => [ '-U', 'crm_owner' ]);
SELECT leadcrm.drop_workspace('crm');
SELECT leadcrm.untrack('"Help Desk"."Ticket Box"', 'State');
SELECT leadcrm.untrack('"Help Desk".parcel', 'state');
SQL
is($node->safe_psql('company', "SELECT count(*) FROM pg_namespace WHERE nspname = 'crm'"), '0', 'drop_workspace drops the schema');
my $left = $node->safe_psql('company', <<'SQL');
SELECT string_agg(t.tgrelid::regclass || ' ' || t.tgname, ', ') FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
WHERE p.pronamespace = 'leadcrm'::regnamespace AND t.tgrelid IN ('"Help Desk"."Ticket Box"'::regclass,
	'"Help Desk".parcel'::regclass, '"Help Desk".parcel_north'::regclass)
SQL
is($left, '', 'untrack takes the triggers off the tracked tables');
is($node->safe_psql('company', 'SELECT count(*) FROM "Help Desk"."Ticket Box_State_history"'), '200', 'untrack keeps the history');

# not every database is in UTF-8
$node->safe_psql('postgres', "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
$node->safe_psql('latin', <<'SQL');
CREATE EXTENSION leadcrm;
SELECT leadcrm.create_workspace('crm');
UPDATE crm.stage SET label = 'G' || chr(233) WHERE stage = 'lead';
INSERT INTO crm.lead (stage) SELECT 'mql' FROM generate_series(1, 5);
SQL
is(views_work($node, 'latin'), '', 'every view works in a database in LATIN1');
is($node->safe_psql('latin', "SELECT position('<bdi>G' || chr(233) || '</bdi>' IN crm.funnel_report_html()) > 0"), 't', 'so does the report');

$node->stop;
done_testing();
