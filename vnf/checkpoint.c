/*
 * checkpoint.c - see checkpoint.h.  A failure gives up this checkpoint; the earlier one stands.
 */
#include "vnf/checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_MODULE "journal"
#include "vnf/log.h"

enum {
	INTERVAL_US = 3 * 1000 * 1000,
	REST_SHARE = 3,		/* of what the last one took, until the next */
	CHUNK_ROWS = 256,	/* a transaction */
	N_CHUNKS = 128,		/* 17 MB; those that were needed stay */
	ROOM = 32,		/* of them, for what the workers have been asked for already */
};

struct checkpoint_rows {
	struct checkpoint_rows *next;
	unsigned n;
	struct live_record row[CHUNK_ROWS];
};

void
checkpoint_init(struct checkpoint *c, struct store *store, struct flows *flows, usec_t now)
{
	*c = (struct checkpoint){ .store = store, .flows = flows };
	pthread_mutex_init(&c->mutex, NULL);
	c->last = &c->first;
	c->next = usec_add(now, INTERVAL_US);
}

static void
free_all(struct checkpoint_rows *r)
{
	while (r) {
		struct checkpoint_rows *next = r->next;

		free(r);
		r = next;
	}
}

void
checkpoint_fini(struct checkpoint *c)
{
	if (!c->last)
		return;
	free_all(c->first);
	free_all(c->spare);
	free(c->filling);
	pthread_mutex_destroy(&c->mutex);
}

static void
give_up(struct checkpoint *c, const char *why)
{
	pthread_mutex_lock(&c->mutex);
	if (!c->failed)
		log_warn("live flows are not written down this time: %s", why);
	c->failed = true;
	pthread_mutex_unlock(&c->mutex);
}

static bool
gave_up(struct checkpoint *c)
{
	bool failed;

	pthread_mutex_lock(&c->mutex);
	failed = c->failed;
	pthread_mutex_unlock(&c->mutex);
	return failed;
}

/* --- the control thread's side --- */

/* A chunk to fill, or NULL: the recorder is far behind. */
static struct checkpoint_rows *
take_spare(struct checkpoint *c)
{
	struct checkpoint_rows *r;

	pthread_mutex_lock(&c->mutex);
	r = c->spare;
	if (r)
		c->spare = r->next;
	else if (c->n_made < N_CHUNKS && (r = malloc(sizeof *r)) != NULL)
		c->n_made++;
	pthread_mutex_unlock(&c->mutex);
	if (r)
		r->n = 0;
	return r;
}

static void
queue(struct checkpoint *c)
{
	struct checkpoint_rows *r = c->filling;

	c->filling = NULL;
	if (!r)
		return;
	r->next = NULL;
	pthread_mutex_lock(&c->mutex);
	c->n_queued++;
	*c->last = r;
	c->last = &r->next;
	pthread_mutex_unlock(&c->mutex);
}

/* The workers wait with the next flows until the store has room for them. */
static int
ready(void *aux)
{
	struct checkpoint *c = aux;
	bool has_room;

	if (gave_up(c))
		return -ECANCELED;
	pthread_mutex_lock(&c->mutex);
	has_room = c->n_queued + ROOM < N_CHUNKS;
	pthread_mutex_unlock(&c->mutex);
	return has_room;
}

static void
put_row(void *aux, const struct flow_view *v)
{
	struct checkpoint *c = aux;
	struct live_record *r;
	unsigned i;

	if (!c->filling && (gave_up(c) || !(c->filling = take_spare(c)))) {
		give_up(c, "the store takes them too slowly");
		return;
	}
	r = &c->filling->row[c->filling->n++];
	r->flow = v->row;
	for (i = 0; i < 2; i++) {
		snprintf(r->state[i], RECORD_WORD, "%s", tcpterm_state_name(v->leg[i].state));
		/* acknowledged to one end, held for the other leg */
		r->held[i] = v->leg[!i].in_flight + v->leg[!i].queued;
	}
	if (c->filling->n == CHUNK_ROWS)
		queue(c);
}

static void
done(void *aux, int rc)
{
	struct checkpoint *c = aux;

	queue(c);
	if (rc != 0)
		give_up(c, "a worker does not answer");
	pthread_mutex_lock(&c->mutex);
	c->filled = true;
	pthread_mutex_unlock(&c->mutex);
}

static void
ask(struct checkpoint *c)
{
	const struct flows_question q = { .ready = ready, .row = put_row, .done = done, .aux = c };

	if (flows_ask(c->flows, &q) != 0)
		done(c, -ENOMEM);
}

/* After one that took long the store has time for other things. */
static void
rest(struct checkpoint *c, usec_t now)
{
	int64_t pause = usec_diff(now, c->began) * REST_SHARE;

	c->next = usec_add(c->began, INTERVAL_US);
	if (usec_before(c->next, usec_add(now, pause)))
		c->next = usec_add(now, pause);
	c->began.v = 0;
}

void
checkpoint_run(struct checkpoint *c, usec_t now)
{
	enum checkpoint_step step;

	if (!c->store)
		return;
	pthread_mutex_lock(&c->mutex);
	step = c->step;
	if (step == CHECKPOINT_REST && c->began.v == 0 && !usec_before(now, c->next)) {
		c->began = now;
		c->failed = c->filled = false;
		c->step = CHECKPOINT_WANTED;
	} else if (step == CHECKPOINT_REST && c->began.v != 0) {
		rest(c, now);
	} else if (step == CHECKPOINT_BEGUN) {
		c->step = CHECKPOINT_READING;
	}
	pthread_mutex_unlock(&c->mutex);
	if (step == CHECKPOINT_BEGUN)
		ask(c);
}

/* --- the recorder's side --- */

/* One batch: `first` and `last` mark the checkpoint's ends, `r` may be NULL. */
static int
write_rows(struct checkpoint *c, const struct checkpoint_rows *r, bool first, bool last)
{
	struct err err = { 0 };
	unsigned i;
	int rc = store_begin(c->store, &err);

	if (rc == 0 && first)
		rc = store_checkpoint_begin(c->store, &err);
	for (i = 0; r && i < r->n && rc == 0; i++) {
		rc = store_checkpoint_add(c->store, &r->row[i], &err);
		if (rc == -EINVAL && store_in_batch(c->store))
			rc = 0;	/* this flow only */
	}
	if (rc == 0 && last)
		rc = store_checkpoint_end(c->store, &err);
	if (rc == 0)
		rc = store_commit(c->store, &err);
	else
		store_rollback(c->store);
	if (rc != 0)
		give_up(c, err.msg);
	return rc;
}

static void
set_step(struct checkpoint *c, enum checkpoint_step step)
{
	pthread_mutex_lock(&c->mutex);
	c->step = step;
	pthread_mutex_unlock(&c->mutex);
}

static bool
begin(struct checkpoint *c)
{
	int rc = write_rows(c, NULL, true, false);

	c->n_rows = 0;
	set_step(c, rc == 0 ? CHECKPOINT_BEGUN : CHECKPOINT_REST);
	return false;
}

/* The rows are all written.  One of no flows after one of no flows need not wake the disk. */
static void
end(struct checkpoint *c)
{
	bool empty = c->n_rows == 0;

	if (!gave_up(c) && ((empty && c->was_empty) || write_rows(c, NULL, false, true) == 0)) {
		c->was_empty = empty;
		c->n_done++;
	}
	set_step(c, CHECKPOINT_REST);
}

static bool
take_on(struct checkpoint *c)
{
	struct checkpoint_rows *r;
	bool filled;

	pthread_mutex_lock(&c->mutex);
	filled = c->filled;
	r = c->first;
	if (r) {
		c->first = r->next;
		c->n_queued--;
	}
	if (!c->first)
		c->last = &c->first;
	pthread_mutex_unlock(&c->mutex);
	if (!r) {
		if (filled)
			end(c);
		return false;
	}
	if (!gave_up(c) && write_rows(c, r, false, false) == 0)
		c->n_rows += r->n;
	pthread_mutex_lock(&c->mutex);
	r->next = c->spare;
	c->spare = r;
	pthread_mutex_unlock(&c->mutex);
	return true;
}

bool
checkpoint_write(struct checkpoint *c)
{
	enum checkpoint_step step;

	pthread_mutex_lock(&c->mutex);
	step = c->step;
	pthread_mutex_unlock(&c->mutex);
	if (step == CHECKPOINT_WANTED)
		return begin(c);
	return step == CHECKPOINT_READING && take_on(c);
}
