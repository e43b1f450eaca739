#include "tests/sim/lib/plain.h"

#include <string.h>

enum {
	RTO_MAX = 16 * 1000000,		/* us */
	WINDOW_MAX = 65535,
};

static uint32_t
seq_of(const struct plain *p, uint64_t off)
{
	return p->iss + (uint32_t)off;
}

/*
 * The window field.  The edge moves right only by worthwhile steps (RFC 9293 §3.8.6.2.2) and never
 * left; where the shift does not divide the distance to an edge already offered, it is rounded up.
 */
static uint16_t
offer(struct plain *p, int shift)
{
	uint64_t used = p->rcv_nxt - p->read_at, want = p->rcv_nxt, step, field;

	if (used < p->cfg.rcvbuf)
		want += p->cfg.rcvbuf - used;
	step = p->cfg.rcvbuf / 2 < p->peer_mss ? p->cfg.rcvbuf / 2 : p->peer_mss;
	if (want >= p->rcv_edge + step && want > p->rcv_nxt)
		field = (want - p->rcv_nxt) >> shift;
	else
		field = 0;
	if (p->rcv_nxt + (field << shift) < p->rcv_edge)
		field = (p->rcv_edge - p->rcv_nxt + (1u << shift) - 1) >> shift;
	if (field > WINDOW_MAX)
		field = WINDOW_MAX;
	if (p->rcv_nxt + (field << shift) > p->rcv_edge)
		p->rcv_edge = p->rcv_nxt + (field << shift);
	return (uint16_t)field;
}

bool
plain_window_opened(const struct plain *p)
{
	uint64_t used = p->rcv_nxt - p->read_at, want = p->rcv_nxt;
	uint64_t step = p->cfg.rcvbuf / 2 < 2 * p->peer_mss ? p->cfg.rcvbuf / 2 : 2 * p->peer_mss;

	if (used < p->cfg.rcvbuf)
		want += p->cfg.rcvbuf - used;
	return ((want - p->rcv_nxt) >> p->rcv_shift << p->rcv_shift) + p->rcv_nxt >=
	       p->rcv_edge + step;
}

/* On bare acknowledgments only: with data they would have to fit in the peer's MSS (RFC 6691). */
static void
add_sacks(const struct plain *p, struct plain_segment *s)
{
	unsigned most = p->ts_on ? 3 : 4, i;

	if (!p->sack_on || !p->cfg.sack)
		return;
	for (i = 0; i < p->out_of_order.n && s->n_sacks < most; i++) {
		s->sack[s->n_sacks].from = p->irs + (uint32_t)p->out_of_order.r[i].from;
		s->sack[s->n_sacks].to = p->irs + (uint32_t)p->out_of_order.r[i].to;
		s->n_sacks++;
	}
}

/* RFC 3168 6.1: the offer, its answer, the echo, and marks on what is new. */
static void
add_ecn(struct plain *p, struct plain_segment *s, uint64_t off, size_t len)
{
	if (s->flags & PF_SYN) {
		if (!(s->flags & PF_ACK))
			s->flags |= p->cfg.ecn ? PF_ECE | PF_CWR : 0;
		else
			s->flags |= p->ecn_on ? PF_ECE : 0;
		return;
	}
	if (p->ece)
		s->flags |= PF_ECE;
	if (!p->ecn_on || !len || off < p->max || off >= p->edge)
		return;
	s->ecn = 2;
	s->flags |= p->cwr_due ? PF_CWR : 0;
	p->cwr_due = false;
}

/* The pointer is to the byte behind the urgent data. */
static void
add_urgent(const struct plain *p, struct plain_segment *s, uint64_t off)
{
	if (s->flags & PF_SYN || p->urgent <= p->una || p->urgent <= off ||
	    p->urgent - off > UINT16_MAX)
		return;
	s->flags |= PF_URG;
	s->urgent = (uint16_t)(p->urgent - off);
}

/* One segment of `len` bytes from offset `off`.  Everything but the first SYN acknowledges. */
static void
transmit(struct plain *p, uint64_t off, size_t len, uint8_t flags, int64_t now)
{
	static uint8_t payload[FRAME_MAX];
	struct plain_segment s = { .seq = seq_of(p, off), .flags = flags, .wscale = -1 };
	bool super = p->cfg.gso_segs > 1 && len > 0;
	size_t at, first, cut = p->peer_mss - (p->ts_on ? 12 : 0);
	struct frame *f;

	if (flags & PF_SYN) {
		s.mss = p->cfg.mss;
		s.wscale = flags & PF_ACK && !p->cfg.client && p->snd_shift < 0 ? -1
										: p->cfg.wscale;
		s.sack_ok = p->cfg.sack && (!(flags & PF_ACK) || p->sack_on);
		s.has_ts = p->cfg.timestamps && (!(flags & PF_ACK) || p->ts_on);
	} else {
		s.has_ts = p->ts_on;
		if (!len)
			add_sacks(p, &s);
	}
	s.window = offer(p, flags & PF_SYN ? 0 : p->rcv_shift);
	s.tsval = p->cfg.ts_start + (uint32_t)(now / 1000);
	if (flags & PF_ACK) {
		s.ack = p->irs + (uint32_t)p->rcv_nxt;
		s.tsecr = p->ts_recent;
		p->last_ack_sent = p->rcv_nxt;
		p->unacked_segments = 0;
		p->ack_now = false;
		p->delack_at = INT64_MAX;
	}
	if (len) {
		at = (size_t)((off - 1) % p->cfg.sndbuf);
		first = len < p->cfg.sndbuf - at ? len : p->cfg.sndbuf - at;
		memcpy(payload, p->sndbuf + at, first);
		memcpy(payload + first, p->sndbuf, len - first);
	}
	s.payload = payload;
	s.len = len;
	add_ecn(p, &s, off, len);
	add_urgent(p, &s, off);
	f = plain_build(&p->cfg.id, &s, !super);
	if (super && len > cut)
		f->gso_size = (uint16_t)cut;
	if (off < p->max && (len > 0 || flags & (PF_SYN | PF_FIN)))
		p->retransmits++;
	p->emit(p->ctx, f);
}

static void
arm_rto(struct plain *p, int64_t now)
{
	int64_t t = p->rto << (p->backoff < 8 ? p->backoff : 8);

	p->rto_at = now + (t < RTO_MAX ? t : RTO_MAX);
}

void
plain_send_syn(struct plain *p, int64_t now)
{
	transmit(p, 0, 0, p->state == PL_SYN_SENT ? PF_SYN : PF_SYN | PF_ACK, now);
	p->nxt = 1;
	if (p->max < 1)
		p->max = 1;
	arm_rto(p, now);
}

void
plain_ack(struct plain *p, int64_t now)
{
	/* The furthest sent, unless that was a probe beyond the window, where the peer would not
	 * look at it. */
	transmit(p, p->max <= p->edge ? p->max : p->nxt, 0, PF_ACK, now);
}

void
plain_rst(struct plain *p)
{
	struct plain_segment s = { .seq = seq_of(p, p->max),
				   .ack = p->irs + (uint32_t)p->rcv_nxt,
				   .flags = PF_RST | PF_ACK,
				   .wscale = -1 };

	p->emit(p->ctx, plain_build(&p->cfg.id, &s, true));
}

void
plain_refuse(struct plain *p, const struct plain_segment *in)
{
	struct plain_segment s = { .flags = PF_RST, .wscale = -1 };

	if (in->flags & PF_RST)
		return;
	if (in->flags & PF_ACK) {
		s.seq = in->ack;
	} else {
		s.flags |= PF_ACK;
		s.ack = in->seq + (uint32_t)in->len + !!(in->flags & PF_SYN) +
			!!(in->flags & PF_FIN);
	}
	p->emit(p->ctx, plain_build(&p->cfg.id, &s, true));
}

/* Payload bytes of one frame that may go out at nxt, by mss, windows and what is written. */
static size_t
portion(const struct plain *p, uint64_t limit)
{
	uint64_t avail = p->data_end - p->nxt, n = avail;
	uint32_t mss = p->peer_mss - (p->ts_on ? 12 : 0);
	uint32_t most = mss * (p->cfg.gso_segs > 1 ? p->cfg.gso_segs : 1);
	uint64_t room = limit > p->nxt ? limit - p->nxt : 0;

	if (most > 60000)
		most = 60000 / mss * mss;
	if (n > most)
		n = most;
	if (n > room)
		n = room;
	if (n < avail && n > mss)
		n -= n % mss;
	/* Sender's side of silly window avoidance, and Nagle. */
	if (n < mss && p->nxt > p->una && (n < avail || p->cfg.nagle))
		return 0;
	return (size_t)n;
}

static void
sent(struct plain *p, uint64_t end, int64_t now)
{
	if (p->timed == 0 && end > p->max) {
		p->timed = end;
		p->timed_at = now;
	}
	if (p->nxt < p->max)
		p->timed = 0;	/* Karn: something below is a retransmission */
	p->nxt = end;
	if (end > p->max)
		p->max = end;
	if (p->rto_at == INT64_MAX)
		arm_rto(p, now);
	p->persist_at = INT64_MAX;
}

static bool
may_send(const struct plain *p)
{
	return p->state == PL_ESTABLISHED || p->state == PL_CLOSE_WAIT ||
	       p->state == PL_FIN_WAIT_1 || p->state == PL_CLOSING || p->state == PL_LAST_ACK;
}

void
plain_output(struct plain *p, int64_t now)
{
	uint64_t limit, all = p->data_end + p->fin_queued;
	uint8_t flags;
	size_t n;
	bool fin;

	if (!may_send(p))
		return;
	for (;;) {
		limit = p->una + p->cwnd < p->edge ? p->una + p->cwnd : p->edge;
		if (p->nxt >= all)
			break;
		n = p->nxt < p->data_end ? portion(p, limit) : 0;
		fin = p->fin_queued && p->nxt + n == p->data_end && p->edge > p->nxt + n;
		if (n == 0 && !fin)
			break;
		if (n == 0 && p->nxt < p->data_end)
			break;
		flags = PF_ACK | (fin ? PF_FIN : 0);
		if (p->nxt + n == p->data_end)
			flags |= PF_PSH;
		transmit(p, p->nxt, n, flags, now);
		sent(p, p->nxt + n + fin, now);
	}
	/* The window is shut and nothing is in flight whose acknowledgment would open it. */
	if (p->nxt < all && p->nxt == p->una && p->edge <= p->nxt && p->persist_at == INT64_MAX) {
		p->backoff = 0;
		p->persist_at = now + p->rto;
	}
}

/* RFC 9293 §3.8.6.1: one byte beyond the window, or the FIN. */
static void
probe(struct plain *p, int64_t now)
{
	size_t n = p->nxt < p->data_end;
	int64_t t;

	transmit(p, p->nxt, n, PF_ACK | (n ? 0 : PF_FIN), now);
	if (p->max < p->nxt + 1)
		p->max = p->nxt + 1;
	p->timed = 0;
	p->backoff++;
	t = p->rto << (p->backoff < 8 ? p->backoff : 8);
	p->persist_at = now + (t < RTO_MAX ? t : RTO_MAX);
}

static void
retransmit_timeout(struct plain *p, int64_t now)
{
	uint32_t mss = p->peer_mss;

	p->backoff++;
	p->timed = 0;
	p->rto_at = INT64_MAX;
	if (p->state == PL_SYN_SENT || p->state == PL_SYN_RCVD) {
		plain_send_syn(p, now);
		return;
	}
	p->ssthresh = (uint32_t)(p->nxt - p->una) / 2;
	if (p->ssthresh < 2 * mss)
		p->ssthresh = 2 * mss;
	p->cwnd = mss;
	p->nxt = p->una;
	p->recover = p->max;
	p->dupacks = 0;
	plain_output(p, now);
}

void
plain_timers(struct plain *p, int64_t now)
{
	if (p->state == PL_CLOSED || p->state == PL_LISTEN)
		return;
	if (p->timewait_at <= now) {
		plain_finish(p, EP_CLOSED);
		return;
	}
	if (p->rto_at <= now)
		retransmit_timeout(p, now);
	if (p->persist_at <= now)
		probe(p, now);
	if (p->delack_at <= now)
		plain_ack(p, now);
	if (p->keepalive_at <= now && p->state != PL_TIME_WAIT) {
		transmit(p, p->una - 1, 0, PF_ACK, now);
		p->keepalive_at = now + p->cfg.keepalive_us;
	}
}
