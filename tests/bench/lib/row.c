#include "tests/bench/lib/row.h"

#include <inttypes.h>
#include <stdio.h>

#include <rte_cycles.h>

static double
at_2_ghz(double cycles)
{
	return cycles * 2e9 / (double)rte_get_tsc_hz();
}

void
row_print(const struct row *r, const char *more)
{
	printf("{\"bench\":\"%s\",\"mode\":\"%s\",\"flows\":%" PRIu64
	       ",\"payload\":%u,\"cycles\":%.0f,\"copied_bytes\":%" PRIu64
	       ",\"per\":\"%s\",\"tsc_mhz\":%" PRIu64,
	       r->bench, r->mode, r->flows, r->payload, r->cycles, r->copied_bytes, r->of,
	       rte_get_tsc_hz() / 1000000);
	if (r->ports)
		printf(",\"ports\":\"%s\"", r->ports);
	printf("%s}\n", more);
	fflush(stdout);
}

void
row_table(const struct row *r, unsigned n, const struct row *forward)
{
	fprintf(stderr, "%-16s %7s %8s %8s %8s %8s\n", r->bench, "flows", "per", "cycles",
		"at 2GHz", "goal");
	for (unsigned i = 0; i < n; i++) {
		double is = at_2_ghz(r[i].cycles);

		fprintf(stderr, "%-16s %7" PRIu64 " %8s %8.0f %8.0f", r[i].mode, r[i].flows,
			r[i].of, r[i].cycles, is);
		if (r[i].goal > 0) {
			double goal = r[i].goal + (forward ? at_2_ghz(forward->cycles) : 0);

			fprintf(stderr, " %8.0f  %s", goal, is <= goal ? "met" : "missed");
		}
		fprintf(stderr, "\n");
	}
}
