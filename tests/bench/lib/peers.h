/*
 * peers.h - the hosts of the relay benchmark: many clients that send, as many servers.
 *
 * Small and cheap: what a frame carries lies there already (frame.h).  A server
 * acknowledges every second segment and looks at all that arrives: order,
 * length and number of each segment, checksums on demand.  They lose
 * nothing and send nothing again, so a segment that is missing stays missing.
 * One thread owns it all.
 */
#ifndef LEAT_TESTS_BENCH_PEERS_H
#define LEAT_TESTS_BENCH_PEERS_H

#include "datapath/pool.h"
#include "datapath/port.h"

enum {
	PEERS_PAYLOAD = 1448,	/* a full segment beside timestamps, MTU 1500 */
};

struct peers_port {
	struct port *client, *server;	/* the hosts' ends */
	uint16_t queue;			/* theirs of both */
	const struct pools *pools;
	struct drops drops;
};

struct peers_flow {
	uint64_t sent, received;	/* segments */
	uint32_t una, edge;		/* client: sequence numbers from its first byte on */
	uint32_t acked;			/* server: segments, as far as it acknowledged */
	bool established;
};

/* `n_flows` connections from one network to port `dport`, in the same state. */
struct peers {
	struct peers_port *at;
	unsigned n_flows, chunk;	/* segments that a client sends in a row */
	unsigned window;		/* segments that a client has in flight at most */
	uint8_t net;			/* third byte of all addresses */
	uint16_t dport;
	unsigned next;			/* the client whose turn it is */
	uint32_t clock;			/* of both ends' timestamps */
	bool verify;			/* every frame is parsed, its checksums too */
	uint64_t sent, received;
	uint64_t wrong;			/* frames or segments not as they should be */
	struct peers_flow flow[];	/* n_flows */
};

/* Clients send a SYN each, or at most `n_max` segments; returns how many left. */
unsigned peers_open(struct peers *p, unsigned first, unsigned n);
unsigned peers_send(struct peers *p, unsigned n_max);

/* Both ends take what has arrived, and answer. */
void peers_receive(struct peers *p);

/* Servers acknowledge what an odd number has left over. */
void peers_flush(struct peers *p);

#endif
