/*
 * scenario.h - what happens in one run: all of it follows from a seed.
 *
 * The seed's remainder by SCENARIO_CYCLE chooses the class, the rest is drawn.  A plain value;
 * single thread.
 */
#ifndef LEAT_SIM_SCENARIO_H
#define LEAT_SIM_SCENARIO_H

#include <stdio.h>

#include "tests/sim/lib/actor.h"
#include "tests/sim/lib/box.h"
#include "tests/sim/lib/checker.h"
#include "tests/sim/lib/endpoint.h"
#include "tests/sim/lib/wire.h"

enum scenario_class {
	SC_CLEAN,
	SC_LOSS,
	SC_REORDER,
	SC_DUPLICATE,
	SC_CORRUPT,
	SC_BLACKOUT,
	SC_RATE,
	SC_TINY_MSS,
	SC_JUMBO,
	SC_NO_OPTIONS,
	SC_SMALL_WINDOWS,
	SC_SLOW_READER,
	SC_HALF_CLOSE,
	SC_ABORT,
	SC_REFUSED,
	SC_BULK,
	SC_CHAINS,
	SC_GSO,
	SC_TAGS,
	SC_SMALL_POOL,
	SC_WRAP,
	SC_MANY,
	SC_EVERYTHING,
	SC_ECN,
	SC_MATRIX,		/* every dimension drawn by itself (scenario_matrix.c) */
	SCENARIO_CLASSES,
	SCENARIO_CYCLE = 2 * SC_MATRIX	/* seeds until the classes repeat: the rest is matrix */
};

struct scenario_flow {
	struct endpoint_config ep[2];	/* client, server */
	struct actor_config actor[2];
	const struct endpoint_ops *ops[2];
	int64_t start_us;
	bool aborts, refused;
};

struct scenario {
	uint64_t seed;
	enum scenario_class class;
	struct box_config box;
	struct wire_config wire;
	unsigned n_flows;
	struct scenario_flow flow[CHECKER_FLOWS];
	bool chains;		/* frames reach the box in several pieces */
	double tap_loss;	/* passive: of the copies */
	int64_t bound_us;	/* of the whole run */
	int64_t reset_us;	/* then the box resets all connections; 0: never */
};

/* Short names, fit for a test's line: `lost_segments`. */
extern const char *const scenario_names[SCENARIO_CLASSES];

/* `other`, if not NULL, takes the place of the plain TCP at one end in half of the seeds. */
void scenario_make(struct scenario *sc, uint64_t seed, enum box_mode mode,
		   const struct endpoint_ops *other);

/* The same, and the box resets all its connections at some moment.  The ends look for each other
 * when nothing comes: a RST may be lost. */
void scenario_make_reset(struct scenario *sc, uint64_t seed, enum box_mode mode,
			 const struct endpoint_ops *other);

/* The class that the seed has. */
enum scenario_class scenario_class_of(uint64_t seed);

/* Draws all dimensions anew, each by itself. */
struct rng;
void scenario_matrix(struct scenario *sc, struct rng *r);

/* Does every frame arrive, soon and in order? */
bool scenario_is_calm(const struct scenario *sc);

/* One line that says what was drawn. */
void scenario_print(const struct scenario *sc, FILE *out);

#endif
