/*
 * replay.h - `leatd -r FILE`: the flows of a capture, without a switch, hugepages or root.
 *
 * The same worker, stack, policy and records as the daemon's, in one thread; the time is the
 * capture's.  A process of its own.
 */
#ifndef LEAT_VNF_REPLAY_REPLAY_H
#define LEAT_VNF_REPLAY_REPLAY_H

#include "vnf/cmdline.h"

/* What the program ends with; leatd(8). */
enum replay_status {
	REPLAY_WHOLE = 0,
	REPLAY_FAILED = 1,	/* could not begin, or the file could not be read to its end */
	REPLAY_GAPS = 3,	/* bytes are missing in some stream */
};

/* Reads o->read and shows its flows on standard output.  Returns the program's exit status. */
int replay(const struct options *o);

#endif
