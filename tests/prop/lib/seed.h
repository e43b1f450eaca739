/*
 * seed.h - what rand() begins with.
 */
#ifndef LEAT_TESTS_PROP_SEED_H
#define LEAT_TESTS_PROP_SEED_H

#include <stdint.h>

/* SEED of the environment, or 1; printed, given to srand(), and returned. */
unsigned seed(void);

/* The next of a sequence of 64 bits, by xorshift, where the high ones are better; `state` is not
 * 0. */
static inline uint64_t
seed_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#endif
