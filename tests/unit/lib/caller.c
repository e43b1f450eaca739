#include "tests/unit/lib/caller.h"

#include <CUnit/CUnit.h>

static void
on_established(void *ctx, struct flow *f)
{
	struct caller *k = ctx;

	k->f = f;
	k->n_established++;
}

static void
on_readable(void *ctx, struct flow *f)
{
	(void)f;
	((struct caller *)ctx)->n_readable++;
}

static void
on_error(void *ctx, struct flow *f)
{
	(void)f;
	((struct caller *)ctx)->n_errors++;
}

static void
on_advice(void *ctx, struct flow *f)
{
	(void)f;
	((struct caller *)ctx)->n_advices++;
}

static void
on_closed(void *ctx, struct flow *f, enum tcpterm_end why)
{
	struct caller *k = ctx;

	k->f = NULL;
	k->n_closed++;
	k->why = why;
	k->error = tcpterm_error(f);
}

void
caller_init(struct caller *k, const struct ends_conf *conf)
{
	static const struct tcpterm_conn_ops ops = {
		.established = on_established,
		.readable = on_readable,
		.closed = on_closed,
		.error = on_error,
		.advice = on_advice,
	};
	struct ends_conf c = *conf;

	memset(k, 0, sizeof *k);
	c.accept = true;
	ends_init(&k->e, &c, false);
	tcpterm_set_conn_ops(k->e.stack, &ops, k);
	ends_handshake(&k->e);
	CU_ASSERT_EQUAL(k->n_established, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(k->f);
}

void
caller_fini(struct caller *k)
{
	ends_fini(&k->e);
}

void
caller_write(struct caller *k, unsigned n)
{
	static const char zeroes[65536];

	CU_ASSERT_FATAL(n <= sizeof zeroes);
	CU_ASSERT_EQUAL(tcpterm_write(k->e.stack, k->f, zeroes, n), (ssize_t)n);
	ends_run(&k->e, 0);
}

void
caller_hear(struct caller *k, int64_t seq, uint32_t len, int64_t ack)
{
	ends_send(&k->e, 0, &(struct ends_seg){ .seq = seq, .len = len, .ack = ack });
	ends_run(&k->e, 0);
}

unsigned
caller_sent(const struct caller *k, unsigned from, uint16_t flags)
{
	unsigned n = 0;

	for (unsigned i = from; i < k->e.n_out; i++)
		n += k->e.out[i].side == 0 && (k->e.out[i].flags & flags);
	return n;
}
