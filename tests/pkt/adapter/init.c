/*
 * init.c - the one symbol that the host looks for, and the calls that are others in disguise.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/pkt/adapter/adapter.h"

struct adapter adapter;

static ssize_t
do_read(void *self, int fd, void *b, size_t n)
{
	struct iovec v = { b, n };

	(void)self;
	return io_receive(fd, &v, 1, 0);
}

static ssize_t
do_readv(void *self, int fd, const struct iovec *v, int n)
{
	struct iovec copy[64];

	(void)self;
	if (n < 0 || n > 64)
		return fail(EINVAL);
	memcpy(copy, v, (size_t)n * sizeof *v);
	return io_receive(fd, copy, (size_t)n, 0);
}

static ssize_t
do_recv(void *self, int fd, void *b, size_t n, int flags)
{
	struct iovec v = { b, n };

	(void)self;
	return io_receive(fd, &v, 1, flags);
}

static ssize_t
do_recvfrom(void *self, int fd, void *b, size_t n, int flags, struct sockaddr *a, socklen_t *len)
{
	(void)a;
	if (len)
		*len = 0;	/* of a stream nobody is named */
	return do_recv(self, fd, b, n, flags);
}

static ssize_t
do_recvmsg(void *self, int fd, struct msghdr *m, int flags)
{
	(void)self;
	m->msg_controllen = 0;
	m->msg_namelen = 0;
	m->msg_flags = 0;
	return io_receive(fd, m->msg_iov, m->msg_iovlen, flags);
}

static ssize_t
do_write(void *self, int fd, const void *b, size_t n)
{
	struct iovec v = { (void *)(uintptr_t)b, n };

	(void)self;
	return io_send(fd, &v, 1, 0);
}

static ssize_t
do_writev(void *self, int fd, const struct iovec *v, int n)
{
	(void)self;
	return n < 0 ? fail(EINVAL) : io_send(fd, v, (size_t)n, 0);
}

static ssize_t
do_send(void *self, int fd, const void *b, size_t n, int flags)
{
	struct iovec v = { (void *)(uintptr_t)b, n };

	(void)self;
	return io_send(fd, &v, 1, flags);
}

static ssize_t
do_sendto(void *self, int fd, const void *b, size_t n, int flags, const struct sockaddr *a,
	  socklen_t len)
{
	(void)a, (void)len;
	return do_send(self, fd, b, n, flags);
}

static ssize_t
do_sendmsg(void *self, int fd, const struct msghdr *m, int flags)
{
	(void)self;
	return io_send(fd, m->msg_iov, m->msg_iovlen, flags);
}

static void
do_end(void *self)
{
	(void)self;
}

static void
fill(struct pd_table *t)
{
	*t = (struct pd_table){
		.self = &adapter,
		.end = do_end,
		.socket = sock_socket,
		.bind = sock_bind,
		.listen = sock_listen,
		.accept = sock_accept,
		.connect = sock_connect,
		.read = do_read,
		.readv = do_readv,
		.recv = do_recv,
		.recvfrom = do_recvfrom,
		.recvmsg = do_recvmsg,
		.write = do_write,
		.writev = do_writev,
		.send = do_send,
		.sendto = do_sendto,
		.sendmsg = do_sendmsg,
		.fcntl = options_fcntl,
		.ioctl = options_ioctl,
		.close = sock_close,
		.shutdown = sock_shutdown,
		.getsockopt = options_get,
		.setsockopt = options_set,
		.poll = poll_poll,
		.packet_in = wire_packet_in,
		.packet_out = wire_packet_out,
		.usleep = clock_usleep,
		.gettimeofday = clock_gettimeofday,
		.epoll_create = poll_create,
		.epoll_ctl = poll_ctl,
		.epoll_wait = poll_wait,
		.pipe = poll_pipe,
		.splice = poll_splice,
	};
}

__attribute__((visibility("default"))) void
packetdrill_interface_init(const char *flags, struct pd_table *t)
{
	struct err err = { "" };
	struct tcpterm_conf conf = {
		.ops = &sock_ops,
		.n_flows = 64,
		.n_embryos = 64,
		.n_listeners = 16,
		.n_segments = 16384,
		.mtu = { 1500, 1500 },
		.rcv_wnd_min = 540000,
		.rcv_wnd_max = 15 * 1024 * 1024,
		.soft_errors_end_opens = true,
		.take_whole = true,
		.secret = { 0x243f6a8885a308d3, 0x13198a2e03707344 },
	};

	adapter.bsd = flags && strstr(flags, "profile=bsd");
	adapter.mask_psh = flags && strstr(flags, "mask_psh=1");
	adapter.now.v = 1000000000000;
	if (adapter.bsd)
		conf.rcv_wnd_min = conf.rcv_wnd_max = 65536;
	if (memory_init(&conf) == 0)
		adapter.stack = tcpterm_new(&conf, adapter.now, &err);
	if (!adapter.stack) {
		fprintf(stderr, "tcpterm-pd: no memory for a stack: %s\n", err.msg);
		abort();
	}
	adapter.pool = conf.payload_pool;
	tcpterm_set_conn_ops(adapter.stack, &sock_conn_ops, NULL);
	fill(t);
}
