/* parse_tcp.c - the TCP header (RFC 9293 3.1). */
#include "datapath/checksum.h"
#include "datapath/parse_step.h"

enum { TCP_MIN = 20 };

static bool
cksum_is_wrong(struct pkt *p, const struct parse_conf *conf)
{
	uint64_t rx = p->m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

	if (conf->trust && !p->cut && rx == RTE_MBUF_F_RX_L4_CKSUM_UNKNOWN)
		cksum_tcp_believe(p);
	if (conf->trust || p->cut || rx == RTE_MBUF_F_RX_L4_CKSUM_GOOD ||
	    rx == RTE_MBUF_F_RX_L4_CKSUM_NONE)
		return false;
	return !cksum_tcp_ok(p) && !(conf->excuse && cksum_excused(p));
}

enum pkt_kind
parse_tcp(struct pkt *p, uint32_t end, const struct parse_conf *conf)
{
	const uint8_t *th = pkt_head(p, p->l4, TCP_MIN, end);
	unsigned header;

	if (!th)
		return pkt_refuse(p, DROP_tcp_header);
	header = (th[12] >> 4) * 4;
	if (header < TCP_MIN)
		return pkt_refuse(p, DROP_tcp_header);
	th = pkt_head(p, p->l4, header, end);
	if (!th)
		return pkt_refuse(p, DROP_tcp_header);
	pkt_read_tcp(p, th);
	p->opt_len = header - TCP_MIN;
	p->payload = p->l4 + header;
	p->payload_len = end - p->payload;
	if (cksum_is_wrong(p, conf)) {
		p->cksum_bad = true;
		p->refusal = DROP_tcp_cksum;
	} else if (tcp_flags_are_absurd(p->flags)) {
		return pkt_refuse(p, DROP_tcp_flags);
	}
	return PKT_TCP;
}
