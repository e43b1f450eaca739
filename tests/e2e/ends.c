/*
 * ends.c - see ends.h.
 *
 *	ends CLIENT_NETNS SERVER_NETNS ADDRESS PORT bulk N SECONDS
 *	ends CLIENT_NETNS SERVER_NETNS ADDRESS PORT short N SECONDS
 *	ends CLIENT_NETNS SERVER_NETNS ADDRESS PORT rr N SECONDS WINDOW
 *	ends CLIENT_NETNS SERVER_NETNS ADDRESS PORT hold N SECONDS RATE
 *
 * The namespaces are files as in /run/netns.  ADDRESS is where the client connects; the server
 * takes every address of its namespace.  `hold` ends with its standard input, or after SECONDS.
 */
#include "ends.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { WARM_US = 300000, GRACE_S = 20 };

int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
enter(const char *netns)
{
	int fd = open(netns, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET) != 0)
		die(netns);
	close(fd);
}

static void
start_server(const char *netns, uint16_t port, struct shared *s)
{
	pid_t parent = getpid();
	int ready[2];
	char byte;

	if (pipe(ready) != 0)
		die("pipe");
	switch (fork()) {
	case -1:
		die("fork");
	case 0:
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			exit(1);
		close(ready[0]);
		enter(netns);
		serve(port, s, ready[1]);
	default:
		close(ready[1]);
		if (read(ready[0], &byte, 1) != 1)
			die("the server does not start");
		close(ready[0]);
	}
}

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: ends CLIENT_NETNS SERVER_NETNS ADDRESS PORT "
			"bulk|short|rr|hold N SECONDS [WINDOW|RATE]\n");
	exit(2);
}

static void
run(const char *what, struct plan *p, unsigned extra)
{
	if (strcmp(what, "bulk") == 0) {
		client_bulk(p);
	} else if (strcmp(what, "short") == 0) {
		client_short(p);
	} else if (strcmp(what, "rr") == 0) {
		p->window = extra && extra < p->n ? extra : p->n;
		client_rr(p);
	} else if (strcmp(what, "hold") == 0) {
		p->rate = extra;
		client_hold(p);
	} else {
		usage();
	}
}

int
main(int argc, char *argv[])
{
	const struct rlimit fds = { N_FDS, N_FDS };
	struct shared *s =
		mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct plan p = { .warm_us = WARM_US, .server = s };
	uint16_t port;

	if (argc < 8 || s == MAP_FAILED)
		usage();
	port = (uint16_t)atoi(argv[4]);
	p.to = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
	p.n = (unsigned)atoi(argv[6]);
	p.time_us = (int64_t)(atof(argv[7]) * 1e6);
	if (inet_pton(AF_INET, argv[3], &p.to.sin_addr) != 1 || port == 0 || p.n == 0 ||
	    p.n > N_FDS - 100 || p.time_us <= 0)
		usage();
	signal(SIGPIPE, SIG_IGN);
	if (setrlimit(RLIMIT_NOFILE, &fds) != 0)
		die("RLIMIT_NOFILE");
	start_server(argv[2], port, s);
	enter(argv[1]);
	alarm((unsigned)(p.time_us / 1000000) + GRACE_S);
	run(argv[5], &p, argc > 8 ? (unsigned)atoi(argv[8]) : 0);
	return 0;
}
