/*
 * sink.c - see sink.h: life, and a worker's side.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <rte_ring_elem.h>

#include "vnf/sink_lane.h"

/* --- life --- */

/* In ordinary memory: what the switch maps is sized once, at start. */
static struct rte_ring *
ring_new(const char *name, unsigned element, unsigned n)
{
	ssize_t size = rte_ring_get_memsize_elem(element, n);
	struct rte_ring *r = size > 0 ? aligned_alloc(RTE_CACHE_LINE_SIZE, (size_t)size) : NULL;

	if (r && rte_ring_init(r, name, n, RING_F_SP_ENQ | RING_F_SC_DEQ) != 0) {
		free(r);
		r = NULL;
	}
	return r;
}

static int
lane_open(struct sink_lane *l, unsigned n_ring)
{
	l->events = ring_new("sink", sizeof(struct sink_event), n_ring);
	l->free = ring_new("sink-free", sizeof(struct sink *), 2 * SINK_SLOTS);
	l->slots = mmap(NULL, SINK_SLOTS * sizeof *l->slots, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (l->slots == MAP_FAILED)
		l->slots = NULL;
	return l->events && l->free && l->slots ? 0 : -ENOMEM;
}

static void
lane_close(struct sink_lane *l)
{
	free(l->events);
	free(l->free);
	if (l->slots)
		munmap(l->slots, SINK_SLOTS * sizeof *l->slots);
}

static struct sinks *
make(struct journal *journal)
{
	struct sinks *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->journal = journal;
	s->wake_fd = -1;
	s->texts = calloc(SINK_TEXTS, sizeof *s->texts);
	if (!s->texts) {
		free(s);
		return NULL;
	}
	sink_files_init(s);
	return s;
}

static int
launch(struct sinks *s)
{
	int rc;

	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->wake_fd < 0)
		return -errno;
	rc = pthread_create(&s->thread, NULL, sink_thread, s);
	s->started = rc == 0;
	if (s->started)
		pthread_setname_np(s->thread, "leat-sinks");
	return -rc;
}

struct sinks *
sinks_new(unsigned n_workers, unsigned n_ring, struct journal *journal, struct err *err)
{
	struct sinks *s = make(journal);

	if (!s)
		goto no_memory;
	s->lane = calloc(n_workers, sizeof *s->lane);
	if (!s->lane)
		goto no_memory;
	for (; s->n_lanes < n_workers; s->n_lanes++)
		if (lane_open(&s->lane[s->n_lanes], n_ring) != 0) {
			s->n_lanes++;
			goto no_memory;
		}
	if (launch(s) != 0)
		goto no_memory;
	return s;
no_memory:
	sinks_free(s);
	err_set(err, -ENOMEM, "no memory for the sinks of passive flows");
	return NULL;
}

struct sinks *
sinks_direct(struct journal *journal, struct err *err)
{
	struct sinks *s = make(journal);

	if (!s) {
		err_set(err, -ENOMEM, "no memory for streams' files");
		return NULL;
	}
	s->direct = true;
	return s;
}

/* Flows whose end found no room. */
static void
close_last(struct sinks *s, struct sink_lane *l)
{
	struct sink *k;

	while ((k = l->closing) != NULL) {
		const struct sink_event e = { .sink = k, .kind = SINK_CLOSE };

		l->closing = k->next;
		sink_handle(s, &e);
	}
}

void
sinks_free(struct sinks *s)
{
	if (!s)
		return;
	if (s->started) {
		atomic_store(&s->stop, true);
		eventfd_write(s->wake_fd, 1);
		pthread_join(s->thread, NULL);
	}
	for (unsigned i = 0; i < s->n_lanes; i++) {
		close_last(s, &s->lane[i]);
		lane_close(&s->lane[i]);
	}
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	free(s->texts);
	free(s->lane);
	free(s);
}

/* --- texts --- */

/* Several workers may come with the same text at once: one of them writes it. */
uint8_t
sinks_text(struct sinks *s, const char *text)
{
	int free_state = 0;

	if (!text)
		return 0;
	for (unsigned i = 0; i < SINK_TEXTS; i++) {
		struct sink_text *t = &s->texts[i];

		if (atomic_load_explicit(&t->state, memory_order_acquire) == 0 &&
		    atomic_compare_exchange_strong(&t->state, &free_state, 1)) {
			snprintf(t->s, sizeof t->s, "%s", text);
			atomic_store_explicit(&t->state, 2, memory_order_release);
		}
		free_state = 0;
		while (atomic_load_explicit(&t->state, memory_order_acquire) != 2)
			;
		if (strcmp(t->s, text) == 0)
			return (uint8_t)(i + 1);
	}
	atomic_fetch_add(&s->texts_refused, 1);
	return 0;
}

const char *
sinks_text_at(const struct sinks *s, uint8_t place)
{
	return place ? s->texts[place - 1].s : NULL;
}

/* --- a worker --- */

static bool
put(struct sink *k, const struct sink_event *e)
{
	struct sinks *s = k->all;
	struct sink_lane *l;

	if (s->direct) {
		sink_handle(s, e);
		return true;
	}
	assert(s->lane);
	l = &s->lane[k->worker];
	if (rte_ring_sp_enqueue_elem(l->events, (void *)(uintptr_t)e, sizeof *e) != 0)
		return false;
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&s->asleep, memory_order_relaxed))
		sink_wake(s);
	return true;
}

static void
journal_gap(struct sink *k, unsigned direction, uint64_t offset, uint64_t len,
	    enum tcpterm_gap_reason why)
{
	struct gap_record g = {
		.declared = clock_to_unix_us(clock_now()),
		.offset = offset,
		.length = len,
		.direction = direction == 0 ? RECORD_UP : RECORD_DOWN,
	};

	if (!k->all->journal)
		return;
	memcpy(g.flow_id, k->begin.flow_id, sizeof g.flow_id);
	snprintf(g.reason, sizeof g.reason, "%s", tcpterm_gap_name(why));
	journal_put_gap(k->all->journal, k->worker, &g);
}

/* Lists the bytes that had no room before anything that follows them; false: still none. */
static bool
flush_lost(struct sink *k, unsigned direction)
{
	struct sink_event e = {
		.sink = k,
		.kind = SINK_GAP,
		.direction = (uint8_t)direction,
		.offset = k->lost[direction].offset,
		.len = k->lost[direction].len,
		.reason = TCPTERM_GAP_BUDGET,
	};

	if (e.len == 0)
		return true;
	if (!put(k, &e))
		return false;
	journal_gap(k, direction, e.offset, e.len, TCPTERM_GAP_BUDGET);
	k->lost[direction].len = 0;
	return true;
}

/* Its last event; false: there is no room. */
static bool
put_close(struct sink *k)
{
	const struct sink_event e = { .sink = k, .kind = SINK_CLOSE };

	return flush_lost(k, 0) && flush_lost(k, 1) && put(k, &e);
}

/* Ends that found the ring full, tried again. */
static void
close_late(struct sink_lane *l)
{
	while (l->closing) {
		struct sink *next = l->closing->next;

		if (!put_close(l->closing))
			return;
		l->closing = next;
	}
}

/* A slot; NULL: there is none. */
static struct sink *
take_slot(struct sinks *s, struct sink_lane *l)
{
	struct sink *k = NULL;

	if (s->direct)
		return malloc(sizeof *k);
	close_late(l);
	k = l->spare;
	if (k)
		l->spare = k->next;
	else if (rte_ring_sc_dequeue(l->free, (void **)&k) != 0 && l->n_touched < SINK_SLOTS)
		k = &l->slots[l->n_touched++];
	l->refused += k == NULL;
	return k;
}

/* FLOWID-CLIENT.PORT-SERVER.PORT */
static void
set_name(struct sink *k, const struct flow_record *r)
{
	const int family = r->family == 4 ? AF_INET : AF_INET6;
	char client[INET6_ADDRSTRLEN], server[INET6_ADDRSTRLEN];

	inet_ntop(family, r->end[RECORD_CLIENT].addr, client, sizeof client);
	inet_ntop(family, r->end[RECORD_SERVER].addr, server, sizeof server);
	snprintf(k->name, sizeof k->name, "%s-%s.%u-%s.%u", r->flow_id, client,
		 r->end[RECORD_CLIENT].port, server, r->end[RECORD_SERVER].port);
}

struct sink *
sink_open(struct sinks *s, unsigned worker, const struct sink_conf *conf,
	  const struct flow_record *r)
{
	struct sink_lane *l = s->direct ? NULL : &s->lane[worker];
	struct sink_event e = { .kind = SINK_OPEN };
	struct sink *k = take_slot(s, l);

	if (!k)
		return NULL;
	k->all = s;
	k->worker = (uint16_t)worker;
	k->has_files = conf->dir != NULL;
	k->begin = *r;
	snprintf(k->dir, sizeof k->dir, "%s", conf->dir ? conf->dir : "");
	set_name(k, r);
	memset(k->lost, 0, sizeof k->lost);
	e.sink = k;
	if (put(k, &e))
		return k;
	k->next = l->spare;
	l->spare = k;
	l->refused++;
	return NULL;
}

static void
lose(struct sink *k, unsigned direction, uint64_t offset, uint64_t len)
{
	if (k->lost[direction].len == 0)
		k->lost[direction].offset = offset;
	k->lost[direction].len = offset + len - k->lost[direction].offset;
	k->all->lane[k->worker].lost_bytes += len;
}

void
sink_data(struct sink *k, unsigned direction, uint64_t offset, struct rte_mbuf *m, uint32_t m_off,
	  uint32_t len)
{
	struct sink_event e = { .sink = k,
				.kind = SINK_DATA,
				.direction = (uint8_t)direction,
				.offset = offset,
				.len = len,
				.m = m,
				.m_off = m_off };

	for (struct rte_mbuf *g = m; g; g = g->next)
		rte_mbuf_refcnt_update(g, 1);
	if (flush_lost(k, direction) && put(k, &e))
		return;
	rte_pktmbuf_free(m);
	lose(k, direction, offset, len);
}

void
sink_gap(struct sink *k, unsigned direction, uint64_t offset, uint64_t len,
	 enum tcpterm_gap_reason why)
{
	struct sink_event e = { .sink = k,
				.kind = SINK_GAP,
				.direction = (uint8_t)direction,
				.offset = offset,
				.len = len,
				.reason = (uint8_t)why };

	if (flush_lost(k, direction) && put(k, &e))
		journal_gap(k, direction, offset, len, why);
	else
		lose(k, direction, offset, len);
}

void
sink_close(struct sink *k)
{
	struct sink_lane *l = k->all->direct ? NULL : &k->all->lane[k->worker];

	if (l)
		close_late(l);
	if (put_close(k))
		return;
	k->next = l->closing;
	l->closing = k;
}

void
sinks_count(struct sinks *s, unsigned worker, uint64_t bytes, uint64_t gap_bytes)
{
	if (s->direct) {
		s->bytes += bytes;
		s->gap_bytes += gap_bytes;
		return;
	}
	s->lane[worker].bytes += bytes;
	s->lane[worker].gap_bytes += gap_bytes;
}

void
sinks_status(const struct sinks *s, struct sinks_status *st)
{
	*st = (struct sinks_status){ .bytes = s->bytes,
				     .gap_bytes = s->gap_bytes,
				     .open = s->open,
				     .errors = s->errors,
				     .wakes = s->wakes };
	for (unsigned i = 0; i < s->n_lanes; i++) {
		st->waiting += rte_ring_count(s->lane[i].events);
		st->lost_bytes += s->lane[i].lost_bytes;
		st->refused += s->lane[i].refused;
		st->bytes += s->lane[i].bytes;
		st->gap_bytes += s->lane[i].gap_bytes;
	}
	memcpy(st->last_error, s->last_error, sizeof st->last_error);
}
