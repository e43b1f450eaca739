#include "tests/sim/lib/checker_inner.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct checker *
checker_new(const struct checker_config *cfg,
	    void (*breach)(void *ctx, const char *rule, const char *text), void *ctx)
{
	struct checker *c = calloc(1, sizeof *c);
	struct voice *v;
	unsigned i, k;

	if (!c)
		abort();
	c->cfg = *cfg;
	c->breach = breach;
	c->ctx = ctx;
	for (i = 0; i < cfg->n_flows; i++) {
		c->d[i].cfg = &c->cfg.flow[i];
		for (k = 0; k < 4; k++) {
			v = &c->d[i].v[k / 2][k % 2];
			v->said_wscale = -1;
			v->heard_fin = UINT64_MAX;
			v->echo_at = v->fresh_at = INT64_MIN;
		}
	}
	return c;
}

void
checker_free(struct checker *c)
{
	struct voice *v;
	unsigned i, k;

	if (!c)
		return;
	for (i = 0; i < c->cfg.n_flows; i++)
		for (k = 0; k < 4; k++) {
			v = &c->d[i].v[k / 2][k % 2];
			ranges_fini(&v->heard);
			ranges_fini(&v->fresh);
			ranges_fini(&v->heard_sacked);
			ranges_fini(&v->tsvals);
			ranges_fini(&v->marks);
			ranges_fini(&v->labels);
		}
	for (i = 0; i < 2; i++) {
		copies_fini(&c->copies[i]);
		copies_fini(&c->corrupt[i]);
	}
	free(c);
}

bool
checker_heard(const struct checker *c, unsigned flow, int dir, uint64_t from, uint64_t to,
	      int64_t now)
{
	const struct voice *v = &c->d[flow].v[dir][WHO_BOX];
	uint64_t at = from + 1;		/* offsets on the wire count the SYN */

	if (v->fresh_at != now)
		return ranges_touch(&v->heard, at, to + 1);
	for (; at <= to; at++)
		if (ranges_touch(&v->heard, at, at + 1) && !ranges_touch(&v->fresh, at, at + 1))
			return true;
	return false;
}

bool
checker_heard_syn(const struct checker *c, unsigned flow, int dir)
{
	return c->d[flow].v[dir][WHO_BOX].heard_syn;
}

bool
checker_witness(const struct checker *c, unsigned flow, int leg, enum who who, struct witness *w)
{
	const struct voice *v = &c->d[flow].v[leg][who];

	if (flow >= c->cfg.n_flows || c->d[flow].ended ||
	    (who == WHO_BOX && c->cfg.mode != BOX_PROXY))
		return false;
	*w = (struct witness){ &v->heard, &v->heard_sacked, v->heard_ack, v->heard_edge, v->max };
	return true;
}

uint64_t
checker_count(const struct checker *c)
{
	return c->n;
}

static void
breach(const struct checker *c, const char *rule, int leg, enum who who, const struct seen *s,
       const struct frame *f, const char *text)
{
	char line[1024] = "";
	FILE *out = fmemopen(line, sizeof line - 1, "w");

	if (!out)
		abort();
	fprintf(out, "%s on leg %d: %s [", who == WHO_BOX ? "the box" : "the end", leg, text);
	if (f)
		see_print(out, s, f);
	else
		fprintf(out, "seq %u ack %u flags %03x len %u", s->seq, s->ack, s->flags, s->len);
	fprintf(out, "]");
	fclose(out);
	c->breach(c->ctx, rule, line);
}

void
checker_fail(const struct said *x, const char *rule, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	breach(x->c, rule, x->leg, x->who, x->s, NULL, text);
}

int64_t
checker_offset(const struct dialogue *d, int dir, uint32_t seq)
{
	return (int32_t)(seq - d->isn[dir]);
}

/* The flow of a segment that goes in direction `dir`, or NULL. */
static struct dialogue *
find(struct checker *c, const struct seen *s, int dir)
{
	const struct identity *id;
	size_t alen = s->v6 ? 16 : 4;
	unsigned i;

	for (i = 0; i < c->cfg.n_flows; i++) {
		id = &c->cfg.flow[i].id[dir];
		if (s->sport == id->port && s->dport == id->peer_port && s->v6 == id->v6 &&
		    !memcmp(s->src, id->addr, alen) && !memcmp(s->dst, id->peer_addr, alen))
			return &c->d[i];
	}
	return NULL;
}

/* Which stream the sequence numbers of `who` on `leg` belong to. */
static int
direction(enum who who, int leg)
{
	return who == WHO_END ? leg : 1 - leg;
}

static bool
locate(struct said *x, struct checker *c, enum who who, int leg, const struct seen *s, int64_t now)
{
	memset(x, 0, sizeof *x);
	x->c = c;
	x->s = s;
	x->who = who;
	x->leg = leg;
	x->dir = direction(who, leg);
	x->now = now;
	if (s->what == SEEN_OTHER || s->what == SEEN_BAD_IP)
		return false;
	x->d = find(c, s, x->dir);
	if (!x->d)
		return false;
	x->v = &x->d->v[leg][who];
	x->peer = &x->d->v[leg][who == WHO_END ? WHO_BOX : WHO_END];
	x->from = checker_offset(x->d, x->dir, s->seq);
	x->end = x->from + s->len + !!(s->flags & SEEN_SYN) + !!(s->flags & SEEN_FIN);
	x->ack = checker_offset(x->d, 1 - x->dir, s->ack);
	return true;
}

static void
unfollowed(struct checker *c, const struct said *x, const struct frame *f)
{
	if (x->who == WHO_END) {
		breach(c, "checksum", x->leg, x->who, x->s, f, "an end sent this");
		return;
	}
	if (copies_take(&c->copies[1 - x->leg], f))
		return;
	if (copies_take(&c->corrupt[1 - x->leg], f))
		breach(c, "corrupt-forwarded", x->leg, x->who, x->s, f, "in a terminated flow");
	else
		breach(c, "checksum", x->leg, x->who, x->s, f, "not a frame that was received");
}

void
checker_sent(struct checker *c, enum who who, int leg, const struct frame *f, int64_t now)
{
	struct seen s;
	struct said x;
	bool reset;

	see(f, &s);
	c->n++;
	reset = who == WHO_BOX && c->cfg.may_reset && s.flags & SEEN_RST;
	if (who == WHO_BOX && c->cfg.mode == BOX_PASSIVE)
		breach(c, "passive-sent", leg, who, &s, f, "passive transmits nothing");
	if (who == WHO_BOX && c->cfg.mode == BOX_TRACK && !copies_take(&c->copies[1 - leg], f) &&
	    !reset)
		breach(c, "altered", leg, who, &s, f, "not a frame that was received");
	if (!locate(&x, c, who, leg, &s, now) || s.what != SEEN_TCP) {
		if (c->cfg.mode == BOX_PROXY || who == WHO_END)
			unfollowed(c, &x, f);
		return;
	}
	if (who == WHO_END && s.flags & SEEN_SYN && !x.d->has_isn[leg]) {
		x.d->has_isn[leg] = true;
		x.d->isn[leg] = s.seq;
		x.from = 0;
		x.end = 1 + s.len + !!(s.flags & SEEN_FIN);
	}
	if (who == WHO_BOX && c->cfg.mode == BOX_PROXY && checker_released(&x, f)) {
		/* It may be the box's own, the same byte for byte: a RST that came was not due. */
		if (s.flags & SEEN_SYN)
			checker_say_syn(x.v, &s);
		if (!(s.flags & SEEN_RST) && x.end > (int64_t)x.v->max)
			x.v->max = (uint64_t)x.end;
		return;
	}
	if (who == WHO_END && x.d->ended) {	/* it may begin anew, and nobody follows it */
		x.d->anew |= s.flags & SEEN_SYN;
		return;
	}
	if (x.d->anew)
		return;
	if (who == WHO_BOX && c->cfg.mode != BOX_PROXY && !reset)
		return;
	/* Where nothing is terminated the other leg hears the end itself. */
	if (who == WHO_END && s.flags & SEEN_SYN && c->cfg.mode != BOX_PROXY)
		checker_say_syn(&x.d->v[1 - leg][WHO_BOX], &s);
	if (who == WHO_BOX && s.flags & SEEN_RST)
		checker_box_rst(&x);
	else if (who == WHO_BOX)
		checker_box(&x);
	x.d->ended |= reset;
	checker_say(&x);
}

static void
hear_syn(struct voice *v, const struct seen *s)
{
	v->heard_syn = true;
	v->n_syn_heard++;
	v->syn_ecn |= (uint8_t)(1u << (s->flags >> 6 & 3));
	v->heard_ecn |= checker_handshake_ecn(s);
	v->syn = *s;
	v->heard_mss = s->has_mss ? s->mss : s->v6 ? 1220 : 536;
}

static void
hear_identity(struct voice *v, const struct seen *s)
{
	uint64_t at;

	v->ttls[s->ttl / 8] |= (uint8_t)(1 << s->ttl % 8);
	v->toses[(s->tos & 0xfc) / 8] |= (uint8_t)(1 << (s->tos & 0xfc) % 8);
	v->dfs[s->df] = true;
	v->known = true;
	if (s->v6)
		ranges_add(&v->labels, s->flow_label, s->flow_label + 1);
	if (!s->has_ts || s->flags & SEEN_RST)
		return;
	if (!v->has_ts_base)
		v->ts_base = s->tsval;
	v->has_ts_base = true;
	at = (1ULL << 32) + (uint64_t)(int64_t)(int32_t)(s->tsval - v->ts_base);
	ranges_add(&v->tsvals, at, at + 1);
}

static void
hear_sack(const struct said *x)
{
	struct voice *v = x->peer;
	int64_t from, to;
	unsigned i;

	for (i = 0; i < x->s->n_sacks; i++) {
		from = checker_offset(x->d, 1 - x->dir, x->s->sack[i][0]);
		to = checker_offset(x->d, 1 - x->dir, x->s->sack[i][1]);
		if (from >= 0 && to <= (int64_t)v->max)
			ranges_add(&v->heard_sacked, (uint64_t)from, (uint64_t)to);
	}
}

static void
hear_bytes(struct voice *v, uint64_t from, uint64_t to, int64_t now)
{
	uint64_t at = from;

	if (v->fresh_at != now)
		ranges_clear(&v->fresh);
	v->fresh_at = now;
	while ((at = ranges_end(&v->heard, at)) < to) {
		ranges_add(&v->fresh, at, ranges_next(&v->heard, at, to));
		at = ranges_next(&v->heard, at, to);
	}
	ranges_add(&v->heard, from, to);
}

static void
hear_urgent(const struct said *x)
{
	struct voice *v = x->peer;
	uint64_t mark = (uint64_t)(x->from + x->s->urgent);

	if (!(x->s->flags & SEEN_URG) || x->from < 0)
		return;
	ranges_add(&v->marks, mark, mark + 1);
	if (mark > v->mark_max)
		v->mark_max = mark;
}

/* A byte below what its receiver has acknowledged may be a keepalive's: it never enters a stream
 * that is only watched. */
static bool
is_keepalive(const struct said *x)
{
	const struct voice *receiver = &x->d->v[1 - x->leg][WHO_END];

	return x->c->cfg.mode == BOX_PASSIVE && x->who == WHO_END && x->s->len == 1 &&
	       !(x->s->flags & SEEN_FIN) && x->end <= (int64_t)receiver->acked;
}

/* `x` has the voice that spoke as `peer` of the one that hears. */
static void
hear(struct said *x)
{
	const struct seen *s = x->s;
	struct voice *v = x->peer;
	int64_t edge;
	int shift;

	hear_identity(v, s);
	if (s->flags & SEEN_RST) {
		v->heard_rst = true;
		return;
	}
	checker_hear_ecn(x);
	if (s->flags & SEEN_SYN)
		hear_syn(v, s);
	shift = s->flags & SEEN_SYN || !checker_scaled(x) ? 0 : x->v->said_wscale;
	edge = (s->flags & SEEN_ACK ? x->ack : 1) + ((int64_t)s->window << shift);
	if (edge > (int64_t)v->heard_edge)
		v->heard_edge = (uint64_t)edge;
	if (s->flags & SEEN_ACK && x->ack > (int64_t)v->heard_ack && x->ack <= (int64_t)v->max)
		v->heard_ack = (uint64_t)x->ack;
	hear_sack(x);
	hear_urgent(x);
	if (s->flags & SEEN_FIN && v->heard_fin == UINT64_MAX) {
		v->heard_fin = (uint64_t)x->end - 1;
		v->heard_fin_at = x->now;
	}
	if (x->from >= 0 && !is_keepalive(x))
		hear_bytes(v, (uint64_t)x->from, (uint64_t)x->end, x->now);
}

/* What the box may pass on as it came. */
static void
keep_copy(struct checker *c, const struct said *x, const struct frame *f)
{
	bool over = x->d && checker_over(x->d), rst = x->s->flags & SEEN_RST;

	if (c->cfg.mode == BOX_TRACK || !x->d || over)
		copies_add(&c->copies[x->leg], f);
	else if (x->s->what != SEEN_TCP && x->d->confirmed)
		copies_add(&c->corrupt[x->leg], f);
	else if (x->s->what != SEEN_TCP || rst)
		copies_add(&c->copies[x->leg], f);
}

/* What a closed leg may answer: all that came since, and what came in one burst with what closed
 * it and has not been answered yet. */
static void
count_to_answer(const struct said *x)
{
	struct voice *v = x->peer;
	bool closed = checker_leg_closed(x->d, x->leg, WHO_BOX);

	if (!closed && v->heard_last_at != x->now)
		v->to_answer = 0;
	v->heard_last_at = x->now;
	/* A bare ACK calls for none, but for one that is too old (RFC 5961 5.2). */
	v->to_answer += closed || x->end > x->from || x->ack < (int64_t)v->heard_ack;
}

void
checker_received(struct checker *c, enum who who, int leg, const struct frame *f, int64_t now)
{
	enum who speaker = who == WHO_END ? WHO_BOX : WHO_END;
	struct seen s;
	struct said x;
	bool known;

	see(f, &s);
	known = locate(&x, c, speaker, leg, &s, now) && s.what == SEEN_TCP;
	if (who == WHO_BOX)
		keep_copy(c, &x, f);
	if (!known)
		return;
	if (who == WHO_BOX)
		count_to_answer(&x);
	hear(&x);
	/* A RST that refuses the SYN ends the box's flow: what comes again begins another. */
	if (who == WHO_BOX && s.flags & SEEN_RST && !x.d->confirmed)
		x.d->v[0][WHO_BOX].known = x.d->v[1][WHO_BOX].known = false;
	/* The client's valid ACK: of the server's SYN, at the number after its own. */
	if (who == WHO_BOX && leg == 0 && !(s.flags & (SEEN_SYN | SEEN_RST)) &&
	    s.flags & SEEN_ACK && x.from >= 1 && x.ack >= 1 && x.d->has_isn[1])
		x.d->confirmed = true;
}

void
checker_finish(struct checker *c, uint64_t drops)
{
	uint64_t left = c->copies[0].left + c->copies[1].left;
	char text[128];

	if (c->cfg.mode != BOX_TRACK || left <= drops)
		return;
	snprintf(text, sizeof text, "%llu frames went in and never came out, %llu were counted",
		 (unsigned long long)left, (unsigned long long)drops);
	c->breach(c->ctx, "lost", text);
}
