/*
 * poll.c - waiting for several sockets; pipes, and what is moved between them and sockets.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "tests/pkt/adapter/adapter.h"

enum { SPLICE_MAX = 65536 };

/* What is so now, as Linux's tcp_poll() says it. */
static uint32_t
state_of(const struct sock *s)
{
	bool in_over = s->eof || s->shut_rd || s->kind == SOCK_OVER;
	bool out_over = s->shut_wr || s->kind == SOCK_OVER;
	uint32_t e = 0;

	if (s->kind == SOCK_LISTENS)
		return sock_first_of(s) ? EPOLLIN | EPOLLRDNORM : 0;
	if (s->kind == SOCK_NEW)
		return EPOLLOUT | EPOLLWRNORM | EPOLLHUP;
	if (s->kind == SOCK_OPENS)
		return 0;
	if (io_readable(s) > 0 || in_over)
		e |= EPOLLIN | EPOLLRDNORM;
	if (in_over)
		e |= EPOLLRDHUP;
	if (in_over && out_over)
		e |= EPOLLHUP;
	if (io_writable(s) || out_over)
		e |= EPOLLOUT | EPOLLWRNORM;
	if (io_urgent(s))
		e |= EPOLLPRI;
	if (s->error)
		e |= EPOLLERR;
	return e;
}

/* --- poll --- */

static struct {
	struct pollfd *p;
	nfds_t n;
} polled;

static int
look(void)
{
	int n = 0;

	for (nfds_t i = 0; i < polled.n; i++) {
		struct pollfd *p = &polled.p[i];
		const struct sock *s = p->fd < 0 ? NULL : sock_of(p->fd);

		p->revents = 0;
		if (s)
			p->revents =
				(short)(state_of(s) & ((uint32_t)p->events | POLLERR | POLLHUP));
		else if (p->fd >= 0)
			p->revents = POLLNVAL;
		n += p->revents != 0;
	}
	return n;
}

static bool
any_polled(struct sock *s)
{
	(void)s;
	return look() > 0;
}

int
poll_poll(void *self, struct pollfd *p, nfds_t n, int ms)
{
	int found;

	(void)self;
	clock_lock();
	polled.p = p;
	polled.n = n;
	clock_wait(any_polled, NULL, ms < 0 ? -1 : ms * 1000LL);
	found = look();
	clock_unlock();
	return found;
}

/* --- epoll --- */

int
poll_create(void *self, int size)
{
	struct sock *ep;
	int fd;

	(void)self, (void)size;
	clock_lock();
	fd = sock_placeholder();
	ep = sock_new(fd);
	if (ep)
		ep->kind = SOCK_EPOLL;
	clock_unlock();
	return ep ? fd : -1;
}

static int
control(struct sock *ep, int op, int fd, const struct epoll_event *e)
{
	unsigned i = 0;

	while (i < ep->n_watched && ep->watched[i].fd != fd)
		i++;
	if (op == EPOLL_CTL_ADD ? i < ep->n_watched : i == ep->n_watched)
		return op == EPOLL_CTL_ADD ? EEXIST : ENOENT;
	if (i == N_WATCHED)
		return ENOSPC;
	if (op == EPOLL_CTL_DEL) {
		ep->watched[i] = ep->watched[--ep->n_watched];
		return 0;
	}
	ep->watched[i] = (struct watched){ .fd = fd, .event = *e, .fresh = true };
	ep->n_watched = RTE_MAX(ep->n_watched, i + 1);
	return 0;
}

int
poll_ctl(void *self, int ep, int op, int fd, struct epoll_event *e)
{
	struct sock *s;
	int error;

	(void)self;
	clock_lock();
	s = sock_of(ep);
	error = !s || !sock_of(fd) ? EBADF : s->kind != SOCK_EPOLL ? EINVAL : control(s, op, fd, e);
	clock_unlock();
	return error ? fail(error) : 0;
}

/* Edge-triggered: something that it asked for happened since it was told. */
static bool
happened(const struct watched *w, const struct sock *s)
{
	return w->fresh || w->told[HAPPENED_ALL] != s->n_events[HAPPENED_ALL] ||
	       (w->event.events & (EPOLLIN | EPOLLRDNORM | EPOLLPRI) &&
		w->told[HAPPENED_IN] != s->n_events[HAPPENED_IN]) ||
	       (w->event.events & (EPOLLOUT | EPOLLWRNORM) &&
		w->told[HAPPENED_OUT] != s->n_events[HAPPENED_OUT]);
}

/* What there is to tell of one of them; 0: nothing. */
static uint32_t
news(const struct watched *w)
{
	const struct sock *s = sock_of(w->fd);

	if (!s || (w->event.events & EPOLLET && !happened(w, s)))
		return 0;
	return state_of(s) & (w->event.events | EPOLLERR | EPOLLHUP) & ~(EPOLLET | EPOLLONESHOT);
}

static bool
any_watched(struct sock *ep)
{
	for (unsigned i = 0; i < ep->n_watched; i++)
		if (news(&ep->watched[i]))
			return true;
	return false;
}

static int
collect(struct sock *ep, struct epoll_event *e, int n)
{
	int found = 0;

	for (unsigned i = 0; i < ep->n_watched && found < n; i++) {
		struct watched *w = &ep->watched[i];
		uint32_t events = news(w);

		if (!events)
			continue;
		e[found++] = (struct epoll_event){ .events = events, .data = w->event.data };
		memcpy(w->told, sock_of(w->fd)->n_events, sizeof w->told);
		w->fresh = false;
		if (w->event.events & EPOLLONESHOT)
			w->event.events = 0;
	}
	return found;
}

int
poll_wait(void *self, int ep, struct epoll_event *e, int n, int ms)
{
	struct sock *s;
	int found = -1;

	(void)self;
	clock_lock();
	s = sock_of(ep);
	if (s) {
		clock_wait(any_watched, s, ms < 0 ? -1 : ms * 1000LL);
		found = collect(s, e, n);
	}
	clock_unlock();
	return found;
}

/* --- pipes --- */

int
poll_pipe(void *self, int fd[2])
{
	(void)self;
	return pipe(fd);
}

int
poll_splice(void *self, int from, loff_t *from_at, int to, loff_t *to_at, size_t n, unsigned flags)
{
	static char b[SPLICE_MAX];
	struct iovec v = { b, RTE_MIN(n, sizeof b) };
	int how = flags & SPLICE_F_NONBLOCK ? MSG_DONTWAIT : 0;
	ssize_t got;

	(void)self, (void)from_at, (void)to_at;
	got = sock_of(from) ? io_receive(from, &v, 1, how) : read(from, b, v.iov_len);
	if (got <= 0)
		return (int)got;
	v.iov_len = (size_t)got;
	return (int)(sock_of(to) ? io_send(to, &v, 1, how) : write(to, b, v.iov_len));
}
