/*
 * sink_thread.c - the sinks' thread: it drains the lanes, and sleeps while there is nothing.
 *
 * After the last event it looks again every millisecond for a while, so that a worker seldom has to
 * wake it; then it sleeps until a worker does.  It says that it is about to before it looks at the
 * lanes for the last time, and a worker asks after it has put an event in: one of the two sees the
 * other.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_ring_elem.h>

#include "vnf/sink_lane.h"

enum {
	BURST = 64,
	NAP_MS = 1,
	NAPS = 20,		/* without an event, before it sleeps */
};

void
sink_complain(struct sinks *s, const char *what, const char *path, int code)
{
	s->errors++;
	snprintf(s->last_error, sizeof s->last_error, "%s %s: %s", what, path, strerror(code));
}

void
sink_free_name(const struct sinks *s, const char *dir, char name[SINK_NAME_LEN], const char *suffix)
{
	char path[SINK_TEXT_LEN + SINK_NAME_LEN + SINK_SUFFIX_LEN];
	size_t len = strlen(name);

	for (unsigned n = 2; !s->direct; n++) {
		snprintf(path, sizeof path, "%s/%s.%s", dir, name, suffix);
		if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
			return;
		snprintf(name + len, SINK_NAME_LEN - len, "-%u", n);
	}
}

/* --- events --- */

static void
to_files(struct sinks *s, struct sink *k, const struct sink_event *e)
{
	switch ((enum sink_event_kind)e->kind) {
	case SINK_OPEN:
		sink_files_open(s, k);
		break;
	case SINK_DATA:
		sink_files_data(s, k, e);
		break;
	case SINK_GAP:
		sink_files_gap(s, k, e);
		break;
	case SINK_CLOSE:
		sink_files_close(s, k);
		break;
	case SINK_CONFLICT:
		sink_files_conflict(s, k, e->conflict);
		break;
	case SINK_META:
		break;
	}
}

static void
give_back(struct sinks *s, struct sink *k)
{
	s->open--;
	if (s->direct)
		free(k);
	else
		rte_ring_sp_enqueue(s->lane[k->worker].free, k);
}

void
sink_handle(struct sinks *s, const struct sink_event *e)
{
	struct sink *k = e->sink;

	if (e->roles != k->heard) {
		k->heard = e->roles;
		if (k->has_files && k->heard == SINK_ROLES_TURNED)
			sink_files_turn(s, k);
	}
	if (k->has_files)
		to_files(s, k, e);
	if (k->has_stream)
		sink_stream_event(s, k, e);
	switch ((enum sink_event_kind)e->kind) {
	case SINK_OPEN:
		s->open++;
		break;
	case SINK_DATA:
		s->bytes += e->len;
		rte_pktmbuf_free(e->m);
		break;
	case SINK_GAP:
		s->gap_bytes += e->len;
		break;
	case SINK_META:
	case SINK_CONFLICT:
		break;
	case SINK_CLOSE:
		give_back(s, k);
		break;
	}
}

/* One that a worker put in. */
static void
handle_put(struct sinks *s, struct sink_lane *l, struct sink_event *e)
{
	struct conflict_record c;

	if (e->kind == SINK_CONFLICT) {
		rte_ring_sc_dequeue_elem(l->conflicts, &c, sizeof c);
		e->conflict = &c;
	}
	sink_handle(s, e);
	if (e->kind == SINK_CONFLICT)
		e->conflict = NULL;
}

static unsigned
drain_told(struct sinks *s, struct sink_lane *l)
{
	struct eve_event e;
	unsigned n;

	for (n = 0; n < BURST && rte_ring_sc_dequeue_elem(l->told, &e, sizeof e) == 0; n++)
		sink_eve_event(s, &e);
	return n;
}

/* One round over all lanes; how many events there were. */
static unsigned
drain(struct sinks *s)
{
	struct sink_event e[BURST];
	unsigned total = 0;

	for (unsigned i = 0; i < s->n_lanes; i++) {
		unsigned n = rte_ring_sc_dequeue_burst_elem(s->lane[i].events, e, sizeof *e, BURST,
							    NULL);

		for (unsigned j = 0; j < n; j++)
			handle_put(s, &s->lane[i], &e[j]);
		n += drain_told(s, &s->lane[i]);
		total += n + sink_tape_drain(s, &s->lane[i]);
	}
	return total;
}

/* --- sleep --- */

static bool
all_empty(const struct sinks *s)
{
	for (unsigned i = 0; i < s->n_lanes; i++)
		if (!rte_ring_empty(s->lane[i].events) || !rte_ring_empty(s->lane[i].told) ||
		    !rte_ring_empty(s->lane[i].full_pages))
			return false;
	return true;
}

void
sink_wake(struct sinks *s)
{
	if (atomic_exchange(&s->asleep, false) && eventfd_write(s->wake_fd, 1) != 0)
		s->errors++;
}

/* Until something happens, or `ms` have passed (-1: forever); what readers have to do with it. */
static void
await(struct sinks *s, int ms)
{
	struct pollfd fds[1 + SINK_STREAM_FDS];
	unsigned n = sink_stream_fds(s, fds + 1);
	eventfd_t count;

	fds[0] = (struct pollfd){ .fd = s->wake_fd, .events = POLLIN };
	if (poll(fds, n + 1, ms) < 0)
		n = 0;
	else if (fds[0].revents)
		eventfd_read(s->wake_fd, &count);
	s->wakes += ms != 0;
	sink_stream_run(s, fds + 1, n);
}

/* Lines go out when nothing else is to be done; how long it may be slept, in ms. */
static int
write_lines(struct sinks *s)
{
	return sink_eve_flush(s, atomic_exchange(&s->reopen, false));
}

static void
sleep_until_woken(struct sinks *s)
{
	int ms = write_lines(s);

	atomic_store(&s->asleep, true);
	if (all_empty(s) && !atomic_load(&s->stop) && !atomic_load(&s->reopen))
		await(s, ms);
	atomic_store(&s->asleep, false);
}

void *
sink_thread(void *sinks)
{
	struct sinks *s = sinks;
	unsigned idle = 0;

	while (!atomic_load(&s->stop)) {
		if (drain(s) > 0) {
			idle = 0;
			if (atomic_load_explicit(&s->listening, memory_order_relaxed))
				await(s, 0);
		} else if (idle++ < NAPS) {
			write_lines(s);
			await(s, NAP_MS);
		} else {
			sleep_until_woken(s);
		}
	}
	while (drain(s) > 0)
		;
	return NULL;
}
