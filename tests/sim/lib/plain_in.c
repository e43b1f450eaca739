/*
 * RFC 9293 §3.10.7 in its order.
 */
#include "tests/sim/lib/plain.h"

#include <string.h>

enum { RTO_MIN = 200 * 1000, DUPACKS = 3 };

struct arrived {		/* a segment in the terms of this connection */
	const struct plain_segment *s;
	uint64_t from, end;	/* offsets of its sequence space; end includes the FIN */
	uint64_t ack;
	bool fin;
};

/* The offset of `seq`, near to `base`, in a stream that begins at `isn`; below it wraps high. */
static uint64_t
offset_of(uint64_t base, uint32_t isn, uint32_t seq)
{
	return base + (uint64_t)(int64_t)(int32_t)(seq - (isn + (uint32_t)base));
}

static void
agree(struct plain *p, const struct plain_segment *s)
{
	uint32_t least = p->cfg.id.v6 ? 1220 : 536;

	p->irs = s->seq;
	p->rcv_nxt = p->read_at = 1;
	p->rcv_edge += p->cfg.client ? 1 : 0;	/* the SYN's offer counted from offset 0 */
	p->peer_mss = s->mss ? s->mss : least;
	if (p->cfg.mss && p->cfg.mss < p->peer_mss)
		p->peer_mss = p->cfg.mss;	/* our own link cannot carry more either */
	p->snd_shift = p->rcv_shift = 0;
	if (s->wscale >= 0 && p->cfg.wscale >= 0) {
		p->snd_shift = s->wscale;
		p->rcv_shift = p->cfg.wscale;
	} else if (!p->cfg.client) {
		p->snd_shift = -1;	/* our SYN-ACK says none; cleared once it is answered */
	}
	p->ts_on = s->has_ts && p->cfg.timestamps;
	p->sack_on = s->sack_ok && p->cfg.sack;
	p->ts_recent = s->tsval;
	p->ecn_on = p->cfg.ecn &&
		    (s->flags & (PF_ECE | PF_CWR)) == (p->cfg.client ? PF_ECE : PF_ECE | PF_CWR);
	p->cwnd = 10 * p->peer_mss;
	p->ssthresh = 1 << 30;
	p->keepalive_at = INT64_MAX;
}

static void
take_window(struct plain *p, const struct arrived *a)
{
	int shift = a->s->flags & PF_SYN || p->snd_shift < 0 ? 0 : p->snd_shift;

	p->edge = a->ack + ((uint64_t)a->s->window << shift);
	p->wl1 = a->from;
	p->wl2 = a->ack;
	if (p->edge > p->nxt)
		p->persist_at = INT64_MAX;
}

static void
established(struct plain *p, const struct arrived *a)
{
	p->state = PL_ESTABLISHED;
	if (p->snd_shift < 0)
		p->snd_shift = 0;
	if (p->una < 1)
		p->una = 1;
	p->nxt = p->nxt < 1 ? 1 : p->nxt;
	p->rto_at = INT64_MAX;
	p->backoff = 0;
	take_window(p, a);
	if (p->fin_queued)
		p->state = PL_FIN_WAIT_1;
}

static void
syn_sent(struct plain *p, const struct plain_segment *s, int64_t now)
{
	struct arrived a = { .s = s, .ack = 1 };
	bool ack_ok = s->flags & PF_ACK && s->ack == p->iss + 1;

	if (s->flags & PF_ACK && !ack_ok) {
		plain_refuse(p, s);
		return;
	}
	if (s->flags & PF_RST) {
		if (ack_ok)
			plain_finish(p, EP_REFUSED);
		return;
	}
	if (!(s->flags & PF_SYN) || !ack_ok)
		return;
	agree(p, s);
	established(p, &a);
	plain_ack(p, now);
	plain_output(p, now);
}

static void
listening(struct plain *p, const struct plain_segment *s, int64_t now)
{
	if (s->flags & PF_RST)
		return;
	if (s->flags & PF_ACK || !(s->flags & PF_SYN)) {
		if (s->flags & PF_ACK)
			plain_refuse(p, s);
		return;
	}
	agree(p, s);
	p->state = PL_SYN_RCVD;
	plain_send_syn(p, now);
}

static bool
old_timestamp(const struct plain *p, const struct plain_segment *s)
{
	return p->ts_on && s->has_ts && (int32_t)(s->tsval - p->ts_recent) < 0;
}

static bool
acceptable(const struct plain *p, const struct arrived *a)
{
	uint64_t wnd = p->rcv_edge - p->rcv_nxt;
	int64_t from = (int64_t)(a->from - p->rcv_nxt), last = (int64_t)(a->end - 1 - p->rcv_nxt);

	if (a->from == a->end)
		return wnd == 0 ? from == 0 : from >= 0 && from < (int64_t)wnd;
	if (wnd == 0)
		return false;
	return (from >= 0 && from < (int64_t)wnd) || (last >= 0 && last < (int64_t)wnd);
}

static void
new_rtt(struct plain *p, int64_t rtt)
{
	int64_t err;

	if (rtt < 1)
		rtt = 1;
	if (!p->srtt) {
		p->srtt = rtt;
		p->rttvar = rtt / 2;
	} else {
		err = p->srtt > rtt ? p->srtt - rtt : rtt - p->srtt;
		p->rttvar = (3 * p->rttvar + err) / 4;
		p->srtt = (7 * p->srtt + rtt) / 8;
	}
	p->rto = p->srtt + 4 * p->rttvar;
	if (p->rto < RTO_MIN)
		p->rto = RTO_MIN;
}

static void
fin_acknowledged(struct plain *p, int64_t now)
{
	if (p->state == PL_FIN_WAIT_1) {
		p->state = PL_FIN_WAIT_2;
	} else if (p->state == PL_CLOSING) {
		p->state = PL_TIME_WAIT;
		p->timewait_at = now + p->cfg.timewait_us;
	} else if (p->state == PL_LAST_ACK) {
		plain_finish(p, EP_CLOSED);
	}
}

static void
advance(struct plain *p, uint64_t ack, int64_t now)
{
	uint64_t grown = ack - p->una;
	int64_t t = p->rto;

	if (p->timed && ack >= p->timed) {
		new_rtt(p, now - p->timed_at);
		p->timed = 0;
		t = p->rto;
	}
	p->una = ack;
	if (p->nxt < ack)
		p->nxt = ack;
	p->dupacks = 0;
	p->backoff = 0;
	if (p->cwnd < p->ssthresh)
		p->cwnd += grown < p->peer_mss ? (uint32_t)grown : p->peer_mss;
	else
		p->cwnd += p->peer_mss * p->peer_mss / p->cwnd + 1;
	if (p->cwnd > 4 << 20)
		p->cwnd = 4 << 20;
	p->rto_at = p->nxt > p->una ? now + t : INT64_MAX;
	p->persist_at = INT64_MAX;
	if (p->fin_queued && ack == p->data_end + 1)
		fin_acknowledged(p, now);
}

static void
duplicate_ack(struct plain *p)
{
	if (++p->dupacks != DUPACKS || p->una < p->recover)
		return;
	p->ssthresh = (uint32_t)(p->nxt - p->una) / 2;
	if (p->ssthresh < 2 * p->peer_mss)
		p->ssthresh = 2 * p->peer_mss;
	p->cwnd = p->ssthresh;
	p->recover = p->max;
	p->nxt = p->una;	/* go back N */
	p->timed = 0;
}

/* RFC 3168 6.1.2: as for a loss, once a window. */
static void
marked(struct plain *p)
{
	if (!p->ecn_on || p->una < p->ecn_recover)
		return;
	p->ssthresh = (uint32_t)(p->nxt - p->una) / 2;
	if (p->ssthresh < 2 * p->peer_mss)
		p->ssthresh = 2 * p->peer_mss;
	p->cwnd = p->ssthresh;
	p->ecn_recover = p->max;
	p->cwr_due = true;
}

/* 6.1.3 */
static void
take_marks(struct plain *p, const struct plain_segment *s)
{
	if (!p->ecn_on || !s->len)
		return;
	if (s->flags & PF_CWR)
		p->ece = false;
	if (s->ecn == 3)
		p->ece = p->ack_now = true;
}

/* False if the segment is to be dropped. */
static bool
take_ack(struct plain *p, const struct arrived *a, int64_t now)
{
	bool shut = p->edge <= p->una;

	if ((int64_t)(a->ack - p->max) > 0) {
		p->ack_now = true;
		return false;
	}
	if ((int64_t)(a->ack - p->una) > 0)
		advance(p, a->ack, now);
	else if (a->ack == p->una && a->from == a->end && p->nxt > p->una &&
		 p->edge == a->ack + ((uint64_t)a->s->window << p->snd_shift))
		duplicate_ack(p);
	if (p->state == PL_CLOSED)
		return false;
	if (a->s->flags & PF_ECE && !(a->s->flags & PF_SYN))
		marked(p);
	if ((int64_t)(a->ack - p->una) >= 0 &&
	    ((int64_t)(a->from - p->wl1) > 0 ||
	     (a->from == p->wl1 && (int64_t)(a->ack - p->wl2) >= 0))) {
		take_window(p, a);
		/* A probe that was refused is sent again, not skipped. */
		if (shut && p->edge > p->una && p->nxt == p->una)
			p->backoff = 0;
	}
	return true;
}

static void
fin_arrived(struct plain *p, int64_t now)
{
	p->fin_taken = true;
	p->rcv_nxt++;
	if (p->rcv_edge < p->rcv_nxt)
		p->rcv_edge = p->rcv_nxt;
	p->ack_now = true;
	if (p->state == PL_ESTABLISHED) {
		p->state = PL_CLOSE_WAIT;
	} else if (p->state == PL_FIN_WAIT_1) {
		p->state = PL_CLOSING;
	} else if (p->state == PL_FIN_WAIT_2) {
		p->state = PL_TIME_WAIT;
		p->timewait_at = now + p->cfg.timewait_us;
	}
}

static void
store(struct plain *p, uint64_t from, const uint8_t *bytes, size_t len)
{
	size_t at = (size_t)(from % p->rcv_room);
	size_t n = len < p->rcv_room - at ? len : p->rcv_room - at;

	memcpy(p->rcvbuf + at, bytes, n);
	memcpy(p->rcvbuf, bytes + n, len - n);
}

static void
take_payload(struct plain *p, const struct arrived *a, int64_t now)
{
	uint64_t from = a->from, end = a->end - a->fin, was = p->rcv_nxt;
	uint64_t most = p->read_at + p->rcv_room;

	if (most > p->rcv_edge)
		most = p->rcv_edge;
	if ((int64_t)(from - p->rcv_nxt) < 0)
		from = p->rcv_nxt;
	if (end > most)
		end = most;
	if (from < end) {
		store(p, from, a->s->payload + (from - a->from), (size_t)(end - from));
		ranges_add(&p->out_of_order, from, end);
	}
	if (a->fin && a->end <= p->rcv_edge + 1 && a->end - 1 >= p->rcv_nxt && p->rcv_nxt > 0)
		p->rcv_fin = a->end - 1;
	p->rcv_nxt = ranges_end(&p->out_of_order, p->rcv_nxt);
	if (p->out_of_order.n && p->out_of_order.r[0].from < p->rcv_nxt) {
		ranges_drop_first(&p->out_of_order);
		if (p->out_of_order.n)
			p->ack_now = true;
	}
	if (p->rcv_nxt == was && a->from != a->end)
		p->ack_now = true;
	if (p->rcv_nxt == p->rcv_fin) {
		p->rcv_fin = UINT64_MAX;
		fin_arrived(p, now);
	}
	if (p->rcv_nxt == was || p->ack_now)
		return;
	if (!p->cfg.delack_us || ++p->unacked_segments >= 2 || a->end - a->from > p->peer_mss)
		p->ack_now = true;
	else if (p->delack_at == INT64_MAX)
		p->delack_at = now + p->cfg.delack_us;
}

/* RST and SYN of a synchronized connection (RFC 5961 §3, §4).  True if the segment is used up. */
static bool
reset_or_syn(struct plain *p, const struct arrived *a)
{
	if (a->s->flags & PF_RST) {
		if (a->from == p->rcv_nxt)
			plain_finish(p, p->state == PL_TIME_WAIT ? EP_CLOSED : EP_RESET);
		else
			p->ack_now = true;
		return true;
	}
	if (!(a->s->flags & PF_SYN))
		return false;
	p->ack_now = true;
	return true;
}

static void
synchronized(struct plain *p, const struct arrived *a, int64_t now)
{
	const struct plain_segment *s = a->s;

	if (p->ts_on && !s->has_ts && !(s->flags & PF_RST))
		return;
	if ((old_timestamp(p, s) && !(s->flags & PF_RST)) || !acceptable(p, a)) {
		if (s->flags & PF_RST)
			return;
		if (p->state == PL_TIME_WAIT && s->flags & PF_FIN)
			p->timewait_at = now + p->cfg.timewait_us;
		if (p->state == PL_SYN_RCVD && s->flags & PF_SYN) {
			if ((s->flags & (PF_ECE | PF_CWR)) != (PF_ECE | PF_CWR))
				p->ecn_on = false;	/* RFC 3168 6.1.1: not asked any more */
			plain_send_syn(p, now);
			return;
		}
		p->ack_now = true;
		/* RFC 9293 §3.8.6.1: a zero window still takes ACKs. */
		if (p->rcv_edge == p->rcv_nxt && a->from == p->rcv_nxt && s->flags & PF_ACK &&
		    p->state != PL_SYN_RCVD && !old_timestamp(p, s))
			take_ack(p, a, now);
		return;
	}
	if (reset_or_syn(p, a) || !(s->flags & PF_ACK))
		return;
	if (p->ts_on && (int64_t)(a->from - p->last_ack_sent) <= 0)
		p->ts_recent = s->tsval;
	take_marks(p, s);
	if (p->state == PL_SYN_RCVD) {
		if (a->ack < 1 || a->ack > p->max) {
			plain_refuse(p, s);
			return;
		}
		established(p, a);
	}
	if (take_ack(p, a, now) && p->state != PL_TIME_WAIT)
		take_payload(p, a, now);
}

void
plain_input(struct plain *p, const struct plain_segment *s, int64_t now)
{
	struct arrived a = { .s = s, .fin = s->flags & PF_FIN };

	if (p->state == PL_CLOSED) {
		plain_refuse(p, s);
		return;
	}
	if (p->state == PL_LISTEN) {
		listening(p, s, now);
		return;
	}
	if (p->state == PL_SYN_SENT) {
		syn_sent(p, s, now);
		return;
	}
	a.from = offset_of(p->rcv_nxt, p->irs, s->seq);
	a.end = a.from + s->len + a.fin + !!(s->flags & PF_SYN);
	a.ack = offset_of(p->una, p->iss, s->ack);
	if (p->cfg.keepalive_us)
		p->keepalive_at = now + p->cfg.keepalive_us;
	synchronized(p, &a, now);
	if (p->state == PL_CLOSED)
		return;
	if (p->state == PL_SYN_RCVD)
		p->ack_now = false;
	plain_output(p, now);
	if (p->ack_now)
		plain_ack(p, now);
}
