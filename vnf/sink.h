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
 *	.conflicts	where there are any, a line each: "c2s|s2c OFFSET LENGTH OVERLAP WAS CAME",
 *			of both versions the first bytes in hexadecimal
 * Where the client had been guessed wrong they are renamed, and their lines changed, when that is
 * known.
 *
 * Events of flows go to files and sockets as lines of JSON (vnf/eve.h), and the frames of some to a
 * pcapng file each, when their end says that they are kept.
 *
 * leat-stream(5) says what readers of the socket get.  `leatd -r` writes both by the same code,
 * without the thread: sinks_direct().
 */
#ifndef LEAT_VNF_SINK_H
#define LEAT_VNF_SINK_H

#include <sys/types.h>

#include <tcpterm/capture.h>

#include "datapath/err.h"
#include "vnf/eve.h"
#include "vnf/journal.h"

enum {
	SINK_ERROR_LEN = 512,
	SINK_READERS_MAX = 8,	/* of the stream */
};

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

/*
 * Control thread, once: readers of the stream may connect at `path`, a socket of this mode and, if
 * it is not (gid_t)-1, group.  `instance`, which they are told, outlives `s`.  0, or a negative
 * errno with `err`.
 */
struct sinks_listen {
	const char *path, *instance;
	mode_t mode;
	gid_t group;
};
int sinks_listen(struct sinks *s, const struct sinks_listen *l, struct err *err);

/*
 * Of sinks_direct(): the stream goes to `fd`, which stays the caller's, and is waited for.
 * sinks_stream_end() writes the rest: 0, or why it was not all taken: -EPIPE, -ENOSPC ...
 */
int sinks_stream_to(struct sinks *s, int fd, const char *instance);
int sinks_stream_end(struct sinks *s);

struct sink_conf {
	const char *dir;	/* absolute; NULL: no files */
	bool stream;		/* to readers of the stream */
	bool roles_guessed;	/* of the flow; sink_roles() may follow */
};

/*
 * For one flow, on its worker.  `r` is the flow as it begins; all is copied.  NULL: out of slots,
 * counted.
 */
struct sink *sink_open(struct sinks *s, unsigned worker, const struct sink_conf *conf,
		       const struct flow_record *r);

/* Bytes of a chain, which came at `now`.  Takes a reference of its own to it while it waits. */
struct sink_piece {
	struct rte_mbuf *m;
	uint32_t m_off, len;
	usec_t now;
};
void sink_data(struct sink *k, unsigned direction, uint64_t offset, const struct sink_piece *p);
void sink_gap(struct sink *k, unsigned direction, uint64_t offset, uint64_t len,
	      enum tcpterm_gap_reason why);

/* Once: the application and its names, as in a flow_record, are known. */
void sink_app(struct sink *k, const char *app, const char *names);

/* Who is the client was a guess, and is known now; `turned`: from here on direction 0 is the other
 * one.  Files change their names and readers are told. */
void sink_roles(struct sink *k, bool turned);

/* Both versions go to the file and to readers of the stream; counted where too many wait. */
void sink_conflict(struct sink *k, const struct conflict_record *c);

/* The flow has ended, as `r` says; `k` is not the caller's any more. */
void sink_close(struct sink *k, const struct flow_record *r);

/* Bytes, and missing ones, of a passive flow of `worker` that has no sink. */
void sinks_count(struct sinks *s, unsigned worker, uint64_t bytes, uint64_t gap_bytes);

/* Tells an event of a flow of `worker`, to e->to, a sinks_text(): a file, "unix:" and the path of
 * a socket, or SINK_STDOUT. */
#define SINK_STDOUT "-"
void sinks_eve(struct sinks *s, unsigned worker, const struct eve_event *e);

/* Of sinks_direct(): writes the rest.  0, or -EPIPE: it can't be written. */
int sinks_eve_end(struct sinks *s);

/* Control thread: files of events are closed and opened again by their names. */
void sinks_reopen(struct sinks *s);

/*
 * The frames of a flow of `worker` that has ended, in the folder `dir`, a sinks_text().  Takes the
 * capture.
 */
void sinks_keep(struct sinks *s, unsigned worker, uint8_t dir, const struct flow_record *r,
		struct tcpterm *stack, struct tcpterm_capture *c);

/*
 * Before the first flow: a folder holds at most so many pcapng files, and bytes in them, 0: any
 * number.  What is beyond is not written, and counted; files that are there stay.  Not of
 * sinks_direct().
 */
void sinks_bound_kept(struct sinks *s, unsigned n_files, uint64_t n_bytes);

struct sinks_status {
	uint64_t bytes, gap_bytes,
		lost_bytes; /* written or counted; missing; dropped for want of room */
	uint32_t open, waiting;
	uint64_t refused;			/* flows without a slot */
	uint64_t texts_refused;			/* sinks_text() found the table full */
	uint64_t conflicts_lost;		/* for want of room */
	uint64_t errors;			/* files that could not be written */
	uint64_t wakes;				/* of the thread */
	/* readers of the stream; bytes and other records that they had no room for; refused */
	uint32_t readers;
	uint64_t reader_lost_bytes, reader_lost_records, readers_refused;
	uint64_t eve_lines, eve_lost;		/* events' */
	uint64_t captures_kept, captures_lost;	/* written; for want of room */
	uint64_t captures_refused;		/* their folder was full */
	uint64_t kept_files, kept_bytes;	/* in the folder that has the most, as last seen */
	char last_error[SINK_ERROR_LEN];
};
void sinks_status(const struct sinks *s, struct sinks_status *st);

#endif
