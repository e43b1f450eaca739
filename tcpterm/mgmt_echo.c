/*
 * mgmt_echo.c - pings of the stack's own addresses: RFC 792, RFC 1122 3.2.2.6, RFC 4443 4.2.
 *
 * The answer is new headers in front of the request's own mbufs, so that no payload is copied or
 * summed up again.  IP options and extension headers are not echoed.
 */
#include <netinet/in.h>

#include <rte_icmp.h>

#include "datapath/checksum.h"
#include "tcpterm/endpoint.h"
#include "tcpterm/mgmt.h"

enum { ECHO4 = 8, ECHO_REPLY4 = 0, ECHO6 = 128, ECHO_REPLY6 = 129, TTL = 64 };
enum { OPT_END = 0, OPT_NOP = 1, OPT_LSRR = 131, OPT_SSRR = 137 };

/* Bytes of the ICMP message, by the IP length. */
static uint32_t
length_of(const struct pkt *p)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->l3);

	if (p->is_v6)
		return p->l3 + 40u + (uint32_t)(ip[4] << 8 | ip[5]) - p->l4;
	return p->l3 + (uint32_t)(ip[2] << 8 | ip[3]) - p->l4;
}

/* The way back would have to be the reverse of the source route; it is not taken. */
static bool
is_source_routed(const struct pkt *p)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->l3);
	unsigned end = p->l4 - p->l3, len;

	if (p->is_v6)
		return false;
	for (unsigned at = 20; at < end && ip[at] != OPT_END; at += len) {
		if (ip[at] == OPT_LSRR || ip[at] == OPT_SSRR)
			return true;
		len = ip[at] == OPT_NOP ? 1 : at + 1 < end ? ip[at + 1] : 0;
		if (len == 0)
			break;
	}
	return false;
}

static bool
cksum_right(const struct pkt *p, uint32_t len)
{
	uint64_t rx = p->m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

	if (rx == RTE_MBUF_F_RX_L4_CKSUM_GOOD)
		return true;
	return (p->is_v6 ? cksum_l4(p->m, p->l3, p->l4, len, IPPROTO_ICMPV6)
			 : cksum_mbuf(p->m, p->l4, len)) == 0xffff;
}

static unsigned
write_ip(uint8_t *at, const struct pkt *p, uint32_t len)
{
	const struct rte_ipv4_hdr *in =
		rte_pktmbuf_mtod_offset(p->m, const struct rte_ipv4_hdr *, p->l3);
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)at;
	struct rte_ipv6_hdr *ip6 = (struct rte_ipv6_hdr *)at;

	if (p->is_v6) {
		*ip6 = (struct rte_ipv6_hdr){
			.vtc_flow = rte_cpu_to_be_32(6u << 28 | (uint32_t)p->tos << 20),
			.payload_len = rte_cpu_to_be_16((uint16_t)len),
			.proto = IPPROTO_ICMPV6,
			.hop_limits = TTL,
		};
		memcpy(ip6->src_addr, p->dst.b, 16);
		memcpy(ip6->dst_addr, p->src.b, 16);
		return sizeof *ip6;
	}
	/* the asker's own id: unique as it made it, where a router may fragment the answer */
	*ip = (struct rte_ipv4_hdr){
		.version_ihl = 0x45,
		.type_of_service = p->tos,
		.total_length = rte_cpu_to_be_16((uint16_t)(sizeof *ip + len)),
		.packet_id = in->packet_id,
		.fragment_offset = rte_cpu_to_be_16(p->df ? RTE_IPV4_HDR_DF_FLAG : 0),
		.time_to_live = TTL,
		.next_proto_id = IPPROTO_ICMP,
		.src_addr = p->dst.w[3],
		.dst_addr = p->src.w[3],
	};
	cksum_ip4_write(ip);
	return sizeof *ip;
}

/* Only the type differs, so the sum is brought up to date (RFC 1624): the addresses of ICMPv6's
 * pseudo-header only change places.  A reply may be all zeroes, for which 0xffff is the one right
 * sum of the two; it is right wherever the other is. */
static void
write_icmp(uint8_t *at, const struct pkt *p)
{
	struct rte_icmp_hdr icmp;
	uint8_t type = p->is_v6 ? ECHO_REPLY6 : ECHO_REPLY4;

	memcpy(&icmp, rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->l4), sizeof icmp);
	icmp.icmp_cksum = cksum_update16(icmp.icmp_cksum,
					 rte_cpu_to_be_16((uint16_t)(icmp.icmp_type << 8)),
					 rte_cpu_to_be_16((uint16_t)(type << 8)));
	if (icmp.icmp_cksum == 0)
		icmp.icmp_cksum = 0xffff;
	icmp.icmp_type = type;
	memcpy(at, &icmp, sizeof icmp);
}

/* The request's bytes [off, off + len), as mbufs to hang behind a header; NULL: none. */
static struct rte_mbuf *
payload(struct rte_mbuf *m, uint32_t off, uint32_t len)
{
	struct rte_mbuf *first = NULL, **link = &first, *next;

	for (; m; m = next) {
		uint32_t skip = RTE_MIN(off, (uint32_t)m->data_len);
		uint32_t take = RTE_MIN(m->data_len - skip, len);

		next = m->next;
		m->next = NULL;
		off -= skip;
		len -= take;
		if (take == 0) {
			rte_pktmbuf_free_seg(m);
			continue;
		}
		m->data_off = (uint16_t)(m->data_off + skip);
		m->data_len = (uint16_t)take;
		*link = m;
		link = &m->next;
	}
	return first;
}

static void
reply(struct tcpterm *s, struct pkt *p, const struct tcpterm_address *a, uint32_t len)
{
	uint16_t type = p->is_v6 ? RTE_ETHER_TYPE_IPV6 : RTE_ETHER_TYPE_IPV4;
	unsigned at;
	struct rte_mbuf *m = mgmt_answer(s, p, a, &mgmt_ether(p)->src_addr, type, &at);
	uint8_t *b;

	if (!m) {
		rte_pktmbuf_free(p->m);
		return;
	}
	b = rte_pktmbuf_mtod(m, uint8_t *);
	at += write_ip(b + at, p, len);
	write_icmp(b + at, p);
	at += (unsigned)sizeof(struct rte_icmp_hdr);
	len -= (uint32_t)sizeof(struct rte_icmp_hdr);
	m->next = payload(p->m, p->l4 + (uint32_t)sizeof(struct rte_icmp_hdr), len);
	for (struct rte_mbuf *one = m->next; one; one = one->next)
		m->nb_segs++;
	m->pkt_len = len;
	s->stats.echo_answered++;
	mgmt_send(s, p, m, at);
}

bool
mgmt_echo(struct tcpterm *s, struct pkt *p)
{
	const struct tcpterm_address *a;
	uint32_t len;

	if (p->icmp_type != (p->is_v6 ? ECHO6 : ECHO4))
		return false;
	a = mgmt_find(s, p, &p->dst);
	if (!a || !rte_is_same_ether_addr(&mgmt_ether(p)->dst_addr, &a->mac))
		return false;
	len = length_of(p);
	if (p->icmp_code != 0 || !cksum_right(p, len) || !address_speaks(&p->src) ||
	    ip_addr_eq(&p->src, &p->dst) || is_source_routed(p))
		return mgmt_drop(s, p, DROP_address_malformed);
	reply(s, p, a, len);
	drops_count(&s->drops, DROP_address_consumed);
	return true;
}
