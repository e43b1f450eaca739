/*
 * The caller ends a connection: half of it, in good order, or at once (RFC 9293 3.6, 3.10.4,
 * 3.10.5).
 */
#include <errno.h>

#include "tcpterm/endpoint.h"

int
tcpterm_shutdown(struct tcpterm *s, struct flow *f)
{
	struct endpoint *e = endpoint_of(f);
	int rc = endpoint_may_write(f);

	(void)s;
	if (rc != 0)
		return rc;
	e->tx.fin = true;
	tcb_pend(&e->c);
	return 0;
}

void
tcpterm_shutdown_read(struct flow *f)
{
	endpoint_of(f)->no_read = true;
}

void
tcpterm_abort(struct tcpterm *s, struct flow *f)
{
	struct endpoint *e = endpoint_of(f);

	if (e->c.state >= TCPTERM_SYN_RECEIVED && e->c.state != TCPTERM_TIME_WAIT)
		send_reset(&e->c);
	endpoint_end(s, f, TCPTERM_END_ABORTED);
}

void
tcpterm_close(struct tcpterm *s, struct flow *f)
{
	struct endpoint *e = endpoint_of(f);

	/* RFC 9293 3.6.1: who has not read all says by RST that some of it was lost (SHLD-3), and
	 * 3.10.4: what was never open is deleted. */
	if (e->linger0 || e->c.state == TCPTERM_SYN_SENT || stream_len(&e->rx) > 0) {
		tcpterm_abort(s, f);
		return;
	}
	e->orphan = e->no_read = true;
	e->tx.fin = true;
	tcb_pend(&e->c);
}

void
tcpterm_set_linger(struct flow *f, bool reset)
{
	endpoint_of(f)->linger0 = reset;
}
