/*
 * Path MTU from ICMP, believed only where the quote is of bytes in flight
 * (RFC 1191, 8201, 5927 7).
 */
#include "tcpterm/tcb.h"

enum {
	ICMP4_UNREACHABLE = 3,
	ICMP4_FRAG_NEEDED = 4,
	ICMP6_TOO_BIG = 2,
	/* Nobody on a path that carries TCP needs less; below it a forger is at work. */
	PMTU_MIN_V4 = 552,
	PMTU_MIN_V6 = 1280,
};

static bool
too_big(const struct pkt *p)
{
	if (p->is_v6)
		return p->icmp_type == ICMP6_TOO_BIG;
	return p->icmp_type == ICMP4_UNREACHABLE && p->icmp_code == ICMP4_FRAG_NEEDED;
}

bool
pmtu_icmp(struct conn *c, const struct pkt *p)
{
	int64_t off = seq_offset(seq(p->seq), c->iss, c->una);
	uint32_t mtu = RTE_MAX(p->icmp_mtu, p->is_v6 ? (uint32_t)PMTU_MIN_V6 : PMTU_MIN_V4);
	uint16_t mss;

	if (!too_big(p) || off < c->una || off >= c->nxt)
		return false;
	mss = tcb_mss_for(c, (uint16_t)RTE_MIN(mtu, 65535u));
	if (mss < c->mss) {
		c->mss = mss;
		sent_lose_head(c);
		tcb_pend(c);
	}
	return true;
}
