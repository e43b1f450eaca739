/*
 * show.c - see show.h.
 */
#include "vnf/replay/show.h"

#include <arpa/inet.h>
#include <errno.h>
#include <nettle/base16.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/table.h"
#include "ctl/text.h"
#include "db/text.h"
#include "vnf/replay/pending.h"

enum {
	ENDPOINT_LEN = INET6_ADDRSTRLEN + 8,
	VLANS_LEN = 6 * RECORD_VLANS,
	TIME_LEN = 40,
	CSV_ROWS = 256,		/* between two writes */
};

struct show {
	enum show_format format;
	FILE *to;
	struct table *table;	/* NULL for JSON and none */
	struct table_style style;
	struct table_stream *stream;	/* of CSV */
	struct text text;	/* being composed */
	struct pending *pending;
	struct show_totals totals;
};

static const char *const columns[] = {
	"client",  "server",	"vlan",	      "app",	      "start",	  "end",
	"started", "duration",	"up_packets", "down_packets", "up_bytes", "down_bytes",
	"up_gaps", "down_gaps", "sni",	      "host",	      "rule",
};

/* --- values --- */

static const char *
endpoint(const struct flow_record *r, unsigned i, char buf[ENDPOINT_LEN])
{
	char addr[INET6_ADDRSTRLEN];

	inet_ntop(r->family == 4 ? AF_INET : AF_INET6, r->end[i].addr, addr, sizeof addr);
	snprintf(buf, ENDPOINT_LEN, r->family == 4 ? "%s:%u" : "[%s]:%u", addr, r->end[i].port);
	return buf;
}

/* "10.20", outermost first; NULL: there are none. */
static const char *
vlans(const struct flow_record *r, char buf[VLANS_LEN])
{
	size_t n = 0;
	unsigned i;

	for (i = 0; i < r->n_vlans; i++)
		n += (size_t)snprintf(buf + n, VLANS_LEN - n, "%s%u", i ? "." : "", r->vlan[i]);
	return r->n_vlans ? buf : NULL;
}

/* UTC, as RFC 3339 writes it. */
static const char *
when(int64_t us, char buf[TIME_LEN])
{
	const time_t s = (time_t)(us / 1000000);
	struct tm tm;
	size_t n;

	if (!gmtime_r(&s, &tm))
		return NULL;
	n = strftime(buf, TIME_LEN, "%FT%T", &tm);
	snprintf(buf + n, TIME_LEN - n, ".%06dZ", (int)(us % 1000000));
	return buf;
}

/* NULL: not known. */
static const char *
known(const char *s)
{
	return *s ? s : NULL;
}

/* --- JSON --- */

static void
put_string(struct text *t, const char *s)
{
	if (!s) {
		text_puts(t, "null");
		return;
	}
	text_puts(t, "\"");
	text_put_json(t, s, strlen(s));
	text_puts(t, "\"");
}

static void
put_member(struct text *t, const char *name, const char *s)
{
	text_printf(t, ", \"%s\": ", name);
	put_string(t, s);
}

/* One of the names in the flow's first bytes, which db/text.h reads. */
static void
put_name(struct text *t, const struct flow_record *r, const char *key)
{
	const char *value;
	int len;

	text_printf(t, ", \"%s\": ", key);
	value = text_name(r->names, key, &len);
	if (!value) {
		text_puts(t, "null");
		return;
	}
	text_puts(t, "\"");
	text_put_json(t, value, (size_t)len);
	text_puts(t, "\"");
}

static void
put_two(struct text *t, const char *name, uint64_t up, uint64_t down)
{
	text_printf(t, ", \"%s\": [%ju, %ju]", name, (uintmax_t)up, (uintmax_t)down);
}

static void
put_gaps(struct text *t, const struct pending_flow *f, enum record_direction direction)
{
	const struct pending_item *i;
	const char *between = "";

	text_puts(t, "[");
	for (i = f ? f->first : NULL; i; i = i->next) {
		if (i->is_conflict || i->gap.direction != direction)
			continue;
		text_printf(t, "%s{\"offset\": %ju, \"length\": %ju, \"reason\": ", between,
			    (uintmax_t)i->gap.offset, (uintmax_t)i->gap.length);
		put_string(t, i->gap.reason);
		text_puts(t, "}");
		between = ", ";
	}
	text_puts(t, "]");
}

static void
put_hex(struct text *t, const char *name, const uint8_t *b, unsigned n)
{
	char hex[BASE16_ENCODE_LENGTH(RECORD_SHOWN)];

	base16_encode_update(hex, n, b);
	text_printf(t, ", \"%s\": \"", name);
	text_put(t, hex, BASE16_ENCODE_LENGTH(n));
	text_puts(t, "\"");
}

static void
put_conflicts(struct text *t, const struct pending_flow *f)
{
	const struct pending_item *i;
	const char *between = "";

	text_puts(t, ", \"conflicts\": [");
	for (i = f ? f->first : NULL; i; i = i->next) {
		const struct conflict_record *c = &i->conflict;

		if (!i->is_conflict)
			continue;
		text_printf(t, "%s{\"direction\": \"%s\", \"offset\": %ju, \"length\": %u", between,
			    c->direction == RECORD_UP ? "up" : "down", (uintmax_t)c->offset,
			    c->length);
		put_member(t, "overlap", c->overlap);
		put_hex(t, "was", c->was, c->shown);
		put_hex(t, "came", c->came, c->shown);
		text_puts(t, "}");
		between = ", ";
	}
	text_puts(t, "]");
}

static void
put_object(struct text *t, const struct flow_record *r, const struct pending_flow *f)
{
	const struct direction_record *up = &r->direction[RECORD_UP];
	const struct direction_record *down = &r->direction[RECORD_DOWN];
	char buf[ENDPOINT_LEN + VLANS_LEN + TIME_LEN];

	text_puts(t, "{\"client\": ");
	put_string(t, endpoint(r, RECORD_CLIENT, buf));
	put_member(t, "server", endpoint(r, RECORD_SERVER, buf));
	put_member(t, "vlan", vlans(r, buf));
	put_member(t, "app", known(r->app));
	put_name(t, r, "sni");
	put_name(t, r, "alpn");
	put_name(t, r, "host");
	put_member(t, "start", r->start);
	put_member(t, "roles", r->roles);
	put_member(t, "end", r->reason);
	put_member(t, "started", when(r->started, buf));
	put_member(t, "ended", when(r->ended, buf));
	put_two(t, "packets", up->packets, down->packets);
	put_two(t, "bytes", up->bytes, down->bytes);
	put_two(t, "gap_bytes", up->gap_bytes, down->gap_bytes);
	put_two(t, "out_of_order", r->leg[0].out_of_order, r->leg[1].out_of_order);
	put_two(t, "zero_windows", r->leg[0].zero_windows, r->leg[1].zero_windows);
	text_printf(t, ", \"wscale_clamped\": %s", r->wscale_clamped ? "true" : "false");
	text_puts(t, ", \"gaps\": [");
	put_gaps(t, f, RECORD_UP);
	text_puts(t, ", ");
	put_gaps(t, f, RECORD_DOWN);
	text_puts(t, "]");
	put_conflicts(t, f);
	put_member(t, "rule", known(r->rule));
	put_member(t, "id", r->flow_id);
	text_puts(t, "}\n");
}

/* --- tables --- */

static void
put_name_cell(struct table *t, const struct flow_record *r, const char *key)
{
	int len;
	const char *value = text_name(r->names, key, &len);

	if (value)
		table_strn(t, value, (size_t)len);
	else
		table_none(t);
}

static void
put_row(struct table *t, const struct flow_record *r)
{
	const struct direction_record *d = r->direction;
	char buf[ENDPOINT_LEN + VLANS_LEN + TIME_LEN];

	table_row(t);
	table_str(t, endpoint(r, RECORD_CLIENT, buf));
	table_str(t, endpoint(r, RECORD_SERVER, buf));
	table_str(t, vlans(r, buf));
	table_str(t, known(r->app));
	table_str(t, r->start);
	table_str(t, r->reason);
	table_str(t, when(r->started, buf));
	table_double(t, (double)(r->ended - r->started) / 1e6, 6);
	table_uint(t, d[RECORD_UP].packets);
	table_uint(t, d[RECORD_DOWN].packets);
	table_uint(t, d[RECORD_UP].bytes);
	table_uint(t, d[RECORD_DOWN].bytes);
	table_uint(t, d[RECORD_UP].gap_bytes);
	table_uint(t, d[RECORD_DOWN].gap_bytes);
	put_name_cell(t, r, "sni");
	put_name_cell(t, r, "host");
	table_str(t, known(r->rule));
}

static void
write_text(struct show *s)
{
	if (s->text.len)
		fwrite(s->text.s, 1, s->text.len, s->to);
	s->text.len = 0;
}

static void
flush_csv(struct show *s)
{
	table_stream_rows(s->stream, s->table, &s->text);
	table_clear(s->table);
	write_text(s);
}

/* --- what the journal tells --- */

static void
on_flow(void *aux, const struct flow_record *r)
{
	struct show_totals *n = &((struct show *)aux)->totals;
	struct show *s = aux;
	unsigned i;

	n->flows++;
	for (i = 0; i < 2; i++) {
		n->packets += r->direction[i].packets;
		n->bytes += r->direction[i].bytes;
		n->gaps += r->direction[i].gaps;
		n->gap_bytes += r->direction[i].gap_bytes;
	}
	if (s->format == SHOW_JSON) {
		struct pending_flow *f = pending_find(s->pending, r->flow_id);

		put_object(&s->text, r, f);
		write_text(s);
		pending_drop(s->pending, f);
	} else if (s->table) {
		put_row(s->table, r);
	}
	if (s->stream && table_n_rows(s->table) >= CSV_ROWS)
		flush_csv(s);
}

static void
on_gap(void *aux, const struct gap_record *g)
{
	struct show *s = aux;

	if (s->format == SHOW_JSON)
		pending_gap(s->pending, g);
}

static void
on_conflict(void *aux, const struct conflict_record *c)
{
	struct show *s = aux;

	s->totals.conflicts++;
	if (s->format == SHOW_JSON)
		pending_conflict(s->pending, c);
}

static void
on_turn(void *aux, const struct turn_record *t)
{
	struct show *s = aux;

	if (s->format == SHOW_JSON)
		pending_turn(s->pending, t);
}

struct journal_reader
show_reader(struct show *s)
{
	return (struct journal_reader){
		.aux = s,
		.counts = s->format == SHOW_NONE,
		.flow = on_flow,
		.gap = on_gap,
		.conflict = on_conflict,
		.turn = on_turn,
	};
}

/* --- life --- */

int
show_format_parse(const char *name, enum show_format *format, struct err *err)
{
	static const char *const names[] = {
		[SHOW_TABLE] = "table", [SHOW_LIST] = "list", [SHOW_JSON] = "json",
		[SHOW_CSV] = "csv",	[SHOW_NONE] = "none",
	};
	unsigned i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(name, names[i]) == 0) {
			*format = (enum show_format)i;
			return 0;
		}
	return err_set(err, -EINVAL,
		       "--format=%s: table, list, json, csv, eve, stream or none is needed", name);
}

static bool
make_table(struct show *s)
{
	struct err err;

	s->table = table_new(columns, sizeof columns / sizeof columns[0]);
	s->style.format = s->format == SHOW_CSV	   ? TABLE_CSV
			  : s->format == SHOW_LIST ? TABLE_LIST
						   : TABLE_TABLE;
	if (!s->table)
		return false;
	return s->format != SHOW_CSV ||
	       table_stream_new(&s->stream, s->table, &s->style, false, &err) == 0;
}

struct show *
show_new(enum show_format format, FILE *to)
{
	struct show *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->format = format;
	s->to = to;
	s->pending = pending_new();
	if (s->pending && (format == SHOW_JSON || format == SHOW_NONE || make_table(s)))
		return s;
	show_free(s);
	return NULL;
}

void
show_free(struct show *s)
{
	if (!s)
		return;
	table_stream_free(s->stream);
	table_free(s->table);
	text_fini(&s->text);
	pending_free(s->pending);
	free(s);
}

int
show_end(struct show *s)
{
	struct err err;

	if (s->stream) {
		flush_csv(s);
		table_stream_end(s->stream, &s->text);
	} else if (s->table && table_n_rows(s->table)) {
		table_render(s->table, &s->style, &s->text, &err);
	}
	write_text(s);
	if (s->text.failed)
		return -ENOMEM;
	if (fflush(s->to) != 0)
		return -errno;
	return ferror(s->to) ? -EIO : 0;
}

const struct show_totals *
show_totals(const struct show *s)
{
	return &s->totals;
}
