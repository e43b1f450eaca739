/*
 * bed.h - what a benchmark of a worker stands on: the EAL, pools, a pair of ring ports, a policy,
 * and one leatd's worker; and the hosts' ends of the two rings.
 *
 * One a process, one thread.
 */
#ifndef LEAT_TESTS_BENCH_BED_H
#define LEAT_TESTS_BENCH_BED_H

#include "vnf/worker.h"

struct bed_conf {
	const char *policy;
	unsigned n_frames, n_headers;
	uint32_t n_flows;	/* of each kind */
	uint32_t n_embryos;	/* 0: as many as by default */
};

struct bed {
	struct options o;
	struct pools pools;
	struct ports *ports;		/* 0 faces the client, 1 the server */
	struct active active;
	struct worker_conf conf;
	struct worker *worker;
	struct port *client, *server;	/* the hosts' ends */
};

/* 0, or a negative errno and the reason in `err`. */
int bed_make(struct bed *b, const struct bed_conf *conf, struct err *err);

/* Ends the worker and the EAL. */
void bed_end(struct bed *b);

#endif
