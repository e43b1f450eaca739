/*
 * bed.h - what a benchmark of a worker stands on: the EAL, pools, two pairs of ring ports, a
 * policy, and a leatd's worker, or two; and the hosts' ends of the rings.  The ports of the second
 * pair trust: what comes by them is not verified.  Or one pair of virtio-user ports, with the
 * hosts' ends by DPDK's vhost driver in this process (host_port.h).
 *
 * One a process, or several that share EAL and pools; made and ended by one thread.
 */
#ifndef LEAT_TESTS_BENCH_BED_H
#define LEAT_TESTS_BENCH_BED_H

#include "vnf/worker.h"

enum { BED_VERIFIES, BED_TRUSTS, BED_N, BED_WORKERS = 2 };

struct bed_conf {
	const struct pools *pools;	/* the EAL is up and these are there; NULL: both are made */
	const char *name;		/* of its ports; NULL: "bench" */
	const char *policy;
	bool virtio;
	unsigned n_workers;	/* at most BED_WORKERS; 0: 1 */
	unsigned n_frames, n_headers;
	uint32_t n_flows;	/* of each kind */
	uint32_t n_embryos;	/* 0: as many as by default */
	unsigned n_records;	/* that wait in the journal; 0: 1,024 */
};

struct bed {
	struct options o;
	struct pools pools;
	struct ports *ports;		/* of a pair the first faces the client */
	struct active active;
	struct worker_conf conf;
	struct worker *workers[BED_WORKERS], *worker;	/* the latter is the first */
	struct port *client[BED_N], *server[BED_N];	/* the hosts' ends */
	char spec[2 * BED_N][96];	/* of the ports */
	char dir[32];			/* of the sockets; "": there are none */
	bool owns_eal;
};

/* 0, or a negative errno and the reason in `err`. */
int bed_make(struct bed *b, const struct bed_conf *conf, struct err *err);

/* Ends the workers and the EAL, or, where the pools were given, only what was made beside them. */
void bed_end(struct bed *b);

#endif
