/*
 * late.h - a device that completes late: it reads what was handed to it when it comes to it.
 *
 * A frame's bytes are noted as it is handed over, by the addresses that a driver would write into
 * its descriptors, and compared a random number of turns later, as it is completed and freed.
 * Where a virtio driver may put its own header into the room before the frame (one direct segment
 * that nobody else holds), this one does.  One thread.
 */
#ifndef LEAT_TESTS_UNIT_LATE_H
#define LEAT_TESTS_UNIT_LATE_H

#include <rte_mbuf.h>

enum { LATE_MAX = 4096 };

struct late_frame;

struct late {
	struct late_frame *ring[LATE_MAX];	/* oldest first */
	unsigned n, n_segs, segs_max;	/* frames, descriptors, the ring's size in descriptors */
	unsigned turns_max;
	uint64_t turn, random;
	uint64_t n_completed;
	uint64_t n_changed;		/* frames that were not what had been handed over */
};

/* A ring of `segs_max` descriptors, at most LATE_MAX; each frame stays for up to `turns_max` turns.
 * What finds it full completes the oldest. */
void late_init(struct late *l, unsigned segs_max, unsigned turns_max, uint64_t seed);

/* The frame is handed over.  Who is to receive it gets a copy, made before. */
void late_take(struct late *l, struct rte_mbuf *m);

/* A turn passes; what is due is completed. */
void late_turn(struct late *l);

/* All is completed. */
void late_flush(struct late *l);

#endif
