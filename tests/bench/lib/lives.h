/*
 * lives.h - short connections of the relay benchmark, a crowd at a time: SYN, a request, a reply,
 * FIN, both ways.
 *
 * Both ends are made up frame by frame: nothing is lost, and a proxy that keeps the ends' numbers
 * makes all of them known beforehand.  What comes out is counted, and has to be all payload and
 * both FINs.  One thread.
 */
#ifndef LEAT_TESTS_BENCH_LIVES_H
#define LEAT_TESTS_BENCH_LIVES_H

#include "tests/bench/lib/peers.h"

enum { LIVES_REQUEST = 100, LIVES_REPLY = 1024, LIVES_CROWD = PORT_BURST / 2 };

struct lives {
	struct peers_port *at;
	uint8_t net;
	uint16_t dport;
	uint32_t n;			/* connections so far */
	uint32_t clock;
	uint64_t bytes[2], fins[2];	/* that came out at the client, at the server */
	uint64_t wrong;			/* RSTs, and frames there was no memory for */
};

enum { LIVES_STEPS = 7 };

/* The frames of one step of the crowd's lives leave; after the last the next crowd is due. */
void lives_send(struct lives *l, unsigned step);

/* Takes what came out. */
void lives_receive(struct lives *l);

/* Did all that was sent come out? */
bool lives_whole(const struct lives *l);

#endif
