/*
 * What a half tells its owner of the stream: bytes, urgent ones beside them, the end.
 */
#include "tcpterm/half_tell.h"

#include "tcpterm/half_gap.h"

void
half_urgent(struct half *h, int64_t off)
{
	unsigned i = h->n_urgent;

	if (off < h->next || h->n_urgent == HALF_URGENT)
		return;
	while (i > 0 && h->urgent_at[i - 1] > off)
		i--;
	if (i > 0 && h->urgent_at[i - 1] == off)
		return;
	memmove(&h->urgent_at[i + 1], &h->urgent_at[i], (h->n_urgent - i) * sizeof h->urgent_at[0]);
	h->urgent_at[i] = off;
	h->n_urgent++;
}

void
half_urgent_done(struct half *h)
{
	h->n_urgent--;
	memmove(&h->urgent_at[0], &h->urgent_at[1], h->n_urgent * sizeof h->urgent_at[0]);
}

void
tell_run(struct tcpterm *s, struct flow *f, struct half *h, const struct rte_mbuf *m,
	 uint32_t m_off, uint32_t len)
{
	const struct tcpterm_passive_ops *ops = s->conf.ops->passive;
	int64_t at = h->next;

	if (h->told != at)
		gap_tell(s, f, h);
	h->next += len;
	h->told = h->next;
	h->stream_bytes += len;
	if (ops && ops->data)
		ops->data(s->conf.ctx, f, h->dir, (uint64_t)(at - h->removed), m, m_off, len);
}

/* The byte at h->next is urgent: the stream goes on without it. */
static void
tell_urgent(struct tcpterm *s, struct flow *f, struct half *h, const struct rte_mbuf *m,
	    uint32_t m_off)
{
	const struct tcpterm_passive_ops *ops = s->conf.ops->passive;
	uint8_t room;
	const uint8_t *byte = rte_pktmbuf_read(m, m_off, 1, &room);

	gap_tell(s, f, h);
	if (ops && ops->urgent && byte && h->urgent == TCPTERM_URGENT_OOB)
		ops->urgent(s->conf.ctx, f, h->dir, (uint64_t)(h->next - h->removed), *byte);
	s->stats.urgent_removed++;
	h->removed++;
	h->told = ++h->next;
	half_urgent_done(h);
}

void
tell_bytes(struct tcpterm *s, struct flow *f, struct half *h, const struct rte_mbuf *m,
	   uint32_t m_off, uint32_t len)
{
	while (unlikely(h->n_urgent) && h->urgent_at[0] < h->next + len) {
		uint32_t n = (uint32_t)(h->urgent_at[0] - h->next);

		if (n)
			tell_run(s, f, h, m, m_off, n);
		tell_urgent(s, f, h, m, m_off + n);
		m_off += n + 1;
		len -= n + 1;
	}
	if (len)
		tell_run(s, f, h, m, m_off, len);
}

void
tell_end(struct tcpterm *s, struct flow *f, struct half *h)
{
	const struct tcpterm_passive_ops *ops = s->conf.ops->passive;

	gap_tell(s, f, h);
	h->ended = true;
	if (ops && ops->end)
		ops->end(s->conf.ctx, f, h->dir, (uint64_t)(h->next - h->removed));
}
