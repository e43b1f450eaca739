#include "tcpterm/segment.h"
#include "tcpterm/timewait.h"

#define TIMEWAIT_US (60LL * 1000 * 1000)	/* 2 MSL, as Linux's */

static void
keep_numbers(struct timewait *w, const struct conn *c)
{
	unsigned k = c->leg;

	w->leg[k].seq = seq_of(c->iss, c->nxt).v;
	w->leg[k].ack = seq_of(c->irs, receive_ack(c)).v;
	w->leg[k].tsval = c->ts_val ? *c->ts_val : c->ts_offset;
	w->leg[k].tsecr = c->rcv.ts_recent;
	w->leg[k].ttl = c->ttl;
	w->leg[k].tos = c->tos & 0xfc;
	w->leg[k].df = c->df;
	w->leg[k].flow_label = c->flow_label;
	w->leg[k].used = true;
	w->ts_on = c->ts_on;
	w->own_clock = c->own_clock;
}

static void
enter(struct tcpterm *s, struct flow *f, struct timewait *numbers)
{
	struct timewait *w = (struct timewait *)flow_become(s, f, TCPTERM_KIND_TIMEWAIT);

	if (!w) {
		flow_destroy(s, f, TCPTERM_END_FIN);
		return;
	}
	memcpy(w->leg, numbers->leg, sizeof w->leg);
	w->ts_on = numbers->ts_on;
	w->own_clock = numbers->own_clock;
	flow_arm(s, &w->f, usec_add(s->now, TIMEWAIT_US));
}

void
timewait_start(struct tcpterm *s, struct relay *r)
{
	struct timewait numbers = { 0 };

	flow_announce_end(s, &r->f, TCPTERM_END_FIN);
	for (unsigned k = 0; k < 2; k++) {
		keep_numbers(&numbers, &r->leg[k]);
		tcb_fini(&r->leg[k]);
		stream_clear(s, &r->str[k]);
	}
	enter(s, &r->f, &numbers);
}

void
timewait_start_conn(struct tcpterm *s, struct flow *f, const struct conn *c)
{
	struct timewait numbers = { 0 };

	flow_announce_end(s, f, TCPTERM_END_FIN);
	keep_numbers(&numbers, c);
	enter(s, f, &numbers);
}

static void
answer(struct tcpterm *s, struct timewait *w, unsigned k)
{
	struct segment g = segment_for(&w->f, k);
	struct tcpterm_options o = {
		.has_ts = w->ts_on,
		.tsval = w->leg[k].tsval + (w->own_clock ? send_clock(s) : 0),
		.tsecr = w->leg[k].tsecr,
	};

	g.ttl = w->leg[k].ttl;
	g.tos = w->leg[k].tos;
	g.df = w->leg[k].df;
	g.flow_label = w->leg[k].flow_label;
	g.seq = w->leg[k].seq;
	g.ack = w->leg[k].ack;
	g.flags = TCP_ACK;
	g.opt = &o;
	segment_send_bare(s, &g);
}

void
timewait_input(struct tcpterm *s, struct flow *f, struct pkt *p, unsigned dir)
{
	struct timewait *w = (struct timewait *)f;
	bool carries = p->payload_len > 0 || p->flags & (TCP_FIN | TCP_SYN);

	if (p->cksum_bad) {
		core_drop(s, p->m, DROP_proxy_cksum);
		return;
	}
	if ((p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) {
		flow_destroy(s, f, TCPTERM_END_FIN);
		core_new_flow(s, p);
		return;
	}
	/* A RST ends nothing here (RFC 1337); a bare ACK has nothing to be told. */
	if (w->leg[dir].used && carries && !(p->flags & TCP_RST))
		answer(s, w, dir);
	if (p->flags & TCP_FIN)	/* RFC 9293 3.10.7.4, eighth */
		flow_arm(s, f, usec_add(s->now, TIMEWAIT_US));
	core_drop(s, p->m, DROP_timewait);
}
