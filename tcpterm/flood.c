/*
 * The filter: who is refused by `flood drop` and means it sends the SYN again after a second (RFC
 * 6298 2.1), and is let in then; who floods from addresses not its own does not.  It is a Bloom
 * filter cut into lines of the cache: a SYN has three bits of one line, so it costs one miss, and a
 * line puts away by itself what is old when it is next looked at.  A SYN is remembered for two to
 * four seconds.  Of a million a second one of 40 is let in wrongly.
 */
#include "tcpterm/flood.h"

#include "tcpterm/cookie.h"
#include "tcpterm/embryo.h"
#include "tcpterm/siphash.h"

enum {
	TURN_US = 2 * 1000 * 1000,
	LINE_BITS = 17,		/* as many lines */
	HALF_BYTES = 31,
	N_MARKS = 3,		/* bits of a SYN */
	MARK_BITS = 15,		/* of its hash, for each */
	REAP_MOST = 64,		/* embryos in a turn */
};

/* A client that got a SYN-ACK answers at once; who did not repeats its SYN after 1, 2 and 4 s. */
#define SILENCE_US (5LL * 1000 * 1000)

/* SYN-ACKs of what was forwarded are sent again for so long after it. */
#define ECHO_US (75LL * 1000 * 1000)

struct line {
	uint16_t turn;		/* in which `now` is */
	uint8_t now[HALF_BYTES], before[HALF_BYTES];
};

_Static_assert(sizeof(struct line) == RTE_CACHE_LINE_SIZE, "a SYN costs one miss");

/* --- life --- */

int
flood_init(struct tcpterm *s)
{
	TAILQ_INIT(&s->flood.embryos);
	return area_init(&s->flood.filter, sizeof(struct line) << LINE_BITS);
}

void
flood_fini(struct tcpterm *s)
{
	area_fini(&s->flood.filter);
}

void
flood_remember(struct tcpterm *s, struct embryo *e)
{
	e->heard_at = s->now;
	TAILQ_INSERT_TAIL(&s->flood.embryos, e, by_silence);
}

void
flood_forget(struct tcpterm *s, struct embryo *e)
{
	TAILQ_REMOVE(&s->flood.embryos, e, by_silence);
}

void
flood_heard(struct tcpterm *s, struct embryo *e)
{
	flood_forget(s, e);
	flood_remember(s, e);
}

void
flood_syn_received(struct tcpterm *s, int n)
{
	s->flood.n_syn_received += (uint32_t)n;
}

/* --- pressure --- */

static void
feel_pressure(struct tcpterm *s)
{
	uint32_t n = s->stats.n_flows[TCPTERM_KIND_EMBRYO] + s->flood.n_syn_received;
	uint32_t most = s->conf.n_embryos;

	if (s->flood.pressed && n <= most / 2) {
		s->flood.pressed = false;
	} else if (!s->flood.pressed && n >= most - most / 4) {
		s->flood.pressed = s->flood.ever = true;
		s->stats.floods++;
	}
	if (s->flood.pressed)
		s->flood.pressed_at = s->now;
}

bool
flood_pressed(struct tcpterm *s)
{
	feel_pressure(s);
	return s->flood.pressed || s->conf.cookies_always;
}

/* A held SYN is somebody's to decide, not to be waited for. */
void
flood_run(struct tcpterm *s)
{
	struct embryo *e;

	for (unsigned i = 0; i < REAP_MOST && !usec_before(s->now, flood_next(s)); i++) {
		e = TAILQ_FIRST(&s->flood.embryos);
		if (e->syn)
			flood_heard(s, e);
		else
			embryo_timer(s, &e->f);
		feel_pressure(s);
	}
}

usec_t
flood_next(const struct tcpterm *s)
{
	const struct embryo *e = TAILQ_FIRST(&s->flood.embryos);

	return s->flood.pressed && e ? usec_add(e->heard_at, SILENCE_US) : USEC_NEVER;
}

/* --- what a SYN meets --- */

static void
bring_up_to(struct line *l, uint16_t turn)
{
	uint16_t age = (uint16_t)(turn - l->turn);

	if (age == 0)
		return;
	if (age == 1)
		memcpy(l->before, l->now, HALF_BYTES);
	else
		memset(l->before, 0, HALF_BYTES);
	memset(l->now, 0, HALF_BYTES);
	l->turn = turn;
}

/* Was this SYN refused a moment ago? */
static bool
came_before(struct tcpterm *s, const struct pkt *p)
{
	const uint64_t words[2] = { (uint64_t)p->hash << 32 | p->seq,
				    (uint64_t)p->sport << 16 | p->dport };
	uint64_t h = siphash(s->conf.secret, words, RTE_DIM(words));
	struct line *l = (struct line *)s->flood.filter.base + (h & ((1u << LINE_BITS) - 1));
	bool all = true;

	bring_up_to(l, (uint16_t)(s->now.v / TURN_US));
	h >>= LINE_BITS;
	for (unsigned i = 0; i < N_MARKS; i++, h >>= MARK_BITS) {
		uint32_t bit = (h & ((1u << MARK_BITS) - 1)) * 8 * HALF_BYTES >> MARK_BITS;
		uint8_t mask = (uint8_t)(1u << bit % 8);

		all &= ((l->now[bit / 8] | l->before[bit / 8]) & mask) != 0;
		l->now[bit / 8] |= mask;
	}
	area_use(&s->flood.filter);
	return all;
}

/* RFC 4987 3.4: the one that waited longest makes room.  Its ends go on, followed from where they
 * are. */
static void
make_room(struct tcpterm *s)
{
	struct embryo *e = TAILQ_FIRST(&s->flood.embryos);

	if (!e || s->stats.n_flows[TCPTERM_KIND_EMBRYO] < s->conf.n_embryos)
		return;
	s->stats.embryos_evicted++;
	embryo_end(s, &e->f, TCPTERM_END_EVICTED);
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
	return s->flood.ever && usec_diff(s->now, s->flood.pressed_at) < ECHO_US &&
	       v->decision == TCPTERM_RELAY &&
	       (p->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
}
