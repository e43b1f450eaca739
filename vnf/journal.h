/*
 * journal.h - ended flows, from the workers to the store.
 *
 * Each worker puts records into an SPSC ring of its own and never waits: a full
 * ring counts the record as lost.  The recorder's thread drains the rings into
 * batches of the store; a store that fails or stalls costs records, counted, and
 * nothing else.  The rings are ordinary memory, touched as they fill.
 */
#ifndef LEAT_VNF_JOURNAL_H
#define LEAT_VNF_JOURNAL_H

#include "datapath/err.h"
#include "db/record.h"
#include "db/store.h"

struct journal;

/* Rings of `n_records` each (a power of two) for `n_workers`; store may be NULL:
 * everything is dropped silently. NULL fills `err`. */
struct journal *journal_new(struct store *store, unsigned n_workers, unsigned n_records,
			    struct err *err);
void journal_free(struct journal *j);

/*
 * Worker `w`: copies the record; false, and counted, if the ring is full.  `log`: it is also said
 * in a line of the log, once the row is written.
 */
bool journal_put(struct journal *j, unsigned w, const struct flow_record *r, bool log);

/* A gap of a flow that has not ended; kept until its row is written, then beside it. */
bool journal_put_gap(struct journal *j, unsigned w, const struct gap_record *g);

/* Bytes that came twice and differ, likewise; lost, and counted, where the ring is half full: it is
 * for flows. */
bool journal_put_conflict(struct journal *j, unsigned w, const struct conflict_record *c);

/* The directions of the flow's gaps and conflicts that were put before change places.  One that is
 * lost counts as a gap. */
bool journal_put_turn(struct journal *j, unsigned w, const struct turn_record *t);

/* Who else wants to have the records, in each worker's order, once the store has them. */
struct journal_reader {
	void *aux;
	bool counts;	/* of a flow's row it reads its directions' numbers alone */
	void (*flow)(void *aux, const struct flow_record *r);
	void (*gap)(void *aux, const struct gap_record *g);
	void (*conflict)(void *aux, const struct conflict_record *c);
	void (*turn)(void *aux, const struct turn_record *t);
};

/* Before the first record; called by journal_drain()'s thread. */
void journal_read_by(struct journal *j, const struct journal_reader *r);

/* Where the one worker and the reader are one thread and there is no store: records are not copied
 * into rings, the reader has them before journal_put*() return. */
void journal_read_at_once(struct journal *j);

/* Does anybody read more of a row than its directions' numbers? */
bool journal_reads_rows(const struct journal *j);

/*
 * Recorder's thread: writes what is there, at most `n_max` records, as one batch.  Returns how many
 * were written; negative errno with `err` if the store failed (they are kept and tried again).
 */
int journal_drain(struct journal *j, unsigned n_max, struct err *err);

/* Flows: ended = written + lost + waiting, but for those that end meanwhile. */
struct journal_status {
	uint64_t ended, written, lost, waiting;
	uint64_t gaps_written, gaps_lost;
	uint64_t conflicts_written, conflicts_lost;
	int last_error;		/* 0, or the store's latest negative errno */
};

/* Any thread. */
void journal_status(const struct journal *j, struct journal_status *st);

#endif
