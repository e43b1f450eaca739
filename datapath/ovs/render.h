/*
 * render.h - a program in the making: what the files that render it share.
 *
 * Lives for one call of ovs_render(), on its thread.
 *
 * A packet that needs more than one step through table 0 carries what was chosen for it in
 * registers, which are cleared before it goes on to the operator's rules:
 *	reg12	the step's key: the instance << 16, and a number of its own
 *	reg13	the pair by its a port, 0xffff for none; or a sample's residue
 *	reg14	the pair by its b port, likewise; or 1: to be probed (tags.c)
 *	reg15	the attachment's VID
 */
#ifndef LEAT_DATAPATH_OVS_RENDER_H
#define LEAT_DATAPATH_OVS_RENDER_H

#include "datapath/ovs/overlap.h"

#define OVS_CLEAR "set_field:0->xxreg3,"

enum {
	RENDER_GROUPS = 254,	/* an instance's group ids, but for `always` and `contain` */
	RENDER_NEXT = 32,	/* bytes of a NEXT's text */
	/* The universal hash's parameters: sampling must not follow from balancing. */
	RENDER_BASIS_BALANCE = 1,
	RENDER_BASIS_SAMPLE = 2,
};

/* A way through one or more pairs; selections that differ only in their traffic share it. */
struct way {
	uint32_t a[OVS_PAIRS_MAX], b[OVS_PAIRS_MAX];
	unsigned int n;
	int next_table;
	bool fail_closed, tagged;
	uint32_t group;		/* the first of four for each pair */
	uint32_t key[2];	/* by side */
	uint32_t probed
		[2][2]; /* the keys by which tags are counted first: by side and fields; 0 none */
};

/* A copy of one attachment's side, made only of what has room for its tag. */
struct known_copy {
	uint32_t vid, tap, key;
};

struct known_port {
	const char *name;
	uint32_t number;
};

struct render {
	struct ovs_program *p;
	const char *bridge;
	const struct ovs_selection *sel;	/* all */
	unsigned int n;
	struct ovs_rank *rank;			/* of each */
	unsigned int *way_of;			/* each inline one's place in `ways` */
	ovs_resolve_fn *resolve;
	void *ctx;
	struct err *e;
	struct way *ways;
	unsigned int n_ways, room_ways, n_keys;
	uint32_t is_double, is_single;		/* keys of the probes; 0: none yet */
	struct known_copy *copies;
	unsigned int n_copies, room_copies;
	struct known_port *ports;
	unsigned int n_ports, room_ports;
	const struct ovs_selection *at;		/* the one being rendered, for messages */
	uint64_t cookie;			/* its */
};

/* Which rules must not be there twice. */
enum rule_class {
	RULE_FLOW,
	RULE_PART,	/* at whatever priority: the first stays */
	RULE_RETURN,	/* two that differ contradict each other */
	RULE_STEP,
};

/* Adds a rule; `match` and `actions` are copied. An equal match of its class stays as it is.
 * Returns 0, -EINVAL, -E2BIG or -ENOMEM. */
int render_rule(struct render *r, enum rule_class class, unsigned int priority, const char *match,
		const char *actions);

/* Adds a group, `text` as dump-groups prints it; it becomes the program's. NULL: no memory. */
int render_group(struct render *r, uint32_t id, char *text);

/* The id of the group that is always live: what a last bucket watches. */
uint32_t render_always(const struct render *r);

/* The id of the group whose bucket ends an `exit` (tags.c). */
uint32_t render_contain(const struct render *r);

/* A key for reg12 that no other step of any instance has. */
uint32_t render_key(struct render *r);

/* The number of a port of the bridge; each name is resolved once. */
int render_port(struct render *r, const char *name, uint32_t *number);

/* "NORMAL" or "resubmit(,T)". */
const char *render_next(int table, char text[RENDER_NEXT]);

/* Room for one more in an array of *n elements of `size` bytes, or NULL. */
void *render_grown(void *array, unsigned int n, unsigned int *room, size_t size);

/*
 * way.c: the way of an inline selection, with its groups, steps and return rules. `*index` is its
 * place in r->ways.  Returns 0 or the errors of ovs_render().
 */
int way_get(struct render *r, const struct ovs_selection *sel, unsigned int *index);

/* What a pair is chosen by, in OVS's words. */
enum way_fields { BY_L3, BY_L3L4 };

/* Writes the actions that send a packet of `sel` from `side` on the way of that place. Returns 0 or
 * the errors of render_rule(). */
int way_actions(struct render *r, unsigned int index, const struct ovs_selection *sel,
		enum ovs_side side, enum way_fields fields, FILE *f);

/*
 * tags.c: steps that keep what has two tags already from a third, which the switch cannot push: it
 * would lose the inner one.  Under `key`, with reg14 0, a packet that has fewer goes on with
 * `actions`, others go without Leat: `otherwise`, or "" to drop them.
 * Returns 0 or the errors of render_rule().
 */
int tags_guard(struct render *r, uint32_t key, const char *actions, const char *otherwise);

/* Likewise, for what is done beside a packet's way: with two tags nothing. */
int tags_contain(struct render *r, uint32_t key, const char *actions);

/* The actions that run what tags_contain() rendered under the key: what follows them finds the
 * packet as it was, and clear registers. */
void tags_run(const struct render *r, uint32_t key, FILE *f);

/* The rules for what comes from Leat's tap: nothing. */
int way_tap(struct render *r, uint32_t tap);

#endif
