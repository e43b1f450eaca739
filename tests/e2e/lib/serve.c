/* serve.c - the server's end: see ends.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/e2e/ends.h"

enum { N_EVENTS = 256, READ_SIZE = 1 << 18, BACKLOG = 4096 };

struct conn {
	bool is_listener;
	char what;	/* FOR_BULK or FOR_REPLY; 0: not known yet */
	unsigned got;	/* of the request under way */
};

static struct conn conn[N_FDS];
static char in[READ_SIZE];
static const char reply[REPLY];
static struct shared *shared;
static int ep;

static void
watch(int fd, bool is_listener)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	if (fd >= N_FDS) {
		close(fd);
		return;
	}
	conn[fd] = (struct conn){ .is_listener = is_listener };
	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) != 0)
		die("epoll_ctl");
}

static void
listen_on(uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, BACKLOG) != 0)
		die("listen");
	watch(fd, true);
}

static void
take_all(int listener)
{
	int one = 1, fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		shared->open++;
		watch(fd, false);
	}
}

static void
forget(int fd)
{
	close(fd);
	shared->open--;
}

/* A client asks again only when it has the whole reply: it always fits the socket's buffer. */
static bool
answer(int fd, struct conn *c, unsigned n)
{
	for (c->got += n; c->got >= REQUEST; c->got -= REQUEST) {
		if (send(fd, reply, sizeof reply, 0) != sizeof reply)
			return false;
		shared->requests++;
	}
	return true;
}

static void
readable(int fd)
{
	struct conn *c = &conn[fd];
	ssize_t n = recv(fd, in, sizeof in, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		forget(fd);
		return;
	}
	if (!c->what)
		c->what = in[0];
	if (c->what == FOR_BULK)
		shared->bytes += (uint64_t)n;
	else if (!answer(fd, c, (unsigned)n))
		forget(fd);
}

void
serve(uint16_t port, struct shared *s, int ready)
{
	struct epoll_event e[N_EVENTS];
	int i, n;

	shared = s;
	ep = epoll_create1(0);
	for (i = 0; i < N_PORTS; i++)
		listen_on((uint16_t)(port + i));
	if (write(ready, "r", 1) != 1)
		die("ready");
	close(ready);
	for (;;) {
		n = epoll_wait(ep, e, N_EVENTS, -1);
		for (i = 0; i < n; i++)
			if (conn[e[i].data.fd].is_listener)
				take_all(e[i].data.fd);
			else
				readable(e[i].data.fd);
	}
}
