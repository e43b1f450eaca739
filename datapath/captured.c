/* captured.c - two dynamic fields of an mbuf, and the flags that say they are filled. */
#include "datapath/captured.h"

#include <rte_errno.h>

struct captured_fields captured_fields;

/* DPDK registers its own once a process: here, or when its first pcap device is made. */
static int
find_time(void)
{
	int flag, rc = rte_mbuf_dyn_rx_timestamp_register(&captured_fields.time,
							  &captured_fields.has_time);

	if (rc == 0)
		return 0;
	flag = rte_mbuf_dynflag_lookup(RTE_MBUF_DYNFLAG_RX_TIMESTAMP_NAME, NULL);
	captured_fields.time = rte_mbuf_dynfield_lookup(RTE_MBUF_DYNFIELD_TIMESTAMP_NAME, NULL);
	if (flag < 0 || captured_fields.time < 0)
		return -rte_errno;
	captured_fields.has_time = RTE_BIT64(flag);
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

	if (captured_fields.has_cut)
		return 0;
	rc = find_time();
	if (rc != 0)
		return rc;
	captured_fields.cut = rte_mbuf_dynfield_register(&cut);
	flag = rte_mbuf_dynflag_register(&is_cut);
	if (captured_fields.cut < 0 || flag < 0)
		return -rte_errno;
	captured_fields.has_cut = RTE_BIT64(flag);
	return 0;
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
