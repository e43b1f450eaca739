/*
 * target.c - which Open vSwitch is meant, and how its tools are called.
 */
#include <errno.h>
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "datapath/ovs/exec.h"
#include "datapath/ovs/target.h"

int
ovs_target_init(struct ovs_target *t, const char *socket, struct err *e)
{
	const char *path = socket;
	size_t dir;

	memset(t, 0, sizeof(*t));
	if (socket == NULL || socket[0] == '\0')
		return 0;
	if (strncmp(path, "unix:", 5) == 0)
		path += 5;
	if (path[0] != '/')
		return err_set(e, -EINVAL,
			       "'%s' is not an absolute path of the switch's database "
			       "socket",
			       socket);
	dir = (size_t)(strrchr(path, '/') - path);
	if (strlen(path) + sizeof("unix:") > sizeof(t->db))
		return err_set(e, -ENAMETOOLONG, "the path '%s' is too long", socket);
	snprintf(t->db, sizeof(t->db), "unix:%s", path);
	memcpy(t->rundir, path, dir);
	return 0;
}

/* Runs a tool with these options, of which there are `n`, and after them the arguments. */
static int
run_tool(const char *doing, const char *const options[], unsigned int n, const char *const args[],
	 char **out, struct err *e)
{
	unsigned int n_args = 0;
	const char **argv;
	int err;

	while (args[n_args] != NULL)
		n_args++;
	argv = calloc(n + n_args + 1, sizeof(*argv));
	if (argv == NULL)
		return err_set(e, -ENOMEM, "%s: out of memory", doing);
	memcpy(argv, options, n * sizeof(*argv));
	memcpy(argv + n, args, n_args * sizeof(*argv));
	err = exec_ok(doing, (char *const *)(uintptr_t)argv, NULL, OVS_EXEC_TIMEOUT, out, e);
	free(argv);
	return err;
}

int
ovs_vsctl(const struct ovs_target *t, const char *doing, char **out, struct err *e,
	  const char *const args[])
{
	char db[OVS_PATH_MAX + 8], timeout[32];
	const char *options[] = { "ovs-vsctl", timeout, db };

	snprintf(timeout, sizeof(timeout), "--timeout=%d", OVS_TOOL_TIMEOUT);
	snprintf(db, sizeof(db), "--db=%s", t->db);
	return run_tool(doing, options, t->db[0] != '\0' ? 3 : 2, args, out, e);
}

int
ovs_ofctl(const struct ovs_target *t, const char *doing, const char *command, const char *bridge,
	  const char *arg, const char *in, unsigned int flags, char **out, struct err *e)
{
	char where[2 * OVS_PATH_MAX], timeout[32];
	const char *argv[] = { "ovs-ofctl",
			       "-O",
			       "OpenFlow15",
			       timeout,
			       flags & OVS_NAMES ? "--names" : "--no-names",
			       command,
			       where,
			       arg,
			       NULL };
	char *const *args = (char *const *)(uintptr_t)argv;
	struct exec_result r;
	int err;

	snprintf(timeout, sizeof(timeout), "--timeout=%d", OVS_TOOL_TIMEOUT);
	if (t->rundir[0] != '\0')
		snprintf(where, sizeof(where), "unix:%s/%s.mgmt", t->rundir, bridge);
	else
		snprintf(where, sizeof(where), "%s", bridge);
	if (!(flags & OVS_DIFFERS_OK))
		return exec_ok(doing, args, in, OVS_EXEC_TIMEOUT, out, e);
	err = exec_run(doing, args, in, OVS_EXEC_TIMEOUT, &r, e);
	if (err != 0)
		return err;
	if (r.status != 0 && (r.status != 2 || r.err[0] != '\0')) {
		err = err_set(e, -EIO, "%s: ovs-ofctl failed (status %d): %.700s", doing, r.status,
			      r.err);
	} else {
		*out = r.out;
		r.out = NULL;
	}
	exec_result_fini(&r);
	return err;
}

/* The daemon's control socket, by its pidfile or by its name. */
static int
control_socket(const struct ovs_target *t, const char *doing, char path[], size_t size,
	       struct err *e)
{
	char pattern[2 * OVS_PATH_MAX];
	long pid = 0;
	glob_t found;
	FILE *f;
	int err;

	if (t->rundir[0] == '\0') {
		snprintf(path, size, "ovs-vswitchd");
		return 0;
	}
	snprintf(pattern, sizeof(pattern), "%s/ovs-vswitchd.pid", t->rundir);
	f = fopen(pattern, "re");
	if (f != NULL) {
		if (fscanf(f, "%ld", &pid) != 1)
			pid = 0;
		fclose(f);
	}
	snprintf(path, size, "%s/ovs-vswitchd.%ld.ctl", t->rundir, pid);
	if (pid > 0 && access(path, F_OK) == 0)
		return 0;
	snprintf(pattern, sizeof(pattern), "%s/*vswitchd*.ctl", t->rundir);
	err = glob(pattern, 0, NULL, &found);
	if (err != 0)
		return err_set(
			e, -ENOENT,
			"%s: no control socket of ovs-vswitchd in %s: is the switch running, "
			"and is this its run folder?",
			doing, t->rundir);
	snprintf(path, size, "%s", found.gl_pathv[found.gl_pathc - 1]);
	globfree(&found);
	return 0;
}

int
ovs_appctl(const struct ovs_target *t, const char *doing, char **out, struct err *e,
	   const char *const args[])
{
	char path[2 * OVS_PATH_MAX], timeout[32];
	const char *const options[] = { "ovs-appctl", timeout, "-t", path };
	int err;

	err = control_socket(t, doing, path, sizeof(path), e);
	if (err != 0)
		return err;
	snprintf(timeout, sizeof(timeout), "--timeout=%d", OVS_TOOL_TIMEOUT);
	return run_tool(doing, options, 4, args, out, e);
}
