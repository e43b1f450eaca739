/*
 * flow_key.h - what makes two packets one flow.
 *
 * Ingress domain, VLAN VIDs, addresses and ports.  PCP, DEI, TPID and MACs are
 * not part of it.  A key is directional as a packet is: [0] is the source,
 * [1] the destination; the hash is symmetric and flow_key_match() tells the
 * orientation, so that both directions find one object.
 *
 * The struct has no padding: it is compared and hashed as words.  Values.
 */
#ifndef LEAT_DATAPATH_FLOW_KEY_H
#define LEAT_DATAPATH_FLOW_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_branch_prediction.h>

#include "datapath/addr.h"

struct flow_key {
	struct ip_addr addr[2];
	uint16_t port[2];	/* host order */
	uint16_t domain;	/* ingress domain: the port pair or attachment */
	uint16_t n_tags;	/* 0 where VLANs are not part of the key */
	/* Up to two VIDs, outermost first.  A deeper stack is interned and its
	 * index is here, high half first (tcpterm/vlan_stack.h). */
	uint16_t vid[2];
	uint32_t zero;
};

_Static_assert(sizeof(struct flow_key) == 48, "flow_key has no padding");

/*
 * The same in 20 bytes, for IPv4.  Of IPv6 the addresses lie elsewhere; its owner knows where
 * (tcpterm/flow.h), and may keep the ends' flow labels here, which are no part of the key.
 */
struct short_key {
	union {
		uint32_t v4[2];		/* network order */
		uint32_t label[2];	/* 0 in a new key */
	};
	uint16_t port[2];
	uint16_t domain;
	uint8_t n_tags;
	bool v6;
	uint16_t vid[2];
};

_Static_assert(sizeof(struct short_key) == 20, "short_key has no padding");

enum flow_match { FLOW_MATCH_NO, FLOW_MATCH_SAME, FLOW_MATCH_REVERSED };

/* Odd and random. */
#define FLOW_HASH_0 0x9e3779b97f4a7c15ull
#define FLOW_HASH_1 0xbf58476d1ce4e5b9ull
#define FLOW_HASH_2 0x94d049bb133111ebull
#define FLOW_HASH_3 0xd6e8feb86659fd93ull

/* Two words that differ become one by a multiplication whose upper half is folded into its lower
 * one. */
static inline uint64_t
flow_hash_mix(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 p = (unsigned __int128)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

static inline uint64_t
flow_hash_end(const struct ip_addr *a, uint16_t port)
{
	return flow_hash_mix(a->q[0] ^ port ^ FLOW_HASH_0, a->q[1] ^ FLOW_HASH_1);
}

/*
 * Symmetric hash: equal for a key and for its reverse.  `vid` are all the
 * packet's VIDs (n_tags of them), so that the value does not depend on any
 * worker's table of interned stacks; it chooses the worker that owns the flow
 * and the bucket of its table.  The ends' hashes are joined by their sum and their product, which
 * do not say which was first: XOR would be 0 for every flow whose ends are equal, and cancel where
 * both ends change alike.
 */
static inline uint32_t
flow_hash(const struct ip_addr *a, const struct ip_addr *b, uint16_t port_a, uint16_t port_b,
	  uint16_t domain, const uint16_t *vid, unsigned n_tags)
{
	uint64_t x = flow_hash_end(a, port_a), y = flow_hash_end(b, port_b);
	uint64_t place = (uint64_t)domain << 8 | n_tags;

	for (unsigned i = 0; i < n_tags; i++)
		place = flow_hash_mix(place ^ (uint64_t)vid[i] << 32 ^ FLOW_HASH_2, FLOW_HASH_3);
	x = flow_hash_mix((x + y) ^ FLOW_HASH_2, (x * y) ^ place ^ FLOW_HASH_3);
	return (uint32_t)(x ^ x >> 32);
}

/* How does `k` relate to the key `stored`?  A key equal to its own reverse is SAME. */
enum flow_match flow_key_match(const struct flow_key *k, const struct flow_key *stored);

struct flow_key flow_key_reverse(const struct flow_key *k);

/* Of IPv4, without VLANs.  Written where it stays: who copies at once what was put together of
 * smaller parts waits until these have left the processor. */
static inline void
short_key_v4(struct short_key *k, const struct ip_addr *src, const struct ip_addr *dst,
	     uint16_t sport, uint16_t dport, uint16_t domain)
{
	k->v4[0] = src->w[3];
	k->v4[1] = dst->w[3];
	k->port[0] = sport;
	k->port[1] = dport;
	k->domain = domain;
	k->n_tags = 0;
	k->v6 = false;
	k->vid[0] = k->vid[1] = 0;
}

/* There and back; `v6`: the two addresses, for IPv6 (else it is not looked at). */
struct short_key flow_key_short(const struct flow_key *k);

static inline struct flow_key
flow_key_long(const struct short_key *k, const struct ip_addr *v6)
{
	return (struct flow_key){
		.addr = { k->v6 ? v6[0] : ip_addr_v4(&k->v4[0]),
			  k->v6 ? v6[1] : ip_addr_v4(&k->v4[1]) },
		.port = { k->port[0], k->port[1] },
		.domain = k->domain,
		.n_tags = k->n_tags,
		.vid = { k->vid[0], k->vid[1] },
	};
}

/* flow_key_match() where both are short, each with its `v6`. */
static inline enum flow_match
short_key_match(const struct short_key *k, const struct ip_addr *v6, const struct short_key *stored,
		const struct ip_addr *stored_v6)
{
	enum { PLACE = offsetof(struct short_key, domain) };
	uint64_t place[2], ends[2];
	uint32_t ports[2];
	bool same, reversed;

	memcpy(&place[0], (const char *)k + PLACE, sizeof place[0]);
	memcpy(&place[1], (const char *)stored + PLACE, sizeof place[1]);
	memcpy(&ports[0], k->port, sizeof ports[0]);
	memcpy(&ports[1], stored->port, sizeof ports[1]);
	if (place[0] != place[1])
		return FLOW_MATCH_NO;
	same = ports[0] == ports[1];
	reversed = ports[0] == (ports[1] << 16 | ports[1] >> 16);
	if (unlikely(k->v6)) {
		same = same && ip_addr_eq(&v6[0], &stored_v6[0]) &&
		       ip_addr_eq(&v6[1], &stored_v6[1]);
		reversed = reversed && ip_addr_eq(&v6[0], &stored_v6[1]) &&
			   ip_addr_eq(&v6[1], &stored_v6[0]);
	} else {
		memcpy(&ends[0], k->v4, sizeof ends[0]);
		memcpy(&ends[1], stored->v4, sizeof ends[1]);
		same &= ends[0] == ends[1];
		reversed &= ends[0] == (ends[1] << 32 | ends[1] >> 32);
	}
	return same ? FLOW_MATCH_SAME : reversed ? FLOW_MATCH_REVERSED : FLOW_MATCH_NO;
}

#endif
