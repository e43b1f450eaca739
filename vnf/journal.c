/*
 * journal.c - see journal.h.
 */
#include "vnf/journal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "vnf/heap_ring.h"
#define LOG_MODULE "journal"
#include "vnf/log.h"

enum { BATCH = 2048 };	/* records a transaction */

struct entry {
	enum { ENTRY_FLOW, ENTRY_GAP, ENTRY_CONFLICT, ENTRY_TURN } kind;
	bool log;
	union {
		struct flow_record flow;
		struct gap_record gap;
		struct conflict_record conflict;
		struct turn_record turn;
	};
};

_Static_assert(sizeof(struct entry) % 4 == 0, "rte_ring elements are multiples of 4 bytes");

/* Counters have one writer, and are read by any thread. */
struct lane {
	struct rte_ring *ring;
	/* the worker's */
	uint64_t ended;		/* flows */
	uint64_t lost;		/* of them, for want of room */
	uint64_t gaps_lost, conflicts_lost;
	/* the recorder's */
	uint64_t taken;		/* flows out of the ring */
	/* how many the store knows of */
	uint64_t lost_told, gaps_lost_told, conflicts_lost_told;
};

struct journal {
	struct store *store;
	struct journal_reader reader;	/* functions NULL: there is none */
	bool at_once;		/* nothing goes through the rings */
	unsigned n_lanes;
	struct lane *lane;
	struct entry *batch;	/* taken from the rings, not yet committed */
	unsigned n_batch;
	uint64_t n_batch_flows;
	uint64_t written, gaps_written, conflicts_written, refused;
	int last_error;
};

/* What the lanes say at one moment, of all that was not told to the store yet. */
struct account {
	uint64_t lost, gaps_lost, conflicts_lost, waiting;
};

/*
 * What a reader adds up is counted twice for a moment rather than not at all: a flow is in the
 * batch before it is out of the ring, and written before it is out of the batch, and the reader
 * looks in that order.
 */
static uint64_t
get(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

static void
add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELEASE);
}

static int
lane_open(struct lane *l, unsigned w, unsigned n_records)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof name, "journal-%u", w);
	l->ring = heap_ring_new(name, sizeof(struct entry), n_records);
	return l->ring ? 0 : -ENOMEM;
}

struct journal *
journal_new(struct store *store, unsigned n_workers, unsigned n_records, struct err *err)
{
	struct journal *j = calloc(1, sizeof *j);

	if (!j)
		goto no_memory;
	j->store = store;
	j->lane = calloc(n_workers, sizeof *j->lane);
	j->batch = calloc(BATCH, sizeof *j->batch);
	if (!j->lane || !j->batch)
		goto no_memory;
	for (; j->n_lanes < n_workers; j->n_lanes++)
		if (lane_open(&j->lane[j->n_lanes], j->n_lanes, n_records) != 0) {
			j->n_lanes++;
			goto no_memory;
		}
	return j;
no_memory:
	journal_free(j);
	err_set(err, -ENOMEM, "no memory for the journal's rings of %u records", n_records);
	return NULL;
}

void
journal_free(struct journal *j)
{
	if (!j)
		return;
	for (unsigned i = 0; i < j->n_lanes; i++)
		free(j->lane[i].ring);
	free(j->lane);
	free(j->batch);
	free(j);
}

static bool
put(struct lane *l, const struct entry *e, uint64_t *lost)
{
	if (rte_ring_sp_enqueue_elem(l->ring, (void *)(uintptr_t)e, sizeof *e) == 0)
		return true;
	add(lost, 1);
	return false;
}

/* Who sends the same bytes twice at will must not keep flows and gaps from being recorded. */
static bool
put_if_half_empty(struct lane *l, const struct entry *e)
{
	if (rte_ring_free_count(l->ring) > rte_ring_get_capacity(l->ring) / 2)
		return put(l, e, &l->conflicts_lost);
	add(&l->conflicts_lost, 1);
	return false;
}

static void
log_flow(const struct flow_record *r)
{
	char end[2][INET6_ADDRSTRLEN];

	for (unsigned k = 0; k < 2; k++)
		inet_ntop(r->family == 4 ? AF_INET : AF_INET6, r->end[k].addr, end[k],
			  sizeof end[k]);
	log_info("flow %.*s rule %.*s %.*s %s.%u > %s.%u ended: %.*s, %.3f s, %" PRIu64
		 " bytes up, %" PRIu64 " down",
		 RECORD_ID, r->flow_id, RECORD_RULE, r->rule, RECORD_WORD, r->mode, end[0],
		 r->end[0].port, end[1], r->end[1].port, RECORD_WORD, r->reason,
		 (double)(r->ended - r->started) / 1e6, r->direction[0].bytes,
		 r->direction[1].bytes);
}

static bool
flow_at_once(struct journal *j, struct lane *l, const struct flow_record *r, bool log)
{
	add(&l->ended, 1);
	add(&l->taken, 1);
	add(&j->written, 1);
	j->reader.flow(j->reader.aux, r);
	if (log)
		log_flow(r);
	return true;
}

bool
journal_put(struct journal *j, unsigned w, const struct flow_record *r, bool log)
{
	struct entry e;

	if (j->at_once)
		return flow_at_once(j, &j->lane[w], r, log);
	e = (struct entry){ .kind = ENTRY_FLOW, .log = log, .flow = *r };
	add(&j->lane[w].ended, 1);
	return put(&j->lane[w], &e, &j->lane[w].lost);
}

bool
journal_put_gap(struct journal *j, unsigned w, const struct gap_record *g)
{
	struct entry e = { .kind = ENTRY_GAP, .gap = *g };

	if (j->at_once) {
		j->reader.gap(j->reader.aux, g);
		return true;
	}
	return put(&j->lane[w], &e, &j->lane[w].gaps_lost);
}

bool
journal_put_conflict(struct journal *j, unsigned w, const struct conflict_record *c)
{
	struct entry e = { .kind = ENTRY_CONFLICT, .conflict = *c };

	if (j->at_once) {
		j->reader.conflict(j->reader.aux, c);
		return true;
	}
	return put_if_half_empty(&j->lane[w], &e);
}

bool
journal_put_turn(struct journal *j, unsigned w, const struct turn_record *t)
{
	struct entry e = { .kind = ENTRY_TURN, .turn = *t };

	if (j->at_once) {
		if (j->reader.turn)
			j->reader.turn(j->reader.aux, t);
		return true;
	}
	return put(&j->lane[w], &e, &j->lane[w].gaps_lost);
}

void
journal_read_by(struct journal *j, const struct journal_reader *r)
{
	j->reader = *r;
}

void
journal_read_at_once(struct journal *j)
{
	j->at_once = true;
}

bool
journal_reads_rows(const struct journal *j)
{
	return !j->at_once || !j->reader.counts;
}

/* Fills the batch up to `n_max` from all lanes. */
static void
take(struct journal *j, unsigned n_max)
{
	n_max = RTE_MIN(n_max, (unsigned)BATCH);
	for (unsigned i = 0; i < j->n_lanes && j->n_batch < n_max; i++) {
		struct lane *l = &j->lane[i];
		unsigned n = rte_ring_sc_dequeue_burst_elem(
			l->ring, j->batch + j->n_batch, sizeof *j->batch, n_max - j->n_batch, NULL);
		unsigned n_flows = 0;

		for (unsigned k = 0; k < n; k++)
			n_flows += j->batch[j->n_batch + k].kind == ENTRY_FLOW;
		j->n_batch += n;
		add(&j->n_batch_flows, n_flows);
		add(&l->taken, n_flows);
	}
}

/* A flow is counted as ended before it is put or lost: what is lost is read first. */
static uint64_t
in_ring(const struct lane *l)
{
	uint64_t gone = get(&l->lost) + get(&l->taken), ended = get(&l->ended);

	return ended > gone ? ended - gone : 0;
}

static struct account
account(const struct journal *j)
{
	struct account a = { 0 };

	for (unsigned i = 0; i < j->n_lanes; i++) {
		const struct lane *l = &j->lane[i];

		a.lost += get(&l->lost) - l->lost_told;
		a.gaps_lost += get(&l->gaps_lost) - l->gaps_lost_told;
		a.conflicts_lost += get(&l->conflicts_lost) - l->conflicts_lost_told;
		a.waiting += in_ring(l);
	}
	return a;
}

/* Takes as many of `n` as the counter is ahead of what was told of it. */
static uint64_t
told(uint64_t *so_far, const uint64_t *counter, uint64_t n)
{
	uint64_t now = RTE_MIN(n, get(counter) - *so_far);

	*so_far += now;
	return n - now;
}

static void
settle(struct journal *j, struct account a)
{
	for (unsigned i = 0; i < j->n_lanes; i++) {
		struct lane *l = &j->lane[i];

		a.lost = told(&l->lost_told, &l->lost, a.lost);
		a.gaps_lost = told(&l->gaps_lost_told, &l->gaps_lost, a.gaps_lost);
		a.conflicts_lost =
			told(&l->conflicts_lost_told, &l->conflicts_lost, a.conflicts_lost);
	}
}

static int
put_record(struct journal *j, const struct entry *e, uint64_t *refused, struct err *err)
{
	int rc = 0;

	if (e->kind == ENTRY_FLOW)
		rc = store_flow_ended(j->store, &e->flow, err);
	else if (e->kind == ENTRY_GAP)
		rc = store_gap(j->store, &e->gap, err);
	else if (e->kind == ENTRY_TURN)
		rc = store_turn(j->store, &e->turn, err);
	else
		rc = store_conflict(j->store, &e->conflict, err);
	if (rc != -EINVAL)
		return rc;
	*refused += e->kind == ENTRY_FLOW;	/* this record only */
	return 0;
}

static int
write_batch(struct journal *j, const struct account *a, struct err *err)
{
	int rc = store_begin(j->store, err);
	uint64_t refused = 0, n_gaps = 0, n_conflicts = 0;

	for (unsigned i = 0; i < j->n_batch && rc == 0; i++) {
		rc = put_record(j, &j->batch[i], &refused, err);
		n_gaps += j->batch[i].kind == ENTRY_GAP;
		n_conflicts += j->batch[i].kind == ENTRY_CONFLICT;
	}
	if (rc == 0)
		rc = store_lost(j->store, a->lost + refused, err);
	if (rc == 0)
		rc = store_gaps_lost(j->store, a->gaps_lost, err);
	if (rc == 0)
		rc = store_conflicts_lost(j->store, a->conflicts_lost, err);
	if (rc == 0)
		rc = store_waiting(j->store, a->waiting, err);
	if (rc == 0)
		rc = store_commit(j->store, err);
	if (rc == 0) {
		add(&j->refused, refused);
		add(&j->written, j->n_batch_flows - refused);
		add(&j->gaps_written, n_gaps);
		add(&j->conflicts_written, n_conflicts);
	}
	return rc;
}

static void
tell_reader(const struct journal *j)
{
	const struct journal_reader *r = &j->reader;

	for (unsigned i = 0; i < j->n_batch && r->flow; i++) {
		const struct entry *e = &j->batch[i];

		switch (e->kind) {
		case ENTRY_FLOW:
			r->flow(r->aux, &e->flow);
			break;
		case ENTRY_GAP:
			r->gap(r->aux, &e->gap);
			break;
		case ENTRY_CONFLICT:
			if (r->conflict)
				r->conflict(r->aux, &e->conflict);
			break;
		case ENTRY_TURN:
			if (r->turn)
				r->turn(r->aux, &e->turn);
			break;
		}
	}
}

/* The `log` attribute of the rules. */
static void
log_flows(const struct journal *j)
{
	for (unsigned i = 0; i < j->n_batch; i++) {
		const struct entry *e = &j->batch[i];

		if (e->kind == ENTRY_FLOW && e->log)
			log_flow(&e->flow);
	}
}

int
journal_drain(struct journal *j, unsigned n_max, struct err *err)
{
	struct account a;
	int n;

	take(j, n_max);
	a = account(j);
	if (j->n_batch == 0 && a.lost == 0 && a.gaps_lost == 0 && a.conflicts_lost == 0)
		return 0;
	if (j->store) {
		int rc = write_batch(j, &a, err);

		__atomic_store_n(&j->last_error, rc, __ATOMIC_RELAXED);
		if (rc != 0)
			return rc;	/* the batch is kept and given again */
	}
	settle(j, a);
	tell_reader(j);
	log_flows(j);
	n = (int)j->n_batch;
	__atomic_store_n(&j->n_batch_flows, 0, __ATOMIC_RELEASE);
	j->n_batch = 0;
	return n;
}

void
journal_status(const struct journal *j, struct journal_status *st)
{
	*st = (struct journal_status){
		.gaps_written = get(&j->gaps_written),
		.conflicts_written = get(&j->conflicts_written),
		.last_error = __atomic_load_n(&j->last_error, __ATOMIC_RELAXED),
	};
	for (unsigned i = 0; i < j->n_lanes; i++) {
		const struct lane *l = &j->lane[i];

		st->waiting += in_ring(l);
		st->lost += get(&l->lost);
		st->gaps_lost += get(&l->gaps_lost);
		st->conflicts_lost += get(&l->conflicts_lost);
		st->ended += get(&l->ended);
	}
	st->waiting += get(&j->n_batch_flows);
	st->lost += get(&j->refused);
	st->written = get(&j->written);
}
