/*
 * recorder.c - the thread that writes the store, when that is locked, full, slow or damaged.
 *
 * Threads run in real time; every wait is for a condition.
 */
#include "vnf/recorder.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/disk.h"
#include "tests/unit/storage.h"
#include "tests/unit/tap.h"

enum { RING = 256, PATIENCE_MS = 20000 };

static struct journal *journal;
static struct recorder *recorder;
static struct recorder_status status;
static unsigned n_put;

/* Puts `n` flows; returns the longest that one took, in ms. */
static int64_t
put(unsigned n)
{
	struct flow_record r;
	int64_t longest = 0;

	for (; n > 0; n--, n_put++) {
		usec_t before = clock_now();
		int64_t us;

		storage_flow(&r, n_put);
		journal_put(journal, n_put % 2, &r, false);
		us = usec_diff(clock_now(), before);
		longest = us > longest ? us : longest;
	}
	return longest / 1000;
}

/* `n` flows have ended before the thread begins. */
static void
begin_with(unsigned n, const struct retention *keep)
{
	struct recorder_conf c = { .keep = *keep };
	uint64_t generation;

	clock_init();
	disk_begin();
	storage_begin(false);
	storage_config.set_aside = true;
	storage_config.now = NULL;
	CU_ASSERT_EQUAL_FATAL(storage_open(), 0);
	CU_ASSERT_EQUAL(store_policy_save(storage, "in force", "f", &generation, &storage_err), 0);
	journal = journal_new(storage, 2, RING, &storage_err);
	n_put = 0;
	put(n);
	c.store = storage;
	c.journal = journal;
	recorder = recorder_new(&c, &storage_err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(recorder);
}

static void
begin(void)
{
	const struct retention all = { 0 };

	begin_with(0, &all);
}

static void
end(void)
{
	disk_heal();
	recorder_free(recorder);
	journal_free(journal);
	storage_end();
}

static bool
wait_until(bool (*is)(void))
{
	int ms;

	for (ms = 0; ms < PATIENCE_MS; ms += 5) {
		recorder_status(recorder, &status);
		if (is())
			return true;
		usleep(5000);
	}
	printf("# problem: %s\n", status.problem);
	return false;
}

static bool
is_at_rest(void)
{
	struct journal_status js;

	journal_status(journal, &js);
	return js.waiting == 0 && !status.problem[0];
}

static bool
has_problem(void)
{
	return status.problem[0] != '\0';
}

static bool
is_mended(void)
{
	return status.store.set_aside == 1 && is_at_rest();
}

/* All that ended is a row or counted as lost, here and in the database. */
static void
it_adds_up(void)
{
	struct journal_status js;

	journal_status(journal, &js);
	CU_ASSERT_EQUAL(js.ended, n_put);
	CU_ASSERT_EQUAL(js.waiting, 0);
	CU_ASSERT_EQUAL(js.written + js.lost, n_put);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM flow"), (int64_t)js.written);
	CU_ASSERT_EQUAL(storage_int("SELECT sum(flows) FROM run"), (int64_t)js.written);
	CU_ASSERT_EQUAL(storage_int("SELECT sum(journal_lost) FROM run"), (int64_t)js.lost);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) - count(DISTINCT flow_id) FROM flow"), 0);
	printf("# %u ended, %ju written, %ju lost\n", n_put, (uintmax_t)js.written,
	       (uintmax_t)js.lost);
}

/* The lost are told with the next batch. */
static bool
lost_is_told(void)
{
	struct journal_status js;

	journal_status(journal, &js);
	return is_at_rest() && storage_int("SELECT sum(journal_lost) FROM run") == (int64_t)js.lost;
}

static void
every_ended_flow_has_one_row(void)
{
	unsigned i;

	begin();
	for (i = 0; i < 20; i++) {
		put(100);
		CU_ASSERT_TRUE(wait_until(is_at_rest));
	}
	it_adds_up();
	end();
}

/* Something is wrong; more flows end than there is room for; it is over. */
static void
overcome(const char *says, void (*cure)(void))
{
	put(10);
	CU_ASSERT_TRUE(wait_until(has_problem));
	CU_ASSERT_PTR_NOT_NULL(strstr(status.problem, says));
	printf("# %s\n", status.problem);
	CU_ASSERT(put(4 * RING) < 1000);
	cure();
	CU_ASSERT_TRUE(wait_until(lost_is_told));
	put(10);
	CU_ASSERT_TRUE(wait_until(is_at_rest));
	it_adds_up();
	CU_ASSERT(storage_int("SELECT sum(journal_lost) FROM run") > 0);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM event WHERE what = 'recovered'"), 1);
	CU_ASSERT_STRING_EQUAL(storage_text("PRAGMA integrity_check"), "ok");
}

static void
locked_store_is_told_counted_and_overcome(void)
{
	begin();
	CU_ASSERT_EQUAL(storage_hold(), 0);
	overcome("end the program that holds it", storage_let_go);
	end();
}

static void
full_disk_is_told_counted_and_overcome(void)
{
	begin();
	atomic_store(&disk.write, SQLITE_FULL);
	overcome("make room on its disk", disk_heal);
	end();
}

static void
failing_disk_is_told_counted_and_overcome(void)
{
	begin();
	atomic_store(&disk.write, SQLITE_IOERR_WRITE);
	overcome("look at its disk", disk_heal);
	end();
}

static void
slow_disk_is_told_and_holds_nobody_up(void)
{
	struct store_policy p;

	begin();
	atomic_store(&disk.write_stall_ms, 3000);
	CU_ASSERT(put(10) < 1000);
	CU_ASSERT_TRUE(wait_until(has_problem));
	CU_ASSERT_PTR_NOT_NULL(strstr(status.problem, "slow"));
	printf("# %s\n", status.problem);
	CU_ASSERT(put(4 * RING) < 1000);
	/* Who wants a policy is told after a second, or gets it when the stall is over. */
	if (store_policy_active(storage, &p, &storage_err) == 0)
		store_policy_fini(&p);
	else
		CU_ASSERT_PTR_NOT_NULL(strstr(storage_err.msg, "try again"));
	CU_ASSERT_TRUE(wait_until(lost_is_told));
	it_adds_up();
	end();
}

static void
damaged_store_is_set_aside_and_recording_goes_on(void)
{
	char garbage[4096];
	struct store_policy p;
	int64_t root;

	begin();
	put(100);
	CU_ASSERT_TRUE(wait_until(is_at_rest));
	CU_ASSERT_EQUAL(store_wal_checkpoint(storage, &storage_err), 0);
	root = storage_int("SELECT rootpage FROM sqlite_schema WHERE name = 'flow_ended'");
	memset(garbage, 0xa5, sizeof garbage);
	storage_damage((root - 1) * 4096, garbage, sizeof garbage);
	storage_sql("INSERT INTO event (run, at, what, detail) VALUES (1,1,'','')");
	put(50);
	CU_ASSERT_TRUE(wait_until(is_mended));
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM flow"), 50);
	CU_ASSERT_EQUAL(storage_int("SELECT min(id) FROM flow"), 101);
	CU_ASSERT_EQUAL(store_policy_active(storage, &p, &storage_err), 0);
	CU_ASSERT_STRING_EQUAL(p.text, "in force");
	store_policy_fini(&p);
	end();
}

/* The writer would not leave anyone in by itself: it goes from batch to batch. */
static void
policies_are_saved_between_batches(void)
{
	uint64_t generation;
	int64_t longest = 0;
	unsigned i;

	begin();
	for (i = 0; i < 50; i++) {
		usec_t before = clock_now();
		int64_t us;

		put(2 * RING);
		CU_ASSERT_EQUAL(store_policy_save(storage, "x", "y", &generation, &storage_err), 0);
		us = usec_diff(clock_now(), before);
		longest = us > longest ? us : longest;
	}
	printf("# a policy took %.1f ms at most\n", (double)longest / 1000);
	CU_ASSERT_TRUE(wait_until(lost_is_told));
	it_adds_up();
	end();
}

static bool
is_pruned(void)
{
	return status.pruned.flows == 200;
}

static void
old_flows_go_by_themselves(void)
{
	const struct retention keep = { .age_us = INT64_C(86400) * 1000000 };

	/* They ended in 2023. */
	begin_with(200, &keep);
	CU_ASSERT_TRUE(wait_until(is_pruned));
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM flow"), 0);
	CU_ASSERT_EQUAL(storage_int("SELECT flows FROM run"), 200);
	end();
}

static int64_t
used_bytes(void)
{
	return (storage_int("PRAGMA page_count") - storage_int("PRAGMA freelist_count")) * 4096;
}

static bool
is_small(void)
{
	return used_bytes() <= 2 << 20 &&
	       storage_int("SELECT min(id) FROM flow") - 1 == (int64_t)status.pruned.flows;
}

static void
oldest_flows_go_beyond_the_size(void)
{
	const struct retention keep = { .bytes = 2 << 20 };
	const struct retention all = { 0 };
	unsigned i;

	begin_with(0, &all);
	for (i = 0; i < 50; i++) {
		put(400);
		CU_ASSERT_TRUE(wait_until(is_at_rest));
	}
	CU_ASSERT(used_bytes() > 4 << 20);
	recorder_free(recorder);
	recorder =
		recorder_new(&(struct recorder_conf){ storage, journal, NULL, keep }, &storage_err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(recorder);
	CU_ASSERT_TRUE(wait_until(is_small));
	CU_ASSERT_EQUAL(storage_int("SELECT max(id) FROM flow"), 20000);
	CU_ASSERT(status.pruned.flows < 17000);
	end();
}

static bool
is_answered(struct upkeep_result *result)
{
	int ms;

	for (ms = 0; ms < PATIENCE_MS; ms++) {
		if (recorder_answer(recorder, result))
			return true;
		usleep(1000);
	}
	return false;
}

static void
one_job_is_done_at_a_time_and_answered(void)
{
	struct upkeep_job job = { .kind = UPKEEP_BACKUP };
	struct upkeep_result result;

	begin();
	put(200);
	snprintf(job.path, sizeof job.path, "%s.copy", storage_path);
	CU_ASSERT_EQUAL(recorder_ask(recorder, &job, &storage_err), 0);
	CU_ASSERT_EQUAL(recorder_ask(recorder, &job, &storage_err), -EBUSY);
	CU_ASSERT_TRUE(is_answered(&result));
	CU_ASSERT_EQUAL(result.rc, 0);
	CU_ASSERT_FALSE(recorder_answer(recorder, &result));
	CU_ASSERT_EQUAL(recorder_ask(recorder, &job, &storage_err), 0);
	CU_ASSERT_TRUE(is_answered(&result));
	CU_ASSERT_EQUAL(result.rc, -EEXIST);
	job.kind = UPKEEP_CHECKPOINT;
	CU_ASSERT_EQUAL(recorder_ask(recorder, &job, &storage_err), 0);
	CU_ASSERT_TRUE(is_answered(&result));
	CU_ASSERT_EQUAL(result.rc, 0);
	printf("# %s\n", result.text);
	job = (struct upkeep_job){ .kind = UPKEEP_PRUNE };
	CU_ASSERT_EQUAL(recorder_ask(recorder, &job, &storage_err), 0);
	CU_ASSERT_TRUE(is_answered(&result));
	CU_ASSERT_EQUAL(result.rc, -EINVAL);
	job.before = INT64_MAX;
	CU_ASSERT_EQUAL(recorder_ask(recorder, &job, &storage_err), 0);
	CU_ASSERT_TRUE(is_answered(&result));
	CU_ASSERT_EQUAL(result.rc, 0);
	printf("# %s\n", result.text);
	end();
}

static void
end_writes_what_is_left(void)
{
	begin();
	put(300);
	recorder_event(recorder, "stop", "by a %s", "test");
	recorder_free(recorder);
	recorder = NULL;
	it_adds_up();
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM event WHERE detail = 'by a test'"), 1);
	end();
}

TAP_MAIN(recorder, TAP_TEST(every_ended_flow_has_one_row),
	 TAP_TEST(locked_store_is_told_counted_and_overcome),
	 TAP_TEST(full_disk_is_told_counted_and_overcome),
	 TAP_TEST(failing_disk_is_told_counted_and_overcome),
	 TAP_TEST(slow_disk_is_told_and_holds_nobody_up),
	 TAP_TEST(damaged_store_is_set_aside_and_recording_goes_on),
	 TAP_TEST(policies_are_saved_between_batches), TAP_TEST(old_flows_go_by_themselves),
	 TAP_TEST(oldest_flows_go_beyond_the_size),
	 TAP_TEST(one_job_is_done_at_a_time_and_answered), TAP_TEST(end_writes_what_is_left))
