#include "tcpterm/reset.h"

#include <errno.h>

#include "tcpterm/embryo.h"
#include "tcpterm/endpoint.h"
#include "tcpterm/relay.h"
#include "tcpterm/segment.h"
#include "tcpterm/track.h"

struct manners
manners_of(const struct pkt *p)
{
	return (struct manners){
		.ttl = p->ttl, .tos = p->tos, .df = p->df, .flow_label = p->flow_label
	};
}

/* --- one segment --- */

void
reset_send(struct tcpterm *s, const struct flow *f, unsigned to, const struct manners *m,
	   uint32_t number, bool has_ack, uint32_t ack)
{
	struct segment g = segment_for(f, to);

	if (m->ttl) {
		g.ttl = m->ttl;
		g.tos = m->tos & 0xfc;
		g.df = m->df;
		g.flow_label = m->flow_label;
	}
	g.seq = number;
	g.ack = ack;
	g.flags = TCP_RST | (has_ack ? TCP_ACK : 0);
	segment_send_bare(s, &g);
}

void
reset_reply(struct tcpterm *s, const struct pkt *p)
{
	uint32_t len = p->payload_len + !!(p->flags & TCP_SYN) + !!(p->flags & TCP_FIN);
	bool has_ack = p->flags & TCP_ACK;
	struct segment g = {
		.ttl = 64,
		.df = true,
		.seq = has_ack ? p->ack : 0,
		.ack = p->seq + len,
		.flags = TCP_RST | (has_ack ? 0 : TCP_ACK),
	};

	if (!(p->flags & TCP_RST))
		segment_reply(s, g, p);
}

/* A RST in the place of `p`, to where it was going.  A SYN counts for what is expected: who gets
 * its SYN-ACK for the second time has taken it. */
static void
reset_onward(struct tcpterm *s, const struct pkt *p)
{
	struct segment g = {
		.along = p,
		.domain = p->domain,
		.side = !p->side,
		.sport = p->sport,
		.dport = p->dport,
		.ttl = p->ttl,
		.tos = p->tos & 0xfc,
		.df = p->df,
		.flow_label = p->flow_label,
		.seq = p->seq + !!(p->flags & TCP_SYN),
		.ack = p->ack,
		.flags = TCP_RST | (p->flags & TCP_ACK),
	};

	segment_ends(&g, &p->src, &p->dst);
	if ((p->flags & (TCP_SYN | TCP_ACK)) != TCP_SYN)
		segment_send_bare(s, &g);
}

void
reset_refuse(struct tcpterm *s, const struct pkt *p, bool from_responder, unsigned ends)
{
	unsigned sender = from_responder ? TCPTERM_RESPONDER : TCPTERM_INITIATOR;

	if (!ends || ends & sender)
		reset_reply(s, p);
	if (ends & ~sender & TCPTERM_BOTH_ENDS)
		reset_onward(s, p);
}

/* --- flows, kind by kind --- */

/* The object stays to refuse what still comes; where there is no room for it, the ends find out
 * from each other. */
static void
refuse_the_rest(struct tcpterm *s, struct flow *f, unsigned ends, const struct track_half half[2],
		enum tcpterm_end why)
{
	struct flow *rest = flow_become(s, f, TCPTERM_KIND_DROP);

	if (rest)
		track_refuse(s, rest, ends, half);
	else
		flow_destroy(s, f, why);
}

/* The client may still be in SYN-SENT, where the ACK is believed, or past it, where the number is;
 * the server in SYN-RECEIVED, or without any of it. */
static void
reset_handshake(struct tcpterm *s, const struct embryo *e, unsigned ends, struct track_half half[2])
{
	const struct embryo_end *client = &e->end[0], *server = &e->end[1];
	uint32_t up = client->isn.v + 1, down = server->isn.v + 1;
	struct manners m[2];

	for (unsigned d = 0; d < 2; d++) {
		m[d] = (struct manners){ e->end[d].ttl, e->end[d].tos, e->end[d].df,
					 e->end[d].flow_label };
		half[d].known = half[d].syn = e->end[d].seen;
		half[d].isn = e->end[d].isn;
		half[d].manners = m[d];
	}
	if (ends & TCPTERM_INITIATOR)
		reset_send(s, &e->f, 0, &m[1], server->seen ? down : 0, true, up);
	if (ends & TCPTERM_RESPONDER)
		reset_send(s, &e->f, 1, &m[0], up, server->seen, down);
}

static void
reset_held_syn(struct tcpterm *s, struct embryo *e, unsigned ends, enum tcpterm_end why)
{
	if (ends & TCPTERM_INITIATOR)
		reset_reply(s, &e->pkt);
	embryo_end(s, &e->f, why);
}

static struct manners
manners_of_conn(const struct conn *c)
{
	return (struct manners){ c->ttl, c->tos, c->df, c->flow_label };
}

static void
reset_relay(struct tcpterm *s, struct relay *r, unsigned ends, struct track_half half[2])
{
	for (unsigned k = 0; k < 2; k++) {
		half[!k].manners = manners_of_conn(&r->leg[k]);
		if (ends & 1u << k && (!r->dying || k != r->dead))
			send_reset(&r->leg[k]);
	}
	relay_release(s, r);
}

static void
reset_tracked(struct tcpterm *s, struct track *t, unsigned ends, struct track_half half[2])
{
	track_reset(s, t, ends);
	for (unsigned d = 0; d < 2; d++) {
		half[d] = t->half[d];
		half[d].manners = track_manners(s, &t->f, d);
	}
}

static void
reset_conn(struct tcpterm *s, struct endpoint *e, enum tcpterm_end why, struct track_half half[2])
{
	half[!e->c.leg].manners = manners_of_conn(&e->c);
	if (e->c.state >= TCPTERM_SYN_RECEIVED)
		send_reset(&e->c);
	endpoint_close(s, e, why);
}

int
tcpterm_reset_ends(struct tcpterm *s, struct flow *f, unsigned ends, enum tcpterm_end why)
{
	struct track_half half[2] = { 0 };

	if (f->end != TCPTERM_END_NONE)
		return -ENOTCONN;
	if (f->kind == TCPTERM_KIND_EMBRYO && ((struct embryo *)f)->syn) {
		reset_held_syn(s, (struct embryo *)f, ends, why);
		return 0;
	}
	switch ((enum tcpterm_kind)f->kind) {
	case TCPTERM_KIND_EMBRYO:
		flow_announce_end(s, f, why);
		reset_handshake(s, (const struct embryo *)f, ends, half);
		break;
	case TCPTERM_KIND_RELAY:
		flow_announce_end(s, f, why);
		reset_relay(s, relay_of(f), ends, half);
		break;
	case TCPTERM_KIND_TRACK:
		flow_announce_end(s, f, why);
		reset_tracked(s, (struct track *)f, ends, half);
		break;
	case TCPTERM_KIND_CONN:
		reset_conn(s, endpoint_of(f), why, half);
		flow_announce_end(s, f, why);
		ends = TCPTERM_BOTH_ENDS;
		break;
	default:
		return -EOPNOTSUPP;
	}
	refuse_the_rest(s, f, ends, half, why);
	return 0;
}

int
tcpterm_reset(struct tcpterm *s, struct flow *f)
{
	return tcpterm_reset_ends(s, f, TCPTERM_BOTH_ENDS, TCPTERM_END_ABORTED);
}

void
tcpterm_kill(struct tcpterm *s, struct flow *f, enum tcpterm_end why)
{
	if (tcpterm_reset_ends(s, f, TCPTERM_BOTH_ENDS, why) != 0)
		core_end(s, f, why);
}
