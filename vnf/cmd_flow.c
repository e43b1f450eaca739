/*
 * cmd_flow.c - flow/list, flow/show, flow/count: answered when the workers have.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/cmd.h"
#include "vnf/row.h"

enum { MAX_WORDS = 8, ENDPOINT_LEN = INET6_ADDRSTRLEN + 8, VLANS_LEN = 6 * RECORD_VLANS };

/* A question of a client, until it is answered. */
struct asked {
	struct unixctl_conn *conn;
	struct table *table; /* NULL: flows are only counted */
	uint64_t n;
	bool one;
	unsigned n_words;
	char *word[MAX_WORDS]; /* KEY=VALUE; all must hold */
};

static const char *const list_columns[] = {
	"id",	       "mode",	       "rule",		 "client",
	"server",      "vlan",	       "client_state",	 "server_state",
	"up_packets",  "down_packets", "up_bytes",	 "down_bytes",
	"client_srtt", "server_srtt",  "client_retrans", "server_retrans",
	"age_s",
};

static const char *const words_known = "id, mode, rule, client, server, addr, port, vlan, state";

/* --- words --- */

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

/* Is `endpoint` of this address, with or without its port? */
static bool
is_endpoint(const char *endpoint_text, const char *value)
{
	size_t n = strlen(value);
	const char *e = endpoint_text;

	if (strcmp(e, value) == 0)
		return true;
	if (*e == '[')
		return strncmp(e + 1, value, n) == 0 && e[1 + n] == ']';
	return strncmp(e, value, n) == 0 && e[n] == ':';
}

static bool
word_matches(const struct flow_view *v, const char *word)
{
	const struct flow_record *r = &v->row;
	const char *value = strchr(word, '=') + 1;
	size_t key_len = (size_t)(value - word - 1);
	char client[ENDPOINT_LEN], server[ENDPOINT_LEN], tags[VLANS_LEN];

#define IS(key) (key_len == strlen(key) && strncmp(word, key, key_len) == 0)
	endpoint(r, 0, client);
	endpoint(r, 1, server);
	if (IS("id"))
		return strcmp(r->flow_id, value) == 0;
	if (IS("mode"))
		return strcmp(r->mode, value) == 0;
	if (IS("rule"))
		return strcmp(r->rule, value) == 0;
	if (IS("client"))
		return is_endpoint(client, value);
	if (IS("server"))
		return is_endpoint(server, value);
	if (IS("addr"))
		return is_endpoint(client, value) || is_endpoint(server, value);
	if (IS("port"))
		return r->end[0].port == atoi(value) || r->end[1].port == atoi(value);
	if (IS("vlan"))
		return strcmp(vlans(r, tags), value) == 0;
	return strcmp(tcpterm_state_name(v->leg[0].state), value) == 0 ||
	       strcmp(tcpterm_state_name(v->leg[1].state), value) == 0;
}

static bool
word_known(const char *word)
{
	static const char *const keys[] = { "id",   "mode", "rule", "client", "server",
					    "addr", "port", "vlan", "state" };
	const char *equals = strchr(word, '=');
	size_t i;

	for (i = 0; equals && i < sizeof keys / sizeof keys[0]; i++)
		if (strlen(keys[i]) == (size_t)(equals - word) &&
		    strncmp(word, keys[i], strlen(keys[i])) == 0)
			return true;
	return false;
}

/* --- rows --- */

static void
put_list_row(struct table *t, const struct flow_view *v)
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
	for (i = 0; i < 2; i++) {
		if (r->leg[i].srtt)
			table_uint(t, r->leg[i].srtt);
		else
			table_none(t);
	}
	for (i = 0; i < 2; i++)
		table_uint(t, r->leg[i].retransmits);
	table_double(t, (double)(r->ended - r->started) / 1e6, 1);
}

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
	ITEM(side[i], "retransmits", "%ju", (uintmax_t)g->retransmits);
	ITEM(side[i], "out_of_order", "%ju", (uintmax_t)g->out_of_order);
	ITEM(side[i], "duplicates", "%ju", (uintmax_t)g->duplicates);
	ITEM(side[i], "zero_windows", "%ju", (uintmax_t)g->zero_windows);
	ITEM(way[i], "packets", "%ju", (uintmax_t)r->direction[i].packets);
	ITEM(way[i], "bytes", "%ju", (uintmax_t)r->direction[i].bytes);
	ITEM(way[i], "stream_bytes", "%ju", (uintmax_t)g->stream_bytes);
	ITEM(way[i], "gaps", "%ju", (uintmax_t)g->gaps);
	ITEM(way[i], "gap_bytes", "%ju", (uintmax_t)g->gap_bytes);
#undef ITEM
}

static void
put_items(struct table *t, const struct flow_view *v)
{
	const struct flow_record *r = &v->row;
	char buf[VLANS_LEN];

	item(t, "id", r->flow_id);
	item(t, "mode", r->mode);
	item(t, "kind", tcpterm_kind_name(v->kind));
	item(t, "rule", r->rule);
	item_f(t, "generation", "%ju", (uintmax_t)r->generation);
	item_f(t, "domain", "%u", r->domain);
	item(t, "vlan", r->n_vlans ? vlans(r, buf) : NULL);
	item(t, "start", r->start);
	item(t, "roles", v->roles_guessed ? "guessed" : "known");
	item(t, "copy", v->is_copy ? "yes" : "no");
	item_f(t, "age_s", "%.1f", (double)(r->ended - r->started) / 1e6);
	item_f(t, "idle_s", "%.1f", (double)v->idle_us / 1e6);
	put_end(t, v, 0);
	put_end(t, v, 1);
}

/* --- questions --- */

static void
asked_free(struct asked *a)
{
	unsigned i;

	for (i = 0; i < a->n_words; i++)
		free(a->word[i]);
	table_free(a->table);
	free(a);
}

static void
take_row(void *aux, const struct flow_view *v)
{
	struct asked *a = aux;
	unsigned i;

	for (i = 0; i < a->n_words; i++)
		if (!word_matches(v, a->word[i]))
			return;
	a->n++;
	if (!a->table)
		return;
	if (a->one)
		put_items(a->table, v);
	else
		put_list_row(a->table, v);
}

static void
take_end(void *aux, int rc)
{
	struct asked *a = aux;
	char text[32];

	if (rc == -ETIMEDOUT) {
		unixctl_reply_error(a->conn, "a worker does not answer");
	} else if (rc != 0) {
		unixctl_reply_error(a->conn, strerror(-rc));
	} else if (a->one && a->n == 0) {
		unixctl_reply_error(a->conn, "there is no such flow any more");
	} else if (a->table) {
		unixctl_reply_table(a->conn, a->table);
	} else {
		snprintf(text, sizeof text, "%ju", (uintmax_t)a->n);
		unixctl_reply(a->conn, text);
	}
	asked_free(a);
}

static void
ask(struct leat *l, struct asked *a, struct flows_question *q)
{
	q->row = take_row;
	q->done = take_end;
	q->aux = a;
	if (flows_ask(l->flows, q) != 0)
		take_end(a, -ENOMEM);
}

/* The words of a filter; NULL, and the client was told, if one is wrong. */
static struct asked *
asked_new(struct unixctl_conn *conn, int argc, const char *argv[], struct table *table)
{
	struct asked *a = calloc(1, sizeof *a);
	int i;

	if (!a) {
		unixctl_reply_error(conn, strerror(ENOMEM));
		table_free(table);
		return NULL;
	}
	a->conn = conn;
	a->table = table;
	for (i = 1; i < argc; i++) {
		if (!word_known(argv[i])) {
			unixctl_reply_errorf(conn, "%s: KEY=VALUE is needed, KEY one of %s",
					     argv[i], words_known);
			asked_free(a);
			return NULL;
		}
		a->word[a->n_words++] = strdup(argv[i]);
	}
	return a;
}

static void
cmd_list(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct flows_question q = { 0 };
	struct asked *a =
		asked_new(conn, argc, argv,
			  table_new(list_columns, sizeof list_columns / sizeof list_columns[0]));

	if (a)
		ask(aux, a, &q);
}

static void
cmd_count(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct flows_question q = { 0 };
	struct asked *a = asked_new(conn, argc, argv, NULL);

	if (a)
		ask(aux, a, &q);
}

static void
cmd_show(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	static const char *const columns[] = { "item", "value" };
	struct flows_question q = { .one = true };
	struct leat *l = aux;
	struct asked *a;

	(void)argc;
	if (!row_id_parse(argv[1], &q.worker, &q.ref, &q.generation) ||
	    q.worker >= l->o->n_workers) {
		unixctl_reply_errorf(conn, "%s: no flow's id; `flow list` shows them", argv[1]);
		return;
	}
	a = asked_new(conn, 1, argv, table_new(columns, 2));
	if (!a)
		return;
	a->one = true;
	ask(l, a, &q);
}

void
cmd_flow_register(struct leat *l)
{
	verb_register(l->ctl, "flow/list", cmd_list, l);
	verb_register(l->ctl, "flow/count", cmd_count, l);
	verb_register(l->ctl, "flow/show", cmd_show, l);
}
