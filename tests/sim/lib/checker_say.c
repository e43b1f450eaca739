#include "tests/sim/lib/checker_inner.h"

#include <string.h>

#include "tests/sim/lib/rng.h"

bool
checker_scaled(const struct said *x)
{
	return x->v->said_wscale >= 0 && x->peer->said_wscale >= 0;
}

static void
judge_identity(const struct said *x)
{
	const struct identity *id = &x->d->cfg->id[x->dir];
	const struct seen *s = x->s;
	/* A RST for what is no connection has nothing to go by but the frame it answers, nor has
	 * what keeps TIME-WAIT, the box or an end: the priority in the tags is that frame's.  The
	 * box takes on what an end says then. */
	bool echoes = s->flags & SEEN_RST || checker_over(x->d) ||
		      checker_leg_closed(x->d, x->leg, x->who) ||
		      checker_leg_closed(x->d, x->dir, WHO_END);
	unsigned i, mask = echoes ? 0xfff : 0xffff;
	const uint8_t *t;

	if (memcmp(s->src_mac, id->mac, 6) || memcmp(s->dst_mac, id->peer_mac, 6))
		checker_fail(x, "identity", "MAC addresses");
	if (s->n_tags != id->n_tags) {
		checker_fail(x, "identity", "%u VLAN tags, not %u", s->n_tags, id->n_tags);
		return;
	}
	for (i = 0, t = s->tags; i < s->n_tags; i++, t += 4)
		if ((t[0] << 8 | t[1]) != id->tag[i].tpid ||
		    ((unsigned)(t[2] << 8 | t[3]) ^ id->tag[i].tci) & mask)
			checker_fail(x, "identity", "VLAN tag %u is %02x%02x %02x%02x", i, t[0],
				     t[1], t[2], t[3]);
}

static void
judge_payload(const struct said *x)
{
	const struct seen *s = x->s;
	uint64_t key = x->d->cfg->key[x->dir], total = x->d->cfg->total[x->dir];
	size_t right;

	if (!s->len)
		return;
	/* A keepalive's byte is one already acknowledged, and may be anything (RFC 9293 §3.8.4). */
	if (s->len == 1 && x->end == (int64_t)x->v->heard_ack)
		return;
	if (x->from < 1 || x->from + (int64_t)s->len > (int64_t)total + 1) {
		checker_fail(x, "beyond-stream", "bytes %lld..%lld of %llu", (long long)x->from - 1,
			     (long long)x->from - 1 + s->len, (unsigned long long)total);
		return;
	}
	right = stream_match(key, (uint64_t)x->from - 1, s->payload, s->len);
	if (right < s->len)
		checker_fail(x, "bytes", "byte %lld of the stream is %02x",
			     (long long)x->from - 1 + (long long)right, s->payload[right]);
}

static void
judge_extent(const struct said *x)
{
	const struct seen *s = x->s;
	int64_t edge = (int64_t)x->v->heard_edge;
	uint32_t mss = x->v->heard_mss ? x->v->heard_mss : s->v6 ? 1220 : 536;
	bool one = s->len + !!(s->flags & SEEN_FIN) <= 1;

	if (s->flags & SEEN_SYN)
		return;
	if (x->end > x->from && x->end > edge + one)
		checker_fail(x, "beyond-window", "ends at %lld, the right edge is %lld",
			     (long long)x->end, (long long)edge);
	if (s->len && s->len + s->opt_len > mss)
		checker_fail(x, "mss", "payload %u and options %u, MSS %u", s->len, s->opt_len,
			     mss);
}

static void
judge_ack(struct said *x)
{
	int64_t have = (int64_t)ranges_end(&x->v->heard, 0), edge;
	int shift = x->s->flags & SEEN_SYN || !checker_scaled(x) ? 0 : x->v->said_wscale;

	if (x->s->flags & SEEN_ACK) {
		if (x->ack > have)
			checker_fail(x, "ack-unreceived", "acknowledges %lld, %lld arrived",
				     (long long)x->ack, (long long)have);
		if (x->ack < (int64_t)x->v->acked)
			checker_fail(x, "ack-back", "acknowledges %lld after %llu",
				     (long long)x->ack, (unsigned long long)x->v->acked);
		else
			x->v->acked = (uint64_t)x->ack;
	}
	if (x->v->heard_fin != UINT64_MAX && x->ack > (int64_t)x->v->heard_fin)
		return;		/* nothing can follow a FIN: the window says nothing */
	edge = (x->s->flags & SEEN_ACK ? x->ack : 1) + ((int64_t)x->s->window << shift);
	/* Rounding may take back less than a unit of the field (RFC 7323 2.4), never more. */
	if (edge <= (int64_t)x->v->edge - (1 << shift))
		checker_fail(x, "window-shrunk", "right edge %lld after %llu", (long long)edge,
			     (unsigned long long)x->v->edge);
	else if (edge > (int64_t)x->v->edge)
		x->v->edge = (uint64_t)edge;
}

bool
heard_tsval(const struct voice *v, uint32_t tsval)
{
	uint64_t at = (1ULL << 32) + (uint64_t)(int64_t)(int32_t)(tsval - v->ts_base);

	return v->has_ts_base && ranges_cover(&v->tsvals, at, at + 1);
}

static void
judge_timestamps(struct said *x)
{
	const struct seen *s = x->s;
	bool agreed = x->v->said_ts && x->peer->said_ts;

	if (!(s->flags & SEEN_SYN) && s->has_ts != agreed)
		checker_fail(x, "ts-presence", "timestamps %s, agreed %s", s->has_ts ? "on" : "off",
			     agreed ? "on" : "off");
	if (!s->has_ts)
		return;
	if (!x->v->has_tsval || (int32_t)(s->tsval - x->v->tsval) >= 0)
		x->v->tsval = s->tsval;
	else if (!(s->flags & SEEN_SYN))	/* forwarded SYNs keep the wire's order */
		checker_fail(x, "tsval-back", "TSval %u after %u", s->tsval, x->v->tsval);
	x->v->has_tsval = true;
	if (s->flags & SEEN_ACK && !heard_tsval(x->v, s->tsecr))
		checker_fail(x, "tsecr-invented", "TSecr %u", s->tsecr);
}

static void
judge_sack(const struct said *x)
{
	int heard_dir = 1 - x->dir;
	int64_t from, to;
	unsigned i;

	if (x->s->n_sacks && !(x->v->said_sack && x->peer->said_sack))
		checker_fail(x, "sack", "blocks without agreement");
	for (i = 0; i < x->s->n_sacks; i++) {
		from = checker_offset(x->d, heard_dir, x->s->sack[i][0]);
		to = checker_offset(x->d, heard_dir, x->s->sack[i][1]);
		if (from < 0 || from >= to ||
		    !ranges_cover(&x->v->heard, (uint64_t)from, (uint64_t)to))
			checker_fail(x, "sack", "block %lld..%lld has not arrived", (long long)from,
				     (long long)to);
		else if (i > 0 && from < x->ack)
			checker_fail(x, "sack", "block %lld..%lld is below the ACK %lld",
				     (long long)from, (long long)to, (long long)x->ack);
	}
}

void
checker_say_syn(struct voice *v, const struct seen *s)
{
	v->said_syn = true;
	v->n_syn_said++;
	v->said_wscale = s->has_wscale ? s->wscale > 14 ? 14 : s->wscale : -1;
	v->said_ts = s->has_ts;
	v->said_sack = s->sack_ok;
	v->said_ecn |= checker_handshake_ecn(s);
}

void
checker_say(struct said *x)
{
	judge_identity(x);
	if (x->s->flags & SEEN_RST)
		return;
	if (x->s->flags & SEEN_SYN)
		checker_say_syn(x->v, x->s);
	judge_payload(x);
	judge_extent(x);
	judge_ack(x);
	judge_timestamps(x);
	judge_sack(x);
	checker_say_ecn(x);
	if (x->s->flags & SEEN_FIN)
		x->v->said_fin = true;
	if (x->end > (int64_t)x->v->max)
		x->v->max = (uint64_t)x->end;
}
