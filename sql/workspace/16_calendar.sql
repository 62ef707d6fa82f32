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
	'The calendar: one row a day, made by fill_date_dim(), edited by the company (holidays, fiscal periods). '
	'Unique key: day';
COMMENT ON COLUMN @workspace@.date_dim.day IS 'The day';
COMMENT ON COLUMN @workspace@.date_dim.week_start IS 'Monday of its week';
COMMENT ON COLUMN @workspace@.date_dim.month IS 'First day of its month';
COMMENT ON COLUMN @workspace@.date_dim.quarter IS 'First day of its calendar quarter';
COMMENT ON COLUMN @workspace@.date_dim.fiscal_period IS 'Number of the period in its fiscal year, from 1';
COMMENT ON COLUMN @workspace@.date_dim.fiscal_year IS 'The calendar year in which its fiscal year starts';
COMMENT ON COLUMN @workspace@.date_dim.is_working_day IS 'Whether the company works on it; Monday to Friday at first';

CREATE OR REPLACE FUNCTION @workspace@.fill_date_dim(since date, until date) RETURNS bigint
LANGUAGE sql
BEGIN ATOMIC
	WITH added AS (
		INSERT INTO @workspace@.date_dim AS d
			(day, week_start, month, quarter, fiscal_period, fiscal_year, is_working_day)
		SELECT g.day, date_trunc('week', g.day)::date, date_trunc('month', g.day)::date,
			date_trunc('quarter', g.day)::date,
			1 + (extract(month FROM g.day)::integer - f.starts + 12) % 12,
			extract(year FROM g.day)::integer - (extract(month FROM g.day)::integer < f.starts)::integer,
			extract(isodow FROM g.day) < 6
		FROM (SELECT since + i AS day FROM generate_series(0, until - since - 1) i) g,
			(SELECT coalesce(max(fiscal_year_starts), 1) AS starts FROM @workspace@.setting) f
		ON CONFLICT DO NOTHING
		RETURNING d.day)
	SELECT count(*) FROM added;
END;
COMMENT ON FUNCTION @workspace@.fill_date_dim(date, date) IS
	'Adds the days from since up to, not including, until that date_dim lacks; leaves the others as they are. '
	'Returns how many it added';
