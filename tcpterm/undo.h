/*
 * undo.h - a reduction of the window that was for nothing is taken back.
 *
 * Spurious is what F-RTO (RFC 5682) calls so, or Eifel detection (RFC 3522) on a leg with a
 * timestamp clock of its own; or all that was sent again came twice (D-SACK, RFC 2883, 3708), or
 * came sooner after its copy left than any round trip ever took: that is Eifel's question, answered
 * by our own send times where the timestamps are another's. The response is RFC 4015's for the
 * window.  Owned by undo.c, which alone writes it; of the stack's thread.
 */
#ifndef TCPTERM_UNDO_H
#define TCPTERM_UNDO_H

#include <stdbool.h>
#include <stdint.h>

struct conn;
struct ackinfo;

struct undo {
	int64_t marker;		/* snd.una when it began */
	uint32_t doubtful;	/* bytes sent again since then that may have been missing */
	uint32_t early;		/* bytes that were not; their D-SACKs are still to come */
	uint32_t stamp;		/* TSval of the first that was sent again */
	bool armed;		/* there is something to take back */
	bool resent, stamped;
	bool frto;		/* after a timeout, until its segment proves lost or not */
};

/* Called before a reduction that loss is the reason for; cc.c remembers the window. */
void undo_begin(struct conn *c);

/* A reduction for another reason: what was before it is not to come back. */
void undo_forget(struct conn *c);

/* It goes on in a timeout; `frto`: no retransmission had begun before. */
void undo_timeout(struct conn *c, bool frto);

/* `len` bytes, from `off`, were sent again with this TSval. */
void undo_resent(struct conn *c, uint32_t len, uint32_t tsval);

/* Were all retransmissions for nothing, by what this ACK says (RFC 3522, 3708)? */
bool undo_is_spurious(struct conn *c, const struct ackinfo *a);

/* F-RTO's steps 2 and 3 (RFC 5682 3.1): what to do with this ACK after a timeout. */
enum undo_frto {
	FRTO_NONE,	/* it is not in doubt: what is lost is sent */
	FRTO_NEW,	/* new data first, to see what their ACK says */
	FRTO_SPURIOUS,
};
enum undo_frto undo_frto(struct conn *c, const struct ackinfo *a);

/* Takes the reduction back. */
void undo_apply(struct conn *c);

#endif
