/*
 * flow.c - rows of flows that ended, of their gaps, of events.
 */
#include "db/internal.h"
#include "db/text.h"

#include <errno.h>
#include <string.h>

static void
bind_word(sqlite3_stmt *st, int i, const char *word, size_t size)
{
	/* The record outlives the step, so that SQLite need not copy. */
	sqlite3_bind_text(st, i, word, (int)strnlen(word, size), SQLITE_STATIC);
}

static void
bind_count(sqlite3_stmt *st, int i, uint64_t n)
{
	sqlite3_bind_int64(st, i, n > INT64_MAX ? INT64_MAX : (int64_t)n);
}

static void
bind_measured(sqlite3_stmt *st, int i, uint64_t n)
{
	if (n == 0)
		sqlite3_bind_null(st, i);
	else
		bind_count(st, i, n);
}

static void
bind_end(sqlite3_stmt *st, int addr_i, int mac_i, uint8_t family, const struct end_record *end)
{
	static const uint8_t none[6];
	char text[TEXT_ADDR];
	int n;

	n = text_addr(text, family, end->addr);
	sqlite3_bind_text(st, addr_i, text, n, SQLITE_TRANSIENT);
	sqlite3_bind_int(st, addr_i + 1, end->port);
	if (memcmp(end->mac, none, sizeof none) == 0) {
		sqlite3_bind_null(st, mac_i);
		return;
	}
	n = text_mac(text, end->mac);
	sqlite3_bind_text(st, mac_i, text, n, SQLITE_TRANSIENT);
}

static void
bind_streams(sqlite3_stmt *st, int i, const struct flow_record *r)
{
	int k;

	for (k = 0; k < 2; k++) {
		bind_count(st, i++, r->direction[k].packets);
		bind_count(st, i++, r->direction[k].bytes);
		bind_count(st, i++, r->direction[k].gaps);
		bind_count(st, i++, r->direction[k].gap_bytes);
	}
	for (k = 0; k < 2; k++) {
		bind_measured(st, i++, r->leg[k].srtt);
		bind_measured(st, i++, r->leg[k].min_rtt);
		sqlite3_bind_int64(st, i++, r->leg[k].retransmits);
		sqlite3_bind_int64(st, i++, r->leg[k].out_of_order);
		sqlite3_bind_int64(st, i++, r->leg[k].zero_windows);
	}
	for (k = 0; k < 2; k++)
		bind_measured(st, i++, r->leg[k].handshake);
	for (k = 0; k < 2; k++)
		bind_count(st, i++, r->leg[k].retransmit_bytes);
	for (k = 0; k < 2; k++)
		bind_count(st, i++, r->leg[k].out_of_window);
	for (k = 0; k < 2; k++)
		bind_measured(st, i++, r->direction[k].goodput);
}

static void
bind_oddities(sqlite3_stmt *st, int i, const struct flow_record *r)
{
	int k;

	for (k = 0; k < 2; k++)
		bind_count(st, i++, r->direction[k].conflicts);
	sqlite3_bind_int(st, i++, r->wscale_clamped);
	if (r->roles[0])
		bind_word(st, i, r->roles, sizeof r->roles);
	else
		sqlite3_bind_null(st, i);
}

/* Three that are asked for have columns of their own. */
static void
bind_names(sqlite3_stmt *st, int i, const struct flow_record *r)
{
	static const char *const own[] = { "sni", "host", "alpn", NULL };
	char names[RECORD_NAMES + 1], json[2 * RECORD_NAMES];
	const char *value;
	int k, n;

	for (k = 0; k < 4; k++)
		sqlite3_bind_null(st, i + k);
	if (!r->names[0])
		return;
	memcpy(names, r->names, RECORD_NAMES);
	names[RECORD_NAMES] = '\0';
	for (k = 0; own[k]; k++)
		if ((value = text_name(names, own[k], &n)) != NULL)
			sqlite3_bind_text(st, i + k, value, n, SQLITE_TRANSIENT);
	n = text_names_json(json, sizeof json, names, own);
	if (n > 0)
		sqlite3_bind_text(st, i + k, json, n, SQLITE_TRANSIENT);
}

int
store_flow_bind(struct store *s, sqlite3_stmt *st, const struct flow_record *r, struct err *e)
{
	char vlan[TEXT_VLAN];
	int n;

	if (r->family != 4 && r->family != 6)
		return store_refused(s, e, "%s: a flow of family %u is refused", s->path,
				     r->family);
	if (r->n_vlans > RECORD_VLANS)
		return store_refused(s, e, "%s: a flow with %u tags is refused", s->path,
				     r->n_vlans);
	sqlite3_bind_int64(st, 1, r->ended);
	sqlite3_bind_int64(st, 2, s->run);
	bind_word(st, 3, r->flow_id, sizeof r->flow_id);
	sqlite3_bind_int64(st, 4, r->started);
	sqlite3_bind_int64(st, 5, r->domain);
	sqlite3_bind_int(st, 6, r->family);
	bind_end(st, 7, 12, r->family, &r->end[RECORD_CLIENT]);
	bind_end(st, 9, 13, r->family, &r->end[RECORD_SERVER]);
	n = text_vlan(vlan, r->vlan, r->n_vlans);
	sqlite3_bind_text(st, 11, vlan, n, SQLITE_TRANSIENT);
	bind_word(st, 14, r->mode, sizeof r->mode);
	bind_word(st, 15, r->rule, sizeof r->rule);
	bind_count(st, 16, r->generation);
	if (r->app[0])
		bind_word(st, 17, r->app, sizeof r->app);
	else
		sqlite3_bind_null(st, 17);
	bind_word(st, 18, r->start, sizeof r->start);
	bind_streams(st, 19, r);
	bind_names(st, 45, r);
	bind_oddities(st, 49, r);
	return 0;
}

int
store_adopt(struct store *s, enum store_stmt which, int64_t flow, int64_t run, const char *flow_id,
	    struct err *e)
{
	sqlite3_stmt *st = s->stmt[which];

	sqlite3_bind_int64(st, 1, flow);
	sqlite3_bind_int64(st, 2, run);
	bind_word(st, 3, flow_id, RECORD_ID);
	return store_run(s, which, "cannot record the gaps of a flow", e);
}

int
store_flow_ended(struct store *s, const struct flow_record *r, struct err *e)
{
	sqlite3_stmt *st = s->stmt[STMT_FLOW];
	int code = store_want_batch(s, e);

	if (code == 0)
		code = store_flow_bind(s, st, r, e);
	if (code < 0)
		return code;
	bind_word(st, STORE_FLOW_PARAMETERS + 1, r->reason, sizeof r->reason);
	sqlite3_bind_int64(st, STORE_FLOW_PARAMETERS + 2, s->last_flow + 1);
	code = store_run(s, STMT_FLOW, "cannot record a flow", e);
	if (code < 0)
		return code;
	s->last_flow++;
	s->batch.n_flows++;
	if (r->direction[0].gaps + r->direction[1].gaps > 0)
		code = store_adopt(s, STMT_GAP_ADOPT, s->last_flow, s->run, r->flow_id, e);
	if (code == 0 && r->direction[0].conflicts + r->direction[1].conflicts > 0)
		code = store_adopt(s, STMT_CONFLICT_ADOPT, s->last_flow, s->run, r->flow_id, e);
	return code;
}

int
store_gap(struct store *s, const struct gap_record *g, struct err *e)
{
	sqlite3_stmt *st = s->stmt[STMT_GAP];
	int code = store_want_batch(s, e);

	if (code < 0)
		return code;
	if (g->length == 0)
		return store_refused(s, e, "%s: a gap of no bytes is refused", s->path);
	sqlite3_bind_int64(st, 1, s->run);
	bind_word(st, 2, g->flow_id, sizeof g->flow_id);
	sqlite3_bind_int64(st, 3, g->declared);
	sqlite3_bind_text(st, 4, g->direction == RECORD_UP ? "up" : "down", -1, SQLITE_STATIC);
	bind_count(st, 5, g->offset);
	bind_count(st, 6, g->length);
	bind_word(st, 7, g->reason, sizeof g->reason);
	return store_run(s, STMT_GAP, "cannot record a gap", e);
}

static int
turn(struct store *s, enum store_stmt which, const struct turn_record *t, struct err *e)
{
	sqlite3_bind_int64(s->stmt[which], 1, s->run);
	bind_word(s->stmt[which], 2, t->flow_id, sizeof t->flow_id);
	return store_run(s, which, "cannot correct the directions of a flow", e);
}

int
store_turn(struct store *s, const struct turn_record *t, struct err *e)
{
	int code = store_want_batch(s, e);

	if (code == 0)
		code = turn(s, STMT_GAP_TURN, t, e);
	if (code == 0)
		code = turn(s, STMT_CONFLICT_TURN, t, e);
	return code;
}

int
store_lost(struct store *s, uint64_t n, struct err *e)
{
	int code = store_want_batch(s, e);

	if (code == 0) {
		s->batch.n_lost += n;
		s->batch.counted = true;
	}
	return code;
}

int
store_gaps_lost(struct store *s, uint64_t n, struct err *e)
{
	int code = store_want_batch(s, e);

	if (code == 0) {
		s->batch.n_gaps_lost += n;
		s->batch.counted = true;
	}
	return code;
}

int
store_waiting(struct store *s, uint64_t n, struct err *e)
{
	int code = store_want_batch(s, e);

	if (code == 0) {
		s->batch.n_waiting = n;
		s->batch.counted = true;
	}
	return code;
}

int
store_event(struct store *s, const char *what, const char *detail, struct err *e)
{
	sqlite3_stmt *st = s->stmt[STMT_EVENT];
	int code = store_want_batch(s, e);

	if (code < 0)
		return code;
	sqlite3_bind_int64(st, 1, s->run);
	sqlite3_bind_int64(st, 2, s->now());
	sqlite3_bind_text(st, 3, what, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 4, detail, -1, SQLITE_STATIC);
	return store_run(s, STMT_EVENT, "cannot record an event", e);
}
