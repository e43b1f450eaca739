/*
 * flow_key.c - symmetric hash and orientation.
 *
 * The two endpoints are put in order before Jenkins' hash (rte_jhash) runs over
 * them.  XOR of two per-end hashes would be symmetric too, but is 0 for every
 * flow whose ends are equal, and cancels where both ends change alike.
 */
#include "datapath/flow_key.h"

#include <string.h>

#include <rte_jhash.h>

enum {
	END_WORDS = 5,	/* an address and a port */
	MAX_WORDS = 2 * END_WORDS + 16,
};

static void
end_write(uint32_t *w, const struct ip_addr *a, uint16_t port)
{
	memcpy(w, a->w, sizeof a->w);
	w[4] = port;
}

static bool
end_is_after(const struct ip_addr *a, uint16_t port_a, const struct ip_addr *b, uint16_t port_b)
{
	if (a->q[1] != b->q[1])
		return a->q[1] > b->q[1];
	if (a->q[0] != b->q[0])
		return a->q[0] > b->q[0];
	return port_a > port_b;
}

uint32_t
flow_hash(const struct ip_addr *a, const struct ip_addr *b, uint16_t port_a, uint16_t port_b,
	  uint16_t domain, const uint16_t *vid, unsigned n_tags)
{
	uint32_t w[MAX_WORDS];
	unsigned i, n = 2 * END_WORDS;

	if (end_is_after(a, port_a, b, port_b)) {
		end_write(w, b, port_b);
		end_write(w + END_WORDS, a, port_a);
	} else {
		end_write(w, a, port_a);
		end_write(w + END_WORDS, b, port_b);
	}
	for (i = 0; i < n_tags && n < MAX_WORDS; i++)
		w[n++] = vid[i];
	return rte_jhash_32b(w, n, (uint32_t)domain << 8 | n_tags);
}

static bool
same_place(const struct flow_key *a, const struct flow_key *b)
{
	return a->domain == b->domain && a->n_tags == b->n_tags && a->vid[0] == b->vid[0] &&
	       a->vid[1] == b->vid[1];
}

static bool
same_ends(const struct flow_key *a, const struct flow_key *b, unsigned first)
{
	return a->port[0] == b->port[first] && a->port[1] == b->port[!first] &&
	       ip_addr_eq(&a->addr[0], &b->addr[first]) &&
	       ip_addr_eq(&a->addr[1], &b->addr[!first]);
}

enum flow_match
flow_key_match(const struct flow_key *k, const struct flow_key *stored)
{
	if (!same_place(k, stored))
		return FLOW_MATCH_NO;
	if (same_ends(k, stored, 0))
		return FLOW_MATCH_SAME;
	return same_ends(k, stored, 1) ? FLOW_MATCH_REVERSED : FLOW_MATCH_NO;
}

struct flow_key
flow_key_reverse(const struct flow_key *k)
{
	struct flow_key r = *k;

	r.addr[0] = k->addr[1];
	r.addr[1] = k->addr[0];
	r.port[0] = k->port[1];
	r.port[1] = k->port[0];
	return r;
}
