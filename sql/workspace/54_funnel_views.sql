-- The views of the funnel. Each is one call; the maths stands in funnel_figure and what that reads.

CREATE OR REPLACE VIEW @workspace@.funnel_leak WITH (security_invoker = true) AS
SELECT f.position, f.stage, f.label,
	f.entered, f.advanced, f.active, f.stalled, f.returned, f.leaked, f.skipped, f.joined_later, f.conversion_pct,
	f.resolved_pct, f.cumulative_pct, f.lost, f.lost_share_pct, f.lost_value, f.value_known_pct, f.mean_days,
	f.median_days, f.p90_days, f.reference_pct, f.recoverable_customers, f.is_bottleneck,
	-- asked once, and only where it is shown
	(SELECT @workspace@.expected_pcts())[f.position] AS expected_pct
FROM @workspace@.funnel_run(NULL, NULL, NULL, NULL) f
ORDER BY f.position;
COMMENT ON VIEW @workspace@.funnel_leak IS
	'Where the funnel leaks: one row a funnel stage, over all leads but the excluded ones, as of now. Unique key: stage (also position). Counts only the leads that whoever asks may see; grant_access gives what reading it takes.';
COMMENT ON COLUMN @workspace@.funnel_leak.position IS 'Order of the stage';
COMMENT ON COLUMN @workspace@.funnel_leak.stage IS 'Funnel stage';
COMMENT ON COLUMN @workspace@.funnel_leak.label IS 'Name of the stage as this company says it';
COMMENT ON COLUMN @workspace@.funnel_leak.entered IS
	'Leads with their peak at or beyond this stage. A lead counts once, however often it re-enters';
COMMENT ON COLUMN @workspace@.funnel_leak.advanced IS 'Leads with their peak beyond this stage';
COMMENT ON COLUMN @workspace@.funnel_leak.active IS
	'Leads with their peak here that stand here or further, are not closed and not in their stage longer than its stuck_after';
COMMENT ON COLUMN @workspace@.funnel_leak.stalled IS 'The same, but longer in their stage than its stuck_after';
COMMENT ON COLUMN @workspace@.funnel_leak.returned IS
	'Leads with their peak here that were sent back to an earlier stage and are not closed';
COMMENT ON COLUMN @workspace@.funnel_leak.leaked IS
	'Leads with their peak here whose status is closed. entered = advanced + active + stalled + returned + leaked';
COMMENT ON COLUMN @workspace@.funnel_leak.skipped IS
	'Of entered: leads without a stamp for this stage, but with one before it and one after it';
COMMENT ON COLUMN @workspace@.funnel_leak.joined_later IS
	'Of entered: leads without a stamp for this stage or any before it: they came in further down';
COMMENT ON COLUMN @workspace@.funnel_leak.conversion_pct IS
	'Percent (0-100): advanced of entered, of all that came; NULL for the last stage and where nobody entered. A mean of percentages is not a percentage: add up advanced and entered instead';
COMMENT ON COLUMN @workspace@.funnel_leak.resolved_pct IS
	'Percent (0-100): advanced of (entered - active), of all whose attempt is over; NULL for the last stage and where the denominator is 0. Do not average it';
COMMENT ON COLUMN @workspace@.funnel_leak.cumulative_pct IS
	'Percent (0-100): entered of the first funnel stage''s entered; NULL where that is 0. Do not average it';
COMMENT ON COLUMN @workspace@.funnel_leak.lost IS 'stalled + returned + leaked';
COMMENT ON COLUMN @workspace@.funnel_leak.lost_share_pct IS
	'Percent (0-100): lost of the lost of all stages of the set; NULL where nobody is lost';
COMMENT ON COLUMN @workspace@.funnel_leak.lost_value IS 'Sum of the known values of the lost, in the base currency';
COMMENT ON COLUMN @workspace@.funnel_leak.value_known_pct IS
	'Percent (0-100): lost leads that have a value, of lost; NULL where nobody is lost';
COMMENT ON COLUMN @workspace@.funnel_leak.mean_days IS
	'Days (24 hours, fractions count), mean: from the first entry of this stage to the first entry of the next funnel stage, over leads with both stamps, stamps the wrong way round included; NULL for the last stage and without such leads';
COMMENT ON COLUMN @workspace@.funnel_leak.median_days IS 'The same days: median, interpolated';
COMMENT ON COLUMN @workspace@.funnel_leak.p90_days IS 'The same days: 90th percentile, interpolated';
COMMENT ON COLUMN @workspace@.funnel_leak.reference_pct IS
	'Percent (0-100) that this stage could convert: its target_conversion_pct; else the best resolved_pct of a channel with at least 100 resolved leads there, over all leads; else NULL. The same in every view';
COMMENT ON COLUMN @workspace@.funnel_leak.recoverable_customers IS
	'Customers more if the stage converted at its reference: (reference_pct - resolved_pct)/100 x resolved leads x the chances (reference, else resolved) of all later stages; 0 at or above the reference and where nobody is resolved; else NULL without one, or where a later stage has neither one nor resolved leads; NULL for the last stage';
COMMENT ON COLUMN @workspace@.funnel_leak.is_bottleneck IS
	'The stage to mend first: the greatest recoverable_customers among stages with at least 30 resolved leads whose reference lies above the 95 % Wilson interval of resolved_pct; where no stage has a reference, the lowest resolved_pct with 30 resolved; the earlier stage in a tie. At most one true in a set of rows';
COMMENT ON COLUMN @workspace@.funnel_leak.expected_pct IS
	'Percent (0-100): the eventual conversion expected of those that entered, when the open ones will have gone on or leaked as others did before them: expected_pct of conversion_curve(stage); where there are more than 20,000 leads read from the cubes, which gives the same to less than 0.01 points (see the comment of expected_pcts_cubes). NULL for the last stage and where nobody entered';

CREATE OR REPLACE VIEW @workspace@.funnel_leak_by_channel WITH (security_invoker = true) AS
SELECT f.key AS channel,
	c.label AS channel_label,
	f.position, f.stage, f.label,
	f.entered, f.advanced, f.active, f.stalled, f.returned, f.leaked, f.skipped, f.joined_later, f.conversion_pct,
	f.resolved_pct, f.cumulative_pct, f.lost, f.lost_share_pct, f.lost_value, f.value_known_pct, f.mean_days,
	f.median_days, f.p90_days, f.reference_pct, f.recoverable_customers, f.is_bottleneck
FROM @workspace@.funnel_run('channel', NULL, NULL, NULL) f
JOIN @workspace@.channel c ON c.code = f.key
ORDER BY c.position, c.code, f.position;
COMMENT ON VIEW @workspace@.funnel_leak_by_channel IS
	'funnel_leak for each channel, channels without leads included: each value is a set of leads of its own, with all funnel stages. Unique key: (channel, stage). Counts only the leads that whoever asks may see.';
COMMENT ON COLUMN @workspace@.funnel_leak_by_channel.channel IS 'Code of the channel';
COMMENT ON COLUMN @workspace@.funnel_leak_by_channel.channel_label IS 'Name of the channel';
COMMENT ON COLUMN @workspace@.funnel_leak_by_channel.position IS 'Order of the stage';
COMMENT ON COLUMN @workspace@.funnel_leak_by_channel.stage IS 'Funnel stage';
COMMENT ON COLUMN @workspace@.funnel_leak_by_channel.label IS 'Name of the stage as this company says it';
COMMENT ON COLUMN @workspace@.funnel_leak_by_channel.entered IS
	'Leads with their peak at or beyond this stage. A lead counts once, however often it re-enters';
COMMENT ON COLUMN @workspace@.funnel_leak_by_channel.advanced IS 'Leads with their peak beyond this stage';
COMMENT ON COLUMN @workspace@.funnel_leak_by_channel.active IS
	'Leads with their peak here that stand here or further, are not closed and not in their stage longer than its stuck_after';
COMMENT ON COLUMN @workspace@.funnel_leak_by_channel.stalled IS
	'The same, but longer in their stage than its stuck_after';
COMMENT ON COLUMN @workspace@.funnel_leak_by_channel.returned IS
	'Leads with their peak here that were sent back to an earlier stage and are not closed';
COMMENT ON COLUMN @workspace@.funnel_leak_by_channel.leaked IS
	'Leads with their peak here whose status is closed. entered = advanced + active + stalled + returned + leaked';
COMMENT ON COLUMN @workspace@.funnel_leak_by_channel.skipped IS
	'Of entered: leads without a stamp for this stage, but with one before it and one after it';
COMMENT ON COLUMN @workspace@.funnel_leak_by_channel.joined_later IS
	'Of entered: leads without a stamp for this stage or any before it: they came in further down';
COMMENT ON COLUMN @workspace@.funnel_leak_by_channel.conversion_pct IS
	'Percent (0-100): advanced of entered, of all that came; NULL for the last stage and where nobody entered. A mean of percentages is not a percentage: add up advanced and entered instead';
COMMENT ON COLUMN @workspace@.funnel_leak_by_channel.resolved_pct IS
	'Percent (0-100): advanced of (entered - active), of all whose attempt is over; NULL for the last stage and where the denominator is 0. Do not average it';
COMMENT ON COLUMN @workspace@.funnel_leak_by_channel.cumulative_pct IS
	'Percent (0-100): entered of the first funnel stage''s entered; NULL where that is 0. Do not average it';
COMMENT ON COLUMN @workspace@.funnel_leak_by_channel.lost IS 'stalled + returned + leaked';
COMMENT ON COLUMN @workspace@.funnel_leak_by_channel.lost_share_pct IS
	'Percent (0-100): lost of the lost of all stages of the set; NULL where nobody is lost';
COMMENT ON COLUMN @workspace@.funnel_leak_by_channel.lost_value IS
	'Sum of the known values of the lost, in the base currency';
COMMENT ON COLUMN @workspace@.funnel_leak_by_channel.value_known_pct IS
	'Percent (0-100): lost leads that have a value, of lost; NULL where nobody is lost';
COMMENT ON COLUMN @workspace@.funnel_leak_by_channel.mean_days IS
	'Days (24 hours, fractions count), mean: from the first entry of this stage to the first entry of the next funnel stage, over leads with both stamps, stamps the wrong way round included; NULL for the last stage and without such leads';
COMMENT ON COLUMN @workspace@.funnel_leak_by_channel.median_days IS 'The same days: median, interpolated';
COMMENT ON COLUMN @workspace@.funnel_leak_by_channel.p90_days IS 'The same days: 90th percentile, interpolated';
COMMENT ON COLUMN @workspace@.funnel_leak_by_channel.reference_pct IS
	'Percent (0-100) that this stage could convert: its target_conversion_pct; else the best resolved_pct of a channel with at least 100 resolved leads there, over all leads; else NULL. The same in every view';
COMMENT ON COLUMN @workspace@.funnel_leak_by_channel.recoverable_customers IS
	'Customers more if the stage converted at its reference: (reference_pct - resolved_pct)/100 x resolved leads x the chances (reference, else resolved) of all later stages; 0 at or above the reference and where nobody is resolved; else NULL without one, or where a later stage has neither one nor resolved leads; NULL for the last stage';
COMMENT ON COLUMN @workspace@.funnel_leak_by_channel.is_bottleneck IS
	'The stage to mend first: the greatest recoverable_customers among stages with at least 30 resolved leads whose reference lies above the 95 % Wilson interval of resolved_pct; where no stage has a reference, the lowest resolved_pct with 30 resolved; the earlier stage in a tie. At most one true in a set of rows';

CREATE OR REPLACE VIEW @workspace@.funnel_leak_by_campaign WITH (security_invoker = true) AS
SELECT c.code AS campaign,
	coalesce(c.label, '(none)') AS campaign_label,
	f.position, f.stage, f.label,
	f.entered, f.advanced, f.active, f.stalled, f.returned, f.leaked, f.skipped, f.joined_later, f.conversion_pct,
	f.resolved_pct, f.cumulative_pct, f.lost, f.lost_share_pct, f.lost_value, f.value_known_pct, f.mean_days,
	f.median_days, f.p90_days, f.reference_pct, f.recoverable_customers, f.is_bottleneck
FROM @workspace@.funnel_run('campaign', NULL, NULL, NULL) f
LEFT JOIN @workspace@.campaign c ON c.campaign_id = nullif(f.key, '')::bigint
ORDER BY c.code, f.position;
COMMENT ON VIEW @workspace@.funnel_leak_by_campaign IS
	'funnel_leak for each campaign, campaigns without leads included; campaign NULL, where leads have none: each value is a set of leads of its own, with all funnel stages. Unique key: (campaign, stage). Counts only the leads that whoever asks may see.';
COMMENT ON COLUMN @workspace@.funnel_leak_by_campaign.campaign IS 'Code of the campaign; NULL: leads without one';
COMMENT ON COLUMN @workspace@.funnel_leak_by_campaign.campaign_label IS
	'Name of the campaign; (none) for leads without one';
COMMENT ON COLUMN @workspace@.funnel_leak_by_campaign.position IS 'Order of the stage';
COMMENT ON COLUMN @workspace@.funnel_leak_by_campaign.stage IS 'Funnel stage';
COMMENT ON COLUMN @workspace@.funnel_leak_by_campaign.label IS 'Name of the stage as this company says it';
COMMENT ON COLUMN @workspace@.funnel_leak_by_campaign.entered IS
	'Leads with their peak at or beyond this stage. A lead counts once, however often it re-enters';
COMMENT ON COLUMN @workspace@.funnel_leak_by_campaign.advanced IS 'Leads with their peak beyond this stage';
COMMENT ON COLUMN @workspace@.funnel_leak_by_campaign.active IS
	'Leads with their peak here that stand here or further, are not closed and not in their stage longer than its stuck_after';
COMMENT ON COLUMN @workspace@.funnel_leak_by_campaign.stalled IS
	'The same, but longer in their stage than its stuck_after';
COMMENT ON COLUMN @workspace@.funnel_leak_by_campaign.returned IS
	'Leads with their peak here that were sent back to an earlier stage and are not closed';
COMMENT ON COLUMN @workspace@.funnel_leak_by_campaign.leaked IS
	'Leads with their peak here whose status is closed. entered = advanced + active + stalled + returned + leaked';
COMMENT ON COLUMN @workspace@.funnel_leak_by_campaign.skipped IS
	'Of entered: leads without a stamp for this stage, but with one before it and one after it';
COMMENT ON COLUMN @workspace@.funnel_leak_by_campaign.joined_later IS
	'Of entered: leads without a stamp for this stage or any before it: they came in further down';
COMMENT ON COLUMN @workspace@.funnel_leak_by_campaign.conversion_pct IS
	'Percent (0-100): advanced of entered, of all that came; NULL for the last stage and where nobody entered. A mean of percentages is not a percentage: add up advanced and entered instead';
COMMENT ON COLUMN @workspace@.funnel_leak_by_campaign.resolved_pct IS
	'Percent (0-100): advanced of (entered - active), of all whose attempt is over; NULL for the last stage and where the denominator is 0. Do not average it';
COMMENT ON COLUMN @workspace@.funnel_leak_by_campaign.cumulative_pct IS
	'Percent (0-100): entered of the first funnel stage''s entered; NULL where that is 0. Do not average it';
COMMENT ON COLUMN @workspace@.funnel_leak_by_campaign.lost IS 'stalled + returned + leaked';
COMMENT ON COLUMN @workspace@.funnel_leak_by_campaign.lost_share_pct IS
	'Percent (0-100): lost of the lost of all stages of the set; NULL where nobody is lost';
COMMENT ON COLUMN @workspace@.funnel_leak_by_campaign.lost_value IS
	'Sum of the known values of the lost, in the base currency';
COMMENT ON COLUMN @workspace@.funnel_leak_by_campaign.value_known_pct IS
	'Percent (0-100): lost leads that have a value, of lost; NULL where nobody is lost';
COMMENT ON COLUMN @workspace@.funnel_leak_by_campaign.mean_days IS
	'Days (24 hours, fractions count), mean: from the first entry of this stage to the first entry of the next funnel stage, over leads with both stamps, stamps the wrong way round included; NULL for the last stage and without such leads';
COMMENT ON COLUMN @workspace@.funnel_leak_by_campaign.median_days IS 'The same days: median, interpolated';
COMMENT ON COLUMN @workspace@.funnel_leak_by_campaign.p90_days IS 'The same days: 90th percentile, interpolated';
COMMENT ON COLUMN @workspace@.funnel_leak_by_campaign.reference_pct IS
	'Percent (0-100) that this stage could convert: its target_conversion_pct; else the best resolved_pct of a channel with at least 100 resolved leads there, over all leads; else NULL. The same in every view';
COMMENT ON COLUMN @workspace@.funnel_leak_by_campaign.recoverable_customers IS
	'Customers more if the stage converted at its reference: (reference_pct - resolved_pct)/100 x resolved leads x the chances (reference, else resolved) of all later stages; 0 at or above the reference and where nobody is resolved; else NULL without one, or where a later stage has neither one nor resolved leads; NULL for the last stage';
COMMENT ON COLUMN @workspace@.funnel_leak_by_campaign.is_bottleneck IS
	'The stage to mend first: the greatest recoverable_customers among stages with at least 30 resolved leads whose reference lies above the 95 % Wilson interval of resolved_pct; where no stage has a reference, the lowest resolved_pct with 30 resolved; the earlier stage in a tie. At most one true in a set of rows';

CREATE OR REPLACE VIEW @workspace@.funnel_leak_by_owner WITH (security_invoker = true) AS
SELECT f.key AS owner,
	r.full_name AS owner_label,
	f.position, f.stage, f.label,
	f.entered, f.advanced, f.active, f.stalled, f.returned, f.leaked, f.skipped, f.joined_later, f.conversion_pct,
	f.resolved_pct, f.cumulative_pct, f.lost, f.lost_share_pct, f.lost_value, f.value_known_pct, f.mean_days,
	f.median_days, f.p90_days, f.reference_pct, f.recoverable_customers, f.is_bottleneck
FROM @workspace@.funnel_run('owner', NULL, NULL, NULL) f
JOIN @workspace@.rep r ON r.code = f.key
ORDER BY r.full_name, r.code, f.position;
COMMENT ON VIEW @workspace@.funnel_leak_by_owner IS
	'funnel_leak for each present owner, sales people without leads included: each value is a set of leads of its own, with all funnel stages. Unique key: (owner, stage). Counts only the leads that whoever asks may see.';
COMMENT ON COLUMN @workspace@.funnel_leak_by_owner.owner IS 'Code of the sales person who has the leads now';
COMMENT ON COLUMN @workspace@.funnel_leak_by_owner.owner_label IS 'Name of the sales person';
COMMENT ON COLUMN @workspace@.funnel_leak_by_owner.position IS 'Order of the stage';
COMMENT ON COLUMN @workspace@.funnel_leak_by_owner.stage IS 'Funnel stage';
COMMENT ON COLUMN @workspace@.funnel_leak_by_owner.label IS 'Name of the stage as this company says it';
COMMENT ON COLUMN @workspace@.funnel_leak_by_owner.entered IS
	'Leads with their peak at or beyond this stage. A lead counts once, however often it re-enters';
COMMENT ON COLUMN @workspace@.funnel_leak_by_owner.advanced IS 'Leads with their peak beyond this stage';
COMMENT ON COLUMN @workspace@.funnel_leak_by_owner.active IS
	'Leads with their peak here that stand here or further, are not closed and not in their stage longer than its stuck_after';
COMMENT ON COLUMN @workspace@.funnel_leak_by_owner.stalled IS
	'The same, but longer in their stage than its stuck_after';
COMMENT ON COLUMN @workspace@.funnel_leak_by_owner.returned IS
	'Leads with their peak here that were sent back to an earlier stage and are not closed';
COMMENT ON COLUMN @workspace@.funnel_leak_by_owner.leaked IS
	'Leads with their peak here whose status is closed. entered = advanced + active + stalled + returned + leaked';
COMMENT ON COLUMN @workspace@.funnel_leak_by_owner.skipped IS
	'Of entered: leads without a stamp for this stage, but with one before it and one after it';
COMMENT ON COLUMN @workspace@.funnel_leak_by_owner.joined_later IS
	'Of entered: leads without a stamp for this stage or any before it: they came in further down';
COMMENT ON COLUMN @workspace@.funnel_leak_by_owner.conversion_pct IS
	'Percent (0-100): advanced of entered, of all that came; NULL for the last stage and where nobody entered. A mean of percentages is not a percentage: add up advanced and entered instead';
COMMENT ON COLUMN @workspace@.funnel_leak_by_owner.resolved_pct IS
	'Percent (0-100): advanced of (entered - active), of all whose attempt is over; NULL for the last stage and where the denominator is 0. Do not average it';
COMMENT ON COLUMN @workspace@.funnel_leak_by_owner.cumulative_pct IS
	'Percent (0-100): entered of the first funnel stage''s entered; NULL where that is 0. Do not average it';
COMMENT ON COLUMN @workspace@.funnel_leak_by_owner.lost IS 'stalled + returned + leaked';
COMMENT ON COLUMN @workspace@.funnel_leak_by_owner.lost_share_pct IS
	'Percent (0-100): lost of the lost of all stages of the set; NULL where nobody is lost';
COMMENT ON COLUMN @workspace@.funnel_leak_by_owner.lost_value IS
	'Sum of the known values of the lost, in the base currency';
COMMENT ON COLUMN @workspace@.funnel_leak_by_owner.value_known_pct IS
	'Percent (0-100): lost leads that have a value, of lost; NULL where nobody is lost';
COMMENT ON COLUMN @workspace@.funnel_leak_by_owner.mean_days IS
	'Days (24 hours, fractions count), mean: from the first entry of this stage to the first entry of the next funnel stage, over leads with both stamps, stamps the wrong way round included; NULL for the last stage and without such leads';
COMMENT ON COLUMN @workspace@.funnel_leak_by_owner.median_days IS 'The same days: median, interpolated';
COMMENT ON COLUMN @workspace@.funnel_leak_by_owner.p90_days IS 'The same days: 90th percentile, interpolated';
COMMENT ON COLUMN @workspace@.funnel_leak_by_owner.reference_pct IS
	'Percent (0-100) that this stage could convert: its target_conversion_pct; else the best resolved_pct of a channel with at least 100 resolved leads there, over all leads; else NULL. The same in every view';
COMMENT ON COLUMN @workspace@.funnel_leak_by_owner.recoverable_customers IS
	'Customers more if the stage converted at its reference: (reference_pct - resolved_pct)/100 x resolved leads x the chances (reference, else resolved) of all later stages; 0 at or above the reference and where nobody is resolved; else NULL without one, or where a later stage has neither one nor resolved leads; NULL for the last stage';
COMMENT ON COLUMN @workspace@.funnel_leak_by_owner.is_bottleneck IS
	'The stage to mend first: the greatest recoverable_customers among stages with at least 30 resolved leads whose reference lies above the 95 % Wilson interval of resolved_pct; where no stage has a reference, the lowest resolved_pct with 30 resolved; the earlier stage in a tie. At most one true in a set of rows';

CREATE OR REPLACE VIEW @workspace@.funnel_leak_by_source_kind WITH (security_invoker = true) AS
SELECT nullif(f.key, '') AS source_kind,
	CASE f.key WHEN 'seed' THEN 'Word of mouth' WHEN 'net' THEN 'Inbound marketing' WHEN 'spear' THEN 'Outbound'
		ELSE '(not known)' END AS source_kind_label,
	f.position, f.stage, f.label,
	f.entered, f.advanced, f.active, f.stalled, f.returned, f.leaked, f.skipped, f.joined_later, f.conversion_pct,
	f.resolved_pct, f.cumulative_pct, f.lost, f.lost_share_pct, f.lost_value, f.value_known_pct, f.mean_days,
	f.median_days, f.p90_days, f.reference_pct, f.recoverable_customers, f.is_bottleneck
FROM @workspace@.funnel_run('source_kind', NULL, NULL, NULL) f
ORDER BY 1, f.position;
COMMENT ON VIEW @workspace@.funnel_leak_by_source_kind IS
	'funnel_leak for each kind of source: each value is a set of leads of its own, with all funnel stages. Unique key: (source_kind, stage). Counts only the leads that whoever asks may see.';
COMMENT ON COLUMN @workspace@.funnel_leak_by_source_kind.source_kind IS
	'Kind of source that the lead''s channel is: seed, net, spear; NULL: not known';
COMMENT ON COLUMN @workspace@.funnel_leak_by_source_kind.source_kind_label IS 'The kind in words';
COMMENT ON COLUMN @workspace@.funnel_leak_by_source_kind.position IS 'Order of the stage';
COMMENT ON COLUMN @workspace@.funnel_leak_by_source_kind.stage IS 'Funnel stage';
COMMENT ON COLUMN @workspace@.funnel_leak_by_source_kind.label IS 'Name of the stage as this company says it';
COMMENT ON COLUMN @workspace@.funnel_leak_by_source_kind.entered IS
	'Leads with their peak at or beyond this stage. A lead counts once, however often it re-enters';
COMMENT ON COLUMN @workspace@.funnel_leak_by_source_kind.advanced IS 'Leads with their peak beyond this stage';
COMMENT ON COLUMN @workspace@.funnel_leak_by_source_kind.active IS
	'Leads with their peak here that stand here or further, are not closed and not in their stage longer than its stuck_after';
COMMENT ON COLUMN @workspace@.funnel_leak_by_source_kind.stalled IS
	'The same, but longer in their stage than its stuck_after';
COMMENT ON COLUMN @workspace@.funnel_leak_by_source_kind.returned IS
	'Leads with their peak here that were sent back to an earlier stage and are not closed';
COMMENT ON COLUMN @workspace@.funnel_leak_by_source_kind.leaked IS
	'Leads with their peak here whose status is closed. entered = advanced + active + stalled + returned + leaked';
COMMENT ON COLUMN @workspace@.funnel_leak_by_source_kind.skipped IS
	'Of entered: leads without a stamp for this stage, but with one before it and one after it';
COMMENT ON COLUMN @workspace@.funnel_leak_by_source_kind.joined_later IS
	'Of entered: leads without a stamp for this stage or any before it: they came in further down';
COMMENT ON COLUMN @workspace@.funnel_leak_by_source_kind.conversion_pct IS
	'Percent (0-100): advanced of entered, of all that came; NULL for the last stage and where nobody entered. A mean of percentages is not a percentage: add up advanced and entered instead';
COMMENT ON COLUMN @workspace@.funnel_leak_by_source_kind.resolved_pct IS
	'Percent (0-100): advanced of (entered - active), of all whose attempt is over; NULL for the last stage and where the denominator is 0. Do not average it';
COMMENT ON COLUMN @workspace@.funnel_leak_by_source_kind.cumulative_pct IS
	'Percent (0-100): entered of the first funnel stage''s entered; NULL where that is 0. Do not average it';
COMMENT ON COLUMN @workspace@.funnel_leak_by_source_kind.lost IS 'stalled + returned + leaked';
COMMENT ON COLUMN @workspace@.funnel_leak_by_source_kind.lost_share_pct IS
	'Percent (0-100): lost of the lost of all stages of the set; NULL where nobody is lost';
COMMENT ON COLUMN @workspace@.funnel_leak_by_source_kind.lost_value IS
	'Sum of the known values of the lost, in the base currency';
COMMENT ON COLUMN @workspace@.funnel_leak_by_source_kind.value_known_pct IS
	'Percent (0-100): lost leads that have a value, of lost; NULL where nobody is lost';
COMMENT ON COLUMN @workspace@.funnel_leak_by_source_kind.mean_days IS
	'Days (24 hours, fractions count), mean: from the first entry of this stage to the first entry of the next funnel stage, over leads with both stamps, stamps the wrong way round included; NULL for the last stage and without such leads';
COMMENT ON COLUMN @workspace@.funnel_leak_by_source_kind.median_days IS 'The same days: median, interpolated';
COMMENT ON COLUMN @workspace@.funnel_leak_by_source_kind.p90_days IS 'The same days: 90th percentile, interpolated';
COMMENT ON COLUMN @workspace@.funnel_leak_by_source_kind.reference_pct IS
	'Percent (0-100) that this stage could convert: its target_conversion_pct; else the best resolved_pct of a channel with at least 100 resolved leads there, over all leads; else NULL. The same in every view';
COMMENT ON COLUMN @workspace@.funnel_leak_by_source_kind.recoverable_customers IS
	'Customers more if the stage converted at its reference: (reference_pct - resolved_pct)/100 x resolved leads x the chances (reference, else resolved) of all later stages; 0 at or above the reference and where nobody is resolved; else NULL without one, or where a later stage has neither one nor resolved leads; NULL for the last stage';
COMMENT ON COLUMN @workspace@.funnel_leak_by_source_kind.is_bottleneck IS
	'The stage to mend first: the greatest recoverable_customers among stages with at least 30 resolved leads whose reference lies above the 95 % Wilson interval of resolved_pct; where no stage has a reference, the lowest resolved_pct with 30 resolved; the earlier stage in a tie. At most one true in a set of rows';

CREATE OR REPLACE VIEW @workspace@.funnel_leak_by_temperature WITH (security_invoker = true) AS
SELECT nullif(f.key, '') AS temperature,
	CASE f.key WHEN 'hot' THEN 'Hot' WHEN 'warm' THEN 'Warm' WHEN 'cold' THEN 'Cold' ELSE '(none)' END AS temperature_label,
	f.position, f.stage, f.label,
	f.entered, f.advanced, f.active, f.stalled, f.returned, f.leaked, f.skipped, f.joined_later, f.conversion_pct,
	f.resolved_pct, f.cumulative_pct, f.lost, f.lost_share_pct, f.lost_value, f.value_known_pct, f.mean_days,
	f.median_days, f.p90_days, f.reference_pct, f.recoverable_customers, f.is_bottleneck
FROM @workspace@.funnel_run('temperature', NULL, NULL, NULL) f
ORDER BY array_position(ARRAY['hot', 'warm', 'cold'], f.key), f.position;
COMMENT ON VIEW @workspace@.funnel_leak_by_temperature IS
	'funnel_leak for each temperature that leads had at their latest handoff, those without leads included, and for the leads without one: each value is a set of leads of its own, with all funnel stages. Unique key: (temperature, stage). The leads are counted one by one, not read from the cubes. Counts only the leads that whoever asks may see.';
COMMENT ON COLUMN @workspace@.funnel_leak_by_temperature.temperature IS
	'How warm the leads were when they were handed to sales, the last time: hot, warm, cold (lead.handoff_temperature); NULL: never handed off, or it is not known how warm they were then';
COMMENT ON COLUMN @workspace@.funnel_leak_by_temperature.temperature_label IS 'The temperature in words; (none) for leads without one';
COMMENT ON COLUMN @workspace@.funnel_leak_by_temperature.position IS 'Order of the stage';
COMMENT ON COLUMN @workspace@.funnel_leak_by_temperature.stage IS 'Funnel stage';
COMMENT ON COLUMN @workspace@.funnel_leak_by_temperature.label IS 'Name of the stage as this company says it';
COMMENT ON COLUMN @workspace@.funnel_leak_by_temperature.entered IS
	'Leads with their peak at or beyond this stage. A lead counts once, however often it re-enters';
COMMENT ON COLUMN @workspace@.funnel_leak_by_temperature.advanced IS 'Leads with their peak beyond this stage';
COMMENT ON COLUMN @workspace@.funnel_leak_by_temperature.active IS
	'Leads with their peak here that stand here or further, are not closed and not in their stage longer than its stuck_after';
COMMENT ON COLUMN @workspace@.funnel_leak_by_temperature.stalled IS
	'The same, but longer in their stage than its stuck_after';
COMMENT ON COLUMN @workspace@.funnel_leak_by_temperature.returned IS
	'Leads with their peak here that were sent back to an earlier stage and are not closed';
COMMENT ON COLUMN @workspace@.funnel_leak_by_temperature.leaked IS
	'Leads with their peak here whose status is closed. entered = advanced + active + stalled + returned + leaked';
COMMENT ON COLUMN @workspace@.funnel_leak_by_temperature.skipped IS
	'Of entered: leads without a stamp for this stage, but with one before it and one after it';
COMMENT ON COLUMN @workspace@.funnel_leak_by_temperature.joined_later IS
	'Of entered: leads without a stamp for this stage or any before it: they came in further down';
COMMENT ON COLUMN @workspace@.funnel_leak_by_temperature.conversion_pct IS
	'Percent (0-100): advanced of entered, of all that came; NULL for the last stage and where nobody entered. A mean of percentages is not a percentage: add up advanced and entered instead';
COMMENT ON COLUMN @workspace@.funnel_leak_by_temperature.resolved_pct IS
	'Percent (0-100): advanced of (entered - active), of all whose attempt is over; NULL for the last stage and where the denominator is 0. Do not average it';
COMMENT ON COLUMN @workspace@.funnel_leak_by_temperature.cumulative_pct IS
	'Percent (0-100): entered of the first funnel stage''s entered; NULL where that is 0. Do not average it';
COMMENT ON COLUMN @workspace@.funnel_leak_by_temperature.lost IS 'stalled + returned + leaked';
COMMENT ON COLUMN @workspace@.funnel_leak_by_temperature.lost_share_pct IS
	'Percent (0-100): lost of the lost of all stages of the set; NULL where nobody is lost';
COMMENT ON COLUMN @workspace@.funnel_leak_by_temperature.lost_value IS
	'Sum of the known values of the lost, in the base currency';
COMMENT ON COLUMN @workspace@.funnel_leak_by_temperature.value_known_pct IS
	'Percent (0-100): lost leads that have a value, of lost; NULL where nobody is lost';
COMMENT ON COLUMN @workspace@.funnel_leak_by_temperature.mean_days IS
	'Days (24 hours, fractions count), mean: from the first entry of this stage to the first entry of the next funnel stage, over leads with both stamps, stamps the wrong way round included; NULL for the last stage and without such leads';
COMMENT ON COLUMN @workspace@.funnel_leak_by_temperature.median_days IS 'The same days: median, interpolated';
COMMENT ON COLUMN @workspace@.funnel_leak_by_temperature.p90_days IS 'The same days: 90th percentile, interpolated';
COMMENT ON COLUMN @workspace@.funnel_leak_by_temperature.reference_pct IS
	'Percent (0-100) that this stage could convert: its target_conversion_pct; else the best resolved_pct of a channel with at least 100 resolved leads there, over all leads; else NULL. The same in every view';
COMMENT ON COLUMN @workspace@.funnel_leak_by_temperature.recoverable_customers IS
	'Customers more if the stage converted at its reference: (reference_pct - resolved_pct)/100 x resolved leads x the chances (reference, else resolved) of all later stages; 0 at or above the reference and where nobody is resolved; else NULL without one, or where a later stage has neither one nor resolved leads; NULL for the last stage';
COMMENT ON COLUMN @workspace@.funnel_leak_by_temperature.is_bottleneck IS
	'The stage to mend first: the greatest recoverable_customers among stages with at least 30 resolved leads whose reference lies above the 95 % Wilson interval of resolved_pct; where no stage has a reference, the lowest resolved_pct with 30 resolved; the earlier stage in a tie. At most one true in a set of rows';

CREATE OR REPLACE VIEW @workspace@.funnel_leak_by_month WITH (security_invoker = true) AS
SELECT f.key::date AS month,
	to_char(f.key::date, 'YYYY-MM') AS month_label,
	f.position, f.stage, f.label,
	f.entered, f.advanced, f.active, f.stalled, f.returned, f.leaked, f.skipped, f.joined_later, f.conversion_pct,
	f.resolved_pct, f.cumulative_pct, f.lost, f.lost_share_pct, f.lost_value, f.value_known_pct, f.mean_days,
	f.median_days, f.p90_days, f.reference_pct, f.recoverable_customers, f.is_bottleneck
FROM @workspace@.funnel_run('month', NULL, NULL, NULL) f
ORDER BY 1, f.position;
COMMENT ON VIEW @workspace@.funnel_leak_by_month IS
	'funnel_leak for each month of creation, without gaps, from the first to the last one of the leads that ever came into the funnel (others, such as subscribers, make no month): each value is a set of leads of its own, with all funnel stages. Unique key: (month, stage). Counts only the leads that whoever asks may see.';
COMMENT ON COLUMN @workspace@.funnel_leak_by_month.month IS
	'First day of the month in which the leads were created, in the workspace''s time zone';
COMMENT ON COLUMN @workspace@.funnel_leak_by_month.month_label IS 'The month as YYYY-MM';
COMMENT ON COLUMN @workspace@.funnel_leak_by_month.position IS 'Order of the stage';
COMMENT ON COLUMN @workspace@.funnel_leak_by_month.stage IS 'Funnel stage';
COMMENT ON COLUMN @workspace@.funnel_leak_by_month.label IS 'Name of the stage as this company says it';
COMMENT ON COLUMN @workspace@.funnel_leak_by_month.entered IS
	'Leads with their peak at or beyond this stage. A lead counts once, however often it re-enters';
COMMENT ON COLUMN @workspace@.funnel_leak_by_month.advanced IS 'Leads with their peak beyond this stage';
COMMENT ON COLUMN @workspace@.funnel_leak_by_month.active IS
	'Leads with their peak here that stand here or further, are not closed and not in their stage longer than its stuck_after';
COMMENT ON COLUMN @workspace@.funnel_leak_by_month.stalled IS
	'The same, but longer in their stage than its stuck_after';
COMMENT ON COLUMN @workspace@.funnel_leak_by_month.returned IS
	'Leads with their peak here that were sent back to an earlier stage and are not closed';
COMMENT ON COLUMN @workspace@.funnel_leak_by_month.leaked IS
	'Leads with their peak here whose status is closed. entered = advanced + active + stalled + returned + leaked';
COMMENT ON COLUMN @workspace@.funnel_leak_by_month.skipped IS
	'Of entered: leads without a stamp for this stage, but with one before it and one after it';
COMMENT ON COLUMN @workspace@.funnel_leak_by_month.joined_later IS
	'Of entered: leads without a stamp for this stage or any before it: they came in further down';
COMMENT ON COLUMN @workspace@.funnel_leak_by_month.conversion_pct IS
	'Percent (0-100): advanced of entered, of all that came; NULL for the last stage and where nobody entered. A mean of percentages is not a percentage: add up advanced and entered instead';
COMMENT ON COLUMN @workspace@.funnel_leak_by_month.resolved_pct IS
	'Percent (0-100): advanced of (entered - active), of all whose attempt is over; NULL for the last stage and where the denominator is 0. Do not average it';
COMMENT ON COLUMN @workspace@.funnel_leak_by_month.cumulative_pct IS
	'Percent (0-100): entered of the first funnel stage''s entered; NULL where that is 0. Do not average it';
COMMENT ON COLUMN @workspace@.funnel_leak_by_month.lost IS 'stalled + returned + leaked';
COMMENT ON COLUMN @workspace@.funnel_leak_by_month.lost_share_pct IS
	'Percent (0-100): lost of the lost of all stages of the set; NULL where nobody is lost';
COMMENT ON COLUMN @workspace@.funnel_leak_by_month.lost_value IS
	'Sum of the known values of the lost, in the base currency';
COMMENT ON COLUMN @workspace@.funnel_leak_by_month.value_known_pct IS
	'Percent (0-100): lost leads that have a value, of lost; NULL where nobody is lost';
COMMENT ON COLUMN @workspace@.funnel_leak_by_month.mean_days IS
	'Days (24 hours, fractions count), mean: from the first entry of this stage to the first entry of the next funnel stage, over leads with both stamps, stamps the wrong way round included; NULL for the last stage and without such leads';
COMMENT ON COLUMN @workspace@.funnel_leak_by_month.median_days IS 'The same days: median, interpolated';
COMMENT ON COLUMN @workspace@.funnel_leak_by_month.p90_days IS 'The same days: 90th percentile, interpolated';
COMMENT ON COLUMN @workspace@.funnel_leak_by_month.reference_pct IS
	'Percent (0-100) that this stage could convert: its target_conversion_pct; else the best resolved_pct of a channel with at least 100 resolved leads there, over all leads; else NULL. The same in every view';
COMMENT ON COLUMN @workspace@.funnel_leak_by_month.recoverable_customers IS
	'Customers more if the stage converted at its reference: (reference_pct - resolved_pct)/100 x resolved leads x the chances (reference, else resolved) of all later stages; 0 at or above the reference and where nobody is resolved; else NULL without one, or where a later stage has neither one nor resolved leads; NULL for the last stage';
COMMENT ON COLUMN @workspace@.funnel_leak_by_month.is_bottleneck IS
	'The stage to mend first: the greatest recoverable_customers among stages with at least 30 resolved leads whose reference lies above the 95 % Wilson interval of resolved_pct; where no stage has a reference, the lowest resolved_pct with 30 resolved; the earlier stage in a tie. At most one true in a set of rows';
