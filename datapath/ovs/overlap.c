/*
 * overlap.c - selections against each other, two by two.
 *
 * A rank is one more than the highest of the earlier selections that overlap, so that selections
 * of many ports, which do not, all have the first, and one more at the end of the list changes the
 * rank of none before it.
 */
#include <errno.h>
#include <string.h>

#include "datapath/ovs/overlap.h"

enum { CLIENT_PORTS_FROM = 32768 };	/* where the usual systems begin */

struct list {
	const struct ovs_prefix *of;
	unsigned int n;
};

static struct list
clients(const struct ovs_selection *s)
{
	return (struct list){ s->from, s->n_from };
}

static struct list
servers(const struct ovs_selection *s)
{
	return (struct list){ s->to, s->n_to };
}

const char *
ovs_side_port(const struct ovs_selection *sel, enum ovs_side side)
{
	return side == OVS_CLIENT ? sel->client : sel->server;
}

enum ovs_tier
ovs_tier(const struct ovs_selection *sel)
{
	if (sel->kind != OVS_STEER_INLINE)
		return OVS_TIER_NONE;
	return sel->fail_closed ? OVS_TIER_CLOSED : OVS_TIER_OPEN;
}

/* One holds the other, or they have nothing in common. */
static bool
prefixes_meet(const struct ovs_prefix *x, const struct ovs_prefix *y)
{
	unsigned int bits = x->len < y->len ? x->len : y->len, left = bits % 8;
	uint8_t mask = (uint8_t)(0xff00u >> left);

	return x->v6 == y->v6 && memcmp(x->addr, y->addr, bits / 8) == 0 &&
	       (left == 0 || ((x->addr[bits / 8] ^ y->addr[bits / 8]) & mask) == 0);
}

static bool
has_family(struct list l, bool v6)
{
	unsigned int i;

	for (i = 0; i < l.n; i++)
		if (l.of[i].v6 == v6)
			return true;
	return l.n == 0;
}

static bool
lists_meet(struct list x, struct list y, bool v6)
{
	unsigned int i, j;

	if (x.n == 0 || y.n == 0)
		return has_family(x, v6) && has_family(y, v6);
	for (i = 0; i < x.n; i++)
		for (j = 0; j < y.n; j++)
			if (x.of[i].v6 == v6 && prefixes_meet(&x.of[i], &y.of[j]))
				return true;
	return false;
}

static bool
ports_meet(const struct ovs_selection *x, const struct ovs_selection *y)
{
	unsigned int i, j;

	if (x->n_ports == 0 || y->n_ports == 0)
		return true;
	for (i = 0; i < x->n_ports; i++)
		for (j = 0; j < y->n_ports; j++)
			if (x->ports[i].first <= y->ports[j].last &&
			    y->ports[j].first <= x->ports[i].last)
				return true;
	return false;
}

bool
ovs_overlap(const struct ovs_selection *x, enum ovs_side xs, const struct ovs_selection *y,
	    enum ovs_side ys, enum ovs_part part)
{
	struct list x_src = xs == OVS_CLIENT ? clients(x) : servers(x);
	struct list x_dst = xs == OVS_CLIENT ? servers(x) : clients(x);
	struct list y_src = ys == OVS_CLIENT ? clients(y) : servers(y);
	struct list y_dst = ys == OVS_CLIENT ? servers(y) : clients(y);
	int v6;

	if (x->vlan != OVS_VLAN_ANY && y->vlan != OVS_VLAN_ANY && x->vlan != y->vlan)
		return false;
	/* At one's client and the other's server these are different fields. */
	if (part == OVS_PART_FLOW && xs == ys && !ports_meet(x, y))
		return false;
	for (v6 = 0; v6 < 2; v6++)
		if (lists_meet(x_dst, y_dst, v6) &&
		    (part == OVS_PART_ERROR || lists_meet(x_src, y_src, v6)))
			return true;
	return false;
}

static bool
same_ports(const struct ovs_selection *x, const struct ovs_selection *y)
{
	return (strcmp(x->client, y->client) == 0 && strcmp(x->server, y->server) == 0) ||
	       (strcmp(x->client, y->server) == 0 && strcmp(x->server, y->client) == 0);
}

static bool
flows_meet(const struct ovs_selection *x, const struct ovs_selection *y)
{
	int xs, ys;

	for (xs = OVS_CLIENT; xs <= OVS_SERVER; xs++)
		for (ys = OVS_CLIENT; ys <= OVS_SERVER; ys++)
			if (strcmp(ovs_side_port(x, xs), ovs_side_port(y, ys)) == 0 &&
			    ovs_overlap(x, xs, y, ys, OVS_PART_FLOW))
				return true;
	return false;
}

/* Whether a client may have such a port. */
static bool
takes_client_ports(const struct ovs_selection *s)
{
	unsigned int i;

	for (i = 0; i < s->n_ports; i++)
		if (s->ports[i].last >= CLIENT_PORTS_FROM)
			return true;
	return s->n_ports == 0;
}

/* The port where `x` takes what belongs to connections of `y` that it does not see at their other
 * port, or NULL.  Where one's clients are at the port of the other's servers, both match a packet
 * only if a client's port is a service of the other. */
static const char *
halves(const struct ovs_selection *x, const struct ovs_selection *y)
{
	bool across = takes_client_ports(x) || takes_client_ports(y);
	int xs, ys;

	if (same_ports(x, y))
		return NULL;
	for (xs = OVS_CLIENT; xs <= OVS_SERVER; xs++)
		for (ys = OVS_CLIENT; ys <= OVS_SERVER; ys++)
			if (strcmp(ovs_side_port(x, xs), ovs_side_port(y, ys)) == 0 &&
			    (xs == ys || across) && ovs_overlap(x, xs, y, ys, OVS_PART_FLOW))
				return ovs_side_port(x, xs);
	return NULL;
}

static bool
same_list(struct list x, struct list y)
{
	unsigned int i;

	for (i = 0; i < x.n && x.n == y.n; i++)
		if (x.of[i].v6 != y.of[i].v6 || x.of[i].len != y.of[i].len ||
		    memcmp(x.of[i].addr, y.of[i].addr, sizeof(x.of[i].addr)) != 0)
			return false;
	return x.n == y.n;
}

/* Their fragments and errors have the same matches: these become one rule, and need no order. */
static bool
same_parts(const struct ovs_selection *x, const struct ovs_selection *y)
{
	return strcmp(x->client, y->client) == 0 && strcmp(x->server, y->server) == 0 &&
	       x->vlan == y->vlan && same_list(clients(x), clients(y)) &&
	       same_list(servers(x), servers(y));
}

static int
rank_flows(const struct ovs_selection *sel, unsigned int i, unsigned int j, struct ovs_rank *rank,
	   struct err *e)
{
	const char *where = halves(&sel[i], &sel[j]);

	if (where != NULL)
		return err_set(e, -EINVAL,
			       "steer %s: some of what it would take at port %s goes to steer %s, "
			       "which stands before it and joins other ports, so Leat would see "
			       "half of these connections: tell the two apart by 'from', 'to', "
			       "'port' or 'vlan'",
			       sel[j].name, where, sel[i].name);
	if (rank[j].flow <= rank[i].flow && flows_meet(&sel[i], &sel[j]))
		rank[j].flow = rank[i].flow + 1;
	return 0;
}

/* Errors of the same destinations have the same match: one rule, which needs no order. */
static bool
errors_meet(const struct ovs_selection *x, enum ovs_side xs, const struct ovs_selection *y,
	    enum ovs_side ys)
{
	struct list x_dst = xs == OVS_CLIENT ? servers(x) : clients(x);
	struct list y_dst = ys == OVS_CLIENT ? servers(y) : clients(y);

	return ovs_overlap(x, xs, y, ys, OVS_PART_ERROR) &&
	       (x->vlan != y->vlan || !same_list(x_dst, y_dst));
}

static bool
parts_meet(const struct ovs_selection *x, const struct ovs_selection *y)
{
	int xs, ys;

	for (xs = OVS_CLIENT; xs <= OVS_SERVER; xs++)
		for (ys = OVS_CLIENT; ys <= OVS_SERVER; ys++)
			if (strcmp(ovs_side_port(x, xs), ovs_side_port(y, ys)) == 0 &&
			    (ovs_overlap(x, xs, y, ys, OVS_PART_FRAGMENT) ||
			     errors_meet(x, xs, y, ys)))
				return true;
	return false;
}

static void
rank_parts(const struct ovs_selection *sel, unsigned int i, unsigned int j, struct ovs_rank *rank)
{
	if (ovs_tier(&sel[i]) == ovs_tier(&sel[j]) && rank[j].part <= rank[i].part &&
	    parts_meet(&sel[i], &sel[j]))
		rank[j].part = rank[i].part + 1;
}

static bool
is_ranked(const char *bridge, const struct ovs_selection *s)
{
	return s->kind != OVS_STEER_MIRROR && strcmp(s->bridge, bridge) == 0;
}

static int
rank_one(const char *bridge, const struct ovs_selection *sel, unsigned int j, struct ovs_rank *rank,
	 struct err *e)
{
	bool shared = false;
	unsigned int i;
	int err;

	for (i = 0; i < j; i++) {
		if (!is_ranked(bridge, &sel[i]))
			continue;
		if ((err = rank_flows(sel, i, j, rank, e)) != 0)
			return err;
		if (!shared)
			rank_parts(sel, i, j, rank);
		if (ovs_tier(&sel[i]) == ovs_tier(&sel[j]) && same_parts(&sel[i], &sel[j])) {
			rank[j].part = rank[i].part;
			shared = true;
		}
	}
	if (rank[j].flow >= OVS_RANKS || rank[j].part >= OVS_RANKS)
		return err_set(
			e, -E2BIG,
			"steer %s: more than %d selections overlap one another on bridge %s: "
			"join some of them, or leave the choice to the policy",
			sel[j].name, OVS_RANKS, bridge);
	return 0;
}

int
ovs_rank(const char *bridge, const struct ovs_selection *sel, unsigned int n, struct ovs_rank *rank,
	 struct err *e)
{
	unsigned int j;
	int err = 0;

	memset(rank, 0, n * sizeof(*rank));
	for (j = 0; j < n && err == 0; j++)
		if (is_ranked(bridge, &sel[j]))
			err = rank_one(bridge, sel, j, rank, e);
	return err;
}
