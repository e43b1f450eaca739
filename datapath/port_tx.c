/*
 * port_tx.c - partial checksums and chains, on the way out.
 *
 * A virtual machine hands over frames whose TCP or UDP checksum holds the
 * pseudo-header alone (L4_CKSUM_NONE), and TCP super-segments beside them.  Where
 * the device out can do the rest it is told to; where not, it is done here.
 */
#include "datapath/port_tx.h"

#include <assert.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_net.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "datapath/checksum.h"

static bool
is_partial(const struct rte_mbuf *m)
{
	return (m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_NONE;
}

/* Offset of the checksum in the L4 header, or -1 where there is none to complete. */
static int
cksum_at(uint32_t l4_type)
{
	switch (l4_type) {
	case RTE_PTYPE_L4_TCP:
		return offsetof(struct rte_tcp_hdr, cksum);
	case RTE_PTYPE_L4_UDP:
		return offsetof(struct rte_udp_hdr, dgram_cksum);
	default:
		return -1;
	}
}

/* Bytes of the datagram from its L4 header on, by the IP header. */
static uint32_t
l4_bytes(const uint8_t *ip, uint32_t l3_len)
{
	if (ip[0] >> 4 == 4)
		return rte_be_to_cpu_16(((const struct rte_ipv4_hdr *)ip)->total_length) - l3_len;
	return rte_be_to_cpu_16(((const struct rte_ipv6_hdr *)ip)->payload_len) +
	       sizeof(struct rte_ipv6_hdr) - l3_len;
}

static void
write_cksum(struct rte_mbuf *m, uint16_t l3, uint16_t l4, uint32_t len, int at, bool pseudo_only)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, l3);
	uint8_t *field = rte_pktmbuf_mtod_offset(m, uint8_t *, l4 + at);
	uint8_t proto = at == offsetof(struct rte_tcp_hdr, cksum) ? IPPROTO_TCP : IPPROTO_UDP;
	bool v4 = ip[0] >> 4 == 4;
	uint16_t sum = 0;

	if (pseudo_only) {
		sum = cksum_pseudo(ip + (v4 ? 12 : 8), v4 ? 8 : 32, proto, len);
	} else {
		memcpy(field, &sum, 2);
		sum = ~cksum_l4(m, l3, l4, len, proto);
		if (sum == 0 && proto == IPPROTO_UDP)
			sum = 0xffff;	/* RFC 768: 0 says that there is none */
	}
	memcpy(field, &sum, 2);
}

/*
 * Leaves the rest to a device that can: a super-segment needs TSO, whose
 * checksum is over a pseudo-header without length.
 */
static bool
offload(const struct port *p, struct rte_mbuf *m, const struct rte_net_hdr_lens *h, bool v4)
{
	bool super = m->tso_segsz != 0 && (m->ol_flags & RTE_MBUF_F_RX_LRO);
	uint64_t need = super ? RTE_ETH_TX_OFFLOAD_TCP_TSO : RTE_ETH_TX_OFFLOAD_TCP_CKSUM;

	if (!(p->tx_offloads & need))
		return false;
	m->l2_len = h->l2_len;
	m->l3_len = h->l3_len;
	m->l4_len = h->l4_len;
	m->ol_flags |= v4 ? RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM : RTE_MBUF_F_TX_IPV6;
	m->ol_flags |= super ? RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM
			     : RTE_MBUF_F_TX_TCP_CKSUM;
	return true;
}

static void
complete_cksum(const struct port *p, struct rte_mbuf *m)
{
	struct rte_net_hdr_lens h = { 0 };
	uint32_t type = rte_net_get_ptype(m, &h, RTE_PTYPE_ALL_MASK);
	int at = cksum_at(type & RTE_PTYPE_L4_MASK);
	uint16_t l4 = h.l2_len + h.l3_len;
	bool v4, offloaded = false;
	const uint8_t *ip;
	uint32_t len;

	if (at < 0 || !pkt_linearize(m, l4 + at + 2))
		return;
	ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, h.l2_len);
	v4 = ip[0] >> 4 == 4;
	len = l4_bytes(ip, h.l3_len);
	if (len > m->pkt_len - l4)
		return;
	if (at == offsetof(struct rte_tcp_hdr, cksum))
		offloaded = offload(p, m, &h, v4);
	if (offloaded && (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG))
		len = 0;
	write_cksum(m, h.l2_len, l4, len, at, offloaded);
}

static void
copy_frame(struct rte_mbuf *flat, const struct rte_mbuf *m)
{
	uint32_t len = m->pkt_len;

	for (; m; m = m->next)
		memcpy(rte_pktmbuf_append(flat, m->data_len), rte_pktmbuf_mtod(m, void *),
		       m->data_len);
	assert(flat->pkt_len == len);
}

static struct rte_mbuf *
flatten(struct port *p, uint16_t queue, struct rte_mbuf *m)
{
	struct rte_mbuf *flat;

	if (m->pkt_len > UINT16_MAX)
		return m;
	flat = rte_pktmbuf_alloc(p->conf.pool);
	if (!flat)
		return m;
	if (rte_pktmbuf_tailroom(flat) < m->pkt_len) {
		rte_pktmbuf_free(flat);
		return m;
	}
	copy_frame(flat, m);
	rte_pktmbuf_free(m);
	p->queue[queue].stats.linearized++;
	return flat;
}

struct rte_mbuf *
port_tx_prepare(struct port *p, uint16_t queue, struct rte_mbuf *m)
{
	if (is_partial(m))
		complete_cksum(p, m);
	if (m->nb_segs > 1 && !(p->tx_offloads & RTE_ETH_TX_OFFLOAD_MULTI_SEGS))
		return flatten(p, queue, m);
	return m;
}
