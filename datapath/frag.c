/*
 * frag.c - the table of datagrams whose fragments are not all here.
 *
 * Datagrams hang in hash buckets, and in a list by age: all have the same time to
 * live, so the oldest is the first to go.  All memory is taken at the start.
 */
#include "datapath/frag.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <rte_common.h>

#include "datapath/frag_build.h"

struct frag_key {
	struct ip_addr src, dst;
	uint32_t id;
	uint16_t domain;
	uint8_t is_v6;
	uint8_t n_vids;
	uint16_t vid[PKT_MAX_TAGS];
};

struct datagram {
	LIST_ENTRY(datagram) in_bucket;
	TAILQ_ENTRY(datagram) by_age;
	struct frag_key key;
	usec_t deadline;
	uint32_t total;		/* payload bytes; 0 until the last fragment came */
	uint32_t here;
	enum drop given_up;	/* why; then it holds nothing and refuses what comes */
	unsigned n_pieces;
	struct frag_piece piece[FRAG_MAX];
};

LIST_HEAD(bucket, datagram);
TAILQ_HEAD(ages, datagram);

struct frag_table {
	int64_t timeout_us;
	struct rte_mempool *pool;
	unsigned n_held;
	struct frag_room room;
	uint32_t mask;
	struct bucket *bucket;
	struct datagram *slab;
	struct ages live;	/* oldest first */
	struct ages unused;
};

struct frag_table *
frag_table_new(unsigned n_max, int64_t timeout_us, struct rte_mempool *pool)
{
	struct frag_table *t = calloc(1, sizeof *t);
	unsigned i;

	if (!t)
		return NULL;
	t->timeout_us = timeout_us;
	t->pool = pool;
	t->room.n_max = n_max;
	t->mask = rte_align32pow2(n_max) - 1;
	t->bucket = calloc(t->mask + 1, sizeof *t->bucket);
	t->slab = calloc(n_max, sizeof *t->slab);
	TAILQ_INIT(&t->live);
	TAILQ_INIT(&t->unused);
	if (!t->bucket || !t->slab) {
		frag_table_free(t);
		return NULL;
	}
	for (i = 0; i < n_max; i++)
		TAILQ_INSERT_TAIL(&t->unused, &t->slab[i], by_age);
	return t;
}

void
frag_table_free(struct frag_table *t)
{
	struct datagram *d;
	unsigned i;

	if (!t)
		return;
	TAILQ_FOREACH(d, &t->live, by_age) {
		for (i = 0; i < d->n_pieces; i++)
			rte_pktmbuf_free(d->piece[i].m);
	}
	free(t->bucket);
	free(t->slab);
	free(t);
}

static void
fill_key(struct frag_key *k, const struct pkt *p)
{
	memset(k, 0, sizeof *k);
	k->src = p->src;
	k->dst = p->dst;
	k->id = p->frag_id;
	k->domain = p->domain;
	k->is_v6 = p->is_v6;
	k->n_vids = pkt_key_vids(p, k->vid);
}

static struct datagram *
find(struct frag_table *t, const struct frag_key *k, uint32_t hash)
{
	struct datagram *d;

	LIST_FOREACH(d, &t->bucket[hash & t->mask], in_bucket) {
		if (memcmp(&d->key, k, sizeof *k) == 0)
			return d;
	}
	return NULL;
}

static struct datagram *
add(struct frag_table *t, const struct frag_key *k, uint32_t hash, usec_t now)
{
	struct datagram *d = TAILQ_FIRST(&t->unused);

	if (!d)
		return NULL;
	TAILQ_REMOVE(&t->unused, d, by_age);
	TAILQ_INSERT_TAIL(&t->live, d, by_age);
	LIST_INSERT_HEAD(&t->bucket[hash & t->mask], d, in_bucket);
	t->room.n++;
	t->room.n_peak = RTE_MAX(t->room.n_peak, t->room.n);
	d->key = *k;
	d->deadline = usec_add(now, t->timeout_us);
	d->total = d->here = 0;
	d->given_up = DROP_NONE;
	d->n_pieces = 0;
	return d;
}

static void
forget(struct frag_table *t, struct datagram *d)
{
	assert(d->n_pieces == 0);
	LIST_REMOVE(d, in_bucket);
	TAILQ_REMOVE(&t->live, d, by_age);
	TAILQ_INSERT_HEAD(&t->unused, d, by_age);
	t->room.n--;
}

static void
hand_back(struct frag_result *r, struct rte_mbuf *m, uint8_t side)
{
	r->original[r->n_original] = m;
	r->side[r->n_original++] = side;
}

static void
hand_back_all(struct frag_table *t, struct datagram *d, struct frag_result *r)
{
	unsigned i;

	for (i = 0; i < d->n_pieces; i++)
		hand_back(r, d->piece[i].m, d->piece[i].side);
	t->n_held -= d->n_pieces;
	d->n_pieces = 0;
}

static void
refuse(const struct pkt *p, enum drop why, struct frag_result *r)
{
	hand_back(r, p->m, p->side);
	r->refusal = why;
}

/* The datagram stays, empty, so that what is yet to come of it is refused too. */
static void
give_up(struct frag_table *t, struct datagram *d, const struct pkt *p, enum drop why,
	struct frag_result *r)
{
	hand_back_all(t, d, r);
	d->given_up = why;
	refuse(p, why, r);
}

static uint8_t
byte_at(const struct rte_mbuf *m, uint32_t off)
{
	for (; off >= m->data_len; m = m->next)
		off -= m->data_len;
	return *rte_pktmbuf_mtod_offset(m, const uint8_t *, off);
}

static bool
same_bytes(const struct frag_piece *a, const struct pkt *p)
{
	unsigned i;

	for (i = 0; i < a->len; i++) {
		if (byte_at(a->m, a->l4 + i) != byte_at(p->m, p->l4 + i))
			return false;
	}
	return true;
}

/* May `p` join what is here? */
static enum drop
judge(const struct datagram *d, const struct pkt *p)
{
	uint32_t from = p->frag_off, to = from + p->frag_len;
	const struct frag_piece *a;
	unsigned i;

	if (!p->frag_more && d->total != 0 && d->total != to)
		return DROP_frag_overlap;
	if (d->total != 0 && to > d->total)
		return DROP_frag_overlap;
	for (i = 0; i < d->n_pieces; i++) {
		a = &d->piece[i];
		if (a->off == from && a->len == p->frag_len && (p->frag_more || d->total == to) &&
		    same_bytes(a, p))
			return DROP_frag_duplicate;
		if ((a->off < to && from < a->off + a->len) ||
		    (!p->frag_more && a->off + a->len > to))
			return DROP_frag_overlap;
	}
	return d->n_pieces == FRAG_MAX ? DROP_frag_many : DROP_NONE;
}

static void
keep(struct frag_table *t, struct datagram *d, const struct pkt *p)
{
	d->piece[d->n_pieces++] = (struct frag_piece){
		.m = p->m,
		.off = p->frag_off,
		.len = p->frag_len,
		.l3 = p->l3,
		.l4 = p->l4,
		.side = p->side,
	};
	d->here += p->frag_len;
	if (!p->frag_more)
		d->total = p->frag_off + p->frag_len;
	t->n_held++;
}

static void
complete(struct frag_table *t, struct datagram *d, struct frag_result *r)
{
	const struct frag_piece *order[FRAG_MAX];
	unsigned i, j;

	for (i = 0; i < d->n_pieces; i++) {
		for (j = i; j > 0 && order[j - 1]->off > d->piece[i].off; j--)
			order[j] = order[j - 1];
		order[j] = &d->piece[i];
	}
	r->whole = frag_build(order, d->n_pieces, d->total, d->key.is_v6, t->pool, &r->refusal);
	hand_back_all(t, d, r);
	forget(t, d);
}

void
frag_input(struct frag_table *t, const struct pkt *p, usec_t now, struct frag_result *r)
{
	struct frag_key key;
	struct datagram *d;
	enum drop why;

	memset(r, 0, sizeof *r);
	fill_key(&key, p);
	d = find(t, &key, p->hash);
	if (!d)
		d = add(t, &key, p->hash, now);
	if (!d) {
		refuse(p, DROP_frag_table, r);
		return;
	}
	why = d->given_up != DROP_NONE ? d->given_up : judge(d, p);
	if (d->given_up != DROP_NONE || why == DROP_frag_duplicate) {
		refuse(p, why, r);
	} else if (why != DROP_NONE) {
		give_up(t, d, p, why, r);
	} else {
		keep(t, d, p);
		if (d->here == d->total)
			complete(t, d, r);
	}
}

bool
frag_expire(struct frag_table *t, usec_t now, struct frag_result *r)
{
	struct datagram *d;

	memset(r, 0, sizeof *r);
	while ((d = TAILQ_FIRST(&t->live)) && !usec_before(now, d->deadline)) {
		hand_back_all(t, d, r);
		forget(t, d);
		if (r->n_original > 0) {
			r->refusal = DROP_frag_timeout;
			return true;
		}
	}
	return false;
}

usec_t
frag_next(const struct frag_table *t)
{
	const struct datagram *d = TAILQ_FIRST(&t->live);

	return d ? d->deadline : USEC_NEVER;
}

unsigned
frag_n_held(const struct frag_table *t)
{
	return t->n_held;
}

void
frag_room(const struct frag_table *t, struct frag_room *r)
{
	*r = t->room;
}
