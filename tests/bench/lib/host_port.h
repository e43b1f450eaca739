/*
 * host_port.h - the switch's end of a virtio-user port, by DPDK's vhost driver in this process.
 *
 * The driver is the socket's client, as Open vSwitch is, and copies each frame.  Its bursts are
 * those of any other port.  One thread.
 */
#ifndef LEAT_TESTS_BENCH_HOST_PORT_H
#define LEAT_TESTS_BENCH_HOST_PORT_H

#include "datapath/port.h"

/* The other end of a port whose spec is conf->spec, vhost:PATH; to be opened before that one.  NULL
 * fills `err`. */
struct port *host_port_new(const struct port_conf *conf, struct err *err);

/* Waits until the links of these ports are up; -ETIMEDOUT with `err`. */
int host_ports_wait(struct port *const *p, unsigned n, struct err *err);

#endif
