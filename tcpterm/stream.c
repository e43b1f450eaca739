#include <rte_errno.h>

#include "datapath/checksum.h"
#include "tcpterm/stream.h"

enum { COMPACT_TEAR = 512 };	/* bytes */

int held_dynfield = -1;

int
held_register(void)
{
	static const struct rte_mbuf_dynfield field = {
		.name = "tcpterm_held",
		.size = sizeof(struct held),
		.align = __alignof__(struct held),
	};

	if (held_dynfield < 0)
		held_dynfield = rte_mbuf_dynfield_register(&field);
	return held_dynfield < 0 ? -rte_errno : 0;
}

static void
hold(struct tcpterm *s, struct stream *st, struct rte_mbuf *m)
{
	if (st->tail)
		held(st->tail)->next = m;
	else
		st->head = m;
	st->tail = m;
	st->n_mbufs++;
	s->stats.n_held += m->nb_segs;
	st->end += held(m)->part.len;
}

static void
let_go(struct tcpterm *s, struct stream *st, struct rte_mbuf *m)
{
	st->head = held(m)->next;
	if (st->head) {		/* the next to go; its lines were not touched for a round trip */
		rte_prefetch0(held(st->head));
		rte_prefetch0(st->head);
	} else {
		st->tail = NULL;
	}
	if (st->cursor == m)
		st->cursor = NULL;
	st->n_mbufs--;
	s->stats.n_held -= m->nb_segs;
	rte_pktmbuf_free(m);
}

/* Room for small payload at the stream's end: what is left of a compact tail. */
static uint16_t
compact_room(const struct stream *st)
{
	return st->tail && held(st->tail)->part.compact ? rte_pktmbuf_tailroom(st->tail) : 0;
}

static struct rte_mbuf *
compact_new(struct tcpterm *s, const struct stream *st)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(s->conf.payload_pool);

	if (m)
		*held(m) = (struct held){ .off = st->end, .part.compact = 1 };
	return m;
}

/* Appends bytes to the compact tail, which has room for them. */
static void *
compact_extend(struct stream *st, uint32_t len)
{
	void *to = rte_pktmbuf_append(st->tail, (uint16_t)len);

	held(st->tail)->part.len += len;
	st->end += len;
	return to;
}

static void
copy_from(const struct rte_mbuf *m, uint32_t m_off, uint32_t len, void *to)
{
	const void *from = rte_pktmbuf_read(m, m_off, len, to);

	if (from != to)
		memcpy(to, from, len);
}

/* Less than a quarter of its mbufs is payload, the headers' own not counted: they would hold the
 * pool. */
static bool
wasteful(const struct tcpterm *s, const struct rte_mbuf *m, uint32_t len)
{
	uint32_t n = RTE_MAX(m->nb_segs - 1u, 1u);

	return len < rte_pktmbuf_data_room_size(s->conf.payload_pool) / 4u * n;
}

/* Copies [m_off, m_off + len) together with what was copied before; how much there was room for. */
static uint32_t
compact(struct tcpterm *s, struct stream *st, const struct rte_mbuf *m, uint32_t m_off,
	uint32_t len)
{
	uint32_t done = 0;

	while (done < len) {
		struct rte_mbuf *fresh;
		uint32_t n = RTE_MIN(compact_room(st), len - done);

		/* A short piece is not torn: it goes whole into the next mbuf. */
		if (n == len - done || n >= COMPACT_TEAR) {
			copy_from(m, m_off + done, n, compact_extend(st, n));
			done += n;
			continue;
		}
		fresh = compact_new(s, st);
		if (!fresh)
			break;
		hold(s, st, fresh);
	}
	s->stats.copied_bytes += done;
	s->stats.compacted += done > 0;
	return done;
}

void
stream_append(struct tcpterm *s, struct stream *st, struct rte_mbuf *m, struct part part)
{
	uint32_t done = wasteful(s, m, part.len) ? compact(s, st, m, part.m_off, part.len) : 0;

	if (done == part.len) {
		rte_pktmbuf_free(m);
		return;
	}
	*held(m) = (struct held){ .off = st->end, .part = part_cut(part, done, part.len - done) };
	hold(s, st, m);
}

/* What the caller writes leaves half of the budget to what arrives, or two full senders would
 * deadlock; an empty stream may always take one mbuf. */
static struct rte_mbuf *
write_room(struct tcpterm *s, const struct stream *st)
{
	if (st->head && s->stats.n_held >= s->conf.n_held_max / 2)
		return NULL;
	return compact_new(s, st);
}

size_t
stream_write(struct tcpterm *s, struct stream *st, const void *buf, size_t len)
{
	const uint8_t *from = buf;
	size_t done = 0;

	while (done < len) {
		uint32_t n = compact_room(st);

		if (n == 0) {
			struct rte_mbuf *fresh = write_room(s, st);

			if (!fresh)
				break;
			hold(s, st, fresh);
			n = rte_pktmbuf_tailroom(fresh);
		}
		n = RTE_MIN(n, (uint32_t)RTE_MIN(len - done, (size_t)UINT16_MAX));
		memcpy(compact_extend(st, n), from + done, n);
		done += n;
	}
	s->stats.copied_bytes += done;
	return done;
}

/* The mbuf that holds offset `off`, which is below `end`. */
static struct rte_mbuf *
locate(const struct stream *st, int64_t off)
{
	struct rte_mbuf *m = st->cursor && held(st->cursor)->off <= off ? st->cursor : st->head;

	while (off >= held(m)->off + held(m)->part.len)
		m = held(m)->next;
	return m;
}

void
stream_copy(const struct stream *st, int64_t off, uint32_t len, uint8_t *to)
{
	for (struct rte_mbuf *m = locate(st, off); len > 0; m = held(m)->next) {
		const struct held *h = held(m);
		uint32_t skip = (uint32_t)(off - h->off);
		uint32_t n = RTE_MIN(len, h->part.len - skip);

		copy_from(m, h->part.m_off + skip, n, to);
		to += n;
		off += n;
		len -= n;
	}
}

void
stream_release(struct tcpterm *s, struct stream *st, int64_t off)
{
	while (st->head && held(st->head)->off + held(st->head)->part.len <= off)
		let_go(s, st, st->head);
	if (off > st->start)
		st->start = off;
}

/* One reference to `n` bytes of the segment `seg` from `skip` on. */
static struct rte_mbuf *
refer(struct tcpterm *s, struct rte_mbuf *seg, uint32_t skip, uint32_t n)
{
	struct rte_mbuf *mi = rte_pktmbuf_alloc(s->conf.header_pool);

	if (!mi)
		return NULL;
	rte_pktmbuf_attach(mi, seg);
	mi->data_off = (uint16_t)(seg->data_off + skip);
	mi->data_len = (uint16_t)n;
	mi->pkt_len = n;
	mi->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
	return mi;
}

/* Appends references to [skip, skip + len) of the chain `m` to *tail. */
static bool
refer_chain(struct tcpterm *s, struct rte_mbuf *m, uint32_t skip, uint32_t len,
	    struct rte_mbuf *first, struct rte_mbuf **tail)
{
	for (; len > 0; m = m->next) {
		uint32_t n;

		if (skip >= m->data_len) {
			skip -= m->data_len;
			continue;
		}
		n = RTE_MIN(len, m->data_len - skip);
		(*tail)->next = refer(s, m, skip, n);
		if (!(*tail)->next)
			return false;
		*tail = (*tail)->next;
		first->nb_segs++;
		first->pkt_len += n;
		len -= n;
		skip = 0;
	}
	return true;
}

struct rte_mbuf *
stream_slice(struct tcpterm *s, struct stream *st, int64_t off, uint32_t len)
{
	struct rte_mbuf *m = locate(st, off), *first, *tail;

	/* The first mbuf has room for the headers; the references follow it. */
	first = tail = rte_pktmbuf_alloc(s->conf.header_pool);
	if (!first)
		return NULL;
	st->cursor = m;
	for (; len > 0; m = held(m)->next) {
		const struct held *h = held(m);
		uint32_t skip = (uint32_t)(off - h->off);
		uint32_t n = RTE_MIN(len, h->part.len - skip);

		if (!refer_chain(s, m, h->part.m_off + skip, n, first, &tail)) {
			rte_pktmbuf_free(first);
			return NULL;
		}
		off += n;
		len -= n;
	}
	return first;
}

static bool
is_free(const struct rte_mbuf *m)
{
	return m->nb_segs == 1 && RTE_MBUF_DIRECT(m) && rte_mbuf_refcnt_read(m) == 1;
}

struct rte_mbuf *
stream_in_place(struct stream *st, int64_t off, uint32_t len, uint32_t room)
{
	struct rte_mbuf *m = locate(st, off);
	struct held *h = held(m);

	if (h->off != off || h->part.len != len || h->part.compact || !is_free(m) ||
	    m->data_off + (uint32_t)h->part.m_off < room)
		return NULL;
	m->data_off = (uint16_t)(m->data_off + h->part.m_off - room);
	m->data_len = (uint16_t)len;
	m->pkt_len = len;
	m->ol_flags = 0;
	h->part.m_off = room;
	rte_mbuf_refcnt_update(m, 1);
	st->cursor = m;
	return m;
}

uint32_t
stream_whole(const struct stream *st, int64_t off, uint32_t most)
{
	const struct held *h = held(locate(st, off));
	int64_t end;

	for (end = h->off + h->part.len; h->next && end < off + most; end += h->part.len) {
		h = held(h->next);
		if (end + h->part.len > off + most)
			return h->part.compact || h->part.len < most / 2 ? most
									 : (uint32_t)(end - off);
	}
	return most;
}

bool
stream_sum(const struct stream *st, int64_t off, uint32_t len, uint16_t *sum)
{
	const struct held *h = held(locate(st, off));

	*sum = h->part.sum;
	return h->part.summed && h->off == off && h->part.len == len;
}

/* Of ones' complement there are two zeros. */
static bool
same_sum(uint16_t a, uint16_t b)
{
	return a % UINT16_MAX == b % UINT16_MAX;
}

bool
stream_verify(struct stream *st, int64_t off, uint32_t len)
{
	struct rte_mbuf *m = locate(st, off);

	for (; m && held(m)->off < off + len; m = held(m)->next) {
		struct part *t = &held(m)->part;

		if (t->unverified && !same_sum(cksum_mbuf(m, t->m_off, t->len), t->sum))
			return false;
		t->unverified = 0;
	}
	return true;
}

void
stream_clear(struct tcpterm *s, struct stream *st)
{
	while (st->head)
		let_go(s, st, st->head);
	st->start = st->end;
}
