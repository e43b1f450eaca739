/*
 * dpdk_log.h - DPDK's own lines, as those of a module of ours: eal.h's `log`.
 *
 * Any thread but a worker's.
 */
#ifndef LEAT_VNF_DPDK_LOG_H
#define LEAT_VNF_DPDK_LOG_H

/* `level` is DPDK's, 1 (emergency) to 8; most of what it calls errors is none to an operator. */
void dpdk_log(void *arg, int level, const char *line);

#endif
