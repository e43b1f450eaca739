/*
 * How the halves of a passive pair get their numbering.
 *
 * By the other end's ACK, which picks one of the numbers that SYNs named; or,
 * when the first reordering allowance brought none, by the bytes themselves.
 */
#include "tcpterm/pair_rest.h"

#include "tcpterm/options.h"
#include "tcpterm/takeover.h"

#define FAR (1 << 30)

/* An ACK beyond a SYN that was seen picks it although the bytes were not seen, so far. */
#define ACKED_UNSEEN (1 << 20)

static void
candidate_drop(struct tcpterm *s, struct pair_candidate *c)
{
	if (!c->m)
		return;
	s->stats.n_held -= c->m->nb_segs;
	half_drop(s, c->m);
	c->m = NULL;
}

void
pair_forget(struct tcpterm *s, struct pair_side *e)
{
	unsigned i;

	for (i = 0; i < e->n_cand; i++)
		candidate_drop(s, &e->cand[i]);
	e->n_cand = 0;
}

const struct pair_candidate *
pair_candidate(const struct pair_side *e, seq_t number)
{
	unsigned i;

	for (i = 0; i < e->n_cand; i++)
		if ((uint32_t)seq_diff(number, e->cand[i].isn) - 1 <= e->cand[i].len)
			return &e->cand[i];
	return NULL;
}

bool
pair_is_candidate(const struct pair_side *e, seq_t number)
{
	return pair_candidate(e, number) != NULL;
}

/* The candidate nearest below a number that lies in its stream; NULL. */
static const struct pair_candidate *
nearest(const struct pair_side *e, seq_t number, int32_t within)
{
	const struct pair_candidate *best = NULL;
	int32_t best_distance = within;
	unsigned i;

	for (i = 0; i < e->n_cand; i++) {
		int32_t distance = seq_diff(number, seq_add(e->cand[i].isn, 1));

		if (distance >= 0 && distance < best_distance) {
			best = &e->cand[i];
			best_distance = distance;
		}
	}
	return best;
}

bool
pair_is_unasked(const struct pair *x, const struct pkt *p, unsigned d)
{
	const struct pair_side *e = &x->end[!d];

	return (p->flags & TCP_ACK) && e->n_cand && !e->h.synced && !x->end[d].n_cand &&
	       !nearest(e, seq(p->ack), ACKED_UNSEEN);
}

bool
pair_is_new_connection(const struct pair *x, const struct pkt *p, unsigned d)
{
	const struct pair_side *e = &x->end[!d];
	const struct pair_candidate *c = pair_candidate(e, seq(p->ack));

	return e->h.synced && c && c->isn.v != e->h.isn.v && x->end[d].h.isn.v != p->seq;
}

void
pair_asked(struct flow *f, const struct pair_candidate *syn)
{
	struct pair_side *e = &pair_of(f)->end[0];

	f->start = TCPTERM_START_SYN;
	e->cand[0] = *syn;
	e->cand[0].m = NULL;
	e->n_cand = 1;
	e->any = true;
	e->start = TCPTERM_START_SYN;
	e->shift = syn->shift;
}

static void
sync(struct tcpterm *s, struct pair *x, unsigned d, const struct pair_candidate *c, bool bytes)
{
	struct pair_side *e = &x->end[d];
	struct pair_candidate own = *c;

	if (own.m) {
		s->stats.n_held -= own.m->nb_segs;
		((struct pair_candidate *)c)->m = NULL;
	}
	e->shift = own.shift;
	e->said = own.said;
	e->mss = own.mss;
	pair_forget(s, e);
	half_sync(s, x->f, &e->h, own.isn);
	if (own.m && bytes)
		half_bytes(s, x->f, &e->h, 0, own.m, own.m_off, own.len);
	else if (own.m)
		half_drop(s, own.m);
	if (e->has_rack)
		half_ack(s, x->f, &e->h, half_offset(&e->h, e->rack), -1);
	e->has_rack = false;
}

void
pair_pick_by_ack(struct tcpterm *s, struct pair *x, unsigned d, seq_t ack, bool syn)
{
	struct pair_side *e = &x->end[d];
	const struct pair_candidate *c;
	struct pair_candidate inferred = { .isn = seq(ack.v - 1), .shift = e->shift };

	if (e->h.synced)
		return;
	c = pair_candidate(e, ack);
	if (!c && !syn)
		c = nearest(e, ack, ACKED_UNSEEN);
	if (c) {
		sync(s, x, d, c, ack.v - c->isn.v - 1 >= c->len);
	} else if (syn && e->n_cand == 0) {
		e->start = TCPTERM_START_SYNACK;
		sync(s, x, d, &inferred, false);
	}
}

/* Room for one more: the oldest goes. */
static struct pair_candidate *
candidate_room(struct tcpterm *s, struct pair_side *e)
{
	struct pair_candidate *c;

	if (e->n_cand < PAIR_CANDIDATES)
		return &e->cand[e->n_cand++];
	c = &e->cand[e->next_cand++ % PAIR_CANDIDATES];
	candidate_drop(s, c);
	return c;
}

static struct pair_candidate *
candidate_of(struct tcpterm *s, struct pair_side *e, seq_t isn)
{
	struct pair_candidate *c;
	unsigned i;

	for (i = 0; i < e->n_cand; i++)
		if (e->cand[i].isn.v == isn.v)
			return &e->cand[i];
	c = candidate_room(s, e);
	*c = (struct pair_candidate){ .isn = isn };
	return c;
}

/* Is `number` where the side's stream begins, as far as is known?  At or not far before the first
 * of it that was seen.  -1: nothing was. */
static int
is_beginning(const struct pair_side *e, seq_t number)
{
	const struct piece *first = e->h.held.first;
	int64_t before;

	if (e->h.synced)
		before = -half_offset(&e->h, number);
	else if (e->h.collecting)
		before = (first ? first->off : e->h.fin) - half_offset(&e->h, number);
	else if (e->has_rack)
		before = seq_diff(e->rack, number);
	else
		return -1;
	return before >= 0 && before <= ACKED_UNSEEN;
}

bool
pair_syn_fits(const struct pair *x, const struct pkt *p, unsigned d)
{
	int own = is_beginning(&x->end[d], seq(p->seq + 1));
	int other = p->flags & TCP_ACK ? is_beginning(&x->end[!d], seq(p->ack)) : -1;

	return own != 0 && other != 0 && own + other > -2;
}

void
pair_syn(struct tcpterm *s, struct pair *x, const struct pkt *p, unsigned d)
{
	struct pair_side *e = &x->end[d];
	bool again = e->h.synced && e->h.isn.v == p->seq;
	struct pair_candidate *c;
	struct tcpterm_options o;

	options_parse(rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->l4 + 20), p->opt_len, &o);
	s->stats.options_malformed += o.malformed;
	if (o.has_wscale && o.wscale > 14) {
		s->stats.wscale_clamped++;
		x->f->wscale_clamped = true;
	}
	if (!e->h.synced || again)
		e->shift = o.has_wscale ? RTE_MIN(o.wscale, 14) : SHIFT_NONE;
	if (!(p->flags & TCP_ACK)) {
		x->f->start = TCPTERM_START_SYN;
		if (!e->h.synced || again)
			e->start = TCPTERM_START_SYN;
	} else if (!e->h.synced) {
		e->start = x->f->start;
	}
	if (again) {
		half_drop(s, p->m);
		return;
	}
	c = candidate_of(s, e, seq(p->seq));
	c->shift = o.has_wscale ? RTE_MIN(o.wscale, 14) : SHIFT_NONE;
	c->said = takeover_said(&o, p->flags);
	c->mss = o.has_mss ? o.mss : 0;
	if (p->payload_len > p->cut && !c->m && !e->h.synced &&
	    s->stats.n_held <= s->conf.n_held_max / 4) {
		c->m = p->m;
		c->m_off = p->payload;
		c->len = p->payload_len - p->cut;
		s->stats.n_held += p->m->nb_segs;
	} else {
		half_drop(s, p->m);
	}
}

/* The connection began here: its first SYN was seen, so nothing of side d is from before. */
static bool
whole(const struct pair *x, unsigned d)
{
	return x->end[!d].start == TCPTERM_START_SYN;
}

/* Mid-stream, what the other end acknowledged before it came here is no start. Cuts it off. */
static bool
old(struct tcpterm *s, struct pair *x, const struct pkt *p, unsigned d, uint32_t *cut)
{
	struct pair_side *e = &x->end[d];
	int32_t behind = e->has_rack ? seq_diff(e->rack, seq(p->seq)) : 0;

	*cut = 0;
	if (e->n_cand || whole(x, d) || behind <= 0 || behind > FAR)
		return false;
	*cut = RTE_MIN((uint32_t)behind, p->payload_len);
	e->h.late_bytes += *cut;
	s->stats.late_arrivals += *cut;
	return *cut == p->payload_len && !(p->flags & TCP_FIN);
}

void
pair_collect(struct tcpterm *s, struct pair *x, const struct pkt *p, unsigned d)
{
	struct pair_side *e = &x->end[d];
	uint32_t here = p->payload_len - p->cut, cut;
	int64_t off;

	if (e->n_cand == 0)
		e->start = TCPTERM_START_MIDSTREAM;
	if ((p->payload_len == 0 && !(p->flags & TCP_FIN)) || old(s, x, p, d, &cut)) {
		half_drop(s, p->m);
		return;
	}
	if (!e->h.collecting) {
		half_collect(&e->h, seq(p->seq));
		e->h.collect_since = s->now.v;
	}
	off = half_offset(&e->h, seq(p->seq));
	if (off < 0 || off > e->h.sent + FAR) {
		half_drop(s, p->m);
		return;
	}
	if (p->flags & TCP_FIN) {
		half_fin(s, x->f, &e->h, off + p->payload_len);
		half_closing(s, &x->end[!d].h);
	}
	if (unlikely(p->flags & TCP_URG) && e->h.urgent != TCPTERM_URGENT_INLINE && p->urgent)
		half_urgent(&e->h, off + p->urgent - 1);
	if (here > cut)
		half_bytes(s, x->f, &e->h, off + cut, p->m, p->payload + cut, here - cut);
	else
		half_drop(s, p->m);
	if (p->cut)
		half_absent(s, x->f, &e->h, off + here, p->cut, TCPTERM_GAP_NOT_CAPTURED);
}

/* Only its SYN-ACK was missed: what the other end acknowledged first is where it began, or as near
 * to it as is known; what is missing from there on is a hole. */
static bool
is_acked_from(const struct pair *x, unsigned d, seq_t *begin)
{
	const struct pair_side *e = &x->end[d];
	const struct piece *first = e->h.held.first;
	int32_t ahead;

	*begin = seq(e->rack.v - (uint32_t)e->acked_bytes);
	ahead = seq_diff(seq_of(e->h.isn, first ? first->off : e->h.fin), *begin);
	return whole(x, d) && e->has_rack && ahead >= 0 && ahead < ACKED_UNSEEN;
}

unsigned
pair_first(const struct pair *x)
{
	const struct half *a = &x->end[0].h, *b = &x->end[1].h;

	return a->collecting && b->collecting && b->collect_since < a->collect_since;
}

int64_t
pair_check_start(struct tcpterm *s, struct pair *x, unsigned d)
{
	struct pair_side *e = &x->end[d];
	int64_t allowance = s->conf.passive.reorder_us, due;
	const struct pair_candidate *c;
	const struct piece *first;
	seq_t begin;

	if (!e->h.collecting)
		return INT64_MAX;
	due = e->h.collect_since + (allowance ? allowance : HALF_REORDER_US);
	if (due > s->now.v)
		return due;
	first = e->h.held.first;
	c = nearest(e, seq_of(e->h.isn, first ? first->off : e->h.fin), FAR);
	if (c) {
		sync(s, x, d, c, true);
		return INT64_MAX;
	}
	if (is_acked_from(x, d, &begin))
		half_sync(s, x->f, &e->h, seq(begin.v - 1));
	else
		half_sync_lowest(s, x->f, &e->h);
	if (e->has_rack)
		half_ack(s, x->f, &e->h, half_offset(&e->h, e->rack), -1);
	e->has_rack = false;
	return INT64_MAX;
}

void
pair_settle(struct tcpterm *s, struct pair *x, unsigned d)
{
	struct pair_side *e = &x->end[d];
	const struct pair_candidate *c = &e->cand[0];
	unsigned i;

	if (e->h.synced || e->h.collecting || x->end[!d].any)
		return;
	for (i = 1; i < e->n_cand && !c->m; i++)
		c = &e->cand[i];
	if (e->n_cand && c->m)
		sync(s, x, d, c, true);
}
