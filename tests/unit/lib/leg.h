/*
 * leg.h - what tcpterm_flow_info() said of an end, twice.
 */
#ifndef LEAT_TESTS_UNIT_LIB_LEG_H
#define LEAT_TESTS_UNIT_LIB_LEG_H

#include <string.h>

#include <tcpterm/flow.h>

/* Is all of it equal?  The call leaves none of its bytes unset. */
static inline bool
leg_info_equal(const struct tcpterm_leg_info *a, const struct tcpterm_leg_info *b)
{
	const void *one = a, *other = b;

	return memcmp(one, other, sizeof *a) == 0;
}

#endif
