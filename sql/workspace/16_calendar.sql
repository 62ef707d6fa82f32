-- The calendar that time views are complete on.

CREATE TABLE IF NOT EXISTS @workspace@.date_dim (
	day date CONSTRAINT date_dim_pkey PRIMARY KEY,
	week_start date NOT NULL,
	month date NOT NULL,
	quarter date NOT NULL,
	fiscal_period integer NOT NULL,
	fiscal_year integer NOT NULL,
	is_working_day boolean NOT NULL,
	CONSTRAINT date_dim_fiscal_period_is_positive CHECK (fiscal_period > 0)
);
COMMENT ON TABLE @workspace@.date_dim IS
	'The calendar: one row a day, made by fill_date_dim(), edited by the company (holidays, fiscal periods). Unique key: day';
COMMENT ON COLUMN @workspace@.date_dim.day IS 'The day';
COMMENT ON COLUMN @workspace@.date_dim.week_start IS 'Monday of its week';
COMMENT ON COLUMN @workspace@.date_dim.month IS 'First day of its month';
COMMENT ON COLUMN @workspace@.date_dim.quarter IS 'First day of its calendar quarter';
COMMENT ON COLUMN @workspace@.date_dim.fiscal_period IS 'Number of the period in its fiscal year, from 1';
COMMENT ON COLUMN @workspace@.date_dim.fiscal_year IS 'The calendar year in which its fiscal year starts';
COMMENT ON COLUMN @workspace@.date_dim.is_working_day IS 'Whether the company works on it; Monday to Friday at first';
