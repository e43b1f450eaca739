/*
 * flow_key.c - symmetric hash and orientation.
 *
 * Two words that differ become one by a multiplication whose upper half is folded into its lower
 * one.  The ends' hashes are joined by their sum and their product, which
 * do not say which was first: XOR would be 0 for every flow whose ends are equal, and
 * cancel where both ends change alike.
 */
#include "datapath/flow_key.h"

/* Odd and random. */
#define K0 0x9e3779b97f4a7c15ull
#define K1 0xbf58476d1ce4e5b9ull
#define K2 0x94d049bb133111ebull
#define K3 0xd6e8feb86659fd93ull

__extension__ typedef unsigned __int128 wide;

static inline uint64_t
mix(uint64_t a, uint64_t b)
{
	wide p = (wide)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

static inline uint64_t
end_hash(const struct ip_addr *a, uint16_t port)
{
	return mix(a->q[0] ^ port ^ K0, a->q[1] ^ K1);
}

uint32_t
flow_hash(const struct ip_addr *a, const struct ip_addr *b, uint16_t port_a, uint16_t port_b,
	  uint16_t domain, const uint16_t *vid, unsigned n_tags)
{
	uint64_t x = end_hash(a, port_a), y = end_hash(b, port_b);
	uint64_t place = (uint64_t)domain << 8 | n_tags;

	for (unsigned i = 0; i < n_tags; i++)
		place = mix(place ^ (uint64_t)vid[i] << 32 ^ K2, K3);
	x = mix((x + y) ^ K2, (x * y) ^ place ^ K3);
	return (uint32_t)(x ^ x >> 32);
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

struct short_key
flow_key_short(const struct flow_key *k)
{
	struct short_key to = {
		.port = { k->port[0], k->port[1] },
		.domain = k->domain,
		.n_tags = (uint8_t)k->n_tags,
		.v6 = !ip_addr_is_v4(&k->addr[0]) || !ip_addr_is_v4(&k->addr[1]),
		.vid = { k->vid[0], k->vid[1] },
	};

	if (!to.v6) {
		to.v4[0] = k->addr[0].w[3];
		to.v4[1] = k->addr[1].w[3];
	}
	return to;
}
