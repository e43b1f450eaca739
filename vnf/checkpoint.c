/*
 * checkpoint.c - see checkpoint.h.  A failure gives up this checkpoint; the earlier one stands.
 */
#include "vnf/checkpoint.h"

#include <stdio.h>
#include <string.h>

#define LOG_MODULE "journal"
#include "vnf/log.h"

enum { INTERVAL_US = 3 * 1000 * 1000 };

void
checkpoint_init(struct checkpoint *c, struct store *store, struct flows *flows, usec_t now)
{
	memset(c, 0, sizeof *c);
	c->store = store;
	c->flows = flows;
	c->next = usec_add(now, INTERVAL_US);
}

static void
fail(struct checkpoint *c, const struct err *err)
{
	if (!c->failed)
		log_warn("live flows are not written down: %s", err->msg);
	c->failed = true;
}

/* What is in hand becomes one batch; `first` and `last` mark the checkpoint's ends. */
static void
write_rows(struct checkpoint *c, bool first, bool last)
{
	struct err err = { 0 };
	unsigned i;
	int rc = store_begin(c->store, &err);

	if (rc == 0 && first)
		rc = store_checkpoint_begin(c->store, &err);
	for (i = 0; i < c->n_rows && rc == 0; i++)
		rc = store_checkpoint_add(c->store, &c->row[i], &err);
	if (rc == 0 && last)
		rc = store_checkpoint_end(c->store, &err);
	if (rc == 0)
		rc = store_commit(c->store, &err);
	else
		store_rollback(c->store);
	c->n_rows = 0;
	if (rc != 0)
		fail(c, &err);
}

static void
put_row(void *aux, const struct flow_view *v)
{
	struct checkpoint *c = aux;
	struct live_record *r = &c->row[c->n_rows];
	unsigned i;

	if (c->failed)
		return;
	r->flow = v->row;
	for (i = 0; i < 2; i++) {
		snprintf(r->state[i], RECORD_WORD, "%s", tcpterm_state_name(v->leg[i].state));
		/* acknowledged to one end, held for the other leg */
		r->held[i] = v->leg[!i].in_flight + v->leg[!i].queued;
	}
	if (++c->n_rows == CHECKPOINT_BATCH)
		write_rows(c, false, false);
}

static void
done(void *aux, int rc)
{
	struct checkpoint *c = aux;

	if (!c->failed && rc == 0)
		write_rows(c, false, true);
	c->n_done += !c->failed && rc == 0;
	c->n_rows = 0;
	c->at_work = false;
}

void
checkpoint_run(struct checkpoint *c, usec_t now)
{
	const struct flows_question q = { .row = put_row, .done = done, .aux = c };

	if (!c->store || c->at_work || usec_before(now, c->next))
		return;
	c->next = usec_add(now, INTERVAL_US);
	c->failed = false;
	write_rows(c, true, false);
	if (!c->failed)
		c->at_work = flows_ask(c->flows, &q) == 0;
}
