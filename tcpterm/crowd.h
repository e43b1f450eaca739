/*
 * crowd.h - the end that more than half of a full burst's data segments are from, where there is
 * one: of those few are acknowledged (receive.c).
 *
 * Found in the stack's thread when a connection first asks: flows that are only followed do not.
 */
#ifndef TCPTERM_CROWD_H
#define TCPTERM_CROWD_H

#include <tcpterm/flow.h>

enum { CROWD = 16 };	/* segments: more are one */

struct burst;

struct crowd {
	const struct flow *f;	/* NULL: there is none; only to be compared */
	unsigned dir;
	/* The burst in hand, of `n` packets whose flows were found. */
	const struct pkt *p;
	unsigned n;
	const struct burst *burst;	/* NULL: there is none, or it has been counted */
};

/* Is the end that sends direction `dir` of `f` that of the burst in hand? */
bool crowd_is(struct crowd *c, const struct flow *f, unsigned dir);

#endif
