/*
 * tracker.h
 *		A guarded, recorded state column of any table.
 *
 * One Tracker stands for one tracked column of one relation (a partition has one of its own, because its columns may be
 * numbered differently).  It is built by cache.c from the arguments of the trigger that asks for it, and holds everything
 * that guard.c (BEFORE), record.c (AFTER) and history.c (the writer) need, so that a change of state looks nothing up.
 */
#ifndef LEADCRM_TRACKER_H
#define LEADCRM_TRACKER_H

#include "access/attnum.h"
#include "access/tupdesc.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"

/* Arguments that track() gives the triggers on a tracked table. */
#define TRIGARG_COLUMN 0
#define TRIGARG_KEY 1
#define TRIGARG_TRANSITIONS 2
#define TRIGARG_HISTORY 3
#define TRIGARG_COUNT 4

/* What happened; the text that stands in the history's column "origin". */
typedef enum ChangeOrigin
{
	ORIGIN_BIRTH,
	ORIGIN_CHANGE,
	ORIGIN_BACKFILL,
	ORIGIN_CORRECTION,
	ORIGIN_DELETE
} ChangeOrigin;

/* The history's columns, in the order in which track() creates them. */
typedef enum HistoryColumn
{
	HIST_KEY,
	HIST_SEQ,
	HIST_FROM,
	HIST_TO,
	HIST_SINCE,
	HIST_CHANGED_AT,
	HIST_REASON,
	HIST_ACTOR,
	HIST_SESSION_ROLE,
	HIST_ROLE,
	HIST_ORIGIN,
	HIST_FORCED,
	HIST_CORRECTS,
	HIST_RECORDED_AT,
	HIST_NCOLUMNS
} HistoryColumn;

/* A state that the rules or a stamp column name. */
typedef struct TrackedState
{
	Datum		value;			/* of the state column's type */
	char	   *label;
	AttrNumber	stamp;			/* column <label>_at, or InvalidAttrNumber */
	float4		position;		/* an enum's sort order; else the stamp column's number */
} TrackedState;

/* An allowed step; from is -1 for a birth. */
typedef struct TrackedStep
{
	int			from;			/* index into states */
	int			to;
	bool		needs_reason;
} TrackedStep;

typedef struct Tracker
{
	MemoryContext cxt;			/* holds this struct and all that it points to */
	struct TrackerEntry *entry; /* the cache slot that it was built for */

	Oid			relid;			/* the relation that the trigger fires for: the table or one of its partitions */
	Oid			rootid;			/* the table that track() was called for */
	Oid			owner;			/* of the tracked table, its transitions and its history */
	char	   *column;

	/* columns of relid; InvalidAttrNumber where the table has none */
	AttrNumber	state_att;
	AttrNumber	key_att;
	AttrNumber	since_att;
	AttrNumber	reason_att;
	AttrNumber	seq_att;
	AttrNumber	peak_att;
	AttrNumber	created_att;
	AttrNumber	max_att;		/* the last of all these and of the stamps */

	Oid			state_type;
	int16		state_len;
	bool		state_byval;
	bool		state_is_enum;
	FmgrInfo	state_out;

	Oid			key_type;
	Oid			key_collation;
	int16		key_len;
	bool		key_byval;
	FmgrInfo	key_out;

	int			nstates;
	TrackedState *states;		/* sorted by value: by OID for enums, else by length and bytes */
	int			nclaims;
	Oid		   *claims;			/* enums of other tracked columns: the stamps of their labels are theirs */

	int			nstamped;
	int		   *stamped;		/* indexes of the states that have a stamp column, by position */

	Oid			transitions;
	bool		open;			/* the transitions were never filled: every change passes */
	int			nsteps;
	TrackedStep *steps;			/* sorted by from, to */

	/* BEFORE triggers that sort after the guard and could change what it approved */
	bool		late_insert;
	bool		late_update;

	/* the history */
	Oid			history;
	bool		direct;			/* rows are written without the executor */
	AttrNumber	hist_att[HIST_NCOLUMNS];
	int			hist_natts;
	Oid			hist_pk;		/* its primary key's index */
	RegProcedure key_eq;		/* equality of the key in that index */
	int			nindexes;
	Oid		   *index_oids;
	IndexInfo **index_infos;
	SPIPlanPtr	insert_plan;	/* where it is not direct: the kept INSERT, made at the first use */
	bool		batched;		/* rows may wait for the end of the statement */
	bool		guard_records;	/* the guard records updates; else an AFTER trigger for each row */
	char		guard_enabled;	/* tgenabled of the guard */
	const struct TupleTableSlotOps *hist_slot_ops;
	struct HistoryBatch *batch; /* made at the first use */
} Tracker;

/* One history row to be written.  Datums belong to the caller. */
typedef struct HistoryRow
{
	Datum		key;
	int32		seq;
	Datum		from_state;
	bool		from_null;
	Datum		to_state;
	bool		to_null;
	TimestampTz since;
	bool		since_null;
	TimestampTz changed_at;
	Datum		reason;
	bool		reason_null;
	ChangeOrigin origin;
	bool		forced;
	int32		corrects;		/* 0: none */
} HistoryRow;

/* A correction or repair under way in this backend, see override.c. */
typedef enum OverrideKind
{
	OVERRIDE_NONE,
	OVERRIDE_CORRECT,
	OVERRIDE_REPAIR
} OverrideKind;

typedef struct Override
{
	OverrideKind kind;
	Oid			rootid;			/* the tracked table */
	Oid			owner;			/* of the tracked table and its histories */
	const char *column;			/* corrections only, as all that follows */
	int32		corrects;		/* seq of the row being voided */
	Datum		key;
	const char *key_text;
	Datum		to_state;		/* where the row goes back to */
	Datum		reason;			/* of the correction, text */
} Override;

/* cache.c */
extern void leadcrm_tracker_init(void);
extern Tracker *leadcrm_tracker_for_trigger(FmgrInfo *flinfo, TriggerData *trigdata);
extern Tracker *leadcrm_tracker_for_column(Relation rel, const char *column);
extern bool leadcrm_tracker_is_current(const Tracker *t);
extern Tracker *leadcrm_tracker_renew(Tracker *t);
extern TriggerData *leadcrm_check_trigger(FunctionCallInfo fcinfo, const char *funcname, TriggerEvent timing, bool row);

/* build.c */
extern void leadcrm_tracker_build(Tracker *t, Relation rel, Trigger *trigger, void (*depends) (Oid relid, void *arg),
								  void *arg);

/* history_target.c */
extern void leadcrm_history_describe(Tracker *t, Relation hist);

/* rules.c */
extern void leadcrm_rules_load(Tracker *t, Relation rel, Relation transitions);
extern int	leadcrm_state_index(const Tracker *t, Datum state);
extern char *leadcrm_state_label(const Tracker *t, Datum state);
extern bool leadcrm_state_same(const Tracker *t, Datum a, Datum b);
extern bool leadcrm_key_same(const Tracker *t, Datum a, Datum b);
extern bool leadcrm_step_allowed(const Tracker *t, int from, int to, bool *needs_reason);
extern AttrNumber leadcrm_find_stamp(const Tracker *t, TupleDesc desc, const char *label);
extern AttrNumber leadcrm_stamp_column(const Tracker *t, TupleDesc desc, int state, Datum value);
extern bool leadcrm_later_state(const Tracker *t, Datum a, Datum b);

/* violation.c */
extern char *leadcrm_describe_key(const Tracker *t, Datum key);
extern void leadcrm_refuse_step(const Tracker *t, Datum key, bool from_null, Datum from, Datum to, bool reason_missing);
extern void leadcrm_refuse_companion(const Tracker *t, Relation rel, AttrNumber att, Datum key);
extern void leadcrm_refuse_since(const Tracker *t, Datum key, const char *column, TimestampTz given, bool before,
								 TimestampTz limit);
extern void leadcrm_refuse_early_since(const Tracker *t, Datum key, TimestampTz given, TimestampTz last);
extern void leadcrm_refuse_null(const Tracker *t, Relation rel);
extern bool leadcrm_check_time(const Tracker *t, Datum key, AttrNumber att, TimestampTz given, TimestampTz now);
extern bool leadcrm_text_is_blank(Datum value);
extern int32 leadcrm_next_seq(const Tracker *t, int32 seq);
extern void leadcrm_refuse_key_change(const Tracker *t, Datum key);
extern void leadcrm_refuse_null_key(const Tracker *t);
extern void leadcrm_refuse_second_life(const Tracker *t, Datum key);
extern void leadcrm_refuse_replacement(const Tracker *t, Datum key);
extern void leadcrm_refuse_stamps(const Tracker *t, Datum key, Datum state);
extern void leadcrm_refuse_late_change(const Tracker *t, Relation rel, Datum key, bool update);
extern void leadcrm_refuse_late_trigger(const Tracker *t, Relation rel, Datum key);

/* fill.c */
typedef struct Fill
{
	int			n;
	int			cols[6];
	Datum		values[6];
	bool		nulls[6];
} Fill;

extern void leadcrm_fill(Fill *f, AttrNumber att, Datum value, bool isnull);
extern HeapTuple leadcrm_filled(HeapTuple tuple, struct TupleTableSlot *slot, TupleDesc desc, const Fill *f);

/* backfill.c */
typedef struct BirthStep
{
	TimestampTz at;
	Datum		value;			/* the state entered; belongs to the tracker or to the row */
	AttrNumber	column;			/* the column that says so: a stamp, or X_since */
	int			order;			/* among equal times */
} BirthStep;

typedef struct Birth
{
	int			nstamps;		/* stamps that the row brings: with any, it is a backfill */
	AttrNumber	own_stamp;		/* the column for the present state's stamp, or InvalidAttrNumber */
	bool		own_stamp_only; /* one stamp, of the present state, at its X_since: looks like a filled birth */
	bool		no_own_stamp;	/* others have a stamp, the present state has a column for one but no value */
	int			nsteps;
	BirthStep  *steps;
	Datum		peak;			/* for enums: the furthest state among them */
} Birth;

extern void leadcrm_birth_steps(const Tracker *t, TupleDesc desc, Datum *values, bool *isnull, Birth *birth);

/* history.c */
typedef struct HistoryWriter HistoryWriter;
extern Relation leadcrm_history_open(Tracker **t);
extern Relation *leadcrm_history_open_indexes(const Tracker *t);
extern void leadcrm_history_close_indexes(const Tracker *t, Relation *indexes);
extern void leadcrm_history_insert_index_entries(const Tracker *t, Relation hist, Relation *indexes,
												 struct TupleTableSlot *slot);
extern HistoryWriter *leadcrm_history_begin(Tracker *t, TimestampTz now);
extern void leadcrm_history_write(HistoryWriter *w, const HistoryRow *row);
extern void leadcrm_history_write_values(HistoryWriter *w, Datum *values, bool *nulls);
extern void leadcrm_history_end(HistoryWriter *w);
extern int32 leadcrm_history_last_seq(Tracker **t, Datum key, int32 limit, bool *alive);
extern bool leadcrm_history_is_writing(Relation history);

/* form.c */
typedef struct HistoryForm HistoryForm;
extern HistoryForm *leadcrm_form_make(const Tracker *t, TupleDesc desc);
extern void leadcrm_form_row(HistoryForm *f, struct TupleTableSlot *slot, const Datum *values, const bool *nulls);

/* batch.c */
typedef struct HistoryBatch HistoryBatch;
extern bool leadcrm_batch_put(Tracker **t, const Datum *values, const bool *nulls);
extern void leadcrm_batch_flush(void);
extern void leadcrm_batch_last_seq(const Tracker *t, Datum key, int32 limit, int32 *seq, bool *alive);

/* record.c */
extern bool leadcrm_is_forced(const HistoryRow *row, bool allowed, TimestampTz now);
extern void leadcrm_record_update(Relation rel, Tracker *t, struct TupleTableSlot *old, struct TupleTableSlot *new);

/* notes.c */
typedef enum NoteKind
{
	NOTE_OWN_STAMP,				/* an inserted row brought the stamp of its own state */
	NOTE_APPROVED				/* a fingerprint of the state and companions that the guard approved */
} NoteKind;

typedef struct MovedRow
{
	Datum		state;
	TimestampTz since;
	bool		since_null;
	int32		seq;
} MovedRow;

extern void leadcrm_note_put(const Tracker *t, NoteKind kind, Datum key, uint64 what);
extern bool leadcrm_note_take(const Tracker *t, NoteKind kind, Datum key, uint64 *what);
extern uint64 leadcrm_row_fingerprint(const Tracker *t, TupleDesc desc, Datum *values, bool *isnull);
extern void leadcrm_refuse_pending_move(const Tracker *t, Datum key);
extern void leadcrm_moved_out(const Tracker *t, Datum key, const MovedRow *row);
extern bool leadcrm_moved_in(const Tracker *t, Datum key, MovedRow *row);

/* override.c */
extern const Override *leadcrm_override(const Tracker *t, Datum key);
extern void leadcrm_override_begin(const Override *override);
extern void leadcrm_override_end(void);
extern bool leadcrm_repairing(Oid owner);

#endif							/* LEADCRM_TRACKER_H */
