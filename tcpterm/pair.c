/*
 * A passive pair: two halves and what decides over both.
 *
 * Each direction's segments feed their own half with bytes and the other half
 * with acknowledgements.  The handshake's numbers are candidates until the
 * other side's acknowledgement picks one (pair_start.c).
 */
#include "tcpterm/pair.h"

#include "tcpterm/half_hold.h"
#include "tcpterm/options.h"
#include "tcpterm/pair_pad.h"
#include "tcpterm/pair_rest.h"
#include "tcpterm/pair_stamp.h"
#include "tcpterm/pair_window.h"
#include "tcpterm/rest.h"
#include "tcpterm/roles.h"
#include "tcpterm/takeover.h"
#include "tcpterm/timewait.h"

enum {
	RST_DOUBT_US = 2 * 1000 * 1000, /* a RST that may be forged waits so long */
	FIN_WAIT_US = 2 * 1000 * 1000,	/* both FINs are here, the last ACK is not */
	HALF_OPEN_US = 75 * 1000 * 1000,	/* a SYN that nobody answers, as in a handshake */
};

#define FAR (1ll << 30)

size_t
pair_size(void)
{
	return sizeof(struct pair_head);
}

void
pair_start(struct tcpterm *s, struct flow *f, const struct pkt *p, const struct tcpterm_verdict *v)
{
	struct pair *x = rest_pair_new(s, f);

	half_init(&x->end[0].h, 0, (enum tcpterm_overlap)v->overlap);
	half_init(&x->end[1].h, 1, (enum tcpterm_overlap)v->overlap);
	x->end[0].h.urgent = x->end[1].h.urgent = v->urgent;
	x->end[0].shift = x->end[1].shift = SHIFT_UNKNOWN;
	x->idle_us = v->idle_us ? v->idle_us : s->conf.idle_us;
	x->rst_at = x->fin_at = INT64_MAX;
	f->start = p->flags & TCP_SYN
			   ? p->flags & TCP_ACK ? TCPTERM_START_SYNACK : TCPTERM_START_SYN
			   : TCPTERM_START_MIDSTREAM;
}

void
pair_release(struct tcpterm *s, struct flow *f)
{
	struct pair *x = pair_of(f);
	unsigned first = pair_first(x), i;

	takeover_forget(s, x);
	for (i = 0; i < 2; i++) {
		unsigned d = i ^ first;
		struct pair_side *e = &x->end[d];

		pair_settle(s, x, d);
		pair_stray_admit(s, x, d, true);
		if (e->h.synced || e->h.collecting)
			half_finish(s, x->f, &e->h);
		else
			half_clear(s, &e->h);
		pair_stray_forget(s, e);
		pair_forget(s, e);
	}
}

/* Delivers or declares what is held. */
static void
finish(struct tcpterm *s, struct pair *x, enum tcpterm_end why)
{
	pair_release(s, x->f);
	pair_unqueue(s, x);	/* nobody asks any more whether it may rest */
	x->plain = false;
	x->over = true;
	x->f->end = (uint8_t)why;
}

/* When the end of one that is over is told, us.  Where bytes came more than once, as of a tap that
 * sees a frame at several places, the last ones come again, too. */
static int64_t
told_at(const struct tcpterm *s, const struct pair *x)
{
	bool again = x->end[0].h.duplicates || x->end[1].h.duplicates;

	return x->f->last.v + (again ? half_deadline(s) : 0);
}

void
pair_end(struct tcpterm *s, struct flow *f, enum tcpterm_end why)
{
	struct pair *x = pair_of(f);

	if (!x->over)
		finish(s, x, why);
	flow_destroy(s, f, why);
}

static bool
done(const struct pair *x, unsigned d)
{
	const struct half *h = &x->end[d].h;

	return h->ended || h->fin_assumed || !(x->f->seen & 1u << d);
}

/* Both directions are complete; true when nothing more is to be waited for. */
static bool
closed(struct tcpterm *s, struct pair *x)
{
	const struct half *a = &x->end[0].h, *b = &x->end[1].h;

	if (!done(x, 0) || !done(x, 1)) {
		x->fin_at = INT64_MAX;
		return false;
	}
	if (x->fin_at == INT64_MAX)
		x->fin_at = s->now.v + FIN_WAIT_US;
	return a->fin >= 0 && a->acked > a->fin && b->fin >= 0 && b->acked > b->fin;
}

static int64_t
idle_of(const struct pair *x)
{
	bool half_open = x->end[0].n_cand && !x->end[0].h.synced && !x->end[1].any;

	return half_open ? RTE_MIN(x->idle_us, (int64_t)HALF_OPEN_US) : x->idle_us;
}

/* What a side waits for: declares what is due, and says when it wants to be asked again, us. */
static int64_t
check_side(struct tcpterm *s, struct pair *x, unsigned d)
{
	struct half *h = &x->end[d].h;
	int64_t due = INT64_MAX;

	if (h->collecting)
		due = pair_check_start(s, x, d);
	if (x->end[d].stray)
		due = RTE_MIN(due, pair_stray_check(s, x, d));
	if (!half_is_settled(h))
		return RTE_MIN(due, half_check(s, x->f, h));
	half_trim_kept(s, h);
	return RTE_MIN(due, half_kept_due(s, h));
}

/* The same; most sides wait for nothing but to let go of what is kept. */
static inline int64_t
look_at_side(struct tcpterm *s, struct pair *x, unsigned d)
{
	struct half *h = &x->end[d].h;

	if ((h->collecting | x->end[d].stray) || !half_is_settled(h))
		return check_side(s, x, d);
	half_trim_kept(s, h);
	return half_kept_due(s, h);
}

/* Ends what time has ended; else says when time comes next, us. */
static int64_t
look(struct tcpterm *s, struct pair *x)
{
	int64_t idle = x->f->last.v + idle_of(x), due = idle;
	unsigned first = pair_first(x);

	due = RTE_MIN(due, look_at_side(s, x, first));
	due = RTE_MIN(due, look_at_side(s, x, !first));
	if (closed(s, x) || x->fin_at <= s->now.v)
		finish(s, x, TCPTERM_END_FIN);
	else if (x->rst_at <= s->now.v)
		finish(s, x, (enum tcpterm_end)x->rst_why);
	else if (idle <= s->now.v)
		finish(s, x, TCPTERM_END_IDLE);
	return RTE_MIN(due, RTE_MIN(x->rst_at, x->fin_at));
}

/* A deadline that moved away is left: the timer looks again.  Who is over is gone, so the next flow
 * has its object while that is in the cache; what still comes of it is told from a new flow by what
 * is left. */
bool
pair_look(struct tcpterm *s, struct pair *x)
{
	int64_t due = x->over ? 0 : look(s, x);

	if (x->over)
		due = told_at(s, x);
	if (x->over && due <= s->now.v) {
		timewait_start_pair(s, x);
		return false;
	}
	if (x->over || !timer_armed(x->f) || !timer_is_by(&s->wheel, x->f, due))
		flow_arm(s, x->f, (usec_t){ due });
	return true;
}

void
pair_timer(struct tcpterm *s, struct flow *f)
{
	pair_look(s, pair_of(f));
}

static void
take_ack(struct tcpterm *s, struct pair *x, const struct pkt *p, unsigned d)
{
	struct pair_side *e = &x->end[!d];
	int64_t window = (int64_t)p->window << (p->flags & TCP_SYN ? 0 : pair_shift(x, d)), off;

	if (p->window == 0)
		x->end[d].zero_windows++;
	pair_pick_by_ack(s, x, !d, seq(p->ack), p->flags & TCP_SYN);
	if (!e->h.synced && (p->flags & TCP_SYN))
		return; /* it answers no SYN that was seen */
	if (!e->h.synced) {
		e->acked_bytes += e->has_rack && seq_lt(e->rack, seq(p->ack))
					  ? (uint32_t)seq_diff(seq(p->ack), e->rack)
					  : 0;
		if (!e->has_rack || seq_lt(e->rack, seq(p->ack))) {
			e->h.acked_one = e->has_rack && p->ack == e->rack.v + 1;
			e->rack = seq(p->ack);
		}
		e->has_rack = true;
		return;
	}
	off = half_offset(&e->h, seq(p->ack));
	/* Both ends are far ahead of what was seen: the tap was blind for more than a window. */
	if (pair_stray_acked(x, !d, off))
		half_sent(s, &e->h, off);
	if (off < e->h.acked - FAR)
		return;
	half_ack(s, x->f, &e->h, off, window);
	if (e->parked.first)
		pair_stray_admit(s, x, !d, false);
}

/* One byte below the last reverse ACK asks for an answer and is no byte of the stream. */
static bool
keepalive(const struct tcpterm *s, const struct half *h, int64_t off, uint32_t len)
{
	int64_t allowance = half_allowance(s);

	if (len != 1 || h->alone)
		return false;
	/* Where ACKs overtake bytes, the last byte has this form; it comes soon, a probe late. */
	if (off == h->acked - 1)
		return off < h->next || s->now.v - h->acked_at > allowance;
	return off == h->suspect - 1 && s->now.v - h->suspect_since > allowance;
}

/* Bytes and FIN of a direction whose numbering is known. False: outside, ignored. */
static bool
take_bytes(struct tcpterm *s, struct pair *x, const struct pkt *p, const struct pair_stamp *t,
	   unsigned d)
{
	struct pair_side *e = &x->end[d];
	int64_t off = half_offset(&e->h, seq(p->seq)), end = off + p->payload_len;
	uint32_t here = p->payload_len - p->cut;
	bool is_old = pair_stamp_is_old(x, p, t, d, off);

	if (!pair_in_window(x, d, off, end)) {
		pair_stray(s, x, p, d, off, is_old);
		return false;
	}
	if (unlikely(is_old)) {
		pair_doubt(s, x, p, d, off);
		return false;
	}
	if (keepalive(s, &e->h, off, p->payload_len)) {
		s->stats.keepalives++;
		half_drop(s, p->m);
		return true;
	}
	if (unlikely(p->flags & TCP_URG) && e->h.urgent != TCPTERM_URGENT_INLINE && p->urgent)
		half_urgent(&e->h, off + p->urgent - 1);
	if (here)
		half_bytes(s, x->f, &e->h, off, p->m, p->payload, here);
	else
		half_drop(s, p->m);
	if (p->cut)
		half_absent(s, x->f, &e->h, off + here, p->cut, TCPTERM_GAP_NOT_CAPTURED);
	if (p->flags & TCP_FIN) {
		half_fin(s, x->f, &e->h, end);
		if (e->h.fin == end)
			half_closing(s, &x->end[!d].h);
	} else if (p->payload_len == 0) {
		half_sent(s, &e->h, off);
	}
	return true;
}

/* The connection goes on: the RST was not the end. */
static void
cancel_rst(struct tcpterm *s, struct pair *x)
{
	if (x->rst_at == INT64_MAX)
		return;
	x->rst_at = INT64_MAX;
	s->stats.rst_ignored++;
}

static void
segment(struct tcpterm *s, struct pair *x, const struct pkt *p, unsigned d)
{
	bool acceptable = true, ack = p->flags & TCP_ACK;
	const struct pair_stamp t = pair_stamp_read(p);	/* the mbuf is gone soon */
	struct tcpterm_options o;

	if (x->takeover)
		options_parse(rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->l4 + 20),
			      p->opt_len, &o);
	if (x->end[d].h.synced)
		acceptable = take_bytes(s, x, p, &t, d);
	else
		pair_collect(s, x, p, d);
	if (acceptable && ack)
		take_ack(s, x, p, d);
	if (acceptable)
		cancel_rst(s, x);
	if (acceptable && ack && t.any)
		pair_stamp_learn(x, &t, d);
	if (acceptable && x->takeover)
		takeover_heard(x, p, &o, d);
}

/* What a RST from side `d` means: at once, in doubt, or nothing. */
enum rst { RST_NOTHING, RST_DOUBT, RST_CERTAIN };

static enum rst
judge_rst(const struct pair *x, const struct pkt *p, unsigned d)
{
	const struct pair_side *e = &x->end[d];
	int64_t off;

	if (!e->h.synced) {
		/* In SYN-SENT it has to acknowledge the SYN. */
		if (x->end[!d].n_cand && !e->n_cand)
			return (p->flags & TCP_ACK) && pair_is_candidate(&x->end[!d], seq(p->ack))
				       ? RST_DOUBT
				       : RST_NOTHING;
		return e->n_cand && !pair_is_candidate(e, seq(p->seq)) ? RST_NOTHING : RST_DOUBT;
	}
	off = half_offset(&e->h, seq(p->seq));
	if (off == e->h.sent || (!e->h.alone && off == e->h.acked))
		return x->end[!d].h.synced || !x->end[!d].any ? RST_CERTAIN : RST_DOUBT;
	return off >= e->h.acked && pair_in_window(x, d, off, off) ? RST_DOUBT : RST_NOTHING;
}

static void
reset(struct tcpterm *s, struct pair *x, const struct pkt *p, unsigned d)
{
	bool refused = !x->end[0].h.synced || !x->end[1].any;
	enum tcpterm_end why = refused && x->f->start == TCPTERM_START_SYN ? TCPTERM_END_REFUSED
									   : TCPTERM_END_RST;

	half_drop(s, p->m);
	switch (judge_rst(x, p, d)) {
	case RST_NOTHING:
		s->stats.rst_ignored++;
		break;
	case RST_DOUBT:
		if (x->rst_at == INT64_MAX)
			x->rst_at = s->now.v + RST_DOUBT_US;
		x->rst_why = (uint8_t)why;
		break;
	case RST_CERTAIN:
		finish(s, x, why);
	}
}

/* The flow's tuple begins another connection, of which `p` came now by side d; or what is to be
 * taken for one. */
static void
restart(struct tcpterm *s, struct pair *x, struct pkt *p, unsigned d,
	const struct pair_candidate *syn, enum tcpterm_end why)
{
	const enum tcpterm_roles was = why == TCPTERM_END_RESYNC ? (enum tcpterm_roles)x->f->roles
								 : TCPTERM_ROLES_KNOWN;
	struct tcpterm_verdict v = { .decision = TCPTERM_PASSIVE,
				     .cookie = x->f->cookie,
				     .caller = x->f->caller,
				     .idle_us = x->idle_us,
				     .overlap = x->end[0].h.overlap,
				     .urgent = x->end[0].h.urgent,
				     .copy = x->f->is_copy };
	struct flow *f;

	pair_end(s, x->f, why);
	d ^= was == TCPTERM_ROLES_WRONG;	/* its end has mended that */
	/* What the old flow's caller knew of it ended with it: the new one is decided anew. */
	if (s->conf.ops->unknown)
		v = s->conf.ops->unknown(s->conf.ctx, p);
	if (v.decision != TCPTERM_PASSIVE) {
		if (v.decision == TCPTERM_ACCEPT || v.decision == TCPTERM_RELAY ||
		    v.decision == TCPTERM_DEFER)
			v.decision = TCPTERM_TRACK;	/* its handshake has begun */
		core_decide(s, p, &v);
		return;
	}
	f = flow_create(s, TCPTERM_KIND_PASSIVE, p, d);
	if (!f) {
		half_drop(s, p->m);
		return;
	}
	f->cookie = v.cookie;
	f->caller = v.caller;
	f->is_copy = v.copy;
	f->roles = was == TCPTERM_ROLES_WRONG ? TCPTERM_ROLES_CORRECTED : was;
	pair_start(s, f, p, &v);
	if (syn)
		pair_asked(f, syn);
	flow_announce(s, f);
	pair_input(s, f, p, d);
}

/* Is the tuple taken anew?  A live connection's only once its other side has answered the SYN. */
static bool
begins_anew(struct tcpterm *s, struct pair *x, struct pkt *p, unsigned d)
{
	uint16_t flags = p->flags & (TCP_SYN | TCP_ACK | TCP_RST);
	struct pair_candidate syn;

	if (x->over && flags == TCP_SYN && x->end[d].h.isn.v != p->seq) {
		restart(s, x, p, 0, NULL, TCPTERM_END_REPLACED);
		return true;
	}
	if (!x->over && unlikely(pair_is_elsewhere(x, p, d))) {
		restart(s, x, p, d, NULL, TCPTERM_END_RESYNC);
		return true;
	}
	if (x->over || flags != (TCP_SYN | TCP_ACK) || !pair_is_new_connection(x, p, d))
		return false;
	syn = *pair_candidate(&x->end[!d], seq(p->ack));
	restart(s, x, p, 1, &syn, TCPTERM_END_REPLACED);
	return true;
}

static void
take(struct tcpterm *s, struct pair *x, const struct pkt *p, unsigned d)
{
	x->end[0].h.alone = x->end[1].h.unseen = !(x->f->seen & 2);
	x->end[1].h.alone = x->end[0].h.unseen = !(x->f->seen & 1);
	if (p->flags & TCP_RST) {
		reset(s, x, p, d);
		return;
	}
	if (!(p->flags & (TCP_SYN | TCP_ACK))) {	/* RFC 9293 3.10.7.4, fifth */
		s->stats.without_ack++;
		half_drop(s, p->m);
		return;
	}
	if (!(p->flags & TCP_SYN) && !x->end[d].h.synced && pair_is_unasked(x, p, d)) {
		s->stats.out_of_window++;
		half_drop(s, p->m);
		return;
	}
	x->end[d].any = true;
	if (!(p->flags & TCP_SYN)) {
		segment(s, x, p, d);
		return;
	}
	if (x->f->roles == TCPTERM_ROLES_GUESSED && pair_syn_fits(x, p, d))
		roles_by_syn(s, x->f, p, d);
	pair_syn(s, x, p, d);
	if (p->flags & TCP_ACK) {
		take_ack(s, x, p, d);
		if (x->end[!d].h.synced)
			cancel_rst(s, x);
	}
}

void
pair_input(struct tcpterm *s, struct flow *f, struct pkt *p, unsigned dir)
{
	struct pair *x;

	if (p->cksum_bad) {
		s->stats.bad_cksum++;
		half_drop(s, p->m);
		if (!timer_armed(f))	/* the first of it */
			pair_look(s, pair_of(f));
		return;
	}
	if (unlikely(pair_is_padded(p))) {
		s->stats.padded++;
		p->payload_len = 0;
	}
	x = pair_of(f);
	if (begins_anew(s, x, p, dir))
		return;
	if (s->now.v - f->last.v > PAIR_STAMPS_US)
		pair_stamps_forget(x);
	flow_touch(s, f, p, dir);
	x->plain = false;
	if (x->over)
		half_drop(s, p->m);
	else
		take(s, x, p, dir);
	if (pair_look(s, x) && !x->over && x->takeover)
		takeover_try(s, x);
}

void
pair_missed(struct tcpterm *s, struct flow *f, const struct pkt *p, unsigned dir)
{
	struct pair *x = pair_of(f);
	struct half *h = &x->end[dir].h;
	int64_t off = h->synced ? half_offset(h, seq(p->seq)) : 0;

	if (x->over || !h->synced || p->cksum_bad || (p->flags & (TCP_SYN | TCP_RST)) ||
	    !pair_in_window(x, dir, off, off + p->payload_len))
		return;
	x->plain = false;
	half_absent(s, f, h, off, p->payload_len, TCPTERM_GAP_OWN_DROP);
	pair_look(s, x);
}

void
tcpterm_missed(struct tcpterm *s, const struct pkt *p, usec_t now)
{
	enum flow_match how;
	struct table_key k;
	struct flow *f;

	s->now = now;
	f = core_table_key(s, p, &k) ? table_find(s->table, &k, &how) : NULL;
	if (f && f->kind == TCPTERM_KIND_PASSIVE)
		pair_missed(s, f, p, how == FLOW_MATCH_REVERSED);
}
