/*
 * gate.h - one thread at a time, and who asks seldom is not kept waiting by who asks all the time.
 *
 * The host enters hundreds of times a second and may wait; a guest enters now and then,
 * is let in before the host's next turn, and gives up after a time it names.  A mutex of
 * pthreads promises neither.
 */
#ifndef LEAT_DB_GATE_H
#define LEAT_DB_GATE_H

#include <pthread.h>
#include <stdbool.h>

struct gate {
	pthread_mutex_t mutex;
	pthread_cond_t left;
	pthread_t owner;	/* while it is held */
	bool held;
	unsigned int n_guests;	/* that wait */
};

void gate_init(struct gate *g);
void gate_fini(struct gate *g);

/* True if the calling thread is inside. */
bool gate_is_mine(struct gate *g);

/* Waits for its turn.  The caller is not inside. */
void gate_enter(struct gate *g);

/* The same for a guest: 0, or -EBUSY after `ms`. */
int gate_visit(struct gate *g, int ms);

void gate_leave(struct gate *g);

#endif
