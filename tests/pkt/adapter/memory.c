/*
 * memory.c - EAL without large mappings and without threads that stay.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include <rte_eal.h>

#include "datapath/pool.h"
#include "tests/pkt/adapter/adapter.h"

enum { N_FRAMES = 6143, N_HEADERS = 6143, MAX_THREADS = 8 };

/* The linker puts this in the place of pthread_create() (--wrap): EAL's own threads are
 * remembered, to be ended as soon as it is up. */
int __real_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg);

static pthread_t threads[MAX_THREADS];
static unsigned n_threads;

int
__wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg)
{
	int rc = __real_pthread_create(t, a, fn, arg);

	if (rc == 0 && n_threads < MAX_THREADS)
		threads[n_threads++] = *t;
	return rc;
}

static int
eal_init(void)
{
	static char args[][24] = {
		"tcpterm-pd", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry",
		"-m",	      "32",	   "-l",       "0",	      "--log-level=error"
	};
	enum { N_ARGS = sizeof args / sizeof args[0] };
	char *argv[N_ARGS + 1] = { NULL };
	cpu_set_t cpus;
	int rc;

	for (int i = 0; i < N_ARGS; i++)
		argv[i] = args[i];
	CPU_ZERO(&cpus);
	pthread_getaffinity_np(pthread_self(), sizeof cpus, &cpus);
	rc = rte_eal_init(N_ARGS, argv);
	pthread_setaffinity_np(pthread_self(), sizeof cpus, &cpus);
	for (unsigned i = 0; i < n_threads; i++) {
		pthread_cancel(threads[i]);
		pthread_join(threads[i], NULL);
	}
	return rc < 0 ? -1 : 0;
}

int
memory_init(struct tcpterm_conf *conf)
{
	static const struct pool_conf sizes = { .n_frames = N_FRAMES, .n_headers = N_HEADERS };
	struct pools pools;
	struct err err;

	if (eal_init() != 0 || pools_new(&pools, &sizes, &err) != 0)
		return -1;
	conf->payload_pool = pools.frames;
	conf->header_pool = pools.headers;
	conf->n_held_max = N_FRAMES - 64;
	return 0;
}
