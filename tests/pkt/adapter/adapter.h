/*
 * adapter.h - sockets and a clock over one stack, for a host of packet scripts (abi.h).
 *
 * The host calls from its main thread, and makes blocking calls from a second one. One lock
 * holds everything; who waits sleeps on a condition, and time stands still after it woke until it
 * has read the clock.
 */
#ifndef LEAT_TESTS_PKT_ADAPTER_H
#define LEAT_TESTS_PKT_ADAPTER_H

#include <netinet/in.h>

#include <tcpterm/conn.h>

#include "tests/pkt/adapter/abi.h"

enum { N_SOCKS = 64, N_SET = 48, N_WATCHED = 16 };

struct setting {
	int level, name, value;
};

/* What wakes who waits, as in Linux: data or its end; room; everything. */
enum happening { HAPPENED_IN, HAPPENED_OUT, HAPPENED_ALL, N_HAPPENINGS };

struct watched {
	int fd;
	struct epoll_event event;
	uint32_t told[N_HAPPENINGS];	/* the socket's n_events then; EPOLLET */
	bool fresh;			/* added or changed: told whatever has happened */
};

struct sock {
	int fd;			/* the host's; -1: not accepted yet; 0: a free place */
	enum { SOCK_NEW, SOCK_LISTENS, SOCK_OPENS, SOCK_CONNECTED, SOCK_OVER, SOCK_EPOLL } kind;
	bool nonblock, told_connected, eof, shut_rd, shut_wr, linger_on, bound;
	int linger_s, error, backlog;
	struct sock *parent;		/* whose queue it is in */
	uint32_t order;			/* in that queue */
	tcpterm_listener_id listener;
	struct flow *f;			/* NULL: none, or gone */
	struct sockaddr_in local, remote;
	uint8_t *rest;			/* what was received before the end and not read */
	size_t rest_len;
	uint8_t *corked;		/* written, and held back */
	size_t n_corked;
	usec_t push_at;			/* no longer than until then; NEVER: nothing is */
	uint32_t n_events[N_HAPPENINGS];
	int64_t oob_at;			/* stream offset of the urgent byte; -1 */
	bool oob_read;			/* it was */
	uint8_t cc;			/* enum tcpterm_cc */
	struct setting set[N_SET];
	unsigned n_set;
	struct watched watched[N_WATCHED];
	unsigned n_watched;
};

struct adapter {
	struct tcpterm *stack;
	usec_t now;
	struct rte_mempool *pool;	/* of frames */
	bool mask_psh, bsd;
	struct sock socks[N_SOCKS];
	struct sock *opening;		/* tcpterm_connect() is at work for it */
	uint32_t n_accepted;
};

extern struct adapter adapter;

/* --- memory.c: EAL and the pools, small and without threads --- */
int memory_init(struct tcpterm_conf *conf);

/* --- clock.c --- */
void clock_lock(void);
void clock_unlock(void);
/* The stack's output and timers of now; sleepers look again. */
void clock_pump(void);
/* Sleeps, or lets time go on, until ready(s) or for `us`; -1: for ever. With the lock held. */
bool clock_wait(bool (*ready)(struct sock *s), struct sock *s, int64_t us);
/* Will anything happen by itself? */
bool clock_is_armed(void);
int clock_gettimeofday(void *self, struct timeval *tv, struct timezone *tz);
int clock_usleep(void *self, useconds_t us);

/* --- wire.c --- */
void wire_tx(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m);
bool wire_has_output(void);
int wire_packet_in(void *self, const void *b, size_t n);
int wire_packet_out(void *self, void *b, size_t *n, long long *at);
/* Timer by timer, at most to `target` (us); or until something was sent. */
void clock_advance(int64_t target, bool until_sent);

/* --- sockets.c --- */
struct sock *sock_of(int fd);		/* NULL sets EBADF */
struct sock *sock_new(int fd);
int sock_placeholder(void);
/* The next to be accepted; NULL: none. */
struct sock *sock_first_of(const struct sock *l);
int fail(int error);			/* errno, -1 */
extern const struct tcpterm_ops sock_ops;
extern const struct tcpterm_conn_ops sock_conn_ops;
int sock_socket(void *self, int domain, int type, int protocol);
int sock_bind(void *self, int fd, const struct sockaddr *a, socklen_t len);
int sock_listen(void *self, int fd, int backlog);
int sock_accept(void *self, int fd, struct sockaddr *a, socklen_t *len);
int sock_connect(void *self, int fd, const struct sockaddr *a, socklen_t len);
int sock_close(void *self, int fd);
int sock_shutdown(void *self, int fd, int how);

/* --- io.c --- */
void io_note_urgent(const struct pkt *p);	/* before the stack takes it */
size_t io_readable(const struct sock *s);
bool io_writable(const struct sock *s);
bool io_urgent(const struct sock *s);	/* an urgent byte may be read, or will come */
void io_keep_rest(struct sock *s);
void io_uncork(struct sock *s);
usec_t io_next_push(void);	/* when something corked is due; USEC_NEVER */
void io_push_due(void);
ssize_t io_receive(int fd, struct iovec *v, size_t n, int flags);
ssize_t io_send(int fd, const struct iovec *v, size_t n, int flags);

/* --- options.c --- */
void options_apply(struct sock *s);
int option_of(const struct sock *s, int level, int name, int otherwise);
struct tcp_info;
void info_of(const struct sock *s, struct tcp_info *i);
int options_set(void *self, int fd, int level, int name, const void *v, socklen_t len);
int options_get(void *self, int fd, int level, int name, void *v, socklen_t *len);
int options_fcntl(void *self, int fd, int cmd, ...);
int options_ioctl(void *self, int fd, unsigned long request, ...);

/* --- poll.c --- */
int poll_poll(void *self, struct pollfd *p, nfds_t n, int ms);
int poll_create(void *self, int size);
int poll_ctl(void *self, int ep, int op, int fd, struct epoll_event *e);
int poll_wait(void *self, int ep, struct epoll_event *e, int n, int ms);
int poll_pipe(void *self, int fd[2]);
int poll_splice(void *self, int from, loff_t *from_at, int to, loff_t *to_at, size_t n,
		unsigned flags);

#endif
