/*
 * table.h - from a flow key to the object that owns it.
 *
 * Buckets of half a hash and a ref; the keys stay in the objects (struct flow), which
 * the table reaches through the stack's slabs.  Grows in steps, at most a bucket an
 * insertion, so that no insertion stalls.  Single-threaded.
 */
#ifndef TCPTERM_TABLE_H
#define TCPTERM_TABLE_H

#include <tcpterm/flow.h>

#include "tcpterm/slab.h"

/*
 * A ref names a slab (high 5 bits) and an index in it.  There are two slabs of a kind, for IPv4
 * and for IPv6, whose flows have FLOW_V6_LEAD bytes before them.
 */
enum { REF_SLAB_SHIFT = 27, N_FLOW_SLABS = 2 * TCPTERM_N_KINDS };
#define REF_INDEX_MASK ((1u << REF_SLAB_SHIFT) - 1)

static inline unsigned
flow_slab(enum tcpterm_kind kind, bool v6)
{
	return 2 * kind + v6;
}

static inline uint32_t
ref_make(unsigned slab, uint32_t index)
{
	return slab << REF_SLAB_SHIFT | index;
}

struct table;

/* What is looked for. */
struct table_key {
	struct short_key key;
	uint32_t hash;			/* flow_hash() */
	const struct ip_addr *v6;	/* both ends' addresses; of IPv4 not looked at */
};

/* `k` lasts as long as what is made of it. */
static inline struct table_key
table_key(const struct flow_key *k, uint32_t hash)
{
	return (struct table_key){ flow_key_short(k), hash, k->addr };
}

/* The hash of a flow that is in the table. */
typedef uint32_t (*table_hash)(const void *ctx, const struct flow *f);

/*
 * `slabs` is an array of N_FLOW_SLABS; every object is a struct flow with more behind it.  The two
 * have link names of their own, for a program may have other tables.
 */
struct table *table_new(const struct slab *slabs, uint32_t n_max, table_hash hash,
			const void *ctx) __asm__("tcpterm_table_new");
void table_free(struct table *t) __asm__("tcpterm_table_free");

/* f->key and f->ref are set, and it has this hash. 0, -EEXIST, -ENOMEM (n_max flows are in it). */
int table_insert(struct table *t, const struct flow *f, uint32_t hash);
void table_remove(struct table *t, const struct flow *f);

/* The flow's object was replaced by another with the same key (an embryo that became a relay). */
void table_replace(struct table *t, const struct flow *from, const struct flow *to);

/* NULL if there is none; else *how tells the orientation of `k`. */
struct flow *table_find(const struct table *t, const struct table_key *k, enum flow_match *how);

/* The same for a burst: buckets are fetched for all, then objects, then they are compared. */
void table_find_burst(const struct table *t, const struct table_key *k, unsigned n,
		      struct flow **out, enum flow_match *how);

/*
 * See tcpterm_walk().  The cursor is a place in the slabs, not in the buckets, so growth does not
 * disturb it; a flow that changes its kind meanwhile may be seen as both.  A turn looks at 64 slots
 * for each flow wanted at most, so it may return fewer, even none, before the end.
 */
unsigned table_walk(const struct table *t, uint64_t *cursor, struct flow **out, unsigned n_max);

/* Cache lines of the table that a search for this flow reads; 0: it is not in it. */
unsigned table_probes(const struct table *t, const struct flow *f);

uint32_t table_count(const struct table *t);

/* As slab_commit(). */
void table_commit(struct table *t);

#endif
