/*
 * The box resets all its connections at some moment, whatever the wires do: both ends learn of it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/lib/lib.h"
#include "tests/sim/lib/run.h"
#include "tests/unit/tap.h"

enum { SEEDS = 5 * SCENARIO_CYCLE };

static void
both_ends_close(enum box_mode mode)
{
	static struct scenario sc;
	struct run_result res;
	uint64_t seed;
	unsigned n = 0;

	for (seed = 1; seed <= SEEDS; seed++) {
		scenario_make_reset(&sc, seed, mode, &lib_endpoint);
		run_scenario(&sc, &lib_box, NULL, &res);
		n += res.resets;
		CU_ASSERT_FALSE(res.failed);
		if (res.failed)
			printf("# seed %llu (%s), reset at %.6f s: %s: %s\n# replay: "
			       "obj/tests/sim/proxy --reset --mode %s --seed %llu --trace\n",
			       (unsigned long long)seed, scenario_names[sc.class],
			       (double)sc.reset_us / 1e6, res.rule, res.text,
			       mode == BOX_PROXY ? "proxy" : "track", (unsigned long long)seed);
	}
	CU_ASSERT(n >= SEEDS / 4);
	printf("# %u connections were reset\n", n);
}

static void
both_ends_of_a_proxied_connection_learn_of_a_reset(void)
{
	both_ends_close(BOX_PROXY);
}

static void
both_ends_of_a_tracked_connection_learn_of_a_reset(void)
{
	both_ends_close(BOX_TRACK);
}

TAP_MAIN(reset, TAP_TEST(both_ends_of_a_proxied_connection_learn_of_a_reset),
	 TAP_TEST(both_ends_of_a_tracked_connection_learn_of_a_reset))
