/*
 * mgmt_arp.c - ARP for the stack's own addresses: RFC 826, and the probes of RFC 5227.
 */
#include <rte_arp.h>

#include "tcpterm/endpoint.h"
#include "tcpterm/mgmt.h"

/* A request as all of them on Ethernet and IPv4 are.  False: cut off, or another protocol's. */
static bool
read_arp(const struct pkt *p, struct rte_arp_hdr *arp)
{
	const void *at = rte_pktmbuf_read(p->m, p->l3, sizeof *arp, arp);

	if (!at)
		return false;
	if (at != arp)
		memcpy(arp, at, sizeof *arp);
	return arp->arp_hardware == rte_cpu_to_be_16(RTE_ARP_HRD_ETHER) &&
	       arp->arp_protocol == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) &&
	       arp->arp_hlen == RTE_ETHER_ADDR_LEN && arp->arp_plen == 4;
}

static void
reply(struct tcpterm *s, const struct pkt *p, const struct tcpterm_address *a,
      const struct rte_arp_ipv4 *asked)
{
	struct rte_arp_hdr arp = {
		.arp_hardware = rte_cpu_to_be_16(RTE_ARP_HRD_ETHER),
		.arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4),
		.arp_hlen = RTE_ETHER_ADDR_LEN,
		.arp_plen = 4,
		.arp_opcode = rte_cpu_to_be_16(RTE_ARP_OP_REPLY),
		.arp_data = { a->mac, asked->arp_tip, asked->arp_sha, asked->arp_sip },
	};
	unsigned l3;
	struct rte_mbuf *m = mgmt_answer(s, p, a, &asked->arp_sha, RTE_ETHER_TYPE_ARP, &l3);

	if (!m)
		return;
	memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, l3), &arp, sizeof arp);
	s->stats.arp_answered++;
	mgmt_send(s, p, m, l3 + (unsigned)sizeof arp);
}

/* Somebody else speaks from the stack's own address (RFC 5227 2.4). */
static bool
is_conflict(const struct tcpterm *s, const struct pkt *p, const struct rte_arp_ipv4 *said)
{
	const struct ip_addr from = ip_addr_v4(&said->arp_sip);
	const struct tcpterm_address *a = mgmt_find(s, p, &from);

	return a && !rte_is_same_ether_addr(&a->mac, &said->arp_sha);
}

bool
mgmt_arp(struct tcpterm *s, struct pkt *p)
{
	const struct rte_ether_addr *dst = &mgmt_ether(p)->dst_addr;
	const struct tcpterm_address *a;
	struct rte_arp_hdr arp;
	struct ip_addr from, of;

	if (!read_arp(p, &arp))
		return false;
	s->stats.address_conflicts += is_conflict(s, p, &arp.arp_data);
	from = ip_addr_v4(&arp.arp_data.arp_sip);
	of = ip_addr_v4(&arp.arp_data.arp_tip);
	a = mgmt_find(s, p, &of);
	/* an announcement, which asks about its own sender, is for all who know the address */
	if (!a || arp.arp_opcode != rte_cpu_to_be_16(RTE_ARP_OP_REQUEST) || ip_addr_eq(&from, &of))
		return false;
	if (!rte_is_broadcast_ether_addr(dst) && !rte_is_same_ether_addr(dst, &a->mac))
		return false;
	/* a probe has no sender's address yet (RFC 5227 2.1.1) */
	if (!rte_is_valid_assigned_ether_addr(&arp.arp_data.arp_sha) ||
	    (arp.arp_data.arp_sip != 0 && !address_speaks(&from)))
		return mgmt_drop(s, p, DROP_address_malformed);
	if (arp.arp_data.arp_sip != 0 && !mgmt_is_neighbour(a, &from))
		return mgmt_drop(s, p, DROP_address_offlink);
	reply(s, p, a, &arp.arp_data);
	return mgmt_drop(s, p, DROP_address_consumed);
}
