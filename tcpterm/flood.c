/*
 * The filter: who is refused by `flood drop` and means it sends the SYN again after a second (RFC
 * 6298 2.1), and is let in then; who floods from addresses not its own does not.  Two halves of
 * bits (Bloom) change places every two seconds, so a SYN is remembered for two to four.
 */
#include "tcpterm/flood.h"

#include "tcpterm/cookie.h"
#include "tcpterm/embryo.h"
#include "tcpterm/siphash.h"

enum { HALF_BYTES = 1 << 20, HALF_BITS = 8 * HALF_BYTES, TURN_US = 2 * 1000 * 1000 };

/* --- life --- */

int
flood_init(struct tcpterm *s)
{
	int rc = slab_init(&s->flood.filter, HALF_BYTES, 2);

	TAILQ_INIT(&s->flood.embryos);
	s->flood.turned_at = s->now;
	if (rc == 0) {
		slab_alloc(&s->flood.filter, NULL);
		slab_alloc(&s->flood.filter, NULL);
	}
	return rc;
}

void
flood_fini(struct tcpterm *s)
{
	slab_fini(&s->flood.filter);
}

void
flood_remember(struct tcpterm *s, struct embryo *e)
{
	TAILQ_INSERT_TAIL(&s->flood.embryos, e, by_age);
}

void
flood_forget(struct tcpterm *s, struct embryo *e)
{
	TAILQ_REMOVE(&s->flood.embryos, e, by_age);
}

void
flood_syn_received(struct tcpterm *s, int n)
{
	s->flood.n_syn_received += (uint32_t)n;
}

/* --- pressure --- */

bool
flood_pressed(struct tcpterm *s)
{
	uint32_t n = s->stats.n_flows[TCPTERM_KIND_EMBRYO] + s->flood.n_syn_received;
	uint32_t most = s->conf.n_embryos;

	if (s->flood.pressed && n <= most / 2) {
		s->flood.pressed = false;
	} else if (!s->flood.pressed && n >= most - most / 4) {
		s->flood.pressed = true;
		s->stats.floods++;
	}
	return s->flood.pressed || s->conf.cookies_always;
}

/* --- what a SYN meets --- */

static bool
test_and_set(uint8_t *half, const uint8_t *other, uint32_t bit)
{
	const uint8_t mask = (uint8_t)(1u << bit % 8);
	bool was = (half[bit / 8] | other[bit / 8]) & mask;

	half[bit / 8] |= mask;
	return was;
}

static void
turn(struct tcpterm *s)
{
	struct flood *f = &s->flood;
	int64_t age = usec_diff(s->now, f->turned_at);

	if (age < TURN_US)
		return;
	f->half = !f->half;
	memset(slab_at(&f->filter, f->half), 0, HALF_BYTES);
	if (age >= 2 * TURN_US)
		memset(slab_at(&f->filter, !f->half), 0, HALF_BYTES);
	f->turned_at = s->now;
}

/* Was this SYN refused a moment ago? */
static bool
came_before(struct tcpterm *s, const struct pkt *p)
{
	const uint64_t words[2] = { (uint64_t)p->hash << 32 | p->seq,
				    (uint64_t)p->sport << 16 | p->dport };
	uint64_t h = siphash(s->conf.secret, words, RTE_DIM(words));
	uint8_t *half, *other;
	bool a, b;

	turn(s);
	half = slab_at(&s->flood.filter, s->flood.half);
	other = slab_at(&s->flood.filter, !s->flood.half);
	a = test_and_set(half, other, (uint32_t)h % HALF_BITS);
	b = test_and_set(half, other, (uint32_t)(h >> 32) % HALF_BITS);
	return a && b;
}

/* RFC 4987 3.4: the oldest makes room.  Its ends go on, followed from where they are. */
static void
make_room(struct tcpterm *s)
{
	struct embryo *oldest = TAILQ_FIRST(&s->flood.embryos);

	if (!oldest || s->stats.n_flows[TCPTERM_KIND_EMBRYO] < s->conf.n_embryos)
		return;
	s->stats.embryos_evicted++;
	embryo_end(s, &oldest->f, TCPTERM_END_EVICTED);
}

bool
flood_admits(struct tcpterm *s, struct pkt *p, const struct tcpterm_verdict *v)
{
	if (!flood_pressed(s))
		return true;
	switch ((enum tcpterm_flood)v->flood) {
	case TCPTERM_FLOOD_PASS:
		s->stats.flood_passed++;
		core_forward(s, p);
		return false;
	case TCPTERM_FLOOD_COOKIE:
		cookie_answer(s, p, v);
		core_drop(s, p->m, DROP_proxy_consumed);
		return false;
	case TCPTERM_FLOOD_DROP:
		break;
	}
	if (!came_before(s, p)) {
		core_drop(s, p->m, DROP_flood);
		return false;
	}
	make_room(s);
	return true;
}

bool
flood_passes(const struct tcpterm *s, const struct pkt *p, const struct tcpterm_verdict *v)
{
	return s->flood.pressed && v->decision == TCPTERM_RELAY && v->flood == TCPTERM_FLOOD_PASS &&
	       (p->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
}
