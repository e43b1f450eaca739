/*
 * main.c - leatd(8).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vnf/check.h"
#include "vnf/log.h"
#include "vnf/policy_file.h"
#include "vnf/notify.h"
#include "vnf/replay/replay.h"
#include "vnf/start.h"
#include "vnf/steer/offline.h"

enum { EXIT_USAGE = 2 };

/* leatd --check-policy FILE */
static int
check_only(const char *path)
{
	struct policy_errors errs;
	struct policy *p = NULL;
	struct err err = { 0 };
	size_t len;
	char *text;
	int rc = policy_file_read(path, stderr, &text, &len, &err);

	if (rc != 0) {
		fprintf(stderr, "leatd: %s\n", err.msg);
		return EXIT_FAILURE;
	}
	rc = policy_parse(policy_file_name(path), text, len, &p, &errs);
	policy_errors_print(&errs, stderr);
	if (rc != 0 && errs.n == 0)
		fprintf(stderr, "leatd: %s: %s\n", path, strerror(-rc));
	policy_errors_free(&errs);
	policy_free(p);
	free(text);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* leatd --expand-policy FILE */
static int
expand_only(const char *path)
{
	struct err err = { 0 };
	bool written;
	size_t len;
	char *text;

	if (policy_file_read(path, stderr, &text, &len, &err) != 0) {
		fprintf(stderr, "leatd: %s\n", err.msg);
		return EXIT_FAILURE;
	}
	written = fwrite(text, 1, len, stdout) == len && fflush(stdout) == 0;
	free(text);
	if (!written)
		perror("leatd: the policy can't be written");
	return written ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* leatd --check */
static int
check(const struct options *o)
{
	struct err err = { 0 };

	if (check_start(o, stderr, &err) != 0) {
		fprintf(stderr, "leatd: %s\n", err.msg);
		return EXIT_FAILURE;
	}
	printf("%s would start: ports %u, pairs %u, workers %u, policy %s\n", o->name, o->n_ports,
	       o->n_pairs, o->n_workers, o->policy ? o->policy : "the last active one");
	return EXIT_SUCCESS;
}

/* Every thread is made after this, and none of them takes the signals that end us. */
static void
block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static bool
ends_in_newline(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && s[n - 1] == '\n';
}

static int
run(const struct options *o)
{
	static struct leat leat;
	struct err err = { 0 };
	int rc;

	block_signals();
	rc = leat_start(&leat, o, &err);
	if (rc == 0) {
		log_info("leatd " LEAT_VERSION " runs as %s, control socket %s", o->name,
			 leat.ctl_path);
		notify("READY=1");
		control_run(&leat);
		notify("STOPPING=1");
	} else {
		fprintf(stderr, "leatd: %s%s", err.msg, ends_in_newline(err.msg) ? "" : "\n");
		log_set("console:off", NULL);
		log_err("%s", err.msg);
	}
	/* A probe that waits for the switch can't be ended: leave DPDK as it is. */
	if (!leat_stop(&leat))
		_exit(rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main(int argc, char *argv[])
{
	static struct options o;
	struct err err = { 0 };

	if (cmdline_parse(argc, argv, &o, stderr, &err) != 0) {
		fprintf(stderr, "leatd: %s; see leatd --help\n", err.msg);
		return o.check ? EXIT_FAILURE : EXIT_USAGE;
	}
	if (o.help) {
		cmdline_help(stdout);
		return EXIT_SUCCESS;
	}
	if (o.version) {
		puts("leatd (Leat) " LEAT_VERSION);
		return EXIT_SUCCESS;
	}
	if (o.check_policy)
		return check_only(o.check_policy);
	if (o.expand_policy)
		return expand_only(o.expand_policy);
	if (o.read)
		return replay(&o);
	if (o.offline)
		return steer_offline(&o);
	if (o.check)
		return check(&o);
	return run(&o);
}
