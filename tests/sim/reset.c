/*
 * The box resets all its connections at some moment, whatever the wires do: both ends learn of it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/lib/lib.h"
#include "tests/sim/lib/rng.h"
#include "tests/sim/lib/run.h"
#include "tests/unit/tap.h"

enum { SEEDS = 10 * SCENARIO_CLASSES };

/* The ends look for each other when nothing comes: a RST may be lost. */
static void
with_reset(struct scenario *sc, uint64_t seed, enum box_mode mode)
{
	struct rng r = { rng_key(seed, 77) };
	unsigned k;
	int i;

	scenario_make(sc, seed, mode, &lib_endpoint);
	sc->reset_us = rng_log_range(&r, 1, 3000000);
	for (k = 0; k < sc->n_flows; k++) {
		sc->flow[k].aborts = true;	/* not all bytes arrive */
		for (i = 0; i < 2; i++)
			sc->flow[k].ep[i].keepalive_us = 20000000;
	}
}

static void
both_ends_close(enum box_mode mode)
{
	static struct scenario sc;
	struct run_result res;
	uint64_t seed;
	unsigned n = 0;

	for (seed = 1; seed <= SEEDS; seed++) {
		with_reset(&sc, seed, mode);
		run_scenario(&sc, &lib_box, NULL, &res);
		n += res.resets;
		CU_ASSERT_FALSE(res.failed);
		if (res.failed)
			printf("# seed %llu (%s), reset at %.6f s: %s: %s\n",
			       (unsigned long long)seed, scenario_names[sc.class],
			       (double)sc.reset_us / 1e6, res.rule, res.text);
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
