/*
 * Active opens: an identity becomes a connection, with a port of its own if it has none.
 */
#include <errno.h>

#include "tcpterm/endpoint.h"
#include "tcpterm/siphash.h"

/* The dynamic ports (RFC 6335 6, RFC 6056 3.2), as Linux has them. */
enum { PORT_FIRST = 32768, N_PORTS = 28232 };

static bool
comes_to_us(const struct tcpterm *s, uint32_t hash)
{
	return s->conf.n_stacks < 2 || hash % s->conf.n_stacks == s->conf.stack;
}

/* RFC 9293 3.6.1: TIME-WAIT holds it, too. */
static bool
taken(struct tcpterm *s, const struct flow_key *k)
{
	return tcpterm_find(s, k) || timewait_holds(s, k);
}

/* RFC 6056 3.3.3: each destination has a start of its own that nobody can foretell, from which
 * ports are counted on. */
static uint32_t
first_try(struct tcpterm *s, const struct flow_key *portless)
{
	uint64_t words[sizeof *portless / 8];

	memcpy(words, portless, sizeof words);
	return (uint32_t)siphash(s->conf.secret, words, RTE_DIM(words)) + s->next_port++;
}

/* 0, and the packet and its key have a port that is free; -EADDRINUSE. */
static int
choose_port(struct tcpterm *s, struct pkt *p, struct flow_key *k)
{
	uint32_t first = first_try(s, k);

	for (uint32_t tries = 0; tries < N_PORTS; tries++) {
		p->sport = k->port[0] = (uint16_t)(PORT_FIRST + (first + tries) % N_PORTS);
		if (comes_to_us(s, core_hash(p)) && !taken(s, k))
			return 0;
	}
	return -EADDRINUSE;
}

/* What the answers' frames would say, the other way round. */
static struct pkt
packet_of(const struct tcpterm_identity *id)
{
	struct pkt p = {
		.domain = id->domain,
		.side = id->side,
		.src = id->local,
		.dst = id->remote,
		.sport = id->local_port,
		.dport = id->remote_port,
		.n_tags = id->l2.n_tags,
	};

	for (unsigned i = 0; i < p.n_tags; i++) {
		p.tag[i] = id->l2.tag[i];
		p.n_key_tags += vlan_vid(p.tag[i]) != 0;
	}
	return p;
}

static int
find_room(struct tcpterm *s, struct pkt *p, struct flow_key *k)
{
	if (!core_key(s, p, true, k))
		return -ENOMEM;
	if (p->sport == 0)
		return choose_port(s, p, k);
	if (!comes_to_us(s, core_hash(p)))
		return -EXDEV;
	return taken(s, k) ? -EADDRINUSE : 0;
}

int
tcpterm_connect(struct tcpterm *s, const struct tcpterm_identity *id, uint64_t cookie, usec_t now,
		struct flow **f)
{
	struct pkt p = packet_of(id);
	struct endpoint *e;
	struct flow_key k;
	int rc;

	s->now = now;
	if (!address_speaks(&id->remote))	/* RFC 9293 3.9.2.3, MUST-46 */
		return -ENETUNREACH;
	if (!address_speaks(&id->local))
		return -EADDRNOTAVAIL;
	rc = find_room(s, &p, &k);
	if (rc != 0)
		return rc;
	p.hash = core_hash(&p);
	e = endpoint_new(s, &p);
	if (!e)
		return -ENOMEM;
	if (!l2_from(s->l2s, &e->f->l2[0], &id->l2, id->side)) {
		flow_destroy(s, e->f, TCPTERM_END_ABORTED);
		return -ENOMEM;
	}
	e->f->l2[1].side = id->side & 1;
	e->f->seen = 1;
	e->f->cookie = cookie;
	endpoint_init(s, e, 1);
	e->c.ttl = id->ttl ? id->ttl : 64;
	e->c.tos = id->tos;
	flow_announce(s, e->f);
	open_active(&e->c);
	endpoint_arm(s, e);
	*f = e->f;
	return 0;
}
