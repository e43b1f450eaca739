/*
 * Client, box and server on a simulated wire, seed after seed.  One line a class of scenarios.
 *
 *	proxy [--seeds N] [--first N] [--seed N] [--trace] [--jobs N] [--box NAME] [--mode NAME]
 *	      [--workers N] [--reset]
 *
 * --seeds is for each mode.  --seed runs that one and says what it is; --reset lets the box reset
 * its connections.  A box has 1, 2 or 4 workers, as the seed says; --workers makes it that many.
 * SEEDS in the environment is what is run in all, most of it as proxy.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/lib/boxes.h"
#include "tests/sim/lib/lib.h"
#include "tests/sim/lib/run.h"

/* Under a sanitizer a run takes several times as long. */
#ifdef __SANITIZE_ADDRESS__
enum { SEEDS_DEFAULT = 1000 };
#else
enum { SEEDS_DEFAULT = 10000 };
#endif
enum { JOBS_MAX = 16, FAILURES_SHOWN = 5 };

static const struct box_ops *const boxes[] = { &lib_box, &forward_box };
static const char *const mode_names[BOX_N_MODES] = { "proxy", "track", "passive" };
static const unsigned mode_percent[BOX_N_MODES] = { 70, 15, 15 };	/* of SEEDS */

struct args {
	const char *self;
	const struct box_ops *box;
	const struct endpoint_ops *other;
	unsigned modes;
	uint64_t first, n;	/* n: of a mode */
	uint64_t all;		/* of all modes, where n is 0 */
	bool one, trace, reset;
	unsigned jobs, workers;
};

struct tally {
	uint64_t runs[SCENARIO_CLASSES], failures[SCENARIO_CLASSES];
	uint64_t segments, bytes;
	int64_t virtual_us;
};

static void
show_failure(const struct args *a, const struct scenario *sc, const struct run_result *res)
{
	printf("# seed %llu (%s): %s: %s\n"
	       "# replay: %s --box %s --mode %s --workers %u --seed %llu%s --trace\n",
	       (unsigned long long)sc->seed, scenario_names[sc->class], res->rule, res->text,
	       a->self, a->box->name, mode_names[sc->box.mode], sc->box.n_workers,
	       (unsigned long long)sc->seed, a->reset ? " --reset" : "");
	fflush(stdout);
}

static bool
run_one(const struct args *a, enum box_mode mode, uint64_t seed, struct tally *t)
{
	static struct scenario sc;
	struct run_result res;

	(a->reset ? scenario_make_reset : scenario_make)(&sc, seed, mode, a->other);
	if (a->workers)
		sc.box.n_workers = a->workers;
	if (a->one)
		scenario_print(&sc, stdout);
	run_scenario(&sc, a->box, a->trace ? stdout : NULL, &res);
	t->runs[sc.class]++;
	t->segments += res.segments;
	t->bytes += res.bytes;
	t->virtual_us += res.virtual_us;
	if (a->one)
		printf("# %llu segments judged, %llu bytes delivered, %llu retransmitted, "
		       "%.3f s of virtual time\n",
		       (unsigned long long)res.segments, (unsigned long long)res.bytes,
		       (unsigned long long)res.retransmits, (double)res.virtual_us / 1e6);
	if (res.failed && t->failures[sc.class]++ < FAILURES_SHOWN)
		show_failure(a, &sc, &res);
	return !res.failed;
}

/* A share of the seeds in a process of its own, its tally through a pipe. */
static int
start_share(const struct args *a, enum box_mode mode, unsigned job)
{
	struct tally t = { 0 };
	uint64_t i;
	int fds[2];
	pid_t pid;

	fflush(stdout);
	if (pipe(fds) < 0 || (pid = fork()) < 0)
		return -1;
	if (pid) {
		close(fds[1]);
		return fds[0];
	}
	close(fds[0]);
	for (i = job; i < a->n; i += a->jobs)
		run_one(a, mode, a->first + i, &t);
	_exit(write(fds[1], &t, sizeof t) == (ssize_t)sizeof t ? 0 : 1);
}

static void
add_tally(struct tally *sum, const struct tally *t)
{
	int c;

	for (c = 0; c < SCENARIO_CLASSES; c++) {
		sum->runs[c] += t->runs[c];
		sum->failures[c] += t->failures[c];
	}
	sum->segments += t->segments;
	sum->bytes += t->bytes;
	sum->virtual_us += t->virtual_us;
}

/* False if a share died: a crash is found by its seed with --jobs 1. */
static bool
run_shares(const struct args *a, enum box_mode mode, struct tally *sum)
{
	int fd[JOBS_MAX], status;
	struct tally t;
	bool whole = true;
	unsigned j;

	for (j = 0; j < a->jobs; j++)
		fd[j] = start_share(a, mode, j);
	for (j = 0; j < a->jobs; j++) {
		if (fd[j] < 0 || read(fd[j], &t, sizeof t) != (ssize_t)sizeof t)
			whole = false;
		else
			add_tally(sum, &t);
		if (fd[j] >= 0)
			close(fd[j]);
	}
	while (wait(&status) > 0)
		;
	return whole;
}

static double
wall(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int
run_mode(const struct args *all, enum box_mode mode)
{
	struct args of_mode = *all, *a = &of_mode;
	struct tally sum = { 0 };
	double start = wall(), took;
	int c, failed = 0;
	bool whole;

	if (!a->n)
		a->n = a->all * mode_percent[mode] / 100 + 1;
	printf("# %s, box %s: seeds %llu to %llu\n", mode_names[mode], a->box->name,
	       (unsigned long long)a->first, (unsigned long long)(a->first + a->n - 1));
	whole = run_shares(a, mode, &sum);
	took = wall() - start;
	for (c = 0; c < SCENARIO_CLASSES; c++) {
		if (!sum.runs[c])
			continue;
		failed |= sum.failures[c] > 0;
		printf("%sok - sim_%s_%s_%s\n", sum.failures[c] ? "not " : "", a->box->name,
		       mode_names[mode], scenario_names[c]);
	}
	if (!whole) {
		failed = 1;
		printf("# a share of the seeds did not end: run with --jobs 1\n"
		       "not ok - sim_%s_%s_every_share_ends\n",
		       a->box->name, mode_names[mode]);
	}
	printf("# %.1f seeds a second, %llu segments judged, %llu bytes delivered, %.0f s of "
	       "virtual time\n",
	       (double)a->n / took, (unsigned long long)sum.segments, (unsigned long long)sum.bytes,
	       (double)sum.virtual_us / 1e6);
	return failed;
}

static int
usage(const char *self)
{
	fprintf(stderr,
		"usage: %s [--seeds N] [--first N] [--seed N] [--trace] [--jobs N] "
		"[--box NAME] [--mode NAME] [--workers N] [--reset]\n",
		self);
	return 2;
}

static bool
take_names(struct args *a, const char *box, const char *mode)
{
	size_t i;

	for (i = 0; box && i < sizeof boxes / sizeof boxes[0]; i++)
		if (strcmp(boxes[i]->name, box) == 0)
			a->box = boxes[i];
	if (box && strcmp(a->box->name, box) != 0)
		return false;
	a->modes = a->box->modes;
	a->other = a->box == &lib_box ? &lib_endpoint : NULL;
	if (a->box == &forward_box && !mode)
		a->modes &= ~(1u << BOX_PROXY);	/* a wire does not terminate */
	for (i = 0; mode && i < BOX_N_MODES; i++)
		if (strcmp(mode_names[i], mode) == 0) {
			a->modes = 1u << i;
			return a->box->modes & a->modes;
		}
	return !mode;
}

static bool
take_args(struct args *a, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "seeds", 1, 0, 'n' },	  { "first", 1, 0, 'f' },
		{ "seed", 1, 0, 's' },	  { "trace", 0, 0, 't' },
		{ "jobs", 1, 0, 'j' },	  { "box", 1, 0, 'b' },
		{ "mode", 1, 0, 'm' },	  { "reset", 0, 0, 'r' },
		{ "workers", 1, 0, 'w' }, { 0 },
	};
	const char *box = NULL, *mode = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'n':
			a->n = strtoull(optarg, NULL, 0);
			break;
		case 'f':
			a->first = strtoull(optarg, NULL, 0);
			break;
		case 's':
			a->one = true;
			a->first = strtoull(optarg, NULL, 0);
			break;
		case 't':
			a->trace = true;
			break;
		case 'j':
			a->jobs = (unsigned)strtoul(optarg, NULL, 0);
			break;
		case 'b':
			box = optarg;
			break;
		case 'r':
			a->reset = true;
			break;
		case 'm':
			mode = optarg;
			break;
		case 'w':
			a->workers = (unsigned)strtoul(optarg, NULL, 0);
			break;
		default:
			return false;
		}
	}
	if (a->workers > 4 || a->workers == 3 || a->jobs < 1 || a->jobs > JOBS_MAX ||
	    (a->n < 1 && a->all < 1) || optind != argc)
		return false;
	return take_names(a, box, mode);
}

int
main(int argc, char **argv)
{
	const char *env = getenv("SEEDS");
	struct args a = { .self = argv[0], .box = boxes[0], .first = 1, .jobs = 2 };
	struct tally t = { 0 };
	int failed = 0;
	unsigned m;

	a.all = env && *env ? strtoull(env, NULL, 0) : SEEDS_DEFAULT;
	if (!take_args(&a, argc, argv))
		return usage(argv[0]);
	for (m = 0; m < BOX_N_MODES; m++) {
		if (!(a.modes & 1u << m))
			continue;
		if (a.one)
			failed |= !run_one(&a, (enum box_mode)m, a.first, &t);
		else
			failed |= run_mode(&a, (enum box_mode)m);
	}
	if (a.one)
		printf("%sok - seed_%llu\n", failed ? "not " : "", (unsigned long long)a.first);
	return failed;
}
