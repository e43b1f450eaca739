/*
 * resume.h - the flows that were alive when an earlier leatd was lost, to be taken up again.
 *
 * A table read once from the store, at start, before the workers run.  From then on workers look
 * into it for segments of flows that they do not know; an entry belongs to the worker that
 * owns its flow, and is good for one time.  An hour later, or when all were taken, the control
 * thread frees the table once every worker has passed on.
 */
#ifndef LEAT_VNF_RESUME_H
#define LEAT_VNF_RESUME_H

#include <stdatomic.h>

#include <rte_rcu_qsbr.h>

#include "datapath/parse.h"
#include "db/store.h"
#include "vnf/cmdline.h"
#include "vnf/policy/policy.h"

/* A flow as it was at its last checkpoint; [0] is the client. */
struct resumed {
	struct ip_addr addr[2];
	uint16_t port[2];
	uint16_t domain;
	uint16_t vid[RECORD_VLANS];
	uint8_t n_vids;
	bool gone;		/* taken, or its tuple begins anew; its worker's */
	bool roles_guessed;
	enum policy_mode mode;	/* the one it had come down to */
	uint32_t hash;
	uint32_t next;		/* of the same bucket, and one more; 0: none */
	uint64_t generation;
	int64_t seen;		/* us since 1970 */
	char rule[RECORD_RULE];
};

struct resume_table;

struct resume {
	_Atomic(struct resume_table *) table;	/* NULL: nothing is known */
	struct rte_rcu_qsbr *qsbr;	/* the workers' */
	struct resume_table *retired;
	uint64_t token;
	usec_t until;
	uint32_t n_known, n_left_out;	/* of them no room for the latter */
	_Atomic uint32_t n_taken[MAX_WORKERS];
	usec_t up[MAX_WORKERS];	/* each worker's: its first look, so its frames come again */
};

/*
 * Main thread, before the workers start: reads the store (NULL: knows nothing).  `qsbr` outlives
 * it.  0, or a negative errno with `err`, and nothing is known.
 */
int resume_init(struct resume *r, struct store *store, struct rte_rcu_qsbr *qsbr, usec_t now,
		struct err *err);
void resume_fini(struct resume *r);

/* Control thread, now and then: frees the table when it is time. */
void resume_run(struct resume *r, usec_t now);

/* Worker: the flow of `p`, which is no SYN, and whether the server sent it; once.  NULL: not known.
 * Good until the turn ends. */
const struct resumed *resume_take(struct resume *r, unsigned worker, const struct pkt *p,
				  usec_t now, bool *from_server);

/* Worker: a SYN begins the tuple anew. */
void resume_forget(struct resume *r, unsigned worker, const struct pkt *p, usec_t now);

/*
 * Until when an end of `f` may still repeat for the first time what it sent in vain while nobody
 * forwarded: a timer that doubles waits no longer than it has waited (RFC 6298 5.5).
 */
usec_t resume_repeats_until(const struct resume *r, unsigned worker, const struct resumed *f);

/* Flows that may still be taken up; any thread but a worker's. */
uint32_t resume_waiting(const struct resume *r);

#endif
