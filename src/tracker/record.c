/*
 * record.c
 *		The AFTER triggers: check what was really stored, and write its history.
 *
 * Births are checked here, and so is everything that a BEFORE trigger sorting after the guard could have spoiled.  A row that
 * moves between partitions arrives as a DELETE that says so and an INSERT; it is recorded once.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "commands/trigger.h"
#include "common/int.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "leadcrm.h"
#include "tracker/cache.h"
#include "tracker/tracker.h"

PG_FUNCTION_INFO_V1(leadcrm_record);

/* What a version of a row says about its state. */
typedef struct RowState
{
	Datum		key;
	bool		key_null;
	Datum		state;
	bool		state_null;
	TimestampTz since;
	bool		since_null;
	int32		seq;
	bool		seq_null;
	Datum		reason;
	bool		reason_null;
} RowState;

static void
read_row(const Tracker *t, TupleTableSlot *slot, RowState *row)
{
	slot_getsomeattrs(slot, t->max_att);
	row->key = slot->tts_values[t->key_att - 1];
	row->key_null = slot->tts_isnull[t->key_att - 1];
	if (unlikely(row->key_null))
		leadcrm_refuse_null_key(t);
	row->state = slot->tts_values[t->state_att - 1];
	row->state_null = slot->tts_isnull[t->state_att - 1];
	row->since_null = slot->tts_isnull[t->since_att - 1];
	row->since = row->since_null ? 0 : DatumGetTimestampTz(slot->tts_values[t->since_att - 1]);
	row->seq_null = slot->tts_isnull[t->seq_att - 1];
	row->seq = row->seq_null ? 0 : DatumGetInt32(slot->tts_values[t->seq_att - 1]);
	row->reason = slot->tts_values[t->reason_att - 1];
	row->reason_null = slot->tts_isnull[t->reason_att - 1];
}

static bool
is_repair(const Tracker *t, Datum key)
{
	const Override *override = leadcrm_override(t, key);

	return override != NULL && override->kind == OVERRIDE_REPAIR;
}

static void
write_one(Tracker *t, const HistoryRow *row, TimestampTz now)
{
	HistoryWriter *w = leadcrm_history_begin(t, now);

	leadcrm_history_write(w, row);
	leadcrm_history_end(w);
}

/* The history row of a step between two versions of a row; when, why and what kind of step is the caller's to say. */
static HistoryRow
step_row(const RowState *old, const RowState *new)
{
	HistoryRow	row = {0};

	row.key = new->key;
	row.seq = new->seq;
	row.from_state = old->state;
	row.to_state = new->state;
	row.since = old->since;
	row.since_null = old->since_null;
	return row;
}

/*
 * Whether a change is to be marked as forced: one that the rules don't allow, or at a time that only passes where violations are
 * logged.  The row holds the times.
 */
bool
leadcrm_is_forced(const HistoryRow *row, bool allowed, TimestampTz now)
{
	return !allowed || (!row->since_null && row->changed_at < row->since) || TIMESTAMP_NOT_FINITE(row->changed_at) ||
		(leadcrm_enforcement != LEADCRM_STRICT && row->changed_at > now + USECS_PER_MINUTE);
}

/* Whether state and companions are those that the guard approved, where they could have changed since. */
static bool
approved(Tracker *t, TupleDesc desc, TupleTableSlot *slot, Datum key, bool late)
{
	uint64		what;

	return !late || !leadcrm_note_take(t, NOTE_APPROVED, key, &what) ||
		what == leadcrm_row_fingerprint(t, desc, slot->tts_values, slot->tts_isnull);
}

/*
 * A change from one state to another, as it was stored.  It is checked again: the guard's word covers only what the guard saw.
 */
static void
record_change(Relation rel, Tracker *t, TupleTableSlot *slot, const RowState *old, const RowState *new)
{
	TupleDesc	desc = RelationGetDescr(rel);
	HistoryRow	row;
	TimestampTz now = GetCurrentTimestamp();
	int			to = leadcrm_state_index(t, new->state);
	AttrNumber	stamp = leadcrm_stamp_column(t, desc, to, new->state);
	bool		needs_reason;
	bool		allowed;

	if (new->since_null || new->seq_null || new->seq != old->seq + 1 ||
		(stamp != InvalidAttrNumber && slot->tts_isnull[stamp - 1]) ||
		!approved(t, desc, slot, new->key, t->late_update))
		leadcrm_refuse_late_change(t, rel, new->key, true);

	allowed = leadcrm_step_allowed(t, leadcrm_state_index(t, old->state), to, &needs_reason) &&
		(!needs_reason || (!new->reason_null && !leadcrm_text_is_blank(new->reason)));
	/* the guard refused that, unless violations are only logged: then it has warned already */
	if (!allowed && leadcrm_enforcement == LEADCRM_STRICT)
		leadcrm_refuse_late_change(t, rel, new->key, true);

	row = step_row(old, new);
	row.changed_at = new->since;
	row.reason = new->reason;
	row.reason_null = new->reason_null;
	row.origin = ORIGIN_CHANGE;
	row.forced = leadcrm_is_forced(&row, allowed, now);
	write_one(t, &row, now);
}

/*
 * A change of companions alone, which the guard let pass with a warning: the state to itself, at its X_since.  The guard has given
 * it a number, unless the row has no X_since and no history.
 */
static void
record_edit(Relation rel, Tracker *t, TupleTableSlot *slot, const RowState *old, const RowState *new, bool late)
{
	HistoryRow	row;

	if (!approved(t, RelationGetDescr(rel), slot, new->key, late) ||
		(new->since_null ? !old->since_null || new->seq != old->seq : new->seq != old->seq + 1))
		leadcrm_refuse_late_change(t, rel, new->key, true);
	if (new->since_null)
		return;
	row = step_row(old, new);
	row.changed_at = new->since;
	row.reason = new->reason;
	row.reason_null = new->reason_null;
	row.origin = ORIGIN_CHANGE;
	row.forced = true;
	write_one(t, &row, GetCurrentTimestamp());
}

/* The UPDATE that leadcrm.correct() makes. */
static void
record_correction(Relation rel, Tracker *t, const Override *override, const RowState *old, const RowState *new)
{
	HistoryRow	row;

	if (!leadcrm_state_same(t, new->state, override->to_state) ||
		new->seq_null || new->seq != old->seq + 1)
		leadcrm_refuse_late_change(t, rel, new->key, true);

	row = step_row(old, new);
	row.changed_at = GetCurrentTimestamp();
	row.reason = override->reason;
	row.origin = ORIGIN_CORRECTION;
	row.corrects = override->corrects;
	write_one(t, &row, row.changed_at);
}

/*
 * Records the update of a row from one version to another, which it checks: as stored or, for a correction that the guard records,
 * as it will be.  Errors: 23514 where a trigger has changed what the guard had let pass, 23502 for a state that is NULL.
 */
void
leadcrm_record_update(Relation rel, Tracker *t, TupleTableSlot *oldslot, TupleTableSlot *newslot)
{
	TupleDesc	desc = RelationGetDescr(rel);
	RowState	old;
	RowState	new;
	const Override *override;

	read_row(t, oldslot, &old);
	read_row(t, newslot, &new);
	if (is_repair(t, old.key))
		return;
	override = leadcrm_override(t, old.key);
	if (new.state_null || old.state_null)
		leadcrm_refuse_null(t, rel);
	if (override)
	{
		record_correction(rel, t, override, &old, &new);
		return;
	}
	if (!leadcrm_state_same(t, old.state, new.state))
	{
		record_change(rel, t, newslot, &old, &new);
		return;
	}
	/* X stays; a trigger after the guard may have put it back, or touched a companion */
	if (leadcrm_row_fingerprint(t, desc, oldslot->tts_values, oldslot->tts_isnull) ==
		leadcrm_row_fingerprint(t, desc, newslot->tts_values, newslot->tts_isnull))
		return;
	if (leadcrm_enforcement == LEADCRM_STRICT)
		leadcrm_refuse_late_change(t, rel, new.key, true);
	record_edit(rel, t, newslot, &old, &new, t->late_update);
}

/* The row came from another partition, where it looked like "from". */
static void
record_arrival(TriggerData *trigdata, Tracker *t, const MovedRow *from, const RowState *new)
{
	const Override *override = leadcrm_override(t, new->key);
	RowState	old = {0};

	old.state = from->state;
	old.since = from->since;
	old.since_null = from->since_null;
	old.seq = from->seq;
	if (is_repair(t, new->key))
		return;
	if (!approved(t, RelationGetDescr(trigdata->tg_relation), trigdata->tg_trigslot, new->key, t->late_insert))
		leadcrm_refuse_late_change(t, trigdata->tg_relation, new->key, false);
	if (override)
		record_correction(trigdata->tg_relation, t, override, &old, new);
	else if (!leadcrm_state_same(t, old.state, new->state))
		record_change(trigdata->tg_relation, t, trigdata->tg_trigslot, &old, new);
	else if (leadcrm_enforcement == LEADCRM_LOG && new->seq == old.seq + 1)
		record_edit(trigdata->tg_relation, t, trigdata->tg_trigslot, &old, new, false);	/* approved above */
	else if (old.seq != new->seq || old.since_null != new->since_null || old.since != new->since)
		leadcrm_refuse_late_change(t, trigdata->tg_relation, new->key, false);
}

/* Checks the times and states that a row brings; true if one of them is wrong and violations are only logged. */
static bool
check_backfill(Tracker *t, const Birth *birth, const RowState *new, TimestampTz now)
{
	TimestampTz last = birth->steps[0].at;
	bool		forced = false;

	for (int i = 0; i < birth->nsteps; i++)
	{
		const BirthStep *step = &birth->steps[i];

		forced |= leadcrm_check_time(t, new->key, step->column, step->at, now);
		if (step->column != t->since_att)
			last = Max(last, step->at);
	}
	if (birth->nstamps > 0 && new->since < last)
	{
		leadcrm_refuse_early_since(t, new->key, new->since, last);
		forced = true;
	}
	if (birth->no_own_stamp)
	{
		leadcrm_refuse_stamps(t, new->key, new->state);
		forced = true;
	}
	return forced;
}

static void
record_insert(TriggerData *trigdata, Tracker *t)
{
	TupleDesc	desc = RelationGetDescr(trigdata->tg_relation);
	TupleTableSlot *slot = trigdata->tg_trigslot;
	RowState	new;
	MovedRow	from;
	Birth		birth;
	HistoryWriter *w;
	HistoryRow	row = {0};
	TimestampTz now = GetCurrentTimestamp();
	bool		backfill;
	bool		forced;
	bool		needs_reason;
	int32		base;

	read_row(t, slot, &new);
	if (new.state_null)
		leadcrm_refuse_null(t, trigdata->tg_relation);
	if (leadcrm_moved_in(t, new.key, &from))
	{
		record_arrival(trigdata, t, &from, &new);
		return;
	}
	if (is_repair(t, new.key))
		return;
	if (!approved(t, desc, slot, new.key, t->late_insert) || new.since_null || new.seq_null)
		leadcrm_refuse_late_change(t, trigdata->tg_relation, new.key, false);

	leadcrm_birth_steps(t, desc, slot->tts_values, slot->tts_isnull, &birth);
	/* the guard filled the stamp of a plain birth; whether it did, only its note tells where nothing else differs */
	backfill = birth.nstamps > 0 &&
		(!birth.own_stamp_only || leadcrm_note_take(t, NOTE_OWN_STAMP, new.key, NULL));
	if (backfill)
		forced = check_backfill(t, &birth, &new, now);
	else
	{
		int			to = leadcrm_state_index(t, new.state);
		bool		allowed = leadcrm_step_allowed(t, -1, to, &needs_reason);

		forced = leadcrm_check_time(t, new.key, t->since_att, new.since, now);
		if (!allowed)
			leadcrm_refuse_step(t, new.key, true, (Datum) 0, new.state, false);
		else if (needs_reason && (new.reason_null || leadcrm_text_is_blank(new.reason)))
		{
			leadcrm_refuse_step(t, new.key, true, (Datum) 0, new.state, true);
			allowed = false;
		}
		forced |= !allowed;
	}
	if (t->peak_att != InvalidAttrNumber &&
		(slot->tts_isnull[t->peak_att - 1] || slot->tts_values[t->peak_att - 1] != birth.peak))
		leadcrm_refuse_companion(t, trigdata->tg_relation, t->peak_att, new.key);

	/* Where the numbers go on after an earlier life of the key, or were given, they must fit. */
	if (pg_sub_s32_overflow(new.seq, birth.nsteps, &base) || base != 0)
	{
		bool		alive;

		/* an earlier life must have ended there; what triggers have done with the new one since is none of its business */
		if (base < 0 || leadcrm_history_last_seq(&t, new.key, base, &alive) != base || alive)
		{
			int32		last = leadcrm_history_last_seq(&t, new.key, PG_INT32_MAX, &alive);

			if (base == last && alive)
				leadcrm_refuse_second_life(t, new.key);
			if (base == last - 1 && last > 0 && !alive)
				leadcrm_refuse_replacement(t, new.key);
			leadcrm_refuse_companion(t, trigdata->tg_relation, t->seq_att, new.key);
		}
		now = GetCurrentTimestamp();	/* it may have waited */
	}

	w = leadcrm_history_begin(t, now);
	row.key = new.key;
	row.origin = backfill ? ORIGIN_BACKFILL : ORIGIN_BIRTH;
	row.forced = forced;
	row.from_null = row.since_null = true;
	for (int i = 0; i < birth.nsteps; i++)
	{
		bool		last = i == birth.nsteps - 1;

		row.seq = base + i + 1;
		row.to_state = birth.steps[i].value;
		row.changed_at = birth.steps[i].at;
		row.reason = new.reason;
		row.reason_null = !last || new.reason_null;
		leadcrm_history_write(w, &row);
		row.from_state = row.to_state;
		row.since = row.changed_at;
		row.from_null = row.since_null = false;
	}
	leadcrm_history_end(w);
}

static void
record_delete(TriggerData *trigdata, Tracker *t)
{
	RowState	old;
	HistoryRow	row = {0};
	TimestampTz now;

	read_row(t, trigdata->tg_trigslot, &old);
	if (HeapTupleHeaderIndicatesMovedPartitions(trigdata->tg_trigtuple->t_data))
	{
		MovedRow	moved;

		moved.state = old.state;
		moved.since = old.since;
		moved.since_null = old.since_null;
		moved.seq = old.seq;
		leadcrm_moved_out(t, old.key, &moved);
		return;
	}

	if (is_repair(t, old.key))
		return;
	row.key = old.key;
	row.seq = leadcrm_next_seq(t, old.seq);
	row.from_state = old.state;
	row.from_null = old.state_null;
	row.to_null = true;
	row.since = old.since;
	row.since_null = old.since_null;
	now = GetCurrentTimestamp();
	row.changed_at = !old.since_null && old.since > now ? old.since : now;
	row.reason_null = true;
	row.origin = ORIGIN_DELETE;
	write_one(t, &row, now);
}

/* A statement has set the column: the guard must have seen its rows. */
static void
check_guard(const Tracker *t, Relation rel)
{
	if (likely(t->guard_enabled == TRIGGER_FIRES_ALWAYS ||
			   t->guard_enabled == (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA ?
									TRIGGER_FIRES_ON_REPLICA : TRIGGER_FIRES_ON_ORIGIN)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the trigger that guards column \"%s\" of table \"%s\" is missing or disabled", t->column,
					RelationGetRelationName(rel)),
			 errdetail("Without it a change would be neither checked nor recorded."),
			 errhint("ALTER TABLE ... ENABLE TRIGGER \"~leadcrm_guard_%s\", or call leadcrm.retrack().", t->column)));
}

/*
 * leadcrm.record(): AFTER INSERT, UPDATE or DELETE FOR EACH ROW; AFTER UPDATE FOR EACH STATEMENT.
 */
Datum
leadcrm_record(PG_FUNCTION_ARGS)
{
	bool		statement = CALLED_AS_TRIGGER(fcinfo) && TRIGGER_FIRED_FOR_STATEMENT(((TriggerData *) fcinfo->context)->tg_event) &&
		TRIGGER_FIRED_BY_UPDATE(((TriggerData *) fcinfo->context)->tg_event);
	TriggerData *trigdata = leadcrm_check_trigger(fcinfo, "record", TRIGGER_EVENT_AFTER, !statement);
	Tracker    *t;

	if (leadcrm_enforcement == LEADCRM_OFF)
		return PointerGetDatum(NULL);
	t = leadcrm_tracker_for_trigger(fcinfo->flinfo, trigdata);
	if (statement)
		check_guard(t, trigdata->tg_relation);
	else if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
		leadcrm_record_update(trigdata->tg_relation, t, trigdata->tg_trigslot, trigdata->tg_newslot);
	else if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		record_insert(trigdata, t);
	else
		record_delete(trigdata, t);
	return PointerGetDatum(NULL);
}
