/*
 * What ports that trust receive: carried on, verified late.
 */
#include "tests/unit/lib/chain.h"
#include "tests/unit/tap.h"

enum { SEGMENTS = 60, MSS = 1448 };

/* Which of the client's full segments something happens to, how many were seen, and to which of
 * the relay's. */
struct fate {
	unsigned corrupt, lost, seen, relayed;
};

/* One byte changes on its way to the relay, or the relay's segment gets lost. */
static bool
meet(struct chain *c, enum chain_node from, const struct pkt *p)
{
	struct fate *f = c->lose_ctx;
	struct rte_mbuf *m = p->m;
	uint32_t off = p->payload + 700;

	if (p->payload_len < 1000)
		return false;
	if (from == CHAIN_RELAY)
		return ++f->relayed == f->lost;
	if (++f->seen != f->corrupt)
		return false;
	for (; off >= m->data_len; m = m->next)
		off -= m->data_len;
	*rte_pktmbuf_mtod_offset(m, uint8_t *, off) ^= 0x40;
	return false;
}

static void
start(struct chain *c, struct fate *f)
{
	chain_init(c, NULL);
	for (unsigned side = 0; side < 2; side++)
		c->team[CHAIN_RELAY].conf[side].trust = true;
	c->lose = meet;
	c->lose_ctx = f;
}

static void
what_is_right_crosses_and_is_sent_again_where_it_is_lost(void)
{
	struct fate f = { .lost = 20 };
	struct chain c;

	start(&c, &f);
	chain_transfer(&c, SEGMENTS * MSS + 77, 3000, 60);
	CU_ASSERT_EQUAL(c.ended, TCPTERM_END_FIN);
	CU_ASSERT(tcpterm_stats(c.stack[CHAIN_RELAY])->retransmits > 0);
	chain_fini(&c);
}

static void
what_is_wrong_resets_both_ends_before_it_is_sent_again(void)
{
	struct fate f = { .corrupt = 30 };
	struct chain c;

	start(&c, &f);
	c.app[CHAIN_CLIENT].to_send = SEGMENTS * MSS;
	chain_connect(&c);
	CU_ASSERT(chain_run(&c, 60 * 1000 * 1000, chain_closed));
	CU_ASSERT_EQUAL(c.n_ended, 1);
	CU_ASSERT_EQUAL(c.ended, TCPTERM_END_CORRUPT);
	CU_ASSERT_EQUAL(tcpterm_stats(c.stack[CHAIN_RELAY])->retransmits, 0);
	CU_ASSERT_EQUAL(c.app[CHAIN_CLIENT].why, TCPTERM_END_RST);
	CU_ASSERT_EQUAL(c.app[CHAIN_SERVER].why, TCPTERM_END_RST);
	CU_ASSERT_EQUAL(c.app[CHAIN_SERVER].wrong, 0);
	CU_ASSERT(c.app[CHAIN_SERVER].received < 30 * MSS);
	chain_fini(&c);
}

TAP_MAIN(trust, TAP_TEST(what_is_right_crosses_and_is_sent_again_where_it_is_lost),
	 TAP_TEST(what_is_wrong_resets_both_ends_before_it_is_sent_again))
