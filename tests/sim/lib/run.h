/*
 * run.h - one run: client, box and server of a scenario on a wire, judged, until all is over.
 *
 * Besides the checker's rules (checker.h) these are reported:
 *   payload       an application read a byte that was not written
 *   delivery      not everything arrived although nobody reset
 *   end           a connection ended otherwise than it should
 *   progress      nothing moved for STALL seconds, or the run's bound has passed
 *   timer         a timer that is due again and again without time passing
 *   leak          buffers in use, or flows alive, when everything is over
 *   (audit.h)     a stack's books are wrong
 *   report        a passive box told of bytes or gaps that are not so
 * Single thread; not reentrant.
 */
#ifndef LEAT_SIM_RUN_H
#define LEAT_SIM_RUN_H

#include <stdio.h>

#include "tests/sim/lib/scenario.h"

struct run_result {
	bool failed;
	char rule[24];		/* the first breach */
	char text[1100];
	int64_t virtual_us;
	unsigned resets;	/* connections that the box reset */
	uint64_t segments, bytes, retransmits;
};

/* `trace`, if not NULL, gets a line a segment. */
void run_scenario(const struct scenario *sc, const struct box_ops *box, FILE *trace,
		  struct run_result *res);

#endif
