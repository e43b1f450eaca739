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
	const char *to = p->event->call.arg[1];
	struct flow *f;
	int rc;

	ip_addr_parse(WIRE_LOCAL, &id.local);
	ip_addr_parse(strcmp(to, "...") == 0 ? WIRE_REMOTE : to, &id.remote);
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

static long
call_read(struct play *p)
{
	static uint8_t buf[1 << 20];
	size_t len = strtoul(p->event->call.arg[2], NULL, 10);
	ssize_t n;

	if (!p->flow)
		return -p->error;
	n = tcpterm_read(p->stack, p->flow, buf, RTE_MIN(len, sizeof buf));
	for (ssize_t i = 0; i < n; i++)
		if (buf[i] != wire_byte(p->read + (uint32_t)i)) {
			play_complain(p, "read() gives other bytes than were sent");
			break;
		}
	p->read += n > 0 ? (uint32_t)n : 0;
	return n;
}

/* Only the byte that is out of band elsewhere, and stays where it is. */
static long
call_recv_oob(struct play *p)
{
	uint8_t byte;
	int64_t ahead = p->flow ? tcpterm_urgent(p->flow) : 0;
	int rc = p->flow ? tcpterm_peek_urgent(p->flow, &byte) : -EINVAL;

	if (rc == 0 && byte != wire_byte(p->read + (uint32_t)ahead - 1))
		play_complain(p, "recv() gives another byte than the urgent one");
	return rc == 0 ? 1 : rc;
}

static long
call_write(struct play *p)
{
	static uint8_t buf[1 << 20];
	size_t len = RTE_MIN(strtoul(p->event->call.arg[2], NULL, 10), sizeof buf);
	ssize_t n;

	if (!p->flow)
		return p->error ? -p->error : -EPIPE;
	for (size_t i = 0; i < len; i++)
		buf[i] = wire_byte(p->written + (uint32_t)i);
	n = strcmp(p->event->call.arg[3], "MSG_OOB") == 0
		    ? tcpterm_write_urgent(p->stack, p->flow, buf, len)
		    : tcpterm_write(p->stack, p->flow, buf, len);
	p->written += n > 0 ? (uint32_t)n : 0;
	return n;
}

static long
call_close(struct play *p)
{
	if (p->flow)
		tcpterm_close(p->stack, p->flow);
	p->flow = NULL;
	return 0;
}

static long
call_shutdown(struct play *p)
{
	const char *how = p->event->call.arg[1];

	if (!p->flow)
		return -ENOTCONN;
	if (strcmp(how, "SHUT_WR") != 0)
		tcpterm_shutdown_read(p->flow);
	return strcmp(how, "SHUT_RD") == 0 ? 0 : tcpterm_shutdown(p->stack, p->flow);
}

/* --- settings --- */

void
calls_apply(struct play *p)
{
	const struct play_settings *set = &p->set;

	if (!p->flow)
		return;
	tcpterm_set_nodelay(p->flow, set->nodelay);
	tcpterm_set_linger(p->flow, set->linger0);
	tcpterm_set_keepalive(p->flow, set->keepalive ? &set->keep : NULL);
	tcpterm_set_user_timeout(p->flow, set->user_ms);
	tcpterm_set_retries(p->flow, set->r1, set->r2, set->n_syn);
	tcpterm_set_fin_wait(p->flow, set->fin_wait_s);
	tcpterm_set_buffers(p->flow, set->receive, set->send);
	tcpterm_set_tos(p->flow, set->tos);
	tcpterm_set_ttl(p->flow, set->ttl ? set->ttl : 64);
	tcpterm_set_df(p->flow, !set->no_df);
	if (set->has_quickack)
		tcpterm_set_quickack(p->flow, set->quickack);
}

/* `value` is "[N]". */
static bool
set_by_number(struct play_settings *set, const char *name, const char *value)
{
	unsigned v = (unsigned)strtoul(value + 1, NULL, 0);
	const struct {
		const char *name;
		void *at;
		size_t len;
	} known[] = {
		{ "TCP_NODELAY", &set->nodelay, 1 },
		{ "SO_KEEPALIVE", &set->keepalive, 1 },
		{ "TCP_KEEPIDLE", &set->keep.idle_s, 2 },
		{ "TCP_KEEPINTVL", &set->keep.interval_s, 2 },
		{ "TCP_KEEPCNT", &set->keep.n_probes, 1 },
		{ "TCP_USER_TIMEOUT", &set->user_ms, 4 },
		{ "TCP_LINGER2", &set->fin_wait_s, 2 },
		{ "TCP_SYNCNT", &set->n_syn, 1 },
		{ "TCP_RETRIES1", &set->r1, 1 },
		{ "TCP_RETRIES2", &set->r2, 1 },
		{ "TCP_QUICKACK", &set->quickack, 1 },
		{ "SO_RCVBUF", &set->receive, 4 },
		{ "SO_SNDBUF", &set->send, 4 },
		{ "IP_TOS", &set->tos, 1 },
		{ "IP_TTL", &set->ttl, 1 },
	};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strcmp(name, known[i].name) == 0) {
			memcpy(known[i].at, &v, known[i].len);
			return true;
		}
	return false;
}

static long
call_setsockopt(struct play *p)
{
	const struct script_call *c = &p->event->call;

	if (strcmp(c->arg[2], "SO_REUSEADDR") == 0)
		return 0;
	if (strcmp(c->arg[2], "SO_LINGER") == 0)
		p->set.linger0 = strcmp(c->arg[3], "{onoff=1,linger=0}") == 0;
	else if (strcmp(c->arg[2], "IP_MTU_DISCOVER") == 0)
		p->set.no_df = strcmp(c->arg[3], "[IP_PMTUDISC_DONT]") == 0;
	else if (!set_by_number(&p->set, c->arg[2], c->arg[3]))
		return -ENOPROTOOPT;
	p->set.has_quickack = strcmp(c->arg[2], "TCP_QUICKACK") == 0;
	calls_apply(p);
	return 0;
}

/* SO_ERROR alone: what became of connect(), or what routers say. */
static long
call_getsockopt(struct play *p)
{
	const struct script_call *c = &p->event->call;
	char want[40] = "[0]";
	int error = p->closed ? p->error : p->flow ? tcpterm_error(p->flow) : 0;

	if (strcmp(c->arg[2], "SO_ERROR") != 0)
		return -ENOPROTOOPT;
	if (error)
		snprintf(want, sizeof want, "[%s]", strerrorname_np(error));
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
	if (strcmp(c->name, "recv") == 0 && strcmp(c->arg[3], "MSG_OOB") == 0)
		return call_recv_oob(p);
	if (strcmp(c->name, "urgent") == 0)
		return p->flow ? tcpterm_urgent(p->flow) : 0;
	if (strcmp(c->name, "write") == 0 || strcmp(c->name, "send") == 0)
		return call_write(p);
	if (strcmp(c->name, "shutdown") == 0)
		return call_shutdown(p);
	if (strcmp(c->name, "advices") == 0)
		return p->n_advices;
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
