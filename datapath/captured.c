/* captured.c - two dynamic fields of an mbuf, and the flags that say they are filled. */
#include "datapath/captured.h"

#include <rte_errno.h>
#include <rte_mbuf_dyn.h>

static struct {
	int time, cut;			/* offsets in an mbuf */
	uint64_t has_time, has_cut;	/* flags; 0: not registered */
} field;

/* DPDK registers its own once a process: here, or when its first pcap device is made. */
static int
find_time(void)
{
	int flag, rc = rte_mbuf_dyn_rx_timestamp_register(&field.time, &field.has_time);

	if (rc == 0)
		return 0;
	flag = rte_mbuf_dynflag_lookup(RTE_MBUF_DYNFLAG_RX_TIMESTAMP_NAME, NULL);
	field.time = rte_mbuf_dynfield_lookup(RTE_MBUF_DYNFIELD_TIMESTAMP_NAME, NULL);
	if (flag < 0 || field.time < 0)
		return -rte_errno;
	field.has_time = RTE_BIT64(flag);
	return 0;
}

int
captured_init(void)
{
	static const struct rte_mbuf_dynfield cut = {
		.name = "leat_cut",
		.size = sizeof(uint32_t),
		.align = __alignof__(uint32_t),
	};
	static const struct rte_mbuf_dynflag is_cut = { .name = "leat_is_cut" };
	int rc, flag;

	if (field.has_cut)
		return 0;
	rc = find_time();
	if (rc != 0)
		return rc;
	field.cut = rte_mbuf_dynfield_register(&cut);
	flag = rte_mbuf_dynflag_register(&is_cut);
	if (field.cut < 0 || flag < 0)
		return -rte_errno;
	field.has_cut = RTE_BIT64(flag);
	return 0;
}

void
captured_mark(struct rte_mbuf *m, usec_t at, uint32_t cut)
{
	*RTE_MBUF_DYNFIELD(m, field.time, rte_mbuf_timestamp_t *) = (rte_mbuf_timestamp_t)at.v;
	m->ol_flags |= field.has_time;
	if (cut == 0)
		return;
	*RTE_MBUF_DYNFIELD(m, field.cut, uint32_t *) = cut;
	m->ol_flags |= field.has_cut;
}

bool
captured_at(const struct rte_mbuf *m, usec_t *t)
{
	if (!(m->ol_flags & field.has_time))
		return false;
	t->v = (int64_t)*RTE_MBUF_DYNFIELD(m, field.time, rte_mbuf_timestamp_t *);
	return true;
}

usec_t
captured_forward(struct captured_clock *c, int64_t us)
{
	enum { JUMP_US = 1000 * 1000 };

	us += c->shift;
	if (us <= c->latest - JUMP_US) {
		c->shift += c->latest - us;
		c->jumps++;
	}
	return (usec_t){ us < c->latest ? c->latest : us };
}

uint32_t
captured_cut(const struct rte_mbuf *m)
{
	if (!(m->ol_flags & field.has_cut))
		return 0;
	return *RTE_MBUF_DYNFIELD(m, field.cut, uint32_t *);
}
