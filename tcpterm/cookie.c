/*
 * A cookie, from its high bits: a hash of 28 bits, the period's parity, the index of an MSS.  Our
 * number is the client's plus the cookie, so both grow from one connection of the same ports to the
 * next (RFC 9293 3.4.1), and the distance of the two numbers in a segment says where it lies.
 *
 * The hash is of addresses, ports, tags, the period and what the timestamp carries.  The period
 * in it is what a secret that changes with time would be (RFC 4987 3.6 asks for one): after two
 * periods no cookie is good any more, and none says anything of the next, because the hash is
 * keyed.  The low bits of our TSval are the window scale (15: none), SACK and ECN; the hash covers
 * them, so an ACK can't claim others.
 * With so few bits left of the clock an ACK says nothing of the round trip: the leg's first sample
 * is of its first data (RFC 6298 2.1).
 */
#include "tcpterm/cookie.h"

#include "tcpterm/endpoint.h"
#include "tcpterm/options.h"
#include "tcpterm/relay.h"
#include "tcpterm/reset.h"
#include "tcpterm/segment.h"
#include "tcpterm/siphash.h"

enum {
	MSS_BITS = 3,
	MAC_SHIFT = 4,
	TS_BITS = 6,
	WSCALE_NONE = 15,
	TS_SACK = 1 << 4,
	TS_ECN = 1 << 5,
	NO_TS = 1 << TS_BITS,	/* in the hash: no timestamps, and so none of these */
};

/* A cookie is good for one to two of them; a SYN-ACK is not under way for longer (RFC 793's MSL
 * is 120 s). */
#define PERIOD_US (64LL * 1000 * 1000)

/* Common ones, and some between: the client's is rounded down to one of them. */
static const uint16_t mss_table[1 << MSS_BITS] = { 88, 536, 1220, 1360, 1400, 1440, 1460, 8960 };

static unsigned
mss_index(const struct tcpterm_options *o, bool v4)
{
	uint16_t mss = o->has_mss ? o->mss : v4 ? TCB_MSS_DEFAULT_V4 : TCB_MSS_DEFAULT_V6;
	unsigned i = RTE_DIM(mss_table) - 1;

	while (i > 0 && mss_table[i] > mss)
		i--;
	return i;
}

/* What all hashes of a connection begin with. */
struct whose {
	struct sip sip;
	unsigned n;		/* words */
};

static struct whose
whose(const struct tcpterm *s, const struct pkt *p)
{
	struct whose w = { .sip = sip_begin(s->conf.secret), .n = p->is_v6 ? 5 : 2 };

	if (p->is_v6) {
		sip_word(&w.sip, p->src.q[0]);
		sip_word(&w.sip, p->src.q[1]);
		sip_word(&w.sip, p->dst.q[0]);
		sip_word(&w.sip, p->dst.q[1]);
	} else {
		sip_word(&w.sip, (uint64_t)p->src.w[3] << 32 | p->dst.w[3]);
	}
	sip_word(&w.sip, (uint64_t)p->sport << 48 | (uint64_t)p->dport << 32 | p->hash);
	return w;
}

static uint64_t
hash(const struct whose *w, uint64_t rest)
{
	return sip_end(w->sip, w->n, 7, rest & (UINT64_MAX >> 8));
}

/* Nobody who does not know it can tell how the clocks of two connections are apart. */
static uint32_t
ts_offset(const struct whose *w)
{
	return (uint32_t)hash(w, UINT64_MAX);
}

/* One hash has the cookies of all sizes: each takes 28 bits of it from another one on. */
static uint64_t
hash_of(const struct whose *w, uint64_t period, unsigned carried)
{
	return hash(w, period << 8 | carried);
}

static uint32_t
cookie_of(uint64_t h, uint64_t period, unsigned mss)
{
	return (uint32_t)(h >> 4 * mss) << MAC_SHIFT | (uint32_t)(period & 1) << MSS_BITS | mss;
}

/* Our clock with `carried` in its low bits, and never ahead of it: later values are not less. */
static uint32_t
tsval_carrying(const struct tcpterm *s, const struct whose *w, unsigned carried)
{
	uint32_t clock = send_clock(s) + ts_offset(w);
	uint32_t tsval = (clock & ~((1u << TS_BITS) - 1)) | carried;

	return (int32_t)(tsval - clock) > 0 ? tsval - (1u << TS_BITS) : tsval;
}

static unsigned
carried_by(const struct tcpterm_options *o, bool ecn)
{
	unsigned scale = o->has_wscale ? RTE_MIN(o->wscale, (uint8_t)TCB_WSCALE_MAX) : WSCALE_NONE;

	if (!o->has_ts)
		return NO_TS;
	return scale | (o->sack_permitted ? TS_SACK : 0) | (ecn ? TS_ECN : 0);
}

uint16_t
cookie_window(const struct tcpterm *s)
{
	return (uint16_t)RTE_MIN(s->conf.rcv_wnd_min, (uint32_t)UINT16_MAX);
}

static uint16_t
mss_offered(const struct tcpterm *s, const struct pkt *p, const struct tcpterm_verdict *v)
{
	uint16_t mtu = v->decision == TCPTERM_RELAY ? RTE_MIN(s->conf.mtu[0], s->conf.mtu[1])
						    : s->conf.mtu[p->side & 1];
	uint16_t mss = (uint16_t)(mtu - 4 * p->n_tags - (p->is_v6 ? 60 : 40));

	return v->tuning.mss ? RTE_MIN(mss, v->tuning.mss) : mss;
}

static void
send_synack(struct tcpterm *s, const struct pkt *p, const struct tcpterm_options *o, uint32_t iss,
	    uint16_t flags)
{
	struct segment g = {
		.ttl = 64,
		.df = true,
		.seq = iss,
		.ack = p->seq + 1,
		.flags = flags,
		.window = cookie_window(s),
		.opt = o,
	};

	segment_reply_by(s, g, p);
}

void
cookie_answer(struct tcpterm *s, struct pkt *p, const struct tcpterm_verdict *v)
{
	const uint16_t asks = TCP_ECE | TCP_CWR;
	struct tcpterm_options peer, o = { .has_mss = true };
	const uint64_t period = (uint64_t)(s->now.v / PERIOD_US);
	const struct whose w = whose(s, p);
	unsigned mss, carried;
	bool ecn;

	options_parse(rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->l4 + 20), p->opt_len,
		      &peer);
	ecn = peer.has_ts && s->conf.ecn != TCPTERM_ECN_OFF && !v->tuning.no_ecn &&
	      (p->flags & (asks | TCP_AE)) == asks && (p->tos & 3) == 0;
	mss = mss_index(&peer, !p->is_v6);
	carried = carried_by(&peer, ecn);
	o.mss = mss_offered(s, p, v);
	if (peer.has_ts) {
		o.has_ts = true;
		o.tsval = tsval_carrying(s, &w, carried);
		o.tsecr = peer.tsval;
		o.sack_permitted = peer.sack_permitted;
		o.has_wscale = peer.has_wscale;
		o.wscale = open_shift(s);
	}
	send_synack(s, p, &o, p->seq + cookie_of(hash_of(&w, period, carried), period, mss),
		    (uint16_t)(TCP_SYN | TCP_ACK | (ecn ? TCP_ECE : 0)));
	s->cookies = (struct cookies){ .any = true, .sent_at = s->now };
	s->stats.cookies_sent++;
}

static bool
sent_recently(const struct tcpterm *s)
{
	return s->cookies.any && usec_diff(s->now, s->cookies.sent_at) < 2 * PERIOD_US;
}

static void
unpack(struct cookie *k, unsigned mss, unsigned carried)
{
	unsigned scale = carried & WSCALE_NONE;

	k->peer.has_mss = true;
	k->peer.mss = mss_table[mss];
	if (carried == NO_TS)
		return;
	k->peer.has_wscale = scale != WSCALE_NONE;
	k->peer.wscale = k->peer.has_wscale ? (uint8_t)scale : 0;
	k->peer.sack_permitted = carried & TS_SACK;
	k->ecn = carried & TS_ECN;
}

/* Is it of a connection whose first segment has not come yet?  Who sent it sends that again. */
static bool
is_early(const struct tcpterm *s, const struct pkt *p, const struct whose *w, unsigned carried)
{
	const uint64_t period = (uint64_t)(s->now.v / PERIOD_US);

	for (unsigned i = 0; i < 2; i++) {
		uint64_t h = hash_of(w, period - i, carried);

		for (unsigned mss = 0; mss < RTE_DIM(mss_table); mss++)
			if (cookie_of(h, period - i, mss) - (p->ack - p->seq) <= cookie_window(s))
				return true;
	}
	return false;
}

enum cookie_state
cookie_check(struct tcpterm *s, const struct pkt *p, struct cookie *k)
{
	const uint32_t cookie = p->ack - p->seq;
	const unsigned mss = cookie & ((1u << MSS_BITS) - 1);
	uint64_t period = (uint64_t)(s->now.v / PERIOD_US);
	const struct whose w = whose(s, p);
	unsigned carried = NO_TS;
	struct tcpterm_options o;

	*k = (struct cookie){ .iss = seq(p->ack - 1), .irs = seq(p->seq - 1) };
	options_parse(rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->l4 + 20), p->opt_len, &o);
	if (o.has_ts) {
		carried = o.tsecr & ((1u << TS_BITS) - 1);
		k->peer.has_ts = true;
		k->peer.tsval = o.tsval;
		k->ts_offset = ts_offset(&w);
	}
	period -= (period ^ cookie >> MSS_BITS) & 1;	/* this one, or the one before */
	if (cookie_of(hash_of(&w, period, carried), period, mss) != cookie)
		return is_early(s, p, &w, carried) ? COOKIE_EARLY : COOKIE_BAD;
	unpack(k, mss, carried);
	return COOKIE_GOOD;
}

static bool
begin(struct tcpterm *s, struct pkt *p, const struct tcpterm_listener_conf *l,
      const struct cookie *k)
{
	struct tcpterm_syn syn = { .pkt = p, .opt = k->peer, .now = s->now };
	struct tcpterm_verdict v = { .decision = TCPTERM_ACCEPT };

	if (l->filter)
		v = l->filter(l->ctx, &syn);
	if (v.decision != TCPTERM_ACCEPT && v.decision != TCPTERM_RELAY)
		return false;	/* it was another when the SYN came */
	s->stats.cookies_taken++;
	if (v.decision == TCPTERM_ACCEPT)
		endpoint_from_cookie(s, p, &v, k);
	else
		relay_from_cookie(s, p, &v, k);
	return true;
}

bool
cookie_input(struct tcpterm *s, struct pkt *p)
{
	const struct tcpterm_listener_conf *l;
	tcpterm_listener_id id;
	struct cookie k;

	if ((p->flags & (TCP_SYN | TCP_RST | TCP_ACK)) != TCP_ACK)
		return false;
	l = listeners_find(s->listeners, p, &id);
	if (!l)
		return false;
	if (sent_recently(s)) {
		enum cookie_state is = cookie_check(s, p, &k);

		if (is == COOKIE_GOOD)
			return begin(s, p, l, &k);
		if (is == COOKIE_EARLY) {
			s->stats.cookies_early++;
			core_drop(s, p->m, DROP_proxy_consumed);
			return true;
		}
		s->stats.cookies_bad++;
	}
	/* RFC 9293 3.10.7.2, second: who listens has sent nothing that could be acknowledged. Where
	 * a filter decides it may be forwarded, and then it is not for us to say. */
	if (l->filter)
		return false;
	reset_reply(s, p);
	core_drop(s, p->m, DROP_filter_reset);
	return true;
}
