/* flow_key.c - orientation, and short keys. */
#include "datapath/flow_key.h"

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
