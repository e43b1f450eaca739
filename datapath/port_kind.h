/*
 * port_kind.h - what is behind a port, a file a kind.  Private to the ports.
 *
 * vhost, pcap and afpacket are ethdevs (port_ethdev.c) that differ in their device
 * arguments; ring is a pair of rte_rings in this process.
 */
#ifndef LEAT_DATAPATH_PORT_KIND_H
#define LEAT_DATAPATH_PORT_KIND_H

#include <limits.h>
#include <stdatomic.h>

#include <rte_common.h>

#include "datapath/port.h"
#include "datapath/port_fault.h"

struct port_kind {
	const char *prefix;	/* of the spec, with its colon */
	/* Is what follows the prefix acceptable?  Fills `err`. */
	int (*check)(const char *arg, struct err *err);
	int (*open)(struct port *p, struct err *err);
	void (*close)(struct port *p);
	void (*abandon)(struct port *p);	/* may be NULL */
	bool (*is_listening)(const struct port *p);	/* NULL: it waits for nobody */
	bool (*link_is_up)(struct port *p);
	uint16_t (*rx)(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n);
	uint16_t (*tx)(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n);
	int (*rx_fd)(struct port *p, uint16_t queue);
	int (*rx_arm)(struct port *p, uint16_t queue, bool armed);	/* NULL: no interrupts */
	bool (*at_end)(struct port *p);		/* may be NULL: never */
};

extern const struct port_kind port_kind_vhost, port_kind_pcap, port_kind_afpacket, port_kind_ring;

/* One worker's share; written by it alone. */
struct port_queue {
	struct port_stats stats;
	struct port_fault_state fault;
	unsigned fault_serial;		/* of the setting that `fault` was seeded for */
} __rte_cache_aligned;

struct ring_pair;

struct port {
	struct port_conf conf;	/* its strings point below */
	char name[PORT_NAME_LEN];
	char spec[PATH_MAX];
	const char *arg;	/* what follows the prefix in `spec` */
	const struct port_kind *kind;
	atomic_int state;	/* enum port_state; the port thread's */
	uint16_t n_queues;	/* those the device has; 0 until it is open */

	/* ethdev kinds */
	uint16_t eth;
	char device[PORT_NAME_LEN];
	uint64_t tx_offloads;	/* granted */
	bool has_rx_intr;
	atomic_bool capture_ended;	/* pcap */
	atomic_bool is_clean;	/* vhost: being opened, what a killed process left is removed */

	/* ring kind */
	struct ring_pair *pair;
	unsigned end;

	struct port_fault_log *fault_log;
	_Atomic uint32_t loss_ppm;	/* the fault setting in force */
	_Atomic uint64_t fault_seed;
	atomic_uint fault_serial;	/* of it */
	struct port_queue queue[PORT_MAX_QUEUES];
};

#endif
