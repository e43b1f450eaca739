/*
 * ports.h - all ports of an instance, and the thread that opens them.
 *
 * Made and freed by the main thread.  The port thread reads the links every 100 ms.  Opening
 * a port blocks until the switch connects, so each has a thread of its own for it: one that
 * the switch does not have keeps no other waiting.  What is here besides is constant once made;
 * any thread reads it.
 */
#ifndef LEAT_VNF_PORTS_H
#define LEAT_VNF_PORTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "vnf/cmdline.h"

enum {
	DOMAIN_TAPS = 64,	/* domains below are pairs, these and above attachments and taps */
	DOMAIN_UNTAGGED = 0x7ff,	/* of a tap's frame that carries no metadata tag */
	N_DOMAINS = 0x800,
};

/* A port's thread while it is being opened.  The port thread starts and joins it. */
struct opener {
	struct port *port;
	pthread_t thread;
	bool runs, again;
	atomic_bool done;
};

struct ports {
	struct port *port[MAX_PORTS];
	bool is_tap[MAX_PORTS];
	uint8_t peer[MAX_PORTS];	/* the other one of the pair; itself if a tap */
	unsigned n;
	uint8_t pair[MAX_PAIRS][2];	/* by domain: client's side, server's side */
	unsigned n_pairs;
	struct opener opener[MAX_PORTS];
	pthread_t thread;
	bool has_thread;
	atomic_bool stop, stopped;
};

/* NULL fills `err`; no device is touched yet.  `n_queues` is the number of workers. */
struct ports *ports_new(const struct options *o, unsigned n_queues, struct rte_mempool *pool,
			struct err *err);

/* Starts the thread.  0, or a negative errno with `err`. */
int ports_start(struct ports *p, struct err *err);

/*
 * Ends the threads, waiting at most `wait_ms`; false if one is still in a probe, which
 * ends only when the switch connects: then nothing can be freed, ports_abandon()
 * removes what it left, and the program ends by _exit().
 */
bool ports_stop(struct ports *p, int wait_ms);
void ports_abandon(struct ports *p);
void ports_free(struct ports *p);

/* Are all of them open?  Else the name of one that is not. */
const char *ports_waiting(const struct ports *p);

/* The least MTU of the ports of one side: the user's, link header and metadata tag excluded. */
uint16_t ports_mtu(const struct ports *p, unsigned side);

#endif
