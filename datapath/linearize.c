/*
 * linearize.c - the head of a chain in one piece.
 *
 * Drivers and peers cut frames where they like.  What the headers need is moved
 * from the following segments into the first; its buffer is used where it is
 * ours alone.  Where it isn't (an indirect or external one) the mbuf goes back to
 * the buffer it was made with, with the first segment's bytes copied there.
 */
#include <assert.h>
#include <string.h>

#include "datapath/parse.h"

static bool
has_own_buffer(const struct rte_mbuf *m)
{
	return RTE_MBUF_DIRECT(m);
}

/* Room for `len` bytes in the buffer that `m` was made with. */
static bool
own_buffer_holds(const struct rte_mbuf *m, uint32_t len)
{
	return rte_pktmbuf_data_room_size(m->pool) >= len;
}

static void
return_to_own_buffer(struct rte_mbuf *m)
{
	uint64_t flags = m->ol_flags & ~(RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL);
	uint8_t head[PKT_LINEAR_MAX];
	uint16_t len = m->data_len;

	memcpy(head, rte_pktmbuf_mtod(m, void *), len);
	rte_pktmbuf_detach(m);
	m->data_off = 0;
	memcpy(rte_pktmbuf_mtod(m, void *), head, len);
	m->data_len = len;
	m->ol_flags = flags;
}

static bool
make_room(struct rte_mbuf *m, uint32_t len)
{
	if (has_own_buffer(m) && rte_mbuf_refcnt_read(m) == 1) {
		if (m->data_off + len <= m->buf_len)
			return true;
		if (len > m->buf_len)
			return false;
		memmove(m->buf_addr, rte_pktmbuf_mtod(m, void *), m->data_len);
		m->data_off = 0;
		return true;
	}
	if (has_own_buffer(m) || rte_mbuf_refcnt_read(m) != 1 || !own_buffer_holds(m, len))
		return false;
	return_to_own_buffer(m);
	return true;
}

/* Takes the first `n` bytes of the segment after `m`; frees it when it is empty. */
static void
take_from_next(struct rte_mbuf *m, uint16_t n)
{
	struct rte_mbuf *next = m->next;

	memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, m->data_len),
	       rte_pktmbuf_mtod(next, uint8_t *), n);
	m->data_len += n;
	next->data_off += n;
	next->data_len -= n;
	if (next->data_len == 0) {
		m->next = next->next;
		m->nb_segs--;
		next->next = NULL;
		next->nb_segs = 1;
		rte_pktmbuf_free_seg(next);
	}
}

/* A later segment's mbuf that someone else holds too can't be shortened. */
static bool
may_take(const struct rte_mbuf *m, uint32_t len)
{
	const struct rte_mbuf *s;
	uint32_t have = m->data_len;

	for (s = m->next; s && have < len; s = s->next) {
		if (rte_mbuf_refcnt_read(s) != 1)
			return false;
		have += s->data_len;
	}
	return have >= len;
}

bool
pkt_linearize(struct rte_mbuf *m, uint32_t len)
{
	if (len <= m->data_len)
		return len <= PKT_LINEAR_MAX;
	if (len > PKT_LINEAR_MAX || len > m->pkt_len || !may_take(m, len) || !make_room(m, len))
		return false;
	while (m->data_len < len)
		take_from_next(m, RTE_MIN(len - m->data_len, m->next->data_len));
	return true;
}
