/*
 * vnf_box.h - workers between ring ports, in virtual time, for tests of vnf/.
 *
 * The test holds the far ends of the ports: what it sends there a worker receives by the queue
 * that it chooses.  No thread runs: box_turn() is every worker's turn.  Policies and ended flows go
 * to the store of tests/unit/storage.h.  One a program at a time.
 */
#ifndef LEAT_TESTS_UNIT_VNF_BOX_H
#define LEAT_TESTS_UNIT_VNF_BOX_H

#include "tests/unit/frame.h"
#include "vnf/worker.h"

enum box_port { BOX_A, BOX_B, BOX_TAP };

struct vnf_box {
	struct options o;
	struct pools pools;
	struct worker_conf conf;
	struct active active;
	struct drain drain;
	struct worker *w[MAX_WORKERS];
	struct port *far[3];
	struct drops drops;
	usec_t now;
};

/* With ports a and b, paired, and tap. */
void box_begin(struct vnf_box *b, unsigned n_workers, const char *policy);
/* The same, where the ports a and b carry attachments. */
void box_begin_attached(struct vnf_box *b, unsigned n_workers, const char *policy);
/* The same, where they trust, too: what comes by them is not verified. */
void box_begin_trusting(struct vnf_box *b, unsigned n_workers, const char *policy);
void box_end(struct vnf_box *b);

/* As box_begin(), with room for so many flows of a kind. */
void box_begin_large(struct vnf_box *b, unsigned n_workers, unsigned n_flows, const char *policy);

/* Puts another policy in force. */
void box_policy(struct vnf_box *b, const char *policy);

/* Sends the frame into a queue of a port; nobody has a turn yet. */
void box_send(struct vnf_box *b, enum box_port port, uint16_t queue, const struct frame *f);

/* A turn of every worker, 1 ms later. */
void box_turn(struct vnf_box *b);

/* What came out of a port, any queue; the caller's.  NULL: nothing. */
struct rte_mbuf *box_receive(struct vnf_box *b, enum box_port port);

/* How many came out of it; they are freed. */
unsigned box_count(struct vnf_box *b, enum box_port port);

/* A segment 10.0.0.1:`sport` -> 10.0.0.2:`dport`, or the other way round, with 10 bytes if PSH is
 * set; `meta` above 0 is the VID of a metadata tag. */
void box_segment(struct frame *f, bool reverse, uint16_t sport, uint16_t dport, uint16_t flags,
		 uint16_t meta);

/* How many flows of this kind the workers have. */
unsigned box_flows(const struct vnf_box *b, enum tcpterm_kind kind);

/* The worker that owns this flow. */
unsigned box_owner(uint16_t sport, uint16_t dport, uint16_t domain, unsigned n_workers);

#endif
