#include "tcpterm/watch.h"

#include "tcpterm/options.h"
#include "tcpterm/segment.h"

enum {
	ASK_US = 2 * 1000 * 1000,	/* a sender's own timer repeats sooner what it has */
	N_ASKS = 3,
	PROBE_US = 550 * 1000,		/* ends answer twice a second at most (RFC 5961 7) */
	N_PROBES = 6,
};

/* So far below a number that was sent that it is outside of every window, and acknowledges nothing
 * (RFC 7323 2.2). */
#define FAR_BELOW (1u << 30)

struct watch *
watch_new(struct tcpterm *s, usec_t repeats_until)
{
	struct watch *w;
	uint32_t i;

	if (!s->watches.base && slab_init(&s->watches, sizeof *w, s->conf.n_flows) != 0)
		return NULL;
	w = slab_alloc(&s->watches, &i);
	if (!w)
		return NULL;
	w->index = i;
	w->probe_at = s->now;
	w->repeats_until = repeats_until;
	return w;
}

void
watch_free(struct tcpterm *s, struct watch *w)
{
	if (w)
		slab_free(&s->watches, w->index);
}

/* --- what is said --- */

static void
ask_again(struct tcpterm *s, struct watch *w)
{
	w->n_probes = 0;
	w->probe_at = s->now;
}

/* The receiver expects the same again, or `more` than before. */
static void
receiver_spoke(struct tcpterm *s, struct watch *w, struct watch_way *y, bool more, bool open)
{
	if (!open) {
		y->asks = false;
		return;
	}
	if (!y->asks)
		ask_again(s, w);
	if (!y->asks || more) {
		y->asks = true;
		y->since = s->now;
		y->n_asks = y->n_above = 0;
	}
	if (y->n_asks < UINT8_MAX)
		y->n_asks++;
}

static void
learn_timestamps(struct watch_end *e, const struct pkt *p)
{
	struct tcpterm_options o;

	options_parse(rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->l4 + 20), p->opt_len, &o);
	if (o.has_ts && (!e->has_ts || (int32_t)(o.tsval - e->tsval) >= 0)) {
		e->tsval = o.tsval;
		e->tsecr = o.tsecr;
	}
	e->has_ts |= o.has_ts;
}

static void
learn(struct watch_end *e, const struct pkt *p)
{
	seq_t from = seq(p->seq), nxt = seq_add(from, p->payload_len + !!(p->flags & TCP_FIN));

	/* A single byte may be a probe's, and then it is nothing (RFC 9293 3.8.4). */
	if (p->payload_len > 1 && (!e->sent || seq_lt(from, e->low))) {
		e->low = from;
		e->sent = true;
	}
	if (!e->spoke || seq_lt(e->nxt, nxt))
		e->nxt = nxt;
	if (!e->spoke || seq_lt(e->expects, seq(p->ack)))
		e->expects = seq(p->ack);
	e->window = p->window;
	e->spoke = true;
}

/* What the receiver has is beyond the least that the sender was seen to have, or is all that there
 * is. */
static bool
whole(const struct watch_end *sender, const struct watch_end *receiver)
{
	if (!sender->spoke || !receiver->spoke)
		return false;
	return (sender->sent && seq_le(sender->low, receiver->expects)) ||
	       seq_le(sender->nxt, receiver->expects);
}

/* A window that was shut at a number has no room beyond it: who sent more than a probe's byte sent
 * it to another, who offered a window of its own. */
static void
judge(struct watch_way *y, const struct watch_end *sender, const struct watch_end *receiver)
{
	y->whole |= whole(sender, receiver);
	if (receiver->spoke && receiver->window == 0) {
		y->was_shut = true;
		y->shut = receiver->expects;
	}
	y->beyond = y->was_shut && sender->spoke && y->shut.v == receiver->expects.v &&
		    seq_lt(seq_add(y->shut, 1), sender->nxt);
}

void
watch_segment(struct tcpterm *s, struct watch *w, const struct pkt *p, unsigned dir)
{
	struct watch_end *e = &w->end[dir], *other = &w->end[!dir];
	struct watch_way *out = &w->way[dir], *in = &w->way[!dir];
	bool more = !e->spoke || seq_lt(e->expects, seq(p->ack));

	if (!(p->flags & TCP_ACK))
		return;
	if (more || seq(p->ack).v == e->expects.v)
		receiver_spoke(s, w, in, more, p->window > 0);
	if (out->asks && seq_lt(other->expects, seq(p->seq)) && out->n_above < UINT8_MAX)
		out->n_above++;
	learn(e, p);
	learn_timestamps(e, p);
	judge(out, e, other);
	judge(in, other, e);
}

static bool
lost(const struct tcpterm *s, const struct watch *w, const struct watch_way *y)
{
	if (y->whole || !y->asks || y->n_asks < N_ASKS || y->n_above == 0)
		return false;
	return usec_diff(s->now, y->since) >= ASK_US &&
	       (y->beyond || !usec_before(s->now, w->repeats_until));
}

bool
watch_lost(const struct tcpterm *s, const struct watch *w)
{
	return lost(s, w, &w->way[0]) || lost(s, w, &w->way[1]);
}

bool
watch_whole(const struct watch *w)
{
	return w->way[0].whole && w->way[1].whole;
}

/* --- what is asked --- */

/* To end `to`, as from the other, a segment that it does not accept, and so answers. */
static void
probe(struct tcpterm *s, const struct watch *w, const struct flow *f, unsigned to)
{
	const struct watch_end *e = &w->end[to], *own = &w->end[!to];
	struct segment g = segment_for(f, to);
	struct tcpterm_options o = {
		.has_ts = e->has_ts || own->has_ts,
		.tsval = own->has_ts ? own->tsval : e->tsecr,
		.tsecr = e->has_ts ? e->tsval : own->tsecr,
	};

	/* Who has not spoken expects what lies less than a window below what was sent to it. */
	g.seq = e->spoke ? e->expects.v - 1 : own->nxt.v - FAR_BELOW;
	g.ack = own->spoke ? own->expects.v : e->nxt.v - FAR_BELOW;
	g.window = own->spoke ? own->window : 1;
	g.flags = TCP_ACK;
	g.opt = &o;
	segment_send_bare(s, &g);
	s->stats.probes++;
}

/* A few times; and once more when patience ends, for then it is the answers that count. */
static usec_t
next_probe(const struct tcpterm *s, struct watch *w)
{
	if (w->n_probes < N_PROBES)
		return usec_add(s->now, PROBE_US);
	if (!usec_before(s->now, w->repeats_until))
		return USEC_NEVER;
	w->n_probes = 0;
	return w->repeats_until;
}

void
watch_probe(struct tcpterm *s, struct watch *w, const struct flow *f)
{
	if (w->n_probes < N_PROBES)
		w->n_probes++;
	w->probe_at = next_probe(s, w);
	if (!w->end[0].spoke && !w->end[1].spoke)
		return;
	probe(s, w, f, 0);
	probe(s, w, f, 1);
}
