/*
 * DPDK has no keyed hash that resists an observer, and a library for these lines would be the
 * larger risk.
 */
#include "tcpterm/siphash.h"

uint64_t
siphash(const uint64_t key[2], const uint64_t *words, unsigned n)
{
	struct sip h = sip_begin(key);

	for (unsigned i = 0; i < n; i++)
		sip_word(&h, words[i]);
	return sip_end(h, n, 0, 0);
}
