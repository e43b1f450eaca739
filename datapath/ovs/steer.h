/*
 * steer.h - what is to be steered through Leat, and the switch's rules that do it.
 *
 * A selection names the traffic and the two ports of the switch it crosses between.
 * Rendering is a pure function: the same selections give the same text, byte by byte; the
 * switch is only asked for its port numbers, through a callback.  No state, any thread;
 * everything a struct ovs_selection points to stays the caller's.
 */
#ifndef LEAT_DATAPATH_OVS_STEER_H
#define LEAT_DATAPATH_OVS_STEER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "datapath/err.h"

#define OVS_COOKIE_LEAT UINT64_C(0x4c45415400000000)	/* "LEAT" << 32 */
#define OVS_COOKIE_MASK UINT64_C(0xfffffffffff00000)	/* an instance's rules */
#define OVS_COOKIE_RETURN UINT64_C(0x80000)		/* set in those for what leaves Leat */
#define OVS_GROUP_BASE 0x4c450000u

enum {
	OVS_INSTANCE_MAX = 255,		/* instances are numbered 0 to this */
	OVS_NEXT_NORMAL = -1,
	OVS_VLAN_ANY = -1,
	OVS_VLAN_NONE = 0,
	OVS_TAG_ID_MAX = 0x7fe,		/* with the side's bit 0x800 it is a legal VID */
	OVS_TAP_SERVER = 0x800,		/* set in the VID of what came from the server's port */
	OVS_RULES_MAX = 8192,
	OVS_PAIRS_MAX = 16,		/* of one selection */
	OVS_SAMPLE_MAX = 65535,
};

enum ovs_steer_kind {
	OVS_STEER_INLINE,	/* through Leat: client port, leat-a, leat-b, server port */
	OVS_STEER_COPY,		/* a copy of both directions goes to leat-tap */
	OVS_STEER_MIRROR,	/* an OVS Mirror: all of the client's port, untagged, to leat-tap */
};

/* What the pair is chosen by where there are several; both directions always agree. */
enum ovs_balance {
	OVS_BALANCE_L3L4,	/* addresses and ports */
	OVS_BALANCE_L3,		/* addresses: also right for fragments */
};

/* Two of Leat's ports: towards the client, towards the server. */
struct ovs_pair {
	const char *a, *b;
};

struct ovs_port_range {
	uint16_t first, last;
};

struct ovs_prefix {
	bool v6;
	uint8_t len;		/* bits */
	uint8_t addr[16];	/* network order; IPv4 in the first four */
};

struct ovs_selection {
	const char *name;
	const char *bridge;
	const char *client, *server;	/* ports of the bridge, the sides of the flows */
	enum ovs_steer_kind kind;
	const struct ovs_pair *pairs;	/* inline: at most OVS_PAIRS_MAX */
	unsigned int n_pairs;
	enum ovs_balance balance;	/* inline, of more than one pair */
	unsigned int sample;		/* 1 of so many connections, to OVS_SAMPLE_MAX; 0 as 1 */
	const char *leat_tap;		/* copy, mirror */
	/* VID of the metadata tag, 1 to OVS_TAG_ID_MAX; a copy has one for each
	 * (client, server, tap), inline 0 means none */
	uint16_t tag_id;

	/* TCP only. An empty list means any. */
	const struct ovs_port_range *ports;	/* of the server */
	unsigned int n_ports;
	const struct ovs_prefix *from, *to;	/* of clients, of servers */
	unsigned int n_from, n_to;

	int vlan;		/* VID of the outer tag, or OVS_VLAN_* */
	int next_table;		/* where what is not ours goes: a table, or OVS_NEXT_NORMAL */
	bool fail_closed;	/* inline: drop, not bypass, while Leat is away */
};

/* The number of a bridge's port. Returns 0 or a negative errno with `e` filled. */
typedef int ovs_resolve_fn(void *ctx, const char *bridge, const char *port, uint32_t *number,
			   struct err *e);

struct ovs_rule {
	uint64_t cookie;
	unsigned int priority;
	unsigned int class;	/* render.h */
	unsigned int next;	/* of the same hash, from 1 */
	char *match;
	char *actions;
};

struct ovs_group {
	uint32_t id;
	char *text;		/* as the switch prints it: "group_id=N,type=ff,bucket=..." */
};

/* What one bridge has to hold for an instance. */
struct ovs_program {
	unsigned int instance;
	struct ovs_rule *rules;
	unsigned int n_rules, room_rules;
	unsigned int *chain;	/* by a match's hash: a rule's place from 1; 0 none */
	struct ovs_group *groups;
	unsigned int n_groups, room_groups;
};

/*
 * Renders those of the `n` selections that are on `bridge`, for instance 0 to OVS_INSTANCE_MAX.
 *
 * Where two overlap the earlier in the list wins; at most 100 may overlap one another (match.h says
 * what priorities follow).  What an earlier one leaves to the switch, as not sampled, no later
 * one gets.  Fragments and ICMP errors, which carry no ports, go through Leat if any selection of
 * their addresses would have them do so (the fail-closed one, else the first), and are copied for
 * all that would; they are never sampled.
 *
 * Of several pairs, one is chosen for a connection by a hash that is the same in both directions,
 * over those of which both ports are live; one lost moves only its share.  Fragments and
 * errors are told apart by addresses alone, so with OVS_BALANCE_L3L4 their pair need not be their
 * connection's (it is the same in both directions all the same); with OVS_BALANCE_L3 a fragment's
 * is, and an error's if it comes from the far end itself.
 *
 * Returns 0; -EINVAL for selections that make no sense or contradict each other, -E2BIG for more
 * than OVS_RULES_MAX rules, the group ids of an instance or the ranks, or what `resolve` returned.
 * The caller calls ovs_program_fini() in every case.
 */
int ovs_render(struct ovs_program *p, unsigned int instance, const char *bridge,
	       const struct ovs_selection *sel, unsigned int n, ovs_resolve_fn *resolve, void *ctx,
	       struct err *e);
void ovs_program_fini(struct ovs_program *p);

/* The cookie of an instance's rule 0. */
uint64_t ovs_cookie(unsigned int instance);

/* One rule as `ovs-ofctl add-flow` reads it, without a line end. */
void ovs_rule_print(const struct ovs_rule *r, FILE *f);

/* The whole program as the input of `ovs-ofctl bundle`, inner groups before those that use them. */
void ovs_program_print(const struct ovs_program *p, FILE *f);

#endif
