/*
 * worker.h - one worker: its turn, its stack, its share of every port.
 *
 * Workers share nothing.  Worker k owns queue k of every port and the flows whose hash
 * says k; what arrives elsewhere is handed over by a ring.  Everything here belongs
 * to the worker's thread but for what is made before it starts; its counters have that
 * one writer, and any thread may read them.
 */
#ifndef LEAT_VNF_WORKER_H
#define LEAT_VNF_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include <tcpterm/stack.h>

#include "datapath/handoff.h"
#include "datapath/pool.h"
#include "vnf/active.h"
#include "vnf/bfd.h"
#include "vnf/capture.h"
#include "vnf/drain.h"
#include "vnf/flows.h"
#include "vnf/follow.h"
#include "vnf/fragments.h"
#include "vnf/journal.h"
#include "vnf/measures.h"
#include "vnf/note.h"
#include "vnf/ports.h"
#include "vnf/resume.h"
#include "vnf/watch.h"

enum {
	TX_BATCH = 2 * PORT_BURST,
	NO_PAIR = 0xff,
	WORKER_BATCHES = 10,	/* the last: 512 packets and more */
};

struct worker_stats {
#define WORKER_STAT(name, text) uint64_t name;
#include "vnf/worker_stats.def"
};

/*
 * What its work costs.  Cycles are of the TSC (rte_get_tsc_hz() a second); a turn that found
 * nothing counts nowhere but in `turns`.  Cycles a packet: busy_cycles / packets; share of its
 * time: busy_cycles / (TSC now - began).
 */
struct worker_load {
	uint64_t began;			/* TSC when the thread started; 0: it has not */
	uint64_t busy_cycles;		/* in turns that found something to do */
	uint64_t packets;		/* received and taken over in those */
	uint64_t longest_cycles;	/* the longest turn since reset_peaks */
	uint32_t held_peak;		/* mbufs that the stack held at a turn's end */
	uint64_t batches[WORKER_BATCHES];	/* how many turns found 1, 2-3, 4-7, ... packets */
};

/* What all workers have in common, constant while they run. */
struct worker_conf {
	unsigned n_workers;
	struct ports *ports;
	struct pools *pools;
	struct active *active;
	struct journal *journal;
	struct sinks *sinks;
	struct flows *flows;
	struct captures *captures;	/* NULL: there are none */
	struct followers *followers;	/* likewise */
	struct watches *watches;	/* likewise */
	const struct drain *drain;	/* NULL: it never drains */
	struct resume *resume;	/* NULL: no flow is known from before */
	const char *sink_dir;	/* for bytes of passive flows whose rule names no folder; NULL: they
				 * are counted only */
	uint8_t eve;		/* sinks_text(): where events of all flows go; 0: where rules say */
	bool stream;		/* bytes of all passive flows go to the sinks' stream */
	bool replay;		/* frames are of captures, and so is the time: worker_feed() */
	int64_t stall_us;	/* BFD is silent when a worker has not turned for so long */
	uint32_t n_held_max;	/* of all workers together */
	/* A worker's; 0, NULL: the stack's default. */
	uint32_t n_flows;	/* of each kind */
	uint32_t n_embryos;
	uint32_t window_max;	/* bytes */
	int64_t idle_us;
	struct tcpterm_passive_conf passive;
	const char *congestion;
	uint64_t secret[2];
};

struct tx_batch {
	struct rte_mbuf *m[TX_BATCH];
	unsigned n;
};

struct worker {
	unsigned id;
	const struct worker_conf *conf;
	struct worker **all;
	struct tcpterm *stack;
	const struct tcpterm_stats *tcp;	/* the stack's counters */
	const struct drops *tcp_drops;
	struct notes *notes;
	struct app *app;
	struct waiting *waiting;	/* flows that their bytes decide */
	struct frag_table *frags;
	/* of all workers: frames to their owner, and to who has a queue to send by */
	struct handoff *in, *out;
	usec_t now;
	const struct snapshot *snapshot;	/* in force during this turn */
	bool has_tapes;			/* there is room for captures of flows */
	struct note pending;		/* of the flow that is being decided */
	uint32_t pending_rule;		/* index + 1: `pending` is what its rule says; or 0 */
	bool capturing;			/* in this turn */
	const struct pkt *whole;	/* of the fragments that are being forwarded; NULL */
	struct tx_batch tx[MAX_PORTS];
	uint8_t pair_of[N_DOMAINS];	/* learned from what came; NO_PAIR: a tap, or nothing yet */
	struct bfd bfd[MAX_PORTS];	/* liveness.c's: of the ports that are this worker's */
	struct drops drops;
	struct worker_stats stats;
	struct worker_load load;
	struct measures measures;	/* of flows that ended */
	atomic_bool reset_peaks;	/* asked by any thread, cleared by the worker */
	pthread_t thread;
	int core;
	bool has_thread;
	atomic_bool stop;
	_Atomic int64_t turned;		/* clock_now() of the latest turn */
};

/*
 * Makes conf->n_workers of them in `w`; `conf` outlives them.  0, or a negative errno with
 * `err`, and none is left.
 */
int workers_new(const struct worker_conf *conf, struct worker *w[], struct err *err);
/* Those that were not made may be NULL. */
void workers_free(struct worker *w[], unsigned n);

/* Starts a thread for each, on core[k] if that is not -1.  0, or a negative errno with `err`. */
int workers_start(struct worker *w[], unsigned n, const int core[], struct err *err);
void workers_stop(struct worker *w[], unsigned n);

/* The flows that are alive in it; any thread. */
uint64_t worker_n_flows(const struct worker *w);

/* One turn: hand-offs, then each port's queue, then timers, then what is to be sent.  Returns how
 * many frames and records it dealt with. */
unsigned worker_turn(struct worker *w, usec_t now);

/*
 * In place of turns, where captures are read (conf->replay): the next frames, with their times,
 * come by port 0.  `now` is the first one's; what was due before it happens first.  Nothing is
 * sent.
 */
void worker_feed(struct worker *w, struct rte_mbuf *m[], unsigned n, usec_t now);

/* A frame that no flow is known to own goes out by the other port; `counter` counts it. */
void worker_bridge(struct worker *w, struct rte_mbuf *m, uint64_t *counter);

/* An attachment's frames leave by the pair that they came by. */
void worker_learn_pair(struct worker *w, const struct pkt *p);

/* Gives a frame to that worker, or drops it where the ring is full: false. */
bool worker_hand_over(struct worker *w, unsigned owner, struct rte_mbuf *m);

/* Gives the port's batch to its device, or to the worker that has a queue of it. */
void worker_flush(struct worker *w, unsigned port);

/* Puts a frame into the port's batch. */
static inline void
worker_put(struct worker *w, unsigned port, struct rte_mbuf *m)
{
	struct tx_batch *t = &w->tx[port];

	t->m[t->n++] = m;
	if (unlikely(t->n == TX_BATCH))
		worker_flush(w, port);
}

/* The same, and captures see it; the worker's thread, for tcpterm's callbacks. */
static inline void
worker_send(struct worker *w, unsigned port, struct rte_mbuf *m)
{
	if (unlikely(w->capturing))
		capture_out(w, port, m);
	worker_put(w, port, m);
}

#endif
