/*
 * measures.c - see measures.h.  What is named here is named in doc/leat-metrics.7.
 */
#include "vnf/measures.h"

#include <stddef.h>

static const uint64_t us[MEASURE_BOUNDS] = { 50,    100,   250,	  500,	  1000,	  2500,	  5000,
					     10000, 25000, 50000, 100000, 250000, 500000, 1000000 };

/* Up to 3 GB/s: a quarter of a 100 Gb/s link. */
static const uint64_t rate[MEASURE_BOUNDS] = { 1000,	   3000,      10000,	 30000,
					       100000,	   300000,    1000000,	 3000000,
					       10000000,   30000000,  100000000, 300000000,
					       1000000000, 3000000000 };

static const char *const legs[] = { "client", "server" }, *const ways[] = { "up", "down" };

/* 0: it was not measured. */
static void
add(struct measure_dist *d, const uint64_t bounds[MEASURE_BOUNDS], uint64_t v)
{
	unsigned i = 0;

	if (v == 0)
		return;
	while (i < MEASURE_BOUNDS && v > bounds[i])
		i++;
	d->n[i]++;
	d->sum += v;
}

void
measures_add(struct measures *m, const struct flow_record *r)
{
	unsigned i;

	for (i = 0; i < 2; i++) {
		const struct leg_record *g = &r->leg[i];

		add(&m->rtt[i], us, g->srtt);
		add(&m->handshake[i], us, g->handshake);
		add(&m->goodput[i], rate, r->direction[i].goodput);
		m->retransmits[i] += g->retransmits;
		m->retransmit_bytes[i] += g->retransmit_bytes;
		m->out_of_order[i] += g->out_of_order;
		m->zero_windows[i] += g->zero_windows;
		m->out_of_window[i] += g->out_of_window;
	}
}

void
measures_sum(struct measures *sum, const struct measures *more)
{
	const uint64_t *from = (const uint64_t *)more;
	uint64_t *to = (uint64_t *)sum;
	size_t i;

	_Static_assert(sizeof *sum % sizeof *to == 0, "measures are counters, all of them");
	for (i = 0; i < sizeof *sum / sizeof *to; i++)
		to[i] += from[i];
}

/* --- text --- */

static void
put_dist(FILE *f, const char *name, const char *label, const struct measure_dist *d,
	 const uint64_t bounds[MEASURE_BOUNDS], double unit)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < MEASURE_BOUNDS; i++) {
		n += d->n[i];
		fprintf(f, "%s_bucket{%s,le=\"%.15g\"} %ju\n", name, label,
			(double)bounds[i] / unit, (uintmax_t)n);
	}
	n += d->n[i];
	fprintf(f, "%s_bucket{%s,le=\"+Inf\"} %ju\n", name, label, (uintmax_t)n);
	fprintf(f, "%s_sum{%s} %.15g\n", name, label, (double)d->sum / unit);
	fprintf(f, "%s_count{%s} %ju\n", name, label, (uintmax_t)n);
}

static void
put_time(FILE *f, const char *name, const char *help, const struct measure_dist d[2])
{
	char label[32];
	unsigned i;

	fprintf(f, "# HELP %s %s\n# TYPE %s histogram\n", name, help, name);
	for (i = 0; i < 2; i++) {
		snprintf(label, sizeof label, "leg=\"%s\"", legs[i]);
		put_dist(f, name, label, &d[i], us, 1e6);
	}
}

static void
put_goodput(FILE *f, const struct measure_dist d[2])
{
	static const char name[] = "leat_flow_goodput_bytes";
	char label[32];
	unsigned i;

	fprintf(f, "# HELP %s Bytes a second of ended flows, while some were in flight.\n", name);
	fprintf(f, "# TYPE %s histogram\n", name);
	for (i = 0; i < 2; i++) {
		snprintf(label, sizeof label, "dir=\"%s\"", ways[i]);
		put_dist(f, name, label, &d[i], rate, 1);
	}
}

static void
put_count(FILE *f, const char *name, const char *help, const uint64_t n[2])
{
	unsigned i;

	fprintf(f, "# HELP %s %s\n# TYPE %s counter\n", name, help, name);
	for (i = 0; i < 2; i++)
		fprintf(f, "%s{leg=\"%s\"} %ju\n", name, legs[i], (uintmax_t)n[i]);
}

void
measures_print(const struct measures *m, FILE *f)
{
	put_time(f, "leat_flow_rtt_seconds",
		 "Smoothed round-trip time of ended flows, at their end.", m->rtt);
	put_time(f, "leat_flow_handshake_seconds", "How long handshakes of ended flows waited.",
		 m->handshake);
	put_goodput(f, m->goodput);
	put_count(f, "leat_flow_retransmits_total", "Segments sent again, of ended flows.",
		  m->retransmits);
	put_count(f, "leat_flow_retransmit_bytes_total", "Bytes in them, of tracked flows.",
		  m->retransmit_bytes);
	put_count(f, "leat_flow_out_of_order_total", "Segments out of order, of ended flows.",
		  m->out_of_order);
	put_count(f, "leat_flow_zero_windows_total", "Windows closed, of ended flows.",
		  m->zero_windows);
	put_count(f, "leat_flow_out_of_window_total",
		  "Segments that nobody let their sender send, of ended flows.", m->out_of_window);
}
