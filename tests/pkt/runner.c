/*
 * runner.c - plays packet scripts: those of tests/pkt/scripts/, or the files given.
 *
 * One result line a script, named as its file.  The language: tests/pkt/README.md.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/pkt/lib/play.h"

static bool
run_one(const char *path)
{
	static struct script s;
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	bool ok = script_read(&s, path) == 0;

	if (ok && s.n_events == 0) {
		printf("# %s: no event\n", path);
		ok = false;
	}
	ok = ok && play(&s);
	printf("%s - %.*s\n", ok ? "ok" : "not ok", (int)strcspn(name, "."), name);
	fflush(stdout);
	return ok;
}

int
main(int argc, char **argv)
{
	const char *src = getenv("LEAT_SRCDIR");
	unsigned n_failed = 0;
	char pattern[4096];
	glob_t found;

	for (int i = 1; i < argc; i++)
		n_failed += !run_one(argv[i]);
	if (argc > 1)
		return n_failed > 0;
	snprintf(pattern, sizeof pattern, "%s/tests/pkt/scripts/*.pkt", src ? src : ".");
	if (glob(pattern, 0, NULL, &found) != 0) {
		printf("not ok - there_are_scripts_at_%s\n", pattern);
		return 1;
	}
	for (size_t i = 0; i < found.gl_pathc; i++)
		n_failed += !run_one(found.gl_pathv[i]);
	globfree(&found);
	return n_failed > 0;
}
