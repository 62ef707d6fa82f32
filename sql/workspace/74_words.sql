-- Figures as people read them, for sentences and pages. NULL is a dash: nobody takes it for a zero. All
-- of this is ASCII, as every source is here: a database may have any encoding.

CREATE OR REPLACE FUNCTION @workspace@.number_text(figure numeric, decimals integer DEFAULT NULL) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT CASE
	WHEN number_text.figure IS NULL THEN '-'
	WHEN abs(number_text.figure) IN ('NaN', 'Infinity') THEN number_text.figure::text
	ELSE (
		-- a comma before each three digits of the whole part
		SELECT CASE WHEN r.value < 0 THEN '-' ELSE '' END
			|| regexp_replace(split_part(abs(r.value)::text, '.', 1), '(\d)(?=(\d{3})+$)', '\1,', 'g')
			|| CASE WHEN scale(r.value) > 0 THEN '.' || split_part(r.value::text, '.', 2) ELSE '' END
		FROM (SELECT CASE
				WHEN number_text.decimals IS NOT NULL THEN round(number_text.figure, number_text.decimals)
				WHEN abs(number_text.figure) < 9.95 THEN trim_scale(round(number_text.figure, 1))
				ELSE round(number_text.figure)
			END AS value) r
	)
END;
END;
COMMENT ON FUNCTION @workspace@.number_text(numeric, integer) IS
	'A figure for people to read: 1,234,567. With so many decimals; without a number of them whole from 10 on, else with at most one. NULL gives a dash.';

CREATE OR REPLACE FUNCTION @workspace@.percent_text(percent numeric) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN percent IS NULL THEN '-' ELSE
	@workspace@.number_text(percent, CASE WHEN abs(percent) < 0.95 AND percent <> 0 THEN 2 ELSE 1 END) || ' %' END;
COMMENT ON FUNCTION @workspace@.percent_text(numeric) IS
	'Percent (0-100) for people to read: 14.2 %. NULL gives a dash.';

CREATE OR REPLACE FUNCTION @workspace@.money_text(amount numeric) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT CASE WHEN money_text.amount IS NULL THEN '-' ELSE
	@workspace@.number_text(money_text.amount,
		CASE WHEN abs(money_text.amount) < 10 AND scale(trim_scale(money_text.amount)) > 0 THEN 2 ELSE 0 END)
	|| ' ' || (SELECT s.base_currency FROM @workspace@.setting s) END;
END;
COMMENT ON FUNCTION @workspace@.money_text(numeric) IS
	'An amount in the base currency for people to read: 1,240,000 EUR. NULL gives a dash.';
