#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/eal.h"
#include "tests/unit/tap.h"
#include "vnf/journal.h"

static char folder[64], path[96];

static struct store *
open_store(void)
{
	struct store_config conf = { .path = path, .instance = "test", .version = "0" };
	struct store *s = NULL;
	struct err e;

	CU_ASSERT_EQUAL_FATAL(test_eal_init(), 0);
	strcpy(folder, "/tmp/leat-journal-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/leat.db", folder);
	CU_ASSERT_EQUAL_FATAL(store_open(&s, &conf, &e), 0);
	return s;
}

static void
remove_store(struct store *s)
{
	char lock[128];

	store_close(s, NULL);
	unlink(path);
	snprintf(lock, sizeof lock, "%s.lock", path);
	unlink(lock);
	CU_ASSERT_EQUAL(rmdir(folder), 0);
}

static struct flow_record
record(unsigned i)
{
	struct flow_record r = { .started = 1,
				 .ended = 2,
				 .family = 4,
				 .mode = "proxy",
				 .rule = "web",
				 .start = "syn",
				 .reason = "fin" };

	snprintf(r.flow_id, sizeof r.flow_id, "0:%x:0", i);
	return r;
}

static int
count(const char *sql)
{
	sqlite3_stmt *st;
	sqlite3 *db;
	int n;

	CU_ASSERT_EQUAL_FATAL(sqlite3_open(path, &db), SQLITE_OK);
	CU_ASSERT_EQUAL_FATAL(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	sqlite3_step(st);
	n = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

static void
records_of_all_workers_become_rows(void)
{
	struct store *s = open_store();
	struct journal *j = journal_new(s, 2, 64, NULL);
	struct err e;

	for (unsigned i = 0; i < 20; i++) {
		struct flow_record r = record(i);

		CU_ASSERT_TRUE(journal_put(j, i % 2, &r, i == 0));
	}
	CU_ASSERT_EQUAL(journal_drain(j, 1000, &e), 20);
	CU_ASSERT_EQUAL(journal_drain(j, 1000, &e), 0);
	CU_ASSERT_EQUAL(count("select count(*) from flow"), 20);
	journal_free(j);
	remove_store(s);
}

static void
D3_full_ring_counts_what_it_loses_and_the_store_is_told(void)
{
	struct store *s = open_store();
	struct journal *j = journal_new(s, 1, 16, NULL);
	struct journal_status st;
	unsigned kept = 0;

	for (unsigned i = 0; i < 40; i++) {
		struct flow_record r = record(i);

		kept += journal_put(j, 0, &r, false);
	}
	journal_status(j, &st);
	CU_ASSERT_EQUAL(kept, 15);
	CU_ASSERT_EQUAL(st.lost, 25);
	CU_ASSERT_EQUAL(st.ended, 40);
	CU_ASSERT_EQUAL(st.waiting, 15);
	CU_ASSERT_EQUAL(journal_drain(j, 1000, NULL), 15);
	CU_ASSERT_EQUAL(journal_drain(j, 1000, NULL), 0);
	journal_status(j, &st);
	CU_ASSERT_EQUAL(st.written + st.lost, 40);
	CU_ASSERT_EQUAL(count("select count(*) from flow"), 15);
	CU_ASSERT_EQUAL(count("select sum(journal_lost) from run"), 25);
	journal_free(j);
	remove_store(s);
}

static void
locked_store_keeps_the_records_for_later(void)
{
	struct store *s = open_store();
	struct journal *j = journal_new(s, 1, 64, NULL);
	struct flow_record r = record(1);
	struct journal_status st;
	struct err e = { "" };
	sqlite3 *db;

	CU_ASSERT_EQUAL_FATAL(sqlite3_open(path, &db), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_exec(db, "begin immediate", NULL, NULL, NULL), SQLITE_OK);
	CU_ASSERT_TRUE(journal_put(j, 0, &r, false));
	CU_ASSERT_EQUAL(journal_drain(j, 1000, &e), -EBUSY);
	CU_ASSERT(e.msg[0] != '\0');
	journal_status(j, &st);
	CU_ASSERT_EQUAL(st.waiting, 1);
	CU_ASSERT_EQUAL(st.last_error, -EBUSY);
	sqlite3_exec(db, "commit", NULL, NULL, NULL);
	sqlite3_close(db);
	CU_ASSERT_EQUAL(journal_drain(j, 1000, &e), 1);
	CU_ASSERT_EQUAL(count("select count(*) from flow"), 1);
	journal_free(j);
	remove_store(s);
}

/* Who sends the same bytes twice at will. */
static void
conflicts_leave_half_of_the_ring_to_flows_and_are_counted(void)
{
	struct conflict_record c = {
		.flow_id = "0:1:0", .length = 1, .shown = 1, .overlap = "last"
	};
	struct store *s = open_store();
	struct journal *j = journal_new(s, 1, 64, NULL);
	struct flow_record r = record(1);
	struct journal_status st;
	unsigned n_kept = 0, n_flows = 0;

	for (unsigned i = 0; i < 100; i++)
		n_kept += journal_put_conflict(j, 0, &c);
	for (unsigned i = 0; i < 20; i++)
		n_flows += journal_put(j, 0, &r, false);
	CU_ASSERT_EQUAL(n_kept, 32);
	CU_ASSERT_EQUAL(n_flows, 20);
	CU_ASSERT_EQUAL(journal_drain(j, 1000, NULL), 52);
	journal_status(j, &st);
	CU_ASSERT_EQUAL(st.conflicts_written, 32);
	CU_ASSERT_EQUAL(st.conflicts_lost, 68);
	CU_ASSERT_EQUAL(st.gaps_lost, 0);
	CU_ASSERT_EQUAL(count("select count(*) from conflict where overlap = 'last'"), 32);
	CU_ASSERT_EQUAL(count("select conflicts_lost from run"), 68);
	journal_free(j);
	remove_store(s);
}

/* So the others are not made. */
static void
rows_are_read_but_by_who_counts_flows_at_once(void)
{
	struct err err;
	struct journal *j = journal_new(NULL, 1, 16, &err);
	struct journal_reader r = { .counts = true };

	CU_ASSERT_PTR_NOT_NULL_FATAL(j);
	CU_ASSERT_TRUE(journal_reads_rows(j));
	journal_read_by(j, &r);
	CU_ASSERT_TRUE(journal_reads_rows(j));	/* the store is in between */
	journal_read_at_once(j);
	CU_ASSERT_FALSE(journal_reads_rows(j));
	r.counts = false;
	journal_read_by(j, &r);
	CU_ASSERT_TRUE(journal_reads_rows(j));
	journal_free(j);
}

TAP_MAIN(journal, TAP_TEST(records_of_all_workers_become_rows),
	 TAP_TEST(D3_full_ring_counts_what_it_loses_and_the_store_is_told),
	 TAP_TEST(locked_store_keeps_the_records_for_later),
	 TAP_TEST(conflicts_leave_half_of_the_ring_to_flows_and_are_counted),
	 TAP_TEST(rows_are_read_but_by_who_counts_flows_at_once))
