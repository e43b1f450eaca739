/*
 * flow_filter.h - KEY=VALUE words that choose flows, for flow list|count|kill|follow and pcap.
 *
 * A filter is a value without pointers: the control thread makes it, and copies go to workers,
 * which hold flows and frames against it.  Nothing here allocates.
 *
 *	mode=proxy,track addr=10.0.0.0/8 port!=80 older=10m
 *
 * All words must hold.  Of a word's values, separated by commas, one must; with != none may.
 */
#ifndef LEAT_VNF_FLOW_FILTER_H
#define LEAT_VNF_FLOW_FILTER_H

#include <tcpterm/stack.h>

#include "datapath/err.h"

enum {
	FLOW_FILTER_WORDS = 16,
	FLOW_FILTER_VALUES = 32,	/* of all words */
	FLOW_FILTER_TEXT = 512,		/* bytes of all names and VLAN stacks in it */
};

/* The keys, as in doc/leatctl.8. */
#define FLOW_FILTER_KEYS                                                                      \
	"id, mode, rule, generation, start, client, server, addr, cport, sport, port, vlan, " \
	"domain, state, app, sni, host, alpn, older, idle"

struct flow_filter_value {
	union {
		struct {
			struct ip_addr addr;
			uint8_t len;		/* bits of the 128-bit form */
			bool has_port;
			uint16_t port;
		} end;
		struct {
			uint64_t lo, hi;	/* inclusive; of a duration, us, lo only */
		} range;
		struct {
			uint32_t worker, ref, generation;
		} id;
		uint16_t text;			/* where it begins in `text` */
	};
};

struct flow_filter_word {
	uint8_t key;
	bool negated;
	uint8_t first, n;			/* its values */
};

struct flow_filter {
	uint8_t n_words, n_values;
	uint16_t text_len;
	struct flow_filter_word word[FLOW_FILTER_WORDS];
	struct flow_filter_value value[FLOW_FILTER_VALUES];
	char text[FLOW_FILTER_TEXT];
};

/* What is held against a filter: a flow, or a frame of which the table has no flow. */
struct flow_subject {
	struct tcpterm *stack;
	unsigned worker;
	usec_t now;
	struct flow *flow;		/* NULL: only the frame is known */
	const struct pkt *pkt;		/* read where there is no flow: TCP, or an ICMP error */
};

enum flow_filter_answer {
	FLOW_FILTER_NO,
	FLOW_FILTER_YES,
	FLOW_FILTER_UNKNOWN,	/* the frame's flow would have to be known */
};

/* No words: every flow is chosen.  0, or -EINVAL with `err`, which names the known keys. */
int flow_filter_parse(struct flow_filter *ff, int argc, const char *const argv[], struct err *err);

/* Is it a single flow's id, and nothing else? */
bool flow_filter_is_id(const struct flow_filter *ff, unsigned *worker, uint32_t *ref,
		       uint32_t *generation);

/* The flow's worker's thread. */
enum flow_filter_answer flow_filter_match(const struct flow_filter *ff,
					  const struct flow_subject *s);

#endif
