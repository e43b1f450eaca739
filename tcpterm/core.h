/*
 * core.h - the stack's own state, shared by the files of tcpterm/.
 *
 * One thread owns it.  Every kind of flow has a slab; every object begins with
 * a struct flow.
 */
#ifndef TCPTERM_CORE_H
#define TCPTERM_CORE_H

#include <sys/queue.h>

#include <tcpterm/conn.h>

#include "tcpterm/cookie.h"
#include "tcpterm/crowd.h"
#include "tcpterm/flood.h"
#include "tcpterm/l2.h"
#include "tcpterm/listeners.h"
#include "tcpterm/slab.h"
#include "tcpterm/table.h"
#include "tcpterm/timer.h"
#include "tcpterm/timewait.h"
#include "tcpterm/vlan_stack.h"

struct conn;
struct intern;
struct mgmt;
struct tapes;

enum { ROLES_WRONG = 1024 };	/* flows at a time (roles.h) */

/* A flow's place among those that may rest (rest.h); in its awake part. */
struct quiet {
	TAILQ_ENTRY(quiet) link;
	struct flow *f;
	usec_t at;		/* passive pairs: when it was put there */
	bool is_on;
};

struct tcpterm {
	struct tcpterm_conf conf;
	usec_t now;
	struct slab slabs[N_FLOW_SLABS];	/* by flow_slab() */
	struct slab awake[3];		/* struct endpoint, struct relay, struct pair (rest.h) */
	struct intern *ways[2];		/* of those at rest, each once */
	struct slab more;		/* struct conn_more */
	struct slab pair_more;		/* struct pair_more (pair_rest.h) */
	TAILQ_HEAD(, quiet) quiet;	/* flows that may rest, the latest to speak last */
	uint32_t n_quiet;
	TAILQ_HEAD(, quiet) pairs;	/* passive ones that are awake, by their last look */
	uint32_t n_pairs;
	struct slab sent;		/* struct sent_seg, of all connections */
	struct table *table;
	uint32_t table_changes;		/* a burst's look-ups are good while this stays */
	struct crowd crowd;		/* of the burst in hand */
	struct {
		const struct pkt *p;	/* its link header is known for direction `dir` of `f` */
		const struct flow *f;
		unsigned dir;
	} learned;			/* in the burst in hand; only to be compared */
	struct timer_wheel wheel;
	struct listeners *listeners;
	struct vlan_stacks *vlans;
	struct l2_headers *l2s;
	LIST_HEAD(, conn) pending;	/* connections with something to send at the burst's end */
	const struct pkt *original;	/* fragments of the packet in hand, still to be forwarded */
	unsigned n_original;
	const struct tcpterm_conn_ops *conn_ops;
	void *conn_ctx;
	struct mgmt *mgmt;		/* addresses of the stack's own; NULL: it never had one */
	struct tapes *tapes;		/* flows' captures; NULL: there are none */
	uint32_t next_port;		/* moves on with each port that was chosen (connect.c) */
	struct flood flood;
	struct cookies cookies;
	struct timewaits timewaits;
	uint32_t n_wrong, wrong[ROLES_WRONG];	/* flows whose roles are to be mended, by ref */
	TAILQ_HEAD(, half) holding;	/* passive halves that hold bytes, the longest first */
	uint32_t evict_at;		/* where room for a passive flow was found last */
	struct slab pieces;		/* struct piece, of all passive halves; made by the first */
	struct slab takeovers;		/* struct takeover, of passive flows; made by the first */
	struct slab track_more;		/* struct track_more, of tracked flows; made by the first */
	struct slab timings;		/* struct track_timing, an array: none is handed out */
	struct slab watches;		/* struct watch, of interrupted flows; made by the first */
	struct drops drops;
	struct tcpterm_stats stats;
};

/* --- flows (flow.c) --- */

/* A new object of `kind` for the packet's flow, in the table, its direction 0 the packet's;
 * NULL counts no_memory. */
struct flow *flow_create(struct tcpterm *s, enum tcpterm_kind kind, const struct pkt *p,
			 bool reverse);

/* Is there room for one more of the kind? */
bool core_has_room(const struct tcpterm *s, enum tcpterm_kind kind);

/* The flow's hash, by its key; `ctx` is the stack. */
uint32_t core_flow_hash(const void *ctx, const struct flow *f);

/* Announces the end if that is still due, takes it out of the table and frees its slot. What
 * the kind holds is released before by the kind's own code. */
void flow_destroy(struct tcpterm *s, struct flow *f, enum tcpterm_end why);

/* The flow becomes one of another kind, with its head, in the same place of the table; the
 * old object is freed. NULL: no room, and `f` is as it was. */
struct flow *flow_become(struct tcpterm *s, struct flow *f, enum tcpterm_kind kind);

/* Calls flow_new: the flow is complete, and the caller may know of it. */
void flow_announce(struct tcpterm *s, struct flow *f);

/* Calls flow_end, once a flow: it is over for its owner, with all counters in place. The
 * object may stay in the table to answer, or to swallow, what comes late. */
void flow_announce_end(struct tcpterm *s, struct flow *f, enum tcpterm_end why);

/* Arms the flow's timer; USEC_NEVER cancels it. */
void flow_arm(struct tcpterm *s, struct flow *f, usec_t at);

/* Counts the packet for its direction (0 or 1). */
void flow_count(struct tcpterm *s, struct flow *f, const struct pkt *p, unsigned dir);

/* Learns how the direction's headers are written from a packet that its receiver would accept. */
void flow_learn(struct tcpterm *s, struct flow *f, const struct pkt *p, unsigned dir);

/* Both. */
void flow_touch(struct tcpterm *s, struct flow *f, const struct pkt *p, unsigned dir);

/* Counts a drop and frees the mbuf. */
void core_drop(struct tcpterm *s, struct rte_mbuf *m, enum drop why);

/* Hands the packet to ops->forward. */
void core_forward(struct tcpterm *s, const struct pkt *p);

/* What the filter or the `unknown` callback said of a packet whose flow has no object yet: makes
 * one, and gives it the packet. Takes p->m. */
void core_decide(struct tcpterm *s, struct pkt *p, const struct tcpterm_verdict *v);

/* The same for a packet of no flow: a SYN asks its listener, the rest ops->unknown. */
void core_new_flow(struct tcpterm *s, struct pkt *p);
void core_unknown(struct tcpterm *s, struct pkt *p);

/* Gives the packet to its flow (NULL: none yet); takes p->m. */
void core_dispatch(struct tcpterm *s, struct pkt *p, struct flow *f, unsigned dir);

/* The flow hash and key of a packet; false: its VLAN stack is unknown (or, with `create`, there
 * is no room). */
uint32_t core_hash(const struct pkt *p);
bool core_key(struct tcpterm *s, const struct pkt *p, bool create, struct flow_key *k);

/* The packet's key, to look for its flow; false: its VLAN stack is unknown, and so no flow has it.
 * It lasts as long as the packet. */
static inline bool
core_table_key(struct tcpterm *s, const struct pkt *p, struct table_key *k)
{
	struct flow_key whole;

	k->hash = p->hash;
	k->v6 = &p->src;
	if (likely(p->n_key_tags == 0 && ip_addr_is_v4(&p->src) && ip_addr_is_v4(&p->dst))) {
		short_key_v4(&k->key, &p->src, &p->dst, p->sport, p->dport, p->domain);
		return true;
	}
	if (!core_key(s, p, false, &whole))
		return false;
	k->key = flow_key_short(&whole);
	return true;
}

/* Ends a flow of any kind without a frame: it leaves the table. */
void core_end(struct tcpterm *s, struct flow *f, enum tcpterm_end why);

#endif
