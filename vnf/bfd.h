/*
 * bfd.h - answers the switch's BFD (RFC 5880, 5881), so that its groups follow the function itself.
 *
 * One session a port, of a peer that does all the asking: whatever it sends is answered at once,
 * and nothing is ever sent unasked, so the interval is the peer's and a thread that hangs falls
 * silent by itself.  Sans-IO: a frame and `now` go in, a frame comes out.  A session belongs
 * to one worker; any thread may read its `state`.
 */
#ifndef LEAT_VNF_BFD_H
#define LEAT_VNF_BFD_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath/clock.h"

/* Bytes of an answer: Ethernet, IPv4, UDP, 24 of BFD. */
enum { BFD_FRAME = 66 };

/* RFC 5880 4.1, "Sta". */
enum bfd_state {
	BFD_ADMIN_DOWN,
	BFD_DOWN,
	BFD_INIT,
	BFD_UP,
};

struct bfd {
	uint32_t our_disc;	/* not 0, constant */
	uint32_t peer_disc;	/* 0: not known (RFC 5880 6.8.1) */
	uint8_t state;		/* enum bfd_state */
	uint8_t diag;		/* why it was last left (RFC 5880 4.1) */
	usec_t expires;		/* the peer is gone if it has said nothing by then */
};

/* What is to be told to the peer. */
enum bfd_answer {
	BFD_SAY_ALIVE,
	BFD_SAY_NOTHING,	/* the peer finds out by itself, after its detection time */
	BFD_SAY_ADMIN_DOWN,	/* on purpose: the peer is to go over at once */
};

enum bfd_input_result {
	BFD_REFUSED,	/* not by RFC 5880 6.8.6, or RFC 5881 5: no answer */
	BFD_WITHHELD,	/* as it was asked for */
	BFD_ANSWERED,	/* the answer is in `reply`, BFD_FRAME bytes */
};

/* `disc` may not be 0 and is another one after each start: the peer so sees a new session. */
void bfd_init(struct bfd *b, uint32_t disc);

/* Does this frame go to the switch's BFD address?  Cheap. `len` bytes are linear in `frame`. */
bool bfd_is_for_us(const uint8_t *frame, uint32_t len);

/*
 * Takes a frame of which bfd_is_for_us() is true, `len` bytes, all linear, into the session.  A
 * frame that is withheld is not taken in: the session ages as if it had been lost.
 */
enum bfd_input_result bfd_input(struct bfd *b, const uint8_t *frame, uint32_t len, usec_t now,
				enum bfd_answer say, uint8_t reply[BFD_FRAME]);

/* The state at `now`: down once the peer has been silent for its detection time. */
enum bfd_state bfd_state(const struct bfd *b, usec_t now);
const char *bfd_state_name(enum bfd_state s);

#endif
