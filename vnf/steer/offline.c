/*
 * offline.c - see offline.h.
 */
#include "vnf/steer/offline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/steer/state.h"
#include "vnf/steer/switch.h"

enum { EXIT_USAGE = 2, PATH_ROOM = 256 };

static int
state_path(const struct options *o, char path[PATH_ROOM], struct err *err)
{
	const char *run = o->run_dir ? o->run_dir : getenv("LEAT_RUNDIR");
	int n = snprintf(path, PATH_ROOM, "%s/%s.switch", run ? run : LEAT_RUNDIR, o->name);

	return n < PATH_ROOM ? 0 : err_set(err, -ENAMETOOLONG, "--run-dir: the path is too long");
}

static int
read_state(const struct options *o, const char *path, struct steer_state *state, struct err *err)
{
	int rc = steer_state_read(path, state, err);

	if (rc == -ENOENT)
		return err_set(
			err, rc,
			"there is no %s: no leatd called %s has run here; name the folder of "
			"its control socket by -s, or the instance by -i",
			path, o->name);
	return rc;
}

/* The mark comes first: a leatd that wakes up in between does not put the rules back. */
static int
take_away(const struct steer_switch *w, const char *path, struct steer_state *state,
	  enum steer_held held, bool dry_run, struct err *err)
{
	int rc = 0;

	state->held = held;
	if (!dry_run)
		rc = steer_state_write(path, state, err);
	if (rc != 0)
		return rc;
	return held == STEER_HELD_CLEAR ? steer_switch_clear(w, dry_run, stdout, err)
					: steer_switch_bypass(w, dry_run, stdout, err);
}

static int
show(const struct steer_switch *w, const struct steer_state *state, struct err *err)
{
	if (state->held != STEER_HELD_NOT)
		printf("# taken away by steer %s\n", steer_held_name(state->held));
	return steer_switch_show(w, NULL, stdout, err);
}

int
steer_offline(const struct options *o)
{
	bool clear = strcmp(o->offline, "clear") == 0, bypass = strcmp(o->offline, "bypass") == 0;
	struct steer_state state;
	struct steer_switch w;
	struct err err = { 0 };
	char path[PATH_ROOM];
	int rc;

	if (!clear && !bypass && strcmp(o->offline, "show") != 0) {
		fprintf(stderr, "leatd: --offline '%s': show, clear or bypass is needed\n",
			o->offline);
		return EXIT_USAGE;
	}
	rc = state_path(o, path, &err);
	if (rc == 0)
		rc = read_state(o, path, &state, &err);
	if (rc == 0)
		rc = steer_switch_init(&w, state.ovs_db, state.ovs_rundir, state.instance, &err);
	if (rc == 0 && (clear || bypass))
		rc = take_away(&w, path, &state, clear ? STEER_HELD_CLEAR : STEER_HELD_BYPASS,
			       o->dry_run, &err);
	else if (rc == 0)
		rc = show(&w, &state, &err);
	if (rc == 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "leatd: %s\n", err.msg);
	return EXIT_FAILURE;
}
