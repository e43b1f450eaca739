/*
 * From reading a connection to standing between its ends.
 */
#include "tcpterm/takeover.h"

#include <errno.h>

#include "tcpterm/embryo.h"
#include "tcpterm/pair.h"
#include "tcpterm/pair_rest.h"
#include "tcpterm/relay.h"

uint8_t
takeover_said(const struct tcpterm_options *o, uint16_t flags)
{
	bool unfit = o->has_md5 || o->has_ao || o->has_mptcp || o->n_unknown || o->malformed ||
		     flags & TCP_AE;

	return (uint8_t)(PAIR_SAID_SYN | (o->sack_permitted ? PAIR_SAID_SACK : 0) |
			 (o->has_ts ? PAIR_SAID_TS : 0) | (unfit ? PAIR_SAID_UNFIT : 0) |
			 (flags & TCP_ECE ? PAIR_SAID_ECE : 0) |
			 (flags & TCP_CWR ? PAIR_SAID_CWR : 0));
}

void
takeover_forget(struct tcpterm *s, struct pair *x)
{
	if (x->takeover)
		slab_free(&s->takeovers, x->takeover->index);
	x->takeover = NULL;
}

void
takeover_heard(struct pair *x, const struct pkt *p, const struct tcpterm_options *o, unsigned d)
{
	struct takeover *t = x->takeover;

	if (o->has_ts && (!t->end[d].has_ts || (int32_t)(o->tsval - t->end[d].ts_newest) > 0))
		t->end[d].ts_newest = o->tsval;
	t->end[d].has_ts |= o->has_ts;
	t->end[d].own = manners_of(p);
	t->end[d].heard = true;
}

/* --- may it, can it now? --- */

/* Its handshake was seen and is one that we could have forwarded, and nothing of it is missing. */
static bool
fit(const struct pair_side *e)
{
	return (e->said & (PAIR_SAID_SYN | PAIR_SAID_UNFIT)) == PAIR_SAID_SYN && e->h.synced &&
	       e->h.n_gaps == 0;
}

static bool
ends(const struct pair *x)
{
	return x->over || x->end[0].h.fin >= 0 || x->end[1].h.fin >= 0 || x->rst_at != INT64_MAX;
}

/* All that was forwarded is known to have arrived. */
static bool
at_rest(const struct half *h)
{
	return !h->held.first && h->next == h->sent && h->acked == h->next && h->suspect < 0 &&
	       h->edge >= h->next;
}

static bool
uses_timestamps(const struct pair *x)
{
	return x->end[0].said & x->end[1].said & PAIR_SAID_TS;
}

static bool
heard(const struct pair *x, unsigned d)
{
	const struct takeover *t = x->takeover;

	return t->end[d].heard && (t->end[d].has_ts || !uses_timestamps(x));
}

int
tcpterm_take_over(struct tcpterm *s, struct flow *f)
{
	struct pair *x;
	uint32_t index;

	if (f->kind != TCPTERM_KIND_PASSIVE || f->is_copy)
		return -EINVAL;
	x = pair_of(f);
	if (ends(x))
		return -ENOTCONN;
	if (!fit(&x->end[0]) || !fit(&x->end[1]))
		return -EOPNOTSUPP;
	if (x->takeover)
		return 0;
	if (!s->takeovers.base &&
	    slab_init(&s->takeovers, sizeof(struct takeover), s->conf.n_flows) != 0)
		return -ENOMEM;
	x->plain = false;
	x->takeover = slab_alloc(&s->takeovers, &index);
	if (!x->takeover)
		return -ENOMEM;
	x->takeover->index = index;
	return 0;
}

/* --- the change --- */

/* What the end would say in a SYN whose first byte is S. */
static struct embryo_end
end_of(const struct pair *x, unsigned d)
{
	const struct pair_side *e = &x->end[d];
	const struct manners *own = &x->takeover->end[d].own;

	return (struct embryo_end){
		.seen = true,
		.isn = seq(seq_of(e->h.isn, e->h.next).v - 1),
		.flags = (uint16_t)((e->said & PAIR_SAID_ECE ? TCP_ECE : 0) |
				    (e->said & PAIR_SAID_CWR ? TCP_CWR : 0)),
		.opt = { .has_mss = e->mss != 0,
			 .mss = e->mss,
			 .has_wscale = e->shift <= TCB_WSCALE_MAX,
			 .wscale = e->shift,
			 .sack_permitted = e->said & PAIR_SAID_SACK,
			 .has_ts = e->said & PAIR_SAID_TS,
			 .tsval = x->takeover->end[d].ts_newest },
		.at = USEC_NEVER,
		.ttl = own->ttl,
		.tos = own->tos,
		.df = own->df,
		.flow_label = own->flow_label,
	};
}

static void
take_over(struct tcpterm *s, struct pair *x)
{
	const struct embryo e = {
		.end = { end_of(x, 0), end_of(x, 1) },
		.verdict = { .decision = TCPTERM_RELAY, .idle_us = x->idle_us },
	};
	const uint32_t window[2] = {
		(uint32_t)(x->end[0].h.edge - x->end[0].h.next),
		(uint32_t)(x->end[1].h.edge - x->end[1].h.next),
	};

	if (!core_has_room(s, TCPTERM_KIND_RELAY)) {
		takeover_forget(s, x);
		return;
	}
	pair_release(s, x->f);		/* its streams end here */
	relay_take_up(s, x->f, &e, window);
	s->stats.taken_over++;
}

void
takeover_try(struct tcpterm *s, struct pair *x)
{
	if (ends(x) || !fit(&x->end[0]) || !fit(&x->end[1]))
		takeover_forget(s, x);
	else if (heard(x, 0) && heard(x, 1) && at_rest(&x->end[0].h) && at_rest(&x->end[1].h))
		take_over(s, x);
}
