/*
 * stall PID NAME: stops the one thread of that process which has this name, and only it, as a
 * debugger would; says "stalled", and lets it go on when it is killed itself. For live.test.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static int
has_name(const char *pid, const char *tid, const char *name)
{
	char path[300], comm[32] = "";
	FILE *f;

	snprintf(path, sizeof path, "/proc/%s/task/%s/comm", pid, tid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (!fgets(comm, sizeof comm, f))
		comm[0] = '\0';
	fclose(f);
	comm[strcspn(comm, "\n")] = '\0';
	return strcmp(comm, name) == 0;
}

/* 0: there is none. */
static pid_t
find(const char *pid, const char *name)
{
	struct dirent *e;
	char path[64];
	pid_t tid = 0;
	DIR *d;

	snprintf(path, sizeof path, "/proc/%s/task", pid);
	d = opendir(path);
	while (d && tid == 0 && (e = readdir(d)) != NULL)
		if (has_name(pid, e->d_name, name))
			tid = atoi(e->d_name);
	if (d)
		closedir(d);
	return tid;
}

int
main(int argc, char *argv[])
{
	pid_t tid = argc == 3 ? find(argv[1], argv[2]) : 0;

	if (tid == 0) {
		fprintf(stderr, "usage: stall PID NAME, of a thread that is there\n");
		return 2;
	}
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) != 0 ||
	    ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) != 0 || waitpid(tid, NULL, __WALL) != tid) {
		fprintf(stderr, "stall: thread %d: %s\n", tid, strerror(errno));
		return 1;
	}
	printf("stalled\n");
	fflush(stdout);
	/* The kernel lets it go when its tracer ends. */
	for (;;)
		pause();
}
