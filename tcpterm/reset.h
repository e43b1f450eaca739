/*
 * reset.h - resets that their receivers believe, made for ends that are not ours.
 *
 * A RST has to carry exactly the number that its receiver expects (RFC 5961 3.2).  What
 * an end acknowledged tells that number; where more was seen on its way to it, a second RST
 * carries the number after that; and whatever the end sends then says the
 * number itself and is answered by it (RFC 9293 3.10.7.1).  Stack's thread.
 */
#ifndef TCPTERM_RESET_H
#define TCPTERM_RESET_H

#include "tcpterm/core.h"

struct manners manners_of(const struct pkt *p);

/* A RST to end `to` of the flow, as from the other one. */
void reset_send(struct tcpterm *s, const struct flow *f, unsigned to, const struct manners *m,
		uint32_t number, bool has_ack, uint32_t ack);

/* A stateless RST in answer to `p`, by RFC 9293 3.10.7.1; p->m stays the caller's. */
void reset_reply(struct tcpterm *s, const struct pkt *p);

/* What RESET does to the segment of no flow: tells `ends` (0: its sender), be its sender the
 * initiator or not.  p->m stays the caller's. */
void reset_refuse(struct tcpterm *s, const struct pkt *p, bool from_responder, unsigned ends);

#endif
