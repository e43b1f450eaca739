/*
 * Initial sequence numbers (RFC 6528): a clock of 4 us plus a keyed hash of the
 * connection's identity.
 */
#include "tcpterm/siphash.h"
#include "tcpterm/tcb.h"

seq_t
isn_make(const struct tcpterm *s, const struct flow_key *k)
{
	uint64_t words[sizeof *k / 8];

	memcpy(words, k, sizeof words);
	return seq((uint32_t)siphash(s->conf.secret, words, RTE_DIM(words)) +
		   (uint32_t)(s->now.v / 4));
}
