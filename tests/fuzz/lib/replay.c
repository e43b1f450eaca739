/*
 * replay.c - runs a fuzz target over files, in builds without libFuzzer.
 *
 * Usage: TARGET FILE-OR-FOLDER...  A target's corpus is its folder.  The name of
 * each input is printed before it runs, so that the log of a crash ends with it.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

/* Returns 0, or a negative errno if the file can't be read. */
static int
replay_file(const char *path, size_t size)
{
	/* Exact size: a sanitizer sees a read one byte past the input. */
	uint8_t *bytes = malloc(size);
	FILE *f = fopen(path, "rb");
	int r = -EIO;

	printf("# %s (%zu bytes)\n", path, size);
	if (f && (bytes || !size) && fread(bytes, 1, size, f) == size) {
		LLVMFuzzerTestOneInput(bytes, size);
		r = 0;
	}
	if (f)
		fclose(f);
	free(bytes);
	return r;
}

/* Returns how many inputs ran, or a negative errno. */
static int
replay(const char *path)
{
	struct dirent **entries;
	char name[4096];
	struct stat st;
	int i, n, r, n_run = 0;

	if (stat(path, &st))
		return -errno;
	if (!S_ISDIR(st.st_mode)) {
		r = replay_file(path, (size_t)st.st_size);
		return r ? r : 1;
	}
	/* Sorted, so that state which inputs leave behind is the same in every run. */
	n = scandir(path, &entries, NULL, alphasort);
	if (n < 0)
		return -errno;
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
		r = entries[i]->d_name[0] == '.' || n_run < 0 ? 0 : replay(name);
		if (n_run >= 0)
			n_run = r < 0 ? r : n_run + r;
		free(entries[i]);
	}
	free(entries);
	return n_run;
}

int
main(int argc, char **argv)
{
	const char *target = strrchr(argv[0], '/');
	int i, r, n_run = 0;

	target = target ? target + 1 : argv[0];
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (i = 1; i < argc; i++) {
		r = replay(argv[i]);
		if (r < 0) {
			printf("# %s: %s\n", argv[i], strerror(-r));
			printf("not ok - %s replays its corpus\n", target);
			return 1;
		}
		n_run += r;
	}
	if (n_run == 0) {
		printf("# no input in %s\n", argc > 1 ? argv[1] : "(no argument)");
		printf("not ok - %s replays its corpus\n", target);
		return 1;
	}
	printf("ok - %s replays its corpus (%d inputs)\n", target, n_run);
	return 0;
}
