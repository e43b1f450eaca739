/*
 * stream.h - one direction's bytes, as references into the mbufs they came in.
 *
 * A stream is a queue addressed by 64-bit offset: received bytes are appended at `end`,
 * and released below `start` when nobody needs them any more.  In a relay it is what one leg
 * received and the other has to send; of a connection, its receive or send buffer.
 * What is held lies in the mbuf's own dynamic field (struct held), so holding allocates
 * nothing; an mbuf is held by one stream or one reassembly queue at a time.
 * Single-threaded, with its stack.
 */
#ifndef TCPTERM_STREAM_H
#define TCPTERM_STREAM_H

#include <rte_mbuf_dyn.h>

#include "tcpterm/core.h"

/* Bytes of a chain: [m_off, m_off + len). */
struct part {
	uint64_t m_off : 22;
	uint64_t len : 23;
	uint64_t summed : 1;	/* their sum is known (checksum.h) */
	uint64_t unverified : 1;	/* or said to be, and nobody looked */
	uint64_t compact : 1;	/* ours, with small segments' bytes copied together */
	uint64_t sum : 16;
};

enum { PART_MAX = (1 << 22) - 1 };	/* bytes that a chain may have */

/* The part without its first `skip` bytes, and of those left no more than `len`. */
static inline struct part
part_cut(struct part t, uint32_t skip, uint32_t len)
{
	return (struct part){ .m_off = t.m_off + skip,
			      .len = len,
			      .summed = t.summed && len == t.len,
			      .unverified = t.unverified,
			      .compact = t.compact,
			      .sum = t.sum };
}

/* The bytes [off, off + part.len) of a stream. */
struct held {
	struct rte_mbuf *next;
	int64_t off;
	struct part part;
};

extern int held_dynfield;

/* Registers the dynamic field; once a process, any number of calls. 0, negative errno. */
int held_register(void);

static inline struct held *
held(const struct rte_mbuf *m)
{
	return RTE_MBUF_DYNFIELD(m, held_dynfield, struct held *);
}

struct stream {
	struct rte_mbuf *head, *tail;
	struct rte_mbuf *cursor;	/* where the latest slice was found, or NULL */
	int64_t start, end;		/* bytes held: [start, end) */
	uint32_t n_mbufs;
	int64_t urgent;			/* the byte after the urgent data (urgent.h); 0: none */
	bool fin;			/* nothing follows `end` */
};

/* Takes `m`, whose `part` follows the stream's end. Small payload is copied together. */
void stream_append(struct tcpterm *s, struct stream *st, struct rte_mbuf *m, struct part part);

/* Copies the caller's bytes in; how many there was memory, and half of the budget, for. */
size_t stream_write(struct tcpterm *s, struct stream *st, const void *buf, size_t len);

/* Copies `len` bytes from `off` out; all of them are held. */
void stream_copy(const struct stream *st, int64_t off, uint32_t len, uint8_t *to);

/* Releases the bytes below `off`. */
void stream_release(struct tcpterm *s, struct stream *st, int64_t off);

/*
 * An empty mbuf with room for headers, followed by references to [off, off + len), no byte
 * copied; all from header_pool.  NULL: the
 * pool is empty.
 */
struct rte_mbuf *stream_slice(struct tcpterm *s, struct stream *st, int64_t off, uint32_t len);

/*
 * The same bytes in the frame that they came in, to be sent as it is with `room` bytes of headers
 * before them: one reference more, as long as the payload, which lies behind that room.  NULL: they
 * are not all of it, or it is somebody else's too: a reader's, or of the device that it went to
 * before, which may still be reading the headers.
 */
struct rte_mbuf *stream_in_place(struct stream *st, int64_t off, uint32_t len, uint32_t room);

/*
 * How many of the `most` bytes from `off` on, all of which are held, should go as one: fewer, where
 * the last of them would be a part of a frame's payload that can go in its frame if it goes whole,
 * and which is half of `most` or more.
 */
uint32_t stream_whole(const struct stream *st, int64_t off, uint32_t most);

/* The sum of a slice, without reading it; false: it is not known. */
bool stream_sum(const struct stream *st, int64_t off, uint32_t len, uint16_t *sum);

/* Has all of the slice the sum that it is said to have?  What has is not asked again. */
bool stream_verify(struct stream *st, int64_t off, uint32_t len);

/* Releases everything. */
void stream_clear(struct tcpterm *s, struct stream *st);

/* Bytes held. */
static inline uint32_t
stream_len(const struct stream *st)
{
	return (uint32_t)(st->end - st->start);
}

#endif
