/*
 * clock.c - virtual time, and who waits for it.
 */
#include <pthread.h>
#include <sys/syscall.h>

#include "tests/pkt/adapter/adapter.h"

#define NEVER INT64_MAX

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;	/* sleepers look again */
static pthread_cond_t looked = PTHREAD_COND_INITIALIZER;	/* and have done so */
static unsigned n_asleep, n_looking;
static int64_t sleeps_until = NEVER;	/* of the host's one thread that may sleep */
static __thread bool owes_a_look;

void
clock_lock(void)
{
	pthread_mutex_lock(&lock);
}

void
clock_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

static bool
is_main(void)
{
	return syscall(SYS_gettid) == getpid();
}

/* Nothing goes on until every sleeper sleeps again, or has left its call and read the clock: the
 * host takes what it reads for the time at which the call ended. */
static void
wake(void)
{
	if (n_asleep == 0 || !is_main())
		return;
	n_looking = n_asleep;
	pthread_cond_broadcast(&changed);
	while (n_looking > 0)
		pthread_cond_wait(&looked, &lock);
}

static void
done_looking(void)
{
	if (n_looking > 0 && --n_looking == 0)
		pthread_cond_broadcast(&looked);
}

void
clock_pump(void)
{
	io_push_due();
	tcpterm_run(adapter.stack, adapter.now);
	wake();
}

static int64_t
next(void)
{
	usec_t t = usec_min(tcpterm_next(adapter.stack), io_next_push());
	int64_t at = t.v == USEC_NEVER.v ? NEVER : t.v;

	return RTE_MAX(RTE_MIN(at, sleeps_until), adapter.now.v);
}

bool
clock_is_armed(void)
{
	return next() != NEVER;
}

void
clock_advance(int64_t target, bool until_sent)
{
	while (next() <= target && !(until_sent && wire_has_output())) {
		adapter.now.v = next();
		clock_pump();
	}
	if (target > adapter.now.v && !(until_sent && wire_has_output()))
		adapter.now.v = target;
}

int
clock_gettimeofday(void *self, struct timeval *tv, struct timezone *tz)
{
	(void)self, (void)tz;
	clock_lock();
	if (owes_a_look) {
		owes_a_look = false;
		done_looking();
	} else {
		clock_advance(adapter.now.v + 1, false);	/* the host spins on this call */
	}
	tv->tv_sec = adapter.now.v / 1000000;
	tv->tv_usec = adapter.now.v % 1000000;
	clock_unlock();
	return 0;
}

int
clock_usleep(void *self, useconds_t us)
{
	(void)self;
	clock_lock();
	clock_advance(adapter.now.v + us, false);
	clock_unlock();
	return 0;
}

/* Until something happened, or it is `until`. From then on time stands still until this thread
 * sleeps again or reads the clock. */
static void
sleep_once(int64_t until)
{
	if (owes_a_look)
		done_looking();
	owes_a_look = false;
	sleeps_until = until;
	n_asleep++;
	pthread_cond_wait(&changed, &lock);
	n_asleep--;
	sleeps_until = NEVER;
	owes_a_look = true;
}

bool
clock_wait(bool (*ready)(struct sock *s), struct sock *s, int64_t us)
{
	int64_t until = us < 0 ? NEVER : adapter.now.v + us;

	while (!ready(s)) {
		if (adapter.now.v >= until)
			return false;
		if (is_main()) {
			if (next() == NEVER && until == NEVER)
				return false;	/* nothing will ever happen */
			clock_advance(RTE_MIN(next(), until), false);
			continue;
		}
		sleep_once(until);
	}
	return true;
}
