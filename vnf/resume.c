/*
 * resume.c - see resume.h.
 */
#include "vnf/resume.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include <tcpterm/types.h>

enum {
	FLOWS_MAX = 1 << 20,
	NO_MODE = -1,
};
#define LIFE_US (3600LL * 1000 * 1000)	/* a flow that says nothing for so long is idle */
#define BACKOFF_MAX_US (120LL * 1000 * 1000)	/* of the timers that hosts have */

struct resume_table {
	uint32_t mask;		/* buckets, less one */
	uint32_t *bucket;	/* index + 1; 0: empty */
	uint32_t n, n_room;
	struct resumed *flow;
};

/* --- building --- */

static void
table_free(struct resume_table *t)
{
	if (!t)
		return;
	free(t->bucket);
	free(t->flow);
	free(t);
}

static int
mode_of(const char *word)
{
	int m;

	for (m = POLICY_PROXY; m <= POLICY_RESET; m++)
		if (strncmp(policy_mode_name((enum policy_mode)m), word, RECORD_WORD) == 0)
			return m;
	return NO_MODE;
}

static struct resumed *
next_flow(struct resume_table *t)
{
	uint32_t n_room = t->n_room ? 2 * t->n_room : 64;
	struct resumed *more;

	if (t->n < t->n_room)
		return &t->flow[t->n++];
	more = realloc(t->flow, n_room * sizeof *more);
	if (!more)
		return NULL;
	t->flow = more;
	t->n_room = n_room;
	return &t->flow[t->n++];
}

static void
from_record(struct resumed *f, const struct flow_record *r, enum policy_mode mode)
{
	unsigned i;

	*f = (struct resumed){
		.domain = (uint16_t)r->domain,
		.n_vids = (uint8_t)RTE_MIN(r->n_vlans, RECORD_VLANS),
		.mode = mode,
		.generation = r->generation,
		.seen = r->ended,
		.roles_guessed = strcmp(r->roles, tcpterm_roles_name(TCPTERM_ROLES_GUESSED)) == 0,
	};
	for (i = 0; i < 2; i++) {
		if (r->family == 4)
			f->addr[i] = ip_addr_v4(r->end[i].addr);
		else
			memcpy(f->addr[i].b, r->end[i].addr, 16);
		f->port[i] = r->end[i].port;
	}
	memcpy(f->vid, r->vlan, sizeof f->vid);
	memcpy(f->rule, r->rule, sizeof f->rule);
	f->hash = flow_hash(&f->addr[0], &f->addr[1], f->port[0], f->port[1], f->domain, f->vid,
			    f->n_vids);
}

struct reading {
	struct resume *r;
	struct resume_table *t;
	int64_t not_before;
};

static int
read_one(void *arg, const struct flow_record *record)
{
	struct reading *x = arg;
	int mode = mode_of(record->mode);
	struct resumed *f;

	if (mode == NO_MODE || record->ended < x->not_before)
		return 0;
	x->r->n_known++;
	if (x->t->n == FLOWS_MAX) {
		x->r->n_left_out++;
		return 0;
	}
	f = next_flow(x->t);
	if (!f)
		return -ENOMEM;
	from_record(f, record, (enum policy_mode)mode);
	return 0;
}

/* A later flow of the same tuple is found first. */
static int
make_buckets(struct resume_table *t)
{
	uint32_t i, n = rte_align32pow2(t->n + 1);

	t->mask = n - 1;
	t->bucket = calloc(n, sizeof *t->bucket);
	if (!t->bucket)
		return -ENOMEM;
	for (i = 0; i < t->n; i++) {
		uint32_t *head = &t->bucket[t->flow[i].hash & t->mask];

		t->flow[i].next = *head;
		*head = i + 1;
	}
	return 0;
}

int
resume_init(struct resume *r, struct store *store, struct rte_rcu_qsbr *qsbr, usec_t now,
	    struct err *err)
{
	struct resume_table *t = calloc(1, sizeof *t);
	struct reading x = { .r = r, .t = t, .not_before = clock_to_unix_us(now) - LIFE_US };
	int rc = t ? 0 : -ENOMEM;

	memset(r, 0, sizeof *r);
	r->qsbr = qsbr;
	r->until = usec_add(now, LIFE_US);
	if (rc == 0 && store)
		rc = store_interrupted(store, read_one, &x, err);
	if (rc == 0)
		rc = make_buckets(t);
	if (rc == -ENOMEM)
		err_set(err, rc, "no memory for the flows that were interrupted");
	if (rc != 0 || t->n == 0) {
		table_free(t);
		return rc;
	}
	atomic_store(&r->table, t);
	return 0;
}

void
resume_fini(struct resume *r)
{
	table_free(atomic_exchange(&r->table, NULL));
	table_free(r->retired);
	r->retired = NULL;
}

void
resume_run(struct resume *r, usec_t now)
{
	if (atomic_load(&r->table) && (!usec_before(now, r->until) || resume_waiting(r) == 0)) {
		r->retired = atomic_exchange(&r->table, NULL);
		r->token = rte_rcu_qsbr_start(r->qsbr);
	}
	if (r->retired && rte_rcu_qsbr_check(r->qsbr, r->token, false) == 1) {
		table_free(r->retired);
		r->retired = NULL;
	}
}

/* --- looking --- */

static bool
is_flow_of(const struct resumed *f, const struct pkt *p, const uint16_t *vid, unsigned n_vids,
	   unsigned client)
{
	return f->domain == p->domain && f->n_vids == n_vids &&
	       memcmp(f->vid, vid, n_vids * sizeof *vid) == 0 && f->port[client] == p->sport &&
	       f->port[!client] == p->dport && ip_addr_eq(&f->addr[client], &p->src) &&
	       ip_addr_eq(&f->addr[!client], &p->dst);
}

const struct resumed *
resume_take(struct resume *r, unsigned worker, const struct pkt *p, usec_t now, bool *from_server)
{
	struct resume_table *t = r ? atomic_load(&r->table) : NULL;
	uint16_t vid[PKT_MAX_TAGS];
	struct resumed *f;
	unsigned n_vids;
	uint32_t i;

	if (!t)
		return NULL;
	if (r->up[worker].v == 0)
		r->up[worker] = now;
	n_vids = pkt_key_vids(p, vid);
	for (i = t->bucket[p->hash & t->mask]; i; i = f->next) {
		f = &t->flow[i - 1];
		/* Another worker's flow has another hash. */
		if (f->hash != p->hash || f->gone)
			continue;
		*from_server = !is_flow_of(f, p, vid, n_vids, 0);
		if (*from_server && !is_flow_of(f, p, vid, n_vids, 1))
			continue;
		f->gone = true;
		atomic_fetch_add_explicit(&r->n_taken[worker], 1, memory_order_relaxed);
		return f;
	}
	return NULL;
}

void
resume_forget(struct resume *r, unsigned worker, const struct pkt *p, usec_t now)
{
	bool from_server;

	/* A flow that was interrupted twice is there twice. */
	while (resume_take(r, worker, p, now, &from_server))
		;
}

usec_t
resume_repeats_until(const struct resume *r, unsigned worker, const struct resumed *f)
{
	int64_t up = clock_to_unix_us(r->up[worker]);
	int64_t out = RTE_MAX(up - f->seen, 0);

	return usec_add(r->up[worker], RTE_MIN(out, BACKOFF_MAX_US));
}

uint32_t
resume_waiting(const struct resume *r)
{
	const struct resume_table *t = atomic_load(&r->table);
	uint32_t n = t ? t->n : 0;
	unsigned i;

	for (i = 0; t && i < MAX_WORKERS; i++)
		n -= atomic_load_explicit(&r->n_taken[i], memory_order_relaxed);
	return n;
}
