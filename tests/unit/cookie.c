/*
 * A proxied connection that began by a SYN cookie (RFC 4987 3.6): two handshakes, one after the
 * other, numbers that differ, and everything else as of any proxied connection.
 */
#include <errno.h>
#include <string.h>

#include "tests/unit/lib/chain.h"
#include "tests/unit/tap.h"

enum { KB = 1024, MB = 1024 * 1024, SECOND = 1000000 };

/* What went over the wires of the handshakes. */
static struct {
	uint32_t client_isn, cookie, forwarded_isn, server_isn;
	unsigned n_client_rst, n_server_rst, n_syns;
	bool lose_synack, mute_server;
	unsigned every;		/* of that many frames one is lost; 0: none */
	uint64_t state;
} seen;

static void
watch_relay(const struct pkt *p)
{
	bool to_client = p->sport == 8443;

	if (p->flags & TCP_RST) {
		seen.n_client_rst += to_client;
		seen.n_server_rst += !to_client;
	} else if (p->flags & TCP_SYN && to_client) {
		seen.cookie = p->seq;
	} else if (p->flags & TCP_SYN) {
		seen.forwarded_isn = p->seq;
		seen.n_syns++;
	}
}

/* Sees every frame, and loses those that are to be lost. */
static bool
wire(struct chain *c, enum chain_node from, const struct pkt *p)
{
	(void)c;
	if (from == CHAIN_RELAY)
		watch_relay(p);
	else if (p->flags & TCP_SYN)
		*(from == CHAIN_CLIENT ? &seen.client_isn : &seen.server_isn) = p->seq;
	if (from == CHAIN_SERVER &&
	    (seen.mute_server || (seen.lose_synack && p->flags & TCP_SYN))) {
		seen.lose_synack = false;
		return true;
	}
	seen.state = seen.state * 6364136223846793005u + 1442695040888963407u;
	return seen.every && (seen.state >> 33) % seen.every == 0;
}

static void
begin(struct chain *c, uint64_t seed, unsigned every)
{
	const struct tcpterm_conf pressed = { .cookies_always = true };

	chain_init_relay(c, &pressed);
	c->verdict.flood = TCPTERM_FLOOD_COOKIE;
	c->lose = wire;
	memset(&seen, 0, sizeof seen);
	seen.state = seed;
	seen.every = every;
}

static void
numbers_are_translated_and_bytes_are_not(void)
{
	struct chain c;

	begin(&c, 0, 0);
	chain_transfer(&c, 3 * MB, 2 * MB, 60);
	CU_ASSERT_EQUAL(seen.forwarded_isn, seen.client_isn);
	CU_ASSERT_NOT_EQUAL(seen.cookie, seen.server_isn);
	CU_ASSERT_EQUAL(seen.n_syns, 1);
	CU_ASSERT_EQUAL(c.n_ended, 1);
	CU_ASSERT_EQUAL(c.ended, TCPTERM_END_FIN);
	CU_ASSERT_EQUAL(tcpterm_stats(c.stack[CHAIN_RELAY])->cookies_taken, 1);
	CU_ASSERT_EQUAL(tcpterm_stats(c.stack[CHAIN_RELAY])->retransmits, 0);
	CU_ASSERT_EQUAL(seen.n_client_rst + seen.n_server_rst, 0);
	chain_fini(&c);
}

static void
loss_on_every_wire_is_repaired(void)
{
	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct chain c;

		begin(&c, seed, 20);
		chain_transfer(&c, 300 * KB, 200 * KB, 900);
		chain_fini(&c);
	}
}

static void
options_are_guessed_and_used(void)
{
	struct tcpterm_leg_info leg[2];
	struct chain c;

	begin(&c, 0, 0);
	c.app[CHAIN_CLIENT].to_send = 4 * MB;
	chain_connect(&c);
	chain_run(&c, 2 * SECOND, chain_never);
	tcpterm_flow_info(chain_flow(&c), leg);
	CU_ASSERT_EQUAL(leg[0].mss, 1448);	/* 1460 less timestamps */
	CU_ASSERT_EQUAL(leg[1].mss, 1448);
	CU_ASSERT(leg[0].rcv_wnd > 65535);	/* scaled */
	CU_ASSERT(leg[1].snd_wnd > 65535);
	CU_ASSERT_EQUAL(chain_flow(&c)->start, TCPTERM_START_COOKIE);
	CU_ASSERT_EQUAL(chain_flow(&c)->kind, TCPTERM_KIND_RELAY);
	chain_fini(&c);
}

/* The server's leg by its handshake; the client's, of whose SYN nothing is known, by its data. */
static void
round_trip_is_measured_as_soon_as_it_can_be(void)
{
	struct tcpterm_leg_info leg[2];
	struct chain c;

	begin(&c, 0, 0);
	chain_connect(&c);
	CU_ASSERT_TRUE(chain_run(&c, SECOND, chain_connected));
	tcpterm_flow_info(chain_flow(&c), leg);
	CU_ASSERT(leg[1].srtt_us >= 10000 && leg[1].srtt_us < 13000);
	c.app[CHAIN_SERVER].to_send = 1;
	chain_run(&c, SECOND, chain_never);
	tcpterm_flow_info(chain_flow(&c), leg);
	CU_ASSERT(leg[0].srtt_us >= 10000 && leg[0].srtt_us < 53000);
	chain_fini(&c);
}

/* The client believes that it is chain_connected, long before that is so. */
static void
bytes_for_a_server_that_has_not_answered_are_held(void)
{
	struct chain c;

	begin(&c, 0, 0);
	seen.lose_synack = true;
	c.app[CHAIN_CLIENT].to_send = 10000;
	c.app[CHAIN_CLIENT].close_after = true;
	chain_connect(&c);
	chain_run(&c, SECOND / 2, chain_never);
	CU_ASSERT_TRUE(c.app[CHAIN_CLIENT].established);
	CU_ASSERT_EQUAL(c.app[CHAIN_CLIENT].sent, 10000);
	CU_ASSERT_FALSE(c.app[CHAIN_SERVER].established);
	c.app[CHAIN_SERVER].to_send = 20000;
	c.app[CHAIN_SERVER].close_after = true;
	CU_ASSERT_TRUE(chain_run(&c, 10 * SECOND, chain_closed));
	chain_check_received(&c);
	CU_ASSERT_EQUAL(seen.n_syns, 2);
	CU_ASSERT_EQUAL(c.ended, TCPTERM_END_FIN);
	chain_fini(&c);
}

static void
server_that_refuses_is_a_reset_for_the_client(void)
{
	struct chain c;

	begin(&c, 0, 0);
	c.server_refuses = true;
	c.app[CHAIN_CLIENT].to_send = 1000;
	chain_connect(&c);
	chain_run(&c, SECOND, chain_never);
	CU_ASSERT_TRUE(c.app[CHAIN_CLIENT].closed);
	CU_ASSERT_EQUAL(c.app[CHAIN_CLIENT].why, TCPTERM_END_RST);
	CU_ASSERT_EQUAL(c.n_ended, 1);
	CU_ASSERT_EQUAL(c.ended, TCPTERM_END_REFUSED);
	CU_ASSERT_EQUAL(tcpterm_stats(c.stack[CHAIN_RELAY])->n_flows[TCPTERM_KIND_RELAY], 0);
	chain_fini(&c);
}

static void
server_that_says_nothing_is_given_up(void)
{
	struct chain c;

	begin(&c, 0, 0);
	seen.mute_server = true;
	c.app[CHAIN_CLIENT].to_send = 1000;
	chain_connect(&c);
	chain_run(&c, 60 * SECOND, chain_never);
	CU_ASSERT_FALSE(c.app[CHAIN_CLIENT].closed);
	CU_ASSERT(seen.n_syns >= 5);
	chain_run(&c, 300 * SECOND, chain_never);
	CU_ASSERT_TRUE(c.app[CHAIN_CLIENT].closed);
	CU_ASSERT_EQUAL(c.app[CHAIN_CLIENT].why, TCPTERM_END_RST);
	CU_ASSERT_EQUAL(c.ended, TCPTERM_END_TIMEOUT);
	CU_ASSERT_EQUAL(tcpterm_stats(c.stack[CHAIN_RELAY])->n_flows[TCPTERM_KIND_RELAY], 0);
	chain_fini(&c);
}

static void
client_that_gives_up_first_leaves_nothing(void)
{
	struct chain c;

	begin(&c, 0, 0);
	seen.mute_server = true;
	c.app[CHAIN_CLIENT].to_send = 1000;
	chain_connect(&c);
	chain_run(&c, SECOND, chain_never);
	tcpterm_abort(c.stack[CHAIN_CLIENT], c.app[CHAIN_CLIENT].f);
	c.app[CHAIN_CLIENT].f = NULL;
	chain_run(&c, 5 * SECOND, chain_never);
	CU_ASSERT_EQUAL(c.n_ended, 1);
	CU_ASSERT_EQUAL(c.ended, TCPTERM_END_RST);
	CU_ASSERT_EQUAL(tcpterm_stats(c.stack[CHAIN_RELAY])->n_flows[TCPTERM_KIND_RELAY], 0);
	chain_fini(&c);
}

static void
half_close_leaves_the_other_direction_open(void)
{
	for (unsigned i = 0; i < 2; i++) {
		enum chain_node first = i ? CHAIN_SERVER : CHAIN_CLIENT;
		enum chain_node then = i ? CHAIN_CLIENT : CHAIN_SERVER;
		struct chain c;

		begin(&c, 0, 0);
		c.app[first].to_send = 10;
		c.app[first].close_after = true;
		chain_connect(&c);
		chain_run(&c, SECOND, chain_never);
		CU_ASSERT_TRUE(c.app[then].eof);
		CU_ASSERT_FALSE(c.app[first].closed);
		c.app[then].to_send = MB;
		c.app[then].close_after = true;
		CU_ASSERT_TRUE(chain_run(&c, 60 * SECOND, chain_closed));
		chain_check_received(&c);
		CU_ASSERT_EQUAL(c.ended, TCPTERM_END_FIN);
		chain_fini(&c);
	}
}

static void
reset_of_either_end_arrives_after_the_queued_bytes(void)
{
	for (unsigned i = 0; i < 2; i++) {
		enum chain_node who = i ? CHAIN_SERVER : CHAIN_CLIENT;
		enum chain_node other = i ? CHAIN_CLIENT : CHAIN_SERVER;
		struct chain c;

		begin(&c, 0, 0);
		c.app[who].to_send = 100000;
		chain_connect(&c);
		chain_run(&c, 5 * SECOND, chain_never);
		tcpterm_abort(c.stack[who], c.app[who].f);
		c.app[who].f = NULL;
		chain_run(&c, SECOND, chain_never);
		CU_ASSERT_TRUE(c.app[other].closed);
		CU_ASSERT_EQUAL(c.app[other].why, TCPTERM_END_RST);
		CU_ASSERT_EQUAL(c.app[other].received, 100000);
		CU_ASSERT_EQUAL(c.ended, TCPTERM_END_RST);
		chain_fini(&c);
	}
}

static void
reset_by_the_operator_is_believed_by_both_ends(void)
{
	for (unsigned i = 0; i < 2; i++) {
		struct chain c;

		begin(&c, 0, 0);
		seen.mute_server = i == 1;	/* then only one handshake is complete */
		c.app[CHAIN_CLIENT].to_send = 1000;
		chain_connect(&c);
		chain_run(&c, 2 * SECOND, chain_never);
		CU_ASSERT_EQUAL(tcpterm_reset(c.stack[CHAIN_RELAY], chain_flow(&c)), 0);
		chain_run(&c, SECOND / 10, chain_never);
		CU_ASSERT_TRUE(c.app[CHAIN_CLIENT].closed);
		CU_ASSERT_TRUE(c.app[CHAIN_SERVER].closed);
		CU_ASSERT_EQUAL(c.ended, TCPTERM_END_ABORTED);
		chain_fini(&c);
	}
}

static void
translated_flow_stays_terminated(void)
{
	static const enum tcpterm_decision lower[] = { TCPTERM_TRACK, TCPTERM_PASS };
	struct chain c;

	begin(&c, 0, 0);
	c.app[CHAIN_CLIENT].to_send = c.app[CHAIN_SERVER].to_send = 1000;
	chain_connect(&c);
	chain_run(&c, 2 * SECOND, chain_never);
	for (unsigned i = 0; i < 2; i++)
		CU_ASSERT_EQUAL(tcpterm_demote(c.stack[CHAIN_RELAY], chain_flow(&c), lower[i]),
				-EINVAL);
	/* idle for longer than others may be */
	chain_run(&c, 5LL * 3600 * SECOND, chain_never);
	CU_ASSERT_EQUAL(chain_flow(&c)->kind, TCPTERM_KIND_RELAY);
	c.app[CHAIN_CLIENT].to_send = c.app[CHAIN_SERVER].to_send = 2000;
	c.app[CHAIN_CLIENT].close_after = c.app[CHAIN_SERVER].close_after = true;
	CU_ASSERT_TRUE(chain_run(&c, 10 * SECOND, chain_closed));
	chain_check_received(&c);
	chain_fini(&c);
}

static void
translated_flow_can_be_dropped(void)
{
	struct chain c;

	begin(&c, 0, 0);
	chain_connect(&c);
	CU_ASSERT_TRUE(chain_run(&c, SECOND, chain_connected));
	CU_ASSERT_EQUAL(tcpterm_demote(c.stack[CHAIN_RELAY], chain_flow(&c), TCPTERM_DROP), 0);
	CU_ASSERT_EQUAL(chain_flow(&c)->kind, TCPTERM_KIND_DROP);
	chain_fini(&c);
}

/* RFC 9293 3.8.4: nobody else would find out. */
static void
silent_ends_of_a_translated_flow_are_asked(void)
{
	struct chain c;

	begin(&c, 0, 0);
	chain_connect(&c);
	CU_ASSERT_TRUE(chain_run(&c, SECOND, chain_connected));
	seen.every = 1;		/* the wires are cut */
	chain_run(&c, 4LL * 3600 * SECOND, chain_never);
	CU_ASSERT_EQUAL(c.n_ended, 1);
	CU_ASSERT_EQUAL(c.ended, TCPTERM_END_TIMEOUT);
	chain_fini(&c);
}

TAP_MAIN(cookie, TAP_TEST(numbers_are_translated_and_bytes_are_not),
	 TAP_TEST(loss_on_every_wire_is_repaired), TAP_TEST(options_are_guessed_and_used),
	 TAP_TEST(round_trip_is_measured_as_soon_as_it_can_be),
	 TAP_TEST(bytes_for_a_server_that_has_not_answered_are_held),
	 TAP_TEST(server_that_refuses_is_a_reset_for_the_client),
	 TAP_TEST(server_that_says_nothing_is_given_up),
	 TAP_TEST(client_that_gives_up_first_leaves_nothing),
	 TAP_TEST(half_close_leaves_the_other_direction_open),
	 TAP_TEST(reset_of_either_end_arrives_after_the_queued_bytes),
	 TAP_TEST(reset_by_the_operator_is_believed_by_both_ends),
	 TAP_TEST(translated_flow_stays_terminated), TAP_TEST(translated_flow_can_be_dropped),
	 TAP_TEST(silent_ends_of_a_translated_flow_are_asked))
