/*
 * audit.h - the judge inside: after each step it looks at every connection of a stack and compares
 * its books with a naive count, and with what the judge on the wire has seen.
 *
 * It reads tcpterm's inner state and writes nothing.  The rules, by the names under which a breach
 * is reported:
 *   sequence      snd.una, snd.nxt, the stream and the FIN do not fit together or the wire
 *   scoreboard    the list of what is in flight: order, coverage of una..nxt, flags and their sums;
 *                 SACKed what the peer has not said
 *   reassembly    the queue of what came out of order: order, overlap, sums; holds, or took, what
 *                 has not come
 *   stream        the bytes held do not follow each other
 *   window        an edge that the peer has not offered, or none of ours
 *   armed         a timer that runs for nothing, or something outstanding without one
 *   timer-lost    the flow's entry of the wheel is later than what is due
 *   held          buffers held do not add up to the stack's own count
 *   output-due    something is left to be sent when the step is over
 * Single thread.
 */
#ifndef LEAT_SIM_AUDIT_H
#define LEAT_SIM_AUDIT_H

#include "tests/sim/lib/checker.h"

struct tcpterm;

struct audit {
	const struct checker *checker;
	enum who who;		/* whose stack it is */
	int leg;		/* an end's; of a box both are looked at */
	unsigned base_port;	/* flow k is from client port base_port + k */
	void (*breach)(void *ctx, const char *rule, const char *text);
	void *ctx;
};

/* To be called when tcpterm_run() has returned. */
void audit_stack(const struct tcpterm *s, const struct audit *a);

#endif
