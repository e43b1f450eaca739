/*
 * record.h - what the store is told: flat records of integers, strings and bytes.
 *
 * These structs are the contract between vnf/, which fills them, and db/, which
 * writes them.  They hold no pointers and need no destructor, so they can be
 * copied through a ring from a worker to the control thread; whoever holds the
 * memory owns them.  Start from all zeros: zero or an empty string means "not
 * known" wherever that can be.
 *
 * Times are microseconds since 1970-01-01 00:00 UTC, durations microseconds.
 * Integers are in host byte order, addresses and MACs as on the wire.  Strings end
 * with a NUL or fill their array; words (mode, start, reason, states) are stored
 * as given, leat-db(5) lists those in use.  A count above 2^63 - 1 is stored as that.
 */
#ifndef LEAT_DB_RECORD_H
#define LEAT_DB_RECORD_H

#include <stdbool.h>
#include <stdint.h>

enum {
	RECORD_VLANS = 16,	/* deepest tag stack */
	RECORD_ID = 32,		/* "worker:slot:generation" */
	RECORD_WORD = 16,	/* a mode, a reason, a TCP state */
	RECORD_RULE = 64,	/* a rule's name */
	RECORD_APP = 32,	/* a chain of applications */
	RECORD_NAMES = 480,	/* the names in them */
	RECORD_SHOWN = 128,	/* bytes of each version of what came twice */
};

enum record_direction {
	RECORD_UP,		/* client to server */
	RECORD_DOWN,		/* server to client */
};

enum record_side {
	RECORD_CLIENT,		/* the end that opened, or seems to have opened, the flow */
	RECORD_SERVER,
};

/* One end, as its own frames said. */
struct end_record {
	uint8_t addr[16];	/* IPv4: the first four */
	uint16_t port;
	uint8_t mac[6];		/* all zeros: no frame seen */
};

/* One direction of the byte stream. */
struct direction_record {
	uint64_t packets;
	uint64_t bytes;		/* of payload, once each */
	uint64_t gaps;
	uint64_t gap_bytes;
	uint64_t goodput;	/* bytes a second while some were in flight, 0: not measured */
	uint64_t conflicts;	/* passive: bytes that came twice and differed, each time */
};

/* The path between Leat and one end. */
struct leg_record {
	uint32_t srtt;		/* us, 0: never measured */
	uint32_t min_rtt;	/* us, 0: never measured */
	uint32_t retransmits;	/* segments sent again on this leg, by whoever sends there */
	uint32_t out_of_order;	/* segments that came so from this end */
	uint32_t zero_windows;	/* times this end closed its window */
	uint32_t handshake;	/* us that the handshake waited for this end, 0: not seen */
	uint32_t out_of_window;	/* tracked: segments of this end that nobody let it send */
	uint64_t retransmit_bytes;	/* tracked: in the segments sent again */
};

/* A flow that ended, and the part that a live one has in common with it. */
struct flow_record {
	int64_t started;
	int64_t ended;		/* a live flow: when this was true */
	uint64_t generation;	/* of the policy that decided, 0: none */
	char flow_id[RECORD_ID];	/* unique while the daemon runs */
	uint32_t domain;	/* ingress domain */
	uint8_t family;		/* 4 or 6 */
	uint8_t n_vlans;
	bool wscale_clamped;	/* an end scaled its window by more than 14 (RFC 7323 2.3) */
	uint16_t vlan[RECORD_VLANS];	/* VIDs, outermost first */
	struct end_record end[2];	/* by enum record_side */
	char mode[RECORD_WORD];
	char rule[RECORD_RULE];
	char app[RECORD_APP];	/* "": not identified */
	char names[RECORD_NAMES];	/* lines KEY=VALUE, printable ASCII: leat-db(5) */
	char start[RECORD_WORD];
	char roles[RECORD_WORD];	/* who is the client: known, guessed, corrected */
	char reason[RECORD_WORD];	/* why it ended; not read of a live flow */
	struct direction_record direction[2];	/* by enum record_direction */
	struct leg_record leg[2];	/* by enum record_side */
};

_Static_assert(sizeof(struct flow_record) <= 1024, "a flow_record outgrew its ring");

/* A flow alive at a checkpoint. */
struct live_record {
	struct flow_record flow;
	char state[2][RECORD_WORD];	/* TCP state of each leg, by enum record_side */
	uint64_t held[2];	/* bytes acknowledged by Leat and not yet by the far end,
				   by enum record_direction */
};

/* Bytes of a flow that were never seen. */
struct gap_record {
	char flow_id[RECORD_ID];
	int64_t declared;
	uint64_t offset;	/* of its first byte in the stream */
	uint64_t length;	/* above 0 */
	enum record_direction direction;
	char reason[RECORD_WORD];
};

/* A flow's client was guessed wrong: what was recorded of a direction of it is of the other. */
struct turn_record {
	char flow_id[RECORD_ID];
};

/* Bytes of a flow that came twice and differ. */
struct conflict_record {
	char flow_id[RECORD_ID];
	int64_t seen;
	uint64_t offset;	/* of the first of them in the stream */
	uint32_t length;	/* above 0 */
	enum record_direction direction;
	uint16_t shown;		/* how many of both versions are here */
	char overlap[RECORD_WORD];	/* the policy that chose between them */
	uint8_t was[RECORD_SHOWN];	/* came first */
	uint8_t came[RECORD_SHOWN];
};

#endif
