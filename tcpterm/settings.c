/*
 * What the caller may choose for one connection, beside what alive.c and close.c have.
 */
#include "tcpterm/endpoint.h"

enum { QUICK_ACKS = 16 };

static struct conn *
conn_of(struct flow *f)
{
	return &endpoint_of(f)->c;
}

void
tcpterm_set_tuning(struct flow *f, const struct tcpterm_tuning *tuning)
{
	struct conn *c = conn_of(f);

	c->tuning = *tuning;
	if (c->state < TCPTERM_ESTABLISHED)
		return;		/* the handshake takes the rest up */
	open_tuned(c);
	if (c->cc.ops != cc_choice(c))
		cc_switch(c, cc_choice(c));
	tcb_pend(c);
}

void
tcpterm_set_nodelay(struct flow *f, bool on)
{
	conn_of(f)->nodelay = on;
	tcb_pend(conn_of(f));	/* what Nagle holds back may leave */
}

void
tcpterm_set_quickack(struct flow *f, bool on)
{
	receive_quick(conn_of(f), on ? QUICK_ACKS : 0);
}

void
tcpterm_set_ttl(struct flow *f, uint8_t ttl)
{
	conn_of(f)->ttl = ttl;
}

void
tcpterm_set_tos(struct flow *f, uint8_t tos)
{
	conn_of(f)->tos = tos & 0xfc;
}

void
tcpterm_set_df(struct flow *f, bool on)
{
	conn_of(f)->df = on;
}

void
tcpterm_set_buffers(struct flow *f, uint32_t receive, uint32_t send)
{
	if (receive)
		receive_fix(conn_of(f), receive);
	if (send)
		endpoint_of(f)->send_buffer = send;
}
