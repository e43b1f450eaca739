/*
 * pair_pad.h - acknowledgements that seem to have bytes.
 *
 * Ethernet's least frame has 60 bytes, and who fills it up with zero bytes and counts them in IP's
 * length, as some that write or rewrite captures do, gives a bare ACK 6 bytes, or 2 behind a tag or
 * an option.  Its sender never said them: what it says next has the same numbers.  Segments of few
 * zero bytes that are data end what was written, and have PSH.  Should a receiver have taken such
 * bytes after all, its ACK says so, and they are a gap.  Stateless; private to pair*.c.
 */
#ifndef TCPTERM_PAIR_PAD_H
#define TCPTERM_PAIR_PAD_H

#include <string.h>

#include "datapath/parse.h"

enum { PAIR_PAD_MAX = 6, PAIR_LEAST_FRAME = 60, PAIR_TAG = 4 };

/* Are the bytes of `p` none of its sender's? */
static inline bool
pair_is_padded(const struct pkt *p)
{
	static const uint8_t zeros[PAIR_PAD_MAX];
	uint32_t end = p->payload + p->payload_len - p->meta_len;
	uint32_t beyond = end - PAIR_LEAST_FRAME;	/* tags that came after it was filled up */
	uint8_t buf[PAIR_PAD_MAX];
	const void *b;

	if (p->payload_len - 1 >= PAIR_PAD_MAX || p->flags & TCP_PSH)	/* as most */
		return false;
	if (p->cut || p->is_v6 || end < PAIR_LEAST_FRAME || beyond % PAIR_TAG != 0 ||
	    beyond / PAIR_TAG > p->n_tags)
		return false;
	b = rte_pktmbuf_read(p->m, p->payload, p->payload_len, buf);
	return b && memcmp(b, zeros, p->payload_len) == 0;
}

#endif
