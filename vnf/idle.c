/*
 * idle.c - see idle.h.
 *
 * A worker that finds nothing goes on looking for a while, and then sleeps, in growing steps: never
 * longer than 200 us or the stack's next timer.  While asleep it is offline for RCU, so that nobody
 * waits for it.
 *
 * How long it looks is learned.  A sleep of 10 us takes 60 by the time the worker is back, which
 * an exchange of requests and replies would pay at every packet: where a packet or two are there
 * after the first sleeps, somebody waited for just these, and the next search is twice as long.
 * Where many had gathered, the sleep has made a good batch, and left the core to who sends them:
 * half as long.  When the longest search finds nothing time after time it is given up for a while.
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
	LOOK_MIN_US = 5,
	LOOK_MAX_US = 40,
	N_WAITED_FOR = 2,	/* packets that came alone */
	N_GATHERED = 8,
	N_SOON = 2,		/* sleeps: what had come after so many came soon */
	N_IN_VAIN = 8,		/* longest searches in a row until they are given up, */
	N_GIVEN_UP = 256,	/* for so many pauses */
	SLEEP_MIN_US = 10,
	SLEEP_MAX_US = 150,	/* the kernel and the scheduler add some */
	TIMER_SLACK_NS = 1000,
};

/* The time since a turn has last found something. */
struct pause {
	usec_t since;
	int64_t look_us;	/* how long to look before the first sleep */
	unsigned n_sleeps;
	unsigned n_in_vain, n_given_up;
	bool is_on;
};

static void
look_longer(struct pause *p)
{
	if (p->n_given_up == 0)
		p->look_us = RTE_MIN(2 * p->look_us, (int64_t)LOOK_MAX_US);
}

static void
look_less(struct pause *p)
{
	p->look_us = RTE_MAX(p->look_us / 2, (int64_t)LOOK_MIN_US);
}

/* A turn has found `n` after a sleep. */
static void
learn(struct pause *p, unsigned n)
{
	if (p->look_us == LOOK_MAX_US && ++p->n_in_vain == N_IN_VAIN) {
		p->look_us = LOOK_MIN_US;
		p->n_given_up = N_GIVEN_UP;
		p->n_in_vain = 0;
	} else if (n >= N_GATHERED) {
		look_less(p);
	} else if (n <= N_WAITED_FOR && p->n_sleeps <= N_SOON) {
		look_longer(p);
	}
}

/* A turn has found `n`. */
static void
pause_end(struct pause *p, unsigned n)
{
	if (!p->is_on)
		return;
	p->n_given_up -= p->n_given_up > 0;
	if (p->n_sleeps > 0)
		learn(p, n);
	else
		p->n_in_vain = 0;
	p->is_on = false;
	p->n_sleeps = 0;
}

/* A turn has found nothing: how long may the worker sleep now; 0: not at all. */
static int64_t
pause_us(struct pause *p, const struct worker *w)
{
	int64_t us = SLEEP_MIN_US << RTE_MIN(p->n_sleeps / 4, 4u);
	int64_t until_timer = usec_diff(tcpterm_next(w->stack), w->now);

	if (!p->is_on)
		p->since = w->now;
	p->is_on = true;
	if (usec_diff(w->now, p->since) < p->look_us)
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
turn_and_rest(struct worker *w, struct pause *p)
{
	unsigned n = worker_turn(w, clock_now());
	int64_t us = 0;

	if (n > 0)
		pause_end(p, n);
	else
		us = pause_us(p, w);
	rte_rcu_qsbr_quiescent(w->conf->active->qsbr, w->id);
	if (us > 0) {
		p->n_sleeps++;
		doze(w, us);
	} else if (n == 0 && p->look_us > LOOK_MIN_US) {
		sched_yield();	/* to who is to answer, if that runs on this core */
	} else if (n == 0) {
		rte_pause();
	}
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
	struct pause p = { .look_us = LOOK_MIN_US };

	settle_down(w);
	while (!atomic_load_explicit(&w->stop, memory_order_relaxed))
		turn_and_rest(w, &p);
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
