#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <rte_errno.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>

#include "vnf/journal.h"
#define LOG_MODULE "journal"
#include "vnf/log.h"

enum { BATCH = 1024 };	/* records a transaction */

struct entry {
	enum { ENTRY_FLOW, ENTRY_GAP } kind;
	bool log;
	union {
		struct flow_record flow;
		struct gap_record gap;
	};
};

_Static_assert(sizeof(struct entry) % 4 == 0, "rte_ring elements are multiples of 4 bytes");

struct lane {
	struct rte_ring *ring;
	uint64_t lost;		/* the worker's */
	uint64_t lost_told;	/* the control thread's: how many the store knows of */
};

struct journal {
	struct store *store;
	unsigned n_lanes;
	struct lane *lane;
	struct entry *batch;	/* taken from the rings, not yet committed */
	unsigned n_batch;
	uint64_t written, refused;
	int last_error;
};

static int
lane_open(struct lane *l, unsigned w, unsigned n_records)
{
	static unsigned serial;
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof name, "journal-%u-%u", w, serial++);
	l->ring = rte_ring_create_elem(name, sizeof(struct entry), n_records, SOCKET_ID_ANY,
				       RING_F_SP_ENQ | RING_F_SC_DEQ);
	return l->ring ? 0 : -rte_errno;
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
		if (lane_open(&j->lane[j->n_lanes], j->n_lanes, n_records) != 0)
			goto no_memory;
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
		rte_ring_free(j->lane[i].ring);
	free(j->lane);
	free(j->batch);
	free(j);
}

static bool
put(struct lane *l, const struct entry *e)
{
	if (rte_ring_sp_enqueue_elem(l->ring, (void *)(uintptr_t)e, sizeof *e) == 0)
		return true;
	__atomic_store_n(&l->lost, l->lost + 1, __ATOMIC_RELAXED);
	return false;
}

bool
journal_put(struct journal *j, unsigned w, const struct flow_record *r, bool log)
{
	struct entry e = { .kind = ENTRY_FLOW, .log = log, .flow = *r };

	return put(&j->lane[w], &e);
}

bool
journal_put_gap(struct journal *j, unsigned w, const struct gap_record *g)
{
	struct entry e = { .kind = ENTRY_GAP, .gap = *g };

	return put(&j->lane[w], &e);
}

/* Fills the batch up to `n_max` from all lanes. */
static void
take(struct journal *j, unsigned n_max)
{
	n_max = RTE_MIN(n_max, (unsigned)BATCH);
	for (unsigned i = 0; i < j->n_lanes && j->n_batch < n_max; i++)
		j->n_batch += rte_ring_sc_dequeue_burst_elem(j->lane[i].ring, j->batch + j->n_batch,
							     sizeof *j->batch, n_max - j->n_batch,
							     NULL);
}

static uint64_t
lost_since(const struct journal *j)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < j->n_lanes; i++)
		n += __atomic_load_n(&j->lane[i].lost, __ATOMIC_RELAXED) - j->lane[i].lost_told;
	return n;
}

static int
write_batch(struct journal *j, uint64_t lost, struct err *err)
{
	int rc = store_begin(j->store, err);
	uint64_t refused = 0;

	for (unsigned i = 0; i < j->n_batch && rc == 0; i++) {
		const struct entry *e = &j->batch[i];

		rc = e->kind == ENTRY_FLOW ? store_flow_ended(j->store, &e->flow, err)
					   : store_gap(j->store, &e->gap, err);
		if (rc == -EINVAL) {	/* this record only */
			refused += e->kind == ENTRY_FLOW;
			rc = 0;
		}
	}
	lost += refused;
	if (rc == 0 && lost > 0)
		rc = store_lost(j->store, lost, err);
	if (rc == 0)
		rc = store_commit(j->store, err);
	if (rc == 0)
		j->refused += refused;
	return rc;
}

/* The `log` attribute of the rules. */
static void
log_flows(const struct journal *j)
{
	for (unsigned i = 0; i < j->n_batch; i++) {
		const struct entry *e = &j->batch[i];
		const struct flow_record *r = &e->flow;
		char end[2][INET6_ADDRSTRLEN];

		if (e->kind != ENTRY_FLOW || !e->log)
			continue;
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
}

int
journal_drain(struct journal *j, unsigned n_max, struct err *err)
{
	uint64_t lost;
	int n;

	take(j, n_max);
	lost = lost_since(j);
	if (j->n_batch == 0 && lost == 0)
		return 0;
	if (j->store) {
		j->last_error = write_batch(j, lost, err);
		if (j->last_error != 0)
			return j->last_error;	/* the batch is kept and given again */
	}
	for (unsigned i = 0; i < j->n_lanes && lost > 0; i++) {
		uint64_t now = __atomic_load_n(&j->lane[i].lost, __ATOMIC_RELAXED);
		uint64_t told = RTE_MIN(lost, now - j->lane[i].lost_told);

		j->lane[i].lost_told += told;
		lost -= told;
	}
	log_flows(j);
	n = (int)j->n_batch;
	j->written += j->n_batch;
	j->n_batch = 0;
	return n;
}

void
journal_status(const struct journal *j, struct journal_status *st)
{
	*st = (struct journal_status){ .written = j->written,
				       .last_error = j->last_error,
				       .waiting = j->n_batch };
	for (unsigned i = 0; i < j->n_lanes; i++) {
		st->lost += __atomic_load_n(&j->lane[i].lost, __ATOMIC_RELAXED);
		st->waiting += rte_ring_count(j->lane[i].ring);
	}
	st->lost += j->refused;
}
