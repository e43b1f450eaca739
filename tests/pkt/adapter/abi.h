/*
 * abi.h - what a host of packet scripts calls in a TCP that it loads as a shared object.
 *
 * The host passes one zeroed table to packetdrill_interface_init(), before anything else; the
 * position and type of each member is all that the two agree on.  Each call gets `self` first.
 * Like the system calls that they stand for they return -1 and set errno.  Packets are raw IPv4.
 */
#ifndef LEAT_TESTS_PKT_ABI_H
#define LEAT_TESTS_PKT_ABI_H

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

struct pd_table {
	void *self;
	void (*end)(void *self);
	/* opening */
	int (*socket)(void *self, int domain, int type, int protocol);
	int (*bind)(void *self, int fd, const struct sockaddr *a, socklen_t len);
	int (*listen)(void *self, int fd, int backlog);
	int (*accept)(void *self, int fd, struct sockaddr *a, socklen_t *len);
	int (*connect)(void *self, int fd, const struct sockaddr *a, socklen_t len);
	/* reading */
	ssize_t (*read)(void *self, int fd, void *b, size_t n);
	ssize_t (*readv)(void *self, int fd, const struct iovec *v, int n);
	ssize_t (*recv)(void *self, int fd, void *b, size_t n, int flags);
	ssize_t (*recvfrom)(void *self, int fd, void *b, size_t n, int flags, struct sockaddr *a,
			    socklen_t *len);
	ssize_t (*recvmsg)(void *self, int fd, struct msghdr *m, int flags);
	/* writing */
	ssize_t (*write)(void *self, int fd, const void *b, size_t n);
	ssize_t (*writev)(void *self, int fd, const struct iovec *v, int n);
	ssize_t (*send)(void *self, int fd, const void *b, size_t n, int flags);
	ssize_t (*sendto)(void *self, int fd, const void *b, size_t n, int flags,
			  const struct sockaddr *a, socklen_t len);
	ssize_t (*sendmsg)(void *self, int fd, const struct msghdr *m, int flags);
	/* the rest of a socket's life */
	int (*fcntl)(void *self, int fd, int cmd, ...);
	int (*ioctl)(void *self, int fd, unsigned long request, ...);
	int (*close)(void *self, int fd);
	int (*shutdown)(void *self, int fd, int how);
	int (*getsockopt)(void *self, int fd, int level, int name, void *v, socklen_t *len);
	int (*setsockopt)(void *self, int fd, int level, int name, const void *v, socklen_t len);
	int (*poll)(void *self, struct pollfd *p, nfds_t n, int ms);
	/* the wire: a packet for the stack; the next one that it sends, and when it left (us) */
	int (*packet_in)(void *self, const void *b, size_t n);
	int (*packet_out)(void *self, void *b, size_t *n, long long *at);
	/* time, which is the stack's own */
	int (*usleep)(void *self, useconds_t us);
	int (*gettimeofday)(void *self, struct timeval *tv, struct timezone *tz);
	/* waiting for several, and pipes */
	int (*epoll_create)(void *self, int size);
	int (*epoll_ctl)(void *self, int ep, int op, int fd, struct epoll_event *e);
	int (*epoll_wait)(void *self, int ep, struct epoll_event *e, int n, int ms);
	int (*pipe)(void *self, int fd[2]);
	int (*splice)(void *self, int from, loff_t *from_at, int to, loff_t *to_at, size_t n,
		      unsigned flags);
};

_Static_assert(sizeof(struct pd_table) == 33 * sizeof(void *), "a table of 33 places");

void packetdrill_interface_init(const char *flags, struct pd_table *t);

#endif
