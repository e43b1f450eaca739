/*
 * store_old.c - files of every earlier schema are brought to this one, with their rows; and a
 * policy outlives a kill in the middle of its writing.
 */
#include "db/store.h"
#include "tests/unit/storage.h"
#include "tests/unit/tap.h"

#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- schemas --- */

static char *
schema_of(int version)
{
	const char *root = getenv("LEAT_SRCDIR");
	char path[4096], *text;
	long size;
	FILE *f;

	snprintf(path, sizeof path, "%s/tests/unit/schemas/%d.sql", root ? root : ".", version);
	f = fopen(path, "r");
	if (!f) {
		printf("# cannot read %s\n", path);
		return NULL;
	}
	fseek(f, 0, SEEK_END);
	size = ftell(f);
	rewind(f);
	text = calloc(1, (size_t)size + 1);
	if (!text || fread(text, 1, (size_t)size, f) != (size_t)size)
		abort();
	fclose(f);
	return text;
}

/* All that a query may rely on: tables with their columns, indices, views. */
static char *
shape(void)
{
	return strdup(storage_text(
		"SELECT group_concat(x, char(10)) FROM ("
		"SELECT t.name || '.' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' ' || "
		"coalesce(c.dflt_value, '') || ' ' || c.pk AS x "
		"FROM sqlite_schema t JOIN pragma_table_xinfo(t.name) c "
		"WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' UNION ALL "
		"SELECT type || ' ' || name || ' ' || sql FROM sqlite_schema "
		"WHERE type IN ('index', 'view') AND sql NOT NULL ORDER BY 1)"));
}

static const char old_rows[] =
	"INSERT INTO run (instance, version, pid, started, flows, last_flow) "
	"VALUES ('old', '0.1.0', 7, 5, 1, 41);"
	"INSERT INTO policy (name, text, loaded, active) VALUES ('f', 'default pass', 6, 1);"
	"INSERT INTO flow (id, run, flow_id, started, ended, domain, family, client, client_port, "
	"server, server_port, vlan, mode, rule, generation, start, reason, up_packets, up_bytes, "
	"up_gaps, up_gap_bytes, down_packets, down_bytes, down_gaps, down_gap_bytes, "
	"client_retransmits, client_out_of_order, client_zero_windows, server_retransmits, "
	"server_out_of_order, server_zero_windows) "
	"VALUES (41, 1, '0:1:1', 5, 6, 0, 4, '192.0.2.1', 1, '192.0.2.2', 2, '', 'track', 'r', 1, "
	"'syn', 'fin', 1, 2, 0, 0, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0);"
	"INSERT INTO gap (flow, run, flow_id, declared, direction, offset, length, reason) "
	"VALUES (41, 1, '0:1:1', 6, 'up', 0, 9, 'budget')";

static void
is_brought_here_from(int version, const char *wanted)
{
	char *sql = schema_of(version), *got;
	struct store_policy p;

	storage_begin(false);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sql);
	CU_ASSERT_EQUAL(storage_sql("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL"),
			0);
	CU_ASSERT_EQUAL(storage_sql(sql), 0);
	CU_ASSERT_EQUAL(storage_sql(old_rows), 0);
	CU_ASSERT_EQUAL(storage_int("PRAGMA user_version"), version);
	CU_ASSERT_EQUAL_FATAL(storage_open(), 0);
	CU_ASSERT_EQUAL(storage_int("PRAGMA user_version"), STORE_SCHEMA_VERSION);
	got = shape();
	CU_ASSERT_STRING_EQUAL(got, wanted);
	CU_ASSERT_EQUAL(storage_int("SELECT length FROM gap WHERE flow = 41"), 9);
	CU_ASSERT_EQUAL(storage_int("SELECT up_conflicts + wscale_clamped FROM flow"), 0);
	CU_ASSERT_EQUAL(storage_add_flows(0, 1), 0);
	CU_ASSERT_EQUAL(storage_int("SELECT max(id) FROM flow"), 42);
	CU_ASSERT_EQUAL(store_policy_active(storage, &p, &storage_err), 0);
	CU_ASSERT_STRING_EQUAL(p.text, "default pass");
	store_policy_fini(&p);
	CU_ASSERT_EQUAL(storage_int("SELECT recorded + missing FROM run_account WHERE run = 1"), 1);
	CU_ASSERT_STRING_EQUAL(storage_text("PRAGMA integrity_check"), "ok");
	storage_end();
	free(sql);
	free(got);
}

static void
file_of_every_earlier_version_becomes_what_a_new_one_is(void)
{
	char *wanted;
	int version;

	storage_begin(true);
	wanted = shape();
	CU_ASSERT(strlen(wanted) > 2000);
	storage_end();
	for (version = 1; version < STORE_SCHEMA_VERSION; version++)
		is_brought_here_from(version, wanted);
	free(wanted);
}

/* --- a kill while a policy is written --- */

enum { N_KILLS = 20, TEXT = 200000 };

/* The text of a generation: long, and known by its number. */
static const char *
text_of(uint64_t generation)
{
	static char text[TEXT + 1];

	memset(text, 'a' + (int)(generation % 26), TEXT);
	snprintf(text, 32, "%ju", (uintmax_t)generation);
	return text;
}

/* Saves policies until it is killed, and says each that is saved. */
static void
save_for_ever(int to)
{
	uint64_t generation = 0;

	storage_open();
	generation = (uint64_t)storage_int("SELECT coalesce(max(generation), 0) FROM policy");
	for (;;) {
		if (store_policy_save(storage, text_of(generation + 1), "f", &generation,
				      &storage_err) != 0 ||
		    write(to, &generation, sizeof generation) != sizeof generation)
			_exit(1);
	}
}

/* Lets a child save some policies and kills it at a moment that nobody chose: the last it said. */
static uint64_t
kill_one(unsigned int n_saves, unsigned int us)
{
	uint64_t said = 0;
	int fd[2], status;
	pid_t pid;

	if (pipe(fd) < 0)
		abort();
	pid = fork();
	if (pid == 0) {
		close(fd[0]);
		save_for_ever(fd[1]);
	}
	close(fd[1]);
	for (; n_saves > 0; n_saves--)
		CU_ASSERT_EQUAL_FATAL(read(fd[0], &said, sizeof said), sizeof said);
	usleep(us);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	CU_ASSERT(WIFSIGNALED(status));
	while (read(fd[0], &said, sizeof said) == sizeof said)
		;
	close(fd[0]);
	return said;
}

static void
policy_outlives_a_kill_while_the_next_is_written(void)
{
	unsigned int seed = (unsigned int)getpid(), i, n_in_the_middle = 0;
	struct store_policy p;
	uint64_t said;

	printf("# seed %u\n", seed);
	storage_begin(false);
	for (i = 0; i < N_KILLS; i++) {
		said = kill_one(1 + i % 3, (unsigned int)rand_r(&seed) % 4000);
		CU_ASSERT_STRING_EQUAL(storage_text("PRAGMA integrity_check"), "ok");
		CU_ASSERT_EQUAL_FATAL(storage_open(), 0);
		CU_ASSERT_EQUAL_FATAL(store_policy_active(storage, &p, &storage_err), 0);
		/* One more may have been written and not been said. */
		CU_ASSERT(p.generation == said || p.generation == said + 1);
		n_in_the_middle += p.generation == said;
		CU_ASSERT_STRING_EQUAL(p.text, text_of(p.generation));
		store_policy_fini(&p);
		storage_close();
	}
	printf("# %u of %u kills came before the commit\n", n_in_the_middle, i);
	storage_end();
}

TAP_MAIN(store_old, TAP_TEST(file_of_every_earlier_version_becomes_what_a_new_one_is),
	 { "O15 policy_outlives_a_kill_while_the_next_is_written",
	   policy_outlives_a_kill_while_the_next_is_written })
