/*
 * The receiving half: reassembly, the window offered, acknowledgement, SACK
 * blocks, timestamps (RFC 9293 3.8.6, 3.10.7.4; RFC 2018; RFC 7323).
 */
#include "tcpterm/tcb.h"
#include "tcpterm/urgent.h"

enum {
	DELACK_US = 40 * 1000,			/* RFC 9293 3.8.6.3: at most 0.5 s */
	OOO_SPARSE = 64,			/* mbufs that may be held badly filled */
	CROWD_ACK = 16,				/* segments of a crowd that an ACK is for */
	LIMIT_LEAST = 64 * 1024,
	FAST_RTTS = 8,				/* a round trip may be longer than it was */
};
#define PAWS_IDLE_US (24LL * 24 * 3600 * 1000 * 1000)	/* RFC 7323 5.5 */

/* The right edge of what is acceptable: a known FIN is, whatever the window. */
static int64_t
edge(const struct conn *c)
{
	return c->rcv.fin >= c->rcv.adv ? c->rcv.fin + 1 : c->rcv.adv;
}

bool
receive_acceptable(const struct conn *c, int64_t off, uint32_t len)
{
	/* A segment that only touches the window's edges carries an ACK worth having: a sender
	 * that filled the window acknowledges from its right edge, and a duplicate
	 * ends at the left one.  Their bytes are trimmed away. */
	return off <= edge(c) && off + len >= receive_ack(c);
}

bool
receive_paws(struct conn *c, const struct tcpterm_options *o, const struct pkt *p, int64_t off)
{
	(void)off;
	/* A segment without the option is let through, as Linux does: RFC 7323 3.2 would drop it,
	 * and with it every connection past a box that strips options. */
	if (!c->ts_on || !o->has_ts || p->flags & TCP_RST)
		return true;
	if ((int32_t)(o->tsval - c->rcv.ts_recent) >= 0)
		return true;
	return usec_diff(c->s->now, c->rcv.ts_at) > PAWS_IDLE_US;
}

void
receive_timestamp(struct conn *c, const struct tcpterm_options *o, int64_t off, uint32_t len)
{
	(void)len;
	if (!c->ts_on || !o->has_ts)
		return;
	if ((int32_t)(o->tsval - c->rcv.ts_newest) > 0)
		c->rcv.ts_newest = o->tsval;
	if (off > c->rcv.last_ack)	/* RFC 7323 4.3 (2) */
		return;
	c->rcv.ts_recent = o->tsval;
	c->rcv.ts_at = c->s->now;
}

void
receive_deliver(struct conn *c, struct rte_mbuf *m, struct part part)
{
	c->rcv.nxt += part.len;
	c->rcv.unacked += part.len;
	c->rcv.behind += part.len;
	stream_append(c->s, c->rx, m, part);
}

/* In-order data may use all of the budget, the rest half of it, so that a hole can always be
 * filled. */
static bool
budget(const struct conn *c, const struct rte_mbuf *m, bool in_order)
{
	const struct tcpterm *s = c->s;
	uint32_t quarter = rte_pktmbuf_data_room_size(s->conf.payload_pool) / 4u;

	if (in_order)
		return s->stats.n_held < s->conf.n_held_max;
	/* Scattered bytes can't be compacted: few of them may hold whole mbufs. */
	if (c->ooo.mbufs > OOO_SPARSE && c->ooo.bytes / c->ooo.mbufs < quarter)
		return false;
	return s->stats.n_held + m->nb_segs <= s->conf.n_held_max / 2;
}

/*
 * RFC 9293 3.8.6.3, RFC 5681 4.2: an ACK is due for every second full-sized segment.  What is
 * full-sized the sender knows, and shows by the largest that it sends: c->mss is the other way's.
 */
static void
schedule_ack(struct conn *c, uint32_t len)
{
	c->rcv.seg_max = RTE_MAX(c->rcv.seg_max, (uint16_t)RTE_MIN(len, (uint32_t)UINT16_MAX));
	c->rcv.n_unacked += c->rcv.n_unacked < UINT8_MAX;
	if (c->rcv.quick > 0) {
		c->rcv.quick--;
		c->rcv.ack_now = true;
		c->rcv.behind = 0;
	} else if (c->rcv.behind > c->rcv.seg_max) {
		c->rcv.ack_now = true;
		c->rcv.behind = 0;
	} else if (c->rcv.delack_at.v == USEC_NEVER.v) {
		c->rcv.delack_at = usec_add(c->s->now, DELACK_US);
	}
}

/*
 * A due ACK leaves when the burst ends, by data if there is some, but not later than the next
 * segment comes: or one would stand for all of a burst, whose sender sees fewer than it counts on
 * (RFC 5681 3.1 opens its window by them) and all at once.  Of a crowd one in 16 does.
 */
static void
send_due_ack(struct conn *c)
{
	if (c->rcv.ack_now && c->rcv.n_unacked >= 1 &&
	    (c->rcv.n_unacked >= CROWD_ACK || !crowd_is(&c->s->crowd, c->f, c->leg)))
		send_ack(c);
}

/* Those bytes of the payload, with their sum if the checksum's verification knows it. */
static struct part
payload_part(const struct pkt *p, uint32_t skip, uint32_t len)
{
	struct part all = { .m_off = p->payload,
			    .len = p->payload_len,
			    .summed = p->summed,
			    .unverified = p->unverified,
			    .sum = p->payload_sum };

	return part_cut(all, skip, len);
}

static void
take_in_order(struct conn *c, struct pkt *p, uint32_t skip, uint32_t len)
{
	bool hole = c->ooo.head != NULL;

	if (skip == 0)		/* else that part was told */
		ooo_overlap(c, c->rcv.nxt, c->rcv.nxt + len);
	receive_deliver(c, p->m, payload_part(p, skip, len));
	ooo_deliver(c);
	schedule_ack(c, len);
	c->rcv.ack_now |= hole;	/* RFC 5681 4.2: it fills a gap, or a part of it */
}

static void
take_out_of_order(struct conn *c, struct pkt *p, int64_t off, uint32_t skip, uint32_t len)
{
	c->n_ooo++;
	c->s->stats.out_of_order++;
	c->rcv.ack_now = true;	/* RFC 5681 4.2 */
	ooo_insert(c, p->m, off, payload_part(p, skip, len));
	/* Who can't be told by SACK counts the duplicates: one for each segment. */
	if (!c->sack_on)
		send_ack(c);
}

static void
take_payload(struct conn *c, struct pkt *p, int64_t off, uint32_t skip, uint32_t len)
{
	bool in_order = off == c->rcv.nxt;

	if (!budget(c, p->m, in_order)) {
		c->rcv.ack_now = true;
		core_drop(c->s, p->m, DROP_mbuf_budget);
	} else if (in_order) {
		take_in_order(c, p, skip, len);
	} else {
		take_out_of_order(c, p, off, skip, len);
	}
	p->m = NULL;
}

/* Trims to the window and to a known FIN; what is left may be empty. */
static void
trim(const struct conn *c, int64_t *off, uint32_t *skip, uint32_t *len)
{
	int64_t start = RTE_MAX(*off, c->rcv.nxt);
	bool whole = c->s->conf.take_whole && *off <= c->rcv.nxt && c->rcv.nxt < c->rcv.adv;
	int64_t stop = whole ? *off + *len : RTE_MIN(*off + *len, c->rcv.adv);

	if (c->rcv.fin >= 0)
		stop = RTE_MIN(stop, c->rcv.fin);
	*skip = (uint32_t)(start - *off);
	*len = stop > start ? (uint32_t)(stop - start) : 0;
	*off = start;
}

/* What the segment carries and we have acknowledged; a FIN counts (RFC 2883 4). */
static void
tell_old(struct conn *c, const struct pkt *p, int64_t off)
{
	int64_t end = off + p->payload_len + !!(p->flags & TCP_FIN);

	ooo_duplicate(c, RTE_MAX(off, 0), RTE_MIN(end, receive_ack(c)));
}

void
receive_old(struct conn *c, const struct pkt *p, int64_t off)
{
	c->n_dup += p->payload_len > 0;
	tell_old(c, p, off);
}

void
receive_segment(struct conn *c, struct pkt *p, int64_t off)
{
	uint32_t len = p->payload_len, skip;
	int64_t end = off + len;

	if (len > 0)
		send_due_ack(c);	/* before this one is told by it */
	tell_old(c, p, off);
	/* A FIN is taken with its last byte, or when all bytes before it are here. */
	if (p->flags & TCP_FIN) {
		c->rcv.ack_now = true;
		if (c->rcv.fin < 0 && end >= c->rcv.nxt && end <= c->rcv.adv)
			c->rcv.fin = end;
	}
	trim(c, &off, &skip, &len);
	if (len > 0) {
		take_payload(c, p, off, skip, len);
	} else if (p->payload_len > 0) {
		c->n_dup++;
		c->rcv.ack_now = true;
		core_drop(c->s, p->m, end > c->rcv.adv ? DROP_proxy_window : DROP_proxy_duplicate);
	} else {
		core_drop(c->s, p->m, DROP_proxy_consumed);
	}
	p->m = NULL;
	if (c->rcv.fin >= 0 && c->rcv.fin == c->rcv.nxt) {
		c->rx->fin = true;
		urgent_ended(c);
	}
}

/*
 * The window field counts units of 2^shift bytes, and an acknowledged byte moves all edges that it
 * can name.  The old edge lies between two of them:
 *  - the one above keeps what was promised, and promises up to a unit more.  Taken with every ACK
 *    it is a window that never closes: a reader that stops is sent its sender's whole stream;
 *  - the one below is less than a unit short of what was promised.  RFC 7323 2.4 allows that, and
 *    only that, and asks that all which was ever promised be accepted: rcv.adv never moves left.
 * So the edge above is named as long as what is held and promised is within the limit and
 * a unit, then the one below.  rcv.adv never passes rx.start + limit + unit, at any shift, and no
 * byte that was promised room is dropped for want of it.
 */
static int64_t
unit(unsigned shift)
{
	return (int64_t)1 << shift;
}

/* A limit below two units could not be offered while anything is held. */
static int64_t
limit_of(const struct conn *c, unsigned shift)
{
	return RTE_MAX((int64_t)c->rcv.limit, 2 * unit(shift));
}

static bool
above_high_water(const struct conn *c)
{
	return c->s->stats.n_held > c->s->conf.n_held_max / 4 * 3;
}

/* Where the right edge would be if nothing held it back, as far as the field can say it. */
static int64_t
edge_wanted(const struct conn *c, unsigned shift)
{
	int64_t room = RTE_MAX(limit_of(c, shift) - (int64_t)stream_len(c->rx), 0);

	if (above_high_water(c))
		return c->rcv.adv;	/* edges stop */
	return c->rcv.nxt + (RTE_MIN(room >> shift, (int64_t)UINT16_MAX) << shift);
}

/* The field that leaves the edge where it was offered, to a unit. */
static int64_t
field_unmoved(const struct conn *c, unsigned shift)
{
	int64_t wnd = RTE_MAX(c->rcv.adv - c->rcv.nxt, 0);
	int64_t above = (wnd + unit(shift) - 1) >> shift;
	int64_t bound = c->rx->start + limit_of(c, shift) + unit(shift);

	if (c->rcv.nxt + (above << shift) > bound || above_high_water(c))
		return wnd >> shift;
	return above;
}

uint16_t
receive_window(struct conn *c, bool syn)
{
	unsigned shift = syn ? 0 : c->rcv_shift;
	int64_t want = edge_wanted(c, shift), least = field_unmoved(c, shift), wnd, offered;

	/* RFC 9293 3.8.6.2.2: the edge moves by a full segment or half of the buffer. */
	wnd = want - c->rcv.adv >= RTE_MIN((int64_t)c->mss, (int64_t)c->rcv.limit / 2)
		      ? (want - c->rcv.nxt) >> shift
		      : 0;
	wnd = RTE_MIN(RTE_MAX(wnd, least), (int64_t)UINT16_MAX);
	offered = c->rcv.nxt + (wnd << shift);
	c->rcv.adv = RTE_MAX(c->rcv.adv, offered);
	c->rcv.short_by = (uint16_t)(c->rcv.adv - offered);
	return (uint16_t)wnd;
}

/* The least that a relay's buffer holds: what `to` has in flight, which stays until it is
 * acknowledged, and what its window may grow by in a round trip (RFC 5681 3.1, RFC 9438 4.4). */
static uint32_t
limit_least(const struct conn *c, const struct conn *to)
{
	uint32_t cwnd = to->cc.cwnd;
	uint32_t more = cwnd < to->cc.ssthresh ? cwnd : cwnd / 2;

	return RTE_MIN(cwnd + more, c->s->conf.rcv_wnd_max);
}

/* What waits for `to` to be allowed to send it. */
static uint32_t
idle_bytes(const struct conn *to)
{
	int64_t out = RTE_MIN(to->una + to->cc.cwnd, to->wnd_edge);

	return (uint32_t)RTE_MAX(to->tx->end - RTE_MAX(out, to->nxt), 0);
}

/* Since the limit was looked at so much of it has gone, in so short a time, that a sender who has
 * all of his window on the way would send no faster. */
static bool
is_fast(const struct conn *c)
{
	int64_t us = usec_diff(c->s->now, c->rcv.since);

	return c->rtt.srtt == 0 || us <= (int64_t)FAST_RTTS * c->rtt.srtt;
}

/*
 * How much the buffer should hold; looked at whenever a whole buffer's worth has left, which takes
 * one round trip of its sender at least.  Where the other side ran out of bytes, and the sender
 * either had used his window or may have it on the way, it should be more.  What never left in all
 * that time helps nobody: it only lies in memory that is in no cache any more when its turn comes.
 */
static uint32_t
limit_wanted(struct conn *c, const struct conn *to)
{
	struct receive *r = &c->rcv;
	uint32_t want = r->limit;

	if (r->drained >= r->limit) {
		if (r->idle_bytes > 0)
			want = RTE_MAX(want - RTE_MIN(r->idle_bytes / 2, want / 2),
				       RTE_MIN(want, (uint32_t)LIMIT_LEAST));
		else if (r->filled || (stream_len(c->rx) < r->limit / 2 && is_fast(c)))
			want = RTE_MIN(r->limit, c->s->conf.rcv_wnd_max / 2) * 2;
		r->drained = 0;
		r->idle_bytes = to ? UINT32_MAX : 0;
		r->filled = false;
	}
	return to ? RTE_MAX(want, limit_least(c, to)) : want;
}

void
receive_drained(struct conn *c, uint64_t bytes, const struct conn *to)
{
	struct receive *r = &c->rcv;
	int64_t opened, offered = r->adv - r->short_by;	/* by what the peer knows */
	uint32_t limit;

	if (r->drained == 0)
		r->since = c->s->now;
	r->drained += bytes;
	r->filled |= offered - r->nxt < c->mss;
	if (to)
		r->idle_bytes = RTE_MIN(r->idle_bytes, idle_bytes(to));
	limit = r->fixed ? r->limit : limit_wanted(c, to);
	if (limit < r->limit || c->s->stats.n_held < c->s->conf.n_held_max / 2)
		r->limit = limit;
	opened = edge_wanted(c, c->rcv_shift) - offered;
	if (r->fin < 0 &&
	    (opened >= r->limit / 2 || (opened >= c->mss && offered - r->nxt < 2 * c->mss))) {
		r->ack_now = true;
		tcb_pend(c);
	}
}

int64_t
receive_ack(const struct conn *c)
{
	return c->rcv.nxt + (c->rx->fin && c->rcv.fin_ackable);
}

void
receive_ack_sent(struct conn *c)
{
	c->rcv.last_ack = receive_ack(c);
	c->rcv.unacked = 0;
	c->rcv.n_unacked = 0;
	/* Where it was due, what came behind the second segment counts with the next: a flight
	 * whose last two are told apart by a burst's end would wait for a late ACK. */
	if (!c->rcv.ack_now)
		c->rcv.behind = 0;
	c->rcv.ack_now = false;
	c->rcv.delack_at = USEC_NEVER;
}

void
receive_quick(struct conn *c, uint8_t n)
{
	c->rcv.quick = n;
	if (n > 0 && c->rcv.delack_at.v != USEC_NEVER.v) {
		c->rcv.ack_now = true;
		tcb_pend(c);
	}
}

void
receive_fix(struct conn *c, uint32_t bytes)
{
	c->rcv.limit = bytes;
	c->rcv.fixed = true;
}
