/*
 * flow_conflicts.c - flow/conflicts: bytes that came twice and differed, out of the database.
 */
#include <errno.h>
#include <nettle/base16.h>
#include <string.h>

#include "vnf/cmd/cmd.h"
#include "vnf/row.h"

enum { LIMIT = 100, LIMIT_MAX = 10000 };

struct listing {
	struct table *table;
	bool with_bytes;	/* who asks may read what flows carry */
};

static void
put_bytes(struct table *t, const uint8_t *b, unsigned n)
{
	char hex[BASE16_ENCODE_LENGTH(RECORD_SHOWN)];

	base16_encode_update(hex, n, b);
	table_strn(t, hex, BASE16_ENCODE_LENGTH(n));
}

static int
put_conflict(void *aux, uint64_t run, const struct conflict_record *c)
{
	const struct listing *g = aux;
	struct table *t = g->table;
	char when[32];

	table_row(t);
	table_str(t, cmd_when(c->seen, when, sizeof when));
	table_uint(t, run);
	table_strn(t, c->flow_id, strnlen(c->flow_id, sizeof c->flow_id));
	table_str(t, c->direction == RECORD_UP ? "up" : "down");
	table_uint(t, c->offset);
	table_uint(t, c->length);
	table_strn(t, c->overlap, strnlen(c->overlap, sizeof c->overlap));
	if (g->with_bytes) {
		put_bytes(t, c->was, c->shown);
		put_bytes(t, c->came, c->shown);
	}
	return 0;
}

static int
take_words(int argc, const char *argv[], const char **flow_id, uint64_t *limit, struct err *err)
{
	uint32_t ref, generation;
	const char *value;
	unsigned worker;
	int i, rc = 0;

	*flow_id = NULL;
	*limit = LIMIT;
	for (i = 1; i < argc && rc == 0; i++) {
		if (cmd_option("--limit", argc, argv, &i, &value))
			rc = cmd_number("--limit", value, 1, LIMIT_MAX, limit, err);
		else if (!*flow_id && row_id_parse(argv[i], &worker, &ref, &generation))
			*flow_id = argv[i];
		else
			rc = err_set(err, -EINVAL, "\"%.60s\": the id of one flow, and --limit N",
				     argv[i]);
	}
	return rc;
}

static void
cmd_conflicts(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct listing g = { .with_bytes = unixctl_may_change(conn) };
	const struct leat *l = aux;
	const char *flow_id;
	struct err err;
	uint64_t limit;

	g.table = CMD_TABLE("seen", "run", "id", "direction", "offset", "length", "overlap", "was",
			    "came");
	if (take_words(argc, argv, &flow_id, &limit, &err) != 0 ||
	    store_conflicts(l->store, flow_id, (unsigned)limit, put_conflict, &g, &err) != 0) {
		unixctl_reply_error(conn, err.msg);
		table_free(g.table);
		return;
	}
	cmd_reply_table(conn, g.table);
}

void
cmd_flow_conflicts_register(struct leat *l)
{
	verb_register(l->ctl, "flow/conflicts", cmd_conflicts, l);
}
