/* eal.c - EAL's arguments, its log, and what may be missing. */
#include "datapath/eal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "datapath/clock.h"

enum {
	MAX_ARGS = 16,
	ARG_LEN = 96,
	LINE_LEN = 512,
	DEFAULT_MEM_MB = 64,
	MEASURE_US = 2000,	/* of the TSC, instead of 100 ms */
};

struct args {
	char text[MAX_ARGS][ARG_LEN];
	char *v[MAX_ARGS + 1];
	int n;
};

/* DPDK's log comes in pieces; whole lines go on.  Last error kept for eal_start(). */
static struct {
	eal_log_fn *fn;
	void *arg;
	FILE *stream;
	char line[LINE_LEN];
	size_t len;
	char last_error[LINE_LEN];
} eal_log;

static void
log_line(int level)
{
	eal_log.line[eal_log.len] = '\0';
	eal_log.len = 0;
	if (level <= (int)RTE_LOG_ERR)
		memcpy(eal_log.last_error, eal_log.line, sizeof eal_log.last_error);
	if (eal_log.fn)
		eal_log.fn(eal_log.arg, level > 0 ? level - 1 : 0, eal_log.line);
}

/* The stream is unbuffered and stdio locks it: one call at a time. */
static ssize_t
log_write(void *cookie, const char *buf, size_t size)
{
	int level = rte_log_cur_msg_loglevel();
	size_t i;

	(void)cookie;
	for (i = 0; i < size; i++) {
		if (buf[i] == '\n')
			log_line(level);
		else if (eal_log.len < LINE_LEN - 1)
			eal_log.line[eal_log.len++] = buf[i];
	}
	return (ssize_t)size;
}

static int
redirect_log(const struct eal_conf *conf, struct err *err)
{
	eal_log.fn = conf->log;
	eal_log.arg = conf->log_arg;
	if (!eal_log.stream)
		eal_log.stream =
			fopencookie(NULL, "w", (cookie_io_functions_t){ .write = log_write });
	if (!eal_log.stream)
		return err_set(err, -ENOMEM, "no memory for DPDK's log");
	setvbuf(eal_log.stream, NULL, _IOLBF, LINE_LEN);
	rte_openlog_stream(eal_log.stream);
	return 0;
}

static void __attribute__((format(printf, 2, 3))) arg(struct args *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(a->text[a->n], ARG_LEN, fmt, ap);
	va_end(ap);
	a->v[a->n] = a->text[a->n];
	a->n++;
}

static unsigned
read_count(const char *page_size, const char *name)
{
	char path[128];
	unsigned n = 0;
	FILE *f;

	snprintf(path, sizeof path, "/sys/kernel/mm/hugepages/hugepages-%s/%s", page_size, name);
	f = fopen(path, "r");
	if (f) {
		if (fscanf(f, "%u", &n) != 1)
			n = 0;
		fclose(f);
	}
	return n;
}

static int
check_hugepages(unsigned mem_mb, struct err *err)
{
	unsigned n_free = read_count("2048kB", "free_hugepages");
	unsigned n_all = read_count("2048kB", "nr_hugepages");
	unsigned free_mb = n_free * 2 + read_count("1048576kB", "free_hugepages") * 1024;

	if (free_mb >= mem_mb)
		return 0;
	return err_set(err, -ENOMEM,
		       "%u MB of hugepages are needed and %u MB are free (%u of %u pages of 2 MB): "
		       "run `sysctl vm.nr_hugepages=%u`",
		       mem_mb, free_mb, n_free, n_all, n_all + (mem_mb - free_mb + 1) / 2);
}

static void
build_args(const struct eal_conf *conf, struct args *a)
{
	unsigned mem_mb = conf->mem_mb ? conf->mem_mb : DEFAULT_MEM_MB;

	a->n = 0;
	arg(a, "leat");
	arg(a, "--lcores=%s", conf->lcores ? conf->lcores : "0");
	arg(a, "--file-prefix=leat-%s", conf->name);
	arg(a, "--no-pci");
	arg(a, "--no-telemetry");
	/* virtio-user hands virtual addresses to the switch in any case */
	arg(a, "--iova-mode=va");
	/* says "error" ten times a second while the switch is away; what fails is
	 * returned, and a link's state is port_state() */
	arg(a, "--log-level=pmd.net.virtio*:critical");
	if (conf->no_huge) {
		arg(a, "--no-huge");
		arg(a, "--no-shconf");
		arg(a, "-m");
		arg(a, "%u", mem_mb);
	} else {
		arg(a, "--in-memory");
		/* the switch accepts eight regions; without this there are too many */
		arg(a, "--single-file-segments");
		arg(a, "--socket-mem=%u", mem_mb);
		arg(a, "--socket-limit=%u", mem_mb);
	}
	a->v[a->n] = NULL;
}

static void
on_alarm(int signal)
{
	(void)signal;
}

/* Alarms every `us` end the sleep in which EAL measures the TSC (the time slept is taken from the
 * clock); 0: no more of them, and one that is still on its way to a thread harms none. */
static void
cut_sleeps(suseconds_t us)
{
	/* what else is interrupted goes on; a sleep never does */
	const struct sigaction wake = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	const struct itimerval every = { { 0, us }, { 0, us } };

	if (us)
		sigaction(SIGALRM, &wake, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	if (!us)
		sigaction(SIGALRM, &ignore, NULL);
}

static int
explain_failure(int code, struct err *err)
{
	const char *why = eal_log.last_error[0] ? eal_log.last_error : rte_strerror(code);

	switch (code) {
	case EALREADY:
		return err_set(err, -EALREADY, "DPDK was started before in this process");
	case EACCES:
	case EPERM:
		return err_set(err, -EACCES,
			       "DPDK may not use its memory or processors (%s): run as root, or "
			       "grant CAP_IPC_LOCK and CAP_SYS_NICE",
			       why);
	case ENOMEM:
		return err_set(err, -ENOMEM,
			       "DPDK got no memory (%s): reserve more hugepages with "
			       "`sysctl vm.nr_hugepages=N`",
			       why);
	default:
		return err_set(err, code ? -code : -EIO, "DPDK does not start: %s", why);
	}
}

int
eal_start(const struct eal_conf *conf, struct err *err)
{
	unsigned mem_mb = conf->mem_mb ? conf->mem_mb : DEFAULT_MEM_MB;
	struct args a;
	int rc, n;

	rc = redirect_log(conf, err);
	if (rc == 0 && !conf->no_huge)
		rc = check_hugepages(mem_mb, err);
	if (rc != 0)
		return rc;
	build_args(conf, &a);
	if (conf->quick)
		cut_sleeps(MEASURE_US);
	n = rte_eal_init(a.n, a.v);
	if (conf->quick)
		cut_sleeps(0);
	if (n < 0)
		return explain_failure(rte_errno, err);
	clock_init();
	return 0;
}

void
eal_stop(void)
{
	rte_eal_cleanup();
	rte_openlog_stream(NULL);
	if (eal_log.stream)
		fclose(eal_log.stream);
	eal_log.stream = NULL;
}
