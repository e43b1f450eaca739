/*
 * sink.h - where the bytes of passive flows go.
 *
 * A worker only puts references and gaps into a ring of its own; a thread
 * of the sinks' own writes the files.  A ring or a disk that does not keep up
 * costs bytes, which are then listed as a gap of reason `budget`.
 *
 * Of a flow there are three files in its folder, called
 * FLOWID-CLIENT.PORT-SERVER.PORT (colons of an id or address as they are):
 *	.c2s, .s2c	the bytes, each at its stream offset; gaps are holes
 *	.gaps		a line each: "c2s|s2c OFFSET LENGTH REASON"
 *
 * `leatd -r` writes them by the same code, without the thread: sinks_direct().
 */
#ifndef LEAT_VNF_SINK_H
#define LEAT_VNF_SINK_H

#include <tcpterm/flow.h>

#include "datapath/err.h"
#include "vnf/journal.h"

enum { SINK_ERROR_LEN = 512 };

struct sinks;
struct sink;

/*
 * Starts the thread.  `journal` gets a record of every gap; NULL: none.
 * `n_ring` is the events a worker may have waiting, a power of two; each may hold an mbuf.
 */
struct sinks *sinks_new(unsigned n_workers, unsigned n_ring, struct journal *journal,
			struct err *err);

/*
 * Without a thread, for one worker that may wait for the disk: what it puts in is written at once,
 * nothing is lost, and a file is made when something is written to it.
 */
struct sinks *sinks_direct(struct journal *journal, struct err *err);

/* Writes what is waiting, closes the files, ends the thread. */
void sinks_free(struct sinks *s);

/*
 * For one flow, on its worker.  `dir` NULL: bytes are only counted, gaps go to the journal.
 * `dir` and `flow_id` are copied.  NULL: out of slots, counted.
 */
struct sink *sink_open(struct sinks *s, unsigned worker, const char *dir, const char *flow_id,
		       const struct flow *f);

/* Takes a reference of its own to the chain while it waits. */
void sink_data(struct sink *k, unsigned direction, uint64_t offset, struct rte_mbuf *m,
	       uint32_t m_off, uint32_t len);
void sink_gap(struct sink *k, unsigned direction, uint64_t offset, uint64_t len,
	      enum tcpterm_gap_reason why);

/* The flow has ended; `k` is not the caller's any more. */
void sink_close(struct sink *k);

struct sinks_status {
	uint64_t bytes, gap_bytes,
		lost_bytes; /* written or counted; missing; dropped for want of room */
	uint32_t open, waiting;
	uint64_t refused;			/* flows without a slot */
	uint64_t errors;			/* files that could not be written */
	char last_error[SINK_ERROR_LEN];
};
void sinks_status(const struct sinks *s, struct sinks_status *st);

#endif
