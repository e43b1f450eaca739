/*
 * flow_row.c - see flow_row.h.
 */
#include "vnf/flow_row.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <rte_common.h>

#include "vnf/cmd/cmd.h"

enum { ENDPOINT_LEN = INET6_ADDRSTRLEN + 8, VLANS_LEN = 6 * RECORD_VLANS };

static const char *const columns[] = {
	"id",
	"mode",
	"rule",
	"client",
	"server",
	"vlan",
	"client_state",
	"server_state",
	"up_packets",
	"down_packets",
	"up_bytes",
	"down_bytes",
	"client_srtt",
	"server_srtt",
	"client_retrans",
	"server_retrans",
	"client_handshake",
	"server_handshake",
	"up_goodput",
	"down_goodput",
	"app",
	"age_s",
	/* what follows is not in a table unless it is asked for */
	"client_min_rtt",
	"server_min_rtt",
	"client_retrans_bytes",
	"server_retrans_bytes",
	"client_out_of_order",
	"server_out_of_order",
	"client_zero_windows",
	"server_zero_windows",
	"client_out_of_window",
	"server_out_of_window",
	"up_gap_bytes",
	"down_gap_bytes",
	"up_conflicts",
	"down_conflicts",
	"wscale_clamped",
};

const char flow_row_table_columns[] =
	"id,mode,rule,client,server,vlan,client_state,server_state,up_packets,down_packets,"
	"up_bytes,down_bytes,client_srtt,server_srtt,client_retrans,server_retrans,"
	"client_handshake,server_handshake,up_goodput,down_goodput,app,age_s";

struct table *
flow_row_table(void)
{
	return cmd_table_new(columns, sizeof columns / sizeof columns[0]);
}

static const char *
endpoint(const struct flow_record *r, unsigned i, char *buf)
{
	char addr[INET6_ADDRSTRLEN];

	inet_ntop(r->family == 4 ? AF_INET : AF_INET6, r->end[i].addr, addr, sizeof addr);
	snprintf(buf, ENDPOINT_LEN, r->family == 4 ? "%s:%u" : "[%s]:%u", addr, r->end[i].port);
	return buf;
}

static const char *
vlans(const struct flow_record *r, char *buf)
{
	size_t n = 0;
	unsigned i;

	buf[0] = '\0';
	for (i = 0; i < r->n_vlans; i++)
		n += (size_t)snprintf(buf + n, VLANS_LEN - n, "%s%u", i ? "." : "", r->vlan[i]);
	return buf;
}

/* 0: not measured. */
static void
put_measured(struct table *t, uint64_t v)
{
	if (v)
		table_uint(t, v);
	else
		table_none(t);
}

static void
put_more(struct table *t, const struct flow_record *r)
{
	unsigned i;

	for (i = 0; i < 2; i++)
		put_measured(t, r->leg[i].min_rtt);
	for (i = 0; i < 2; i++)
		table_uint(t, r->leg[i].retransmit_bytes);
	for (i = 0; i < 2; i++)
		table_uint(t, r->leg[i].out_of_order);
	for (i = 0; i < 2; i++)
		table_uint(t, r->leg[i].zero_windows);
	for (i = 0; i < 2; i++)
		table_uint(t, r->leg[i].out_of_window);
	for (i = 0; i < 2; i++)
		table_uint(t, r->direction[i].gap_bytes);
	for (i = 0; i < 2; i++)
		table_uint(t, r->direction[i].conflicts);
	table_str(t, r->wscale_clamped ? "yes" : "no");
}

void
flow_row_put(struct table *t, const struct flow_view *v)
{
	const struct flow_record *r = &v->row;
	char buf[RTE_MAX((int)ENDPOINT_LEN, (int)VLANS_LEN)];
	unsigned i;

	table_row(t);
	table_str(t, r->flow_id);
	table_str(t, r->mode);
	table_str(t, r->rule);
	table_str(t, endpoint(r, 0, buf));
	table_str(t, endpoint(r, 1, buf));
	table_str(t, r->n_vlans ? vlans(r, buf) : NULL);
	for (i = 0; i < 2; i++)
		table_str(t, tcpterm_state_name(v->leg[i].state));
	for (i = 0; i < 2; i++)
		table_uint(t, r->direction[i].packets);
	for (i = 0; i < 2; i++)
		table_uint(t, r->direction[i].bytes);
	for (i = 0; i < 2; i++)
		put_measured(t, r->leg[i].srtt);
	for (i = 0; i < 2; i++)
		table_uint(t, r->leg[i].retransmits);
	for (i = 0; i < 2; i++)
		put_measured(t, r->leg[i].handshake);
	for (i = 0; i < 2; i++)
		put_measured(t, r->direction[i].goodput);
	table_str(t, *r->app ? r->app : NULL);
	table_double(t, (double)(r->ended - r->started) / 1e6, 1);
	put_more(t, r);
}

/* --- events --- */

static const char *const event_columns[] = {
	"time",	      "event", "id",	"mode",	      "rule",	      "client",
	"server",     "vlan",  "start", "up_packets", "down_packets", "up_bytes",
	"down_bytes", "app",   "age_s", "reason",     "lost",
};

struct table *
flow_row_event_table(void)
{
	return cmd_table_new(event_columns, sizeof event_columns / sizeof event_columns[0]);
}

/* UTC, as RFC 3339 writes it. */
static void
put_time(struct table *t, int64_t us)
{
	const time_t s = (time_t)(us / 1000000);
	char buf[32];
	struct tm tm;

	if (!gmtime_r(&s, &tm) || strftime(buf, sizeof buf, "%FT%T", &tm) == 0)
		table_none(t);
	else
		table_fmt(t, "%s.%06dZ", buf, (int)(us % 1000000));
}

void
flow_row_put_event(struct table *t, bool begins, const struct flow_record *r)
{
	char buf[RTE_MAX((int)ENDPOINT_LEN, (int)VLANS_LEN)];
	unsigned i;

	table_row(t);
	put_time(t, r->ended);
	table_str(t, begins ? "begin" : "end");
	table_str(t, r->flow_id);
	table_str(t, r->mode);
	table_str(t, r->rule);
	table_str(t, endpoint(r, 0, buf));
	table_str(t, endpoint(r, 1, buf));
	table_str(t, r->n_vlans ? vlans(r, buf) : NULL);
	table_str(t, r->start);
	for (i = 0; i < 2; i++)
		table_uint(t, r->direction[i].packets);
	for (i = 0; i < 2; i++)
		table_uint(t, r->direction[i].bytes);
	table_str(t, *r->app ? r->app : NULL);
	table_double(t, (double)(r->ended - r->started) / 1e6, 3);
	table_str(t, begins ? NULL : r->reason);
}

void
flow_row_put_lost(struct table *t, uint64_t n)
{
	unsigned i;

	table_row(t);
	put_time(t, clock_to_unix_us(clock_now()));
	table_str(t, "lost");
	for (i = 2; i + 1 < sizeof event_columns / sizeof event_columns[0]; i++)
		table_none(t);
	table_uint(t, n);
}

/* --- one flow --- */

static void
item(struct table *t, const char *name, const char *value)
{
	table_row(t);
	table_str(t, name);
	table_str(t, value);
}

static void __attribute__((format(printf, 3, 4)))
item_f(struct table *t, const char *name, const char *fmt, ...)
{
	char buf[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof buf, fmt, ap);
	va_end(ap);
	item(t, name, buf);
}

static void
put_end(struct table *t, const struct flow_view *v, unsigned i)
{
	static const char *const side[] = { "client", "server" }, *const way[] = { "up", "down" };
	const struct tcpterm_leg_info *g = &v->leg[i];
	const struct flow_record *r = &v->row;
	const uint8_t *mac = r->end[i].mac;
	char name[32], buf[ENDPOINT_LEN];

#define ITEM(who, what, ...) \
	(snprintf(name, sizeof name, "%s_" what, who), item_f(t, name, __VA_ARGS__))
	item(t, side[i], endpoint(r, i, buf));
	ITEM(side[i], "mac", "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
	     mac[4], mac[5]);
	ITEM(side[i], "state", "%s", tcpterm_state_name(g->state));
	ITEM(side[i], "srtt_us", "%u", g->srtt_us);
	ITEM(side[i], "min_rtt_us", "%u", g->min_rtt_us);
	ITEM(side[i], "rto_us", "%u", g->rto_us);
	ITEM(side[i], "cwnd", "%u", g->cwnd);
	ITEM(side[i], "ssthresh", "%u", g->ssthresh);
	ITEM(side[i], "mss", "%u", g->mss);
	ITEM(side[i], "snd_wnd", "%u", g->snd_wnd);
	ITEM(side[i], "rcv_wnd", "%u", g->rcv_wnd);
	ITEM(side[i], "in_flight", "%ju", (uintmax_t)g->in_flight);
	ITEM(side[i], "queued", "%ju", (uintmax_t)g->queued);
	ITEM(side[i], "handshake_us", "%u", r->leg[i].handshake);
	ITEM(side[i], "retransmits", "%u", r->leg[i].retransmits);
	ITEM(side[i], "retransmit_bytes", "%ju", (uintmax_t)r->leg[i].retransmit_bytes);
	ITEM(side[i], "out_of_window", "%ju", (uintmax_t)g->out_of_window);
	ITEM(side[i], "outdated", "%ju", (uintmax_t)g->outdated);
	ITEM(side[i], "out_of_order", "%ju", (uintmax_t)g->out_of_order);
	ITEM(side[i], "duplicates", "%ju", (uintmax_t)g->duplicates);
	ITEM(side[i], "zero_windows", "%ju", (uintmax_t)g->zero_windows);
	ITEM(way[i], "packets", "%ju", (uintmax_t)r->direction[i].packets);
	ITEM(way[i], "bytes", "%ju", (uintmax_t)r->direction[i].bytes);
	ITEM(way[i], "stream_bytes", "%ju", (uintmax_t)g->stream_bytes);
	ITEM(way[i], "goodput", "%ju", (uintmax_t)r->direction[i].goodput);
	ITEM(way[i], "busy_s", "%.3f", (double)g->busy_us / 1e6);
	ITEM(way[i], "gaps", "%ju", (uintmax_t)g->gaps);
	ITEM(way[i], "gap_bytes", "%ju", (uintmax_t)g->gap_bytes);
	ITEM(way[i], "conflicts", "%ju", (uintmax_t)g->conflicts);
#undef ITEM
}

/* Lines KEY=VALUE. */
static void
put_names(struct table *t, const char *names)
{
	while (*names) {
		const size_t key = strcspn(names, "="), line = strcspn(names, "\n");

		table_row(t);
		table_strn(t, names, key);
		table_strn(t, names + key + 1, line - key - 1);
		names += line + (names[line] == '\n');
	}
}

void
flow_row_put_items(struct table *t, const struct flow_view *v)
{
	const struct flow_record *r = &v->row;
	char buf[VLANS_LEN];

	item(t, "id", r->flow_id);
	item(t, "mode", r->mode);
	item(t, "kind", tcpterm_kind_name(v->kind));
	item(t, "rule", r->rule);
	item(t, "app", *r->app ? r->app : NULL);
	put_names(t, r->names);
	item_f(t, "generation", "%ju", (uintmax_t)r->generation);
	item_f(t, "domain", "%u", r->domain);
	item(t, "vlan", r->n_vlans ? vlans(r, buf) : NULL);
	item(t, "start", r->start);
	item(t, "roles", tcpterm_roles_name(v->roles));
	item(t, "copy", v->is_copy ? "yes" : "no");
	item(t, "wscale_clamped", v->wscale_clamped ? "yes" : "no");
	item_f(t, "age_s", "%.1f", (double)(r->ended - r->started) / 1e6);
	item_f(t, "idle_s", "%.1f", (double)v->idle_us / 1e6);
	put_end(t, v, 0);
	put_end(t, v, 1);
}
