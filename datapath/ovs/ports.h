/*
 * ports.h - Leat's vhost-user ports on a bridge.
 *
 * Keeps nothing between calls.  Blocks for as long as ovs-vsctl does (it waits until the switch
 * has taken the change); control thread only.
 */
#ifndef LEAT_DATAPATH_OVS_PORTS_H
#define LEAT_DATAPATH_OVS_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath/ovs/target.h"

enum { OVS_LEAT_PORTS_MAX = 8 };

struct ovs_leat_port {
	const char *name;
	const char *socket;	/* where leatd listens: absolute path */
	uint32_t ofport;	/* number to ask for; 0: as the switch likes */
	unsigned int mtu;	/* bytes, with room for the user's second tag (1504 or more) */
	bool is_tap;		/* the switch never waits for room in a tap's queue */
	unsigned int bfd_ms;	/* inline: BFD's interval in both directions; 0: no BFD */
};

/*
 * Makes the `n` ports (at most OVS_LEAT_PORTS_MAX) exist on `bridge` with these settings, in one
 * transaction.  All carry tag 4095, so that floods do not enter.
 * Returns 0; -EEXIST if an interface of that name is of another kind, -EINVAL for a relative
 * socket path or too many ports, or what the tool's failure is (exec.h).
 */
int ovs_ports_ensure(const struct ovs_target *t, const char *bridge,
		     const struct ovs_leat_port *ports, unsigned int n, struct err *e);

/* Removes the ports of these names from `bridge`, those that are there and of Leat's kind. */
int ovs_ports_remove(const struct ovs_target *t, const char *bridge, const char *const names[],
		     unsigned int n, struct err *e);

/* The numbers of all ports of a bridge, read by one call of the tool. */
struct ovs_port_list {
	char *text;
};

int ovs_port_list_read(const struct ovs_target *t, const char *bridge, struct ovs_port_list *l,
		       struct err *e);
void ovs_port_list_fini(struct ovs_port_list *l);

/* The number of a port in the list; 0 if it is not on the bridge, or not open in the switch. */
uint32_t ovs_port_list_find(const struct ovs_port_list *l, const char *port);

/* The OpenFlow number of a port: -ENODEV if `bridge` has no such port or the switch could not open
 * it, with the switch's reason. */
int ovs_port_number(const struct ovs_target *t, const char *bridge, const char *port,
		    uint32_t *number, struct err *e);

#endif
