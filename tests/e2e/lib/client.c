/*
 * client.c - the client's end: see ends.h.
 *
 * One loop serves all: connections are lanes, each with what it has sent and read.  Times count
 * from the call of connect() (short) or send() (rr) to the reply's last byte.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/e2e/ends.h"

enum { N_EVENTS = 256, CHUNK = 1 << 17, N_TIMES = 1 << 22, DRAIN_US = 5000000, OPEN_US = 10000000 };

struct lane {
	int fd;		/* -1: none */
	bool asked;	/* the request is out */
	unsigned got;	/* of the reply */
	int64_t began;	/* us */
};

static const struct plan *plan;
static struct lane lane[N_FDS];
static uint32_t times[N_TIMES];	/* us, of all that were measured */
static unsigned n_times, n_failed, n_opened;
static char chunk[CHUNK], in[REPLY];
static int ep;

/* --- connections --- */

static void
watch(unsigned i, int op, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.u32 = i };

	if (epoll_ctl(ep, op, lane[i].fd, &e) != 0)
		die("epoll_ctl");
}

/* Neither blocks nor fails: what goes wrong shows when the lane is served. */
static void
lane_open(unsigned i)
{
	struct sockaddr_in to = plan->to;
	int one = 1;

	lane[i] = (struct lane){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0) };
	if (lane[i].fd < 0)
		die("socket");
	setsockopt(lane[i].fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	to.sin_port = htons((uint16_t)(ntohs(to.sin_port) + n_opened++ % N_PORTS));
	lane[i].began = now_us();
	if (connect(lane[i].fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS)
		die("connect");
	watch(i, EPOLL_CTL_ADD, EPOLLOUT);
}

static void
lane_close(unsigned i)
{
	close(lane[i].fd);
	lane[i].fd = -1;
}

static void
lane_failed(unsigned i)
{
	n_failed++;
	lane_close(i);
}

static bool
ask(unsigned i)
{
	lane[i].asked = true;
	lane[i].got = 0;
	chunk[0] = FOR_REPLY;
	return send(lane[i].fd, chunk, REQUEST, 0) == REQUEST;
}

/* Reads what has come of the reply: 1 when it is whole, 0 when more is to come, -1 on an end. */
static int
reply_step(struct lane *l)
{
	ssize_t n = recv(l->fd, in, sizeof in, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -1;
	l->got += (unsigned)n;
	return l->got >= REPLY;
}

/* A connection that has come up asks its first request; 1 when a reply is whole, as above. */
static int
lane_step(unsigned i)
{
	struct lane *l = &lane[i];

	if (l->asked)
		return reply_step(l);
	if (!ask(i))
		return -1;
	watch(i, EPOLL_CTL_MOD, EPOLLIN);
	return 0;
}

/* --- figures --- */

static void
took(int64_t us)
{
	if (n_times < N_TIMES)
		times[n_times++] = (uint32_t)us;
}

static int
by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* What all of `short` and `rr` print: `n` in the window, `all` since the start. */
static void
print_times(unsigned n, uint64_t all, int64_t us)
{
	unsigned last = n_times ? n_times - 1 : 0;

	qsort(times, n_times, sizeof times[0], by_value);
	printf("{\"per_second\": %.1f, \"p50_us\": %u, \"p99_us\": %u, \"n\": %llu, "
	       "\"failed\": %u}\n",
	       n * 1e6 / (double)us, times[last / 2], times[(uint64_t)last * 99 / 100],
	       (unsigned long long)all, n_failed);
}

/* --- the loop --- */

typedef void serve_fn(unsigned i, uint32_t events);

static void
turn(int64_t until, serve_fn *serve_lane)
{
	struct epoll_event e[N_EVENTS];
	int64_t left = until - now_us();
	int i, n = epoll_wait(ep, e, N_EVENTS, left > 0 ? (int)(left / 1000) + 1 : 0);

	for (i = 0; i < n; i++)
		if (lane[e[i].data.u32].fd >= 0)
			serve_lane(e[i].data.u32, e[i].events);
}

static unsigned
n_lanes_open(void)
{
	unsigned i, n = 0;

	for (i = 0; i < plan->n; i++)
		n += lane[i].fd >= 0;
	return n;
}

static void
begin(const struct plan *p)
{
	plan = p;
	ep = epoll_create1(0);
}

/* --- bulk --- */

static void
bulk_serve(unsigned i, uint32_t events)
{
	if (events & EPOLLERR) {
		lane_failed(i);
		return;
	}
	if (events & EPOLLIN) {		/* the server has read all, or is gone */
		lane_close(i);
		return;
	}
	if (send(lane[i].fd, chunk, sizeof chunk, 0) < 0 && errno != EAGAIN)
		lane_failed(i);
}

static uint64_t
bulk_until(int64_t at)
{
	while (now_us() < at && n_lanes_open())
		turn(at, bulk_serve);
	return plan->server->bytes;
}

void
client_bulk(const struct plan *p)
{
	int64_t from = now_us() + p->warm_us, to = from + p->time_us;
	uint64_t first, last;
	unsigned i;

	begin(p);
	memset(chunk, FOR_BULK, sizeof chunk);
	for (i = 0; i < p->n; i++)
		lane_open(i);
	first = bulk_until(from);
	from = now_us();
	last = bulk_until(to);
	to = now_us();
	for (i = 0; i < p->n; i++)
		if (lane[i].fd >= 0) {
			watch(i, EPOLL_CTL_MOD, EPOLLIN);
			shutdown(lane[i].fd, SHUT_WR);
		}
	bulk_until(to + DRAIN_US);
	printf("{\"mbit\": %.1f, \"bytes\": %llu, \"failed\": %u}\n",
	       (double)(last - first) * 8 / (double)(to - from),
	       (unsigned long long)p->server->bytes, n_failed + n_lanes_open());
}

/* --- short --- */

static int64_t window_from, window_to;
static unsigned n_in_window;
static uint64_t n_all;

static void
count(int64_t began)
{
	int64_t now = now_us();

	n_all++;
	if (now < window_from || now >= window_to)
		return;
	n_in_window++;
	took(now - began);
}

static void
short_serve(unsigned i, uint32_t events)
{
	int rc = lane_step(i);

	(void)events;
	if (rc == 0)
		return;
	if (rc > 0) {
		count(lane[i].began);
		lane_close(i);
	} else {
		lane_failed(i);
	}
	if (now_us() < window_to)
		lane_open(i);
}

void
client_short(const struct plan *p)
{
	unsigned i;

	begin(p);
	window_from = now_us() + p->warm_us;
	window_to = window_from + p->time_us;
	for (i = 0; i < p->n; i++)
		lane_open(i);
	while (n_lanes_open() && now_us() < window_to + DRAIN_US)
		turn(window_to + DRAIN_US, short_serve);
	n_failed += n_lanes_open();
	print_times(n_in_window, n_all, p->time_us);
}

/* --- rr --- */

static unsigned n_ready, next_lane;

static void
rr_ask_next(void)
{
	unsigned k;

	for (k = 0; k < plan->n; k++) {
		unsigned i = next_lane++ % plan->n;

		if (lane[i].fd < 0 || lane[i].got < REPLY)
			continue;
		lane[i].began = now_us();
		if (ask(i))
			return;
		lane_failed(i);
	}
}

static void
rr_serve(unsigned i, uint32_t events)
{
	int rc = lane_step(i);

	(void)events;
	if (rc < 0)
		lane_failed(i);
	else if (rc > 0 && n_ready < plan->n)
		n_ready++;	/* its first reply: it is open */
	else if (rc > 0)
		count(lane[i].began);
	if (rc != 0 && n_ready == plan->n && now_us() < window_to && window_to)
		rr_ask_next();
}

/* Each lane's first exchange opens it. */
static void
open_all(const struct plan *p, serve_fn *serve_lane)
{
	int64_t until = now_us() + OPEN_US, from = now_us();
	unsigned n = 0;

	while (n_ready + n_failed < p->n && now_us() < until) {
		while (n < p->n &&
		       (!p->rate || (now_us() - from) * p->rate >= n * INT64_C(1000000)))
			lane_open(n++);
		turn(p->rate ? now_us() + 1000 : until, serve_lane);
		if (p->rate)
			until = now_us() + OPEN_US;
	}
}

void
client_rr(const struct plan *p)
{
	unsigned i;

	begin(p);
	open_all(p, rr_serve);
	window_from = now_us() + p->warm_us;
	window_to = window_from + p->time_us;
	for (i = 0; i < p->window; i++)
		rr_ask_next();
	while (now_us() < window_to && n_failed < p->n)
		turn(window_to, rr_serve);
	n_failed += p->n - n_ready;
	print_times(n_in_window, n_all, p->time_us);
}

/* --- hold --- */

static void
hold_serve(unsigned i, uint32_t events)
{
	int rc = lane_step(i);

	(void)events;
	if (rc < 0)
		lane_failed(i);
	else if (rc > 0)
		n_ready++;
}

void
client_hold(const struct plan *p)
{
	int64_t until = now_us() + p->time_us;
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = N_FDS - 1 };
	ssize_t n = 1;

	begin(p);
	open_all(p, hold_serve);
	printf("{\"open\": %u, \"failed\": %u}\n", n_ready - n_failed, n_failed);
	fflush(stdout);
	fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
	epoll_ctl(ep, EPOLL_CTL_ADD, STDIN_FILENO, &e);
	lane[N_FDS - 1].fd = -1;
	while (now_us() < until && n != 0) {
		turn(now_us() + 100000, hold_serve);
		n = read(STDIN_FILENO, in, sizeof in);
	}
	printf("{\"still\": %lld, \"failed\": %u}\n", (long long)p->server->open, n_failed);
}
