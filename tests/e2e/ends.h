/*
 * ends.h - both ends of the connections that bench-e2e measures, in one program.
 *
 * Two processes: the server in its namespace, the client in its own.  They share counters, so
 * that what the server has read counts at the client's own times.  A connection's first byte
 * tells the server what it is for: bulk is read and forgotten, a request is answered.
 */
#ifndef LEAT_TESTS_E2E_ENDS_H
#define LEAT_TESTS_E2E_ENDS_H

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdint.h>

enum {
	REQUEST = 100,	/* bytes */
	REPLY = 1000,
	N_PORTS = 8,	/* connections are spread over so many of the server's ports */
	N_FDS = 20000,	/* of a process: the machine's limit */
	FOR_BULK = 'B',
	FOR_REPLY = 'R',
};

/* Shared by the two processes; the server writes. */
struct shared {
	_Atomic uint64_t bytes;		/* read of bulk connections */
	_Atomic uint64_t requests;	/* answered */
	_Atomic int64_t open;		/* connections now */
};

/* What the client is to do. */
struct plan {
	struct sockaddr_in to;	/* the first port */
	unsigned n;		/* connections at a time */
	unsigned window;	/* requests under way at a time (rr) */
	unsigned rate;		/* connections opened a second (hold); 0: no limit */
	int64_t warm_us, time_us;
	const struct shared *server;
};

int64_t now_us(void);
/* Prints what failed and ends the program: it is a measurement that can't be made. */
_Noreturn void die(const char *what);

/* The server's process: answers on `port` and the N_PORTS - 1 after it until its parent ends.
 * Writes a byte to `ready` once it listens. */
_Noreturn void serve(uint16_t port, struct shared *s, int ready);

/* The client's: each prints one JSON object and returns. */
void client_bulk(const struct plan *p);	/* n connections send for as long as it takes */
void client_short(const struct plan *p);	/* n at a time: open, request, reply, close */
void client_rr(const struct plan *p);	/* n stay open, `window` requests under way */
/* Opens n, one request each, says so, and holds them until standard input ends. */
void client_hold(const struct plan *p);

#endif
