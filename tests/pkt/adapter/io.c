/*
 * io.c - reading and writing: blocking, peeking, corked, out of band.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "tcpterm/endpoint.h"
#include "tests/pkt/adapter/adapter.h"

static struct endpoint *
end_of(const struct sock *s)
{
	return endpoint_of(s->f);
}

/* --- urgent data: one byte, out of its place (RFC 6093 3.1) --- */

void
io_note_urgent(const struct pkt *p)
{
	struct flow *f = p->kind == PKT_TCP && p->flags & TCP_URG && p->urgent
				 ? tcpterm_find_pkt(adapter.stack, p)
				 : NULL;
	struct sock *s = f && f->kind == TCPTERM_KIND_CONN ? f->caller : NULL;
	const struct conn *c;
	int64_t at;

	if (!s)
		return;
	c = &endpoint_of(f)->c;
	at = seq_offset(seq(p->seq), c->irs, c->rcv.nxt) + p->urgent - 1;
	if (at <= s->oob_at || at < endpoint_of(f)->rx.start)
		return;
	s->oob_at = at;
	s->oob_read = false;
	s->n_events[HAPPENED_IN]++;
}

static bool
is_inline(const struct sock *s)
{
	return option_of(s, SOL_SOCKET, SO_OOBINLINE, 0);
}

bool
io_urgent(const struct sock *s)
{
	return s->f && s->oob_at >= end_of(s)->rx.start && s->oob_at < end_of(s)->rx.end &&
	       !s->oob_read;
}

/* Who reads on at the mark goes over the byte. */
static void
pass_urgent(struct sock *s, bool peek)
{
	uint8_t b;

	if (!s->f || peek || s->oob_at < 0 || end_of(s)->rx.start != s->oob_at || is_inline(s))
		return;
	if (tcpterm_read(adapter.stack, s->f, &b, 1) == 1)
		s->oob_at = -1;
}

static ssize_t
receive_urgent(struct sock *s, void *b, int flags)
{
	const struct stream *rx = s->f ? &end_of(s)->rx : NULL;

	if (!rx || is_inline(s) || s->oob_at < rx->start || s->oob_read)
		return fail(EINVAL);
	if (s->oob_at >= rx->end)
		return s->eof || s->shut_rd ? 0 : fail(EAGAIN);
	stream_copy(rx, s->oob_at, 1, b);
	s->oob_read = !(flags & MSG_PEEK);
	return 1;
}

/* --- reading --- */

size_t
io_readable(const struct sock *s)
{
	size_t n = s->rest_len;

	if (s->f && s->kind == SOCK_CONNECTED) {
		const struct stream *rx = &end_of(s)->rx;

		n += stream_len(rx);
		if (!is_inline(s) && s->oob_at >= rx->start && s->oob_at < rx->end)
			n--;
	}
	return n;
}

void
io_keep_rest(struct sock *s)
{
	uint32_t n = stream_len(&end_of(s)->rx);

	s->rest = malloc(n ? n : 1);
	s->rest_len = 0;
	if (!s->rest || n == 0)
		return;
	stream_copy(&end_of(s)->rx, end_of(s)->rx.start, n, s->rest);
	s->rest_len = n;
}

/* Bytes up to the mark, copied out, and taken unless it is a peek. */
static size_t
take(struct sock *s, uint8_t *b, size_t n, bool peek)
{
	const struct stream *rx;
	size_t got = RTE_MIN(n, s->rest_len), room;

	if (got > 0) {
		memcpy(b, s->rest, got);
		if (!peek) {
			s->rest_len -= got;
			memmove(s->rest, s->rest + got, s->rest_len);
		}
		return got;
	}
	if (!s->f || s->kind != SOCK_CONNECTED)
		return 0;
	pass_urgent(s, peek);
	rx = &end_of(s)->rx;
	room = stream_len(rx);
	if (s->oob_at > rx->start && s->oob_at < rx->end)
		room = (size_t)(s->oob_at - rx->start);
	n = RTE_MIN(n, room);
	if (n == 0)
		return 0;
	if (peek)
		stream_copy(rx, rx->start, (uint32_t)n, b);
	else
		tcpterm_read(adapter.stack, s->f, b, n);
	return n;
}

/* Nothing more will come. */
static bool
is_at_end(const struct sock *s)
{
	return s->eof || s->error || s->shut_rd || s->kind == SOCK_OVER || s->kind == SOCK_NEW;
}

static size_t awaited;	/* bytes: by the one call that may block at a time */

static bool
has_enough(struct sock *s)
{
	return io_readable(s) >= awaited || is_at_end(s);
}

/* 0: the end; else an errno. */
static int
why_nothing(struct sock *s)
{
	int error = s->error;

	s->error = 0;
	return error ? error : s->eof || s->shut_rd || s->kind == SOCK_OVER ? 0 : EAGAIN;
}

static ssize_t
receive(struct sock *s, struct iovec *v, size_t n_v, int flags)
{
	bool block = !s->nonblock && !(flags & MSG_DONTWAIT);
	size_t total = 0, asked = 0;
	int error = 0;

	for (size_t i = 0; i < n_v; i++)
		asked += v[i].iov_len;
	if (s->kind == SOCK_NEW || s->kind == SOCK_LISTENS)
		return fail(s->error ? why_nothing(s) : ENOTCONN);
	if (flags & MSG_OOB)
		return asked ? receive_urgent(s, v[0].iov_base, flags) : fail(EINVAL);
	awaited = (size_t)option_of(s, SOL_SOCKET, SO_RCVLOWAT, 1);
	awaited = flags & MSG_WAITALL ? asked : RTE_MIN(RTE_MAX(awaited, 1u), asked);
	clock_wait(has_enough, s, block ? -1 : 0);
	for (size_t i = 0; i < n_v; i++) {
		size_t got = take(s, v[i].iov_base, v[i].iov_len, flags & MSG_PEEK);

		total += got;
		if (got < v[i].iov_len || flags & MSG_PEEK)
			break;
	}
	if (total == 0 && asked > 0)
		error = why_nothing(s);
	clock_pump();
	return error ? fail(error) : (ssize_t)total;
}

ssize_t
io_receive(int fd, struct iovec *v, size_t n, int flags)
{
	struct sock *s;
	ssize_t got;

	clock_lock();
	s = sock_of(fd);
	got = s ? receive(s, v, n, flags) : -1;
	clock_unlock();
	return got;
}

/* --- writing --- */

bool
io_writable(const struct sock *s)
{
	return s->f && s->kind == SOCK_CONNECTED &&
	       stream_len(&end_of(s)->tx) < end_of(s)->send_buffer;
}

static bool
may_send(struct sock *s)
{
	return io_writable(s) || s->error || s->shut_wr ||
	       (s->kind != SOCK_CONNECTED && s->kind != SOCK_OPENS);
}

/* A corked part of a segment leaves after 200 ms; in Linux the timer of shut windows sees to it. */
enum { CORK_US = 200 * 1000 };

usec_t
io_next_push(void)
{
	usec_t at = USEC_NEVER;

	for (unsigned i = 0; i < N_SOCKS; i++)
		if (adapter.socks[i].fd != 0)
			at = usec_min(at, adapter.socks[i].push_at);
	return at;
}

void
io_push_due(void)
{
	for (unsigned i = 0; i < N_SOCKS; i++)
		if (adapter.socks[i].fd != 0 && !usec_before(adapter.now, adapter.socks[i].push_at))
			io_uncork(&adapter.socks[i]);
}

/* What is whole segments, or all. */
static void
push(struct sock *s, bool all)
{
	size_t n = s->n_corked;

	if (!s->f || n == 0) {
		s->push_at = USEC_NEVER;
		return;
	}
	if (!all)
		n -= n % end_of(s)->c.mss;
	if (n == 0)
		return;
	tcpterm_write(adapter.stack, s->f, s->corked, n);
	s->n_corked -= n;
	memmove(s->corked, s->corked + n, s->n_corked);
	s->push_at = s->n_corked > 0 ? usec_add(adapter.now, CORK_US) : USEC_NEVER;
}

void
io_uncork(struct sock *s)
{
	push(s, true);
}

static void
cork(struct sock *s, const uint8_t *b, size_t n)
{
	uint8_t *more = realloc(s->corked, s->n_corked + n);

	if (!more)
		return;
	s->corked = more;
	memcpy(s->corked + s->n_corked, b, n);
	if (s->n_corked == 0)
		s->push_at = usec_add(adapter.now, CORK_US);
	s->n_corked += n;
	push(s, false);
}

static int
why_not_sent(struct sock *s)
{
	int error = s->error;

	s->error = 0;
	if (error)
		return error;
	return s->kind == SOCK_NEW || s->kind == SOCK_LISTENS ? EPIPE : s->shut_wr ? EPIPE : 0;
}

/* One piece; how much, or -1. */
static ssize_t
send_piece(struct sock *s, const uint8_t *b, size_t n, int flags)
{
	bool block = !s->nonblock && !(flags & MSG_DONTWAIT);
	bool hold = flags & MSG_MORE || option_of(s, IPPROTO_TCP, TCP_CORK, 0);
	size_t total = 0;
	ssize_t put;
	int error;

	do {
		clock_wait(may_send, s, block ? -1 : 0);
		error = why_not_sent(s);
		if (!error && s->kind == SOCK_OVER)
			error = EPIPE;
		if (error)
			return total ? (ssize_t)total : fail(error);
		if (!s->f || s->kind != SOCK_CONNECTED)
			return fail(EAGAIN);
		if (hold || s->n_corked > 0) {
			cork(s, b, n);
			push(s, !hold);
			return (ssize_t)n;
		}
		put = tcpterm_write(adapter.stack, s->f, b + total, n - total);
		total += put > 0 ? (size_t)put : 0;
		clock_pump();
	} while (block && total < n);
	return total > 0 || n == 0 ? (ssize_t)total : fail(EAGAIN);
}

ssize_t
io_send(int fd, const struct iovec *v, size_t n, int flags)
{
	ssize_t total = 0, put = 0;
	struct sock *s;

	clock_lock();
	s = sock_of(fd);
	for (size_t i = 0; s && i < n; i++) {
		/* one write, though in pieces */
		put = send_piece(s, v[i].iov_base, v[i].iov_len,
				 i + 1 < n ? flags | MSG_MORE : flags);
		if (put < 0)
			break;
		total += put;
		if ((size_t)put < v[i].iov_len)
			break;
	}
	clock_pump();
	clock_unlock();
	return !s || (put < 0 && total == 0) ? -1 : total;
}
