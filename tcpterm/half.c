/*
 * One direction of a passive pair.
 *
 * Bytes that come in order are delivered at once.  The rest is held, sorted;
 * each held piece knows when the hole before it was first known and since when
 * there is evidence that it will never be filled.  Only the hole at the front
 * is ever declared, so two losses with nothing between them are one gap.
 */
#include "tcpterm/half.h"

#include "tcpterm/half_gap.h"
#include "tcpterm/half_hold.h"
#include "tcpterm/half_tell.h"
#include "tcpterm/pieces.h"

#define NEVER INT64_MAX
#define FAR_BELOW (INT64_MIN / 4)

/* What the first segment's offset is while collecting: earlier ones are above 0 too. */
#define COLLECT_BASE ((int64_t)1 << 29)

/* A run of missing bytes: [next, end). */
struct hole {
	int64_t end, since, evidence;
};

void
half_init(struct half *h, unsigned dir, enum tcpterm_overlap overlap)
{
	memset(h, 0, sizeof *h);
	h->dir = (uint8_t)dir;
	h->overlap = (uint8_t)overlap;
	h->suspect = -1;
	h->edge = -1;
	h->fin = -1;
	h->fin_evidence = NEVER;
}

void
half_collect(struct half *h, seq_t first)
{
	h->isn = seq(first.v - 1 - (uint32_t)COLLECT_BASE);
	h->collecting = true;
	h->next = h->told = FAR_BELOW;
	h->sent = COLLECT_BASE;
}

int64_t
half_offset(const struct half *h, seq_t number)
{
	return seq_offset(number, h->isn, h->sent);
}

void
half_drop(struct tcpterm *s, struct rte_mbuf *m)
{
	core_drop(s, m, DROP_tap_consumed);
}

/* Up to where bytes are decided: nothing replaces them any more. */
static int64_t
decided(const struct tcpterm *s, const struct half *h, const struct piece *p)
{
	if (h->overlap == TCPTERM_OVERLAP_FIRST || h->finishing ||
	    p->came + half_deadline(s) <= s->now.v)
		return INT64_MAX;
	return half_settled(h);
}

static void
deliver_piece(struct tcpterm *s, struct flow *f, struct half *h, struct piece *p)
{
	tell_bytes(s, f, h, p->m, p->m_off, p->len);
	half_keep(s, h, p);
}

/* What is known to be missing, and is next. */
static void
miss_piece(struct tcpterm *s, struct flow *f, struct half *h, struct piece *p)
{
	half_unhold(h, p);
	gap_declare(s, f, h, p->off + p->len, (enum tcpterm_gap_reason)p->why);
	piece_free(s, p);
}

/* Among the halves that hold something the one that has waited longest is first. */
static void
take_place(struct tcpterm *s, struct flow *f, struct half *h, bool moved)
{
	if (h->ordered && (moved || !h->held.first)) {
		TAILQ_REMOVE(&s->holding, h, order);
		h->ordered = false;
	}
	if (!h->ordered && h->held.first) {
		TAILQ_INSERT_TAIL(&s->holding, h, order);
		h->ordered = true;
		h->owner = f;
	}
}

/* Delivers what follows `next` without a hole, and the end behind it. */
static void
deliver_held(struct tcpterm *s, struct flow *f, struct half *h)
{
	struct piece *p;
	int64_t up_to;

	while (!h->collecting && (p = h->held.first) && p->off <= h->next) {
		if (!p->m) {
			miss_piece(s, f, h, p);
			continue;
		}
		gap_tell(s, f, h);	/* here it ends, whatever the bytes turn out to be */
		up_to = decided(s, h, p);
		if (up_to <= p->off)
			return;
		if (up_to < p->off + p->len)
			p = half_split_first(s, h, (uint32_t)(up_to - p->off));
		else
			half_unhold(h, p);
		if (!p)
			return;
		deliver_piece(s, f, h, p);
	}
}

static void
deliver_ready(struct tcpterm *s, struct flow *f, struct half *h)
{
	int64_t from = h->next;

	deliver_held(s, f, h);
	if (half_has_fin(h))
		gap_tell(s, f, h);
	if (half_has_fin(h) && half_fin_due(s, h) <= s->now.v)
		tell_end(s, f, h);
	if (h->ordered || h->held.first)
		take_place(s, f, h, h->next != from);
}

/* The hole at the front that something behind it shows. */
static bool
front_hole(const struct half *h, struct hole *hole)
{
	const struct piece *p = h->held.first;

	if (h->collecting)
		return false;
	if (p)
		*hole = (struct hole){ p->off, p->since, p->evidence };
	else if (h->fin > h->next && !h->fin_assumed)
		*hole = (struct hole){ h->fin, h->fin_since, h->fin_evidence };
	else
		return false;
	return hole->end > h->next;
}

/* When the hole is to be declared, us. */
static int64_t
hole_due(const struct tcpterm *s, const struct half *h, struct hole *hole)
{
	const struct tcpterm_passive_conf *c = &s->conf.passive;
	int64_t due = hole->since + half_deadline(s);
	int64_t beyond = c->beyond_us ? c->beyond_us : HALF_BEYOND_US;
	const struct piece *behind = h->held.first;

	/* While what is behind it may be replaced, nothing is won by giving it up. */
	if (behind && behind->m && decided(s, h, behind) <= behind->off)
		due = RTE_MAX(due, behind->came + half_deadline(s));
	if (h->alone && h->last_sent - hole->since >= beyond)
		hole->evidence = RTE_MIN(hole->evidence, hole->since + beyond);
	if (hole->evidence == NEVER)
		return due;
	return RTE_MIN(due, hole->evidence + half_allowance(s));
}

/* Everything below `off` was sent, and is known to be with the receiver. */
static void
mark_evidence(struct tcpterm *s, struct half *h, int64_t off)
{
	struct piece *p = h->marked ? h->marked->next : h->held.first;

	for (; p && p->off <= off; p = p->next) {
		if (p->evidence == NEVER)
			p->evidence = s->now.v;
		h->marked = p;
	}
	if (h->fin >= 0 && off >= h->fin && h->fin_evidence == NEVER)
		h->fin_evidence = s->now.v;
}

void
half_sent(struct tcpterm *s, struct half *h, int64_t off)
{
	uint32_t beyond = s->conf.passive.beyond_bytes;

	if (off > h->sent) {
		h->sent = off;
		h->last_sent = s->now.v;
	}
	if (h->suspect >= 0 && h->suspect <= h->sent) {
		h->acked = RTE_MAX(h->acked, h->suspect);
		h->acked_at = h->suspect_since;
		h->suspect = -1;
		mark_evidence(s, h, h->acked);
	}
	if (h->alone && !h->collecting)
		mark_evidence(s, h, h->sent - (beyond ? beyond : HALF_BEYOND_BYTES));
}

/* More than one half may hold. */
static bool
over_its_budget(const struct tcpterm *s, const struct half *h)
{
	return h->held.n > half_segments_max(s) || h->held.bytes > half_bytes_max(s);
}

/* Gives up the hole at the front, or waits no longer for an acknowledgment. */
static void
give_up_one(struct tcpterm *s, struct flow *f, struct half *h)
{
	struct hole hole;

	if (h->collecting)
		half_sync_lowest(s, f, h);
	if (front_hole(h, &hole)) {
		bool due = hole_due(s, h, &hole) <= s->now.v;	/* else it may still come */

		s->stats.given_up += !due;
		gap_declare(s, f, h, hole.end, due ? TCPTERM_GAP_LOST_IN_TAP : TCPTERM_GAP_BUDGET);
	} else if (h->held.first) {
		struct piece *p = h->held.first;

		half_unhold(h, p);
		deliver_piece(s, f, h, p);
	}
	deliver_ready(s, f, h);
	pieces_clear(s, &h->kept);
}

/* Of what a half may hold its own holes pay; of what all may, the oldest. */
static void
enforce_budget(struct tcpterm *s, struct flow *f, struct half *h)
{
	struct half *oldest;

	while (over_its_budget(s, h))
		give_up_one(s, f, h);
	s->stats.half_segments_peak = RTE_MAX(s->stats.half_segments_peak, h->held.n);
	s->stats.half_bytes_peak = RTE_MAX(s->stats.half_bytes_peak, h->held.bytes);
	if (likely(s->stats.n_held < s->conf.n_held_max))
		return;
	pieces_clear(s, &h->kept);
	while (s->stats.n_held >= s->conf.n_held_max && (oldest = TAILQ_FIRST(&s->holding)))
		give_up_one(s, oldest->owner, oldest);
}

/* In order and nothing held overlaps: delivered from where it lies. */
static void
deliver_now(struct tcpterm *s, struct flow *f, struct half *h, struct piece *came)
{
	struct piece *p = piece_new(s, came->m, came->off, came->m_off, came->len);

	tell_bytes(s, f, h, came->m, came->m_off, came->len);
	if (p)
		half_keep(s, h, p);
	else
		half_drop(s, came->m);
}

/* The sender goes on beyond what was taken for its FIN. */
static void
refute_fin(struct half *h, int64_t end)
{
	if (h->ended || h->fin < 0 || end <= h->fin || (!h->fin_assumed && h->acked > h->fin))
		return;
	h->fin = -1;
	h->fin_assumed = false;
}

/* Is something missing before `off`?  What waits for its acknowledgement is not. */
static bool
is_ahead(const struct half *h, int64_t off)
{
	const struct piece *last = h->held.last;

	if (off <= h->next || h->collecting)
		return false;
	if (h->overlap == TCPTERM_OVERLAP_FIRST)
		return true;
	if (last && last->off + last->len == off && h->held.bytes == off - h->next)
		return false;
	return half_lacks(h, h->next, off);
}

void
half_bytes(struct tcpterm *s, struct flow *f, struct half *h, int64_t off, struct rte_mbuf *m,
	   uint32_t m_off, uint32_t len)
{
	struct piece came = {
		.m = m, .off = off, .m_off = m_off, .len = len, .seg_off = off, .seg_len = len
	};
	const struct piece *p;
	int64_t end = off + len;

	refute_fin(h, end);
	for (p = h->kept.last; p && off < h->next && p->off + p->len > off; p = p->prev)
		piece_compare(s, f, h, p, &came);
	if (off < h->next)
		gap_count_again(s, h, off, RTE_MIN(end, h->next));
	if (end <= h->next || h->ended || (h->fin >= 0 && end > h->fin)) {
		half_drop(s, m);
		return;
	}
	if (off < h->next) {
		came.m_off += (uint32_t)(h->next - off);
		came.len -= (uint32_t)(h->next - off);
		came.off = h->next;
	} else if (is_ahead(h, off)) {
		h->out_of_order++;
		s->stats.out_of_order++;
	}
	half_sent(s, h, end);
	if (h->overlap == TCPTERM_OVERLAP_FIRST && came.off == h->next &&
	    (!h->held.first || h->held.first->off >= end))
		deliver_now(s, f, h, &came);
	else
		half_hold(s, f, h, &came);
	deliver_ready(s, f, h);
	enforce_budget(s, f, h);
}

void
half_next(struct tcpterm *s, struct flow *f, struct half *h, struct rte_mbuf *m, uint32_t m_off,
	  uint32_t len, bool shared)
{
	int64_t off = h->next;

	h->sent += len;
	h->last_sent = s->now.v;
	tell_run(s, f, h, m, m_off, len);
	if (piece_keep(s, &h->kept, m, off, m_off, len, shared))
		half_trim_kept(s, h);
	else if (!shared)
		half_drop(s, m);
}

void
half_ack_next(struct tcpterm *s, struct half *h, int64_t off, int64_t window)
{
	if (off > h->acked) {
		h->acked_one = off == h->acked + 1;
		h->acked = off;
		h->acked_at = s->now.v;
		half_trim_kept(s, h);
	}
	h->window_max = RTE_MAX(h->window_max, window);
	h->edge = RTE_MAX(h->edge, off + window);
}

void
half_absent(struct tcpterm *s, struct flow *f, struct half *h, int64_t off, uint32_t len,
	    enum tcpterm_gap_reason why)
{
	struct piece lack = { .off = off, .len = len, .seg_off = off, .seg_len = len };
	int64_t end = off + len;

	lack.why = (uint8_t)why;
	if (len == 0 || end <= h->next || h->ended || (h->fin >= 0 && end > h->fin))
		return;
	if (off < h->next) {
		lack.len -= (uint32_t)(h->next - off);
		lack.off = h->next;
	}
	half_sent(s, h, end);
	half_hold(s, f, h, &lack);
	deliver_ready(s, f, h);
	enforce_budget(s, f, h);
}

void
half_fin(struct tcpterm *s, struct flow *f, struct half *h, int64_t off)
{
	if (h->ended || (h->fin >= 0 && !h->fin_assumed))
		return;
	if (!h->collecting && (off < h->next || off < h->sent - 1))
		return; /* the sender has gone on beyond: not its FIN */
	h->fin = off;
	h->fin_assumed = false;
	h->fin_since = s->now.v;
	h->fin_evidence = NEVER;
	half_sent(s, h, off + 1);
	if (!h->collecting && h->acked >= off)
		h->fin_evidence = s->now.v;
	deliver_ready(s, f, h);
}

static void
suspect_ack(struct tcpterm *s, struct half *h, int64_t off)
{
	s->stats.ack_suspicious++;
	if (off > h->suspect) {
		h->suspect = off;
		h->suspect_since = s->now.v;
	}
}

void
half_ack(struct tcpterm *s, struct flow *f, struct half *h, int64_t off, int64_t window)
{
	int64_t before = RTE_MAX(h->acked, h->suspect);
	bool tail = before > h->next;

	(void)f;
	if (off > h->sent && h->edge >= 0 && off > h->edge + h->window_max) {
		s->stats.ack_suspicious++; /* beyond any window that was offered */
		return;
	}
	if (off > h->sent) {
		suspect_ack(s, h, off);
		if (h->edge >= 0)
			h->taken = RTE_MAX(h->taken, h->sent);
	} else if (off >= h->acked) {
		/* A receiver never takes back what it acknowledged: the suspicion was wrong. */
		if (h->suspect > off && s->now.v - h->suspect_since > half_allowance(s))
			h->suspect = -1;
		if (off > h->acked)
			h->acked_at = s->now.v;
		h->acked = off;
		mark_evidence(s, h, off);
		half_trim_kept(s, h);
	}
	if (!tail && RTE_MAX(h->acked, h->suspect) > h->next)
		h->tail_since = s->now.v;
	if (off > before)
		h->acked_one = off == before + 1;
	if (window >= 0) {
		h->window_max = RTE_MAX(h->window_max, window);
		h->edge = RTE_MAX(h->edge, off + window);
	}
}

/*
 * Bytes that were acknowledged and never seen, with nothing seen behind them.  The last
 * number may be a FIN's: it is taken for one where the other side has closed, and for nothing yet
 * where it is the only one.  Returns when they are due, us.
 */
static int64_t
check_tail(struct tcpterm *s, struct flow *f, struct half *h, bool now)
{
	int64_t end = RTE_MAX(h->acked, h->suspect), due;

	if (h->collecting || h->unseen || h->held.first || h->fin >= 0 || end <= h->next)
		return NEVER;
	if (end == h->next + 1 && !h->closing)
		return NEVER;
	due = h->tail_since + half_deadline(s);
	if (due > s->now.v && !now)
		return due;
	if (h->closing) {
		h->fin = --end;
		h->fin_assumed = true;
		h->fin_since = s->now.v;
	}
	if (end > h->next)
		gap_declare(s, f, h, end, TCPTERM_GAP_LOST_IN_TAP);
	half_sent(s, h, end + h->fin_assumed);
	return NEVER;
}

/* When something waits for nothing but time, us. */
static int64_t
next_look(const struct tcpterm *s, const struct half *h)
{
	const struct piece *p = h->held.first;
	int64_t due = half_kept_due(s, h);

	if (p && p->off <= h->next && !h->collecting)
		due = RTE_MIN(due, p->came + half_deadline(s));
	if (half_has_fin(h))
		due = RTE_MIN(due, half_fin_due(s, h));
	return due;
}

int64_t
half_check(struct tcpterm *s, struct flow *f, struct half *h)
{
	struct hole hole;
	int64_t due;

	half_trim_kept(s, h);
	deliver_ready(s, f, h);
	while (front_hole(h, &hole)) {
		due = hole_due(s, h, &hole);
		if (due > s->now.v)
			return RTE_MIN(due, next_look(s, h));
		gap_declare(s, f, h, hole.end, TCPTERM_GAP_LOST_IN_TAP);
		deliver_ready(s, f, h);
	}
	due = check_tail(s, f, h, false);
	return RTE_MIN(due, next_look(s, h));
}

static void
shift(struct half *h, int64_t by)
{
	struct piece *p;

	for (p = h->held.first; p; p = p->next) {
		p->off += by;
		p->seg_off += by;
	}
	h->sent += by;
	for (unsigned i = 0; i < h->n_urgent; i++)
		h->urgent_at[i] += by;
	if (h->fin >= 0)
		h->fin = RTE_MAX(h->fin + by, -1);
}

/* Bytes held below offset 0 came before the start. */
static void
cut_below_start(struct tcpterm *s, struct half *h)
{
	struct piece *p;

	while ((p = h->held.first) && p->off < 0) {
		int64_t n = RTE_MIN(-p->off, (int64_t)p->len);

		if (p->m)
			gap_count_again(s, h, p->off, p->off + n);
		if (n == p->len) {
			half_unhold(h, p);
			piece_free(s, p);
			continue;
		}
		h->held.bytes -= (uint32_t)n;
		p->off += n;
		p->m_off += (uint32_t)n;
		p->len -= (uint32_t)n;
	}
}

void
half_sync(struct tcpterm *s, struct flow *f, struct half *h, seq_t isn)
{
	if (h->collecting)
		shift(h, seq_diff(h->isn, isn));
	h->isn = isn;
	h->collecting = false;
	h->next = h->told = 0;
	h->sent = RTE_MAX(h->sent, 0);
	h->synced = true;
	cut_below_start(s, h);
	deliver_ready(s, f, h);
}

void
half_sync_lowest(struct tcpterm *s, struct flow *f, struct half *h)
{
	int64_t base = h->held.first ? h->held.first->off : h->fin >= 0 ? h->fin : h->sent;

	half_sync(s, f, h, seq(seq_of(h->isn, base).v - 1));
}

void
half_finish(struct tcpterm *s, struct flow *f, struct half *h)
{
	struct hole hole;

	h->finishing = true;
	if (h->ended && half_is_settled(h)) {
		half_clear(s, h);
		return;
	}
	if (h->collecting)
		half_sync_lowest(s, f, h);
	deliver_ready(s, f, h);
	while (front_hole(h, &hole)) {
		gap_declare(s, f, h, hole.end, TCPTERM_GAP_LOST_IN_TAP);
		deliver_ready(s, f, h);
	}
	check_tail(s, f, h, true);
	if (!h->ended)
		tell_end(s, f, h);
	half_clear(s, h);
}

void
half_clear(struct tcpterm *s, struct half *h)
{
	h->marked = NULL;
	pieces_clear(s, &h->held);
	pieces_clear(s, &h->kept);
	take_place(s, h->owner, h, false);
}
