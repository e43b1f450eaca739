/*
 * port_tx.h - a frame made fit for the device that sends it.  Private to the
 * ports; called by the worker that owns the queue.
 */
#ifndef LEAT_DATAPATH_PORT_TX_H
#define LEAT_DATAPATH_PORT_TX_H

#include "datapath/port_kind.h"

/*
 * Completes a checksum that the sender left to the hardware, and flattens a chain
 * for a device that takes none.  Takes `m`; returns it or its copy.  Where there
 * is no memory for a copy `m` itself is returned, and the device drops it.
 */
struct rte_mbuf *port_tx_prepare(struct port *p, uint16_t queue, struct rte_mbuf *m);

#endif
