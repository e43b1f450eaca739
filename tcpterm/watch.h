/*
 * watch.h - a connection that was terminated by a stack which is gone: did that one take bytes with
 * it that it had acknowledged?
 *
 * Then their receiver expects a number below all that their sender still has, and says so with
 * every ACK, while the sender's segments all lie above: nobody can supply them, and only a
 * reset ends it.  Where the sender is seen to have what the receiver expects, or to have sent no
 * more than that, the direction is whole.  Both ends are asked, by segments that every TCP answers
 * (RFC 9293 3.8.4, 3.10.7.4) and no application sees, because who waits says nothing by itself.
 *
 * Belongs to a tracked flow (track.h); stack's thread.
 */
#ifndef TCPTERM_WATCH_H
#define TCPTERM_WATCH_H

#include "tcpterm/core.h"
#include "tcpterm/seq.h"

/* What one end said of itself, by its latest segments. */
struct watch_end {
	bool spoke;
	bool has_ts;
	bool sent;		/* bytes: `low` */
	seq_t low;		/* the lowest number of them */
	seq_t nxt;		/* beyond the highest number that it sent */
	seq_t expects;		/* the other end's next */
	uint16_t window;	/* as the field says */
	uint32_t tsval, tsecr;
};

/* One direction: end d sends, the other receives. */
struct watch_way {
	bool whole;		/* nothing is missing */
	bool asks;		/* the receiver expects more, and has room: since `since` */
	uint8_t n_asks;		/* ACKs of that number */
	uint8_t n_above;	/* segments of the sender since, all above it */
	bool was_shut;		/* it offered no window: at `shut` */
	bool beyond;		/* the sender has sent more than was ever offered there */
	seq_t shut;
	usec_t since;
};

struct watch {
	struct watch_end end[2];
	struct watch_way way[2];
	usec_t repeats_until;	/* before, a sender's silence proves nothing */
	usec_t probe_at;	/* USEC_NEVER: they have been asked enough */
	uint8_t n_probes;
	uint32_t index;		/* in the stack's slab */
};

/* NULL: no room, and the flow is only followed. */
struct watch *watch_new(struct tcpterm *s, usec_t repeats_until);
void watch_free(struct tcpterm *s, struct watch *w);

/* A segment of end `dir` that fits the connection, no SYN and no RST. */
void watch_segment(struct tcpterm *s, struct watch *w, const struct pkt *p, unsigned dir);

/* Bytes are missing for good. */
bool watch_lost(const struct tcpterm *s, const struct watch *w);

/* Nothing is missing either way: there is nothing more to watch for. */
bool watch_whole(const struct watch *w);

/* It is time: asks both ends. */
void watch_probe(struct tcpterm *s, struct watch *w, const struct flow *f);

#endif
