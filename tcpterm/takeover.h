/*
 * takeover.h - a passive pair on the path becomes a relay, because its owner asked for it.
 *
 * The reverse of leaving termination (demote.c): S of each direction is a number up to which all
 * was forwarded, seen whole and acknowledged by its receiver, at the same moment for both.  So no
 * byte is the former sender's and ours at once, and from S on the relay's numbers are the ends'.
 * Belongs to its pair.
 */
#ifndef TCPTERM_TAKEOVER_H
#define TCPTERM_TAKEOVER_H

#include "tcpterm/pair_start.h"
#include "tcpterm/reset.h"

/* What a relay needs of each end and reassembly does not, from the request on. */
struct takeover {
	uint32_t index;
	struct {
		bool heard;
		bool has_ts;
		uint32_t ts_newest;
		struct manners own;
	} end[2];
};

/* What a SYN with these options and flags leaves to be known of its end (PAIR_SAID_*). */
uint8_t takeover_said(const struct tcpterm_options *o, uint16_t flags);

/* An acceptable segment of side d; its options. */
void takeover_heard(struct pair *x, const struct pkt *p, const struct tcpterm_options *o,
		    unsigned d);

/* Does it where its moment is there: the pair is gone then.  Forgets it where that can't come. */
void takeover_try(struct tcpterm *s, struct pair *x);

void takeover_forget(struct tcpterm *s, struct pair *x);

#endif
