/*
 * store_live.c - checkpoints of live flows, and what a kill -9 leaves.
 */
#include "db/store.h"
#include "tests/unit/storage.h"
#include "tests/unit/tap.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int
add_live(unsigned int from, unsigned int n)
{
	struct live_record r;
	unsigned int i;
	int code = 0;

	for (i = from; i < from + n && code == 0; i++) {
		memset(&r, 0, sizeof r);
		storage_flow(&r.flow, i);
		r.flow.reason[0] = '\0';
		strcpy(r.state[0], "ESTABLISHED");
		strcpy(r.state[1], "CLOSE_WAIT");
		r.held[RECORD_UP] = i;
		r.held[RECORD_DOWN] = 1000 + i;
		code = store_checkpoint_add(storage, &r, &storage_err);
	}
	return code;
}

/* One checkpoint, as one batch. */
static int
checkpoint(unsigned int from, unsigned int n)
{
	int code = store_begin(storage, &storage_err);

	if (code == 0)
		code = store_checkpoint_begin(storage, &storage_err);
	if (code == 0)
		code = add_live(from, n);
	if (code == 0)
		code = store_checkpoint_end(storage, &storage_err);
	return code < 0 ? code : store_commit(storage, &storage_err);
}

/*
 * Does `work` in a child that has the store open, and kills it there with SIGKILL.
 * `work` returns when it may die.
 */
static void
die_in(void (*work)(void))
{
	int status, ready[2];
	char byte;
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		if (storage_open() < 0)
			_exit(1);
		work();
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	CU_ASSERT_EQUAL(read(ready[0], &byte, 1), 1);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	CU_ASSERT_TRUE(WIFSIGNALED(status));
	close(ready[0]);
}

static int
recover_all(unsigned int limit)
{
	int n = 0, code;

	while ((code = store_recover(storage, limit, &storage_err)) > 0)
		n += code;
	return code < 0 ? code : n;
}

static void
checkpoint_holds_every_column(void)
{
	storage_begin(true);
	CU_ASSERT_EQUAL(checkpoint(5, 1), 0);
	CU_ASSERT_STRING_EQUAL(storage_text("SELECT client_state || server_state || up_held || ':' "
					    "|| down_held FROM live"),
			       "ESTABLISHEDCLOSE_WAIT5:1005");
	CU_ASSERT_EQUAL(storage_int("SELECT seen FROM live"), storage_now + 1000005);
	CU_ASSERT_STRING_EQUAL(storage_text("SELECT client_mac || server_zero_windows || rule "
					    "FROM live"),
			       "02:00:5e:10:ff:0a516web");
	/* All that a flow has but its end, plus what only a live one has. */
	CU_ASSERT_EQUAL(
		storage_int("SELECT count(*) FROM (SELECT name FROM pragma_table_info('flow') "
			    "EXCEPT SELECT name FROM pragma_table_info('live_flow'))"),
		2);
	storage_end();
}

static void
checkpoint_replaces_the_one_before(void)
{
	struct store_status st;

	storage_begin(true);
	CU_ASSERT_EQUAL(checkpoint(0, 30), 0);
	CU_ASSERT_EQUAL(checkpoint(10, 25), 0);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM live"), 25);
	CU_ASSERT_EQUAL(storage_int("SELECT min(up_held) FROM live"), 10);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM live_flow"), 25);
	CU_ASSERT_EQUAL(store_status(storage, &st, &storage_err), 0);
	CU_ASSERT_EQUAL(st.live_rows, 25);
	CU_ASSERT_EQUAL(checkpoint(0, 0), 0);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM live"), 0);
	storage_end();
}

static void
checkpoint_over_many_batches_counts_only_when_it_ended(void)
{
	unsigned int i;

	storage_begin(true);
	CU_ASSERT_EQUAL(checkpoint(0, 7), 0);
	CU_ASSERT_EQUAL(store_begin(storage, &storage_err), 0);
	CU_ASSERT_EQUAL(store_checkpoint_begin(storage, &storage_err), 0);
	CU_ASSERT_EQUAL(store_commit(storage, &storage_err), 0);
	for (i = 0; i < 100; i += 10) {
		CU_ASSERT_EQUAL(store_begin(storage, &storage_err), 0);
		CU_ASSERT_EQUAL(add_live(i, 10), 0);
		CU_ASSERT_EQUAL(store_commit(storage, &storage_err), 0);
		CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM live"), 7);
	}
	CU_ASSERT_EQUAL(store_begin(storage, &storage_err), 0);
	CU_ASSERT_EQUAL(store_checkpoint_end(storage, &storage_err), 0);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM live"), 7);
	CU_ASSERT_EQUAL(store_commit(storage, &storage_err), 0);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM live"), 100);
	storage_end();
}

static void
failed_batch_of_a_checkpoint_can_be_given_again(void)
{
	storage_begin(true);
	CU_ASSERT_EQUAL(checkpoint(0, 7), 0);
	CU_ASSERT_EQUAL(store_begin(storage, &storage_err), 0);
	CU_ASSERT_EQUAL(store_checkpoint_begin(storage, &storage_err), 0);
	CU_ASSERT_EQUAL(add_live(0, 3), 0);
	CU_ASSERT_EQUAL(store_commit(storage, &storage_err), 0);

	CU_ASSERT_EQUAL(store_begin(storage, &storage_err), 0);
	CU_ASSERT_EQUAL(add_live(3, 2), 0);
	CU_ASSERT_EQUAL(store_checkpoint_end(storage, &storage_err), 0);
	store_rollback(storage);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM live"), 7);

	CU_ASSERT_EQUAL(store_begin(storage, &storage_err), 0);
	CU_ASSERT_EQUAL(add_live(3, 2), 0);
	CU_ASSERT_EQUAL(store_checkpoint_end(storage, &storage_err), 0);
	CU_ASSERT_EQUAL(store_commit(storage, &storage_err), 0);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM live"), 5);
	storage_end();
}

static void
old_rows_of_a_large_checkpoint_are_removed_in_slices(void)
{
	int64_t left;
	int n = 0;

	storage_begin(true);
	CU_ASSERT_EQUAL(checkpoint(0, 10000), 0);
	CU_ASSERT_EQUAL(checkpoint(0, 1), 0);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM live"), 1);
	left = storage_int("SELECT count(*) FROM live_flow");
	CU_ASSERT(left > 1 && left < 10001);
	while (storage_int("SELECT count(*) FROM live_flow") > 1 && n++ < 10)
		CU_ASSERT_EQUAL(storage_add_flows(0, 1), 0);
	CU_ASSERT(n > 0 && n < 4);
	storage_end();
}

static uint64_t generation;

static void
commit_a_policy_and_flows_then_die_in_a_batch(void)
{
	struct flow_record r;
	unsigned int i;

	store_policy_save(storage, "default pass\n", "old", &generation, NULL);
	store_policy_save(storage, "default track\n", "new", &generation, NULL);
	storage_add_flows(0, 500);
	store_begin(storage, NULL);
	for (i = 500; i < 20000; i++) {
		storage_flow(&r, i);
		store_flow_ended(storage, &r, NULL);
	}
}

static void
kill_in_the_middle_of_a_batch_loses_only_that_batch(void)
{
	struct store_policy p;

	storage_begin(false);
	die_in(commit_a_policy_and_flows_then_die_in_a_batch);
	CU_ASSERT_EQUAL_FATAL(storage_open(), 0);
	CU_ASSERT_STRING_EQUAL(storage_text("PRAGMA integrity_check"), "ok");
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM flow"), 500);
	CU_ASSERT_EQUAL(storage_int("SELECT flows FROM run WHERE id = 1"), 500);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM run WHERE stopped IS NULL"), 2);
	CU_ASSERT_EQUAL(store_policy_active(storage, &p, &storage_err), 0);
	CU_ASSERT_STRING_EQUAL(p.text, "default track\n");
	CU_ASSERT_EQUAL(p.generation, 2);
	store_policy_fini(&p);
	CU_ASSERT_EQUAL(storage_add_flows(500, 1), 0);
	CU_ASSERT_EQUAL(storage_int("SELECT max(id) FROM flow"), 501);
	storage_end();
}

/* Flows 0..99 live at the checkpoint; 0..9 end after it, 7 before it. */
static void
checkpoint_then_end_some_and_die(void)
{
	struct gap_record g = { .flow_id = "1:50:3", .length = 10, .reason = "own-drop" };
	struct live_record r;

	storage_add_flows(1000, 7);
	checkpoint(200, 50);
	store_begin(storage, NULL);
	store_checkpoint_begin(storage, NULL);
	add_live(0, 50);
	memset(&r, 0, sizeof r);
	storage_flow(&r.flow, 50);
	r.flow.direction[0].gaps = 1;
	store_gap(storage, &g, NULL);
	store_checkpoint_add(storage, &r, NULL);
	add_live(51, 49);
	store_checkpoint_end(storage, NULL);
	store_commit(storage, NULL);
	storage_add_flows(0, 10);
	/* A checkpoint that never ended does not count. */
	store_begin(storage, NULL);
	store_checkpoint_begin(storage, NULL);
	add_live(300, 5);
	store_commit(storage, NULL);
}

struct seen {
	unsigned int n, n_wrong;
	bool flow[1000];
	struct flow_record last;
};

static int
note(void *arg, const struct flow_record *r)
{
	struct seen *seen = arg;
	unsigned int n;

	seen->n++;
	if (sscanf(r->flow_id, "1:%u:3", &n) != 1 || n >= 1000 || seen->flow[n] ||
	    strcmp(r->reason, "interrupted") != 0)
		seen->n_wrong++;
	else
		seen->flow[n] = true;
	seen->last = *r;
	return 0;
}

static void
flows_alive_at_the_last_checkpoint_are_interrupted_and_each_has_one_row(void)
{
	static struct seen seen;
	unsigned int i;

	storage_begin(false);
	die_in(checkpoint_then_end_some_and_die);
	CU_ASSERT_EQUAL_FATAL(storage_open(), 0);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM live"), 0);
	CU_ASSERT_EQUAL(recover_all(13), 90);
	CU_ASSERT_EQUAL(recover_all(13), 0);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM live_flow"), 0);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM flow"), 107);
	CU_ASSERT_EQUAL(storage_int("SELECT count(DISTINCT flow_id) FROM flow"), 107);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM flow WHERE reason = 'interrupted' "
				    "AND run = 1"),
			90);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM flow_gaps WHERE reason = 'own-drop'"), 1);
	CU_ASSERT_STRING_EQUAL(storage_text("SELECT flow.flow_id FROM flow JOIN gap "
					    "ON gap.flow = flow.id"),
			       "1:50:3");

	CU_ASSERT_EQUAL(storage_int("SELECT flows FROM run WHERE id = 1"), 107);
	CU_ASSERT_EQUAL(storage_int("SELECT max(last_flow) FROM run"), 107);

	memset(&seen, 0, sizeof seen);
	CU_ASSERT_EQUAL(store_interrupted(storage, note, &seen, &storage_err), 0);
	CU_ASSERT_EQUAL(seen.n, 90);
	CU_ASSERT_EQUAL(seen.n_wrong, 0);
	for (i = 10; i < 100; i++)
		CU_ASSERT_TRUE(seen.flow[i]);
	storage_end();
}

static void
checkpoint_five_and_die(void)
{
	checkpoint(5, 1);
}

static void
interrupted_flow_is_read_back_as_it_was_given(void)
{
	static struct seen seen;
	char sql[2048];

	storage_begin(false);
	die_in(checkpoint_five_and_die);
	CU_ASSERT_EQUAL_FATAL(storage_open(), 0);
	CU_ASSERT_EQUAL(recover_all(10), 1);
	memset(&seen, 0, sizeof seen);
	CU_ASSERT_EQUAL(store_interrupted(storage, note, &seen, &storage_err), 0);
	CU_ASSERT_EQUAL(seen.n, 1);
	/* What was read gives the same row again. */
	CU_ASSERT_EQUAL(store_begin(storage, &storage_err), 0);
	CU_ASSERT_EQUAL(store_flow_ended(storage, &seen.last, &storage_err), 0);
	CU_ASSERT_EQUAL(store_commit(storage, &storage_err), 0);
	snprintf(sql, sizeof sql, "SELECT count(*) FROM (SELECT DISTINCT %s FROM flow)",
		 storage_text("SELECT group_concat(name) FROM pragma_table_info('flow') "
			      "WHERE name NOT IN ('id', 'run')"));
	CU_ASSERT_EQUAL(storage_int(sql), 1);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM flow"), 2);
	storage_end();
}

static void
do_nothing(void)
{
}

static void
interrupted_flows_are_remembered_until_a_later_run_completes_a_checkpoint(void)
{
	static struct seen seen;

	storage_begin(false);
	die_in(checkpoint_five_and_die);
	die_in(do_nothing);
	CU_ASSERT_EQUAL_FATAL(storage_open(), 0);
	CU_ASSERT_EQUAL(recover_all(10), 1);
	storage_close();
	CU_ASSERT_EQUAL_FATAL(storage_open(), 0);
	memset(&seen, 0, sizeof seen);
	CU_ASSERT_EQUAL(store_interrupted(storage, note, &seen, &storage_err), 0);
	CU_ASSERT_EQUAL(seen.n, 1);
	CU_ASSERT_EQUAL(checkpoint(700, 1), 0);
	CU_ASSERT_EQUAL(storage_add_flows(700, 1), 0);
	storage_close();

	CU_ASSERT_EQUAL_FATAL(storage_open(), 0);
	CU_ASSERT_EQUAL(recover_all(10), 0);
	memset(&seen, 0, sizeof seen);
	CU_ASSERT_EQUAL(store_interrupted(storage, note, &seen, &storage_err), 0);
	CU_ASSERT_EQUAL(seen.n, 0);
	storage_end();
}

TAP_MAIN(store_live, TAP_TEST(checkpoint_holds_every_column),
	 TAP_TEST(checkpoint_replaces_the_one_before),
	 TAP_TEST(checkpoint_over_many_batches_counts_only_when_it_ended),
	 TAP_TEST(failed_batch_of_a_checkpoint_can_be_given_again),
	 TAP_TEST(old_rows_of_a_large_checkpoint_are_removed_in_slices),
	 TAP_TEST(kill_in_the_middle_of_a_batch_loses_only_that_batch),
	 TAP_TEST(flows_alive_at_the_last_checkpoint_are_interrupted_and_each_has_one_row),
	 TAP_TEST(interrupted_flow_is_read_back_as_it_was_given),
	 TAP_TEST(interrupted_flows_are_remembered_until_a_later_run_completes_a_checkpoint))
