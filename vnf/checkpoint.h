/*
 * checkpoint.h - the live flows, written into the store every few seconds.
 *
 * Two threads share one: the control thread asks the workers for their flows and fills chunks of
 * rows, the recorder's thread writes them.  The control thread never waits: where the other is
 * slow it asks for the next flows later.
 */
#ifndef LEAT_VNF_CHECKPOINT_H
#define LEAT_VNF_CHECKPOINT_H

#include <pthread.h>
#include <stdatomic.h>

#include "db/store.h"
#include "vnf/flows.h"

struct checkpoint_rows;

/* Who has to do the next step. */
enum checkpoint_step {
	CHECKPOINT_REST,	/* the control thread, when it is time */
	CHECKPOINT_WANTED,	/* the recorder: begins it in the store */
	CHECKPOINT_BEGUN,	/* the control thread: asks the workers */
	CHECKPOINT_READING,	/* both: one fills, one writes */
};

struct checkpoint {
	struct store *store;
	struct flows *flows;
	usec_t next, began;	/* the control thread's */
	struct checkpoint_rows *filling;
	pthread_mutex_t mutex;	/* of what follows */
	enum checkpoint_step step;
	bool failed;
	bool filled;		/* all rows are in the queue */
	struct checkpoint_rows *first, **last;	/* the queue */
	struct checkpoint_rows *spare;
	unsigned n_made, n_queued;
	/* the recorder's */
	uint64_t n_rows;	/* of the one at work */
	bool was_empty;		/* the last complete one had none */
	_Atomic uint64_t n_done;
};

void checkpoint_init(struct checkpoint *c, struct store *store, struct flows *flows, usec_t now);
/* Neither thread is at it any more.  One that is all zeros is allowed. */
void checkpoint_fini(struct checkpoint *c);

/* Control thread: begins one if it is time. */
void checkpoint_run(struct checkpoint *c, usec_t now);

/*
 * Recorder's thread: writes a chunk that waits, if there is one; true if there may be more at once.
 */
bool checkpoint_write(struct checkpoint *c);

#endif
