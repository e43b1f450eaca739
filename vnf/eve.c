/*
 * eve.c - see eve.h.
 */
#include "vnf/eve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "db/text.h"

enum { TIME_LEN = 40 };

/* --- members --- */

static void
put_quoted(struct text *t, const char *s, size_t n)
{
	text_puts(t, "\"");
	text_put_json(t, s, n);
	text_puts(t, "\"");
}

static void
put_string(struct text *t, const char *name, const char *s)
{
	text_printf(t, ",\"%s\":", name);
	put_quoted(t, s, strlen(s));
}

static void
put_number(struct text *t, const char *name, uint64_t n)
{
	text_printf(t, ",\"%s\":%ju", name, (uintmax_t)n);
}

/* As Suricata writes it, in UTC. */
static void
put_time(struct text *t, const char *name, int64_t us)
{
	const time_t s = (time_t)(us / 1000000);
	char buf[TIME_LEN] = "";
	struct tm tm;

	if (gmtime_r(&s, &tm))
		strftime(buf, sizeof buf, "%FT%T", &tm);
	text_printf(t, ",\"%s\":\"%s.%06d+0000\"", name, buf, (int)(us % 1000000));
}

/* One of the names in the flow's first bytes; nothing if it has none. */
static void
put_name(struct text *t, const struct flow_record *r, const char *key, const char *name)
{
	int len;
	const char *value = text_name(r->names, key, &len);

	if (!value)
		return;
	text_printf(t, ",\"%s\":", name);
	put_quoted(t, value, (size_t)len);
}

/* Opens an object whose members each begin with a comma, as close_object() expects. */
static size_t
open_object(struct text *t, const char *name)
{
	text_printf(t, ",\"%s\":{", name);
	return t->len;
}

static void
close_object(struct text *t, size_t opened)
{
	if (!t->failed && t->len > opened) {
		memmove(t->s + opened, t->s + opened + 1, t->len - opened);
		t->len--;
	}
	text_puts(t, "}");
}

/* --- what all events have --- */

/* The same for all events of a flow, and hardly another's; below 2^53, which every reader takes. */
static uint64_t
flow_number(const struct flow_record *r)
{
	uint64_t h = 14695981039346656037u ^ (uint64_t)r->started;
	const char *c;

	for (c = r->flow_id; *c; c++)
		h = (h ^ (uint8_t)*c) * 1099511628211u;
	return (h ^ h >> 32) & ((UINT64_C(1) << 53) - 1);
}

static void
put_end(struct text *t, const struct flow_record *r, const char *which, unsigned side)
{
	char addr[TEXT_ADDR], name[16];

	text_addr(addr, r->family, r->end[side].addr);
	snprintf(name, sizeof name, "%s_ip", which);
	put_string(t, name, addr);
	snprintf(name, sizeof name, "%s_port", which);
	put_number(t, name, r->end[side].port);
}

/* "smtp+tls": it is tls now, and was smtp. */
static void
put_app(struct text *t, const struct flow_record *r)
{
	const char *plus = strrchr(r->app, '+');

	if (!*r->app)
		return;
	put_string(t, "app_proto", plus ? plus + 1 : r->app);
	if (!plus)
		return;
	text_puts(t, ",\"app_proto_orig\":");
	put_quoted(t, r->app, (size_t)(plus - r->app));
}

/* 0: it was not measured, or there was none. */
static void
put_if(struct text *t, const char *name, uint64_t n)
{
	if (n)
		put_number(t, name, n);
}

static void
put_leg(struct text *t, const char *name, const struct leg_record *g)
{
	size_t o = open_object(t, name);

	put_if(t, "srtt_us", g->srtt);
	put_if(t, "min_rtt_us", g->min_rtt);
	put_if(t, "handshake_us", g->handshake);
	put_number(t, "retransmits", g->retransmits);
	put_if(t, "retransmit_bytes", g->retransmit_bytes);
	put_number(t, "out_of_order", g->out_of_order);
	put_number(t, "zero_windows", g->zero_windows);
	put_if(t, "out_of_window", g->out_of_window);
	close_object(t, o);
}

/* Of a flow that has ended. */
static void
put_path(struct text *t, const struct flow_record *r)
{
	const struct direction_record *up = &r->direction[RECORD_UP];
	const struct direction_record *down = &r->direction[RECORD_DOWN];

	put_number(t, "gap_bytes_toserver", up->gap_bytes);
	put_number(t, "gap_bytes_toclient", down->gap_bytes);
	put_if(t, "conflicts_toserver", up->conflicts);
	put_if(t, "conflicts_toclient", down->conflicts);
	put_if(t, "goodput_toserver", up->goodput);
	put_if(t, "goodput_toclient", down->goodput);
	put_leg(t, "client", &r->leg[RECORD_CLIENT]);
	put_leg(t, "server", &r->leg[RECORD_SERVER]);
	if (r->wscale_clamped)
		text_puts(t, ",\"wscale_clamped\":true");
}

static void
put_ours(struct text *t, const struct eve_event *e)
{
	const struct flow_record *r = &e->row;
	size_t leat = open_object(t, "leat");

	put_string(t, "id", r->flow_id);
	put_string(t, "mode", r->mode);
	put_string(t, "rule", r->rule);
	put_string(t, "roles", r->roles);
	if (e->kind == EVE_FLOW) {
		put_string(t, "start", r->start);
		put_string(t, "end", r->reason);
		put_path(t, r);
	}
	if (e->kind == EVE_GAP || e->kind == EVE_CONFLICT) {
		put_number(t, "offset", e->offset);
		put_number(t, "length", e->len);
	}
	if (e->kind == EVE_GAP)
		put_string(t, "reason", e->reason);
	close_object(t, leat);
}

static void
put_common(struct text *t, const struct eve_event *e, const char *type)
{
	const struct flow_record *r = &e->row;
	unsigned i;

	text_puts(t, "{");
	put_time(t, "timestamp", e->at);
	put_number(t, "flow_id", flow_number(r));
	put_string(t, "event_type", type);
	for (i = 0; i < r->n_vlans; i++)
		text_printf(t, "%s%u", i ? "," : ",\"vlan\":[", r->vlan[i]);
	if (r->n_vlans)
		text_puts(t, "]");
	put_end(t, r, "src", e->direction == RECORD_UP ? RECORD_CLIENT : RECORD_SERVER);
	put_end(t, r, "dest", e->direction == RECORD_UP ? RECORD_SERVER : RECORD_CLIENT);
	put_string(t, "proto", "TCP");
	put_app(t, r);
}

/* --- flow --- */

/* Suricata knows fewer ends than there are; ours is told as it is. */
static void
put_flow(struct text *t, const struct flow_record *r)
{
	const struct direction_record *up = &r->direction[RECORD_UP];
	const struct direction_record *down = &r->direction[RECORD_DOWN];
	const bool closed = strcmp(r->reason, "fin") == 0 || strcmp(r->reason, "rst") == 0;
	const bool forced = strcmp(r->reason, "evicted") == 0 || strcmp(r->reason, "aborted") == 0;
	const char *state = closed			   ? "closed"
			    : up->packets && down->packets ? "established"
							   : "new";
	size_t o = open_object(t, "flow");

	put_number(t, "pkts_toserver", up->packets);
	put_number(t, "pkts_toclient", down->packets);
	put_number(t, "bytes_toserver", up->bytes);
	put_number(t, "bytes_toclient", down->bytes);
	put_time(t, "start", r->started);
	put_time(t, "end", r->ended);
	put_number(t, "age", (uint64_t)((r->ended - r->started) / 1000000));
	put_string(t, "state", state);
	put_string(t, "reason",
		   strcmp(r->reason, "open") == 0 ? "shutdown"
		   : forced			  ? "forced"
						  : "timeout");
	close_object(t, o);
	o = open_object(t, "tcp");
	put_string(t, "state", state);
	if (up->gaps)
		text_puts(t, ",\"ts_gap\":true");
	if (down->gaps)
		text_puts(t, ",\"tc_gap\":true");
	close_object(t, o);
}

/* --- applications --- */

/* "h2;http/1.1" as a list. */
static void
put_alpns(struct text *t, const struct flow_record *r)
{
	int len;
	const char *at = text_name(r->names, "alpn", &len), *end = at ? at + len : NULL;
	const char *between = ",\"client_alpns\":[";

	for (; at && at < end; between = ",") {
		const char *stop = memchr(at, ';', (size_t)(end - at));
		size_t n = (size_t)((stop ? stop : end) - at);

		text_puts(t, between);
		put_quoted(t, at, n);
		at += n + (stop != NULL);
	}
	if (between[1] == '\0')
		text_puts(t, "]");
}

static void
put_tls(struct text *t, const struct flow_record *r)
{
	int len;

	put_name(t, r, "sni", "sni");
	put_name(t, r, "tls_version", "version");
	put_alpns(t, r);
	put_name(t, r, "ja4", "ja4");
	if (text_name(r->names, "ja3", &len)) {
		size_t o = open_object(t, "ja3");

		put_name(t, r, "ja3", "hash");
		close_object(t, o);
	}
}

static void
put_http(struct text *t, const struct flow_record *r)
{
	int len;
	const char *status = text_name(r->names, "status", &len);

	put_name(t, r, "host", "hostname");
	put_name(t, r, "method", "http_method");
	if (status)
		put_number(t, "status", strtoul(status, NULL, 10));
}

/* "SSH-2.0-OpenSSH_9.2 comment", RFC 4253 4.2. */
static void
put_banner(struct text *t, const struct flow_record *r, const char *key, const char *name)
{
	int len;
	const char *banner = text_name(r->names, key, &len), *end, *proto, *dash, *space;
	size_t o;

	if (!banner || len < 4 || memcmp(banner, "SSH-", 4) != 0)
		return;
	end = banner + len;
	proto = banner + 4;
	dash = memchr(proto, '-', (size_t)(end - proto));
	if (!dash)
		return;
	space = memchr(dash, ' ', (size_t)(end - dash));
	o = open_object(t, name);
	text_puts(t, ",\"proto_version\":");
	put_quoted(t, proto, (size_t)(dash - proto));
	text_puts(t, ",\"software_version\":");
	put_quoted(t, dash + 1, (size_t)((space ? space : end) - dash - 1));
	close_object(t, o);
}

static void
put_ssh(struct text *t, const struct flow_record *r)
{
	put_banner(t, r, "client_banner", "client");
	put_banner(t, r, "server_banner", "server");
}

static void
put_dns(struct text *t, const struct flow_record *r)
{
	put_string(t, "type", "query");
	put_name(t, r, "query", "rrname");
}

static const struct {
	const char *label;	/* the last of the chain */
	const char *type;
	void (*put)(struct text *t, const struct flow_record *r);
} apps[] = {
	{ "tls", "tls", put_tls },
	{ "http", "http", put_http },
	{ "ssh", "ssh", put_ssh },
	{ "dns", "dns", put_dns },
};

static void
put_app_event(struct text *t, const struct eve_event *e)
{
	const char *plus = strrchr(e->row.app, '+'), *label = plus ? plus + 1 : e->row.app;
	size_t i, o;

	for (i = 0; i < sizeof apps / sizeof apps[0] && strcmp(apps[i].label, label) != 0; i++)
		;
	if (i == sizeof apps / sizeof apps[0])
		return;
	put_common(t, e, apps[i].type);
	put_ours(t, e);
	o = open_object(t, apps[i].type);
	apps[i].put(t, &e->row);
	close_object(t, o);
	text_puts(t, "}\n");
}

/* --- all --- */

static void
put_anomaly(struct text *t, const struct eve_event *e)
{
	size_t o;

	put_common(t, e, "anomaly");
	put_ours(t, e);
	o = open_object(t, "anomaly");
	put_string(t, "type", "stream");
	put_string(t, "event",
		   e->kind == EVE_GAP ? "stream.reassembly_seq_gap"
				      : "stream.reassembly_overlap_different_data");
	close_object(t, o);
	text_puts(t, "}\n");
}

void
eve_put(struct text *t, const struct eve_event *e)
{
	const size_t began = t->len;

	switch ((enum eve_kind)e->kind) {
	case EVE_FLOW:
		put_common(t, e, "flow");
		put_flow(t, &e->row);
		put_ours(t, e);
		text_puts(t, "}\n");
		break;
	case EVE_APP:
		put_app_event(t, e);
		break;
	case EVE_GAP:
	case EVE_CONFLICT:
		put_anomaly(t, e);
		break;
	}
	/* the first member has a comma too much */
	if (!t->failed && t->len > began + 1) {
		memmove(t->s + began + 1, t->s + began + 2, t->len - began - 1);
		t->len--;
	}
}
