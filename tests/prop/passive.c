/*
 * Passive pairs against what two simple ends really sent.
 *
 * Each end sends its stream in random segments and again what is not
 * acknowledged in time, cut differently.  The network loses segments before and behind the
 * tap, the tap loses some, shows some twice, and shows all of them up to 4 ms late, so in
 * another order.  What must hold: a byte delivered is the byte sent; a byte in a gap
 * had not come when the gap was declared; every byte is one or the other; the ends are where
 * the ends were, if the tap showed enough to know; every buffer comes back.
 */
#include "tests/unit/copies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tap.h"

enum { TOTAL_MAX = 60000, EVENTS = 4096, SEEDS = 1000, MS = 1000, RTO = 40 * MS, WINDOW = 20000 };

enum what { AT_TAP, AT_END, ON_TIMER };

struct event {
	int64_t at;
	enum what what;
	unsigned d;		/* who sent it; whose timer */
	uint16_t flags;
	uint32_t len;
	int64_t off, ack;
	bool fresh;		/* its bytes were never sent before */
};

static struct end {
	uint32_t total;
	int64_t una, nxt;	/* sending; total + 1 when the FIN is acknowledged */
	int64_t rcv;		/* in order from the other; total + 1 with its FIN */
	uint8_t got[TOTAL_MAX + 1];
	uint8_t seen[TOTAL_MAX + 1];	/* its bytes that the tap showed */
	int64_t progress;
	bool fin_shown, fin_acked_shown;
	bool timer;
	unsigned n_gaps;
} end[2];

static struct event queue[EVENTS];
static unsigned n_queue;
static uint64_t rng;
static uint32_t tap_loss, loss;		/* per mille */
static bool wrong, syn_shown;
static uint64_t delivered, gaps, gap_bytes, late, conflicts;	/* of all seeds */

static uint32_t
rnd(uint32_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (uint32_t)(rng >> 20) % n;
}

static bool
chance(uint32_t per_mille)
{
	return rnd(1000) < per_mille;
}

static void
push(struct event e)
{
	unsigned i = n_queue++;

	if (n_queue == EVENTS)
		abort();
	for (; i > 0 && queue[i - 1].at < e.at; i--)
		queue[i] = queue[i - 1];
	queue[i] = e;
}

/* A segment leaves an end: the tap may show it, the other end may get it. */
static void
leave(unsigned d, uint16_t flags, int64_t off, int64_t ack, uint32_t len)
{
	struct event e = { .d = d,
			   .flags = flags,
			   .off = off,
			   .ack = ack,
			   .len = len,
			   .fresh = off >= end[d].nxt };

	if (chance(loss / 2))
		return;			/* before the tap */
	e.what = AT_TAP;
	if (!chance(tap_loss)) {
		e.at = copies.now.v + rnd(4 * MS);
		push(e);
		if (chance(20)) {
			e.at += rnd(3 * MS);
			push(e);
		}
	}
	if (chance(loss / 2))
		return;			/* behind it */
	e.what = AT_END;
	e.at = copies.now.v + 1 * MS + rnd(3 * MS);
	push(e);
}

static void
send_at(unsigned d, int64_t off)
{
	struct end *e = &end[d];
	uint32_t len = 1 + rnd(chance(200) ? 20 : 3000);
	uint16_t flags = TCP_ACK;

	if (off + len > e->total)
		len = off < e->total ? (uint32_t)(e->total - off) : 0;
	if (off + len == e->total && (len == 0 || chance(500) || off < e->nxt))
		flags |= TCP_FIN;
	leave(d, flags, off, e->rcv, len);
	off += len + !!(flags & TCP_FIN);
	if (off > e->nxt)
		e->nxt = off;
}

static void
send_more(unsigned d)
{
	struct end *e = &end[d];

	while (e->nxt <= e->total && e->nxt - e->una < WINDOW)
		send_at(d, e->nxt);
	if (!e->timer && e->una <= e->total) {
		e->timer = true;
		push((struct event){ .at = copies.now.v + RTO, .what = ON_TIMER, .d = d });
	}
}

static void
on_timer(unsigned d)
{
	struct end *e = &end[d];

	e->timer = false;
	if (e->una <= e->total && copies.now.v - e->progress >= RTO)
		send_at(d, e->una);
	send_more(d);
}

static void
receive(const struct event *v)
{
	struct end *from = &end[v->d], *to = &end[!v->d];
	uint32_t i;

	if (v->ack > to->una) {
		to->una = v->ack;
		to->progress = copies.now.v;
	}
	for (i = 0; i < v->len; i++)
		from->got[v->off + i] = 1;
	if (v->flags & TCP_FIN)
		from->got[from->total] = 1;
	while (to->rcv <= from->total && from->got[to->rcv])
		to->rcv++;
	if (v->len || (v->flags & TCP_FIN))
		leave(!v->d, TCP_ACK, to->nxt, to->rcv, 0);
	send_more(!v->d);
}

/* Does what the tap showed tell that this end has closed?  A lost FIN is known by its ACK, but only
 * where the other end's was seen: otherwise it may be a byte. */
static bool
fin_known(unsigned d)
{
	return end[d].fin_shown || (end[d].fin_acked_shown && end[!d].fin_shown);
}

/* A gap has just been declared: had any of its bytes come? */
static void
check_gaps(void)
{
	unsigned d;
	uint64_t i;

	for (d = 0; d < 2; d++)
		for (; end[d].n_gaps < copies.dir[d].n_gaps; end[d].n_gaps++) {
			uint64_t off = copies.dir[d].gap[end[d].n_gaps].off;
			uint64_t len = copies.dir[d].gap[end[d].n_gaps].len;

			for (i = off; i < off + len; i++)
				if (i < end[d].total ? end[d].seen[i]
						     : i > end[d].total || fin_known(d)) {
					printf("# end %u: gap %llu+%llu has byte %llu\n", d,
					       (unsigned long long)off, (unsigned long long)len,
					       (unsigned long long)i);
					wrong = true;
					break;
				}
		}
}

static void
show_bytes(unsigned d, uint16_t flags, int64_t off, int64_t ack, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < len; i++)
		end[d].seen[off + i] = 1;
	copies_segment(d, flags, off, ack, len);
	check_gaps();
}

static void
show(const struct event *v)
{
	struct end *e = &end[v->d];
	uint64_t late_before;
	int64_t old;

	check_gaps();
	e->fin_shown |= v->flags & TCP_FIN;
	end[!v->d].fin_acked_shown |= v->ack > end[!v->d].total;
	late_before = copies_stats()->late_arrivals;
	show_bytes(v->d, v->flags, v->off, v->ack, v->len);
	/* The tap's own delay is less than the allowance: what is new is never late. */
	if (v->fresh && copies_stats()->late_arrivals != late_before) {
		printf("# end %u: %lld+%u is late\n", v->d, (long long)v->off, v->len);
		wrong = true;
	}
	/* Sent again without need, long after. */
	if (e->total && chance(20)) {
		old = rnd((uint32_t)RTE_MIN(e->nxt + 1, (int64_t)e->total));
		show_bytes(v->d, TCP_ACK, old, v->ack,
			   RTE_MIN(1 + rnd(3000), (uint32_t)(RTE_MIN(e->nxt, e->total) - old)));
	}
	/* A forger's work: other bytes where some were shown; an ACK of the far future. */
	if (v->len && chance(20))
		copies_altered(v->d, TCP_ACK, v->off, v->ack, v->len, 0x5a, false);
	if (syn_shown && chance(10))
		copies_segment(v->d, TCP_ACK, v->off, v->ack + 0x20000000, 0);
	check_gaps();
}

static void
judge(uint64_t seed)
{
	bool all = fin_known(0) && fin_known(1);
	unsigned d;

	for (d = 0; d < 2; d++)
		if (copies.dir[d].wrong || copies.dir[d].disorder ||
		    (all && (copies.dir[d].n_ends != 1 || copies.dir[d].end != end[d].total))) {
			printf("# end %u: %llu wrong, %llu out of order, ends at %llu of %u\n", d,
			       (unsigned long long)copies.dir[d].wrong,
			       (unsigned long long)copies.dir[d].disorder,
			       (unsigned long long)copies.dir[d].end, end[d].total);
			wrong = true;
		}
	if (copies.n_new != 1 || (all && (copies.n_ended != 1 || copies.why != TCPTERM_END_FIN))) {
		printf("# %u flows, %u ended, by %d\n", copies.n_new, copies.n_ended, copies.why);
		wrong = true;
	}
	for (d = 0; d < 2; d++) {
		delivered += copies.dir[d].bytes;
		gaps += copies.dir[d].n_gaps;
	}
	gap_bytes += copies_stats()->gap_bytes;
	late += copies_stats()->late_arrivals;
	conflicts += copies_stats()->conflicts;
	if (!copies_end())
		wrong = true;
	if (wrong)
		printf("# seed %llu\n", (unsigned long long)seed);
}

static bool
run(uint64_t seed)
{
	unsigned d;

	rng = seed * 0x9e3779b97f4a7c15u;
	copies_begin(NULL);
	memset(end, 0, sizeof end);
	n_queue = 0;
	wrong = false;
	copies.isn[0] = rnd(2) ? (uint32_t) - (int32_t)rnd(TOTAL_MAX) : rnd(UINT32_MAX);
	copies.isn[1] = rnd(2) ? (uint32_t) - (int32_t)rnd(TOTAL_MAX) : rnd(UINT32_MAX);
	copies.cut = rnd(2) ? 60 + rnd(500) : 0;
	tap_loss = rnd(2) ? rnd(100) : 0;
	loss = rnd(2) ? rnd(150) : 0;
	syn_shown = rnd(3);
	if (syn_shown)
		copies_syn(0);
	copies_synack(0);
	for (d = 0; d < 2; d++) {
		end[d].total = rnd(3) ? rnd(TOTAL_MAX) : rnd(3000);
		end[d].progress = copies.now.v;
	}
	if (rnd(3))
		copies_segment(0, TCP_ACK, 0, 0, 0);
	send_more(0);
	send_more(1);
	while (n_queue) {
		struct event e = queue[--n_queue];

		copies_wait(e.at - copies.now.v);
		if (e.what == AT_TAP)
			show(&e);
		else if (e.what == AT_END)
			receive(&e);
		else
			on_timer(e.d);
	}
	copies_wait(20000 * (int64_t)MS);
	check_gaps();
	judge(seed);
	return !wrong;
}

static void
streams_outside_gaps_are_what_was_sent(void)
{
	const char *one = getenv("SEED");
	uint64_t seed, first = one ? strtoull(one, NULL, 0) : 1, n = one ? 1 : SEEDS;
	unsigned failed = 0;

	printf("# seeds %llu to %llu; SEED=N runs one\n", (unsigned long long)first,
	       (unsigned long long)(first + n - 1));
	for (seed = first; seed < first + n; seed++)
		failed += !run(seed);
	printf("# %llu bytes, %llu gaps of %llu, %llu late, %llu conflicts\n",
	       (unsigned long long)delivered, (unsigned long long)gaps,
	       (unsigned long long)gap_bytes, (unsigned long long)late,
	       (unsigned long long)conflicts);
	CU_ASSERT_EQUAL(failed, 0);
	/* The runs met what they are for. */
	CU_ASSERT_TRUE(one || (gaps > 100 && late > 0 && conflicts > 100));
}

TAP_MAIN(passive, TAP_TEST(streams_outside_gaps_are_what_was_sent))
