/*
 * crowd.h - the end that more than half of a full burst's data segments are from, where there is
 * one: of those few are acknowledged (receive.c).
 *
 * Found in the stack's thread, when the burst's flows are.
 */
#ifndef TCPTERM_CROWD_H
#define TCPTERM_CROWD_H

#include <tcpterm/flow.h>

enum { CROWD = 16 };	/* segments: more are one */

struct burst;

struct crowd {
	const struct flow *f;	/* NULL: there is none; only to be compared */
	unsigned dir;
};

/* Of a burst of `n` packets whose flows were found. */
struct crowd crowd_find(const struct pkt *p, unsigned n, const struct burst *b);

#endif
