/*
 * port.h - where frames come in and go out.
 *
 * A port is a DPDK ethdev behind a spec: vhost:PATH (virtio-user, we are the
 * server of the vhost-user socket), pcap:IN[,OUT], afpacket:IFNAME, ring:NAME
 * (in-process; two opens of one name are the two ends).  The port thread and its
 * helpers open and close it; the worker that owns a queue calls the burst functions; state
 * and statistics may be read by any thread.
 */
#ifndef LEAT_DATAPATH_PORT_H
#define LEAT_DATAPATH_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "datapath/clock.h"
#include "datapath/drops.h"
#include "datapath/err.h"
#include "datapath/parse.h"

enum {
	PORT_BURST = 32,
	PORT_MAX_QUEUES = 8,
	PORT_NAME_LEN = 32,
	PORT_META_LEN = 4,	/* of the tag that tells where a copy is from */
};

enum port_state {
	PORT_CLOSED,
	PORT_PROBING,	/* vhost: waiting for the switch on the socket */
	PORT_DOWN,	/* probed; the link is down */
	PORT_UP,
	PORT_FAILED,
};

struct port;

/* A fault setting for tests: frames dropped, seeded, as they arrive. */
struct port_fault {
	uint32_t loss_ppm;	/* 0: no fault */
	uint64_t seed;
	const char *log;	/* file: one line a dropped frame, or NULL */
};

struct port_conf {
	const char *name;	/* as the operator calls it; unique */
	const char *spec;
	uint16_t n_queues;	/* worker k owns queue k; where the device has fewer, the
				 * rest read 0 */
	uint16_t n_desc;	/* descriptors a queue; 0: 1024 */
	uint16_t mtu;		/* 0: 1500; with meta, the tag's bytes too */
	bool rx_only;		/* passive: no transmit handle exists */
	struct parse_conf parse;
	struct port_fault fault;
	struct rte_mempool *pool;
};

struct port_stats {
	uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes;
	uint64_t linearized;	/* chains copied flat for a device that takes none */
};

/* Makes the port's object; no device is touched.  NULL fills `err`. */
struct port *port_new(const struct port_conf *conf, struct err *err);

/*
 * Probes and starts the device.  For vhost this blocks until the switch
 * connects (port_state() says PROBING meanwhile), so it is called from the port
 * thread.  A stale socket is unlinked first.  0, or a negative errno with `err`.
 */
int port_open(struct port *p, struct err *err);

/* No worker may be in a burst of this port: they have been told and have passed a
 * quiescent state, or have ended.  An open port may be closed and opened again. */
void port_close(struct port *p);
void port_free(struct port *p);

/*
 * Reads the link state, which is also what makes a vhost port reconnect: the port
 * thread calls it about every 100 ms.
 */
enum port_state port_poll_link(struct port *p);
/*
 * While port_open() waits for the switch in the port thread, another thread may
 * have to end the program: removes what the wait has left in the file system.
 */
void port_abandon(struct port *p);

/*
 * While another thread is in port_open(): has it come to where only the switch is missing?  Up to
 * there, DPDK's list of devices allows one opener at a time; any number may wait.
 */
bool port_is_listening(const struct port *p);

/* pcap: has all of the capture been received? */
bool port_at_end(struct port *p);

enum port_state port_state(const struct port *p);
const char *port_state_name(enum port_state s);
const struct port_conf *port_config(const struct port *p);
void port_get_stats(const struct port *p, struct port_stats *s);
uint16_t port_mtu(const struct port *p);

/* Another fault setting from now on, of a port with or without one; its log stays.  Any thread, one
 * at a time; workers that are in a burst may still use the old one. */
void port_set_fault(struct port *p, uint32_t loss_ppm, uint64_t seed);
void port_get_fault(const struct port *p, uint32_t *loss_ppm, uint64_t *seed);
/* The queues that the device has, at most conf.n_queues; 0 while it is not open. */
uint16_t port_n_queues(const struct port *p);

/* Up to PORT_BURST frames of the queue, faults applied (dropped ones counted in `drops`). */
unsigned port_rx(struct port *p, uint16_t queue, struct rte_mbuf **m, struct drops *drops);

/*
 * Sends `n` frames; takes them all.  What the ring or the link does not take is
 * freed and counted in `drops` (tx_full, tx_link_down).  Asserts on rx_only.
 */
void port_tx(struct port *p, uint16_t queue, struct rte_mbuf **m, unsigned n, struct drops *drops);

/*
 * For a sleeping worker: a file descriptor that becomes readable with frames on
 * the queue while it is armed; -1 where the device has none.  Arming may race with
 * a frame that has just come: arm, look once more with port_rx(), then sleep.
 * Disarming also reads the descriptor empty.  -ENOTSUP where there is none.
 */
int port_rx_fd(struct port *p, uint16_t queue);
int port_rx_arm(struct port *p, uint16_t queue);
int port_rx_disarm(struct port *p, uint16_t queue);

/*
 * When the frame was captured, in microseconds since the Unix epoch: only frames
 * of a pcap port carry it.  False, and `t` is left alone, where it is not known.
 */
bool port_rx_timestamp(const struct rte_mbuf *m, usec_t *t);

#endif
