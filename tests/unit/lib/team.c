#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/lib/team.h"

enum { N_DATAGRAMS = 16, FRAGMENT_TIMEOUT_US = 1000000, TEAMS = 3 };

unsigned team_size = 1;

static unsigned take_over(struct team *t, unsigned k, usec_t now);

int
team_tap(const char *suite, const struct tap_test *tests, unsigned n, int argc, char **argv)
{
	int status = 0;

	for (unsigned i = 0; i < n; i++) {
		bool check = tests[i].name[0] == 'S' && isdigit((unsigned char)tests[i].name[1]);

		status |= tap_run(suite, &tests[i], 1, argc, argv);
		for (team_size = 2; check && team_size <= TEAM_MAX; team_size *= 2) {
			char name[160];
			const struct tap_test one = { name, tests[i].run };

			snprintf(name, sizeof name, "%s_with_%u_stacks", tests[i].name, team_size);
			status |= tap_run(suite, &one, 1, argc, argv);
		}
		team_size = 1;
	}
	return status;
}

/* --- in --- */

static enum pkt_kind
parse(const struct team *t, struct pkt *p, struct rte_mbuf *m)
{
	return pkt_parse(p, m, &t->conf[m->port]);
}

/* The segment is this stack's. */
static void
input_whole(struct team *t, unsigned k, struct pkt *whole, struct rte_mbuf *const original[],
	    const uint8_t side[], unsigned n, usec_t now)
{
	struct pkt as_came[FRAG_MAX + 1];

	for (unsigned i = 0; i < n; i++)
		as_came[i] = (struct pkt){ .m = original[i],
					   .kind = PKT_FRAGMENT,
					   .domain = whole->domain,
					   .side = side[i] };
	tcpterm_input_whole(t->stack[k], whole, as_came, n, now);
}

/* What makes no segment goes on as it came. */
static void
let_go(const struct team *t, const struct frag_result *r)
{
	for (unsigned i = 0; i < r->n_original; i++) {
		struct pkt p;

		pkt_parse(&p, r->original[i], &t->conf[r->side[i]]);
		t->forward(t->ctx, &p);
	}
}

static void
input_fragment(struct team *t, unsigned k, const struct pkt *p, usec_t now)
{
	uint16_t side = p->m->port;
	struct frag_result r;
	struct pkt whole;
	unsigned owner;

	frag_input(t->frags[k], p, now, &r);
	if (!r.whole) {
		let_go(t, &r);
		return;
	}
	r.whole->port = side;
	parse(t, &whole, r.whole);
	owner = tcpterm_owner(&whole, t->n);
	if (owner == k) {
		input_whole(t, k, &whole, r.original, r.side, r.n_original, now);
		return;
	}
	while (!handoff_datagram(t->handoff, k, owner, &r))
		take_over(t, owner, now);
	t->crossed++;
}

/* Where there is no room the owner reads first: what a full ring costs is a test of leatd's. */
static void
give(struct team *t, unsigned k, unsigned owner, struct rte_mbuf *m, usec_t now)
{
	while (handoff_frames(t->handoff, k, owner, &m, 1) != 1)
		take_over(t, owner, now);
	t->crossed++;
}

static void
input(struct team *t, unsigned k, struct rte_mbuf **m, unsigned n, usec_t now)
{
	struct pkt p[HANDOFF_BURST];
	unsigned n_mine = 0;

	for (unsigned i = 0; i < n; i++) {
		struct pkt *at = &p[n_mine];
		unsigned owner;

		parse(t, at, m[i]);
		owner = tcpterm_owner(at, t->n);
		if (owner != k)
			give(t, k, owner, m[i], now);
		else if (at->kind == PKT_FRAGMENT)
			input_fragment(t, k, at, now);
		else
			n_mine++;
	}
	if (n_mine)
		tcpterm_input(t->stack[k], p, n_mine, now);
}

static void
read_queue(struct team *t, unsigned k, usec_t now)
{
	unsigned n = t->queue[k].n;

	t->queue[k].n = 0;
	if (n)
		input(t, k, t->queue[k].m, n, now);
}

void
team_arrive(struct team *t, unsigned at, uint8_t side, struct rte_mbuf *m, usec_t now)
{
	if (t->queue[at].n == HANDOFF_BURST)
		read_queue(t, at, now);
	m->port = side;
	t->queue[at].m[t->queue[at].n++] = m;
}

/* --- turns --- */

static unsigned
take_over(struct team *t, unsigned k, usec_t now)
{
	unsigned all = 0;

	for (unsigned from = 0; from < t->n; from++) {
		struct handed h;

		if (from == k)
			continue;
		all += handoff_take(t->handoff, from, k, &h);
		for (unsigned i = 0; i < h.n_datagrams; i++) {
			struct crossing *d = h.datagram[i];
			struct pkt whole;

			parse(t, &whole, d->whole);
			input_whole(t, k, &whole, d->original, d->side, d->n, now);
			handoff_done(t->handoff, d);
		}
		if (h.n_frames)
			input(t, k, h.frame, h.n_frames, now);
	}
	return all;
}

static unsigned
turn(struct team *t, unsigned k, usec_t now)
{
	unsigned n = (t->n > 1 ? take_over(t, k, now) : 0) + t->queue[k].n;
	struct frag_result r;

	read_queue(t, k, now);
	while (frag_expire(t->frags[k], now, &r))
		let_go(t, &r);
	tcpterm_run(t->stack[k], now);
	return n;
}

void
team_run(struct team *t, usec_t now)
{
	unsigned idle = 0;

	for (unsigned k = t->first++; idle < t->n; k++)
		idle = turn(t, k % t->n, now) ? 0 : idle + 1;
}

usec_t
team_next(const struct team *t)
{
	usec_t next = USEC_NEVER;

	for (unsigned k = 0; k < t->n; k++) {
		usec_t one = tcpterm_next(t->stack[k]), frag = frag_next(t->frags[k]);

		next = usec_before(one, next) ? one : next;
		next = usec_before(frag, next) ? frag : next;
	}
	return next;
}

/* --- whose --- */

unsigned
team_owner(const struct team *t, uint8_t side, struct rte_mbuf *m)
{
	struct pkt p;

	pkt_parse(&p, m, &t->conf[side]);
	return tcpterm_owner(&p, t->n);
}

unsigned
team_stranger(const struct team *t, uint8_t side, struct rte_mbuf *m)
{
	if (t->n == 1)
		return 0;
	return (team_owner(t, side, m) + 1 + side % (t->n - 1)) % t->n;
}

unsigned
team_owner_of(const struct team *t, const struct flow_key *k)
{
	struct pkt p = { .hash = flow_hash(&k->addr[0], &k->addr[1], k->port[0], k->port[1],
					   k->domain, NULL, 0) };

	return tcpterm_owner(&p, t->n);
}

/* --- all of them --- */

int
team_listen(struct team *t, const struct tcpterm_listener_conf *l, tcpterm_listener_id *id)
{
	int rc = 0;

	for (unsigned k = 0; k < t->n; k++) {
		tcpterm_listener_id one = 0;
		int said = tcpterm_listen(t->stack[k], l, &one);

		if (k > 0 && (said != rc || (rc == 0 && one != *id)))
			return -EPROTO;
		rc = said;
		*id = one;
	}
	return rc;
}

int
team_unlisten(struct team *t, tcpterm_listener_id id)
{
	int rc = 0;

	for (unsigned k = 0; k < t->n; k++)
		rc |= tcpterm_unlisten(t->stack[k], id);
	return rc;
}

void
team_stats(const struct team *t, struct tcpterm_stats *sum)
{
	memset(sum, 0, sizeof *sum);
	for (unsigned k = 0; k < t->n; k++) {
		const struct tcpterm_stats *s = tcpterm_stats(t->stack[k]);

#define STAT(name, text) sum->name += s->name;
#include <tcpterm/stats.def>
		for (unsigned i = 0; i < TCPTERM_N_KINDS; i++)
			sum->n_flows[i] += s->n_flows[i];
		sum->n_held += s->n_held;
		sum->n_deferred += s->n_deferred;
		sum->n_listeners += s->n_listeners;
	}
}

uint64_t
team_drops(const struct team *t, enum drop why)
{
	uint64_t n = 0;

	for (unsigned k = 0; k < t->n; k++)
		n += tcpterm_drops(t->stack[k])->n[why];
	return n;
}

struct flow *
team_flow(struct team *t)
{
	struct flow *f = NULL;

	for (unsigned k = 0; k < t->n && !f; k++) {
		uint64_t cursor = 0;

		while (tcpterm_walk(t->stack[k], &cursor, &f, 1) == 0 && cursor)
			;
	}
	return f;
}

/* --- life --- */

/* Rings of teams that are gone, for the next of that size: EAL is slow at them. */
static struct {
	struct handoff *h[TEAMS];
	unsigned n;
} spare[TEAM_MAX + 1];

static struct handoff *
rings_get(unsigned n, struct err *err)
{
	if (n > 1 && spare[n].n > 0)
		return spare[n].h[--spare[n].n];
	return n > 1 ? handoff_new(n, true, err) : NULL;
}

static void
rings_put(unsigned n, struct handoff *h)
{
	if (h && spare[n].n < TEAMS)
		spare[n].h[spare[n].n++] = h;
	else
		handoff_free(h);
}

static int
member_init(struct team *t, unsigned k, const struct tcpterm_conf *given, usec_t now,
	    struct err *err)
{
	struct tcpterm_conf conf = *given;

	conf.n_held_max = (given->n_held_max + t->n - 1) / t->n;
	if (t->n > 1) {
		conf.stack = (uint16_t)k;
		conf.n_stacks = (uint16_t)t->n;
		conf.secret[0] += k;
	}
	t->stack[k] = tcpterm_new(&conf, now, err);
	t->frags[k] = frag_table_new(N_DATAGRAMS, FRAGMENT_TIMEOUT_US, given->header_pool);
	return t->stack[k] && t->frags[k] ? 0 : -ENOMEM;
}

int
team_init(struct team *t, unsigned n, const struct tcpterm_conf *conf, uint16_t domain, bool tap,
	  usec_t now, struct err *err)
{
	int rc = 0;

	*t = (struct team){ .n = n, .forward = conf->ops->forward, .ctx = conf->ctx };
	for (uint8_t side = 0; side < 2; side++)
		t->conf[side] = (struct parse_conf){ .domain = domain, .side = side, .tap = tap };
	t->handoff = rings_get(n, err);
	if (n > 1 && !t->handoff)
		return -ENOMEM;
	for (unsigned k = 0; k < n && rc == 0; k++)
		rc = member_init(t, k, conf, now, err);
	if (rc != 0)
		team_fini(t);
	return rc;
}

static void
drain_ring(struct handoff *ring, unsigned from, unsigned to)
{
	struct handed h;

	while (handoff_take(ring, from, to, &h)) {
		rte_pktmbuf_free_bulk(h.frame, h.n_frames);
		for (unsigned d = 0; d < h.n_datagrams; d++) {
			rte_pktmbuf_free(h.datagram[d]->whole);
			rte_pktmbuf_free_bulk(h.datagram[d]->original, h.datagram[d]->n);
			handoff_done(ring, h.datagram[d]);
		}
	}
}

/* The rings are left empty. */
static void
drain(struct team *t)
{
	for (unsigned from = 0; from < t->n; from++)
		for (unsigned to = 0; to < t->n; to++)
			if (from != to)
				drain_ring(t->handoff, from, to);
}

void
team_fini(struct team *t)
{
	for (unsigned k = 0; k < t->n; k++) {
		rte_pktmbuf_free_bulk(t->queue[k].m, t->queue[k].n);
		if (t->stack[k])
			tcpterm_free(t->stack[k]);
		frag_table_free(t->frags[k]);
	}
	if (t->handoff)
		drain(t);
	rings_put(t->n, t->handoff);
	t->n = 0;
}
