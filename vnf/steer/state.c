/*
 * state.c - see state.h.
 */
#include "vnf/steer/state.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vnf/text_file.h"

enum { STATE_MAX = 4096, PATH_ROOM = 300 };

static const char *const held_names[] = {
	[STEER_HELD_NOT] = "no",
	[STEER_HELD_BYPASS] = "bypass",
	[STEER_HELD_CLEAR] = "clear",
};

const char *
steer_held_name(enum steer_held held)
{
	return held_names[held];
}

static bool
read_held(const char *value, enum steer_held *held)
{
	size_t i;

	for (i = 0; i < sizeof held_names / sizeof held_names[0]; i++)
		if (strcmp(held_names[i], value) == 0) {
			*held = (enum steer_held)i;
			return true;
		}
	return false;
}

static bool
read_path(const char *value, char to[OVS_PATH_MAX])
{
	size_t len = strlen(value);

	if (value[0] != '/' && strncmp(value, "unix:/", 6) != 0)
		return false;
	if (len >= OVS_PATH_MAX)
		return false;
	memcpy(to, value, len + 1);
	return true;
}

/* Keys of a later version are passed over. */
static bool
read_line(const char *key, const char *value, struct steer_state *s)
{
	char *end;

	if (strcmp(key, "instance") == 0) {
		s->instance = (unsigned)strtoul(value, &end, 10);
		return *value && *end == '\0' && s->instance <= 255;
	}
	if (strcmp(key, "ovs-db") == 0)
		return read_path(value, s->ovs_db);
	if (strcmp(key, "ovs-rundir") == 0)
		return read_path(value, s->ovs_rundir);
	if (strcmp(key, "held") == 0)
		return read_held(value, &s->held);
	return true;
}

int
steer_state_read(const char *path, struct steer_state *s, struct err *err)
{
	char *text, *line, *save, *value;
	size_t len;
	int rc = text_file_read(path, STATE_MAX, &text, &len, err);

	*s = (struct steer_state){ .instance = 0 };
	if (rc != 0)
		return rc;
	for (line = strtok_r(text, "\n", &save); line && rc == 0;
	     line = strtok_r(NULL, "\n", &save)) {
		value = strchr(line, ' ');
		if (value)
			*value++ = '\0';
		if (!value || !read_line(line, value, s))
			rc = err_set(err, -EINVAL, "%s: '%s %s' is not understood", path, line,
				     value ? value : "");
	}
	free(text);
	return rc;
}

int
steer_state_write(const char *path, const struct steer_state *s, struct err *err)
{
	char next[PATH_ROOM];
	FILE *f;
	int rc = 0;

	if ((size_t)snprintf(next, sizeof next, "%s.new", path) >= sizeof next)
		return err_set(err, -ENAMETOOLONG, "%s: the path is too long", path);
	f = fopen(next, "we");
	if (!f)
		return err_set(err, -errno, "%s: %s", next, strerror(errno));
	fprintf(f, "instance %u\n", s->instance);
	if (s->ovs_db[0])
		fprintf(f, "ovs-db %s\n", s->ovs_db);
	if (s->ovs_rundir[0])
		fprintf(f, "ovs-rundir %s\n", s->ovs_rundir);
	fprintf(f, "held %s\n", held_names[s->held]);
	if (fclose(f) != 0 || rename(next, path) != 0) {
		rc = err_set(err, -errno, "%s: %s", path, strerror(errno));
		unlink(next);
	}
	return rc;
}
