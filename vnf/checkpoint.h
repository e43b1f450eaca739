/*
 * checkpoint.h - the live flows, written into the store every few seconds.
 *
 * Control thread only.
 */
#ifndef LEAT_VNF_CHECKPOINT_H
#define LEAT_VNF_CHECKPOINT_H

#include "db/store.h"
#include "vnf/flows.h"

enum { CHECKPOINT_BATCH = 512 };

struct checkpoint {
	struct store *store;
	struct flows *flows;
	usec_t next;
	bool at_work, failed;
	uint64_t n_done;
	unsigned n_rows;
	struct live_record row[CHECKPOINT_BATCH];
};

void checkpoint_init(struct checkpoint *c, struct store *store, struct flows *flows, usec_t now);

/* Begins one if it is time. */
void checkpoint_run(struct checkpoint *c, usec_t now);

#endif
