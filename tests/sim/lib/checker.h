/*
 * checker.h - the judge on the wire: it watches both legs and has an opinion about every segment.
 *
 * It is told of each frame twice, when it is sent and when it arrives, so it knows what each
 * speaker could know.  It shares no code with what it judges.  Owned by the run; single thread.
 *
 * The rules, by the names under which a breach is reported:
 *   checksum          a segment that does not hold together, or an altered copy of one
 *   corrupt-forwarded a bad TCP checksum passed on within a terminated flow
 *   identity          MACs, tags with TPID and PCP, TTL, TOS, DF, flow label of the end
 *   bytes             a payload byte that is not the stream's at that sequence number
 *   unreceived        the box sends what it has not received (numbers are preserved)
 *   beyond-window     beyond the right edge the peer offered, but for a probe of one (RFC 9293
 *                     §3.8.6.1)
 *   beyond-stream     beyond the last byte of the stream
 *   window-shrunk     a right edge that moved left by a unit of the window field or more: what
 *                     less the rounding takes is allowed (RFC 7323 2.4)
 *   ack-unreceived    an acknowledgment of what has not arrived on that leg
 *   ack-back          an acknowledgment below an earlier one
 *   mss               payload and options above the peer's MSS (RFC 6691)
 *   mtu               an IP packet above the port's MTU
 *   ts-presence       timestamps not as agreed (RFC 7323 §3.2)
 *   tsval-back        TSval that decreases
 *   tsval-invented    TSval that the impersonated end has not sent
 *   tsecr-invented    TSecr that the peer has not sent
 *   sack              a block of what has not arrived, or SACK without agreement
 *   ecn               marks without agreement, on what may not have them, of another leg, or a
 *                     mark that is not echoed (RFC 3168 6.1)
 *   urgent            a mark of urgent data that the end has not made, or its byte without it
 *   syn-invented      SYN or SYN-ACK without one received for it
 *   syn-options       options of a handshake that the end has not sent or that do not cross
 *   early-ack         the server acknowledged before the client's valid ACK came
 *   fin-early         a FIN acknowledged before the far end has, within 10 s
 *   rst-uncalled      RST although neither end has reset or refused
 *   rst-sequence      RST outside snd.una..snd.nxt
 *   time-wait         anything but an answer on a closed leg
 *   altered, lost     `track`: a frame that is not one received; one that never came out
 *   passive-sent      `passive`: anything
 */
#ifndef LEAT_SIM_CHECKER_H
#define LEAT_SIM_CHECKER_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/lib/box.h"
#include "tests/sim/lib/endpoint.h"
#include "tests/sim/lib/ranges.h"

enum { CHECKER_FLOWS = 8 };

enum who { WHO_END, WHO_BOX };

/* Direction 0 is from the client. */
struct checker_flow {
	struct identity id[2];	/* of the sender of each direction */
	uint64_t key[2];	/* of the byte stream (rng.h) */
	uint64_t total[2];	/* bytes that will at most be sent */
	bool reset_expected;	/* an abort, a refusal or a keepalive may end it */
};

struct checker_config {
	enum box_mode mode;
	bool close_local;	/* FINs are acknowledged at once */
	bool may_reset;		/* the box resets connections by itself */
	unsigned mtu[2];	/* bytes of an IP packet that the box may send on a leg */
	unsigned n_flows;
	struct checker_flow flow[CHECKER_FLOWS];
};

struct checker;

/* `breach` is called for each breach of a rule with the rule's name and what was seen. */
struct checker *checker_new(const struct checker_config *cfg,
			    void (*breach)(void *ctx, const char *rule, const char *text),
			    void *ctx);
void checker_free(struct checker *c);

/* `who` on leg `leg` sent or received a frame, which is no super-segment (frame_cut). */
void checker_sent(struct checker *c, enum who who, int leg, const struct frame *f, int64_t now_us);
void checker_received(struct checker *c, enum who who, int leg, const struct frame *f,
		      int64_t now_us);

/* At the end: `drops` frames were dropped by the box by its own account. */
void checker_finish(struct checker *c, uint64_t drops);

/* Had any byte of offsets from..to-1 of that stream (0: its first byte) reached the box before
 * `now_us`?  Of one burst nobody says what came first. */
bool checker_heard(const struct checker *c, unsigned flow, int dir, uint64_t from, uint64_t to,
		   int64_t now_us);

/* Has the SYN or SYN-ACK of that stream reached the box? */
bool checker_heard_syn(const struct checker *c, unsigned flow, int dir);

/* What `who` has heard on a leg; offsets, 0 the SYN.  The ranges stay the checker's. */
struct witness {
	const struct ranges *heard, *sacked;	/* of the peer's stream; of its own */
	uint64_t acked, edge;	/* the furthest acknowledgment and right edge it was told */
	uint64_t max;		/* the furthest end of what it sent itself */
};

/* False: it is not followed any more, or not terminated. */
bool checker_witness(const struct checker *c, unsigned flow, int leg, enum who who,
		     struct witness *w);

/* Segments judged so far. */
uint64_t checker_count(const struct checker *c);

#endif
