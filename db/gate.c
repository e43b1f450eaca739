#include "db/gate.h"

#include <errno.h>
#include <time.h>

void
gate_init(struct gate *g)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	*g = (struct gate){ .held = false };
	pthread_mutex_init(&g->mutex, NULL);
	pthread_cond_init(&g->left, &attr);
	pthread_condattr_destroy(&attr);
}

void
gate_fini(struct gate *g)
{
	pthread_cond_destroy(&g->left);
	pthread_mutex_destroy(&g->mutex);
}

static void
take(struct gate *g)
{
	g->held = true;
	g->owner = pthread_self();
}

bool
gate_is_mine(struct gate *g)
{
	bool mine;

	pthread_mutex_lock(&g->mutex);
	mine = g->held && pthread_equal(g->owner, pthread_self());
	pthread_mutex_unlock(&g->mutex);
	return mine;
}

void
gate_enter(struct gate *g)
{
	pthread_mutex_lock(&g->mutex);
	while (g->held || g->n_guests > 0)
		pthread_cond_wait(&g->left, &g->mutex);
	take(g);
	pthread_mutex_unlock(&g->mutex);
}

int
gate_visit(struct gate *g, int ms)
{
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	pthread_mutex_lock(&g->mutex);
	g->n_guests++;
	while (g->held && rc == 0)
		rc = pthread_cond_timedwait(&g->left, &g->mutex, &until);
	g->n_guests--;
	if (!g->held)
		take(g);
	else
		rc = -EBUSY;
	/* A host that waited for this guest has none to wait for now. */
	pthread_cond_broadcast(&g->left);
	pthread_mutex_unlock(&g->mutex);
	return rc == -EBUSY ? rc : 0;
}

void
gate_leave(struct gate *g)
{
	pthread_mutex_lock(&g->mutex);
	g->held = false;
	pthread_cond_broadcast(&g->left);
	pthread_mutex_unlock(&g->mutex);
}
