/*
 * top_view.c - see top_view.h.
 */
#include "ctl/top_view.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_LEN = 512 };

const char *const top_order_names[TOP_ORDERS] = { "rate", "bytes", "retransmits", "age" };

/* One flow, and what it is sorted by. */
struct line {
	const json_t *flow;
	double key, rate;
};

void
top_look_fini(struct top_look *l)
{
	json_decref(l->status);
	json_decref(l->workers);
	json_decref(l->flows);
	*l = (struct top_look){ .status = NULL };
}

/* --- cells ------------------------------------------------------------------------ */

static double
number(const json_t *row, const char *column)
{
	return json_number_value(json_object_get(row, column));
}

static const char *
word(const json_t *row, const char *column)
{
	const char *s = json_string_value(json_object_get(row, column));

	return s ? s : "-";
}

/* The value of an item in a table of items and values. */
static const json_t *
item(const json_t *rows, const char *name)
{
	size_t i;

	for (i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);

		if (!strcmp(word(row, "item"), name))
			return json_object_get(row, "value");
	}
	return NULL;
}

/* 1234567 as "1.2M": decimal steps, as rates are given. */
static const char *
scaled(double v, char buf[16])
{
	static const char units[] = " kMGTP";
	size_t i = 0;

	while (v >= 999.5 && i + 2 < sizeof units) {
		v /= 1000;
		i++;
	}
	if (i == 0)
		snprintf(buf, 16, "%.0f", v);
	else
		snprintf(buf, 16, v < 9.95 ? "%.1f%c" : "%.0f%c", v, units[i]);
	return buf;
}

/* A line without what could harm a terminal, cut to the screen's width. */
static void
put_line(struct text *out, const char *s, unsigned n_columns)
{
	struct text safe = TEXT_EMPTY;
	size_t len;

	text_put_terminal(&safe, s, strlen(s));
	len = safe.len;
	while (len && text_width(safe.s, len) > n_columns)
		len--;
	text_put(out, safe.s ? safe.s : "", len);
	text_puts(out, "\n");
	text_fini(&safe);
}

/* --- the head --------------------------------------------------------------------- */

static void
put_status(struct text *out, const struct top_look *l, unsigned n_columns)
{
	const char *state = json_string_value(item(l->status, "state"));
	const char *name = json_string_value(item(l->status, "instance"));
	long long up = json_integer_value(item(l->status, "uptime_s"));
	char s[LINE_MAX_LEN];

	snprintf(s, sizeof s, "%s: %s, up %lld:%02lld:%02lld, %lld flows, policy generation %lld",
		 name ? name : "leatd", state ? state : "-", up / 3600, up / 60 % 60, up % 60,
		 (long long)json_integer_value(item(l->status, "flows")),
		 (long long)json_integer_value(item(l->status, "policy_generation")));
	put_line(out, s, n_columns);
}

static const json_t *
same_row(const json_t *rows, const char *column, const json_t *row)
{
	size_t i;

	for (i = 0; i < json_array_size(rows); i++)
		if (json_equal(json_object_get(json_array_get(rows, i), column),
			       json_object_get(row, column)))
			return json_array_get(rows, i);
	return NULL;
}

static void
put_worker(struct text *out, const struct top_look *now, const struct top_look *before,
	   const json_t *row, unsigned n_columns)
{
	const json_t *was = same_row(before->workers, "worker", row);
	double dt = now->at_s - before->at_s;
	char s[LINE_MAX_LEN], rate[16] = "-";

	if (was && dt > 0)
		scaled((number(row, "frames") - number(was, "frames")) / dt, rate);
	snprintf(s, sizeof s, "worker %.0f: %s frames/s, %.0f flows, %.0f mbufs held",
		 number(row, "worker"), rate, number(row, "flows"), number(row, "held_mbufs"));
	if (json_object_get(row, "busy_percent"))
		snprintf(s + strlen(s), sizeof s - strlen(s), ", busy %.0f %%, %.0f cycles/packet",
			 number(row, "busy_percent"), number(row, "cycles_packet"));
	put_line(out, s, n_columns);
}

/* --- flows ------------------------------------------------------------------------ */

static double
bytes_of(const json_t *flow)
{
	return number(flow, "up_bytes") + number(flow, "down_bytes");
}

static int
by_key(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	return (x->key < y->key) - (x->key > y->key);
}

/* The bytes of each flow by its id. */
static json_t *
bytes_by_id(const json_t *flows)
{
	json_t *map = json_object();
	size_t i;

	for (i = 0; i < json_array_size(flows); i++) {
		const json_t *f = json_array_get(flows, i);

		json_object_set_new(map, word(f, "id"), json_real(bytes_of(f)));
	}
	return map;
}

static void
measure(struct line *l, const json_t *before, double dt, enum top_order order)
{
	const json_t *was = json_object_get(before, word(l->flow, "id"));
	double bytes = bytes_of(l->flow);

	l->rate = was && dt > 0 ? (bytes - json_number_value(was)) / dt : 0;
	switch (order) {
	case TOP_BY_BYTES:
		l->key = bytes;
		break;
	case TOP_BY_RETRANSMITS:
		l->key = number(l->flow, "client_retrans") + number(l->flow, "server_retrans");
		break;
	case TOP_BY_AGE:
		l->key = number(l->flow, "age_s");
		break;
	default:
		l->key = l->rate;
	}
}

/* Round trips in ms to the client and to the server, "-" where they are not known. */
static const char *
round_trips(const json_t *flow, char buf[24])
{
	static const char *const columns[] = { "client_srtt", "server_srtt" };
	size_t len = 0, i;

	for (i = 0; i < 2; i++) {
		const double ms = number(flow, columns[i]) / 1000;

		len += (size_t)snprintf(buf + len, 24 - len, ms == 0 ? "%s-" : "%s%.*f",
					i ? "/" : "", ms < 9.95, ms);
	}
	return buf;
}

/* Of the direction in which more gets through while bytes are in flight. */
static const char *
goodput(const json_t *flow, char buf[16])
{
	const double up = number(flow, "up_goodput"), down = number(flow, "down_goodput");

	return up + down > 0 ? scaled(up > down ? up : down, buf) : "-";
}

/* Of the end that has got further than the other. */
static const char *
state(const json_t *flow)
{
	const char *client = word(flow, "client_state");

	return strcmp(client, "established") != 0 ? client : word(flow, "server_state");
}

static void
put_flow(struct text *out, const struct line *l, unsigned n_columns)
{
	char s[LINE_MAX_LEN], rate[16], up[16], down[16], rtt[24], good[16];

	snprintf(s, sizeof s, "%8s %8s %8s %8s %11s %7.0f %-11.11s %-8.8s %-16.16s %s > %s",
		 scaled(l->rate, rate), scaled(number(l->flow, "up_bytes"), up),
		 scaled(number(l->flow, "down_bytes"), down), goodput(l->flow, good),
		 round_trips(l->flow, rtt),
		 number(l->flow, "client_retrans") + number(l->flow, "server_retrans"),
		 state(l->flow), word(l->flow, "mode"), word(l->flow, "rule"),
		 word(l->flow, "client"), word(l->flow, "server"));
	put_line(out, s, n_columns);
}

static void
put_flows(struct text *out, const struct top_look *now, const struct top_look *before,
	  enum top_order order, unsigned n_lines, unsigned n_columns)
{
	size_t i, n = json_array_size(now->flows);
	struct line *line = calloc(n + 1, sizeof *line);
	json_t *was = bytes_by_id(before->flows);
	double dt = now->at_s - before->at_s;

	for (i = 0; line && i < n; i++) {
		line[i].flow = json_array_get(now->flows, i);
		measure(&line[i], was, dt, order);
	}
	if (line)
		qsort(line, n, sizeof *line, by_key);
	for (i = 0; line && i < n && i < n_lines; i++)
		put_flow(out, &line[i], n_columns);
	json_decref(was);
	free(line);
}

void
top_view(struct text *out, const struct top_look *now, const struct top_look *before,
	 enum top_order order, unsigned n_lines, unsigned n_columns)
{
	size_t i, n_workers = json_array_size(now->workers);
	unsigned head = (unsigned)n_workers + 3;
	char s[LINE_MAX_LEN];

	put_status(out, now, n_columns);
	for (i = 0; i < n_workers; i++)
		put_worker(out, now, before, json_array_get(now->workers, i), n_columns);
	put_line(out, "", n_columns);
	snprintf(s, sizeof s, "%8s %8s %8s %8s %11s %7s %-11s %-8s %-16s %s (by %s)", "bytes/s",
		 "up", "down", "goodput", "rtt ms c/s", "retrans", "state", "mode", "rule",
		 "client > server", top_order_names[order]);
	put_line(out, s, n_columns);
	if (n_lines > head)
		put_flows(out, now, before, order, n_lines - head, n_columns);
}
