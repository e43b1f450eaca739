/*
 * sockets.c - sockets as POSIX has them, over flows.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "tcpterm/endpoint.h"
#include "tests/pkt/adapter/adapter.h"

int
fail(int error)
{
	errno = error;
	return -1;
}

struct sock *
sock_of(int fd)
{
	for (unsigned i = 0; fd > 0 && i < N_SOCKS; i++)
		if (adapter.socks[i].fd == fd)
			return &adapter.socks[i];
	fail(EBADF);
	return NULL;
}

struct sock *
sock_new(int fd)
{
	for (unsigned i = 0; i < N_SOCKS; i++) {
		struct sock *s = &adapter.socks[i];

		if (s->fd != 0)
			continue;
		*s = (struct sock){ .fd = fd, .oob_at = -1, .push_at = USEC_NEVER };
		s->local.sin_family = s->remote.sin_family = AF_INET;
		return s;
	}
	fail(ENFILE);
	return NULL;
}

/* A descriptor of the host's process, which it may close by itself. */
int
sock_placeholder(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static void
sock_free(struct sock *s)
{
	free(s->rest);
	free(s->corked);
	*s = (struct sock){ 0 };
}

/* --- what the stack says --- */

static struct tcpterm_verdict
on_unknown(void *ctx, const struct pkt *p)
{
	(void)ctx, (void)p;
	return (struct tcpterm_verdict){ .decision = TCPTERM_RESET };
}

/* What is no TCP, or is malformed, is for nobody. */
static void
on_forward(void *ctx, const struct pkt *p)
{
	(void)ctx;
	rte_pktmbuf_free(p->m);
}

static unsigned
queued(const struct sock *l)
{
	unsigned n = 0;

	for (unsigned i = 0; i < N_SOCKS; i++)
		n += adapter.socks[i].fd == -1 && adapter.socks[i].parent == l;
	return n;
}

/* As in Linux one more than the backlog waits; then SYNs are not answered. */
static struct tcpterm_verdict
on_syn(void *ctx, const struct tcpterm_syn *syn)
{
	struct sock *l = ctx;

	(void)syn;
	return (struct tcpterm_verdict){ .decision = queued(l) > (unsigned)l->backlog
							     ? TCPTERM_SILENT
							     : TCPTERM_ACCEPT,
					 .caller = l };
}

static void
set_address(struct sockaddr_in *a, const struct ip_addr *ip, uint16_t port)
{
	*a = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
	memcpy(&a->sin_addr, &ip->b[12], 4);
}

static void
on_new(void *ctx, struct flow *f)
{
	struct sock *s = adapter.opening, *parent = f->caller;
	const struct flow_key key = flow_key_of(f);
	unsigned peer = !s ? 0 : 1;

	(void)ctx;
	if (f->kind != TCPTERM_KIND_CONN)
		return;
	if (!s) {
		s = sock_new(-1);
		if (!s)
			return;
		s->parent = parent;
		s->order = adapter.n_accepted++;
		s->kind = SOCK_OPENS;
		memcpy(s->set, parent->set, sizeof s->set);
		s->n_set = parent->n_set;
		s->linger_on = parent->linger_on;
		s->linger_s = parent->linger_s;
		s->cc = parent->cc;
	}
	f->caller = s;
	s->f = f;
	set_address(&s->remote, &key.addr[peer], key.port[peer]);
	set_address(&s->local, &key.addr[!peer], key.port[!peer]);
	options_apply(s);
}

static void
on_established(void *ctx, struct flow *f)
{
	struct sock *s = f->caller;

	(void)ctx;
	if (!s)
		return;
	s->kind = SOCK_CONNECTED;
	s->n_events[HAPPENED_ALL]++;
	if (s->parent)
		s->parent->n_events[HAPPENED_IN]++;
}

static void
on_readable(void *ctx, struct flow *f)
{
	struct sock *s = f->caller;
	bool fin = endpoint_of(f)->rx.fin;

	(void)ctx;
	if (!s)
		return;
	s->n_events[fin && !s->eof ? HAPPENED_ALL : HAPPENED_IN]++;
	s->eof = fin;
}

static void
on_writable(void *ctx, struct flow *f)
{
	struct sock *s = f->caller;

	(void)ctx;
	if (s)
		s->n_events[HAPPENED_OUT]++;
}

static void
on_closed(void *ctx, struct flow *f, enum tcpterm_end why)
{
	struct sock *s = f->caller;

	(void)ctx, (void)why;
	if (!s)
		return;
	io_keep_rest(s);
	s->f = NULL;
	s->eof = true;
	s->error = tcpterm_error(f);
	s->n_events[HAPPENED_ALL]++;
	if (s->fd == -1 && s->kind == SOCK_OPENS)
		sock_free(s);
	else
		s->kind = SOCK_OVER;
}

const struct tcpterm_ops sock_ops = {
	.tx = wire_tx, .unknown = on_unknown, .flow_new = on_new, .forward = on_forward
};
const struct tcpterm_conn_ops sock_conn_ops = { .established = on_established,
						.readable = on_readable,
						.writable = on_writable,
						.closed = on_closed };

/* --- calls --- */

int
sock_socket(void *self, int domain, int type, int protocol)
{
	struct sock *s;
	int fd;

	(void)self, (void)protocol;
	if (domain != AF_INET || (type & 0xf) != SOCK_STREAM)
		return fail(EAFNOSUPPORT);
	clock_lock();
	fd = sock_placeholder();
	s = sock_new(fd);
	if (s)
		s->nonblock = type & SOCK_NONBLOCK;
	clock_unlock();
	return s ? fd : -1;
}

/* Who binds a port that another has, and both do not say SO_REUSEADDR, or who listens there. */
static bool
is_taken(const struct sock *s, const struct sockaddr_in *a)
{
	for (unsigned i = 0; i < N_SOCKS && a->sin_port; i++) {
		const struct sock *o = &adapter.socks[i];

		if (o->fd <= 0 || !o->bound || o->local.sin_port != a->sin_port)
			continue;
		if (o->kind == SOCK_LISTENS || !option_of(o, SOL_SOCKET, SO_REUSEADDR, 0) ||
		    !option_of(s, SOL_SOCKET, SO_REUSEADDR, 0))
			return true;
	}
	return false;
}

int
sock_bind(void *self, int fd, const struct sockaddr *a, socklen_t len)
{
	struct sock *s;
	int error;

	(void)self;
	clock_lock();
	s = sock_of(fd);
	error = !s ? EBADF : len < sizeof s->local || s->bound ? EINVAL : 0;
	if (!error && is_taken(s, (const struct sockaddr_in *)a))
		error = EADDRINUSE;
	if (!error) {
		memcpy(&s->local, a, sizeof s->local);
		s->bound = true;
	}
	clock_unlock();
	return error ? fail(error) : 0;
}

int
sock_listen(void *self, int fd, int backlog)
{
	struct sock *s;
	int rc = 0;

	(void)self;
	clock_lock();
	s = sock_of(fd);
	if (s) {
		uint16_t port = ntohs(s->local.sin_port);
		struct tcpterm_listener_conf conf = {
			.select = { .dst_port = { port, port },
				    .src_port = { 0, 65535 },
				    .any_domain = true },
			.filter = on_syn,
			.ctx = s,
		};

		if (s->kind == SOCK_NEW)
			rc = tcpterm_listen(adapter.stack, &conf, &s->listener);
		else if (s->kind != SOCK_LISTENS)
			rc = -EINVAL;
		if (rc == 0) {
			s->kind = SOCK_LISTENS;
			s->backlog = RTE_MAX(backlog, 0);
		}
	}
	clock_unlock();
	return !s ? -1 : rc < 0 ? fail(-rc) : 0;
}

struct sock *
sock_first_of(const struct sock *l)
{
	struct sock *first = NULL;

	for (unsigned i = 0; i < N_SOCKS; i++) {
		struct sock *s = &adapter.socks[i];

		if (s->fd != -1 || s->parent != l || s->kind == SOCK_OPENS)
			continue;
		if (option_of(l, IPPROTO_TCP, 9 /* TCP_DEFER_ACCEPT */, 0) && !io_readable(s) &&
		    !s->eof)
			continue;
		if (!first || s->order < first->order)
			first = s;
	}
	return first;
}

static bool
may_accept(struct sock *l)
{
	return sock_first_of(l) != NULL;
}

int
sock_accept(void *self, int fd, struct sockaddr *a, socklen_t *len)
{
	struct sock *l, *s = NULL;
	int got = -1, error = EINVAL;

	(void)self;
	clock_lock();
	l = sock_of(fd);
	if (!l) {
		error = EBADF;
	} else if (l->kind == SOCK_LISTENS) {
		error = EAGAIN;
		if (clock_wait(may_accept, l, l->nonblock ? 0 : -1))
			s = sock_first_of(l);
	}
	if (s) {
		got = s->fd = sock_placeholder();
		s->parent = NULL;
		if (a && len) {
			memcpy(a, &s->remote, RTE_MIN((size_t)*len, sizeof s->remote));
			*len = sizeof s->remote;
		}
	}
	clock_unlock();
	return s ? got : fail(error);
}

static int
open_flow(struct sock *s)
{
	struct tcpterm_identity id = {
		.l2 = { .dst = { { 2, 0, 0, 0, 0, 1 } }, .src = { { 2, 0, 0, 0, 0, 2 } } },
		.remote = ip_addr_v4(&s->remote.sin_addr),
		.local_port = ntohs(s->local.sin_port),
		.remote_port = ntohs(s->remote.sin_port),
	};
	in_addr_t home = inet_addr("192.168.0.1");
	struct flow *f;
	int rc;

	if (s->local.sin_addr.s_addr == 0)
		memcpy(&s->local.sin_addr, &home, sizeof home);
	id.local = ip_addr_v4(&s->local.sin_addr);
	adapter.opening = s;
	rc = tcpterm_connect(adapter.stack, &id, 0, adapter.now, &f);
	adapter.opening = NULL;
	return rc;
}

static bool
is_decided(struct sock *s)
{
	return s->kind != SOCK_OPENS;
}

static int
take_error(struct sock *s)
{
	int error = s->error;

	s->error = 0;
	return error;
}

/* 0, or an errno. */
static int
start_connect(struct sock *s, const struct sockaddr *a)
{
	int rc;

	if (s->kind == SOCK_CONNECTED && !s->told_connected) {
		s->told_connected = true;
		return 0;
	}
	if (s->kind == SOCK_CONNECTED || s->kind == SOCK_LISTENS)
		return EISCONN;
	if (s->kind == SOCK_OVER && s->error) {
		s->kind = s->told_connected ? SOCK_OVER : SOCK_NEW;	/* it may try again */
		return take_error(s);
	}
	if (s->kind == SOCK_OVER && s->told_connected)
		return EISCONN;
	if (s->kind == SOCK_OPENS)
		return EALREADY;
	memcpy(&s->remote, a, sizeof s->remote);
	s->eof = false;
	rc = open_flow(s);
	if (rc < 0)
		return -rc;
	s->kind = SOCK_OPENS;
	clock_pump();
	if (!clock_wait(is_decided, s, s->nonblock ? 0 : -1))
		return EINPROGRESS;
	s->told_connected = true;
	return s->kind == SOCK_CONNECTED ? 0 : take_error(s);
}

int
sock_connect(void *self, int fd, const struct sockaddr *a, socklen_t len)
{
	struct sock *s;
	int error;

	(void)self, (void)len;
	clock_lock();
	s = sock_of(fd);
	error = s ? start_connect(s, a) : EBADF;
	clock_unlock();
	return error ? fail(error) : 0;
}

static void
close_listener(struct sock *l)
{
	tcpterm_unlisten(adapter.stack, l->listener);
	for (unsigned i = 0; i < N_SOCKS; i++) {
		struct sock *s = &adapter.socks[i];

		if (s->fd != -1 || s->parent != l)
			continue;
		/* As in Linux a handshake that is under way ends without a word. */
		if (s->f && s->kind == SOCK_OPENS)
			endpoint_end(adapter.stack, s->f, TCPTERM_END_ABORTED);
		else if (s->f)
			tcpterm_abort(adapter.stack, s->f);
		sock_free(s);
	}
}

static uint32_t lingering_ref, lingering_generation;

static bool
is_delivered(struct sock *s)
{
	const struct flow *f = tcpterm_flow(adapter.stack, lingering_ref, lingering_generation);

	(void)s;
	return !f || tcb_fin_acked(&endpoint_of(f)->c);
}

static void
close_connection(struct sock *s)
{
	struct flow *f = s->f;
	const struct endpoint *e = endpoint_of(f);

	io_uncork(s);
	lingering_ref = f->ref;
	lingering_generation = f->generation;
	s->f = NULL;
	f->caller = NULL;
	/* A negative TCP_LINGER2: nobody waits for the peer's FIN. */
	if (s->rest_len > 0 || (e->c.state == TCPTERM_FIN_WAIT_2 &&
				option_of(s, IPPROTO_TCP, 8 /* TCP_LINGER2 */, 0) < 0))
		tcpterm_abort(adapter.stack, f);
	else
		tcpterm_close(adapter.stack, f);
	clock_pump();
	if (s->linger_on && s->linger_s > 0 && !s->nonblock)
		clock_wait(is_delivered, s, s->linger_s * 1000LL * 1000);
}

int
sock_close(void *self, int fd)
{
	struct sock *s;

	(void)self;
	clock_lock();
	s = sock_of(fd);
	if (s && s->kind == SOCK_LISTENS)
		close_listener(s);
	if (s && s->f)
		close_connection(s);
	if (s)
		sock_free(s);
	clock_pump();
	clock_unlock();
	close(fd);
	return s ? 0 : fail(EBADF);
}

static void
shut(struct sock *s, int how)
{
	if (how != SHUT_WR) {
		s->shut_rd = true;
		tcpterm_shutdown_read(s->f);
	}
	if (how != SHUT_RD) {
		io_uncork(s);
		s->shut_wr = true;
		tcpterm_shutdown(adapter.stack, s->f);
	}
	s->n_events[HAPPENED_ALL]++;
}

int
sock_shutdown(void *self, int fd, int how)
{
	struct sock *s;
	int error = 0;

	(void)self;
	clock_lock();
	s = sock_of(fd);
	if (!s) {
		error = EBADF;
	} else if (how < SHUT_RD || how > SHUT_RDWR) {
		error = EINVAL;
	} else if (s->kind == SOCK_LISTENS && how != SHUT_WR) {
		close_listener(s);
		s->kind = SOCK_NEW;
	} else if (s->kind == SOCK_OPENS) {	/* as Linux: it is disconnected */
		s->f->caller = NULL;
		tcpterm_abort(adapter.stack, s->f);
		s->f = NULL;
		s->kind = SOCK_NEW;
	} else if (s->kind == SOCK_CONNECTED && s->f) {
		shut(s, how);
	} else if (s->kind != SOCK_LISTENS) {
		error = ENOTCONN;
	}
	clock_pump();
	clock_unlock();
	return error ? fail(error) : 0;
}
