/*
 * checksum.c - known sums, and complete frames.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "datapath/checksum.h"
#include "tests/unit/eal.h"
#include "tests/unit/frame.h"
#include "tests/unit/tap.h"

static struct frame f;

/* RFC 1071 section 3: the sum of 00 01 f2 03 f4 f5 f6 f7 is ddf2. */
static void
sum_of_the_rfcs_example(void)
{
	static const uint8_t bytes[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	struct rte_mbuf *m = test_mbuf_chain(bytes, sizeof bytes, 3, 0, 2);

	CU_ASSERT_EQUAL(ntohs(cksum_mbuf(m, 0, 8)), 0xddf2);
	rte_pktmbuf_free(m);
}

/* RFC 1624 section 4: DD2F, where 5555 became 3285, is 0000. */
static void
update_of_the_rfcs_example(void)
{
	CU_ASSERT_EQUAL(cksum_update16(0xdd2f, 0x5555, 0x3285), 0x0000);
}

static void
make(bool v6, size_t payload)
{
	frame_init(&f);
	frame_ether(&f, 0);
	if (v6)
		frame_ip6(&f, "2001:db8::1", "2001:db8::2", IPPROTO_TCP);
	else
		frame_ip4(&f, "10.1.2.3", "192.0.2.9", IPPROTO_TCP, "\1\1\1\0", 4);
	frame_tcp(&f, 40000, 80, 1, 2, TCP_ACK, 3, "\1\1\1\0", 4);
	frame_fill(&f, payload);
	frame_end(&f);
}

static void
written_checksums_are_those_of_the_plain_loop(void)
{
	size_t l4, len = 101;
	struct rte_mbuf *m;
	uint8_t all[512];
	int v6;

	for (v6 = 0; v6 < 2; v6++) {
		make(v6, len);
		l4 = f.layer[1].at;
		m = test_mbuf_chain(f.b, f.len, l4 + 24, 7, 33);
		memset(rte_pktmbuf_mtod_offset(m, uint8_t *, l4 + 16), 0x77, 2);
		if (!v6)
			memset(rte_pktmbuf_mtod_offset(m, uint8_t *, 14 + 10), 0x77, 2);
		cksum_tcp_write(m, 14, l4);
		memcpy(all, rte_pktmbuf_read(m, 0, f.len, all), f.len);
		CU_ASSERT_EQUAL(memcmp(all, f.b, f.len), 0);
		rte_pktmbuf_free(m);
	}
}

static void
trailer_is_not_summed(void)
{
	struct rte_mbuf *m;

	make(false, 11);
	frame_trailer(&f, 9);
	m = frame_mbuf(&f);
	cksum_tcp_write(m, 14, f.layer[1].at);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod(m, uint8_t *), f.b, f.len), 0);
	rte_pktmbuf_free(m);
}

TAP_MAIN(checksum, TAP_TEST(sum_of_the_rfcs_example), TAP_TEST(update_of_the_rfcs_example),
	 TAP_TEST(written_checksums_are_those_of_the_plain_loop), TAP_TEST(trailer_is_not_summed))
