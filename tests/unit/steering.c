/*
 * steering.c - the steering's thread: jobs, the watch, and what is taken away on request; with
 * tools of the switch that are shell scripts.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/tap.h"
#include "vnf/active.h"
#include "vnf/steer/steering.h"

enum { WAIT_MS = 10000, STEP_US = 2000 };

/*
 * While the file "hang" is there they wait; each call is a line in "calls"; where there is a file
 * "mark", a bundle makes it the state: somebody took the rules away meanwhile.
 */
static const char tool[] =
	"#!/bin/sh\n"
	"cd \"${0%/*}\" || exit 1\n"
	"echo \"${0##*/} $*\" >>calls\n"
	"while [ -e hang ]; do sleep 0.01; done\n"
	"case \"$*\" in\n"
	"*dump-aggregate*) echo flow_count=$(cat count) ;;\n"
	"*list-br*) echo br0 ;;\n"
	"*iface-to-br*)\n"
	"  case \"$* \" in *' p1 '*) n=1 ;; *' p2 '*) n=2 ;; *' a '*) n=3 ;; *) n=4 ;; esac\n"
	"  printf \"br0\\n$n\\n[]\\n\" ;;\n"
	"*dump-flows*) echo ' cookie=0x4c45415400000001, actions=drop' ;;\n"
	"*bundle*) cat >/dev/null; [ ! -e mark ] || mv mark t.switch ;;\n"
	"esac\n";

struct fixture {
	char dir[64];
	struct options o;
	struct snapshot snapshot;
	struct active active;
	struct steering s;
	usec_t now;
	unsigned n_done;
	int rc[8];
};

static struct fixture f;

static void
write_file(const char *name, const char *text)
{
	char path[128];
	FILE *to;

	snprintf(path, sizeof path, "%s/%s", f.dir, name);
	to = fopen(path, "w");
	fputs(text, to);
	fclose(to);
	chmod(path, 0755);
}

static void
remove_file(const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", f.dir, name);
	unlink(path);
}

/* How many calls of the tools have `what` in them. */
static unsigned
calls(const char *what)
{
	char path[128], line[1024];
	unsigned n = 0;
	FILE *from;

	snprintf(path, sizeof path, "%s/calls", f.dir);
	from = fopen(path, "r");
	while (from && fgets(line, sizeof line, from))
		n += strstr(line, what) != NULL;
	if (from)
		fclose(from);
	return n;
}

static void
begin(bool steer)
{
	static const char text[] =
		"steer s: bridge br0 client p1 server p2 via a b next normal\ndefault pass\n";
	struct policy_errors errs;
	char path[128];
	struct err err;

	memset(&f, 0, sizeof f);
	strcpy(f.dir, "/tmp/leat-steering-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(f.dir));
	write_file("ovs-ofctl", tool);
	write_file("ovs-vsctl", tool);
	write_file("ovs-appctl", tool);
	write_file("count", "12\n");
	snprintf(path, sizeof path, "%s:/usr/bin:/bin", f.dir);
	setenv("PATH", path, 1);
	CU_ASSERT_EQUAL_FATAL(policy_parse("t", text, strlen(text), &f.snapshot.policy, &errs), 0);
	atomic_store(&f.active.now, &f.snapshot);
	f.o = (struct options){ .name = "t", .steer = steer };
	f.now.v = 1000000;
	CU_ASSERT_EQUAL_FATAL(steering_init(&f.s, &f.o, f.dir, &err), 0);
	CU_ASSERT_EQUAL_FATAL(steering_start(&f.s, &f.active, &err), 0);
}

static void
end(void)
{
	static const char *const files[] = { "ovs-ofctl", "ovs-vsctl", "ovs-appctl", "count",
					     "calls",	  "hang",      "t.switch" };
	size_t i;

	remove_file("hang");
	CU_ASSERT(steering_stop(&f.s, false, WAIT_MS));
	for (i = 0; i < sizeof files / sizeof files[0]; i++)
		remove_file(files[i]);
	rmdir(f.dir);
	policy_free(f.snapshot.policy);
}

static void
done(struct steer_job *job)
{
	f.rc[f.n_done++] = job->rc;
}

static int
submit(enum steer_act act, bool of_change)
{
	struct steer_job *job = calloc(1, sizeof *job);
	struct err err;

	job->act = act;
	job->of_change = of_change;
	job->done = done;
	return steering_submit(&f.s, job, &err);
}

/* Turns the control thread's loop until `n` jobs are done; false if that does not come. */
static bool
run_until(unsigned n)
{
	int waited;

	for (waited = 0; f.n_done < n && waited < WAIT_MS * 1000; waited += STEP_US) {
		steering_run(&f.s, f.now);
		usleep(STEP_US);
	}
	return f.n_done == n;
}

/* A look of the watch, whole. */
static void
look(void)
{
	int waited;

	f.now.v += 2000000;
	steering_run(&f.s, f.now);
	for (waited = 0; f.s.job && waited < WAIT_MS * 1000; waited += STEP_US) {
		usleep(STEP_US);
		steering_run(&f.s, f.now);
	}
	CU_ASSERT_PTR_NULL(f.s.job);
}

static void
a_third_job_is_refused_while_the_tools_hang(void)
{
	begin(false);
	write_file("hang", "");
	CU_ASSERT_EQUAL(submit(STEER_SHOW, false), 0);
	CU_ASSERT_EQUAL(submit(STEER_BYPASS, false), 0);
	CU_ASSERT_EQUAL(submit(STEER_SHOW, false), -EBUSY);
	steering_run(&f.s, f.now);
	CU_ASSERT_EQUAL(f.n_done, 0);
	remove_file("hang");
	CU_ASSERT(run_until(2));
	CU_ASSERT(f.rc[0] == 0 && f.rc[1] == 0);
	end();
}

/* The watch may be at work when a policy's change begins. */
static void
a_change_begins_behind_the_watch(void)
{
	begin(true);
	write_file("hang", "");
	steering_run(&f.s, f.now);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f.s.job);
	f.s.change = &f;
	CU_ASSERT_EQUAL(submit(STEER_PREPARE, true), 0);
	remove_file("hang");
	CU_ASSERT(run_until(1));
	f.s.change = NULL;
	end();
}

static void
others_wait_until_a_change_is_over(void)
{
	begin(true);
	write_file("hang", "");
	steering_run(&f.s, f.now);
	f.s.change = &f;
	CU_ASSERT_EQUAL(submit(STEER_SHOW, false), 0);
	remove_file("hang");
	look();
	CU_ASSERT_EQUAL(f.n_done, 0);
	f.s.change = NULL;
	CU_ASSERT(run_until(1));
	end();
}

static void
the_watch_sends_nothing_while_the_count_stands(void)
{
	unsigned sent;

	begin(true);
	look();
	sent = calls("bundle");
	CU_ASSERT(sent > 0);
	CU_ASSERT_EQUAL(f.s.n_rules, 12);
	look();
	look();
	CU_ASSERT_EQUAL(calls("bundle"), sent);
	CU_ASSERT_EQUAL(calls("diff-flows"), sent);
	write_file("count", "0\n");
	look();
	CU_ASSERT_EQUAL(calls("bundle"), sent + 1);
	end();
}

/* By another process: `leatd --offline`. */
static void
what_was_taken_away_is_not_put_back(void)
{
	struct steer_state state;
	char path[128];
	struct err err;

	begin(true);
	snprintf(path, sizeof path, "%s/t.switch", f.dir);
	CU_ASSERT_EQUAL_FATAL(steer_state_read(path, &state, &err), 0);
	CU_ASSERT_EQUAL(state.held, STEER_HELD_NOT);
	state.held = STEER_HELD_BYPASS;
	CU_ASSERT_EQUAL(steer_state_write(path, &state, &err), 0);
	write_file("count", "0\n");
	look();
	look();
	CU_ASSERT_EQUAL(calls("ovs-"), 0);
	CU_ASSERT(!steering_steers(&f.s));
	steering_hold(&f.s, STEER_HELD_NOT);
	look();
	CU_ASSERT(calls("bundle") > 0);
	end();
}

/* A look is under way when the other process does it. */
static void
what_is_taken_away_during_a_look_is_not_put_back(void)
{
	struct steer_state state = { .held = STEER_HELD_CLEAR };
	char path[128];
	struct err err;

	begin(true);
	look();
	remove_file("calls");
	write_file("hang", "");
	f.now.v += 2000000;
	steering_run(&f.s, f.now);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f.s.job);
	snprintf(path, sizeof path, "%s/t.switch", f.dir);
	CU_ASSERT_EQUAL(steer_state_write(path, &state, &err), 0);
	write_file("count", "0\n");
	remove_file("hang");
	look();
	CU_ASSERT_EQUAL(calls("bundle"), 0);
	end();
}

/* Or after the look found them missing. */
static void
what_is_taken_away_while_it_is_put_back_goes_again(void)
{
	begin(true);
	write_file("mark", "instance 0\nheld bypass\n");
	look();
	CU_ASSERT_EQUAL(calls("bundle"), 2);
	look();
	CU_ASSERT_EQUAL(calls("bundle"), 2);
	CU_ASSERT(!steering_steers(&f.s));
	end();
}

static void
applied_and_wanted(struct steer_job *job)
{
	steering_hold(job->s, STEER_HELD_NOT);
	done(job);
}

static void
the_watch_does_not_compare_what_was_just_applied(void)
{
	struct steer_job *job = calloc(1, sizeof *job);
	unsigned compared;
	struct err err;

	begin(true);
	job->act = STEER_APPLY;
	job->done = applied_and_wanted;
	CU_ASSERT_EQUAL(steering_submit(&f.s, job, &err), 0);
	CU_ASSERT(run_until(1));
	compared = calls("diff-flows");
	CU_ASSERT(compared > 0);
	look();
	CU_ASSERT_EQUAL(calls("diff-flows"), compared);
	end();
}

static void
the_end_finishes_what_is_left(void)
{
	begin(false);
	write_file("hang", "");
	CU_ASSERT_EQUAL(submit(STEER_BYPASS, false), 0);
	CU_ASSERT_EQUAL(submit(STEER_BYPASS, false), 0);
	remove_file("hang");
	end();
	CU_ASSERT_EQUAL(f.n_done, 2);
	CU_ASSERT_EQUAL(f.rc[1], -ECANCELED);
}

TAP_MAIN(steering, TAP_TEST(a_third_job_is_refused_while_the_tools_hang),
	 TAP_TEST(a_change_begins_behind_the_watch), TAP_TEST(others_wait_until_a_change_is_over),
	 TAP_TEST(the_watch_sends_nothing_while_the_count_stands),
	 TAP_TEST(what_was_taken_away_is_not_put_back),
	 TAP_TEST(what_is_taken_away_during_a_look_is_not_put_back),
	 TAP_TEST(what_is_taken_away_while_it_is_put_back_goes_again),
	 TAP_TEST(the_watch_does_not_compare_what_was_just_applied),
	 TAP_TEST(the_end_finishes_what_is_left))
