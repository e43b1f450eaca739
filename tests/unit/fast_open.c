/*
 * A client that sends data in its SYN (RFC 7413), through a relay: it falls back without loss.
 */
#include "tests/unit/lib/ends.h"
#include "tests/unit/tap.h"

static struct ends e;

static void
send_at(unsigned side, int64_t seq, uint32_t len, uint16_t flags)
{
	ends_send(&e, side, &(struct ends_seg){ .seq = seq, .len = len, .flags = flags });
	ends_run(&e, 0);
}

static void
data_of_the_syn_is_delivered_once_when_it_is_sent_again(void)
{
	uint32_t delivered = 0;

	ends_init(&e, &(struct ends_conf){ .wscale = -1 }, false);
	send_at(0, -1, 100, TCP_SYN);
	CU_ASSERT_EQUAL(e.n_forwarded, 1);
	send_at(1, -1, 0, TCP_SYN | TCP_ACK);
	send_at(0, 0, 0, TCP_ACK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ends_flow(&e));
	CU_ASSERT_EQUAL(ends_flow(&e)->kind, TCPTERM_KIND_RELAY);
	CU_ASSERT_EQUAL(ends_count(&e, 0, 0), 0);	/* nothing is acknowledged */
	send_at(0, 0, 100, TCP_ACK);
	ends_run(&e, 100000);
	CU_ASSERT_EQUAL(ends_last(&e, 0)->ack, 100);
	for (unsigned i = 0; i < e.n_out; i++)
		if (e.out[i].side == 1 && e.out[i].len > 0 && e.out[i].seq == delivered) {
			CU_ASSERT_FALSE(e.out[i].bad);
			delivered += e.out[i].len;
		}
	CU_ASSERT_EQUAL(delivered, 100);
	ends_fini(&e);
}

TAP_MAIN(fast_open, TAP_TEST(data_of_the_syn_is_delivered_once_when_it_is_sent_again))
