/*
 * ovs_exec.c - running the switch's tools: streams, statuses, limits.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "datapath/ovs/exec.h"
#include "tests/unit/tap.h"

#define ARGV(...) ((char *[]){ __VA_ARGS__, NULL })

static char sh[] = "sh", dash_c[] = "-c";

static void
input_comes_out_of_cat_whole(void)
{
	static char cat[] = "cat";
	size_t len = 300000;
	char *in = malloc(len + 1), *out = NULL;
	struct err e;

	memset(in, 'x', len);
	in[len] = '\0';
	CU_ASSERT_EQUAL_FATAL(exec_ok("copying", ARGV(cat), in, 5000, &out, &e), 0);
	CU_ASSERT_STRING_EQUAL(out, in);
	free(in);
	free(out);
}

static void
arguments_are_not_read_by_a_shell(void)
{
	static char printf_[] = "printf", fmt[] = "%s|", a[] = "$HOME; *", b[] = "";
	char *out = NULL;
	struct err e;

	CU_ASSERT_EQUAL_FATAL(exec_ok("printing", ARGV(printf_, fmt, a, b), NULL, 5000, &out, &e),
			      0);
	CU_ASSERT_STRING_EQUAL(out, "$HOME; *||");
	free(out);
}

static void
no_input_is_an_end_of_file(void)
{
	static char cat[] = "cat";
	char *out = NULL;
	struct err e;

	CU_ASSERT_EQUAL_FATAL(exec_ok("reading", ARGV(cat), NULL, 5000, &out, &e), 0);
	CU_ASSERT_STRING_EQUAL(out, "");
	free(out);
}

static void
failure_tells_what_was_done_and_all_that_was_said(void)
{
	static char script[] = "echo one >&2; echo two >&2; exit 3";
	struct err e;

	CU_ASSERT_EQUAL(exec_ok("programming br0", ARGV(sh, dash_c, script), NULL, 5000, NULL, &e),
			-EIO);
	CU_ASSERT_STRING_EQUAL(e.msg, "programming br0: sh failed (status 3): one\ntwo");
}

static void
streams_and_status_are_told_apart(void)
{
	static char script[] = "echo out; echo err >&2; exit 7";
	struct exec_result r;
	struct err e;

	CU_ASSERT_EQUAL_FATAL(exec_run("x", ARGV(sh, dash_c, script), NULL, 5000, &r, &e), 0);
	CU_ASSERT_EQUAL(r.status, 7);
	CU_ASSERT_STRING_EQUAL(r.out, "out\n");
	CU_ASSERT_STRING_EQUAL(r.err, "err\n");
	exec_result_fini(&r);
}

static void
death_by_signal_is_a_status(void)
{
	static char script[] = "kill -9 $$";
	struct exec_result r;
	struct err e;

	CU_ASSERT_EQUAL_FATAL(exec_run("x", ARGV(sh, dash_c, script), NULL, 5000, &r, &e), 0);
	CU_ASSERT_EQUAL(r.status, 128 + SIGKILL);
	exec_result_fini(&r);
}

static void
unknown_program_is_named(void)
{
	static char no[] = "no-such-program-of-leat";
	struct exec_result r;
	struct err e;

	CU_ASSERT_EQUAL(exec_run("looking", ARGV(no), NULL, 5000, &r, &e), -ENOENT);
	CU_ASSERT_STRING_EQUAL(
		e.msg, "looking: cannot run no-such-program-of-leat: No such file or directory");
}

/* The shell waits for a child of its own: both must go. */
static void
program_that_does_not_end_is_killed_at_the_limit(void)
{
	static char script[] = "sleep 60; :";
	struct timespec a, b;
	struct exec_result r;
	struct err e;

	clock_gettime(CLOCK_MONOTONIC, &a);
	CU_ASSERT_EQUAL(exec_run("waiting", ARGV(sh, dash_c, script), NULL, 200, &r, &e),
			-ETIMEDOUT);
	clock_gettime(CLOCK_MONOTONIC, &b);
	CU_ASSERT(b.tv_sec - a.tv_sec < 30);
	CU_ASSERT_STRING_EQUAL(e.msg, "waiting: sh did not end within 200 ms and was killed");
}

/* A daemon that ignores SIGPIPE and blocks SIGTERM must not pass that on. */
static void
signals_are_the_defaults_in_the_program(void)
{
	static char script[] = "kill -TERM $$; echo alive";
	struct exec_result r;
	sigset_t term, old;
	struct err e;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &old);
	CU_ASSERT_EQUAL_FATAL(exec_run("x", ARGV(sh, dash_c, script), NULL, 5000, &r, &e), 0);
	sigprocmask(SIG_SETMASK, &old, NULL);
	CU_ASSERT_EQUAL(r.status, 128 + SIGTERM);
	exec_result_fini(&r);
}

TAP_MAIN(ovs_exec, TAP_TEST(input_comes_out_of_cat_whole),
	 TAP_TEST(arguments_are_not_read_by_a_shell), TAP_TEST(no_input_is_an_end_of_file),
	 TAP_TEST(failure_tells_what_was_done_and_all_that_was_said),
	 TAP_TEST(streams_and_status_are_told_apart), TAP_TEST(death_by_signal_is_a_status),
	 TAP_TEST(unknown_program_is_named),
	 TAP_TEST(program_that_does_not_end_is_killed_at_the_limit),
	 TAP_TEST(signals_are_the_defaults_in_the_program))
