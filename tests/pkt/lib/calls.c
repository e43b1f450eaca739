/*
 * calls.c - a script's calls, on libtcpterm.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/pkt/lib/state.h"
#include "tests/pkt/lib/wire.h"

static long
call_connect(struct play *p)
{
	struct tcpterm_identity id = {
		.l2 = { .dst = { { 2, 0, 0, 0, 0, 1 } }, .src = { { 2, 0, 0, 0, 0, 2 } } },
		.local_port = WIRE_LOCAL_PORT,
		.remote_port = WIRE_REMOTE_PORT,
	};
	struct flow *f;
	int rc;

	ip_addr_parse(WIRE_LOCAL, &id.local);
	ip_addr_parse(WIRE_REMOTE, &id.remote);
	rc = tcpterm_connect(p->stack, &id, 0, p->now, &f);
	strcpy(p->fd, p->event->call.arg[0]);
	return rc == 0 ? -EINPROGRESS : rc;
}

static struct tcpterm_verdict
on_syn(void *ctx, const struct tcpterm_syn *syn)
{
	const struct play *p = ctx;

	(void)syn;
	return (struct tcpterm_verdict){
		.decision = TCPTERM_ACCEPT,
		.tuning = { .pace = p->script->pace,
			    .idle_restart = p->script->idle_restart,
			    .no_ecn = p->script->no_ecn },
	};
}

static long
call_listen(struct play *p)
{
	struct tcpterm_listener_conf l = {
		.select = { .dst_port = { WIRE_LOCAL_PORT, WIRE_LOCAL_PORT },
			    .src_port = { 0, 65535 } },
		.filter = on_syn,
		.ctx = p,
	};
	tcpterm_listener_id id;

	return tcpterm_listen(p->stack, &l, &id);
}

static long
call_accept(struct play *p)
{
	if (!p->established)
		return -EAGAIN;
	snprintf(p->fd, sizeof p->fd, "%ld", p->event->call.result);
	return p->event->call.result;
}

/* What a call on a connection that is gone returns. */
static long
gone(const struct play *p)
{
	switch (p->why) {
	case TCPTERM_END_REFUSED:
		return -ECONNREFUSED;
	case TCPTERM_END_RST:
		return -ECONNRESET;
	case TCPTERM_END_TIMEOUT:
		return -ETIMEDOUT;
	default:
		return 0;
	}
}

static long
call_read(struct play *p)
{
	static uint8_t buf[1 << 20];
	size_t len = strtoul(p->event->call.arg[2], NULL, 10);
	ssize_t n;

	if (!p->flow)
		return gone(p);
	n = tcpterm_read(p->stack, p->flow, buf, RTE_MIN(len, sizeof buf));
	for (ssize_t i = 0; i < n; i++)
		if (buf[i] != wire_byte(p->read + (uint32_t)i)) {
			play_complain(p, "read() gives other bytes than were sent");
			break;
		}
	p->read += n > 0 ? (uint32_t)n : 0;
	return n;
}

static long
call_write(struct play *p)
{
	static uint8_t buf[1 << 20];
	size_t len = RTE_MIN(strtoul(p->event->call.arg[2], NULL, 10), sizeof buf);
	ssize_t n;

	if (!p->flow)
		return gone(p) ? gone(p) : -EPIPE;
	for (size_t i = 0; i < len; i++)
		buf[i] = wire_byte(p->written + (uint32_t)i);
	n = tcpterm_write(p->stack, p->flow, buf, len);
	p->written += n > 0 ? (uint32_t)n : 0;
	return n;
}

static long
call_close(struct play *p)
{
	if (!p->flow)
		return 0;
	if (p->linger0) {
		tcpterm_abort(p->stack, p->flow);
		p->flow = NULL;
		return 0;
	}
	return tcpterm_shutdown(p->stack, p->flow);
}

static long
call_setsockopt(struct play *p)
{
	const struct script_call *c = &p->event->call;

	if (strcmp(c->arg[2], "SO_REUSEADDR") == 0)
		return 0;
	if (strcmp(c->arg[2], "SO_LINGER") == 0) {
		p->linger0 = strcmp(c->arg[3], "{onoff=1,linger=0}") == 0;
		return p->linger0 ? 0 : -EINVAL;
	}
	if (strcmp(c->arg[2], "TCP_NODELAY") == 0 && p->flow) {
		tcpterm_set_nodelay(p->flow, strcmp(c->arg[3], "[1]") == 0);
		return 0;
	}
	return -ENOPROTOOPT;
}

/* SO_ERROR alone: what became of connect(). */
static long
call_getsockopt(struct play *p)
{
	const struct script_call *c = &p->event->call;
	char want[40] = "[0]";

	if (strcmp(c->arg[2], "SO_ERROR") != 0)
		return -ENOPROTOOPT;
	if (p->closed && gone(p) != 0)
		snprintf(want, sizeof want, "[%s]", strerrorname_np((int)-gone(p)));
	if (strcmp(c->arg[3], want) != 0) {
		printf("# SO_ERROR is %s\n", want);
		play_complain(p, "another error");
	}
	return 0;
}

static long
call(struct play *p)
{
	const struct script_call *c = &p->event->call;

	if (strcmp(c->name, "socket") == 0)
		return c->result;
	if (strcmp(c->name, "bind") == 0 || strcmp(c->name, "fcntl") == 0)
		return 0;
	if (strcmp(c->name, "listen") == 0)
		return call_listen(p);
	if (strcmp(c->name, "connect") == 0)
		return call_connect(p);
	if (strcmp(c->name, "accept") == 0)
		return call_accept(p);
	if (strcmp(c->name, "setsockopt") == 0)
		return call_setsockopt(p);
	if (strcmp(c->arg[0], p->fd) != 0)
		return -EBADF;
	if (strcmp(c->name, "getsockopt") == 0)
		return call_getsockopt(p);
	if (strcmp(c->name, "read") == 0)
		return call_read(p);
	if (strcmp(c->name, "write") == 0)
		return call_write(p);
	if (strcmp(c->name, "shutdown") == 0 && strcmp(c->arg[1], "SHUT_WR") == 0)
		return p->flow ? tcpterm_shutdown(p->stack, p->flow) : -ENOTCONN;
	if (strcmp(c->name, "close") == 0)
		return call_close(p);
	return -ENOSYS;
}

void
calls_make(struct play *p)
{
	const struct script_call *c = &p->event->call;
	long rc = call(p), result = rc < 0 ? -1 : rc;
	const char *error = rc < 0 ? strerrorname_np((int)-rc) : "";
	char what[160];

	if (result == c->result && strcmp(error, c->error) == 0)
		return;
	snprintf(what, sizeof what, "%s() = %ld %s, wanted %ld %s", c->name, result, error,
		 c->result, c->error);
	play_complain(p, what);
}
