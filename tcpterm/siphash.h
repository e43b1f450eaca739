/*
 * siphash.h - SipHash-2-4 (Aumasson, Bernstein 2012): a keyed hash that somebody who sees values,
 * and chooses inputs, can't foretell.  Any thread.
 */
#ifndef TCPTERM_SIPHASH_H
#define TCPTERM_SIPHASH_H

#include <stdint.h>

/* Of `n` whole words. */
uint64_t siphash(const uint64_t key[2], const uint64_t *words, unsigned n);

/*
 * The same in steps: messages that begin alike share their beginning, and up to seven bytes that a
 * message ends with cost nothing, because they lie in the block that says its length.
 */
struct sip {
	uint64_t v[4];
};

static inline uint64_t
sip_rotl(uint64_t x, int b)
{
	return x << b | x >> (64 - b);
}

static inline void
sip_round(struct sip *h)
{
	uint64_t *v = h->v;

	v[0] += v[1];
	v[1] = sip_rotl(v[1], 13) ^ v[0];
	v[0] = sip_rotl(v[0], 32);
	v[2] += v[3];
	v[3] = sip_rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = sip_rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = sip_rotl(v[1], 17) ^ v[2];
	v[2] = sip_rotl(v[2], 32);
}

static inline struct sip
sip_begin(const uint64_t key[2])
{
	return (struct sip){ { key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
			       key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573 } };
}

static inline void
sip_word(struct sip *h, uint64_t w)
{
	h->v[3] ^= w;
	sip_round(h);
	sip_round(h);
	h->v[0] ^= w;
}

/* Of `n` words and `len` more bytes, at most 7, the lowest first in `last`, which is 0 above. */
static inline uint64_t
sip_end(struct sip h, unsigned n, unsigned len, uint64_t last)
{
	sip_word(&h, (uint64_t)(n * 8 + len) << 56 | last);
	h.v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(&h);
	return h.v[0] ^ h.v[1] ^ h.v[2] ^ h.v[3];
}

#endif
