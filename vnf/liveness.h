/*
 * liveness.h - when the switch may believe that Leat works, and how it is told: by BFD.
 *
 * The switch's groups watch Leat's ports.  A link says nothing of a start or of a hang; a BFD
 * session that is answered within a worker's turn does.  The session of port i belongs to
 * worker i modulo their number: a frame that comes elsewhere is handed over, so each session has
 * one writer.  Worker's thread, but where it says otherwise.
 */
#ifndef LEAT_VNF_LIVENESS_H
#define LEAT_VNF_LIVENESS_H

#include "vnf/worker.h"

/* Gives each inline port a session with a discriminator of its own. `w` is not running yet. */
void liveness_init(struct worker *w);

/*
 * Takes the frame, and returns true, if it is BFD of the switch on an inline port: it is answered,
 * handed over, or dropped.  `m->port` is the port it came by.
 */
bool liveness_input(struct worker *w, struct rte_mbuf *m);

/* What `port`'s session says at `now`; any thread, the answer may be a turn old. */
enum bfd_state liveness_state(struct worker *const all[], unsigned n_workers, unsigned port,
			      usec_t now);

#endif
