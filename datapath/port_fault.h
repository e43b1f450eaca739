/*
 * port_fault.h - frames lost on purpose, as they arrive.
 *
 * For tests of what a lossy tap or link does.  The choice is a seeded sequence a
 * queue, so a run can be repeated.  A lost frame may be logged as one line.  The
 * log is written through stdio by the worker: a setting for tests, and the one
 * thing on a worker's path that may block.
 */
#ifndef LEAT_DATAPATH_PORT_FAULT_H
#define LEAT_DATAPATH_PORT_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath/parse.h"
#include "datapath/err.h"

struct port_fault;
struct port_fault_log;

struct port_fault_state {
	uint64_t x;	/* splitmix64 */
};

void port_fault_seed(struct port_fault_state *s, uint64_t seed, uint16_t queue);
bool port_fault_strikes(struct port_fault_state *s, uint32_t loss_ppm);

/* NULL fills `err`. */
struct port_fault_log *port_fault_log_open(const char *path, struct err *err);

/*
 * One line: `us=N domain=N side=N src=A sport=N dst=A dport=N seq=N len=N flags=0xN`,
 * or `us=N bytes=N` for a frame that is no TCP segment.  `us` is clock_now()'s,
 * `len` counts payload.
 */
void port_fault_log_frame(struct port_fault_log *l, struct rte_mbuf *m,
			  const struct parse_conf *conf);
void port_fault_log_flush(struct port_fault_log *l);
void port_fault_log_close(struct port_fault_log *l);

#endif
