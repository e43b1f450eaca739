/*
 * window.h - the numbers and windows of a connection as seen from between its ends.
 *
 * For each end: how far it sent, what it acknowledged, how far it let the other send.  Every
 * segment of an end passes here before the other can know of it, so what is beyond the furthest
 * right edge that was offered, or acknowledges what was not sent, comes from nobody who follows
 * RFC 9293.  What is older than the largest window says nothing any more (RFC 5961 5.2); but for
 * some windows it may be a duplicate that the network kept, which does no harm.
 *
 * Window scales count as the SYNs agreed on them; one that was not seen counts as 14 (RFC 7323
 * 2.3).  Writes the numbers of struct track_half; stack's thread.
 */
#ifndef TCPTERM_WINDOW_H
#define TCPTERM_WINDOW_H

#include "tcpterm/tcb.h"
#include "tcpterm/track.h"

enum window_fit {
	WINDOW_FITS,
	WINDOW_STRANGE,		/* it does not, but too little is known to refuse it for that */
	WINDOW_OUTSIDE,		/* it does not, and both ends' numbers are known */
};

/* Could the segment's receiver take it?  A RST is judged by its number alone. */
enum window_fit window_fit(const struct track *t, const struct pkt *p, unsigned dir);

/* A segment that fits: what it says of its end's numbers.  `n_new`, of the numbers it takes, are
 * beyond all that the end sent before. */
struct window_news {
	uint32_t len;		/* payload, SYN and FIN */
	uint32_t n_new;
	bool keepalive;		/* it repeats one number, to be answered */
	bool skips;		/* it left out numbers: those from `from` */
	seq_t from;
};
struct window_news window_follow(struct tcpterm *s, struct track *t, const struct pkt *p,
				 unsigned dir);

/*
 * The straight path.  Is it the next segment of an end that goes on, with nothing open or lost
 * between the two, and does it fit?  Then it did here all that window_follow() does of a
 * segment whose numbers are all new; false, and nothing was done, says nothing.  It is false, too,
 * once in 4 GB that are acknowledged.
 */
bool window_next(struct track *t, const struct pkt *p, unsigned dir);

/* The options of its SYN. */
void window_syn(struct track_half *h, const struct tcpterm_options *o);

/* A segment that does not fit, of a flow that has t->more.  Part of the connection may have gone
 * another way: when the strays of both ends agree on numbers, they are the ones.  Who would forge
 * them would have to forge both. */
void window_stray(struct tcpterm *s, struct track *t, const struct pkt *p, unsigned dir);

/* End `d`'s numbers that are known from elsewhere: it sent up to offset `sent`.  Its SYN was seen,
 * with this window scale, or TRACK_NO_WSCALE.  It acknowledged the other end's stream up to offset
 * `ack` and let it go on up to `edge` (-1: not known); no window of its was above `most`. */
void window_of_numbers(struct track_past *past, unsigned d, seq_t isn, int64_t sent);
void window_of_syn(struct track_past *past, unsigned d, uint8_t wscale);
void window_of_ack(struct track_past *past, unsigned d, seq_t other_isn, int64_t ack, int64_t edge,
		   int64_t most);

/* What a connection that holds nothing knows of its peer's numbers: end `d` is left to itself. */
void window_of_conn(struct track_past *past, unsigned d, const struct conn *c);

/* What of the past has a share in t->more; the halves are set. */
void window_take_over(struct tcpterm *s, struct track *t, const struct track_past *past);

/* Its FIN is acknowledged. */
bool window_fin_acked(const struct track *t, unsigned d);

/* Would the receiver believe this RST?  It carries the number that is expected, the highest sent,
 * or answers a SYN. */
bool window_believes(const struct track *t, const struct pkt *p, unsigned dir);

/* Bytes that the end sent and the other has not acknowledged; those that it did, FIN taken off. */
uint32_t window_in_flight(const struct track *t, unsigned d);
uint64_t window_delivered(const struct track *t, unsigned d);

enum tcpterm_state window_state(const struct track *t, unsigned d);

#endif
