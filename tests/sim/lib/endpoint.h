/*
 * endpoint.h - a TCP at an end of the wire: one connection, client or server, sans-IO.
 *
 * `plain` is the first implementation; a connection of the library is another.  Time is virtual,
 * in microseconds.  Single thread.
 */
#ifndef LEAT_SIM_ENDPOINT_H
#define LEAT_SIM_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/lib/frame.h"

enum { IDENTITY_TAGS = 3 };

/* Everything below TCP that this end writes into its frames. */
struct identity {
	uint8_t mac[6], peer_mac[6];
	unsigned n_tags;
	struct {
		uint16_t tpid, tci;
	} tag[IDENTITY_TAGS];
	bool v6;
	uint8_t addr[16], peer_addr[16];	/* IPv4: the first four bytes */
	uint16_t port, peer_port;
	uint8_t ttl, tos;			/* tos without its ECN bits */
	bool df;
	uint32_t flow_label;			/* IPv6 */
	bool pad;				/* short frames are padded to 60 bytes */
};

struct endpoint_config {
	struct identity id;
	bool client;		/* opens actively */
	bool refuse;		/* a server that does not listen */
	uint64_t seed;
	uint32_t isn;
	uint16_t mss;		/* offered; 0: no option */
	int wscale;		/* offered shift, -1: no option */
	bool timestamps, sack;
	bool ecn;		/* offered, or agreed to (RFC 3168) */
	uint32_t ts_start;	/* first TSval */
	uint32_t sndbuf, rcvbuf; /* bytes */
	int64_t delack_us;	/* 0: every segment is acknowledged at once */
	bool nagle;
	unsigned
		urgent_every; /* each so many'th write ends urgent data (RFC 9293 3.8.5); 0: none */
	unsigned gso_segs;	/* > 1: emits super-segments of so many, checksum not computed */
	int64_t keepalive_us;	/* idle time before probes, 0: none */
	int64_t timewait_us;
};

enum endpoint_state {
	EP_OPENING,
	EP_OPEN,		/* from established until both directions are done */
	EP_CLOSED,		/* in order; TIME-WAIT counts as this */
	EP_REFUSED,		/* RST in answer to the SYN */
	EP_RESET,		/* RST from the peer */
	EP_ABORTED,		/* by abort() */
};

struct endpoint_status {
	enum endpoint_state state;
	bool eof;		/* the peer's FIN has been reached by read() */
	bool fin_acked;		/* our FIN, hence every byte of ours, has been acknowledged */
	uint64_t acked;		/* bytes of ours acknowledged */
	uint64_t retransmits;	/* segments */
};

struct audit;

struct endpoint_ops {
	const char *name;

	/* `emit` takes its frame. */
	void *(*create)(const struct endpoint_config *cfg, void (*emit)(void *ctx, struct frame *f),
			void *ctx);

	void (*open)(void *ep, int64_t now_us);		/* connect, or listen */

	/* How many bytes were taken; 0 when there is no room, before open and after shutdown. */
	size_t (*write)(void *ep, const uint8_t *bytes, size_t len, int64_t now_us);

	/* How many bytes were given; 0 when there are none. */
	size_t (*read)(void *ep, uint8_t *bytes, size_t len, int64_t now_us);

	void (*shutdown)(void *ep, int64_t now_us);	/* FIN after what is queued */
	void (*abort)(void *ep, int64_t now_us);	/* RST */
	void (*input)(void *ep, const struct frame *f, int64_t now_us);
	int64_t (*next_timer)(void *ep);		/* INT64_MAX: none */
	void (*run)(void *ep, int64_t now_us);		/* timers due, and end of a burst */
	void (*status)(void *ep, struct endpoint_status *st);
	void (*audit)(void *ep, const struct audit *a);	/* as a box's; NULL: no books */
	unsigned (*destroy)(void *ep);			/* returns buffers that never came back */
};

extern const struct endpoint_ops plain_endpoint;

#endif
