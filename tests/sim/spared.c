/*
 * What the judge has to let pass: manners of speaking that the design allows, and that scenarios
 * drawn at random meet once in ten thousand times, are met here often.
 */
#include <stdio.h>
#include <string.h>

#include "tests/sim/lib/lib.h"
#include "tests/sim/lib/run.h"
#include "tests/unit/tap.h"

enum { SEEDS = 40 };

/* A plain wire, and little to say. */
static void
plain(struct scenario *sc, uint64_t seed, enum box_mode mode, const struct endpoint_ops *client)
{
	int i;

	scenario_make(sc, seed * SCENARIO_CYCLE + SC_CLEAN, mode, NULL);
	for (i = 0; i < WIRE_PIPES; i++)
		sc->wire.pipe[i] = (struct pipe_config){ .delay_us = 1000 };
	sc->tap_loss = 0;
	sc->flow[0].ops[0] = client;
	for (i = 0; i < 2; i++) {
		sc->flow[0].ep[i].mss = 1000;
		sc->flow[0].actor[i].total_out = 1000;
		sc->flow[0].actor[i].write_pause_us = 0;
		sc->flow[0].actor[i].close_after_eof = i;
	}
}

static void
must_pass(struct scenario *sc)
{
	struct run_result res;

	run_scenario(sc, &lib_box, NULL, &res);
	CU_ASSERT_FALSE(res.failed);
	if (res.failed)
		printf("# seed %llu: %s: %s\n", (unsigned long long)sc->seed, res.rule, res.text);
}

/* 48 bytes have no room for tags: who answers in TIME-WAIT takes those of what it answers. */
static void
time_wait_of_an_end_echoes_the_priority(void)
{
	static struct scenario sc;
	uint64_t seed;
	int i;

	for (seed = 1; seed <= SEEDS; seed++) {
		plain(&sc, seed, BOX_PROXY, &lib_endpoint);
		for (i = 0; i < 2; i++) {
			sc.flow[0].ep[i].id.n_tags = 1;
			sc.flow[0].ep[i].id.tag[0].tpid = 0x88a8;
			sc.flow[0].ep[i].id.tag[0].tci = (uint16_t)(i << 13 | 100);
		}
		sc.wire.pipe[WIRE_TO_BOX].loss = 0.2;	/* the client's last ACK, too */
		sc.wire.pipe[WIRE_TO_BOX].reorder = 0.2;
		must_pass(&sc);
	}
}

/* The refusal ended what the box knew; a copy of the SYN begins anew, with an unknown server. */
static void
reset_after_a_refusal_has_no_manners_to_take_on(void)
{
	static struct scenario sc;
	int64_t at;

	for (at = 3000; at < 3000 + SEEDS * 100; at += 100) {
		plain(&sc, (uint64_t)at, BOX_PROXY, &plain_endpoint);
		sc.flow[0].refused = sc.flow[0].aborts = true;
		sc.flow[0].ep[0].refuse = sc.flow[0].ep[1].refuse = true;
		sc.wire.pipe[WIRE_TO_BOX].duplicate = 1;
		sc.wire.pipe[WIRE_TO_BOX].reorder = 0.5;
		sc.reset_us = at;
		must_pass(&sc);
	}
}

/* Everything happens on multiples of the allowance: a hole is due when its bytes come. */
static void
bytes_that_come_in_the_burst_in_which_they_are_given_up_may_be_missing(void)
{
	static struct scenario sc;
	uint64_t seed;
	int i;

	for (seed = 1; seed <= SEEDS; seed++) {
		plain(&sc, seed, BOX_PASSIVE, &plain_endpoint);
		for (i = 0; i < WIRE_PIPES; i++)
			sc.wire.pipe[i].quantum_us = 5000;
		for (i = 0; i < 2; i++) {
			sc.wire.pipe[i * 2 + WIRE_FROM_BOX].loss = 0.05;
			sc.flow[0].actor[i].total_out = 100000;
			sc.flow[0].ep[i].rcvbuf = sc.flow[0].ep[i].sndbuf = 60000;
			sc.flow[0].ep[i].delack_us = 0;
		}
		sc.tap_loss = 0.1;
		must_pass(&sc);
	}
}

/* A window probe's byte, whose first copy the tap lost, has the form of a keepalive's. */
static void
probe_below_the_last_acknowledgment_may_be_missing(void)
{
	static struct scenario sc;
	uint64_t seed;

	for (seed = 1; seed <= SEEDS; seed++) {
		plain(&sc, seed, BOX_PASSIVE, &plain_endpoint);
		sc.wire.pipe[WIRE_FROM_BOX].loss = 0.3;		/* of the ACKs */
		sc.flow[0].ep[1].rcvbuf = 1500;
		sc.flow[0].actor[0].total_out = 60000;
		sc.flow[0].actor[1].read_pause_us = 50000;
		sc.tap_loss = 0.02;
		must_pass(&sc);
	}
}

TAP_MAIN(spared, TAP_TEST(time_wait_of_an_end_echoes_the_priority),
	 TAP_TEST(reset_after_a_refusal_has_no_manners_to_take_on),
	 TAP_TEST(bytes_that_come_in_the_burst_in_which_they_are_given_up_may_be_missing),
	 TAP_TEST(probe_below_the_last_acknowledgment_may_be_missing))
