/*
 * mgmt_nd.c - Neighbour Solicitations for the stack's own addresses: RFC 4861 7.1.1, 7.2.3, 7.2.4,
 * and Duplicate Address Detection by others (RFC 4862 5.4).
 */
#include <netinet/in.h>

#include "datapath/checksum.h"
#include "tcpterm/endpoint.h"
#include "tcpterm/mgmt.h"

enum {
	SOLICITATION = 135,
	ADVERTISEMENT = 136,
	ND_LEN = 24,		/* type, code, checksum, flags, target */
	ND_MAX = 256,		/* options included; longer ones are not looked at */
	OPT_SOURCE_MAC = 1,
	OPT_TARGET_MAC = 2,
	MAC_OPTION = 8,		/* bytes: the option's unit */
	HOPS = 255,		/* what no router lets through (RFC 4861 3.1) */
	SOLICITED = 0x40,
	OVERRIDE = 0x20,
};

/* A message as it was read. */
struct nd {
	uint32_t len;
	const uint8_t *b;		/* type and all */
	struct ip_addr target;
	const struct rte_ether_addr *mac;	/* of the option for its kind; NULL: none */
	uint8_t room[ND_MAX];
};

static uint32_t
length_of(const struct pkt *p)
{
	const struct rte_ipv6_hdr *ip =
		rte_pktmbuf_mtod_offset(p->m, const struct rte_ipv6_hdr *, p->l3);

	return p->l3 + (uint32_t)sizeof *ip + rte_be_to_cpu_16(ip->payload_len) - p->l4;
}

/* False: so short that it names no target. */
static bool
read_nd(const struct pkt *p, struct nd *nd)
{
	nd->len = length_of(p);
	nd->mac = NULL;
	if (nd->len < ND_LEN)
		return false;
	nd->b = rte_pktmbuf_read(p->m, p->l4, RTE_MIN(nd->len, (uint32_t)ND_MAX), nd->room);
	if (nd->b)
		nd->target = ip_addr_v6(nd->b + 8);
	return nd->b != NULL;
}

/* Finds the MAC that option `kind` tells.  False: the options are not by RFC 4861 4.6. */
static bool
read_options(struct nd *nd, uint8_t kind)
{
	uint32_t len;

	if (nd->len > ND_MAX)
		return false;
	for (uint32_t at = ND_LEN; at < nd->len; at += len) {
		if (at + 2 > nd->len)
			return false;
		len = nd->b[at + 1] * (uint32_t)MAC_OPTION;
		if (len == 0 || at + len > nd->len)
			return false;
		if (nd->b[at] != kind)
			continue;
		nd->mac = (const struct rte_ether_addr *)(nd->b + at + 2);
		if (len != MAC_OPTION || !rte_is_valid_assigned_ether_addr(nd->mac))
			return false;
	}
	return true;
}

/* ff02::1:ffXX:XXXX of the target (RFC 4291 2.7.1). */
static bool
is_solicited_node(const struct ip_addr *group, const struct ip_addr *target)
{
	static const uint8_t prefix[13] = { 0xff, 2, [11] = 1, [12] = 0xff };

	return memcmp(group->b, prefix, sizeof prefix) == 0 &&
	       memcmp(group->b + 13, target->b + 13, 3) == 0;
}

static bool
is_unspecified(const struct ip_addr *a)
{
	return a->q[0] == 0 && a->q[1] == 0;
}

static bool
cksum_right(const struct pkt *p, const struct nd *nd)
{
	uint64_t rx = p->m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

	return rx == RTE_MBUF_F_RX_L4_CKSUM_GOOD || rx == RTE_MBUF_F_RX_L4_CKSUM_NONE ||
	       cksum_l4(p->m, p->l3, p->l4, nd->len, IPPROTO_ICMPV6) == 0xffff;
}

/* RFC 4861 7.1.1. */
static bool
is_sound(const struct pkt *p, struct nd *nd)
{
	if (p->ttl != HOPS || p->icmp_code != 0 || !cksum_right(p, nd) ||
	    !read_options(nd, OPT_SOURCE_MAC))
		return false;
	/* who has no address yet asks the group, and has no MAC to tell */
	if (is_unspecified(&p->src))
		return is_solicited_node(&p->dst, &nd->target) && !nd->mac;
	return address_speaks(&p->src) && !ip_addr_is_v4(&p->src);
}

static void
write_advertisement(uint8_t *at, const struct tcpterm_address *a, const struct ip_addr *to,
		    bool solicited)
{
	struct rte_ipv6_hdr ip = {
		.vtc_flow = rte_cpu_to_be_32(6u << 28),
		.payload_len = rte_cpu_to_be_16(ND_LEN + MAC_OPTION),
		.proto = IPPROTO_ICMPV6,
		.hop_limits = HOPS,
	};
	uint8_t *b = at + sizeof ip;

	memcpy(ip.src_addr, a->addr.b, sizeof ip.src_addr);
	memcpy(ip.dst_addr, to->b, sizeof ip.dst_addr);
	memcpy(at, &ip, sizeof ip);
	memset(b, 0, ND_LEN + MAC_OPTION);
	b[0] = ADVERTISEMENT;
	b[4] = OVERRIDE | (solicited ? SOLICITED : 0);
	memcpy(b + 8, a->addr.b, 16);
	b[ND_LEN] = OPT_TARGET_MAC;
	b[ND_LEN + 1] = 1;
	memcpy(b + ND_LEN + 2, &a->mac, RTE_ETHER_ADDR_LEN);
}

/* RFC 4861 7.2.4: all nodes learn of it where the asker has no address. */
static void
advertise(struct tcpterm *s, const struct pkt *p, const struct tcpterm_address *a,
	  const struct nd *nd)
{
	static const struct ip_addr all_nodes = { .b = { 0xff, 2, [15] = 1 } };
	static const struct rte_ether_addr all_nodes_mac = { { 0x33, 0x33, 0, 0, 0, 1 } };
	bool solicited = !is_unspecified(&p->src);
	const struct rte_ether_addr *mac = nd->mac ? nd->mac : &mgmt_ether(p)->src_addr;
	unsigned l3, l4, len = ND_LEN + MAC_OPTION;
	struct rte_mbuf *m =
		mgmt_answer(s, p, a, solicited ? mac : &all_nodes_mac, RTE_ETHER_TYPE_IPV6, &l3);
	uint16_t sum;

	if (!m)
		return;
	l4 = l3 + (unsigned)sizeof(struct rte_ipv6_hdr);
	write_advertisement(rte_pktmbuf_mtod_offset(m, uint8_t *, l3), a,
			    solicited ? &p->src : &all_nodes, solicited);
	m->data_len = (uint16_t)(l4 + len);	/* the sum is over what is there */
	sum = (uint16_t)~cksum_l4(m, (uint16_t)l3, (uint16_t)l4, len, IPPROTO_ICMPV6);
	memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, l4 + 2), &sum, sizeof sum);
	s->stats.nd_answered++;
	mgmt_send(s, p, m, l4 + len);
}

/* Another host advertises the stack's own address. */
static bool
is_conflict(const struct pkt *p, const struct tcpterm_address *a, struct nd *nd)
{
	return p->ttl == HOPS && cksum_right(p, nd) && read_options(nd, OPT_TARGET_MAC) &&
	       !rte_is_same_ether_addr(nd->mac ? nd->mac : &mgmt_ether(p)->src_addr, &a->mac);
}

bool
mgmt_nd(struct tcpterm *s, struct pkt *p)
{
	const struct rte_ether_addr *dst = &mgmt_ether(p)->dst_addr;
	const struct tcpterm_address *a;
	struct nd nd;

	if ((p->icmp_type != SOLICITATION && p->icmp_type != ADVERTISEMENT) || !read_nd(p, &nd))
		return false;
	a = mgmt_find(s, p, &nd.target);
	if (!a)
		return false;
	if (p->icmp_type == ADVERTISEMENT) {
		s->stats.address_conflicts += is_conflict(p, a, &nd);
		return false;
	}
	if (!rte_is_multicast_ether_addr(dst) && !rte_is_same_ether_addr(dst, &a->mac))
		return false;
	if (!is_sound(p, &nd))
		return mgmt_drop(s, p, DROP_address_malformed);
	if (!is_unspecified(&p->src) && !mgmt_is_neighbour(a, &p->src))
		return mgmt_drop(s, p, DROP_address_offlink);
	advertise(s, p, a, &nd);
	return mgmt_drop(s, p, DROP_address_consumed);
}
