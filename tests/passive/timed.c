/*
 * timed CORE PROGRAM [ARGUMENT...]: runs it on one core, silent, and says what it took:
 *	{"cpu": SECONDS, "wall": SECONDS, "rss_mb": PEAK, "status": EXIT STATUS}
 *
 * A program of its own, for the peak of who starts a program counts as the program's.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double
seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
become(char **argv)
{
	int null = open("/dev/null", O_RDWR);
	cpu_set_t core;

	CPU_ZERO(&core);
	CPU_SET(atoi(argv[1]), &core);
	sched_setaffinity(0, sizeof core, &core);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	execvp(argv[2], argv + 2);
	_exit(127);
}

int
main(int argc, char **argv)
{
	double began = now();
	struct rusage used;
	int status;
	pid_t pid;

	if (argc < 3) {
		fprintf(stderr, "usage: timed CORE PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	pid = fork();
	if (pid == 0)
		become(argv);
	if (pid < 0 || wait4(pid, &status, 0, &used) != pid) {
		perror("timed");
		return 1;
	}
	printf("{\"cpu\": %.6f, \"wall\": %.6f, \"rss_mb\": %.1f, \"status\": %d}\n",
	       seconds(used.ru_utime) + seconds(used.ru_stime), now() - began,
	       (double)used.ru_maxrss / 1024,
	       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return 0;
}
