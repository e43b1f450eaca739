/*
 * captured.h - what a capture says of a frame besides its bytes: when it was taken, and how many
 * bytes at its end were not.
 *
 * Both are in the mbuf itself, in dynamic fields, and go where it goes.  Any thread, once
 * captured_init() has been called by the main thread.
 */
#ifndef LEAT_DATAPATH_CAPTURED_H
#define LEAT_DATAPATH_CAPTURED_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "datapath/clock.h"

/* Registers the fields; any number of calls.  0, or a negative errno. */
int captured_init(void);

/* The time is that of DPDK's own field, which its pcap device fills too: us since 1970. */
void captured_mark(struct rte_mbuf *m, usec_t at, uint32_t cut);

/* False, and `t` is left alone, where it is not known. */
bool captured_at(const struct rte_mbuf *m, usec_t *t);

/* Bytes that the frame had on the wire behind those that are here; 0: it is whole. */
uint32_t captured_cut(const struct rte_mbuf *m);

#endif
