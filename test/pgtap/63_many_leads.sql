-- has_many_leads() tells many leads from few before they are folded: loaded in one statement, deleted in one statement, by deltas that are as
-- full as they can be.
BEGIN;
CREATE EXTENSION pgtap;
CREATE EXTENSION leadcrm;
SELECT leadcrm.create_workspace();
SET jit = off;
SELECT plan(11);

SELECT is(crm.has_many_leads() IS TRUE, false, 'no leads are not many');
INSERT INTO crm.lead (full_name) SELECT 'Lead ' || i FROM generate_series(1, 30000) i;
SELECT is((SELECT count(*) FROM crm.lead_cube), 0::bigint, 'thirty thousand, loaded at once: the cells know of none yet');
SELECT is(crm.has_many_leads(), true, 'they are many all the same');
SELECT cmp_ok(crm.fold(), '>', 0::bigint, 'folded');
SELECT is(crm.has_many_leads(), true, 'they are many still');
DELETE FROM crm.lead WHERE lead_id > 15000;
SELECT is((SELECT sum(leads) FROM crm.lead_cube WHERE cube = 1 AND kind = 0), 30000::numeric, 'half of them deleted at once: the cells know of all still');
SELECT is(crm.has_many_leads() IS TRUE, false, 'they are few all the same');

-- Nothing is shorter in a delta than a lead without stamps that is closed, created near 2000-01-01: it takes another way into the table than
-- any that is checked to become such a lead.
SET leadcrm.enforcement = off;
TRUNCATE crm.lead_delta, crm.lead_cube, crm.lead_stay;
INSERT INTO crm.lead (stage, stage_seq, status, status_category, status_seq, owner_seq, created_at)
	SELECT 'subscriber', 0, 'lost', 'closed', 0, 0, '2000-01-01' FROM generate_series(1, 30000);
RESET leadcrm.enforcement;
DO $$ BEGIN PERFORM crm.rebuild_cubes(); END $$;
SELECT is((SELECT sum(leads) FROM crm.lead_cube WHERE cube = 1 AND kind = 0), 45000::numeric, 'leads that take little to say');
DELETE FROM crm.lead WHERE lead_id > 15000;
SELECT is((SELECT sum(leads) FROM crm.lead_cube WHERE cube = 1 AND kind = 0), 45000::numeric, 'deleted at once');
SELECT cmp_ok((SELECT count(*) FROM crm.lead_delta), '>', 30::bigint, 'in deltas of less than a thousand');
SELECT is(crm.has_many_leads() IS TRUE, false, 'they are few');
SELECT * FROM finish();
ROLLBACK;
