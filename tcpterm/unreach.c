/*
 * What routers and hosts say by ICMP of a connection that ends here.
 *
 * RFC 9293 3.9.2.2 lets hard errors abort a connection (SHLD-26). Once it is established none
 * does here, for anybody on the network may send them: RFC 5927 5.2 and 5461 2 treat all of them as
 * soft, as Linux does.  Before that hard ones do, and soft ones if the stack is configured so
 * (RFC 5461 4.1). All must quote a number that is in flight (RFC 5927 4.1).
 */
#include <errno.h>

#include "tcpterm/endpoint.h"

enum {
	ICMP4_UNREACHABLE = 3,
	ICMP4_SOURCE_QUENCH = 4,
	ICMP4_TIME_EXCEEDED = 11,
	ICMP4_PARAMETER = 12,
	ICMP6_UNREACHABLE = 1,
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_PARAMETER = 4,
};

struct meaning {
	uint8_t error;
	bool hard;
};

/* RFC 1122 3.2.2.1, 4.2.3.9: by code of a destination unreachable. */
static const struct meaning unreachable4[] = {
	{ ENETUNREACH, false },	 { EHOSTUNREACH, false }, { ENOPROTOOPT, true },
	{ ECONNREFUSED, true },	 { EMSGSIZE, false },	  { EOPNOTSUPP, false },
	{ ENETUNREACH, true },	 { EHOSTDOWN, true },	  { ENONET, true },
	{ ENETUNREACH, true },	 { EHOSTUNREACH, true },  { ENETUNREACH, false },
	{ EHOSTUNREACH, false }, { EHOSTUNREACH, true },  { EHOSTUNREACH, true },
	{ EHOSTUNREACH, true },
};

/* RFC 4443 3.1. */
static const struct meaning unreachable6[] = {
	{ ENETUNREACH, false }, { EACCES, true }, { EHOSTUNREACH, false }, { EHOSTUNREACH, false },
	{ ECONNREFUSED, true }, { EACCES, true }, { EACCES, true },
};

static struct meaning
by_code(const struct meaning *m, size_t n, uint8_t code)
{
	return code < n ? m[code] : (struct meaning){ EHOSTUNREACH, false };
}

#define BY_CODE(table, code) by_code(table, sizeof(table) / sizeof(table)[0], code)

/* An error of 0: it says nothing, as source quench (RFC 6633, MUST-55). */
static struct meaning
meaning_of(const struct pkt *p)
{
	uint8_t type = p->icmp_type;

	if (type == (p->is_v6 ? ICMP6_UNREACHABLE : ICMP4_UNREACHABLE))
		return p->is_v6 ? BY_CODE(unreachable6, p->icmp_code)
				: BY_CODE(unreachable4, p->icmp_code);
	if (type == (p->is_v6 ? ICMP6_TIME_EXCEEDED : ICMP4_TIME_EXCEEDED))
		return (struct meaning){ EHOSTUNREACH, false };
	if (type == (p->is_v6 ? ICMP6_PARAMETER : ICMP4_PARAMETER))
		return (struct meaning){ EPROTO, false };
	return (struct meaning){ 0, false };
}

/* Is the quoted number one of what is in flight? */
static bool
in_flight(const struct conn *c, uint32_t number)
{
	int64_t off = seq_offset(seq(number), c->iss, c->una);

	return off >= c->una && off < RTE_MAX(c->nxt, c->una + 1) &&
	       (c->una < c->nxt || c->state < TCPTERM_ESTABLISHED);
}

void
endpoint_icmp(struct tcpterm *s, struct flow *f, const struct pkt *p)
{
	struct endpoint *e = endpoint_of(f);
	struct meaning m = meaning_of(p);

	if (pmtu_icmp(&e->c, p) || m.error == 0 || m.error == EMSGSIZE)
		return;
	if (!in_flight(&e->c, p->seq)) {
		s->stats.icmp_unverified++;
		return;
	}
	if (e->c.state < TCPTERM_ESTABLISHED && (m.hard || s->conf.soft_errors_end_opens)) {
		endpoint_fail(s, f, TCPTERM_END_REFUSED, m.error);
		return;
	}
	e->soft = m.error;
	e->unreported = !e->no_reports;
	tcb_pend(&e->c);
}

int
tcpterm_error(const struct flow *f)
{
	const struct endpoint *e = endpoint_of(f);

	return e->error ? e->error : e->soft;
}

void
tcpterm_set_error_reports(struct flow *f, bool on)
{
	endpoint_of(f)->no_reports = !on;
}

bool
address_speaks(const struct ip_addr *a)
{
	static const struct ip_addr none, loopback = { .b = { [15] = 1 } };

	if (ip_addr_is_v4(a))
		return a->b[12] != 0 && a->b[12] != 127 && a->b[12] < 224;
	return a->b[0] != 0xff && memcmp(a, &none, sizeof none) != 0 &&
	       memcmp(a, &loopback, sizeof loopback) != 0;
}
