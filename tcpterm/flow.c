/*
 * The common head of all flows: made, found, counted, changed, destroyed.
 */
#include "datapath/pool.h"
#include "tcpterm/embryo.h"
#include "tcpterm/pair_rest.h"
#include "tcpterm/rest.h"
#include "tcpterm/roles.h"
#include "tcpterm/tape.h"
#include "tcpterm/track.h"

uint32_t
core_hash(const struct pkt *p)
{
	uint16_t vid[PKT_MAX_TAGS];
	unsigned n = pkt_key_vids(p, vid);

	return flow_hash(&p->src, &p->dst, p->sport, p->dport, p->domain, vid, n);
}

bool
core_key(struct tcpterm *s, const struct pkt *p, bool create, struct flow_key *k)
{
	uint16_t vid[PKT_MAX_TAGS];
	unsigned n = pkt_key_vids(p, vid);

	*k = (struct flow_key){
		.addr = { p->src, p->dst },
		.port = { p->sport, p->dport },
		.domain = p->domain,
	};
	return vlan_stack_key(s->vlans, vid, n, create, k);
}

struct flow *
tcpterm_find(struct tcpterm *s, const struct flow_key *k)
{
	uint16_t vid[PKT_MAX_TAGS];
	unsigned n = vlan_stack_vids(s->vlans, k, vid);
	const struct table_key key = table_key(
		k, flow_hash(&k->addr[0], &k->addr[1], k->port[0], k->port[1], k->domain, vid, n));
	enum flow_match how;

	return table_find(s->table, &key, &how);
}

struct flow *
tcpterm_find_pkt(struct tcpterm *s, const struct pkt *p)
{
	struct flow_key k;

	return core_key(s, p, false, &k) ? tcpterm_find(s, &k) : NULL;
}

unsigned
tcpterm_walk(struct tcpterm *s, uint64_t *cursor, struct flow **out, unsigned n_max)
{
	return table_walk(s->table, cursor, out, n_max);
}

uint32_t
core_flow_hash(const void *ctx, const struct flow *f)
{
	const struct tcpterm *s = ctx;
	const struct flow_key k = flow_key_of(f);
	uint16_t vid[PKT_MAX_TAGS];
	unsigned n = vlan_stack_vids(s->vlans, &k, vid);

	return flow_hash(&k.addr[0], &k.addr[1], k.port[0], k.port[1], k.domain, vid, n);
}

bool
core_has_room(const struct tcpterm *s, enum tcpterm_kind kind)
{
	return s->stats.n_flows[kind] < s->slabs[flow_slab(kind, false)].n_max;
}

static struct flow *
object_new(struct tcpterm *s, enum tcpterm_kind kind, bool v6)
{
	unsigned slab = flow_slab(kind, v6);
	struct flow *f;
	uint32_t index;

	f = core_has_room(s, kind) ? slab_alloc(&s->slabs[slab], &index) : NULL;
	if (!f)
		return NULL;
	f->kind = (uint8_t)kind;
	f->ref = ref_make(slab, index);
	if (kind == TCPTERM_KIND_EMBRYO)
		flood_remember(s, (struct embryo *)f);
	s->stats.n_flows[kind]++;
	return f;
}

static void
object_free(struct tcpterm *s, struct flow *f)
{
	timer_cancel(&s->wheel, f);
	if (f->kind == TCPTERM_KIND_EMBRYO)
		flood_forget(s, (struct embryo *)f);
	rest_end(s, f);
	track_free(s, f);
	s->stats.n_flows[f->kind]--;
	slab_free(&s->slabs[f->ref >> REF_SLAB_SHIFT], f->ref & REF_INDEX_MASK);
}

/* --- counters --- */

/* Of both directions; NULL: the flow has none, for there was nothing to carry, or never is. */
static struct flow_carry *
carry_of(const struct flow *f)
{
	switch ((enum tcpterm_kind)f->kind) {
	case TCPTERM_KIND_CONN:
		return ((struct endpoint_head *)f)->carry;
	case TCPTERM_KIND_RELAY:
		return ((struct relay_head *)f)->carry;
	case TCPTERM_KIND_PASSIVE:
		return ((struct pair_head *)f)->carry;
	case TCPTERM_KIND_TRACK:
	case TCPTERM_KIND_PASS:
	case TCPTERM_KIND_DROP:
		return ((struct track *)f)->more ? ((struct track *)f)->more->carry : NULL;
	default:
		return NULL;	/* a handshake has not that many */
	}
}

uint64_t
flow_packets(const struct flow *f, unsigned dir)
{
	const struct flow_carry *c = carry_of(f);

	return (c ? (uint64_t)c[dir].packets << 32 : 0) | f->count[dir].packets;
}

uint64_t
flow_bytes(const struct flow *f, unsigned dir)
{
	const struct flow_carry *c = carry_of(f);

	return (c ? (uint64_t)c[dir].bytes << 32 : 0) | f->count[dir].bytes;
}

static void
carry(struct tcpterm *s, struct flow *f, unsigned dir, struct flow_carry n)
{
	struct flow_carry *c;

	if (track_is(f))
		(void)track_more(s, (struct track *)f);
	c = carry_of(f);
	if (c) {
		c[dir].bytes += n.bytes;
		c[dir].packets += n.packets;
	}
}

void
flow_count(struct tcpterm *s, struct flow *f, const struct pkt *p, unsigned dir)
{
	struct flow_count *c = &f->count[dir];

	c->bytes += p->payload_len;
	c->packets++;
	if (unlikely(c->bytes < p->payload_len || c->packets == 0))
		carry(s, f, dir,
		      (struct flow_carry){ .bytes = c->bytes < p->payload_len,
					   .packets = c->packets == 0 });
	f->last = s->now;
}

/* --- life --- */

struct flow *
flow_create(struct tcpterm *s, enum tcpterm_kind kind, const struct pkt *p, bool reverse)
{
	struct short_key key;
	struct flow_key k;
	struct flow *f;

	if (!core_key(s, p, true, &k))
		goto no_memory;
	if (reverse)
		k = flow_key_reverse(&k);
	key = flow_key_short(&k);
	f = object_new(s, kind, key.v6);
	if (!f)
		goto no_memory;
	f->key = key;
	if (key.v6)
		memcpy((char *)f - FLOW_V6_LEAD, k.addr, FLOW_V6_LEAD);
	f->started = f->last = s->now;
	s->learned.p = NULL;
	if (table_insert(s->table, f, p->hash) != 0) {
		object_free(s, f);
		goto no_memory;
	}
	s->table_changes++;
	vlan_stack_get(s->vlans, &k);
	return f;
no_memory:
	drops_count(&s->drops, DROP_no_memory);
	return NULL;
}

struct flow *
flow_become(struct tcpterm *s, struct flow *f, enum tcpterm_kind kind)
{
	struct flow *to = object_new(s, kind, f->key.v6);
	const struct flow_carry *c = carry_of(f);
	struct flow own;

	if (!to) {
		drops_count(&s->drops, DROP_no_memory);
		return NULL;
	}
	own = *to;
	*to = *f;
	to->kind = own.kind;
	to->ref = own.ref;
	to->generation = own.generation;
	to->timer = own.timer;
	s->learned.p = NULL;
	if (to->key.v6)
		memcpy((char *)to - FLOW_V6_LEAD, flow_v6(f), FLOW_V6_LEAD);
	for (unsigned d = 0; c && d < 2; d++)
		if (c[d].bytes | c[d].packets)
			carry(s, to, d, c[d]);
	roles_remember(s, to);
	table_replace(s->table, f, to);
	if (s->tapes)
		tape_follow(s, f->ref, to->ref);
	s->table_changes++;
	object_free(s, f);
	return to;
}

void
flow_announce_end(struct tcpterm *s, struct flow *f, enum tcpterm_end why)
{
	if (f->end == TCPTERM_END_NONE)
		f->end = (uint8_t)why;
	roles_mend(s, f);
	if (f->announced && s->conf.ops->flow_end)
		s->conf.ops->flow_end(s->conf.ctx, f);
	f->announced = false;
}

void
flow_destroy(struct tcpterm *s, struct flow *f, enum tcpterm_end why)
{
	const struct flow_key k = flow_key_of(f);

	flow_announce_end(s, f, why);
	if (s->tapes)
		tape_flow_gone(s, f);
	table_remove(s->table, f);
	s->table_changes++;
	vlan_stack_put(s->vlans, &k);
	l2_forget(s->l2s, &f->l2[0]);
	l2_forget(s->l2s, &f->l2[1]);
	object_free(s, f);
}

void
flow_announce(struct tcpterm *s, struct flow *f)
{
	f->announced = true;
	if (s->conf.ops->flow_new)
		s->conf.ops->flow_new(s->conf.ctx, f);
}

void
flow_arm(struct tcpterm *s, struct flow *f, usec_t at)
{
	timer_arm(&s->wheel, f, at);
}

void
flow_learn(struct tcpterm *s, struct flow *f, const struct pkt *p, unsigned dir)
{
	if (p->goes_on && s->learned.p == p - 1 && s->learned.f == f && s->learned.dir == dir) {
		s->learned.p = p;
		return;
	}
	f->seen |= (uint8_t)(1u << dir);
	if (f->key.v6)
		f->key.label[dir] = p->flow_label;
	s->learned.p = p;
	s->learned.f = f;
	s->learned.dir = dir;
	if (!l2_learn(s->l2s, &f->l2[dir], p)) {
		s->learned.p = NULL;
		s->stats.headers_not_learned++;
	}
}

void
flow_touch(struct tcpterm *s, struct flow *f, const struct pkt *p, unsigned dir)
{
	flow_count(s, f, p, dir);
	flow_learn(s, f, p, dir);
}

void
core_drop(struct tcpterm *s, struct rte_mbuf *m, enum drop why)
{
	drops_count(&s->drops, why);
	pool_refs_free(m);
}

/* What was reassembled for its state goes on as the fragments that it came in. */
static void
forward_originals(struct tcpterm *s, struct rte_mbuf *whole)
{
	for (unsigned i = 0; i < s->n_original; i++)
		s->conf.ops->forward(s->conf.ctx, &s->original[i]);
	s->n_original = 0;
	rte_pktmbuf_free(whole);
}

void
core_forward(struct tcpterm *s, const struct pkt *p)
{
	s->stats.forwarded++;
	if (s->n_original > 0)
		forward_originals(s, p->m);
	else
		s->conf.ops->forward(s->conf.ctx, p);
}
