#include <rte_tcp.h>

#include "datapath/checksum.h"
#include "tcpterm/embryo.h"
#include "tcpterm/options.h"
#include "tcpterm/relay.h"
#include "tcpterm/track.h"

/* Since the last segment of either side; a client's own SYN timer ends well before.  Under pressure
 * flood.c ends it sooner. */
#define LIFETIME_US (75LL * 1000 * 1000)

static const uint8_t *
options_at(const struct pkt *p)
{
	return rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->l4 + 20);
}

/* Signed segments can be neither changed nor made (RFC 2385, 5925). */
static void
decide(struct tcpterm *s, struct pkt *p, const struct tcpterm_options *o, struct tcpterm_verdict *v)
{
	if (v->decision == TCPTERM_RELAY && (o->has_md5 || o->has_ao))
		v->decision = v->signed_reset ? TCPTERM_RESET : TCPTERM_PASS;
	core_decide(s, p, v);
}

void
embryo_syn(struct tcpterm *s, struct pkt *p)
{
	tcpterm_listener_id id;
	const struct tcpterm_listener_conf *l = listeners_find(s->listeners, p, &id);
	struct tcpterm_syn syn = { .pkt = p, .now = s->now };
	struct tcpterm_verdict v = { .decision = TCPTERM_ACCEPT };

	if (!l) {
		core_unknown(s, p);
		return;
	}
	options_parse(options_at(p), p->opt_len, &syn.opt);
	s->stats.options_malformed += syn.opt.malformed;
	if (l->filter)
		v = l->filter(l->ctx, &syn);
	decide(s, p, &syn.opt, &v);
}

static struct embryo *
embryo_new(struct tcpterm *s, struct pkt *p, const struct tcpterm_verdict *v)
{
	struct embryo *e = (struct embryo *)flow_create(s, TCPTERM_KIND_EMBRYO, p, false);

	if (!e)
		return NULL;
	e->f.cookie = v->cookie;
	e->f.caller = v->caller;
	e->verdict = *v;
	return e;
}

/* --- deferred --- */

void
tcpterm_syn_l2(const struct tcpterm_syn *syn, struct tcpterm_l2 *l2)
{
	const struct rte_ether_hdr *eth =
		rte_pktmbuf_mtod(syn->pkt->m, const struct rte_ether_hdr *);

	*l2 = (struct tcpterm_l2){ .dst = eth->dst_addr,
				   .src = eth->src_addr,
				   .n_tags = syn->pkt->n_tags };
	memcpy(l2->tag, syn->pkt->tag, l2->n_tags * sizeof l2->tag[0]);
}

/* Nobody decided in time, or there was no room to wait for it. */
static struct tcpterm_verdict
undecided(const struct tcpterm_verdict *v)
{
	struct tcpterm_verdict then = *v;

	then.decision = v->on_expiry == TCPTERM_DEFER ? TCPTERM_SILENT : v->on_expiry;
	return then;
}

void
embryo_defer(struct tcpterm *s, struct pkt *p, const struct tcpterm_verdict *v)
{
	struct embryo *e = NULL;
	struct tcpterm_options o;
	struct tcpterm_verdict then;

	if (s->stats.n_deferred < s->conf.n_deferred &&
	    s->stats.n_held + p->m->nb_segs <= s->conf.n_held_max)
		e = embryo_new(s, p, v);
	if (!e) {
		s->stats.deferrals_refused++;
		options_parse(options_at(p), p->opt_len, &o);
		then = undecided(v);
		decide(s, p, &o, &then);
		return;
	}
	e->pkt = *p;
	e->syn = p->m;
	e->floor = s->timewaits.floor;
	listeners_find(s->listeners, p, &e->listener);
	s->stats.n_held += p->m->nb_segs;
	s->stats.n_deferred++;
	s->stats.n_deferred_peak = RTE_MAX(s->stats.n_deferred_peak, s->stats.n_deferred);
	flow_touch(s, &e->f, p, 0);
	flow_arm(s, &e->f, usec_add(s->now, v->defer_us));
}

/* The held SYN comes back to life, its embryo goes. */
static struct pkt
take_syn(struct tcpterm *s, struct embryo *e)
{
	struct pkt p = e->pkt;

	s->stats.n_held -= e->syn->nb_segs;
	s->stats.n_deferred--;
	e->syn = NULL;
	flow_destroy(s, &e->f, TCPTERM_END_NONE);
	return p;
}

/* Decides the held SYN, under what a connection in TIME-WAIT asked of it when it came. */
static void
decide_syn(struct tcpterm *s, struct embryo *e, struct tcpterm_verdict v)
{
	struct tcpterm_options o;
	struct pkt p;

	v.cookie = v.cookie ? v.cookie : e->f.cookie;
	v.caller = v.caller ? v.caller : e->f.caller;
	timewait_set_floor(s, e->floor);
	p = take_syn(s, e);
	options_parse(options_at(&p), p.opt_len, &o);
	decide(s, &p, &o, &v);
	timewait_set_floor(s, (struct timewait_floor){ 0 });
}

int
tcpterm_decide(struct tcpterm *s, struct flow *f, const struct tcpterm_verdict *v)
{
	struct embryo *e = (struct embryo *)f;

	if (f->kind != TCPTERM_KIND_EMBRYO || !e->syn || v->decision == TCPTERM_DEFER)
		return -EINVAL;
	decide_syn(s, e, *v);
	return 0;
}

static void
expire(struct tcpterm *s, struct embryo *e)
{
	s->stats.embryos_expired++;
	decide_syn(s, e, undecided(&e->verdict));
}

static void
drop_deferred(struct tcpterm *s, const struct slab *slab, tcpterm_listener_id id)
{
	for (uint32_t i = 0; i < slab->n_touched; i++) {
		struct embryo *e = slab_at(slab, i);

		if (!slab_alive(slab, i) || !e->syn || e->listener != id)
			continue;
		core_drop(s, take_syn(s, e).m, DROP_listener_closed);
	}
}

int
tcpterm_listen(struct tcpterm *s, const struct tcpterm_listener_conf *conf, tcpterm_listener_id *id)
{
	return listeners_add(s->listeners, conf, id);
}

int
tcpterm_unlisten(struct tcpterm *s, tcpterm_listener_id id)
{
	int rc = listeners_remove(s->listeners, id);

	if (rc == 0)
		for (unsigned v6 = 0; v6 < 2; v6++)
			drop_deferred(s, &s->slabs[flow_slab(TCPTERM_KIND_EMBRYO, v6)], id);
	return rc;
}

/* --- forwarded handshake --- */

/*
 * The smaller port counts, whichever way the SYN goes: a flow that is only followed, later, crosses
 * both.
 */
static uint16_t
mss_most(const struct tcpterm *s, const struct embryo *e, const struct pkt *p)
{
	uint16_t mtu = RTE_MIN(s->conf.mtu[0], s->conf.mtu[1]);
	uint16_t mss = (uint16_t)(mtu - 4 * p->n_tags - (p->is_v6 ? 60 : 40));
	uint16_t tuned = e->verdict.tuning.mss;

	return tuned ? RTE_MIN(mss, RTE_MAX(tuned, (uint16_t)TCB_MSS_LEAST)) : mss;
}

/* Options that we could not keep to afterwards leave the segment, the checksum follows. */
static void
filter_options(struct tcpterm *s, const struct embryo *e, struct pkt *p)
{
	struct rte_tcp_hdr *tcp = rte_pktmbuf_mtod_offset(p->m, struct rte_tcp_hdr *, p->l4);
	uint8_t *opt = (uint8_t *)(tcp + 1);
	uint8_t was[TCP_OPTIONS_MAX];
	uint16_t *word = (uint16_t *)opt;

	memcpy(was, opt, p->opt_len);
	s->stats.options_removed += options_filter(opt, p->opt_len, mss_most(s, e, p));
	for (unsigned i = 0; i < p->opt_len / 2u; i++) {
		uint16_t before;

		memcpy(&before, was + 2 * i, 2);
		if (before != word[i])
			tcp->cksum = cksum_update16(tcp->cksum, before, word[i]);
	}
	if (p->flags & TCP_AE) {
		uint16_t *off_flags = (uint16_t *)&tcp->data_off;
		uint16_t before = *off_flags;

		tcp->data_off &= 0xfe;
		tcp->cksum = cksum_update16(tcp->cksum, before, *off_flags);
	}
}

/* A SYN that comes again says nothing new but its timestamp, and that only if it is newer; and
 * that its end does without ECN (RFC 3168 6.1.1: who said so once may not use it). */
static void
learn_again(struct embryo_end *end, const struct pkt *p)
{
	struct tcpterm_options o;

	end->flags &= p->flags;
	options_parse(options_at(p), p->opt_len, &o);
	if (o.has_ts && (int32_t)(o.tsval - end->opt.tsval) > 0)
		end->opt.tsval = o.tsval;
}

static void
learn_end(struct tcpterm *s, struct embryo_end *end, const struct pkt *p)
{
	end->ttl = p->ttl;
	end->tos = p->tos;
	end->df = p->df;
	end->flow_label = p->flow_label;
	if (!(p->flags & TCP_SYN))
		return;
	if (end->seen && end->isn.v == p->seq) {	/* sent again, or come twice */
		end->at = USEC_NEVER;
		learn_again(end, p);
		return;
	}
	end->at = s->now;
	end->seen = true;
	end->isn = seq(p->seq);
	end->window = p->window;
	end->flags = p->flags;
	options_parse(options_at(p), p->opt_len, &end->opt);
}

static void
forward(struct tcpterm *s, struct embryo *e, struct pkt *p, unsigned dir)
{
	flow_touch(s, &e->f, p, dir);
	if (dir == 0)
		flood_heard(s, e);
	if (p->flags & TCP_SYN)
		filter_options(s, e, p);
	if (dir == 1 && p->flags & TCP_SYN && e->answered_us == 0)
		e->answered_us = (uint32_t)RTE_MAX(1, usec_diff(s->now, e->f.started));
	learn_end(s, &e->end[dir], p);
	flow_arm(s, &e->f, usec_add(s->now, LIFETIME_US));
	core_forward(s, p);
}

void
embryo_relay(struct tcpterm *s, struct pkt *p, const struct tcpterm_verdict *v)
{
	struct embryo *e;

	if (!flood_admits(s, p, v))
		return;
	e = embryo_new(s, p, v);
	/* No room: the SYN crosses and the servers defend themselves. */
	if (!e) {
		core_forward(s, p);
		return;
	}
	flow_announce(s, &e->f);
	forward(s, e, p, 0);
}

/* Is this the client's answer to the SYN-ACK?  Its data may come with it or before it. */
static bool
third_ack(const struct embryo *e, const struct pkt *p)
{
	const struct embryo_end *client = &e->end[0], *server = &e->end[1];
	uint32_t beyond = p->seq - (client->isn.v + 1);

	return server->seen && p->flags & TCP_ACK && !(p->flags & (TCP_SYN | TCP_RST)) &&
	       p->ack == server->isn.v + 1 && beyond <= server->window;
}

/* A RST that the handshake's other end will believe. */
static bool
refused(const struct embryo *e, const struct pkt *p, unsigned dir)
{
	if (!(p->flags & TCP_RST))
		return false;
	if (dir == 1)
		return p->flags & TCP_ACK && p->ack == e->end[0].isn.v + 1;
	return p->seq == e->end[0].isn.v + 1;
}

/* What is not a plain handshake is followed, not terminated. */
static void
to_track(struct tcpterm *s, struct embryo *e, struct pkt *p)
{
	struct tcpterm_verdict v = e->verdict;
	struct flow *f = flow_become(s, &e->f, TCPTERM_KIND_TRACK);
	const struct ip_addr initiator = flow_addr(&e->f, 0);
	unsigned dir = ip_addr_eq(&p->src, &initiator) && p->sport == e->f.key.port[0] ? 0 : 1;

	/* Without a state the flow must not be terminated later, from its middle. */
	if (!f) {
		embryo_end(s, &e->f, TCPTERM_END_EVICTED);
		core_forward(s, p);
		return;
	}
	v.decision = TCPTERM_TRACK;
	track_start(s, f, p, &v);
	track_input(s, f, p, dir);
}

static void
client_input(struct tcpterm *s, struct embryo *e, struct pkt *p)
{
	bool syn = (p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;

	if (syn && p->seq != e->end[0].isn.v) {
		s->stats.embryos_replaced++;
		embryo_end(s, &e->f, TCPTERM_END_REPLACED);
		embryo_syn(s, p);
	} else if (third_ack(e, p)) {
		if (!relay_start(s, e, p))
			to_track(s, e, p);
	} else {
		forward(s, e, p, 0);
	}
}

static void
server_input(struct tcpterm *s, struct embryo *e, struct pkt *p)
{
	bool synack = (p->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);

	if (p->flags & TCP_SYN && !synack)
		to_track(s, e, p);	/* a SYN from the other side: simultaneous open */
	else if (synack && p->ack != e->end[0].isn.v + 1)
		core_forward(s, p);	/* the client will refuse it itself */
	else
		forward(s, e, p, 1);
}

void
embryo_input(struct tcpterm *s, struct flow *f, struct pkt *p, unsigned dir)
{
	struct embryo *e = (struct embryo *)f;
	bool over = refused(e, p, dir);

	if (p->cksum_bad) {
		core_drop(s, p->m, DROP_proxy_cksum);
		return;
	}
	if (e->syn) {
		if (p->flags & TCP_SYN)
			core_drop(s, p->m, DROP_embryo_held);
		else
			core_forward(s, p);
		return;
	}
	if (dir == 0)
		client_input(s, e, p);
	else
		server_input(s, e, p);
	if (over)
		embryo_end(s, f, TCPTERM_END_REFUSED);
}

void
embryo_timer(struct tcpterm *s, struct flow *f)
{
	struct embryo *e = (struct embryo *)f;

	if (e->syn) {
		expire(s, e);
	} else {
		s->stats.embryos_expired++;
		embryo_end(s, f, TCPTERM_END_TIMEOUT);
	}
}

void
embryo_end(struct tcpterm *s, struct flow *f, enum tcpterm_end why)
{
	struct embryo *e = (struct embryo *)f;

	if (e->syn)
		core_drop(s, take_syn(s, e).m, DROP_listener_closed);
	else
		flow_destroy(s, f, why);
}
