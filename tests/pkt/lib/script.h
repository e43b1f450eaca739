/*
 * script.h - a packet script, read into events.
 *
 * The language is a subset of packetdrill's; tests/pkt/README.md has it.  Numbers are the
 * script's: relative, in host order.  A script belongs to who read it.  One thread.
 */
#ifndef LEAT_TESTS_PKT_SCRIPT_H
#define LEAT_TESTS_PKT_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PKT_MAX_OPTS = 40, PKT_MAX_ARGS = 8, PKT_MAX_EVENTS = 200 };

/* One TCP option; `kind` as on the wire. */
struct script_opt {
	uint8_t kind;
	uint8_t n;	/* values */
	uint32_t v[8];	/* MSS; shift; TSval, TSecr; SACK's edges */
};

/* What a script says of the IP header; of what was sent, all of it. */
struct script_ip {
	uint8_t ecn;		/* 0 noecn, 1 ect1, 2 ect0, 3 ce */
	uint8_t tos;		/* without ECN's two bits */
	uint8_t ttl;
	char src[16], dst[16];	/* of what is brought; "": as ever */
	bool has_ecn, has_tos, has_ttl;
};

/* An ICMP error from a router, about a segment of the stack's. */
struct script_icmp {
	uint8_t type, code;
	uint32_t rest;		/* the four bytes after the checksum: the MTU */
	uint32_t seq, len;	/* of the segment quoted */
};

struct script_seg {
	struct script_ip ip;
	uint16_t flags;		/* as on the wire */
	uint32_t seq, len, ack;
	uint32_t window;
	uint16_t urgent;	/* the pointer as on the wire */
	bool has_window, has_urgent, any_options;
	uint8_t n_opts;
	struct script_opt opt[PKT_MAX_OPTS];
};

struct script_call {
	char name[32];
	char arg[PKT_MAX_ARGS][48];
	unsigned n_args;
	long result;
	char error[32];		/* "EAGAIN"; empty: none */
};

enum script_kind { SCRIPT_IN, SCRIPT_ICMP, SCRIPT_OUT, SCRIPT_CALL };

struct script_event {
	enum script_kind kind;
	unsigned line;
	enum { TIME_ABSOLUTE, TIME_RELATIVE, TIME_ANY } time;
	int64_t at, until;	/* us; until > at: a range */
	struct script_seg seg;
	struct script_icmp icmp;
	struct script_call call;
};

struct script {
	const char *path;
	int64_t tolerance;	/* us */
	uint16_t mtu;
	const char *cc;		/* "cubic", "reno" */
	uint8_t ecn;		/* 0 answer, 1 offer, 2 off */
	bool pace, idle_restart, no_ecn;	/* of what is accepted */
	bool soft_errors;	/* end what is being opened */
	bool cookies;		/* every SYN is answered by a cookie */
	uint32_t window;	/* bytes of the receive buffer; 0: the library's default */
	struct script_event event[PKT_MAX_EVENTS];
	unsigned n_events;
	char text[64 * 1024];
};

/* 0; or -EINVAL and others after a `# FILE:LINE: ...` line. */
int script_read(struct script *s, const char *path);

/* The segment as the language writes it, e.g. `S. 0:0(0) ack 1 win 65535 <mss 1460>`. */
const char *script_seg_text(const struct script_seg *g, char *buf, size_t len);

#endif
