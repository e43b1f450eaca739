/*
 * rng.h - the one source of chance of a simulation, and the byte streams that
 * its connections carry.
 *
 * A `struct rng` is owned by whoever embeds it; everything of a run derives
 * from one seed.  Single thread.
 */
#ifndef LEAT_SIM_RNG_H
#define LEAT_SIM_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rng {
	uint64_t s;
};

/* splitmix64's finalizer: a bijection whose every output bit depends on every input bit. */
static inline uint64_t
rng_mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* A key of its own for part `b` of seed `a`. */
static inline uint64_t
rng_key(uint64_t a, uint64_t b)
{
	return rng_mix(rng_mix(a + 0x9e3779b97f4a7c15ULL) ^ (b * 0xd1342543de82ef95ULL + 1));
}

static inline uint64_t
rng_next(struct rng *r)
{
	r->s += 0x9e3779b97f4a7c15ULL;
	return rng_mix(r->s);
}

/* Uniform in 0..n-1; 0 for n = 0. */
static inline uint64_t
rng_below(struct rng *r, uint64_t n)
{
	uint64_t x = rng_next(r);

	return n ? x % n : 0;
}

/* Uniform in lo..hi, both included. */
static inline int64_t
rng_range(struct rng *r, int64_t lo, int64_t hi)
{
	return lo + (int64_t)rng_below(r, (uint64_t)(hi - lo) + 1);
}

static inline bool
rng_chance(struct rng *r, double p)
{
	return (double)(rng_next(r) >> 11) * 0x1p-53 < p;
}

/* Small values often, large ones sometimes: uniform in the logarithm of lo..hi, lo >= 1. */
static inline int64_t
rng_log_range(struct rng *r, int64_t lo, int64_t hi)
{
	int bits = 0;
	int64_t top;

	while ((lo << (bits + 1)) <= hi)
		bits++;
	top = lo << rng_range(r, 0, bits + 1);
	return top > hi ? rng_range(r, lo, hi) : rng_range(r, lo, top);
}

/* The byte that the stream of `key` has at `offset`. */
static inline uint8_t
stream_byte(uint64_t key, uint64_t offset)
{
	return (uint8_t)(rng_mix(key + (offset >> 3)) >> ((offset & 7) * 8));
}

/* Writes bytes offset..offset+len-1 of the stream of `key`. */
static inline void
stream_fill(uint64_t key, uint64_t offset, uint8_t *out, size_t len)
{
	size_t i = 0;
	uint64_t word;
	int k;

	while (i < len && ((offset + i) & 7)) {
		out[i] = stream_byte(key, offset + i);
		i++;
	}
	for (; i + 8 <= len; i += 8) {
		word = rng_mix(key + ((offset + i) >> 3));
		for (k = 0; k < 8; k++)
			out[i + k] = (uint8_t)(word >> (k * 8));
	}
	for (; i < len; i++)
		out[i] = stream_byte(key, offset + i);
}

/* How many leading bytes of `in` are the stream's at `offset`; `len` if all are. */
static inline size_t
stream_match(uint64_t key, uint64_t offset, const uint8_t *in, size_t len)
{
	uint8_t want[256];
	size_t done, n, i;

	for (done = 0; done < len; done += n) {
		n = len - done < sizeof want ? len - done : sizeof want;
		stream_fill(key, offset + done, want, n);
		for (i = 0; i < n; i++)
			if (want[i] != in[done + i])
				return done + i;
	}
	return len;
}

#endif
