/*
 * conn.h - connections that end in this stack: accepted, or opened actively.
 *
 * A connection is a flow of kind TCPTERM_KIND_CONN, in its stack's thread.  Every call
 * is non-blocking; events come from tcpterm_input() and tcpterm_run().
 */
#ifndef TCPTERM_CONN_H
#define TCPTERM_CONN_H

#include <sys/types.h>

#include <tcpterm/stack.h>

struct tcpterm_conn_ops {
	void (*established)(void *ctx, struct flow *f);
	void (*readable)(void *ctx, struct flow *f);	/* bytes, or the end of them, to read */
	void (*writable)(void *ctx, struct flow *f);	/* room again after a short write */
	/* The last call for f. */
	void (*closed)(void *ctx, struct flow *f, enum tcpterm_end why);
};

/* For every connection that a listener accepts, until tcpterm_conn_set_ops(). */
void tcpterm_set_conn_ops(struct tcpterm *s, const struct tcpterm_conn_ops *ops, void *ctx);

/*
 * Sends a SYN with exactly this identity.  0 and *f (in SYN-SENT); -EADDRINUSE when the
 * tuple is taken, -ENOMEM.
 */
int tcpterm_connect(struct tcpterm *s, const struct tcpterm_identity *id, uint64_t cookie,
		    usec_t now, struct flow **f);

/*
 * Copies out up to `len` bytes; 0: all of them were read, and the peer has sent FIN; -EAGAIN:
 * nothing yet; -ENOTCONN.  A `len` of 0 asks whether the end is reached.
 */
ssize_t tcpterm_read(struct tcpterm *s, struct flow *f, void *buf, size_t len);

/* Copies in up to `len` bytes; how many were taken, -EAGAIN (full), -EPIPE (after shutdown). */
ssize_t tcpterm_write(struct tcpterm *s, struct flow *f, const void *buf, size_t len);

/*
 * The same without a copy: takes the next in-order piece as an mbuf whose data is exactly
 * the payload (the caller's now), NULL when there is none; gives an mbuf whose data is payload.
 * On an error it stays the caller's; -EAGAIN (full) is followed by `writable`.
 */
struct rte_mbuf *tcpterm_take(struct tcpterm *s, struct flow *f);
int tcpterm_give(struct tcpterm *s, struct flow *f, struct rte_mbuf *m);

/* No more to send: a FIN follows the last byte.  The other direction goes on. */
int tcpterm_shutdown(struct tcpterm *s, struct flow *f);

/* RST, and the flow is gone. */
void tcpterm_abort(struct tcpterm *s, struct flow *f);

/* Settings of one connection. */
void tcpterm_set_nodelay(struct flow *f, bool on);	/* Nagle off (RFC 9293 3.7.4) */

#endif
