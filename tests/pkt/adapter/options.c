/*
 * options.c - socket options: remembered, and given to the connection where they mean something.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/sockios.h>
#include <linux/tcp.h>

#include "tcpterm/endpoint.h"
#include "tests/pkt/adapter/adapter.h"

int
option_of(const struct sock *s, int level, int name, int otherwise)
{
	for (unsigned i = 0; i < s->n_set; i++)
		if (s->set[i].level == level && s->set[i].name == name)
			return s->set[i].value;
	return otherwise;
}

static void
remember(struct sock *s, int level, int name, int value)
{
	unsigned i = 0;

	while (i < s->n_set && (s->set[i].level != level || s->set[i].name != name))
		i++;
	if (i == N_SET)
		return;
	s->set[i] = (struct setting){ level, name, value };
	s->n_set = RTE_MAX(s->n_set, i + 1);
}

static void
apply_keepalive(struct sock *s)
{
	struct tcpterm_keepalive k = {
		.idle_s = (uint16_t)option_of(s, IPPROTO_TCP, TCP_KEEPIDLE, 0),
		.interval_s = (uint16_t)option_of(s, IPPROTO_TCP, TCP_KEEPINTVL, 0),
		.n_probes = (uint8_t)option_of(s, IPPROTO_TCP, TCP_KEEPCNT, 0),
	};

	tcpterm_set_keepalive(s->f, option_of(s, SOL_SOCKET, SO_KEEPALIVE, 0) ? &k : NULL);
}

/* Linux answers a SYN 5 times more, and sends its own 6 times more. */
static void
apply_retries(struct sock *s)
{
	int n = option_of(s, IPPROTO_TCP, TCP_SYNCNT, s->parent ? 5 : 6);

	tcpterm_set_retries(s->f, 3, 15, (uint8_t)n);
}

static void
apply_tuning(struct sock *s)
{
	struct tcpterm_tuning t = {
		.cc = s->cc,
		.mss = (uint16_t)option_of(s, IPPROTO_TCP, TCP_MAXSEG, 0),
	};

	tcpterm_set_tuning(s->f, &t);
}

void
options_apply(struct sock *s)
{
	int value;

	if (!s->f)
		return;
	tcpterm_set_nodelay(s->f, option_of(s, IPPROTO_TCP, TCP_NODELAY, 0));
	tcpterm_set_user_timeout(s->f, (uint32_t)option_of(s, IPPROTO_TCP, TCP_USER_TIMEOUT, 0));
	tcpterm_set_linger(s->f, s->linger_on && s->linger_s == 0);
	tcpterm_set_tos(s->f, (uint8_t)option_of(s, IPPROTO_IP, IP_TOS, 0));
	value = option_of(s, IPPROTO_IP, IP_TTL, 64);
	tcpterm_set_ttl(s->f, (uint8_t)(value > 0 ? value : 64));
	tcpterm_set_df(s->f, option_of(s, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_WANT) !=
				     IP_PMTUDISC_DONT);
	value = option_of(s, IPPROTO_TCP, TCP_LINGER2, 0);
	tcpterm_set_fin_wait(s->f, (uint16_t)(value > 0 ? RTE_MIN(value, 120) : 0));
	apply_tuning(s);
	tcpterm_set_buffers(s->f, (uint32_t)option_of(s, SOL_SOCKET, SO_RCVBUF, 0),
			    2 * (uint32_t)option_of(s, SOL_SOCKET, SO_SNDBUF, 2 * 1024 * 1024));
	apply_keepalive(s);
	apply_retries(s);
}

static int
set_linger(struct sock *s, const void *v, socklen_t len)
{
	struct linger l;

	if (len < sizeof l)
		return EINVAL;
	memcpy(&l, v, sizeof l);
	s->linger_on = l.l_onoff;
	s->linger_s = l.l_linger;
	return 0;
}

/* What Linux refuses. */
static bool
out_of_range(int level, int name, int value)
{
	if (level == IPPROTO_IP && name == IP_TTL)
		return value != -1 && (value < 1 || value > 255);
	if (level != IPPROTO_TCP)
		return false;
	switch (name) {
	case TCP_KEEPIDLE:
	case TCP_KEEPINTVL:
		return value < 1 || value > 32767;
	case TCP_KEEPCNT:
	case TCP_SYNCNT:
		return value < 1 || value > 127;
	case TCP_USER_TIMEOUT:
		return value < 0;
	case TCP_MAXSEG:
		return value && (value < 88 || value > 32767);
	case TCP_CORK:
	case TCP_NODELAY:
	default:
		return false;
	}
}

/* Linux's, and what of them means nothing here is remembered at least. */
static bool
is_known(int level, int name)
{
	if (level == IPPROTO_TCP)
		return name > 0 && name <= TCP_TX_DELAY;
	return level == SOL_SOCKET || level == IPPROTO_IP;
}

/* An errno. */
static int
set_congestion(struct sock *s, const char *v, socklen_t len)
{
	if (len >= 5 && strncmp(v, "cubic", 5) == 0)
		s->cc = TCPTERM_CC_CUBIC;
	else if (len >= 4 && strncmp(v, "reno", 4) == 0)
		s->cc = TCPTERM_CC_RENO;
	else
		return len > 0 ? ENOENT : EINVAL;
	options_apply(s);
	return 0;
}

static int
set(struct sock *s, int level, int name, const void *v, socklen_t len)
{
	int value = 0;

	if (level == SOL_SOCKET && name == SO_LINGER) {
		int error = set_linger(s, v, len);

		options_apply(s);
		return error;
	}
	memcpy(&value, v, RTE_MIN((size_t)len, sizeof value));
	if (level == IPPROTO_TCP && name == TCP_CONGESTION)
		return set_congestion(s, v, len);
	if (!is_known(level, name))
		return ENOPROTOOPT;
	if (len < sizeof value && level != IPPROTO_IP)
		return EINVAL;
	if (out_of_range(level, name, value))
		return EINVAL;
	remember(s, level, name, value);
	if (level == IPPROTO_TCP && name == TCP_QUICKACK && s->f)
		tcpterm_set_quickack(s->f, value & 1);
	if (level == IPPROTO_TCP && name == TCP_CORK && !value)
		io_uncork(s);
	if (level == IPPROTO_TCP && name == TCP_NODELAY && value)
		io_uncork(s);
	options_apply(s);
	clock_pump();
	return 0;
}

int
options_set(void *self, int fd, int level, int name, const void *v, socklen_t len)
{
	struct sock *s;
	int error;

	(void)self;
	clock_lock();
	s = sock_of(fd);
	error = s ? set(s, level, name, v, len) : EBADF;
	clock_unlock();
	return error ? fail(error) : 0;
}

/* As Linux: why it ended, else what the network said; once. */
static int
error_of(struct sock *s)
{
	int error = s->error;

	if (!error && s->f) {
		error = tcpterm_error(s->f);
		endpoint_of(s->f)->soft = 0;
	}
	s->error = 0;
	return error;
}

static int
value_of(struct sock *s, int level, int name)
{
	if (level == SOL_SOCKET)
		switch (name) {
		case SO_ERROR:
			return error_of(s);
		case SO_TYPE:
			return SOCK_STREAM;
		case SO_ACCEPTCONN:
			return s->kind == SOCK_LISTENS;
		case SO_RCVBUF:
			return 2 * option_of(s, level, name, adapter.bsd ? 32768 : 270000);
		case SO_SNDBUF:
			return 2 * option_of(s, level, name, 43520);
		default:
			return option_of(s, level, name, 0);
		}
	if (level != IPPROTO_TCP)
		return option_of(s, level, name, name == IP_TTL ? 64 : 0);
	switch (name) {
	case TCP_MAXSEG:
		return s->f && s->kind == SOCK_CONNECTED ? endpoint_of(s->f)->c.mss
							 : option_of(s, level, name, 536);
	case TCP_KEEPIDLE:
		return option_of(s, level, name, 7200);
	case TCP_KEEPINTVL:
		return option_of(s, level, name, 75);
	case TCP_KEEPCNT:
		return option_of(s, level, name, 9);
	case TCP_SYNCNT:
		return option_of(s, level, name, 6);
	case TCP_LINGER2:
		return option_of(s, level, name, 60);
	case TCP_QUICKACK:
		return option_of(s, level, name, 1);
	default:
		return option_of(s, level, name, 0);
	}
}

static void
give(const void *value, size_t n, void *v, socklen_t *len)
{
	*len = (socklen_t)RTE_MIN((size_t)*len, n);
	memcpy(v, value, *len);
}

static void
get(struct sock *s, int level, int name, void *v, socklen_t *len)
{
	if (level == SOL_SOCKET && name == SO_LINGER) {
		struct linger l = { s->linger_on, s->linger_s };

		give(&l, sizeof l, v, len);
	} else if (level == IPPROTO_TCP && name == TCP_INFO) {
		struct tcp_info i;

		info_of(s, &i);
		give(&i, sizeof i, v, len);
	} else if (level == IPPROTO_TCP && name == TCP_CONGESTION) {
		static const char cubic[16] = "cubic", reno[16] = "reno";

		give(s->cc == TCPTERM_CC_RENO ? reno : cubic, 16, v, len);
	} else {
		int value = value_of(s, level, name);

		give(&value, sizeof value, v, len);
	}
}

int
options_get(void *self, int fd, int level, int name, void *v, socklen_t *len)
{
	struct sock *s;
	int error;

	(void)self;
	clock_lock();
	s = sock_of(fd);
	error = !s ? EBADF : is_known(level, name) ? 0 : ENOPROTOOPT;
	if (!error)
		get(s, level, name, v, len);
	clock_unlock();
	return error ? fail(error) : 0;
}

int
options_fcntl(void *self, int fd, int cmd, ...)
{
	struct sock *s;
	va_list ap;
	int arg, rc = 0;

	(void)self;
	va_start(ap, cmd);
	arg = va_arg(ap, int);
	va_end(ap);
	clock_lock();
	s = sock_of(fd);
	if (s && cmd == F_SETFL)
		s->nonblock = arg & O_NONBLOCK;
	else if (s && cmd == F_GETFL)
		rc = O_RDWR | (s->nonblock ? O_NONBLOCK : 0);
	clock_unlock();
	return s ? rc : -1;
}

/* As Linux it counts a FIN, and nothing before the connection is open. */
static int
unacknowledged(const struct sock *s)
{
	const struct endpoint *e = endpoint_of(s->f);

	if (!e || e->c.state < TCPTERM_ESTABLISHED)
		return 0;
	return (int)(e->tx.end + e->tx.fin - RTE_MAX(e->c.una, 0)) + (int)s->n_corked;
}

int
options_ioctl(void *self, int fd, unsigned long request, ...)
{
	const struct endpoint *e;
	struct sock *s;
	va_list ap;
	int *arg, error = 0;

	(void)self;
	va_start(ap, request);
	arg = va_arg(ap, int *);
	va_end(ap);
	clock_lock();
	s = sock_of(fd);
	e = s ? endpoint_of(s->f) : NULL;
	if (!s)
		error = EBADF;
	else if (request == FIONBIO)
		s->nonblock = *arg;
	else if (s->kind == SOCK_LISTENS)
		error = EINVAL;
	else if (request == SIOCINQ)	/* FIONREAD too */
		*arg = (int)io_readable(s);
	else if (request == SIOCOUTQ)	/* TIOCOUTQ too */
		*arg = unacknowledged(s);
	else if (request == SIOCOUTQNSD)
		*arg = e ? (int)(e->tx.end - RTE_MIN(e->c.nxt, e->tx.end)) + (int)s->n_corked : 0;
	else if (request == SIOCATMARK)
		*arg = e && s->oob_at >= 0 && s->oob_at == e->rx.start;
	else
		error = ENOTTY;
	clock_unlock();
	return error ? fail(error) : 0;
}
