-- The vocabulary that every workspace shares.

-- The extension is trusted: whoever installs it would own the schema, and could put functions beside ours that others call
-- by mistake. It belongs to whom the functions belong. The GRANT comes after it: PostgreSQL remembers what an extension grants
-- under the name of the owner at that time, and pg_upgrade fails where that is no longer the owner.
DO $$
BEGIN
	EXECUTE format('ALTER SCHEMA leadcrm OWNER TO %I', current_user);
END
$$;
GRANT USAGE ON SCHEMA leadcrm TO PUBLIC;

CREATE TYPE leadcrm.lifecycle_stage AS ENUM
	('subscriber', 'lead', 'mql', 'sql', 'opportunity', 'customer', 'evangelist');
COMMENT ON TYPE leadcrm.lifecycle_stage IS
	'How far a lead has come, in this order: subscriber, lead, mql (marketing qualified), sql (sales qualified), '
	'opportunity, customer, evangelist. The same for every company; never add labels: those of an extension''s '
	'type are lost in a dump';
