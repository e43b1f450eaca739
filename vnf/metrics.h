/*
 * metrics.h - what leatd counts, in Prometheus' text format (leat-metrics(7)).
 *
 * Control thread.
 */
#ifndef LEAT_VNF_METRICS_H
#define LEAT_VNF_METRICS_H

#include "vnf/leat.h"

/* To be freed; NULL: no memory.  `aux` is the struct leat: for scrape_open(). */
char *metrics_text(void *aux);

#endif
