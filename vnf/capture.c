/*
 * capture.c - captures begin and end: see capture.h.
 *
 * A capture ends in steps, none of which waits: the workers no longer find it; when all of them
 * have been through a quiescent state nobody fills its lanes, and its thread is told to write
 * what is left; when that is done all of it is freed but what `pcap list` shows.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_rcu_qsbr.h>

#include "vnf/capture_lane.h"
#include "vnf/heap_ring.h"
#define LOG_MODULE "capture"
#include "vnf/log.h"

enum { KNOWN_MAX = 2 * CAPTURES_MAX };

/* --- lanes --- */

static void
lane_fini(struct capture_lane *l)
{
	free(l->empty);
	free(l->full);
	if (l->slots)
		munmap(l->slots, (size_t)N_SLOTS * SLOT_SIZE);
}

static bool
lane_init(struct capture_lane *l)
{
	unsigned i;

	l->empty = heap_ring_new("capture", sizeof(void *), 2 * N_SLOTS);
	l->full = heap_ring_new("capture", sizeof(void *), 2 * N_SLOTS);
	l->slots = mmap(NULL, (size_t)N_SLOTS * SLOT_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (l->slots == MAP_FAILED)
		l->slots = NULL;
	if (!l->empty || !l->full || !l->slots)
		return false;
	for (i = 0; i < N_SLOTS; i++)
		rte_ring_sp_enqueue(l->empty, l->slots + (size_t)i * SLOT_SIZE);
	return true;
}

static void
lanes_free(struct capture *c)
{
	unsigned i;

	for (i = 0; c->lane && i < c->n_lanes; i++)
		lane_fini(&c->lane[i]);
	free(c->lane);
	c->lane = NULL;
}

static bool
lanes_new(struct capture *c, unsigned n)
{
	size_t size = n * sizeof *c->lane;
	unsigned i;

	c->lane = aligned_alloc(RTE_CACHE_LINE_SIZE, size);
	if (!c->lane)
		return false;
	memset(c->lane, 0, size);
	c->n_lanes = n;
	for (i = 0; i < n; i++)
		if (!lane_init(&c->lane[i]))
			return false;
	return true;
}

/* --- one --- */

static void
capture_free(struct capture *c)
{
	lanes_free(c);
	free(c);
}

static int
open_file(struct capture *c, struct err *err)
{
	const char *path = c->conf.path;

	c->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (c->fd < 0 && errno == EEXIST)
		return err_set(err, -EEXIST, "%s is there already: it is not overwritten", path);
	if (c->fd < 0)
		return err_set(err, -errno, "%s can't be made: %s", path, strerror(errno));
	/* whatever the umask is */
	if (fchmod(c->fd, 0640) != 0)
		return err_set(err, -errno, "%s: its mode can't be set: %s", path, strerror(errno));
	return 0;
}

static void
unlink_file(struct capture *c)
{
	if (c->fd < 0)
		return;
	unlink(c->conf.path);
	close(c->fd);
	c->fd = -1;
}

static int
launch(struct capture *c, struct err *err)
{
	int rc = open_file(c, err);

	if (rc != 0) {
		unlink_file(c);
		return rc;
	}
	c->began = clock_now();
	rc = pthread_create(&c->thread, NULL, capture_writer, c);
	if (rc != 0) {
		unlink_file(c);
		return err_set(err, -rc, "the capture's thread does not start: %s", strerror(rc));
	}
	pthread_setname_np(c->thread, "leat-pcap");
	return 0;
}

/* --- all --- */

struct captures *
captures_new(unsigned n_workers, const struct ports *ports, struct rte_rcu_qsbr *qsbr)
{
	struct captures *cs = calloc(1, sizeof *cs);

	if (!cs)
		return NULL;
	cs->n_workers = n_workers;
	cs->ports = ports;
	cs->qsbr = qsbr;
	return cs;
}

/* Makes place among those known; an ended one goes.  False: all are at work. */
static bool
forget_one(struct captures *cs)
{
	unsigned i;

	if (cs->n_known < KNOWN_MAX)
		return true;
	for (i = 0; i < cs->n_known && cs->known[i]->state != CAPTURE_ENDED; i++)
		;
	if (i == cs->n_known)
		return false;
	capture_free(cs->known[i]);
	cs->n_known--;
	memmove(&cs->known[i], &cs->known[i + 1], (cs->n_known - i) * sizeof cs->known[0]);
	return true;
}

static int
free_place(const struct captures *cs)
{
	int i;

	for (i = 0; i < CAPTURES_MAX; i++)
		if (!atomic_load(&cs->at_work[i]))
			return i;
	return -1;
}

int
capture_start(struct captures *cs, const struct capture_conf *conf, struct err *err)
{
	struct capture *c;
	int rc, place = free_place(cs);

	if (place < 0 || !forget_one(cs))
		return err_set(err, -EBUSY, "%d captures are at work: stop one of them first",
			       CAPTURES_MAX);
	c = calloc(1, sizeof *c);
	if (!c)
		return err_set(err, -ENOMEM, "no memory for a capture");
	c->conf = *conf;
	c->ports = cs->ports;
	c->fd = -1;
	rc = lanes_new(c, cs->n_workers) ? launch(c, err)
					 : err_set(err, -ENOMEM, "no memory for a capture");
	if (rc != 0) {
		capture_free(c);
		return rc;
	}
	c->id = ++cs->last_id;
	cs->known[cs->n_known++] = c;
	atomic_store_explicit(&cs->at_work[place], c, memory_order_release);
	atomic_store(&cs->active, true);
	return (int)c->id;
}

/* --- what is known --- */

static uint64_t
n_lost(const struct capture *c)
{
	uint64_t n = 0;
	unsigned i, k;

	for (i = 0; c->lane && i < c->n_lanes; i++)
		for (k = 0; k < c->ports->n; k++)
			n += c->lane[i].lost[k];
	return c->lane ? n : c->lost;
}

static void
status_of(const struct capture *c, struct capture_status *st)
{
	const char *full = atomic_load(&c->full);

	*st = (struct capture_status){
		.id = c->id,
		.state = c->state,
		.reason = full	       ? full
			  : c->stopped ? "stopped"
				       : NULL,
		.conf = &c->conf,
		.frames = atomic_load(&c->n_written),
		.lost = n_lost(c),
		.bytes = atomic_load(&c->n_bytes),
		.age_us = usec_diff(c->state == CAPTURE_ENDED ? c->ended : clock_now(), c->began),
	};
}

bool
captures_get(const struct captures *cs, unsigned i, struct capture_status *st)
{
	if (i >= cs->n_known)
		return false;
	status_of(cs->known[i], st);
	return true;
}

/* --- the end --- */

int
capture_stop(struct captures *cs, unsigned id, capture_ended *ended, void *aux)
{
	struct capture_status st;
	struct capture *c;
	unsigned i;

	for (i = 0; i < cs->n_known && cs->known[i]->id != id; i++)
		;
	if (i == cs->n_known)
		return -ENOENT;
	c = cs->known[i];
	if (c->ended_cb)
		return -EBUSY;
	if (c->state == CAPTURE_ENDED) {
		status_of(c, &st);
		ended(aux, &st);
		return 0;
	}
	c->stopped |= c->state == CAPTURE_RUNNING;
	c->ended_cb = ended;
	c->aux = aux;
	return 0;
}

static void
detach(struct captures *cs, struct capture *c)
{
	bool any = false;
	unsigned i;

	for (i = 0; i < CAPTURES_MAX; i++) {
		if (atomic_load(&cs->at_work[i]) == c)
			atomic_store(&cs->at_work[i], NULL);
		any |= atomic_load(&cs->at_work[i]) != NULL;
	}
	atomic_store(&cs->active, any);
	c->state = CAPTURE_ENDING;
	c->rcu_token = rte_rcu_qsbr_start(cs->qsbr);
}

static void
bury(struct capture *c)
{
	struct capture_status st;

	pthread_join(c->thread, NULL);
	c->lost = n_lost(c);
	lanes_free(c);
	c->ended = clock_now();
	c->state = CAPTURE_ENDED;
	status_of(c, &st);
	log_info("capture %u into %s has ended (%s): %ju frames, %ju lost", c->id, c->conf.path,
		 st.reason ? st.reason : "leatd ends", (uintmax_t)st.frames, (uintmax_t)st.lost);
	if (c->ended_cb)
		c->ended_cb(c->aux, &st);
	c->ended_cb = NULL;
}

static void
go_on(struct captures *cs, struct capture *c)
{
	if (c->state == CAPTURE_RUNNING && (c->stopped || atomic_load(&c->full)))
		detach(cs, c);
	if (c->state != CAPTURE_ENDING)
		return;
	if (!c->finishing && rte_rcu_qsbr_check(cs->qsbr, c->rcu_token, false) == 1) {
		c->finishing = true;
		atomic_store(&c->finish, true);
	}
	if (atomic_load(&c->finished))
		bury(c);
}

bool
captures_run(struct captures *cs)
{
	bool ending = false;
	unsigned i;

	for (i = 0; i < cs->n_known; i++) {
		go_on(cs, cs->known[i]);
		ending |= cs->known[i]->state == CAPTURE_ENDING;
	}
	return ending;
}

void
captures_free(struct captures *cs)
{
	unsigned i;

	if (!cs)
		return;
	for (i = 0; i < cs->n_known; i++) {
		if (cs->known[i]->state != CAPTURE_ENDED) {
			atomic_store(&cs->known[i]->finish, true);
			bury(cs->known[i]);
		}
		capture_free(cs->known[i]);
	}
	free(cs);
}
