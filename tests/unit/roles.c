/*
 * Flows that are met in their middle, whose client is guessed by the ports, wrongly.
 *
 * End 0 is the client, and has the lower port.  The sink expects directions the wrong way round
 * until it is told that they changed places.
 */
#include "tests/unit/lib/passive.h"
#include "tests/unit/lib/tracked.h"

#include "tests/unit/tap.h"

static const struct tcpterm_passive_ops *inner;
static unsigned wrong, n_told;
static enum tcpterm_roles at_end;

static void
on_data(void *ctx, struct flow *f, unsigned d, uint64_t off, const struct rte_mbuf *m,
	uint32_t m_off, uint32_t len)
{
	inner->data(ctx, f, d ^ wrong, off, m, m_off, len);
}

static void
on_gap(void *ctx, struct flow *f, unsigned d, uint64_t off, uint64_t len,
       enum tcpterm_gap_reason reason)
{
	inner->gap(ctx, f, d ^ wrong, off, len, reason);
}

static void
on_stream_end(void *ctx, struct flow *f, unsigned d, uint64_t off)
{
	inner->end(ctx, f, d ^ wrong, off);
}

static const struct tcpterm_passive_ops outer = { .data = on_data,
						  .gap = on_gap,
						  .end = on_stream_end };

static void
on_roles(void *ctx, struct flow *f)
{
	(void)ctx;
	n_told++;
	if (f->roles == TCPTERM_ROLES_CORRECTED)
		wrong = 0;
}

static void (*end_before)(void *ctx, struct flow *f);

static void
on_flow_end(void *ctx, struct flow *f)
{
	at_end = (enum tcpterm_roles)f->roles;
	end_before(ctx, f);
}

static void
begin(enum tcpterm_decision d)
{
	copies_begin(NULL);
	copies.decision = d;
	copies.client_port = 20;
	inner = copies.ops.passive;
	copies.ops.passive = &outer;
	copies.ops.roles = on_roles;
	end_before = copies.ops.flow_end;
	copies.ops.flow_end = on_flow_end;
	wrong = 1;
	n_told = 0;
}

static enum tcpterm_roles
roles(void)
{
	return (enum tcpterm_roles)copies_flow()->roles;
}

/* Who has port 20 and the address 11.0.0.1 is direction 0, and sent these segments and bytes. */
static void
expect_right(uint64_t n_packets)
{
	const struct flow *f = copies_flow();
	const struct ip_addr client = flow_addr(f, 0);
	const uint8_t *server = tcpterm_flow_mac(copies.s, f, 1);

	CU_ASSERT_EQUAL(f->roles, TCPTERM_ROLES_CORRECTED);
	CU_ASSERT_EQUAL(f->key.port[0], 20);
	CU_ASSERT_EQUAL(f->key.port[1], 80);
	CU_ASSERT_EQUAL(client.b[12], 11);
	CU_ASSERT_EQUAL(flow_packets(f, 0), n_packets);
	CU_ASSERT_EQUAL(tcpterm_flow_mac(copies.s, f, 0)[5], 1);
	CU_ASSERT_TRUE(!server || server[5] == 2);
	CU_ASSERT_EQUAL(n_told, 1);
}

static void
exchange(void)
{
	copies_segment(0, TCP_ACK, 0, 0, 300);
	copies_segment(1, TCP_ACK, 0, 300, 1000);
	copies_segment(0, TCP_ACK, 300, 1000, 0);
}

static void
go_on_and_close(void)
{
	copies_wait(200 * MS);
	copies_segment(0, TCP_ACK, 300, 1000, 200);
	copies_segment(1, TCP_ACK, 1200, 500, 100);	/* 200 bytes were lost in the tap */
	copies_segment(0, TCP_ACK, 500, 1300, 0);
	copies_wait(100 * MS);
	copies_close(500, 1300);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 500);
	CU_ASSERT_EQUAL(copies.dir[1].bytes, 1100);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps, 0);
	CU_ASSERT_EQUAL(copies.dir[1].n_gaps, 1);
	CU_ASSERT_EQUAL(copies.leg[0].stream_bytes, 500);
	CU_ASSERT_EQUAL(copies.leg[1].stream_bytes, 1100);
	CU_ASSERT_EQUAL(copies.leg[1].gap_bytes, 200);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_FIN);
	passive_end();
}

static void
without_evidence_the_guess_stays(void)
{
	begin(TCPTERM_PASSIVE);
	exchange();
	copies_wait(50 * MS);
	CU_ASSERT_EQUAL(roles(), TCPTERM_ROLES_GUESSED);
	CU_ASSERT_EQUAL(copies_flow()->key.port[0], 80);
	CU_ASSERT_EQUAL(n_told, 0);
	copies_close(300, 1000);
	CU_ASSERT_EQUAL(at_end, TCPTERM_ROLES_GUESSED);
	passive_end();
}

static void
pair_is_turned_with_all_that_is_known_of_it(void)
{
	begin(TCPTERM_PASSIVE);
	exchange();
	copies_wait(200 * MS);
	tcpterm_initiator_is(copies.s, copies_flow(), 1);
	CU_ASSERT_EQUAL(copies_flow()->key.port[0], 80);
	copies_wait(1 * MS);
	expect_right(2);
	go_on_and_close();
}

static void
pair_is_turned_awake_and_at_rest(void)
{
	passive_awake_and_at_rest(pair_is_turned_with_all_that_is_known_of_it);
}

/* Each half holds bytes behind a hole. */
static void
pair_that_holds_bytes_is_turned_and_loses_none(void)
{
	begin(TCPTERM_PASSIVE);
	exchange();
	copies_wait(50 * MS);
	copies_segment(1, TCP_ACK, 1500, 300, 500);
	copies_segment(0, TCP_ACK, 400, 1000, 100);
	tcpterm_initiator_is(copies.s, copies_flow(), 1);
	copies_segment(0, TCP_ACK, 300, 1000, 100);
	copies_segment(1, TCP_ACK, 1000, 500, 500);
	copies_close(500, 2000);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 500);
	CU_ASSERT_EQUAL(copies.dir[1].bytes, 2000);
	CU_ASSERT_EQUAL(copies.dir[0].n_gaps + copies.dir[1].n_gaps, 0);
	CU_ASSERT_EQUAL(copies.leg[1].out_of_order, 1);
	passive_end();
}

static void
syn_behind_bytes_tells(void)
{
	begin(TCPTERM_PASSIVE);
	copies_segment(0, TCP_ACK, 0, 0, 300);
	copies_syn(0);
	copies_wait(1 * MS);
	expect_right(2);
	copies_segment(1, TCP_ACK, 0, 300, 1000);
	copies_segment(0, TCP_ACK, 300, 1000, 0);
	go_on_and_close();
}

static void
syn_behind_bytes_within_one_burst_tells(void)
{
	begin(TCPTERM_PASSIVE);
	copies.gather = true;
	copies_segment(0, TCP_ACK, 0, 0, 300);
	copies_syn(0);
	copies_segment(1, TCP_ACK, 0, 300, 1000);
	copies_segment(0, TCP_ACK, 300, 1000, 0);
	copies.gather = false;
	copies_wait(1 * MS);
	expect_right(3);
	go_on_and_close();
}

static void
synack_that_comes_again_tells(void)
{
	begin(TCPTERM_PASSIVE);
	exchange();
	copies_wait(50 * MS);
	copies_segment(1, TCP_SYN | TCP_ACK, -1, 0, 0);
	copies_wait(1 * MS);
	expect_right(2);
	go_on_and_close();
}

static void
synack_of_another_connection_tells_nothing(void)
{
	begin(TCPTERM_PASSIVE);
	exchange();
	copies_wait(50 * MS);
	copies_segment(1, TCP_SYN | TCP_ACK, 3000000, 90000, 0);
	copies_segment(1, TCP_SYN | TCP_ACK, -1, 90000, 0);
	copies_segment(1, TCP_SYN, 70000, 0, 0);
	copies_wait(1 * MS);
	CU_ASSERT_EQUAL(roles(), TCPTERM_ROLES_GUESSED);
	copies_close(300, 1000);
	passive_end();
}

static void
right_guess_becomes_known(void)
{
	begin(TCPTERM_PASSIVE);
	copies.client_port = 40000;
	wrong = 0;
	exchange();
	CU_ASSERT_EQUAL(roles(), TCPTERM_ROLES_GUESSED);
	copies_segment(1, TCP_SYN | TCP_ACK, -1, 0, 0);
	CU_ASSERT_EQUAL(roles(), TCPTERM_ROLES_KNOWN);
	CU_ASSERT_EQUAL(copies_flow()->key.port[0], 40000);
	CU_ASSERT_EQUAL(n_told, 1);
	tcpterm_initiator_is(copies.s, copies_flow(), 1);
	copies_wait(1 * MS);
	CU_ASSERT_EQUAL(roles(), TCPTERM_ROLES_KNOWN);
	copies_close(300, 1000);
	CU_ASSERT_EQUAL(copies.dir[0].bytes, 300);
	passive_end();
}

/* How many of the flows have the server for their client; `tell`: each is told that it has. */
static unsigned
count_wrong(bool tell)
{
	struct flow *f[2000];
	uint64_t cursor = 0;
	unsigned n = tcpterm_walk(copies.s, &cursor, f, 2000), n_wrong = 0, i;

	for (i = 0; i < n; i++) {
		n_wrong += f[i]->key.port[0] != 20;
		if (tell)
			tcpterm_initiator_is(copies.s, f[i], 1);
	}
	return n_wrong;
}

/* The list of flows that wait to be mended has 1,024 places. */
static void
more_flows_than_may_wait_are_mended_at_their_end(void)
{
	copies_n_flows = 2000;
	begin(TCPTERM_PASSIVE);
	for (copies.client = 0; copies.client < 1030; copies.client++)
		copies_segment(0, TCP_ACK, 0, 0, 0);
	CU_ASSERT_EQUAL(count_wrong(true), 1030);
	copies_wait(1 * MS);
	CU_ASSERT_EQUAL(count_wrong(false), 6);
	CU_ASSERT_EQUAL(n_told, 1024);
	copies_wait(4000000 * MS);	/* until all are idle */
	CU_ASSERT_EQUAL(copies.n_ended, 1030);
	CU_ASSERT_EQUAL(n_told, 1030);
	CU_ASSERT_EQUAL(copies_stats()->roles_corrected, 1030);
	passive_end();
	copies_n_flows = 0;
}

/* Between the evidence and the end of the turn its rule sends it down. */
static void
flow_that_becomes_another_kind_is_mended_too(void)
{
	begin(TCPTERM_TRACK);
	exchange();
	tcpterm_initiator_is(copies.s, copies_flow(), 1);
	CU_ASSERT_EQUAL(tcpterm_demote(copies.s, copies_flow(), TCPTERM_PASS), 0);
	CU_ASSERT_EQUAL(copies_flow()->kind, TCPTERM_KIND_PASS);
	copies_wait(1 * MS);
	expect_right(2);
	tracked_end();
}

static void
tracked_flow_is_turned_with_all_that_is_known_of_it(void)
{
	begin(TCPTERM_TRACK);
	exchange();
	copies_segment(1, TCP_ACK, 0, 300, 500);	/* again: has a share of the rest */
	CU_ASSERT_EQUAL(tracked_info(0)->retransmits, 1);
	tcpterm_initiator_is(copies.s, copies_flow(), 1);
	copies_wait(1 * MS);
	expect_right(2);
	CU_ASSERT_EQUAL(tracked_info(0)->retransmits, 0);
	CU_ASSERT_EQUAL(tracked_info(1)->retransmits, 1);
	CU_ASSERT_EQUAL(tracked_info(0)->stream_bytes, 300);
	copies_segment(0, TCP_ACK, 300, 1000, 100);
	copies_segment(1, TCP_ACK, 1000, 400, 0);
	CU_ASSERT_EQUAL(tracked_info(0)->stream_bytes, 400);
	copies_close(400, 1000);
	CU_ASSERT_EQUAL(copies.why, TCPTERM_END_FIN);
	CU_ASSERT_EQUAL(copies_stats()->out_of_window, 0);
	tracked_end();
}

static void
synack_of_a_tracked_flow_tells(void)
{
	begin(TCPTERM_TRACK);
	exchange();
	copies_segment(1, TCP_SYN | TCP_ACK, -1, 0, 0);
	copies_wait(1 * MS);
	expect_right(2);
	tracked_end();
}

static void
syn_of_a_tracked_flow_behind_bytes_tells(void)
{
	begin(TCPTERM_TRACK);
	copies_segment(0, TCP_ACK, 0, 0, 300);
	copies_syn(0);
	copies_wait(1 * MS);
	expect_right(2);
	tracked_end();
}

TAP_MAIN(roles, TAP_TEST(without_evidence_the_guess_stays),
	 TAP_TEST(pair_is_turned_awake_and_at_rest),
	 TAP_TEST(pair_that_holds_bytes_is_turned_and_loses_none), TAP_TEST(syn_behind_bytes_tells),
	 TAP_TEST(syn_behind_bytes_within_one_burst_tells), TAP_TEST(synack_that_comes_again_tells),
	 TAP_TEST(synack_of_another_connection_tells_nothing), TAP_TEST(right_guess_becomes_known),
	 TAP_TEST(more_flows_than_may_wait_are_mended_at_their_end),
	 TAP_TEST(flow_that_becomes_another_kind_is_mended_too),
	 TAP_TEST(tracked_flow_is_turned_with_all_that_is_known_of_it),
	 TAP_TEST(synack_of_a_tracked_flow_tells),
	 TAP_TEST(syn_of_a_tracked_flow_behind_bytes_tells))
