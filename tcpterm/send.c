/*
 * What leaves: lost segments again, new ones, FIN, probes, acknowledgements
 * (RFC 9293 3.8, RFC 5681, RFC 8985; silly windows by RFC 9293 3.8.6.2.1).
 */
#include "tcpterm/segment.h"
#include "tcpterm/tcb.h"
#include "tcpterm/urgent.h"

uint32_t
send_clock(const struct tcpterm *s)
{
	return (uint32_t)(s->now.v / 1000);
}

static uint32_t
tsval(const struct conn *c)
{
	return c->ts_val ? *c->ts_val : send_clock(c->s) + c->ts_offset;
}

static void
set_timestamps(const struct conn *c, struct tcpterm_options *o)
{
	o->has_ts = c->ts_on;
	o->tsval = tsval(c);
	o->tsecr = c->rcv.ts_recent;
}

/* A segment of this connection at `off`, acknowledging what it may. */
static struct segment
segment_at(struct conn *c, int64_t off, uint16_t flags, const struct tcpterm_options *o)
{
	struct segment g = segment_for(c->f, c->leg);

	g.ttl = c->ttl;
	g.tos = c->tos & 0xfc;
	g.df = c->df;
	g.ip_id = c->ip_id++;
	g.flow_label = c->flow_label;
	g.seq = seq_of(c->iss, off).v;
	g.ack = seq_of(c->irs, receive_ack(c)).v;
	g.flags = flags | (c->ecn.echo && !(flags & TCP_RST) ? TCP_ECE : 0);
	g.opt = o;
	if (!(flags & TCP_RST)) {
		g.window = receive_window(c, flags & TCP_SYN);
		urgent_mark(c, off, &g);
	}
	return g;
}

static void
bare(struct conn *c, int64_t off, uint16_t flags, struct tcpterm_options *o)
{
	struct segment g = segment_at(c, off, flags, o);

	if (segment_send_bare(c->s, &g) && flags & TCP_ACK)
		receive_ack_sent(c);
}

void
send_ack(struct conn *c)
{
	struct tcpterm_options o = { 0 };

	set_timestamps(c, &o);
	ooo_sack(c, c->ts_on ? 3 : 4, &o);
	ooo_told(c);
	bare(c, c->nxt, TCP_ACK, &o);
}

/* RFC 9293 3.8.4 and 3.8.6.1: a number that the peer has must be answered. */
void
send_probe(struct conn *c)
{
	struct tcpterm_options o = { 0 };

	set_timestamps(c, &o);
	bare(c, c->una - 1, TCP_ACK, &o);
	c->probe_now = false;
	c->s->stats.probes++;
	if (c->n_keepalives < UINT8_MAX)
		c->n_keepalives++;
}

void
send_challenge(struct conn *c)
{
	if (usec_before(c->s->now, c->challenge_at))
		return;
	c->challenge_at = usec_add(c->s->now, TCB_CHALLENGE_US);
	c->s->stats.challenge_acks++;
	send_ack(c);
}

void
send_syn(struct conn *c)
{
	bool reply = c->state == TCPTERM_SYN_RECEIVED;
	struct tcpterm_options o = {
		.has_mss = true,
		.mss = c->mss_offered,
		.sack_permitted = c->sack_on,
		.has_wscale = c->wscale_on,
		.wscale = c->rcv_shift,
	};

	set_timestamps(c, &o);
	bare(c, -1, (reply ? TCP_SYN | TCP_ACK : TCP_SYN) | ecn_syn_flags(c, reply), &o);
	c->rto_at = usec_add(c->s->now, rtt_rto(&c->rtt));
}

void
send_reset(struct conn *c)
{
	bool abandoned = c->tx->end > c->nxt;
	/* A relayed RST may be believed only at una: the impersonated end got no further. */
	bool twice = c->relayed && abandoned && c->nxt > c->una;
	struct segment g =
		segment_at(c, c->relayed && abandoned ? c->una : c->nxt, TCP_RST | TCP_ACK, NULL);

	segment_send_bare(c->s, &g);
	if (!abandoned)
		return;
	c->s->stats.rst_abandoned_bytes += (uint64_t)(c->tx->end - c->nxt);
	/* Only the exact number is believed (RFC 5961 3.2), and what is in flight may arrive. */
	if (twice) {
		g.seq = seq_of(c->iss, c->nxt).v;
		segment_send_bare(c->s, &g);
	}
}

/* Of a payload. */
struct sum {
	bool known;
	uint16_t is;
};

/*
 * What a port that trusts received leaves with the checksum that it came with, and its receiver
 * finds what is wrong.  Sent again it would be as wrong, and where the sum has to be made anew it
 * would look right: there it is verified first.  False: it is corrupt.
 */
static bool
sound(struct conn *c, int64_t off, uint32_t len, bool again, struct sum *sum)
{
	sum->known = stream_sum(c->tx, off, len, &sum->is);
	if (sum->known && !again)
		return true;
	c->corrupt = !stream_verify(c->tx, off, len);
	return !c->corrupt;
}

/* The frame of a segment: that of its payload, where that came as one and nobody else has it; or
 * one for the headers, with the payload behind it. */
static struct rte_mbuf *
frame_of(struct conn *c, int64_t off, uint32_t len, bool summed)
{
	struct tcpterm *s = c->s;
	struct rte_mbuf *m = NULL;
	uint32_t room;

	if (len == 0)
		return rte_pktmbuf_alloc(s->conf.header_pool);
	room = summed ? segment_room(s, c->f, c->leg, c->ts_on) : 0;
	if (room > 0)
		m = stream_in_place(c->tx, off, len, room);
	return m ? m : stream_slice(s, c->tx, off, len);
}

/* One segment of the stream, for the first time or again; false: nothing was sent, for want of an
 * mbuf or because it is corrupt. */
static bool
transmit(struct conn *c, int64_t off, uint32_t len, bool new_data)
{
	int64_t end = RTE_MIN(off + len, c->tx->end);
	bool fin = off + len > c->tx->end;
	uint16_t flags = TCP_ACK;
	struct tcpterm_options o = { 0 };
	struct sum sum = { 0 };
	struct segment g;
	struct rte_mbuf *m;

	if (c->corrupt || (end > off && !sound(c, off, (uint32_t)(end - off), !new_data, &sum)))
		return false;
	m = frame_of(c, off, (uint32_t)(end - off), sum.known);
	if (!m) {
		drops_count(&c->s->drops, DROP_no_mbuf);
		return false;
	}
	if (fin)
		flags |= TCP_FIN;
	if (end > off && end == c->tx->end)
		flags |= TCP_PSH;
	set_timestamps(c, &o);
	g = segment_at(c, off, flags, &o);
	g.df |= end - off > c->mss;	/* a probe; no router may cut it */
	ecn_mark(c, &g, new_data && end > off);
	g.summed = sum.known;
	g.payload_sum = sum.is;
	segment_send(c->s, &g, m);
	receive_ack_sent(c);
	cc_sent(c);
	pace_sent(c, len);
	if (c->rto_at.v == USEC_NEVER.v)
		c->rto_at = usec_add(c->s->now, rtt_rto(&c->rtt));
	return true;
}

static void
resent(struct conn *c, struct sent_seg *g)
{
	bool head = g->off == c->una;

	sent_again(c, g);
	recover_resent(c, g->len, tsval(c));
	c->n_rexmit++;
	c->s->stats.retransmits++;
	/* The timeout is for the copy that just left; those of others RACK watches. */
	if (head)
		c->rto_at = usec_add(c->s->now, rtt_rto(&c->rtt));
}

static void
send_lost(struct conn *c)
{
	struct sent_seg *g;

	while (c->sent.lost > c->sent.rexmit) {
		if (sent_pipe(c) >= c->cc.cwnd && !c->rec.at_once) {
			cc_full(c);
			return;
		}
		if (!pace_ready(c))
			return;
		g = sent_next_lost(c, c->mss);
		/* An entry that could not be cut is acknowledged, and sent, part by part. */
		if (!g || !transmit(c, g->off, RTE_MIN(g->len, (uint32_t)c->mss), false))
			return;
		resent(c, g);
	}
}

/* How much new sequence space the next segment takes; 0: none may leave. */
static uint32_t
next_len(const struct conn *c)
{
	int64_t end = RTE_MIN(c->tx->end, c->wnd_edge);
	uint32_t len = end > c->nxt ? (uint32_t)RTE_MIN(end - c->nxt, (int64_t)c->mss) : 0;
	bool all = c->nxt + len == c->tx->end;

	if (c->fin_sent || c->ecn.wait)
		return 0;
	if (len == c->mss && c->relayed) {	/* in the frames that it came in */
		len = stream_whole(c->tx, c->nxt, len);
		if (len < c->mss)
			return len;
	}
	/* Less than a segment: only if it is all there is, and Nagle agrees; or if the
	 * window can't be expected to open further, or did not (RFC 9293 3.8.6.2.1). Nagle's
	 * algorithm holds it back while another small one is in flight, as Linux does: RFC 9293
	 * 3.7.4 says while anything is, and so lets the end of every write wait for the
	 * peer's delayed ACK, though full segments before it make no silly ones. */
	if (len > 0 && len < c->mss) {
		if (all && c->small_end > c->una && !c->tx->fin && !c->nodelay && !urgent_waits(c))
			return 0;
		if (!all && len < c->wnd_max / 2 && !c->override)
			return 0;
	}
	if (c->tx->fin && all && c->nxt + len < c->wnd_edge)
		len++;
	return len;
}

/* False: there was no memory for it. */
static bool
send_segment(struct conn *c, uint32_t len)
{
	if (!sent_push(c, c->nxt, len))
		return false;
	if (!transmit(c, c->nxt, len, true)) {
		sent_unpush(c);
		return false;
	}
	c->nxt += len;
	if (len < c->mss)
		c->small_end = c->nxt;
	c->override = false;
	recover_sent(c, len);
	rack_probe_later(c);
	if (c->nxt > c->tx->end) {
		c->fin_sent = true;
		tcb_progress(c);
	}
	return true;
}

/* A segment larger than the others, where it is time to learn whether such arrive. */
static bool
send_mtu_probe(struct conn *c)
{
	uint16_t len = pmtu_probe(c);
	int64_t off = c->nxt;

	if (len == 0 || !send_segment(c, len))
		return false;
	pmtu_probe_sent(c, off, len);
	return true;
}

static void
send_new(struct conn *c)
{
	uint32_t len;

	while ((len = next_len(c)) > 0) {
		/* A FIN alone does not wait for the window of congestion: it is one packet, once,
		 * and as small as an ACK. */
		if (sent_pipe(c) >= c->cc.cwnd && c->nxt < c->tx->end) {
			cc_full(c);
			return;
		}
		if (!pace_ready(c))
			return;
		if (!send_mtu_probe(c) && !send_segment(c, len))
			return;
	}
}

/* RFC 8985 7.3: a new segment if there is one, else the last once more; whatever cwnd is. */
static void
send_tail_probe(struct conn *c)
{
	uint32_t len = next_len(c);
	struct sent_seg *g = len > 0 ? NULL : sent_last(c, c->mss);

	if (len > 0 && send_segment(c, len)) {
		rack_probe_sent(c, false);
	} else if (g && transmit(c, g->off, RTE_MIN(g->len, (uint32_t)c->mss), false)) {
		resent(c, g);
		rack_probe_sent(c, true);
	}
}

/* Something waits, nothing is in flight that an ACK or a timeout would follow. */
static void
arm_persist(struct conn *c)
{
	bool waiting = c->tx->end > c->nxt || (c->tx->fin && !c->fin_sent);

	if (!waiting || c->una < c->nxt || c->ecn.wait)
		c->persist_at = USEC_NEVER;
	else if (c->persist_at.v == USEC_NEVER.v)
		c->persist_at =
			usec_add(c->s->now, RTE_MIN(rtt_rto(&c->rtt) << RTE_MIN(c->n_probes, 8),
						    60 * 1000 * 1000LL));
}

void
send_output(struct conn *c)
{
	/* A relay's leg that went by LAST-ACK to CLOSED still answers, while the other closes. */
	if (c->state >= TCPTERM_LISTEN && c->state < TCPTERM_ESTABLISHED)
		return;
	/* SACK blocks travel alone: a full segment has no room for them. */
	if (c->rcv.ack_now && ooo_has_blocks(c))
		send_ack(c);
	pmtu_raise(c);
	cc_restart(c);
	if (rack_probe_due(c))
		send_tail_probe(c);
	if (!c->rec.new_first || next_len(c) == 0)
		send_lost(c);
	send_new(c);
	if (c->probe_now)
		send_probe(c);
	if (c->rcv.ack_now)
		send_ack(c);
	arm_persist(c);
	rack_probe_arm(c);
}
