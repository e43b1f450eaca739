/*
 * DESIGN 2's rules for what is proxied, beside fidelity.c: handshakes that begin anew or from both
 * sides, how long one may take, whose FIN is acknowledged when, whose header a segment has
 * (check S8).
 */
#include "datapath/checksum.h"
#include "tests/unit/lib/lone.h"

enum { SECOND = LONE_SECOND };

static const struct lone_segment synack = {
	.flags = TCP_SYN | TCP_ACK, .seq = 5000, .ack = 1001, .reverse = true
};
static const struct lone_segment third_ack = { .flags = TCP_ACK, .seq = 1001, .ack = 5001 };

static const struct pkt *
last(void)
{
	return &lone.out[lone.n_out - 1];
}

/* --- handshakes --- */

static void
syn_with_a_new_number_replaces_the_handshake(void)
{
	struct lone_segment g = { .flags = TCP_SYN, .seq = 900000 };

	lone_begin(TCPTERM_RELAY);
	lone_syn(&lone_untagged);
	lone_feed(&g);
	CU_ASSERT_EQUAL(lone.n_asked, 2);
	CU_ASSERT_EQUAL(lone.n_forwarded, 2);
	CU_ASSERT_EQUAL(lone.ended, TCPTERM_END_REPLACED);
	g = synack;
	g.ack = 900001;
	lone_feed(&g);
	g = third_ack;
	g.seq = 900001;
	lone_feed(&g);
	CU_ASSERT_EQUAL(lone.n_ended, 1);
	CU_ASSERT_EQUAL_FATAL(lone_flow()->kind, TCPTERM_KIND_RELAY);
	CU_ASSERT_TRUE(last()->side == 1 && last()->seq == 900001 && last()->ack == 5001);
	lone_end();
}

static void
repeated_syn_is_forwarded_and_asks_nobody(void)
{
	lone_begin(TCPTERM_RELAY);
	for (unsigned i = 0; i < 4; i++) {
		lone_syn(&lone_untagged);
		lone_wait(SECOND);
	}
	CU_ASSERT_EQUAL(lone.n_asked, 1);
	CU_ASSERT_EQUAL(lone.n_forwarded, 4);
	CU_ASSERT_EQUAL(lone.n_tx, 0);
	lone_end();
}

/* Simultaneous open: nobody could say whose numbers are whose legs'. */
static void
syn_from_the_other_side_moves_the_flow_to_track(void)
{
	const struct lone_segment other = { .flags = TCP_SYN, .seq = 7000, .reverse = true };

	lone_begin(TCPTERM_RELAY);
	lone_syn(&lone_untagged);
	lone_feed(&other);
	CU_ASSERT_EQUAL_FATAL(lone.n_out, 2);
	CU_ASSERT_TRUE(last()->side == 0 && last()->flags == TCP_SYN && last()->seq == 7000);
	CU_ASSERT_EQUAL(lone.n_tx, 0);
	CU_ASSERT_EQUAL_FATAL(lone_flow()->kind, TCPTERM_KIND_TRACK);
	lone_end();
}

static void
handshake_lives_75_s_from_the_last_segment_of_either_side(void)
{
	lone_begin(TCPTERM_RELAY);
	lone_syn(&lone_untagged);
	lone_wait(70LL * SECOND);
	lone_feed(&synack);
	lone_wait(70LL * SECOND);
	lone_syn(&lone_untagged);
	lone_wait(75LL * SECOND - 1000);
	CU_ASSERT_PTR_NOT_NULL(lone_flow());
	lone_wait(2000);
	CU_ASSERT_PTR_NULL(lone_flow());
	CU_ASSERT_EQUAL(lone.n_tx, 0);	/* it ends without a word */
	lone_end();
}

/* --- FIN --- */

/* A relay, whose client has sent a FIN that was forwarded. */
static void
begin_with_a_fin(bool close_local)
{
	const struct lone_segment fin = { .flags = TCP_FIN | TCP_ACK, .seq = 1001, .ack = 5001 };

	lone_begin(TCPTERM_RELAY);
	lone.verdict.close_local = close_local;
	lone_syn(&lone_untagged);
	lone_feed(&synack);
	lone_feed(&third_ack);
	lone_feed(&fin);
}

/* How often the client was told that its FIN has come; the server, that there is one. */
static unsigned
n_acknowledged(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < lone.n_out; i++)
		n += lone.out[i].side == 0 && lone.out[i].ack == 1002;
	return n;
}

static unsigned
n_fins(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < lone.n_out; i++)
		n += lone.out[i].side == 1 && lone.out[i].flags & TCP_FIN;
	return n;
}

static void
fin_is_acknowledged_when_the_far_end_has(void)
{
	struct lone_segment ack = third_ack;

	begin_with_a_fin(false);
	CU_ASSERT_EQUAL(n_fins(), 1);
	lone_wait(100 * 1000);
	CU_ASSERT_EQUAL(n_acknowledged(), 0);
	ack.reverse = true;
	ack.seq = 5001;
	ack.ack = 1002;
	lone_feed(&ack);
	CU_ASSERT_EQUAL(n_acknowledged(), 1);
	lone_end();
}

static void
fin_is_acknowledged_after_10_s_of_silence(void)
{
	begin_with_a_fin(false);
	lone_wait(10LL * SECOND - 1000);
	CU_ASSERT_TRUE(n_fins() > 1);	/* it is sent again meanwhile */
	CU_ASSERT_EQUAL(n_acknowledged(), 0);
	lone_wait(2000);
	CU_ASSERT_EQUAL(n_acknowledged(), 1);
	lone_end();
}

static void
fin_is_acknowledged_at_once_where_the_rule_says_so(void)
{
	begin_with_a_fin(true);
	CU_ASSERT_EQUAL(n_fins(), 1);
	CU_ASSERT_EQUAL(n_acknowledged(), 1);
	lone_end();
}

/* --- whose header --- */

/* The segment with a TTL and a DSCP of its own, DF as given. */
static void
feed_with(const struct lone_segment *g, uint8_t ttl, uint8_t dscp, bool df)
{
	struct rte_mbuf *m = lone_frame(g);
	uint8_t *ip = rte_pktmbuf_mtod_offset(m, uint8_t *, 14);

	ip[1] = (uint8_t)(dscp << 2);
	ip[6] = df ? 0x40 : 0;
	ip[8] = ttl;
	cksum_tcp_write(m, 14, 34);
	lone_put(m, g->reverse);
}

static bool
has_manners(const struct pkt *p, uint8_t ttl, uint8_t dscp, bool df)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(p->m, const uint8_t *, 14);

	return ip[8] == ttl && ip[1] >> 2 == dscp && (ip[6] & 0x40) == (df ? 0x40 : 0);
}

static void
segments_have_the_ttl_dscp_and_df_of_the_impersonated_ends_latest(void)
{
	struct lone_segment c = third_ack, s = third_ack;
	unsigned from;

	lone_begin(TCPTERM_RELAY);
	lone_syn(&lone_untagged);
	feed_with(&synack, 200, 5, false);
	feed_with(&third_ack, 61, 10, true);
	CU_ASSERT_TRUE(last()->side == 1 && has_manners(last(), 61, 10, true));
	c.text = "one";
	feed_with(&c, 44, 46, false);		/* another way now */
	lone_wait(SECOND);
	CU_ASSERT_TRUE(lone.n_out > 4);		/* to the server, and an answer */
	for (unsigned i = 3; i < lone.n_out; i++)
		CU_ASSERT_TRUE(lone.out[i].side == 1 ? has_manners(&lone.out[i], 44, 46, false)
						     : has_manners(&lone.out[i], 200, 5, false));
	s.reverse = true;
	s.seq = 5001;
	s.ack = 1004;
	s.text = "two";
	from = lone.n_out;
	feed_with(&s, 201, 7, true);
	CU_ASSERT_TRUE(lone.n_out > from);
	for (unsigned i = from; i < lone.n_out; i++)
		CU_ASSERT_TRUE(lone.out[i].side == 1 ? has_manners(&lone.out[i], 44, 46, false)
						     : has_manners(&lone.out[i], 201, 7, true));
	lone_end();
}

TEAM_MAIN(manners, TAP_CHECK(S8, syn_with_a_new_number_replaces_the_handshake),
	  TAP_CHECK(S8, repeated_syn_is_forwarded_and_asks_nobody),
	  TAP_CHECK(S8, syn_from_the_other_side_moves_the_flow_to_track),
	  TAP_CHECK(S8, handshake_lives_75_s_from_the_last_segment_of_either_side),
	  TAP_CHECK(S8, fin_is_acknowledged_when_the_far_end_has),
	  TAP_CHECK(S8, fin_is_acknowledged_after_10_s_of_silence),
	  TAP_CHECK(S8, fin_is_acknowledged_at_once_where_the_rule_says_so),
	  TAP_CHECK(S8, segments_have_the_ttl_dscp_and_df_of_the_impersonated_ends_latest))
