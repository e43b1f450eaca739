/*
 * The straight path of a passive pair: the next segment of one that lacks nothing.
 *
 * It leaves a pair as it has found it, but for numbers that have moved on: so one that nothing else
 * has touched since (x->plain) is not looked over again.
 */
#include "tcpterm/pair.h"
#include "tcpterm/pair_pad.h"
#include "tcpterm/pair_rest.h"
#include "tcpterm/pair_stamp.h"
#include "tcpterm/pair_window.h"

static bool
become_plain(struct pair *x)
{
	x->plain = half_is_plain(&x->end[0].h) && half_is_plain(&x->end[1].h) &&
		   !(x->over | x->end[0].stray | x->end[1].stray) && !x->takeover &&
		   x->rst_at == INT64_MAX && x->f->seen == 3 && timer_armed(x->f);
	return x->plain;
}

/* Has it what any segment has, and no more? */
static bool
is_ordinary(const struct pkt *p)
{
	return (p->flags & (TCP_SYN | TCP_RST | TCP_URG | TCP_ACK)) == TCP_ACK &&
	       !(p->cksum_bad | p->cut) && p->m->nb_segs == 1 && !pair_is_padded(p);
}

/* All that was sent is here: so nothing of it is far behind or ahead, and its window's end is all
 * that has to be asked of pair_in_window(). */
static bool
is_next(const struct pair *x, const struct pkt *p, unsigned dir)
{
	const struct half *h = &x->end[dir].h;

	return p->seq == seq_of(h->isn, h->sent).v &&
	       pair_window_reaches(x, dir, h->sent + p->payload_len) &&
	       !(h->fin >= 0 && (p->payload_len || p->flags & TCP_FIN));
}

/* What is kept, and was not before, is to be let go one day. */
static void
arm_kept(struct tcpterm *s, struct flow *f, const struct half *h)
{
	int64_t due = half_kept_due(s, h);

	if (!timer_is_by(&s->wheel, f, due))
		flow_arm(s, f, (usec_t){ due });
}

bool
pair_next(struct tcpterm *s, struct flow *f, const struct pkt *p, unsigned dir)
{
	const struct pair_head *head = (const struct pair_head *)f;
	struct pair *x = head->awake;
	struct half *h, *other;
	int64_t ack;

	if (head->rests || !is_ordinary(p) || !(x->plain || become_plain(x)) || !is_next(x, p, dir))
		return false;
	h = &x->end[dir].h;
	other = &x->end[!dir].h;
	ack = half_offset(other, seq(p->ack));
	if (ack < other->acked || ack > other->sent || s->now.v - f->last.v > PAIR_STAMPS_US ||
	    !pair_stamp_next(x, p, dir))
		return false;
	flow_touch(s, f, p, dir);
	if (p->payload_len) {
		half_next(s, f, h, p->m, p->payload, p->payload_len, !f->is_copy);
		if (h->kept.n == 1)
			arm_kept(s, f, h);
	} else if (f->is_copy) {
		half_drop(s, p->m);
	}
	if (p->window == 0)
		x->end[dir].zero_windows++;
	half_ack_next(s, other, ack, (int64_t)p->window << pair_shift(x, dir));
	if (p->flags & TCP_FIN) {
		half_fin(s, f, h, h->sent);
		half_closing(s, other);
	}
	if (h->fin >= 0 || half_has_fin(other))	/* it may be acknowledged now, and all over */
		pair_look(s, x);
	return true;
}
