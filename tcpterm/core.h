/*
 * core.h - the stack's own state, shared by the files of tcpterm/.
 *
 * One thread owns it.  Every kind of flow has a slab; every object begins with
 * a struct flow.
 */
#ifndef TCPTERM_CORE_H
#define TCPTERM_CORE_H

#include <tcpterm/conn.h>

#include "tcpterm/l2.h"
#include "tcpterm/listeners.h"
#include "tcpterm/slab.h"
#include "tcpterm/table.h"
#include "tcpterm/timer.h"
#include "tcpterm/vlan_stack.h"

struct conn;

struct tcpterm {
	struct tcpterm_conf conf;
	usec_t now;
	struct slab slabs[TCPTERM_N_KINDS];
	struct slab sent;		/* struct sent_seg, of all connections */
	struct table *table;
	struct timer_wheel wheel;
	struct listeners *listeners;
	struct vlan_stacks *vlans;
	struct l2_stacks *l2s;
	struct conn *pending;		/* connections with something to send at the burst's end */
	const struct tcpterm_conn_ops *conn_ops;
	void *conn_ctx;
	struct drops drops;
	struct tcpterm_stats stats;
};

/* --- flows (flow.c) --- */

/* A new object of `kind` for the packet's flow, in the table, its direction 0 the packet's;
 * NULL counts no_memory. flow_new is called by the creator when the object is complete. */
struct flow *flow_create(struct tcpterm *s, enum tcpterm_kind kind, const struct pkt *p,
			 bool reverse);

/* Calls flow_end (unless the flow was never announced), takes it out of the table and frees its slot. What
 * the kind holds is released before by the kind's own code. */
void flow_destroy(struct tcpterm *s, struct flow *f, enum tcpterm_end why);

/* Counts the packet for its direction (0 or 1), learns its L2 template. */
void flow_touch(struct tcpterm *s, struct flow *f, const struct pkt *p, unsigned dir);

/* Counts a drop and frees the mbuf. */
void core_drop(struct tcpterm *s, struct rte_mbuf *m, enum drop why);

/* Hands the packet to ops->forward. */
void core_forward(struct tcpterm *s, const struct pkt *p);

/* A stateless RST in answer to `p`, by RFC 9293 3.10.7.1; m stays the caller's. */
void core_reset_reply(struct tcpterm *s, const struct pkt *p);

#endif
