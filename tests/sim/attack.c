/*
 * Blind injection: who knows addresses and ports, but no numbers, sends RST, SYN, ACK and data into
 * connections with windows of 64 KB, while their ends talk: a relay's legs, and a connection of
 * the library's.
 *
 *	ATTACK=N	tries in all; 200,000 unless told (10,000,000 takes some ten seconds)
 *
 * Half of the tries are blind; the other half hits one of the two numbers, or lies at an edge, as
 * the luckiest of many millions would.  An oracle that knows the connection's numbers says of each
 * what RFC 5961 3 to 5 and RFC 7323 allow; a connection whose books differ after a try that it does
 * not allow was altered.  Tries that the RFCs would accept are not sent: that they would have had
 * their effect is shown apart.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tcpterm/conn.h>

#include "datapath/checksum.h"
#include "tcpterm/endpoint.h"
#include "tcpterm/options.h"
#include "tcpterm/relay.h"
#include "tests/sim/lib/lib.h"
#include "tests/sim/lib/rng.h"
#include "tests/unit/lib/ends.h"
#include "tests/unit/tap.h"

enum {
	TRIES = 200000,
	ROUND = 500,			/* tries between two exchanges of the ends */
	CHUNK = 1000,			/* bytes that an end sends in each */
	WINDOW = 65534,			/* 65535 stands for none in ends.h */
	CHALLENGE_US = 500 * 1000,	/* RFC 5961 7, a choice of ours */
};

struct blow {
	int64_t seq, ack;		/* offsets, as the ends would count */
	uint32_t len;
	uint16_t flags, window;
	struct tcpterm_options opt;
};

static struct ends e;
static struct rng rng;

static struct conn *
leg(unsigned side)
{
	struct flow *f = ends_flow(&e);

	if (f && f->kind == TCPTERM_KIND_CONN)
		return &endpoint_of(f)->c;
	return f && f->kind == TCPTERM_KIND_RELAY ? &relay_of(f)->leg[side] : NULL;
}

/* --- the oracle --- */

/* What of the connection an attacker may not move. */
struct books {
	int64_t una, nxt, edge, rcv_nxt, adv, fin;
	uint32_t wnd_max, sacked, lost, rexmit, early, cwnd, ssthresh, ts_recent, ts_newest, rto;
	usec_t rto_at, heard_at;
	uint16_t mss;
	uint8_t state, n_keepalives, ttl, tos;
	bool ece;
};

static struct books
books_of(const struct conn *c)
{
	struct books b;

	memset(&b, 0, sizeof b);	/* compared whole */
	b.una = c->una;
	b.nxt = c->nxt;
	b.edge = c->wnd_edge;
	b.rcv_nxt = c->rcv.nxt;
	b.adv = c->rcv.adv;
	b.fin = c->rcv.fin;
	b.wnd_max = c->wnd_max;
	b.sacked = c->sent.sacked;
	b.lost = c->sent.lost;
	b.rexmit = c->sent.rexmit;
	b.early = c->ooo.bytes;
	b.cwnd = c->cc.cwnd;
	b.ssthresh = c->cc.ssthresh;
	b.ts_recent = c->rcv.ts_recent;
	b.ts_newest = c->rcv.ts_newest;
	b.rto = c->rtt.rto;
	b.rto_at = c->rto_at;
	b.heard_at = c->heard_at;
	b.mss = c->mss;
	b.state = c->state;
	b.n_keepalives = c->n_keepalives;
	b.ttl = c->ttl;
	b.tos = c->tos;
	b.ece = c->ecn.echo;
	return b;
}

static bool
same(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct books)) == 0;	/* books_of() leaves no byte unset */
}

/* RFC 5961 5.2 */
static bool
ack_allowed(const struct books *b, int64_t ack)
{
	return ack >= b->una - (int64_t)b->wnd_max && ack <= b->nxt;
}

/* RFC 9293 table 6, and what touches the window from outside carries an ACK worth having. */
static bool
seq_allowed(const struct books *b, int64_t seq, uint32_t len)
{
	return seq <= b->adv && seq + len >= b->rcv_nxt;
}

/* May this move anything? */
static bool
allowed(const struct books *b, const struct blow *w)
{
	if (w->flags & TCP_RST)
		return w->seq == b->rcv_nxt;			/* RFC 5961 3.2 */
	if (w->flags & TCP_SYN || !(w->flags & TCP_ACK))
		return false;					/* RFC 5961 4.2 */
	return seq_allowed(b, w->seq, w->len + !!(w->flags & TCP_FIN)) && ack_allowed(b, w->ack);
}

/* --- blows --- */

static int64_t
near_an_edge(int64_t from, int64_t to)
{
	static const int64_t by[] = { -2, -1, 0, 1, 2 };
	int64_t at = rng_chance(&rng, 0.5) ? from : to;

	return rng_chance(&rng, 0.5) ? at + by[rng_below(&rng, 5)] : rng_range(&rng, from, to);
}

static int64_t
blind(void)
{
	return (int64_t)(int32_t)rng_next(&rng);
}

static struct blow
draw_blow(const struct books *b, bool ts)
{
	static const uint16_t flags[] = {
		TCP_RST, TCP_RST | TCP_ACK, TCP_SYN,	       TCP_SYN | TCP_ACK,	   TCP_ACK,
		TCP_ACK, TCP_ACK | TCP_PSH, TCP_ACK | TCP_FIN, TCP_ACK | TCP_CWR | TCP_ECE
	};
	struct blow w = { .flags = flags[rng_below(&rng, sizeof flags / sizeof flags[0])],
			  .window = (uint16_t)rng_next(&rng),
			  .seq = blind(),
			  .ack = blind() };
	unsigned how = (unsigned)rng_below(&rng, 4);

	if (how == 0)
		w.seq = near_an_edge(b->rcv_nxt, b->adv);
	else if (how == 1)
		w.ack = near_an_edge(b->una - (int64_t)b->wnd_max, b->nxt);
	if (!(w.flags & (TCP_SYN | TCP_RST)))
		w.len = rng_chance(&rng, 0.5) ? (uint32_t)rng_range(&rng, 1, 1400) : 0;
	if (ts && rng_chance(&rng, 0.9)) {
		w.opt.has_ts = true;
		w.opt.tsval = (uint32_t)rng_next(&rng);
		w.opt.tsecr = (uint32_t)rng_next(&rng);
	}
	if (rng_chance(&rng, 0.1)) {
		w.opt.n_sack = 1;
		w.opt.sack[0].left = (uint32_t)rng_next(&rng);
		w.opt.sack[0].right = w.opt.sack[0].left + (uint32_t)rng_below(&rng, 65536);
	}
	return w;
}

static void
strike(unsigned side, const struct blow *w)
{
	const struct ends_seg g = { .seq = w->seq,
				    .ack = w->ack,
				    .len = w->len,
				    .flags = w->flags,
				    .window = w->window,
				    .opt = w->opt };

	ends_send(&e, side, &g);
	tcpterm_run(e.stack, e.now);
}

/* --- the ends, meanwhile --- */

struct talk {
	int64_t sent[2];
	uint32_t ts[2];
};

static void
end_says(struct talk *t, unsigned side, uint32_t len)
{
	struct ends_seg g = { .seq = t->sent[side], .ack = t->sent[!side], .len = len };

	g.opt.has_ts = e.conf.ts;
	g.opt.tsval = ++t->ts[side];
	ends_send(&e, side, &g);
}

/* Each end sends a chunk, and takes the other's. */
static void
exchange(struct talk *t)
{
	static uint8_t chunk[CHUNK];
	struct flow *f = ends_flow(&e);
	unsigned k;

	for (k = 0; f && k < 2; k++) {
		if (k && e.conf.accept) {
			CU_ASSERT_EQUAL(tcpterm_write(e.stack, f, chunk, CHUNK), CHUNK);
		} else {
			end_says(t, k, CHUNK);
		}
		ends_run(&e, 0);
		t->sent[k] += CHUNK;
		if (!k && e.conf.accept) {
			CU_ASSERT_EQUAL(tcpterm_read(e.stack, f, chunk, CHUNK), CHUNK);
		} else {
			end_says(t, !k, 0);
		}
		ends_run(&e, 50000);
	}
}

/* What the one end has sent: taken by whoever hears it, and acknowledged to the stack's sender. */
static bool
stream_is_whole(const struct talk *t, unsigned k)
{
	const struct conn *hears = leg(k), *tells = leg(!k);
	int64_t taken, acked;

	if (!hears || !tells || hears->ooo.head)
		return false;
	taken = e.conf.accept && k ? t->sent[k] : hears->rcv.nxt;	/* the library speaks */
	acked = e.conf.accept && !k ? t->sent[k] : tells->una;		/* it hears */
	if (taken == t->sent[k] && acked == t->sent[k])
		return true;
	printf("# the %s sent %lld, taken %lld, acknowledged %lld\n", k ? "server" : "client",
	       (long long)t->sent[k], (long long)taken, (long long)acked);
	return false;
}

static bool
all_is_well(const struct talk *t)
{
	return stream_is_whole(t, 0) && stream_is_whole(t, 1);
}

static const struct ends_conf *
conf_of(bool ts, bool accept)
{
	static struct ends_conf conf = {
		.wscale = -1, .window = WINDOW, .sack = true, .ecn = true
	};

	conf.ts = ts;
	conf.accept = accept;
	return &conf;
}

static void
begin(struct talk *t, bool ts, bool accept)
{
	*t = (struct talk){ .ts = { 1000, 1000 } };
	ends_init(&e, conf_of(ts, accept), true);
	exchange(t);
}

static uint64_t
tries(void)
{
	const char *env = getenv("ATTACK");

	return env && *env ? strtoull(env, NULL, 0) : TRIES;
}

struct tally {
	uint64_t sent, spared, altered, answers, early_answers;
};

/* One try; what it did, if the oracle says that it must do nothing. */
static void
try_one(unsigned side, bool ts, struct tally *n)
{
	const struct conn *c = leg(side);
	struct books before = books_of(c), after;
	struct blow w = draw_blow(&before, ts);
	unsigned n_out = e.n_out;

	if (allowed(&before, &w)) {
		n->spared++;
		return;
	}
	strike(side, &w);
	n->sent++;
	c = leg(side);
	after = c ? books_of(c) : (struct books){ 0 };
	n->answers += ends_count(&e, n_out, 0) + ends_count(&e, n_out, 1);
	/* Whatever is answered may open the window further: that is our own doing. */
	if (after.adv > before.adv)
		after.adv = before.adv;
	if (c && same(&before, &after))
		return;
	if (n->altered++ < 5)
		printf("# flags %02x seq %lld (%lld..%lld) ack %lld (%lld..%lld) len %u TSval %u, "
		       "TS.Recent %u: %s\n",
		       w.flags, (long long)w.seq, (long long)before.rcv_nxt, (long long)before.adv,
		       (long long)w.ack, (long long)before.una - before.wnd_max,
		       (long long)before.nxt, w.len, w.opt.tsval, before.ts_recent,
		       c ? "altered" : "killed");
}

static void
attack(bool ts, bool accept)
{
	uint64_t all = tries() / 4, i;
	struct tally n = { 0 };
	struct talk t;

	rng.s = rng_key(5961, ts | accept << 1);
	begin(&t, ts, accept);
	for (i = 0; i < all && leg(0) && n.altered == 0; i++) {
		try_one(accept ? 0 : (unsigned)(i & 1), ts, &n);
		if (i % ROUND != ROUND - 1)
			continue;
		e.n_out = 0;
		exchange(&t);
		if (!all_is_well(&t)) {
			printf("# after %llu tries the ends' streams are not whole\n",
			       (unsigned long long)i);
			break;
		}
	}
	CU_ASSERT_EQUAL(i, all);
	CU_ASSERT_EQUAL(n.altered, 0);
	CU_ASSERT(leg(0) && all_is_well(&t));
	printf("# %llu tries, %llu that the RFCs would accept spared, %llu answers\n",
	       (unsigned long long)n.sent, (unsigned long long)n.spared,
	       (unsigned long long)n.answers);
	ends_fini(&e);
}

static void
blind_injection_alters_nothing(void)
{
	attack(false, false);
}

static void
blind_injection_with_timestamps_alters_nothing(void)
{
	attack(true, false);
}

static void
blind_injection_into_a_connection_of_the_library_alters_nothing(void)
{
	attack(false, true);
	attack(true, true);
}

/* --- what is allowed has its effect, so that the oracle's line is where the stack's is --- */

static bool
has_effect(struct blow w, int64_t by_seq, int64_t by_ack)
{
	struct talk t;
	struct books before, after;
	bool effect;

	begin(&t, false, false);
	before = books_of(leg(0));
	w.seq = before.rcv_nxt + by_seq;
	w.ack = before.una + by_ack;
	strike(0, &w);
	if (leg(0))
		after = books_of(leg(0));
	effect = !leg(0) || !same(&before, &after);
	CU_ASSERT(!effect || allowed(&before, &w));
	ends_fini(&e);
	return effect;
}

static void
exact_reset_kills_and_no_other(void)
{
	const struct blow rst = { .flags = TCP_RST };

	CU_ASSERT(has_effect(rst, 0, 0));
	CU_ASSERT_FALSE(has_effect(rst, 1, 0));
	CU_ASSERT_FALSE(has_effect(rst, -1, 0));
	CU_ASSERT_FALSE(has_effect(rst, 60000, 0));
}

static void
acknowledgment_counts_up_to_the_largest_window_back(void)
{
	const struct blow more = { .flags = TCP_ACK, .len = 10 };

	CU_ASSERT(has_effect(more, 0, 0));
	CU_ASSERT(has_effect(more, 0, -WINDOW));
	CU_ASSERT_FALSE(has_effect(more, 0, -WINDOW - 1));
	CU_ASSERT_FALSE(has_effect(more, 0, 1));	/* not sent yet */
	CU_ASSERT_FALSE(has_effect(more, -11, 0));
	CU_ASSERT_FALSE(has_effect(more, 70000, 0));
}

/* --- the challenges --- */

static void
only_one_challenge_in_half_a_second(uint16_t flags, int64_t by_seq, int64_t by_ack)
{
	const struct blow w = { .flags = flags, .window = 1000 };
	struct talk t;
	struct blow blow;
	unsigned before, i;

	begin(&t, false, false);
	ends_run(&e, CHALLENGE_US * 2);
	e.n_out = before = 0;
	for (i = 0; i < 100; i++) {	/* one second */
		const struct conn *c = leg(0);

		blow = w;
		blow.seq = c->rcv.nxt + by_seq;
		blow.ack = c->una + by_ack;
		strike(0, &blow);
		ends_run(&e, 10000);
	}
	CU_ASSERT(ends_count(&e, before, 0) == 2);
	if (ends_count(&e, before, 0) != 2)
		printf("# flags %02x: %u answers in a second\n", flags, ends_count(&e, before, 0));
	CU_ASSERT(leg(0) && all_is_well(&t));
	ends_fini(&e);
}

static void
challenges_are_one_in_half_a_second(void)
{
	only_one_challenge_in_half_a_second(TCP_RST, 100, 0);
	only_one_challenge_in_half_a_second(TCP_SYN, 100, 0);
	only_one_challenge_in_half_a_second(TCP_SYN, -100000, 0);
	only_one_challenge_in_half_a_second(TCP_SYN | TCP_ACK, 100000, 0);
	only_one_challenge_in_half_a_second(TCP_ACK, 0, 1);
	only_one_challenge_in_half_a_second(TCP_ACK, 0, -70000);
	only_one_challenge_in_half_a_second(TCP_ACK, 100000, 0);
}

TAP_MAIN(attack, TAP_TEST(blind_injection_alters_nothing),
	 TAP_TEST(blind_injection_with_timestamps_alters_nothing),
	 TAP_TEST(blind_injection_into_a_connection_of_the_library_alters_nothing),
	 TAP_TEST(exact_reset_kills_and_no_other),
	 TAP_TEST(acknowledgment_counts_up_to_the_largest_window_back),
	 TAP_TEST(challenges_are_one_in_half_a_second))
