-- leadcrm.window_funnel: how far each lead, user or session came through steps in order, over any table of events.

CREATE FUNCTION leadcrm.window_funnel_add(internal, interval, timestamptz, boolean[]) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_window_funnel_add';
CREATE FUNCTION leadcrm.window_funnel_add(internal, text, interval, timestamptz, boolean[]) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_window_funnel_add_mode';
CREATE FUNCTION leadcrm.window_funnel_combine(internal, internal) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_window_funnel_combine';
CREATE FUNCTION leadcrm.window_funnel_serialize(internal) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_window_funnel_serialize';
CREATE FUNCTION leadcrm.window_funnel_deserialize(bytea, internal) RETURNS internal
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_window_funnel_deserialize';
CREATE FUNCTION leadcrm.window_funnel_final(internal) RETURNS integer
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'leadcrm_window_funnel_final';
COMMENT ON FUNCTION leadcrm.window_funnel_add(internal, interval, timestamptz, boolean[]) IS 'Transition function of leadcrm.window_funnel().';
COMMENT ON FUNCTION leadcrm.window_funnel_add(internal, text, interval, timestamptz, boolean[]) IS 'Transition function of leadcrm.window_funnel().';
COMMENT ON FUNCTION leadcrm.window_funnel_combine(internal, internal) IS 'Combine function of leadcrm.window_funnel().';
COMMENT ON FUNCTION leadcrm.window_funnel_serialize(internal) IS 'Serialise function of leadcrm.window_funnel().';
COMMENT ON FUNCTION leadcrm.window_funnel_deserialize(bytea, internal) IS 'Deserialise function of leadcrm.window_funnel().';
COMMENT ON FUNCTION leadcrm.window_funnel_final(internal) IS 'Final function of leadcrm.window_funnel().';

CREATE AGGREGATE leadcrm.window_funnel("window" interval, at timestamptz, VARIADIC steps boolean[]) (
	SFUNC = leadcrm.window_funnel_add, STYPE = internal, SSPACE = 160, FINALFUNC = leadcrm.window_funnel_final,
	COMBINEFUNC = leadcrm.window_funnel_combine, SERIALFUNC = leadcrm.window_funnel_serialize,
	DESERIALFUNC = leadcrm.window_funnel_deserialize, PARALLEL = SAFE
);
CREATE AGGREGATE leadcrm.window_funnel(mode text, "window" interval, at timestamptz, VARIADIC steps boolean[]) (
	SFUNC = leadcrm.window_funnel_add, STYPE = internal, SSPACE = 160, FINALFUNC = leadcrm.window_funnel_final,
	COMBINEFUNC = leadcrm.window_funnel_combine, SERIALFUNC = leadcrm.window_funnel_serialize,
	DESERIALFUNC = leadcrm.window_funnel_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE leadcrm.window_funnel(interval, timestamptz, boolean[]) IS
'How many of the steps (1 to 64 conditions) the events of a group satisfy in order: the greatest n such that step 1 happened, then step 2, and so on to step n, none before the one before it, and n no later than the window after 1. Any event of step 1 may be the beginning. Rows at one instant are one event, which satisfies every step that one of them does, and an event may serve for several steps: so neither the order of the input nor rows that come twice make a difference. A month of the window is 30 days, a day 24 hours; NULL: without an end. A step that is NULL is not satisfied. 0 where nothing satisfies step 1, and over no rows. A window of zero or less, no steps or over 64, an infinite time, settings that differ within a group: 22023; a NULL time: 22004.';
COMMENT ON AGGREGATE leadcrm.window_funnel(text, interval, timestamptz, boolean[]) IS
'The same, stricter. mode is a list of: strict_increase (each step later than the one before it: no event serves for two steps); strict_order (no other event of the group lies between two steps that follow each other, rows without any step included); allow_reentry (with strict_order: events of steps that were already come to may lie between); strict_deduplication (no event lies between two steps that follow each other that repeats a step come to or the one that is next); from_first (the first event of step 1 is the beginning, and no later one). '''' or NULL: none. Anything else: 22023.';
