/*
 * live.c - checkpoints of live flows, and what is left of them after a crash.
 *
 * The rows of a checkpoint carry its number, and one UPDATE of run.checkpoint makes them
 * count: so a checkpoint of a million flows needs no transaction of that size, and the
 * rows of the one before are removed little by little by the commits that follow.
 *
 * A flow may end after its checkpoint; its row in `flow` then has an id above
 * run.checkpoint_flow, by which the two are told apart after a crash.
 */
#include "db/internal.h"
#include "db/text.h"

#include <errno.h>
#include <string.h>

/* Zeros fill the rest; a text that fills `to` has no NUL there. */
static void
copy_word(char *to, size_t size, const unsigned char *text)
{
	size_t n = text ? strnlen((const char *)text, size) : 0;

	memset(to, 0, size);
	if (n > 0)
		memcpy(to, text, n);
}

int
store_checkpoint_begin(struct store *s, struct err *e)
{
	int code = store_want_batch(s, e);

	if (code < 0)
		return code;
	s->cp.open = true;
	s->cp.number = ++s->checkpoint_number;
	s->cp.at = s->now();
	s->cp.last_flow = s->last_flow;
	s->cp.n_rows = 0;
	return 0;
}

static int
want_checkpoint(struct store *s, struct err *e)
{
	int code = store_want_batch(s, e);

	if (code == 0 && !s->cp.open)
		return store_refused(s, e, "%s: no checkpoint has begun", s->path);
	return code;
}

int
store_checkpoint_add(struct store *s, const struct live_record *r, struct err *e)
{
	sqlite3_stmt *st = s->stmt[STMT_LIVE];
	int code = want_checkpoint(s, e), i = STORE_FLOW_PARAMETERS, k;

	if (code == 0)
		code = store_flow_bind(s, st, &r->flow, e);
	if (code < 0)
		return code;
	sqlite3_bind_int64(st, ++i, (int64_t)s->cp.number);
	for (k = 0; k < 2; k++)
		sqlite3_bind_text(st, ++i, r->state[k], (int)strnlen(r->state[k], RECORD_WORD),
				  SQLITE_STATIC);
	for (k = 0; k < 2; k++)
		sqlite3_bind_int64(st, ++i, (int64_t)(r->held[k] & INT64_MAX));
	code = store_run(s, STMT_LIVE, "cannot record a live flow", e);
	if (code == 0)
		s->cp.n_rows++;
	return code;
}

int
store_checkpoint_end(struct store *s, struct err *e)
{
	sqlite3_stmt *st = s->stmt[STMT_LIVE_END];
	int code = want_checkpoint(s, e);

	if (code < 0)
		return code;
	sqlite3_bind_int64(st, 1, (int64_t)s->cp.number);
	sqlite3_bind_int64(st, 2, s->cp.at);
	sqlite3_bind_int64(st, 3, s->cp.last_flow);
	sqlite3_bind_int64(st, 4, s->run);
	code = store_run(s, STMT_LIVE_END, "cannot end a checkpoint", e);
	if (code < 0)
		return code;
	s->cp.open = false;
	s->cp.trim = true;
	s->cp.done = s->cp.number;
	s->cp.n_done_rows = s->cp.n_rows;
	return 0;
}

/* Takes from the list what ended, and what belongs to no complete checkpoint. */
static int
remove_ended(struct store *s, struct err *e)
{
	int code;

	if (s->recover_ended)
		return 0;
	sqlite3_bind_int64(s->stmt[STMT_RECOVER_ENDED], 1, s->run);
	code = store_run(s, STMT_RECOVER_ENDED, "cannot sort out interrupted flows", e);
	if (code == 0)
		s->recover_ended = true;
	return code;
}

/* Moves one row: 1, or 0 when there is none, or an error. */
static int
recover_one(struct store *s, struct err *e)
{
	sqlite3_stmt *next = s->stmt[STMT_RECOVER_NEXT], *move = s->stmt[STMT_RECOVER_MOVE];
	char flow_id[RECORD_ID];
	int64_t id, n_gaps, n_conflicts, run;
	int code, rc;

	sqlite3_bind_int64(next, 1, s->run);
	rc = sqlite3_step(next);
	if (rc == SQLITE_DONE)
		sqlite3_reset(next);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE
			       ? 0
			       : store_step_failed(s, next, rc, "cannot read interrupted flows", e);
	id = sqlite3_column_int64(next, 0);
	run = sqlite3_column_int64(next, 1);
	n_gaps = sqlite3_column_int64(next, 2);
	copy_word(flow_id, sizeof flow_id, sqlite3_column_text(next, 3));
	n_conflicts = sqlite3_column_int64(next, 4);
	sqlite3_reset(next);

	sqlite3_bind_int64(move, 1, s->last_flow + 1);
	sqlite3_bind_int64(move, 2, id);
	code = store_run(s, STMT_RECOVER_MOVE, "cannot record an interrupted flow", e);
	if (code == 0) {
		s->last_flow++;
		code = store_run_add(s, run, 1, e);
		if (code == 0 && n_gaps > 0)
			code = store_adopt(s, STMT_GAP_ADOPT, s->last_flow, run, flow_id, e);
		if (code == 0 && n_conflicts > 0)
			code = store_adopt(s, STMT_CONFLICT_ADOPT, s->last_flow, run, flow_id, e);
	}
	if (code < 0)
		return code;
	sqlite3_bind_int64(s->stmt[STMT_RECOVER_DELETE], 1, id);
	code = store_run(s, STMT_RECOVER_DELETE, "cannot record an interrupted flow", e);
	return code < 0 ? code : 1;
}

int
store_recover(struct store *s, unsigned int limit, struct err *e)
{
	int code = store_begin(s, e), n = 0;

	if (code == 0)
		code = remove_ended(s, e);
	while (code == 0 && (unsigned int)n < limit) {
		code = recover_one(s, e);
		if (code <= 0)
			break;
		n++;
		code = 0;
	}
	if (code == 0)
		code = store_commit(s, e);
	if (code < 0) {
		store_rollback(s);
		s->recover_ended = false;
		return code;
	}
	return n;
}

static void
read_end(sqlite3_stmt *st, int addr_i, int mac_i, uint8_t family, struct end_record *end)
{
	text_to_addr((const char *)sqlite3_column_text(st, addr_i), family, end->addr);
	end->port = (uint16_t)sqlite3_column_int(st, addr_i + 1);
	text_to_mac((const char *)sqlite3_column_text(st, mac_i), end->mac);
}

static void
read_streams(sqlite3_stmt *st, int i, struct flow_record *r)
{
	int k;

	for (k = 0; k < 2; k++) {
		r->direction[k].packets = (uint64_t)sqlite3_column_int64(st, i++);
		r->direction[k].bytes = (uint64_t)sqlite3_column_int64(st, i++);
		r->direction[k].gaps = (uint64_t)sqlite3_column_int64(st, i++);
		r->direction[k].gap_bytes = (uint64_t)sqlite3_column_int64(st, i++);
	}
	for (k = 0; k < 2; k++) {
		r->leg[k].srtt = (uint32_t)sqlite3_column_int64(st, i++);
		r->leg[k].min_rtt = (uint32_t)sqlite3_column_int64(st, i++);
		r->leg[k].retransmits = (uint32_t)sqlite3_column_int64(st, i++);
		r->leg[k].out_of_order = (uint32_t)sqlite3_column_int64(st, i++);
		r->leg[k].zero_windows = (uint32_t)sqlite3_column_int64(st, i++);
	}
	for (k = 0; k < 2; k++)
		r->leg[k].handshake = (uint32_t)sqlite3_column_int64(st, i++);
	for (k = 0; k < 2; k++)
		r->leg[k].retransmit_bytes = (uint64_t)sqlite3_column_int64(st, i++);
	for (k = 0; k < 2; k++)
		r->leg[k].out_of_window = (uint32_t)sqlite3_column_int64(st, i++);
	for (k = 0; k < 2; k++)
		r->direction[k].goodput = (uint64_t)sqlite3_column_int64(st, i++);
}

static void
read_names(sqlite3_stmt *st, int i, struct flow_record *r)
{
	static const char *const own[] = { "sni", "host", "alpn" };
	int k;

	for (k = 0; k < 3; k++)
		text_add_name(r->names, sizeof r->names, own[k],
			      (const char *)sqlite3_column_text(st, i++));
	text_add_names(r->names, sizeof r->names, (const char *)sqlite3_column_text(st, i));
}

/* A column's number here is the parameter's of store_flow_bind(), less one. */
static void
read_flow(sqlite3_stmt *st, struct flow_record *r)
{
	memset(r, 0, sizeof *r);
	r->ended = sqlite3_column_int64(st, 0);
	copy_word(r->flow_id, sizeof r->flow_id, sqlite3_column_text(st, 2));
	r->started = sqlite3_column_int64(st, 3);
	r->domain = (uint32_t)sqlite3_column_int64(st, 4);
	r->family = (uint8_t)sqlite3_column_int(st, 5);
	read_end(st, 6, 11, r->family, &r->end[RECORD_CLIENT]);
	read_end(st, 8, 12, r->family, &r->end[RECORD_SERVER]);
	r->n_vlans = (uint8_t)text_to_vlan((const char *)sqlite3_column_text(st, 10), r->vlan,
					   RECORD_VLANS);
	copy_word(r->mode, sizeof r->mode, sqlite3_column_text(st, 13));
	copy_word(r->rule, sizeof r->rule, sqlite3_column_text(st, 14));
	r->generation = (uint64_t)sqlite3_column_int64(st, 15);
	copy_word(r->app, sizeof r->app, sqlite3_column_text(st, 16));
	copy_word(r->start, sizeof r->start, sqlite3_column_text(st, 17));
	read_streams(st, 18, r);
	read_names(st, 44, r);
	r->direction[0].conflicts = (uint64_t)sqlite3_column_int64(st, 48);
	r->direction[1].conflicts = (uint64_t)sqlite3_column_int64(st, 49);
	r->wscale_clamped = sqlite3_column_int(st, 50) != 0;
	copy_word(r->roles, sizeof r->roles, sqlite3_column_text(st, 51));
	copy_word(r->reason, sizeof r->reason, sqlite3_column_text(st, STORE_FLOW_PARAMETERS));
}

/* A run whose row could not be written yet comes after all others. */
static int64_t
this_run(const struct store *s)
{
	return s->run > 0 ? s->run : INT64_MAX;
}

int
store_interrupted(struct store *s, int (*fn)(void *arg, const struct flow_record *r), void *arg,
		  struct err *e)
{
	struct flow_record r;
	sqlite3_stmt *st;
	int code = store_visit(s, e), rc;

	if (code < 0)
		return code;
	st = s->stmt[STMT_INTERRUPTED];
	sqlite3_bind_int64(st, 1, this_run(s));
	while ((rc = sqlite3_step(st)) == SQLITE_ROW && code == 0) {
		read_flow(st, &r);
		code = fn(arg, &r);
	}
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		code = store_step_failed(s, st, rc, "cannot read interrupted flows", e);
	sqlite3_reset(st);
	store_leave(s);
	return code;
}
