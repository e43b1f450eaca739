/*
 * db.c - db/status, db/backup, db/checkpoint, db/prune.
 *
 * The recorder does the work; who asked is answered when it is over.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/cmd/cmd.h"

/* --- status --- */

static void
put_rows(struct table *t, const struct journal_status *js)
{
	cmd_put_uint(t, "flows_ended", js->ended);
	cmd_put_uint(t, "flows_written", js->written);
	cmd_put_uint(t, "flows_lost", js->lost);
	cmd_put_uint(t, "flows_waiting", js->waiting);
	cmd_put_uint(t, "gaps_written", js->gaps_written);
	cmd_put_uint(t, "gaps_lost", js->gaps_lost);
	cmd_put_uint(t, "conflicts_written", js->conflicts_written);
	cmd_put_uint(t, "conflicts_lost", js->conflicts_lost);
}

static void
put_store(struct table *t, const struct store_status *st)
{
	cmd_put_uint(t, "run", st->run);
	cmd_put_uint(t, "schema", (uint64_t)st->user_version);
	cmd_put_uint(t, "file_size", st->file_size);
	cmd_put_uint(t, "free_size", st->free_size);
	cmd_put_uint(t, "wal_size", st->wal_size);
	cmd_put_uint(t, "wal_used", st->wal_used);
	cmd_put_uint(t, "flow_rows", st->flow_rows);
	cmd_put_uint(t, "gap_rows", st->gap_rows);
	cmd_put_uint(t, "live_rows", st->live_rows);
	cmd_put_uint(t, "policies", st->policies);
	cmd_put_uint(t, "refused", st->refused);
	cmd_put_uint(t, "rolled_back", st->rolled_back);
	cmd_put_uint(t, "failures", st->failures);
	cmd_put_str(t, "last_error", st->last_errno ? st->last_error : NULL);
	cmd_put_uint(t, "set_aside", st->set_aside);
	cmd_put_str(t, "set_aside_as", st->set_aside ? st->set_aside_as : NULL);
}

static void
cmd_status(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	const struct leat *l = aux;
	struct recorder_status rs;
	struct journal_status js;
	struct table *t = CMD_TABLE("item", "value");

	(void)argc;
	(void)argv;
	recorder_status(l->recorder, &rs);
	journal_status(l->journal, &js);
	cmd_put_str(t, "path", l->db_path);
	cmd_put_str(t, "state", rs.problem[0] ? rs.problem : "ok");
	cmd_put_str(t, "at_work", rs.job[0] ? rs.job : NULL);
	put_rows(t, &js);
	put_store(t, &rs.store);
	cmd_put_uint(t, "checkpoints", l->checkpoint.n_done);
	cmd_put_uint(t, "interrupted", rs.recovered);
	cmd_put_uint(t, "pruned_flows", rs.pruned.flows);
	cmd_put_uint(t, "longest_batch_ms", rs.longest_batch_ms);
	cmd_reply_table(conn, t);
}

/* --- jobs --- */

static void
begin(struct leat *l, struct unixctl_conn *conn, const struct upkeep_job *job)
{
	struct err err = { 0 };

	if (recorder_ask(l->recorder, job, &err) != 0)
		unixctl_reply_error(conn, err.msg);
	else
		l->db_asker = conn;
}

void
cmd_db_run(struct leat *l)
{
	struct upkeep_result result;

	if (!l->db_asker || !recorder_answer(l->recorder, &result))
		return;
	if (result.rc == 0)
		unixctl_reply(l->db_asker, result.text);
	else
		unixctl_reply_error(l->db_asker, result.text);
	l->db_asker = NULL;
}

void
cmd_db_end(struct leat *l)
{
	if (l->db_asker)
		unixctl_reply_error(l->db_asker, "leatd ends: what was begun is given up");
	l->db_asker = NULL;
}

static void
cmd_checkpoint(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	const struct upkeep_job job = { .kind = UPKEEP_CHECKPOINT };

	(void)argc;
	(void)argv;
	begin(aux, conn, &job);
}

static void
cmd_backup(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct upkeep_job job = { .kind = UPKEEP_BACKUP };
	const char *path = NULL;
	int i;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--replace") == 0) {
			job.replace = true;
		} else if (argv[i][0] == '-' || path) {
			unixctl_reply_errorf(conn, "'%s': FILE and --replace are all it takes",
					     argv[i]);
			return;
		} else {
			path = argv[i];
		}
	}
	if (!path || strlen(path) >= sizeof job.path) {
		unixctl_reply_error(conn, path ? "the path is too long" : "a FILE is needed");
		return;
	}
	strcpy(job.path, path);
	begin(aux, conn, &job);
}

/* Days, with a fraction or without: us since 1970 so long ago, or 0. */
static int64_t
days_ago(const char *text)
{
	char *end;
	double days = strtod(text, &end);

	if (end == text || *end != '\0' || !(days >= 0 && days < 36500))
		return 0;
	return clock_to_unix_us(clock_now()) - (int64_t)(days * 86400e6);
}

static void
cmd_prune(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct upkeep_job job = { .kind = UPKEEP_PRUNE };
	int i;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--dry-run") == 0) {
			job.kind = UPKEEP_COUNT;
		} else if (strcmp(argv[i], "--older-than") == 0 && i + 1 < argc) {
			job.before = days_ago(argv[++i]);
			if (job.before == 0) {
				unixctl_reply_errorf(conn,
						     "--older-than '%s': a number of days is "
						     "needed",
						     argv[i]);
				return;
			}
		} else {
			unixctl_reply_errorf(conn,
					     "'%s': --older-than DAYS and --dry-run are all it "
					     "takes",
					     argv[i]);
			return;
		}
	}
	begin(aux, conn, &job);
}

void
cmd_db_register(struct leat *l)
{
	verb_register(l->ctl, "db/status", cmd_status, l);
	verb_register(l->ctl, "db/backup", cmd_backup, l);
	verb_register(l->ctl, "db/checkpoint", cmd_checkpoint, l);
	verb_register(l->ctl, "db/prune", cmd_prune, l);
}
