/*
 * sink_stream.c - the bytes of passive flows to readers of the stream socket (leat-stream(5)).
 *
 * Each reader has a queue of bytes.  A record goes into it whole or not at all, and of what did
 * not, each flow remembers for each reader the run of bytes it is short of: that is told as a gap
 * before anything that follows it in its direction.  Of a flow that ends while there is no room its
 * last words are owed.  So what is kept for a reader that stopped is bounded by the flows of which
 * it was told.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vnf/sink_lane.h"

enum {
	QUEUE = 4 << 20,	/* bytes for a reader */
	OWED_MAX = 65536,	/* flows, of a reader */
};

/* The last words of a flow that has ended. */
struct owed {
	struct owed *next;
	uint64_t number;
	struct sink_run lost[2];
	uint16_t n_end;
	uint8_t end[128];	/* its END record, behind a ROLES that was not told */
};

struct sink_reader {
	int fd;
	uint64_t id;		/* never again another's; 0: nobody reads here */
	uint8_t *queue;
	size_t head, n;		/* bytes that wait, from `head` on */
	bool waits;		/* the caller has time: nothing is lost */
	int broken;		/* errno; 0: it is not */
	uint64_t lost_flows;	/* of which it was told nothing, and that not yet */
	struct owed *owed, **owed_tail;
	uint32_t n_owed;
};

/* --- the queue --- */

/* Sends what the kernel takes now; with `waits`, all. */
static void
flush(struct sink_reader *r)
{
	while (r->n > 0 && !r->broken) {
		size_t n = RTE_MIN(r->n, (size_t)QUEUE - r->head);
		ssize_t sent =
			r->waits ? write(r->fd, r->queue + r->head, n)
				 : send(r->fd, r->queue + r->head, n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (sent <= 0) {
			r->broken = sent < 0 ? errno : EPIPE;
			return;
		}
		r->head = (r->head + (size_t)sent) % QUEUE;
		r->n -= (size_t)sent;
	}
}

static bool
has_room(struct sink_reader *r, size_t n)
{
	if (r->broken)
		return false;
	if (n > QUEUE - r->n)
		flush(r);
	return n <= QUEUE - r->n;
}

/* There is room. */
static void
append(struct sink_reader *r, const void *bytes, size_t n)
{
	const uint8_t *from = bytes;
	size_t tail = (r->head + r->n) % QUEUE, first = RTE_MIN(n, QUEUE - tail);

	memcpy(r->queue + tail, from, first);
	memcpy(r->queue, from + first, n - first);
	r->n += n;
}

static bool
put(struct sink_reader *r, const uint8_t *record, size_t n)
{
	if (!has_room(r, n))
		return false;
	append(r, record, n);
	return true;
}

static bool
put_gap(struct sink_reader *r, uint64_t number, unsigned direction, struct sink_run *run)
{
	const struct sink_frame_place place = { number, direction, run->offset };
	uint8_t b[FRAME_MAX];

	if (run->len == 0)
		return true;
	if (!put(r, b, sink_frame_gap(b, &place, run->len, tcpterm_gap_name(TCPTERM_GAP_BUDGET))))
		return false;
	run->len = 0;
	return true;
}

/* --- what a reader knows of a flow --- */

static void
tell_meta(struct sink_reader *r, const struct sink *k)
{
	uint8_t b[FRAME_MAX];

	if (k->meta_came && !put(r, b, sink_frame_meta(b, k->number, k->app, k->names)))
		k->all->stream.lost_records++;
}

/* What is known by now of who is who; false: there is no room. */
static bool
tell_roles(struct sink_reader *r, const struct sink *k, struct sink_told *t)
{
	uint8_t b[FRAME_MAX];

	if (t->roles == k->heard)
		return true;
	if (!put(r, b, sink_frame_roles(b, k->number, k->heard == SINK_ROLES_TURNED)))
		return false;
	t->roles = k->heard;
	return true;
}

/* Does the reader know the flow?  It is told of it if there is room. */
static bool
knows(struct sink_reader *r, struct sink *k, struct sink_told *t)
{
	uint8_t b[FRAME_MAX];

	if (t->reader != r->id)
		*t = (struct sink_told){ .reader = r->id, .late = true };
	if (t->opened)
		return tell_roles(r, k, t);
	t->opened = put(r, b, sink_frame_open(b, k->number, &k->begin, k->roles_guessed, t->late));
	if (!t->opened)
		return false;
	tell_meta(r, k);
	return tell_roles(r, k, t);
}

static void
lose(struct sinks *s, struct sink_told *t, const struct sink_event *e)
{
	struct sink_run *run = &t->lost[e->direction];

	if (run->len == 0)
		run->offset = e->offset;
	run->len = e->offset + e->len - run->offset;
	if (e->kind == SINK_DATA)
		s->stream.lost_bytes += e->len;
}

/* --- one reader, one event --- */

static bool
put_data(struct sink_reader *r, const struct sink *k, const struct sink_event *e)
{
	const struct sink_frame_place place = { k->number, e->direction, e->offset };
	uint64_t left = e->len;
	uint32_t skip = e->m_off;
	uint8_t head[FRAME_DATA_HEAD];
	size_t n = sink_frame_data(head, &place, clock_to_unix_us(e->at), (uint32_t)e->len);

	if (!has_room(r, n + e->len))
		return false;
	append(r, head, n);
	for (const struct rte_mbuf *m = e->m; m && left > 0; m = m->next) {
		uint64_t len;

		if (skip >= m->data_len) {
			skip -= m->data_len;
			continue;
		}
		len = RTE_MIN(left, (uint64_t)(m->data_len - skip));
		append(r, rte_pktmbuf_mtod_offset(m, void *, skip), len);
		left -= len;
		skip = 0;
	}
	return true;
}

static bool
put_event(struct sink_reader *r, struct sink *k, const struct sink_event *e)
{
	const struct sink_frame_place place = { k->number, e->direction, e->offset };
	uint8_t b[FRAME_MAX];

	if (e->kind == SINK_DATA)
		return put_data(r, k, e);
	return put(r, b, sink_frame_gap(b, &place, e->len, tcpterm_gap_name(e->reason)));
}

static void
owe(struct sink_reader *r, const struct sink *k, const struct sink_told *t)
{
	struct owed *o = r->n_owed < OWED_MAX ? malloc(sizeof *o) : NULL;
	size_t n = 0;

	if (!o) {
		r->lost_flows++;
		return;
	}
	*o = (struct owed){ .number = k->number };
	memcpy(o->lost, t->lost, sizeof o->lost);
	if (t->roles != k->heard)
		n = sink_frame_roles(o->end, k->number, k->heard == SINK_ROLES_TURNED);
	o->n_end = (uint16_t)(n + sink_frame_end(o->end + n, k->number, &k->ending));
	*r->owed_tail = o;
	r->owed_tail = &o->next;
	r->n_owed++;
}

static void
tell_end(struct sink_reader *r, struct sink *k, struct sink_told *t)
{
	uint8_t b[FRAME_MAX];

	/* one that came late, and heard nothing of it */
	if (t->reader != r->id)
		return;
	if (!knows(r, k, t) && !t->opened)
		r->lost_flows++;
	else if (r->owed || t->roles != k->heard || !put_gap(r, k->number, 0, &t->lost[0]) ||
		 !put_gap(r, k->number, 1, &t->lost[1]) ||
		 !put(r, b, sink_frame_end(b, k->number, &k->ending)))
		owe(r, k, t);
}

static void
tell(struct sinks *s, struct sink_reader *r, struct sink *k, const struct sink_event *e)
{
	struct sink_told *t = &k->told[r - s->stream.readers];
	uint8_t b[FRAME_MAX];

	switch ((enum sink_event_kind)e->kind) {
	case SINK_OPEN:
		*t = (struct sink_told){ .reader = r->id };
		knows(r, k, t);
		break;
	case SINK_DATA:
	case SINK_GAP:
		if (!knows(r, k, t) ||
		    !put_gap(r, k->number, e->direction, &t->lost[e->direction]) ||
		    !put_event(r, k, e))
			lose(s, t, e);
		break;
	case SINK_META:
		if (t->reader == r->id && t->opened)
			tell_meta(r, k);
		break;
	case SINK_CONFLICT:
		if (!knows(r, k, t) || !put(r, b, sink_frame_conflict(b, k->number, e->conflict)))
			s->stream.lost_records++;
		break;
	case SINK_CLOSE:
		tell_end(r, k, t);
		break;
	}
}

void
sink_stream_event(struct sinks *s, struct sink *k, const struct sink_event *e)
{
	if (e->kind == SINK_OPEN) {
		k->number = ++s->stream.last_number;
		k->meta_came = false;
		memset(k->told, 0, sizeof k->told);
	}
	k->meta_came |= e->kind == SINK_META;
	for (unsigned i = 0; i < SINK_READERS; i++)
		if (s->stream.readers[i].id)
			tell(s, &s->stream.readers[i], k, e);
}

/* --- readers come and go --- */

static void
leave(struct sinks *s, struct sink_reader *r)
{
	struct owed *o;

	while ((o = r->owed) != NULL) {
		r->owed = o->next;
		free(o);
	}
	if (r->waits && r->broken)
		s->stream.failed = r->broken;
	if (!r->waits)
		close(r->fd);
	free(r->queue);
	*r = (struct sink_reader){ .id = 0 };
	atomic_fetch_sub(&s->stream.n_readers, 1);
}

static bool
join(struct sinks *s, int fd, bool waits)
{
	struct sink_reader *r = s->stream.readers;
	uint8_t b[FRAME_MAX];
	unsigned i;

	for (i = 0; i < SINK_READERS && r->id; i++)
		r++;
	if (i == SINK_READERS)
		return false;
	*r = (struct sink_reader){ .fd = fd, .waits = waits, .queue = malloc(QUEUE) };
	if (!r->queue)
		return false;
	r->owed_tail = &r->owed;
	r->id = ++s->stream.last_reader;
	atomic_fetch_add(&s->stream.n_readers, 1);
	put(r, b, sink_frame_hello(b, s->stream.instance));
	return true;
}

static void
accept_all(struct sinks *s)
{
	int fd;

	while ((fd = accept4(s->stream.listener.fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		if (join(s, fd, false))
			continue;
		s->stream.refused++;
		close(fd);
	}
}

/* What was owed, as far as there is room. */
static void
pay(struct sink_reader *r)
{
	uint8_t b[FRAME_MAX];
	struct owed *o;

	while ((o = r->owed) != NULL) {
		if (!put_gap(r, o->number, 0, &o->lost[0]) ||
		    !put_gap(r, o->number, 1, &o->lost[1]) || !put(r, o->end, o->n_end))
			return;
		r->owed = o->next;
		if (!r->owed)
			r->owed_tail = &r->owed;
		r->n_owed--;
		free(o);
	}
	if (r->lost_flows && put(r, b, sink_frame_lost(b, r->lost_flows)))
		r->lost_flows = 0;
}

/* Readers say nothing; what comes is their end, or to be ignored. */
static void
listen_to(struct sink_reader *r, short revents)
{
	char nothing[64];

	if (revents & POLLIN && recv(r->fd, nothing, sizeof nothing, MSG_DONTWAIT) == 0)
		r->broken = EPIPE;
	if (revents & (POLLERR | POLLHUP))
		r->broken = EPIPE;
}

unsigned
sink_stream_fds(const struct sinks *s, struct pollfd *fds)
{
	const struct sink_reader *r = s->stream.readers;
	unsigned i, n = 0;

	if (!atomic_load_explicit(&s->listening, memory_order_acquire))
		return 0;
	fds[n++] = (struct pollfd){ .fd = s->stream.listener.fd, .events = POLLIN };
	for (i = 0; i < SINK_READERS; i++, r++)
		fds[n++] = (struct pollfd){ .fd = r->id ? r->fd : -1,
					    .events = r->n || r->owed ? POLLIN | POLLOUT : POLLIN };
	return n;
}

void
sink_stream_run(struct sinks *s, const struct pollfd *fds, unsigned n)
{
	struct sink_reader *r = s->stream.readers;
	unsigned i;

	for (i = 0; i < SINK_READERS; i++, r++) {
		if (!r->id)
			continue;
		if (n > 0)
			listen_to(r, fds[1 + i].revents);
		flush(r);
		pay(r);
		flush(r);
		if (r->broken)
			leave(s, r);
	}
	if (n > 0 && fds[0].revents)
		accept_all(s);
}

/* --- life --- */

int
sink_stream_init(struct sinks *s)
{
	s->stream.listener.fd = -1;
	s->stream.readers = calloc(SINK_READERS, sizeof *s->stream.readers);
	return s->stream.readers ? 0 : -ENOMEM;
}

int
sink_stream_to(struct sinks *s, int fd)
{
	return join(s, fd, true) ? 0 : -ENOMEM;
}

int
sink_stream_error(const struct sinks *s)
{
	return -s->stream.failed;
}

/* What a reader does not take now is not waited for. */
void
sink_stream_fini(struct sinks *s)
{
	unsigned i;

	for (i = 0; s->stream.readers && i < SINK_READERS; i++) {
		struct sink_reader *r = &s->stream.readers[i];

		if (!r->id)
			continue;
		flush(r);
		pay(r);
		flush(r);
		leave(s, r);
	}
	free(s->stream.readers);
	if (s->stream.listener.fd >= 0)
		ctl_listener_close(&s->stream.listener);
}

void
sink_stream_status(const struct sinks *s, struct sinks_status *st)
{
	st->readers = atomic_load(&s->stream.n_readers);
	st->reader_lost_bytes = s->stream.lost_bytes;
	st->reader_lost_records = s->stream.lost_records;
	st->readers_refused = s->stream.refused;
}
