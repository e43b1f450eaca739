/*
 * siphash.h - SipHash-2-4 (Aumasson, Bernstein 2012) of whole words: a keyed hash that somebody
 * who sees values, and chooses inputs, can't foretell.  Any thread.
 */
#ifndef TCPTERM_SIPHASH_H
#define TCPTERM_SIPHASH_H

#include <stdint.h>

uint64_t siphash(const uint64_t key[2], const uint64_t *words, unsigned n);

#endif
