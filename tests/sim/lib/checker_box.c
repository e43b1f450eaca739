/*
 * What only the box is held to: it may say on one leg only what it has heard on the other.
 */
#include "tests/sim/lib/checker_inner.h"

enum { FIN_WAIT_US = 10 * 1000 * 1000 };

static const struct voice *
source(const struct said *x)
{
	return &x->d->v[1 - x->leg][WHO_BOX];	/* where the impersonated end was heard */
}

static bool
bit(const uint8_t *map, unsigned i)
{
	return map[i / 8] >> i % 8 & 1;
}

static void
judge_impersonation(const struct said *x)
{
	const struct voice *src = source(x);
	const struct seen *s = x->s;

	if (!bit(src->ttls, s->ttl))
		checker_fail(x, "identity", "TTL %u was never the end's", s->ttl);
	if (!bit(src->toses, s->tos & 0xfc))
		checker_fail(x, "identity", "TOS %02x was never the end's", s->tos);
	/* What probes the path may not be cut on it (RFC 8899 5.1.1): new data, with DF. */
	if (!s->v6 && !src->dfs[s->df] && !(s->df && s->len && x->end > (int64_t)x->v->max))
		checker_fail(x, "identity", "DF %d was never the end's", s->df);
	if (s->v6 && !ranges_cover(&src->labels, s->flow_label, s->flow_label + 1))
		checker_fail(x, "identity", "flow label %05x was never the end's", s->flow_label);
	if (s->has_ts && !(s->flags & SEEN_RST) && !heard_tsval(src, s->tsval))
		checker_fail(x, "tsval-invented", "TSval %u", s->tsval);
	if (s->len + s->opt_len + (s->v6 ? 60 : 40) > x->c->cfg.mtu[x->leg])
		checker_fail(x, "mtu", "%u bytes, the port's MTU is %u",
			     s->len + s->opt_len + (s->v6 ? 60 : 40), x->c->cfg.mtu[x->leg]);
	if (s->odd_option)
		checker_fail(x, "syn-options", "an option that does not cross");
}

static void
judge_syn(const struct said *x)
{
	const struct voice *src = source(x);
	const struct seen *s = x->s, *in = &src->syn;

	if (x->v->n_syn_said >= src->n_syn_heard) {
		checker_fail(x, "syn-invented", "%llu sent, %llu received",
			     (unsigned long long)x->v->n_syn_said + 1,
			     (unsigned long long)src->n_syn_heard);
		return;
	}
	if (!(s->flags & SEEN_ACK) != (x->leg == 1))
		checker_fail(x, "syn-invented", "%s on leg %d",
			     s->flags & SEEN_ACK ? "SYN-ACK" : "SYN", x->leg);
	if ((s->has_wscale && !in->has_wscale) || (s->sack_ok && !in->sack_ok) ||
	    (s->has_ts && !in->has_ts) || (s->has_mss && in->has_mss && s->mss > in->mss))
		checker_fail(x, "syn-options", "more than the end offered");
	if (s->has_wscale && in->has_wscale && s->wscale != (in->wscale > 14 ? 14 : in->wscale))
		checker_fail(x, "syn-options", "window scale %u, the end said %u", s->wscale,
			     in->wscale);
	if (!(src->syn_ecn & 1u << (s->flags >> 6 & 3)))
		checker_fail(x, "syn-options", "ECN flags %03x, the end never said so", s->flags);
	if (in->has_mss && !s->has_mss)
		checker_fail(x, "syn-options", "MSS was lost");
}

static void
judge_source(const struct said *x)
{
	const struct voice *src = source(x);

	/* A keepalive's byte before snd.una need not be one that came. */
	if (x->s->len == 1 && x->end == (int64_t)x->v->heard_ack)
		return;
	if (x->s->flags & SEEN_FIN && (uint64_t)x->end - 1 != src->heard_fin)
		checker_fail(x, "unreceived", "a FIN at %lld, which the other end has not sent",
			     (long long)x->end - 1);
	else if (x->from < 0 || !ranges_cover(&src->heard, (uint64_t)x->from, (uint64_t)x->end))
		checker_fail(x, "unreceived", "%lld..%lld has not come from the other end",
			     (long long)x->from, (long long)x->end);
}

/* Who sends the last byte of urgent data knows that it is: a segment that brought it said so. */
static void
judge_urgent(const struct said *x)
{
	const struct voice *src = source(x);
	int64_t mark = (int64_t)src->mark_max;

	if (x->s->flags & SEEN_URG) {
		uint64_t named = (uint64_t)(x->from + x->s->urgent);

		if (!ranges_cover(&src->marks, named, named + 1))
			checker_fail(x, "urgent", "a mark at %llu that was not made",
				     (unsigned long long)named);
	} else if (x->from < mark && mark <= x->end - !!(x->s->flags & SEEN_FIN) &&
		   mark > (int64_t)x->v->heard_ack) {
		checker_fail(x, "urgent", "the byte before %lld is urgent", (long long)mark);
	}
}

static void
judge_fin_ack(const struct said *x)
{
	const struct voice *far = source(x);
	uint64_t fin = x->v->heard_fin;

	if (x->c->cfg.close_local || fin == UINT64_MAX || x->ack <= (int64_t)fin)
		return;
	if (far->heard_ack <= fin && x->now < x->v->heard_fin_at + FIN_WAIT_US && !far->heard_rst)
		checker_fail(x, "fin-early", "the far end acknowledged %llu, the FIN is at %llu",
			     (unsigned long long)far->heard_ack, (unsigned long long)fin);
}

bool
checker_leg_closed(const struct dialogue *d, int leg, enum who who)
{
	const struct voice *v = &d->v[leg][who];

	return v->said_fin && v->heard_fin != UINT64_MAX && v->heard_ack >= v->max &&
	       v->acked > v->heard_fin;
}

bool
checker_over(const struct dialogue *d)
{
	return d->ended || d->v[0][WHO_BOX].heard_rst || d->v[1][WHO_BOX].heard_rst ||
	       (checker_leg_closed(d, 0, WHO_BOX) && checker_leg_closed(d, 1, WHO_BOX));
}

bool
checker_released(const struct said *x, const struct frame *f)
{
	bool free = checker_over(x->d) || (!x->d->confirmed && x->s->flags & SEEN_RST);

	return free && copies_take(&x->c->copies[1 - x->leg], f);
}

static void
judge_closed(const struct said *x)
{
	if (x->v->to_answer > 0)
		x->v->to_answer--;
	else if (checker_leg_closed(x->d, x->leg, WHO_BOX))
		checker_fail(x, "time-wait", "nothing had come to answer");
}

void
checker_box_rst(struct said *x)
{
	const struct voice *far = source(x);
	int64_t una = (int64_t)x->v->heard_ack, max = (int64_t)x->v->max;
	bool refused = !x->v->said_syn && x->s->flags & SEEN_ACK;

	/* Who was not heard has no manners to take on. */
	if (!x->c->cfg.may_reset || far->known)
		judge_impersonation(x);
	/* What is forwarded is not counted for the box's; an answer to an old segment is old. */
	if (x->c->cfg.may_reset && (x->c->cfg.mode == BOX_TRACK || x->d->ended))
		return;
	if (!far->heard_rst && !x->d->cfg->reset_expected)
		checker_fail(x, "rst-uncalled", "neither end has reset");
	/* In answer to a SYN that was refused, the number is 0 (RFC 9293 §3.10.7.1). */
	if (!refused && (x->from < una || x->from > max))
		checker_fail(x, "rst-sequence", "at %lld, in %lld..%lld", (long long)x->from,
			     (long long)una, (long long)max);
}

void
checker_box(struct said *x)
{
	judge_impersonation(x);
	judge_closed(x);
	if (x->s->flags & SEEN_SYN) {
		judge_syn(x);
		return;
	}
	if (x->leg == 1 && x->s->flags & SEEN_ACK && !x->d->confirmed)
		checker_fail(x, "early-ack", "the client has not confirmed");
	judge_source(x);
	judge_urgent(x);
	if (x->s->flags & SEEN_ACK)
		judge_fin_ack(x);
}
