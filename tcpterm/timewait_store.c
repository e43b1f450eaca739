/*
 * The remains of connections: a ring of places, and buckets to find them by.
 *
 * All wait for the same time, so the ring is in order of their ends, but for
 * those that a FIN made wait anew: such a one moves on when it is the oldest.
 */
#include <errno.h>
#include <sys/mman.h>

#include <rte_prefetch.h>

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

static size_t
used_bytes(const struct timewaits *t)
{
	return (t->n_max / 64 + 1) * sizeof *t->used;
}

int
timewaits_init(struct timewaits *t, uint32_t n_max)
{
	t->n_max = n_max;
	t->slots = reserve(sizeof *t->slots * n_max);
	t->buckets = reserve(sizeof *t->buckets * n_max);
	t->used = reserve(used_bytes(t));
	return t->slots && t->buckets && t->used ? 0 : -ENOMEM;
}

void
timewaits_fini(struct timewaits *t)
{
	if (t->slots)
		munmap(t->slots, sizeof *t->slots * t->n_max);
	if (t->buckets)
		munmap(t->buckets, sizeof *t->buckets * t->n_max);
	if (t->used)
		munmap(t->used, used_bytes(t));
	memset(t, 0, sizeof *t);
}

/* --- who it is --- */

static bool
comes_second(const struct flow_key *k)
{
	const struct ip_addr *a = &k->addr[0], *b = &k->addr[1];

	if (a->q[1] != b->q[1])
		return a->q[1] > b->q[1];
	return a->q[0] != b->q[0] ? a->q[0] > b->q[0] : k->port[0] > k->port[1];
}

static uint64_t
four_vids(const uint16_t *vid, unsigned n)
{
	uint64_t w = 0;

	memcpy(&w, vid, RTE_MIN(n, 4u) * sizeof *vid);
	return w;
}

/* The ends in an order of their own, so that both directions have one identity. */
static struct timewait_id
identify(const struct tcpterm *s, const struct flow_key *k, const uint16_t *vid, unsigned n)
{
	bool r = comes_second(k);
	const struct ip_addr *a = &k->addr[r], *b = &k->addr[!r];
	struct sip sip = sip_begin(s->conf.secret);
	unsigned n_words = 4;
	uint64_t h;

	if (a->q[0] == b->q[0] && ip_addr_is_v4(a) && ip_addr_is_v4(b)) {
		n_words = 1;
		sip_word(&sip, (uint64_t)a->w[3] << 32 | b->w[3]);
	} else {
		sip_word(&sip, a->q[0]);
		sip_word(&sip, a->q[1]);
		sip_word(&sip, b->q[0]);
		sip_word(&sip, b->q[1]);
	}
	for (unsigned i = 0; i < n; i += 4, n_words++)
		sip_word(&sip, four_vids(vid + i, n - i));
	h = sip_end(sip, n_words, 7,
		    k->port[r] | (uint64_t)k->port[!r] << 16 | (uint64_t)k->domain << 32 |
			    (uint64_t)n << 48);
	return (struct timewait_id){ .id = { (uint32_t)h, (uint32_t)(h >> 32) },
				     .ports = (uint16_t)(k->port[0] + k->port[1]),
				     .reversed = r };
}

/* --- places and buckets --- */

static uint32_t
bucket(const struct timewaits *t, const uint32_t id[2])
{
	return (uint32_t)((uint64_t)id[0] * t->n_max >> 32);
}

/* The first of a bucket: place + 1. */
static uint32_t
first_in(const struct timewaits *t, uint32_t b)
{
	return t->used[b / 64] >> b % 64 & 1 ? t->buckets[b] : 0;
}

static uint32_t
place_of(const struct timewaits *t, const struct timewait *w)
{
	return (uint32_t)(w - t->slots);
}

static void
link_in(struct timewaits *t, struct timewait *w)
{
	uint32_t b = bucket(t, w->id);

	w->next = t->buckets[b];
	t->buckets[b] = place_of(t, w) + 1;
	t->used[b / 64] |= 1ull << b % 64;
}

static void
unlink_from(struct timewaits *t, struct timewait *w)
{
	uint32_t b = bucket(t, w->id), *link = &t->buckets[b], me = place_of(t, w) + 1;

	while (*link != me)
		link = &t->slots[*link - 1].next;
	*link = w->next;
	w->next = GONE;
	if (t->buckets[b] == 0)
		t->used[b / 64] &= ~(1ull << b % 64);
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
count(struct tcpterm *s, uint32_t n, uint32_t n_pairs)
{
	struct timewaits *t = &s->timewaits;

	t->n = n;
	t->n_peak = RTE_MAX(t->n_peak, n);
	s->stats.n_flows[TCPTERM_KIND_TIMEWAIT] = n;
	s->stats.n_pairs_over = n_pairs;
}

void
timewait_remove(struct tcpterm *s, struct timewait *w)
{
	unlink_from(&s->timewaits, w);
	count(s, s->timewaits.n - 1, s->stats.n_pairs_over - timewait_is_pair(w));
	give_back(&s->timewaits);
}

/* --- time --- */

static uint16_t
due_after(usec_t since)
{
	return (uint16_t)(((since.v + TIMEWAIT_US) >> DUE_SHIFT) + 1);
}

/* Units until the end; they wrap after a quarter of an hour. */
static int16_t
left(const struct tcpterm *s, const struct timewait *w)
{
	return (int16_t)(uint16_t)(w->due - (uint64_t)(s->now.v >> DUE_SHIFT));
}

void
timewait_since(struct timewait *w, usec_t since)
{
	w->due = due_after(since);
}

void
timewait_restart(struct tcpterm *s, struct timewait *w)
{
	timewait_since(w, s->now);
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
		memset(t->used, 0, used_bytes(t));
		t->tail = t->span = 0;
		count(s, 0, 0);
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

struct timewait_id
timewait_id(const struct tcpterm *s, const struct flow_key *k)
{
	const struct timewaits *t = &s->timewaits;
	uint16_t vid[PKT_MAX_TAGS];
	struct timewait_id who = identify(s, k, vid, vlan_stack_vids(s->vlans, k, vid));

	rte_prefetch0(&t->buckets[bucket(t, who.id)]);
	return who;
}

struct timewait *
timewait_add(struct tcpterm *s, const struct timewait_id *who, enum timewait_sort sort)
{
	struct timewaits *t = &s->timewaits;
	struct timewait *w;

	if (t->n == 0)
		t->ran_at = s->now;
	if (t->span >= t->n_max)
		evict(s);
	w = take_place(t);
	*w = (struct timewait){
		.id = { who->id[0], who->id[1] },
		.ports = who->ports,
		.reversed = who->reversed,
		.due = due_after(s->now),
		.sort = sort & 7,
	};
	link_in(t, w);
	count(s, t->n + 1, s->stats.n_pairs_over + timewait_is_pair(w));
	return w;
}

struct timewait *
timewait_find(struct tcpterm *s, const struct flow_key *k, const uint16_t *vid, unsigned n,
	      bool *reversed)
{
	struct timewaits *t = &s->timewaits;
	struct timewait_id who;

	forget_after_a_sleep(s);
	if (t->n == 0)
		return NULL;
	who = identify(s, k, vid, n);
	for (uint32_t i = first_in(t, bucket(t, who.id)); i; i = t->slots[i - 1].next) {
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
