/*
 * mgmt.c - the set of a stack's own addresses, and what their answers have in common.
 */
#include "tcpterm/mgmt.h"

#include <errno.h>
#include <stdlib.h>

#include "tcpterm/endpoint.h"

struct mgmt {
	unsigned n, room;
	struct tcpterm_address *address;	/* in the order of compare() */
};

/* --- the set --- */

static int
compare(const void *x, const void *y)
{
	const struct tcpterm_address *a = x, *b = y;

	if (a->domain != b->domain)
		return a->domain < b->domain ? -1 : 1;
	if (a->n_vids != b->n_vids)
		return a->n_vids < b->n_vids ? -1 : 1;
	for (unsigned i = 0; i < a->n_vids; i++)
		if (a->vid[i] != b->vid[i])
			return a->vid[i] < b->vid[i] ? -1 : 1;
	return memcmp(&a->addr, &b->addr, sizeof a->addr);
}

static bool
valid(const struct tcpterm_address *a)
{
	unsigned least = ip_addr_is_v4(&a->addr) ? 96 : 0;

	if (!address_speaks(&a->addr) || !rte_is_valid_assigned_ether_addr(&a->mac) ||
	    a->prefix_len > 128 || (a->prefix_len && a->prefix_len < least) ||
	    a->n_vids > PKT_MAX_TAGS)
		return false;
	for (unsigned i = 0; i < a->n_vids; i++)
		if (a->vid[i] == 0 || a->vid[i] > 4094)
			return false;
	return true;
}

static struct tcpterm_address *
find(const struct mgmt *set, const struct tcpterm_address *key)
{
	return set ? bsearch(key, set->address, set->n, sizeof *key, compare) : NULL;
}

/* Room for one more. */
static bool
grow(struct mgmt *set)
{
	unsigned room = set->room ? 2 * set->room : 8;
	struct tcpterm_address *more;

	if (set->n < set->room)
		return true;
	more = realloc(set->address, room * sizeof *more);
	if (!more)
		return false;
	set->address = more;
	set->room = room;
	return true;
}

int
tcpterm_address_add(struct tcpterm *s, const struct tcpterm_address *a)
{
	if (!valid(a))
		return -EINVAL;
	if (find(s->mgmt, a))
		return -EEXIST;
	if (!s->mgmt)
		s->mgmt = calloc(1, sizeof *s->mgmt);
	if (!s->mgmt || !grow(s->mgmt))
		return -ENOMEM;
	s->mgmt->address[s->mgmt->n++] = *a;
	qsort(s->mgmt->address, s->mgmt->n, sizeof *a, compare);
	return 0;
}

int
tcpterm_address_remove(struct tcpterm *s, const struct tcpterm_address *a)
{
	struct tcpterm_address *at = a->n_vids <= PKT_MAX_TAGS ? find(s->mgmt, a) : NULL;
	size_t behind;

	if (!at)
		return -ENOENT;
	behind = (size_t)(&s->mgmt->address[--s->mgmt->n] - at);
	memmove(at, at + 1, behind * sizeof *at);
	return 0;
}

void
mgmt_free(struct mgmt *set)
{
	if (set)
		free(set->address);
	free(set);
}

/* --- frames --- */

/* All tags count, whether or not the port's flows are told apart by them. */
const struct tcpterm_address *
mgmt_find(const struct tcpterm *s, const struct pkt *p, const struct ip_addr *addr)
{
	struct tcpterm_address key = { .addr = *addr, .domain = p->domain };

	if (p->is_v6 && ip_addr_is_v4(addr))	/* mapped, and on no wire (RFC 4038 4.2) */
		return NULL;
	for (unsigned i = 0; i < p->n_tags; i++)
		if (vlan_vid(p->tag[i]) != 0)
			key.vid[key.n_vids++] = vlan_vid(p->tag[i]);
	return find(s->mgmt, &key);
}

static bool
is_link_local(const struct ip_addr *a)
{
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

bool
mgmt_is_neighbour(const struct tcpterm_address *a, const struct ip_addr *from)
{
	return a->prefix_len == 0 || is_link_local(from) ||
	       ip_addr_in_prefix(from, &a->addr, a->prefix_len);
}

bool
mgmt_drop(struct tcpterm *s, struct pkt *p, enum drop why)
{
	core_drop(s, p->m, why);
	return true;
}

struct rte_mbuf *
mgmt_answer(struct tcpterm *s, const struct pkt *p, const struct tcpterm_address *a,
	    const struct rte_ether_addr *to, uint16_t ether_type, unsigned *l3)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(s->conf.header_pool);
	struct rte_ether_hdr *eth;

	if (!m) {
		drops_count(&s->drops, DROP_no_mbuf);
		return NULL;
	}
	eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
	*l3 = l2_write_as(p, true, ether_type, (uint8_t *)eth);
	eth->src_addr = a->mac;
	eth->dst_addr = *to;
	return m;
}

void
mgmt_send(struct tcpterm *s, const struct pkt *p, struct rte_mbuf *m, unsigned len)
{
	m->data_len = (uint16_t)len;
	m->pkt_len += len;
	s->stats.segments_out++;
	s->conf.ops->tx(s->conf.ctx, p->domain, p->side, m);
}

bool
mgmt_input(struct tcpterm *s, struct pkt *p)
{
	const uint8_t *type;

	if (!s->mgmt || s->mgmt->n == 0)
		return false;
	type = rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->l3 - 2);
	if (type[0] == RTE_ETHER_TYPE_ARP >> 8 && type[1] == (RTE_ETHER_TYPE_ARP & 0xff))
		return mgmt_arp(s, p);
	/* the parser has set a type where it found a whole ICMP header */
	return p->is_v6 && p->icmp_type ? mgmt_nd(s, p) || mgmt_echo(s, p) : mgmt_echo(s, p);
}
