/*
 * pieces.h - lists of references into frames, for the halves of passive pairs.
 *
 * A piece owns its mbuf.  Held frames are counted in stats.n_held, consumed ones among the drops.
 * Belongs to its stack; single-threaded.
 */
#ifndef TCPTERM_PIECES_H
#define TCPTERM_PIECES_H

#include "tcpterm/half.h"

enum { PIECE_SHOWN = 256 };	/* bytes of each version that a conflict shows */

/* Takes `m`, or nothing; NULL (and m is the caller's) when the slab is full. */
struct piece *piece_new(struct tcpterm *s, struct rte_mbuf *m, int64_t off, uint32_t m_off,
			uint32_t len);
void piece_free(struct tcpterm *s, struct piece *p);

/* Keeps [off, off + len), which was delivered, at the end of `l`, to be compared and nothing
 * else: takes one more reference to a frame that goes on (`shared`), or the frame.  False: the slab
 * is full. */
bool piece_keep(struct tcpterm *s, struct pieces *l, struct rte_mbuf *m, int64_t off,
		uint32_t m_off, uint32_t len, bool shared);

/* Frees the entry alone: its mbuf, if it has one, is the caller's. */
struct rte_mbuf *piece_unwrap(struct tcpterm *s, struct piece *p);

/* The first is let go next, maybe long after it came: its mbuf is fetched. */
static inline void
pieces_look_ahead(const struct pieces *l)
{
	if (l->first && l->first->m) {
		rte_prefetch0(l->first->m);
		rte_prefetch0((const uint8_t *)l->first->m + RTE_CACHE_LINE_SIZE);
	}
}

/* Inserts behind `after` (NULL: at the front); takes out. */
void pieces_insert(struct pieces *l, struct piece *after, struct piece *p);
void pieces_remove(struct pieces *l, struct piece *p);
void pieces_clear(struct tcpterm *s, struct pieces *l);

/* Says a conflict where both have bytes of one offset that differ; were there any? */
bool piece_compare(struct tcpterm *s, struct flow *f, struct half *h, const struct piece *was,
		   const struct piece *came);

/* Do they, from offset `from` on?  Says nothing. */
bool piece_differs(const struct piece *was, const struct piece *came, int64_t from);

#endif
