/*
 * One acknowledgement: what it covers, what window it offers (RFC 9293
 * 3.10.7.4 "fifth, check the ACK field"; RFC 5961 5.2; RFC 2018).
 */
#include "tcpterm/tcb.h"

static void
update_window(struct conn *c, const struct pkt *p, int64_t ack)
{
	uint32_t wnd = (uint32_t)p->window << c->snd_shift;
	bool was_zero = c->wnd_edge <= c->nxt;

	/* An ACK of something new is never old, whatever its own number. */
	if (ack <= c->una && (seq_lt(seq(p->seq), c->wl1) || (p->seq == c->wl1.v && ack < c->wl2)))
		return;
	c->wl1 = seq(p->seq);
	c->wl2 = ack;
	c->wnd_edge = ack + wnd;
	c->wnd_max = RTE_MAX(c->wnd_max, wnd);
	if (wnd == 0)
		c->n_zero_wnd += !was_zero || c->n_zero_wnd == 0;
	if (c->wnd_edge > c->nxt)
		c->n_probes = 0;
}

static void
process_sack(struct conn *c, const struct tcpterm_options *o, struct ackinfo *a)
{
	for (unsigned i = 0; i < o->n_sack; i++) {
		int64_t left = seq_offset(seq(o->sack[i].left), c->iss, c->una);
		int64_t right = seq_offset(seq(o->sack[i].right), c->iss, c->una);

		/* D-SACK blocks lie below una (RFC 2883); what is beyond nxt is nonsense. */
		if (left >= c->una && right > left && right <= c->nxt)
			sent_sack(c, left, right, a);
	}
}

static void
advance(struct conn *c, int64_t ack, struct ackinfo *a)
{
	int64_t last = c->tx->end;

	a->acked = (uint32_t)(ack - c->una);
	a->fin = c->fin_sent && ack == last + 1;
	c->una = ack;
	sent_ack(c, ack, a);
	stream_release(c->s, c->tx, RTE_MIN(ack, last));
	rtt_progress(&c->rtt);
}

/* RFC 6298 (5.2), (5.3), by what this ACK itself measured. */
static void
rearm(struct conn *c)
{
	c->rto_at = c->una < c->nxt ? usec_add(c->s->now, rtt_rto(&c->rtt)) : USEC_NEVER;
}

bool
ack_process(struct conn *c, const struct pkt *p, const struct tcpterm_options *o, struct ackinfo *a)
{
	int64_t ack = seq_offset(seq(p->ack), c->iss, c->una);
	int64_t edge = c->wnd_edge;

	*a = (struct ackinfo){ 0 };
	/* RFC 5961 5.2: (SND.UNA - MAX.SND.WND) <= SEG.ACK <= SND.NXT */
	if (ack > c->nxt || ack < c->una - (int64_t)c->wnd_max)
		return false;
	if (ack >= c->una)
		update_window(c, p, ack);
	if (ack > c->una)
		advance(c, ack, a);
	else if (ack == c->una && c->una < c->nxt && p->payload_len == 0 &&
		 !(p->flags & (TCP_SYN | TCP_FIN)) &&
		 ack + ((int64_t)p->window << c->snd_shift) == edge)
		a->duplicate = true;	/* RFC 5681 2 */
	if (c->sack_on)
		process_sack(c, o, a);
	if (a->duplicate)
		c->s->stats.dup_acks++;
	if (a->has_rtt) {
		rtt_sample(&c->rtt, usec_diff(c->s->now, a->sent_at));
		cc_rtt(c, usec_diff(c->s->now, a->sent_at));
	}
	if (a->acked > 0)
		rearm(c);
	return true;
}
