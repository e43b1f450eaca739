/*
 * idle.c - see idle.h.
 *
 * After a number of empty turns the worker sleeps, in growing steps: short at first, since the
 * next segment of a busy flow is near, and never longer than 200 us or the stack's next
 * timer.  While asleep it is offline for RCU, so that nobody waits for it.
 */
#include "vnf/idle.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_pause.h>

#define LOG_MODULE "worker"
#include "vnf/log.h"
#include "vnf/worker.h"

enum {
	SPIN_TURNS = 32,	/* empty turns before the first sleep */
	SLEEP_MIN_US = 10,
	SLEEP_MAX_US = 150,	/* the kernel and the scheduler add some */
	TIMER_SLACK_NS = 1000,
};

/* How long may it sleep after `n_empty` empty turns; 0: not at all. */
static int64_t
sleep_us(const struct worker *w, unsigned n_empty)
{
	unsigned steps = n_empty < SPIN_TURNS ? 0 : n_empty - SPIN_TURNS;
	int64_t us = SLEEP_MIN_US << RTE_MIN(steps / 4, 4u);
	int64_t until_timer = usec_diff(tcpterm_next(w->stack), w->now);

	if (n_empty < SPIN_TURNS)
		return 0;
	return RTE_MIN(RTE_MIN(us, (int64_t)SLEEP_MAX_US), until_timer);
}

static void
doze(struct worker *w, int64_t us)
{
	const struct timespec t = { .tv_nsec = (long)us * 1000 };
	struct rte_rcu_qsbr *qsbr = w->conf->active->qsbr;

	w->snapshot = NULL;
	rte_rcu_qsbr_thread_offline(qsbr, w->id);
	nanosleep(&t, NULL);
	rte_rcu_qsbr_thread_online(qsbr, w->id);
	w->stats.sleeps++;
}

static void
turn_and_rest(struct worker *w, unsigned *n_empty)
{
	usec_t now = clock_now();
	int64_t us;

	if (worker_turn(w, now) > 0)
		*n_empty = 0;
	else
		++*n_empty;
	rte_rcu_qsbr_quiescent(w->conf->active->qsbr, w->id);
	us = sleep_us(w, *n_empty);
	if (us > 0)
		doze(w, us);
	else if (*n_empty)
		rte_pause();
}

static void
settle_down(struct worker *w)
{
	cpu_set_t set;

	prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
	if (w->core >= 0) {
		CPU_ZERO(&set);
		CPU_SET(w->core, &set);
		if (pthread_setaffinity_np(pthread_self(), sizeof set, &set) != 0)
			log_warn("worker %u can't run on core %d", w->id, w->core);
	}
	if (rte_thread_register() != 0)
		log_warn("worker %u works without mbuf caches", w->id);
	rte_rcu_qsbr_thread_register(w->conf->active->qsbr, w->id);
	rte_rcu_qsbr_thread_online(w->conf->active->qsbr, w->id);
	w->load.began = rte_rdtsc();
}

void *
idle_thread(void *worker)
{
	struct worker *w = worker;
	unsigned n_empty = 0;

	settle_down(w);
	while (!atomic_load_explicit(&w->stop, memory_order_relaxed))
		turn_and_rest(w, &n_empty);
	rte_rcu_qsbr_thread_offline(w->conf->active->qsbr, w->id);
	rte_rcu_qsbr_thread_unregister(w->conf->active->qsbr, w->id);
	rte_thread_unregister();
	return NULL;
}

int
workers_start(struct worker *w[], unsigned n, const int core[], struct err *err)
{
	char name[16];
	unsigned i;
	int rc;

	for (i = 0; i < n; i++) {
		w[i]->core = core[i];
		rc = pthread_create(&w[i]->thread, NULL, idle_thread, w[i]);
		if (rc != 0)
			return err_set(err, -rc, "worker %u does not start: %s", i, strerror(rc));
		w[i]->has_thread = true;
		snprintf(name, sizeof name, "leat-work%u", i % MAX_WORKERS);
		pthread_setname_np(w[i]->thread, name);
	}
	return 0;
}

void
workers_stop(struct worker *w[], unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (w[i])
			atomic_store(&w[i]->stop, true);
	for (i = 0; i < n; i++) {
		if (!w[i] || !w[i]->has_thread)
			continue;
		pthread_join(w[i]->thread, NULL);
		w[i]->has_thread = false;
	}
}
