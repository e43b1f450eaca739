/*
 * port_ethdev.h - ports that are DPDK devices: vhost, pcap, afpacket.  Private to
 * the ports.
 */
#ifndef LEAT_DATAPATH_PORT_ETHDEV_H
#define LEAT_DATAPATH_PORT_ETHDEV_H

#include "datapath/port_kind.h"

struct ethdev_want {
	const char *driver;	/* "net_pcap"; a number is appended */
	const char *args;	/* what follows the device's name */
	bool rx_intr;		/* receive interrupts, where the driver has them */
	uint64_t rx_offloads;	/* asked for where offered */
	uint16_t mtu;		/* of the device; 0: the port's */
};

/* Creates, configures and starts the device; blocks as its driver does. */
int ethdev_open(struct port *p, const struct ethdev_want *want, struct err *err);
void ethdev_close(struct port *p);
bool ethdev_link_is_up(struct port *p);
uint16_t ethdev_rx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n);
uint16_t ethdev_tx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n);
int ethdev_rx_fd(struct port *p, uint16_t queue);
int ethdev_rx_arm(struct port *p, uint16_t queue, bool armed);

#endif
