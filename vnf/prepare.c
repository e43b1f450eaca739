/*
 * prepare.c - see prepare.h.
 */
#include "vnf/prepare.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "vnf/check.h"
#include "vnf/log.h"
#include "vnf/privileges.h"

/* Files of ours are read by our group; what others are to reach has a mode of its own. */
enum { UMASK = 0027 };

static int
name_files(struct leat *l, struct err *err)
{
	const char *run = l->o->run_dir ? l->o->run_dir : getenv("LEAT_RUNDIR");
	const char *name = l->o->name;

	if (check_name(name, err) != 0)
		return -EINVAL;
	if (!run)
		run = LEAT_RUNDIR;
	if (strlen(run) >= sizeof l->run_dir || (l->o->db && strlen(l->o->db) >= sizeof l->db_path))
		return err_set(err, -ENAMETOOLONG, "--run-dir or --db: the path is too long");
	strcpy(l->run_dir, run);
	snprintf(l->ctl_path, sizeof l->ctl_path, "%s/%s.ctl", run, name);
	snprintf(l->stream_path, sizeof l->stream_path, "%s/%s.stream", run, name);
	snprintf(l->pid_path, sizeof l->pid_path, "%s/%s.pid", run, name);
	if (l->o->db)
		strcpy(l->db_path, l->o->db);
	else
		snprintf(l->db_path, sizeof l->db_path, "%s/%s.db", LEAT_STATEDIR, name);
	return 0;
}

/* "" without --log-file. */
static void
name_log(const struct options *o, char *path, size_t size)
{
	if (o->log_file && strcmp(o->log_file, "yes") == 0)
		snprintf(path, size, LEAT_LOGDIR "/%s.log", o->name);
	else
		snprintf(path, size, "%s", o->log_file ? o->log_file : "");
}

/* The folders that leatd has of its own; another that is named has to be there. */
static int
make_folders(const struct leat *l, const char *log, const struct privileges *p, struct err *err)
{
	struct err why = { 0 };
	int rc = privileges_own_folder(p, l->run_dir, &why);

	if (rc != 0)
		return err_set(err, rc, "%s: choose another folder by --run-dir", why.msg);
	if (!l->o->db)
		rc = privileges_own_folder(p, LEAT_STATEDIR, err);
	if (rc == 0 && strncmp(log, LEAT_LOGDIR "/", sizeof LEAT_LOGDIR) == 0)
		rc = privileges_own_folder(p, LEAT_LOGDIR, err);
	return rc;
}

/* What an earlier run as another user has left. */
static void
take_files(const struct leat *l, const char *log, const struct privileges *p)
{
	static const char *const suffix[] = { "", "-wal", "-shm", ".lock" };
	char path[sizeof l->db_path + 8];
	unsigned i;

	for (i = 0; i < sizeof suffix / sizeof suffix[0]; i++) {
		snprintf(path, sizeof path, "%s%s", l->db_path, suffix[i]);
		privileges_own_file(p, path);
	}
	privileges_own_file(p, l->pid_path);
	if (*log)
		privileges_own_file(p, log);
}

/* The words of --log were looked at when the options were read. */
static int
open_logs(const struct options *o, const char *path, struct err *err)
{
	unsigned i;
	int rc = 0;

	log_ask_journal();
	if (o->verbose)
		log_set("dbg", err);
	for (i = 0; i < o->n_log; i++)
		log_set(o->log[i], err);
	if (o->syslog)
		rc = log_to_syslog("/dev/log", "leatd", err);
	return rc == 0 && *path ? log_to_file(path, err) : rc;
}

int
prepare(struct leat *l, struct err *err)
{
	struct privileges p;
	char log[512], caps[128];
	int rc = name_files(l, err);

	name_log(l->o, log, sizeof log);
	umask(UMASK);
	if (rc == 0)
		rc = privileges_find(l->o, &p, err);
	if (rc == 0)
		rc = make_folders(l, log, &p, err);
	if (rc == 0) {
		take_files(l, log, &p);
		rc = privileges_drop(&p, err);
	}
	if (rc == 0)
		rc = open_logs(l->o, log, err);
	if (rc != 0)
		return rc;
	if (*p.user) {
		privileges_text(caps, sizeof caps);
		log_info("user %s, capabilities: %s", p.user, caps);
	}
	return 0;
}
