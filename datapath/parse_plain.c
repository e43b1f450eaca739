/*
 * parse_plain.c - the straight path of the parser.
 *
 * Nearly all that a function carries is TCP in one mbuf, with at most one tag, over IPv4 without
 * options or IPv6 without extensions, whole and with right checksums.  That is read here in one
 * piece; whatever is otherwise about a frame is left to the steps (parse_step.h), which begin anew.
 */
#include <netinet/in.h>
#include <stddef.h>

#include "datapath/checksum.h"
#include "datapath/parse_step.h"

enum {
	ETHER_LEN = 14,
	TAG_LEN = 4,
	IP4_LEN = 20,
	IP6_LEN = 40,
	TCP_MIN = 20,
	SHORTEST = ETHER_LEN + IP4_LEN + TCP_MIN,
	IP4_FRAGMENT = 0x3fff,	/* more fragments, or not the first */
	IP4_DF = 0x4000,
};

/* Where the IP header begins; 0: not here. */
static inline uint32_t
link_layer(struct pkt *p, const uint8_t *b, const struct parse_conf *conf, uint16_t *type)
{
	*type = read16(b + 12);
	if (*type == RTE_ETHER_TYPE_VLAN) {
		*type = read16(b + 16);
		if (conf->meta)
			pkt_consume_meta(p, read16(b + 14), conf);
		else
			pkt_add_tag(p, RTE_ETHER_TYPE_VLAN, read16(b + 14), conf);
		return ETHER_LEN + TAG_LEN;
	}
	return conf->meta ? 0 : ETHER_LEN;
}

static inline bool
ip4_sound(const struct pkt *p, const uint8_t *ip, const struct parse_conf *conf)
{
	uint64_t rx = p->m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;

	return conf->trust || rx == RTE_MBUF_F_RX_IP_CKSUM_GOOD ||
	       rx == RTE_MBUF_F_RX_IP_CKSUM_NONE || cksum_ip4_ok(ip);
}

/* Where the datagram ends; 0: not here. */
static inline uint32_t
ip4(struct pkt *p, const uint8_t *ip, const struct parse_conf *conf)
{
	uint16_t fragment = read16(ip + 6);

	if (ip[0] != 0x45 || fragment & IP4_FRAGMENT || ip[9] != IPPROTO_TCP)
		return 0;
	if (!ip4_sound(p, ip, conf))
		return 0;
	p->tos = ip[1];
	p->ttl = ip[8];
	p->df = (fragment & IP4_DF) != 0;
	p->src = ip_addr_v4(ip + 12);
	p->dst = ip_addr_v4(ip + 16);
	p->l4 = p->l3 + IP4_LEN;
	return p->l3 + read16(ip + 2);
}

static inline uint32_t
ip6(struct pkt *p, const uint8_t *ip)
{
	uint32_t first = read32(ip);

	if (p->m->data_len < p->l3 + IP6_LEN || first >> 28 != 6 || ip[6] != IPPROTO_TCP)
		return 0;
	p->is_v6 = p->df = true;
	p->tos = first >> 20 & 0xff;
	p->flow_label = first & 0xfffff;
	p->ttl = ip[7];
	p->src = ip_addr_v6(ip + 8);
	p->dst = ip_addr_v6(ip + 24);
	p->l4 = p->l3 + IP6_LEN;
	return p->l3 + IP6_LEN + read16(ip + 4);
}

static inline bool
is_sound(struct pkt *p, const struct parse_conf *conf)
{
	uint64_t rx = p->m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

	if (tcp_flags_are_absurd(p->flags))
		return false;
	if (rx == RTE_MBUF_F_RX_L4_CKSUM_GOOD || rx == RTE_MBUF_F_RX_L4_CKSUM_NONE)
		return true;
	if (!conf->trust)
		return cksum_tcp_ok(p);
	if (rx == RTE_MBUF_F_RX_L4_CKSUM_UNKNOWN)
		cksum_tcp_believe(p);
	return true;
}

/* The TCP header, in a datagram that ends at `end`. */
static inline bool
tcp(struct pkt *p, const uint8_t *b, uint32_t end, const struct parse_conf *conf)
{
	unsigned header;

	if (end > p->m->data_len || end < p->l4 + (uint32_t)TCP_MIN)
		return false;
	header = (b[p->l4 + 12] >> 4) * 4;
	if (header < TCP_MIN || p->l4 + header > end)
		return false;
	pkt_read_tcp(p, b + p->l4);
	p->opt_len = (uint8_t)(header - TCP_MIN);
	p->payload = (uint16_t)(p->l4 + header);
	p->payload_len = end - p->payload;
	return is_sound(p, conf);
}

bool
parse_plain(struct pkt *p, const struct parse_conf *conf)
{
	const uint8_t *b = rte_pktmbuf_mtod(p->m, const uint8_t *);
	uint32_t end;
	uint16_t type;

	if (p->m->nb_segs != 1 || p->m->data_len < SHORTEST)
		return false;
	p->l3 = (uint16_t)link_layer(p, b, conf, &type);
	if (p->l3 == 0)
		return false;
	if (type == RTE_ETHER_TYPE_IPV4)
		end = ip4(p, b + p->l3, conf);
	else if (type == RTE_ETHER_TYPE_IPV6)
		end = ip6(p, b + p->l3);
	else
		return false;
	return tcp(p, b, end, conf);
}

static inline uint64_t
differ64(const uint8_t *a, const uint8_t *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return x ^ y;
}

static inline uint32_t
differ32(const uint8_t *a, const uint8_t *b)
{
	uint32_t x, y;

	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return x ^ y;
}

/* Of two frames with an IPv4 header at `l3`, 14 or 18: all up to the ports, but for the datagram's
 * length, identification and checksum. */
static inline bool
same_names(const uint8_t *a, const uint8_t *b, unsigned l3)
{
	uint64_t differ = differ64(a + l3 + 12, b + l3 + 12) | differ32(a + l3 + 20, b + l3 + 20);

	if (differ)	/* the ends, mostly */
		return false;
	differ = differ64(a, b) | differ64(a + 8, b + 8) | differ64(a + l3 - 6, b + l3 - 6);
	return (differ | differ32(a + l3 + 6, b + l3 + 6)) == 0;
}

bool
parse_again(struct pkt *p, const struct pkt *before, struct rte_mbuf *m,
	    const struct parse_conf *conf)
{
	const uint8_t *b = rte_pktmbuf_mtod(m, const uint8_t *);

	if (!before->is_plain || m->port != before->m->port || m->nb_segs != 1 ||
	    m->data_len < before->l4 + (uint32_t)TCP_MIN ||
	    !same_names(b, rte_pktmbuf_mtod(before->m, const uint8_t *), before->l3))
		return false;
	memcpy(p, before, offsetof(struct pkt, tag[1]));
	p->m = m;
	p->at = (usec_t){ 0 };
	p->goes_on = true;
	p->summed = p->unverified = false;
	p->payload_sum = 0;
	return ip4_sound(p, b + p->l3, conf) && tcp(p, b, p->l3 + read16(b + p->l3 + 2), conf);
}
