/*
 * Names: every value has one of its own, others are unknown.
 */
#include <tcpterm/types.h>

#include <string.h>

#include "tests/unit/tap.h"

static void
every_kind_has_a_name_of_its_own(void)
{
	int a, b;

	for (a = 0; a < TCPTERM_N_KINDS; a++)
		for (b = 0; b <= a; b++)
			CU_ASSERT_EQUAL(strcmp(tcpterm_kind_name((enum tcpterm_kind)a),
					       tcpterm_kind_name((enum tcpterm_kind)b)) == 0,
					a == b);
	CU_ASSERT_STRING_EQUAL(tcpterm_kind_name(TCPTERM_N_KINDS), "unknown");
}

static void
words_are_those_of_the_design(void)
{
	CU_ASSERT_STRING_EQUAL(tcpterm_gap_name(TCPTERM_GAP_LOST_IN_TAP), "lost-in-tap");
	CU_ASSERT_STRING_EQUAL(tcpterm_gap_name(TCPTERM_GAP_BUDGET), "budget");
	CU_ASSERT_STRING_EQUAL(tcpterm_start_name(TCPTERM_START_MIDSTREAM), "midstream");
	CU_ASSERT_STRING_EQUAL(tcpterm_end_name(TCPTERM_END_EVICTED), "evicted");
	CU_ASSERT_STRING_EQUAL(tcpterm_end_name(TCPTERM_END_REPLACED), "replaced");
	CU_ASSERT_STRING_EQUAL(tcpterm_state_name(TCPTERM_TIME_WAIT), "time-wait");
	CU_ASSERT_STRING_EQUAL(tcpterm_state_name((enum tcpterm_state)99), "unknown");
}

TAP_MAIN(names, TAP_TEST(every_kind_has_a_name_of_its_own), TAP_TEST(words_are_those_of_the_design))
