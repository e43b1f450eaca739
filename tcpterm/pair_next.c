/*
 * The straight path of a passive pair: the next segment of one that lacks nothing.
 */
#include "tcpterm/pair.h"
#include "tcpterm/pair_rest.h"
#include "tcpterm/pair_stamp.h"
#include "tcpterm/pair_window.h"
#include "tcpterm/rest.h"

static bool
is_plain(const struct pair *x)
{
	return half_is_plain(&x->end[0].h) && half_is_plain(&x->end[1].h) &&
	       !(x->over | x->end[0].stray | x->end[1].stray) && !x->takeover &&
	       x->rst_at == INT64_MAX && x->fin_at == INT64_MAX;
}

/* What a segment that moved nothing but the numbers leaves to be waited for. */
static void
arm_next(struct tcpterm *s, struct pair *x)
{
	int64_t due = RTE_MIN(half_kept_due(s, &x->end[0].h), half_kept_due(s, &x->end[1].h));

	due = RTE_MIN(due, x->f->last.v + x->idle_us);
	/* it may fire a tick later than it should */
	if (due + TIMER_TICK_US < timer_deadline(&s->wheel, x->f).v)
		flow_arm(s, x->f, (usec_t){ due });
}

bool
pair_next(struct tcpterm *s, struct flow *f, const struct pkt *p, unsigned dir)
{
	struct pair *x = rest_awake(f) ? pair_of(f) : NULL;
	struct half *h, *other;
	int64_t ack;

	if (!x || (p->flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_URG | TCP_ACK)) != TCP_ACK ||
	    p->cksum_bad || p->cut || p->m->nb_segs != 1 || f->seen != 3 || !timer_armed(f) ||
	    !is_plain(x))
		return false;
	h = &x->end[dir].h;
	other = &x->end[!dir].h;
	ack = half_offset(other, seq(p->ack));
	if (half_offset(h, seq(p->seq)) != h->next || ack < other->acked || ack > other->sent ||
	    !pair_in_window(x, dir, h->next, h->next + p->payload_len) ||
	    s->now.v - f->last.v > PAIR_STAMPS_US || !pair_stamp_next(x, p, dir))
		return false;
	flow_touch(s, f, p, dir);
	if (p->payload_len)
		half_next(s, f, h, p->m, p->payload, p->payload_len, !f->is_copy);
	else if (f->is_copy)
		half_drop(s, p->m);
	x->end[dir].zero_windows += p->window == 0;
	half_ack_next(s, other, ack, (int64_t)p->window << pair_shift(x, dir));
	arm_next(s, x);
	return true;
}
