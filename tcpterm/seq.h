/*
 * seq.h - sequence numbers as the wire has them (RFC 9293 3.4), and the way to
 * 64-bit stream offsets, which is how the rest of tcpterm counts.
 *
 * Offset 0 is the byte after the SYN.  Pure functions.
 */
#ifndef TCPTERM_SEQ_H
#define TCPTERM_SEQ_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
	uint32_t v;
} seq_t;

static inline seq_t
seq(uint32_t v)
{
	return (seq_t){ v };
}

static inline seq_t
seq_add(seq_t a, uint32_t n)
{
	return (seq_t){ a.v + n };
}

/* a - b, signed: right while they are less than 2^31 apart. */
static inline int32_t
seq_diff(seq_t a, seq_t b)
{
	return (int32_t)(a.v - b.v);
}

static inline bool
seq_lt(seq_t a, seq_t b)
{
	return seq_diff(a, b) < 0;
}

static inline bool
seq_le(seq_t a, seq_t b)
{
	return seq_diff(a, b) <= 0;
}

/* The sequence number of stream offset `off` where the SYN's number is `isn`. */
static inline seq_t
seq_of(seq_t isn, int64_t off)
{
	return (seq_t){ isn.v + 1 + (uint32_t)off };
}

/*
 * The stream offset of `s` that is nearest to the offset `near`.  Negative for
 * numbers before the first byte (the SYN itself is -1).
 */
static inline int64_t
seq_offset(seq_t s, seq_t isn, int64_t near)
{
	return near + (int32_t)(s.v - seq_of(isn, near).v);
}

#endif
