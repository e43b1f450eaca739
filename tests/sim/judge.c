/*
 * The judge judged: a wire passes, and a wire that makes one mistake is caught by the rule that
 * forbids it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/lib/boxes.h"
#include "tests/sim/lib/run.h"
#include "tests/unit/tap.h"

enum { SEEDS = 12 };

/* A calm wire of in-order pipes, on which a box that forwards breaks no rule of a proxy. */
static void
calm(struct scenario *sc, uint64_t seed, enum box_mode mode)
{
	struct endpoint_config *e;
	int i;

	scenario_make(sc, seed * SCENARIO_CYCLE + SC_CLEAN, mode, NULL);
	sc->wire.pipe[0].quantum_us = sc->wire.pipe[2].quantum_us = 0;
	for (i = 0; i < 2; i++) {
		e = &sc->flow[0].ep[i];
		e->timestamps = true;
		e->sack = true;
		e->mss = 1000;
		e->wscale = 3;
		e->rcvbuf = 60000;
		e->sndbuf = 100000;
		sc->flow[0].actor[i].total_out = 90000;
		sc->flow[0].actor[i].write_chunk = 5000;
		sc->flow[0].actor[i].write_pause_us = 2000;
		sc->flow[0].actor[i].close_after_eof = i;
	}
	sc->bound_us = 2000LL * 1000000;
}

/* 1 if the run was found against that rule, -1 against another, 0 if nothing was found. */
static int
caught(struct scenario *sc, const struct box_ops *box, const char *rule)
{
	struct run_result res;

	run_scenario(sc, box, NULL, &res);
	if (!res.failed)
		return 0;
	if (strcmp(res.rule, rule) != 0) {
		printf("# seed %llu: %s: %s\n", (unsigned long long)sc->seed, res.rule, res.text);
		return -1;
	}
	return 1;
}

typedef void (*prepare)(struct scenario *sc);

static void
must_catch(enum mistake m, enum box_mode mode, const char *rule, prepare more)
{
	static struct scenario sc;
	uint64_t seed;
	int n;

	for (seed = 1; seed <= SEEDS; seed++) {
		calm(&sc, seed, mode);
		if (more)
			more(&sc);
		n = caught(&sc, wrong_box(m), rule);
		CU_ASSERT_EQUAL(n, 1);
		if (n != 1)
			printf("# seed %llu, rule %s\n", (unsigned long long)sc.seed, rule);
	}
}

static void
must_pass(enum box_mode mode, prepare more)
{
	static struct scenario sc;
	struct run_result res;
	uint64_t seed;

	for (seed = 1; seed <= SEEDS; seed++) {
		calm(&sc, seed, mode);
		if (more)
			more(&sc);
		run_scenario(&sc, &forward_box, NULL, &res);
		CU_ASSERT_FALSE(res.failed);
		CU_ASSERT_TRUE(res.segments > 100 && res.bytes == 180000);
		if (res.failed)
			printf("# seed %llu: %s: %s\n", (unsigned long long)sc.seed, res.rule,
			       res.text);
	}
}

static void
tagged(struct scenario *sc)
{
	int i;

	for (i = 0; i < 2; i++) {
		sc->flow[0].ep[i].id.n_tags = 1;
		sc->flow[0].ep[i].id.tag[0].tpid = 0x8100;
		sc->flow[0].ep[i].id.tag[0].tci = (uint16_t)(i << 13 | 100);
	}
}

static void
lossy(struct scenario *sc)
{
	sc->wire.pipe[0].loss = sc->wire.pipe[2].loss = 0.1;
}

static void
corrupting(struct scenario *sc)
{
	sc->wire.pipe[0].corrupt = sc->wire.pipe[2].corrupt = 0.3;
}

static void
marking(struct scenario *sc)
{
	sc->wire.pipe[0].mark = sc->wire.pipe[2].mark = 0.3;
	sc->flow[0].ep[0].ecn = sc->flow[0].ep[1].ecn = true;
}

static void
no_tap_loss(struct scenario *sc)
{
	sc->tap_loss = 0;
}

static void
no_sack(struct scenario *sc)
{
	sc->flow[0].ep[0].sack = sc->flow[0].ep[1].sack = false;
}

static void
no_scale(struct scenario *sc)
{
	sc->flow[0].ep[0].wscale = sc->flow[0].ep[1].wscale = -1;
	sc->flow[0].ep[0].rcvbuf = sc->flow[0].ep[1].rcvbuf = 3000;
}

static void
server_closes_late(struct scenario *sc)
{
	sc->flow[0].actor[1].total_out = 0;
	sc->flow[0].actor[1].close_after_eof = true;
	sc->flow[0].actor[1].read_pause_us = 300000;
}

#define CASE(name, ...)                                                                            \
	static void name(void)                                                                     \
	{                                                                                          \
		__VA_ARGS__;                                                                       \
	}

CASE(a_wire_passes_as_proxy, must_pass(BOX_PROXY, NULL))
CASE(a_wire_passes_as_proxy_with_tags, must_pass(BOX_PROXY, tagged))
CASE(a_wire_passes_as_tracker, must_pass(BOX_TRACK, lossy))
CASE(a_silent_box_passes_as_passive, must_pass(BOX_PASSIVE, lossy))
CASE(altered_payload_is_caught, must_catch(WRONG_FLIP, BOX_PROXY, "bytes", NULL))
CASE(altered_copy_is_caught, must_catch(WRONG_FLIP, BOX_TRACK, "altered", NULL))
CASE(bad_checksum_is_caught, must_catch(WRONG_CHECKSUM, BOX_PROXY, "checksum", NULL))
CASE(corrupt_segment_passed_on_is_caught,
     must_catch(WRONG_NONE, BOX_PROXY, "corrupt-forwarded", corrupting))
CASE(uncounted_loss_is_caught, must_catch(WRONG_LOSE, BOX_TRACK, "lost", NULL))
CASE(swallowed_stream_is_caught, must_catch(WRONG_SWALLOW, BOX_PROXY, "progress", NULL))
CASE(early_acknowledgment_is_caught, must_catch(WRONG_ACK, BOX_PROXY, "ack-unreceived", NULL))
CASE(shrunk_window_is_caught, must_catch(WRONG_SHRINK, BOX_PROXY, "window-shrunk", NULL))
CASE(sending_beyond_the_window_is_caught,
     must_catch(WRONG_OVERRUN, BOX_PROXY, "beyond-window", no_scale))
CASE(invented_timestamp_is_caught, must_catch(WRONG_TSVAL, BOX_PROXY, "tsval-invented", NULL))
CASE(invented_echo_is_caught, must_catch(WRONG_TSECR, BOX_PROXY, "tsecr-invented", NULL))
CASE(shifted_sequence_is_caught, must_catch(WRONG_SEQ, BOX_PROXY, "bytes", NULL))
CASE(invented_end_is_caught, must_catch(WRONG_END, BOX_PROXY, "unreceived", NULL))
CASE(false_sack_is_caught, must_catch(WRONG_SACK, BOX_PROXY, "sack", lossy))
CASE(mark_that_crosses_is_caught, must_catch(WRONG_NONE, BOX_PROXY, "ecn", marking))
CASE(counted_hop_is_caught, must_catch(WRONG_TTL, BOX_PROXY, "identity", NULL))
CASE(lost_priority_is_caught, must_catch(WRONG_TAG, BOX_PROXY, "identity", tagged))
CASE(own_mac_is_caught, must_catch(WRONG_MAC, BOX_PROXY, "identity", NULL))
CASE(unconfirmed_handshake_is_caught, must_catch(WRONG_EARLY_ACK, BOX_PROXY, "early-ack", NULL))
CASE(invented_syn_is_caught, must_catch(WRONG_SYN, BOX_PROXY, "syn-invented", NULL))
CASE(invented_option_is_caught, must_catch(WRONG_OPTIONS, BOX_PROXY, "syn-options", no_sack))
CASE(early_fin_acknowledgment_is_caught,
     must_catch(WRONG_FIN, BOX_PROXY, "fin-early", server_closes_late))
CASE(reset_out_of_the_blue_is_caught, must_catch(WRONG_RST, BOX_PROXY, "rst-uncalled", NULL))
CASE(replayed_segment_is_caught, must_catch(WRONG_REPLAY, BOX_PROXY, "ack-back", NULL))
CASE(talk_in_time_wait_is_caught, must_catch(WRONG_TIME_WAIT, BOX_PROXY, "time-wait", NULL))
CASE(talking_passive_box_is_caught, must_catch(WRONG_TALK, BOX_PASSIVE, "passive-sent", NULL))
CASE(false_report_is_caught, must_catch(WRONG_REPORT, BOX_PASSIVE, "report", no_tap_loss))
CASE(invented_gap_is_caught, must_catch(WRONG_GAP, BOX_PASSIVE, "report", no_tap_loss))
CASE(leaked_buffer_is_caught, must_catch(WRONG_LEAK, BOX_PROXY, "leak", NULL))
CASE(spinning_timer_is_caught, must_catch(WRONG_SPIN, BOX_PROXY, "timer", NULL))

TAP_MAIN(judge, TAP_TEST(a_wire_passes_as_proxy), TAP_TEST(a_wire_passes_as_proxy_with_tags),
	 TAP_TEST(a_wire_passes_as_tracker), TAP_TEST(a_silent_box_passes_as_passive),
	 TAP_TEST(altered_payload_is_caught), TAP_TEST(altered_copy_is_caught),
	 TAP_TEST(bad_checksum_is_caught), TAP_TEST(corrupt_segment_passed_on_is_caught),
	 TAP_TEST(uncounted_loss_is_caught), TAP_TEST(swallowed_stream_is_caught),
	 TAP_TEST(early_acknowledgment_is_caught), TAP_TEST(shrunk_window_is_caught),
	 TAP_TEST(sending_beyond_the_window_is_caught), TAP_TEST(invented_timestamp_is_caught),
	 TAP_TEST(invented_echo_is_caught), TAP_TEST(shifted_sequence_is_caught),
	 TAP_TEST(invented_end_is_caught), TAP_TEST(false_sack_is_caught),
	 TAP_TEST(mark_that_crosses_is_caught), TAP_TEST(counted_hop_is_caught),
	 TAP_TEST(lost_priority_is_caught), TAP_TEST(own_mac_is_caught),
	 TAP_TEST(unconfirmed_handshake_is_caught), TAP_TEST(invented_syn_is_caught),
	 TAP_TEST(invented_option_is_caught), TAP_TEST(early_fin_acknowledgment_is_caught),
	 TAP_TEST(reset_out_of_the_blue_is_caught), TAP_TEST(replayed_segment_is_caught),
	 TAP_TEST(talk_in_time_wait_is_caught), TAP_TEST(talking_passive_box_is_caught),
	 TAP_TEST(false_report_is_caught), TAP_TEST(invented_gap_is_caught),
	 TAP_TEST(leaked_buffer_is_caught), TAP_TEST(spinning_timer_is_caught))
