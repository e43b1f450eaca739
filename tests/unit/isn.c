/*
 * Initial sequence numbers (RFC 6528, RFC 9293 3.4.1).
 */
#include "tcpterm/tcb.h"
#include "tests/unit/tap.h"

static const struct flow_key key = { .port = { 40000, 80 } };

static uint32_t
isn_at(int64_t us, uint64_t secret, const struct flow_key *k)
{
	struct tcpterm *s = calloc(1, sizeof *s);
	uint32_t v;

	s->now = (usec_t){ us };
	s->conf.secret[0] = secret;
	v = isn_make(s, k).v;
	free(s);
	return v;
}

static void
clock_moves_it_on_by_one_each_4_us(void)
{
	uint32_t at = isn_at(1000, 7, &key);

	CU_ASSERT_EQUAL(isn_at(1004, 7, &key), at + 1);
	CU_ASSERT_EQUAL(isn_at(1000 + 60 * 1000000, 7, &key), at + 15 * 1000000);
}

static void
each_tuple_has_a_sequence_of_its_own(void)
{
	struct flow_key k = key;
	uint32_t seen[64];

	for (unsigned i = 0; i < RTE_DIM(seen); i++) {
		k.port[0] = (uint16_t)(40000 + i);
		seen[i] = isn_at(1000, 7, &k);
		for (unsigned j = 0; j < i; j++)
			CU_ASSERT(seen[i] - seen[j] > 1000 && seen[j] - seen[i] > 1000);
	}
}

static void
without_the_secret_it_cannot_be_known(void)
{
	CU_ASSERT_NOT_EQUAL(isn_at(1000, 7, &key), isn_at(1000, 8, &key));
}

TAP_MAIN(isn, TAP_TEST(clock_moves_it_on_by_one_each_4_us),
	 TAP_TEST(each_tuple_has_a_sequence_of_its_own),
	 TAP_TEST(without_the_secret_it_cannot_be_known))
