/*
 * sink.c - see sink.h: how sinks begin and end; sink_put.c has a worker's side.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vnf/heap_ring.h"
#include "vnf/sink_lane.h"

enum {
	EVE_RING = 4096,	/* events of flows that a worker may have waiting */
	CONFLICT_RING = 1024,	/* and conflicts */
};

_Static_assert(sizeof(struct eve_event) % 4 == 0, "rte_ring elements are multiples of 4 bytes");
_Static_assert(sizeof(struct conflict_record) % 4 == 0, "likewise");

/* --- life --- */

static int
lane_open(struct sink_lane *l, unsigned n_ring)
{
	l->events = heap_ring_new("sink", sizeof(struct sink_event), n_ring);
	l->free = heap_ring_new("sink-free", sizeof(struct sink *), 2 * SINK_SLOTS);
	l->slots = mmap(NULL, SINK_SLOTS * sizeof *l->slots, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (l->slots == MAP_FAILED)
		l->slots = NULL;
	l->told = heap_ring_new("sink-told", sizeof(struct eve_event), EVE_RING);
	l->conflicts =
		heap_ring_new("sink-conflicts", sizeof(struct conflict_record), CONFLICT_RING);
	if (sink_tape_open(l) != 0 || !l->conflicts)
		return -ENOMEM;
	return l->events && l->free && l->told && l->slots ? 0 : -ENOMEM;
}

static void
lane_close(struct sink_lane *l)
{
	free(l->events);
	free(l->free);
	free(l->told);
	free(l->conflicts);
	sink_tape_close(l);
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
	s->folders = calloc(SINK_TEXTS, sizeof *s->folders);
	if (!s->texts || !s->folders || sink_stream_init(s) != 0 || sink_eve_init(s) != 0) {
		sink_stream_fini(s);
		free(s->texts);
		free(s->folders);
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

int
sinks_listen(struct sinks *s, const struct sinks_listen *l, struct err *err)
{
	int rc = ctl_listener_open(&s->stream.listener, l->path, l->mode, err);

	if (rc == 0 && l->group != (gid_t)-1 && chown(l->path, (uid_t)-1, l->group) < 0)
		rc = err_set(err, -errno, "cannot give %s to group %ld: %s", l->path,
			     (long)l->group, strerror(errno));
	if (rc != 0)
		return rc;
	s->stream.instance = l->instance;
	atomic_store_explicit(&s->listening, true, memory_order_release);
	atomic_store(&s->asleep, true);
	sink_wake(s);
	return 0;
}

int
sinks_stream_to(struct sinks *s, int fd, const char *instance)
{
	s->stream.instance = instance;
	return sink_stream_to(s, fd);
}

int
sinks_stream_end(struct sinks *s)
{
	sink_stream_run(s, NULL, 0);
	return sink_stream_error(s);
}

int
sinks_eve_end(struct sinks *s)
{
	return sink_eve_flush(s, false) < 0 ? 0 : -EPIPE;
}

void
sinks_reopen(struct sinks *s)
{
	atomic_store(&s->reopen, true);
	atomic_store(&s->asleep, true);
	sink_wake(s);
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
	sink_stream_fini(s);
	sink_eve_fini(s);
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	free(s->texts);
	free(s->folders);
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
		st->conflicts_lost += s->lane[i].conflicts_lost;
		st->bytes += s->lane[i].bytes;
		st->gap_bytes += s->lane[i].gap_bytes;
		st->eve_lost += s->lane[i].eve_lost;
		st->captures_lost += s->lane[i].captures_lost;
	}
	st->texts_refused = atomic_load(&s->texts_refused);
	st->eve_lines = s->eve_lines;
	st->eve_lost += s->eve_lost;
	sink_tape_status(s, st);
	memcpy(st->last_error, s->last_error, sizeof st->last_error);
	sink_stream_status(s, st);
}
