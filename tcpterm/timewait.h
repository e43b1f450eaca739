/*
 * timewait.h - what is left of a connection that closed in good order, or of a passive pair.
 *
 * It is no flow any more: its end was announced, and it only answers old segments until 2 MSL have
 * passed, or a new connection takes its place (RFC 9293 3.6.1, RFC 6191).  A pair's remains answer
 * nothing: they tell what still comes of it (a FIN whose ACKs are lost comes again and again) from
 * a new flow, until none has come for as long.  The remains have a table of their own, asked after
 * that of the flows: 48 bytes each, of either family, with their bucket.
 * That is too little for a key, so they are known by a keyed hash of it, and by the ports: of 2^22
 * remains one is taken for another's once in 2^58 questions, and nobody can choose which.
 *
 * Places are given out in a ring, so the oldest are known; where there are n_max the oldest goes.
 * Belongs to a stack and its thread; only timewait.c and timewait_store.c write these structs.
 */
#ifndef TCPTERM_TIMEWAIT_H
#define TCPTERM_TIMEWAIT_H

#include <tcpterm/flow.h>

#include "tcpterm/seq.h"

struct tcpterm;
struct relay;
struct conn;
struct pair;

#define TIMEWAIT_US (60LL * 1000 * 1000)	/* 2 MSL, as Linux's */

enum timewait_sort {
	TIMEWAIT_RELAY,		/* both ends are answered, as by each other */
	TIMEWAIT_TRANSLATED,	/* likewise; the responder's numbers are not those it is known by */
	TIMEWAIT_CONN_0,	/* one of ours; end 0, the initiator, is the peer */
	TIMEWAIT_CONN_1,
	TIMEWAIT_PAIR,		/* passive, on the path: its frames go on */
	TIMEWAIT_COPY,		/* passive, off it: they are swallowed */
};

/* End 0 is the initiator.  Where an end is ours, ts[] of it is what our clock is ahead by. */
struct timewait {
	uint32_t next;		/* of its bucket: place + 1; 0 none; UINT32_MAX: in no bucket */
	uint32_t id[2];		/* the keyed hash, symmetric */
	uint32_t seq[2];	/* what comes next in end d's stream; a pair's: its ISN */
	uint32_t ts[2];		/* the newest timestamp of end d */
	union {
		struct {
			uint8_t ttl[2], tos[2];	/* of answers to end d */
		};
		uint32_t seq_shown;	/* translated: seq[1] as the initiator knows it */
	};
	uint16_t ports;		/* their sum */
	uint16_t due;		/* the end of 2 MSL, in units of 2^14 us */
	uint32_t label_0 : 20, label_1 : 20;	/* flow labels of answers */
	uint32_t sort : 3;	/* enum timewait_sort */
	uint32_t df_0 : 1, df_1 : 1;
	uint32_t ts_on : 1;
	uint32_t reversed : 1;	/* the initiator is the end that comes second in the hash */
	uint32_t again : 1;	/* its 2 MSL began again after it got its place in the ring */
};

enum { TIMEWAIT_BYTES = sizeof(struct timewait) + sizeof(uint32_t) };	/* with its bucket */

_Static_assert(TIMEWAIT_BYTES <= 48, "what a flow leaves is small");

/* A new connection takes the place of an old one: its ISN is above this (RFC 9293 3.6.1). */
struct timewait_floor {
	bool is_set;
	seq_t sent;
};

struct timewaits {
	struct timewait *slots;	/* n_max of them, touched as they are first needed */
	uint32_t *buckets;	/* n_max: place + 1 of the first */
	uint64_t *used;		/* a bit a bucket: most are asked for what they have not */
	uint32_t n_max, n, n_peak;
	uint32_t tail, span;	/* the oldest place in use, and how many from there on */
	usec_t ran_at;		/* when what is over was forgotten last, or the first came */
	struct timewait_floor floor;	/* of what is being begun now */
};

/* --- timewait_store.c --- */

/* 0, -ENOMEM. */
int timewaits_init(struct timewaits *t, uint32_t n_max);
void timewaits_fini(struct timewaits *t);

/* Who a flow is: the same for both of its directions. */
struct timewait_id {
	uint32_t id[2];
	uint16_t ports;
	bool reversed;		/* addr[0] comes second */
};

/* Of `k`; its bucket is on the way to the cache. */
struct timewait_id timewait_id(const struct tcpterm *s, const struct flow_key *k);

/* Room for what is left of that flow; the oldest gives its own.  All but id, sort and due is
 * zero. */
struct timewait *timewait_add(struct tcpterm *s, const struct timewait_id *who,
			      enum timewait_sort sort);

/* A passive pair's? */
static inline bool
timewait_is_pair(const struct timewait *w)
{
	return w->sort == TIMEWAIT_PAIR || w->sort == TIMEWAIT_COPY;
}

/* What is left of the connection from `k`->addr[0] to addr[1], or back; NULL.  The key's own VIDs
 * are not looked at, but `vid`. */
struct timewait *timewait_find(struct tcpterm *s, const struct flow_key *k, const uint16_t *vid,
			       unsigned n, bool *reversed);
void timewait_remove(struct tcpterm *s, struct timewait *w);

/* The 2 MSL begin again; or they began at `since`. */
void timewait_restart(struct tcpterm *s, struct timewait *w);
void timewait_since(struct timewait *w, usec_t since);

/* Forgets what is over, a bounded number in a turn; when there is more to forget. */
void timewait_run(struct tcpterm *s);
usec_t timewait_next(const struct tcpterm *s);

/* --- timewait.c --- */

/* The flow has ended: flow_end is called now, its numbers stay for 2 MSL. */
void timewait_start(struct tcpterm *s, struct relay *r);

/* The same for a connection of the library's. */
void timewait_start_conn(struct tcpterm *s, struct flow *f, const struct conn *c);

/* The same for a passive pair, which holds nothing any more; of one that was silent for as long
 * nothing is left. */
void timewait_start_pair(struct tcpterm *s, struct pair *x);

/* A segment of no flow.  True: it was for what is left of one, and p->m is taken. */
bool timewait_input(struct tcpterm *s, struct pkt *p);

/* Is a connection of this key in TIME-WAIT? */
bool timewait_holds(struct tcpterm *s, const struct flow_key *k);

/* What is begun from now on takes the place of something whose numbers were these. */
void timewait_set_floor(struct tcpterm *s, struct timewait_floor floor);

/* A number for a connection that takes the place of an old one: above what that one sent. */
seq_t timewait_isn(struct tcpterm *s, seq_t isn);

#endif
