/* parse_ip.c - IPv4 (RFC 791), IPv6 and its extension headers (RFC 8200). */
#include <netinet/in.h>

#include "datapath/captured.h"
#include "datapath/checksum.h"
#include "datapath/parse_step.h"

enum {
	IP4_MIN = 20,
	IP4_DF = 0x4000,
	IP4_MF = 0x2000,
	IP4_OFFSET = 0x1fff,	/* in units of 8 bytes */
	IP6_LEN = 40,
	IP6_MAX_EXT = 8,	/* extension headers looked at; hosts send at most a few */
	IP_MAX_LEN = 65535,
};

/*
 * RFC 791 3.2: every fragment but the last is a multiple of 8 bytes, and none
 * reaches beyond the longest datagram.
 */
static bool
fragment_is_sound(const struct pkt *p)
{
	if (p->frag_len == 0 || (p->frag_more && p->frag_len % 8 != 0))
		return false;
	return p->frag_off + p->frag_len <= IP_MAX_LEN;
}

/* Does the datagram, which ends at `end`, go beyond the frame?  What a capture left out of it is
 * p->cut. */
static bool
is_short(struct pkt *p, uint32_t end)
{
	uint32_t here = p->m->pkt_len, cut = captured_cut(p->m);

	if (likely(end <= here))
		return false;
	p->cut = end - here;
	return p->cut > cut;
}

static void
read_ip4(struct pkt *p, const uint8_t *ip)
{
	p->tos = ip[1];
	p->ttl = ip[8];
	p->df = (read16(ip + 6) & IP4_DF) != 0;
	p->src = ip_addr_v4(ip + 12);
	p->dst = ip_addr_v4(ip + 16);
}

static bool
ip4_cksum_ok(const struct pkt *p, const uint8_t *ip, const struct parse_conf *conf)
{
	uint64_t rx = p->m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;

	if (conf->trust || rx == RTE_MBUF_F_RX_IP_CKSUM_GOOD || rx == RTE_MBUF_F_RX_IP_CKSUM_NONE)
		return true;
	return cksum_ip4_ok(ip);
}

static enum pkt_kind
ip4_fragment(struct pkt *p, const uint8_t *ip, uint32_t end)
{
	uint16_t field = read16(ip + 6);

	if (ip[9] != IPPROTO_TCP)
		return PKT_OTHER;
	p->frag_id = read16(ip + 4);
	p->frag_off = (field & IP4_OFFSET) * 8;
	p->frag_more = (field & IP4_MF) != 0;
	p->frag_len = end - p->l4;
	if (p->cut)
		return pkt_refuse(p, DROP_ip_short);
	return fragment_is_sound(p) ? PKT_FRAGMENT : pkt_refuse(p, DROP_ip4_header);
}

enum pkt_kind
parse_ip4(struct pkt *p, const struct parse_conf *conf)
{
	const uint8_t *ip = pkt_head(p, p->l3, IP4_MIN, p->m->pkt_len);
	uint32_t header, total;
	enum pkt_kind kind;
	bool is_wrong;

	if (!ip || ip[0] >> 4 != 4)
		return pkt_refuse(p, DROP_ip4_header);
	header = (ip[0] & 0xf) * 4;
	total = read16(ip + 2);
	if (header < IP4_MIN || total < header)
		return pkt_refuse(p, DROP_ip4_header);
	if (is_short(p, p->l3 + total))
		return pkt_refuse(p, DROP_ip_short);
	ip = pkt_head(p, p->l3, header, p->l3 + total);
	if (!ip)
		return pkt_refuse(p, DROP_ip4_header);
	is_wrong = !ip4_cksum_ok(p, ip, conf);
	if (is_wrong && !(conf->excuse && ip[9] == IPPROTO_TCP))
		return pkt_refuse(p, DROP_ip4_cksum);
	read_ip4(p, ip);
	p->l4 = p->l3 + header;
	if (read16(ip + 6) & (IP4_MF | IP4_OFFSET))
		return ip4_fragment(p, ip, p->l3 + total);
	if (ip[9] == IPPROTO_TCP) {
		kind = parse_tcp(p, p->l3 + total, conf);
		return is_wrong && kind == PKT_TCP && !p->cut && !cksum_excused(p)
			       ? pkt_refuse(p, DROP_ip4_cksum)
			       : kind;
	}
	if (ip[9] == IPPROTO_ICMP)
		return parse_icmp4(p, p->l3 + total, conf);
	return PKT_OTHER;
}

static void
pass_fragment_header(struct ip6_walk *w, const uint8_t *b)
{
	uint16_t field = read16(b + 2);

	w->frag_off = field & 0xfff8;
	w->more = field & 1;
	w->frag_id = read32(b + 4);
	/* RFC 6946: an atomic fragment is a whole datagram */
	w->fragment = w->frag_off != 0 || w->more;
	w->next = b[0];
	w->off += 8;
}

static bool
is_passable(uint8_t next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS ||
	       next == IPPROTO_FRAGMENT;
}

bool
ip6_walk(struct pkt *p, struct ip6_walk *w, uint32_t end)
{
	const uint8_t *b;
	unsigned n;

	for (n = 0; is_passable(w->next) && !w->fragment; n++) {
		if (n == IP6_MAX_EXT || (w->next == IPPROTO_HOPOPTS && n > 0))
			return false;
		b = pkt_head(p, w->off, 8, end);
		if (!b)
			return false;
		if (w->next == IPPROTO_FRAGMENT) {
			pass_fragment_header(w, b);
			continue;
		}
		/* with segments left the checksum is over another destination (RFC 8200 8.1) */
		if (w->next == IPPROTO_ROUTING && b[3] != 0)
			return true;
		w->next = b[0];
		w->off += (b[1] + 1) * 8;
		if (w->off > end)
			return false;
	}
	return true;
}

static void
read_ip6(struct pkt *p, const uint8_t *ip)
{
	uint32_t first = read32(ip);

	p->is_v6 = true;
	p->df = true;
	p->tos = first >> 20 & 0xff;
	p->flow_label = first & 0xfffff;
	p->ttl = ip[7];
	p->src = ip_addr_v6(ip + 8);
	p->dst = ip_addr_v6(ip + 24);
}

static enum pkt_kind
ip6_fragment(struct pkt *p, const struct ip6_walk *w, uint32_t end)
{
	/* Extension headers in the fragmentable part are seen by the first fragment
	 * alone; such datagrams are forwarded unfollowed. */
	if (w->next != IPPROTO_TCP)
		return PKT_OTHER;
	p->frag_id = w->frag_id;
	p->frag_off = w->frag_off;
	p->frag_more = w->more;
	p->frag_len = end - w->off;
	if (p->cut)
		return pkt_refuse(p, DROP_ip_short);
	return fragment_is_sound(p) ? PKT_FRAGMENT : pkt_refuse(p, DROP_ip6_header);
}

enum pkt_kind
parse_ip6(struct pkt *p, const struct parse_conf *conf)
{
	const uint8_t *ip = pkt_head(p, p->l3, IP6_LEN, p->m->pkt_len);
	struct ip6_walk w = { .off = p->l3 + IP6_LEN };
	uint32_t end;

	if (!ip || ip[0] >> 4 != 6)
		return pkt_refuse(p, DROP_ip6_header);
	end = p->l3 + IP6_LEN + read16(ip + 4);
	if (is_short(p, end))
		return pkt_refuse(p, DROP_ip_short);
	read_ip6(p, ip);
	w.next = ip[6];
	if (!ip6_walk(p, &w, end))
		return pkt_refuse(p, DROP_ip6_header);
	if (w.off > PKT_LINEAR_MAX)
		return PKT_OTHER;
	p->l4 = w.off;
	if (w.fragment)
		return ip6_fragment(p, &w, end);
	if (w.next == IPPROTO_TCP)
		return parse_tcp(p, end, conf);
	if (w.next == IPPROTO_ICMPV6)
		return parse_icmp6(p, end, conf);
	return PKT_OTHER;
}
