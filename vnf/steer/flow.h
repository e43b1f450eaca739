/*
 * flow.h - a flow as one writes it for `steer trace`, and the selection that takes it.
 *
 * Pure functions, any thread.
 */
#ifndef LEAT_VNF_STEER_FLOW_H
#define LEAT_VNF_STEER_FLOW_H

#include "vnf/steer/plan.h"

struct steer_flow {
	struct ip_addr src, dst;	/* client, server; IPv4 is v4-mapped */
	uint16_t sport, dport;
	int vid;			/* OVS_VLAN_NONE: untagged */
};

/*
 * Reads "tcp" "10.0.0.1:40000" "[fd00::1]:80" ["vlan" "7"].  0, or -EINVAL with what was
 * expected.
 */
int steer_flow_read(struct steer_flow *f, int n, const char *const words[], struct err *err);

/* Does the selection ask for this flow?  Of a mirror: no, it takes no flow. */
bool steer_flow_matches(const struct steer_flow *f, const struct ovs_selection *s);

/* The flow as ovs-ofctl writes it, as it comes by the client's port or (`back`) the server's. */
void steer_flow_print(const struct steer_flow *f, const struct ovs_selection *s, bool back,
		      char *text, size_t size);

#endif
