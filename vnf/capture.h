/*
 * capture.h - frames copied into pcapng files while they pass.
 *
 * A worker copies each frame that a capture's filter chooses, of those that came in and of those
 * that Leat sent, into slots that it has from a ring, and puts them into another, from which the
 * capture's own thread writes the file.  Where there is no free slot the frame is counted as lost:
 * no worker waits.  The control thread begins and ends captures; one that reaches its size or
 * time, or that can't write, ends by itself.
 *
 * Without a capture a worker looks at one byte a turn.
 */
#ifndef LEAT_VNF_CAPTURE_H
#define LEAT_VNF_CAPTURE_H

#include "datapath/err.h"
#include "vnf/flow_filter.h"

enum {
	CAPTURES_MAX = 4,		/* at work at a time */
	CAPTURE_PATH = 512,
	CAPTURE_WORDS = 256,		/* bytes of a filter's text, for list and file */
	CAPTURE_SNAPLEN_MAX = 65535,
};

struct captures;
struct worker;
struct ports;
struct rte_rcu_qsbr;

struct capture_conf {
	char path[CAPTURE_PATH];	/* must not be there yet */
	char words[CAPTURE_WORDS];	/* the filter as it was asked for */
	struct flow_filter filter;	/* no words: every frame, TCP or not */
	uint32_t snaplen;		/* bytes of a frame that are kept */
	uint64_t max_bytes;		/* of the file */
	int64_t for_us;			/* 0: no limit */
};

enum capture_state {
	CAPTURE_RUNNING,
	CAPTURE_ENDING,		/* no worker copies any more; the rest is being written */
	CAPTURE_ENDED,
};

struct capture_status {
	unsigned id;
	enum capture_state state;
	const char *reason;	/* why it ended; NULL: it has not */
	const struct capture_conf *conf;
	uint64_t frames, lost, bytes;	/* written; found no free slot; of the file */
	int64_t age_us;
};

/* --- the control thread --- */

/* `qsbr` is the workers'.  NULL: no memory. */
struct captures *captures_new(unsigned n_workers, const struct ports *ports,
			      struct rte_rcu_qsbr *qsbr);

/* Writes what is waiting and ends all; no worker runs any more. */
void captures_free(struct captures *cs);

/*
 * Begins one; its id is at least 1.  A negative errno with `err`: there are CAPTURES_MAX already,
 * the file is there or can't be made, no memory.
 */
int capture_start(struct captures *cs, const struct capture_conf *conf, struct err *err);

/*
 * Asks for its end; `ended` is called when the file is whole, at once if it is already.  -ENOENT:
 * there is none of this id; -EBUSY: somebody waits for its end already; then `ended` is not called.
 */
typedef void capture_ended(void *aux, const struct capture_status *st);
int capture_stop(struct captures *cs, unsigned id, capture_ended *ended, void *aux);

/* Every 50 ms or so; true: one is about to end, it wants to be called again soon. */
bool captures_run(struct captures *cs);

/* The `i`th known, oldest first, among them the latest that ended; false: there are not so many. */
bool captures_get(const struct captures *cs, unsigned i, struct capture_status *st);

/* --- a worker --- */

/* Is any capture at work?  Asked once a turn; the others are called only then. */
bool captures_active(const struct captures *cs);

/* A frame that came in, and is this worker's: `p` is what the parser said of it. */
void capture_in(struct worker *w, const struct pkt *p);

/* A fragment that came in, when `whole` says whose it is. */
void capture_fragment_in(struct worker *w, const struct pkt *whole, const struct rte_mbuf *m);

/* A frame that leaves by `port`, whatever it is. */
void capture_out(struct worker *w, unsigned port, const struct rte_mbuf *m);

/* A frame of a flow that leaves by `port`; `p`, NULL: it has to be read, says of which. */
void capture_flow_out(struct worker *w, unsigned port, struct rte_mbuf *m, const struct pkt *p);

/* Frames that came in before their flow was known are decided; after each burst. */
void capture_settle(struct worker *w);

#endif
