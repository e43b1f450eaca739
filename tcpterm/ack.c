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

struct block {
	int64_t left, right;
};

/* By offset: what is newly SACKed is to be seen in the order it was sent (RFC 8985 6.2 step 3). */
static void
insert(struct block *b, unsigned n, struct block new)
{
	while (n > 0 && b[n - 1].left > new.left) {
		b[n] = b[n - 1];
		n--;
	}
	b[n] = new;
}

/* RFC 2883 4: the first block, if it is below the ACK or inside the second. */
static bool
is_dsack(const struct block *b, unsigned n, int64_t ack)
{
	if (b[0].right <= b[0].left || b[0].left < 0)
		return false;
	return b[0].right <= ack || (n > 1 && b[0].left >= b[1].left && b[0].right <= b[1].right);
}

static void
process_sack(struct conn *c, const struct tcpterm_options *o, int64_t ack, struct ackinfo *a)
{
	struct block in[RTE_DIM(o->sack)], b[RTE_DIM(o->sack)];
	unsigned n = 0;

	for (unsigned i = 0; i < o->n_sack; i++) {
		in[i].left = seq_offset(seq(o->sack[i].left), c->iss, c->una);
		in[i].right = seq_offset(seq(o->sack[i].right), c->iss, c->una);
		/* What is beyond nxt is nonsense; below una it is acknowledged already. */
		if (in[i].left >= c->una && in[i].right > in[i].left && in[i].right <= c->nxt)
			insert(b, n++, in[i]);
	}
	for (unsigned i = 0; i < n; i++)
		sent_sack(c, b[i].left, b[i].right, a);
	a->has_sack = o->n_sack > 0;
	if (a->has_sack && is_dsack(in, o->n_sack, ack) && rack_dsack(c)) {
		a->dsack = true;
		a->dsack_left = in[0].left;
		a->dsack_right = in[0].right;
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
	if (c->ecn.wait)	/* RFC 3168 6.1.2: until that time nothing new leaves */
		return;
	c->rto_at = c->una < c->nxt ? usec_add(c->s->now, rtt_rto(&c->rtt)) : USEC_NEVER;
}

static void
measure(struct conn *c, const struct ackinfo *a)
{
	int64_t us = usec_diff(c->s->now, a->sent_at);

	if (c->una > c->rec.point)
		rtt_sample_newer(&c->rtt, us);
	else
		rtt_sample(&c->rtt, us);
	cc_rtt(c, us);
}

bool
ack_process(struct conn *c, const struct pkt *p, const struct tcpterm_options *o, struct ackinfo *a)
{
	int64_t ack = seq_offset(seq(p->ack), c->iss, c->una);
	int64_t edge = c->wnd_edge;

	*a = (struct ackinfo){ .has_tsecr = o->has_ts, .tsecr = o->tsecr };
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
		process_sack(c, o, ack, a);
	if (a->duplicate) {
		c->s->stats.dup_acks++;
		if (!c->sack_on)
			a->delivered = c->mss;
	}
	if (a->has_rtt)
		measure(c, a);
	if (a->acked > 0)
		rearm(c);
	return true;
}
