/*
 * capture_lane.h - a capture's inside.  Private to capture.c, capture_write.c and capture_take.c.
 *
 * A lane is one worker's side of a capture.  Slots go round: `empty` from the writer to the worker,
 * `full` back, where the first slot of a frame brings the rest.  The worker alone dequeues from
 * `empty` and enqueues into `full`.
 */
#ifndef LEAT_VNF_CAPTURE_LANE_H
#define LEAT_VNF_CAPTURE_LANE_H

#include <pthread.h>
#include <stdatomic.h>

#include <rte_ring.h>

#include "ctl/text.h"
#include "datapath/pcapng.h"
#include "vnf/capture.h"
#include "vnf/ports.h"

enum {
	N_SLOTS = 2048,		/* a lane's */
	SLOT_SIZE = 2048,
	N_PENDING = 32,		/* frames of a burst whose flow is not known yet */
};

struct slot {
	struct slot *next;	/* with more of the same frame */
	usec_t at;
	uint32_t captured, length;	/* of the frame; the first slot's */
	uint16_t n;		/* bytes here */
	uint8_t port;
	uint8_t direction;	/* enum pcapng_direction; the first slot's */
	bool unwanted;		/* the frame was not of the capture after all */
	uint8_t bytes[];
};

enum { SLOT_ROOM = SLOT_SIZE - (int)sizeof(struct slot) };

/* A frame that came in before its flow was known. */
struct pending {
	struct slot *first;
	struct pkt pkt;		/* what the parser said of it; its mbuf is gone */
};

struct capture_lane {
	struct rte_ring *empty, *full;
	uint8_t *slots;		/* N_SLOTS of SLOT_SIZE */
	/* the worker's */
	struct pending pending[N_PENDING];
	unsigned n_pending;
	uint64_t taken[MAX_PORTS], lost[MAX_PORTS];	/* frames */
} __rte_cache_aligned;

struct capture {
	unsigned id;
	struct capture_conf conf;
	const struct ports *ports;
	unsigned n_lanes;
	struct capture_lane *lane;
	enum capture_state state;	/* the control thread's */
	uint64_t rcu_token;		/* ENDING: workers that have passed it know nothing of it */
	bool finishing;			/* ENDING: the writer was told */
	bool stopped;			/* by an operator */
	capture_ended *ended_cb;	/* who waits for the end; NULL */
	void *aux;
	usec_t began, ended;
	uint64_t lost;			/* ENDED: the lanes', which are gone */
	/* the writer's; the others read */
	pthread_t thread;
	int fd;
	struct text out;
	uint64_t frames;
	_Atomic uint64_t n_written, n_bytes;
	_Atomic(const char *) full;	/* why no more is written: size, time, disk; NULL */
	char error[128];		/* of the disk, before `full` says so */
	atomic_bool finish, finished;
};

struct captures {
	unsigned n_workers;
	const struct ports *ports;
	struct rte_rcu_qsbr *qsbr;
	unsigned last_id;
	struct capture *known[2 * CAPTURES_MAX];	/* oldest first; the control thread's */
	unsigned n_known;
	atomic_bool active;
	_Atomic(struct capture *) at_work[CAPTURES_MAX];	/* the workers' */
};

/* capture_write.c: the thread of a capture. */
void *capture_writer(void *capture);

#endif
