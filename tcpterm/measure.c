#include "tcpterm/measure.h"

enum {
	RTT_MOST = (1 << 24) - 1,	/* us */
	QUIET_US = 60 * 1000 * 1000,	/* after it, an acknowledgement says nothing of the path */
	REORDER_US = 3000,		/* where no round trip is known */
	BUSY_MOST = (1 << 26) - 1,	/* units that the half has room for */
	WAIT_MORE = (1 << 20) - 1,	/* the handshake took this or more, and is in t->more */
};

/* --- time --- */

static void
add_busy(struct tcpterm *s, struct track *t, unsigned d, uint64_t units)
{
	struct track_half *h = &t->half[d];
	uint64_t n = h->busy + units;
	struct track_more *m;

	if (n > BUSY_MOST && (m = track_more(s, t)) != NULL) {
		m->busy[d] += n;
		n = 0;
	}
	h->busy = RTE_MIN(n, (uint64_t)BUSY_MOST) & BUSY_MOST;
}

void
measure_busy(struct tcpterm *s, struct track *t, int64_t units)
{
	for (unsigned d = 0; d < 2; d++) {
		struct track_half *h = &t->half[d];

		if (window_in_flight(t, d))
			add_busy(s, t, d, (uint64_t)units);
		if (units > QUIET_US >> MEASURE_BUSY_LOG)
			h->timing = false;
	}
}

static void
sample(struct track_half *h, uint32_t us)
{
	uint32_t m = RTE_MAX(1u, RTE_MIN(us, (uint32_t)RTT_MOST)), srtt = h->srtt;

	h->srtt = srtt ? srtt - srtt / 8 + m / 8 : m;	/* RFC 6298 (2.3) */
	if (h->min_rtt == 0 || m < h->min_rtt)
		h->min_rtt = m;
}

/* --- round trips --- */

/* The place for what is timed of the flow.  Where another has taken it, nothing is. */
static struct track_timing *
timing_of(const struct tcpterm *s, struct track *t)
{
	struct track_timing *g = slab_at(&s->timings, t->f.ref % TRACK_TIMINGS);

	if (g->ref != t->f.ref)
		t->half[0].timing = t->half[1].timing = false;
	return g;
}

/* One segment of each end at a time; what was sent twice gives no sample (Karn). */
static inline void
time_new(struct track *t, struct track_timing *g, unsigned dir, uint32_t now)
{
	struct track_half *h = &t->half[dir];

	if (h->timing && now - g->at[dir] <= RTT_MOST)
		return;
	h->timing = true;
	g->ref = t->f.ref;
	g->number[dir] = h->nxt;
	g->at[dir] = now;
}

static inline void
time_ack(struct track *t, const struct track_timing *g, unsigned dir, uint32_t now, seq_t ack)
{
	struct track_half *other = &t->half[!dir];

	if (!other->timing || seq_lt(ack, g->number[!dir]))
		return;
	sample(&t->half[dir], now - g->at[!dir]);
	other->timing = false;
}

static void
measure_rtt(struct tcpterm *s, struct track *t, const struct pkt *p, unsigned dir,
	    const struct window_news *n)
{
	struct track_timing *g = timing_of(s, t);
	struct track_half *h = &t->half[dir];
	uint32_t now = (uint32_t)s->now.v;

	if (h->timing && n->n_new < n->len && seq_lt(seq(p->seq), g->number[dir]))
		h->timing = false;
	if (n->n_new > 0)
		time_new(t, g, dir, now);
	if (p->flags & TCP_ACK)
		time_ack(t, g, dir, now, seq(p->ack));
}

static void
set_handshake(struct tcpterm *s, struct track *t, unsigned d, uint32_t us)
{
	struct track_more *m = us >= WAIT_MORE ? track_more(s, t) : NULL;

	if (m)
		m->handshake[d] = us;
	t->half[d].handshake = RTE_MIN(us, (uint32_t)WAIT_MORE) & WAIT_MORE;
}

static uint32_t
handshake(const struct track *t, unsigned d)
{
	uint32_t us = t->half[d].handshake;

	return us == WAIT_MORE && t->more ? t->more->handshake[d] : us;
}

/* From the first SYN on, so what was lost of the handshake is part of the wait. */
static void
measure_handshake(struct tcpterm *s, struct track *t, const struct pkt *p, unsigned dir)
{
	int64_t us = usec_diff(s->now, t->f.started);
	bool ack = p->flags & TCP_ACK, syn = p->flags & TCP_SYN;

	if (t->half[dir].handshake || !ack || t->f.start != TCPTERM_START_SYN || !t->half[0].syn)
		return;
	if (dir == 0 && !syn && t->half[1].handshake)
		us -= handshake(t, 1);
	else if (dir == 0 || !syn)
		return;
	set_handshake(s, t, dir, (uint32_t)RTE_MAX(1, RTE_MIN(us, (int64_t)MEASURE_WAIT_MOST)));
}

/* --- trouble --- */

/* An end can't know sooner than after a round trip that something was lost. */
static int64_t
reordering_us(const struct track *t)
{
	uint32_t a = t->half[0].min_rtt, b = t->half[1].min_rtt;

	return a && b ? (int64_t)a + b : REORDER_US;
}

/* Part of what was passed over comes, too soon for having been sent again: it was late. */
static bool
fills(struct tcpterm *s, const struct track *t, struct track_hole *o, seq_t from, seq_t end)
{
	if (!o->is_open || seq_lt(from, o->from) || seq_lt(o->to, end) ||
	    usec_diff(s->now, o->at) >= reordering_us(t))
		return false;
	if (from.v == o->from.v)
		o->from = end;
	else if (end.v == o->to.v)
		o->to = from;
	o->is_open = seq_lt(o->from, o->to);
	return true;
}

static void
repeated(struct tcpterm *s, struct track *t, const struct pkt *p, unsigned dir,
	 const struct window_news *n)
{
	const struct track_half *other = &t->half[!dir];
	struct track_more *m = track_more(s, t);
	seq_t end = seq_add(seq(p->seq), n->len);

	if (m && fills(s, t, &m->hole[dir], seq(p->seq), end))
		return;
	s->stats.retransmits++;
	if (!m)
		return;
	m->trouble[dir].rexmits++;
	m->trouble[dir].rexmit_bytes += RTE_MIN(n->len - n->n_new, (uint32_t)p->payload_len);
	m->trouble[dir].duplicates += other->acks && seq_le(end, other->rcv_nxt);
}

static void
skipped(struct tcpterm *s, struct track *t, const struct pkt *p, unsigned dir,
	const struct window_news *n)
{
	struct track_more *m = track_more(s, t);

	s->stats.out_of_order += n->len > 0;
	if (!m)
		return;
	m->trouble[dir].out_of_order += n->len > 0;
	m->hole[dir] = (struct track_hole){
		.is_open = true, .from = n->from, .to = seq(p->seq), .at = s->now
	};
}

static void
measure_zero(struct tcpterm *s, struct track *t, const struct pkt *p, unsigned dir)
{
	bool zero = p->window == 0 && !(p->flags & TCP_SYN);
	struct track_half *h = &t->half[dir];
	struct track_more *m;

	if (p->ack != h->rcv_nxt.v)
		return;		/* an old one */
	if (zero && !h->zero_window && (m = track_more(s, t)) != NULL)
		m->trouble[dir].zero_windows++;
	h->zero_window = zero;
}

void
measure_segment(struct tcpterm *s, struct track *t, const struct pkt *p, unsigned dir,
		const struct window_news *n)
{
	if (n->n_new < n->len && !n->keepalive)
		repeated(s, t, p, dir, n);
	if (n->skips)
		skipped(s, t, p, dir, n);
	measure_zero(s, t, p, dir);
	measure_rtt(s, t, p, dir, n);
	measure_handshake(s, t, p, dir);
}

void
measure_next(struct tcpterm *s, struct track *t, const struct pkt *p, unsigned dir)
{
	struct track_half *h = &t->half[dir];
	uint32_t now = (uint32_t)s->now.v;

	if (p->window == 0 || h->zero_window)
		measure_zero(s, t, p, dir);
	if (p->payload_len > 0)
		time_new(t, timing_of(s, t), dir, now);
	if (t->half[!dir].timing)
		time_ack(t, timing_of(s, t), dir, now, seq(p->ack));
	if (!h->handshake)
		measure_handshake(s, t, p, dir);
}

void
measure_outside(struct tcpterm *s, struct track *t, unsigned dir)
{
	struct track_more *m = track_more(s, t);

	s->stats.out_of_window++;
	if (m)
		m->trouble[dir].outside++;
}

void
measure_of_conn(struct track_past *past, unsigned end, const struct conn *c)
{
	struct track_trouble *w = &past->trouble[end];
	struct track_half *h = &past->half[end];

	h->srtt = RTE_MIN(c->rtt.srtt, (uint32_t)RTT_MOST);
	h->min_rtt = RTE_MIN(c->rtt.min, (uint32_t)RTT_MOST);
	past->busy_us[!end] = sent_busy_us(c);
	past->trouble[!end].rexmits = (uint32_t)RTE_MIN(c->n_rexmit, UINT32_MAX);
	w->out_of_order = (uint32_t)RTE_MIN(c->n_ooo, UINT32_MAX);
	w->duplicates = (uint32_t)RTE_MIN(c->n_dup, UINT32_MAX);
	w->zero_windows = (uint32_t)RTE_MIN(c->n_zero_wnd, UINT32_MAX);
}

static bool
had_trouble(const struct track_trouble *t)
{
	return t->rexmits | t->out_of_order | t->duplicates | t->zero_windows | t->outside;
}

void
measure_take_over(struct tcpterm *s, struct track *t, const struct track_past *past)
{
	for (unsigned d = 0; d < 2; d++) {
		add_busy(s, t, d, past->busy_us[d] >> MEASURE_BUSY_LOG);
		set_handshake(s, t, d, past->handshake_us[d]);
		if (had_trouble(&past->trouble[d]) && track_more(s, t))
			t->more->trouble[d] = past->trouble[d];
	}
}

/* --- looking --- */

void
measure_info(const struct track *t, unsigned d, struct tcpterm_leg_info *leg)
{
	const struct track_half *h = &t->half[d];
	const struct track_trouble *w = t->more ? &t->more->trouble[d] : NULL;

	leg->srtt_us = h->srtt;
	leg->min_rtt_us = h->min_rtt;
	leg->handshake_us = handshake(t, d);
	leg->busy_us = (h->busy + (t->more ? t->more->busy[d] : 0)) << MEASURE_BUSY_LOG;
	if (!w)
		return;
	leg->retransmits = w->rexmits;
	leg->retransmitted_bytes = w->rexmit_bytes;
	leg->out_of_order = w->out_of_order;
	leg->duplicates = w->duplicates;
	leg->zero_windows = w->zero_windows;
	leg->out_of_window = w->outside;
}
