/*
 * passive.c - see passive.h.
 */
#include "tests/unit/lib/passive.h"

#include "tests/unit/tap.h"

void
passive_begin(void)
{
	copies_begin(NULL);
	copies_handshake();
}

void
passive_begin_narrow(uint16_t window)
{
	copies_begin(NULL);
	copies.window = window;
	copies.shift = 0;
	copies_handshake();
}

void
passive_end(void)
{
	CU_ASSERT_EQUAL(copies.dir[0].wrong + copies.dir[1].wrong, 0);
	CU_ASSERT_EQUAL(copies.dir[0].disorder + copies.dir[1].disorder, 0);
	CU_ASSERT_TRUE(copies_end());
}

void
passive_expect_gap(unsigned i, uint64_t off, uint64_t len, enum tcpterm_gap_reason why)
{
	CU_ASSERT_TRUE(copies.dir[0].n_gaps > i);
	CU_ASSERT_EQUAL(copies.dir[0].gap[i].off, off);
	CU_ASSERT_EQUAL(copies.dir[0].gap[i].len, len);
	CU_ASSERT_EQUAL(copies.dir[0].gap[i].reason, why);
}

void
passive_awake_and_at_rest(void (*test)(void))
{
	for (unsigned rest = 0; rest < 2; rest++) {
		copies_n_ready = rest;
		test();
	}
	copies_n_ready = 0;
}
