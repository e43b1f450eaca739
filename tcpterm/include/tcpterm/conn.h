/*
 * conn.h - connections that end in this stack: accepted, or opened actively.
 *
 * A connection is a flow of kind TCPTERM_KIND_CONN, in its stack's thread.  Every call
 * is non-blocking; events come from tcpterm_input() and tcpterm_run().
 *
 * Time: but for tcpterm_connect() no call here is told it, and none reads a clock.  A call only
 * notes what is wanted; what that sends, and the timers that it starts, are of the next
 * tcpterm_run(), and count from its `now`.  Who calls outside of events runs the stack soon after.
 * The RST of tcpterm_abort() leaves at once: it carries no time.
 */
#ifndef TCPTERM_CONN_H
#define TCPTERM_CONN_H

#include <sys/types.h>

#include <tcpterm/stack.h>

struct tcpterm_conn_ops {
	void (*established)(void *ctx, struct flow *f);
	void (*readable)(void *ctx, struct flow *f);	/* bytes, or the end of them, to read */
	void (*writable)(void *ctx, struct flow *f);	/* room again after a short write */
	void (*urgent)(void *ctx, struct flow *f);	/* urgent data, see tcpterm_urgent() */
	/* The last call for f: tcpterm_error() says more, and what was received in order may
	 * still be read. */
	void (*closed)(void *ctx, struct flow *f, enum tcpterm_end why);
	/* A router or the peer's host said by ICMP what is wrong: tcpterm_error() has it. The
	 * connection goes on (RFC 9293 3.9.1.8, MUST-47, MUST-56). */
	void (*error)(void *ctx, struct flow *f);
	/* R1 is reached: what was sent is lost again and again, another way to the peer may be
	 * worth a try (RFC 9293 3.8.3, MUST-20). */
	void (*advice)(void *ctx, struct flow *f);
};

/* For all connections that end in the stack, those that a listener accepts and those opened. */
void tcpterm_set_conn_ops(struct tcpterm *s, const struct tcpterm_conn_ops *ops, void *ctx);

/*
 * Sends a SYN with exactly this identity.  0 and *f (in SYN-SENT); -EADDRINUSE when the
 * tuple is taken, or all of the free ports; -ENOMEM; -ENETUNREACH, -EADDRNOTAVAIL: no host speaks
 * at the remote, or local, address (broadcast, multicast, unspecified, loopback: RFC 9293 3.9.2.3,
 * MUST-46).  A port left to the stack is a dynamic one (RFC 6056) by which the answers come to this
 * stack; -EXDEV: by the one given they would come to another (tcpterm_conf.n_stacks).  The stack's
 * flow_new is called before the SYN leaves: the place for settings that concern it.
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
 * On an error it stays the caller's; -EAGAIN (full) is followed by `writable`, -EMSGSIZE: it has
 * 4 MB or more.
 */
struct rte_mbuf *tcpterm_take(struct tcpterm *s, struct flow *f);
int tcpterm_give(struct tcpterm *s, struct flow *f, struct rte_mbuf *m);

/*
 * Urgent data (RFC 9293 3.8.5).  They stay in their place in the stream (RFC 6093 4); the mark is
 * where they end.  New uses are discouraged (RFC 6093 5): this serves those that exist.
 */

/* As tcpterm_write(); the mark is behind the last byte, once that was taken: what is returned is
 * `len` then. */
ssize_t tcpterm_write_urgent(struct tcpterm *s, struct flow *f, const void *buf, size_t len);

/* Bytes to be read up to the mark, whether they have come or not; 0: nothing is urgent. */
int64_t tcpterm_urgent(const struct flow *f);

/* The byte before the mark, which elsewhere is taken out of band; it is read in its place again.
 * 0; -EINVAL: nothing is urgent, -EAGAIN: it has not come. */
int tcpterm_peek_urgent(struct flow *f, uint8_t *byte);

/* No more to send: a FIN follows the last byte.  The other direction goes on. */
int tcpterm_shutdown(struct tcpterm *s, struct flow *f);

/* No more will be read: once we have sent FIN too, data that still comes is answered with a RST,
 * as after tcpterm_close(). */
void tcpterm_shutdown_read(struct flow *f);

/*
 * The caller is done with the connection: `f` is no longer its own, and no more is told of it.
 * What was written is still sent, with a FIN behind it, for as long as the peer takes of it; in
 * FIN-WAIT-2 it waits for tcpterm_set_fin_wait().  If received bytes are unread, or new ones come,
 * a RST says that they are lost (RFC 9293 3.6.1); a connection in SYN-SENT is just dropped.
 */
void tcpterm_close(struct tcpterm *s, struct flow *f);

/* RST, and the flow is gone. */
void tcpterm_abort(struct tcpterm *s, struct flow *f);

/*
 * Why the connection ended, in `closed`; before that the latest ICMP error about it; else 0.
 * ECONNRESET; EPIPE (reset after the peer's FIN was taken); ECONNREFUSED; ETIMEDOUT
 * (retransmissions, probes, keepalives or the user timeout); or what the network said:
 * EHOSTUNREACH, ENETUNREACH ...
 */
int tcpterm_error(const struct flow *f);

/* --- settings of one connection; at any time, and in flow_new for all that it sends --- */

/*
 * Congestion control, pacing, ECN, the largest segment.  In flow_new it holds for the SYN too.
 * Later `mss` and `no_ecn` only lessen what is sent; another `cc` goes on from the present window.
 */
void tcpterm_set_tuning(struct flow *f, const struct tcpterm_tuning *tuning);

void tcpterm_set_nodelay(struct flow *f, bool on);	/* Nagle off (RFC 9293 3.7.4) */

/* Acknowledge at once, for a while; or as late as allowed from now on (RFC 9293 3.8.6.3). */
void tcpterm_set_quickack(struct flow *f, bool on);

/* TTL or hop limit of all that is sent; 64 if nobody says otherwise (RFC 9293 3.9.2, MUST-49). */
void tcpterm_set_ttl(struct flow *f, uint8_t ttl);

/* The differentiated services field; ECN's two bits are not taken (MUST-48, SHLD-22). */
void tcpterm_set_tos(struct flow *f, uint8_t tos);

/* IPv4: may routers fragment what is sent? They may not, if nobody says otherwise. */
void tcpterm_set_df(struct flow *f, bool on);

/* Bytes of the receive buffer, which then no longer grows, and of the send buffer; 0 leaves it. */
void tcpterm_set_buffers(struct flow *f, uint32_t receive, uint32_t send);

struct tcpterm_keepalive {
	uint16_t idle_s;	/* silence before the first probe; 0: 7,200 (MUST-28) */
	uint16_t interval_s;	/* between probes; 0: 75 */
	uint8_t n_probes;	/* as many without an answer end the connection; 0: 9 */
};

/* RFC 9293 3.8.4; NULL: off, as it is if nobody says otherwise (MUST-25). */
void tcpterm_set_keepalive(struct flow *f, const struct tcpterm_keepalive *k);

/*
 * Milliseconds that what was written may stay unacknowledged, whether the peer is silent or its
 * window shut, before the connection is given up (RFC 9293 3.9.1.1); keepalives give up by it too,
 * in place of their count.  0: only R2.  The option of RFC 5482 is not used.
 */
void tcpterm_set_user_timeout(struct flow *f, uint32_t ms);

/*
 * Retransmissions in a row before `advice` (R1), and before the end (R2); of a SYN before the end
 * (RFC 9293 3.8.3, MUST-21).  0: 3; 15, which takes above 900 s; 7, which takes 247 s.
 */
void tcpterm_set_retries(struct flow *f, uint8_t r1, uint8_t r2, uint8_t n_syn);

/* Seconds that a closed connection waits in FIN-WAIT-2; 0: 60. */
void tcpterm_set_fin_wait(struct flow *f, uint16_t seconds);

/* tcpterm_close() is tcpterm_abort(). */
void tcpterm_set_linger(struct flow *f, bool reset);

/* `error` is called, as it is if nobody says otherwise, or not (RFC 9293 3.9.1.8, SHLD-20). */
void tcpterm_set_error_reports(struct flow *f, bool on);

#endif
