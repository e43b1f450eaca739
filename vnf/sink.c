#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>

#include "vnf/sink.h"

enum {
	N_SINKS = 4096,		/* a worker's open flows with a sink */
	BURST = 64,
	IDLE_NS = 1000 * 1000,
	KEPT_FDS = 64,		/* of the process, for others */
	MAX_FDS = 4096,		/* open at a time, without a thread */
};

enum file { FILE_UP, FILE_DOWN, FILE_GAPS, N_FILES };

enum event_kind { EVENT_OPEN, EVENT_DATA, EVENT_GAP, EVENT_CLOSE };

struct event {
	struct sink *sink;
	struct rte_mbuf *m;	/* DATA: a reference */
	uint64_t offset, len;
	uint32_t m_off;
	uint8_t kind, direction, reason, unused;
};

/*
 * The worker writes `lost` and hands the slot over by CLOSE; the thread owns the
 * descriptors and gives the slot back through the free ring.
 */
struct sink {
	struct sinks *all;
	uint16_t worker;
	bool count_only;
	char dir[256], name[128], flow_id[RECORD_ID];
	int fd[N_FILES];
	uint8_t made;		/* bit a file: it was opened before */
	struct sink *next;	/* in spare or closing */
	struct sink *newer, *older;	/* without a thread: of those with open files */
	/* a run of bytes for which the ring had no room, a direction; the worker's */
	struct {
		uint64_t offset, len;
	} lost[2];
};

struct lane {
	struct rte_ring *events, *free;
	struct sink *slot;
	/* the worker's: */
	struct sink *spare;	/* slots that the thread never heard of */
	struct sink *closing;	/* flows that ended while the ring was full */
	uint64_t lost_bytes, refused;
};

struct sinks {
	struct journal *journal;
	bool direct;		/* no thread, no lanes */
	unsigned n_fds, max_fds;
	struct sink *newest, *oldest;	/* with open files, by their latest use */
	struct lane *lane;
	unsigned n_lanes;
	pthread_t thread;
	bool started, stop;
	uint64_t bytes, gap_bytes, errors;
	uint32_t open;
	char last_error[SINK_ERROR_LEN];
};

static const char *const suffix_of[N_FILES] = { "c2s", "s2c", "gaps" };

/* --- the thread's side --- */

static void
complain(struct sinks *s, const struct sink *k, const char *what)
{
	s->errors++;
	if (snprintf(s->last_error, sizeof s->last_error, "%s %s/%s: %s", what, k->dir, k->name,
		     strerror(errno)) < 0)
		s->last_error[0] = '\0';
}

static int
open_file(struct sinks *s, struct sink *k, enum file which)
{
	int first = k->made & 1u << which ? 0 : O_TRUNC;
	char path[512];
	int fd;

	snprintf(path, sizeof path, "%s/%s.%s", k->dir, k->name, suffix_of[which]);
	fd = open(path,
		  O_WRONLY | O_CREAT | O_CLOEXEC | first | (which == FILE_GAPS ? O_APPEND : 0),
		  0640);
	if (fd < 0)
		complain(s, k, "cannot open");
	else
		k->made |= 1u << which;
	return fd;
}

static void
close_files(struct sinks *s, struct sink *k)
{
	for (unsigned i = 0; i < N_FILES; i++) {
		if (k->fd[i] < 0)
			continue;
		close(k->fd[i]);
		k->fd[i] = -1;
		s->n_fds--;
	}
}

/* --- without a thread: files are made as they are written to, and some are open at a time --- */

static void
forget_use(struct sinks *s, struct sink *k)
{
	if (k->newer)
		k->newer->older = k->older;
	else if (s->newest == k)
		s->newest = k->older;
	if (k->older)
		k->older->newer = k->newer;
	else if (s->oldest == k)
		s->oldest = k->newer;
	k->newer = k->older = NULL;
}

static void
note_use(struct sinks *s, struct sink *k)
{
	if (s->newest == k)
		return;
	forget_use(s, k);
	k->older = s->newest;
	if (s->newest)
		s->newest->newer = k;
	else
		s->oldest = k;
	s->newest = k;
}

/* The file to write to; -1: there is none. */
static int
file_of(struct sinks *s, struct sink *k, enum file which)
{
	if (!s->direct || k->count_only)
		return k->fd[which];
	note_use(s, k);
	if (k->fd[which] >= 0)
		return k->fd[which];
	while (s->n_fds >= s->max_fds && s->oldest != k) {
		struct sink *oldest = s->oldest;

		close_files(s, oldest);
		forget_use(s, oldest);
	}
	k->fd[which] = open_file(s, k, which);
	s->n_fds += k->fd[which] >= 0;
	return k->fd[which];
}

/* --- events --- */

static void
on_open(struct sinks *s, struct sink *k)
{
	s->open++;
	if (k->count_only)
		return;
	if (mkdir(k->dir, 0750) != 0 && errno != EEXIST)
		complain(s, k, "cannot make the folder of");
	for (unsigned i = 0; i < N_FILES && !s->direct; i++) {
		k->fd[i] = open_file(s, k, (enum file)i);
		s->n_fds += k->fd[i] >= 0;
	}
}

static void
on_data(struct sinks *s, struct sink *k, const struct event *e)
{
	uint32_t skip = e->m_off;
	uint64_t left = e->len, offset = e->offset;
	int fd = file_of(s, k, e->direction ? FILE_DOWN : FILE_UP);

	for (const struct rte_mbuf *m = e->m; m && left > 0; m = m->next) {
		uint64_t n;

		if (skip >= m->data_len) {
			skip -= m->data_len;
			continue;
		}
		n = RTE_MIN(left, (uint64_t)(m->data_len - skip));
		if (fd >= 0 && pwrite(fd, rte_pktmbuf_mtod_offset(m, void *, skip), n,
				      (off_t)offset) != (ssize_t)n)
			complain(s, k, "cannot write");
		offset += n;
		left -= n;
		skip = 0;
	}
	s->bytes += e->len - left;
	rte_pktmbuf_free(e->m);
}

static void
on_gap(struct sinks *s, struct sink *k, const struct event *e)
{
	int fd = file_of(s, k, FILE_GAPS);

	s->gap_bytes += e->len;
	if (fd >= 0 && dprintf(fd, "%s %lu %lu %s\n", suffix_of[e->direction], e->offset, e->len,
			       tcpterm_gap_name(e->reason)) < 0)
		complain(s, k, "cannot write the gaps of");
}

static void
on_close(struct sinks *s, struct sink *k)
{
	s->open--;
	close_files(s, k);
	if (!s->direct) {
		rte_ring_sp_enqueue(s->lane[k->worker].free, k);
		return;
	}
	forget_use(s, k);
	free(k);
}

static void
handle(struct sinks *s, const struct event *e)
{
	switch ((enum event_kind)e->kind) {
	case EVENT_OPEN:
		on_open(s, e->sink);
		break;
	case EVENT_DATA:
		on_data(s, e->sink, e);
		break;
	case EVENT_GAP:
		on_gap(s, e->sink, e);
		break;
	case EVENT_CLOSE:
		on_close(s, e->sink);
		break;
	}
}

/* One round over all lanes; how many events there were. */
static unsigned
drain(struct sinks *s)
{
	struct event e[BURST];
	unsigned total = 0;

	for (unsigned i = 0; i < s->n_lanes; i++) {
		unsigned n = rte_ring_sc_dequeue_burst_elem(s->lane[i].events, e, sizeof *e, BURST,
							    NULL);

		for (unsigned j = 0; j < n; j++)
			handle(s, &e[j]);
		total += n;
	}
	return total;
}

static void *
run(void *arg)
{
	struct sinks *s = arg;
	const struct timespec idle = { 0, IDLE_NS };

	while (drain(s) > 0 || !__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE))
		if (rte_ring_empty(s->lane[0].events))
			nanosleep(&idle, NULL);
	while (drain(s) > 0)
		;
	return NULL;
}

/* --- life --- */

static int
lane_open(struct sinks *s, unsigned w, unsigned n_ring)
{
	static unsigned serial;
	struct lane *l = &s->lane[w];
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof name, "sink-%u-%u", w, serial);
	l->events = rte_ring_create_elem(name, sizeof(struct event), n_ring, SOCKET_ID_ANY,
					 RING_F_SP_ENQ | RING_F_SC_DEQ);
	snprintf(name, sizeof name, "sink-free-%u-%u", w, serial++);
	l->free = rte_ring_create(name, 2 * N_SINKS, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	l->slot = calloc(N_SINKS, sizeof *l->slot);
	if (!l->events || !l->free || !l->slot)
		return -ENOMEM;
	for (unsigned i = 0; i < N_SINKS; i++)
		rte_ring_sp_enqueue(l->free, &l->slot[i]);
	return 0;
}

struct sinks *
sinks_new(unsigned n_workers, unsigned n_ring, struct journal *journal, struct err *err)
{
	struct sinks *s = calloc(1, sizeof *s);

	if (!s)
		goto no_memory;
	s->journal = journal;
	s->lane = calloc(n_workers, sizeof *s->lane);
	if (!s->lane)
		goto no_memory;
	for (; s->n_lanes < n_workers; s->n_lanes++)
		if (lane_open(s, s->n_lanes, n_ring) != 0) {
			s->n_lanes++;
			goto no_memory;
		}
	if (pthread_create(&s->thread, NULL, run, s) != 0)
		goto no_memory;
	s->started = true;
	return s;
no_memory:
	sinks_free(s);
	err_set(err, -ENOMEM, "no memory for the sinks of passive flows");
	return NULL;
}

struct sinks *
sinks_direct(struct journal *journal, struct err *err)
{
	struct sinks *s = calloc(1, sizeof *s);
	struct rlimit limit;

	if (!s) {
		err_set(err, -ENOMEM, "no memory for streams' files");
		return NULL;
	}
	s->journal = journal;
	s->direct = true;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = RTE_MIN(limit.rlim_max, (rlim_t)MAX_FDS + KEPT_FDS);
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	getrlimit(RLIMIT_NOFILE, &limit);
	s->max_fds = limit.rlim_cur < 2 * KEPT_FDS ? N_FILES : (unsigned)limit.rlim_cur - KEPT_FDS;
	s->max_fds = RTE_MIN(s->max_fds, (unsigned)MAX_FDS);
	return s;
}

void
sinks_free(struct sinks *s)
{
	if (!s)
		return;
	if (s->started) {
		__atomic_store_n(&s->stop, true, __ATOMIC_RELEASE);
		pthread_join(s->thread, NULL);
	}
	for (unsigned i = 0; i < s->n_lanes; i++) {
		struct sink *k;

		while ((k = s->lane[i].closing) != NULL) {
			s->lane[i].closing = k->next;
			on_close(s, k);
		}
		rte_ring_free(s->lane[i].events);
		rte_ring_free(s->lane[i].free);
		free(s->lane[i].slot);
	}
	free(s->lane);
	free(s);
}

/* --- the worker's side --- */

static bool
put(struct sink *k, const struct event *e)
{
	struct lane *l;

	if (k->all->direct) {
		handle(k->all, e);
		return true;
	}
	assert(k->all->lane);
	l = &k->all->lane[k->worker];
	return rte_ring_sp_enqueue_elem(l->events, (void *)(uintptr_t)e, sizeof *e) == 0;
}

/* Ends that found the ring full, tried again. */
static void
close_late(struct lane *l)
{
	while (l->closing) {
		struct sink *k = l->closing, *next = k->next;
		struct event e = { .sink = k, .kind = EVENT_CLOSE };

		if (!put(k, &e))
			return;
		l->closing = next;
	}
}

/* A slot; NULL: there is none. */
static struct sink *
take_slot(struct sinks *s, struct lane *l)
{
	struct sink *k = NULL;

	if (s->direct)
		return malloc(sizeof *k);
	close_late(l);
	k = l->spare;
	if (k)
		l->spare = k->next;
	else if (rte_ring_sc_dequeue(l->free, (void **)&k) != 0)
		l->refused++;
	return k;
}

struct sink *
sink_open(struct sinks *s, unsigned worker, const char *dir, const char *flow_id,
	  const struct flow *f)
{
	struct lane *l = s->direct ? NULL : &s->lane[worker];
	char client[IP_ADDR_STRLEN], server[IP_ADDR_STRLEN];
	struct event e = { .kind = EVENT_OPEN };
	struct sink *k = take_slot(s, l);

	if (!k)
		return NULL;
	*k = (struct sink){
		.all = s, .worker = (uint16_t)worker, .count_only = !dir, .fd = { -1, -1, -1 }
	};
	snprintf(k->dir, sizeof k->dir, "%s", dir ? dir : "");
	snprintf(k->flow_id, sizeof k->flow_id, "%s", flow_id);
	snprintf(k->name, sizeof k->name, "%s-%s.%u-%s.%u", flow_id,
		 ip_addr_format(&f->key.addr[0], client), f->key.port[0],
		 ip_addr_format(&f->key.addr[1], server), f->key.port[1]);
	e.sink = k;
	if (put(k, &e))
		return k;
	k->next = l->spare;
	l->spare = k;
	l->refused++;
	return NULL;
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
	snprintf(g.flow_id, sizeof g.flow_id, "%s", k->flow_id);
	snprintf(g.reason, sizeof g.reason, "%s", tcpterm_gap_name(why));
	journal_put_gap(k->all->journal, k->worker, &g);
}

/* Lists the bytes that had no room before anything that follows them; false: still none. */
static bool
flush_lost(struct sink *k, unsigned direction)
{
	struct event e = {
		.sink = k,
		.kind = EVENT_GAP,
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
	struct event e = { .sink = k,
			   .kind = EVENT_DATA,
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
	struct event e = { .sink = k,
			   .kind = EVENT_GAP,
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
	struct event e = { .sink = k, .kind = EVENT_CLOSE };
	struct lane *l = k->all->direct ? NULL : &k->all->lane[k->worker];

	if (l)
		close_late(l);
	if (flush_lost(k, 0) && flush_lost(k, 1) && put(k, &e))
		return;
	k->next = l->closing;
	l->closing = k;
}

void
sinks_status(const struct sinks *s, struct sinks_status *st)
{
	*st = (struct sinks_status){
		.bytes = s->bytes, .gap_bytes = s->gap_bytes, .open = s->open, .errors = s->errors
	};
	for (unsigned i = 0; i < s->n_lanes; i++) {
		st->waiting += rte_ring_count(s->lane[i].events);
		st->lost_bytes += s->lane[i].lost_bytes;
		st->refused += s->lane[i].refused;
	}
	memcpy(st->last_error, s->last_error, sizeof st->last_error);
}
