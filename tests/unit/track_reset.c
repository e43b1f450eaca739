/*
 * A tracked connection is reset or dropped in every state of its life: each end gets a RST with the
 * number that it expects, whether what was on its way to it has come or not.
 */
#include "tests/unit/copies.h"
#include "tests/unit/tap.h"

enum { RSTS = 8 };

/* What went to each end. */
static struct {
	unsigned n;
	struct {
		uint32_t seq, ack;
		uint16_t flags;
	} rst[RSTS];
} told[2];

static void
on_tx(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m)
{
	static const struct parse_conf conf = { .domain = 1 };
	struct pkt p;

	(void)ctx;
	(void)domain;
	CU_ASSERT_EQUAL(pkt_parse(&p, m, &conf), PKT_TCP);
	CU_ASSERT_FALSE(p.cksum_bad);
	CU_ASSERT_TRUE(p.flags & TCP_RST);
	CU_ASSERT_FATAL(told[side].n < RSTS);
	told[side].rst[told[side].n].seq = p.seq;
	told[side].rst[told[side].n].ack = p.ack;
	told[side].rst[told[side].n++].flags = p.flags;
	rte_pktmbuf_free(m);
}

static void
begin(void)
{
	copies_begin(NULL);
	copies.decision = TCPTERM_TRACK;
	copies.ops.tx = on_tx;
	memset(told, 0, sizeof told);
}

static void
reset_now(void)
{
	CU_ASSERT_EQUAL(tcpterm_reset(copies.s, copies_flow()), 0);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_ABORTED);
}

static void
end(void)
{
	copies_wait(10 * 1000 * 1000);
	CU_ASSERT_PTR_NULL(copies_flow());
	copies.n_forwarded = 0;
	CU_ASSERT_TRUE(copies_end());
}

/* Would end d, that expects the other's byte `off`, believe one of them (RFC 5961 3.2)? */
static bool
believes(unsigned d, int64_t off)
{
	unsigned i;

	for (i = 0; i < told[d].n; i++)
		if (told[d].rst[i].seq == copies.isn[!d] + 1 + (uint32_t)off)
			return true;
	return false;
}

/* And where it has sent its SYN only (RFC 9293 3.10.7.3)? */
static bool
believes_syn_sent(unsigned d)
{
	unsigned i;

	for (i = 0; i < told[d].n; i++)
		if (told[d].rst[i].flags & TCP_ACK && told[d].rst[i].ack == copies.isn[d] + 1)
			return true;
	return false;
}

static void
of_a_syn_both_ends_are_told(void)
{
	begin();
	copies_syn(0);
	reset_now();
	CU_ASSERT_TRUE(believes_syn_sent(0));
	CU_ASSERT_TRUE(believes(1, 0));		/* it has taken the SYN */
	end();
}

static void
of_a_syn_ack_that_may_not_have_come(void)
{
	begin();
	copies_syn(0);
	copies_synack(0);
	reset_now();
	CU_ASSERT_TRUE(believes_syn_sent(0));
	CU_ASSERT_TRUE(believes(0, 0));
	CU_ASSERT_TRUE(believes(1, 0));
	end();
}

static void
of_an_established_connection_that_is_silent(void)
{
	begin();
	copies_handshake();
	copies_segment(0, TCP_ACK, 0, 0, 100);
	copies_segment(1, TCP_ACK, 0, 100, 50);
	copies_segment(0, TCP_ACK, 100, 50, 0);
	reset_now();
	CU_ASSERT_TRUE(believes(0, 50));
	CU_ASSERT_TRUE(believes(1, 100));
	CU_ASSERT_EQUAL(told[0].n + told[1].n, 2);
	end();
}

static void
of_one_with_bytes_in_flight_both_ways(void)
{
	begin();
	copies_handshake();
	copies_segment(0, TCP_ACK, 0, 0, 1000);
	copies_segment(1, TCP_ACK, 0, 500, 700);
	copies_segment(0, TCP_ACK, 1000, 200, 1000);
	reset_now();
	CU_ASSERT_TRUE(believes(0, 200));
	CU_ASSERT_TRUE(believes(0, 700));
	CU_ASSERT_TRUE(believes(1, 500));
	CU_ASSERT_TRUE(believes(1, 2000));
	end();
}

static void
of_one_that_is_half_closed(void)
{
	begin();
	copies_handshake();
	copies_segment(0, TCP_ACK | TCP_FIN, 0, 0, 0);
	reset_now();				/* FIN-WAIT-1 */
	CU_ASSERT_TRUE(believes(0, 0));
	CU_ASSERT_TRUE(believes(1, 0));
	CU_ASSERT_TRUE(believes(1, 1));
	end();
	begin();
	copies_handshake();
	copies_segment(0, TCP_ACK | TCP_FIN, 0, 0, 0);
	copies_segment(1, TCP_ACK, 0, 1, 300);
	reset_now();				/* FIN-WAIT-2, CLOSE-WAIT */
	CU_ASSERT_TRUE(believes(0, 0));
	CU_ASSERT_TRUE(believes(0, 300));
	CU_ASSERT_TRUE(believes(1, 1));
	end();
	begin();
	copies_handshake();
	copies_segment(0, TCP_ACK | TCP_FIN, 0, 0, 0);
	copies_segment(1, TCP_ACK | TCP_FIN, 0, 1, 0);
	reset_now();				/* LAST-ACK */
	CU_ASSERT_TRUE(believes(0, 0));
	CU_ASSERT_TRUE(believes(0, 1));
	CU_ASSERT_TRUE(believes(1, 1));
	end();
}

static void
of_one_that_was_met_in_its_middle(void)
{
	begin();
	copies_segment(0, TCP_ACK, 5000, 7000, 100);
	reset_now();				/* the server was not seen */
	CU_ASSERT_TRUE(believes(0, 7000));
	CU_ASSERT_TRUE(believes(1, 5100));
	end();
	begin();
	copies_segment(0, TCP_ACK, 5000, 7000, 100);
	copies_segment(1, TCP_ACK, 7000, 5000, 100);
	reset_now();
	CU_ASSERT_TRUE(believes(0, 7000));
	CU_ASSERT_TRUE(believes(0, 7100));
	CU_ASSERT_TRUE(believes(1, 5000));
	CU_ASSERT_TRUE(believes(1, 5100));
	end();
}

static void
what_nobody_let_an_end_send_changes_no_number(void)
{
	begin();
	copies.strict = true;
	copies_handshake();
	copies_segment(0, TCP_ACK, 0, 0, 100);
	copies_segment(0, TCP_ACK, 800000000, 0, 100);
	copies_segment(1, TCP_ACK, 0, 300000100, 100);
	reset_now();
	CU_ASSERT_TRUE(believes(0, 0));
	CU_ASSERT_TRUE(believes(1, 0));
	CU_ASSERT_TRUE(believes(1, 100));
	CU_ASSERT_EQUAL(told[0].n + told[1].n, 3);
	end();
}

/* Silently: no RST, and nothing goes on. */
static void
dropped_one_is_swallowed_from_any_state(void)
{
	unsigned state;

	for (state = 0; state < 4; state++) {
		begin();
		copies_syn(0);
		if (state > 0)
			copies_synack(0);
		if (state > 1)
			copies_segment(0, TCP_ACK, 0, 0, 100);
		if (state > 2)
			copies_segment(1, TCP_ACK | TCP_FIN, 0, 100, 0);
		CU_ASSERT_EQUAL(tcpterm_demote(copies.s, copies_flow(), TCPTERM_DROP), 0);
		copies.n_forwarded = 0;
		copies_segment(0, TCP_ACK, 100, 0, 100);
		copies_segment(1, TCP_ACK, 0, 200, 100);
		CU_ASSERT_EQUAL(copies.n_forwarded, 0);
		CU_ASSERT_EQUAL(told[0].n + told[1].n, 0);
		copies_wait(3601LL * 1000 * 1000);
		end();
	}
}

TAP_MAIN(track_reset, TAP_TEST(of_a_syn_both_ends_are_told),
	 TAP_TEST(of_a_syn_ack_that_may_not_have_come),
	 TAP_TEST(of_an_established_connection_that_is_silent),
	 TAP_TEST(of_one_with_bytes_in_flight_both_ways), TAP_TEST(of_one_that_is_half_closed),
	 TAP_TEST(of_one_that_was_met_in_its_middle),
	 TAP_TEST(what_nobody_let_an_end_send_changes_no_number),
	 TAP_TEST(dropped_one_is_swallowed_from_any_state))
