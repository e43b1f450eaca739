/*
 * half_tell.h - what a half tells its owner.
 *
 * Urgent bytes that the flow's rule takes out of the stream are told beside it, and no offset that
 * is told counts them.  Private to half.c and half_tell.c.
 */
#ifndef TCPTERM_HALF_TELL_H
#define TCPTERM_HALF_TELL_H

#include "tcpterm/half.h"

/* The `len` bytes of `m` from m_off on are those from h->next on; none of them is urgent. */
void tell_run(struct tcpterm *s, struct flow *f, struct half *h, const struct rte_mbuf *m,
	      uint32_t m_off, uint32_t len);

/* The same, where some may be. */
void tell_bytes(struct tcpterm *s, struct flow *f, struct half *h, const struct rte_mbuf *m,
		uint32_t m_off, uint32_t len);

/* Nothing follows. */
void tell_end(struct tcpterm *s, struct flow *f, struct half *h);

#endif
