/*
 * mgmt.h - a stack's own addresses, see <tcpterm/address.h>: which they are, and what answers.
 *
 * The set is sorted by domain, tags and address, so that a frame costs one binary search.  Only
 * frames that are neither TCP nor errors about it come here.  The stack's thread.
 */
#ifndef TCPTERM_MGMT_H
#define TCPTERM_MGMT_H

#include <tcpterm/address.h>

#include "tcpterm/core.h"

struct mgmt;

void mgmt_free(struct mgmt *set);

/* Answers a frame for one of the stack's addresses, or drops one that it may not answer, counted:
 * true, and p->m is taken.  False: it is nobody's here. */
bool mgmt_input(struct tcpterm *s, struct pkt *p);

/* --- for mgmt_arp.c, mgmt_nd.c, mgmt_echo.c --- */

/* As mgmt_input(), of the frames of each protocol. */
bool mgmt_arp(struct tcpterm *s, struct pkt *p);
bool mgmt_nd(struct tcpterm *s, struct pkt *p);
bool mgmt_echo(struct tcpterm *s, struct pkt *p);

/* The stack's address that frame `p` can be about; NULL. */
const struct tcpterm_address *mgmt_find(const struct tcpterm *s, const struct pkt *p,
					const struct ip_addr *addr);

/* May the host at `from` ask for the MAC of `a`? */
bool mgmt_is_neighbour(const struct tcpterm_address *a, const struct ip_addr *from);

static inline const struct rte_ether_hdr *
mgmt_ether(const struct pkt *p)
{
	return rte_pktmbuf_mtod(p->m, const struct rte_ether_hdr *);
}

/* The frame ends here, counted as `why`. True. */
bool mgmt_drop(struct tcpterm *s, struct pkt *p, enum drop why);

/* An empty header mbuf in which the link header of an answer to `p`, to the MAC `to`, is written;
 * *l3 is behind it. NULL, and counted: no room. */
struct rte_mbuf *mgmt_answer(struct tcpterm *s, const struct pkt *p,
			     const struct tcpterm_address *a, const struct rte_ether_addr *to,
			     uint16_t ether_type, unsigned *l3);

/* Transmits an answer of `len` bytes in its first mbuf, along the way that `p` came. */
void mgmt_send(struct tcpterm *s, const struct pkt *p, struct rte_mbuf *m, unsigned len);

#endif
