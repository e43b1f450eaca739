/*
 * The receiving half: reassembly, the window offered, acknowledgement, SACK
 * blocks, timestamps (RFC 9293 3.8.6, 3.10.7.4; RFC 2018; RFC 7323).
 */
#include "tcpterm/tcb.h"

enum {
	DELACK_US = 40 * 1000,			/* RFC 9293 3.8.6.3: at most 0.5 s */
	OOO_SPARSE = 64,			/* mbufs that may be held badly filled */
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
	return off <= edge(c) && off + len >= c->rcv.nxt;
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
receive_ecn(struct conn *c, const struct pkt *p)
{
	enum { CE = 3 };

	if (!c->ecn_on || p->payload_len == 0)
		return;
	if (p->flags & TCP_CWR)
		c->rcv.ece = false;
	if ((p->tos & CE) != CE)
		return;
	c->rcv.ece = true;
	c->rcv.ack_now = true;
}

static void
ooo_unlink(struct conn *c, struct rte_mbuf **at)
{
	struct rte_mbuf *m = *at;

	*at = held(m)->next;
	c->rcv.ooo_bytes -= held(m)->len;
	c->rcv.ooo_mbufs -= m->nb_segs;
	c->s->stats.n_held -= m->nb_segs;
}

/* The contiguous block of out-of-order bytes around `off`; false: none. */
static bool
block_around(const struct conn *c, int64_t off, int64_t *left, int64_t *right)
{
	const struct rte_mbuf *m = c->rcv.ooo;

	while (m) {
		*left = held(m)->off;
		*right = *left + held(m)->len;
		for (m = held(m)->next; m && held(m)->off == *right; m = held(m)->next)
			*right += held(m)->len;
		if (*left <= off && off < *right)
			return true;
	}
	return false;
}

/* The block of `off` is the latest; one entry a block, so that the others stay known. */
static void
remember(struct conn *c, int64_t off)
{
	int64_t kept[TCB_N_RECENT] = { off }, left = off, right = off + 1;
	unsigned n = 1;

	block_around(c, off, &left, &right);
	for (unsigned i = 0; i < TCB_N_RECENT && n < TCB_N_RECENT; i++) {
		int64_t r = c->rcv.recent[i];

		if (r > c->rcv.nxt && (r < left || r >= right))
			kept[n++] = r;
	}
	while (n < TCB_N_RECENT)
		kept[n++] = -1;
	memcpy(c->rcv.recent, kept, sizeof kept);
}

/* Holds [off, off + len) of `m` among the out-of-order pieces; what is there already stays. */
static void
ooo_insert(struct conn *c, struct rte_mbuf *m, uint32_t m_off, int64_t off, uint32_t len)
{
	struct rte_mbuf **at = &c->rcv.ooo;
	int64_t end = off + len;

	while (*at && held(*at)->off + held(*at)->len <= off)
		at = &held(*at)->next;
	if (*at && held(*at)->off <= off) {
		int64_t start = RTE_MIN(held(*at)->off + held(*at)->len, end);

		m_off += (uint32_t)(start - off);
		off = start;
		at = &held(*at)->next;
	}
	while (*at && off < end && held(*at)->off + held(*at)->len <= end) {
		struct rte_mbuf *covered = *at;

		ooo_unlink(c, at);
		rte_pktmbuf_free(covered);
	}
	if (*at)
		end = RTE_MIN(end, held(*at)->off);
	if (off >= end) {
		c->n_dup++;
		core_drop(c->s, m, DROP_proxy_duplicate);
		return;
	}
	*held(m) = (struct held){
		.next = *at, .off = off, .m_off = m_off, .len = (uint32_t)(end - off)
	};
	*at = m;
	c->rcv.ooo_bytes += (uint32_t)(end - off);
	c->rcv.ooo_mbufs += m->nb_segs;
	c->s->stats.n_held += m->nb_segs;
	remember(c, off);
}

static void
deliver(struct conn *c, struct rte_mbuf *m, uint32_t m_off, uint32_t len)
{
	c->rcv.nxt += len;
	c->rcv.unacked += len;
	stream_append(c->s, c->rx, m, m_off, len);
}

/* Out-of-order pieces that are in order now. */
static void
deliver_held(struct conn *c)
{
	struct rte_mbuf *m;

	while ((m = c->rcv.ooo) && held(m)->off <= c->rcv.nxt) {
		struct held h = *held(m);
		uint32_t skip = (uint32_t)RTE_MIN(c->rcv.nxt - h.off, (int64_t)h.len);

		ooo_unlink(c, &c->rcv.ooo);
		if (skip < h.len)
			deliver(c, m, h.m_off + skip, h.len - skip);
		else
			rte_pktmbuf_free(m);
		c->rcv.ack_now = true;	/* RFC 5681 4.2: it filled a gap */
	}
}

/* With a coarse scale each ACK rounds the edge further right, without end: what comes past
 * twice the limit stays with its sender. */
static bool
overdrawn(const struct conn *c)
{
	return stream_len(c->rx) >= 2ull * c->rcv.limit;
}

/* In-order data may use all of the budget, the rest half of it, so that a hole can always be
 * filled. */
static bool
budget(const struct conn *c, const struct rte_mbuf *m, bool in_order)
{
	const struct tcpterm *s = c->s;
	uint32_t quarter = rte_pktmbuf_data_room_size(s->conf.payload_pool) / 4u;

	if (in_order)
		return s->stats.n_held < s->conf.n_held_max && !overdrawn(c);
	/* Scattered bytes can't be compacted: few of them may hold whole mbufs. */
	if (c->rcv.ooo_mbufs > OOO_SPARSE && c->rcv.ooo_bytes / c->rcv.ooo_mbufs < quarter)
		return false;
	return s->stats.n_held + m->nb_segs <= s->conf.n_held_max / 2;
}

static void
schedule_ack(struct conn *c)
{
	if (c->rcv.quick > 0) {
		c->rcv.quick--;
		c->rcv.ack_now = true;
	} else if (c->rcv.unacked >= 2u * c->mss) {
		c->rcv.ack_now = true;
	} else if (c->rcv.delack_at.v == USEC_NEVER.v) {
		c->rcv.delack_at = usec_add(c->s->now, DELACK_US);
	}
}

static void
take_payload(struct conn *c, struct pkt *p, int64_t off, uint32_t skip, uint32_t len)
{
	bool in_order = off == c->rcv.nxt;

	if (!budget(c, p->m, in_order)) {
		c->rcv.ack_now = true;
		core_drop(c->s, p->m, DROP_mbuf_budget);
	} else if (in_order) {
		deliver(c, p->m, p->payload + skip, len);
		deliver_held(c);
		schedule_ack(c);
	} else {
		c->n_ooo++;
		c->s->stats.out_of_order++;
		c->rcv.ack_now = true;	/* RFC 5681 4.2 */
		ooo_insert(c, p->m, p->payload + skip, off, len);
		/* Who can't be told by SACK counts the duplicates: one for each segment. */
		if (!c->sack_on)
			send_ack(c);
	}
	p->m = NULL;
}

/* Trims to the window and to a known FIN; what is left may be empty. */
static void
trim(const struct conn *c, int64_t *off, uint32_t *skip, uint32_t *len)
{
	int64_t start = RTE_MAX(*off, c->rcv.nxt);
	int64_t stop = RTE_MIN(*off + *len, c->rcv.adv);

	if (c->rcv.fin >= 0)
		stop = RTE_MIN(stop, c->rcv.fin);
	*skip = (uint32_t)(start - *off);
	*len = stop > start ? (uint32_t)(stop - start) : 0;
	*off = start;
}

void
receive_segment(struct conn *c, struct pkt *p, int64_t off)
{
	uint32_t len = p->payload_len, skip;
	int64_t end = off + len;

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
	if (c->rcv.fin >= 0 && c->rcv.fin == c->rcv.nxt)
		c->rx->fin = true;
}

static uint32_t
room(const struct conn *c)
{
	uint32_t held_now = stream_len(c->rx);

	return c->rcv.limit > held_now ? c->rcv.limit - held_now : 0;
}

/* Where the right edge would be if nothing held it back, as far as the field can say it. */
static int64_t
edge_wanted(const struct conn *c, unsigned shift)
{
	if (c->s->stats.n_held > c->s->conf.n_held_max / 4 * 3)
		return c->rcv.adv;	/* above high water edges stop */
	return c->rcv.nxt + ((int64_t)RTE_MIN(room(c) >> shift, (uint32_t)UINT16_MAX) << shift);
}

/* The field that leaves the edge where it was offered; rounded up, for it never moves left. */
static int64_t
field_unmoved(const struct conn *c, unsigned shift)
{
	return (RTE_MAX(c->rcv.adv - c->rcv.nxt, 0) + (1 << shift) - 1) >> shift;
}

uint16_t
receive_window(struct conn *c, bool syn)
{
	unsigned shift = syn ? 0 : c->rcv_shift;
	int64_t want = edge_wanted(c, shift), least = field_unmoved(c, shift), wnd;

	/* RFC 9293 3.8.6.2.2: the edge moves by a full segment or half of the buffer. */
	wnd = want - c->rcv.adv >= RTE_MIN((int64_t)c->mss, (int64_t)c->rcv.limit / 2)
		      ? (want - c->rcv.nxt) >> shift
		      : 0;
	wnd = RTE_MIN(RTE_MAX(wnd, least), (int64_t)UINT16_MAX);
	c->rcv.adv = RTE_MAX(c->rcv.adv, c->rcv.nxt + (wnd << shift));
	return (uint16_t)wnd;
}

void
receive_drained(struct conn *c, uint64_t bytes)
{
	struct receive *r = &c->rcv;
	int64_t opened;

	r->drained += bytes;
	/* Whoever takes a whole buffer's worth and leaves it mostly empty can use more. */
	if (r->drained >= r->limit) {
		r->drained = 0;
		if (stream_len(c->rx) < r->limit / 2 && r->limit < c->s->conf.rcv_wnd_max &&
		    c->s->stats.n_held < c->s->conf.n_held_max / 2)
			r->limit = RTE_MIN(r->limit * 2, c->s->conf.rcv_wnd_max);
	}
	opened = edge_wanted(c, c->rcv_shift) - r->adv;
	if (r->fin < 0 &&
	    (opened >= r->limit / 2 || (opened >= c->mss && r->adv - r->nxt < 2 * c->mss))) {
		r->ack_now = true;
		tcb_pend(c);
	}
}

static bool
block_listed(const struct tcpterm_options *o, seq_t left)
{
	for (unsigned i = 0; i < o->n_sack; i++)
		if (o->sack[i].left == left.v)
			return true;
	return false;
}

static void
list_block(const struct conn *c, int64_t off, struct tcpterm_options *o)
{
	int64_t left, right;

	if (!block_around(c, off, &left, &right) || block_listed(o, seq_of(c->irs, left)))
		return;
	o->sack[o->n_sack].left = seq_of(c->irs, left).v;
	o->sack[o->n_sack].right = seq_of(c->irs, right).v;
	o->n_sack++;
}

unsigned
receive_sack(const struct conn *c, unsigned n_max, struct tcpterm_options *o)
{
	o->n_sack = 0;
	if (!c->sack_on || !c->rcv.ooo)
		return 0;
	for (unsigned i = 0; i < TCB_N_RECENT && o->n_sack < n_max; i++)
		list_block(c, c->rcv.recent[i], o);
	/* The latest are all in order by now, and an older block is not. */
	if (o->n_sack == 0)
		list_block(c, held(c->rcv.ooo)->off, o);
	return o->n_sack;
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
	c->rcv.ack_now = false;
	c->rcv.delack_at = USEC_NEVER;
}

void
receive_clear(struct conn *c)
{
	while (c->rcv.ooo) {
		struct rte_mbuf *m = c->rcv.ooo;

		ooo_unlink(c, &c->rcv.ooo);
		rte_pktmbuf_free(m);
	}
}
