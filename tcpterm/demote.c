/*
 * The way down the ladder of modes.
 */
#include <errno.h>

#include "tcpterm/embryo.h"
#include "tcpterm/pair.h"
#include "tcpterm/pair_rest.h"
#include "tcpterm/relay.h"
#include "tcpterm/window.h"

static enum tcpterm_kind
kind_for(enum tcpterm_decision d)
{
	switch (d) {
	case TCPTERM_TRACK:
		return TCPTERM_KIND_TRACK;
	case TCPTERM_PASS:
		return TCPTERM_KIND_PASS;
	case TCPTERM_DROP:
		return TCPTERM_KIND_DROP;
	default:
		return TCPTERM_KIND_NONE;
	}
}

/* Is `to` below `from`? */
static bool
leads_down(enum tcpterm_kind from, enum tcpterm_kind to)
{
	switch (from) {
	case TCPTERM_KIND_EMBRYO:
	case TCPTERM_KIND_RELAY:
		return to != TCPTERM_KIND_NONE;
	case TCPTERM_KIND_PASSIVE:
		return to != TCPTERM_KIND_NONE;
	case TCPTERM_KIND_TRACK:
		return to == TCPTERM_KIND_PASS || to == TCPTERM_KIND_DROP;
	case TCPTERM_KIND_PASS:
		return to == TCPTERM_KIND_DROP;
	default:
		return false;
	}
}

static int
become(struct tcpterm *s, struct flow *f, enum tcpterm_kind kind, int64_t idle_us)
{
	struct flow *to = flow_become(s, f, kind);

	if (!to)
		return -ENOMEM;
	track_take_over(s, to, NULL, idle_us);
	return 0;
}

/* What a handshake said so far is not taken along: the followers learn it from what comes. */
static int
demote_embryo(struct tcpterm *s, struct embryo *e, enum tcpterm_kind kind)
{
	if (e->syn)	/* tcpterm_decide() is the call for it */
		return -EINVAL;
	return become(s, &e->f, kind, e->verdict.idle_us);
}

static int
demote_relay(struct tcpterm *s, struct relay *r, enum tcpterm_kind kind)
{
	if (kind != TCPTERM_KIND_DROP)
		return relay_step_down(s, r, kind);
	if (!core_has_room(s, kind))
		return -ENOMEM;
	relay_release(s, r);
	return become(s, r->f, kind, r->idle_us);
}

/* What reading a connection has told of end `d` is what following it goes on from. */
static void
past_of(const struct pair *x, unsigned d, struct track_past *past)
{
	const struct pair_side *e = &x->end[d];
	const struct half *h = &e->h;

	if (!h->synced)
		return;
	window_of_numbers(past, d, h->isn, h->sent);
	if (e->shift != SHIFT_UNKNOWN)
		window_of_syn(past, d, e->shift == SHIFT_NONE ? TRACK_NO_WSCALE : e->shift);
	past->half[d].fin = h->fin >= 0 && h->fin < h->sent;
	past->half[d].mss = e->mss;
}

/* The same of what the other end said of its bytes. */
static void
past_of_acks(const struct pair *x, unsigned d, struct track_past *past)
{
	const struct half *h = &x->end[d].h;

	if (h->synced && x->end[!d].h.synced && (h->acked > 0 || h->edge >= 0))
		window_of_ack(past, !d, h->isn, h->acked, h->edge, h->window_max);
}

/* Its streams end here. */
static int
demote_passive(struct tcpterm *s, struct flow *f, enum tcpterm_kind kind)
{
	const bool follows = kind == TCPTERM_KIND_TRACK;
	struct track_past past = { 0 };
	const struct pair *x;
	struct flow *to;

	if (f->is_copy && kind != TCPTERM_KIND_DROP)
		return -EINVAL;
	if (!core_has_room(s, kind))
		return -ENOMEM;
	x = pair_of(f);
	for (unsigned d = 0; d < 2; d++)
		past_of(x, d, &past);
	for (unsigned d = 0; d < 2; d++)
		past_of_acks(x, d, &past);
	pair_release(s, f);
	if (!follows)
		return become(s, f, kind, 0);
	to = flow_become(s, f, kind);
	if (!to)
		return -ENOMEM;
	track_take_over(s, to, &past, 0);
	return 0;
}

int
tcpterm_demote(struct tcpterm *s, struct flow *f, enum tcpterm_decision to)
{
	enum tcpterm_kind kind = kind_for(to);

	if (f->end != TCPTERM_END_NONE)
		return -ENOTCONN;
	if (!leads_down((enum tcpterm_kind)f->kind, kind))
		return -EINVAL;
	switch ((enum tcpterm_kind)f->kind) {
	case TCPTERM_KIND_EMBRYO:
		return demote_embryo(s, (struct embryo *)f, kind);
	case TCPTERM_KIND_RELAY:
		return demote_relay(s, relay_of(f), kind);
	case TCPTERM_KIND_PASSIVE:
		return demote_passive(s, f, kind);
	default:
		if (!core_has_room(s, kind))
			return -ENOMEM;
		return become(s, f, kind, track_idle(f));
	}
}
