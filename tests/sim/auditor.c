/*
 * The auditor audited: one number in the books of a live connection is falsified for the time of
 * one audit, and the rule that forbids it is broken, no other; unfalsified books are right.
 */
#include <stdio.h>
#include <string.h>

#include "tcpterm/relay.h"
#include "tests/sim/lib/audit.h"
#include "tests/sim/lib/lib.h"
#include "tests/sim/lib/run.h"
#include "tests/unit/tap.h"

enum { SEEDS = 6, PATCHES = 8, PATCH_MAX = 64 };

/* What was written over, so that the run can end in order. */
static struct patch {
	void *at;
	uint8_t was[PATCH_MAX];
	size_t size;
} patches[PATCHES];
static unsigned n_patches;

static void
keep(void *at, size_t size)
{
	struct patch *p = &patches[n_patches++];

	p->at = at;
	p->size = size;
	memcpy(p->was, at, size);
}

_Static_assert(sizeof(struct sent_seg) <= PATCH_MAX, "an entry is kept whole");

/* A bit field has no address: the entry is kept. */
#define FALSIFY_FLAG(flag) (keep(HEAD, sizeof(struct sent_seg)), HEAD->flag = true)
#define FALSIFY(what, value) (keep(&(what), sizeof(what)), (what) = (value))

static void
undo(void)
{
	while (n_patches > 0) {
		n_patches--;
		memcpy(patches[n_patches].at, patches[n_patches].was, patches[n_patches].size);
	}
}

/* False: this connection has nothing of the kind now. */
typedef bool (*forgery)(struct conn *c);

static forgery forge;
static bool forged;

static void
audit(void *box, const struct audit *a)
{
	struct tcpterm *s = lib_box_stack(box);
	struct flow *f;
	uint64_t cursor = 0;

	do {
		struct relay *r = tcpterm_walk(s, &cursor, &f, 1) && f->kind == TCPTERM_KIND_RELAY
					  ? relay_of(f)
					  : NULL;

		for (unsigned k = 0; r && !r->dying && k < 2 && forge && !forged; k++)
			if (r->leg[k].state == TCPTERM_ESTABLISHED)
				forged = forge(&r->leg[k]);
	} while (cursor);
	lib_box.audit(box, a);
	undo();
}

static void
busy(struct scenario *sc, uint64_t seed)
{
	int i;

	scenario_make(sc, seed * SCENARIO_CYCLE + SC_LOSS, BOX_PROXY, NULL);
	sc->box.n_workers = 1;
	for (i = 0; i < WIRE_PIPES; i++) {
		sc->wire.pipe[i].loss = 0.05;
		sc->wire.pipe[i].delay_us = 5000;
	}
	for (i = 0; i < 2; i++) {
		sc->flow[0].ep[i].sack = true;
		sc->flow[0].ep[i].mss = 1000;
		sc->flow[0].ep[i].rcvbuf = 60000;
		sc->flow[0].actor[i].total_out = 300000;
		sc->flow[0].actor[i].write_chunk = 20000;
	}
	sc->flow[0].actor[0].read_pause_us = 1000;
}

static void
must_find(forgery f, const char *rule)
{
	static struct scenario sc;
	struct box_ops box = lib_box;
	struct run_result res;
	unsigned n_forged = 0, n_found = 0;
	uint64_t seed;

	box.audit = audit;
	for (seed = 1; seed <= SEEDS; seed++) {
		busy(&sc, seed);
		forge = f;
		forged = false;
		run_scenario(&sc, &box, NULL, &res);
		n_forged += forged;
		n_found += res.failed && strcmp(res.rule, rule) == 0;
		if (res.failed && strcmp(res.rule, rule) != 0)
			printf("# %s, not %s: %s\n", res.rule, rule, res.text);
	}
	CU_ASSERT(n_forged > 0);
	CU_ASSERT_EQUAL(n_found, n_forged);
	printf("# %u of %u forgeries were found\n", n_found, n_forged);
}

static void
right_books_pass(void)
{
	static struct scenario sc;
	struct box_ops box = lib_box;
	struct run_result res;
	uint64_t seed;

	box.audit = audit;
	forge = NULL;
	for (seed = 1; seed <= SEEDS; seed++) {
		busy(&sc, seed);
		run_scenario(&sc, &box, NULL, &res);
		CU_ASSERT_FALSE(res.failed);
		if (res.failed)
			printf("# seed %d: %s: %s\n", (int)seed, res.rule, res.text);
	}
}

#define FORGERY(name, rule, condition, ...)                                                        \
	static bool name##_forge(struct conn *c)                                                   \
	{                                                                                          \
		if (!(condition))                                                                  \
			return false;                                                              \
		__VA_ARGS__;                                                                       \
		return true;                                                                       \
	}                                                                                          \
	static void name(void)                                                                     \
	{                                                                                          \
		must_find(name##_forge, rule);                                                     \
	}

#define FLIGHT (c->una < c->nxt)
#define IDLE (c->una == c->nxt && c->tx->end == c->nxt && !c->tx->fin)
#define HEAD (sent_seg(c, c->sent.head))
#define TWO_SENT (c->sent.head && HEAD->next)

FORGERY(acknowledgment_that_did_not_come_is_found, "sequence", FLIGHT, FALSIFY(c->una, c->una + 1))
FORGERY(byte_that_was_not_sent_is_found, "sequence", c->tx->end > c->nxt,
	FALSIFY(c->nxt, c->nxt + 1))
FORGERY(fin_that_was_not_sent_is_found, "sequence", FLIGHT, FALSIFY(c->fin_sent, true))
FORGERY(bytes_let_go_too_early_are_found, "sequence", FLIGHT,
	FALSIFY(c->tx->start, c->tx->start + 1))
FORGERY(wrong_sum_of_sacked_is_found, "scoreboard", FLIGHT,
	FALSIFY(c->sent.sacked, c->sent.sacked + 1))
FORGERY(wrong_sum_of_lost_is_found, "scoreboard", FLIGHT, FALSIFY(c->sent.lost, c->sent.lost + 1))
FORGERY(wrong_sum_of_sent_again_is_found, "scoreboard", FLIGHT,
	FALSIFY(c->sent.rexmit, c->sent.rexmit + 1))
FORGERY(hole_in_the_list_is_found, "scoreboard", TWO_SENT, FALSIFY(HEAD->len, HEAD->len - 1))
FORGERY(entry_out_of_order_is_found, "scoreboard", TWO_SENT,
	FALSIFY(HEAD->off, sent_seg(c, HEAD->next)->off))
FORGERY(wrong_tail_is_found, "scoreboard", TWO_SENT, FALSIFY(c->sent.tail, c->sent.head))
FORGERY(lost_and_sacked_is_found, "scoreboard", FLIGHT && HEAD->lost, FALSIFY_FLAG(sacked))
FORGERY(sack_that_did_not_come_is_found, "scoreboard", FLIGHT && !HEAD->sacked && !HEAD->lost,
	FALSIFY_FLAG(sacked), FALSIFY(c->sent.sacked, c->sent.sacked + HEAD->len))
FORGERY(hole_in_the_order_of_time_is_found, "scoreboard", TWO_SENT && c->sent.oldest,
	FALSIFY(c->sent.oldest, c->sent.newest))
FORGERY(wrong_count_of_sacked_is_found, "scoreboard", FLIGHT,
	FALSIFY(c->sent.n_sacked, c->sent.n_sacked + 1))
FORGERY(segment_of_the_future_is_found, "scoreboard", FLIGHT,
	FALSIFY(HEAD->at, usec_add(c->s->now, 1)))
FORGERY(wrong_sum_of_early_bytes_is_found, "reassembly", c->ooo.head,
	FALSIFY(c->ooo.bytes, c->ooo.bytes + 1))
FORGERY(early_bytes_that_are_not_early_are_found, "reassembly", c->ooo.head,
	FALSIFY(held(c->ooo.head)->off, c->rcv.nxt))
FORGERY(overlap_of_early_bytes_is_found, "reassembly", c->ooo.head &&held(c->ooo.head)->next,
	FALSIFY(held(held(c->ooo.head)->next)->off, held(c->ooo.head)->off))
FORGERY(bytes_that_did_not_come_are_found, "reassembly", !c->ooo.head && c->rcv.fin < 0,
	FALSIFY(c->rcv.nxt, c->rcv.adv))
FORGERY(torn_stream_is_found, "stream", c->rx->head &&held(c->rx->head)->next,
	FALSIFY(held(held(c->rx->head)->next)->off, held(c->rx->head)->off))
FORGERY(wrong_count_of_pieces_is_found, "stream", c->rx->head,
	FALSIFY(c->rx->n_mbufs, c->rx->n_mbufs + 1))
FORGERY(withdrawn_edge_is_found, "window", true, FALSIFY(c->rcv.adv, c->rcv.nxt - 1))
FORGERY(edge_that_was_not_offered_is_found, "window", true,
	FALSIFY(c->wnd_edge, c->wnd_edge + (1 << 20)))
FORGERY(window_below_a_segment_is_found, "window", true, FALSIFY(c->cc.cwnd, c->mss - 1u))
FORGERY(flight_without_a_timer_is_found, "armed", FLIGHT, FALSIFY(c->rto_at, USEC_NEVER))
FORGERY(timer_for_nothing_is_found, "armed", IDLE,
	FALSIFY(c->rto_at, usec_add(c->s->now, 5000000000)))
FORGERY(closed_window_without_a_timer_is_found, "armed", c->persist_at.v != USEC_NEVER.v,
	FALSIFY(c->persist_at, USEC_NEVER))
FORGERY(persistence_for_nothing_is_found, "armed", IDLE,
	FALSIFY(c->persist_at, usec_add(c->s->now, 5000000000)))
FORGERY(loss_probe_for_nothing_is_found, "armed", IDLE,
	FALSIFY(c->rack.pto_at, usec_add(c->s->now, 5000000000)))
FORGERY(forgotten_acknowledgment_is_found, "armed", c->rcv.unacked > 0,
	FALSIFY(c->rcv.delack_at, USEC_NEVER))
FORGERY(late_entry_of_the_wheel_is_found, "timer-lost", FLIGHT,
	FALSIFY(c->f->timer.due, c->f->timer.due + 3))
FORGERY(missing_entry_of_the_wheel_is_found, "timer-lost", FLIGHT, FALSIFY(c->f->timer.prev, 0))
FORGERY(wrong_count_of_buffers_is_found, "held", true,
	FALSIFY(c->s->stats.n_held, c->s->stats.n_held + 1))
FORGERY(wrong_count_of_entries_is_found, "held", true,
	FALSIFY(c->s->sent.n_used, c->s->sent.n_used + 1))
FORGERY(unsent_acknowledgment_is_found, "output-due", true, FALSIFY(c->rcv.ack_now, true))

TAP_MAIN(auditor, TAP_TEST(right_books_pass), TAP_TEST(acknowledgment_that_did_not_come_is_found),
	 TAP_TEST(byte_that_was_not_sent_is_found), TAP_TEST(fin_that_was_not_sent_is_found),
	 TAP_TEST(bytes_let_go_too_early_are_found), TAP_TEST(wrong_sum_of_sacked_is_found),
	 TAP_TEST(wrong_sum_of_lost_is_found), TAP_TEST(wrong_sum_of_sent_again_is_found),
	 TAP_TEST(hole_in_the_list_is_found), TAP_TEST(entry_out_of_order_is_found),
	 TAP_TEST(wrong_tail_is_found), TAP_TEST(lost_and_sacked_is_found),
	 TAP_TEST(sack_that_did_not_come_is_found), TAP_TEST(hole_in_the_order_of_time_is_found),
	 TAP_TEST(wrong_count_of_sacked_is_found), TAP_TEST(segment_of_the_future_is_found),
	 TAP_TEST(wrong_sum_of_early_bytes_is_found),
	 TAP_TEST(early_bytes_that_are_not_early_are_found),
	 TAP_TEST(overlap_of_early_bytes_is_found), TAP_TEST(bytes_that_did_not_come_are_found),
	 TAP_TEST(torn_stream_is_found), TAP_TEST(wrong_count_of_pieces_is_found),
	 TAP_TEST(withdrawn_edge_is_found), TAP_TEST(edge_that_was_not_offered_is_found),
	 TAP_TEST(window_below_a_segment_is_found), TAP_TEST(flight_without_a_timer_is_found),
	 TAP_TEST(timer_for_nothing_is_found), TAP_TEST(closed_window_without_a_timer_is_found),
	 TAP_TEST(persistence_for_nothing_is_found), TAP_TEST(loss_probe_for_nothing_is_found),
	 TAP_TEST(forgotten_acknowledgment_is_found), TAP_TEST(late_entry_of_the_wheel_is_found),
	 TAP_TEST(missing_entry_of_the_wheel_is_found), TAP_TEST(wrong_count_of_buffers_is_found),
	 TAP_TEST(wrong_count_of_entries_is_found), TAP_TEST(unsent_acknowledgment_is_found))
