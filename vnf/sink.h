/*
 * sink.h - where the bytes of passive flows go: files, and readers of leatd's stream socket.
 *
 * A worker only puts references and gaps into a ring of its own; a thread of the sinks' own
 * writes them.  A ring, a disk or a reader that does not keep up costs bytes, which are then
 * told as a gap of reason `budget`; nobody waits.  Flows whose bytes go nowhere have no sink:
 * their bytes are counted where they come.
 *
 * Of a flow with a folder there are three files in it, called
 * FLOWID-CLIENT.PORT-SERVER.PORT (colons of an id or address as they are):
 *	.c2s, .s2c	the bytes, each at its stream offset; gaps are holes
 *	.gaps		a line each: "c2s|s2c OFFSET LENGTH REASON"
 *
 * leat-stream(5) says what readers of the socket get.  `leatd -r` writes both by the same code,
 * without the thread: sinks_direct().
 */
#ifndef LEAT_VNF_SINK_H
#define LEAT_VNF_SINK_H

#include <sys/types.h>

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
 * The place of a text in a table that lives as long as `s`: what a flow keeps of its rule's
 * folders.  0: `text` is NULL, or the table is full, counted.  Any worker.
 */
uint8_t sinks_text(struct sinks *s, const char *text);
/* NULL for 0. */
const char *sinks_text_at(const struct sinks *s, uint8_t place);

struct sink_conf {
	const char *dir;	/* absolute; NULL: no files */
	bool roles_guessed;	/* of the flow */
};

/*
 * For one flow, on its worker.  `r` is the flow as it begins; all is copied.  NULL: out of slots,
 * counted.
 */
struct sink *sink_open(struct sinks *s, unsigned worker, const struct sink_conf *conf,
		       const struct flow_record *r);

/* Takes a reference of its own to the chain while it waits. */
void sink_data(struct sink *k, unsigned direction, uint64_t offset, struct rte_mbuf *m,
	       uint32_t m_off, uint32_t len);
void sink_gap(struct sink *k, unsigned direction, uint64_t offset, uint64_t len,
	      enum tcpterm_gap_reason why);

/* The flow has ended; `k` is not the caller's any more. */
void sink_close(struct sink *k);

/* Bytes, and missing ones, of a passive flow of `worker` that has no sink. */
void sinks_count(struct sinks *s, unsigned worker, uint64_t bytes, uint64_t gap_bytes);

struct sinks_status {
	uint64_t bytes, gap_bytes,
		lost_bytes; /* written or counted; missing; dropped for want of room */
	uint32_t open, waiting;
	uint64_t refused;			/* flows without a slot */
	uint64_t errors;			/* files that could not be written */
	uint64_t wakes;				/* of the thread */
	char last_error[SINK_ERROR_LEN];
};
void sinks_status(const struct sinks *s, struct sinks_status *st);

#endif
