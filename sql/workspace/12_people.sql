-- The sales people. (none) is a real row: leads that nobody owns are counted like everybody else's.

CREATE TABLE IF NOT EXISTS @workspace@.team (
	code text CONSTRAINT team_pkey PRIMARY KEY,
	label text NOT NULL,
	active boolean NOT NULL DEFAULT true,
	CONSTRAINT team_code_is_not_blank CHECK (code ~ '[^[:space:]]')
);
COMMENT ON TABLE @workspace@.team IS 'Sales teams. Unique key: code';
COMMENT ON COLUMN @workspace@.team.code IS 'What rep.team holds';
COMMENT ON COLUMN @workspace@.team.label IS 'What people read, in any language';
COMMENT ON COLUMN @workspace@.team.active IS 'Whether the team still works';

CREATE TABLE IF NOT EXISTS @workspace@.rep (
	code text CONSTRAINT rep_pkey PRIMARY KEY,
	full_name text NOT NULL,
	email text,
	team text CONSTRAINT rep_team_fkey REFERENCES @workspace@.team,
	db_role name CONSTRAINT rep_db_role_key UNIQUE,
	active boolean NOT NULL DEFAULT true,
	capacity integer,
	CONSTRAINT rep_code_is_not_blank CHECK (code ~ '[^[:space:]]'),
	CONSTRAINT rep_code_is_no_stamp_of_lead CHECK (code || '_at' <> ALL ('{subscriber_at,lead_at,mql_at,sql_at,'
		'opportunity_at,customer_at,evangelist_at,email_verified_at,phone_verified_at,handed_off_at,first_touch_at,'
		'accepted_at,returned_at,created_at}')),
	CONSTRAINT rep_capacity_is_not_negative CHECK (capacity >= 0)
);
COMMENT ON TABLE @workspace@.rep IS
	'Sales people; (none) stands for nobody and is a row like the others. Unique key: code';
COMMENT ON COLUMN @workspace@.rep.code IS
	'What lead.owner holds; not X where lead has a column X_at, which the tracker would take for its stamp';
COMMENT ON COLUMN @workspace@.rep.full_name IS 'The name that people read';
COMMENT ON COLUMN @workspace@.rep.email IS 'Business e-mail address';
COMMENT ON COLUMN @workspace@.rep.team IS 'Team, a code of team';
COMMENT ON COLUMN @workspace@.rep.db_role IS 'The database role that this person works as; row security goes by it';
COMMENT ON COLUMN @workspace@.rep.active IS 'Whether the person still takes leads';
COMMENT ON COLUMN @workspace@.rep.capacity IS 'How many living leads the person can work at a time; NULL: no limit';
