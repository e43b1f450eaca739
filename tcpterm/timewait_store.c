/*
 * The remains of connections: a ring of places, and buckets to find them by.
 *
 * All wait for the same time, so the ring is in order of their ends, but for
 * those that a FIN made wait anew: such a one moves on when it is the oldest.
 */
#include <errno.h>
#include <sys/mman.h>

#include "tcpterm/core.h"
#include "tcpterm/siphash.h"

enum { DUE_SHIFT = 14, TURN = 64 };
#define GONE UINT32_MAX

/* --- life --- */

static void *
reserve(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

int
timewaits_init(struct timewaits *t, uint32_t n_max)
{
	t->n_max = n_max;
	t->slots = reserve(sizeof *t->slots * n_max);
	t->buckets = reserve(sizeof *t->buckets * n_max);
	return t->slots && t->buckets ? 0 : -ENOMEM;
}

void
timewaits_fini(struct timewaits *t)
{
	if (t->slots)
		munmap(t->slots, sizeof *t->slots * t->n_max);
	if (t->buckets)
		munmap(t->buckets, sizeof *t->buckets * t->n_max);
	memset(t, 0, sizeof *t);
}

/* --- who it is --- */

struct identity {
	uint32_t id[2];
	uint16_t ports;
	bool reversed;		/* addr[0] comes second */
};

/* The ends in an order of their own, so that both directions have one identity. */
static struct identity
identify(const struct tcpterm *s, const struct flow_key *k, const uint16_t *vid, unsigned n)
{
	uint64_t w[5 + PKT_MAX_TAGS / 4] = { 0 }, h;
	int order = memcmp(&k->addr[0], &k->addr[1], sizeof k->addr[0]);
	bool r = order > 0 || (order == 0 && k->port[0] > k->port[1]);

	memcpy(&w[0], &k->addr[r], 16);
	memcpy(&w[2], &k->addr[!r], 16);
	w[4] = k->port[r] | (uint64_t)k->port[!r] << 16 | (uint64_t)k->domain << 32 |
	       (uint64_t)n << 48;
	memcpy(&w[5], vid, n * sizeof *vid);
	h = siphash(s->conf.secret, w, 5 + (n + 3) / 4);
	return (struct identity){ .id = { (uint32_t)h, (uint32_t)(h >> 32) },
				  .ports = (uint16_t)(k->port[0] + k->port[1]),
				  .reversed = r };
}

/* --- places and buckets --- */

static uint32_t *
bucket(const struct timewaits *t, const uint32_t id[2])
{
	return &t->buckets[(uint64_t)id[0] * t->n_max >> 32];
}

static uint32_t
place_of(const struct timewaits *t, const struct timewait *w)
{
	return (uint32_t)(w - t->slots);
}

static void
link_in(struct timewaits *t, struct timewait *w)
{
	uint32_t *b = bucket(t, w->id);

	w->next = *b;
	*b = place_of(t, w) + 1;
}

static void
unlink_from(struct timewaits *t, struct timewait *w)
{
	uint32_t *b = bucket(t, w->id), me = place_of(t, w) + 1;

	while (*b != me)
		b = &t->slots[*b - 1].next;
	*b = w->next;
	w->next = GONE;
}

static struct timewait *
oldest(const struct timewaits *t)
{
	return &t->slots[t->tail];
}

/* Places at the ring's end that nobody has any more are free. */
static void
give_back(struct timewaits *t)
{
	while (t->span > 0 && oldest(t)->next == GONE) {
		t->tail = t->tail + 1 == t->n_max ? 0 : t->tail + 1;
		t->span--;
	}
	if (t->span == 0)
		t->tail = 0;	/* touch no more memory than is needed at a time */
}

/* There is one: span < n_max. */
static struct timewait *
take_place(struct timewaits *t)
{
	uint64_t i = (uint64_t)t->tail + t->span++;

	return &t->slots[i >= t->n_max ? i - t->n_max : i];
}

static void
count(struct tcpterm *s, int by)
{
	struct timewaits *t = &s->timewaits;

	t->n += (uint32_t)by;
	t->n_peak = RTE_MAX(t->n_peak, t->n);
	s->stats.n_flows[TCPTERM_KIND_TIMEWAIT] = t->n;
}

void
timewait_remove(struct tcpterm *s, struct timewait *w)
{
	unlink_from(&s->timewaits, w);
	give_back(&s->timewaits);
	count(s, -1);
}

/* --- time --- */

static uint16_t
due_after(usec_t now)
{
	return (uint16_t)(((now.v + TIMEWAIT_US) >> DUE_SHIFT) + 1);
}

/* Units until the end; they wrap after a quarter of an hour. */
static int16_t
left(const struct tcpterm *s, const struct timewait *w)
{
	return (int16_t)(uint16_t)(w->due - (uint64_t)(s->now.v >> DUE_SHIFT));
}

void
timewait_restart(struct tcpterm *s, struct timewait *w)
{
	w->due = due_after(s->now);
	w->again = 1;
}

/* The oldest is not that any more: to the ring's other end with it. */
static void
move_on(struct timewaits *t)
{
	struct timewait copy = *oldest(t), *to;

	unlink_from(t, oldest(t));
	give_back(t);
	to = take_place(t);
	*to = copy;
	to->again = 0;
	link_in(t, to);
}

/* Nobody has run us for long: all is over, and what is left of its time may have wrapped. */
static void
forget_after_a_sleep(struct tcpterm *s)
{
	struct timewaits *t = &s->timewaits;

	if (t->n > 0 && usec_diff(s->now, t->ran_at) > 2 * TIMEWAIT_US) {
		memset(t->buckets, 0, sizeof *t->buckets * t->n_max);
		t->tail = t->span = 0;
		count(s, -(int)t->n);
	}
}

void
timewait_run(struct tcpterm *s)
{
	struct timewaits *t = &s->timewaits;

	forget_after_a_sleep(s);
	t->ran_at = s->now;
	for (unsigned i = 0; i < TURN && t->n > 0; i++) {
		if (left(s, oldest(t)) <= 0)
			timewait_remove(s, oldest(t));
		else if (oldest(t)->again)
			move_on(t);
		else
			return;
	}
}

usec_t
timewait_next(const struct tcpterm *s)
{
	const struct timewaits *t = &s->timewaits;

	if (t->n == 0)
		return USEC_NEVER;
	if (oldest(t)->again || left(s, oldest(t)) <= 0)
		return s->now;
	return (usec_t){ ((s->now.v >> DUE_SHIFT) + left(s, oldest(t))) * (1 << DUE_SHIFT) };
}

/* --- by key --- */

static void
evict(struct tcpterm *s)
{
	for (unsigned i = 0; i < TURN && oldest(&s->timewaits)->again; i++)
		move_on(&s->timewaits);
	s->stats.timewait_evicted++;
	timewait_remove(s, oldest(&s->timewaits));
}

struct timewait *
timewait_add(struct tcpterm *s, const struct flow_key *k)
{
	struct timewaits *t = &s->timewaits;
	uint16_t vid[PKT_MAX_TAGS];
	struct identity who = identify(s, k, vid, vlan_stack_vids(s->vlans, k, vid));
	struct timewait *w;

	if (t->n == 0)
		t->ran_at = s->now;
	if (t->span >= t->n_max)
		evict(s);
	w = take_place(t);
	*w = (struct timewait){
		.id = { who.id[0], who.id[1] },
		.ports = who.ports,
		.reversed = who.reversed,
		.due = due_after(s->now),
	};
	link_in(t, w);
	count(s, 1);
	return w;
}

struct timewait *
timewait_find(struct tcpterm *s, const struct flow_key *k, const uint16_t *vid, unsigned n,
	      bool *reversed)
{
	struct timewaits *t = &s->timewaits;
	struct identity who;

	forget_after_a_sleep(s);
	if (t->n == 0)
		return NULL;
	who = identify(s, k, vid, n);
	for (uint32_t i = *bucket(t, who.id); i; i = t->slots[i - 1].next) {
		struct timewait *w = &t->slots[i - 1];

		if (w->id[0] != who.id[0] || w->id[1] != who.id[1] || w->ports != who.ports)
			continue;
		*reversed = w->reversed != who.reversed;
		if (left(s, w) > 0)
			return w;
		timewait_remove(s, w);
		break;
	}
	return NULL;
}
