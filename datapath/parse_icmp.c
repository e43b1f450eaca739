/*
 * parse_icmp.c - ICMP errors (RFC 792, 1191, 4443) and the TCP tuple they quote.
 *
 * A quote is the start of the offending packet: its IP header and at least 8
 * bytes, which for TCP are the ports and the sequence number.  Its checksum and
 * its lengths are of a packet that is cut off: they are not looked at.
 */
#include <netinet/in.h>

#include "datapath/checksum.h"
#include "datapath/parse_step.h"

enum {
	ICMP_LEN = 8,
	QUOTED_TCP = 8,
	ICMP4_UNREACHABLE = 3,
	ICMP4_FRAG_NEEDED = 4,	/* a code of it */
	ICMP4_SOURCE_QUENCH = 4,
	ICMP4_TIME_EXCEEDED = 11,
	ICMP4_PARAMETER = 12,
	ICMP6_TOO_BIG = 2,
	ICMP6_LAST_ERROR = 4,	/* unreachable, too big, time exceeded, parameter problem */
};

static bool
cksum_ok(const struct pkt *p, uint32_t len, const struct parse_conf *conf)
{
	uint64_t rx = p->m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

	if (conf->trust || p->cut || rx == RTE_MBUF_F_RX_L4_CKSUM_GOOD ||
	    rx == RTE_MBUF_F_RX_L4_CKSUM_NONE)
		return true;
	if (p->is_v6)
		return cksum_l4(p->m, p->l3, p->l4, len, IPPROTO_ICMPV6) == 0xffff;
	return cksum_mbuf(p->m, p->l4, len) == 0xffff;
}

/* The tuple of a quote whose addresses are known; its TCP header is at `off`. */
static enum pkt_kind
read_quoted_tcp(struct pkt *p, uint32_t off, uint32_t end, const struct parse_conf *conf)
{
	const uint8_t *th = pkt_head(p, off, QUOTED_TCP, end);

	if (!th)
		return pkt_refuse(p, DROP_icmp_quote);
	p->sport = read16(th);
	p->dport = read16(th + 2);
	p->seq = read32(th + 4);
	if (!cksum_ok(p, end - p->l4, conf))
		return pkt_refuse(p, DROP_icmp_cksum);
	return PKT_ICMP_ERROR;
}

static enum pkt_kind
read_quote4(struct pkt *p, uint32_t off, uint32_t end, const struct parse_conf *conf)
{
	const uint8_t *ip = pkt_head(p, off, 20, end);
	unsigned header;

	if (!ip || ip[0] >> 4 != 4)
		return pkt_refuse(p, DROP_icmp_quote);
	if (ip[9] != IPPROTO_TCP)
		return PKT_OTHER;
	header = (ip[0] & 0xf) * 4;
	if (header < 20 || (read16(ip + 6) & 0x1fff) != 0)
		return pkt_refuse(p, DROP_icmp_quote);
	p->src = ip_addr_v4(ip + 12);
	p->dst = ip_addr_v4(ip + 16);
	return read_quoted_tcp(p, off + header, end, conf);
}

static enum pkt_kind
read_quote6(struct pkt *p, uint32_t off, uint32_t end, const struct parse_conf *conf)
{
	const uint8_t *ip = pkt_head(p, off, 40, end);
	struct ip6_walk w = { .off = off + 40 };
	struct ip_addr src, dst;

	if (!ip || ip[0] >> 4 != 6)
		return pkt_refuse(p, DROP_icmp_quote);
	src = ip_addr_v6(ip + 8);
	dst = ip_addr_v6(ip + 24);
	w.next = ip[6];
	if (!ip6_walk(p, &w, end))
		return pkt_refuse(p, DROP_icmp_quote);
	if (w.next != IPPROTO_TCP)
		return PKT_OTHER;
	if (w.frag_off != 0)
		return pkt_refuse(p, DROP_icmp_quote);
	p->src = src;
	p->dst = dst;
	return read_quoted_tcp(p, w.off, end, conf);
}

enum pkt_kind
parse_icmp4(struct pkt *p, uint32_t end, const struct parse_conf *conf)
{
	const uint8_t *b = pkt_head(p, p->l4, ICMP_LEN, end);

	if (!b)
		return PKT_OTHER;
	p->icmp_type = b[0];
	p->icmp_code = b[1];
	if (b[0] != ICMP4_UNREACHABLE && b[0] != ICMP4_SOURCE_QUENCH &&
	    b[0] != ICMP4_TIME_EXCEEDED && b[0] != ICMP4_PARAMETER)
		return PKT_OTHER;
	if (b[0] == ICMP4_UNREACHABLE && b[1] == ICMP4_FRAG_NEEDED)
		p->icmp_mtu = read16(b + 6);
	return read_quote4(p, p->l4 + ICMP_LEN, end, conf);
}

enum pkt_kind
parse_icmp6(struct pkt *p, uint32_t end, const struct parse_conf *conf)
{
	const uint8_t *b = pkt_head(p, p->l4, ICMP_LEN, end);

	if (!b)
		return PKT_OTHER;
	p->icmp_type = b[0];
	p->icmp_code = b[1];
	if (b[0] == 0 || b[0] > ICMP6_LAST_ERROR)
		return PKT_OTHER;
	if (b[0] == ICMP6_TOO_BIG)
		p->icmp_mtu = read32(b + 4);
	return read_quote6(p, p->l4 + ICMP_LEN, end, conf);
}
