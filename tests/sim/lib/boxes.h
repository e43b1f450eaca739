/*
 * boxes.h - boxes of the simulation's own: a wire, and wires that do wrong so that the judge can
 * be judged.
 */
#ifndef LEAT_SIM_BOXES_H
#define LEAT_SIM_BOXES_H

#include "tests/sim/lib/box.h"

/* Forwards every frame at the end of the burst, unchanged. */
extern const struct box_ops forward_box;

enum mistake {
	WRONG_NONE,
	WRONG_FLIP,		/* one bit of payload, checksum repaired */
	WRONG_CHECKSUM,		/* one bit of the checksum */
	WRONG_LOSE,		/* loses a frame now and then and does not count it */
	WRONG_SWALLOW,		/* never forwards the first payload byte of the server's */
	WRONG_ACK,		/* acknowledges what has not come */
	WRONG_SHRINK,		/* takes back what it offered */
	WRONG_OVERRUN,		/* promises the sender more than the receiver offered */
	WRONG_TSVAL,		/* a timestamp that nobody sent */
	WRONG_TSECR,		/* echoes one that nobody sent */
	WRONG_SEQ,		/* shifts the numbers by one */
	WRONG_END,		/* ends the stream before its end */
	WRONG_SACK,		/* claims more than has arrived */
	WRONG_TTL,		/* counts as a hop */
	WRONG_TAG,		/* loses the priority of a tag */
	WRONG_MAC,		/* uses an address of its own */
	WRONG_EARLY_ACK,	/* completes the server's handshake itself */
	WRONG_SYN,		/* retransmits the SYN itself */
	WRONG_OPTIONS,		/* offers SACK in the end's name */
	WRONG_FIN,		/* acknowledges a FIN at once */
	WRONG_RST,		/* resets out of the blue */
	WRONG_REPLAY,		/* sends an old frame again */
	WRONG_TIME_WAIT,	/* talks after the end */
	WRONG_TALK,		/* answers although passive */
	WRONG_REPORT,		/* passive: tells of a byte that was not sent */
	WRONG_GAP,		/* passive: tells of a gap where there is none */
	WRONG_LEAK,		/* keeps a buffer */
	WRONG_SPIN,		/* a timer that is always due */
	N_MISTAKES
};

/* A forwarding box that makes that mistake.  Valid until the next call. */
const struct box_ops *wrong_box(enum mistake m);

#endif
