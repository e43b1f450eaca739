/*
 * dpdk_log.c - see dpdk_log.h.
 */
#include "vnf/dpdk_log.h"

#define LOG_MODULE "dpdk"
#include "vnf/log.h"

enum { DPDK_CRITICAL = 3 };

void
dpdk_log(void *arg, int level, const char *line)
{
	(void)arg;
	if (level <= DPDK_CRITICAL)
		log_warn("%s", line);
	else
		log_dbg("%s", line);
}
