/*
 * guard.c
 *		The BEFORE ROW trigger: refuses what the rules forbid, and fills in the companion columns.
 *
 * It sorts last among the BEFORE triggers, so that it sees what will be stored.  On INSERT it only fills: the row may yet turn
 * into an UPDATE by ON CONFLICT, so that its birth is checked by the AFTER trigger, in record.c.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "executor/tuptable.h"
#include "nodes/bitmapset.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "leadcrm.h"
#include "tracker/cache.h"
#include "tracker/tracker.h"

PG_FUNCTION_INFO_V1(leadcrm_guard);

/* Whether a column of fixed length, passed by value, differs between two versions of a row. */
static inline bool
differs(TupleTableSlot *a, TupleTableSlot *b, AttrNumber att)
{
	bool		anull = a->tts_isnull[att - 1];
	bool		bnull = b->tts_isnull[att - 1];

	return anull != bnull || (!anull && a->tts_values[att - 1] != b->tts_values[att - 1]);
}

static bool
text_differs(TupleTableSlot *a, TupleTableSlot *b, AttrNumber att)
{
	bool		anull = a->tts_isnull[att - 1];
	bool		bnull = b->tts_isnull[att - 1];

	return anull != bnull ||
		(!anull && !datum_image_eq(a->tts_values[att - 1], b->tts_values[att - 1], false, -1));
}

static bool
is_updated(TriggerData *trigdata, AttrNumber att)
{
	return bms_is_member(att - FirstLowInvalidHeapAttributeNumber, trigdata->tg_updatedcols);
}

/* Where a trigger may run after the guard, the AFTER trigger must know what the guard let pass. */
static HeapTuple
approve(Tracker *t, TupleDesc desc, HeapTuple tuple, Datum key, bool late)
{
	if (unlikely(late))
	{
		Datum	   *values = palloc(sizeof(Datum) * desc->natts);
		bool	   *isnull = palloc(sizeof(bool) * desc->natts);

		heap_deform_tuple(tuple, desc, values, isnull);
		leadcrm_note_put(t, NOTE_APPROVED, key, leadcrm_row_fingerprint(t, desc, values, isnull));
	}
	return tuple;
}

static HeapTuple
guard_insert(TriggerData *trigdata, Tracker *t)
{
	TupleDesc	desc = RelationGetDescr(trigdata->tg_relation);
	TupleTableSlot *slot = trigdata->tg_trigslot;
	Birth		birth;
	Datum		key;
	Fill		f = {0};
	TimestampTz since;
	bool		seq_given;

	slot_getsomeattrs(slot, t->max_att);
	if (slot->tts_isnull[t->state_att - 1] || slot->tts_isnull[t->key_att - 1])
		return trigdata->tg_trigtuple;	/* NOT NULL refuses it, or record.c does */
	key = slot->tts_values[t->key_att - 1];
	/*
	 * A row that brings its number is on its way from another partition, or writes itself back by ON CONFLICT.  One that was never
	 * recorded there has number 0 and no time.
	 */
	seq_given = !slot->tts_isnull[t->seq_att - 1];
	if (seq_given && (!slot->tts_isnull[t->since_att - 1] || DatumGetInt32(slot->tts_values[t->seq_att - 1]) == 0))
		return approve(t, desc, trigdata->tg_trigtuple, key, t->late_insert);

	leadcrm_refuse_pending_move(t, key);
	leadcrm_birth_steps(t, desc, slot->tts_values, slot->tts_isnull, &birth);
	if (birth.own_stamp_only)
		leadcrm_note_put(t, NOTE_OWN_STAMP, key, 0);
	else
		leadcrm_note_take(t, NOTE_OWN_STAMP, key, NULL);	/* left by a row that was not stored */

	/* before the clock: it waits for whoever is ending the key's earlier life */
	if (!seq_given)
		leadcrm_fill(&f, t->seq_att, Int32GetDatum(leadcrm_history_last_seq(&t, key, PG_INT32_MAX, NULL) + birth.nsteps), false);
	if (!slot->tts_isnull[t->since_att - 1])
		since = DatumGetTimestampTz(slot->tts_values[t->since_att - 1]);
	else
	{
		since = birth.nstamps > 0 ? birth.steps[birth.nsteps - 1].at : GetCurrentTimestamp();
		leadcrm_fill(&f, t->since_att, TimestampTzGetDatum(since), false);
	}
	if (birth.nstamps == 0 && birth.own_stamp != InvalidAttrNumber)
		leadcrm_fill(&f, birth.own_stamp, TimestampTzGetDatum(since), false);
	if (t->peak_att != InvalidAttrNumber && slot->tts_isnull[t->peak_att - 1])
		leadcrm_fill(&f, t->peak_att, birth.peak, false);
	if (birth.nstamps > 0 && t->created_att != InvalidAttrNumber && slot->tts_isnull[t->created_att - 1])
		leadcrm_fill(&f, t->created_att, TimestampTzGetDatum(birth.steps[0].at), false);
	return approve(t, desc, leadcrm_filled(trigdata->tg_trigtuple, slot, desc, &f), key, t->late_insert);
}

/*
 * The state stays: so must its companions, but for the reason, which may be edited.  True where one was changed all the same, as
 * violations are only logged.
 */
static bool
companion_edited(TriggerData *trigdata, Tracker *t, Datum key)
{
	TupleTableSlot *old = trigdata->tg_trigslot;
	TupleTableSlot *new = trigdata->tg_newslot;
	AttrNumber	touched = InvalidAttrNumber;

	if (differs(old, new, t->since_att))
		touched = t->since_att;
	else if (differs(old, new, t->seq_att))
		touched = t->seq_att;
	else if (t->peak_att != InvalidAttrNumber && differs(old, new, t->peak_att))
		touched = t->peak_att;
	else
		for (int i = 0; i < t->nstamped; i++)
			if (differs(old, new, t->states[t->stamped[i]].stamp))
				touched = t->states[t->stamped[i]].stamp;
	if (likely(touched == InvalidAttrNumber))
		return false;
	leadcrm_refuse_companion(t, trigdata->tg_relation, touched, key);
	if (touched != t->seq_att && differs(old, new, t->seq_att))
		leadcrm_refuse_companion(t, trigdata->tg_relation, t->seq_att, key);	/* no log could follow that */
	return true;
}

/* When the new state begins. */
static TimestampTz
new_since(TriggerData *trigdata, Tracker *t, Datum key, TimestampTz now, bool *given)
{
	TupleTableSlot *old = trigdata->tg_trigslot;
	TupleTableSlot *new = trigdata->tg_newslot;
	bool		old_null = old->tts_isnull[t->since_att - 1];
	TimestampTz old_since = old_null ? 0 : DatumGetTimestampTz(old->tts_values[t->since_att - 1]);
	TimestampTz since;

	*given = !new->tts_isnull[t->since_att - 1] && differs(old, new, t->since_att);
	if (!*given)
		return !old_null && old_since > now ? old_since : now;

	since = DatumGetTimestampTz(new->tts_values[t->since_att - 1]);
	leadcrm_check_time(t, key, t->since_att, since, now);
	if (!old_null && since < old_since)
		leadcrm_refuse_since(t, key, psprintf("%s_since", t->column), since, true, old_since);
	return since;
}

/*
 * Whether the statement says why.  A reason that stands there from before doesn't count, unless the statement names the
 * column; for a trigger that changes the state, which has no way to name it, unless it gives the time as well.
 */
static bool
reason_given(TriggerData *trigdata, Tracker *t, bool since_given)
{
	TupleTableSlot *old = trigdata->tg_trigslot;
	TupleTableSlot *new = trigdata->tg_newslot;

	if (new->tts_isnull[t->reason_att - 1])
		return false;
	return text_differs(old, new, t->reason_att) || is_updated(trigdata, t->reason_att) ||
		(since_given && !is_updated(trigdata, t->state_att));
}

/*
 * Records a change before it is stored.  Nothing comes in between: the row is locked, no trigger runs after this one, and an error
 * takes both away.
 */
static void
take_down(TriggerData *trigdata, Tracker *t, int32 seq, TimestampTz since, TimestampTz now, bool has_reason, bool allowed)
{
	TupleTableSlot *old = trigdata->tg_trigslot;
	TupleTableSlot *new = trigdata->tg_newslot;
	HistoryRow	row = {0};
	HistoryWriter *w;

	row.key = old->tts_values[t->key_att - 1];
	row.seq = seq;
	row.from_state = old->tts_values[t->state_att - 1];
	row.to_state = new->tts_values[t->state_att - 1];
	row.since_null = old->tts_isnull[t->since_att - 1];
	row.since = row.since_null ? 0 : DatumGetTimestampTz(old->tts_values[t->since_att - 1]);
	row.changed_at = since;
	row.reason = new->tts_values[t->reason_att - 1];
	row.reason_null = !has_reason;
	row.origin = ORIGIN_CHANGE;
	row.forced = leadcrm_is_forced(&row, allowed, now);
	w = leadcrm_history_begin(t, now);
	leadcrm_history_write(w, &row);
	leadcrm_history_end(w);
}

/*
 * A change of companions that is let pass gets a number and a forced row of the history, from the state to itself, at its
 * X_since; which the clock gives where it was taken away.
 */
static HeapTuple
guard_edit(TriggerData *trigdata, Tracker *t)
{
	TupleTableSlot *old = trigdata->tg_trigslot;
	TupleTableSlot *new = trigdata->tg_newslot;
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz since;
	int32		seq = leadcrm_next_seq(t, old->tts_isnull[t->seq_att - 1] ? 0 : DatumGetInt32(old->tts_values[t->seq_att - 1]));
	Fill		f = {0};

	if (!new->tts_isnull[t->since_att - 1])
		since = DatumGetTimestampTz(new->tts_values[t->since_att - 1]);
	else
	{
		since = Max(now, DatumGetTimestampTz(old->tts_values[t->since_att - 1]));
		leadcrm_fill(&f, t->since_att, TimestampTzGetDatum(since), false);
	}
	leadcrm_fill(&f, t->seq_att, Int32GetDatum(seq), false);
	if (t->guard_records)
		take_down(trigdata, t, seq, since, now, !new->tts_isnull[t->reason_att - 1], false);
	return leadcrm_filled(trigdata->tg_newtuple, new, RelationGetDescr(trigdata->tg_relation), &f);
}

static HeapTuple
guard_change(TriggerData *trigdata, Tracker *t, Datum key)
{
	TupleDesc	desc = RelationGetDescr(trigdata->tg_relation);
	TupleTableSlot *old = trigdata->tg_trigslot;
	TupleTableSlot *new = trigdata->tg_newslot;
	Datum		from = old->tts_values[t->state_att - 1];
	Datum		to = new->tts_values[t->state_att - 1];
	int			to_index = leadcrm_state_index(t, to);
	AttrNumber	stamp = leadcrm_stamp_column(t, desc, to_index, to);
	int32		old_seq = old->tts_isnull[t->seq_att - 1] ? 0 : DatumGetInt32(old->tts_values[t->seq_att - 1]);
	int32		seq;
	bool		since_given;
	bool		has_reason;
	bool		needs_reason;
	bool		allowed;
	TimestampTz now = GetCurrentTimestamp();	/* the row is locked by now */
	TimestampTz since = new_since(trigdata, t, key, now, &since_given);
	Datum		peak = (Datum) 0;
	Fill		f = {0};

	has_reason = reason_given(trigdata, t, since_given);
	allowed = leadcrm_step_allowed(t, leadcrm_state_index(t, from), to_index, &needs_reason);
	if (!allowed)
		leadcrm_refuse_step(t, key, false, from, to, false);
	else if (needs_reason && (!has_reason || leadcrm_text_is_blank(new->tts_values[t->reason_att - 1])))
	{
		leadcrm_refuse_step(t, key, false, from, to, true);
		allowed = false;
	}

	seq = leadcrm_next_seq(t, old_seq);
	if (differs(old, new, t->seq_att) &&
		(new->tts_isnull[t->seq_att - 1] || DatumGetInt32(new->tts_values[t->seq_att - 1]) != seq))
		leadcrm_refuse_companion(t, trigdata->tg_relation, t->seq_att, key);

	if (t->peak_att != InvalidAttrNumber)
	{
		peak = old->tts_isnull[t->peak_att - 1] ? from : old->tts_values[t->peak_att - 1];
		if (leadcrm_later_state(t, to, peak))
			peak = to;
		if (differs(old, new, t->peak_att) && (new->tts_isnull[t->peak_att - 1] || new->tts_values[t->peak_att - 1] != peak))
			leadcrm_refuse_companion(t, trigdata->tg_relation, t->peak_att, key);
		leadcrm_fill(&f, t->peak_att, peak, false);
	}
	for (int i = 0; i < t->nstamped; i++)
	{
		AttrNumber	att = t->states[t->stamped[i]].stamp;

		if (differs(old, new, att) &&
			(att != stamp || !old->tts_isnull[att - 1] || new->tts_isnull[att - 1] ||
			 DatumGetTimestampTz(new->tts_values[att - 1]) != since))
			leadcrm_refuse_companion(t, trigdata->tg_relation, att, key);
	}

	if (t->guard_records)
		take_down(trigdata, t, seq, since, now, has_reason, allowed);

	leadcrm_fill(&f, t->since_att, TimestampTzGetDatum(since), false);
	leadcrm_fill(&f, t->seq_att, Int32GetDatum(seq), false);
	if (!has_reason)
		leadcrm_fill(&f, t->reason_att, (Datum) 0, true);
	if (stamp != InvalidAttrNumber && old->tts_isnull[stamp - 1])
		leadcrm_fill(&f, stamp, TimestampTzGetDatum(since), false);
	return leadcrm_filled(trigdata->tg_newtuple, new, desc, &f);
}

static HeapTuple
guard_update(TriggerData *trigdata, Tracker *t)
{
	TupleTableSlot *old = trigdata->tg_trigslot;
	TupleTableSlot *new = trigdata->tg_newslot;
	HeapTuple	result;
	Datum		key;
	const Override *override;

	slot_getsomeattrs(old, t->max_att);
	slot_getsomeattrs(new, t->max_att);
	key = old->tts_values[t->key_att - 1];
	if (unlikely(new->tts_isnull[t->key_att - 1] || old->tts_isnull[t->key_att - 1]))
		leadcrm_refuse_null_key(t);
	if (unlikely(!leadcrm_key_same(t, key, new->tts_values[t->key_att - 1])))
		leadcrm_refuse_key_change(t, key);

	if (unlikely(new->tts_isnull[t->state_att - 1]))
		leadcrm_refuse_null(t, trigdata->tg_relation);
	override = leadcrm_override(t, key);
	if (unlikely(t->guard_records && t->late_update && (override == NULL || override->kind != OVERRIDE_REPAIR)))
		leadcrm_refuse_late_trigger(t, trigdata->tg_relation, key);
	if (unlikely(override != NULL))
	{
		/* else record.c checks what became of it */
		if (t->guard_records)
			leadcrm_record_update(trigdata->tg_relation, t, old, new);
		return trigdata->tg_newtuple;
	}

	if (unlikely(old->tts_isnull[t->state_att - 1]))
		leadcrm_refuse_null(t, trigdata->tg_relation);

	if (likely(leadcrm_state_same(t, old->tts_values[t->state_att - 1], new->tts_values[t->state_att - 1])))
	{
		/* a row without X_since was never recorded, and stays so */
		if (unlikely(companion_edited(trigdata, t, key)) &&
			!(old->tts_isnull[t->since_att - 1] && new->tts_isnull[t->since_att - 1]))
			return approve(t, RelationGetDescr(trigdata->tg_relation), guard_edit(trigdata, t), key, t->late_update);
		result = trigdata->tg_newtuple;
		/* a row that came with its partition says so before it may move to another one, where it would look newborn */
		if (unlikely(new->tts_isnull[t->seq_att - 1]) && t->relid != t->rootid)
		{
			int			col = t->seq_att;
			Datum		zero = Int32GetDatum(0);
			bool		isnull = false;

			result = heap_modify_tuple_by_cols(result, RelationGetDescr(trigdata->tg_relation), 1, &col, &zero, &isnull);
		}
	}
	else
		result = approve(t, RelationGetDescr(trigdata->tg_relation), guard_change(trigdata, t, key), key, t->late_update);

	return result;
}

/*
 * leadcrm.guard(): BEFORE INSERT OR UPDATE FOR EACH ROW.
 */
Datum
leadcrm_guard(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = leadcrm_check_trigger(fcinfo, "guard", TRIGGER_EVENT_BEFORE, true);
	bool		update = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event);
	Tracker    *t;

	if (!update && !TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"leadcrm.guard\" must be fired for INSERT or UPDATE")));
	if (leadcrm_enforcement == LEADCRM_OFF)
		return PointerGetDatum(update ? trigdata->tg_newtuple : trigdata->tg_trigtuple);

	t = leadcrm_tracker_for_trigger(fcinfo->flinfo, trigdata);
	return PointerGetDatum(update ? guard_update(trigdata, t) : guard_insert(trigdata, t));
}
