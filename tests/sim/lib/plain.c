#include "tests/sim/lib/plain.h"

#include <stdlib.h>
#include <string.h>

enum { RTO_FIRST = 1000 * 1000 };

void
plain_finish(struct plain *p, enum endpoint_state how)
{
	p->state = PL_CLOSED;
	p->end = how;
	p->rto_at = p->persist_at = p->delack_at = p->timewait_at = p->keepalive_at = INT64_MAX;
}

bool
plain_synchronized(const struct plain *p)
{
	return p->state >= PL_ESTABLISHED;
}

static void *
create(const struct endpoint_config *cfg, void (*emit)(void *ctx, struct frame *f), void *ctx)
{
	struct plain *p = calloc(1, sizeof *p);

	if (!p)
		abort();
	p->cfg = *cfg;
	p->emit = emit;
	p->ctx = ctx;
	p->iss = cfg->isn;
	p->data_end = 1;
	p->rto = RTO_FIRST;
	p->peer_mss = 536;
	p->rcv_fin = UINT64_MAX;
	p->rcv_room = cfg->rcvbuf * 2 + 65536;
	p->sndbuf = malloc(cfg->sndbuf);
	p->rcvbuf = malloc(p->rcv_room);
	if (!p->sndbuf || !p->rcvbuf)
		abort();
	plain_finish(p, EP_OPENING);
	return p;
}

static unsigned
destroy(void *ep)
{
	struct plain *p = ep;

	ranges_fini(&p->out_of_order);
	free(p->sndbuf);
	free(p->rcvbuf);
	free(p);
	return 0;
}

static void
open_(void *ep, int64_t now)
{
	struct plain *p = ep;

	if (p->cfg.client) {
		p->state = PL_SYN_SENT;
		plain_send_syn(p, now);
	} else if (!p->cfg.refuse) {
		p->state = PL_LISTEN;
	}
}

static size_t
write_(void *ep, const uint8_t *bytes, size_t len, int64_t now)
{
	struct plain *p = ep;
	uint64_t first = p->una < 1 ? 1 : p->una, room;
	size_t at, n;

	if (p->fin_queued || !plain_synchronized(p))
		return 0;
	room = p->cfg.sndbuf - (p->data_end - first);
	if (len > room)
		len = (size_t)room;
	at = (size_t)((p->data_end - 1) % p->cfg.sndbuf);
	n = len < p->cfg.sndbuf - at ? len : p->cfg.sndbuf - at;
	memcpy(p->sndbuf + at, bytes, n);
	memcpy(p->sndbuf, bytes + n, len - n);
	p->data_end += len;
	if (len && p->cfg.urgent_every && ++p->n_writes % p->cfg.urgent_every == 0)
		p->urgent = p->data_end;
	if (len)
		plain_output(p, now);
	return len;
}

static uint64_t
readable(const struct plain *p)
{
	return p->rcv_nxt ? p->rcv_nxt - p->fin_taken - p->read_at : 0;
}

static size_t
read_(void *ep, uint8_t *bytes, size_t len, int64_t now)
{
	struct plain *p = ep;
	size_t at, n;

	if (len > readable(p))
		len = (size_t)readable(p);
	at = (size_t)(p->read_at % p->rcv_room);
	n = len < p->rcv_room - at ? len : p->rcv_room - at;
	memcpy(bytes, p->rcvbuf + at, n);
	memcpy(bytes + n, p->rcvbuf, len - n);
	p->read_at += len;
	if (len && plain_window_opened(p) &&
	    (p->state == PL_ESTABLISHED || p->state == PL_FIN_WAIT_1 || p->state == PL_FIN_WAIT_2))
		plain_ack(p, now);
	return len;
}

static void
shutdown_(void *ep, int64_t now)
{
	struct plain *p = ep;

	if (p->fin_queued)
		return;
	p->fin_queued = true;
	if (p->state == PL_ESTABLISHED)
		p->state = PL_FIN_WAIT_1;
	else if (p->state == PL_CLOSE_WAIT)
		p->state = PL_LAST_ACK;
	plain_output(p, now);
}

static void
abort_(void *ep, int64_t now)
{
	struct plain *p = ep;

	(void)now;
	if (p->state == PL_CLOSED || p->state == PL_TIME_WAIT)
		return;
	if (p->state == PL_SYN_RCVD || plain_synchronized(p))
		plain_rst(p);
	plain_finish(p, EP_ABORTED);
}

static void
input(void *ep, const struct frame *f, int64_t now)
{
	struct plain *p = ep;
	struct plain_segment s;

	if (plain_parse(&p->cfg.id, f, &s))
		plain_input(p, &s, now);
}

static int64_t
next_timer(void *ep)
{
	struct plain *p = ep;
	int64_t t = p->rto_at;

	t = p->persist_at < t ? p->persist_at : t;
	t = p->delack_at < t ? p->delack_at : t;
	t = p->timewait_at < t ? p->timewait_at : t;
	return p->keepalive_at < t && p->state != PL_TIME_WAIT ? p->keepalive_at : t;
}

static void
run(void *ep, int64_t now)
{
	plain_timers(ep, now);
}

static void
status(void *ep, struct endpoint_status *st)
{
	struct plain *p = ep;
	uint64_t done = p->una < 1 ? 0 : p->una - 1;

	st->fin_acked = p->fin_queued && p->una == p->data_end + 1;
	st->acked = st->fin_acked ? done - 1 : done;
	st->retransmits = p->retransmits;
	if (p->state == PL_CLOSED)
		st->state = p->end;
	else if (p->state == PL_TIME_WAIT)
		st->state = EP_CLOSED;
	else
		st->state = plain_synchronized(p) ? EP_OPEN : EP_OPENING;
	st->eof = p->fin_taken && readable(p) == 0;
}

const struct endpoint_ops plain_endpoint = {
	.name = "plain",
	.create = create,
	.open = open_,
	.write = write_,
	.read = read_,
	.shutdown = shutdown_,
	.abort = abort_,
	.input = input,
	.next_timer = next_timer,
	.run = run,
	.status = status,
	.destroy = destroy,
};
