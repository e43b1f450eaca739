/*
 * Bytes held until their turn comes.
 *
 * Pieces are sorted and disjoint.  Where a segment overlaps what is held, the bytes that differ are
 * an event; whose stay is a matter of policy.  The policies of hosts are those of Shankar and
 * Paxson (Active Mapping, 2003) and of Novak and Sturges (Target-Based TCP Stream Reassembly,
 * 2007): they look at where the two segments begin and end.  What loses is cut out of its piece,
 * so that the newer bytes find room there like any others.
 */
#include "tcpterm/half_hold.h"

#include "tcpterm/pieces.h"

#define NEVER INT64_MAX

/* Where two segments lie: [was, was_end) came before [came, came_end). */
struct places {
	int64_t was, was_end, came, came_end;
};

/* Does the newer segment's byte replace the older one's? */
static bool
newer_wins(enum tcpterm_overlap policy, const struct places *p)
{
	switch (policy) {
	case TCPTERM_OVERLAP_LAST:
		return true;
	case TCPTERM_OVERLAP_BSD:
	case TCPTERM_OVERLAP_BSD_RIGHT:
	case TCPTERM_OVERLAP_MACOS:
	case TCPTERM_OVERLAP_IRIX:
	case TCPTERM_OVERLAP_HPUX10:
	case TCPTERM_OVERLAP_WINDOWS:
	case TCPTERM_OVERLAP_WINDOWS2K3:
		return p->came < p->was;
	case TCPTERM_OVERLAP_LINUX:
		return p->came < p->was || (p->came == p->was && p->came_end > p->was_end);
	case TCPTERM_OVERLAP_OLD_LINUX:
		return p->came < p->was || (p->came == p->was && p->came_end >= p->was_end);
	case TCPTERM_OVERLAP_SOLARIS:
	case TCPTERM_OVERLAP_OLD_SOLARIS:
	case TCPTERM_OVERLAP_HPUX11:
		return p->came_end > p->was_end || (p->came_end == p->was_end && p->came <= p->was);
	default:	/* first, vista; reject has refused before */
		return false;
	}
}

void
half_unhold(struct half *h, struct piece *p)
{
	if (h->marked == p)
		h->marked = p->prev;
	pieces_remove(&h->held, p);
}

/* A reference of its own to [off, off + len) of what `of` refers to. */
static struct piece *
part_of(struct tcpterm *s, const struct piece *of, int64_t off, uint32_t len)
{
	struct rte_mbuf *m = of->m ? rte_pktmbuf_clone(of->m, s->conf.header_pool) : NULL;
	struct piece *p;

	if (of->m && !m)
		return NULL;
	p = piece_new(s, m, off, of->m_off + (uint32_t)(off - of->off), len);
	if (!p) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	p->clone = m;
	p->why = of->why;
	p->came = of->came;
	p->since = of->since;
	p->evidence = of->evidence;
	p->seg_off = of->seg_off;
	p->seg_len = of->seg_len;
	return p;
}

static void
cut_front(struct pieces *l, struct piece *p, uint32_t n)
{
	l->bytes -= n;
	p->off += n;
	p->m_off += n;
	p->len -= n;
}

struct piece *
half_split_first(struct tcpterm *s, struct half *h, uint32_t n)
{
	struct piece *p = h->held.first, *first = part_of(s, p, p->off, n);

	if (first)
		cut_front(&h->held, p, n);
	return first;
}

/* Takes [from, to) out of a held piece.  False: no memory to keep what is behind it. */
static bool
carve(struct tcpterm *s, struct half *h, struct piece *p, int64_t from, int64_t to)
{
	int64_t end = p->off + p->len;
	struct piece *behind;

	if (from > p->off && to < end) {
		behind = part_of(s, p, to, (uint32_t)(end - to));
		if (!behind)
			return false;
		pieces_insert(&h->held, p, behind);
		if (h->marked == p)
			h->marked = behind;
	}
	if (from > p->off) {
		h->held.bytes -= (uint32_t)(end - from);
		p->len = (uint32_t)(from - p->off);
	} else if (to < end) {
		cut_front(&h->held, p, (uint32_t)(to - p->off));
	} else {
		half_unhold(h, p);
		piece_free(s, p);
	}
	return true;
}

static struct piece *
first_beyond(const struct half *h, int64_t off)
{
	struct piece *p = h->held.last;

	while (p && p->prev && p->prev->off + p->prev->len > off)
		p = p->prev;
	return p;
}

/* Compares `came` with what is held; true: it contradicts what is not decided yet. */
static bool
contradicts(struct tcpterm *s, struct flow *f, struct half *h, const struct piece *came)
{
	int64_t end = came->off + came->len;
	bool any = false;
	const struct piece *p;

	for (p = first_beyond(h, came->off); p && p->off < end; p = p->next)
		if (piece_compare(s, f, h, p, came) && piece_differs(p, came, half_settled(h)))
			any = true;
	return any;
}

/* Do those bytes of `came` replace what is held as `p`, where nothing is decided? */
static bool
replaces(const struct half *h, const struct piece *came, const struct piece *p)
{
	const struct places at = { .was = p->seg_off,
				   .was_end = p->seg_off + p->seg_len,
				   .came = came->seg_off,
				   .came_end = came->seg_off + came->seg_len };

	return !p->m || newer_wins((enum tcpterm_overlap)h->overlap, &at);
}

/* Makes room for those bytes of `came` that win over held ones, or take the place of missing. */
static void
make_room(struct tcpterm *s, struct half *h, const struct piece *came)
{
	int64_t end = came->off + came->len;
	struct piece *p, *next;

	for (p = first_beyond(h, came->off); p && p->off < end; p = next) {
		int64_t from = RTE_MAX(p->off, came->off), to = RTE_MIN(p->off + p->len, end);

		if (p->m)
			from = RTE_MAX(from, half_settled(h));
		next = p->next;
		if (from >= to || !replaces(h, came, p))
			continue;
		h->duplicates += p->m ? (uint64_t)(to - from) : 0;
		carve(s, h, p, from, to);
	}
}

/* A piece for [off, end) of what came, between held ones; false: no memory. */
static bool
hold_part(struct tcpterm *s, struct half *h, struct piece *after, const struct piece *came,
	  int64_t off, int64_t end, bool whole)
{
	struct piece *behind = after ? after->next : h->held.first, *p;

	if (whole)
		p = piece_new(s, came->m, off, came->m_off + (uint32_t)(off - came->off),
			      (uint32_t)(end - off));
	else
		p = part_of(s, came, off, (uint32_t)(end - off));
	if (!p)
		return false;
	p->why = came->why;
	p->seg_off = came->seg_off;
	p->seg_len = came->seg_len;
	p->came = p->since = s->now.v;
	p->evidence = NEVER;
	if (behind) {
		p->since = behind->since;
		p->evidence = behind->evidence;
	} else if (h->fin >= 0) {
		p->since = h->fin_since;
		p->evidence = h->fin_evidence;
	}
	if (p->evidence == NEVER && off <= h->acked && !h->collecting)
		p->evidence = s->now.v;
	pieces_insert(&h->held, after, p);
	return true;
}

/* Holds those bytes of `came` that nothing held has.  Takes the mbuf. */
static void
fill(struct tcpterm *s, struct half *h, struct piece *came)
{
	struct piece *after = h->held.last, *behind;
	int64_t at = came->off, end = came->off + came->len, stop;
	bool taken = false;

	while (after && after->off > at)
		after = after->prev;
	while (at < end) {
		behind = after ? after->next : h->held.first;
		if (after && after->off + after->len > at) {
			stop = RTE_MIN(end, after->off + after->len);
			h->duplicates += came->m ? (uint64_t)(stop - at) : 0;
			at = stop;
		}
		stop = behind ? RTE_MIN(end, behind->off) : end;
		if (stop > at) {
			/* The last part is the frame itself, the others are references to it. */
			bool whole = stop == end;

			if (!hold_part(s, h, after, came, at, stop, whole))
				break;
			taken = whole;
			at = stop;
		}
		after = behind;
	}
	if (!taken && came->m)
		half_drop(s, came->m);
}

void
half_hold(struct tcpterm *s, struct flow *f, struct half *h, struct piece *came)
{
	bool wrong = h->held.first && contradicts(s, f, h, came);

	if (wrong && h->overlap == TCPTERM_OVERLAP_REJECT) {
		h->duplicates += came->len;
		half_drop(s, came->m);
		return;
	}
	if (came->m && (h->held.n_absent || (h->held.n && h->overlap != TCPTERM_OVERLAP_FIRST)))
		make_room(s, h, came);
	fill(s, h, came);
}

bool
half_lacks(const struct half *h, int64_t off, int64_t end)
{
	uint32_t n = RTE_MIN(h->n_gap, (uint32_t)HALF_RECENT_GAPS), i;
	const struct piece *p;

	for (i = 0; i < n; i++)
		if (off < h->gap[i].end && h->gap[i].off < end)
			return true;
	off = RTE_MAX(off, h->next);
	for (p = h->held.first; p && off < end && p->off <= off; p = p->next)
		if (p->m)
			off = RTE_MAX(off, p->off + p->len);
	return off < end;
}

void
half_let_go(struct tcpterm *s, struct half *h)
{
	struct piece *p;

	while ((p = h->kept.first) && !half_keeps(s, h, p)) {
		pieces_remove(&h->kept, p);
		pieces_look_ahead(&h->kept);
		piece_free(s, p);
	}
}

void
half_keep(struct tcpterm *s, struct half *h, struct piece *p)
{
	pieces_insert(&h->kept, h->kept.last, p);
	half_trim_kept(s, h);
}
