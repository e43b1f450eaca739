#include "tcpterm/options.h"
#include "tcpterm/pair_start.h"
#include "tcpterm/relay.h"
#include "tcpterm/segment.h"
#include "tcpterm/timewait.h"

/* --- the beginning --- */

/* What leg `c` knows: its end is `c->leg`. */
static void
keep_numbers(struct timewait *w, const struct conn *c)
{
	unsigned k = c->leg;

	w->seq[k] = seq_of(c->irs, receive_ack(c)).v;
	w->ts[k] = c->rcv.ts_recent;
	w->ts_on = c->ts_on;
}

static void
keep_manners(struct timewait *w, const struct conn *c)
{
	if (w->sort != TIMEWAIT_TRANSLATED) {
		w->ttl[c->leg] = c->ttl;
		w->tos[c->leg] = c->tos & 0xfc;
	}
	if (c->leg == 0) {
		w->df_0 = c->df;
		w->label_0 = c->flow_label & 0xfffff;
	} else {
		w->df_1 = c->df;
		w->label_1 = c->flow_label & 0xfffff;
	}
}

static struct timewait_id
who_is(const struct tcpterm *s, const struct flow *f)
{
	const struct flow_key key = flow_key_of(f);

	return timewait_id(s, &key);
}

void
timewait_start(struct tcpterm *s, struct relay *r)
{
	const struct timewait_id who = who_is(s, r->f);
	struct timewait *w;

	flow_announce_end(s, r->f, TCPTERM_END_FIN);
	w = timewait_add(s, &who, r->translated ? TIMEWAIT_TRANSLATED : TIMEWAIT_RELAY);
	for (unsigned k = 0; k < 2; k++) {
		keep_numbers(w, &r->leg[k]);
		keep_manners(w, &r->leg[k]);
		if (!r->translated)
			w->ts[k] = r->leg[k].rcv.ts_newest;	/* what the other leg sends */
	}
	if (r->translated)
		w->seq_shown = seq_of(r->leg[0].iss, r->leg[0].nxt).v;
	relay_end(s, r->f, TCPTERM_END_FIN);
}

void
timewait_start_conn(struct tcpterm *s, struct flow *f, const struct conn *c)
{
	const struct timewait_id who = who_is(s, f);
	unsigned k = c->leg;
	struct timewait *w;

	flow_announce_end(s, f, TCPTERM_END_FIN);
	w = timewait_add(s, &who, k == 0 ? TIMEWAIT_CONN_0 : TIMEWAIT_CONN_1);
	keep_numbers(w, c);
	keep_manners(w, c);
	w->seq[!k] = seq_of(c->iss, c->nxt).v;
	w->ts[!k] = c->ts_offset;
	flow_destroy(s, f, TCPTERM_END_FIN);
}

void
timewait_start_pair(struct tcpterm *s, struct pair *x)
{
	struct flow *f = x->f;
	const struct timewait_id who = who_is(s, f);
	struct timewait *w;

	flow_announce_end(s, f, (enum tcpterm_end)f->end);
	if (f->last.v + TIMEWAIT_US > s->now.v) {
		w = timewait_add(s, &who, f->is_copy ? TIMEWAIT_COPY : TIMEWAIT_PAIR);
		w->seq[0] = x->end[0].h.isn.v;
		w->seq[1] = x->end[1].h.isn.v;
		timewait_since(w, f->last);
	}
	flow_destroy(s, f, (enum tcpterm_end)f->end);
}

/* --- answers --- */

static bool
is_conn(const struct timewait *w)
{
	return w->sort == TIMEWAIT_CONN_0 || w->sort == TIMEWAIT_CONN_1;
}

/* Is end `d` one that we speak to?  The other end of a connection of ours is us. */
static bool
is_peer(const struct timewait *w, unsigned d)
{
	return !is_conn(w) || w->sort == (d == 0 ? TIMEWAIT_CONN_0 : TIMEWAIT_CONN_1);
}

/* What end `d` has been sent up to. */
static uint32_t
sent_to(const struct timewait *w, unsigned d)
{
	return w->sort == TIMEWAIT_TRANSLATED && d == 0 ? w->seq_shown : w->seq[!d];
}

/* A clock that nobody remembers stands where the end says that it saw it. */
static struct tcpterm_options
timestamps(const struct tcpterm *s, const struct timewait *w, unsigned d,
	   const struct tcpterm_options *in)
{
	struct tcpterm_options o = { .has_ts = w->ts_on, .tsecr = w->ts[d] };

	if (w->sort == TIMEWAIT_TRANSLATED) {
		o.has_ts = w->ts_on && in->has_ts;
		o.tsval = in->tsecr;
	} else {
		o.tsval = w->ts[!d] + (is_conn(w) ? send_clock(s) : 0);
	}
	return o;
}

/* Along the way that the segment came. */
static void
answer(struct tcpterm *s, const struct timewait *w, const struct pkt *p, unsigned d,
       const struct tcpterm_options *in)
{
	bool known = w->sort != TIMEWAIT_TRANSLATED;
	struct tcpterm_options o = timestamps(s, w, d, in);
	struct segment g = {
		.ttl = known ? w->ttl[d] : 64,
		.tos = known ? w->tos[d] : 0,
		.df = d == 0 ? w->df_0 : w->df_1,
		.flow_label = d == 0 ? w->label_0 : w->label_1,
		.seq = sent_to(w, d),
		.ack = w->seq[d],
		.flags = TCP_ACK,
		.opt = &o,
	};

	segment_reply(s, g, p);
}

/* --- a new connection in the old one's place --- */

/*
 * RFC 6191 2, RFC 9293 3.6.1 (MAY-2): by its timestamp a SYN is newer than all that end sent, or
 * by its number.  A relay's ends that did not agree on timestamps will not do so now.
 */
static bool
begins_anew(const struct timewait *w, const struct pkt *p, unsigned d,
	    const struct tcpterm_options *o)
{
	bool above = seq_diff(seq(p->seq), seq(w->seq[d])) >= 0;

	if ((p->flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) != TCP_SYN || !is_peer(w, d))
		return false;
	if (o->has_ts && w->ts_on) {
		int32_t newer = (int32_t)(o->tsval - w->ts[d]);

		return newer > 0 || (newer == 0 && above);
	}
	return above || (o->has_ts && is_conn(w));
}

static void
give_way(struct tcpterm *s, struct timewait *w, struct pkt *p, unsigned d)
{
	struct timewait_floor floor = { true, seq(sent_to(w, d)) };

	s->stats.timewait_reused++;
	timewait_remove(s, w);
	timewait_set_floor(s, floor);
	core_new_flow(s, p);
	timewait_set_floor(s, (struct timewait_floor){ 0 });
}

void
timewait_set_floor(struct tcpterm *s, struct timewait_floor floor)
{
	s->timewaits.floor = floor;
}

seq_t
timewait_isn(struct tcpterm *s, seq_t isn)
{
	const struct timewait_floor *f = &s->timewaits.floor;

	if (!f->is_set || seq_lt(f->sent, isn))
		return isn;
	/* as far above as old segments of a window may lie, and no less hard to guess */
	return seq_add(f->sent, 65536 + (isn.v & 0xfffff));
}

/* --- segments --- */

/* A RST ends nothing here (RFC 1337), a bare ACK has nothing to be told, and a segment that lacks
 * the timestamps agreed on is none of the end's (RFC 7323 3.2). */
static bool
is_answered(const struct timewait *w, const struct pkt *p, unsigned d,
	    const struct tcpterm_options *o)
{
	bool syn = p->flags & TCP_SYN;

	if (!is_peer(w, d) || p->flags & TCP_RST)
		return false;
	if (w->ts_on && !o->has_ts && !syn && w->sort != TIMEWAIT_TRANSLATED)
		return false;
	return p->payload_len > 0 || p->flags & TCP_FIN || syn;
}

/* The FIN sent again, of which no acknowledgement arrived. */
static bool
is_fin_again(const struct timewait *w, const struct pkt *p, unsigned d)
{
	uint32_t len = p->payload_len + !!(p->flags & TCP_SYN) + 1;

	return p->flags & TCP_FIN && !(p->flags & TCP_RST) && p->seq + len == w->seq[d];
}

static struct timewait *
find_pkt(struct tcpterm *s, const struct pkt *p, bool *reversed)
{
	uint16_t vid[PKT_MAX_TAGS];
	unsigned n = pkt_key_vids(p, vid);
	const struct flow_key k = {
		.addr = { p->src, p->dst },
		.port = { p->sport, p->dport },
		.domain = p->domain,
	};

	return s->timewaits.n ? timewait_find(s, &k, vid, n, reversed) : NULL;
}

/* A SYN with another number than the pair's begins a new flow, as any SYN does. */
static void
pair_late(struct tcpterm *s, struct timewait *w, struct pkt *p, unsigned d)
{
	if (p->cksum_bad) {
		s->stats.bad_cksum++;
	} else if ((p->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN && p->seq != w->seq[d]) {
		timewait_remove(s, w);
		core_new_flow(s, p);
		return;
	} else {
		timewait_restart(s, w);
	}
	if (w->sort == TIMEWAIT_COPY)
		core_drop(s, p->m, DROP_tap_consumed);
	else
		core_forward(s, p);
}

bool
timewait_input(struct tcpterm *s, struct pkt *p)
{
	struct tcpterm_options o;
	bool d;
	struct timewait *w = find_pkt(s, p, &d);

	if (!w)
		return false;
	if (timewait_is_pair(w)) {
		pair_late(s, w, p, d);
		return true;
	}
	if (p->cksum_bad) {
		core_drop(s, p->m, DROP_proxy_cksum);
		return true;
	}
	options_parse(rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->l4 + 20), p->opt_len, &o);
	if (begins_anew(w, p, d, &o)) {
		give_way(s, w, p, d);
		return true;
	}
	if (is_answered(w, p, d, &o))
		answer(s, w, p, d, &o);
	if (is_peer(w, d) && is_fin_again(w, p, d))	/* RFC 9293 3.10.7.4, eighth */
		timewait_restart(s, w);
	core_drop(s, p->m, DROP_timewait);
	return true;
}

bool
timewait_holds(struct tcpterm *s, const struct flow_key *k)
{
	uint16_t vid[PKT_MAX_TAGS];
	bool reversed;

	return timewait_find(s, k, vid, vlan_stack_vids(s->vlans, k, vid), &reversed) != NULL;
}
