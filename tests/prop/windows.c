/*
 * The windows of a tracked connection against a naive model of them: absolute numbers, the whole
 * history, no wrap.
 *
 * The server's segments are drawn around the places where a window begins and ends, the client
 * keeps to its own: what both ends say against what is known moves it, by design.  What the model
 * lets through has to go on, and what it does not is dropped.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/copies.h"
#include "tests/unit/tap.h"

enum { ROUNDS = 200, SEGMENTS = 400, LEAST = 1 << 20, PROBE = 2 };

static uint64_t rng;

static uint32_t
rnd(uint32_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (uint32_t)((rng >> 16) % n);
}

/* One end, as everything that went on says. */
static struct {
	int64_t sent;		/* beyond the highest */
	int64_t took;		/* the highest that it acknowledged */
	int64_t edge;		/* the furthest that it offered */
	int64_t window;		/* the largest */
} ends[2];
static uint8_t shift[2];

/* Sixteen windows, rounded up to a power of two. */
static int64_t
patience(unsigned d)
{
	int64_t n = 1;

	while (n < ends[d].window)
		n *= 2;
	n *= 16;
	return n < LEAST ? LEAST : n > 1 << 30 ? 1 << 30 : n;
}

static bool
allowed(unsigned d, int64_t off, int64_t ack, uint32_t len)
{
	int64_t end = off + len;

	return end <= ends[!d].edge + PROBE && end >= ends[!d].took - patience(!d) &&
	       ack <= ends[!d].sent && ack >= ends[d].took - patience(d);
}

static void
learn(unsigned d, int64_t off, int64_t ack, uint32_t len)
{
	int64_t window = (int64_t)copies.window << shift[d];

	ends[d].sent = RTE_MAX(ends[d].sent, off + len);
	ends[d].took = RTE_MAX(ends[d].took, ack);
	ends[d].edge = RTE_MAX(ends[d].edge, ack + window);
	ends[d].window = RTE_MAX(ends[d].window, window);
}

static void
start(uint64_t seed)
{
	unsigned d;

	rng = seed * 0x9e3779b97f4a7c15u + 1;
	copies_begin(NULL);
	copies.decision = TCPTERM_TRACK;
	copies.strict = true;
	copies.window = (uint16_t)(1 + rnd(65535));
	copies.isn[0] = rnd(UINT32_MAX);
	copies.isn[1] = rnd(UINT32_MAX);
	for (d = 0; d < 2; d++) {
		shift[d] = (uint8_t)rnd(rnd(2) ? 15 : 4);
		copies.shift = shift[d];
		ends[d].sent = ends[d].took = 0;
		ends[d].window = ends[d].edge = copies.window;
		if (d)
			copies_synack(0);
		else
			copies_syn(0);
	}
	copies_segment(0, TCP_ACK, 0, 0, 0);
	learn(0, 0, 0, 0);
}

/* Near one of the places where something begins to fit, or ends. */
static int64_t
place(unsigned d)
{
	const int64_t near[] = {
		ends[d].sent,
		ends[d].sent,
		ends[d].sent,
		ends[!d].took,
		ends[!d].edge,
		ends[!d].edge + PROBE,
		ends[!d].took - patience(!d),
		ends[d].sent + (1 << 29),
	};
	int64_t off = near[rnd(8)];

	return rnd(2) ? off : off + (int64_t)rnd(5000) - 2500;
}

static int64_t
acknowledgement(unsigned d)
{
	const int64_t near[] = {
		ends[!d].sent,
		ends[!d].sent,
		ends[!d].sent,
		ends[d].took,
		ends[d].took,
		ends[!d].sent,
		ends[d].took - patience(d),
		ends[!d].sent + 1,
	};
	int64_t ack = near[rnd(8)];

	return rnd(4) ? ack : ack + (int64_t)rnd(200) - 100;
}

static bool
one_is_judged_as_by_the_model(void)
{
	unsigned d = rnd(2);
	int64_t off = d ? place(d) : ends[d].sent, ack = d ? acknowledgement(d) : ends[!d].sent;
	uint32_t len = rnd(3) ? rnd(1400) : 0;
	uint64_t before = copies.n_forwarded;
	bool fits = allowed(d, off, ack, len);

	if (rnd(8) == 0)
		copies.window = (uint16_t)rnd(65536);
	if (!fits && d == 0)
		return true;
	if (fits)
		learn(d, off, ack, len);
	copies_segment(d, TCP_ACK, off, ack, len);
	if (fits == (copies.n_forwarded > before))
		return true;
	printf("# end %u, [%lld, +%u) ack %lld: %s\n", d, (long long)off, len, (long long)ack,
	       fits ? "was refused" : "went on");
	return false;
}

static void
segments_are_refused_exactly_where_the_model_says_so(void)
{
	uint64_t n_refused = 0, n_passed = 0;
	unsigned round, i;

	for (round = 1; round <= ROUNDS; round++) {
		start(round);
		for (i = 0; i < SEGMENTS; i++)
			if (!one_is_judged_as_by_the_model()) {
				printf("# seed %u, segment %u\n", round, i);
				CU_FAIL("the model differs");
				break;
			}
		n_refused += tcpterm_drops(copies.s)->n[DROP_track_window];
		n_passed += copies.n_forwarded;
		copies.n_forwarded = 0;
		CU_ASSERT_TRUE(copies_end());
	}
	printf("# %llu went on, %llu refused\n", (unsigned long long)n_passed,
	       (unsigned long long)n_refused);
	CU_ASSERT(n_refused > n_passed / 10 && n_passed > n_refused / 10);
}

TAP_MAIN(windows, TAP_TEST(segments_are_refused_exactly_where_the_model_says_so))
