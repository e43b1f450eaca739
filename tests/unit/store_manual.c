/*
 * store_manual.c - leat-db(5) tells the truth: its queries run, its columns are those there are.
 */
#include "db/store.h"
#include "tests/unit/storage.h"
#include "tests/unit/tap.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char *page;

/* True if there is a page; every test ends without one. */
static bool
read_page(void)
{
	const char *root = getenv("LEAT_SRCDIR");
	char path[4096];
	long size;
	FILE *f;

	snprintf(path, sizeof path, "%s/doc/leat-db.5", root ? root : ".");
	f = fopen(path, "r");
	if (!f) {
		printf("# cannot read %s\n", path);
		CU_FAIL("no manual page");
		return false;
	}
	fseek(f, 0, SEEK_END);
	size = ftell(f);
	rewind(f);
	page = calloc(1, (size_t)size + 1);
	if (!page)
		abort();
	if (fread(page, 1, (size_t)size, f) != (size_t)size)
		abort();
	fclose(f);
	return true;
}

/* What the page holds between `from` and `to`, as groff would print it. */
static void
plain(char *out, const char *from, const char *to)
{
	static const char *const escape[][2] = { { "\\-", "-" },
						 { "\\(aq", "'" },
						 { "\\e", "\\" } };
	size_t i;

	while (from < to) {
		for (i = 0; i < 3; i++)
			if (strncmp(from, escape[i][0], strlen(escape[i][0])) == 0)
				break;
		if (i < 3) {
			*out++ = *escape[i][1];
			from += strlen(escape[i][0]);
		} else {
			*out++ = *from++;
		}
	}
	*out = '\0';
}

/* A database in which each example finds something. */
static void
fill(void)
{
	struct gap_record g = { .flow_id = "1:3:3", .length = 10, .reason = "lost-in-tap" };
	struct conflict_record c = {
		.flow_id = "1:3:3", .length = 2, .shown = 1, .overlap = "bsd"
	};
	struct flow_record r;
	struct live_record live;
	uint64_t generation;

	storage_now = (int64_t)time(NULL) * 1000000 - 2000000;
	storage_add_flows(0, 3);
	store_policy_save(storage, "default track\n", "leat.policy", &generation, NULL);
	store_begin(storage, NULL);
	store_event(storage, "start", "first", NULL);
	g.declared = storage_now;
	store_gap(storage, &g, NULL);
	c.seen = storage_now;
	store_conflict(storage, &c, NULL);
	storage_flow(&r, 3);
	r.direction[0].gaps = r.direction[0].conflicts = 1;
	store_flow_ended(storage, &r, NULL);
	memset(&live, 0, sizeof live);
	storage_flow(&live.flow, 4);
	live.held[0] = 1;
	store_checkpoint_begin(storage, NULL);
	store_checkpoint_add(storage, &live, NULL);
	store_checkpoint_end(storage, NULL);
	store_commit(storage, NULL);
	/* The first run is interrupted by nothing worse than a close; its flow was not ended. */
	storage_close();
	storage_open();
	while (store_recover(storage, 100, NULL) > 0)
		;
	store_begin(storage, NULL);
	store_checkpoint_begin(storage, NULL);
	store_checkpoint_add(storage, &live, NULL);
	store_checkpoint_end(storage, NULL);
	store_commit(storage, NULL);
}

static int
count_rows(void *arg, int n, char **values, char **names)
{
	(void)n;
	(void)values;
	(void)names;
	++*(int *)arg;
	return 0;
}

static void
every_example_runs_and_finds_something(void)
{
	char sql[4096], *at, *end;
	int n_examples = 0, n_rows, rc;
	sqlite3 *db;

	if (!read_page())
		return;
	storage_begin(true);
	fill();
	sqlite3_open_v2(storage_path, &db, SQLITE_OPEN_READONLY, NULL);
	for (at = page; (at = strstr(at, "\n.EX\n")) && (end = strstr(at, "\n.EE\n")); at = end) {
		at += 5;
		if (strncmp(at, "SELECT", 6) != 0)
			continue;
		plain(sql, at, end);
		n_rows = 0;
		rc = sqlite3_exec(db, sql, count_rows, &n_rows, NULL);
		n_examples++;
		CU_ASSERT_EQUAL(rc, SQLITE_OK);
		CU_ASSERT(n_rows > 0);
		if (rc != SQLITE_OK || n_rows == 0)
			printf("# %d rows, %s: %s\n", n_rows, sqlite3_errmsg(db), sql);
	}
	CU_ASSERT(n_examples >= 10);
	sqlite3_close(db);
	storage_end();
	free(page);
}

/* The part of the page below a heading, up to the next one; *end is where it ends. */
static const char *
section(const char *macro, const char *name, const char **end)
{
	char heading[64];
	const char *at, *ss, *sh;

	snprintf(heading, sizeof heading, "\n.%s %s\n", macro, name);
	at = strstr(page, heading);
	if (!at)
		return NULL;
	at += strlen(heading) - 1;
	ss = strstr(at, "\n.SS ");
	sh = strstr(at, "\n.SH ");
	*end = ss && ss < sh ? ss : sh;
	return at;
}

static bool
has_entry(const char *from, const char *end, const char *name)
{
	char entry[64];
	const char *at;

	snprintf(entry, sizeof entry, "\n.TP\n.B %s\n", name);
	at = strstr(from, entry);
	return at && at < end;
}

static int
count_entries(const char *from, const char *end)
{
	int n = 0;

	while ((from = strstr(from, "\n.TP\n.B ")) != NULL && from < end) {
		n++;
		from++;
	}
	return n;
}

/* Compares the entries of a section with the names that a query gives. */
static void
entries_are(const char *macro, const char *heading, const char *sql)
{
	const char *end = NULL, *from = section(macro, heading, &end), *name;
	sqlite3_stmt *st;
	sqlite3 *db;
	int n = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(from);
	sqlite3_open_v2(storage_path, &db, SQLITE_OPEN_READONLY, NULL);
	CU_ASSERT_EQUAL_FATAL(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		name = (const char *)sqlite3_column_text(st, 0);
		n++;
		CU_ASSERT_TRUE(has_entry(from, end, name));
		if (!has_entry(from, end, name))
			printf("# %s %s is not documented\n", heading, name);
	}
	CU_ASSERT_EQUAL(count_entries(from, end), n);
	CU_ASSERT(n > 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
}

static void
every_column_and_view_is_documented_and_no_other(void)
{
	static const char *const tables[] = { "run", "event", "policy", "flow", "gap", "conflict" };
	char sql[128];
	size_t i;

	if (!read_page())
		return;
	storage_begin(true);
	for (i = 0; i < sizeof tables / sizeof tables[0]; i++) {
		snprintf(sql, sizeof sql, "SELECT name FROM pragma_table_info('%s')", tables[i]);
		entries_are("SS", tables[i], sql);
	}
	entries_are("SS", "live_flow",
		    "SELECT name FROM pragma_table_info('live_flow') "
		    "EXCEPT SELECT name FROM pragma_table_info('flow')");
	entries_are("SH", "VIEWS", "SELECT name FROM sqlite_schema WHERE type = 'view'");
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM sqlite_schema WHERE type = 'table' "
				    "AND name NOT LIKE 'sqlite%'"),
			7);
	storage_end();
	free(page);
}

TAP_MAIN(store_manual, TAP_TEST(every_example_runs_and_finds_something),
	 TAP_TEST(every_column_and_view_is_documented_and_no_other))
