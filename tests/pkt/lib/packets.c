/*
 * packets.c - a script's segments and ICMP errors to the stack, and what the stack sends
 * against what the script says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/pkt/lib/state.h"
#include "tests/pkt/lib/wire.h"

enum { PATIENCE_US = 600 * 1000 * 1000 };	/* for `*` */

static void
input(struct play *p, struct rte_mbuf *m, enum pkt_kind kind)
{
	static const struct parse_conf conf;
	struct pkt pkt;

	pkt_parse(&pkt, m, &conf);
	if (pkt.kind != kind || pkt.cksum_bad)
		play_complain(p, "the parser refuses the script's own frame");
	tcpterm_input(p->stack, &pkt, 1, p->now);
}

static void
segment_in(struct play *p)
{
	struct script_seg g = p->event->seg;
	uint32_t off = g.seq - !(g.flags & 2);

	if (!g.has_window)
		g.window = 0;
	g.seq += PLAY_REMOTE_ISN;
	g.ack += g.flags & 0x10 ? p->local_isn : 0;
	for (unsigned i = 0; i < g.n_opts; i++) {
		struct script_opt *o = &g.opt[i];

		if (o->kind == 8 && p->has_ts)
			o->v[1] += p->ts_base;
		for (unsigned k = 0; o->kind == 5 && k < o->n; k++)
			o->v[k] += p->local_isn;
	}
	input(p, wire_write(&g, off), PKT_TCP);
}

void
packets_in(struct play *p)
{
	struct script_icmp icmp = p->event->icmp;

	if (p->event->kind == SCRIPT_IN) {
		segment_in(p);
		return;
	}
	icmp.seq += p->local_isn;
	input(p, wire_icmp(&icmp), PKT_ICMP_ERROR);
}

void
packets_take(struct play *p, const struct rte_mbuf *m)
{
	static uint8_t payload[65536];
	struct sent *s = &p->sent[p->n_sent];
	const char *wrong;

	if (p->n_sent == PLAY_QUEUE) {
		play_complain(p, "the stack sends without end");
		return;
	}
	wrong = wire_read(m, &s->seg, payload);
	if (wrong)
		play_complain(p, wrong);
	/* another number: the connection after the first */
	if (s->seg.flags & 2 && (!p->has_local || s->seg.seq != p->local_isn)) {
		p->local_isn = s->seg.seq;
		p->has_local = true;
		p->has_ts = false;
	}
	s->at = p->now.v;
	s->intact = true;
	for (uint32_t i = 0; !wrong && i < s->seg.len; i++)
		s->intact &= payload[i] == wire_byte(s->seg.seq - p->local_isn - 1 + i);
	p->n_sent++;
}

/* The script's numbers for what was sent. */
static void
to_script(struct play *p, struct script_seg *g, const struct script_seg *wanted)
{
	if (p->has_local)
		g->seq -= p->local_isn;
	g->ack = g->flags & 0x10 ? g->ack - PLAY_REMOTE_ISN : 0;
	for (unsigned i = 0; i < g->n_opts; i++) {
		struct script_opt *o = &g->opt[i];
		const struct script_opt *w = &wanted->opt[i];

		if (o->kind == 8 && !p->has_ts && i < wanted->n_opts && w->kind == 8) {
			p->ts_base = o->v[0] - w->v[0];
			p->has_ts = true;
		}
		if (o->kind == 8)
			o->v[0] -= p->ts_base;
		for (unsigned k = 0; o->kind == 5 && k < o->n; k++)
			o->v[k] -= PLAY_REMOTE_ISN;
	}
}

static bool
same_option(const struct play *p, const struct script_opt *a, const struct script_opt *b)
{
	if (a->kind != b->kind || a->n != b->n)
		return false;
	if (a->kind == 8)
		return a->v[1] == b->v[1] &&
		       labs((long)a->v[0] - (long)b->v[0]) <= p->script->tolerance / 1000 + 1;
	return memcmp(a->v, b->v, a->n * sizeof a->v[0]) == 0;
}

/* What the script does not say is not compared. */
static bool
same_ip(const struct script_ip *wanted, const struct script_ip *got)
{
	return (!wanted->has_ecn || wanted->ecn == got->ecn) &&
	       (!wanted->has_tos || wanted->tos == (got->tos & 0xfc)) &&
	       (!wanted->has_ttl || wanted->ttl == got->ttl);
}

static bool
same(const struct play *p, const struct script_seg *wanted, const struct script_seg *got)
{
	if (wanted->flags != got->flags || wanted->seq != got->seq || wanted->len != got->len ||
	    (wanted->flags & 0x10 && wanted->ack != got->ack) ||
	    (wanted->has_window && wanted->window != got->window))
		return false;
	if (!same_ip(&wanted->ip, &got->ip) ||
	    (wanted->has_urgent && wanted->urgent != got->urgent))
		return false;
	if (wanted->any_options)
		return true;
	for (unsigned i = 0; i < wanted->n_opts && i < got->n_opts; i++)
		if (!same_option(p, &wanted->opt[i], &got->opt[i]))
			return false;
	return wanted->n_opts == got->n_opts;
}

static void
compare(struct play *p, struct sent *s, int64_t from, int64_t until)
{
	const struct script_seg *wanted = &p->event->seg;
	char a[400], b[400], what[900];

	to_script(p, &s->seg, wanted);
	script_seg_text(wanted, a, sizeof a);
	script_seg_text(&s->seg, b, sizeof b);
	if (!same(p, wanted, &s->seg)) {
		snprintf(what, sizeof what, "wanted `%s`, it sent `%s`", a, b);
		play_complain(p, what);
	} else if (!s->intact) {
		play_complain(p, "its payload is not what was written");
	} else if (s->at < from || s->at > until) {
		snprintf(what, sizeof what, "`%s` was sent at %.6f s, not from %.6f to %.6f", b,
			 (double)(s->at - p->start) / 1e6, (double)(from - p->start) / 1e6,
			 (double)(until - p->start) / 1e6);
		play_complain(p, what);
	}
}

void
packets_out(struct play *p)
{
	const struct script_event *e = p->event;
	bool any = e->time == TIME_ANY;
	int64_t from = any ? 0 : play_time_of(p, e->at) - p->script->tolerance;
	int64_t until = any ? p->now.v + PATIENCE_US
			    : play_time_of(p, e->until) + p->script->tolerance;
	char a[400], what[450];
	struct sent *s;

	while (p->n_checked == p->n_sent && tcpterm_next(p->stack).v <= until)
		play_run_until(p, tcpterm_next(p->stack).v);
	if (p->n_checked == p->n_sent) {
		snprintf(what, sizeof what, "nothing was sent, wanted `%s`",
			 script_seg_text(&e->seg, a, sizeof a));
		play_complain(p, what);
		return;
	}
	s = &p->sent[p->n_checked++];
	compare(p, s, from, until);
	p->reference = any || e->until > e->at ? s->at : play_time_of(p, e->at);
}

const char *
packets_unexpected(struct play *p, char *buf, size_t len)
{
	struct script_seg *g = &p->sent[p->n_checked].seg;

	if (p->n_checked == p->n_sent)
		return NULL;
	to_script(p, g, g);
	return script_seg_text(g, buf, len);
}
